"""Right answers to notebook 07 in several styles: LayerNorm, dropout, feed-forward, PreNorm."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lib.layers import LayerNorm
from tests.graders.cases import right


class Norm(nn.Module):
    """The given part of the exercise."""

    def __init__(self, d_model, epsilon=1e-5):
        super().__init__()
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(d_model))
        self.shift = nn.Parameter(torch.zeros(d_model))


@right("LayerNorm")
class WithVar(Norm):
    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        variance = x.var(-1, keepdim=True, unbiased=False)
        return self.scale * (x - mean) / (variance + self.epsilon).sqrt() + self.shift


@right("LayerNorm")
class VarianceByHand(Norm):
    def forward(self, x):
        n = x.size(-1)
        centred = x - (x.sum(-1) / n).unsqueeze(-1)
        variance = (centred * centred).sum(-1, keepdim=True) / n
        return torch.addcmul(self.shift, centred * (variance + self.epsilon) ** -0.5, self.scale)


@right("LayerNorm")
class InDoublePrecision(Norm):
    def forward(self, x):
        wide = x.double()
        variance, mean = torch.var_mean(wide, dim=-1, correction=0, keepdim=True)
        return ((wide - mean) / torch.sqrt(variance + self.epsilon)).to(x.dtype) * self.scale + self.shift


@right("LayerNorm")
class Fused(Norm):
    def forward(self, x):
        return functional.layer_norm(x, self.scale.shape, self.scale, self.shift, self.epsilon)


@right("LayerNorm")
class ByTheBiasedStd(Norm):
    def forward(self, x):
        x = x - x.mean(dim=-1, keepdim=True)
        length = x.norm(dim=-1, keepdim=True)
        return x / (length**2 / x.shape[-1] + self.epsilon).sqrt() * self.scale + self.shift


@right("LayerNorm")
class LastAxisFirst(Norm):
    def forward(self, x):
        turned = x.movedim(-1, 0)
        mean = sum(turned) / len(turned)
        centred = turned - mean
        variance = torch.einsum("d...,d...->...", centred, centred) / len(turned)
        return (centred / torch.sqrt(variance + self.epsilon)).movedim(0, -1) * self.scale + self.shift


@right("dropout")
def torch_does_it(x, p, training=True):
    return functional.dropout(x, p, training)


@right("dropout")
def bernoulli_mask(x, p, training=True):
    if training and p > 0:
        mask = torch.bernoulli(torch.full_like(x, 1 - p))
        return mask * x / (1 - p)
    return x


@right("dropout")
def masked_fill(x, p, training=True):
    if not training:
        return x
    return (x / (1 - p)).masked_fill(torch.rand(x.shape) < p, 0)


@right("dropout")
def where(x, p, training=True):
    drop = torch.rand_like(x) < (p if training else 0.0)
    return torch.where(drop, torch.zeros_like(x), x * (1 / (1 - p) if training else 1.0))


@right("dropout")
def number_by_number(x, p, training=True):
    if not training or p == 0:
        return x
    factors = [0.0 if float(luck) < p else 1 / (1 - p) for luck in torch.rand(x.numel())]
    return x * torch.tensor(factors).view(x.shape)


@right("dropout")
def by_numpy(x, p, training=True):
    """The dice are NumPy's."""
    if not training:
        return x
    kept = np.random.default_rng().random(tuple(x.shape)) >= p
    return x * torch.from_numpy(np.asarray(kept)).to(x.dtype) / (1 - p)


@right("dropout")
def index_put(x, p, training=True):
    out = x.clone()
    if training:
        out = out / (1 - p)
        out[torch.empty(x.shape).uniform_() < p] = 0.0
    return out


@right("FeedForward")
class TwoLines(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation=functional.relu):
        super().__init__()
        self.widen, self.narrow = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.activation, self.drop = activation, nn.Dropout(dropout)

    def forward(self, x):
        hidden = self.activation(self.widen(x))
        return self.narrow(self.drop(hidden))


@right("FeedForward")
class FunctionalDropout(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation=functional.relu):
        super().__init__()
        self.p, self.activation = dropout, activation
        self.narrow = nn.Linear(d_ff, d_model)
        self.widen = nn.Linear(d_model, d_ff)

    def forward(self, x):
        return self.narrow(functional.dropout(self.activation(self.widen(x)), self.p, self.training))


@right("FeedForward")
class MatrixProducts(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation=torch.relu):
        super().__init__()
        self.widen, self.narrow = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.dropout, self.activation = nn.Dropout(dropout), activation

    def forward(self, x):
        hidden = self.activation(x @ self.widen.weight.T + self.widen.bias)
        return torch.einsum("...f,df->...d", self.dropout(hidden), self.narrow.weight) + self.narrow.bias


@right("FeedForward")
class ActivationModule(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation=nn.ReLU()):  # noqa: B008
        super().__init__()
        self.widen = nn.Linear(d_model, d_ff)
        self.narrow = nn.Linear(d_ff, d_model)
        self.between = lambda hidden: nn.functional.dropout(activation(hidden), dropout, self.training)

    def forward(self, x):
        return self.narrow(self.between(self.widen(x)))


@right("FeedForward")
class DropoutOfItsOwn(nn.Module):
    """With the learner's dropout of 7.2, which throws its dice otherwise than nn.Dropout."""

    def __init__(self, d_model, d_ff, dropout=0.0, activation=functional.relu):
        super().__init__()
        self.widen, self.narrow = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.p, self.activation = dropout, activation

    def forward(self, x):
        hidden = self.activation(self.widen(x))
        if self.training:
            hidden = hidden * (torch.rand(hidden.shape, dtype=torch.float64) >= self.p) / (1 - self.p)
        return self.narrow(hidden)


@right("FeedForward")
class FlatAndBack(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0, activation=functional.relu):
        super().__init__()
        self.narrow, self.widen = nn.Linear(d_ff, d_model), nn.Linear(d_model, d_ff)
        self.act_and_drop = lambda h: self.drop(activation(h))
        self.drop = nn.Dropout(p=dropout)

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        rows = self.act_and_drop(functional.linear(rows, self.widen.weight, self.widen.bias))
        return functional.linear(rows, self.narrow.weight, self.narrow.bias).reshape(x.shape)


class Shortcut(nn.Module):
    """The given part of the exercise."""

    def __init__(self, d_model, dropout=0.0):
        super().__init__()
        self.norm = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)


@right("PreNorm")
class StepByStep(Shortcut):
    def forward(self, x, part):
        y = self.norm(x)
        y = part(y)
        y = self.dropout(y)
        return x + y


@right("PreNorm")
class PartFirst(Shortcut):
    def forward(self, x, part):
        return self.dropout(part(self.norm(x))) + x


@right("PreNorm")
class WithAdd(Shortcut):
    def forward(self, x, part):
        return torch.add(x, functional.dropout(part(self.norm(x)), self.dropout.p, self.training))


@right("PreNorm")
class WithCopy(Shortcut):
    def forward(self, x, part):
        kept = x.clone()
        kept += self.dropout(part(self.norm.forward(x)))
        return kept


@right("PreNorm")
class DropoutByHand(Shortcut):
    def forward(self, x, part):
        result = part(self.norm(x))
        if self.training and self.dropout.p:
            result = torch.where(torch.rand(result.shape) < self.dropout.p, 0.0, result / (1 - self.dropout.p))
        return result + x


@right("PreNorm")
class Summed(Shortcut):
    def forward(self, x, part):
        steps = [self.norm, part, self.dropout]
        y = x
        for step in steps:
            y = step(y)
        return torch.stack([x, y]).sum(0)
