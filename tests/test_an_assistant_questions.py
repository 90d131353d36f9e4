"""The questions of notebook 20: what is right passes, and each expected slip gets its own hint."""

import math

import pytest

from lib.checks import an_assistant_questions as questions
from lib.checks.core import Question

ALL = [asked for asked in vars(questions).values() if isinstance(asked, Question)]
RIGHT = {
    "learnt_tokens": (12, 12.0),
    "lost_and_won": (0.184, 0.1839, 0.18, -math.log(1 / (1 + math.exp(-1.6)))),
    "silent_groups": (0.1552, 0.155, 0.6**4 + 0.4**4),
    "clipped_cases": ("AD", "ad", " AD "),
}
WRONG = {
    "learnt_tokens": (10, 14, 34, 2, "all"),
    "lost_and_won": (1.6, 16, 0.69, 0.83, -0.184, 0),
    "silent_groups": (0.13, 0.026, 0.84, 0.5, 1),
    "clipped_cases": ("A", "D", "BC", "A and D", 2),
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
        assert verdict.status == "wrong" and hint in verdict.message
