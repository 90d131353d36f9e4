"""Right answers to notebook 00 in several styles."""

import torch

from tests.graders.cases import right


@right("weighted_average")
def matrix_product(weights, values):
    return torch.matmul(weights, values)


@right("weighted_average")
def multiply_and_sum(weights, values):
    return (weights.unsqueeze(1) * values).sum(dim=0)


@right("weighted_average")
def with_einsum(weights, values):
    return torch.einsum("k,kd->d", weights, values)


@right("weighted_average")
def with_a_loop(weights, values):
    mix = torch.zeros(values.shape[1], dtype=values.dtype)
    for weight, value in zip(weights, values, strict=True):
        mix = mix + weight * value
    return mix


@right("weighted_average")
def own_list_in_place(weights, values):
    mix = values[0] * weights[0]
    for i in range(1, len(values)):
        mix += weights[i] * values[i]
    return mix


@right("weighted_average")
def values_first(weights, values):
    return values.T @ weights


@right("weighted_average")
def float64_inside(weights, values):
    return (weights.double()[:, None] * values.double()).sum(0).to(values.dtype)


@right("weighted_average")
def without_autograd(shares, vectors):
    with torch.no_grad():
        return torch.tensordot(shares, vectors, dims=1)


@right("weighted_average")
def number_by_number(weights, values):
    mix = [sum(w * number for w, number in zip(weights.tolist(), column, strict=True)) for column in values.T.tolist()]
    return torch.tensor(mix, dtype=values.dtype)


@right("weighted_average")
def made_sure_that_they_sum_to_one(weights, values):
    return (weights / weights.sum()) @ values


@right("weighted_average")
def through_numpy(weights, values):
    return torch.from_numpy(weights.numpy() @ values.numpy())
