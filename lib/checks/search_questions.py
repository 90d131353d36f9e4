"""Questions of notebook 10: a tree by hand, lengths, rows, shares of a probability, two kinds of errors, a price."""

import math

import torch

from lib import scoring
from lib.batching import EOS
from lib.checks.core import Question
from lib.decoding import search

__all__ = ["chosen_rows", "counted_errors", "found_by_two", "quarter_missing", "rivals", "tipping_alpha"]

_FIRST = (0.5, 0.3, 0.2)
_SECOND = ((0.38, 0.32, 0.30), (0.55, 0.25, 0.20), (0.98, 0.01, 0.01))

# the log-probabilities of what was written, of the right sentence and of the likeliest; whether the last two are one
_SENTENCES = (
    (-2.1, -2.1, -2.1, True),
    (-3.0, -2.6, -2.6, True),
    (-2.4, -4.0, -2.4, False),
    (-5.2, -6.0, -3.9, False),
    (-1.8, -1.8, -1.7, False),
    (-2.2, -7.0, -2.2, False),
)


def _after(ids):
    """The table of the question: A, B, C, then u, v, w, then the end."""
    chances = torch.zeros(EOS + 4)
    if len(ids) == 2:
        chances[EOS] = 1.0
    else:
        chances[EOS + 1 :] = torch.tensor(_SECOND[ids[0] - EOS - 1] if ids else _FIRST)
    return chances.log()


def _found(beams: int) -> float:
    return math.exp(search.search_sentence(_after, 3, beams, alpha=0.0)[1])


def _rows() -> list[int]:
    """The rows of six that sentences 0 and 2 go on from, two beams each."""
    places = torch.tensor([0, 2])[:, None] * 2 + torch.tensor([[1, 1], [1, 0]])
    (rows,) = search.reorder((torch.arange(6),), places.flatten())
    return rows.tolist()


def _rivals(chance: float) -> int:
    """One more fits in as long as it, the others and the sentence that was found can have `chance` each."""
    others = 0
    while (others + 2) * chance < 1:
        others += 1
    return others


def _errors() -> tuple[int, int, int]:
    missed = sum(written < likeliest for written, _, likeliest, _ in _SENTENCES)
    of_the_model = sum(not same for *_, same in _SENTENCES)
    return missed, of_the_model, sum(written < right for written, right, *_ in _SENTENCES)


found_by_two = Question(
    "found_by_two",
    lambda: (_found(1), _found(2), _found(3)),
    "two beams keep A and B, and A u with 0.5 · 0.38 = 0.19 is the best they can get. C u has 0.2 · 0.98 = 0.196, but "
    "C was dropped at the first word: a search error. Three beams find it.",
    "Which first words does each search keep? Multiply both probabilities for everything that goes on from these, and "
    "for the last number for all nine sentences.",
    (
        ((0.19, 0.196, 0.196), "Two beams keep two first words. Is C one of them?"),
        ((0.19, 0.165, 0.196), "Both beams go on, and the better of what comes from them wins."),
        ((0.19, 0.19, 0.19), "Look at all nine sentences, also at those that begin with C."),
        ((0.38, 0.38, 0.98), "Those are the second words alone: multiply by the first."),
        ((0.196, 0.196, 0.196), "Greedy decoding takes the likeliest first word, and goes on from there."),
    ),
    within=0.005,
)
tipping_alpha = Question(
    "tipping_alpha",
    lambda: math.log(2.7 / 2.0) / math.log(6 / 4),
    "2.0 / 4^α = 2.7 / 6^α means 1.5^α = 1.35, so α = log 1.35 / log 1.5 = 0.74.",
    "Write down both normalised scores with α, and set them equal. What is 1.5 to the power of α?",
    (
        (1.35, "1.5 to the power of α is 1.35. Take logarithms: which one is divided by which?"),
        (0.9, "α is an exponent: take logarithms."),
        (1.0, "At 1 the means are compared: -0.5 and -0.45. The long one has won already."),
        (0.0, "At 0 the sums are compared, and the short one wins."),
        (math.log(1.35), "Divide by log 1.5."),
        (math.log(2.7 / 2.0) / math.log(11 / 9), "That is with the formula of Wu et al.; here n^α divides."),
    ),
    within=0.02,
)
chosen_rows = Question(
    "chosen_rows",
    _rows,
    "beam 1 of sentence 0 is row 1, twice; beams 1 and 0 of sentence 2 are rows 5 and 4, the better one first. Nobody "
    "asks for rows 2 and 3, so sentence 1 is gone.",
    "Row = sentence · width + beam, where the sentences are those of the old state. One row for each survivor.",
    (
        ([1, 1, 3, 2], "The old state still holds the rows of sentence 1: where do those of sentence 2 begin?"),
        ([1, 1, 1, 0], "Those are the beams. Which rows are they?"),
        ([1, 1, 4, 5], "The better survivor of sentence 2 comes first."),
        ([1, 5, 4], "Both survivors of sentence 0 need a row."),
        ([1, 1, 2, 3, 5, 4], "Sentence 1 leaves."),
        ([0, 0, 5, 4], "Beams are counted from 0: which row is beam 1 of sentence 0?"),
    ),
)
rivals = Question(
    "rivals",
    lambda: _rivals(0.23),
    "all probabilities sum to 1. 0.77 is left for the others, and each of them needs more than 0.23: three at most.",
    "The probabilities of all sentences sum to 1. How much is left for the others, and how much does each rival need?",
    (
        (4, "The sentence that was found has its own share, too."),
        (2, "0.77 is left. Does a third one fit?"),
        (0, "It has less than a half: another one may well be likelier."),
        (1, "More than one of them may be likelier."),
        (0.77, "That is what is left for them. How many fit into it?"),
        (math.inf, "They share what is left of 1."),
    ),
)
counted_errors = Question(
    "counted_errors",
    _errors,
    "search errors: b, d, e. Model errors: c, d, e, f. The right sentence shows b alone. In d there are both kinds; in "
    "e the search error was luck, since the mode is wrong.",
    "A search error: the likeliest one was missed. A model error: the likeliest one is not the right one. One sentence "
    "can have both.",
    (
        ((1, 4, 1), "A search error is any likelier sentence that was missed, not only the right one."),
        ((2, 4, 1), "What was written in e is right, but was it the likeliest?"),
        ((3, 3, 1), "Whether the likeliest sentence is right does not depend on what was written: look at c to f."),
        ((3, 2, 1), "A sentence can have both kinds of errors."),
        ((3, 4, 3), "The last number: where is the right sentence likelier than what was written?"),
        ((3, 4, 2), "The last number: where is the right sentence likelier than what was written?"),
        ((1, 3, 1), "A search error is any likelier sentence that was missed, not only the right one."),
    ),
)
quarter_missing = Question(
    "quarter_missing",
    lambda: scoring.bleu([list(range(9))], [list(range(12))]),
    "all four precisions are 1, and BP = e^(1 - 4/3) = 0.717: 71.7.",
    "What are the precisions of what was written? And what is r / c?",
    (
        (75.0, "The price is not the share of the words, but e^(1 - r/c)."),
        (100.0, "All precisions are 1. And the brevity penalty?"),
        (100 * math.exp(1 - 3 / 4), "c is what was written, r what the references have: BP is never above 1."),
        (100 * math.exp(-1 / 4), "Divide r by c, not c by r."),
        (math.exp(1 - 4 / 3), "BLEU goes to 100."),
        (25.0, "That is what is missing. What is the price for it?"),
        (100 * math.exp(1 - 4), "A quarter is missing, three quarters are there: r / c = 4 / 3."),
    ),
    within=0.005,
)
