"""The Transformer's blocks and stacks (Vaswani et al. 2017, figure 1), from attention, feed-forward, norm and shortcut.

    EncoderBlock, DecoderBlock    one floor of the building                                 notebook 07
    Encoder, Decoder              floors on top of each other                               notebooks 07, 09
    parameter_counts              the parameters of a whole model, by part, from its sizes  notebook 07

`x` is the residual stream (batch, position, d_model). A mask is True where looking is allowed. `shortcut` is PreNorm
(the default) or PostNorm. Stacks are given their blocks, so they hold anybody's: the course's or the learner's.
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional

from lib.attention import MultiHeadAttention
from lib.layers import FeedForward, PreNorm


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

        Returns x's shape.
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
