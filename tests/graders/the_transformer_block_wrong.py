"""Wrong answers to notebook 07, as people write them: LayerNorm, dropout, feed-forward, PreNorm."""

import torch
from torch import nn
from torch.nn import functional

from lib.checks.core import edit
from lib.layers import LayerNorm
from tests.graders.cases import slips, wrong


class Norm(nn.Module):
    """The given part of the exercise."""

    def __init__(self, d_model, epsilon=1e-5):
        super().__init__()
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(d_model))
        self.shift = nn.Parameter(torch.zeros(d_model))


@wrong("LayerNorm", says="d_model - 1")
class TorchVar(Norm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred / torch.sqrt(x.var(-1, keepdim=True) + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="RMSNorm")
class RootMeanSquare(Norm):
    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="taken away for the variance only")
class DividesX(Norm):
    def forward(self, x):
        variance = (x - x.mean(-1, keepdim=True)).pow(2).mean(-1, keepdim=True)
        return x / (variance + self.epsilon).sqrt() * self.scale + self.shift


@wrong("LayerNorm", says="outside the root")
class AddedToStd(Norm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.pow(2).mean(-1, keepdim=True).sqrt() + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="square root")
class ByVariance(Norm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="one over the root")
class TimesStd(Norm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred * (centred.pow(2).mean(-1, keepdim=True) + self.epsilon).sqrt() * self.scale + self.shift


@wrong("LayerNorm", says="nothing is divided")
class Centred(Norm):
    def forward(self, x):
        return (x - x.mean(dim=-1, keepdim=True)) * self.scale + self.shift


@wrong("LayerNorm", says="over the positions")
class SecondLastAxis(Norm):
    def forward(self, x):
        dim = -2 if x.ndim > 1 else -1
        centred = x - x.mean(dim, keepdim=True)
        return centred * torch.rsqrt(centred.pow(2).mean(dim, keepdim=True) + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="every vector by itself")
class BatchNorm(Norm):
    def forward(self, x):
        centred = x - x.mean(0)
        return centred / torch.sqrt(x.var(0, unbiased=False) + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="over everything")
class OneMean(Norm):
    def forward(self, x):
        return (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="scale and shift are not used")
class NothingLearned(Norm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred * torch.rsqrt(centred.pow(2).mean(-1, keepdim=True) + self.epsilon)


@wrong("LayerNorm", says="shift is not added")
class ShiftForgotten(Norm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred * torch.rsqrt(centred.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale


@wrong("LayerNorm", says="before the scaling")
class ShiftThenScale(Norm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return (centred * torch.rsqrt(centred.pow(2).mean(-1, keepdim=True) + self.epsilon) + self.shift) * self.scale


@wrong("LayerNorm", says="what epsilon is for")
class WithoutEpsilon(Norm):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True, unbiased=False) * self.scale + self.shift


@wrong("LayerNorm", says="`epsilon` has no effect")
class OwnEpsilon(Norm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred * torch.rsqrt(centred.pow(2).mean(-1, keepdim=True) + 1e-5) * self.scale + self.shift


@wrong("LayerNorm", says="small difference of large numbers")
class DifferenceOfLargeNumbers(Norm):
    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        variance = (x * x).mean(-1, keepdim=True) - mean * mean
        return (x - mean) / torch.sqrt(variance + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="raised")
class KeepdimForgotten(Norm):
    def forward(self, x):
        return (x - x.mean(-1)) / torch.sqrt(x.var(-1, unbiased=False) + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="changes what it was given")
class CentredInPlace(Norm):
    def forward(self, x):
        x -= x.mean(-1, keepdim=True)
        return x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="through mean and variance too")
class StatisticsDetached(Norm):
    def forward(self, x):
        mean, variance = x.detach().mean(-1, keepdim=True), x.detach().var(-1, keepdim=True, unbiased=False)
        return (x - mean) / torch.sqrt(variance + self.epsilon) * self.scale + self.shift


@wrong("LayerNorm", says="the second call")
class RunningMean(Norm):
    """As BatchNorm keeps one."""

    mean = None

    def forward(self, x):
        self.mean = x.mean(-1, keepdim=True) if self.mean is None else self.mean
        centred = x - self.mean
        return centred * torch.rsqrt(centred.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale + self.shift


NORMED = "centred * torch.rsqrt(variance + self.epsilon) * self.scale + self.shift"

slips(
    "LayerNorm",
    squeezes=("without a dimension", edit(f"return {NORMED}", f"return ({NORMED}).squeeze()")),
    two_axes=("whole sequence", edit("dim=-1", "dim=(-2, -1)"), edit("dim=-1", "dim=tuple(range(-min(x.ndim, 2), 0))")),
    third_axis=("last axis, however many", edit("dim=-1", "dim=2"), edit("dim=-1", "dim=min(x.ndim - 1, 2)")),
    no_scale=("learned scale is not used", edit(" * self.scale", "")),
    clamped=("numbers around 1000", edit("centred = x -", "x = x.clamp(-999, 999)\n        centred = x -")),
    two_slips=(
        "second mistake",
        edit("centred.square().mean(dim=-1, keepdim=True)", "x.var(dim=-1, keepdim=True)", " + self.shift", ""),
    ),
)


@wrong("dropout", says="not scaled up")
def only_drops(x, p, training=True):
    return x * (torch.rand(x.shape) >= p) if training else x


@wrong("dropout", says="divided by p")
def wrong_divisor(x, p, training=True):
    if not training or p == 0:
        return x
    return x * (torch.rand_like(x) > p) / p


@wrong("dropout", says="multiplied by 1 - p")
def scaled_down(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand_like(x) > p) * (1 - p)


@wrong("dropout", says="you keep that share")
def keeps_where_smaller(x, p, training=True):
    if not training or p == 0:
        return x
    return x * (torch.rand_like(x) < p) / (1 - p)


@wrong("dropout", says="you keep (and scale by)")
def p_is_kept(x, p, training=True):
    if not training or p == 0:
        return x
    return x * torch.bernoulli(torch.full(x.shape, p)) / p


@wrong("dropout", says="every number has its own luck")
def whole_vectors(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand(*x.shape[:-1], 1) >= p) / (1 - p)


@wrong("dropout", says="as many random numbers")
def one_mask_for_all_rows(x, p, training=True):
    if not training:
        return x
    return x * (torch.rand(x.shape[-1]) >= p) / (1 - p)


@wrong("dropout", says="drops the same numbers")
def reproducible(x, p, training=True):
    if not training:
        return x
    keep = torch.rand(x.shape, generator=torch.Generator().manual_seed(42)) >= p
    return x * keep / (1 - p)


@wrong("dropout", says="noise")
def multiplies_noise(x, p, training=True):
    return x * torch.rand_like(x) if training and p else x


@wrong("dropout", says="although training is False")
def never_stops(x, p, training=True):
    if p == 0:
        return x
    return x * (torch.rand_like(x) >= p) / (1 - p)


@wrong("dropout", says="two calls in a row")
def luck_of_the_first_call(x, p, training=True, luck={}):  # noqa: B006
    if not training:
        return x
    if x.shape not in luck:
        luck[x.shape] = torch.rand_like(x)
    return x * (luck[x.shape] >= p) / (1 - p)


slips(
    "dropout",
    squeezes=("without a dimension", edit("return x * keep / (1 - p)", "return (x * keep / (1 - p)).squeeze()")),
    exactly_so_many=(
        "exactly p",
        edit("torch.rand_like(x) >= p", "torch.rand(x.numel()).argsort().view(x.shape) >= int(p * x.numel())"),
    ),
    normal_numbers=("torch.randn", edit("torch.rand_like", "torch.randn_like")),
    shared_by_the_batch=("everything in the batch", edit("torch.rand_like(x)", "torch.rand_like(x[0])")),
    all_or_nothing=("dropped together", edit("torch.rand_like(x)", "torch.rand(())")),
    needs_rows=("without axes", edit("torch.rand_like(x)", "torch.rand(len(x), *x.shape[1:])")),
    flag_ignored=("although training is False", edit("if not training:", "if p is None:")),
    by_default_off=("when it is not given", edit("training: bool = True", "training: bool = False")),
    refuses_zero=("ValueError", edit("keep =", "if p <= 0:\n        raise ValueError(p)\n    keep =")),
    half_only=("p = 0.2", edit("/ (1 - p)", "* 2")),
    detached=("no gradient", edit("x * keep", "x.detach() * keep")),
)


@wrong("dropout", says="in training only")
def the_old_way(x, p, training=True):
    if not training:
        return x * (1 - p)
    return x * (torch.rand_like(x) >= p)


@wrong("dropout", says="in training only")
def scaled_always(x, p, training=True):
    x = x / (1 - p)
    return x * (torch.rand_like(x) >= p) if training else x


@wrong("dropout", says="while `training` is False")
def training_inverted(x, p, training=True):
    if training:
        return x
    return x * (torch.rand_like(x) >= p) / (1 - p)


@wrong("dropout", says="return")
def evaluation_returns_nothing(x, p, training=True):
    if training:
        return x * (torch.rand_like(x) >= p) / (1 - p)


@wrong("dropout", says="changes what it was given")
def in_place(x, p, training=True):
    if training:
        x[torch.rand(x.shape) < p] = 0
        return x / (1 - p)
    return x


class Feed(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation=functional.relu):
        super().__init__()
        self.widen = nn.Linear(d_model, d_ff)
        self.narrow = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)
        self.activation = activation


@wrong("FeedForward", says="no activation")
class Linear(Feed):
    def forward(self, x):
        return self.narrow(self.dropout(self.widen(x)))


@wrong("FeedForward", says="between the two")
class BendsAtTheEnd(Feed):
    def forward(self, x):
        return self.activation(self.narrow(self.widen(x)))


@wrong("FeedForward", says="second activation")
class BendsTwice(Feed):
    def forward(self, x):
        return self.activation(self.narrow(self.dropout(self.activation(self.widen(x)))))


@wrong("FeedForward", says="`activation` has no effect")
class ReLUOnly(Feed):
    def forward(self, x):
        return self.narrow(self.dropout(torch.relu(self.widen(x))))


@wrong("FeedForward", says="shortcut comes later")
class AddsX(Feed):
    def forward(self, x):
        return x + self.narrow(self.dropout(self.activation(self.widen(x))))


@wrong("FeedForward", says="dropout is not used")
class DropoutUnused(Feed):
    def forward(self, x):
        return self.narrow(self.activation(self.widen(x)))


@wrong("FeedForward", says="dropout comes after `narrow`")
class DropsTheResult(Feed):
    def forward(self, x):
        return self.dropout(self.narrow(self.activation(self.widen(x))))


@wrong("FeedForward", says="before the activation")
class DropsBeforeBending(Feed):
    def forward(self, x):
        return self.narrow(self.activation(self.dropout(self.widen(x))))


@wrong("FeedForward", says="after `eval()` too")
class FunctionalAlways(Feed):
    def forward(self, x):
        return self.narrow(functional.dropout(self.activation(self.widen(x)), p=self.dropout.p))


@wrong("FeedForward", says="sizes are swapped")
class WrongWayRound(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation=functional.relu):
        super().__init__()
        self.widen = nn.Linear(d_ff, d_model)
        self.narrow = nn.Linear(d_model, d_ff)
        self.dropout, self.activation = nn.Dropout(dropout), activation

    def forward(self, x):
        return self.narrow(self.dropout(self.activation(self.widen(x))))


@wrong("FeedForward", says="have a bias")
class BiasesOff(Feed):
    def __init__(self, d_model, d_ff, dropout=0.0, activation=functional.relu):
        super().__init__(d_model, d_ff, dropout, activation)
        self.widen = nn.Linear(d_model, d_ff, bias=False)
        self.narrow = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x):
        return self.narrow(self.dropout(self.activation(self.widen(x))))


@wrong("FeedForward", says="has no 'parameter")
class OtherNames(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation=functional.relu):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(d_model, d_ff), nn.ReLU(), nn.Linear(d_ff, d_model))

    def forward(self, x):
        return self.layers(x)


@wrong("FeedForward", says="return")
class NoReturn(Feed):
    def forward(self, x):
        self.narrow(self.dropout(self.activation(self.widen(x))))


@wrong("FeedForward", says="gradient")
class NoGradient(Feed):
    @torch.no_grad()
    def forward(self, x):
        return self.narrow(self.dropout(self.activation(self.widen(x))))


NARROWED = "self.narrow(self.dropout(self.activation(self.widen(x))))"

slips(
    "FeedForward",
    squeezes=("without a dimension", edit(f"return {NARROWED}", f"return {NARROWED}.squeeze()")),
    tied=(
        "matrix of its own",
        edit(
            "self.narrow = nn.Linear(d_ff, d_model)",
            "self.narrow = nn.Linear(d_ff, d_model)\n        self.narrow.weight = nn.Parameter(self.widen.weight.T)",
        ),
    ),
    keeps_p=("what the hidden numbers are", edit("nn.Dropout(dropout)", "nn.Dropout(1 - dropout if dropout else 0.0)")),
    dropped_twice=(
        "what the hidden numbers are",
        edit(
            "self.narrow(self.dropout(",
            "self.narrow(self.dropout(self.dropout(",
            "(self.widen(x))))",
            "(self.widen(x)))))",
        ),
    ),
    at_most_256=(
        "300",
        edit("return self.narrow", "x = x[..., :256, :] if x.ndim > 1 else x\n        return self.narrow"),
    ),
    gelu_by_default=("batch 2, 3 positions", edit("= functional.relu", "= functional.gelu")),
    same_luck_at_each_position=(
        "the luck along axis 1",
        edit(
            "self.dropout(self.activation(self.widen(x)))",
            "(y := self.activation(self.widen(x))) * self.dropout(torch.ones_like(y[..., :1, :] if y.ndim > 1 else y))",
        ),
    ),
)


class Shortcut(nn.Module):
    def __init__(self, d_model, dropout=0.0):
        super().__init__()
        self.norm = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)


@wrong("PreNorm", says="this is PostNorm")
class NormsTheSum(Shortcut):
    def forward(self, x, part):
        return self.norm(x + self.dropout(part(x)))


@wrong("PreNorm", says="no shortcut")
class ForgetsX(Shortcut):
    def forward(self, x, part):
        return self.dropout(part(self.norm(x)))


@wrong("PreNorm", says="shortcut is normalised")
class OverwritesX(Shortcut):
    def forward(self, x, part):
        x = self.norm(x)
        return x + self.dropout(part(x))


@wrong("PreNorm", says="norm is not used")
class Plain(Shortcut):
    def forward(self, x, part):
        return x + self.dropout(part(x))


@wrong("PreNorm", says="norm comes after the part")
class NormsTheResult(Shortcut):
    def forward(self, x, part):
        return x + self.norm(self.dropout(part(x)))


@wrong("PreNorm", says="once more")
class NormsBoth(Shortcut):
    def forward(self, x, part):
        return self.norm(x + self.dropout(part(self.norm(x))))


@wrong("PreNorm", says="dropout is not used")
class NeverDrops(Shortcut):
    def forward(self, x, part):
        return x + part(self.norm(x))


@wrong("PreNorm", says="hits the shortcut")
class DropsTheSum(Shortcut):
    def forward(self, x, part):
        return self.dropout(x + part(self.norm(x)))


@wrong("PreNorm", says="before the part")
class DropsTheInput(Shortcut):
    def forward(self, x, part):
        return x + part(self.dropout(self.norm(x)))


@wrong("PreNorm", says="add them")
class Multiplies(Shortcut):
    def forward(self, x, part):
        return x * self.dropout(part(self.norm(x)))


@wrong("PreNorm", says="called twice")
class CallsTwice(Shortcut):
    def forward(self, x, part):
        if part(self.norm(x)).shape != x.shape:
            raise ValueError("shapes differ")
        return x + self.dropout(part(self.norm(x)))


@wrong("PreNorm", says="changes what it was given")
class AddsInPlace(Shortcut):
    def forward(self, x, part):
        x += self.dropout(part(self.norm(x)))
        return x


@wrong("PreNorm", says="through the shortcut")
class DetachedShortcut(Shortcut):
    def forward(self, x, part):
        return x.detach() + self.dropout(part(self.norm(x)))


@wrong("PreNorm", says="the same layer twice")
class KeepsThePart(Shortcut):
    part = None

    def forward(self, x, part):
        self.part = self.part or part
        return x + self.dropout(self.part(self.norm(x)))


ADDED = "x + self.dropout(part(self.norm(x)))"

slips(
    "PreNorm",
    squeezes=("without a dimension", edit(f"return {ADDED}", f"return ({ADDED}).squeeze()")),
    sandwich=("only what goes into the part", edit("part(self.norm(x))", "self.norm(part(self.norm(x)))")),
    drops_always=(
        "`eval()` too",
        edit("self.dropout(part(self.norm(x)))", "nn.functional.dropout(part(self.norm(x)), self.dropout.p)"),
    ),
    at_most_256=("300", edit("return x", "x = x[..., :256, :] if x.ndim > 1 else x\n        return x")),
    halved=("multiplies neighbours", edit("x + self", "0.5 * x + self")),
    same_luck_in_the_batch=(
        "the luck along axis 0",
        edit("self.dropout(part(self.norm(x)))", "(y := part(self.norm(x))) * self.dropout(torch.ones_like(y[:1]))"),
    ),
)


@wrong("dropout", says="two numbers side by side")
def neighbours_fall_together(x, p, training=True):
    if not training or p == 0:
        return x
    kept = torch.rand((x.numel() + 1) // 2) >= p
    return x * kept.repeat_interleave(2)[: x.numel()].view(x.shape) / (1 - p)
