"""Nothing that a learner wrote is lost: not by `reset`, not by `update`, whatever happens on the way."""

import os
import re
import shutil
import subprocess
from datetime import datetime

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from lib.course import copies
from lib.course.build import stub
from lib.course.transplant import transplant
from tests.course_tree import make_tree, run_module, solution, write_notebooks

DATED = re.compile(r"04_small \(\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d(, \d+)?\)\.ipynb")


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "ü x" / "tree")


def read(tree):
    return nbformat.read(tree / "notebooks" / "04_small.ipynb", 4)


def write(tree, notebook):
    (tree / "notebooks" / "04_small.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")


def cell(notebook, identity):
    return next(one for one in notebook.cells if one.id == identity)


def solve(tree, *names):
    """A learner's work: answers, a cell of their own behind the given one, and outputs."""
    notebook = read(tree)
    for name in names:
        cell(notebook, f"exercise-{name}").source = f"def {name}(x):\n    return 'mine'"
    notebook.cells.insert(2, new_code_cell("print('my own')"))
    write(tree, notebook)
    return (tree / "notebooks" / "04_small.ipynb").read_bytes()


def kept(tree):
    return sorted((tree / "mywork").glob("*")) if (tree / "mywork").exists() else []


# ----------------------------------------------------------------------------------------------------------- copies


def test_no_copy_overwrites_another(tmp_path, monkeypatch):
    monkeypatch.setattr(copies, "MYWORK", tmp_path / "mywork")
    now, path = datetime(2026, 11, 22, 18, 55, 3), tmp_path / "04_x.ipynb"
    for content in (b"one", b"two", b"three"):
        path.write_bytes(content)
        copies.keep(path, now)
    found = {copy.name: copy.read_bytes() for copy in (tmp_path / "mywork").iterdir()}
    name = "04_x (2026-11-22 18.55.03"
    assert found == {f"{name}).ipynb": b"one", f"{name}, 2).ipynb": b"two", f"{name}, 3).ipynb": b"three"}


@pytest.mark.parametrize("step", ["write", "replace"])
def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path, monkeypatch, step):
    path = tmp_path / "04_x.ipynb"
    path.write_bytes(b"mine")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((copies, "_write", full) if step == "write" else (os, "replace", full)))
    with pytest.raises(OSError, match="No space"):
        copies.replace(path, b"new")
    if step == "write":
        monkeypatch.setattr(copies, "MYWORK", tmp_path / "mywork")
        with pytest.raises(OSError, match="No space"):
            copies.keep(path)
        assert list((tmp_path / "mywork").iterdir()) == [], "half a copy is none"
    assert path.read_bytes() == b"mine"
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["04_x.ipynb"]


# ------------------------------------------------------------------------------------------------------------ reset


def test_a_notebook_is_made_new_and_the_old_one_kept(tree):
    new = (tree / "notebooks" / "04_small.ipynb").read_bytes()
    mine = solve(tree, "first")
    done = run_module(tree, "lib.course.reset", "04")
    assert done.returncode == 0, done.stderr
    assert (tree / "notebooks" / "04_small.ipynb").read_bytes() == new
    (copy,) = kept(tree)
    assert DATED.fullmatch(copy.name) and copy.read_bytes() == mine
    assert f"mywork/{copy.name}" in done.stdout
    again = run_module(tree, "lib.course.reset", "04")
    assert (again.returncode, "nothing to do" in again.stdout, kept(tree)) == (0, True, [copy])


def test_one_exercise_is_made_new_and_the_rest_stays(tree):
    unwritten = cell(read(tree), "exercise-first").source
    mine = solve(tree, "first", "second")
    assert run_module(tree, "lib.course.reset", "04", "first").returncode == 0
    notebook = read(tree)
    assert cell(notebook, "exercise-first").source == unwritten
    assert "mine" in cell(notebook, "exercise-second").source
    assert notebook.cells[2].source == "print('my own')"
    assert [copy.read_bytes() for copy in kept(tree)] == [mine]


def test_a_question_is_made_new_as_an_exercise_is(tree):
    asked = solution("first")
    text = "### BEGIN SOLUTION\nrows = 3\n### END SOLUTION"
    asked.cells.append(new_code_cell(text, id="question-rows", metadata={"question": "rows"}))
    write_notebooks(tree, asked)
    book = read(tree)
    assert cell(book, "question-rows").source == "rows = ..."
    cell(book, "question-rows").source = "rows = 4"
    cell(book, "exercise-first").source = "mine"
    write(tree, book)
    assert run_module(tree, "lib.course.reset", "04", "rows").returncode == 0
    assert cell(read(tree), "question-rows").source == "rows = ..."
    assert cell(read(tree), "exercise-first").source == "mine" and len(kept(tree)) == 1


@pytest.mark.parametrize("damage", ["deleted", "split", "without metadata", "without ids"])
def test_an_exercise_is_made_new_wherever_its_cells_went(tree, damage):
    before = read(tree)
    notebook = read(tree)
    position = notebook.cells.index(cell(notebook, "exercise-second"))
    if damage == "deleted":
        del notebook.cells[position]
    elif damage == "split":  # JupyterLab keeps the metadata and makes a new id
        notebook.cells.insert(position + 1, new_code_cell("    return x", metadata={"exercise": "second"}))
    elif damage == "without ids":  # as some programs save notebooks
        notebook.nbformat_minor = 4
        for one in notebook.cells:
            del one["id"]
        notebook.cells[position].source = "def second(x): ..."
    else:
        notebook.cells[position].metadata.clear()
        notebook.cells[position].source = "def second(x): ..."
    write(tree, notebook)
    assert run_module(tree, "lib.course.reset", "04", "second").returncode == 0
    after = read(tree)
    assert [(one.source, one.metadata) for one in after.cells] == [(one.source, one.metadata) for one in before.cells]
    assert (cell(after, "exercise-second").id, nbformat.validate(after)) == ("exercise-second", None)


def test_a_damaged_file_can_be_made_new(tree):
    new = (tree / "notebooks" / "04_small.ipynb").read_bytes()
    damaged = b'{"cells": [<<<<<<< \xff'
    (tree / "notebooks" / "04_small.ipynb").write_bytes(damaged)
    one = run_module(tree, "lib.course.reset", "04", "first")
    assert one.returncode == 1 and "cannot be read as a notebook" in one.stderr and kept(tree) == []
    assert run_module(tree, "lib.course.reset", "04").returncode == 0
    assert [copy.read_bytes() for copy in kept(tree)] == [damaged]
    assert (tree / "notebooks" / "04_small.ipynb").read_bytes() == new


def test_a_deleted_notebook_comes_back(tree):
    path = tree / "notebooks" / "04_small.ipynb"
    new = path.read_bytes()
    path.unlink()
    assert run_module(tree, "lib.course.reset", "04").returncode == 0
    assert path.read_bytes() == new and kept(tree) == []


def test_an_unknown_exercise_is_named(tree):
    mine = solve(tree, "first")
    done = run_module(tree, "lib.course.reset", "04", "third")
    assert done.returncode == 2
    assert done.stderr.strip() == "Notebook 04 has no exercise third; it has first, second."
    assert (tree / "notebooks" / "04_small.ipynb").read_bytes() == mine and kept(tree) == []


def test_a_copy_that_cannot_be_made_stops_the_reset(tree):
    mine = solve(tree, "first")
    (tree / "mywork").write_text("a file where the folder should be")
    done = run_module(tree, "lib.course.reset", "04")
    assert done.returncode == 1 and done.stderr.startswith("Nothing is changed")
    assert (tree / "notebooks" / "04_small.ipynb").read_bytes() == mine


# ------------------------------------------------------------------------------------------------------- transplant


def sources(notebook):
    return [one.source for one in notebook.cells]


def test_answers_and_own_cells_move_into_the_new_version():
    old, new = stub(solution("a", "b")), stub(solution("z", "a", "b", prose="Three exercises."))
    mine = nbformat.from_dict(old)
    cell(mine, "exercise-a").source = "def a(x): return 1"
    cell(mine, "exercise-a").outputs = [nbformat.v4.new_output("stream", text="hello")]
    mine.cells.insert(0, new_markdown_cell("my note at the top"))
    mine.cells.insert(4, new_code_cell("mine_after_a = 1"))
    mine.cells.append(new_markdown_cell("my last note"))
    result, left_out = transplant(old, new, mine)
    written = [one.id for one in result.cells if one.id in {given.id for given in new.cells}]
    assert written == [one.id for one in new.cells], "the course's cells in the course's order"
    assert cell(result, "exercise-a").source == "def a(x): return 1"
    assert cell(result, "exercise-a").outputs[0].text == "hello"
    assert cell(result, "exercise-b").source == cell(new, "exercise-b").source
    assert sources(result)[0] == "my note at the top" and sources(result)[-1] == "my last note"
    assert sources(result)[sources(result).index("def a(x): return 1") + 1] == "mine_after_a = 1"
    assert left_out == 0
    assert nbformat.validate(result) is None


def test_transplanting_an_untouched_notebook_gives_the_new_one():
    old, new = stub(solution("a", "b")), stub(solution("b", "c", prose="Other words."))
    assert transplant(old, new, old) == (new, 0)
    assert transplant(old, old, old) == (old, 0)


def test_an_unwritten_exercise_takes_the_new_wording():
    old, new = stub(solution("a")), stub(solution("a"))
    cell(new, "exercise-a").source = "def a(x, better):\n    raise NotImplementedError()"
    assert cell(transplant(old, new, old)[0], "exercise-a").source.startswith("def a(x, better)")


def test_an_exercise_that_is_gone_stays_as_a_cell_of_the_learners():
    old, new, mine = stub(solution("a", "b")), stub(solution("b")), stub(solution("a", "b"))
    cell(mine, "exercise-a").source = "def a(x): return 1"
    result, left_out = transplant(old, new, mine)
    position = sources(result).index("def a(x): return 1")
    assert sources(result)[position - 1] == "size = 3" and "exercise" not in result.cells[position].metadata
    assert left_out == 0


def test_edits_of_given_cells_stay_where_the_course_kept_the_cell():
    old, mine = stub(solution("a")), stub(solution("a"))
    cell(mine, "given").source, cell(mine, "check-a").source = "size = 5", "print('✓')"
    result, left_out = transplant(old, old, mine)
    assert (cell(result, "given").source, left_out) == ("size = 5", 0)
    assert cell(result, "check-a").source == cell(old, "check-a").source, "checks are the course's"
    for identity in ("other", "given"):
        changed = stub(solution("a"))
        changed.cells[1] = new_code_cell("size = 7", id=identity)
        result, left_out = transplant(old, changed, mine)
        assert (cell(result, identity).source, left_out) == ("size = 7", 1)


@pytest.mark.parametrize("other", ["ids", "format"])
def test_cells_are_known_by_their_metadata_and_source(other):
    old, mine = stub(solution("a", "b")), stub(solution("a", "b"))
    cell(mine, "exercise-b").source = "def b(x): return 2"
    mine.cells.append(new_markdown_cell("my own"))
    for number, one in enumerate(mine.cells):
        if other == "ids":
            one.id = f"new-{number}"
        else:
            del one["id"]
            mine.nbformat_minor = 4
    result, _ = transplant(old, old, mine)
    assert [one.id for one in result.cells[:-1]] == [one.id for one in old.cells]
    assert cell(result, "exercise-b").source == "def b(x): return 2"
    assert nbformat.validate(result) is None


def test_a_split_answer_stays_whole():
    old, mine = stub(solution("a")), stub(solution("a"))
    cell(mine, "exercise-a").source = "helper = 1"
    mine.cells.insert(3, new_code_cell("def a(x): return helper", metadata={"exercise": "a"}))
    result, _ = transplant(old, old, mine)
    assert sources(result)[2:4] == ["helper = 1", "def a(x): return helper"]
    assert len({one.id for one in result.cells}) == len(result.cells)


# ----------------------------------------------------------------------------------------------------------- update


def git(folder, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder, message="a change"):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


@pytest.fixture
def clone(tmp_path):
    """A learner's clone, and beside it the course's home, `clone.parent / "home"`."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    home = make_tree(tmp_path / "ü x" / "home")
    (home / ".gitignore").write_text("__pycache__/\n.course/\nmywork/\n")
    write_notebooks(home, solution("other"), "05_other.ipynb")
    git(home, "init", "--quiet", "--initial-branch=main")
    commit(home)
    git(home.parent, "clone", "--quiet", str(home), "clone")
    return home.parent / "clone"


def publish(clone, *names, prose="A new text."):
    """A new version of notebook 04, and of the library."""
    home = clone.parent / "home"
    write_notebooks(home, solution(*names, prose=prose))
    (home / "lib" / "newer.py").write_text("answer = 2\n")
    commit(home)
    return git(home, "rev-parse", "HEAD")


def test_an_update_brings_the_new_version_and_keeps_the_work(clone):
    mine = solve(clone, "first")
    newest = publish(clone, "zeroth", "first", "second")
    done = run_module(clone, "lib.course.update")
    assert done.returncode == 0, done.stderr
    assert git(clone, "rev-parse", "HEAD") == newest and (clone / "lib" / "newer.py").exists()
    notebook = read(clone)
    assert notebook.cells[0].source == "A new text." and cell(notebook, "exercise-zeroth")
    assert "mine" in cell(notebook, "exercise-first").source
    assert notebook.cells[2].source == "print('my own')"
    (copy,) = kept(clone)
    assert copy.read_bytes() == mine and copy.name in done.stdout
    assert git(clone, "status", "--porcelain") == "M notebooks/04_small.ipynb"
    assert not (clone / ".course" / "updating").exists()
    assert "newest version already" in run_module(clone, "lib.course.update").stdout


def test_what_the_update_does_not_touch_is_left_alone(clone):
    other = (clone / "notebooks" / "05_other.ipynb").read_bytes() + b"\n"
    (clone / "notebooks" / "05_other.ipynb").write_bytes(other)
    (clone / "notebooks" / "04_small-Copy1.ipynb").write_bytes(b"untracked")
    publish(clone, "first")
    assert run_module(clone, "lib.course.update").returncode == 0
    assert (clone / "notebooks" / "05_other.ipynb").read_bytes() == other
    assert (clone / "notebooks" / "04_small-Copy1.ipynb").read_bytes() == b"untracked"
    assert read(clone).cells[0].source == "A new text." and kept(clone) == []


def test_a_renamed_notebook_takes_the_work_along(clone):
    mine = solve(clone, "first")
    home = clone.parent / "home"
    git(home, "mv", "notebooks/04_small.ipynb", "notebooks/04_renamed.ipynb")
    git(home, "mv", "solutions/04_small.ipynb", "solutions/04_renamed.ipynb")
    commit(home)
    assert run_module(clone, "lib.course.update").returncode == 0
    renamed = nbformat.read(clone / "notebooks" / "04_renamed.ipynb", 4)
    assert "mine" in cell(renamed, "exercise-first").source
    assert not (clone / "notebooks" / "04_small.ipynb").exists()
    assert [copy.read_bytes() for copy in kept(clone)] == [mine]


def notebook(clone, name):
    return nbformat.read(clone / "notebooks" / name, 4)


def move(home, *moves):
    for old, new in moves:
        for folder in ("notebooks", "solutions"):
            git(home, "mv", f"{folder}/{old}", f"{folder}/{new}")


def test_a_renumbered_notebook_takes_the_work_along(clone):
    """A notebook put in before it moves all that follow: another one has its number now."""
    mine = solve(clone, "first", "second")
    home = clone.parent / "home"
    move(home, ("05_other.ipynb", "06_other.ipynb"), ("04_small.ipynb", "05_small.ipynb"))
    write_notebooks(home, solution("put_in", prose="Another notebook."), "04_inserted.ipynb")
    commit(home)
    done = run_module(clone, "lib.course.update")
    assert done.returncode == 0, done.stderr
    small = notebook(clone, "05_small.ipynb")
    assert "mine" in cell(small, "exercise-first").source and "mine" in cell(small, "exercise-second").source
    assert small.cells[2].source == "print('my own')"
    assert "mine" not in "".join(sources(notebook(clone, "04_inserted.ipynb")))
    assert git(clone, "status", "--porcelain") == "M notebooks/05_small.ipynb"
    assert [copy.read_bytes() for copy in kept(clone)] == [mine]


@pytest.mark.parametrize("other", ["untouched", "written", "written, without metadata"])
def test_an_exercise_that_moved_to_another_notebook_takes_its_answer_along(clone, other):
    solve(clone, "first", "second")
    copies = 1
    if other != "untouched":
        theirs = notebook(clone, "05_other.ipynb")
        cell(theirs, "exercise-other").source = "def other(x):\n    return 'of the other'"
        theirs.cells.append(new_markdown_cell("my last note"))
        (clone / "notebooks" / "05_other.ipynb").write_text(nbformat.writes(theirs), encoding="utf-8")
        copies = 2
    if other.endswith("metadata"):
        book = read(clone)
        for one in book.cells:
            one.metadata.clear()
        write(clone, book)
    home = clone.parent / "home"
    write_notebooks(home, solution("second", prose="One exercise."))
    write_notebooks(home, solution("other", "first"), "05_other.ipynb")
    commit(home)
    done = run_module(clone, "lib.course.update")
    assert done.returncode == 0, done.stderr
    small, theirs = read(clone), notebook(clone, "05_other.ipynb")
    assert "mine" in cell(theirs, "exercise-first").source and "mine" in cell(small, "exercise-second").source
    assert "def first" not in "".join(sources(small)), "it has not stayed behind as well"
    assert small.cells[0].source == "One exercise." and small.cells[2].source == "print('my own')"
    assert ("of the other" in cell(theirs, "exercise-other").source) == (other != "untouched")
    assert ("my last note" in sources(theirs)) == (other != "untouched")
    assert len(kept(clone)) == copies and "05_other.ipynb has your work in it" in done.stdout
    assert nbformat.validate(theirs) is None


def test_an_exercise_with_a_new_name_takes_its_answer_along(clone):
    """The table is read in the version to arrive at: the one that runs the update cannot know it."""
    book = read(clone)
    cell(book, "exercise-first").source = "def first(x, deep=3):\n    return first(x, deep - 1) if deep else 'mine'"
    write(clone, book)
    home = clone.parent / "home"
    write_notebooks(home, solution("second"))
    write_notebooks(home, solution("other", "foremost"), "05_other.ipynb")
    update = home / "lib" / "course" / "update.py"
    text = update.read_text(encoding="utf-8")
    update.write_text(text.replace("RENAMED: dict[str, str] = {}", "RENAMED: dict[str, str] = {'first': 'foremost'}"))
    commit(home)
    done = run_module(clone, "lib.course.update")
    assert done.returncode == 0, done.stderr
    written = cell(notebook(clone, "05_other.ipynb"), "exercise-foremost").source
    assert written == "def foremost(x, deep=3):\n    return foremost(x, deep - 1) if deep else 'mine'"
    assert len(kept(clone)) == 1


def test_work_whose_notebook_is_gone_is_kept(clone):
    mine = solve(clone, "first")
    home = clone.parent / "home"
    git(home, "rm", "--quiet", "notebooks/04_small.ipynb", "solutions/04_small.ipynb")
    commit(home)
    assert run_module(clone, "lib.course.update").returncode == 0
    assert [copy.read_bytes() for copy in kept(clone)] == [mine]


def test_a_byte_order_mark_does_not_stand_in_the_way(clone):
    mine = b"\xef\xbb\xbf" + solve(clone, "first", "second")
    (clone / "notebooks" / "04_small.ipynb").write_bytes(mine)
    publish(clone, "first", "second")
    assert run_module(clone, "lib.course.update").returncode == 0
    assert "mine" in cell(read(clone), "exercise-first").source
    (clone / "notebooks" / "04_small.ipynb").write_bytes(mine)
    assert run_module(clone, "lib.course.reset", "04", "first").returncode == 0
    assert "mine" not in cell(read(clone), "exercise-first").source
    assert "mine" in cell(read(clone), "exercise-second").source
    assert [copy.read_bytes() for copy in kept(clone)] == [mine, mine]


@pytest.mark.parametrize("module", ["lib.course.update", "lib.course.reset"])
@pytest.mark.parametrize(("option", "status"), [("--help", 0), ("--nonsense", 2)])
def test_help_and_unknown_options_change_nothing(clone, module, option, status):
    mine = solve(clone, "first")
    publish(clone, "first")
    head = git(clone, "rev-parse", "HEAD")
    done = run_module(clone, module, option)
    assert done.returncode == status and f"usage: python -m {module}" in done.stdout + done.stderr
    assert git(clone, "rev-parse", "HEAD") == head and kept(clone) == []
    assert (clone / "notebooks" / "04_small.ipynb").read_bytes() == mine


def test_a_solution_that_was_run_does_not_stand_in_the_way(clone):
    (clone / "solutions" / "04_small.ipynb").write_text("{}")
    publish(clone, "first")
    assert run_module(clone, "lib.course.update").returncode == 0
    assert [copy.read_text() for copy in kept(clone)] == ["{}"]
    assert git(clone, "status", "--porcelain") == ""


def test_staged_work_is_kept_too(clone):
    solve(clone, "first")
    git(clone, "add", "--all")
    publish(clone, "first")
    assert run_module(clone, "lib.course.update").returncode == 0
    assert "mine" in cell(read(clone), "exercise-first").source


@pytest.mark.parametrize(
    ("why", "sentence"),
    [
        ("offline", "could not be reached"),
        ("diverged", "commits of its own"),
        ("changed library", "You have changed lib/course/status.py"),
        ("damaged notebook", "cannot be read as a notebook"),
        ("no upstream", "follows no branch"),
        ("in the way", "git could not update"),
    ],
)
def test_where_an_update_cannot_be_made_nothing_changes(clone, why, sentence):
    mine = solve(clone, "first")
    home = clone.parent / "home"
    (home / "lib" / "course" / "status.py").write_text("changed = 1\n")
    publish(clone, "first")
    if why == "offline":
        home.rename(home.parent / "away")
    elif why == "diverged":
        (clone / "notes.txt").write_text("mine")
        commit(clone)
    elif why == "changed library":
        (clone / "lib" / "course" / "status.py").write_text("changed = 'by me'\n")
    elif why == "damaged notebook":
        mine = b"{ <<<<<<<"
        (clone / "notebooks" / "04_small.ipynb").write_bytes(mine)
    elif why == "no upstream":
        git(clone, "checkout", "--quiet", "--detach")
    else:
        (clone / "lib" / "newer.py").write_text("mine")
    head = git(clone, "rev-parse", "HEAD")
    done = run_module(clone, "lib.course.update")
    assert done.returncode == 1 and done.stdout == ""
    assert sentence in done.stderr and len(done.stderr.splitlines()) == 1
    assert "Nothing is changed." in done.stderr or "Your notebooks are as they were." in done.stderr
    assert git(clone, "rev-parse", "HEAD") == head
    if why != "diverged":
        assert (clone / "notebooks" / "04_small.ipynb").read_bytes() == mine


CUT = (
    """
from lib.course import update
git, update.settle = update.git, lambda: None
def until_the_merge(*arguments):
    if arguments[0] == "merge":
        raise SystemExit("power cut")
    return git(*arguments)
update.git = until_the_merge
update.update()
""",
    """
from lib.course import update
update.settle = lambda: None
update.update()
""",
)


@pytest.mark.parametrize("cut", ["during git", "after git", "after git, and worked on"])
def test_an_update_that_was_cut_off_is_finished_by_the_next(clone, cut):
    """A crash after everything is prepared: git has put the course's notebook in the place of the learner's."""
    mine = solve(clone, "first")
    publish(clone, "first")
    git(clone, "fetch", "--quiet")
    (clone / "lib" / "cut.py").write_text(CUT[cut != "during git"])
    run_module(clone, "lib.cut")
    assert "mine" not in "".join(sources(read(clone))), "the moment of the crash"
    assert (clone / ".course" / "updating" / "target").exists()
    if cut.endswith("worked on"):
        notebook = read(clone)
        cell(notebook, "exercise-first").source = "written after the crash"
        write(clone, notebook)
    done = run_module(clone, "lib.course.update")
    assert done.returncode == 0, done.stderr
    notebook = read(clone)
    assert "mine" in cell(notebook, "exercise-first").source
    assert notebook.cells[0].source == "A new text."
    found = [copy.read_bytes() for copy in kept(clone)]
    assert mine in found
    assert any(b"written after the crash" in copy for copy in found) == cut.endswith("worked on")
