"""`from lib.yours import ...`: the learner's own code where it passes, visibly, and the course's where it does not.

The scenarios are what learners do to cells. Each is judged by nbval and by lib.yours, which must agree.
"""

import re

import nbformat
import pytest
import torch

from lib import yours as yours_module
from lib.attention import weighted_average as reference
from lib.checks import exercise
from lib.course import judging, status, yours
from lib.course.cells import NOTEBOOKS
from lib.course.excerpts import ALL, GIVEN, NEEDED, Book
from tests.learners import answered, cell_of, grade, right_cell, untouched
from tests.learners import write as write_file

BOOK, NAME = "00_start_here", "weighted_average"
STOPPED = "(still running|not finished) after"  # the second where the machine was too busy to let it compute
HEAD = "def weighted_average(weights, values):\n"
RIGHT = HEAD + "    return (weights[:, None] * values).sum(0)"
WRONG = HEAD + "    return values.mean(0)"
HELPED = HEAD + "    return helper(weights, values)"
HELPER = "def helper(weights, values):\n    return weights @ values"
BROKEN_HELPER = "def helper(weights, values):\n    return values[0]"
INDENTED = HELPER.replace("\n", "\n    ")
UNWRITTEN = cell_of(untouched(BOOK), "exercise", NAME).source
EINSUM = HEAD + "    return einsum('k,kd->d', weights, values)"
GUARDED = "if __name__ == '__main__':\n    " + RIGHT.replace("\n", "\n    ")
SWALLOWS = HEAD + "    while True:\n        try:\n            while True: pass\n        except BaseException: pass"


def notebook(exercise, before=(), after=(), copies=()):
    """Notebook 00 with this exercise cell, own cells before and after it, and cells that claim to be it above."""
    made = nbformat.read(NOTEBOOKS / f"{BOOK}.ipynb", 4)
    cell = cell_of(made, "exercise", NAME)
    place = made.cells.index(cell)
    cell.source = exercise
    new = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
        "raw": nbformat.v4.new_raw_cell,
    }
    made.cells[place + 1 : place + 1] = map(nbformat.v4.new_code_cell, after)
    made.cells[place:place] = [new[kind](source, metadata=cell.metadata) for kind, source in copies]
    made.cells[place:place] = map(nbformat.v4.new_code_cell, before)
    return made


SCENARIOS = {  # name: (status, the notebook)
    "as it comes": ("unwritten", notebook(UNWRITTEN)),
    "right": ("passed", notebook(RIGHT)),
    "wrong": ("wrong", notebook(WRONG)),
    "%%time": ("passed", notebook(f"%%time\n{RIGHT}")),
    "%%capture, indented": ("passed", notebook(f"\n%%capture out\n{RIGHT}")),
    "!ls": ("passed", notebook(f"!ls\n{RIGHT}")),
    "name?": ("passed", notebook(f"{RIGHT}\nweighted_average?")),
    "%matplotlib": ("passed", notebook(f"%matplotlib inline\n{RIGHT}")),
    "a magic in a helper's cell": ("passed", notebook(HELPED, [f"%%time\n{HELPER}"])),
    "%time binds": ("passed", notebook(HELPED, ["%time helper = lambda w, v: w @ v"])),
    "%%timeit binds nothing": ("wrong", notebook(HELPED, ["%%timeit\nhelper = lambda w, v: w @ v"])),
    "the stub's last line was left": ("passed", notebook(f"{RIGHT}\n    raise NotImplementedError()")),
    "bound in if": ("passed", notebook(HELPED, [f"if True:\n    {INDENTED}"])),
    "bound in try": ("passed", notebook(HELPED, [f"try:\n    1 / 0\nexcept ZeroDivisionError:\n    {INDENTED}"])),
    "bound in for": ("passed", notebook(HELPED, ["for helper in [lambda w, v: w @ v]: pass"])),
    "bound in with": (
        "passed",
        notebook(HELPED, ["import contextlib", "with contextlib.nullcontext(lambda w, v: w @ v) as helper: pass"]),
    ),
    "bound by :=": ("passed", notebook(HELPED, ["[helper := f for f in [lambda w, v: w @ v]]"])),
    "bound by global": (
        "passed",
        notebook(HELPED, [f"def set_up():\n    global helper\n    {INDENTED}", "set_up()"]),
    ),
    "bound by a star import": ("passed", notebook(EINSUM, ["from torch import *"])),
    "bound by exec": ("passed", notebook(HELPED, ["exec('helper = lambda w, v: w @ v')"])),
    "bound in globals()": ("passed", notebook(HELPED, ["globals()['helper'] = lambda w, v: w @ v"])),
    "the answer is bound by an assignment": ("passed", notebook(f"{HELPER}\nweighted_average = helper")),
    "a method put on a class later": (
        "passed",
        notebook(
            HEAD + "    return Mixer().mix(weights, values)",
            ["class Mixer:\n    pass"],
            ["def mix(self, weights, values):\n    return weights @ values\nMixer.mix = mix"],
        ),
    ),
    "setattr on a class": (
        "passed",
        notebook(
            HEAD + "    return Mixer.mix(weights, values)",
            ["class Mixer:\n    pass"],
            ["setattr(Mixer, 'mix', lambda w, v: w @ v)"],
        ),
    ),
    "a helper is spoiled later": ("wrong", notebook(HELPED, [HELPER], [BROKEN_HELPER])),
    "a decorator": ("passed", notebook(f"@same\n{RIGHT}", ["def same(function):\n    return function"])),
    "a list that a cell fills": (
        "passed",
        notebook(HEAD + "    return ways[-1](weights, values)", ["ways = []", "ways.append(lambda w, v: w @ v)"]),
    ),
    "an old wrong try above": ("passed", notebook(RIGHT, copies=[("code", WRONG)])),
    "an old wrong try in text cells": ("passed", notebook(RIGHT, copies=[("markdown", WRONG), ("raw", WRONG)])),
    "an old right try above": ("wrong", notebook(WRONG, copies=[("code", RIGHT)])),
    "the stub stands again below": ("unwritten", notebook(UNWRITTEN, copies=[("code", RIGHT)])),
    "a slip in an old try": ("passed", notebook(RIGHT, copies=[("code", "def weighted_average(w, v:")])),
    "a slip in another cell": ("passed", notebook(RIGHT, ["def f(x:"], ["1 +"])),
    "a slip": ("wrong", notebook("def weighted_average(weights, values:\n    return 1")),
    "return outside of a function": ("wrong", notebook(f"return 3\n{RIGHT}")),
    "it fails before the definition": ("wrong", notebook(f"1 / 0\n{RIGHT}")),
    "it fails after the definition": ("passed", notebook(f"{RIGHT}\n1 / 0")),
    "a helper's cell fails before it": ("wrong", notebook(HELPED, [f"1 / 0\n{HELPER}"])),
    "a helper's cell fails after it": ("passed", notebook(HELPED, [f"{HELPER}\n1 / 0"])),
    "the answer is deleted": ("unwritten", notebook(f"{RIGHT}\ndel weighted_average")),
    "from __future__": ("passed", notebook(RIGHT, ["import math\nfrom __future__ import annotations"])),
    "a guard for programs": ("passed", notebook(GUARDED)),
    "a name of Python's is another": (
        "passed",
        notebook(HEAD + "    return sum(weights, values)", ["def sum(weights, values):\n    return weights @ values"]),
    ),
    "it displays": ("passed", notebook(f"display('here')\nprint('here')\n{RIGHT}")),
    "a name that the course's cells need is another": ("passed", notebook(RIGHT, ["torch = plt = None"])),
    "an own module": ("wrong", notebook(f"import own_module\n{RIGHT}")),
    "an own module inside": ("wrong", notebook(HEAD + "    import own_module\n    return weights @ values")),
}  # fmt: skip


@pytest.fixture(scope="module")
def by_nbval(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    for number, (_, made) in enumerate(SCENARIOS.values()):
        write_file(made, folder / f"ada_{number}.ipynb")
    (folder / "own_module.py").write_text("")
    return grade(folder, "-n", "2", "-k", NAME)


def judged(made, folder) -> judging.Verdict:
    """What the child of lib.yours says, without its isolation."""
    write_file(made, folder / f"{BOOK}.ipynb")
    return judging.judge(Book(BOOK, folder), NAME, (NEEDED, ALL, GIVEN), {}, {}, {}, lambda **said: None)


@pytest.mark.parametrize("number, name", list(enumerate(SCENARIOS)))
def test_nbval_and_lib_yours_agree(by_nbval, number, name, tmp_path):
    expected, made = SCENARIOS[name]
    status, text = by_nbval[f"ada_{number}", NAME]
    assert {"done": "passed", "not done yet": "unwritten"}.get(status, status) == expected, text
    found = judged(made, tmp_path)
    assert found.status == expected, found
    if "own module" in name:
        assert "Only the notebook itself is graded" in text and "Only the notebook itself" in found.message


def test_what_is_said_of_cells_that_stand_twice_or_have_a_slip(by_nbval, tmp_path):
    said = {name: by_nbval[f"ada_{number}", NAME][1] for number, name in enumerate(SCENARIOS)}
    assert "2 cells define weighted_average; the last one counts." in said["an old right try above"]
    assert "2 cells define weighted_average" in said["the stub stands again below"]
    for text in (said["a slip"], judged(SCENARIOS["a slip"][1], tmp_path).message):
        assert text.startswith("your code raised SyntaxError: ") and "(line 1 of your cell)" in text


# ------------------------------------------------------------------------------ with its isolation, and the live code


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write the learner's notebook 00 and look the exercise up."""
    monkeypatch.setattr(yours, "REMEMBERED", tmp_path / ".course" / "verdicts.json")
    monkeypatch.delenv("COURSE_YOURS", raising=False)

    def make(*cells, **named):
        write_file(notebook(*cells, **named), tmp_path / f"{BOOK}.ipynb")
        return yours.piece(NAME, tmp_path)

    return make


def mix(piece):
    return piece.answer(torch.tensor([0.25, 0.75]), torch.tensor([[4.0], [8.0]])).item()


def test_unwritten_needs_no_other_python(write, monkeypatch):
    monkeypatch.setattr(judging, "_child", None)
    found = write(UNWRITTEN)
    assert found.status == "unwritten" and found.answer is reference


def test_passed_and_the_same_code_is_judged_once(write, monkeypatch):
    found = write(f"%%time\n{HELPED}", [f"{HELPER}\nprint('loud')"])
    assert found.status == "passed" and found.answer is not reference and mix(found) == 7.0
    monkeypatch.setattr(judging, "_child", None)
    assert mix(write(f"%%time\n{HELPED}", [f"{HELPER}\nprint('loud')"])) == 7.0


def test_changed_after_passing(write):
    assert write(RIGHT).status == "passed"
    found = write(WRONG)
    assert found.status == "wrong" and found.answer is reference and "mean" in found.reason


def test_nothing_is_printed_or_displayed(write, capfd):
    write(f"display('x')\nprint('here')\n{RIGHT}")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "cells, status, reason",
    [
        ([SWALLOWS], "wrong", STOPPED),
        ([f"while True: pass\n{RIGHT}"], "wrong", STOPPED),
        ([HEAD + "    import os\n    os._exit(0)"], "wrong", "Python itself died"),
        ([RIGHT + "\nimport ctypes\nctypes.string_at(0)"], "wrong", "Python itself died"),
        ([HELPED, [f"{HELPER}\nwhile True: pass"]], "passed", ""),
        ([HELPED, [f"{HELPER}\nimport os\nos._exit(0)"]], "passed", ""),
    ],
)  # fmt: skip
def test_endless_loops_and_crashes_end_only_themselves(write, monkeypatch, cells, status, reason):
    monkeypatch.setattr(judging, "SECONDS", 3)
    found = write(*cells)
    assert (found.status, found.answer is reference) == (status, status == "wrong") and re.search(reason, found.reason)


def test_a_damaged_or_missing_notebook_says_why(write, tmp_path):
    write(UNWRITTEN)
    for text, reason in (("{ not json", "line 1 is no JSON"), ("[]", "it has no cells"), ("", "it is empty")):
        (tmp_path / f"{BOOK}.ipynb").write_text(text, encoding="utf-8")
        found = yours.piece(NAME, tmp_path)
        assert found.answer is reference
        assert found.reason == f"notebooks/{BOOK}.ipynb cannot be read as a notebook: {reason}"
    (tmp_path / f"{BOOK}.ipynb").unlink()
    assert "it is not there" in yours.piece(NAME, tmp_path).reason


def test_a_renamed_notebook_and_one_with_an_editors_mark_are_found(write, tmp_path):
    assert write(RIGHT).status == "passed"
    text = (tmp_path / f"{BOOK}.ipynb").read_text(encoding="utf-8")
    (tmp_path / f"{BOOK}.ipynb").unlink()
    (tmp_path / "ada.ipynb").write_text(text, encoding="utf-8-sig")
    found = yours.piece(NAME, tmp_path)
    assert found.status == "passed" and found.path.name == "ada.ipynb"


def test_status_goes_on_after_loops_crashes_and_damage(tmp_path, monkeypatch):
    """A loop in one exercise costs its limit once: those after it that use it have the course's version."""
    monkeypatch.setattr(yours, "REMEMBERED", tmp_path / ".course" / "verdicts.json")
    monkeypatch.setattr(judging, "SECONDS", 3)
    books = dict(list(status.NOTEBOOKS.items())[:3])
    books["01_rnn_limits"] = [name for name in books["01_rnn_limits"] if callable(exercise(name).reference)]
    monkeypatch.setattr(status, "NOTEBOOKS", books)
    first, second, third = books["01_rnn_limits"][:3]
    loop = f"def {first}(*given):\n    while True: pass"
    crash = f"import os\ndef {third}(*given):\n    os._exit(1)"
    made = answered("01_rnn_limits", second, **{first: loop, third: crash})
    write_file(made, tmp_path / "my work on 01.ipynb")
    write_file("<<<<<<< HEAD\n", tmp_path / "02_bag_of_words_and_word2vec.ipynb")
    write_file(notebook(right_cell(BOOK, NAME)), tmp_path / f"{BOOK}.ipynb")
    said = list(status.lines(tmp_path))
    assert said[0].startswith(f"00  ✓ {NAME}") and said[1].startswith(f"01  ✗ {first}  ✓ {second}  ✗ {third}  ○ ")
    assert said[2] == "      my work on 01.ipynb holds it; notebooks/01_rnn_limits.ipynb is not there"
    assert re.match(f"      ✗ {first}: {STOPPED}", said[3])
    assert said[4] == f"      ✗ {third}: {judging.DIED}"
    assert said[5].startswith("02  ? bag_of_words  ? ") and "a git merge damaged it" in said[6]
    assert said[7].startswith("2 of ") and len(said) == 8


def test_the_import_says_whose_it_is(monkeypatch, capsys, tmp_path):
    path = tmp_path / f"{BOOK}.ipynb"
    for status, where, said in [  # noqa: F402
        ("passed", path, "weighted_average: yours, notebook 00\n"),
        ("passed", tmp_path / "ada.ipynb", "weighted_average: yours, notebook 00 (ada.ipynb)\n"),
        ("unwritten", path, "weighted_average: the course's (yours is not written yet, notebook 00)\n"),
        ("unreadable", None, "weighted_average: the course's (no scale)\n"),
        ("wrong", path, "weighted_average: the course's (yours in notebook 00 does not pass: no scale)\n"),
    ]:
        piece = yours.Piece(NAME, status, reference, "no scale", where)
        monkeypatch.setattr(yours_module, "piece", lambda name, piece=piece: piece)
        from lib.yours import weighted_average  # noqa: F401

        assert capsys.readouterr().out == said
    with pytest.raises(ImportError):
        from lib.yours import nothing_of_that_name  # noqa: F401
