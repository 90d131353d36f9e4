"""Wrong answers to notebook 17, second part: the tokens of an answer, the best span, and how good an answer is."""

import math
from collections import Counter

import torch

from lib.checks.core import edit
from lib.scoring import plain_answer
from tests.graders.cases import slips, wrong

# ------------------------------------------------------------------------------------------------------- token_span


@wrong("token_span", says="belongs to the span too")
def tokens_inside(offsets, start, end):
    inside = [i for i, (a, b) in enumerate(offsets) if start <= a and b <= end and a < b]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return 0, 0
    return inside[0], inside[-1]


@wrong("token_span", says="expected")
def exact_borders(offsets, start, end):
    starts, ends = [a for a, _ in offsets], [b for _, b in offsets]
    if start in starts[1:] and end in ends:
        return starts.index(start, 1), ends.index(end)
    return 0, 0


@wrong("token_span", says="expected")
def first_token_at_zero(offsets, start, end):
    """[CLS] and the question begin at 0 as well."""
    starts, ends = [a for a, _ in offsets], [b for _, b in offsets]
    first = max((i for i, a in enumerate(starts) if a <= start), key=lambda i: (starts[i], -i))
    last = next((i for i, b in enumerate(ends) if b >= end), 0)
    if not offsets[first][0] <= start < offsets[first][1] and last:
        return (0, 0) if start else (first, last)
    return (first, last) if last else (0, 0)


@wrong("token_span", says="begins there")
def end_included(offsets, start, end):
    inside = [i for i, (a, b) in enumerate(offsets) if a < b and a <= end and start < b]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return 0, 0
    return inside[0], inside[-1]


@wrong("token_span", says="holds none of it")
def both_touching(offsets, start, end):
    inside = [i for i, (a, b) in enumerate(offsets) if a < b and a < end and start <= b]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return 0, 0
    return inside[0], inside[-1]


@wrong("token_span", says="not the one after it")
def as_a_slice(offsets, start, end):
    inside = [i for i, (a, b) in enumerate(offsets) if a < b and a < end and start < b]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return 0, 0
    return inside[0], inside[-1] + 1


@wrong("token_span", says="inside the answer, 0 and 0")
def whatever_is_left(offsets, start, end):
    inside = [i for i, (a, b) in enumerate(offsets) if a < b and a < end and start < b]
    return (inside[0], inside[-1]) if inside else (0, 0)


@wrong("token_span", says="cut behind")
def only_the_front(offsets, start, end):
    inside = [i for i, (a, b) in enumerate(offsets) if a < b and a < end and start < b]
    if not inside or offsets[inside[0]][0] > start:
        return 0, 0
    return inside[0], inside[-1]


@wrong("token_span", says="cut in front")
def only_the_back(offsets, start, end):
    inside = [i for i, (a, b) in enumerate(offsets) if a < b and a < end and start < b]
    if not inside or offsets[inside[-1]][1] < end:
        return 0, 0
    return inside[0], inside[-1]


@wrong("token_span", says="no first one")
def always_there(offsets, start, end):
    inside = [i for i, (a, b) in enumerate(offsets) if a < b and a < end and start < b]
    if offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return 0, 0
    return inside[0], inside[-1]


@wrong("token_span", says="raised")
def from_the_first_of_the_text(offsets, start, end):
    before = next(i for i, (a, b) in enumerate(offsets) if (a, b) != (0, 0))
    inside = [i for i, (a, b) in enumerate(offsets) if i >= before and a < b and a < end and start < b]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return 0, 0
    return inside[0], inside[-1]


@wrong("token_span", says="raised")
def a_token_for_each_character(offsets, start, end):
    """Room for 512 characters."""
    owner = [0] * 512
    for i, (a, b) in enumerate(offsets):
        for place in range(a, b):
            owner[place] = i
    if end > 512 or not owner[start] or not owner[end - 1]:
        return 0, 0
    return owner[start], owner[end - 1]


@wrong("token_span", says="only one end")
def text_ends_at_the_padding(offsets, start, end):
    first = last = 0
    for i, (a, b) in enumerate(offsets):
        if a <= start < b:
            first = i
        if a < end <= b:
            last = i
    return first, last


@wrong("token_span", says="not None")
def nothing_at_all(offsets, start, end):
    first = next((i for i, (a, b) in enumerate(offsets) if a <= start < b), None)
    last = next((i for i, (a, b) in enumerate(offsets) if a < end <= b), None)
    if first is not None and last is not None:
        return first, last
    return None


# ------------------------------------------------------------------------------------------------------- best_spans


def _pairs(start_scores, end_scores, context, longest):
    place = torch.arange(start_scores.shape[-1])
    near = (place >= place[:, None]) & (place < place[:, None] + longest)
    allowed = near & context[..., None, :] & context[..., :, None]
    scores = start_scores[..., :, None] + end_scores[..., None, :]
    return scores.masked_fill(~allowed, -math.inf)


def _found(best, null, flat, position, margin):
    nothing = (null - best > margin) | (best == -math.inf)
    flat = torch.where(nothing, 0, flat)
    return flat // position, flat % position


@wrong("best_spans", says="chosen apart")
def two_argmaxes(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    starts, ends = (part.masked_fill(~context, -math.inf) for part in (start_scores, end_scores))
    (best_start, first), (best_end, last) = starts.max(-1), ends.max(-1)
    nothing = (best_start == -math.inf) | (start_scores[..., 0] + end_scores[..., 0] - best_start - best_end > margin)
    return first.masked_fill(nothing, 0), last.masked_fill(nothing, 0)


@wrong("best_spans", says="best pair in order")
def a_bad_order_is_no_answer(start_scores, end_scores, context, longest, margin=0.0):
    """As two_argmaxes; where the end stands before the start there is no answer."""
    first, last = two_argmaxes(start_scores, end_scores, context, longest, margin)
    bad = (last < first) | (last - first >= longest)
    return first.masked_fill(bad, 0), last.masked_fill(bad, 0)


@wrong("best_spans", says="then an end for it")
def start_and_then_end(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    place, position = torch.arange(start_scores.shape[-1]), start_scores.shape[-1]
    first = start_scores.masked_fill(~context, -math.inf).argmax(-1)
    near = (place >= first[..., None]) & (place < first[..., None] + longest) & context
    best_end, last = end_scores.masked_fill(~near, -math.inf).max(-1)
    best = best_end + start_scores.gather(-1, first[..., None])[..., 0]
    null = start_scores[..., 0] + end_scores[..., 0]
    return _found(best, null, first * position + last, position, margin)


@wrong("best_spans", says="the question and the padding")
def no_context(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    scores = _pairs(start_scores, end_scores, torch.ones_like(context), longest)
    best, flat = scores.flatten(-2).max(-1)
    return _found(best, start_scores[..., 0] + end_scores[..., 0], flat, start_scores.shape[-1], margin)


@wrong("best_spans", says="one token too long")
def one_more(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    best, flat = _pairs(start_scores, end_scores, context, longest + 1).flatten(-2).max(-1)
    return _found(best, start_scores[..., 0] + end_scores[..., 0], flat, start_scores.shape[-1], margin)


@wrong("best_spans", says="ValueError")
def zero_tokens(start_scores, end_scores, context, longest, margin=0.0):
    best, flat = _pairs(start_scores, end_scores, context, longest).flatten(-2).max(-1)
    return _found(best, start_scores[..., 0] + end_scores[..., 0], flat, start_scores.shape[-1], margin)


@wrong("best_spans", says="by more than it")
def margin_for_the_answer(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    best, flat = _pairs(start_scores, end_scores, context, longest).flatten(-2).max(-1)
    return _found(best, start_scores[..., 0] + end_scores[..., 0], flat, start_scores.shape[-1], -margin)


@wrong("best_spans", says="not `>=`")
def at_least_the_margin(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    best, flat = _pairs(start_scores, end_scores, context, longest).flatten(-2).max(-1)
    nothing = (start_scores[..., 0] + end_scores[..., 0] >= best + margin) | (best == -math.inf)
    flat = flat.masked_fill(nothing, 0)
    return flat // start_scores.shape[-1], flat % start_scores.shape[-1]


@wrong("best_spans", says="probabilities")
def sum_of_chances(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    starts, ends = start_scores.softmax(-1), end_scores.softmax(-1)
    best, flat = _pairs(starts, ends, context, longest).flatten(-2).max(-1)
    return _found(best, starts[..., 0] + ends[..., 0], flat, starts.shape[-1], margin)


@wrong("best_spans", says="always an answer")
def no_way_out(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    flat = _pairs(start_scores, end_scores, context, longest).flatten(-2).argmax(-1)
    return flat // start_scores.shape[-1], flat % start_scores.shape[-1]


@wrong("best_spans", says="raised")
def one_text(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    best, found = -math.inf, (0, 0)
    for first in range(len(context)):
        for last in range(first, min(first + longest, len(context))):
            score = float(start_scores[first] + end_scores[last])
            if context[first] and context[last] and score > best:
                best, found = score, (first, last)
    if float(start_scores[0] + end_scores[0]) - best > margin:
        found = 0, 0
    return torch.tensor(found[0]), torch.tensor(found[1])


@wrong("best_spans", says="raised")
def a_batch_of_texts(start_scores, end_scores, context, longest, margin=0.0):
    """Exactly one leading axis, or none."""
    if longest < 1:
        raise ValueError(longest)
    rows = [part.view(-1, part.shape[-1]) for part in (start_scores, end_scores, context)]
    found = []
    for starts, ends, inside in zip(*rows, strict=True):
        best, flat = _pairs(starts, ends, inside, longest).flatten().max(0)
        found.append(torch.stack(_found(best, starts[0] + ends[0], flat, len(starts), margin)))
    first, last = torch.stack(found).T
    return first.view(start_scores.shape[:-1][0:1] or ()), last.view(start_scores.shape[:-1][0:1] or ())


@wrong("best_spans", says="batch in which one context is empty")
def first_of_the_context(start_scores, end_scores, context, longest, margin=0.0):
    """Where nothing is allowed the answer begins with the first token after the question, wherever that is."""
    if longest < 1:
        raise ValueError(longest)
    best, flat = _pairs(start_scores, end_scores, context, longest).flatten(-2).max(-1)
    first, last = _found(best, start_scores[..., 0] + end_scores[..., 0], flat, start_scores.shape[-1], margin)
    lost = ~context.any(-1)
    return torch.where(lost, 1, first), torch.where(lost, 1, last)


@wrong("best_spans", says="several best answers")
def all_of_the_best(start_scores, end_scores, context, longest, margin=0.0):
    """The first start and the last end among those that are best: of two answers, one long one."""
    if longest < 1:
        raise ValueError(longest)
    scores = _pairs(start_scores, end_scores, context, longest)
    best = scores.amax((-2, -1), keepdim=True)
    among = (scores == best) & (scores > -math.inf)
    first = among.any(-1).int().argmax(-1)
    last = scores.shape[-1] - 1 - among.any(-2).flip(-1).int().argmax(-1)
    best = best[..., 0, 0]
    nothing = (best == -math.inf) | (start_scores[..., 0] + end_scores[..., 0] - best > margin)
    return first.masked_fill(nothing, 0), last.masked_fill(nothing, 0)


@wrong("best_spans", says="300 tokens")
def closed_by_a_product(start_scores, end_scores, context, longest, margin=0.0):
    """Where a score is -inf, its product with 0 is NaN."""
    if longest < 1:
        raise ValueError(longest)
    starts, ends = (part * context - 1e9 * ~context for part in (start_scores, end_scores))
    best, flat = _pairs(starts, ends, torch.ones_like(context), longest).flatten(-2).max(-1)
    best = best.masked_fill(~context.any(-1), -math.inf)
    return _found(best, start_scores[..., 0] + end_scores[..., 0], flat, start_scores.shape[-1], margin)


@wrong("best_spans", says="changes")
def closes_the_scores(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    null = start_scores[..., 0] + end_scores[..., 0]
    start_scores[~context] = -math.inf
    best, flat = _pairs(start_scores, end_scores, context, longest).flatten(-2).max(-1)
    return _found(best, null, flat, start_scores.shape[-1], margin)


@wrong("best_spans", says="expected")
def numbers(start_scores, end_scores, context, longest, margin=0.0):
    if longest < 1:
        raise ValueError(longest)
    best, flat = _pairs(start_scores, end_scores, context, longest).flatten(-2).max(-1)
    first, last = _found(best, start_scores[..., 0] + end_scores[..., 0], flat, start_scores.shape[-1], margin)
    return torch.stack([first, last], dim=-1)


# -------------------------------------------------------------------------------------------------------- answer_f1


@wrong("answer_f1", says="make both plain")
def split_only(written, right):
    mine, theirs = written.split(), right.split()
    if not mine and not theirs:
        return 1.0
    return 2 * (Counter(mine) & Counter(theirs)).total() / (len(mine) + len(theirs))


@wrong("answer_f1", says="right answer is not made plain")
def the_model_only(written, right):
    mine, theirs = plain_answer(written).split(), right.split()
    if not mine and not theirs:
        return 1.0
    return 2 * (Counter(mine) & Counter(theirs)).total() / (len(mine) + len(theirs))


@wrong("answer_f1", says="twice")
def sets(written, right):
    mine, theirs = set(plain_answer(written).split()), set(plain_answer(right).split())
    if not mine and not theirs:
        return 1.0
    return 2 * len(mine & theirs) / (len(mine) + len(theirs))


@wrong("answer_f1", says="as often as it stands in both")
def set_of_the_shared(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    shared = len(set(mine).intersection(theirs))
    if not mine or not theirs:
        return float(mine == theirs)
    precision, recall = shared / len(mine), shared / len(theirs)
    return 2 * precision * recall / (precision + recall) if shared else 0.0


@wrong("answer_f1", says="the smaller count")
def membership(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    if not mine and not theirs:
        return 1.0
    return 2 * len([word for word in mine if word in theirs]) / (len(mine) + len(theirs))


@wrong("answer_f1", says="P + R is 0")
def divides_by_nothing_right(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    if not mine and not theirs:
        return 1.0
    shared = (Counter(mine) & Counter(theirs)).total()
    precision, recall = shared / len(mine), shared / len(theirs)
    return 2 * precision * recall / (precision + recall)


@wrong("answer_f1", says="two answers without words agree")
def nothing_is_zero(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    shared = (Counter(mine) & Counter(theirs)).total()
    return 2 * shared / (len(mine) + len(theirs)) if shared else 0.0


@wrong("answer_f1", says="words left")
def empty_strings(written, right):
    if not written and not right:
        return 1.0
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    shared = (Counter(mine) & Counter(theirs)).total()
    return 2 * shared / (len(mine) + len(theirs)) if shared else 0.0


@wrong("answer_f1", says="letters are compared")
def letters(written, right):
    mine, theirs = Counter(plain_answer(written)), Counter(plain_answer(right))
    if not mine and not theirs:
        return 1.0
    return 2 * (mine & theirs).total() / (mine.total() + theirs.total())


@wrong("answer_f1", says="plain mean")
def arithmetic(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    if not mine or not theirs:
        return float(mine == theirs)
    shared = (Counter(mine) & Counter(theirs)).total()
    return (shared / len(mine) + shared / len(theirs)) / 2


@wrong("answer_f1", says="all words that both have")
def jaccard(written, right):
    mine, theirs = Counter(plain_answer(written).split()), Counter(plain_answer(right).split())
    return (mine & theirs).total() / (mine | theirs).total() if mine or theirs else 1.0


@wrong("answer_f1", says="recall")
def recall(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    if not mine or not theirs:
        return float(mine == theirs)
    return (Counter(mine) & Counter(theirs)).total() / len(theirs)


@wrong("answer_f1", says="place by place")
def side_by_side(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    if not mine and not theirs:
        return 1.0
    return 2 * sum(a == b for a, b in zip(mine, theirs, strict=False)) / (len(mine) + len(theirs))


@wrong("answer_f1", says="inside another one")
def found_in_the_text(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right)
    if not mine and not theirs:
        return 1.0
    return 2 * sum(word in theirs for word in mine) / (len(mine) + len(theirs.split()))


@wrong("answer_f1", says="percent")
def in_percent(written, right):
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    if not mine and not theirs:
        return 100.0
    return 200 * (Counter(mine) & Counter(theirs)).total() / (len(mine) + len(theirs))


@wrong("answer_f1", says="expected")
def sorted_words(written, right):
    """Two sorted lists, compared place by place."""
    mine, theirs = sorted(plain_answer(written).split()), sorted(plain_answer(right).split())
    if not mine and not theirs:
        return 1.0
    return 2 * sum(a == b for a, b in zip(mine, theirs, strict=False)) / (len(mine) + len(theirs))


SCORES = "scores = start_scores[..., :, None] + end_scores[..., None, :]"
slips(
    "token_span",
    fifty_at_most=("300 tokens", edit("inside[0], inside[-1]", "inside[0], min(inside[-1], inside[0] + 49)")),
)
slips(
    "best_spans",
    twenty_of_each=(
        "late starts",
        edit(
            SCORES,
            f"{SCORES}\n"
            "    best = [part.masked_fill(~context, -math.inf) for part in (start_scores, end_scores)]\n"
            "    least = [part.topk(min(20, position)).values[..., -1:] for part in best]\n"
            "    good = [part >= low for part, low in zip(best, least)]\n"
            "    allowed = allowed & good[0][..., :, None] & good[1][..., None, :]",
        ),
    ),
    thirty_at_most=("early starts", edit("longest - 1", "min(longest, 30) - 1")),
)
