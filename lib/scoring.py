"""How good is a translation? Compare it with one that a person, or a grammar, has written.

    exact_match        the share of sentences that are right to the last token                  notebook 03
    clipped_matches    how many runs of n tokens are right, each counted as often as it may be  notebook 10
    bleu               the share of words, pairs, triples and fours that are right (BLEU)       notebooks 03, 10

How good is an answer to a question? Compare it with those that people have given.

    plain_answer       an answer without capitals, punctuation and articles
    answer_f1          how many of its words are right, and how many of the right ones it has
    squad_scores       exact match and F1 of many answers, as SQuAD counts them

Sentences are lists of tokens: strings or ids, whatever compares equal. Answers are strings.
"""

import math
import re
import string
from collections import Counter
from collections.abc import Hashable, Sequence

Sentence = Sequence[Hashable]
LONGEST = 4  # n-grams of 1 to 4 tokens


def exact_match(written: Sequence[Sentence], right: Sequence[Sentence]) -> float:
    """The share of sentences, 0 to 1, that equal the right one."""
    same_number(written, right)
    return sum(list(mine) == list(theirs) for mine, theirs in zip(written, right, strict=True)) / len(right)


def ngrams(sentence: Sentence, n: int) -> Counter:
    """How often each run of n tokens occurs."""
    return Counter(zip(*(sentence[start:] for start in range(n)), strict=False))


def clipped_matches(written: Sequence[Sentence], right: Sequence[Sentence], n: int) -> tuple[int, int]:
    """How many runs of n tokens were written in all, and how many of them stand in the right sentence.

    A run counts as a hit at most as often as it stands in the right sentence of the same place. Tokens are compared
    as they are, with ==: The is not the. There is at least one sentence.

    Returns (hits, tries), summed over all sentences; (0, 0) where nothing is n tokens long.
    """
    hits = tries = 0
    for mine, theirs in zip(written, right, strict=True):
        found = ngrams(mine, n)
        hits += (found & ngrams(theirs, n)).total()  # & takes the smaller count of each run
        tries += found.total()
    return hits, tries


def bleu(written: Sequence[Sentence], right: Sequence[Sentence]) -> float:
    """Corpus BLEU with one reference each, 0 to 100, unsmoothed (Papineni et al. 2002).

    The geometric mean of four precisions (how many n-grams of what was written stand in the reference, each counted
    at most as often as there), times a penalty for being shorter than the references in total. An order that nothing
    is long enough for, or none of whose n-grams is right, makes it 0. Tokens are compared as they are.

    Raises ValueError where the numbers of sentences differ, or where there are none.
    """
    same_number(written, right)
    counts = [clipped_matches(written, right, n) for n in range(1, LONGEST + 1)]
    if any(hits == 0 for hits, _ in counts):
        return 0.0
    precision = math.prod(hits / tries for hits, tries in counts) ** (1 / LONGEST)
    length, wanted = sum(map(len, written)), sum(map(len, right))
    brevity = min(1.0, math.exp(1 - wanted / length))
    return 100 * precision * brevity


def plain_answer(text: str) -> str:
    """What counts of an answer (Rajpurkar et al. 2016): "The Eiffel Tower!" is "eiffel tower".

    In this order: small letters; the 32 signs of `string.punctuation` leave without a trace; a space in place of each
    of the words a, an and the; what stands between spaces, with one space between.
    """
    letters = "".join(sign for sign in text.lower() if sign not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", letters).split())


def answer_f1(written: str, right: str) -> float:
    """The harmonic mean of precision and recall of the words of two answers: 0 to 1.

    Both answers are made plain first.
    precision: the share of the written words that are right    recall: the share of the right words that are written

    A word counts at most as often as it stands in both. Where one answer has no words, 1 if both have none, else 0.
    """
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    if not mine and not theirs:
        return 1.0
    shared = (Counter(mine) & Counter(theirs)).total()
    return 2 * shared / (len(mine) + len(theirs))


def squad_scores(written: Sequence[str], right: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Exact match and F1 as SQuAD 2.0 counts them: the means over all questions, 0 to 100.

    written: an answer to each question, "" for none    right: the answers that people gave to it; where none of them
    has words, the question has no answer, and only one without words is right

    Each answer is compared with the right one that it fits best; an exact match is one of plain answers.
    """
    same_number(written, right)
    pairs = [(mine, list(filter(plain_answer, theirs)) or [""]) for mine, theirs in zip(written, right, strict=True)]
    exact = [any(plain_answer(mine) == plain_answer(one) for one in theirs) for mine, theirs in pairs]
    overlap = [max(answer_f1(mine, one) for one in theirs) for mine, theirs in pairs]
    return 100 * sum(exact) / len(pairs), 100 * sum(overlap) / len(pairs)


def same_number(written: Sequence[Sentence], right: Sequence[Sentence]) -> None:
    """Raise ValueError where the sentences do not pair up, or where there are none."""
    if len(written) != len(right) or not len(right):
        raise ValueError(f"{len(written)} sentences cannot be compared with {len(right)} references")
