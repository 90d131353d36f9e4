"""The tree of a beam search: in each step all beginnings are continued, and the best of them go on."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from lib.batching import EOS
from lib.decoding.search import Candidate
from lib.widgets.recorded import recorded

TITLE = "Beam search, word by word"
TRY = (
    "Go on step by step: of all continuations the best go on, and a beginning that is behind at one word may lead at "
    "the next."
)
HEIGHT = 520


def data() -> dict[str, Any]:
    """The translator of data/ with two beams, as benchmarks/widgets.py has recorded it."""
    return recorded("beams")


def grown(source: str, beams: int, words: Sequence[str], tree: Sequence[Candidate]) -> dict[str, Any]:
    """A tree of `lib.decoding.search.beam_candidates` as the widget takes it. words: of its nodes

    Each node has its parent, its word, how many words stand before it, and the probability of the beginning that it
    ends. The best is the likeliest beginning that is complete.
    """
    depths: list[int] = []
    for node in tree:
        depths.append(0 if node.parent is None else depths[node.parent] + 1)
    nodes = [
        {"parent": node.parent, "word": word, "depth": depth, "chance": rounded(node.score), "kept": node.kept}
        for node, word, depth in zip(tree, words, depths, strict=True)
    ]
    ended = [i for i, node in enumerate(tree) if node.word == EOS and node.kept]
    return {"source": source, "beams": beams, "nodes": nodes, "best": max(ended, key=lambda i: tree[i].score)}


def rounded(score: float) -> float:
    """A log-probability as a probability of three digits."""
    return float(f"{math.exp(score):.3g}")


def still(data: dict[str, Any]) -> Figure:
    """The whole tree, by `lib.figures.beam_tree`."""
    import matplotlib.pyplot as plt

    from lib.figures import beam_tree

    nodes = data["nodes"]
    columns = ([node[part] for node in nodes] for part in ("parent", "word", "chance", "kept"))
    with plt.rc_context({"figure.facecolor": "white", "figure.dpi": 110}):
        figure = beam_tree(*columns, best=data["best"])
        plt.setp(figure.axes[0].texts, bbox={"color": "white", "pad": 0.3})  # no line runs through a word
        plt.close(figure)
    return figure
