"""The check of notebook 00: one weighted average."""

import torch

from lib.attention import weighted_average as reference
from lib.checks.core import Exercise, edit

weighted_average = Exercise(reference)


def _case(rng, keys, size, sharp=1.0):
    return (torch.randn(keys, generator=rng) * sharp).softmax(0), torch.randn(keys, size, generator=rng)


@weighted_average.probe("the weights 0.7, 0.2, 0.1 and the values (1, 0), (0, 1), (2, 2)")
def _(answer, rng):
    return answer(torch.tensor([0.7, 0.2, 0.1]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]))


@weighted_average.probe("five values of three numbers each")
def _(answer, rng):
    return answer(*_case(rng, 5, 3))


@weighted_average.probe("a single value, whose weight is 1")
def _(answer, rng):
    return answer(*_case(rng, 1, 7))


@weighted_average.probe("values of one number each")
def _(answer, rng):
    return answer(*_case(rng, 5, 1))


@weighted_average.probe("64-bit numbers")
def _(answer, rng):
    return answer(*(part.double() for part in _case(rng, 5, 3)))


@weighted_average.probe("300 values of 64 numbers each")
def _(answer, rng):
    return answer(*_case(rng, 300, 64))


weighted_average.mistakes(
    plain_mean=(
        "this is the plain mean: every value counts the same, whatever its weight.",
        edit("weights @ values", "values.mean(0)"),
    ),
    plain_sum=(
        "this is the plain sum of the values: the weights are not used.",
        edit("weights @ values", "values.sum(0)"),
    ),
    divided_again=(
        "the weights already sum to 1: do not divide by the number of values.",
        edit("weights @ values", "weights @ values / len(values)"),
    ),
    not_summed=(
        "each value is weighted, but they are not added up: sum over the values (dim=0).",
        edit("weights @ values", "weights[:, None] * values"),
    ),
    summed_inside=(
        "the sum runs inside each value: sum over the values (dim=0), and keep the numbers apart.",
        edit("weights @ values", "(weights[:, None] * values).sum(1)"),
    ),
    summed_to_a_number=(
        "everything is summed to one number: sum over the values only (dim=0).",
        edit("weights @ values", "(weights[:, None] * values).sum()"),
    ),
    only_the_best=(
        "this takes only the value with the largest weight; attention mixes all of them.",
        edit("weights @ values", "values[weights.argmax()]"),
    ),
    softmax_again=(
        "the weights are weights already: no softmax here.",
        edit("weights @ values", "weights.softmax(0) @ values"),
    ),
    kept_as_a_row=(
        "the mix should be a vector of shape (d_value,): one dimension less than this.",
        edit("weights @ values", "weights[None, :] @ values"),
    ),
    without_the_last=(
        "the last value is left out: the loop stops one step too early.",
        edit("weights @ values", "weights[:-1] @ values[:-1]"),
    ),
    without_the_first=(
        "the first value is left out: start from it.",
        edit("weights @ values", "weights[1:] @ values[1:]"),
    ),
)
