"""`from lib.yours import ...`: the learner's own code where it passes, visibly, and the course's where it does not."""

import nbformat
import pytest
import torch

from lib import yours as yours_module
from lib.attention import weighted_average as reference
from lib.course import yours
from lib.course.cells import NOTEBOOKS

RIGHT = "def weighted_average(weights, values):\n    return (weights[:, None] * values).sum(0)"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write the learner's notebook 00 with this exercise cell and these cells before it."""
    monkeypatch.setattr(yours, "REMEMBERED", tmp_path / ".course" / "verdicts.json")
    monkeypatch.delenv("COURSE_YOURS", raising=False)

    def make(exercise, before=(), after=()):
        notebook = nbformat.read(NOTEBOOKS / "00_start_here.ipynb", 4)
        place = next(i for i, cell in enumerate(notebook.cells) if cell.id == "exercise-weighted_average")
        notebook.cells[place].source = exercise
        notebook.cells[place + 1 : place + 1] = map(nbformat.v4.new_code_cell, after)
        notebook.cells[place:place] = map(nbformat.v4.new_code_cell, before)
        nbformat.write(notebook, tmp_path / "00_start_here.ipynb")
        return yours.piece("weighted_average", tmp_path)

    return make


def mix(piece):
    return piece.answer(torch.tensor([0.25, 0.75]), torch.tensor([[4.0], [8.0]])).item()


def test_unwritten(write):
    found = write("def weighted_average(weights, values):\n    # YOUR CODE HERE\n    raise NotImplementedError()")
    assert found.status == "unwritten" and found.answer is reference


def test_passed(write):
    found = write(RIGHT)
    assert found.status == "passed" and found.answer is not reference and mix(found) == 7.0


def test_wrong(write):
    found = write("def weighted_average(weights, values):\n    return values.mean(0)")
    assert found.status == "wrong" and found.answer is reference
    assert found.reason.startswith("this is the plain mean")


def test_changed_after_passing(write):
    assert write(RIGHT).status == "passed"
    assert write(RIGHT.replace("sum", "mean")).status == "wrong"
    assert write(RIGHT).status == "passed"


def test_a_remembered_verdict_is_used_for_the_same_code_only(write, monkeypatch):
    write(RIGHT)
    asked = yours.exercise("weighted_average")
    judged = []
    monkeypatch.setattr(type(asked), "judge", lambda self, answer, seed=0: judged.append(1))
    assert write(RIGHT).status == "passed" and not judged


def test_depends_on_a_helper_and_an_import_in_other_cells(write):
    found = write(
        "def weighted_average(weights, values):\n    return total(weights[:, None] * values)",
        before=[
            "import torch as t\nscale = 1.0",
            "def total(rows):\n    return t.sum(rows, dim=0) * scale",
            "broken = 1 / 0",
        ],
    )
    assert found.status == "passed" and mix(found) == 7.0


def test_a_helper_between_exercise_and_check_counts(write):
    found = write(
        "def weighted_average(weights, values):\n    return late(weights, values)",
        after=["def late(weights, values):\n    return weights @ values"],
    )
    assert found.status == "passed"


def test_local_names_do_not_pull_in_unrelated_cells(write):
    found = write(
        "def weighted_average(weights, values):\n    mixed = weights @ values\n    return mixed",
        before=["mixed = 1 / 0"],
    )
    assert found.status == "passed"


@pytest.mark.parametrize(
    "cell, reason",
    [
        ("import no_such_module\n" + RIGHT + "\n    no_such_module", "no_such_module"),
        ("from math import nothing_there\ndef weighted_average(w, v):\n    return nothing_there(w @ v)", "ImportError"),
        ("def weighted_average(w, v):\n    return w @ v @ undefined_name", "undefined_name"),
        ("def weighted_average(w, v:\n    return w @ v", ""),
    ],
)
def test_raises_at_import_or_cannot_be_parsed(write, cell, reason):
    found = write(cell)
    assert found.status in ("wrong", "unwritten") and found.answer is reference and reason in found.reason


def test_an_endless_loop_ends(write, monkeypatch):
    monkeypatch.setattr(yours, "SECONDS", 0.5)
    found = write("def weighted_average(w, v):\n    while True:\n        pass")
    assert found.status == "wrong" and "still running" in found.reason


def test_a_damaged_notebook_gives_the_courses_version(write, tmp_path):
    write(RIGHT)
    (tmp_path / "00_start_here.ipynb").write_text("{ not json", encoding="utf-8")
    found = yours.piece("weighted_average", tmp_path)
    assert found.answer is reference and "cannot be read" in found.reason
    (tmp_path / "00_start_here.ipynb").unlink()
    assert yours.piece("weighted_average", tmp_path).answer is reference


def test_the_import_says_whose_it_is(monkeypatch, capsys):
    for status, said in [
        ("passed", "weighted_average: yours, notebook 00\n"),
        ("unwritten", "weighted_average: the course's (yours is not written yet, notebook 00)\n"),
        ("wrong", "weighted_average: the course's (yours in notebook 00 does not pass: no scale)\n"),
    ]:
        piece = yours.Piece("weighted_average", status, reference, "no scale")
        monkeypatch.setattr(yours_module, "piece", lambda name, piece=piece: piece)
        from lib.yours import weighted_average  # noqa: F401

        assert capsys.readouterr().out == said
    with pytest.raises(ImportError):
        from lib.yours import nothing_of_that_name  # noqa: F401
