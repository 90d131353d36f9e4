"""From inside a notebook: the course fetched, the notebook checked, an exercise made new."""

import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from lib.course import here
from lib.course.build import stub
from lib.course.cells import NOTEBOOKS, role
from lib.course.plan import plan
from tests.course_tree import make_tree, solution

ALL = [pytest.param(path, id=path.stem[:2]) for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
IN_A_NOTEBOOK = """
import IPython
class Shell:
    user_ns = {"In": ["", SOURCE]}
IPython.get_ipython = lambda: Shell
"""
IS_NOT_HERE = """
import importlib.util, subprocess
found, run = importlib.util.find_spec, subprocess.run
importlib.util.find_spec = lambda name: None if name == "lib" else found(name)
subprocess.run = lambda command, **named: print(command[1:4]) if command[1] == "-m" else run(command, **named)
"""


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "ü x" / "tree")


def python(code, folder, tree, **environ):
    environ = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", **environ}
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "JPY_"))} | environ
    return subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=folder, env=environ)


def called(tree, line, name=None, saved=True, **environ):
    """What is printed when a line is run in the small course's notebook, or in another file."""
    path = tree / "notebooks" / (name or "04_small.ipynb")
    if saved and path.exists():
        notebook = nbformat.read(path, 4)
        notebook.cells.append(new_code_cell(line))
        nbformat.write(notebook, path)
    code = IN_A_NOTEBOOK.replace("SOURCE", repr(line)) + f"from lib.course import here\nhere.{line}"
    done = python(code, path.parent, tree, **{"JPY_SESSION_NAME": str(path), **environ})
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", ALL)
def test_every_notebook_has_both_cells_and_no_more(path):
    notebook = nbformat.read(path, 4)
    found = {cell.id: cell.source for cell in notebook.cells if cell.id in here.CELLS}
    assert found == here.CELLS and [notebook.cells[1].id, notebook.cells[-1].id] == list(found)


def test_a_cell_for_fetching_does_nothing_beside_the_course():
    names = {}
    exec(here.FETCH, names)
    assert set(names) == {"__builtins__", "COURSE", "find_spec"}


def test_alone_it_says_that_it_needs_the_address_then_fetches_and_installs(tree, tmp_path):
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", *command], cwd=tree, check=True)
    alone = tmp_path / "alone"
    alone.mkdir()
    done = python(IS_NOT_HERE + here.FETCH, alone, alone)
    assert "AssertionError: the course is not here: write its address between the quotes" in done.stderr
    written = here.FETCH.replace('COURSE = ""', f"COURSE = {tree.as_uri()!r}")
    for _ in range(2):  # and once more, after the kernel was restarted
        done = python(f"{IS_NOT_HERE}{written}\nimport lib\nprint(lib.__file__)", alone, alone)
        assert not done.stderr and done.stdout.split("\n")[0] == "['-m', 'pip', 'install']"
        assert done.stdout.strip().endswith(str(alone / "course" / "lib" / "__init__.py"))


def test_a_notebook_is_checked_as_it_is_saved(tree):
    path = tree / "notebooks" / "04_small.ipynb"
    told = called(tree, "check_this_notebook()")
    assert told.startswith(
        f"['--nbval', '{path}', '-p', 'lib.course.grading'"
    )  # what the small course's pytest was told
    assert called(tree, "check_this_notebook()  # again", saved=False).startswith("The notebook is not saved as it st")


def test_while_it_is_graded_nothing_is_done(tree):
    assert called(tree, "check_this_notebook()", COURSE_YOURS="off") == ""
    assert called(tree, "reset_exercise('first')", COURSE_YOURS="off") == ""


@pytest.mark.parametrize("environ", [{"JPY_SESSION_NAME": ""}, {"JPY_SESSION_NAME": "away"}])
def test_where_nobody_says_which_file_it_is_the_terminal_is_named(tree, environ):
    assert "`python3 course.py check NN`" in called(tree, "check_this_notebook()", **environ)


def test_one_exercise_is_made_new_and_what_was_written_is_kept(tree):
    path = tree / "notebooks" / "04_small.ipynb"
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if role(cell)[0] == "exercise":
            cell.source = f"def {role(cell)[1]}(x):\n    return 'mine'"
    nbformat.write(notebook, path)
    told = called(tree, "reset_exercise('first')").splitlines()
    assert told[0].startswith("first in notebooks/04_small.ipynb is new again. What you had is kept in mywork")
    assert "Reload Notebook from Disk" in told[1]
    cells = {role(cell): cell.source for cell in nbformat.read(path, 4).cells}
    assert "NotImplementedError" in cells["exercise", "first"] and "mine" in cells["exercise", "second"]
    (kept,) = (tree / "mywork").glob("*.ipynb")
    assert kept.read_text(encoding="utf-8").count("mine") == 2


def test_what_cannot_be_made_new_is_said(tree):
    told = called(tree, "reset_exercise('third')")
    assert told.strip() == "Notebook 04 has no exercise third; it has first, second."
    other = tree / "notebooks" / "copy.ipynb"
    other.write_bytes((tree / "notebooks" / "04_small.ipynb").read_bytes())
    assert called(tree, "reset_exercise('first')", "copy.ipynb").endswith("is none of them.\n")
    assert not (tree / "mywork").exists()
    other.write_text("{", encoding="utf-8")
    assert "cannot be read as a notebook: it breaks off" in called(
        tree, "check_this_notebook()", "copy.ipynb", saved=False
    )


def test_the_cells_are_no_part_of_what_is_graded():
    given = solution("first")
    given.cells.insert(0, new_markdown_cell("# A title", id="title"))
    learners = stub(given)
    assert [cell.id for cell in learners.cells if cell.id in here.CELLS] == list(here.CELLS)
    (segment,) = plan(given, learners)
    assert not [step for step in segment.steps if step.why == "own"]
    assert "course-check" not in {cell.id for cell in given.cells}
