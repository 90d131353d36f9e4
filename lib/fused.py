"""The same Transformer with fewer and larger steps: weights trained with one fit the other, only the time differs.

    self_attention, cross_attention    a MultiHeadAttention with one product for its projections
    causal_attention                   looking back only, and its gradients, so many queries at a time
    FusedEncoderBlock, FusedDecoderBlock    blocks that use them: those of FusedGPT and FusedTransformer
    FusedTransformer                   no mask where there is no padding, no logits of padding
    tied_loss                          logits, cross-entropy and their gradients, so many rows at a time

What it saves: three small products become one; where all look back only, the half that nobody may see is left out of
the products; a mask that hides nothing is not applied; logits are never held in three copies.
"""

import math

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from lib.attention import MultiHeadAttention, causal_mask, join_heads, split_heads
from lib.batching import Batch
from lib.layers import FusedLayerNorm, FusedPreNorm
from lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock, Transformer


def self_attention(layer: MultiHeadAttention, x: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """What `layer` gives for x (batch, position, d_model). causal: all look back only, and `mask` is not read."""
    if layer.keep_weights:
        return layer(x, mask=causal_mask(x.shape[1]).to(x.device) if causal else mask)
    packed = _project(x, layer.to_q, layer.to_k, layer.to_v)
    if causal:
        return layer.to_out(causal_attention(packed, layer.n_heads))
    q, k, v = (split_heads(part, layer.n_heads) for part in packed.chunk(3, dim=-1))
    return layer.to_out(join_heads(functional.scaled_dot_product_attention(q, k, v, mask)))


def cross_attention(layer: MultiHeadAttention, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
    """What `layer` gives for x (batch, query, d_model) that looks at memory (batch, key, d_model)."""
    if layer.keep_weights:
        return layer(x, memory, mask)
    q = split_heads(layer.to_q(x), layer.n_heads)
    packed = _project(memory, layer.to_k, layer.to_v)
    k, v = (split_heads(part, layer.n_heads) for part in packed.chunk(2, dim=-1))
    return layer.to_out(join_heads(functional.scaled_dot_product_attention(q, k, v, mask)))


def _project(x: Tensor, *layers: nn.Linear) -> Tensor:
    """x through several linear layers in a single product, side by side (batch, position, all their outputs)."""
    biases = [layer.bias for layer in layers]
    bias = None if biases[0] is None else torch.cat(biases)
    return functional.linear(x, torch.cat([layer.weight for layer in layers]), bias)


def causal_attention(packed: Tensor, n_heads: int) -> Tensor:
    """Every position looks at itself and back: q, k and v side by side (batch, position, 3 d_model) to (.., d_model).

    For training on a CPU the scores are made for so many queries at a time, with the keys up to the last of them: what
    nobody may see costs nothing but the corner over the diagonal. They are kept for the gradients, half a square of
    them per head. Under 128 positions that gains nothing, over 1,024 it takes much memory: there, and wherever nothing
    is trained, PyTorch's kernel does it.
    """
    in_strips = packed.requires_grad and packed.device.type == "cpu"
    if in_strips and _CausalAttention.SHORTEST <= packed.shape[1] <= _CausalAttention.LONGEST:
        return _CausalAttention.apply(packed, n_heads)
    q, k, v = (split_heads(part, n_heads) for part in packed.chunk(3, dim=-1))
    return join_heads(functional.scaled_dot_product_attention(q, k, v, is_causal=True))


class _CausalAttention(torch.autograd.Function):
    """Heads and sentences are rows of one batch here: (batch * head, position, d_k)."""

    QUERIES, SHORTEST, LONGEST = 48, 128, 1024

    @staticmethod
    def forward(context, packed: Tensor, n_heads: int) -> Tensor:
        batch, length, width = packed.shape
        shape = batch, length, n_heads, width // 3 // n_heads
        qkv = packed.new_empty(3, batch * n_heads, length, shape[-1])
        heads = packed.unflatten(-1, (3, *shape[2:])).permute(2, 0, 3, 1, 4)
        qkv.view(heads.shape).copy_(heads)
        q, k, v = qkv.unbind()
        q *= shape[-1] ** -0.5
        corner = q.new_full((_CausalAttention.QUERIES, _CausalAttention.QUERIES), -math.inf).triu_(1)
        mixed, strips = q.new_empty(shape), []
        for start in range(0, length, _CausalAttention.QUERIES):
            end = min(length, start + _CausalAttention.QUERIES)
            weights = torch.bmm(q[:, start:end], k[:, :end].transpose(1, 2))
            weights[:, :, start:] += corner[: end - start, : end - start]
            torch.softmax(weights, dim=-1, out=weights)
            strip = torch.bmm(weights, v[:, :end])
            mixed[:, start:end] = strip.view(batch, n_heads, end - start, -1).transpose(1, 2)
            strips.append(weights)
        context.save_for_backward(qkv, *strips)
        return mixed.flatten(2)

    @staticmethod
    @once_differentiable
    def backward(context, upstream: Tensor):
        qkv, *strips = context.saved_tensors
        q, k, v = qkv.unbind()
        batch, (rows, length, d_k) = len(upstream), q.shape
        upstream = split_heads(upstream, rows // batch).reshape(q.shape)
        for_q, for_k, for_v = for_qkv = torch.empty_like(qkv)
        end = length
        for weights in reversed(strips):
            start = end - weights.shape[1]
            for_mixed = upstream[:, start:end]
            for_scores = torch.bmm(for_mixed, v[:, :end].transpose(1, 2))
            # softmax: what a weight is wanted more than the average of its row, times the weight (notebook 04)
            torch._softmax_backward_data(for_scores, weights, -1, weights.dtype, grad_input=for_scores)
            for_q[:, start:end] = torch.bmm(for_scores, k[:, :end])
            if end == length:  # the last strip looks at all keys
                torch.bmm(for_scores.transpose(1, 2), q[:, start:], out=for_k)
                torch.bmm(weights.transpose(1, 2), for_mixed, out=for_v)
            else:
                for_k[:, :end] += torch.bmm(for_scores.transpose(1, 2), q[:, start:end])
                for_v[:, :end] += torch.bmm(weights.transpose(1, 2), for_mixed)
            end = start
        for_q *= d_k**-0.5
        return for_qkv.view(3, batch, -1, length, d_k).permute(1, 3, 0, 2, 4).flatten(2), None


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

    @classmethod
    def stacked(
        cls,
        source_embedding: nn.Embedding,
        target_embedding: nn.Embedding,
        n_heads: int,
        d_ff: int,
        n_blocks: tuple[int, int],
        dropout: float = 0.0,
    ) -> "FusedTransformer":
        """Blocks of one size between two embeddings, perhaps the same. n_blocks: of the encoder and of the decoder."""
        d_model = target_embedding.embedding_dim
        sizes = d_model, n_heads, d_ff, dropout
        encoder = Encoder([FusedEncoderBlock(*sizes) for _ in range(n_blocks[0])], FusedLayerNorm(d_model))
        decoder = Decoder([FusedDecoderBlock(*sizes) for _ in range(n_blocks[1])], FusedLayerNorm(d_model))
        return cls(source_embedding, target_embedding, encoder, decoder, dropout)

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
