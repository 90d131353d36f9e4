# %% [markdown]
# # 5 · Multi-head attention and masks
# After this notebook you can let a word ask several questions at once, and decide who may look where.
#
# You need: `attention` (04). You build: `MultiHeadAttention`, and the masks for the future and for padding. 60 minutes.

# %%
import random

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from lib.attention import fused_attention
from lib.figures import heatmap, style
from lib.yours import attention

style()
generator = torch.Generator().manual_seed(0)

# %% [markdown]
# ## The question
# Latin: *lupus agnum videt* and *agnum videt lupus* both say *the wolf sees the lamb*. The endings -us and -um tell who does
# it to whom; the order is free. So *videt* has two questions at once: **who** sees? **whom**? One head returns one mix.

# %% [markdown]
# ## By hand
# The values: *lupus* = (1, 0), *agnum* = (0, 1). *Videt* looks at both.
#
# | | weights (lupus, agnum) | mix |
# |---|---|---|
# | one head | 0.5, 0.5 | (0.5, 0.5): a wolf and a lamb. Who saw? |
# | head 1, looks for -us | 0.9, 0.1 | (0.9, 0.1): the wolf |
# | head 2, looks for -um | 0.1, 0.9 | (0.1, 0.9): the lamb |
# | both, side by side | | **(0.9, 0.1, 0.1, 0.9)** |
#
# Swap the endings, *agnus lupum videt*: one head still says (0.5, 0.5); two heads say (0.1, 0.9, 0.9, 0.1).

# %% [markdown]
# ## The picture
# Several heads need no more room than one: each gets a slice of every query, key and value. These are x times a learned matrix
# (W_Q, W_K, W_V), so through its slice each head has read **all** of x. Three positions, d_model 6, three heads; the matrix at
# the left stands for Q, K or V:


# %%
def squares(axes, numbers, title):
    """A small matrix, coloured by head: of six numbers, the first two are head 1's, the
    next two head 2's ...
    """
    axes.imshow((numbers % 6) // 2, cmap="Pastel1", vmin=0, vmax=8, aspect="auto")
    for (row, column), value in [
        ((r, c), numbers[r, c]) for r in range(3) for c in range(numbers.shape[1])
    ]:
        axes.text(column, row, int(value), ha="center", va="center")
    axes.set(title=title, xticks=[], yticks=[])


x = torch.arange(18.0).view(3, 6)  # (position, d_model)
figure, panels = plt.subplots(1, 5, figsize=(7.6, 1.7), width_ratios=[3, 1, 1, 1, 3])
squares(panels[0], x, "x: position × d_model")
for head in range(3):
    squares(panels[1 + head], x[:, 2 * head : 2 * head + 2], f"head {head + 1}")
squares(panels[4], x, "joined")
plt.show()

# %% [markdown]
# Split, attend, join: every head sees **all** positions, and compares them by its own part of the queries and keys. Then one
# more matrix, W_O, mixes what the heads have found.
#
# ## In code
# The table above: the same two values in both slices, other weights in each.

# %%
# lupus, agnum: (position, 2 heads × 2)
values = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]])
weights = [torch.tensor([0.9, 0.1]), torch.tensor([0.1, 0.9])]  # who, whom

slices = values[:, :2], values[:, 2:]
heads = [weight @ part for weight, part in zip(weights, slices, strict=True)]
joined = torch.cat(heads)
print(joined)
assert torch.allclose(joined, torch.tensor([0.9, 0.1, 0.1, 0.9]))

# %% [markdown]
# ## Exercise 5.1 · split_heads
# From `x` (batch, position, d_model) to (batch, heads, position, d_head), where head h gets the h-th slice of d_head =
# d_model // n_heads neighbouring numbers. Gradients must flow through: the layer below is trained. Difficulty ●●○ · 6 minutes.
#
# <details><summary>Right shape, wrong numbers</summary>One <code>reshape</code> to the final shape tears positions apart.
# First make (batch, position, heads, d_head), then swap two axes with <code>transpose</code>.</details>


# %% exercise="split_heads" difficulty=2 minutes=6
def split_heads(x, n_heads):
    """(batch, position, d_model) -> (batch, heads, position, d_head): head h takes the
    h-th slice of every vector.
    """
    ### BEGIN SOLUTION
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)
    ### END SOLUTION


# %% check="split_heads"
from lib.checks import check

split_heads = check("split_heads")

# %% [markdown]
# > **Predict.** `reshape` alone gives the same shape. What does head 1 hold then?

# %%
print(split_heads(x[None], 3)[0, 0].tolist())
# all of position 0, and nothing of the others
print(x.reshape(1, 3, 3, 2)[0, 0].tolist())
assert x.reshape(1, 3, 3, 2)[0, 0].flatten().tolist() == x[0].tolist()

# %% [markdown]
# ## Exercise 5.2 · join_heads
# The way back: from (batch, heads, position, d_head) to (batch, position, d_model). Gradients must flow through.
# Difficulty ●○○ · 3 minutes.
#
# <details><summary>RuntimeError: view size is not compatible</summary>After <code>transpose</code> the numbers lie in
# another order in memory. <code>reshape</code> and <code>flatten</code> copy where they must.</details>


# %% exercise="join_heads" difficulty=1 minutes=3
def join_heads(x):
    """(batch, heads, position, d_head) -> (batch, position, d_model): undoes
    split_heads.
    """
    ### BEGIN SOLUTION
    return x.transpose(1, 2).flatten(2)
    ### END SOLUTION


# %% check="join_heads"
from lib.checks import check

join_heads = check("join_heads")

# %% jupyter={"source_hidden": true}
for n_heads in (1, 2, 3, 6):
    assert torch.equal(join_heads(split_heads(x[None], n_heads)), x[None])

# %% [markdown]
# ## Exercise 5.3 · causal_mask
# A model that predicts the next word must not see it. Return a bool matrix (query, key): position i may look at 0 to i, for
# any `length`. Difficulty ●○○ · 3 minutes.
#
# <details><summary>Which triangle?</summary>Row i is the query. It has i + 1 times True, on the left: the lower triangle,
# diagonal included.</details>


# %% exercise="causal_mask" difficulty=1 minutes=3
def causal_mask(length):
    """Who may look where when the future is not known yet: position i at 0 to i. Shape
    (query, key), bool.
    """
    ### BEGIN SOLUTION
    return torch.ones(length, length, dtype=torch.bool).tril()
    ### END SOLUTION


# %% check="causal_mask"
from lib.checks import check

causal_mask = check("causal_mask")

# %% [markdown]
# ## Exercise 5.4 · padding_mask
# Sentences of a batch are filled up to one length. From `ids` (batch, key) and the number that stands for padding to a bool
# mask (batch, 1, 1, key), True at the words and False at every padding, wherever it stands and even where a sentence holds
# nothing else. Difficulty ●○○ · 4 minutes.
#
# <details><summary>Why the two axes of size 1?</summary>Scores have the shape (batch, heads, query, key). An axis of size 1
# stretches over all heads and all queries.</details>


# %% exercise="padding_mask" difficulty=1 minutes=4
def padding_mask(ids, padding):
    """Nobody looks at padding. ids: (batch, key). Returns (batch, 1, 1, key), bool, for
    any heads and queries.
    """
    ### BEGIN SOLUTION
    return (ids != padding)[:, None, None, :]
    ### END SOLUTION


# %% check="padding_mask"
from lib.checks import check

padding_mask = check("padding_mask")

# %% [markdown]
# A decoder needs both: `&`. *The cat sat on the mat*, and a shorter sentence with two paddings:
#
# > **Predict.** The rows of the paddings themselves: may they look anywhere?

# %%
lines = [
    line.split() for line in ("the cat sat on the mat", "the dog sat down (pad) (pad)")
]
vocabulary = ["(pad)", *dict.fromkeys(lines[0] + lines[1][:4])]
ids = torch.tensor([[vocabulary.index(word) for word in line] for line in lines])
mask = causal_mask(6) & padding_mask(ids, 0)  # (batch, 1, query, key)
assert mask.shape == (2, 1, 6, 6) and mask[1, 0, 5].tolist() == [True] * 4 + [False] * 2

figure, panels = plt.subplots(1, 2, figsize=(7.4, 3))
for axes, allowed, line in zip(panels, mask[:, 0], lines, strict=True):
    axes.imshow(allowed, cmap="cividis", vmin=0, vmax=1)
    axes.set_xticks(range(6), line, rotation=45)
    axes.set_yticks(range(6), line)
    axes.set(xlabel="key", ylabel="query")
plt.show()

# %% [markdown]
# Bright: may look. Below the diagonal lies the past; the columns of the paddings are dark. Their rows are not: a padding may
# look back, and nobody looks at it.
#
# ## Exercise 5.5 · MultiHeadAttention
# Write the four layers `to_q`, `to_k`, `to_v`, `to_out`, each `nn.Linear` from d_model to d_model numbers, with a bias only if
# `bias` says so; and `forward`: project, split, `self.attend(q, k, v, mask)`, join, `to_out`. Queries come from `x`; keys and
# values from `context`, or from `x` where it is None. Gradients must flow to all of them. What is given stays: later notebooks
# read `n_heads` and `weights`, and call `attend` by itself. Difficulty ●●● · 15 minutes.
#
# <details><summary>What does attend do?</summary>It is given: your <code>attention</code> where the weights are to be kept
# for a picture, else PyTorch's fused kernel, which gives the same mix without the weights, and faster.</details>
# <details><summary>The heads give the same as one big head</summary>The split must come after the projection and before
# attend.</details>


# %% exercise="MultiHeadAttention" difficulty=3 minutes=15
class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own slice of d_model, then mixed
    (section 3.2.2).

    `weights` (batch, heads, query, key) holds what the last call looked at, if
    `keep_weights` was set before it. Raises ValueError where d_model does not split
    into n_heads equal heads.
    """

    def __init__(self, d_model, n_heads, bias=False):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(
                f"d_model={d_model} does not split into n_heads={n_heads} equal heads"
            )
        self.n_heads = n_heads
        self.keep_weights, self.weights = False, None
        ### BEGIN SOLUTION
        self.to_q = nn.Linear(d_model, d_model, bias=bias)
        self.to_k = nn.Linear(d_model, d_model, bias=bias)
        self.to_v = nn.Linear(d_model, d_model, bias=bias)
        self.to_out = nn.Linear(d_model, d_model, bias=bias)
        ### END SOLUTION

    def forward(self, x, context=None, mask=None):
        """x: (batch, query, d_model). Keys and values come from context (batch, key,
        d_model), or from x itself.

        mask: broadcastable to (batch, heads, query, key). Returns (batch, query,
        d_model). Gradients flow everywhere.
        """
        ### BEGIN SOLUTION
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.n_heads)
        k = split_heads(self.to_k(context), self.n_heads)
        v = split_heads(self.to_v(context), self.n_heads)
        return self.to_out(join_heads(self.attend(q, k, v, mask)))
        ### END SOLUTION

    def attend(self, q, k, v, mask):
        """`attention` where the weights are wanted, else PyTorch's fused kernel: the
        same mix, without the weights.
        """
        if not self.keep_weights:
            return fused_attention(q, k, v, mask)
        mixed, self.weights = attention(q, k, v, mask)
        return mixed


# %% check="MultiHeadAttention"
from lib.checks import check

MultiHeadAttention = check("MultiHeadAttention")

# %% [markdown]
# PyTorch's own layer, with your weights copied into it: the same results and the same gradients. Cross-attention: 4 queries
# look at a context of 7. (Its mask says True where looking is *forbidden*.)

# %%
ours, theirs = (
    MultiHeadAttention(12, 3),
    nn.MultiheadAttention(12, 3, bias=False, batch_first=True),
)
with torch.no_grad():
    theirs.in_proj_weight.copy_(
        torch.cat([ours.to_q.weight, ours.to_k.weight, ours.to_v.weight])
    )
    theirs.out_proj.weight.copy_(ours.to_out.weight)

x, context = (
    torch.randn(2, 4, 12, generator=generator),
    torch.randn(2, 7, 12, generator=generator),
)
mask = torch.rand(4, 7, generator=generator) > 0.3
mine, reference = (
    ours(x, context, mask),
    theirs(x, context, context, attn_mask=~mask)[0],
)
assert torch.allclose(mine, reference, atol=1e-6)
mine.square().sum().backward()
reference.square().sum().backward()
gradients = torch.cat(
    [ours.to_q.weight.grad, ours.to_k.weight.grad, ours.to_v.weight.grad]
)
assert torch.allclose(gradients, theirs.in_proj_weight.grad, atol=1e-5)
assert torch.allclose(ours.to_out.weight.grad, theirs.out_proj.weight.grad, atol=1e-5)

# %% [markdown]
# More heads cost no parameters: four matrices of d_model × d_model, whatever n_heads is. And the two ways of `attend` agree:

# %%
for n_heads in (1, 2, 4, 8):
    layer = MultiHeadAttention(64, n_heads)
    assert sum(part.numel() for part in layer.parameters()) == 4 * 64 * 64
x = torch.randn(2, 5, 64, generator=generator)
fused = layer(x, mask=causal_mask(5))
layer.keep_weights = True
assert torch.allclose(layer(x, mask=causal_mask(5)), fused, atol=1e-6)
assert layer.weights.shape == (2, 8, 5, 5)  # (batch, heads, query, key)

# %% [markdown]
# ## Exercise 5.6 · future_leak
# Is the future hidden? Test it. For every position from 1 on: negate all inputs from there on, and see how far the outputs
# before it move, in any sentence of the batch, up or down. Return the largest move, a float (not a tensor).
# Difficulty ●●○ · 10 minutes.
#
# <details><summary>It reports a leak where there is none</summary>Outputs from the changed position on may move. Compare
# only <code>[:, :position]</code>.</details>
# <details><summary>"Your code changes what it was given"</summary><code>x[:, position:] *= -1</code> changes the caller's x.
# Work on <code>x.clone()</code>, or build a new one with <code>torch.cat</code>.</details>


# %% exercise="future_leak" difficulty=2 minutes=10
def future_leak(layer, x):
    """How much later inputs change earlier outputs: exactly 0 where the future cannot
    be seen.

    layer: (batch, position, d_model) -> (batch, position, ...)
    x: (batch, position, d_model)
    Returns the largest move of an earlier output, as a float; 0.0 for a single
    position.
    """
    ### BEGIN SOLUTION
    outputs, largest = layer(x), 0.0
    for position in range(1, x.shape[1]):
        changed = torch.cat([x[:, :position], -x[:, position:]], dim=1)
        moved = (layer(changed) - outputs)[:, :position].abs().max()
        largest = max(largest, moved.item())
    return largest
    ### END SOLUTION


# %% check="future_leak"
from lib.checks import check

future_leak = check("future_leak")

# %%
x = torch.randn(2, 6, 64, generator=generator)
leaks = {
    "without a mask": future_leak(layer, x),
    "causal": future_leak(lambda x: layer(x, mask=causal_mask(6)), x),
}
print({name: "leaks" if leak > 1e-5 else "tight" for name, leak in leaks.items()})
assert leaks["without a mask"] > 1e-3 and leaks["causal"] < 1e-6

# %% [markdown]
# ## On real text
# Latin sentences: who, whom, a verb and up to two adverbs, in any order. Some verbs ask for -um (*videt*), some for -o
# (*paret*, obeys). A fifth of all pairs (who, whom) is never trained.

# %%
from lib.corpora.latin import ADVERBS, NOUNS, VERBS, english, split_by_pairs

training, test = split_by_pairs(random.Random(0), training=4000, test=600)
for said in test[:4]:
    print(f"{said!s:35} {english(said)}")
assert not {(said.who, said.whom) for said in training} & {
    (said.who, said.whom) for said in test
}

# %% [markdown]
# A word's vector is the sum of its stem's and its ending's. The verb asks; two answer matrices say who and whom. One, two
# or four heads, always the same number of parameters.

# %%
stems = ["", *NOUNS, *VERBS, *ADVERBS]
endings = ["", "us", "um", "o"]


def as_tensors(sentences, length=5):
    """ids (sentence, word, [stem, ending]), where the verb stands, and the numbers of
    who and whom.
    """
    padded = [
        list(said.words) + [("", "")] * (length - len(said.words)) for said in sentences
    ]
    ids = torch.tensor(
        [
            [(stems.index(stem), endings.index(ending)) for stem, ending in words]
            for words in padded
        ]
    )
    answers = torch.tensor(
        [(stems.index(said.who), stems.index(said.whom)) for said in sentences]
    )
    return ids, torch.tensor([said.verb_at for said in sentences]), answers


# %%
class Reader(nn.Module):
    """Stem plus ending, one layer of attention, and two questions to what the verb has
    gathered.
    """

    def __init__(self, n_heads, generator, d_model=32):
        super().__init__()
        self.stem, self.ending = (
            nn.Embedding(len(stems), d_model),
            nn.Embedding(len(endings), d_model),
        )
        self.attend = MultiHeadAttention(d_model, n_heads)
        self.who, self.whom = (
            nn.Linear(d_model, len(stems), bias=False) for _ in range(2)
        )
        for name, part in self.named_parameters():
            std = 1.0 if name in ("stem.weight", "ending.weight") else d_model**-0.5
            nn.init.normal_(part, std=std, generator=generator)

    def forward(self, ids, verb_at):
        x = self.stem(ids[..., 0]) + self.ending(ids[..., 1])
        found = self.attend(x, mask=padding_mask(ids[..., 0], 0))[
            torch.arange(len(ids)), verb_at
        ]
        return self.who(found), self.whom(found)


# %% tags=["training"]
def train(n_heads, seed, steps=400):
    training, test = split_by_pairs(random.Random(seed), training=4000, test=600)
    generator = torch.Generator().manual_seed(seed)
    model, (ids, verb_at, answers) = Reader(n_heads, generator), as_tensors(training)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(steps):
        batch = torch.randint(len(ids), (64,), generator=generator)
        both = zip(model(ids[batch], verb_at[batch]), answers[batch].T, strict=True)
        loss = sum(functional.cross_entropy(scores, answer) for scores, answer in both)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.requires_grad_(False), test


# %% tags=["training"]
models = {n_heads: [train(n_heads, seed) for seed in range(3)] for n_heads in (1, 2, 4)}

# %% [markdown]
# > **Predict.** One head: how often are both answers right? Two heads?


# %% tags=["training"]
def shares(model, test):
    """How often who, whom, and both are right."""
    ids, verb_at, answers = as_tensors(test)
    right = (
        torch.stack([scores.argmax(1) for scores in model(ids, verb_at)], dim=1)
        == answers
    )
    return [*right.float().mean(0).tolist(), right.all(1).float().mean().item()]


results = {n_heads: [shares(*run) for run in runs] for n_heads, runs in models.items()}
untrained = shares(*train(2, 0, steps=0))
print("before          who, whom, both", [f"{share:.0%}" for share in untrained])
for n_heads, runs in results.items():
    for run in runs:
        print(
            f"{n_heads} head(s), a run: who, whom, both",
            [f"{share:.0%}" for share in run],
        )

# %% jupyter={"source_hidden": true}
assert untrained[2] < 0.05
assert all(both < 0.6 for _, _, both in results[1])  # one head, three runs
assert all(both > 0.85 for n_heads in (2, 4) for _, _, both in results[n_heads])

# %% [markdown]
# One head gets both right in half of the sentences at best: it mixes a wolf and a lamb and guesses which is which, or gives
# up one of the questions. Two heads with as many parameters answer nearly always, and so do four. Where do the two look?

# %%
from lib.corpora.latin import Sentence

best, _ = models[2][max(range(3), key=lambda run: results[2][run][2])]
example = Sentence(
    (("agn", "um"), ("hodie", ""), ("lup", "us"), ("videt", "")),
    verb_at=3,
    who="lup",
    whom="agn",
)
best.attend.keep_weights = True
best(*as_tensors([example], length=4)[:2])
looks = best.attend.weights[0, :, example.verb_at]  # (head, key): where videt looks

heatmap(looks, ["head 1", "head 2"], str(example).split(), digits=2)
plt.show()
# one head at agnum, the other at lupus
assert sorted(looks.argmax(1).tolist()) == [0, 2]

# %% [markdown]
# *Today the wolf sees the lamb.* One head has become the question **who**, the other **whom**. Nobody told them; the task did.
# Which head takes which is up to the random start.
#
# > **Predict.** Silence the head that looks at *lupus*. Which answers suffer?

# %% tags=["training"]
whos_head = looks[:, 2].argmax().item()
matrix = best.attend.to_out.weight
kept = matrix.clone()
matrix[:, 16 * whos_head : 16 * whos_head + 16] = 0  # W_O no longer hears this head
silenced = shares(best, test)
matrix.copy_(kept)
print("who, whom, both", [f"{share:.0%}" for share in silenced])

# %% jupyter={"source_hidden": true}
assert silenced[0] < 0.3 < 0.6 < silenced[1]

# %% [markdown]
# ## What breaks
# A sentence of nothing but padding: all of its scores are −∞. Here is attention as it is often written, without the last
# line of yours; the loss looks at the first sentence only.
#
# > **Predict.** Which gradients survive?


# %%
def careless(q, k, v, mask):
    scores = (q @ k.transpose(-2, -1)).masked_fill(~mask, float("-inf"))
    weights = scores.softmax(-1)
    return weights @ v, weights


x, to_v = torch.randn(2, 3, 4, generator=generator), nn.Linear(4, 4, bias=False)
# the second sentence is empty
mask = torch.tensor([[[True, True, True]], [[False, False, False]]])
for name, function in (("careless", careless), ("yours", attention)):
    to_v.weight.grad = None
    mixed, weights = function(x, x, to_v(x), mask)
    mixed[0].sum().backward()
    gradient = "NaN" if to_v.weight.grad.isnan().any() else "fine"
    print(f"{name:9} weights {weights[1, 0].tolist()}, gradient {gradient}")

# %% jupyter={"source_hidden": true}
assert (
    careless(x, x, x, mask)[0][1].isnan().all()
    and not attention(x, x, x, mask)[0][1].any()
)
assert (
    careless(x, x, x, mask)[1][0].isfinite().all() and to_v.weight.grad.isfinite().all()
)

# %% [markdown]
# 0 × NaN is NaN: one empty sentence that no loss even looks at destroys the matrix that all sentences share. Weights of 0
# are the safe answer, and what this course's attention gives.
#
# > **Predict.** Hide the future **after** the softmax instead of before. Is it hidden?


# %%
def masks_late(x):
    weights = (x @ x.transpose(-2, -1) / 8).softmax(-1) * causal_mask(x.shape[1])
    return weights @ x


x = torch.randn(2, 6, 64, generator=generator)
late, early = (
    future_leak(masks_late, x),
    future_leak(lambda x: attention(x, x, x, causal_mask(6))[0], x),
)
print(
    "after the softmax:",
    "leaks" if late > 1e-3 else "tight",
    "| before:",
    "leaks" if early > 1e-3 else "tight",
)
assert late > 1e-3 and early < 1e-6

# %% [markdown]
# It leaks, though no forbidden word is mixed in: the sum below the line of the softmax has seen all the scores. A model that is
# trained so can learn to read the answer there. Mask before, and test.
#
# ## What to remember
# - Heads are slices of Q, K and V: several questions at the price of one. Split, attend, join, and W_O mixes.
# - A mask says True where looking is allowed; forbidden scores become −∞ before the softmax; empty rows give 0, never NaN.
# - Test that the future cannot change the past. A leak looks like a very good model.
#
# **Next**: [06 positions](06_positions.ipynb), because Latin endings are a luxury: *the wolf sees the lamb* needs an order.
