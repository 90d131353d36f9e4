"""The six tasks: prefixes, counts, and that no text of a test was trained on for the same task."""

import random

import pytest

from data.make.italian_sentences import Author
from data.make.tasks import retold, turned
from lib.corpora.tasks import NEW, PREFIXES, load_tasks


def test_every_example_begins_with_its_prefix_and_asks_for_something():
    for split, least in (("train", 2_000), ("test", 250)):
        tasks = load_tasks(split)
        assert set(tasks) == {*PREFIXES, NEW}
        for name, prefix in PREFIXES.items():
            assert len(tasks[name]) >= least
            assert all(source.startswith(prefix) and source != prefix and target for source, target in tasks[name])
    assert len(load_tasks("test")[NEW]) == 200


def test_nothing_of_a_test_was_trained_on():
    learnt, asked = load_tasks("train"), load_tasks("test")
    for name in asked:
        assert not {source for source, _ in learnt[name]} & {source for source, _ in asked[name]}
    stories = [{source.split(": ")[-1] for source, _ in tasks["question"]} for tasks in (learnt, asked)]
    assert not stories[0] & stories[1]


def test_a_name_that_is_no_split_is_told():
    with pytest.raises(ValueError, match="no split 'dev'; there are train, test"):
        load_tasks("dev")


def test_answers_stand_in_their_stories_and_turned_sentences_keep_their_words():
    rng = random.Random(0)
    stories = [story for _ in range(300) if (story := retold(rng))]
    assert len(stories) > 30
    for text, summary, question, answer in stories:
        assert summary.split()[0] in text and question.endswith("?") and answer in text
    author = Author(random.Random(1))
    sentences = [parts for _ in range(200) if (parts := turned(author))]
    assert len(sentences) > 30
    for plain, negative, asked in sentences:
        assert " not " in negative or "cannot" in negative or "never" in negative
        assert asked.endswith("?") and plain.endswith(".") and "not" not in plain.split()
