"""Checks of notebook 03: padding, teacher forcing, additive scores, masked softmax.

The decoder and greedy translation stand in ..._decoder, the questions in ..._questions.
"""

import math

import torch

from lib import batching, seq2seq
from lib.checks.core import Exercise, edit
from lib.checks.probing import gradients, normal
from lib.checks.seq2seq_and_bahdanau_attention_decoder import BahdanauDecoder, greedy_translate
from lib.checks.seq2seq_and_bahdanau_attention_questions import (
    logits_shape,
    reversed_lag,
    same_rows,
    tanh_count,
    trained_longer,
    unshifted,
)

__all__ = [
    "BahdanauDecoder",
    "additive_scores",
    "greedy_translate",
    "logits_shape",
    "masked_softmax",
    "pad_batch",
    "reversed_lag",
    "same_rows",
    "shift_right",
    "tanh_count",
    "trained_longer",
    "unshifted",
]

pad_batch = Exercise(batching.pad_batch, returns=("ids", "mask"))
shift_right = Exercise(batching.shift_right, returns=("inputs", "targets", "mask"))
masked_softmax = Exercise(seq2seq.masked_softmax)
additive_scores = Exercise(seq2seq.additive_scores)


def ragged(rng, *lengths):
    """Sentences of these lengths, ids 4 to 22."""
    return [torch.randint(4, 23, (length,), generator=rng).tolist() for length in lengths]


def realistic(rng):
    """64 sentences, one of 1,100 tokens, <UNK> among the ids, and some that neither 32 bits nor a float32 can hold."""
    return [*ragged(rng, 2, 1100), [50_300, 3, 256, 2**40 + 1], *ragged(rng, *[1, 2, 3] * 20, 1)]


# -------------------------------------------------------------------------------------------------------- pad_batch


@pad_batch.probe("the sentences [7, 8, 9] and [5]")
def _(answer, rng):
    return answer([[7, 8, 9], [5]])


@pad_batch.probe("sentences of 2, 5 and 3 tokens, ids from 1 on")
def _(answer, rng):
    return answer([[3, 1], *ragged(rng, 5), [2, 7, 3]])


@pad_batch.probe("sentences of 3, 0 and 2 tokens, one of them empty")
def _(answer, rng):
    return answer(ragged(rng, 3, 0, 2))


@pad_batch.probe("a single sentence of one token")
def _(answer, rng):
    return answer([[7]])


@pad_batch.probe("two sentences, both empty")
def _(answer, rng):
    return answer([[], []])


@pad_batch.probe("64 sentences, one of 1,100 tokens, ids 3 to 2**40 + 1")
def _(answer, rng):
    return answer(realistic(rng))


_IDS = "torch.zeros(len(sentences), longest, dtype=torch.long)"
_WRITTEN = "ids[row, : len(sentence)] = torch.tensor(sentence)"

# fmt: off
pad_batch.mistakes(
    in_front=("the padding stands in front: fill up after each sentence.",
        edit("row, : len(sentence)]", "row, longest - len(sentence) :]")),
    inverted=("the mask is turned round: True on real tokens, False on padding.",
        edit("return ids, mask", "return ids, ~mask")),
    mask_of_numbers=("the mask holds numbers; it should be bool: True and False.",
        edit("return ids, mask", "return ids, mask.long()"), edit("return ids, mask", "return ids, mask.int()"),
        edit("return ids, mask", "return ids, mask.float()")),
    float_ids=("the ids are not whole numbers: make the tensor with dtype=torch.long.",
        edit("return ids, mask", "return ids.float(), mask"),
        edit("return ids, mask", "return ids.float(), mask.float()")),
    float_when_empty=(
        "when all sentences are empty the ids are float, as `torch.tensor([])` is: say dtype=torch.long.",
        edit("torch.long", "torch.long if longest else torch.float"),
        edit(
            "torch.long",
            "torch.long if longest else torch.float",
            "torch.bool",
            "torch.bool if longest else torch.float",
        ),
    ),
    cut=("cut to the shortest sentence: fill up to the longest, nothing may be lost.",
        edit("max(len", "min(len", "tensor(sentence)", "tensor(sentence[:longest])")),
    one_too_many=("there is one position too many: the longest sentence needs no padding.",
        edit("for sentence in sentences)", "for sentence in sentences) + 1")),
    filled_with_another_number=("<PAD> has the id 0; this fills up with another number.",
        *(edit(_IDS, f"torch.full((len(sentences), longest), {fill})") for fill in (1, 2, 3, -1))),
    one_column_each=("the axes are swapped: one row a sentence, (batch, position).",
        edit("return ids, mask", "return ids.T, mask.T")),
    ids_only=("only the ids come back: return the mask as well.", edit("return ids, mask", "return ids")),
    lengths_for_mask=("the lengths come back instead of a mask: one True or False for each position is asked for.",
        edit("return ids, mask", "return ids, torch.tensor([len(sentence) for sentence in sentences])")),
    all_true=("the mask is True everywhere: it must be False on padding.",
        edit("return ids, mask", "return ids, torch.ones_like(mask)")),
    by_length=("the sentences changed their places: keep the order, row i is sentence i.",
        edit("longest = max", "sentences = sorted(sentences, key=len, reverse=True)\n    longest = max"),
        edit("longest = max", "sentences = sorted(sentences, key=len)\n    longest = max")),
    last_token_lost=(
        "each sentence loses its last token: a slice `[:n]` holds n tokens.",
        edit("row, : len(sentence)]", "row, : max(len(sentence) - 1, 0)]", "tensor(sentence)", "tensor(sentence[:-1])"),
    ),
    small_type=("large ids do not fit into this type of number: ids are int64, torch.long.",
        *(edit("return ids, mask", f"return ids.to(torch.{kind}).long(), mask") for kind in ("uint8", "int16"))),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------ shift_right


@shift_right.probe("one sentence, [7, 8, 9]")
def _(answer, rng):
    return answer([[7, 8, 9]])


@shift_right.probe("the sentences [7, 8, 9], [5] and [], which is empty")
def _(answer, rng):
    return answer([[7, 8, 9], [5], []])


@shift_right.probe("a single sentence, which is empty")
def _(answer, rng):
    return answer([[]])


@shift_right.probe("64 sentences, one of 1,100 tokens, ids 3 to 2**40 + 1")
def _(answer, rng):
    return answer(realistic(rng))


_INPUTS, _TARGETS = (
    "pad_batch([[SOS, *sentence] for sentence in sentences])",
    "pad_batch([[*sentence, EOS] for sentence in sentences])",
)
_BOTH = "pad_batch([[SOS, *sentence, EOS] for sentence in sentences])"
_MASK_OF_TARGETS = ("inputs, mask", "inputs, _", "targets, _", "targets, mask")
_RETURN = "return inputs, targets, mask"

# fmt: off
shift_right.mistakes(
    no_sos=("the inputs should start with <SOS> (id 1).",
        edit(_INPUTS, "pad_batch(sentences)", *_MASK_OF_TARGETS), edit(_INPUTS, "pad_batch(sentences)"),
        edit(_RETURN, "return targets, targets, mask")),
    no_eos=("the targets should end with <EOS> (id 2): else the decoder never learns to stop.",
        edit(_TARGETS, "pad_batch(sentences)"), edit(_TARGETS, "pad_batch(sentences)", *_MASK_OF_TARGETS),
        edit("sentence, EOS]", "sentence, PAD]"), edit(_RETURN, "return inputs, targets * (targets != EOS), mask")),
    eos_after_the_padding=(
        "<EOS> stands after the padding: put it directly after each sentence's last token.",
        edit(
            _TARGETS,
            "pad_batch(sentences)",
            "    return",
            "    targets = torch.cat([targets, torch.full((len(inputs), 1), EOS)], 1)\n    return",
        ),
        edit(
            *(_TARGETS, "pad_batch(sentences)"),
            *("    return", "    targets = torch.cat([targets, torch.full((len(inputs), 1), EOS)], 1)\n    return"),
            *(_RETURN, "return inputs, targets, torch.cat([mask[:, :1], pad_batch(sentences)[1]], 1)"),
        ),
    ),
    reads_eos=("<EOS> is a target only: the decoder never reads it, so the inputs end with the last word.",
        edit(_INPUTS, _BOTH), edit(_INPUTS, _BOTH, *_MASK_OF_TARGETS)),
    last_column_cut=("<EOS> is a target only: cut off each sentence's own last token, not the last column.",
        edit(_INPUTS, _BOTH, _RETURN, "return inputs[:, :-1], inputs[:, 1:], mask[:, 1:]"),
        edit(_INPUTS, _BOTH, _RETURN, "return inputs[:, :-1], inputs[:, 1:], mask[:, :-1]"),
        edit(_INPUTS, _BOTH, _RETURN, "return inputs[:, :-1], targets, mask[:, 1:]")),
    asked_for_sos=("<SOS> is an input only: the decoder is never asked for it, so the targets start with a word.",
        edit(_TARGETS, _BOTH), edit(_TARGETS, _BOTH, *_MASK_OF_TARGETS)),
    both_have_both=("nothing is shifted: the inputs and the targets both have <SOS> and <EOS> here.",
        edit(_INPUTS, _BOTH, _TARGETS, _BOTH)),
    eos_not_in_the_mask=("the mask leaves out <EOS>: it is a target too, so the mask is True there.",
        edit(_RETURN, "return inputs, targets, (targets != PAD) & (targets != EOS)")),
    mask_of_the_sentences=("the mask of the sentences is one position short: there is one target more, <EOS>.",
        edit(_RETURN, "return inputs, targets, pad_batch(sentences)[1]")),
    targets_first=("the first two results are in the other order: inputs, then targets.",
        edit(_RETURN, "return targets, inputs, mask")),
    exchanged=("<SOS> and <EOS> are exchanged: SOS is 1 and starts, EOS is 2 and ends.",
        edit("[SOS, *", "[EOS, *", "sentence, EOS]", "sentence, SOS]")),
    stops_early=("the inputs stop one token early: the last word is read, and the answer to it is <EOS>.",
        edit("[SOS, *sentence]", "[SOS, *sentence[:-1]]"),
        edit("[SOS, *sentence]", "[SOS, *sentence[:-1]]", *_MASK_OF_TARGETS)),
    no_mask=("only inputs and targets come back: return the mask as well.", edit(_RETURN, "return inputs, targets")),
    inverted_mask=("the mask is turned round: True where there is a target, False on padding.",
        edit(_RETURN, "return inputs, targets, ~mask")),
    all_true=("the mask is True everywhere: it must be False on padding.",
        edit(_RETURN, "return inputs, targets, mask | True")),
)
# fmt: on


# --------------------------------------------------------------------------------------------------- masked_softmax


def some_mask(*shape, rng):
    """A random mask, True at least once in each row."""
    mask = torch.rand(*shape, generator=rng) < 0.5
    return mask | (torch.arange(shape[-1]) == torch.randint(shape[-1], (*shape[:-1], 1), generator=rng))


@masked_softmax.probe("the example by hand: scores 0, log 3 and 5, of which the last is padding")
def _(answer, rng):
    return answer(torch.tensor([0.0, math.log(3), 5.0]), torch.tensor([True, True, False]))


@masked_softmax.probe("batch 3, 5 keys, random masks")
def _(answer, rng):
    return answer(normal(3, 5, rng=rng), some_mask(3, 5, rng=rng))


@masked_softmax.probe("batch 2, 3 queries, 5 keys, a mask (batch, 1, key)")
def _(answer, rng):
    return answer(normal(2, 3, 5, rng=rng), some_mask(2, 1, 5, rng=rng))


@masked_softmax.probe("scores (2, 3, 4, 5) and one mask for all, (5,)")
def _(answer, rng):
    return answer(normal(2, 3, 4, 5, rng=rng), some_mask(5, rng=rng))


@masked_softmax.probe("64-bit scores around 50,000")
def _(answer, rng):
    return answer(50_000 + normal(3, 5, rng=rng).double(), torch.arange(5) < 4)


@masked_softmax.probe("scores around 500, of which the largest by far is padding")
def _(answer, rng):
    scores = 500 + normal(3, 5, rng=rng)
    return answer(scores + torch.tensor([0, 0, 0, 0, 400.0]), torch.arange(5) < torch.tensor([[2], [3], [4]]))


@masked_softmax.probe("a row that is nothing but padding")
def _(answer, rng):
    return answer(normal(2, 3, rng=rng), torch.tensor([[True, False, True], [False, False, False]]))


@masked_softmax.probe("64-bit scores around -2 million")
def _(answer, rng):
    return answer(normal(3, 5, rng=rng).double() - 2e6, torch.arange(5) < torch.tensor([[2], [3], [4]]))


@masked_softmax.probe("batch 64, 300 keys")
def _(answer, rng):
    return answer(normal(64, 300, rng=rng), torch.arange(300) < torch.arange(64)[:, None] + 237)


@masked_softmax.probe("a batch of one with a single key")
def _(answer, rng):
    return answer(normal(1, 1, rng=rng), torch.tensor([[True]]))


@masked_softmax.probe("the gradient for the scores, one row of which is nothing but padding")
def _(answer, rng):
    scores = normal(3, 5, rng=rng).requires_grad_()
    return gradients(answer(scores, some_mask(3, 5, rng=rng) & torch.tensor([[True], [False], [True]])), scores=scores)


_WEIGHTS, _ZEROS = "scores.masked_fill(~mask, -math.inf).softmax(dim=-1)", "weights.masked_fill(~mask, 0.0)"
_TO_ONE = "weights / weights.sum(-1, keepdim=True)"
_SUMS = (
    _TO_ONE,
    f"({_TO_ONE}).nan_to_num()",
    "weights / (weights.sum(-1, keepdim=True) + 1e-9)",
    "weights / weights.sum(-1, keepdim=True).clamp(min=1e-9)",
)

# fmt: off
masked_softmax.mistakes(
    unmasked=("the mask is not used: where it is False, the weight must be 0.",
        edit(_WEIGHTS, "scores.softmax(dim=-1)", _ZEROS, "weights")),
    wrong_way_round=("the mask is used the wrong way round: True is where looking is allowed.",
        edit("~mask", "mask"), edit("~mask", "mask", "weights.masked_fill(mask, 0.0)", "weights")),
    too_small=("the fill is not far below every score: such padding still gets weight. Fill with -inf.",
        *(edit("-math.inf", fill) for fill in ("-100.0", "-1000.0", "-1e4")),
        *(edit("-math.inf", fill, _ZEROS, "weights") for fill in ("-100.0", "-1000.0", "-1e4"))),
    not_a_number=("a row that may look nowhere becomes NaN (0 / 0): set the masked weights to 0 at the end.",
        edit(_ZEROS, "weights")),
    divided_again=(
        "the softmax ran over padding too, and dividing afterwards is too late: a large padded score leaves 0 / 0.",
        *(edit(_WEIGHTS, "scores.softmax(dim=-1) * mask", _ZEROS, to_one) for to_one in _SUMS),
    ),
    overflows=("e to the power of a large score overflows: use softmax, or subtract the largest score first.",
        *(edit(_WEIGHTS, "scores.exp() * mask", _ZEROS, to_one) for to_one in _SUMS),
        *(edit(_WEIGHTS, "scores.exp().masked_fill(~mask, 0.0)", _ZEROS, to_one) for to_one in _SUMS),
        *(edit(_WEIGHTS, "scores.masked_fill(~mask, -math.inf).exp()", _ZEROS, to_one) for to_one in _SUMS)),
    masked_afterwards=(
        "the rows no longer sum to 1: mask the scores before the softmax, not only the weights after it.",
        edit(_WEIGHTS, "scores.softmax(dim=-1)"),
    ),
    masked_to_zero=("a masked score of 0 is a score like any other, e⁰ = 1: fill with -inf before the softmax.",
        edit("-math.inf", "0.0"), edit("-math.inf", "0.0", "weights.masked_fill(~mask, 0.0)", "weights")),
    weights_on_padding=(
        "a row that may look nowhere gets weights on padding: set the masked weights to 0 after the softmax.",
        edit("-math.inf", "-1e9", _ZEROS, "weights"),
        edit("scores.masked_fill(~mask, -math.inf)", "(scores - 1e9 * ~mask)", _ZEROS, "weights"),
        edit("-math.inf", "torch.finfo(scores.dtype).min", _ZEROS, "weights"),
        edit(_ZEROS, "weights.nan_to_num(1 / scores.shape[-1])"),
    ),
    over_another_axis=("the weights sum to 1 over the wrong axis: the softmax runs over the keys, dim=-1.",
        *(edit("dim=-1", dim) for dim in ("dim=0", "dim=1", "dim=-2")),
        *(edit("dim=-1", dim, "-math.inf", "-1e30") for dim in ("dim=0", "dim=1", "dim=-2"))),
    logarithms=("these are logarithms of weights: softmax, not log_softmax.",
        edit(".softmax(", ".log_softmax("), edit(".softmax(", ".log_softmax(", _ZEROS, "weights")),
    sigmoids=("each weight is computed by itself (sigmoid): a softmax makes a row sum to 1.",
        edit(_WEIGHTS, "scores.sigmoid()")),
    not_divided=("the powers are not divided by their sum, so the rows do not sum to 1.",
        edit(_WEIGHTS, "scores.exp()")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------- additive_scores


def score_inputs(rng, *leading, keys=5, d_hidden=7, d_attention=3):
    return (
        normal(*leading, d_hidden, rng=rng),
        normal(*leading, keys, d_attention, rng=rng),
        normal(d_hidden, d_attention, rng=rng) / 2,
        normal(d_attention, rng=rng),
    )


@additive_scores.probe("one query, 3 keys, d_hidden 1, d_attention 2, small whole numbers")
def _(answer, rng):
    keys = torch.tensor([[-3.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    return answer(torch.tensor([[2.0]]), keys[None], torch.tensor([[1.0, 0.0]]), torch.tensor([1.0, 2.0]))


@additive_scores.probe("batch 2, 5 keys, d_hidden 7, d_attention 3")
def _(answer, rng):
    return answer(*score_inputs(rng, 2))


@additive_scores.probe("batch 3, 3 keys, d_hidden 3, d_attention 3, where swapped axes would still fit")
def _(answer, rng):
    return answer(*score_inputs(rng, 3, keys=3, d_hidden=3))


@additive_scores.probe("no batch: query (7,), keys (5, 3)")
def _(answer, rng):
    return answer(*score_inputs(rng))


@additive_scores.probe("two leading dimensions, 2 and 3")
def _(answer, rng):
    return answer(*score_inputs(rng, 2, 3))


@additive_scores.probe("a batch of one, a single key, d_attention 1")
def _(answer, rng):
    return answer(*score_inputs(rng, 1, keys=1, d_attention=1))


@additive_scores.probe("batch 64, 300 keys, and sums of some hundreds, where tanh is 1 or -1")
def _(answer, rng):
    query, keys, w_query, v = score_inputs(rng, 64, keys=300)
    return answer(query, 500 * keys.sign() + keys, w_query, v)


@additive_scores.probe("the gradients for everything that goes in")
def _(answer, rng):
    query, keys, w_query, v = (tensor.requires_grad_() for tensor in score_inputs(rng, 2))
    return gradients(answer(query, keys, w_query, v), query=query, keys=keys, w_query=w_query, v=v)


_TANH = "torch.tanh(asked + keys)"

# fmt: off
additive_scores.mistakes(
    no_tanh=("the tanh is missing: v is multiplied with tanh(query W_query + key).", edit(_TANH, "(asked + keys)")),
    tanh_of_the_score=("tanh is taken of the score: it belongs around the sum, before the product with v.",
        edit(f"{_TANH} @ v", "torch.tanh((asked + keys) @ v)")),
    tanh_of_each=("tanh is taken of each part: add query and key first, then take one tanh.",
        edit(_TANH, "(torch.tanh(asked) + torch.tanh(keys))")),
    with_sigmoid=("this squashes with a sigmoid (0 to 1): Bahdanau's score uses torch.tanh (-1 to 1).",
        edit("torch.tanh", "torch.sigmoid")),
    with_relu=("this squashes with relu: Bahdanau's score uses torch.tanh, which goes below 0 too.",
        edit("torch.tanh", "torch.relu")),
    no_query=("the query is not used: every state would look at the same place. Add query W_query.",
        edit("asked + keys", "keys")),
    no_keys=("the keys are not used: every source position would score the same. Add them to query W_query.",
        edit("asked + keys", "asked.expand_as(keys)"), edit("asked + keys", "asked")),
    multiplied=("query and key are multiplied. Additive attention adds them: that is its name.",
        edit("asked + keys", "asked * keys")),
    dot_product=("this is the dot product of query and key (notebook 04). Here: v · tanh(query W_query + key).",
        edit(f"{_TANH} @ v", "(asked * keys).sum(-1)")),
    subtracted=("the query is subtracted from the key: add them.", edit("asked + keys", "keys - asked")),
    left_over=("an axis of size 1 is left over: one score a key, (..., key).", edit(" @ v", " @ v[:, None]")),
    not_summed=("v is multiplied but not summed: one number a key is left by `@ v`.", edit(" @ v", " * v")),
    no_v=("v is not used: multiply the tanh by v (`@ v`), it says how much each number counts.",
        edit(" @ v", ".sum(-1)")),
    averaged=("the mean over d_attention is taken where the sum is asked for: `@ v`.", edit(" @ v", " @ v / len(v)")),
    softmaxed=("these are weights already: return the scores, the softmax comes next.",
        edit(f"{_TANH} @ v", f"({_TANH} @ v).softmax(-1)")),
    scaled=("the scores are divided by a square root: additive scores are not scaled.",
        edit(" @ v", " @ v / math.sqrt(len(v))")),
    transposed=("w_query is used transposed. Weights stand on the right as they are: `query @ w_query`.",
        edit("query @ w_query", "query @ w_query.mT")),
    wrong_broadcast=(
        "the query of sentence i meets key i of every sentence: give it an axis of its own with `.unsqueeze(-2)`.",
        edit(".unsqueeze(-2)", ""),
    ),
    second_axis=("the query's new axis is not always the second: it stands before the last one, `.unsqueeze(-2)`.",
        edit("unsqueeze(-2)", "unsqueeze(1)")),
    tanh_overflows=("a tanh out of powers of e becomes inf / inf for large sums: use torch.tanh.",
        edit(_TANH, "((asked + keys).sinh() / (asked + keys).cosh())"),
        edit(_TANH, "(((2 * (asked + keys)).exp() - 1) / ((2 * (asked + keys)).exp() + 1))")),
)
# fmt: on
