"""Real data: Multi30k, Shakespeare, questions from a small mirror; learners' own files with all that can be wrong."""

import codecs
import gzip
import hashlib
import json
import os
import random
from collections import Counter

import pytest

from lib import downloads
from lib.corpora import categories, movie_reviews
from lib.corpora.multi30k import SPLITS, load_multi30k
from lib.corpora.own_text import LONGEST, read_pairs, read_text
from lib.corpora.shakespeare import load_shakespeare
from lib.corpora.xquad import Question, load_squad, load_xquad


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror folder with files of ours under the names of the real ones."""

    def put(name, content):
        path = tmp_path / downloads.SOURCES[name].mirror
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        known = downloads.SOURCES[name]._replace(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        monkeypatch.setitem(downloads.SOURCES, name, known)

    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return put


def test_multi30k_pairs_its_languages_line_by_line(mirror, monkeypatch):
    monkeypatch.setitem(SPLITS, "val", ("val", 3))
    mirror("multi30k/val.en.gz", gzip.compress(b"A dog .\nTwo men.\nA\xe2\x80\xa8 cat.\n"))
    mirror("multi30k/val.fr.gz", gzip.compress("Un chien .\nDeux hommes. \nUn été.\n".encode()))
    pairs = load_multi30k("fr", "val")
    assert pairs == [("A dog .", "Un chien ."), ("Two men.", "Deux hommes."), ("A\u2028 cat.", "Un été.")]
    mirror("multi30k/val.fr.gz", gzip.compress(b"Un chien .\nDeux hommes."))
    with pytest.raises(ValueError, match="multi30k/val has 2 lines in a language instead of 3"):
        load_multi30k("fr", "val")


def test_movie_reviews_are_sentences_with_labels(mirror, monkeypatch):
    monkeypatch.setattr(movie_reviews, "EACH", 2)
    mirror("movie_reviews/rt-polarity.neg", b"dull . \nit just goes\x85 on \n")
    mirror("movie_reviews/rt-polarity.pos", b"a cinema v\xe9rit\xe9 \x97 fine . \n \x91wow' ")
    reviews = movie_reviews.load_movie_reviews()
    assert reviews == [("dull .", 0), ("it just goes… on", 0), ("a cinema vérité — fine .", 1), ("‘wow'", 1)]
    mirror("movie_reviews/rt-polarity.pos", b"fine .\n")
    with pytest.raises(ValueError, match=r"movie_reviews/rt-polarity.pos has 1 sentences instead of 2"):
        movie_reviews.load_movie_reviews()


def article(number, *questions):
    asked = [{"id": "x", "question": text, "answers": answers} for text, answers in questions]
    return {"title": f"Title {number}", "paragraphs": [{"context": f"Räder {number}. ", "qas": asked}]}


def test_questions_come_with_their_context_and_are_split_by_article(mirror):
    one = [{"answer_start": 6, "text": "5"}]
    articles = [article(i, (" How many? ", one), ("And then?", one)) for i in range(9)]
    mirror("xquad/xquad.en.json", json.dumps({"data": articles, "version": "1.1"}).encode())
    train, test = load_xquad(), load_xquad("test")
    assert test[:2] == [
        Question("Title 3", "Räder 3. ", "How many?", ("5",), (6,)),
        Question("Title 3", "Räder 3. ", "And then?", ("5",), (6,)),
    ]
    assert {asked.title for asked in test} == {"Title 3", "Title 7"} and len(train) == 14 and len(test) == 4
    assert not {asked.title for asked in train} & {asked.title for asked in test}


def test_questions_without_an_answer_and_with_several_are_told_apart(mirror):
    several = [{"answer_start": 0, "text": "Räder"}, {"answer_start": 0, "text": "Räder 0"}]
    articles = [article(0, ("Whose?", []), ("What?", several))]
    mirror("squad/dev-v2.0.json", json.dumps({"data": articles}, ensure_ascii=False).encode())
    nobody, wheels = load_squad("dev")
    assert nobody.answers == nobody.starts == ()
    assert wheels.answers == ("Räder", "Räder 0") and wheels.starts == (0, 0)


def test_question_sets_name_what_they_have():
    with pytest.raises(ValueError, match="XQuAD has no split 'dev' here; there are train, test"):
        load_xquad("dev")
    with pytest.raises(ValueError, match="SQuAD has no split 'test'; there are train, dev"):
        load_squad("test")


@pytest.mark.skipif("COURSE_MIRROR" not in os.environ, reason="COURSE_MIRROR names no folder")
def test_the_real_questions_have_their_answers_where_they_say():
    train, test = load_xquad(), load_xquad("test")
    assert (len(train), len(test)) == (894, 296)
    assert [len({asked.title for asked in part}) for part in (train, test)] == [36, 12]
    for asked in train + test:
        (answer,), (start,) = asked.answers, asked.starts
        assert asked.context[start : start + len(answer)] == answer and answer.strip()


def test_multi30k_names_what_it_has():
    with pytest.raises(ValueError, match="no target 'it' here; there are de, fr"):
        load_multi30k("it")
    with pytest.raises(ValueError, match="no split 'dev'; there are train, val, test"):
        load_multi30k("de", "dev")


def test_shakespeare_is_the_text(mirror):
    mirror("tinyshakespeare/input.txt", b"First Citizen:\nBefore we proceed")
    assert load_shakespeare() == "First Citizen:\nBefore we proceed"


def write(tmp_path, content):
    path = tmp_path / "pairs.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


GOOD = [("A dog runs.", "Ein Hund läuft."), ("Hello", "Hallo")]
GOOD_TEXT = "A dog runs.\tEin Hund läuft.\nHello\tHallo\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD_TEXT,
        GOOD_TEXT.removesuffix("\n"),
        GOOD_TEXT.replace("\n", "\r\n"),
        GOOD_TEXT.replace("\n", "\r"),
        codecs.BOM_UTF8 + GOOD_TEXT.encode(),
        GOOD_TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + GOOD_TEXT.replace("\n", "\r\n").encode("utf-16-be"),
        GOOD_TEXT.replace("\n", "\n\n \n"),
        GOOD_TEXT.replace("dog", "  dog ").replace("Hallo", " Hallo\u00a0"),
    ],
    ids=["plain", "no end", "windows", "old mac", "mark", "utf-16", "utf-16 windows", "empty lines", "spaces"],
)
def test_good_files_of_every_system_give_the_same_pairs(tmp_path, content):
    assert read_pairs(write(tmp_path, content)) == (GOOD, [])


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (b"only one column", "pairs.tsv, line 2: no tab, so there is only one column. Left out."),
        (b"\t", "pairs.tsv, line 2: nothing but spaces on one side or both. Left out."),
        (b"Hello\t ", "pairs.tsv, line 2: nothing but spaces on one side or both. Left out."),
        (b"Sch\xf6n\tbeautiful", "pairs.tsv, line 2: not UTF-8; save the file as UTF-8 to use them. Left out."),
        (b"a\0b\tc", "pairs.tsv, line 2: a zero byte, which no text has. Left out."),
        (b"x" * 100_000 + b"\ty", "pairs.tsv, line 2: more than 1,000 characters on one side. Left out."),
        (b"x" * 100_000, "pairs.tsv, line 2: no tab, so there is only one column. Left out."),
    ],
    ids=["one column", "two empty", "one empty", "latin-1", "zero", "long", "long without a tab"],
)
def test_a_bad_line_is_named_and_the_others_are_used(tmp_path, bad, told):
    first, second, _ = GOOD_TEXT.encode().split(b"\n")
    for end in (b"\n", b"\r\n"):
        assert read_pairs(write(tmp_path, end.join([first, bad, second]))) == (GOOD, [told])


def test_a_third_column_is_told_and_the_pair_is_used(tmp_path):
    path = write(tmp_path, "A dog runs.\tEin Hund läuft.\tCC-BY 2.0\nHello\tHallo\n")
    assert read_pairs(path) == (GOOD, ["pairs.tsv, line 1: more than two columns. The first two were used."])


def test_every_line_is_either_used_or_counted(tmp_path):
    lines = [b"a\tb", b"c", b"\t", b"\xff\t\xff", b"d\te\tf"] * 30
    pairs, complaints = read_pairs(write(tmp_path, b"\n".join(lines)))
    assert pairs == [("a", "b"), ("d", "e")] * 30
    assert complaints == [
        "pairs.tsv, lines 2, 7, 12, 17, 22 and 25 others: no tab, so there is only one column. Left out.",
        "pairs.tsv, lines 3, 8, 13, 18, 23 and 25 others: nothing but spaces on one side or both. Left out.",
        "pairs.tsv, lines 4, 9, 14, 19, 24 and 25 others: not UTF-8; save the file as UTF-8 to use them. Left out.",
        "pairs.tsv, lines 5, 10, 15, 20, 25 and 25 others: more than two columns. The first two were used.",
    ]


def test_line_numbers_are_told_as_one_says_them(tmp_path):
    for bad, told in ((2, "lines 1 and 2"), (5, "lines 1, 2, 3, 4 and 5"), (6, "lines 1, 2, 3, 4, 5 and 1 other")):
        complaints = read_pairs(write(tmp_path, "x\n" * bad + "a\tb")).complaints
        assert complaints == [f"pairs.tsv, {told}: no tab, so there is only one column. Left out."]


@pytest.mark.parametrize("read", [read_pairs, read_text])
def test_a_file_with_nothing_in_it_is_an_error_of_one_sentence(tmp_path, read):
    with pytest.raises(ValueError, match=r"pairs\.tsv is empty$"):
        read(write(tmp_path, b""))
    with pytest.raises(ValueError, match=r"pairs\.tsv has no usable"):
        read(write(tmp_path, b"\n \r\n"))
    with pytest.raises(ValueError, match=r"no usable .* pairs\.tsv, lines 1 and 2: not UTF-8"):
        read(write(tmp_path, b"\xff\t\xff\n\xfe\t\xfe"))
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nowhere\.tsv"):
        read(tmp_path / "nowhere.tsv")
    with pytest.raises(ValueError, match="is a folder, not a file of text"):
        read(tmp_path)


def test_sentences_as_long_as_allowed_are_used(tmp_path):
    long = "x" * LONGEST
    assert read_pairs(write(tmp_path, f"{long}\t{long}\n{long}y\tz")).pairs == [(long, long)]


def test_running_text_keeps_its_lines_and_loses_only_what_is_told(tmp_path):
    long = "word " * 20_000
    path = write(tmp_path, codecs.BOM_UTF8 + f"Première\r\n\r\n{long}\r\n".encode() + b"Sch\xf6n\r\nz\0\r\n\tlast")
    text, complaints = read_text(path)
    assert text == f"Première\n\n{long}\n\tlast"
    assert complaints == [
        "pairs.tsv, line 4: not UTF-8; save the file as UTF-8 to use them. Left out.",
        "pairs.tsv, line 5: a zero byte, which no text has. Left out.",
    ]


def test_authored_reviews_are_as_many_of_each_kind_and_all_different():
    reviews = movie_reviews.authored_reviews()
    assert len(reviews) == len(set(reviews)) == 1_152 and sum(label for _, label in reviews) == 576
    assert ("the movie was fantastic.", 1) in reviews and ("the plot was silly.", 0) in reviews


def test_half_of_each_category_is_told():
    known, new = categories.halves(categories.CAPTIONS, random.Random(0))
    words = {word: i for i, group in enumerate(categories.CAPTIONS.values()) for word in group.split()}
    assert known | new == words and not known.keys() & new.keys()
    told = Counter(known.values())
    assert all(told[i] == len(group.split()) // 2 for i, group in enumerate(categories.CAPTIONS.values()))
    assert categories.halves(categories.CAPTIONS, random.Random(1)) != (known, new)
