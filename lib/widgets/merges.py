"""Byte pair encoding: the most frequent pair of neighbours becomes one token, again and again."""

from typing import Any

from matplotlib.figure import Figure

from lib.tokenizer import learn_merges, merge_pair, pair_counts
from lib.widgets.drawing import BLUE, ORANGE, sheet

TITLE = "Byte pair encoding, merge by merge"
TRY = (
    "Go on step by step, then type a text of your own: the pair at the top of the table becomes one token everywhere "
    "at once, and what is frequent soon is one piece."
)
HEIGHT = 500
TEXTS = ("aaabdaaabac", "low low low lower lower newest newest newest newest widest widest")
PAIRS = 5  # so many of a table


def data() -> dict[str, Any]:
    """The texts alone: the page learns merges by itself, for a reader may type another."""
    return {"texts": list(TEXTS)}


def merged(text: str, least: int = 2) -> list[dict[str, Any]]:
    """What each merge makes of a text of ASCII letters, until no pair occurs `least` times.

    Pairs are counted within words, which are cut at spaces. Each step has the tokens of every word, the most frequent
    pairs with their counts, and the token that is new (None at first).
    """
    words = [tuple(word.encode("ascii")) for word in text.split(" ")]
    tokens = {byte: chr(byte) for byte in range(128)}
    counted = {word: words.count(word) for word in words}
    steps = [_step(words, tokens, None)]
    for (left, right), merge in learn_merges(counted, len(text)).items():
        if steps[-1]["pairs"][0][2] < least:
            break
        tokens[merge] = new = tokens[left] + tokens[right]
        words = [tuple(merge_pair(word, (left, right), merge)) for word in words]
        steps.append(_step(words, tokens, new))
    return steps


def _step(words: list[tuple[int, ...]], tokens: dict[int, str], new: str | None) -> dict[str, Any]:
    counts = pair_counts({word: words.count(word) for word in words})
    best = sorted(counts, key=lambda pair: (-counts[pair], pair))[:PAIRS]  # of equals, the smaller: as learn_merges
    pairs = [[tokens[left], tokens[right], counts[left, right]] for left, right in best]
    return {"words": [[tokens[i] for i in word] for word in words], "pairs": pairs, "new": new}


def still(data: dict[str, Any]) -> Figure:
    steps = merged(data["texts"][0])
    figure, (axes,) = sheet(6, 0.5 + 0.42 * len(steps))
    for row, step in enumerate(steps):
        place = 0.0
        for token in (token for word in step["words"] for token in word):
            colour = ORANGE if token == step["new"] else BLUE
            box = {"boxstyle": "square,pad=0.25", "fc": "white", "ec": colour, "lw": 1 + (token == step["new"])}
            axes.text(place + len(token) / 2, row, token, ha="center", va="center", bbox=box)
            place += len(token) + 0.6
        left, right, count = step["pairs"][0] if step["pairs"] else ("", "", 0)
        told = f"{left} {right}: {count} times" if count > 1 else "no pair stands there twice"
        axes.text(18.5, row, told, va="center", fontsize=9)
    axes.set(xlim=(-0.5, 25), ylim=(len(steps) - 0.4, -0.6))
    axes.axis("off")
    return figure
