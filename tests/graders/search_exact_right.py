"""Right answers to notebook 10's exact search, in other styles."""

import heapq
import math

import torch

from lib.batching import EOS, SOS
from lib.decoding import search
from tests.graders.cases import right


@right("exact_search")
def with_lists(step, state, bound, limit):
    best, going = None, [([], 0.0)]
    for _length in range(1, limit + 1):
        if not going:
            break
        logits, state, _ = step(torch.tensor([([SOS, *ids])[-1] for ids, _ in going]), state)
        log_probs, rows, on = logits.log_softmax(-1).tolist(), [], []
        for row, (ids, score) in enumerate(going):
            if score + log_probs[row][EOS] > bound:
                best, bound = [*ids, EOS], score + log_probs[row][EOS]
        for row, (ids, score) in enumerate(going):
            for word, log_prob in enumerate(log_probs[row]):
                if word != EOS and score + log_prob > bound:
                    on.append(([*ids, word], score + log_prob))
                    rows.append(row)
        going, state = on, search.reorder(state, torch.tensor(rows, dtype=torch.long))
    return best, bound


@right("exact_search")
def depth_first(step, state, bound, limit):
    """As Stahlberg and Byrne do it: one beginning at a time, the likeliest word first."""
    best, stack = None, [([], 0.0, state)]
    while stack:
        ids, score, now = stack.pop()
        if score <= bound:  # the bound has risen meanwhile
            continue
        logits, after, _ = step(torch.tensor([ids[-1] if ids else SOS]), now)
        log_probs = (score + logits[0].log_softmax(-1)).tolist()
        if log_probs[EOS] > bound:
            best, bound = [*ids, EOS], log_probs[EOS]
        if len(ids) + 1 < limit:
            for word in sorted(range(len(log_probs)), key=lambda word: log_probs[word]):
                if word != EOS and log_probs[word] > bound:
                    stack.append(([*ids, word], log_probs[word], after))
    return best, bound


@right("exact_search")
def best_first(step, state, bound, limit):
    """The likeliest beginning is continued first: the first complete one that is taken out is the mode."""
    heap, number = [(0.0, 0, [], state)], 0
    while heap:
        score, _, ids, now = heapq.heappop(heap)
        if ids and ids[-1] == EOS:
            return ids, -score
        if len(ids) == limit:
            continue
        logits, after, _ = step(torch.tensor([ids[-1] if ids else SOS]), now)
        for word, log_prob in enumerate(logits[0].log_softmax(-1).tolist()):
            if log_prob - score > bound:
                number += 1
                heapq.heappush(heap, (score - log_prob, number, [*ids, word], after))
    return None, bound


@right("exact_search")
def in_double_precision(step, state, bound, limit):
    ids, scores, found = torch.empty(1, 0, dtype=torch.long), torch.zeros(1, dtype=torch.float64), None
    newest = torch.tensor([SOS])
    for _ in range(limit):
        logits, state, _ = step(newest, state)
        together = scores.unsqueeze(1) + torch.log_softmax(logits.double(), 1)
        row = int(together[:, EOS].argmax())
        if together[row, EOS] > bound:
            found, bound = [*ids[row].tolist(), EOS], float(together[row, EOS])
        alive = together > bound
        alive[:, EOS] = False
        if not alive.any():
            break
        rows, newest = torch.where(alive)
        ids, scores = torch.cat((ids[rows], newest.unsqueeze(1)), 1), together[alive]
        state = search.reorder(state, rows)
    return found, bound


@right("exact_search")
def places_of_a_long_row(step, state, bound, limit):
    """Flattened as in `beam_step`; the old bound decides what goes on, so a few more beginnings live a step longer."""
    ids, scores, best, length = torch.tensor([[SOS]]), torch.zeros(1), None, 0
    while length < limit and len(scores):
        length += 1
        logits, state, _ = step(ids[:, -1], state)
        long_row = (scores[:, None] + logits.log_softmax(-1)).flatten()
        vocab, before = logits.shape[1], bound
        places = (long_row > before).nonzero().flatten()
        rows, words = places // vocab, places % vocab
        for place, row in zip(places[words == EOS].tolist(), rows[words == EOS].tolist(), strict=True):
            if long_row[place].item() > bound:
                best, bound = [*ids[row].tolist()[1:], EOS], long_row[place].item()
        on = words != EOS
        places, rows, words = places[on], rows[on], words[on]
        ids, scores = torch.cat([ids[rows], words[:, None]], 1), long_row[places]
        state = tuple(part[rows] for part in state)
    return best, bound


@right("exact_search")
def widening_beams(step, state, bound, limit):
    """A beam search by sums whose beam is as wide as it has to be."""
    ids, scores, best = torch.full((1, 1), SOS), torch.zeros(1, 1), None
    while ids.shape[1] <= limit:
        logits, state, _ = step(ids[:, -1], state)
        log_probs = logits.log_softmax(-1)[None]
        values, beams, words = search.beam_step(scores, log_probs, log_probs.numel())
        for value, beam, word in zip(values[0].tolist(), beams[0].tolist(), words[0].tolist(), strict=True):
            if word == EOS and value > bound:
                best, bound = [*ids[beam].tolist()[1:], EOS], value
        on = (values[0] > bound) & (words[0] != EOS)
        if on.sum() == 0:
            return best, bound
        scores, rows = values[:, on], beams[0, on]
        ids = torch.cat([ids[rows], words[0, on, None]], 1)
        state = search.reorder(state, rows)
    return best, bound


@right("exact_search")
def recursive(step, state, bound, limit):
    def deeper(ids, scores, state, best, bound):
        if len(ids) == 0 or ids.shape[1] > limit:
            return best, bound
        logits, state, _ = step(ids[:, -1], state)
        candidates = scores[:, None] + logits - logits.logsumexp(-1, keepdim=True)
        ends = candidates[:, EOS].clone()
        if ends.max() > bound:
            row = ends.argmax()
            best, bound = [*ids[row, 1:].tolist(), EOS], ends[row].item()
        candidates[:, EOS] = -math.inf
        rows, words = (candidates > bound).nonzero().unbind(1)
        longer = torch.cat([ids[rows], words[:, None]], 1)
        return deeper(longer, candidates[rows, words], search.reorder(state, rows), best, bound)

    return deeper(torch.full((1, 1), SOS), torch.zeros(1), state, None, bound)
