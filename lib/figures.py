"""Pictures of the course: arrays in, a matplotlib Figure out.

    style      the look of every figure: one colour cycle, white paper, one resolution
    heatmap    a matrix with its rows and columns named, such as attention weights
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure


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
