"""The checks are tested like code: against wrong answers, right answers, and mutants of the course's own.

Here those of notebooks 00, 02, 04 ...; those of 01, 03, 05 ... stand in `test_graders_odd`: whole files are handed to
workers, and these two take half of the time of all tests.
"""

import pytest

from lib.checks import NOTEBOOKS, exercise
from lib.checks.core import Question
from tests.graders.report import report

SEEDS = 4  # here; `python -m tests.graders.report --seeds 100` before a check is changed for good
EXERCISES: dict[bool, list[str]] = {False: [], True: []}  # of odd notebooks?
for stem, names in NOTEBOOKS.items():
    EXERCISES[int(stem[:2]) % 2 == 1] += [name for name in names if not isinstance(exercise(name), Question)]


def judged(name):
    found = report(name, SEEDS)
    assert not found.faults, "\n".join(found.faults)
    assert found.mutants and found.killed


@pytest.mark.parametrize("name", EXERCISES[False])
def test_check_rejects_wrong_answers_with_reasons_accepts_right_ones_and_kills_mutants(name):
    judged(name)
