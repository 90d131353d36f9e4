# %% [markdown]
# # 13 · The KV cache
# After this notebook you can write with a GPT many times faster without changing a token, say what that costs in memory, and
# find the bugs that a cache brings with it.
#
# You need: notebooks 05, 07, 11, 12. You build: attention through a cache, a whole GPT on it, batches, a buffer for it, overflow.
# 110 minutes.

# %%
import json
import time

import matplotlib.pyplot as plt
import torch
from torch.nn import functional

from lib.attention import keeping_weights
from lib.cache import cache_bytes, forward_multiplications, generation_multiplications
from lib.corpora import files
from lib.corpora.stories import load_stories
from lib.figures import style, transformer_map
from lib.gpt import END, load_stories_gpt
from lib.yours import MultiHeadAttention, causal_mask, join_heads, split_heads

style()
torch.set_num_threads(1)  # one token at a time feeds no second thread
generator = torch.Generator().manual_seed(0)

# %% [markdown]
# ## The question
# Notebook 12 wrote like this: put the whole text through the GPT, choose a token, put it at the end, and begin again. This is
# **autoregressive** writing, and each token costs a pass over everything before it. For 200 tokens after a prompt of 10, how
# many positions go through the blocks?

# %%
positions = sum(10 + i for i in range(200))
print(f"{positions:,} positions, for a text that has 210 in the end")
assert positions == 21_900

# %% [markdown]
# Most of this work was done before: the text at the beginning has not changed. Which results may be kept, and are they really the
# same as before?
#
# ## By hand
# *The cat sat*: three words, and two numbers that attention makes of each, a key and a value. Let all keys match each query
# equally well, so that the mix is the mean of the values.
#
# | | values so far | mix |
# |---|---|---|
# | the | 3 | **3** |
# | the cat | 3, 6 | (3 + 6) / 2 = **4.5** |
# | the cat sat | 3, 6, 9 | (3 + 6 + 9) / 3 = **6** |
#
# The value 3 of *the* never changes, and neither does its mix: the causal mask lets *the* see nothing that comes later. So compute
# them once and keep them. Row three needs one new value, 9, and the two that are there.
#
# ## The picture

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(9.4, 3.6), width_ratios=(1.9, 1))
axes = panels[0]
boxes = {
    (0.0, 1.2, 1.3): ("newest x", "#ffe3c2"),
    (2.6, 2.4, 1.0): ("query", "#ffe3c2"),
    (2.6, 1.2, 1.0): ("key", "#ffe3c2"),
    (2.6, 0.0, 1.0): ("value", "#ffe3c2"),
    (5.0, 1.2, 2.4): ("keys so far", "#cfe0fc"),
    (5.0, 0.0, 2.4): ("values so far", "#cfe0fc"),
    (8.9, 2.4, 1.3): ("weights", "#ffe3c2"),
    (8.9, 0.0, 1.3): ("mix", "#ffe3c2"),
}
for (x, y, width), (text, colour) in boxes.items():
    axes.add_patch(plt.Rectangle((x, y), width, 0.7, fc=colour, ec="black"))
    axes.text(x + width / 2, y + 0.35, text, ha="center", va="center", fontsize=8)
for ends in (
    ((1.3, 1.55), (2.6, 2.75)),
    ((1.3, 1.55), (2.6, 1.55)),
    ((1.3, 1.55), (2.6, 0.35)),
    ((3.6, 2.75), (8.9, 2.75)),
    ((3.6, 1.55), (5.0, 1.55)),
    ((3.6, 0.35), (5.0, 0.35)),
    ((7.4, 1.55), (8.9, 2.6)),
    ((7.4, 0.35), (8.9, 0.35)),
    ((9.55, 2.4), (9.55, 0.7)),
):
    axes.annotate("", ends[1], ends[0], arrowprops={"arrowstyle": "->"})
notes = {
    (0.65, 0.85): "(batch, 1, d_model)",
    (3.1, 3.3): "(batch, heads, 1, d_head)",
    (6.2, 2.1): "(batch, heads, so far, d_head)",
    (9.3, 3.3): "(batch, heads, 1, so far)",
    (4.3, 1.75): "append",
    (4.3, 0.55): "append",
}
for (x, y), text in notes.items():
    axes.text(x, y, text, ha="center", va="center", fontsize=7, color="#555555")
axes.text(6.2, -0.45, "the cache", ha="center", weight="bold", fontsize=9)
axes.set(xlim=(-0.4, 10.6), ylim=(-0.7, 3.6))
axes.axis("off")
transformer_map(panels[1], parts=("decoder",), numbers=False)
plt.show()

# %% [markdown]
# Orange is computed for the newest position only; blue is kept. The newest key and value are appended to those before, and the newest
# query is compared with all keys. Why are keys and values kept, and not queries? Row i of attention is
#
# $$y_i = \sum_{j \le i} w_{ij}\, v_j, \qquad w_{i\cdot} = \mathrm{softmax}_j\left(\frac{q_i \cdot k_j}{\sqrt{d_{head}}}\right)$$
#
# For the newest position i it needs one query, its own, but the keys and values of *all* positions j ≤ i. The queries before have done
# their work: they were needed for the rows before. Store the keys and values of each layer, and you have a **KV cache**. On the right is
# the map of the Transformer: a GPT is the decoder without its cross-attention, and the cache sits in every "masked
# self-attention".
#
# What is computed in each step, for a prompt of 3 tokens and 5 more? Each row is one step, each column a position.

# %% jupyter={"source_hidden": true}
prompt, steps = 3, 5
step, place = torch.arange(steps)[:, None], torch.arange(prompt + steps - 1)
known = place < prompt + step
fresh = known & ((place >= prompt + step - 1) | (step == 0))
figure, panels = plt.subplots(1, 2, figsize=(7, 2.6), sharey=True)
for axes, computed, title in zip(
    panels, (known, fresh), ("without a cache", "with a cache"), strict=True
):
    axes.imshow(
        known.float() * 0.2 + computed.float() * 0.8, cmap="Blues", vmin=0, vmax=1.2
    )
    for row, column in computed.nonzero().tolist():
        axes.text(
            column, row, "×", ha="center", va="center", color="white", fontsize=14
        )
    axes.set(
        xlabel="position",
        title=f"{title}: {int(computed.sum())} positions",
        yticks=range(steps),
    )
panels[0].set_ylabel("step")
plt.show()
assert (known.sum(), fresh.sum()) == (25, 7) and positions > 100 * (10 + 199)

# %% [markdown]
# × is computed, pale is kept from before. The first step reads the prompt at once: the **prefill**. Each later one reads a
# single position, the newest: this is **decoding**, one token a step. For the question above that makes 10 + 199 = 209 positions,
# over 100 times fewer. (The last token is written and never read.)
#
# Step by step, with a cache and without one: count the × of both, and see how many bytes the cache takes in two models.

# %% jupyter={"source_hidden": true}
from lib.widgets import widget

widget("cache")

# %% [markdown]
# ## In code
# The table above. A new query is compared with all keys; only the new key and value are made.

# %%
keys, values = torch.zeros(0, 1), torch.zeros(0, 1)
mixes = []
for value in (3.0, 6.0, 9.0):
    keys = torch.cat([keys, torch.tensor([[1.0]])])
    values = torch.cat([values, torch.tensor([[value]])])
    weights = (torch.tensor([[1.0]]) @ keys.T).softmax(-1)  # (1 new query, keys so far)
    mixes.append((weights @ values).item())
print([round(mix, 1) for mix in mixes])
assert torch.allclose(torch.tensor(mixes), torch.tensor([3.0, 4.5, 6.0]))

# %% [markdown]
# ## A cache in ten lines
# That is the whole idea. As a class, for many heads and rows at once:


# %%
class GrowingCache:
    """All keys and values so far, (batch, heads, position, d_head) each."""

    def __init__(self):
        self.keys = self.values = None
        self.length = 0

    def extend(self, keys, values):
        """Append new ones; return all."""
        if self.length:
            keys = torch.cat([self.keys, keys], dim=2)
            values = torch.cat([self.values, values], dim=2)
        self.keys, self.values, self.length = keys, values, keys.shape[2]
        return keys, values


# %% [markdown]
# Attention through it makes queries, keys and values of the *new* positions, extends the cache by the new keys and values, and lets
# the new queries look at all. `MultiHeadAttention` has the parts: `to_q`, `to_k`, `to_v` (d_model to d_model), `attend(q, k, v,
# mask)` (split into heads) and `to_out`.
#
# ## Exercise 13.1 · cached_attention
# What `layer`, a MultiHeadAttention, gives at new positions x (batch, new, d_model) when the earlier ones are in the cache:
# project, split, extend, `layer.attend`, join, `to_out`. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Which positions ask, and which answer?</summary>Queries are made of the new positions only. Keys and
# values are what <code>cache.extend</code> returns: all of them.</details>


# %% exercise="cached_attention" difficulty=2 minutes=8
def cached_attention(layer, x, cache, mask=None):
    """What `layer` gives at the new positions of a text, the earlier ones being in the
    cache. Extends the cache.

    x: (batch, new, d_model)
    mask: broadcastable to (batch, heads, new, all positions so far), or None: nothing
    is hidden
    Returns (batch, new, d_model). Raises the very error that `cache.extend` raises
    when the new positions do not fit.
    """
    ### BEGIN SOLUTION
    q = split_heads(layer.to_q(x), layer.n_heads)
    k = split_heads(layer.to_k(x), layer.n_heads)
    v = split_heads(layer.to_v(x), layer.n_heads)
    keys, values = cache.extend(k, v)
    return layer.to_out(join_heads(layer.attend(q, keys, values, mask)))
    ### END SOLUTION


# %% check="cached_attention"
from lib.checks import check

cached_attention = check("cached_attention")

# %% [markdown]
# > **Predict.** Seven positions, one after the other, without any mask. Is it the same as all at once with a causal one?

# %%
layer, x = MultiHeadAttention(12, 3), torch.randn(2, 7, 12, generator=generator)
cache = GrowingCache()
with torch.no_grad():
    one_by_one = torch.cat(
        [cached_attention(layer, position, cache) for position in x.split(1, dim=1)],
        dim=1,
    )
    assert torch.allclose(one_by_one, layer(x, mask=causal_mask(7)), atol=1e-6)
print("the same")

# %% [markdown]
# The same: the future is not in the cache yet, so nothing has to be hidden. A block needs no other change, because norms and
# feed-forward work on each position by itself.


# %%
def cached_block(block, x, cache, mask=None):
    x = block.around_attention(
        x, lambda y: cached_attention(block.attention, y, cache, mask)
    )
    return block.around_feed_forward(x, block.feed_forward)


# %% [markdown]
# And a whole GPT, one token at a time: embed the token at its true position, go through the blocks, and keep one cache for each of
# them. Here is the GPT of notebook 11, writing with ten lines of cache:

# %%
model, tokenizer = load_stories_gpt()
n_layers, n_heads = len(model.blocks), model.blocks[0].attention.n_heads
n_positions, d_model = model.positions.table.shape
opening = [tokenizer.special[END], *tokenizer.encode("One morning")]


# %%
@torch.inference_mode()
def write_slowly_cached(ids, limit):
    """`limit` tokens after `ids`, the likeliest each time; reads one at a time."""
    caches, read, written = [GrowingCache() for _ in model.blocks], 0, []
    while len(written) < limit:
        token = (ids + written)[read]
        x = model.embed(torch.tensor([[token]]), start=read)
        for block, cache in zip(model.blocks, caches, strict=True):
            x = cached_block(block, x, cache)
        read += 1
        if read >= len(ids):
            written.append(int(model.logits(x[0, -1]).argmax()))
    return written


# %%
@torch.inference_mode()
def write_uncached(ids, limit):
    """The same, the way of notebook 12. ids: (batch, prompt)."""
    start = ids.shape[1]
    for _ in range(limit):
        ids = torch.cat([ids, model(ids)[:, -1].argmax(dim=-1, keepdim=True)], dim=1)
    return ids[:, start:]


# %% [markdown]
# > **Predict.** Do the two write the same story, to the last token?

# %%
ids = torch.tensor([opening])
story = write_slowly_cached(opening, 60)
assert story == write_uncached(ids, 60)[0].tolist()
print("One morning" + tokenizer.decode(story[:40]))

# %% [markdown]
# They do. A cache is no approximation: it changes what is computed *again*, not what is computed.
#
# ## Question 13.1 · positions_read
# A GPT with a cache reads a prompt of 100 tokens and writes 50. How many positions go through its blocks altogether?

# %% question="positions_read" difficulty=1 minutes=2
### BEGIN SOLUTION
positions_read = 149
### END SOLUTION

# %% check="positions_read"
from lib.checks import check

positions_read = check("positions_read")

# %% [markdown]
# ## Many at once: prefill and batches
# One at a time is a waste for the prompt, all of whose tokens are known. A matrix of 100 positions goes through a layer in much less time than
# 100 vectors one by one. So the prompt is read in one go, the prefill. For a user its length is the **time to first token**; after it
# comes the time for each token of the decoding.
#
# With several new positions at once, the future is in the cache again: new position 0 must not see new position 1. If `before`
# positions are cached, new position i stands at before + i and may look at the positions 0 to before + i. For 2 new positions after 3:
#
# | | 0 | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|---|
# | new position 0 | 1 | 1 | 1 | 1 | 0 |
# | new position 1 | 1 | 1 | 1 | 1 | 1 |
#
# A server also writes for several people at once: a **batch**. All matrices are read from memory once for all rows, so ten rows cost hardly
# more than one. But their prompts have different lengths. The newest token of each row should stand in the last column, because that is
# where the next one comes from. So short prompts are filled up **at the left** (in training we filled up at the right):
#
# | column | 0 | 1 | 2 | 3 | empty |
# |---|---|---|---|---|---|
# | row 0: *Once there was a* | Once | there | was | a | 0 |
# | row 1: *She sang* | `pad` | `pad` | She | sang | 2 |
#
# Two things must be put right for such a row. Nobody may look at its first `empty` columns. And *She* is the first word of its text,
# so it gets the vector of position 0, not that of column 2.
#
# ## Exercise 13.2 · pad_left
# A batch of prompts of unequal length: ids (batch, longest), filled up at the **left** with `padding`, so that the last
# column is everybody's newest token, and `empty` (batch,), the padding columns of each row; both int64, also for prompts
# without a token. Difficulty ●○○ · 6 minutes.
#
# <details><summary>Can I count the padding in the ids?</summary>No: a prompt may hold that number as a token of its own.
# Take the lengths.</details>


# %% exercise="pad_left" difficulty=1 minutes=6
def pad_left(prompts, padding=0):
    """Prompts of unequal length as one batch. The padding stands at the left, so that
    all of them end in one column.

    prompts: lists of ids, at least one
    Returns ids (batch, longest) and how many columns of each row are padding (batch,),
    both int64.
    """
    ### BEGIN SOLUTION
    longest = max(len(prompt) for prompt in prompts)
    empty = [longest - len(prompt) for prompt in prompts]
    rows = [
        [padding] * count + list(prompt)
        for count, prompt in zip(empty, prompts, strict=True)
    ]
    return torch.tensor(rows, dtype=torch.long), torch.tensor(empty)
    ### END SOLUTION


# %% check="pad_left"
from lib.checks import check

pad_left = check("pad_left")

# %% [markdown]
# ## Question 13.2 · true_position
# A row of a batch has 3 empty columns. Its cache holds 10 columns, the empty ones counted in. Which position vector does its next token
# get?

# %% question="true_position" difficulty=1 minutes=2
### BEGIN SOLUTION
true_position = 7
### END SOLUTION

# %% check="true_position"
from lib.checks import check

true_position = check("true_position")

# %% [markdown]
# ## Exercise 13.3 · prefill_mask
# `before` positions are cached, `new` ones come: return bool (new, before + new), True: may look. With `empty` (batch,), hide the
# first empty[row] columns too: (batch, 1, new, before + new), also where `empty` holds zeros only, and for one new position. What is padding
# itself then sees nothing at all. Difficulty ●●○ · 10 minutes.
#
# <details><summary>Which diagonal?</summary>New position i stands at before + i and sees 0 to before + i.
# <code>tril(k)</code> keeps k more diagonals.</details>
# <details><summary>How do I hide the empty columns?</summary>Compare
# <code>torch.arange(before + new)</code> with <code>empty[:, None]</code>.</details>


# %% exercise="prefill_mask" difficulty=2 minutes=10
def prefill_mask(new, before=0, empty=None):
    """Each new position sees everything before it and itself. Shape (new, before +
    new), bool, True: may look.

    empty: (batch,), how many columns at the left of each row are padding, which nobody
    may see; then the shape is (batch, 1, new, before + new), for any heads, and what is
    padding itself sees nothing
    """
    ### BEGIN SOLUTION
    mask = torch.ones(new, before + new, dtype=torch.bool).tril(before)
    if empty is None:
        return mask
    real = torch.arange(before + new) >= empty[:, None]  # (batch, key)
    return mask & real[:, None, None, :]
    ### END SOLUTION


# %% check="prefill_mask"
from lib.checks import check

prefill_mask = check("prefill_mask")

# %%
print(prefill_mask(2, before=3).int().tolist())
assert torch.equal(prefill_mask(4), causal_mask(4)) and prefill_mask(1, before=5).all()

# %% [markdown]
# ## Exercise 13.4 · read_on
# New ids (batch, new) through a whole GPT, one cache a block. Embed, add `model.positions.table[positions]`, run
# `cached_block`, return `model.logits` of the **last** position, (batch, vocab). `empty`, where there is padding, is given in
# every call: hide those columns from all new positions, and count a row's positions from its first real token. Difficulty
# ●●● · 15 minutes.
#
# <details><summary>Which positions?</summary>They go on where the cache ends: <code>caches[0].length</code>. With
# <code>empty</code>, a row's first real token stands at position 0: column minus empty, at least 0.</details>
# <details><summary>The first call is right, the second is not</summary>Read <code>before</code> off the cache before the
# blocks run: they extend it.</details>


# %% exercise="read_on" difficulty=3 minutes=15
def read_on(model, ids, caches, empty=None):
    """Read new tokens after those that the caches hold, one cache a block; extends the
    caches.

    ids: (batch, new)
    empty: (batch,), the columns of padding at the left of each row, the same in every
    call: nobody sees them, and a row's first real token stands at position 0. None: no
    padding anywhere.
    Returns the logits of what comes next (batch, vocab): those of the last position
    only; where that is padding, any numbers.
    """
    ### BEGIN SOLUTION
    new, before = ids.shape[1], caches[0].length
    columns = torch.arange(before, before + new)
    positions = columns if empty is None else (columns - empty[:, None]).clamp(min=0)
    x = model.embedding(ids) + model.positions.table[positions]
    mask = None if new == 1 and empty is None else prefill_mask(new, before, empty)
    for block, cache in zip(model.blocks, caches, strict=True):
        x = cached_block(block, x, cache, mask)
    return model.logits(x[:, -1])
    ### END SOLUTION


# %% check="read_on"
from lib.checks import check

read_on = check("read_on")

# %% [markdown]
# ## A buffer instead of a copy
# `torch.cat` makes a new tensor and copies all that is there, for each token and each layer: for n tokens that is 1 + 2 + ... + n positions, n(n +
# 1)/2, although each is computed once only. A **buffer** that is made once, with room for `capacity` positions, needs no copy: write the new
# keys behind the old ones and remember how many there are.
#
# Two more things are asked of it. It has an end, and whoever writes beyond it should be told. And rows may change their
# places: a row whose text has ended leaves the batch, and a beam search (notebook 10) goes on from some rows twice and
# from others not at all. Then row i of the cache becomes what row `rows[i]` was.
#
# ## Exercise 13.5 · KeyValueCache
# `extend`: put new keys and values (batch, heads, new, d_head) into the buffers, after the old ones; return **all** so far,
# the keys first. ValueError, and nothing changed, when there are more than `capacity` has room for; nothing else has to be
# looked at. `reorder`: row i goes on from what row `rows[i]` has seen (`rows`: int64, one or more of them), also in an empty cache.
# Difficulty ●●○ · 12 minutes.
#
# <details><summary>What is length for?</summary>The buffers are larger than what is in them. Positions 0 to
# <code>length − 1</code> count; the rest is whatever lay in memory.</details>
# <details><summary>Rows in a new order?</summary><code>self.keys[rows]</code> copies rows in the order of
# <code>rows</code>.</details>


# %% exercise="KeyValueCache" difficulty=2 minutes=12
class KeyValueCache:
    """Keys and values of the positions seen so far, in one buffer each, made once for
    `capacity` positions.
    """

    def __init__(self, batch, n_heads, capacity, d_head, like=None):
        # the buffers get its dtype and device
        made = torch.empty(0) if like is None else like
        self.keys = made.new_empty(batch, n_heads, capacity, d_head)
        self.values = made.new_empty(batch, n_heads, capacity, d_head)
        # positions 0 to length - 1 count; who sets it to 0 empties the cache
        self.length = 0

    @property
    def capacity(self):
        return self.keys.shape[2]

    def extend(self, keys, values):
        """Add new positions (batch, heads, new, d_head) after the old; return all keys
        and values so far.

        Raises ValueError, and changes nothing, when there are more of them than the
        capacity has room for.
        """
        ### BEGIN SOLUTION
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise ValueError(
                f"position {end - 1} does not fit into a cache of {self.capacity} "
                "positions"
            )
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]
        ### END SOLUTION

    def reorder(self, rows):
        """Row i goes on from what row `rows[i]` has seen, as beams do; there may be
        fewer or more rows than before.
        """
        ### BEGIN SOLUTION
        self.keys, self.values = self.keys[rows], self.values[rows]
        ### END SOLUTION


# %% check="KeyValueCache"
from lib.checks import check

KeyValueCache = check("KeyValueCache")

# %% [markdown]
# The test that finds nearly every bug of a cache has three words: **cached equals uncached**. Here it is for random models
# and random batches, cut into pieces at random:

# %%
from lib.gpt import GPT

for _ in range(20):
    heads, layers, length, rows, cut = torch.randint(
        1, 6, (5,), generator=generator
    ).tolist()
    tried, text = (
        GPT(11, 3 * length, 4 * heads, heads, layers),
        torch.randint(11, (rows, 3 * length), generator=generator),
    )
    caches = [KeyValueCache(rows, heads, 3 * length, 4) for _ in tried.blocks]
    with torch.no_grad():
        logits = [read_on(tried, piece, caches) for piece in text.split(cut, dim=1)]
        assert torch.allclose(logits[-1], tried(text)[:, -1], atol=1e-4)  # of about 10

# %% [markdown]
# The same on every one of 20 random models. Now the stories GPT again, with your buffers and with a prefill:


# %%
def fresh_caches(batch=1, capacity=n_positions):
    return [
        KeyValueCache(batch, n_heads, capacity, d_model // n_heads)
        for _ in model.blocks
    ]


@torch.inference_mode()
def write_cached(ids, limit):
    """`limit` tokens after ids (batch, prompt), the likeliest each time: (batch,
    limit).
    """
    caches, written = fresh_caches(len(ids)), []
    for _ in range(limit):
        # first the prompt, then one token a time
        ids = read_on(model, ids, caches).argmax(dim=-1, keepdim=True)
        written.append(ids)
    return torch.cat(written, dim=1)


assert write_cached(ids, 60)[0].tolist() == story
assert all(
    torch.equal(write_cached(ids[:, :n], 20), write_uncached(ids[:, :n], 20))
    for n in range(1, 5)
)

# %% [markdown]
# And a batch:


# %%
@torch.inference_mode()
def write_batch(prompts, limit):
    ids, empty = pad_left(prompts)
    caches, written = fresh_caches(len(prompts)), []
    for _ in range(limit):
        ids = read_on(model, ids, caches, empty).argmax(dim=-1, keepdim=True)
        written.append(ids)
    return torch.cat(written, dim=1).tolist()


# %% [markdown]
# > **Predict.** Does a row's text depend on who else is in the batch, or on their order?

# %%
starts = ["Early one morning", "The old man was sad because", "Once there was a", "She"]
prompts = [[tokenizer.special[END], *tokenizer.encode(start)] for start in starts]
together = write_batch(prompts, 30)
assert write_batch(prompts[::-1], 30) == together[::-1]
for prompt, row in zip(prompts, together, strict=True):
    # alone: the same
    assert write_cached(torch.tensor([prompt]), 30)[0].tolist() == row

# %% [markdown]
# No: padding is hidden from everybody, and positions are counted from a row's own first token. What padding itself computes,
# nobody reads.
#
# ## What it saves: work
# Count the multiplications of one block for each new position. Attention has 4 matrices of d_model², the feed-forward two of
# 4·d_model²: 12·d_model² in all. And for each pair of a new position with a key there are 2·d_model more: the score, and the share of the value
# in the mix. `forward_multiplications` adds that up.

# %%
# GPT-2 small reads one token after 1,000 others; 12 blocks
d, new, before = 768, 1, 1000
matrices, pairs = 12 * d * d * new, 2 * d * new * (before + new)
assert forward_multiplications(new, before, d, 12) == 12 * (matrices + pairs)
print(
    f"matrices {12 * matrices / 1e6:.0f} million, pairs {12 * pairs / 1e6:.0f} million"
)
assert (round(12 * matrices / 1e6), round(12 * pairs / 1e6)) == (85, 18)

# %% [markdown]
# > **Predict.** GPT-2 writes 1,000 tokens after a prompt of 24. How many times less work is it with a cache?

# %%
sizes = {"prompt": 24, "new": 1000, "d_model": 768, "n_layers": 12, "vocab": 50257}
without, cached = (
    generation_multiplications(**sizes, cached=way) for way in (False, True)
)
print(
    f"{without / 1e12:.1f} million millions against {cached / 1e12:.2f}: "
    f"{without / cached:.0f} times less"
)
assert 350 < without / cached < 400
doubled = [
    generation_multiplications(**sizes | {"new": 2000}, cached=way)
    for way in (False, True)
]
assert 4 < doubled[0] / without < 4.5 and 2 < doubled[1] / cached < 2.2

# %% [markdown]
# Twice the text is over four times the work without a cache: the matrices' part grows with the square of the length, and the pairs' part even
# with its cube. With a cache it is hardly more than twice: a token costs the matrices once, and a little for each key.
#
# Time is not multiplications. Here is the clock of this machine, in processor time:


# %% tags=["training"]
@torch.inference_mode()
def milliseconds(work, *inputs, times=4):
    """The shortest of a few runs, in processor time, which other programs disturb
    least.
    """
    taken = []
    for _ in range(times):
        start = time.process_time()
        work(*inputs)
        taken.append(1000 * (time.process_time() - start))
    return min(taken)


# %% tags=["training"]
lengths = [10, 40, 80, 120, 160, 200, 240, 280, 315]
text = torch.randint(len(tokenizer), (1, n_positions), generator=generator)
alone, kept = [], []
for length in lengths:
    caches = fresh_caches()
    with torch.inference_mode():
        read_on(model, text[:, :length], caches)
    # one position further on each time
    kept.append(milliseconds(read_on, model, text[:, :1], caches))
    alone.append(milliseconds(model, text[:, :length]))
figure, axes = plt.subplots()
axes.plot(lengths, alone, "-o", label="without a cache")
axes.plot(lengths, kept, "--s", label="with a cache")
axes.set(
    xlabel="tokens that are there already",
    ylabel="milliseconds for one token more",
    ylim=(0, None),
)
axes.legend()
plt.show()

# %% jupyter={"source_hidden": true}
# it grows; the cache is at least twice as fast
assert alone[-1] > 2 * alone[0] and alone[-1] > 2 * kept[-1]
assert alone[-1] / alone[0] > 1.5 * kept[-1] / kept[0]  # and grows less

# %% [markdown]
# Without a cache, the next token costs the more the longer the text is. With one, the curve is nearly flat: a GPT this small spends its time on
# calls, not on numbers. `benchmarks/kv_cache.py` times one of GPT-2's size, beside Hugging Face's.
#
# With a cache, large models have another limit. To write one token, a processor reads every weight from memory and uses it once for each
# row of the batch. It can multiply far more numbers in a second than it can fetch, so it waits: decoding is **memory-bound**, whereas a prefill, which uses
# each weight for hundreds of positions, is **compute-bound**. That is why servers write for many people in one batch, and why weights are
# stored in few bits (notebook 14).
#
# ## What it costs: memory
# A key and a value, each of n_heads · d_head numbers, for each layer and each position of each row:
#
# bytes = 2 · batch · positions · n_layers · n_heads · d_head · bytes per number
#
# **A worked number.** GPT-2 small has 12 layers and 12 heads of 64 numbers. With 2 bytes a number, a token takes 2 · 12 · 12 · 64 · 2 = 36,864 bytes.
#
# ## Question 13.3 · cache_size
# A model has 32 layers of 32 heads with 128 numbers each, stored in 2 bytes (the sizes of Llama 2's smallest model). How many bytes does the
# cache of one text of 4,096 tokens take?

# %% question="cache_size" difficulty=1 minutes=3
### BEGIN SOLUTION
cache_size = 2 * 32 * 32 * 128 * 2 * 4096
### END SOLUTION

# %% check="cache_size"
from lib.checks import check

cache_size = check("cache_size")

# %%
a_token = cache_bytes(
    batch=1, positions=1, n_layers=12, n_heads=12, d_head=64, bytes_each=2
)
full = cache_bytes(
    batch=1, positions=1024, n_layers=12, n_heads=12, d_head=64, bytes_each=2
)
weights = 2 * 124_439_808
print(
    f"{a_token:,} bytes a token, {full / 1e6:.1f} MB for 1,024; the weights: "
    f"{weights / 1e6:.0f} MB"
)
assert a_token == 36_864
# seven full texts at once, and the cache is larger than the model
assert 6 * full < weights < 7 * full
ours = cache_bytes(1, n_positions, n_layers, n_heads, d_model // n_heads)
assert sum(cache.keys.nbytes + cache.values.nbytes for cache in fresh_caches()) == ours
gpt3 = {"n_layers": 96, "n_heads": 96, "d_head": 128, "bytes_each": 2}
assert (
    cache_bytes(1, 1, **gpt3) == 4_718_592
    and round(cache_bytes(1, 2048, **gpt3) / 1e9, 1) == 9.7
)

# %% [markdown]
# The last lines are GPT-3: 4.7 MB **a token**, 9.7 GB for a full text of 2,048. So the cache limits how many people a server
# can write for at once. Ways to a smaller cache: several query heads share one key and value (notebook 14), old positions are
# dropped (a window), numbers are stored in fewer bits, and memory is given out in small pages instead of whole buffers, since a buffer for the longest
# possible text is mostly empty (**PagedAttention**).
#
# ## When the text is too long
# The GPT of notebook 11 has a table of 320 position vectors and no more. What should happen at token 321? The simplest answer is an error.
# Another one is to forget the beginning. One token at a time? The position vectors are added before the first block. If the text
# begins elsewhere, each token stands at another position, every cached key is wrong, and all 320 must be read anew: for each token again. It is
# cheaper to forget much at once, half of the context: then the other half is read anew, in one prefill, and there is room for the next 160 tokens.
#
# ## Exercise 13.6 · fit_context
# The model has n_positions and no more. Too long a text loses n_positions // 2 tokens at its beginning, as often as needed
# and no oftener. ValueError for n_positions below 2. Difficulty ●●○ · 8 minutes.
#
# <details><summary>How often is that?</summary>Too many are len(ids) − n_positions. Divide by the size of a cut and round up:
# <code>-(-a // b)</code>.</details>


# %% exercise="fit_context" difficulty=2 minutes=8
def fit_context(ids, n_positions):
    """What a model with so many positions sees of a text: all that fits; of a longer
    one the end, cut in large steps.

    The beginning is given up by n_positions // 2 tokens at a time, as often as needed
    and no oftener. Returns a list, `ids` itself or a new one; `ids` stays as it is.
    Raises ValueError when n_positions is below 2.
    """
    ### BEGIN SOLUTION
    if n_positions < 2:
        raise ValueError(f"n_positions={n_positions} has no half to give up")
    too_many, step = max(0, len(ids) - n_positions), n_positions // 2
    cuts = -(-too_many // step)  # rounded up
    return ids[cuts * step :]
    ### END SOLUTION


# %% check="fit_context"
from lib.checks import check

fit_context = check("fit_context")

# %% [markdown]
# ## Question 13.4 · tokens_seen
# The model has 320 positions. How many tokens of a text of 700 does it see?

# %% question="tokens_seen" difficulty=1 minutes=2
### BEGIN SOLUTION
tokens_seen = 220
### END SOLUTION

# %% check="tokens_seen"
from lib.checks import check

tokens_seen = check("tokens_seen")

# %%
long = list(range(1000))
sees = [len(fit_context(long[:length], n_positions)) for length in range(1, 1001)]
figure, axes = plt.subplots(figsize=(6, 2.6))
axes.plot(range(1, 1001), sees)
axes.set(xlabel="tokens of the text", ylabel="tokens that are seen", ylim=(0, None))
plt.show()
assert (
    max(sees) == n_positions == 320
    and min(sees[n_positions:]) == 161
    and n_positions // 2 == 160
)

# %% [markdown]
# A saw: the text grows until nothing fits any more, half of it goes, and the other half (161 of 320 tokens) is read once, in a
# prefill that serves the next 160. So a token costs two positions on average. `lib.decoding.generate` works so; if you ask for
# it, it raises an error instead.

# %%
from lib.decoding.generate import CachedGPT
from lib.decoding.sampling import generate

# remembers what it has read; notebook 12's generate asks it as it would ask any model
logits_of = CachedGPT(model)
story = list(
    generate(
        logits_of, opening, 2 * n_positions, lambda logits, ids: int(logits.argmax())
    )
)
assert len(story) == 2 * n_positions and logits_of.caches[0].length <= n_positions
seen = fit_context(opening + story[:-1], n_positions)
assert model(torch.tensor([seen]))[0, -1].argmax() == story[-1]

# %% [markdown]
# ## On real text
# Five stories by the GPT of notebook 11, sampled with notebook 12's tools, one step for all five; the first two are shown. (It has read stories that a
# program of the course wrote; a published model that has read what people write runs on the same cache in notebook 14.) In a
# terminal, `python -m lib.decoding --prompt "Once there was"` writes as you watch, with every option of notebook 12.

# %% tags=["training"]
from lib.decoding.generate import generate_batch
from lib.decoding.sampling import Sampling

picks = [
    Sampling(temperature=0.6, top_p=0.9).picker(torch.Generator().manual_seed(seed))
    for seed in range(5)
]
end = tokenizer.special[END]
stories = generate_batch(model, [opening] * 5, 300, picks, stop=[[end]])
for written in stories[:2]:
    print(
        "One morning" + tokenizer.decode(token for token in written if token != end),
        end="\n\n",
    )

# %% [markdown]
# Five rows, five generators: no row's luck depends on its neighbours. Rows that reach their end leave the batch, by `reorder`. A server
# puts a waiting prompt into the free place at once, which is called **continuous batching**.
#
# ## What breaks
# Held-out stories, read token by token, as a writer does. How surprised is the model by the next token (nats; less is
# better)? Once right, and with three bugs that raise no error.
#
# > **Predict.** Order them: every token at position 0; the first token forgotten; an empty cache each time.

# %%
held_out = [[end, *tokenizer.encode(story)] for story in load_stories()[-300:]]
# (story, token)
rows = torch.tensor([row[:101] for row in held_out if len(row) > 100][:16])


@torch.inference_mode()
def surprise(bug=None):
    caches, total = fresh_caches(len(rows)), 0.0
    for i in range(100):
        x = model.embed(rows[:, i : i + 1], start=0 if bug == "position 0" else i)
        key = torch.arange(i + 1)[None]
        mask = {"empty cache": key == i, "first forgotten": (key > 0) | (i == 0)}.get(
            bug
        )
        for block, cache in zip(model.blocks, caches, strict=True):
            x = cached_block(block, x, cache, mask)
        total += functional.cross_entropy(model.logits(x[:, -1]), rows[:, i + 1]).item()
    return total / 100


# %% tags=["training"]
surprises = {
    bug: surprise(bug) for bug in (None, "first forgotten", "position 0", "empty cache")
}
for bug, nats in surprises.items():
    print(f"{bug or 'right':16} {nats:.2f} nats a token")

# %%
right, forgotten, nowhere, nothing = surprises.values()
with torch.no_grad():
    # token by token = all at once, as in training
    assert abs(right - model.loss(rows).item()) < 1e-3
assert 1.05 * right < forgotten < 1.25 * right and 4 * right < nowhere < nothing

# %% [markdown]
# The quiet one is the worst to find: a cache that forgets its first token raises the surprise by about a tenth. No test
# of shapes sees it; "cached equals uncached" does. Wrong positions make it over four times as large.
#
# > **Predict.** The text is too long. Drop the oldest half of the **cache**, and read nothing anew. What happens?

# %%
half = n_positions // 2
stream = torch.tensor([token for row in held_out for token in row])
windows = torch.stack(
    [stream[start : start + n_positions + half] for start in range(0, 12_000, 2_000)]
)


@torch.inference_mode()
def surprise_after(caches):
    """Nats for each of the tokens after the first n_positions of the windows."""
    steps = range(n_positions, n_positions + half - 1)
    nats = [
        functional.cross_entropy(
            read_on(model, windows[:, i : i + 1], caches), windows[:, i + 1]
        )
        for i in steps
    ]
    return torch.stack(nats).mean().item()


# %% tags=["training"]
slid, anew = fresh_caches(len(windows)), fresh_caches(len(windows))
with torch.inference_mode():
    read_on(model, windows[:, :n_positions], slid)
    read_on(model, windows[:, half:n_positions], anew)
for cache in slid:
    keys, values = cache.keys[:, :, half:].clone(), cache.values[:, :, half:].clone()
    cache.length = 0
    cache.extend(keys, values)
slid, anew = surprise_after(slid), surprise_after(anew)
print(f"half of the cache dropped: {slid:.2f} nats a token; read anew: {anew:.2f}")

# %% jupyter={"source_hidden": true}
assert slid > 4 * anew

# %% [markdown]
# Over four times the surprise. The keys still carry the position vectors of their old places, and the new tokens those of the
# middle of a text. Learned positions cannot slide. Rotary ones (notebook 06) turn by the distance only, so their keys stay true.
# Are models with rotary positions safe, then? No. Look at how much of their attention late positions give to position 0, in our GPT
# and in SmolLM2-135M, the published model of notebook 14, which has rotary positions and read 32 paragraphs of Wikipedia here
# (`benchmarks/attention_sinks.py`; recorded, since its weights do not come with the course):

# %%
layers = [block.attention for block in model.blocks]
with torch.no_grad(), keeping_weights(layers):
    model(rows[:, :100])
    ours_first = torch.stack(  # (block, head)
        [layer.weights[:, :, 50:, 0].mean((0, 2)) for layer in layers]
    )
recorded = json.loads(files.read("attention_sinks.json"))
theirs_first = torch.tensor(recorded["weight on the first"])
equal = (1 / torch.arange(51, 101)).mean()
print(f"an equal share of 51 to 100 positions: {equal:.3f}")
print(
    "our GPT, mean of each block:", [round(m, 3) for m in ours_first.mean(1).tolist()]
)
print(f"SmolLM2: {[round(m, 2) for m in theirs_first.mean(1).tolist()]}")
print("SmolLM2's surprise without one position of its cache:")
print(recorded["surprise without"])

# %% jupyter={"source_hidden": true}
assert ours_first.max() < 0.15 and round(equal.item(), 3) == 0.014
assert theirs_first.shape == (30, 9) and (theirs_first.mean(1) > 0.1).sum() == 25
assert 0.3 < (theirs_first > 0.5).float().mean() < 0.4
without = recorded["surprise without"]
assert without["the first"] > 1.6 * without["none"] > without["the eleventh"]
assert without["the eleventh"] < 1.01 * without["none"] and recorded["paragraphs"] == 32

# %% [markdown]
# In SmolLM2 most blocks give the first token far more than an equal share, and a third of its 270 heads give it more than half of all
# their weight. Taking this one position out of the cache raises the surprise from 2.96 to 4.92 nats a token; taking out the eleventh
# changes next to nothing. The usual explanation: the weights of a softmax must sum to 1, so a head that finds nothing to look for has to put its
# attention *somewhere*; the first token can be seen by everybody, and the heads learn to put it there. Xiao et al.
# ([2023](https://arxiv.org/abs/2309.17453)) called such positions **attention sinks**. They kept the first four tokens and a
# window of the newest ones, with positions counted inside the cache, and models with rotary positions or ALiBi went on over millions
# of tokens. (They do not *remember* those millions: what has left the window is gone.)
#
# Our little GPT has no such sinks. For it, forgetting the first token cost a tenth, as you saw, and what broke it here were the positions.
#
# ## In other words
# - **KV cache** (past key values): keys and values of each layer for all positions so far. **Incremental decoding**: one position a
#   step on top of it.
# - **Prefill**: the prompt in one pass. **Decoding**: token by token. **Time to first token** (TTFT), **time per output token** (TPOT).
# - **Compute-bound**, **memory-bound**: a processor waits for its own arithmetic, or for numbers from memory.
# - **Left padding**: short prompts are filled up at the left. **Continuous batching**: a row that has ended makes room for another text at once.
# - **Context length**: how many positions a model can read. **Context overflow**, **truncation**: what is done beyond it.
# - **Sliding window**: only the newest positions are kept. **Attention sink**: a position, mostly the first, that takes up weight
#   which a head does not need. **PagedAttention**: a cache in pages.
#
# ## Where it comes from
# - Keeping keys and values is as old as the Transformer: the first public code (Tensor2Tensor, Vaswani et al.
#   [2018](https://arxiv.org/abs/1803.07416)) wrote with such a cache. Shazeer [2019](https://arxiv.org/abs/1911.02150) analysed
#   why decoding waits for memory, and let all heads share one key and value (notebook 14).
# - How large models are served: Pope et al. [2022](https://arxiv.org/abs/2211.05102). Continuous batching: Yu et al. 2022 (Orca, OSDI). Pages:
#   Kwon et al. [2023](https://arxiv.org/abs/2309.06180), who found that older systems filled only 20 to 38% of the memory set aside for caches with keys and
#   values, and served 2 to 4 times as many requests with pages.
# - Attention sinks: Xiao et al. [2023](https://arxiv.org/abs/2309.17453), up to 4 million tokens.
# - Weights in 8 bits, which a memory-bound step reads faster: Dettmers et al. [2022](https://arxiv.org/abs/2208.07339); notebook 14 unpacks
#   weights of 4 bits, and `lib/decoding/quantise.py` rounds ours to 8.
#
# ## What to remember
# - Causal means that the past does not change: keep keys and values, send one position through the model.
# - Prefill needs a mask, new tokens need their true position, and a batch is padded at the left.
# - Test "cached equals uncached". Memory is 2 · layers · heads · d_head numbers a token; a full context is read anew, in large steps.
#
# **Next**: [14 · The modern decoder](14_the_modern_decoder.ipynb) makes the cache smaller: several queries share one key.
