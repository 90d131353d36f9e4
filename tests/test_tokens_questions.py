"""The questions of notebook 08: what is right passes, and each expected slip gets its own hint."""

import pytest

from lib.checks import tokens_questions as questions
from lib.checks.core import Question

ALL = [asked for asked in vars(questions).values() if isinstance(asked, Question)]
RIGHT = {
    "utf8_bytes": (13, 13.0),
    "sixth_merge": ("new", " new "),
    "newer_pieces": (["n", "ew", "e", "r"],),
    "line_pieces": (8, 8.0),
    "larger_table": (239_442_432, 239e6, 2.39e8),
    "best_prompt": ("b", "B"),
}
WRONG = {
    "utf8_bytes": (9, 10, 15, 18, "13", "many"),
    "sixth_merge": ("ewest", "lowest", "n", "ne", 261, ""),
    "newer_pieces": (["new", "er"], ["newer"], ["n", "ew", "er"], "n ew e r", 4),
    "line_pieces": (4, 5, 7, 9, 10, 14, "8"),
    "larger_table": (115_002_624, 153_600_000, 278_039_808, 200_000, "239 million"),
    "best_prompt": ("a", "c", "d", "", 2),
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
