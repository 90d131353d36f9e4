"""Checks of notebook 06, second part: the learned table, rotary positions, the distance penalty."""

import torch

from lib import positions
from lib.checks.core import ROUGHLY, Exercise, edit
from lib.checks.differences import difference
from lib.checks.probing import fill, gradients, normal, parameters, refuses, single_calls
from lib.checks.running import Problem

LearnedPositions = Exercise(positions.LearnedPositions)
rotate = Exercise(positions.rotate)
distance_penalty = Exercise(positions.distance_penalty)


def roughly(mine, right):
    """For far positions: float32 is good for three digits of their sines, however they are computed."""
    if found := difference(mine, right, "the result", within=ROUGHLY):
        raise Problem(*found)
    return "right"


# ------------------------------------------------------------------------------------------------- LearnedPositions


@LearnedPositions.probe("the parameters of LearnedPositions(7, 5)")
def _(answer, rng):
    return parameters(answer(7, 5))


@LearnedPositions.probe("a new table")
def _(answer, rng):
    table = answer(97, 53).table.detach()
    mean, size = table.mean().item(), table.std().item()
    found = f"mean {mean:.2g} and standard deviation {size:.2g}"
    sentence = f"the new table has {found}; normal random numbers times 0.02 have about 0 and 0.02."
    if abs(mean) > 0.1 * size:
        raise Problem("not around 0", sentence)
    if not 0.015 < size < 0.025:
        raise Problem("too small" if size < 0.02 else "too large", sentence)
    return "normal numbers times 0.02"


for label, rows, shape, *start in [
    ("batch 11, 3 positions, d_model 13, out of 7 rows", 7, (11, 3, 13)),
    ("start=2: the first vector stands at position 2", 7, (2, 3, 5), 2),
    ("one vector at start=6, the last of 7 rows", 7, (1, 1, 5), 6),
    ("one sequence without a batch, 4 positions, and all 4 rows", 4, (4, 3)),
    ("three leading dimensions, 2, 1 and 3", 7, (2, 1, 3, 4, 5)),
    ("300 positions from start=17 on, out of 320 rows", 320, (2, 300, 4), 17),
]:

    @LearnedPositions.probe(label)
    def _(answer, rng, rows=rows, shape=shape, start=tuple(start)):
        return fill(answer(rows, shape[-1]), rng)(normal(*shape, rng=rng), *start)


@LearnedPositions.probe("the gradients: x gets one, and of the table only the rows that were used")
def _(answer, rng):
    layer, x = fill(answer(5, 3), rng), normal(2, 3, 3, rng=rng).requires_grad_()
    return gradients(layer(x, 1), table=layer.table, x=x)


for label, shape, *start in [
    ("one vector at start=5 of 5 rows: position 5 has no row", (1, 1, 3), 5),
    ("6 vectors and 5 rows", (6, 3)),
    ("three vectors at start=4 of 5 rows: the first has a row, the other two have none", (2, 3, 3), 4),
    ("one vector at start=-1: there is nothing before position 0", (1, 1, 3), -1),
    ("two vectors at start=-3: there is nothing before position 0", (1, 2, 3), -3),
]:

    @LearnedPositions.probe(label)
    def _(answer, rng, shape=shape, start=tuple(start)):
        return refuses(ValueError, "", answer(5, 3), normal(*shape, rng=rng), *start)


_GUARD, _ROWS = "if start < 0 or end > len(self.table):", "self.table[start:end]"

# fmt: off
LearnedPositions.mistakes(
    no_error=("a slice beyond the table is empty or short and no error by itself: compare, and raise.",
        edit(_GUARD, "if False:"), edit(_GUARD, "if False:", _ROWS, "self.table[torch.arange(start, end)]"),
        edit(_GUARD, "if False:", _ROWS, "self.table[range(start, end)]")),
    negative_start=(
        "a negative `start` counts from the end of the table and is no error by itself: compare, and raise.",
        edit(_GUARD, "if end > len(self.table):"),
        edit(_GUARD, f"if len({_ROWS}) < x.shape[-2]:"),
    ),
    only_start_compared=(
        "the last vector needs a row too, not only the first: compare start + n with the table's length.",
        edit(_GUARD, "if start < 0 or start >= len(self.table):"),
        edit(_GUARD, "if start >= len(self.table):"),
    ),
    only_length_compared=("`start` counts too: compare start + n with the table's length, not n alone.",
        edit(_GUARD, "if start < 0 or x.shape[-2] > len(self.table):"),
        edit(_GUARD, "if x.shape[-2] > len(self.table):")),
    each_compared_alone=(
        "`start` and the length are compared each by itself: what must not exceed the table is their sum.",
        edit(_GUARD, "if start < 0 or start >= len(self.table) or x.shape[-2] > len(self.table):"),
        edit(_GUARD, "if start >= len(self.table) or x.shape[-2] > len(self.table):"),
    ),
    last_row_forbidden=("the last row may be used too: raise only when start + n goes beyond the table.",
        edit("end > len(self.table)", "end >= len(self.table)")),
    positions_alone=("these are the positions alone: add them to x.", edit("x + ", "0 * x + ")),
    multiplied=("the positions are multiplied with x: add them.", edit("x + ", "x * ")),
    row_of_the_batch=("each sequence got one row, by its place in the batch: positions are x.shape[-2].",
        edit(_ROWS, "self.table[start : start + x.shape[0]][:, None]"),
        edit(_ROWS, "self.table[start : start + x.shape[0]][:, None]", "x.shape[-2]", "x.shape[0]")),
    second_axis=("positions are the last axis but one, however many come before it: x.shape[-2].",
        edit("x.shape[-2]", "x.shape[1]"), edit("x.shape[-2]", "(x.shape[1] if x.ndim > 2 else x.shape[0])"),
        edit("x.shape[-2]", "(x.shape[1] if x.ndim == 3 else x.shape[0])")),
    one_row_for_all=("every vector gets the same row: a row for each position, `start` to `start + n`.",
        edit(_ROWS, "self.table[start]")),
    from_one=("positions count from 0: the first vector gets row `start`, yours gets the next one.",
        edit("end = start", "start += 1\n        end = start"), edit(_ROWS, "self.table[start + 1 : end + 1]")),
    plain_tensor=("the table is a plain tensor, so nothing is learned: wrap it in nn.Parameter.",
        edit("nn.Parameter", "")),
    transposed_table=(
        "rows and columns of the table are swapped: (n_positions, d_model).",
        edit("torch.randn(n_positions, d_model)", "torch.randn(d_model, n_positions)"),
        edit(
            "torch.randn(n_positions, d_model)",
            "torch.randn(d_model, n_positions)",
            _ROWS,
            "self.table[:, start:end].T",
        ),
    ),
    uniform=("`torch.rand` gives numbers from 0 to 1; asked for are normal ones, `torch.randn`.",
        edit("torch.randn", "torch.rand")),
    too_large=("the random numbers of a new table are to be small: times 0.02.", edit("0.02 * ", "")),
    starts_at_zero=("a new table of zeros gives all positions the same vector: start from random numbers.",
        edit("0.02 * torch.randn", "torch.zeros")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------------------- rotate


@rotate.probe("the pair (3, 1) by a quarter turn and the pair (2, 5) by none")
def _(answer, rng):
    return answer(torch.tensor([[3.0, 1.0, 2.0, 5.0]]), torch.tensor([[torch.pi / 2, 0.0]]))


single_calls(
    rotate,
    {
        "5 positions of 6 numbers": lambda rng: (normal(5, 6, rng=rng), normal(5, 3, rng=rng)),
        "4 positions of 2 numbers": lambda rng: (normal(4, 2, rng=rng), normal(4, 1, rng=rng)),
        "batch 2, heads 3, 5 positions, 4 numbers": lambda rng: (
            normal(2, 3, 5, 4, rng=rng),
            3 * normal(5, 2, rng=rng),
        ),
        "batch, heads, positions and pairs all 3, as `split_heads` gives them": lambda rng: (
            normal(3, 3, 3, 6, rng=rng).transpose(1, 2),
            normal(3, 3, rng=rng),
        ),
        "64-bit numbers": lambda rng: (normal(3, 4, rng=rng).double(), normal(3, 2, rng=rng).double()),
        "300 positions of 16 numbers": lambda rng: (
            normal(1, 2, 300, 16, rng=rng),
            positions.position_angles(torch.arange(300), 16),
        ),
    },
)


@rotate.probe("the gradient for x")
def _(answer, rng):
    x = normal(2, 3, 4, rng=rng).requires_grad_()
    return gradients(answer(x, normal(3, 2, rng=rng)), x=x)


_A, _B, _BACK = "a * cos - b * sin", "a * sin + b * cos", "torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1)"

# fmt: off
rotate.mistakes(
    turned_back=("it turns the other way: (a cos - b sin, a sin + b cos).", edit("angles.sin()", "-angles.sin()")),
    no_minus=("no minus: the first number of a pair becomes a cos - b sin.", edit(_A, "a * cos + b * sin")),
    sine_for_cosine=("sine and cosine are swapped: an angle of 0 must change nothing.",
        edit("cos, sin = ", "sin, cos = ")),
    one_after_the_other=("the second number of a pair is computed with the new first one: use the old a in both.",
        edit(_B, "(a * cos - b * sin) * sin + b * cos")),
    only_cosines=("each number is multiplied by a cosine only: the sine brings in the other number of its pair.",
        edit(_A, "a * cos", _B, "b * cos")),
    halves_as_pairs=(
        "number i is paired with number i + size/2; here pairs are neighbours: x[..., 0::2] and x[..., 1::2].",
        edit(
            "x[..., 0::2], x[..., 1::2]", "x.chunk(2, dim=-1)", _BACK + ".flatten(-2)", f"torch.cat([{_A}, {_B}], -1)"
        ),
        edit("x[..., 0::2], x[..., 1::2]", "x.chunk(2, dim=-1)"),
    ),
    left_in_halves=("the turned numbers are not back in their places: first and second of a pair stand side by side.",
        edit(_BACK + ".flatten(-2)", f"torch.cat([{_A}, {_B}], dim=-1)")),
    left_apart=("the pairs have an axis of their own now: `.flatten(-2)` puts them back side by side.",
        edit(".flatten(-2)", "")),
    angles_added=("the angles are added to x; they are to turn it, with sine and cosine.",
        edit(_A, "a + angles", _B, "b + angles")),
    sinusoid_added=("sine and cosine are added, as in sinusoidal positions; rotary positions turn x and add nothing.",
        edit(_A, "a + sin", _B, "b + cos")),
    unchanged=("x comes back unchanged.", edit(_A, "a", _B, "b")),
    always_32_bits=("the result is 32-bit whatever x is: it should have x's dtype.",
        edit("angles.cos(), angles.sin()", "angles.cos().float(), angles.sin().float()", "x[...,", "x.float()[...,")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------- distance_penalty


single_calls(
    distance_penalty,
    {
        "2 heads and length 3": lambda rng: (2, 3),
        "3 heads and length 5": lambda rng: (3, 5),
        "a single head and length 1": lambda rng: (1, 1),
        "20 heads and length 3": lambda rng: (20, 3),
    },
)


@distance_penalty.probe("a single head and length 300", varied=False)
def _(answer, rng):
    return answer(1, 300)


_DISTANCE, _SLOPES = "(positions[:, None] - positions).abs()", "-slopes[:, None, None] * distance"

# fmt: off
distance_penalty.mistakes(
    rewards_distance=("a reward and not a penalty: the minus is missing.", edit("-slopes", "slopes")),
    heads_from_zero=("the heads count from 1: the first slope is 2^(-8/n_heads), not 1.",
        edit("torch.arange(1, n_heads + 1)", "torch.arange(n_heads)")),
    signed_distance=("the distance has a sign: take its absolute value, so that both directions are penalised.",
        edit(".abs()", ""), edit(_DISTANCE, "positions - positions[:, None]")),
    only_the_past=("the keys after the query get no penalty: take the absolute value of the distance.",
        edit(".abs()", ".clamp(min=0)")),
    future_forbidden=(
        "the keys after the query are forbidden: that is a mask's work. They get a penalty as those before it do.",
        edit(_SLOPES, f"({_SLOPES}).masked_fill(positions > positions[:, None], -torch.inf)"),
    ),
    one_slope=("all heads have the same slope: head h has 2^(-8·h/n_heads).",
        edit("torch.arange(1, n_heads + 1)", "torch.ones(n_heads)")),
    slopes_of_eight=("the slopes are 2^-h: they reach 2^-8 in the last head, however many heads there are.",
        edit("-8 * torch.arange(1, n_heads + 1) / n_heads", "-torch.arange(1, n_heads + 1).float()")),
    slopes_in_a_row=(
        "the slopes are h/n_heads, with equal steps; each is to be the same part of the one before: 2^(-8·h/n_heads).",
        edit("2.0 ** (-8 * torch.arange(1, n_heads + 1) / n_heads)", "torch.arange(1, n_heads + 1) / n_heads"),
    ),
    squared=("the distance is squared: the penalty grows by the same amount with each step.",
        edit(".abs()", ".square()")),
    heads_last=("the heads are the last axis: the shape is (heads, query, key).",
        edit(_SLOPES, "-slopes * distance[:, :, None]")),
    no_heads=("there is one matrix for all heads: each head has its own, (heads, query, key).",
        edit(_SLOPES, "-distance.float()")),
    as_factors=("these are the weights by which scores would be multiplied: return what is to be added.",
        edit(_SLOPES, f"({_SLOPES}).exp()")),
    by_position=("the slopes multiply the position of the key, not its distance from the query.",
        edit(_DISTANCE, "positions.expand(length, length)")),
)
# fmt: on
