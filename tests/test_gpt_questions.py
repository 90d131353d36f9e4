"""The questions of notebook 11: what is right passes, and each expected slip gets its own hint."""

import math

import pytest

from lib.checks import gpt_questions as questions
from lib.checks.core import Question

ALL = [asked for asked in vars(questions).values() if isinstance(asked, Question)]
RIGHT = {
    "text_perplexity": (4, 4.0, 2**2),
    "predictions_made": (192, 192.0),
    "gpt3_blocks": (1.74e11, 12 * 96 * 12_288**2, 1.7e11),
    "first_loss": (10.8, 11, math.log(50_257)),
    "equal_loss": (1.125, 9 / 8),
    "best_size": (5.1e10, 51e9, 5.12e10, 5e10),
    "buggy_runs": ("BCA", "bca", " BCA "),
}
WRONG = {
    "text_perplexity": (5, 2, 1.386, 8, 256, 3.2, "four"),
    "predictions_made": (198, 32, 6, 191, (6, 32)),
    "gpt3_blocks": (174, 1.8e9, 5.8e10, 1.4e7, 1.9e11),
    "first_loss": (15.6, 4.7, 7.62, 50_257, 0, 10),
    "equal_loss": (3.0, 8.0, 0.75, 1.08, 1.5),
    "best_size": (2.6e21, 2.3e11, 1e12, 1.5e10, 175e9),
    "buggy_runs": ("CBA", "ACB", "ABC", "BC", 0),
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
        found = asked.judge(value)
        assert found.status == "wrong" and hint in found.message, value
