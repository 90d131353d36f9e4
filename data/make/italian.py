"""English-Italian sentence pairs from an authored grammar, both sides read from one tree (notebooks 03, 09 and 10).

    pair             one random pair
    realise          the pair of a tree
    splits           the pairs of every split
    italian_text     the whole of data/english_italian.tsv

What the splits are is told in lib.corpora.italian.
"""

import random
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import Any

from data.make.italian_clauses import Be, Clause, Compare, Order
from data.make.italian_phrases import Gap, Phrase, Word
from data.make.italian_sentences import Author, Sentence
from lib.corpora.italian import Pair, join, words

SIZES = {"train": 40_000, "test": 1_500, "combinations": 1_500, "lengths": 500, "it": 400}
LONGEST = 15  # tokens of an English training sentence, its full stop included
LONGEST_OF_ALL = 21
HELD_OUT = 12  # one combination in so many is kept out of training


def pair(rng: random.Random, kind: str | None = None) -> Pair:
    """One random pair; `kind` is one of italian_sentences.KINDS."""
    return realise(Author(rng).sentence(kind))


def realise(sentence: Sentence) -> Pair:
    """Read a tree in both languages and note which words came from the same node."""
    english = [*sentence.tree.english(), Word(sentence.mark)]
    italian = _euphonic([*sentence.tree.italian(), Word(sentence.mark)])
    where = {word.node: index for index, word in enumerate(italian) if word.node}
    alignment = tuple((index, where[word.node]) for index, word in enumerate(english) if word.node in where)
    reference = None
    if sentence.reference:
        said = {word.node: index for index, word in enumerate(english) if word.node}
        be = sentence.reference.be
        noun = (id(sentence.reference.referent), "noun")
        reference = (said[id(be.subject), "it"], said[noun], where[id(be), "adjective"])
    texts = [join([word.text for word in side]) for side in (english, italian)]
    return Pair(*texts, sentence.kind, alignment, reference)


def _euphonic(italian: list[Word]) -> list[Word]:
    """ed before e, ad before a: ed Elena, ad Anna."""
    for index, (word, following) in enumerate(pairwise(italian)):
        if word.text in ("e", "a") and following.text[0].lower().replace("è", "e") == word.text:
            italian[index] = Word(word.text + "d", word.node)
    return italian


def combinations(tree: Any) -> Iterator[str]:
    """The word pairs of a tree that a split can hold out: adjective with noun, verb with its object."""
    if isinstance(tree, Phrase) and tree.adjective:
        yield f"{tree.adjective.english} {tree.noun.english}"
    if isinstance(tree, Clause | Order):
        thing = tree.object.noun if isinstance(tree.object, Gap) else tree.object
        if isinstance(thing, Phrase):
            yield f"{tree.verb.english} {thing.noun.english}"
    if isinstance(tree, Be | Compare) and isinstance(tree.subject, Phrase):
        quality = tree.complement if isinstance(tree, Be) else tree.adjective
        if hasattr(quality, "kinds"):
            yield f"{quality.english} {tree.subject.noun.english}"
    for part in fields(tree):
        value = getattr(tree, part.name)
        for branch in value if isinstance(value, list) else (value,):
            if is_dataclass(branch) and not isinstance(branch, Gap):
                yield from combinations(branch)


def held_out(combination: str, one_in: int = HELD_OUT) -> bool:
    """Whether training never shows these two words together; the same on every machine."""
    return zlib.crc32(combination.encode()) % one_in == 0


def split_of(sentence: Sentence, made: Pair) -> str:
    """The only split that may use this sentence; "" for none."""
    reference = sentence.reference
    candidates = reference is not None and len(reference.candidates) == 2
    new_combination = any(map(held_out, combinations(sentence.tree)))
    new_candidates = candidates and held_out(" or ".join(phrase.noun.english for phrase in reference.candidates), 6)
    if reference and held_out(f"{reference.be.complement.english} {reference.referent.noun.english}"):
        new_combination = True
    length = len(words(made.english))
    long = length > LONGEST
    if new_combination + new_candidates + long > 1 or length > LONGEST_OF_ALL:
        return ""
    if new_combination or new_candidates or long:
        return "combinations" if new_combination else "it" if new_candidates else "lengths"
    # almost no sentence of three or four tokens (I slept .) has a combination to hold out: keep them out of test too
    return "test" if length > 4 and held_out(made.english, 24) else "train"


def splits(seed: int = 0) -> dict[str, list[Pair]]:
    """Draw until every split is full: no English sentence twice, and no split has a word that train has not."""
    author = Author(random.Random(seed))
    drawn: dict[str, list[Pair]] = {name: [] for name in SIZES}
    aside: list[tuple[str, Pair]] = []
    seen: set[str] = set()
    while len(drawn["train"]) < SIZES["train"]:
        split, made = _new(author, seen)
        if split == "train":
            drawn["train"].append(made)
        else:
            aside.append((split, made))
    known = {token for entry in drawn["train"] for side in entry.words() for token in side}
    lengths = {name: Counter() for name in SIZES}
    while True:
        lacking = [name for name in SIZES if len(drawn[name]) < SIZES[name]]
        lacking += ["combinations"] if lengths["test"] - lengths["combinations"] else []
        if not lacking:
            break
        # long sentences are rare, and nearly all of them joined
        split, made = aside.pop(0) if aside else _new(author, seen, "joined" if lacking == ["lengths"] else None)
        if split in lacking and all(map(known.issuperset, made.words())):
            drawn[split].append(made)
            lengths[split][len(words(made.english))] += 1
    drawn["combinations"] = _like(drawn["combinations"], lengths["test"])
    return drawn


def _new(author: Author, seen: set[str], kind: str | None = None) -> tuple[str, Pair]:
    """A pair whose English was not seen before, and the split it may go to."""
    while True:
        sentence = author.sentence(kind)
        made = realise(sentence)
        if made.english not in seen:
            seen.add(made.english)
            split = split_of(sentence, made)
            if split:
                return split, made


def _like(pairs: list[Pair], lengths: Counter) -> list[Pair]:
    """The first pairs that together have just these English lengths."""
    wanted, chosen = Counter(lengths), []
    for entry in pairs:
        length = len(words(entry.english))
        if wanted[length] > 0:
            wanted[length] -= 1
            chosen.append(entry)
    return chosen


def italian_text(seed: int = 0) -> str:
    """The file, a line a pair: split, kind, English, Italian, alignment (3-4 5-6), reference (8-1-10 or empty)."""
    lines = []
    for split, pairs in splits(seed).items():
        for entry in pairs:
            alignment = " ".join(f"{english}-{italian}" for english, italian in entry.alignment)
            reference = "-".join(map(str, entry.reference or ()))
            lines.append("\t".join((split, entry.kind, entry.english, entry.italian, alignment, reference)))
    return "\n".join(lines) + "\n"
