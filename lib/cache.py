"""The key-value cache: what was computed for earlier positions is kept, so that a new token costs one position.

    KeyValueCache       the keys and values of one attention layer, and the rows that follow a reordering    notebook 13
    cached_attention    self-attention of new positions, the earlier ones taken from a cache                 notebook 13
    prefill_mask        who may look where when several new positions come after cached ones                 notebook 13

A block runs as it is; only where its keys and values come from changes:

    x = block.around_attention(x, lambda y: cached_attention(block.attention, y, cache))

Shapes are written (batch, heads, position, d_head).
"""

import torch
from torch import Tensor

from lib.attention import MultiHeadAttention, join_heads, split_heads


class KeyValueCache:
    """Keys and values of the positions seen so far, in one buffer each, made once for `capacity` positions."""

    def __init__(self, batch: int, n_heads: int, capacity: int, d_head: int, like: Tensor | None = None):
        """`like`: a tensor whose dtype and device the buffers get; None: float32 on the CPU."""
        made = torch.empty(0) if like is None else like
        self.keys = made.new_empty(batch, n_heads, capacity, d_head)
        self.values = made.new_empty(batch, n_heads, capacity, d_head)
        self.length = 0

    @property
    def capacity(self) -> int:
        return self.keys.shape[2]

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add new positions (batch, heads, new, d_head) behind the old; return all keys and values so far.

        Raises ValueError when they do not fit.
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
        seen = slice(0, self.length)
        if len(rows) != len(self.keys):
            self.keys, self.values = self.keys[rows], self.values[rows]
        else:
            self.keys[:, :, seen] = self.keys[rows, :, seen]
            self.values[:, :, seen] = self.values[rows, :, seen]


def cached_attention(layer: MultiHeadAttention, x: Tensor, cache: KeyValueCache, mask: Tensor | None = None) -> Tensor:
    """What `layer` gives at the new positions of a text, the earlier ones being in the cache. Extends the cache.

    x: (batch, new, d_model), new positions only
    mask: broadcastable to (batch, heads, new, all positions so far); None for a single new position

    Returns (batch, new, d_model).
    """
    q = split_heads(layer.to_q(x), layer.n_heads)
    k = split_heads(layer.to_k(x), layer.n_heads)
    v = split_heads(layer.to_v(x), layer.n_heads)
    keys, values = cache.extend(k, v)
    return layer.to_out(join_heads(layer.attend(q, keys, values, mask)))


def prefill_mask(new: int, before: int = 0) -> Tensor:
    """Each new position sees everything before it and itself. Shape (new, before + new), bool, True: may look."""
    return torch.ones(new, before + new, dtype=torch.bool).tril(before)
