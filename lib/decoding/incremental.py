"""A Transformer's decoder, one word at a time: every position is computed once, whatever the search makes of it.

    start_decoding      read the source; project it once for every block's cross-attention            notebook 10
    cached_step         one word more for each beginning                                              notebook 10
    reorder_decoding    go on from chosen beginnings: their keys and values are copied                notebook 10

They fit the searches of `lib.decoding.search`; `lib.transformer.next_word_step` gives the same numbers the slow way. A
*row* is one beginning of one sentence; the rows of a sentence stand together. They are queries of one and the same
memory, so nothing of the memory is repeated for them. The model is a `lib.transformer.Transformer` or has its parts:
anybody's blocks, with PreNorm or PostNorm.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from lib.attention import MultiHeadAttention, join_heads, split_heads
from lib.cache import KeyValueCache, cached_attention
from lib.transformer import Transformer


class Decoding(NamedTuple):
    """What a decoder remembers between two words: a cache a block of what is written, and one of what was read."""

    sentences: Tensor  # (row,), the sentence of each row
    written: list[KeyValueCache]  # of rows
    memory: list[KeyValueCache]  # of sentences
    mask: Tensor | None  # (sentence, 1, 1, key), True on real tokens; None: there is no padding


def start_decoding(model: Transformer, source: Tensor, source_mask: Tensor, limit: int) -> Decoding:
    """Read the source, (sentence, key) with its mask; make room for `limit` words. One row a sentence.

    The searches keep their books on the CPU. Where the model is elsewhere, what it reads goes there step by step, and
    its logits come back.
    """
    device = next(model.parameters()).device
    source, source_mask = source.to(device), source_mask.to(device)
    x, written, memory = model.encode(source, source_mask), [], []
    for block in model.decoder.blocks:
        layer = block.cross_attention
        keys, values = (split_heads(to(x), layer.n_heads) for to in (layer.to_k, layer.to_v))
        sentences, n_heads, length, d_head = keys.shape
        memory.append(KeyValueCache(sentences, n_heads, length, d_head, like=x))
        memory[-1].extend(keys, values)
        written.append(KeyValueCache(sentences, n_heads, limit, d_head, like=x))
    mask = None if source_mask.all() else source_mask[:, None, None, :]
    return Decoding(torch.arange(len(source)), written, memory, mask)


def cached_step(model: Transformer, ids: Tensor, state: Decoding) -> tuple[Tensor, Decoding, None]:
    """One word more for every row. ids: (row,), the word before. Returns logits (row, vocab), the state, None."""
    device = state.written[0].keys.device
    x = model.embed(ids[:, None].to(device), start=state.written[0].length)  # (row, 1, d_model)
    for block, written, memory in zip(model.decoder.blocks, state.written, state.memory, strict=True):
        x = block.around_self_attention(x, lambda y, b=block, w=written: cached_attention(b.self_attention, y, w))
        x = block.around_cross_attention(
            x, lambda y, b=block, m=memory: _look_at_source(b.cross_attention, y, m, state.mask)
        )
        x = block.around_feed_forward(x, block.feed_forward)
    return model.logits(model.decoder.norm(x))[:, 0].to(ids.device), state, None


def _look_at_source(layer: MultiHeadAttention, x: Tensor, memory: KeyValueCache, mask: Tensor | None) -> Tensor:
    """Cross-attention of x (row, 1, d_model): the rows of a sentence are so many queries of its memory."""
    q = layer.to_q(x)
    q = split_heads(q.view(len(memory.keys), -1, q.shape[-1]), layer.n_heads)
    return layer.to_out(join_heads(layer.attend(q, memory.keys, memory.values, mask))).view(x.shape)


def reorder_decoding(state: Decoding, rows: Tensor) -> Decoding:
    """Row i goes on from row `rows[i]`; the memory is touched only where a sentence has left."""
    for cache in state.written:
        cache.reorder(rows)
    chosen, sentences = state.sentences[rows].unique_consecutive(return_inverse=True)
    if len(chosen) == len(state.memory[0].keys):
        return state._replace(sentences=sentences)
    for cache in state.memory:
        cache.reorder(chosen)
    return state._replace(sentences=sentences, mask=None if state.mask is None else state.mask[chosen])
