"""Wrong answers to notebook 00, as people write them."""

import torch

from tests.graders.cases import wrong


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


@wrong("weighted_average", says="raised")
def broadcasts_wrongly(weights, values):
    return (weights * values).sum(0)


@wrong("weighted_average", says="return")
def no_return(weights, values):
    weights @ values


@wrong("weighted_average", says="gradient")
def through_numpy(weights, values):
    return torch.from_numpy(weights.detach().numpy() @ values.detach().numpy())


@wrong("weighted_average", says="dtype")
def always_float32(weights, values):
    return weights.float() @ values.float()


@wrong("weighted_average", says="torch.Tensor")
def a_list_of_numbers(weights, values):
    return (weights @ values).tolist()


@wrong("weighted_average")
def a_fixed_number_of_values(weights, values):
    return weights[0] * values[0] + weights[1] * values[1] + weights[2] * values[2]


@wrong("weighted_average", says="a single value")
def squeezes_too_much(weights, values):
    return (weights[:, None] * values).squeeze().sum(0)


@wrong("weighted_average", says="values of one number each")
def squeezes_the_result(weights, values):
    return (weights @ values).squeeze()
