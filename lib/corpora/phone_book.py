"""Images put together from digits, in which one must look from one place to another (notebook 18).

    Digits        a stock of digit images to draw from: MNIST's, or those of `lib.corpora.digits`
    phone_book    entries of a key and a value, and a key that asks: which value belongs to it?
    canvases      two digits somewhere on a canvas, and a caption: "a seven above a two"

A book or a canvas is new each time; only the digits repeat. Images are (n, 1, height, width), from 0, paper, to 1, ink.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NOTHING = 10  # in the place of a digit: paper
SIDE, CELL, CELLS = 14, 16, 3  # pixels of a digit and of its cell; cells a side
PAIRS = [(first, second) for first in range(10) for second in range(10)]
HELD_OUT = [(first, (first + 5) % 10) for first in range(10)]  # for tests of captions: seven and two, say
SHOWN = [pair for pair in PAIRS if pair not in HELD_OUT]


class Digits:
    """Digit images by their class, made half as wide and high: 14 x 14."""

    def __init__(self, images: Tensor, labels: Tensor):
        """images: (n, 28, 28)    labels: (n,), each of 0 to 9 at least once"""
        self.images = avg_pool2d(images[labels.argsort(stable=True)][:, None], 2)[:, 0]
        self.counts = labels.bincount(minlength=10)
        if len(self.counts) > 10 or not self.counts.all():
            raise ValueError(f"the labels 0 to 9 are needed; of these there are {self.counts.tolist()}")
        self.starts = self.counts.cumsum(0) - self.counts

    def draw(self, classes: Tensor, generator: torch.Generator) -> Tensor:
        """An image of each class by chance, (..., 14, 14); paper for NOTHING. classes: (...), int64."""
        known = classes.clamp(max=9)
        chosen = self.starts[known] + (torch.rand(classes.shape, generator=generator) * self.counts[known]).long()
        return self.images[chosen] * (classes != NOTHING)[..., None, None]


class Book(NamedTuple):
    """n phone books, and what is right about them."""

    images: Tensor  # (n, 1, 48, 96): 3 x 3 cells of 16 x 32, the one at the top left asks
    answers: Tensor  # (n,)
    names: Tensor  # (n, 9, 2): the key and the value of each cell, NOTHING where there is none
    places: Tensor  # (n,): the cell that answers, from 1 to 8


def phone_book(digits: Digits, n: int, generator: torch.Generator, least: int = 8, most: int = 8) -> Book:
    """n books of `least` to `most` entries, at most 8, whose keys differ; values repeat. One of the keys asks."""
    keys = torch.rand(n, 10, generator=generator).argsort(1)[:, :8]
    values = torch.randint(10, (n, 8), generator=generator)
    place = torch.randint(8, (n, 1), generator=generator)
    asked, answers = keys.gather(1, place), values.gather(1, place)[:, 0]
    entries = torch.randint(least, most + 1, (n, 1), generator=generator)
    order = torch.rand(n, 8, generator=generator).scatter(1, place, -1.0)  # the one that answers stays
    empty = order.argsort(1).argsort(1) >= entries
    keys, values = (torch.where(empty, NOTHING, part) for part in (keys, values))
    names = torch.stack([torch.cat([asked, keys], 1), torch.cat([torch.full_like(asked, NOTHING), values], 1)], dim=-1)
    cells = pad(digits.draw(names, generator), (1, 1, 1, 1)).view(n, CELLS, CELLS, 2, CELL, CELL)
    return Book(cells.permute(0, 1, 4, 2, 3, 5).reshape(n, 1, CELLS * CELL, -1), answers, names, place[:, 0] + 1)


def canvases(
    digits: Digits, n: int, generator: torch.Generator, pairs: Sequence[tuple[int, int]] = PAIRS
) -> tuple[Tensor, list[str]]:
    """Images (n, 1, 48, 48) with two digits each in different cells of a 3 x 3 grid, and their captions.

    pairs: of digits that are drawn from, the one that is named first coming first: it is the upper one, or the left one
    of a row. A digit lies anywhere in its cell.
    """
    chosen = torch.tensor(pairs)[torch.randint(len(pairs), (n,), generator=generator)]
    cells = torch.rand(n, CELLS**2, generator=generator).argsort(1)[:, :2].sort(1).values
    drawn = digits.draw(chosen, generator)
    shifts = torch.randint(CELL - SIDE + 1, (n, 2, 2), generator=generator)
    images, captions = torch.zeros(n, 1, CELLS * CELL, CELLS * CELL), []
    corners = torch.stack([cells // CELLS, cells % CELLS], dim=-1) * CELL + shifts
    for i, (pair, both) in enumerate(zip(chosen.tolist(), cells.tolist(), strict=True)):
        for digit, (top, left) in zip(drawn[i], corners[i].tolist(), strict=True):
            images[i, 0, top : top + SIDE, left : left + SIDE] = digit
        captions.append(caption(*pair, *both))
    return images, captions


def caption(first: int, second: int, cell: int, other: int) -> str:
    """Digits in cells of the grid, counted row by row, cell below other: "a seven above and left of an eight"."""
    (row, column), (below, beside) = divmod(cell, CELLS), divmod(other, CELLS)
    sides = ["above"] if row < below else []
    if column != beside:
        sides.append("left of" if column < beside else "right of")
    one, two = (f"{'an' if digit == 8 else 'a'} {NAMES[digit]}" for digit in (first, second))
    return f"{one} {' and '.join(sides)} {two}"
