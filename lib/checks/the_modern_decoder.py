"""Checks of notebook 14: norm, feed-forward, window, questions. Attention and block, weights: modules of their own."""

import torch
from torch import nn

from lib import attention, layers
from lib.cache import cache_bytes
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import fill, gradients, normal, raises, single_calls
from lib.checks.the_modern_decoder_attention import GroupedQueryAttention, LlamaBlock, loadable, repeat_kv
from lib.checks.the_modern_decoder_weights import bits_a_weight, unpack_q4_1

__all__ = [
    "GroupedQueryAttention",
    "LlamaBlock",
    "RMSNorm",
    "SwiGLU",
    "bits_a_weight",
    "cache_bytes_saved",
    "normed_fives",
    "repeat_kv",
    "sliding_window_mask",
    "swiglu_width",
    "unpack_q4_1",
    "window_reach",
]

RMSNorm = Exercise(layers.RMSNorm)
SwiGLU = Exercise(layers.SwiGLU)
sliding_window_mask = Exercise(attention.sliding_window_mask)


# ---------------------------------------------------------------------------------------------------------- RMSNorm


@RMSNorm.probe("the parameters of RMSNorm(5)")
def _(answer, rng):
    return loadable(answer(5))


@RMSNorm.probe("a new RMSNorm and the vectors (1, 7), (0, 2000) and (-3, -3)")
def _(answer, rng):
    return answer(2)(torch.tensor([[1.0, 7.0], [0.0, 2000.0], [-3.0, -3.0]]))


@RMSNorm.probe("batch 2, 3 positions, d_model 5, a random scale")
def _(answer, rng):
    return fill(answer(5), rng)(4 * normal(2, 3, 5, rng=rng) + 1)


@RMSNorm.probe("a vector of zeros, and then vectors of one number each")
def _(answer, rng):
    return fill(answer(3), rng)(torch.zeros(2, 3)), fill(answer(1), rng)(normal(2, 1, rng=rng))


@RMSNorm.probe("numbers around 0.001: epsilon as it is by default, and 1e-5 as in Llama")
def _(answer, rng):
    x = 0.001 * normal(3, 7, rng=rng)
    made = {"by default": fill(answer(7), rng), "with epsilon 1e-5": fill(answer(7, 1e-5), rng)}
    return {f"the result {how}": layer(x) for how, layer in made.items()}


@RMSNorm.probe("three leading axes, 2, 1 and 3")
def _(answer, rng):
    return fill(answer(3), rng)(normal(2, 1, 3, 3, rng=rng))


@RMSNorm.probe("a single vector of 64-bit numbers, d_model 576 as in SmolLM2")
def _(answer, rng):
    return fill(answer(576), rng).double()(normal(576, rng=rng).double())


@RMSNorm.probe("x and scale of half precision (float16)")
def _(answer, rng):
    return {"the dtype of the result": str(answer(4).half()(torch.ones(2, 4).half()).dtype)}


@RMSNorm.probe("the gradients for x, a vector of zeros in it, and scale")
def _(answer, rng):
    layer, x = fill(answer(5), rng), torch.cat([normal(3, 5, rng=rng), torch.zeros(1, 5)]).requires_grad_()
    return gradients(layer(x), x=x, scale=layer.scale)


_SQUARES = "x.square().mean(dim=-1, keepdim=True)"
_ROOT = f"torch.rsqrt({_SQUARES} + self.epsilon)"
_NORMED = f"x * {_ROOT} * self.scale"

# fmt: off
RMSNorm.mistakes(
    centred=("the mean is taken away: that is LayerNorm. RMSNorm divides x as it is by its root mean square.",
        edit(_NORMED, f"(x - x.mean(dim=-1, keepdim=True)) * {_ROOT} * self.scale"),
        edit("return x", "x = x - x.mean(dim=-1, keepdim=True)\n        return x")),
    by_the_deviation=("it divides by the standard deviation: the mean square is of x itself, no mean is taken away.",
        edit(_SQUARES, "x.var(dim=-1, keepdim=True, correction=0)"), edit(_SQUARES, "x.var(dim=-1, keepdim=True)")),
    by_the_length=("it divides by the length of the vector: the squares are averaged (mean), not added up (sum).",
        edit(".mean(", ".sum("), edit(_ROOT, "1 / x.norm(dim=-1, keepdim=True).clamp(min=self.epsilon)")),
    not_squared=("the numbers are averaged without being squared first.", edit(".square()", "")),
    by_mean_size=("it divides by the mean size |x|: square, average, take the root.",
        edit(_ROOT, "1 / (x.abs().mean(dim=-1, keepdim=True) + self.epsilon)")),
    by_the_largest=("it divides by the largest number: square, average, take the root.",
        edit(_ROOT, "1 / (x.abs().amax(dim=-1, keepdim=True) + self.epsilon)")),
    no_root=("it divides by the mean square: take its root.", edit(_ROOT, f"1 / ({_SQUARES} + self.epsilon)")),
    multiplied=("it multiplies by the root mean square: divide (torch.rsqrt is one over the root).",
        edit("rsqrt", "sqrt")),
    epsilon_outside=("epsilon stands outside the root: it is added to the mean square, under the root.",
        edit(_ROOT, f"1 / ({_SQUARES}.sqrt() + self.epsilon)"),
        edit(_ROOT, "1 / (x.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5 + self.epsilon)")),
    least=("epsilon is taken for a least value: it is added to the mean square.",
        edit(f"{_SQUARES} + self.epsilon", f"{_SQUARES}.clamp(min=self.epsilon)"),
        edit(_ROOT, f"1 / {_SQUARES}.sqrt().clamp(min=self.epsilon)")),
    no_epsilon=("a vector of zeros gives 0/0, NaN: add epsilon under the root.", edit(" + self.epsilon", "")),
    own_default=("`epsilon` is 1e-6 when it is not given.", edit("1e-6", "1e-5"), edit("1e-6", "1e-8")),
    no_scale=("the learned scale is not used.", edit(" * self.scale", "")),
    scaled_first=("x is scaled before it is normed, which changes its root mean square: norm first, then scale.",
        edit("return x", "x = x * self.scale\n        return x", f"{_ROOT} * self.scale", _ROOT)),
    scale_added=("the scale is added: multiply by it.", edit("* self.scale", "+ self.scale")),
    one_more=("it multiplies by 1 + scale: here scale begins at 1 and is the factor itself.",
        edit("* self.scale", "* (1 + self.scale)", "torch.ones", "torch.zeros")),
    zeros_at_first=("scale begins at 0, so that nothing comes through: torch.ones.", edit("torch.ones", "torch.zeros")),
    own_shift=("there is a shift as in LayerNorm: RMSNorm has a scale only.",
        edit("(torch.ones(d_model))",
             "(torch.ones(d_model))\n        self.shift = nn.Parameter(torch.zeros(d_model))"),
        edit("(torch.ones(d_model))",
             "(torch.ones(d_model))\n        self.shift = nn.Parameter(torch.zeros(d_model))",
             "* self.scale", "* self.scale + self.shift")),
    other_name=("the parameter is to be called `scale`: published weights are loaded by name.",
        edit("self.scale", "self.weight"), edit("self.scale", "self.gain"), edit("self.scale", "self.gamma")),
    over_positions=("it averages over the positions: every vector by itself, over its own numbers (dim=-1).",
        edit("dim=-1", "dim=-2"), edit("dim=-1", "dim=max(-2, -x.ndim)")),
    over_the_sequence=("it averages over a whole sequence: every vector by itself, over its own numbers (dim=-1).",
        edit("dim=-1", "dim=(-2, -1)"), edit("dim=-1", "dim=tuple(range(-min(2, x.ndim), 0))")),
    over_everything=("it averages over everything: every vector by itself, over its own numbers (dim=-1).",
        edit("dim=-1, keepdim=True", "")),
    over_the_batch=("it averages over the batch: every vector by itself, over its own numbers (dim=-1).",
        edit("dim=-1", "dim=0")),
    second_axis=("d_model is the last axis, however many come before it: dim=-1.",
        edit("dim=-1", "dim=min(2, x.ndim - 1)"), edit("dim=-1", "dim=2"), edit("dim=-1", "dim=1")),
    no_keepdim=("the mean square has lost its last axis, so it is paired with the wrong numbers: keepdim=True.",
        edit(", keepdim=True", "")),
    always_32_bit=("64-bit numbers become 32-bit: the result has the dtype of x.",
        edit(_NORMED, f"({_NORMED}).float()")),
    detached=("gradients are to flow through the root mean square too: it depends on x.",
        edit(_SQUARES, f"{_SQUARES}.detach()")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------------------- SwiGLU


@SwiGLU.probe("the parameters of SwiGLU(5, 7)")
def _(answer, rng):
    return loadable(answer(5, 7))


@SwiGLU.probe("batch 2, 3 positions, d_model 5, d_ff 7")
def _(answer, rng):
    return fill(answer(5, 7), rng)(normal(2, 3, 5, rng=rng))


@SwiGLU.probe("numbers as large as 1000, and the same with the other sign")
def _(answer, rng):
    layer, x = fill(answer(3, 5), rng), 1000 * normal(1, 2, 3, rng=rng)
    return layer(torch.cat([x, -x], dim=1))


class _Open(nn.Module):
    """A gate whose silu is 1, as notebook 14 puts it in to see what breaks."""

    def forward(self, x):
        return torch.full_like(x, 1.2785)


@SwiGLU.probe("three leading axes, 2, 1 and 300, d_model and d_ff both 4; then a module without weights as `gate`")
def _(answer, rng):
    layer, x = fill(answer(4, 4), rng), normal(2, 1, 300, 4, rng=rng)
    found = {"the result": layer(x)}
    layer.gate = _Open()
    return found | {"the result with a gate that is always 1.2785": layer(x)}


@SwiGLU.probe("a single vector of 64-bit numbers, d_model 576 and d_ff 1,536 as in SmolLM2")
def _(answer, rng):
    return fill(answer(576, 1536), rng, 0.05).double()(normal(576, rng=rng).double())


@SwiGLU.probe("the gradients for x and the three matrices, then for 64-bit numbers of either sign, some below -1000")
def _(answer, rng):
    layer, x = fill(answer(5, 7), rng), normal(2, 3, 5, rng=rng)
    found = []
    for change in (lambda part: part, lambda part: torch.cat([part, -part]).double() * 5000):
        layer, x = (layer, change(x)) if not found else (layer.double(), change(x))
        named = {name.removesuffix(".weight"): part for name, part in layer.named_parameters()}
        x.requires_grad_()
        found.append(gradients(layer(x), x=x, **named))
    return found


_GATED = "functional.silu(self.gate(x)) * self.widen(x)"
_OUT = f"self.narrow({_GATED})"

# fmt: off
SwiGLU.mistakes(
    no_silu=("there is no silu: without it the gate is a plain product of two matrices' results.",
        edit("functional.silu(self.gate(x))", "self.gate(x)")),
    sigmoid=("the gate is a sigmoid (GLU): silu(z) is z · sigmoid(z).", edit("functional.silu", "torch.sigmoid")),
    relu=("the gate is a ReLU (ReGLU): SwiGLU's is silu.", edit("functional.silu", "functional.relu")),
    gelu=("the gate is a GELU (GEGLU): SwiGLU's is silu.",
        edit("functional.silu", "functional.gelu"), edit("functional.silu(self.gate(x))",
             'functional.gelu(self.gate(x), approximate="tanh")')),
    quick_gelu=("silu(z) is z · sigmoid(z), without a factor before z.",
        edit("functional.silu(self.gate(x))", "self.gate(x) * torch.sigmoid(1.702 * self.gate(x))")),
    tanh=("the gate is a tanh: SwiGLU's is silu.", edit("functional.silu", "torch.tanh")),
    softmaxed=("the gate is a softmax: each number has its own gate, silu.",
        edit("functional.silu(self.gate(x))", "self.gate(x).softmax(dim=-1)")),
    roles_swapped=("`gate` and `widen` have changed places: silu acts on what `gate` gives.",
        edit(_GATED, "self.gate(x) * functional.silu(self.widen(x))")),
    both_bent=("silu acts on both: what `widen` gives is multiplied as it is.",
        edit("self.widen(x))", "functional.silu(self.widen(x)))")),
    bent_product=("silu acts on the product here; it should act on what `gate` gives, before the two are multiplied.",
        edit(_GATED, "functional.silu(self.gate(x) * self.widen(x))")),
    added=("gate and content are added: multiply them.",
        edit("self.gate(x)) * self", "self.gate(x)) + self")),
    no_gate=("the gate is not used: this is a plain feed-forward.",
        edit(_GATED, "functional.silu(self.widen(x))")),
    no_content=("`widen` is not used: what it gives is multiplied by silu of the gate.",
        edit(_GATED, "functional.silu(self.gate(x))")),
    chained=("`widen` gets what the gate has left of x: both see x itself, side by side.",
        edit(_OUT, "self.narrow(self.widen(x) * functional.silu(self.gate(x)) * self.gate(x))")),
    not_narrowed=("the result is still d_ff wide: `narrow` brings it back to d_model.", edit(_OUT, _GATED)),
    gated_last=("the gate closes after `narrow`; it should work on the d_ff numbers, before `narrow`.",
        edit(_OUT, "self.narrow(functional.silu(self.gate(x))) * self.narrow(self.widen(x))")),
    bent_last=("there is a second silu after `narrow`: the result is left as it is.",
        edit(_OUT, f"functional.silu({_OUT})")),
    own_shortcut=("x is added: the shortcut stands around this layer, in the block.", edit(_OUT, f"x + {_OUT}")),
    biases=("the matrices have no biases here: bias=False.", edit(", bias=False", "")),
    bias_at_the_end=("the matrices have no biases here: bias=False.",
        edit("(d_ff, d_model, bias=False)", "(d_ff, d_model)")),
    sizes_swapped=("the sizes are swapped: `gate` and `widen` go from d_model to d_ff, `narrow` back.",
        edit("(d_model, d_ff,", "(D, F,", "(d_ff, d_model,", "(d_model, d_ff,", "(D, F,", "(d_ff, d_model,")),
    one_matrix=("gate and content come from one matrix: each has its own.",
        edit("self.widen = nn.Linear(d_model, d_ff, bias=False)", "self.widen = self.gate"),
        edit("self.gate(x)", "self.widen(x)")),
    packed=("gate and content lie in one matrix: published weights are loaded by their names, one by one.",
        edit("self.gate = nn.Linear(d_model, d_ff, bias=False)\n", "\n",
             "self.widen = nn.Linear(d_model, d_ff,", "self.widen = nn.Linear(d_model, 2 * d_ff,",
             "functional.silu(self.gate(x)) * self.widen(x)",
             "functional.silu(self.widen(x).chunk(2, dim=-1)[0]) * self.widen(x).chunk(2, dim=-1)[1]")),
    two_thirds=("d_ff is made two thirds as wide in here: it is the width as given, whoever calls has chosen it.",
        edit("super().__init__()", "super().__init__()\n        d_ff = int(d_ff * 2 / 3)")),
    not_stable=("large numbers give NaN: exp(z) / (1 + exp(z)) is inf / inf. torch.sigmoid, or functional.silu.",
        edit("functional.silu(self.gate(x))",
             "self.gate(x) * self.gate(x).exp() / (1 + self.gate(x).exp())")),
    gradient_not_stable=("the gradient is NaN where exp(-z) is infinite: torch.sigmoid, or functional.silu.",
        edit("functional.silu(self.gate(x))", "self.gate(x) / (1 + (-self.gate(x)).exp())")),
    gate_not_called=("the gate's matrix is taken out of `gate`: call self.gate(x), whatever module it is.",
        edit("self.gate(x)", "functional.linear(x, self.gate.weight)")),
    detached=("no gradient reaches the gate: it is to learn too.", edit("self.gate(x)", "self.gate(x).detach()")),
)
# fmt: on


# ---------------------------------------------------------------------------------------------- sliding_window_mask


single_calls(
    sliding_window_mask,
    {
        "3 new positions, none before, a window of 2": lambda rng: [3, 0, 2],
        "one new position after 2, a window of 2": lambda rng: [1, 2, 2],
        "a window of 1: each sees itself": lambda rng: [2, 3, 1],
        "a window wider than the text": lambda rng: [3, 2, 11],
        "300 new positions, none before, a window of 128": lambda rng: [300, 0, 128],
        "one new position after 1,100, a window of 1,050": lambda rng: [1, 1100, 1050],
        "two new positions after 2,300, a window of 31": lambda rng: [2, 2300, 31],
    },
)


@sliding_window_mask.probe("a window of 0, and of -1: ValueError")
def _(answer, rng):
    return {f"window {window}": raises(ValueError, answer, 3, 2, window) for window in (0, -1)}


_EARLIER, _BAND = "torch.ones(new, before + new, dtype=torch.bool)", "earlier.triu(before - window + 1)"

_SIZES = (64, 128, 256, 512, 1024)

# fmt: off
sliding_window_mask.mistakes(
    no_window=("all that came before is seen: only the nearest `window` positions, itself included, may be.",
        edit(_BAND, "earlier")),
    one_too_many=("one position too many is seen: the window counts the position itself too.",
        edit("window + 1)", "window)")),
    one_too_few=("one position too few is seen: itself and window - 1 before it.", edit("window + 1)", "window + 2)")),
    sees_the_future=("the future is seen: what comes after a position is hidden.", edit(".tril(before)", "")),
    both_sides=("the window reaches to both sides: what comes after a position is hidden.",
        edit("tril(before)", "tril(before + window - 1)")),
    one_ahead=("one step too far: a position sees the next one.", edit("tril(before)", "tril(before + 1)")),
    not_itself=("a position may look at itself.", edit("tril(before)", "tril(before - 1)")),
    before_forgotten=(
        "the cached positions stand before the new ones: new position i is number before + i of all.",
        edit("tril(before)", "tril()", "triu(before - window", "triu(-window"),
    ),
    half_forgotten=("the window lies as if nothing stood before: new position i is number before + i of all.",
        edit("triu(before - window", "triu(-window")),
    nothing_before=("the cached positions have no columns: the shape is (new, before + new).",
        edit("(new, before + new,", "(new, new,", "tril(before)", "tril()", "triu(before - window", "triu(-window")),
    all_rows=("there are rows for the cached positions too: only new ones look. The shape is (new, before + new).",
        edit("(new, before + new,", "(before + new, before + new,", "tril(before)", "tril()",
             "triu(before - window", "triu(-window")),
    turned=("the axes are swapped: rows are the new positions, columns all of them.", edit(_BAND, f"{_BAND}.T")),
    inverted=("True means may look; here it means hidden. Turn it round.", edit(_BAND, f"~{_BAND}")),
    blocks=("the text is cut into blocks: the window goes along with each position.",
        edit(_BAND, "earlier & (torch.arange(before, before + new)[:, None] // window"
                    " == torch.arange(before + new) // window)")),
    cached_not_counted=("the window counts new positions only: cached ones that are too far back are hidden too.",
        edit(_BAND, f"{_BAND} | (torch.arange(before + new) < before)")),
    first_always=("the first position is always seen: it leaves the window as any other does.",
        edit(_BAND, f"{_BAND} | (torch.arange(before + new) == 0)")),
    numbers=("these are numbers; the mask is bool.",
        edit(_BAND, f"{_BAND}.float()"), edit(_BAND, f"{_BAND}.long()")),
    scores_to_add=("these are scores to add, 0 and -inf; the mask is bool, True where looking is allowed.",
        edit(_BAND, f"torch.zeros(new, before + new).masked_fill(~{_BAND}, -math.inf)")),
    more_axes=("the mask has two axes, (new, before + new); broadcasting adds the others.",
        edit(_BAND, f"{_BAND}[None]"), edit(_BAND, f"{_BAND}[None, None]")),
    no_error=("a window below 1 is to be refused by a ValueError.", edit("if window < 1:", "if False:")),
    zero_goes=("a window of 0 is to be refused too: a position sees itself at least.",
        edit("window < 1", "window < 0")),
    one_refused=("a window of 1 is refused: then each position sees just itself.", edit("window < 1", "window <= 1")),
    wide_refused=("a window wider than the text is refused: then all that stands before is seen.",
        edit("window < 1", "window < 1 or window > before + new")),
    fixed_table=("the mask is cut from a table that is too small. Build it for each length.",
        *(edit(_EARLIER, f"torch.ones({n}, {n}, dtype=torch.bool)[:new, : before + new]") for n in _SIZES),
        *(edit(f"{_EARLIER}.tril(before)",
               f"torch.ones({n}, {n}, dtype=torch.bool).tril()[before : before + new, : before + new]")
          for n in _SIZES)),
    never_beyond_new=("the window is cut to the number of new positions: cached ones are within reach too.",
        edit("earlier = ", "window = min(window, new)\n    earlier = ")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- questions


normed_fives = Question(
    "normed_fives",
    lambda: layers.RMSNorm(4)(torch.full((4,), 5.0))[0].item(),
    why="the root mean square is 5, and 5 / 5 = 1. A LayerNorm gives 0: it takes the mean away first.",
    hint="Square each number, take the mean of the squares, then the root; divide by that.",
    hints=(
        (0.0, "That is LayerNorm, which takes the mean away. RMSNorm does not."),
        (0.5, "The mean of the squares, not their sum."),
        (0.2, "The root of the mean square, not the mean square itself."),
        (5.0, "That is the number before the norm, and the root mean square: now divide."),
    ),
    within=1e-3,
)

_COUNT = "Two matrices of d_model x 4 d_model, three of d_model x width: set them equal."
swiglu_width = Question(
    "swiglu_width",
    lambda: 2 * 4 * 576 // 3,
    why="2 matrices of 576 x 2,304 hold as many numbers as 3 of 576 x 1,536: the width is 8/3 d_model. SmolLM2 has it.",
    hint=_COUNT,
    hints=(
        (2304, "That makes half as many weights again: three matrices in place of two."),
        (3456, "Narrower, not wider: there is one matrix more."),
        (1152, "Half is too narrow: three matrices share what two had."),
        (884_736, f"That is a number of weights: a width is asked for. {_COUNT}"),
    ),
)

_POSITIONS, _BLOCKS, _HEADS, _KV_HEADS, _D_HEAD = 2048, 30, 9, 3, 64  # of SmolLM2-135M
_BYTES = "Keys and values (2) x positions x blocks x heads x d_head x bytes; take the difference of 9 heads and 3."


def _cache(n_heads, bytes_each=2):
    return cache_bytes(1, _POSITIONS, _BLOCKS, n_heads, _D_HEAD, bytes_each)


cache_bytes_saved = Question(
    "cache_bytes_saved",
    lambda: _cache(_HEADS) - _cache(_KV_HEADS),
    why="9 heads take 141,557,760 bytes, 3 heads a third of it, 47,185,920; the difference is saved.",
    hint=_BYTES,
    hints=(
        (
            _cache(_KV_HEADS),
            "That is what 3 heads take, or what is saved of the keys alone. Values are kept too; how much less is it?",
        ),
        (_cache(_HEADS), "That is what 9 heads take. How much less do 3 take?"),
        (_cache(_HEADS, 4) - _cache(_KV_HEADS, 4), "That is with 4 bytes a number: here it is 2."),
        ((_cache(_HEADS) - _cache(_KV_HEADS)) // _BLOCKS, "That is one block: there are 30."),
        (2 / 3, f"That is the share that is saved: bytes are asked for. {_BYTES}"),
    ),
    within=1e-9,
)

window_reach = Question(
    "window_reach",
    lambda: 32 * (4096 - 1),
    why="each block reaches 4,095 further back: what a position reads there has itself read 4,095 further.",
    hint="In one block a position reads at most window - 1 positions back. And what was read there, a block below?",
    hints=(
        (4095, "That is one block. The next one reads what this one has written."),
        (4096, "That is one block, and the position itself. The next one reads what this one has written."),
        (32 * 4096, "Almost: a window counts the position itself, so each block reads 4,095 back."),
    ),
)
