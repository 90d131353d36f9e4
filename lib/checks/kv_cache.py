"""Checks of notebook 13: the cache, attention through it, masks, prompts of unequal length, a whole GPT, overflow.

The file is long because every mistake is written out.
"""

import torch
from torch import nn

from lib import cache as caches
from lib.attention import MultiHeadAttention, causal_mask, join_heads, split_heads
from lib.checks.core import Exercise
from lib.checks.probing import fill, raises
from lib.decoding import generate
from lib.gpt import GPT

KeyValueCache = Exercise(caches.KeyValueCache)
cached_attention = Exercise(caches.cached_attention)
prefill_mask = Exercise(caches.prefill_mask)
pad_left = Exercise(caches.pad_left, returns=("ids", "empty"))
read_on = Exercise(generate.read_on)
fit_context = Exercise(caches.fit_context)


def normal(*shape, rng):
    return torch.randn(*shape, generator=rng)


# --------------------------------------------------------------------------------------------------- KeyValueCache


def _some(new, rng, batch=2):
    """Keys and values of new positions: 3 heads, d_head 5."""
    return normal(batch, 3, new, 5, rng=rng), normal(batch, 3, new, 5, rng=rng)


@KeyValueCache.probe("shapes: 2 positions, then 1, into a cache for 7")
def _(answer, rng):
    made = answer(2, 3, 7, 5)
    shapes = {}
    for i, new in enumerate((2, 1), start=1):
        result = made.extend(*_some(new, rng))
        pair = result if isinstance(result, tuple | list) and len(result) == 2 else (result, result)
        keys, values = (list(part.shape) if isinstance(part, torch.Tensor) else part for part in pair)
        shapes |= {f"the shape of the keys after extend number {i}": keys, f"that of the values, {i}": values}
        shapes[f"the length after extend number {i}"] = made.length
    return shapes


@KeyValueCache.probe("3 positions, then 1, then 2, into a cache for 6: what extend returns each time")
def _(answer, rng):
    made = answer(2, 3, 6, 5)
    return [tuple(part.clone() for part in made.extend(*_some(new, rng))) for new in (3, 1, 2)]


@KeyValueCache.probe("a cache for 4 positions that gets 3 and then 2")
def _(answer, rng):
    made = answer(2, 3, 4, 5)
    made.extend(*_some(3, rng))
    said = raises(ValueError, made.extend, *_some(2, rng))
    return {"what extend does": said, "the length afterwards": made.length}


@KeyValueCache.probe("the keys that were given are changed by their owner afterwards")
def _(answer, rng):
    made, (keys, values) = answer(2, 3, 7, 5), _some(2, rng)
    made.extend(keys, values)
    keys.zero_(), values.zero_()
    return tuple(part.clone() for part in made.extend(*_some(1, rng)))


@KeyValueCache.probe("float64, by `like`, and the capacity")
def _(answer, rng):
    made = answer(2, 3, 4, 5, like=torch.zeros(1, dtype=torch.float64))
    keys, values = (part.double() for part in _some(4, rng))
    return *made.extend(keys, values), made.capacity


def _reordered(answer, rng, rows, batch=2):
    made = answer(batch, 3, 7, 5)
    made.extend(*_some(3, rng, batch))
    made.reorder(torch.tensor(rows))
    after = made.extend(*_some(2, rng, len(rows)))
    return {"the keys": after[0], "the values": after[1], "the length": made.length}


@KeyValueCache.probe("reorder([2, 0, 1, 1]) of 4 rows, then 2 more positions")
def _(answer, rng):
    return _reordered(answer, rng, [2, 0, 1, 1], batch=4)


@KeyValueCache.probe("reorder([1]) of 3 rows: two have ended")
def _(answer, rng):
    return _reordered(answer, rng, [1], batch=3)


class _Cache(caches.KeyValueCache):
    """What the wrong ones below change one thing of."""

    def put(self, keys, values, start, end):
        self.keys[:, :, start:end], self.values[:, :, start:end] = keys, values
        self.length = end


class _Slides(_Cache):
    def extend(self, keys, values):
        over = self.length + keys.shape[2] - self.capacity
        if over > 0:
            self.put(self.keys[:, :, over : self.length].clone(), self.values[:, :, over : self.length].clone(), 0,
                     self.length - over)  # fmt: skip
        return super().extend(keys, values)


KeyValueCache.mistake("a full cache takes more without a word: raise ValueError when they do not fit.")(_Slides)


@KeyValueCache.mistake("extend returns the new positions only: attention needs all of them, the old ones in front.")
class OnlyNew(_Cache):
    def extend(self, keys, values):
        super().extend(keys, values)
        return keys, values


@KeyValueCache.mistake("the first token is forgotten: positions 0 to length - 1 all count, the slice starts at 0.")
class ForgetsTheFirst(_Cache):
    def extend(self, keys, values):
        return tuple(part[:, :, 1:] for part in super().extend(keys, values))


@KeyValueCache.mistake(
    "extend returns the whole buffer: from `length` on it holds whatever was in memory. Cut it there."
)
class WholeBuffer(_Cache):
    def extend(self, keys, values):
        super().extend(keys, values)
        return self.keys, self.values


@KeyValueCache.mistake("`length` does not grow: the next positions overwrite these.")
class NeverGrows(_Cache):
    def extend(self, keys, values):
        result = super().extend(keys, values)
        self.length = 0
        return result


@KeyValueCache.mistake("`length` grows by 1 whatever comes: several positions may be new, `keys.shape[2]` of them.")
class GrowsByOne(_Cache):
    def extend(self, keys, values):
        start, end = self.length, self.length + keys.shape[2]
        self.put(keys, values, start, end)
        self.length = start + 1
        return self.keys[:, :, :end], self.values[:, :, :end]


@KeyValueCache.mistake("the new positions stand in front of the old: they belong after them.")
class InFront(_Cache):
    def extend(self, keys, values):
        old = self.keys[:, :, : self.length].clone(), self.values[:, :, : self.length].clone()
        super().extend(keys, values)
        both = torch.cat([keys, old[0]], 2), torch.cat([values, old[1]], 2)
        self.put(*both, 0, self.length)
        return both


@KeyValueCache.mistake("keys and values are mixed up: each has its own buffer, and the keys are returned first.")
class Swapped(_Cache):
    def extend(self, keys, values):
        return super().extend(values, keys)


@KeyValueCache.mistake("the values are the keys: they have a buffer of their own.")
class KeysTwice(_Cache):
    def extend(self, keys, values):
        return super().extend(keys, keys)


@KeyValueCache.mistake("an exactly full cache is refused: 6 positions fit into 6.")
class RefusesTheLast(_Cache):
    def extend(self, keys, values):
        if self.length + keys.shape[2] >= self.capacity:
            raise ValueError("full")
        return super().extend(keys, values)


@KeyValueCache.mistake("reorder changes nothing: row i must go on with what row rows[i] has seen.")
class KeepsOrder(_Cache):
    def reorder(self, rows):
        old = self.keys, self.values
        self.keys, self.values = (part.new_zeros(len(rows), *part.shape[1:]) for part in old)
        n = min(len(rows), len(old[0]))
        self.keys[:n], self.values[:n] = old[0][:n], old[1][:n]


@KeyValueCache.mistake("reorder moves the keys and not the values: they belong together.")
class OnlyKeys(_Cache):
    def reorder(self, rows):
        self.keys = self.keys[rows]


@KeyValueCache.mistake("rows are sent the wrong way: row i comes from rows[i], it does not go there.")
class WrongWay(_Cache):
    def reorder(self, rows):
        keys, values = self.keys.clone(), self.values.clone()
        keys[rows], values[rows] = self.keys, self.values
        self.keys, self.values = keys, values


@KeyValueCache.mistake("a row is overwritten while another still needs it: copy all rows first (`keys[rows]` does).")
class Overwrites(_Cache):
    def reorder(self, rows):
        for i, row in enumerate(rows.tolist()):
            self.keys[i], self.values[i] = self.keys[row].clone(), self.values[row].clone()


@KeyValueCache.mistake("reorder empties the cache: what was seen stays, in another order; `length` does not change.")
class StartsAnew(_Cache):
    def reorder(self, rows):
        super().reorder(rows)
        self.length = 0


@KeyValueCache.mistake("a refused extend changes `length`: look whether there is room before you change anything.")
class RefusesTooLate(_Cache):
    def extend(self, keys, values):
        start, self.length = self.length, self.length + keys.shape[2]
        if self.length > self.capacity:
            raise ValueError("full")
        self.put(keys, values, start, self.length)
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


@KeyValueCache.mistake("the number of rows stays: there may be fewer or more afterwards, so make new tensors.")
class InPlace(_Cache):
    def reorder(self, rows):
        self.keys[:], self.values[:] = self.keys[rows], self.values[rows]


@KeyValueCache.mistake("the given keys are kept, not copied: when their owner changes them, your cache changes.")
class KeepsTheirs(_Cache):
    kept = None

    def extend(self, keys, values):
        self.kept = [*(self.kept or []), (keys, values)]
        self.length += keys.shape[2]
        return tuple(torch.cat(parts, 2) for parts in zip(*self.kept, strict=True))


# ------------------------------------------------------------------------------------------------- cached_attention


def _layer(rng, d_model=6, n_heads=3):
    return fill(MultiHeadAttention(d_model, n_heads, bias=True), rng)


def _empty(batch=2, capacity=7, n_heads=3, d_head=2):
    return caches.KeyValueCache(batch, n_heads, capacity, d_head)


def _in_pieces(answer, layer, x, cache, sizes, empty=None):
    """The outputs for x, read in pieces of these sizes, and what the cache holds then."""
    results = []
    for piece in x.split(sizes, dim=1):
        new = piece.shape[1]
        mask = None if new == 1 and empty is None else caches.prefill_mask(new, cache.length, empty)
        results.append(answer(layer, piece, cache, mask))
    return results


@cached_attention.probe("one position and an empty cache")
@torch.no_grad()
def _(answer, rng):
    return answer(_layer(rng), normal(2, 1, 6, rng=rng), _empty())


@cached_attention.probe("3 positions, one after the other")
@torch.no_grad()
def _(answer, rng):
    cache = _empty()
    results = _in_pieces(answer, _layer(rng), normal(2, 3, 6, rng=rng), cache, [1, 1, 1])
    return {"the outputs": results, "cache.length afterwards": cache.length}


@cached_attention.probe("a prompt of 4 with its mask, then one position")
@torch.no_grad()
def _(answer, rng):
    return _in_pieces(answer, _layer(rng), normal(2, 5, 6, rng=rng), _empty(), [4, 1])


@cached_attention.probe("2 positions, then 3 with a mask that hides padding in one of the rows")
@torch.no_grad()
def _(answer, rng):
    x, empty = normal(2, 5, 6, rng=rng), torch.tensor([0, 2])
    return _in_pieces(answer, _layer(rng), x, _empty(), [2, 3], empty)[1]


@cached_attention.probe("a layer that keeps its weights: attend is asked, as in MultiHeadAttention")
@torch.no_grad()
def _(answer, rng):
    layer = _layer(rng)
    layer.keep_weights = True
    _in_pieces(answer, layer, normal(2, 3, 6, rng=rng), _empty(), [2, 1])
    return layer.weights


def _projected(layer, x):
    return (split_heads(part(x), layer.n_heads) for part in (layer.to_q, layer.to_k, layer.to_v))


@cached_attention.mistake("the cache is not used: keys and values of the earlier positions come from cache.extend.")
def ignores_the_cache(layer, x, cache, mask=None):
    q, k, v = _projected(layer, x)
    return layer.to_out(join_heads(layer.attend(q, k, v, None if mask is None else mask[..., -x.shape[1] :])))


@cached_attention.mistake("the cache is not used: keys and values of the earlier positions come from cache.extend.")
def the_layer_itself(layer, x, cache, mask=None):
    return layer(x)


@cached_attention.mistake("what extend returns is not used: all positions so far are keys, not the new ones only.")
def extends_and_ignores(layer, x, cache, mask=None):
    q, k, v = _projected(layer, x)
    cache.extend(k, v)
    return layer.to_out(join_heads(layer.attend(q, k, v, None if mask is None else mask[..., -x.shape[1] :])))


@cached_attention.mistake("new positions do not see themselves: extend first, and attend to what that returns.")
def extends_afterwards(layer, x, cache, mask=None):
    q, k, v = _projected(layer, x)
    if not cache.length:
        return layer.to_out(join_heads(layer.attend(q, *cache.extend(k, v), mask)))
    keys, values = (part[:, :, : cache.length].clone() for part in (cache.keys, cache.values))
    cache.extend(k, v)
    return layer.to_out(join_heads(layer.attend(q, keys, values, None if mask is None else mask[..., : keys.shape[2]])))


@cached_attention.mistake("the cache is extended twice: once a call, with the new keys and values.")
def extends_twice(layer, x, cache, mask=None):
    q, k, v = _projected(layer, x)
    cache.extend(k, v)
    return layer.to_out(join_heads(layer.attend(q, *cache.extend(k, v), None)))


@cached_attention.mistake("the first token is forgotten: use all that extend returns.")
def forgets_the_first(layer, x, cache, mask=None):
    q, k, v = _projected(layer, x)
    keys, values = (part[:, :, 1:] if part.shape[2] > 1 else part for part in cache.extend(k, v))
    mask = mask if mask is None or mask.shape[-1] == keys.shape[2] else mask[..., 1:]
    return layer.to_out(join_heads(layer.attend(q, keys, values, mask)))


@cached_attention.mistake("the mask is not used: in a prompt, the early positions see the later ones.")
def without_mask(layer, x, cache, mask=None):
    q, k, v = _projected(layer, x)
    return layer.to_out(join_heads(layer.attend(q, *cache.extend(k, v), None)))


@cached_attention.mistake("a causal mask of your own: which rows and keys are hidden is in the `mask` that is given.")
def own_mask(layer, x, cache, mask=None):
    q, k, v = _projected(layer, x)
    own = caches.prefill_mask(x.shape[1], cache.length)
    return layer.to_out(join_heads(layer.attend(q, *cache.extend(k, v), own)))


@cached_attention.mistake("`to_out` is missing at the end.")
def without_output(layer, x, cache, mask=None):
    q, k, v = _projected(layer, x)
    return join_heads(layer.attend(q, *cache.extend(k, v), mask))


@cached_attention.mistake("keys and values are mixed up: extend takes and returns the keys first.")
def swapped(layer, x, cache, mask=None):
    q, k, v = _projected(layer, x)
    return layer.to_out(join_heads(layer.attend(q, *cache.extend(v, k), mask)))


@cached_attention.mistake("the keys come from to_q: to_k makes the keys.")
def keys_from_q(layer, x, cache, mask=None):
    q, _, v = _projected(layer, x)
    return layer.to_out(join_heads(layer.attend(q, *cache.extend(q, v), mask)))


@cached_attention.mistake("the weights are not made by `layer.attend`, which keeps them where they are wanted.")
def own_kernel(layer, x, cache, mask=None):
    q, k, v = _projected(layer, x)
    keys, values = cache.extend(k, v)
    mixed = nn.functional.scaled_dot_product_attention(q, keys, values, attn_mask=mask)
    return layer.to_out(join_heads(mixed))


# ------------------------------------------------------------------------------------------------------ prefill_mask


@prefill_mask.probe("4 new positions, none before")
def _(answer, rng):
    return answer(4)


@prefill_mask.probe("2 new positions after 3")
def _(answer, rng):
    return answer(2, 3)


@prefill_mask.probe("3 new positions, none before, and 0, 2 and 1 empty columns")
def _(answer, rng):
    return answer(3, 0, torch.tensor([0, 2, 1]))


@prefill_mask.probe("2 new positions after 3, and 4 and 0 empty columns")
def _(answer, rng):
    return answer(2, 3, torch.tensor([4, 0]))


@prefill_mask.probe("2 new positions after 1, and 2 rows without an empty column")
def _(answer, rng):
    return answer(2, 1, torch.tensor([0, 0]))


@prefill_mask.mistake("with `empty` there are four axes, (batch, 1, new, before + new), also when it holds zeros only.")
def two_axes_without_padding(new, before=0, empty=None):
    return caches.prefill_mask(new, before, empty if empty is not None and empty.any() else None)


@prefill_mask.mistake("the cached positions are left out: the mask has before + new columns.")
def only_new(new, before=0, empty=None):
    return causal_mask(new)


@prefill_mask.mistake(
    "the old positions are hidden in part: new position i stands at before + i and sees 0 to before + i."
)
def not_shifted(new, before=0, empty=None):
    return torch.ones(new, before + new, dtype=torch.bool).tril()


@prefill_mask.mistake("position before + i does not see itself: the diagonal belongs to it.")
def not_itself(new, before=0, empty=None):
    return torch.ones(new, before + new, dtype=torch.bool).tril(before - 1)


@prefill_mask.mistake("everybody sees one position of the future.")
def one_too_many(new, before=0, empty=None):
    return torch.ones(new, before + new, dtype=torch.bool).tril(before + 1)


@prefill_mask.mistake("new positions see the future: new position i sees 0 to before + i, no further.")
def sees_all(new, before=0, empty=None):
    return torch.ones(new, before + new, dtype=torch.bool)


@prefill_mask.mistake("rows and columns are swapped: one row for each new position, one column for each of all.")
def transposed(new, before=0, empty=None):
    return caches.prefill_mask(new, before, empty).transpose(-2, -1)


@prefill_mask.mistake("it is turned round: True is where looking is allowed.")
def inverted(new, before=0, empty=None):
    return ~caches.prefill_mask(new, before, empty)


@prefill_mask.mistake("there is a row for each cached position too: the mask has one for each new position only.")
def square(new, before=0, empty=None):
    return causal_mask(before + new)


@prefill_mask.mistake("the numbers are no bools: ask for dtype=torch.bool.")
def floats(new, before=0, empty=None):
    return caches.prefill_mask(new, before, empty).float()


@prefill_mask.mistake("`empty` is not used: nobody may see the first empty[row] columns of a row.")
def ignores_empty(new, before=0, empty=None):
    return caches.prefill_mask(new, before, None if empty is None else torch.zeros_like(empty))


@prefill_mask.mistake("one real column too many is hidden: columns 0 to empty - 1 are padding, column empty is a word.")
def one_more_hidden(new, before=0, empty=None):
    return caches.prefill_mask(new, before, None if empty is None else empty + 1)


@prefill_mask.mistake("the last column of padding can be seen: columns 0 to empty - 1 are all padding.")
def one_less_hidden(new, before=0, empty=None):
    return caches.prefill_mask(new, before, None if empty is None else (empty - 1).clamp(min=0))


@prefill_mask.mistake("padding is hidden at the right: it stands at the left, so that the last column is everybody's.")
def hidden_right(new, before=0, empty=None):
    mask = caches.prefill_mask(new, before)
    if empty is None:
        return mask
    return mask & (torch.arange(before + new) < before + new - empty[:, None])[:, None, None, :]


@prefill_mask.mistake("the axis for the heads is missing: (batch, 1, new, before + new).")
def no_head_axis(new, before=0, empty=None):
    mask = caches.prefill_mask(new, before, empty)
    return mask if empty is None else mask[:, 0]


@prefill_mask.mistake("`empty` hides queries: it is about the columns, the keys that nobody may see.")
def hides_queries(new, before=0, empty=None):
    mask = caches.prefill_mask(new, before)
    if empty is None:
        return mask
    return mask & (torch.arange(before, before + new) >= empty[:, None])[:, None, :, None]


@prefill_mask.mistake("with `empty`, the future can be seen: hide both, `&`.")
def only_padding(new, before=0, empty=None):
    if empty is None:
        return caches.prefill_mask(new, before)
    return (torch.arange(before + new) >= empty[:, None])[:, None, None, :].expand(-1, 1, new, -1)


# ---------------------------------------------------------------------------------------------------------- pad_left


@pad_left.probe("the prompts [7, 8, 9] and [5]")
def _(answer, rng):
    return answer([[7, 8, 9], [5]])


@pad_left.probe("prompts of 2, 5 and 3 tokens, in this order")
def _(answer, rng):
    return answer([torch.randint(1, 23, (length,), generator=rng).tolist() for length in (2, 5, 3)])


@pad_left.probe("[4, 0, 0] and [0], where 0 is a token as well as the padding")
def _(answer, rng):
    return answer([[4, 0, 0], [0]])


@pad_left.probe("the prompts [10] and [2, 3, 4], padding=9")
def _(answer, rng):
    return answer([[10], [2, 3, 4]], 9)


def _padded(prompts, longest, row):
    return torch.tensor([row(list(prompt), longest - len(prompt)) for prompt in prompts])


@pad_left.mistake(
    "the padding stands after the tokens: fill up in front, so that the last column holds everybody's newest token."
)
def after(prompts, padding=0):
    return _padded(prompts, max(map(len, prompts)), lambda p, n: p + [padding] * n), caches.pad_left(prompts)[1]


@pad_left.mistake("the prompts stand in another order: row i is prompt i, or the texts come back to the wrong people.")
def by_length(prompts, padding=0):
    return caches.pad_left(sorted(prompts, key=len, reverse=True), padding)


@pad_left.mistake("the prompts stand in another order: row i is prompt i, or the texts come back to the wrong people.")
def shortest_first(prompts, padding=0):
    return caches.pad_left(sorted(prompts, key=len), padding)


@pad_left.mistake("the tokens stand backwards.")
def backwards(prompts, padding=0):
    return caches.pad_left([list(prompt)[::-1] for prompt in prompts], padding)


@pad_left.mistake("`empty` counts the real tokens: it is the number of padding columns.")
def lengths(prompts, padding=0):
    return caches.pad_left(prompts, padding)[0], torch.tensor([len(prompt) for prompt in prompts])


@pad_left.mistake(
    "`empty` is found by looking for the padding's number, but a prompt may hold it as a token: use lengths."
)
def by_value(prompts, padding=0):
    ids, _ = caches.pad_left(prompts, padding)
    return ids, (ids == padding).sum(dim=1)


@pad_left.mistake("`padding` is not used: it is 0 only when nothing else is given.")
def always_zero(prompts, padding=0):
    return caches.pad_left(prompts)


@pad_left.mistake("`empty` is a mask of all columns: one number a row is asked for.")
def mask_instead(prompts, padding=0):
    ids, empty = caches.pad_left(prompts, padding)
    return ids, torch.arange(ids.shape[1]) < empty[:, None]


@pad_left.mistake("a mask of all columns is returned for `empty`: one number a row is asked for.")
def real_instead(prompts, padding=0):
    ids, empty = caches.pad_left(prompts, padding)
    return ids, torch.arange(ids.shape[1]) >= empty[:, None]


@pad_left.mistake("the prompts are cut to the shortest: nothing of a prompt may be lost.")
def cut(prompts, padding=0):
    shortest = min(map(len, prompts))
    return caches.pad_left([list(prompt)[-shortest:] for prompt in prompts], padding)


@pad_left.mistake(
    "`max(prompts)` compares the tokens, not how many there are: take max(len(prompt) for prompt in prompts)."
)
def largest_prompt(prompts, padding=0):
    longest = len(max(prompts))
    empty = [longest - len(prompt) for prompt in prompts]
    rows = [[padding] * count + list(prompt) for count, prompt in zip(empty, prompts, strict=True)]
    return torch.tensor(rows), torch.tensor(empty)


@pad_left.mistake("there is a column of padding too many: the longest prompt needs none.")
def one_too_wide(prompts, padding=0):
    ids, empty = caches.pad_left(prompts, padding)
    return nn.functional.pad(ids, (1, 0), value=padding), empty + 1


# ----------------------------------------------------------------------------------------------------------- read_on


def _gpt(rng, n_layers=2):
    return fill(GPT(11, 9, 6, 2, n_layers), rng).eval()


def _caches(model, batch, capacity=9):
    return [caches.KeyValueCache(batch, 2, capacity, 3) for _ in model.blocks]


def _ids(rng, *shape):
    return torch.randint(11, shape, generator=rng)


@read_on.probe("a prompt of 4 tokens, 2 rows")
@torch.no_grad()
def _(answer, rng):
    model = _gpt(rng)
    return answer(model, _ids(rng, 2, 4), _caches(model, 2))


@read_on.probe("one row: one token, then another, then another")
@torch.no_grad()
def _(answer, rng):
    model = _gpt(rng)
    memory = _caches(model, 1)
    return [answer(model, ids, memory) for ids in _ids(rng, 1, 3).split(1, dim=1)]


@read_on.probe("a GPT of 3 blocks; a prompt of 3 tokens, then 2 more at once, then 1")
@torch.no_grad()
def _(answer, rng):
    model = _gpt(rng, n_layers=3)
    memory = _caches(model, 2)
    return [answer(model, ids, memory) for ids in _ids(rng, 2, 6).split([3, 2, 1], dim=1)]


@read_on.probe("3 rows of 4 columns, of which 0, 2 and 1 are padding")
@torch.no_grad()
def _(answer, rng):
    model = _gpt(rng)
    return answer(model, _ids(rng, 3, 4), _caches(model, 3), torch.tensor([0, 2, 1]))


@read_on.probe("the same rows, and one token more")
@torch.no_grad()
def _(answer, rng):
    model = _gpt(rng)
    memory, empty = _caches(model, 3), torch.tensor([0, 2, 1])
    return [answer(model, ids, memory, empty) for ids in _ids(rng, 3, 5).split([4, 1], dim=1)]


def _run(model, x, memory, mask):
    for block, cache in zip(model.blocks, memory, strict=True):
        x = caches.cached_block(block, x, cache, mask)
    return x


def _positions(new, before, empty):
    columns = torch.arange(before, before + new)
    return columns if empty is None else (columns - empty[:, None]).clamp(min=0)


def _embedded(model, ids, positions):
    return model.embedding(ids) + model.positions.table[positions]


def _mask(new, before, empty):
    return caches.prefill_mask(new, before, empty)


@read_on.mistake("positions start at 0 in every call: the first new token stands at position `before`.")
def no_offset(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, 0, empty))
    return model.logits(_run(model, x, memory, _mask(new, before, empty))[:, -1])


@read_on.mistake("positions are off by one: with `before` tokens in the cache, the first new one stands at `before`.")
def offset_by_one(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before + 1, empty))
    return model.logits(_run(model, x, memory, _mask(new, before, empty))[:, -1])


@read_on.mistake("no position is added to the embedding.")
def no_positions(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    return model.logits(_run(model, model.embedding(ids), memory, _mask(new, before, empty))[:, -1])


@read_on.mistake("no mask: in a prompt, early positions see the later ones.")
def no_mask(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, empty))
    return model.logits(_run(model, x, memory, None)[:, -1])


@read_on.mistake("all positions' logits are returned: only the last one's say what comes next, (batch, vocab).")
def all_positions(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, empty))
    return model.logits(_run(model, x, memory, _mask(new, before, empty)))


@read_on.mistake("the position's axis is still there: x[:, -1] takes it away, x[:, -1:] keeps it.")
def keeps_axis(model, ids, memory, empty=None):
    return generate.read_on(model, ids, memory, empty)[:, None]


@read_on.mistake("the logits are those of the first new position: the last one's say what comes next.")
def first_position(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, empty))
    return model.logits(_run(model, x, memory, _mask(new, before, empty))[:, 0])


@read_on.mistake("`empty` is not used: padding is seen and counts as positions.")
def ignores_the_empty(model, ids, memory, empty=None):
    return generate.read_on(model, ids, memory)


@read_on.mistake("the caches are not used: nothing of the earlier tokens is known.")
def without_caches(model, ids, memory, empty=None):
    return model(ids)[:, -1]


@read_on.mistake("one cache serves all blocks: each block has keys and values of its own.")
def one_cache(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, empty))
    for block in model.blocks:
        seen = memory[0].length
        x = caches.cached_block(block, x, memory[0], _mask(new, seen, empty))
    return model.logits(x[:, -1])


@read_on.mistake("the mask does not know of the cached positions: prefill_mask(new, before, empty).")
def mask_without_before(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, empty))
    mask = torch.ones(new, before + new, dtype=torch.bool).tril()
    if empty is not None:
        mask = mask & (torch.arange(before + new) >= empty[:, None])[:, None, None, :]
    return model.logits(_run(model, x, memory, mask)[:, -1])


@read_on.mistake("one new token after padding needs a mask too: only without `empty` can it be left out.")
def no_mask_for_one(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, empty))
    return model.logits(_run(model, x, memory, None if new == 1 else _mask(new, before, empty))[:, -1])


@read_on.mistake("the mask is left out after a prompt: several new tokens need it there too, or they see each other.")
def mask_for_the_prompt_only(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, empty))
    return model.logits(_run(model, x, memory, None if before else _mask(new, before, empty))[:, -1])


@read_on.mistake("`empty` moves the prompt's positions only: in every call they are column minus `empty`.")
def empty_in_the_prompt_only(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, None if before else empty))
    return model.logits(_run(model, x, memory, _mask(new, before, empty))[:, -1])


@read_on.mistake("a batch of one row loses its axis (`squeeze`?): (batch, vocab), whatever batch is.")
def squeezed(model, ids, memory, empty=None):
    return generate.read_on(model, ids, memory, empty).squeeze()


@read_on.mistake("padding is not hidden: pass `empty` on to prefill_mask.")
def padding_seen(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, empty))
    return model.logits(_run(model, x, memory, _mask(new, before, None))[:, -1])


@read_on.mistake(
    "padding counts as positions: a row's first real token stands at position 0, its column minus `empty`."
)
def columns_as_positions(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, None))
    return model.logits(_run(model, x, memory, _mask(new, before, empty))[:, -1])


@read_on.mistake("probabilities are returned: logits are asked for.")
def softmaxed(model, ids, memory, empty=None):
    return generate.read_on(model, ids, memory, empty).softmax(-1)


@read_on.mistake("the final norm is missing: model.logits has it, the table alone does not.")
def no_norm(model, ids, memory, empty=None):
    new, before = ids.shape[1], memory[0].length
    x = _embedded(model, ids, _positions(new, before, empty))
    return _run(model, x, memory, _mask(new, before, empty))[:, -1] @ model.embedding.weight.T


# ------------------------------------------------------------------------------------------------------- fit_context


@fit_context.probe("5 tokens, 8 positions")
def _(answer, rng):
    return list(answer(list(range(5)), 8))


@fit_context.probe("8 tokens, 8 positions: exactly full")
def _(answer, rng):
    return list(answer(list(range(8)), 8))


@fit_context.probe("9 tokens and 14 tokens, 8 positions")
def _(answer, rng):
    return {f"what is left of {length} tokens": list(answer(list(range(length)), 8)) for length in (9, 14)}


@fit_context.probe("where texts of 1 to 20 tokens begin, 7 positions")
def _(answer, rng):
    return [answer(list(range(length)), 7)[0] for length in range(1, 21)]


@fit_context.probe("where texts of 1 to 9 tokens begin, 2 positions, and 3")
def _(answer, rng):
    return {n: [answer(list(range(length)), n)[0] for length in range(1, 10)] for n in (2, 3)}


class EndlessLoop(Exception):
    """What a text raises that is asked for its length, or cut, again and again."""


class _Text(list):
    """A list of ids that ends a loop which cuts nothing off: an endless one would hang the check."""

    asked = 0

    def __len__(self):
        self.asked += 1
        if self.asked > 1000:
            raise EndlessLoop
        return super().__len__()

    def __getitem__(self, place):
        part = super().__getitem__(place)
        if isinstance(part, list):
            part = _Text(part)
            part.asked = self.asked
        return part


@fit_context.probe("too few positions")
def _(answer, rng):
    tried = {"3 tokens, 1 position": (3, 1), "1 token, 1 position": (1, 1), "2 tokens, no position": (2, 0)}
    return {name: raises(ValueError, answer, _Text(range(length)), n) for name, (length, n) in tried.items()}


TOO_FEW = "n_positions below 2 has no half to give up: raise ValueError"


@fit_context.mistake(f"{TOO_FEW}.")
def takes_any(ids, n_positions):
    step = max(1, n_positions // 2)
    return ids[-(-max(0, len(ids) - n_positions) // step) * step :]


@fit_context.mistake(f"{TOO_FEW}, before you divide by it.")
def divides_by_nothing(ids, n_positions):
    step = n_positions // 2
    return ids[-(-max(0, len(ids) - n_positions) // step) * step :]


@fit_context.mistake(f"{TOO_FEW}, or your loop cuts off 0 tokens for ever.")
def loops_for_ever(ids, n_positions):
    while len(ids) > n_positions:
        ids = ids[n_positions // 2 :]
    return ids


@fit_context.mistake(f"{TOO_FEW}, also when the text is short enough.")
def refuses_long_texts_only(ids, n_positions):
    return ids if len(ids) <= n_positions else caches.fit_context(ids, n_positions)


@fit_context.mistake(f"{TOO_FEW}; 0 is below 2 as well as 1.")
def refuses_one_only(ids, n_positions):
    if n_positions == 1:
        raise ValueError("no half")
    return takes_any(ids, n_positions)


@fit_context.mistake("nothing is given up: more tokens than positions do not fit.")
def keeps_all(ids, n_positions):
    return ids


@fit_context.mistake("one token is given up at a time: every cached key would have to move. Give up half a context.")
def slides(ids, n_positions):
    return ids[-n_positions:]


@fit_context.mistake("the end is given up: what was written last is what counts.")
def keeps_the_beginning(ids, n_positions):
    return ids[:n_positions]


@fit_context.mistake("the end is given up: what was written last is what counts.")
def keeps_the_first_half(ids, n_positions):
    return ids if len(ids) <= n_positions else ids[: n_positions - n_positions // 2 + 1]


@fit_context.mistake("a text that fits exactly is cut: n_positions tokens have room.")
def cuts_a_full_one(ids, n_positions):
    step = n_positions // 2
    return ids[max(0, -(-(len(ids) + 1 - n_positions) // step)) * step :]


@fit_context.mistake("too much is given up: once one token is too many, n_positions // 2 go, not all but so many.")
def keeps_half(ids, n_positions):
    return ids if len(ids) <= n_positions else ids[-(n_positions // 2) :]


@fit_context.mistake("half is given up once only: a longer text needs it again and again.")
def once_only(ids, n_positions):
    return ids if len(ids) <= n_positions else ids[n_positions // 2 :]


@fit_context.mistake("it is rounded down, so that the rest is too long: as many steps as are needed, rounded up.")
def rounded_down(ids, n_positions):
    step = n_positions // 2
    return ids[max(0, len(ids) - n_positions) // step * step :]


@fit_context.mistake("whole contexts are given up: the step is half of one.")
def whole_contexts(ids, n_positions):
    too_many = max(0, len(ids) - n_positions)
    return ids[-(-too_many // n_positions) * n_positions :]


@fit_context.mistake("the step is rounded up: it is n_positions // 2.")
def step_rounded_up(ids, n_positions):
    step = (n_positions + 1) // 2
    return ids[-(-max(0, len(ids) - n_positions) // step) * step :]


@fit_context.mistake(
    "half of the text is given up: the step is half of the positions, so that the beginning moves seldom."
)
def halves_the_text(ids, n_positions):
    while len(ids) > n_positions:
        ids = ids[len(ids) // 2 :]
    return ids
