"""Llama: the decoder of today, a GPT with four parts exchanged (Touvron et al. 2023).

    LlamaBlock    attention and feed-forward on the residual stream, each after an RMSNorm    notebook 14
    Llama         embedding, blocks that look back only, an output that may share the embedding's table

What is exchanged: LayerNorm for RMSNorm, learned positions for rotary ones, the feed-forward for SwiGLU, as many key
and value heads as queries for fewer (grouped queries); there are no biases, and no dropout. Llama 3 and SmolLM2 are
built so and, with a window, Mistral (Jiang et al. 2023).
Shapes are written (batch, position, d_model). `ids` are (batch, position), int64.
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from lib.attention import GroupedQueryAttention, sliding_window_mask
from lib.cache import KeyValueCache, prefill_mask
from lib.fused import tied_loss
from lib.layers import RMSNorm, SwiGLU
from lib.positions import FusedRotaryPositions


class LlamaBlock(nn.Module):
    """Look back, then think; each on what a norm leaves of x, with a shortcut around it.

    n_kv_heads, d_head, rotate: as in GroupedQueryAttention    epsilon: of both norms
    Published weights are loaded into its four parts by their names: `attention_norm` and `attention`,
    `feed_forward_norm` and `feed_forward`.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_ff: int,
        n_kv_heads: int | None = None,
        d_head: int | None = None,
        rotate: Callable[[Tensor, int], Tensor] | None = None,
        epsilon: float = 1e-5,
    ):
        super().__init__()
        self.attention_norm = RMSNorm(d_model, epsilon)
        self.attention = GroupedQueryAttention(d_model, n_heads, n_kv_heads, d_head, rotate=rotate, causal=True)
        self.feed_forward_norm = RMSNorm(d_model, epsilon)
        self.feed_forward = SwiGLU(d_model, d_ff)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: KeyValueCache | None = None) -> Tensor:
        """x: (batch, position, d_model)    mask, cache: as in GroupedQueryAttention    Returns x's shape.

        Without a mask each position sees itself and all before it, those in the cache too. Gradients reach x, which
        stays as it is.
        """
        x = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Llama(nn.Module):
    """What comes next? Ids in, logits out, with a cache or without.

    n_kv_heads: heads of keys and values in each block, n_heads if None    d_head: d_model / n_heads if None
    rope_base: the base of the rotary angles    tied: the output is the embedding's table    epsilon: of the norms
    window: how many positions each one sees, itself included; None: all before it. The caches keep all of them.
    n_positions: what the caches of `fresh_caches` have room for. No parameter depends on it: rotary positions go on.
    block, norm, rotary, cache: what it is made of, for those who have pieces of their own (notebook 14)
    feed_forward: makes, of d_model and d_ff, what stands in place of each SwiGLU; `lib.experts` has Mixtral's

    Raises what GroupedQueryAttention and RotaryPositions raise, and ValueError when the window is below 1.
    """

    def __init__(
        self,
        vocab: int,
        d_model: int,
        n_heads: int,
        n_layers: int,
        d_ff: int,
        n_kv_heads: int | None = None,
        d_head: int | None = None,
        rope_base: float = 10_000.0,
        tied: bool = True,
        window: int | None = None,
        epsilon: float = 1e-5,
        n_positions: int = 2_048,
        block: Callable[..., nn.Module] = LlamaBlock,
        norm: Callable[[int, float], nn.Module] = RMSNorm,
        rotary: Callable[[int, float], Callable] = FusedRotaryPositions,
        cache: Callable[..., KeyValueCache] = KeyValueCache,
        feed_forward: Callable[[int, int], nn.Module] | None = None,
    ):
        super().__init__()
        if window is not None and window < 1:
            raise ValueError(f"window={window}: a position sees itself at least")
        self.window, self.n_positions, self.new_cache = window, n_positions, cache
        self.embedding = nn.Embedding(vocab, d_model)
        rotate = rotary(d_head or d_model // n_heads, rope_base)
        sizes = d_model, n_heads, d_ff, n_kv_heads, d_head
        self.blocks = nn.ModuleList(block(*sizes, rotate, epsilon) for _ in range(n_layers))
        if feed_forward is not None:
            for made in self.blocks:
                made.feed_forward = feed_forward(d_model, d_ff)
        self.norm = norm(d_model, epsilon)
        self.head = nn.Linear(d_model, vocab, bias=False)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(
        self, ids: Tensor, caches: Sequence[KeyValueCache] | None = None, empty: Tensor | None = None
    ) -> Tensor:
        """ids (batch, position) to logits (batch, position, vocab): at each position for the token after it.

        caches: one a block, of n_kv_heads each; the ids come after what they hold, and are added to them
        empty: (batch,), the columns of padding at the left of each row, the same in every call: nobody sees them
        """
        return self.logits(self._through_blocks(ids, caches, empty))

    def read_on(self, ids: Tensor, caches: Sequence[KeyValueCache], empty: Tensor | None = None) -> Tensor:
        """As `forward`, but the logits of what comes next only (batch, vocab)."""
        return self.logits(self._through_blocks(ids, caches, empty)[:, -1])

    def fresh_caches(self, batch: int) -> list[KeyValueCache]:
        """Empty caches for n_positions, one a block."""
        layer, like = self.blocks[0].attention, self.embedding.weight
        sizes = batch, layer.n_kv_heads, self.n_positions, layer.d_head
        return [self.new_cache(*sizes, like=like) for _ in self.blocks]

    def logits(self, x: Tensor) -> Tensor:
        """x (..., d_model), as the last block leaves it, to (..., vocab)."""
        return self.head(self.norm(x))

    def loss(self, ids: Tensor) -> Tensor:
        """`lib.gpt.gpt_loss` of this model, without ever holding the logits of all positions at once."""
        x = self.norm(self._through_blocks(ids[:, :-1]))
        return tied_loss(x.flatten(0, 1), self.head.weight, ids[:, 1:].flatten())

    def _through_blocks(self, ids: Tensor, caches=None, empty: Tensor | None = None) -> Tensor:
        caches = [None] * len(self.blocks) if caches is None else caches
        mask = self._mask(ids.shape[1], caches[0].length if caches[0] else 0, empty)
        mask = mask if mask is None else mask.to(ids.device)
        # subtle: rotary attention knows distances only, so columns serve as positions whatever the padding before them
        x = self.embedding(ids)
        for block, cache in zip(self.blocks, caches, strict=True):
            x = block(x, mask, cache)
        return x

    def _mask(self, new: int, before: int, empty: Tensor | None) -> Tensor | None:
        """None where nothing has to be hidden but the future of a text that is read from its beginning."""
        narrow = self.window is not None and before + new > self.window
        if empty is None and not narrow and (new == 1 or before == 0):
            return None
        mask = prefill_mask(new, before, empty)
        return mask & sliding_window_mask(new, before, self.window) if narrow else mask
