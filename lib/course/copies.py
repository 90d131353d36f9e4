"""Nothing a learner wrote is lost: a dated copy before, and a file replaced only when the new one is complete.

keep      copy a notebook byte for byte into mywork/
replace   put new content in a file's place
"""

import os
from datetime import datetime
from itertools import count
from pathlib import Path

from lib.course.cells import ROOT

MYWORK = ROOT / "mywork"


def keep(path: Path, now: datetime | None = None) -> Path:
    """Copy a file to `mywork/NN_name (2026-11-22 18.55.03).ipynb` and return that path. No copy is ever overwritten."""
    content = path.read_bytes()
    when = (now or datetime.now()).strftime("%Y-%m-%d %H.%M.%S")
    MYWORK.mkdir(exist_ok=True)
    for number in count(1):
        copy = MYWORK / f"{path.stem} ({when}{f', {number}' if number > 1 else ''}){path.suffix}"
        try:
            file = copy.open("xb")
        except FileExistsError:
            continue
        try:
            with file:
                _write(file, content)
        except BaseException:
            copy.unlink(missing_ok=True)  # half a copy would look like one
            raise
        return copy
    raise AssertionError("unreachable")


def replace(path: Path, content: bytes) -> None:
    """Write a file beside and move it into place: whatever happens, `path` holds the old content or the new one."""
    new = path.with_name(f"{path.name}.new")
    try:
        with new.open("wb") as file:
            _write(file, content)
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _write(file, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())  # a full disk and a power cut show here, not later
