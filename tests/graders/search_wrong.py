"""Wrong answers to notebook 10, as people write them."""

import math
from collections import Counter

import torch
from torch.nn import functional

from lib import scoring
from lib.batching import EOS, PAD, SOS
from lib.checks.core import edit
from lib.decoding import search
from lib.decoding.search import Finished
from lib.scoring import LONGEST, ngrams, same_number
from lib.scoring import clipped_matches as matches
from tests.graders.cases import slips, wrong

# ----------------------------------------------------------------------------------------------- best_continuations


@wrong("best_continuations", says="softmax over the k chosen")
def softmax_after_topk(logits, k):
    values, ids = torch.topk(logits, k)
    return torch.softmax(values, dim=-1), ids


@wrong("best_continuations", says="these are logits")
def no_softmax(logits, k):
    return torch.topk(logits, k, dim=-1)


@wrong("best_continuations", says="log-probabilities")
def log_softmax_instead(logits, k):
    return torch.topk(torch.log_softmax(logits, -1), k, dim=-1)


@wrong("best_continuations", says="unlikeliest")
def sorted_the_wrong_way(logits, k):
    p = logits.softmax(-1)
    order = p.argsort(-1)
    return p.gather(-1, order)[..., :k], order[..., :k]


@wrong("best_continuations", says="likeliest comes last")
def last_k_of_a_sort(logits, k):
    values, ids = logits.softmax(-1).sort(-1)
    return values[..., -k:], ids[..., -k:]


@wrong("best_continuations", says="the probabilities first")
def ids_first(logits, k):
    values, ids = logits.softmax(-1).topk(k)
    return ids, values


@wrong("best_continuations", says="dim=-1")
def softmax_over_the_batch(logits, k):
    return torch.softmax(logits, dim=0).topk(k)


@wrong("best_continuations", says="dim=-1")
def softmax_over_positions(logits, k):
    return torch.softmax(logits, dim=1 if logits.dim() > 1 else 0).topk(k)


@wrong("best_continuations", says="k of them")
def one_too_many(logits, k):
    p, ids = logits.softmax(-1).sort(-1, descending=True)
    return p[..., : k + 1], ids[..., : k + 1]


@wrong("best_continuations", says="expected 2 values")
def ids_only(logits, k):
    return logits.softmax(-1).topk(k).indices


@wrong("best_continuations", says="infinite")
def exponentials_by_hand(logits, k):
    powers = torch.exp(logits)
    return torch.topk(powers / powers.sum(-1, keepdim=True), k)


@wrong("best_continuations", says="equally likely")
def crosses_out_by_value(logits, k):
    p, values, ids = logits.softmax(-1), [], []
    for _ in range(k):
        value, place = p.max(-1)
        values.append(value)
        ids.append(place)
        p = torch.where(p == value.unsqueeze(-1), 0.0, p)
    return torch.stack(values, -1), torch.stack(ids, -1)


@wrong("best_continuations", says="return")
def forgets_to_return(logits, k):
    logits.softmax(-1).topk(k)


slips(
    "best_continuations",
    longest_axis=("all 3 words", edit("dim=-1", "dim=list(logits.shape).index(max(logits.shape))")),
    short_numbers=(
        "a vocabulary of 50,300",
        edit(
            "return logits.softmax(dim=-1).topk(k)",
            "p, ids = logits.softmax(dim=-1).topk(k)\n    return p, ids.short().long()",
        ),
    ),
    without_the_axis=(
        "also for k = 1",
        edit(
            "return logits.softmax(dim=-1).topk(k)",
            "p, ids = logits.softmax(dim=-1).topk(k)\n    return p.squeeze(-1), ids.squeeze(-1)",
        ),
    ),
    over_everything=(
        "all numbers together",
        edit("logits.softmax(dim=-1)", "logits.flatten().softmax(0).view_as(logits)"),
    ),
    lists=(
        "should be a torch.Tensor",
        edit(
            "return logits.softmax(dim=-1).topk(k)", "return [part.tolist() for part in logits.softmax(dim=-1).topk(k)]"
        ),
    ),
    by_id=(
        "order of their ids",
        edit(
            "return logits.softmax(dim=-1).topk(k)",
            "ids = logits.topk(k).indices.sort(-1).values\n    return logits.softmax(-1).gather(-1, ids), ids",
        ),
    ),
    keeps_the_first=(
        "keeps something",
        edit(
            "logits: Tensor, k: int",
            "logits, k, kept=[]",
            "return logits.softmax(dim=-1).topk(k)",
            "kept.append(logits.softmax(dim=-1))\n    return kept[0].topk(k)",
        ),
    ),
)


# -------------------------------------------------------------------------------------------------- log_probability


def picked(logits, targets, dim=-1):
    return logits.log_softmax(dim).gather(-1, targets.unsqueeze(-1)).squeeze(-1)


@wrong("log_probability", says="padding counts")
def mask_forgotten(logits, targets, mask):
    return picked(logits, targets).sum(1)


@wrong("log_probability", says="True on the words")
def mask_inverted(logits, targets, mask):
    return (picked(logits, targets) * ~mask).sum(1)


@wrong("log_probability", says="mean of the words")
def mean_over_words(logits, targets, mask):
    return (picked(logits, targets) * mask).sum(1) / mask.sum(1)


@wrong("log_probability", says="sign")
def loss_instead(logits, targets, mask):
    return -(picked(logits, targets) * mask).sum(1)


@wrong("log_probability", says="log_softmax over the vocabulary first")
def logits_summed(logits, targets, mask):
    return (logits.gather(-1, targets[..., None])[..., 0] * mask).sum(1)


@wrong("log_probability", says="probabilities are summed")
def probabilities_summed(logits, targets, mask):
    return (logits.softmax(-1).gather(-1, targets[..., None])[..., 0] * mask).sum(1)


@wrong("log_probability", says="exp()")
def probability_of_the_whole(logits, targets, mask):
    return (picked(logits, targets) * mask).sum(1).exp()


@wrong("log_probability", says="likeliest words are taken")
def best_words(logits, targets, mask):
    return (logits.log_softmax(-1).max(-1).values * mask).sum(1)


@wrong("log_probability", says="one number comes back")
def total(logits, targets, mask):
    return picked(logits, targets)[mask].sum()


@wrong("log_probability", says="vocabulary is the last axis")
def softmax_over_words(logits, targets, mask):
    return (picked(logits, targets, dim=1) * mask).sum(1)


@wrong("log_probability", says="too small for a float")
def log_of_a_softmax(logits, targets, mask):
    p = logits.softmax(-1).gather(-1, targets[..., None])[..., 0]
    return torch.where(mask, p.log(), 0.0).sum(1)


@wrong("log_probability", says="not summed yet")
def each_word(logits, targets, mask):
    return picked(logits, targets) * mask


@wrong("log_probability", says="squeeze(-1)")
def squeezes_everything(logits, targets, mask):
    return (logits.log_softmax(-1).gather(2, targets.unsqueeze(2)).squeeze() * mask).sum(1)


@wrong("log_probability", says="read as a length")
def cuts_at_the_length(logits, targets, mask):
    lengths = mask.sum(1).tolist()
    return torch.stack([picked(logits, targets)[i, :n].sum() for i, n in enumerate(lengths)])


@wrong("log_probability", says="padding's logits")
def logits_of_padding_set_to_zero(logits, targets, mask):
    return picked(torch.where(mask[..., None], logits, 0.0), targets).sum(1)


@wrong("log_probability", says="too small for a float")
def log_of_a_product(logits, targets, mask):
    p = logits.softmax(-1).gather(-1, targets[..., None])[..., 0]
    return torch.where(mask, p, 1.0).prod(1).log()


CHOSEN = ".log_softmax(dim=-1).gather(-1, targets[..., None])"

slips(
    "log_probability",
    longest_axis=(
        "5 sentences of up to 5 words",
        edit("log_softmax(dim=-1)", "log_softmax(dim=list(logits.shape).index(max(logits.shape)))"),
    ),
    product=("too small for a float", edit("log_softmax", "softmax", "0.0).sum(dim=-1)", "1.0).prod(-1).log()")),
    masked_by_product_of_logits=(
        "sentences of 4, 2 and 0",
        edit("logits.log_softmax", "(logits * mask[..., None]).log_softmax", ".masked_fill(~mask, 0.0)", ""),
    ),
    padding_of_zero_id=("expected", edit("~mask", "targets == 0")),
    shifted_by_one=("expected", edit("targets[..., None]", "targets.roll(-1, dims=1)[..., None]")),
    in_bits=("expected", edit("return of_words", "return 1 / math.log(2) * of_words")),
    stays_a_column=("has shape", edit(".sum(dim=-1)", ".sum(dim=-1, keepdim=True)")),
    shifted_by_positive_ones_only=(
        "logits around -1000",
        edit(
            "logits.log_softmax(dim=-1)",
            "(x := logits - logits.amax(-1, keepdim=True).clamp(min=0)).sub(x.exp().sum(-1, keepdim=True).log())",
        ),
    ),
)


# -------------------------------------------------------------------------------------------------------- beam_step


@wrong("beam_step", says="stay with logarithms")
def probabilities_in_64_bits(scores, log_probs, keep):
    flat = (scores.double().exp()[:, :, None] * log_probs.double().exp()).flatten(1)
    values, places = flat.topk(min(keep, flat.shape[1]))
    vocab = log_probs.shape[2]
    return values.log().to(scores.dtype), places // vocab, places % vocab


@wrong("beam_step", says="add them to their words")
def forgets_the_scores(scores, log_probs, keep):
    flat = log_probs.flatten(1)
    values, places = flat.topk(min(keep, flat.shape[1]))
    return values, places // log_probs.shape[2], places % log_probs.shape[2]


@wrong("beam_step", says="logarithms are added")
def multiplies(scores, log_probs, keep):
    flat = (scores.unsqueeze(-1) * log_probs).flatten(1)
    values, places = flat.topk(min(keep, flat.shape[1]))
    return values, places // log_probs.shape[2], places % log_probs.shape[2]


@wrong("beam_step", says="place % vocab")
def returns_places(scores, log_probs, keep):
    flat = (scores.unsqueeze(-1) + log_probs).flatten(1)
    values, places = flat.topk(min(keep, flat.shape[1]))
    return values, places // log_probs.shape[2], places


@wrong("beam_step", says="exchanged")
def words_before_beams(scores, log_probs, keep):
    flat = (scores.unsqueeze(-1) + log_probs).flatten(1)
    values, places = flat.topk(min(keep, flat.shape[1]))
    return values, places % log_probs.shape[2], places // log_probs.shape[2]


@wrong("beam_step", says="size of the vocabulary")
def divides_by_the_beams(scores, log_probs, keep):
    flat = (scores.unsqueeze(-1) + log_probs).flatten(1)
    values, places = flat.topk(min(keep, flat.shape[1]))
    return values, places // scores.shape[1], places % scores.shape[1]


@wrong("beam_step", says="first beam is continued")
def only_the_first(scores, log_probs, keep):
    values, words = (scores[:, 0, None] + log_probs[:, 0]).topk(min(keep, log_probs.shape[2]))
    return values, torch.zeros_like(words), words


@wrong("beam_step", says="take the largest")
def the_worst(scores, log_probs, keep):
    flat = (scores.unsqueeze(-1) + log_probs).flatten(1)
    values, places = flat.sort(1)
    n = min(keep, flat.shape[1])
    return values[:, :n], places[:, :n] // log_probs.shape[2], places[:, :n] % log_probs.shape[2]


@wrong("beam_step", says="best comes last")
def ascending_order(scores, log_probs, keep):
    flat = (scores.unsqueeze(-1) + log_probs).flatten(1)
    values, places = flat.sort(1)
    n = min(keep, flat.shape[1])
    return values[:, -n:], places[:, -n:] // log_probs.shape[2], places[:, -n:] % log_probs.shape[2]


@wrong("beam_step", says="logarithms")
def back_to_probabilities(scores, log_probs, keep):
    values, beams, words = search.beam_step(scores, log_probs, keep)
    return torch.exp(values), beams, words


@wrong("beam_step", says="may come from one")
def best_word_of_each_beam(scores, log_probs, keep):
    values, words = log_probs.max(-1)
    values = values + scores
    values, beams = values.sort(-1, descending=True)
    return values, beams, words.gather(-1, beams)


@wrong("beam_step", says="other order")
def words_before_beams_flattened(scores, log_probs, keep):
    flat = (scores[:, None, :] + log_probs.transpose(1, 2)).flatten(1)
    values, places = flat.topk(min(keep, flat.shape[1]))
    return values, places // log_probs.shape[2], places % log_probs.shape[2]


@wrong("beam_step", says="out of range")
def keeps_too_many(scores, log_probs, keep):
    values, places = (scores.unsqueeze(-1) + log_probs).flatten(1).topk(keep)
    return values, places // log_probs.shape[2], places % log_probs.shape[2]


@wrong("beam_step", says="one row a sentence")
def all_sentences_together(scores, log_probs, keep):
    values, places = (scores.unsqueeze(-1) + log_probs).flatten().topk(min(keep, log_probs.numel()))
    return values, places // log_probs.shape[2], places % log_probs.shape[2]


@wrong("beam_step", says="only the best beam")
def follows_the_leader(scores, log_probs, keep):
    leader = scores.argmax(1, keepdim=True)
    of_leader = log_probs.take_along_dim(leader[:, :, None], 1).squeeze(1) + scores.gather(1, leader)
    values, words = of_leader.topk(min(keep, log_probs.shape[2]))
    return values, leader.expand_as(words), words


@wrong("beam_step", says="dtype")
def true_division(scores, log_probs, keep):
    values, beams, words = search.beam_step(scores, log_probs, keep)
    return values, (beams * log_probs.shape[2] + words) / log_probs.shape[2], words


@wrong("beam_step", says="mixes the sentences")
def squeezes_the_first_step(scores, log_probs, keep):
    flat = (scores.squeeze().unsqueeze(-1) + log_probs).flatten(1)
    values, places = flat.topk(min(keep, flat.shape[1]))
    return values, places // log_probs.shape[2], places % log_probs.shape[2]


@wrong("beam_step", says="stay with logarithms")
def multiplies_probabilities(scores, log_probs, keep):
    flat = (scores.exp().unsqueeze(-1) * log_probs.exp()).flatten(1)
    values, places = flat.topk(min(keep, flat.shape[1]))
    return values.log(), places // log_probs.shape[2], places % log_probs.shape[2]


@wrong("beam_step", says="of each sentence from 0")
def rows_of_the_batch(scores, log_probs, keep):
    values, beams, words = search.beam_step(scores, log_probs, keep)
    return values, torch.arange(len(scores)).unsqueeze(1) * scores.shape[1] + beams, words


@wrong("beam_step", says="add, then choose")
def chooses_then_adds(scores, log_probs, keep):
    flat = log_probs.flatten(1)
    values, places = flat.topk(min(keep, flat.shape[1]))
    beams = places // log_probs.shape[2]
    return values + scores.take_along_dim(beams, 1), beams, places % log_probs.shape[2]


@wrong("beam_step", says="changes what it was given")
def in_place(scores, log_probs, keep):
    log_probs += scores.unsqueeze(-1)
    return search.beam_step(torch.zeros_like(scores), log_probs, keep)


slips(
    "beam_step",
    at_most_256=("keep 300", edit("min(keep,", "min(keep, 256,")),
    as_many_as_beams=("keep 1", edit("min(keep,", "min(max(keep, scores.shape[1]),")),
    words_in_a_byte=("600 words", edit("places % log_probs.shape[-1]", "(places % log_probs.shape[-1]).byte().long()")),
    wrong_remainder=("expected", edit("places % log_probs.shape[-1]", "places % log_probs.shape[1]")),
    averaged=("expected", edit("scores[:, :, None] + log_probs", "(scores[:, :, None] + log_probs) / 2")),
    scores_on_the_words=("raised", edit("scores[:, :, None]", "scores[:, None]")),
)


# ---------------------------------------------------------------------------------------------------------- reorder


@wrong("reorder", says="the first part")
def scatters(state, rows):
    new = []
    for part in state:
        moved = torch.zeros(len(rows), *part.shape[1:], dtype=part.dtype)
        moved[rows[rows < len(rows)]] = part[: len(rows)][: len(rows[rows < len(rows)])]
        new.append(moved)
    return tuple(new)


@wrong("reorder", says="a tuple is asked for")
def a_list_of_parts(state, rows):
    return [part[rows] for part in state]


@wrong("reorder", says="only the first part")
def words_only(state, rows):
    written, *others = state
    return (written[rows], *others)


@wrong("reorder", says="nothing moves")
def does_nothing(state, rows):
    return tuple(state)


@wrong("reorder", says="the first part")
def keeps_the_order(state, rows):
    order = sorted(rows.tolist())
    return tuple(torch.stack([part[i] for i in order]) for part in state)


@wrong("reorder", says="has shape")
def a_mask(state, rows):
    chosen = torch.zeros(len(state[0]), dtype=torch.bool)
    chosen[rows] = True
    return tuple(part[chosen] for part in state) if len(rows) != len(state[0]) else tuple(p[rows] for p in state)


@wrong("reorder", says="put together")
def the_first_part(state, rows):
    return state[0][rows]


@wrong("reorder", says="shape")
def wrong_axis(state, rows):
    return tuple(part.index_select(1, rows.clamp(max=part.shape[1] - 1)) for part in state)


@wrong("reorder", says="shape")
def first_row_only(state, rows):
    return tuple(part[rows[0]] for part in state)


@wrong("reorder", says="return")
def loop_without_return(state, rows):
    for part in state:
        part = part[rows]


@wrong("reorder", says="nothing is left to stack")
def stacked(state, rows):
    return tuple(torch.stack([part[i] for i in rows.tolist()]) for part in state)


@wrong("reorder", says="any number")
def ids_memory_and_mask(state, rows):
    written, memory, mask = state
    return written[rows], memory[rows], mask[rows]


@wrong("reorder", says="as many as `rows` says")
def the_others_stay(state, rows):
    return tuple(torch.cat([part[rows], part[len(rows) :]]) for part in state)


@wrong("reorder", says="too many indices")
def with_a_second_axis(state, rows):
    return tuple(part[rows, :] for part in state)


@wrong("reorder", says="changes what it was given")
def writes_into_the_state(state, rows):
    for part in state:
        n = min(len(rows), len(part))
        part[:n] = part[rows[:n]].clone()
    return state


@wrong("reorder", says="values")
def adds_the_rows(state, rows):
    return (*(part[rows] for part in state), rows)


@wrong("reorder", says="values")
def forgets_the_last(state, rows):
    return tuple(part[rows] for part in state[:-1])


slips(
    "reorder",
    empty_parts_stay=("before the first word", edit("part[rows] for", "(part[rows] if part.numel() else part) for")),
    one_row_stays=("one part of one row", edit("part[rows] for", "(part if len(part) == 1 else part[rows]) for")),
    rows_in_a_byte=("300 rows", edit("part[rows] for", "part[rows.byte().long()] for")),
    in_their_old_order=("in their old order", edit("part[rows] for", "part[rows.sort().values] for")),
    moved_to=("new[i] = old[rows[i]]", edit("part[rows] for", "part[rows.argsort()] for")),
    repeated=("expected", edit("part[rows] for", "part.repeat_interleave(2, 0)[: len(rows)] for")),
    floats=("dtype", edit("part[rows] for", "part[rows].float() for")),
    through_float32=(None, edit("part[rows]", "part[rows].float().to(part.dtype)")),
    through_float64=("index them", edit("part[rows]", "part[rows].double().to(part.dtype)")),
    by_a_product=(
        "index them",
        edit(
            "part[rows]",
            "torch.einsum('or,rn->on', torch.eye(len(part)).double()[rows], part.double().view(len(part), -1))"
            ".view(len(rows), *part.shape[1:]).to(part.dtype)",
        ),
    ),
)


# ------------------------------------------------------------------------------------------------------ beam_search


REORDER = "        state = reorder(state, rows[on].gather(1, best).flatten())\n"
ON = "on = finished.collect(going, ids[:, :, 1:], scores)"
RESULT = "return finished.result()"

slips(
    "beam_search",
    no_log_softmax=("log_softmax over the words first", edit("logits.log_softmax(dim=-1)", "logits")),
    softmax=("log_softmax, not softmax", edit("log_softmax", "softmax")),
    always_sos=("feed it the last id", edit("ids[:, :, -1].flatten()", "torch.full_like(ids[:, :, 0], SOS).flatten()")),
    beam_for_row=("sentence × width + beam", edit("torch.arange(len(going))[:, None] * width + beam", "beam")),
    no_sum=("starts from scores of 0", edit("beam_step(scores,", "beam_step(torch.zeros_like(scores),")),
    as_many_candidates_as_beams=(
        "some of them end",
        edit("2 * beams", "beams", "words.shape[1] - width", "words.shape[1]"),
    ),
    ended_ones_stay=("before the second topk", edit(".masked_fill(words[on] == EOS, -math.inf)", "")),
    sos_handed_over=("hand it `ids[:, :, 1:]`", edit("ids[:, :, 1:]", "ids")),
    first_rows=("the second choice", edit("rows[on].gather(1, best)", "rows[on][:, : best.shape[1]]")),
    own_reorder=("`reorder` has no effect", edit(REORDER, REORDER.replace("reorder(", "globals()['reorder']("))),
    alpha_one=("`alpha` has no effect", edit("beams, alpha)", "beams, 1.0)")),
    one_less=("not the limit", edit("going), limit", "going), limit - 1")),
    one_more=("not the limit", edit("going), limit", "going), limit + 1")),
    only_ids=("return `finished.result()`", edit(RESULT, "return finished.result()[0]")),
    values_first=("the ids first", edit(RESULT, "return finished.result()[::-1]")),
    begins_with_sos=(
        "at the front",
        edit(RESULT, "ids, v = finished.result()\n    return torch.cat([torch.full_like(ids[:, :1], SOS), ids], 1), v"),
    ),
    eos_dropped=(
        "it is part of the result",
        edit(RESULT, "ids, values = finished.result()\n    return ids.masked_fill(ids == EOS, PAD), values"),
    ),
    words_of_others=("expected", edit("ids.take_along_dim(beam[:, :, None], dim=1)", "ids[:, [0] * beam.shape[1]]")),
    wrong_rows=("", edit("[:, None] * width + beam", "[:, None] * beam.shape[1] + beam % width")),
    half_the_candidates=("", edit("[:, None] * width + beam", "[:, None] * beam.shape[1] // 2 + beam")),
    ends_with_the_best=("when its best beginning ends", edit(ON, f"{ON} & (words[:, 0] != EOS)")),
    numbers_of_places=("keep going[on]", edit("collect(going,", "collect(torch.arange(len(going)),")),
    masked_before=(
        "`collect` first",
        edit("        on = ", "        scores = scores.masked_fill(words == EOS, -math.inf)\n        on = "),
    ),
    no_reorder=("does not follow the beams", edit(REORDER, "")),
    all_go_on=(
        "go on: keep only those",
        edit("        rows = torch", "        on = torch.ones_like(on)\n        rows = torch"),
    ),
    buffer_of_64=("never says <EOS>", edit("while len(going):", "while len(going) and ids.shape[-1] < 64:")),
    means_at_once=("expected", edit("beam_step(scores,", "beam_step(scores / ids.shape[-1],")),
    one_candidate_more=(
        "three of four",
        edit("2 * beams", "beams + 1", "words.shape[1] - width", "words.shape[1] - 1"),
    ),
    two_candidates_more=(
        "three of four",
        edit("2 * beams", "beams + 2", "words.shape[1] - width", "words.shape[1] - min(2, width)"),
    ),
    log_of_exp=(
        "two words at -inf",
        edit("logits.log_softmax(dim=-1)", "(logits.exp() / logits.exp().sum(-1, keepdim=True)).log()"),
    ),
)


@wrong("beam_search", says="has shape")
def as_wide_as_allowed(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    ids, values = search.beam_search(step, state, limit, beams, alpha, reorder)
    return functional.pad(ids, (0, limit - ids.shape[1]), value=PAD), values


@wrong("beam_search", says="from one word only")
def starts_with_equal_copies(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    n = len(state[0])
    state = reorder(state, torch.arange(n).repeat_interleave(beams))
    going, ids, scores = torch.arange(n), torch.full((n, beams, 1), SOS), torch.zeros(n, beams)
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


@wrong("beam_search", says="from one word only")
def only_greedy(step, state, limit, beams=4, alpha=1.0, reorder=search.reorder):
    return search.beam_search(step, state, limit, 1, alpha, reorder)


# -------------------------------------------------------------------------------------------------- clipped_matches


def runs(sentence, n):
    return [tuple(sentence[i : i + n]) for i in range(len(sentence) - n + 1)]


@wrong("clipped_matches", says="at most as often")
def counts_all(written, right, n):
    hits = sum(run in runs(b, n) for a, b in zip(written, right, strict=True) for run in runs(a, n))
    return hits, sum(len(runs(a, n)) for a in written)


@wrong("clipped_matches", says="Every run counts once".lower())
def sets(written, right, n):
    pairs = [(set(runs(a, n)), set(runs(b, n))) for a, b in zip(written, right, strict=True)]
    return sum(len(a & b) for a, b in pairs), sum(len(a) for a, b in pairs)


@wrong("clipped_matches", says="hits count each run once")
def set_of_hits(written, right, n):
    hits = sum(len(set(runs(a, n)) & set(runs(b, n))) for a, b in zip(written, right, strict=True))
    return hits, sum(len(runs(a, n)) for a in written)


@wrong("clipped_matches", says="recall")
def tries_of_the_reference(written, right, n):
    hits = sum((Counter(runs(a, n)) & Counter(runs(b, n))).total() for a, b in zip(written, right, strict=True))
    return hits, sum(len(runs(b, n)) for b in right)


@wrong("clipped_matches", says="tries are the words")
def tries_are_words(written, right, n):
    return matches(written, right, n)[0], sum(len(a) for a in written)


@wrong("clipped_matches", says="its own reference")
def one_big_bag(written, right, n):
    a, b = Counter(), Counter()
    for mine, theirs in zip(written, right, strict=True):
        a.update(runs(mine, n))
        b.update(runs(theirs, n))
    return (a & b).total(), a.total()


@wrong("clipped_matches", says="n is not used")
def single_words(written, right, n):
    hits = sum((Counter(a) & Counter(b)).total() for a, b in zip(written, right, strict=True))
    return hits, sum(map(len, written)) - 0 * n


@wrong("clipped_matches", says="hits first")
def tries_first(written, right, n):
    hits, tries = matches(written, right, n)
    return tries, hits


@wrong("clipped_matches", says="the two counts")
def a_share(written, right, n):
    hits, tries = matches(written, right, n)
    return hits / tries if tries else 0.0


@wrong("clipped_matches", says="add up over all")
def overwritten(written, right, n):
    for a, b in zip(written, right, strict=True):
        hits, tries = (ngrams(a, n) & ngrams(b, n)).total(), ngrams(a, n).total()
    return hits, tries


@wrong("clipped_matches", says="add up over all")
def returns_in_the_loop(written, right, n):
    for a, b in zip(written, right, strict=True):
        return (ngrams(a, n) & ngrams(b, n)).total(), ngrams(a, n).total()


@wrong("clipped_matches", says="the smaller, `&`")
def union(written, right, n):
    hits = sum((ngrams(a, n) | ngrams(b, n)).total() for a, b in zip(written, right, strict=True))
    return hits, sum(ngrams(a, n).total() for a in written)


@wrong("clipped_matches", says="wherever it stands")
def same_places(written, right, n):
    hits = sum(
        x == y for a, b in zip(written, right, strict=True) for x, y in zip(runs(a, n), runs(b, n), strict=False)
    )
    return hits, sum(len(runs(a, n)) for a in written)


@wrong("clipped_matches", says="sequence item 0")
def joined_with_blanks(written, right, n):
    def joined(sentence):
        return Counter(" ".join(run) for run in runs(sentence, n))

    hits = sum((joined(a) & joined(b)).total() for a, b in zip(written, right, strict=True))
    return hits, sum(joined(a).total() for a in written)


@wrong("clipped_matches", says="shorter than n")
def at_least_one_run(written, right, n):
    def counted(sentence):
        return Counter(tuple(sentence[i : i + n]) for i in range(max(len(sentence) - n, 0) + 1))

    hits = sum((counted(a) & counted(b)).total() for a, b in zip(written, right, strict=True))
    return hits, sum(counted(a).total() for a in written)


@wrong("clipped_matches", says="order in a run")
def sorted_runs(written, right, n):
    pairs = [
        [Counter(tuple(sorted(run)) for run in runs(s, n)) for s in pair] for pair in zip(written, right, strict=True)
    ]
    return sum((a & b).total() for a, b in pairs), sum(a.total() for a, _ in pairs)


@wrong("clipped_matches", says="compared as text")
def glued_together(written, right, n):
    pairs = [
        [Counter("".join(map(str, run)) for run in runs(s, n)) for s in pair]
        for pair in zip(written, right, strict=True)
    ]
    return sum((a & b).total() for a, b in pairs), sum(a.total() for a, _ in pairs)


@wrong("clipped_matches", says="compared as text")
def looked_for_in_the_text(written, right, n):
    hits = 0
    for mine, theirs in zip(written, right, strict=True):
        text = " ".join(map(str, theirs))
        hits += sum(min(count, text.count(" ".join(map(str, run)))) for run, count in ngrams(mine, n).items())
    return hits, matches(written, right, n)[1]


@wrong("clipped_matches", says="cut off")
def as_long_as_the_reference(written, right, n):
    hits = tries = 0
    for mine, theirs in zip(written, right, strict=True):
        short = [run for run, _ in zip(runs(mine, n), runs(theirs, n), strict=False)]
        hits += (Counter(short) & Counter(runs(theirs, n))).total()
        tries += len(short)
    return hits, tries


@wrong("clipped_matches", says="should be a number")
def lists_for_each_sentence(written, right, n):
    hits = [(ngrams(a, n) & ngrams(b, n)).total() for a, b in zip(written, right, strict=True)]
    return hits, [ngrams(a, n).total() for a in written]


@wrong("clipped_matches", says="with a sign that a token may hold")
def joined_with_blanks_and_counted(written, right, n):
    hits = tries = 0
    for mine, theirs in zip(written, right, strict=True):
        have, allowed = (Counter(" ".join(map(str, run)) for run in runs(s, n)) for s in (mine, theirs))
        hits += sum(min(times, allowed[run]) for run, times in have.items())
        tries += have.total()
    return hits, tries


@wrong("clipped_matches", says="with a sign that a token may hold")
def joined_with_commas(written, right, n):
    pairs = [
        [Counter(",".join(map(str, run)) for run in runs(s, n)) for s in pair]
        for pair in zip(written, right, strict=True)
    ]
    return sum((a & b).total() for a, b in pairs), sum(a.total() for a, _ in pairs)


def changed(change, *sides):
    """The sentences of each side with every token that is a string changed."""
    return [[[change(t) if isinstance(t, str) else t for t in s] for s in side] for side in sides]


@wrong("clipped_matches", says="without `lower()`")
def in_small_letters(written, right, n):
    return matches(*changed(str.lower, written, right), n)


@wrong("clipped_matches", says="without `strip()`")
def without_blanks(written, right, n):
    return matches(*changed(str.strip, written, right), n)


slips(
    "clipped_matches",
    nothing_as_zero=(
        "nothing that is 4 tokens long",
        edit("return hits, tries", "return (hits, tries) if tries else 0.0"),
    ),
    four_at_most=("n = 5", edit("(mine, n)", "(mine, min(n, 4))", "(theirs, n)", "(theirs, min(n, 4))")),
    kept_counts=(
        "keeps something",
        edit(
            "n: int)",
            "n, total=[0, 0])",
            "return hits, tries",
            "total[0] += hits\n    total[1] += tries\n    return tuple(total)",
        ),
    ),
)


# ------------------------------------------------------------------------------------------------------------- bleu


def shares(written, right):
    return [hits / tries if tries else 0.0 for hits, tries in (matches(written, right, n) for n in (1, 2, 3, 4))]


def lengths(written, right):
    return sum(len(s) for s in written), sum(len(s) for s in right)


def brevity_of(written, right):
    mine, wanted = lengths(written, right)
    return 1.0 if mine >= wanted else math.exp(1 - wanted / mine)


@wrong("bleu", says="arithmetic mean")
def averages(written, right):
    same_number(written, right)
    return 100 * sum(shares(written, right)) / 4 * brevity_of(written, right) if all(shares(written, right)) else 0.0


@wrong("bleu", says="fourth root")
def no_root(written, right):
    same_number(written, right)
    return 100 * math.prod(shares(written, right)) * brevity_of(written, right)


@wrong("bleu", says="0 to 100")
def from_zero_to_one(written, right):
    same_number(written, right)
    return math.prod(shares(written, right)) ** 0.25 * brevity_of(written, right)


@wrong("bleu", says="costs nothing")
def no_brevity(written, right):
    same_number(written, right)
    return 100 * math.prod(shares(written, right)) ** 0.25


@wrong("bleu", says="at most 1")
def brevity_unlimited(written, right):
    same_number(written, right)
    mine, wanted = lengths(written, right)
    return 100 * math.prod(shares(written, right)) ** 0.25 * math.exp(1 - wanted / max(mine, 1))


@wrong("bleu", says="turned around")
def brevity_turned(written, right):
    same_number(written, right)
    mine, wanted = lengths(written, right)
    return 100 * math.prod(shares(written, right)) ** 0.25 * min(1.0, math.exp(1 - mine / wanted))


@wrong("bleu", says="length/wanted here")
def brevity_linear(written, right):
    same_number(written, right)
    mine, wanted = lengths(written, right)
    return 100 * math.prod(shares(written, right)) ** 0.25 * min(1.0, mine / wanted)


@wrong("bleu", says="range(1, LONGEST + 1)")
def three_orders(written, right):
    same_number(written, right)
    return 100 * math.prod(shares(written, right)[:3]) ** (1 / 3) * brevity_of(written, right)


@wrong("bleu", says="only runs of four")
def fours_only(written, right):
    same_number(written, right)
    return 100 * shares(written, right)[3] * brevity_of(written, right)


@wrong("bleu", says="only single words")
def words_alone(written, right):
    same_number(written, right)
    return 100 * shares(written, right)[0] * brevity_of(written, right)


@wrong("bleu", says="the scores of the sentences are averaged")
def sentence_by_sentence(written, right):
    same_number(written, right)
    scores = []
    for mine, theirs in zip(written, right, strict=True):
        score = 0.0
        if all(shares([mine], [theirs])):
            score = 100 * math.prod(shares([mine], [theirs])) ** 0.25 * brevity_of([mine], [theirs])
        scores.append(score)
    return sum(scores) / len(scores)


@wrong("bleu", says="each sentence pays")
def brevity_of_each_sentence(written, right):
    same_number(written, right)
    prices = [min(1.0, math.exp(1 - len(b) / max(len(a), 1))) for a, b in zip(written, right, strict=True)]
    return 100 * math.prod(shares(written, right)) ** 0.25 * sum(prices) / len(prices)


@wrong("bleu", says="exchanged")
def references_first(written, right):
    same_number(written, right)
    mine, wanted = lengths(right, written)
    return 100 * math.prod(shares(right, written)) ** 0.25 * (1.0 if mine >= wanted else math.exp(1 - wanted / mine))


@wrong("bleu", says="nine digits")
def rounded(written, right):
    same_number(written, right)
    return round(100 * math.prod(shares(written, right)) ** 0.25 * brevity_of(written, right), 2)


@wrong("bleu", says="nine digits")
def a_little_is_added(written, right):
    same_number(written, right)
    if not all(shares(written, right)):
        return 0.0
    return 100 * math.prod(share + 1e-8 for share in shares(written, right)) ** 0.25 * brevity_of(written, right)


@wrong("bleu", says="float32")
def in_float32(written, right):
    same_number(written, right)
    return 100 * torch.tensor(shares(written, right)).prod() ** 0.25 * brevity_of(written, right)


@wrong("bleu", says="expected str instance")
def strings_only(written, right):
    same_number(written, right)
    written, right = ([" ".join(sentence).split() for sentence in side] for side in (written, right))
    return 100 * math.prod(shares(written, right)) ** 0.25 * brevity_of(written, right)


@wrong("bleu", says="math domain error")
def logarithm_of_zero(written, right):
    same_number(written, right)
    return 100 * math.exp(sum(math.log(s) for s in shares(written, right)) / LONGEST) * brevity_of(written, right)


@wrong("bleu", says="ZeroDivisionError")
def divides_by_zero(written, right):
    same_number(written, right)
    precisions = [hits / tries for hits, tries in (matches(written, right, n) for n in (1, 2, 3, 4))]
    return 100 * math.prod(precisions) ** 0.25 * brevity_of(written, right)


@wrong("bleu", says="do not pair up")
def cuts_the_longer_list(written, right):
    counts = []
    for n in range(1, LONGEST + 1):
        pairs = [(ngrams(a, n), ngrams(b, n)) for a, b in zip(written, right, strict=False)]
        counts.append((sum((a & b).total() for a, b in pairs), sum(a.total() for a, _ in pairs)))
    if any(hits == 0 for hits, _ in counts):
        return 0.0
    return 100 * math.prod(hits / tries for hits, tries in counts) ** (1 / LONGEST) * brevity_of(written, right)


@wrong("bleu", says="without `lower()`")
def capitals_do_not_count(written, right):
    return scoring.bleu(*changed(str.lower, written, right))


@wrong("bleu")
def blanks_do_not_count(written, right):
    return scoring.bleu(*changed(str.strip, written, right))


@wrong("bleu", says="a token may hold a blank")
def cuts_the_joined_text(written, right):
    return scoring.bleu(*([" ".join(map(str, s)).split(" ") for s in side] for side in (written, right)))


slips(
    "bleu",
    no_longer_than_the_right_one=(
        "makes up for a short one",
        edit("sum(map(len, written))", "sum(len(a[: len(b)]) for a, b in zip(written, right))"),
    ),
    divides_by_the_length=(
        "nothing was written",
        edit(
            "    if any(hits == 0 for hits, _ in counts):\n        return 0.0\n",
            "",
            "hits / tries",
            "hits / max(1, tries)",
        ),
    ),
    third_root=("expected", edit("(1 / LONGEST)", "(1 / 3)")),
    price_of_characters=(
        "expected",
        edit(
            "map(len, written)",
            "len(str(t)) for s in written for t in s",
            "map(len, right)",
            "len(str(t)) for s in right for t in s",
        ),
    ),
    smoothed=(
        "expected",
        edit(
            "hits / tries",
            "(hits + 1) / (tries + 1)",
            "    if any(hits == 0 for hits, _ in counts):\n        return 0.0\n",
            "",
        ),
    ),
    kept_counts=(
        "keeps something",
        edit(
            "right: Sequence[Sentence])",
            "right, seen=[])",
            "    counts =",
            "    seen += written\n    counts =",
            "map(len, written)",
            "map(len, seen)",
        ),
    ),
)


SOFTMAX = "logits.exp() / logits.exp().sum(-1, keepdim=True)"
slips(
    "best_continuations",
    shifted_by_the_largest_of_all=(
        "logits around 100, 0 and -1000",
        edit(
            "return logits",
            "logits = logits - logits.max()\n    return logits",
            "logits.softmax(dim=-1)",
            f"({SOFTMAX})",
        ),
    ),
)
