"""The check of notebook 00: one weighted average."""

import torch

from lib.attention import weighted_average as reference
from lib.checks.core import Exercise, gradients

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


@weighted_average.probe("gradients: the mix must let them through to weights and values")
def _(answer, rng):
    weights, values = (part.requires_grad_() for part in _case(rng, 5, 3))
    return gradients(answer(weights, values), weights=weights, values=values)


@weighted_average.mistake("this is the plain mean: every value counts the same, whatever its weight.")
def plain_mean(weights, values):
    return values.mean(0)


@weighted_average.mistake("this is the plain sum of the values: the weights are not used.")
def plain_sum(weights, values):
    return values.sum(0)


@weighted_average.mistake("the weights already sum to 1: do not divide by the number of values.")
def divided_again(weights, values):
    return weights @ values / len(values)


@weighted_average.mistake("each value is weighted, but they are not added up: sum over the values (dim=0).")
def not_summed(weights, values):
    return weights[:, None] * values


@weighted_average.mistake("the sum runs inside each value: sum over the values (dim=0), and keep the numbers apart.")
def summed_inside(weights, values):
    return (weights[:, None] * values).sum(1)


@weighted_average.mistake("everything is summed to one number: sum over the values only (dim=0).")
def summed_to_a_number(weights, values):
    return (weights[:, None] * values).sum()


@weighted_average.mistake("this takes only the value with the largest weight; attention mixes all of them.")
def only_the_best(weights, values):
    return values[weights.argmax()]


@weighted_average.mistake("the weights are weights already: no softmax here.")
def softmax_again(weights, values):
    return weights.softmax(0) @ values


@weighted_average.mistake("the mix should be a vector of shape (d_value,): one dimension less than this.")
def kept_as_a_row(weights, values):
    return weights[None, :] @ values


@weighted_average.mistake("the last value is left out: the loop stops one step too early.")
def without_the_last(weights, values):
    return weights[:-1] @ values[:-1]


@weighted_average.mistake("the first value is left out: start from it.")
def without_the_first(weights, values):
    return weights[1:] @ values[1:]
