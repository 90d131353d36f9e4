"""Right answers to notebook 03, in other styles than the course's."""

import itertools
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from lib import seq2seq
from lib.batching import pad_batch
from tests.graders.cases import right
from tests.graders.seq2seq_and_bahdanau_attention_wrong import Given


@right("pad_batch")
def with_pad_sequence(sentences):
    rows = [torch.tensor(sentence, dtype=torch.long) for sentence in sentences]
    ids = pad_sequence(rows, batch_first=True)
    return ids, torch.arange(ids.shape[1]) < torch.tensor([[len(row)] for row in rows])


@right("pad_batch")
def with_lists(sentences):
    longest = max(map(len, sentences))
    ids = [list(sentence) + [0] * (longest - len(sentence)) for sentence in sentences]
    mask = [[True] * len(sentence) + [False] * (longest - len(sentence)) for sentence in sentences]
    return torch.tensor(ids, dtype=torch.long), torch.tensor(mask, dtype=torch.bool)


@right("pad_batch")
def mask_from_ids(sentences):
    ids = torch.zeros(len(sentences), max(len(s) for s in sentences), dtype=torch.int64)
    for i, sentence in enumerate(sentences):
        for j, token in enumerate(sentence):
            ids[i, j] = token
    return ids, ids != 0


@right("pad_batch")
def with_numpy(sentences):
    longest = max(len(s) for s in sentences)
    ids = np.array([np.pad(np.array(s, dtype=np.int64), (0, longest - len(s))) for s in sentences])
    return torch.from_numpy(ids), torch.from_numpy(ids > 0)


@right("pad_batch")
def with_stack(sentences):
    longest = max(len(sentence) for sentence in sentences)
    rows = [torch.tensor([*sentence, *[0] * (longest - len(sentence))]).long() for sentence in sentences]
    lengths = torch.tensor([len(sentence) for sentence in sentences])
    return torch.stack(rows), lengths[:, None] > torch.arange(longest)


@right("pad_batch")
def with_zip_longest(sentences):
    columns = [torch.tensor(column) for column in itertools.zip_longest(*sentences, fillvalue=0)]
    ids = torch.stack(columns, dim=1) if columns else torch.empty(len(sentences), 0, dtype=torch.long)
    return [ids, ids.bool()]


@right("shift_right")
def all_by_lists(sentences):
    length = max(map(len, sentences)) + 1
    fill = [[0] * (length - 1 - len(sentence)) for sentence in sentences]
    inputs = torch.tensor([[1, *sentence, *rest] for sentence, rest in zip(sentences, fill, strict=True)])
    targets = torch.tensor([[*sentence, 2, *rest] for sentence, rest in zip(sentences, fill, strict=True)])
    return inputs, targets, targets > 0


@right("shift_right")
def rolled_from_one_rectangle(sentences):
    whole, real = pad_batch([[1, *sentence, 2] for sentence in sentences])
    inputs = whole[:, :-1].masked_fill(whole[:, :-1] == 2, 0)
    return inputs, whole[:, 1:], real[:, 1:]


@right("shift_right")
def two_pads(sentences):
    inputs = pad_batch([[1, *sentence] for sentence in sentences])[0]
    targets, mask = pad_batch([[*sentence, 2] for sentence in sentences])
    return inputs, targets, mask


@right("shift_right")
def cut_from_one_row(sentences):
    whole = [[1, *sentence, 2] for sentence in sentences]
    inputs, mask = pad_batch([row[:-1] for row in whole])
    return inputs, pad_batch([row[1:] for row in whole])[0], mask


@right("shift_right")
def on_tensors(sentences):
    ids, mask = pad_batch(sentences)
    rows = len(ids)
    inputs = torch.cat([torch.ones(rows, 1, dtype=torch.long), ids], dim=1)
    targets = torch.cat([ids, torch.zeros(rows, 1, dtype=torch.long)], dim=1)
    targets[torch.arange(rows), mask.sum(1)] = 2
    return inputs, targets, targets != 0


@right("shift_right")
def targets_from_inputs(sentences):
    inputs, mask = pad_batch([[1, *sentence] for sentence in sentences])
    targets = torch.roll(inputs, -1, dims=1)
    for row, sentence in enumerate(sentences):
        targets[row, len(sentence)] = 2
        targets[row, len(sentence) + 1 :] = 0
    return inputs, targets, mask


@right("masked_softmax")
def by_where(scores, mask):
    powers = torch.where(mask, scores, -torch.inf)
    largest = powers.amax(-1, keepdim=True)
    powers = torch.exp(powers - torch.where(largest.isinf(), 0, largest))
    return powers / powers.sum(-1, keepdim=True).clamp(min=1e-30)


@right("masked_softmax")
def smallest_number(scores, mask):
    return torch.softmax(scores.masked_fill(mask == False, torch.finfo(scores.dtype).min), dim=-1) * mask  # noqa: E712


@right("masked_softmax")
def nan_to_zero(scores, mask):
    return torch.nan_to_num(scores.masked_fill(mask.logical_not(), float("-inf")).softmax(-1), 0.0)


@right("masked_softmax")
def in_float64(scores, mask):
    weights = scores.double().masked_fill(~mask, -1e9).softmax(-1)
    return torch.where(mask, weights, 0.0).to(scores.dtype)


@right("masked_softmax")
def adds_infinity(scores, mask):
    penalty = torch.zeros(mask.shape).masked_fill(
        ~mask & mask.any(-1, keepdim=True), -torch.inf
    )  # a row of it has no gradient
    return (scores + penalty).softmax(-1).masked_fill(~mask.expand_as(scores), 0.0)


@right("masked_softmax")
def row_by_row(scores, mask):
    mask = mask.expand(scores.shape)
    rows = []
    for row, allowed in zip(scores.reshape(-1, scores.shape[-1]), mask.reshape(-1, scores.shape[-1]), strict=True):
        weights = torch.zeros_like(row)
        weights[allowed] = row[allowed].softmax(0)
        rows.append(weights)
    return torch.stack(rows).view(scores.shape)


@right("additive_scores")
def flattened(query, keys, w_query, v):
    rows = keys.reshape(-1, *keys.shape[-2:])
    asked = torch.mm(query.reshape(-1, query.shape[-1]), w_query).unsqueeze(1)
    return torch.einsum("bka,a->bk", (rows + asked).tanh(), v).view(keys.shape[:-1])


@right("additive_scores")
def with_expand_and_dot(query, keys, w_query, v):
    asked = torch.nn.functional.linear(query, w_query.T)[..., None, :].expand(keys.shape)
    both = torch.stack([asked, keys]).sum(0)
    return torch.nn.functional.linear(torch.tanh(both), v[None]).squeeze(-1)


@right("additive_scores")
def with_einsum(query, keys, w_query, v):
    asked = torch.einsum("...h,ha->...a", query, w_query)
    return torch.einsum("...ka,a->...k", torch.tanh(asked[..., None, :] + keys), v)


@right("additive_scores")
def loop_over_keys(query, keys, w_query, v):
    asked = torch.matmul(query, w_query)
    return torch.stack([torch.tanh(asked + keys[..., i, :]) @ v for i in range(keys.shape[-2])], dim=-1)


@right("additive_scores")
def product_and_sum(query, keys, w_query, v):
    return (v * (keys + (query.unsqueeze(-2) @ w_query)).tanh()).sum(dim=-1)


@right("additive_scores")
def column_vector(query, keys, w_query, v):
    return (torch.tanh(keys + torch.matmul(query, w_query).unsqueeze(-2)) @ v[:, None]).squeeze(-1)


@right("BahdanauDecoder")
class WithEinsum(Given):
    def start(self, memory, mask, hidden, cell):
        return hidden, cell, memory, torch.einsum("bkh,ha->bka", memory, self.w_key), mask

    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        scores = torch.tanh((hidden @ self.w_query)[:, None] + keys) @ self.v
        weights = scores.masked_fill(~mask, -1e9).softmax(-1)
        context = torch.einsum("bk,bkh->bh", weights, memory)
        hidden, cell = self.cell(torch.cat((self.embedding(ids), context), 1), (hidden, cell))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


class Memo(NamedTuple):
    hidden: torch.Tensor
    cell: torch.Tensor
    memory: torch.Tensor
    keys: torch.Tensor
    mask: torch.Tensor


@right("BahdanauDecoder")
class WithNamesInTheState(Given):
    def start(self, memory, mask, hidden, cell):
        return Memo(hidden, cell, memory, memory @ self.w_key, mask)

    def step(self, ids, state):
        scores = seq2seq.additive_scores(state.hidden, state.keys, self.w_query, self.v)
        weights = seq2seq.masked_softmax(scores, state.mask)
        context = (weights[:, None] @ state.memory)[:, 0]
        hidden, cell = self.cell(torch.cat([self.embedding(ids), context], dim=1), state[:2])
        return self.logits(hidden, context), state._replace(hidden=hidden, cell=cell), weights


@right("BahdanauDecoder")
class ProductAndSum(Given):
    def start(self, memory, mask, hidden, cell):
        return hidden, cell, memory, memory.matmul(self.w_key), mask

    def step(self, ids, state):
        scores = seq2seq.additive_scores(state[0], state[3], self.w_query, self.v)
        weights = seq2seq.masked_softmax(scores, state[4])
        context = (weights[:, :, None] * state[2]).sum(dim=1)
        new = self.cell(torch.cat([self.embedding(ids), context], dim=-1), state[:2])
        return self.logits(new[0], context), (*new, *state[2:]), weights


@right("BahdanauDecoder")
class SentenceBySentence(Given):
    def start(self, memory, mask, hidden, cell):
        return hidden, cell, memory, torch.stack([row @ self.w_key for row in memory]), mask

    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        rows, contexts = [], []
        for i in range(len(ids)):
            scores = torch.stack([torch.tanh(hidden[i] @ self.w_query + key) @ self.v for key in keys[i]])
            rows.append(seq2seq.masked_softmax(scores, mask[i]))
            contexts.append(rows[-1] @ memory[i])
        weights, context = torch.stack(rows), torch.stack(contexts)
        hidden, cell = self.cell(torch.cat([self.embedding(ids), context], dim=-1), (hidden, cell))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


@right("BahdanauDecoder")
class WithLinearLayers(Given):
    def start(self, memory, mask, hidden, cell):
        return (hidden, cell, memory, nn.functional.linear(memory, self.w_key.T), mask)

    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        query = nn.functional.linear(hidden, self.w_query.T)
        scores = nn.functional.linear(torch.tanh(query.unsqueeze(1) + keys), self.v[None]).squeeze(2)
        weights = seq2seq.masked_softmax(scores, mask)
        context = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
        hidden, cell = self.cell(torch.hstack([self.embedding(ids), context]), (hidden, cell))
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights


@right("BahdanauDecoder")
class WithLists(Given):
    def start(self, memory, mask, hidden, cell):
        return [hidden, cell, memory, memory @ self.w_key, mask]

    def step(self, ids, state):
        hidden, cell, memory, keys, mask = state
        scores = torch.tanh((hidden @ self.w_query).unsqueeze(-2) + keys) @ self.v
        weights = seq2seq.masked_softmax(scores, mask)
        context = (memory * weights[..., None]).sum(-2)
        state = [*self.cell(torch.cat([self.embedding(ids), context], -1), (hidden, cell)), memory, keys, mask]
        return [self.logits(state[0], context), state, weights]


@right("BahdanauDecoder")
class SoftmaxByHand(Given):
    def start(self, memory, mask, hidden, cell):
        return hidden, cell, memory, torch.einsum("...kh,ha->...ka", memory, self.w_key), mask

    def step(self, ids, state):
        before, cell, memory, keys, mask = state
        scores = seq2seq.additive_scores(before, keys, self.w_query, self.v)
        powers = torch.where(mask, (scores - scores.amax(1, keepdim=True)).exp(), torch.zeros(()))
        weights = powers / powers.sum(1, keepdim=True)
        context = torch.matmul(weights[:, None, :], memory)[:, 0]
        after, cell = self.cell(torch.cat([self.embedding.weight[ids], context], 1), (before, cell))
        return self.logits(after, context), (after, cell, memory, keys, mask), weights


@right("greedy_translate")
def feeds_what_it_likes(step, state, limit):
    rows, ids = [[] for _ in range(len(state[0]))], torch.ones(len(state[0]), dtype=torch.long)
    for _ in range(limit):
        logits, state, _ = step(ids, state)
        ids = logits.argmax(dim=-1)
        for row, token in zip(rows, ids.tolist(), strict=True):
            row.append(0 if 2 in row else token)
        ids = torch.tensor([2 if 2 in row else row[-1] for row in rows])
        if all(2 in row for row in rows):
            break
    return torch.tensor(rows)


@right("greedy_translate")
def into_a_rectangle(step, state, limit):
    batch, length = len(state[0]), 0
    result = torch.zeros(batch, limit, dtype=torch.long)
    told, alive = torch.full((batch,), 1), torch.ones(batch, dtype=torch.bool)
    while alive.any() and length < limit:
        logits, state, *_ = step(told, state)
        told = torch.softmax(logits, dim=-1).argmax(dim=-1)
        result[alive, length] = told[alive]
        alive = alive & (told != 2)
        length += 1
    return result[:, :length]


@right("greedy_translate")
def pads_afterwards(step, state, limit):
    ids = torch.ones(len(state[0]), dtype=torch.long)
    written, done = [], torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(limit):
        logits, state, _ = step(ids, state)
        ids = logits.argmax(-1)
        written.append(ids)
        done |= ids == 2
        if done.all():
            break
    result = torch.stack(written, dim=1)
    ended = (result == 2).cumsum(1) - (result == 2).long() > 0
    return result.masked_fill(ended, 0)


@right("greedy_translate")
def sentence_by_sentence(step, state, limit):
    rows = []
    for i in range(len(state[0])):
        mine, ids, row = tuple(part[i : i + 1] for part in state), torch.tensor([1]), []
        while len(row) < limit and 2 not in row:
            logits, mine, _ = step(ids, mine)
            ids = logits.argmax(dim=1)
            row.append(ids.item())
        rows.append(row)
    return pad_batch(rows)[0]


@right("greedy_translate")
def grows_a_tensor(step, state, limit):
    result = torch.full((state[0].shape[0], 1), 1)
    while result.shape[1] <= limit and not (result == 2).any(dim=1).all():
        logits, state, _ = step(result[:, -1], state)
        ended = (result == 2).any(dim=1)
        chosen = torch.where(ended, torch.tensor(0), logits.max(dim=-1).indices)
        result = torch.cat([result, chosen[:, None]], dim=1)
    return result[:, 1:]


@right("greedy_translate")
def with_topk(step, state, limit):
    ids, done, written = torch.ones(len(state[0])).long(), set(), []
    for _ in range(limit):
        logits, state, _ = step(ids, state)
        ids = logits.topk(1, dim=-1).indices[:, 0]
        ids = torch.tensor([0 if row in done else i for row, i in enumerate(ids.tolist())])
        written.append(ids)
        done.update(row for row, i in enumerate(ids.tolist()) if i == 2)
        if len(done) == len(ids):
            break
    return torch.stack(written).T
