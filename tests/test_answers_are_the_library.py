"""The answer shown in a solution is the code of lib, by syntax tree (docstrings and annotations aside)."""

import ast
import inspect
import textwrap

import pytest

from lib.checks import NOTEBOOKS, exercise
from lib.course.cells import role
from tests.learners import cell_of, solution

EVERYTHING = [(stem, name) for stem, names in NOTEBOOKS.items() for name in names]
EXERCISES = [(stem, name) for stem, name in EVERYTHING if callable(exercise(name).reference)]


def code_of(source: str, name: str) -> str:
    """The definition of `name` in a source, without docstrings, annotations and decorators' arguments."""
    node = next(n for n in ast.parse(textwrap.dedent(source)).body if getattr(n, "name", None) == name)
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(part) is not None:
            part.body = part.body[1:]
        if isinstance(part, ast.FunctionDef):
            part.returns = None
        if isinstance(part, ast.arg):
            part.annotation = None
    return ast.unparse(node)


@pytest.mark.parametrize("stem, name", EXERCISES)
def test_the_answer_is_the_library(stem, name):
    answer = cell_of(solution(stem), "exercise", name).source
    assert code_of(answer, name) == code_of(inspect.getsource(exercise(name).reference), name)


@pytest.mark.parametrize("stem", NOTEBOOKS)
def test_the_list_of_exercises_is_that_of_the_notebook(stem):
    cells = solution(stem).cells
    for kinds in (("exercise", "question"), ("check",)):
        assert [role(cell)[1] for cell in cells if role(cell)[0] in kinds] == NOTEBOOKS[stem]
    for name in NOTEBOOKS[stem]:
        source = cell_of(solution(stem), "check", name).source
        assert source == f'from lib.checks import check\n{name} = check("{name}")'
