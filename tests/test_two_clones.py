"""A notebook of one clone of the course and the `lib` of another: each uses its own, or one sentence refuses."""

import inspect
import os
import shutil
import subprocess
import sys

import pytest

from lib import checks
from lib.checks import clone
from lib.course.cells import ROOT, SOLUTIONS


@pytest.fixture
def other(tmp_path):
    """A second clone, with this one's checks and a notebook that is solved."""
    tree = tmp_path / "ü x" / "other"
    shutil.copytree(ROOT / "lib", tree / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("course.py", "conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tree)
    for folder in ("solutions", "notebooks"):
        (tree / folder).mkdir()
        shutil.copy(SOLUTIONS / "00_start_here.ipynb", tree / folder)
    return tree


def test_a_notebook_of_another_clone_is_told_so(other, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for folder in (other, other / "notebooks", other / "notebooks" / "deeper"):
        assert clone.another_clone(folder) == (
            f"this notebook is of {other}, but `lib` comes from {ROOT}: `python3 course.py lab` there uses its own."
        )
    for folder in (ROOT, ROOT / "notebooks", other.parent):
        assert clone.another_clone(folder) == ""
    monkeypatch.chdir(other)
    assert clone.another_clone()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["elsewhere", str(ROOT)]))
    assert clone.another_clone() == "", "it was asked for"


def plain(*arguments, cwd):
    """A Python without PYTHONPATH, as `source .venv/bin/activate` leaves it."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", *arguments], cwd=cwd, env=environ, capture_output=True, encoding="utf-8"
    )
    return done.stdout + done.stderr


def test_plain_pytest_in_another_clone_uses_that_clones_lib(other):
    with (other / "lib" / "checks" / "core.py").open("a", encoding="utf-8") as core:
        core.write("\n\nExercise.judge = lambda *given, **named: Verdict('wrong', 'judged by the other clone')\n")
    assert "judged by the other clone" in plain("-m", "pytest", "--nbval", "notebooks/00_start_here.ipynb", cwd=other)


@pytest.mark.skipif("another_clone" not in inspect.getsource(checks), reason="check does not ask yet")
def test_a_check_in_a_plain_jupyter_lab_refuses(other):
    cell = "from lib.checks import check\nweighted_average = lambda weights, values: weights @ values\n"
    said = plain("-c", f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{cell}check('weighted_average')",
                 cwd=other / "notebooks")  # fmt: skip
    assert f"CheckFailed: ✗ weighted_average: this notebook is of {other}, but `lib` comes from {ROOT}" in said
