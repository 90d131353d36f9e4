"""Checks of notebook 09, second part: padding, label smoothing, the paper's learning rate, alignment."""

import math

import torch

from lib import attention
from lib.checks.core import Exercise, edit
from lib.checks.probing import gradients, plain
from lib.training import recipes

share_of_padding = Exercise(recipes.share_of_padding)
label_smoothed_loss = Exercise(recipes.label_smoothed_loss)
noam_rate = Exercise(recipes.noam_rate)
alignment_accuracy = Exercise(attention.alignment_accuracy)


# ------------------------------------------------------------------------------------------------- share_of_padding


@share_of_padding.probe("lengths 2, 6, 7 in the batches [0, 2] and [1]")
def _(answer, rng):
    return plain(answer([2, 6, 7], [[0, 2], [1]]))


@share_of_padding.probe("batches that take the sentences out of order, and leave one out")
def _(answer, rng):
    return plain(answer([7, 3, 12, 5, 9, 4, 8, 11, 2], [[0, 2, 1, 5, 3], [6], [7, 4]]))


@share_of_padding.probe("sentences 0 and 2 in two batches each")
def _(answer, rng):
    return plain(answer([9, 4, 5, 8], [[0, 2], [2, 1, 0], [3]]))


@share_of_padding.probe("batches [0] and [2, 1], in each only one length: no padding")
def _(answer, rng):
    return plain(answer([1, 6, 6], [[0], [2, 1]]))


@share_of_padding.probe("500 sentences of 1 to 300 tokens in batches of 64")
def _(answer, rng):
    lengths, order = torch.randint(1, 300, (500,), generator=rng), torch.randperm(500, generator=rng)
    return plain(answer([300, *lengths.tolist()], [batch.tolist() for batch in order.split(64)] + [[500]]))


REAL, PLACES, WIDTH = "real += sum(in_batch)", "places += len(in_batch) * max(in_batch)", "max(in_batch)"
SHARE, ROWS = "return 1 - real / places", "for batch in batches:"

# fmt: off
share_of_padding.mistakes(
    share_of_real=("this is the share of the real tokens: 1 minus that is padding.",
        edit(SHARE, "return real / places")),
    by_real_tokens=("padding is divided by the real tokens: divide by all places, real and padding.",
        edit(SHARE, "return (places - real) / real")),
    percent=("these are percent: a share is between 0 and 1.", edit(SHARE, "return 100 * (1 - real / places)")),
    count=("the padded places are counted: divide by all places of all rectangles.",
        edit(SHARE, "return places - real")),
    mean_of_shares=("the shares of the batches are averaged: a large batch must count more. Add up, then divide.",
        edit(REAL, f"{REAL} / len(in_batch) / {WIDTH}", PLACES, "places += 1")),
    one_length_for_all=("every batch is padded to the longest sentence of all: only to its own longest.",
        edit(WIDTH, "max(lengths)"), edit(WIDTH, "max(lengths[i] for batch in batches for i in batch)")),
    indices_for_lengths=("the numbers in a batch are indices: sentence i has length lengths[i].",
        edit("[lengths[i] for i in batch]", "batch"), edit("lengths[i]", "max(i, 1)")),
    in_order=(
        "the numbers in a batch are indices: sentence i has length lengths[i], in whatever order they come.",
        edit("lengths[i] for i", "next(rest) for _", ROWS, f"rest = iter(lengths)\n    {ROWS}"),
        edit(
            ROWS,
            f"rest = list(lengths)\n    {ROWS}",
            "[lengths[i] for i in batch]",
            "[rest.pop(0) for _ in batch if rest]",
        ),
        edit(
            ROWS,
            f"start = 0\n    {ROWS}",
            "[lengths[i] for i in batch]",
            "lengths[start : start + len(batch)]",
            PLACES,
            f"{PLACES}\n        start += len(batch)",
        ),
    ),
    last_batch=("only the last batch counts here: add up over all of them.", edit(ROWS, "for batch in batches[-1:]:")),
    first_batch=("only the first batch counts here: add up over all of them.", edit(ROWS, "for batch in batches[:1]:")),
    width_of_the_last=("a rectangle is as wide as its longest sentence, wherever that stands; not as its last one.",
        edit(WIDTH, "in_batch[-1]")),
    width_of_the_first=("a rectangle is as wide as its longest sentence, wherever that stands; not as its first one.",
        edit(WIDTH, "in_batch[0]")),
    width_of_the_largest_index=("the largest index is taken for the longest sentence: max over lengths[i], not over i.",
        edit(WIDTH, "lengths[max(batch)]")),
    mean_over_sentences=("the shares of the sentences are averaged: a wide row must count more. Add up, then divide.",
        edit(REAL, f"{REAL} / {WIDTH}", PLACES, "places += len(in_batch)")),
    all_sentences=("all sentences are counted once each: count those of the batches, as often as they stand there.",
        edit(SHARE, "return 1 - sum(lengths) / places")),
    each_once=("a sentence that stands in two batches is counted once: it is in both rectangles.",
        edit(SHARE, "return 1 - sum(lengths[i] for i in {i for batch in batches for i in batch}) / places")),
    shortest=("the padding is measured against the shortest sentence: a rectangle is as wide as the longest.",
        edit(WIDTH, "min(in_batch)")),
    whole_division=("`//` leaves nothing after the point: `/` divides.", edit("real / places", "real // places")),
)
# fmt: on


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
    return answer(_example(rng, 5, vocab=7)[0], torch.tensor([0, 6, 3, 1, 0]), 0.1)


@label_smoothed_loss.probe("batch 2, 3 positions, 7 words, smoothing 0.3")
def _(answer, rng):
    return answer(*_example(rng, 2, 3, vocab=7), 0.3)


@label_smoothed_loss.probe("leading axes (2, 1, 3, 4), 4 words, smoothing 0.3")
def _(answer, rng):
    return answer(*_example(rng, 2, 1, 3, 4, vocab=4), 0.3)


@label_smoothed_loss.probe("one target, 0-d, and 5 words, as in the next cell")
def _(answer, rng):
    logits = torch.tensor([-4.0, 0, 0, 0, 0])
    return {f"smoothing {s}": answer(logits, torch.tensor(0), s) for s in (0.0, 0.1)}


@label_smoothed_loss.probe("smoothing 1: the right word is like any other")
def _(answer, rng):
    return answer(*_example(rng, 3, vocab=5), 1.0)


@label_smoothed_loss.probe("logits of 300 and -300, smoothing 0.1")
def _(answer, rng):
    return answer(600 * torch.eye(5)[:3] - 300, torch.tensor([0, 4, 2]), 0.1)


@label_smoothed_loss.probe("50,300 words, ids at both ends of them")
def _(answer, rng):
    return answer(torch.arange(150_900).view(3, -1) % 1009 / 100.0, torch.tensor([0, 50_299, 257]), 0.1)


@label_smoothed_loss.probe("the gradient for the logits")
def _(answer, rng):
    logits, targets = _example(rng, 3, vocab=5)
    return gradients(answer(logits.requires_grad_(), targets, 0.1), **{"the logits": logits})


LOG_SOFTMAX, GATHER = "-logits.log_softmax(-1)", "surprise.gather(-1, targets.unsqueeze(-1))"
EVEN = "smoothing * surprise.mean()"
LOSS = f"(1 - smoothing) * of_right + {EVEN}"


def _instead(loss):
    return edit("surprise = -", f"from torch.nn import functional\n    return {loss}\n    surprise = -")


WANTED = "(1 - smoothing) * functional.one_hot(targets, logits.shape[-1]) + smoothing / logits.shape[-1]"

# fmt: off
label_smoothed_loss.mistakes(
    no_smoothing=("`smoothing` is not used: this is plain cross-entropy.",
        edit(LOSS, "of_right"), _instead("functional.cross_entropy(logits.flatten(0, -2), targets.flatten())")),
    exchanged=("the parts are exchanged: the right word keeps 1 - smoothing, all words share smoothing.",
        edit(LOSS, "smoothing * of_right + (1 - smoothing) * surprise.mean()")),
    too_much=("the right word keeps its whole weight: only 1 - smoothing of it is left.",
        edit(LOSS, f"of_right + {EVEN}")),
    scaled_down=("the even part is missing: add smoothing times the mean surprise over all words.",
        edit(f" + {EVEN}", "")),
    wrong_words_only=(
        "smoothing is spread over the wrong words only. Here, as in PyTorch, all words share it, the right one too.",
        edit("surprise.mean()", "(surprise.sum(-1).mean() - of_right) / (logits.shape[-1] - 1)"),
    ),
    sum_over_words=("the surprise of all words is summed: each gets smoothing / vocab, so take their mean.",
        edit(EVEN, "smoothing * surprise.sum(-1).mean()")),
    sum_over_targets=("the targets are summed: take their mean.", edit(LOSS, f"({LOSS}) * targets.numel()")),
    not_reduced=("one number for each target comes back: take their mean.",
        edit(f"{GATHER}.mean()", f"{GATHER}.squeeze(-1)", EVEN, "smoothing * surprise.mean(-1)"),
        edit(f"{GATHER}.mean()", GATHER, EVEN, "smoothing * surprise.mean(-1, keepdim=True)")),
    negative=("the sign is wrong: a surprise is minus a log-probability.", edit(LOG_SOFTMAX, "logits.log_softmax(-1)")),
    probabilities=("the surprise is -log of the probability: here the probability itself is averaged.",
        edit("log_softmax", "softmax")),
    log_of_softmax=("softmax then log overflows, and so does exp, sum, log: use log_softmax, it stays finite.",
        edit(LOG_SOFTMAX, "-logits.softmax(-1).log()"),
        edit(LOG_SOFTMAX, "logits.exp().sum(-1, keepdim=True).log() - logits"),
        edit(LOG_SOFTMAX, "-(logits.exp() / logits.exp().sum(-1, keepdim=True)).log()")),
    with_epsilon=("the log of a probability plus a small number: use log_softmax, which needs no such trick.",
        *(edit(LOG_SOFTMAX, f"-(logits.softmax(-1) + {small}).log()") for small in ("1e-9", "1e-8", "1e-12"))),
    wrong_axis=("the softmax runs over the targets: the words are the last axis, dim=-1.",
        edit("log_softmax(-1)", "log_softmax(0)")),
    over_positions=("the softmax runs over axis 1, which may be the positions: the words are the last axis, dim=-1.",
        edit("log_softmax(-1)", "log_softmax(1)")),
    twice=("the softmax is taken twice: give the logits themselves to log_softmax or cross_entropy.",
        edit("log_softmax(-1)", "softmax(-1).log_softmax(-1)")),
    always_a_tenth=("0.1 is the paper's choice: use `smoothing`.", edit(LOSS, LOSS.replace("smoothing", "0.1"))),
    divergence=("this is a divergence: the entropy of what is wanted is taken off. Only surprises count here.",
        _instead(f"functional.kl_div({LOG_SOFTMAX[1:]}, {WANTED}, reduction='batchmean')"),
        _instead(f"functional.kl_div({LOG_SOFTMAX[1:]}, {WANTED}, reduction='sum') / targets.numel()")),
    no_softmax=("there is no softmax: logits are not log-probabilities yet.", edit(".log_softmax(-1)", "")),
    in_bits=("base 2: the loss is in nats, the natural logarithm.", edit(LOSS, f"({LOSS}) / {math.log(2)}")),
    without_word_0=(
        "word 0 is left out: here it is a word like any other.",
        edit(f"{GATHER}.mean()", f"{GATHER}[targets != 0].mean()"),
        *(
            _instead(f"functional.cross_entropy({logits}, targets.{flat}, label_smoothing=smoothing, ignore_index=0)")
            for logits, flat in (
                ("logits.flatten(0, -2)", "flatten()"),
                ("logits.reshape(-1, logits.shape[-1])", "reshape(-1)"),
            )
        ),
    ),
    several_targets=(
        "a single target, 0-d: `.flatten(0, -2)` needs an axis before the words, `.reshape(-1, vocab)` does not.",
        _instead("functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), label_smoothing=smoothing)"),
        edit(LOG_SOFTMAX, "-logits.flatten(0, -2).log_softmax(-1)", "targets.", "targets.flatten()."),
    ),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- noam_rate


def _million(rate):
    """A million times the rate: small numbers would all be equal, so to say."""
    return rate * 1e6 if isinstance(rate, int | float | torch.Tensor) else rate


@noam_rate.probe("d_model 512, warm-up 4000")
def _(answer, rng):
    steps = 1, 3999, 4000, 16_000, 300_000
    return {f"a million times the rate at step {step}": _million(answer(step, 512, 4000)) for step in steps}


@noam_rate.probe("d_model 64, warm-up 7")
def _(answer, rng):
    return {f"the rate at step {step}": answer(step, 64, 7) for step in (1, 6, 7, 8, 28)}


FALL, RISE = "step**-0.5", "step * warmup**-1.5"

# fmt: off
noam_rate.mistakes(
    larger=("the larger of the two is taken: min, so that the line rises first and the root falls later.",
        edit("min(", "max(")),
    no_d_model=("d_model is missing: times d_model^-0.5.", edit("d_model**-0.5 * ", "")),
    wider_is_faster=("d_model to the power of +0.5: wider models learn more slowly, so it is d_model^-0.5.",
        edit("d_model**-0.5", "d_model**0.5")),
    no_root=("d_model divides without its root: d_model^-0.5.", edit("d_model**-0.5", "1 / d_model")),
    no_warm_up=("there is no warm-up: the smaller of step^-0.5 and step · warmup^-1.5.", edit(RISE, FALL)),
    rises_for_ever=("it rises for ever: the smaller of step^-0.5 and step · warmup^-1.5.", edit(FALL, RISE)),
    stays=("after the warm-up the rate stays as it is: it falls as step^-0.5.", edit(FALL, "warmup**-0.5")),
    one_over_step=("it falls as 1/step: as one over the root, step^-0.5.", edit(FALL, "1 / step")),
    divided_by_warmup=("the line is too steep: step · warmup^-1.5 meets step^-0.5 at step = warmup.",
        edit(RISE, "step / warmup")),
    half_for_one_and_a_half=("the line is too steep: the power of warmup is -1.5, not -0.5.",
        edit("warmup**-1.5", "warmup**-0.5")),
    too_late=("one step too late: step 1 is the first and counts as 1.", edit("return", "step = step + 1\n    return")),
    too_early=("one step too early: step 1 is the first and counts as 1.",
        edit("return", "step = step - 1\n    return"), edit("return", "step = max(step - 1, 1)\n    return"),
        edit("return", "step = step - 1\n    if not step:\n        return 0.0\n    return")),
    always_4000=("4000 is the paper's warm-up: use `warmup`.", edit("warmup**", "4000**")),
    always_512=("512 is the paper's d_model: use `d_model`.", edit("d_model**", "512**")),
    brackets_too_wide=("only warmup has the power -1.5: step · warmup^-1.5.", edit(RISE, "(step * warmup) ** -1.5")),
    powers_exchanged=("the power -1.5 stands at the wrong number: step · warmup^-1.5.",
        edit(RISE, "step**-1.5 * warmup")),
    one_part_only=("d_model^-0.5 belongs to both parts: min(...) as a whole is multiplied.",
        edit("d_model**-0.5 * min(step**-0.5", "min((d_model * step) ** -0.5")),
    arguments_exchanged=("d_model and warmup are exchanged: the arguments are step, d_model, warmup.",
        edit("d_model: int, warmup: int", "warmup: int, d_model: int")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------- alignment_accuracy


def _looking(rng, *best, read):
    """Weights (written, read) whose rows sum to 1, the largest of row j at best[j]."""
    weights = torch.rand(len(best), read, generator=rng)
    weights[range(len(best)), best] += 1
    return weights / weights.sum(-1, keepdim=True)


def _heads(rng, *shape):
    return torch.rand(*shape, generator=rng).softmax(-1)


@alignment_accuracy.probe("2 blocks, 3 heads, 6 written and 4 read words, a link for five of them")
def _(answer, rng):
    weights = _heads(rng, 2, 3, 6, 4)
    weights[1, 2], weights[0, 1] = _looking(rng, 0, 1, 2, 3, 1, 0, read=4), _looking(rng, 1, 1, 3, 3, 0, 0, read=4)
    return answer(weights, [(0, 0), (2, 2), (3, 3), (1, 4), (0, 5)])


@alignment_accuracy.probe("one head, 3 written and 5 read words, one link, in a tuple")
def _(answer, rng):
    return answer(_looking(rng, 1, 4, 2, read=5)[None], ((4, 1),))


@alignment_accuracy.probe("no heads, 5 written and 7 read words, two links for one of them")
def _(answer, rng):
    return answer(_looking(rng, 3, 1, 6, 2, 5, read=7), [(3, 0), (1, 1), (2, 3), (6, 4), (5, 4)])


@alignment_accuracy.probe("2 written words of 4 links each: more links than words")
def _(answer, rng):
    weights = torch.stack([_looking(rng, 1, 3, read=5), _looking(rng, 0, 0, read=5)])
    return answer(weights, [(i, j) for j in (1, 0) for i in (0, 1, 3, 4)])


@alignment_accuracy.probe("leading axes (2, 1, 3, 2), as many words as heads")
def _(answer, rng):
    weights = _heads(rng, 2, 1, 3, 2, 2, 2)
    weights[0, 0, 1, 1] = torch.tensor([[0.4, 0.6], [0.7, 0.3]])
    return answer(weights, [(1, 0), (0, 1)])


@alignment_accuracy.probe("300 written and 310 read words, all of them linked in order")
def _(answer, rng):
    best = [*range(150), *range(160, 310)]
    weights = torch.stack([_looking(rng, *best, read=310), _looking(rng, *best[::-1], read=310)])
    return answer(weights, [(i, i) for i in range(300)])


BEST, HITS, SHARES = "weights.argmax(-1)[..., written]", "(looked_at == read)", ".float().mean(-1)"

# fmt: off
alignment_accuracy.mistakes(
    best_written=("the axes are exchanged: for each written word, the best read one: argmax over the last axis.",
        edit(BEST, "weights.argmax(-2)[..., read]", "== read", "== written")),
    links_turned=("the links are taken the wrong way round: a link is (read, written).",
        edit("read, written = torch", "written, read = torch")),
    least=("the smallest weight is looked for: argmax.", edit("argmax", "argmin")),
    row_after=("one row too late: row j was looked at before word j was written.",
        edit("argmax", "roll(-1, -2).argmax"), edit("[..., written]", "[..., written + 1]")),
    row_before=("one row too early: row j was looked at before word j was written.",
        edit("[..., written]", "[..., written - 1]")),
    count_of_hits=("the hits are counted: divide by the number of links.",
        edit(SHARES, ".sum(-1)"), edit(SHARES, ".float().sum(-1)")),
    by_written_words=("the hits are divided by the number of written words: divide by the number of links.",
        edit(SHARES, ".float().sum(-1) / weights.shape[-2]")),
    by_read_words=("the hits are divided by the number of read words: divide by the number of links.",
        edit(SHARES, ".float().sum(-1) / weights.shape[-1]")),
    one_link_of_a_word=("of two links of a written word only one counts here: every link counts.",
        edit("tensor(links)", "tensor([(i, j) for j, i in {j: i for i, j in links}.items()])"),
        edit(HITS, f"torch.stack([{HITS}[..., written == j].any(-1) for j in written.unique()], -1)")),
    rows_in_order=("rows are taken in order, 0, 1, 2 ...: a link's row is that of its written word.",
        edit("[..., written]", "[..., : len(links)]")),
    over_one_half=("a weight over one half is asked for: it need only be the largest of its row.",
        edit(HITS, "(weights[..., written, read] > 0.5)")),
    all_heads_together=("one number for all heads: keep the leading axes, average over the links alone.",
        edit(SHARES, ".float().mean()")),
    mean_head=("the heads are averaged before the argmax: judge each by itself.",
        edit("weights.argmax", "(weights.flatten(0, -3).mean(0) if weights.ndim > 2 else weights).argmax"),
        edit("weights.argmax", "weights.mean(-3).argmax"), edit("weights.argmax", "weights.mean(1).argmax")),
    mean_weight=("the weight on the right word is averaged: ask whether it is the largest.",
        edit(HITS, "weights[..., written, read]")),
    each_link=("right and wrong for each link come back: take their mean.", edit(SHARES, ""), edit(SHARES, ".float()")),
    percent=("these are percent: a share is between 0 and 1.", edit(HITS, f"100 * {HITS}")),
    first_link=("only the first link counts here: take the mean over all of them.", edit("(links)", "(links[:1])")),
)
# fmt: on
