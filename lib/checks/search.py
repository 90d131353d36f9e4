"""Checks of notebook 10: next words, the probability of a sentence, one step of a beam search, the whole search."""

import math

import torch
from torch import Tensor

from lib.batching import EOS, PAD, SOS
from lib.checks.core import Exercise
from lib.checks.probing import gradients
from lib.checks.search_bleu import bleu as bleu
from lib.checks.search_bleu import clipped_matches as clipped_matches
from lib.decoding import search

best_continuations = Exercise(search.best_continuations, returns=("the probabilities", "the ids"))
log_probability = Exercise(search.log_probability)
beam_step = Exercise(search.beam_step, returns=("the scores", "the beams", "the words"))
reorder = Exercise(search.reorder)
beam_search = Exercise(search.beam_search, returns=("the ids", "the values"))


def normal(*shape: int, rng: torch.Generator) -> Tensor:
    return torch.randn(*shape, generator=rng)


# ----------------------------------------------------------------------------------------------- best_continuations


@best_continuations.probe("logits of shape (5,), k = 2")
def _(answer, rng):
    return answer(normal(5, rng=rng), 2)


@best_continuations.probe("logits of shape (2, 3, 7), k = 4")
def _(answer, rng):
    return answer(normal(2, 3, 7, rng=rng), 4)


@best_continuations.probe("two words that are equally likely, k = 3")
def _(answer, rng):
    probabilities, ids = answer(torch.tensor([0.5, 2.0, -1.0, 2.0, 1.0]), 3)
    return probabilities, ids.sort().values  # which of the two comes first is open


@best_continuations.probe("logits of 100 and more, k = 2")
def _(answer, rng):
    return answer(100 + normal(3, 5, rng=rng), 2)


@best_continuations.mistake(
    "softmax over the k chosen: they are k of many, take the softmax over the whole vocabulary."
)
def renormalised(logits, k):
    best, ids = logits.topk(k)
    return best.softmax(-1), ids


@best_continuations.mistake("these are logits: turn them into probabilities with softmax.")
def raw(logits, k):
    return logits.topk(k)


@best_continuations.mistake("these are log-probabilities: softmax, not log_softmax.")
def logarithms(logits, k):
    return logits.log_softmax(-1).topk(k)


@best_continuations.mistake("the unlikeliest come back: take the largest.")
def unlikeliest(logits, k):
    return logits.softmax(-1).topk(k, largest=False)


@best_continuations.mistake("the likeliest comes last: the order is from the likeliest down.")
def ascending(logits, k):
    return tuple(part.flip(-1) for part in logits.softmax(-1).topk(k))


@best_continuations.mistake("ids and probabilities are exchanged: probabilities first.")
def exchanged(logits, k):
    probabilities, ids = logits.softmax(-1).topk(k)
    return ids, probabilities


@best_continuations.mistake("the softmax runs over another axis than the words: dim=-1.")
def wrong_axis(logits, k):
    return logits.softmax(0).topk(k)


@best_continuations.mistake("the softmax runs over another axis than the words: dim=-1.")
def wrong_axis_too(logits, k):
    return logits.softmax(min(1, logits.dim() - 1)).topk(k)


@best_continuations.mistake("one word too many or too few: k of them.")
def one_more(logits, k):
    return logits.softmax(-1).topk(k + 1)


@best_continuations.mistake("exp() of a large logit is infinite: softmax(dim=-1) takes care of that.")
def overflows(logits, k):
    return (logits.exp() / logits.exp().sum(-1, keepdim=True)).topk(k)


@best_continuations.mistake("words that are equally likely are taken for one: each has its own place, topk(k).")
def ties_are_one(logits, k):
    left, found = logits.softmax(-1), []
    for _ in range(k):
        best, ids = left.max(-1, keepdim=True)
        found.append((best, ids))
        left = left.masked_fill(left == best, 0.0)
    return tuple(torch.cat(part, -1) for part in zip(*found, strict=True))


# -------------------------------------------------------------------------------------------------- log_probability


def a_batch(rng, lengths, vocab, scale=1.0):
    shape = len(lengths), max(lengths)
    mask = torch.arange(shape[1]) < torch.tensor(lengths)[:, None]
    return scale * normal(*shape, vocab, rng=rng), torch.randint(vocab, shape, generator=rng), mask


@log_probability.probe("one sentence of 3 words, nothing padded, a vocabulary of 5")
def _(answer, rng):
    return answer(*a_batch(rng, [3], 5))


@log_probability.probe("sentences of 4, 2 and 0 words, a vocabulary of 7")
def _(answer, rng):
    return answer(*a_batch(rng, [4, 2, 0], 7))


@log_probability.probe("3 sentences of 1 word")
def _(answer, rng):
    return answer(*a_batch(rng, [1, 1, 1], 5))


@log_probability.probe("padding in front of the words")
def _(answer, rng):
    logits, targets, mask = a_batch(rng, [3, 1], 5)
    return answer(logits, targets, mask.flip(1))


@log_probability.probe("large logits")
def _(answer, rng):
    return answer(*a_batch(rng, [2, 3], 5, 2000.0))


@log_probability.probe("the gradient")
def _(answer, rng):
    logits, targets, mask = a_batch(rng, [3, 2], 5)
    logits.requires_grad_()
    return gradients(answer(logits, targets, mask), logits=logits)


def of_words(logits, targets):
    return logits.log_softmax(-1).gather(-1, targets[..., None]).squeeze(-1)


@log_probability.mistake("padding counts: set its log-probabilities to 0 with the mask before you sum.")
def counts_padding(logits, targets, mask):
    return of_words(logits, targets).sum(-1)


@log_probability.mistake("padding counts, and the words do not: the mask is True on the words.")
def inverted(logits, targets, mask):
    return of_words(logits, targets).masked_fill(mask, 0.0).sum(-1)


@log_probability.mistake("this is the mean of the words: sum them.")
def mean_of_words(logits, targets, mask):
    return of_words(logits, targets).masked_fill(~mask, 0.0).sum(-1) / mask.sum(-1)


@log_probability.mistake("this is the mean of all places: sum the words.")
def mean_of_places(logits, targets, mask):
    return of_words(logits, targets).masked_fill(~mask, 0.0).mean(-1)


@log_probability.mistake("the sign is turned: a log-probability is at most 0.")
def surprise(logits, targets, mask):
    return -search.log_probability(logits, targets, mask)


@log_probability.mistake("logits are summed: log_softmax over the vocabulary first.")
def raw_logits(logits, targets, mask):
    return logits.gather(-1, targets[..., None]).squeeze(-1).masked_fill(~mask, 0.0).sum(-1)


@log_probability.mistake("probabilities are summed: their logarithms are asked for, log_softmax.")
def sums_probabilities(logits, targets, mask):
    return logits.softmax(-1).gather(-1, targets[..., None]).squeeze(-1).masked_fill(~mask, 0.0).sum(-1)


@log_probability.mistake("the probability comes back: leave out exp().")
def exponential(logits, targets, mask):
    return search.log_probability(logits, targets, mask).exp()


@log_probability.mistake("the likeliest words are taken: take the targets, with gather.")
def likeliest(logits, targets, mask):
    return logits.log_softmax(-1).amax(-1).masked_fill(~mask, 0.0).sum(-1)


@log_probability.mistake("one number comes back for the whole batch: sum over the positions only.")
def one_number(logits, targets, mask):
    return search.log_probability(logits, targets, mask).sum()


@log_probability.mistake("the softmax runs over the positions: the vocabulary is the last axis.")
def over_positions(logits, targets, mask):
    return logits.log_softmax(1).gather(-1, targets[..., None]).squeeze(-1).masked_fill(~mask, 0.0).sum(-1)


@log_probability.mistake("the mask is read as a length: padding can stand anywhere, ask the mask at each place.")
def by_length(logits, targets, mask):
    return search.log_probability(logits, targets, torch.arange(mask.shape[1]) < mask.sum(1, keepdim=True))


@log_probability.mistake("squeeze() takes away every axis of size 1: only the last one should go, squeeze(-1).")
def squeezes_all(logits, targets, mask):
    chosen = logits.log_softmax(-1).gather(-1, targets[..., None]).squeeze()
    return chosen.masked_fill(~mask, 0.0).sum(-1)


@log_probability.mistake("padding's logits were changed: a word of it still costs; set its log-probability to 0.")
def masks_logits(logits, targets, mask):
    return of_words(logits.masked_fill(~mask[..., None], 0.0), targets).sum(-1)


@log_probability.mistake("the words are not summed yet: one number for each sentence, sum(dim=-1).")
def unsummed(logits, targets, mask):
    return of_words(logits, targets).masked_fill(~mask, 0.0)


@log_probability.mistake(
    "log(softmax) becomes -inf where a probability is too small for a float: log_softmax does not."
)
def log_of_softmax(logits, targets, mask):
    return logits.softmax(-1).log().gather(-1, targets[..., None]).squeeze(-1).masked_fill(~mask, 0.0).sum(-1)


# -------------------------------------------------------------------------------------------------------- beam_step


def beginnings(rng, *shape):
    """Scores and log-probabilities; the scores lie close together, so that several beams have a say."""
    return -normal(*shape[:2], rng=rng).abs(), (2 * normal(*shape, rng=rng)).log_softmax(-1)


@beam_step.probe("1 sentence, 2 beams, 5 words, keep 4")
def _(answer, rng):
    return answer(*beginnings(rng, 1, 2, 5), 4)


@beam_step.probe("3 sentences, 2 beams, 7 words, keep 5")
def _(answer, rng):
    return answer(*beginnings(rng, 3, 2, 7), 5)


@beam_step.probe("2 sentences, 2 beams, 3 words, keep 9: there are only 6")
def _(answer, rng):
    return answer(*beginnings(rng, 2, 2, 3), 9)


@beam_step.probe("3 sentences, 1 beam, 5 words, keep 4: the first step")
def _(answer, rng):
    return answer(*beginnings(rng, 3, 1, 5), 4)


@beam_step.probe("2 sentences, 2 beams of log-probability -200")
def _(answer, rng):
    scores, log_probs = beginnings(rng, 2, 2, 5)
    return answer(scores - 200, log_probs, 3)


def chosen(together, keep, vocab):
    best, places = together.flatten(1).topk(min(keep, together[0].numel()))
    return best, places // vocab, places % vocab


@beam_step.mistake("the beams' own scores are left out: add them to their words' log-probabilities.")
def words_only(scores, log_probs, keep):
    return chosen(log_probs, keep, log_probs.shape[-1])


@beam_step.mistake("scores and log-probabilities are multiplied: logarithms are added.")
def multiplied(scores, log_probs, keep):
    return chosen(scores[:, :, None] * log_probs, keep, log_probs.shape[-1])


@beam_step.mistake("the places in the long row come back as words: word = place % vocab.")
def places_for_words(scores, log_probs, keep):
    best, places = (scores[:, :, None] + log_probs).flatten(1).topk(min(keep, log_probs[0].numel()))
    return best, places // log_probs.shape[-1], places


@beam_step.mistake("beams and words are exchanged: beam = place // vocab, word = place % vocab.")
def exchanged_parts(scores, log_probs, keep):
    best, beams, words = search.beam_step(scores, log_probs, keep)
    return best, words, beams


@beam_step.mistake("place // number of beams: divide by the size of the vocabulary.")
def divides_by_beams(scores, log_probs, keep):
    return chosen(scores[:, :, None] + log_probs, keep, log_probs.shape[1])


@beam_step.mistake("only the first beam is continued: flatten beams and words into one row.")
def first_beam(scores, log_probs, keep):
    best, words = (scores[:, :1, None] + log_probs[:, :1]).flatten(1).topk(min(keep, log_probs.shape[-1]))
    return best, torch.zeros_like(words), words


@beam_step.mistake("only the best beam is continued: all of them compete.")
def best_beam(scores, log_probs, keep):
    which = scores.argmax(1)
    rows = torch.arange(len(scores))
    best, words = (scores[rows, which, None] + log_probs[rows, which]).topk(min(keep, log_probs.shape[-1]))
    return best, which[:, None].expand_as(words), words


@beam_step.mistake("the worst come back: take the largest scores.")
def worst(scores, log_probs, keep):
    best, places = (scores[:, :, None] + log_probs).flatten(1).topk(min(keep, log_probs[0].numel()), largest=False)
    return best, places // log_probs.shape[-1], places % log_probs.shape[-1]


@beam_step.mistake("the best comes last: the order is from the best down.")
def worst_first(scores, log_probs, keep):
    return tuple(part.flip(-1) for part in search.beam_step(scores, log_probs, keep))


@beam_step.mistake("probabilities come back: leave the scores as logarithms.")
def probabilities_back(scores, log_probs, keep):
    best, beams, words = search.beam_step(scores, log_probs, keep)
    return best.exp(), beams, words


@beam_step.mistake("each beam keeps its own best word: the best of all beams together may come from one.")
def one_each(scores, log_probs, keep):
    best, words = (scores[:, :, None] + log_probs).max(-1)
    order = best.argsort(-1, descending=True)
    return best.gather(1, order), order, words.gather(1, order)


@beam_step.mistake("beams and words were flattened in the other order: the words of a beam stand together.")
def transposed(scores, log_probs, keep):
    together = (scores[:, :, None] + log_probs).transpose(1, 2).flatten(1)
    best, places = together.topk(min(keep, together.shape[1]))
    return best, places // log_probs.shape[-1], places % log_probs.shape[-1]


@beam_step.mistake("the sentences compete with each other: one row a sentence, flatten(1).")
def mixed_sentences(scores, log_probs, keep):
    best, places = (scores[:, :, None] + log_probs).flatten().topk(min(keep, log_probs.numel()))
    return best, places // log_probs.shape[-1], places % log_probs.shape[-1]


@beam_step.mistake("exp() of a low score is 0: stay with logarithms, and add.")
def over_probabilities(scores, log_probs, keep):
    best, beams, words = chosen(scores.exp()[:, :, None] * log_probs.exp(), keep, log_probs.shape[-1])
    return best.log(), beams, words


@beam_step.mistake("squeeze() takes away every axis of size 1, and mixes the sentences: scores[:, :, None].")
def squeezed_scores(scores, log_probs, keep):
    return chosen(scores.squeeze()[..., None] + log_probs, keep, log_probs.shape[-1])


@beam_step.mistake("the rows of all sentences are numbered through: count the beams of each sentence from 0.")
def rows_for_beams(scores, log_probs, keep):
    best, beams, words = search.beam_step(scores, log_probs, keep)
    return best, beams + torch.arange(len(scores))[:, None] * scores.shape[1], words


@beam_step.mistake("chosen by the words alone, their beams' scores came too late: add, then choose.")
def added_too_late(scores, log_probs, keep):
    best, beams, words = chosen(log_probs, keep, log_probs.shape[-1])
    return best + scores.gather(1, beams), beams, words


@beam_step.mistake("the old scores come back: return the new ones, those of the chosen continuations.")
def log_probs_back(scores, log_probs, keep):
    best, beams, words = search.beam_step(scores, log_probs, keep)
    return best - scores.gather(1, beams), beams, words


# ---------------------------------------------------------------------------------------------------------- reorder


def a_state(rng):
    return normal(3, 2, rng=rng), torch.randint(9, (3, 5), generator=rng), normal(3, 2, 7, rng=rng) > 0


@reorder.probe("three parts of 3 rows, rows [1, 2, 0]")
def _(answer, rng):
    return answer(a_state(rng), torch.tensor([1, 2, 0]))


@reorder.probe("three parts of 3 rows, rows [1, 1, 2, 2]")
def _(answer, rng):
    return answer(a_state(rng), torch.tensor([1, 1, 2, 2]))


@reorder.probe("two parts of 5 rows, one of them a row of numbers, rows [4, 0]")
def _(answer, rng):
    return answer((torch.arange(5), normal(5, 2, rng=rng)), torch.tensor([4, 0]))


@reorder.probe("no rows: all sentences are done")
def _(answer, rng):
    return answer(a_state(rng), torch.tensor([], dtype=torch.long))


@reorder.mistake("every row goes where it should come from: new[i] = old[rows[i]].")
def backwards(state, rows):
    return tuple(part[rows.argsort()] for part in state)


@reorder.mistake("only the first part is reordered: all of them must follow.")
def first_only(state, rows):
    return (state[0][rows], *state[1:])


@reorder.mistake("nothing moves: index every part with the rows, in their order.")
def stays(state, rows):
    return state


@reorder.mistake("nothing is left to stack when all sentences are done: index with the tensor, part[rows].")
def stacks(state, rows):
    return tuple(torch.stack([part[row] for row in rows]) for part in state)


@reorder.mistake("as many rows as before come back: there are as many as `rows` says.")
def as_many_as_before(state, rows):
    return tuple(torch.cat([part[rows], part[len(rows) :]]) for part in state)


@reorder.mistake("three parts are expected: a state may have any number, go through all of them.")
def three_parts(state, rows):
    a, b, c = state
    return a[rows], b[rows], c[rows]


@reorder.mistake("each row is taken once: one may be chosen several times.")
def once(state, rows):
    return tuple(part[rows.unique()] for part in state)


@reorder.mistake("the first rows are taken: take rows[0], rows[1] and so on.")
def the_first(state, rows):
    return tuple(part[: len(rows)] for part in state)


@reorder.mistake("the parts are put together into one: return a tuple of as many parts.")
def one_part(state, rows):
    return state[0][rows]


# ------------------------------------------------------------------------------------------------------ beam_search


def opinionated(ids, state):
    """Logits that depend on every word before and on the sentence's taste: whoever mixes up rows gets others."""
    written, taste = state
    written = torch.cat([written, ids[:, None]], dim=1)
    place = torch.arange(2, 2 + written.shape[1])
    mood = (written * torch.sin(place * 1.7)).sum(1, keepdim=True)
    logits = 1.2 * torch.sin(mood * torch.arange(1, 7) + taste)
    logits[:, :EOS] = -1e4
    logits[:, EOS] -= 0.3  # sentences end after 1 to 8 words
    return logits, (written, taste), None


def tastes(rng, sentences):
    return torch.zeros(sentences, 0, dtype=torch.long), 3 * normal(sentences, 6, rng=rng)


@beam_search.probe("1 sentence, 1 beam, limit 6: greedy search")
def _(answer, rng):
    return answer(opinionated, tastes(rng, 1), 6, 1)


@beam_search.probe("31 sentences, 3 beams, limit 13")
def _(answer, rng):
    return answer(opinionated, tastes(rng, 31), 13, 3)


@beam_search.probe("13 sentences, 2 beams, limit 9, alpha 0")
def _(answer, rng):
    return answer(opinionated, tastes(rng, 13), 9, 2, 0.0)


@beam_search.probe("3 sentences, 9 beams, limit 3: more beams than words at first")
def _(answer, rng):
    return answer(opinionated, tastes(rng, 3), 3, 9, 0.5)


@beam_search.probe("7 sentences, `beams` and `alpha` left out: 4 and 1.0")
def _(answer, rng):
    return answer(opinionated, tastes(rng, 7), 7)


@beam_search.probe("a state that only the given `reorder` can reorder")
def _(answer, rng):
    def step(ids, state):
        logits, (written, taste), _ = opinionated(ids, (state[0], state[1]["taste"]))
        return logits, (written, {"taste": taste}), None

    def follow(state, rows):
        return state[0][rows], {"taste": state[1]["taste"][rows]}

    written, taste = tastes(rng, 3)
    return answer(step, (written, {"taste": taste}), 7, 3, 1.0, follow)


def mistaken(
    logs="log_softmax",
    heard="last",
    offset=True,
    follow=True,
    words_follow=True,
    twice=True,
    ends=True,
    with_sos=False,
    adds=True,
    alpha_used=True,
    result=2,
    own_reorder=True,
    best_follows=True,
    one_is_enough=False,
    numbers=True,
    dropped_early=False,
):
    """A beam search that differs from the right one in what the arguments say."""

    def find(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
        reorder = reorder if own_reorder else search.reorder
        going = torch.arange(len(state[0]))
        ids, scores = torch.full((len(going), 1, 1), SOS), torch.zeros(len(going), 1)
        finished = search.Finished(len(going), limit, beams, alpha if alpha_used else 1.0)
        while len(going):
            width = scores.shape[1]
            told = ids[:, :, -1] if heard == "last" else torch.full_like(ids[:, :, 0], SOS)
            logits, state, _ = step(told.flatten(), state)
            if logs == "softmax":
                log_probs = logits.softmax(-1).unflatten(0, scores.shape)
            else:
                log_probs = (logits.log_softmax(-1) if logs == "log_softmax" else logits).unflatten(0, scores.shape)
            before = scores if adds else torch.zeros_like(scores)
            scores, beam, words = search.beam_step(before, log_probs, (2 if twice else 1) * beams)
            earlier = ids.take_along_dim(beam[:, :, None], 1) if words_follow else _as_wide(ids, beam.shape[1])
            ids = torch.cat([earlier, words[:, :, None]], -1)
            scores = scores.masked_fill(words == EOS, -math.inf) if dropped_early else scores
            numbered = going if numbers else torch.arange(len(going))
            on = finished.collect(numbered, ids if with_sos else ids[:, :, 1:], scores)
            on = on & (words[:, 0] != EOS) if one_is_enough else on
            rows = beam + torch.arange(len(going))[:, None] * {True: width, False: 0, "beams": beams}[offset]
            keep = min(beams, words.shape[1] - width) if twice else min(beams, words.shape[1])
            left = scores[on].masked_fill(words[on] == EOS, -math.inf) if ends else scores[on]
            scores, best = left.topk(keep)
            going, ids = going[on], ids[on].take_along_dim(best[:, :, None], 1)
            rows = rows[on].gather(1, best) if best_follows else rows[on][:, :keep]
            if follow or len(rows.flatten()) != len(state[0]):
                state = reorder(state, rows.flatten())
        return finished.result()[:result] if result == 2 else finished.result()[result]

    return find


def _as_wide(ids, width):
    return ids[:, :width] if ids.shape[1] >= width else ids.repeat(1, -(-width // ids.shape[1]), 1)[:, :width]


for sentence, named in (
    ("logits are added up: log_softmax over the words first.", {"logs": "logits"}),
    ("probabilities are added up: log_softmax, not softmax.", {"logs": "softmax"}),
    ("the decoder hears <SOS> at every step: feed it the last id of each beginning.", {"heard": SOS}),
    ("the rows of all sentences but the first are wrong: row = sentence × width + beam.", {"offset": False}),
    ("row = sentence × width + beam, and width is 1 at the first step, not `beams`.", {"offset": "beams"}),
    ("`finished` gets places for numbers: keep going[on] after each step, and hand it `going`.", {"numbers": False}),
    ("ended beginnings are at -inf before `finished` has seen them: `collect` first.", {"dropped_early": True}),
    ("the state does not follow the beams: `reorder(state, rows)` after every step.", {"follow": False}),
    (
        "the words do not follow the beams: `take_along_dim` with `beam` before the new word is added.",
        {"words_follow": False},
    ),
    ("2 × beams candidates are needed: some of them end, and `beams` should go on.", {"twice": False}),
    ("beginnings that have said <EOS> go on: set their scores to -inf before the second topk.", {"ends": False}),
    ("<SOS> is part of what `finished` gets: hand it `ids[:, :, 1:]`.", {"with_sos": True}),
    ("every step starts from scores of 0: pass the scores so far to beam_step.", {"adds": False}),
    ("`alpha` is not used: hand it to `Finished`.", {"alpha_used": False}),
    ("only the ids come back: return `finished.result()`, ids and values.", {"result": 0}),
    ("the `reorder` that was given is not used.", {"own_reorder": False}),
    (
        "a sentence stops when its best beginning ends: go on wherever `finished.collect` says True.",
        {"one_is_enough": True},
    ),
    ("the rows do not follow the second choice: `rows.gather(1, best)`.", {"best_follows": False}),
):
    beam_search.mistake(sentence)(mistaken(**named))


@beam_search.mistake("the beams grow from one word only: continue all of them together with `beam_step`.")
def greedy(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    return search.beam_search(step, state, limit, 1, alpha, reorder)


@beam_search.mistake("`limit` is not the limit: `Finished` needs it, <EOS> included.")
def longer(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    return search.beam_search(step, state, limit + 1, beams, alpha, reorder)


@beam_search.mistake("`limit` is not the limit: `Finished` needs it, <EOS> included.")
def shorter(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    return search.beam_search(step, state, limit - 1, beams, alpha, reorder)


@beam_search.mistake("<SOS> stands at the front of the result: return what was written only.")
def sos_in_front(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    ids, values = search.beam_search(step, state, limit, beams, alpha, reorder)
    return torch.cat([torch.full_like(ids[:, :1], SOS), ids], 1), values


@beam_search.mistake("values and ids are exchanged: ids first.")
def values_first(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    return search.beam_search(step, state, limit, beams, alpha, reorder)[::-1]


@beam_search.mistake("<EOS> is missing at the end: it is part of the result.")
def without_eos(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    ids, values = search.beam_search(step, state, limit, beams, alpha, reorder)
    return ids.masked_fill(ids == EOS, PAD), values
