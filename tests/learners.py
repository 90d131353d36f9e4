"""Notebooks as learners leave them, for the tests of grading.

answered      a notebook with the given exercises written
wrong_cell    the source of a registered wrong answer, as a learner would have it in a cell
grade         run `pytest --nbval` on a folder of notebooks; {(file, exercise): (status, text)}
"""

import copy
import inspect
import re
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lib.course.cells import NOTEBOOKS, ROOT, SOLUTIONS, role
from tests.graders.cases import Case, load


def untouched(stem: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{stem}.ipynb", 4)


def solution(stem: str) -> NotebookNode:
    return nbformat.read(SOLUTIONS / f"{stem}.ipynb", 4)


def cell_of(notebook: NotebookNode, kind: str, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if role(cell) == (kind, name))


def right_cell(stem: str, name: str) -> str:
    return cell_of(solution(stem), "exercise", name).source


def answered(stem: str, *names: str, **sources: str) -> NotebookNode:
    """The stub with these exercises solved, and these written as given."""
    notebook = copy.deepcopy(untouched(stem))
    for name in names:
        cell_of(notebook, "exercise", name).source = right_cell(stem, name)
    for name, source in sources.items():
        cell_of(notebook, "exercise", name).source = source
    return notebook


def wrong_case(stem: str, name: str) -> Case:
    """A registered wrong answer that can stand in a cell: a plain function or class, told its own mistake."""
    wrong, _ = load(stem[3:])
    cases = [case for case in wrong if case.exercise == name and case.says and inspect.getsource(case.answer)[0] == "@"]
    return next(case for case in cases if case.says not in ("raised", "return"))


def wrong_cell(stem: str, name: str) -> str:
    """Its source under the exercise's name, with what its file imports and defines for all of them."""
    case = wrong_case(stem, name)
    source = textwrap.dedent(inspect.getsource(case.answer))
    source = re.sub(r"^@wrong\(.*?\)\n(?=def |class )", "", source, flags=re.DOTALL)
    own = case.answer.__name__
    source = re.sub(rf"^(def|class) {own}\b", rf"\1 {name}", source).replace(f"super({own}", f"super({name}")
    text = inspect.getsource(sys.modules[case.answer.__module__])
    preamble = text[: text.index("\n@wrong")].replace("from tests.graders.cases import wrong", "")
    return f"{preamble.strip()}\n\n\n{source}"


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
