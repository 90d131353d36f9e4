"""The same Transformer in larger steps: weights trained with one fit the other, only the time differs.

    FusedEncoderBlock, FusedDecoderBlock    blocks with fused norms, in which all look back only without a mask
    FusedTransformer                        no mask where there is no padding, no logits of padding
    tied_loss                               logits, cross-entropy and their gradients, so many rows at a time

What it saves: where all look back only, PyTorch's kernel leaves out the half that nobody may see (a whole training step
of a GPT takes 0.91 to 0.98 of the time with a mask); a mask that hides nothing is not applied; logits are never held in
three copies (fused linear cross-entropy).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lib.attention import GroupedQueryAttention
from lib.batching import Batch
from lib.layers import FusedLayerNorm, FusedPreNorm
from lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock, Transformer


class FusedEncoderBlock(EncoderBlock):
    """An EncoderBlock with fused norms. causal: all look back only where no mask is given, as in a GPT."""

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        *sizes,
        causal: bool = False,
        shortcut: Callable[..., nn.Module] = FusedPreNorm,
        bias: bool = False,
        **named,
    ):
        super().__init__(d_model, n_heads, *sizes, shortcut=shortcut, bias=bias, **named)
        if causal:
            self.attention = GroupedQueryAttention(d_model, n_heads, bias=bias, causal=True)


class FusedDecoderBlock(DecoderBlock):
    """A DecoderBlock with fused norms, whose self-attention looks back only where no mask is given."""

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        *sizes,
        shortcut: Callable[..., nn.Module] = FusedPreNorm,
        bias: bool = False,
        **named,
    ):
        super().__init__(d_model, n_heads, *sizes, shortcut=shortcut, bias=bias, **named)
        self.self_attention = GroupedQueryAttention(d_model, n_heads, bias=bias, causal=True)


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
