"""Checks of notebook 15: the online softmax, flash attention, speculative decoding; questions on both."""

import math

import torch

from lib import flash
from lib.checks.core import Exercise, Question
from lib.checks.more_for_the_same_work_experts import (
    active_parameters,
    dispatch,
    even_and_uneven,
    experts_read,
    keep_within_capacity,
    load_balancing_loss,
    mutual_information,
    places_needed,
    route,
)
from lib.decoding import speculative

__all__ = [
    "accept",
    "accepted_share",
    "active_parameters",
    "best_draft_length",
    "dispatch",
    "even_and_uneven",
    "experts_read",
    "flash_attention",
    "keep_within_capacity",
    "load_balancing_loss",
    "merge_tiles",
    "mutual_information",
    "online_softmax",
    "places_needed",
    "rescale_factor",
    "residual",
    "route",
    "skipped_tiles",
    "speculative_step",
]

online_softmax = Exercise(flash.online_softmax, returns=("largest", "sum"))
merge_tiles = Exercise(flash.merge_tiles, returns=("largest", "total", "mixed"))
flash_attention = Exercise(flash.flash_attention)
residual = Exercise(speculative.residual)
accept = Exercise(speculative.accept)
speculative_step = Exercise(speculative.speculative_step)


# -------------------------------------------------------------------------------------------------------- questions

rescale_factor = Question(
    "rescale_factor",
    lambda: math.exp(2 - 5),
    "all that was summed is e^(score − 2), and e^(score − 5) is wanted: e^(2 − 5) times as much, about 0.05.",
    "What was the largest score before, and what is it now? The terms e^(score − old) must become e^(score − new).",
    (
        (math.exp(3), "That is the other way round: the old terms are too large now, the factor is below 1."),
        (math.exp(1 - 5), "The score before it was 1; what counts is the largest so far."),
        (math.exp(0 - 5), "0 is the smallest score; what counts is the largest so far."),
        (math.exp(-5), "Seen from 0? The sum so far has the largest score, 2, taken off already."),
        (-3.0, "That is the exponent. Which number do you multiply by?"),
    ),
    within=0.01,
)


def _skipped_tiles() -> int:
    """Counted: tiles of 128 queries and 128 keys in which the last query stands before the first key."""
    tiles = range(0, 4096, 128)
    return sum(query + 127 < key for query in tiles for key in tiles)


skipped_tiles = Question(
    "skipped_tiles",
    _skipped_tiles,
    "tile row i leaves out the 31 − i tiles at its right: 31 + 30 + ... + 0 = 32 · 31 / 2. Nearly half of the work.",
    "Draw 4 × 4 tiles first. Those on the diagonal hold both past and future, so they are computed.",
    (
        (528, "That is how many are computed, the diagonal included."),
        (512, "Exactly half would also leave out half of the diagonal's tiles; those are needed."),
        (480, "Row i leaves out 31 − i tiles: the first row 31 of them."),
    ),
)
accepted_share = Question(
    "accepted_share",
    lambda: speculative.acceptance_rate(torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.1, 0.8, 0.1])).item(),
    "a token is guessed and kept with the smaller of p and q: 0.1 + 0.25 + 0.1.",
    "How often is each token guessed, and how often is it kept then? Multiply, and add the three up.",
    (
        (0.55, "That is how often a guess is refused."),
        (1 - 0.45 / 2, "Do not halve anything: each token counts with the smaller of p and q."),
        (0.1 * 0.5 + 0.8 * 0.25 + 0.1 * 0.25, "That is how often two independent draws agree. The rule keeps more."),
        ((1 + 0.25 / 0.8 + 1) / 3, "Not every token is guessed equally often: weight each with q."),
        (0.25 / 0.8, "That is for the second token alone."),
    ),
    within=1e-3,
)


def _best_draft_length() -> int:
    return max(range(50), key=lambda k: speculative.expected_speedup(0.6, k, cost=0.1))


best_draft_length = Question(
    "best_draft_length",
    _best_draft_length,
    "2.176 / 1.3 = 1.67. One guess less gives 1.96 / 1.2 = 1.63, one more 2.306 / 1.4 = 1.65.",
    "Compute (1 + 0.6 + ... + 0.6^k) / (1 + 0.1 k) for k = 1, 2, 3 ... until it falls.",
)
