"""Checks of notebook 10: BLEU, and the counts that it is made of."""

import math
import random
from collections import Counter

from lib import scoring
from lib.checks.core import Exercise
from lib.checks.running import Problem
from lib.scoring import LONGEST, ngrams

clipped_matches = Exercise(scoring.clipped_matches, returns=("the hits", "the tries"))
bleu = Exercise(scoring.bleu)


def corpus(rng, sentences=6, shortest=4, longest=11, skip=0.1):
    """Right sentences of few words, so that some come twice, and written ones with errors."""
    dice = random.Random(rng.initial_seed())
    right = [[dice.choice("abcd") for _ in range(dice.randint(shortest, longest))] for _ in range(sentences)]
    written = [
        [token if dice.random() < 0.8 else "e" for token in sentence if dice.random() >= skip] for sentence in right
    ]
    return written, right


# -------------------------------------------------------------------------------------------------- clipped_matches


@clipped_matches.probe("'the the the cat' against 'the mat cat the', n = 1")
def _(answer, rng):
    return answer([["the", "the", "the", "cat"]], [["the", "mat", "cat", "the"]], 1)


@clipped_matches.probe("'a b a b a' against 'a b c a b b c', n = 2")
def _(answer, rng):
    return answer([list("ababa")], [list("abcabbc")], 2)


@clipped_matches.probe("two sentences that share their words crosswise, n = 1")
def _(answer, rng):
    return answer([list("ab"), list("cde")], [list("cd"), list("abe")], 1)


@clipped_matches.probe("random tokens, n = 3, two sentences too short")
def _(answer, rng):
    written, right = corpus(rng)
    return answer([*written, ["a", "b"], []], [*right, ["a", "b"], ["a"]], 3)


@clipped_matches.probe("'dog bites man bites' against 'man bites dog', n = 2")
def _(answer, rng):
    return answer([["dog", "bites", "man", "bites"]], [["man", "bites", "dog"]], 2)


@clipped_matches.probe("ids 1, 23, 5, 6 against 12, 3, 51, 23, 5, n = 2")
def _(answer, rng):
    return answer([[1, 23, 5, 6]], [[12, 3, 51, 23, 5]], 2)


@clipped_matches.mistake("the order in a run does not count: 'man bites' is not 'bites man'; compare tuples.")
def without_order(written, right, n):
    def runs(sentence):
        return Counter(tuple(sorted(sentence[i : i + n], key=repr)) for i in range(len(sentence) - n + 1))

    hits = sum((runs(mine) & runs(theirs)).total() for mine, theirs in zip(written, right, strict=True))
    return hits, scoring.clipped_matches(written, right, n)[1]


@clipped_matches.mistake("runs are compared as text, where 1, 23 looks like 12, 3: compare tuples of tokens.")
def as_text(written, right, n):
    def runs(sentence):
        return Counter("".join(map(str, sentence[i : i + n])) for i in range(len(sentence) - n + 1))

    hits = sum((runs(mine) & runs(theirs)).total() for mine, theirs in zip(written, right, strict=True))
    return hits, scoring.clipped_matches(written, right, n)[1]


@clipped_matches.mistake("what is longer than the right sentence is cut off: every run that was written is a try.")
def cut_off(written, right, n):
    return scoring.clipped_matches([a[: len(b)] for a, b in zip(written, right, strict=True)], right, n)


@clipped_matches.mistake("a sentence shorter than n has no run: neither a hit nor a try.")
def short_ones_too(written, right, n):
    def runs(sentence):
        return [tuple(sentence[i : i + n]) for i in range(max(1, len(sentence) - n + 1))]

    counts = [(Counter(runs(mine)), Counter(runs(theirs))) for mine, theirs in zip(written, right, strict=True)]
    return sum((a & b).total() for a, b in counts), sum(a.total() for a, _ in counts)


@clipped_matches.mistake("a run counts as often as it was written: at most as often as the right sentence has it.")
def unclipped(written, right, n):
    hits = tries = 0
    for mine, theirs in zip(written, right, strict=True):
        found, there = ngrams(mine, n), ngrams(theirs, n)
        hits += sum(count for run, count in found.items() if run in there)
        tries += found.total()
    return hits, tries


@clipped_matches.mistake("every run counts once: count how often, the smaller of the two counts.")
def kinds(written, right, n):
    pairs = [(set(ngrams(mine, n)), set(ngrams(theirs, n))) for mine, theirs in zip(written, right, strict=True)]
    return sum(len(a & b) for a, b in pairs), sum(len(a) for a, _ in pairs)


@clipped_matches.mistake("hits count each run once: the smaller of the two counts.")
def kinds_of_hits(written, right, n):
    hits = sum(len(ngrams(mine, n) & ngrams(theirs, n)) for mine, theirs in zip(written, right, strict=True))
    return hits, scoring.clipped_matches(written, right, n)[1]


@clipped_matches.mistake("tries count the right sentence's runs: count what was written. (That would be recall.)")
def recall(written, right, n):
    return scoring.clipped_matches(right, written, n)


@clipped_matches.mistake("tries count different runs: count each as often as it was written, `.total()`.")
def different_tries(written, right, n):
    return scoring.clipped_matches(written, right, n)[0], sum(len(ngrams(mine, n)) for mine in written)


@clipped_matches.mistake("tries are the words, not the runs: a sentence of 5 words has 4 pairs.")
def words_for_tries(written, right, n):
    return scoring.clipped_matches(written, right, n)[0], sum(map(len, written))


@clipped_matches.mistake("all sentences are thrown together: compare each with its own reference.")
def together(written, right, n):
    mine, theirs = (sum((ngrams(s, n) for s in side), start=ngrams([], n)) for side in (written, right))
    return (mine & theirs).total(), mine.total()


@clipped_matches.mistake("n is not used: count runs of n tokens.")
def words_only(written, right, n):
    return scoring.clipped_matches(written, right, 1)


@clipped_matches.mistake("hits and tries are exchanged: hits first.")
def exchanged(written, right, n):
    return scoring.clipped_matches(written, right, n)[::-1]


@clipped_matches.mistake("a share comes back: return the two counts, they are summed over the corpus first.")
def share(written, right, n):
    hits, tries = scoring.clipped_matches(written, right, n)
    return hits / tries


@clipped_matches.mistake("only the last sentence counts: add up over all of them.")
def last_only(written, right, n):
    return scoring.clipped_matches(written[-1:], right[-1:], n)


@clipped_matches.mistake("only the first sentence counts: add up over all of them.")
def first_only(written, right, n):
    return scoring.clipped_matches(written[:1], right[:1], n)


@clipped_matches.mistake("the larger of the two counts is taken (`|`): take the smaller, `&`.")
def larger(written, right, n):
    hits = sum((ngrams(mine, n) | ngrams(theirs, n)).total() for mine, theirs in zip(written, right, strict=True))
    return hits, scoring.clipped_matches(written, right, n)[1]


@clipped_matches.mistake("words are compared place by place: a run is right wherever it stands in the sentence.")
def by_place(written, right, n):
    hits = 0
    for mine, theirs in zip(written, right, strict=True):
        runs = [list(zip(*(s[start:] for start in range(n)), strict=False)) for s in (mine, theirs)]
        hits += sum(a == b for a, b in zip(*runs, strict=False))
    return hits, scoring.clipped_matches(written, right, n)[1]


# ------------------------------------------------------------------------------------------------------------- bleu


def to_nine_digits(answer, written, right):
    """The answer's score. Almost right is not what other people's BLEU gives: a Problem with more digits."""
    found, expected = answer(written, right), scoring.bleu(written, right)
    try:
        number = float(found)
    except (TypeError, ValueError, RuntimeError):  # no number: said elsewhere
        return found
    if 0 < abs(number - expected) < 0.01 and not math.isclose(number, expected, rel_tol=1e-9, abs_tol=1e-9):
        raise Problem(
            "precision",
            f"BLEU is {number:.12g}, expected {expected:.12g}, to nine digits. Is something rounded, added so that "
            "nothing is 0, or computed in float32?",
        )
    return found


@bleu.probe("what was written is the right sentence, and goes on")
def _(answer, rng):
    return to_nine_digits(answer, [list("abcdefgxy")], [list("abcdefg")])


@bleu.probe("'the cat sat on a mat' against 'the cat sat on the mat today'")
def _(answer, rng):
    return to_nine_digits(
        answer, [["the", "cat", "sat", "on", "a", "mat"]], [["the", "cat", "sat", "on", "the", "mat", "today"]]
    )


@bleu.probe("six sentences, four tokens and more")
def _(answer, rng):
    written, right = corpus(rng, skip=0.0)
    return to_nine_digits(answer, [[*right[0][:5], *"xyz"], *written], [right[0], *right])


@bleu.probe("twelve sentences, some words left out")
def _(answer, rng):
    written, right = corpus(rng, 12, 8, 14, skip=0.15)
    return to_nine_digits(answer, [right[0][:-2], *written], [right[0], *right])


@bleu.probe("ids instead of strings")
def _(answer, rng):
    return to_nine_digits(answer, [[5, 16, 7, 8, 9, 2]], [[5, 16, 7, 8, 1]])


@bleu.probe("no run of four is right")
def _(answer, rng):
    return to_nine_digits(answer, [list("abcxdefx")], [list("abcydefy")])


@bleu.probe("nothing is four tokens long")
def _(answer, rng):
    return to_nine_digits(answer, [["a", "b"], []], [["a", "b"], ["c"]])


def counts_of(written, right):
    return [scoring.clipped_matches(written, right, n) for n in range(1, LONGEST + 1)]


def price(written, right):
    return min(1.0, math.exp(1 - sum(map(len, right)) / sum(map(len, written))))


def variant(mean=None, brevity=price, factor=100):
    def score(written, right):
        scoring.same_number(written, right)
        counts = counts_of(written, right)
        if any(hits == 0 for hits, _ in counts):
            return 0.0
        mean_of = mean or (lambda shares: math.prod(shares) ** (1 / LONGEST))
        return factor * mean_of([hits / tries for hits, tries in counts]) * brevity(written, right)

    return score


for sentence, named in (
    ("the arithmetic mean is taken: multiply the four and take the fourth root.", {"mean": lambda s: sum(s) / 4}),
    ("the four are multiplied without taking the fourth root.", {"mean": math.prod}),
    ("this is a share: BLEU goes from 0 to 100.", {"factor": 1}),
    (
        "being short costs nothing: multiply by e^(1 - wanted/length) where it is shorter.",
        {"brevity": lambda w, r: 1.0},
    ),
    (
        "being long is rewarded: the factor for the length is at most 1.",
        {"brevity": lambda w, r: math.exp(1 - sum(map(len, r)) / sum(map(len, w)))},
    ),
    (
        "the price is turned around: e^(1 - wanted/length), where length counts what was written.",
        {"brevity": lambda w, r: min(1.0, math.exp(1 - sum(map(len, w)) / sum(map(len, r))))},
    ),
    (
        "the price is length/wanted here: e^(1 - wanted/length).",
        {"brevity": lambda w, r: min(1.0, sum(map(len, w)) / sum(map(len, r)))},
    ),
    ("only single words are scored: use runs of 1, 2, 3 and 4.", {"mean": lambda shares: shares[0]}),
    ("only runs of four are scored: use 1, 2, 3 and 4.", {"mean": lambda shares: shares[-1]}),
    (
        "only runs of 1, 2 and 3 are scored: range(1, LONGEST + 1).",
        {"mean": lambda shares: math.prod(shares[:3]) ** (1 / 3)},
    ),
    (
        "only runs of 1, 2 and 3 are multiplied: range(1, LONGEST + 1).",
        {"mean": lambda shares: math.prod(shares[:3]) ** (1 / 4)},
    ),
    ("the logarithm of the score comes back: exp() is missing.", {"mean": lambda s: sum(map(math.log, s)) / 4}),
):
    bleu.mistake(sentence)(variant(**named))


@bleu.mistake("the scores of the sentences are averaged: sum hits and tries over the corpus, then divide.")
def mean_of_sentences(written, right):
    scoring.same_number(written, right)
    return sum(scoring.bleu([a], [b]) for a, b in zip(written, right, strict=True)) / len(right)


@bleu.mistake("each sentence pays for being short by itself: compare the lengths of the whole corpus.")
def price_by_sentence(written, right):
    def mean_price(w, r):
        return sum(min(1.0, math.exp(1 - len(b) / max(1, len(a)))) for a, b in zip(w, r, strict=True)) / len(r)

    return variant(brevity=mean_price)(written, right)


@bleu.mistake("written and right are exchanged: precision asks what was written.")
def exchanged_sides(written, right):
    return scoring.bleu(right, written)
