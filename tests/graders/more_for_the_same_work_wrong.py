"""Wrong answers to notebook 15, first part, as people write them: the online softmax, tiles, flash attention."""

import array
import math

import torch

from lib.attention import attention, causal_mask
from lib.checks.core import edit
from lib.flash import attend_tile, merge_tiles
from tests.graders.cases import slips, wrong

# ---------------------------------------------------------------------------------------------------- online_softmax


@wrong("online_softmax", says="held in memory at once")
def as_a_list(scores):
    scores = list(scores)
    largest = max(scores, default=-math.inf)
    return largest, sum(math.exp(score - largest) for score in scores)


@wrong("online_softmax", says="stream is read twice")
def read_twice(scores):
    largest = max(scores, default=-math.inf)
    return largest, float(sum(math.exp(score - largest) for score in scores))


@wrong("online_softmax", says="not rescaled")
def forgets_to_rescale(scores):
    largest, total = float("-inf"), 0.0
    for score in scores:
        if score > largest:
            largest = score
        total += math.exp(score - largest)
    return largest, total


@wrong("online_softmax", says="too large for a float")
def plain_powers(scores):
    largest, total = -math.inf, 0.0
    for score in scores:
        largest = max(largest, score)
        total += math.exp(score)
    return largest, total


@wrong("online_softmax", says="all negative")
def from_zero(scores):
    m = l = 0.0
    for s in scores:
        new = max(m, s)
        l = l * math.exp(m - new) + math.exp(s - new)
        m = new
    return m, l


@wrong("online_softmax", says="result")
def tensors(scores):
    largest, total = torch.tensor(-math.inf), torch.tensor(0.0)
    for score in scores:
        new = torch.maximum(largest, torch.tensor(float(score)))
        total = total * torch.exp(largest - new) + torch.exp(score - new)
        largest = new
    return largest, total


@wrong("online_softmax", says="no score at all")
def first_one_taken_out(scores):
    scores = iter(scores)
    largest, total = next(scores), 1.0
    for score in scores:
        new = max(largest, score)
        total = total * math.exp(largest - new) + math.exp(score - new)
        largest = new
    return largest, total


@wrong("online_softmax", says="raised OverflowError")
def subtracted_at_the_end(scores):
    largest, total = -math.inf, 0.0
    for score in scores:
        largest = max(largest, score)
        total += math.exp(score)
    return largest, total * math.exp(-largest) if total else 0.0


@wrong("online_softmax", says="first score counts twice")
def first_one_twice(scores):
    try:
        largest = float(next(iter(scores)))
    except StopIteration:
        return -math.inf, 0.0
    total = 1.0
    for score in scores:
        new = max(largest, float(score))
        total = total * math.exp(largest - new) + math.exp(float(score) - new)
        largest = new
    return largest, total


@wrong("online_softmax", says="held in memory at once")
def plain_floats_kept(scores):
    kept = [float(score) for score in scores]
    if not kept:
        return -math.inf, 0.0
    largest = max(kept)
    return largest, math.fsum(math.exp(score - largest) for score in kept)


@wrong("online_softmax", says="may be longer than the memory")
def kept_in_an_array(scores):
    kept = array.array("d", scores)
    largest = max(kept, default=-math.inf)
    return largest, float(sum(math.exp(score - largest) for score in kept))


slips(
    "online_softmax",
    far_below_skipped=(
        "-15.5",
        edit("        larger = ", "        if score < largest - 15:\n            continue\n        larger = "),
    ),
    at_most_256=("5,000 scores", edit("    for score in scores:", "    for score, _ in zip(scores, range(256)):")),
    wrong_order=("", edit("return largest, total", "return total, largest")),
    one_number=("two floats", edit("return largest, total", "return total")),
    zero_is_none=("expected", edit("in scores:", "in scores:\n        if not score and total:\n            break")),
    starts_low=("-1e+09", edit("largest, total = -math.inf, 0.0", "largest, total = -1e9, 0.0")),
    ties_lost=(
        "2, 0, 2",
        edit("        larger = max", "        if score == largest:\n            continue\n        larger = max"),
    ),
)


# ------------------------------------------------------------------------------------------------------- merge_tiles


@wrong("merge_tiles", says="added as they are")
def plain_sums(one, other):
    return torch.maximum(one[0], other[0]), one[1] + other[1], one[2] + other[2]


@wrong("merge_tiles")
def a_floor_that_scores_reach(one, other):
    largest = torch.maximum(one[0], other[0])
    a, b = (torch.exp(part[0] - largest.clamp(min=-1e4)) for part in (one, other))
    return largest, a * one[1] + b * other[1], a * one[2] + b * other[2]


@wrong("merge_tiles", says="less −∞")
def by_the_formula(one, other):
    (m1, l1, o1), (m2, l2, o2) = one, other
    m = torch.maximum(m1, m2)
    return m, torch.exp(m1 - m) * l1 + torch.exp(m2 - m) * l2, torch.exp(m1 - m) * o1 + torch.exp(m2 - m) * o2


@wrong("merge_tiles")
def overflows(one, other):
    (m1, l1, o1), (m2, l2, o2) = one, other
    m, a, b = torch.maximum(m1, m2), torch.exp(m1), torch.exp(m2)
    scale = torch.exp(-m.clamp(min=-1e30))
    return m, (a * l1 + b * l2) * scale, (a * o1 + b * o2) * scale


@wrong("merge_tiles", says="part one keeps its factor")
def second_into_first(one, other):
    m = torch.maximum(one[0], other[0])
    factor = torch.exp(other[0] - m.clamp(min=-1e30))
    return m, one[1] + factor * other[1], one[2] + factor * other[2]


@wrong("merge_tiles", says="divided by the total")
def divides_at_once(one, other):
    m = torch.maximum(one[0], other[0])
    a, b = (torch.exp(part[0] - m.clamp(min=-1e30)) for part in (one, other))
    total = a * one[1] + b * other[1]
    return m, total, (a * one[2] + b * other[2]) / total.clamp(min=1e-30)


@wrong("merge_tiles", says="no gradient")
@torch.no_grad()
def without_autograd(one, other):
    return merge_tiles(one, other)


@wrong("merge_tiles", says="the first query sees nothing")
def nan_behind_where(one, other):
    """Right numbers, but NaN in the branch that is not taken, and so in the gradients."""
    largest = torch.maximum(one[0], other[0])
    a, b = torch.exp(one[0] - largest), torch.exp(other[0] - largest)
    nothing = largest == -math.inf
    return (largest, *(torch.where(nothing, 0.0, a * x + b * y) for x, y in zip(one[1:], other[1:], strict=True)))


slips(
    "merge_tiles",
    no_leading_axes=(
        "leading axes",
        edit("return largest, total, mixed", "return largest, total, mixed.reshape(-1, mixed.shape[-1])"),
    ),
    squeezed=("shape", edit("return largest, total, mixed", "return largest, total, mixed.squeeze(0)")),
    totals_lost=("the total is not rescaled", edit("total + factor * part_total", "total + part_total")),
    other_bits=(
        "dtype",
        edit(
            "mixed = 0.0",
            "mixed = torch.zeros(())",
            "return largest, total, mixed",
            "return largest, total, mixed.float()",
        ),
    ),
)


# --------------------------------------------------------------------------------------------------- flash_attention


@wrong("flash_attention", says="all scores are made at once")
def the_whole_formula(q, k, v, mask=None, causal=False, tile=64):
    if causal:
        earlier = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
        mask = earlier if mask is None else mask & earlier
    return attention(q, k, v, mask)[0]


@wrong("flash_attention", says="averaged")
def mean_of_tiles(q, k, v, mask=None, causal=False, tile=64):
    mask = torch.ones(1, 1, dtype=torch.bool) if mask is None else mask
    mask = mask.expand(*mask.shape[:-2], q.shape[-2], k.shape[-2])
    mask = mask & torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril() if causal else mask
    parts = zip(k.split(tile, dim=-2), v.split(tile, dim=-2), mask.split(tile, dim=-1), strict=True)
    return torch.stack([attention(q, keys, values, seen)[0] for keys, values, seen in parts]).mean(0)


@wrong("flash_attention", says="causal")
def square_only(q, k, v, mask=None, causal=False, tile=64):
    """The causal mask is made for the keys: right for as many queries as keys."""
    if causal:
        earlier = causal_mask(k.shape[-2])
        mask = earlier if mask is None else mask & earlier
    return attention(q, k, v, mask)[0]


@wrong("flash_attention", says="not divided")
def numerator(q, k, v, mask=None, causal=False, tile=64):
    if mask is not None:
        mask = mask.expand(*mask.shape[:-2], q.shape[-2], k.shape[-2])
    rows = []
    for i, queries in enumerate(q.split(tile, dim=-2)):
        so_far = None
        for j, (keys, values) in enumerate(zip(k.split(tile, dim=-2), v.split(tile, dim=-2), strict=True)):
            if causal and j > i:
                continue
            seen = None if mask is None else mask[..., i * tile : (i + 1) * tile, j * tile : (j + 1) * tile]
            part = attend_tile(queries, keys, values, seen, causal and i == j)
            so_far = merge_tiles(so_far, part) if so_far else part
        rows.append(so_far[2])
    return torch.cat(rows, dim=-2)


slips(
    "flash_attention",
    mask_repeated=("bytes were taken", edit("q.shape[-2], k.shape[-2])  #", "q.shape[-2], k.shape[-2]).clone()  #")),
    nan_behind_nan_to_num=("", edit("mixed / total.where(total > 0, 1.0)", "(mixed / total).nan_to_num(0.0)")),
    causal_or_mask=(
        "causal and a mask together",
        edit("causal and i == j", "causal and i == j and seen is None"),
    ),
    other_bits=("dtype", edit("torch.cat(rows, dim=-2)", "torch.cat(rows, dim=-2).float()")),
    own_tile=("size that is asked for", edit("    rows = []\n", "    tile, rows = 64, []\n")),
    keeps_all=(
        "bytes were taken",
        edit(
            "    rows = []\n",
            "    rows, kept = [], []\n",
            "            so_far = part if",
            "            kept.append(torch.cat([queries, queries, queries]))\n            so_far = part if",
        ),
    ),
    two_axes=("", edit("*mask.shape[:-2], q.shape[-2]", "q.shape[-2]")),
    nothing_for_one=(
        "not for one alone",
        edit("    rows = []\n", "    q = q.squeeze(0) if q.shape[-2] == 1 else q\n    rows = []\n"),
    ),
)
