"""Questions of notebook 07: sizes on paper, a plot to diagnose, a bug to find, a price."""

import math

import torch
from torch import nn

from lib.attention import MultiHeadAttention
from lib.checks.core import Question
from lib.layers import FeedForward, LayerNorm, PostNorm, PreNorm
from lib.transformer import EncoderBlock

_ROUGHLY = 0.06


class _NoNorm(nn.Module):
    def __init__(self, d_model, dropout=0.0):
        super().__init__()

    def forward(self, x, part):
        return x + part(x)


_LETTERS = {"A": PostNorm, "B": _NoNorm, "C": PreNorm}


@torch.no_grad()
def stream_by_block(n_blocks: int = 48) -> dict[str, list[float]]:
    """The root mean square of the stream after each of the fresh blocks of three stacks: what the question draws."""
    sizes: dict[str, list[float]] = {}
    for letter, shortcut in _LETTERS.items():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            blocks = [EncoderBlock(32, 4, 128, shortcut=shortcut) for _ in range(n_blocks)]
            x = torch.randn(4, 16, 32)
        sizes[letter] = [(x := block(x)).square().mean().sqrt().item() for block in blocks]
    return sizes


def _letters() -> str:
    """Post-norm stays at 1; of the other two, no norm grows more."""
    ends = {letter: sizes[-1] for letter, sizes in stream_by_block().items()}
    post, pre, none = sorted(ends, key=ends.get)
    return pre + post + none


@torch.no_grad()
def _changed() -> int:
    norm, x = LayerNorm(32), torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    before = norm(x)
    x[1, 3, 7] += 1
    return int((norm(x) != before).sum())


def _cross_shape() -> tuple[int, ...]:
    attention = MultiHeadAttention(24, 6)
    attention.keep_weights = True
    attention(torch.zeros(3, 5, 24), torch.zeros(3, 11, 24))
    return tuple(attention.weights.shape)


def _share() -> float:
    """Of a decoder block, matrices alone."""
    feed_forward, attention = (
        sum(part.numel() for part in module.parameters() if part.dim() == 2)
        for module in (FeedForward(8, 32), MultiHeadAttention(8, 2))
    )
    return feed_forward / (feed_forward + 2 * attention)


eight_layers = Question(
    "eight_layers",
    lambda: (1 / 3) ** (8 / 2),
    "each matrix leaves 1/3 of the mean square, eight of them 1/3⁸; the length is its root, 1/3⁴ = 1/81 = 0.012.",
    "What does one such matrix do to the mean square? And how does the length follow from the mean square?",
    (
        ((1 / 3) ** 8, "That is what becomes of the mean square; the length goes with its root."),
        (1.0, "So it would be with He's variance of 1/d_in. PyTorch's is a third of it."),
        (math.sqrt(1 / 6) ** 8, "There is no ReLU here, so nothing is halved."),
        (math.sqrt(1 / 3), "That is one layer. There are eight."),
        (1 / 3, "That is what one layer leaves of the mean square. Eight layers, and the length goes with the root."),
    ),
    within=_ROUGHLY,
)
changed_outputs = Question(
    "changed_outputs",
    _changed,
    "32. Mean and variance of that vector change, and with them all its numbers; no other vector notices.",
    "Which numbers share a mean and a variance with the one that was changed?",
    (
        (1, "The mean and the variance change too, and who depends on them?"),
        (160, "These are all vectors of that sentence. Does LayerNorm look at neighbours?"),
        (320, "These are all of them. Does LayerNorm look at other vectors?"),
        (10, "That would be BatchNorm: the same number in all vectors of the batch."),
        (0, "The changed number changes the mean of its own vector at least."),
    ),
)
dropout_square = Question(
    "dropout_square",
    lambda: 0.8 * (1 / 0.8) ** 2,
    "a share of 0.8 is 1.25, the rest 0: 0.8 · 1.25² = 1.25. The mean is kept, the size grows: dropout is noise.",
    "Which two values has y, and how often has it each of them? Square first, then take the mean.",
    (
        (1.0, "That is the mean of y. Here the squares are averaged."),
        (1.25**2, "That is the square of a number that was kept. A fifth of them is 0."),
        (0.8, "What is kept is divided by 0.8 as well."),
        (0.64, "What is kept is divided by 0.8, not multiplied."),
        (5.0, "A share of p is dropped, and 1 - p is kept: p = 0.2."),
        (math.sqrt(1.25), "That is the root of it: the mean of the squares is asked for."),
    ),
    within=1e-3,
)
stream_sizes = Question(
    "stream_sizes",
    _letters,
    "A keeps its size, as only a norm on the stream can do: post-norm. In C every part adds about as much as the one "
    "before it, since it reads a normed copy: pre-norm. In B each part reads the large stream itself and adds more.",
    "Where is the stream itself normed? And who adds more, a part that reads a normed copy or one that reads all of x?",
    (
        ("ACB", "Pre-norm and post-norm are exchanged: which of them has a norm on the stream itself?"),
        ("BAC", "What does a part with a norm before it add when the stream is large? Not more than before."),
        ("CBA", "Without a norm nothing can hold the stream at 1. Which wiring does?"),
        ("ABC", "Which wiring has a norm on the stream itself? Its size must stay the same."),
        ("BCA", "Without a norm nothing can hold the stream at 1. Which wiring does?"),
    ),
)
noisy_line = Question(
    "noisy_line",
    lambda: 10,
    "`functional.dropout(y, 0.1)` knows nothing of eval(): its own `training` is True by default. self.dropout knows.",
    "Which line throws dice, and has no way to know whether the model trains?",
    (
        (12, "self.dropout is an nn.Dropout: eval() reaches it and turns it off."),
        (6, "An nn.Dropout that is a part of the module is turned off by eval()."),
        (9, "The norm stands where it should, and throws no dice."),
        (5, "LayerNorm does the same in training and after eval()."),
    ),
)
cross_weights_shape = Question(
    "cross_weights_shape",
    _cross_shape,
    "(batch, heads, query, key): the 5 written words ask, the 11 read words answer. d_model does not occur.",
    "(batch, heads, query, key): who asks in cross-attention, and who is looked at?",
    (
        ((3, 6, 11, 5), "Queries come before keys: who asks, the words that are written or those that were read?"),
        ((3, 6, 5, 5), "That would be the self-attention of the decoder."),
        ((3, 6, 11, 11), "That would be the self-attention of the encoder."),
        ((3, 5, 11), "Each head has weights of its own."),
        ((3, 5, 24), "That is what comes out. The weights come before the mixing."),
        ((3, 6, 5, 4), "That is the queries. The weights compare them with all keys."),
    ),
)
decoder_share = Question(
    "decoder_share",
    _share,
    "two attentions of 4 · d_model² and a feed-forward of 8 · d_model²: 8 / 16, one half.",
    "How many attentions has a decoder block, and how many matrices of d_model² has each part?",
    (
        (2 / 3, "That is an encoder block. What has a decoder block more?"),
        (1 / 3, "That is the attention's share of an encoder block."),
        (0.8, "The attention has four matrices: the one that mixes the heads counts as well."),
        (8 / 14, "Each attention has four matrices: the one that mixes the heads counts as well."),
    ),
    within=1e-2,
)
