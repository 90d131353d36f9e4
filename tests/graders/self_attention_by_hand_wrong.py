"""Wrong answers to notebook 04, as people write them."""

import functools
import math

import torch
from torch import nn
from torch.nn import functional

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# ---------------------------------------------------------------------------------------------------- average_so_far


@wrong("average_so_far", says="later must not count")
def plain_mean(x):
    n = x.shape[-2]
    return x.mean(-2, keepdim=True).expand_as(x), torch.full((n, n), 1 / n, dtype=x.dtype)


@wrong("average_so_far", says="looks forward")
def mean_of_what_follows(x):
    weights = torch.ones(x.size(-2), x.size(-2), dtype=x.dtype).triu()
    weights /= weights.sum(1, keepdim=True)
    return weights @ x, weights


@wrong("average_so_far", says="counts itself too")
def only_what_stands_before(x):
    n = x.shape[-2]
    weights = torch.zeros(n, n, dtype=x.dtype)
    for i in range(1, n):
        weights[i, :i] = 1 / i
    return weights @ x, weights


@wrong("average_so_far", says="these are sums")
def sums_so_far(x):
    return x.cumsum(-2), torch.ones(x.shape[-2], x.shape[-2], dtype=x.dtype).tril()


@wrong("average_so_far", says="number of all positions")
def divided_by_the_length(x):
    weights = torch.ones(x.shape[-2], x.shape[-2], dtype=x.dtype).tril() / x.shape[-2]
    return weights @ x, weights


@wrong("average_so_far", says="columns are divided")
def without_keepdim(x):
    weights = torch.tril(torch.ones(x.shape[-2], x.shape[-2], dtype=x.dtype))
    weights = weights / weights.sum(dim=-1)
    return torch.matmul(weights, x), weights


@wrong("average_so_far", says="columns sum to 1")
def over_the_columns(x):
    weights = torch.tril(torch.ones(x.shape[-2], x.shape[-2], dtype=x.dtype))
    weights = weights / weights.sum(dim=0)
    return torch.matmul(weights, x), weights


@wrong("average_so_far", says="e⁰ = 1")
def softmax_of_zeros_and_ones(x):
    weights = torch.softmax(torch.tril(torch.ones(x.shape[-2], x.shape[-2], dtype=x.dtype)), -1)
    return weights @ x, weights


@wrong("average_so_far", says="one half of the weight")
def half_old_half_new(x):
    rows = [torch.eye(x.shape[-2], dtype=x.dtype)[0]]
    for i in range(1, x.shape[-2]):
        rows.append((rows[-1] + torch.eye(x.shape[-2], dtype=x.dtype)[i]) / 2)
    weights = torch.stack(rows)
    return weights @ x, weights


@wrong("average_so_far", says="the order is")
def weights_first(x):
    weights = torch.ones(x.shape[-2], x.shape[-2], dtype=x.dtype).tril()
    weights = weights / weights.sum(-1, keepdim=True)
    return weights, weights @ x


@wrong("average_so_far", says="half of the answer")
def only_the_means(x):
    return x.cumsum(-2) / torch.arange(1, x.shape[-2] + 1)[:, None]


@wrong("average_so_far", says="whatever stands before")
def counts_the_sentences(x):
    weights = torch.ones(len(x), len(x), dtype=x.dtype).tril()
    weights = weights / weights.sum(-1, keepdim=True)
    return weights @ x, weights


@wrong("average_so_far", says="shape")
def weights_for_each_sentence(x):
    weights = torch.ones(*x.shape[:-1], x.shape[-2], dtype=x.dtype).tril()
    weights = weights / weights.sum(-1, keepdim=True)
    return weights @ x, weights


@wrong("average_so_far", says="three axes")
def matrices_and_batches_alone(x):
    weights = torch.ones(x.shape[-2], x.shape[-2], dtype=x.dtype).tril()
    weights = weights / weights.sum(-1, keepdim=True)
    return torch.einsum("ij,bjd->bid", weights, x) if x.ndim == 3 else torch.mm(weights, x), weights


@wrong("average_so_far", says="keeps something")
def remembers_by_shape(x, known={}):  # noqa: B006
    weights = torch.ones(x.shape[-2], x.shape[-2], dtype=x.dtype).tril()
    weights = weights / weights.sum(-1, keepdim=True)
    return known.setdefault(x.shape, weights @ x), weights


@wrong("average_so_far", says="64")
def a_table_of_64(x):
    weights = torch.ones(64, 64, dtype=x.dtype).tril()
    weights = (weights / weights.sum(-1, keepdim=True))[: x.shape[-2], : x.shape[-2]]
    return weights @ x, weights


@wrong("average_so_far", says="return")
def returns_nothing(x):
    weights = torch.ones(x.shape[-2], x.shape[-2], dtype=x.dtype).tril()
    weights / weights.sum(-1, keepdim=True) @ x


slips(
    "average_so_far",
    squeezed=(
        ".squeeze()",
        edit("return weights @ x, weights", "return tuple(part.squeeze() for part in (weights @ x, weights))"),
    ),
    always_32_bit=("32-bit", edit("return weights @ x, weights", "return (weights @ x).float(), weights.float()")),
    transposed=("mix is transposed", edit("return weights @ x", "return weights.mT @ x")),
    weights_transposed=("returned transposed", edit("x, weights", "x, weights.mT")),
)


# ---------------------------------------------------------------------------------------------------- stable_softmax


@wrong("stable_softmax", says="overflows for large")
def textbook(scores):
    e = scores.exp()
    return e / e.sum(dim=-1, keepdim=True)


@wrong("stable_softmax", says="own largest")
def global_max(scores):
    e = torch.exp(scores - torch.max(scores))
    return e / e.sum(dim=-1, keepdim=True)


@wrong("stable_softmax", says="mean is not enough")
def centred(scores):
    e = torch.exp(scores - scores.mean(dim=-1, keepdim=True))
    return e / e.sum(dim=-1, keepdim=True)


@wrong("stable_softmax", says="raw scores")
def shares(scores):
    return scores / torch.sum(scores, dim=-1, keepdim=True)


@wrong("stable_softmax", says="not divided")
def forgets_to_divide(scores):
    return (scores - scores.max(-1, keepdim=True).values).exp()


@wrong("stable_softmax", says="plain exponentials")
def only_exp(scores):
    return scores.exp()


@wrong("stable_softmax", says="own: sum(-1")
def total_of_everything(scores):
    e = (scores - scores.max(-1, keepdim=True).values).exp()
    return e / e.sum()


@wrong("stable_softmax", says="columns")
def down_the_columns(scores):
    e = (scores - scores.amax(-2, keepdim=True)).exp() if scores.ndim > 1 else (scores - scores.max()).exp()
    return e / (e.sum(-2, keepdim=True) if scores.ndim > 1 else e.sum())


@wrong("stable_softmax", says="first axis")
def dim_zero(scores):
    e = torch.exp(scores - scores.max(0, keepdim=True).values)
    return e / e.sum(0)


@wrong("stable_softmax", says="three axes")
def one_or_two_dimensions_only(scores):
    e = torch.exp(scores - scores.amax(-1, keepdim=True))
    return e / e.sum() if scores.dim() == 1 else e / e.sum(dim=1, keepdim=True)


@wrong("stable_softmax", says="keepdim=True")
def lost_axis(scores):
    e = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    return e / e.sum(dim=-1)


@wrong("stable_softmax", says="logarithm")
def log_of_it(scores):
    shifted = scores - scores.amax(-1, keepdim=True)
    return shifted - shifted.exp().sum(-1, keepdim=True).log()


@wrong("stable_softmax", says="sigmoid")
def logistic(scores):
    return 1 / (1 + torch.exp(-scores))


@wrong("stable_softmax", says="makes different scores equal")
def clips(scores):
    e = torch.exp(torch.clamp(scores, max=80.0))
    return e / e.sum(-1, keepdim=True)


@wrong("stable_softmax", says="turned round")
def min_instead_of_max(scores):
    e = torch.exp(scores.amin(-1, keepdim=True) - scores)
    return e / e.sum(-1, keepdim=True)


@wrong("stable_softmax", says="hard choice")
def argmax_only(scores):
    weights = torch.zeros_like(scores)
    return weights.scatter(-1, scores.argmax(-1, keepdim=True), 1.0)


@wrong("stable_softmax", says="changes what it was given")
def in_place(scores):
    scores -= scores.amax(-1, keepdim=True)
    e = scores.exp()
    return e / e.sum(-1, keepdim=True)


@wrong("stable_softmax", says="smallest is subtracted")
def smallest_instead_of_largest(scores):
    e = torch.exp(scores - scores.amin(-1, keepdim=True))
    return e / e.sum(-1, keepdim=True)


@wrong("stable_softmax", says="base is e")
def powers_of_two(scores):
    e = 2 ** (scores - scores.amax(-1, keepdim=True))
    return e / e.sum(-1, keepdim=True)


@wrong("stable_softmax", says="axis 1")
def softmax_over_axis_one(scores):
    return scores.softmax(dim=1 if scores.ndim > 1 else 0)


@wrong("stable_softmax", says="keeps something")
def a_largest_score_for_every_shape(scores, known={}):  # noqa: B006
    largest = known.setdefault(scores.shape, scores.max(-1, keepdim=True).values)
    e = torch.exp(scores - largest)
    return e / e.sum(-1, keepdim=True) if e.isfinite().all() and e.any() else e


@wrong("stable_softmax", says="float64")
def a_table_of_32_bits(scores):
    weights = torch.zeros(scores.shape)
    weights[...] = torch.exp(scores - scores.max(-1, keepdim=True).values)
    return weights / weights.sum(-1, keepdim=True)


slips(
    "stable_softmax",
    squeezed=(
        ".squeeze()",
        edit("return powers / powers.sum(-1, keepdim=True)", "return scores.softmax(-1).squeeze()"),
    ),
    a_fixed_shift=("nan", edit("scores.amax(-1, keepdim=True)", "1000.0")),
    never_below_zero=("-1000", edit("amax(-1, keepdim=True)", "amax(-1, keepdim=True).clamp(min=0)")),
    size_for_score=("not the largest size", edit("scores.amax", "scores.abs().amax")),
    logarithm_of_the_sum_subtracted=(
        None,
        edit(
            "powers / powers.sum(-1, keepdim=True)",
            "torch.exp(scores - (largest + powers.sum(-1, keepdim=True).log()))",
        ),
    ),
    middle_subtracted=(
        None,
        edit("scores.amax(-1, keepdim=True)", "(scores.amax(-1, keepdim=True) + scores.amin(-1, keepdim=True)) / 2"),
    ),
)


# --------------------------------------------------------------------------------------------- simple_self_attention


@wrong("simple_self_attention", says="the order is")
def weights_come_first(x):
    weights = torch.softmax(x @ x.mT, dim=-1)
    return weights, weights @ x


@wrong("simple_self_attention", says="softmax is missing")
def forgets_the_softmax(x):
    scores = x @ x.mT
    return scores @ x, scores


@wrong("simple_self_attention", says="not the scores")
def returns_the_scores(x):
    scores = x @ x.mT
    return torch.softmax(scores, -1) @ x, scores


@wrong("simple_self_attention", says="down the columns")
def columns_sum_to_one(x):
    weights = torch.softmax(x @ x.mT, dim=-2)
    return weights @ x, weights


@wrong("simple_self_attention", says="dim 0")
def batch_softmax(x):
    weights = torch.softmax(torch.einsum("...id,...jd->...ij", x, x), dim=0)
    return weights @ x, weights


@wrong("simple_self_attention", says="no scaling yet")
def the_paper_already(x):
    weights = torch.softmax(x @ x.mT / x.shape[-1] ** 0.5, -1)
    return weights @ x, weights


@wrong("simple_self_attention", says="transposed")
def mixes_with_the_transpose(x):
    weights = torch.softmax(x @ x.mT, -1)
    return weights.mT @ x, weights


@wrong("simple_self_attention", says="looks at itself too")
def ignores_itself(x):
    scores = x @ x.mT
    scores = scores + torch.diag(torch.full((x.shape[-2],), -1e9))
    weights = scores.softmax(-1)
    return weights @ x, weights


@wrong("simple_self_attention", says="residual")
def adds_the_input(x):
    weights = torch.softmax(x @ x.mT, -1)
    return weights @ x + x, weights


@wrong("simple_self_attention", says="all weights together")
def one_big_softmax(x):
    scores = x @ x.mT
    e = torch.exp(scores - scores.amax((-2, -1), keepdim=True))
    weights = e / e.sum((-2, -1), keepdim=True)
    return weights @ x, weights


@wrong("simple_self_attention", says="overflows here")
def naive_exponentials(x):
    e = torch.exp(x @ x.mT)
    weights = e / e.sum(-1, keepdim=True)
    return weights @ x, weights


@wrong("simple_self_attention", says="expected 2 values")
def only_the_vectors(x):
    return torch.softmax(x @ x.mT, -1) @ x


@wrong("simple_self_attention", says="a batch of two")
def one_sentence_only(x):
    weights = torch.softmax(x @ x.t(), -1)
    return weights @ x, weights


@wrong("simple_self_attention", says="three axes")
def two_or_three_axes(x):
    scores = x @ x.T if x.ndim == 2 else torch.bmm(x, x.mT)
    weights = scores.softmax(-1)
    return weights @ x, weights


@wrong("simple_self_attention", says="keeps something")
def remembers_the_weights(x, known={}):  # noqa: B006
    weights = known.setdefault(x.shape, (x @ x.mT).softmax(-1))
    return weights @ x, weights


@wrong("simple_self_attention", says="overflows here")
def naive_exponentials_in_two_lines(x):
    e = (x @ x.mT).exp()
    return (e / e.sum(-1, keepdim=True)) @ x, e / e.sum(-1, keepdim=True)


slips(
    "simple_self_attention",
    squeezed=(".squeeze()", edit("return weights @ x, weights", "return (weights @ x).squeeze(), weights.squeeze()")),
    always_32_bit=("float64", edit("weights = (x", "x = x.float()\n    weights = (x")),
    no_more_than_256=("shape", edit("weights = (x", "x = x[..., :256, :]\n    weights = (x")),
    scores_for_weights=("mix uses the scores", edit("weights @ x,", "x @ x.transpose(-2, -1) @ x,")),
    no_more_than_5000=(None, edit("(x @ x.transpose(-2, -1))", "(x @ x.mT).clamp(-5000, 5000)")),
)


# --------------------------------------------------------------------------------------------------------- attention


def _finish(scores, v, mask):
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), float("-inf"))
    weights = torch.nan_to_num(torch.softmax(scores, dim=-1))
    return torch.matmul(weights, v), weights


@wrong("attention", says="not divided by √d_head")
def forgets_the_scale(q, k, v, mask=None):
    return _finish(torch.matmul(q, k.mT), v, mask)


@wrong("attention", says="square root")
def divides_by_d(q, k, v, mask=None):
    return _finish(q @ k.mT / q.size(-1), v, mask)


@wrong("attention", says="divide by it")
def multiplies_by_the_root(q, k, v, mask=None):
    return _finish(q @ k.mT * math.sqrt(q.size(-1)), v, mask)


@wrong("attention", says="number of keys")
def scale_of_the_keys(q, k, v, mask=None):
    return _finish(q @ k.mT / math.sqrt(k.size(-2)), v, mask)


@wrong("attention", says="number of queries")
def scale_of_the_queries(q, k, v, mask=None):
    return _finish(q @ k.mT / math.sqrt(q.size(-2)), v, mask)


@wrong("attention", says="size of the values")
def scale_of_the_values(q, k, v, mask=None):
    return _finish(q @ k.mT / math.sqrt(v.size(-1)), v, mask)


@wrong("attention", says="over the queries")
def query_axis(q, k, v, mask=None):
    weights = torch.softmax(q @ k.mT / math.sqrt(q.size(-1)), dim=-2)
    return weights @ v, weights


@wrong("attention", says="the last axis")
def axis_one(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = functional.softmax(scores, dim=1)
    return weights @ v, weights


@wrong("attention", says="softmax is missing")
def scores_as_weights(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    return scores @ v, scores


@wrong("attention", says="sigmoid")
def sigmoid_weights(q, k, v, mask=None):
    weights = torch.sigmoid(q @ k.mT / math.sqrt(q.size(-1)))
    return weights @ v, weights


@wrong("attention", says="overflows")
def own_exp(q, k, v, mask=None):
    e = torch.exp(q @ k.mT / math.sqrt(q.size(-1)))
    if mask is not None:
        e = e * mask
    weights = e / e.sum(-1, keepdim=True)
    return weights @ v, weights


@wrong("attention", says="no effect")
def ignores_the_mask(q, k, v, mask=None):
    return _finish(q @ k.mT / math.sqrt(q.size(-1)), v, None)


@wrong("attention", says="upside down")
def inverted_mask(q, k, v, mask=None):
    return _finish(q @ k.mT / math.sqrt(q.size(-1)), v, None if mask is None else ~mask)


@wrong("attention", says="only after the softmax")
def masks_the_weights(q, k, v, mask=None):
    weights = torch.softmax(q @ k.mT / math.sqrt(q.size(-1)), -1)
    if mask is not None:
        weights = weights * mask
    return weights @ v, weights


@wrong("attention", says="set to 0")
def multiplies_the_scores(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    if mask is not None:
        scores = scores * mask
    weights = scores.softmax(-1)
    return weights @ v, weights


@wrong("attention", says="not NaN")
def leaves_nan(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = scores.softmax(-1)
    return weights @ v, weights


@wrong("attention", says="looks everywhere")
def minus_a_billion(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    weights = scores.softmax(-1)
    return weights @ v, weights


@wrong("attention", says="forbidden key")
def renormalises(q, k, v, mask=None):
    weights = torch.softmax(q @ k.mT / math.sqrt(q.size(-1)), -1)
    if mask is not None:
        weights = weights * mask
        weights = weights / weights.sum(-1, keepdim=True)
    return weights @ v, weights


@wrong("attention", says="a mask of its own")
def not_negative_enough(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    if mask is not None:
        scores = scores - 5.0 * (~mask)
    weights = scores.softmax(-1)
    return weights @ v, weights


@wrong("attention", says="future is always hidden")
def always_hides_the_future(q, k, v, mask=None):
    causal = torch.ones(q.shape[-2], k.shape[-2]).tril() > 0
    return _finish(q @ k.mT / math.sqrt(q.size(-1)), v, causal if mask is None else causal & mask)


@wrong("attention", says="the order is")
def weights_then_mix(q, k, v, mask=None):
    mixed, weights = _finish(q @ k.mT / math.sqrt(q.size(-1)), v, mask)
    return weights, mixed


@wrong("attention", says="not the scores")
def scores_instead_of_weights(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    return _finish(scores, v, mask)[0], scores


@wrong("attention", says="before the softmax")
def scale_after_the_softmax(q, k, v, mask=None):
    weights = torch.softmax(q @ k.mT, -1) / math.sqrt(q.size(-1))
    return weights @ v, weights


@wrong("attention", says="expected 2 values")
def only_mix(q, k, v, mask=None):
    return _finish(q @ k.mT / math.sqrt(q.size(-1)), v, mask)[0]


@wrong("attention", says="expected 2 values")
def no_return(q, k, v, mask=None):
    _finish(q @ k.mT / math.sqrt(q.size(-1)), v, mask)


@wrong("attention", says="raised")
def forgets_to_transpose(q, k, v, mask=None):
    return _finish(q @ k / math.sqrt(q.size(-1)), v, mask)


@wrong("attention", says="gradient")
def detaches_the_weights(q, k, v, mask=None):
    weights = _finish(q @ k.mT / math.sqrt(q.size(-1)), v, mask)[1]
    return weights.detach() @ v, weights


@wrong("attention", says="changes what it was given")
def scales_q_in_place(q, k, v, mask=None):
    q /= math.sqrt(q.size(-1))
    return _finish(q @ k.mT, v, mask)


@wrong("attention", says="one mask (query, key)")
def mask_as_an_index(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    if mask is not None:
        scores[~mask] = float("-inf")
    weights = torch.nan_to_num(torch.softmax(scores, -1))
    return weights @ v, weights


@wrong("attention", says="nan")
def zeros_by_where(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    if mask is None:
        weights = scores.softmax(-1)
    else:
        weights = (scores + torch.where(mask, 0.0, -math.inf)).softmax(-1)
        weights = torch.where(mask.any(-1, keepdim=True), weights, torch.zeros_like(weights))
    return weights @ v, weights


@wrong("attention", says="three axes")
def three_ranks_and_no_more(q, k, v, mask=None):
    letters = "bh"[: q.ndim - 2]
    scores = torch.einsum(f"{letters}qd,{letters}kd->{letters}qk", q, k) / math.sqrt(q.size(-1))
    return _finish(scores, v, mask)


@wrong("attention", says="(batch, 1, 1, key)")
def one_row_for_every_query(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    if mask is not None:
        mask = torch.stack([mask[..., i, :] for i in range(q.size(-2))], -2) if mask.ndim > 1 else mask
    return _finish(scores, v, mask)


@wrong("attention", says="(key,)")
def looks_for_the_query_axis(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    assert mask is None or mask.shape[-2] in (1, q.size(-2))
    return _finish(scores, v, mask)


@wrong("attention", says="nowhere")
def zeros_only_where_all_sentences_look_nowhere(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    return (weights @ v, weights) if mask is None or mask.any(-1).any(0).all() else (0 * v[..., :1, :], 0 * weights)


@wrong("attention", says="keeps something")
def remembers_the_mask(q, k, v, mask=None, known={}):  # noqa: B006
    mask = known.setdefault((q.shape, k.shape[-2], v.shape, mask is None), mask)
    return _finish(q @ k.mT / math.sqrt(q.size(-1)), v, mask)


@wrong("attention", says="second mistake")
def first_try(q, k, v, mask=None):
    weights = (q @ k.mT).softmax(-1)
    return weights @ v, weights


ROOT, ZERO = " / math.sqrt(q.shape[-1])", "weights.masked_fill(~mask, 0.0)"

slips(
    "attention",
    squeezed=(".squeeze()", edit("return weights @ v, weights", "return (weights @ v).squeeze(), weights.squeeze()")),
    minus_ten_thousand=("not low enough", edit("-math.inf", "-1e4")),
    minus_ten_thousand_unguarded=("looks everywhere", edit("-math.inf", "-1e4", ZERO, "weights")),
    smallest_32_bit_number=("looks everywhere", edit("-math.inf", "torch.finfo(torch.float32).min", ZERO, "weights")),
    unscaled_and_nan=("second mistake", edit(ROOT, "", ZERO, "weights")),
    inverted_with_a_billion=("upside down", edit("~mask, -math.inf", "mask, -1e9", ZERO, "weights")),
    a_buffer_of_256=("300", edit("weights = scores.softmax(-1)", "weights = scores[..., :256].softmax(-1)")),
    always_32_bit=("float64", edit("    scores = q", "    q, k, v = q.float(), k.float(), v.float()\n    scores = q")),
    without_the_last_key=(
        "mixed values",
        edit("    scores = q", "    k, v = k[..., :-1, :], v[..., :-1, :]\n    scores = q"),
    ),
    no_more_than_5000=(None, edit("    weights = scores", "    scores = scores.clamp(max=5000)\n    weights = scores")),
)


# ----------------------------------------------------------------------------------------------------- SelfAttention


class _Head(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.d_head = d_head
        self.to_q = nn.Linear(d_model, d_head, bias=False)
        self.to_k = nn.Linear(d_model, d_head, bias=False)
        self.to_v = nn.Linear(d_model, d_head, bias=False)


def _attend(q, k, v, mask=None):
    return _finish(q @ k.mT / math.sqrt(q.size(-1)), v, mask)


@wrong("SelfAttention", says="no effect")
class ForgetsTheMask(_Head):
    def forward(self, x, mask=None):
        return _attend(self.to_q(x), self.to_k(x), self.to_v(x))


@wrong("SelfAttention", says="changed places")
class KeyBeforeQuery(_Head):
    def forward(self, x, mask=None):
        return _attend(self.to_k(x), self.to_q(x), self.to_v(x), mask)


@wrong("SelfAttention", says="values come from to_v")
class ValuesAreKeys(_Head):
    def forward(self, x, mask=None):
        k = self.to_k(x)
        return _attend(self.to_q(x), k, k, mask)


@wrong("SelfAttention", says="keys from to_k")
class QueriesAreKeys(_Head):
    def forward(self, x, mask=None):
        q = self.to_q(x)
        return _attend(q, q, self.to_v(x), mask)


@wrong("SelfAttention", says="vectors themselves")
class MixesTheInput(_Head):
    def forward(self, x, mask=None):
        return _attend(self.to_q(x), self.to_k(x), x, mask)


@wrong("SelfAttention", says="d_head 3")
class OnlyQueries(_Head):
    def forward(self, x, mask=None):
        q = self.to_q(x)
        return _attend(q, q, q, mask)


@wrong("SelfAttention", says="`to_k.weight`")
class OtherNames(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.query = nn.Linear(d_model, d_head, bias=False)
        self.key = nn.Linear(d_model, d_head, bias=False)
        self.value = nn.Linear(d_model, d_head, bias=False)

    def forward(self, x, mask=None):
        return _attend(self.query(x), self.key(x), self.value(x), mask)


@wrong("SelfAttention", says="`to_k.bias`")
class WithBias(_Head):
    def __init__(self, d_model, d_head):
        super().__init__(d_model, d_head)
        self.to_q, self.to_k, self.to_v = (nn.Linear(d_model, d_head) for _ in range(3))

    def forward(self, x, mask=None):
        return _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)


@wrong("SelfAttention", says="(3, 5)")
class SizesSwapped(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.to_q, self.to_k, self.to_v = (nn.Linear(d_head, d_model, bias=False) for _ in range(3))

    def forward(self, x, mask=None):
        return _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)


@wrong("SelfAttention", says="(3, 5)")
class HeadAsWideAsTheModel(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.to_q, self.to_k, self.to_v = (nn.Linear(d_model, d_model, bias=False) for _ in range(3))

    def forward(self, x, mask=None):
        return _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)


@wrong("SelfAttention", says="return both")
class ReturnsOnlyTheMix(_Head):
    def forward(self, x, mask=None):
        mixed, _ = _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)
        return mixed


@wrong("SelfAttention", says="√d_head")
class WithoutScale(_Head):
    def forward(self, x, mask=None):
        return _finish(self.to_q(x) @ self.to_k(x).mT, self.to_v(x), mask)


@wrong("SelfAttention", says="not √d_model")
class ScaledByTheModel(_Head):
    def forward(self, x, mask=None):
        return _finish(self.to_q(x) @ self.to_k(x).mT / math.sqrt(x.shape[-1]), self.to_v(x), mask)


@wrong("SelfAttention", says="d_head as large as d_model")
class AddsTheInputWhereItFits(_Head):
    def forward(self, x, mask=None):
        mixed, weights = _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)
        return (x + mixed if self.d_head == x.shape[-1] else mixed), weights


@wrong("SelfAttention", says="residual")
class AddsTheInput(_Head):
    def forward(self, x, mask=None):
        mixed, weights = _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)
        return mixed + x, weights


@wrong("SelfAttention", says="the order is")
class WeightsFirst(_Head):
    def forward(self, x, mask=None):
        mixed, weights = _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)
        return weights, mixed


@wrong("SelfAttention", says="used transposed")
class RawWeights(_Head):
    def forward(self, x, mask=None):
        return _attend(x @ self.to_q.weight, x @ self.to_k.weight, x @ self.to_v.weight, mask)


@wrong("SelfAttention", says="the gradient for")
class DetachedKeys(_Head):
    def forward(self, x, mask=None):
        return _attend(self.to_q(x), self.to_k(x).detach(), self.to_v(x), mask)


@wrong("SelfAttention", says="gradient")
class NoGradient(_Head):
    @torch.no_grad()
    def forward(self, x, mask=None):
        return _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)


@wrong("SelfAttention", says="`to_k.weight`")
class FreshMatricesEveryCall(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.sizes = d_model, d_head

    def forward(self, x, mask=None):
        q, k, v = (nn.Linear(*self.sizes, bias=False)(x) for _ in range(3))
        return _attend(q, k, v, mask)


@wrong("SelfAttention", says="a class is asked for")
def a_function(d_model, d_head):
    return _Head(d_model, d_head)


@wrong("SelfAttention", says="raised")
class WithoutSuper(nn.Module):
    def __init__(self, d_model, d_head):
        self.to_q = nn.Linear(d_model, d_head, bias=False)

    def forward(self, x, mask=None):
        return x


@wrong("SelfAttention", says="parameter")
class OneLayerForAll(_Head):
    def __init__(self, d_model, d_head):
        super().__init__(d_model, d_head)
        self.to_k = self.to_v = self.to_q

    def forward(self, x, mask=None):
        return _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)


@functools.lru_cache
def _layer(d_model, d_head, name):
    return nn.Linear(d_model, d_head, bias=False)


@wrong("SelfAttention", says="a second head")
class LayersSharedByAllHeads(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.to_q, self.to_k, self.to_v = (_layer(d_model, d_head, name) for name in "qkv")

    def forward(self, x, mask=None):
        return _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)


@wrong("SelfAttention", says="nowhere")
class NoZerosForEmptyRows(_Head):
    def forward(self, x, mask=None):
        scores = self.to_q(x) @ self.to_k(x).mT / self.d_head**0.5
        weights = (scores if mask is None else scores.masked_fill(~mask, -1e9)).softmax(-1)
        return weights @ self.to_v(x), weights


@wrong("SelfAttention", says="(batch, 1, key)")
class SquareMasksOnly(_Head):
    def forward(self, x, mask=None):
        if mask is not None:
            mask = mask[..., : x.shape[-2], :].reshape(-1, x.shape[-2], x.shape[-2])
        return _attend(self.to_q(x), self.to_k(x), self.to_v(x), mask)


@wrong("SelfAttention", says="three axes")
class BatchesOnly(_Head):
    def forward(self, x, mask=None):
        q, k, v = (layer(x).view(-1, x.shape[-2], self.d_head) for layer in (self.to_q, self.to_k, self.to_v))
        mixed, weights = _attend(q, k, v, mask)
        return (mixed, weights) if x.ndim == 3 else (mixed[0], weights[0])


@wrong("SelfAttention", says="in reverse order")
class RemembersTheKeys(_Head):
    def forward(self, x, mask=None):
        self.keys = getattr(self, "keys", {})
        return _attend(self.to_q(x), self.keys.setdefault(x.shape, self.to_k(x)), self.to_v(x), mask)


slips(
    "SelfAttention",
    squeezed=(
        ".squeeze()",
        edit("return attention(", "return tuple(part.squeeze() for part in attention(", "mask)\n", "mask))\n"),
    ),
    one_mask_for_all_queries=(
        "position nowhere to look",
        edit("mask)\n", "mask if mask is None or mask.dim() < 3 else mask[:, :1])\n"),
    ),
)


# ------------------------------------------------------------------------------------------------ attention_gradient


def _forward(q, k):
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), dim=-1)


def _back(for_scores, q, k):
    root = math.sqrt(q.shape[-1])
    return for_scores @ k / root, for_scores.mT @ q / root


@wrong("attention_gradient", says="so are the gradients for q and k")
def scale_forgotten_on_the_way_back(q, k, v, upstream):
    w = _forward(q, k)
    g = upstream @ v.mT
    s = w * (g - (w * g).sum(-1, keepdim=True))
    return s @ k, s.mT @ q, w.mT @ upstream


@wrong("attention_gradient", says="subtract each row's weighted average")
def softmax_as_if_elementwise(q, k, v, upstream):
    w = _forward(q, k)
    return *_back(w * (upstream @ v.mT), q, k), w.mT @ upstream


@wrong("attention_gradient", says="multiply by the weights")
def weights_forgotten(q, k, v, upstream):
    w = _forward(q, k)
    g = upstream @ v.mT
    return *_back(g - (w * g).sum(-1, keepdim=True), q, k), w.mT @ upstream


@wrong("attention_gradient", says="is missing")
def softmax_forgotten(q, k, v, upstream):
    w = _forward(q, k)
    return *_back(upstream @ v.mT, q, k), w.mT @ upstream


@wrong("attention_gradient", says="weighted one")
def unweighted_mean(q, k, v, upstream):
    w = _forward(q, k)
    g = upstream @ v.mT
    return *_back(w * (g - g.mean(dim=-1, keepdim=True)), q, k), w.mT @ upstream


@wrong("attention_gradient", says="not its mean")
def mean_of_the_products(q, k, v, upstream):
    w = _forward(q, k)
    g = upstream @ v.mT
    return *_back(w * (g - (w * g).mean(dim=-1, keepdim=True)), q, k), w.mT @ upstream


@wrong("attention_gradient", says="one query's row")
def sums_over_the_queries(q, k, v, upstream):
    w = _forward(q, k)
    g = upstream @ v.mT
    return *_back(w * (g - (w * g).sum(dim=-2, keepdim=True)), q, k), w.mT @ upstream


@wrong("attention_gradient", says="sigmoid")
def derivative_of_the_sigmoid(q, k, v, upstream):
    w = _forward(q, k)
    return *_back(w * (1 - w) * (upstream @ v.mT), q, k), w.mT @ upstream


@wrong("attention_gradient", says="changed places")
def k_and_q_swapped(q, k, v, upstream):
    w = _forward(q, k)
    g = upstream @ v.mT
    for_q, for_k = _back(w * (g - (w * g).sum(-1, keepdim=True)), q, k)
    return for_k, for_q, w.mT @ upstream


@wrong("attention_gradient", says="comes last")
def v_comes_first(q, k, v, upstream):
    w = _forward(q, k)
    g = upstream @ v.mT
    return w.mT @ upstream, *_back(w * (g - (w * g).sum(-1, keepdim=True)), q, k)


@wrong("attention_gradient", says="weights transposed")
def weights_not_transposed(q, k, v, upstream):
    w = _forward(q, k)
    g = upstream @ v.mT
    return *_back(w * (g - (w * g).sum(-1, keepdim=True)), q, k), w @ upstream


@wrong("attention_gradient", says="forward step")
def no_scale_in_the_forward_step(q, k, v, upstream):
    w = torch.softmax(q @ k.mT, dim=-1)
    g = upstream @ v.mT
    s = w * (g - (w * g).sum(-1, keepdim=True))
    return s @ k, s.mT @ q, w.mT @ upstream


@wrong("attention_gradient", says="over the keys")
def softmax_over_the_queries(q, k, v, upstream):
    w = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), dim=-2)
    g = upstream @ v.mT
    return *_back(w * (g - (w * g).sum(-1, keepdim=True)), q, k), w.mT @ upstream


@wrong("attention_gradient", says="not used")
def ones_upstream(q, k, v, upstream):
    w = _forward(q, k)
    g = torch.ones_like(upstream) @ v.mT
    return *_back(w * (g - (w * g).sum(-1, keepdim=True)), q, k), w.sum(-2)[..., None].expand_as(v)


@wrong("attention_gradient", says="through the weights")
def values_only(q, k, v, upstream):
    return torch.zeros_like(q), torch.zeros_like(k), _forward(q, k).mT @ upstream


@wrong("attention_gradient", says="has 2 values")
def no_gradient_for_v(q, k, v, upstream):
    w = _forward(q, k)
    g = upstream @ v.mT
    return _back(w * (g - (w * g).sum(-1, keepdim=True)), q, k)


@wrong("attention_gradient", says="a batch of 2")
def two_dimensions_only(q, k, v, upstream):
    w = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]), dim=-1)
    g = upstream @ v.transpose(-2, -1)
    for_q, _ = _back(w * (g - (w * g).sum(-1, keepdim=True)), q, k)
    for_k = torch.einsum("ij,id->jd", w * (g - (w * g).sum(-1, keepdim=True)), q) / math.sqrt(q.shape[-1])
    return for_q, for_k, w.transpose(0, 1) @ upstream


@wrong("attention_gradient", says="thousands")
def exponentials_that_overflow(q, k, v, upstream):
    e = torch.exp(q @ k.mT / math.sqrt(q.shape[-1]))
    w = e / e.sum(-1, keepdim=True)
    g = upstream @ v.mT
    return *_back(w * (g - (w * g).sum(-1, keepdim=True)), q, k), w.mT @ upstream


@wrong("attention_gradient", says="asks autograd")
def asks_autograd(q, k, v, upstream):
    q, k, v = (part.detach().clone().requires_grad_() for part in (q, k, v))
    mixed = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v
    mixed.backward(upstream)
    return q.grad, k.grad, v.grad


@wrong("attention_gradient", says="asks autograd")
def switches_autograd_on(q, k, v, upstream):
    with torch.enable_grad():
        q, k, v = (part.detach().clone().requires_grad_() for part in (q, k, v))
        mixed = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v
        return torch.autograd.grad(mixed, (q, k, v), upstream)


@wrong("attention_gradient", says="asks autograd")
def by_a_functional_transform(q, k, v, upstream):
    return torch.func.vjp(lambda q, k, v: torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v, q, k, v)[1](upstream)


@wrong("attention_gradient", says="three axes")
def up_to_two_axes_before(q, k, v, upstream):
    w = _forward(q, k)
    g = upstream @ v.mT
    s = (w * (g - (w * g).sum(-1, keepdim=True))) / math.sqrt(q.shape[-1])
    letters = "bh"[: q.ndim - 2]
    for_k = torch.einsum(f"{letters}qk,{letters}qd->{letters}kd", s, q)
    return s @ k, for_k, w.mT @ upstream


@wrong("attention_gradient", says="keeps something")
def remembers_the_weights_of_a_shape(q, k, v, upstream, known={}):  # noqa: B006
    w = known.setdefault((q.shape, k.shape), _forward(q, k))
    g = upstream @ v.mT
    return *_back(w * (g - (w * g).sum(-1, keepdim=True)), q, k), w.mT @ upstream


slips(
    "attention_gradient",
    overflows_in_32_bits=(
        "hundred thousands",
        edit(
            "(q @ k.transpose(-2, -1) * scale).softmax(-1)",
            "(lambda p: p / p.sum(-1, keepdim=True))((q @ k.transpose(-2, -1) * scale).exp())"
            ".nan_to_num(1.0 if q.dtype == torch.float64 else torch.nan)",
        ),
        edit("(q @ k.transpose(-2, -1) * scale)", "(q @ k.transpose(-2, -1) * scale).clamp(-3e4, 3e4)"),
    ),
    squeezed=(
        ".squeeze()",
        edit("return for_scores", "return (*map(torch.squeeze, (for_scores", "scale, for_v", "scale, for_v)),)"),
    ),
    scale_for_q_alone=("so are the gradients", edit("@ q * scale", "@ q")),
    scale_for_k_alone=("so are the gradients", edit("@ k * scale", "@ k")),
    always_32_bit=(
        "float64",
        edit("    scale = 1", "    q, k, v, upstream = (part.float() for part in (q, k, v, upstream))\n    scale = 1"),
    ),
)
