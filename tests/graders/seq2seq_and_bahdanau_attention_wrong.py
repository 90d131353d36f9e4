"""Wrong answers to notebook 03, as people write them."""

import math

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from lib.batching import pad_batch
from lib.checks.core import edit
from lib.seq2seq import additive_scores, masked_softmax
from tests.graders.cases import slips, wrong

# -------------------------------------------------------------------------------------------------------- pad_batch


def rectangle(sentences, fill=0):
    longest = max(len(s) for s in sentences)
    return torch.tensor([s + [fill] * (longest - len(s)) for s in sentences], dtype=torch.long)


def real(sentences):
    longest = max(len(s) for s in sentences)
    return torch.tensor([[i < len(s) for i in range(longest)] for s in sentences], dtype=torch.bool)


@wrong("pad_batch", says="after each sentence")
def pads_in_front(sentences):
    longest = max(len(s) for s in sentences)
    ids = torch.tensor([[0] * (longest - len(s)) + s for s in sentences], dtype=torch.long)
    return ids, ids != 0


@wrong("pad_batch", says="True on real tokens")
def mask_of_padding(sentences):
    ids = rectangle(sentences)
    return ids, ids == 0


@wrong("pad_batch", says="bool")
def mask_of_ones(sentences):
    ids = rectangle(sentences)
    return ids, (ids != 0).int()


@wrong("pad_batch", says="(batch, position)")
def forgot_batch_first(sentences):
    ids = pad_sequence([torch.tensor(s, dtype=torch.long) for s in sentences])
    return ids, ids != 0


@wrong("pad_batch", says="whole numbers")
def plain_zeros(sentences):
    ids = torch.zeros(len(sentences), max(map(len, sentences)))
    for row, s in enumerate(sentences):
        ids[row, : len(s)] = torch.tensor(s)
    return ids, ids != 0


@wrong("pad_batch", says="one position too many")
def room_for_one_more(sentences):
    longest = max(len(s) for s in sentences) + 1
    ids = torch.tensor([s + [0] * (longest - len(s)) for s in sentences])
    return ids, ids != 0


@wrong("pad_batch", says="another number")
def pads_with_eos(sentences):
    return rectangle(sentences, 2), real(sentences)


@wrong("pad_batch", says="shortest")
def zips(sentences):
    ids = (
        torch.tensor([*zip(*sentences, strict=False)]).T if min(map(len, sentences)) else torch.zeros(len(sentences), 0)
    )
    ids = ids.long()
    return ids, torch.ones(ids.shape, dtype=torch.bool)


@wrong("pad_batch", says="mask as well")
def no_mask_at_all(sentences):
    return rectangle(sentences)


@wrong("pad_batch", says="lengths")
def gives_lengths(sentences):
    return rectangle(sentences), torch.tensor([len(s) for s in sentences])


@wrong("pad_batch", says="changes what it was given")
def fills_the_lists(sentences):
    longest = max(len(s) for s in sentences)
    mask = real(sentences)
    for s in sentences:
        while len(s) < longest:
            s.append(0)
    return torch.tensor(sentences), mask


@wrong("pad_batch", says="their places")
def longest_first(sentences):
    ordered = sorted(sentences, key=lambda s: -len(s))
    return rectangle(ordered), real(ordered)


@wrong("pad_batch", says="raised")
def empty_is_float(sentences):
    rows = [torch.tensor(s) for s in sentences]
    longest = max(len(row) for row in rows)
    ids = torch.stack([torch.cat([row, torch.zeros(longest - len(row) + 1).long()])[:longest] for row in rows])
    assert ids.dtype == torch.int64, "the ids became float"
    return ids, ids != 0


@wrong("pad_batch", says="True everywhere")
def ones_like(sentences):
    ids = rectangle(sentences)
    return ids, torch.ones_like(ids).bool()


@wrong("pad_batch", says="is None")
def forgot_return(sentences):
    ids = rectangle(sentences)
    mask = ids != 0  # noqa: F841


slips(
    "pad_batch",
    squeezed=("axis of size 1", edit("return ids, mask", "return ids.squeeze(), mask.squeeze()")),
    row_for_one=(
        "a single sentence",
        edit("return ids, mask", "return (ids, mask) if len(ids) > 1 else (ids[0], mask[0])"),
    ),
    mask_for_one=("a single sentence", edit("return ids, mask", "return ids, mask if len(ids) > 1 else mask.long()")),
    bytes_for_ids=("do not fit", edit("return ids, mask", "return ids.to(torch.uint8).long(), mask")),
    shorts_for_ids=("do not fit", edit("return ids, mask", "return ids.to(torch.int16).long(), mask")),
    room_of_256=("raised", edit("longest = max", "longest = min(256, 10**6) if len(sentences) > 9 else max")),
    empty_rows_dropped=("shape", edit("return ids, mask", "return ids[mask.any(1)], mask[mask.any(1)]")),
    float_when_all_are_empty=("both empty", edit("torch.long", "torch.long if longest else torch.float")),
    none_when_all_are_empty=(
        "both empty",
        edit("return ids, mask", "return (ids, mask) if longest else (ids[:0], mask[:0])"),
    ),
    room_for_one_at_least=("both empty", edit("for sentence in sentences)", "for sentence in [*sentences, [0]])")),
    results_in_the_other_order=("the order is", edit("return ids, mask", "return mask, ids")),
    float_in_between=("64 sentences", edit("return ids, mask", "return ids.float().long(), mask")),
    ids_of_32_bits=("64 sentences", edit("return ids, mask", "return ids.int().long(), mask")),
    special_below_4=("mask", edit("return ids, mask", "return ids, ids > 3")),
    no_more_than_512=(None, edit("return ids, mask", "return ids[:, :512], mask[:, :512]")),
)


# ------------------------------------------------------------------------------------------------------ shift_right


@wrong("shift_right", says="start with <SOS>")
def nothing_in_front(sentences):
    targets, mask = pad_batch([[*s, 2] for s in sentences])
    return pad_batch(sentences)[0], targets, mask


@wrong("shift_right", says="end with <EOS>")
def never_ends(sentences):
    inputs, mask = pad_batch([[1, *s] for s in sentences])
    return inputs, torch.cat([inputs[:, 1:], torch.zeros(len(inputs), 1).long()], 1), mask


@wrong("shift_right", says="after the padding")
def end_of_the_row(sentences):
    ids, mask = pad_batch(sentences)
    one = torch.ones(len(ids), 1, dtype=torch.long)
    return torch.cat([one, ids], 1), torch.cat([ids, 2 * one], 1), torch.cat([one.bool(), mask], 1)


@wrong("shift_right", says="never reads it")
def eos_on_both(sentences):
    inputs, mask = pad_batch([[1, *s, 2] for s in sentences])
    return inputs, pad_batch([[*s, 2] for s in sentences])[0], mask


@wrong("shift_right", says="is an input only")
def sos_on_both(sentences):
    inputs, mask = pad_batch([[1, *s] for s in sentences])
    return inputs, pad_batch([[1, *s, 2] for s in sentences])[0], mask


@wrong("shift_right", says="nothing is shifted")
def not_shifted(sentences):
    ids, mask = pad_batch([[1, *s, 2] for s in sentences])
    return ids, ids.clone(), mask


@wrong("shift_right", says="leaves out <EOS>")
def mask_without_eos(sentences):
    inputs, _ = pad_batch([[1, *s] for s in sentences])
    targets, _ = pad_batch([[*s, 2] for s in sentences])
    return inputs, targets, (targets != 0) & (targets != 2)


@wrong("shift_right", says="other order")
def answers_first(sentences):
    inputs, mask = pad_batch([[1, *s] for s in sentences])
    return pad_batch([[*s, 2] for s in sentences])[0], inputs, mask


@wrong("shift_right", says="exchanged")
def two_then_one(sentences):
    inputs, mask = pad_batch([[2, *s] for s in sentences])
    return inputs, pad_batch([[*s, 1] for s in sentences])[0], mask


@wrong("shift_right", says="stop one token early")
def cut_too_much(sentences):
    inputs, _ = pad_batch([[1, *s[:-1]] for s in sentences])
    targets, mask = pad_batch([[*s, 2] for s in sentences])
    return inputs, targets, mask


@wrong("shift_right", says="return the mask as well")
def pair_only(sentences):
    return pad_batch([[1, *s] for s in sentences])[0], pad_batch([[*s, 2] for s in sentences])[0]


@wrong("shift_right", says="end with <EOS>")
def slices_the_rectangle(sentences):
    ids, mask = pad_batch([[1, *s, 2] for s in sentences])
    targets = ids[:, 1:]
    return ids[:, :-1], targets * (targets != 2), mask[:, 1:]


@wrong("shift_right", says="own last token")
def cut_after_padding(sentences):
    ids, mask = pad_batch([[1, *s, 2] for s in sentences])
    return ids[:, :-1], ids[:, 1:], mask[:, 1:]


@wrong("shift_right", says="changes what it was given")
def appends(sentences):
    inputs, mask = pad_batch([[1, *s] for s in sentences])
    for s in sentences:
        s.append(2)
    return inputs, pad_batch(sentences)[0], mask


slips(
    "shift_right",
    squeezed=(
        "axis of size 1",
        edit("return inputs, targets, mask", "return inputs.squeeze(), targets.squeeze(), mask.squeeze()"),
    ),
    no_row_for_an_empty_one=(
        "shape",
        edit("    inputs", "    sentences = [s for s in sentences if s] or [[]]\n    inputs"),
    ),
    a_word_at_least=(
        "a single sentence, which is empty",
        edit("    inputs", "    sentences = sentences if any(sentences) else [[3] for _ in sentences]\n    inputs"),
    ),
    bytes_for_ids=(
        "64 sentences",
        edit("return inputs, targets, mask", "return inputs, targets.to(torch.uint8).long(), mask"),
    ),
    all_real=("True everywhere", edit("return inputs, targets, mask", "return inputs, targets, torch.ones_like(mask)")),
    float_in_between=(
        "64 sentences",
        edit("return inputs, targets, mask", "return inputs.float().long(), targets.float().long(), mask"),
    ),
    special_below_4=(
        None,
        edit("return inputs, targets, mask", "return inputs, targets, (targets > 3) | (targets == EOS)"),
    ),
)


# --------------------------------------------------------------------------------------------------- masked_softmax


@wrong("masked_softmax", says="is not used")
def forgot_the_mask(scores, mask):
    return torch.softmax(scores, dim=-1)


@wrong("masked_softmax", says="wrong way round")
def masks_the_real(scores, mask):
    return torch.softmax(scores.masked_fill(mask, float("-inf")), dim=-1)


@wrong("masked_softmax", says="no longer sum to 1")
def mask_at_the_end(scores, mask):
    return torch.softmax(scores, dim=-1) * mask.float()


@wrong("masked_softmax", says="a score like any other")
def zeroed_scores(scores, mask):
    return torch.softmax(scores * mask, -1)


@wrong("masked_softmax", says="becomes NaN")
def infinite_only(scores, mask):
    return torch.where(mask, scores, torch.tensor(-torch.inf)).softmax(-1)


@wrong("masked_softmax", says="weights on padding")
def billion(scores, mask):
    return (scores + (~mask) * -1e9).softmax(-1)


@wrong("masked_softmax", says="not far below")
def hundred(scores, mask):
    return scores.masked_fill(~mask, -100).softmax(-1).masked_fill(~mask, 0)


@wrong("masked_softmax", says="wrong axis")
def first_axis(scores, mask):
    return torch.softmax(scores.masked_fill(~mask, -1e30), dim=0) * mask


@wrong("masked_softmax", says="logarithms")
def log_weights(scores, mask):
    return torch.log_softmax(scores.masked_fill(~mask, -math.inf), dim=-1)


@wrong("masked_softmax", says="overflows")
def own_exp(scores, mask):
    powers = torch.exp(scores).masked_fill(~mask, 0)
    return powers / powers.sum(-1, keepdim=True)


@wrong("masked_softmax", says="sigmoid")
def sigmoid(scores, mask):
    return torch.sigmoid(scores).masked_fill(~mask, 0)


@wrong("masked_softmax", says="too late")
def renormalised(scores, mask):
    weights = torch.softmax(scores, -1).masked_fill(~mask, 0)
    return weights / weights.sum(-1, keepdim=True).clamp(min=1e-9)


@wrong("masked_softmax", says="changes what it was given")
def in_place(scores, mask):
    scores[~mask.expand_as(scores)] = -torch.inf
    return scores.softmax(-1).masked_fill(~mask, 0)


@wrong("masked_softmax", says="raised")
def index_by_mask(scores, mask):
    scores = scores.clone()
    scores[~mask] = -math.inf
    return scores.softmax(-1).masked_fill(~mask, 0)


@wrong("masked_softmax", says="no gradient")
def detached(scores, mask):
    return scores.detach().masked_fill(~mask, -math.inf).softmax(-1).masked_fill(~mask, 0.0)


@wrong("masked_softmax", says="is None")
def no_return(scores, mask):
    scores.masked_fill(~mask, -math.inf).softmax(-1)


@wrong("masked_softmax", says="not in its gradient")
def the_power_of_padding_overflows(scores, mask):
    largest = torch.where(mask, scores, -torch.inf).amax(-1, keepdim=True)
    powers = torch.where(mask, torch.exp(scores - torch.where(largest.isinf(), 0, largest)), 0)
    return powers / powers.sum(-1, keepdim=True).clamp(min=1e-30)


slips(
    "masked_softmax",
    cut_off=("around 50,000", edit("scores.masked_fill", "scores.clamp(max=1e4).masked_fill")),
    squeezed=("axis of size 1", edit("weights.masked_fill(~mask, 0.0)", "weights.masked_fill(~mask, 0.0).squeeze()")),
    last_axis_squeezed=(
        "single key",
        edit("weights.masked_fill(~mask, 0.0)", "weights.masked_fill(~mask, 0.0).squeeze(-1)"),
    ),
    fill_of_ten_thousand=("not far below", edit("-math.inf", "-10000.0")),
    mask_expanded_by_hand=(
        "raised",
        edit("    weights", "    mask = mask.view(scores.shape[0], -1, scores.shape[-1])\n    weights"),
    ),
    one_row_of_mask=(
        "raised",
        edit("    weights", "    mask = mask[:, None] if scores.ndim == 4 else mask\n    weights"),
    ),
    ones_when_nothing=(
        "weights on padding",
        edit("-math.inf", "torch.finfo(scores.dtype).min", "weights.masked_fill(~mask, 0.0)", "weights"),
    ),
    table_of_256=(
        "raised",
        edit("    weights", "    mask = mask & (torch.arange(256)[: mask.shape[-1]] >= 0)\n    weights"),
    ),
    subtracts_nothing=(
        "overflows",
        edit(
            "scores.masked_fill(~mask, -math.inf).softmax(dim=-1)",
            "scores.exp() * mask",
            "weights.masked_fill(~mask, 0.0)",
            "weights / weights.sum(-1, keepdim=True).clamp(min=1e-9)",
        ),
    ),
    nan_made_zero=(
        "gradient",
        edit(
            *("scores.masked_fill(~mask, -math.inf)", "(scores + mask.to(scores.dtype).log())"),
            *("weights.masked_fill(~mask, 0.0)", "weights.nan_to_num(0.0)"),
        ),
    ),
)


# -------------------------------------------------------------------------------------------------- additive_scores


@wrong("additive_scores", says="tanh is missing")
def linear(query, keys, w_query, v):
    return torch.matmul(keys + (query @ w_query)[..., None, :], v)


@wrong("additive_scores", says="tanh is taken of the score")
def tanh_last(query, keys, w_query, v):
    return torch.tanh(torch.matmul(keys + (query @ w_query)[..., None, :], v))


@wrong("additive_scores", says="tanh is taken of each part")
def two_tanhs(query, keys, w_query, v):
    return (torch.tanh(query @ w_query)[..., None, :] + torch.tanh(keys)) @ v


@wrong("additive_scores", says="sigmoid")
def squashes_to_one(query, keys, w_query, v):
    return ((query @ w_query)[..., None, :] + keys).sigmoid() @ v


@wrong("additive_scores", says="query is not used")
def keys_only(query, keys, w_query, v):
    return torch.tanh(keys) @ v


@wrong("additive_scores", says="its name")
def elementwise_product(query, keys, w_query, v):
    return torch.tanh(keys * (query @ w_query)[..., None, :]) @ v


@wrong("additive_scores", says="dot product")
def luong(query, keys, w_query, v):
    return torch.einsum("...a,...ka->...k", query @ w_query, keys)


@wrong("additive_scores", says="not summed")
def elementwise_v(query, keys, w_query, v):
    return v * torch.tanh((query @ w_query)[..., None, :] + keys)


@wrong("additive_scores", says="v is not used")
def forgot_v(query, keys, w_query, v):
    return torch.tanh((query @ w_query)[..., None, :] + keys).sum(dim=-1)


@wrong("additive_scores", says="softmax comes next")
def weights_already(query, keys, w_query, v):
    return (torch.tanh((query @ w_query)[..., None, :] + keys) @ v).softmax(dim=-1)


@wrong("additive_scores", says="not scaled")
def divided(query, keys, w_query, v):
    return torch.tanh((query @ w_query)[..., None, :] + keys) @ v / len(v) ** 0.5


@wrong("additive_scores", says="swapped axes would still fit")
def linear_layer_habit(query, keys, w_query, v):
    weight = w_query if w_query.shape[0] != w_query.shape[1] else w_query.T
    return torch.tanh((query @ weight)[..., None, :] + keys) @ v


@wrong("additive_scores", says="swapped axes would still fit")
def lucky_broadcast(query, keys, w_query, v):
    asked = query @ w_query
    if asked.dim() != keys.dim() - 1 or asked.shape[0] != keys.shape[-2]:
        asked = asked.unsqueeze(-2)
    return torch.tanh(asked + keys) @ v


@wrong("additive_scores", says="axis of size 1")
def column(query, keys, w_query, v):
    return torch.tanh((query @ w_query)[..., None, :] + keys) @ v[:, None]


@wrong("additive_scores", says="not always the second")
def batches_only(query, keys, w_query, v):
    return torch.tanh((query @ w_query)[:, None] + keys) @ v


@wrong("additive_scores", says="two leading dimensions")
def one_batch_axis_at_most(query, keys, w_query, v):
    asked = query @ w_query
    return torch.tanh((asked if query.dim() == 1 else asked[:, None]) + keys) @ v


@wrong("additive_scores", says="gradient")
def keys_from_data(query, keys, w_query, v):
    return torch.tanh((query @ w_query)[..., None, :] + keys.detach()) @ v


@wrong("additive_scores", says="subtracted")
def difference(query, keys, w_query, v):
    return torch.tanh(keys - (query @ w_query)[..., None, :]) @ v


slips(
    "additive_scores",
    squeezed=("axis of size 1", edit(" @ v", " @ v).squeeze()", "return ", "return (")),
    last_axis_squeezed=("a single key", edit(" @ v", " @ v).squeeze(-1)", "return ", "return (")),
    tanh_by_hand=("inf / inf", edit("torch.tanh(asked + keys)", "((asked + keys).sinh() / (asked + keys).cosh())")),
    clamped=("expected", edit("asked + keys", "(asked + keys).clamp(-1, 1)")),
    query_detached=("gradient", edit("(query @", "(query.detach() @")),
    v_detached=("gradient", edit(" @ v", " @ v.detach()")),
    averaged=("the mean over", edit(" @ v", " @ v / len(v)")),
)


# -------------------------------------------------------------------------------------------------- BahdanauDecoder


class Given(nn.Module):
    """The given part of the exercise, and the right `start`."""

    def __init__(self, vocab, d_embedding, d_hidden, d_attention):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_embedding)
        self.w_query = nn.Parameter(torch.randn(d_hidden, d_attention))
        self.w_key = nn.Parameter(torch.randn(d_hidden, d_attention))
        self.v = nn.Parameter(torch.randn(d_attention))
        self.cell = nn.LSTMCell(d_embedding + d_hidden, d_hidden)
        self.mix = nn.Linear(2 * d_hidden, d_embedding)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def start(self, memory, mask, hidden, cell):
        return hidden, cell, memory, memory @ self.w_key, mask

    def logits(self, hidden, context):
        features = torch.tanh(self.mix(torch.cat([hidden, context], dim=-1)))
        return features @ self.embedding.weight.T + self.bias

    def weigh(self, hidden, keys, mask):
        return masked_softmax(additive_scores(hidden, keys, self.w_query, self.v), mask)

    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        weights = self.weigh(hidden, keys, mask)
        context = torch.einsum("bk,bkh->bh", weights, memory)
        hidden, cell = self.cell(torch.cat([self.embedding(ids), context], dim=1), (hidden, cell))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


@wrong("BahdanauDecoder", says="times `w_key`, not the memory")
class KeysAreMemory(Given):
    def start(self, memory, mask, hidden, cell):
        return hidden, cell, memory, memory, mask


@wrong("BahdanauDecoder", says="takes `w_query`")
class WrongMatrix(Given):
    def start(self, memory, mask, hidden, cell):
        return hidden, cell, memory, torch.matmul(memory, self.w_query), mask


@wrong("BahdanauDecoder", says="where the encoder ended")
class StartsAtZero(Given):
    def start(self, memory, mask, hidden, cell):
        nothing = hidden.new_zeros(hidden.shape)
        return nothing, nothing, memory, memory @ self.w_key, mask


@wrong("BahdanauDecoder", says="4 parts")
class ShortState(Given):
    def start(self, memory, mask, hidden, cell):
        return hidden, cell, memory, mask


@wrong("BahdanauDecoder", says="hidden comes first")
class CellComesFirst(Given):
    def start(self, memory, mask, hidden, cell):
        return cell, hidden, memory, memory @ self.w_key, mask


@wrong("BahdanauDecoder", says="padding gets weight")
class NoMask(Given):
    def weigh(self, hidden, keys, mask):
        return additive_scores(hidden, keys, self.w_query, self.v).softmax(-1)


@wrong("BahdanauDecoder", says="True for real tokens")
class OldHabit(Given):
    def weigh(self, hidden, keys, mask):
        return masked_softmax(additive_scores(hidden, keys, self.w_query, self.v), ~mask)


@wrong("BahdanauDecoder", says="masked_softmax makes them sum to 1")
class ForgotSoftmax(Given):
    def weigh(self, hidden, keys, mask):
        return additive_scores(hidden, keys, self.w_query, self.v)


@wrong("BahdanauDecoder", says="plain mean")
class MeanContext(Given):
    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        weights = self.weigh(hidden, keys, mask)
        context = memory.mean(dim=1)
        hidden, cell = self.cell(torch.cat([self.embedding(ids), context], dim=1), (hidden, cell))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


@wrong("BahdanauDecoder", says="best position only")
class HardAttention(Given):
    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        weights = self.weigh(hidden, keys, mask)
        context = memory[range(len(ids)), weights.argmax(dim=1)]
        hidden, cell = self.cell(torch.cat([self.embedding(ids), context], dim=1), (hidden, cell))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


@wrong("BahdanauDecoder", says="embedding first")
class OtherWayRound(Given):
    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        weights = self.weigh(hidden, keys, mask)
        context = torch.einsum("bk,bkh->bh", weights, memory)
        hidden, cell = self.cell(torch.cat([context, self.embedding(ids)], dim=1), (hidden, cell))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


@wrong("BahdanauDecoder", says="pass (hidden, cell)")
class CellWithoutState(Given):
    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        weights = self.weigh(hidden, keys, mask)
        context = torch.einsum("bk,bkh->bh", weights, memory)
        hidden, cell = self.cell(torch.cat([self.embedding(ids), context], dim=1))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


@wrong("BahdanauDecoder", says="state before asks")
class LuongOrder(Given):
    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        before = torch.einsum("bk,bkh->bh", self.weigh(hidden, keys, mask), memory)
        hidden, cell = self.cell(torch.cat([self.embedding(ids), before], dim=1), (hidden, cell))
        weights = self.weigh(hidden, keys, mask)
        context = torch.einsum("bk,bkh->bh", weights, memory)
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


@wrong("BahdanauDecoder", says="goes on from there")
class SameStateAgain(Given):
    def step(self, ids, state):
        logits, _, weights = super().step(ids, state)
        return logits, state, weights


@wrong("BahdanauDecoder", says="three things")
class TwoResults(Given):
    def step(self, ids, state):
        return super().step(ids, state)[:2]


@wrong("BahdanauDecoder", says="logits as they are")
class AlreadySoftmaxed(Given):
    def step(self, ids, state):
        logits, state, weights = super().step(ids, state)
        return logits.softmax(dim=-1), state, weights


@wrong("BahdanauDecoder", says="detach")
class FrozenLook(Given):
    def weigh(self, hidden, keys, mask):
        return super().weigh(hidden, keys, mask).detach()


@wrong("BahdanauDecoder", says="detach")
class FrozenContext(Given):
    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        weights = self.weigh(hidden, keys, mask)
        context = torch.einsum("bk,bkh->bh", weights.detach(), memory)
        hidden, cell = self.cell(torch.cat([self.embedding(ids), context], dim=1), (hidden, cell))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


@wrong("BahdanauDecoder", says="batch of one")
class SqueezesTheBatchToo(Given):
    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        weights = self.weigh(hidden, keys, mask)
        context = (weights.unsqueeze(1) @ memory).squeeze()
        hidden, cell = self.cell(torch.cat([self.embedding(ids), context], dim=-1), (hidden, cell))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


@wrong("BahdanauDecoder", says="2 parts")
class ForgetsTheMemory(Given):
    def step(self, ids, state):
        logits, state, weights = super().step(ids, state)
        return logits, state[:2], weights


@wrong("BahdanauDecoder", says="new hidden")
class SpeaksTooEarly(Given):
    def step(self, ids, state):
        _, after, weights = super().step(ids, state)
        return self.logits(state[0], torch.einsum("bk,bkh->bh", weights, state[2])), after, weights


# ------------------------------------------------------------------------------------------------- greedy_translate


def writes(step, state, limit, first=1, feed=None):
    """Until every row has its <EOS>, or up to the limit, whatever is said after an <EOS>."""
    ids, written = torch.full((len(state[0]),), first), []
    while len(written) < limit and not (written and (torch.stack(written) == 2).any(0).all()):
        logits, state, _ = step(ids if feed is None else torch.full_like(ids, feed), state)
        ids = logits.argmax(dim=-1)
        written.append(ids)
    return torch.stack(written, dim=1)


def tidy(result, after=0):
    """<PAD> after <EOS>."""
    ends = result == 2
    return result.masked_fill(ends.cumsum(1) - ends.long() > 0, after)


@wrong("greedy_translate", says="goes on too long")
def up_to_the_limit(step, state, limit):
    ids, written = torch.ones(len(state[0]), dtype=torch.long), []
    for _ in range(limit):
        logits, state, _ = step(ids, state)
        ids = logits.argmax(dim=-1)
        written.append(ids)
    return torch.stack(written, dim=1)


@wrong("greedy_translate", says="another word than <SOS>")
def starts_with_eos(step, state, limit):
    return tidy(writes(step, state, limit, first=2))


@wrong("greedy_translate", says="another word than <SOS>")
def starts_with_zero(step, state, limit):
    return tidy(writes(step, state, limit, first=0))


@wrong("greedy_translate", says="hears <SOS>")
def same_word_again(step, state, limit):
    return tidy(writes(step, state, limit, feed=1))


@wrong("greedy_translate", says="one token too many")
def limit_plus_one(step, state, limit):
    return tidy(writes(step, state, limit + 1))


@wrong("greedy_translate", says="one token is missing")
def limit_minus_one(step, state, limit):
    return tidy(writes(step, state, limit - 1))


@wrong("greedy_translate", says="as soon as one sentence is done")
def first_one_ends_all(step, state, limit):
    ids, written = torch.ones(len(state[0]), dtype=torch.long), []
    while len(written) < limit and not (ids == 2).any():
        logits, state, _ = step(ids, state)
        ids = logits.argmax(dim=-1)
        written.append(ids)
    return torch.stack(written, dim=1)


@wrong("greedy_translate", says="goes on after its <EOS>")
def talks_on(step, state, limit):
    return writes(step, state, limit)


@wrong("greedy_translate", says="again and again")
def repeats_eos(step, state, limit):
    return tidy(writes(step, state, limit), after=2)


@wrong("greedy_translate", says="begins with <SOS>")
def keeps_sos(step, state, limit):
    result = tidy(writes(step, state, limit))
    return torch.cat([torch.ones(len(result), 1, dtype=torch.long), result], dim=1)


@wrong("greedy_translate", says="not carried on")
def old_state(step, state, limit):
    return tidy(writes(lambda ids, _: (step(ids, state)[0], state, None), state, limit))


@wrong("greedy_translate", says="the last <EOS> is missing")
def drops_eos(step, state, limit):
    result = tidy(writes(step, state, limit))
    return result[:, :-1] if (result == 2).any(1).all() else result


@wrong("greedy_translate", says="axes are swapped")
def stacked_as_rows(step, state, limit):
    return tidy(writes(step, state, limit)).T


@wrong("greedy_translate", says="argmax over the last axis")
def over_the_wrong_axis(step, state, limit):
    ids, written = torch.ones(len(state[0]), dtype=torch.long), []
    for _ in range(limit):
        logits, state, _ = step(ids, state)
        ids = logits.argmax(dim=0)
        written.append(ids)
    return torch.stack(written, dim=1)


@wrong("greedy_translate", says="lists come back")
def plain_list(step, state, limit):
    return list(tidy(writes(step, state, limit)).T)


@wrong("greedy_translate", says="thrown away")
def cut_afterwards(step, state, limit):
    ids, written = torch.ones(len(state[0]), dtype=torch.long), []
    for _ in range(limit):
        logits, state, _ = step(ids, state)
        ids = logits.argmax(dim=-1)
        written.append(ids)
    result = tidy(torch.stack(written, dim=1))
    ends = (result == 2).int().argmax(1) + 1
    return result[:, : ends.max()] if (result == 2).any(1).all() else result


@wrong("greedy_translate", says="stop at <EOS>, or after")
def without_an_end(step, state, limit):
    ids = torch.ones(len(state[0]), dtype=torch.long)
    while True:
        logits, state, _ = step(ids, state)
        ids = logits.argmax(dim=-1)


slips(
    "greedy_translate",
    padding_cut_off_at_the_end=(
        None,
        edit(
            "return torch.stack(written, dim=1)",
            "both = torch.stack(written, dim=1)\n    return both[:, : int((both != PAD).any(0).nonzero().max()) + 1]",
        ),
    ),
    squeezed=(
        "axis of size 1",
        edit("return torch.stack(written, dim=1)", "return torch.stack(written, dim=1).squeeze()"),
    ),
    pad_for_an_end=("<PAD> ends a row", edit("(ids == EOS)\n", "(ids == EOS) | (ids == PAD)\n")),
    every_special_ends=("<EOS>", edit("done | (ids == EOS)", "done | (ids < 4)")),
    never_pad=("whichever it is", edit("logits.argmax", "logits.index_fill(1, torch.tensor([0]), -torch.inf).argmax")),
    no_word_twice=("expected", edit("logits.argmax", "logits.scatter(1, ids[:, None], -torch.inf).argmax")),
    drawn=("at random", edit("logits.argmax(dim=-1)", "torch.multinomial(logits.softmax(-1), 1)[:, 0]")),
    fifty_at_most=("expected", edit("< limit", "< min(limit, 50)")),
    one_for_the_end=("expected", edit("< limit", "< limit + (len(written) == limit and not done.any())")),
    logits_back=("logits come back", edit("append(ids)", "append(logits)")),
    one_more_when_done=("thrown away", edit("return torch", "step(ids, state)\n    return torch")),
    no_more_than_100=(None, edit("< limit", "< min(limit, 100)")),
    likeliest_power=(None, edit("logits.argmax", "logits.exp().argmax")),
    half_precision=(None, edit("logits.argmax", "logits.half().argmax")),
)

slips(
    "BahdanauDecoder",
    key_axis_squeezed=("a single token", edit("self.v), mask)", "self.v), mask).squeeze(-1)")),
    source_of_256=(
        "300 keys",
        edit("keys, mask = state", "keys, mask = (part[:, :256] if part.ndim > 1 else part for part in state)"),
    ),
)
