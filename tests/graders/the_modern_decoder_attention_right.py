"""Right answers to notebook 14 in several styles: repeated heads, grouped-query attention, a Llama's block."""

import math

import torch
from torch import nn
from torch.nn import functional

from lib.attention import (
    GroupedQueryAttention,
    MultiHeadAttention,
    attention,
    causal_mask,
    fused_attention,
    join_heads,
    repeat_kv,
    split_heads,
)
from lib.layers import RMSNorm, SwiGLU
from tests.graders.cases import right

# -------------------------------------------------------------------------------------------------------- repeat_kv


@right("repeat_kv")
def expanded(x, n_heads):
    batch, n_kv_heads, position, d_head = x.shape
    copies = n_heads // n_kv_heads
    return x[:, :, None].expand(batch, n_kv_heads, copies, position, d_head).reshape(batch, n_heads, position, d_head)


@right("repeat_kv")
def one_by_one(x, n_heads):
    copies = n_heads // x.shape[1]
    return torch.cat([x[:, head : head + 1] for head in range(x.shape[1]) for _ in range(copies)], dim=1)


@right("repeat_kv")
def by_index(x, n_heads):
    copies = n_heads // x.shape[1]
    return x[:, [head // copies for head in range(n_heads)]]


@right("repeat_kv")
def stacked(x, n_heads):
    return torch.stack([x] * (n_heads // x.size(1)), dim=2).flatten(1, 2)


@right("repeat_kv")
def by_a_matrix(x, n_heads):
    copies = torch.eye(x.shape[1], dtype=x.dtype).repeat_interleave(n_heads // x.shape[1], dim=0)
    return torch.einsum("hk,bkpd->bhpd", copies, x)


@right("repeat_kv")
def repeated_on_a_new_axis(x, n_heads):
    if x.shape[1] == n_heads:
        return x
    return x.unsqueeze(2).repeat(1, 1, n_heads // x.shape[1], 1, 1).view(x.shape[0], n_heads, *x.shape[2:])


@right("repeat_kv")
def index_select(x, n_heads):
    return x.index_select(1, torch.arange(n_heads) * x.shape[1] // n_heads)


# -------------------------------------------------------------------------------------------- GroupedQueryAttention


class Given(MultiHeadAttention):
    """The stub, and the four layers as most people write them."""

    def __init__(self, d_model, n_heads, n_kv_heads=None, d_head=None, bias=False, rotate=None, causal=False):
        width = d_model if d_head is None else n_heads * d_head
        super().__init__(width, n_heads, bias)
        self.n_kv_heads, self.d_head = n_heads if n_kv_heads is None else n_kv_heads, width // n_heads
        if self.n_kv_heads < 1 or n_heads % self.n_kv_heads:
            raise ValueError(f"n_heads={n_heads} does not split into n_kv_heads={n_kv_heads} equal groups")
        self.rotate, self.causal = rotate, causal
        self.to_q = nn.Linear(d_model, self.n_heads * self.d_head, bias=bias)
        self.to_k = nn.Linear(d_model, self.n_kv_heads * self.d_head, bias=bias)
        self.to_v = nn.Linear(d_model, self.n_kv_heads * self.d_head, bias=bias)
        self.to_out = nn.Linear(self.n_heads * self.d_head, d_model, bias=bias)

    def attend(self, q, k, v, mask):
        causal = self.causal and mask is None and q.shape[-2] == k.shape[-2]
        if not self.keep_weights:
            return fused_attention(q, k, v, mask, causal, grouped=self.n_kv_heads < self.n_heads)
        mask = causal_mask(q.shape[-2]) if causal else mask
        return super().attend(q, repeat_kv(k, self.n_heads), repeat_kv(v, self.n_heads), mask)

    def own_mask(self, mask, queries, keys):
        """For answers that do without attend: what counts where no mask is given."""
        if mask is None and self.causal and queries == keys:
            return torch.ones(queries, keys).tril().bool()
        return mask


@right("GroupedQueryAttention")
class StepByStep(Given):
    def forward(self, x, context=None, mask=None, cache=None):
        if context is None:
            context = x
        q = split_heads(self.to_q(x), self.n_heads)
        k = split_heads(self.to_k(context), self.n_kv_heads)
        v = split_heads(self.to_v(context), self.n_kv_heads)
        start = cache.length if cache is not None else 0
        if self.rotate:
            q = self.rotate(q, start)
            k = self.rotate(k, start)
        if cache is not None:
            k, v = cache.extend(k, v)
        mixed = self.attend(q, k, v, mask)
        return self.to_out(join_heads(mixed))


@right("GroupedQueryAttention")
class RepeatedByHand(Given):
    """Without the given attend: repeat, then attention as in notebook 04."""

    def forward(self, x, context=None, mask=None, cache=None):
        context = x if context is None else context
        shape = (*x.shape[:2], -1, self.d_head)
        q = self.to_q(x).view(shape).transpose(1, 2)
        k, v = (to(context).view(*context.shape[:2], -1, self.d_head).transpose(1, 2) for to in (self.to_k, self.to_v))
        if self.rotate is not None:
            start = 0 if cache is None else cache.length
            q, k = self.rotate(q, start), self.rotate(k, start)
        if cache is not None:
            k, v = cache.extend(k, v)
        k, v = repeat_kv(k, self.n_heads), repeat_kv(v, self.n_heads)
        mixed, weights = attention(q, k, v, self.own_mask(mask, q.shape[2], k.shape[2]))
        if self.keep_weights:
            self.weights = weights
        return self.to_out(mixed.transpose(1, 2).reshape(*x.shape[:2], -1))


@right("GroupedQueryAttention")
class GroupsByEinsum(Given):
    """An axis for the group, nothing repeated."""

    def forward(self, x, context=None, mask=None, cache=None):
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)
        k, v = (split_heads(to(context), self.n_kv_heads) for to in (self.to_k, self.to_v))
        if self.rotate is not None:
            start = 0 if cache is None else cache.length
            q, k = self.rotate(q, start), self.rotate(k, start)
        if cache is not None:
            k, v = cache.extend(k, v)
        scores = torch.einsum("bghqd,bgkd->bghqk", q.unflatten(1, (self.n_kv_heads, -1)), k).flatten(1, 2)
        scores = scores / math.sqrt(self.d_head)
        mask = self.own_mask(mask, q.shape[2], k.shape[2])
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        weights = scores.softmax(-1)
        if self.keep_weights:
            self.weights = weights
        mixed = torch.einsum("bghqk,bgkd->bghqd", weights.unflatten(1, (self.n_kv_heads, -1)), v)
        return self.to_out(join_heads(mixed.flatten(1, 2)))


@right("GroupedQueryAttention")
class HeadByHead(Given):
    def forward(self, x, context=None, mask=None, cache=None):
        context = context if context is not None else x
        q = split_heads(self.to_q(x), self.n_heads)
        k, v = split_heads(self.to_k(context), self.n_kv_heads), split_heads(self.to_v(context), self.n_kv_heads)
        if self.rotate is not None:
            start = cache.length if cache is not None else 0
            q, k = (self.rotate(part, start) for part in (q, k))
        if cache is not None:
            k, v = cache.extend(k, v)
        mask, group = self.own_mask(mask, q.shape[2], k.shape[2]), self.n_heads // self.n_kv_heads
        outputs, kept = [], []
        for head in range(self.n_heads):
            scores = q[:, head] @ k[:, head // group].mT * self.d_head**-0.5
            if mask is not None:
                own = mask[:, head % mask.shape[1]] if mask.ndim == 4 else mask
                scores = torch.where(own, scores, torch.tensor(-1e30, dtype=scores.dtype))
            weights = torch.softmax(scores, dim=-1)
            kept.append(weights)
            outputs.append(weights @ v[:, head // group])
        if self.keep_weights:
            self.weights = torch.stack(kept, 1)
        return self.to_out(torch.cat(outputs, -1))


@right("GroupedQueryAttention")
class KeepsUnturnedKeys(Given):
    """Keys are kept as they come; all of them are turned in every call."""

    def forward(self, x, context=None, mask=None, cache=None):
        context = x if context is None else context
        start = 0 if cache is None else cache.length
        q = split_heads(self.to_q(x), self.n_heads)
        k = split_heads(self.to_k(context), self.n_kv_heads)
        v = split_heads(self.to_v(context), self.n_kv_heads)
        if cache is not None:
            k, v = cache.extend(k, v)
        if self.rotate is not None:
            q, k = self.rotate(q, start), self.rotate(k, 0)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))


@right("GroupedQueryAttention")
class OneProductForAll(Given):
    """The three matrices side by side where queries and keys read the same."""

    def forward(self, x, context=None, mask=None, cache=None):
        if context is None:
            parts = self.to_q, self.to_k, self.to_v
            weight = torch.cat([part.weight for part in parts])
            bias = None if self.to_q.bias is None else torch.cat([part.bias for part in parts])
            sizes = [part.weight.shape[0] for part in parts]
            q, k, v = functional.linear(x, weight, bias).split(sizes, dim=-1)
        else:
            q, k, v = self.to_q(x), self.to_k(context), self.to_v(context)
        q, k, v = (part.unflatten(-1, (-1, self.d_head)).transpose(1, 2) for part in (q, k, v))
        if self.rotate is not None:
            q, k = (self.rotate(part, 0 if cache is None else cache.length) for part in (q, k))
        k, v = (k, v) if cache is None else cache.extend(k, v)
        return self.to_out(self.attend(q, k, v, mask).transpose(1, 2).flatten(-2))


@right("GroupedQueryAttention")
class FromNothing(nn.Module):
    """No MultiHeadAttention below it, PyTorch's kernel for the mix."""

    def __init__(self, d_model, n_heads, n_kv_heads=None, d_head=None, bias=False, rotate=None, causal=False):
        super().__init__()
        n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
        if (d_head is None and d_model % n_heads) or n_kv_heads <= 0 or n_heads % n_kv_heads:
            raise ValueError(f"{d_model}, {n_heads}, {n_kv_heads}: no equal parts")
        self.n_heads, self.n_kv_heads, self.d_head = n_heads, n_kv_heads, d_head or d_model // n_heads
        self.rotate, self.causal, self.keep_weights, self.weights = rotate, causal, False, None
        for name, heads in (("to_q", n_heads), ("to_k", n_kv_heads), ("to_v", n_kv_heads)):
            self.add_module(name, nn.Linear(d_model, heads * self.d_head, bias=bias))
        self.to_out = nn.Linear(n_heads * self.d_head, d_model, bias=bias)

    def forward(self, x, context=None, mask=None, cache=None):
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)
        k, v = (split_heads(part(context), self.n_kv_heads) for part in (self.to_k, self.to_v))
        if self.rotate is not None:
            q, k = (self.rotate(part, cache.length if cache is not None else 0) for part in (q, k))
        if cache is not None:
            k, v = cache.extend(k, v)
        k, v = repeat_kv(k, self.n_heads), repeat_kv(v, self.n_heads)
        if mask is None and self.causal and q.shape[2] == k.shape[2]:
            mask = causal_mask(q.shape[2])
        if self.keep_weights:
            self.weights = attention(q, k, v, mask)[1].detach()
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.to_out(join_heads(mixed))


# ------------------------------------------------------------------------------------------------------- LlamaBlock


class Parts(nn.Module):
    """The four parts as most people write them."""

    def __init__(self, d_model, n_heads, d_ff, n_kv_heads=None, d_head=None, rotate=None, epsilon=1e-5):
        super().__init__()
        self.attention_norm = RMSNorm(d_model, epsilon)
        self.attention = GroupedQueryAttention(d_model, n_heads, n_kv_heads, d_head, rotate=rotate, causal=True)
        self.feed_forward_norm = RMSNorm(d_model, epsilon)
        self.feed_forward = SwiGLU(d_model, d_ff)


@right("LlamaBlock")
class FourLines(Parts):
    def forward(self, x, mask=None, cache=None):
        found = self.attention(self.attention_norm(x), None, mask, cache)
        x = x + found
        thought = self.feed_forward(self.feed_forward_norm(x))
        return x + thought


@right("LlamaBlock")
class OneLine(Parts):
    def forward(self, x, mask=None, cache=None):
        return (y := x + self.attention(self.attention_norm(x), mask=mask, cache=cache)) + self.feed_forward(
            self.feed_forward_norm(y)
        )


@right("LlamaBlock")
class Shortcuts(Parts):
    """A function for the shortcut."""

    def around(self, norm, part, x):
        return part(norm(x)).add(x)

    def forward(self, x, mask=None, cache=None):
        x = self.around(self.attention_norm, lambda y: self.attention(y, mask=mask, cache=cache), x)
        return self.around(self.feed_forward_norm, self.feed_forward, x)


@right("LlamaBlock")
class NormsByPyTorch(nn.Module):
    """What is not asked for is not looked at: how the parts come to their numbers."""

    def __init__(self, d_model, n_heads, d_ff, n_kv_heads=None, d_head=None, rotate=None, epsilon=1e-5):
        super().__init__()
        self.epsilon = epsilon
        self.feed_forward, self.feed_forward_norm = SwiGLU(d_model, d_ff), RMSNorm(d_model)
        self.attention_norm = RMSNorm(d_model)
        self.attention = GroupedQueryAttention(
            d_model, n_heads, n_kv_heads=n_kv_heads, d_head=d_head, bias=False, rotate=rotate, causal=True
        )

    def normed(self, x, norm):
        return functional.rms_norm(x, x.shape[-1:], norm.scale, self.epsilon)

    def forward(self, x, mask=None, cache=None):
        x = x + self.attention(self.normed(x, self.attention_norm), mask=mask, cache=cache)
        return x + self.feed_forward(self.normed(x, self.feed_forward_norm))


@right("LlamaBlock")
class OwnCausalMask(nn.Module):
    """causal=False, and a mask made here."""

    def __init__(self, d_model, n_heads, d_ff, n_kv_heads=None, d_head=None, rotate=None, epsilon=1e-5):
        super().__init__()
        self.attention = GroupedQueryAttention(d_model, n_heads, n_kv_heads, d_head, rotate=rotate)
        self.feed_forward = SwiGLU(d_model, d_ff)
        self.attention_norm, self.feed_forward_norm = (RMSNorm(d_model, epsilon) for _ in range(2))

    def forward(self, x, mask=None, cache=None):
        before = cache.length if cache is not None else 0
        if mask is None:
            mask = torch.ones(x.shape[1], before + x.shape[1], dtype=torch.bool).tril(before)
        x = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


@right("LlamaBlock")
class TheBranchesAdded(Parts):
    """The two results are added up at the end."""

    def forward(self, x, mask=None, cache=None):
        looked = self.attention(self.attention_norm(x), mask=mask, cache=cache)
        thought = self.feed_forward(self.feed_forward_norm(looked + x))
        return torch.stack([x, looked, thought]).sum(0)


@right("LlamaBlock")
class FeedForwardByHand(Parts):
    def forward(self, x, mask=None, cache=None):
        y = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)
        normed, feed = self.feed_forward_norm(y), self.feed_forward
        gate = feed.gate(normed)
        return y + feed.narrow(gate.sigmoid() * gate * feed.widen(normed))
