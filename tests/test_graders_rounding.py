"""A right answer may round otherwise: the course's own, each of whose inputs is off by the last digit, must pass."""

import inspect
import warnings

import pytest
import torch
from torch import Tensor, nn

from lib import checks
from lib.checks.core import edit

EQUAL = "equal numbers, or infinite ones, are asked for, and are not equal any more"
EXCEPTED = {
    "LayerNorm": EQUAL,
    "average_gradients": "its source is looked at",
    "best_spans": "margins are asked for that are met exactly",
    "group_advantages": EQUAL,
    "min_p": EQUAL,
    "reorder": "rows are asked for bit for bit",
    "rotate": "an angle of 300 that is off by the last digit is another one",
    "stable_softmax": EQUAL,
    "top_k": EQUAL,
    "top_p": EQUAL,
}


def moved(value):
    """Every number of tensors that are no parameters, up or down by its last digit; the same each time."""
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return type(value)(map(moved, value))
    if not isinstance(value, Tensor) or isinstance(value, nn.Parameter) or not value.is_floating_point():
        return value
    dice = torch.rand(value.shape, generator=torch.Generator().manual_seed(value.numel()))
    return value * (1 + torch.finfo(value.dtype).eps * (2 * dice - 1).to(value.dtype))


def rounding_otherwise(reference):
    name = reference.__name__
    copy = edit(name, name)(reference)  # for nobody may hand in the course's own
    if not inspect.isclass(copy):
        answer = lambda *arguments, **named: copy(*map(moved, arguments), **named)  # noqa: E731
        answer.__name__, answer.__signature__ = name, inspect.signature(reference)
        return answer

    def forward(self, *arguments, **named):
        return copy.forward(self, *map(moved, arguments), **named)

    return type(name, (copy,), {"forward": forward})


def exercises():
    for name in (name for names in checks.NOTEBOOKS.values() for name in names):
        reference = checks.exercise(name).reference
        if callable(reference) and (not inspect.isclass(reference) or issubclass(reference, nn.Module)):
            yield name


@pytest.mark.parametrize("name", list(exercises()))
def test_the_last_digit_of_what_goes_in_decides_nothing(name):
    exercise = checks.exercise(name)
    with warnings.catch_warnings(action="ignore"):
        verdict = exercise.judge(rounding_otherwise(exercise.reference), seed=3, explain=False)
    if name in EXCEPTED:
        assert verdict.status == "wrong", f"{name} is no exception any more"
    else:
        assert verdict.status == "passed", verdict.message
