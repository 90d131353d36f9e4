"""Checks of notebook 15, first part: the online softmax, tiles, flash attention; questions on work and memory."""

import math
import random
import tracemalloc

import torch

from lib import flash
from lib.attention import attention
from lib.checks.core import Exercise, Question, edit
from lib.checks.more_for_the_same_work_experts import (
    active_parameters,
    dispatch,
    even_and_uneven,
    experts_read,
    keep_within_capacity,
    load_balancing_loss,
    mutual_information,
    places_needed,
    route,
)
from lib.checks.more_for_the_same_work_speculative import accept, residual, speculative_step
from lib.checks.probing import gradients, normal, plain, single_calls
from lib.checks.running import Problem
from lib.decoding import speculative

__all__ = [
    "accept",
    "accepted_share",
    "active_parameters",
    "best_draft_length",
    "dispatch",
    "even_and_uneven",
    "experts_read",
    "flash_attention",
    "keep_within_capacity",
    "load_balancing_loss",
    "merge_tiles",
    "mutual_information",
    "online_softmax",
    "places_needed",
    "rescale_factor",
    "residual",
    "route",
    "skipped_tiles",
    "speculative_step",
]

online_softmax = Exercise(flash.online_softmax)
merge_tiles = Exercise(flash.merge_tiles, returns=("largest", "total", "mixed"))
flash_attention = Exercise(flash.flash_attention)

LITTLE = 20_000  # bytes: 5,000 scores take 40,000 as an array, 160,000 as a list


# ---------------------------------------------------------------------------------------------------- online_softmax


def _both(result):
    """The two floats, named."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Problem("type", "two floats are asked for: the largest score and the sum.")
    return {"the largest score": plain(result[0]), "the sum": plain(result[1])}


def _stream(label, drawn):
    @online_softmax.probe(label)
    def _(answer, rng):
        return _both(answer(iter(drawn(rng))))


_stream("the scores 0, ln 4 and ln 2", lambda rng: [0.0, math.log(4), math.log(2)])
_stream("the scores -3, -1 and -2, all below 0", lambda rng: [-3.0, -1.0, -2.0])
_stream("the scores 16777216, 16777217 and 16777215", lambda rng: [16777216.0, 16777217.0, 16777215.0])
_stream("the scores 2, 0, 2: no largest of its own", lambda rng: [2.0, 0.0, 2.0])
_stream("no score at all", lambda rng: [])


@online_softmax.probe("a list with the scores 2, 1 and 3, and one with the score -1e30")
def _(answer, rng):
    both = {"of three": _both(answer([2.0, 1.0, 3.0])), "of one": _both(answer([-1e30]))}
    return {f"{part} {which}": number for which, parts in both.items() for part, number in parts.items()}


@online_softmax.probe("the scores 0 and -15.5: is the sum above 1?")
def _(answer, rng):
    return {"the sum is above 1": _both(answer(iter([0.0, -15.5])))["the sum"] > 1}


@online_softmax.probe("a stream of 5,000 scores, made one by one", varied=False)
def _(answer, rng):
    answer(iter([1.0, 2.0]))  # what a first call imports or makes is no memory of scores
    dice = random.Random(0)
    result, taken = _with_memory(lambda: _both(answer(dice.gauss(0, 1) for _ in range(5_000))))
    if taken > LITTLE:
        raise Problem(
            "keeps all",
            f"{taken:,} bytes were taken while 5,000 scores went by: the stream may be longer than the memory, so keep "
            "no more than the largest score and the sum.",
        )
    return result


def _with_memory(work):
    """What work() gives, and how many bytes Python's objects took for it at most."""
    already = tracemalloc.is_tracing()
    if not already:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        result = work()
        return result, tracemalloc.get_traced_memory()[1] - before
    finally:
        if not already:
            tracemalloc.stop()


STEP = "total = total * math.exp(largest - larger) + math.exp(score - larger)"
# fmt: off
online_softmax.mistakes(
    not_rescaled=("the old sum is not rescaled when a larger score comes: times e^(old largest − new largest).",
        edit("total * math.exp(largest - larger)", "total")),
    upside_down=("the factor is upside down: e^(old largest − new largest), which is at most 1.",
        edit("total * math.exp(largest - larger)", "(total and total / math.exp(largest - larger))")),
    old_largest=("the new score is seen from the old largest: subtract the new one.",
        edit("math.exp(score - larger)", "math.exp(score - largest if total else 0.0)")),
    starts_at_zero=("the largest starts at 0, which is above scores that are all negative: start at -math.inf.",
        edit("-math.inf, 0.0", "0.0, 0.0")),
    starts_at_one=("the sum starts at 1: of no scores it is 0.", edit("-math.inf, 0.0", "-math.inf, 1.0")),
    smallest=("the smallest score is kept, not the largest.",
        edit("-math.inf", "math.inf", "= max(", "= min(", "(score - larger)", "(0.0)")),
    nothing_subtracted=("nothing is subtracted before the power is taken: e^1000 is already too large for a float.",
        edit(STEP, "total += math.exp(score)")),
    log_sum_exp=("this is the logarithm of all e^score (log-sum-exp); the sum of e^(score − largest) is asked for.",
        edit("return largest, total", "return largest, largest + math.log(total or 1.0)")),
    counts=("1 is added for each score: add e^(score − largest).",
        edit("+ math.exp(score - larger)", "+ 1.0")),
    without_the_first=("the first score is missing in the sum.",
        edit("+ math.exp(score - larger)", "+ (math.exp(score - larger) if math.isfinite(largest) else 0.0)")),
    reads_again=("the first score counts twice: a list can be begun anew, so take `stream = iter(scores)` once if you "
        "read the first score apart.",
        edit("largest, total = -math.inf, 0.0", "scores, again = iter(scores), scores\n"
             "    largest = next(scores, -math.inf)\n    total = float(largest > -math.inf)\n    scores = again")),
    keeps_all=("all scores are held in memory at once: the stream may be longer than that.",
        edit("in scores:", "in list(scores):"), edit("in scores:", "in [float(score) for score in scores]:")),
    in_32_bits=("32-bit numbers have 7 digits, with which 16777216 and 16777217 are one: Python's floats have 16.",
        edit("    larger", "    score = torch.tensor(float(score), dtype=torch.float32).item()\n        larger")),
    inverted=("1 / sum is returned: the sum itself is asked for.",
        edit("return largest, total", "return largest, 1 / total if total else 0.0")),
    nothing_added=("the sum stays 0: e^(score − largest) is never added.", edit(" + math.exp(score - larger)", "")),
)
# fmt: on


@online_softmax.mistake("the stream is read twice: the second time it is empty, so the sum stays 0.")
def read_twice(scores):
    largest = max(scores, default=-math.inf)
    return largest, float(sum(math.exp(score - largest) for score in scores))


# ------------------------------------------------------------------------------------------------------- merge_tiles


def _part(rng, *shape, keys=5, d_value=3, size=1.0):
    """What `attend_tile` brings for queries (*shape, d_head 4)."""
    leading = shape[:-1]
    q, k = size * normal(*shape, 4, rng=rng), normal(*leading, keys, 4, rng=rng)
    return flash.attend_tile(q, k, normal(*leading, keys, d_value, rng=rng))


def _one_query(largest, total, mixed):
    return tuple(torch.tensor([[number]]) for number in (largest, total, mixed))


single_calls(
    merge_tiles,
    {
        "one query: (ln 2, 1.5, 3) and (ln 4, 1, 5)": lambda rng: (
            _one_query(math.log(2), 1.5, 3.0),
            _one_query(math.log(4), 1.0, 5.0),
        ),
        "one query: (4, 1.5, 3) and (-4, 1, 5)": lambda rng: (_one_query(4.0, 1.5, 3.0), _one_query(-4.0, 1.0, 5.0)),
        "7 queries, values of 3 numbers": lambda rng: (_part(rng, 7), _part(rng, 7)),
        "leading axes (2, 3), 5 queries": lambda rng: (_part(rng, 2, 3, 5), _part(rng, 2, 3, 5)),
        "largest scores far apart, 500 and -500": lambda rng: (
            _one_query(500.0, 1.0, 2.0),
            _one_query(-500.0, 1.0, 2.0),
        ),
        "largest scores far below 0, both -1e30": lambda rng: (
            _one_query(-1e30, 1.5, 2.0),
            _one_query(-1e30, 1.0, 2.0),
        ),
        "300 queries of 64-bit numbers": lambda rng: tuple(
            tuple(part.double() for part in _part(rng, 300, size=3.0)) for _ in range(2)
        ),
    },
)


def _blind(part, *rows):
    """The part, with queries that see nothing of it."""
    largest, total, mixed = (piece.clone() for piece in part)
    largest[..., rows, :], total[..., rows, :], mixed[..., rows, :] = -math.inf, 0.0, 0.0
    return largest, total, mixed


@merge_tiles.probe("5 queries: the first sees nothing of part one, the second of part two, the third of either")
def _(answer, rng):
    return answer(_blind(_part(rng, 5), 0, 2), _blind(_part(rng, 5), 1, 2))


@merge_tiles.probe("gradients for totals and mixes; the first query sees nothing")
def _(answer, rng):
    parts = [_blind(_part(rng, 5), 0) for _ in range(2)]
    inputs = {}
    for name, (_, total, mixed) in zip(("one", "other"), parts, strict=True):
        inputs |= {f"the total of {name}": total.requires_grad_(), f"the mix of {name}": mixed.requires_grad_()}
    result = answer(*parts)
    if not isinstance(result, tuple | list) or len(result) != 3:
        return result
    found = gradients(torch.cat([result[1], result[2]], dim=-1), **inputs)
    for part in found.values():
        part[0] *= 0  # any finite number will do there
    return found


FACTOR = "factor = torch.exp(part_largest - finite)"
FINITE = "largest.clamp(min=torch.finfo(largest.dtype).min)"
RETURN = "return largest, total, mixed"
# fmt: off
merge_tiles.mistakes(
    no_factor=("the sums are added as they are: each part is seen from its own largest score. Bring them to one first.",
        edit(FACTOR, "factor = 1.0")),
    upside_down=("the factor is upside down: e^(the part's largest − the common largest), at most 1.",
        edit(FACTOR, "factor = torch.exp(finite - part_largest)")),
    nan=("NaN where a query sees nothing in either part: −∞ less −∞. Put something finite in place of −∞ there.",
        edit(FINITE, "largest")),
    finite_returned=("the largest comes back as the smallest finite number where it should stay −∞.",
        edit(RETURN, "return finite, total, mixed")),
    only_other=("part one keeps its factor 1, although part two may hold the larger score.",
        edit(FACTOR, "factor = 1.0 if part_largest is one[0] else torch.exp(part_largest - finite)")),
    only_one=("part two keeps its factor 1, although part one may hold the larger score.",
        edit(FACTOR, "factor = 1.0 if part_largest is other[0] else torch.exp(part_largest - finite)")),
    mix_not_scaled=("the mix is not rescaled, only the total: both are sums of the same powers.",
        edit("mixed + factor * part_mixed", "mixed + part_mixed")),
    total_not_scaled=("the total is not rescaled, only the mix: both are sums of the same powers.",
        edit("total + factor * part_total", "total + part_total")),
    smaller=("seen from the smaller of both scores: powers may overflow. Take torch.maximum.",
        edit("torch.maximum", "torch.minimum")),
    divided=("the mix is divided by the total already: the next tile still has to be merged. Divide at the end.",
        edit(RETURN, "return largest, total, mixed / total.where(total > 0, 1.0)")),
    one_for_all=("one largest score serves all queries: each has its own.",
        edit("torch.maximum(one[0], other[0])", "torch.maximum(one[0], other[0]).amax().expand(one[0].shape).clone()")),
    of_the_first=("the largest of part one is taken, whatever part two has.",
        edit("torch.maximum(one[0], other[0])", "one[0]")),
    zero=("the largest is never taken below 0, though scores may all be negative.",
        edit("torch.finfo(largest.dtype).min", "0.0")),
    other_dropped=("part two is left out of the sums.", edit("in (one, other):", "in (one,):")),
    added=("the largest scores are added: the larger of the two is asked for.",
        edit("torch.maximum(one[0], other[0])", "one[0] + other[0]")),
    detached=("no gradient flows through what was merged.",
        edit(RETURN, "return largest, total.detach(), mixed.detach()")),
)
# fmt: on


# --------------------------------------------------------------------------------------------------- flash_attention


def _qkv(rng, *leading, query=7, key=11, d_head=5, d_value=3):
    sizes = (query, d_head), (key, d_head), (key, d_value)
    return tuple(normal(*leading, *size, rng=rng) for size in sizes)


def _seen(rng, *shape):
    """A random mask in which every query sees a key."""
    mask = torch.rand(*shape, generator=rng) < 0.5
    return mask | (torch.arange(shape[-1]) == torch.randint(shape[-1], (*shape[:-1], 1), generator=rng))


@flash_attention.probe("7 queries, 11 keys, tiles of 4")
def _(answer, rng):
    return answer(*_qkv(rng), tile=4)


@flash_attention.probe("10 positions, causal, tiles of 3")
def _(answer, rng):
    return answer(*_qkv(rng, query=10, key=10), causal=True, tile=3)


@flash_attention.probe("causal, tiles of 2: 6 queries and 3 keys, then 3 queries and 7 keys")
def _(answer, rng):
    return [answer(*_qkv(rng, query=query, key=key), causal=True, tile=2) for query, key in ((6, 3), (3, 7))]


@flash_attention.probe("leading axes (2, 3), a mask (7, 11), tiles of 4")
def _(answer, rng):
    return answer(*_qkv(rng, 2, 3), _seen(rng, 7, 11), tile=4)


@flash_attention.probe("leading axes (2, 3), a mask of padding (2, 1, 1, 11), tiles of 3")
def _(answer, rng):
    return answer(*_qkv(rng, 2, 3), _seen(rng, 2, 1, 1, 11), tile=3)


@flash_attention.probe("a mask (7, 1): some queries see everything, some nothing; tiles of 4")
def _(answer, rng):
    mask = torch.tensor([True, False, True, True, False, True, True])[:, None]
    return answer(*_qkv(rng), mask, tile=4)


@flash_attention.probe("causal and a mask together, 9 positions, tiles of 4; some queries see nothing")
def _(answer, rng):
    return answer(*_qkv(rng, 2, query=9, key=9), torch.rand(9, 9, generator=rng) < 0.4, True, 4)


@flash_attention.probe("300 positions, causal, the tile not given")
def _(answer, rng):
    return answer(*_qkv(rng, 2, query=300, key=300), causal=True)


@flash_attention.probe("64-bit numbers, scores of several hundred, a tile of 100 for 7 queries and 11 keys")
def _(answer, rng):
    q, k, v = (part.double() for part in _qkv(rng, 1))
    return answer(100 * q, k, v, tile=100)


@flash_attention.probe("gradients for q, k and v, tiles of 4; a query that sees nothing")
def _(answer, rng):
    q, k, v = (part.requires_grad_() for part in _qkv(rng, 2))
    return gradients(answer(q, k, v, (torch.arange(7) != 2)[:, None], tile=4), q=q, k=k, v=v)


@flash_attention.probe("6 positions, causal, tiles of 2; the values of the last tile are infinite")
def _(answer, rng):
    q, k, v = _qkv(rng, query=6, key=6)
    v[4:] = math.inf
    result = answer(q, k, v, causal=True, tile=2)
    return {"what the first four positions get": result[:4] if isinstance(result, torch.Tensor) else result}


@flash_attention.probe("400 positions, a mask (1, 400), causal, tiles of 16: how much memory is taken?", varied=False)
def _(answer, rng):
    q, k, v = _qkv(rng, query=400, key=400)
    taken = flash.peak_bytes(answer, q, k, v, torch.ones(1, 400, dtype=torch.bool), causal=True, tile=16)
    if taken >= 400 * 400:
        raise Problem(
            "memory",
            f"{taken:,} bytes were taken at one time. 400 × 400 scores are 640,000, tiles of 16 × 16 are 1,024: hold "
            "a few tiles at a time, and no mask of all positions.",
        )
    return {"taken at one time": "little"}


PART_OF_MASK = "mask[..., i * tile : (i + 1) * tile, j * tile : (j + 1) * tile]"
BREAK = "            if causal and j > i:\n                break\n"
MERGED = "part if so_far is None else merge_tiles(so_far, part)"
STRETCH = "mask = mask.expand(*mask.shape[:-2], q.shape[-2], k.shape[-2])"
DIVIDED = "mixed / total.where(total > 0, 1.0)"
# fmt: off
flash_attention.mistakes(
    future_on_the_diagonal=("on the diagonal the future is seen: tiles with i = j need the causal mask.",
        edit("causal and i == j", "False")),
    future_tiles=("tiles of the future are seen: leave out j > i where causal is asked for.", edit(BREAK, "")),
    causal_everywhere=("tiles of the past are cut by the triangle too; only the diagonal's need it.",
        edit("causal and i == j", "causal")),
    never_causal=("`causal` is not used.", edit(BREAK, "", "causal and i == j", "False")),
    always_causal=("the future is hidden although `causal` was not asked for.",
        edit("causal and j > i", "j > i", "causal and i == j", "i == j")),
    not_divided=("the mix is not divided by the denominator at the end.", edit(DIVIDED, "mixed")),
    nan=("0 / 0 where a query sees no key: the mix is 0 there.", edit(DIVIDED, "mixed / total")),
    mask_ignored=("the mask is not used.", edit(f"None if mask is None else {PART_OF_MASK}", "None")),
    mask_not_stretched=("a mask with an axis of size 1 cannot be cut: stretch it first, with expand.",
        edit(STRETCH, "pass")),
    mask_turned=("queries and keys of the mask are mixed up: rows go with i, columns with j.",
        edit(PART_OF_MASK, "mask[..., j * tile : (j + 1) * tile, i * tile : (i + 1) * tile]")),
    first_of_the_mask=("every tile gets the mask's first corner: cut out the piece at (i, j).",
        edit(PART_OF_MASK, "mask[..., : queries.shape[-2], : keys.shape[-2]]")),
    mask_inverted=("the mask is the wrong way round: True is where looking is allowed.",
        edit(STRETCH, f"{STRETCH[:7]}~{STRETCH[7:]}")),
    last_tile_only=("only the last tile counts: merge it with what was there.", edit(MERGED, "part")),
    first_tile_only=("only the first tile counts: merge the others with it.",
        edit(MERGED, "part if so_far is None else so_far")),
    goes_on=(
        "a tile of queries goes on with what another one has gathered: begin anew for each.",
        edit("    rows = []\n", "    rows, so_far = [], None\n", "        so_far = None\n", ""),
    ),
    wrong_axis=("the tiles are joined along another axis than the queries'.",
        edit("torch.cat(rows, dim=-2)", "torch.cat(rows, dim=0)"),
        edit("torch.cat(rows, dim=-2)", "torch.cat(rows, dim=-1)")),
    detached=("no gradient flows: something is detached.",
        edit(f"rows.append({DIVIDED})", f"rows.append(({DIVIDED}).detach())")),
    from_the_end=("with causal, query i sees keys 0 to i: both are counted from the first, however many there are.",
        *(edit("    rows = []", f"    apart = {apart}\n    if causal and apart:\n        causal, earlier = False, "
               "torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril(apart)\n"
               "        mask = earlier if mask is None else mask & earlier\n    rows = []")
          for apart in ("k.shape[-2] - q.shape[-2]", "max(0, k.shape[-2] - q.shape[-2])"))),
    own_denominators=("each tile gets a softmax of its own, and the mixes are averaged: merge before you divide.",
        edit(MERGED, "(part[0], j + 1 + 0 * part[1], part[2] / part[1].where(part[1] > 0, 1.0) "
             "+ (0 if so_far is None else so_far[2]))"),
        edit("    rows = []", "    seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool)\n"
             "    seen = (seen.tril() if causal else seen) & (True if mask is None else mask)\n"
             "    tiles = zip(k.split(tile, -2), v.split(tile, -2), seen.split(tile, -1))\n"
             "    mixes = [part[2] / part[1].where(part[1] > 0, 1.0) for part in (attend_tile(q, *t) for t in tiles)]\n"
             "    return sum(mixes) / len(mixes)\n    rows = []")),
    masks_the_future=(
        "positions of the future are computed and then hidden: leave out whole tiles, of the size that is asked for.",
        edit(
            BREAK,
            "            if causal and j > i:\n"
            "                none = torch.zeros(1, 1, dtype=torch.bool)\n"
            "                so_far = merge_tiles(so_far, attend_tile(queries, keys, values, none))\n"
            "                continue\n",
        ),
    ),
)
# fmt: on


@flash_attention.mistake("all scores are made at once: go through tiles, and leave out those of the future.")
def all_at_once(q, k, v, mask=None, causal=False, tile=64):
    if causal:
        earlier = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
        mask = earlier if mask is None else mask & earlier
    return attention(q, k, v, mask)[0]


@flash_attention.mistake("the last tile is left out where it is smaller than the others.")
def whole_tiles(q, k, v, mask=None, causal=False, tile=64):
    whole = max(k.shape[-2] // tile, 1) * tile
    if mask is not None:
        mask = mask.expand(*mask.shape[:-2], q.shape[-2], k.shape[-2])[..., :whole]
    return flash.flash_attention(q, k[..., :whole, :], v[..., :whole, :], mask, causal, tile)


# -------------------------------------------------------------------------------------------------------- questions

rescale_factor = Question(
    "rescale_factor",
    lambda: math.exp(2 - 5),
    "all that was summed is e^(score − 2), and e^(score − 5) is wanted: e^(2 − 5) times as much, about 0.05.",
    "What was the largest score before, and what is it now? The terms e^(score − old) must become e^(score − new).",
    (
        (math.exp(3), "That is the other way round: the old terms are too large now, the factor is below 1."),
        (math.exp(1 - 5), "The score before it was 1; what counts is the largest so far."),
        (math.exp(-5), "Seen from 0? What counts is the largest score so far: the sum has 2 taken off already."),
        (-3.0, "That is the exponent. Which number do you multiply by?"),
    ),
    within=0.01,
)


def _skipped_tiles() -> int:
    """Counted: tiles of 128 queries and 128 keys in which the last query stands before the first key."""
    tiles = range(0, 4096, 128)
    return sum(query + 127 < key for query in tiles for key in tiles)


skipped_tiles = Question(
    "skipped_tiles",
    _skipped_tiles,
    "tile row i leaves out the 31 − i tiles at its right: 31 + 30 + ... + 0 = 32 · 31 / 2. Nearly half of the work.",
    "Draw 4 × 4 tiles first. Those on the diagonal hold both past and future, so they are computed.",
    (
        (528, "That is how many are computed, the diagonal included."),
        (512, "Exactly half would also leave out half of the diagonal's tiles; those are needed."),
        (480, "Row i leaves out 31 − i tiles: the first row 31 of them."),
    ),
)
accepted_share = Question(
    "accepted_share",
    lambda: speculative.acceptance_rate(torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.1, 0.8, 0.1])).item(),
    "a token is guessed and kept with the smaller of p and q: 0.1 + 0.25 + 0.1.",
    "How often is each token guessed, and how often is it kept then? Multiply, and add the three up.",
    (
        (0.55, "That is how often a guess is refused."),
        (1 - 0.45 / 2, "Do not halve anything: each token counts with the smaller of p and q."),
        (0.1 * 0.5 + 0.8 * 0.25 + 0.1 * 0.25, "That is how often two independent draws agree. The rule keeps more."),
        ((1 + 0.25 / 0.8 + 1) / 3, "Not every token is guessed equally often: weight each with q."),
        (0.25 / 0.8, "That is for the second token alone."),
    ),
    within=1e-3,
)


def _best_draft_length() -> int:
    return max(range(50), key=lambda k: speculative.expected_speedup(0.6, k, cost=0.1))


best_draft_length = Question(
    "best_draft_length",
    _best_draft_length,
    "2.176 / 1.3 = 1.67. One guess less gives 1.96 / 1.2 = 1.63, one more 2.306 / 1.4 = 1.65.",
    "Compute (1 + 0.6 + ... + 0.6^k) / (1 + 0.1 k) for k = 1, 2, 3 ... until it falls.",
)
