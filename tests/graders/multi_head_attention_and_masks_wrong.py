"""Wrong answers to notebook 05, as people write them."""

import functools

import torch
from torch import nn
from torch.nn import functional

from lib.attention import attention, fused_attention
from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# ------------------------------------------------------------------------------------------------------- split_heads


@wrong("split_heads", says="split the last axis first")
def view_at_once(x, n_heads):
    batch, position, d_model = x.shape
    return x.view(batch, n_heads, position, d_model // n_heads)


@wrong("split_heads", says="change places")
def forgets_the_swap(x, n_heads):
    batch, position, d_model = x.shape
    return x.view(batch, position, n_heads, d_model // n_heads)


@wrong("split_heads", says="slice of neighbours")
def every_other_number(x, n_heads):
    return torch.stack([x[:, :, head::n_heads] for head in range(n_heads)], dim=1)


@wrong("split_heads", says="not the size of one")
def heads_of_size_n(x, n_heads):
    batch, position, _ = x.shape
    return x.reshape(batch, position, -1, n_heads).transpose(1, 2)


@wrong("split_heads", says="last two axes")
def swaps_too_much(x, n_heads):
    batch, position, d_model = x.shape
    return x.view(batch, position, n_heads, d_model // n_heads).transpose(1, 2).transpose(2, 3)


@wrong("split_heads", says="in front of the batch")
def stacks_in_front(x, n_heads):
    return torch.stack(torch.chunk(x, n_heads, dim=2), dim=0)


@wrong("split_heads", says="every head gets the whole vector")
def repeats(x, n_heads):
    return torch.stack([x] * n_heads, dim=1)


@wrong("split_heads", says="return")
def no_return(x, n_heads):
    x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


@wrong("split_heads", says="TypeError")
def float_sizes(x, n_heads):
    batch, position, d_model = x.shape
    return x.view(batch, position, n_heads, d_model / n_heads).transpose(1, 2)


@wrong("split_heads", says="a single head")
def squeezes(x, n_heads):
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2).squeeze(1)


@wrong("split_heads", says="gradient")
def through_data(x, n_heads):
    return x.data.unflatten(-1, (n_heads, -1)).transpose(1, 2)


@wrong("split_heads", says="a batch of 2")
def batch_of_one(x, n_heads):
    return torch.stack([part[0] for part in x.chunk(n_heads, dim=-1)]).unsqueeze(0)


@wrong("split_heads", says="(1, 2, 3, 2)")
def a_list_of_heads(x, n_heads):
    return torch.cat(x.split(n_heads, dim=-1), dim=1)


@wrong("split_heads", says="a single position")
def squeezes_the_position(x, n_heads):
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2).squeeze(2)


@wrong("split_heads", says="float64")
def into_a_tensor_of_32_bits(x, n_heads):
    heads = torch.zeros(x.shape[0], n_heads, x.shape[1], x.shape[2] // n_heads)
    for head in range(n_heads):
        heads[:, head] = x[..., head * heads.shape[-1] : (head + 1) * heads.shape[-1]]
    return heads


@wrong("split_heads", says="keeps something")
def remembers_the_split(x, n_heads, known={}):  # noqa: B006
    return known.setdefault((x.shape, n_heads), x.unflatten(-1, (n_heads, -1)).transpose(1, 2))


slips(
    "split_heads",
    a_hundred_heads=("101 heads", edit("transpose(1, 2)", "transpose(1, 2)[:, :100]")),
    squeezed=(".squeeze()", edit("transpose(1, 2)", "transpose(1, 2).squeeze()")),
    last_slice_first=("reverse order", edit("transpose(1, 2)", "transpose(1, 2).flip(1)")),
    without_gaps=("cut out of", edit("x.unflatten", "x.as_strided(x.shape, torch.empty(x.shape).stride()).unflatten")),
)


# -------------------------------------------------------------------------------------------------------- join_heads


@wrong("join_heads", says="before you flatten")
def reshape_at_once(x):
    batch, heads, position, d_head = x.shape
    return x.reshape(batch, position, heads * d_head)


@wrong("join_heads", says="change places")
def forgets_to_swap_back(x):
    batch, heads, position, d_head = x.shape
    return x.view(batch, heads, position * d_head)


@wrong("join_heads", says="heads and d_head")
def joins_positions(x):
    batch, heads, position, d_head = x.shape
    return x.reshape(batch, heads * position, d_head)


@wrong("join_heads", says="added")
def adds(x):
    return torch.sum(x, dim=1)


@wrong("join_heads", says="averaged")
def takes_the_mean(x):
    return torch.mean(x, dim=1)


@wrong("join_heads", says="interleaved")
def interleaves(x):
    return torch.stack(x.unbind(1), dim=-1).flatten(2)


@wrong("join_heads", says="not joined yet")
def only_swaps(x):
    return x.permute(0, 2, 1, 3)


@wrong("join_heads", says="`view` cannot read")
def view_without_contiguous(x):
    batch, heads, position, d_head = x.shape
    return x.transpose(1, 2).view(batch, position, heads * d_head)


@wrong("join_heads", says="gradient")
def detaches(x):
    return x.transpose(1, 2).flatten(2).detach()


@wrong("join_heads", says="a batch of 2")
def first_sentence_only(x):
    return torch.cat(list(x[0]), dim=-1).unsqueeze(0)


@wrong("join_heads", says="return")
def nothing(x):
    x.transpose(1, 2).flatten(2)


@wrong("join_heads", says="reverse order")
def heads_backwards(x):
    return torch.cat([x[:, head] for head in reversed(range(x.shape[1]))], dim=-1)


@wrong("join_heads", says="a single head")
def squeezes_the_head(x):
    return x.squeeze(1) if x.shape[1] == 1 and x.shape[0] == 1 else x.squeeze(1).transpose(1, 2).flatten(2)


@wrong("join_heads", says="a single position")
def forgets_a_lone_position(x):
    return x.squeeze(2).flatten(1) if x.shape[2] == 1 else x.transpose(1, 2).flatten(2)


@wrong("join_heads", says="float64")
def into_a_table_of_32_bits(x):
    joined = torch.zeros(x.shape[0], x.shape[2], x.shape[1] * x.shape[3])
    for head in range(x.shape[1]):
        joined[..., head * x.shape[3] : (head + 1) * x.shape[3]] = x[:, head]
    return joined


slips(
    "join_heads",
    guesses_where_the_heads_are=(
        None,
        edit(
            "return x",
            "if x.shape[1] > x.shape[2]:\n        return x.reshape(len(x), x.shape[2], -1)\n    return x",
        ),
    ),
    squeezed=(".squeeze()", edit("flatten(2)", "flatten(2).squeeze()")),
    heads_by_name=("101 heads", edit("x.transpose", "x[:, sorted(range(x.shape[1]), key=str)].transpose")),
    a_hundred_heads=("101 heads", edit("x.transpose", "x[:, :100].transpose")),
    without_gaps=("cut out of", edit("x.transpose", "x.as_strided(x.shape, torch.empty(x.shape).stride()).transpose")),
)


# ------------------------------------------------------------------------------------------------------- causal_mask


@wrong("causal_mask", says="the diagonal is True")
def without_the_diagonal(length):
    return torch.tensor([[key < query for key in range(length)] for query in range(length)])


@wrong("causal_mask", says="see the future")
def transposed(length):
    return torch.triu(torch.ones(length, length, dtype=torch.bool))


@wrong("causal_mask", says="Turn it round")
def true_is_hidden(length):
    return torch.triu(torch.ones(length, length), diagonal=1).bool()


@wrong("causal_mask", says="one step too far")
def sees_one_ahead(length):
    places = torch.arange(length)
    return places[None, :] <= places[:, None] + 1


@wrong("causal_mask", says="the mask is bool")
def ones_and_zeros(length):
    return torch.tril(torch.ones(length, length))


@wrong("causal_mask", says="scores to add")
def additive(length):
    return torch.zeros(length, length).masked_fill(torch.ones(length, length).triu(1).bool(), float("-inf"))


@wrong("causal_mask", says="nothing is hidden")
def all_true(length):
    return torch.ones((length, length)) > 0


@wrong("causal_mask", says="only itself")
def identity(length):
    return torch.eye(length) > 0


@wrong("causal_mask", says="two axes")
def with_batch_and_heads(length):
    return torch.ones(length, length, dtype=torch.bool).tril()[None, None]


@wrong("causal_mask", says="(3,)")
def one_row(length):
    return torch.arange(length) <= length


@wrong("causal_mask", says="too small")
def typed_out(length):
    return torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1]]).bool()[:length, :length]


@wrong("causal_mask", says="length 1")
def squeezed(length):
    return torch.ones(length, length, dtype=torch.bool).tril().squeeze()


@wrong("causal_mask", says="torch.Tensor")
def a_list(length):
    return [[key <= query for key in range(length)] for query in range(length)]


@wrong("causal_mask", says="return")
def forgets_to_return(length):
    torch.ones(length, length, dtype=torch.bool).tril()


TABLE = torch.ones(64, 64, dtype=torch.bool).tril()


@wrong("causal_mask", says="too small")
def a_buffer_of_64(length):
    return TABLE[:length, :length]


@wrong("causal_mask", says="(50, 50)")
def a_buffer_of_50(length):
    return torch.ones(50, 50, dtype=torch.bool).tril()[:length, :length]


@wrong("causal_mask", says="all else the same")
def keeps_the_first_mask_it_needs(length, kept=[]):  # noqa: B006
    if not kept or length in (3, 5, 1, 300, 1100):
        kept[:] = [torch.ones(length, length, dtype=torch.bool).tril()]
    return kept[0]


@wrong("causal_mask", says="length 300")
def in_eight_bits(length):
    places = torch.arange(length).to(torch.uint8)
    return places[:, None] >= places


_LONGEST = torch.ones(512, 512, dtype=torch.bool).tril()


@wrong("causal_mask", says="a table that is too small")
def of_512_at_most(length):
    return _LONGEST[:length, :length].clone()


# ------------------------------------------------------------------------------------------------------ padding_mask


@wrong("padding_mask", says="True at the padding")
def equal_instead_of_unequal(ids, padding):
    return (ids == padding).unsqueeze(1).unsqueeze(1)


@wrong("padding_mask", says="two axes are missing")
def no_new_axes(ids, padding):
    return ids.ne(padding)


@wrong("padding_mask", says="one axis is missing")
def one_new_axis(ids, padding):
    return (ids != padding).unsqueeze(1)


@wrong("padding_mask", says="not the queries")
def on_the_query_axis(ids, padding):
    return (ids != padding).unsqueeze(1).unsqueeze(-1)


@wrong("padding_mask", says="do not count on 0")
def nonzero(ids, padding):
    return ids.bool()[:, None, None]


@wrong("padding_mask", says="compare with !=")
def larger(ids, padding):
    return torch.gt(ids, padding)[:, None, None, :]


@wrong("padding_mask", says="may be on the left")
def by_length(ids, padding):
    lengths = [sum(number != padding for number in row) for row in ids.tolist()]
    rows = [[place < length for place in range(ids.shape[1])] for length in lengths]
    return torch.tensor(rows)[:, None, None, :]


@wrong("padding_mask", says="these are numbers")
def floats(ids, padding):
    return torch.where(ids != padding, 1.0, 0.0)[:, None, None, :]


@wrong("padding_mask", says="broadcasting does the rest")
def full_square(ids, padding):
    return (ids != padding)[:, None, None, :].repeat(1, 1, ids.shape[1], 1)


@wrong("padding_mask", says="a batch of one")
def squeezes_the_batch(ids, padding):
    mask = (ids != padding)[:, None, None, :]
    return mask[0] if len(mask) == 1 else mask


@wrong("padding_mask", says="return")
def says_nothing(ids, padding):
    (ids != padding)[:, None, None, :]


@wrong("padding_mask", says="behind the batch")
def axes_in_front(ids, padding):
    return (ids != padding)[None, None]


@wrong("padding_mask", says="changes what it was given")
def overwrites_the_ids(ids, padding):
    ids[ids == padding] = 0
    ids[ids != padding] = 1
    return ids.bool()[:, None, None, :]


@wrong("padding_mask", says="has shape")
def both_sides(ids, padding):
    words = ids != padding
    return (words[:, :, None] & words[:, None, :])[:, None]


@wrong("padding_mask", says="`is not`")
def is_not_the_same_object(ids, padding):
    return torch.tensor([[[[number is not padding for number in row]]] for row in ids.tolist()])


@wrong("padding_mask", says="nothing but padding")
def spares_empty_sentences(ids, padding):
    mask = ids != padding
    mask[~mask.any(1)] = True
    return mask[:, None, None, :]


@wrong("padding_mask", says="2**40")
def ids_in_eight_bits(ids, padding):
    return (ids.to(torch.uint8) != padding % 256)[:, None, None, :]


@wrong("padding_mask", says="all else the same")
def keeps_the_number(ids, padding, known={}):  # noqa: B006
    return (ids != known.setdefault(ids.shape, padding))[:, None, None, :]


slips(
    "padding_mask",
    squeezed=(".squeeze()", edit("None, :]", "None, :].squeeze()")),
    of_256=("64 sentences", edit("(ids != padding)", "(ids != padding)[:, :256]")),
    as_floats=(None, edit("ids != padding", "ids.float() != float(padding)")),
    in_32_bits=(None, edit("ids != padding", "ids.int() != torch.tensor(padding).int()")),
)


# ------------------------------------------------------------------------------------------------ MultiHeadAttention


class _Layer(nn.Module):
    def __init__(self, d_model, n_heads, bias=False):
        super().__init__()
        if d_model % n_heads:
            raise ValueError("no")
        self.n_heads, self.keep_weights, self.weights = n_heads, False, None
        self.to_q, self.to_k, self.to_v, self.to_out = (nn.Linear(d_model, d_model, bias=bias) for _ in range(4))

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.n_heads, -1).transpose(1, 2)

    def join(self, x):
        return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)

    def attend(self, q, k, v, mask):
        if not self.keep_weights:
            return fused_attention(q, k, v, mask)
        mixed, self.weights = attention(q, k, v, mask)
        return mixed


@wrong("MultiHeadAttention", says="last matrix is missing")
class ForgetsOut(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        return self.join(self.attend(q, k, v, mask))


@wrong("MultiHeadAttention", says="`mask` has no effect")
class ForgetsMask(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        return self.to_out(self.join(self.attend(q, k, v, None)))


@wrong("MultiHeadAttention", says="`context` has no effect")
class ForgetsContext(_Layer):
    def forward(self, x, context=None, mask=None):
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(x)), self.split(self.to_v(x))
        return self.to_out(self.join(self.attend(q, k, v, mask)))


@wrong("MultiHeadAttention", says="come from x, which asks")
class AsksFromTheContext(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = (self.split(layer(context)) for layer in (self.to_q, self.to_k, self.to_v))
        return self.to_out(self.join(self.attend(q, k, v, mask)))


@wrong("MultiHeadAttention", says="other way round")
class TurnedRound(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(context)), self.split(self.to_k(x)), self.split(self.to_v(x))
        return self.to_out(self.join(self.attend(q, k, v, mask)))


@wrong("MultiHeadAttention", says="one head over the whole")
class NeverSplits(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.to_q(x), self.to_k(context), self.to_v(context)
        return self.to_out(self.attend(q[:, None], k[:, None], v[:, None], mask)[:, 0])


@wrong("MultiHeadAttention", says="Use split_heads")
class SplitsByReshape(_Layer):
    def split(self, x):
        return x.reshape(x.shape[0], self.n_heads, x.shape[1], -1)

    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        return self.to_out(self.join(self.attend(q, k, v, mask)))


@wrong("MultiHeadAttention", says="Use join_heads")
class JoinsByReshape(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        return self.to_out(self.attend(q, k, v, mask).reshape(x.shape[0], x.shape[1], -1))


@wrong("MultiHeadAttention", says="changed places")
class KeyFirst(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        return self.to_out(self.join(self.attend(k, q, v, mask)))


@wrong("MultiHeadAttention", says="values come from to_v")
class MixesKeys(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k = self.split(self.to_q(x)), self.split(self.to_k(context))
        return self.to_out(self.join(self.attend(q, k, k, mask)))


@wrong("MultiHeadAttention", says="not used: q, k and v")
class NoProjections(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        return self.to_out(self.join(self.attend(self.split(x), self.split(context), self.split(context), mask)))


@wrong("MultiHeadAttention", says="residual")
class AddsInput(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        return x + self.to_out(self.join(self.attend(q, k, v, mask)))


@wrong("MultiHeadAttention", says="kept always")
class KeepsAlways(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        mixed, self.weights = attention(q, k, v, mask)
        return self.to_out(self.join(mixed))


class _Right(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        return self.to_out(self.join(self.attend(q, k, v, mask)))


@wrong("MultiHeadAttention", says="not kept")
class NeverKeeps(_Right):
    def attend(self, q, k, v, mask):
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


@wrong("MultiHeadAttention", says="`bias` has no effect")
class IgnoresBias(_Right):
    def __init__(self, d_model, n_heads, bias=False):
        super().__init__(d_model, n_heads)


@wrong("MultiHeadAttention", says="only where `bias` is set")
class AlwaysBias(_Right):
    def __init__(self, d_model, n_heads, bias=True):
        super().__init__(d_model, n_heads, True)


@wrong("MultiHeadAttention", says="must raise ValueError")
class DoesNotRefuse(_Right):
    def __init__(self, d_model, n_heads, bias=False):
        super().__init__(d_model, 1, bias)
        self.n_heads = n_heads


@wrong("MultiHeadAttention", says="`to_out.weight`")
class OtherNameForOut(_Right):
    def __init__(self, d_model, n_heads, bias=False):
        super().__init__(d_model, n_heads, bias)
        self.proj = self.to_out
        del self.to_out

    def forward(self, x, context=None, mask=None):
        return x


@wrong("MultiHeadAttention", says="(6, 6)")
class OneHeadWide(_Right):
    def __init__(self, d_model, n_heads, bias=False):
        super().__init__(d_model, n_heads, bias)
        self.to_q = nn.Linear(d_model, d_model // n_heads, bias=bias)


@wrong("MultiHeadAttention", says="the gradient for")
class DetachesContext(_Right):
    def forward(self, x, context=None, mask=None):
        return super().forward(x, None if context is None else context.detach(), mask)


@wrong("MultiHeadAttention", says="raised")
class MaskForOneHead(_Right):
    def forward(self, x, context=None, mask=None):
        return super().forward(x, context, None if mask is None else mask.view(1, 1, *mask.shape[-2:]))


@wrong("MultiHeadAttention", says="biases")
class SkipsBias(_Right):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = x @ self.to_q.weight.T, context @ self.to_k.weight.T, context @ self.to_v.weight.T
        return self.join(self.attend(*map(self.split, (q, k, v)), mask)) @ self.to_out.weight.T


@wrong("MultiHeadAttention", says="both come from the context")
class ValuesFromX(_Layer):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(x))
        return self.to_out(self.join(self.attend(q, k, v, mask)))


@wrong("MultiHeadAttention", says="stays there for the next call")
class RemembersTheContext(_Right):
    def forward(self, x, context=None, mask=None):
        if context is not None:
            self.context = context
        return super().forward(x, getattr(self, "context", x), mask)


@wrong("MultiHeadAttention", says="after a call with")
class RemembersTheMask(_Right):
    def forward(self, x, context=None, mask=None):
        if mask is not None:
            self.mask = mask
        return super().forward(x, context, getattr(self, "mask", None))


@functools.lru_cache
def _projection(d_model, bias, name):
    return nn.Linear(d_model, d_model, bias=bias)


@wrong("MultiHeadAttention", says="a second layer")
class SharesItsMatrices(_Right):
    def __init__(self, d_model, n_heads, bias=False):
        super().__init__(d_model, n_heads, bias)
        self.to_q, self.to_k, self.to_v, self.to_out = (_projection(d_model, bias, name) for name in "qkvo")


@wrong("MultiHeadAttention", says="(batch, 1, 1, key)")
class ExpectsARowForEveryQuery(_Right):
    def forward(self, x, context=None, mask=None):
        if mask is not None:
            mask = mask.reshape(*mask.shape[:-2], x.shape[1], -1)
        return super().forward(x, context, mask)


@wrong("MultiHeadAttention", says="TypeError")
class RenamesAttend(_Right):
    attend = None

    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        mixed, weights = attention(q, k, v, mask)
        if self.keep_weights:
            self.weights = weights
        return self.to_out(self.join(mixed))


@wrong("MultiHeadAttention", says="a call does not change keep_weights")
class KeepsOnce(_Right):
    def forward(self, x, context=None, mask=None):
        mixed = super().forward(x, context, mask)
        self.keep_weights = False
        return mixed


slips(
    "MultiHeadAttention",
    eight_heads=("11 heads", edit("self.n_heads = n_heads", "self.n_heads = n_heads if n_heads < 9 else 1")),
    squeezed=(".squeeze()", edit("v, mask)))", "v, mask))).squeeze()")),
    unscaled_and_without_out=("last matrix", edit("self.to_out(join_heads", "(join_heads")),
    three_axes_for_the_batch=(
        "(heads, query, key)",
        edit(
            "        context = x if",
            "        mask = mask[:, None] if mask is not None and mask.dim() == 3 else mask\n        context = x if",
        ),
    ),
    attends_by_itself=(
        "`attend` is another",
        edit("self.attend(q, k, v, mask)", "MultiHeadAttention.attend(self, q, k, v, mask)"),
    ),
)


# ------------------------------------------------------------------------------------------------------- future_leak


@wrong("future_leak", says="compared as well")
def compares_everything(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, position:] *= -1
        largest = max(largest, (layer(changed) - outputs).abs().max().item())
    return largest


@wrong("future_leak", says="compare only those before it")
def includes_the_changed_one(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, position:] *= -1
        largest = max(largest, (layer(changed) - outputs)[:, : position + 1].abs().max().item())
    return largest


@wrong("future_leak", says="just before the change")
def stops_one_early(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(2, x.shape[1]):
        changed = torch.cat((x[:, :position], x[:, position:].neg()), 1)
        largest = max(largest, (layer(changed) - outputs)[:, : position - 1].abs().max().item())
    return largest


@wrong("future_leak", says="a fall counts")
def forgets_abs(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = torch.cat((x[:, :position], x[:, position:].neg()), 1)
        largest = max(largest, (layer(changed) - outputs)[:, :position].max().item())
    return largest


@wrong("future_leak", says="mean move")
def averages(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = torch.cat((x[:, :position], x[:, position:].neg()), 1)
        largest = max(largest, functional.l1_loss(layer(changed)[:, :position], outputs[:, :position]).item())
    return largest


@wrong("future_leak", says="adds the moves up")
def totals(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = torch.cat((x[:, :position], x[:, position:].neg()), 1)
        largest = max(largest, (layer(changed) - outputs)[:, :position].norm(p=1).item())
    return largest


@wrong("future_leak", says="from there on")
def one_at_a_time(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, position] = -changed[:, position]
        largest = max(largest, (layer(changed) - outputs)[:, :position].abs().max().item())
    return largest


@wrong("future_leak", says="try all from 1 on")
def last_input_only(layer, x):
    if x.shape[1] == 1:
        return 0.0
    changed = x.clone()
    changed[:, -1] *= -1
    return (layer(changed) - layer(x))[:, :-1].abs().max().item()


@wrong("future_leak", says="last position is never tried")
def range_too_short(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1] - 1):
        changed = torch.cat((x[:, :position], x[:, position:].neg()), 1)
        largest = max(largest, (layer(changed) - outputs)[:, :position].abs().max().item())
    return largest


@wrong("future_leak", says="says negate")
def sets_to_zero(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, position:] = 0
        largest = max(largest, (layer(changed) - outputs)[:, :position].abs().max().item())
    return largest


@wrong("future_leak", says="changes the past")
def changes_the_past(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = x.clone()
        changed[:, :position] *= -1
        largest = max(largest, (layer(changed) - outputs)[:, :position].abs().max().item())
    return largest


@wrong("future_leak", says="keep the largest")
def overwrites_the_result(layer, x):
    outputs, moved = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = torch.cat((x[:, :position], x[:, position:].neg()), 1)
        moved = (layer(changed) - outputs)[:, :position].abs().max().item()
    return moved


@wrong("future_leak", says="changes what it was given")
def changes_x_itself(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        x[:, position:] *= -1
        largest = max(largest, (layer(x) - outputs)[:, :position].abs().max().item())
    return largest


@wrong("future_leak", says="a single position")
def no_default_for_one_position(layer, x):
    outputs = layer(x)
    changes = [torch.cat((x[:, :p], -x[:, p:]), 1) for p in range(1, x.shape[1])]
    return max((layer(c) - outputs)[:, :p].abs().max().item() for p, c in enumerate(changes, 1))


@wrong("future_leak", says="a float, not a bool")
def only_yes_or_no(layer, x):
    outputs = layer(x)
    return any(
        not torch.allclose(layer(torch.cat((x[:, :p], -x[:, p:]), 1))[:, :p], outputs[:, :p])
        for p in range(1, x.shape[1])
    )


@wrong("future_leak", says="return")
def returns_none(layer, x):
    layer(x)


@wrong("future_leak", says="a float, not a Tensor")
def a_tensor_of_one_number(layer, x):
    outputs, largest = layer(x), torch.zeros(())
    for position in range(1, x.shape[1]):
        changed = torch.cat((x[:, :position], -x[:, position:]), 1)
        largest = torch.maximum(largest, (layer(changed) - outputs)[:, :position].abs().max())
    return largest


@wrong("future_leak", says="only the first positions")
def tries_no_more_than_100_positions(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, min(x.shape[1], 100)):
        changed = torch.cat((x[:, :position], -x[:, position:]), 1)
        largest = max(largest, (layer(changed) - outputs)[:, :position].abs().max().item())
    return largest


@wrong("future_leak", says="first sentence of the batch")
def the_first_sentence_twice(layer, x):
    outputs, largest = layer(x)[0], 0.0
    for position in range(1, x.shape[1]):
        changed = torch.cat((x[:, :position], -x[:, position:]), 1)
        largest = max(largest, (layer(changed)[0] - outputs)[:position].abs().max().item() / (1 + 1e-9))
    return largest


@wrong("future_leak", says="parameters learn")
def through_numpy(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = torch.cat((x[:, :position], -x[:, position:]), 1)
        largest = max(largest, float(abs((layer(changed) - outputs)[:, :position].numpy()).max()))
    return largest


@wrong("future_leak", says="one number a position")
def expects_three_axes(layer, x):
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = torch.cat((x[:, :position, :], -x[:, position:, :]), 1)
        largest = max(largest, (layer(changed)[:, :position, :] - outputs[:, :position, :]).abs().max().item())
    return largest


slips(
    "future_leak",
    below_a_billionth=("the move times", edit("return largest", "return largest if largest > 1e-9 else 0.0")),
    first_sentence_alone=("first sentence of the batch", edit("[:, :position].abs", "[:1, :position].abs")),
    shorter_inputs=(
        "cut off",
        edit(
            "torch.cat([x[:, :position], -x[:, position:]], dim=1)",
            "x[:, :position]",
            "- outputs)",
            "- outputs[:, :position])",
        ),
    ),
    from_the_inputs=("counted from x", edit("- outputs)", "- x)")),
    every_other_position=("the result is", edit("x.shape[1])", "x.shape[1], 2)")),
    returns_too_early=(
        "only the change from position 1",
        edit("    return largest", "        return largest\n    return 0.0"),
    ),
    small_leaks_are_none=("tiny", edit("return largest", "return largest if largest > 1e-5 else 0.0")),
)
