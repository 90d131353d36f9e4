"""The whole chain for every exercise: unwritten is ○, right is ✓, wrong is ✗, whatever was done around it.

The first two are `python -m lib.course.selfcheck`. Here every exercise is answered wrongly, and its notebook tampered
with: all saved outputs forged, or the checks edited, moved and duplicated, or the checks deleted. What is done to a
notebook does not depend on its exercises, so the first three notebooks get all three, and the others one each, in turn.
"""

import copy

import nbformat
import pytest

from lib.checks import NOTEBOOKS
from lib.course.cells import role
from tests.learners import answered, grade, solution, write, wrong_case, wrong_cell


def all_wrong(stem):
    return answered(stem, **{name: wrong_cell(stem, name) for name in NOTEBOOKS[stem]})


def forged_outputs(stem):
    """Every output is what the solution would show, as if the wrong cells had been run and passed."""
    notebook, outputs = all_wrong(stem), {cell.id: cell for cell in solution(stem).cells}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.id in outputs:
            cell.outputs, cell.execution_count = copy.deepcopy(outputs[cell.id].outputs), 1
    return notebook


def tampered_checks(stem):
    """Each check says ✓ itself, stands twice, and has moved to the top; `check` is the learner's own."""
    notebook = all_wrong(stem)
    for cell in notebook.cells:
        if role(cell)[0] == "check":
            cell.source = f"check = print\nprint('✓ {role(cell)[1]}')"
            cell.metadata = {**cell.metadata, "editable": True}
    checks = [cell for cell in notebook.cells if role(cell)[0] == "check"]
    twins = [nbformat.v4.new_code_cell(cell.source, metadata=cell.metadata) for cell in checks]
    notebook.cells = [*checks, *(cell for cell in notebook.cells if role(cell)[0] != "check"), *twins]
    return notebook


def deleted_checks(stem):
    notebook = all_wrong(stem)
    notebook.cells = [cell for cell in notebook.cells if role(cell)[0] != "check"]
    return notebook


TAMPERINGS = [forged_outputs, tampered_checks, deleted_checks]
TRIED = [  # (notebook, what is done to it)
    (stem, tampering)
    for number, stem in enumerate(NOTEBOOKS)
    for tampering in (TAMPERINGS if number < len(TAMPERINGS) else [TAMPERINGS[number % len(TAMPERINGS)]])
]
CASES = [(stem, name, tampering.__name__) for stem, tampering in TRIED for name in NOTEBOOKS[stem]]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("submissions")
    for stem, tampering in TRIED:
        write(tampering(stem), folder / f"{stem[:2]}_{tampering.__name__}.ipynb")
    return grade(folder, "-n", "2")


@pytest.mark.parametrize("stem, name, tampering", CASES)
def test_a_wrong_answer_is_told_its_mistake_whatever_was_done_to_the_notebook(verdicts, stem, name, tampering):
    status, text = verdicts[f"{stem[:2]}_{tampering}", name]
    assert status == "wrong" and wrong_case(stem, name).says in text
