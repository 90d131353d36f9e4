"""The questions of notebook 02: what is right passes, and each expected slip gets its own hint."""

import pytest

from lib.checks import bag_of_words_and_word2vec_questions as questions
from lib.checks.core import Question

ALL = [asked for asked in vars(questions).values() if isinstance(asked, Question)]
RIGHT = {
    "quark_weight": (16.8, 16.82, 3 * 5.605),
    "pairs_of_a_sentence": (108, 108.0),
    "dense_numbers": ((50_000_000, 15_000_000, 300_000), [5e7, 1.5e7, 3e5]),
    "softmax_price": (115_333, 115_333.3, 120_000),
    "drawn_ratio": (1000, 1000.0),
    "flat_training": ("drawn", " Drawn "),
    "bank_neighbours": ("between", "Between"),
}
WRONG = {
    "quark_weight": (5.6, 14, 17.1, 9.0, -16.8, "16.8"),
    "pairs_of_a_sentence": (120, 114, 106, 57, "many"),
    "dense_numbers": ((15_000_000, 50_000_000, 300_000), (50_000, 15_000_000, 300), 50_000_000),
    "softmax_price": (138_400, 692_000, 6, 5, 1),
    "drawn_ratio": (10_000, 7_500, 100, 10, 1, 0.001, 999),
    "flat_training": ("rate", "window", "labels", "drawn words", 0),
    "bank_neighbours": ("one side", "nowhere", "", 1),
}


@pytest.mark.parametrize("asked", ALL, ids=lambda asked: asked.name)
def test_what_is_right_passes_and_what_is_wrong_does_not(asked):
    assert asked.judge(...).status == "unwritten"
    for answer in (asked.reference, *RIGHT[asked.name]):
        assert asked.judge(answer).status == "passed", answer
    for answer in WRONG[asked.name]:
        assert asked.judge(answer).status == "wrong", answer


@pytest.mark.parametrize("asked", ALL, ids=lambda asked: asked.name)
def test_each_expected_slip_gets_its_own_hint(asked):
    for value, hint in asked.hints:
        verdict = asked.judge(value)
        assert verdict.status == "wrong" and hint in verdict.message, value
    assert all(asked.hint not in hint for _, hint in asked.hints)
