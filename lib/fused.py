"""The same Transformer with fewer and larger steps: weights trained with one fit the other, only the time differs.

    self_attention, cross_attention    a MultiHeadAttention with one product for its projections
    FusedEncoderBlock, FusedDecoderBlock    blocks that use them: those of FusedGPT and FusedTransformer
    FusedTransformer                   no mask where there is no padding, no logits of padding
    tied_loss                          logits, cross-entropy and their gradients, so many rows at a time

What it saves: three small products become one; a decoder looks back by the kernel's own causal rule, which leaves out
the half that nobody may see; a mask that hides nothing is not applied; logits are never held in three copies.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from lib.attention import MultiHeadAttention, causal_mask, join_heads, split_heads
from lib.batching import Batch
from lib.layers import FusedPreNorm
from lib.transformer import DecoderBlock, EncoderBlock, Transformer


def self_attention(layer: MultiHeadAttention, x: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """What `layer` gives for x (batch, position, d_model). causal: all look back only, and `mask` is not read."""
    if layer.keep_weights:
        return layer(x, mask=causal_mask(x.shape[1]).to(x.device) if causal else mask)
    q, k, v = (split_heads(part, layer.n_heads) for part in _project(x, layer.to_q, layer.to_k, layer.to_v))
    mask = None if causal else mask
    return layer.to_out(join_heads(functional.scaled_dot_product_attention(q, k, v, mask, is_causal=causal)))


def cross_attention(layer: MultiHeadAttention, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
    """What `layer` gives for x (batch, query, d_model) that looks at memory (batch, key, d_model)."""
    if layer.keep_weights:
        return layer(x, memory, mask)
    q = split_heads(layer.to_q(x), layer.n_heads)
    k, v = (split_heads(part, layer.n_heads) for part in _project(memory, layer.to_k, layer.to_v))
    return layer.to_out(join_heads(functional.scaled_dot_product_attention(q, k, v, mask)))


def _project(x: Tensor, *layers: nn.Linear) -> tuple[Tensor, ...]:
    """x through several linear layers of one size in a single product."""
    biases = [layer.bias for layer in layers]
    bias = None if biases[0] is None else torch.cat(biases)
    return functional.linear(x, torch.cat([layer.weight for layer in layers]), bias).chunk(len(layers), dim=-1)


class FusedEncoderBlock(EncoderBlock):
    """An EncoderBlock. causal: it always looks back only, as in a GPT."""

    def __init__(self, *sizes, causal: bool = False, shortcut=FusedPreNorm, **named):
        super().__init__(*sizes, shortcut=shortcut, **named)
        self.causal = causal

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """As in EncoderBlock; if causal, `mask` is causal_mask(position) or None, and its numbers are not read."""
        if self.causal:
            _check_causal(mask, x.shape[1])
        x = self.around_attention(x, lambda y: self_attention(self.attention, y, mask, self.causal))
        return self.around_feed_forward(x, self.feed_forward)


class FusedDecoderBlock(DecoderBlock):
    """A DecoderBlock whose self-attention always looks back only."""

    def __init__(self, *sizes, shortcut=FusedPreNorm, **named):
        super().__init__(*sizes, shortcut=shortcut, **named)

    def forward(
        self, x: Tensor, memory: Tensor, mask: Tensor | None = None, memory_mask: Tensor | None = None
    ) -> Tensor:
        """As in DecoderBlock, but `mask` is causal_mask(position) or None: its numbers are not read."""
        _check_causal(mask, x.shape[1])
        x = self.around_self_attention(x, lambda y: self_attention(self.self_attention, y, causal=True))
        x = self.around_cross_attention(x, lambda y: cross_attention(self.cross_attention, y, memory, memory_mask))
        return self.around_feed_forward(x, self.feed_forward)


def _check_causal(mask: Tensor | None, length: int) -> None:
    if mask is not None and mask.shape != (length, length):
        raise ValueError(f"a mask of shape {tuple(mask.shape)} is no causal mask of {length} positions")


class FusedTransformer(Transformer):
    """A Transformer of fused blocks. A source without padding is read without a mask."""

    def encode(self, source: Tensor, source_mask: Tensor) -> Tensor:
        return self.encoder(self.embed_source(source), _hiding(source_mask))

    def decode(self, inputs: Tensor, memory: Tensor, source_mask: Tensor) -> Tensor:
        return self.logits(self._written(inputs, memory, source_mask))

    def _written(self, inputs: Tensor, memory: Tensor, source_mask: Tensor) -> Tensor:
        return self.decoder(self.embed(inputs), memory, None, _hiding(source_mask))

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        """As in Transformer, but padding gets no logits at all."""
        x = self._written(batch.inputs, self.encode(batch.source, batch.source_mask), batch.source_mask)
        real = batch.mask.flatten().nonzero().squeeze(1)  # places of the targets that count
        x, targets = x.flatten(0, 1), batch.targets.flatten()
        if len(real) < len(targets):
            x, targets = x.index_select(0, real), targets[real]
        return tied_loss(x, self.target_embedding.weight, targets, self.bias, smoothing)


def _hiding(mask: Tensor) -> Tensor | None:
    """mask (batch, key) for all heads and queries; None where it hides nothing."""
    return None if mask.all() else mask[:, None, None, :]


def tied_loss(x: Tensor, table: Tensor, targets: Tensor, bias: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """The mean cross-entropy of x @ table.T + bias, in nats, as `functional.cross_entropy` counts it.

    x: (n, d_model)    table: (vocab, d_model)    targets: (n,), ids    bias: (vocab,)
    smoothing: as in `lib.training.recipes.label_smoothed_loss`

    Its gradients are made along with it, for so many rows at a time that their logits stay in the cache. They are
    those of softmax and cross-entropy together: what is predicted minus what is right.
    """
    learning = torch.is_grad_enabled() and (x.requires_grad or table.requires_grad)
    return _TiedLoss.apply(x, table, targets, bias, smoothing, learning)


class _TiedLoss(torch.autograd.Function):
    NUMBERS, LEAST_ROWS = 2**21, 512  # of logits at a time; fewer rows would read a large table too often

    @staticmethod
    def forward(
        context, x: Tensor, table: Tensor, targets: Tensor, bias: Tensor | None, smoothing: float, learning: bool
    ) -> Tensor:
        vocab, n = len(table), len(x)
        rows = min(n, max(_TiedLoss.NUMBERS // vocab, _TiedLoss.LEAST_ROWS))
        total, buffer = x.new_zeros(()), x.new_empty(rows, vocab)
        if learning:
            for_x, for_table = torch.empty_like(x), torch.empty_like(table)
            for_bias = None if bias is None else torch.zeros_like(bias)
        for start in range(0, n, rows):
            part, right = x[start : start + rows], targets[start : start + rows, None]
            chances = torch.mm(part, table.T, out=buffer[: len(part)])
            if bias is not None:
                chances += bias
            chances -= chances.amax(dim=1, keepdim=True)
            total -= (1 - smoothing) * chances.gather(1, right).sum()
            if smoothing:
                total -= smoothing * chances.mean(dim=1).sum()
            sums = chances.exp_().sum(dim=1, keepdim=True)
            total += sums.log().sum()
            if learning:
                chances *= 1 / (n * sums)
                chances.scatter_add_(1, right, torch.full_like(sums, (smoothing - 1) / n))
                if smoothing:
                    chances -= smoothing / (n * vocab)
                torch.mm(chances, table, out=for_x[start : start + rows])
                for_table.addmm_(chances.T, part, beta=float(start > 0))
                if bias is not None:
                    for_bias += chances.sum(dim=0)
        if learning:
            context.save_for_backward(for_x, for_table, for_bias)
        return total / n

    @staticmethod
    def backward(context, upstream: Tensor):
        scale = upstream.item()
        for_x, for_table, for_bias = (
            part if part is None or scale == 1 else part * scale for part in context.saved_tensors
        )
        return for_x, for_table, None, for_bias, None, None
