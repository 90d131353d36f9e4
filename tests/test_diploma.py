"""`course.py diploma`: a page that needs nothing else, says what is whose, and keeps when each part first passed."""

import json
import re
from datetime import datetime
from html.parser import HTMLParser

import pytest
import torch

from lib.checks import NOTEBOOKS, exercise
from lib.course import diploma, status, yours
from lib.course.diploma import Sample, page, samples
from lib.course.yours import Piece

EVERY = [name for names in NOTEBOOKS.values() for name in names]
VOID = {"meta", "br", "rect"}


class Tags(HTMLParser):
    """All texts of a page, and whether each tag that is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.addresses = [], [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        assert tag in VOID

    def handle_data(self, data):
        self.texts.append(data)


def course_version(name):
    return Piece(name, "unwritten", exercise(name).reference)


def test_the_page_needs_nothing_else_and_escapes_what_others_wrote():
    made = [Sample("It <says>", "a & b", "<script>alert(1)</script>", {"GPT": True, "sample": False})]
    text = page(dict.fromkeys(EVERY, "passed"), {}, made, "Ada <b>", "2026-11-29")
    found = Tags(text)
    assert not found.addresses and "<script" not in text and "http" not in text
    said = " ".join(" ".join(found.texts).split())
    assert "Ada <b> has written" in said and "<script>alert(1)</script>" in said and "(2026-11-29)" in said
    assert "own parts: GPT; the course's: sample" in said and "built by hand" in said


def test_it_counts_what_passes_and_dates_only_that():
    statuses = dict.fromkeys(EVERY, "unwritten") | {
        "attention": "passed",
        "stable_softmax": "passed",
        "SelfAttention": "wrong",
    }
    when = {
        "attention": "2026-11-03T10:00:00",
        "stable_softmax": "2026-11-01T09:00:00",
        "SelfAttention": "2026-10-01T00:00:00",
    }
    text = page(statuses, when, [])
    assert f"written 2 of {len(EVERY)} exercises" in text and "in the making" in text
    row = next(line for line in text.splitlines() if line.startswith("<tr><td>04"))
    assert "2026-11-01 to 2026-11-03" in row and "2026-10" not in text
    assert "✓&nbsp;<code>attention</code>" in row and "✗&nbsp;<code>SelfAttention</code>" in row


def test_the_samples_run_and_say_whose_parts_they_are():
    """With the course's parts: the translator and the story model answer as they do elsewhere."""
    translation, likeliest, drawn = samples(course_version)
    assert translation.made and "did not run" not in translation.made
    assert set(translation.parts) >= {"Transformer", "EncoderBlock", "DecoderBlock"} and not any(
        translation.parts.values()
    )
    for story in (likeliest, drawn):
        assert story.made.startswith("Early one morning") and len(story.made) > 60
    assert set(drawn.parts) - set(likeliest.parts) == {"sample", "top_p", "apply_temperature"}
    mine = next(samples(lambda name: Piece(name, "passed", exercise(name).reference)))
    assert all(mine.parts.values()) and mine.made == translation.made


def test_a_part_that_does_not_fit_spoils_one_sample_only():
    def find(name):
        return Piece(name, "passed", None) if name == "GPT" else course_version(name)

    translation, *stories = samples(find)
    assert "did not run" not in translation.made
    assert all("did not run: TypeError" in story.made for story in stories)


@pytest.fixture
def remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(yours, "REMEMBERED", tmp_path / ".course" / "verdicts.json")
    return tmp_path / ".course" / "passed.json"


def test_the_first_time_that_a_part_passes_is_kept(remembered, monkeypatch, tmp_path):
    monkeypatch.setattr(yours, "_key", lambda book, name: name)
    monkeypatch.setattr(yours, "judge_all", lambda folder, names, known: ((n, yours.Verdict("passed")) for n in names))
    monkeypatch.setattr(yours.Book, "is_untouched", lambda book, name: False)
    books = yours.Books()
    assert dict(yours.verdicts(["weighted_average"], books))["weighted_average"].status == "passed"
    first = yours.first_passed()
    assert datetime.fromisoformat(first["weighted_average"]) <= datetime.now()
    remembered.write_text(json.dumps({"weighted_average": "2025-01-02T03:04:05"}), encoding="utf-8")
    list(yours.verdicts(["weighted_average", "longer_text"], books))
    assert yours.first_passed()["weighted_average"] == "2025-01-02T03:04:05" and "longer_text" in yours.first_passed()


def test_the_command_writes_one_file(remembered, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(diploma.copies, "MYWORK", tmp_path / "mywork")
    monkeypatch.setattr(
        diploma, "verdicts", lambda names, books: ((name, yours.Verdict("unwritten")) for name in names)
    )
    monkeypatch.setattr(diploma, "samples", lambda: iter(()))
    threads = torch.get_num_threads()
    assert diploma.main(["Ada", "Lovelace"]) == 0
    torch.set_num_threads(threads)
    (path,) = (tmp_path / "mywork").iterdir()
    assert str(path) in capsys.readouterr().out and "Ada Lovelace has written 0 of" in path.read_text(encoding="utf-8")


def test_the_map_in_the_terminal_marks_each_box():
    attention = {
        name: "passed"
        for number in ("04", "05")
        for stem in NOTEBOOKS
        if stem[:2] == number
        for name in NOTEBOOKS[stem]
    }
    drawn = list(status.drawing(dict.fromkeys(EVERY, "unwritten") | attention))
    both = next(line for line in drawn if "masked self-attention" in line)
    assert re.fullmatch(r"\[✓ self-attention +04 05 \] +\[✓ masked self-attention +05 \]", both)
    assert any("· cross-attention" in line for line in drawn) and any("○ linear, softmax" in line for line in drawn)
    assert all("✓" in line and "○" not in line for line in status.drawing(dict.fromkeys(EVERY, "passed")))
