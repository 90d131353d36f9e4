"""Pairs of sentences to train a translator with: to learn from, to look at while it learns, and to be scored on.

    Corpus, read_corpus    Multi30k, the course's Italian, or a file of yours
    split_pairs            a part of them held out, the same in every run

Used by `python -m lib.training translate`.
"""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

from lib.corpora.italian import load_pairs
from lib.corpora.multi30k import load_multi30k
from lib.corpora.own_text import read_pairs

TextPairs = list[tuple[str, str]]
HELD_OUT = 500  # pairs to look at, and pairs to be scored on; fewer of a small corpus
FEWEST = 20  # pairs of a corpus


class Corpus(NamedTuple):
    """Pairs (source, target). `scored`: what the test pairs are called. `complaints`: of unusable lines."""

    train: TextPairs
    look: TextPairs
    test: TextPairs
    scored: str
    complaints: Sequence[str] = ()


def read_corpus(corpus: str, target: str = "de") -> Corpus:
    """The pairs of "multi30k" (English to `target`: de or fr), of "italian", or of a file with two columns."""
    if corpus == "multi30k":
        train, look, test = (load_multi30k(target, split) for split in ("train", "val", "test"))
        return Corpus(train, look, test, "flickr 2016")
    if corpus == "italian":
        train, test = ([(pair.english, pair.italian) for pair in load_pairs(split)] for split in ("train", "test"))
        train, look, more = split_pairs(train)
        return Corpus(train + more, look, test, "the course's test pairs")
    pairs, complaints = read_pairs(corpus)
    if len(pairs) < FEWEST:
        raise ValueError(
            f"{corpus} has {len(pairs)} usable pairs: {FEWEST} at least are needed, thousands to learn much"
        )
    train, look, test = split_pairs(pairs)
    return Corpus(train, look, test, "pairs held out from your file", complaints)


def split_pairs(pairs: TextPairs) -> tuple[TextPairs, TextPairs, TextPairs]:
    """Pairs to learn from, to look at and to be scored on, the same in every run.

    All pairs of one source sentence stay together, so that no answer is learnt by heart before it is asked for.
    """
    sources = sorted({source for source, _ in pairs}, key=lambda text: (zlib.crc32(text.encode()), text))
    number = max(1, min(HELD_OUT, len(sources) // 20))
    look, test = set(sources[:number]), set(sources[number : 2 * number])
    return (
        [pair for pair in pairs if pair[0] not in look and pair[0] not in test],
        [pair for pair in pairs if pair[0] in look],
        [pair for pair in pairs if pair[0] in test],
    )
