"""Rotary positions: a query and a key, four pairs of numbers each, turned by the positions where they stand."""

from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from lib.positions import position_angles, rotate
from lib.widgets.drawing import BLUE, GREY, ORANGE, sheet

TITLE = "Rotary positions: only the distance counts"
TRY = (
    "Move the query alone, then both together: the first pair turns fast and the last slowly, and the score changes "
    "only when the distance does."
)
HEIGHT = 370
SHOWN = (5, 3)  # positions of the query and the key at first


def data() -> dict[str, Any]:
    """Vectors of d_head = 8. A base of 100 in place of the usual 10,000 lets one see that the slow pairs move.

    Invented for the picture.
    """
    query = [0.9, 0.2, 0.7, 0.5, 0.8, -0.3, 0.6, 0.6]
    key = [0.5, 0.7, 0.8, -0.2, 0.4, 0.6, 0.9, 0.1]
    return {"query": query, "key": key, "base": 100.0, "shown": list(SHOWN)}


def turned(data: dict[str, Any], query_at: int, key_at: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The query and the key (size,) as they are when they stand at these positions, float64."""
    found = []
    for vector, place in ((data["query"], query_at), (data["key"], key_at)):
        x = torch.tensor([vector]).double()
        found.append(rotate(x, position_angles(torch.tensor([place]), x.shape[-1], data["base"]).double())[0])
    return found[0], found[1]


def still(data: dict[str, Any]) -> Figure:
    figure, panels = sheet(7.6, 2.5, columns=len(data["query"]) // 2)
    query, key = turned(data, *data["shown"])
    for pair, axes in enumerate(panels):
        for vector, name, colour, line in ((query, "q", BLUE, "-"), (key, "k", ORANGE, "--")):
            a, b = vector[2 * pair : 2 * pair + 2].tolist()
            axes.annotate("", (a, b), (0, 0), arrowprops={"arrowstyle": "->", "color": colour, "ls": line, "lw": 1.8})
            axes.text(1.2 * a, 1.2 * b, name, ha="center", va="center", color=colour)
        axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor=GREY))
        axes.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal")
        axes.axis("off")
        axes.set_title(f"pair {pair + 1}", fontsize="medium")
    places = data["shown"]
    figure.suptitle(f"query at {places[0]}, key at {places[1]}: score {float(query @ key):.3f}", fontsize="medium")
    return figure
