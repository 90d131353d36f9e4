"""Right answers to notebook 12 in several styles."""

import itertools
import math

import numpy as np
import torch
from torch.nn import functional

from tests.graders.cases import right

INF = float("inf")


def refuse(bad):
    if bad:
        raise ValueError("a bad value")


# ------------------------------------------------------------------------------------------------- apply_temperature


@right("apply_temperature")
def divides(logits, temperature):
    refuse(not 0 < temperature < INF)
    return torch.div(logits, temperature)


@right("apply_temperature")
def times_the_inverse(logits, temperature):
    refuse(not 0 < temperature < INF)
    return logits * (1 / temperature)


@right("apply_temperature")
def copied_first(logits, temperature):
    refuse(temperature <= 0 or math.isinf(temperature))
    result = logits.clone()
    result /= temperature
    return result


@right("apply_temperature")
def float64_inside(logits, temperature):
    refuse(temperature <= 0 or math.isinf(temperature))
    return (logits.double() / temperature).to(logits.dtype)


@right("apply_temperature")
def row_by_row_in_a_list(logits, temperature):
    if temperature <= 0 or temperature == INF:
        raise ValueError("a temperature above 0")
    return torch.stack([row / temperature for row in logits.unbind(-1)], dim=-1)


@right("apply_temperature")
def an_exponent(logits, temperature):
    refuse(not 0 < temperature < INF)
    return logits.mul(temperature**-1)


# ------------------------------------------------------------------------------------------------------------ sample


@right("sample")
def multinomial(logits, generator):
    rows = logits.softmax(-1).view(-1, logits.size(-1))
    return torch.multinomial(rows, num_samples=1, generator=generator).view(logits.shape[:-1])


@right("sample")
def by_sums(logits, generator):
    sums = logits.double().softmax(-1).cumsum(-1)
    height = torch.rand(*logits.shape[:-1], 1, generator=generator, dtype=torch.float64)
    return (sums <= height).sum(-1)


@right("sample")
def gumbel(logits, generator):
    noise = -torch.log(-torch.log(torch.rand(logits.shape, generator=generator).clamp(1e-20, 1 - 1e-7)))
    return (logits + noise).argmax(-1)


@right("sample")
def exponential_race(logits, generator):
    waiting = torch.empty(logits.shape).exponential_(generator=generator) + 1e-30
    return (functional.softmax(logits, dim=-1) / waiting).argmax(dim=-1)


@right("sample")
def row_by_row(logits, generator):
    if logits.dim() == 1:
        return torch.multinomial(logits.softmax(0), 1, generator=generator)[0]
    if logits.dim() == 2:
        return torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    return torch.stack([row_by_row(part, generator) for part in logits])


@right("sample")
def numpys_own_generator(logits, generator):
    numbers = np.random.default_rng(torch.randint(2**31, (1,), generator=generator).item())
    rows = logits.double().softmax(-1).reshape(-1, logits.shape[-1]).numpy()
    heights = numbers.random(len(rows))
    drawn = [int((row.cumsum() <= height * 0.999999).sum()) for row, height in zip(rows, heights, strict=True)]
    return torch.tensor(drawn).reshape(logits.shape[:-1])


# ------------------------------------------------------------------------------------------------------------- top_k


@right("top_k")
def with_topk(logits, k):
    refuse(not isinstance(k, int) or k < 1)
    bar = torch.topk(logits, min(k, logits.size(-1)))[0][..., -1, None]
    return torch.where(logits < bar, torch.tensor(-INF), logits)


@right("top_k")
def with_sort(logits, k):
    refuse(not isinstance(k, int) or k < 1)
    ordered, _ = torch.sort(logits, dim=-1, descending=True)
    bar = ordered[..., min(k, logits.shape[-1]) - 1].unsqueeze(-1)
    return logits.masked_fill(~(logits >= bar), -math.inf)


@right("top_k")
def with_kthvalue(logits, k):
    refuse(not isinstance(k, int) or k < 1)
    vocab = logits.shape[-1]
    bar = logits.kthvalue(max(vocab - k + 1, 1), dim=-1, keepdim=True).values
    return logits.masked_fill(logits < bar, -math.inf)


@right("top_k")
def by_counting(logits, k):
    refuse(not isinstance(k, int) or k < 1)
    larger = (logits[..., None, :] > logits[..., :, None]).sum(-1)
    return logits.masked_fill(larger >= k, -INF)


@right("top_k")
def rows_in_a_loop(logits, k):
    refuse(not isinstance(k, int) or k < 1)
    result = []
    for row in logits.reshape(-1, logits.shape[-1]):
        bar = sorted(row.tolist(), reverse=True)[: int(k)][-1]
        result.append(torch.tensor([x if x >= bar else -INF for x in row.tolist()], dtype=row.dtype))
    return torch.stack(result).reshape(logits.shape)


@right("top_k")
def logarithm_of_a_mask(logits, k):
    refuse(not isinstance(k, int) or k < 1)
    bar = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits + (logits >= bar).to(logits).log()


# ------------------------------------------------------------------------------------------------------------- top_p


@right("top_p")
def sums_over_pairs(logits, p):
    refuse(not 0 < p <= 1)
    if p == 1:
        return logits
    probabilities = logits.double().softmax(-1)
    above = (probabilities[..., None, :] * (logits[..., None, :] > logits[..., :, None])).sum(-1)
    return logits.masked_fill(above >= p, -INF)


@right("top_p")
def from_below(logits, p):
    refuse(not 0 < p <= 1)
    ordered = logits.sort(dim=-1).values
    up_to = ordered.softmax(-1).cumsum(-1)
    kept = up_to > 1 - p
    bar = ordered.masked_fill(~kept, INF).amin(-1, keepdim=True)
    return logits.masked_fill(logits < bar, -INF)


@right("top_p")
def by_the_number_kept(logits, p):
    refuse(not 0 < p <= 1)
    if p == 1:
        return logits.clone()
    ordered = torch.sort(logits, descending=True, dim=-1)[0]
    probabilities = torch.softmax(ordered, dim=-1)
    crossed = (probabilities.cumsum(-1) < p).sum(-1, keepdim=True)  # how many stand before the one that crosses
    bar = ordered.gather(-1, crossed.clamp(max=logits.shape[-1] - 1))
    return torch.where(logits >= bar, logits, -INF)


@right("top_p")
def rows_in_python(logits, p):
    refuse(not 0 < p <= 1)
    if p == 1:
        return logits
    result = []
    for row in logits.reshape(-1, logits.shape[-1]):
        probabilities, total, bar = row.softmax(-1), 0.0, INF
        for token in row.argsort(descending=True).tolist():
            total, bar = total + probabilities[token].item(), row[token].item()
            if total >= p:
                break
        result.append(row.masked_fill(row < bar, -INF))
    return torch.stack(result).reshape(logits.shape)


@right("top_p")
def shifted_sums(logits, p):
    refuse(not 0 < p <= 1)
    if p == 1:
        return logits
    ordered = logits.sort(-1, descending=True).values
    sums = ordered.softmax(-1).cumsum(-1)
    out = functional.pad(sums[..., :-1], (1, 0)) >= p
    bar = ordered.masked_fill(out, INF).min(-1, keepdim=True).values
    return logits.masked_fill(logits < bar, -INF)


@right("top_p")
def one_mask_scattered_back(logits, p):
    refuse(not 0 < p <= 1)
    if p == 1:
        return logits
    ordered = logits.sort(dim=-1, descending=True).values
    sums = ordered.softmax(-1).cumsum(-1)
    last = (sums >= p).int().argmax(-1, keepdim=True)  # the first place at which the sum is there
    last = torch.where((sums >= p).any(-1, keepdim=True), last, logits.shape[-1] - 1)
    return torch.where(logits < ordered.gather(-1, last), -INF, logits)


# ------------------------------------------------------------------------------------------------------------- min_p


@right("min_p")
def with_probabilities(logits, p):
    refuse(not 0 < p <= 1)
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities < p * probabilities.amax(-1, keepdim=True), -INF)


@right("min_p")
def with_logits(logits, p):
    refuse(not 0 < p <= 1)
    bar = logits.max(dim=-1, keepdim=True)[0] + math.log(p)
    return torch.where(logits >= bar, logits, torch.full_like(logits, -INF))


@right("min_p")
def relative_to_the_largest(logits, p):
    refuse(not 0 < p <= 1)
    height = (logits - logits.amax(-1, keepdim=True)).exp()
    return logits.masked_fill(height < p, -INF)


@right("min_p")
def in_64_bits(logits, p):
    refuse(not 0 < p <= 1)
    probabilities = logits.double().softmax(-1)
    kept = probabilities >= p * probabilities.max(-1).values.unsqueeze(-1)
    return logits.masked_fill(kept.logical_not(), -INF)


@right("min_p")
def row_after_row(logits, p):
    refuse(not 0 < p <= 1)
    rows = []
    for row in logits.reshape(-1, logits.shape[-1]):
        rows.append(row.where(row.softmax(0) >= p * row.softmax(0).max(), torch.tensor(-INF)))
    return torch.stack(rows).reshape(logits.shape)


@right("min_p")
def by_division(logits, p):
    refuse(p <= 0 or p > 1)
    probabilities = logits.softmax(-1)
    share = probabilities / probabilities.max(-1, keepdim=True).values
    return torch.where(share < p, torch.full_like(logits, -INF), logits)


# ------------------------------------------------------------------------------------------------ repetition_penalty


@right("repetition_penalty")
def gathered(logits, ids, penalty):
    refuse(not 0 < penalty < INF)
    score = torch.gather(logits, -1, ids)
    return logits.scatter(-1, ids, torch.where(score < 0, score * penalty, score / penalty))


@right("repetition_penalty")
def with_a_mask(logits, ids, penalty):
    refuse(not 0 < penalty < INF)
    seen = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, ids, True)
    lowered = torch.where(logits > 0, logits / penalty, logits * penalty)
    return torch.where(seen, lowered, logits)


@right("repetition_penalty")
def smaller_of_both(logits, ids, penalty):
    refuse(not 0 < penalty < INF)
    seen = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, ids, True)
    pick = torch.minimum if penalty >= 1 else torch.maximum
    return torch.where(seen, pick(logits / penalty, logits * penalty), logits)


@right("repetition_penalty")
def in_loops(logits, ids, penalty):
    refuse(not 0 < penalty < INF)
    rows = logits.reshape(-1, logits.shape[-1]).clone()
    for row, text in zip(rows, ids.reshape(len(rows), -1).tolist(), strict=True):
        for token in set(text):
            row[token] = row[token] / penalty if row[token] > 0 else row[token] * penalty
    return rows.reshape(logits.shape)


@right("repetition_penalty")
def by_a_factor(logits, ids, penalty):
    refuse(not 0 < penalty < INF)
    lowered = logits.clone()
    score = logits.gather(-1, ids)
    factor = torch.full_like(score, penalty)
    factor[score > 0] = 1 / penalty
    return lowered.scatter(-1, ids, score * factor)


@right("repetition_penalty")
def every_token_against_every_id(logits, ids, penalty):
    refuse(not 0 < penalty < INF)
    written = (ids[..., None] == torch.arange(logits.shape[-1])).any(-2)
    return torch.where(written, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


# ---------------------------------------------------------------------------------------------------------- generate


@right("generate")
def from_a_start(next_logits, ids, limit, pick, stop=()):
    ids = list(ids)
    start = len(ids)
    while len(ids) < start + limit:
        ids.append(pick(next_logits(ids), ids))
        yield ids[-1]
        for end in stop:
            if ids[start:][-len(end) :] == list(end):
                return


@right("generate")
def adds_lists(next_logits, ids, limit, pick, stop=()):
    written = []
    for _ in range(limit):
        so_far = [*ids, *written]
        written = [*written, pick(next_logits(so_far), so_far)]
        yield written[-1]
        if any(tuple(written[-len(end) :]) == tuple(end) for end in stop):
            break


@right("generate")
def by_recursion(next_logits, ids, limit, pick, stop=()):
    def further(ids, written):
        if len(written) < limit and not any(written[-len(end) :] == list(end) for end in stop):
            new = pick(next_logits(ids), ids)
            yield new
            yield from further([*ids, new], [*written, new])

    yield from further(list(ids), [])


@right("generate")
def given_out_as_tensors(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        new = pick(next_logits(ids.copy()), ids.copy())
        ids.append(new)
        written.append(new)
        yield torch.tensor(new)
        if any(len(written) >= len(end) and written[len(written) - len(end) :] == list(end) for end in stop):
            return


@right("generate")
class AnIterator:
    def __init__(self, next_logits, ids, limit, pick, stop=()):
        self.next_logits, self.ids, self.left, self.pick = next_logits, list(ids), limit, pick
        self.stop, self.written = [list(end) for end in stop], []

    def __iter__(self):
        return self

    def __next__(self):
        if self.left == 0:
            raise StopIteration
        new = self.pick(self.next_logits(self.ids), self.ids)
        self.ids.append(new)
        self.written.append(new)
        self.left -= 1
        if any(self.written[-len(end) :] == end for end in self.stop):
            self.left = 0
        return new


@right("generate")
def cut_off_an_endless_one(next_logits, ids, limit, pick, stop=()):
    def endless(ids):
        while True:
            ids = (*ids, pick(next_logits(list(ids)), list(ids)))
            yield ids[-1]

    written = ()
    for token in itertools.islice(endless(tuple(ids)), limit):
        written += (token,)
        yield token
        if any(written[-len(end) :] == tuple(end) for end in stop):
            return


# ----------------------------------------------------------------------------------------------------------- entropy


@right("entropy")
def by_entr(logits):
    return torch.special.entr(logits.softmax(dim=-1)).sum(dim=-1) / math.log(2)


@right("entropy")
def of_a_distribution(logits):
    return torch.distributions.Categorical(logits=logits).entropy() / math.log(2)


@right("entropy")
def clamped(logits):
    p = torch.softmax(logits, -1)
    return -(p * p.clamp(min=1e-30).log2()).sum(-1)


@right("entropy")
def where_it_is_above_zero(logits):
    p = functional.softmax(logits, dim=-1)
    return torch.where(p > 0, -p * p.log2(), torch.zeros_like(p)).sum(dim=-1)


@right("entropy")
def numbers_that_are_numbers(logits):
    p = logits.softmax(-1)
    return (p * -p.log2()).nansum(-1)


@right("entropy")
def each_row_by_itself(logits):
    found = []
    for row in logits.reshape(-1, logits.shape[-1]).tolist():
        top = max(row)
        powers = [math.exp(z - top) for z in row]
        shares = [power / sum(powers) for power in powers]
        found.append(sum(-p * math.log2(p) for p in shares if p > 0))
    return torch.tensor(found, dtype=logits.dtype).reshape(logits.shape[:-1])


@right("entropy")
def by_einsum_in_64_bits(logits):
    p = logits.double().softmax(-1)
    surprise = -torch.log2(p).masked_fill(p == 0, 0)
    return torch.einsum("...v,...v->...", p, surprise).to(logits.dtype)


@right("entropy")
def from_the_sum_of_the_powers(logits):
    z = logits.double()
    expected = (z.softmax(-1) * z.masked_fill(z == -INF, 0)).sum(-1)  # a logit of -inf has no weight
    return ((z.logsumexp(-1) - expected) / math.log(2)).to(logits.dtype)
