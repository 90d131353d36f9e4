"""A class run with nbgrader on the course's own solutions: what is given out, what hand-ins score, what comes back."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lib.course import here
from lib.course.build import as_text
from lib.course.cells import ANSWERS, NOTEBOOKS, ROOT, SOLUTIONS, role
from lib.course.programs import child_environ

api = pytest.importorskip("nbgrader.api")
STEM = "00_start_here"  # an exercise, and cells that wait for training


def nbgrader(folder: Path, *arguments: str) -> str:
    """Run a command of nbgrader's as an instructor does; return what it says."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env=child_environ(), capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stderr


def hand_in(folder: Path, student: str, notebook: nbformat.NotebookNode) -> None:
    path = folder / "submitted" / student / "solutions" / f"{STEM}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(as_text(notebook), encoding="utf-8")


def released(folder: Path, stem: str = STEM) -> nbformat.NotebookNode:
    return nbformat.read(folder / "release" / "solutions" / f"{stem}.ipynb", 4)


def wrong(source: str) -> str:
    return source.replace("raise NotImplementedError()", "return 3").replace("= ...", "= 'no idea'")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A class of six: what was given out, handed in, graded and sent back."""
    folder = tmp_path_factory.mktemp("class") / "ü x"
    shutil.copytree(SOLUTIONS, folder / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    nbgrader(folder, "generate_assignment", "solutions")

    solved = nbformat.read(SOLUTIONS / f"{STEM}.ipynb", 4)
    hand_in(folder, "right", solved)
    hand_in(folder, "empty", released(folder))
    guessed = released(folder)
    for cell in guessed.cells:
        cell.source = wrong(cell.source) if role(cell)[0] in ANSWERS else cell.source
    hand_in(folder, "wrong", guessed)
    noisy = nbformat.from_dict(solved)
    for cell in noisy.cells:
        cell.source = cell.source.replace("### BEGIN SOLUTION", "import sys; print('careful', file=sys.stderr)")
    hand_in(folder, "noisy", noisy)
    lost = nbformat.from_dict(solved)  # another tool has dropped the metadata, and the checks are gone
    lost.cells = [cell for cell in lost.cells if role(cell)[0] != "check"]
    for cell in lost.cells:
        cell.metadata.clear()
    hand_in(folder, "lost", lost)
    forged = released(folder)
    for cell in forged.cells:
        if role(cell)[0] == "check":
            cell.source, cell.metadata = "print('✓')", {"tags": ["training"], "nbgrader": cell.metadata.nbgrader}
    hand_in(folder, "forged", forged)

    said = nbgrader(folder, "autograde", "solutions", f"--notebook={STEM}")
    nbgrader(folder, "generate_feedback", "solutions", f"--notebook={STEM}")
    return folder, said


def test_what_is_given_out_is_the_learners_notebook(course):
    folder, _ = course
    assert {path.suffix for path in (folder / "release" / "solutions").iterdir()} == {".ipynb"}, "no sources"
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        ours, theirs = nbformat.read(path, 4), released(folder, path.stem)
        for cell in theirs.cells:
            for added in ("checksum", "cell_type"):
                cell.metadata.get("nbgrader", {}).pop(added, None)
            if role(cell)[0] in ANSWERS:
                assert cell.metadata.pop("deletable") is False
        assert theirs.cells == [cell for cell in ours.cells if cell.id not in here.CELLS], path.name


def test_right_is_full_and_wrong_or_nothing_is_zero(course):
    folder, _ = course
    with api.Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        found = {one.student.id: one for one in book.notebook_submissions(STEM, "solutions")}
        scores = {student: one.score for student, one in found.items()}
        full = {one.max_score for one in found.values()}
        assert not [one for one in found.values() if one.needs_manual_grade]
    checks = [cell for cell in nbformat.read(SOLUTIONS / f"{STEM}.ipynb", 4).cells if role(cell)[0] == "check"]
    assert full == {sum(cell.metadata.nbgrader.points for cell in checks)}
    best = full.pop()
    assert scores == {"right": best, "lost": best, "noisy": best, "wrong": 0, "empty": 0, "forged": 0}


def test_feedback_says_what_is_wrong(course):
    folder, _ = course
    pages = {path.parent.parent.name: path.read_text(encoding="utf-8") for path in folder.rglob(f"{STEM}.html")}
    assert len(pages) == 6
    assert "✓ weighted_average" in pages["right"]
    assert "✗ weighted_average: " in pages["wrong"] and "✗ weighted_average: not written yet" in pages["empty"]


def test_nobody_waits_for_training(course):
    folder, said = course
    graded = nbformat.read(folder / "autograded" / "right" / "solutions" / f"{STEM}.ipynb", 4)
    training = [cell for cell in graded.cells if "training" in cell.metadata.get("tags", [])]
    assert training and not [cell for cell in training if cell.outputs]
    assert len({line.split("COURSE_SEED=")[1] for line in said.splitlines() if "COURSE_SEED=" in line}) == 1
