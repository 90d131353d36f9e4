"""Checks of notebook 03: padding, teacher forcing, additive scores, masked softmax. The decoder: ..._decoder.

The file is long because every mistake is written out.
"""

import math

import torch

from lib import batching, seq2seq
from lib.checks.core import Exercise
from lib.checks.probing import gradients
from lib.checks.seq2seq_and_bahdanau_attention_decoder import BahdanauDecoder, greedy_translate, normal

__all__ = ["BahdanauDecoder", "additive_scores", "greedy_translate", "masked_softmax", "pad_batch", "shift_right"]

pad_batch = Exercise(batching.pad_batch, returns=("ids", "mask"))
shift_right = Exercise(batching.shift_right, returns=("inputs", "targets", "mask"))
masked_softmax = Exercise(seq2seq.masked_softmax)
additive_scores = Exercise(seq2seq.additive_scores)


def ragged(rng, *lengths):
    """Sentences of these lengths, ids 4 to 22."""
    return [torch.randint(4, 23, (length,), generator=rng).tolist() for length in lengths]


# -------------------------------------------------------------------------------------------------------- pad_batch


@pad_batch.probe("the sentences [7, 8, 9] and [5]")
def _(answer, rng):
    return answer([[7, 8, 9], [5]])


@pad_batch.probe("sentences of 2, 5 and 3 tokens")
def _(answer, rng):
    return answer(ragged(rng, 2, 5, 3))


@pad_batch.probe("sentences of 3, 0 and 2 tokens, one of them empty")
def _(answer, rng):
    return answer(ragged(rng, 3, 0, 2))


def _rows(sentences, length, fill):
    return torch.tensor([[*sentence[:length], *[fill] * (length - len(sentence))] for sentence in sentences])


def _longest(sentences):
    return max(map(len, sentences))


@pad_batch.mistake("the padding stands in front: fill up after each sentence.")
def in_front(sentences):
    ids, mask = batching.pad_batch([sentence[::-1] for sentence in sentences])
    return ids.flip(1), mask.flip(1)


@pad_batch.mistake("the mask is turned round: True on real tokens, False on padding.")
def inverted(sentences):
    ids, mask = batching.pad_batch(sentences)
    return ids, ~mask


@pad_batch.mistake("the mask holds numbers; it should be bool: True and False.")
def whole_numbers(sentences):
    ids, mask = batching.pad_batch(sentences)
    return ids, mask.long()


@pad_batch.mistake("the mask holds numbers; it should be bool: True and False.")
def float_mask(sentences):
    ids, mask = batching.pad_batch(sentences)
    return ids, mask.float()


@pad_batch.mistake("the ids are not whole numbers: make the tensor with dtype=torch.long.")
def float_ids(sentences):
    ids, mask = batching.pad_batch(sentences)
    return ids.float(), mask


@pad_batch.mistake("the ids are not whole numbers: make the tensor with dtype=torch.long.")
def float_both(sentences):
    ids, mask = batching.pad_batch(sentences)
    return ids.float(), mask.float()


@pad_batch.mistake("cut to the shortest sentence: fill up to the longest, nothing may be lost.")
def cut(sentences):
    shortest = min(map(len, sentences))
    return _rows(sentences, shortest, 0), torch.ones(len(sentences), shortest, dtype=torch.bool)


@pad_batch.mistake("there is one position too many: the longest sentence needs no padding.")
def one_too_many(sentences):
    ids, mask = batching.pad_batch(sentences)
    extra = ids.new_zeros(len(ids), 1)
    return torch.cat([ids, extra], 1), torch.cat([mask, extra.bool()], 1)


@pad_batch.mistake("<PAD> has the id 0; this fills up with another number.")
def filled_with_sos(sentences):
    return _rows(sentences, _longest(sentences), batching.SOS), batching.pad_batch(sentences)[1]


@pad_batch.mistake("<PAD> has the id 0; this fills up with another number.")
def filled_with_eos(sentences):
    return _rows(sentences, _longest(sentences), batching.EOS), batching.pad_batch(sentences)[1]


@pad_batch.mistake("<PAD> has the id 0; this fills up with another number.")
def filled_with_minus_one(sentences):
    return _rows(sentences, _longest(sentences), -1), batching.pad_batch(sentences)[1]


@pad_batch.mistake("the axes are swapped: one row a sentence, (batch, position).")
def one_column_each(sentences):
    ids, mask = batching.pad_batch(sentences)
    return ids.T, mask.T


@pad_batch.mistake("only the ids come back: return the mask as well.")
def ids_only(sentences):
    return batching.pad_batch(sentences)[0]


@pad_batch.mistake("the lengths come back instead of a mask: one True or False for each position is asked for.")
def lengths_for_mask(sentences):
    return batching.pad_batch(sentences)[0], torch.tensor([len(sentence) for sentence in sentences])


@pad_batch.mistake("the two results are in the other order: first the ids, then the mask.")
def mask_first(sentences):
    return batching.pad_batch(sentences)[::-1]


@pad_batch.mistake("the mask is True everywhere: it must be False on padding.")
def all_true(sentences):
    ids, mask = batching.pad_batch(sentences)
    return ids, torch.ones_like(mask)


@pad_batch.mistake("the sentences changed their places: keep the order, row i is sentence i.")
def by_length(sentences):
    return batching.pad_batch(sorted(sentences, key=len, reverse=True))


@pad_batch.mistake("each sentence loses its last token: a slice `[:n]` holds n tokens.")
def last_token_lost(sentences):
    ids, mask = batching.pad_batch([sentence[:-1] for sentence in sentences])
    room = _longest(sentences) - ids.shape[1]
    extra = ids.new_zeros(len(ids), room)
    return torch.cat([ids, extra], 1), torch.cat([mask, extra.bool()], 1)


# ------------------------------------------------------------------------------------------------------ shift_right


@shift_right.probe("one sentence, [7, 8, 9]")
def _(answer, rng):
    return answer([[7, 8, 9]])


@shift_right.probe("the sentences [7, 8, 9], [5] and [], which is empty")
def _(answer, rng):
    return answer([[7, 8, 9], [5], []])


def _pad(before, sentences, after):
    return batching.pad_batch([[*before, *sentence, *after] for sentence in sentences])


@shift_right.mistake("the inputs should start with <SOS> (id 1).")
def no_sos(sentences):
    return _pad((), sentences, ())[0], *_pad((), sentences, (2,))


@shift_right.mistake("the inputs should start with <SOS> (id 1).")
def inputs_are_targets(sentences):
    targets, mask = _pad((), sentences, (2,))
    return targets, targets, mask


@shift_right.mistake("the targets should end with <EOS> (id 2): else the decoder never learns to stop.")
def no_eos(sentences):
    inputs, mask = _pad((1,), sentences, ())
    return inputs, _pad((), sentences, ())[0], mask


@shift_right.mistake("the targets should end with <EOS> (id 2): else the decoder never learns to stop.")
def padding_for_eos(sentences):
    inputs, mask = _pad((1,), sentences, ())
    return inputs, _pad((), sentences, (0,))[0], mask


@shift_right.mistake("<EOS> stands after the padding: put it directly after each sentence's last token.")
def eos_after_the_padding(sentences):
    inputs, mask = _pad((1,), sentences, ())
    ids = batching.pad_batch(sentences)[0]
    return inputs, torch.cat([ids, torch.full((len(ids), 1), 2)], 1), mask


@shift_right.mistake("<EOS> is a target only: the decoder never reads it, so the inputs end with the last word.")
def reads_eos(sentences):
    inputs, mask = _pad((1,), sentences, (2,))
    return inputs, _pad((), sentences, (2,))[0], mask


@shift_right.mistake("<EOS> is a target only: cut off each sentence's own last token, not the last column.")
def last_column_cut(sentences):
    ids, mask = _pad((1,), sentences, (2,))
    return ids[:, :-1], ids[:, 1:], mask[:, 1:]


@shift_right.mistake("<SOS> is an input only: the decoder is never asked for it, so the targets start with a word.")
def asked_for_sos(sentences):
    inputs, mask = _pad((1,), sentences, ())
    return inputs, _pad((1,), sentences, (2,))[0], mask


@shift_right.mistake("nothing is shifted: the inputs and the targets both have <SOS> and <EOS> here.")
def both_have_both(sentences):
    inputs, mask = _pad((1,), sentences, (2,))
    return inputs, inputs, mask


@shift_right.mistake("the mask leaves out <EOS>: it is a target too, so the mask is True there.")
def eos_not_in_the_mask(sentences):
    inputs, _, _ = batching.shift_right(sentences)
    mask = torch.arange(inputs.shape[1]) < torch.tensor([[len(sentence)] for sentence in sentences])
    return inputs, batching.shift_right(sentences)[1], mask


@shift_right.mistake("the mask of the sentences is one position short: there is one target more, <EOS>.")
def mask_of_the_sentences(sentences):
    return *batching.shift_right(sentences)[:2], batching.pad_batch(sentences)[1]


@shift_right.mistake("the first two results are in the other order: inputs, then targets.")
def targets_first(sentences):
    inputs, targets, mask = batching.shift_right(sentences)
    return targets, inputs, mask


@shift_right.mistake("<SOS> and <EOS> are exchanged: SOS is 1 and starts, EOS is 2 and ends.")
def exchanged(sentences):
    inputs, mask = _pad((2,), sentences, ())
    return inputs, _pad((), sentences, (1,))[0], mask


@shift_right.mistake("the inputs stop one token early: the last word is read, and the answer to it is <EOS>.")
def stops_early(sentences):
    targets, mask = _pad((), sentences, (2,))
    return _pad((1,), [sentence[:-1] for sentence in sentences], ())[0], targets, mask


@shift_right.mistake("only inputs and targets come back: return the mask as well.")
def no_mask(sentences):
    return batching.shift_right(sentences)[:2]


@shift_right.mistake("the mask is turned round: True where there is a target, False on padding.")
def inverted_mask(sentences):
    inputs, targets, mask = batching.shift_right(sentences)
    return inputs, targets, ~mask


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


@masked_softmax.probe("scores around 500")
def _(answer, rng):
    return answer(500 + normal(3, 5, rng=rng), torch.arange(5) < 4)


@masked_softmax.probe("scores around 500, of which the largest by far is padding")
def _(answer, rng):
    scores = 500 + normal(3, 5, rng=rng)
    return answer(scores + torch.tensor([0, 0, 0, 0, 400.0]), torch.arange(5) < torch.tensor([[2], [3], [4]]))


@masked_softmax.probe("a row that is nothing but padding")
def _(answer, rng):
    return answer(normal(2, 3, rng=rng), torch.tensor([[True, False, True], [False, False, False]]))


@masked_softmax.probe("scores around -2000")
def _(answer, rng):
    return answer(normal(3, 5, rng=rng) - 2000, some_mask(3, 5, rng=rng))


@masked_softmax.probe("the gradient for the scores")
def _(answer, rng):
    scores = normal(3, 5, rng=rng).requires_grad_()
    return gradients(answer(scores, some_mask(3, 5, rng=rng)), scores=scores)


@masked_softmax.mistake("the mask is not used: where it is False, the weight must be 0.")
def unmasked(scores, mask):
    return scores.softmax(-1)


@masked_softmax.mistake("the mask is used the wrong way round: True is where looking is allowed.")
def wrong_way_round(scores, mask):
    return scores.masked_fill(mask, -math.inf).softmax(-1).masked_fill(mask, 0.0)


@masked_softmax.mistake("the mask is used the wrong way round: True is where looking is allowed.")
def wrong_way_round_nan(scores, mask):
    return scores.masked_fill(mask, -math.inf).softmax(-1)


@masked_softmax.mistake("the fill is not far below every score: such padding still gets weight. Fill with -inf.")
def too_small(scores, mask):
    return scores.masked_fill(~mask, -100.0).softmax(-1) * mask


@masked_softmax.mistake("the fill is not far below every score: such padding still gets weight. Fill with -inf.")
def too_small_fill(scores, mask):
    return scores.masked_fill(~mask, -1000.0).softmax(-1) * mask


@masked_softmax.mistake("a row that may look nowhere becomes NaN (0 / 0): set the masked weights to 0 at the end.")
def not_a_number(scores, mask):
    return scores.masked_fill(~mask, -math.inf).softmax(-1)


@masked_softmax.mistake(
    "the softmax ran over padding too, and dividing afterwards is too late: a large padded score leaves 0 / 0."
)
def divided_again(scores, mask):
    weights = scores.softmax(-1) * mask
    return weights / weights.sum(-1, keepdim=True)


@masked_softmax.mistake(
    "the softmax ran over padding too, and dividing afterwards is too late: a large padded score leaves 0 / 0."
)
def divided_again_quietly(scores, mask):
    weights = scores.softmax(-1) * mask
    return (weights / weights.sum(-1, keepdim=True)).nan_to_num()


@masked_softmax.mistake(
    "the softmax ran over padding too, and dividing afterwards is too late: a large padded score leaves 0 / 0."
)
def divided_with_epsilon(scores, mask):
    weights = scores.softmax(-1) * mask
    return weights / (weights.sum(-1, keepdim=True) + 1e-9)


@masked_softmax.mistake("e to the power of a large score overflows: use softmax, or subtract the largest score first.")
def overflows(scores, mask):
    powers = scores.exp() * mask
    return powers / powers.sum(-1, keepdim=True)


@masked_softmax.mistake("e to the power of a large score overflows: use softmax, or subtract the largest score first.")
def overflows_elsewhere(scores, mask):
    powers = scores.exp().masked_fill(~mask, 0.0)
    return powers / powers.sum(-1, keepdim=True)


@masked_softmax.mistake("e to the power of a large score overflows: use softmax, or subtract the largest score first.")
def overflows_quietly(scores, mask):
    powers = scores.exp() * mask
    return (powers / powers.sum(-1, keepdim=True)).nan_to_num()


@masked_softmax.mistake(
    "the rows no longer sum to 1: mask the scores before the softmax, not only the weights after it."
)
def masked_afterwards(scores, mask):
    return scores.softmax(-1) * mask


@masked_softmax.mistake("a masked score of 0 is a score like any other, e⁰ = 1: fill with -inf before the softmax.")
def masked_to_zero(scores, mask):
    return (scores * mask).softmax(-1)


@masked_softmax.mistake("a masked score of 0 is a score like any other, e⁰ = 1: fill with -inf before the softmax.")
def masked_to_zero_twice(scores, mask):
    return (scores * mask).softmax(-1) * mask


@masked_softmax.mistake(
    "a row that may look nowhere gets weights on padding: set the masked weights to 0 at the end, after the softmax."
)
def large_negative(scores, mask):
    return scores.masked_fill(~mask, -1e9).softmax(-1)


@masked_softmax.mistake("the weights sum to 1 over the wrong axis: the softmax runs over the keys, dim=-1.")
def over_the_batch(scores, mask):
    return scores.masked_fill(~mask, -math.inf).softmax(0).nan_to_num()


@masked_softmax.mistake("the weights sum to 1 over the wrong axis: the softmax runs over the keys, dim=-1.")
def over_the_second_axis(scores, mask):
    return scores.masked_fill(~mask, -math.inf).softmax(1).nan_to_num()


@masked_softmax.mistake("these are logarithms of weights: softmax, not log_softmax.")
def logarithms(scores, mask):
    return scores.masked_fill(~mask, -math.inf).log_softmax(-1).masked_fill(~mask, 0.0)


@masked_softmax.mistake("these are logarithms of weights: softmax, not log_softmax.")
def bare_logarithms(scores, mask):
    return scores.masked_fill(~mask, -math.inf).log_softmax(-1)


@masked_softmax.mistake("each weight is computed by itself (sigmoid): a softmax makes a row sum to 1.")
def sigmoids(scores, mask):
    return torch.sigmoid(scores) * mask


@masked_softmax.mistake("the powers are not divided by their sum, so the rows do not sum to 1.")
def not_divided(scores, mask):
    return scores.exp() * mask


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


@additive_scores.probe("the gradients for everything that goes in")
def _(answer, rng):
    query, keys, w_query, v = (tensor.requires_grad_() for tensor in score_inputs(rng, 2))
    return gradients(answer(query, keys, w_query, v), query=query, keys=keys, w_query=w_query, v=v)


@additive_scores.mistake("the tanh is missing: v is multiplied with tanh(query W_query + key).")
def no_tanh(query, keys, w_query, v):
    return ((query @ w_query).unsqueeze(-2) + keys) @ v


@additive_scores.mistake("tanh is taken of the score: it belongs around the sum, before the product with v.")
def tanh_of_the_score(query, keys, w_query, v):
    return torch.tanh(((query @ w_query).unsqueeze(-2) + keys) @ v)


@additive_scores.mistake("tanh is taken of each part: add query and key first, then take one tanh.")
def tanh_of_each(query, keys, w_query, v):
    return (torch.tanh(query @ w_query).unsqueeze(-2) + torch.tanh(keys)) @ v


@additive_scores.mistake("this squashes with a sigmoid (0 to 1): Bahdanau's score uses torch.tanh (-1 to 1).")
def with_sigmoid(query, keys, w_query, v):
    return torch.sigmoid((query @ w_query).unsqueeze(-2) + keys) @ v


@additive_scores.mistake("this squashes with relu: Bahdanau's score uses torch.tanh, which goes below 0 too.")
def with_relu(query, keys, w_query, v):
    return torch.relu((query @ w_query).unsqueeze(-2) + keys) @ v


@additive_scores.mistake("the query is not used: every state would look at the same place. Add query W_query.")
def no_query(query, keys, w_query, v):
    return torch.tanh(keys) @ v


@additive_scores.mistake(
    "the keys are not used: every source position would score the same. Add them to query W_query."
)
def no_keys(query, keys, w_query, v):
    return torch.tanh((query @ w_query).unsqueeze(-2).expand_as(keys)) @ v


@additive_scores.mistake("query and key are multiplied. Additive attention adds them: that is its name.")
def multiplied(query, keys, w_query, v):
    return torch.tanh((query @ w_query).unsqueeze(-2) * keys) @ v


@additive_scores.mistake("this is the dot product of query and key (notebook 04). Here: v · tanh(query W_query + key).")
def dot_product(query, keys, w_query, v):
    return (keys @ (query @ w_query).unsqueeze(-1)).squeeze(-1)


@additive_scores.mistake("the query is subtracted from the key: add them.")
def subtracted(query, keys, w_query, v):
    return torch.tanh(keys - (query @ w_query).unsqueeze(-2)) @ v


@additive_scores.mistake("an axis of size 1 is left over: one score a key, (..., key).")
def left_over(query, keys, w_query, v):
    return seq2seq.additive_scores(query, keys, w_query, v).unsqueeze(-1)


@additive_scores.mistake("v is multiplied but not summed: one number a key is left by `@ v`.")
def not_summed(query, keys, w_query, v):
    return torch.tanh((query @ w_query).unsqueeze(-2) + keys) * v


@additive_scores.mistake("v is not used: multiply the tanh by v (`@ v`), it says how much each number counts.")
def no_v(query, keys, w_query, v):
    return torch.tanh((query @ w_query).unsqueeze(-2) + keys).sum(-1)


@additive_scores.mistake("the mean over d_attention is taken where the sum is asked for: `@ v`.")
def averaged(query, keys, w_query, v):
    return (torch.tanh((query @ w_query).unsqueeze(-2) + keys) * v).mean(-1)


@additive_scores.mistake("these are weights already: return the scores, the softmax comes next.")
def softmaxed(query, keys, w_query, v):
    return seq2seq.additive_scores(query, keys, w_query, v).softmax(-1)


@additive_scores.mistake("the scores are divided by a square root: additive scores are not scaled.")
def scaled(query, keys, w_query, v):
    return seq2seq.additive_scores(query, keys, w_query, v) / math.sqrt(len(v))


@additive_scores.mistake("w_query is used transposed. Weights stand on the right as they are: `query @ w_query`.")
def transposed(query, keys, w_query, v):
    return seq2seq.additive_scores(query, keys, w_query.mT, v)


@additive_scores.mistake(
    "the query of sentence i meets key i of every sentence: give it an axis of its own with `.unsqueeze(-2)`."
)
def wrong_broadcast(query, keys, w_query, v):
    return torch.tanh(query @ w_query + keys) @ v
