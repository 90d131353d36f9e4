"""Sentences whose last word says what "it" is: `the fox did not cross the road because it was too wide`.

    Sentence             the words, and where the one stands that the last word is about
    all_sentences        every sentence the grammar can make, in a fixed order
    split_by_pairs       training and test sentences that share no pair of (thing meant, last word)

English, a closed world of three situations. Used in notebook 04: a head that was trained on tasty plums and fresh
apples has to find the apple when it is tasty. By construction each last word fits one kind of noun only.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

ANIMALS = ["fox", "dog", "cat", "horse", "hen", "mouse", "rabbit", "wolf", "bear", "goat"]
PEOPLE = ["he", "she"]
FOODS = ["apple", "plum", "cake", "soup", "cheese", "pear", "pie", "carrot", "fish", "melon"]
PLACES = ["road", "river", "bridge", "field", "street", "canal", "valley", "lake"]
THINGS = ["box", "stone", "chest", "trunk", "barrel", "sack", "table", "piano"]
ALWAYS_NEW = {("apple", "tasty"), ("fox", "tired"), ("road", "wide")}  # never trained on: the examples of the course
OPENINGS = ["", "yesterday", "last night", "in the morning"]


@dataclass(frozen=True)
class Situation:
    """Somebody does something with something, `because it was` one of the words for either of them."""

    does: str
    who: list[str]
    what: list[str]
    was: str
    fits_who: list[str]
    fits_what: list[str]


SITUATIONS = [
    Situation("ate", ANIMALS + PEOPLE, FOODS, "was", ["hungry", "greedy", "starving", "ravenous"],
              ["tasty", "delicious", "fresh", "healthy", "cheap"]),
    Situation("did not cross", ANIMALS + PEOPLE, PLACES, "was too", ["tired", "scared", "sleepy", "lazy"],
              ["wide", "dangerous", "dark", "windy", "noisy"]),
    Situation("could not lift", ANIMALS + PEOPLE, THINGS, "was too", ["weak", "small", "young", "exhausted"],
              ["heavy", "bulky", "slippery", "hot", "large"]),
]  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    words: tuple[str, ...]
    meant: int  # the place of the word that the last word is about

    @property
    def pair(self) -> tuple[str, str]:
        return self.words[self.meant], self.words[-1]

    @property
    def candidates(self) -> tuple[int, int]:
        """The places of the two nouns (or pronoun and noun) that the last word could be about."""
        nouns = {*ANIMALS, *PEOPLE, *FOODS, *PLACES, *THINGS}
        first, second, *_ = (place for place, word in enumerate(self.words) if word in nouns)
        return first, second


def all_sentences() -> Iterator[Sentence]:
    """Every opening, situation, pair of nouns and last word, once."""
    for opening in OPENINGS:
        for situation in SITUATIONS:
            for who in situation.who:
                for what in situation.what:
                    about_who = [] if who in PEOPLE else situation.fits_who
                    for last in about_who + situation.fits_what:
                        yield _sentence(opening, situation, who, what, last)


def _sentence(opening: str, situation: Situation, who: str, what: str, last: str) -> Sentence:
    about_who = last in situation.fits_who
    subject = who if who in PEOPLE else f"the {who}"
    before = f"{opening} {subject}".split()
    words = [*before, *f"{situation.does} the {what} because it {situation.was} {last}".split()]
    what_at = len(before) + len(situation.does.split()) + 1
    return Sentence(tuple(words), len(before) - 1 if about_who else what_at)


def split_by_pairs(rng: random.Random, training: int, test: int) -> tuple[list[Sentence], list[Sentence]]:
    """Draw both sets. A quarter of each noun's last words is kept back: those pairs stand in the test only.

    Test sentences have two nouns that "it" could mean, so that a guess between them is right half of the time.
    """
    sentences = list(all_sentences())
    kept_back = set(ALWAYS_NEW)
    for noun in sorted({sentence.pair[0] for sentence in sentences}):
        pairs = sorted({sentence.pair for sentence in sentences if sentence.pair[0] == noun})
        kept_back.update(rng.sample(pairs, len(pairs) // 4))
    seen = [sentence for sentence in sentences if sentence.pair not in kept_back]
    new = [s for s in sentences if s.pair in kept_back and s.words[s.candidates[0]] not in PEOPLE]
    if training > len(seen) or test > len(new):
        raise ValueError(f"{training} and {test} sentences asked for; there are {len(seen)} and {len(new)}")
    return rng.sample(seen, training), rng.sample(new, test)
