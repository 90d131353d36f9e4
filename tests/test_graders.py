"""The checks are tested like code: against wrong answers, right answers, and mutants of the course's own."""

import pytest

from lib.checks import NOTEBOOKS, exercise
from lib.checks.core import Question
from tests.graders.report import report

NAMES = [name for names in NOTEBOOKS.values() for name in names]
SEEDS = 4  # here; `python -m tests.graders.report --seeds 100` before a check is changed for good
EXERCISES = [name for name in NAMES if not isinstance(exercise(name), Question)]


@pytest.mark.parametrize("name", EXERCISES)
def test_check_rejects_wrong_answers_with_reasons_accepts_right_ones_and_kills_mutants(name):
    found = report(name, SEEDS)
    assert not found.faults, "\n".join(found.faults)
    assert found.mutants and found.killed
