"""Checks of notebook 13: the cache, attention through it, masks, prompts of unequal length, a whole GPT, overflow."""

import torch

from lib import cache as caches
from lib.attention import MultiHeadAttention
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import fill, normal, raises
from lib.checks.running import Problem
from lib.decoding import generate
from lib.gpt import GPT

KeyValueCache = Exercise(caches.KeyValueCache)
cached_attention = Exercise(caches.cached_attention)
prefill_mask = Exercise(caches.prefill_mask)
pad_left = Exercise(caches.pad_left, returns=("ids", "empty"))
read_on = Exercise(generate.read_on)
fit_context = Exercise(caches.fit_context)


# --------------------------------------------------------------------------------------------------- KeyValueCache


def _some(new, rng, batch=2):
    """Keys and values of new positions: 3 heads, d_head 5."""
    return normal(batch, 3, new, 5, rng=rng), normal(batch, 3, new, 5, rng=rng)


def _made(answer, *sizes, **named):
    """A cache whose buffers are filled: what lies in memory is no zeros."""
    made = answer(*sizes, **named)
    for part in (made.keys, made.values):
        part.fill_(9)
    return made


def _pair(result):
    """The keys and values that `extend` returned, copied: views of buffers change."""
    names = "the returned keys", "the returned values"
    if not isinstance(result, tuple | list) or len(result) != 2:
        return dict.fromkeys(names, result)
    parts = (part.clone() if isinstance(part, torch.Tensor) else part for part in result)
    return dict(zip(names, parts, strict=True))


@KeyValueCache.probe("shapes: 2 positions, then 1, into a cache for 7")
def _(answer, rng):
    made = _made(answer, 2, 3, 7, 5)
    shapes = {}
    for i, new in enumerate((2, 1), start=1):
        for name, part in _pair(made.extend(*_some(new, rng))).items():
            shapes[f"call {i}: the shape of {name}"] = list(part.shape) if isinstance(part, torch.Tensor) else part
        shapes[f"call {i}: the length after it"] = made.length
    return shapes


def _numbered(results):
    return {f"call {i}: {name}": part for i, pair in enumerate(results, start=1) for name, part in pair.items()}


@KeyValueCache.probe("3 positions, then 1, then 2, into a cache for 6")
def _(answer, rng):
    made = _made(answer, 2, 3, 6, 5)
    return _numbered([_pair(made.extend(*_some(new, rng))) for new in (3, 1, 2)])


@KeyValueCache.probe("a cache for 4 positions that gets 3, then 2, then 1")
def _(answer, rng):
    made = _made(answer, 2, 3, 4, 5)
    made.extend(*_some(3, rng))
    said = raises(ValueError, made.extend, *_some(2, rng))
    found = {"what the second extend does": said, "the length after it": made.length}
    return found | _pair(made.extend(*_some(1, rng)))


@KeyValueCache.probe("the keys that were given are changed by their owner afterwards")
def _(answer, rng):
    made, (keys, values) = _made(answer, 2, 3, 7, 5), _some(2, rng)
    made.extend(keys, values)
    keys.zero_(), values.zero_()
    return _pair(made.extend(*_some(1, rng)))


@KeyValueCache.probe("one row, one head, one number, position by position")
def _(answer, rng):
    made = _made(answer, 1, 1, 3, 1)
    return _numbered([_pair(made.extend(*normal(2, 1, 1, 1, 1, rng=rng))) for _ in range(3)])


@KeyValueCache.probe("300 positions at once, and 1 more")
def _(answer, rng):
    made = _made(answer, 2, 3, 320, 5)
    return _numbered([_pair(made.extend(*_some(new, rng))) for new in (300, 1)])


@KeyValueCache.probe("two caches side by side, as two blocks have them")
def _(answer, rng):
    one, other = _made(answer, 2, 3, 7, 5), _made(answer, 2, 3, 7, 5)
    return _numbered([_pair(made.extend(*_some(2, rng))) for made in (one, other, one)])


@KeyValueCache.probe("`length` set to 0, and the second half of the buffers put in again")
def _(answer, rng):
    made = _made(answer, 2, 3, 6, 5)
    made.extend(*_some(6, rng))
    keys, values = made.keys[:, :, 3:].clone(), made.values[:, :, 3:].clone()
    made.length = 0
    made.extend(keys, values)
    return _pair(made.extend(*_some(1, rng)))


def _reordered(answer, rng, batch, *orders, first=None):
    made = _made(answer, batch, 3, 7, 5)
    if first is not None:
        made.reorder(torch.tensor(first))
    made.extend(*_some(3, rng, len(first or range(batch))))
    for rows in orders:
        made.reorder(torch.tensor(rows))
    return _pair(made.extend(*_some(2, rng, len(rows)))) | {"the length": made.length}


@KeyValueCache.probe("reorder([2, 0, 1, 1]) of 4 rows, then 2 more positions")
def _(answer, rng):
    return _reordered(answer, rng, 4, [2, 0, 1, 1])


@KeyValueCache.probe("reorder([1]) of 3 rows: two have ended")
def _(answer, rng):
    return _reordered(answer, rng, 3, [1])


@KeyValueCache.probe(
    "an empty cache for 3 rows, reorder([2, 0]), then reorder([1, 0, 1, 1, 0]), then reorder([4, 2, 0])"
)
def _(answer, rng):
    return _reordered(answer, rng, 3, [1, 0, 1, 1, 0], [4, 2, 0], first=[2, 0])


@KeyValueCache.probe("float64, by `like`: digits that float32 has not, two rows of 4 of which the others are infinite")
def _(answer, rng):
    made = _made(answer, 4, 3, 4, 5, like=torch.zeros(1, dtype=torch.float64))
    keys, values = (part.double() + 1e9 for part in _some(3, rng, 4))
    keys[::2] = torch.inf
    made.extend(keys, values)
    made.reorder(torch.tensor([1, 3]))
    found = _pair(made.extend(*(part.double() + 1e9 for part in _some(1, rng))))
    less = {f"{name}, less 10⁹": part - 1e9 if isinstance(part, torch.Tensor) else part for name, part in found.items()}
    return less | {"the capacity": made.capacity}


@KeyValueCache.probe("5 positions at once into a cache for 4")
def _(answer, rng):
    return {"what extend does": raises(ValueError, _made(answer, 2, 3, 4, 5).extend, *_some(5, rng))}


RETURNED = "return self.keys[:, :, :end], self.values[:, :, :end]"
FULL = 'raise ValueError(f"position {end - 1} does not fit into a cache of {self.capacity} positions")'
MOVED = "self.keys, self.values = self.keys[rows], self.values[rows]"
BUFFERS = "        self.keys[:, :, self.length : end] = keys\n        self.values[:, :, self.length : end] = values\n"
# fmt: off
KeyValueCache.mistakes(
    slides=(
        "a full cache takes more without a word: raise ValueError when they do not fit.",
        edit(
            FULL,
            "over = end - self.capacity\n"
            "            old = [part[:, :, over : self.length].clone() for part in (self.keys, self.values)]\n"
            "            self.length, end = self.length - over, self.capacity\n"
            "            self.keys[:, :, : self.length], self.values[:, :, : self.length] = old",
        ),
        edit(
            FULL,
            "keys, values = keys[:, :, : self.capacity - end], values[:, :, : self.capacity - end]\n"
            "            end = self.capacity",
        ),
    ),
    no_error_of_its_own=("what does not fit is to be refused by a ValueError, before anything is changed.",
        edit(FULL, "pass")),
    only_new=("extend returns the new positions only: attention needs all of them, the old ones in front.",
        edit(RETURNED, "return keys, values")),
    forgets_the_first=("the first token is forgotten: positions 0 to length - 1 all count, the slice starts at 0.",
        edit("[:, :, :end]", "[:, :, 1:end]")),
    whole_buffer=("extend returns the whole buffer: from `length` on it holds whatever was in memory. Cut it there.",
        edit(RETURNED, "return self.keys, self.values")),
    never_grows=("`length` does not grow: the next positions overwrite these.", edit("self.length = end", "pass")),
    grows_by_one=("`length` grows by 1 whatever comes: several positions may be new, `keys.shape[2]` of them.",
        edit("self.length = end", "self.length += 1")),
    in_front=(
        "the new positions stand in front of the old: they belong after them.",
        edit(
            BUFFERS,
            "        keys = torch.cat([keys, self.keys[:, :, : self.length]], 2)\n"
            "        values = torch.cat([values, self.values[:, :, : self.length]], 2)\n"
            "        self.keys[:, :, :end], self.values[:, :, :end] = keys, values\n",
        ),
    ),
    swapped=("keys and values are mixed up: each has its own buffer, and the keys are returned first.",
        edit(RETURNED, "return self.values[:, :, :end], self.keys[:, :, :end]"),
        edit("end] = keys", "end] = swap", "end] = values", "end] = keys", "end] = swap", "end] = values")),
    keys_twice=("the values are the keys: they have a buffer of their own.", edit("end] = values", "end] = keys")),
    refuses_the_last=("an exactly full cache is refused: 6 positions fit into 6.",
        edit("end > self.capacity", "end >= self.capacity")),
    keeps_order=("reorder changes nothing: row i must go on with what row rows[i] has seen.",
        edit(MOVED, "pass"), edit(MOVED, "self.keys[rows], self.values[rows]"),
        edit(MOVED, "self.keys, self.values = self.keys[: len(rows)], self.values[: len(rows)]")),
    only_keys=("reorder moves the keys and not the values: they belong together.",
        edit(MOVED, "self.keys = self.keys[rows]")),
    wrong_way=(
        "rows are sent the wrong way: row i comes from rows[i], it does not go there.",
        edit(
            MOVED,
            "keys, values = self.keys.clone(), self.values.clone()\n"
            "        for i, row in enumerate(rows.tolist()):\n"
            "            keys[row], values[row] = self.keys[i], self.values[i]\n"
            "        self.keys, self.values = keys, values",
        ),
        edit(
            MOVED,
            "keys, values = self.keys.clone(), self.values.clone()\n"
            "        keys[rows], values[rows] = self.keys, self.values\n"
            "        self.keys, self.values = keys, values",
        ),
    ),
    overwrites=(
        "a row is overwritten while another still needs it: copy all rows first (`keys[rows]` does).",
        edit(
            MOVED,
            "for i, row in enumerate(rows.tolist()):\n"
            "            self.keys[i], self.values[i] = self.keys[row].clone(), self.values[row].clone()",
        ),
    ),
    starts_anew=("reorder empties the cache: what was seen stays, in another order; `length` does not change.",
        edit(MOVED, f"{MOVED}\n        self.length = 0")),
    refuses_too_late=("a refused extend changes `length`: look whether there is room before you change anything.",
        edit(FULL, f"self.length = end\n            {FULL}")),
    in_place=("the number of rows stays: there may be fewer or more afterwards, so make new tensors.",
        edit(MOVED, "self.keys[:], self.values[:] = self.keys[rows], self.values[rows]")),
    keeps_theirs=(
        "the given keys are kept, not copied: when their owner changes them, your cache changes.",
        edit(
            BUFFERS,
            "        self.kept = (*getattr(self, 'kept', ()), (keys, values))\n",
            RETURNED,
            "return tuple(torch.cat(parts, 2) for parts in zip(*self.kept, strict=True))",
        ),
    ),
    beside_the_buffers=(
        "keys and values are kept beside the buffers: they belong into `self.keys` and `self.values`.",
        edit(
            BUFFERS,
            "",
            "self.keys[:, :, :end], self.values[:, :, :end]",
            "self.seen",
            "        self.length = end\n",
            "        old = getattr(self, 'seen', (keys[:, :, :0], values[:, :, :0]))\n"
            "        self.seen = tuple(torch.cat(parts, 2) for parts in zip(old, (keys, values), strict=True))\n"
            "        self.length = self.seen[0].shape[2]\n",
            MOVED,
            "old = getattr(self, 'seen', (self.keys[:, :, :0], self.values[:, :, :0]))\n"
            "        self.seen = tuple(part[rows] for part in old)",
        ),
    ),
)
# fmt: on


# ------------------------------------------------------------------------------------------------- cached_attention


def _layer(rng, d_model=6, n_heads=3, bias=True):
    return fill(MultiHeadAttention(d_model, n_heads, bias), rng)


def _empty(batch=2, capacity=7, n_heads=3, d_head=2):
    return caches.KeyValueCache(batch, n_heads, capacity, d_head)


def _in_pieces(answer, layer, x, cache, sizes, empty=None):
    """The outputs for x, read in pieces of these sizes, and what the cache holds then."""
    results = {}
    for i, piece in enumerate(x.split(sizes, dim=1), start=1):
        new = piece.shape[1]
        mask = None if new == 1 and empty is None else caches.prefill_mask(new, cache.length, empty)
        results[f"the output of call {i}"] = answer(layer, piece, cache, mask)
        results[f"cache.length after call {i}"] = cache.length
    return results


@cached_attention.probe("one position and an empty cache with room for more")
@torch.no_grad()
def _(answer, rng):
    return answer(_layer(rng), normal(2, 1, 6, rng=rng), _empty())


@cached_attention.probe("3 positions, one after the other")
@torch.no_grad()
def _(answer, rng):
    return _in_pieces(answer, _layer(rng), normal(2, 3, 6, rng=rng), _empty(), [1, 1, 1])


@cached_attention.probe("a prompt of 4 with its mask, then one position")
@torch.no_grad()
def _(answer, rng):
    return _in_pieces(answer, _layer(rng), normal(2, 5, 6, rng=rng), _empty(), [4, 1])


@cached_attention.probe("2 positions, then 3, then 1, each with a mask that hides padding in one of the rows")
@torch.no_grad()
def _(answer, rng):
    x, empty = normal(2, 6, 6, rng=rng), torch.tensor([0, 2])
    found = _in_pieces(answer, _layer(rng), x, _empty(), [2, 3, 1], empty)
    return {name: part for name, part in found.items() if "call 1" not in name}


@cached_attention.probe("3 positions, then 4 more without any mask: nothing is hidden; and what the cache holds")
@torch.no_grad()
def _(answer, rng):
    layer, x, cache = _layer(rng), normal(2, 7, 6, rng=rng), _empty()
    found = [answer(layer, piece, cache) for piece in x.split([3, 4], dim=1)]
    held = {name: getattr(cache, name)[:, :, : cache.length].clone() for name in ("keys", "values")}
    return {"the second output": found[1]} | {f"the {name} in the cache": part for name, part in held.items()}


@cached_attention.probe("a layer that keeps its weights: attend is asked, as in MultiHeadAttention")
@torch.no_grad()
def _(answer, rng):
    layer = _layer(rng)
    layer.keep_weights = True
    _in_pieces(answer, layer, normal(2, 3, 6, rng=rng), _empty(), [2, 1])
    return {"the weights that the layer keeps": layer.weights}


@cached_attention.probe("one row, one head, a layer without a bias; 300 positions, then 1")
@torch.no_grad()
def _(answer, rng):
    layer, cache = _layer(rng, 4, 1, bias=False), _empty(1, 301, 1, 4)
    return _in_pieces(answer, layer, normal(1, 301, 4, rng=rng), cache, [300, 1])


@cached_attention.probe("3 positions, then 1 with a mask that hides two of them")
@torch.no_grad()
def _(answer, rng):
    layer, x, cache = _layer(rng), normal(2, 4, 6, rng=rng), _empty()
    answer(layer, x[:, :3], cache, caches.prefill_mask(3))
    return answer(layer, x[:, 3:], cache, torch.tensor([[True, False, False, True]]))


class NoPage(ValueError):
    pass


class _Paged(caches.KeyValueCache):
    """A cache with an error of its own where positions do not fit."""

    def extend(self, keys, values):
        if self.length + keys.shape[2] > self.capacity:
            raise NoPage("no page is free")
        return super().extend(keys, values)


@cached_attention.probe("2 positions, then 3 more, and caches with room for 4: the error of `extend` is asked for")
@torch.no_grad()
def _(answer, rng):
    layer, x, found = _layer(rng), normal(2, 5, 6, rng=rng), {}
    for error, cache in ((ValueError, _empty(capacity=4)), (NoPage, _Paged(2, 3, 4, 2))):
        answer(layer, x[:, :2], cache, caches.prefill_mask(2))
        said = raises(error, answer, layer, x[:, 2:], cache, caches.prefill_mask(3, 2))
        found[f"with a cache that raises {error.__name__}"] = said
    return found


EXTENDED, ATTENDED = "keys, values = cache.extend(k, v)", "layer.attend(q, keys, values, mask)"
OWN = "None if mask is None else mask[..., -x.shape[1] :]"
# fmt: off
cached_attention.mistakes(
    without_the_cache=("the cache is not used: keys and values of the earlier positions come from cache.extend.",
        edit(EXTENDED, f"keys, values, mask = k, v, {OWN}"), edit(EXTENDED, "keys, values, mask = k, v, None"),
        edit("    q = ", "    return layer(x)\n    q = "),
        edit("    q = ", f"    return layer(x, None, {OWN})\n    q = ")),
    extends_and_ignores=("what extend returns is not used: all positions so far are keys, not the new ones only.",
        edit(EXTENDED, "cache.extend(k, v)", ATTENDED, f"layer.attend(q, k, v, {OWN})"),
        edit(EXTENDED, "cache.extend(k, v)", ATTENDED, "layer.attend(q, k, v, None)")),
    extends_afterwards=(
        "new positions do not see themselves: extend first, and attend to what that returns.",
        edit(
            EXTENDED,
            "n = cache.length\n    keys, values = cache.extend(k, v)\n    if n:\n"
            "        keys, values, mask = keys[:, :, :n], values[:, :, :n], None if mask is None else mask[..., :n]",
        ),
    ),
    extends_twice=("the cache is extended twice: once a call, with the new keys and values.",
        edit(EXTENDED, f"cache.extend(k, v)\n    {EXTENDED}", ATTENDED, "layer.attend(q, keys, values, None)"),
        edit(EXTENDED, f"cache.extend(k, v)\n    {EXTENDED}")),
    forgets_the_first=(
        "the first token is forgotten: use all that extend returns.",
        edit(
            ATTENDED,
            "layer.attend(q, *((keys[:, :, 1:], values[:, :, 1:], None if mask is None else mask[..., 1:])"
            " if keys.shape[2] > 1 else (keys, values, mask)))",
        ),
    ),
    starts_anew=("a full cache is emptied: let the ValueError of `cache.extend` through.",
        edit(EXTENDED, f"cache.length *= cache.length + x.shape[1] <= cache.capacity\n    {EXTENDED}\n"
            "    mask = None if mask is None else mask[..., -cache.length :]")),
    no_mask=("the mask is not used: in a prompt, the early positions see the later ones.",
        edit(ATTENDED, "layer.attend(q, keys, values, None)")),
    own_mask=("a causal mask of your own: which rows and keys are hidden is in the `mask` that is given.",
        edit(ATTENDED, "layer.attend(q, keys, values, prefill_mask(x.shape[1], keys.shape[2] - x.shape[1]))")),
    no_output=("`to_out` is missing at the end.",
        edit(f"layer.to_out(join_heads({ATTENDED}))", f"join_heads({ATTENDED})")),
    swapped=("keys and values are mixed up: extend takes and returns the keys first.",
        edit("extend(k, v)", "extend(v, k)"), edit("keys, values = cache", "values, keys = cache")),
    keys_from_q=("the keys come from to_q: to_k makes the keys.", edit("layer.to_k", "layer.to_q")),
    own_kernel=("the weights are not made by `layer.attend`, which keeps them where they are wanted.",
        edit(ATTENDED, "torch.nn.functional.scaled_dot_product_attention(q, keys, values, attn_mask=mask)"),
        edit(ATTENDED, "torch.nn.functional.scaled_dot_product_attention(q, keys, values, mask).nan_to_num()")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------ prefill_mask

for _label, _arguments in {
    "4 new positions, none before": (4,),
    "2 new positions after 3": (2, 3),
    "3 new positions, none before, and 0, 2 and 1 empty columns": (3, 0, [0, 2, 1]),
    "2 new positions after 3, and 4 and 1 empty columns": (2, 3, [4, 1]),
    "2 new positions after 1, and 2 rows without an empty column": (2, 1, [0, 0]),
    "1 new position after 4, and 0, 3 and 1 empty columns": (1, 4, [0, 3, 1]),
    "3 new positions, none before, one row, of which 2 columns are empty: padding sees nothing": (3, 0, [2]),
    "300 new positions after 20, one row with 7 empty columns": (300, 20, [7]),
}.items():

    @prefill_mask.probe(_label)
    def _(answer, rng, arguments=_arguments):
        return answer(*(torch.tensor(part) if isinstance(part, list) else part for part in arguments))


SQUARE = "torch.ones(new, before + new, dtype=torch.bool).tril(before)"
REAL, HIDDEN = "torch.arange(before + new) >= empty[:, None]", "mask & real[:, None, None, :]"
# fmt: off
prefill_mask.mistakes(
    two_axes_without_padding=(
        "with `empty` there are four axes, (batch, 1, new, before + new), also when it holds zeros only.",
        edit("if empty is None:", "if empty is None or not empty.any():"),
    ),
    one_sees_all=("one new position sees all that is real: `empty` hides columns from it, too.",
        edit("if empty is None:", "if new == 1 or empty is None:"), edit(REAL, f"({REAL}) | (new == 1)")),
    padding_sees_itself=("what is padding itself sees nothing, not even itself.",
        edit(HIDDEN, f"{HIDDEN} | torch.eye(before + new, dtype=torch.bool)[before:]"),
        edit(HIDDEN, f"{HIDDEN} | ~({HIDDEN}).any(-1, keepdim=True)")),
    only_new=("the cached positions are left out: the mask has before + new columns.",
        edit(SQUARE, "torch.ones(new, new, dtype=torch.bool).tril()", REAL, "torch.arange(new) >= empty[:, None]"),
        edit(SQUARE, "torch.ones(new, new, dtype=torch.bool).tril()"),
        edit("    mask = ", "    return torch.ones(new, new, dtype=torch.bool).tril()\n    mask = ")),
    not_shifted=("the old positions are hidden in part: new position i stands at before + i and sees 0 to before + i.",
        edit("tril(before)", "tril()"), edit("tril(before)", "tril()", "if empty is None:", "if True:")),
    not_itself=("position before + i does not see itself: the diagonal belongs to it.",
        edit("tril(before)", "tril(before - 1)")),
    one_too_many=("everybody sees one position of the future.", edit("tril(before)", "tril(before + 1)")),
    sees_all=("new positions see the future: new position i sees 0 to before + i, no further.",
        edit(".tril(before)", ""), edit(".tril(before)", "", "if empty is None:", "if True:")),
    transposed=("rows and columns are swapped: one row for each new position, one column for each of all.",
        edit("        return mask", "        return mask.mT", f"return {HIDDEN}", f"return ({HIDDEN}).mT"),
        edit("if empty is None:", "if True:", "        return mask", "        return mask.mT")),
    inverted=("it is turned round: True is where looking is allowed.",
        edit("        return mask", "        return ~mask", f"return {HIDDEN}", f"return ~({HIDDEN})")),
    square=(
        "there is a row for each cached position too: the mask has one for each new position only.",
        edit("ones(new, before", "ones(before + new, before", "tril(before)", "tril()"),
        edit(
            "ones(new, before", "ones(before + new, before", "tril(before)", "tril()", "if empty is None:", "if True:"
        ),
    ),
    floats=("the numbers are no bools: ask for dtype=torch.bool.",
        edit(", dtype=torch.bool", "", HIDDEN, "mask * real[:, None, None, :]"),
        edit(", dtype=torch.bool", "", "if empty is None:", "if True:"), edit(", dtype=torch.bool", "")),
    ignores_the_columns=("`empty` is not used: nobody may see the first empty[row] columns of a row.",
        edit(REAL, "torch.arange(before + new) >= 0 * empty[:, None]")),
    one_more_hidden=("one real column too many is hidden: columns 0 to empty - 1 are padding, column empty is a word.",
        edit(REAL, REAL.replace(">=", ">"))),
    one_less_hidden=("the last column of padding can be seen: columns 0 to empty - 1 are all padding.",
        edit(REAL, f"{REAL} - 1")),
    hidden_right=("padding is hidden at the right: it stands at the left, so that the last column is everybody's.",
        edit(REAL, "torch.arange(before + new) < before + new - empty[:, None]")),
    no_head_axis=("the axis for the heads is missing: (batch, 1, new, before + new).",
        edit("real[:, None, None, :]", "real[:, None, :]")),
    hides_queries=("`empty` hides queries: it is about the columns, the keys that nobody may see.",
        edit(HIDDEN, "mask & real[:, None, before:, None]")),
    only_padding=("with `empty`, the future can be seen: hide both, `&`.",
        edit(HIDDEN, "real[:, None, None, :].expand(-1, 1, new, -1)"), edit(HIDDEN, "mask | real[:, None, None, :]")),
)
# fmt: on


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


@pad_left.probe("a single prompt, [6, 2]")
def _(answer, rng):
    return answer([[6, 2]])


@pad_left.probe("a prompt without a token, alone, and beside [3, 4]")
def _(answer, rng):
    names = "the ids of it alone", "its empty columns", "the ids of both", "the empty columns of both"
    return dict(zip(names, (*answer([[]]), *answer([[], [3, 4]])), strict=True))


@pad_left.probe("64 prompts of 1 to 300 tokens, ids up to 50,256, padding=50256")
def _(answer, rng):
    lengths = [300, *torch.randint(1, 300, (63,), generator=rng).tolist()]
    return answer([torch.randint(50_257, (length,), generator=rng).tolist() for length in lengths], 50_256)


ROW, EMPTY = "[padding] * count + list(prompt)", "[longest - len(prompt) for prompt in prompts]"
IDS = "torch.tensor(rows, dtype=torch.long)"
OTHER_ORDER = "the prompts stand in another order: row i is prompt i, or the texts come back to the wrong people."
ONE_A_ROW = "one number a row is asked for."
# fmt: off
pad_left.mistakes(
    after=("the padding stands after the tokens: fill up in front, so that everybody's newest token stands last.",
        edit(ROW, "list(prompt) + [padding] * count")),
    by_length=(OTHER_ORDER,
        edit("longest = max", "prompts = sorted(prompts, key=len, reverse=True)\n    longest = max")),
    shortest_first=(OTHER_ORDER, edit("longest = max", "prompts = sorted(prompts, key=len)\n    longest = max")),
    backwards=("the tokens stand backwards.", edit("list(prompt)", "list(prompt)[::-1]")),
    lengths=("`empty` counts the real tokens: it is the number of padding columns.",
        edit("torch.tensor(empty)", "torch.tensor([len(prompt) for prompt in prompts])")),
    by_value=("tokens of a prompt that equal `padding` count as padding: take the lengths of the prompts.",
        edit("torch.tensor(empty)", f"({IDS} == padding).sum(dim=1)")),
    always_zero=("`padding` is not used: it is 0 only when nothing else is given.", edit("[padding]", "[0]")),
    mask_instead=(f"`empty` is a mask of all columns: {ONE_A_ROW}",
        edit("torch.tensor(empty)", "torch.arange(longest) < torch.tensor(empty)[:, None]")),
    real_instead=(f"a mask of all columns is returned for `empty`: {ONE_A_ROW}",
        edit("torch.tensor(empty)", "torch.arange(longest) >= torch.tensor(empty)[:, None]")),
    cut=(
        "the prompts are cut to the shortest: nothing of a prompt may be lost.",
        edit(
            "longest = max(len(prompt) for prompt in prompts)",
            "longest = min(len(prompt) for prompt in prompts)\n"
            "    prompts = [list(prompt)[len(prompt) - longest :] for prompt in prompts]",
        ),
    ),
    largest_prompt=(
        "`max(prompts)` compares the tokens, not how many there are: take max(len(prompt) for prompt in prompts).",
        edit("max(len(prompt) for prompt in prompts)", "len(max(prompts))"),
    ),
    one_too_wide=("there is a column of padding too many: the longest prompt needs none.",
        edit("prompt in prompts)", "prompt in prompts) + 1")),
    floats=("the ids of prompts without a token are float32, as in torch.tensor([]): ask for int64 (dtype=torch.long).",
        edit(", dtype=torch.long", "")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------------------- read_on


def _gpt(rng, n_layers=2, vocab=11, n_positions=9):
    return fill(GPT(vocab, n_positions, 6, 2, n_layers), rng).eval()


def _read(answer, rng, shape, sizes, empty=None, n_layers=2, vocab=11, n_positions=9):
    """The logits after each piece of random ids, and how much the last cache holds then.

    Where a piece ends in somebody's padding, what its logits are is nobody's business.
    """
    model = _gpt(rng, n_layers, vocab, n_positions)
    memory = [caches.KeyValueCache(shape[0], 2, n_positions, 3) for _ in model.blocks]
    ids, found = torch.randint(vocab, shape, generator=rng), {}
    ids[:, -1] = vocab - 1
    with torch.no_grad():
        for i, piece in enumerate(ids.split(sizes, dim=1), start=1):
            arguments = (model, piece, memory) if empty is None else (model, piece, memory, torch.tensor(empty))
            logits = answer(*arguments)
            if memory[0].length > max(empty or [0]):
                found[f"the logits of call {i}"] = logits
            found[f"the length of the last cache after call {i}"] = memory[-1].length
    return found


for _label, _arguments in {
    "a prompt of 4 tokens, 2 rows": ((2, 4), [4]),
    "one row: one token, then another, then another": ((1, 3), [1, 1, 1]),
    "a GPT of 3 blocks; a prompt of 3 tokens, then 2 more at once, then 1": ((2, 6), [3, 2, 1], None, 3),
    "3 rows of 4 columns, of which 0, 2 and 1 are padding": ((3, 4), [4], [0, 2, 1]),
    "the same rows, and one token more": ((3, 5), [4, 1], [0, 2, 1]),
    "one row of 4 columns, of which 2 are padding, then 2 tokens at once": ((1, 6), [4, 2], [2]),
    "2 rows of 5 columns, of which 3 and 1 are padding, read 2 and 3 at a time": ((2, 5), [2, 3], [3, 1]),
    "3 rows without padding, `empty` all 0, of one block; 3 tokens, then 1": ((3, 4), [3, 1], [0, 0, 0], 1),
    "300 tokens, ids up to 299, then 1; a table of 320 positions": ((1, 301), [300, 1], None, 1, 300, 320),
}.items():

    @read_on.probe(_label)
    def _(answer, rng, arguments=_arguments):
        return _read(answer, rng, *arguments)


POSITIONS = "columns if empty is None else (columns - empty[:, None]).clamp(min=0)"
MASK = "None if new == 1 and empty is None else prefill_mask(new, before, empty)"
LOGITS = "model.logits(x[:, -1])"
# fmt: off
read_on.mistakes(
    no_offset=("positions start at 0 in every call: the first new token stands at position `before`.",
        edit("columns = torch.arange(before, before + new)", "columns = torch.arange(new)")),
    offset_by_one=("positions are off by one: with `before` tokens in the cache, the first new one stands at `before`.",
        edit("columns = torch.arange(before, before + new)", "columns = torch.arange(before + 1, before + new + 1)")),
    no_positions=("no position is added to the embedding.", edit(" + model.positions.table[positions]", "")),
    no_mask=("in a prompt, early positions see the later ones: `prefill_mask` hides these.",
        edit(MASK, "None"), edit(MASK, "None if empty is None else prefill_mask(1, before + new - 1, empty)")),
    no_mask_without_empty=("without `empty` the mask is needed too: a prompt's early positions see the later ones.",
        edit(MASK, "None if empty is None else prefill_mask(new, before, empty)")),
    all_positions=("all positions' logits are returned: only the last one's say what comes next, (batch, vocab).",
        edit(LOGITS, "model.logits(x)")),
    keeps_axis=("the position's axis is still there: x[:, -1] takes it away, x[:, -1:] keeps it.",
        edit(LOGITS, "model.logits(x[:, -1:])")),
    first_position=("the logits are those of the first new position: the last one's say what comes next.",
        edit(LOGITS, "model.logits(x[:, 0])")),
    without_empty=("`empty` is not used: padding is seen and counts as positions.",
        edit(POSITIONS, "columns", "before, empty)", "before, None)")),
    without_caches=("the caches are not used: nothing of the earlier tokens is known.",
        edit("    new, before", "    return model(ids)[:, -1]\n    new, before")),
    one_cache=(
        "one cache serves all blocks: each block has keys and values of its own.",
        edit(
            "x = cached_block(block, x, cache, mask)",
            "x = cached_block(block, x, caches[0], prefill_mask(new, caches[0].length, empty))",
        ),
    ),
    mask_without_before=("the mask does not know of the cached positions: prefill_mask(new, before, empty).",
        edit("prefill_mask(new, before, empty)", "prefill_mask(new, 0, empty)"),
        edit("prefill_mask(new, before, empty)", "prefill_mask(new)", " and empty is None else", " else"),
        edit(MASK, "prefill_mask(new, 0, empty)"), edit(MASK, "prefill_mask(new)")),
    no_mask_for_one=("one new token after padding needs a mask too: only without `empty` can it be left out.",
        edit(MASK, "None if new == 1 else prefill_mask(new, before, empty)")),
    mask_for_the_prompt_only=(
        "the mask is left out after a prompt: several new tokens need it there too, or they see each other.",
        edit(MASK, "None if before else prefill_mask(new, before, empty)"),
    ),
    empty_in_the_prompt_only=("`empty` moves the prompt's positions only: in every call they are column minus `empty`.",
        edit(POSITIONS, POSITIONS.replace("empty is None", "empty is None or before"))),
    hidden_at_first_only=("padding is hidden in the first call only: its keys are in the caches, so hide it in each.",
        edit(MASK, "prefill_mask(new, before, None if before else empty)")),
    empty_before_the_cached=(
        "`empty` is taken off before the cached positions are added: take it off the column, which counts them.",
        edit(POSITIONS, "before + (columns - before - (0 if empty is None else empty[:, None])).clamp(min=0)"),
    ),
    padding_seen=("padding is not hidden: pass `empty` on to prefill_mask.", edit("before, empty)", "before, None)")),
    columns_as_positions=(
        "padding counts as positions: a row's first real token stands at position 0, its column minus `empty`.",
        edit(POSITIONS, "columns"),
    ),
    softmaxed=("probabilities are returned: logits are asked for.", edit(LOGITS, f"{LOGITS}.softmax(-1)")),
    no_norm=("the final norm is missing: model.logits has it, the table alone does not.",
        edit(LOGITS, "x[:, -1] @ model.embedding.weight.T")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------- fit_context


class _Text(list):
    """A list of ids that ends a loop which cuts nothing off: an endless one would hang the check."""

    asked = 0

    def __len__(self):
        self.asked += 1
        if self.asked > 1000:
            raise Problem("endless", "your loop goes on for ever: with fewer than 2 positions it cuts off 0 tokens.")
        return super().__len__()

    def __getitem__(self, place):
        part = super().__getitem__(place)
        if isinstance(part, list):
            part = _Text(part)
            part.asked = self.asked
        return part


@fit_context.probe("5 tokens, 8 positions")
def _(answer, rng):
    return list(answer(list(range(5)), 8))


@fit_context.probe("8 tokens, 8 positions: exactly full")
def _(answer, rng):
    return list(answer(list(range(8)), 8))


@fit_context.probe("9 tokens and 14 tokens, 8 positions")
def _(answer, rng):
    return {f"what is left of {length} tokens": list(answer(list(range(length)), 8)) for length in (9, 14)}


def _starts(answer, n, lengths):
    texts = {length: answer(list(range(length)), n) for length in lengths}
    return {f"with {n} positions, the first token left of {length}": [*text, -1][0] for length, text in texts.items()}


@fit_context.probe("texts of 1 to 20 tokens, 7 positions")
def _(answer, rng):
    return _starts(answer, 7, range(1, 21))


@fit_context.probe("texts of 1 to 9 tokens, 2 positions, and 3")
def _(answer, rng):
    return _starts(answer, 2, range(1, 10)) | _starts(answer, 3, range(1, 10))


@fit_context.probe("no token at all, and 1,000 of which a model of 320 positions sees the end")
def _(answer, rng):
    texts = [], list(range(50_000, 51_000))
    return {f"what is left of {len(text):,} tokens": list(answer(text, 320)) for text in texts}


@fit_context.probe("too few positions: a ValueError is asked for")
def _(answer, rng):
    tried = {
        "3 tokens, 1 position": (3, 1),
        "1 token, 1 position": (1, 1),
        "2 tokens, no position": (2, 0),
        "5 tokens, -4 positions": (5, -4),
    }
    return {name: raises(ValueError, answer, _Text(range(length)), n) for name, (length, n) in tried.items()}


TOO_FEW = "n_positions below 2 has no half to give up: raise ValueError"
END_GONE = "the end is given up: what was written last is what counts."
GUARD, STEP = "if n_positions < 2:", "n_positions // 2"
LEFT, START = "return ids[cuts * step :]", "    too_many, step ="
LOOP = "    while len(ids) > n_positions:\n        ids = ids[{} :]\n    return ids\n" + START
# fmt: off
fit_context.mistakes(
    takes_any=(f"{TOO_FEW}.", edit(GUARD, "if False:", STEP, f"max(1, {STEP})")),
    divides_by_nothing=(f"{TOO_FEW}, before you divide by it.", edit(GUARD, "if False:")),
    loops_for_ever=(f"{TOO_FEW}, or your loop cuts off 0 tokens for ever.",
        edit(GUARD, "if False:", START, LOOP.format(STEP))),
    refuses_long_texts_only=(f"{TOO_FEW}, also when the text is short enough.",
        edit(GUARD, f"if len(ids) <= n_positions:\n        return ids\n    {GUARD}")),
    refuses_one_only=(f"{TOO_FEW}; 0 is below 2 as well as 1.",
        edit(GUARD, "if n_positions == 1:", STEP, f"max(1, {STEP})"), edit(GUARD, "if n_positions == 1:")),
    keeps_all=("nothing is given up: more tokens than positions do not fit.", edit(LEFT, "return ids")),
    slides=("one token is given up at a time: every cached key would have to move. Give up half a context.",
        edit(LEFT, "return ids[-n_positions:]")),
    keeps_the_beginning=(END_GONE, edit(LEFT, "return ids[:n_positions]")),
    keeps_the_first_half=(END_GONE,
        edit(LEFT, "return ids if not too_many else ids[: n_positions - step + 1]"),
        edit(LEFT, "return ids[: len(ids) - cuts * step]")),
    cuts_a_full_one=("a text that fits exactly is cut: n_positions tokens have room.",
        edit("len(ids) - n_positions", "len(ids) + 1 - n_positions")),
    keeps_half=("too much is given up: once one token is too many, n_positions // 2 go, not all but so many.",
        edit(LEFT, "return ids if not too_many else ids[-step:]")),
    once_only=("half is given up once only: a longer text needs it again and again.",
        edit(LEFT, "return ids if not too_many else ids[step:]")),
    rounded_down=("it is rounded down, so that the rest is too long: as many steps as are needed, rounded up.",
        edit("-(-too_many // step)", "too_many // step")),
    whole_contexts=("whole contexts are given up: the step is half of one.", edit(STEP, "n_positions")),
    step_rounded_up=("the step is rounded up: it is n_positions // 2.", edit(STEP, "(n_positions + 1) // 2")),
    halves_the_text=(
        "half of the text is given up: the step is half of the positions, so that the beginning moves seldom.",
        edit(START, LOOP.format("len(ids) // 2")),
    ),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- questions

positions_read = Question(
    "positions_read",
    lambda: 100 + 50 - 1,
    "the prefill reads 100 positions and gives the first new token; each of the other 49 comes after reading the one "
    "before it. The last token is written and never read.",
    "What does the prefill read, and which token does it give? Which tokens are read after it?",
    (
        (150, "Is the last token read by anybody?"),
        (50, "The prompt goes through the blocks, too."),
        (51, "The prompt goes through the blocks position by position, in one pass."),
        (49, "The prompt goes through the blocks, too."),
        (151, "The first new token comes with the prefill. And is the last one read?"),
        (sum(range(100, 150)), "That is so without a cache."),
    ),
)
true_position = Question(
    "true_position",
    lambda: 10 - 3,
    "column 10 comes next, and the row's first real token stands in column 3 and at position 0: 10 - 3 = 7.",
    "In which column will the next token stand? In which one does this row begin, and which position is that?",
    (
        (10, "That is its column. The row's text begins after its empty columns."),
        (8, "The next column is number 10: they are counted from 0."),
        (6, "That is the newest token which is there already."),
        (11, "Columns are counted from 0. And the row's text begins after its empty columns."),
        (13, "The empty columns stand before the text: they are not added."),
        (9, "That is the newest column which is there already; and the row's text begins after its empty columns."),
    ),
)
cache_size = Question(
    "cache_size",
    lambda: caches.cache_bytes(1, 4096, n_layers=32, n_heads=32, d_head=128, bytes_each=2),
    "2 · 32 · 32 · 128 · 2 = 524,288 bytes a token, half a megabyte, times 4,096: 2.1 GB, for one text. The weights, "
    "6.7 billion of 2 bytes, are 13.5 GB.",
    "Multiply: key and value, layers, heads, numbers of a head, bytes of a number, and tokens.",
    (
        (
            32 * 32 * 128 * 2 * 4096,
            "A factor of 2 is missing: keys and values are both kept, and each number has 2 bytes.",
        ),
        (2 * 32 * 32 * 128 * 2, "That is for one token."),
        (2 * 32 * 128 * 2 * 4096, "That is for one layer, or for one head: there are 32 layers of 32 heads."),
        (2 * 32 * 32 * 128 * 4 * 4096, "Each number has 2 bytes, not 4."),
    ),
    within=0.03,
)
tokens_seen = Question(
    "tokens_seen",
    lambda: len(caches.fit_context(list(range(700)), 320)),
    "380 tokens are too many, and 160 go at a time: three cuts, 480 tokens, leave 220.",
    "How many tokens are too many? How many cuts of half a context does that take?",
    (
        (320, "Not as many as fit: the beginning is given up in cuts of 160."),
        (160, "Cut only as often as needed."),
        (60, "Cut only as often as needed: 320 tokens fit."),
        (380, "That is how many are too many."),
        (540, "After one cut it is still too long."),
        (350, "The cuts are half of the positions, not half of the text."),
        (480, "That is how many are given up."),
    ),
)
