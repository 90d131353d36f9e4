"""What every notebook keeps to: headings, sizes, hints, and prose that can be read in a contents panel."""

import ast
import builtins
import re

import pytest

from lib.checks import NOTEBOOKS, exercise
from lib.checks.core import Exercise, Question
from lib.course.build import LARGEST
from lib.course.cells import SOLUTIONS, names_bound, names_used, parse, role, untrained_cells
from tests.learners import solution, untouched

HEADINGS = ["The question", "By hand", "The picture", "In code", "What to remember"]  # in this order, others between
LONGEST_CELL, LONGEST_CLASS = 15, 30  # statements
WIDEST = 88  # characters: what JupyterLab shows at 1100 pixels without scrolling
FILLERS = re.compile(r"\b(simply|just|obviously|trivially|basically)\b", re.IGNORECASE)


@pytest.fixture(params=NOTEBOOKS, scope="module")
def stem(request):
    return request.param


@pytest.fixture(scope="module")
def cells(stem):
    return solution(stem).cells


def test_headings_stand_in_the_usual_order(stem, cells):
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    title, *found = re.findall(r"^#{1,2} (.+)$", text, re.MULTILINE)
    assert re.match(rf"{int(stem[:2])} · ", title)
    assert [heading for heading in found if heading in HEADINGS] == HEADINGS
    for kind, asked in (("Exercise", Exercise), ("Question", Question)):
        names = [name for name in NOTEBOOKS[stem] if isinstance(exercise(name), asked)]
        numbered = [f"{kind} {int(stem[:2])}.{i} · {name}" for i, name in enumerate(names, 1)]
        assert [heading for heading in found if heading.startswith(kind)] == numbered
    assert "After this notebook you can" in cells[0].source and "**Next**" in cells[-1].source


def test_cells_are_short(stem, cells):
    for cell in cells:
        if cell.cell_type == "code":
            statements = [part for part in ast.walk(ast.parse(cell.source)) if isinstance(part, ast.stmt)]
            most = LONGEST_CLASS if "class " in cell.source or role(cell)[0] == "exercise" else LONGEST_CELL
            folded = cell.metadata.get("jupyter", {}).get("source_hidden")  # draws or asserts, and is not read
            assert folded or len(statements) <= most, f"{stem}: {len(statements)} statements in {cell.source[:80]!r}"
            widest = max(cell.source.splitlines(), key=len, default="")
            assert len(widest) <= WIDEST, f"{stem}: {len(widest)} characters in the line {widest!r}"


def test_exercises_have_hints_difficulty_and_minutes(stem, cells):
    for i, cell in enumerate(cells):
        if role(cell)[0] == "exercise":
            task = cells[i - 1].source
            assert "<details><summary>" in task and "minutes" in task and re.search("[●○]{3}", task)
            assert {"difficulty", "minutes"} <= cell.metadata.keys()
            assert role(cells[i + 1]) == ("check", role(cell)[1])


def test_prose_does_not_say_that_it_is_easy(cells):
    for cell in cells:
        if cell.cell_type == "markdown":
            assert not FILLERS.search(cell.source), cell.source


def test_sizes_outputs_and_metadata(stem, cells):
    assert (SOLUTIONS / f"{stem}.ipynb").stat().st_size <= LARGEST
    pictures = 0
    for cell in cells:
        assert cell.metadata.keys() <= {
            "exercise",
            "question",
            "check",
            "nbgrader",
            "difficulty",
            "minutes",
            "tags",
            "jupyter",
            "deletable",
            "editable",
            "seconds",
        }
        for output in cell.get("outputs", []):
            assert output.output_type in ("stream", "display_data", "execute_result"), output
            pictures += "image/png" in output.get("data", {})
    assert pictures
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in untouched(stem).cells)


def test_cells_that_are_graded_without_training_have_all_names_that_they_use(cells):
    """An import that an exercise needs may not stand in a cell that waits for training."""
    known = {*dir(builtins), "get_ipython"}
    for cell in untrained_cells(cells):
        tree = parse(cell.source)
        known |= names_bound(tree)
        assert names_used(tree) <= known, cell.source


def test_a_question_that_is_not_answered_stops_no_cell(cells):
    """An unanswered question's name stands for `...`: a given cell that uses the name has to reckon with that."""
    questions = {role(cell)[1] for cell in cells if role(cell)[0] == "question"}
    for cell in cells:
        if cell.cell_type != "code" or role(cell)[0]:
            continue
        tree = parse(cell.source)
        used = names_used(tree) & questions
        reckons_with_it = any(isinstance(part, ast.Constant) and part.value is ... for part in ast.walk(tree))
        assert not used or reckons_with_it, f"{cell.id} fails where {sorted(used)} is not answered"
