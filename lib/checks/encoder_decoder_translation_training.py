"""Checks of notebook 09, second part: padding, label smoothing, the paper's learning rate, alignment."""

import math

import torch
from torch.nn import functional

from lib import attention
from lib.checks.core import Exercise
from lib.checks.probing import gradients
from lib.training import recipes

share_of_padding = Exercise(recipes.share_of_padding)
label_smoothed_loss = Exercise(recipes.label_smoothed_loss)
noam_rate = Exercise(recipes.noam_rate)
alignment_accuracy = Exercise(attention.alignment_accuracy)


# ------------------------------------------------------------------------------------------------- share_of_padding


@share_of_padding.probe("lengths 2, 6, 7 in the batches [0, 2] and [1]")
def _(answer, rng):
    return answer([2, 6, 7], [[0, 2], [1]])


@share_of_padding.probe("batches that take the sentences out of order, and leave one out")
def _(answer, rng):
    return answer([7, 3, 12, 5, 9, 4, 8, 11, 2], [[0, 2, 1, 5, 3], [6], [7, 4]])


def _rectangles(lengths, batches):
    return [[lengths[i] for i in batch] for batch in batches]


@share_of_padding.mistake("this is the share of the real tokens: 1 minus that is padding.")
def share_of_real(lengths, batches):
    return 1 - recipes.share_of_padding(lengths, batches)


@share_of_padding.mistake("padding is divided by the real tokens: divide by all places, real and padding.")
def by_real_tokens(lengths, batches):
    share = recipes.share_of_padding(lengths, batches)
    return share / (1 - share)


@share_of_padding.mistake("these are percent: a share is between 0 and 1.")
def percent(lengths, batches):
    return 100 * recipes.share_of_padding(lengths, batches)


@share_of_padding.mistake("the padded places are counted: divide by all places of all rectangles.")
def count(lengths, batches):
    return sum(len(row) * max(row) - sum(row) for row in _rectangles(lengths, batches))


@share_of_padding.mistake("the shares of the batches are averaged: a large batch must count more. Add up, then divide.")
def mean_of_shares(lengths, batches):
    shares = [1 - sum(row) / (len(row) * max(row)) for row in _rectangles(lengths, batches)]
    return sum(shares) / len(shares)


@share_of_padding.mistake("every batch is padded to the longest sentence of all: only to its own longest.")
def one_length_for_all(lengths, batches):
    rows = _rectangles(lengths, batches)
    return 1 - sum(map(sum, rows)) / (max(lengths) * sum(map(len, rows)))


@share_of_padding.mistake("the numbers in a batch are indices: sentence i has length lengths[i].")
def indices_for_lengths(lengths, batches):
    rows = [[max(i, 1) for i in batch] for batch in batches]
    return 1 - sum(map(sum, rows)) / sum(len(row) * max(row) for row in rows)


@share_of_padding.mistake(
    "the numbers in a batch are indices: sentence i has length lengths[i], in whatever order they come."
)
def in_order(lengths, batches):
    iterator = iter(lengths)
    rows = [[next(iterator) for _ in batch] for batch in batches]
    return 1 - sum(map(sum, rows)) / sum(len(row) * max(row) for row in rows)


@share_of_padding.mistake("only the last batch counts here: add up over all of them.")
def last_batch(lengths, batches):
    return recipes.share_of_padding(lengths, batches[-1:])


@share_of_padding.mistake("only the first batch counts here: add up over all of them.")
def first_batch(lengths, batches):
    return recipes.share_of_padding(lengths, batches[:1])


@share_of_padding.mistake("a rectangle is as wide as its longest sentence, wherever that stands; not as its last one.")
def width_of_the_last(lengths, batches):
    rows = _rectangles(lengths, batches)
    return 1 - sum(map(sum, rows)) / sum(len(row) * row[-1] for row in rows)


@share_of_padding.mistake("the largest index is taken for the longest sentence: max over lengths[i], not over i.")
def width_of_the_largest_index(lengths, batches):
    real = sum(map(sum, _rectangles(lengths, batches)))
    return 1 - real / sum(len(batch) * lengths[max(batch)] for batch in batches)


@share_of_padding.mistake("the shares of the sentences are averaged: a wide row must count more. Add up, then divide.")
def mean_over_sentences(lengths, batches):
    shares = [1 - length / max(row) for row in _rectangles(lengths, batches) for length in row]
    return sum(shares) / len(shares)


@share_of_padding.mistake("sentences that stand in no batch are counted: take those of the batches only.")
def all_sentences(lengths, batches):
    return 1 - sum(lengths) / sum(len(row) * max(row) for row in _rectangles(lengths, batches))


@share_of_padding.mistake(
    "the padding is measured against the shortest sentence: a rectangle is as wide as the longest."
)
def shortest(lengths, batches):
    rows = _rectangles(lengths, batches)
    return 1 - sum(map(sum, rows)) / sum(len(row) * min(row) for row in rows)


# ---------------------------------------------------------------------------------------------- label_smoothed_loss


def _example(rng, *shape, vocab):
    return torch.randn(*shape, vocab, generator=rng), torch.randint(vocab, shape, generator=rng)


@label_smoothed_loss.probe("logits (log 3, 0), word 0, no smoothing: -log 3/4")
def _(answer, rng):
    return answer(torch.tensor([[math.log(3), 0.0]]), torch.tensor([0]), 0.0)


@label_smoothed_loss.probe("logits (log 3, 0), word 0, smoothing 0.2")
def _(answer, rng):
    return answer(torch.tensor([[math.log(3), 0.0]]), torch.tensor([0]), 0.2)


@label_smoothed_loss.probe("5 targets, 7 words, smoothing 0.1")
def _(answer, rng):
    return answer(*_example(rng, 5, vocab=7), 0.1)


@label_smoothed_loss.probe("batch 2, 3 positions, 7 words, smoothing 0.3")
def _(answer, rng):
    return answer(*_example(rng, 2, 3, vocab=7), 0.3)


@label_smoothed_loss.probe("logits of 300 and -300, smoothing 0.1")
def _(answer, rng):
    return answer(600 * torch.eye(5)[:3] - 300, torch.tensor([0, 4, 2]), 0.1)


@label_smoothed_loss.probe("the gradient for the logits")
def _(answer, rng):
    logits, targets = _example(rng, 3, vocab=5)
    return gradients(answer(logits.requires_grad_(), targets, 0.1), logits=logits)


def _surprises(logits, targets):
    surprise = -logits.log_softmax(-1)
    return surprise, surprise.gather(-1, targets.unsqueeze(-1)).squeeze(-1)


@label_smoothed_loss.mistake("`smoothing` is not used: this is plain cross-entropy.")
def plain(logits, targets, smoothing):
    return _surprises(logits, targets)[1].mean()


@label_smoothed_loss.mistake("the parts are exchanged: the right word keeps 1 - smoothing, all words share smoothing.")
def exchanged(logits, targets, smoothing):
    surprise, right = _surprises(logits, targets)
    return smoothing * right.mean() + (1 - smoothing) * surprise.mean()


@label_smoothed_loss.mistake("the right word keeps its whole weight: only 1 - smoothing of it is left.")
def too_much(logits, targets, smoothing):
    surprise, right = _surprises(logits, targets)
    return right.mean() + smoothing * surprise.mean()


@label_smoothed_loss.mistake("the even part is missing: add smoothing times the mean surprise over all words.")
def scaled_down(logits, targets, smoothing):
    return (1 - smoothing) * _surprises(logits, targets)[1].mean()


@label_smoothed_loss.mistake(
    "smoothing is spread over the wrong words only. Here, as in PyTorch, all words share it, the right one too."
)
def wrong_words_only(logits, targets, smoothing):
    surprise, right = _surprises(logits, targets)
    others = (surprise.sum(-1) - right) / (logits.shape[-1] - 1)
    return ((1 - smoothing) * right + smoothing * others).mean()


@label_smoothed_loss.mistake("the surprise of all words is summed: each gets smoothing / vocab, so take their mean.")
def sum_over_words(logits, targets, smoothing):
    surprise, right = _surprises(logits, targets)
    return ((1 - smoothing) * right + smoothing * surprise.sum(-1)).mean()


@label_smoothed_loss.mistake("the targets are summed: take their mean.")
def sum_over_targets(logits, targets, smoothing):
    return functional.cross_entropy(
        logits.flatten(0, -2), targets.flatten(), label_smoothing=smoothing, reduction="sum"
    )


@label_smoothed_loss.mistake("one number for each target comes back: take their mean.")
def not_reduced(logits, targets, smoothing):
    surprise, right = _surprises(logits, targets)
    return (1 - smoothing) * right + smoothing * surprise.mean(-1)


@label_smoothed_loss.mistake("the sign is wrong: a surprise is minus a log-probability.")
def negative(logits, targets, smoothing):
    return -recipes.label_smoothed_loss(logits, targets, smoothing)


@label_smoothed_loss.mistake("the surprise is -log of the probability: here the probability itself is averaged.")
def probabilities(logits, targets, smoothing):
    chances = logits.softmax(-1)
    right = chances.gather(-1, targets.unsqueeze(-1)).mean()
    return (1 - smoothing) * -right + smoothing * -chances.mean()


@label_smoothed_loss.mistake("softmax then log overflows, and so does exp, sum, log: use log_softmax, it stays finite.")
def log_of_softmax(logits, targets, smoothing):
    surprise = -logits.softmax(-1).log()
    return (1 - smoothing) * surprise.gather(-1, targets.unsqueeze(-1)).mean() + smoothing * surprise.mean()


@label_smoothed_loss.mistake(
    "the log of a probability plus a small number: use log_softmax, which needs no such trick."
)
def with_epsilon(logits, targets, smoothing):
    surprise = -(logits.softmax(-1) + 1e-9).log()
    return (1 - smoothing) * surprise.gather(-1, targets.unsqueeze(-1)).mean() + smoothing * surprise.mean()


@label_smoothed_loss.mistake("the softmax runs over the targets: the words are the last axis, dim=-1.")
def wrong_axis(logits, targets, smoothing):
    surprise = -logits.log_softmax(0)
    return (1 - smoothing) * surprise.gather(-1, targets.unsqueeze(-1)).mean() + smoothing * surprise.mean()


@label_smoothed_loss.mistake("the softmax runs over the positions: the words are the last axis, dim=-1.")
def over_positions(logits, targets, smoothing):
    surprise = -logits.log_softmax(1)
    return (1 - smoothing) * surprise.gather(-1, targets.unsqueeze(-1)).mean() + smoothing * surprise.mean()


@label_smoothed_loss.mistake("the softmax is taken twice: give the logits themselves to log_softmax or cross_entropy.")
def twice(logits, targets, smoothing):
    return recipes.label_smoothed_loss(logits.softmax(-1), targets, smoothing)


@label_smoothed_loss.mistake("0.1 is the paper's choice: use `smoothing`.")
def always_a_tenth(logits, targets, smoothing):
    return recipes.label_smoothed_loss(logits, targets, 0.1)


@label_smoothed_loss.mistake(
    "this is a divergence: the entropy of what is wanted is taken off. Only surprises count here."
)
def divergence(logits, targets, smoothing):
    words = logits.shape[-1]
    wanted = (1 - smoothing) * functional.one_hot(targets, words) + smoothing / words
    return functional.kl_div(logits.log_softmax(-1), wanted, reduction="batchmean")


@label_smoothed_loss.mistake("there is no softmax: logits are not log-probabilities yet.")
def no_softmax(logits, targets, smoothing):
    surprise = -logits
    return (1 - smoothing) * surprise.gather(-1, targets.unsqueeze(-1)).mean() + smoothing * surprise.mean()


@label_smoothed_loss.mistake("base 2: the loss is in nats, the natural logarithm.")
def in_bits(logits, targets, smoothing):
    return recipes.label_smoothed_loss(logits, targets, smoothing) / math.log(2)


# -------------------------------------------------------------------------------------------------------- noam_rate


@noam_rate.probe("d_model 512, warm-up 4000")
def _(answer, rng):
    return {f"a million times the rate at step {step}": 1e6 * answer(step, 512, 4000) for step in (1, 4000, 16_000)}


@noam_rate.probe("d_model 64, warm-up 7")
def _(answer, rng):
    return {f"the rate at step {step}": answer(step, 64, 7) for step in (1, 6, 7, 8, 28)}


def _rate(
    rising=lambda step, warmup: step * warmup**-1.5, falling=lambda step, warmup: step**-0.5, choose=min, size=-0.5
):
    return lambda step, d_model, warmup: d_model**size * choose(falling(step, warmup), rising(step, warmup))


for _sentence, _answer in (
    ("the larger of the two is taken: min, so that the line rises first and the root falls later.", _rate(choose=max)),
    ("d_model is missing: times d_model^-0.5.", _rate(size=0)),
    ("d_model to the power of +0.5: wider models learn more slowly, so it is d_model^-0.5.", _rate(size=0.5)),
    ("d_model divides without its root: d_model^-0.5.", _rate(size=-1)),
    ("there is no warm-up: the smaller of step^-0.5 and step · warmup^-1.5.", _rate(rising=lambda s, w: s**-0.5)),
    ("it rises for ever: the smaller of step^-0.5 and step · warmup^-1.5.", _rate(falling=lambda s, w: s * w**-1.5)),
    ("after the warm-up the rate stays as it is: it falls as step^-0.5.", _rate(falling=lambda s, w: w**-0.5)),
    ("it falls as 1/step: as one over the root, step^-0.5.", _rate(falling=lambda s, w: 1 / s)),
    ("the line is too steep: step · warmup^-1.5 meets step^-0.5 at step = warmup.", _rate(rising=lambda s, w: s / w)),
    ("the line is too steep: warmup^-1.5, with the minus before 1.5.", _rate(rising=lambda s, w: s * w**-0.5)),
    ("the exponent of step is -0.5: the minus is missing.", _rate(falling=lambda s, w: s**0.5)),
    ("one step too late: step 1 is the first and counts as 1.", lambda s, d, w: recipes.noam_rate(s + 1, d, w)),
    (
        "one step too early: step 1 is the first and counts as 1.",
        lambda s, d, w: recipes.noam_rate(s - 1, d, w) if s > 1 else 0.0,
    ),
    ("4000 is the paper's warm-up: use `warmup`.", lambda s, d, w: recipes.noam_rate(s, d, 4000)),
    ("512 is the paper's d_model: use `d_model`.", lambda s, d, w: recipes.noam_rate(s, 512, w)),
    (
        "only warmup has the power -1.5: step · warmup^-1.5.",
        _rate(rising=lambda s, w: (s * w) ** -1.5),
    ),
    (
        "the power -1.5 stands at the wrong number: step · warmup^-1.5.",
        _rate(rising=lambda s, w: s**-1.5 * w),
    ),
    (
        "d_model^-0.5 belongs to both parts: min(...) as a whole is multiplied.",
        lambda s, d, w: min((d * s) ** -0.5, s * w**-1.5),
    ),
    (
        "d_model and warmup are exchanged: the arguments are step, d_model, warmup.",
        lambda s, d, w: recipes.noam_rate(s, w, d),
    ),
):
    noam_rate.mistake(_sentence)(_answer)


# ----------------------------------------------------------------------------------------------- alignment_accuracy


@alignment_accuracy.probe("2 blocks, 3 heads, 6 written and 4 read words, a link for five of them")
def _(answer, rng):
    weights = torch.rand(2, 3, 6, 4, generator=rng).softmax(-1)
    best = weights[1, 2].argmax(-1).tolist()
    return answer(weights, [(best[j], j) for j in (0, 2, 3, 4, 5)])


@alignment_accuracy.probe("one head, 3 written and 5 read words, one link, in a tuple")
def _(answer, rng):
    weights = torch.rand(1, 3, 5, generator=rng).softmax(-1)
    return answer(weights, ((weights[0, 1].argmax().item(), 1),))


@alignment_accuracy.probe("no heads, 5 written and 7 read words, two links for one of them")
def _(answer, rng):
    weights = torch.rand(5, 7, generator=rng).softmax(-1)
    best = weights.argmax(-1).tolist()
    return answer(weights, [(best[0], 0), (best[1], 1), (best[3], 3), ((best[4] + 1) % 7, 4), (best[4], 4)])


def _found(weights, links):
    read, written = torch.tensor(links).T
    return weights.argmax(-1)[..., written] == read


@alignment_accuracy.mistake(
    "the axes are exchanged: for each written word, the best read one: argmax over the last axis."
)
def best_written(weights, links):
    read, written = torch.tensor(links).T
    return (weights.argmax(-2)[..., read] == written).float().mean(-1)


@alignment_accuracy.mistake("the links are taken the wrong way round: a link is (read, written).")
def links_turned(weights, links):
    size = min(weights.shape[-2:])
    read, written = torch.tensor(links).T
    return (weights.argmax(-1)[..., read.clamp(max=size - 1)] == written).float().mean(-1)


@alignment_accuracy.mistake("the smallest weight is looked for: argmax.")
def least(weights, links):
    return alignment_accuracy.reference(-weights, links)


@alignment_accuracy.mistake("one row too late: row j was looked at before word j was written.")
def row_after(weights, links):
    return alignment_accuracy.reference(weights.roll(-1, -2), links)


@alignment_accuracy.mistake("one row too early: row j was looked at before word j was written.")
def row_before(weights, links):
    return alignment_accuracy.reference(weights.roll(1, -2), links)


@alignment_accuracy.mistake("the hits are counted: divide by the number of links.")
def count_of_hits(weights, links):
    return _found(weights, links).sum(-1)


@alignment_accuracy.mistake("the hits are counted: divide by the number of links.")
def float_count(weights, links):
    return _found(weights, links).float().sum(-1)


@alignment_accuracy.mistake("the hits are divided by the number of written words: divide by the number of links.")
def by_written_words(weights, links):
    return _found(weights, links).float().sum(-1) / weights.shape[-2]


@alignment_accuracy.mistake("the hits are divided by the number of read words: divide by the number of links.")
def by_read_words(weights, links):
    return _found(weights, links).float().sum(-1) / weights.shape[-1]


@alignment_accuracy.mistake("of two links of a written word only one counts here: every link counts.")
def last_link_of_a_word(weights, links):
    return alignment_accuracy.reference(weights, [(i, j) for j, i in {j: i for i, j in links}.items()])


@alignment_accuracy.mistake("of two links of a written word only one counts here: every link counts.")
def any_link_of_a_word(weights, links):
    best = weights.argmax(-1)
    hits = [sum(best[..., k] == i for i, j in links if j == k).bool() for k in {j for _, j in links}]
    return torch.stack(hits, -1).float().mean(-1)


@alignment_accuracy.mistake("rows are taken in order, 0, 1, 2 ...: a link's row is that of its written word.")
def rows_in_order(weights, links):
    return alignment_accuracy.reference(weights, [(i, row) for row, (i, _) in enumerate(links)])


@alignment_accuracy.mistake("a weight over one half is asked for: it need only be the largest of its row.")
def over_one_half(weights, links):
    read, written = torch.tensor(links).T
    return (weights[..., written, read] > 0.5).float().mean(-1)


@alignment_accuracy.mistake("an axis of size 1 is lost, by a `squeeze()`: the leading axes stay, whatever their size.")
def squeezed(weights, links):
    return alignment_accuracy.reference(weights, links).squeeze()


@alignment_accuracy.mistake("one number for all heads: keep the leading axes, average over the links alone.")
def all_heads_together(weights, links):
    return _found(weights, links).float().mean()


@alignment_accuracy.mistake("the heads are averaged before the argmax: judge each by itself.")
def mean_head(weights, links):
    while weights.dim() > 2:
        weights = weights.mean(0)
    return alignment_accuracy.reference(weights, links)


@alignment_accuracy.mistake("the weight on the right word is averaged: ask whether it is the largest.")
def mean_weight(weights, links):
    read, written = torch.tensor(links).T
    return weights[..., written, read].mean(-1)


@alignment_accuracy.mistake("right and wrong for each link come back: take their mean.")
def each_link(weights, links):
    return _found(weights, links)


@alignment_accuracy.mistake("right and wrong for each link come back: take their mean.")
def each_link_as_number(weights, links):
    return _found(weights, links).float()


@alignment_accuracy.mistake("these are percent: a share is between 0 and 1.")
def percent_of_links(weights, links):
    return 100 * alignment_accuracy.reference(weights, links)


@alignment_accuracy.mistake("only the first link counts here: take the mean over all of them.")
def first_link(weights, links):
    return alignment_accuracy.reference(weights, links[:1])
