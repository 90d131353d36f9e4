"""Checks of notebook 16, third part: one vector for a text, and a class for it."""

import torch

from lib import bert
from lib.checks.core import Exercise, edit
from lib.checks.probing import fill, gradients, normal, single_calls
from lib.checks.running import Problem
from lib.checks.the_modern_decoder_attention import loadable

mean_pool = Exercise(bert.mean_pool)
BertClassifier = Exercise(bert.BertClassifier)


def real(lengths, n):
    """The mask of texts of these lengths, padded to n."""
    return torch.arange(n) < torch.tensor(lengths)[:, None]


# -------------------------------------------------------------------------------------------------------- mean_pool

single_calls(
    mean_pool,
    {
        "the vectors (1, 2), (3, 6) and (100, 100), the last one padding": lambda rng: (
            torch.tensor([[[1.0, 2], [3, 6], [100, 100]]]),
            torch.tensor([[True, True, False]]),
        ),
        "three texts of 300, 211 and 1 words, d_model 384 as in MiniLM": lambda rng: (
            normal(3, 300, 384, rng=rng),
            real([300, 211, 1], 300),
        ),
        "padding in front, in the middle and at the end": lambda rng: (
            normal(2, 5, 3, rng=rng),
            torch.tensor([[False, True, True, True, False], [True, False, True, False, True]]),
        ),
        "a text without a real word, beside one of two words": lambda rng: (normal(2, 3, 5, rng=rng), real([0, 2], 3)),
        "one text without a batch, in float64": lambda rng: (
            normal(7, 5, rng=rng).double(),
            torch.tensor([True, True, False, True, False, False, True]),
        ),
        "three leading axes, 2, 1 and 3": lambda rng: (
            normal(2, 1, 3, 7, 5, rng=rng),
            real([7, 4, 1, 2, 0, 3], 7).view(2, 1, 3, 7),
        ),
    },
)


@mean_pool.probe("the gradient for x, with one text that has no real word")
def _(answer, rng):
    x = normal(3, 4, 5, rng=rng).requires_grad_()
    return gradients(answer(x, real([4, 2, 0], 4)), x=x)


_ADDED, _COUNT = "(x * mask[..., None]).sum(-2)", "mask.sum(-1, keepdim=True).clamp(min=1)"
_MEAN = f"{_ADDED} / {_COUNT}"
_LENGTH = "x.shape[-2]"

# fmt: off
mean_pool.mistakes(
    padding_too=("padding is averaged too: only the real words count.", edit(_MEAN, "x.mean(-2)")),
    by_the_length=("padding is left out of the sum, and counted all the same: divide by the number of real words.",
        edit(_COUNT, _LENGTH)),
    padding_in_the_sum=("the padding's vectors are in the sum: multiply by the mask first.", edit(_ADDED, "x.sum(-2)")),
    nan=("a text without a real word gives 0/0, NaN: 0 is asked for.", edit(".clamp(min=1)", "")),
    over_texts=("words of all texts are averaged together: each text by itself.",
        edit(_MEAN, "x[mask].mean(0)"), edit(_COUNT, "mask.sum().clamp(min=1)")),
    added_up=("the vectors are added up: divide by how many there are.", edit(f" / {_COUNT}", "")),
    by_the_root=("it divides by the square root of the number of words.", edit(_COUNT, f"{_COUNT} ** 0.5")),
    first=("this is the first vector, [CLS]: the mean of all real words is asked for.", edit(_MEAN, "x[..., 0, :]")),
    last=("this is the last vector: the mean of all real words is asked for.", edit(_MEAN, "x[..., -1, :]")),
    largest=("this is the largest of each number: the mean is asked for.",
        edit(_MEAN, "x.masked_fill(~mask[..., None], -1e9).amax(-2)"), edit(_MEAN, "x.amax(-2)")),
    turned=("the mask is turned: True stands on real words, these are averaged.",
        edit("    return", "    mask = ~mask\n    return")),
    one_more=("one word too many is counted: an epsilon or 1 in the divisor changes every mean. Use clamp.",
        edit(".clamp(min=1)", " + 1")),
    too_high=("a text of one word is divided by 2 or more: the least divisor is 1.",
        edit("clamp(min=1)", "clamp(min=2)")),
    other_axis=("the mean runs over the numbers of a vector, or over the batch: over the positions, axis -2.",
        edit(_ADDED, "(x * mask[..., None]).sum(-1)"), edit(_ADDED, "(x * mask[..., None]).sum(0)"),
        edit(_MEAN, "(x * mask[..., None]).sum(-1) / x.shape[-1]")),
    second_axis=("positions are the last axis but one, however many come before it: -2.",
        edit(".sum(-2)", ".sum(1)"), edit(".sum(-2)", ".sum(1)", ".sum(-1, k", ".sum(1, k"),
        edit(".sum(-2)", ".sum(min(1, x.ndim - 2))")),
    mask_not_widened=("the mask needs one more axis to fit x: mask[..., None].",
        edit("x * mask[..., None]", "x * mask")),
    no_keepdim=("the numbers of words are paired with the wrong axis: keepdim=True.", edit(", keepdim=True", "")),
    axis_kept=("the axis of the positions is still there: (..., d_model).", edit(".sum(-2)", ".sum(-2, keepdim=True)",
        _COUNT, "mask.sum(-1, keepdim=True).clamp(min=1)[..., None]")),
    length_one=("the vector is made as long as 1: the mean itself is asked for.",
        edit(_MEAN, f"torch.nn.functional.normalize({_MEAN}, dim=-1)")),
    always_32_bit=("64-bit numbers become 32-bit: keep the dtype of x.", edit(_MEAN, f"({_MEAN}).float()")),
    detached=("no gradient reaches x.", edit("    return", "    x = x.detach()\n    return")),
    without_the_ends=("[CLS] and [SEP] are real words here: the mask alone says what counts.",
        edit("    return", "    mask = mask.clone()\n    mask[..., 0] = False\n    return")),
    only_at_the_end=("padding is looked for at the end only: the mask says for each position whether it counts.",
        edit("    return",
             "    mask = torch.arange(mask.shape[-1]) < mask.sum(-1, keepdim=True)\n    return")),
)
# fmt: on


# --------------------------------------------------------------------------------------------------- BertClassifier

VOCAB, D_MODEL = 11, 6


def small_bert(n_positions: int = 7) -> bert.Bert:
    return bert.Bert(VOCAB, D_MODEL, 2, 1, 8, n_positions)


def texts(lengths, n, rng):
    """ids, segments, mask of texts of these lengths, padded with 0; the second half of each is a second text."""
    mask = real(lengths, n)
    ids = torch.randint(1, VOCAB, mask.shape, generator=rng).where(mask, 0)
    segments = (torch.arange(n) >= torch.tensor(lengths)[:, None] / 2) & mask
    return ids, segments.long(), mask


def called(answer, *arguments, rng, **given):
    """A classifier with random weights, in eval mode."""
    return fill(answer(small_bert(), *arguments, **given), rng).eval()


def furthest(x, mask):
    """A pool that needs its mask: the last real word of each text."""
    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.bool or mask.shape != x.shape[:2]:
        raise Problem("no mask", "pool is called with x and a bool mask (batch, position), all True if none was given.")
    return x[torch.arange(len(x)), mask.sum(-1) - 1]


@BertClassifier.probe("the parameters of BertClassifier(bert, 3)")
def _(answer, rng):
    return loadable(answer(small_bert(), 3))


@BertClassifier.probe("two texts of five words, no pool, nothing but ids")
def _(answer, rng):
    return called(answer, 3, rng=rng)(texts([5, 5], 5, rng)[0])


@BertClassifier.probe("three texts of 7, 4 and 1 words, with segments and a mask, no pool")
def _(answer, rng):
    ids, segments, mask = texts([7, 4, 1], 7, rng)
    return called(answer, 3, rng=rng)(ids, segments, mask)


@BertClassifier.probe("three texts of 7, 4 and 1 words, with segments, a mask and mean_pool")
def _(answer, rng):
    ids, segments, mask = texts([7, 4, 1], 7, rng)
    return called(answer, 3, bert.mean_pool, rng=rng)(ids, segments, mask)


@BertClassifier.probe("mean_pool, and no mask given")
def _(answer, rng):
    ids, segments, _ = texts([5, 5], 5, rng)
    return called(answer, 2, bert.mean_pool, rng=rng)(ids, segments)


@BertClassifier.probe("a pool that takes the last real word, with a mask and without")
def _(answer, rng):
    ids, _, mask = texts([3, 5], 5, rng)
    made = called(answer, 3, furthest, rng=rng)
    return {"with a mask": made(ids, mask=mask), "without": made(ids)}


@BertClassifier.probe("one text and one class")
def _(answer, rng):
    return called(answer, 1, bert.mean_pool, rng=rng)(texts([4], 4, rng)[0])


@BertClassifier.probe("a text of 300 words and one of 211, in float64")
def _(answer, rng):
    made = fill(answer(small_bert(300), 3, bert.mean_pool), rng).double().eval()
    ids, segments, mask = texts([300, 211], 300, rng)
    return made(ids, segments, mask)


@BertClassifier.probe("the gradients for the head and for the model's tables, in training, dropout as by default")
def _(answer, rng):
    made = called(answer, 3, bert.mean_pool, rng=rng).train()
    ids, segments, mask = texts([5, 3], 5, rng)
    parts = {"head.weight": made.head.weight, "head.bias": made.head.bias}
    tables = {
        "the words' table": made.bert.embeddings.words.weight,
        "to_q": made.bert.encoder.blocks[0].attention.to_q.weight,
    }
    return gradients(made(ids, segments, mask), **parts, **tables)


@BertClassifier.probe("dropout=1 in training: only the head's bias is left; and the same in eval mode")
def _(answer, rng):
    ids, segments, mask = texts([5, 3], 5, rng)
    found = {}
    for name, pool in ("no pool", None), ("mean_pool", bert.mean_pool):
        made = called(answer, 3, pool, 1.0, rng=rng)
        found[f"in eval mode, {name}"] = made(ids, segments, mask)
        found[f"in training, {name}"] = made.train()(ids, segments, mask)
    return found


@BertClassifier.probe("dropout=0.5 in training, a head that changes nothing, 900 texts", varied=False)
def _(answer, rng):
    made, ids = called(answer, D_MODEL, bert.mean_pool, 0.5, rng=rng), torch.randint(VOCAB, (900, 3), generator=rng)
    with torch.no_grad():
        made.head.weight.copy_(torch.eye(D_MODEL)), made.head.bias.zero_()
    whole, dropped = made.eval()(ids), made.train()(ids)
    left = dropped != 0
    off = ((dropped - 2 * whole)[left]).abs().max() if left.any() else 0
    return {
        "the share of numbers of the pooled vectors that become 0": "about 0.5"
        if abs(left.float().mean() - 0.5) < 0.05
        else "not 0.5",
        "the others": "twice as large" if off < 1e-4 else "not twice as large",
    }


_POOLED = "self.bert.pooled(x) if self.pool is None else self.pool(x, mask)"
_LOGITS = "self.head(self.dropout(vector))"
_ONES = "        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask\n"
_READ = "self.bert(ids, segments, mask)"

# fmt: off
BertClassifier.mistakes(
    no_pooler=("without a pool the vector of [CLS] goes through `bert.pooled`, which is more than x[:, 0].",
        edit("self.bert.pooled(x)", "x[:, 0]")),
    mean_by_default=("without a pool it is `bert.pooled(x)`, not the mean.",
        edit("self.bert.pooled(x)", "mean_pool(x, mask)")),
    always_pooled=("`pool` is not used: where one is given, it makes the vector of the text.",
        edit(_POOLED, "self.bert.pooled(x)")),
    always_the_mean=("the mean is taken whatever `pool` is: call `pool`, and `bert.pooled` if there is none.",
        edit(_POOLED, "mean_pool(x, mask)")),
    pooled_twice=("what `pool` gives goes through the pooler as well: it is the vector already.",
        edit(_POOLED, "self.bert.pooled(x if self.pool is None else self.pool(x, mask)[:, None])")),
    bert_without_mask=("the model is called without the mask: real words look at padding.",
        edit(_READ, "self.bert(ids, segments)")),
    bert_without_segments=("the model is called without the segments.", edit(_READ, "self.bert(ids, mask=mask)"),
        edit(_READ, "self.bert(ids, None, mask)")),
    order=("the order: ids, segments, mask.", edit(_READ, "self.bert(ids, mask, segments)"),
        edit(_READ, "self.bert(ids, mask)")),
    pool_without_mask=("`pool` needs the mask: padding is averaged too.",
        edit("self.pool(x, mask)", "self.pool(x, torch.ones_like(mask))"), edit("self.pool(x, mask)", "self.pool(x)")),
    no_mask_at_all=("where no mask was given, `pool` gets one that is all True.", edit(_ONES, "")),
    nothing_real=("where no mask was given, every word is real: all True.",
        edit("torch.ones_like(ids", "torch.zeros_like(ids")),
    whole_numbers=("the mask is of dtype bool.",
        edit("torch.ones_like(ids, dtype=torch.bool)", "torch.ones_like(ids)")),
    guessed_mask=("where no mask was given, every word is real, id 0 too.",
        edit("torch.ones_like(ids, dtype=torch.bool)", "(ids != 0)")),
    each_word=("every word gets a class: pool them to one vector a text first.",
        edit(_LOGITS, "self.head(self.dropout(x))")),
    classified_first=("the words are classified one by one and then pooled: pool first.",
        edit(_LOGITS, "self.head(self.dropout(self.bert.pooled(x))) if self.pool is None "
             "else self.pool(self.head(self.dropout(x)), mask)")),
    probabilities=("these are probabilities: logits are asked for, cross_entropy holds the softmax.",
        edit(_LOGITS, f"{_LOGITS}.softmax(-1)"), edit(_LOGITS, f"{_LOGITS}.sigmoid()")),
    log_probabilities=("these are logarithms of probabilities; return the logits as they are.",
        edit(_LOGITS, f"{_LOGITS}.log_softmax(-1)")),
    bent=("something bends the logits, or the vector before the head: the Linear is all that follows.",
        edit(_LOGITS, f"{_LOGITS}.tanh()"), edit(_LOGITS, f"{_LOGITS}.relu()"),
        edit(_LOGITS, f"self.head(self.dropout({_POOLED}).tanh())"),
        edit(_LOGITS, f"self.head(self.dropout({_POOLED}).relu())")),
    classes=("these are the classes (argmax): logits are asked for.", edit(_LOGITS, f"{_LOGITS}.argmax(-1)")),
    dropped_late=("dropout comes after the head: it comes between pooling and head.",
        edit(_LOGITS, f"self.dropout(self.head({_POOLED}))")),
    dropped_early=("dropout comes before pooling: it comes between pooling and head.",
        edit(_LOGITS, f"self.head({_POOLED})", _READ, "self.dropout(self.bert(ids, segments, mask))")),
    no_dropout=("dropout is not used: it comes between pooling and head.", edit(_LOGITS, f"self.head({_POOLED})"),
        edit("nn.Dropout(dropout)", "nn.Dropout(0.0)")),
    fixed_dropout=("`dropout` is the share that is given.", edit("nn.Dropout(dropout)", "nn.Dropout(0.1)"),
        edit("nn.Dropout(dropout)", "nn.Dropout(0.5)")),
    always_dropped=("dropout works in eval mode too: nn.Dropout knows the mode.",
        edit("self.dropout(vector)", "torch.nn.functional.dropout(vector, self.dropout.p)")),
    always_32_bit=("64-bit numbers become 32-bit: keep the dtype of the weights.",
        edit(_LOGITS, f"({_LOGITS}).float()")),
    frozen=("no gradient reaches the model: fine-tuning trains all of it.",
        edit(_READ, f"{_READ}.detach()"), edit("self.pool(x, mask)", "self.pool(x, mask).detach()")),
    frozen_weights=("the model's weights are switched off (requires_grad): fine-tuning trains all of it.",
        edit("self.bert, self.pool", "bert.requires_grad_(False)\n        self.bert, self.pool")),
    no_bias=("the head has a bias.", edit("embedding_dim, n_classes)", "embedding_dim, n_classes, bias=False)")),
    sizes_swapped=("the head goes from d_model to n_classes.",
        edit("bert.embeddings.words.embedding_dim, n_classes", "n_classes, bert.embeddings.words.embedding_dim"),
        edit("embedding_dim", "num_embeddings")),
    two_classes=("`n_classes` is the number that is given.", edit("embedding_dim, n_classes", "embedding_dim, 2")),
    two_layers=("the head is one Linear, called `head`.",
        edit("nn.Linear(bert.embeddings.words.embedding_dim, n_classes)",
             "nn.Sequential(nn.Linear(bert.embeddings.words.embedding_dim, 6), nn.Tanh(), nn.Linear(6, n_classes))")),
    other_names=("the parts are to be called `bert` and `head`: weights are loaded by name.",
        edit("self.head", "self.classifier"), edit("self.head", "self.linear"), edit("self.bert", "self.model"),
        edit("self.bert", "self.encoder")),
    hidden_model=("the model is kept where nn.Module does not see it: self.bert = bert.",
        edit("self.bert, self.pool", "self.__dict__['bert'], self.pool")),
)
# fmt: on
