"""The questions of notebook 12: what is right passes, and each expected slip gets its own hint."""

import math

import pytest

from lib.checks import sampling_questions as questions
from lib.checks.core import Question

ALL = [asked for asked in vars(questions).values() if isinstance(asked, Question)]
RIGHT = {
    "flat_temperature": (3, 3.0, math.log(8) / math.log(2)),
    "tail_allowed": (0.0069, 0.007, 1 - 0.5**0.01),
    "coin_heads": ((100, 60), [100, 60.0]),
    "kept_tokens": ((3, 4), [3, 4]),
    "typical_kept": (7, 7.0),
    "left_after": ((2, 4), [2, 4]),
    "penalised_share": ((0.5, 0.12), (1 / 2, 0.119), [0.5, 1 / (1 + math.exp(2))]),
}
WRONG = {
    "flat_temperature": (2, 4, 1 / 3, 16, "3"),
    "tail_allowed": (0.005, 0.01, 0.993, 0.034, 0),
    "coin_heads": ((60, 60), (60, 100), 100, "100 and 60", (100, 60, 40)),
    "kept_tokens": ((4, 3), (2, 4), 3, (3, 5)),
    "typical_kept": (8, 1, 4, 6, 0),
    "left_after": ((4, 2), (2, 3), 2, (2, 2)),
    "penalised_share": ((0.5, 0.5), (0.5, 0.33), (0.5, 0.88), (0.12, 0.5), 0.12),
}


def test_every_question_is_tried():
    assert len(ALL) == len(questions.__all__) == len(RIGHT) == len(WRONG) == 7


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
        assert hint in asked.judge(value).message, value
