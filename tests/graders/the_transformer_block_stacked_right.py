"""Right answers to notebook 07, second part: the blocks and the count, in several styles."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional

from lib.attention import MultiHeadAttention
from lib.layers import FeedForward, PreNorm
from tests.graders.cases import right


class Parts(nn.Module):
    """The given part of the encoder exercise."""

    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, n_heads, bias)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.around_attention = shortcut(d_model, dropout)
        self.around_feed_forward = shortcut(d_model, dropout)


@right("EncoderBlock")
class NamedFunction(Parts):
    def forward(self, x, mask=None):
        def look(y):
            return self.attention(y, None, mask)

        x = self.around_attention(x, look)
        x = self.around_feed_forward(x, self.feed_forward)
        return x


@right("EncoderBlock")
class WithPartial(Parts):
    def forward(self, x, mask=None):
        attended = self.around_attention(x, partial(self.attention, mask=mask))
        return self.around_feed_forward(attended, part=self.feed_forward)


@right("EncoderBlock")
class OneExpression(Parts):
    def forward(self, x, mask=None):
        return self.around_feed_forward(
            self.around_attention(x, lambda x: self.attention(x, x, mask)), lambda y: self.feed_forward(y)
        )


@right("EncoderBlock")
class InALoop(Parts):
    def forward(self, x, mask=None):
        look = lambda y: self.attention(y, mask=mask)  # noqa: E731
        for around, part in ((self.around_attention, look), (self.around_feed_forward, self.feed_forward)):
            x = around(x, part)
        return x


@right("EncoderBlock")
class Method(Parts):
    def look(self, y):
        return self.attention(y, y, self.mask)

    def forward(self, x, mask=None):
        self.mask = mask
        looked = self.around_attention(x, self.look)
        thought = self.around_feed_forward(looked, self.feed_forward.forward)
        return thought


@right("EncoderBlock")
class MaskWrittenOut(Parts):
    def forward(self, x, mask=None):
        batch, length = x.shape[:2]
        if mask is None:
            mask = torch.ones(length, length, dtype=torch.bool)
        mask = mask.expand(batch, self.attention.n_heads, length, length)
        return self.around_feed_forward(
            self.around_attention(x, lambda inside: self.attention(inside, mask=mask)), self.feed_forward
        )


class DecoderParts(nn.Module):
    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, n_heads, bias)
        self.around_self_attention = shortcut(d_model, dropout)
        self.cross_attention = MultiHeadAttention(d_model, n_heads, bias)
        self.around_cross_attention = shortcut(d_model, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.around_feed_forward = shortcut(d_model, dropout)


@right("DecoderBlock")
class NamedFunctions(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        def look_back(y):
            return self.self_attention(y, mask=mask)

        def look_across(y):
            return self.cross_attention(y, context=memory, mask=memory_mask)

        x = self.around_self_attention(x, look_back)
        x = self.around_cross_attention(x, look_across)
        return self.around_feed_forward(x, self.feed_forward)


@right("DecoderBlock")
class Partials(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around_self_attention(x, partial(self.self_attention, mask=mask))
        x = self.around_cross_attention(x, partial(self.cross_attention, context=memory, mask=memory_mask))
        x = self.around_feed_forward(x, self.feed_forward)
        return x


@right("DecoderBlock")
class NewNames(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        first = self.around_self_attention(x, lambda inside: self.self_attention(inside, inside, mask))
        second = self.around_cross_attention(first, lambda inside: self.cross_attention(inside, memory, memory_mask))
        return self.around_feed_forward(second, lambda inside: self.feed_forward(inside))


@right("DecoderBlock")
class Steps(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        steps = [
            (self.around_self_attention, lambda y: self.self_attention(y, mask=mask)),
            (self.around_cross_attention, lambda y: self.cross_attention(y, memory, memory_mask)),
            (self.around_feed_forward, self.feed_forward),
        ]
        for around, part in steps:
            x = around(x, part)
        return x


@right("DecoderBlock")
class InDictionaries(nn.Module):
    """Its own dropout for the feed-forward's is no matter: the parts are the course's."""

    def __init__(self, d_model, n_heads, d_ff, dropout=0.0, shortcut=PreNorm, bias=False, activation=functional.relu):
        super().__init__()
        for name in ("self_attention", "cross_attention"):
            setattr(self, name, MultiHeadAttention(d_model, n_heads, bias=bias))
        self.feed_forward = FeedForward(d_model, d_ff, dropout=dropout, activation=activation)
        for name in ("self_attention", "cross_attention", "feed_forward"):
            self.add_module(f"around_{name}", shortcut(d_model, dropout=dropout))

    def forward(self, x, memory, mask=None, memory_mask=None):
        parts = {
            "self_attention": lambda y: self.self_attention(y, None, mask),
            "cross_attention": lambda y: self.cross_attention(y, memory, memory_mask),
            "feed_forward": self.feed_forward,
        }
        for name, part in parts.items():
            x = getattr(self, f"around_{name}")(x, part)
        return x


@right("DecoderBlock")
class OnePart(DecoderParts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        return self.around_feed_forward(
            self.around_cross_attention(
                self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask)),
                lambda y: self.cross_attention(y, memory, mask=memory_mask),
            ),
            lambda y: self.feed_forward(y),
        )


@right("parameter_counts")
def by_shapes(vocab, d_model, d_ff, n_blocks):
    def numbers(*shapes):
        return sum(int(torch.Size(shape).numel()) for shape in shapes)

    attention = [(d_model, d_model)] * 4
    feed = [(d_ff, d_model), (d_ff,), (d_model, d_ff), (d_model,)]
    norm = [(d_model,), (d_model,)]
    blocks = {"encoder": attention + feed + norm * 2, "decoder": attention * 2 + feed + norm * 3}
    counts = {name: n_blocks * numbers(*shapes) for name, shapes in blocks.items()}
    return counts | {"embedding": numbers((vocab, d_model))}


@right("parameter_counts")
def as_polynomial(vocab, d_model, d_ff, n_blocks):
    shared = (2 * d_model + 1) * d_ff
    encoder = d_model * (4 * d_model + 5) + shared
    decoder = d_model * (8 * d_model + 7) + shared
    return {"embedding": d_model * vocab, "encoder": encoder * n_blocks, "decoder": decoder * n_blocks}


@right("parameter_counts")
def written_out(vocab, d_model, d_ff, n_blocks):
    one_attention = d_model * d_model * 4
    one_feed_forward = (d_model + 1) * d_ff + (d_ff + 1) * d_model
    return {
        "embedding": vocab * d_model,
        "encoder": (one_attention + one_feed_forward + 4 * d_model) * n_blocks,
        "decoder": (2 * one_attention + one_feed_forward + 6 * d_model) * n_blocks,
    }


@right("parameter_counts")
def from_a_built_model(vocab, d_model, d_ff, n_blocks):
    def count(*layers):
        return sum(p.numel() for layer in layers for p in layer.parameters())

    attention = nn.MultiheadAttention(d_model, 1, bias=False, device="meta")
    feed = nn.Linear(d_model, d_ff, device="meta"), nn.Linear(d_ff, d_model, device="meta")
    norm = nn.LayerNorm(d_model, device="meta")
    return {
        "embedding": count(nn.Embedding(vocab, d_model, device="meta")),
        "encoder": n_blocks * count(attention, *feed, norm, norm),
        "decoder": n_blocks * count(attention, attention, *feed, norm, norm, norm),
    }


@right("parameter_counts")
def with_a_loop(vocab, d_model, d_ff, n_blocks):
    counts = {"embedding": vocab * d_model, "encoder": 0, "decoder": 0}
    for _ in range(n_blocks):
        feed_forward = d_model * d_ff + d_ff + d_ff * d_model + d_model
        counts["encoder"] += 4 * d_model**2 + feed_forward + 2 * 2 * d_model
        counts["decoder"] += 8 * d_model**2 + feed_forward + 3 * 2 * d_model
    return counts


@right("parameter_counts")
def decoder_from_encoder(vocab, d_model, d_ff, n_blocks):
    encoder = n_blocks * (4 * d_model**2 + 2 * d_model * d_ff + d_ff + 5 * d_model)
    decoder = encoder + n_blocks * (4 * d_model**2 + 2 * d_model)
    return {"decoder": decoder, "embedding": vocab * d_model, "encoder": encoder}
