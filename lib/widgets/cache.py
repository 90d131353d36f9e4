"""A KV cache filling up: what is computed in each step of writing, with a cache and without, and what is kept."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lib.cache import cache_bytes
from lib.widgets.drawing import BLUE, sheet

TITLE = "A KV cache filling up"
TRY = (
    "Go on step by step, with the cache and without it: with it each step computes one position, without it all "
    "positions again."
)
HEIGHT = 430
TOKENS, PROMPT = ["the", "cat", "sat", "on", "the", "mat", "and", "slept"], 3
MODELS = {  # layers, heads of keys and values, d_head, bytes a number
    "GPT-2 small, 12 heads of keys": (12, 12, 64, 2),
    "SmolLM2-135M, 3 heads of keys": (30, 3, 64, 2),
}


def data() -> dict[str, Any]:
    """The steps: in each the positions that are there when it starts to compute, and those that it computes.

    The last token is written and never read.
    """
    known = range(PROMPT, len(TOKENS))
    steps = {
        "cached": [{"known": n, "computed": n if n == PROMPT else 1} for n in known],
        "not cached": [{"known": n, "computed": n} for n in known],
    }
    sizes = {name: cache_bytes(1, 1, *sizes) for name, sizes in MODELS.items()}  # of one position
    return {"tokens": TOKENS, "steps": steps, "bytes": sizes}


def still(data: dict[str, Any]) -> Figure:
    figure, panels = sheet(8, 2.6, columns=2)
    for axes, (name, steps) in zip(panels, data["steps"].items(), strict=True):
        for row, step in enumerate(steps):
            for place in range(step["known"]):
                computed = place >= step["known"] - step["computed"]
                colour = BLUE if computed else "#dce9f7"
                axes.add_patch(Rectangle((place, row), 1, 1, facecolor=colour, edgecolor="white"))
                axes.text(place + 0.5, row + 0.5, "×" if computed else "·", ha="center", va="center")
        places = len(data["tokens"]) - 1
        axes.set(xlim=(0, places), ylim=(len(steps), 0), ylabel="step")
        axes.set_xticks([place + 0.5 for place in range(places)], data["tokens"][:-1], rotation=30)
        axes.set_yticks([row + 0.5 for row in range(len(steps))], range(1, len(steps) + 1))
        axes.set_title(f"{name}: {sum(step['computed'] for step in steps)} positions", fontsize="medium")
    return figure
