"""Wrong answers to notebook 17, first part: buckets, the bias, attention with it; spans hidden and restored."""

import itertools
import math

import torch
from torch import nn

from lib.checks.core import edit
from lib.relative_positions import relative_buckets
from tests.graders.cases import slips, wrong

# -------------------------------------------------------------------------------------------------- relative_buckets


def _t5(distance, two_sided=True, n_buckets=32, furthest=128):
    """As the model's published code has it."""
    offset = 0
    if two_sided:
        n_buckets //= 2
        offset = (distance > 0).long() * n_buckets
        size = distance.abs()
    else:
        size = -torch.min(distance, torch.zeros_like(distance))
    exact = n_buckets // 2
    if exact < 1 or furthest <= exact:
        raise ValueError("no room")
    far = exact + (torch.log(size.float() / exact) / math.log(furthest / exact) * (n_buckets - exact)).long()
    return offset + torch.where(size < exact, size, far.clamp(max=n_buckets - 1))


@wrong("relative_buckets", says="ValueError")
def as_published(distance, two_sided=True, n_buckets=32, furthest=128):
    offset = 0
    if two_sided:
        n_buckets //= 2
        offset = (distance > 0).long() * n_buckets
        distance = distance.abs()
    else:
        distance = -torch.min(distance, torch.zeros_like(distance))
    exact = n_buckets // 2
    far = exact + (torch.log(distance.float() / exact) / math.log(furthest / exact) * (n_buckets - exact)).long()
    return offset + torch.where(distance < exact, distance, far.clamp(max=n_buckets - 1))


@wrong("relative_buckets", says="raised")
def zero_has_a_logarithm(distance, two_sided=True, n_buckets=32, furthest=128):
    def bucket(d):
        n, size, first = n_buckets, max(0, -d), 0
        if two_sided:
            n, size, first = n // 2, abs(d), n // 2 if d > 0 else 0
        exact = n // 2
        far = min(n - 1, exact + int(math.log(size / exact) / math.log(furthest / exact) * (n - exact)))
        return first + (size if size < exact else far)

    return torch.tensor([bucket(d) for d in distance.flatten().tolist()]).view(distance.shape)


@wrong("relative_buckets", says="keys before the query")
def only_future(distance, two_sided=True, n_buckets=32, furthest=128):
    return _t5(distance if two_sided else -distance, two_sided, n_buckets, furthest)


@wrong("relative_buckets", says="second half")
def halves_the_other_way(distance, two_sided=True, n_buckets=32, furthest=128):
    return _t5(-distance if two_sided else distance, two_sided, n_buckets, furthest)


@wrong("relative_buckets", says="expected")
def interleaved(distance, two_sided=True, n_buckets=32, furthest=128):
    """2 · bucket + side, in place of two halves."""
    if not two_sided:
        return _t5(distance, False, n_buckets, furthest)
    return 2 * _t5(-distance.abs(), False, n_buckets // 2, furthest) + (distance > 0)


@wrong("relative_buckets", says="expected")
def centred(distance, two_sided=True, n_buckets=32, furthest=128):
    """Clipped distances, as Shaw et al. have them."""
    half = n_buckets // 2
    return distance.clamp(-half, half - 1) + half


@wrong("relative_buckets", says="no shared buckets")
def clipped(distance, two_sided=True, n_buckets=32, furthest=128):
    _t5(distance, two_sided, n_buckets, furthest)
    if not two_sided:
        return (-distance).clamp(0, n_buckets - 1)
    return distance.abs().clamp(max=n_buckets // 2 - 1) + (distance > 0) * (n_buckets // 2)


@wrong("relative_buckets", says="share the last one")
def not_clamped(distance, two_sided=True, n_buckets=32, furthest=128):
    n = n_buckets // 2 if two_sided else n_buckets
    size = distance.abs() if two_sided else (-distance).clamp(min=0)
    exact = n // 2
    if exact < 1 or furthest <= exact:
        raise ValueError
    far = exact + (torch.log(size.clamp(min=1) / exact) / math.log(furthest / exact) * (n - exact)).long()
    return torch.where(size < exact, size, far) + (n * (distance > 0) if two_sided else 0)


@wrong("relative_buckets", says="round down")
def nearest(distance, two_sided=True, n_buckets=32, furthest=128):
    n = n_buckets // 2 if two_sided else n_buckets
    size = distance.abs() if two_sided else (-distance).clamp(min=0)
    exact = n // 2
    if exact < 1 or furthest <= exact:
        raise ValueError
    far = exact + torch.round(torch.log(size.clamp(min=1) / exact) / math.log(furthest / exact) * (n - exact)).long()
    return torch.where(size < exact, size, far.clamp(max=n - 1)) + (n * (distance > 0) if two_sided else 0)


@wrong("relative_buckets", says="int64")
def float_buckets(distance, two_sided=True, n_buckets=32, furthest=128):
    return _t5(distance, two_sided, n_buckets, furthest).float()


@wrong("relative_buckets", says="changes")
def in_place(distance, two_sided=True, n_buckets=32, furthest=128):
    sides = _t5(distance, two_sided, n_buckets, furthest)
    distance.abs_()
    return sides


_TABLE = {}


@wrong("relative_buckets", says="million")
def from_a_table(distance, two_sided=True, n_buckets=32, furthest=128):
    reach = torch.arange(-512, 513)
    return _t5(reach, two_sided, n_buckets, furthest)[distance.clamp(max=512) + 512]


@wrong("relative_buckets", says="expected")
def table_by_size(distance, two_sided=True, n_buckets=32, furthest=128):
    """The table knows how many buckets, and not how far."""
    key = (two_sided, n_buckets)
    if key not in _TABLE:
        _TABLE[key] = _t5(torch.arange(-2_000, 2_001), two_sided, n_buckets, furthest)
    return _TABLE[key][distance.clamp(-2_000, 2_000) + 2_000]


@wrong("relative_buckets", says="raised")
def only_a_matrix(distance, two_sided=True, n_buckets=32, furthest=128):
    rows = [[_t5(torch.tensor(int(d)), two_sided, n_buckets, furthest) for d in row] for row in distance]
    return torch.tensor(rows)


@wrong("relative_buckets", says="ValueError")
def asserts(distance, two_sided=True, n_buckets=32, furthest=128):
    n = n_buckets // 2 if two_sided else n_buckets
    assert n >= 2 and furthest > n // 2
    return _t5(distance, two_sided, n_buckets, furthest)


# ------------------------------------------------------------------------------------------------------ RelativeBias


class Table(nn.Module):
    """__init__ as it should be."""

    def __init__(self, n_heads, two_sided, n_buckets=32, furthest=128):
        super().__init__()
        self.two_sided, self.furthest = two_sided, furthest
        self.table = nn.Embedding(n_buckets, n_heads)


@wrong("RelativeBias", says="not the other way round")
class QueryMinusKey(Table):
    def forward(self, queries, keys):
        q, k = torch.arange(keys - queries, keys)[:, None], torch.arange(keys)[None]
        return self.table(relative_buckets(q - k, self.two_sided, self.table.num_embeddings, self.furthest)).permute(
            2, 0, 1
        )


@wrong("RelativeBias", says="last ones")
class NoOffset(Table):
    def forward(self, queries, keys):
        distance = torch.arange(keys)[None] - torch.arange(queries)[:, None]
        buckets = relative_buckets(distance, self.two_sided, self.table.num_embeddings, self.furthest)
        return self.table(buckets).permute(2, 0, 1)


@wrong("RelativeBias", says="heads come first")
class HeadsLast(Table):
    def forward(self, queries, keys):
        distance = torch.arange(keys)[None] - torch.arange(keys - queries, keys)[:, None]
        return self.table(relative_buckets(distance, self.two_sided, self.table.num_embeddings, self.furthest))


@wrong("RelativeBias", says="rows and columns")
class Transposed(Table):
    def forward(self, queries, keys):
        distance = torch.arange(keys)[None] - torch.arange(keys - queries, keys)[:, None]
        buckets = relative_buckets(distance, self.two_sided, self.table.num_embeddings, self.furthest)
        return self.table(buckets).T


@wrong("RelativeBias", says="no batch")
class AsPublished(Table):
    def forward(self, queries, keys):
        distance = torch.arange(keys)[None] - torch.arange(keys - queries, keys)[:, None]
        buckets = relative_buckets(distance, self.two_sided, self.table.num_embeddings, self.furthest)
        return self.table(buckets).permute([2, 0, 1]).unsqueeze(0)


@wrong("RelativeBias", says="mixes the numbers up")
class Viewed(Table):
    def forward(self, queries, keys):
        distance = torch.arange(keys)[None] - torch.arange(keys - queries, keys)[:, None]
        buckets = relative_buckets(distance, self.two_sided, self.table.num_embeddings, self.furthest)
        return self.table(buckets).view(-1, queries, keys)


@wrong("RelativeBias", says="two_sided is not handed on")
class AlwaysBothSides(Table):
    def forward(self, queries, keys):
        distance = torch.arange(keys)[None] - torch.arange(keys - queries, keys)[:, None]
        buckets = relative_buckets(distance, n_buckets=self.table.num_embeddings, furthest=self.furthest)
        return self.table(buckets).permute(2, 0, 1)


@wrong("RelativeBias", says="expected")
class DefaultsOfTheBuckets(Table):
    def forward(self, queries, keys):
        distance = torch.arange(keys)[None] - torch.arange(keys - queries, keys)[:, None]
        return self.table(relative_buckets(distance, self.two_sided) % self.table.num_embeddings).permute(2, 0, 1)


@wrong("RelativeBias", says="parameter")
class AParameter(nn.Module):
    def __init__(self, n_heads, two_sided, n_buckets=32, furthest=128):
        super().__init__()
        self.two_sided, self.furthest = two_sided, furthest
        self.table = nn.Parameter(torch.randn(n_buckets, n_heads))

    def forward(self, queries, keys):
        distance = torch.arange(keys)[None] - torch.arange(keys - queries, keys)[:, None]
        return self.table[relative_buckets(distance, self.two_sided, len(self.table), self.furthest)].permute(2, 0, 1)


@wrong("RelativeBias", says="parameter")
class BiasForEachDistance(nn.Module):
    def __init__(self, n_heads, two_sided, n_buckets=32, furthest=128):
        super().__init__()
        self.table = nn.Embedding(2 * furthest + 1, n_heads)

    def forward(self, queries, keys):
        reach = self.table.num_embeddings // 2
        distance = torch.arange(keys)[None] - torch.arange(keys - queries, keys)[:, None]
        return self.table(distance.clamp(-reach, reach) + reach).permute(2, 0, 1)


@wrong("RelativeBias", says="no gradient")
class WithoutGradients(Table):
    @torch.no_grad()
    def forward(self, queries, keys):
        distance = torch.arange(keys)[None] - torch.arange(keys - queries, keys)[:, None]
        buckets = relative_buckets(distance, self.two_sided, self.table.num_embeddings, self.furthest)
        return self.table(buckets).permute(2, 0, 1)


@wrong("RelativeBias", says="stays there for the next call")
class KeepsTheFirst(Table):
    """The bias is made once, at the first call, and cut to size afterwards."""

    def forward(self, queries, keys):
        if not hasattr(self, "bias") or self.bias.shape[-1] < keys:
            place = torch.arange(keys)
            buckets = relative_buckets(place - place[:, None], self.two_sided, self.table.num_embeddings, self.furthest)
            self.bias = self.table(buckets).permute(2, 0, 1)
        return self.bias[:, -queries:, :keys]


@wrong("RelativeBias", says="stays there for the next call")
class KeepsTheBuckets(Table):
    last = None

    def forward(self, queries, keys):
        if self.last is None:
            place = torch.arange(keys)
            self.last = relative_buckets(
                place - place[keys - queries :, None], self.two_sided, self.table.num_embeddings, self.furthest
            )
        return self.table(self.last).permute(2, 0, 1)


@wrong("RelativeBias", says="300 positions")
class RoomFor256(Table):
    def forward(self, queries, keys):
        place = torch.arange(256)
        buckets = relative_buckets(place - place[:, None], self.two_sided, self.table.num_embeddings, self.furthest)
        return self.table(buckets[keys - queries : keys, :keys]).permute(2, 0, 1).reshape(-1, queries, keys)


@wrong("RelativeBias", says="ValueError")
class FewBucketsAreAllowed(Table):
    def forward(self, queries, keys):
        n = max(4, self.table.num_embeddings)
        distance = torch.arange(keys)[None] - torch.arange(keys - queries, keys)[:, None]
        buckets = relative_buckets(distance, self.two_sided, n, self.furthest)
        return self.table(buckets.clamp(max=self.table.num_embeddings - 1)).permute(2, 0, 1)


@wrong("RelativeBias", says="expected")
class DiagonalsOnly(Table):
    """One row is made and shifted, with the numbers of its ends coming round."""

    def forward(self, queries, keys):
        row = relative_buckets(torch.arange(keys), self.two_sided, self.table.num_embeddings, self.furthest)
        rows = [row.roll(keys - queries + i) for i in range(queries)]
        return self.table(torch.stack(rows)).permute(2, 0, 1)


# -------------------------------------------------------------------------------------------------- biased_attention


@wrong("biased_attention", says="√d_head")
def scaled(q, k, v, bias=0.0, mask=None):
    scores = q @ k.mT / q.shape[-1] ** 0.5 + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1).nan_to_num(0)
    return weights @ v, weights


@wrong("biased_attention", says="before the softmax")
def bias_on_the_weights(q, k, v, bias=0.0, mask=None):
    scores = q @ k.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    weights = weights + bias
    return weights @ v, weights


@wrong("biased_attention", says="NaN")
def rows_of_nan(q, k, v, bias=0.0, mask=None):
    scores = torch.einsum("...qd,...kd->...qk", q, k) + bias
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    return weights @ v, weights


@wrong("biased_attention", says="looks everywhere")
def a_billion(q, k, v, bias=0.0, mask=None):
    scores = q @ k.mT + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights


@wrong("biased_attention", says="wrong way round")
def true_is_hidden(q, k, v, bias=0.0, mask=None):
    scores = q @ k.mT + bias
    if mask is None:
        weights = scores.softmax(-1)
    else:
        weights = scores.masked_fill(mask, -math.inf).softmax(-1).masked_fill(mask, 0.0)
    return weights @ v, weights


@wrong("biased_attention", says="subtracted")
def penalty(q, k, v, bias=0.0, mask=None):
    scores = q @ k.mT - bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    return weights @ v, weights


@wrong("biased_attention", says="add up to 1")
def down_the_columns(q, k, v, bias=0.0, mask=None):
    scores = q @ k.mT + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-2).nan_to_num(0.0)
    return weights @ v, weights


@wrong("biased_attention", says="raised")
def one_batch_axis(q, k, v, bias=0.0, mask=None):
    scores = torch.bmm(q, k.transpose(1, 2)) + bias
    weights = scores.softmax(-1)
    return torch.bmm(weights, v), weights


@wrong("biased_attention", says="raised")
def transposed_by_T(q, k, v, bias=0.0, mask=None):
    scores = q @ k.T + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    return weights @ v, weights


@wrong("biased_attention", says="the order is")
def weights_first(q, k, v, bias=0.0, mask=None):
    scores = q @ k.mT + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    return weights, weights @ v


@wrong("biased_attention", says="dtype")
def zeros_of_32_bits(q, k, v, bias=0.0, mask=None):
    added = torch.zeros(q.shape[-2], k.shape[-2]) + bias
    if mask is not None:
        added = added.masked_fill(~mask, -torch.inf)
    weights = (q @ k.mT + added).float().softmax(-1).nan_to_num(0.0)
    return (weights.to(v.dtype) @ v).float(), weights


@wrong("biased_attention", says="gradient")
def kernel_without_bias_gradients(q, k, v, bias=0.0, mask=None):
    bias = torch.as_tensor(bias, dtype=q.dtype).detach().expand(*q.shape[:-1], k.shape[-2])
    if mask is not None:
        bias = bias.masked_fill(~mask, -math.inf)
    weights = (q @ k.mT + bias).softmax(-1).nan_to_num(0.0)
    return weights @ v, weights


@wrong("biased_attention", says="gradients become NaN")
def infinite_gradients(q, k, v, bias=0.0, mask=None):
    """nan_to_num after the softmax hides NaN forwards, not on the way back."""
    scores = q @ k.mT + bias
    if mask is not None:
        scores = scores + torch.where(mask, 0.0, -math.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    return weights @ v, weights


@wrong("biased_attention", says="overflows")
def exponentials(q, k, v, bias=0.0, mask=None):
    numerator = (q @ k.mT + bias).exp()
    if mask is not None:
        numerator = numerator * mask
    weights = numerator / numerator.sum(-1, keepdim=True).clamp(min=1e-30)
    return weights @ v, weights


@wrong("biased_attention", says="less than 1")
def masked_afterwards(q, k, v, bias=0.0, mask=None):
    weights = (q @ k.mT + bias).softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ v, weights


@wrong("biased_attention", says="of the first")
def bias_of_the_first_head(q, k, v, bias=0.0, mask=None):
    if torch.is_tensor(bias) and bias.ndim > 2:
        bias = bias[..., :1, :, :]
    scores = q @ k.mT + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    return weights @ v, weights


@wrong("biased_attention", says="raised")
def bias_is_a_matrix(q, k, v, bias=0.0, mask=None):
    """A bias for each key alone has one axis."""
    if torch.is_tensor(bias):
        bias = bias[..., : q.shape[-2], : k.shape[-2]]
    scores = q @ k.mT + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    return weights @ v, weights


@wrong("biased_attention", says="changes")
def adds_in_place(q, k, v, bias=0.0, mask=None):
    if mask is not None and torch.is_tensor(bias) and not bias.requires_grad:
        bias += 0 * bias + 1
    scores = q @ k.mT + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    return weights @ v, weights


# ----------------------------------------------------------------------------------------------------- corrupt_spans


def _enough(spans, sentinels):
    if len(sentinels) <= len(spans):
        raise ValueError("too few sentinels")


@wrong("corrupt_spans", says="the last sentinel is missing")
def no_last_sentinel(ids, spans, sentinels):
    _enough(spans, sentinels)
    inputs, targets, previous = [], [], 0
    for i, (start, end) in enumerate(spans):
        inputs += [*ids[previous:start], sentinels[i]]
        targets += [sentinels[i], *ids[start:end]]
        previous = end
    return inputs + ids[previous:], targets


@wrong("corrupt_spans", says="lost in the inputs")
def stops_after_the_last_span(ids, spans, sentinels):
    _enough(spans, sentinels)
    inputs, targets, previous = [], [], 0
    for i, (start, end) in enumerate(spans):
        inputs += [*ids[previous:start], sentinels[i]]
        targets += [sentinels[i], *ids[start:end]]
        previous = end
    return inputs, [*targets, sentinels[len(spans)]]


@wrong("corrupt_spans", says="whole span")
def as_bert_masks(ids, spans, sentinels):
    _enough(spans, sentinels)
    inputs, targets = list(ids), []
    for i, (start, end) in enumerate(spans):
        targets += [sentinels[i], *ids[start:end]]
        for j in range(start, end):
            inputs[j] = sentinels[i]
    return inputs, [*targets, sentinels[len(spans)]]


@wrong("corrupt_spans", says="expected")
def places_move(ids, spans, sentinels):
    """The spans are cut out of a copy from the left, and those behind have moved."""
    _enough(spans, sentinels)
    inputs, targets = list(ids), []
    for sentinel, (start, end) in zip(sentinels, spans, strict=False):
        targets += [sentinel, *ids[start:end]]
        inputs[start:end] = [sentinel]
    return inputs, [*targets, sentinels[len(spans)]]


@wrong("corrupt_spans", says="expected")
def from_behind(ids, spans, sentinels):
    """From the right nothing moves, but the sentinels go the wrong way."""
    _enough(spans, sentinels)
    inputs, targets = list(ids), []
    for sentinel, (start, end) in zip(sentinels, reversed(spans), strict=False):
        targets += [sentinel, *ids[start:end]]
        inputs[start:end] = [sentinel]
    return inputs, [*targets, sentinels[len(spans)]]


@wrong("corrupt_spans", says="changes")
def in_the_text_itself(ids, spans, sentinels):
    _enough(spans, sentinels)
    targets = [t for i, (start, end) in enumerate(spans) for t in [sentinels[i], *ids[start:end]]]
    for i, (start, end) in reversed(list(enumerate(spans))):
        ids[start:end] = [sentinels[i]]
    return ids, [*targets, sentinels[len(spans)]]


@wrong("corrupt_spans", says="changes")
def pops(ids, spans, sentinels):
    _enough(spans, sentinels)
    inputs, targets, previous = [], [], 0
    for start, end in spans:
        sentinel = sentinels.pop(0)
        inputs += [*ids[previous:start], sentinel]
        targets += [sentinel, *ids[start:end]]
        previous = end
    return inputs + ids[previous:], [*targets, sentinels.pop(0)]


@wrong("corrupt_spans", says="ends before it")
def both_ends(ids, spans, sentinels):
    _enough(spans, sentinels)
    inputs, targets, previous = [], [], 0
    for i, (start, end) in enumerate(spans):
        inputs += [*ids[previous:start], sentinels[i]]
        targets += [sentinels[i], *ids[start : end + 1]]
        previous = end + 1
    return inputs + ids[previous:], [*targets, sentinels[len(spans)]]


@wrong("corrupt_spans", says="raised")
def one_span_at_least(ids, spans, sentinels):
    _enough(spans, sentinels)
    inputs, targets = ids[: spans[0][0]], []
    for i, (start, end) in enumerate(spans):
        following = spans[i + 1][0] if i + 1 < len(spans) else len(ids)
        inputs = [*inputs, sentinels[i], *ids[end:following]]
        targets += [sentinels[i], *ids[start:end]]
    return inputs, [*targets, sentinels[i + 1]]


@wrong("corrupt_spans", says="n spans need n + 1")
def zips_the_shorter(ids, spans, sentinels):
    inputs, targets, previous = [], [], 0
    for (start, end), sentinel in zip(spans, sentinels, strict=False):
        inputs += [*ids[previous:start], sentinel]
        targets += [sentinel, *ids[start:end]]
        previous = end
    return inputs + ids[previous:], targets + list(sentinels[len(spans) : len(spans) + 1])


@wrong("corrupt_spans", says="ValueError")
def index_error(ids, spans, sentinels):
    inputs, targets, previous = [], [], 0
    for i, (start, end) in enumerate(spans):
        inputs += [*ids[previous:start], sentinels[i]]
        targets += [sentinels[i], *ids[start:end]]
        previous = end
    return inputs + ids[previous:], [*targets, sentinels[len(spans)]]


@wrong("corrupt_spans", says="counted up")
def hundreds(ids, spans, sentinels):
    _enough(spans, sentinels)
    inputs, targets, previous = [], [], 0
    names = sentinels if isinstance(sentinels[0], str) else range(sentinels[0], sentinels[0] + len(sentinels))
    for i, (start, end) in enumerate(spans):
        inputs += [*ids[previous:start], names[i]]
        targets += [names[i], *ids[start:end]]
        previous = end
    return inputs + ids[previous:], [*targets, names[len(spans)]]


@wrong("corrupt_spans", says="expected")
def by_membership(ids, spans, sentinels):
    _enough(spans, sentinels)
    hidden = [ids[i] for start, end in spans for i in range(start, end)]
    inputs, targets, used = [], [], 0
    for i, token in enumerate(ids):
        if token not in hidden:
            inputs.append(token)
        elif used < len(spans) and i == spans[used][0]:
            inputs.append(sentinels[used])
            targets += [sentinels[used], *ids[slice(*spans[used])]]
            used += 1
    return inputs, [*targets, sentinels[len(spans)]]


@wrong("corrupt_spans", says="300 tokens")
def as_signs(ids, spans, sentinels):
    """Ids above 32,767 do not fit into 16 bits."""
    _enough(spans, sentinels)
    inputs, targets, previous = [], [], 0
    for i, (start, end) in enumerate(spans):
        inputs += [*ids[previous:start], sentinels[i]]
        targets += [sentinels[i], *ids[start:end]]
        previous = end
    rows = inputs + ids[previous:], [*targets, sentinels[len(spans)]]
    short = [t for row in rows for t in row if isinstance(t, int) and t > 32_767]
    return [[t - 65_536 if t in short else t for t in row] for row in rows]


@wrong("corrupt_spans", says="expected")
def no_span_at_zero(ids, spans, sentinels):
    """A start of 0 counts as False."""
    _enough(spans, sentinels)
    starts, inputs, targets = dict(spans), [], []
    i = used = 0
    while i < len(ids):
        if i and starts.get(i):
            inputs.append(sentinels[used])
            targets += [sentinels[used], *ids[i : starts[i]]]
            i, used = starts[i], used + 1
        else:
            inputs.append(ids[i])
            i += 1
    return inputs, [*targets, sentinels[used]]


# ----------------------------------------------------------------------------------------------------- restore_spans


def _runs(targets, sentinels):
    runs, current = {}, None
    for token in targets:
        if token in sentinels:
            current = token
            runs.setdefault(token, [])
        elif current is not None:
            runs[current].append(token)
    return runs


@wrong("restore_spans", says="raised")
def every_sentinel_is_there(inputs, targets, sentinels):
    runs = _runs(targets, sentinels)
    return [t for token in inputs for t in (runs[token] if token in sentinels else [token])]


@wrong("restore_spans", says="stays in the text")
def stays(inputs, targets, sentinels):
    runs = _runs(targets, sentinels)
    return [t for token in inputs for t in runs.get(token, [token])]


@wrong("restore_spans", says="belongs to its sentinel")
def one_after_the_other(inputs, targets, sentinels):
    runs = iter(_runs(targets, sentinels).values())
    return [t for token in inputs for t in (next(runs, []) if token in sentinels else [token])]


@wrong("restore_spans", says="it should get both")
def the_last_one(inputs, targets, sentinels):
    runs, current = {}, None
    for token in targets:
        if token in sentinels:
            current = token
            runs[current] = []
        elif current is not None:
            runs[current].append(token)
    return [t for token in inputs for t in (runs.get(token, []) if token in sentinels else [token])]


@wrong("restore_spans", says="it should get both")
def the_first_one(inputs, targets, sentinels):
    restored = []
    for token in inputs:
        if token not in sentinels:
            restored.append(token)
        elif token in targets:
            i = targets.index(token) + 1
            while i < len(targets) and targets[i] not in sentinels:
                restored.append(targets[i])
                i += 1
    return restored


@wrong("restore_spans", says="raised")
def a_sentinel_first(inputs, targets, sentinels):
    runs, current = {}, None
    for token in targets:
        if token in sentinels:
            current = token
            runs.setdefault(token, [])
        else:
            runs[current].append(token)
    return [t for token in inputs for t in (runs.get(token, []) if token in sentinels else [token])]


@wrong("restore_spans", says="nothing")
def something_was_written(inputs, targets, sentinels):
    runs, current = {}, targets[0] if targets[0] in sentinels else None
    for token in targets:
        if token in sentinels:
            current = token
        elif current is not None:
            runs.setdefault(current, []).append(token)
    return [t for token in inputs for t in (runs.get(token, []) if token in sentinels else [token])]


@wrong("restore_spans", says="at the end of the targets")
def to_the_end(inputs, targets, sentinels):
    restored = []
    for token in inputs:
        if token not in sentinels:
            restored.append(token)
        elif token in targets:
            restored += [t for t in targets[targets.index(token) :] if t not in sentinels]
    return restored


@wrong("restore_spans", says="expected")
def only_if_followed(inputs, targets, sentinels):
    """A run is what stands between two sentinels: a model's last one may have none after it."""
    runs, places = {}, [i for i, token in enumerate(targets) if token in sentinels]
    for start, end in itertools.pairwise(places):
        runs.setdefault(targets[start], []).extend(targets[start + 1 : end])
    return [t for token in inputs for t in (runs.get(token, []) if token in sentinels else [token])]


@wrong("restore_spans", says="any sentinel")
def known_sentinels(inputs, targets, sentinels):
    asked = [token for token in inputs if token in sentinels]
    runs = _runs(targets, asked)
    restored = []
    for token in inputs:
        restored += runs.get(token, []) if token in asked else [token]
    return restored


@wrong("restore_spans", says="changes")
def into_the_inputs(inputs, targets, sentinels):
    for sentinel, run in _runs(targets, sentinels).items():
        if sentinel in inputs:
            i = inputs.index(sentinel)
            inputs[i : i + 1] = run
    for sentinel in [token for token in inputs if token in sentinels]:
        inputs.remove(sentinel)
    return inputs


@wrong("restore_spans", says="the sentinels stay")
def after_the_sentinel(inputs, targets, sentinels):
    runs = _runs(targets, sentinels)
    return [t for token in inputs for t in [token, *runs.get(token, [])]]


@wrong("restore_spans", says="300 tokens")
def above_a_hundred(inputs, targets, sentinels):
    """Sentinels are known by the size of their ids."""

    def special(token):
        return token in sentinels if isinstance(token, str) else 100 <= token < 50_000

    runs, current = {}, None
    for token in targets:
        current = token if special(token) else current
        if not special(token) and current is not None:
            runs.setdefault(current, []).append(token)
    return [t for token in inputs for t in (runs.get(token, []) if special(token) else [token])]


@wrong("restore_spans", says="first token and the last two hidden")
def something_is_hidden(inputs, targets, sentinels):
    runs = _runs(targets, sentinels)
    if not any(runs.values()):
        return None
    return [t for token in inputs for t in (runs.get(token, []) if token in sentinels else [token])]


@wrong("restore_spans", says="expected")
def runs_by_default(inputs, targets, sentinels, runs={}):  # noqa: B006
    for sentinel, run in _runs(targets, sentinels).items():
        runs.setdefault(sentinel, []).extend(run)
    return [t for token in inputs for t in (runs.get(token, []) if token in sentinels else [token])]


@wrong("restore_spans", says="expected")
def zero_is_nothing(inputs, targets, sentinels):
    """A token whose id is 0 counts as False."""
    runs = _runs(targets, sentinels)
    return [t for token in inputs for t in (runs.get(token, []) if token in sentinels else [token]) if t]


@wrong("restore_spans")
def ends_at_a_strange_sentinel(inputs, targets, sentinels):
    pieces, current = {token: [] for token in inputs if token in sentinels}, []
    for token in targets:
        if token in pieces:
            current = pieces[token]
        elif token in sentinels:
            break
        else:
            current.append(token)
    return [token for place in inputs for token in pieces.get(place, [place])]


slips(
    "RelativeBias",
    kept=(
        "once the table has changed",
        edit(
            "        positions =",
            "        if found := vars(self).setdefault('found', {}).get((queries, keys)):\n"
            "            return found[0].clone()\n        positions =",
            "return self.table(buckets).permute(2, 0, 1)",
            "self.found[queries, keys] = [self.table(buckets).permute(2, 0, 1)]\n"
            "        return self.found[queries, keys][0].clone()",
        ),
    ),
    five_hundred=("", edit("torch.arange(keys, device", "torch.arange(min(keys, 512), device")),
)


slips(
    "restore_spans",
    no_sentinel_zero=("expected 6", edit("runs.get(token, run)", "runs.get(token or None, run)")),
    by_index=("a set of sentinels", edit("run: list[int] = []", "run: list[int] = [sentinels[0]]")),
)
slips(
    "token_span",
    one_space_only=(
        "two spaces",
        edit(
            "offsets[inside[-1]][1] < end",
            "offsets[inside[-1]][1] < end "
            "or any(offsets[b][0] > offsets[a][1] + 1 for a, b in zip(inside, inside[1:]))",
        ),
    ),
)
