"""English-Italian sentence pairs, the text of the translators (notebooks 03, 08, 09 and 10).

    Pair          english, italian, kind, which words belong together, what "it" means
    words, join   a sentence to tokens and back
    load_pairs    the train, test, combinations, lengths and it pairs of data/english_italian.tsv

A program wrote the pairs (data/make/italian.py), both sides from one tree. The splits: `train` and `test` are drawn
alike, but that test has no sentence under five tokens. `combinations` has sentences with a pair of words (adjective and
noun, verb and object) that train never shows together; its lengths are those of `test`, one by one, so that the two
scores compare. `lengths` is longer than any training sentence. `it` has pairs of nouns that train never offers together
as candidates for "it". All have only words that occur in train.
"""

import re
from dataclasses import dataclass

from lib.corpora import files

SPLITS = ("train", "test", "combinations", "lengths", "it")
# what keeps its capital in the middle of a sentence
PROPER = """
I Saturday Saturdays Sundays Marco Luca Paolo Pietro Matteo Anna Giulia Sofia Elena Chiara
Rome Roma Milan Milano Naples Napoli Florence Firenze Venice Venezia Turin Torino
Italy Italia France Francia Spain Spagna Germany Germania England Inghilterra
"""
CAPITALS = frozenset(PROPER.split())
TOKEN = re.compile(r"'s\b|[^\W\d_]+'(?!s\b)|[^\W\d_]+|\d+|\S")


@dataclass(frozen=True)
class Pair:
    """alignment: index pairs (English, Italian) into `words`: nouns, names and adjectives that translate each other.

    reference: None, or for "it" the indices (it, the English noun it means, the Italian adjective whose gender shows
    it).
    """

    english: str
    italian: str
    kind: str
    alignment: tuple[tuple[int, int], ...] = ()
    reference: tuple[int, int, int] | None = None

    def words(self) -> tuple[list[str], list[str]]:
        """The English and the Italian tokens."""
        return words(self.english), words(self.italian, "italian")


def words(text: str, language: str = "english") -> list[str]:
    """The tokens of one sentence: l', un' and 's are tokens, and the first word is small unless it is a name.

    language: "english" or "italian"; it matters for I alone, a pronoun in the one and an article in the other.
    """
    tokens = TOKEN.findall(text)
    if tokens and (tokens[0] not in CAPITALS or (tokens[0] == "I" and language == "italian")):
        tokens[0] = tokens[0].lower()
    return tokens


def join(tokens: list[str]) -> str:
    """The sentence that `words` takes apart: capital first, no space before , . ? ! 's nor after an apostrophe."""
    text = ""
    for token in tokens:
        glued = text == "" or text.endswith("'") or token in (",", ".", "?", "!", "'s")
        text += token if glued else " " + token
    return text[:1].upper() + text[1:]


def load_pairs(split: str = "train") -> list[Pair]:
    """The pairs of one split of data/english_italian.tsv, in order. Raises ValueError for a name that is no split."""
    if split not in SPLITS:
        raise ValueError(f"no split is called {split!r}; there are {', '.join(SPLITS)}")
    pairs = []
    for line in files.read("english_italian.tsv").splitlines():
        if line.startswith(split + "\t"):
            _, kind, english, italian, alignment, reference = line.split("\t")
            links = tuple(tuple(map(int, link.split("-"))) for link in alignment.split())
            pairs.append(
                Pair(english, italian, kind, links, tuple(map(int, reference.split("-"))) if reference else None)
            )
    return pairs
