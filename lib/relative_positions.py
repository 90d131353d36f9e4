"""Relative positions: each score is changed by how far the key is from the query (Raffel et al. 2020, section 2.1).

    relative_buckets    distances to so few classes that each can be learned: near ones exactly, far ones roughly
    RelativeBias        what each head adds to a score for the distance of its key
    biased_attention    softmax(QKᵀ + bias)V
    BiasedAttention     the attention layer with such a bias

Nothing is added to the words' vectors: attention sees distances, and no absolute positions. Used by `lib.t5`.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lib.attention import GroupedQueryAttention


def relative_buckets(distance: Tensor, two_sided: bool = True, n_buckets: int = 32, furthest: int = 128) -> Tensor:
    """The bucket of each distance: one for each nearby, wider and wider ones farther.

    distance: position of the key minus position of the query, int64, any shape
    two_sided: the second half of the buckets is for keys after the query; else such keys count as distance 0

    A side of n buckets gives its first n // 2 to the distances 0, 1, 2 ... Then bucket number n // 2 + (n - n // 2) ·
    ln(size / (n // 2)) / ln(furthest / (n // 2)), rounded down (where it is whole, a rounding error may give the bucket
    below); from `furthest` on all sizes share the last one.

    Returns int64, 0 to n_buckets - 1, of the same shape. Raises ValueError when a side has fewer than two buckets, or
    when furthest is not above n // 2.
    """
    n, first, size = n_buckets, 0, (-distance).clamp(min=0)
    if two_sided:
        n, size = n_buckets // 2, distance.abs()
        first = n * (distance > 0)
    exact = n // 2
    if exact < 1 or furthest <= exact:
        raise ValueError(f"n_buckets={n_buckets} and furthest={furthest} leave no room: {exact} distances are exact")
    share = torch.log(size.clamp(min=1) / exact) / math.log(furthest / exact)  # 0 at `exact`, 1 at `furthest`
    rough = exact + (share * (n - exact)).long()
    return first + torch.where(size < exact, size, rough.clamp(max=n - 1))


class RelativeBias(nn.Module):
    """A learned number for each head and bucket; one table for all blocks."""

    def __init__(self, n_heads: int, two_sided: bool, n_buckets: int = 32, furthest: int = 128):
        super().__init__()
        self.two_sided, self.furthest = two_sided, furthest
        self.table = nn.Embedding(n_buckets, n_heads)

    def forward(self, queries: int, keys: int) -> Tensor:
        """What to add to the scores, (heads, query, key). The queries are the last ones of the keys: with a cache too.

        Gradients reach the table. Raises what `relative_buckets` raises, if `__init__` has not done so.
        """
        positions = torch.arange(keys, device=self.table.weight.device)
        distance = positions - positions[keys - queries :, None]  # (query, key)
        buckets = relative_buckets(distance, self.two_sided, self.table.num_embeddings, self.furthest)
        return self.table(buckets).permute(2, 0, 1)


def biased_attention(
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor | float = 0.0, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Attention with scores QKᵀ + bias (Raffel et al. 2020; undivided in their code).

    q: (..., query, d_head)    k: (..., key, d_head)    v: (..., key, d_value)
    bias: broadcastable to (..., query, key)    mask: as well, bool, True where looking is allowed; None: everywhere

    Returns the mixed values (..., query, d_value) and the weights (..., query, key). A row of weights sums to 1; where
    the mask allows no key at all, weights and mix are 0. Gradients flow to q, k, v and bias and are finite.
    """
    scores = q @ k.transpose(-2, -1) + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)  # subtle: a row of nothing but -inf has become NaN
    return weights @ v, weights


class BiasedAttention(GroupedQueryAttention):
    """Attention by content and distance: `biased_attention` in several heads, with a cache or without.

    d_head: numbers in a head; None: d_model / n_heads
    position_bias: (queries, keys) to (heads, query, key), as a RelativeBias; None: no bias, as in cross-attention

    With a bias, PyTorch's kernel is not used: where the bias learns it takes 0.8 to 1.8 of this time (one thread, 40 to
    300 positions), for it has no fused way back to a bias.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        d_head: int | None = None,
        position_bias: Callable[[int, int], Tensor] | None = None,
    ):
        super().__init__(d_model, n_heads, d_head=d_head)
        self.position_bias = position_bias

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """q: (batch, heads, query, d_head), the last positions of those of k and v where there is a bias."""
        if self.position_bias is None:  # the layer that is there, its division undone
            return super().attend(q * math.sqrt(self.d_head), k, v, mask)
        mixed, weights = biased_attention(q, k, v, self.position_bias(q.shape[-2], k.shape[-2]), mask)
        if self.keep_weights:
            self.weights = weights
        return mixed
