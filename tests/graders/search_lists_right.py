"""Right answers to notebook 10's beam search with lists, in other styles."""

import heapq
import itertools

import torch

from lib.batching import EOS
from tests.graders.cases import right


@right("search_sentence")
def with_heaps(log_probs_after, limit, beams=4, alpha=1.0):
    going, done, length = [(0.0, ())], [], 0
    while length < limit and len(done) < beams:
        length += 1
        found = [(s + p, (*ids, w)) for s, ids in going for w, p in enumerate(log_probs_after(list(ids)).tolist())]
        for score, ids in heapq.nlargest(beams, found):
            if ids[-1] == EOS or length == limit:
                done.append((score / length**alpha, ids))
        going = heapq.nlargest(beams, (one for one in found if one[1][-1] != EOS))
    value, ids = max(done)
    return list(ids), value


@right("search_sentence")
def by_topk(log_probs_after, limit, beams=4, alpha=1.0):
    """Of each beginning only its best `beams` + 1 words: no more can be kept, <EOS> counted in."""
    going, complete = [([], 0.0)], []
    for length in range(1, limit + 1):
        found = []
        for ids, score in going:
            log_probs = log_probs_after(ids)
            values, words = log_probs.topk(min(beams + 1, len(log_probs)))
            found += [([*ids, w], score + v) for v, w in zip(values.tolist(), words.tolist(), strict=True)]
        found = sorted(found, key=lambda one: -one[1])
        complete.extend(one for one in found[:beams] if length == limit or one[0][-1] == EOS)
        going = list(itertools.islice((one for one in found if one[0][-1] != EOS), beams))
        if len(complete) >= beams:
            break
    best = sorted(complete, key=lambda one: one[1] / len(one[0]) ** alpha)[-1]
    return best[0], best[1] / len(best[0]) ** alpha


@right("search_sentence")
def recursive(log_probs_after, limit, beams=4, alpha=1.0):
    def grow(going, complete, length):
        if length > limit or len(complete) >= beams:
            return complete
        found = []
        for ids, score in going:
            for word, p in enumerate(log_probs_after(list(ids)).tolist()):
                found.append((score + p, [*ids, word]))
        found.sort(key=lambda one: one[0], reverse=True)
        ends = [one[1][-1] == EOS for one in found]
        complete = complete + [one for one, end in zip(found[:beams], ends, strict=False) if end or length == limit]
        on = [(ids, score) for (score, ids), end in zip(found, ends, strict=True) if not end]
        return grow(on[:beams], complete, length + 1)

    if limit > 200:  # Python's stack has an end
        return with_heaps(log_probs_after, limit, beams, alpha)
    score, ids = max(grow([([], 0.0)], [], 1), key=lambda one: one[0] / len(one[1]) ** alpha)
    return ids, score / len(ids) ** alpha


@right("search_sentence")
def best_so_far(log_probs_after, limit, beams=4, alpha=1.0):
    """Only the best complete sentence is kept, and how many there were."""
    going, best, ended = [([], 0.0)], (None, -float("inf")), 0
    for length in range(1, limit + 1):
        found = [([*ids, w], s + p) for ids, s in going for w, p in enumerate(log_probs_after(ids).tolist())]
        found.sort(key=lambda one: one[1])
        found.reverse()
        for ids, score in found[:beams]:
            if ids[-1] == EOS or length == limit:
                ended += 1
                if best[0] is None or score / length**alpha > best[1]:
                    best = ids, score / length**alpha
        if ended >= beams:
            return best
        going = [(ids, score) for ids, score in found if ids[-1] != EOS][:beams]
    return best


@right("search_sentence")
def as_a_table(log_probs_after, limit, beams=4, alpha=1.0):
    """One tensor (beam, vocab) of candidates a step."""
    going, scores, complete = [[]], torch.zeros(1, dtype=torch.float64), []
    for length in range(1, limit + 1):
        candidates = scores[:, None] + torch.stack([log_probs_after(ids) for ids in going]).double()
        vocab = candidates.shape[1]
        values, places = candidates.flatten().sort(descending=True, stable=True)
        beam, words = (places // vocab).tolist(), (places % vocab).tolist()
        for value, b, w in list(zip(values.tolist(), beam, words, strict=True))[:beams]:
            if w == EOS or length == limit:
                complete.append(([*going[b], w], value))
        chosen = [i for i, w in enumerate(words) if w != EOS][:beams]
        going, scores = [[*going[beam[i]], words[i]] for i in chosen], values[chosen]
        if len(complete) >= beams:
            break
    values = torch.tensor([score / len(ids) ** alpha for ids, score in complete])
    return complete[int(values.argmax())][0], values.max().item()


@right("search_sentence")
def beginnings_as_objects(log_probs_after, limit, beams=4, alpha=1.0):
    class Beginning:
        def __init__(self, ids=(), score=0.0):
            self.ids, self.score = list(ids), score

        def value(self):
            return self.score / len(self.ids) ** alpha

        def ended(self):
            return self.ids[-1:] == [EOS] or len(self.ids) == limit

    going, complete = [Beginning()], []
    while len(complete) < beams and going and len(going[0].ids) < limit:
        found = []
        for one in going:
            for word, p in enumerate(log_probs_after(one.ids).tolist()):
                found.append(Beginning([*one.ids, word], one.score + p))
        found.sort(key=lambda one: one.score, reverse=True)
        complete += filter(Beginning.ended, found[:beams])
        going = [one for one in found if one.ids[-1] != EOS][:beams]
    best = max(complete, key=Beginning.value)
    return best.ids, best.value()


@right("search_sentence")
def a_dictionary_of_beginnings(log_probs_after, limit, beams=4, alpha=1.0):
    going, complete = {(): 0.0}, {}
    for length in range(1, limit + 1):
        found = {}
        for ids, score in going.items():
            log_probs = log_probs_after(list(ids)).tolist()
            for word in range(len(log_probs)):
                found[(*ids, word)] = score + log_probs[word]
        order = sorted(found, key=found.get, reverse=True)
        complete |= {ids: found[ids] / length**alpha for ids in order[:beams] if ids[-1] == EOS or length == limit}
        if len(complete) >= beams:
            break
        going = {ids: found[ids] for ids in [ids for ids in order if ids[-1] != EOS][:beams]}
    best = max(complete, key=complete.get)
    return list(best), complete[best]
