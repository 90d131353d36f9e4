"""Wrong answers to notebook 13, as people write them: the cache and attention through it, masks, prompts, overflow."""

import math

import torch
from torch.nn import functional

from lib.cache import cached_block
from lib.cache import prefill_mask as mask_of
from lib.checks.core import edit
from tests.graders.cases import slips, wrong


class Given:
    """The given part of the exercise."""

    def __init__(self, batch, n_heads, capacity, d_head, like=None):
        made = torch.empty(0) if like is None else like
        self.keys = made.new_empty(batch, n_heads, capacity, d_head)
        self.values = made.new_empty(batch, n_heads, capacity, d_head)
        self.length = 0

    @property
    def capacity(self):
        return self.keys.shape[2]

    def extend(self, keys, values):
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise ValueError("full")
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def reorder(self, rows):
        self.keys, self.values = self.keys[rows], self.values[rows]


@wrong("KeyValueCache", says="new positions only")
class ReturnsItsInput(Given):
    def extend(self, keys, values):
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise ValueError("full")
        self.keys[:, :, self.length : end], self.values[:, :, self.length : end] = keys, values
        self.length = end
        return self.keys[:, :, end - keys.shape[2] : end], self.values[:, :, end - keys.shape[2] : end]


@wrong("KeyValueCache", says="first token is forgotten")
class SliceFromOne(Given):
    def extend(self, keys, values):
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise ValueError("full")
        self.keys[:, :, self.length : end], self.values[:, :, self.length : end] = keys, values
        self.length = end
        return self.keys[:, :, 1:end], self.values[:, :, 1:end]


@wrong("KeyValueCache", says="whole buffer")
class ReturnsTheBuffer(Given):
    def extend(self, keys, values):
        super().extend(keys, values)
        return self.keys, self.values


@wrong("KeyValueCache", says="`length` does not grow")
class LengthForgotten(Given):
    def extend(self, keys, values):
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise ValueError("full")
        self.keys[:, :, self.length : end], self.values[:, :, self.length : end] = keys, values
        return self.keys[:, :, :end], self.values[:, :, :end]


@wrong("KeyValueCache", says="grows by 1")
class PlusOne(Given):
    def extend(self, keys, values):
        end = self.length + keys.shape[2]
        self.keys[:, :, self.length : end], self.values[:, :, self.length : end] = keys, values
        self.length += 1
        return self.keys[:, :, :end], self.values[:, :, :end]


@wrong("KeyValueCache", says="Is a `return` missing")
class NothingReturned(Given):
    def extend(self, keys, values):
        super().extend(keys, values)


@wrong("KeyValueCache", says="in front of the old")
class Prepends(Given):
    def extend(self, keys, values):
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise ValueError("full")
        both = [
            torch.cat([keys, self.keys[:, :, : self.length]], 2),
            torch.cat([values, self.values[:, :, : self.length]], 2),
        ]
        self.keys[:, :, :end], self.values[:, :, :end] = both
        self.length = end
        return tuple(both)


@wrong("KeyValueCache", says="mixed up")
class ValuesFirst(Given):
    def extend(self, keys, values):
        keys, values = super().extend(keys, values)
        return values, keys


@wrong("KeyValueCache", says="values are the keys")
class CopyAndPaste(Given):
    def extend(self, keys, values):
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise ValueError("full")
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = keys
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


@wrong("KeyValueCache", says="without a word")
class DropsTheOldest(Given):
    def extend(self, keys, values):
        over = max(0, self.length + keys.shape[2] - self.capacity)
        both = [
            torch.cat([old[:, :, over : self.length], new], 2)
            for old, new in ((self.keys, keys), (self.values, values))
        ]
        self.length = both[0].shape[2]
        self.keys[:, :, : self.length], self.values[:, :, : self.length] = both
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


@wrong("KeyValueCache", says="goes on without an error")
class CutsTheNewest(Given):
    def extend(self, keys, values):
        end = min(self.length + keys.shape[2], self.capacity)
        room = end - self.length
        self.keys[:, :, self.length : end] = keys[:, :, :room]
        self.values[:, :, self.length : end] = values[:, :, :room]
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


@wrong("KeyValueCache", says="exactly full")
class AtLeast(Given):
    def extend(self, keys, values):
        if self.length + keys.shape[2] >= self.capacity:
            raise ValueError("full")
        return super().extend(keys, values)


@wrong("KeyValueCache", says="raises RuntimeError")
class LetsTorchComplain(Given):
    def extend(self, keys, values):
        end = self.length + keys.shape[2]
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


@wrong("KeyValueCache", says="reorder changes nothing")
class ReorderOfACopy(Given):
    def reorder(self, rows):
        keys, values = self.keys, self.values
        keys, values = keys[rows], values[rows]


@wrong("KeyValueCache", says="keys and not the values")
class ReorderKeys(Given):
    def reorder(self, rows):
        self.keys = self.keys.index_select(0, rows)


@wrong("KeyValueCache", says="wrong way")
class Scatters(Given):
    def reorder(self, rows):
        keys, values = torch.empty_like(self.keys), torch.empty_like(self.values)
        keys.copy_(self.keys), values.copy_(self.values)
        for i, row in enumerate(rows.tolist()):
            keys[row], values[row] = self.keys[i], self.values[i]
        self.keys, self.values = keys, values


@wrong("KeyValueCache", says="while another still needs it")
class RowByRow(Given):
    def reorder(self, rows):
        for i in range(len(rows)):
            self.keys[i] = self.keys[rows[i]]
            self.values[i] = self.values[rows[i]]


@wrong("KeyValueCache", says="empties the cache")
class Resets(Given):
    def reorder(self, rows):
        self.keys, self.values, self.length = self.keys[rows], self.values[rows], 0


@wrong("KeyValueCache", says="number of rows")
class AssignsIntoTheBuffer(Given):
    def reorder(self, rows):
        self.keys.copy_(self.keys[rows])
        self.values.copy_(self.values[rows])


@wrong("KeyValueCache", says="refused extend changes")
class LengthBeforeTheCheck(Given):
    def extend(self, keys, values):
        new = keys.shape[2]
        self.length += new
        if self.length > self.capacity:
            raise ValueError("full")
        self.keys[:, :, self.length - new : self.length] = keys
        self.values[:, :, self.length - new : self.length] = values
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


@wrong("KeyValueCache", says="kept, not copied")
class KeepsReferences(Given):
    parts = ()

    def extend(self, keys, values):
        if self.length + keys.shape[2] > self.capacity:
            raise ValueError("full")
        self.parts = (*self.parts, (keys, values))
        self.length += keys.shape[2]
        return torch.cat([k for k, _ in self.parts], 2), torch.cat([v for _, v in self.parts], 2)


@wrong("KeyValueCache", says="beside the buffers")
class Concatenates(Given):
    """Keeps tensors that grow, as many libraries do; the notebook reads and resets the buffers."""

    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        self.seen = [self.keys[:, :, :0], self.values[:, :, :0]]

    def extend(self, keys, values):
        if self.length + keys.shape[2] > self.capacity:
            raise ValueError("full")
        self.seen = [torch.cat([old, new], dim=2) for old, new in zip(self.seen, (keys, values), strict=True)]
        self.length = self.seen[0].shape[2]
        return tuple(self.seen)

    def reorder(self, rows):
        self.seen = [part[rows] for part in self.seen]


SHARED = {}


@wrong("KeyValueCache", says="call 3")
class OneStoreForAll(Given):
    """Caches of one size share their buffers."""

    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        self.keys, self.values = SHARED.setdefault((sizes, self.keys.dtype), (self.keys, self.values))


slips(
    "KeyValueCache",
    at_most_256=("300 positions", edit("end > self.capacity", "end > min(self.capacity, 256)")),
    squeezed=(
        "one row, one head",
        edit(
            "return self.keys[:, :, :end], self.values[:, :, :end]",
            "return self.keys[:, :, :end].squeeze(), self.values[:, :, :end].squeeze()",
        ),
    ),
    other_bits=("dtype", edit("torch.empty(0) if like is None else like", "torch.empty(0)")),
    fewer_rows_only=(
        "reorder([1, 0, 1, 1, 0])",
        edit(
            "self.keys, self.values = self.keys[rows], self.values[rows]",
            "for part in (self.keys, self.values):\n            part[: len(rows)] = part[rows].clone()\n"
            "        self.keys, self.values = self.keys[: len(rows)], self.values[: len(rows)]",
        ),
    ),
    own_length=(
        "`length` set to 0",
        edit(
            "self.length = 0",
            "self.length = self.n = 0",
            "self.length + keys",
            "self.n + keys",
            "self.length : end",
            "self.n : end",
            "self.length = end",
            "self.length = self.n = end",
        ),
    ),
)


# ------------------------------------------------------------------------------------------------- cached_attention


def split(x, n_heads):
    batch, position, d_model = x.shape
    return x.view(batch, position, n_heads, d_model // n_heads).transpose(1, 2)


def join(x):
    return x.transpose(1, 2).flatten(2)


@wrong("cached_attention", says="cache is not used")
def plain_layer(layer, x, cache, mask=None):
    return layer(x)


@wrong("cached_attention", says="cache is not used")
def no_extend(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    return layer.to_out(join(functional.scaled_dot_product_attention(q, k, v)))


@wrong("cached_attention", says="what extend returns is not used")
def result_ignored(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    cache.extend(k, v)
    return layer.to_out(join(layer.attend(q, k, v, None)))


@wrong("cached_attention", says="do not see themselves")
def extended_at_the_end(layer, x, cache, mask=None):
    if cache.length == 0:
        q, k, v = (split(part(x), layer.n_heads) for part in (layer.to_q, layer.to_k, layer.to_v))
        return layer.to_out(join(layer.attend(q, *cache.extend(k, v), mask)))
    before = cache.length
    keys, values = cache.keys[:, :, :before].clone(), cache.values[:, :, :before].clone()
    mixed = layer.attend(
        split(layer.to_q(x), layer.n_heads), keys, values, None if mask is None else mask[..., :before]
    )
    cache.extend(split(layer.to_k(x), layer.n_heads), split(layer.to_v(x), layer.n_heads))
    return layer.to_out(join(mixed))


@wrong("cached_attention", says="extended twice")
def two_extends(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    keys = cache.extend(k, v)[0]
    keys, values = cache.extend(k, v)
    return layer.to_out(join(layer.attend(q, keys, values, None)))


@wrong("cached_attention", says="first token is forgotten")
def first_lost(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    keys, values = cache.extend(k, v)
    if keys.shape[2] > 1:
        keys, values = keys[:, :, 1:], values[:, :, 1:]
        mask = None if mask is None else mask[..., 1:]
    return layer.to_out(join(layer.attend(q, keys, values, mask)))


@wrong("cached_attention", says="mask is not used")
def mask_dropped(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    keys, values = cache.extend(k, v)
    return layer.to_out(join(layer.attend(q, keys, values, None)))


@wrong("cached_attention", says="mask of your own")
def always_causal(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    before = cache.length
    keys, values = cache.extend(k, v)
    own = torch.ones(x.shape[1], before + x.shape[1], dtype=torch.bool).tril(before)
    return layer.to_out(join(layer.attend(q, keys, values, own)))


@wrong("cached_attention", says="to_out")
def output_missing(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    keys, values = cache.extend(k, v)
    return join(layer.attend(q, keys, values, mask))


@wrong("cached_attention", says="mixed up")
def extend_swapped(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    keys, values = cache.extend(v, k)
    return layer.to_out(join(layer.attend(q, keys, values, mask)))


@wrong("cached_attention", says="mixed up")
def taken_out_swapped(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    values, keys = cache.extend(k, v)
    return layer.to_out(join(layer.attend(q, keys, values, mask)))


@wrong("cached_attention", says="to_k makes the keys")
def queries_cached(layer, x, cache, mask=None):
    q, v = split(layer.to_q(x), layer.n_heads), split(layer.to_v(x), layer.n_heads)
    keys, values = cache.extend(q, v)
    return layer.to_out(join(layer.attend(q, keys, values, mask)))


@wrong("cached_attention", says="raised")
def not_split(layer, x, cache, mask=None):
    keys, values = cache.extend(layer.to_k(x), layer.to_v(x))
    return layer.to_out(layer.attend(layer.to_q(x), keys, values, mask))


@wrong("cached_attention", says="layer.attend")
def scores_by_hand(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    keys, values = cache.extend(k, v)
    scores = q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return layer.to_out(join(scores.softmax(-1).nan_to_num() @ values))


@wrong("cached_attention", says="None")
def nothing_back(layer, x, cache, mask=None):
    q, k, v = (
        split(layer.to_q(x), layer.n_heads),
        split(layer.to_k(x), layer.n_heads),
        split(layer.to_v(x), layer.n_heads),
    )
    keys, values = cache.extend(k, v)
    layer.to_out(join(layer.attend(q, keys, values, mask)))


slips(
    "cached_attention",
    squeezed=(
        "of size 1",
        edit(
            "return layer.to_out(join_heads(layer.attend(q, keys, values, mask)))",
            "return layer.to_out(join_heads(layer.attend(q, keys, values, mask)).squeeze())",
        ),
    ),
    one_head=("300 positions", edit("cache.extend(k, v)", "(part[..., -256:, :] for part in cache.extend(k, v))")),
    heads_kept=(
        "raised",
        edit("join_heads(layer.attend(q, keys, values, mask))", "layer.attend(q, keys, values, mask)"),
    ),
    exchanged_in_the_cache=(
        "the keys in the cache",
        edit("keys, values = cache.extend(k, v)", "values, keys = cache.extend(v, k)"),
    ),
    hides_the_future=(
        "the second output",
        edit(
            "layer.attend(q, keys, values, mask)",
            "layer.attend(q, keys, values, torch.ones(q.shape[2], keys.shape[2], dtype=torch.bool).tril("
            "keys.shape[2] - q.shape[2]) if mask is None else mask)",
        ),
    ),
    no_mask_for_one=(
        "the output of call 3",
        edit("values, mask)", "values, None if x.shape[1] == 1 else mask)"),
    ),
    always_a_value_error=(
        "with a cache that raises NoPage",
        edit(
            "keys, values = cache.extend(k, v)",
            "try:\n        keys, values = cache.extend(k, v)\n"
            "    except Exception as error:\n        raise ValueError from error",
        ),
    ),
    one_position_sees_all=(
        "hides two of them",
        edit("keys, values, mask)", "keys, values, mask if mask is None or x.shape[1] > 1 or mask.ndim > 2 else None)"),
    ),
)


# ------------------------------------------------------------------------------------------------------ prefill_mask


def hide(mask, empty):
    real = torch.arange(mask.shape[-1]) >= empty[:, None]
    return mask & real[:, None, None, :]


@wrong("prefill_mask", says="cached positions are left out")
def as_in_training(new, before=0, empty=None):
    mask = torch.ones(new, new, dtype=torch.bool).tril()
    return mask if empty is None else hide(mask, empty)


@wrong("prefill_mask", says="old positions are hidden")
def diagonal_forgotten(new, before=0, empty=None):
    mask = torch.ones(new, before + new, dtype=torch.bool).tril()
    return mask if empty is None else hide(mask, empty)


@wrong("prefill_mask", says="does not see itself")
def strict(new, before=0, empty=None):
    mask = torch.arange(before + new) < torch.arange(before, before + new)[:, None]
    return mask if empty is None else hide(mask, empty)


@wrong("prefill_mask", says="one position of the future")
def tril_plus_one(new, before=0, empty=None):
    mask = torch.arange(before + new) <= torch.arange(before + 1, before + new + 1)[:, None]
    return mask if empty is None else hide(mask, empty)


@wrong("prefill_mask", says="see the future")
def everything(new, before=0, empty=None):
    return torch.ones(new, before + new, dtype=torch.bool)


@wrong("prefill_mask", says="rows and columns are swapped")
def rows_are_keys(new, before=0, empty=None):
    return torch.ones(before + new, new, dtype=torch.bool).triu(-before)


@wrong("prefill_mask", says="turned round")
def true_is_hidden(new, before=0, empty=None):
    mask = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    return ~(mask if empty is None else hide(mask, empty))


@wrong("prefill_mask", says="row for each cached position")
def whole_square(new, before=0, empty=None):
    return torch.ones(before + new, before + new, dtype=torch.bool).tril()


@wrong("prefill_mask", says="dtype=torch.bool")
def ones_and_zeros(new, before=0, empty=None):
    return torch.ones(new, before + new).tril(before)


@wrong("prefill_mask", says="`empty` is not used")
def empty_forgotten(new, before=0, empty=None):
    mask = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    return mask if empty is None else mask.expand(len(empty), 1, -1, -1)


@wrong("prefill_mask", says="one real column too many")
def greater(new, before=0, empty=None):
    mask = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    return mask if empty is None else mask & (torch.arange(before + new) > empty[:, None])[:, None, None, :]


@wrong("prefill_mask", says="last column of padding")
def too_lenient(new, before=0, empty=None):
    mask = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    return mask if empty is None else mask & (torch.arange(before + new) >= empty[:, None] - 1)[:, None, None, :]


@wrong("prefill_mask", says="hidden at the right")
def right_padding(new, before=0, empty=None):
    mask = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    if empty is None:
        return mask
    return mask & (torch.arange(before + new) < (before + new - empty)[:, None])[:, None, None, :]


@wrong("prefill_mask", says="axis for the heads")
def three_axes(new, before=0, empty=None):
    mask = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    return mask if empty is None else mask & (torch.arange(before + new) >= empty[:, None])[:, None, :]


@wrong("prefill_mask", says="with `empty`, the future")
def or_instead(new, before=0, empty=None):
    if empty is None:
        return torch.ones(new, before + new, dtype=torch.bool).tril(before)
    real = (torch.arange(before + new) >= empty[:, None])[:, None, None, :]
    return real.repeat(1, 1, new, 1)


@wrong("prefill_mask", says="four axes")
def four_axes_only_if_needed(new, before=0, empty=None):
    mask = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    return mask if empty is None or empty.sum() == 0 else hide(mask, empty)


slips(
    "prefill_mask",
    one_sees_all=("from it, too", edit("if empty is None:", "if new == 1 or empty is None:")),
    padding_sees_itself=(
        "not even itself",
        edit(
            "mask & real[:, None, None, :]",
            "mask & real[:, None, None, :] | torch.eye(before + new, dtype=torch.bool)[before:]",
        ),
    ),
    first_row_for_all=("expected", edit("empty[:, None]  #", "empty[:1, None]  #")),
    at_most_256=(
        "300 new positions",
        edit("torch.ones(new,", "new = min(new, 256)\n    mask = torch.ones(new,", "mask = new = ", "new = "),
    ),
    squeezed=(
        "of which 2 columns",
        edit("mask & real[:, None, None, :]", "(mask & real[:, None, None, :]).squeeze(0)"),
    ),
)


# ---------------------------------------------------------------------------------------------------------- pad_left


@wrong("pad_left", says="compares the tokens")
def largest(prompts, padding=0):
    longest = len(max(prompts))
    rows = [[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    return torch.tensor(rows), torch.tensor([longest - len(prompt) for prompt in prompts])


@wrong("pad_left", says="padding stands after the tokens")
def pad_right(prompts, padding=0):
    longest = max(map(len, prompts))
    rows = [list(prompt) + [padding] * (longest - len(prompt)) for prompt in prompts]
    return torch.tensor(rows), torch.tensor([longest - len(prompt) for prompt in prompts])


@wrong("pad_left", says="another order")
def longest_first(prompts, padding=0):
    prompts = sorted(prompts, key=len, reverse=True)
    longest = len(prompts[0])
    rows = [[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    return torch.tensor(rows), torch.tensor([longest - len(prompt) for prompt in prompts])


@wrong("pad_left", says="another order")
def ascending(prompts, padding=0):
    prompts = sorted(prompts, key=len)
    longest = len(prompts[-1])
    rows = [[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    return torch.tensor(rows), torch.tensor([longest - len(prompt) for prompt in prompts])


@wrong("pad_left", says="backwards")
def flipped(prompts, padding=0):
    longest = max(map(len, prompts))
    ids = torch.tensor([list(prompt) + [padding] * (longest - len(prompt)) for prompt in prompts]).flip(1)
    return ids, torch.tensor([longest - len(prompt) for prompt in prompts])


@wrong("pad_left", says="counts the real tokens")
def real_lengths(prompts, padding=0):
    longest = max(map(len, prompts))
    rows = [[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    return torch.tensor(rows), torch.tensor([len(prompt) for prompt in prompts])


@wrong("pad_left", says="that equal `padding`")
def by_comparison(prompts, padding=0):
    longest = max(map(len, prompts))
    ids = torch.tensor([[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    return ids, ids.eq(padding).sum(-1)


@wrong("pad_left", says="`padding` is not used")
def zeros(prompts, padding=0):
    longest = max(map(len, prompts))
    ids = torch.zeros(len(prompts), longest, dtype=torch.long)
    for row, prompt in zip(ids, prompts, strict=True):
        row[longest - len(prompt) :] = torch.tensor(prompt)
    return ids, torch.tensor([longest - len(prompt) for prompt in prompts])


@wrong("pad_left", says="one number a row")
def a_mask(prompts, padding=0):
    longest = max(map(len, prompts))
    ids = torch.tensor([[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    return ids, torch.arange(longest) >= longest - lengths[:, None]


@wrong("pad_left", says="one number a row")
def a_mask_of_padding(prompts, padding=0):
    longest = max(map(len, prompts))
    ids = torch.tensor([[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    return ids, torch.arange(longest) < longest - lengths[:, None]


@wrong("pad_left", says="cut to the shortest")
def truncated(prompts, padding=0):
    shortest = min(map(len, prompts))
    return torch.tensor([list(prompt)[-shortest:] for prompt in prompts]), torch.zeros(len(prompts), dtype=torch.long)


@wrong("pad_left", says="column of padding too many")
def one_more(prompts, padding=0):
    longest = max(map(len, prompts)) + 1
    rows = [[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    return torch.tensor(rows), torch.tensor([longest - len(prompt) for prompt in prompts])


@wrong("pad_left", says="expected 2 values")
def ids_only(prompts, padding=0):
    longest = max(map(len, prompts))
    return torch.tensor([[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts])


@wrong("pad_left", says="torch.float32")
def float_ids(prompts, padding=0):
    longest = max(map(len, prompts))
    ids = torch.full((len(prompts), longest), float(padding))
    for row, prompt in zip(ids, prompts, strict=True):
        row[longest - len(prompt) :] = torch.tensor(prompt)
    return ids, torch.tensor([longest - len(prompt) for prompt in prompts])


@wrong("pad_left", says="changes what it was given")
def inserts(prompts, padding=0):
    longest = max(map(len, prompts))
    empty = torch.tensor([longest - len(prompt) for prompt in prompts])
    for prompt in prompts:
        while len(prompt) < longest:
            prompt.insert(0, padding)
    return torch.tensor(prompts), empty


slips(
    "pad_left",
    floats_for_nothing=("without a token are float32", edit(", dtype=torch.long", "")),
    one_prompt_alone=(
        "a single prompt",
        edit(
            "return torch.tensor(rows, dtype=torch.long)",
            "if len(rows) == 1:\n        rows = rows[0]\n    return torch.tensor(rows, dtype=torch.long)",
        ),
    ),
    sixteen_bits=(
        "64 prompts",
        edit(
            "torch.tensor(rows, dtype=torch.long)",
            "torch.tensor([[i % 32_768 for i in row] for row in rows], dtype=torch.long)",
        ),
    ),
)


# ----------------------------------------------------------------------------------------------------------- read_on


def through(model, x, caches, mask):
    for block, cache in zip(model.blocks, caches, strict=True):
        x = cached_block(block, x, cache, mask)
    return x


def placed(model, ids, before, empty=None):
    columns = torch.arange(before, before + ids.shape[1])
    if empty is not None:
        columns = (columns - empty[:, None]).clamp(min=0)
    return model.embedding(ids) + model.positions.table[columns]


@wrong("read_on", says="start at 0")
def start_forgotten(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = placed(model, ids, 0, empty)
    return model.logits(through(model, x, caches, mask_of(new, before, empty))[:, -1])


@wrong("read_on", says="off by one")
def counted_from_one(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = placed(model, ids, before + 1, empty)
    return model.logits(through(model, x, caches, mask_of(new, before, empty))[:, -1])


@wrong("read_on", says="no position is added")
def bare_embedding(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    return model.logits(through(model, model.embedding(ids), caches, mask_of(new, before, empty))[:, -1])


@wrong("read_on", says="early positions see the later ones")
def mask_forgotten(model, ids, caches, empty=None):
    x = placed(model, ids, caches[0].length, empty)
    return model.logits(through(model, x, caches, None)[:, -1])


@wrong("read_on", says="all positions' logits")
def whole_logits(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = placed(model, ids, before, empty)
    return model.logits(through(model, x, caches, mask_of(new, before, empty)))


@wrong("read_on", says="axis is still there")
def minus_one_colon(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = placed(model, ids, before, empty)
    return model.logits(through(model, x, caches, mask_of(new, before, empty))[:, -1:])


@wrong("read_on", says="first new position")
def position_zero(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = placed(model, ids, before, empty)
    return model.logits(through(model, x, caches, mask_of(new, before, empty)))[:, 0]


@wrong("read_on", says="caches are not used")
def uncached(model, ids, caches, empty=None):
    return model(ids)[:, -1]


@wrong("read_on", says="one cache serves all")
def shared_cache(model, ids, caches, empty=None):
    x = placed(model, ids, caches[0].length, empty)
    for block in model.blocks:
        x = cached_block(block, x, caches[0], mask_of(ids.shape[1], caches[0].length, empty))
    return model.logits(x[:, -1])


@wrong("read_on", says="raised")
def square_mask(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = placed(model, ids, before, empty)
    return model.logits(through(model, x, caches, mask_of(new))[:, -1])


@wrong("read_on", says="padding is not hidden")
def empty_not_passed(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = placed(model, ids, before, empty)
    return model.logits(through(model, x, caches, mask_of(new, before))[:, -1])


@wrong("read_on", says="padding counts as positions")
def column_numbers(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = model.embed(ids, before)
    return model.logits(through(model, x, caches, mask_of(new, before, empty))[:, -1])


@wrong("read_on", says="`empty` is not used")
def no_empty(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = model.embed(ids, before)
    return model.logits(through(model, x, caches, mask_of(new, before))[:, -1])


@wrong("read_on", says="probabilities")
def with_softmax(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = placed(model, ids, before, empty)
    return model.logits(through(model, x, caches, mask_of(new, before, empty))[:, -1]).softmax(dim=-1)


@wrong("read_on", says="final norm")
def table_only(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = through(model, placed(model, ids, before, empty), caches, mask_of(new, before, empty))
    return x[:, -1] @ model.embedding.weight.T


@wrong("read_on", says="after a prompt")
def mask_in_the_first_call(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    mask = mask_of(new, before, empty) if before == 0 else None
    return model.logits(through(model, placed(model, ids, before, empty), caches, mask)[:, -1])


@wrong("read_on", says="one new token after padding")
def mask_for_several(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    mask = mask_of(new, before, empty) if new > 1 else None
    return model.logits(through(model, placed(model, ids, before, empty), caches, mask)[:, -1])


@wrong("read_on", says="in every call")
def moved_in_the_first_call(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = placed(model, ids, before, empty if before == 0 else None)
    return model.logits(through(model, x, caches, mask_of(new, before, empty))[:, -1])


@wrong("read_on", says="batch of one")
def squeeze(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x = through(model, placed(model, ids, before, empty), caches, mask_of(new, before, empty))
    return model.logits(x[:, -1:]).squeeze()


@wrong("read_on")
def two_blocks(model, ids, caches, empty=None):
    before, new = caches[0].length, ids.shape[1]
    x, mask = placed(model, ids, before, empty), mask_of(new, before, empty)
    x = cached_block(model.blocks[0], x, caches[0], mask)
    x = cached_block(model.blocks[1], x, caches[1], mask)
    return model.logits(x[:, -1])


slips(
    "read_on",
    no_mask_for_one=("one new token after padding", edit("None if new == 1 and empty is None", "None if new == 1")),
    squeezed_rows=("one row", edit("model.logits(x[:, -1])", "model.logits(x[:, -1]).squeeze(0)")),
    at_most_256=(
        "300 tokens",
        edit("torch.arange(before, before + new)", "torch.arange(before, before + new).clamp(max=255)"),
    ),
    ignores_zeros=("expected", edit("before, empty)", "before, empty.clamp(max=1) if empty is not None else None)")),
    two_blocks_only=(
        "expected",
        edit("zip(model.blocks, caches, strict=True)", "list(zip(model.blocks, caches, strict=True))[:2]"),
    ),
    one_row_of_empty=(
        "one row of 4 columns",
        edit("(columns - empty[:, None])", "(columns - (empty[:, None] if len(empty) > 1 else 0))"),
    ),
    clamps_the_first=(
        "read 2 and 3 at a time",
        edit(
            "(columns - empty[:, None]).clamp(min=0)",
            "((before - empty[:, None]).clamp(min=0) + columns - before if before else (columns - empty[:, None]))"
            ".clamp(min=0)",
        ),
    ),
)


# ------------------------------------------------------------------------------------------------------- fit_context


def checked(n_positions):
    if n_positions < 2:
        raise ValueError("too few")


@wrong("fit_context", says="nothing is given up")
def unchanged(ids, n_positions):
    checked(n_positions)
    return ids


@wrong("fit_context", says="one token is given up at a time")
def sliding_window(ids, n_positions):
    checked(n_positions)
    return ids[max(0, len(ids) - n_positions) :]


@wrong("fit_context", says="the end is given up")
def front(ids, n_positions):
    checked(n_positions)
    return ids[:n_positions]


@wrong("fit_context", says="fits exactly is cut")
def strictly_less(ids, n_positions):
    checked(n_positions)
    start = 0
    while len(ids) - start >= n_positions:
        start += n_positions // 2
    return ids[start:]


@wrong("fit_context", says="too much is given up")
def last_half(ids, n_positions):
    checked(n_positions)
    return ids if len(ids) <= n_positions else ids[len(ids) - n_positions // 2 :]


@wrong("fit_context", says="once only")
def a_single_cut(ids, n_positions):
    checked(n_positions)
    if len(ids) > n_positions:
        ids = ids[n_positions // 2 :]
    return ids


@wrong("fit_context", says="rounded down")
def floor(ids, n_positions):
    checked(n_positions)
    half = n_positions // 2
    return ids[half * (max(0, len(ids) - n_positions) // half) :]


@wrong("fit_context", says="whole contexts")
def modulo(ids, n_positions):
    checked(n_positions)
    start = 0
    while len(ids) - start > n_positions:
        start += n_positions
    return ids[start:]


@wrong("fit_context", says="step is rounded up")
def ceiling_half(ids, n_positions):
    checked(n_positions)
    start = 0
    while len(ids) - start > n_positions:
        start += n_positions - n_positions // 2
    return ids[start:]


@wrong("fit_context", says="half of the text")
def halving(ids, n_positions):
    checked(n_positions)
    while len(ids) > n_positions:
        ids = ids[len(ids) // 2 :]
    return ids


@wrong("fit_context", says="raise ValueError.")
def no_check(ids, n_positions):
    start, step = 0, max(1, n_positions // 2)
    while len(ids) - start > n_positions:
        start += step
    return ids[start:]


@wrong("fit_context", says="for ever")
def never_ends(ids, n_positions):
    start = 0
    while len(ids) - start > n_positions:
        start += n_positions // 2
    return ids[start:]


@wrong("fit_context", says="before you divide")
def no_check_at_all(ids, n_positions):
    half = n_positions // 2
    return ids[math.ceil(max(0, len(ids) - n_positions) / half) * half :]


@wrong("fit_context", says="short enough")
def checked_too_late(ids, n_positions):
    if len(ids) <= n_positions:
        return ids
    checked(n_positions)
    while len(ids) > n_positions:
        ids = ids[n_positions // 2 :]
    return ids


@wrong("fit_context", says="0 is below 2")
def one_is_refused(ids, n_positions):
    if n_positions == 1:
        raise ValueError("too few")
    return no_check(ids, n_positions)


@wrong("fit_context", says="changes what it was given")
def deletes(ids, n_positions):
    checked(n_positions)
    while len(ids) > n_positions:
        del ids[: n_positions // 2]
    return ids


@wrong("fit_context", says="slice indices")
def number_of_tokens(ids, n_positions):
    checked(n_positions)
    too_many = max(0, len(ids) - n_positions)
    return ids[math.ceil(too_many / (n_positions / 2)) * n_positions / 2 :]


slips(
    "fit_context",
    never_empty=("no token at all", edit("    too_many, step", "    ids[0]\n    too_many, step")),
    at_most_512=("1,000", edit("return ids[cuts * step :]", "return ids[min(cuts * step, 512) :]")),
    negative_goes=("-4 positions", edit("n_positions < 2", "n_positions in (0, 1)")),
)


ROWS = "self.keys, self.values = self.keys[rows], self.values[rows]"
slips(
    "KeyValueCache",
    empty_stays=(None, edit(ROWS, f"if self.length:\n            {ROWS}")),
    through_float32=("less 10⁹", edit("] = keys", "] = keys.float()", "] = values", "] = values.float()")),
    first_may_be_too_long=("5 positions at once", edit("end > self.capacity", "end > self.capacity and self.length")),
)
