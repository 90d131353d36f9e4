"""The checks of notebook 00: one weighted average, and a question about its weights."""

import torch

from lib.attention import weighted_average as reference
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import single_calls

VALUES = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])  # of the table in the notebook
weighted_average = Exercise(reference)


def _case(rng, keys, size):
    return torch.randn(keys, generator=rng).softmax(0), torch.randn(keys, size, generator=rng)


single_calls(
    weighted_average,
    {
        "the weights 0.7, 0.2, 0.1 and the values (1, 0), (0, 1), (2, 2)": lambda rng: (
            torch.tensor([0.7, 0.2, 0.1]),
            VALUES,
        ),
        "five values of three numbers each": lambda rng: _case(rng, 5, 3),
        "a single value, whose weight is 1": lambda rng: _case(rng, 1, 7),
        "values of one number each": lambda rng: _case(rng, 5, 1),
        "as many values as each has numbers: three of three": lambda rng: _case(rng, 3, 3),
        "the weights 0, 1, 0: only the second value counts": lambda rng: (
            torch.tensor([0.0, 1.0, 0.0]),
            torch.randn(3, 5, generator=rng),
        ),
        "64-bit numbers": lambda rng: (part.double() for part in _case(rng, 5, 3)),
        "300 values of 64 numbers each": lambda rng: _case(rng, 300, 64),
    },
)


LOOP = "sum((w * v for w, v in zip(weights{}, values{})), torch.zeros_like(values[0]))"

# fmt: off
weighted_average.mistakes(
    plain_mean=("this is the plain mean: every value counts the same, whatever its weight.",
        edit("weights @ values", "values.mean(0)")),
    plain_sum=("this is the plain sum of the values: the weights are not used.",
        edit("weights @ values", "values.sum(0)")),
    divided_again=("the weights already sum to 1: do not divide by the number of values.",
        edit("weights @ values", "weights @ values / len(values)")),
    not_summed=("each value is weighted, but they are not added up: sum over the values (dim=0).",
        edit("weights @ values", "weights[:, None] * values")),
    summed_inside=("the sum runs inside each value: sum over the values (dim=0), and keep the numbers apart.",
        edit("weights @ values", "(weights[:, None] * values).sum(1)")),
    summed_to_a_number=("everything is summed to one number: sum over the values only (dim=0).",
        edit("weights @ values", "(weights[:, None] * values).sum()")),
    only_the_best=("this takes only the value with the largest weight; attention mixes all of them.",
        edit("weights @ values", "values[weights.argmax()]")),
    softmax_again=("the weights are weights already: no softmax here.",
        edit("weights @ values", "weights.softmax(0) @ values")),
    kept_as_a_row=("the mix should be a vector of shape (d_value,): one dimension less than this.",
        edit("weights @ values", "weights[None, :] @ values")),
    without_the_last=("the last value is left out: the loop stops one step too early.",
        edit("weights @ values", LOOP.format("[:-1]", "[:-1]"))),
    without_the_first=("the first value is left out: start from it.",
        edit("weights @ values", LOOP.format("[1:]", "[1:]"))),
    weights_across=(
        "each number inside a value gets a weight of its own: `weights[:, None]` gives each row one weight.",
        edit("weights @ values", "(weights * values).sum(0)"),
    ),
    factors_in_the_other_order=(
        "`@` sums over the last axis of its left and the first of its right: which axis do weights and values share?",
        edit("weights @ values", "values @ weights"),
    ),
    weights_reversed=("the first weight meets the last value: weight i belongs to value i.",
        edit("weights @ values", "weights.flip(0) @ values")),
    weights_sorted=("the weights are sorted first: weight i belongs to value i, in the order given.",
        edit("weights @ values", "weights.sort(descending=True).values @ values")),
    weights_squared=("each weight is multiplied in twice.", edit("weights @ values", "weights**2 @ values")),
)
# fmt: on


def _needed_weights() -> tuple[float, ...]:
    """The only weights that sum to 1 and mix the table's values to (1, 1): three equations."""
    equations = torch.cat([VALUES.T, torch.ones(1, 3)])
    weights = torch.linalg.solve(equations, torch.ones(3))
    assert torch.allclose(reference(weights, VALUES), torch.ones(2))
    return tuple(weights.tolist())


needed_weights = Question(
    "needed_weights",
    _needed_weights,
    "equal weights give the plain mean of the three vectors, (1, 1): the middle. No other weights that sum to 1 do.",
    "Multiply each vector by your weight and add: is it (1, 1)? And do your weights sum to 1?",
    hints=(
        ((1, 1, 0), "These do give (1, 1), but they sum to 2."),
        ((0, 0, 0.5), "These do give (1, 1), but they sum to 0.5."),
        ((1, 1), "This is the mix that is wanted. Which three weights give it?"),
    ),
    within=0.03,  # 0.33 and 0.34 will do
)
