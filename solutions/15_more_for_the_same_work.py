# %% [markdown]
# # 15 · More for the same work
# After this notebook you can attend to thousands of positions without a score matrix, write several tokens in one pass
# of a model without changing what it would write, and give a model more parameters than it uses for any one token.
#
# You need: notebooks 04, 07, 11 to 14. You build: flash attention, speculative decoding, a mixture of experts. 200 minutes,
# best in two or three sittings.

# %%
import math
import time
from collections import Counter
from itertools import chain, pairwise

import matplotlib.pyplot as plt
import torch
from torch.nn import functional

from lib.attention import fused_attention
from lib.figures import style, transformer_map
from lib.gpt import END, load_stories_gpt
from lib.yours import attention, causal_mask, stable_softmax

style()
torch.set_num_threads(1)
generator = torch.Generator().manual_seed(0)

# %% [markdown]
# ## The question
# Three numbers about models that you have built, each for one sequence:
#
# 1. GPT-2 small has 12 heads. How much memory do the attention scores of **one** block take for 4,096 positions, in float32?
# 2. SmolLM2 (notebook 14) has 134,515,008 weights. How many bytes are read for **one** token of about four letters?
# 3. How many of these weights work on each token? All of them, whether the token is a full stop or the word *quantum*.

# %%
score_bytes = 12 * 4096 * 4096 * 4
weight_bytes = 134_515_008 * 4
print(
    f"scores {score_bytes / 1e6:.0f} MB in one block, "
    f"weights {weight_bytes / 1e6:.0f} MB for one token"
)
assert (round(score_bytes / 1e6), round(weight_bytes / 1e6)) == (805, 538)

# %% [markdown]
# 805 MB of scores are written and read again for the softmax; as many weights are written and read again for the mix;
# then both are thrown away. 538 MB are read to multiply each weight by one number. And a larger model, which would know
# more, makes each of its tokens more expensive. In all three cases there is more to be had **for the same work**: this
# notebook takes them one after the other.
#
# - **Flash attention** never holds the score matrix. It computes the same result in pieces.
# - **Speculative decoding** lets a cheap model guess, and checks several guesses while the weights are there anyway.
# - A **mixture of experts** has many feed-forward parts and sends each token through a few of them.
#
# The first two are **exact**: flash attention gives the same numbers up to rounding; speculative decoding gives the
# same text if you decode greedily, and texts with the same probabilities if you draw. The third is another model.
#
# ## By hand
# A softmax seems to need all scores at once: its **denominator** is the sum of all of them, and for safety the largest score is
# subtracted first (notebook 04). But both can be kept up to date while the scores come in. Three keys, with e^score = 1, 4, 2
# (so the scores are ln 1 = 0, ln 4 and ln 2), and the values 7, 14, 0. We keep the largest score so far, the sum
# of all e^(score − largest), and the sum of all e^(score − largest) · value, which is the **numerator** of the mix:
#
# | after key | e^largest | old sums times | denominator | numerator |
# |---|---|---|---|---|
# | 1 | 1 | | 1 | 7 |
# | 2 | 4 | 1/4 | 1/4 + 1 = **1.25** | 7/4 + 14 = **15.75** |
# | 3 | 4 | 1 | 1.25 + 2/4 = **1.75** | 15.75 + 0 = **15.75** |
#
# The mix is 15.75 / 1.75 = **9**. The other way round: the weights are 1/7, 4/7, 2/7, and 7/7 + 4 · 14/7 + 0 = 9.
# When a larger score comes, what was summed before is too large by a known factor, and one multiplication puts it right.

# %%
scores, values = torch.tensor([1.0, 4.0, 2.0]).log(), torch.tensor([7.0, 14.0, 0.0])
assert abs((stable_softmax(scores) @ values).item() - 9) < 1e-5

# %% [markdown]
# ## The picture
# Scores of 8 positions with 8 positions under a causal mask, cut into tiles of 2 × 2. One tile is in memory at a time.

# %%
figure, panels = plt.subplots(1, 2, figsize=(7, 3.2), width_ratios=[3, 2])
for row in range(4):
    for column in range(4):
        kind = 0.1 if column > row else 0.45
        shade = plt.cm.Blues(0.95 if (row, column) == (2, 1) else kind)
        panels[0].add_patch(plt.Rectangle((2 * column, 2 * row), 1.9, 1.9, color=shade))
        word = "left out" if column > row else "mask" if column == row else ""
        word, ink = ("now", "white") if (row, column) == (2, 1) else (word, "black")
        place = (2 * column + 0.95, 2 * row + 0.95)
        panels[0].text(*place, word, color=ink, ha="center", va="center", fontsize=8)
panels[0].set(
    xlim=(-0.1, 8), ylim=(8, -0.1), xlabel="key", ylabel="query", aspect="equal"
)
panels[0].set_title("(query, key), tile by tile")
transformer_map(panels[1], parts=("decoder",), numbers=False)
plt.show()

# %% [markdown]
# The rows are queries, the columns keys. A tile above the diagonal lies in the future and is not computed at all. A tile on the
# diagonal needs the mask. From tile to tile along a row, three things go on: the largest score of each query, its denominator,
# and its numerator. At the right: all three ideas of today live in the decoder, in its attention (flash), in its feed-forward part
# (experts) and at its end, where the next token is chosen (speculation).
#
# ## In code
# The table above for a list of scores. This is the **online softmax**
# ([Milakov and Gimelshein 2018](https://arxiv.org/abs/1805.02867)): *online* means that the scores come one at a time
# and are not kept. With m for the largest score and l for the denominator, a new score s gives
#
# m′ = max(m, s)  l′ = l · e^(m − m′) + e^(s − m′)
#
# Both powers are at most e⁰ = 1, so nothing overflows.
#
# ## Exercise 15.1 · online_softmax
# `scores` is a list or a stream: you can go through a stream once, with `for`, and it may be longer than the memory. Return
# the largest score and the sum of e^(score − largest) over all scores, two floats. An empty stream gives −∞ and 0.
# Difficulty ●●○ · 8 minutes.
#
# <details><summary>What are the first values?</summary>Start with <code>-math.inf</code> and 0.0. The first score then
# multiplies the old sum by <code>math.exp(-math.inf)</code>, which is 0.0, and adds 1.</details>
# <details><summary>OverflowError: math range error</summary>Subtract before you take the power, and the <b>new</b> largest
# score, not the old.</details>


# %% exercise="online_softmax" difficulty=2 minutes=8
def online_softmax(scores):
    """The largest score and the sum of all e^(score - largest), in one pass.

    scores: finite numbers, a list or a stream, which can be read once and need not fit
    into memory

    Returns two floats; of an empty stream -inf and 0.0. The weight of a score is
    e^(score - largest) / sum.
    """
    ### BEGIN SOLUTION
    largest, total = -math.inf, 0.0
    for score in scores:
        larger = max(largest, score)
        total = total * math.exp(largest - larger) + math.exp(score - larger)
        largest = larger
    return largest, total
    ### END SOLUTION


# %% check="online_softmax"
from lib.checks import check

online_softmax = check("online_softmax")

# %%
largest, total = online_softmax(iter(scores.tolist()))
print(f"e^largest {math.exp(largest):.0f}, denominator {total:.2f}")
assert round(math.exp(largest), 4) == 4 and round(total, 4) == 1.75

# %% [markdown]
# ## Question 15.1 · rescale_factor
# The scores 2, 0 and 1 have been read, then comes the score 5. By which factor is the old denominator multiplied? Three
# decimals are enough. 3 minutes.

# %% question="rescale_factor" difficulty=1 minutes=3
### BEGIN SOLUTION
rescale_factor = math.exp(2 - 5)
### END SOLUTION

# %% check="rescale_factor"
from lib.checks import check

rescale_factor = check("rescale_factor")

# %% [markdown]
# ## From scores to tiles
# One score at a time is slow: processors multiply matrices. So we take a **tile**, some queries and some keys, and compute for all of its
# queries at once what the table kept: the largest score, the denominator, the numerator. This part is given:


# %%
def attend_tile(q, k, v, mask=None, causal=False):
    """q (..., query, d_head), k (..., key, d_head), v (..., key, d_value) -> largest,
    total, mixed.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if causal:  # query i of this tile sees its keys 0 to i
        earlier = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        mask = earlier if mask is None else mask & earlier
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    # no gradient: it cancels out in the end
    largest = scores.detach().amax(-1, keepdim=True)
    powers = torch.exp(scores - largest.clamp(min=torch.finfo(q.dtype).min))
    return largest, powers.sum(-1, keepdim=True), powers @ v


# %% [markdown]
# Two tiles of the same queries are put together like two rows of the table. Call what they bring (m₁, l₁, o₁) and (m₂, l₂, o₂):
#
# m = max(m₁, m₂)  l = e^(m₁ − m) l₁ + e^(m₂ − m) l₂  o = e^(m₁ − m) o₁ + e^(m₂ − m) o₂
#
# m, l and o are one number, one number and one vector for each query. A worked case: a first tile has m₁ = ln 2, l₁ = 1.5, o₁ = 3; a
# second has m₂ = ln 4, l₂ = 1, o₂ = 5. Then m = ln 4, the first factor is e^(ln 2 − ln 4) = 1/2, so l = 0.75 + 1 = 1.75 and
# o = 1.5 + 5 = 6.5. The order of the tiles does not matter, so they may as well come from several processors.
#
# One trap: a query that sees **no** key of a tile has m = −∞, l = 0 and o = 0. If both tiles are like that, m − m is −∞ + ∞, which is NaN.
# The factor may be anything finite there, as it multiplies zeros.
#
# ## Exercise 15.2 · merge_tiles
# Put together what two parts of the keys brought. Each is a tuple (largest, total, mixed) with shapes (..., query, 1),
# (..., query, 1), (..., query, d_value), as above; so is the result. Where a query saw no key in either, it stays −∞, 0 and 0.
# Difficulty ●●○ · 10 minutes.
#
# <details><summary>NaN in a row that saw nothing</summary>−∞ less −∞ is NaN. Subtract
# <code>largest.clamp(min=torch.finfo(largest.dtype).min)</code>: the smallest finite number in place of −∞. Return the
# largest as it is.</details>
# <details><summary>Which factor for which part?</summary>Each part has its own: e to the power of (its own largest − the common
# largest). The part that holds the common largest gets 1.</details>


# %% exercise="merge_tiles" difficulty=2 minutes=10
def merge_tiles(one, other):
    """What a query gets from two parts of the keys together, out of what it got from
    each.

    one, other: largest (..., query, 1), total (..., query, 1), mixed (..., query,
    d_value); -inf, 0 and 0 where a query sees no key of that part Returns the three for
    all keys of both, in the same form. Gradients flow to totals and mixes, any finite
    ones where a query saw nothing.
    """
    ### BEGIN SOLUTION
    largest = torch.maximum(one[0], other[0])
    # subtle: -inf less -inf would be NaN
    finite = largest.clamp(min=torch.finfo(largest.dtype).min)
    total = mixed = 0.0
    for part_largest, part_total, part_mixed in (one, other):
        factor = torch.exp(part_largest - finite)
        total, mixed = total + factor * part_total, mixed + factor * part_mixed
    return largest, total, mixed
    ### END SOLUTION


# %% check="merge_tiles"
from lib.checks import check

merge_tiles = check("merge_tiles")

# %%
first = torch.tensor([[2.0]]).log(), torch.tensor([[1.5]]), torch.tensor([[3.0]])
second = torch.tensor([[4.0]]).log(), torch.tensor([[1.0]]), torch.tensor([[5.0]])
assert [round(part.item(), 4) for part in merge_tiles(first, second)[1:]] == [1.75, 6.5]

# %% [markdown]
# ## Flash attention
# Now the loops ([Dao et al. 2022](https://arxiv.org/abs/2205.14135); the order of the loops and the single division at
# the end are those of its second version, [Dao 2023](https://arxiv.org/abs/2307.08691)). Cut the queries into tiles,
# and the keys and values too. For each tile of queries go through the tiles of keys, merge what they bring, and divide
# the numerator by the denominator at the end. With `causal`, position i sees 0 to i. Tiles have the same size in both
# directions, so tile j of the keys lies wholly in the past of tile i of the queries where j < i, wholly in its future
# where j > i, and on the diagonal where j = i.
#
# ## Exercise 15.3 · flash_attention
# The mix of `attention` (without its weights), with `attend_tile` and `merge_tiles`, or what they do written out. No
# tensor of query × key numbers may be made. The last tile may be smaller. `mask` is True where looking is allowed,
# (query, key) or with leading axes, and any of its axes may have the size 1. With `mask` and `causal` a query sees a
# key only if both allow it. A query that sees nothing gets zeros. Gradients must flow. Difficulty ●●● · 20 minutes.
#
# <details><summary>How do I cut?</summary><code>q.split(tile, dim=-2)</code> gives a tuple of tiles, the last one smaller. Tile (i, j)
# of a mask is <code>mask[..., i * tile : (i + 1) * tile, j * tile : (j + 1) * tile]</code>.</details>
# <details><summary>A mask with an axis of size 1 gives empty tiles</summary>Stretch it first:
# <code>mask.expand(*mask.shape[:-2], q.shape[-2], k.shape[-2])</code> is a view and takes no memory.</details>
# <details><summary>0 / 0</summary>A query that sees nothing has the denominator 0. Divide by 1 there:
# <code>total.where(total > 0, 1.0)</code>.</details>


# %% exercise="flash_attention" difficulty=3 minutes=20
def flash_attention(q, k, v, mask=None, causal=False, tile=64):
    """The mix of `attention`, tile by tile: no tensor of the size query x key is made.

    q: (..., query, d_head)
    k: (..., key, d_head)
    v: (..., key, d_value), at least one query and one key
    mask: bool, (query, key) or (..., query, key), with no more axes than q, any of
    which may be 1; True where looking is allowed
    causal: query i sees keys 0 to i, however many there are of both; tiles that lie in
    the future as a whole are left out
    tile: so many queries, and so many keys, at a time

    Returns the mixed values (..., query, d_value), 0 where a query sees no key.
    Gradients flow to q, k and v.
    """
    ### BEGIN SOLUTION
    if mask is not None:
        # a view: it takes no memory
        mask = mask.expand(*mask.shape[:-2], q.shape[-2], k.shape[-2])
    rows = []
    for i, queries in enumerate(q.split(tile, dim=-2)):
        so_far = None
        for j, (keys, values) in enumerate(
            zip(k.split(tile, dim=-2), v.split(tile, dim=-2), strict=True)
        ):
            if causal and j > i:
                break
            seen = (
                None
                if mask is None
                else mask[..., i * tile : (i + 1) * tile, j * tile : (j + 1) * tile]
            )
            part = attend_tile(queries, keys, values, seen, causal and i == j)
            so_far = part if so_far is None else merge_tiles(so_far, part)
        _, total, mixed = so_far
        rows.append(mixed / total.where(total > 0, 1.0))
    return torch.cat(rows, dim=-2)
    ### END SOLUTION


# %% check="flash_attention"
from lib.checks import check

flash_attention = check("flash_attention")

# %% [markdown]
# > **Predict.** How far may the result be from that of `attention`, in float32? Is it less exact?

# %% tags=["training"]
q, k, v = (
    torch.randn(2, 3, 300, 16, generator=generator, requires_grad=True)
    for _ in range(3)
)
ours, full = (
    flash_attention(q, k, v, causal=True),
    attention(q, k, v, causal_mask(300))[0],
)
kernel = fused_attention(q, k, v, causal=True)  # torch's scaled_dot_product_attention
assert (ours - full).abs().max() < 1e-6 * 3 and (ours - kernel).abs().max() < 1e-6 * 3
exact = attention(*(part.double() for part in (q, k, v)), causal_mask(300))[0]
print(
    "off by at most:",
    *(f"{(part - exact).abs().max():.0e}" for part in (ours, full, kernel)),
)
gradients = [
    torch.autograd.grad(result.square().sum(), (q, k, v))
    for result in (ours, full, kernel)
]
for other in gradients[1:]:
    assert all(
        torch.allclose(a, b, atol=1e-5)
        for a, b in zip(gradients[0], other, strict=True)
    )

# %% [markdown]
# The result is the same up to rounding, and no less exact: it is a different order of the same sum. The gradients agree, too.
#
# ## What it saves: memory
# `peak_bytes` adds up the sizes of all tensors that PyTorch's functions have returned and that somebody still holds, the inputs
# left out, and reports the largest sum. (What a function uses inside itself is not seen.) One head, d_head = 64:

# %% tags=["training"]
from lib.flash import peak_bytes

lengths = [256, 512, 1024, 2048, 4096]
ways = {
    "attention": lambda q, k, v: attention(q, k, v)[0],
    "flash_attention": lambda q, k, v: flash_attention(q, k, v, tile=128),
    "torch's kernel": fused_attention,
}
inputs = {
    n: [torch.randn(1, 1, n, 64, generator=generator) for _ in range(3)]
    for n in lengths
}
memory = {
    name: [peak_bytes(way, *inputs[n]) for n in lengths] for name, way in ways.items()
}
for name, found in memory.items():
    print(f"{name:16}", *(f"{size / 1e6:8.2f}" for size in found), "MB")

# %% tags=["training"]
figure, axes = plt.subplots()
for (name, found), mark in zip(memory.items(), ("-o", "--s", ":^"), strict=True):
    axes.loglog(lengths, [size / 1e6 for size in found], mark, label=name)
axes.set(xlabel="positions", ylabel="peak memory of one head, MB", xticks=lengths)
axes.set_xticks(lengths, lengths)
axes.minorticks_off()
axes.legend()
plt.show()

# %%
full, tiled = memory["attention"], memory["flash_attention"]
assert all(3.8 < after / before < 4.2 for before, after in pairwise(full[1:]))
assert tiled[-1] / tiled[-2] < 2.2 and full[-1] / tiled[-1] > 50
assert 2 * 4096 * 4096 * 4 < full[-1] < 2.1 * 4096 * 4096 * 4 and tiled[-1] < 2.5e6

# %% [markdown]
# Twice the positions: four times the memory for `attention`, which holds the scores and the weights at once, and about
# twice for the tiles. At 4,096 positions that is 135 MB against 2.2 MB for a single head, over 50 times less. At
# 100,000 positions the scores of one head alone would take 40 GB: without tiles, full attention over such contexts
# hardly fits. The **work** is still quadratic: every query meets every key.
#
# > **Predict.** And in training? Backpropagation needs the weights of every tile.


# %% tags=["training"]
from torch.utils.checkpoint import checkpoint


def recomputed(q, k, v):
    """Each tile of queries forgets its tiles of keys, and computes them again when
    gradients are asked for.
    """
    tiles = (
        checkpoint(flash_attention, part, k, v, use_reentrant=False)
        for part in q.split(64, dim=-2)
    )
    return torch.cat(list(tiles), dim=-2)


trained = [part.clone().requires_grad_() for part in inputs[2048]]
ways_to_train = {
    "attention": ways["attention"],
    "flash": flash_attention,
    "flash, recomputed": recomputed,
}
kept = {name: peak_bytes(way, *trained) / 1e6 for name, way in ways_to_train.items()}
print({name: f"{size:.1f} MB" for name, size in kept.items()})
both = [
    torch.autograd.grad(way(*trained).square().sum(), trained)
    for way in (ways["attention"], recomputed)
]
assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(*both, strict=True))

# %% jupyter={"source_hidden": true}
assert (
    kept["flash"] > 15 * kept["flash, recomputed"]
    and kept["flash"] > 2048 * 2048 * 4 / 1e6
)

# %% [markdown]
# Autograd keeps what every tile has computed, so the memory is quadratic again. The paper's second idea mends that:
# keep only the inputs, the result, the largest score and the denominator, and **recompute** the tiles on the way back.
# That is more arithmetic and less memory. Here PyTorch's `checkpoint` does something similar, query tile by query tile:
# it runs a function, keeps only its inputs, and runs it again on the way back; the gradients stay the same.
#
# ## Question 15.2 · skipped_tiles
# 4,096 positions under a causal mask in tiles of 128 × 128: there are 32 × 32 = 1,024 tiles. How many are left out, because they
# lie wholly in the future? 4 minutes.

# %% question="skipped_tiles" difficulty=1 minutes=4
### BEGIN SOLUTION
skipped_tiles = 32 * 31 // 2
### END SOLUTION

# %% check="skipped_tiles"
from lib.checks import check

skipped_tiles = check("skipped_tiles")

# %% [markdown]
# ## Why it pays on a GPU, and what it does here
# A GPU has two kinds of memory: a large one (**HBM**, tens of gigabytes) and a small one on the chip (**SRAM**, some 20
# MB in all on an A100), which is about ten times faster. Multiplying is cheap; moving numbers between the two is not.
# `attention` writes the scores to HBM, reads them for the softmax, writes the weights and reads them for the mix: 4 n²
# numbers for n positions. The tiles stay in SRAM. What is moved: keys and values once for each tile of queries, and
# queries and result once each. With B queries in a tile that is n/B · 2 n d_head + 2 n d_head numbers.

# %%
n, d_head, rows = 4096, 64, 128
standard, flash = 4 * n * n, n // rows * 2 * n * d_head + 2 * n * d_head
print(
    f"numbers moved: {standard / 1e6:.0f} against {flash / 1e6:.0f} million, "
    f"{standard / flash:.1f} times fewer"
)
assert 3.5 < standard / flash < 4

# %% [markdown]
# So larger tiles move less, up to what SRAM holds. For the attention of GPT-2 medium (1,024 positions) on an A100 the
# paper reports, for forward and backward together, 40.3 GB moved by standard attention and 4.4 GB by flash attention,
# although flash does more arithmetic (75.2 against 66.6 billion operations): 7.3 ms in place of 41.7 ms.
#
# Here there is no GPU. A CPU has fast small memories too (its caches), but our loops run in Python. Processor time, measured
# in turns:


# %% tags=["training"]
@torch.inference_mode()
def milliseconds(works, *inputs, times=5):
    """The shortest of a few runs of each, in processor time, taken in turns."""
    taken = {name: [] for name in works}
    for name, work in times * list(works.items()):
        start = time.process_time()
        work(*inputs)
        taken[name].append(1000 * (time.process_time() - start))
    return {name: min(found) for name, found in taken.items()}


for n in (512, 2048):
    took = milliseconds(ways, *inputs[n])
    print(
        f"{n} positions:",
        {name: f"{took[name] / took['attention']:.2f}" for name in took},
        "of attention's time",
    )

# %% jupyter={"source_hidden": true}
assert took["torch's kernel"] < min(took["attention"], took["flash_attention"])

# %% [markdown]
# Torch's `scaled_dot_product_attention` is itself a flash kernel on the CPU, written in C++: it is faster than `attention`, because its
# tiles stay in the cache. Ours takes the same steps in Python and is not faster; it shows what the kernel does. That is why
# `MultiHeadAttention` has used the kernel since notebook 05.
#
# ## Speculative decoding
# Notebook 13 ended with a remark: one token reads every weight once and uses it once, and the processor waits for
# memory. Several new positions in one pass read the weights once, too. A prompt is read in this way; but the next token
# must be known before the one after it can be computed. Unless somebody **guesses** it.
#
# A cheap **draft model** guesses k tokens, one after the other. The large **target model** reads all k guesses in one pass and
# gets its own distribution at each of the k + 1 places. Guesses that fit are kept, the rest is dropped. What does "fit" mean, if
# the text is to be what the target alone would have written?
#
# Greedily it is simple: a guess is kept if it is the target's likeliest token; if not, that token takes its place.
# After a refusal all later guesses are dropped, because they were made for a text that no longer exists. When tokens
# are drawn, there is a rule ([Leviathan et al. 2023](https://arxiv.org/abs/2211.17192), [Chen et al.
# 2023](https://arxiv.org/abs/2302.01318)). Let p(x) be the target's probability of token x and q(x) the draft's, from
# which x was drawn (both after temperature and top-p, if there are any):
#
# - keep x with probability min(1, p(x) / q(x));
# - if it is refused, draw another token from the **residual** (what is left over; it has nothing to do with residual
#   connections), the positive part of p − q, divided by its sum.
#
# By hand, with three words:
#
# | | mat | sofa | roof |
# |---|---|---|---|
# | target p | 0.6 | 0.3 | 0.1 |
# | draft q | 0.3 | 0.6 | 0.1 |
# | kept, if guessed | 1 | 1/2 | 1 |
# | guessed and kept | 0.3 | 0.3 | 0.1 |
# | positive part of p − q | 0.3 | 0 | 0 |
#
# A guess is kept in 0.3 + 0.3 + 0.1 = 0.7 of all cases, the **acceptance rate**. In the other 0.3 the residual gives *mat*. Together: *mat* 0.3 + 0.3 =
# 0.6, *sofa* 0.3, *roof* 0.1. That is p, exactly, and it holds for any q: a bad draft costs time, never quality.
#
# Why: token x is guessed and kept with probability q(x) · min(1, p(x)/q(x)) = min(p(x), q(x)). What is missing to p(x) is
# p(x) − min(p(x), q(x)), the positive part of p − q; summed over x it is the probability of a refusal.
#
# ## Question 15.3 · accepted_share
# The target says (0.5, 0.25, 0.25), the draft (0.1, 0.8, 0.1). In what share of cases is the guess kept? 4 minutes.

# %% question="accepted_share" difficulty=1 minutes=4
### BEGIN SOLUTION
accepted_share = 0.1 + 0.25 + 0.1
### END SOLUTION

# %% check="accepted_share"
from lib.checks import check

accepted_share = check("accepted_share")

# %% [markdown]
# ## Exercise 15.4 · residual
# From probabilities `p` and `q` (..., vocab) to the distribution from which a token is drawn after a refusal: the positive part
# of p − q, divided by its sum. Where p and q are equal nothing is left over, and no guess is ever refused; return p there.
# Difficulty ●○○ · 5 minutes.
#
# <details><summary>NaN where p equals q</summary>0 / 0. <code>torch.where(total > 0, rest / total, p)</code> takes p in those
# rows.</details>


# %% exercise="residual" difficulty=1 minutes=5
def residual(p, q):
    """What p has and q has not: the positive part of p - q, made to sum to 1.

    p, q: probabilities (..., vocab)
    Returns (..., vocab); where p and q are equal, the numbers of p.
    """
    ### BEGIN SOLUTION
    rest = (p - q).clamp(min=0)
    total = rest.sum(-1, keepdim=True)
    return torch.where(total > 0, rest / total, p)
    ### END SOLUTION


# %% check="residual"
from lib.checks import check

residual = check("residual")

# %% [markdown]
# ## Exercise 15.5 · accept
# `guesses` are k ids; row i of `q` is the distribution from which guess i was drawn, row i of `p` is the target's at the same place, and p has one
# row more. Go through the guesses: keep guess i with probability min(1, p/q). At the first refusal draw from the residual of that row and
# stop. If all are kept, draw one more token from the last row of p: it comes for free. Return the ids, 1 to k + 1 of them. All dice come
# from `generator`. Difficulty ●●○ · 12 minutes.
#
# <details><summary>How do I keep something with probability r?</summary>Draw u = <code>torch.rand((),
# generator=generator)</code>, from 0 to below 1, and keep it if u &lt; r. With u · q &lt; p you need no division.</details>
# <details><summary>And draw from probabilities?</summary><code>torch.multinomial(row, 1, generator=generator)</code>, then
# <code>int(...)</code>.</details>


# %% exercise="accept" difficulty=2 minutes=12
def accept(p, q, guesses, generator):
    """Keep guesses drawn from q so that the result is drawn from p.

    p: (k + 1, vocab), the large model's probabilities before each guess and after the
    last
    q: (k, vocab), the small model's; with k = 0 it may be []    guesses: k ids

    Guess i stays with probability min(1, p / q), both of this very token. The first
    that does not is replaced by a token drawn from the residual, and all after it are
    dropped. If all stay, one more is drawn from p's last row. Returns a list of 1 to k
    + 1 ints.
    """
    ### BEGIN SOLUTION
    for i, guess in enumerate(guesses):
        if torch.rand((), generator=generator) * q[i, guess] >= p[i, guess]:
            other = torch.multinomial(residual(p[i], q[i]), 1, generator=generator)
            return [*guesses[:i], int(other)]
    more = torch.multinomial(p[-1], 1, generator=generator)
    return [*guesses, int(more)]
    ### END SOLUTION


# %% check="accept"
from lib.checks import check

accept = check("accept")

# %% [markdown]
# The table above, 20,000 times: how often does each word come first?

# %% tags=["training"]
from lib.decoding.sampling import chi_square

p, q = torch.tensor([[0.6, 0.3, 0.1], [1.0, 0, 0]]), torch.tensor([[0.3, 0.6, 0.1]])
guesses = torch.multinomial(
    q[0], 20_000, replacement=True, generator=generator
).tolist()
counts = Counter(accept(p, q, [guess], generator)[0] for guess in guesses)
print({word: counts[i] / 20_000 for i, word in enumerate(["mat", "sofa", "roof"])})

# %% jupyter={"source_hidden": true}
assert chi_square(torch.tensor([counts[i] for i in range(3)]), p[0])[1] > 0.001

# %% [markdown]
# ## Exercise 15.6 · speculative_step
# A model is here a function `(ids, last)` → the probabilities of what comes after each of the `last` latest tokens of ids, (last, vocab). So it
# does not matter what is behind it: a network, a table, a rule. Draw k guesses from `draft` with `generator`, each after the guesses before it; ask
# `target` **once**, for k + 1 places; return what `accept` says. `ids` must stay as it is. Difficulty ●●○ · 12 minutes.
#
# <details><summary>Which places?</summary>The target reads ids and all k guesses. Its last k + 1 distributions are those before guess 1, ..., before guess k, and
# after guess k.</details>
# <details><summary>k = 0</summary>No guess: q has no rows, and accept draws one token from p. <code>torch.stack</code> refuses an empty
# list; <code>q and torch.stack(q)</code> passes it on as it is.</details>


# %% exercise="speculative_step" difficulty=2 minutes=12
def speculative_step(target, draft, ids, k, generator):
    """1 to k + 1 new tokens for one pass of the large model.

    target, draft: (ids, last) -> probabilities (last, vocab) of what comes after each
    of the last tokens of ids
    ids: the text so far, at least one id
    k: draw so many guesses one by one from the draft, 0 or more

    The target is asked once, for its probabilities at all k + 1 places. Returns a list
    of ids.
    """
    ### BEGIN SOLUTION
    text, q = list(ids), []
    for _ in range(k):
        q.append(draft(text, 1)[0])
        text.append(int(torch.multinomial(q[-1], 1, generator=generator)))
    p = target(text, k + 1)
    return accept(p, q and torch.stack(q), text[len(ids) :], generator)
    ### END SOLUTION


# %% check="speculative_step"
from lib.checks import check

speculative_step = check("speculative_step")


# %%
def write(target, draft, ids, limit, k, generator):
    """Step after step: the list of what each step brings."""
    steps, text = [], list(ids)
    while len(text) < len(ids) + limit:
        room = len(ids) + limit - len(text)
        steps.append(speculative_step(target, draft, text, min(k, room - 1), generator))
        text += steps[-1]
    return steps


# %% [markdown]
# ## Is the distribution kept?
# A test that could fail. Two random languages of four tokens, in which the next token depends on the one before. The
# probability of each of the 64 texts of three tokens is known exactly: a product of three entries of the target's
# table. We write 6,000 texts with two guesses a step and compare by Pearson's **chi-square test** (notebook 12), whose
# p-value is the probability that texts really drawn from this distribution differ from it at least as much. We also
# print the **total variation distance**: half the sum of all |p(x) − q(x)|, 0 for equal and 1 for completely different
# distributions.

# %%
# (model, token before, token)
tables = (2 * torch.randn(2, 4, 4, generator=generator)).softmax(-1)
target_table, draft_table = tables
# (first, second, third)
three = target_table[0][:, None, None] * target_table[:, :, None] * target_table[None]
assert abs(three.sum() - 1) < 1e-5


def of_table(table):
    return lambda ids, last: table[ids[-last:]]


def count_texts(step_generator, n=6000):
    found = torch.zeros(64)
    for _ in range(n):
        steps = write(
            of_table(target_table), of_table(draft_table), [0], 3, 2, step_generator
        )
        first, second, third = (token for step in steps for token in step)
        found[16 * first + 4 * second + third] += 1
    return found


# %% tags=["training"]
counts = count_texts(torch.Generator().manual_seed(1))
by_draft = (
    draft_table[0][:, None, None] * draft_table[:, :, None] * draft_table[None]
).flatten()
for name, exact in {"target": three.flatten(), "draft": by_draft}.items():
    # the total variation distance
    far = (counts / counts.sum() - exact).abs().sum() / 2
    print(
        f"from the {name}: total variation {far:.3f}, "
        f"p-value {chi_square(counts, exact)[1]:.3f}"
    )

# %% jupyter={"source_hidden": true}
assert (
    chi_square(counts, three.flatten())[1] > 0.001
    and chi_square(counts, by_draft)[1] < 1e-6
)

# %% [markdown]
# The texts are the target's, though many of their tokens were guessed by another model, whose own texts are very
# different.
#
# ## With the course's GPT
# The target is the GPT of notebook 11. It needs a cache that can **roll back**: after a refusal the keys and values of dropped
# guesses must go. Your `KeyValueCache` can: positions from `length` on do not count, so a smaller `length` forgets the end, and
# the next `extend` overwrites it.


# %%
from lib.decoding.generate import fresh_caches
from lib.decoding.speculative import NGramModel, greedy_probabilities, read_all


class RollbackModel:
    """A GPT that is asked (ids, last): it keeps what the text has in common with the
    last one, and reads the rest.
    """

    def __init__(self, model, probabilities):
        self.model, self.probabilities = model, probabilities
        self.caches, self.read, self.passes = fresh_caches(model, 1), [], 0

    @torch.inference_mode()
    def __call__(self, ids, last):
        same = 0
        while (
            same < min(len(self.read), len(ids) - last) and self.read[same] == ids[same]
        ):
            same += 1
        for cache in self.caches:
            cache.length = same  # roll back
        logits = read_all(self.model, torch.tensor([ids[same:]]), self.caches)[
            0, -last:
        ]
        self.read, self.passes = list(ids), self.passes + 1
        return self.probabilities(logits)


# %% [markdown]
# Who guesses? A small network is the classical choice. For our tiny GPT even a network of one block would cost a good part of a pass. There is something cheaper that knows
# stories well: **counts**. What came most often after these three tokens in 2,000 training stories? (After two, if the three never stood together; after
# one, if need be: this is called **back-off**.) Such n-gram drafts are used in practice, too, often with the counts of the
# prompt itself (*prompt lookup*).

# %% tags=["training"]
from lib.training.language import encode_texts, read_texts

gpt, tokenizer = load_stories_gpt()
learnt, held_out = read_texts("stories")
counted = encode_texts(tokenizer, learnt[:2000]).tolist()
likeliest_guess = NGramModel(counted, len(tokenizer), 3, greedy_probabilities)
prompts = [
    [tokenizer.special[END], *tokenizer.encode(story)][:30] for story in held_out[:6]
]

# %% [markdown]
# > **Predict.** Greedily, with 4 guesses a step: is it the same text, to the last token? How many tokens does a pass bring?


# %% tags=["training"]
def write_all(
    k, draft=likeliest_guess, probabilities=greedy_probabilities, limit=60, seed=0
):
    """The texts after all prompts, the tokens for each pass of the target, and the
    processor time.
    """
    target, dice, start = (
        RollbackModel(gpt, probabilities),
        torch.Generator().manual_seed(seed),
        time.process_time(),
    )
    texts = [
        list(chain(*write(target, draft, prompt, limit, k, dice))) for prompt in prompts
    ]
    return texts, limit * len(prompts) / target.passes, time.process_time() - start


plain_run, guessed_run = write_all(k=0), write_all(k=4)
print(f"tokens a pass: {plain_run[1]:.2f} alone, {guessed_run[1]:.2f} with 4 guesses")

# %% jupyter={"source_hidden": true}
assert plain_run[0] == guessed_run[0] and plain_run[1] == 1 and guessed_run[1] > 1.8

# %% [markdown]
# The same texts, and over 1.8 tokens a pass. (In floating point a pass over five positions may round otherwise than one over
# a single position. Where two tokens are equally likely to the last digit, another one could win; here none does.)
#
# ## What it brings
# Suppose each guess is kept with the same probability α, the acceptance rate, whatever happened before. A step brings
# its first token always, the second if guess 1 was kept, the third if guesses 1 and 2 were kept, and so on:
#
# expected tokens = 1 + α + α² + ... + α^k = (1 − α^(k+1)) / (1 − α)
#
# With α = 0.7 and k = 2: 1 + 0.7 + 0.49 = 2.19. If one guess costs c passes of the target (c is well below 1), a step
# costs 1 + k c passes. The speed-up is the expected tokens divided by that: (1 + α + ... + α^k) / (1 + k c). That
# supposes that a pass over k + 1 positions takes as long as a pass over one.
#
# ## Question 15.4 · best_draft_length
# Guesses are kept at the rate 0.6 and cost 0.1 of a pass each. For which k is the speed-up largest? 5 minutes.

# %% question="best_draft_length" difficulty=2 minutes=5
### BEGIN SOLUTION
speedups = {k: sum(0.6**i for i in range(k + 1)) / (1 + 0.1 * k) for k in range(20)}
best_draft_length = max(speedups, key=speedups.get)
### END SOLUTION

# %% check="best_draft_length"
from lib.checks import check

best_draft_length = check("best_draft_length")

# %% [markdown]
# Now the clock, greedily and by drawing. How much faster than k = 0, in processor time, measured in turns?

# %% tags=["training"]
drawn_guess = NGramModel([], len(tokenizer), 3)
drawn_guess.counts = likeliest_guess.counts  # the same counts, as probabilities
kinds = {
    "greedy": {"draft": likeliest_guess, "probabilities": greedy_probabilities},
    "drawn": {"draft": drawn_guess, "probabilities": lambda logits: logits.softmax(-1)},
}
ks = [0, 1, 2, 4, 6]
runs = {(name, k): [] for name in kinds for k in ks}
for seed in range(2):
    for name, k in runs:
        runs[name, k].append(write_all(k, **kinds[name], limit=30, seed=seed)[1:])
a_pass = {
    place: sum(tokens for tokens, _ in found) / 2 for place, found in runs.items()
}
quicker = {
    (name, k): min(s for _, s in runs[name, 0]) / min(s for _, s in runs[name, k])
    for name, k in runs
}

# %% tags=["training"]
figure, panels = plt.subplots(1, 2, figsize=(7.2, 3))
for axes, found, title in zip(
    panels, (a_pass, quicker), ("tokens a pass", "times as fast as k = 0"), strict=True
):
    for name, mark in zip(kinds, ("-o", "--s"), strict=True):
        axes.plot(ks, [found[name, k] for k in ks], mark, label=name)
    axes.axhline(1, color="grey", lw=1)
    axes.set(xlabel="guesses a step, k", title=title, ylim=(0, None))
panels[0].legend()
plt.show()

# %% jupyter={"source_hidden": true}
for name in kinds:
    assert a_pass[name, 1] < a_pass[name, 4] and a_pass[name, 4] > 1.8
    assert 1 < max(quicker[name, k] for k in ks[1:]) < a_pass[name, 6]

# %% [markdown]
# Left: with more guesses a pass brings more, but less and less, since a guess counts only if all before it were kept. Right: the clock. It gains
# less than the tokens a pass, because a pass over several positions does take longer, and guesses are not free.
#
# ## When it does not pay
# How much longer? That depends on what a processor waits for. Here is a Llama of 58 million random weights, so many
# that they do not fit into the caches and must be read from memory in each pass. We use one core:

# %% tags=["training"]
from lib.llama import Llama

large = Llama(2048, 768, 12, 8, 2048, n_positions=128).eval()
caches, text = large.fresh_caches(1), torch.randint(2048, (1, 64), generator=generator)
with torch.inference_mode():
    large(text, caches)


def read_more(new):
    for cache in caches:
        cache.length = 64
    large.read_on(text[:, :new], caches)


news = [1, 2, 5, 9, 17, 33]
took = milliseconds({new: lambda new=new: read_more(new) for new in news}, times=4)
print({f"{new} positions": f"{took[new] / took[1]:.1f} times one" for new in news})
print(f"weights: {sum(part.numel() for part in large.parameters()) / 1e6:.0f} million")

# %% jupyter={"source_hidden": true}
assert took[1] < took[5] and took[33] < 16 * took[1]  # cheaper each, but not free

# %% tags=["training"]
from lib.decoding.speculative import expected_speedup

check_cost = took[5] / took[1]
for rate in (0.5, 0.7, 0.9):
    here, there = (
        expected_speedup(rate, 4, cost=0.0, check=check_cost),
        expected_speedup(rate, 4, cost=0.05),
    )
    print(
        f"rate {rate}: {here:.1f} times as fast on this CPU with free guesses; "
        f"{there:.1f} as the paper counts"
    )
assert expected_speedup(0.7, 4, 0.05) > 2 > 1 > expected_speedup(0.35, 4, 0.2)

# %% [markdown]
# Many positions together are far cheaper than one by one, but on one core of a CPU five positions do cost more than
# one: the core is busy multiplying, not only waiting. So a large model gains little here, unless guesses are right
# nearly always. On a GPU, which can multiply hundreds of times while one weight is read, and for one text at a time,
# the paper's count nearly holds; two to three times as fast is what the papers report. And a draft that is poor and
# expensive makes it slower: at α = 0.35 and c = 0.2, four guesses a step give less than 1.
#
# A server that writes for many people at once reads the weights once for all of them anyway. It has little idle time left to speculate with.

# %% [markdown]
# ## Mixture of experts
# In a Llama block, attention moves information between positions; the **feed-forward** part works on each position by
# itself and holds most of the parameters: in Mistral 7B, four fifths of each block. A wider feed-forward knows more, and
# each token pays for all of it. But a token of an Italian sentence hardly needs what was learned about dates.
#
# A **mixture of experts** (MoE; [Shazeer et al. 2017](https://arxiv.org/abs/1701.06538)) has n feed-forward parts of the
# same shape in place of one, the **experts**, and a small matrix, the **router** (or gate), which picks k of them for each
# token. All experts together are the **total parameters**; what one token meets are the **active parameters**. With n = 8
# and k = 2 a token pays for two experts, and there are eight to learn in. Such a model is called **sparse**, an ordinary
# one **dense**.
#
# With x a token's vector, W the router's matrix (n_experts, d_model) and E_i the experts:
#
# > logits = W x;  chosen = the k experts of the largest logits;  weights = softmax of **these k logits**
# >
# > MoE(x) = Σ over the chosen i of  weight_i · E_i(x)
#
# ### Routing by hand
# Four tokens, three experts, k = 2. So that the softmax can be done in the head, the table shows e^logit. And so that the
# experts can, each token is one number x, and the experts are A(x) = 2x, B(x) = 10x and C(x) = 0.
#
# | token | x | e^logit of A, B, C | chosen | weights | result |
# |---|---|---|---|---|---|
# | the | 4 | 3, 1, ½ | A, B | ¾, ¼ | ¾ · 8 + ¼ · 40 = **16** |
# | cat | 3 | 1, 4, 2 | B, C | ⅔, ⅓ | ⅔ · 30 + ⅓ · 0 = **20** |
# | sat | 2 | 6, 2, 1 | A, B | ¾, ¼ | ¾ · 4 + ¼ · 20 = **8** |
# | down | 5 | 4, ½, 1 | A, C | ⅘, ⅕ | ⅘ · 10 + ⅕ · 0 = **8** |
#
# The softmax runs over the k chosen logits alone, as in Mixtral ([Jiang et al. 2024](https://arxiv.org/abs/2401.04088)):
# for *the* 3/(3 + 1), whatever C has. What is chosen is a matter of yes and no and has no gradient; the router learns
# through the **weights**. If E_A(x) would have helped more than E_B(x), the gradient raises the logit of A.

# %%
powers = torch.tensor([[3, 1, 0.5], [1, 4, 2], [6, 2, 1], [4, 0.5, 1]])
router_logits = powers.log()  # (token, expert)
x_by_hand = torch.tensor([[4.0], [3.0], [2.0], [5.0]])  # (token, d_model)
by_hand_experts = [lambda x: 2 * x, lambda x: 10 * x, lambda x: 0 * x]

# %% [markdown]
# ## Exercise 15.7 · route
# `logits` (..., expert) come from the router. Return the k experts of each token, (..., k), the best first, and their weights
# (..., k): a softmax over the k chosen logits. Gradients reach the logits through the weights. Difficulty ●○○ · 6 minutes.
#
# <details><summary>Which function chooses?</summary><code>logits.topk(k, dim=-1)</code> returns the k largest values, sorted, and
# where they stood.</details>
# <details><summary>The weights do not add up to 1</summary>A softmax over all experts, of which k are then taken, leaves out the
# share of the others. Choose first.</details>


# %% exercise="route" difficulty=1 minutes=6
def route(logits, k):
    """The k experts of the largest logits, and their weights.

    logits: (..., expert), the router's    k: from 1 to the number of experts
    Returns the experts (..., k), int64, the best first, and the weights (..., k): a
    softmax over the k chosen logits alone. Gradients reach the chosen logits through
    the weights.
    """
    ### BEGIN SOLUTION
    best, experts = logits.topk(k, dim=-1)
    return experts, best.softmax(dim=-1)
    ### END SOLUTION


# %% check="route"
from lib.checks import check

route = check("route")

# %%
chosen, weights = route(router_logits, 2)
for row, shares in zip(chosen, weights, strict=True):
    print(["ABC"[i] for i in row], [round(share, 2) for share in shares.tolist()])
assert chosen.tolist() == [[0, 1], [1, 2], [0, 1], [0, 2]]
assert torch.allclose(weights[:, 0], torch.tensor([3 / 4, 2 / 3, 3 / 4, 4 / 5]))
learning = router_logits.clone().requires_grad_()
(route(learning, 1)[1] * x_by_hand).sum().backward()
assert not learning.grad.any()  # with k = 1

# %% [markdown]
# With k = 1 this softmax is always 1, and no gradient would reach the router. Models with one expert a token (Switch
# Transformer, [Fedus et al. 2021](https://arxiv.org/abs/2101.03961)) therefore take a softmax over **all** logits first.
#
# ## Exercise 15.8 · dispatch
# Send the tokens to their experts and add up what comes back. A loop over tokens would be hopeless: thousands of tiny
# products. Loop over the **experts**: collect the tokens that chose this one, ask it once for all of them, and add its
# answers, times their weights, to the rows where they belong. An expert must not see other tokens: that is the work that is
# saved. `chosen` may hold −1, which stands for nobody and adds nothing (you will need it for full experts). Gradients reach
# x, weights and experts. Difficulty ●●● · 15 minutes.
#
# <details><summary>Which tokens chose expert i, and as which of their k choices?</summary>
# <code>token, place = (chosen == i).nonzero(as_tuple=True)</code>: two equally long rows of indices. The weights are
# <code>weights[token, place]</code>.</details>
# <details><summary>Adding to some rows</summary><code>mixed.index_add(0, token, answers)</code> returns mixed with answers[j] added
# to row token[j], and gradients flow through it.</details>


# %% exercise="dispatch" difficulty=3 minutes=15
def dispatch(x, chosen, weights, experts):
    """Each token through its experts: the sum of their answers, each times its weight.

    x: (token, d_model)
    chosen: (token, k), indices of experts, none twice in a row; -1 stands for nobody,
    and adds nothing: a token with nobody gets 0
    weights: (token, k)
    experts: functions of x, (n, d_model) to (n, d_model); each is called once at most,
    with no row or not at all where nobody chose it
    Returns (token, d_model). An expert sees the tokens that chose it and no others.
    Gradients reach x, the weights and the experts' parameters.
    """
    ### BEGIN SOLUTION
    mixed = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        token, place = (chosen == number).nonzero(as_tuple=True)
        answers = weights[token, place, None] * expert(x[token])
        mixed = mixed.index_add(0, token, answers)
    return mixed
    ### END SOLUTION


# %% check="dispatch"
from lib.checks import check

dispatch = check("dispatch")

# %%
mixed = dispatch(x_by_hand, chosen, weights, by_hand_experts)
print([round(number, 2) for number in mixed.flatten().tolist()])
assert torch.allclose(mixed.flatten(), torch.tensor([16.0, 20, 8, 8]))

# %% [markdown]
# The layer is a router, the experts, and your two functions. An expert is the SwiGLU of notebook 14. Batch and position
# become one axis, since experts look at one token at a time. The router's logits and choices of the last call are kept: we
# look at them below.

# %%
from functools import partial

from torch import nn

from lib.layers import SwiGLU


class MixtureOfExperts(nn.Module):
    """n experts, of which a router picks k for each token."""

    def __init__(self, d_model, d_ff, n_experts, k):
        super().__init__()
        self.k = k
        self.router = nn.Linear(d_model, n_experts, bias=False)
        self.experts = nn.ModuleList(SwiGLU(d_model, d_ff) for _ in range(n_experts))

    def forward(self, x):
        """x (..., d_model) -> the same shape."""
        tokens = x.flatten(0, -2)  # (token, d_model)
        self.logits = self.router(tokens)
        self.chosen, weights = route(self.logits, self.k)
        return dispatch(tokens, self.chosen, weights, self.experts).view_as(x)


# %%
from lib import experts as course

layer, courses = MixtureOfExperts(12, 7, 5, 2), course.MixtureOfExperts(12, 7, 5, 2)
courses.load_state_dict(layer.state_dict())
x = torch.randn(2, 300, 12, generator=generator)
assert torch.allclose(layer(x), courses(x), atol=1e-6)

# %% [markdown]
# The course's own layer has the same weights and gives the same numbers, and the course's tests compare *it* with Hugging
# Face's Mixtral: the block with random weights, its gradients, and a whole model. That model is our Llama, told what to
# build in the place of each feed-forward: `Llama(..., feed_forward=partial(MixtureOfExperts, n_experts=8, k=2))`.
#
# ## Collapse, and the loss against it
# A router feeds itself. The expert that is chosen a little oftener in the first steps learns from more tokens, gets better,
# and is chosen oftener still. In the end a few experts do everything and the others were paid for in vain: **routing
# collapse**.
#
# The remedy is a second loss, small and added to the first: the **load-balancing loss** (Fedus et al. 2021, equations 4 to
# 6; it is called an *auxiliary loss*). For one layer and one batch let f_i be the share of the assignments that expert i
# got (an **assignment** is a token with one of its k experts), and P_i the mean over the tokens of its probability, by a
# softmax over **all** experts. Then
#
# > balance = n_experts · Σ_i f_i · P_i
#
# If f and P are even, each 1/n, that is n · n · (1/n · 1/n) = 1. If three experts have f = P = ½, ¼, ¼, it is
# 3 · (¼ + 1/16 + 1/16) = 9/8. The counts f have no gradient. P has, and its gradient is the larger the larger f: the
# probability of crowded experts is pushed down the most.
#
# ## Exercise 15.9 · load_balancing_loss
# From `logits` (token, expert) and `chosen` (token, k) compute one number (a 0-d tensor). f counts all k choices of
# `chosen` and is a share of all of them; an expert may have got nothing. Gradients reach the logits through P.
# Difficulty ●●○ · 8 minutes.
#
# <details><summary>Counting</summary><code>torch.bincount(chosen.flatten(), minlength=n_experts)</code>. Without
# <code>minlength</code> the last experts are missing if nobody chose them.</details>
# <details><summary>It is k times too large</summary>There are k assignments for each token: divide the counts by
# <code>chosen.numel()</code>.</details>


# %% exercise="load_balancing_loss" difficulty=2 minutes=8
def load_balancing_loss(logits, chosen):
    """n_experts · Σ f·P: 1 when all experts get equal shares; with k = 1, n_experts
    when one gets everything.

    logits: (token, expert), the router's
    chosen: (token, k), the experts that were chosen
    f: the share of the assignments that an expert got
    P: the mean of its probability, a softmax over all experts
    Returns a 0-d tensor. Gradients reach the logits through P; f is counted and has
    none.
    """
    ### BEGIN SOLUTION
    n_experts = logits.shape[-1]
    counts = torch.bincount(chosen.flatten(), minlength=n_experts)
    share = counts / chosen.numel()  # (expert)
    probability = logits.softmax(dim=-1).mean(dim=0)  # (expert)
    return n_experts * (share * probability).sum()
    ### END SOLUTION


# %% check="load_balancing_loss"
from lib.checks import check

load_balancing_loss = check("load_balancing_loss")

# %%
halves = torch.tensor([[0.5, 0.25, 0.25]] * 4).log()
balance = load_balancing_loss(halves, torch.tensor([[0], [0], [1], [2]]))
assert abs(balance.item() - 9 / 8) < 1e-6

# %% [markdown]
# ## Question 15.5 · even_and_uneven
# Eight experts, k = 1. What is the balancing loss (a) when every expert gets the same share and has the same mean
# probability, and (b) when one expert gets every token with probability 1? `[a, b]`. Difficulty ●○○ · 3 minutes.

# %% question="even_and_uneven" difficulty=1 minutes=3
### BEGIN SOLUTION
even_and_uneven = [1, 8]
### END SOLUTION

# %% check="even_and_uneven"
from lib.checks import check

even_and_uneven = check("even_and_uneven")

# %% [markdown]
# ## Capacity and dropped tokens
# On many machines each expert lives on a device of its own, and a buffer for its tokens is made before anybody knows how
# many will come. Its size is the **expert capacity**: an even share of all assignments, times a **capacity factor** of 1 to
# 2, rounded up:
#
# > capacity = ⌈factor · n_tokens · k / n_experts⌉
#
# What does not fit is dropped: the expert adds nothing for that token, and the block's shortcut carries it on as it is. A
# batch is served in a fixed order: all tokens' **first** choices, in the order of the tokens, then all second choices
# (GShard, [Lepikhin et al. 2020](https://arxiv.org/abs/2006.16668)). By hand, with two places for each expert in our table:
#
# | choice | the | cat | sat | down |
# |---|---|---|---|---|
# | first | A, 1st place | B, 1st | A, 2nd | A, **full** |
# | second | B, 2nd | C, 1st | B, **full** | C, 2nd |
#
# ## Exercise 15.10 · keep_within_capacity
# `chosen` (token, k) with each token's best expert first. Return bool (token, k): True where the expert still has one of its
# `capacity` places. Difficulty ●●○ · 12 minutes.
#
# <details><summary>How do I get the order?</summary><code>chosen.T.flatten()</code> lists all first choices, then all second ones.
# At the end, the way back is <code>.view(k, n_tokens).T</code>.</details>
# <details><summary>Which place in its expert's queue does an assignment have?</summary>One-hot rows, summed up from the top
# (<code>cumsum(dim=0)</code>), count for each expert how many have come so far. Pick the column of the row's own
# expert.</details>


# %% exercise="keep_within_capacity" difficulty=2 minutes=12
def keep_within_capacity(chosen, n_experts, capacity):
    """Which assignments an expert with `capacity` places takes.

    chosen: (token, k), each token's experts, the best first, no -1
    capacity: 0 or more, for each expert
    First come, first served: all tokens' first choices before any second choice, and so
    on; within one choice the tokens in their order. Returns bool (token, k), True where
    the expert has a place left.
    """
    ### BEGIN SOLUTION
    in_order = chosen.T.flatten()  # all first choices, then all second choices, ...
    # itself included (assignment, expert)
    taken = functional.one_hot(in_order, n_experts).cumsum(dim=0)
    place = taken.gather(1, in_order[:, None])
    return (place <= capacity).view(chosen.T.shape).T
    ### END SOLUTION


# %% check="keep_within_capacity"
from lib.checks import check

keep_within_capacity = check("keep_within_capacity")

# %%
kept = keep_within_capacity(chosen, n_experts=3, capacity=2)
print(kept.int().tolist())
assert kept.tolist() == [[True, True], [True, True], [True, False], [False, True]]
mixed = dispatch(x_by_hand, chosen.masked_fill(~kept, -1), weights, by_hand_experts)
assert torch.allclose(mixed.flatten(), torch.tensor([16.0, 20, 3, 0]))

# %% [markdown]
# Of *down* only C is left, and C knows nothing: the result is 0. Note what else this means: whether a token is dropped
# depends on the **other** tokens in the batch, and, because first choices go first, even on later ones. Many of today's
# models drop nothing: Mixtral's layer and yours have no capacity, and the balancing loss only makes the work even.
#
# ## Question 15.6 · places_needed
# 1,000 tokens, k = 2 of 8 experts, factor 1.25. How many places does each expert need, and how many of all places stay
# empty if nothing is dropped? `[places, empty]`. Difficulty ●○○ · 4 minutes.

# %% question="places_needed" difficulty=1 minutes=4
### BEGIN SOLUTION
places_needed = [313, 8 * 313 - 2000]
### END SOLUTION

# %% check="places_needed"
from lib.checks import check

places_needed = check("places_needed")

# %% [markdown]
# ## Counting Mixtral
# Mixtral 8x7B is Mistral 7B with 8 experts in place of each feed-forward, of which each token uses 2: d_model 4,096, 32
# blocks, 32 heads of queries and 8 of keys and values, d_ff 14,336, a vocabulary of 32,000. Is it a model of 8 · 7 = 56
# billion parameters?
#
# ## Exercise 15.11 · active_parameters
# Count what **one token** meets. Heads are d_model / n_heads wide. A block has attention (queries and output d_model ×
# d_model, keys and values n_kv_heads heads wide), k experts (SwiGLU: three matrices d_model × d_ff), the whole router, and
# two RMSNorms of d_model numbers each. No biases. The model has one more norm, and two tables of vocab × d_model, counted
# whole. An int. Difficulty ●●○ · 10 minutes.
#
# <details><summary>And the total?</summary>The same function with k = n_experts: then a token meets everything.</details>


# %% exercise="active_parameters" difficulty=2 minutes=10
def active_parameters(
    vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k
):
    """How many parameters of a Llama with experts one token meets. With k = n_experts:
    all there are. With n_experts = 0 and k = 1: of a Llama without experts.

    Heads are d_model / n_heads wide; a SwiGLU of d_ff is an expert; there are no
    biases. A block has two norms and a router; the model has one norm more, a table for
    words in and another for words out, both counted whole.
    """
    ### BEGIN SOLUTION
    d_head = d_model // n_heads
    # queries, out; keys, values
    attention = 2 * d_model * n_heads * d_head + 2 * d_model * n_kv_heads * d_head
    expert = 3 * d_model * d_ff
    block = attention + k * expert + d_model * n_experts + 2 * d_model
    return n_layers * block + d_model + 2 * vocab * d_model
    ### END SOLUTION


# %% check="active_parameters"
from lib.checks import check

active_parameters = check("active_parameters")

# %%
mixtral = {"vocab": 32_000, "d_model": 4096, "n_layers": 32, "n_heads": 32}
mixtral |= {"n_kv_heads": 8, "d_ff": 14_336, "n_experts": 8}
total, active = (active_parameters(**mixtral, k=k) for k in (8, 2))
mistral = active_parameters(**mixtral | {"n_experts": 0}, k=1)
print(f"total {total:,}, active {active:,}; Mistral 7B {mistral:,}")
assert (total, active, mistral) == (46_702_792_704, 12_879_925_248, 7_241_732_096)
in_experts = 32 * 8 * 3 * 4096 * 14_336
assert round(100 * in_experts / total) == 97 and round(total / active, 1) == 3.6
assert round(100 * 3 * 4096 * 14_336 / (mistral - 2 * 32_000 * 4096) * 32) == 81

# %% [markdown]
# Not 56 billion but **46.7**, since attention, norms and tables are there once: 97% of Mixtral are experts. A token meets
# 12.9 billion, 3.6 times fewer. The authors report that it matches or beats Llama 2 with 70 billion, which costs each token
# five times as much. But all 46.7 billion must lie in memory: at 2 bytes each, 93 GB. Experts save **work**, not memory.

# %% jupyter={"source_hidden": true}
assert round(2 * total / 1e9) == 93 and 5 < 70e9 / active < 6

# %% [markdown]
# ## Question 15.7 · experts_read
# A decoder waits for the weights that it reads from memory. How many of the 8 experts of a layer are read, on average, (a)
# for one token, and (b) for a batch of 16 tokens that each choose 2 of the 8 at random, independently? `[a, b]`, to a
# hundredth. Difficulty ●●○ · 5 minutes.

# %% question="experts_read" difficulty=2 minutes=5
### BEGIN SOLUTION
experts_read = [2, 8 * (1 - (6 / 8) ** 16)]
### END SOLUTION

# %% check="experts_read"
from lib.checks import check

experts_read = check("experts_read")

# %% [markdown]
# With a batch of 16, nearly every expert is read anyway. Then the experts' gain is in multiplications, of which a batch has
# many.
#
# ## The experiment
# Do experts win? Two comparisons are fair, and they are different: against a dense model with the same **active**
# parameters (the same multiplications for each token), and against one with the same **total** parameters (the same
# memory). And both at equal **steps** (the same text is read) or at equal **time**.
#
# Four kinds of text, all written by programs: stories in English, Italian sentences, dates in six languages with their
# ISO form, and the English sentences from which notebook 02 learned word vectors (`relations`). Characters are the
# tokens. Each batch has four rows of every kind. The model is a small Llama with two blocks; an expert is a SwiGLU with
# d_ff = 32.

# %%
from lib.corpora.domains import load_domains
from lib.gpt import initial_weights, text_windows
from lib.llama import Llama
from lib.training import train

texts = load_domains()
letters = sorted(set("".join(texts.values())))
number = {letter: i for i, letter in enumerate(letters)}
learnt, held_out = [], {}  # the last 40 windows of each domain are held out
for name, text in texts.items():
    ids = torch.tensor([number[letter] for letter in text])
    learnt.append(ids[: -40 * 129])
    held_out[name] = ids[-40 * 129 :].view(40, 129)
    print(f"{name:9} {text[:60]!r}")


# %%
def batches(generator):
    """Four windows of each domain, without end: (16, 129)."""
    while True:
        starts = torch.randint(len(learnt[0]) - 128, (4, 4), generator=generator)
        pairs = zip(learnt, starts, strict=True)
        yield torch.cat([text_windows(ids, 128, start) for ids, start in pairs])


def fresh(feed_forward, seed=0):
    sizes = {"d_model": 32, "n_heads": 4, "n_layers": 2, "d_ff": 32}
    model = Llama(len(letters), **sizes, feed_forward=feed_forward)
    return initial_weights(model, torch.Generator().manual_seed(seed))


# %%
with_experts = fresh(partial(MixtureOfExperts, n_experts=8, k=2))
as_active = fresh(lambda d_model, d_ff: SwiGLU(d_model, 2 * d_ff))
as_total = fresh(lambda d_model, d_ff: SwiGLU(d_model, 8 * d_ff))
for model in (with_experts, as_active, as_total):
    print(f"{sum(parameter.numel() for parameter in model.parameters()):,} parameters")
routers = sum(block.feed_forward.router.weight.numel() for block in with_experts.blocks)
assert routers == 512 == 60_768 - 60_256

# %% [markdown]
# The first and the last differ by the two routers, 512 numbers. For a token the first and the second do the same
# multiplications, again but for the routers. We minimise the loss of the text plus 0.01 times the balancing loss,
# averaged over the two blocks; Fedus et al. use 0.01 too, but add up the layers. (`muon=True` is notebook 11's
# optimiser.)


# %%
def surprise_and_balance(model, rows):
    layers = [block.feed_forward for block in model.blocks]
    loss = model.loss(rows)
    balance = [load_balancing_loss(layer.logits, layer.chosen) for layer in layers]
    return loss + 0.01 * sum(balance) / len(layers)


recipe = {"steps": 400, "peak": 0.02, "warmup": 50, "muon": True, "fused": True}


@torch.no_grad()
def held_out_loss(model):
    """Nats a character, the mean over the four domains."""
    return sum(model.loss(rows).item() for rows in held_out.values()) / len(held_out)


# %% tags=["training"]
windows = batches(torch.Generator().manual_seed(1000))
train(with_experts, partial(surprise_and_balance, with_experts), windows, **recipe)
trained = held_out_loss(with_experts)
print(f"held out: {trained:.2f} nats a character")

# %% [markdown]
# The same was done with three seeds, for the two dense models too, and once more for the small dense model with as many
# steps as take the time of the experts (`benchmarks/experts.py` wrote the file; of the learning rates 0.01 and 0.02 the
# second was better for all of them, and no other was tried).

# %%
import json

from lib.corpora import files

results = json.loads(files.read("experts_results.json"))
kinds = ["active", "total", "experts", "active, equal time"]
losses = {kind: [found["loss"] for found in results[kind].values()] for kind in kinds}
figure, axes = plt.subplots(figsize=(6, 2.4))
for place, (kind, values) in enumerate(losses.items()):
    one = results[kind]["0"]
    label = f"{kind}\n{one['parameters']:,} parameters, {one['steps']} steps"
    axes.plot(values, [place] * len(values), "o")
    axes.text(max(values) + 0.01, place, label, va="center", fontsize=8)
axes.set(xlabel="held-out loss, nats a character", yticks=[])
axes.set(xlim=(1.5, 2.0), ylim=(-0.6, 3.6))
plt.show()

# %%
seconds = {}
for kind in kinds:
    seconds[kind] = sum(found["seconds"] for found in results[kind].values()) / 3
    least, most = min(losses[kind]), max(losses[kind])
    print(f"{kind:19} {least:.2f} to {most:.2f} nats, {seconds[kind]:.0f} s")
ratio = seconds["experts"] / seconds["active"]
mean = {kind: sum(values) / len(values) for kind, values in losses.items()}
assert mean["experts"] < mean["total"] < mean["active"]
assert max(losses["active, equal time"]) < min(losses["experts"])
assert max(losses["experts"]) < min(losses["active"]) - 0.03 and 1.4 < ratio < 1.6
assert abs(max(losses["experts"]) - min(losses["total"])) < 0.02
assert abs(trained - losses["experts"][0]) < 0.1  # yours is the first of the three

# %% [markdown]
# **At equal steps the experts win** over the dense model that does the same multiplications, by more than 0.03 nats
# even where the seeds are least kind to them. On average they are ahead of the dense model with as many parameters too,
# all of which its tokens meet; the worst of them is level with its best. (Part of that may be the learning rate: only
# two were tried, and the higher one won for all models.) So parameters that idle most of the time are worth having. A
# large study agrees on the first comparison: mixtures needed about a quarter of a dense model's computation for the
# same loss at modest budgets, and gained less at the largest ([Artetxe et al. 2021](https://arxiv.org/abs/2112.10684)).
#
# **At equal time the dense model wins here.** On this processor a step with experts takes about 1.5 times as long as
# one of the small dense model, although it multiplies as much: eight small products take longer than one large, and
# rows are gathered and put back. In that time the small dense model takes 600 steps in place of 400, and every seed of
# it is ahead. Experts pay where the products are so large that the multiplications decide, which at these sizes they do
# not; and where the memory is there.
#
# ## Exercise 15.12 · mutual_information
# Who goes to which expert? Count, for the tokens of held-out text, how many of each domain each expert got: a table
# (domain, expert). The **mutual information** is how many bits the expert tells about the domain (and as many the domain
# about the expert):
#
# > I = Σ over d, e of p(d, e) · log₂( p(d, e) / (p(d) · p(e)) )
#
# p(d, e) is a count divided by the sum of all, p(d) a row's sum of these, p(e) a column's. For two domains and two experts:
# the counts 4, 0 / 0, 4 give 1 bit, 2, 2 / 2, 2 give 0, and 3, 1 / 1, 3 give 2 · ⅜ · log₂ 1.5 + 2 · ⅛ · log₂ 0.5 = 0.19
# bits. Return a float. A count of 0 adds nothing. Difficulty ●●○ · 8 minutes.
#
# <details><summary>The result is nan</summary>0 · log 0 is NaN in PyTorch. Sum over the places where p(d, e) is above 0.</details>
# <details><summary>p(d) · p(e) as a table</summary>Keep the axes: a column of row sums times a row of column sums
# (<code>keepdim=True</code>).</details>


# %% exercise="mutual_information" difficulty=2 minutes=8
def mutual_information(counts):
    """How much the expert tells about the domain of a token, in bits: Σ p(d, e) ·
    log2(p(d, e) / (p(d) p(e))).

    counts: (domain, expert), how many tokens of each domain each expert got, not all 0;
    a place that is 0 adds nothing, and a row or a column may be all 0
    Returns a float: 0, but for rounding, when they have nothing to do with each other,
    at most log2 of the smaller of the two numbers.
    """
    ### BEGIN SOLUTION
    joint = counts.double() / counts.sum()
    # if independent (domain, expert)
    apart = joint.sum(dim=1, keepdim=True) * joint.sum(dim=0, keepdim=True)
    seen = joint > 0
    return (joint[seen] * (joint[seen] / apart[seen]).log2()).sum().item()
    ### END SOLUTION


# %% check="mutual_information"
from lib.checks import check

mutual_information = check("mutual_information")

# %%
for (same, other), bits in {(4, 0): 1, (2, 2): 0, (3, 1): 0.189}.items():
    counts = torch.tensor([[same, other], [other, same]])
    assert abs(mutual_information(counts) - bits) < 1e-3


# %%
@torch.no_grad()
def routed(model):
    """How many tokens of each domain an expert got, and how many of each character."""
    of_domains = torch.zeros(2, 4, 8, dtype=torch.long)  # (block, domain, expert)
    of_letters = torch.zeros(2, len(letters), 8, dtype=torch.long)
    for domain, rows in enumerate(held_out.values()):
        model.loss(rows)
        for i, block in enumerate(model.blocks):
            chosen = block.feed_forward.chosen  # (token, k)
            of_domains[i, domain] = torch.bincount(chosen.flatten(), minlength=8)
            pairs = 8 * rows[:, :-1].reshape(-1, 1) + chosen
            counts = torch.bincount(pairs.flatten(), minlength=8 * len(letters))
            of_letters[i] += counts.view(-1, 8)
    return of_domains, of_letters


# %% tags=["training"]
of_domains, of_letters = routed(with_experts)
by_domain = [mutual_information(table) for table in of_domains]
by_letter = [mutual_information(table) for table in of_letters]
figure, panels = plt.subplots(1, 2, figsize=(7, 2.4), sharey=True)
for i, axes in enumerate(panels):
    shares = of_domains[i] / of_domains[i].sum(dim=1, keepdim=True)
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=0.5, aspect="auto")
    axes.set(title=f"block {i + 1}: {by_domain[i]:.2f} bits", xlabel="expert")
    axes.set_xticks(range(8))
    axes.set_yticks(range(4), list(held_out))
figure.colorbar(image, ax=panels, label="share of the domain")
plt.show()
print("bits about the domain", [round(bits, 2) for bits in by_domain])
print("bits about the character", [round(bits, 2) for bits in by_letter])

# %% jupyter={"source_hidden": true}
assert min(by_domain) > 0.2 and by_letter[0] > 2 * by_domain[0]
assert by_letter[1] > by_domain[1]
for found in results["experts"].values():
    assert all(0.1 < bits < 0.7 for bits in found["information"])

# %% [markdown]
# Even rows would mean that the domain does not matter. Dates have experts almost for themselves in both blocks, the
# Italian sentences share two in the second block, and stories and relations, which are both English, look alike. In
# this run the expert tells more than 0.2 bits about the domain in each block, of at most 2; over the three seeds it is
# between 0.1 and 0.7 bits. But the **character** that a token is tells much more about its expert than the domain does:
# over twice as many bits in the first block, and more in the second. Part of what looks like a topic is spelling: only
# dates are full of digits.
#
# Mixtral's authors found something similar at their size: no clear pattern by topic (arXiv papers, biology abstracts
# and philosophy go to much the same experts), but some by syntax: the word `self` in Python, or indentation, often goes
# to one expert. So an "expert" need not be a specialist in a subject.
#
# ## Without balancing
# The same model, trained with the same batches but without the balancing loss. Which share of the assignments does the
# busiest of the 8 experts get in each block, and which the idlest, on held-out text? An even share is 1/8 = 0.125.

# %%
for kind in ("experts", "experts, unbalanced"):
    for found in results[kind].values():
        print(f"{kind:20}", "busiest", found["busiest"], "idlest", found["idlest"])
kinds = ("experts", "experts, unbalanced")
balanced, unbalanced = (list(results[kind].values()) for kind in kinds)
assert max(max(found["busiest"]) for found in balanced) < 0.25
assert min(max(found["busiest"]) for found in unbalanced) > 0.35
assert max(min(found["idlest"]) for found in unbalanced) < 0.01
pairs = zip(balanced, unbalanced, strict=True)
worse = sorted(other["loss"] - one["loss"] for one, other in pairs)
assert 0 < worse[0] < 0.01 and worse[1] > 0.04 and worse[2] < 0.08

# %% [markdown]
# With balancing no expert gets 25% of the assignments, and even is 12.5%. No expert can get more than 50%, since a
# token's two experts are different. Without the loss, with every seed, the busiest expert of at least one block gets
# over 35% (with one seed 45%: nine tokens in ten choose it), and another gets less than 1%. The held-out loss is worse
# with every seed: hardly with one, by 0.04 to 0.08 nats with the other two. That is not yet a collapse, but the
# beginning of one, after 400 steps. The loss asks for balance over a batch, not for each kind of text: so experts may
# still differ, as they do above. Some newer models balance almost without a loss: they add a bias to each expert's
# score when the k experts are chosen, and only then; the weights are computed without it. The bias goes up when the
# expert is idle and down when it is crowded ([Wang et al. 2024](https://arxiv.org/abs/2408.15664)). DeepSeek-V3 is
# trained mainly in this way, with 671 billion parameters, of which 37 billion are active.

# %% [markdown]
# ## On real text
# A story by the GPT, drawn with top-p 0.9 and four guesses a step. Guesses that were kept stand in [brackets]; what is outside is the
# target's own token of that step. (The stories that it has learnt from were written by a program.)

# %% tags=["training"]
from lib.decoding.sampling import top_p

opening = [tokenizer.special[END], *tokenizer.encode("One morning")]
target = RollbackModel(gpt, lambda logits: top_p(logits, 0.9).softmax(-1))
steps = write(target, drawn_guess, opening, 120, 4, torch.Generator().manual_seed(3))
story = "One morning"
for *kept_guesses, own in steps:
    story += f"[{tokenizer.decode(kept_guesses)}]" if kept_guesses else ""
    story += tokenizer.decode([own])
print(story.split(END)[0])
print(f"({len(steps)} passes for 120 tokens)")

# %% jupyter={"source_hidden": true}
assert len(steps) < 80 and sum(map(len, steps)) == 120

# %% [markdown]
# The draft knows phrases: how sentences go on, and what follows a comma. The target decides what happens: names, things, reasons.
#
# ## What breaks
# **Without rescaling.** Leave out the factor when a tile has a larger score than those before it:


# %% tags=["training"]
def merge_without_rescaling(one, other):
    return torch.maximum(one[0], other[0]), one[1] + other[1], one[2] + other[2]


q, k, v = (torch.randn(64, 8, generator=generator) for _ in range(3))
tiles = [
    attend_tile(q, keys, values)
    for keys, values in zip(k.split(16), v.split(16), strict=True)
]
for name, merge in {
    "right": merge_tiles,
    "without rescaling": merge_without_rescaling,
}.items():
    so_far = tiles[0]
    for part in tiles[1:]:
        so_far = merge(so_far, part)
    off = (so_far[2] / so_far[1] - attention(q, k, v)[0]).abs().max().item()
    print(f"{name}: off by {off:.0e}")
    assert (off < 1e-5) == (name == "right")

# %% [markdown]
# **Redrawing from p.** "A guess was refused, so draw from the target": it sounds right and is wrong. Tokens that the draft likes too much come too often.
#
# > **Predict.** In the table of three words, how often is *sofa* written then? Count both ways: *sofa* guessed and kept, and *sofa* drawn after a refusal.


# %% tags=["training"]
def accept_redrawn(p, q, guess, generator):
    if torch.rand((), generator=generator) * q[guess] < p[guess]:
        return guess
    return int(torch.multinomial(p, 1, generator=generator))


p, q = torch.tensor([0.6, 0.3, 0.1]), torch.tensor([0.3, 0.6, 0.1])
drawn = torch.multinomial(q, 20_000, replacement=True, generator=generator).tolist()
counts = Counter(accept_redrawn(p, q, guess, generator) for guess in drawn)
print({word: counts[i] / 20_000 for i, word in enumerate(["mat", "sofa", "roof"])})

# %% jupyter={"source_hidden": true}
assert (
    abs(counts[1] / 20_000 - 0.39) < 0.015
    and chi_square(torch.tensor([counts[i] for i in range(3)]), p)[1] < 1e-6
)

# %% [markdown]
# *Sofa* comes in 39% of all texts in place of 30%. No single text looks wrong; only counting shows it.
#
# **A cache that is not rolled back.** The keys of refused guesses stay, and the next tokens stand at wrong positions.


# %% tags=["training"]
class Forgetless(RollbackModel):
    """Trusts that all it has read is part of the text."""

    @torch.inference_mode()
    def __call__(self, ids, last):
        new = ids[-last:] if self.read else ids
        self.read, self.passes = list(ids), self.passes + 1
        return self.probabilities(
            read_all(self.model, torch.tensor([new]), self.caches)[0, -last:]
        )


forgetless = Forgetless(gpt, greedy_probabilities)
broken = list(chain(*write(forgetless, likeliest_guess, prompts[0], 60, 2, generator)))
same = next(
    i
    for i, (mine, right) in enumerate(zip(broken, plain_run[0][0], strict=False))
    if mine != right
)
print(
    f"the first {same} tokens are right, then: {tokenizer.decode(broken[same:][:20])}"
)

# %% jupyter={"source_hidden": true}
assert same < 40

# %% [markdown]
# ## In other words
# - **Online softmax**: maximum and denominator in one pass. The papers' m is our `largest`, their ℓ our `total`.
# - **Tile** (block): some queries and some keys that fit into fast memory together; **tiling** is working through them.
# - **HBM** and **SRAM**: a GPU's large and its fast memory. **IO-aware**: an algorithm that counts what it moves between them.
# - **Recomputation** (gradient checkpointing): computing again on the way back what was not kept.
# - **Draft model** and **target model**: who guesses (q), and whose distribution is wanted (p). The papers' γ is our k.
# - **Acceptance rate** α: how often a guess is kept, Σ min(p, q) = 1 − the **total variation distance** of p and q.
# - **Residual distribution**: norm(max(0, p − q)), from which a refused guess is replaced.
# - **Roll back**: take the latest positions out of a KV cache. **Prompt lookup**: an n-gram draft made of the prompt.
# - **Mixture of experts** (MoE): several feed-forward parts, the **experts**, of which each token uses a few. **Sparse**: so built; **dense**: not.
# - **Router** (gate): the matrix whose logits choose a token's experts. **Top-k routing**: the k largest. The papers' g(x) or G(x) is our `weights`.
# - **Total** and **active parameters**: all there are, and those that one token meets.
# - **Load-balancing loss** (auxiliary loss): n · Σ f · P, 1 when even; against **routing collapse**, in which few experts get all tokens.
# - **Expert capacity** and **capacity factor**: the places an expert has for a batch. A **dropped** token passes by the shortcut.
# - **Mutual information**: the bits that one thing (the expert) tells about another (the domain).
#
# ## Where it comes from
# - [Milakov and Gimelshein 2018](https://arxiv.org/abs/1805.02867) computed the softmax's largest score and denominator
#   in one pass over the scores; [Rabe and Staats 2021](https://arxiv.org/abs/2112.05682) used it for attention with
#   memory that does not grow with the square of the length.
# - [Dao et al. 2022](https://arxiv.org/abs/2205.14135), FlashAttention, put it into one GPU kernel and counted memory traffic:
#   training GPT-2 became up to three times as fast. [Dao 2023](https://arxiv.org/abs/2307.08691) swapped the loops, queries outside, as here.
#   Today's frameworks use it by default.
# - [Leviathan, Kalman and Matias 2023](https://arxiv.org/abs/2211.17192) and [Chen et al. 2023](https://arxiv.org/abs/2302.01318)
#   found speculative decoding independently, and report two to three times the speed with T5 and Chinchilla. Later drafts are extra heads on the
#   target itself ([Medusa, 2024](https://arxiv.org/abs/2401.10774)), or n-grams.
# - [Jacobs et al. 1991](https://doi.org/10.1162/neco.1991.3.1.79) trained experts with a gate; [Shazeer et al.
#   2017](https://arxiv.org/abs/1701.06538) put up to 131,072 of them into one layer between two LSTM layers, with a
#   noisy top-k router; [GShard](https://arxiv.org/abs/2006.16668) (2020) and [Switch](https://arxiv.org/abs/2101.03961)
#   (2021) brought them into Transformers.
# - [Mixtral](https://arxiv.org/abs/2401.04088) (2024): 46.7 billion parameters, 12.9 billion active, routing as here. Later models
#   have many small experts and some that every token uses ([DeepSeekMoE, 2024](https://arxiv.org/abs/2401.06066)).
#
# ## What to remember
# - A softmax can be computed piece by piece: rescale what you have when a larger score comes. Attention then needs memory for the length, not for
#   its square.
# - Several tokens in one pass cost little more than one where memory is what one waits for. Guess, check, keep with min(1, p/q), replace from
#   the residual: the text is the target's.
# - Experts give a model more parameters for the same multiplications a token. They cost memory, a balancing loss, and on small hardware time.
#
# **Next**: notebook 16 turns round: BERT reads in both directions.
