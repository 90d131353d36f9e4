"""Two clones of the course and one environment: is the notebook of the clone that `lib` is of?"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def another_clone(folder: Path | None = None) -> str:
    """The sentence for a notebook in a folder (the present one) of another clone than this `lib` is of; else nothing.

    `course.py` puts its own clone on PYTHONPATH: then this `lib` was asked for, wherever the notebook is.
    """
    asked_for = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if ROOT in (Path(path).resolve() for path in asked_for if path):
        return ""
    here = (folder or Path.cwd()).resolve()
    for parent in (here, *here.parents):
        if (parent / "course.py").is_file() and (parent / "lib" / "checks").is_dir():
            start = "`python3 course.py lab` there uses its own"
            return "" if parent == ROOT else f"this notebook is of {parent}, but `lib` comes from {ROOT}: {start}."
    return ""
