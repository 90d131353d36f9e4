"""A file is known by what is in it, whatever it is called, and a damaged one keeps its reason."""

import copy
import json
import os

import pytest

from lib.course.placing import NOTEBOOKS, Damaged, find, passed_over, place, read

STEMS = sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
NAMES = [
    "ada.ipynb",
    "start_here_bo.ipynb",
    "team_07_00_start_here.ipynb",
    "99_ada.ipynb",
    "ada 04 final (2).ipynb",
    "",
]


def notebook(stem):
    return read(NOTEBOOKS / f"{stem}.ipynb")


@pytest.mark.parametrize("stem", STEMS)
def test_every_notebook_finds_its_solution_with_and_without_metadata(stem):
    for name in NAMES:
        assert place(notebook(stem), name).stem == stem
    without_ids, bare = notebook(stem), notebook(stem)
    for number, (cell, other) in enumerate(zip(without_ids["cells"], bare["cells"], strict=True)):
        cell.pop("id")
        other["metadata"], other["id"] = {}, f"id{number}"
    only_code = {"cells": [cell for cell in bare["cells"] if cell["cell_type"] == "code"]}
    for found in (without_ids, bare, only_code):
        assert place(found, "07_ada.ipynb").stem == stem


def test_the_majority_decides_and_the_number_only_between_equals():
    mixed = notebook("04_self_attention_by_hand")
    mixed["cells"] += notebook("05_multi_head_attention_and_masks")["cells"][:8]
    assert place(mixed, "05_mine.ipynb").stem == "04_self_attention_by_hand"
    cells = [{"cell_type": "code", "source": "", "metadata": {"exercise": name}} for name in ("attention", "rotate")]
    for number in ("04", "06"):
        assert place({"cells": cells}, f"{number}_x.ipynb").name.startswith(number)


@pytest.mark.parametrize(
    "sources", [[], ["import torch"], ["x = 1", "print(x)"], ["def attention(q):\n    return q"], ["# Notes", "2 + 2"]]
)
def test_what_has_nothing_of_the_course_is_not_placed(sources):
    cells = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    assert place({"cells": cells}, "notes.ipynb") is None


CELL = {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "metadata": None}


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"[]", "it has no cells"),
        (b"{}", "it has no cells"),
        (b'{"cells": 3}', "it has no cells"),
        (b'{"cells": [null]}', "cell 1 of 1 is damaged"),
        (b'{"cells": [{"cell_type": "code"}]}', "cell 1 of 1 is damaged"),
        (b'{"cells": [{"source": "x', "it breaks off in the middle"),
        (b'{"cells":\n\n what}', "line 3 is no JSON"),
        (b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs", "a git merge damaged it"),
        (b"PK\x03\x04\xff\xfe", "it is not text"),
        (b"[" * 100_000, "is no JSON"),
    ],
)
def test_a_damaged_file_says_why(tmp_path, content, reason):
    path = tmp_path / "04_x.ipynb"
    path.write_bytes(content)
    with pytest.raises(Damaged, match=reason):
        read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_mark_of_an_editor_and_lines_as_lists_are_read(tmp_path, encoding):
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": [copy.deepcopy(CELL)]}), encoding=encoding)
    cell = read(tmp_path / "x.ipynb")["cells"][0]
    assert cell["source"] == "a = 1\nb = 2" and cell["metadata"] == {}


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path):
    for path in (tmp_path, tmp_path / "gone.ipynb"):
        with pytest.raises(Damaged, match="cannot be opened"):
            read(path)


def test_find_takes_the_exact_name_else_the_one_saved_last(tmp_path):
    stem = "00_start_here"
    text = (NOTEBOOKS / f"{stem}.ipynb").read_text(encoding="utf-8")
    assert find(f"{stem}.ipynb", tmp_path) is None
    for age, name in enumerate(["old.ipynb", f"{stem}-Copy1.IPYNB", "._new.ipynb", "01_rnn_limits.ipynb"]):
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age, age))
    assert find(f"{stem}.ipynb", tmp_path).name == f"{stem}-Copy1.IPYNB"
    (tmp_path / f"{stem}.ipynb").write_text("{ damaged", encoding="utf-8")
    assert find(f"{stem}.ipynb", tmp_path).name == f"{stem}.ipynb"


def test_names_that_are_passed_over():
    for name in ("x.ipynb", "x.IPYNB"):
        assert not passed_over(NOTEBOOKS / name)
    assert "macOS" in passed_over(NOTEBOOKS / "__MACOSX" / "._x.ipynb")
    assert "not in .ipynb" in passed_over(NOTEBOOKS / "x.ipynb.txt")
