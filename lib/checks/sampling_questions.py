"""Questions of notebook 12: temperature as a power, the tail, likely against typical, what each truncation keeps."""

import math

import torch

from lib.checks.core import Question
from lib.decoding import sampling as course

__all__ = [
    "coin_heads",
    "flat_temperature",
    "kept_tokens",
    "left_after",
    "penalised_share",
    "tail_allowed",
    "typical_kept",
]


def _logits(*weights: float) -> torch.Tensor:
    """The logits of probabilities that are as these numbers, in 64 bits."""
    return torch.tensor(weights, dtype=torch.float64).log()


def _left(logits: torch.Tensor) -> int:
    """How many tokens were not left out."""
    return int((logits > -math.inf).sum())


flat_temperature = Question(
    "flat_temperature",
    lambda: math.log(8) / math.log(2),
    "a quotient of two probabilities becomes its own power 1/T, and 8 to the power of 1/3 is 2.",
    "A quotient of two probabilities becomes its own power 1/T. Which power of 8 is 2?",
    (
        (
            4,
            "At temperature 4 it is 8 to the power of 1/4, which is 1.68: not the quotient is divided.",
        ),
        (1 / 3, "Below 1 the quotient grows: at 1/3 it is 8³ = 512."),
        (0.25, "Below 1 the quotient grows."),
        (2, "At temperature 2 it is the root of 8, which is 2.83."),
        (8, "At temperature 8 it is 8 to the power of 1/8, which is 1.30."),
        (6, "Nothing is subtracted here: a quotient becomes its own power 1/T."),
        (1.5, "At 1.5 it is 8 to the power of 1/1.5, which is 4."),
    ),
    within=0.001,
)
tail_allowed = Question(
    "tail_allowed",
    lambda: 1 - 0.5 ** (1 / 100),
    "(1 - tail)¹⁰⁰ = ½, so 1 - tail is the hundredth root of ½, 0.9931, and the tail 0.0069: seven in a thousand.",
    "All 100 tokens must come out well: (1 - tail) to the power of 100 is to be ½. Solve it for the tail.",
    (
        (0.5 ** (1 / 100), "That is what the other tokens have; the tail has the rest."),
        (0.005, "Close: ½ / 100 counts a text with two accidents twice. Take a root instead of dividing."),
        (0.01, "Then 100 tokens without an accident have probability 0.99 to the power of 100, which is 0.37."),
        (0.5, "That is the probability for all 100 tokens together."),
        (0.05, "That was the worked number: it leaves 0.006 for 100 tokens."),
        (1 - 0.5 ** (1 / 20), "There are 100 tokens, not 20."),
        (0.69, "In hundredths that is right. What is it as a probability?"),
    ),
    within=0.03,
)
coin_heads = Question(
    "coin_heads",
    lambda: (100, 60),
    "each throw is likelier to show heads, so the likeliest sequence is heads only. Its probability is 0.6¹⁰⁰: nobody "
    "will ever see it. Nearly all sequences have about 60 heads. Each of them is less likely than 100 heads, but there "
    "are very many.",
    "For the first: which side would a greedy thrower choose, each time? For the second: the mean of what is thrown.",
    (
        ((60, 60), "One *particular* sequence with 60 heads has probability 0.6⁶⁰ · 0.4⁴⁰. Is there a likelier one?"),
        ((60, 100), "The two have changed places."),
        ((100, 100), "100 heads are the likeliest sequence. But how many heads does one expect?"),
        ((50, 60), "Each throw is likelier to show heads. Which sequence has the largest product, then?"),
        ((100, 50), "The coin is bent: heads has probability 0.6."),
        ((60, 50), "The coin is bent, and for the likeliest sequence each throw can be chosen by itself."),
        ((40, 60), "Heads is the likelier side of each throw."),
        (100, "That is one of the two numbers. Answer with both, as `(likeliest, expected)`."),
        (60, "That is one of the two numbers. Answer with both, as `(likeliest, expected)`."),
    ),
)
_SIX = 0.4, 0.25, 0.15, 0.1, 0.06, 0.04
kept_tokens = Question(
    "kept_tokens",
    lambda: (_left(course.top_p(_logits(*_SIX), 0.7)), _left(course.min_p(_logits(*_SIX), 0.2))),
    "0.4 and 0.25 make 0.65, which is not enough, so the third is needed. The bar is 0.2 · 0.4 = 0.08: four are above.",
    "For top-p, add up from the largest until 0.7 is reached. For min-p, the bar is 0.2 times the largest.",
    (
        ((2, 4), "Two tokens have 0.65, which is less than 0.7: the token that crosses is kept."),
        ((4, 3), "The two have changed places."),
        ((4, 4), "Add up from the largest: fewer are enough."),
        ((3, 2), "The bar of min-p is 0.2 times the largest probability, not 0.2."),
        ((2, 2), "The token that crosses 0.7 is kept; and the bar of min-p is 0.2 times the largest."),
        ((3, 3), "The bar is 0.08, and 0.1 is above it."),
        ((3, 5), "The bar is 0.08, and 0.06 is below it."),
        ((3, 6), "The bar is 0.08: some are below it."),
    ),
)


def _typical(probabilities: torch.Tensor, mass: float) -> int:
    """How many tokens locally typical sampling keeps; equals together."""
    surprise = -probabilities.log2()
    distance, order = (surprise - (probabilities * surprise).sum()).abs().sort()
    ordered = probabilities[order]
    reached = distance[ordered.cumsum(0) - ordered < mass - 1e-9].max()
    return int((distance <= reached + 1e-9).sum())


typical_kept = Question(
    "typical_kept",
    lambda: _typical(torch.tensor([0.3] + 7 * [0.1], dtype=torch.float64), 0.6),
    "H = 0.3 · 1.74 + 0.7 · 3.32 = 2.85 bits. The likeliest token is 1.11 bits away from it, the others 0.48. So the "
    "seven come first, and they have 0.7 together. The likeliest token is left out.",
    "Compute the entropy first, then the two distances. Which tokens come first, and is that enough?",
    (
        (8, "Nearest to the entropy first, and no more than it takes to reach 0.6."),
        (1, "The likeliest token is further from the entropy than the others. Compute both distances."),
        (4, "So many the nucleus would need, from the likeliest down. Sort by the distance from the entropy."),
        (6, "They have 0.6, but equals are kept together."),
        (3, "Sort by the distance from the entropy: which tokens come first?"),
        (0, "A typical token there always is: the nearest is kept."),
    ),
)
_FOUR = 8, 4, 2, 2
left_after = Question(
    "left_after",
    lambda: (
        _left(course.apply_temperature(course.top_p(_logits(*_FOUR), 0.7), 2)),
        _left(course.top_p(course.apply_temperature(_logits(*_FOUR), 2), 0.7)),
    ),
    "top-p first finds 0.5 + 0.25 = 0.75, two words, and no temperature brings a word back. At temperature 2 the "
    "probabilities are 0.37, 0.26, 0.18 and 0.18: two words have 0.63, so a third is needed, and its equal stays.",
    "In each order: which probabilities does top-p see? How many of them does it take to reach 0.7?",
    (
        ((4, 2), "The two orders have changed places."),
        ((2, 2), "After temperature 2, how much have the two likeliest words together?"),
        ((2, 3), "The third word has an equal."),
        ((4, 4), "Before any temperature, how many words does it take to reach 0.7?"),
        ((3, 4), "Before any temperature, add up again: fewer are enough."),
        ((2, 1), "Temperature 2 flattens: more words are needed, not fewer."),
        ((1, 2), "One word has 0.5, which is not enough."),
    ),
)


def _first_of_two(logit: float) -> float:
    """The probability of the first of two tokens with this logit, when it was written and the penalty is 2."""
    logits = torch.tensor([logit, logit], dtype=torch.float64)
    return course.repetition_penalty(logits, torch.tensor([0]), 2).softmax(-1)[0].item()


penalised_share = Question(
    "penalised_share",
    lambda: (_first_of_two(0.0), _first_of_two(4.0)),
    "0 stays 0, however it is multiplied: half each. 4 becomes 2: e² / (e² + e⁴) = 0.12. A shift of both logits "
    "changes no probability of the model, but it changes what the penalty does.",
    "What does the penalty make of the logit 0, and of 4? Then the softmax of the two logits.",
    (
        ((0.5, 0.5), "4 becomes 2, and the other one stays 4."),
        ((0.5, 1 / 3), "Half the logit is not half the probability: take the softmax of 2 and 4."),
        ((0.5, 0.25), "Half the logit is not half the probability: take the softmax of 2 and 4."),
        ((0.5, 1 / (1 + math.exp(-2))), "That is the probability of the second token."),
        ((1 / 3, 1 / 3), "The penalty divides logits, not probabilities."),
        ((0.25, 0.25), "The penalty divides logits, not probabilities."),
        ((1 / (1 + math.exp(2)), 0.5), "The two have changed places."),
        ((0.0, 1 / (1 + math.exp(2))), "The logit 0 is no probability 0: e to the power of 0 is 1."),
        ((0, 2), "Those are the logits; the probabilities are asked for."),
    ),
    within=0.03,
)
