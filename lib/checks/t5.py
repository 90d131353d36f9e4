"""Checks of notebook 17, first part: distances in buckets, the bias, attention with it; spans hidden and restored."""

import math

import torch

from lib import relative_positions, spans
from lib.checks.core import Exercise, edit
from lib.checks.probing import fill, gradients, normal, parameters, raises
from lib.checks.t5_answers import (
    answer_f1,
    best_spans,
    candidate_spans,
    far_bucket,
    guessed_places,
    query_std,
    target_length,
    token_span,
)

__all__ = [
    "RelativeBias",
    "answer_f1",
    "best_spans",
    "biased_attention",
    "candidate_spans",
    "corrupt_spans",
    "far_bucket",
    "guessed_places",
    "query_std",
    "relative_buckets",
    "restore_spans",
    "target_length",
    "token_span",
]

relative_buckets = Exercise(relative_positions.relative_buckets)
RelativeBias = Exercise(relative_positions.RelativeBias)
biased_attention = Exercise(relative_positions.biased_attention, returns=("the mix", "the weights"))
corrupt_spans = Exercise(spans.corrupt_spans, returns=("inputs", "targets"))
restore_spans = Exercise(spans.restore_spans)


# -------------------------------------------------------------------------------------------------- relative_buckets


def sure(furthest_seen, two_sided, n_buckets, furthest):
    """Distances to both sides whose bucket does not hang on how a logarithm is rounded."""
    n = n_buckets // 2 if two_sided else n_buckets
    exact = n // 2

    def clear(size):
        if size <= exact or size >= furthest:
            return True
        number = (n - exact) * math.log(size / exact) / math.log(furthest / exact)
        return abs(number - round(number)) > 1e-3

    return torch.tensor([d for d in range(-furthest_seen, furthest_seen + 1) if clear(abs(d))])


@relative_buckets.probe("the distances -3 to 3, 8 buckets for both sides, furthest 16")
def _(answer, rng):
    return answer(torch.arange(-3, 4), True, 8, 16)


@relative_buckets.probe("the distances -9 to 2, 8 buckets for the past alone, furthest 20")
def _(answer, rng):
    return answer(torch.arange(-9, 3), False, 8, 20)


@relative_buckets.probe("the distances -300 to 300, all else as it is by default")
def _(answer, rng):
    return answer(sure(300, True, 32, 128))


@relative_buckets.probe("the distances -300 to 300 for the past alone, all else as it is by default")
def _(answer, rng):
    return answer(sure(300, True, 32, 128), two_sided=False)


@relative_buckets.probe("13 buckets for the past alone, furthest 47: distances in three axes, 2, 3 and 5")
def _(answer, rng):
    return answer(torch.randint(-60, 20, (2, 3, 5), generator=rng), False, 13, 47)


@relative_buckets.probe("one distance without an axis; and a million")
def _(answer, rng):
    return [answer(torch.tensor(-5), True, 10, 23), answer(torch.tensor([10**6, -(10**6)]), True, 10, 23)]


@relative_buckets.probe("as few buckets as there may be, and furthest just above the exact ones")
def _(answer, rng):
    near = torch.arange(-4, 5)
    return [answer(near, True, 4, 2), answer(near, False, 2, 2), answer(near, True, 12, 4), answer(near, False, 6, 4)]


@relative_buckets.probe("sizes that leave no room: ValueError is asked for", varied=False)
def _(answer, rng):
    near = torch.arange(-4, 5)
    return {
        "3 buckets for two sides": raises(ValueError, answer, near, True, 3, 16),
        "1 bucket for one side": raises(ValueError, answer, near, False, 1, 16),
        "12 buckets for two sides, furthest 3": raises(ValueError, answer, near, True, 12, 3),
        "12 buckets for one side, furthest 5": raises(ValueError, answer, near, False, 12, 5),
    }


SHARE = "torch.log(size.clamp(min=1) / exact) / math.log(furthest / exact)"
ROUGH, CHOICE = "exact + (share * (n - exact)).long()", "torch.where(size < exact, size, rough.clamp(max=n - 1))"
TOO_SMALL = "exact < 1 or furthest <= exact"
# fmt: off
relative_buckets.mistakes(
    sides_swapped=("the second half of the buckets is for keys after the query, whose distance is above 0.",
        edit("distance > 0", "distance < 0")),
    zero_is_after=("distance 0, the query itself, belongs to the first half: only keys after it to the second.",
        edit("distance > 0", "distance >= 0")),
    other_way_round=("the signs are taken the other way round: keys before the query have distances below 0.",
        edit("    n, first", "    distance = -distance\n    n, first")),
    future_for_past=("without the second side, it is the keys before the query (distances below 0) that count.",
        edit("(-distance).clamp(min=0)", "distance.clamp(min=0)")),
    future_by_size=("without the second side, keys after the query count as distance 0.",
        edit("(-distance).clamp(min=0)", "distance.abs()")),
    one_half=("both sides share the same buckets: the second half is for keys after the query.",
        edit("first = n * (distance > 0)", "first = 0")),
    full_sides=("each side gets all buckets: with two sides each has half of them.",
        edit("n, size = n_buckets // 2,", "n, size = n_buckets,")),
    negative_sizes=("a distance to the left has a size too: take its absolute value.",
        edit("distance.abs()", "distance.clamp(min=0)")),
    always_two_sided=("two_sided=False has no effect.", edit("if two_sided:", "if True:")),
    never_two_sided=("two_sided=True has no effect: the second half is for keys after the query.",
        edit("if two_sided:", "if False:")),
    only_exact=("far distances have no shared buckets: from n // 2 on they get wider and wider.",
        edit(CHOICE, "size.clamp(max=n - 1)")),
    linear=("the shared buckets are all equally wide: take logarithms.",
        edit(SHARE, "(size - exact) / (furthest - exact)")),
    not_over_exact=("the logarithm is that of the distance: divide it by n // 2 first.",
        edit(SHARE, "torch.log(size.clamp(min=1)) / math.log(furthest)"),
        edit("size.clamp(min=1) / exact", "size.clamp(min=1)")),
    wrong_base=("the logarithm is divided by ln(furthest); divide by ln(furthest / (n // 2)), so that it ends at 1.",
        edit("math.log(furthest / exact)", "math.log(furthest)")),
    two_bases=("two different logarithms are divided: the same one above and below.",
        edit("torch.log(", "torch.log2("), edit("math.log(", "math.log2("), edit("torch.log(", "torch.log10(")),
    log1p=("ln(1 + x) is not ln(x): it should be 0 at n // 2.", edit("torch.log(", "torch.log1p(")),
    whole_ratio=("the ratio is rounded down before the logarithm: `/`, not `//`.",
        edit("size.clamp(min=1) / exact", "(size // exact).clamp(min=1)")),
    rounded=("the number is rounded to the nearest: round down.",
        edit("(share * (n - exact)).long()", "(share * (n - exact)).round().long()")),
    rounded_up=("the number is rounded up: round down.",
        edit("(share * (n - exact)).long()", "(share * (n - exact)).ceil().long()")),
    times_n=("the logarithm is multiplied by n: n - n // 2 buckets are left for the far distances.",
        edit(ROUGH, "exact + (share * n).long()")),
    too_few_shared=("the logarithm is multiplied by one too few: n - n // 2 buckets are left for the far distances.",
        edit(ROUGH, "exact + (share * (n - exact - 1)).long()")),
    times_exact=("the logarithm is multiplied by n // 2: n - n // 2 buckets are left, one more where n is odd.",
        edit(ROUGH, "exact + (share * exact).long()")),
    not_after_exact=("the shared buckets begin at 0: they come after the first n // 2.",
        edit(ROUGH, "(share * (n - exact)).long()")),
    one_later=("the shared buckets begin one too late; they should begin at bucket n // 2.",
        edit(ROUGH, "exact + 1 + (share * (n - exact)).long()")),
    never_exact=("near distances have a bucket each: the logarithm is only for those from n // 2 on.",
        edit(CHOICE, "rough.clamp(min=0, max=n - 1)")),
    choice_swapped=("near and far are swapped: below n // 2 the distance is the bucket.",
        edit("torch.where(size < exact, size, rough.clamp(max=n - 1))",
             "torch.where(size < exact, rough.clamp(0, n - 1), size)")),
    beyond=("distances from `furthest` on leave the buckets: they share the last one of their side.",
        edit("rough.clamp(max=n - 1)", "rough")),
    next_side=("distances from `furthest` on get the number after the last of their side: n - 1 is the last.",
        edit("rough.clamp(max=n - 1)", "rough.clamp(max=n)")),
    last_of_all=("distances from `furthest` on stay in their own side: its last bucket is number n - 1.",
        edit("rough.clamp(max=n - 1)", "rough.clamp(max=n_buckets - 1)")),
    early_last=("the last bucket of a side is never used.", edit("rough.clamp(max=n - 1)", "rough.clamp(max=n - 2)")),
    far_is_zero=("distances from `furthest` on share the last bucket; they are not left out.",
        edit("return first +", "return first + (size < furthest) *"),
        edit(CHOICE, f"{CHOICE}.where(size < furthest, torch.zeros_like(size))")),
    half_of_all=("a side of n buckets gives n // 2 to the near distances: with two sides n is half of n_buckets.",
        edit("exact = n // 2", "exact = n_buckets // 2")),
    quarter=("n is halved twice: a side of n buckets gives n // 2 to the near distances.",
        edit("exact = n // 2", "exact = max(1, n // 4)")),
    always_32=("n_buckets is not used: it is 32 only by default.", edit("= n_buckets", "= 32")),
    always_128=("furthest is not used: it is 128 only by default.", edit("math.log(furthest", "math.log(128")),
    no_error=("sizes that leave no room: ValueError is asked for.", edit(TOO_SMALL, "False")),
    only_buckets_told=("furthest has to be above n // 2, else ValueError is asked for.", edit(TOO_SMALL, "exact < 1")),
    only_furthest_told=("a side has two buckets at least, else ValueError is asked for.",
        edit(TOO_SMALL, "exact > 0 and furthest <= exact")),
    equal_passes=("furthest has to be above n // 2: where they are equal there is no room.",
        edit("furthest <= exact", "furthest < exact")),
    too_strict=("ValueError is for a side of fewer than two buckets: two are enough.",
        edit("exact < 1", "n < 3"), edit("exact < 1", "exact < 2")),
    floats=("buckets are whole numbers, int64.", edit("(share * (n - exact)).long()", "(share * (n - exact)).floor()")),
    small_ints=("buckets are int64: 32-bit whole numbers are another type.",
        edit("return first + torch.where(size < exact, size, rough.clamp(max=n - 1))",
             "return (first + torch.where(size < exact, size, rough.clamp(max=n - 1))).int()")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------ RelativeBias


def _filled(answer, rng, *sizes):
    return fill(answer(*sizes), rng).requires_grad_(False)


@RelativeBias.probe("its parameters: 3 heads, 10 buckets; what is saved of it", varied=False)
def _(answer, rng):
    module = answer(3, True, 10, 23)
    return parameters(module) | {"what `state_dict()` saves": sorted(module.state_dict())}


@RelativeBias.probe(
    "2 heads, both sides, 3 queries, 3 keys; bucket b has b in head 0, -b in head 1, then 2b and -2b", varied=False
)
def _(answer, rng):
    layer, found = answer(2, True, 8, 16).requires_grad_(False), []
    for size in (1, 2):
        for weight in layer.parameters():
            weight.data = size * torch.stack([torch.arange(8.0), -torch.arange(8.0)], dim=1)
        found.append(layer(3, 3).clone())
    return {"the bias": found[0], "the bias once the table has changed": found[1]}


@RelativeBias.probe("3 heads, the past alone, 11 buckets, furthest 13: 17 positions", varied=False)
def _(answer, rng):
    return _filled(answer, rng, 3, False, 11, 13)(17, 17)


@RelativeBias.probe("3 heads, both sides: the last 2 of 7 positions ask, then the last of 13")
def _(answer, rng):
    layer = _filled(answer, rng, 3, True, 12, 29)
    return [layer(2, 7), layer(1, 13)]


@RelativeBias.probe("one head, the past alone, all else by default: the last of 300 positions asks")
def _(answer, rng):
    return _filled(answer, rng, 1, False)(1, 300)


@RelativeBias.probe("2 heads, both sides: 3 of 1,100 positions ask", varied=False)
def _(answer, rng):
    return _filled(answer, rng, 2, True)(3, 1100)


@RelativeBias.probe("the gradients of the table")
def _(answer, rng):
    layer = fill(answer(2, True, 6, 5), rng)
    return gradients(layer(3, 7), table=next(layer.parameters()))


@RelativeBias.probe("3 buckets for two sides, too few: ValueError is asked for", varied=False)
def _(answer, rng):
    return raises(ValueError, lambda: answer(2, True, 3, 16)(4, 4))


DISTANCE, TURNED = "positions - positions[keys - queries :, None]", ".permute(2, 0, 1)"
# fmt: off
RelativeBias.mistakes(
    query_minus_key=("the distance is the position of the key minus that of the query, not the other way round.",
        edit(DISTANCE, "positions[keys - queries :, None] - positions")),
    from_the_start=("the queries are taken for the first of the keys: with a cache they are the last ones.",
        edit("positions[keys - queries :, None]", "positions[:queries, None]")),
    one_too_far=("the queries end at the last key: the last of them has distance 0 from it.",
        edit(DISTANCE, f"{DISTANCE} - 1"), edit(DISTANCE, f"{DISTANCE} + 1")),
    keys_by_queries=("rows and columns are swapped: (heads, query, key).", edit(TURNED, ".permute(2, 1, 0)")),
    heads_last=("the heads come first: (heads, query, key).", edit(TURNED, "")),
    heads_in_the_middle=("the heads come first: (heads, query, key).", edit(TURNED, ".permute(0, 2, 1)")),
    read_as=("a view does not turn axes, it mixes the numbers up: `permute` moves the heads to the front.",
        edit(TURNED, ".reshape(-1, queries, keys)")),
    with_a_batch=("three axes are asked for: (heads, query, key), no batch.", edit(TURNED, ".permute(2, 0, 1)[None]")),
    without_signs=("before and after are one: the distance keeps its sign, relative_buckets wants to know it.",
        edit(DISTANCE, f"({DISTANCE}).abs()")),
    always_two_sided=("two_sided is not handed on: buckets for both sides, whatever it says.",
        edit("self.two_sided, self.table", "True, self.table")),
    never_two_sided=("two_sided is not handed on: buckets for the past alone, whatever it says.",
        edit("self.two_sided, self.table", "False, self.table")),
    always_128=("furthest is not handed on: it is 128 only by default.", edit(", self.furthest)", ")")),
    half_the_buckets=("n_buckets is halved here too: relative_buckets does it.",
        edit("self.table.num_embeddings, self.furthest", "self.table.num_embeddings // 2, self.furthest")),
    clipped=("distances are cut off at the number of buckets: relative_buckets gives the bucket of each.",
        edit("relative_buckets(distance, self.two_sided, self.table.num_embeddings, self.furthest)",
             "distance.abs().clamp(max=self.table.num_embeddings - 1)")),
    first_head=("all heads get the number of the first: each has its own.",
        edit(TURNED, f"{TURNED}[:1].expand(self.table.embedding_dim, -1, -1)")),
    averaged=("all heads get the mean of their numbers: each has its own.",
        edit(TURNED, f"{TURNED}.mean(0, keepdim=True).expand(self.table.embedding_dim, -1, -1)")),
    transposed=("the table has a row for each bucket: (n_buckets, n_heads).",
        edit("nn.Embedding(n_buckets, n_heads)", "nn.Embedding(n_heads, n_buckets)",
             "self.table.num_embeddings", "self.table.embedding_dim",
             "self.table(buckets).permute(2, 0, 1)", "self.table.weight[:, buckets]")),
    always_32=("n_buckets is not used: it is 32 only by default.",
        edit("nn.Embedding(n_buckets,", "nn.Embedding(32,"),
        edit("self.table.num_embeddings, self.furthest", "32, self.furthest")),
    one_for_each_side=("the table holds the buckets of both sides already: n_buckets rows, not twice as many.",
        edit("nn.Embedding(n_buckets,", "nn.Embedding(2 * n_buckets,",
             "self.table.num_embeddings", "self.table.num_embeddings // 2")),
    scaled=("the numbers are divided: what the table holds is added as it is.", edit(TURNED, f"{TURNED} / 8")),
    as_weights=("a softmax is taken: the numbers are added to the scores, the softmax comes after.",
        edit(TURNED, f"{TURNED}.softmax(-1)")),
    decoder_masked=("a mask is mixed in: the bias is finite everywhere, the mask has a place of its own.",
        edit(TURNED, f"{TURNED} + (distance > 0) * (0.0 if self.two_sided else -1e9)"),
        edit(TURNED, f"{TURNED}.masked_fill((distance > 0) & (not self.two_sided), -math.inf)")),
    detached=("no gradient reaches the table: it is to be learned.", edit(TURNED, f"{TURNED}.detach()")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------- biased_attention


def _three(rng, *leading, query=3, key=5, d_head=7, d_value=11):
    return [normal(*leading, *sizes, rng=rng) for sizes in ((query, d_head), (key, d_head), (key, d_value))]


def _mask(rng, *shape):
    """Random; every query may look somewhere, and the last one not everywhere."""
    mask = torch.rand(shape, generator=rng) > 0.4
    mask[..., 0] = True
    mask[..., -1, -1] = False
    return mask


@biased_attention.probe("two queries and two keys of four numbers, a bias for each of the four pairs")
def _(answer, rng):
    q, k = torch.tensor([[1.0, 0, 1, 0], [0, 2, 0, 0]]), torch.tensor([[1.0, 0, 1, 0], [0, 1, 1, 0]])
    return answer(q, k, torch.eye(2), torch.tensor([[0.0, 1.0], [3.0, 0.0]]))


@biased_attention.probe("neither bias nor mask, no leading axis")
def _(answer, rng):
    return answer(*_three(rng))


@biased_attention.probe("batch 2, 13 heads, a bias for each head, a mask for each row of the batch")
def _(answer, rng):
    return answer(*_three(rng, 2, 13), normal(13, 3, 5, rng=rng), _mask(rng, 2, 1, 1, 5))


@biased_attention.probe("three leading axes in float64, a bias for each key, a mask for each query and key")
def _(answer, rng):
    q, k, v = (part.double() for part in _three(rng, 2, 3, 5, query=7, key=11, d_head=2, d_value=13))
    return answer(q, k, v, normal(11, rng=rng).double(), _mask(rng, 7, 11))


@biased_attention.probe(
    "a mask that leaves one query nothing to look at, and one of padding (batch, 1, key) a whole text"
)
def _(answer, rng):
    mask = _mask(rng, 2, 3, 5)
    mask[1, 1] = False
    padding = torch.tensor([[[True] * 5], [[False] * 5]])
    parts, bias = _three(rng, 2), normal(3, 5, rng=rng)
    return [*answer(*parts, bias, mask), *answer(*parts, bias, padding)]


@biased_attention.probe(
    "300 positions, batch of one, scores from -30,000 to 794, and far higher ones that the mask hides"
)
def _(answer, rng):
    parts = _three(rng, 1, 2, query=300, key=300, d_head=2, d_value=3)
    q, k, v = (part.double() for part in parts)  # in 32 bits such scores are rounded
    place = torch.arange(300)
    apart = (place - place[:, None]).abs()
    bias = 800.0 - 2 * apart.double()
    bias[0] -= 30_000
    return answer(q, k, v, torch.where(apart > 2, bias, 20_000.0), apart > 2)


@biased_attention.probe("the gradients for q, k, v and the bias, with a query that may look nowhere")
def _(answer, rng):
    q, k, v = (part.requires_grad_() for part in _three(rng, 2))
    bias, mask = normal(3, 5, rng=rng).requires_grad_(), _mask(rng, 2, 3, 5)
    mask[0, 2] = False
    return gradients(torch.cat([part.flatten() for part in answer(q, k, v, bias, mask)]), q=q, k=k, v=v, bias=bias)


SCORES, HIDDEN = "q @ k.transpose(-2, -1) + bias", "scores.masked_fill(~mask, -math.inf)"
ZEROED = "weights.masked_fill(~mask, 0.0)"
# fmt: off
biased_attention.mistakes(
    divided=("the scores are divided by √d_head: T5 leaves that out.",
        edit(SCORES, "q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]) + bias")),
    all_divided=("scores and bias are divided by √d_head: T5 leaves that out.",
        edit(SCORES, "(q @ k.transpose(-2, -1) + bias) / math.sqrt(q.shape[-1])")),
    divided_by_d=("the scores are divided by d_head: T5 divides by nothing.",
        edit(SCORES, "q @ k.transpose(-2, -1) / q.shape[-1] + bias")),
    subtracted=("the bias is subtracted: add it.", edit(SCORES, "q @ k.transpose(-2, -1) - bias")),
    multiplied=("the scores are multiplied by the bias: add it.", edit(SCORES, "q @ k.transpose(-2, -1) * bias")),
    no_bias=("the bias is not added to the scores.", edit(SCORES, "q @ k.transpose(-2, -1)")),
    bias_alone=("queries and keys are not compared: the scores are QKᵀ + bias.",
        edit(SCORES, "0 * (q @ k.transpose(-2, -1)) + bias")),
    after_softmax=("the bias is added to the weights: add it to the scores, before the softmax.",
        edit(SCORES, "q @ k.transpose(-2, -1)", "scores.softmax(-1)", "scores.softmax(-1) + bias"),
        edit(SCORES, "q @ k.transpose(-2, -1)", "    return", "    weights = weights + bias\n    return")),
    bias_in_both=("the bias is added twice, to scores and weights; add it to the scores only.",
        edit("scores.softmax(-1)", "scores.softmax(-1) + bias")),
    bias_twice=("the bias is added twice.", edit(SCORES, f"{SCORES} + bias")),
    over_queries=("the softmax runs over the queries: the weights of a query add up to 1 (dim=-1).",
        edit("softmax(-1)", "softmax(-2)")),
    no_softmax=("the weights are the scores themselves: softmax.", edit("scores.softmax(-1)", "scores")),
    by_hand=("exp of a large score overflows: subtract the largest first, or take torch's softmax.",
        edit("scores.softmax(-1)", "scores.exp() / scores.exp().sum(-1, keepdim=True)"),
        edit("scores.softmax(-1)", "(q @ k.transpose(-2, -1) + bias).exp() * (1 if mask is None else mask)\n"
             "    weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-30)", ZEROED, "weights")),
    inverted=("the mask is used the wrong way round: True is where looking is allowed.", edit("~mask", "mask")),
    mask_after=("what the mask forbids is set to 0 after the softmax: the rest adds up to less than 1; -inf before it.",
        edit(HIDDEN, "scores")),
    zero_scores=("a score of 0 is a score: what the mask forbids gets -inf.", edit("-math.inf", "0.0")),
    not_far_enough=("a score that is only somewhat low may still be the highest: what the mask forbids gets -inf.",
        edit("-math.inf", "-1.0"), edit("-math.inf", "-100.0"), edit("-math.inf", "-1e4"),
        edit(HIDDEN, "scores - 1e4 * ~mask")),
    nan=("a query that may look nowhere gets NaN: weights and mix should be 0.", edit(ZEROED, "weights")),
    everywhere=("a query that may look nowhere looks everywhere: weights and mix should be 0.",
        edit("-math.inf", "-1e9", ZEROED, "weights"), edit("-math.inf", "-1e9", ZEROED, "weights.nan_to_num(0.0)")),
    nan_backwards=("gradients become NaN where a query may look nowhere: hide by `masked_fill`, do not add -inf.",
        edit(HIDDEN, "scores + torch.where(mask, 0.0, -math.inf)", ZEROED, "weights.nan_to_num(0.0)"),
        edit(HIDDEN, "scores + torch.where(mask, 0.0, -math.inf)")),
    first_head=("all heads get the bias of the first: each has its own.",
        edit("+ bias", "+ (bias[:1] if isinstance(bias, Tensor) and bias.ndim > 2 else bias)")),
    mix_only=("the weights are asked for too: return both.", edit("return weights @ v, weights", "return weights @ v")),
    scores_for_weights=("the scores come back in place of the weights.",
        edit("return weights @ v, weights", "return weights @ v, scores")),
    no_mix=("the values are not mixed: weights @ v.", edit("weights @ v, weights", "v, weights")),
    mask_ignored=("the mask is not used.", edit("mask is not None", "False")),
    detached_bias=("no gradient reaches the bias: its numbers are to be learned.",
        edit("+ bias", "+ torch.as_tensor(bias).detach()")),
    detached=("no gradient flows through the weights.", edit("scores.softmax(-1)", "scores.softmax(-1).detach()")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------------- corrupt_spans

THANKS = ["thank", "you", "for", "inviting", "me", "to", "your", "party", "last", "week"]
SENTINELS = list(range(100, 140))


def _text(rng, length):
    return torch.randint(0, 90, (length,), generator=rng).tolist()


def _spans(rng, length):
    """Runs of one to three tokens, one or two tokens apart, the first one not before token 1."""
    found, at = [], 0
    for gap, run in torch.randint(0, 2, (length, 2), generator=rng).tolist():
        start, end = at + 1 + gap, at + 2 + gap + 2 * run
        if end > length:
            return found
        found.append((start, end))
        at = end


@corrupt_spans.probe(
    "'thank you for inviting me to your party last week', of which tokens 2 to 3 and token 8 are hidden"
)
def _(answer, rng):
    return answer(THANKS, [(2, 4), (8, 9)], ["<X>", "<Y>", "<Z>"])


@corrupt_spans.probe("the first token and the last three of the tokens 0 to 6 are hidden, sentinels from -4 on")
def _(answer, rng):
    return answer([0, 1, 2, 3, 4, 5, 6], [(0, 1), (4, 7)], [-4, -3, -2, -1])


@corrupt_spans.probe("two spans with one token between them, tokens that occur twice, and the id 0")
def _(answer, rng):
    return answer([0, 6, 6, 0, 6, 7, 5], [(1, 3), (4, 6)], [103, 102, 101, 100])


@corrupt_spans.probe("nothing is hidden; all is hidden; an empty text")
def _(answer, rng):
    calls = {"nothing": ([5, 6], []), "all": ([5, 6, 7], [(0, 3)]), "empty": ([], [])}
    pairs = {name: answer(*call, SENTINELS) for name, call in calls.items()}
    return {f"{name}: {part}": found for name, pair in pairs.items() for part, found in zip(PARTS, pair, strict=True)}


@corrupt_spans.probe("300 tokens, some of them hidden, sentinels from 50,300 downwards")
def _(answer, rng):
    ids = [50_000 + token for token in _text(rng, 300)]
    hidden = _spans(rng, 300)
    return answer(ids, hidden, [50_300 - i for i in range(len(hidden) + 1)])


@corrupt_spans.probe("as many sentinels as spans, which is one too few: ValueError is asked for", varied=False)
def _(answer, rng):
    return {
        "2 spans, 2 sentinels": raises(ValueError, answer, [1, 2, 3, 4], [(0, 1), (2, 3)], [100, 101]),
        "2 spans, 1 sentinel": raises(ValueError, answer, [1, 2, 3, 4], [(0, 1), (2, 3)], [100]),
        "no span, no sentinel": raises(ValueError, answer, [1, 2], [], []),
    }


PARTS = "inputs", "targets"
SHOWN, RUN, LAST = "[*ids[at:start], sentinel]", "[sentinel, *ids[start:end]]", "[*targets, sentinels[len(spans)]]"
# fmt: off
corrupt_spans.mistakes(
    no_end=("the last sentinel is missing: the targets end with one more, which says that nothing follows.",
        edit(LAST, "targets")),
    last_of_all=("the targets end with the next sentinel, not with the last of the list.",
        edit("sentinels[len(spans)]", "sentinels[-1]")),
    first_again=("the targets end with the next sentinel, not with the first one again.",
        edit("sentinels[len(spans)]", "sentinels[0]")),
    last_again=("the targets end with a sentinel of its own, not with that of the last span again.",
        edit("sentinels[len(spans)]", "sentinels[len(spans) - 1]")),
    end_in_the_inputs=("one more sentinel ends the targets; the inputs end with the text.",
        edit("[*inputs, *ids[at:]]", "[*inputs, *ids[at:], sentinels[len(spans)]]")),
    end_in_the_wrong_one=("one more sentinel ends the targets, not the inputs.",
        edit("[*inputs, *ids[at:]]", "[*inputs, *ids[at:], sentinels[len(spans)]]", LAST, "targets")),
    rest_lost=("what follows the last span is lost in the inputs.", edit("[*inputs, *ids[at:]]", "inputs")),
    start_lost=("what comes before the first span is lost in the inputs.",
        edit("[], [], 0", "[], [], spans[0][0] if spans else 0")),
    one_for_all=("each span has a sentinel of its own: here all have the first.",
        edit("    for (start", "    if len(spans) > 1:\n"
             "        return corrupt_spans(ids, spans, [sentinels[0]] * len(spans) + [sentinels[len(spans)]])\n"
             "    for (start"),
        edit("[*ids[at:start], sentinel]", "[*ids[at:start], sentinels[0]]",
             "[sentinel, *ids", "[sentinels[0], *ids")),
    one_a_token=("a sentinel stands for a whole span, however many tokens it has.",
        edit(SHOWN, "[*ids[at:start], *[sentinel] * (end - start)]")),
    sentinel_for_each=("each hidden token gets a sentinel of its own; give one to the whole span.",
        edit("    if len", "    spans = [(i, i + 1) for start, end in spans for i in range(start, end)]\n    if len")),
    end_included=("the token at `end` is hidden too: a span ends before it.",
        edit("ids[start:end]", "ids[start:end + 1]", "at = end", "at = end + 1")),
    end_in_both=("the token at `end` stands in the targets too: a span ends before it.",
        edit("ids[start:end]", "ids[start:end + 1]")),
    as_length=("a span is (start, end), not (start, length).",
        edit("ids[start:end]", "ids[start : start + end]", "at = end", "at = start + end")),
    still_there=("the hidden tokens are still in the inputs: the sentinel takes their place.",
        edit(SHOWN, "[*ids[at:start], sentinel, *ids[start:end]]"), edit("at = end", "at = start")),
    from_the_beginning=("before each sentinel all of the text comes again: only what follows the span before.",
        edit("at = end", "at = 0")),
    one_token_left=("the token before a span is lost in the inputs.",
        edit("*ids[at:start]", "*ids[at : max(at, start - 1)]")),
    one_token_skipped=("the token after a span is lost in the inputs.", edit("at = end", "at = end + 1")),
    left_out=("the spans are left out of the inputs: a sentinel marks each place.", edit(SHOWN, "[*ids[at:start]]")),
    run_first=("in the targets a sentinel comes before the tokens of its span.",
        edit(RUN, "[*ids[start:end], sentinel]")),
    no_sentinels=("the targets are hidden tokens only: each span comes after its sentinel.",
        edit(RUN, "[*ids[start:end]]")),
    sentinels_only=("the targets are sentinels only: each is followed by the tokens of its span.",
        edit(RUN, "[sentinel]")),
    whole_text=("the targets are the whole text: only the hidden tokens, each span after its sentinel.",
        edit(LAST, "list(ids)")),
    mirrored=("the targets hold what can be seen: they hold what is hidden.",
        edit(RUN, "[*ids[at:start], sentinel]")),
    swapped=("the inputs come first, then the targets.",
        edit("return [*inputs, *ids[at:]], [*targets, sentinels[len(spans)]]",
             "return [*targets, sentinels[len(spans)]], [*inputs, *ids[at:]]")),
    sorted_sentinels=("the sentinels are taken in the order of the list, whatever their ids.",
        edit("    if len", "    sentinels = sorted(sentinels, key=str)\n    if len")),
    from_the_end=("the sentinels are taken from the end of the list; take them in its order.",
        edit("    if len", "    sentinels = list(sentinels)[::-1]\n    if len")),
    counted=("the sentinels are counted up from the first one: take those of the list.",
        edit("    if len", "    if len(sentinels) and isinstance(sentinels[0], int):\n"
             "        sentinels = [sentinels[0] + i for i in range(len(sentinels))]\n    if len")),
    equal_tokens=("tokens equal to hidden ones are hidden too: a span is a place in the text.",
        edit("[*inputs, *ids[at:]]",
             "[t for t in [*inputs, *ids[at:]] if t not in [x for s, e in spans for x in ids[s:e]]]")),
    no_error=("n spans need n + 1 sentinels: with fewer, ValueError is asked for.",
        edit("if len(sentinels) <= len(spans)", "if False"),
        edit("if len(sentinels) <= len(spans)", "if False", LAST, "[*targets, *sentinels[len(spans) :][:1]]")),
    one_enough=("n spans need n + 1 sentinels, one for the end: with n, ValueError is asked for.",
        edit("len(sentinels) <= len(spans)", "len(sentinels) < len(spans)")),
    nested=("the tokens of a span stand in a list of their own: one flat list of ids.",
        edit(RUN, "[sentinel, ids[start:end]]")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------------- restore_spans


def _corrupted(rng, length):
    ids = _text(rng, length)
    return (*spans.corrupt_spans(ids, _spans(rng, length), SENTINELS), SENTINELS)


@restore_spans.probe("'thank you <X> me to your party <Y> week' and '<X> for inviting <Y> last <Z>'")
def _(answer, rng):
    words = ["<X>", "<Y>", "<Z>"]
    return answer(*spans.corrupt_spans(THANKS, [(2, 4), (8, 9)], words), words)


@restore_spans.probe("300 tokens whose ids are above 50,256, sentinels from 60,300 downwards")
def _(answer, rng):
    ids, hidden = [50_257 + token % 40 for token in _text(rng, 300)], _spans(rng, 300)
    sentinels = [60_300 - i for i in range(len(hidden) + 1)]
    return answer(*spans.corrupt_spans(ids, hidden, sentinels), sentinels)


@restore_spans.probe("the first token and the last two hidden; nothing hidden; everything hidden; an empty text")
def _(answer, rng):
    calls = {"both ends": ([0, 1, 2, 3, 4], [(0, 1), (3, 5)]), "nothing": ([1, 2], []), "all": ([2, 1, 0], [(0, 3)])}
    sentinels = [-3, -2, -1, 5]
    return {
        name: answer(*spans.corrupt_spans(*call, sentinels), sentinels)
        for name, call in {**calls, "empty": ([], [])}.items()
    }


@restore_spans.probe("5 <0> 6 <1> 7 and a model's targets, in which the sentinels are in another order")
def _(answer, rng):
    return answer([5, 100, 6, 101, 7], [101, 3, 4, 100, 1], SENTINELS)


@restore_spans.probe("5 <0> 6 <1> 7 and a model's targets, in which <0> is not there")
def _(answer, rng):
    return answer([5, 100, 6, 101, 7], [101, 3, 102], SENTINELS)


@restore_spans.probe("5 <0> 6 <1> 7 and a model's targets, in which <0> comes twice, and <9> with something after it")
def _(answer, rng):
    return answer([5, 100, 6, 101, 7], [100, 1, 101, 3, 100, 2, 109, 8], SENTINELS)


@restore_spans.probe("5 <0> 6 <1> 7 and a model's targets, in which <9> comes between <0> and <1>")
def _(answer, rng):
    return answer([5, 100, 6, 101, 7], [100, 1, 109, 8, 101, 3], SENTINELS)


@restore_spans.probe("a set of sentinels, 0, 1 and 2; the ids from 3 on")
def _(answer, rng):
    return answer([5, 0, 6, 1, 7], [0, 3, 4, 1, 8, 2], {0, 1, 2})


@restore_spans.probe("5 <0> 6 <1> 7 and a model's targets that begin without a sentinel")
def _(answer, rng):
    return answer([5, 100, 6, 101, 7], [9, 8, 100, 1, 101, 3, 102], SENTINELS)


@restore_spans.probe("5 <0> 6 <1> 7 and a model that has written nothing, and one that has written no sentinel")
def _(answer, rng):
    return [answer([5, 100, 6, 101, 7], targets, SENTINELS) for targets in ([], [3, 4])]


FOUND, PUT = "run = runs.get(token, run)", "runs.get(place, [place])"
AGAIN = "        if token in runs:\n            {}\n        "
# fmt: off
restore_spans.mistakes(
    by_place=("the first sentinel of the inputs gets the first run, whichever it is: a run belongs to its sentinel.",
        edit("    return", "    order = [sentinel for sentinel in dict.fromkeys(targets) if sentinel in runs]\n"
             "    places = [place for place in dict.fromkeys(inputs) if place in runs]\n"
             "    runs = {**{p: [] for p in places}, **{p: runs[s] for p, s in zip(places, order)}}\n    return"),
        edit("    return", "    pieces = []\n    for token in targets:\n        if token in runs:\n"
             "            pieces.append([])\n        elif pieces:\n            pieces[-1].append(token)\n"
             "    runs = {p: [] for p in runs} | dict(zip([p for p in inputs if p in runs], pieces))\n    return")),
    last_run=("a sentinel that stands twice in the targets gets the last run only; it should get both.",
        edit(f"        {FOUND}", AGAIN.format("runs[token] = []") + FOUND)),
    first_run=("a sentinel that stands twice in the targets gets the first run only; it should get both.",
        edit(FOUND, "run = (runs[token] if not runs[token] else []) if token in runs else run")),
    prefix_first=("what comes before the first sentinel of the targets is left out: it belongs to no sentinel.",
        edit("run: list[int] = []", "run: list[int] = next(iter(runs.values()), [])")),
    prefix_in_front=("what comes before the first sentinel of the targets is left out: it belongs to no sentinel.",
        edit("return [token", "prefix = next((i for i, t in enumerate(targets) if t in runs), len(targets))\n"
             "    return [*targets[:prefix]] + [token")),
    prefix_to_the_end=("what comes before the first sentinel belongs to no sentinel, nor to the last.",
        edit("return [token for place in inputs for token in runs.get(place, [place])]",
             "prefix = next((i for i, t in enumerate(targets) if t in runs), len(targets))\n"
             "    return [token for place in inputs for token in runs.get(place, [place])] + [*targets[:prefix]]")),
    stays=("a sentinel without a run stays in the text: nothing comes in its place.",
        edit(PUT, "runs.get(place) or [place]"),
        edit(PUT, "(runs[place] if place in runs and place in targets else [place])")),
    kept=("the sentinels stay in the text: the runs take their places.",
        edit(PUT, "[place, *runs.get(place, [])]"), edit("if token not in runs:", "if True:")),
    one_token=("only the first token of a run comes back: all of them, as far as the next sentinel.",
        edit(PUT, "runs.get(place, [place])[:1]")),
    to_the_end=("a run ends at the next sentinel, not at the end of the targets.",
        edit(PUT, "(runs.get(place, [place]) if place not in runs or place not in targets else "
             "[t for t in targets[targets.index(place):] if t not in runs])")),
    inputs_as_they_are=("nothing is restored: the runs are put in the places of the sentinels.", edit(PUT, "[place]")),
    left_out=("the runs are not put back: they take the places of the sentinels.",
        edit(PUT, "([] if place in runs else [place])")),
    at_the_end=("the runs come after the text: they take the places of the sentinels.",
        edit("    return [token for place in inputs for token in runs.get(place, [place])]",
             "    return [p for p in inputs if p not in runs] + [t for s in runs.values() for t in s]")),
    nested=("a run stands in the text as a list of its own: one flat list of ids.",
        edit("[token for place in inputs for token in runs.get(place, [place])]",
             "[runs.get(place, place) for place in inputs]")),
    strict=("a model may forget a sentinel: nothing comes in its place, and no error.",
        edit("    return", "    if missing := [p for p in inputs if p in runs and p not in targets]:\n"
             "        raise KeyError(missing[0])\n    return")),
    last_dropped=("the last of the targets counts too: a model may have written no sentinel at the end.",
        edit("for token in targets:", "for token in targets[:-1]:")),
    only_the_expected=("a run ends at any sentinel, also at one that is not in the inputs.",
        edit("for sentinel in sentinels", "for sentinel in sentinels if sentinel in inputs")),
    reversed_runs=("the tokens of a run are in reverse order.", edit(PUT, "runs.get(place, [place])[::-1]")),
    end_sentinel=("the end of the targets stands at the end of the text: the sentinel there only says that it is over.",
        edit("return [token for place in inputs for token in runs.get(place, [place])]",
             "return [token for place in inputs for token in runs.get(place, [place])] + list(targets[-1:])")),
    from_the_targets=("what the inputs show is left out: the whole text is asked for.",
        edit(PUT, "runs.get(place, [])")),
)
# fmt: on
