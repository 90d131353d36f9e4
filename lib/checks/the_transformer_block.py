"""Checks of notebook 07: LayerNorm, dropout, feed-forward and the shortcut. The blocks: the_transformer_block_stacked.

The file is long because every mistake is written out.
"""

import torch
from torch import nn
from torch.nn import functional

from lib import layers
from lib.checks.core import Exercise
from lib.checks.probing import fill, gradients, parameters
from lib.checks.the_transformer_block_stacked import DecoderBlock, EncoderBlock, normal, parameter_counts

__all__ = ["DecoderBlock", "EncoderBlock", "FeedForward", "LayerNorm", "PreNorm", "dropout", "parameter_counts"]

LayerNorm = Exercise(layers.LayerNorm)
dropout = Exercise(layers.dropout)
FeedForward = Exercise(layers.FeedForward)
PreNorm = Exercise(layers.PreNorm)


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


@LayerNorm.probe("a vector of equal numbers")
def _(answer, rng):
    return fill(answer(3), rng)(torch.full((2, 3), 4.0))


@LayerNorm.probe("a single vector of 7 numbers, epsilon 0.5")
def _(answer, rng):
    return fill(answer(7, 0.5), rng)(normal(7, rng=rng))


@LayerNorm.probe("numbers around 1000 with a spread of 1: the variance of each result")
def _(answer, rng):
    variance = answer(64)(1000 + normal(20, 64, rng=rng)).var(dim=-1, correction=0)
    worst = variance[(variance - 1).abs().argmax()].item()
    return "about 1" if abs(worst - 1) < 0.01 else f"{worst:.2f}"


@LayerNorm.probe("the gradients for x and scale")
def _(answer, rng):
    layer, x = fill(answer(5), rng), normal(3, 5, rng=rng).requires_grad_()
    return gradients(layer(x), x=x, scale=layer.scale)


class _Norm(layers.LayerNorm):
    """What the wrong ones below change one thing of."""

    def finish(self, normed):
        return normed * self.scale + self.shift


@LayerNorm.mistake("the variance divides by d_model - 1 (torch's default); here by d_model: `correction=0`, or a mean.")
class UnbiasedVariance(_Norm):
    def forward(self, x):
        return self.finish(
            (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True) + self.epsilon)
        )  # fmt: skip


@LayerNorm.mistake("the mean is not taken away: this is RMSNorm. Use x minus its mean.")
class NoMean(_Norm):
    def forward(self, x):
        return self.finish(x / torch.sqrt(x.square().mean(-1, keepdim=True) + self.epsilon))


@LayerNorm.mistake("the mean is taken away for the variance only: what is divided should be x minus its mean too.")
class NotCentred(_Norm):
    def forward(self, x):
        return self.finish(x / torch.sqrt(x.var(-1, correction=0, keepdim=True) + self.epsilon))


@LayerNorm.mistake("epsilon stands outside the root: it belongs to the variance, sqrt(variance + epsilon).")
class EpsilonOutside(_Norm):
    def forward(self, x):
        return self.finish((x - x.mean(-1, keepdim=True)) / (x.std(-1, correction=0, keepdim=True) + self.epsilon))


@LayerNorm.mistake("it divides by the variance: take its square root.")
class NoRoot(_Norm):
    def forward(self, x):
        return self.finish((x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + self.epsilon))


@LayerNorm.mistake("it multiplies by the standard deviation: divide (torch.rsqrt is one over the root).")
class Multiplied(_Norm):
    def forward(self, x):
        return self.finish(
            (x - x.mean(-1, keepdim=True)) * torch.sqrt(x.var(-1, correction=0, keepdim=True) + self.epsilon)
        )


@LayerNorm.mistake("the mean is taken away, but nothing is divided: the variance should become 1.")
class OnlyCentred(_Norm):
    def forward(self, x):
        return self.finish(x - x.mean(-1, keepdim=True))


@LayerNorm.mistake("it averages over the positions: every vector by itself, over its own numbers (dim=-1).")
class OverPositions(_Norm):
    def forward(self, x):
        if x.ndim < 2:
            return super().forward(x)
        return self.finish(
            (x - x.mean(-2, keepdim=True)) * torch.rsqrt(x.var(-2, correction=0, keepdim=True) + self.epsilon)
        )


@LayerNorm.mistake("it averages over the batch, as BatchNorm does: every vector by itself, over its numbers (dim=-1).")
class OverTheBatch(_Norm):
    def forward(self, x):
        return self.finish(
            (x - x.mean(0, keepdim=True)) * torch.rsqrt(x.var(0, correction=0, keepdim=True) + self.epsilon)
        )


@LayerNorm.mistake("it averages over everything: every vector by itself, over its own numbers (dim=-1).")
class OverEverything(_Norm):
    def forward(self, x):
        return self.finish((x - x.mean()) * torch.rsqrt(x.var(correction=0) + self.epsilon))


@LayerNorm.mistake("the learned scale and shift are not used.")
class NoScaleAndShift(_Norm):
    def finish(self, normed):
        return normed

    def forward(self, x):
        return functional.layer_norm(x, x.shape[-1:], eps=self.epsilon)


@LayerNorm.mistake("the learned shift is not added.")
class NoShift(_Norm):
    def forward(self, x):
        return super().forward(x) - self.shift


@LayerNorm.mistake("the shift is added before the scaling: normed * scale + shift.")
class ShiftFirst(_Norm):
    def forward(self, x):
        return (functional.layer_norm(x, x.shape[-1:], eps=self.epsilon) + self.shift) * self.scale


@LayerNorm.mistake("the given epsilon is not used: self.epsilon.")
class FixedEpsilon(_Norm):
    def forward(self, x):
        return functional.layer_norm(x, x.shape[-1:], self.scale, self.shift, 1e-5)


@LayerNorm.mistake("equal numbers have variance 0, and 0/0 is NaN: that is what epsilon is for.")
class NoEpsilon(_Norm):
    def forward(self, x):
        return self.finish((x - x.mean(-1, keepdim=True)) / x.std(-1, correction=0, keepdim=True))


@LayerNorm.mistake(
    "mean(x²) - mean(x)² is a small difference of large numbers: take the mean from x first, then square."
)
class SmallDifference(_Norm):
    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        variance = x.square().mean(-1, keepdim=True) - mean.square()
        return self.finish((x - mean) / torch.sqrt(variance + self.epsilon))


# ---------------------------------------------------------------------------------------------------------- dropout


def _seeded(rng):
    """Answers draw from torch's global generator; the judge restores it afterwards."""
    torch.manual_seed(int(torch.randint(2**31, (), generator=rng)))


def _factors(answer, x, p, training):
    """By what the numbers were multiplied: the different factors, sorted."""
    dropped = answer(x, p, training)
    if dropped is None:
        return None
    factors = sorted({round(factor, 3) + 0.0 for factor in (dropped / x).flatten().tolist()})
    return factors if len(factors) < 4 else "many different factors"


@dropout.probe("p = 0.5: the factors that the numbers are multiplied by")
def _(answer, rng):
    _seeded(rng)
    x = 1 + torch.rand(40, 100, generator=rng)
    return {"not training": _factors(answer, x, 0.5, False), "training": _factors(answer, x, 0.5, True)}


@dropout.probe("p = 0.5, 30 rows of 50 numbers: does every number have its own luck?")
def _(answer, rng):
    _seeded(rng)
    zero = answer(1 + torch.rand(30, 50, generator=rng), 0.5) == 0
    return {"rows all alike": bool((zero == zero[:1]).all()), "columns all alike": bool((zero == zero[:, :1]).all())}


@dropout.probe("p = 0.2: the factors that the numbers are multiplied by, and how many become 0")
def _(answer, rng):
    _seeded(rng)
    x = 1 + torch.rand(40, 100, generator=rng)
    zeros = (answer(x, 0.2) == 0).float().mean().item()
    share = "a fifth is 0" if 0.15 < zeros < 0.25 else f"a share of {zeros:.1f} is 0"
    return {"factors": _factors(answer, x, 0.2, True), "dropped": share}


@dropout.probe("two calls in a row: do they drop different numbers?")
def _(answer, rng):
    _seeded(rng)
    x = torch.ones(100)
    return "different ones" if bool((answer(x, 0.5) != answer(x, 0.5)).any()) else "the same ones"


@dropout.probe("the gradient is 0 for dropped numbers and 1/(1 - p) for kept ones")
def _(answer, rng):
    _seeded(rng)
    x = (1 + torch.rand(200, generator=rng)).requires_grad_()
    dropped = answer(x, 0.75)
    gradient = torch.autograd.grad(dropped.sum(), x)[0] if dropped.requires_grad else torch.zeros(200)
    return bool(torch.allclose(gradient * x, dropped, atol=1e-4))


def _keep(x, share):
    return torch.rand(x.shape) < share


def _in_training(change):
    def answer(x, p, training=True):
        return change(x, p) if training and p > 0 else x

    return answer


def _dropout_mistake(sentence):
    """A mistake that shows in training only."""

    def add(change):
        answer = _in_training(change)
        answer.__name__ = change.__name__
        dropout.mistake(sentence)(answer)

    return add


@_dropout_mistake("the kept numbers are not scaled up: divide by 1 - p, so that the mean stays.")
def not_scaled(x, p):
    return x * _keep(x, 1 - p)


@_dropout_mistake("the kept numbers are divided by p: a share of 1 - p is kept, so divide by 1 - p.")
def divided_by_p(x, p):
    return x * _keep(x, 1 - p) / p


@_dropout_mistake("the kept numbers are multiplied by 1 - p: divide, so that the mean stays.")
def multiplied_by_kept(x, p):
    return x * _keep(x, 1 - p) * (1 - p)


@_dropout_mistake("the other way round: p is the share that becomes 0, and you keep that share.")
def keeps_p(x, p):
    return x * _keep(x, p) / (1 - p)


@_dropout_mistake("the other way round: p is the share that becomes 0, and you keep (and scale by) that share.")
def keeps_and_scales_p(x, p):
    return x * _keep(x, p) / p


@_dropout_mistake("a seed is set inside, so that every call drops the same numbers: leave the random generator alone.")
def seeded_each_time(x, p):
    torch.manual_seed(0)
    return x * _keep(x, 1 - p) / (1 - p)


@_dropout_mistake("whole rows are dropped: every number has its own luck.")
def rows(x, p):
    return x * _keep(x[..., :1], 1 - p) / (1 - p)


@_dropout_mistake("every row drops the same numbers: draw as many random numbers as x has.")
def same_in_every_row(x, p):
    return x * _keep(x[:1] if x.ndim > 1 else x, 1 - p) / (1 - p)


@_dropout_mistake("random noise is multiplied in: a number is either dropped or kept.")
def noise(x, p):
    return x * torch.rand(x.shape)


@dropout.mistake("it drops although training is False: then x comes back as it is.")
def always(x, p, training=True):
    return functional.dropout(x, p)


@dropout.mistake("with training=False nothing is scaled: the scaling by 1/(1 - p) happens in training only.")
def scaled_when_not_training(x, p, training=True):
    return functional.dropout(x, p) if training else x * (1 - p)


@dropout.mistake("with training=False nothing is scaled: dividing by 1 - p happens in training only.")
def scaled_later(x, p, training=True):
    return x * _keep(x, 1 - p) if training else x * (1 - p)


@dropout.mistake("with training=False nothing is scaled: the scaling by 1/(1 - p) happens in training only.")
def scaled_up_when_not_training(x, p, training=True):
    return functional.dropout(x, p) if training else x / (1 - p)


@dropout.mistake("it drops while `training` is False and not while it is True: the other way round.")
def inverted_flag(x, p, training=True):
    return functional.dropout(x, p, not training)


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


@FeedForward.probe("dropout 0.5 and GELU in training, seeded")
def _(answer, rng):
    layer, x = fill(answer(3, 11, 0.5, functional.gelu), rng).train(), normal(7, 3, rng=rng)
    _seeded(rng)
    return layer(x)


@FeedForward.probe("dropout 0.5 after `eval()`: nothing is dropped")
def _(answer, rng):
    layer, x = fill(answer(3, 5, 0.5), rng).eval(), normal(4, 3, rng=rng)
    _seeded(rng)
    return layer(x)


class _Feed(layers.FeedForward):
    """What the wrong ones below change one thing of."""


@FeedForward.mistake("there is no activation between the two: two matrices in a row are only one matrix.")
class NoActivation(_Feed):
    def forward(self, x):
        return self.narrow(self.dropout(self.widen(x)))


@FeedForward.mistake("the activation comes after `narrow`: it belongs between the two.")
class ActivatedLast(_Feed):
    def forward(self, x):
        return self.activation(self.narrow(self.dropout(self.widen(x))))


@FeedForward.mistake("there is a second activation after `narrow`: the result must be free to be negative.")
class ActivatedTwice(_Feed):
    def forward(self, x):
        return self.activation(super().forward(x))


@FeedForward.mistake("the given `activation` is not used: it is ReLU only when nothing else is given.")
class AlwaysReLU(_Feed):
    def forward(self, x):
        return self.narrow(self.dropout(functional.relu(self.widen(x))))


@FeedForward.mistake("x is added: the shortcut comes later, around this layer (PreNorm).")
class OwnShortcut(_Feed):
    def forward(self, x):
        return x + super().forward(x)


@FeedForward.mistake("dropout is not used: it follows the activation.")
class NoDropout(_Feed):
    def forward(self, x):
        return self.narrow(self.activation(self.widen(x)))


@FeedForward.mistake("dropout comes after `narrow`: it follows the activation, between the two matrices.")
class DropoutLast(_Feed):
    def forward(self, x):
        return self.dropout(self.narrow(self.activation(self.widen(x))))


@FeedForward.mistake("dropout comes before the activation: it follows it.")
class DropoutFirst(_Feed):
    def forward(self, x):
        return self.narrow(self.activation(self.dropout(self.widen(x))))


@FeedForward.mistake("it drops after `eval()` too: use nn.Dropout, or pass self.training on.")
class DropsAlways(_Feed):
    def forward(self, x):
        return self.narrow(functional.dropout(self.activation(self.widen(x)), self.dropout.p))


@FeedForward.mistake("the sizes are swapped: `widen` goes from d_model to d_ff, `narrow` back.")
class Swapped(nn.Module):
    def __init__(self, d_model, d_ff, *rest):
        super().__init__()
        self.widen, self.narrow = nn.Linear(d_ff, d_model), nn.Linear(d_model, d_ff)


@FeedForward.mistake("both matrices have a bias: nn.Linear's default.")
class NoBias(nn.Module):
    def __init__(self, d_model, d_ff, *rest):
        super().__init__()
        self.widen, self.narrow = nn.Linear(d_model, d_ff, bias=False), nn.Linear(d_ff, d_model, bias=False)


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


@PreNorm.probe("dropout 0.5 in training, seeded")
def _(answer, rng):
    layer, x = fill(answer(5, 0.5), rng).train(), normal(7, 5, rng=rng)
    _seeded(rng)
    return layer(x, _part)


@PreNorm.probe("how often the part is called")
def _(answer, rng):
    calls = []
    answer(5)(normal(2, 5, rng=rng), lambda y: calls.append(y) or y)
    return len(calls)


@PreNorm.probe("the gradient for x")
def _(answer, rng):
    layer, x = fill(answer(5), rng), normal(3, 5, rng=rng).requires_grad_()
    return gradients(layer(x, _part), x=x)


class _Pre(layers.PreNorm):
    """What the wrong ones below change one thing of."""


@PreNorm.mistake("this is PostNorm: here only the part's input is normalised, x + part(norm(x)).")
class After(_Pre):
    def forward(self, x, part):
        return self.norm(x + self.dropout(part(x)))


@PreNorm.mistake("there is no shortcut: add x.")
class NoShortcut(_Pre):
    def forward(self, x, part):
        return self.dropout(part(self.norm(x)))


@PreNorm.mistake("the shortcut is normalised too: add x as it came in.")
class NormedShortcut(_Pre):
    def forward(self, x, part):
        y = self.norm(x)
        return y + self.dropout(part(y))


@PreNorm.mistake("the norm is not used: the part gets norm(x).")
class NoNorm(_Pre):
    def forward(self, x, part):
        return x + self.dropout(part(x))


@PreNorm.mistake("the norm comes after the part: the part gets norm(x), and its result is added as it is.")
class NormedResult(_Pre):
    def forward(self, x, part):
        return x + self.dropout(self.norm(part(x)))


@PreNorm.mistake("the sum is normalised once more: x + part(norm(x)) is the result.")
class NormedTwice(_Pre):
    def forward(self, x, part):
        return self.norm(x + self.dropout(part(self.norm(x))))


@PreNorm.mistake("dropout is not used: it acts on what the part returns.")
class WithoutDropout(_Pre):
    def forward(self, x, part):
        return x + part(self.norm(x))


@PreNorm.mistake("dropout hits the shortcut too: it acts on what the part returns only.")
class DropoutOnTheSum(_Pre):
    def forward(self, x, part):
        return self.dropout(x + part(self.norm(x)))


@PreNorm.mistake("dropout comes before the part: it acts on what the part returns.")
class DropoutBefore(_Pre):
    def forward(self, x, part):
        return x + part(self.dropout(self.norm(x)))


@PreNorm.mistake("x and the part's result are multiplied: add them.")
class Product(_Pre):
    def forward(self, x, part):
        return x * self.dropout(part(self.norm(x)))
