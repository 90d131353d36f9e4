"""The environment that the course runs in: the learner's active one, else `.venv` beside the code, filled on first use.

    environment          its Python, ready to use
    active_environment   the folder of the environment that the learner has activated
    owner                the clone of the course that an environment imports `lib` from, unless told otherwise

A marker file, written last, says what a finished set-up has installed; a second start only reads it. Standard library
only: it runs before anything is installed.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lib.course.programs import ROOT, WINDOWS, Stop, run_quietly

OLDEST = (3, 11)
TORCH_INDEX = "COURSE_TORCH_INDEX"  # an environment variable: where else to look for PyTorch's builds
SPACE, SPACE_ON_LINUX = 2e9, 5.5e9  # bytes; the environment takes 1.6 GB, and 5.0 GB with NVIDIA's libraries
PACKAGE = "transformer-course"
MARKER = "course-setup.json"
HALF_MADE = "course-half-made"  # is there while something is being installed


def environment(*groups: str) -> Path:
    """The Python of the environment, which is made and filled where that is still to do.

    groups: of pyproject.toml's optional packages, what is needed besides: "test", "book".
    """
    active = active_environment()
    home = active or ROOT / ".venv"
    python, found = python_of(home), recorded(home)
    needed = wanted(python, sorted({*groups, *found.get("groups", [])}), owner(home, found))
    if found == needed and python.exists():
        return python
    with only_one_set_up(home):
        if python.exists() and {**found, "root": needed["root"]} == needed:
            with contextlib.suppress(Stop):  # the folder was moved; without a network, PYTHONPATH still finds lib
                pip(python, ["--no-deps", "-e", "."])
            write_marker(home, needed)
        else:
            set_up(home, needed, never_finished=not found, is_ours=not active)
    return python


def active_environment() -> Path | None:
    """The folder of the active environment, if any. Conda's "base" counts as none: it is everybody's."""
    if sys.prefix != sys.base_prefix:
        return Path(sys.prefix)
    if (named := os.environ.get("VIRTUAL_ENV")) and python_of(Path(named)).exists():
        return Path(named)
    conda = os.environ.get("CONDA_PREFIX")
    if conda and os.environ.get("CONDA_DEFAULT_ENV") != "base" and Path(sys.prefix) == Path(conda):
        return Path(conda)
    return None


def python_of(home: Path) -> Path:
    """The Python of the environment in a folder. It need not exist."""
    if home == Path(sys.prefix):
        return Path(sys.executable)
    return home / ("Scripts/python.exe" if WINDOWS else "bin/python")


def owner(home: Path, found: dict) -> str:
    """The clone whose `lib` an environment imports where PYTHONPATH does not say otherwise, as `course.py` does.

    Another clone that has installed itself in an active environment keeps it, as long as it is there.
    """
    if home == ROOT / ".venv":
        return str(ROOT)
    theirs = found.get("root") or installed(python_of(home))
    return theirs if theirs and (Path(theirs) / "lib" / "course").is_dir() else str(ROOT)


def installed(python: Path) -> str:
    """The folder that `pip install -e` has noted for the course in an environment; empty when it has not."""
    code = f"import importlib.metadata as m; print(m.distribution({PACKAGE!r}).read_text('direct_url.json'))"
    said = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True).stdout
    try:
        return str(Path(url2pathname(urlsplit(json.loads(said)["url"]).path)).resolve())
    except (ValueError, TypeError, KeyError):  # not installed, or not from a folder
        return ""


def wanted(python: Path, groups: list[str], root: str) -> dict:
    """What the marker of a finished set-up says. New requirements, a new Python and a moved folder all change it."""
    files = [ROOT / "requirements.txt", ROOT / "pyproject.toml"]
    packages = hashlib.sha256(b"\0".join(file.read_bytes() for file in files if file.exists())).hexdigest()
    return {"packages": packages, "python": os.path.realpath(python), "root": root, "groups": groups}


def recorded(home: Path) -> dict:
    """What the marker in an environment says; empty when there is none."""
    try:
        return dict(json.loads((home / MARKER).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_marker(home: Path, content: dict) -> None:
    new = home / f"{MARKER}.new"
    new.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(new, home / MARKER)


def set_up(home: Path, needed: dict, never_finished: bool, is_ours: bool) -> None:
    """Make the environment where it is ours to make, and install everything. A failure leaves no new one behind."""
    python, writable = python_of(home), is_writable(ROOT)
    if is_ours and not writable:
        raise Stop(f"{ROOT} cannot be written to: copy the course to a folder of yours, or activate an environment.")
    is_new = is_ours and (not has_pip(python) or (never_finished and (home / HALF_MADE).exists()))
    if is_new:
        refuse_to_make(home)  # before anything is deleted
    else:
        check(
            python,
            way_out=f"delete {home}" if is_ours else "deactivate it, and the course makes an environment of its own",
        )
    where = "in .venv" if is_ours else f"in the active environment {home}"
    first = f"Setting the course up {where}. Once only; it takes some minutes."
    print(first if never_finished else f"Bringing the set-up {where} up to date.", flush=True)
    if never_finished and space() > SPACE and not shutil.which("nvidia-smi"):
        print(
            f"  PyTorch for Linux may bring gigabytes of NVIDIA's libraries; see {TORCH_INDEX} in the README.",
            flush=True,
        )
    try:
        if is_new:
            make_environment(home)
        (home / HALF_MADE).write_text("", encoding="utf-8")
        install(python, with_lib=writable and needed["root"] == str(ROOT), groups=needed["groups"])
        write_marker(home, needed | {"python": os.path.realpath(python)})
    except BaseException as error:
        if is_new:
            shutil.rmtree(home, ignore_errors=True)
        elif isinstance(error, Stop):  # pip has said why, and has left the environment as it was
            (home / HALF_MADE).unlink(missing_ok=True)
        raise
    (home / HALF_MADE).unlink(missing_ok=True)
    print("The course is set up.", flush=True)


def refuse_to_make(home: Path) -> None:
    """Raises Stop when a new environment has no room, or when something else stands in its place."""
    if home.is_symlink() or home.is_file():
        raise Stop(f"{home} is not a folder, and the course's environment belongs there: move it away.")
    if home.exists() and any(home.iterdir()):
        if not (home / "pyvenv.cfg").exists() and not (home / HALF_MADE).exists():
            raise Stop(f"{home} holds something other than a Python environment: move it away.")
        print(f"{home.name} is not complete: making it again.", flush=True)
    free, needed = shutil.disk_usage(home.parent).free, space()
    if free < needed and any(line.startswith("torch") for line in requirements()):
        smaller = f"; with {TORCH_INDEX} (see the README) {SPACE / 1e9:g} GB do" if needed > SPACE else ""
        raise Stop(
            f"The disk is too full: set-up needs {needed / 1e9:g} GB in {home}, "
            f"and {free / 1e9:.1f} GB are free{smaller}."
        )


def space() -> float:
    """The bytes that a set-up needs. PyTorch's usual build for Linux brings NVIDIA's libraries."""
    return SPACE_ON_LINUX if sys.platform == "linux" and not os.environ.get(TORCH_INDEX) else SPACE


def make_environment(home: Path) -> None:
    """A fresh virtual environment, also in place of a broken or half-made one."""
    home.mkdir(exist_ok=True)
    (home / HALF_MADE).write_text("", encoding="utf-8")
    command = [sys.executable, "-m", "venv", "--clear", str(home)]
    run_quietly(command, "Making the environment", "making the environment")


def project() -> dict:
    """What pyproject.toml says of the course as a package; empty without such a file."""
    path = ROOT / "pyproject.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))["project"] if path.exists() else {}


def requirements() -> list[str]:
    """The packages that pyproject.toml lists, and the lines of requirements.txt, without comments."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in (re.sub(r"(^|\s)#.*", "", line).strip() for line in lines) if line]
    return [*project().get("dependencies", []), *lines]


def optional(group: str) -> list[str]:
    """The packages of one of pyproject.toml's groups, with those of the groups that it names."""
    declared, packages = project(), []
    for line in declared["optional-dependencies"][group]:
        named = re.fullmatch(rf"{re.escape(declared['name'])}\[([\w-]+)\]", line)
        packages += optional(named[1]) if named else [line]
    return packages


def install(python: Path, with_lib: bool, groups: list[str]) -> None:
    """All requirements, with this clone's `lib` or without, and the packages of some optional groups."""
    packages = [line for line in requirements() if with_lib or not line.startswith("-e")]
    index = os.environ.get(TORCH_INDEX)
    if index and (torch := [line for line in packages if line.startswith("torch==")]):
        pip(python, [*torch, "--extra-index-url", index])
    if packages:
        pip(python, [part for line in packages for part in (line.split(maxsplit=1) if line[0] == "-" else [line])])
    if extra := [package for group in groups for package in optional(group)]:
        pip(python, list(dict.fromkeys(extra)))


def pip(python: Path, arguments: list[str]) -> None:
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--no-warn-script-location"]
    command = [str(python), "-m", "pip", "install", *options, *arguments]
    run_quietly(command, "Installing the packages", "looking up the packages")


def has_pip(python: Path) -> bool:
    """Whether this Python is there and has pip, or can be given it (some tools make environments without)."""
    if not python.exists():
        return False
    for module in (["pip", "--version"], ["ensurepip"], ["pip", "--version"]):
        done = subprocess.run([python, "-m", *module], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode == 0 and module[0] == "pip":
            return True
    return False


def check(python: Path, way_out: str) -> None:
    """Raises Stop when the Python of an environment that is there already is too old, or has no pip."""
    asked = [python, "-c", "import sys; print(*sys.version_info[:2])"]
    version = tuple(int(part) for part in subprocess.run(asked, capture_output=True, text=True).stdout.split())
    if version < OLDEST:
        is_old = f"is Python {version[0]}.{version[1]}, and the course needs {OLDEST[0]}.{OLDEST[1]} or newer"
        raise Stop(f"{python} {is_old if version else 'does not work'}: {way_out}.")
    if not has_pip(python):
        raise Stop(f"{python} has no pip: {way_out}.")


def is_writable(folder: Path) -> bool:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return error.errno == errno.ENOSPC  # a full disk is another story
    return True


@contextlib.contextmanager
def only_one_set_up(home: Path) -> Iterator[None]:
    """Two windows that set up at once would break each other's environment. The lock ends with its process.

    Its file is taken away while it is still locked. Whoever opened it before that then holds the lock of a file that is
    no longer there, sees that, and opens the new one.
    """
    path = Path(tempfile.gettempdir()) / f"course-setup-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}.lock"
    while True:
        with path.open("w") as file:
            if not lock(file):
                raise Stop("The course is being set up in another window: wait until that is done.")
            if not is_at(path, file):
                continue
            try:
                yield
            finally:
                if WINDOWS:  # an open file cannot be taken away there: neither this one nor another window's
                    file.close()
                with contextlib.suppress(OSError):
                    path.unlink()
            return


def is_at(path: Path, file: IO) -> bool:
    """Whether an open file is the one that has this path now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def lock(file: IO) -> bool:
    """Whether this process has the file to itself now, until it closes it."""
    try:
        if WINDOWS:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
