"""Attention: every position asks a question and mixes the answers of the others.

weighted_average     one mix of values, the last step of every attention     notebook 00
"""

from torch import Tensor


def weighted_average(weights: Tensor, values: Tensor) -> Tensor:
    """Mix vectors: each value counts as much as its weight says.

    weights: (key,), they sum to 1    values: (key, d_value)

    Returns the mix (d_value,): the sum over the keys of weight times value.
    """
    return weights @ values
