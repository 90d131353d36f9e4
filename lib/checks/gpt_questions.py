"""Questions of notebook 11: surprises and their units, sizes on paper, a first loss, a budget, three bugs."""

import math

from lib import gpt, gpt2
from lib.checks.core import Question

__all__ = [
    "best_size",
    "buggy_runs",
    "equal_loss",
    "first_loss",
    "gpt3_blocks",
    "predictions_made",
    "text_perplexity",
]

_ROUGHLY = 0.03  # two digits, or a small part that may be left out


def _perplexity(*chances: float) -> float:
    return math.exp(-sum(map(math.log, chances)) / len(chances))


def _in_the_blocks(d_model: int, n_layers: int) -> float:
    counts = gpt2.gpt2_parameters(1, 1, d_model, n_layers)
    return float(counts["attention"] + counts["feed-forward"] + counts["norms"])


text_perplexity = Question(
    "text_perplexity",
    lambda: _perplexity(1 / 2, 1 / 8, 1 / 2, 1 / 8),
    "the surprises are 1, 3, 1 and 3 bits, 2 bits on average, and 2² = 4. It is the geometric mean of 2, 8, 2 and 8, "
    "not the mean, which is 5.",
    "How many bits of surprise has each token? Take their mean, and then the step from a loss to a perplexity.",
    (
        (5, "That is the mean of 2, 8, 2 and 8: take the mean of the surprises, not of one over the probabilities."),
        (3.2, "That is one over the mean probability: take the mean of the surprises, not of the probabilities."),
        (2, "That is the loss in bits. To the power of what is it a perplexity?"),
        (2 * math.log(2), "That is the loss in nats. What is its perplexity?"),
        (math.exp(2), "e belongs to a loss in nats; yours is in bits."),
        (256, "That is one over the product of all four: the perplexity is a mean, over the number of tokens."),
        (1 / 256, "That is the probability of the whole text."),
        (0.25, "One over that: a perplexity is never below 1."),
        (8, "That is the sum of the surprises in bits."),
    ),
    within=0.005,
)
predictions_made = Question(
    "predictions_made",
    lambda: 6 * (33 - 1),
    "each of the 6 rows has 33 tokens, of which 32 are asked for: nothing stands before the first one. 6 · 32 = 192. "
    "The logits have the shape (6, 32, vocab).",
    "How many rows are there? For how many tokens of a row does the model have something to read before them?",
    (
        (198, "Is the first token of a row asked for?"),
        (32, "That is one row."),
        (33, "That is one row, and is its first token asked for?"),
        (6, "Every position asks a question, not only the last one of each row."),
        (197, "The first token of *each* row is not asked for."),
        (186, "Only one token a row is not asked for."),
    ),
)
gpt3_blocks = Question(
    "gpt3_blocks",
    lambda: _in_the_blocks(12_288, 96),
    "12 · 96 · 12,288² is about 1.74 · 10¹¹, 174 billion. With its two tables that is GPT-3's 175 billion: in a model "
    "of this size, a vocabulary of 50,257 hardly counts.",
    "Put both sizes into the rule.",
    (
        (12 * 12_288**2, "That is one block."),
        (12 * 96 * 12_288, "The width is squared: a matrix has a side in and a side out."),
        (4 * 96 * 12_288**2, "That is the attention alone."),
        (8 * 96 * 12_288**2, "That is the feed-forward alone."),
        (96 * 12_288**2, "A block has more than one matrix of that size: about 12."),
        (174, "In single parameters, not in billions."),
    ),
    within=_ROUGHLY,
)
first_loss = Question(
    "first_loss",
    lambda: math.log(50_257),
    "a model that knows nothing finds all 50,257 tokens about equally likely: −ln(1/50,257) = ln 50,257 = 10.82 nats, "
    "a perplexity of 50,257.",
    "What does a model say whose logits are all near 0? Which probability does it then give to the right token?",
    (
        (math.log2(50_257), "That is in bits."),
        (math.log10(50_257), "That is the logarithm to the base of 10: nats come from the natural one."),
        (50_257, "That is its perplexity."),
        (1 / 50_257, "That is the probability of each token: how large is the surprise?"),
        (-math.log(50_257), "A surprise is never negative: mind the sign."),
        (0, "A loss of 0 would mean that it is always right, and sure."),
        (math.log(2_048), "That is for a vocabulary of 2,048."),
        (0.02, "That is the size of the weights."),
    ),
    within=0.02,
)
equal_loss = Question(
    "equal_loss",
    lambda: 3.0 * gpt.bits_per_byte(1.0, 1, 4) / gpt.bits_per_byte(1.0, 2, 3),  # of 2 tokens in 3 bytes, 1 in 4
    "A is surprised by 3.0/4 = 0.75 nats a byte, or 1.08 bits. B needs the same for each byte: 0.75 · 1.5 = 1.125 nats "
    "a token. Its loss looks much smaller, and says the same.",
    "How many nats does A need for one byte? What may a token of B cost, then?",
    (
        (3.0, "B's tokens are shorter: it is asked more questions about the same text, so each has to cost less."),
        (8.0, "The other way round: B's tokens are shorter, so each has to cost less."),
        (0.75, "That is for each byte. How many bytes has a token of B?"),
        (0.75 / math.log(2), "That is A's number of bits a byte. The question is for B's nats a token."),
        (1.125 / math.log(2), "In nats, not in bits."),
        (2.0, "That is 3.0 / 1.5: what does A need for one byte?"),
        (0.5, "Multiply by B's bytes a token: what costs 0.75 nats a byte costs more for a token."),
        (4.5, "What does A need for one byte? Divide by its bytes a token first."),
    ),
    within=0.005,
)
best_size = Question(
    "best_size",
    lambda: math.sqrt(6 * 175e9 * 300e9 / (6 * 20)),
    "with D = 20·N the price is 6 · N · 20 · N = 120 · N², so N is the root of 3.15·10²³/120: about 51 billion, read "
    "1.0 · 10¹² tokens. GPT-3 had 3.4 times the parameters, and under a third of the tokens.",
    "Write D as 20·N, put it into C = 6·N·D, and solve for N.",
    (
        (3.15e23 / 120, "That is N²: take the root."),
        ((3.15e23 / 6) ** 0.5, "That would be one token for each parameter: where is the 20?"),
        ((3.15e23 / 20) ** 0.5, "The 6 of C = 6·N·D is missing."),
        ((3.15e23 * 20 / 6) ** 0.5, "That is the number of tokens. How many parameters are these?"),
        (300e9 / 20, "That is the model for GPT-3's tokens, and it would cost less. Keep the FLOPs, not the tokens."),
        (51.2, "In single parameters, not in billions."),
        (20 * 175e9, "Those are the tokens for GPT-3's size, and it would cost more. Keep the FLOPs, not the size."),
    ),
    within=0.04,
)
buggy_runs = Question(
    "buggy_runs",
    lambda: "BCA",
    "who sees one position alone can learn which token follows which, and no more than the table of pairs knows: 3.1 "
    "nats, to which B is on the way. Without a mask the answer stands among what it reads (C). After shuffling nothing "
    "depends on what was before, and only how frequent each token is can be learned (A).",
    "For each bug ask: what can still be learned about the next token? Which of the rivals knows that much?",
    (
        ("CBA", "What can a position know that sees itself alone? And where does a model end that sees the answer?"),
        ("ACB", "After shuffling, does the token before still tell anything? What does one know that sees itself?"),
        ("BAC", "Without a mask, is there anything left to guess?"),
        ("CAB", "A position that sees itself alone cannot see the answer. Who can?"),
        ("ABC", "Who can see the answer? And in a shuffled text, does the token before still tell anything?"),
    ),
)
