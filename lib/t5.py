"""T5: an encoder-decoder for which every task is text to text (Raffel et al. 2020).

    PlainFeedForward, GatedFeedForward    without biases: of T5, and of its version 1.1
    T5EncoderBlock, T5DecoderBlock        the blocks of 2017 with parts exchanged
    T5                                    the whole of it: ids in, a score for every next token out
    fresh_t5_weights                      all its parameters drawn anew

It differs from `lib.transformer.Transformer` in parts only: relative positions in place of sinusoids, RMSNorm before
each part, no biases anywhere. Scores are not divided by √d_head; queries begin as much smaller instead. It fits the
searches and the cache of `lib.decoding`.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from lib.attention import causal_mask
from lib.batching import Batch
from lib.fused import tied_loss
from lib.layers import FeedForward, PreNorm, RMSNorm, SwiGLU, fresh_weights
from lib.relative_positions import BiasedAttention, RelativeBias
from lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock


class PlainFeedForward(FeedForward):
    """A FeedForward, with ReLU, that has no biases."""

    def __init__(self, d_model: int, d_ff: int):
        super().__init__(d_model, d_ff)
        self.widen, self.narrow = nn.Linear(d_model, d_ff, bias=False), nn.Linear(d_ff, d_model, bias=False)


class GatedFeedForward(SwiGLU):
    """GEGLU (Shazeer 2020): a SwiGLU whose gate is GELU in place of silu, by the tanh formula as T5 1.1 has it."""

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model) -> the same shape."""
        return self.narrow(functional.gelu(self.gate(x), approximate="tanh") * self.widen(x))


class RMSPreNorm(PreNorm):
    """PreNorm with an RMSNorm."""

    def __init__(self, d_model: int, dropout: float = 0.0):
        super().__init__(d_model, dropout)
        self.norm = RMSNorm(d_model)


class T5EncoderBlock(EncoderBlock):
    """An EncoderBlock of T5's parts; `position_bias` is that of the whole stack."""

    def __init__(self, d_model, n_heads, d_ff, d_head, feed_forward, attention, position_bias):
        super().__init__(d_model, 1, d_ff, shortcut=RMSPreNorm)  # a single head fits any d_model; it is exchanged
        self.attention = attention(d_model, n_heads, d_head, position_bias)
        self.feed_forward = feed_forward(d_model, d_ff)


class T5DecoderBlock(DecoderBlock):
    """A DecoderBlock of T5's parts. Cross-attention has no bias: there is no distance between two texts."""

    def __init__(self, d_model, n_heads, d_ff, d_head, feed_forward, attention, position_bias):
        super().__init__(d_model, 1, d_ff, shortcut=RMSPreNorm)
        self.self_attention = attention(d_model, n_heads, d_head, position_bias)
        self.cross_attention = attention(d_model, n_heads, d_head)
        self.feed_forward = feed_forward(d_model, d_ff)


class T5(nn.Module):
    """Text to text: what is read and what is written share one vocabulary and one table of vectors.

    n_blocks: of the encoder and of the decoder    d_head: d_model / n_heads if None
    tied: the output is the table of the words' vectors (version 1.0); else it has a table of its own (1.1)
    feed_forward: PlainFeedForward (1.0) or GatedFeedForward (1.1)    n_buckets, furthest: as in `relative_buckets`
    attention, relative_bias: the layer and the bias it is made of, for one's own in place of the library's

    As in the Transformer of 2017, the table is multiplied by √d_model where words are read and by nothing where they
    are written. T5's own is √d_model times as large; if tied, x is divided by √d_model before it is compared: the same
    logits. But the steps of Adam know no sizes, so a table of smaller numbers learns faster. Divide a published table
    by √d_model, and not the output's own.

    A source mask is (batch, key), True on real tokens, as in `lib.batching.Batch`. Raises what GroupedQueryAttention
    raises, and what `relative_buckets` raises as soon as it reads.
    """

    def __init__(
        self,
        vocab: int,
        d_model: int,
        n_heads: int,
        d_ff: int,
        n_blocks: tuple[int, int],
        d_head: int | None = None,
        tied: bool = True,
        feed_forward: Callable[[int, int], nn.Module] = PlainFeedForward,
        n_buckets: int = 32,
        furthest: int = 128,
        attention: Callable[..., BiasedAttention] = BiasedAttention,
        relative_bias: Callable[[int, bool, int, int], nn.Module] = RelativeBias,
    ):
        super().__init__()
        sizes = d_model, n_heads, d_ff, d_head, feed_forward, attention
        around, back = (relative_bias(n_heads, two_sided, n_buckets, furthest) for two_sided in (True, False))
        self.embedding = nn.Embedding(vocab, d_model)
        self.encoder = Encoder([T5EncoderBlock(*sizes, around) for _ in range(n_blocks[0])], RMSNorm(d_model))
        self.decoder = Decoder([T5DecoderBlock(*sizes, back) for _ in range(n_blocks[1])], RMSNorm(d_model))
        self.head = nn.Linear(d_model, vocab, bias=False)
        if tied:
            self.head.weight = self.embedding.weight
        self.scale = math.sqrt(d_model)

    def encode(self, source: Tensor, source_mask: Tensor) -> Tensor:
        """source, source_mask: (batch, key). Returns the memory (batch, key, d_model)."""
        return self.encoder(self.embed(source), _hiding(source_mask))

    def embed(self, ids: Tensor, start: int = 0) -> Tensor:
        """Target ids (batch, position) to x (batch, position, d_model), the same wherever they start."""
        return self.embedding(ids) * self.scale

    def decode(self, inputs: Tensor, memory: Tensor, source_mask: Tensor) -> Tensor:
        """inputs: (batch, position), <SOS> first    memory: (batch, key, d_model)    source_mask: (batch, key)

        Returns logits (batch, position, vocab): at each position for the token after it.
        """
        return self.logits(self._written(inputs, memory, source_mask))

    def forward(self, source: Tensor, source_mask: Tensor, inputs: Tensor) -> Tensor:
        """source, source_mask: (batch, key)    inputs: (batch, position). Returns logits (batch, position, vocab)."""
        return self.decode(inputs, self.encode(source, source_mask), source_mask)

    def logits(self, x: Tensor) -> Tensor:
        """x: (..., d_model), after the decoder's norm. Returns a score for every token, (..., vocab)."""
        return self.head(x)

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        """The mean surprise over the real targets, in nats; padding gets no logits at all."""
        x = self._written(batch.inputs, self.encode(batch.source, batch.source_mask), batch.source_mask)[batch.mask]
        return tied_loss(x, self.head.weight, batch.targets[batch.mask], smoothing=smoothing)

    def _written(self, inputs: Tensor, memory: Tensor, source_mask: Tensor) -> Tensor:
        looking_back = causal_mask(inputs.shape[1]).to(inputs.device)
        return self.decoder(self.embed(inputs), memory, looking_back, _hiding(source_mask))


def _hiding(mask: Tensor) -> Tensor | None:
    """mask (batch, key) for all heads and queries; None where it hides nothing, which saves time."""
    return None if mask.all() else mask[:, None, None, :]


def fresh_t5_weights(model: T5, generator: torch.Generator) -> T5:
    """Draw all parameters anew as `fresh_weights` does, but for two kinds. Returns the model.

    The numbers of a query get variance 1 / d_head, so that scores begin with about 1; no distance is preferred yet.
    """
    fresh_weights(model, generator)
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, BiasedAttention):
                part.to_q.weight.mul_(part.d_head**-0.5)
                if part.position_bias is not None:
                    part.position_bias.table.weight.zero_()
    return model
