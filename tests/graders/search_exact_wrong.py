"""Wrong answers to notebook 10's exact search, as people write them."""

import math

import torch

from lib.batching import EOS, SOS
from lib.checks.core import edit
from lib.decoding import search
from tests.graders.cases import slips, wrong


@wrong("exact_search")
def a_beam_search(step, state, bound, limit):
    """Four beams: a likelier sentence may be missed."""
    ids, values = search.beam_search(step, state, limit, 4, 0.0)
    words = [word for word in ids[0].tolist() if word]
    return (words, values.item()) if values.item() > bound else (None, bound)


@wrong("exact_search")
def greedy_only(step, state, bound, limit):
    ids, score = [SOS], 0.0
    while len(ids) <= limit and ids[-1] != EOS:
        logits, state, _ = step(torch.tensor(ids[-1:]), state)
        value, word = logits.log_softmax(-1)[0].max(dim=0)
        ids, score = [*ids, int(word)], score + value.item()
    return (ids[1:], score) if score > bound and ids[-1] == EOS else (None, bound)


@wrong("exact_search", says="return")
def forgets_to_return(step, state, bound, limit):
    search.exact_search(step, state, bound, limit)


@wrong("exact_search", says="logits are added up")
def adds_logits(step, state, bound, limit):
    ids, scores, best = torch.full((1, 1), SOS), torch.zeros(1), None
    while len(ids) and ids.shape[1] <= limit:
        logits, state, _ = step(ids[:, -1], state)
        scores = scores[:, None] + logits
        value, row = scores[:, EOS].max(dim=0)
        if value > bound:
            best, bound = [*ids[row, 1:].tolist(), EOS], value.item()
        rows, words = torch.nonzero(scores > bound, as_tuple=True)
        ids, scores = torch.cat([ids[rows], words[:, None]], dim=1), scores[rows, words]
        state = tuple(part[rows] for part in state)
    return best, bound


@wrong("exact_search")
def what_is_cut_off_counts(step, state, bound, limit):
    """At the limit the likeliest beginning counts as complete, as in beam search."""
    ids, scores, best = torch.full((1, 1), SOS), torch.zeros(1), None
    while len(ids) and ids.shape[1] <= limit:
        logits, state, _ = step(ids[:, -1], state)
        candidates = scores[:, None] + logits.log_softmax(-1)
        ends = candidates[:, EOS] if ids.shape[1] < limit else candidates.amax(1)
        value, row = ends.max(dim=0)
        if value > bound:
            best, bound = (
                [*ids[row, 1:].tolist(), int(candidates[row].argmax()) if ids.shape[1] == limit else EOS],
                float(value),
            )
        candidates[:, EOS] = -math.inf
        rows, words = (candidates > bound).nonzero(as_tuple=True)
        ids, scores = torch.cat([ids[rows], words[:, None]], 1), candidates[rows, words]
        state = search.reorder(state, rows)
    return best, bound


@wrong("exact_search")
def a_tensor_of_ids_with_padding(step, state, bound, limit):
    best, bound = search.exact_search(step, state, bound, limit)
    return None if best is None else [*best, *[0] * (limit - len(best))], bound


@wrong("exact_search")
def remembers_the_last_search(step, state, bound, limit, known={}):  # noqa: B006
    best, bound = search.exact_search(step, state, max(bound, known.get("bound", -math.inf)), limit)
    if best:
        known["best"], known["bound"] = best, bound
    return known.get("best"), bound


@wrong("exact_search")
def every_state_is_a_pair(step, state, bound, limit):
    """The second part of the state stays behind."""
    return search.exact_search(step, (state[0],), bound, limit)


BACK = "return best, bound"
slips(
    "exact_search",
    no_log_softmax=("log_softmax over the words first", edit("logits.log_softmax(dim=-1)", "logits")),
    softmax=("log_softmax, not softmax", edit("log_softmax", "softmax")),
    not_added=("score of its beginning", edit("scores[:, None] + ", "")),
    always_sos=("feed it the last id", edit("step(ids[:, -1]", "step(torch.full((len(ids),), SOS)")),
    stays=(
        "does not follow",
        edit("reorder(state, rows)", "tuple(part[:1].expand(len(rows), *part.shape[1:]) for part in state)"),
    ),
    bound_of_the_caller=("does not rise", edit("best, bound = [", "best, mine = [")),
    at_once=("first likelier sentence", edit("value.item()\n", "value.item()\n            return best, bound\n")),
    a_beam_of_two=(
        None,
        edit(
            "rows, words = (candidates > bound).nonzero(as_tuple=True)",
            "best_two = candidates.flatten().topk(2).values[-1]\n"
            "        rows, words = ((candidates > bound) & (candidates >= best_two)).nonzero(as_tuple=True)",
        ),
    ),
    a_beam_of_256=(
        "the least likely of 300 words",
        edit(
            "torch.cat([ids[rows]",
            "torch.cat([ids[(rows := rows[o := candidates[rows, words].argsort(descending=True)[:256]])]",
            "words[:, None]]",
            "(words := words[o])[:, None]]",
        ),
    ),
    unlikely_words_dropped=(
        None,
        edit("(candidates > bound)", "((candidates > bound) & (logits.log_softmax(-1) > -1.2))"),
    ),
    hears_what_it_dropped=(
        None,
        edit("torch.cat([ids[rows], words[:, None]], dim=1)", "torch.cat([ids[rows], rows[:, None]], dim=1)"),
    ),
    as_likely_as_the_bound=("as likely as the bound is not likelier", edit("value > bound", "value >= bound")),
    compares_probabilities=(
        "compare logarithms",
        edit(
            *("value > bound", "value.exp() > math.exp(bound)"),
            *("candidates > bound", "candidates.exp() > math.exp(bound)"),
        ),
    ),
    goes_on_by_probabilities=(
        "compare logarithms",
        edit("(candidates > bound)", "(candidates.exp() > math.exp(bound))"),
    ),
    positive=("the log-probability", edit(BACK, "return best, -bound")),
    exchanged=("the ids", edit(BACK, "return bound, best")),
    probability=("return its logarithm", edit(BACK, "return best, math.exp(bound)")),
    with_sos=("stands in front", edit("ids[row, 1:]", "ids[row]")),
    no_eos=("missing at the end", edit("[*ids[row, 1:].tolist(), EOS]", "ids[row, 1:].tolist()")),
    mean=(
        "here it is the sum",
        edit("        if value > bound:\n", "        value = value / ids.shape[1]\n        if value > bound:\n"),
    ),
    one_more=("may have `limit` tokens", edit("<= limit", "<= limit + 1")),
    one_less=("may have `limit` tokens", edit("<= limit", "< limit")),
    no_bound=(None, edit("if value > bound:", "if best is None or value > bound:")),
    an_empty_list=("None comes back", edit(BACK, "return best or [], bound")),
    short_memory=("limit 300", edit("        scores, state", "        ids = ids[:, -256:]\n        scores, state")),
    small_vocabulary=("a vocabulary of 600", edit("ids = torch.cat(", "words = words % 512\n        ids = torch.cat(")),
    sums_of_exp=(
        None,
        edit("logits.log_softmax(dim=-1)", "(logits - logits.exp().sum(-1, keepdim=True).log())"),
    ),
)
