"""Right answers to notebook 13, in other styles than the course's."""

import math

import torch
from torch.nn import functional

from lib.cache import cached_block
from lib.cache import prefill_mask as mask_of
from tests.graders.cases import right
from tests.graders.kv_cache_wrong import Given, join, split


@right("KeyValueCache")
class Narrow(Given):
    def extend(self, keys, values):
        new = keys.size(2)
        if new > self.capacity - self.length:
            raise ValueError(f"no room for {new} more")
        self.keys.narrow(2, self.length, new).copy_(keys)
        self.values.narrow(2, self.length, new).copy_(values)
        self.length += new
        return self.keys.narrow(2, 0, self.length), self.values.narrow(2, 0, self.length)


@right("KeyValueCache")
class PositionByPosition(Given):
    def extend(self, keys, values):
        if self.length + keys.shape[2] > self.keys.shape[2]:
            raise ValueError("full")
        for i in range(keys.shape[2]):
            self.keys[:, :, self.length] = keys[:, :, i]
            self.values[:, :, self.length] = values[:, :, i]
            self.length += 1
        return self.keys[:, :, : self.length].clone(), self.values[:, :, : self.length].clone()


@right("KeyValueCache")
class CatsAndFills(Given):
    """Joins with the old by torch.cat and writes all of it back into the buffers."""

    def extend(self, keys, values):
        both = [
            torch.cat([old[:, :, : self.length], new], dim=2) for old, new in ((self.keys, keys), (self.values, values))
        ]
        if both[0].shape[2] > self.capacity:
            raise ValueError("no room")
        self.length = both[0].shape[2]
        self.keys[:, :, : self.length], self.values[:, :, : self.length] = both
        return both


@right("KeyValueCache")
class IndexCopy(Given):
    def extend(self, keys, values):
        if self.length + keys.size(-2) > self.keys.size(-2):
            raise ValueError(f"{self.keys.size(-2)} positions at most")
        places = torch.arange(self.length, self.length + keys.size(-2))
        self.keys.index_copy_(2, places, keys)
        self.values.index_copy_(2, places, values)
        self.length += len(places)
        seen = torch.arange(self.length)
        return self.keys.index_select(2, seen), self.values.index_select(2, seen)


@right("KeyValueCache")
class ReorderByStacking(Given):
    def reorder(self, rows):
        order = rows.tolist()
        self.keys = torch.stack([self.keys[row] for row in order])
        self.values = torch.stack([self.values[row] for row in order])


@right("KeyValueCache")
class IndexSelect(Given):
    def reorder(self, rows):
        self.keys, self.values = self.keys.index_select(0, rows), self.values.index_select(0, rows)


@right("cached_attention")
def one_by_one(layer, x, cache, mask=None):
    q = split(layer.to_q(x), layer.n_heads)
    keys, values = cache.extend(split(layer.to_k(x), layer.n_heads), split(layer.to_v(x), layer.n_heads))
    mixed = layer.attend(q, keys, values, mask)
    return layer.to_out(mixed.transpose(1, 2).reshape(x.shape))


@right("cached_attention")
def from_the_buffers(layer, x, cache, mask=None):
    k, v = (split(part(x), layer.n_heads) for part in (layer.to_k, layer.to_v))
    cache.extend(k, v)
    keys, values = cache.keys[:, :, : cache.length], cache.values[:, :, : cache.length]
    return layer.to_out(join(layer.attend(split(layer.to_q(x), layer.n_heads), keys, values, mask)))


@right("cached_attention")
def one_product(layer, x, cache, mask=None):
    three = [layer.to_q, layer.to_k, layer.to_v]
    bias = None if layer.to_q.bias is None else torch.cat([part.bias for part in three])
    all_three = functional.linear(x, torch.cat([part.weight for part in three]), bias)
    q, k, v = (split(part, layer.n_heads) for part in all_three.chunk(3, dim=-1))
    keys, values = cache.extend(k.contiguous(), v.contiguous())
    return layer.to_out(join(layer.attend(q, keys, values, mask)))


@right("cached_attention")
def with_a_full_mask(layer, x, cache, mask=None):
    q, k, v = (split(part(x), layer.n_heads) for part in (layer.to_q, layer.to_k, layer.to_v))
    keys, values = cache.extend(k, v)
    if mask is None:
        mask = torch.ones(q.shape[2], keys.shape[2], dtype=torch.bool)
    return layer.to_out(join(layer.attend(q, keys, values, mask)))


@right("cached_attention")
def head_axes_by_unflatten(layer, x, cache, mask=None):
    q, k, v = (
        part(x).unflatten(-1, (layer.n_heads, -1)).permute(0, 2, 1, 3) for part in (layer.to_q, layer.to_k, layer.to_v)
    )
    mixed = layer.attend(q, *cache.extend(k, v), mask)
    return layer.to_out(mixed.permute(0, 2, 1, 3).flatten(-2))


@right("cached_attention")
def query_last(layer, x, cache, mask=None):
    both = cache.extend(values=split(layer.to_v(x), layer.n_heads), keys=split(layer.to_k(x), layer.n_heads))
    return layer.to_out(join(layer.attend(split(layer.to_q(x), layer.n_heads), both[0], both[1], mask)))


@right("prefill_mask")
def triu_turned_round(new, before=0, empty=None):
    mask = torch.ones(new, before + new).triu(before + 1) == 0
    if empty is None:
        return mask
    hidden = torch.arange(before + new).expand(len(empty), -1) < empty.unsqueeze(1)
    return (mask.unsqueeze(0) & ~hidden.unsqueeze(1)).unsqueeze(1)


@right("prefill_mask")
def by_the_empty_zero(new, before=0, empty=None):
    starts = torch.zeros(1, dtype=torch.long) if empty is None else empty
    key, query = torch.arange(before + new), torch.arange(before, before + new)
    mask = torch.logical_and(key[None, None, None] >= starts[:, None, None, None], key[None] <= query[:, None])
    return mask[0, 0] if empty is None else mask


@right("prefill_mask")
def comparison(new, before=0, empty=None):
    query = torch.arange(before, before + new)[:, None]
    key = torch.arange(before + new)[None, :]
    mask = key <= query
    if empty is not None:
        mask = mask[None, None] & (key[None, None] >= empty.view(-1, 1, 1, 1))
    return mask


@right("prefill_mask")
def rows_of_a_square(new, before=0, empty=None):
    mask = torch.ones(before + new, before + new).tril().bool()[before:]
    if empty is None:
        return mask
    return torch.stack([mask & (torch.arange(before + new) >= count) for count in empty])[:, None]


@right("prefill_mask")
def two_parts(new, before=0, empty=None):
    mask = torch.cat([torch.ones(new, before, dtype=torch.bool), torch.ones(new, new, dtype=torch.bool).tril()], dim=1)
    if empty is None:
        return mask
    mask = mask.repeat(len(empty), 1, 1, 1)
    for row, count in enumerate(empty.tolist()):
        mask[row, :, :, :count] = False
    return mask


@right("prefill_mask")
def loops(new, before=0, empty=None):
    rows = [[key <= before + i for key in range(before + new)] for i in range(new)]
    if empty is None:
        return torch.tensor(rows)
    counts = empty.tolist()
    return torch.tensor([[[[seen and key >= n for key, seen in enumerate(row)] for row in rows]] for n in counts])


@right("pad_left")
def filled_tensor(prompts, padding=0):
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    ids = torch.full((len(prompts), int(lengths.max())), padding)
    for row, prompt in zip(ids, prompts, strict=True):
        row[len(row) - len(prompt) :] = torch.tensor(prompt)
    return ids, lengths.max() - lengths


@right("pad_left")
def functional_pad(prompts, padding=0):
    longest = max(len(prompt) for prompt in prompts)
    rows = [functional.pad(torch.tensor(p, dtype=torch.long), (longest - len(p), 0), value=padding) for p in prompts]
    return torch.stack(rows), torch.tensor([longest - len(p) for p in prompts])


@right("pad_left")
def padding_side(prompts, padding=0):
    rows = [torch.tensor(prompt, dtype=torch.long) for prompt in prompts]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=padding, padding_side="left")
    return ids, ids.shape[1] - torch.tensor([len(prompt) for prompt in prompts])


@right("pad_left")
def flipped_twice(prompts, padding=0):
    backwards = [torch.tensor(list(prompt)[::-1], dtype=torch.long) for prompt in prompts]
    ids = torch.nn.utils.rnn.pad_sequence(backwards, batch_first=True, padding_value=padding).flip(1)
    return ids, torch.tensor([ids.shape[1] - len(prompt) for prompt in prompts])


@right("pad_left")
def returned_as_a_list(prompts, padding=0):
    longest = len(max(prompts, key=len))
    ids, empty = [], []
    for prompt in prompts:
        empty.append(longest - len(prompt))
        ids.append([padding for _ in range(empty[-1])] + list(prompt))
    return [torch.tensor(ids, dtype=torch.int64), torch.tensor(empty)]


@right("pad_left")
def column_after_column(prompts, padding=0):
    lengths = [len(prompt) for prompt in prompts]
    ids = torch.LongTensor(len(prompts), max(lengths)).fill_(padding)
    for row, prompt in enumerate(prompts):
        for back in range(1, len(prompt) + 1):
            ids[row, -back] = prompt[-back]
    return ids, torch.LongTensor([ids.shape[1] - length for length in lengths])


@right("read_on")
def one_row_of_positions_each(model, ids, caches, empty=None):
    """Positions found by counting the real tokens."""
    new, before = ids.shape[1], caches[0].length
    columns = torch.arange(before + new).repeat(len(ids), 1)
    real = torch.ones_like(columns) if empty is None else (columns >= empty[:, None]).long()
    places = (real.cumsum(-1) - 1).clamp(min=0)[:, before:]
    x, mask = model.embedding(ids) + model.positions.table[places], mask_of(new, before, empty)
    for number in range(len(model.blocks)):
        x = cached_block(model.blocks[number], x, caches[number], mask)
    return model.logits(x)[:, -1]


@right("read_on")
def embed_where_possible(model, ids, caches, empty=None):
    before = caches[0].length
    if empty is None:
        x = model.embed(ids, before)
    else:
        places = torch.arange(before, before + ids.shape[1])[None] - empty[:, None]
        x = model.embedding(ids) + model.positions.table[places.relu()]
    mask = mask_of(ids.shape[1], before, empty)
    for block, cache in zip(model.blocks, caches, strict=True):
        x = cached_block(block, x, cache, mask)
    return model.logits(x[:, -1, :])


@right("read_on")
def a_mask_for_each_block(model, ids, caches, empty=None):
    """Each block asks its own cache how much is there, before it extends it."""
    before, new = caches[0].length, ids.shape[1]
    columns = torch.arange(before, before + new) - (0 if empty is None else empty[:, None])
    x = model.embedding(ids) + model.positions.table[columns.clamp(min=0)]
    for block, cache in zip(model.blocks, caches, strict=True):
        x = cached_block(block, x, cache, mask_of(new, cache.length, empty))
    return model.logits(x[:, -1:]).squeeze(1)


@right("read_on")
def token_by_token(model, ids, caches, empty=None):
    before = caches[0].length
    hidden = torch.zeros(len(ids), dtype=torch.long) if empty is None else empty
    for i in range(ids.shape[1]):
        places = (before + i - hidden).clamp(min=0)[:, None]
        x = model.embedding(ids[:, i : i + 1]) + model.positions.table[places]
        for block, cache in zip(model.blocks, caches, strict=True):
            x = cached_block(block, x, cache, mask_of(1, before + i, hidden))
    return model.logits(x[:, 0])


@right("read_on")
def zeros_for_none(model, ids, caches, empty=None):
    if empty is None:
        empty = torch.zeros(len(ids), dtype=torch.long)
    before, new = caches[-1].length, ids.shape[1]
    places = (torch.arange(before, before + new) - empty.unsqueeze(1)).clamp_min(0)
    x, mask = model.embedding(ids) + model.positions.table[places], mask_of(new, before, empty)
    for i, block in enumerate(model.blocks):
        x = cached_block(block, x, caches[i], mask)
    return model.logits(x)[:, -1]


@right("read_on")
def padding_at_the_last_position(model, ids, caches, empty=None):
    """Where padding is put does not matter, since nobody sees it."""
    before, new = caches[0].length, ids.shape[1]
    places = torch.arange(before, before + new).expand(len(ids), new)
    if empty is not None:
        places = places - empty[:, None]
        places = torch.where(places < 0, len(model.positions.table) - 1, places)
    x = model.embedding(ids) + model.positions.table[places]
    for block, cache in zip(model.blocks, caches, strict=True):
        x = cached_block(block, x, cache, mask_of(new, before, empty))
    return model.logits(x[:, -1])


@right("fit_context")
def while_loop(ids, n_positions):
    if n_positions < 2:
        raise ValueError("a context of one position has no half")
    while len(ids) > n_positions:
        ids = ids[n_positions // 2 :]
    return ids


@right("fit_context")
def by_ceiling(ids, n_positions):
    if n_positions <= 1:
        raise ValueError(n_positions)
    half = n_positions // 2
    cuts = math.ceil(max(len(ids) - n_positions, 0) / half)
    return ids[half * cuts :]


@right("fit_context")
def recursion(ids, n_positions):
    if n_positions < 2:
        raise ValueError(n_positions)
    return ids if len(ids) <= n_positions else recursion(ids[n_positions // 2 :], n_positions)


@right("fit_context")
def by_the_end(ids, n_positions):
    if n_positions // 2 < 1:
        raise ValueError(n_positions)
    start = next(
        start for start in range(0, len(ids) + n_positions, n_positions // 2) if len(ids) - start <= n_positions
    )
    return list(ids)[start:]


@right("fit_context")
def step_by_step(ids, n_positions):
    if n_positions < 2:
        raise ValueError("two positions at least")
    start = 0
    while len(ids) - start > n_positions:
        start += n_positions // 2
    return tuple(ids[start:])


@right("fit_context")
def by_divmod(ids, n_positions):
    half = n_positions // 2
    if half < 1:
        raise ValueError("no half")
    if len(ids) <= n_positions:
        return ids[:]
    cuts, rest = divmod(len(ids) - n_positions, half)
    return ids[(cuts + (rest > 0)) * half :]
