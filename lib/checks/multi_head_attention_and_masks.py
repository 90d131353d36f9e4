"""The checks of notebook 05: splitting and joining heads, masks, multi-head attention, and a test of causality."""

import math
from fractions import Fraction

import torch
from torch import nn

from lib import attention as course
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import fill, gradients, parameters, plain, raises, single_calls


def _random(rng, *shape):
    return torch.randn(*shape, generator=rng)


def _mask(rng, *shape):
    """Random; every query may look somewhere, and the last one not everywhere."""
    mask = torch.rand(*shape, generator=rng) > 0.4
    mask[..., 0] = True
    mask[..., -1, -1] = False
    return mask


# ------------------------------------------------------------------------------------------------------- split_heads

split_heads = Exercise(course.split_heads)

single_calls(
    split_heads,
    {
        "three positions with the numbers 0 to 3, 4 to 7, 8 to 11, and two heads": lambda rng: (
            torch.arange(12.0).view(1, 3, 4),
            2,
        ),
        "a batch of 2, 5 positions, d_model 21, 3 heads, cut out of a larger x": lambda rng: (
            _random(rng, 5, 2, 24).transpose(0, 1)[..., 3:],
            3,
        ),
        "a single head": lambda rng: (_random(rng, 2, 5, 3), 1),
        "a single position": lambda rng: (_random(rng, 2, 1, 6), 2),
        "64-bit numbers, 300 positions, 101 heads": lambda rng: (_random(rng, 2, 300, 202).double(), 101),
    },
)


@split_heads.probe("gradients: they must flow through")
def _(answer, rng):
    x = _random(rng, 2, 5, 6).requires_grad_()
    return gradients(answer(x, 2), x=x)


CUT = "x.unflatten(-1, (n_heads, -1)).transpose(1, 2)"

# fmt: off
split_heads.mistakes(
    always_32_bit=("64-bit numbers become 32-bit: zeros(..., dtype=x.dtype).", edit(CUT, f"{CUT}.float()")),
    one_reshape=("the shape is right, the numbers are not: split the last axis first, then swap heads and positions.",
        *(edit(CUT, f"x.{shaped}(x.shape[0], n_heads, x.shape[1], -1)") for shaped in ("reshape", "view"))),
    not_swapped=("heads and positions must change places: (batch, heads, position, d_head).",
        edit(".transpose(1, 2)", "")),
    interleaved=(
        "head h takes the h-th slice of neighbours, not every n_heads-th number: (heads, d_head), in this order.",
        edit(CUT, "x.unflatten(-1, (-1, n_heads)).permute(0, 3, 1, 2)"),
    ),
    size_for_number=("n_heads is the number of heads, not the size of one.", edit("(n_heads, -1)", "(-1, n_heads)")),
    last_two_swapped=("the last two axes are swapped: (..., position, d_head).",
        edit("transpose(1, 2)", "permute(0, 2, 3, 1)")),
    heads_first=("the heads stand in front of the batch, not behind it.",
        edit("transpose(1, 2)", "permute(2, 0, 1, 3)")),
    positions_split=("the positions are shared out; every head sees all positions, and a slice of each vector.",
        edit(CUT, "torch.stack(x.tensor_split(n_heads, dim=1), dim=1)")),
    whole_vectors=("every head gets the whole vector, not a slice.",
        edit(CUT, "x.unsqueeze(1).expand(-1, n_heads, -1, -1)")),
    heads_backwards=("the heads stand in reverse order: head 0 takes the first slice.", edit(CUT, f"{CUT}.flip(1)")),
)
# fmt: on

# -------------------------------------------------------------------------------------------------------- join_heads

join_heads = Exercise(course.join_heads)

single_calls(
    join_heads,
    {
        "two heads, three positions, the numbers 0 to 11": lambda rng: torch.arange(12.0).view(1, 2, 3, 2),
        "a batch of 2, 3 heads, 5 positions, d_head 7, cut out of a larger x": lambda rng: _random(
            rng, 2, 5, 3, 9
        ).transpose(1, 2)[..., 2:],
        "a single head": lambda rng: _random(rng, 2, 1, 5, 3),
        "a single position": lambda rng: _random(rng, 2, 3, 1, 5),
        "64-bit numbers, 101 heads, 300 positions": lambda rng: _random(rng, 2, 101, 300, 2).double(),
        "5 heads, 3 positions": lambda rng: _random(rng, 2, 5, 3, 2),
    },
)


@join_heads.probe("gradients: they must flow through")
def _(answer, rng):
    x = _random(rng, 2, 3, 5, 2).requires_grad_()
    return gradients(answer(x), x=x)


SWAP, BACK = ".transpose(1, 2)", "x.transpose(1, 2).flatten(2)"

# fmt: off
join_heads.mistakes(
    always_32_bit=("64-bit numbers become 32-bit: zeros(..., dtype=x.dtype).", edit(BACK, f"{BACK}.float()")),
    reshaped_at_once=("swap heads and positions before you flatten.",
        edit(BACK, "x.reshape(x.shape[0], x.shape[2], -1)")),
    flattened_only=("heads and positions have to change places: (batch, position, d_model).",
        edit(SWAP, ""), edit(BACK, "x.view(*x.shape[:2], -1)")),
    positions_joined=("heads and positions were joined; join heads and d_head, the last two axes after the swap.",
        edit(BACK, "x.flatten(1, 2)"), edit("flatten(2)", "flatten(1, 2)")),
    added=("the heads are added; they stand side by side, d_head numbers each.", edit(BACK, "x.sum(1)")),
    averaged=("the heads are averaged; they stand side by side, d_head numbers each.", edit(BACK, "x.mean(1)")),
    woven=("the heads are interleaved; heads come before d_head.", edit(BACK, "x.permute(0, 2, 3, 1).flatten(2)")),
    swapped_only=("the two axes are swapped but not joined yet: the result has three axes.", edit(".flatten(2)", "")),
    view=("after `transpose` the numbers lie in another order, which `view` cannot read: `reshape` or `flatten`.",
        edit("flatten(2)", "view(x.shape[0], x.shape[2], -1)")),
    heads_backwards=("the heads stand in reverse order: head 0's numbers come first.", edit("x.t", "x.flip(1).t")),
)
# fmt: on

# ------------------------------------------------------------------------------------------------------- causal_mask

causal_mask = Exercise(course.causal_mask)

single_calls(causal_mask, {f"length {n}": lambda rng, n=n: [n] for n in (3, 5, 1, 300)})


@causal_mask.probe("length 1,100", varied=False)
def _(answer, rng):
    return answer(1100)


ALL = "torch.ones(length, length, dtype=torch.bool)"

# fmt: off
causal_mask.mistakes(
    strict=("a position may look at itself: the diagonal is True.", edit("tril()", "tril(-1)")),
    upper=("positions see the future, not the past: the lower triangle is True (a row is a query).",
        edit("tril()", "triu()")),
    inverted=("True means may look; here it means hidden. Turn it round.", edit("tril()", "triu(1)")),
    one_too_far=("one step too far: position i sees i + 1.", edit("tril()", "tril(1)")),
    numbers=("these are numbers; the mask is bool: `.bool()`, or dtype=torch.bool.",
        edit(", dtype=torch.bool", ""), edit("dtype=torch.bool", "dtype=torch.long")),
    scores_to_add=("these are scores to add, 0 and −∞; the mask is bool, True where looking is allowed.",
        edit(f"{ALL}.tril()", "torch.full((length, length), -math.inf).triu(1)")),
    everything=("everyone may look everywhere: nothing is hidden yet.", edit(".tril()", "")),
    only_itself=("everyone sees only itself: the past is allowed too.", edit(f"{ALL}.tril()", "torch.eye(length) > 0")),
    fixed_table=("the mask is cut from a table that is too small. Build it for each length.",
        *(edit(ALL, f"torch.ones({n}, {n}, dtype=torch.bool)[:length, :length]")
          for n in (3, 64, 100, 128, 256, 512, 1024))),
    more_axes=("the mask has two axes, (query, key); broadcasting adds the others.",
        edit("tril()", "tril()[None]"), edit("tril()", "tril()[None, None]")),
)
# fmt: on

# ------------------------------------------------------------------------------------------------------ padding_mask

padding_mask = Exercise(course.padding_mask)


def _many(rng):
    ids, padding = torch.randint(50_258, (64, 300), generator=rng), 2**40 + 81
    ids[::2, 20:] = padding
    ids[0, :3] = torch.tensor([padding % 256, padding % 2**32, padding + 1])  # the same in 8 or 32 bits, or as a float
    return ids, padding


single_calls(
    padding_mask,
    {
        "the ids [7, 4, 9, 2, 0] and [3, 8, 0, 0, 0], padding 0": lambda rng: (
            torch.tensor([[7, 4, 9, 2, 0], [3, 8, 0, 0, 0]]),
            0,
        ),
        "padding 5, while 0 is a word": lambda rng: (torch.tensor([[7, 0, 9, 5], [0, 5, 5, 5], [1, 2, 3, 4]]), 5),
        "padding on the left": lambda rng: (torch.tensor([[0, 0, 3, 8], [0, 7, 4, 9]]), 0),
        "a batch of one": lambda rng: (torch.tensor([[3, 8, 0]]), 0),
        "a sentence of nothing but padding": lambda rng: (torch.tensor([[3, 8], [0, 0]]), 0),
        "64 sentences, padding 2**40 + 81": _many,
    },
)

WORDS, AXES = "(ids != padding)", "[:, None, None, :]"

# fmt: off
padding_mask.mistakes(
    padding_is_true=("this is True at the padding; True means may look, so it belongs to the words.", edit("!=", "==")),
    two_axes=("two axes are missing: (batch, 1, 1, key) fits any number of heads and queries.", edit(AXES, "")),
    three_axes=("one axis is missing: (batch, 1, 1, key) has room for heads and queries.", edit(AXES, "[:, None]")),
    axes_in_front=("the new axes stand behind the batch: (batch, 1, 1, key).", edit(AXES, "[None, None]")),
    queries_hidden=("hide keys, not the queries: keys are the last axis.", edit(AXES, "[:, None, :, None]")),
    always_zero=("the number of padding is an argument; do not count on 0.", edit("ids != padding", "ids != 0")),
    greater=("ids below padding are words too: compare with !=.", edit("!=", ">")),
    words_first=("this counts the words and takes them to stand first. Look at each id: padding may be on the left.",
        edit(WORDS, f"(torch.arange(ids.shape[1]) < {WORDS}.sum(1)[:, None])")),
    numbers=("these are numbers; the mask is bool: a comparison gives one.", edit(AXES, f"{AXES}.float()")),
    squares=("every query gets its row already; the shape is (batch, 1, 1, key), broadcasting does the rest.",
        edit(AXES, f"{AXES}.expand(-1, 1, ids.shape[1], -1)")),
    is_not=("`is not` asks for the same object, and equal numbers above 256 are different ones: compare with !=.",
        edit(WORDS, "torch.tensor([[number is not padding for number in row] for row in ids.tolist()])")),
    empty_sees_all=("a sentence of nothing but padding may look nowhere: all False. `attention` copes with that.",
        edit(f"{WORDS}", f"({WORDS} | {WORDS}.all(1, True) | (ids == padding).all(1, True))")),
)
# fmt: on

# ------------------------------------------------------------------------------------------------ MultiHeadAttention

MultiHeadAttention = Exercise(course.MultiHeadAttention)


def _layer(answer, rng, n_heads=2, bias=False, d_model=6):
    return fill(answer(d_model, n_heads, bias), rng).requires_grad_(False)


@MultiHeadAttention.probe("its parameters, for MultiHeadAttention(6, 2)")
def _(answer, rng):
    return parameters(answer(6, 2))


@MultiHeadAttention.probe("its parameters, with bias=True")
def _(answer, rng):
    return parameters(answer(6, 2, True))


@MultiHeadAttention.probe("d_model 7 and 2 heads, which must raise ValueError")
def _(answer, rng):
    return raises(ValueError, answer, 7, 2)


for _label, _options, _drawn in [
    ("self-attention: a batch of 2, 5 positions, d_model 6, 2 heads", {}, lambda rng: [_random(rng, 2, 5, 6)]),
    (
        "self-attention with a causal mask, 3 heads",
        {"n_heads": 3},
        lambda rng: [_random(rng, 2, 5, 6), None, course.causal_mask(5)],
    ),
    (
        "cross-attention: 5 queries, 7 positions of context",
        {},
        lambda rng: [_random(rng, 2, 5, 6), _random(rng, 2, 7, 6)],
    ),
    (
        "cross-attention with a mask (heads, query, key), one for every head",
        {},
        lambda rng: [_random(rng, 2, 5, 6), _random(rng, 2, 7, 6), _mask(rng, 2, 5, 7)],
    ),
    (
        "cross-attention with a mask (batch, 1, 1, key) for the padding of the context",
        {},
        lambda rng: [_random(rng, 2, 5, 6), _random(rng, 2, 7, 6), _mask(rng, 2, 1, 1, 7)],
    ),
    ("a batch of one, one position, one head", {"n_heads": 1}, lambda rng: [_random(rng, 1, 1, 6)]),
    (
        "biases, 11 heads, 300 positions",
        {"n_heads": 11, "bias": True, "d_model": 33},
        lambda rng: [0.3 * _random(rng, 2, 300, 33)],
    ),
]:

    @MultiHeadAttention.probe(_label)
    def _(answer, rng, options=_options, drawn=_drawn):
        return _layer(answer, rng, **options)(*drawn(rng))


@MultiHeadAttention.probe("keep_weights = True, two calls: the second one's result, and what `weights` holds")
def _(answer, rng):
    layer, x = _layer(answer, rng), _random(rng, 2, 5, 6)
    before = layer.weights is None and layer(x) is not None and layer.weights is None
    layer.keep_weights = True
    layer(_random(rng, 2, 5, 6))
    return {"`weights` is None before": before, "the result": layer(x), "`weights`": layer.weights}


@MultiHeadAttention.probe("self-attention, after a call with a context and a mask")
def _(answer, rng):
    layer, x = _layer(answer, rng), _random(rng, 2, 5, 6)
    layer(x, _random(rng, 2, 5, 6), course.causal_mask(5))
    return layer(x)


@MultiHeadAttention.probe("a second layer of the same sizes, made in between")
def _(answer, rng):
    first, _ = _layer(answer, rng), _layer(answer, rng)
    return first(_random(rng, 2, 5, 6))


@MultiHeadAttention.probe("`attend` and `n_heads` by themselves, as notebook 13 uses them")
def _(answer, rng):
    layer, parts = _layer(answer, rng), (_random(rng, 2, 2, 5, 3) for _ in range(3))
    return {"`n_heads`": layer.n_heads, "what `attend` returns": layer.attend(*parts, course.causal_mask(5))}


@MultiHeadAttention.probe("a layer whose `attend` is another one, as in the friend's class below")
def _(answer, rng):
    layer = _layer(answer, rng)
    layer.attend = lambda q, k, v, mask: (q - 2 * k + 3 * v) * mask
    return layer(_random(rng, 2, 5, 6), None, torch.arange(5)[:, None] > 2)


@MultiHeadAttention.probe("gradients: for queries, context and the four matrices")
def _(answer, rng):
    layer, x, context = fill(answer(6, 2), rng), _random(rng, 2, 5, 6), _random(rng, 2, 7, 6)
    x.requires_grad_(), context.requires_grad_()
    named = {name.replace(".", " "): part for name, part in layer.named_parameters()}
    return gradients(layer(x, context), x=x, context=context, **named)


ATTEND = "self.attend(q, k, v, mask)"

# fmt: off
MultiHeadAttention.mistakes(
    without_to_out=("the last matrix is missing: to_out mixes the heads.",
        edit("self.to_out(join_heads", "(join_heads")),
    other_way_round=("the queries come from x, keys and values from the context; here it is the other way round.",
        edit("(context)", "(_)", "to_q(x)", "to_q(context)", "(_)", "(x)")),
    queries_from_context=("the queries must come from x, which asks.", edit("to_q(x)", "to_q(context)")),
    half_of_the_context=("keys and values both come from the context.",
        edit("to_v(context)", "to_v(x)"), edit("to_k(context)", "to_k(x)")),
    one_head=("nothing is split: this is one head over the whole of d_model.", edit(", self.n_heads)", ", 1)")),
    scrambled=("the heads are cut out with one reshape, which mixes up positions. Use split_heads.",
        edit("split_heads(", "(lambda y, n: y.reshape(len(y), n, y.shape[1], -1))(")),
    joined_by_reshape=("the heads are put together with one reshape, which mixes up positions. Use join_heads.",
        edit(f"join_heads({ATTEND})", f"{ATTEND}.reshape(x.shape)")),
    key_before_query=("q and k have changed places: `attend(q, k, v, mask)`.",
        edit(ATTEND, "self.attend(k, q, v, mask)")),
    values_from_keys=("the keys are mixed; the values come from to_v.", edit(ATTEND, "self.attend(q, k, k, mask)")),
    no_projections=("the three matrices are not used: q, k and v are to_q(x), to_k(context), to_v(context).",
        edit("self.to_q(x)", "x", "self.to_k(context)", "context", "self.to_v(context)", "context")),
    residual=("the input is added on top: the residual comes in notebook 07.",
        edit("return self.", "return x + self.")),
    keeps_always=("`weights` is kept always; pictures are wanted only where keep_weights is set. Call self.attend.",
        edit("if not self.keep_weights:", "if False:"),
        edit(ATTEND, "(lambda m: setattr(self, 'weights', m[1]) or m[0])(attention(q, k, v, mask))")),
    keeps_never=("`weights` is not kept for keep_weights: call self.attend.", edit("not self.keep_weights", "True")),
    keeps_once=("`weights` holds what the last call looked at, as long as keep_weights is set: a call does not change "
        "keep_weights, and replaces the `weights` of the call before.",
        edit("        return self.to_out(join_heads(self.attend(q, k, v, mask)))",
             "        mixed = self.attend(q, k, v, mask)\n        self.keep_weights = False\n"
             "        return self.to_out(join_heads(mixed))"),
        edit("mixed, self.weights = attention(q, k, v, mask)",
             "mixed, weights = attention(q, k, v, mask)\n"
             "        self.weights = weights if self.weights is None else self.weights")),
    always_bias=("a bias is learned only where `bias` is set: bias=bias.", edit("bias=bias", "bias=True")),
    one_head_wide=("each of the four matrices serves all heads at once: from d_model to d_model numbers.",
        edit("to_q = nn.Linear(d_model, d_model", "to_q = nn.Linear(d_model, d_model // n_heads"),
        edit("nn.Linear(d_model, d_model", "nn.Linear(d_model, d_model // n_heads")),
)
# fmt: on

# ------------------------------------------------------------------------------------------------------- future_leak

future_leak = Exercise(course.future_leak)


def _sees(position, other, sentence=slice(None)):
    """A layer where one position adds up another one."""

    def layer(x):
        outputs = x.clone()
        outputs[sentence, position] = x[sentence, position] + x[sentence, other]
        return outputs

    return layer


def _next(x):
    """Each position adds up the next one; beyond the end there is nothing."""
    return x + torch.cat([x[:, 1:], torch.zeros_like(x[:, :1])], 1)


def _later(x):
    """Each position adds up everything later."""
    return x.flip(1).cumsum(1).flip(1)


def _learning(rng):
    """A layer whose parameters learn, so that its outputs carry gradients."""
    linear = fill(nn.Linear(3, 4), rng)
    return lambda x: linear(_next(x))


for _label, _layer_of, _input in [
    ("a layer that adds up everything so far: nothing leaks", lambda rng: lambda x: x.cumsum(1), (2, 5, 3)),
    ("a layer where only the second sentence of the batch leaks", lambda rng: _sees(1, 3, slice(1, 2)), (3, 5, 3)),
    ("a layer where each position sees the next one", lambda rng: _next, (2, 5, 3)),
    ("a layer where only the first position sees the next one", lambda rng: _sees(0, 1), (2, 5, 3)),
    ("a layer where only the last but one sees the next one", lambda rng: _sees(-2, -1), (2, 5, 3)),
    ("positive numbers, a layer where each position adds up everything later", lambda rng: _later, (3, 5, 2)),
    (
        "a layer that returns one number a position, a large one",
        lambda rng: lambda x: 1e4 * _later(x).sum(-1),
        (2, 5, 3),
    ),
    ("a layer whose parameters learn", _learning, (2, 5, 3)),
    ("300 positions, a layer where only number 280 sees the last one", lambda rng: _sees(280, 299), (1, 300, 2)),
    ("a single position", lambda rng: _next, (2, 1, 3)),
    ("tiny outputs, and so is the leak: the move times 10¹²", lambda rng: lambda x: 1e-12 * _next(x), (2, 5, 3)),
]:

    @future_leak.probe(_label)
    def _(answer, rng, label=_label, layer_of=_layer_of, shape=_input):
        x = _random(rng, *shape)
        found = plain(answer(layer_of(rng), x.abs() if label.startswith("positive") else x))
        return 1e12 * found if label.startswith("tiny") else found


CHANGE, MOVED = "[x[:, :position], -x[:, position:]]", "[:, :position].abs().max()"
TRIED = "range(1, x.shape[1])"

# fmt: off
future_leak.mistakes(
    everywhere=("the changed positions are compared as well; take [:, :position].", edit(MOVED, ".abs().max()")),
    itself_too=("the output at the changed position may move; compare only those before it: [:, :position].",
        edit("[:, :position].abs", "[:, : position + 1].abs")),
    last_left_out=("the last position is never tried: range(1, x.shape[1]).", edit(TRIED, "range(1, x.shape[1] - 1)")),
    not_all=("only the first positions are tried: range(1, x.shape[1]).",
        *(edit(TRIED, f"range(1, min(x.shape[1], {n}))") for n in (64, 100, 256))),
    one_short=("the output just before the change is left out: compare [:, :position], it ends at position - 1.",
        edit("range(1", "range(2", "[:, :position].abs", "[:, : position - 1].abs"),
        edit("[:, :position].abs", "[:, : position - 1].abs")),
    no_abs=("take the size of a move: `.abs()` before `.max()`, a fall counts as much as a rise.", edit(".abs()", "")),
    mean_move=("this is the mean move; the largest one is asked for.", edit(".max()", ".mean()")),
    total_move=("this adds the moves up; the largest single one is asked for.", edit(".max()", ".sum()")),
    one_position=("only one position is changed each time; negate all the inputs from there on.",
        edit("-x[:, position:]]", "-x[:, position : position + 1], x[:, position + 1 :]]")),
    only_the_last=("this is the last move: try all from 1 on, keep the largest.",
        edit("max(largest, moved.item())", "moved.item()")),
    only_the_first=("only the change from position 1 on is tried; try all.",
        edit(TRIED, "range(1, min(2, x.shape[1]))")),
    over_the_batch=("the batch is counted instead of the positions: x.shape[1].", edit("x.shape[1]", "x.shape[0]")),
    one_sentence=("only the first sentence of the batch is compared.",
        edit("[:, :position].abs", "[:1, :position].abs")),
    zeroed=("the inputs are set to 0 from there on; the task says negate.", edit("-x[:", "0 * x[:")),
    cut_off=("the inputs are cut off there; the task says negate: the layer gets all positions.",
        edit(f"torch.cat({CHANGE}, dim=1)", "x[:, :position]", "- outputs)[:, :position]", "- outputs[:, :position])")),
    past_negated=("this changes the past; negate from `position` on.",
        edit(CHANGE, "[-x[:, :position], x[:, position:]]")),
    compared_with_x=("the moves are counted from x; count them from the outputs for x.", edit("- outputs", "- x")),
)
# fmt: on


# --------------------------------------------------------------------------------------------------------- questions


def _head_block() -> tuple[int, int]:
    """Rows and columns of the third head's part of W_V; nn.Linear keeps its matrix transposed."""
    layer = course.MultiHeadAttention(768, 12)
    return tuple(layer.to_v.weight.T.tensor_split(layer.n_heads, dim=1)[2].shape)


head_block = Question(
    "head_block",
    _head_block,
    "all 768 numbers of x go in, and 768 / 12 = 64 values of the head come out: x (position, 768) times (768, 64).",
    "The matrix is multiplied by x from the left: x W. How many numbers does the head read, and how many does it make?",
    (
        ((64, 64), "That would be a head that reads a slice of x. Each head reads all of x."),
        ((64, 768), "That is how nn.Linear would store it, (out, in). Here x stands on the left: (in, out)."),
        ((768, 768), "That is W_V, for all twelve heads together."),
        ((768, 12), "There are 12 heads. How many numbers has each of them?"),
    ),
)


def _allowed_pairs() -> int:
    ids = torch.tensor([[1, 2, 3, 4, 1, 5], [1, 6, 3, 7, 0, 0]])
    return int((course.causal_mask(6) & course.padding_mask(ids, 0)).sum())


allowed_pairs = Question(
    "allowed_pairs",
    _allowed_pairs,
    "1 + 2 + ... + 6 = 21 in the first sentence, 1 + 2 + 3 + 4 + 4 + 4 = 18 in the second: the rows of its paddings "
    "see the four words, and no padding.",
    "Count row by row: query i sees the keys 0 to i, as far as they are words. The mask hides keys, not queries.",
    (
        (21 + 10, "The rows of the paddings are not empty: only their columns are."),
        (21 + 21, "That is the causal mask alone: the columns of the paddings are False."),
        (6 * 6 + 6 * 4, "That is the padding mask alone: half of it lies in the future."),
        (21 + 20, "Does a padding see itself? Its column is False in every row, its own one too."),
        (15 + 14, "A position may look at itself: the diagonal counts, where it is a word."),
        (18, "That is the second sentence. The batch has two."),
        (21, "That is the first sentence. The batch has two."),
    ),
)
leaking_line = Question(
    "leaking_line",
    lambda: 4,
    "one reshape tears positions apart: what is called position 0 of a head holds numbers of several positions, or of "
    "a later one. The mask is right, but it hides the wrong numbers. Cut the last axis first, then swap: split_heads.",
    "The mask and the softmax are in order. After which line do the rows along the axis `position` still belong to one "
    "position each, and after which not?",
    (
        (3, "The shape is what is wanted. How do the numbers get there?"),
        (5, "The scores are those of the paper. Look at what q and k hold by then."),
        (6, "The mask is right, and it stands before the softmax."),
        (7, "The softmax comes after the mask, as it should."),
        (8, "This undoes a right split. Was the split right?"),
        (2, "Each projection works on every position by itself: nothing can leak there."),
    ),
)
prefix_price = Question(
    "prefix_price",
    lambda: float(Fraction(int(course.causal_mask(1000).sum()), 1000)),
    "1 + 2 + ... + 1,000 = 500,500 positions, 500.5 times as many: half of the length, on average.",
    "How long are the 1,000 beginnings together?",
    (
        (1000, "Not every beginning has 1,000 words: they are half as long on average."),
        (500_500, "That is the number of positions. How many times 1,000 is it?"),
    ),
    within=0.002,
)
crossover = Question(
    "crossover",
    lambda: 2 * 512,
    "4 n d² + 2 n² d = 8 n d² gives 2 n = 4 d, so n = 2 d = 1,024. By the table of the paper, without projections and "
    "gates, it would be n = d.",
    "Set the two counts equal, and divide both by 2 n d.",
    (
        (512, "That is n² d = n d², the table of the paper. Here the projections and the four gates count."),
        (2048, "Divide again: 2 n² d = 4 n d²."),
        (256, "Divide again: 2 n² d = 4 n d²."),
        (2, "That is n / d."),
    ),
)
friends_curve = Question(
    "friends_curve",
    lambda: "leak",
    "every batch is new and random, so nothing can be known by heart, and a loss below ln 8 needs the answer itself. "
    "It is there in training, and gone when only a beginning is given.",
    "Could any honest model get below ln 8 here? What is the same in both curves, and what differs?",
    (
        ("overfitting", "Every batch is new and random: what would there be to know by heart?"),
        ("learning rate", "An unstable training does not end far below the best possible loss."),
    ),
)


def _late_sums() -> tuple[float, float]:
    scores = torch.tensor([[0.0, 0.0, math.log(2)], [0.0, 0.0, math.log(8)]])
    return tuple(round(total, 6) for total in scores.softmax(-1)[:, :2].sum(-1).tolist())


late_sums = Question(
    "late_sums",
    _late_sums,
    "(1 + 1) / 4 and (1 + 1) / 10. With the mask before the softmax both would be 1, whatever the hidden word is.",
    "Write down the three numerators and their sum. The weight of the third is then set to 0, and the others stay.",
    (
        ((1.0, 1.0), "That is what the mask before the softmax gives. Here it comes after."),
        ((0.25, 0.1), "That is the weight of one of the two words that are left."),
        ((0.5, 0.8), "The weight that is set to 0 is 8 / 10. What is left?"),
    ),
    within=0.01,
)
