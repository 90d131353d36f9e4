"""Digits that a program draws: what notebook 18 reads where MNIST is not at hand.

    draw_digits    images of digits: one stroke of a pen each, bent, turned and shifted by chance
    load_digits    images and labels as `lib.corpora.mnist.load_mnist` gives them

Nobody wrote them, so they vary less than what people write: print numbers on them as such. The stroke of a digit is a
list of points, x to the right and y down, both from 0 to 1. Each image takes the points of its digit through a map that
is drawn for it (a turn, a slant, a size, a place, and a bend), and a pixel is ink where the nearest point is near.
"""

import math

import torch
from torch import Tensor

SIDE, POINTS = 28, 60  # pixels of a side; points of a stroke
SEEDS = {"train": 1, "test": 2}
AT_ONCE = 100  # images that are drawn together


def arc(x: float, y: float, wide: float, high: float, start: float, end: float) -> list[tuple[float, float]]:
    """Points of an ellipse around (x, y), from one angle to another in degrees: 0 is right, 90 down, 180 left."""
    angles = [math.radians(start + (end - start) * i / 24) for i in range(25)]
    return [(x + wide * math.cos(angle), y + high * math.sin(angle)) for angle in angles]


STROKES = {
    0: arc(0.5, 0.5, 0.3, 0.4, -90, 270),
    1: [(0.35, 0.28), (0.52, 0.1), (0.52, 0.9)],
    2: [*arc(0.5, 0.33, 0.27, 0.23, -170, 40), (0.22, 0.9), (0.8, 0.9)],
    3: [*arc(0.46, 0.3, 0.26, 0.2, -150, 90), *arc(0.46, 0.7, 0.3, 0.2, -90, 150)],
    4: [(0.55, 0.1), (0.2, 0.62), (0.82, 0.62), (0.66, 0.62), (0.66, 0.3), (0.66, 0.92)],
    5: [(0.75, 0.1), (0.33, 0.1), (0.28, 0.45), *arc(0.48, 0.65, 0.28, 0.25, -130, 140)],
    6: [(0.68, 0.1), *arc(0.62, 0.55, 0.38, 0.4, -130, -180), *arc(0.5, 0.68, 0.26, 0.22, 180, 540)],
    7: [(0.2, 0.12), (0.78, 0.12), (0.6, 0.45), (0.42, 0.92)],
    8: [*arc(0.5, 0.3, 0.22, 0.2, 90, -270), *arc(0.5, 0.7, 0.27, 0.2, -90, 270)],
    9: [*arc(0.5, 0.33, 0.25, 0.23, 0, -360), (0.73, 0.5), (0.6, 0.92)],
}


def _evenly(points: list[tuple[float, float]]) -> Tensor:
    """POINTS points at equal distances along the line through those of a stroke: (POINTS, 2)."""
    line = torch.tensor(points)
    pieces = (line[1:] - line[:-1]).norm(dim=1)
    ends = torch.cat([torch.zeros(1), pieces.cumsum(0)])
    along = torch.linspace(0, float(ends[-1]), POINTS)
    piece = torch.searchsorted(ends, along).clamp(1, len(pieces)) - 1
    share = (along - ends[piece]) / pieces[piece].clamp(min=1e-6)
    return torch.lerp(line[piece], line[piece + 1], share[:, None])


def draw_digits(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Images (n, 28, 28), float32 from 0, paper, to 1, ink, of the digits `labels`, (n,), from 0 to 9."""
    strokes = torch.stack([_evenly(STROKES[digit]) for digit in range(10)])
    return torch.cat([_drawn(strokes[part], generator) for part in labels.split(AT_ONCE)])


def _drawn(points: Tensor, generator: torch.Generator) -> Tensor:
    """points: (n, point, 2), of unchanged strokes. Returns (n, 28, 28)."""
    n = len(points)

    def chance(*shape: int) -> Tensor:  # from -1 to 1
        return 2 * torch.rand(n, *shape, generator=generator) - 1

    x, y = (points - 0.5).unbind(-1)
    bends = 0.35 * chance(2, 3, 1)  # of x and of y: how much x², xy and y² count
    squares = torch.stack([x * x, x * y, y * y], dim=1)[:, None]
    points = torch.stack([x, y], dim=-1) + (bends * squares).sum(2).transpose(1, 2)
    turn, slant = 0.25 * chance(), 0.3 * chance()
    wide, high = 0.8 + 0.2 * chance(), 0.8 + 0.12 * chance()
    to_x = torch.stack([wide * turn.cos(), slant * high - high * turn.sin()], dim=-1)
    to_y = torch.stack([wide * turn.sin(), high * turn.cos()], dim=-1)
    points = points @ torch.stack([to_x, to_y], dim=-1) + 0.5 + 0.06 * chance(1, 2)
    centres = (torch.arange(SIDE) + 0.5) / SIDE
    across, down = ((centres[:, None] - part[:, None]).square() for part in points.unbind(-1))  # (n, SIDE, point)
    distance = SIDE * (down[:, :, None] + across[:, None]).amin(-1).sqrt().flatten(1)  # to the nearest point, in pixels
    pen = 1.3 + 0.5 * chance(1)
    ink = ((pen - distance) / 0.8 + 0.5).clamp(0, 1) * (0.85 + 0.15 * chance(1))
    return (ink + 0.05 * chance(SIDE * SIDE)).clamp(0, 1).view(n, SIDE, SIDE)


def load_digits(split: str = "train", n: int = 20_000) -> tuple[Tensor, Tensor]:
    """n drawn digits, the same each time: images (n, 28, 28) and labels (n,), int64, each digit about equally often.

    split: "train" or "test", which are drawn by different dice
    """
    if split not in SEEDS:
        raise ValueError(f"there is no split {split!r} of the drawn digits; there are {', '.join(SEEDS)}")
    generator = torch.Generator().manual_seed(SEEDS[split])
    labels = torch.randint(10, (n,), generator=generator)
    return draw_digits(labels, generator), labels
