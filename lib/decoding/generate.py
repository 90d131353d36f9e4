"""A model that writes with a cache: it reads a prompt in one go, then one new token at a time.

    read_on             some more tokens through all blocks, earlier keys and values out of the caches    notebook 13
    fresh_caches        empty caches for a GPT, one a block
    Reader, reader_of   what writing asks of a model: its positions, empty caches, and to read on
    CachedGPT           texts that grow in, logits of the next token out: it reads only what is new       notebook 13
    generate_batch      several prompts, of unequal length, written on together                           notebook 13
    lay_out_for_decoding    the same weights in an order of memory that is faster for one token at a time

    logits = CachedGPT(model)                                  # what `lib.decoding.sampling.generate` asks for
    for token in generate(logits, prompt, limit, pick): ...

Overflow: a GPT with learned positions has a fixed number of them, and they are added before the first block, so that no
cached key can move to another position. A longer text loses half a context at its beginning (`fit_context`) and what
is left is read anew, once in half a context; or, with overflow="error", it raises a ValueError.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from lib.cache import KeyValueCache, cached_block, fit_context, pad_left, prefill_mask
from lib.gpt import GPT

OVERFLOW = ("drop", "error")


def read_on(model: GPT, ids: Tensor, caches: Sequence[KeyValueCache], empty: Tensor | None = None) -> Tensor:
    """Read new tokens after those that the caches hold, one cache a block; extends the caches.

    ids: (batch, new)
    empty: (batch,), the columns of padding at the left of each row, the same in every call: nobody sees them, and a
    row's first real token stands at position 0. None: no padding anywhere

    Returns the logits of what comes next (batch, vocab): those of the last position only.
    """
    new, before = ids.shape[1], caches[0].length
    columns = torch.arange(before, before + new)
    positions = columns if empty is None else (columns - empty[:, None]).clamp(min=0)
    x = model.embedding(ids) + model.positions.table[positions]
    mask = None if new == 1 and empty is None else prefill_mask(new, before, empty)
    for block, cache in zip(model.blocks, caches, strict=True):
        x = cached_block(block, x, cache, mask)
    return model.logits(x[:, -1])


def fresh_caches(model: GPT, batch: int) -> list[KeyValueCache]:
    """Empty caches for all positions of the model, one a block."""
    table, n_heads = model.positions.table, model.blocks[0].attention.n_heads
    n_positions, d_model = table.shape
    return [KeyValueCache(batch, n_heads, n_positions, d_model // n_heads, like=table) for _ in model.blocks]


class Reader(Protocol):
    """What writing asks of a model. A `lib.llama.Llama` can do it by itself; a GPT is read by the functions above."""

    n_positions: int  # a longer text is cut by `fit_context`

    def fresh_caches(self, batch: int) -> list[KeyValueCache]:
        """Empty caches for n_positions, one a block."""

    def read_on(self, ids: Tensor, caches: Sequence[KeyValueCache], empty: Tensor | None = None) -> Tensor:
        """As the function `read_on` does: ids (batch, new) to the logits of what comes next (batch, vocab)."""


class GPTReader:
    """A GPT as a Reader."""

    def __init__(self, model: GPT):
        self.model, self.n_positions = model, len(model.positions.table)

    def fresh_caches(self, batch: int) -> list[KeyValueCache]:
        return fresh_caches(self.model, batch)

    def read_on(self, ids: Tensor, caches: Sequence[KeyValueCache], empty: Tensor | None = None) -> Tensor:
        return read_on(self.model, ids, caches, empty)


def reader_of(model: nn.Module) -> Reader:
    """The model itself where it can read on, else a GPT's reader."""
    return model if hasattr(model, "read_on") else GPTReader(model)


class CachedGPT:
    """A GPT, or another Reader, that remembers what it has read: give it whole texts, and only what is new is computed.

    Called with one text it returns logits (vocab,), as `lib.decoding.sampling.generate` wants them; `batch` takes
    several. The model should be in eval mode.
    """

    def __init__(self, model: nn.Module, overflow: str = "drop"):
        if overflow not in OVERFLOW:
            raise ValueError(f"overflow={overflow!r} is neither 'drop' (half a context) nor 'error'")
        self.model, self.reader, self.overflow = model, reader_of(model), overflow
        self.n_positions = self.reader.n_positions
        self.read: list[list[int]] = []  # each row as the caches hold it, without padding
        self.empty: Tensor | None = None
        self.caches: list[KeyValueCache] = []

    def __call__(self, ids: Sequence[int]) -> Tensor:
        """The logits of the token after `ids`, (vocab,)."""
        return self.batch([ids])[0]

    @torch.inference_mode()
    def batch(self, texts: Sequence[Sequence[int]]) -> Tensor:
        """The logits of the token after each text, (batch, vocab)."""
        for text in texts:
            if not text:
                raise ValueError("an empty text has no last token to go on from: give it a token that starts texts")
            if len(text) > self.n_positions and self.overflow == "error":
                raise ValueError(f"a text of {len(text)} tokens does not fit into {self.n_positions} positions")
        contexts = [list(fit_context(text, self.n_positions)) for text in texts]
        new = self._new(contexts)
        if new is None:
            ids, empty = pad_left(contexts)
            self.empty = empty if empty.any() else None
            self.caches = self._fresh_caches(len(texts))
        else:
            ids = torch.tensor(new)
        self.read = contexts
        device = self.model.embedding.weight.device
        return self.reader.read_on(ids.to(device), self.caches, self.empty)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only, in this order; a row may be there twice."""
        chosen = torch.tensor(rows, dtype=torch.long)
        for cache in self.caches:
            cache.reorder(chosen)
        self.read = [self.read[row] for row in rows]
        self.empty = None if self.empty is None else self.empty[chosen]

    def _new(self, contexts: list[list[int]]) -> list[list[int]] | None:
        """What is new in each context, if the caches hold all before it and have room; else None."""
        if not self.caches or len(contexts) != len(self.read):
            return None
        pairs = list(zip(self.read, contexts, strict=True))
        counts = {len(context) - len(old) for old, context in pairs}
        if len(counts) > 1 or min(counts) < 1 or self.caches[0].length + min(counts) > self.caches[0].capacity:
            return None
        if any(context[: len(old)] != old for old, context in pairs):
            return None
        return [context[len(old) :] for old, context in pairs]

    def _fresh_caches(self, batch: int) -> list[KeyValueCache]:
        if self.caches and len(self.caches[0].keys) == batch:
            for cache in self.caches:
                cache.length = 0
            return self.caches
        return self.reader.fresh_caches(batch)


def generate_batch(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    limit: int,
    picks: Callable[[Tensor, list[int]], int] | Sequence[Callable[[Tensor, list[int]], int]],
    stop: Sequence[Sequence[int]] = (),
    overflow: str = "drop",
) -> list[list[int]]:
    """Write up to `limit` tokens after each prompt, all rows in one step, and return what was written.

    picks: (logits (vocab,), all ids so far) -> the next id; or one such function for each prompt, with a generator of
    its own, so that no row depends on its neighbours
    stop: sequences of ids; a row ends after the first one that it has written to its end, and leaves the batch
    """
    picks = list(picks) if isinstance(picks, Sequence) else [picks] * len(prompts)
    texts, rows, cached = [list(prompt) for prompt in prompts], list(range(len(prompts))), CachedGPT(model, overflow)
    written: list[list[int]] = [[] for _ in prompts]
    for _ in range(limit if prompts else 0):
        logits = cached.batch([texts[row] for row in rows])
        for row, scores in zip(rows, logits, strict=True):
            token = int(picks[row](scores, texts[row]))
            texts[row].append(token)
            written[row].append(token)
        going = [i for i, row in enumerate(rows) if not any(written[row][-len(end) :] == list(end) for end in stop)]
        if not going:
            break
        if len(going) < len(rows):
            rows = [rows[i] for i in going]
            cached.keep(going)
    return written


def lay_out_for_decoding(model: nn.Module) -> nn.Module:
    """Store each matrix in the order in which one token reads it fastest: same numbers, same names; returns the model.

    A product with a single row only reads the matrix. On many processors PyTorch's reads it about 1.5 times faster
    column after column, if it has more rows than columns. Adds no memory; training and batches do not gain.
    """
    with torch.no_grad():
        for part in model.modules():
            weight = getattr(part, "weight", None)
            if isinstance(part, nn.Linear | nn.Embedding) and weight.shape[0] >= weight.shape[1]:
                weight.data = weight.data.t().contiguous().t()
    return model
