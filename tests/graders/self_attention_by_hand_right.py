"""Right answers to notebook 04 in several styles."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tests.graders.cases import right

# ---------------------------------------------------------------------------------------------------- average_so_far


@right("average_so_far")
def softmax_of_masked_zeros(x):
    n = x.shape[-2]
    scores = torch.zeros(n, n, dtype=x.dtype).masked_fill(~torch.ones(n, n).tril().bool(), -math.inf)
    weights = scores.softmax(-1)
    return weights @ x, weights


@right("average_so_far")
def running_sums(x):
    counts = torch.arange(1, x.shape[-2] + 1, dtype=x.dtype)
    weights = torch.tril(torch.ones(len(counts), len(counts), dtype=x.dtype)) / counts[:, None]
    return x.cumsum(-2) / counts[:, None], weights


@right("average_so_far")
def loop_of_means(x):
    n = x.shape[-2]
    weights = torch.zeros(n, n, dtype=x.dtype)
    for i in range(n):
        weights[i, : i + 1] = 1 / (i + 1)
    return torch.stack([x[..., : i + 1, :].mean(-2) for i in range(n)], dim=-2), weights


@right("average_so_far")
def by_einsum(x):
    position = torch.arange(x.shape[-2])
    weights = (position <= position[:, None]).to(x.dtype) / (position[:, None] + 1)
    return torch.einsum("ij,...jd->...id", weights, x), weights


@right("average_so_far")
def mean_from_the_mean_before(x):
    mean, row = torch.zeros_like(x[..., 0, :]), torch.zeros(x.shape[-2], dtype=x.dtype)
    means, rows = [], []
    for i, unit in enumerate(torch.eye(x.shape[-2], dtype=x.dtype)):
        mean, row = mean + (x[..., i, :] - mean) / (i + 1), row + (unit - row) / (i + 1)
        means.append(mean)
        rows.append(row)
    return [torch.stack(means, -2), torch.stack(rows)]


@right("average_so_far")
def through_numpy(x):
    seen = np.tri(x.shape[-2])
    weights = torch.from_numpy(seen / seen.sum(1, keepdims=True)).to(x.dtype)
    return (weights.double() @ x.double()).to(x.dtype), weights


# ---------------------------------------------------------------------------------------------------- stable_softmax


@right("stable_softmax")
def max_with_values(scores):
    e = torch.exp(scores - scores.max(dim=-1, keepdim=True).values)
    return e / e.sum(dim=-1, keepdim=True)


@right("stable_softmax")
def through_the_logarithm(scores):
    scores = scores - scores.amax(dim=-1, keepdim=True)
    return torch.exp(scores - torch.logsumexp(scores, dim=-1, keepdim=True))


@right("stable_softmax")
def pytorch_itself(scores):
    return functional.softmax(scores, dim=-1)


@right("stable_softmax")
def row_by_row(scores):
    flat = scores.reshape(-1, scores.shape[-1])
    rows = []
    for row in flat:
        e = (row - row.max()).exp()
        rows.append(e / e.sum())
    return torch.stack(rows).reshape(scores.shape)


@right("stable_softmax")
def detached_maximum(scores):
    e = (scores - scores.detach().amax(-1, keepdim=True)).exp()
    return e / (e.sum(-1, keepdim=True) + 1e-12)


@right("stable_softmax")
def unsqueezed(scores):
    e = torch.exp(scores - scores.amax(-1)[..., None])
    return e / e.sum(-1)[..., None]


@right("stable_softmax")
def detached(scores):
    with torch.no_grad():
        e = torch.exp(scores - scores.amax(-1, keepdim=True))
        return e / e.sum(-1, keepdim=True)


@right("stable_softmax")
def sorted_first(scores):
    order = scores.argsort(-1, descending=True)
    ordered = scores.gather(-1, order)
    e = torch.exp(ordered - ordered[..., :1])
    return torch.empty_like(scores).scatter(-1, order, e / e.sum(-1, keepdim=True))


# --------------------------------------------------------------------------------------------- simple_self_attention


@right("simple_self_attention")
def logarithm_of_each_sum(x):
    scores = x @ x.mT
    weights = torch.exp(scores - scores.logsumexp(-1, keepdim=True))
    return weights @ x, weights


@right("simple_self_attention")
def one_line_each(x):
    weights = torch.softmax(torch.matmul(x, x.mT), dim=-1)
    return torch.matmul(weights, x), weights


@right("simple_self_attention")
def einsum_both(x):
    weights = torch.einsum("...id,...jd->...ij", x, x).softmax(-1)
    return torch.einsum("...ij,...jd->...id", weights, x), weights


@right("simple_self_attention")
def loop_over_positions(x):
    mixed, all_weights = [], []
    for i in range(x.shape[-2]):
        weights = (x[..., i : i + 1, :] * x).sum(-1).softmax(-1)
        all_weights.append(weights)
        mixed.append((weights.unsqueeze(-1) * x).sum(-2))
    return torch.stack(mixed, -2), torch.stack(all_weights, -2)


@right("simple_self_attention")
def as_a_list(x):
    scores = x @ x.mT
    e = torch.exp(scores - scores.amax(-1, keepdim=True))
    weights = e / e.sum(-1, keepdim=True)
    return [weights @ x, weights]


@right("simple_self_attention")
def weights_without_history(x):
    weights = torch.softmax(x @ x.mT, -1).detach()
    return weights @ x, weights


@right("simple_self_attention")
def flattened_to_one_batch(x):
    flat = x.reshape(-1, *x.shape[-2:])
    weights = torch.bmm(flat, flat.mT).softmax(2)
    mixed = torch.bmm(weights, flat)
    return mixed.view(x.shape), weights.view(*x.shape[:-1], x.shape[-2])


# --------------------------------------------------------------------------------------------------------- attention


@right("attention")
def logarithm_of_the_sum_of_the_allowed(q, k, v, mask=None):
    scores = (q / q.shape[-1] ** 0.25) @ (k / k.shape[-1] ** 0.25).mT
    may = torch.broadcast_to(torch.tensor(True) if mask is None else mask, scores.shape)
    some = may.any(-1, True)
    scores = torch.where(may | ~some, scores, -math.inf)
    weights = torch.where(some, torch.exp(scores - scores.logsumexp(-1, keepdim=True)), 0.0)
    return weights @ v, weights


@right("attention")
def scales_the_query(q, k, v, mask=None):
    scores = (q * q.shape[-1] ** -0.5) @ k.mT
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), float("-inf"))
    weights = torch.nan_to_num(scores.softmax(-1))
    return weights @ v, weights


@right("attention")
def with_einsum_and_where(q, k, v, mask=None):
    scores = torch.einsum("...qd,...kd->...qk", q, k) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
    weights = torch.softmax(scores, -1)
    if mask is not None:
        weights = weights * mask
    return torch.einsum("...qk,...kd->...qd", weights, v), weights


@right("attention")
def exponentials_by_hand(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    allowed = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.expand_as(scores)
    largest = scores.masked_fill(~allowed, -1e30).amax(-1, keepdim=True)
    powers = torch.where(allowed, (scores - largest).clamp(max=0).exp(), 0.0)
    total = powers.sum(-1, keepdim=True)
    weights = powers / torch.where(total > 0, total, torch.ones_like(total))
    return weights @ v, weights


@right("attention")
def one_query_at_a_time(q, k, v, mask=None):
    rows, outputs = [], []
    for i in range(q.shape[-2]):
        scores = (q[..., i : i + 1, :] * k).sum(-1) / q.shape[-1] ** 0.5
        if mask is not None:
            allowed = mask.expand(*scores.shape[:-1], q.shape[-2], k.shape[-2])[..., i, :]
            weights = scores.masked_fill(~allowed, -math.inf).softmax(-1).masked_fill(~allowed, 0)
        else:
            weights = scores.softmax(-1)
        rows.append(weights)
        outputs.append((weights.unsqueeze(-1) * v).sum(-2))
    return torch.stack(outputs, -2), torch.stack(rows, -2)


@right("attention")
def in_float64(q, k, v, mask=None):
    scores = q.double() @ k.double().mT / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e300)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return (weights @ v.double()).to(v.dtype), weights.to(v.dtype)


@right("attention")
def flattened_to_one_batch_of_heads(q, k, v, mask=None):
    lead = q.shape[:-2]
    scores = torch.bmm(*(part.reshape(-1, *part.shape[-2:]) for part in (q, k.mT))) / math.sqrt(q.shape[-1])
    if mask is not None:
        mask = mask.expand(*lead, q.shape[-2], k.shape[-2]).reshape(scores.shape)
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    weights = weights if mask is None else weights.masked_fill(~mask, 0)
    weights = weights.view(*lead, q.shape[-2], k.shape[-2])
    return weights @ v, weights


@right("attention")
def a_mask_by_default(q, k, v, mask=None):
    mask = torch.tensor(True) if mask is None else mask
    scores = torch.where(mask, q @ k.mT * q.shape[-1] ** -0.5, -1e30)
    e = torch.exp(scores - scores.amax(-1, keepdim=True).detach()) * mask
    weights = e / e.sum(-1, keepdim=True).clamp(min=1e-30)
    return weights @ v, weights


# ----------------------------------------------------------------------------------------------------- SelfAttention


@right("SelfAttention")
class InOneForward(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.to_q = nn.Linear(d_model, d_head, bias=False)
        self.to_k = nn.Linear(d_model, d_head, bias=False)
        self.to_v = nn.Linear(d_model, d_head, bias=False)

    def forward(self, x, mask=None):
        return scales_the_query(self.to_q(x), self.to_k(x), self.to_v(x), mask)


@right("SelfAttention")
class MatricesByLoop(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        for name in ("to_v", "to_k", "to_q"):
            setattr(self, name, nn.Linear(d_model, d_head, bias=False))

    def forward(self, x, mask=None):
        q, k, v = (layer(x) for layer in (self.to_q, self.to_k, self.to_v))
        return in_float64(q, k, v, mask)


@right("SelfAttention")
class WithTheWeightsThemselves(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.to_q, self.to_k, self.to_v = (nn.Linear(d_model, d_head, bias=False) for _ in range(3))

    def forward(self, x, mask=None):
        q, k, v = x @ self.to_q.weight.T, x @ self.to_k.weight.T, x @ self.to_v.weight.T
        return with_einsum_and_where(q, k, v, mask)


@right("SelfAttention")
class KeepsSizesAndLastWeights(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.d_model, self.d_head = d_model, d_head
        self.to_q = nn.Linear(d_model, d_head, False)
        self.to_k = nn.Linear(d_model, d_head, False)
        self.to_v = nn.Linear(d_model, d_head, False)

    def forward(self, x, mask=None):
        mixed, self.last = exponentials_by_hand(self.to_q(x), self.to_k(x), self.to_v(x), mask)
        return mixed, self.last


@right("SelfAttention")
class OneProductForAllThree(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.register_buffer("scale", torch.tensor(float(d_head) ** -0.5))
        for name in ("to_q", "to_k", "to_v"):
            self.add_module(name, nn.Linear(d_model, d_head, bias=False))

    def forward(self, x, mask=None):
        together = torch.cat([self.to_q.weight, self.to_k.weight, self.to_v.weight])
        q, k, v = functional.linear(x, together).chunk(3, dim=-1)
        scores = (q * self.scale) @ k.mT
        if mask is None:
            return scores.softmax(-1) @ v, scores.softmax(-1)
        weights = scores.masked_fill(~mask, -math.inf).softmax(-1).masked_fill(~mask, 0)
        return weights @ v, weights


@right("SelfAttention")
class WeightsWithoutHistory(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.to_q, self.to_k, self.to_v = (nn.Linear(d_model, d_head, bias=False) for _ in "qkv")

    def forward(self, x, mask=None):
        mixed, weights = flattened_to_one_batch_of_heads(self.to_q(x), self.to_k(x), self.to_v(x), mask)
        return mixed, weights.detach()


# ------------------------------------------------------------------------------------------------ attention_gradient


@right("attention_gradient")
def step_by_step(q, k, v, upstream):
    root = math.sqrt(q.shape[-1])
    w = torch.softmax(q @ k.mT / root, dim=-1)
    dv = w.mT @ upstream
    dw = upstream @ v.mT
    ds = w * dw - w * (w * dw).sum(-1, keepdim=True)
    return (ds / root) @ k, (ds / root).mT @ q, dv


@right("attention_gradient")
def average_through_the_mix(q, k, v, upstream):
    root = math.sqrt(q.shape[-1])
    w = torch.softmax(q @ k.mT / root, dim=-1)
    average = (upstream * (w @ v)).sum(-1, keepdim=True)  # the trick of FlashAttention
    ds = w * (upstream @ v.mT - average)
    return ds @ k / root, ds.mT @ q / root, w.mT @ upstream


@right("attention_gradient")
def jacobian_of_the_softmax(q, k, v, upstream):
    root = math.sqrt(q.shape[-1])
    w = torch.softmax(q @ k.mT / root, dim=-1)
    jacobian = torch.diag_embed(w) - w.unsqueeze(-1) * w.unsqueeze(-2)
    ds = (jacobian @ (upstream @ v.mT).unsqueeze(-1)).squeeze(-1)
    return ds @ k / root, ds.mT @ q / root, w.mT @ upstream


@right("attention_gradient")
def einsum_all_the_way(q, k, v, upstream):
    w = (torch.einsum("...id,...jd->...ij", q, k) / q.shape[-1] ** 0.5).softmax(-1)
    dw = torch.einsum("...ie,...je->...ij", upstream, v)
    ds = w * (dw - torch.einsum("...ij,...ij->...i", w, dw)[..., None]) / q.shape[-1] ** 0.5
    return (torch.einsum("...ij,...jd->...id", ds, k), torch.einsum("...ij,...id->...jd", ds, q),
            torch.einsum("...ij,...ie->...je", w, upstream))  # fmt: skip


@right("attention_gradient")
def in_numpy(q, k, v, upstream):
    q, k, v, upstream = (part.detach().numpy() for part in (q, k, v, upstream))
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    w = np.exp(scores - scores.max(-1, keepdims=True))
    w = w / w.sum(-1, keepdims=True)
    g = upstream @ v.swapaxes(-1, -2)
    s = (w * (g - (w * g).sum(-1, keepdims=True)) / math.sqrt(q.shape[-1])).astype(q.dtype)
    return tuple(map(torch.from_numpy, (s @ k, s.swapaxes(-1, -2) @ q, w.swapaxes(-1, -2) @ upstream)))


@right("attention_gradient")
def one_query_at_a_time_back(q, k, v, upstream):
    for_q, for_k, for_v = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
    for i in range(q.shape[-2]):
        query, given = q[..., i, :], upstream[..., i, :]
        w = ((k * query[..., None, :]).sum(-1) / math.sqrt(q.shape[-1])).softmax(-1)
        g = (v * given[..., None, :]).sum(-1)
        s = w * (g - (w * g).sum(-1, keepdim=True)) / math.sqrt(q.shape[-1])
        for_q[..., i, :] = (s[..., None] * k).sum(-2)
        for_k += s[..., None] * query[..., None, :]
        for_v += w[..., None] * given[..., None, :]
    return for_q, for_k, for_v
