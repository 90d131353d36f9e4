"""Flash attention: the same attention, tile by tile, without ever holding all of its scores (Dao et al. 2022).

    online_softmax       the softmax's maximum and denominator in one pass over a stream of scores    notebook 15
    attend_tile          some queries and some keys: a maximum, a denominator, a numerator            notebook 15
    merge_tiles          what two parts of the keys give together                                     notebook 15
    flash_attention      `attention`, one tile of queries and keys after the other                    notebook 15
    peak_bytes           how much memory the tensors of a computation take at once                    notebook 15

The memory of `attention` grows with query x key, that of flash attention with query + key. The work is the same, a
little more for the merging. The formula is that of `lib.attention`; so are shapes, and masks: True where looking is
allowed. The paper's m is our `largest`, its l our `total`, and its O, before the last division, our `mixed`.
"""

import math
import weakref
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

Tile = tuple[Tensor, Tensor, Tensor]


def online_softmax(scores: Iterable[float]) -> tuple[float, float]:
    """The largest score and the sum of all e^(score - largest), in one pass (Milakov and Gimelshein 2018).

    scores: finite numbers, a list or a stream, which can be read once and need not fit into memory

    Returns two floats; of an empty stream -inf and 0.0. The weight of a score is e^(score - largest) / sum.
    """
    largest, total = -math.inf, 0.0
    for score in scores:
        larger = max(largest, score)
        total = total * math.exp(largest - larger) + math.exp(score - larger)
        largest = larger
    return largest, total


def attend_tile(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tile:
    """Attention to some of the keys, not divided yet.

    q: (..., query, d_head)    k: (..., key, d_head)    v: (..., key, d_value)
    mask: bool, broadcastable to (..., query, key)    causal: query i of these sees keys 0 to i of these

    Returns the largest score (..., query, 1), the sum of all e^(score - largest) (..., query, 1), and the sum of all
    e^(score - largest) value (..., query, d_value). Where a query sees no key: -inf, 0 and 0.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if causal:
        earlier = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
        mask = earlier if mask is None else mask & earlier
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    largest = scores.detach().amax(-1, keepdim=True)  # no gradient: it cancels out in the end
    powers = torch.exp(scores - largest.clamp(min=torch.finfo(q.dtype).min))
    return largest, powers.sum(-1, keepdim=True), powers @ v


def merge_tiles(one: Tile, other: Tile) -> Tile:
    """What a query gets from two parts of the keys together, out of what it got from each.

    one, other: as `attend_tile` returns them: largest (..., query, 1), total (..., query, 1), mixed (..., query,
    d_value); -inf, 0 and 0 where a query sees no key of that part

    Returns the three for all keys of both, in the same form. Gradients flow to totals and mixes, any finite ones where
    a query saw nothing.
    """
    largest = torch.maximum(one[0], other[0])
    finite = largest.clamp(min=torch.finfo(largest.dtype).min)  # subtle: -inf less -inf would be NaN
    total = mixed = 0.0
    for part_largest, part_total, part_mixed in (one, other):
        factor = torch.exp(part_largest - finite)
        total, mixed = total + factor * part_total, mixed + factor * part_mixed
    return largest, total, mixed


def flash_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False, tile: int = 64
) -> Tensor:
    """The mix of `attention`, tile by tile: no tensor of the size query x key is made (Dao et al. 2022, algorithm 1).

    q: (..., query, d_head)    k: (..., key, d_head)    v: (..., key, d_value), at least one query and one key
    mask: bool, (query, key) or (..., query, key), with no more axes than q, any of which may be 1; True where looking
    is allowed
    causal: query i sees keys 0 to i, however many there are of both; tiles that lie in the future as a whole are left
    out
    tile: so many queries, and so many keys, at a time

    Returns the mixed values (..., query, d_value), 0 where a query sees no key. Gradients flow to q, k and v.
    """
    if mask is not None:
        mask = mask.expand(*mask.shape[:-2], q.shape[-2], k.shape[-2])  # a view: it takes no memory
    rows = []
    for i, queries in enumerate(q.split(tile, dim=-2)):
        so_far = None
        for j, (keys, values) in enumerate(zip(k.split(tile, dim=-2), v.split(tile, dim=-2), strict=True)):
            if causal and j > i:
                break
            seen = None if mask is None else mask[..., i * tile : (i + 1) * tile, j * tile : (j + 1) * tile]
            part = attend_tile(queries, keys, values, seen, causal and i == j)
            so_far = part if so_far is None else merge_tiles(so_far, part)
        _, total, mixed = so_far
        rows.append(mixed / total.where(total > 0, 1.0))
    return torch.cat(rows, dim=-2)


class _LiveTensors(TorchFunctionMode):
    """Adds up the memory of what PyTorch's functions return, for as long as somebody holds it."""

    def __init__(self, known: Iterable[Tensor]):
        super().__init__()
        self.known = weakref.WeakSet(tensor.untyped_storage() for tensor in known)
        self.now = self.peak = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for part in tree_leaves(result):
            if isinstance(part, Tensor) and (storage := part.untyped_storage()) not in self.known:
                self.known.add(storage)  # views share one
                self._change(size := storage.nbytes())
                weakref.finalize(storage, self._change, -size).atexit = False
        return result

    def _change(self, by: int) -> None:
        self.now += by
        self.peak = max(self.peak, self.now)


def peak_bytes(work: Callable, *inputs: Tensor, **named) -> int:
    """The largest number of bytes that tensors of `work(*inputs, **named)` take at one time, the inputs left out.

    What is counted are the results of PyTorch's functions, the intermediate ones too; not what a function uses inside.
    """
    with _LiveTensors([*inputs, *(value for value in named.values() if isinstance(value, Tensor))]) as live:
        work(*inputs, **named)
    return live.peak
