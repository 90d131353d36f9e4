"""Checks of notebook 17, second part: the best span of a text, the tokens of an answer, and how good an answer is."""

import math
import random

import torch

from lib import scoring, spans
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import normal, raises
from lib.relative_positions import relative_buckets

ENDS = "first", "last"
token_span = Exercise(spans.token_span, returns=ENDS)
best_spans = Exercise(spans.best_spans, returns=ENDS)
answer_f1 = Exercise(scoring.answer_f1)


def named(pairs):
    """Results of several calls, each number under its name."""
    return {f"{call}: {name}": part for call, pair in pairs.items() for name, part in zip(ENDS, pair, strict=True)}


# ------------------------------------------------------------------------------------------------------- token_span

TOWER = "In 1889 the Eiffel Tower, 312m high, was new."
PIECES = ["In", "188", "9", "the", "Eiff", "el", "Tower", ",", "312", "m", "high", ",", "was", "new", "."]


def offsets_of(text, pieces):
    """Where each piece stands in the text."""
    found, at = [], 0
    for piece in pieces:
        begin = text.index(piece, at)
        at = begin + len(piece)
        found.append((begin, at))
    return found


def question_and(offsets, before=6, after=3):
    """As BERT reads them: [CLS], a question, [SEP], which stand for nothing in the text; the text; [SEP], padding."""
    return [(0, 0)] * before + list(offsets) + [(0, 0)] * after


def asked_for(*answers, cut=None):
    """The calls for these answers, in a window of the text's tokens."""
    offsets = question_and(offsets_of(TOWER, PIECES)[cut or slice(None)])
    return {
        repr(answer): (offsets, TOWER.index(answer), TOWER.index(answer) + len(answer)) for answer in answers
    }.items()


TOKEN_SPANS = {
    "'In 1889 the Eiffel Tower, 312m high, was new.' in pieces, and the answer 'Eiffel Tower'": ("Eiffel Tower",),
    "the same text and answers of one token: 'In' at its beginning, '312' before 'm', 'm' after it": ("In", "312", "m"),
    "the same text and answers that begin or end inside a token: '89', 'ower, 31', 'iff'": ("89", "ower, 31", "iff"),
}
for label, answers in TOKEN_SPANS.items():
    token_span.probe(label, varied=False)(
        lambda answer, rng, answers=answers: named({words: answer(*call) for words, call in asked_for(*answers)})
    )


@token_span.probe(
    "the text was cut after 'Eiff', and the answer is 'Eiffel', 'Eiffel Tower', 'Eiff', 'was new'", varied=False
)
def _(answer, rng):
    calls = asked_for("Eiffel", "Eiffel Tower", "Eiff", "was new", cut=slice(0, 5))
    return named({words: answer(*call) for words, call in calls})


@token_span.probe(
    "the tokens begin with 'el Tower', and the answer is 'Eiffel', 'Eiffel Tower', 'el', 'In'", varied=False
)
def _(answer, rng):
    calls = asked_for("Eiffel", "Eiffel Tower", "el", "In", cut=slice(5, None))
    return named({words: answer(*call) for words, call in calls})


@token_span.probe(
    "no token stands for anything in the text; and the answer is longer than the window on both sides", varied=False
)
def _(answer, rng):
    both = answer(question_and([(5, 9), (10, 12)]), 2, 20)
    return named({"nothing": answer([(0, 0)] * 4, 0, 3), "both sides": both})


@token_span.probe("two spaces, and a new line with an indent, between the tokens of an answer", varied=False)
def _(answer, rng):
    offsets = question_and([(0, 4), (6, 9), (15, 20)])
    return named(
        {"two spaces": answer(offsets, 0, 9), "both": answer(offsets, 0, 20), "a line": answer(offsets, 6, 20)}
    )


@token_span.probe("300 tokens, some of them right after the one before", varied=False)
def _(answer, rng):
    offsets, at = [], 0
    for gap, length in torch.randint(0, 2, (300, 2), generator=rng).tolist():
        offsets.append((at + gap, at + gap + 1 + 4 * length))
        at = offsets[-1][1]
    first, last = (torch.randint(100, (2,), generator=rng) + torch.tensor([0, 200])).tolist()
    return answer(question_and(offsets, 12), offsets[first][0], offsets[last][1])


INSIDE, PART = "begin < stop and begin < end and start < stop", "offsets[inside[0]][0] > start"
OUT = "not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end"
# fmt: off
token_span.mistakes(
    last_excluded=("`last` is the last token itself, not the one after it.",
        edit("return inside[0], inside[-1]", "return inside[0], inside[-1] + 1")),
    end_included=("the character at `end` is not part of the answer: a token that begins there is not asked for.",
        edit("begin < end", "begin <= end")),
    start_touched=("a token that stops where the answer starts holds none of it.",
        edit("start < stop", "start <= stop"), edit("begin < stop and ", "", "start < stop", "start <= stop")),
    whole_tokens=("a token that holds only a part of the answer, or more than it, belongs to the span too.",
        edit(INSIDE, "begin < stop and start <= begin and stop <= end"),
        edit(INSIDE, "begin < stop and start <= begin < end"), edit(INSIDE, "begin < stop and start < stop <= end"),
        edit(PART, "offsets[inside[0]][0] != start"),
        edit("offsets[inside[-1]][1] < end", "offsets[inside[-1]][1] != end"),
        edit(PART, "offsets[inside[0]][0] != start", "offsets[inside[-1]][1] < end", "offsets[inside[-1]][1] != end")),
    first_only=("the last token of the answer is asked for too.",
        edit("return inside[0], inside[-1]", "return inside[0], inside[0]")),
    count=("the second number is a place, not how many tokens there are.",
        edit("return inside[0], inside[-1]", "return inside[0], len(inside)")),
    all_of_them=("two numbers are asked for, the first and the last of these tokens.",
        edit("return inside[0], inside[-1]", "return inside")),
    characters=("these are characters: the places of the tokens are asked for.",
        edit("return inside[0], inside[-1]", "return offsets[inside[0]][0], offsets[inside[-1]][1]")),
    without_the_question=("the tokens are counted from the first of the text: count all, [CLS] and the question too.",
        edit("return inside[0], inside[-1]",
             "before = next(i for i, (begin, stop) in enumerate(offsets) if begin < stop)\n"
             "    return inside[0] - before, inside[-1] - before")),
    from_one=("the first token of all is number 0.", edit("enumerate(offsets)", "enumerate([*offsets, (0, 0)], 1)",
        "offsets[inside[0]]", "offsets[inside[0] - 1]", "offsets[inside[-1]]", "offsets[inside[-1] - 1]")),
    backwards=("the first token comes first.", edit("return inside[0], inside[-1]", "return inside[-1], inside[0]")),
    part_will_do=("where the text was cut inside the answer, 0 and 0 are asked for.", edit(OUT, "not inside")),
    cut_in_front=("where the text was cut in front, inside the answer, 0 and 0 are asked for.",
        edit(f"{PART} or ", "")),
    cut_behind=("where the text was cut behind, inside the answer, 0 and 0 are asked for.",
        edit(f"{PART} or offsets[inside[-1]][1] < end", PART)),
    one_end=("where only one end of the answer is left, both numbers are 0.",
        edit(OUT, "not inside", "return inside[0], inside[-1]",
             "return (inside[0] if offsets[inside[0]][0] <= start else 0,"
             " inside[-1] if offsets[inside[-1]][1] >= end else 0)")),
    minus_one=("where the text was cut, 0 and 0 are asked for, not -1.", edit("return 0, 0", "return -1, -1")),
    nothing=("where the text was cut, 0 and 0 are asked for, not None.", edit("return 0, 0", "return None")),
    not_looked_for=("an answer that is not in these tokens has no first one: 0 and 0 are asked for.",
        edit("not inside or ", "")),
    with_specials=("(0, 0) stands for nothing in the text: such tokens hold no character, not even the first.",
        edit(INSIDE, "begin < end and start <= max(0, stop - 1)")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------- best_spans


def drawn(rng, *leading, length=17):
    """Scores, and contexts that begin and end anywhere, 5 tokens long at least; question and padding score high."""
    begins = torch.randint(1, length - 6, leading, generator=rng)
    context = torch.arange(length) >= begins[..., None]
    context &= (
        torch.arange(length) < begins[..., None] + 5 + torch.randint(0, length - 6, leading, generator=rng)[..., None]
    )
    starts, ends = (normal(*leading, length, rng=rng) + 4.0 * ~context for _ in range(2))
    starts[..., 0] = -9.0
    return starts, ends, context


@best_spans.probe("the start scores -9 1 0 5 0 and the end scores -9 0 6 0 1.5, all but the first in the context")
def _(answer, rng):
    context = torch.tensor([False, True, True, True, True])
    return answer(torch.tensor([-9.0, 1, 0, 5, 0]), torch.tensor([-9.0, 0, 6, 0, 1.5]), context, 10)


@best_spans.probe("seven texts with a question before and padding behind, answers of 3 tokens at most")
def _(answer, rng):
    return answer(*drawn(rng, 7), 3)


@best_spans.probe("a best answer of exactly 3 tokens, one of 4 that is better, and 4, 3 and 1 as the longest")
def _(answer, rng):
    starts, ends = torch.tensor([-9.0, 6, 4, 1, 1, 0, 0]), torch.tensor([-9.0, 0, 0, 1, 7, 0, 0])
    context = torch.arange(7) > 0
    return named({f"the longest: {longest}": answer(starts, ends, context, longest) for longest in (4, 3, 1)})


@best_spans.probe("scores that are all far below 0")
def _(answer, rng):
    starts, ends = (torch.stack([torch.randperm(17, generator=rng) for _ in range(5)]) for _ in range(2))
    _, _, context = drawn(rng, 5)
    return answer(starts - 20_000.0, 17.0 * ends - 20_000.0, context, 4, math.inf)  # no two sums are alike


@best_spans.probe("position 0 is 3 better than the best answer, and the margins are 0, 2.5, 3, 3.5, infinite and -4")
def _(answer, rng):
    call = torch.tensor([3.0, 1, 0]), torch.tensor([2.0, 0, 1]), torch.tensor([False, True, True]), 5
    found = {f"margin {margin}": answer(*call, margin) for margin in (2.5, 3.0, 3.5, math.inf, -4.0)}
    return named({"no margin given": answer(*call), **found})


@best_spans.probe(
    "position 0 is half a point better than the best answer or worse, and there is no margin or one of -1"
)
def _(answer, rng):
    context = torch.tensor([False, True, True])
    ends = torch.tensor([0.0, 0, 1])
    calls = {
        "better": (torch.tensor([2.5, 1, 0]), ends, context, 5),
        "worse": (torch.tensor([1.5, 1, 0]), ends, context, 5),
    }
    found = {f"{name}, margin -1": answer(*call, -1.0) for name, call in calls.items()}
    return named({**{f"{name}, no margin": answer(*call) for name, call in calls.items()}, **found})


@best_spans.probe("a batch in which one context is empty, and one holds a single token, the last")
def _(answer, rng):
    starts, ends, context = drawn(rng, 3, length=11)
    context[0] = False
    context[1] = torch.arange(11) == 10
    return named({f"margin {margin}": answer(starts, ends, context, 4, margin) for margin in (0.0, math.inf)})


@best_spans.probe("several best answers: any of them is right", varied=False)
def _(answer, rng):
    starts, ends = torch.tensor([-9.0, 2, 2, 0, 2, 1]), torch.tensor([-9.0, 0, 3, 3, 0, 3])
    first, last = answer(starts, ends, torch.tensor([False, True, True, True, True, False]), 2)
    return {
        "the score of the answer": starts[first] + ends[last],
        "being in the context, in order and 2 tokens long at most": 1 <= int(first) <= int(last) <= 4
        and int(last) - int(first) < 2,
    }


@best_spans.probe("three leading axes, 2, 3 and 5, in float64, with more room than there is text")
def _(answer, rng):
    starts, ends, context = drawn(rng, 2, 3, 5, length=13)
    return answer(starts.double(), ends.double(), context, 100, 0.5)


@best_spans.probe(
    "one text of 300 tokens, -inf at position 0; the later a start the better, and the earlier an end, or not"
)
def _(answer, rng):
    slope, found = torch.arange(300), {}
    for name, more in {"late starts": slope, "early starts": -slope}.items():
        starts, ends = normal(1, 300, rng=rng) + more, normal(1, 300, rng=rng) - more
        starts[:, 0] = ends[:, 0] = -math.inf
        found[name] = answer(starts, ends, (slope > 20)[None], 60)
    return named(found)


@best_spans.probe("0 and -1 as the longest: ValueError is asked for", varied=False)
def _(answer, rng):
    call = drawn(rng, 2)
    return {f"the longest: {longest}": raises(ValueError, answer, *call, longest) for longest in (0, -1)}


NEAR, PAIRS = ".triu().tril(longest - 1)", "start_scores[..., :, None] + end_scores[..., None, :]"
BEST = "best, place = scores.masked_fill(~allowed, -math.inf).flatten(-2).max(-1)"
ALLOWED = "near & context[..., :, None] & context[..., None, :]"
NULL = "start_scores[..., 0] + end_scores[..., 0] - best > margin"
FOUND = "return place // position, place % position"
CHOSEN = "\n    place = first * position + last\n    best = scores.flatten(-2).gather(-1, place[..., None])[..., 0]"
# fmt: off
best_spans.mistakes(
    apart=("the best start and the best end are chosen apart: the end may stand before the start, or too far behind.",
        edit(BEST, "first, last = (part.masked_fill(~context, -math.inf).argmax(-1) "
                   f"for part in (start_scores, end_scores)){CHOSEN}")),
    apart_or_none=("an end before the start does not mean that there is no answer: look for the best pair in order.",
        edit(BEST, "first, last = (part.masked_fill(~context, -math.inf).argmax(-1) "
                   f"for part in (start_scores, end_scores)){CHOSEN}\n"
                   "    place = place.masked_fill((last < first) | (last - first >= longest), 0)")),
    start_first=("the best start is chosen first, then an end for it: the sum of both should be as high as it can be.",
        edit(BEST, "first = start_scores.masked_fill(~context, -math.inf).argmax(-1)\n"
                   "    rows = scores.masked_fill(~allowed, -math.inf)\n"
                   "    last = rows.gather(-2, first[..., None, None].expand(*first.shape, 1, position))[..., 0, :]"
                   f".argmax(-1){CHOSEN}")),
    end_first=("the best end is chosen first, then a start for it: the sum of both should be as high as it can be.",
        edit(BEST, "last = end_scores.masked_fill(~context, -math.inf).argmax(-1)\n"
                   "    rows = scores.masked_fill(~allowed, -math.inf)\n"
                   "    first = rows.gather(-1, last[..., None, None].expand(*last.shape, position, 1))[..., 0]"
                   f".argmax(-1){CHOSEN}")),
    any_order=("the end may stand before the start: first <= last.", edit(NEAR, ".tril(longest - 1)")),
    strictly_after=("an answer may be one token: first <= last, not first < last.",
        edit(NEAR, ".triu(1).tril(longest - 1)")),
    one_too_long=("answers are one token too long: last < first + longest.", edit("longest - 1", "longest")),
    one_too_short=("answers of exactly `longest` tokens are left out: last < first + longest.",
        edit("longest - 1", "longest - 2")),
    any_length=("`longest` is not used.", edit(NEAR, ".triu()")),
    everywhere=("the context is not used: the question and the padding are no answers.", edit(ALLOWED, "near")),
    end_anywhere=("the last token may stand outside the context.", edit(" & context[..., None, :]", "")),
    start_anywhere=("the first token may stand outside the context.", edit(" & context[..., :, None]", "")),
    inverted=("the context is used the wrong way round: True is where an answer may stand.",
        edit(ALLOWED, "near & ~context[..., :, None] & ~context[..., None, :]")),
    times=("the two scores are added, not multiplied.", edit(PAIRS, PAIRS.replace("+", "*"))),
    chances_added=("the scores themselves are added, not the probabilities.",
        edit(PAIRS, "start_scores.softmax(-1)[..., :, None] + end_scores.softmax(-1)[..., None, :]"),
        edit("    position =", "    start_scores, end_scores = start_scores.softmax(-1), end_scores.softmax(-1)\n"
             "    position =")),
    start_alone=("the end scores do not count: start score plus end score.",
        edit(PAIRS, "start_scores[..., :, None] + 0 * end_scores[..., None, :]")),
    end_alone=("the start scores do not count: start score plus end score.",
        edit(PAIRS, "0 * start_scores[..., :, None] + end_scores[..., None, :]")),
    roles_swapped=("start and end scores are mixed up.",
        edit(PAIRS, "end_scores[..., :, None] + start_scores[..., None, :]")),
    zeroed=("a score of 0 is a score, and a good one where all are negative: what is not allowed gets -inf.",
        edit("masked_fill(~allowed, -math.inf)", "masked_fill(~allowed, 0.0)")),
    small=("a large negative number is not low enough: what is not allowed gets -inf.",
        edit("masked_fill(~allowed, -math.inf)", "masked_fill(~allowed, -1e4)"),
        edit("masked_fill(~allowed, -math.inf)", "masked_fill(~allowed, -1e4)",
             "nothing = (best == -math.inf)", "nothing = ~context.any(-1)"),
        edit("masked_fill(~allowed, -math.inf)", "masked_fill(~allowed, -1e3)"),),
    always_one=("there is always an answer: position 0 stands for none, where it wins by more than the margin.",
        edit(NULL, "(best == math.inf)")),
    margin_ignored=("the margin is not used.", edit("- best > margin", "- best > 0")),
    margin_turned=("the sign of the margin: position 0 has to be better than the best answer by more than it.",
        edit("- best > margin", "- best > -margin"), edit("- best > margin", "+ margin > best")),
    other_way_round=("the comparison is the wrong way round: no answer where position 0 is better.",
        edit(NULL, f"best - ({NULL.removesuffix(' - best > margin')}) > margin")),
    or_equal=("exceed by the margin means more than it: `>`, not `>=`.", edit("best > margin", "best >= margin")),
    without_best=("what position 0 has is compared with the margin: it is its lead over the best answer.",
        edit("- best > margin", "> margin")),
    by_the_start=("of position 0 only the start score counts: both, as for an answer.",
        edit("start_scores[..., 0] + end_scores[..., 0]", "start_scores[..., 0]")),
    by_the_end=("of position 0 only the end score counts: both, as for an answer.",
        edit("start_scores[..., 0] + end_scores[..., 0]", "end_scores[..., 0]")),
    null_is_a_span=("position 0 takes part as a span like any other: its lead is compared with the margin.",
        edit(BEST, "context = context | (torch.arange(position) == 0)\n    allowed = " + ALLOWED + f"\n    {BEST}")),
    together=("the best of all texts is one place: one answer for each text.",
        edit(".flatten(-2).max(-1)", ".flatten().max(-1)")),
    swapped=("the first token comes first, then the last.", edit(FOUND, "return place % position, place // position")),
    place=("place holds both, row by row: place // position is the first token, place % position the last.",
        edit(FOUND, "return place, place")),
    end_excluded=("`last` is the last token itself, not the one after it.",
        edit(FOUND, "return place // position, place % position + 1")),
    length=("the second result is the last token, not the number of tokens.",
        edit(FOUND, "return place // position, place % position - place // position + 1")),
    in_the_context=("the tokens are counted from the beginning of the context: count all of them.",
        edit(FOUND, "begin = context.int().argmax(-1)\n"
                    "    return (place // position - begin).clamp(min=0), (place % position - begin).clamp(min=0)")),
    floats=("tokens are counted in whole numbers (int64).", edit("place // position", "(place / position).floor()")),
    no_error=("an answer has a token at least: for longest below 1, ValueError is asked for.",
        edit("longest < 1", "False")),
    zero_passes=("an answer has a token at least: longest = 0 is below 1.", edit("longest < 1", "longest < 0")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- answer_f1


def pairs(exercise, **table):
    """Probes of pairs of answers: the label is the pair itself."""
    for label, answers in table.items():
        words = "; ".join(f"{written!r} against {right!r}" for written, right in answers)
        exercise.probe(f"{label.replace('_', ' ')}: {words}")(
            lambda answer, rng, answers=answers: [answer(written, right) for written, right in answers]
        )


pairs(
    answer_f1,
    two_words_in_common=[("Eiffel Tower", "Eiffel Tower in Paris")],
    another_order=[("Tower Eiffel", "Eiffel Tower")],
    nothing_in_common=[("Paris", "Rome"), ("art", "smart cart"), ("Parisian", "Paris")],
    words_that_come_twice=[("very very good", "very good good good"), ("duran duran", "duran"), ("no", "no no no")],
    articles_capitals_and_punctuation=[("The Eiffel Tower!", "eiffel tower"), ("a U.S. army", "an army of the US")],
    an_empty_answer=[("", "Paris"), ("Paris", ""), ("", "")],
    nothing_but_articles_and_signs=[("the", "an ..."), ("!", ""), ("the", "the Seine"), ("a cat", "the")],
)


@answer_f1.probe("300 words against 200 of ten kinds")
def _(answer, rng):
    dice = random.Random(rng.initial_seed())
    written, right = ([dice.choice("bcdefghijk") for _ in range(n)] for n in (300, 200))
    return answer(" ".join(written), " ".join(right))


BOTH, SHARED = "not mine and not theirs", "(Counter(mine) & Counter(theirs)).total()"
F1 = "2 * shared / (len(mine) + len(theirs))"
SPLIT = "plain_answer(written).split(), plain_answer(right).split()"
# fmt: off
answer_f1.mistakes(
    not_plain=("the answers are compared as they are: make both plain first.",
        edit(SPLIT, "written.split(), right.split()")),
    written_not_plain=("the written answer is not made plain; both of them should be.",
        edit("plain_answer(written)", "written")),
    right_not_plain=("the right answer is not made plain; both of them should be.",
        edit("plain_answer(right)", "right")),
    small_letters=("small letters are not all: punctuation and articles go too (plain_answer).",
        edit(SPLIT, "written.lower().split(), right.lower().split()")),
    with_articles=("the articles a, an and the do not count (plain_answer).",
        edit(SPLIT, "*(''.join(s for s in text.lower() if s not in string.punctuation).split() "
                    "for text in (written, right)),")),
    kinds=("each word counts once in what both have; count it as often as it stands in both.",
        edit(SHARED, "len(set(mine) & set(theirs))")),
    all_kinds=("words that come twice count twice, in both answers and in what they share.",
        edit(SPLIT, "set(plain_answer(written).split()), set(plain_answer(right).split())")),
    unclipped=("a written word counts every time, however often the right answer has it; take the smaller count.",
        edit(SHARED, "sum(word in theirs for word in mine)")),
    unclipped_right=("a right word counts every time, however often it was written; take the smaller count.",
        edit(SHARED, "sum(word in mine for word in theirs)")),
    larger=("the larger of the two counts is taken (`|`): take the smaller, `&`.", edit(" & ", " | ")),
    precision=("this is the precision: the harmonic mean of precision and recall is asked for.",
        edit(F1, "shared / max(1, len(mine))")),
    recall=("this is the recall: the harmonic mean of precision and recall is asked for.",
        edit(F1, "shared / max(1, len(theirs))")),
    mean=("this is the plain mean of precision and recall: the harmonic one is 2PR / (P + R).",
        edit(F1, "(shared / max(1, len(mine)) + shared / max(1, len(theirs))) / 2")),
    product=("precision times recall: the harmonic mean is 2PR / (P + R).",
        edit(F1, "shared * shared / max(1, len(mine) * len(theirs))")),
    geometric=("this is the geometric mean: the harmonic one is 2PR / (P + R).",
        edit(F1, "shared / math.sqrt(max(1, len(mine) * len(theirs)))")),
    no_two=("the harmonic mean of P and R is 2PR / (P + R): the 2 is missing.", edit("2 * shared", "shared")),
    union=("this is the share of all words that both have: the harmonic mean divides by the mean number of words.",
        edit(F1, "shared / (len(mine) + len(theirs) - shared)")),
    exact=("all or nothing: that is exact match, F1 counts the words that are right.",
        edit(F1, "float(mine == theirs)")),
    any_word=("one right word is not all: count them.", edit(F1, "float(shared > 0)")),
    in_order=("words are compared place by place: a word counts wherever it stands.",
        edit(SHARED, "sum(a == b for a, b in zip(mine, theirs))")),
    letters=("letters are compared: compare words.",
        edit(SPLIT, "list(plain_answer(written)), list(plain_answer(right))")),
    inside=("a word inside another one is not that word: compare whole words.",
        edit(SHARED, "sum(any(word in other for other in theirs) for word in mine)"),
        edit(SHARED, "sum(word in plain_answer(right) for word in mine)")),
    empty_is_zero=("two answers without words agree: 1.", edit("return 1.0", "return 0.0")),
    empty_divides=("two answers without words agree: 1, and nothing is divided by 0.", edit(BOTH, "False")),
    one_empty_is_right=("where one answer has no words and the other has some, 0.",
        edit(BOTH, "not mine or not theirs")),
    right_empty_is_right=("where the right answer has no words, a written one with words gets 0.",
        edit(BOTH, "not theirs")),
    written_empty_is_right=("an answer without words is right only where the right one has none.",
        edit(BOTH, "not mine")),
    empty_before=("whether an answer is empty is seen when it is plain: 'the' has no words left.",
        edit(BOTH, "not written and not right", F1, "2 * shared / max(1, len(mine) + len(theirs))")),
    nothing_shared=("where no word is shared, P + R is 0, and nothing may be divided by it: the result is 0.",
        edit(F1, "2 / (len(mine) / shared + len(theirs) / shared)")),
    percent=("0 to 1 is asked for, not percent.", edit("return 2 *", "return 100 * 2 *", "return 1.0", "return 100.0")),
    rounded=("the result is rounded; return it as it is.", edit(F1, f"round({F1}, 2)")),
    both=("precision and recall come back: one number, their harmonic mean.",
        edit(f"return {F1}", "return shared / max(1, len(mine)), shared / max(1, len(theirs))")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- questions

target_length = Question(
    "target_length",
    lambda: len(spans.corrupt_spans(range(100), spans.random_spans(100, random.Random(0)), sentinels=range(-20, 0))[1]),
    "15 hidden tokens, 5 sentinels before their spans, and one sentinel at the end. The inputs are 100 - 15 + 5 = 90 "
    "tokens.",
    "Write the target of 'thank <X> inviting <Y>' once more, and count hidden tokens and sentinels apart.",
    hints=(
        (15, "Those are the hidden tokens: the sentinels before them are written too."),
        (20, "One sentinel more says that nothing follows."),
        (90, "Those are the inputs, which the encoder reads: the decoder's target is asked for."),
        (100, "That would be the whole text again: only the hidden tokens are written, and sentinels."),
        (111, "That is both sides together: only the decoder's target is asked for."),
    ),
)
far_bucket = Question(
    "far_bucket",
    lambda: relative_buckets(torch.tensor(20)).item(),
    "A side has 16 buckets, 8 of them exact: 8 + 8 · 0.916 / 2.773 = 10.6, rounded down 10; and the key stands after "
    "the query, so 16 more.",
    "Which half of the buckets is for keys after the query, how many buckets has a side, and how many of these are "
    "exact?",
    hints=(
        (10, "That is the bucket of a key 20 places before the query."),
        (20, "Only the distances 0 to 7 have a bucket of their own."),
        (36, "Only the distances 0 to 7 have a bucket of their own; and there are 32 buckets in all."),
        (27, "Near: the number is rounded down, not to the nearest."),
        (11, "The number is rounded down, not to the nearest; and this key stands after the query."),
    ),
)
query_std = Question(
    "query_std",
    lambda: 1 / math.sqrt(512 * 64),
    "A number of q is a sum of 512 products, a score a sum of 64: with W's variance σ² a score has the variance "
    "512 · 64 · σ². It is 1 for σ = 1/√32,768. A Linear that keeps variances begins with 1/√512, eight times as much.",
    "The variance of a sum of independent products of mean 0 is their number times the product of both variances. "
    "Which variance must q's numbers have for the scores, and of how many products is each of them a sum?",
    hints=(
        (1 / 64, "That is the variance that q's numbers must have. Each of them is a sum of 512 products with W."),
        (1 / 8, "That is the standard deviation that q's numbers must have: each is a sum of 512 products with W."),
        (1 / (512 * 64), "That is the variance of W's numbers: the standard deviation is its square root."),
        (1 / math.sqrt(512), "Then q's numbers have the variance 1, and the scores, sums of 64 products, 64."),
        (1 / 512, "That is a variance, with which q's numbers have the variance 1; and then the scores have 64."),
        (1 / (8 * 512), "Near: of both sums the square root is taken, of the 512 products too."),
    ),
    within=1e-2,
)
candidate_spans = Question(
    "candidate_spans",
    lambda: int(torch.ones(200, 200).triu().tril(29).sum()),
    "30 spans begin at each of the first 171 tokens, and 29, 28 ... 1 at the last 29: 171 · 30 + 29 · 30 / 2. All "
    "pairs of tokens would be 40,000.",
    "How many spans begin at the first token of the context? And how many at the last one?",
    hints=(
        (6_000, "Near: but the last 29 tokens have no room for 30."),
        (40_000, "These are all pairs: the last token cannot stand before the first, nor too far behind it."),
        (20_100, "That is any length: an answer has at most 30 tokens."),
        (5_365, "Near: an answer may be one token, whose first is its last."),
        (5_735, "Near: this allows 31 tokens."),
        (5_394, "Near: this allows 29 tokens, and 30 are allowed."),
    ),
)
guessed_places = Question(
    "guessed_places",
    lambda: sum(math.comb(2, others) * 0.75**others * 0.25 ** (2 - others) / (1 + others) for others in range(3)),
    "Both others are placed in 9 of 16 worlds, one in 6, none in 1: 9/16 · 1/3 + 6/16 · 1/2 + 1/16 · 1. A reader that "
    "knows what kind of answer is wanted and nothing else is this good.",
    "In how many of 16 worlds are both of the other people placed, one of them, neither? Among how many places does it "
    "choose in each case?",
    hints=(
        (1 / 3, "That is right where all three places are told."),
        (4 / 9, "Near: 1 over the mean number of places is not the mean of 1 over their number."),
        (0.5, "That would be two places in every world: sometimes there is one, mostly there are three."),
        (1 / 24, "It does not choose among all the places that there are, but among those of this text."),
    ),
    within=1e-2,
)
