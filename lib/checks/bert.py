"""Checks of notebook 16: embeddings, loss, questions. Pieces and hiding, texts: modules of their own."""

import torch
from torch.nn.functional import gelu

from lib import bert
from lib.checks.bert_texts import BertClassifier, mean_pool
from lib.checks.bert_words import mask_words, wordpiece
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import fill, gradients, normal, refuses
from lib.checks.the_modern_decoder_attention import loadable
from lib.transformer import IGNORED, EncoderBlock
from lib.wordpiece import wordpiece as cut

__all__ = [
    "BertClassifier",
    "BertEmbeddings",
    "block_parameters",
    "changed_places",
    "copied_loss",
    "greedy_pieces",
    "mask_words",
    "masked_loss",
    "mean_pool",
    "wordpiece",
]

BertEmbeddings = Exercise(bert.BertEmbeddings)
masked_loss = Exercise(bert.masked_loss)


def ids_of(vocab, *shape, rng):
    return torch.randint(vocab, shape, generator=rng)


# --------------------------------------------------------------------------------------------------- BertEmbeddings


@BertEmbeddings.probe("the parameters of BertEmbeddings(11, 5, 7)")
def _(answer, rng):
    return loadable(answer(11, 5, 7))


@BertEmbeddings.probe("one text of three words, no segments given")
def _(answer, rng):
    return fill(answer(11, 5, 7), rng)(torch.tensor([[3, 10, 3]]))


@BertEmbeddings.probe("three pairs of texts, seven words, segments 0 and 1 at random")
def _(answer, rng):
    return fill(answer(11, 5, 7), rng)(ids_of(11, 3, 7, rng=rng), ids_of(2, 3, 7, rng=rng))


@BertEmbeddings.probe("embeddings around 0.000001")
def _(answer, rng):
    return fill(answer(11, 5, 7), rng, 1e-6)(ids_of(11, 2, 3, rng=rng)) * 1e6


@BertEmbeddings.probe("a table of 30,522 words, d_model 12, 300 words of the 512 that fit by default, in float64")
def _(answer, rng):
    made = fill(answer(30_522, 12), rng).double()
    return made(torch.tensor([[101, 30_521]]).repeat(2, 150), ids_of(2, 2, 300, rng=rng))


@BertEmbeddings.probe("the gradients for the three tables and the norm")
def _(answer, rng):
    made = fill(answer(11, 5, 7), rng)
    x = made(torch.tensor([[0, 10, 3], [5, 5, 0]]), torch.tensor([[0, 0, 1], [0, 1, 1]]))
    return gradients(x, **{name.replace(".", " "): part for name, part in made.named_parameters()})


@BertEmbeddings.probe("8 words and 7 positions: ValueError")
def _(answer, rng):
    return refuses(ValueError, "", answer(11, 5, 7), ids_of(11, 2, 8, rng=rng))


@BertEmbeddings.probe("dropout=1 in training: nothing is left; and the same in eval mode: nothing is dropped")
def _(answer, rng):
    made, ids = fill(answer(11, 5, 7, 1.0), rng), ids_of(11, 2, 3, rng=rng)
    return {"in training": made.train()(ids), "in eval mode": made.eval()(ids)}


@BertEmbeddings.probe("dropout=0.5 in training: 20,000 numbers", varied=False)
def _(answer, rng):
    made = fill(answer(11, 40, 500, 0.5), rng)
    ids = ids_of(11, 1, 500, rng=rng)
    dropped, whole = made.train()(ids), made.eval()(ids)
    left = dropped != 0
    off = (dropped - 2 * whole)[left].abs().max() if left.any() else 0
    return {
        "the share of numbers that become 0": "about 0.5" if abs(left.float().mean() - 0.5) < 0.03 else "not 0.5",
        "the others": "twice as large" if off < 1e-4 else "not twice as large",
    }


_NONE = "        segments = torch.zeros_like(ids) if segments is None else segments\n"
_SUM = "self.positions(self.words(ids) + self.segments(segments))"
_NORMED = f"self.norm({_SUM})"

# fmt: off
BertEmbeddings.mistakes(
    needs_segments=("segments may be left out, and are 0 for every word then.", edit(_NONE, "")),
    nothing_for_none=("without segments every word is of the first text: the row of segment 0 is added to it.",
        edit(_NONE, "", "self.segments(segments)", "(0 if segments is None else self.segments(segments))")),
    second_text=("without segments every word is of the first text, whose segment is 0.",
        edit("torch.zeros_like", "torch.ones_like")),
    no_segments=("the segments are not added: each word gets the vector of its text, 0 or 1.",
        edit(" + self.segments(segments)", "")),
    no_positions=("the positions are not added.", edit(_SUM, "(self.words(ids) + self.segments(segments))")),
    added_twice=("LearnedPositions gives back what it was given and its rows, added up: do not add the words again.",
        edit(_SUM, f"(self.words(ids) + {_SUM})")),
    no_words=("the words are not added.",
        edit(_SUM, "self.positions(self.segments(segments))")),
    no_norm=("the sum is not normed.", edit(_NORMED, _SUM)),
    normed_before=("the norm comes too early: add all three vectors first, then norm the sum.",
        edit(_NORMED, "self.positions(self.norm(self.words(ids) + self.segments(segments)))"),
        edit(_NORMED, "self.positions(self.norm(self.words(ids)) + self.segments(segments))"),
        edit(_NORMED, "self.norm(self.positions(self.words(ids))) + self.segments(segments)")),
    each_normed=("each of the three is normed by itself: add them, then norm the sum.",
        edit(_NORMED, "(self.norm(self.words(ids)) + self.norm(self.segments(segments)) "
             "+ self.norm(self.positions.table[: ids.shape[1]]))")),
    own_epsilon=("epsilon of the norm is 1e-12, as in BERT.",
        edit("FusedLayerNorm(d_model, EPSILON)", "FusedLayerNorm(d_model)"),
        edit("EPSILON", "1e-6"), edit("EPSILON", "1e-8")),
    scaled=("the words are multiplied by √d_model, as in the first Transformer: BERT adds them as they are.",
        edit("self.words(ids)", "self.words(ids) * self.words.embedding_dim ** 0.5")),
    average=("the three are averaged: their sum is normed.", edit(_NORMED, f"self.norm({_SUM} / 3)")),
    multiplied=("the vectors are multiplied: add them.", edit("self.words(ids) + ", "self.words(ids) * ")),
    over_positions=("the norm runs over the positions: each word by itself, over its own numbers.",
        edit(_NORMED, f"self.norm({_SUM}.transpose(1, 2)).transpose(1, 2)")),
    from_one=("positions count from 0: the first word gets the first row.",
        edit("self.segments(segments))))", "self.segments(segments), 1)))")),
    texts_for_positions=("each text gets one row of the positions: each place in a text has its own.",
        edit(_SUM, "self.positions((self.words(ids) + self.segments(segments)).transpose(0, 1)).transpose(0, 1)")),
    no_dropout=("dropout is not used, or too late or too early: it comes last, on the normed sum.",
        edit(f"self.dropout({_NORMED})", _NORMED),
        edit(f"self.dropout({_NORMED})", f"self.norm(self.dropout({_SUM}))"),
        edit(f"self.dropout({_NORMED})", "self.norm(self.positions(self.dropout(self.words(ids)) + "
             "self.segments(segments)))")),
    dropped_twice=("dropout comes twice: once, at the end.",
        edit(f"self.dropout({_NORMED})", f"self.dropout(self.dropout({_NORMED}))"),
        edit(f"self.dropout({_NORMED})", f"self.dropout(self.norm(self.dropout({_SUM})))")),
    always_dropped=("dropout works in eval mode too: nn.Dropout knows the mode, functional.dropout has to be told it.",
        edit("self.dropout(self", "torch.nn.functional.dropout(self", "segments))))", "segments))), self.dropout.p)")),
    fixed_dropout=("`dropout` is the share that is given, not 0.1.", edit("nn.Dropout(dropout)", "nn.Dropout(0.1)")),
    cut_off=("a text longer than n_positions is to be refused by a ValueError, not cut.",
        edit("        segments =", "        ids = ids[:, : len(self.positions.table)]\n        segments =",
             "else segments\n", "else segments[:, : ids.shape[1]]\n")),
    always_32_bit=("64-bit numbers become 32-bit: keep the dtype of the tables.",
        edit(f"self.dropout({_NORMED})", f"self.dropout({_NORMED}).float()")),
    padding_row=("gradients do not reach the row of id 0: every row that is used learns (no padding_idx).",
        edit("nn.Embedding(vocab, d_model)", "nn.Embedding(vocab, d_model, padding_idx=0)"),
        edit("nn.Embedding(2, d_model)", "nn.Embedding(2, d_model, padding_idx=0)")),
    detached=("no gradient reaches one of the tables: all three learn.",
        edit("self.words(ids)", "self.words(ids).detach()"),
        edit("self.segments(segments)", "self.segments(segments).detach()")),
    more_segments=("there are two segments: their table has two rows.",
        edit("nn.Embedding(2,", "nn.Embedding(3,"), edit("nn.Embedding(2,", "nn.Embedding(vocab,")),
    one_segment=("there are two segments, 0 and 1: their table has two rows.",
        edit("nn.Embedding(2,", "nn.Embedding(1,")),
    fixed_positions=("a table of positions is fixed: BERT learns it (LearnedPositions).",
        edit("self.positions = LearnedPositions(n_positions, d_model)",
             "self.positions = LearnedPositions(n_positions, d_model).requires_grad_(False)")),
    sizes_swapped=("the sizes are swapped: a row for each position, as long as d_model.",
        edit("LearnedPositions(n_positions, d_model)", "LearnedPositions(d_model, n_positions)"),
        edit("nn.Embedding(vocab, d_model)", "nn.Embedding(d_model, vocab)")),
    own_size=("`n_positions` is the number that is given, 512 if none is.",
        edit("LearnedPositions(n_positions,", "LearnedPositions(512,"), edit("int = 512", "int = 256")),
    other_names=("the parts are called words, positions, segments and norm: published weights are loaded by name.",
        edit("self.words", "self.tokens"), edit("self.segments", "self.types"), edit("self.positions", "self.places"),
        edit("self.norm", "self.layer_norm"),
        edit("LearnedPositions(n_positions, d_model)", "nn.Embedding(n_positions, d_model)",
             _SUM, "self.words(ids) + self.segments(segments) + self.positions(torch.arange(ids.shape[1]))")),
    torchs_norm=("the norm's parameters are called scale and shift, those of FusedLayerNorm.",
        edit("FusedLayerNorm(d_model, EPSILON)", "nn.LayerNorm(d_model, EPSILON)")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------ masked_loss


def _some(targets, rng, share=0.5):
    """The targets of some places; of the first there is always one."""
    asked = torch.rand(targets.shape, generator=rng) < share
    asked.view(-1)[0] = True
    return targets.where(asked, IGNORED)


@masked_loss.probe("three places, of which the second and third have a target; a vocabulary of two")
def _(answer, rng):
    logits = torch.tensor([[[0.0, 5.0], [1.0, 1.0], [0.0, 2.0]]])
    return answer(logits, torch.tensor([[IGNORED, 0, 1]]))


@masked_loss.probe("two texts of 300 places, some 285 and one of them with a target; a vocabulary of 2,048")
def _(answer, rng):
    targets = _some(ids_of(2048, 2, 300, rng=rng), rng, 0.95)
    targets[1] = IGNORED
    targets[1, 7] = 2047
    return answer(3 * normal(2, 300, 2048, rng=rng), targets)


@masked_loss.probe("three leading axes, 2, 1 and 3, in float64; and one text without a batch")
def _(answer, rng):
    many = answer(normal(2, 1, 3, 7, 5, rng=rng).double(), _some(ids_of(5, 2, 1, 3, 7, rng=rng), rng))
    return {"three axes": many, "no axis": answer(normal(7, 5, rng=rng), _some(ids_of(5, 7, rng=rng), rng))}


@masked_loss.probe("logits around 1,000, and some of -1,000")
def _(answer, rng):
    logits = normal(2, 3, 5, rng=rng) + torch.tensor([1000.0, 1000, 1000, -1000, 1000])
    return answer(logits, torch.tensor([[0, 3, IGNORED], [4, IGNORED, 1]]))


@masked_loss.probe("the gradient for the logits")
def _(answer, rng):
    logits = normal(2, 3, 5, rng=rng).requires_grad_()
    return gradients(answer(logits, torch.tensor([[4, IGNORED, 0], [IGNORED, IGNORED, 2]])), logits=logits)


@masked_loss.probe("no place has a target: the loss and its gradient")
def _(answer, rng):
    logits = normal(2, 3, 5, rng=rng).requires_grad_()
    loss = answer(logits, torch.full((2, 3), IGNORED))
    return {"the loss": loss} | gradients(loss, logits=logits)


_FLAT = "flat = logits.flatten(0, -2), targets.flatten()"
_ENTROPY = 'cross_entropy(*flat, ignore_index=IGNORED, reduction="sum")'
_COUNT = "(targets != IGNORED).sum().clamp(min=1)"
_ALL = f"{_ENTROPY} / asked"
_KNOWN = "(targets != IGNORED)"
_TAKEN = "logits.log_softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]"

# fmt: off
masked_loss.mistakes(
    nan=("where no place has a target, 0 is divided by 0, NaN: the loss is 0 then.",
        edit(".clamp(min=1)", ""), edit(_ALL, "cross_entropy(*flat, ignore_index=IGNORED)"),
        edit(_ALL, "cross_entropy(*flat)")),
    no_graph=("where no place has a target the loss is 0, and gradients (of 0) still reach the logits.",
        edit("    flat =", f"    if not {_KNOWN}.any():\n        return torch.tensor(0.0)\n    flat ="),
        edit("    flat =",
             f"    if not {_KNOWN}.any():\n        return torch.zeros((), dtype=logits.dtype)\n    flat =")),
    over_all=("it is divided by the number of all places; divide by that of the places that have a target.",
        edit(_COUNT, "targets.numel()")),
    added_up=("the losses are added up: their mean over the places with a target is asked for.",
        edit(" / asked", "")),
    by_texts=("it is divided by the number of texts: by that of the places that have a target.",
        edit(_COUNT, "len(targets)")),
    mean_of_means=("the mean is taken in each text first: all places with a target count alike, over all texts.",
        edit(_ALL, f"((-{_TAKEN} * {_KNOWN}).sum(-1) / {_KNOWN}.sum(-1).clamp(min=1)).mean()")),
    ignored_counted=("places without a target count too, as if word 0 were asked for: leave them out.",
        edit(_ALL, f"-{_TAKEN}.mean()"), edit(_ALL, f"-{_TAKEN}.sum() / {_COUNT}")),
    zero_left_out=("id 0 is a word as any other: only IGNORED, -100, says that there is no target.",
        edit(_KNOWN, "(targets > 0)",
             _FLAT, "flat = logits.flatten(0, -2), targets.where(targets > 0, IGNORED).flatten()")),
    sign=("the sign: −ln p is positive.", edit(_ENTROPY, f"-{_ENTROPY}")),
    probabilities=("these are probabilities, without a logarithm: −ln p.",
        edit(_ALL, f"((1 - {_TAKEN}.exp()) * {_KNOWN}).sum() / {_COUNT}"),
        edit(_ALL, f"(-{_TAKEN}.exp() * {_KNOWN}).sum() / {_COUNT}"),
        edit(_ALL, f"({_TAKEN}.exp() * {_KNOWN}).sum() / {_COUNT}")),
    log_of_the_mean=("the logarithm of the mean p: the mean of the logarithms is asked for.",
        edit(_ALL, f"-(({_TAKEN}.exp() * {_KNOWN}).sum() / {_COUNT}).log()")),
    softmax_twice=("cross_entropy takes logits: the softmax is in it.",
        edit("logits.flatten(0, -2)", "logits.softmax(-1).flatten(0, -2)")),
    bits=("these are bits (a logarithm to base 2): nats are asked for.",
        edit(_ALL, f"{_ALL} / 0.6931471805599453")),
    perplexity=("this is the perplexity, e to the power of the loss.", edit(_ALL, f"({_ALL}).exp()")),
    other_axis=("the softmax runs over the places: the words are the last axis.",
        edit(_ALL, f"(-{_TAKEN.replace('log_softmax(-1)', 'log_softmax(-2)')} * {_KNOWN}).sum() / {_COUNT}")),
    mixed_up=("places and words are mixed up: `.view` or `.reshape` does not swap axes.",
        edit("logits.flatten(0, -2)",
             "logits.transpose(-1, -2).reshape(-1, logits.shape[-1])")),
    not_stable=("exp of a large logit overflows: log_softmax, or cross_entropy.",
        edit(_ALL, f"(-(logits.exp() / logits.exp().sum(-1, keepdim=True)).log()"
             f".gather(-1, targets.clamp(min=0)[..., None])[..., 0] * {_KNOWN}).sum() / {_COUNT}"),
        edit(_ALL, f"-{_TAKEN.replace('log_softmax(-1)', 'softmax(-1)')}.log()[{_KNOWN}].sum() / {_COUNT}"),
        edit(_ALL, f"-({_TAKEN.replace('log_softmax(-1)', 'softmax(-1)')} + 1e-9).log()[{_KNOWN}].sum() / {_COUNT}")),
    two_axes=("texts and places may come with more leading axes, or with fewer: flatten all before the last.",
        edit("logits.flatten(0, -2)", "logits.flatten(0, 1)"), edit("logits.flatten(0, -2), targets.flatten()",
             "logits.transpose(1, 2), targets")),
    each=("one number is asked for, a 0-d tensor.", edit(_ALL, f"-{_TAKEN} * {_KNOWN}"),
        edit(_ALL, f"({_ALL})[None]")),
    detached=("no gradient reaches the logits.",
        edit(_FLAT, "flat = logits.detach().flatten(0, -2), targets.flatten()")),
    a_float=("a 0-d tensor is asked for, through which gradients flow: no `.item()`.",
        edit(_ALL, f"({_ALL}).item()")),
    by_the_wrong_side=("the places without a target are those that count here: it is the other way round.",
        edit(_ALL, f"(-{_TAKEN} * ~{_KNOWN}).sum() / (~{_KNOWN}).sum().clamp(min=1)")),
    accuracy=("this is the share of right guesses: the loss is the mean of −ln p.",
        edit(_ALL, f"((logits.argmax(-1) == targets).float().sum() + 0 * logits.sum()) / {_COUNT}")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- questions

PIECES = ["un", "und", "##o", "##ne", "##done"]
greedy_pieces = Question(
    "greedy_pieces",
    lambda: len(cut("undone", PIECES)),
    "und ##o ##ne. The longest first piece is und, though un ##done would be only two: greedy never looks back.",
    "Take the longest piece that `undone` begins with, then go on with what is left; what is taken stays.",
    hints=(
        (2, "un ##done would be two, but `un` is not the longest piece that `undone` begins with."),
        (1, "It is not [UNK]: after the longest first piece, the rest can be cut too."),
    ),
)
copied_loss = Question(
    "copied_loss",
    lambda: 0.0,
    "0. The word asked for at position i stands in the input at i + 1, where position i may look: it only has to be "
    "copied.",
    "The word that position i should name is the one at i + 1. May position i see it?",
    within=1e-6,
)
changed_places = Question(
    "changed_places",
    lambda: 2000 * 0.15 * (0.8 + 0.1),
    "300 are chosen; 240 become [MASK] and 30 another word; the other 30 are asked for though nothing shows it.",
    "A chosen word is not always changed.",
    hints=(
        (300, "So many are chosen, but not all of them are changed."),
        (240, "So many become [MASK]; some of the others are changed too."),
        (30, "So many become another word; others become [MASK]."),
        (1800, "That is 90% of all words: only 15% of them are chosen."),
    ),
    within=1e-6,
)


def _block_parameters() -> int:
    block = EncoderBlock(384, 12, 1536, 0.0, bert.BertShortcut, bias=True, activation=gelu)
    return sum(parameter.numel() for parameter in block.parameters())


block_parameters = Question(
    "block_parameters",
    _block_parameters,
    "4 matrices of 384 x 384 with biases: 591,360. Feed-forward: 1,181,568. Two norms of 2 x 384: 1,536.",
    "Attention has four matrices, the feed-forward two; each has a bias. The number of heads does not matter.",
    hints=(
        (4 * 384**2 + 2 * 384 * 1536, "These are the matrices alone: add the biases and the two norms."),
        (1_774_464 - 1_536, "The two norms are missing: each has a scale and a shift, 384 numbers each."),
        (1_774_464 - 768, "There are two norms, one after attention and one after the feed-forward."),
        (1_774_464 - 384 * 384 - 384, "Attention has a fourth matrix, after the heads are joined."),
        (6 * 1_774_464, "These are all 6 blocks: one is asked for."),
    ),
)
