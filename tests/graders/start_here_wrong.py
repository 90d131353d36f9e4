"""Wrong answers to notebook 00, as people write them."""

import torch

from lib.checks.core import edit
from tests.graders.cases import slips, wrong


@wrong("weighted_average", says="plain mean")
def forgets_the_weights(weights, values):
    return values.mean(dim=0)


@wrong("weighted_average", says="plain sum")
def adds_the_values(weights, values):
    total = torch.zeros(values.shape[1], dtype=values.dtype)
    for value in values:
        total = total + value
    return total


@wrong("weighted_average", says="do not divide")
def mean_of_the_weighted(weights, values):
    return (weights.unsqueeze(1) * values).mean(0)


@wrong("weighted_average", says="not added up")
def no_sum(weights, values):
    return weights.reshape(-1, 1) * values


@wrong("weighted_average", says="sum over the values")
def sums_over_the_numbers(weights, values):
    return torch.sum(values * weights.unsqueeze(-1), dim=-1)


@wrong("weighted_average", says="one number")
def sums_everything(weights, values):
    return torch.sum(weights.unsqueeze(1) * values)


@wrong("weighted_average", says="largest weight")
def takes_the_winner(weights, values):
    best = int(torch.argmax(weights))
    return values[best]


@wrong("weighted_average", says="no softmax")
def softmax_of_weights(weights, values):
    return torch.softmax(weights, dim=0) @ values


@wrong("weighted_average", says="(d_value,)")
def keeps_a_dimension(weights, values):
    return (weights[:, None] * values).sum(0, keepdim=True)


@wrong("weighted_average", says="too early")
def range_off_by_one(weights, values):
    mix = torch.zeros_like(values[0])
    for i in range(len(values) - 1):
        mix = mix + weights[i] * values[i]
    return mix


@wrong("weighted_average", says="is left out")
def starts_at_one(weights, values):
    return sum(
        (weights[i] * values[i] for i in range(1, len(values))), torch.zeros(values.shape[1], dtype=values.dtype)
    )


@wrong("weighted_average", says="changes what it was given")
def weighs_in_place(weights, values):
    values *= weights[:, None]
    return values.sum(0)


@wrong("weighted_average", says="gets a weight of its own")
def broadcasts_wrongly(weights, values):
    return (weights * values).sum(0)


@wrong("weighted_average", says="return")
def no_return(weights, values):
    weights @ values


@wrong("weighted_average", says="dtype")
def always_float32(weights, values):
    return weights.float() @ values.float()


@wrong("weighted_average", says="torch.Tensor")
def a_list_of_numbers(weights, values):
    return (weights @ values).tolist()


@wrong("weighted_average", says="tried with five values of three numbers each")
def a_fixed_number_of_values(weights, values):
    return weights[0] * values[0] + weights[1] * values[1] + weights[2] * values[2]


@wrong("weighted_average", says="a single value")
def squeezes_too_much(weights, values):
    return (weights[:, None] * values).squeeze().sum(0)


@wrong("weighted_average", says="values of one number each")
def squeezes_the_result(weights, values):
    return (weights @ values).squeeze()


@wrong("weighted_average", says="which axis do weights and values share")
def product_turned_round(weights, values):
    return torch.matmul(values, weights)


@wrong("weighted_average", says="the first weight meets the last value")
def counts_from_the_end(weights, values):
    return sum(weights[-i - 1] * values[i] for i in range(len(values)))


@wrong("weighted_average", says="1,100 values of 64 numbers each")
def leaves_out_what_hardly_counts(weights, values):
    return sum((w * v for w, v in zip(weights, values, strict=True) if w > 1e-3), torch.zeros_like(values[0]))


@wrong("weighted_average", says="as many values as each has numbers")
def guesses_the_axis(weights, values):
    weights = weights if values.shape[1] == len(weights) else weights[:, None]
    return (weights * values).sum(0)


@wrong("weighted_average", says="the weights 0, 1, 0")
def in_logarithms(weights, values):
    return (weights.log()[:, None] + values.abs().log()).exp().mul(values.sign()).sum(0) + 0 * weights.log().sum()


LAST_VALUES = []


@wrong("weighted_average", says="`LAST_VALUES` keeps something")
def collects_in_a_global_list(weights, values):
    LAST_VALUES.append(weights @ values)
    return LAST_VALUES[0] if LAST_VALUES[0].shape == LAST_VALUES[-1].shape else LAST_VALUES[-1]


slips(
    "weighted_average",
    rounded=("five values of three numbers each", edit("weights @ values", "weights.round(decimals=1) @ values")),
    whole_numbers=("dtype torch.int64", edit("weights @ values", "(weights[:, None] * values).sum(0).long()")),
    normalised_with_numbers=(
        "expected [0.9, 0.4]",
        edit("weights @ values", "weights @ values / (weights @ values).sum()"),
    ),
    no_more_than_1000=(None, edit("weights @ values", "weights[:1000] @ values[:1000]")),
)
