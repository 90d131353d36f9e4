"""The Transformer's blocks and stacks (Vaswani et al. 2017, figure 1), from attention, feed-forward, norm and shortcut.

    EncoderBlock, DecoderBlock    one floor of the building                                 notebook 07
    Encoder, Decoder              floors on top of each other                               notebooks 07, 09
    TransformerParts              embeddings, positions, stacks, and an output that shares the embedding
    Transformer                   the whole of it: ids in, a score for every next word out  notebook 09
    next_word_step                one word more, everything computed anew: no cache         notebook 09
    cross_attention_weights       where each decoder block looked while it was told what to write   notebook 09
    parameter_counts              the parameters of a whole model, by part, from its sizes  notebook 07

`x` is the residual stream (batch, position, d_model). A mask is True where looking is allowed. `shortcut` is PreNorm
(the default) or PostNorm. Stacks are given their blocks, so they hold anybody's: the course's or the learner's.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from lib.attention import MultiHeadAttention, causal_mask, keeping_weights
from lib.batching import Batch
from lib.layers import FeedForward, PreNorm
from lib.positions import SinusoidalPositions

IGNORED = -100  # a target that no loss counts; PyTorch's own choice


class EncoderBlock(nn.Module):
    """Look around, then think: self-attention and feed-forward, each with a shortcut around it.

    The decoder-only block of GPT is the same, called with a causal mask.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_ff: int,
        dropout: float = 0.0,
        shortcut: Callable[..., nn.Module] = PreNorm,
        bias: bool = False,
        activation: Callable[[Tensor], Tensor] = functional.relu,
    ):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, n_heads, bias)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.around_attention = shortcut(d_model, dropout)
        self.around_feed_forward = shortcut(d_model, dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: (batch, position, d_model)    mask: broadcastable to (batch, heads, query, key)    Returns x's shape."""
        x = self.around_attention(x, lambda y: self.attention(y, mask=mask))
        return self.around_feed_forward(x, self.feed_forward)


class DecoderBlock(nn.Module):
    """Look back, look at what the encoder has read, then think."""

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_ff: int,
        dropout: float = 0.0,
        shortcut: Callable[..., nn.Module] = PreNorm,
        bias: bool = False,
        activation: Callable[[Tensor], Tensor] = functional.relu,
    ):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, n_heads, bias)
        self.cross_attention = MultiHeadAttention(d_model, n_heads, bias)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.around_self_attention = shortcut(d_model, dropout)
        self.around_cross_attention = shortcut(d_model, dropout)
        self.around_feed_forward = shortcut(d_model, dropout)

    def forward(
        self, x: Tensor, memory: Tensor, mask: Tensor | None = None, memory_mask: Tensor | None = None
    ) -> Tensor:
        """x: (batch, position, d_model), what is written so far    memory: (batch, key, d_model), what was read

        mask: broadcastable to (batch, heads, position, position), for self-attention
        memory_mask: broadcastable to (batch, heads, position, key), for cross-attention

        Returns x's shape. Gradients reach x and memory.
        """
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


class Encoder(nn.Module):
    """Blocks on top of each other. Blocks with PreNorm need a `norm` at the end; blocks with PostNorm need none."""

    def __init__(self, blocks: Sequence[nn.Module], norm: nn.Module | None = None):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = norm or nn.Identity()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: (batch, position, d_model)    mask: broadcastable to (batch, heads, query, key)    Returns x's shape."""
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)


class Decoder(nn.Module):
    """Decoder blocks on top of each other; all of them look at the same memory."""

    def __init__(self, blocks: Sequence[nn.Module], norm: nn.Module | None = None):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = norm or nn.Identity()

    def forward(
        self, x: Tensor, memory: Tensor, mask: Tensor | None = None, memory_mask: Tensor | None = None
    ) -> Tensor:
        """x: (batch, position, d_model)    memory: (batch, key, d_model)    masks as in DecoderBlock"""
        for block in self.blocks:
            x = block(x, memory, mask, memory_mask)
        return self.norm(x)


class TransformerParts(nn.Module):
    """What a Transformer is made of; `Transformer` says how the parts work together.

    The logits compare what the decoder found with the embedding of every word: words that are read and words that are
    written share their vectors (Press and Wolf 2017; section 3.4). Give the same embedding twice for a vocabulary that
    both languages share.
    """

    def __init__(
        self,
        source_embedding: nn.Embedding,
        target_embedding: nn.Embedding,
        encoder: nn.Module,
        decoder: nn.Module,
        dropout: float = 0.0,
    ):
        super().__init__()
        d_model = target_embedding.embedding_dim
        if source_embedding.embedding_dim != d_model:
            raise ValueError(f"source vectors of {source_embedding.embedding_dim} numbers, target vectors of {d_model}")
        self.source_embedding, self.target_embedding = source_embedding, target_embedding
        self.encoder, self.decoder = encoder, decoder
        self.positions = SinusoidalPositions(d_model)
        self.dropout = nn.Dropout(dropout)
        self.bias = nn.Parameter(torch.zeros(target_embedding.num_embeddings))
        self.scale = math.sqrt(d_model)  # embeddings have length about 1; with it their numbers are as large as sines

    def embed_source(self, ids: Tensor) -> Tensor:
        """Source ids (batch, key) to x (batch, key, d_model): vectors times √d_model, positions added."""
        return self.dropout(self.positions(self.source_embedding(ids) * self.scale))

    def embed(self, ids: Tensor, start: int = 0) -> Tensor:
        """Target ids (batch, position) to x (batch, position, d_model); `start` is the position of the first."""
        return self.dropout(self.positions(self.target_embedding(ids) * self.scale, start))

    def logits(self, x: Tensor) -> Tensor:
        """x: (..., d_model). Returns a score for every word, (..., vocab)."""
        return functional.linear(x, self.target_embedding.weight, self.bias)

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        """The mean surprise over the real targets, in nats; padding does not count."""
        logits = self(batch.source, batch.source_mask, batch.inputs).flatten(0, 1)
        targets = batch.targets.masked_fill(~batch.mask, IGNORED).flatten()
        return functional.cross_entropy(logits, targets, ignore_index=IGNORED, label_smoothing=smoothing)


class Transformer(TransformerParts):
    """An encoder that reads and a decoder that writes: ids in, a score for every word of the target out (section 3).

    A source mask is (batch, key), True on real tokens, as in `lib.batching.Batch`. Gradients flow from the logits back
    to both embeddings.
    """

    def encode(self, source: Tensor, source_mask: Tensor) -> Tensor:
        """source, source_mask: (batch, key). Returns the memory (batch, key, d_model)."""
        return self.encoder(self.embed_source(source), source_mask[:, None, None, :])

    def decode(self, inputs: Tensor, memory: Tensor, source_mask: Tensor) -> Tensor:
        """inputs: (batch, position), <SOS> first    memory: (batch, key, d_model)    source_mask: (batch, key)

        Returns logits (batch, position, vocab): at each position for the word after it.
        """
        looking_back = causal_mask(inputs.shape[1]).to(inputs.device)
        x = self.decoder(self.embed(inputs), memory, looking_back, source_mask[:, None, None, :])
        return self.logits(x)

    def forward(self, source: Tensor, source_mask: Tensor, inputs: Tensor) -> Tensor:
        """source, source_mask: (batch, key)    inputs: (batch, position). Returns logits (batch, position, vocab)."""
        return self.decode(inputs, self.encode(source, source_mask), source_mask)


def next_word_step(model: Transformer, ids: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple, None]:
    """Let a Transformer write one word more; the decoder goes over all words again, as without a cache it must.

    ids: (batch,), the word before    state: (written, memory, source_mask), the first (batch, position), before `ids`

    Returns logits (batch, vocab), the next state (`ids` now the last column of `written`, the rest equal to what was
    given), and None: it fits `lib.seq2seq.greedy_translate`. At the start `written` is (batch, 0).
    """
    written, memory, source_mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    logits = model.decode(written, memory, source_mask)[:, -1]
    return logits, (written, memory, source_mask), None


@torch.no_grad()
def cross_attention_weights(model: Transformer, batch: Batch) -> Tensor:
    """Where the decoder looks while it is told what to write: (block, batch, heads, position, key).

    Row j is the look before word j of the targets is written.
    """
    layers = [block.cross_attention for block in model.decoder.blocks]
    with keeping_weights(layers):
        model(batch.source, batch.source_mask, batch.inputs)
        return torch.stack([layer.weights for layer in layers])


def parameter_counts(vocab: int, d_model: int, d_ff: int, n_blocks: int) -> dict[str, int]:
    """How many parameters an encoder-decoder has, by part: one embedding table shared by both sides and the output.

    Attention matrices have no biases, the feed-forward has, each norm has scale and shift; no norms at the end and no
    learned positions: the model of Vaswani et al. 2017. The number of heads does not matter.

    Returns {"embedding": ..., "encoder": ..., "decoder": ...}, the stacks with all their blocks.
    """
    attention = 4 * d_model**2
    feed_forward = 2 * d_model * d_ff + d_ff + d_model
    norm = 2 * d_model
    return {
        "embedding": vocab * d_model,
        "encoder": n_blocks * (attention + feed_forward + 2 * norm),
        "decoder": n_blocks * (2 * attention + feed_forward + 3 * norm),
    }
