"""Right answers to notebook 17, second part, in other styles."""

import itertools
import math
import re
import string
from collections import Counter

import torch

from lib.scoring import plain_answer
from tests.graders.cases import right

# ------------------------------------------------------------------------------------------------------- token_span


@right("token_span")
def by_the_two_ends(offsets, start, end):
    """The token that holds the first character, and the token that holds the last one."""
    first = next((i for i, (a, b) in enumerate(offsets) if a <= start < b), 0)
    last = next((i for i, (a, b) in enumerate(offsets) if a < end <= b), 0)
    return (first, last) if first and last else (0, 0)


@right("token_span")
def by_owners(offsets, start, end):
    owner = {place: i for i, (a, b) in enumerate(offsets) for place in range(a, b)}
    if start in owner and end - 1 in owner:
        return owner[start], owner[end - 1]
    return 0, 0


@right("token_span")
def in_a_loop(offsets, start, end):
    first = last = None
    for i, (begin, stop) in enumerate(offsets):
        if begin == stop:
            continue
        if begin <= start < stop:
            first = i
        if begin < end <= stop:
            last = i
    if first is None or last is None:
        return 0, 0
    return first, last


@right("token_span")
def with_tensors(offsets, start, end):
    begin, stop = torch.tensor(offsets).T
    held = ((begin < stop) & (begin < end) & (stop > start)).nonzero()[:, 0]
    if not len(held):
        return 0, 0
    first, last = held[0].item(), held[-1].item()
    return (first, last) if begin[first] <= start and stop[last] >= end else (0, 0)


@right("token_span")
def from_both_ends(offsets, start, end):
    """From both ends of the text towards the answer."""
    text = [i for i, (a, b) in enumerate(offsets) if b > a]
    if not text or offsets[text[0]][0] > start or offsets[text[-1]][1] < end:
        return 0, 0
    first, last = 0, len(text) - 1
    while first < len(text) and offsets[text[first]][0] <= start:
        first += 1
    while offsets[text[last]][1] >= end:
        last -= 1
        if last < 0:
            break
    return [text[first - 1], text[last + 1]]


@right("token_span")
def by_character_sets(offsets, start, end):
    asked = set(range(start, end))
    held = [i for i, (a, b) in enumerate(offsets) if asked & set(range(a, b))]
    ends = {start, end - 1}
    return (min(held), max(held)) if held and all(any(a <= p < b for a, b in offsets) for p in ends) else (0, 0)


# ------------------------------------------------------------------------------------------------------- best_spans


@right("best_spans")
def by_trying(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    length, found = context.shape[-1], []
    rows = (part.reshape(-1, length).tolist() for part in (start_scores, end_scores, context))
    for starts, ends, inside in zip(*rows, strict=True):
        best, span = -math.inf, (0, 0)
        for first, last in itertools.product(range(length), repeat=2):
            if first <= last < first + longest and inside[first] and inside[last] and starts[first] + ends[last] > best:
                best, span = starts[first] + ends[last], (first, last)
        found.append((0, 0) if starts[0] + ends[0] - best > margin else span)
    first, last = torch.tensor(found).T
    return first.reshape(context.shape[:-1]), last.reshape(context.shape[:-1])


@right("best_spans")
def by_length(start_scores, end_scores, context, longest, margin=0.0):
    """Answers of one token, of two ... up to the longest."""
    if longest <= 0:
        raise ValueError(f"{longest}")
    position = context.shape[-1]
    best = torch.full(context.shape[:-1], -math.inf, dtype=start_scores.dtype)
    first, last = torch.zeros(2, *context.shape[:-1], dtype=torch.long)
    for length in range(1, min(longest, position) + 1):
        reach = position - length + 1
        scores = start_scores[..., :reach] + end_scores[..., length - 1 :]
        inside = context[..., :reach] & context[..., length - 1 :]
        score, place = scores.masked_fill(~inside, -math.inf).max(-1)
        first, last = torch.where(score > best, place, first), torch.where(score > best, place + length - 1, last)
        best = torch.maximum(best, score)
    null = start_scores[..., 0] + end_scores[..., 0]
    nothing = null > best + margin
    return first.masked_fill(nothing, 0), last.masked_fill(nothing, 0)


@right("best_spans")
def row_by_row(start_scores, end_scores, context, longest, margin=0.0):
    """For each first token its best last one, then the best of these."""
    if longest < 1:
        raise ValueError("longest")
    place = torch.arange(context.shape[-1])
    near = (place[None] >= place[:, None]) & (place[None] - place[:, None] < longest)
    ends = torch.where(near & context[..., None, :], end_scores[..., None, :], -math.inf)
    best_end, last = ends.max(-1)
    totals = torch.where(context, start_scores + best_end, -math.inf)
    best, first = totals.max(-1)
    last = last.gather(-1, first[..., None]).squeeze(-1)
    answered = context.any(-1) & ~(start_scores[..., 0] + end_scores[..., 0] - best > margin)
    return first * answered, last * answered


@right("best_spans")
def by_log_chances(start_scores, end_scores, context, longest, margin=0.0):
    """What both softmaxes divide by is the same for all spans, and for position 0."""
    if longest < 1:
        raise ValueError(longest)
    starts, ends = start_scores.double(), end_scores.double()
    starts, ends = starts - starts.amax(-1, keepdim=True), ends - ends.amax(-1, keepdim=True)
    place = torch.arange(context.shape[-1])
    gap = place[None, :] - place[:, None]
    allowed = (gap >= 0) & (gap < longest) & context.unsqueeze(-1) & context.unsqueeze(-2)
    scores = (starts.unsqueeze(-1) + ends.unsqueeze(-2)).where(allowed, -math.inf).flatten(-2)
    place = scores.argmax(-1)
    best = scores.gather(-1, place[..., None]).squeeze(-1)
    null = (start_scores[..., 0] + end_scores[..., 0]).double()
    best = best + (start_scores.double().amax(-1) + end_scores.double().amax(-1))
    nothing = (null - best > margin) | ~context.any(-1)
    place = torch.where(nothing, 0, place)
    return torch.div(place, context.shape[-1], rounding_mode="floor"), place.remainder(context.shape[-1])


@right("best_spans")
def with_a_running_best(start_scores, end_scores, context, longest, margin=0.0):
    """For each last token the best first one among the few before it."""
    if longest < 1:
        raise ValueError(longest)
    starts = start_scores.masked_fill(~context, -math.inf)
    found = []
    for last in range(context.shape[-1]):
        begin = max(0, last - longest + 1)
        score, first = starts[..., begin : last + 1].max(-1)
        score = (score + end_scores[..., last]).masked_fill(~context[..., last], -math.inf)
        found.append((score, first + begin))
    scores, firsts = (torch.stack(part, dim=-1) for part in zip(*found, strict=True))
    best, last = scores.max(-1)
    first = firsts.gather(-1, last[..., None])[..., 0]
    nothing = (start_scores[..., 0] + end_scores[..., 0] - best > margin) | (best == -math.inf)
    return torch.where(nothing, 0, first), torch.where(nothing, 0, last)


@right("best_spans")
def all_spans_in_a_list(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(f"longest {longest}")
    n = context.shape[-1]
    pairs = torch.tensor([(i, j) for i in range(n) for j in range(i, min(n, i + longest))])
    first, last = pairs.unbind(-1)
    scores = start_scores[..., first] + end_scores[..., last]
    scores = scores.masked_fill(~(context[..., first] & context[..., last]), -math.inf)
    best = scores.amax(-1)
    chosen = pairs[scores.argmax(-1)]
    nothing = (best < start_scores[..., 0] + end_scores[..., 0] - margin) | ~context.any(-1)
    chosen = chosen * ~nothing[..., None]
    return chosen[..., 0], chosen[..., 1]


# -------------------------------------------------------------------------------------------------------- answer_f1


@right("answer_f1")
def as_published(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    if len(mine) == 0 or len(theirs) == 0:
        return float(mine == theirs)
    common = Counter(mine) & Counter(theirs)
    shared = sum(common.values())
    if shared == 0:
        return 0
    precision, recall = shared / len(mine), shared / len(theirs)
    return (2 * precision * recall) / (precision + recall)


@right("answer_f1")
def by_removal(written, right):
    mine, left = plain_answer(written).split(), plain_answer(right).split()
    words, shared = len(mine) + len(left), 0
    for word in mine:
        if word in left:
            left.remove(word)
            shared += 1
    return 2 * shared / words if words else 1.0


@right("answer_f1")
def by_counts(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    if not (mine or theirs):
        return 1.0
    shared = sum(min(mine.count(word), theirs.count(word)) for word in {*mine})
    return shared / ((len(mine) + len(theirs)) / 2)


@right("answer_f1")
def by_what_is_not_shared(written, right):
    mine, theirs = Counter(plain_answer(written).split()), Counter(plain_answer(right).split())
    words = mine.total() + theirs.total()
    if words == 0:
        return 1
    return 1 - ((mine - theirs).total() + (theirs - mine).total()) / words


@right("answer_f1")
def harmonic(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    shared = (Counter(mine) & Counter(theirs)).total()
    if not shared:
        return 1.0 if mine == theirs else 0.0
    return 2 / (len(mine) / shared + len(theirs) / shared)


@right("answer_f1")
def all_by_hand(written, right):
    def words(text):
        text = "".join("" if sign in set(string.punctuation) else sign for sign in text.lower())
        return sorted(word for word in re.split(r"\s+", text) if word and word not in ("a", "an", "the"))

    mine, theirs = words(written), words(right)
    total, shared = len(mine) + len(theirs), 0
    while mine and theirs:
        if mine[-1] == theirs[-1]:
            shared += 1
            mine.pop()
            theirs.pop()
        else:
            (mine if mine[-1] > theirs[-1] else theirs).pop()
    return torch.tensor(2 * shared / total if total else 1.0)
