"""Attention: every position asks a question and mixes the answers of the others.

    weighted_average         one mix of values, the last step of every attention          notebook 00
    average_so_far           the mean of all that stands before, as a product of matrices notebook 04
    stable_softmax           scores to weights that sum to 1, however large they are      notebook 04
    simple_self_attention    softmax(XXᵀ)X: no parameters, nothing learned                notebook 04
    attention                softmax(QKᵀ/√d_head)V, the one formula of the paper          notebook 04
    fused_attention          the same mix by PyTorch's kernel, without the weights        notebook 05
    attention_gradient       its gradient by hand                                         notebook 04
    SelfAttention            one head: three matrices give query, key and value           notebook 04
    causal_mask, padding_mask    who may look where                                       notebook 05
    split_heads, join_heads      (d_model) to (heads, d_head) and back                    notebook 05
    MultiHeadAttention       several attentions side by side, then mixed                  notebook 05
    keeping_weights          layers that keep the weights of their last call, for a while
    repeat_kv                few heads of keys or values, repeated for many heads of queries      notebook 14
    GroupedQueryAttention    groups of heads that share keys and values: a smaller cache  notebook 14
    sliding_window_mask      who may look where when only the nearest keys are seen       notebook 14
    future_leak              a test: does the future change the past?                     notebook 05
    alignment_accuracy       does the largest weight lie on the word that was meant?      notebook 09

Shapes are written (batch, heads, query, d_head). `query` and `key` are positions: the same length in self-attention,
different lengths in cross-attention. A mask is True where looking is allowed. A query that may look nowhere gets
weights 0 and the mix 0, never NaN.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional


def weighted_average(weights: Tensor, values: Tensor) -> Tensor:
    """Mix vectors: each value counts as much as its weight says.

    weights: (key,), none below 0, they sum to 1    values: (key, d_value)

    Returns the mix (d_value,): the sum over the keys of weight times value.
    """
    return weights @ values


def average_so_far(x: Tensor) -> tuple[Tensor, Tensor]:
    """Every position becomes the mean of itself and all positions before it: attention whose weights are fixed.

    x: (..., position, d_model), at least one position

    Returns the means (..., position, d_model) and the weights (position, position): row i holds 1 / (i + 1) in the
    columns 0 to i, and 0 after them.
    """
    seen = x.new_ones(x.shape[-2], x.shape[-2]).tril()
    weights = seen / seen.sum(-1, keepdim=True)
    return weights @ x, weights


def stable_softmax(scores: Tensor) -> Tensor:
    """Weights from 0 to 1 that sum to 1 over the last axis; bigger scores get more. Finite for any finite scores.

    scores: (..., key), at least one key

    Returns the weights (..., key): exp(score) over the sum of all exp(score).
    """
    largest = scores.amax(-1, keepdim=True)  # subtle: subtracting the same number everywhere changes no weight
    powers = torch.exp(scores - largest)  # at most e⁰ = 1: nothing overflows
    return powers / powers.sum(-1, keepdim=True)


def simple_self_attention(x: Tensor) -> tuple[Tensor, Tensor]:
    """Every position becomes a mix of all positions, weighted by similarity. Nothing is learned.

    x: (..., position, d_model)

    Returns the new vectors (..., position, d_model) and the weights (..., position, position), rows summing to 1.
    """
    weights = (x @ x.transpose(-2, -1)).softmax(-1)
    return weights @ x, weights


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mix the values by how well each query matches each key (Vaswani et al. 2017, eq. 1).

    q: (..., query, d_head)    k: (..., key, d_head)    v: (..., key, d_value)
    mask: bool, broadcastable to (..., query, key), True where looking is allowed; None: everywhere

    Returns the mixed values (..., query, d_value) and the weights (..., query, key). A row of weights sums to 1;
    where the mask allows no key at all, weights and mix are 0. Gradients flow to q, k and v and are finite.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)  # subtle: a row of nothing but -inf has become NaN
    return weights @ v, weights


def fused_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False, grouped: bool = False
) -> Tensor:
    """The mix of `attention` without its weights, by PyTorch's fused kernel: less memory, up to twice as fast.

    causal: in place of a mask, position i looks at 0 to i; what is hidden is not even computed
    grouped: k and v have fewer heads than q (axis -3); each of them serves a group of neighbouring heads of q

    Raises ValueError where the shapes do not fit: the kernel itself does not compare the lengths of k and v, and reads
    past the end of the shorter one.
    """
    leading = slice(-3 if grouped else -2)  # axes that q and k have in common
    if k.shape[:-1] != v.shape[:-1] or (*q.shape[leading], q.shape[-1]) != (*k.shape[leading], k.shape[-1]):
        shapes = ", ".join(str(tuple(part.shape)) for part in (q, k, v))
        raise ValueError(f"q, k, v of shapes {shapes}: k and v need one length, q and k one d_head")
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=grouped)


def attention_gradient(q: Tensor, k: Tensor, v: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What backpropagation does in attention without a mask, by hand: autograd is not used.

    q: (..., query, d_head)    k: (..., key, d_head)    v: (..., key, d_value)
    upstream: (..., query, d_value), the gradient of the loss for the mixed values

    Returns the gradients of the loss for q, k and v, each of its own shape.
    """
    scale = 1 / math.sqrt(q.shape[-1])
    weights = (q @ k.transpose(-2, -1) * scale).softmax(-1)
    for_v = weights.transpose(-2, -1) @ upstream
    for_weights = upstream @ v.transpose(-2, -1)
    average = (weights * for_weights).sum(-1, keepdim=True)  # the weights of a row sum to 1: only differences count
    for_scores = weights * (for_weights - average)
    return for_scores @ k * scale, for_scores.transpose(-2, -1) @ q * scale, for_v


class SelfAttention(nn.Module):
    """One head: the same vectors are asked (query), compared (key) and mixed (value) through three learned matrices."""

    def __init__(self, d_model: int, d_head: int):
        super().__init__()
        self.to_q = nn.Linear(d_model, d_head, bias=False)
        self.to_k = nn.Linear(d_model, d_head, bias=False)
        self.to_v = nn.Linear(d_model, d_head, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x: (..., position, d_model). Returns the mix (..., position, d_head) and the weights (..., query, key).

        mask: as in `attention`. Gradients flow to x and to the three matrices.
        """
        return attention(self.to_q(x), self.to_k(x), self.to_v(x), mask)


def causal_mask(length: int) -> Tensor:
    """Who may look where when the future is not known yet: position i at 0 to i. Shape (query, key), bool.

    length: how many positions, 1 or more
    """
    return torch.ones(length, length, dtype=torch.bool).tril()


def padding_mask(ids: Tensor, padding: int) -> Tensor:
    """Nobody looks at padding. ids: (batch, key). Returns (batch, 1, 1, key), bool, for any heads and queries."""
    return (ids != padding)[:, None, None, :]


def split_heads(x: Tensor, n_heads: int) -> Tensor:
    """(batch, position, d_model) -> (batch, heads, position, d_head): head h takes the h-th slice of every vector."""
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(batch, heads, position, d_head) -> (batch, position, d_model): undoes split_heads."""
    return x.transpose(1, 2).flatten(2)


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own slice of d_model, then mixed (section 3.2.2).

    `weights` (batch, heads, query, key) holds what the last call looked at, if `keep_weights` was set before it; if
    not, it is None or that of an earlier call. A call does not change `keep_weights`.
    Raises ValueError where d_model does not split into n_heads equal heads.
    """

    def __init__(self, d_model: int, n_heads: int, bias: bool = False):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} does not split into n_heads={n_heads} equal heads")
        self.n_heads = n_heads
        self.keep_weights, self.weights = False, None
        self.to_q = nn.Linear(d_model, d_model, bias=bias)
        self.to_k = nn.Linear(d_model, d_model, bias=bias)
        self.to_v = nn.Linear(d_model, d_model, bias=bias)
        self.to_out = nn.Linear(d_model, d_model, bias=bias)

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """x: (batch, query, d_model). Keys and values come from context (batch, key, d_model), or from x itself.

        mask: broadcastable to (batch, heads, query, key), so three axes are (heads, query, key). Returns (batch, query,
        d_model). Gradients flow everywhere.
        """
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)
        k = split_heads(self.to_k(context), self.n_heads)
        v = split_heads(self.to_v(context), self.n_heads)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """`attention` where the weights are wanted, else PyTorch's fused kernel: the same mix, without the weights."""
        if not self.keep_weights:
            return fused_attention(q, k, v, mask)
        mixed, self.weights = attention(q, k, v, mask)
        return mixed


@contextmanager
def keeping_weights(layers: Sequence[MultiHeadAttention]) -> Iterator[None]:
    """Within a `with` block each of these layers keeps the weights of its last call; after it they are let go."""
    for layer in layers:
        layer.keep_weights = True
    try:
        yield
    finally:
        for layer in layers:
            layer.keep_weights, layer.weights = False, None


def repeat_kv(x: Tensor, n_heads: int) -> Tensor:
    """Heads of keys or values for as many heads of queries: each stands n_heads / n_kv_heads times in a row.

    x: (batch, n_kv_heads, position, d_head)    n_heads: a multiple of n_kv_heads

    Returns (batch, n_heads, position, d_head), x's dtype, a copy or a view: neighbouring heads of queries share one.
    Gradients flow.
    """
    return x.repeat_interleave(n_heads // x.shape[1], dim=1)


class GroupedQueryAttention(MultiHeadAttention):
    """Groups of query heads that share one head of keys and values (Ainslie et al. 2023): a smaller cache to read.

    n_kv_heads: heads of keys and values; n_heads of them make a MultiHeadAttention, a single one is multi-query
    attention (Shazeer 2019); None: n_heads    d_head: numbers in a head; None: d_model / n_heads
    rotate: turns queries and keys, (batch, heads, position, d_head), given with the position of the first of them: the
    cache's length, with a context too; a `lib.positions.RotaryPositions`, say
    causal: where no mask is given, as many queries as keys are the same positions and look back only

    `n_heads`, `n_kv_heads` and `d_head` tell its sizes. Published weights are loaded into its layers by their names:
    `to_q`, from d_model to n_heads * d_head numbers, `to_k` and `to_v`, to n_kv_heads * d_head, and `to_out`, back to
    d_model; all of them with a bias where `bias` is set, else without.

    Raises ValueError where d_model does not split into n_heads equal heads, or n_heads into n_kv_heads equal groups.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        n_kv_heads: int | None = None,
        d_head: int | None = None,
        bias: bool = False,
        rotate: Callable[[Tensor, int], Tensor] | None = None,
        causal: bool = False,
    ):
        width = d_model if d_head is None else n_heads * d_head  # of all query heads together
        super().__init__(width, n_heads, bias)
        self.n_kv_heads, self.d_head = n_heads if n_kv_heads is None else n_kv_heads, width // n_heads
        if self.n_kv_heads < 1 or n_heads % self.n_kv_heads:
            raise ValueError(f"n_heads={n_heads} does not split into n_kv_heads={n_kv_heads} equal groups")
        self.rotate, self.causal = rotate, causal
        self.to_q = nn.Linear(d_model, width, bias=bias)
        self.to_k = nn.Linear(d_model, self.n_kv_heads * self.d_head, bias=bias)
        self.to_v = nn.Linear(d_model, self.n_kv_heads * self.d_head, bias=bias)
        self.to_out = nn.Linear(width, d_model, bias=bias)

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None, cache=None) -> Tensor:
        """x: (batch, query, d_model). Keys and values come from context (batch, key, d_model), or from x itself.

        mask: broadcastable to (batch, heads, query, all keys)
        cache: a `lib.cache.KeyValueCache` of n_kv_heads. x are the positions after those in it, and are added to it;
        several at once, after others, need a mask. What is kept of them is turned already, and of n_kv_heads only

        Returns (batch, query, d_model). Gradients flow everywhere. Raises what `cache.extend` raises.
        """
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)  # (batch, n_heads, query, d_head)
        k = split_heads(self.to_k(context), self.n_kv_heads)  # (batch, n_kv_heads, key, d_head)
        v = split_heads(self.to_v(context), self.n_kv_heads)  # (batch, n_kv_heads, key, d_head)
        if self.rotate is not None:
            q, k = (self.rotate(part, cache.length if cache else 0) for part in (q, k))
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """As in MultiHeadAttention; k and v (batch, n_kv_heads, key, d_head) are repeated only for the weights."""
        causal = self.causal and mask is None and q.shape[-2] == k.shape[-2]
        if not self.keep_weights:
            return fused_attention(q, k, v, mask, causal, grouped=self.n_kv_heads < self.n_heads)
        mask = causal_mask(q.shape[-2]).to(q.device) if causal else mask
        return super().attend(q, repeat_kv(k, self.n_heads), repeat_kv(v, self.n_heads), mask)


def sliding_window_mask(new: int, before: int, window: int) -> Tensor:
    """Each new position sees itself and the `window` - 1 positions before it (Jiang et al. 2023: Mistral).

    new, before: how many positions are new, at least 1, and how many, cached ones, stand before them
    window: may be wider than the text; then all that stands before is seen

    Returns (new, before + new), bool, True: may look. A stack of n such blocks still reaches n (window - 1) positions
    back, from block to block. Raises ValueError when the window is below 1.
    """
    if window < 1:
        raise ValueError(f"window={window}: a position sees itself at least")
    earlier = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    return earlier.triu(before - window + 1)


def future_leak(layer: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """How much later inputs change earlier outputs: exactly 0 where the future cannot be seen.

    layer: (batch, position, d_model) -> (batch, position, ...); it is called with tensors of x's shape
    x: (batch, position, d_model)

    For every position: negate the inputs from there on and look how far the outputs before it move. Returns the
    largest move as a float; 0.0 for a single position.
    """
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = torch.cat([x[:, :position], -x[:, position:]], dim=1)
        moved = (layer(changed) - outputs)[:, :position].abs().max()
        largest = max(largest, moved.item())
    return largest


def alignment_accuracy(weights: Tensor, links: Sequence[tuple[int, int]]) -> Tensor:
    """How often the largest weight of a written word lies on the word it translates.

    weights: (..., written, read); no row has its largest number twice
    links: (read, written) pairs of indices, at least one, no two alike

    Returns shares (...), float: one for each head, or whatever the leading axes are.
    """
    read, written = torch.tensor(links).T
    looked_at = weights.argmax(-1)[..., written]  # (..., link)
    return (looked_at == read).float().mean(-1)
