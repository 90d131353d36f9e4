"""A Transformer's decoder, one word at a time: every position is computed once, whatever the search makes of it.

    start_decoding      read the source; project it once for every block's cross-attention            notebook 10
    cached_step         one word more for each beginning                                              notebook 10
    reorder_decoding    go on from chosen beginnings: their keys and values are copied, in one go     notebook 10

They fit the searches of `lib.decoding.search`; `lib.transformer.next_word_step` gives the same numbers the slow way. A
*row* is one beginning of one sentence; the rows of a sentence stand together. They are queries of one and the same
memory, so nothing of the memory is repeated for them. The model is a `lib.transformer.Transformer` or has its parts:
anybody's blocks, with PreNorm or PostNorm.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from lib.attention import split_heads
from lib.transformer import Transformer

SMALL = 400  # torch multiplies matrices of fewer products one by one, without its fast library
HIDDEN = -1e30  # a score that no other one is added to visibly; finite, so that no row becomes NaN


class Memory(NamedTuple):
    """What one block sees of the source: keys, values (sentence, heads, key, d_head)."""

    keys: Tensor
    values: Tensor


class Decoding(NamedTuple):
    """What a decoder remembers between two words."""

    sentences: Tensor  # (row,), the sentence of each row
    written: "Written"
    memory: list[Memory]  # of each block
    bias: Tensor | None  # (sentence, 1, 1, key), HIDDEN on padding; None: there is none


class Written:
    """Keys and values of the words that are written, those of all blocks in one buffer.

    It is (position, block and kind, row, d_model): a new word goes to one place, and following the beams copies whole
    vectors, all in one call.
    """

    def __init__(self, rows: int, n_blocks: int, d_model: int, limit: int, like: Tensor):
        self.buffer = like.new_empty(limit, 2 * n_blocks, rows, d_model)
        self.spare = torch.empty_like(self.buffer)
        self.length = 0

    def put(self, block: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (row, d_model) of the newest position; returns those of all, (position, row, d_model)."""
        self.buffer[self.length, 2 * block] = keys
        self.buffer[self.length, 2 * block + 1] = values
        seen = self.buffer[: self.length + 1]
        return seen[:, 2 * block], seen[:, 2 * block + 1]

    def reorder(self, rows: Tensor) -> None:
        if len(rows) != self.buffer.shape[2]:
            limit, kinds, _, d_model = self.buffer.shape
            self.spare = self.buffer.new_empty(limit, kinds, len(rows), d_model)
        torch.index_select(self.buffer[: self.length], 2, rows, out=self.spare[: self.length])
        self.buffer, self.spare = self.spare, self.buffer
        if self.spare.shape != self.buffer.shape:
            self.spare = torch.empty_like(self.buffer)


def start_decoding(model: Transformer, source: Tensor, source_mask: Tensor, limit: int) -> Decoding:
    """Read the source, (sentence, key) with its mask; make room for `limit` words. One row a sentence."""
    x, blocks = model.encode(source, source_mask), model.decoder.blocks
    memory = []
    for block in blocks:
        layer = block.cross_attention
        keys, values = (split_heads(to(x), layer.n_heads).contiguous() for to in (layer.to_k, layer.to_v))
        # a sentence of nothing but padding mixes zeros: what the masked attention gives too
        memory.append(Memory(keys, values.masked_fill(~source_mask[:, None, :, None], 0.0)))
    bias = None if source_mask.all() else HIDDEN * (~source_mask[:, None, None, :]).to(x.dtype)
    written = Written(len(source), len(blocks), x.shape[-1], limit, like=x)
    return Decoding(torch.arange(len(source), device=source.device), written, memory, bias)


def cached_step(model: Transformer, ids: Tensor, state: Decoding) -> tuple[Tensor, Decoding, None]:
    """One word more for every row. ids: (row,), the word before. Returns logits (row, vocab), the state, None."""
    written = state.written
    x = model.embed(ids[:, None], start=written.length)[:, 0]  # (row, d_model)
    for number, (block, memory) in enumerate(zip(model.decoder.blocks, state.memory, strict=True)):
        x = block.around_self_attention(x, lambda y, b=block, n=number: _look_back(b.self_attention, y, written, n))
        x = block.around_cross_attention(
            x, lambda y, b=block, m=memory: _look_at_source(b.cross_attention, y, m, state.bias)
        )
        x = block.around_feed_forward(x, block.feed_forward)
    written.length += 1
    return model.logits(model.decoder.norm(x)), state, None


def _look_back(layer, x: Tensor, written: Written, block: int) -> Tensor:
    """Self-attention of the newest position, x (row, d_model), over all positions up to it."""
    keys, values = written.put(block, layer.to_k(x), layer.to_v(x))
    heads, d_head = layer.n_heads, x.shape[-1] // layer.n_heads
    q = layer.to_q(x) / math.sqrt(d_head)
    positions, rows = keys.shape[:2]
    keys, values = keys.view(positions, rows * heads, d_head), values.view(positions, rows * heads, d_head)
    if positions * d_head < SMALL:
        weights = (q.view(rows * heads, d_head) * keys).sum(dim=-1).softmax(dim=0)  # (position, row and head)
        mixed = (weights[:, :, None] * values).sum(dim=0)
    else:
        scores = q.view(rows * heads, 1, d_head) @ keys.permute(1, 2, 0)
        mixed = scores.softmax(dim=-1) @ values.transpose(0, 1)
    return layer.to_out(mixed.view(rows, -1))


def _look_at_source(layer, x: Tensor, memory: Memory, bias: Tensor | None) -> Tensor:
    """Cross-attention of x (row, d_model): the rows of a sentence are so many queries of its memory."""
    q = (layer.to_q(x) / math.sqrt(memory.keys.shape[-1])).view(len(memory.keys), -1, x.shape[-1])
    scores = split_heads(q, layer.n_heads) @ memory.keys.transpose(-2, -1)  # (sentence, heads, beam, key)
    weights = (scores if bias is None else scores + bias).softmax(dim=-1)
    return layer.to_out((weights @ memory.values).transpose(1, 2).reshape(x.shape))


def reorder_decoding(state: Decoding, rows: Tensor) -> Decoding:
    """Row i goes on from row `rows[i]`; the memory is touched only where a sentence has left."""
    state.written.reorder(rows)
    chosen, sentences = state.sentences[rows].unique_consecutive(return_inverse=True)
    if len(chosen) == len(state.memory[0].keys):
        return state._replace(sentences=sentences)
    memory = [Memory(keys[chosen], values[chosen]) for keys, values in state.memory]
    return Decoding(sentences, state.written, memory, None if state.bias is None else state.bias[chosen])
