"""What a learner can do from inside a notebook: fetch the course, have the notebook checked, make an exercise new.

    FETCH, CHECK         the two cells for it, by their ids: the builder puts them into every learner's notebook
    check_this_notebook  `course.py check` of the notebook that this is called in
    reset_exercise       `course.py reset` of one of its exercises

Which file the notebook is, Jupyter's server and VS Code tell its kernel. Both work on the file, so it has to be saved;
that is seen by the cell that calls them. While a notebook is graded they do nothing, or grading would start itself.
"""

import os
import subprocess
import sys
from pathlib import Path

from lib.course.commands import GRADING
from lib.course.placing import NOTEBOOKS, SOLUTIONS, Damaged, read
from lib.course.programs import ROOT, child_environ

FETCH = """\
# Opened alone, on Colab for example? Then write the address where you found the course between the quotes, and this
# cell fetches it and installs what it needs. Beside the course there is nothing to do here.
COURSE = ""

from importlib.util import find_spec

if find_spec("lib") is None:
    import os, subprocess, sys

    if not os.path.isdir("course"):
        assert COURSE, "the course is not here: write its address between the quotes"
        subprocess.run(["git", "clone", "-q", "--depth", "1", COURSE, "course"], check=True)
    packages = ["tiktoken", "safetensors", "nbval", "pytest-xdist"]
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *packages], check=True)
    sys.path.insert(0, os.path.abspath("course"))"""
CHECK = """\
# Save the notebook (Ctrl+S), take the "# " away from one of the last two lines, and run this cell.
# The first has all exercises checked; the second makes one new, and what you wrote is kept in the folder mywork.
from lib.course.here import check_this_notebook, reset_exercise

# check_this_notebook()
# reset_exercise("NAME")"""
CELLS = {"course-fetch": FETCH, "course-check": CHECK}
NOT_KNOWN = (
    "Where this notebook is saved is not known here. In a terminal, in the course's folder, "
    "`python3 course.py {} NN` does it; NN is the notebook's number."
)


def check_this_notebook() -> None:
    """Print what `course.py check` says of this notebook, as it is saved."""
    if path := _saved("check"):
        _show("pytest", "--nbval", str(path), *GRADING)


def reset_exercise(name: str) -> None:
    """Make one exercise of this notebook new in its file. What was written is kept in the folder mywork."""
    if path := _saved("reset"):
        if path.parent != NOTEBOOKS or not (SOLUTIONS / path.name).exists():
            print(f"Only the notebooks in {NOTEBOOKS} are made new, and {path} is none of them.")
        elif _show("lib.course.reset", path.name[:2], name):
            print("Now load it anew: in JupyterLab, File > Reload Notebook from Disk.")


def _saved(command: str) -> Path | None:
    """The file of this notebook, if it holds the cell that is running; else the reason is printed."""
    if os.environ.get("COURSE_YOURS") == "off":  # this notebook is being graded
        return None
    from IPython import get_ipython  # slow to import, and the builder only wants the cells

    running = get_ipython()
    name = running.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    if not name or not os.path.isfile(name):
        print(NOT_KNOWN.format(command))
        return None
    path, source = Path(name).resolve(), running.user_ns["In"][-1].strip()
    try:
        if any(cell["source"].strip() == source for cell in read(path)["cells"]):
            return path
        print("The notebook is not saved as it stands: save it (Ctrl+S), then run this cell again.")
    except Damaged as damage:
        print(f"{path} cannot be read as a notebook: {damage}.")
    return None


def _show(*words: str) -> bool:
    """Run a module in this Python and print what it says, as it comes. Returns whether it ended well."""
    environ = child_environ() | {"COURSE_FROM": os.getcwd()}
    with subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=environ, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", errors="replace") as child:  # fmt: skip
        for line in child.stdout:
            print(line, end="", flush=True)
    return child.returncode == 0
