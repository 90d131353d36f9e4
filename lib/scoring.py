"""How good is a translation? Compare it with one that a person, or a grammar, has written.

    exact_match    the share of sentences that are right to the last token                  notebook 03
    bleu           the share of words, pairs, triples and fours that are right (BLEU)       notebooks 03, 10

Sentences are lists of tokens: strings or ids, whatever compares equal.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence

Sentence = Sequence[Hashable]
LONGEST = 4  # n-grams of 1 to 4 tokens


def exact_match(written: Sequence[Sentence], right: Sequence[Sentence]) -> float:
    """The share of sentences, 0 to 1, that equal the right one."""
    _same_number(written, right)
    return sum(list(mine) == list(theirs) for mine, theirs in zip(written, right, strict=True)) / len(right)


def ngrams(sentence: Sentence, n: int) -> Counter:
    """How often each run of n tokens occurs."""
    return Counter(zip(*(sentence[start:] for start in range(n)), strict=False))


def bleu(written: Sequence[Sentence], right: Sequence[Sentence]) -> float:
    """Corpus BLEU with one reference each, 0 to 100, unsmoothed (Papineni et al. 2002).

    The geometric mean of four precisions (how many n-grams of what was written stand in the reference, each counted
    at most as often as there), times a penalty for being shorter than the references in total. An order that nothing
    is long enough for, or none of whose n-grams is right, makes it 0.
    """
    _same_number(written, right)
    hits, tries = [0] * LONGEST, [0] * LONGEST
    for mine, theirs in zip(written, right, strict=True):
        for n in range(1, LONGEST + 1):
            found = ngrams(mine, n)
            hits[n - 1] += (found & ngrams(theirs, n)).total()
            tries[n - 1] += found.total()
    if not all(hits):
        return 0.0
    precision = math.exp(sum(math.log(hit / tried) for hit, tried in zip(hits, tries, strict=True)) / LONGEST)
    length, wanted = sum(map(len, written)), sum(map(len, right))
    return 100 * precision * min(1.0, math.exp(1 - wanted / length))


def _same_number(written: Sequence[Sentence], right: Sequence[Sentence]) -> None:
    if len(written) != len(right) or not len(right):
        raise ValueError(f"{len(written)} sentences cannot be compared with {len(right)} references")
