"""Stories worth reading: a story grammar with a memory, for the language models of the course.

    story          one story
    stories_text   the text of data/stories.txt

The world stands in story_world, who meets whom in story_casting, the machinery in storyteller, the plots in
lists/story_plots.txt. All stories are the course's own (CC0).
"""

import random

from data.make.story_casting import FIXED, cast, world
from data.make.story_world import WORDS
from data.make.storyteller import Teller, script
from data.make.tables import sections
from lib.corpora.stories import sentences

N_STORIES = 7500
SCRIPTS = {name: script(text) for name, text in sections("story_plots.txt").items()}
# plot -> how often it is told, by how much it can vary
PLOTS = {
    "forgotten": 10, "lost": 14, "swap": 13, "build": 8, "rescue": 9, "quarrel": 7, "fear": 7, "mystery": 7,
    "errand": 8, "grow": 6, "broken": 7, "practice": 7, "present": 7,
}  # fmt: skip


def _tell(rng: random.Random, plot: str) -> str:
    state, flags = world(rng, plot)
    animals = plot in ("swap", "errand", "grow", "quarrel", "present") and rng.random() < 0.25
    state |= cast(rng, animals)
    teller = Teller(rng, state, flags, SCRIPTS)
    for slot, words in FIXED.items():
        state[slot] = teller.draw(words, WORDS[words])
    teller.tell(SCRIPTS[plot])
    return teller.text()


def story(rng: random.Random) -> str:
    """One story of 60 to 200 words, a paragraph a line."""
    plot = rng.choices(list(PLOTS), PLOTS.values())[0]
    while True:
        text = _tell(rng, plot)
        if 60 <= len(text.split()) <= 200:
            return text


def stories_text(seed: int = 0, n: int = N_STORIES) -> str:
    """The text of data/stories.txt: n stories with a blank line between them.

    A story with more than one sentence that an earlier story has told word for word is told anew, so that a model which
    learns the text by heart can be told from one which has learned to tell stories.
    """
    rng, told, texts = random.Random(seed), set(), []
    while len(texts) < n:
        text = story(rng)
        parts = sentences(text)
        if sum(part in told for part in parts) <= 1:
            told.update(parts)
            texts.append(text)
    return "\n\n".join(texts) + "\n"
