"""Search: from the probabilities of the next word to a whole sentence.

    best_continuations      the likeliest next words and their probabilities                       notebook 10
    log_probability         how likely a model finds a sentence that is there already              notebook 10
    search_sentence         beam search for one sentence, with lists                               notebook 10
    beam_step               the best of all one-word continuations of several beginnings           notebook 10
    reorder                 what a decoder remembers follows the beginnings that are kept          notebook 10
    beam_candidates         everything that a beam search weighs up, for a picture                 notebook 10
    Finished                the best complete sentence so far, for each sentence of a batch        notebook 10
    beam_search             keep the `beams` best beginnings instead of one                        notebook 10
    exact_search            every beginning that may still win is kept: the likeliest sentence of all    notebook 10
    greedy_search           one beginning, the likeliest word each time; done sentences leave      notebook 10
    translate               sentences in, sentences out: batches of similar length, greedy or with beams

A step is a function `(ids (row,), state) -> logits (row, vocab), next state, anything`, as in `lib.seq2seq`; a state is
a tuple whose first part is a tensor with one row for each beginning. The rows of a sentence's beams stand together.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lib.batching import EOS, PAD, SOS, pad_batch, similar_lengths
from lib.decoding.incremental import cached_step, reorder_decoding, start_decoding
from lib.transformer import Transformer

Step = Callable[[Tensor, Any], tuple[Tensor, Any, Any]]


def best_continuations(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k likeliest next words, the likeliest first; those that are equally likely in any order.

    logits: (..., vocab)    Returns their probabilities (..., k) and their ids (..., k).
    """
    return logits.softmax(dim=-1).topk(k)


def log_probability(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """How likely a model finds a sentence that is there already: the sum of its words' log-probabilities.

    logits: (batch, position, vocab)    targets: (batch, position), ids, also where nothing is to be counted
    mask: (batch, position), True on real targets; the others, which may stand anywhere, add nothing

    Returns (batch,), in nats, at most 0.
    """
    of_words = logits.log_softmax(dim=-1).gather(-1, targets[..., None]).squeeze(-1)
    return of_words.masked_fill(~mask, 0.0).sum(dim=-1)


def search_sentence(
    log_probs_after: Callable[[list[int]], Tensor], limit: int, beams: int = 4, alpha: float = 1.0
) -> tuple[list[int], float]:
    """Beam search for one sentence, with lists, as one would do it on paper: what `beam_search` finds.

    log_probs_after: from the list of ids so far, without <SOS>, to (vocab,), the log-probabilities of the next one
    limit: write at most so many tokens, <EOS> included

    Each step continues every beginning with every word. Of the best `beams` candidates, those that end with <EOS>, or
    are `limit` long, are complete; the best `beams` that do not end with <EOS> go on. It ends when `beams` are
    complete, or at the limit.

    Returns, of all complete ones, the one with the largest score / length ** alpha: a list of ids, <EOS> included, and
    that value.
    """
    going, complete = [([], 0.0)], []
    for length in range(1, limit + 1):
        found = []
        for ids, score in going:
            log_probs = log_probs_after(ids).tolist()
            found += [([*ids, word], score + log_prob) for word, log_prob in enumerate(log_probs)]
        found.sort(key=lambda one: one[1], reverse=True)
        best = found[:beams]
        complete += [one for one in best if one[0][-1] == EOS or length == limit]
        going = [one for one in found if one[0][-1] != EOS][:beams]
        if len(complete) >= beams:
            break
    ids, score = max(complete, key=lambda one: one[1] / len(one[0]) ** alpha)
    return ids, score / len(ids) ** alpha


def beam_step(scores: Tensor, log_probs: Tensor, keep: int) -> tuple[Tensor, Tensor, Tensor]:
    """Continue every beginning with every word; keep the best.

    scores: (sentence, beam), the log-probability of each beginning    log_probs: (sentence, beam, vocab)
    keep: so many for each sentence, all of them where there are fewer

    Returns, best first, (sentence, keep) each: the new scores, the beam that each goes on from, and its new word (both
    int64).
    """
    together = (scores[:, :, None] + log_probs).flatten(1)
    best, places = together.topk(min(keep, together.shape[1]))
    return best, places // log_probs.shape[-1], places % log_probs.shape[-1]


def reorder(state: tuple[Tensor, ...], rows: Tensor) -> tuple[Tensor, ...]:
    """Row i of the new state is row `rows[i]` of the old, in every part; more rows than before, fewer or none.

    state: tensors (row, ...), which stay as they are    rows: (new rows,), int64
    """
    return tuple(part[rows] for part in state)


class Candidate(NamedTuple):
    """One node of the tree that a beam search grows."""

    parent: int | None  # its place in the list
    word: int
    score: float  # the log-probability of the beginning that it ends
    kept: bool  # it goes on, or is complete


@torch.no_grad()
def beam_candidates(step: Step, state: tuple[Tensor, ...], limit: int, beams: int) -> list[Candidate]:
    """Everything that a beam search of one sentence weighs up, for a picture: the tree of its candidates.

    The state is of one row. It ends when `beams` beginnings have ended, or after `limit` words.
    """
    tree, alive, ended = [Candidate(None, SOS, 0.0, True)], [0], 0
    for _ in range(limit):
        logits, state, _ = step(torch.tensor([tree[node].word for node in alive]), state)
        scores = torch.tensor([[tree[node].score for node in alive]])
        found = (part[0].tolist() for part in beam_step(scores, logits.log_softmax(dim=-1)[None], 2 * beams))
        rows, parents, alive = [], alive, []
        for place, (score, beam, word) in enumerate(zip(*found, strict=True)):
            ends, goes_on = word == EOS and place < beams, word != EOS and len(rows) < beams
            if goes_on:
                rows.append(beam)
                alive.append(len(tree))
            ended += ends
            tree.append(Candidate(parents[beam], word, score, ends or goes_on))
        if ended >= beams or not rows:
            break
        state = reorder(state, torch.tensor(rows))
    return tree


class Finished:
    """The best complete sentence of each sentence of a batch, by log-probability / length ** alpha."""

    def __init__(self, sentences: int, limit: int, beams: int, alpha: float):
        self.ids = torch.full((sentences, limit), PAD)
        self.values = torch.full((sentences,), -math.inf)
        self.ended = torch.zeros(sentences, dtype=torch.long)  # how many beginnings have come to an end
        self.limit, self.beams, self.alpha = limit, beams, alpha

    def collect(self, sentences: Tensor, ids: Tensor, scores: Tensor) -> Tensor:
        """Take what ends with <EOS>, or is as long as allowed, out of the `beams` best of each sentence.

        sentences: (sentence,), which ones these are    ids: (sentence, kept, position)    scores: (sentence, kept)

        Returns which of them go on, (sentence,), bool: a sentence is done when `beams` of its beginnings have ended,
        or when none can overtake the best any more.
        """
        length = ids.shape[-1]
        complete = (ids[:, : self.beams, -1] == EOS) | (length == self.limit)
        values = (scores[:, : self.beams] / length**self.alpha).masked_fill(~complete, -math.inf)
        value, place = values.max(dim=1)
        better = value > self.values[sentences]
        winners = sentences[better]
        self.values[winners] = value[better]
        self.ids[winners] = PAD
        self.ids[winners, :length] = ids[better, place[better]]
        self.ended[sentences] += complete.sum(dim=1)
        open_scores = scores.masked_fill((ids[:, :, -1] == EOS) | (length == self.limit), -math.inf)
        hope = open_scores.amax(dim=1) / (self.limit if self.alpha > 0 else length) ** self.alpha
        return (self.ended[sentences] < self.beams) & (hope > self.values[sentences])

    def result(self) -> tuple[Tensor, Tensor]:
        """The ids (sentence, written), <EOS> included and <PAD> after it, and their values (sentence,)."""
        longest = int((self.ids != PAD).sum(dim=1).max())
        return self.ids[:, :longest], self.values


def beam_search(
    step: Step,
    state: Any,
    limit: int,
    beams: int = 4,
    alpha: float = 1.0,
    reorder: Callable[[Any, Tensor], Any] = reorder,
) -> tuple[Tensor, Tensor]:
    """Keep the `beams` best beginnings of each sentence; return the best complete one by score / length ** alpha.

    step: (ids (row,), state) -> logits (row, vocab), next state, anything
    state: one row a sentence, at first    limit: write at most so many tokens, <EOS> included
    alpha: 0 for the sum of the log-probabilities, 1 for their mean    reorder: for states that are not plain tensors

    Returns ids (sentence, written), <EOS> included and <PAD> after it, and their values (sentence,).
    """
    going = torch.arange(len(state[0]))  # the sentences that are not done
    ids, scores = torch.full((len(going), 1, 1), SOS), torch.zeros(len(going), 1)
    finished = Finished(len(going), limit, beams, alpha)
    while len(going):
        width = scores.shape[1]
        logits, state, _ = step(ids[:, :, -1].flatten(), state)
        log_probs = logits.log_softmax(dim=-1).unflatten(0, scores.shape)
        scores, beam, words = beam_step(scores, log_probs, 2 * beams)  # at most `width` of them end
        ids = torch.cat([ids.take_along_dim(beam[:, :, None], dim=1), words[:, :, None]], dim=-1)
        on = finished.collect(going, ids[:, :, 1:], scores)
        rows = torch.arange(len(going))[:, None] * width + beam
        scores, best = scores[on].masked_fill(words[on] == EOS, -math.inf).topk(min(beams, words.shape[1] - width))
        going, ids = going[on], ids[on].take_along_dim(best[:, :, None], dim=1)
        state = reorder(state, rows[on].gather(1, best).flatten())
    return finished.result()


def exact_search(step: Step, state: tuple[Tensor, ...], bound: float, limit: int) -> tuple[list[int] | None, float]:
    """The likeliest of all sentences that are likelier than `bound`, for certain (Stahlberg and Byrne 2019).

    A sentence exactly as likely as the bound is not likelier. Where only rounding decides, either is right.

    step: (ids (row,), state) -> logits (row, vocab), next state, anything    state: of one row, before the first word
    bound: a log-probability, that of a sentence which is known, say
    limit: a sentence has at most so many tokens, <EOS> included

    Returns its ids, a list with <EOS> at the end, and its log-probability; None and `bound` where no sentence
    is likelier.
    """
    ids, scores = torch.full((1, 1), SOS), torch.zeros(1)
    best = None
    while len(ids) and ids.shape[1] <= limit:
        logits, state, _ = step(ids[:, -1], state)
        candidates = scores[:, None] + logits.log_softmax(dim=-1)  # a row for each beginning
        value, row = candidates[:, EOS].max(dim=0)
        if value > bound:
            best, bound = [*ids[row, 1:].tolist(), EOS], value.item()
        # subtle: nothing that ends is likelier than the bound
        rows, words = (candidates > bound).nonzero(as_tuple=True)
        ids = torch.cat([ids[rows], words[:, None]], dim=1)
        scores, state = candidates[rows, words], reorder(state, rows)
    return best, bound


def greedy_search(step: Step, state: Any, limit: int, reorder: Callable[[Any, Tensor], Any] = reorder) -> Tensor:
    """The likeliest word each time; sentences that are done leave the batch. Returns ids (sentence, written).

    The same words as `lib.seq2seq.greedy_translate`: <EOS> included, <PAD> after it.
    """
    going = torch.arange(len(state[0]))
    ids = torch.full((len(going),), SOS)
    written = torch.full((len(going), limit), PAD)
    position = 0
    while len(going) and position < limit:
        logits, state, _ = step(ids, state)
        ids = logits.argmax(dim=-1)
        written[going, position] = ids
        position += 1
        on = ids != EOS
        if not on.all():
            going, ids = going[on], ids[on]
            state = reorder(state, on.nonzero().flatten())
    return written[:, :position]


@torch.no_grad()
def translate(
    model: Transformer,
    sentences: Sequence[Sequence[int]],
    limit: int,
    beams: int = 1,
    length_penalty: float = 1.0,
    tokens: int = 4000,
) -> list[list[int]]:
    """Translate lists of ids; greedily, or with beams. Dropout should be off: `model.eval()`.

    limit: write at most so many tokens, <EOS> included    length_penalty: alpha of `beam_search`
    tokens: of the source, about so many times `beams` at once

    Returns lists of ids in the order of the sentences, without <EOS>.
    """
    written: list[list[int]] = [[] for _ in sentences]
    for chosen in similar_lengths([len(sentence) for sentence in sentences], max(1, tokens // beams)):
        state = start_decoding(model, *pad_batch([sentences[i] for i in chosen]), limit)
        if beams == 1:
            found = greedy_search(partial(cached_step, model), state, limit, reorder_decoding)
        else:
            found, _ = beam_search(partial(cached_step, model), state, limit, beams, length_penalty, reorder_decoding)
        for i, ids in zip(chosen, found.tolist(), strict=True):
            written[i] = ids[: ids.index(EOS)] if EOS in ids else [word for word in ids if word != PAD]
    return written
