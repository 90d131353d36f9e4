"""Checks of notebook 06, second part: the learned table, rotary positions, the distance penalty."""

import torch
from torch import nn

from lib import positions
from lib.checks.core import Exercise
from lib.checks.probing import fill, gradients, parameters, raises

LearnedPositions = Exercise(positions.LearnedPositions)
rotate = Exercise(positions.rotate)
distance_penalty = Exercise(positions.distance_penalty)


def normal(*shape, rng):
    return torch.randn(shape, generator=rng)


# ------------------------------------------------------------------------------------------------- LearnedPositions


def _filled(answer, n_positions, d_model, rng):
    return fill(answer(n_positions, d_model), rng)


@LearnedPositions.probe("the parameters of LearnedPositions(7, 5)")
def _(answer, rng):
    return parameters(answer(7, 5))


@LearnedPositions.probe("batch 2, 3 positions, d_model 5, out of 7 rows")
def _(answer, rng):
    return _filled(answer, 7, 5, rng)(normal(2, 3, 5, rng=rng))


@LearnedPositions.probe("start=2: the first vector stands at position 2")
def _(answer, rng):
    return _filled(answer, 7, 5, rng)(normal(2, 3, 5, rng=rng), 2)


@LearnedPositions.probe("one sequence without a batch, 4 positions, and all 4 rows")
def _(answer, rng):
    return _filled(answer, 4, 3, rng)(normal(4, 3, rng=rng))


@LearnedPositions.probe("two leading dimensions, 2 and 3")
def _(answer, rng):
    return _filled(answer, 7, 5, rng)(normal(2, 3, 4, 5, rng=rng))


@LearnedPositions.probe("the gradient for the table: only the rows that were used get one")
def _(answer, rng):
    layer = _filled(answer, 5, 3, rng)
    return gradients(layer(normal(2, 3, 3, rng=rng), 1), table=layer.table)


@LearnedPositions.probe("one vector at start=5 of 5 rows: a ValueError, for position 5 has no row")
def _(answer, rng):
    return raises(ValueError, answer(5, 3), normal(1, 1, 3, rng=rng), 5)


@LearnedPositions.probe("a new table: small random numbers, about 0.02 in size")
def _(answer, rng):
    size = answer(97, 53).table.detach().std().item()
    return "small" if 0.01 < size < 0.04 else f"standard deviation {size:.2g}"


class _Learned(positions.LearnedPositions):
    """What the wrong ones below change one thing of."""


@LearnedPositions.mistake("a slice beyond the table is empty or short and no error by itself: compare, and raise.")
class NoError(_Learned):
    def forward(self, x, start=0):
        return x + self.table[start : start + x.shape[-2]]


@LearnedPositions.mistake("`start` is not used: the first vector stands at position `start`, not 0.")
class IgnoresStart(_Learned):
    def forward(self, x, start=0):
        return super().forward(x)


@LearnedPositions.mistake("these are the positions alone: add them to x.")
class PositionsAlone(_Learned):
    def forward(self, x, start=0):
        return super().forward(torch.zeros_like(x), start)


@LearnedPositions.mistake("the positions are multiplied with x: add them.")
class Multiplies(_Learned):
    def forward(self, x, start=0):
        return x * self.table[start : start + x.shape[-2]]


@LearnedPositions.mistake("each sequence got one row, by its place in the batch: positions are x.shape[-2].")
class RowOfTheBatch(_Learned):
    def forward(self, x, start=0):
        return x + self.table[start : start + x.shape[0]][:, None]


@LearnedPositions.mistake("every vector gets the same row: a row for each position, `start` to `start + n`.")
class OneRowForAll(_Learned):
    def forward(self, x, start=0):
        return x + self.table[start]


@LearnedPositions.mistake("positions count from 0: the first vector gets row `start`, yours gets the next one.")
class FromOne(_Learned):
    def forward(self, x, start=0):
        return super().forward(x, start + 1)


@LearnedPositions.mistake("the table is a plain tensor, so nothing is learned: wrap it in nn.Parameter.")
class PlainTensor(nn.Module):
    def __init__(self, n_positions, d_model):
        super().__init__()
        self.table = 0.02 * torch.randn(n_positions, d_model)


@LearnedPositions.mistake("rows and columns of the table are swapped: (n_positions, d_model).")
class TransposedTable(nn.Module):
    def __init__(self, n_positions, d_model):
        super().__init__()
        self.table = nn.Parameter(0.02 * torch.randn(d_model, n_positions))


@LearnedPositions.mistake("the last row may be used too: raise only when start + n goes beyond the table.")
class LastRowForbidden(_Learned):
    def forward(self, x, start=0):
        if start + x.shape[-2] >= len(self.table):
            raise ValueError(f"position {start + x.shape[-2] - 1} has no row: the table has {len(self.table)}")
        return super().forward(x, start)


# ----------------------------------------------------------------------------------------------------------- rotate


@rotate.probe("the pair (3, 1) by a quarter turn and the pair (2, 5) by none")
def _(answer, rng):
    return answer(torch.tensor([[3.0, 1.0, 2.0, 5.0]]), torch.tensor([[torch.pi / 2, 0.0]]))


@rotate.probe("5 positions of 6 numbers, random angles")
def _(answer, rng):
    return answer(normal(5, 6, rng=rng), normal(5, 3, rng=rng))


@rotate.probe("batch 2, heads 3, 5 positions, 4 numbers")
def _(answer, rng):
    return answer(normal(2, 3, 5, 4, rng=rng), 3 * normal(5, 2, rng=rng))


@rotate.probe("64-bit numbers")
def _(answer, rng):
    return answer(normal(3, 4, rng=rng).double(), normal(3, 2, rng=rng).double())


@rotate.probe("the gradient for x")
def _(answer, rng):
    x = normal(2, 3, 4, rng=rng).requires_grad_()
    return gradients(answer(x, normal(3, 2, rng=rng)), x=x)


def _turned(x, angles, first, second):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([first(a, b, angles.cos(), angles.sin()), second(a, b, angles.cos(), angles.sin())], -1).flatten(
        -2
    )


@rotate.mistake("it turns the other way: (a cos - b sin, a sin + b cos).")
def turned_back(x, angles):
    return _turned(x, -angles, lambda a, b, c, s: a * c - b * s, lambda a, b, c, s: a * s + b * c)


@rotate.mistake("no minus: the first number of a pair becomes a cos - b sin.")
def no_minus(x, angles):
    return _turned(x, angles, lambda a, b, c, s: a * c + b * s, lambda a, b, c, s: a * s + b * c)


@rotate.mistake("sine and cosine are swapped: an angle of 0 must change nothing.")
def sine_for_cosine(x, angles):
    return _turned(x, angles, lambda a, b, c, s: a * s - b * c, lambda a, b, c, s: a * c + b * s)


@rotate.mistake("the second number of a pair is computed with the new first one: use the old a in both.")
def one_after_the_other(x, angles):
    return _turned(x, angles, lambda a, b, c, s: a * c - b * s, lambda a, b, c, s: (a * c - b * s) * s + b * c)


@rotate.mistake("each number is multiplied by a cosine only: the sine brings in the other number of its pair.")
def only_cosines(x, angles):
    return _turned(x, angles, lambda a, b, c, s: a * c, lambda a, b, c, s: b * c)


@rotate.mistake("number i is paired with number i + size/2; here pairs are neighbours: x[..., 0::2] and x[..., 1::2].")
def halves_as_pairs(x, angles):
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1)


@rotate.mistake("the turned numbers are not back in their places: first and second of a pair stand side by side.")
def left_in_halves(x, angles):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1)


@rotate.mistake("the angles are added to x; they are to turn it, with sine and cosine.")
def angles_added(x, angles):
    return x + angles.repeat_interleave(2, dim=-1)


@rotate.mistake("sine and cosine are added, as in sinusoidal positions; rotary positions turn x and add nothing.")
def sinusoid_added(x, angles):
    return x + torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


@rotate.mistake("x comes back unchanged.")
def unchanged(x, angles):
    return x


# ------------------------------------------------------------------------------------------------- distance_penalty


@distance_penalty.probe("2 heads and length 3")
def _(answer, rng):
    return answer(2, 3)


@distance_penalty.probe("3 heads and length 5")
def _(answer, rng):
    return answer(3, 5)


def _penalty(slopes, distance):
    return -slopes[:, None, None] * distance


def _slopes(n_heads, start=1):
    return 2.0 ** (-8 * torch.arange(start, start + n_heads) / n_heads)


def _distance(length):
    return (torch.arange(length)[:, None] - torch.arange(length)).abs()


@distance_penalty.mistake("a reward and not a penalty: the minus is missing.")
def rewards_distance(n_heads, length):
    return -_penalty(_slopes(n_heads), _distance(length))


@distance_penalty.mistake("the heads count from 1: the first slope is 2^(-8/n_heads), not 1.")
def heads_from_zero(n_heads, length):
    return _penalty(_slopes(n_heads, 0), _distance(length))


@distance_penalty.mistake("the distance has a sign: take its absolute value, so that both directions are penalised.")
def signed_distance(n_heads, length):
    return _penalty(_slopes(n_heads), torch.arange(length)[:, None] - torch.arange(length))


@distance_penalty.mistake("the keys after the query get no penalty: take the absolute value of the distance.")
def only_the_past(n_heads, length):
    return _penalty(_slopes(n_heads), (torch.arange(length)[:, None] - torch.arange(length)).clamp(min=0))


@distance_penalty.mistake("all heads have the same slope: head h has 2^(-8·h/n_heads).")
def one_slope(n_heads, length):
    return _penalty(_slopes(n_heads)[:1].expand(n_heads), _distance(length))


@distance_penalty.mistake("the slopes are 2^-h: they reach 2^-8 in the last head, however many heads there are.")
def slopes_of_eight(n_heads, length):
    return _penalty(2.0 ** -torch.arange(1, n_heads + 1).float(), _distance(length))


@distance_penalty.mistake("the distance is squared: the penalty grows by the same amount with each step.")
def squared(n_heads, length):
    return _penalty(_slopes(n_heads), _distance(length) ** 2)


@distance_penalty.mistake("the heads are the last axis: the shape is (heads, query, key).")
def heads_last(n_heads, length):
    return _penalty(_slopes(n_heads), _distance(length)).permute(1, 2, 0)


@distance_penalty.mistake("there is one matrix for all heads: each head has its own, (heads, query, key).")
def no_heads(n_heads, length):
    return -_distance(length).float()


@distance_penalty.mistake("these are the weights by which scores would be multiplied: return what is to be added.")
def as_factors(n_heads, length):
    return torch.exp(_penalty(_slopes(n_heads), _distance(length)))


@distance_penalty.mistake("the slopes multiply the position of the key, not its distance from the query.")
def by_position(n_heads, length):
    return _penalty(_slopes(n_heads), torch.arange(length).expand(length, length))
