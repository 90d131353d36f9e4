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
        "values of one number each, in the millions": lambda rng: (
            torch.tensor([0.5, 0.25, 0.125, 0.125]),
            torch.tensor([[3e6], [-1e6], [2e6], [5e6]]),
        ),
        "as many values as each has numbers: three of three": lambda rng: _case(rng, 3, 3),
        "the weights 0, 1, 0: only the second value counts": lambda rng: (
            torch.tensor([0.0, 1.0, 0.0]),
            torch.randn(3, 5, generator=rng),
        ),
        "64-bit numbers": lambda rng: (part.double() for part in _case(rng, 5, 3)),
        "1,100 values of 64 numbers each": lambda rng: _case(rng, 1100, 64),
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


longer_text = Question(
    "longer_text",
    lambda: 3_000**2 // 1_000**2,
    "n words need n² weights: 9,000,000 instead of 1,000,000. Three times the words need nine times the weights: this "
    "is quadratic cost.",
    "Each word of the longer text gets a weight for each word. How many weights are that in all, for both texts?",
    (
        (3, "Each word needs three times as many weights. And how many words are there?"),
        (9_000_000, "That is how many the longer text needs. How many times as many as the shorter one?"),
        (6, "Count both: 1,000 words with 1,000 weights each, and 3,000 words with 3,000 each."),
    ),
)
matrix_operations = Question(
    "matrix_operations",
    lambda: 2 * 100 * 512 * 2048,
    "about 210 million. The second layer of the network takes as many again, and the Transformer of the paper has "
    "twelve blocks: this is why a Transformer wants fast matrix products.",
    "How many numbers has the product? How many multiplications and additions does each of them take?",
    (
        (100 * 512 * 2048, "These are the multiplications. The additions count as well."),
        (100 * 2048, "That is how many numbers the product has. Each of them is a sum."),
        (2 * 100 * 2048, "Each number of the product is a sum of how many products?"),
        (2 * 1024**3, "That is the product in the next cell. Here the sizes are 100, 512 and 2,048."),
    ),
)
