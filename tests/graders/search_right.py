"""Right answers to notebook 10 in other styles."""

import math
from collections import Counter
from statistics import geometric_mean

import torch
from torch.nn import functional

from lib.batching import EOS, PAD, SOS
from lib.decoding import search
from lib.decoding.search import Finished
from lib.scoring import same_number
from tests.graders.cases import right


@right("best_continuations")
def by_sorting(logits, k):
    values, ids = torch.softmax(logits, -1).sort(-1, descending=True)
    return values[..., :k], ids[..., :k]


@right("best_continuations")
def topk_first(logits, k):
    values, ids = logits.topk(k, dim=-1)
    return (values - logits.logsumexp(-1, keepdim=True)).exp(), ids


@right("best_continuations")
def in_float64(logits, k):
    values, ids = logits.double().softmax(-1).topk(k)
    return values.to(logits.dtype), ids


@right("best_continuations")
def by_hand(logits, k):
    powers = (logits - logits.amax(-1, keepdim=True)).exp()
    p = powers / powers.sum(-1, keepdim=True)
    order = p.argsort(-1, descending=True)[..., :k]
    return p.gather(-1, order), order


@right("log_probability")
def by_cross_entropy(logits, targets, mask):
    return -(functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none") * mask).sum(1)


@right("log_probability")
def by_loops(logits, targets, mask):
    sums = []
    for row in range(len(targets)):
        total = logits[row].sum() * 0
        for place in range(targets.shape[1]):
            if mask[row, place]:
                total = total + logits[row, place].log_softmax(-1)[targets[row, place]]
        sums.append(total)
    return torch.stack(sums)


@right("log_probability")
def by_one_hot(logits, targets, mask):
    chosen = functional.one_hot(targets, logits.shape[-1]) * mask[..., None]
    return (logits.log_softmax(-1) * chosen).sum((1, 2))


@right("log_probability")
def chosen_minus_logsumexp(logits, targets, mask):
    rows, places = torch.meshgrid(torch.arange(len(targets)), torch.arange(targets.shape[1]), indexing="ij")
    return torch.where(mask, logits[rows, places, targets] - logits.logsumexp(-1), 0.0).sum(1)


@right("beam_step")
def with_divmod(scores, log_probs, keep):
    sentences, beams, vocab = log_probs.shape
    flat = (log_probs + scores.unsqueeze(2)).reshape(sentences, beams * vocab)
    values, places = flat.topk(min(keep, beams * vocab), dim=1)
    return values, torch.div(places, vocab, rounding_mode="floor"), torch.remainder(places, vocab)


@right("beam_step")
def by_a_full_sort(scores, log_probs, keep):
    values, places = (scores[..., None] + log_probs).flatten(1).sort(1, descending=True)
    beams, words = torch.unravel_index(places, log_probs.shape[1:])
    return values[:, :keep], beams[:, :keep], words[:, :keep]


@right("beam_step")
def each_beam_first(scores, log_probs, keep):
    """The best `keep` words of each beam first: no more can come from one."""
    few, words = log_probs.topk(min(keep, log_probs.shape[2]))
    candidates = (few + scores[:, :, None]).flatten(1)
    values, places = candidates.topk(min(keep, candidates.shape[1]))
    return values, places // few.shape[2], words.flatten(1).gather(1, places)


@right("beam_step")
def python_lists(scores, log_probs, keep):
    rows = []
    for s in range(len(scores)):
        row = [
            (scores[s, b] + log_probs[s, b, w], b, w) for b in range(scores.shape[1]) for w in range(log_probs.shape[2])
        ]
        rows.append(sorted(row, key=lambda found: -found[0].item())[:keep])
    values = torch.stack([torch.stack([value for value, _, _ in row]) for row in rows])
    return (
        values,
        torch.tensor([[b for _, b, _ in row] for row in rows]),
        torch.tensor([[w for *_, w in row] for row in rows]),
    )


@right("reorder")
def one_part_after_the_other(state, rows):
    new = ()
    for part in state:
        new += (part.index_select(0, rows),)
    return new


@right("reorder")
def with_index_select(state, rows):
    return tuple(part.index_select(0, rows) for part in state)


@right("reorder")
def taken_along_the_rows(state, rows):
    return tuple(part.take_along_dim(rows.view(-1, *[1] * (part.dim() - 1)), dim=0) for part in state)


@right("reorder")
def in_a_loop(state, rows):
    new = ()
    for part in state:
        new += (part[rows].clone(),)
    return new


@right("beam_search")
def rows_computed_otherwise(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    sentences = torch.arange(state[0].shape[0])
    finished = Finished(len(sentences), limit, beams, alpha)
    ids = torch.full((len(sentences), 1), SOS)  # (row, position)
    scores = torch.zeros(len(sentences), 1)
    while len(sentences) > 0:
        n, width = scores.shape
        logits, state, _ = step(ids[:, -1], state)
        log_probs = torch.log_softmax(logits, -1).view(n, width, -1)
        scores, beam, word = search.beam_step(scores, log_probs, 2 * beams)
        rows = beam + width * torch.arange(n).unsqueeze(1)
        longer = torch.cat([ids[rows], word.unsqueeze(-1)], -1)
        goes_on = finished.collect(sentences, longer[:, :, 1:], scores)
        ended = word == EOS
        scores, best = torch.where(ended, -math.inf, scores).topk(min(beams, scores.shape[1] - width))
        pick = torch.arange(n)[:, None]
        rows, longer = rows[pick, best][goes_on], longer[pick, best][goes_on]
        sentences, scores, ids = sentences[goes_on], scores[goes_on], longer.flatten(0, 1)
        state = reorder(state, rows.flatten())
    return finished.result()


@right("beam_search")
def one_sentence_at_a_time(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    """Each sentence searched by itself, the results padded together at the end."""
    found = []
    for row in range(len(state[0])):
        now, scores, ids = reorder(state, torch.tensor([row])), torch.zeros(1), torch.full((1, 1), SOS)
        finished = Finished(1, limit, beams, alpha)
        while True:
            logits, now, _ = step(ids[:, -1], now)
            together = (scores[:, None] + logits.log_softmax(-1)).flatten()
            scores, places = together.topk(min(2 * beams, len(together)))
            beam, word = places // logits.shape[1], places % logits.shape[1]
            longer = torch.cat([ids[beam], word[:, None]], 1)
            if not finished.collect(torch.tensor([0]), longer[None, :, 1:], scores[None]):
                break
            alive = (word != EOS).nonzero().flatten()[:beams]
            scores, ids = scores[alive], longer[alive]
            now = reorder(now, beam[alive])
        found.append(finished.result())
    longest = max(ids.shape[1] for ids, _ in found)
    ids = torch.cat([functional.pad(ids, (0, longest - ids.shape[1]), value=PAD) for ids, _ in found])
    return ids, torch.cat([values for _, values in found])


@right("beam_search")
def with_lists_of_hypotheses(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    """No `Finished`: plain Python, one sentence at a time, until `beams` have ended or the limit is reached."""
    answers = []
    for row in range(len(state[0])):
        now, live, complete = reorder(state, torch.tensor([row])), [(0.0, [SOS])], []
        for length in range(1, limit + 1):
            logits, now, _ = step(torch.tensor([words[-1] for _, words in live]), now)
            log_probs = logits.log_softmax(-1).tolist()
            candidates = [
                (score + log_probs[b][w], b, [*words, w])
                for b, (score, words) in enumerate(live)
                for w in range(len(log_probs[b]))
            ]
            candidates = sorted(candidates, key=lambda c: -c[0])[: 2 * beams]
            for score, _, words in candidates[:beams]:
                if words[-1] == EOS or length == limit:
                    complete.append((score / length**alpha, words[1:]))
            going = [c for c in candidates if c[2][-1] != EOS][:beams]
            if len(complete) >= beams:
                break
            live = [(score, words) for score, _, words in going]
            now = reorder(now, torch.tensor([b for _, b, _ in going]))
        answers.append(max(complete, key=lambda c: c[0]))
    longest = max(len(words) for _, words in answers)
    ids = torch.tensor([words + [PAD] * (longest - len(words)) for _, words in answers])
    return ids, torch.tensor([value for value, _ in answers])


@right("beam_search")
def all_sentences_to_the_end(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    """Sentences that are done stay in the batch, but what they find no longer counts."""
    n = len(state[0])
    ids, scores, finished = torch.full((n, 1, 1), SOS), torch.zeros(n, 1), Finished(n, limit, beams, alpha)
    open_ = torch.ones(n, dtype=torch.bool)
    for _ in range(limit):
        width = scores.shape[1]
        logits, state, _ = step(ids[..., -1].reshape(-1), state)
        scores, beam, words = search.beam_step(scores, logits.log_softmax(-1).view(n, width, -1), 2 * beams)
        ids = torch.cat([ids.take_along_dim(beam[..., None], 1), words[..., None]], -1)
        here = open_.nonzero().flatten()
        open_[here] = finished.collect(here, ids[here][:, :, 1:], scores[here])
        if not open_.any():
            break
        rows = torch.arange(n)[:, None] * width + beam
        scores, best = scores.masked_fill(words == EOS, -math.inf).topk(min(beams, words.shape[1] - width))
        ids = ids.take_along_dim(best[..., None], 1)
        state = reorder(state, rows.gather(1, best).flatten())
    return finished.result()


@right("beam_search")
def starts_with_copies_that_cannot_win(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    """As many rows from the start; all beams but the first begin at -inf."""
    n = len(state[0])
    state = reorder(state, torch.arange(n).repeat_interleave(beams))
    going, ids = torch.arange(n), torch.full((n, beams, 1), SOS)
    scores = torch.tensor([0.0] + [-math.inf] * (beams - 1)).repeat(n, 1)
    finished = Finished(n, limit, beams, alpha)
    while len(going):
        logits, state, _ = step(ids[:, :, -1].flatten(), state)
        found, beam, words = search.beam_step(scores, logits.log_softmax(-1).unflatten(0, scores.shape), 2 * beams)
        ids = torch.cat([ids.take_along_dim(beam[:, :, None], 1), words[:, :, None]], -1)
        on = finished.collect(going, ids[:, :, 1:], found)
        scores, best = found[on].masked_fill(words[on] == EOS, -math.inf).topk(beams)
        rows = (torch.arange(len(on))[:, None] * beams + beam)[on].gather(1, best)
        going, ids = going[on], ids[on].take_along_dim(best[:, :, None], 1)
        state = reorder(state, rows.flatten())
    return finished.result()


@right("clipped_matches")
def without_counters(written, right, n):
    hits = tries = 0
    for mine, theirs in zip(written, right, strict=True):
        left = [tuple(theirs[i : i + n]) for i in range(len(theirs) - n + 1)]
        for i in range(len(mine) - n + 1):
            tries += 1
            if tuple(mine[i : i + n]) in left:
                left.remove(tuple(mine[i : i + n]))
                hits += 1
    return hits, tries


def grams(sentence, n):
    return Counter(tuple(sentence[i : i + n]) for i in range(len(sentence) - n + 1))


@right("clipped_matches")
def with_min(written, right, n):
    pairs = [(grams(mine, n), grams(theirs, n)) for mine, theirs in zip(written, right, strict=True)]
    hits = sum(min(count, theirs[run]) for mine, theirs in pairs for run, count in mine.items())
    return hits, sum(sum(mine.values()) for mine, _ in pairs)


@right("clipped_matches")
def tries_from_lengths(written, right, n):
    hits = sum(sum((grams(a, n) & grams(b, n)).values()) for a, b in zip(written, right, strict=True))
    return hits, sum(max(0, len(a) - n + 1) for a in written)


@right("clipped_matches")
def as_a_list_of_two(written, right, n):
    counts = [[(grams(a, n) & grams(b, n)).total(), grams(a, n).total()] for a, b in zip(written, right, strict=True)]
    return [sum(column) for column in zip(*counts, strict=True)]


@right("bleu")
def by_logarithms(written, right):
    same_number(written, right)
    total = 0.0
    for n in range(1, 5):
        hits, tries = with_min(written, right, n)
        if hits == 0:
            return 0.0
        total += math.log(hits / tries) / 4
    mine, wanted = sum(len(s) for s in written), sum(len(s) for s in right)
    return 100 * math.exp(total) * (1 if mine > wanted else math.exp(1 - wanted / mine))


@right("bleu")
def root_of_roots(written, right):
    same_number(written, right)
    hits, tries = zip(*(without_counters(written, right, n) for n in (1, 2, 3, 4)), strict=True)
    if 0 in hits:
        return 0.0
    mine, wanted = sum(map(len, written)), sum(map(len, right))
    return math.sqrt(math.sqrt(math.prod(hits) / math.prod(tries))) * 100 * math.exp(min(0, 1 - wanted / mine))


@right("bleu")
def with_tensors(written, right):
    same_number(written, right)
    counts = torch.tensor([with_min(written, right, n) for n in range(1, 5)], dtype=torch.float64)
    if (counts[:, 0] == 0).any():
        return torch.tensor(0.0, dtype=torch.float64)
    mine, wanted = sum(map(len, written)), sum(map(len, right))
    log = (counts[:, 0] / counts[:, 1]).log().mean() + min(0.0, 1 - wanted / mine)
    return 100 * log.exp()


@right("bleu")
def with_statistics(written, right):
    same_number(written, right)
    counts = [tries_from_lengths(written, right, n) for n in (1, 2, 3, 4)]
    if min(hits for hits, _ in counts) == 0:
        return 0
    short = sum(map(len, right)) / sum(map(len, written))
    return 100 * geometric_mean([hits / tries for hits, tries in counts]) * math.exp(min(0.0, 1 - short))


@right("bleu")
def checks_by_itself(written, right):
    if len(written) != len(right) or not written:
        raise ValueError("unequal numbers")
    score = 100.0
    for n in range(1, 5):
        hits, tries = tries_from_lengths(written, right, n)
        score *= (hits / tries) ** 0.25 if tries else 0.0
    short = sum(map(len, right)) / max(1, sum(map(len, written)))
    return score * math.exp(min(0.0, 1 - short))


@right("best_continuations")
def turned_over(logits, k):
    """Of equally likely words the last comes first."""
    values, ids = logits.softmax(-1).sort(dim=-1, stable=True)
    return values.flip(-1)[..., :k], ids.flip(-1)[..., :k]


@right("best_continuations")
def row_by_row(logits, k):
    rows = [row.softmax(0).topk(k) for row in logits.reshape(-1, logits.shape[-1])]
    shape = (*logits.shape[:-1], k)
    return torch.stack([p for p, _ in rows]).view(shape), torch.stack([i for _, i in rows]).view(shape)


@right("log_probability")
def without_gradients(logits, targets, mask):
    with torch.no_grad():
        log_p = logits.double().log_softmax(-1)
        words = torch.take_along_dim(log_p, targets.unsqueeze(2), dim=2)[:, :, 0]
        return torch.where(mask, words, 0.0).sum(1).to(logits.dtype)


@right("log_probability")
def words_gathered_by_the_mask(logits, targets, mask):
    words = logits[mask].log_softmax(-1)[torch.arange(int(mask.sum())), targets[mask]]
    return torch.zeros(len(mask), dtype=logits.dtype).index_add(0, mask.nonzero()[:, 0], words)


@right("beam_step")
def with_einsum_like_views(scores, log_probs, keep):
    s, b, v = log_probs.shape
    best, places = torch.add(scores.view(s, b, 1), log_probs).view(s, -1).sort(dim=1, descending=True)
    best, places = best[:, :keep], places[:, :keep]
    beam = torch.arange(b).repeat_interleave(v)[places]
    return best, beam, places - beam * v


@right("beam_step")
def sentence_by_sentence(scores, log_probs, keep):
    rows = []
    for own, words in zip(scores, log_probs, strict=True):
        found = (own[:, None] + words).flatten()
        best, places = found.topk(min(len(found), keep))
        rows.append((best, places // words.shape[1], places % words.shape[1]))
    return tuple(torch.stack(part) for part in zip(*rows, strict=True))


@right("reorder")
def with_gather_of_lists(state, rows):
    return tuple(part[rows.tolist()] for part in state)


@right("reorder")
def mapped(state, rows):
    return tuple(part.__getitem__((rows, ...)) for part in state)


@right("clipped_matches")
def with_a_generator_of_runs(written, right, n):
    totals = [0, 0]
    for i in range(len(written)):
        left = {}
        for j in range(len(right[i]) - n + 1):
            run = tuple(right[i][j : j + n])
            left[run] = left.get(run, 0) + 1
        for j in range(len(written[i]) - n + 1):
            run = tuple(written[i][j : j + n])
            totals[1] += 1
            if left.get(run):
                left[run] -= 1
                totals[0] += 1
    return tuple(totals)


@right("clipped_matches")
def by_subtraction(written, right, n):
    tries = missed = 0
    for mine, theirs in zip(written, right, strict=True):
        found = grams(mine, n)
        tries += found.total()
        missed += (found - grams(theirs, n)).total()
    return tries - missed, tries


@right("bleu")
def with_lists_of_runs(written, right):
    score, length, wanted = 1.0, sum(len(s) for s in written), sum(len(s) for s in right)
    for n in range(1, 5):
        hits, tries = by_subtraction(written, right, n)
        if not hits:
            return 0.0
        score *= hits / tries
    price = math.exp(1 - wanted / length) if length < wanted else 1
    return score**0.25 * price * 100


@right("beam_search")
def rows_and_words_in_python(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    """Lists of beginnings for each sentence; the batch is put together anew for each step."""
    open_ = [[(0.0, [SOS], row)] for row in range(len(state[0]))]
    best = [(-math.inf, []) for _ in open_]
    ended = [0] * len(open_)
    for length in range(1, limit + 1):
        rows = [b for beams_of in open_ for b in beams_of]
        if not rows:
            break
        state = reorder(state, torch.tensor([row for *_, row in rows]))
        logits, state, _ = step(torch.tensor([words[-1] for _, words, _ in rows]), state)
        log_p, place = logits.log_softmax(-1), 0
        for s, beams_of in enumerate(open_):
            if not beams_of:
                continue
            found = []
            for score, words, _ in beams_of:
                found += [(score + p, [*words, w], place) for w, p in enumerate(log_p[place].tolist())]
                place += 1
            found = sorted(found, key=lambda one: one[0], reverse=True)[: 2 * beams]
            for score, words, _ in found[:beams]:
                if words[-1] == EOS or length == limit:
                    ended[s] += 1
                    best[s] = max(best[s], (score / length**alpha, words[1:]))
            open_[s] = [one for one in found if one[1][-1] != EOS][:beams] if ended[s] < beams else []
    longest = max(len(words) for _, words in best)
    ids = torch.full((len(best), longest), PAD)
    for s, (_, words) in enumerate(best):
        ids[s, : len(words)] = torch.tensor(words)
    return ids, torch.tensor([value for value, _ in best])
