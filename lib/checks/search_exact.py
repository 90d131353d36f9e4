"""Checks of notebook 10: exact search, which drops only what can no longer win."""

import math
from collections.abc import Callable
from functools import partial

import torch

from lib.batching import EOS
from lib.checks.core import Exercise, edit
from lib.checks.running import Problem
from lib.checks.search_lists import late_star, table, tastes
from lib.decoding import search

exact_search = Exercise(search.exact_search, returns=("the ids", "the log-probability"))

NOTHING = (torch.zeros(1, 0, dtype=torch.long), torch.zeros(1, 0, 2))  # the state before the first word


def hearing(log_probs_after: Callable, most: int = 5_000) -> Callable:
    """A step whose logits depend on all words that its state has heard; they are no log-probabilities.

    most: a Problem when more beginnings than this are continued
    """
    left = [most]

    def step(ids, state):
        left[0] -= max(1, len(ids))
        if left[0] < 0:
            sentence = f"your search has continued {most:,} beginnings: drop what is not likelier than the bound."
            raise Problem("endless", sentence)
        written, other = (torch.cat([state[0], ids[:, None]], dim=1), state[1])
        if (ids == EOS).any():
            sentence = "`step` is given <EOS>: a sentence that ends is complete, and nothing follows it."
            raise Problem("goes on after the end", sentence)
        heard = [log_probs_after(row[1:]) for row in written.tolist()]
        logits = torch.stack(heard) if heard else torch.zeros(0, 6)
        return logits + (written.sum(1, keepdim=True) % 3), (written, other), None

    return step


def moody(rng, sharp: float = 2.0, **settings) -> Callable:
    """Like `tastes`, with likelihoods further apart: the best sentences are 2 to 7 tokens long."""
    log_probs_after = tastes(rng, **settings)
    return lambda ids: sharp * log_probs_after(ids)


def steady(end: int, vocab: int = 6) -> Callable:
    """One sentence of `end` tokens that is likelier than all others."""

    def log_probs_after(ids):
        logits = torch.zeros(vocab)
        logits[EOS if len(ids) == end - 1 else vocab - 3 + len(ids) % 3] = 6.2 + math.log(vocab / 6)
        return logits

    return log_probs_after


def certain(rng) -> Callable:
    """The empty sentence has the probability 1, so that no rounding touches its logarithm, 0."""
    return lambda ids: torch.full((6,), -1e4).index_fill(0, torch.tensor(EOS), 0.0)


def hopeless(rng) -> Callable:
    """What is likely never ends. The empty sentence has the log-probability -1000, one word and the end have -800.

    All logits are smaller than that by 1000: `exp` of them is 0.
    """
    likely, unlikely = EOS + 1, EOS + 2

    def log_probs_after(ids):
        told = {(): {EOS: -1000.0, unlikely: -800.0, likely: 0.0}, (unlikely,): {EOS: 0.0}}.get(
            tuple(ids), {likely: 0.0}
        )
        return torch.tensor([told.get(word, -1e4) for word in range(6)]) - 1000

    return log_probs_after


for label, model, bound, limit, sentences in (
    ("the table of the text, bound log 0.29, limit 5", lambda rng: table, math.log(0.29), 5, 1),
    (
        "the likeliest sentence begins with the least likely of 300 words, bound log 0.001",
        lambda rng: late_star(303),
        math.log(0.001),
        6,
        1,
    ),
    ("bound -inf, limit 4: any sentence is likelier", moody, -math.inf, 4, 1),
    ("5 random models, bound -5, limit 13", partial(moody, to_end=-1.0), -5.0, 13, 5),
    ("3 random models, bound -5, limit 11", partial(moody, sharp=3.0, to_end=-2.0), -5.0, 11, 3),
    ("limit 1: only the empty sentence", partial(moody, to_end=2.0), -3.0, 1, 1),
    ("a sentence of 5 tokens, from a vocabulary of 600", lambda rng: steady(5, 600), -2.0, 9, 1),
    ("a sentence of 290 tokens, limit 300", lambda rng: steady(290), -4.0, 300, 1),
    ("a sentence exactly as likely as the bound: the empty one is certain, bound 0", certain, 0.0, 3, 1),
    ("sentences of log-probability -1000 and -800, bound -1200", hopeless, -1200.0, 4, 1),
    ("a sentence of 8 tokens, limit 7", lambda rng: steady(8), -2.0, 7, 1),
):

    @exact_search.probe(label)
    def _(answer, rng, model=model, bound=bound, limit=limit, sentences=sentences):
        found = {f"model {i}": answer(hearing(model(rng)), NOTHING, bound, limit) for i in range(sentences)}
        return found if sentences > 1 else found["model 0"]


KEPT = "(candidates > bound).nonzero(as_tuple=True)"
BY_EXP = "candidates > bound", "candidates.exp() > math.exp(bound)"
FOUND = "best, bound = [*ids[row, 1:].tolist(), EOS], value.item()"
kept, found, back = partial(edit, KEPT), partial(edit, FOUND), partial(edit, "return best, bound")

# fmt: off
exact_search.mistakes(
    one_for_each_last_word=(
        "of two beginnings with one last word only the likelier goes on; what follows depends on all words before.",
        edit("        ids = torch.cat", "        first = candidates.argmax(0)[words] == rows\n"
             "        rows, words = rows[first], words[first]\n        ids = torch.cat"),
    ),
    sums_logits=("logits are added up: log_softmax over the words first.",
        edit("logits.log_softmax(dim=-1)", "logits")),
    sums_probabilities=("probabilities are added up: log_softmax, not softmax.", edit("log_softmax", "softmax")),
    words_only=("a candidate's score is its last word's alone: add the score of its beginning.",
        edit("scores[:, None] + ", "")),
    hears_sos=("the decoder hears <SOS> at every step: feed it the last id of each beginning.",
        edit("step(ids[:, -1]", "step(ids[:, 0]")),
    state_stays=("the state does not follow the beginnings: `reorder(state, rows)` after every step.",
        edit("reorder(state, rows)", "tuple(part[:1].expand(len(rows), *part.shape[1:]) for part in state)"),
        edit("reorder(state, rows)", "reorder(state, (torch.arange(len(rows)) % max(1, len(state[0]))))")),
    words_stay=("the words do not follow the beginnings: ids[rows] before the new word is added.",
        edit("ids[rows]", "ids[torch.arange(len(rows)) % len(ids)]")),
    bound_stays=("the bound does not rise before those are chosen that go on: nothing that ends may be among them.",
        edit("        if value", "        old = bound\n        if value", "candidates > bound", "candidates > old"),
        found("best, other = [*ids[row, 1:].tolist(), EOS], value.item()"),
        edit(FOUND, FOUND.replace("bound", "other"), "return best, bound",
             "return best, bound if best is None else other")),
    as_likely=("a sentence that is as likely as the bound is not likelier: compare with >, not >=.",
        edit("if value > bound:", "if value >= bound:")),
    by_probabilities=("probabilities are compared, which are all 0 where sentences are unlikely: compare logarithms.",
        edit("if value > bound:", "if value.exp() > math.exp(bound):", KEPT, KEPT.replace(*BY_EXP)),
        edit("if value > bound:", "if value.exp() > math.exp(bound):"), kept(KEPT.replace(*BY_EXP))),
    first_found=("the first likelier sentence comes back: a later one may be likelier still.",
        found(FOUND + "\n            break")),
    last_found=("the last complete sentence comes back: only a likelier one replaces the best.",
        edit("if value > bound:", "if value > -math.inf:")),
    likeliest_only=("only the likeliest goes on; let all candidates that are likelier than the bound go on.",
        kept("((candidates > bound) & (candidates == candidates.max())).nonzero(as_tuple=True)"),
        kept("((candidates > bound) & (candidates == candidates.amax(1, keepdim=True))).nonzero(as_tuple=True)")),
    unlikelier=("what is less likely than the bound goes on: what is likelier does.",
        kept("((candidates < bound) & (candidates > -math.inf)).nonzero(as_tuple=True)")),
    by_the_mean=("the mean is compared: here it is the sum, the log-probability of the whole sentence.",
        edit("if value > bound:\n", "value = value / ids.shape[1]\n        if value > bound:\n")),
    one_short=("a sentence may have `limit` tokens, <EOS> included.",
        edit("<= limit", "< limit"), edit("<= limit", "<= limit + 1")),
    sos_in_front=("<SOS> stands in front of the ids: return what was written only.",
        found("best, bound = [*ids[row].tolist(), EOS], value.item()")),
    without_eos=("<EOS> is missing at the end of the ids.",
        found("best, bound = ids[row, 1:].tolist(), value.item()")),
    probability_back=("a probability comes back: return its logarithm.", back("return best, math.exp(bound)")),
    ids_only=("only the ids come back: return the ids and the log-probability.", back("return best")),
    empty_list=("where no sentence is likelier, None comes back: the empty list would be a sentence.",
        back("return best or [], bound"), back("return best or [EOS], bound")),
)
# fmt: on
