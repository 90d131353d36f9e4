"""Checks of notebook 03: a step of Bahdanau's decoder, and greedy translation."""

import torch

from lib import seq2seq
from lib.batching import EOS, SOS
from lib.checks.core import Exercise, edit
from lib.checks.differences import kind_of
from lib.checks.probing import fill, gradients, normal, parameters
from lib.checks.running import Problem

BahdanauDecoder = Exercise(seq2seq.BahdanauDecoder)
greedy_translate = Exercise(seq2seq.greedy_translate)

PARTS = ("hidden", "cell", "memory", "keys", "mask")
BEYOND, LOST = 9, 10  # what the reciting step says after its text, and when it was told the wrong word
STARTS_AGAIN = 11  # what it says when it is told <SOS> again
CALLS = 2  # for each token that `limit` allows to a sentence: enough for anyone


# -------------------------------------------------------------------------------------------------- BahdanauDecoder


def found(rng, batch, key, d_hidden):
    """What an encoder found: memory, mask, hidden, cell."""
    lengths = torch.randint(2, key + 1, (batch, 1), generator=rng)  # one alone would always get the weight 1
    lengths[0] = key - 1
    memory, hidden, cell = normal(batch, key, d_hidden, rng=rng), *normal(2, batch, d_hidden, rng=rng)
    return memory, torch.arange(key) < lengths, hidden, cell


def parts_of(state, where):
    """The state's five parts by name; a tuple or a list may hold them."""
    if not isinstance(state, tuple | list):
        raise Problem("state", f"{where} should be a tuple (hidden, cell, memory, keys, mask), not {kind_of(state)}.")
    if len(state) != len(PARTS):
        names = "hidden, cell, memory, keys, mask"
        raise Problem("state", f"{where} has {len(state)} parts; it should have five: {names}.")
    return dict(zip(PARTS, state, strict=True))


def one_step(decoder, ids, state):
    result = decoder.step(ids, state)
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise Problem("type", "`step` should return three things: logits, the next state and the weights.")
    return result


def a_step(answer, rng, batch, key, d_hidden=5, d_attention=7):
    decoder = fill(answer(11, 3, d_hidden, d_attention), rng)
    ids = torch.randint(11, (batch,), generator=rng)
    logits, _, weights = one_step(decoder, ids, decoder.start(*found(rng, batch, key, d_hidden)))
    return {"the weights": weights, "the logits": logits}


@BahdanauDecoder.probe("the parameters of BahdanauDecoder(11, 3, 5, 7)")
def _(answer, rng):
    return parameters(answer(11, 3, 5, 7))


@BahdanauDecoder.probe("`start`: batch 2, 3 keys, d_hidden 5, d_attention 7")
def _(answer, rng):
    return parts_of(fill(answer(11, 3, 5, 7), rng).start(*found(rng, 2, 3, 5)), "what `start` returns")


@BahdanauDecoder.probe("one step: batch 2, 3 keys, d_hidden 5, d_attention 7, with padding")
def _(answer, rng):
    return a_step(answer, rng, 2, 3)


@BahdanauDecoder.probe("the state after a step")
def _(answer, rng):
    decoder = fill(answer(11, 3, 5, 7), rng)
    _, state, _ = one_step(decoder, torch.tensor([4, 7]), decoder.start(*found(rng, 2, 3, 5)))
    return parts_of(state, "the state after a step")


@BahdanauDecoder.probe("one step of a batch of one: 4 keys, d_hidden 5, d_attention 7")
def _(answer, rng):
    return a_step(answer, rng, 1, 4)


@BahdanauDecoder.probe("one step of a batch of one whose source has a single token")
def _(answer, rng):
    decoder = fill(answer(11, 3, 5, 7), rng)
    state = decoder.start(normal(1, 1, 5, rng=rng), torch.tensor([[True]]), *normal(2, 1, 5, rng=rng))
    return dict(
        zip(("the logits", "the state", "the weights"), one_step(decoder, torch.tensor([4]), state), strict=True)
    )


@BahdanauDecoder.probe("two batches by turns, two steps each")
def _(answer, rng):
    decoder = fill(answer(11, 3, 5, 7), rng)
    states, said = [decoder.start(*found(rng, 2, 3, 5)), decoder.start(*found(rng, 3, 4, 5))], {}
    for step in ("first", "second"):
        for i, ids in enumerate((torch.tensor([4, 7]), torch.tensor([8, 1, 2]))):
            logits, states[i], said[f"the weights of the {step} step"] = one_step(decoder, ids, states[i])
            said[f"the logits of the {step} step, batch {i + 1}"] = logits
    return said


@BahdanauDecoder.probe("one step: batch 9, 300 keys, all other sizes 5")
def _(answer, rng):
    decoder = fill(answer(5, 5, 5, 5), rng)
    state = decoder.start(*found(rng, 9, 300, 5))
    logits, _, weights = one_step(decoder, torch.randint(5, (9,), generator=rng), state)
    return {"the weights": weights, "the logits": logits}


@BahdanauDecoder.probe("the gradients of the logits for every weight")
def _(answer, rng):
    decoder = fill(answer(11, 3, 5, 7), rng)
    logits, _, _ = one_step(decoder, torch.tensor([4, 7]), decoder.start(*found(rng, 2, 3, 5)))
    return gradients(logits, **dict(decoder.named_parameters()))


_STARTS = "return hidden, cell, memory, memory @ self.w_key, mask"
_LOOKS = "masked_softmax(additive_scores(hidden, keys, self.w_query, self.v), mask)"
_MIXES = "(weights.unsqueeze(-2) @ memory).squeeze(-2)"
_READS = "self.cell(torch.cat([self.embedding(ids), context], dim=-1), (hidden, cell))"
_SAYS = "return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights"

# fmt: off
BahdanauDecoder.mistakes(
    memory_for_keys=("the keys are the memory times `w_key`, not the memory itself.",
        edit("memory @ self.w_key", "memory")),
    query_matrix_for_keys=("the keys are the memory times `w_key`; this takes `w_query`.",
        edit("memory @ self.w_key", "memory @ self.w_query")),
    starts_exchanged=("hidden and cell are exchanged in the state: hidden comes first.",
        edit(_STARTS, "return cell, hidden, memory, memory @ self.w_key, mask")),
    from_zeros=("the decoder starts from zeros: it should go on where the encoder ended, with its hidden and cell.",
        edit(_STARTS, f"hidden, cell = torch.zeros_like(hidden), torch.zeros_like(cell)\n        {_STARTS}")),
    looks_at_padding=("the mask is not used: padding gets weight. Give it to masked_softmax.",
        edit(_LOOKS, "additive_scores(hidden, keys, self.w_query, self.v).softmax(-1)")),
    inverted_mask=("the mask is turned round: masked_softmax takes True for real tokens, as `start` got it.",
        edit("self.v), mask)", "self.v), ~mask)")),
    cell_asks=("the query is the state before the step, `hidden`; this takes `cell`.",
        edit("additive_scores(hidden,", "additive_scores(cell,")),
    scores_for_weights=("the scores stand where the weights should: masked_softmax makes them sum to 1.",
        edit(_LOOKS, "additive_scores(hidden, keys, self.w_query, self.v)")),
    plain_average=("every real position counts the same here: use the weights from the scores.",
        edit(_LOOKS, "mask / mask.sum(-1, keepdim=True)")),
    mixes_keys=("the context mixes the keys: it should mix the memory.", edit("(-2) @ memory", "(-2) @ keys")),
    takes_the_best=("the context takes the best position only: mix all of them by their weights.",
        edit(_MIXES, "memory[torch.arange(len(weights)), weights.argmax(-1)]")),
    mean_for_context=("the context is a plain mean of the memory: weigh it by the weights.",
        edit(_MIXES, "memory.mean(1)")),
    averaged_twice=("the weighted vectors are averaged: sum them, the weights sum to 1 already.",
        edit(_MIXES, "(weights.unsqueeze(-1) * memory).mean(1)")),
    squeezed=("`.squeeze()` without a dimension also takes away the axis of a batch of one.",
        edit("squeeze(-2)  # (batch, d_hidden)", "squeeze()")),
    detached=("nothing is learned through the weights: do not `.detach()` them.",
        edit("(weights.unsqueeze(-2)", "(weights.detach().unsqueeze(-2)"), edit(_LOOKS, f"{_LOOKS}.detach()")),
    context_first=("the cell reads context and embedding in the other order: embedding first, then context.",
        edit("[self.embedding(ids), context]", "[context, self.embedding(ids)]")),
    forgets_the_state=("`self.cell` gets no state, so it forgets what was written: pass (hidden, cell).",
        edit("dim=-1), (hidden, cell))", "dim=-1))")),
    state_exchanged=("`self.cell` takes (hidden, cell) in this order.",
        edit("dim=-1), (hidden, cell))", "dim=-1), (cell, hidden))")),
    cell_exchanged=("`self.cell` gives (hidden, cell) in this order.",
        edit(f"hidden, cell = {_READS}", f"cell, hidden = {_READS}")),
    old_state_speaks=("the logits come from the state before the step: take the new hidden.",
        edit("self.logits(hidden, context)", "self.logits(state[0], context)")),
    cell_speaks=("the logits come from the new cell: take the new hidden.",
        edit("self.logits(hidden, context)", "self.logits(cell, context)")),
    probabilities=("probabilities come back: return the logits as they are.",
        edit("self.logits(hidden, context)", "self.logits(hidden, context).softmax(-1)")),
    log_probabilities=("log-probabilities come back: return the logits as they are.",
        edit("self.logits(hidden, context)", "self.logits(hidden, context).log_softmax(-1)")),
    stands_still=("the old state comes back: return the new hidden and cell, so that the next step goes on from there.",
        edit("(hidden, cell, memory, keys, mask), weights", "state, weights")),
    cell_stands_still=("the new cell is lost: return the new hidden AND the new cell.",
        edit("(hidden, cell, memory, keys, mask), weights", "(hidden, state[1], memory, keys, mask), weights")),
    new_state_asks=(
        "the new state asks here. In Bahdanau's decoder the state before asks, and the cell reads the answer.",
        edit(_SAYS, f"weights = {_LOOKS}\n        context = {_MIXES}\n        {_SAYS}"),
    ),
    looks_on_itself=(
        "`step` takes the source of the last `start`, which another batch may have begun: take it from the state.",
        edit(
            _STARTS,
            f"self.kept = memory, memory @ self.w_key, mask\n        {_STARTS}",
            "memory, keys, mask = state",
            "memory, keys, mask = (*state[:2], *self.kept)",
        ),
    ),
)
# fmt: on


# ------------------------------------------------------------------------------------------------- greedy_translate


class Reciting:
    """A step that knows its texts by heart, as long as it is told its own last word. After <EOS> it does not listen."""

    def __init__(self, texts, limit, strict=False):
        length = max(map(len, texts)) + 2
        self.rows = torch.tensor([[*text, EOS, *[BEYOND] * (length - len(text))] for text in texts])
        self.ends = torch.tensor([len(text) for text in texts])
        self.start = self.rows, torch.arange(len(texts)), torch.zeros(len(texts), dtype=torch.long)
        self.strict, self.calls, self.most = strict, 0, CALLS * len(texts) * (limit + 2)

    def __call__(self, ids, state):
        rows, which, place = state  # (batch, position), (batch,), (batch,)
        self.calls += 1
        if self.calls > self.most:
            raise Problem("endless", f"`step` was called {self.calls} times: stop at <EOS>, or after `limit` tokens.")
        ended = place > self.ends[which]
        if self.strict and ended.all():
            raise Problem("goes on", "`step` is called again when every row has its <EOS>: stop there.")
        before = rows.gather(1, (place - 1).clamp(min=0, max=rows.shape[1] - 1)[:, None])[:, 0]
        before = before.masked_fill(place == 0, SOS)
        said = rows.gather(1, place.clamp(max=rows.shape[1] - 1)[:, None])[:, 0]
        lost = torch.where(ids == SOS, STARTS_AGAIN, LOST)
        said = torch.where((ids == before) | ended, said, lost)
        logits = -0.02 * (torch.arange(13) - said[:, None]).abs()  # the words beside the right one come next
        logits = logits + 1000 - 2000 * (which % 2)[:, None]  # only differences count
        return logits, (rows, which, place + 1), None


def recite(answer, texts, limit, strict=False):
    step = Reciting(texts, limit, strict)
    return answer(step, step.start, limit)


@greedy_translate.probe("one sentence, 7 8, then <EOS>, limit 10")
def _(answer, rng):
    return recite(answer, [[7, 8]], 10)


@greedy_translate.probe("three sentences of 2, 4 and 0 words, limit 10")
def _(answer, rng):
    return recite(answer, [[7, 8], [5, 6, 7, 5], []], 10)


@greedy_translate.probe("sentences of 1 and 5 words, limit 3")
def _(answer, rng):
    return recite(answer, [[7], [5, 6, 7, 8, 9]], 3)


@greedy_translate.probe("sentences in which <PAD>, <SOS> and <UNK> are the likeliest before <EOS>")
def _(answer, rng):
    return recite(answer, [[5, 0, 0, 6], [0, 3, 3], [6, 1, 1, 3, 5], [0]], 10)


@greedy_translate.probe("<EOS> exactly at the limit, and a limit of 1")
def _(answer, rng):
    found = [recite(answer, [[7, 8], [5]], 3), recite(answer, [[7], [5]], 1), recite(answer, [[], []], 1)]
    return dict(zip(("with the limit 3", "with the limit 1", "with <EOS> at once"), found, strict=True))


@greedy_translate.probe("64 sentences of 0 to 300 words, limit 310")
def _(answer, rng):
    texts = [torch.randint(4, 9, (length,), generator=rng).tolist() for length in [60, 300, 60, *range(61)]]
    return recite(answer, texts, 310)


@greedy_translate.probe("sentences that have <PAD> at the limit, no <EOS>")
def _(answer, rng):
    return recite(answer, [[5, 7, 0, 0, 8], [6, 0, 0, 0, 9]], 4)


@greedy_translate.probe("sentences of 2 and 4 words, and how often `step` is called")
def _(answer, rng):
    return recite(answer, [[7, 8], [5, 6, 7, 5]], 10, strict=True)


_WHILE = "not done.all()"
_WRITES = "return torch.stack(written, dim=1)"
_LATER = "it goes on too long: remember which rows have said <EOS>, and stop when all have."

# fmt: off
greedy_translate.mistakes(
    told_another_word=("the decoder is told another word than <SOS> (id 1) at the start.",
        edit("SOS)", "EOS)", "done = ids == EOS", "done = ids == SOS"), edit("SOS)", "PAD)")),
    hears_sos=("the decoder hears <SOS> at every step: feed it the word it has said before.",
        edit("step(ids, state)", "step(torch.full_like(ids, SOS), state)")),
    limit_plus_one=("one token too many is written: `limit` is the most.", edit("< limit", "<= limit")),
    limit_minus_one=("one token is missing: `limit` tokens may be written.", edit("< limit", "< limit - 1")),
    stops_at_the_first=("it stops as soon as one sentence is done: wait until every row has its <EOS>.",
        edit("done.all()", "done.any()")),
    never_stops=(_LATER,
        edit(f" and {_WHILE}", ""), edit(f" and {_WHILE}", "", ".masked_fill(done, PAD)", ""),
        edit(_WHILE, "not (ids == EOS).all()"), edit(_WHILE, "not (ids == EOS).all()", ".masked_fill(done, PAD)", "")),
    never_stops_in_time=(
        "`step` is called after the last row has said <EOS>, and the rest thrown away: stop when all are done.",
        edit(
            f" and {_WHILE}",
            "",
            _WRITES,
            f"{_WRITES}[:, : next((i + 1 for i in range(len(written)) if all("
            "(torch.stack(written[: i + 1]) == EOS).any(0))), limit)]",
        ),
    ),
    talks_on=("a sentence goes on after its <EOS>: from there on, its row holds <PAD> (id 0).",
        edit(".masked_fill(done, PAD)", "")),
    repeats_eos=("after <EOS> a row holds <PAD> (id 0), not <EOS> again and again.",
        edit("(done, PAD)", "(done, EOS)")),
    with_sos=("the result begins with <SOS>: return what was written only.",
        edit("written = []", "written = [ids]"), edit("written = []", "written = [ids]", "< limit", "<= limit")),
    state_stays=("the state is not carried on: pass the state that `step` returns to the next step.",
        edit("logits, state, _", "logits, _, _")),
    no_last_eos=("the last <EOS> is missing: it is part of the result.",
        edit("        written.append", "        if done.all():\n            break\n        written.append"),
        edit(_WRITES, "result = torch.stack(written, dim=1)\n    return result[:, :-1] if done.all() else result")),
    no_eos=("the <EOS> of each row is missing: it is part of the result.",
        edit(_WRITES, "result = torch.stack(written, dim=1)\n    return result.masked_fill(result == EOS, PAD)")),
    pad_ends=("<PAD> ends a row here. Only <EOS> does: a <PAD> before it is a token like any other.",
        edit("done | (ids == EOS)", "done | (ids == EOS) | (ids == PAD)")),
    sos_ends=("<SOS> ends a row here. Only <EOS> does.",
        edit("done | (ids == EOS)", "done | (ids == EOS) | (ids == SOS)"),
        edit("done | (ids == EOS)", "done | (ids <= EOS)")),
    some_are_forbidden=(
        "some tokens can never be written here: always take the likeliest, whichever it is.",
        *(
            edit("logits.argmax", f"logits.index_fill(1, torch.tensor({ids}), -torch.inf).argmax")
            for ids in ([0], [1], [3], [0, 1], [0, 1, 3])
        ),
    ),
    drawn=("a token is drawn at random here: always take the likeliest.",
        edit("logits.argmax(dim=-1)", "torch.multinomial(logits.softmax(-1), 1)[:, 0]")),
    one_column_each=("the axes are swapped: one row a sentence, (batch, written): torch.stack(..., dim=1).",
        edit("dim=1", "dim=0")),
    logits_for_ids=("the logits come back: take the likeliest id of each row, argmax over the last axis.",
        edit("append(ids)", "append(logits)")),
    over_the_batch=("the likeliest token of each row is asked for: argmax over the last axis.",
        edit("argmax(dim=-1)", "argmax(dim=0)")),
    unlikeliest=("the unlikeliest word is taken: argmax, not argmin.", edit("argmax", "argmin")),
    a_list=("lists come back: return one tensor (batch, written), torch.stack(written, dim=1).",
        edit(_WRITES, "return written"), edit(_WRITES, "return torch.stack(written, dim=1).tolist()")),
)
# fmt: on
