"""Pictures of the course: arrays in, a matplotlib Figure out.

style              the look of every figure: one colour cycle, white paper, one resolution
heatmap            a matrix with its rows and columns named, such as attention weights
LiveCurve          a loss curve that grows while a model trains                       notebooks 09, 11
block_stack        the parts of a block from the bottom up, with the shapes between them    notebook 14
beam_tree          what a beam search keeps and drops, as a tree                      notebook 10
transformer_map    the whole Transformer, with the notebook that builds each part     notebook 00
"""

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch


def style() -> None:
    """Set the look of all figures. Colours that the colour-blind can tell apart (Petroff 2021)."""
    plt.style.use("petroff10")
    plt.rcParams.update(
        {
            "figure.figsize": (6, 3.6),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "legend.frameon": False,
        }
    )


def heatmap(
    matrix,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str | None = None,
    limits: tuple[float, float] = (0.0, 1.0),
    signed: bool = False,
    digits: int | None = None,
) -> Figure:
    """A matrix (rows, columns) as colours; with `digits`, the numbers are written into the squares too."""
    values = np.asarray(matrix, dtype=float)
    if values.shape != (len(rows), len(columns)):
        raise ValueError(f"a matrix of shape {values.shape} does not fit {len(rows)} rows and {len(columns)} columns")
    figure, axes = plt.subplots(figsize=(1.6 + 0.5 * len(columns), 1.2 + 0.4 * len(rows)))
    low, high = (-max(map(abs, limits)), max(map(abs, limits))) if signed else limits
    image = axes.imshow(values, cmap="RdBu_r" if signed else "cividis", vmin=low, vmax=high, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=45 if max(map(len, columns)) > 3 else 0)
    axes.set_yticks(range(len(rows)), rows)
    axes.spines[:].set_visible(False)
    if digits is not None:
        for (i, j), value in np.ndenumerate(values):
            shade = (value - low) / (high - low)
            dark = abs(shade - 0.5) > 0.35 if signed else shade < 0.55
            axes.text(j, i, f"{value:.{digits}f}", ha="center", va="center", color="white" if dark else "black")
    figure.colorbar(image)
    if title:
        axes.set_title(title)
    return figure


class LiveCurve:
    """A loss curve that grows while a model trains: give it to `train` as `watch`. The last picture stays.

    Each point is the mean of `every` losses. Where there is no notebook to draw in, it collects the points only.

    rivals: losses to compare with, by name: a dashed line each
    """

    def __init__(
        self, steps: int, every: int = 100, unit: str = "nats a token", rivals: Mapping[str, float] | None = None
    ):
        self.steps, self.every, self.unit, self.rivals = steps, every, unit, rivals or {}
        self.points: list[tuple[int, float]] = []  # step, mean loss
        self.losses: list[float] = []  # since the last point
        self.shown = None

    def __call__(self, step: int, loss: float) -> None:
        """After step `step`, counted from 1."""
        self.losses.append(loss)
        if len(self.losses) == self.every or step == self.steps:
            self.points.append((step, sum(self.losses) / len(self.losses)))
            self.losses = []
            self.show()

    def figure(self) -> Figure:
        """The curve so far; the axes have room for all that is to come. Not shown by itself."""
        figure, axes = plt.subplots()
        plt.close(figure)
        steps, means = zip(*self.points, strict=True)
        axes.plot(steps, means)
        axes.plot(steps[-1], means[-1], "o", color="C0")
        axes.annotate(f"{means[-1]:.2f}", (steps[-1], means[-1]), (0, 8), textcoords="offset points", ha="right")
        for name, loss in self.rivals.items():
            axes.axhline(loss, color="grey", linestyle="dashed", linewidth=1)
            axes.annotate(name, (self.steps, loss), (0, 3), textcoords="offset points", ha="right", color="dimgrey")
        axes.set(xlim=(0, self.steps * 1.02), ylim=(0, None), xlabel="step", ylabel=f"loss ({self.unit})")
        return figure

    def show(self) -> None:
        """Draw in place of the picture before."""
        from IPython import get_ipython  # lib runs without a notebook too
        from IPython.display import display

        if get_ipython() is None:
            return
        if self.shown is None:
            self.shown = display(self.figure(), display_id=True)
        else:
            self.shown.update(self.figure())


# (left, bottom, width, height, label, notebooks, part): the boxes of figure 1 in Vaswani et al. 2017
TRANSFORMER = [
    (0.0, 0.0, 4.2, 0.7, "tokens", "08", "encoder"),
    (0.0, 0.9, 4.2, 0.7, "embeddings", "02", "encoder"),
    (0.0, 1.8, 4.2, 0.7, "+ positions", "06", "encoder"),
    (0.0, 3.0, 4.2, 0.7, "self-attention", "04 05", "encoder"),
    (0.0, 3.95, 4.2, 0.7, "feed-forward", "07", "encoder"),
    (5.2, 0.0, 4.2, 0.7, "tokens, shifted right", "09", "decoder"),
    (5.2, 0.9, 4.2, 0.7, "embeddings", "02", "decoder"),
    (5.2, 1.8, 4.2, 0.7, "+ positions", "06", "decoder"),
    (5.2, 3.0, 4.2, 0.7, "masked self-attention", "05", "decoder"),
    (5.2, 3.95, 4.2, 0.7, "cross-attention", "03 05", "cross"),
    (5.2, 4.9, 4.2, 0.7, "feed-forward", "07", "decoder"),
    (5.2, 6.4, 4.2, 0.7, "linear, softmax", "11", "decoder"),
    (5.2, 7.3, 4.2, 0.7, "next token", "10 12", "decoder"),
]


def transformer_map(
    axes,
    parts: Sequence[str] = ("encoder", "decoder", "cross"),
    numbers: bool = True,
    lit: Collection[str] | None = None,
) -> None:
    """Draw the whole Transformer on `axes`: what each notebook builds.

    Boxes outside `parts` are left pale, and those whose labels are not among `lit`; None: all of them are lit.
    """
    colours = dict(zip(("encoder", "decoder", "cross"), ("#cfe0fc", "#ffe3c2", "#f3cfe0"), strict=True))
    for left, bottom, width, height, label, notebooks, part in TRANSFORMER:
        there = part in parts and (lit is None or label in lit)
        face, ink = (colours[part], "black") if there else ("white", "#c4c4c4")
        box = FancyBboxPatch((left, bottom), width, height, boxstyle="round,pad=0.04", facecolor=face, edgecolor=ink)
        axes.add_patch(box)
        middle = bottom + height / 2
        if numbers:
            axes.text(left + 0.15, middle, label, va="center", color=ink, fontsize=9)
            axes.text(
                left + width - 0.1, middle, notebooks, va="center", ha="right", color=ink, fontsize=9, weight="bold"
            )
        else:
            axes.text(left + width / 2, middle, label, va="center", ha="center", color=ink, fontsize=6)
    for left, part, top, title in ((0.0, "encoder", 4.85, 5.4), (5.2, "decoder", 5.8, 8.4)):
        ink = "#555555" if part in parts else "#d8d8d8"
        size = 4.6, top - 2.8
        axes.add_patch(FancyBboxPatch((left - 0.2, 2.8), *size, boxstyle="round,pad=0.04", fill=False, ec=ink, ls="--"))
        axes.text(left + 2.1, title, part, ha="center", color=ink, weight="bold")
        if numbers:
            axes.text(left + 4.4, top + 0.12, "× N", ha="right", va="bottom", color=ink, fontsize=8)
    if "cross" in parts:
        axes.annotate("", (5.18, 4.3), (4.45, 4.3), arrowprops={"arrowstyle": "->", "color": "#555555"})
    axes.set_xlim(-0.5, 9.9)
    axes.set_ylim(-0.3, 8.9)
    axes.axis("off")


def block_stack(axes, title: str, parts: Sequence[tuple[str, str]], new: bool = False) -> None:
    """Draw a block on `axes`: its parts from the bottom up, each with the shape of what it gives, if any is named.

    A part named "+" ends a shortcut, which begins at the "+" below it, or at the bottom. new: in colour, and bold
    """
    ink, start = "#555555", -0.6
    face, weight = ("#ffe3c2", "bold") if new else ("#f2f2f2", "normal")
    for level, (part, shape) in enumerate(parts):
        axes.annotate("", (0, level - 0.28), (0, level - 0.72), arrowprops={"arrowstyle": "->", "color": ink})
        axes.text(0.06, level + 0.5, shape, va="center", fontsize=7, color=ink)
        if part == "+":
            axes.text(0, level, "+", ha="center", va="center", fontsize=12, weight="bold")
            axes.plot([0, 1.14, 1.14, 0.1], [start, start, level, level], color=ink, lw=1)
            start = level + 0.36
            continue
        box = FancyBboxPatch((-1, level - 0.25), 2, 0.5, boxstyle="round,pad=0.03", facecolor=face, edgecolor=ink)
        axes.add_patch(box)
        axes.text(0, level, part, ha="center", va="center", fontsize=7.5, weight=weight)
    axes.annotate("", (0, len(parts) - 0.3), (0, len(parts) - 0.72), arrowprops={"arrowstyle": "->", "color": ink})
    axes.set(xlim=(-1.2, 1.3), ylim=(-0.9, len(parts) - 0.2), title=title)
    axes.axis("off")


def _chance(chance: float) -> str:
    """Three digits, or below a thousandth one and a power of ten: "0.413", "2e-05"."""
    return f"{chance:.3f}" if chance >= 0.001 or chance == 0 else f"{chance:.0e}"


def beam_tree(
    parents: Sequence[int | None], labels: Sequence[str], chances: Sequence[float], kept: Sequence[bool], best: int
) -> Figure:
    """What a beam search weighs up, from left to right: node 0 is the root, a parent stands before its children.

    chances: the probability of each beginning, written under its label    kept: the others are pale and dotted
    best: the node where the chosen sentence ends; its path is thick
    """
    path, node = set(), best
    while node is not None:
        path.add(node)
        node = parents[node]
    columns = [[0]]
    while children := [i for i, parent in enumerate(parents) if parent in columns[-1]]:
        columns.append(sorted(children, key=lambda i: (columns[-1].index(parents[i]), -chances[i])))
    places = {i: (x, (len(nodes) - 1) / 2 - y) for x, nodes in enumerate(columns) for y, i in enumerate(nodes)}
    tallest = max(map(len, columns))
    figure, axes = plt.subplots(figsize=(min(9.0, 0.9 * len(columns) + 0.4), 0.52 * tallest + 0.2))
    for i, (x, y) in places.items():
        ink = "black" if kept[i] else "#9a9a9a"
        if parents[i] is not None:
            line = ("solid" if kept[i] else "dotted", 2.5 if i in path else 1.0, "C0" if i in path else ink)
            start = places[parents[i]]
            axes.plot([start[0] + 0.3, x - 0.3], [start[1], y], ls=line[0], lw=line[1], color=line[2], zorder=1)
        weight = "bold" if i in path else "normal"
        axes.text(x, y + 0.14, labels[i], ha="center", va="center", color=ink, fontsize=9, weight=weight)
        axes.text(x, y - 0.22, _chance(chances[i]), ha="center", va="center", color=ink, fontsize=7)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(-tallest / 2, tallest / 2)
    axes.axis("off")
    return figure
