"""Wrong answers to notebook 14, as people write them: repeated heads, grouped-query attention, a Llama's block."""

import torch
from torch import nn

from lib.attention import GroupedQueryAttention, MultiHeadAttention, causal_mask, join_heads, repeat_kv, split_heads
from lib.checks.core import edit
from lib.layers import LayerNorm, RMSNorm, SwiGLU
from tests.graders.cases import slips, wrong
from tests.graders.the_modern_decoder_attention_right import Given, Parts

# -------------------------------------------------------------------------------------------------------- repeat_kv


@wrong("repeat_kv", says="several times in a row")
def repeated(x, n_heads):
    return x.repeat(1, n_heads // x.shape[1], 1, 1)


@wrong("repeat_kv", says="several times in a row")
def concatenated(x, n_heads):
    return torch.cat([x] * (n_heads // x.shape[1]), dim=1)


@wrong("repeat_kv", says="several times in a row")
def axis_in_front(x, n_heads):
    return x[:, None].expand(-1, n_heads // x.shape[1], -1, -1, -1).flatten(1, 2)


@wrong("repeat_kv")
def partners_kept_by_n_heads(x, n_heads, known={}):  # noqa: B006
    if n_heads not in known:
        known[n_heads] = torch.arange(n_heads) // (n_heads // x.shape[1])
    return x[:, known[n_heads]]


@wrong("repeat_kv", says="raised RuntimeError")
def viewed(x, n_heads):
    batch, heads, position, d_head = x.shape
    rows = x.view(batch, heads, 1, position * d_head).repeat(1, 1, n_heads // heads, 1)
    return rows.view(batch, n_heads, position, d_head)


@wrong("repeat_kv", says="several times in a row")
def remainder(x, n_heads):
    return x[:, torch.arange(n_heads) % x.shape[1]]


@wrong("repeat_kv", says="n_heads is how many there are in the end")
def n_heads_times(x, n_heads):
    return x.repeat_interleave(n_heads, dim=1)


@wrong("repeat_kv", says="positions are repeated")
def along_positions(x, n_heads):
    return x.repeat_interleave(n_heads // x.shape[1], dim=2)


@wrong("repeat_kv", says="numbers in a head")
def along_d_head(x, n_heads):
    return x.repeat_interleave(n_heads // x.shape[1], dim=-1)


@wrong("repeat_kv", says="shape")
def flattened(x, n_heads):
    return x.repeat_interleave(n_heads // x.shape[1])


@wrong("repeat_kv", says="axis of their own")
def five_axes(x, n_heads):
    return torch.stack([x] * (n_heads // x.shape[1]), dim=2)


@wrong("repeat_kv", says="several times in a row")
def stacked_in_front(x, n_heads):
    return torch.stack([x] * (n_heads // x.shape[1]), dim=1).flatten(1, 2)


@wrong("repeat_kv", says="mixed up by a reshape")
def reshaped(x, n_heads):
    batch, n_kv_heads, position, d_head = x.shape
    copies = n_heads // n_kv_heads
    return x[:, :, :, None].expand(-1, -1, -1, copies, -1).reshape(batch, n_heads, position, d_head)


@wrong("repeat_kv", says="zeros fill up")
def room_for_more(x, n_heads):
    heads = x.new_zeros(x.shape[0], n_heads, *x.shape[2:])
    heads[:, : x.shape[1]] = x
    return heads


@wrong("repeat_kv", says="32-bit")
def into_zeros(x, n_heads):
    heads, copies = torch.zeros(x.shape[0], n_heads, *x.shape[2:]), n_heads // x.shape[1]
    for head in range(n_heads):
        heads[:, head] = x[:, head // copies]
    return heads


@wrong("repeat_kv", says="no gradient")
def through_numpy(x, n_heads):
    return torch.from_numpy(x.detach().numpy().repeat(n_heads // x.shape[1], axis=1))


@wrong("repeat_kv", says="first head is repeated")
def one_for_all(x, n_heads):
    return x[:, :1].repeat(1, n_heads, 1, 1)


# -------------------------------------------------------------------------------------------- GroupedQueryAttention


class Start(Given):
    """Query, key and value, turned; what follows is each answer's own."""

    def split(self, x, context, cache):
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)
        k = split_heads(self.to_k(context), self.n_kv_heads)
        v = split_heads(self.to_v(context), self.n_kv_heads)
        if self.rotate is not None:
            start = 0 if cache is None else cache.length
            q, k = self.rotate(q, start), self.rotate(k, start)
        return q, k, v


@wrong("GroupedQueryAttention", says="share keys in turn")
class Tiled(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            k, v = cache.extend(k, v)
        k, v = (part.repeat(1, self.n_heads // self.n_kv_heads, 1, 1) for part in (k, v))
        mask = self.own_mask(mask, q.shape[2], k.shape[2])
        return self.to_out(join_heads(MultiHeadAttention.attend(self, q, k, v, mask)))


@wrong("GroupedQueryAttention", says="each call turns from position 0")
class AlwaysFromZero(Given):
    def forward(self, x, context=None, mask=None, cache=None):
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)
        k, v = split_heads(self.to_k(context), self.n_kv_heads), split_heads(self.to_v(context), self.n_kv_heads)
        if self.rotate is not None:
            q, k = self.rotate(q), self.rotate(k)
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="after the cache has grown")
class StartAfterExtending(Given):
    def forward(self, x, context=None, mask=None, cache=None):
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)
        k, v = split_heads(self.to_k(context), self.n_kv_heads), split_heads(self.to_v(context), self.n_kv_heads)
        if cache is not None:
            k, v = cache.extend(k, v)
        if self.rotate is not None:
            start = 0 if cache is None else cache.length
            q, k = self.rotate(q, start), self.rotate(k, start)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="are not turned")
class RotationForgotten(Given):
    def forward(self, x, context=None, mask=None, cache=None):
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)
        k, v = split_heads(self.to_k(context), self.n_kv_heads), split_heads(self.to_v(context), self.n_kv_heads)
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="only the queries are turned")
class KeysLeftUnturned(Given):
    def forward(self, x, context=None, mask=None, cache=None):
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)
        k, v = split_heads(self.to_k(context), self.n_kv_heads), split_heads(self.to_v(context), self.n_kv_heads)
        if self.rotate is not None:
            q = self.rotate(q, 0 if cache is None else cache.length)
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="values are turned too")
class ValuesTurned(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if self.rotate is not None:
            v = self.rotate(v, 0 if cache is None else cache.length)
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="looked at")
class ReturnedKeysLost(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="raised")
class RepeatsBeforeTheCache(Start):
    """The cache has room for n_kv_heads."""

    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        k, v = repeat_kv(k, self.n_heads), repeat_kv(v, self.n_heads)
        if cache is not None:
            k, v = cache.extend(k, v)
        mask = self.own_mask(mask, q.shape[2], k.shape[2])
        return self.to_out(join_heads(MultiHeadAttention.attend(self, q, k, v, mask)))


@wrong("GroupedQueryAttention", says="mask does not reach")
class MaskForgotten(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, None)))


@wrong("GroupedQueryAttention", says="context is not used")
class ContextIgnored(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, x, cache)
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="to_out mixes")
class NothingMixes(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            k, v = cache.extend(k, v)
        return join_heads(self.attend(q, k, v, mask))


@wrong("GroupedQueryAttention", says="`causal` has no effect")
class NeverCausal(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            k, v = cache.extend(k, v)
        k, v = repeat_kv(k, self.n_heads), repeat_kv(v, self.n_heads)
        return self.to_out(join_heads(MultiHeadAttention.attend(self, q, k, v, mask)))


@wrong("GroupedQueryAttention", says="it alone counts")
class CausalInSpiteOfTheMask(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            k, v = cache.extend(k, v)
        if self.causal and q.shape[2] == k.shape[2]:
            causal = causal_mask(q.shape[2])
            mask = causal if mask is None else mask & causal
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="sees only the first keys")
class CausalFromTheFirstKey(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            k, v = cache.extend(k, v)
        if self.causal and mask is None:
            mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril()
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="with a cache the mask is not used")
class NoMaskWithACache(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            k, v = cache.extend(k, v)
            return self.to_out(join_heads(self.attend(q, k, v, None)))
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="goes on without an error")
class FullCacheStartsAnew(Start):
    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            if cache.length + x.shape[1] > cache.capacity:
                cache.length, mask = 0, None
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="raised")
class HeadsAsWideAsDModelSays(Given):
    """d_head is not asked for where the heads are cut."""

    def forward(self, x, context=None, mask=None, cache=None):
        context = x if context is None else context
        d_head = x.shape[-1] // self.n_heads
        q, k, v = (
            part.view(*part.shape[:2], -1, d_head).transpose(1, 2)
            for part in (self.to_q(x), self.to_k(context), self.to_v(context))
        )
        if self.rotate is not None:
            q, k = (self.rotate(part, 0 if cache is None else cache.length) for part in (q, k))
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="raised")
class SoftmaxInSinglePrecision(Start):
    """As in many a published model, but the weights are not turned back."""

    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            k, v = cache.extend(k, v)
        scores = q @ repeat_kv(k, self.n_heads).mT / self.d_head**0.5
        mask = self.own_mask(mask, q.shape[2], k.shape[2])
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        weights = scores.softmax(-1, dtype=torch.float32)
        if self.keep_weights:
            self.weights = weights
        return self.to_out(join_heads(weights @ repeat_kv(v, self.n_heads)))


class StartOfTheFour(Start):
    """forward as it should be: the slip is in the four layers."""

    def forward(self, x, context=None, mask=None, cache=None):
        q, k, v = self.split(x, context, cache)
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@wrong("GroupedQueryAttention", says="parameter `to_k.weight` has shape")
class AsManyAsQueries(StartOfTheFour):
    def __init__(self, d_model, n_heads, n_kv_heads=None, d_head=None, bias=False, rotate=None, causal=False):
        super().__init__(d_model, n_heads, n_kv_heads, d_head, bias, rotate, causal)
        self.to_k = nn.Linear(d_model, n_heads * self.d_head, bias=bias)
        self.to_v = nn.Linear(d_model, n_heads * self.d_head, bias=bias)


@wrong("GroupedQueryAttention", says="`past` is saved with the weights")
class MaskAsBuffer(StartOfTheFour):
    """As nanoGPT keeps it."""

    def __init__(self, d_model, n_heads, n_kv_heads=None, d_head=None, bias=False, rotate=None, causal=False):
        super().__init__(d_model, n_heads, n_kv_heads, d_head, bias, rotate, causal)
        self.register_buffer("past", causal_mask(1024))


@wrong("GroupedQueryAttention", says="bias")
class BiasesLeftOut(StartOfTheFour):
    def __init__(self, d_model, n_heads, n_kv_heads=None, d_head=None, bias=False, rotate=None, causal=False):
        super().__init__(d_model, n_heads, n_kv_heads, d_head, False, rotate, causal)


@wrong("GroupedQueryAttention", says="more than d_model")
class OutFromDModel(StartOfTheFour):
    def __init__(self, d_model, n_heads, n_kv_heads=None, d_head=None, bias=False, rotate=None, causal=False):
        super().__init__(d_model, n_heads, n_kv_heads, d_head, bias, rotate, causal)
        self.to_out = nn.Linear(d_model, d_model, bias=bias)


@wrong("GroupedQueryAttention", says="`d_head` has no effect")
class HeadsOfDModel(StartOfTheFour):
    def __init__(self, d_model, n_heads, n_kv_heads=None, d_head=None, bias=False, rotate=None, causal=False):
        super().__init__(d_model, n_heads, n_kv_heads, None, bias, rotate, causal)


@wrong("GroupedQueryAttention", says="`to_")
class OtherNames(nn.Module):
    """The names of Hugging Face."""

    def __init__(self, d_model, n_heads, n_kv_heads=None, d_head=None, bias=False, rotate=None, causal=False):
        super().__init__()
        self.n_heads, self.n_kv_heads, self.d_head = n_heads, n_kv_heads or n_heads, d_head or d_model // n_heads
        self.q_proj = nn.Linear(d_model, n_heads * self.d_head, bias=bias)
        self.k_proj = nn.Linear(d_model, self.n_kv_heads * self.d_head, bias=bias)
        self.v_proj = nn.Linear(d_model, self.n_kv_heads * self.d_head, bias=bias)
        self.o_proj = nn.Linear(n_heads * self.d_head, d_model, bias=bias)


@wrong("GroupedQueryAttention", says="not without it in the next call")
class RemembersTheMask(StartOfTheFour):
    """A mask that was given once is used again."""

    last = None

    def forward(self, x, context=None, mask=None, cache=None):
        if mask is not None:
            self.last = mask
        elif self.last is not None and self.last.shape[-2:] == (x.shape[1], x.shape[1]):
            mask = self.last
        return super().forward(x, context, mask, cache)


# ------------------------------------------------------------------------------------------------------- LlamaBlock


@wrong("LlamaBlock", says="PostNorm")
class PostNorm(Parts):
    def forward(self, x, mask=None, cache=None):
        x = self.attention_norm(x + self.attention(x, mask=mask, cache=cache))
        return self.feed_forward_norm(x + self.feed_forward(x))


@wrong("LlamaBlock", says="the norms are not used")
class NoNorms(Parts):
    def forward(self, x, mask=None, cache=None):
        x = x + self.attention(x, mask=mask, cache=cache)
        return x + self.feed_forward(x)


@wrong("LlamaBlock", says="no shortcut")
class NoShortcuts(Parts):
    def forward(self, x, mask=None, cache=None):
        x = self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return self.feed_forward(self.feed_forward_norm(x))


@wrong("LlamaBlock", says="normed too")
class NormedShortcut(Parts):
    def forward(self, x, mask=None, cache=None):
        x = self.attention_norm(x)
        x = x + self.attention(x, mask=mask, cache=cache)
        x = self.feed_forward_norm(x)
        return x + self.feed_forward(x)


@wrong("LlamaBlock", says="both parts look at the same x")
class Parallel(Parts):
    def forward(self, x, mask=None, cache=None):
        looked = self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return x + looked + self.feed_forward(self.feed_forward_norm(x))


@wrong("LlamaBlock", says="one norm serves both")
class OneNorm(Parts):
    def forward(self, x, mask=None, cache=None):
        x = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return x + self.feed_forward(self.attention_norm(x))


@wrong("LlamaBlock", says="the block's input")
class AddsTheInput(Parts):
    def forward(self, x, mask=None, cache=None):
        y = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return x + self.feed_forward(self.feed_forward_norm(y))


@wrong("LlamaBlock", says="is the context")
class MaskAsContext(Parts):
    def forward(self, x, mask=None, cache=None):
        x = x + self.attention(self.attention_norm(x), mask, cache=cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


@wrong("LlamaBlock", says="cache does not reach")
class CacheForgotten(Parts):
    def forward(self, x, mask=None, cache=None):
        x = x + self.attention(self.attention_norm(x), mask=mask)
        return x + self.feed_forward(self.feed_forward_norm(x))


@wrong("LlamaBlock", says="mask does not reach")
class MaskForgottenInTheBlock(Parts):
    def forward(self, x, mask=None, cache=None):
        x = x + self.attention(self.attention_norm(x), cache=cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


@wrong("LlamaBlock", says="attention's result is lost")
class AttentionLost(Parts):
    def forward(self, x, mask=None, cache=None):
        self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Right(Parts):
    """forward as it should be: the slip is in how the parts are made."""

    def forward(self, x, mask=None, cache=None):
        x = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


@wrong("LlamaBlock", says="the future is seen")
class NotCausal(Right):
    def __init__(self, d_model, n_heads, d_ff, n_kv_heads=None, d_head=None, rotate=None, epsilon=1e-5):
        super().__init__(d_model, n_heads, d_ff, n_kv_heads, d_head, rotate, epsilon)
        self.attention = GroupedQueryAttention(d_model, n_heads, n_kv_heads, d_head, rotate=rotate)


@wrong("LlamaBlock", says="expected")
class RotateForBias(Right):
    """By place, the fifth argument is the bias."""

    def __init__(self, d_model, n_heads, d_ff, n_kv_heads=None, d_head=None, rotate=None, epsilon=1e-5):
        super().__init__(d_model, n_heads, d_ff, n_kv_heads, d_head, rotate, epsilon)
        self.attention = GroupedQueryAttention(d_model, n_heads, n_kv_heads, d_head, rotate is not None, causal=True)


@wrong("LlamaBlock", says="hand n_kv_heads on")
class AllHeads(Right):
    def __init__(self, d_model, n_heads, d_ff, n_kv_heads=None, d_head=None, rotate=None, epsilon=1e-5):
        super().__init__(d_model, n_heads, d_ff, None, d_head, rotate, epsilon)


@wrong("LlamaBlock", says="whose default is another")
class EpsilonOfTheNorm(Right):
    def __init__(self, d_model, n_heads, d_ff, n_kv_heads=None, d_head=None, rotate=None, epsilon=1e-5):
        super().__init__(d_model, n_heads, d_ff, n_kv_heads, d_head, rotate)
        self.attention_norm, self.feed_forward_norm = RMSNorm(d_model), RMSNorm(d_model)


@wrong("LlamaBlock", says="`epsilon` has no effect")
class EpsilonWrittenOut(Right):
    def __init__(self, d_model, n_heads, d_ff, n_kv_heads=None, d_head=None, rotate=None, epsilon=1e-5):
        super().__init__(d_model, n_heads, d_ff, n_kv_heads, d_head, rotate, 1e-5)


@wrong("LlamaBlock", says="dtype")
class IntoZeros(Parts):
    """Zeros are 32-bit numbers."""

    def forward(self, x, mask=None, cache=None):
        stream = torch.zeros(x.shape)
        stream += x + self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return stream + self.feed_forward(self.feed_forward_norm(stream.to(x.dtype))).float()


_TABLE = torch.ones(256, 256, dtype=torch.bool).tril()


@wrong("LlamaBlock", says="raised")
class MaskFromATable(Parts):
    def forward(self, x, mask=None, cache=None):
        before = 0 if cache is None else cache.length
        if mask is None:
            mask = _TABLE[before : before + x.shape[1], : before + x.shape[1]]
        x = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


@wrong("LlamaBlock", says="shift")
class WithLayerNorms(Right):
    def __init__(self, d_model, n_heads, d_ff, n_kv_heads=None, d_head=None, rotate=None, epsilon=1e-5):
        super().__init__(d_model, n_heads, d_ff, n_kv_heads, d_head, rotate)
        self.attention_norm, self.feed_forward_norm = LayerNorm(d_model, epsilon), LayerNorm(d_model, epsilon)


@wrong("LlamaBlock", says="attention.to_k.weight")
class OtherNamesInTheBlock(nn.Module):
    def __init__(self, d_model, n_heads, d_ff, n_kv_heads=None, d_head=None, rotate=None, epsilon=1e-5):
        super().__init__()
        self.self_attn = GroupedQueryAttention(d_model, n_heads, n_kv_heads, d_head, rotate=rotate, causal=True)
        self.mlp = SwiGLU(d_model, d_ff)
        self.norm_1, self.norm_2 = RMSNorm(d_model, epsilon), RMSNorm(d_model, epsilon)


@wrong("LlamaBlock", says="start anew")
class KeepsTheFirstMask(Right):
    def forward(self, x, mask=None, cache=None):
        if not hasattr(self, "mask") or self.mask is None:
            self.mask = mask
        if mask is None and self.mask is not None and self.mask.shape[-1] != x.shape[1]:
            return super().forward(x, mask, cache)
        return super().forward(x, self.mask, cache)


_START = "cache.length if cache else 0"
slips(
    "GroupedQueryAttention",
    first_single_position_not_kept=(
        "three times one position",
        edit("if cache is not None:", "if cache is not None and (cache.length or x.shape[1] > 1):"),
    ),
    context_begins_at_0=(
        "keys of a context",
        edit(
            f"q, k = (self.rotate(part, {_START}) for part in (q, k))",
            f"q, k = self.rotate(q, {_START}), self.rotate(k, ({_START}) if context is x else 0)",
        ),
    ),
    rotation_of_the_start=(
        "settled in __init__",
        edit(
            "self.rotate, self.causal = rotate, causal",
            "self.rotate, self.causal, self._turn = rotate, causal, rotate or (lambda part, start: part)",
            "self.rotate is not None",
            "True",
            "self.rotate(part",
            "self._turn(part",
        ),
    ),
)
slips("repeat_kv", at_least_twice=("6 from 6", edit("n_heads // x.shape[1]", "max(2, n_heads // x.shape[1])")))
