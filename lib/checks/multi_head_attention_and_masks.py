"""The checks of notebook 05: splitting and joining heads, masks, multi-head attention, and a test of causality."""

import torch

from lib import attention as course
from lib.checks.core import Exercise
from lib.checks.probing import fill, gradients, parameters, raises


def _random(rng, *shape):
    return torch.randn(*shape, generator=rng)


def _mask(rng, *shape):
    mask = torch.rand(*shape, generator=rng) > 0.4
    mask[..., 0] = True  # every query may look somewhere
    return mask


# ------------------------------------------------------------------------------------------------------- split_heads

split_heads = Exercise(course.split_heads)


@split_heads.probe("three positions with the numbers 0 to 3, 4 to 7, 8 to 11, and two heads")
def _(answer, rng):
    return answer(torch.arange(12.0).view(1, 3, 4), 2)


@split_heads.probe("a batch of 2, 5 positions, d_model 21, 3 heads")
def _(answer, rng):
    return answer(_random(rng, 2, 5, 21), 3)


@split_heads.probe("a single head")
def _(answer, rng):
    return answer(_random(rng, 2, 5, 3), 1)


@split_heads.probe("gradients: they must flow through")
def _(answer, rng):
    x = _random(rng, 2, 5, 6).requires_grad_()
    return gradients(answer(x, 2), x=x)


@split_heads.mistake(
    "the shape is right, the numbers are not: split the last axis first, then swap heads and positions."
)
def one_reshape(x, n_heads):
    return x.reshape(x.shape[0], n_heads, x.shape[1], x.shape[2] // n_heads)


@split_heads.mistake("heads and positions still have to change places: (batch, heads, position, d_head).")
def not_swapped(x, n_heads):
    return x.unflatten(-1, (n_heads, -1))


@split_heads.mistake(
    "head h takes the h-th slice of neighbours, not every n_heads-th number: (heads, d_head), in this order."
)
def interleaved(x, n_heads):
    return x.unflatten(-1, (-1, n_heads)).permute(0, 3, 1, 2)


@split_heads.mistake("n_heads is the number of heads, not the size of one: d_head = d_model // n_heads.")
def size_for_number(x, n_heads):
    return x.unflatten(-1, (-1, n_heads)).transpose(1, 2)


@split_heads.mistake("the last two axes are swapped too: (batch, heads, position, d_head).")
def last_two_swapped(x, n_heads):
    return x.unflatten(-1, (n_heads, -1)).permute(0, 2, 3, 1)


@split_heads.mistake("the heads stand in front of the batch: (batch, heads, position, d_head).")
def heads_first(x, n_heads):
    return torch.stack(x.chunk(n_heads, dim=-1))


@split_heads.mistake("the positions are shared out; every head sees all positions, and a slice of each vector.")
def positions_split(x, n_heads):
    return torch.stack(x.tensor_split(n_heads, dim=1), dim=1)


@split_heads.mistake("every head gets the whole vector; it gets its slice of d_model // n_heads numbers.")
def whole_vectors(x, n_heads):
    return x.unsqueeze(1).expand(-1, n_heads, -1, -1)


# -------------------------------------------------------------------------------------------------------- join_heads

join_heads = Exercise(course.join_heads)


@join_heads.probe("two heads, three positions, the numbers 0 to 11")
def _(answer, rng):
    return answer(torch.arange(12.0).view(1, 2, 3, 2))


@join_heads.probe("a batch of 2, 3 heads, 5 positions, d_head 7")
def _(answer, rng):
    return answer(_random(rng, 2, 3, 5, 7))


@join_heads.probe("gradients: they must flow through")
def _(answer, rng):
    x = _random(rng, 2, 3, 5, 2).requires_grad_()
    return gradients(answer(x), x=x)


@join_heads.mistake("the shape is right, the numbers are not: swap heads and positions before you flatten.")
def reshaped_at_once(x):
    return x.reshape(x.shape[0], x.shape[2], -1)


@join_heads.mistake("heads and positions have to change places: (batch, position, d_model).")
def flattened_only(x):
    return x.flatten(2)


@join_heads.mistake("heads and positions were joined; join heads and d_head, the last two axes after the swap.")
def positions_joined(x):
    return x.flatten(1, 2)


@join_heads.mistake("the heads are added; they stand side by side, d_head numbers each.")
def added(x):
    return x.sum(1)


@join_heads.mistake("the heads are averaged; they stand side by side, d_head numbers each.")
def averaged(x):
    return x.mean(1)


@join_heads.mistake("the heads are interleaved; one head's numbers stay neighbours: heads before d_head.")
def woven(x):
    return x.permute(0, 2, 3, 1).flatten(2)


@join_heads.mistake("the two axes are swapped but not joined yet: the result has three axes.")
def swapped_only(x):
    return x.transpose(1, 2)


# ------------------------------------------------------------------------------------------------------- causal_mask

causal_mask = Exercise(course.causal_mask)


@causal_mask.probe("length 3")
def _(answer, rng):
    return answer(3)


@causal_mask.probe("length 5")
def _(answer, rng):
    return answer(5)


@causal_mask.probe("length 1")
def _(answer, rng):
    return answer(1)


@causal_mask.mistake("a position may look at itself: the diagonal is True.")
def strict(length):
    return torch.ones(length, length).tril(-1).bool()


@causal_mask.mistake(
    "this lets positions see the future and hides the past: the lower triangle is True (rows are queries)."
)
def upper(length):
    return torch.ones(length, length).triu().bool()


@causal_mask.mistake("True means may look; here it means hidden. Turn it round.")
def inverted(length):
    return torch.ones(length, length).triu(1).bool()


@causal_mask.mistake("one step too far: position i sees i + 1.")
def one_too_far(length):
    return torch.ones(length, length).tril(1).bool()


@causal_mask.mistake("these are numbers; the mask is bool: `.bool()`, or dtype=torch.bool.")
def numbers(length):
    return torch.ones(length, length).tril()


@causal_mask.mistake("these are scores to add, 0 and −∞; the mask is bool, True where looking is allowed.")
def scores_to_add(length):
    return torch.full((length, length), float("-inf")).triu(1)


@causal_mask.mistake("everyone may look everywhere: nothing is hidden yet.")
def everything(length):
    return torch.ones(length, length, dtype=torch.bool)


@causal_mask.mistake("everyone sees only itself: the past is allowed too.")
def only_itself(length):
    return torch.eye(length, dtype=torch.bool)


# ------------------------------------------------------------------------------------------------------ padding_mask

padding_mask = Exercise(course.padding_mask)


@padding_mask.probe("the ids [7, 4, 9, 2, 0] and [3, 8, 0, 0, 0], padding 0")
def _(answer, rng):
    return answer(torch.tensor([[7, 4, 9, 2, 0], [3, 8, 0, 0, 0]]), 0)


@padding_mask.probe("padding is number 5, and 0 is a word")
def _(answer, rng):
    return answer(torch.tensor([[7, 0, 9, 5], [0, 5, 5, 5], [1, 2, 3, 4]]), 5)


@padding_mask.probe("padding stands on the left")
def _(answer, rng):
    return answer(torch.tensor([[0, 0, 3, 8], [0, 7, 4, 9]]), 0)


@padding_mask.probe("a batch of one")
def _(answer, rng):
    return answer(torch.tensor([[3, 8, 0]]), 0)


@padding_mask.mistake("this is True at the padding; True means may look, so it belongs to the words.")
def padding_is_true(ids, padding):
    return (ids == padding)[:, None, None, :]


@padding_mask.mistake("two axes are missing: (batch, 1, 1, key) fits any number of heads and queries.")
def two_axes(ids, padding):
    return ids != padding


@padding_mask.mistake("one axis is missing: (batch, 1, 1, key) has room for heads and queries.")
def three_axes(ids, padding):
    return (ids != padding)[:, None, :]


@padding_mask.mistake("the keys are hidden, not the queries: they stand on the last axis, (batch, 1, 1, key).")
def queries_hidden(ids, padding):
    return (ids != padding)[:, None, :, None]


@padding_mask.mistake("the number of padding is an argument; do not count on 0.")
def always_zero(ids, padding):
    return (ids != 0)[:, None, None, :]


@padding_mask.mistake("ids below padding are words too: compare with !=.")
def greater(ids, padding):
    return (ids > padding)[:, None, None, :]


@padding_mask.mistake(
    "this counts the words and takes them to stand first. Look at each id: padding may be on the left."
)
def words_first(ids, padding):
    lengths = (ids != padding).sum(1)
    return (torch.arange(ids.shape[1]) < lengths[:, None])[:, None, None, :]


@padding_mask.mistake("these are numbers; the mask is bool: a comparison gives one.")
def numbers_(ids, padding):
    return (ids != padding).float()[:, None, None, :]


@padding_mask.mistake("every query gets its row already; the shape is (batch, 1, 1, key), broadcasting does the rest.")
def squares(ids, padding):
    return (ids != padding)[:, None, None, :].expand(-1, 1, ids.shape[1], -1)


# ------------------------------------------------------------------------------------------------ MultiHeadAttention

MultiHeadAttention = Exercise(course.MultiHeadAttention)


def _layer(answer, rng, bias=False, n_heads=2):
    return fill(answer(6, n_heads, bias), rng)


@MultiHeadAttention.probe("its parameters, for MultiHeadAttention(6, 2)")
def _(answer, rng):
    return parameters(answer(6, 2))


@MultiHeadAttention.probe("its parameters, with bias=True")
def _(answer, rng):
    return parameters(answer(6, 2, True))


@MultiHeadAttention.probe("d_model 7 and 2 heads, which must raise ValueError")
def _(answer, rng):
    return raises(ValueError, answer, 7, 2)


@MultiHeadAttention.probe("self-attention: a batch of 2, 5 positions, d_model 6, 2 heads")
def _(answer, rng):
    return _layer(answer, rng)(_random(rng, 2, 5, 6))


@MultiHeadAttention.probe("self-attention with a causal mask, 3 heads")
def _(answer, rng):
    return _layer(answer, rng, n_heads=3)(_random(rng, 2, 5, 6), None, course.causal_mask(5))


@MultiHeadAttention.probe("cross-attention: 5 queries, 7 positions of context")
def _(answer, rng):
    return _layer(answer, rng)(_random(rng, 2, 5, 6), _random(rng, 2, 7, 6))


@MultiHeadAttention.probe("cross-attention with a mask of its own for every head")
def _(answer, rng):
    return _layer(answer, rng)(_random(rng, 2, 5, 6), _random(rng, 2, 7, 6), _mask(rng, 2, 2, 5, 7))


@MultiHeadAttention.probe("biases")
def _(answer, rng):
    return _layer(answer, rng, bias=True)(_random(rng, 2, 5, 6))


@MultiHeadAttention.probe("keep_weights = True: the result, and what `weights` holds")
def _(answer, rng):
    layer, x = _layer(answer, rng), _random(rng, 2, 5, 6)
    before = layer.weights is None and layer(x) is not None and layer.weights is None
    layer.keep_weights = True
    return {"nothing kept before": before, "the result": layer(x), "`weights`": layer.weights}


@MultiHeadAttention.probe("gradients: for queries, context and the four matrices")
def _(answer, rng):
    layer, x, context = _layer(answer, rng), _random(rng, 2, 5, 6), _random(rng, 2, 7, 6)
    x.requires_grad_(), context.requires_grad_()
    named = {name.replace(".", " "): part for name, part in layer.named_parameters()}
    return gradients(layer(x, context), x=x, context=context, **named)


def _pieces(self, x, context):
    context = x if context is None else context
    return self.to_q(x), self.to_k(context), self.to_v(context)


def _heads(self, q, k, v):
    return tuple(course.split_heads(part, self.n_heads) for part in (q, k, v))


def _mistake(sentence):
    """Add a copy of the course's class with another `forward`."""

    def add(forward):
        MultiHeadAttention.mistake(sentence)(type(forward.__name__, (course.MultiHeadAttention,), {"forward": forward}))

    return add


@_mistake("the last matrix is missing: to_out mixes what the heads found.")
def without_to_out(self, x, context=None, mask=None):
    return course.join_heads(self.attend(*_heads(self, *_pieces(self, x, context)), mask))


@_mistake("the mask is not passed on to `attend`.")
def without_mask(self, x, context=None, mask=None):
    return course.MultiHeadAttention.forward(self, x, context)


@_mistake("the context is not used: keys and values come from it.")
def without_context(self, x, context=None, mask=None):
    return course.MultiHeadAttention.forward(self, x, None, None if context is not None else mask)


@_mistake("the queries come from x, keys and values from the context; here it is the other way round.")
def other_way_round(self, x, context=None, mask=None):
    return course.MultiHeadAttention.forward(self, x if context is None else context, x)


@_mistake("the queries come from the context; they come from x, which asks.")
def queries_from_context(self, x, context=None, mask=None):
    return course.MultiHeadAttention.forward(self, x if context is None else context, context, mask)


@_mistake("nothing is split: this is one head over the whole of d_model.")
def one_head(self, x, context=None, mask=None):
    q, k, v = (part.unsqueeze(1) for part in _pieces(self, x, context))
    return self.to_out(self.attend(q, k, v, mask).squeeze(1))


@_mistake("the heads are cut out with one reshape, which mixes up positions. Use split_heads.")
def scrambled(self, x, context=None, mask=None):
    q, k, v = (
        part.reshape(len(part), self.n_heads, part.shape[1], part.shape[2] // self.n_heads)
        for part in _pieces(self, x, context)
    )
    return self.to_out(course.join_heads(self.attend(q, k, v, mask)))


@_mistake("the heads are put together with one reshape, which mixes up positions. Use join_heads.")
def joined_by_reshape(self, x, context=None, mask=None):
    mixed = self.attend(*_heads(self, *_pieces(self, x, context)), mask)
    return self.to_out(mixed.reshape(x.shape))


@_mistake("`attend` takes query, key, value; query and key have changed places.")
def key_before_query(self, x, context=None, mask=None):
    q, k, v = _heads(self, *_pieces(self, x, context))
    return self.to_out(course.join_heads(self.attend(k, q, v, mask)))


@_mistake("the keys are mixed; the values come from to_v.")
def values_from_keys(self, x, context=None, mask=None):
    q, k, _ = _heads(self, *_pieces(self, x, context))
    return self.to_out(course.join_heads(self.attend(q, k, k, mask)))


@_mistake("the three matrices are not used: q, k and v are to_q(x), to_k(context), to_v(context).")
def no_projections(self, x, context=None, mask=None):
    context = x if context is None else context
    return self.to_out(course.join_heads(self.attend(*_heads(self, x, context, context), mask)))


@_mistake("the input is added on top. That is the residual of notebook 07.")
def residual(self, x, context=None, mask=None):
    return x + course.MultiHeadAttention.forward(self, x, context, mask)


@_mistake("`weights` is kept always; pictures are wanted only where keep_weights is set. Call self.attend.")
def keeps_always(self, x, context=None, mask=None):
    mixed, self.weights = course.attention(*_heads(self, *_pieces(self, x, context)), mask)
    return self.to_out(course.join_heads(mixed))


# ------------------------------------------------------------------------------------------------------- future_leak

future_leak = Exercise(course.future_leak)


def _looks_ahead(steps):
    """A layer where each position adds up what stands `steps` later; beyond the end there is nothing."""

    def layer(x):
        later = torch.zeros_like(x)
        later[:, : x.shape[1] - steps] = x[:, steps:]
        return x + later

    return layer


@future_leak.probe("a layer that adds up everything so far: nothing leaks")
def _(answer, rng):
    return answer(lambda x: x.cumsum(1), _random(rng, 2, 5, 3))


@future_leak.probe("a layer where each position sees the next one")
def _(answer, rng):
    return answer(_looks_ahead(1), _random(rng, 2, 5, 3))


@future_leak.probe("a layer where only the first position sees the next one")
def _(answer, rng):
    return answer(lambda x: torch.cat([x[:, :1] + x[:, 1:2], x[:, 1:]], 1), _random(rng, 2, 5, 3))


@future_leak.probe("a layer where only the last but one sees the next one")
def _(answer, rng):
    return answer(lambda x: torch.cat([x[:, :-2], x[:, -2:-1] + x[:, -1:], x[:, -1:]], 1), _random(rng, 2, 5, 3))


@future_leak.probe("a layer where each position adds up everything later")
def _(answer, rng):
    return answer(lambda x: x.flip(1).cumsum(1).flip(1), _random(rng, 3, 5, 2).abs())


@future_leak.probe("a single position")
def _(answer, rng):
    return answer(_looks_ahead(1), _random(rng, 2, 1, 3))


@future_leak.mistake(
    "the changed positions are compared as well; look only at the outputs before them: [:, :position]."
)
def everywhere(layer, x):
    outputs = layer(x)
    moves = [(layer(_negated(x, position)) - outputs).abs().max() for position in range(1, x.shape[1])]
    return float(max(moves, default=0.0))


def _negated(x, start):
    return torch.cat([x[:, :start], -x[:, start:]], dim=1)


def _leak(positions=lambda n: range(1, n), change=_negated, before=0, measure=lambda moved: moved.abs().max().item()):
    """A future_leak with one part exchanged."""

    def answer(layer, x):
        outputs, largest = layer(x), 0.0
        for position in positions(x.shape[1]):
            moved = (layer(change(x, position)) - outputs)[:, : position + before]
            largest = max(largest, measure(moved)) if moved.numel() else largest
        return largest

    return answer


def _leak_mistake(sentence, name, **parts):
    answer = _leak(**parts)
    answer.__name__ = name
    future_leak.mistake(sentence)(answer)


def _one_negated(x, position):
    return torch.cat([x[:, :position], -x[:, position : position + 1], x[:, position + 1 :]], dim=1)


_leak_mistake("the output at the changed position may move; compare only those before it: [:, :position].",
              "itself_too", before=1)  # fmt: skip
_leak_mistake("the last position is never tried: range(1, x.shape[1]).", "last_left_out",
              positions=lambda n: range(1, n - 1))  # fmt: skip
_leak_mistake("the output just before the change is left out: compare [:, :position], it ends at position - 1.",
              "one_short", before=-1)  # fmt: skip
_leak_mistake("take the size of a move: `.abs()` before `.max()`, a fall counts as much as a rise.",
              "no_abs", measure=lambda moved: moved.max().item())  # fmt: skip
_leak_mistake("this is the mean move; the largest one is asked for.", "mean_move",
              measure=lambda moved: moved.abs().mean().item())  # fmt: skip
_leak_mistake("this adds the moves up; the largest single one is asked for.", "total_move",
              measure=lambda moved: moved.abs().sum().item())  # fmt: skip
_leak_mistake("only one position is changed each time; negate all the inputs from there on.", "one_position",
              change=_one_negated)  # fmt: skip
_leak_mistake("this is the last position's move alone: try all from 1 on, keep the largest.", "only_the_last",
              positions=lambda n: range(max(n - 1, 1), n))  # fmt: skip
_leak_mistake("only the change from position 1 on is tried; try every position.", "only_the_first",
              positions=lambda n: range(1, min(2, n)))  # fmt: skip
_leak_mistake("the batch is counted instead of the positions: x.shape[1].", "over_the_batch",
              positions=lambda n: range(1, 2))  # fmt: skip
_leak_mistake("the inputs are set to 0 from there on; the task says negate.", "zeroed",
              change=lambda x, p: torch.cat([x[:, :p], 0 * x[:, p:]], 1))  # fmt: skip
_leak_mistake("this changes the past and looks at the past; negate from `position` on.", "past_negated",
              change=lambda x, p: torch.cat([-x[:, :p], x[:, p:]], 1))  # fmt: skip
