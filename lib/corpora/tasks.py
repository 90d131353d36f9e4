"""Many tasks as text to text: what is asked stands in front of the text, the answer is text (T5, notebook 17).

    Example       what the model reads, prefix included, and what it should write
    load_tasks    the examples of the six tasks, or of one that was never seen ("past")
    PREFIXES      what each task begins with

Translations come from data/english_italian.tsv, the rest from data/tasks.tsv. Programs wrote both, data/make/italian.py
and data/make/tasks.py; they are the course's own (CC0).
"""

import random
from typing import NamedTuple

from lib.corpora import files
from lib.corpora.italian import load_pairs

PREFIXES = {name: f"{name}: " for name in ("to Italian", "to English", "negate", "ask", "summarise", "question")}
NEW = "past"  # the task that is kept for later
SPLITS = ("train", "test")


class Example(NamedTuple):
    """A task as two texts."""

    source: str
    target: str


def load_tasks(split: str = "train", longest: int = 30, translations: int = 8_000) -> dict[str, list[Example]]:
    """Task to examples, of the six tasks and of "past". No source of "test" is one of "train" as well.

    longest: characters of the English side of a translation    translations: at most so many of each direction

    Raises ValueError for a name that is no split.
    """
    if split not in SPLITS:
        raise ValueError(f"the tasks have no split {split!r}; there are {', '.join(SPLITS)}")
    tests = {pair.italian for pair in load_pairs("test")} if split == "train" else set()  # she and he are often one
    pairs = [pair for pair in load_pairs(split) if len(pair.english) <= longest and pair.italian not in tests]
    random.Random(0).shuffle(pairs)
    half = min(translations, len(pairs) // 2)
    found = {name: [] for name in (*PREFIXES, NEW)}
    found["to Italian"] = [Example("to Italian: " + pair.english, pair.italian) for pair in pairs[:half]]
    found["to English"] = [Example("to English: " + pair.italian, pair.english) for pair in pairs[half : 2 * half]]
    for line in files.read("tasks.tsv").splitlines():
        its_split, kind, text, *parts = line.split("\t")
        if its_split == split:
            for name, prefix, target in _asked(kind, parts):
                found[name].append(Example(prefix + text, target))
    return found


def _asked(kind: str, parts: list[str]) -> list[tuple[str, str, str]]:
    """The tasks of a line: name, what stands before the text, target."""
    if kind == "turned":
        return [("negate", "negate: ", parts[0]), ("ask", "ask: ", parts[1])]
    if kind == NEW:
        return [(NEW, "past: ", parts[0])]
    summary, question, answer = parts
    return [("summarise", "summarise: ", summary), ("question", f"question: {question} story: ", answer)]
