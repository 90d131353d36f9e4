"""The checks of notebook 04: an average, softmax, attention, one head, its gradient, and five questions."""

import math

import torch

from lib import attention as course
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import fill, gradients, parameters, single_calls, without_autograd

BANK = torch.tensor([[2.0, 0.0], [1.0, 1.0], [1.0, 0.0]])  # money bank grows


def _random(rng, *shape):
    return torch.randn(*shape, generator=rng)


def _large(rng, *shape):
    """Whole numbers from 10 to 29 with either sign: their products are large, and exact however they are summed."""
    signs = 1 - 2 * torch.randint(2, shape, generator=rng)
    return (signs * torch.randint(10, 30, shape, generator=rng)).float()


# ---------------------------------------------------------------------------------------------------- average_so_far

average_so_far = Exercise(course.average_so_far, returns=("the means", "the weights"))

single_calls(
    average_so_far,
    {
        "money (2, 0), bank (1, 1), grows (1, 0)": lambda rng: BANK,
        "a batch of two sentences, five vectors of three large numbers each": lambda rng: (
            1e4 * _random(rng, 2, 5, 3).abs()
        ),
        "three axes before the positions": lambda rng: _random(rng, 2, 3, 2, 5, 7),
        "a single vector": lambda rng: _random(rng, 1, 3),
        "64-bit numbers, 300 positions": lambda rng: _random(rng, 300, 3).double(),
    },
)

MEANS, SEEN = "seen / seen.sum(-1, keepdim=True)", "x.new_ones(x.shape[-2], x.shape[-2])"

# fmt: off
average_so_far.mistakes(
    mean_of_all=("this is the mean of all positions: what stands later must not count (`tril`).", edit(".tril()", "")),
    mean_of_the_rest=("this looks forward: row i is to count the positions 0 to i, at and below the diagonal.",
        edit("tril", "triu")),
    without_itself=("a position counts itself too: row 0 has the weight 1 for position 0.",
        edit(".tril()", ".tril(-1)"),
        edit(MEANS, "(seen.tril(-1) / seen.tril(-1).sum(-1, keepdim=True)).nan_to_num()")),
    sums=("these are sums: divide each row by how many positions it counts.", edit(MEANS, "seen")),
    sums_mixed=("the weights are right, and the result is the sum so far: mix with the weights.",
        edit("return weights @ x", "return seen @ x")),
    divided_by_the_length=("each row is divided by the number of all positions: row i counts only i + 1 of them.",
        edit(MEANS, "seen / x.shape[-2]")),
    no_keepdim=("columns are divided, not rows: `sum(-1, keepdim=True)` keeps a last axis of size 1.",
        edit("seen.sum(-1, keepdim=True)", "seen.sum(-1)")),
    columns=("columns sum to 1 here: each row must.", edit("sum(-1", "sum(-2")),
    ones_and_zeros=("a softmax of ones and zeros: e⁰ = 1, so later positions keep some weight. Use −∞ for them.",
        edit(MEANS, "seen.softmax(-1)")),
    one_too_few=("row i counts i + 1 positions, 0 to i: yours divides by i.",
        edit(MEANS, "seen / (seen.sum(-1, keepdim=True) - 1).clamp(min=1)")),
    halves=("(old mean + new vector) / 2 gives the last one half of the weight: all are to count alike.",
        edit(MEANS, "torch.stack([row * _halves(i, row) for i, row in enumerate(seen)])",
            "def average_so_far", "def _halves(i, row):\n    past = i - torch.arange(len(row)).clamp(min=1) + 1\n"
            "    return 0.5 ** past.clamp(min=0).to(row.dtype) if i else 1\n\n\ndef average_so_far")),
    mix_transposed=("the mix is transposed: weights @ x.", edit("weights @ x", "weights.T @ x")),
    weights_transposed=("the weights are returned transposed: a row belongs to the position that looks.",
        edit("x, weights", "x, weights.T")),
    only_the_means=("the means are half of the answer; return the weights too.", edit("x, weights", "x")),
    across_the_batch=("the positions are the last axis but one, whatever stands before them.",
        edit("x.shape[-2]", "x.shape[0]"), edit("x.shape[-2]", "x.shape[1]")),
    numbers_for_positions=("the positions are the last axis but one; the last one holds the numbers of a vector.",
        edit("x.shape[-2]", "x.shape[-1]")),
    always_32_bit=("64-bit numbers become 32-bit: x.new_ones(...), or dtype=x.dtype.",
        edit("return weights @ x, weights", "return (weights @ x).float(), weights.float()")),
)
# fmt: on

# --------------------------------------------------------------------------------------------------------- score_gap

score_gap = Question(
    "score_gap",
    lambda: math.log(2),
    "the shared denominator cancels, and e^(a − b) = 2 means a − b = ln 2 = 0.69. Only differences of scores count.",
    "Divide one weight by the other: what is left of the softmax? Which power of e is 2?",
    (
        (2.0, "A score enters as a power of e: 2 more make a weight e² = 7.4 times as large."),
        (1.0, "1 more makes a weight e = 2.7 times as large."),
        (math.e, "e is what a gap of 1 multiplies a weight by. Which gap multiplies it by 2?"),
        (math.e**2, "That is how many times as large a gap of 2 makes it. Which gap makes it 2 times as large?"),
        (math.log10(2), "This is the logarithm to the base 10; the softmax has the base e."),
        (-math.log(2), "The larger weight belongs to the larger score: a − b is above 0."),
        (0.5, "e to the power of 0.5 is 1.65."),
    ),
    within=0.02,
)

# ---------------------------------------------------------------------------------------------------- stable_softmax

stable_softmax = Exercise(course.stable_softmax)

single_calls(
    stable_softmax,
    {
        "the scores 2, 2, 1": lambda rng: torch.tensor([2.0, 2.0, 1.0]),
        "three rows of five scores": lambda rng: _random(rng, 3, 5),
        "three axes before the keys, with rows around 0, 200 and 400": lambda rng: (
            _random(rng, 2, 3, 2, 5) + torch.tensor([0.0, 200.0, 400.0])[:, None, None]
        ),
        "a single score in each row": lambda rng: _random(rng, 3, 1),
        "the scores 1000, 999, 990": lambda rng: torch.tensor([1000.0, 999.0, 990.0]),
        "rows near 1000, near -1000, 100 million twice, and as far apart as numbers are": lambda rng: torch.tensor(
            [[1e3, 999, 998], [-1e3, -1001, -999], [0, -1e3, -2e3], [1e8, 1e8, 0], [3e38, -3e38, 3e38]]
        ),
        "64-bit scores of 300 keys, near 100 million": lambda rng: 1e8 + _random(rng, 2, 300).double(),
    },
)

SHARES = "powers / powers.sum(-1, keepdim=True)"

# fmt: off
stable_softmax.mistakes(
    always_32_bit=("64-bit scores become 32-bit: zeros(..., dtype=scores.dtype).", edit(SHARES, f"({SHARES}).float()")),
    unstable=("exp() overflows for large scores. Subtract the largest first.", edit("scores - largest", "scores")),
    one_maximum_for_all=("subtract each row's own largest score (dim=-1, keepdim=True), not the largest of all rows.",
        edit("scores.amax(-1, keepdim=True)", "scores.max()")),
    maximum_of_the_columns=("the largest score is looked for down the columns; each row needs its own (dim=-1).",
        edit("amax(-1", "amax(0"), edit("amax(-1", "amax(-2")),
    mean=("the mean is not enough: a score far above it overflows. Take the largest.", edit("amax", "mean")),
    smallest=("the smallest is subtracted: scores far above it overflow. Take the largest.", edit("amax", "amin")),
    largest_size=("the largest score is wanted, not the largest size.", edit("scores.amax", "scores.abs().amax")),
    no_exponential=("exp() is missing: shares of the raw scores are not a softmax (and may be negative).",
        edit(SHARES, "scores / scores.sum(-1, keepdim=True)")),
    not_divided=("the exponentials are not divided by their sum: a row must sum to 1.", edit(SHARES, "powers")),
    plain_exponentials=("plain exponentials: divide them by their sum: a row sums to 1.", edit(SHARES, "scores.exp()")),
    one_sum_for_all=("each row is divided by its own: sum(-1, keepdim=True).",
        edit("powers.sum(-1, keepdim=True)", "powers.sum()")),
    over_the_columns=("the softmax runs down the columns; the last axis (dim=-1) must sum to 1.",
        edit(SHARES, "scores.softmax(-2 if scores.dim() > 1 else -1)"), edit(SHARES, "scores.softmax(-2)"),
        edit("powers.sum(-1", "powers.sum(-2")),
    over_the_first_axis=("the softmax runs over the first axis; the last one (dim=-1) must sum to 1.",
        edit(SHARES, "scores.softmax(0)"), edit("powers.sum(-1", "powers.sum(0")),
    over_the_second_axis=("the softmax runs over axis 1; the last one (dim=-1) must sum to 1, whatever its number.",
        edit(SHARES, "scores.softmax(1)"), edit(SHARES, "scores.softmax(1 if scores.dim() > 1 else 0)")),
    no_keepdim=("the sum has lost its axis: keepdim=True.", edit("powers.sum(-1, keepdim=True)", "powers.sum(-1)")),
    logarithm=("this is the logarithm of the weights; leave the log out.",
        edit(SHARES, "scores.log_softmax(-1)"), edit(SHARES, f"({SHARES}).log()")),
    sigmoid=("a sigmoid looks at one score alone; a row must sum to 1.", edit(SHARES, "scores.sigmoid()")),
    clamped=("cutting off large scores makes different scores equal. Subtract the largest instead.",
        edit("scores - largest", "scores.clamp(-80, 80)"), edit("scores - largest", "scores.clamp(max=80)")),
    turned_round=("the sign is turned round: the largest score must get the largest weight.",
        edit("amax", "amin", "scores - largest", "largest - scores"), edit("scores - largest", "largest - scores")),
    hard_choice=("this is a hard choice: all the weight on the largest. Softmax shares it out.",
        edit(SHARES, "functional.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)"),
        edit(SHARES, "(scores == largest).to(scores.dtype)")),
    base_two=("the base is e, not 2: torch.exp.", edit("torch.exp(scores - largest)", "2 ** (scores - largest)")),
)
# fmt: on

# --------------------------------------------------------------------------------------------- simple_self_attention

simple_self_attention = Exercise(course.simple_self_attention, returns=("the new vectors", "the weights"))

single_calls(
    simple_self_attention,
    {
        "money (2, 0), bank (1, 1), grows (1, 0)": lambda rng: BANK,
        "a batch of two sentences, five vectors of three numbers each": lambda rng: _random(rng, 2, 5, 3),
        "three axes before the positions": lambda rng: _random(rng, 2, 3, 2, 5, 7),
        "a single vector": lambda rng: _random(rng, 1, 3),
        "64-bit vectors that are large, the last one as the first: scores from 100,000 on": lambda rng: (
            torch.tensor([[40.0], [10], [10], [10], [10], [40]]) * _large(rng, 5, 3)[[0, 1, 2, 3, 4, 0]]
        ).double(),
        "64-bit numbers, 300 positions": lambda rng: _random(rng, 300, 3).double(),
    },
)

PRODUCT = "x @ x.transpose(-2, -1)"

# fmt: off
simple_self_attention.mistakes(
    no_softmax=("the softmax is missing: the rows of the weights must sum to 1.", edit(".softmax(-1)", "")),
    scores_returned=("return the weights as well, not the scores.", edit("x, weights", f"x, {PRODUCT}")),
    scores_mixed=("the mix uses the scores; it uses the weights.", edit("weights @ x", f"{PRODUCT} @ x")),
    over_the_columns=("the softmax runs down the columns; rows must sum to 1: dim=-1.",
        edit("softmax(-1)", "softmax(-2)")),
    over_a_fixed_axis=("the softmax runs over dim 0 or 1; each row must sum to 1, and a row is the last axis (dim=-1).",
        edit("softmax(-1)", "softmax(0)"), edit("softmax(-1)", "softmax(1)")),
    scaled_already=("no scaling yet: it comes later.", edit(f"({PRODUCT})", f"({PRODUCT} / math.sqrt(x.shape[-1]))")),
    transposed_mix=("the mix is transposed: weights @ x.", edit("weights @", "weights.transpose(-2, -1) @")),
    without_itself=("a position looks at itself too: do not empty the diagonal.",
        edit(f"({PRODUCT})", f"({PRODUCT}).masked_fill(torch.eye(x.shape[-2]).bool(), -math.inf)"),
        edit(f"({PRODUCT})", f"({PRODUCT} - 1e9 * torch.eye(x.shape[-2], dtype=x.dtype))"),
        edit(f"({PRODUCT})", f"({PRODUCT}).masked_fill(torch.eye(x.shape[-2]).bool(), 0.0)")),
    with_residual=("the input is added on top: the residual comes in notebook 07.", edit("weights @", "x + weights @")),
    one_softmax_for_all=("all weights together sum to 1; each row must: softmax over dim=-1.",
        edit("softmax(-1)", "flatten(-2).softmax(-1).view(*x.shape[:-1], x.shape[-2])")),
    overflows=("exp() overflows here: subtract the largest score of each row first, or use torch's softmax.",
        edit(f"({PRODUCT}).softmax(-1)", f"({PRODUCT}).exp() / ({PRODUCT}).exp().sum(-1, keepdim=True)")),
    only_the_mix=("the new vectors are half of the answer; return the weights too.", edit("x, weights", "x")),
)
# fmt: on

# -------------------------------------------------------------------------------------------------------- cat_weight


def _cat_weight() -> float:
    """What the first CAT gives the second one, in 512 dimensions, without positions."""
    table = torch.randn(5, 512, generator=torch.Generator().manual_seed(2))
    weights = course.simple_self_attention(table[[0, 1, 2, 3, 4, 1]])[1]
    return weights[1, 5].item()


cat_weight = Question(
    "cat_weight",
    _cat_weight,
    "the two CATs have one vector, so the score of the first with the second is the one with itself, about 512. The "
    "scores with strangers are about 0, and e^-512 is nothing: the two share all the weight, one half each.",
    "Which scores has the first CAT, about, with itself, with the second CAT, and with a stranger? Then the softmax.",
    (
        (1.0, "A word that stands once keeps everything for itself. CAT stands twice."),
        (0.0, "The first CAT cannot tell the second one from itself: the vectors are the same."),
        (1 / 6, "That would be the plain average. The scores are far from equal."),
        (512.0, "That is about the score. The softmax makes weights that sum to 1 of a row of them."),
    ),
    within=0.03,
)

# --------------------------------------------------------------------------------------------------------- attention

attention = Exercise(course.attention, returns=("the mixed values", "the weights"))


def _qkv(rng, lead=(), query=5, key=7, d_head=11, d_value=3):
    return [_random(rng, *lead, *size) for size in ((query, d_head), (key, d_head), (key, d_value))]


def _mask(rng, *shape):
    """Random, and every query may look somewhere."""
    mask = torch.rand(*shape, generator=rng) > 0.4
    mask[..., 0] = True
    mask[..., -1, -1] = False
    return mask


def _sharp(rng):
    q, k, v = _large(rng, 5, 16), _large(rng, 7, 16), _random(rng, 7, 3)
    k[2] = k[6] = 3 * k[2]
    q = 100 * torch.cat([k[2:3], q[1:]])
    return q.double(), k.double(), v.double()  # the first query's two best scores: 900 · 16 · 10² / 4 or more


def _forbidden(rng, *keys, dtype=torch.float32):
    """Two queries of ones and three keys, of which the last is forbidden."""
    k = torch.tensor(keys, dtype=dtype)[:, None].expand(3, 4)
    return torch.ones(2, 4, dtype=dtype), k, _random(rng, 3, 5).to(dtype), torch.tensor([[True, True, False]])


def _nowhere(rng):
    mask = _mask(rng, 2, 5, 7)
    mask[0, 3], mask[1] = False, False
    return *_qkv(rng, (2,)), mask


single_calls(
    attention,
    {
        "5 queries, 7 keys, vectors of 11 numbers": _qkv,
        "a batch of 2 with 3 heads": lambda rng: _qkv(rng, (2, 3), d_head=5),
        "three axes before the queries": lambda rng: _qkv(rng, (2, 3, 2)),
        "a single query and a single key": lambda rng: _qkv(rng, (2,), 1, 1),
        "a mask of its own for every head": lambda rng: [*_qkv(rng, (2, 3)), _mask(rng, 2, 3, 5, 7)],
        "one mask (query, key) for the whole batch": lambda rng: [*_qkv(rng, (2, 3)), _mask(rng, 5, 7)],
        "a mask (batch, 1, 1, key), as for padding": lambda rng: [*_qkv(rng, (2, 3)), _mask(rng, 2, 1, 1, 7)],
        "a mask (key,), the same for everybody": lambda rng: [*_qkv(rng, (2,)), _mask(rng, 1, 7)[0]],
        "64-bit numbers, two keys alike, scores in the hundred thousands": _sharp,
        "a forbidden key with by far the largest score": lambda rng: _forbidden(rng, 0.0, 1.0, 200.0),
        "64-bit numbers, allowed keys with scores near -2 million": lambda rng: _forbidden(
            rng, -1e6, -1e6 - 1, 0.0, dtype=torch.float64
        ),
        "a query that may look nowhere, and a sentence that may not at all": _nowhere,
        "64-bit numbers, 300 positions": lambda rng: [part.double() for part in _qkv(rng, (), 300, 300, 3, 2)],
    },
)


@attention.probe("gradients: to queries, keys and values, past a mask that leaves one query nowhere to look")
def _(answer, rng):
    mask = _mask(rng, 5, 7)
    mask[1] = False
    q, k, v = (part.requires_grad_() for part in _qkv(rng))
    return gradients(answer(q, k, v, mask)[0], q=q, k=k, v=v)


ROOT, FORBID, ZERO = "math.sqrt(q.shape[-1])", "scores.masked_fill(~mask, -math.inf)", "weights.masked_fill(~mask, 0.0)"
WEIGH, BOTH = "scores.softmax(-1)", "return weights @ v, weights"
OWN = "scores.exp() if mask is None else scores.exp() * mask"

# fmt: off
attention.mistakes(
    mask_ignored=("`mask` has no effect: the result is the same without it.", edit("mask is not None", "False")),
    no_zeros=(
        "a query that may look nowhere gets weights 0, not NaN: a row of nothing but −∞ is 0/0. Fill the weights of "
        "forbidden keys with 0, after the softmax.",
        edit(ZERO, "weights"),
    ),
    even_row=("with a large negative number for −∞, a query that may look nowhere looks everywhere. Its weights are 0.",
        edit("-math.inf", "-1e9", ZERO, "weights"), edit("-math.inf", "-1e4", ZERO, "weights")),
    not_low_enough=("a number is not low enough for forbidden scores: use −∞.", edit("-math.inf", "-1e4")),
    no_scale=("the scores are not divided by √d_head.", edit(f" / {ROOT}", "")),
    no_root=("you divide by d_head; it is its square root.", edit(ROOT, "q.shape[-1]")),
    multiplied=("you multiply by √d_head; divide by it.", edit(f"/ {ROOT}", f"* {ROOT}")),
    by_keys=("this is √ of the number of keys; d_head is the last size of q.", edit("q.shape[-1]", "k.shape[-2]")),
    by_queries=("this is √ of the number of queries; d_head is the last size of q.", edit("shape[-1]", "shape[-2]")),
    by_values=("this is √ of the size of the values; d_head is that of q.", edit("q.shape[-1]", "v.shape[-1]")),
    by_first=("this is √ of the first size of q; d_head is its last.", edit("q.shape[-1]", "q.shape[0]")),
    over_queries=("the softmax runs over the queries; over the keys it is dim=-1.", edit(WEIGH, "scores.softmax(-2)")),
    over_a_fixed_axis=("the softmax runs over dim 0 or 1; it must run over the keys, the last axis: dim=-1.",
        edit(WEIGH, "scores.softmax(1)"), edit(WEIGH, "scores.softmax(0)")),
    no_softmax=("the softmax is missing: a query's weights must sum to 1.", edit(WEIGH, "scores")),
    sigmoid=("a sigmoid looks at one score alone: softmax over the keys.", edit(WEIGH, "scores.sigmoid()")),
    overflow=(
        "exp() overflows for large scores: subtract each row's largest first, or use torch's softmax.",
        edit(WEIGH, "scores.exp() / scores.exp().sum(-1, keepdim=True)"),
        edit(FORBID, "scores", WEIGH, f"{OWN}\n    weights = weights / weights.sum(-1, keepdim=True)", ZERO, "weights"),
    ),
    mask_inverted=("the mask is upside down: True means may look, so fill where it is False (`~mask`).",
        edit("~mask", "mask"), edit("~mask", "mask", "weights.masked_fill(mask, 0.0)", "weights"),
        edit("~mask", "mask", "weights.masked_fill(mask, 0.0)", "weights", "-math.inf", "-1e9")),
    mask_after=("the mask comes only after the softmax: rows no longer sum to 1.", edit(FORBID, "scores")),
    mask_zero=("forbidden scores are set to 0, but e⁰ = 1: those keys still take weight. Use −∞.",
        edit("-math.inf", "0.0", ZERO, "weights"), edit("-math.inf", "0.0")),
    divided_again=("masking after the softmax and dividing again: the forbidden key has already taken all the weight.",
        edit(FORBID, "scores", ZERO, "weights * mask / (weights * mask).sum(-1, keepdim=True)"),
        edit(FORBID, "scores", ZERO, "weights * mask / (weights * mask).sum(-1, keepdim=True).clamp(min=1e-9)")),
    mixes_keys=("the keys are mixed; mix the values.", edit("weights @ v", "weights @ k")),
    scores_returned=("return the weights with the mix, not the scores.",
        edit(BOTH, "return weights @ v, scores"),
        edit(BOTH, "return weights @ v, q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])")),
    only_the_mix=("the mix is half of the answer; return the weights too.", edit(BOTH, "return weights @ v")),
    roles_swapped=("queries and keys have changed places: q @ kᵀ.", edit("q @ k.t", "k @ q.t")),
    not_transposed=("the keys stand on the right, transposed: q @ kᵀ.", edit("k.transpose(-2, -1)", "k")),
    always_causal=("the future is always hidden here, whatever `mask` is.",
        edit(WEIGH, "scores.masked_fill(~torch.ones_like(scores, dtype=torch.bool).tril(), -math.inf).softmax(-1)")),
    scaled_late=("divide the scores, before the softmax.", edit(f" / {ROOT}", "", WEIGH, f"{WEIGH} / {ROOT}")),
)
# fmt: on

# ----------------------------------------------------------------------------------------------------- weights_shape

weights_shape = Question(
    "weights_shape",
    lambda: tuple(course.attention(torch.zeros(2, 4, 8), torch.zeros(2, 6, 8), torch.zeros(2, 6, 5))[1].shape),
    "each of the 4 queries of a sentence has a row, with one weight for each of the 6 words. A score sums over the "
    "numbers of a query and a key, so no 8 is left; the 5 comes back only in the mix.",
    "What would you have to name to pick out one single weight? Each of these is an axis; q @ kᵀ gives their order.",
    (
        ((2, 6, 4), "The numbers are right. Whose weights sum to 1, and so form a row?"),
        ((2, 6, 6), "That would be words that ask each other. Who asks here?"),
        ((2, 4, 5), "That is the shape of the mix. The weights come one step before it."),
        ((2, 4, 8), "That is the shape of the queries. A weight belongs to a pair."),
        ((4, 6), "That is one sentence. Each of the two has weights of its own."),
    ),
)

# ------------------------------------------------------------------------------------------------------- which_panel


def panels() -> dict[str, torch.Tensor]:
    """The weights of one right attention and of three with a mistake, (query, key), under the letters of the figure."""
    rng = torch.Generator().manual_seed(5)
    scores = _random(rng, 4, 64) @ _random(rng, 64, 6)
    return {
        "A": (scores / 64).softmax(-1),
        "B": (scores / 8).softmax(-2),
        "C": scores.softmax(-1),
        "D": (scores / 8).softmax(-1),
    }


def _which_panel() -> str:
    """The letters of: right, not divided, divided by d_head, over the queries."""
    rng = torch.Generator().manual_seed(5)
    q, k = _random(rng, 4, 64), _random(rng, 64, 6).T
    scores = q @ k.T
    drawn = course.attention(q, k, k)[1], scores.softmax(-1), (scores / 64).softmax(-1), (scores / 8).softmax(0)
    return "".join(
        next(letter for letter, shown in panels().items() if torch.allclose(shown, weights)) for weights in drawn
    )


which_panel = Question(
    "which_panel",
    _which_panel,
    "in B the columns sum to 1 and the rows do not: the softmax ran over the queries. In the others rows sum to 1. C "
    "was not divided: with scores of standard deviation 8, many weights are 0.00, and two queries give nearly all to "
    "one key. A was divided by 64: what is left of the scores is about ±1/8, so all weights are near 1/6.",
    "Add up a row, then a column, of each panel. Among those whose rows sum to 1: larger scores mean a sharper choice.",
    (
        ("BCAD", "Add up the rows of the panel that you call right: does each query share out exactly 1?"),
        ("DACB", "What does dividing do to the weights: does it make the choice sharper or more even?"),
        ("ACDB", "Scores of variance 1 do not make all weights nearly equal: e^1 and e^-1 differ by a factor of 7."),
        ("CDAB", "With scores of variance 1, would one key of six take nearly all?"),
    ),
)

# ----------------------------------------------------------------------------------------------------- SelfAttention

SelfAttention = Exercise(course.SelfAttention, returns=("the mixed values", "the weights"))


def _head(answer, rng, d_model=5, d_head=3):
    return fill(answer(d_model, d_head), rng).requires_grad_(False)


@SelfAttention.probe("its parameters, for SelfAttention(5, 3)")
def _(answer, rng):
    return parameters(answer(5, 3))


def _nearly(rng):
    mask = _mask(rng, 2, 7, 7)
    mask[1, 4] = False
    return _random(rng, 2, 7, 5), mask


for _label, _sizes, _drawn in [
    ("seven vectors of five numbers, d_head 3", (5, 3), lambda rng: [_random(rng, 7, 5)]),
    ("300 vectors, d_head as large as d_model", (4, 4), lambda rng: [_random(rng, 2, 300, 4)]),
    ("three axes before the positions", (5, 3), lambda rng: [_random(rng, 2, 3, 2, 7, 5)]),
    ("a single vector, d_head 1", (5, 1), lambda rng: [_random(rng, 1, 5)]),
    ("a mask (query, key)", (5, 3), lambda rng: [_random(rng, 2, 7, 5), _mask(rng, 7, 7)]),
    ("a mask (batch, 1, key), as for padding", (5, 3), lambda rng: [_random(rng, 2, 7, 5), _mask(rng, 2, 1, 7)]),
    ("a mask (batch, query, key) that leaves one position nowhere to look", (5, 3), _nearly),
]:

    @SelfAttention.probe(_label)
    def _(answer, rng, sizes=_sizes, drawn=_drawn):
        return _head(answer, rng, *sizes)(*drawn(rng))


@SelfAttention.probe("a second head of the same sizes, made in between")
def _(answer, rng):
    first, _ = _head(answer, rng), _head(answer, rng)
    return first(_random(rng, 7, 5))


@SelfAttention.probe("gradients: for the vectors and for the three matrices")
def _(answer, rng):
    head, x = fill(answer(5, 3), rng), _random(rng, 7, 5).requires_grad_()
    return gradients(head(x)[0], x=x, **{name.replace(".", " "): part for name, part in head.named_parameters()})


PARTS = "self.to_q(x), self.to_k(x), self.to_v(x)"

# fmt: off
SelfAttention.mistakes(
    key_first=("query and key have changed places: q, k, v.", edit("to_q(x), self.to_k", "to_k(x), self.to_q")),
    values_from_keys=("the keys are mixed: the values come from to_v.", edit("self.to_v(x)", "self.to_k(x)")),
    keys_from_queries=("queries and keys come from one matrix: keys from to_k.", edit("self.to_k(x)", "self.to_q(x)")),
    one_matrix_for_all=("query, key and value come from the same matrix: keys from to_k, values from to_v.",
        edit("self.to_k(x)", "self.to_q(x)", "self.to_v(x)", "self.to_q(x)")),
    values_are_x=("the vectors themselves are mixed: the values come from to_v.", edit("self.to_v(x)", "x")),
    transposed=("the matrices are used transposed: call the layers, to_q(x), instead of using their `.weight`.",
        edit(PARTS, "x @ self.to_q.weight, x @ self.to_k.weight, x @ self.to_v.weight")),
    only_the_mix=("`attention` returns the mix and the weights; return both.", edit("mask)\n", "mask)[0]\n")),
    residual=("the input is added on top: the residual comes in notebook 07.",
        edit(f"return attention({PARTS}, mask)", f"m, w = attention({PARTS}, mask)\n        return m + x, w")),
    unscaled=("the scores are not divided by √d_head.", edit("to_q(x)", "to_q(x) * self.to_q.out_features**0.5")),
    scaled_by_d_model=("the scale is √d_head, the size of q, not √d_model, the size of x.",
        edit("(self.to_q(x)", "(self.to_q(x) * math.sqrt(self.to_q.out_features / self.to_q.in_features)")),
    with_bias=("the three layers have no bias: bias=False.", edit("bias=False", "bias=True")),
    sizes_swapped=(
        "the sizes have changed places: nn.Linear takes what comes in first, d_model, then what goes out, d_head.",
        edit("d_model, d_head, bias", "d_head, d_model, bias"),
    ),
    as_wide_as_the_model=("the layers lead to d_head numbers.", edit("d_model, d_head, b", "d_model, d_model, b")),
)
# fmt: on

# ------------------------------------------------------------------------------------------------------- score_bytes

score_bytes = Question(
    "score_bytes",
    lambda: 12 * 12 * torch.empty(1_024, 1_024, device="meta").numel() * torch.float32.itemsize,
    "1,024² scores of 4 bytes are 4 MiB for one head; 144 heads make 604 million bytes, more than the model's own 124 "
    "million parameters take (498 million bytes). With 2,048 tokens it would be four times as much.",
    "How many scores has one head? How many heads has a block, how many blocks are there, and what does a score take?",
    (
        (12 * 12 * 1_024**2, "That is how many scores there are. Each takes 4 bytes."),
        (12 * 1_024**2 * 4, "Each of the 12 blocks has 12 heads, and every head has scores of its own."),
        (1_024**2 * 4, "That is one head of one block."),
        (12 * 12 * 1_024 * 4, "Each token has a score with each: 1,024 times 1,024."),
        (12 * 12 * 1_024 * 64 * 4, "A score is one number, whatever d_head is."),
        (604, "In bytes, please: 604 is the number of megabytes."),
    ),
    within=0.02,
)

# ------------------------------------------------------------------------------------------------ attention_gradient

attention_gradient = Exercise(
    course.attention_gradient, returns=("the gradient for q", "the gradient for k", "the gradient for v")
)


def _with_upstream(rng, lead=(), query=5, key=7, d_head=3, d_value=2):
    return *_qkv(rng, lead, query, key, d_head, d_value), _random(rng, *lead, query, d_value)


@attention_gradient.probe("autograd switched off: 5 queries and 7 keys of 3 numbers, values of 2")
def _(answer, rng):
    sentence = "this asks autograd. Do it by hand: each step of the formula, from its end to its beginning."
    with without_autograd(sentence):
        return answer(*_with_upstream(rng))


def _sharp_with_upstream(rng):
    """Whole numbers, the scores 25 or more apart where not equal."""
    q, k, v, upstream = _large(rng, 5, 16), _large(rng, 5, 16), *_random(rng, 2, 5, 2).sign()
    k[2] = k[4] = 3 * k[2]
    return [part.double() for part in (100 * torch.cat([k[2:3], q[1:]]), k, v, upstream)]


single_calls(
    attention_gradient,
    {
        "a batch of 2 with 3 heads": lambda rng: _with_upstream(rng, (2, 3), d_head=11),
        "64-bit numbers, three axes before the queries, values in the hundreds": lambda rng: [
            scale * part.double() for scale, part in zip((1, 1, 300, 1), _with_upstream(rng, (2, 3, 2)), strict=True)
        ],
        "a single query and a single key": lambda rng: _with_upstream(rng, (2,), 1, 1),
        "64-bit, scores in the hundred thousands, two keys alike, as many queries as keys": _sharp_with_upstream,
    },
)

AVERAGED, BACK = "(weights * for_weights).sum(-1", "weights * (for_weights - average)"
FOR_Q, FOR_K = "for_scores @ k * scale", "for_scores.transpose(-2, -1) @ q * scale"
THREE = f"{FOR_Q}, {FOR_K}, for_v"

# fmt: off
attention_gradient.mistakes(
    no_scale_back=("the scores were divided by √d_head; so are the gradients for q and k.",
        edit("@ k * scale", "@ k", "@ q * scale", "@ q"), edit("@ k * scale", "@ k"), edit("@ q * scale", "@ q")),
    no_average=("first subtract each row's weighted average, back through the softmax.",
        edit(BACK, "weights * for_weights")),
    no_weights=("back through the softmax: then multiply by the weights.", edit(BACK, "for_weights - average")),
    no_softmax_back=("the step back through the softmax is missing, from weights to scores.",
        edit(BACK, "for_weights")),
    plain_average=("the average is a weighted one: (weights * gradient).sum(-1).",
        edit(AVERAGED, "for_weights.mean(-1")),
    mean_average=("(weights * gradient) needs its sum over the keys, not its mean: the weights already sum to 1.",
        edit(AVERAGED, "(weights * for_weights).mean(-1")),
    average_down=("the average belongs to one query's row: sum(-1).", edit(AVERAGED, "(weights * for_weights).sum(-2")),
    sigmoid_slope=("w(1 − w) is the slope of a sigmoid; softmax mixes the scores.",
        edit(BACK, "weights * (1 - weights) * for_weights")),
    v_not_transposed=(
        "the gradient for v needs the weights transposed: each value collects from the queries that took it.",
        edit("weights.transpose(-2, -1) @ upstream", "weights @ upstream"),
    ),
    wrong_axis=("the softmax of the forward step must run over the keys: dim=-1.", edit("softmax(-1)", "softmax(-2)")),
    places_changed=("the gradients for q and k have changed places.", edit(THREE, f"{FOR_K}, {FOR_Q}, for_v")),
    v_first=("the gradient for v comes last.", edit(THREE, f"for_v, {FOR_Q}, {FOR_K}")),
    no_scale_forward=("the scale is missing in the forward step: divide the scores by √d_head.",
        edit("1 / math.sqrt(q.shape[-1])", "1.0"), edit("transpose(-2, -1) * scale", "transpose(-2, -1)")),
    upstream_ignored=("the upstream gradient is not used: it is the loss's gradient for each mixed value.",
        edit("    scale = 1", "    upstream = torch.ones_like(upstream)\n    scale = 1")),
    only_for_v=("q and k get gradients too, through the weights.", edit(THREE, "0 * q, 0 * k, for_v")),
)
# fmt: on
