"""Softmax: scores become weights, at a temperature, with and without the division by √d_head."""

import math
from typing import Any

import torch
from matplotlib.figure import Figure

from lib.attention import stable_softmax
from lib.widgets.drawing import bars, sheet

TITLE = "Softmax: from scores to weights"
TRY = (
    "Drag a score, then make d_head larger with and without the division: without it one word soon takes all the "
    "weight, with it the weights do not change."
)
HEIGHT = 370


def data() -> dict[str, Any]:
    """Five words with invented scores, as they might be for d_head = 1."""
    return {
        "words": ["your", "cat", "is", "a", "lovely"],
        "scores": [0.3, 1.5, -0.4, -1.2, 0.9],
        "sizes": [1, 4, 16, 64],
    }


def weights(data: dict[str, Any], d_head: int, scaled: bool, temperature: float = 1.0) -> list[float]:
    """What the picture shows: scores that have grown with √d_head, divided or not."""
    scores = torch.tensor(data["scores"]).double() * math.sqrt(d_head)
    return stable_softmax(scores / (math.sqrt(d_head) if scaled else 1) / temperature).tolist()


def still(data: dict[str, Any]) -> Figure:
    figure, panels = sheet(7, 2.3, columns=2)
    for axes, scaled in zip(panels, (True, False), strict=True):
        title = "divided by √d_head" if scaled else "not divided"
        bars(axes, data["words"], weights(data, 16, scaled), f"d_head = 16, {title}")
        axes.set_xlabel("weight")
    return figure
