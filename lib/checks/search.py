"""Checks of notebook 10: next words, the probability of a sentence, one step of a beam search, the whole search.

The search with lists stands in search_lists, exact search in search_exact, BLEU in search_bleu, the questions in
search_questions.
"""

from collections.abc import Callable
from functools import partial

import torch

from lib.batching import EOS
from lib.checks.core import Exercise, edit
from lib.checks.differences import kind_of
from lib.checks.probing import normal, single_calls
from lib.checks.running import Problem
from lib.checks.search_bleu import bleu as bleu
from lib.checks.search_bleu import clipped_matches as clipped_matches
from lib.checks.search_exact import NOTHING, hearing
from lib.checks.search_exact import exact_search as exact_search
from lib.checks.search_lists import crowded
from lib.checks.search_lists import search_sentence as search_sentence
from lib.checks.search_questions import chosen_rows as chosen_rows
from lib.checks.search_questions import counted_errors as counted_errors
from lib.checks.search_questions import found_by_two as found_by_two
from lib.checks.search_questions import quarter_missing as quarter_missing
from lib.checks.search_questions import rivals as rivals
from lib.checks.search_questions import tipping_alpha as tipping_alpha
from lib.decoding import search

best_continuations = Exercise(search.best_continuations, returns=("the probabilities", "the ids"))
log_probability = Exercise(search.log_probability)
beam_step = Exercise(search.beam_step, returns=("the scores", "the beams", "the words"))
reorder = Exercise(search.reorder, returns=("the first part", "the second part", "the third part"))
beam_search = Exercise(search.beam_search, returns=("the ids", "the values"))


# ----------------------------------------------------------------------------------------------- best_continuations

single_calls(
    best_continuations,
    {
        "logits of shape (5,), k = 2": lambda rng: (normal(5, rng=rng), 2),
        "logits of shape (2, 3, 7), k = 4": lambda rng: (normal(2, 3, 7, rng=rng), 4),
        "logits around 100, 0 and -1000, k = 2": lambda rng: (
            torch.tensor([[100.0], [0.0], [-1000.0]]) + normal(3, 5, rng=rng),
            2,
        ),
        "logits of shape (2, 1, 3, 1, 5), k = 1": lambda rng: (normal(2, 1, 3, 1, 5, rng=rng), 1),
        "all 3 words, for 3 rows": lambda rng: (normal(3, 3, rng=rng), 3),
        "a vocabulary of 50,300, k = 5": lambda rng: (normal(50_300, rng=rng) + torch.arange(50_300) / 9_000, 5),
    },
)


@best_continuations.probe("two words that are equally likely, k = 3", varied=False)
def _(answer, rng):
    found = answer(torch.tensor([0.5, 2.0, -1.0, 2.0, 1.0]), 3)
    return (found[0], found[1].sort().values) if isinstance(found, tuple | list) and len(found) == 2 else found


whole = partial(edit, "return logits.softmax(dim=-1).topk(k)")
IN_TURN = """left, found = logits.softmax(-1), []
    for _ in range(k):
        found.append(left.max(-1, keepdim=True))
        left = left.masked_fill(left == found[-1].values, 0.0)
    return tuple(torch.cat(part, -1) for part in zip(*found))"""

# fmt: off
best_continuations.mistakes(
    renormalised=("softmax over the k chosen: they are k of many, take the softmax over the whole vocabulary.",
        whole("best, ids = logits.topk(k)\n    return best.softmax(-1), ids")),
    raw=("these are logits: turn them into probabilities with softmax.", edit(".softmax(dim=-1)", "")),
    logarithms=("these are log-probabilities: softmax, not log_softmax.", edit("softmax", "log_softmax")),
    unlikeliest=("the unlikeliest come back: take the largest.", edit("topk(k)", "topk(k, largest=False)")),
    ascending=("the likeliest comes last: the order is from the likeliest down.",
        whole("return tuple(part.flip(-1) for part in logits.softmax(-1).topk(k))")),
    unsorted=("the words are in the order of their ids: the likeliest is first.",
        whole("ids = logits.topk(k).indices.sort(-1).values\n    return logits.softmax(-1).gather(-1, ids), ids")),
    wrong_axis=("the softmax runs over another axis than the words: dim=-1.",
        edit("dim=-1", "dim=0"), edit("dim=-1", "dim=min(1, logits.dim() - 1)"), edit("dim=-1", "dim=-2")),
    everything=("the softmax runs over all numbers together: dim=-1.",
        edit("softmax(dim=-1)", "flatten().softmax(0).view_as(logits)")),
    one_more=("one word too many or too few: k of them.",
        edit("topk(k)", "topk(k + 1)"), edit("topk(k)", "topk(min(k + 1, logits.shape[-1]))"),
        edit("topk(k)", "topk(k - 1)")),
    overflows=("exp() of a large logit is infinite: softmax(dim=-1) takes care of that.",
        whole("return (logits.exp() / logits.exp().sum(-1, keepdim=True)).topk(k)")),
    ties_are_one=("words that are equally likely are taken for one: each has its own place, topk(k).", whole(IN_TURN)),
    one_row=("the axis of the words is gone: (..., k), also for k = 1.",
        whole("return tuple(part.squeeze(-1) for part in logits.softmax(-1).topk(k))")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------- log_probability


def a_batch(rng, lengths, vocab, scale=1.0, shift=0.0):
    shape = len(lengths), max(lengths)
    mask = torch.arange(shape[1]) < torch.tensor(lengths)[:, None]
    return scale * normal(*shape, vocab, rng=rng) + shift, torch.randint(vocab, shape, generator=rng), mask


def padded_in_front(rng):
    logits, targets, mask = a_batch(rng, [3, 1], 5)
    return logits, targets, mask.flip(1)


single_calls(
    log_probability,
    {
        "one sentence of 3 words, nothing padded, a vocabulary of 5": lambda rng: a_batch(rng, [3], 5),
        "sentences of 4, 2 and 0 words, a vocabulary of 7": lambda rng: a_batch(rng, [4, 2, 0], 7),
        "3 sentences of 1 word": lambda rng: a_batch(rng, [1, 1, 1], 5),
        "padding in front of the words": padded_in_front,
        "5 sentences of up to 5 words, a vocabulary of 5": lambda rng: a_batch(rng, [5, 2, 3, 1, 4], 5),
        "64 sentences of 2 words, but one of 300": lambda rng: a_batch(rng, [300, *[2] * 63], 11),
        "large logits": lambda rng: a_batch(rng, [2, 3], 5, 2000.0),
        "logits around -1000": lambda rng: a_batch(rng, [2, 3], 5, 1.0, -1000.0),
    },
)

CHOSEN = ".gather(-1, targets[..., None]).squeeze(-1)"

# fmt: off
log_probability.mistakes(
    counts_padding=("padding counts: set its log-probabilities to 0 with the mask before you sum.",
        edit(".masked_fill(~mask, 0.0)", "")),
    inverted=("padding counts, and the words do not: the mask is True on the words.", edit("~mask", "mask")),
    mean_of_words=("this is the mean of the words: sum them.",
        edit(".sum(dim=-1)", ".sum(dim=-1) / mask.sum(-1)"),
        edit(".sum(dim=-1)", ".sum(dim=-1) / mask.sum(-1).clamp(min=1)")),
    mean_of_places=("this is the mean of all places: sum the words.", edit(".sum(dim=-1)", ".mean(dim=-1)")),
    surprise=("the sign is turned: a log-probability is at most 0.", edit("return of_words", "return -of_words")),
    raw_logits=("logits are summed: log_softmax over the vocabulary first.", edit(".log_softmax(dim=-1)", "")),
    sums_probabilities=("probabilities are summed: their logarithms are asked for, log_softmax.",
        edit("log_softmax", "softmax")),
    exponential=("the probability comes back: leave out exp().", edit(".sum(dim=-1)", ".sum(dim=-1).exp()")),
    likeliest=("the likeliest words are taken: take the targets, with gather.", edit(CHOSEN, ".amax(-1)")),
    one_number=("one number comes back for the whole batch: sum over the positions only.",
        edit(".sum(dim=-1)", ".sum()")),
    over_positions=("the softmax runs over the positions: the vocabulary is the last axis.",
        edit("log_softmax(dim=-1)", "log_softmax(dim=1)")),
    by_length=("the mask is read as a length: padding can stand anywhere, ask the mask at each place.",
        edit("~mask", "torch.arange(mask.shape[1]) >= mask.sum(1, keepdim=True)")),
    squeezes_all=("squeeze() takes away every axis of size 1: only the last one should go, squeeze(-1).",
        edit("squeeze(-1)", "squeeze()")),
    masks_logits=("padding's logits were changed: a word of it still costs; set its log-probability to 0.",
        edit("logits.log", "logits.masked_fill(~mask[..., None], 0.0).log", ".masked_fill(~mask, 0.0)", "")),
    unsummed=("the words are not summed yet: one number for each sentence, sum(dim=-1).", edit(".sum(dim=-1)", "")),
    log_of_softmax=("log(softmax) becomes -inf where a probability is too small for a float: log_softmax does not.",
        edit("log_softmax(dim=-1)", "softmax(dim=-1).log()"),
        edit("log_softmax", "softmax", "0.0).sum(dim=-1)", "1.0).prod(dim=-1).log()")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- beam_step


def beginnings(rng, *shape):
    """Scores and log-probabilities; the scores lie close together, so that several beams have a say."""
    return -normal(*shape[:2], rng=rng).abs(), (2 * normal(*shape, rng=rng)).log_softmax(-1)


def unlikely(rng):
    scores, log_probs = beginnings(rng, 2, 2, 5)
    return scores - 1000, log_probs, 3


single_calls(
    beam_step,
    {
        "1 sentence, 2 beams, 5 words, keep 4": lambda rng: (*beginnings(rng, 1, 2, 5), 4),
        "3 sentences, 2 beams, 7 words, keep 5": lambda rng: (*beginnings(rng, 3, 2, 7), 5),
        "2 sentences, 2 beams, 3 words, keep 9: there are only 6": lambda rng: (*beginnings(rng, 2, 2, 3), 9),
        "3 sentences, 1 beam, 5 words, keep 4: the first step": lambda rng: (*beginnings(rng, 3, 1, 5), 4),
        "2 sentences, 4 beams, 5 words, keep 1": lambda rng: (*beginnings(rng, 2, 4, 5), 1),
        "2 sentences, 2 beams of log-probability -1000": unlikely,
        "1 sentence, 4 beams, 600 words, keep 300": lambda rng: (*beginnings(rng, 1, 4, 600), 300),
    },
)

ADDED, VOCAB = "scores[:, :, None] + log_probs", "log_probs.shape[-1]"
BEAMS = f"places // {VOCAB}"
together, back = partial(edit, ADDED), partial(edit, "return best,")
OF_EACH = (
    f"best, words = ({ADDED}).max(-1)\n    best, beams = best.sort(descending=True)\n    words = words.gather(1, beams)"
)
OF_THE_BEST = ".take_along_dim(scores.argmax(1)[:, None, None], 1).flatten(1)"

# fmt: off
beam_step.mistakes(
    equal_parts=("each beam gets an equal part of the places; the best of all beams together are asked for.",
        edit("    best, places", "    vocab, width = log_probs.shape[-1], log_probs.shape[1]\n"
             "    each = max(1, min(keep // width, vocab))\n"
             "    best, words = together.view(-1, width, vocab).topk(each, dim=-1)\n"
             "    beams = torch.arange(width)[:, None].expand(best.shape)\n"
             "    return best.flatten(1), beams.flatten(1), words.flatten(1)\n    best, places")),
    words_only=("the beams' own scores are left out: add them to their words' log-probabilities.",
        together("log_probs")),
    multiplied=("scores and log-probabilities are multiplied: logarithms are added.",
        edit(" + log_probs", " * log_probs")),
    places_for_words=("the places in the long row come back as words: word = place % vocab.",
        edit(f"places % {VOCAB}", "places")),
    exchanged_parts=("beams and words are exchanged: beam = place // vocab, word = place % vocab.",
        edit(f"{BEAMS}, places % {VOCAB}", f"places % {VOCAB}, {BEAMS}")),
    divides_by_beams=("place // number of beams: divide by the size of the vocabulary.",
        edit(VOCAB, "log_probs.shape[1]")),
    first_beam=("only the first beam is continued: flatten beams and words into one row.",
        together("scores[:, :1, None] + log_probs[:, :1]")),
    best_beam=("only the best beam is continued; let all of them compete.",
        edit(".flatten(1)", OF_THE_BEST, BEAMS, "scores.argmax(1)[:, None].expand_as(places)")),
    worst=("the worst come back: take the largest scores.", edit("shape[1]))", "shape[1]), largest=False)")),
    worst_first=("the best comes last: the order is from the best down.",
        back("best, places = best.flip(1), places.flip(1)\n    return best,")),
    probabilities_back=("probabilities come back: leave the scores as logarithms.", back("return best.exp(),")),
    one_each=(
        "each beam keeps its own best word: the best of all beams together may come from one.",
        edit(f"together = ({ADDED}).flatten(1)", f"{OF_EACH}\n    return best, beams, words"),
        edit(
            f"together = ({ADDED}).flatten(1)",
            f"{OF_EACH}\n    return best[:, :keep], beams[:, :keep], words[:, :keep]",
        ),
    ),
    transposed=("beams and words were flattened in the other order: the words of a beam stand together.",
        edit(".flatten(1)", ".transpose(1, 2).flatten(1)")),
    mixed_sentences=("the sentences compete with each other: one row a sentence, flatten(1).",
        edit(".flatten(1)", ".flatten()", "together.shape[1]", "len(together)")),
    over_probabilities=("exp() of a low score is 0: stay with logarithms, and add.",
        together("scores.exp()[:, :, None] * log_probs.exp()", "return best,", "return best.log(),")),
    squeezed_scores=("squeeze() takes away every axis of size 1, and mixes the sentences: scores[:, :, None].",
        edit("scores[:, :, None]", "scores.squeeze()[..., None]")),
    rows_for_beams=("the rows of all sentences are numbered through: count the beams of each sentence from 0.",
        edit(BEAMS, f"{BEAMS} + torch.arange(len(scores))[:, None] * scores.shape[1]")),
    added_too_late=("chosen by the words alone, their beams' scores came too late: add, then choose.",
        together("log_probs", "return best,", f"return best + scores.gather(1, {BEAMS}),")),
    log_probs_back=("the words' log-probabilities come back: return the new scores, of the whole continuations.",
        back(f"return best - scores.gather(1, {BEAMS}),")),
    too_many=("there may be fewer candidates than `keep`: take min(keep, ...).",
        edit("min(keep, together.shape[1])", "keep")),
    true_division=("beams are whole numbers, int64: divide with //.", edit(" // ", " / ")),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------------- reorder


def a_state(rng):
    return normal(3, 2, rng=rng), torch.randint(9, (3, 5), generator=rng), normal(3, 2, 7, rng=rng) > 0


def at_the_start(rng):
    """Nothing written, the memory, and the memory's mask."""
    return torch.zeros(2, 0, dtype=torch.long), normal(2, 5, 4, rng=rng), normal(2, 1, 1, 5, rng=rng) > 0


def many_rows(rng):
    rows = torch.cat([torch.tensor([299, 299, 0]), torch.randint(300, (64,), generator=rng)])
    return (normal(300, 7, rng=rng).double(), normal(300, 2, 3, 1, rng=rng)), rows


single_calls(
    reorder,
    {
        "three parts of 3 rows, rows [1, 2, 0]": lambda rng: (a_state(rng), torch.tensor([1, 2, 0])),
        "three parts of 3 rows, rows [1, 1, 2, 2]": lambda rng: (a_state(rng), torch.tensor([1, 1, 2, 2])),
        "two parts of 5 rows, one of them a row of numbers, rows [4, 0]": lambda rng: (
            (torch.arange(5), normal(5, 2, rng=rng)),
            torch.tensor([4, 0]),
        ),
        "the state before the first word, rows [1, 1, 0]": lambda rng: (at_the_start(rng), torch.tensor([1, 1, 0])),
        "one part of one row, rows [0, 0]": lambda rng: ((normal(1, 3, rng=rng),), torch.tensor([0, 0])),
        "no rows: all sentences are done": lambda rng: (a_state(rng), torch.tensor([], dtype=torch.long)),
        "300 rows, of which 67 are made": many_rows,
    },
)

of_part = partial(edit, "part[rows] for")
MOVED = "(lambda new: [new.__setitem__(rows, part), new][1])(torch.zeros_like(part))"


# fmt: off
@reorder.probe("a tuple of ids of 18 digits, doubles, and numbers of which another row's are infinite")
def _(answer, rng):
    numbers = normal(4, 2, rng=rng)
    rows, infinite = torch.tensor([1, 3, 1]), torch.tensor([[True], [False], [True], [False]])
    state = 10**17 + torch.arange(4), numbers.double() / 3, numbers.masked_fill(infinite, torch.inf)
    result = answer(state, rows)
    if not isinstance(result, tuple):
        raise Problem("type", f"the result is {kind_of(result)}; a tuple is asked for.")
    for new, part in zip(result, state, strict=False):
        if new.shape == part[rows].shape and not torch.equal(new, part[rows]):
            raise Problem("value", f"{new.tolist()} are not the old rows, {part[rows].tolist()}: index them.")
    return result


reorder.mistakes(
    backwards=("every row goes where it should come from: new[i] = old[rows[i]].", of_part("part[rows.argsort()] for")),
    first_only=("only the first part is reordered: all of them must follow.",
        edit("tuple(part[rows] for part in state)", "(state[0][rows], *state[1:])")),
    stays=("nothing moves: index every part with the rows, in their order.", of_part("part for")),
    sorted_rows=("the rows come in their old order: take rows[0] first.", of_part("part[rows.sort().values] for")),
    stacks=("nothing is left to stack when all sentences are done: index with the tensor, part[rows].",
        of_part("torch.stack([part[row] for row in rows]) for")),
    as_many_as_before=("as many rows as before come back: there are as many as `rows` says.",
        of_part("torch.cat([part[rows], part[len(rows) :]]) for")),
    three_parts=("three parts are expected: a state may have any number, go through all of them.",
        edit("    return", "    a, b, c = state\n    return")),
    once=("each row is taken once: one may be chosen several times.", of_part("part[rows.unique()] for")),
    the_first=("the first rows are taken: take rows[0], rows[1] and so on.", of_part("part[: len(rows)] for")),
    one_part=("the parts are put together into one: return a tuple of as many parts.",
        edit("tuple(part[rows] for part in state)", "state[0][rows]")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------ beam_search


def opinionated(ids, state):
    """Logits that depend on every word before and on the sentence's taste: whoever mixes up rows gets others."""
    written, taste, wish = state
    written = torch.cat([written, ids[:, None]], dim=1)
    place = torch.arange(2, 2 + written.shape[1])
    mood = (written * torch.sin(place * 1.7)).sum(1, keepdim=True)
    logits = 1.2 * torch.sin(mood * torch.arange(1, 7) + taste) + wish
    logits[:, :EOS] = -1e4
    logits[:, EOS] -= 0.3  # sentences end after 1 to 8 words
    return logits, (written, taste, wish), None


def tastes(rng, sentences, to_end=0.0):
    """The state before the first word. to_end: how much likelier <EOS> is than usual, for each sentence"""
    wish = torch.zeros(sentences, 6)
    wish[:, EOS] = torch.as_tensor(to_end)
    return torch.zeros(sentences, 0, dtype=torch.long), 3 * normal(sentences, 6, rng=rng), wish


def tried(answer, state, limit, *others, step=opinionated):
    """The answer with a step that counts its calls: a Problem when the search does not end."""
    left = [2 * len(state[0]) * (limit + 2)]

    def counted(ids, state):
        left[0] -= 1
        if left[0] < 0:
            sentence = f"your loop does not end: `step` is called again and again, though {limit} words are the limit."
            raise Problem("endless", sentence)
        return step(ids, state)

    return answer(counted, state, limit, *others)


def searches(table: dict[str, Callable]) -> None:
    """Probes that are one search each: the state, the limit and what else, drawn from `rng`."""
    for label, drawn in table.items():
        beam_search.probe(label)(lambda answer, rng, drawn=drawn: tried(answer, *drawn(rng)))


searches(
    {
        "1 sentence, 1 beam, limit 6: greedy search": lambda rng: (tastes(rng, 1), 6, 1),
        "31 sentences, 3 beams, limit 13": lambda rng: (tastes(rng, 31), 13, 3),
        "13 sentences, 2 beams, limit 9, alpha 0": lambda rng: (tastes(rng, 13), 9, 2, 0.0),
        "7 sentences, `beams` and `alpha` left out: 4 and 1.0": lambda rng: (tastes(rng, 7), 7),
        "a sentence that is done after one word, and one that never says <EOS>": lambda rng: (
            tastes(rng, 2, [20.0, -40.0]),
            70,
            2,
        ),
    }
)


@beam_search.probe("3 sentences, 9 beams, limit 3: more beams than words at first, two words at -inf")
def _(answer, rng):
    def step(ids, state):
        logits, state, other = opinionated(ids, state)
        return logits.masked_fill(torch.arange(6) < EOS, -torch.inf) - 200, state, other

    return tried(answer, tastes(rng, 3), 3, 9, 0.5, step=step)


@beam_search.probe(
    "three of four beginnings end in one step, the last to go on is the best; `beams` and `alpha` left out"
)
def _(answer, rng):
    return tried(answer, NOTHING, 5, step=hearing(crowded))


@beam_search.probe("a state that only the given `reorder` can reorder")
def _(answer, rng):
    def step(ids, state):
        logits, (written, *others), _ = opinionated(ids, (state[0], *state[1]["others"]))
        return logits, (written, {"others": others}), None

    def follow(state, rows):
        return state[0][rows], {"others": [part[rows] for part in state[1]["others"]]}

    written, *others = tastes(rng, 3)
    return tried(answer, (written, {"others": others}), 7, 3, 1.0, follow, step=step)


REORDER = "        state = reorder(state, rows[on].gather(1, best).flatten())\n"
IF_FEWER = "        if len(rows[on].gather(1, best).flatten()) != len(state[0]):\n    "
COPIES = """alpha)
    state = reorder(state, torch.arange(len(going)).repeat_interleave(beams))
    ids, scores = ids.repeat(1, beams, 1), scores.repeat(1, beams)"""
result, before_collect = partial(edit, "return finished.result()"), partial(edit, "        on = finished")

# fmt: off
beam_search.mistakes(
    sums_logits=("logits are added up: log_softmax over the words first.",
        edit("logits.log_softmax(dim=-1)", "logits")),
    sums_probabilities=("probabilities are added up: log_softmax, not softmax.", edit("log_softmax", "softmax")),
    hears_sos=("the decoder hears <SOS> at every step: feed it the last id of each beginning.",
        edit("ids[:, :, -1].flatten()", "ids[:, :, 0].flatten()")),
    no_offset=("the rows of all sentences but the first are wrong: row = sentence × width + beam.",
        edit("torch.arange(len(going))[:, None] * width + beam", "beam")),
    offset_of_beams=("row = sentence × width + beam, and width is 1 at the first step, not `beams`.",
        edit("* width + beam", "* beams + beam")),
    places_for_numbers=("`finished` gets places for numbers: keep going[on] after each step, and hand it `going`.",
        edit("collect(going,", "collect(torch.arange(len(going)),")),
    dropped_early=("ended beginnings are at -inf before `finished` has seen them: `collect` first.",
        before_collect("        scores = scores.masked_fill(words == EOS, -math.inf)\n        on = finished")),
    state_stays=("the state does not follow the beams: `reorder(state, rows)` after every step.",
        edit(REORDER, ""), edit(REORDER, IF_FEWER + REORDER)),
    words_stay=("the words do not follow the beams: `take_along_dim` with `beam` before the new word is added.",
        edit("ids.take_along_dim(beam[:, :, None], dim=1)", "ids[:, torch.arange(beam.shape[1]) % width]")),
    too_few=("2 × beams candidates are needed: some of them end, and `beams` should go on.",
        edit("2 * beams", "beams", "words.shape[1] - width", "words.shape[1]"),
        edit("2 * beams", "beams", "min(beams, words.shape[1] - width)", "beams")),
    ended_ones_go_on=("beginnings that have said <EOS> go on: set their scores to -inf before the second topk.",
        edit(".masked_fill(words[on] == EOS, -math.inf)", "")),
    with_sos=("<SOS> is part of what `finished` gets: hand it `ids[:, :, 1:]`.", edit("ids[:, :, 1:]", "ids")),
    scores_of_zero=("every step starts from scores of 0: pass the scores so far to beam_step.",
        edit("beam_step(scores,", "beam_step(torch.zeros_like(scores),")),
    ids_only=("only the ids come back: return `finished.result()`, ids and values.",
        result("return finished.result()[0]")),
    one_is_enough=("a sentence stops when its best beginning ends: go on wherever `finished.collect` says True.",
        edit("        rows = torch", "        on = on & (words[:, 0] != EOS)\n        rows = torch")),
    rows_stay=("the rows do not follow the second choice: `rows.gather(1, best)`.",
        edit("rows[on].gather(1, best)", "rows[on][:, : best.shape[1]]")),
    greedy=("the beams grow from one word only: continue all of them together with `beam_step`.",
        edit("2 * beams", "2", "min(beams,", "min(1,", "limit, beams, alpha", "limit, 1, alpha"),
        edit("alpha)\n", COPIES + "\n")),
    another_limit=("`limit` is not the limit: `Finished` needs it, <EOS> included.",
        edit("going), limit", "going), limit + 1"), edit("going), limit", "going), limit - 1")),
    sos_in_front=(
        "<SOS> stands at the front of the result: return what was written only.",
        result(
            "ids, values = finished.result()\n    return torch.cat([torch.full_like(ids[:, :1], SOS), ids], 1), values"
        ),
    ),
    without_eos=("<EOS> is missing at the end: it is part of the result.",
        result("ids, values = finished.result()\n    return ids.masked_fill(ids == EOS, PAD), values")),
    never_done=(
        "sentences that are done go on: keep only those for which `finished.collect` says True.",
        edit(
            "on = finished.collect(going, ids[:, :, 1:], scores)",
            "finished.collect(going, ids[:, :, 1:], scores)\n        on = torch.ones(len(going), dtype=torch.bool)",
        ),
    ),
)
# fmt: on
