"""The key-value cache: what was computed for earlier positions is kept, so that a new token costs one position.

    KeyValueCache       the keys and values of one attention layer, and the rows that follow a reordering    notebook 13
    cached_attention    self-attention of new positions, the earlier ones taken from a cache                 notebook 13
    cached_block        a whole block with a cache
    prefill_mask        who may look where when several new positions come after cached ones                 notebook 13
    pad_left            prompts of unequal length as one batch whose newest tokens stand in one column       notebook 13
    fit_context         what a model still sees of a text that has become too long for it                    notebook 13
    cache_bytes         the memory that keys and values take                                                 notebook 13
    forward_multiplications, generation_multiplications    the work, with a cache and without               notebook 13

Shapes are written (batch, heads, position, d_head).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lib.attention import MultiHeadAttention, join_heads, split_heads
from lib.transformer import EncoderBlock


class KeyValueCache:
    """Keys and values of the positions seen so far, in one buffer each, made once for `capacity` positions."""

    def __init__(self, batch: int, n_heads: int, capacity: int, d_head: int, like: Tensor | None = None):
        """`like`: a tensor whose dtype and device the buffers get; None: float32 on the CPU."""
        made = torch.empty(0) if like is None else like
        self.keys = made.new_empty(batch, n_heads, capacity, d_head)
        self.values = made.new_empty(batch, n_heads, capacity, d_head)
        self.length = 0  # positions 0 to length - 1 count; who sets it to 0 empties the cache

    @property
    def capacity(self) -> int:
        return self.keys.shape[2]

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add new positions (batch, heads, new, d_head) after the old; return all keys and values so far.

        Raises ValueError, and changes nothing, when there are more of them than the capacity has room for. Nothing else
        is looked at.
        """
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise ValueError(f"position {end - 1} does not fit into a cache of {self.capacity} positions")
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def reorder(self, rows: Tensor) -> None:
        """Row i goes on from what row `rows[i]` has seen, as beams do; there may be fewer or more rows than before."""
        self.keys, self.values = self.keys[rows], self.values[rows]


def cached_attention(layer: MultiHeadAttention, x: Tensor, cache: KeyValueCache, mask: Tensor | None = None) -> Tensor:
    """What `layer` gives at the new positions of a text, the earlier ones being in the cache. Extends the cache.

    x: (batch, new, d_model), new positions only
    mask: broadcastable to (batch, heads, new, all positions so far), or None: nothing is hidden

    Returns (batch, new, d_model). Raises what `cache.extend` raises when the new positions do not fit.
    """
    q = split_heads(layer.to_q(x), layer.n_heads)
    k = split_heads(layer.to_k(x), layer.n_heads)
    v = split_heads(layer.to_v(x), layer.n_heads)
    keys, values = cache.extend(k, v)
    return layer.to_out(join_heads(layer.attend(q, keys, values, mask)))


def cached_block(block: EncoderBlock, x: Tensor, cache: KeyValueCache, mask: Tensor | None = None) -> Tensor:
    """The block as it is; only where its keys and values come from changes. Shapes as in `cached_attention`."""
    mask = mask if mask is None else mask.to(x.device)
    x = block.around_attention(x, lambda y: cached_attention(block.attention, y, cache, mask))
    return block.around_feed_forward(x, block.feed_forward)


def prefill_mask(new: int, before: int = 0, empty: Tensor | None = None) -> Tensor:
    """Each new position sees everything before it and itself. Shape (new, before + new), bool, True: may look.

    empty: (batch,), how many columns at the left of each row are padding, which nobody may see; then the shape is
    (batch, 1, new, before + new), for any heads, and what is padding itself sees nothing
    """
    mask = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    if empty is None:
        return mask
    real = torch.arange(before + new) >= empty[:, None]  # (batch, key)
    return mask & real[:, None, None, :]


def pad_left(prompts: Sequence[Sequence[int]], padding: int = 0) -> tuple[Tensor, Tensor]:
    """Prompts of unequal length as one batch. The padding stands at the left, so that all of them end in one column.

    prompts: lists of ids, at least one

    Returns ids (batch, longest) and how many columns of each row are padding (batch,), both int64.
    """
    longest = max(len(prompt) for prompt in prompts)
    empty = [longest - len(prompt) for prompt in prompts]
    rows = [[padding] * count + list(prompt) for count, prompt in zip(empty, prompts, strict=True)]
    return torch.tensor(rows, dtype=torch.long), torch.tensor(empty)


def fit_context(ids: Sequence[int], n_positions: int) -> Sequence[int]:
    """What a model with so many positions sees of a text: all that fits; of a longer one the end, cut in large steps.

    The beginning is given up by n_positions // 2 tokens at a time, as often as needed and no oftener. Between two cuts
    the text begins where it did, so that cached keys and values keep their positions and stay right.

    Raises ValueError when n_positions is below 2.
    """
    if n_positions < 2:
        raise ValueError(f"n_positions={n_positions} has no half to give up")
    too_many, step = max(0, len(ids) - n_positions), n_positions // 2
    cuts = -(-too_many // step)  # rounded up
    return ids[cuts * step :]


def cache_bytes(batch: int, positions: int, n_layers: int, n_heads: int, d_head: int, bytes_each: int = 4) -> int:
    """The memory of all caches: a key and a value for each row, position, layer and head. float32 has 4 bytes."""
    return 2 * batch * positions * n_layers * n_heads * d_head * bytes_each


def forward_multiplications(new: int, before: int, d_model: int, n_layers: int, vocab: int = 0) -> int:
    """Multiplications of a GPT that reads `new` tokens when the keys and values of `before` earlier ones are there.

    In each block 4 matrices d_model x d_model for attention and two of d_model x 4 d_model, for every new position;
    d_model for every pair of a new position with one it is compared with, and d_model more to mix its value. All new
    pairs are counted, also those that the mask hides: they are computed too. The output, d_model x vocab, is needed at
    the last position only. The embedding is looked up, norms and biases are left out.
    """
    matrices = 12 * d_model**2 * new
    pairs = 2 * d_model * new * (before + new)
    return n_layers * (matrices + pairs) + d_model * vocab


def generation_multiplications(
    prompt: int, new: int, d_model: int, n_layers: int, vocab: int = 0, cached: bool = True
) -> int:
    """Multiplications for writing `new` tokens after a prompt: the first comes with reading the prompt."""
    if not cached:
        return sum(forward_multiplications(prompt + i, 0, d_model, n_layers, vocab) for i in range(new))
    steps = sum(forward_multiplications(1, prompt + i, d_model, n_layers, vocab) for i in range(new - 1))
    return forward_multiplications(prompt, 0, d_model, n_layers, vocab) + steps
