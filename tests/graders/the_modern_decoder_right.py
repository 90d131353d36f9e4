"""Right answers to notebook 14 in several styles: norm, feed-forward, window, four-bit weights."""

import struct

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tests.graders.cases import right


class Norm(nn.Module):
    """The constructor as most people write it."""

    def __init__(self, d_model, epsilon=1e-6):
        super().__init__()
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(d_model))


@right("RMSNorm")
class AsInLlama(Norm):
    """Hugging Face's: what is normed is float32, whatever comes in."""

    def forward(self, x):
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return self.scale * wide.to(x.dtype)


@right("RMSNorm")
class ByTheLength(Norm):
    def forward(self, x):
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return self.scale * x / (length**2 / x.shape[-1] + self.epsilon) ** 0.5


@right("RMSNorm")
class ByPyTorch(Norm):
    def forward(self, x):
        return functional.rms_norm(x, self.scale.shape, self.scale, self.epsilon)


@right("RMSNorm")
class WithEinsum(Norm):
    def forward(self, x):
        squares = torch.einsum("...d,...d->...", x, x) / x.size(-1)
        return torch.einsum("...d,...,d->...d", x, (squares + self.epsilon).rsqrt(), self.scale)


@right("RMSNorm")
class NumberByNumber(Norm):
    """The last axis in a loop."""

    def forward(self, x):
        parts = x.unbind(-1)
        mean_square = sum(part * part for part in parts) / len(parts)
        root = torch.sqrt(mean_square + self.epsilon)
        return torch.stack([part / root * scale for part, scale in zip(parts, self.scale, strict=True)], dim=-1)


@right("RMSNorm")
class InDoublePrecision(nn.Module):
    def __init__(self, d_model, epsilon=1e-6):
        super().__init__()
        self.register_parameter("scale", nn.Parameter(torch.full((d_model,), 1.0)))
        self.eps, self.d_model = epsilon, d_model

    def forward(self, x):
        wide = x.double()
        root = ((wide * wide).sum(-1, keepdim=True) / self.d_model + self.eps).sqrt()
        return (wide / root * self.scale.double()).type_as(x)


@right("RMSNorm")
class VarianceAndMean(Norm):
    """The mean square as variance and squared mean."""

    def forward(self, x):
        mean_square = x.var(-1, correction=0, keepdim=True) + x.mean(-1, keepdim=True) ** 2
        return x * self.scale / torch.sqrt(self.epsilon + mean_square)


# ----------------------------------------------------------------------------------------------------------- SwiGLU


class Three(nn.Module):
    """The constructor as most people write it."""

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.gate = nn.Linear(d_model, d_ff, bias=False)
        self.widen = nn.Linear(d_model, d_ff, bias=False)
        self.narrow = nn.Linear(d_ff, d_model, bias=False)


@right("SwiGLU")
class SigmoidByHand(Three):
    def forward(self, x):
        z = self.gate(x)
        return self.narrow(self.widen(x) * z * torch.sigmoid(z))


@right("SwiGLU")
class SiluAsALayer(Three):
    def __init__(self, d_model, d_ff):
        super().__init__(d_model, d_ff)
        self.activation = nn.SiLU()

    def forward(self, x):
        gate = self.activation(self.gate(x))
        content = self.widen(x)
        return self.narrow(gate.mul(content))


@right("SwiGLU")
class WithAView(Three):
    """What a norm gives lies in one piece in memory."""

    def forward(self, x):
        flat = x.view(-1, x.shape[-1])
        return self.narrow(functional.silu(self.gate(flat)) * self.widen(flat)).view(x.shape)


@right("SwiGLU")
class WithEinsum(Three):  # noqa: F811
    def forward(self, x):
        gate = self.gate(x)
        content = torch.einsum("...d,fd->...f", x, self.widen.weight)
        return torch.einsum("...f,df->...d", gate * gate.sigmoid() * content, self.narrow.weight)


@right("SwiGLU")
class Exponentials(Three):
    """exp of minus z must not overflow to inf, or the gradient is NaN."""

    def forward(self, x):
        z = self.gate(x)
        return self.narrow((z / (1 + torch.exp(-z.clamp(min=-80)))) * self.widen(x))


@right("SwiGLU")
class ThroughTanh(Three):
    def __init__(self, d_model, d_ff):
        super().__init__(d_model, d_ff)
        self.d_ff = d_ff

    def forward(self, x):
        z = self.gate(x) / 2
        return (self.widen(x) * z * (1 + z.tanh())) @ self.narrow.weight.T


@right("SwiGLU")
class InDouble(Three):
    def forward(self, x):
        gate, content = self.gate(x).double(), x.double() @ self.widen.weight.double().mT
        return ((gate * gate.sigmoid() * content) @ self.narrow.weight.double().mT).to(x.dtype)


# ---------------------------------------------------------------------------------------------- sliding_window_mask


@right("sliding_window_mask")
def by_distance(new, before, window):
    if window < 1:
        raise ValueError("the window must be at least 1")
    distance = torch.arange(before, before + new)[:, None] - torch.arange(before + new)
    return (distance >= 0) & (distance < window)


@right("sliding_window_mask")
def row_by_row(new, before, window):
    if window <= 0:
        raise ValueError(window)
    mask = torch.zeros(new, before + new, dtype=torch.bool)
    for i in range(new):
        position = before + i
        mask[i, max(0, position - window + 1) : position + 1] = True
    return mask


@right("sliding_window_mask")
def from_lists(new, before, window):
    if not window >= 1:
        raise ValueError(f"{window} < 1")
    positions = range(before, before + new)
    return torch.tensor([[query - window < key <= query for key in range(before + new)] for query in positions])


@right("sliding_window_mask")
def last_rows_of_the_square(new, before, window):
    if window < 1:
        raise ValueError("no window")
    length = before + new
    square = torch.ones(length, length).tril() - torch.ones(length, length).tril(-window)
    return square[before:].bool()


@right("sliding_window_mask")
def not_hidden(new, before, window):
    if window < 1:
        raise ValueError("no window")
    everything = torch.ones(new, before + new, dtype=torch.bool)
    return ~(everything.triu(before + 1) | everything.tril(before - window))


@right("sliding_window_mask")
def by_numpy(new, before, window):
    if window < 1:
        raise ValueError("no window")
    band = np.tri(new, before + new, before, dtype=bool) & ~np.tri(new, before + new, before - window, dtype=bool)
    return torch.from_numpy(band)


# ------------------------------------------------------------------------------------------------------ unpack_q4_1


@right("unpack_q4_1")
def concatenated(blocks):
    heads = np.ascontiguousarray(blocks[:, :4]).view("<f2").astype(np.float32)
    q = np.concatenate([blocks[:, 4:] & 0x0F, blocks[:, 4:] >> 4], axis=1)
    return q * heads[:, :1] + heads[:, 1:]


@right("unpack_q4_1")
def one_by_one(blocks):
    values = np.zeros((len(blocks), 32), dtype=np.float32)
    for number, block in enumerate(blocks):
        scale, minimum = struct.unpack("<ee", bytes(block[:4]))
        packed = block[4:].astype(int)
        values[number, :16] = scale * (packed % 16) + minimum
        values[number, 16:] = scale * (packed // 16) + minimum
    return values


@right("unpack_q4_1")
def structured(blocks):
    """NumPy's records: a block as it lies in the file."""
    layout = np.dtype([("scale", "<f2"), ("minimum", "<f2"), ("packed", np.uint8, 16)])
    records = np.ascontiguousarray(blocks).view(layout)[:, 0]
    halves = np.hstack([records["packed"] & 15, records["packed"] >> 4]).astype(np.float32)
    scale, minimum = (records[name].astype(np.float32)[:, None] for name in ("scale", "minimum"))
    return scale * halves + minimum


@right("unpack_q4_1")
def stacked_block_by_block(blocks):
    rows = []
    for block in blocks:
        scale, minimum = np.frombuffer(block[:4].tobytes(), "<f2").astype(np.float32)
        rows.append(scale * np.concatenate([block[4:] & 15, block[4:] >> 4]).astype(np.float32) + minimum)
    return np.stack(rows)


@right("unpack_q4_1")
def divided(blocks):
    scale = np.frombuffer(blocks[:, 0:2].tobytes(), np.float16).astype(np.float32)
    minimum = np.frombuffer(blocks[:, 2:4].tobytes(), np.float16).astype(np.float32)
    high, low = np.divmod(blocks[:, 4:], 16)
    return np.hstack([low, high]) * scale[:, np.newaxis] + minimum[:, np.newaxis]


@right("unpack_q4_1")
def bit_by_bit(blocks):
    bits = np.unpackbits(blocks[:, 4:], axis=1).reshape(-1, 16, 2, 4)
    q = (bits * np.array([8, 4, 2, 1])).sum(-1)  # (blocks, 16, high and low)
    heads = blocks[:, :4].copy().view(np.float16).astype(np.float64)
    values = heads[:, :1] * np.concatenate([q[..., 1], q[..., 0]], axis=1) + heads[:, 1:]
    return values.astype(np.float32)


@right("unpack_q4_1")
def by_a_table(blocks):
    """All 16 values of each block, then picked by q."""
    scale, minimum = blocks[:, :4].copy().view(np.float16).astype(np.float32).T
    table = scale[:, None] * np.arange(16, dtype=np.float32) + minimum[:, None]
    q = np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1).astype(np.int64)
    return np.take_along_axis(table, q, axis=1)


@right("unpack_q4_1")
def through_torch(blocks):
    heads = torch.from_numpy(blocks[:, :4].copy()).view(torch.float16).float()
    packed = torch.from_numpy(blocks[:, 4:].copy()).int()
    return torch.addcmul(heads[:, 1:], heads[:, :1], torch.cat([packed % 16, packed // 16], 1).float()).numpy()
