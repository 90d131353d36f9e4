"""The checks of notebook 12, second part: the repetition penalty and the loop that writes."""

import itertools
import math

import torch
from torch.nn import functional

from lib.checks.core import Exercise, edit
from lib.checks.differences import kind_of
from lib.checks.probing import raises, single_calls
from lib.checks.running import Problem
from lib.checks.sampling_tails import random_logits
from lib.decoding import sampling as course

# ------------------------------------------------------------------------------------------------ repetition_penalty

repetition_penalty = Exercise(course.repetition_penalty)


single_calls(
    repetition_penalty,
    {
        "the logits 2, −2, 0.5, −0.5, 1; the first four tokens were written; penalty 2": lambda rng: (
            torch.tensor([2.0, -2.0, 0.5, -0.5, 1.0]),
            torch.tensor([0, 1, 2, 3]),
            2.0,
        ),
        "token 2 was written three times; the logits of what was written are 0.01 and -0.01": lambda rng: (
            torch.tensor([2.0, -2.0, 0.01, -0.01]),
            torch.tensor([2, 3, 2, 2]),
            1.5,
        ),
        "three rows, each with its own text of two tokens": lambda rng: (
            random_logits(rng, 3, 7),
            torch.tensor([[0, 1], [2, 2], [3, 1]]),
            1.3,
        ),
        "rows in two leading dimensions, each with a text of 13 tokens": lambda rng: (
            random_logits(rng, 2, 3, 29),
            torch.randint(29, (2, 3, 13), generator=rng),
            1.3,
        ),
    },
)


@repetition_penalty.probe(
    "64-bit logits in four leading dimensions, more tokens written than there are in the vocabulary"
)
def _(answer, rng):
    return answer(random_logits(rng, 2, 1, 3, 2, 5).double(), torch.randint(5, (2, 1, 3, 2, 7), generator=rng), 1.2)


@repetition_penalty.probe("a text of 300 tokens, ids up to 50,256")
def _(answer, rng):
    ids = torch.cat([torch.randint(50_257, (299,), generator=rng), torch.tensor([50_256])])
    return answer(random_logits(rng, 50_257), ids, 1.2)


single_calls(
    repetition_penalty,
    {
        "the penalty 0.8, which makes likelier what was written, logits of 2,000": lambda rng: (
            torch.tensor([[2000.0, -2000.0, 1.0]]),
            torch.tensor([[0, 1]]),
            0.8,
        ),
        "a written token that was left out (logit -inf)": lambda rng: (
            torch.tensor([1.0, -math.inf, 0.0, -1.0]),
            torch.tensor([1, 2, 3]),
            1.3,
        ),
        "nothing written yet": lambda rng: (random_logits(rng, 5), torch.tensor([], dtype=torch.long), 1.3),
    },
)


@repetition_penalty.probe("token 3 was written 256 times: is it less likely then?", varied=False)
def _(answer, rng):
    logits = random_logits(rng, 5)
    return {"token 3 is less likely": answer(logits, torch.full((256,), 3), 1.3)[3].item() < logits[3].item()}


@repetition_penalty.probe("the penalties 0, -1.2 and infinity, for which a ValueError is asked, and 1")
def _(answer, rng):
    logits, ids = torch.tensor([2.0, 1.0]), torch.tensor([0])
    tried = (0, -1.2, math.inf, 1)
    return {f"what happens at {value}": raises(ValueError, answer, logits, ids, value) for value in tried}


SEEN, LOWERED = "seen = logits.gather(-1, ids)", "torch.where(seen > 0, seen / penalty, seen * penalty)"
BACK = "return logits.scatter(-1, ids, lowered)"
EVERYBODY = LOWERED.replace("seen", "logits")
# fmt: off
repetition_penalty.mistakes(
    smaller=("the smaller of both is wrong for a penalty below 1. Go by the sign of the logit.",
        edit(LOWERED, "torch.minimum(seen / penalty, seen * penalty)")),
    always_divided=("dividing a negative logit raises it: −2 / 2 = −1. Multiply those.",
        edit(LOWERED, "seen / penalty")),
    always_multiplied=("multiplying a positive logit raises it. Divide those.", edit(LOWERED, "seen * penalty")),
    rewards=("the signs are the wrong way round: this rewards what was written. Divide the positive.",
        edit(LOWERED, "torch.where(seen > 0, seen * penalty, seen / penalty)")),
    subtracted=("subtracting is another rule (the presence penalty). Here: divide or multiply.",
        edit(LOWERED, "seen - penalty")),
    forbidden=("the token may not come back at all here; it should only be less likely.",
        edit(LOWERED, "torch.full_like(seen, -math.inf)")),
    everybody=("all tokens are lowered; only those that were written should be.", edit(BACK, f"return {EVERYBODY}")),
    the_others=("those that were *not* written are lowered.", edit(BACK, f"return {EVERYBODY}.scatter(-1, ids, seen)")),
    last_only=("only the last token is lowered; all that were written should be.",
        edit(SEEN, f"ids = ids[..., -1:]\n    {SEEN}")),
    all_rows=("what one row has written lowers the tokens of all rows. Each row has its own text.",
        edit(SEEN, f"ids = ids.reshape(-1).expand(*logits.shape[:-1], -1)\n    {SEEN}")),
    once_for_each_time=("a token counts once, however often it was written.",
        edit(SEEN, f"penalty = penalty ** (ids[..., None] == ids[..., None, :]).sum(-1)\n    {SEEN}")),
    one_row_only=(
        "several rows: `logits[ids]` takes whole rows. Use gather(-1, ids) and scatter(-1, ids, ...).",
        edit(
            "logits.gather(-1, ids)",
            "logits[ids]",
            BACK,
            "logits = logits.clone()\n    logits[ids] = lowered\n    return logits",
        ),
    ),
    only_the_lowered=("only the lowered logits come back; the whole row is asked for: scatter them into it.",
        edit(BACK, "return lowered")),
    on_probabilities=("the probabilities are divided; the rule is for logits.",
        edit(SEEN, f"logits = logits.softmax(-1)\n    {SEEN}")),
    no_guard=("a penalty that is not above 0, or is infinite, is to be refused: raise ValueError.",
        edit("if not 0 < penalty < math.inf:", "if False:")),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------------- generate

generate = Exercise(course.generate)
MANY = 400  # more than any probe asks for: endless answers are cut off here


def _one_hot(token, vocab=10):
    return functional.one_hot(torch.tensor(token), vocab).float()


def _count_up(ids):
    """A model that is sure: after token n comes n + 1, and after 9 comes 0."""
    return _one_hot((ids[-1] + 1) % 10)


def _likeliest(logits, ids):
    return logits.argmax().item()


class Prompt(list):
    """A prompt that must be left alone. Writing begins after the call, when a comparison would come too soon."""

    def _complain(self, *_):
        raise Problem("changes its input", "your code appends to the caller's list, `ids`. Make a copy: `list(ids)`.")

    append = extend = insert = __iadd__ = __setitem__ = _complain


def _counted(next_logits):
    """The model, and a loop around it that never ends comes to an end."""
    calls = []

    def model(ids):
        calls.append(True)
        if len(calls) > MANY:
            raise Problem("endless", f"the model was asked over {MANY} times, far beyond the limit: does the loop end?")
        return next_logits(ids)

    return model


def _written(answer, next_logits, ids, *rest):
    """What an answer writes, as a list."""
    made = answer(_counted(next_logits), Prompt(ids), *rest)
    if not hasattr(made, "__iter__"):
        return made
    return list(itertools.islice(made, MANY))


@generate.probe("a model that counts up from 7, limit 5")
def _(answer, rng):
    return _written(answer, _count_up, [3, 7], 5, _likeliest)


@generate.probe("a model whose next token is the sum of all before it, after a prompt of 1,100 ids")
def _(answer, rng):
    return _written(answer, lambda ids: _one_hot(sum(ids) % 10), [*range(1100)], 6, _likeliest)


@generate.probe("a pick that gives 0-d tensors, as `sample` does, another one each time; the stop sequence [6, 1]")
def _(answer, rng):
    calls = itertools.count(1)  # as a generator would: who picks twice gets another token
    return _written(answer, _count_up, [7], 9, lambda logits, ids: (logits.argmax() + next(calls)) % 10, [[6, 1]])


@generate.probe("a pick that looks at what was written: the likeliest token that is not there yet")
def _(answer, rng):
    def pick(logits, ids):
        return logits.masked_fill(torch.isin(torch.arange(10), torch.tensor(ids)), -9e9).argmax().item()

    return _written(answer, lambda ids: torch.arange(10.0), [9, 3], 6, pick)


@generate.probe("two tokens taken of a thousand, then three of three: how often was the model asked?")
def _(answer, rng):
    calls = []

    def model(ids):
        if not isinstance(ids, list | tuple):
            raise Problem("no list", f"`next_logits` gets {kind_of(ids)}. Models with a cache want a list of ids.")
        calls.append(len(ids))
        return _count_up(ids)

    taken = list(itertools.islice(answer(model, [7], 1000, _likeliest), 2))
    asked = calls[:10]
    calls.clear()
    all_three = list(itertools.islice(answer(model, [7], 3, _likeliest), MANY))
    return {
        "the two tokens": taken,
        "how many ids the model was given, time by time": asked,
        "the three tokens": all_three,
        "how many ids the model was given for three, time by time": calls[:10],
    }


@generate.probe("the stop sequences [5, 6], [9, 0, 1, 2, 3, 4] and [5, 0], counting up from 7")
def _(answer, rng):
    return _written(answer, _count_up, [7], 25, _likeliest, [[5, 6], [9, 0, 1, 2, 3, 4], [5, 0]])


@generate.probe("the stop sequences [1, 0] and [10, 11], counting up from 9")
def _(answer, rng):
    return _written(answer, lambda ids: _one_hot(ids[-1] + 1, 30), [9], 6, _likeliest, [[1, 0], [10, 11]])


@generate.probe("the stop sequence [50256], counting up from 50,250")
def _(answer, rng):
    return _written(answer, lambda ids: _one_hot(ids[-1] + 1, 50_300), [50_250], 9, _likeliest, [[50_256]])


@generate.probe("the stop sequence [1, 1, 2], where 1, 1, 1, 2 is written, and [1, 2, 1, 3], where 1, 2, 1, 2, 1, 3 is")
def _(answer, rng):
    def written(text, end):
        return _written(
            answer, lambda ids: _one_hot(text[(len(ids) - 1) % len(text)]), [7], len(text), _likeliest, [end]
        )

    return {
        "written up to 1, 1, 2": written([1, 1, 1, 2, 5, 6], [1, 1, 2]),
        "written up to 1, 2, 1, 3": written([1, 2, 1, 2, 1, 3, 5, 6], [1, 2, 1, 3]),
    }


@generate.probe("the stop sequences [2] and [1, 3], where 12, 22 and 11, 3 are written first")
def _(answer, rng):
    text = [12, 22, 11, 3, 2, 5]
    told = lambda ids: _one_hot(text[len(ids) - 1], 30)  # noqa: E731
    return _written(answer, told, [7], len(text), _likeliest, [[2], [1, 3]])


@generate.probe("the limit 300, no prompt at all")
def _(answer, rng):
    return _written(answer, lambda ids: _one_hot(len(ids) % 10), [], 300, _likeliest)


@generate.probe("the limit 0")
def _(answer, rng):
    return _written(answer, _count_up, [7], 0, _likeliest)


@generate.probe("the stop sequence (7, 8), a tuple, where 7 is the end of the prompt")
def _(answer, rng):
    return _written(answer, _count_up, [7], 15, _likeliest, [(7, 8)])


PICK, ENDED = "pick(next_logits(ids), ids)", "written[-len(end) :] == list(end)"
ONE_BY_ONE = "a stop sequence must be written completely and in order; one of its tokens is not enough."
EAGER = "all is written before any of it is given out. `yield` each token when it is there."
LIMIT_FIRST = "with the limit 0 nothing is written: look at the limit first."
# fmt: off
generate.mistakes(
    tuple=("a list equals no tuple: `list(end)` first.", edit(ENDED, "written[-len(end) :] == end")),
    anywhere=("a stop sequence must be written in one piece and in order; its tokens here and there are not enough.",
        edit(ENDED, "set(end) <= set(written)")),
    later=("a stop sequence may be all that was written so far.", edit(ENDED, f"len(written) > len(end) and {ENDED}")),
    digits=("digits are compared: the ids 1, 0 are not the id 10. Compare lists of ids.",
        edit(ENDED, "''.join(map(str, written)).endswith(''.join(map(str, end)))"),
        edit(ENDED, "''.join(map(str, end)) in ''.join(map(str, written))")),
    at_least_one=(LIMIT_FIRST, edit("range(limit)", "range(max(1, limit))")),
    without_end=(LIMIT_FIRST, edit("range(limit)", "range(limit or 10**9)")),
    pick_prompt=(
        "`pick` gets the prompt only; give it all ids so far, the new ones too.",
        edit(
            "ids, written = list(ids), []",
            "ids, written, prompt = list(ids), [], list(ids)",
            "(ids), ids)",
            "(ids), prompt)",
        ),
    ),
    asks_again=("the model is asked once more after the last token: it is asked for each token that is written.",
        edit("            return", "            return\n    next_logits(ids)")),
    picks_twice=("`pick` is asked twice for one token, and may choose another one: keep what it gave.",
        edit("ids.append(new)", "ids.append(int(pick(next_logits(ids), ids)))"),
        edit(f"int({PICK})", "(logits := next_logits(ids)) is None or int(pick(logits, ids))",
             "ids.append(new)", "ids.append(int(pick(logits, ids)))")),
    never_appended=("the new token is not appended: the model sees the prompt again and again.",
        edit("ids.append(new)", "pass")),
    last_token=("the model gets the last token only. Without a cache it needs all ids so far.",
        edit("next_logits(ids)", "next_logits(ids[-1:])"), edit("next_logits(ids)", "next_logits([ids[-1]])")),
    one_more=("one token too many: the limit counts what is written.", edit("range(limit)", "range(limit + 1)")),
    one_less=("one token too few: the limit counts what is written.", edit("range(limit)", "range(limit - 1)")),
    eager=(EAGER,
        edit("yield new", "pass", "            return", "            break\n    yield from written"),
        edit("yield new", "pass", "            return", "            break\n    return written")),
    stop_cut=("the stop sequence is written like the rest: yield first, then look whether it is complete.",
        edit("        yield new\n", "", "            return", "            return\n        yield new")),
    no_stop=("the stop sequences are not looked at.", edit(f"any({ENDED} for end in stop)", "False")),
    prompt_counts=("the prompt's end counts as written here. Only new tokens may complete a stop sequence.",
        edit(ENDED, "ids[-len(end) :] == list(end)")),
    any_token=(ONE_BY_ONE, edit(ENDED, "new in end"), edit(ENDED, "new == end[-1]"), edit(ENDED, "new == end[0]")),
    first_stop=("only the first stop sequence is looked at.", edit("in stop)", "in stop[:1])")),
    all_stops=("one of the stop sequences is enough: any, not all.", edit("if any(", "if stop and all(")),
    same_object=(
        "`is` asks whether two numbers are one object; equal ids above 256 are not. Compare with ==.",
        edit(
            f"any({ENDED} for",
            "any(len(written) >= len(end) and all(a is b for a, b in zip(written[-len(end) :], end)) for",
        ),
    ),
    greedy=("always the likeliest: `pick` is not used.", edit(PICK, "next_logits(ids).argmax()")),
    no_zero_d=("`pick` may give a 0-d tensor, as `sample` does: compare numbers, or make an int of it.",
        edit(f"int({PICK})", PICK, ENDED, "str(written[-len(end) :]) == str(list(end))")),
    pick_without_prompt=("`pick` gets all ids so far, the prompt too.", edit(PICK, "pick(next_logits(ids), written)")),
    with_prompt=("the prompt is given out too; only new tokens are asked for.",
        edit("ids, written = list(ids), []", "ids, written = list(ids), []\n    yield from ids")),
)
# fmt: on


@generate.mistake(
    "a stop sequence may begin anew inside itself: after 1, 1, 1 two of [1, 1, 2] are there. Compare the last tokens."
)
def counts_from_the_start(next_logits, ids, limit, pick, stop=()):
    ids, found = list(ids), [0] * len(stop)
    for _ in range(limit):
        ids.append(int(pick(next_logits(ids), ids)))
        yield ids[-1]
        for i, end in enumerate(stop):
            found[i] = found[i] + 1 if ids[-1] == end[found[i]] else int(ids[-1] == end[0])
            if found[i] == len(end):
                return
