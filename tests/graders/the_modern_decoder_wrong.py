"""Wrong answers to notebook 14, as people write them: norm, feed-forward, window, four-bit weights."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lib.checks.core import edit
from tests.graders.cases import slips, wrong


class Norm(nn.Module):
    """The part of the class that most people get right."""

    def __init__(self, d_model, epsilon=1e-6):
        super().__init__()
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(d_model))


@wrong("RMSNorm", says="that is LayerNorm")
class LayerNormWithoutShift(Norm):
    def forward(self, x):
        x = x - x.mean(-1, keepdim=True)
        return self.scale * x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon)


@wrong("RMSNorm", says="standard deviation")
class DividesByStd(Norm):
    def forward(self, x):
        return x / torch.sqrt(x.var(-1, keepdim=True) + self.epsilon) * self.scale


@wrong("RMSNorm", says="the length of the vector")
class UnitLength(Norm):
    def forward(self, x):
        return x / torch.sqrt((x * x).sum(-1, keepdim=True) + self.epsilon) * self.scale


@wrong("RMSNorm", says="the length of the vector")
class TorchNormalize(Norm):
    def forward(self, x):
        return functional.normalize(x, dim=-1, eps=self.epsilon) * self.scale


@wrong("RMSNorm", says="take its root")
class ByTheMeanSquare(Norm):
    def forward(self, x):
        return self.scale * x / (x.pow(2).mean(-1, keepdim=True) + self.epsilon)


@wrong("RMSNorm", says="one over the root")
class TimesTheRoot(Norm):
    def forward(self, x):
        return self.scale * (x * torch.sqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon))


@wrong("RMSNorm", says="outside the root")
class EpsilonAfterTheRoot(Norm):
    def forward(self, x):
        rms = x.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5
        return x / (rms + self.epsilon) * self.scale


@wrong("RMSNorm", says="zeros")
class NoEpsilon(Norm):
    def forward(self, x):
        return x / x.pow(2).mean(-1, keepdim=True).sqrt() * self.scale


@wrong("RMSNorm", says="least value")
class Clamped(Norm):
    def forward(self, x):
        return x / x.pow(2).mean(-1, keepdim=True).clamp_min(self.epsilon).sqrt() * self.scale


@wrong("RMSNorm", says="`epsilon` has no effect")
class FixedEpsilon(Norm):
    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.scale


@wrong("RMSNorm", says="1e-6 when it is not given")
class EpsilonOfLayerNorm(Norm):
    def __init__(self, d_model, epsilon=1e-5):
        super().__init__(d_model, epsilon)

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale


@wrong("RMSNorm", says="scale is not used")
class ScaleForgotten(Norm):
    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon)


@wrong("RMSNorm", says="loaded by name")
class NamedWeight(nn.Module):
    def __init__(self, d_model, epsilon=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d_model)), epsilon

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)


@wrong("RMSNorm", says="`epsilon` is saved with the weights")
class EpsilonAsBuffer(Norm):
    def __init__(self, d_model, epsilon=1e-6):
        super().__init__(d_model)
        del self.epsilon
        self.register_buffer("epsilon", torch.tensor(epsilon))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale


@wrong("RMSNorm", says="a scale only")
class ScaleAndShift(Norm):
    def __init__(self, d_model, epsilon=1e-6):
        super().__init__(d_model, epsilon)
        self.shift = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale + self.shift


@wrong("RMSNorm", says="`scale`")
class ScaleIsNoParameter(nn.Module):
    def __init__(self, d_model, epsilon=1e-6):
        super().__init__()
        self.epsilon, self.scale = epsilon, torch.ones(d_model)

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale


@wrong("RMSNorm", says="`scale` has shape")
class OneNumberForAll(Norm):
    def __init__(self, d_model, epsilon=1e-6):
        super().__init__(1, epsilon)

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale


@wrong("RMSNorm", says="over everything")
class OverEverything(Norm):
    def forward(self, x):
        return x / torch.sqrt((x**2).mean() + self.epsilon) * self.scale


@wrong("RMSNorm", says="every vector by itself")
class OverPositions(Norm):
    def forward(self, x):
        return x / torch.sqrt((x**2).mean(-2 if x.ndim > 1 else -1, keepdim=True) + self.epsilon) * self.scale


@wrong("RMSNorm", says="keepdim=True")
class KeepdimForgotten(Norm):
    def forward(self, x):
        return x / torch.sqrt((x**2).mean(-1) + self.epsilon) * self.scale


@wrong("RMSNorm", says="dtype")
class ThroughFloat32(Norm):
    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale.float()


@wrong("RMSNorm", says="changes what it was given")
class InPlace(Norm):
    def forward(self, x):
        x *= torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return x * self.scale


@wrong("RMSNorm", says="through the root mean square too")
class RootWithoutGradient(Norm):
    def forward(self, x):
        with torch.no_grad():
            factor = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return x * factor * self.scale


@wrong("RMSNorm", says="no gradient")
class DataOfTheScale(Norm):
    def forward(self, x):
        return x.detach() * torch.rsqrt(x.detach().pow(2).mean(-1, keepdim=True) + self.epsilon) * self.scale.data


# ----------------------------------------------------------------------------------------------------------- SwiGLU


class Three(nn.Module):
    """The three matrices."""

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.gate = nn.Linear(d_model, d_ff, bias=False)
        self.widen = nn.Linear(d_model, d_ff, bias=False)
        self.narrow = nn.Linear(d_ff, d_model, bias=False)


@wrong("SwiGLU", says="there is no silu")
class Bilinear(Three):
    def forward(self, x):
        return self.narrow(self.gate(x) * self.widen(x))


@wrong("SwiGLU", says="z · sigmoid(z)")
class GLU(Three):
    def forward(self, x):
        return self.narrow(self.gate(x).sigmoid() * self.widen(x))


@wrong("SwiGLU", says="ReGLU")
class ReGLU(Three):
    def forward(self, x):
        return self.narrow(self.gate(x).clamp(min=0) * self.widen(x))


@wrong("SwiGLU", says="GEGLU")
class GEGLU(Three):
    def forward(self, x):
        return self.narrow(nn.GELU()(self.gate(x)) * self.widen(x))


@wrong("SwiGLU", says="have changed places")
class GateAndContentSwapped(Three):
    def forward(self, x):
        hidden = self.widen(x)
        return self.narrow(hidden * torch.sigmoid(hidden) * self.gate(x))


@wrong("SwiGLU", says="before the two are multiplied")
class SiluOfTheProduct(Three):
    def forward(self, x):
        return self.narrow(functional.silu(self.widen(x) * self.gate(x)))


@wrong("SwiGLU", says="are added")
class Added(Three):
    def forward(self, x):
        return self.narrow(functional.silu(self.gate(x)) + self.widen(x))


@wrong("SwiGLU", says="plain feed-forward")
class GateUnused(Three):
    def forward(self, x):
        return self.narrow(functional.silu(self.widen(x)))


@wrong("SwiGLU", says="`widen` is not used")
class WidenUnused(Three):
    def forward(self, x):
        return self.narrow(functional.silu(self.gate(x)))


@wrong("SwiGLU", says="brings it back")
class NarrowForgotten(Three):
    def forward(self, x):
        return functional.silu(self.gate(x)) * self.widen(x)


@wrong("SwiGLU", says="the shortcut stands around")
class WithShortcut(Three):
    def forward(self, x):
        return x + self.narrow(functional.silu(self.gate(x)) * self.widen(x))


@wrong("SwiGLU", says="no biases")
class DefaultBiases(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.gate, self.widen = nn.Linear(d_model, d_ff), nn.Linear(d_model, d_ff)
        self.narrow = nn.Linear(d_ff, d_model)

    def forward(self, x):
        return self.narrow(functional.silu(self.gate(x)) * self.widen(x))


@wrong("SwiGLU", says="gate.weight")
class NamesOfThePaper(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w1 = nn.Linear(d_model, d_ff, bias=False)
        self.w2 = nn.Linear(d_ff, d_model, bias=False)
        self.w3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        return self.w2(functional.silu(self.w1(x)) * self.w3(x))


@wrong("SwiGLU", says="`narrow.weight` has shape")
class NarrowTheOtherWay(Three):
    def __init__(self, d_model, d_ff):
        super().__init__(d_model, d_ff)
        self.narrow = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        return (functional.silu(self.gate(x)) * self.widen(x)) @ self.narrow.weight


@wrong("SwiGLU", says="large numbers give NaN")
class ExponentialsByHand(Three):
    def forward(self, x):
        z = self.gate(x)
        return self.narrow(z * torch.exp(z) / (torch.exp(z) + 1) * self.widen(x))


@wrong("SwiGLU", says="two thirds as wide in here")
class NarrowsByItself(Three):
    def __init__(self, d_model, d_ff):
        super().__init__(d_model, 2 * d_ff // 3)

    def forward(self, x):
        return self.narrow(functional.silu(self.gate(x)) * self.widen(x))


@wrong("SwiGLU", says="dtype")
class IntoZeros(Three):
    """Zeros are 32-bit numbers."""

    def forward(self, x):
        result = torch.zeros(x.shape)
        result += self.narrow(functional.silu(self.gate(x)) * self.widen(x))
        return result


@wrong("SwiGLU", says="raised")
class BatchAndPositions(Three):
    """Two leading axes are taken for granted."""

    def forward(self, x):
        gate = torch.einsum("bpd,fd->bpf", x, self.gate.weight)
        return self.narrow(functional.silu(gate) * self.widen(x))


@wrong("SwiGLU", says="raised")
class WidensTwice(Three):
    def forward(self, x):
        return self.narrow(self.widen(functional.silu(self.gate(x))))


@wrong("SwiGLU", says="no gradient reaches the gate")
class GateWithoutGradient(Three):
    def forward(self, x):
        with torch.no_grad():
            gate = functional.silu(self.gate(x))
        return self.narrow(gate * self.widen(x))


# ---------------------------------------------------------------------------------------------- sliding_window_mask


def _refuse(window):
    if window < 1:
        raise ValueError(f"window={window}")


@wrong("sliding_window_mask", says="all that came before is seen")
def only_causal(new, before, window):
    _refuse(window)
    return torch.ones(new, before + new, dtype=torch.bool).tril(before)


@wrong("sliding_window_mask", says="counts the position itself")
def window_and_itself(new, before, window):
    _refuse(window)
    query, key = torch.arange(before, before + new)[:, None], torch.arange(before + new)
    return (key <= query) & (query - key <= window)


@wrong("sliding_window_mask", says="one position too few")
def strictly_less_than_one_less(new, before, window):
    _refuse(window)
    query, key = torch.arange(before, before + new)[:, None], torch.arange(before + new)
    return (key <= query) & (query - key < window - 1)


@wrong("sliding_window_mask", says="reaches to both sides")
def symmetric_band(new, before, window):
    _refuse(window)
    query, key = torch.arange(before, before + new)[:, None], torch.arange(before + new)
    return (query - key).abs() < window


@wrong("sliding_window_mask", says="the future is seen")
def future_open(new, before, window):
    _refuse(window)
    query, key = torch.arange(before, before + new)[:, None], torch.arange(before + new)
    return query - key < window


@wrong("sliding_window_mask", says="number before + i")
def rows_from_zero(new, before, window):
    _refuse(window)
    query, key = torch.arange(new)[:, None], torch.arange(before + new)
    return (key <= query) & (query - key < window)


@wrong("sliding_window_mask", says="have no columns")
def square_of_the_new(new, before, window):
    _refuse(window)
    query, key = torch.arange(new)[:, None], torch.arange(new)
    return (key <= query) & (query - key < window)


@wrong("sliding_window_mask", says="only new ones look")
def square_of_all(new, before, window):
    _refuse(window)
    places = torch.arange(before + new)
    distance = places[:, None] - places
    return (distance >= 0) & (distance < window)


@wrong("sliding_window_mask", says="axes are swapped")
def keys_first(new, before, window):
    _refuse(window)
    query, key = torch.arange(before, before + new), torch.arange(before + new)[:, None]
    return (key <= query) & (query - key < window)


@wrong("sliding_window_mask", says="Turn it round")
def hidden_is_true(new, before, window):
    _refuse(window)
    query, key = torch.arange(before, before + new)[:, None], torch.arange(before + new)
    return (key > query) | (query - key >= window)


@wrong("sliding_window_mask", says="the mask is bool")
def ones_and_zeros(new, before, window):
    _refuse(window)
    mask = torch.zeros(new, before + new)
    for i in range(new):
        mask[i, max(0, before + i - window + 1) : before + i + 1] = 1
    return mask


@wrong("sliding_window_mask", says="True where looking is allowed")
def added_to_the_scores(new, before, window):
    _refuse(window)
    query, key = torch.arange(before, before + new)[:, None], torch.arange(before + new)
    allowed = (key <= query) & (query - key < window)
    return torch.where(allowed, 0.0, -torch.inf)


@wrong("sliding_window_mask", says="window 0")
def refuses_nothing(new, before, window):
    query, key = torch.arange(before, before + new)[:, None], torch.arange(before + new)
    return (key <= query) & (query - key < window)


@wrong("sliding_window_mask", says="AssertionError")
def asserts(new, before, window):
    assert window >= 1
    query, key = torch.arange(before, before + new)[:, None], torch.arange(before + new)
    return (key <= query) & (query - key < window)


@wrong("sliding_window_mask", says="expected")
def slice_below_zero(new, before, window):
    _refuse(window)
    mask = torch.zeros(new, before + new, dtype=torch.bool)
    for i in range(new):
        mask[i, before + i - window + 1 : before + i + 1] = True
    return mask


_TABLE = torch.ones(256, 256, dtype=torch.bool).tril()


@wrong("sliding_window_mask", says="table that is too small")
def from_a_table(new, before, window):
    _refuse(window)
    return _TABLE[before : before + new, : before + new].triu(before - window + 1)


_LARGE = torch.ones(1024, 1024, dtype=torch.bool).tril()


@wrong("sliding_window_mask", says="table that is too small")
def from_a_large_table(new, before, window):
    _refuse(window)
    return _LARGE[before : before + new, : before + new].triu(before - window + 1)


@wrong("sliding_window_mask", says="cut into blocks")
def chunks(new, before, window):
    _refuse(window)
    query, key = torch.arange(before, before + new)[:, None], torch.arange(before + new)
    return (key <= query) & (key // window == query // window)


# ------------------------------------------------------------------------------------------------------ unpack_q4_1


def _heads(blocks):
    return np.ascontiguousarray(blocks[:, :4]).view(np.float16).astype(np.float32)


def _joined(low, high):
    return np.concatenate([low, high], axis=1)


@wrong("unpack_q4_1", says="stand side by side")
def neighbours(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    q = np.stack([packed & 15, packed >> 4], axis=-1).reshape(len(blocks), 32)
    return heads[:, :1] * q + heads[:, 1:]


@wrong("unpack_q4_1", says="exchanged: `& 15`")
def high_halves_first(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    return heads[:, :1] * _joined(packed >> 4, packed & 15) + heads[:, 1:]


@wrong("unpack_q4_1", says="scale comes first")
def minimum_first(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    return heads[:, 1:] * _joined(packed & 15, packed >> 4) + heads[:, :1]


@wrong("unpack_q4_1", says="minimum is not added")
def scale_only(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    return heads[:, :1] * _joined(packed & 15, packed >> 4)


@wrong("unpack_q4_1", says="multiplied by the scale too")
def minimum_inside(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    return heads[:, :1] * (_joined(packed & 15, packed >> 4) + heads[:, 1:])


@wrong("unpack_q4_1", says="8 is taken from q")
def as_q4_0(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    return heads[:, :1] * (_joined(packed & 15, packed >> 4).astype(np.float32) - 8) + heads[:, 1:]


@wrong("unpack_q4_1", says="still hold the high ones")
def low_not_masked(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    return heads[:, :1] * _joined(packed, packed >> 4) + heads[:, 1:]


@wrong("unpack_q4_1", says="16 times too large")
def masked_not_shifted(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    return heads[:, :1] * _joined(packed & 0x0F, packed & 0xF0) + heads[:, 1:]


@wrong("unpack_q4_1", says="first four bytes")
def numbers_first(blocks):
    heads, packed = np.ascontiguousarray(blocks[:, -4:]).view(np.float16).astype(np.float32), blocks[:, :16]
    return heads[:, :1] * _joined(packed & 15, packed >> 4) + heads[:, 1:]


@wrong("unpack_q4_1", says="low byte comes first")
def big_endian(blocks):
    heads = np.ascontiguousarray(blocks[:, :4]).view(">f2").astype(np.float32)
    return heads[:, :1] * _joined(blocks[:, 4:] & 15, blocks[:, 4:] >> 4) + heads[:, 1:]


@wrong("unpack_q4_1", says="result is float16")
def stays_half(blocks):
    heads = np.ascontiguousarray(blocks[:, :4]).view(np.float16)
    return heads[:, :1] * _joined(blocks[:, 4:] & 15, blocks[:, 4:] >> 4) + heads[:, 1:]


@wrong("unpack_q4_1", says="result is float64")
def doubles(blocks):
    heads, packed = _heads(blocks).astype(float), blocks[:, 4:]
    return heads[:, :1] * _joined(packed & 15, packed >> 4) + heads[:, 1:]


@wrong("unpack_q4_1", says="computed in float16")
def widened_at_the_end(blocks):
    heads = np.ascontiguousarray(blocks[:, :4]).view(np.float16)
    with np.errstate(all="ignore"):
        values = heads[:, :1] * _joined(blocks[:, 4:] & 15, blocks[:, 4:] >> 4) + heads[:, 1:]
    return values.astype(np.float32)


@wrong("unpack_q4_1", says="NumPy array")
def tensor(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    return torch.from_numpy(heads[:, :1] * _joined(packed & 15, packed >> 4) + heads[:, 1:])


@wrong("unpack_q4_1", says="read-only")
def shifts_in_place(blocks):
    heads, low, high = _heads(blocks), blocks[:, 4:] & 15, blocks[:, 4:]
    high >>= 4
    return heads[:, :1] * _joined(low, high) + heads[:, 1:]


@wrong("unpack_q4_1", says="each block has its own")
def scale_of_the_first(blocks):
    scale, minimum = _heads(blocks)[0]
    return scale * _joined(blocks[:, 4:] & 15, blocks[:, 4:] >> 4).astype(np.float32) + minimum


@wrong("unpack_q4_1", says="shape is (blocks, 32)")
def one_long_row(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    return (heads[:, :1] * _joined(packed & 15, packed >> 4) + heads[:, 1:]).ravel()


_BUFFER = np.zeros((20_000, 32), np.float32)


@wrong("unpack_q4_1", says="the first result")
def into_one_buffer(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    values = _BUFFER[: len(blocks)]
    values[:] = heads[:, :1] * _joined(packed & 15, packed >> 4) + heads[:, 1:]
    return values


@wrong("unpack_q4_1", says="no empty block")
def zero_for_empty(blocks):
    heads, packed = _heads(blocks), blocks[:, 4:]
    scale, minimum = heads[:, :1], heads[:, 1:]
    return np.where(scale == 0, np.float32(0), scale * _joined(packed & 15, packed >> 4) + minimum)


@wrong("unpack_q4_1", says="3e-5")
def halves_by_hand(blocks):
    words = blocks[:, :4:2].astype(np.int32) | blocks[:, 1:4:2].astype(np.int32) << 8
    size = (1 + (words & 1023) / 1024) * 2.0 ** ((words >> 10 & 31) - 15)
    heads = np.where(words & 0x7FFF, np.where(words & 0x8000, -size, size), 0.0).astype(np.float32)
    return heads[:, :1] * _joined(blocks[:, 4:] & 15, blocks[:, 4:] >> 4).astype(np.float32) + heads[:, 1:]


slips(
    "sliding_window_mask",
    positions_in_half_precision=(
        None,
        edit(
            "    earlier = ",
            "    if before + new > 2048:\n        at = torch.arange(before + new).half()\n"
            "        gap = at[before:, None] - at\n        return (gap >= 0) & (gap < window)\n    earlier = ",
        ),
    ),
    no_window_near_the_start=(
        "one new position after 2",
        edit("window + 1)", "(window if new > 1 or before > 4 else before + 1) + 1)"),
    ),
    no_window_in_a_short_text=(
        "3 new positions, none before",
        edit("window + 1)", "(window if before or new > 4 else new) + 1)"),
    ),
)
slips(
    "RMSNorm",
    back_in_32_bits=("float16", edit("return x", "x = x if x.dtype == torch.float64 else x.float()\n        return x")),
    at_most_100=("2000", edit("return x *", "return x.clamp(-100, 100) *")),
    root_of_zero=(
        "a vector of zeros in it",
        edit(
            "torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + self.epsilon)",
            "(x.square().mean(dim=-1, keepdim=True).sqrt() ** 2 + self.epsilon).rsqrt()",
        ),
    ),
)
slips(
    "SwiGLU",
    exp_of_the_negative=(
        "gradient is NaN",
        edit("functional.silu(self.gate(x))", "self.gate(x) / (1 + torch.exp(-self.gate(x)))"),
    ),
    by_the_matrix=("call self.gate(x)", edit("self.gate(x)", "(x @ self.gate.weight.T)")),
)
