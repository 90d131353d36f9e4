"""The questions of notebook 10: what is right passes, and each expected slip gets its own hint."""

import math

import pytest

from lib.checks import search_questions as questions
from lib.checks.core import Question

ALL = [asked for asked in vars(questions).values() if isinstance(asked, Question)]
RIGHT = {
    "found_by_two": ((0.19, 0.19, 0.196), [0.5 * 0.38, 0.5 * 0.38, 0.2 * 0.98]),
    "tipping_alpha": (0.74, 0.7402, math.log(1.35) / math.log(1.5)),
    "chosen_rows": ([1, 1, 5, 4], (1, 1, 5, 4)),
    "rivals": (3, 3.0),
    "counted_errors": ((3, 4, 1), [3, 4, 1]),
    "quarter_missing": (71.7, 71.65, 100 * math.exp(-1 / 3)),
}
WRONG = {
    "found_by_two": ((0.19, 0.19, 0.2), (0.196, 0.19, 0.19), (0.19, 0.165, 0.196), 0.19, "A u"),
    "tipping_alpha": (0.7, 0.8, -0.74, 1.0, 0.3, "0.74"),
    "chosen_rows": ([1, 1, 4, 5], [1, 1, 3, 2], [1, 5], [5, 4, 1, 1], 1),
    "rivals": (4, 2, 0, 0.77, 3.35, "3"),
    "counted_errors": ((4, 3, 1), (1, 4, 1), (3, 4), 3, (3, 1, 4)),
    "quarter_missing": (75, 0.717, 77.9, 100, 72.5, "71.7"),
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
