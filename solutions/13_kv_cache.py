# %% [markdown]
# # 13 · The KV cache
# After this notebook you can write with a GPT many times faster without changing a token, and say what that costs in memory.
#
# You need: notebooks 05, 07, 11, 12. You build: the cache, attention through it, a whole GPT on it, batches, overflow. 80 minutes.

# %%
import time

import matplotlib.pyplot as plt
import torch
from torch.nn import functional

from lib.cache import cache_bytes, forward_multiplications, generation_multiplications
from lib.corpora.stories import load_stories
from lib.figures import style
from lib.gpt import END, load_stories_gpt
from lib.yours import MultiHeadAttention, causal_mask, join_heads, split_heads

style()
torch.set_num_threads(1)  # one token at a time feeds no second thread
generator = torch.Generator().manual_seed(0)

# %% [markdown]
# ## The question
# Notebook 12 wrote like this: put the whole text through the GPT, choose a token, put it at the end, and begin again. For 200
# tokens after a prompt of 10, how many positions go through the blocks?

# %%
positions = sum(10 + i for i in range(200))
print(f"{positions:,} positions, for a text that has 210 in the end")
assert positions == 21_900

# %% [markdown]
# ## By hand
# *The cat sat*: three words, and the two numbers that attention keeps of each, a key and a value. All keys match the query
# equally well, so the mix is the mean of the values.
#
# | | values so far | mix |
# |---|---|---|
# | the | 3 | **3** |
# | the cat | 3, 6 | **4.5** |
# | the cat sat | 3, 6, 9 | **6** |
#
# The 3 of *the* never changes: a causal mask lets it see nothing that comes later. So compute it once and keep it. Row
# three needs one new value, 9, and the two that are there.

# %% [markdown]
# ## The picture
# What is computed in each step, for a prompt of 3 tokens and 5 more. Each row is one step, each column a position.

# %%
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
# single position, the newest. For the question above that makes 10 + 199 = 209, over 100 times fewer.
#
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
# `torch.cat` copies all that is there for each token. A buffer that is made once, with room for the whole text, is better.
#
# ## Exercise 13.1 · KeyValueCache
# `extend`: put new keys and values (batch, heads, new, d_head) into the buffers, after the old ones; return **all** so far,
# the keys first. ValueError, and nothing changed, when there are more than `capacity` has room for; nothing else has to be
# looked at. `reorder`: row i goes on from what row `rows[i]` has seen (`rows`: a tensor, of any length).
# Difficulty ●●○ · 12 minutes.
#
# <details><summary>What is length for?</summary>The buffers are larger than what is in them. Positions 0 to
# <code>length − 1</code> count; the rest is whatever lay in memory.</details>
# <details><summary>Why reorder?</summary>Rows that have ended leave a batch; a beam search goes on from some rows twice.
# <code>self.keys[rows]</code> copies rows in a new order.</details>


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
# ## Exercise 13.2 · cached_attention
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
    mask: broadcastable to (batch, heads, new, all positions so far), or None
    Returns (batch, new, d_model). Raises what `cache.extend` raises when the new
    positions do not fit.
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
cache = KeyValueCache(batch=2, n_heads=3, capacity=7, d_head=4)
with torch.no_grad():
    one_by_one = torch.cat(
        [cached_attention(layer, position, cache) for position in x.split(1, dim=1)],
        dim=1,
    )
    assert torch.allclose(one_by_one, layer(x, mask=causal_mask(7)), atol=1e-6)

# %% [markdown]
# The same: the future is not in the cache yet, so nothing has to be hidden. A block needs no other change: norms and
# feed-forward work on each position by itself.


# %%
def cached_block(block, x, cache, mask=None):
    x = block.around_attention(
        x, lambda y: cached_attention(block.attention, y, cache, mask)
    )
    return block.around_feed_forward(x, block.feed_forward)


# %% [markdown]
# ## Exercise 13.3 · prefill_mask
# Several new positions at once need a mask again. `before` positions are cached: return bool (new, before + new), True: may
# look. With `empty` (batch,), hide the first empty[row] columns too: (batch, 1, new, before + new), whatever `empty` holds
# and also for one new position. What is padding itself then sees nothing at all. Difficulty ●●○ · 10 minutes.
#
# <details><summary>Which diagonal?</summary>New position i stands at before + i and sees 0 to before + i.
# <code>tril(k)</code> keeps k more diagonals.</details>
# <details><summary>What are empty columns?</summary>Short prompts are filled up at the left (exercise 13.5). Compare
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
    padding anywhere Returns the logits of what comes next (batch, vocab): those of the
    last position only.
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

# %%
from lib.gpt import GPT

# cached equals uncached: random models and batches, cut into pieces at random
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
# The same on every one of 20 random models. Now the GPT of notebook 11: its caches, and a writer that takes the likeliest token
# each time.

# %%
model, tokenizer = load_stories_gpt()
n_layers, n_heads = len(model.blocks), model.blocks[0].attention.n_heads
n_positions, d_model = model.positions.table.shape


def fresh_caches(batch=1, capacity=n_positions):
    return [
        KeyValueCache(batch, n_heads, capacity, d_model // n_heads)
        for _ in model.blocks
    ]


# %%
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


@torch.inference_mode()
def write_uncached(ids, limit):
    start = ids.shape[1]
    for _ in range(limit):
        ids = torch.cat([ids, model(ids)[:, -1].argmax(dim=-1, keepdim=True)], dim=1)
    return ids[:, start:]


# %% [markdown]
# > **Predict.** Do the two write the same story, to the last token?

# %%
opening = [tokenizer.special[END], *tokenizer.encode("One morning")]
ids = torch.tensor([opening])
mine = write_cached(ids, 60)
assert torch.equal(mine, write_uncached(ids, 60))
assert all(
    torch.equal(write_cached(ids[:, :n], 20), write_uncached(ids[:, :n], 20))
    for n in range(1, 5)
)

# %% [markdown]
# ## Count the work
# Multiplications in one block, for each new position: 4 matrices of d² in attention, two of 4d² in the feed-forward, 12 d²
# in all; and 2 d for each pair of a new position with a key: its score, and its share of the mix. `forward_multiplications`
# adds that up.

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
# Twice the text is over four times the work without a cache: it grows with the square of the length, and the pairs even with
# its cube. With one it is hardly more than twice: a token costs the matrices once, and a little for each key.
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
# Without a cache, the next token costs the more the longer the text is. With one, hardly: a GPT this small spends its time on
# calls, not on numbers. `benchmarks/kv_cache.py` times one of GPT-2's size, beside Hugging Face's.
#
# ## What it costs: memory
# Two vectors (key and value) for each position, in each layer: 2 × n_layers × d_model numbers. GPT-2 small with 2 bytes each:

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
assert a_token == 2 * 12 * 768 * 2 == 36_864
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
# writes for at once, and notebook 14's grouped queries make it smaller.
#
# ## Exercise 13.5 · pad_left
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
# ## Exercise 13.6 · fit_context
# The model has n_positions and no more. Too long a text loses n_positions // 2 tokens at its beginning, as often as needed
# and no oftener. ValueError for n_positions below 2. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Why not drop one token at a time?</summary>Position vectors are added before the first block. If the text
# begins elsewhere, every cached key is that of another position: all is read anew, and with each token again.</details>


# %% exercise="fit_context" difficulty=2 minutes=8
def fit_context(ids, n_positions):
    """What a model with so many positions sees of a text: all that fits; of a longer
    one the end, cut in large steps.

    The beginning is given up by n_positions // 2 tokens at a time, as often as needed
    and no oftener. Raises ValueError when n_positions is below 2.
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
# Five stories by the GPT of notebook 11, sampled with notebook 12's tools, one step for all five; the first two are shown. In a
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
# Five rows, five generators: no row's luck depends on its neighbours. Rows that reach their end leave the batch, by `reorder`.
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
# But dropping the first tokens breaks trained models all the same: many heads have learnt to put the attention that they do not
# need on them, whatever they are (**attention sinks**, Xiao et al. [2023](https://arxiv.org/abs/2309.17453)). Keeping these
# few, and dropping those after them, lets such models go on.
#
# ## One step further: int8
# One token reads every weight once and uses it once: the processor waits for memory. So store weights as whole numbers from
# −127 to 127 with a scale for each row, a quarter of the bytes.

# %%
from lib.decoding.quantise import quantised, round_rows

weight = model.blocks[0].feed_forward.widen.weight.detach()
rounded, scale = round_rows(weight)
off = (weight - rounded * scale[:, None]).abs()
assert rounded.dtype == torch.int8 and (off <= scale[:, None] / 2 * 1.001).all()
assert weight.nbytes == 4 * rounded.nbytes

# %% [markdown]
# "Dynamic": the inputs are rounded too, by a scale found anew in each call. The price, on whole held-out stories:

# %% tags=["training"]
from lib.training.language import held_out_bits

texts = load_stories()[-300:-240]
exact, rough = (
    held_out_bits(model, tokenizer, texts),
    held_out_bits(quantised(model), tokenizer, texts),
)
print(f"bits per byte: float32 {exact:.4f}, int8 {rough:.4f}")

# %% jupyter={"source_hidden": true}
assert abs(rough / exact - 1) < 0.005
assert round(sum(parameter.nbytes for parameter in model.parameters()) / 1e6) == 6

# %% [markdown]
# Less than half a percent. At GPT-2's size it is over twice as fast (`benchmarks/kv_cache.py`). Ours has nothing to gain: its
# 6 MB stay in the processor's own memory, and nobody waits for them.
#
# ## What to remember
# - Causal means that the past does not change: keep keys and values, send one position through the model.
# - Prefill needs a mask, new tokens need their true position, and a batch is padded at the left.
# - Test "cached equals uncached". Memory is 2 × layers × d_model numbers a token; a full context is read anew, in large steps.
#
# **Next**: notebook 14 makes the cache smaller: several queries share one key.
