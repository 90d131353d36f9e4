"""The checks of notebooks 01, 03, 05 ..., tested like those of `test_graders`."""

import pytest

from tests.test_graders import EXERCISES, judged


@pytest.mark.parametrize("name", EXERCISES[True])
def test_check_rejects_wrong_answers_with_reasons_accepts_right_ones_and_kills_mutants(name):
    judged(name)
