"""Sampling: what temperature, top-k, top-p and min-p leave of one distribution, in the order of `Sampling`."""

import math
from typing import Any

import torch
from matplotlib.figure import Figure

from lib.decoding.sampling import Sampling
from lib.widgets.drawing import bars, sheet

TITLE = "Sampling: which words may be drawn"
TRY = (
    "Set top-k to 5 and raise the temperature: the same five words are left, only more alike; with top-p at 0.8 "
    "instead, the hotter it is the more words get through."
)
HEIGHT = 560
STARTS = {"temperature": 1.0, "top_k": 12, "top_p": 1.0, "min_p": 0.0}


def data() -> dict[str, Any]:
    """Twelve words after "The cat sat on the", and invented logits."""
    words = ["mat", "sofa", "table", "chair", "floor", "roof", "bed", "grass", "wall", "piano", "moon", "idea"]
    logits = [4.2, 3.6, 3.1, 2.8, 2.6, 2.0, 1.7, 1.3, 0.9, 0.3, -0.6, -1.5]
    return {"text": "The cat sat on the", "words": words, "logits": logits, "starts": STARTS}


def left(data: dict[str, Any], temperature: float, top_k: int, top_p: float, min_p: float) -> list[float]:
    """The probabilities that are left; 0 for what is cut. A min_p of 0 cuts nothing."""
    logits = torch.tensor(data["logits"]).double()
    adjusted = Sampling(temperature, top_k, top_p, min_p or None).adjust(logits, torch.tensor([], dtype=torch.long))
    return adjusted.softmax(-1).tolist()


def still(data: dict[str, Any]) -> Figure:
    figure, panels = sheet(8, 3, columns=3)
    settings = {"nothing cut": {}, "top-k 5": {"top_k": 5}, "top-p 0.8": {"top_p": 0.8}}
    before = torch.tensor(data["logits"]).softmax(-1).tolist()
    for axes, (title, setting) in zip(panels, settings.items(), strict=True):
        after = left(data, **STARTS | setting)
        cut = [share == 0 for share in after]
        bars(axes, data["words"], [b if c else a for a, b, c in zip(after, before, cut, strict=True)], title, cut)
        axes.set_xlabel("probability")
    assert math.isclose(sum(before), 1, rel_tol=1e-5)
    return figure
