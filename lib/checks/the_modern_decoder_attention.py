"""Checks of notebook 14, second part: heads that are shared, attention with them, and a whole block."""

import torch

from lib import attention as course
from lib import llama
from lib.cache import KeyValueCache, prefill_mask
from lib.checks.core import Exercise, edit
from lib.checks.probing import fill, gradients, normal, parameters, raises, single_calls
from lib.checks.running import Problem
from lib.positions import FusedRotaryPositions, RotaryPositions

repeat_kv = Exercise(course.repeat_kv)
GroupedQueryAttention = Exercise(course.GroupedQueryAttention)
LlamaBlock = Exercise(llama.LlamaBlock)


def loadable(module):
    """Its parameters; a Problem where more is saved with them, for published weights hold nothing else."""
    found = parameters(module)
    if more := sorted(module.state_dict().keys() - dict(module.named_parameters()).keys()):
        raise Problem(
            "saved too",
            f"`{more[0]}` is saved with the weights, and published weights hold no such thing: "
            "`register_buffer(..., persistent=False)`, or keep it as a plain number.",
        )
    return found


# -------------------------------------------------------------------------------------------------------- repeat_kv


single_calls(
    repeat_kv,
    {
        "two heads, two positions, the numbers 0 to 3, for six heads of queries": lambda rng: (
            torch.arange(4.0).view(1, 2, 2, 1),
            6,
        ),
        "a batch of 3, 2 heads for 4, 5 positions, d_head 7": lambda rng: (normal(3, 2, 5, 7, rng=rng), 4),
        "one head for 5 (multi-query attention)": lambda rng: (normal(2, 1, 3, 2, rng=rng), 5),
    },
)


@repeat_kv.probe("3 heads for 9, 300 positions, d_head 64, as in SmolLM2, and 64-bit numbers", varied=False)
def _(answer, rng):
    return answer(normal(1, 3, 300, 64, rng=rng).double(), 9)


@repeat_kv.probe("6 heads from 2, as `split_heads` gives them (transposed), then 6 from 3, and 6 from 6", varied=False)
def _(answer, rng):
    return [answer(normal(2, 5, heads, 4, rng=rng).transpose(1, 2), 6) for heads in (2, 3, 6)]


@repeat_kv.probe("gradients: they must flow through")
def _(answer, rng):
    x = normal(2, 2, 3, 5, rng=rng).requires_grad_()
    return gradients(answer(x, 6), x=x)


_TIMES, _REPEATED = "n_heads // x.shape[1]", "x.repeat_interleave(n_heads // x.shape[1], dim=1)"

# fmt: off
repeat_kv.mistakes(
    tiled=(
        "the heads stand 0 1 0 1 ...: each one should stand several times in a row, 0 0 1 1 (`repeat_interleave`).",
        edit(_REPEATED, f"x.repeat(1, {_TIMES}, 1, 1)"),
    ),
    too_often=("each head stands n_heads times: n_heads is how many there are in the end.",
        edit(_TIMES, "n_heads")),
    once_more=("each head stands once too often.", edit(_TIMES, f"{_TIMES} + 1")),
    nothing=("no head is repeated: n_heads of them are asked for.", edit(_REPEATED, "x")),
    positions_repeated=("the positions are repeated, not the heads: the heads are axis 1.", edit("dim=1", "dim=2")),
    numbers_repeated=("the numbers in a head are repeated, not the heads: the heads are axis 1.",
        edit("dim=1", "dim=-1")),
    batch_repeated=("the batch is repeated, not the heads: the heads are axis 1.", edit("dim=1", "dim=0")),
    batch_counted=("the batch is counted for the heads: those are axis 1.", edit("x.shape[1]", "x.shape[0]")),
    own_axis=("the copies have an axis of their own: four axes are asked for.",
        edit(_REPEATED, f"x[:, :, None].expand(-1, -1, {_TIMES}, -1, -1)")),
    one_left_alone=("a single head is left alone: it is repeated too, n_heads times.",
        edit("return x", "if x.shape[1] == 1:\n        return x\n    return x")),
    first_only=("only the first head is repeated; repeat each of them.",
        edit(_REPEATED, "x[:, :1].expand(-1, n_heads, -1, -1)")),
    last_only=("the last head fills up the rest: each of them is repeated as often.",
        edit(_REPEATED, "torch.cat([x, *[x[:, -1:]] * (n_heads - x.shape[1])], dim=1)")),
    zeros=("zeros fill up the rest: the heads are repeated.",
        edit(_REPEATED, "functional.pad(x, (0, 0, 0, 0, 0, n_heads - x.shape[1]))"),
        edit(_REPEATED, "torch.cat([x[:, :, None], torch.zeros_like(x)[:, :, None]"
                        f".repeat(1, 1, {_TIMES} - 1, 1, 1)], dim=2).flatten(1, 2)")),
    backwards=("the heads stand in reverse order: head 0 comes first.", edit(_REPEATED, f"{_REPEATED}.flip(1)")),
    averaged=("a mean of the heads is repeated: each of them stays as it is.",
        edit(_REPEATED, "x.mean(1, keepdim=True).expand(-1, n_heads, -1, -1)")),
    divided=("each copy is divided by their number: copies are whole.",
        edit(_REPEATED, f"{_REPEATED} / ({_TIMES})")),
    by_reshape=("copies and positions are mixed up by a reshape: a new axis after the heads, then `flatten(1, 2)`.",
        edit(_REPEATED, f"x[:, :, :, None].expand(-1, -1, -1, {_TIMES}, -1)"
                        ".reshape(x.shape[0], n_heads, x.shape[2], x.shape[3])")),
    always_32_bit=("64-bit numbers become 32-bit: zeros(..., dtype=x.dtype).", edit(_REPEATED, f"{_REPEATED}.float()")),
    detached=("no gradient flows through the copies.", edit(_REPEATED, f"{_REPEATED}.detach()")),
)
# fmt: on


# -------------------------------------------------------------------------------------------- GroupedQueryAttention


def _mask(rng, *shape):
    """Random; every query may look somewhere, and the last one not everywhere."""
    mask = torch.rand(shape, generator=rng) > 0.4
    mask[..., 0] = True
    mask[..., -1, -1] = False
    return mask


def _layer(answer, rng, *sizes, scale=0.5, **named):
    return fill(answer(*sizes, **named), rng, scale).requires_grad_(False)


def _sizes(layer):
    return {f"`{name}`": getattr(layer, name, "not there") for name in ("n_heads", "n_kv_heads", "d_head")}


@GroupedQueryAttention.probe("the parameters of GroupedQueryAttention(12, 6, 2)")
def _(answer, rng):
    return loadable(answer(12, 6, 2))


@GroupedQueryAttention.probe("the parameters with d_head=4 and bias=True, d_model 5, 6 heads on 3")
def _(answer, rng):
    return loadable(answer(5, 6, 3, 4, True))


@GroupedQueryAttention.probe("the sizes that it tells: `n_heads`, `n_kv_heads` and `d_head`")
def _(answer, rng):
    made = {"(12, 6, 2)": answer(12, 6, 2), "(12, 6)": answer(12, 6), "(5, 6, 1, 4)": answer(5, 6, 1, 4)}
    return {f"of GroupedQueryAttention{sizes}": _sizes(layer) for sizes, layer in made.items()}


@GroupedQueryAttention.probe("sizes that do not split: ValueError")
def _(answer, rng):
    sizes = [(7, 2), (12, 4, 3), (12, 4, 8), (12, 4, 0)]
    return {f"GroupedQueryAttention{each}": raises(ValueError, answer, *each) for each in sizes}


for _label, _made, _drawn in [
    ("6 heads on 2, a batch of 2, 5 positions, d_model 12", (12, 6, 2), lambda rng: [normal(2, 5, 12, rng=rng)]),
    ("d_model 5, 6 heads of 4 on 3, with biases", (5, 6, 3, 4, True), lambda rng: [normal(2, 7, 5, rng=rng)]),
    (
        "5 queries, a context of 7, a mask of its own for every head",
        (12, 6, 2),
        lambda rng: [normal(2, 5, 12, rng=rng), normal(2, 7, 12, rng=rng), _mask(rng, 2, 6, 5, 7)],
    ),
    (
        "causal, and a mask that lets some look ahead: the mask counts",
        (12, 6, 2, None, False, None, True),
        lambda rng: [normal(2, 5, 12, rng=rng), None, _mask(rng, 2, 1, 5, 5)],
    ),
    (
        "causal, no mask, 300 positions",
        (4, 2, 1, None, False, None, True),
        lambda rng: [normal(1, 300, 4, rng=rng)],
    ),
]:

    @GroupedQueryAttention.probe(_label)
    def _(answer, rng, made=_made, drawn=_drawn):
        return _layer(answer, rng, *made)(*drawn(rng))


@GroupedQueryAttention.probe(
    "rotary positions, 4 heads of 6 on 2; a context, 3 positions in the cache; `rotate` set to None at last"
)
def _(answer, rng):
    layer, x = _layer(answer, rng, 12, 4, 2, 6, rotate=RotaryPositions(6)), normal(2, 5, 12, rng=rng)
    cache, found = KeyValueCache(2, 2, 7, 6), {"the result": layer(x)}
    layer(x[:, :3], None, None, cache)
    found["2 queries, a context of 4, 3 positions in the cache"] = layer(x[:, 3:], x[:, 1:], None, cache)
    layer.rotate = None
    return found | {"when `rotate` is None from now on": layer(x)}


def _in_pieces(call, x, cache, sizes, mask=None):
    """The outputs for x, read in pieces of these sizes, and how much the cache holds after each."""
    results = {}
    for number, piece in enumerate(x.split(sizes, dim=1), start=1):
        new = piece.shape[1]
        results[f"the output of call {number}"] = call(piece, mask(new, cache.length) if mask else None, cache)
        results[f"cache.length after call {number}"] = cache.length
    return results


def _attend(layer):
    return lambda x, mask, cache: layer(x, None, mask, cache)


@GroupedQueryAttention.probe("a cache, no mask: three times one position, causal, rotary")
def _(answer, rng):
    layer = _layer(answer, rng, 12, 6, 2, 2, False, RotaryPositions(2), True)
    return _in_pieces(_attend(layer), normal(2, 3, 12, rng=rng), KeyValueCache(2, 2, 7, 2), [1, 1, 1])


@GroupedQueryAttention.probe("a cache and masks: 2 positions, then 3, one row padded at the left, rotary")
def _(answer, rng):
    layer, empty = _layer(answer, rng, 12, 6, 3, 2, rotate=RotaryPositions(2)), torch.tensor([0, 1])
    x, cache = normal(2, 5, 12, rng=rng), KeyValueCache(2, 3, 5, 2)
    found = _in_pieces(_attend(layer), x, cache, [2, 3], lambda *sizes: prefill_mask(*sizes, empty))
    return {name: part for name, part in found.items() if "call 2" in name}


@GroupedQueryAttention.probe("as in SmolLM2: 9 heads of 64 on 3, 7 positions, then one, 64-bit numbers")
def _(answer, rng):
    layer = _layer(answer, rng, 576, 9, 3, scale=0.05, rotate=FusedRotaryPositions(64, 100_000.0), causal=True)
    cache = KeyValueCache(1, 3, 8, 64, like=torch.zeros(1).double())
    return _in_pieces(_attend(layer.double()), normal(1, 8, 576, rng=rng).double(), cache, [7, 1])


@GroupedQueryAttention.probe("2 positions, then 2 more, and a cache with room for 3: a ValueError is asked for")
def _(answer, rng):
    layer, x, cache = _layer(answer, rng, 12, 6, 2), normal(2, 4, 12, rng=rng), KeyValueCache(2, 2, 3, 2)
    layer(x[:, :2], None, prefill_mask(2), cache)
    return {"what happens": raises(ValueError, layer, x[:, 2:], None, prefill_mask(2, 2), cache)}


@GroupedQueryAttention.probe("keep_weights = True, causal, 6 heads on 2: the result, and what `weights` holds")
def _(answer, rng):
    layer, x = _layer(answer, rng, 12, 6, 2, causal=True), normal(2, 5, 12, rng=rng)
    before = layer(x) is not None and layer.weights is None
    layer.keep_weights = True
    found = {"`weights` is None before": before, "the result": layer(x), "`weights`": layer.weights}
    return found | {"the result with a mask": layer(x, None, _mask(rng, 2, 6, 5, 5)), "its `weights`": layer.weights}


@GroupedQueryAttention.probe("gradients: for queries, context and the four matrices")
def _(answer, rng):
    layer, x, context = fill(answer(12, 6, 2), rng), normal(2, 5, 12, rng=rng), normal(2, 7, 12, rng=rng)
    x.requires_grad_(), context.requires_grad_()
    named = {name.replace(".", " "): part for name, part in layer.named_parameters()}
    return gradients(layer(x, context), x=x, context=context, **named)


_Q, _K, _V = (
    "split_heads(self.to_q(x), self.n_heads)",
    "split_heads(self.to_k(context), self.n_kv_heads)",
    "split_heads(self.to_v(context), self.n_kv_heads)",
)
_TURNED = "q, k = (self.rotate(part, cache.length if cache else 0) for part in (q, k))"
_START = "cache.length if cache else 0"
_EXTENDED, _OUT = "k, v = cache.extend(k, v)", "self.to_out(join_heads(self.attend(q, k, v, mask)))"
_GROUPED = "grouped=self.n_kv_heads < self.n_heads"
_CAUSAL = "causal = self.causal and mask is None and q.shape[-2] == k.shape[-2]"
_TO_KV = "nn.Linear(d_model, self.n_kv_heads * self.d_head, bias=bias)"
_REFUSED = "if self.n_kv_heads < 1 or n_heads % self.n_kv_heads:"

# fmt: off
GroupedQueryAttention.mistakes(
    tiled=(
        "heads 0, 1, 2 ... share keys in turn: neighbours share, as in repeat_kv (0 0 0 1 1 1, not 0 1 0 1 0 1).",
        edit("repeat_kv(k, self.n_heads), repeat_kv(v, self.n_heads)", "k, v", _GROUPED, "grouped=False",
             _CAUSAL, f"{_CAUSAL}\n        k, v = (x.repeat(1, q.shape[1] // x.shape[1], 1, 1) for x in (k, v))"),
    ),
    first_head_for_all=("the first head of keys and values serves all queries: each group has its own.",
        edit(_CAUSAL, f"{_CAUSAL}\n        k, v = k[:, :1], v[:, :1]")),
    many_kv_heads=("keys and values have as many heads as queries: n_kv_heads of them are asked for.",
        edit("self.n_kv_heads * self.d_head", "n_heads * self.d_head", "self.n_kv_heads)", "self.n_heads)",
             _GROUPED, "grouped=False", "repeat_kv(k, self.n_heads)", "k", "repeat_kv(v, self.n_heads)", "v")),
    kv_of_one_head=("`to_k` and `to_v` make one head: n_kv_heads * d_head numbers.",
        edit("self.n_kv_heads * self.d_head", "self.d_head", "split_heads(self.to_k(context), self.n_kv_heads)",
             "split_heads(self.to_k(context), 1)", "split_heads(self.to_v(context), self.n_kv_heads)",
             "split_heads(self.to_v(context), 1)")),
    no_rotation=("queries and keys are not turned: self.rotate, where it is given.", edit(_TURNED, "pass")),
    keys_not_turned=("only the queries are turned; turn the keys too, or there are no distances.",
        edit(_TURNED, f"q = self.rotate(q, {_START})")),
    queries_not_turned=("only the keys are turned; turn the queries too, or there are no distances.",
        edit(_TURNED, f"k = self.rotate(k, {_START})")),
    values_turned=("the values are turned too; turn only queries and keys, whose products make the scores.",
        edit(_TURNED, f"q, k, v = (self.rotate(part, {_START}) for part in (q, k, v))")),
    no_start=("each call turns from position 0: with a cache the new positions begin at cache.length.",
        edit(_START, "0")),
    context_from_0=("the keys of a context are turned from position 0; turn them from cache.length, as without one.",
        edit(_TURNED, f"q, k = self.rotate(q, {_START}), self.rotate(k, ({_START}) if context is x else 0)")),
    fixed_rotation=("what turns is settled in __init__: ask self.rotate in each call, it may be set later.",
        edit("self.rotate, self.causal = rotate, causal",
             "self.rotate = self.turn = rotate\n        self.causal = causal",
             "self.rotate is not None", "self.turn is not None", "self.rotate(part", "self.turn(part")),
    start_too_late=("cache.length is asked for after the cache has grown: turn by it first, then `extend`.",
        edit(_START, "cache.length + x.shape[1] if cache else 0"),
        edit(f"        if self.rotate is not None:\n            {_TURNED}\n", "",
             _EXTENDED, f"{_EXTENDED}\n        if self.rotate is not None:\n            {_TURNED}")),
    turned_twice=("keys of the cache are turned again in each call: turn the new ones, before they go in.",
        edit(f"        if self.rotate is not None:\n            {_TURNED}\n", "",
             _EXTENDED, f"start = cache.length\n            {_EXTENDED}\n        else:\n            start = 0\n"
             "        if self.rotate is not None:\n"
             "            q, turned = self.rotate(q, start), self.rotate(k, 0)\n"
             "            if cache is not None:\n                cache.keys[:, :, : cache.length] = turned\n"
             "            k = turned")),
    turned_before_the_split=(
        "the vectors are turned before they are split into heads: each head turns by itself, so split first.",
        edit(f"        if self.rotate is not None:\n            {_TURNED}\n", "",
             "self.to_q(x)", f"(self.rotate or (lambda y, _: y))(self.to_q(x), {_START})",
             "self.to_k(context)", f"(self.rotate or (lambda y, _: y))(self.to_k(context), {_START})"),
    ),
    only_new=("only the new keys and values are looked at: `cache.extend` returns all of them.",
        edit(_EXTENDED, "cache.extend(k, v)")),
    cache_ignored=("the cache is not used: it keeps the keys and values of earlier calls.", edit(_EXTENDED, "pass")),
    values_not_kept=("the new values only are mixed: `cache.extend` returns keys and values, all of them.",
        edit(_EXTENDED, "k, _ = cache.extend(k, v)")),
    kept_swapped=("keys and values come out of the cache swapped: keys first.",
        edit(_EXTENDED, "v, k = cache.extend(k, v)")),
    no_mask_with_a_cache=("with a cache the mask is not used: it says which of all positions so far may be seen.",
        edit("self.attend(q, k, v, mask)", "self.attend(q, k, v, None if cache else mask)")),
    no_mask=("the mask does not reach the attention: self.attend(q, k, v, mask).",
        edit("self.attend(q, k, v, mask)", "self.attend(q, k, v, None)")),
    never_causal=("`causal` has no effect: without a mask a position must not see what comes after.",
        edit(_CAUSAL, "causal = False")),
    always_causal=("nobody sees what comes after, though `causal` is not set.",
        edit("causal = self.causal and mask", "causal = mask")),
    causal_and_masked=("the future is hidden in spite of the mask: where a mask is given, it alone counts.",
        edit(_CAUSAL, f"{_CAUSAL}\n        if self.causal and mask is not None and q.shape[-2] == k.shape[-2]:\n"
                      "            mask = mask & causal_mask(q.shape[-2])")),
    causal_from_the_first=(
        "with a cache a new query sees only the first keys: it stands at the end of them, and sees all.",
        edit(" and q.shape[-2] == k.shape[-2]", ""),
    ),
    no_context=("the context is not used: keys and values come from it.",
        edit("x if context is None else context", "x")),
    values_from_x=("keys and values both come from the context.",
        edit("self.to_v(context)", "self.to_v(x)"), edit("self.to_k(context)", "self.to_k(x)")),
    queries_from_context=("the queries come from x, which asks.", edit("self.to_q(x)", "self.to_q(context)")),
    without_to_out=("the last matrix is missing: to_out mixes the heads.", edit(_OUT, _OUT[12:-1])),
    values_from_keys=("the keys are mixed; the values come from to_v.",
        edit("self.attend(q, k, v, mask)", "self.attend(q, k, k, mask)")),
    keys_and_values_swapped=("keys and values have changed places: `attend(q, k, v, mask)`.",
        edit("self.attend(q, k, v, mask)", "self.attend(q, v, k, mask)")),
    scrambled=("the heads are cut out with one reshape, which mixes up positions. Use split_heads.",
        edit("split_heads(", "(lambda y, n: y.reshape(len(y), n, y.shape[1], -1))(")),
    joined_by_reshape=("the heads are put together with one reshape, which mixes up positions. Use join_heads.",
        edit("join_heads(self.attend(q, k, v, mask))", "self.attend(q, k, v, mask).reshape(*x.shape[:2], -1)")),
    residual=("the input is added on top: the shortcut stands around this layer, in the block.",
        edit(f"return {_OUT}", f"return x + {_OUT}")),
    scaled_twice=("the scores are divided by √d_head twice: the attention does it.",
        edit(_Q, f"{_Q} / self.d_head**0.5")),
    always_bias=("a bias is learned only where `bias` is set: bias=bias.", edit("bias=bias", "bias=True")),
    never_bias=("a bias is learned where `bias` is set: bias=bias.", edit("bias=bias", "bias=False")),
    out_from_d_model=("`to_out` reads all heads, n_heads * d_head numbers, which may be more than d_model.",
        edit("nn.Linear(width, d_model", "nn.Linear(d_model, d_model")),
    queries_too_few=("`to_q` makes n_heads * d_head numbers, which may be more than d_model.",
        edit("nn.Linear(d_model, width", "nn.Linear(d_model, d_model")),
    no_error=("n_heads that do not split into n_kv_heads equal groups are to be refused by a ValueError.",
        edit(_REFUSED, "if False:")),
    zero_divides=("n_kv_heads = 0 is to be refused by a ValueError too.",
        edit(_REFUSED, "if n_heads % self.n_kv_heads:")),
    keeps_always=("`weights` is kept always; pictures are wanted only where keep_weights is set. Call self.attend.",
        edit("if not self.keep_weights:", "if False:", "return super().attend(", "mixed, self.weights = attention(",
             "repeat_kv(v, self.n_heads), mask)", "repeat_kv(v, self.n_heads), mask)\n        return mixed")),
    keeps_never=("`weights` is not kept for keep_weights: call self.attend.", edit("not self.keep_weights", "True")),
    detached=("no gradient reaches keys and values: they learn too.",
        edit(_K, f"{_K}.detach()", _V, f"{_V}.detach()")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------- LlamaBlock


@LlamaBlock.probe("the parameters of LlamaBlock(12, 6, 7, 2)")
def _(answer, rng):
    return loadable(answer(12, 6, 7, 2))


@LlamaBlock.probe("the parameters of LlamaBlock(5, 6, 7, 3, 4): heads of 4, together wider than d_model")
def _(answer, rng):
    return loadable(answer(5, 6, 7, 3, 4))


for _label, _made, _drawn in [
    ("6 heads on 2, a batch of 2, 5 positions", (12, 6, 7, 2), lambda rng: [normal(2, 5, 12, rng=rng)]),
    (
        "rotary positions, 3 heads, n_kv_heads and d_head not given",
        (12, 3, 7, None, None, RotaryPositions(4)),
        lambda rng: [normal(2, 5, 12, rng=rng)],
    ),
    (
        "a mask for each row, (batch, 1, query, key), which lets some look ahead",
        (12, 6, 7, 2),
        lambda rng: [normal(2, 5, 12, rng=rng), _mask(rng, 2, 1, 5, 5)],
    ),
    ("numbers around 0.001, epsilon not given", (12, 6, 7, 2), lambda rng: [0.001 * normal(2, 3, 12, rng=rng)]),
    (
        "numbers around 0.5, epsilon 0.3",
        (12, 6, 7, 2, None, None, 0.3),
        lambda rng: [0.5 * normal(2, 3, 12, rng=rng)],
    ),
    ("300 positions", (4, 2, 4, 1), lambda rng: [normal(1, 300, 4, rng=rng)]),
]:

    @LlamaBlock.probe(_label)
    def _(answer, rng, made=_made, drawn=_drawn):
        return fill(answer(*made), rng).requires_grad_(False)(*drawn(rng))


@LlamaBlock.probe("a cache, no mask: 4 positions, then one, then one more, rotary")
def _(answer, rng):
    block, cache = _layer(answer, rng, 12, 6, 7, 2, 2, RotaryPositions(2)), KeyValueCache(2, 2, 6, 2)
    return _in_pieces(block, normal(2, 6, 12, rng=rng), cache, [4, 1, 1])


@LlamaBlock.probe("a cache and a window of 3: 4 positions, then 2, then one, as Llama calls it")
def _(answer, rng):
    block, cache = _layer(answer, rng, 12, 6, 7, 3, 2, RotaryPositions(2)), KeyValueCache(2, 3, 7, 2)

    def window(new, before):
        return course.sliding_window_mask(new, before, 3)

    found = _in_pieces(block, normal(2, 7, 12, rng=rng), cache, [4, 2, 1], window)
    return {name: part for name, part in found.items() if "call 1" not in name}


@LlamaBlock.probe("as in SmolLM2: d_model 576, 9 heads on 3, d_ff 1,536, 64-bit numbers")
def _(answer, rng):
    block = _layer(answer, rng, 576, 9, 1536, 3, None, FusedRotaryPositions(64, 100_000.0), 1e-5, scale=0.05)
    return block.double()(normal(1, 3, 576, rng=rng).double())


@LlamaBlock.probe("the gradient for x")
def _(answer, rng):
    block, x = fill(answer(12, 6, 7, 2), rng), normal(2, 3, 12, rng=rng).requires_grad_()
    return gradients(block(x), x=x)


_LOOK = "x = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)"
_THINK = "x + self.feed_forward(self.feed_forward_norm(x))"
_BOTH = f"{_LOOK}\n        return {_THINK}"
_ATTENTION = "GroupedQueryAttention(d_model, n_heads, n_kv_heads, d_head, rotate=rotate, causal=True)"


def _both(*lines):
    return edit(_BOTH, "\n        ".join(lines))


# fmt: off
LlamaBlock.mistakes(
    no_norm_before_attention=("the attention gets the raw x: it gets attention_norm(x).",
        edit("self.attention(self.attention_norm(x),", "self.attention(x,")),
    no_norm_before_feed_forward=("the feed-forward gets the raw x: it gets feed_forward_norm(x).",
        edit("self.feed_forward_norm(x)", "x")),
    no_norms=("the norms are not used: each part gets what its norm leaves of x.",
        edit("self.attention_norm(x)", "x", "self.feed_forward_norm(x)", "x")),
    post_norm=("the norms come after the parts (PostNorm): each part gets norm(x), the sum is left as it is.",
        _both("x = self.attention_norm(x + self.attention(x, mask=mask, cache=cache))",
              "return self.feed_forward_norm(x + self.feed_forward(x))")),
    normed_results=("what the parts return is normed: norm what goes in.",
        _both("x = x + self.attention_norm(self.attention(x, mask=mask, cache=cache))",
              "return x + self.feed_forward_norm(self.feed_forward(x))")),
    normed_shortcut=("the shortcuts are normed too: add x as it came in.",
        _both("y = self.attention_norm(x)", "x = y + self.attention(y, mask=mask, cache=cache)",
              "y = self.feed_forward_norm(x)", "return y + self.feed_forward(y)"),
        _both(_LOOK, "y = self.feed_forward_norm(x)", "return y + self.feed_forward(y)"),
        _both("y = self.attention_norm(x)", "x = y + self.attention(y, mask=mask, cache=cache)", f"return {_THINK}")),
    norms_swapped=("the two norms are swapped: attention_norm stands before the attention.",
        edit("self.attention_norm(x)", "NORM", "self.feed_forward_norm(x)", "self.attention_norm(x)",
             "NORM", "self.feed_forward_norm(x)")),
    one_norm=("one norm serves both parts: each has its own.",
        edit("self.feed_forward_norm(x)", "self.attention_norm(x)"),
        edit("self.attention_norm(x)", "self.feed_forward_norm(x)"),
        edit("self.feed_forward_norm = RMSNorm(d_model, epsilon)", "self.feed_forward_norm = self.attention_norm")),
    no_shortcuts=("there is no shortcut: x is added around each part.",
        _both("x = self.attention(self.attention_norm(x), mask=mask, cache=cache)",
              "return self.feed_forward(self.feed_forward_norm(x))")),
    no_shortcut_around_attention=("the attention has no shortcut: add x.",
        edit("x = x + self.attention", "x = self.attention")),
    no_shortcut_around_feed_forward=("the feed-forward has no shortcut: add x.",
        edit("return x + self", "return self")),
    side_by_side=("both parts look at the same x: the feed-forward should see the attention's result.",
        _both("return x + self.attention(self.attention_norm(x), mask=mask, cache=cache)"
              " + self.feed_forward(self.feed_forward_norm(x))")),
    attention_lost=("the attention's result is lost: the feed-forward works on it, and it is added.",
        edit("x = x + self.attention", "x + self.attention"), _both(f"return {_THINK}")),
    first_x_added=("the second shortcut adds the block's input: it adds what the attention has made of it.",
        _both("y = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)",
              "return x + self.feed_forward(self.feed_forward_norm(y))")),
    other_order=("feed-forward first: the attention comes first.", _both(f"x = {_THINK}", _LOOK, "return x")),
    no_feed_forward=("the feed-forward is left out: it follows the attention.", _both(_LOOK, "return x")),
    no_mask=("the mask does not reach the attention: mask=mask.", edit("mask=mask, ", "")),
    mask_for_context=("the mask is handed over as the context: the second argument is the context, so write mask=mask.",
        edit("mask=mask, cache=cache", "mask, cache=cache")),
    no_cache=("the cache does not reach the attention: cache=cache.", edit(", cache=cache)", ")")),
    not_causal=("without a mask the future is seen: causal=True.", edit(", causal=True", "")),
    always_causal=("the future is hidden in spite of the mask: hand the mask on as it came, causal=True does the rest.",
        edit("mask=mask", "mask=mask if mask is None or mask.shape[-1] != x.shape[1] else "
             "mask & mask.new_ones(mask.shape[-2:]).tril()")),
    no_rotation=("`rotate` does not reach the attention: rotate=rotate.", edit("rotate=rotate, ", "")),
    many_kv_heads=("keys and values have as many heads as queries: hand n_kv_heads on.",
        edit("n_heads, n_kv_heads, d_head, rotate", "n_heads, None, d_head, rotate")),
    no_d_head=("`d_head` does not reach the attention.",
        edit("n_kv_heads, d_head, rotate", "n_kv_heads, None, rotate")),
    epsilon_forgotten=("`epsilon` does not reach the norms, whose default is another: RMSNorm(d_model, epsilon).",
        edit("RMSNorm(d_model, epsilon)", "RMSNorm(d_model)")),
    epsilon_for_one=("`epsilon` reaches one of the norms only.",
        edit("attention_norm = RMSNorm(d_model, epsilon)", "attention_norm = RMSNorm(d_model)"),
        edit("feed_forward_norm = RMSNorm(d_model, epsilon)", "feed_forward_norm = RMSNorm(d_model)")),
    own_default=("`epsilon` is 1e-5 when it is not given.", edit("1e-5", "1e-6")),
    biases=("the attention has no biases here.", edit("rotate=rotate, causal", "bias=True, rotate=rotate, causal")),
    norm_at_the_end=("there is a norm at the end of the block: the model has one, after its last block.",
        _both(_LOOK, f"return self.feed_forward_norm({_THINK})")),
    detached=("no gradient flows through the shortcut: add x itself, not a copy cut off from it.",
        edit("x = x + self.attention", "x = x.detach() + self.attention")),
)
# fmt: on
