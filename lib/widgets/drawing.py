"""What the stills of all widgets share: a figure that touches no global setting, and bars with their numbers."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#3f90da", "#b34700", "#8a8f98"


def sheet(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A white figure of so many inches and its axes, side by side, without frames."""
    figure = Figure((width, height), dpi=110, layout="constrained", facecolor="white")
    panels = list(figure.subplots(1, columns, squeeze=False)[0])
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def bars(axes: Axes, names: Sequence[str], shares: Sequence[float], title: str, cut: Sequence[bool] = ()) -> None:
    """Bars from the top down, each with its number; those that are cut are hatched and say so."""
    cut = cut or [False] * len(names)
    for place, (share, out) in enumerate(zip(shares, cut, strict=True)):
        look = {"color": "white", "edgecolor": GREY, "hatch": "///"} if out else {"color": BLUE}
        axes.barh(place, share, **look)
        axes.text(share + 0.01, place, "cut" if out else f"{share:.2f}", va="center", fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlim=(0, 1.08), xticks=[0, 0.5, 1], ylim=(len(names) - 0.4, -0.6))
    axes.set_title(title, fontsize="medium")
