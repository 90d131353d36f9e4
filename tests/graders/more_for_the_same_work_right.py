"""Right answers to notebook 15, first part, in other styles than the course's."""

import functools
import math

import torch

from lib.flash import attend_tile
from tests.graders.cases import right

# ---------------------------------------------------------------------------------------------------- online_softmax


@right("online_softmax")
def by_cases(scores):
    largest, total = float("-inf"), 0.0
    for score in scores:
        if score <= largest:
            total += math.exp(score - largest)
        else:
            total = total * math.exp(largest - score) + 1
            largest = float(score)
    return largest, total


@right("online_softmax")
def first_apart(scores):
    stream = iter(scores)
    try:
        largest, total = next(stream), 1.0
    except StopIteration:
        return -math.inf, 0.0
    for score in stream:
        new = max(score, largest)
        total = math.exp(largest - new) * total + math.exp(score - new)
        largest = new
    return largest, total


@right("online_softmax")
def reduced(scores):
    def step(state, score):
        m = max(state[0], score)
        return m, state[1] * math.exp(state[0] - m) + math.exp(score - m)

    return functools.reduce(step, scores, (-math.inf, 0.0))


@right("online_softmax")
def in_tensors(scores):
    largest, total = torch.tensor(-math.inf, dtype=torch.double), torch.tensor(0.0, dtype=torch.double)
    for score in scores:
        new = largest.clamp(min=float(score))
        total = total * torch.exp(largest - new) + torch.exp(float(score) - new)
        largest = new
    return largest.item(), total.item()


@right("online_softmax")
def as_a_logarithm(scores):
    """Keeps the logarithm of all e^score."""
    largest, log_sum = -math.inf, -math.inf
    for score in scores:
        larger, smaller = max(log_sum, score), min(log_sum, score)
        log_sum = larger + math.log1p(math.exp(smaller - larger))
        largest = max(largest, score)
    return largest, math.exp(log_sum - largest) if log_sum > -math.inf else 0.0


@right("online_softmax")
def in_chunks(scores):
    """Eight at a time, as a tile does."""
    largest, total, stream, chunk = -math.inf, 0.0, iter(scores), [None]
    while chunk:
        chunk = [score for _, score in zip(range(7), stream, strict=False)]
        new = max([largest, *chunk])
        total = total * math.exp(largest - new) if total else 0.0
        total += sum(math.exp(score - new) for score in chunk)
        largest = new
    return largest, total


# ------------------------------------------------------------------------------------------------------- merge_tiles


@right("merge_tiles")
def with_nan_to_num(one, other):
    (m1, l1, o1), (m2, l2, o2) = one, other
    m = torch.maximum(m1, m2)
    a, b = (torch.exp(part - m).nan_to_num(0.0) for part in (m1, m2))
    return m, a * l1 + b * l2, a * o1 + b * o2


@right("merge_tiles")
def softmax_of_two(one, other):
    """The two factors of every query as one small tensor."""
    largest = torch.cat([one[0], other[0]], dim=-1)  # (..., query, 2)
    m = largest.amax(-1, keepdim=True)
    factors = torch.exp(largest - torch.where(m == -math.inf, 0.0, m))
    totals = (factors * torch.cat([one[1], other[1]], dim=-1)).sum(-1, keepdim=True)
    mixes = (factors.unsqueeze(-1) * torch.stack([one[2], other[2]], dim=-2)).sum(-2)
    return m, totals, mixes


@right("merge_tiles")
def by_where(one, other):
    (m1, l1, o1), (m2, l2, o2) = one, other
    first = m1 >= m2
    m = torch.where(first, m1, m2)
    small = torch.where(first, m2, m1)
    factor = torch.where(small == -math.inf, torch.zeros_like(small), torch.exp(small - m))
    total = torch.where(first, l1 + factor * l2, factor * l1 + l2)
    return [m, total, torch.where(first, o1 + factor * o2, factor * o1 + o2)]


@right("merge_tiles")
def in_double(one, other):
    bits = one[0].dtype
    (m1, l1, o1), (m2, l2, o2) = ([part.double() for part in parts] for parts in (one, other))
    m = torch.max(m1, m2)
    safe = m.clamp(min=-1e300)
    a, b = torch.exp(m1 - safe), torch.exp(m2 - safe)
    return tuple(part.to(bits) for part in (m, a * l1 + b * l2, a * o1 + b * o2))


@right("merge_tiles")
def with_logaddexp(one, other):
    m = torch.maximum(one[0], other[0])
    safe = torch.nan_to_num(m, neginf=0.0)
    total, mixed = torch.zeros_like(one[1]), torch.zeros_like(one[2])
    for largest, part_total, part_mixed in (other, one):
        total = total + (largest - safe).exp() * part_total
        mixed = mixed + (largest - safe).exp() * part_mixed
    return m, total, mixed


@right("merge_tiles")
def totals_and_mixes_side_by_side(one, other):
    m = torch.stack([one[0], other[0]]).amax(0)
    finite = m.masked_fill(m == -math.inf, 0.0)
    both = sum(torch.exp(part[0] - finite) * torch.cat(part[1:], dim=-1) for part in (one, other))
    return m, both[..., :1], both[..., 1:]


# --------------------------------------------------------------------------------------------------- flash_attention


def piece(mask, rows, columns):
    """The part of a mask at these rows and columns, wherever it has an axis of size 1."""
    if mask is None:
        return None
    rows = slice(None) if mask.shape[-2] == 1 else rows
    columns = slice(None) if mask.shape[-1] == 1 else columns
    return mask[..., rows, columns]


@right("flash_attention")
def running_numbers(q, k, v, mask=None, causal=False, tile=64):
    """Maximum, denominator and numerator as three running tensors, written out."""
    n, keys = q.shape[-2], k.shape[-2]
    out = []
    for top in range(0, n, tile):
        rows = slice(top, min(top + tile, n))
        part = q[..., rows, :]
        shape = torch.broadcast_shapes(part.shape[:-1], (*k.shape[:-2], part.shape[-2]))
        if mask is not None:
            shape = torch.broadcast_shapes(shape, (*mask.shape[:-2], part.shape[-2]))
        m = q.new_full((*shape, 1), -1e30)
        total, mixed = q.new_zeros(*shape, 1), q.new_zeros(*shape, v.shape[-1])
        for left in range(0, min(keys, rows.stop) if causal else keys, tile):
            columns = slice(left, min(left + tile, keys))
            scores = part @ k[..., columns, :].mT / q.shape[-1] ** 0.5
            seen = piece(mask, rows, columns)
            if causal:
                past = torch.arange(left, columns.stop) <= torch.arange(top, rows.stop)[:, None]
                seen = past if seen is None else seen & past
            if seen is not None:
                scores = scores.masked_fill(~seen, -math.inf)
            new = torch.maximum(m, scores.amax(-1, keepdim=True))
            powers, factor = torch.exp(scores - new), torch.exp(m - new)
            total = factor * total + powers.sum(-1, keepdim=True)
            mixed = factor * mixed + powers @ v[..., columns, :]
            m = new
        out.append(torch.where(total > 0, mixed / total.clamp(min=1e-30), 0.0))
    return torch.cat(out, dim=-2)


@right("flash_attention")
def keys_outside(q, k, v, mask=None, causal=False, tile=64):
    """The order of the first paper: each tile of keys is taken to all queries that may see it."""
    total, mixed, largest = 0 * q[..., :1], 0 * (q[..., :1] @ v[..., :1, :]), torch.full_like(q[..., :1], -1e30)
    if mask is not None:
        zeros = torch.zeros(*mask.shape[:-2], 1, 1, dtype=q.dtype)
        total, mixed, largest = total + zeros, mixed + zeros, largest + zeros
    for left in range(0, k.shape[-2], tile):
        start, columns = left if causal else 0, slice(left, left + tile)
        rows = slice(start, q.shape[-2])
        if start >= q.shape[-2]:
            break
        seen = piece(mask, rows, columns)
        if causal:
            past = torch.arange(q.shape[-2])[rows, None] >= torch.arange(k.shape[-2])[columns]
            seen = past if seen is None else seen & past
        scores = q[..., rows, :] @ k[..., columns, :].mT * q.shape[-1] ** -0.5
        if seen is not None:
            scores = scores.masked_fill(~seen, -math.inf)
        old = largest[..., rows, :]
        new = torch.maximum(old, scores.amax(-1, keepdim=True))
        powers, factor = torch.exp(scores - new), torch.exp(old - new)
        parts = (new, factor * total[..., rows, :] + powers.sum(-1, keepdim=True)), factor * mixed[..., rows, :]
        after = (*parts[0], parts[1] + powers @ v[..., columns, :])
        before = (part[..., :start, :] for part in (largest, total, mixed))
        largest, total, mixed = (torch.cat(pair, dim=-2) for pair in zip(before, after, strict=True))
    return mixed / total.clamp(min=1e-30)


@right("flash_attention")
def from_the_back(q, k, v, mask=None, causal=False, tile=64):
    """Tiles of keys in reverse order."""
    rows = []
    for top in range(0, q.shape[-2], tile):
        so_far = None
        for left in reversed(range(0, k.shape[-2], tile)):
            if causal and left > top:
                continue
            columns, at = slice(left, left + tile), slice(top, top + tile)
            found = attend_tile(
                q[..., at, :], k[..., columns, :], v[..., columns, :], piece(mask, at, columns), causal and left == top
            )
            if so_far is None:
                so_far = found
                continue
            new = torch.maximum(so_far[0], found[0])
            a, b = (torch.exp(part[0] - new).nan_to_num(0.0) for part in (so_far, found))
            so_far = new, a * so_far[1] + b * found[1], a * so_far[2] + b * found[2]
        rows.append(so_far[2] / so_far[1].clamp(min=1e-30))
    return torch.cat(rows, dim=-2)


@right("flash_attention")
def into_a_buffer(q, k, v, mask=None, causal=False, tile=64):
    """Each tile of queries by the formula of `attention` over tiles whose parts are kept in lists."""
    out = []
    for i, queries in enumerate(torch.split(q, tile, -2)):
        parts = []
        for j, (keys, values) in enumerate(zip(torch.split(k, tile, -2), torch.split(v, tile, -2), strict=True)):
            if not causal or j <= i:
                seen = piece(mask, slice(i * tile, i * tile + tile), slice(j * tile, j * tile + tile))
                parts.append(attend_tile(queries, keys, values, seen, causal and i == j))
        largest = torch.stack([part[0] for part in parts]).amax(0)
        safe = largest.masked_fill(largest == -math.inf, 0.0)
        factors = [torch.exp(part[0] - safe) for part in parts]
        total = sum(factor * part[1] for factor, part in zip(factors, parts, strict=True))
        mixed = sum(factor * part[2] for factor, part in zip(factors, parts, strict=True))
        out.append(mixed / torch.where(total == 0, 1.0, total))
    return torch.cat(out, dim=-2)


@right("flash_attention")
def in_double_precision(q, k, v, mask=None, causal=False, tile=64):
    return running_numbers(q.double(), k.double(), v.double(), mask, causal, tile).to(q.dtype)


@right("flash_attention")
def recursive(q, k, v, mask=None, causal=False, tile=64):
    """Halves of the keys, merged like a tournament."""

    def keys_of(queries, first, last, i):
        if last - first == 1:
            columns, rows = slice(first * tile, first * tile + tile), slice(i * tile, i * tile + tile)
            return attend_tile(
                queries, k[..., columns, :], v[..., columns, :], piece(mask, rows, columns), causal and first == i
            )
        middle = (first + last) // 2
        one, other = keys_of(queries, first, middle, i), keys_of(queries, middle, last, i)
        new = torch.maximum(one[0], other[0])
        a, b = (torch.exp(part[0] - new.clamp(min=-1e30)) for part in (one, other))
        return new, a * one[1] + b * other[1], a * one[2] + b * other[2]

    out = []
    for i, queries in enumerate(q.split(tile, dim=-2)):
        tiles = -(-k.shape[-2] // tile)
        _, total, mixed = keys_of(queries, 0, min(tiles, i + 1) if causal else tiles, i)
        out.append(mixed / total.where(total > 0, torch.ones_like(total)))
    return torch.cat(out, dim=-2)
