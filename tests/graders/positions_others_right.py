"""Right answers to notebook 06, second part: learned table, rotary positions, distance penalty."""

import math

import torch
from torch import nn

from tests.graders.cases import right


@right("LearnedPositions")
class IndexedByArange(nn.Module):
    def __init__(self, n_positions, d_model):
        super().__init__()
        self.table = nn.Parameter(torch.randn(n_positions, d_model) * 0.02)

    def forward(self, x, start=0):
        positions = torch.arange(x.size(-2)) + start
        if positions[0] < 0 or positions[-1] >= self.table.shape[0]:
            raise ValueError("too long")
        return x + self.table[positions]


@right("LearnedPositions")
class FilledInPlace(nn.Module):
    def __init__(self, n_positions, d_model):
        super().__init__()
        self.n_positions = n_positions
        self.table = nn.Parameter(torch.empty(n_positions, d_model))
        nn.init.normal_(self.table, std=0.02)

    def forward(self, x, start=0):
        length = x.shape[-2]
        if start < 0 or start + length > self.n_positions:
            raise ValueError(f"{start + length} positions, but only {self.n_positions} rows")
        return torch.add(self.table.narrow(0, start, length), x)


@right("LearnedPositions")
class WithEmbeddingFunction(nn.Module):
    def __init__(self, n_positions, d_model):
        super().__init__()
        self.table = nn.Parameter(torch.normal(0.0, 0.02, (n_positions, d_model)))

    def forward(self, x, start=0):
        if not 0 <= start <= len(self.table) - x.shape[-2]:
            raise ValueError
        return x + nn.functional.embedding(torch.arange(start, start + x.shape[-2]), self.table)


@right("LearnedPositions")
class RowByRow(nn.Module):
    def __init__(self, n_positions, d_model):
        super().__init__()
        rows = [torch.randn(d_model) for _ in range(n_positions)]
        self.table = nn.Parameter(torch.stack(rows) / 50)

    def forward(self, x, start=0):
        if start < 0 or start + x.shape[-2] > len(self.table):
            raise ValueError("no such row")
        return torch.stack([x[..., i, :] + self.table[start + i] for i in range(x.shape[-2])], dim=-2)


@right("LearnedPositions")
class ErrorOfIndexingTranslated(nn.Module):
    def __init__(self, n_positions, d_model):
        super().__init__()
        self.register_parameter("table", nn.Parameter(0.02 * torch.randn(n_positions, d_model)))

    def forward(self, x, start=0):
        try:
            rows = torch.cat([self.table[[start + i]] for i in range(x.shape[-2])])
        except IndexError as error:
            raise ValueError("no row there") from error
        if start < 0:
            raise ValueError("nothing stands before the beginning")
        return rows.expand(x.shape) + x


@right("LearnedPositions")
class TimesOneHot(nn.Module):
    def __init__(self, n_positions, d_model):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(n_positions, d_model).normal_(0, 0.02))

    def forward(self, x, start=0):
        asked = torch.arange(start, start + x.size(-2))[:, None]
        chosen = (asked == torch.arange(len(self.table))).to(self.table.dtype)
        if not bool(chosen.any(dim=1).all()):
            raise ValueError(f"rows {start} to {start + x.size(-2) - 1} of {len(self.table)}")
        return x + chosen @ self.table


@right("rotate")
def complex_product(x, angles):
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2)


@right("rotate")
def filled_in_a_new_tensor(x, angles):
    turned = torch.empty_like(x)
    turned[..., 0::2] = x[..., 0::2] * angles.cos() - x[..., 1::2] * angles.sin()
    turned[..., 1::2] = x[..., 0::2] * angles.sin() + x[..., 1::2] * angles.cos()
    return turned


@right("rotate")
def swapped_partner(x, angles):
    partner = torch.stack([-x[..., 1::2], x[..., 0::2]], dim=-1).flatten(-2)
    wide = angles.repeat_interleave(2, dim=-1)
    return x * wide.cos() + partner * wide.sin()


@right("rotate")
def matrices_of_two(x, angles):
    cos, sin = angles.cos(), angles.sin()
    turns = torch.stack([cos, -sin, sin, cos], dim=-1).unflatten(-1, (2, 2))
    return torch.einsum("pnij,...pnj->...pni", turns, x.unflatten(-1, (-1, 2))).flatten(-2)


@right("rotate")
def position_by_position(x, angles):
    rows = []
    for i, row in enumerate(angles):
        a, b = x[..., i, 0::2], x[..., i, 1::2]
        rows.append(torch.stack([a * row.cos() - b * row.sin(), b * row.cos() + a * row.sin()], -1).flatten(-2))
    return torch.stack(rows, dim=-2)


@right("rotate")
def two_products(x, angles):
    """As one matrix for each position, of blocks on its diagonal."""
    turned = []
    for i, row in enumerate(angles):
        blocks = [
            torch.stack([torch.stack([c, s]), torch.stack([-s, c])]) for c, s in zip(row.cos(), row.sin(), strict=True)
        ]
        turned.append(x[..., i, :] @ torch.block_diag(*blocks))
    return torch.stack(turned, dim=-2)


@right("distance_penalty")
def three_loops(n_heads, length):
    out = torch.zeros(n_heads, length, length)
    for h in range(n_heads):
        for i in range(length):
            for j in range(length):
                out[h, i, j] = -abs(i - j) * 2 ** (-8 * (h + 1) / n_heads)
    return out


@right("distance_penalty")
def with_einsum(n_heads, length):
    first = 2 ** (-8 / n_heads)
    slopes = torch.tensor([first ** (h + 1) for h in range(n_heads)])
    place = torch.arange(length).float()
    return torch.einsum("h,qk->hqk", slopes, -torch.cdist(place[:, None], place[:, None], p=1))


@right("distance_penalty")
def minimum_of_both_signs(n_heads, length):
    place = torch.arange(length)
    nearness = torch.minimum(place[None] - place[:, None], place[:, None] - place[None])
    slopes = torch.exp(-8 * math.log(2) * torch.linspace(1 / n_heads, 1, n_heads))
    return nearness * slopes.view(-1, 1, 1)


@right("distance_penalty")
def stacked(n_heads, length):
    i, j = torch.meshgrid(torch.arange(length), torch.arange(length), indexing="ij")
    return torch.stack([-(i - j).abs() * 0.5 ** (8 * h / n_heads) for h in range(1, n_heads + 1)])


@right("distance_penalty")
def toeplitz(n_heads, length):
    line = -torch.cat([torch.arange(length - 1, 0, -1), torch.arange(length)]).to(torch.float32)
    gaps = torch.stack([line[length - 1 - i : 2 * length - 1 - i] for i in range(length)])
    return torch.stack([gaps * 2 ** (-8 / n_heads * (h + 1)) for h in range(n_heads)], 0)


@right("distance_penalty")
def in_double_precision(n_heads, length):
    slopes = torch.logspace(-8 / n_heads, -8, n_heads, base=2, dtype=torch.float64)
    place = torch.arange(length, dtype=torch.float64)
    return -(slopes.reshape(-1, 1, 1) * (place.unsqueeze(1) - place.unsqueeze(0)).abs()).float()
