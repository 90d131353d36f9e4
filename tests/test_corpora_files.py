"""data/: every corpus is what data.make makes, MANIFEST says so, and what is missing or changed is named."""

import hashlib
import json
import os
import subprocess
import sys

import pytest

from data.make import corpora, tables
from lib.corpora import files


@pytest.mark.parametrize("name", corpora.CORPORA)
def test_a_corpus_is_made_again_byte_for_byte(name):
    made = corpora.generate(name).encode("utf-8")
    assert made == files.path(name).read_bytes()
    entry = files.manifest()[name]
    assert (entry.sha256, entry.size) == (hashlib.sha256(made).hexdigest(), len(made))
    assert entry.how_made == corpora.how_made(name)


def test_every_file_of_data_is_listed_and_unchanged():
    assert files.verify() == []


def test_the_hash_seed_and_the_locale_change_nothing():
    code = (
        "import hashlib;"
        "from data.make.stories import stories_text; from data.make.relations import relations_text;"
        "print(hashlib.sha256((stories_text(3, 40) + relations_text(3, 400)).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONPATH": str(files.DATA.parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, locale in (("0", "C"), ("7", "tr_TR.UTF-8"))
    }
    assert len(seen) == 1


def test_another_seed_makes_another_text():
    from data.make.stories import stories_text

    assert stories_text(1, 5) != stories_text(2, 5)


@pytest.fixture
def other_data(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "DATA", tmp_path)
    monkeypatch.setattr(files, "MANIFEST", tmp_path / "MANIFEST")
    return tmp_path


def test_a_missing_file_is_named_with_the_command_that_makes_it(other_data):
    with pytest.raises(FileNotFoundError, match=r"data/stories.txt is missing: it comes with"):
        files.read("stories.txt")
    (other_data / "MANIFEST").write_text("stories.txt\tabc\t1\tpython -m data.make stories.txt: ...\town\n")
    with pytest.raises(
        FileNotFoundError, match=r"data/stories.txt is missing: `python -m data.make stories.txt` makes"
    ):
        files.read("stories.txt")
    with pytest.raises(FileNotFoundError, match=r"data/gpt.safetensors is missing: it comes with"):
        files.read("gpt.safetensors")
    with pytest.raises(ValueError, match=r"no corpus is called 'story.txt'; there are .*stories.txt"):
        corpora.generate("story.txt")


def test_a_checkpoint_keeps_its_line_when_a_corpus_is_made_anew(other_data, monkeypatch):
    (other_data / "small.safetensors").write_bytes(b"weights")
    files.record("small.safetensors", "python -m lib.training small, seed 0, 400 steps")
    monkeypatch.setitem(corpora.CORPORA, "tiny.txt", ("data.make.stories", "stories_text", {"seed": 5, "n": 2}))
    corpora.regenerate("tiny.txt")
    assert set(files.manifest()) == {"small.safetensors", "tiny.txt"}
    assert files.verify() == []
    assert files.manifest()["small.safetensors"].sha256 == hashlib.sha256(b"weights").hexdigest()
    assert not list(other_data.glob("*.part"))

    (other_data / "small.safetensors").write_bytes(b"other weights")
    (other_data / "tiny.txt").unlink()
    (other_data / "stray.txt").write_text("?")
    complaints = files.verify()
    assert [complaint.split()[0] for complaint in complaints] == [
        "data/small.safetensors",
        "data/tiny.txt",
        "data/stray.txt",
    ]
    assert "MANIFEST says" in complaints[0] and "missing" in complaints[1] and "not in MANIFEST" in complaints[2]


def test_results_stand_below_their_keys_and_the_others_stay(other_data):
    files.record_results("found.json", "python benchmarks/one.py", {"loss": 1.5}, "RNN", 0)
    files.record_results("found.json", "python benchmarks/one.py", {"loss": 2.5}, "RNN", 1)
    files.record_results("found.json", "python benchmarks/one.py", 3, "LSTM")
    assert json.loads(files.read("found.json")) == {"RNN": {"0": {"loss": 1.5}, "1": {"loss": 2.5}}, "LSTM": 3}
    assert files.manifest()["found.json"].how_made == "python benchmarks/one.py"
    files.record_results("found.json", "python benchmarks/two.py", [1, 2])
    assert json.loads(files.read("found.json")) == [1, 2]
    assert files.manifest()["found.json"].sha256 == hashlib.sha256(files.path("found.json").read_bytes()).hexdigest()


def test_line_ends_are_read_as_written_whatever_git_made_of_them(other_data):
    (other_data / "notes.txt").write_bytes("one\r\ntwò\r\n".encode())
    assert files.read("notes.txt") == "one\ntwò\n"


def test_a_broken_manifest_is_quoted(other_data):
    (other_data / "MANIFEST").write_text("# header\nstories.txt\tabc\n")
    with pytest.raises(ValueError, match=r"2 cells instead of 5: 'stories.txt"):
        files.manifest()
    with pytest.raises(ValueError, match="does not fit"):
        (other_data / "x").write_text("x")
        files.record("x", "two\tcells")


def test_the_command_refuses_unknown_names_and_writes_nothing(other_data, capsys):
    from data.make.__main__ import main

    assert main(["storys.txt"]) == 2
    assert "no corpus is called storys.txt; there are" in capsys.readouterr().err
    assert not list(other_data.iterdir())


def test_every_corpus_is_made_by_the_command_that_manifest_names():
    made = {name for name, entry in files.manifest().items() if entry.how_made.startswith(files.MAKE)}
    assert made == set(corpora.CORPORA)


def test_word_lists_are_read_as_they_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "LISTS", tmp_path)
    (tmp_path / "nouns.tsv").write_text("# a comment\nenglish\titalian\nzoo\tzoo\nice cream\t-\n")
    assert tables.table("nouns.tsv") == [{"english": "zoo", "italian": "zoo"}, {"english": "ice cream", "italian": ""}]
    (tmp_path / "nouns.tsv").write_text("english\titalian\ncat gatto\n")
    with pytest.raises(ValueError, match=r"nouns.tsv: a line has 1 cells instead of 2: 'cat gatto'"):
        tables.table("nouns.tsv")
    (tmp_path / "frames.txt").write_text("# a comment\n\n[one kind]\n[a|b] cat\n# in between\n\na dog\n\n[two]\nx: y\n")
    assert tables.sections("frames.txt") == {"one kind": "[a|b] cat\n\na dog", "two": "x: y"}
    assert tables.lists("colour: red, dark\n  blue\nsize: big: or small\n") == {
        "colour": ["red", "dark blue"],
        "size": ["big: or small"],
    }
    assert tables.records("a: one, two\n  three\nb: x\n\na: four\n") == [
        {"a": "one, two three", "b": "x"},
        {"a": "four"},
    ]
