"""Wrong answers to notebook 06, second part: learned table, rotary positions, distance penalty."""

import torch
from torch import nn

from lib.checks.core import edit
from tests.graders.cases import slips, wrong


class Table(nn.Module):
    """What most of the wrong answers have right."""

    def __init__(self, n_positions, d_model):
        super().__init__()
        self.table = nn.Parameter(torch.randn(n_positions, d_model) * 0.02)

    def rows(self, start, length):
        if start < 0 or start + length > self.table.shape[0]:
            raise ValueError(f"no row for {start + length - 1}")
        return self.table[start : start + length]


@wrong("LearnedPositions", says="`start` has no effect")
class AlwaysFromZero(Table):
    def forward(self, x, start=0):
        return x + self.rows(0, x.shape[-2])


@wrong("LearnedPositions", says="add them to x")
class ReturnsTheRows(Table):
    def forward(self, x, start=0):
        return self.rows(start, x.shape[-2]).expand_as(x)


@wrong("LearnedPositions", says="multiplied")
class Product(Table):
    def forward(self, x, start=0):
        return x * self.rows(start, x.shape[-2])


@wrong("LearnedPositions", says="place in the batch")
class CountsTheBatch(Table):
    def forward(self, x, start=0):
        return x + self.rows(start, len(x)).unsqueeze(1)


@wrong("LearnedPositions", says="the same row")
class SameRowEverywhere(Table):
    def forward(self, x, start=0):
        self.rows(start, x.shape[-2])
        return x + self.table[start]


@wrong("LearnedPositions", says="count from 0")
class NextRow(Table):
    def forward(self, x, start=0):
        return x + self.rows(start + 1, x.shape[-2])


@wrong("LearnedPositions", says="nn.Parameter")
class NotAParameter(nn.Module):
    def __init__(self, n_positions, d_model):
        super().__init__()
        self.register_buffer("table", torch.randn(n_positions, d_model) * 0.02)

    def forward(self, x, start=0):
        return x + self.table[start : start + x.shape[-2]]


@wrong("LearnedPositions", says="swapped")
class ColumnsForPositions(nn.Module):
    def __init__(self, n_positions, d_model):
        super().__init__()
        self.table = nn.Parameter(torch.randn(d_model, n_positions) * 0.02)

    def forward(self, x, start=0):
        return x + self.table[:, start : start + x.shape[-2]].T


@wrong("LearnedPositions", says="last row may be used")
class OneTooCareful(Table):
    def forward(self, x, start=0):
        end = start + x.shape[-2]
        if start < 0 or end > self.table.shape[0] - 1:
            raise ValueError(f"position {end - 1} has no row: the table has {self.table.shape[0]}")
        return x + self.table[start:end]


@wrong("LearnedPositions", says="no error by itself")
class SlicesBlindly(Table):
    def forward(self, x, start=0):
        return x + self.table[start:][: x.shape[-2]]


@wrong("LearnedPositions", says="no error by itself")
class LetsIndexingComplain(Table):
    def forward(self, x, start=0):
        return x + self.table[torch.arange(start, start + x.shape[-2])]


@wrong("LearnedPositions", says="changes what it was given")
class AddsInPlace(Table):
    def forward(self, x, start=0):
        x += self.rows(start, x.shape[-2])
        return x


@wrong("LearnedPositions", says="to be small")
class StartsLarge(Table):
    def __init__(self, n_positions, d_model):
        super().__init__(n_positions, d_model)
        self.table = nn.Parameter(torch.randn(n_positions, d_model))

    def forward(self, x, start=0):
        return x + self.rows(start, x.shape[-2])


@wrong("LearnedPositions", says="the last axis but one")
class BatchesOnly(Table):
    def forward(self, x, start=0):
        length = x.shape[1] if x.ndim == 3 else x.shape[0]
        return x + self.rows(start, length)


@wrong("LearnedPositions", says="the gradient")
class NotTrained(Table):
    def forward(self, x, start=0):
        return x + 0 * self.table.sum() + self.rows(start, x.shape[-2]).detach()


@wrong("LearnedPositions", says="gives something else")
class CountsOn(Table):
    """Goes on where the last call ended."""

    next = 0

    def forward(self, x, start=0):
        start = start or self.next % 3
        self.next = start + x.shape[-2]
        return x + self.rows(start, x.shape[-2])


@wrong("LearnedPositions", says="each by itself")
class ComparesEachAlone(Table):
    def forward(self, x, start=0):
        if not 0 <= start < len(self.table) or x.shape[-2] > len(self.table):
            raise ValueError("too long")
        return x + self.table[start : start + x.shape[-2]]


slips(
    "LearnedPositions",
    squeezes=("without a dimension", edit("x + self.table[start:end]", "(x + self.table[start:end]).squeeze()")),
    negative_allowed=("from the end of the table", edit("start < 0 or ", "")),
    counts_the_rows=(
        "from the end of the table",
        edit("start < 0 or end > len(self.table)", "len(self.table[start:end]) < x.shape[-2]"),
    ),
    checks_later_pieces_only=("6 vectors and 5 rows", edit("start < 0 or end", "start < 0 or start and end")),
    uniform=("from 0 to 1", edit("torch.randn", "torch.rand")),
    half_as_large=("standard deviation", edit("0.02", "0.01")),
    zeros=("the same vector", edit("0.02 * torch.randn", "torch.zeros")),
    first_256_rows=("300 positions", edit("self.table[start:end]", "self.table[:256][start:end]")),
    assertion=(
        "AssertionError",
        edit("if start < 0 or end", "assert start >= 0 and end <= len(self.table)\n        if start < 0 or end"),
    ),
    batch_compared=("raised", edit("if start < 0", "if x.shape[0] > len(self.table) or start < 0")),
    size_compared=("raised", edit("if start < 0", "if x.shape[-1] > len(self.table) or start < 0")),
)


@wrong("rotate", says="other way")
def clockwise(x, angles):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * angles.cos() + b * angles.sin(), b * angles.cos() - a * angles.sin()], -1).flatten(-2)


@wrong("rotate", says="no minus")
def plus_everywhere(x, angles):
    wide = angles.repeat_interleave(2, -1)
    partner = x.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
    return x * wide.cos() + partner * wide.sin()


@wrong("rotate", says="angle of 0")
def sine_and_cosine_swapped(x, angles):
    s, c = angles.cos(), angles.sin()
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * c - b * s, a * s + b * c], dim=-1).flatten(-2)


@wrong("rotate", says="old a in both")
def overwrites_a(x, angles):
    a, b = x[..., 0::2], x[..., 1::2]
    a = a * angles.cos() - b * angles.sin()
    b = a * angles.sin() + b * angles.cos()
    return torch.stack([a, b], dim=-1).flatten(-2)


@wrong("rotate", says="cosine only")
def scaled_by_cosines(x, angles):
    return x * angles.cos().repeat_interleave(2, dim=-1)


@wrong("rotate", says="pairs are neighbours")
def rotate_half(x, angles):
    first, second = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    wide = torch.cat([angles, angles], dim=-1)
    return x * wide.cos() + torch.cat([-second, first], dim=-1) * wide.sin()


@wrong("rotate", says="not back in their places")
def concatenated(x, angles):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


@wrong("rotate", says="added to x")
def adds_angles(x, angles):
    return x + torch.stack([angles, angles], dim=-1).flatten(-2)


@wrong("rotate", says="turn x and add nothing")
def adds_the_sinusoid(x, angles):
    table = torch.zeros(angles.shape[0], x.shape[-1])
    table[:, 0::2], table[:, 1::2] = angles.sin(), angles.cos()
    return x + table


@wrong("rotate", says="unchanged")
def forgets_to_turn(x, angles):
    return x.clone()


@wrong("rotate", says="changes what it was given")
def turns_in_place(x, angles):
    a, b = x[..., 0::2].clone(), x[..., 1::2].clone()
    x[..., 0::2] = a * angles.cos() - b * angles.sin()
    x[..., 1::2] = a * angles.sin() + b * angles.cos()
    return x


@wrong("rotate", says="shape")
def leaves_pairs_apart(x, angles):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], -1)


@wrong("rotate", says="batch 2, heads 3")
def first_two_dimensions_only(x, angles):
    a, b = x[:, 0::2], x[:, 1::2]
    return torch.stack([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], -1).flatten(1)


@wrong("rotate", says="dtype")
def single_precision_only(x, angles):
    x, angles = x.float(), angles.float()
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], -1).flatten(-2)


@wrong("rotate", says="gradient")
def detached(x, angles):
    a, b = x.data[..., 0::2], x.data[..., 1::2]
    return torch.stack([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], -1).flatten(-2)


@wrong("rotate", says="all 3")
def position_before_heads(x, angles):
    if x.ndim == 4 and len(angles) == x.shape[1]:
        angles = angles[:, None]
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], -1).flatten(-2)


@wrong("rotate", says="keeps something")
def sines_made_once(x, angles, known={}):  # noqa: B006
    if angles.shape not in known:
        known[angles.shape] = angles.cos(), angles.sin()
    (cos, sin), a, b = known[angles.shape], x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


slips(
    "rotate",
    squeezes=("without a dimension", edit(".flatten(-2)", ".flatten(-2).squeeze()")),
    pairs_squeezed=(
        "4 positions of 2 numbers",
        edit("x[..., 0::2], x[..., 1::2]", "x[..., 0::2].squeeze(), x[..., 1::2].squeeze()"),
    ),
    first_256_only=("300 positions", edit("angles.cos(), angles.sin()", "angles[:256].cos(), angles[:256].sin()")),
    apart=("axis of their own", edit(".flatten(-2)", "")),
)


def _parts(n_heads, length):
    place = torch.arange(length)
    return 2.0 ** (-8 * (torch.arange(n_heads) + 1) / n_heads), place[:, None] - place[None, :]


@wrong("distance_penalty", says="a reward")
def positive(n_heads, length):
    slopes, gap = _parts(n_heads, length)
    return slopes.view(-1, 1, 1) * gap.abs()


@wrong("distance_penalty", says="count from 1")
def starts_with_slope_one(n_heads, length):
    _, gap = _parts(n_heads, length)
    return torch.stack([-gap.abs() * 2 ** (-8 * h / n_heads) for h in range(n_heads)])


@wrong("distance_penalty", says="has a sign")
def not_absolute(n_heads, length):
    slopes, gap = _parts(n_heads, length)
    return -slopes[:, None, None] * gap


@wrong("distance_penalty", says="after the query get no penalty")
def lower_triangle(n_heads, length):
    slopes, gap = _parts(n_heads, length)
    return -slopes[:, None, None] * gap.tril()


@wrong("distance_penalty", says="same slope")
def first_slope_for_all(n_heads, length):
    slopes, gap = _parts(n_heads, length)
    return -(slopes[0] * gap.abs()).repeat(n_heads, 1, 1)


@wrong("distance_penalty", says="however many heads")
def halves_each_time(n_heads, length):
    _, gap = _parts(n_heads, length)
    return torch.stack([-gap.abs() * 0.5 ** (h + 1) for h in range(n_heads)])


@wrong("distance_penalty", says="squared")
def quadratic(n_heads, length):
    slopes, gap = _parts(n_heads, length)
    return -slopes[:, None, None] * gap.pow(2)


@wrong("distance_penalty", says="last axis")
def head_axis_at_the_end(n_heads, length):
    slopes, gap = _parts(n_heads, length)
    return -gap.abs()[:, :, None] * slopes


@wrong("distance_penalty", says="each head has its own")
def one_matrix(n_heads, length):
    return -_parts(n_heads, length)[1].abs().float()


@wrong("distance_penalty", says="what is to be added")
def exponential_decay(n_heads, length):
    slopes, gap = _parts(n_heads, length)
    return (-slopes[:, None, None] * gap.abs()).exp()


@wrong("distance_penalty", says="position of the key")
def far_from_the_start(n_heads, length):
    slopes, _ = _parts(n_heads, length)
    return -slopes[:, None, None] * torch.arange(length).float().repeat(length, 1)


@wrong("distance_penalty", says="return")
def no_return(n_heads, length):
    slopes, gap = _parts(n_heads, length)
    slopes[:, None, None] * -gap.abs()


@wrong("distance_penalty", says="raised")
def shapes_that_clash(n_heads, length):
    slopes, gap = _parts(n_heads, length)
    return -slopes * gap.abs()


@wrong("distance_penalty", says="keeps something")
def distances_kept(n_heads, length, kept=[]):  # noqa: B006
    slopes, gap = _parts(n_heads, length)
    kept = kept or kept.append(gap) or kept
    return -slopes[:, None, None] * kept[0].abs()


slips(
    "distance_penalty",
    squeezes=(
        "without a dimension",
        edit("return -slopes[:, None, None] * distance", "return (-slopes[:, None, None] * distance).squeeze()"),
    ),
    forbids_the_future=(
        "a mask's work",
        edit(
            "return -slopes[:, None, None] * distance",
            "return -slopes[:, None, None] * distance + torch.full((length, length), -torch.inf).triu(1)",
        ),
    ),
    first_64_only=("length 300", edit("torch.arange(length)", "torch.arange(length).clamp(max=63)")),
    at_most_eight_heads=("20 heads", edit("torch.arange(1, n_heads + 1)", "torch.arange(1, n_heads + 1).clamp(max=8)")),
    equal_steps=(
        "equal steps",
        edit("2.0 ** (-8 * torch.arange(1, n_heads + 1) / n_heads)", "torch.arange(1, n_heads + 1) / n_heads"),
    ),
    diagonal_counts_one=("2 heads and length 3", edit(".abs()", ".abs() + 1")),
    doubles=("dtype", edit("positions = torch.arange(length)", "positions = torch.arange(length).double()")),
    no_more_than_256=(None, edit(".abs()", ".abs().clamp(max=256)")),
    no_more_than_16_heads=(None, edit("/ n_heads)", "/ min(n_heads, 16))")),
)
