"""A class's folder: every file is told by what it holds and named by its path; nothing that lies beside it runs."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from lib.course import limits
from lib.course.cells import NOTEBOOKS, ROOT, SOLUTIONS, role
from lib.course.commands import GRADING
from lib.course.limits import Limit
from tests.learners import solution

BOOK = "00_start_here"
COUNT = sum(role(cell)[0] == "check" for cell in solution(BOOK).cells)
RIGHT = ["ada/00_start_here", "start_here_bo", "team_07_00_start_here", "99_cy", "dan 04 final (2)", "build/eve"]
BESIDE = ["conftest.py", "ada/conftest.py", "ada/__init__.py", "ada/test_it.py", "ada/lib.py", "ada/torch.py",
          "ada/ipykernel_launcher.py", "ada/sitecustomize.py", "ada/IPython.py", "bob/conftest.py"]  # fmt: skip


def run(folder, *arguments, cwd=ROOT, **environ):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")} | environ
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:xdist", folder, *arguments]
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, encoding="utf-8")


def leaves_a_trace(folder):
    return f"open({str(folder / 'trace')!r}, 'a').write(__file__ + '\\n')\n"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class 3b")
    for name in (*RIGHT, "bob/00_start_here", "__MACOSX/x"):
        (folder / name).parent.mkdir(exist_ok=True)
    for name in RIGHT:
        shutil.copy(SOLUTIONS / f"{BOOK}.ipynb", folder / f"{name}.ipynb")
    shutil.copy(NOTEBOOKS / f"{BOOK}.ipynb", folder / "bob" / "00_start_here.ipynb")
    shutil.copy(NOTEBOOKS / f"{BOOK}.ipynb", folder / "fay.IPYNB")
    shutil.copy(NOTEBOOKS / f"{BOOK}.ipynb", folder / "gil.ipynb.txt")
    (folder / "__MACOSX" / "._x.ipynb").write_bytes(b"\0\5\26\7")
    (folder / "00_cut.ipynb").write_text('{"cells": [', encoding="utf-8")
    notes = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(leaves_a_trace(folder).replace("__file__", "''"))]
    )
    nbformat.write(notes, folder / "00_notes.ipynb")
    for name in BESIDE:
        (folder / name).write_text(leaves_a_trace(folder), encoding="utf-8")
    (folder / "ada" / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n", encoding="utf-8")
    done = run(folder, *GRADING, COURSE_FROM=str(folder), COURSE_SEED="7")
    assert "Traceback" not in done.stdout + done.stderr
    return folder, done


@pytest.mark.parametrize("name", RIGHT)
def test_a_notebook_under_any_name_is_graded_and_named_by_its_path(graded, name):
    assert f" {name.replace('/', os.sep)}.ipynb: {COUNT} of {COUNT} done" in graded[1].stdout


def test_the_others_are_named_with_the_reason(graded):
    done = graded[1]
    said = done.stdout
    assert f" {os.path.join('bob', '00_start_here.ipynb')}: 0 of {COUNT} done" in said
    assert f" fay.IPYNB: 0 of {COUNT} done" in said
    for name, reason in [
        ("gil.ipynb.txt", "its name ends in .txt, not in .ipynb."),
        (os.path.join("__MACOSX", "._x.ipynb"), "macOS puts such a file beside the real one"),
        ("00_cut.ipynb", "cannot be read as a notebook: it breaks off in the middle. Ask for the right file."),
        ("00_notes.ipynb", "none of the course's exercises is in it. Ask for the right file."),
    ]:
        section = said.partition(f" {name}: not graded ")[2]
        assert section.partition("\n")[2].lstrip().startswith(f"✗ the file  {reason}"), said
    assert done.returncode == 1 and "reset" not in said
    assert all(
        count in said.splitlines()[-1] for count in (f"{6 * COUNT} passed", f"{2 * COUNT} not done yet", "4 not graded")
    )
    assert "probes drawn with seed 7; COURSE_SEED=7 repeats them" in said


def test_nothing_from_beside_a_notebook_has_run(graded):
    assert not (graded[0] / "trace").exists(), (graded[0] / "trace").read_text()


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The course with one notebook, as someone has cloned it."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "lib", folder / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "pyproject.toml", f"solutions/{BOOK}.ipynb", f"notebooks/{BOOK}.ipynb"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def test_the_plain_command_runs_nothing_from_beside_a_notebook_either(clone):
    for name in ("conftest.py", "torch.py", "ipykernel_launcher.py", "lib.py", "__init__.py", "test_x.py"):
        (clone / "notebooks" / name).write_text(leaves_a_trace(clone), encoding="utf-8")
    done = run(f"notebooks/{BOOK}.ipynb", cwd=clone, PYTHONPATH="")
    assert f"{COUNT} not done yet in" in done.stdout, done.stdout + done.stderr
    assert f" {os.path.join('notebooks', BOOK)}.ipynb: 0 of {COUNT} done" in done.stdout
    assert not (clone / "trace").exists(), (clone / "trace").read_text()


def test_a_learner_is_told_how_to_make_a_damaged_notebook_new(clone):
    kept = (clone / "notebooks" / f"{BOOK}.ipynb").read_text(encoding="utf-8")
    for damaged in ("", '{"cells": []}'):
        (clone / "notebooks" / f"{BOOK}.ipynb").write_text(damaged, encoding="utf-8")
        said = run("notebooks", cwd=clone, PYTHONPATH="").stdout
        assert "`python3 course.py reset 00` makes it new and keeps a copy." in said and "1 not graded" in said
    (clone / "notebooks" / f"{BOOK}.ipynb").write_text(kept, encoding="utf-8")


def test_every_run_draws_its_own_seed_and_a_wrong_one_is_refused(clone):
    (clone / "empty").mkdir(exist_ok=True)
    seeds = "import os; from lib.course import grading; grading.pytest_configure({}); print(os.environ['COURSE_SEED'])"
    config = "type('C', (), {'option': type('O', (), dict(nbval=True, nbval_lax=False, nbval_cell_timeout=9, "
    config += "nbval_kernel_startup_timeout=60))(), 'pluginmanager': type('P', (), {'register': print})()})()"
    drawn = set()
    for _ in range(3):
        environ = os.environ | {"PYTHONPATH": str(clone)}
        environ.pop("COURSE_SEED", None)
        done = subprocess.run([sys.executable, "-c", seeds.format(config)], env=environ, capture_output=True, text=True)
        drawn.add(done.stdout.splitlines()[-1])
    assert len(drawn) > 1 and all(seed.isdecimal() for seed in drawn)
    done = run("empty", cwd=clone, COURSE_SEED="x")
    assert "COURSE_SEED is a whole number, not 'x'." in done.stderr and done.returncode == 4


@pytest.mark.parametrize(
    "lasted, used, said, overloaded",
    [
        (9, 9, "", False),
        (11, 11, "still running after 10 s: an endless loop?", False),
        (11, 0.01, "not finished after 11 s, of which it computed for 0.0 s. Does it wait for something?", False),
        (40, 5, "", False),  # a busy machine: it has not had its time
        (51, 5, "not finished after 51 s, of which it computed for 5.0 s.", True),
    ],
)
def test_only_what_a_process_has_computed_is_held_against_it(monkeypatch, lasted, used, said, overloaded):
    clock = [0.0, 0.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(limits, "computed", lambda pid: clock[1])
    limit = Limit(0, 10)
    clock[:] = lasted, used
    assert (limit.passed(), limit.overloaded) == (said, overloaded)
