"""Checks of notebook 03: a step of Bahdanau's decoder, and greedy translation."""

import torch
from torch import Tensor

from lib import seq2seq
from lib.batching import EOS, PAD, SOS
from lib.checks.core import Exercise
from lib.checks.probing import fill, gradients, parameters
from lib.checks.running import Problem

BahdanauDecoder = Exercise(seq2seq.BahdanauDecoder)
greedy_translate = Exercise(seq2seq.greedy_translate)

LOST = 3  # what the reciting step says when it was told the wrong word; <SOS> again: LOST + 1
BEYOND = 9  # what it says after its text


def normal(*shape: int, rng: torch.Generator) -> Tensor:
    return torch.randn(*shape, generator=rng)


# -------------------------------------------------------------------------------------------------- BahdanauDecoder


def found(rng, batch, key, d_hidden):
    """What an encoder found: memory, mask, hidden, cell."""
    lengths = torch.randint(2, key + 1, (batch, 1), generator=rng)  # one alone would always get the weight 1
    lengths[0] = key - 1
    memory, hidden, cell = normal(batch, key, d_hidden, rng=rng), *normal(2, batch, d_hidden, rng=rng)
    return memory, torch.arange(key) < lengths, hidden, cell


def a_step(answer, rng, batch, key, d_hidden=5, d_attention=7):
    decoder = fill(answer(11, 3, d_hidden, d_attention), rng)
    state = decoder.start(*found(rng, batch, key, d_hidden))
    result = decoder.step(torch.randint(11, (batch,), generator=rng), state)
    if not isinstance(result, tuple) or len(result) != 3 or not isinstance(result[1], tuple):
        raise Problem("type", "`step` should return three things: logits, the next state (a tuple) and the weights.")
    return {"the weights": result[2], "the logits": result[0]}


@BahdanauDecoder.probe("the parameters of BahdanauDecoder(11, 3, 5, 7)")
def _(answer, rng):
    return parameters(answer(11, 3, 5, 7))


@BahdanauDecoder.probe("`start`: batch 2, 3 keys, d_hidden 5, d_attention 7")
def _(answer, rng):
    state = fill(answer(11, 3, 5, 7), rng).start(*found(rng, 2, 3, 5))
    names = ("hidden", "cell", "memory", "keys", "mask")
    if not isinstance(state, tuple) or len(state) != len(names):
        raise Problem("state", "`start` should return five tensors: hidden, cell, memory, keys and mask.")
    return dict(zip(names, state, strict=True))


@BahdanauDecoder.probe("one step: batch 2, 3 keys, d_hidden 5, d_attention 7, with padding")
def _(answer, rng):
    return a_step(answer, rng, 2, 3)


@BahdanauDecoder.probe("the state after a step")
def _(answer, rng):
    decoder = fill(answer(11, 3, 5, 7), rng)
    _, state, _ = decoder.step(torch.tensor([4, 7]), decoder.start(*found(rng, 2, 3, 5)))
    if len(state) != 5:
        raise Problem("state", "the state after a step should have five parts, as `start` returned them.")
    return dict(zip(("hidden", "cell", "memory", "keys", "mask"), state, strict=True))


@BahdanauDecoder.probe("one step of a batch of one: 4 keys, d_hidden 5, d_attention 7")
def _(answer, rng):
    return a_step(answer, rng, 1, 4)


@BahdanauDecoder.probe("the gradients of the logits for every weight")
def _(answer, rng):
    decoder = fill(answer(11, 3, 5, 7), rng)
    logits, _, _ = decoder.step(torch.tensor([4, 7]), decoder.start(*found(rng, 2, 3, 5)))
    return gradients(logits, **dict(decoder.named_parameters()))


class Taken(seq2seq.BahdanauDecoder):
    """The course's decoder in pieces, for a mistake to change one of them."""

    def looks(self, ids, state):
        hidden, _, _, keys, mask = state
        return seq2seq.masked_softmax(seq2seq.additive_scores(hidden, keys, self.w_query, self.v), mask)

    def mixes(self, weights, state):
        return (weights.unsqueeze(-2) @ state[2]).squeeze(-2)

    def reads(self, ids, context, state):
        return self.cell(torch.cat([self.embedding(ids), context], -1), state[:2])

    def step(self, ids, state):
        weights = self.looks(ids, state)
        context = self.mixes(weights, state)
        hidden, cell = self.reads(ids, context, state)
        return self.says(hidden, context, state), (hidden, cell, *state[2:]), weights

    def says(self, hidden, context, state):
        return self.logits(hidden, context)


@BahdanauDecoder.mistake("the keys are the memory times `w_key`, not the memory itself.")
class MemoryForKeys(Taken):
    def start(self, memory, mask, hidden, cell):
        return hidden, cell, memory, memory, mask


@BahdanauDecoder.mistake("the keys are the memory times `w_key`; this takes `w_query`.")
class QueryMatrixForKeys(Taken):
    def start(self, memory, mask, hidden, cell):
        return hidden, cell, memory, memory @ self.w_query, mask


@BahdanauDecoder.mistake("hidden and cell are exchanged in the state: hidden comes first.")
class Exchanged(Taken):
    def start(self, memory, mask, hidden, cell):
        return cell, hidden, memory, memory @ self.w_key, mask


@BahdanauDecoder.mistake(
    "the decoder starts from zeros: it should go on where the encoder ended, with its hidden and cell."
)
class FromZeros(Taken):
    def start(self, memory, mask, hidden, cell):
        return torch.zeros_like(hidden), torch.zeros_like(cell), memory, memory @ self.w_key, mask


@BahdanauDecoder.mistake("the mask is not used: padding gets weight. Give it to masked_softmax.")
class LooksAtPadding(Taken):
    def looks(self, ids, state):
        return seq2seq.additive_scores(state[0], state[3], self.w_query, self.v).softmax(-1)


@BahdanauDecoder.mistake("the mask is turned round: masked_softmax takes True for real tokens, as `start` got it.")
class InvertedMask(Taken):
    def looks(self, ids, state):
        return super().looks(ids, (*state[:4], ~state[4]))


@BahdanauDecoder.mistake("the query is the state before the step, `hidden`; this takes `cell`.")
class CellAsks(Taken):
    def looks(self, ids, state):
        return super().looks(ids, (state[1], *state[1:]))


@BahdanauDecoder.mistake("the scores stand where the weights should: masked_softmax makes them sum to 1.")
class ScoresForWeights(Taken):
    def looks(self, ids, state):
        return seq2seq.additive_scores(state[0], state[3], self.w_query, self.v)


@BahdanauDecoder.mistake("every real position counts the same here: use the weights from the scores.")
class PlainAverage(Taken):
    def looks(self, ids, state):
        return state[4] / state[4].sum(-1, keepdim=True)


@BahdanauDecoder.mistake("the context mixes the keys: it should mix the memory.")
class MixesKeys(Taken):
    def mixes(self, weights, state):
        return (weights.unsqueeze(-2) @ state[3]).squeeze(-2)


@BahdanauDecoder.mistake("the context takes the best position only: mix all of them by their weights.")
class TakesTheBest(Taken):
    def mixes(self, weights, state):
        return state[2][torch.arange(len(weights)), weights.argmax(-1)]


@BahdanauDecoder.mistake("the context is a plain mean of the memory: weigh it by the weights.")
class MeanForContext(Taken):
    def mixes(self, weights, state):
        return state[2].mean(1)


@BahdanauDecoder.mistake("the weighted vectors are averaged: sum them, the weights sum to 1 already.")
class AveragedTwice(Taken):
    def mixes(self, weights, state):
        return (weights.unsqueeze(-1) * state[2]).mean(1)


@BahdanauDecoder.mistake("nothing is learned through the weights: do not `.detach()` them.")
class Detached(Taken):
    def mixes(self, weights, state):
        return super().mixes(weights.detach(), state)


@BahdanauDecoder.mistake("the cell reads context and embedding in the other order: embedding first, then context.")
class ContextFirst(Taken):
    def reads(self, ids, context, state):
        return self.cell(torch.cat([context, self.embedding(ids)], -1), state[:2])


@BahdanauDecoder.mistake("`self.cell` gets no state, so it forgets what was written: pass (hidden, cell).")
class ForgetsTheState(Taken):
    def reads(self, ids, context, state):
        return self.cell(torch.cat([self.embedding(ids), context], -1))


@BahdanauDecoder.mistake("`self.cell` takes (hidden, cell) in this order.")
class StateExchanged(Taken):
    def reads(self, ids, context, state):
        return self.cell(torch.cat([self.embedding(ids), context], -1), (state[1], state[0]))


@BahdanauDecoder.mistake("the logits come from the state before the step: take the new hidden.")
class OldStateSpeaks(Taken):
    def says(self, hidden, context, state):
        return self.logits(state[0], context)


@BahdanauDecoder.mistake("the logits come from the new cell: take the new hidden.")
class CellSpeaks(Taken):
    def step(self, ids, state):
        _, state, weights = super().step(ids, state)
        return self.logits(state[1], self.mixes(weights, state)), state, weights


@BahdanauDecoder.mistake("probabilities come back: return the logits as they are.")
class Probabilities(Taken):
    def says(self, hidden, context, state):
        return self.logits(hidden, context).softmax(-1)


@BahdanauDecoder.mistake("log-probabilities come back: return the logits as they are.")
class LogProbabilities(Taken):
    def says(self, hidden, context, state):
        return self.logits(hidden, context).log_softmax(-1)


@BahdanauDecoder.mistake(
    "the old state comes back: return the new hidden and cell, so that the next step goes on from there."
)
class StandsStill(Taken):
    def step(self, ids, state):
        logits, _, weights = super().step(ids, state)
        return logits, state, weights


@BahdanauDecoder.mistake("the new cell is lost: return the new hidden AND the new cell.")
class CellStandsStill(Taken):
    def step(self, ids, state):
        logits, new, weights = super().step(ids, state)
        return logits, (new[0], *state[1:]), weights


@BahdanauDecoder.mistake(
    "the new state asks here. In Bahdanau's decoder the state before asks, and the cell reads the answer."
)
class NewStateAsks(Taken):
    def step(self, ids, state):
        hidden, cell = self.reads(ids, super().mixes(self.looks(ids, state), state), state)
        new = (hidden, cell, *state[2:])
        weights = self.looks(ids, new)
        return self.logits(hidden, self.mixes(weights, new)), new, weights


# ------------------------------------------------------------------------------------------------- greedy_translate


def reciting(ids, state):
    """A decoder that knows its text by heart, as long as it is told its own last word; else it says LOST."""
    texts, place = state  # (batch, position), (batch,)
    rows = torch.arange(len(texts))
    before = torch.where(place == 0, SOS, texts[rows, (place - 1).clamp(min=0)])
    told_right = (ids == before) | ((ids == PAD) & ((before == EOS) | (before == BEYOND)))
    lost = torch.where(ids == SOS, LOST + 1, LOST)
    said = torch.where(told_right, texts[rows, place.clamp(max=texts.shape[1] - 1)], lost)
    logits = -((torch.arange(12) - said[:, None]).abs().float())
    return logits, (texts, place + 1), None


def recite(answer, texts, limit):
    """Each text, then <EOS>, then BEYOND for as long as it is asked."""
    rows = torch.tensor([[*text, EOS, *[BEYOND] * (20 - len(text))] for text in texts])
    return answer(reciting, (rows, torch.zeros(len(texts), dtype=torch.long)), limit)


@greedy_translate.probe("one sentence, 7 8, then <EOS>, limit 10")
def _(answer, rng):
    return recite(answer, [[7, 8]], 10)


@greedy_translate.probe("three sentences of 2, 4 and 0 words, limit 10")
def _(answer, rng):
    return recite(answer, [[7, 8], [5, 6, 7, 5], []], 10)


@greedy_translate.probe("sentences of 1 and 5 words, limit 3")
def _(answer, rng):
    return recite(answer, [[7], [5, 6, 7, 8, 9]], 3)


def mistaken(
    first=SOS, told=None, limit_change=0, stop="all", after=PAD, keeps=True, with_sos=False, carry=True, eos=True
):
    """A greedy translation that differs from the right one in what the arguments say."""

    def translate(step, state, limit):
        ids = torch.full((len(state[0]),), first)
        done, written = torch.zeros(len(ids), dtype=torch.bool), [ids] if with_sos else []
        for _ in range(limit + limit_change):
            logits, new, _ = step(torch.full_like(ids, told) if told is not None else ids, state)
            state = new if carry else state
            ids = logits.argmax(-1)
            ids = torch.where(done, after, ids) if keeps else ids
            ended = done | (ids == EOS)
            if not eos and ended.all():
                break
            written.append(ids)
            done = ended
            if (
                (stop == "all" and done.all())
                or (stop == "any" and done.any())
                or (stop == "together" and (ids == EOS).all())
            ):
                break
        return torch.stack(written, 1)

    return translate


for sentence, named in (
    ("the decoder is told another word than <SOS> (id 1) at the start.", {"first": EOS}),
    ("the decoder is told another word than <SOS> (id 1) at the start.", {"first": PAD}),
    ("the decoder hears <SOS> at every step: feed it the word it has said before.", {"told": SOS}),
    ("one token too many is written: `limit` is the most.", {"limit_change": 1}),
    ("one token is missing: `limit` tokens may be written.", {"limit_change": -1}),
    ("it stops as soon as one sentence is done: wait until every row has its <EOS>.", {"stop": "any"}),
    ("it goes on too long: remember which rows have said <EOS>, and stop when all have.", {"stop": "never"}),
    (
        "it goes on too long: remember which rows have said <EOS>, and stop when all have.",
        {"stop": "together"},
    ),
    (
        "it goes on too long: remember which rows have said <EOS>, and stop when all have.",
        {"stop": "together", "keeps": False},
    ),
    ("a sentence goes on after its <EOS>: from there on, its row holds <PAD> (id 0).", {"keeps": False}),
    (
        "it goes on too long: remember which rows have said <EOS>, and stop when all have.",
        {"keeps": False, "stop": "never"},
    ),
    ("after <EOS> a row holds <PAD> (id 0), not <EOS> again and again.", {"after": EOS}),
    ("the result begins with <SOS>: return what was written only.", {"with_sos": True}),
    ("the state is not carried on: pass the state that `step` returns to the next step.", {"carry": False}),
    ("the last <EOS> is missing: it is part of the result.", {"eos": False}),
):
    greedy_translate.mistake(sentence)(mistaken(**named))


@greedy_translate.mistake("the axes are swapped: one row a sentence, (batch, written): torch.stack(..., dim=1).")
def one_column_each(step, state, limit):
    return seq2seq.greedy_translate(step, state, limit).T


@greedy_translate.mistake("the logits come back: take the likeliest id of each row, argmax over the last axis.")
def logits_for_ids(step, state, limit):
    ids, written = torch.full((len(state[0]),), SOS), []
    for _ in range(seq2seq.greedy_translate(step, state, limit).shape[1]):
        logits, state, _ = step(ids, state)
        ids = logits.argmax(-1)
        written.append(logits)
    return torch.stack(written, 1)


@greedy_translate.mistake("the unlikeliest word is taken: argmax, not argmin.")
def unlikeliest(step, state, limit):
    ids, written = torch.full((len(state[0]),), SOS), []
    while len(written) < limit:
        logits, state, _ = step(ids, state)
        ids = logits.argmin(-1)
        written.append(ids)
    return torch.stack(written, 1)


@greedy_translate.mistake("lists come back: return one tensor (batch, written), torch.stack(written, dim=1).")
def a_list(step, state, limit):
    return list(seq2seq.greedy_translate(step, state, limit).unbind(1))
