"""Right answers to notebook 17, first part, in other styles."""

import bisect
import functools
import math
import operator

import torch
from torch import nn
from torch.nn import functional

from lib.relative_positions import relative_buckets
from tests.graders.cases import right

# -------------------------------------------------------------------------------------------------- relative_buckets


@right("relative_buckets")
def as_published(distance, two_sided=True, n_buckets=32, furthest=128):
    buckets = torch.zeros_like(distance)
    if two_sided:
        n_buckets //= 2
        buckets += (distance > 0).to(torch.long) * n_buckets
        distance = torch.abs(distance)
    else:
        distance = -torch.min(distance, torch.zeros_like(distance))
    exact = n_buckets // 2
    if exact < 1 or furthest <= exact:
        raise ValueError(f"{n_buckets}, {furthest}")
    far = exact + (
        torch.log(distance.clamp(min=1).float() / exact) / math.log(furthest / exact) * (n_buckets - exact)
    ).to(torch.long)
    far = torch.min(far, torch.full_like(far, n_buckets - 1))
    return buckets + torch.where(distance < exact, distance, far)


@right("relative_buckets")
def one_by_one(distance, two_sided=True, n_buckets=32, furthest=128):
    n = n_buckets // 2 if two_sided else n_buckets
    exact = n // 2
    if n < 2 or furthest <= exact:
        raise ValueError("too little room")

    def bucket(d):
        size, first = (abs(d), n if d > 0 else 0) if two_sided else (max(0, -d), 0)
        if size < exact:
            return first + size
        return first + min(n - 1, exact + int((n - exact) * math.log(size / exact) / math.log(furthest / exact)))

    return torch.tensor([bucket(d) for d in distance.reshape(-1).tolist()]).reshape(distance.shape)


@right("relative_buckets")
def by_borders(distance, two_sided=True, n_buckets=32, furthest=128):
    """Where each bucket begins; how many of them have begun."""
    n = n_buckets // 2 if two_sided else n_buckets
    exact = n // 2
    if exact == 0 or exact >= furthest:
        raise ValueError("no room")
    powers = torch.arange(n - exact, dtype=torch.float64) / (n - exact)
    borders = torch.cat([torch.arange(exact), exact * (furthest / exact) ** powers])
    size = distance.abs() if two_sided else (-distance).clamp(min=0)
    return torch.bucketize(size.double(), borders, right=True) - 1 + n * (distance > 0) * two_sided


@right("relative_buckets")
def by_bisection(distance, two_sided=True, n_buckets=32, furthest=128):
    n = n_buckets // 2 if two_sided else n_buckets
    exact = n // 2
    if not 1 <= exact < furthest:
        raise ValueError(exact, furthest)
    borders = [*range(exact), *(exact * (furthest / exact) ** (i / (n - exact)) for i in range(n - exact))]
    found = torch.empty_like(distance).flatten()
    for i, d in enumerate(distance.flatten().tolist()):
        size = abs(d) if two_sided or d < 0 else 0
        found[i] = bisect.bisect_right(borders, size) - 1 + (n if two_sided and d > 0 else 0)
    return found.view(distance.shape)


@right("relative_buckets")
def cut_off_first(distance, two_sided=True, n_buckets=32, furthest=128):
    sides = 2 if two_sided else 1
    n = n_buckets // sides
    near = n // 2
    if n < 2 or furthest <= near:
        raise ValueError("sizes")
    size = (distance.abs() if two_sided else torch.relu(-distance)).clamp(max=furthest)
    far = near + (n - near) * (size.double().clamp(min=near).log2() - math.log2(near)) / math.log2(furthest / near)
    bucket = torch.where(size < near, size, far.floor().to(torch.int64)).clamp(max=n - 1)
    return torch.where(distance > 0, bucket + n, bucket) if two_sided else bucket


@right("relative_buckets")
def with_masks(distance, two_sided=True, n_buckets=32, furthest=128):
    n = n_buckets
    if two_sided:
        n = n // 2
    exact = n // 2
    if exact < 1:
        raise ValueError(f"{n_buckets} buckets")
    if furthest <= exact:
        raise ValueError(f"furthest {furthest}")
    result = torch.where(distance < 0, -distance, distance if two_sided else torch.zeros_like(distance))
    after, far = distance > 0, result >= exact
    ratio = torch.log(result[far].double() / exact) / math.log(furthest / exact)
    result = result.clone()
    result[far] = (exact + torch.floor(ratio * (n - exact)).long()).clamp(max=n - 1)
    if two_sided:
        result[after] += n
    return result


# ------------------------------------------------------------------------------------------------------ RelativeBias


class Table(nn.Module):
    def __init__(self, n_heads, two_sided, n_buckets=32, furthest=128):
        super().__init__()
        self.table = nn.Embedding(n_buckets, n_heads)
        self.two_sided = two_sided
        self.furthest = furthest


@right("RelativeBias")
class FromPlaces(Table):
    def forward(self, queries, keys):
        query = torch.arange(keys - queries, keys).unsqueeze(1)
        key = torch.arange(keys).unsqueeze(0)
        bucket = relative_buckets(key - query, self.two_sided, self.table.num_embeddings, self.furthest)
        return self.table(bucket).movedim(-1, 0)


@right("RelativeBias")
class SquareThenCut(Table):
    def forward(self, queries, keys):
        place = torch.arange(keys)
        buckets = relative_buckets(
            place[None, :] - place[:, None], self.two_sided, self.table.num_embeddings, self.furthest
        )
        return self.table(buckets[-queries:]).permute(2, 0, 1)


@right("RelativeBias")
class HeadByHead(Table):
    def forward(self, queries, keys):
        n_buckets, n_heads = self.table.weight.shape
        distance = torch.tensor([[j - i for j in range(keys)] for i in range(keys - queries, keys)])
        buckets = relative_buckets(distance, self.two_sided, n_buckets, self.furthest)
        return torch.stack([self.table.weight[:, head][buckets] for head in range(n_heads)])


@right("RelativeBias")
class ByProducts(Table):
    def forward(self, queries, keys):
        distance = torch.arange(keys) - torch.arange(keys)[keys - queries :, None]
        buckets = relative_buckets(distance, self.two_sided, self.table.num_embeddings, self.furthest)
        chosen = functional.one_hot(buckets, self.table.num_embeddings).to(self.table.weight.dtype)
        return torch.einsum("qkb,bh->hqk", chosen, self.table.weight)


@right("RelativeBias")
class Diagonals(Table):
    """Each distance is looked up once: the bias has as many different numbers as there are diagonals."""

    def forward(self, queries, keys):
        reach = torch.arange(1 - keys, keys)
        row = self.table(relative_buckets(reach, self.two_sided, self.table.num_embeddings, self.furthest)).T
        return torch.stack([row[:, keys - 1 - i : 2 * keys - 1 - i] for i in range(keys - queries, keys)], dim=1)


@right("RelativeBias")
class Gathered(Table):
    def __init__(self, n_heads, two_sided, n_buckets=32, furthest=128):
        super().__init__(n_heads, two_sided, n_buckets, furthest)
        self.n_heads, self.n_buckets = n_heads, n_buckets

    def forward(self, queries, keys):
        distance = torch.arange(keys).expand(queries, keys) - torch.arange(keys - queries, keys).view(-1, 1)
        buckets = relative_buckets(distance, self.two_sided, n_buckets=self.n_buckets, furthest=self.furthest)
        rows = self.table.weight.t().gather(1, buckets.reshape(1, -1).expand(self.n_heads, -1))
        return rows.view(self.n_heads, queries, keys)


# -------------------------------------------------------------------------------------------------- biased_attention


@right("biased_attention")
def with_einsum(q, k, v, bias=0.0, mask=None):
    scores = torch.einsum("...qd,...kd->...qk", q, k) + bias
    if mask is None:
        weights = torch.softmax(scores, dim=-1)
    else:
        weights = torch.softmax(torch.where(mask, scores, -math.inf), dim=-1)
        weights = torch.where(mask, weights, 0.0)
    return torch.einsum("...qk,...kv->...qv", weights, v), weights


@right("biased_attention")
def a_large_number(q, k, v, bias=0.0, mask=None):
    scores = torch.matmul(q, k.transpose(-1, -2)) + bias
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), torch.finfo(scores.dtype).min)
    weights = functional.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights * mask
    return weights @ v, weights


@right("biased_attention")
def by_hand(q, k, v, bias=0.0, mask=None):
    scores = q @ k.mT + bias
    mask = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask
    largest = scores.masked_fill(~mask, -1e30).amax(-1, keepdim=True).detach()
    numerator = (scores - largest).masked_fill(~mask, -math.inf).exp()
    total = numerator.sum(-1, keepdim=True)
    weights = numerator / torch.where(total > 0, total, 1.0)
    return [weights @ v, weights]


@right("biased_attention")
def open_rows(q, k, v, bias=0.0, mask=None):
    """A row that may look nowhere looks everywhere and is taken out again."""
    scores = bias + (k @ q.mT).mT
    if mask is None:
        weights = scores.softmax(-1)
        return weights @ v, weights
    nowhere = ~mask.any(-1, keepdim=True)
    weights = scores.masked_fill(~(mask | nowhere), -math.inf).softmax(-1).masked_fill(nowhere, 0)
    return weights @ v, weights


@right("biased_attention")
def in_double_precision(q, k, v, bias=0.0, mask=None):
    scores = q.double() @ k.double().mT + torch.as_tensor(bias).double()
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    weights = weights.to(q.dtype)
    return weights @ v, weights


@right("biased_attention")
def a_column_for_the_bias(q, k, v, bias=0.0, mask=None):
    """The bias as what is added by baddbmm-like products: sums in another order."""
    parts = [q[..., i, None] * k[..., None, :, i] for i in range(q.shape[-1])]
    scores = sum(parts, torch.as_tensor(bias, dtype=q.dtype))
    hidden = None if mask is None else ~mask.expand(scores.shape)
    if hidden is not None:
        scores = scores.masked_fill(hidden, -math.inf)
    log_weights = scores - scores.logsumexp(-1, keepdim=True)
    weights = log_weights.exp()
    if hidden is not None:
        weights = weights.masked_fill(hidden, 0.0)
    return weights @ v, weights


# ----------------------------------------------------------------------------------------------------- corrupt_spans


@right("corrupt_spans")
def with_slices(ids, spans, sentinels):
    if len(sentinels) < len(spans) + 1:
        raise ValueError("too few sentinels")
    inputs, targets, previous = [], [], 0
    for i, (start, end) in enumerate(spans):
        inputs.extend(ids[previous:start])
        inputs.append(sentinels[i])
        targets.append(sentinels[i])
        targets.extend(ids[start:end])
        previous = end
    inputs.extend(ids[previous:])
    targets.append(sentinels[len(spans)])
    return inputs, targets


@right("corrupt_spans")
def token_by_token(ids, spans, sentinels):
    if len(spans) >= len(sentinels):
        raise ValueError(len(sentinels))
    starts, hidden = {start: i for i, (start, _) in enumerate(spans)}, set()
    for start, end in spans:
        hidden |= set(range(start, end))
    inputs, targets = [], []
    for i, token in enumerate(ids):
        if i in starts:
            inputs.append(sentinels[starts[i]])
            targets.append(sentinels[starts[i]])
        (targets if i in hidden else inputs).append(token)
    return inputs, [*targets, sentinels[len(spans)]]


@right("corrupt_spans")
def from_the_right(ids, spans, sentinels):
    if len(sentinels) <= len(spans):
        raise ValueError
    inputs, targets = list(ids), [sentinels[len(spans)]]
    for sentinel, (start, end) in reversed(list(zip(sentinels, spans, strict=False))):
        targets = [sentinel, *inputs[start:end], *targets]
        inputs[start:end] = [sentinel]
    return inputs, targets


@right("corrupt_spans")
def gaps_and_runs(ids, spans, sentinels):
    names = iter(sentinels)
    if len(spans) + 1 > len(sentinels):
        raise ValueError("sentinels")
    ends = [0] + [end for _, end in spans]
    starts = [start for start, _ in spans] + [len(ids)]
    used = [next(names) for _ in range(len(spans) + 1)]
    inputs = [t for a, b, s in zip(ends, starts, used, strict=True) for t in [*ids[a:b], s]][:-1]
    targets = [t for s, span in zip(used, [*spans, (0, 0)], strict=True) for t in [s, *ids[slice(*span)]]]
    return [inputs, targets]


@right("corrupt_spans")
def one_after_the_other(ids, spans, sentinels):
    """The first span is hidden, then those of the rest."""
    if len(sentinels) <= len(spans):
        raise ValueError(f"{len(spans)} spans, {len(sentinels)} sentinels")
    if not spans:
        return list(ids), [sentinels[0]]
    (start, end), *others = spans
    inputs, targets = one_after_the_other(ids[end:], [(a - end, b - end) for a, b in others], sentinels[1:])
    return [*ids[:start], sentinels[0], *inputs], [sentinels[0], *ids[start:end], *targets]


@right("corrupt_spans")
def with_a_moving_place(ids, spans, sentinels):
    if len(sentinels) <= len(spans):
        raise ValueError(spans)
    inputs, targets, i, n = [], [], 0, 0
    while i < len(ids):
        if n < len(spans) and i == spans[n][0]:
            inputs += [sentinels[n]]
            targets += [sentinels[n]]
            while i < spans[n][1]:
                targets += [ids[i]]
                i += 1
            n += 1
        else:
            inputs += [ids[i]]
            i += 1
    return inputs, [*targets, sentinels[n]]


# ----------------------------------------------------------------------------------------------------- restore_spans


@right("restore_spans")
def with_a_dictionary(inputs, targets, sentinels):
    runs, current = {}, None
    for token in targets:
        if token in sentinels:
            current = token
        elif current is not None:
            runs.setdefault(current, []).append(token)
    restored = []
    for token in inputs:
        if token in sentinels:
            restored.extend(runs.get(token, []))
        else:
            restored.append(token)
    return restored


@right("restore_spans")
def looked_up_each_time(inputs, targets, sentinels):
    restored = []
    for token in inputs:
        if token not in sentinels:
            restored += [token]
            continue
        inside = False
        for written in targets:
            if written in sentinels:
                inside = written == token
            elif inside:
                restored += [written]
    return restored


@right("restore_spans")
def by_owners(inputs, targets, sentinels):
    """For each token of the targets, the last sentinel before it."""
    owner, owners = None, []
    for token in targets:
        owner = token if token in sentinels else owner
        owners.append(None if token in sentinels else owner)
    pairs = list(zip(owners, targets, strict=True))
    filled = [[t for o, t in pairs if o == place] if place in sentinels else [place] for place in inputs]
    return functools.reduce(operator.iadd, filled, [])


@right("restore_spans")
def by_cutting(inputs, targets, sentinels):
    places = [i for i, token in enumerate(targets) if token in sentinels]
    pieces = [targets[a:b] for a, b in zip(places, [*places, len(targets)][1:], strict=True)]

    def filled(place):
        return [t for sentinel, *run in pieces if sentinel == place for t in run]

    return [token for place in inputs for token in (filled(place) if place in sentinels else [place])]


@right("restore_spans")
def in_a_copy(inputs, targets, sentinels):
    special, runs, run = set(sentinels), {s: [] for s in sentinels}, None
    for token in targets:
        if token in special:
            run = runs[token]
        elif run is not None:
            run.append(token)
    restored = list(inputs)
    for i in range(len(restored) - 1, -1, -1):
        if restored[i] in special:
            restored[i : i + 1] = runs[restored[i]]
    return restored


@right("restore_spans")
def with_a_function(inputs, targets, sentinels):
    def run_of(sentinel):
        found, i = [], 0
        while i < len(targets):
            i += 1
            if targets[i - 1] == sentinel:
                while i < len(targets) and targets[i] not in sentinels:
                    found.append(targets[i])
                    i += 1
        return found

    return [t for place in inputs for t in (run_of(place) if place in sentinels else [place])]
