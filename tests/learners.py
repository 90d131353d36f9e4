"""Notebooks as learners leave them, for the tests of grading.

answered      a notebook with the given exercises written
wrong_cell    the source of a registered wrong answer, as a learner would have it in a cell
grade         run `pytest --nbval` on a folder of notebooks; {(file, exercise): (status, text)}
"""

import ast
import copy
import inspect
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lib.checks import exercise
from lib.checks.core import Question
from lib.course.cells import ANSWERS, NOTEBOOKS, ROOT, SOLUTIONS, depends_on, role
from tests.graders.cases import Case, load


def untouched(stem: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{stem}.ipynb", 4)


def solution(stem: str) -> NotebookNode:
    return nbformat.read(SOLUTIONS / f"{stem}.ipynb", 4)


def cell_of(notebook: NotebookNode, kind: str, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if role(cell) == (kind, name))


def answer_cell(notebook: NotebookNode, name: str) -> NotebookNode:
    """The cell for the answer to an exercise or a question."""
    return next(cell for cell in notebook.cells if role(cell)[0] in ANSWERS and role(cell)[1] == name)


def right_cell(stem: str, name: str) -> str:
    return answer_cell(solution(stem), name).source


def answered(stem: str, *names: str, **sources: str) -> NotebookNode:
    """The stub with these exercises solved, and these written as given."""
    notebook = copy.deepcopy(untouched(stem))
    for name in names:
        answer_cell(notebook, name).source = right_cell(stem, name)
    for name, source in sources.items():
        answer_cell(notebook, name).source = source
    return notebook


def wrong_case(stem: str, name: str) -> Case:
    """A registered wrong answer that is a plain function or class and is told its own mistake."""
    if isinstance(exercise(name), Question):
        return Case(name, "no answer", "is not the answer")
    wrong, _ = load(stem[3:])
    written = [case for case in wrong if case.exercise == name and not case.name]  # edits have no source of their own
    cases = [case for case in written if case.says not in (None, "raised", "return")]
    return next(case for case in cases if getattr(case.answer, "__qualname__", "<made>").isidentifier())


def wrong_cell(stem: str, name: str) -> str:
    """Its source with all that it needs, and the exercise's name for it."""
    answer = wrong_case(stem, name).answer
    if not callable(answer):
        return f"{name} = {answer!r}"
    statements = ast.parse(inspect.getsource(sys.modules[answer.__module__])).body
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            statement.decorator_list = []
    needed, _ = depends_on(answer.__name__, pieces=statements)
    return "\n\n".join(map(ast.unparse, needed)) + f"\n\n{name} = {answer.__name__}"


def write(notebook: NotebookNode | str, path: Path) -> None:
    text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
    path.write_text(text, encoding="utf-8")


def grade(folder: Path, *options: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Grade every notebook in a folder through the command that learners use."""
    xml = folder / "verdicts.xml"
    command = [sys.executable, "-m", "pytest", "-p", "lib.course.grading", "--nbval", f"--junitxml={xml}", *options]
    done = subprocess.run(
        [*command, "--rootdir", folder, folder], cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
    )
    assert xml.exists(), done.stdout + done.stderr
    found = {}
    for case in ElementTree.parse(xml).iter("testcase"):
        failure = case.find("failure")
        text = "" if failure is None else failure.get("message", "")
        status, _, reason = text.partition(": ")
        assert case.find("error") is None, ElementTree.tostring(case, encoding="unicode")
        name = case.get("classname").rpartition(".")[0].rpartition(".")[2] or case.get("classname")
        found[name, case.get("name")] = (status if failure is not None else "done", reason)
    found["", "output"] = (str(done.returncode), done.stdout)
    return found
