# %% [markdown]
# # 14 · The modern decoder
# After this notebook you can turn the GPT of notebook 11 into the decoder of today, and run a published chat model with your own
# code.
#
# You need: notebooks 05, 06, 07, 11, 12, 13. You build: RMSNorm, SwiGLU, grouped queries, a window, the block of Llama, and the
# unpacking of four-bit weights. 125 minutes.

# %%
import time
from functools import partial
from statistics import median

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from lib.attention import fused_attention
from lib.cache import cache_bytes
from lib.figures import block_stack, style, transformer_map
from lib.yours import (
    KeyValueCache,
    LayerNorm,
    MultiHeadAttention,
    apply_temperature,
    causal_mask,
    generate,
)
from lib.yours import join_heads, position_angles, rotate, sample, split_heads, top_p

style()
torch.set_num_threads(1)
generator = torch.Generator().manual_seed(0)

# %% [markdown]
# ## The question
# SmolLM2-135M-Instruct is a small published chat model (Allal et al. 2025): 30 blocks, d_model 576, 9 heads, and room for 8,192
# tokens. Its weights lie in one file. Here is what the file holds for the first block, and what your GPT would have there:
#
# | in the file | shape | in your GPT |
# |---|---|---|
# | `attn_norm`, `ffn_norm` | 576 | a scale **and a shift** |
# | `attn_q`, `attn_output` | 576 × 576 | the same, **and a bias** |
# | `attn_k`, `attn_v` | **192** × 576 | 576 × 576 |
# | `ffn_gate`, `ffn_up` | **1,536** × 576, **two of them** | one of 2,304 × 576 |
# | `ffn_down` | 576 × 1,536 | 576 × 2,304 |
# | positions | **none** | 8,192 × 576 |
#
# Your code cannot run it. Four parts differ, and no layer has a bias any more; why did their makers want them so? One
# reason is a number. How large would the cache of notebook 13 be for a full text, if all 9 heads kept keys and values
# of their own?

# %%
full = cache_bytes(batch=1, positions=8_192, n_layers=30, n_heads=9, d_head=64)
weights = 4 * 134_515_008
print(f"cache {full / 1e9:.2f} GB, weights {weights / 1e9:.2f} GB, in float32")
assert full > 2 * weights

# %% [markdown]
# The cache of a single conversation would take over twice the memory of the whole model.
#
# ## By hand
# *One norm, two numbers.* LayerNorm (notebook 07) takes the mean away and divides by the standard deviation. RMSNorm divides by the
# **root mean square**, and that is all: square, take the mean, take the root.
#
# | vector | mean | LayerNorm | mean square | root | RMSNorm |
# |---|---|---|---|---|---|
# | (1, 7) | 4 | (−3, 3) / 3 = **(−1, 1)** | (1 + 49) / 2 = 25 | 5 | **(0.2, 1.4)** |
# | (−1, 1) | 0 | **(−1, 1)** | 1 | 1 | **(−1, 1)** |
#
# *One gate.* Three positions have all been widened to (2, 3). At each, another vector says how far to open: 1 lets through, 0 shuts, 2 doubles.
#
# | position | widened | gate | after the gate |
# |---|---|---|---|
# | the | (2, 3) | (1, 1) | (2, 3) |
# | cat | (2, 3) | (1, 0) | (2, 0) |
# | sat | (2, 3) | (0, 2) | (0, 6) |
#
# *Shared heads.* Of six query heads, 0, 1, 2 look at head 0 of the keys, and 3, 4, 5 at head 1. Two heads of keys and
# values are kept in place of six: the cache is a third as large.
#
# ## The picture
# Left a block as you know it, in the middle the one we build. The shapes are those of SmolLM2, and of a GPT of its size.

# %%
wide = "(position, 576)"
gpt = [("LayerNorm", wide), ("attention\nq, k, v: 9 heads × 64", wide), ("+", wide)]
gpt += [("LayerNorm", wide), ("feed-forward\n576 → 2,304 → 576", wide), ("+", wide)]
llama = [
    ("RMSNorm", wide),
    ("grouped, rotary attention\nq: 9 heads × 64, k, v: 3", wide),
    ("+", wide),
]
llama += [("RMSNorm", wide), ("SwiGLU\n576 → 2 × 1,536 → 576", wide), ("+", wide)]
figure, panels = plt.subplots(1, 3, figsize=(7.4, 4.2), width_ratios=[3, 3, 2.4])
block_stack(panels[0], "a block of GPT-2 (2019)", gpt)
block_stack(panels[1], "a block of Llama's kind (2023)", llama, new=True)
transformer_map(panels[2], parts=("decoder",), numbers=False)
plt.show()

# %% [markdown]
# Read each from the bottom up; the lines at the side are the shortcuts. The plan has not changed since 2019: norm, look
# back, add; norm, think, add. What has changed is what stands in the boxes: both norms, the attention and the
# feed-forward. On the right the whole Transformer, with the half that we are in.
#
# ## In code
# The first table, number by number:

# %%
for vector in (torch.tensor([1.0, 7.0]), torch.tensor([-1.0, 1.0])):
    centred = vector - vector.mean()
    layer_norm, rms_norm = (
        centred / centred.square().mean().sqrt(),
        vector / vector.square().mean().sqrt(),
    )
    print(
        [round(number, 1) for number in layer_norm.tolist()],
        [round(number, 1) for number in rms_norm.tolist()],
    )
widened, gates = (
    torch.tensor([2.0, 3.0]),
    torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 2.0]]),
)
assert (gates * widened).tolist() == [[2, 3], [2, 0], [0, 6]]

# %% [markdown]
# ## RMSNorm: a norm that does less
# LayerNorm does two things to a vector: **re-centring** (the mean goes to 0) and **re-scaling** (the root mean square
# goes to 1). Zhang and Sennrich ([2019](https://arxiv.org/abs/1910.07467)) asked which of them training needs. They
# left out the re-centring, and the shift that is learnt with it, on several tasks: the results were comparable, and the
# models ran in 7% to 64% less time. For a vector x of d numbers:
#
# $$\mathrm{RMS}(x) = \sqrt{\tfrac{1}{d}\sum_{i=1}^{d} x_i^2 + \varepsilon} \qquad y_i = g_i \, \frac{x_i}{\mathrm{RMS}(x)}$$
#
# g is learnt, one scale for each of the d numbers, and begins as ones. ε is a small number, here 10⁻⁶ where nothing else is said;
# it keeps a vector of zeros from a division by 0. Like any norm, it looks at each position by itself: the mean goes over the last
# axis.
#
# ## Exercise 14.1 · RMSNorm
# `__init__`: keep `epsilon`; make the parameter `scale`, d_model ones. `forward`: x (..., d_model), of the dtype of `scale`, to
# the same shape and dtype, by the formula. Gradients reach x, through the root mean square too, and scale. Weights are loaded later by the name `scale`.
# Difficulty ●○○ · 6 minutes.
#
# <details><summary>The shapes do not fit</summary><code>mean(dim=-1, keepdim=True)</code> leaves an axis of size 1, which
# stretches over the numbers of each vector.</details>
# <details><summary>My numbers are near, but not equal</summary>Epsilon is added to the mean square, under the root.
# <code>torch.rsqrt(a)</code> is 1/√a.</details>


# %% exercise="RMSNorm" difficulty=1 minutes=6
class RMSNorm(nn.Module):
    """Each vector to root mean square 1, then a learned scale: LayerNorm without mean
    and shift (T5, Llama).

    One parameter, `scale` (d_model,), ones at first: published weights are loaded into
    it by this name.
    """

    def __init__(self, d_model, epsilon=1e-6):
        super().__init__()
        ### BEGIN SOLUTION
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(d_model))
        ### END SOLUTION

    def forward(self, x):
        """x (..., d_model), of the dtype of `scale` -> the same shape and dtype (how
        half precision is rounded is left open). A vector of zeros stays zeros, not NaN,
        and its gradients are finite.
        """
        ### BEGIN SOLUTION
        return (
            x
            * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + self.epsilon)
            * self.scale
        )
        ### END SOLUTION


# %% check="RMSNorm"
from lib.checks import check

RMSNorm = check("RMSNorm")

# %% [markdown]
# PyTorch has the same as `nn.RMSNorm`. And where the mean is 0 already, both norms agree:

# %%
x = 3 + torch.randn(2, 7, 576, generator=generator)
centred = x - x.mean(dim=-1, keepdim=True)
assert torch.allclose(RMSNorm(576)(x), nn.RMSNorm(576, eps=1e-6)(x), atol=1e-5)
assert torch.allclose(RMSNorm(576)(centred), LayerNorm(576)(centred), atol=1e-4)
assert not torch.allclose(RMSNorm(576)(x), LayerNorm(576)(x), atol=0.1)

# %% [markdown]
# What does it save? One of two sums over the vector, and a shift that would have to be learnt, stored and added. Measure it: the time
# of both, in turns, on 4 × 128 positions of 576 numbers.

# %% tags=["training"]
norms, x = (LayerNorm(576), RMSNorm(576)), torch.randn(4, 128, 576, generator=generator)
taken = {norm: [] for norm in norms}
with torch.inference_mode():
    for _ in range(60):
        for norm in norms:
            start = time.process_time()
            norm(x)
            taken[norm].append(time.process_time() - start)
faster = median(after / before for before, after in zip(*taken.values(), strict=True))
print(f"RMSNorm takes {faster:.2f} of the time of LayerNorm")

# %% [markdown]
# The number depends on the machine, and on what else runs on it: here it was between 0.3 and 0.8 in most runs, and once
# above 1. The paper's range is as wide. Both are written in plain PyTorch here; fused kernels (`nn.LayerNorm`,
# `nn.RMSNorm`) leave less to save. The share of one norm in a whole step is small, so a whole model gains much less.
#
# ## Question 14.1 · normed_fives
# The vector (5, 5, 5, 5) goes through a fresh RMSNorm: scale 1, and an ε so small that it does not matter. What does each of the
# four numbers become? Think of what LayerNorm would do. 2 minutes.

# %% question="normed_fives" difficulty=1 minutes=2
### BEGIN SOLUTION
normed_fives = 1.0
### END SOLUTION

# %% check="normed_fives"
from lib.checks import check

normed_fives = check("normed_fives")

# %% [markdown]
# ## SwiGLU: a feed-forward with a gate
# The feed-forward of notebook 07 widens, bends and narrows: narrow(relu(widen(x))). Relu opens or shuts each widened
# number by that number alone. A **gated linear unit** (GLU: Dauphin et al. [2016](https://arxiv.org/abs/1612.08083))
# leaves this decision to a second product of x: a second matrix, of the same size as the first, makes a gate for each
# of the widened numbers, and the two are multiplied. Shazeer ([2020](https://arxiv.org/abs/2002.05202)) tried several
# functions for the gate in a Transformer; **SwiGLU**, one of the best, takes silu:
#
# $$\mathrm{SwiGLU}(x) = W_{\text{narrow}}\,\bigl(\,\mathrm{silu}(W_{\text{gate}}\,x) \odot W_{\text{widen}}\,x\,\bigr) \qquad
# \mathrm{silu}(z) = z \cdot \sigma(z) = \frac{z}{1 + e^{-z}}$$
#
# ⊙ multiplies number by number, and σ is the sigmoid. Silu is also called **Swish**, hence the name. A worked number:
# widened 3, gate product 2: silu(2) = 2 · 0.8808 = 1.7616, so 5.285 goes on; with a gate product of −4, silu(−4) =
# −0.072, and −0.216 goes on.

# %%
z = torch.linspace(-6, 4, 200)
figure, axes = plt.subplots(figsize=(5.4, 2.8))
axes.plot(z, functional.relu(z), "--", label="relu")
axes.plot(z, functional.gelu(z), ":", label="gelu")
axes.plot(z, functional.silu(z), label="silu")
axes.set(xlabel="z", ylabel="what comes out")
axes.legend()
plt.show()
opened = functional.silu(torch.tensor([2.0, -4.0]))
assert [round(3 * gate, 3) for gate in opened.tolist()] == [5.285, -0.216]

# %% [markdown]
# All three shut what is far below 0 and let through what is far above. Silu and gelu are smooth, and dip a little below 0. The
# difference is not the curve but what it is multiplied with: in a GPT nothing, in SwiGLU a second product of x.
#
# ## Question 14.2 · swiglu_width
# Three matrices in place of two would be half as many weights again. To compare at equal size one makes them narrower. d_model is
# 576, and a FeedForward widens to 4 · 576 = 2,304. How wide is a SwiGLU with as many weights? (No biases anywhere.) 4 minutes.

# %% question="swiglu_width" difficulty=1 minutes=4
### BEGIN SOLUTION
swiglu_width = 1536
### END SOLUTION

# %% check="swiglu_width"
from lib.checks import check

swiglu_width = check("swiglu_width")

# %% [markdown]
# ## Exercise 14.2 · SwiGLU
# Three `nn.Linear` without biases: `gate` and `widen`, from d_model to d_ff numbers, and `narrow`, back. `forward`: the formula, for
# x (..., d_model). Call the three, as in `self.gate(x)`: "What breaks" puts another module in the place of one.
# Gradients flow everywhere, and stay numbers for large x. Difficulty ●○○ · 6 minutes.
#
# <details><summary>Which product goes through silu?</summary>The gate's. <code>functional.silu</code> is silu; the widened
# numbers are multiplied as they are.</details>
# <details><summary>The shapes do not fit in narrow</summary>Gate and widened numbers are multiplied one by one with
# <code>*</code>: d_ff numbers remain.</details>


# %% exercise="SwiGLU" difficulty=1 minutes=6
class SwiGLU(nn.Module):
    """A feed-forward with a gate (Shazeer 2020): what is widened is multiplied by silu
    of a second product. No biases.

    Published weights are loaded by their names: `gate` and `widen`, from d_model to
    d_ff, and `narrow`.
    """

    def __init__(self, d_model, d_ff):
        super().__init__()
        ### BEGIN SOLUTION
        self.gate = nn.Linear(d_model, d_ff, bias=False)
        self.widen = nn.Linear(d_model, d_ff, bias=False)
        self.narrow = nn.Linear(d_ff, d_model, bias=False)
        ### END SOLUTION

    def forward(self, x):
        """x (..., d_model) -> the same shape."""
        ### BEGIN SOLUTION
        return self.narrow(functional.silu(self.gate(x)) * self.widen(x))
        ### END SOLUTION


# %% check="SwiGLU"
from lib.checks import check

SwiGLU = check("SwiGLU")

# %%
d = 576
assert sum(matrix.numel() for matrix in SwiGLU(d, 8 * d // 3).parameters()) == 2 * d * (
    4 * d
)

# %% [markdown]
# At that width Shazeer's gated models had a lower loss than those with relu or gelu, after the same training. He gives no reason:
# "we attribute their success, as all else, to divine benevolence". We measure it below, together with the other parts.
#
# ## Rotary positions inside attention
# GPT-2 adds a learned vector for each position to x, before the first block. That has a price: the table ends. When the
# text reached its end, notebook 13 dropped half and read the other half anew, because every cached key belonged to its
# old position. **Rotary positions** (RoPE: Su et al. [2021](https://arxiv.org/abs/2104.09864); your `rotate` of
# notebook 06) add nothing to x. In *every* block they turn the queries and the keys, each by the angles of its own
# position, and leave the values as they are. A score then depends on two positions through their distance alone:
#
# $$q_m' \cdot k_n' = (R_m q) \cdot (R_n k) = q \cdot R_{n-m}\, k$$
#
# R_m turns each pair of numbers by m times the speed of that pair. So a key can be kept in the cache as it was turned,
# whatever comes later. Which numbers form a pair is a convention. Here, in the paper and in the file below, they are
# neighbours. Hugging Face's Llama pairs number i with number i + d_head/2, so its rows of `q` and `k` lie in another
# order. Nothing but the output shows a mix-up. (To *read* far beyond the lengths seen in training is another thing:
# notebook 06 saw rotary models fail there.)
#
# Here they are as a thing that is called with queries or keys (batch, heads, position, d_head) and the position of the first:


# %%
class RotaryPositions:
    """Turns queries or keys by the angles of positions that count from `start`."""

    def __init__(self, d_head, base=10_000.0):
        self.d_head, self.base = d_head, base

    def __call__(self, x, start=0):
        positions = torch.arange(start, start + x.shape[-2])
        return rotate(x, position_angles(positions, self.d_head, self.base))


# %%
turn = RotaryPositions(d_head=8)
# one query, one key: batch, head, position of size 1
q, k = torch.randn(2, 1, 1, 1, 8, generator=generator)
near = [(turn(q, start=m) * turn(k, start=m - 3)).sum().item() for m in (3, 50, 5000)]
print([round(score, 3) for score in near])
assert max(near) - min(near) < 1e-2

# %% [markdown]
# The same score at positions 3, 50 and 5,000, for a key three positions back.
#
# ## Grouped queries: a smaller cache
# To write one token, a model reads all keys and values once. With 9 heads of keys and values that is 1.13 GB to be read
# for each new token of a full text, over twice the weights. Shazeer ([2019](https://arxiv.org/abs/1911.02150)) let all
# query heads share a *single* head of keys and values: **multi-query attention**. With 9 query heads the cache would
# shrink to 1/9; the model gets a little worse. Ainslie et al. ([2023](https://arxiv.org/abs/2305.13245)) went between:
# **grouped-query attention** (GQA) has a few heads of keys and values, and each serves a group of neighbouring query
# heads. In their tests of a T5 of 11 billion parameters, 8 such heads were nearly as good as 64 and nearly as fast as
# 1.

# %%
figure, panels = plt.subplots(1, 3, figsize=(7.4, 2), sharey=True)
for axes, n_kv_heads, name in zip(
    panels, (9, 3, 1), ("multi-head", "grouped", "multi-query"), strict=True
):
    group = 9 // n_kv_heads
    for head in range(9):
        shared = group * (head // group) + (group - 1) / 2
        axes.plot([head, shared], [1, 0], color="#9a9a9a", lw=1, zorder=1)
        axes.scatter(head, 1, s=90, color="C0", zorder=2)
        axes.scatter(shared, 0, s=90, color="C1", marker="s", zorder=2)
    axes.set(title=f"{name}: {n_kv_heads} of keys, values", ylim=(-0.4, 1.4), xticks=[])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
panels[0].set_yticks([0, 1], ["keys,\nvalues", "queries"])
plt.show()

# %% [markdown]
# Circles are heads of queries, squares heads of keys and values; a line means "looks at". Nine query heads ask nine questions in all
# three pictures. Only what they look at is shared.
#
# The plainest way to compute it: repeat each head of keys for its group, and go on as ever. Head 0 stands three times, then head 1
# three times: 0 0 0 1 1 1 2 2 2.
#
# ## Exercise 14.3 · repeat_kv
# From x (batch, n_kv_heads, position, d_head) to (batch, n_heads, position, d_head): each head n_heads / n_kv_heads times **in a
# row**. Gradients flow through. Difficulty ●○○ · 4 minutes.
#
# <details><summary>0 1 2 0 1 2 0 1 2</summary>That is what <code>repeat</code> makes: the whole row of heads again and again.
# <code>repeat_interleave</code> repeats each one where it stands.</details>


# %% exercise="repeat_kv" difficulty=1 minutes=4
def repeat_kv(x, n_heads):
    """Heads of keys or values for as many heads of queries: each stands n_heads /
    n_kv_heads times in a row.

    x: (batch, n_kv_heads, position, d_head)    n_heads: a multiple of n_kv_heads
    Returns (batch, n_heads, position, d_head), x's dtype, a copy or a view:
    neighbouring heads of queries share one. Gradients flow.
    """
    ### BEGIN SOLUTION
    return x.repeat_interleave(n_heads // x.shape[1], dim=1)
    ### END SOLUTION


# %% check="repeat_kv"
from lib.checks import check

repeat_kv = check("repeat_kv")

# %%
heads = torch.arange(3.0).view(1, 3, 1, 1)
print(repeat_kv(heads, 9).flatten().tolist())
assert repeat_kv(heads, 9).flatten().tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]

# %% [markdown]
# A kernel does better: it needs no repeated copy, since all query heads of a group read the same memory. PyTorch's does
# so with `enable_gqa`, where its fast kernel can be used; the course's `fused_attention` calls it `grouped`. Your
# `repeat_kv` is used where the weights are kept for a picture.
#
# ## Exercise 14.4 · GroupedQueryAttention
# Your `MultiHeadAttention` with three new things. Write the four layers anew (they replace those of your old class),
# each `nn.Linear`, with a bias only if `bias` says so: `to_q` from d_model to `width` numbers, `to_k` and `to_v` from
# d_model to n_kv_heads · d_head, `to_out` from `width` back to d_model. And `forward`: project and split; turn queries
# and keys with `self.rotate(x, start)`, if it is not None (it is a RotaryPositions; start is `cache.length`, or 0
# without a cache, whether or not there is a context); put keys and values into the cache, if there is one (turned keys, or
# turn all of them in each call), and go on with all it returns; attend, join, `to_out`. `attend` is given. "What breaks"
# sets `self.rotate` later. Gradients flow everywhere. Difficulty ●●● · 15 minutes.
#
# <details><summary>view or shapes fail in split_heads</summary>Queries split into <code>self.n_heads</code>, keys and values into
# <code>self.n_kv_heads</code>: d_head is the same.</details>
# <details><summary>All at once is right, token by token is not</summary>Read <code>cache.length</code> before
# <code>cache.extend</code> changes it, and turn the new keys before they go into the cache: those in it are turned
# already.</details>


# %% exercise="GroupedQueryAttention" difficulty=3 minutes=15
class GroupedQueryAttention(MultiHeadAttention):
    """Groups of query heads share a head of keys and values; `rotate` turns queries and
    keys, a cache keeps them.
    """

    def __init__(
        self,
        d_model,
        n_heads,
        n_kv_heads=None,
        d_head=None,
        bias=False,
        rotate=None,
        causal=False,
    ):
        # of all query heads together
        width = d_model if d_head is None else n_heads * d_head
        super().__init__(width, n_heads, bias)
        self.n_kv_heads, self.d_head = (
            n_heads if n_kv_heads is None else n_kv_heads,
            width // n_heads,
        )
        if self.n_kv_heads < 1 or n_heads % self.n_kv_heads:
            raise ValueError(
                f"n_heads={n_heads} does not split into n_kv_heads={n_kv_heads} equal "
                "groups"
            )
        self.rotate, self.causal = rotate, causal
        ### BEGIN SOLUTION
        self.to_q = nn.Linear(d_model, width, bias=bias)
        self.to_k = nn.Linear(d_model, self.n_kv_heads * self.d_head, bias=bias)
        self.to_v = nn.Linear(d_model, self.n_kv_heads * self.d_head, bias=bias)
        self.to_out = nn.Linear(width, d_model, bias=bias)
        ### END SOLUTION

    def forward(self, x, context=None, mask=None, cache=None):
        """x: (batch, query, d_model), keys and values from context or x; positions go
        on after those in the cache.
        """
        ### BEGIN SOLUTION
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)  # (batch, n_heads, query, d_head)
        # (batch, n_kv_heads, key, d_head)
        k = split_heads(self.to_k(context), self.n_kv_heads)
        # (batch, n_kv_heads, key, d_head)
        v = split_heads(self.to_v(context), self.n_kv_heads)
        if self.rotate is not None:
            q, k = (self.rotate(part, cache.length if cache else 0) for part in (q, k))
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))
        ### END SOLUTION

    def attend(self, q, k, v, mask):
        causal = self.causal and mask is None and q.shape[-2] == k.shape[-2]
        if not self.keep_weights:
            return fused_attention(
                q, k, v, mask, causal, grouped=self.n_kv_heads < self.n_heads
            )
        mask = causal_mask(q.shape[-2]).to(q.device) if causal else mask
        return super().attend(
            q, repeat_kv(k, self.n_heads), repeat_kv(v, self.n_heads), mask
        )


# %% check="GroupedQueryAttention"
from lib.checks import check

GroupedQueryAttention = check("GroupedQueryAttention")

# %% [markdown]
# `causal=True` says: where no mask is given and the cache is empty, look back only. A single new position after a cache
# may see all of it; several new ones after a cache need a mask, which `Llama` makes. What does it replace? With as many
# heads of keys as of queries, it *is* your MultiHeadAttention. And with fewer, it is one whose matrices of keys and
# values repeat themselves:


# %%
def widened(few, layer):
    """The keys' or values' matrix of a grouped layer, with each head repeated for its
    group.
    """
    rows = few.weight.view(1, layer.n_kv_heads, layer.d_head, -1)
    return repeat_kv(rows, layer.n_heads).flatten(0, 2)


x = torch.randn(2, 7, 36, generator=generator)
grouped, whole = (
    GroupedQueryAttention(36, n_heads=9, n_kv_heads=3),
    MultiHeadAttention(36, 9),
)
with torch.no_grad():
    whole.to_q.weight.copy_(grouped.to_q.weight)
    whole.to_k.weight.copy_(widened(grouped.to_k, grouped))
    whole.to_v.weight.copy_(widened(grouped.to_v, grouped))
    whole.to_out.weight.copy_(grouped.to_out.weight)
    assert torch.allclose(
        whole(x, mask=causal_mask(7)), grouped(x, mask=causal_mask(7)), atol=1e-5
    )

# %% [markdown]
# So grouping is a restriction: what it can express, your old layer can too. And the test of notebook 13, "cached equals uncached",
# now with rotary positions:

# %%
layer = GroupedQueryAttention(36, 9, 3, rotate=RotaryPositions(4), causal=True)
cache = KeyValueCache(batch=2, n_heads=3, capacity=7, d_head=4)
with torch.no_grad():
    one_by_one = torch.cat(
        [layer(position, cache=cache) for position in x.split(1, dim=1)], dim=1
    )
    assert torch.allclose(one_by_one, layer(x), atol=1e-5)
print("kept of 7 positions:", tuple(cache.keys.shape))

# %% [markdown]
# ## Question 14.3 · cache_bytes_saved
# Back to SmolLM2: 30 blocks, 9 query heads, 3 heads of keys and values, d_head 64. One text of 2,048 positions, numbers of 2 bytes.
# How many **bytes** does its cache save, against one with 9 heads of keys and values? 4 minutes.

# %% question="cache_bytes_saved" difficulty=1 minutes=4
### BEGIN SOLUTION
cache_bytes_saved = 94_371_840
### END SOLUTION

# %% check="cache_bytes_saved"
from lib.checks import check

cache_bytes_saved = check("cache_bytes_saved")

# %% [markdown]
# ## A window
# Fewer heads make a cache thinner; it still grows with the text. Mistral 7B (Jiang et al.
# [2023](https://arxiv.org/abs/2310.06825)) let each position see only the nearest W, itself included: **sliding-window
# attention**. The work for a whole text then grows with the length times W, no longer with its square. And the cache
# need not hold more than the last W positions: Mistral writes new ones over the oldest. (Ours keeps all, and the mask
# hides them.) With W = 3, position 5 sees 3, 4 and 5.
#
# Is the rest lost? Not quite. Position 3 has itself, one block below, seen 1 and 2, and has written what it found into its vector.
# Information moves W − 1 positions further back with each block, as it does in a stack of convolutions.
#
# ## Exercise 14.5 · sliding_window_mask
# `prefill_mask` of notebook 13 with a window: `new` positions stand after `before` cached ones. Return bool (new,
# before + new), True: may look; each sees itself and the `window` − 1 before it; where there are fewer, it sees all
# that there are. ValueError for a window below 1. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Two diagonals</summary>New position i stands at before + i: <code>tril(before)</code> hides what comes later.
# <code>triu(before - window + 1)</code> hides what is too far back.</details>


# %% exercise="sliding_window_mask" difficulty=2 minutes=8
def sliding_window_mask(new, before, window):
    """Each new position sees itself and the `window` - 1 positions before it (Jiang et
    al. 2023: Mistral).

    new, before: how many positions are new, at least 1, and how many, cached ones,
    stand before them

    Returns (new, before + new), bool, True: may look. Raises ValueError when the window
    is below 1.
    """
    ### BEGIN SOLUTION
    if window < 1:
        raise ValueError(f"window={window}: a position sees itself at least")
    earlier = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    return earlier.triu(before - window + 1)
    ### END SOLUTION


# %% check="sliding_window_mask"
from lib.checks import check

sliding_window_mask = check("sliding_window_mask")

# %% [markdown]
# Who can reach whom after one, two and three blocks of window 4? Multiply the masks: the product counts the ways.

# %%
mask = sliding_window_mask(16, 0, window=4)
reach = [mask.float().matrix_power(n_blocks) > 0 for n_blocks in (1, 2, 3)]
figure, panels = plt.subplots(1, 3, figsize=(7.2, 2.7), sharey=True)
for n_blocks, (axes, seen) in enumerate(zip(panels, reach, strict=True), 1):
    axes.imshow(seen, cmap="cividis", vmin=0, vmax=1)
    axes.set(
        xlabel="key",
        title=f"{n_blocks} block{'s' * (n_blocks > 1)}: {int(seen[15].sum()) - 1} back",
    )
    axes.set(xticks=range(0, 16, 3), yticks=range(0, 16, 3))
panels[0].set_ylabel("query")
plt.show()
assert [int(seen[15].sum()) - 1 for seen in reach] == [3, 6, 9]
assert torch.equal(sliding_window_mask(9, 0, 9), causal_mask(9))

# %% [markdown]
# Bright: something can arrive from there. The band grows by 3 with each block.
#
# ## Question 14.4 · window_reach
# Mistral 7B has 32 blocks and a window of 4,096. After all blocks, how many positions back can the farthest position
# lie from which information has arrived? 3 minutes.

# %% question="window_reach" difficulty=1 minutes=3
### BEGIN SOLUTION
window_reach = 131_040
### END SOLUTION

# %% check="window_reach"
from lib.checks import check

window_reach = check("window_reach")

# %% [markdown]
# *Can* come: through many hands, and each of them keeps what it thinks worth keeping. Later versions of Mistral gave the window up;
# Gemma 3 ([2025](https://arxiv.org/abs/2503.19786)) has five blocks with a window for each one that sees all.
#
# ## The block
# Now the parts, in the order of the picture. With n for a norm: x + attention(n(x)), and then the same with the feed-forward. This is
# the pre-norm of notebook 07, written out; each norm has a scale of its own.
#
# ## Exercise 14.6 · LlamaBlock
# `__init__`: the four parts `attention_norm`, `attention` (which gets `rotate=rotate` and `causal=True`), `feed_forward_norm` and
# `feed_forward`, with `epsilon` for both norms (10⁻⁵ by default here, Llama's). `forward`: x (batch, position, d_model) to the
# same shape; mask and cache go to the attention. Gradients reach x. Published weights come in by these names. Difficulty ●●○ · 8 minutes.
#
# <details><summary>What is normed?</summary>Only what goes into the parts. The shortcut carries x as it is:
# <code>x + part(norm(x))</code>.</details>
# <details><summary>Which x does the feed-forward get?</summary>The one to which attention has been added.</details>


# %% exercise="LlamaBlock" difficulty=2 minutes=8
class LlamaBlock(nn.Module):
    """Look back, then think; each on what a norm leaves of x, with a shortcut around
    it.
    """

    def __init__(
        self,
        d_model,
        n_heads,
        d_ff,
        n_kv_heads=None,
        d_head=None,
        rotate=None,
        epsilon=1e-5,
    ):
        super().__init__()
        ### BEGIN SOLUTION
        self.attention_norm = RMSNorm(d_model, epsilon)
        self.attention = GroupedQueryAttention(
            d_model, n_heads, n_kv_heads, d_head, rotate=rotate, causal=True
        )
        self.feed_forward_norm = RMSNorm(d_model, epsilon)
        self.feed_forward = SwiGLU(d_model, d_ff)
        ### END SOLUTION

    def forward(self, x, mask=None, cache=None):
        """x: (batch, position, d_model)
        mask, cache: as in GroupedQueryAttention
        Returns x's shape; x stays as it is.
        """
        ### BEGIN SOLUTION
        x = x + self.attention(self.attention_norm(x), mask=mask, cache=cache)
        return x + self.feed_forward(self.feed_forward_norm(x))
        ### END SOLUTION


# %% check="LlamaBlock"
from lib.checks import check

LlamaBlock = check("LlamaBlock")

# %% [markdown]
# What stands around the blocks is as in your GPT: a table of embeddings, a last norm, the same table on the way out. `Llama` in
# `lib/llama.py` is that frame, and takes its parts as arguments. Give it yours, with your cache of notebook 13:

# %%
from lib.llama import Llama

MyLlama = partial(
    Llama, block=LlamaBlock, norm=RMSNorm, rotary=RotaryPositions, cache=KeyValueCache
)
model = MyLlama(vocab=11, d_model=36, n_heads=9, n_layers=2, d_ff=96, n_kv_heads=3)
ids = torch.randint(11, (2, 9), generator=generator)
caches = model.fresh_caches(batch=2)
with torch.no_grad():
    pieces = [model.read_on(piece, caches) for piece in ids.split(1, dim=1)]
    assert torch.allclose(pieces[-1], model(ids)[:, -1], atol=1e-4)
assert type(model.blocks[1]) is LlamaBlock and type(caches[0]) is KeyValueCache

# %% [markdown]
# Count SmolLM2's parameters by hand, and compare with the model itself. On PyTorch's device `meta` tensors have shapes
# but no numbers, so it takes no memory. Per block two norms, q and output, k and v, three matrices of SwiGLU:

# %%
block = 2 * 576 + 2 * 576 * 576 + 2 * 192 * 576 + 3 * 576 * 1_536
with torch.device("meta"):
    smol = MyLlama(
        49_152, d_model=576, n_heads=9, n_layers=30, d_ff=1_536, n_kv_heads=3
    )
assert (
    sum(part.numel() for part in smol.parameters())
    == 134_515_008
    == 49_152 * 576 + 30 * block + 576
)

# %% [markdown]
# ## On real text
# Is it better? Train the GPT of notebook 11 and your Llama on the course's stories (a program wrote them) in the same way: a small size,
# 100 steps of 8 × 64 tokens, Muon, three seeds each. Then Llamas with 2 and 1 heads of keys and values: their SwiGLU is as much
# wider as it takes to have exactly as many parameters. And one with all its heads, but without rotary positions. Tokens are single
# bytes here (a vocabulary of 257 has no merges), so that a short training too has to look back: a byte alone says little about the
# next one.

# %%
from lib.gpt import END, FusedGPT, initial_weights
from lib.tokenizer import train_tokenizer
from lib.training import train
from lib.training.language import encode_texts, read_texts, windows

learnt, held_out = read_texts("stories")
tokenizer = train_tokenizer(learnt[:100], 257, [END])  # 256 bytes and END
row, unseen = (
    encode_texts(tokenizer, learnt[:1_000]),
    encode_texts(tokenizer, held_out[:100]),
)
# 256 pieces of 64 + 1 tokens
test = next(windows(unseen, 64, 256, torch.Generator().manual_seed(5)))
# 256 is 8/3 of 96; a head less of keys and values makes room for 16
d_ff = {4: 256, 2: 288, 1: 304}
kinds = {"GPT": lambda: FusedGPT(257, 64, 96, n_heads=4, n_layers=2)}
for n_kv_heads, width in d_ff.items():
    kinds[f"Llama, {n_kv_heads}"] = partial(MyLlama, 257, 96, 4, 2, width, n_kv_heads)
# no rotary positions
kinds["unturned, 4"] = partial(kinds["Llama, 4"], rotary=lambda d_head, base: None)
sizes = {
    name: sum(part.numel() for part in make().parameters())
    for name, make in kinds.items()
}
print(sizes)

# %% jupyter={"source_hidden": true}
assert (
    sizes["Llama, 4"]
    == sizes["Llama, 2"]
    == sizes["Llama, 1"]
    < sizes["GPT"]
    < 1.04 * sizes["Llama, 4"]
)


# %%
def trained(make, seed):
    """A fresh model after 100 steps; equal seeds see the same batches."""
    model = initial_weights(make(), torch.Generator().manual_seed(seed))
    batches = windows(row, 64, 8, torch.Generator().manual_seed(100 + seed))
    train(model, model.loss, batches, 100, 1.2e-2, warmup=20, muon=True, fused=True)
    return model


@torch.no_grad()
def held_out_loss(model):
    return model.loss(test).item()


# %% [markdown]
# > **Predict.** One head of keys and values in place of four: how much worse will the loss be?

# %% tags=["training"]
models = {
    name: [trained(make, seed) for seed in range(3)] for name, make in kinds.items()
}
losses = {
    name: [held_out_loss(model) for model in three] for name, three in models.items()
}
for name, three in losses.items():
    print(
        f"{name:11}",
        " ".join(f"{loss:.3f}" for loss in three),
        f"  mean {sum(three) / 3:.3f}",
    )

# %%
mean = {name: sum(three) / 3 for name, three in losses.items()}
shared = [mean[f"Llama, {n_kv_heads}"] for n_kv_heads in d_ff]
assert max(losses["Llama, 4"]) + 0.1 < min(losses["GPT"])
assert max(losses["Llama, 4"]) + 0.1 < min(losses["unturned, 4"])
assert abs(mean["unturned, 4"] - mean["GPT"]) < 0.05
assert max(shared) - min(shared) < 0.08 and max(shared[1:]) < shared[0] + 0.03

# %% [markdown]
# With 3% fewer parameters and the same steps, each of the three runs of "Llama, 4" ends at least 0.1 nats a byte below
# each of the three runs of the GPT. Which of the changes does it? (With 4 heads on 4 nothing is grouped yet.) The last
# row has the norm and the gate, and no positions of any kind: without them the lead is gone. So at this size and after
# so short a training the rotary positions are *needed* for it. How much norm and gate add by themselves this does not
# show, since the GPT has at least a table of positions and the last row has none. (Shazeer trained for over 500,000
# steps.)
#
# And 4, 2 or 1 heads of keys and values: the means lie within 0.08 nats of each other, about what seeds differ by, and those with fewer
# heads (and a wider SwiGLU) are not above the others by more than 0.03. Sharing costs no loss that we could measure here. In large
# models one head alone did cost a little; that is why groups were tried.
#
# What does sharing save? Memory: half the heads take half the bytes. And time, in a step that reads long texts. 16
# texts of 4,096 positions each, one token more:

# %% tags=["training"]
few = {
    n: MyLlama(257, 96, 4, 2, width, n, n_positions=4_097).eval()
    for n, width in d_ff.items()
}
kept = {n: model.fresh_caches(16) for n, model in few.items()}
taken = {n: [] for n in few}
newest = torch.zeros(16, 1, dtype=torch.long)
for cache in [cache for caches in kept.values() for cache in caches]:
    # memory that nobody wrote to is no memory yet
    cache.keys.fill_(0.1), cache.values.fill_(0.1)
for turn in range(36):
    n = (4, 2, 1)[turn % 3]
    for cache in kept[n]:
        cache.length = 4_096
    start = time.process_time()
    with torch.inference_mode():
        few[n].read_on(newest, kept[n])
    taken[n].append(time.process_time() - start)

# %% tags=["training"]
ratios = {
    n: median(a / b for a, b in zip(taken[n], taken[4], strict=True)) for n in taken
}
stored = {
    n: sum(cache.keys.nbytes + cache.values.nbytes for cache in kept[n]) for n in kept
}
for n in few:
    print(
        f"{n} heads of keys and values: {stored[n] / 1e6:5.1f} MB, "
        f"{ratios[n]:.2f} of the time of 4"
    )

# %% jupyter={"source_hidden": true}
assert stored[4] == 2 * stored[2] == 4 * stored[1] and ratios[1] < 1

# %% [markdown]
# The cache is a half and a quarter. The step gets faster, but not four times: queries, scores and mixes are as many as before, and
# only the reading shrinks. What is spared counts most where memory is the bottleneck: long texts, many at once, a GPU.
#
# ## Four bits a weight
# 134,515,008 weights in float32 are 538 MB. The file of SmolLM2 that we read has 98 MB. It is **quantised**: each weight is rounded to
# a few levels. Notebook 13 rounded to 8 bits with one scale a row. The file's kind is called **Q4_1**: blocks of 32 neighbouring
# weights, four bits each (16 levels, q from 0 to 15), with a **scale** and a **minimum** of their own:
#
# $$w \approx \text{scale} \cdot q + \text{minimum} \qquad \text{scale} = \frac{\text{largest} - \text{smallest}}{15}$$
#
# By hand, with four weights and two bits (q from 0 to 3): −0.3, 0.1, 0.6, 1.2. The minimum is −0.3, the scale 1.5 / 3 = 0.5. So q = 0,
# 1 (0.8 rounded), 2 (1.8 rounded), 3, and what comes back is −0.3, **0.2**, **0.7**, 1.2. No weight is off by more than half a scale.
#
# A block lies in 20 bytes: scale, then minimum, each a float16; then 16 bytes with two q each. The **low** four bits of byte i are q of
# weight i, the **high** four bits q of weight i + 16. The byte 0xA5, 165, holds q = 5 (165 & 15) and q = 10 (165 >> 4).
#
# ## Question 14.5 · bits_a_weight
# How many bits is that for each weight, with all that the block needs? 3 minutes.

# %% question="bits_a_weight" difficulty=1 minutes=3
### BEGIN SOLUTION
bits_a_weight = 5.0
### END SOLUTION

# %% check="bits_a_weight"
from lib.checks import check

bits_a_weight = check("bits_a_weight")

# %%
import numpy as np

BLOCK = 32  # weights that share a scale and a minimum
assert 0xA5 == 165 and (165 & 15, 165 >> 4) == (5, 10)

# %% [markdown]
# ## Exercise 14.7 · unpack_q4_1
# NumPy here, for files: uint8 blocks (blocks, 20), at least one, to float32 (blocks, BLOCK). Compute in float32. `blocks`
# may be part of a file, one behind the other as they stand there, and cannot be written to. In the result they lie one
# behind the other too. A loop over them is right, and slow. Difficulty ●●○ · 12 minutes.
#
# <details><summary>How do four bytes become two numbers?</summary>By looking at the same bytes in another way:
# <code>np.ascontiguousarray(blocks[:, :4]).view("&lt;f2")</code> is (blocks, 2), float16, low byte first.</details>
# <details><summary>Every second weight is wrong</summary>The two halves of a byte are not neighbours: all low halves come first, as
# weights 0 to 15, then all high ones.</details>


# %% exercise="unpack_q4_1" difficulty=2 minutes=12
def unpack_q4_1(blocks):
    """uint8 (blocks, 20) to float32 (blocks, 32): value = scale * q + minimum, q from 0
    to 15.

    A block is scale and minimum, each a float16, low byte first, then 16 bytes: their
    low halves are q of the weights 0 to 15, their high halves of 16 to 31. A scale may
    be 0.
    """
    ### BEGIN SOLUTION
    # (blocks,) each
    scale, minimum = (
        np.ascontiguousarray(blocks[:, :4]).view("<f2").astype(np.float32).T
    )
    values = np.empty((len(blocks), 2, BLOCK // 2), np.float32)
    values[:, 0], values[:, 1] = blocks[:, 4:] & 15, blocks[:, 4:] >> 4
    values *= scale[:, None, None]
    values += minimum[:, None, None]
    return values.reshape(-1, BLOCK)
    ### END SOLUTION


# %% check="unpack_q4_1"
from lib.checks import check

unpack_q4_1 = check("unpack_q4_1")


# %% [markdown]
# What does the rounding cost? Here is the way in, as the file's makers do it, and a layer of random weights before and after:


# %%
def pack_q4_1(weights):
    """float32, 32 n of them, to blocks (n, 20): the nearest of 16 levels between the
    least and the largest.
    """
    rows = weights.reshape(-1, BLOCK)
    minimum, scale = rows.min(1, keepdims=True), np.ptp(rows, 1)[:, None] / 15
    q = np.clip((rows - minimum) / np.where(scale == 0, 1, scale) + 0.5, 0, 15).astype(
        np.uint8
    )
    numbers = np.hstack([scale, minimum]).astype("<f2").view(np.uint8)  # (n, 4)
    return np.hstack([numbers, q[:, :16] | q[:, 16:] << 4])


def rounded(weight):
    """A matrix as it comes back."""
    return torch.from_numpy(unpack_q4_1(pack_q4_1(weight.numpy()))).view_as(weight)


# %%
weight, x = (
    torch.randn(576, 576, generator=generator),
    torch.randn(100, 576, generator=generator),
)
off = (rounded(weight) - weight).norm() / weight.norm()
after = (x @ rounded(weight).T - x @ weight.T).norm() / (x @ weight.T).norm()
print(
    f"the weights are off by {off:.3f} of their size, "
    f"what the layer gives by {after:.3f}"
)
assert 0.07 < off < 0.09 and abs(after - off) < 0.005

# %% [markdown]
# Eight hundredths: the errors are as random as the weights, so they add up in the layer's output as the weights themselves do. One
# outlier in a block widens the steps for its 31 neighbours, and that is why blocks are small. And in a trained model? Round all matrices of
# one of your Llamas, but for the table:

# %% tags=["training"]
rough = kinds["Llama, 2"]()
rough.load_state_dict(models["Llama, 2"][0].state_dict())
with torch.no_grad():
    for name, part in rough.named_parameters():
        if part.dim() == 2 and "embedding" not in name:
            part.copy_(rounded(part.detach()))
exact, price = losses["Llama, 2"][0], held_out_loss(rough)
print(f"{exact:.3f} nats before, {price:.3f} after")

# %% jupyter={"source_hidden": true}
assert abs(price - exact) < 0.05

# %% [markdown]
# Every matrix is off by so much, and the loss hardly moves: many small errors, in all directions, mostly cancel. (A large model
# after a long training may lose more; the published one below gives its table of words, which is used twice, more bits.)
#
# ## A published model
# Now the file itself, in the format **GGUF** of the program llama.cpp: first the word GGUF, a version, how many tensors and fields there
# are; then the fields, each a name and a value; then the names, shapes and places of the tensors; then their bytes. `lib/gguf.py` reads
# it in under 200 lines. The weights are fetched once: in a terminal, `python3 course.py fetch`.

# %% tags=["training"]
from lib.downloads import have
from lib.gguf import read_gguf

here = have("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
if here:
    fields, tensors = read_gguf(here)
    print(here.read_bytes()[:24], f"{here.stat().st_size:,} bytes", sep="\n")
else:
    print(
        "`python3 course.py fetch` brings the weights; until then, "
        "your small Llama writes below."
    )

# %% tags=["training"]
if here:
    for name in (
        "block_count",
        "embedding_length",
        "attention.head_count",
        "attention.head_count_kv",
        "rope.freq_base",
    ):
        print(f"llama.{name:26}", fields[f"llama.{name}"])
    for name in ("attn_norm", "attn_q", "attn_k", "ffn_gate", "ffn_down"):
        print(
            f"blk.0.{name:26}",
            tensors[f"blk.0.{name}.weight"].shape,
            tensors[f"blk.0.{name}.weight"].kind,
        )

# %% [markdown]
# The table of The question, out of the file. Norms are few numbers and stay in float32; the table of words has 8 bits.
# Your `unpack_q4_1` can read all the others; here is one of them:

# %% tags=["training"]
if here:
    packed = tensors["blk.0.attn_k.weight"]
    values = unpack_q4_1(packed.data.reshape(-1, 20)).reshape(packed.shape)
    print(values.shape, "first four:", values[0, :4].round(3).tolist())

# %%
if here:
    shapes = {
        name: tensors[f"blk.0.{name}.weight"].shape
        for name in ("attn_k", "ffn_gate", "attn_norm")
    }
    assert shapes == {
        "attn_k": (192, 576),
        "ffn_gate": (1_536, 576),
        "attn_norm": (576,),
    }
    of_a_weight = 8 * tensors["blk.0.ffn_up.weight"].data.size / (576 * 1_536)
    assert bits_a_weight in (..., of_a_weight)
    assert fields["llama.context_length"] == 8_192 and 97e6 < here.stat().st_size < 99e6

# %% [markdown]
# `load_smollm2` unpacks all (with the library's copy of your function) and puts the numbers into the model that it is
# given, by the names of your parts. Give it `MyLlama`:

# %% tags=["training"]
from lib.smollm import TURN_END, chat_ids, load_smollm2

if here:
    chatty, its_tokenizer = load_smollm2(here, MyLlama)
    end = its_tokenizer.special[TURN_END]
else:
    chatty, its_tokenizer, end = (
        models["Llama, 2"][0],
        tokenizer,
        tokenizer.special[END],
    )
print(
    f"{sum(part.numel() for part in chatty.parameters()):,} parameters in",
    type(chatty.blocks[0].attention),
)

# %% jupyter={"source_hidden": true}
assert not here or sum(part.numel() for part in chatty.parameters()) == 134_515_008
assert type(chatty.blocks[0]) is LlamaBlock and type(chatty.norm) is RMSNorm

# %% [markdown]
# A chat model is a language model that has read many conversations, all written in one form, its **chat template**. Each turn stands
# between two special tokens, with the name of who speaks; the text ends where the assistant's turn begins, and the model writes on.


# %% tags=["training"]
def conversation(said):
    """ids up to where the answer begins."""
    if here:
        return chat_ids(its_tokenizer, [{"role": "user", "content": said}])
    return [end, *its_tokenizer.encode(said)]


print(
    [its_tokenizer.decode([i]) for i in conversation("What is the capital of France?")]
)

# %% [markdown]
# First the system's turn, which tells the model who it is; then yours; then the beginning of its own. Your `generate` of notebook 12
# writes, and ends at `<|im_end|>`. `CachedGPT` of notebook 13 hands it the logits; the caches that it asks for are yours.

# %% tags=["training"]
from lib.decoding.generate import CachedGPT


def answer(said, limit=30, pick=lambda logits, ids: int(logits.argmax())):
    written = list(
        generate(CachedGPT(chatty), conversation(said), limit, pick, [[end]])
    )
    return its_tokenizer.decode([i for i in written if i != end])


reply = answer("What is the capital of France?")
print(reply)

# %% jupyter={"source_hidden": true}
assert not here or reply == "The capital of France is Paris."

# %% [markdown]
# A published model has answered, and its norms, its attention and its feed-forward are those that you wrote. Ask it
# more:

# %% tags=["training"]
asked = [
    "What is the capital of Italy?",
    "What is 2 + 2?",
    "How many legs has a spider?",
    "What do cows drink?",
]
replies = {said: answer(said) for said in asked}
for said, reply in replies.items():
    print(f"{said:32} {reply}")

# %%
if here:
    italy, sum_, spider, cows = replies.values()
    assert "Rome" not in italy and "4" in sum_ and "8 legs" in spider and "milk" in cows

# %% [markdown]
# This is what 134 million parameters know, most of them rounded to four bits (five, with scale and minimum). The form
# is right every time: an answer, in a sentence, that ends. Facts are a matter of luck: Paris and the spider's legs are
# right; for Italy it invents a city, and its cows drink milk. It does not know what it does not know. Larger models of
# the same kind know more; the code is the same.
#
# With notebook 12's sampling it is less stiff, and no wiser:

# %% tags=["training"]
dice = torch.Generator().manual_seed(1)


def nucleus(logits, ids):
    return sample(top_p(apply_temperature(logits, 0.7), 0.9), dice).item()


print(answer("Write a short poem about a cat.", limit=50, pick=nucleus))

# %% [markdown]
# In a terminal, `python -m lib.decoding --model smollm2 --chat` holds a conversation, and remembers what was said.
#
# ## What breaks
# Take parts out of a small trained Llama (two heads of keys and values), without training it anew.
#
# > **Predict.** Order them by their loss: no rotary positions; a gate that is always open; the wrong partners, 0 1 0 1 in place of
# > 0 0 1 1; a window of 4.


# %%
class Open(nn.Module):
    """A gate whose silu is 1 for every x: silu(1.2785) = 1."""

    def forward(self, x):
        return torch.tensor(1.2785)


def wrong_partners(q, k, v, mask):
    return fused_attention(
        q, k.repeat(1, 2, 1, 1), v.repeat(1, 2, 1, 1), mask, causal=mask is None
    )


def damaged(model, damage):
    broken = kinds["Llama, 2"]()
    broken.load_state_dict(model.state_dict())
    broken.window = 4 if damage == "a window of 4" else None
    for block in broken.blocks:
        if damage == "no positions":
            block.attention.rotate = None
        if damage == "wrong partners":
            block.attention.attend = wrong_partners
        if damage == "an open gate":
            block.feed_forward.gate = Open()
    return broken


# %% tags=["training"]
damages = ("nothing", "a window of 4", "wrong partners", "no positions", "an open gate")
broken = {
    damage: [held_out_loss(damaged(model, damage)) for model in models["Llama, 2"]]
    for damage in damages
}
for damage, three in broken.items():
    print(f"{damage:15}", " ".join(f"{loss:.2f}" for loss in three))

# %%
for right, *wrong in zip(*broken.values(), strict=True):
    near, partners, unturned, gate = wrong
    assert abs(near - right) < 0.05 and right + 0.05 < partners < min(unturned, gate)

# %% [markdown]
# A window of 4 costs least: after so short a training, bytes look at their neighbours. The wrong partners raise no error and change
# no shape. Only the loss shows them; so does a comparison with somebody else's model, and that is why the course's tests make one
# (Hugging Face's Llama, with random weights). Missing positions and an open gate cost more still.
#
# ## In other words
# - **RMSNorm**: x divided by its root mean square, times a learned **scale** (γ or g): LayerNorm without **re-centring** and shift.
# - **Gated linear unit (GLU)**: two products of x, one of them after a function, multiplied number by number (⊙, Hadamard product).
# - **SiLU**, **Swish**: z · σ(z). **SwiGLU**: the GLU with it; in code `gate_proj`, `up_proj`, `down_proj` (ours: gate, widen, narrow).
# - **Rotary position embedding (RoPE)**: queries and keys turned by their position; the **base** (`rope_theta`) sets the speeds.
# - **Multi-head, multi-query, grouped-query attention (MHA, MQA, GQA)**: as many heads of keys and values as of queries, one, a few.
# - **Sliding-window attention**: each position sees the nearest W. **Receptive field**: what can reach it through all blocks.
# - **Quantisation**: weights rounded to a few levels; **block-wise** with a **scale** and a **minimum** for each block.
#   (Other formats store a **zero point** instead: the q that stands for 0.)
# - **GGUF**: the file format of llama.cpp. **Instruct** or **chat model**: a language model trained further on conversations.
# - **Chat template**: the fixed form in which turns are written, with the **roles** system, user and assistant.
#
# ## Where it comes from
# - RMSNorm: Zhang and Sennrich [2019](https://arxiv.org/abs/1910.07467). T5 used the same norm in that year, without the name.
# - Gates: Dauphin et al. [2016](https://arxiv.org/abs/1612.08083) for convolutions; Shazeer
#   [2020](https://arxiv.org/abs/2002.05202) for the feed-forward of Transformers.
# - Rotary positions: Su et al. [2021](https://arxiv.org/abs/2104.09864).
# - One head of keys and values: Shazeer [2019](https://arxiv.org/abs/1911.02150); groups: Ainslie et al.
#   [2023](https://arxiv.org/abs/2305.13245), who also turned trained models into grouped ones with 5% of their original
#   training.
# - Llama: Touvron et al. [2023](https://arxiv.org/abs/2302.13971) put norm, gate and rotary positions together; Llama 2
#   ([2023](https://arxiv.org/abs/2307.09288)) grouped the queries of its larger models, and many open models have
#   followed this plan since.
# - The window: Child et al. [2019](https://arxiv.org/abs/1904.10509) and Longformer, Beltagy et al.
#   [2020](https://arxiv.org/abs/2004.05150); Mistral 7B, Jiang et al. [2023](https://arxiv.org/abs/2310.06825), made it
#   known in open decoders.
# - SmolLM2: Allal et al. [2025](https://arxiv.org/abs/2502.02737). Format and rounding:
#   [GGUF](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), of the llama.cpp project.
#
# ## What to remember
# - Today's decoder is your GPT with four parts exchanged, and without biases. RMSNorm and grouped queries save work and
#   memory; rotary positions need no table, and without them the lower loss was gone.
# - Fewer heads of keys and values make the cache smaller by exactly their share. Test "cached equals uncached" after each such change.
# - A published model is numbers with names. If your parts have these names and compute the same, it runs in your code.
#
# **Next**: notebook 15, more model for the same work: flash attention, speculative decoding, mixtures of experts.
