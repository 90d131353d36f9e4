"""The checks of notebook 12, second part: the repetition penalty and the loop that writes."""

import itertools
import math

import torch
from torch.nn import functional

from lib.checks.core import Exercise
from lib.checks.differences import kind_of
from lib.checks.probing import raises
from lib.checks.running import Problem
from lib.decoding import sampling as course

# ------------------------------------------------------------------------------------------------ repetition_penalty

repetition_penalty = Exercise(course.repetition_penalty)


def _logits(rng, *shape):
    return torch.randn(*shape, generator=rng) * 2


@repetition_penalty.probe("the logits 2, −2, 0.5, −0.5, 1; the first four tokens were written; penalty 2")
def _(answer, rng):
    return answer(torch.tensor([2.0, -2.0, 0.5, -0.5, 1.0]), torch.tensor([0, 1, 2, 3]), 2.0)


@repetition_penalty.probe("token 2 was written three times")
def _(answer, rng):
    return answer(torch.tensor([2.0, -2.0, 1.0, -1.0]), torch.tensor([2, 3, 2, 2]), 1.5)


@repetition_penalty.probe("three rows, each with its own text of two tokens")
def _(answer, rng):
    return answer(_logits(rng, 3, 7), torch.tensor([[0, 1], [2, 2], [3, 1]]), 1.3)


@repetition_penalty.probe("rows in two leading dimensions, each with a text of 13 tokens")
def _(answer, rng):
    return answer(_logits(rng, 2, 3, 29), torch.randint(29, (2, 3, 13), generator=rng), 1.3)


@repetition_penalty.probe("the penalty 0.8, which makes likelier what was written")
def _(answer, rng):
    return answer(torch.tensor([[2.0, -2.0, 1.0]]), torch.tensor([[0, 1]]), 0.8)


@repetition_penalty.probe("a written token that was left out (logit -inf)")
def _(answer, rng):
    return answer(torch.tensor([1.0, -math.inf, 0.0, -1.0]), torch.tensor([1, 2, 3]), 1.3)


@repetition_penalty.probe("nothing written yet")
def _(answer, rng):
    return answer(_logits(rng, 5), torch.tensor([], dtype=torch.long), 1.3)


@repetition_penalty.probe("the penalties 0, -1.2 and infinity, for which a ValueError is asked, and 1")
def _(answer, rng):
    logits, ids = torch.tensor([2.0, 1.0]), torch.tensor([0])
    return {f"the value {value}": raises(ValueError, answer, logits, ids, value) for value in (0, -1.2, math.inf, 1)}


def _penalty_mistake(sentence, name, change, whom=None):
    """change(logits, penalty): what happens to a token; whom(logits, ids): to which, (..., vocab) bool."""

    def answer(logits, ids, penalty):
        chosen = whom(logits, ids) if whom else torch.zeros_like(logits).scatter(-1, ids, 1.0) > 0
        return torch.where(chosen, change(logits, penalty), logits)

    answer.__name__ = name
    repetition_penalty.mistake(sentence)(answer)


def _signed(x, penalty):
    return torch.where(x > 0, x / penalty, x * penalty)


def _count(logits, ids):
    return torch.zeros_like(logits).scatter_add(-1, ids, torch.ones(ids.shape, dtype=logits.dtype))


_penalty_mistake("the smaller of both is wrong for a penalty below 1. Go by the sign of the logit.", "smaller",
                 lambda x, penalty: torch.minimum(x / penalty, x * penalty))  # fmt: skip
_penalty_mistake("dividing a negative logit raises it: −2 / 2 = −1. Multiply those.", "always_divided",
                 lambda x, penalty: x / penalty)  # fmt: skip
_penalty_mistake("multiplying a positive logit raises it. Divide those.", "always_multiplied",
                 lambda x, penalty: x * penalty)  # fmt: skip
_penalty_mistake("the signs are the wrong way round: this rewards what was written. Divide the positive.", "rewards",
                 lambda x, penalty: torch.where(x > 0, x * penalty, x / penalty))  # fmt: skip
_penalty_mistake("subtracting is another rule (the presence penalty). Here: divide or multiply.", "subtracted",
                 lambda x, penalty: x - penalty)  # fmt: skip
_penalty_mistake("the token may not come back at all here; it should only be less likely.", "forbidden",
                 lambda x, penalty: torch.full_like(x, -math.inf))  # fmt: skip
_penalty_mistake("all tokens are lowered; only those that were written should be.", "everybody", _signed,
                 lambda x, ids: torch.ones_like(x, dtype=torch.bool))  # fmt: skip
_penalty_mistake("those that were *not* written are lowered.", "the_others", _signed,
                 lambda x, ids: _count(x, ids) == 0)  # fmt: skip
_penalty_mistake("only the last token is lowered; all that were written should be.", "last_only", _signed,
                 lambda x, ids: _count(x, ids[..., -1:]) > 0)  # fmt: skip
_penalty_mistake("what one row has written lowers the tokens of all rows. Each row has its own text.", "all_rows",
                 _signed, lambda x, ids: torch.isin(torch.arange(x.shape[-1]), ids).expand_as(x))  # fmt: skip


@repetition_penalty.mistake("a token counts once, however often it was written.")
def once_for_each_time(logits, ids, penalty):
    times = penalty ** _count(logits, ids)
    return torch.where(logits > 0, logits / times, logits * times)


@repetition_penalty.mistake(
    "several rows: `logits[ids]` takes whole rows. Use gather(-1, ids) and scatter(-1, ids, ...)."
)
def one_row_only(logits, ids, penalty):
    lowered = logits.clone()
    lowered[ids] = _signed(logits[ids], penalty)
    return lowered


@repetition_penalty.mistake("only the lowered logits come back; the whole row is asked for: scatter them into it.")
def only_the_lowered(logits, ids, penalty):
    return _signed(logits.gather(-1, ids), penalty)


@repetition_penalty.mistake("the probabilities are divided; the rule is for logits.")
def on_probabilities(logits, ids, penalty):
    probabilities = logits.softmax(-1)
    return probabilities.scatter(-1, ids, probabilities.gather(-1, ids) / penalty)


# ---------------------------------------------------------------------------------------------------------- generate

generate = Exercise(course.generate)
MANY = 40  # more than any probe asks for: endless answers are cut off here


def _count_up(ids):
    """A model that is sure: after token n comes n + 1, and after 9 comes 0."""
    return functional.one_hot(torch.tensor((ids[-1] + 1) % 10), 10).float()


def _likeliest(logits, ids):
    return logits.argmax().item()


class Prompt(list):
    """A prompt that must be left alone. Writing begins after the call, when a comparison would come too soon."""

    def _complain(self, *_):
        raise Problem("changes its input", "your code appends to the caller's list, `ids`. Make a copy: `list(ids)`.")

    append = extend = insert = __iadd__ = __setitem__ = _complain


def _written(answer, next_logits, ids, *rest):
    """What an answer writes, as a list."""
    made = answer(next_logits, Prompt(ids), *rest)
    return list(itertools.islice(made, MANY)) if hasattr(made, "__iter__") else made


@generate.probe("a model that counts up from 7, limit 5")
def _(answer, rng):
    return _written(answer, _count_up, [3, 7], 5, _likeliest)


@generate.probe("a model whose next token is the sum of all before it")
def _(answer, rng):
    return _written(
        answer, lambda ids: functional.one_hot(torch.tensor(sum(ids) % 10), 10).float(), [3, 4], 6, _likeliest
    )


@generate.probe("a pick that looks at what was written: the likeliest token that is not there yet")
def _(answer, rng):
    return _written(
        answer, lambda ids: torch.arange(10.0), [9, 3], 6,
        lambda logits, ids: logits.masked_fill(torch.isin(torch.arange(10), torch.tensor(ids)), -9e9).argmax().item(),
    )  # fmt: skip


@generate.probe("two tokens taken of a thousand: how often was the model asked?")
def _(answer, rng):
    calls = []

    def model(ids):
        if not isinstance(ids, list | tuple):
            raise Problem("no list", f"`next_logits` gets {kind_of(ids)}. Models with a cache want a list of ids.")
        calls.append(len(ids))
        return _count_up(ids)

    return list(itertools.islice(answer(model, [7], 1000, _likeliest), 2)), calls[:10]


@generate.probe("the stop sequences [5, 6], [0, 1, 2] and [5, 0], counting up from 7")
def _(answer, rng):
    return _written(answer, _count_up, [7], 25, _likeliest, [[5, 6], [0, 1, 2], [5, 0]])


@generate.probe("the stop sequences [1, 0] and [10, 11], counting up from 9")
def _(answer, rng):
    return _written(
        answer, lambda ids: functional.one_hot(torch.tensor(ids[-1] + 1), 30).float(), [9], 6, _likeliest,
        [[1, 0], [10, 11]],
    )  # fmt: skip


@generate.probe("the limit 0")
def _(answer, rng):
    return _written(answer, _count_up, [7], 0, _likeliest)


@generate.probe("the stop sequence (7, 8), a tuple, where 7 is the end of the prompt")
def _(answer, rng):
    return _written(answer, _count_up, [7], 15, _likeliest, [(7, 8)])


def _writing(append=True, whole=True, limit=0, lazy=True, keep_stop=True, ends="sequence", prompt_counts=False,
             first_only=False, by_hand=None, to_pick=None, with_prompt=False, least=0):  # fmt: skip
    """The loop with one slip in it."""

    def write(next_logits, ids, length, pick, stop=()):
        prompt, ids, written = list(ids), list(ids), []
        if with_prompt:
            yield from ids
        for _ in range((length or least) + limit):
            logits = next_logits(ids if whole else ids[-1:])
            new = by_hand(logits) if by_hand else pick(logits, {"prompt": prompt, "written": written}.get(to_pick, ids))
            if append:
                ids.append(new)
            written.append(new)
            text = ids if prompt_counts else written
            if ends == "sequence":
                done = any(text[-len(end) :] == list(end) for end in (stop[:1] if first_only else stop))
            elif ends == "digits":
                done = any("".join(map(str, end)) in "".join(map(str, written)) for end in stop)
            elif ends == "anywhere":
                done = any(all(token in written for token in end) for end in stop)
            elif ends == "as given":
                done = any(text[-len(end) :] == end for end in stop)
            elif ends == "later":
                done = any(len(text) > len(end) and text[-len(end) :] == list(end) for end in stop)
            else:
                done = ends == "token" and any(new in end for end in stop)
            if keep_stop or not done:
                yield new
            if done:
                return

    return write if lazy else lambda *arguments: list(write(*arguments))


for _sentence, _name, _slips in [
    ("a list equals no tuple: `list(end)` first.", "tuple", {"ends": "as given"}),
    ("a stop sequence must be written in one piece and in order; its tokens here and there are not enough.", "anywhere",
     {"ends": "anywhere"}),
    ("a stop sequence may be all that was written so far.", "later", {"ends": "later"}),
    ("digits are compared: the ids 1, 0 are not the id 10. Compare lists of ids.", "digits", {"ends": "digits"}),
    ("with the limit 0 nothing is written: look at the limit first.", "at_least_one", {"least": 1}),
    ("with the limit 0 nothing is written: look at the limit first.", "without_end", {"least": MANY}),
    ("`pick` gets the prompt only; give it all ids so far, the new ones too.", "pick_prompt", {"to_pick": "prompt"}),
    ("the new token is not appended: the model sees the prompt again and again.", "never_appended", {"append": False}),
    ("the model gets the last token only. Without a cache it needs all ids so far.", "last_token", {"whole": False}),
    ("one token too many: the limit counts what is written.", "one_more", {"limit": 1}),
    ("one token too few: the limit counts what is written.", "one_less", {"limit": -1}),
    ("all is written before any of it is given out. `yield` each token when it is there.", "list", {"lazy": False}),
    ("the stop sequence is written like the rest: yield first, then look whether it is complete.", "stop_cut",
     {"keep_stop": False}),
    ("the stop sequences are not looked at.", "no_stop", {"ends": None}),
    ("the prompt's end counts as written here. Only new tokens may complete a stop sequence.", "prompt_counts",
     {"prompt_counts": True}),
    ("a stop sequence must be written completely and in order; one of its tokens is not enough.", "any_token",
     {"ends": "token"}),
    ("only the first stop sequence is looked at.", "first_stop", {"first_only": True}),
    ("always the likeliest: `pick` is not used.", "greedy", {"by_hand": lambda x: x.argmax().item()}),
    ("`pick` gets all ids so far, the prompt too.", "pick_without_prompt", {"to_pick": "written"}),
    ("the prompt is given out too; only new tokens are asked for.", "with_prompt", {"with_prompt": True}),
]:  # fmt: skip
    _answer = _writing(**_slips)
    _answer.__name__ = _name
    generate.mistake(_sentence)(_answer)
