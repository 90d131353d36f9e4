"""Attention heads over a sentence: one word looks, and the weights of all words it may look at."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from torch import Tensor

from lib.widgets.drawing import BLUE, sheet
from lib.widgets.recorded import recorded, shares, thousandths

TITLE = "Attention heads: who looks where"
TRY = (
    "Point at a word, or go through the words with the arrow keys, then try other blocks and heads: while the "
    "translator writes, the look jumps to the English word that is due, also where the order changes; while it reads, "
    "each head has a habit of its own."
)
HEIGHT = 430


def data() -> dict[str, Any]:
    """What benchmarks/widgets.py has recorded."""
    return {"models": recorded("heads")}


def looks(name: str, reads: Sequence[str], writes: Sequence[str], weights: Tensor) -> dict[str, Any]:
    """One sentence of a model, as the widget takes it: `widget("heads", {"models": [looks(...)]})`.

    reads: the words that are looked at    writes: the words that look    weights: (block, heads, writes, reads)

    Raises ValueError where the words do not fit the weights.
    """
    if tuple(weights.shape[-2:]) != (len(writes), len(reads)) or weights.dim() != 4:
        raise ValueError(f"weights {tuple(weights.shape)} do not fit {len(writes)} words that look at {len(reads)}")
    return {"name": name, "reads": list(reads), "writes": list(writes), "weights": thousandths(weights)}


def still(data: dict[str, Any]) -> Figure:
    model = data["models"][0]
    heads = model["weights"][-1]
    figure, panels = sheet(2.0 + 2.0 * len(heads), 3.2, columns=len(heads))
    for place, (axes, weights) in enumerate(zip(panels, heads, strict=True)):
        axes.imshow([shares(row) for row in weights], cmap="cividis", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(model["reads"])), model["reads"], rotation=60, ha="right", fontsize=8)
        axes.set_yticks(range(len(model["writes"])), model["writes"] if place == 0 else [], fontsize=8)
        axes.set_title(f"head {place + 1}", fontsize="medium", color=BLUE)
    figure.suptitle(f"{model['name']}, block {len(model['weights'])}", fontsize="medium")
    return figure
