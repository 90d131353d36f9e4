"""Positions: how attention, which sees a set, gets to know the order of the words.

    position_angles         the hands of the clocks: an angle for each position and each pair of numbers   notebook 06
    sinusoidal_positions    the sines and cosines that the paper adds to the embeddings                    notebook 06
    shift_matrix            the rotation that takes the sinusoid of p to that of p + offset                notebook 06
    SinusoidalPositions, LearnedPositions    layers that add a table of positions to x                     notebook 06
    rotate, RotaryPositions    rotary positions: turn queries and keys instead of adding                   notebook 06
    FusedRotaryPositions    the same numbers in fewer steps, the angles once for all blocks
    distance_penalty        a bias on the scores: the farther away, the less (ALiBi)                       notebook 06

Pairs are neighbours: the numbers 0 and 1, 2 and 3, and so on turn together. (Some libraries pair number i with number
i + size/2 instead; that is the same but for the order of the numbers.) `x` is (batch, position, d_model).
"""

import torch
from torch import Tensor, nn


def position_angles(positions: Tensor, size: int, base: float = 10000.0) -> Tensor:
    """The angle of each position for each pair of numbers: position / base^(2 pair / size) (Vaswani et al. 2017, 3.5).

    positions: (position,), numbers of any kind    size: even, the numbers in a vector

    Returns angles in radians (position, size / 2), float32 for whole positions. The first pair turns by 1 a position,
    the last very slowly.
    """
    speeds = base ** (-torch.arange(0, size, 2) / size)
    return positions[:, None] * speeds


def sinusoidal_positions(n_positions: int, d_model: int, base: float = 10000.0) -> Tensor:
    """The table of the paper: sine and cosine of each angle side by side.

    Returns (position, d_model), float32: columns 0, 2, 4 ... are sines, columns 1, 3, 5 ... the cosines of the same
    angles. Raises a ValueError that names the value of d_model when it is odd.
    """
    if d_model % 2:
        raise ValueError(f"d_model={d_model} is odd: sines and cosines come in pairs")
    angles = position_angles(torch.arange(n_positions), d_model, base)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def shift_matrix(offset: float, d_model: int, base: float = 10000.0) -> Tensor:
    """The matrix that moves every position by the same offset: `table[p] @ shift_matrix(k, d) == table[p + k]`.

    Returns (d_model, d_model), float32: one 2 x 2 rotation for each pair along the diagonal, zeros elsewhere. No
    position in it.
    """
    angles = position_angles(torch.tensor([offset]), d_model, base)[0]
    cos, sin = angles.cos(), angles.sin()
    turns = torch.stack([torch.stack([cos, -sin], dim=-1), torch.stack([sin, cos], dim=-1)], dim=-2)
    return torch.block_diag(*turns)


class SinusoidalPositions(nn.Module):
    """Adds the sinusoid of each position. Nothing to learn; positions of any number have a row."""

    def __init__(self, d_model: int, n_positions: int = 512):
        super().__init__()
        self.d_model = d_model
        self.register_buffer("table", sinusoidal_positions(n_positions, d_model), persistent=False)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x (..., position, d_model) -> the same shape; `start` is the position of the first vector."""
        end = start + x.shape[-2]
        if end > len(self.table):  # longer than ever before: make the table with room to grow
            self.table = sinusoidal_positions(2 * end, self.d_model).to(self.table)
        return x + self.table[start:end]


class LearnedPositions(nn.Module):
    """Adds a learned vector for each position, as GPT-2 and BERT do. There are `n_positions` of them and no more."""

    def __init__(self, n_positions: int, d_model: int):
        super().__init__()
        self.table = nn.Parameter(0.02 * torch.randn(n_positions, d_model))

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x (..., position, d_model) -> the same shape; `start` is the position of the first vector.

        Gradients reach x and the rows that are added. Raises ValueError when a position has no row: before the first
        one, or after the last.
        """
        end = start + x.shape[-2]
        if start < 0 or end > len(self.table):
            raise ValueError(f"positions {start} to {end - 1} need a row each: the table has {len(self.table)}")
        return x + self.table[start:end]


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turn each pair of numbers by its angle, as rotary positions do to queries and keys (Su et al. 2021).

    x: (..., position, size)    angles: (position, size / 2), of x's dtype

    Returns x's shape: the pair (a, b) becomes (a cos - b sin, a sin + b cos). Lengths do not change.
    Gradients reach x.
    """
    a, b = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


class RotaryPositions(nn.Module):
    """Turns queries or keys by the angle of their position; then q · k depends on their distance alone."""

    def __init__(self, d_head: int, base: float = 10000.0):
        super().__init__()
        if d_head % 2:
            raise ValueError(f"d_head={d_head} is odd: numbers turn in pairs")
        self.d_head, self.base = d_head, base

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x (..., position, d_head) -> the same shape; `start` is the position of the first vector."""
        positions = torch.arange(start, start + x.shape[-2])
        return rotate(x, position_angles(positions, self.d_head, self.base).to(x))


class FusedRotaryPositions(RotaryPositions):
    """RotaryPositions in fewer steps: a pair of numbers is one complex number, and to turn it is to multiply it.

    The factors of the last call are kept, for all blocks of a model turn queries and keys by the same angles. A token
    of a model as large as SmolLM2-135M takes 0.93 to 0.95 of the time.
    """

    def __init__(self, d_head: int, base: float = 10000.0):
        super().__init__(d_head, base)
        self.asked, self.factors = None, None

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x (..., position, d_head) -> the same shape and dtype; `start` is the position of the first vector."""
        length = x.shape[-2]
        # subtle: a tensor made in inference mode cannot take part in training, so such factors are not used there
        asked = start, length, x.device, torch.is_inference_mode_enabled()
        if asked != self.asked:
            angles = position_angles(torch.arange(start, start + length), self.d_head, self.base)
            self.asked, self.factors = asked, torch.polar(torch.ones_like(angles), angles).to(x.device)
        wide = x.float() if x.dtype.itemsize < 4 else x  # halves have no complex numbers
        pairs = torch.view_as_complex(wide.contiguous().unflatten(-1, (-1, 2)))
        return torch.view_as_real(pairs * self.factors).flatten(-2).to(x.dtype)


def distance_penalty(n_heads: int, length: int) -> Tensor:
    """What to add to the scores so that far keys count less, in each head at its own rate (ALiBi: Press et al. 2022).

    Returns (heads, query, key), float32, with query = key = length: minus the distance times the head's slope. The
    slopes are a geometric series, 2^(-8/n_heads), 2^(-16/n_heads) ... 2^-8.
    """
    slopes = 2.0 ** (-8 * torch.arange(1, n_heads + 1) / n_heads)
    positions = torch.arange(length)
    distance = (positions[:, None] - positions).abs()
    return -slopes[:, None, None] * distance
