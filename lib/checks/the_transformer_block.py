"""Checks of notebook 07: LayerNorm, dropout, feed-forward, shortcut.

The blocks stand in the_transformer_block_stacked, the questions in the_transformer_block_questions.
"""

import torch

from lib import layers
from lib.checks.core import Exercise, edit
from lib.checks.differences import difference
from lib.checks.probing import fill, gradients, normal, parameters
from lib.checks.running import Problem
from lib.checks.the_transformer_block_questions import (
    changed_outputs,
    cross_weights_shape,
    decoder_share,
    dropout_square,
    eight_layers,
    noisy_line,
    stream_sizes,
)
from lib.checks.the_transformer_block_stacked import DecoderBlock, EncoderBlock, parameter_counts

__all__ = [
    "DecoderBlock",
    "EncoderBlock",
    "FeedForward",
    "LayerNorm",
    "PreNorm",
    "changed_outputs",
    "cross_weights_shape",
    "decoder_share",
    "dropout",
    "dropout_square",
    "eight_layers",
    "noisy_line",
    "parameter_counts",
    "stream_sizes",
]

LayerNorm = Exercise(layers.LayerNorm)
dropout = Exercise(layers.dropout)
FeedForward = Exercise(layers.FeedForward)
PreNorm = Exercise(layers.PreNorm)


def _factors(noisy, quiet):
    """By what the numbers were multiplied, the different factors in order: however the dice fell, the same few."""
    factors = sorted({round(factor, 2) + 0.0 for factor in (100 * noisy / quiet).round().div(100).unique().tolist()})
    return " and ".join(f"{factor:g}" for factor in factors) if len(factors) < 4 else "many different ones"


def _luck(noisy):
    """Along which axes numbers become 0 all together, and whether those side by side do."""
    zero = noisy == 0
    alike = {f"along axis {axis}": bool((zero == zero.narrow(axis, 0, 1)).all()) for axis in range(zero.ndim)}
    one, other = zero.flatten()[: zero.numel() // 2 * 2].view(-1, 2).unbind(1)
    alike["of two numbers side by side"] = bool((one == other).all())
    return {f"the luck {where}": "the same for all" if same else "each its own" for where, same in alike.items()}


def _above_one(y):
    """For an activation or a part: of numbers that are not near 0, the factors can be told."""
    return y.square() + 1


# -------------------------------------------------------------------------------------------------------- LayerNorm


@LayerNorm.probe("the parameters of LayerNorm(5)")
def _(answer, rng):
    return parameters(answer(5))


@LayerNorm.probe("a new LayerNorm and the vectors (1, 3), (0, 20) and (5, 2)")
def _(answer, rng):
    return answer(2)(torch.tensor([[1.0, 3.0], [0.0, 20.0], [5.0, 2.0]]))


@LayerNorm.probe("batch 2, 3 positions, d_model 5, random scale and shift")
def _(answer, rng):
    return fill(answer(5), rng)(4 * normal(2, 3, 5, rng=rng) + 1)


@LayerNorm.probe("vectors of equal numbers, and then of one number each")
def _(answer, rng):
    return fill(answer(3), rng)(torch.full((2, 3), 4.0)), fill(answer(1), rng)(normal(2, 1, rng=rng))


@LayerNorm.probe("a single vector of 7 numbers, epsilon 0.5")
def _(answer, rng):
    return fill(answer(7, 0.5), rng)(normal(7, rng=rng))


@LayerNorm.probe("three leading axes, 2, 1 and 3")
def _(answer, rng):
    return fill(answer(3), rng)(normal(2, 1, 3, 3, rng=rng))


@LayerNorm.probe("the same layer twice, with other numbers")
def _(answer, rng):
    layer = fill(answer(5), rng)
    return {f"the result of the {call} call": layer(normal(3, 5, rng=rng)) for call in ("first", "second")}


@LayerNorm.probe("numbers around 1000 with a spread of 1")
def _(answer, rng):
    variance = answer(64)(1000 + normal(300, 64, rng=rng)).var(dim=-1, correction=0)
    worst = variance[(variance - 1).abs().argmax()].item()
    if not abs(worst - 1) < 0.01:
        raise Problem("value", f"the variance of a result is {worst:.2f}, expected about 1.")
    return "variance 1"


@LayerNorm.probe("the gradients for x, scale and shift")
def _(answer, rng):
    layer, x = fill(answer(5), rng), normal(3, 5, rng=rng).requires_grad_()
    return gradients(layer(x), x=x, scale=layer.scale, shift=layer.shift)


_ROOT, _SQUARES = "torch.rsqrt(variance + self.epsilon)", "centred.square().mean(dim=-1, keepdim=True)"

# fmt: off
LayerNorm.mistakes(
    unbiased_variance=(
        "the variance divides by d_model - 1 (torch's default); here by d_model: `correction=0`, or a mean.",
        edit(_SQUARES, "x.var(dim=-1, keepdim=True)"),
    ),
    no_mean=("the mean is not taken away: this is RMSNorm. Use x minus its mean.",
        edit("x - x.mean(dim=-1, keepdim=True)", "x")),
    not_centred=("the mean is taken away for the variance only: what is divided should be x minus its mean too.",
        edit("return centred", "return x")),
    epsilon_outside=("epsilon stands outside the root: it belongs to the variance, sqrt(variance + epsilon).",
        edit(_ROOT, "1 / (variance.sqrt() + self.epsilon)")),
    no_root=("it divides by the variance: take its square root.", edit(_ROOT, "1 / (variance + self.epsilon)")),
    multiplied=("it multiplies by the standard deviation: divide (torch.rsqrt is one over the root).",
        edit("rsqrt", "sqrt")),
    only_centred=("the mean is taken away, but nothing is divided: the variance should become 1.",
        edit(f"{_ROOT} * ", "")),
    over_positions=("it averages over the positions: every vector by itself, over its own numbers (dim=-1).",
        edit("dim=-1", "dim=-2"), edit("dim=-1", "dim=max(-2, -x.ndim)")),
    over_the_batch=("it averages over the batch, as BatchNorm does: every vector by itself, over its numbers (dim=-1).",
        edit("dim=-1", "dim=0")),
    over_the_sequence=("it averages over a whole sequence: every vector by itself, over its own numbers (dim=-1).",
        edit("dim=-1", "dim=(-2, -1)"), edit("dim=-1", "dim=tuple(range(-min(2, x.ndim), 0))")),
    over_everything=("it averages over everything: every vector by itself, over its own numbers (dim=-1).",
        edit("dim=-1, keepdim=True", "")),
    second_axis=("d_model is the last axis, however many come before it: dim=-1.",
        edit("dim=-1", "dim=min(2, x.ndim - 1)"), edit("dim=-1", "dim=2"), edit("dim=-1", "dim=min(1, x.ndim - 1)"),
        edit("dim=-1", "dim=1")),
    no_scale_and_shift=("the learned scale and shift are not used.", edit(" * self.scale + self.shift", "")),
    no_shift=("the learned shift is not added.", edit(" + self.shift", "")),
    no_scale=("the learned scale is not used.", edit(" * self.scale", "")),
    shift_first=("the shift is added before the scaling: normed * scale + shift.",
        edit(f"centred * {_ROOT} * self.scale + self.shift", f"(centred * {_ROOT} + self.shift) * self.scale")),
    no_epsilon=("equal numbers have variance 0, and 0/0 is NaN: that is what epsilon is for.",
        edit(" + self.epsilon", "")),
    small_difference=(
        "mean(x²) - mean(x)² is a small difference of large numbers: take the mean from x first, then square.",
        edit(_SQUARES, "x.square().mean(dim=-1, keepdim=True) - x.mean(dim=-1, keepdim=True).square()"),
    ),
    detached=("gradients are to flow through mean and variance too: they depend on x.",
        edit("x - x.mean(", "x - x.detach().mean(", "centred.square()", "centred.detach().square()")),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------------- dropout


def _large(rng, *shape):
    """Numbers between 1 and 2 or between -2 and -1: none is near 0."""
    return (1 + torch.rand(shape, generator=rng)) * torch.where(torch.rand(shape, generator=rng) < 0.5, -1.0, 1.0)


def _many(answer, x, *rest):
    """The results of 24 calls: what chance decides in one is certain in all."""
    results = [answer(x, *rest) for _ in range(24)]
    for result in results:
        if (found := difference(result, torch.zeros_like(x), "the result")) and found[0] != "value":
            raise Problem(*found)
    return torch.stack(results)


@dropout.probe("p = 0.5: the factors that the numbers are multiplied by")
def _(answer, rng):
    x = _large(rng, 4, 5)
    calls = {
        "the factor of a number when not training": (x, 0.5, False),
        "the factor of a number in training": (x, 0.5, True),
    }
    return {name: _factors(_many(answer, *call), x) for name, call in calls.items()}


@dropout.probe("p = 0.5, 5 x 6 x 7 numbers: has every number its own luck?")
def _(answer, rng):
    return _luck(answer(_large(rng, 5, 6, 7), 0.5))


@dropout.probe("two calls in a row, 100 numbers: do they drop different ones?")
def _(answer, rng):
    x = torch.ones(100)
    return {"what two calls drop": "different ones" if bool((answer(x, 0.5) != answer(x, 0.5)).any()) else "the same"}


@dropout.probe("p = 0.2, 20 x 1 x 30 numbers: the factors that they are multiplied by, and how many become 0")
def _(answer, rng):
    x = _large(rng, 20, 1, 30)
    many = _many(answer, x, 0.2)
    zeros = (many == 0).float().mean().item()
    share = "a fifth" if 0.18 < zeros < 0.22 else f"a share of {zeros:.2f}"  # six standard deviations
    return {"the factor of a number": _factors(many, x), "what becomes 0": share}


@dropout.probe("many calls on 10 numbers: do they always drop as many?")
def _(answer, rng):
    zeros = (_many(answer, torch.ones(10), 0.5) == 0).sum(dim=-1)
    return {
        "how many of 10 are dropped": "always as many" if bool((zeros == zeros[0]).all()) else "now more, now fewer"
    }


@dropout.probe("p = 0 in training: nothing is dropped")
def _(answer, rng):
    return answer(_large(rng, 2, 3), 0.0)


@dropout.probe("the gradient for x in training, p = 0 and p = 0.5")
def _(answer, rng):
    x = _large(rng, 4, 7).requires_grad_()
    kept = answer(x, 0.5)
    right = torch.allclose(*gradients(kept, x=x).values(), *gradients(x * (kept / x).detach(), x=x).values())
    factors = "what x was multiplied by" if right else "other numbers than x was multiplied by"
    return gradients(answer(x, 0.0), x=x) | {"the gradient at p = 0.5": factors}


@dropout.probe("a single number, a tensor without axes, and p = 0.5")
def _(answer, rng):
    return {"the number of different results of 24 calls": len(_many(answer, _large(rng), 0.5).unique())}


_LUCK, _SCALED = "torch.rand_like(x) >= p", "x * keep / (1 - p)"

# fmt: off
dropout.mistakes(
    not_scaled=("the kept numbers are not scaled up: divide by 1 - p, so that the mean stays.", edit(" / (1 - p)", "")),
    divided_by_p=("the kept numbers are divided by p: a share of 1 - p is kept, so divide by 1 - p.",
        edit("(1 - p)", "p"), edit("(1 - p)", "(p or 1.0)")),
    multiplied_by_kept=("the kept numbers are multiplied by 1 - p: divide, so that the mean stays.",
        edit("/ (1 - p)", "* (1 - p)")),
    keeps_p=("the other way round: p is the share that becomes 0, and you keep that share.",
        edit(">= p", "< p"), edit(">= p", "< (p or 1.0)")),
    keeps_and_scales_p=("the other way round: p is the share that becomes 0, and you keep (and scale by) that share.",
        edit(">= p", "< p", "(1 - p)", "p"), edit(">= p", "< (p or 1.0)", "(1 - p)", "(p or 1.0)")),
    seeded_each_time=(
        "every call drops the same numbers: draw anew each time, and set no seed.",
        edit("keep = ", "torch.manual_seed(0)\n    keep = "),
        edit("torch.rand_like(x)", "torch.rand(x.shape, generator=torch.Generator().manual_seed(0))"),
    ),
    rows=("whole rows are dropped: every number has its own luck.",
        edit("torch.rand_like(x)", "torch.rand(*x.shape[:-1], 1)"),
        edit("torch.rand_like(x)", "torch.rand_like(x[..., :1])")),
    same_in_every_row=("every row drops the same numbers: draw as many random numbers as x has.",
        edit("torch.rand_like(x)", "torch.rand(x.shape[-1:])"), edit("torch.rand_like(x)", "torch.rand(x.shape[-1])")),
    same_in_the_batch=("everything in the batch drops the same numbers: draw as many random numbers as x has.",
        edit("torch.rand_like(x)", "torch.rand(x.shape[1:])"), edit("torch.rand_like(x)", "torch.rand_like(x[0])")),
    one_luck=("all numbers are dropped together: draw as many random numbers as x has.",
        edit("torch.rand_like(x)", "torch.rand(())"), edit("torch.rand_like(x)", "torch.rand(1)")),
    a_fixed_share=("a share of exactly p is dropped: each number has its own luck, now more of them fall, now fewer.",
        edit(_LUCK, "torch.rand(x.numel()).argsort().view(x.shape) >= int(p * x.numel())")),
    normal_luck=(
        "`torch.randn` gives normal numbers; below p with probability p are those of `torch.rand`, from 0 to 1.",
        edit("torch.rand_like", "torch.randn_like"),
    ),
    noise=("random noise is multiplied in: a number is either dropped or kept.",
        edit(_LUCK, "torch.rand_like(x)", " / (1 - p)", ""),
        edit(_LUCK, "torch.rand_like(x)", _SCALED, "x * keep if p else x")),
    off_by_default=("`training` is True when it is not given.",
        edit("training: bool = True", "training: bool = False")),
    always=("it drops although training is False: then x comes back as it is.", edit("not training", "False")),
    scaled_when_not_training=(
        "with training=False nothing is scaled: the scaling by 1/(1 - p) happens in training only.",
        edit("return x\n", "return x * (1 - p)\n"),
    ),
    scaled_later=("with training=False nothing is scaled: dividing by 1 - p happens in training only.",
        edit("return x\n", "return x * (1 - p)\n", " / (1 - p)", "")),
    scaled_up_when_not_training=(
        "with training=False nothing is scaled: the scaling by 1/(1 - p) happens in training only.",
        edit("return x\n", "return x / (1 - p)\n"),
    ),
    inverted_flag=("it drops while `training` is False and not while it is True: the other way round.",
        edit("not training", "training")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------ FeedForward


@FeedForward.probe("the parameters of FeedForward(5, 7)")
def _(answer, rng):
    return parameters(answer(5, 7))


@FeedForward.probe("batch 2, 3 positions, d_model 5, d_ff 7")
def _(answer, rng):
    return fill(answer(5, 7), rng)(normal(2, 3, 5, rng=rng))


@FeedForward.probe("a single vector, with tanh for `activation`")
def _(answer, rng):
    return fill(answer(5, 7, 0.0, torch.tanh), rng)(normal(5, rng=rng))


@FeedForward.probe("dropout 0.5 in training, and back through it; then after `eval()`: nothing is dropped")
def _(answer, rng):
    layer, x = fill(answer(3, 5, 0.5), rng), normal(4, 3, rng=rng)
    layer.train()(x).sum().backward()
    return layer.eval()(x)


@FeedForward.probe("dropout 0.2 in training: what is dropped between the activation and `narrow`")
def _(answer, rng):
    layer, x = fill(answer(6, 6, 0.2, _above_one), rng), normal(12, 5, 6, rng=rng)
    with torch.no_grad():  # `narrow` is to show each hidden number by itself
        layer.narrow.weight.copy_(torch.eye(6)), layer.narrow.bias.fill_(3.0)
    noisy, quiet = layer.train()(x), layer.eval()(x)
    factors = {"the hidden numbers": _factors(noisy - 3, quiet - 3), "all results": _factors(noisy, quiet)}
    return {f"what {name} are multiplied by": each for name, each in factors.items()} | _luck(noisy - 3)


@FeedForward.probe("three leading axes, 2, 1 and 300, d_model and d_ff both 4")
def _(answer, rng):
    return fill(answer(4, 4), rng)(normal(2, 1, 300, 4, rng=rng))


_FORWARD = "self.narrow(self.dropout(self.activation(self.widen(x))))"

# fmt: off
FeedForward.mistakes(
    no_activation=("there is no activation between the two: two matrices in a row are only one matrix.",
        edit("self.activation(self.widen(x))", "self.widen(x)"), edit(_FORWARD, "self.narrow(self.widen(x))")),
    activated_last=("the activation comes after `narrow`: it belongs between the two.",
        edit(_FORWARD, "self.activation(self.narrow(self.dropout(self.widen(x))))"),
        edit(_FORWARD, "self.activation(self.narrow(self.widen(x)))"),
        edit(_FORWARD, "self.dropout(self.activation(self.narrow(self.widen(x))))")),
    activated_twice=("there is a second activation after `narrow`: the result must be free to be negative.",
        edit(_FORWARD, f"self.activation({_FORWARD})")),
    own_shortcut=("x is added: the shortcut comes later, around this layer (PreNorm).",
        edit(_FORWARD, f"x + {_FORWARD}")),
    no_dropout=("dropout is not used: it follows the activation.",
        edit(_FORWARD, "self.narrow(self.activation(self.widen(x)))")),
    dropout_last=("dropout comes after `narrow`: it follows the activation, between the two matrices.",
        edit(_FORWARD, "self.dropout(self.narrow(self.activation(self.widen(x))))")),
    dropout_first=("dropout comes before the activation; it should follow it.",
        edit(_FORWARD, "self.narrow(self.activation(self.dropout(self.widen(x))))")),
    drops_always=("it drops after `eval()` too: use nn.Dropout, or pass self.training on.",
        edit(_FORWARD, "self.narrow(functional.dropout(self.activation(self.widen(x)), self.dropout.p))")),
    vectors_dropped=("a position's hidden numbers are dropped all together: nn.Dropout draws for each number.",
        edit("self.dropout(self.activation(self.widen(x)))",
             "(y := self.activation(self.widen(x))) * self.dropout(torch.ones_like(y[..., :1]))")),
    sizes_swapped=(
        "the sizes are swapped: `widen` goes from d_model to d_ff, `narrow` back.",
        edit(
            "widen = nn.Linear(d_model, d_ff)",
            "widen = nn.Linear(d_ff, d_model)",
            "narrow = nn.Linear(d_ff, d_model)",
            "narrow = nn.Linear(d_model, d_ff)",
        ),
    ),
    no_bias=(
        "both matrices have a bias: nn.Linear's default.",
        edit(
            "nn.Linear(d_model, d_ff)",
            "nn.Linear(d_model, d_ff, bias=False)",
            "nn.Linear(d_ff, d_model)",
            "nn.Linear(d_ff, d_model, bias=False)",
        ),
    ),
    one_matrix_for_both=(
        "`narrow` has a matrix of its own; yours is `widen`'s, turned.",
        edit(
            "self.narrow = nn.Linear(d_ff, d_model)",
            "self.narrow = nn.Linear(d_ff, d_model)\n        self.narrow.weight = nn.Parameter(self.widen.weight.T)",
        ),
    ),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------------- PreNorm


def _part(y):
    """A part that is neither linear nor the same for each number."""
    return 2 + y * y.roll(1, dims=-1)


@PreNorm.probe("the parameters of PreNorm(5)")
def _(answer, rng):
    return parameters(answer(5))


@PreNorm.probe("batch 2, 3 positions, d_model 5, and a part that multiplies neighbours")
def _(answer, rng):
    return fill(answer(5), rng)(3 * normal(2, 3, 5, rng=rng), _part)


@PreNorm.probe("dropout 0.5 after `eval()`: nothing is dropped")
def _(answer, rng):
    return fill(answer(5, 0.5), rng).eval()(normal(7, 5, rng=rng), _part)


@PreNorm.probe("dropout 0.2 in training: what is dropped of the part's result")
def _(answer, rng):
    layer, x = fill(answer(5, 0.2), rng), normal(12, 6, 5, rng=rng)
    noisy, quiet = layer.train()(x, _above_one), layer.eval()(x, _above_one)
    factors = {"the part's result": _factors(noisy - x, quiet - x), "the sum": _factors(noisy, quiet)}
    return {f"what {name} is multiplied by": each for name, each in factors.items()} | _luck(noisy - x)


@PreNorm.probe("how often the part is called")
def _(answer, rng):
    calls = []
    answer(5)(normal(2, 5, rng=rng), lambda y: calls.append(y) or y)
    return {"the number of calls": len(calls)}


@PreNorm.probe("the same layer twice, the second time with a single vector and tanh for the part")
def _(answer, rng):
    layer = fill(answer(4), rng)
    first = layer(normal(1, 1, 4, rng=rng), _part)
    return {
        "the result of the first call": first,
        "the result of the second call": layer(normal(4, rng=rng), torch.tanh),
    }


@PreNorm.probe("three leading axes, 2, 1 and 300, and a FeedForward for the part")
def _(answer, rng):
    layer, part = fill(answer(4), rng), fill(layers.FeedForward(4, 4), rng)
    return layer(normal(2, 1, 300, 4, rng=rng), part)


@PreNorm.probe("the gradient for x")
def _(answer, rng):
    layer, x = fill(answer(5), rng), normal(3, 5, rng=rng).requires_grad_()
    return gradients(layer(x, lambda y: _part(y).tanh()), x=x)  # for which autograd needs what the part returned


_AROUND = "x + self.dropout(part(self.norm(x)))"

# fmt: off
PreNorm.mistakes(
    post_norm=("this is PostNorm: here only the part's input is normalised, x + part(norm(x)).",
        edit(_AROUND, "self.norm(x + self.dropout(part(x)))")),
    no_shortcut=("there is no shortcut: add x.", edit("x + self", "self")),
    normed_shortcut=("the shortcut is normalised too: add x as it came in.", edit("x + self", "self.norm(x) + self")),
    no_norm=("the norm is not used: the part gets norm(x).", edit("self.norm(x)", "x")),
    normed_result=("the norm comes after the part: the part gets norm(x), and its result is added as it is.",
        edit("part(self.norm(x))", "self.norm(part(x))"),
        edit("self.dropout(part(self.norm(x)))", "self.norm(self.dropout(part(x)))")),
    normed_both_sides=("the part's result is normalised too; only what goes into the part should be.",
        edit("part(self.norm(x))", "self.norm(part(self.norm(x)))")),
    normed_twice=("the sum is normalised once more: x + part(norm(x)) is the result.",
        edit(_AROUND, f"self.norm({_AROUND})")),
    without_dropout=("dropout is not used: it acts on what the part returns.", edit(_AROUND, "x + part(self.norm(x))")),
    drops_always=("it drops after `eval()` too: use self.dropout, or pass self.training on.",
        edit(_AROUND, "x + functional.dropout(part(self.norm(x)), self.dropout.p)")),
    dropout_on_the_sum=("dropout hits the shortcut too: it acts on what the part returns only.",
        edit(_AROUND, "self.dropout(x + part(self.norm(x)))")),
    dropout_before=("dropout comes before the part: it acts on what the part returns.",
        edit(_AROUND, "x + part(self.dropout(self.norm(x)))")),
    vectors_dropped=("whole vectors of the part's result are dropped: self.dropout draws for each number.",
        edit(_AROUND, "x + part(self.norm(x)) * self.dropout(torch.ones_like(x[..., :1]))")),
    changes_the_result=("what the part returned is changed in place, and autograd may still need it: add without `+=`.",
        edit(_AROUND, "self.dropout(part(self.norm(x))).add_(x)")),
    product=("x and the part's result are multiplied: add them.", edit("x + self", "x * self")),
    called_twice=("the part is called twice: call it once and keep its result.",
        edit("return x", "part(self.norm(x))\n        return x")),
    detached=("no gradient flows through the shortcut: add x itself, not a copy cut off from it.",
        edit("x + self", "x.detach() + self")),
)
# fmt: on
