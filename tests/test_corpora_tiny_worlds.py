"""Tiny worlds: each answer stands where it is said to stand; comparing words finds those of one fact, never of two."""

import random
import re
from collections import Counter

from lib.corpora.tiny_worlds import (
    KINDS,
    NONE,
    ONE,
    PEOPLE,
    PLACES,
    THINGS,
    TWO,
    WORLD_WORDS,
    string_rule,
    world_questions,
)

WORLDS = world_questions(3_000, random.Random(7))


def test_every_answer_stands_in_its_world_at_the_said_place():
    for one in WORLDS:
        assert one.text[one.start : one.start + len(one.answer)] == one.answer
        assert bool(one.answer) == bool(one.facts) == (one.kind != NONE)
        assert one.text.count(one.answer) == 1 or one.kind == NONE or one.answer in PEOPLE
        assert all(one.text.count(fact) == 1 for fact in one.facts)


def test_one_fact_or_two_are_needed():
    for one in WORLDS:
        asked = next(word for word in re.findall(r"\w+", one.question) if word in PEOPLE + THINGS)
        if one.kind == ONE:
            (fact,) = one.facts
            assert asked in fact and one.answer in fact
        if one.kind == TWO:
            first, second = one.facts
            person = first.split()[0]
            assert asked in first and one.answer not in first
            assert second.startswith(person) and one.answer in second and asked not in second
            sentences = [f"{sentence}." for sentence in one.text.removesuffix(".").split(". ")]
            assert not any(asked in sentence and one.answer in sentence for sentence in sentences)


def truth(one):
    """Found anew out of the text, by its grammar."""
    where = dict(re.findall(r"(\w+) (?:is in|went to) the (\w+ \w+)\.", one.text))
    has = dict(re.findall(r"(\w+) (?:has|found) the (\w+)\.", one.text))
    asked = next(word for word in re.findall(r"\w+", one.question) if word in PEOPLE + THINGS)
    owner = {thing: person for person, thing in has.items()}
    if one.question.startswith("Who"):
        return owner.get(asked, "")
    return (has if one.question.startswith("What") else where).get(owner.get(asked, asked), "")


def test_answers_are_true_and_missing_ones_are_missing():
    assert all(truth(one) == one.answer for one in WORLDS)


def test_the_string_rule_answers_what_one_sentence_says_and_no_more():
    right = Counter(one.kind for one in WORLDS if string_rule(one.question, one.text) == one.answer)
    asked = Counter(one.kind for one in WORLDS)
    assert right == {ONE: asked[ONE], NONE: asked[NONE]}
    assert {string_rule(one.question, one.text) for one in WORLDS if one.kind == TWO} == {""}


def test_kinds_are_drawn_as_asked_and_worlds_are_seeded():
    shares = Counter(one.kind for one in WORLDS)
    assert set(shares) == set(KINDS) and min(shares.values()) > 900
    assert {one.kind for one in world_questions(50, random.Random(1), [TWO])} == {TWO}
    assert world_questions(20, random.Random(3)) == world_questions(20, random.Random(3))
    assert world_questions(20, random.Random(3)) != world_questions(20, random.Random(4))
    assert len({one.text for one in WORLDS}) > 2_990
    assert not {one.text for one in WORLDS} & {one.text for one in world_questions(3_000, random.Random(8))}


def test_a_person_without_a_place_is_asked_for_as_well():
    missing = {re.sub("|".join(PEOPLE + THINGS), "X", one.question) for one in WORLDS if one.kind == NONE}
    assert missing == {"Where is X?", "What does X have?", "Where is the X?"}


def test_a_guess_among_the_told_places_is_right_in_seven_of_sixteen():
    """One of one place in 1/16, of two in 6/16, of three in 9/16: the other two are told independently."""
    shares = [1 / sum(place in one.text for place in PLACES) for one in WORLDS if one.kind == TWO]
    assert abs(sum(shares) / len(shares) - 7 / 16) < 0.015


def test_all_words_are_listed():
    words = {word for one in WORLDS for word in re.findall(r"\w+|[^\w\s]", f"{one.text} {one.question}".lower())}
    assert words == set(WORLD_WORDS) and len(words) == len(WORLD_WORDS)
    assert len(set(PLACES)) == 24 and not set(PEOPLE) & set(THINGS)
