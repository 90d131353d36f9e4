"""An image cut into patches, and how each of them looks at the others."""

from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from lib.attention import attention
from lib.corpora.digits import draw_digits
from lib.corpora.mnist import MEAN, SPREAD
from lib.vit import patches
from lib.widgets.drawing import sheet
from lib.widgets.recorded import recorded, shares, thousandths

TITLE = "Patches: an image as a sentence"
TRY = (
    "Point at a patch of paper, then at one full of ink: before anything is learnt, paper spreads its look over all "
    "the paper, and ink looks at hardly anything but itself."
)
HEIGHT = 480
DIGIT, SEED, SIDE = 5, 0, 7  # a digit that a program draws; pixels of a patch's side


def data() -> dict[str, Any]:
    """One digit; its patches looking at each other as they are, and the heads of a trained ViT where it is recorded."""
    image = digit()
    plain = looks("patches as they are, nothing learnt", as_they_are(image))
    return {"image": as_text(image), "grid": 28 // SIDE, "maps": [plain, *recorded("patches")]}


def digit() -> Tensor:
    """The image (1, 28, 28), from 0, paper, to 1, ink."""
    return draw_digits(torch.tensor([DIGIT]), torch.Generator().manual_seed(SEED))


def as_they_are(image: Tensor) -> Tensor:
    """Attention (patch, patch) whose queries and keys are the pixels themselves."""
    x = patches((image - MEAN) / SPREAD, (SIDE, SIDE))
    return attention(x, x, x)[1]


def looks(name: str, weights: Tensor) -> dict[str, Any]:
    """One map as the widget takes it. weights: (query, key), of patches, or of a class token and patches."""
    return {"name": name, "weights": thousandths(weights)}


def as_text(image: Tensor) -> list[str]:
    """Its rows; the ink of a pixel is a digit of base 16."""
    return ["".join(f"{ink:x}" for ink in row) for row in (15 * image[0]).round().int().tolist()]


def still(data: dict[str, Any]) -> Figure:
    grid, weights = data["grid"], data["maps"][0]["weights"]
    ink = [[int(pixel, 16) for pixel in row] for row in data["image"]]
    figure, panels = sheet(7, 2.6, columns=3)
    panels[0].imshow(ink, cmap="gray_r")
    cuts = [SIDE * line - 0.5 for line in range(1, grid)]
    panels[0].set(xticks=cuts, yticks=cuts, title="16 patches")
    panels[0].grid(color="#b34700", lw=1)
    for axes, asks in zip(panels[1:], (0, 5), strict=True):
        seen = shares(weights[asks])
        lines = [seen[grid * row : grid * row + grid] for row in range(grid)]
        axes.imshow(lines, cmap="cividis", vmin=0, vmax=1)
        for row, line in enumerate(lines):
            for column, share in enumerate(line):
                colour = "white" if share < 0.55 else "black"
                axes.text(column, row, f"{share:.2f}", ha="center", va="center", fontsize=7, color=colour)
        axes.set(title=f"patch {asks + 1} looks")
    for axes in panels:
        axes.tick_params(length=0, labelbottom=False, labelleft=False)
    return figure
