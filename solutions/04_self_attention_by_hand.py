# %% [markdown]
# # 4 · Self-attention by hand
# After this notebook you can compute what every word of a sentence takes from every other: by hand, as loops, as
# matrices, and with matrices that learn.
#
# You need: word vectors (02), attention in a translator (03). You build: `attention`, the heart of every Transformer.
# 60 minutes, and 20 for the optional exercise.

# %%
import math
import random

import matplotlib.pyplot as plt
import torch
from torch import nn

from lib.figures import heatmap, style

style()

# %% [markdown]
# ## The question
# *Money **bank** grows. River **bank** floods.* A table of word vectors, as in notebook 02, has one row for *bank*, so
# both sentences get the same one. How can a vector depend on its neighbours?

# %%
vectors = {
    "money": [2.0, 0.0],
    "bank": [1.0, 1.0],  # a little of both
    "grows": [1.0, 0.0],
    "river": [0.0, 2.0],
    "floods": [0.0, 1.0],
}
finance, water = ["money", "bank", "grows"], ["river", "bank", "floods"]
assert vectors[finance[1]] == vectors[water[1]]

# %% [markdown]
# ## By hand
# Two numbers a word: how much finance, how much water. *Bank*, the second word, asks each word "how alike are we?": a dot
# product, the **score**.
#
# | | score with *bank* (1, 1) | e to that power | share |
# |---|---|---|---|
# | *money* (2, 0) | s21 = 1·2 + 1·0 = **2** | 7.39 | 0.42 |
# | *bank* (1, 1) | s22 = 1·1 + 1·1 = **2** | 7.39 | 0.42 |
# | *grows* (1, 0) | s23 = 1·1 + 1·0 = **1** | 2.72 | 0.16 |
# | **sum** | | 17.50 | 1.00 |

# %% [markdown]
# The exponential and the division are the **softmax**: positive **weights** that sum to 1. The new *bank* is the mix
# 0.42 · (2, 0) + 0.42 · (1, 1) + 0.16 · (1, 0) = **(1.42, 0.42)**: mostly finance.

# %% [markdown]
# ## The picture
# > **Predict.** Where does *bank* go in *river bank floods*?


# %%
def new_bank(words):
    x = torch.tensor([vectors[word] for word in words])
    return (x @ x[1]).softmax(0) @ x


figure, axes = plt.subplots(figsize=(4.6, 3.8))
for words, style_of_line in ((finance, "-"), (water, "--")):
    x, y = new_bank(words).tolist()
    axes.annotate(
        "",
        (x, y),
        (1, 1),
        arrowprops={"arrowstyle": "->", "lw": 2, "ls": style_of_line},
    )
    axes.text(x + 0.06, y + 0.05, " ".join(words), weight="bold")
for word, (x, y) in vectors.items():
    axes.plot(x, y, "o", color="grey")
    axes.text(x + 0.06, y + 0.05, word, color="grey")
axes.set(xlabel="finance", ylabel="water", xlim=(-0.2, 2.9), ylim=(-0.2, 2.4))
plt.show()

# %% [markdown]
# One *bank* in the table (grey), two in the sentences: each moves towards its neighbours. That is self-attention: every
# word's vector becomes a mix of the sentence's vectors.
#
# ## In code
# The table above, as loops.


# %%
def new_vector(i, x):
    """What position i becomes: score, softmax, mix."""
    scores = [sum(a * b for a, b in zip(x[i], other, strict=True)) for other in x]
    powers = [math.exp(score) for score in scores]
    weights = [power / sum(powers) for power in powers]
    return (
        scores,
        weights,
        sum(weight * other for weight, other in zip(weights, x, strict=True)),
    )


# (position, d_model): 3 words of 2 numbers
x = torch.tensor([vectors[word] for word in finance])
scores, weights, bank = new_vector(1, x)
print(
    "weights",
    [round(weight, 2) for weight in weights],
    "bank",
    [round(float(number), 2) for number in bank],
)
assert scores == [2, 2, 1] and torch.allclose(
    bank, torch.tensor([1.42, 0.42]), atol=0.005
)

# %% [markdown]
# Now the same in three steps, each for all words at once: scores, weights, mix.
#
# ## Exercise 4.1 · pair_scores
# From `x` (..., position, d_model) to all dot products (..., position, position): entry [i, j] says how well position i
# matches position j. No loop needed. Difficulty ●○○ · 3 minutes.
#
# <details><summary>My result has the shape (d_model, d_model)</summary>The product compares columns. Positions have to be
# the rows on the left and the columns on the right: <code>x</code>, then its transpose.</details>
# <details><summary>A batch raises an error</summary><code>.T</code> is for two axes. <code>x.transpose(-2, -1)</code> swaps
# the last two, whatever stands before them.</details>


# %% exercise="pair_scores" difficulty=1 minutes=3
def pair_scores(x):
    """The dot product of every position with every position.

    x: (..., position, d_model)
    Returns the scores (..., position, position).
    """
    ### BEGIN SOLUTION
    return x @ x.transpose(-2, -1)
    ### END SOLUTION


# %% check="pair_scores"
from lib.checks import check

pair_scores = check("pair_scores")

# %%
print(pair_scores(x))
assert pair_scores(x)[1].tolist() == scores  # the second row: s21, s22, s23

# %% [markdown]
# ## Exercise 4.2 · stable_softmax
# > **Predict.** The softmax of the scores 1000 and 999, as the loop computes it?

# %%
powers = torch.exp(torch.tensor([1000.0, 999.0]))
print(powers, powers / powers.sum())
assert (powers / powers.sum()).isnan().all()

# %% [markdown]
# Infinity over infinity is not a number. Subtracting the same number from all scores of a row changes no weight
# (above and below the line everything shrinks by the same factor), so subtract the largest.
#
# From `scores` (..., key) to weights of the same shape; each row of the last axis sums to 1. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Still NaN for some rows</summary>Each row needs its own largest score:
# <code>scores.amax(-1, keepdim=True)</code>.</details>
# <details><summary>The shapes do not fit when I divide</summary><code>keepdim=True</code> keeps a last axis of size 1, which
# stretches over the row.</details>


# %% exercise="stable_softmax" difficulty=2 minutes=8
def stable_softmax(scores):
    """Positive weights that sum to 1 over the last axis; bigger scores get more. Finite
    for any finite scores.

    scores: (..., key), at least one key
    Returns the weights (..., key).
    """
    ### BEGIN SOLUTION
    # subtle: subtracting the same number everywhere changes no weight
    largest = scores.amax(-1, keepdim=True)
    powers = torch.exp(scores - largest)  # at most e⁰ = 1: nothing overflows
    return powers / powers.sum(-1, keepdim=True)
    ### END SOLUTION


# %% check="stable_softmax"
from lib.checks import check

stable_softmax = check("stable_softmax")

# %% [markdown]
# ## Exercise 4.3 · simple_self_attention
# All three steps: from `x` (..., position, d_model) to the new vectors (..., position, d_model) and the weights (...,
# position, position). `.softmax(-1)` is yours to use. Difficulty ●○○ · 3 minutes.
#
# <details><summary>Which axis?</summary>Row i belongs to position i: its weights for all others sum to 1, so the softmax
# runs along the row, the last axis.</details>


# %% exercise="simple_self_attention" difficulty=1 minutes=3
def simple_self_attention(x):
    """Every position becomes a mix of all positions, weighted by similarity. Nothing is
    learned.

    x: (..., position, d_model)
    Returns the new vectors (..., position, d_model) and the weights (..., position,
    position).
    """
    ### BEGIN SOLUTION
    weights = (x @ x.transpose(-2, -1)).softmax(-1)
    return weights @ x, weights
    ### END SOLUTION


# %% check="simple_self_attention"
from lib.checks import check

simple_self_attention = check("simple_self_attention")

# %%
new, _ = simple_self_attention(x)
by_loops = torch.stack([new_vector(i, x)[2] for i in range(3)])
assert torch.allclose(new, by_loops)
assert torch.allclose(new[1], bank)

# %% [markdown]
# ### YOUR CAT IS A LOVELY CAT
# Six words, five different ones, with random vectors.
#
# > **Predict.** Which two rows of the 6 × 6 matrix are equal? Where is it brightest?

# %%
generator = torch.Generator().manual_seed(2)
words = ["YOUR", "CAT", "IS", "A", "LOVELY", "CAT"]
table = {
    word: 0.6 * torch.randn(8, generator=generator) for word in dict.fromkeys(words)
}
cat = torch.stack([table[word] for word in words])  # (position, d_model)
new, weights = simple_self_attention(cat)

assert torch.allclose(weights.sum(-1), torch.ones(6))  # every row sums to 1
assert torch.allclose(weights[1], weights[5])  # both CATs: nothing says which is first
# the diagonal is strong
assert all(weights[i, i] > weights[i].max() - 1e-6 for i in range(6))
heatmap(weights, words, words, digits=2)
plt.xlabel("looks at")
plt.ylabel("word")
plt.show()

# %% [markdown]
# Read a row from left to right: what that word takes from each. Rows sum to 1, columns need not. The two CATs have equal
# rows: they have equal vectors, and attention does not know their places.
#
# ### Why the diagonal is strong
# A vector's score with itself is its squared length. It grows with the number of dimensions; the score with a stranger
# is as often negative as positive.

# %%
kept = {}
for d_model in (2, 8, 32, 128):
    many = torch.randn(200, 6, d_model, generator=generator)
    kept[d_model] = (
        simple_self_attention(many)[1].diagonal(dim1=-2, dim2=-1).mean().item()
    )
    print(
        f"d_model {d_model:3}: "
        f"a word keeps {kept[d_model]:.2f} of its attention for itself"
    )
assert kept[2] < 0.7 and kept[128] > 0.99

# %% [markdown]
# In 128 dimensions random words see nothing but themselves. Two cures follow below: other vectors for asking than for
# answering, and smaller scores.
#
# ### Order does not exist
# > **Predict.** Shuffle the words. What happens to the new vectors?

# %%
shuffled = torch.tensor([3, 0, 5, 1, 4, 2])
assert torch.allclose(simple_self_attention(cat[shuffled])[0], new[shuffled], atol=1e-6)

# %% [markdown]
# They are the same vectors, shuffled (*permutation equivariant*). To attention a sentence is a bag of words. Notebook 06
# gives words a place.
#
# ### A piece of cake
# *She ate a piece of cake* needs *cake* to be food. *The exam was a piece of cake* needs *piece of cake* to mean easy. Can
# attention without parameters tell them apart?

# %%
sentences = [
    line.split() for line in ("she ate a piece of cake", "the exam was a piece of cake")
]
table = {
    word: torch.randn(8, generator=generator) for words in sentences for word in words
}
ratios = []
for words in sentences:
    vectors_of_words = torch.stack([table[word] for word in words])
    scores = pair_scores(vectors_of_words)
    weights = stable_softmax(scores)
    ratios.append(
        weights[words.index("cake"), words.index("piece")]
        / weights[words.index("cake"), words.index("of")]
    )
    # whoever looks is looked at, with the same score
    assert torch.allclose(scores, scores.T)
assert torch.allclose(ratios[0], ratios[1])

# %% [markdown]
# *Cake* splits its attention between *piece* and *of* in the same ratio in both sentences, and *exam* finds *cake* exactly
# as interesting as *cake* finds *exam*. No task can change that: there is nothing to learn. So give it something.
#
# (What will learning change? Looking need no longer be mutual. The equal ratio, however, stays as long as there is one layer and
# one vector for each word: *cake* asks the same question in both sentences. It takes a second layer, in which *cake* has
# already seen *ate* or *exam*, to ask differently.)
#
# ### Query, key, value: a group chat
# In a chat everyone has three roles: what I **ask** (query), what I am **known for** (key), what I **say** (value). Ana asks
# for a charger and has a ticket; Ben asks for notes and has a charger; Cleo asks for a ticket and has notes.

# %%
friends = ["Ana", "Ben", "Cleo"]
x = torch.eye(3)  # three people, nothing but themselves
# asks for: charger, notes, ticket
w_query = 4 * torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
# has: ticket, charger, notes
w_key = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
w_value = torch.tensor([[101.0], [205.0], [307.0]])  # says: "come to room ..."

queries, keys, values = x @ w_query, x @ w_key, x @ w_value
weights = stable_softmax(queries @ keys.T)
# Ana finds Ben, Ben finds Cleo, Cleo finds Ana
assert weights.argmax(1).tolist() == [1, 2, 0]

# %%
heatmap(weights, friends, friends, digits=2)
plt.xlabel("is known for it (key)")
plt.ylabel("asks (query)")
plt.show()
print("rooms heard:", [round(room) for room in (weights @ values).flatten().tolist()])
# asking and being asked are no longer the same
assert not torch.allclose(weights, weights.T)

# %% [markdown]
# Ana looks at Ben, and Ben does not look back. She hears about room 205, blurred by a little of everyone else's. Three
# matrices made the roles; here we wrote them, in a Transformer they are learned.
#
# ### Why divide by √d_head
# A score is a sum of d_head products. If queries and keys have independent entries with mean 0 and variance 1, each product
# has variance 1, and variances of independent numbers add up.
#
# > **Predict.** The variance of a score for d_head = 4, 64, 1024?

# %%
sizes = [4, 16, 64, 256, 1024]
variance, largest, slope = [], {"plain": [], "scaled": []}, {"plain": [], "scaled": []}
for d_head in sizes:
    q = torch.randn(1000, 1, d_head, generator=generator)
    # 1000 queries with 16 keys each
    scores = (q @ torch.randn(1000, d_head, 16, generator=generator)).squeeze(1)
    variance.append(scores.var().item())
    for name, scale in (("plain", 1), ("scaled", math.sqrt(d_head))):
        weights = stable_softmax(scores / scale)
        largest[name].append(weights.max(-1).values.mean().item())
        slope[name].append((weights * (1 - weights)).sum(-1).mean().item())

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3))
left.loglog(sizes, variance, "o-", base=2)
left.set(xlabel="d_head", ylabel="variance of a score")
for name, line in (("plain", "o-"), ("scaled", "s--")):
    right.semilogx(sizes, largest[name], line, base=2, label=name)
right.set(xlabel="d_head", ylabel="largest of 16 weights", ylim=(0, 1.05))
right.legend()
plt.show()
# the variance is d_head
assert all(abs(v / d - 1) < 0.1 for v, d in zip(variance, sizes, strict=True))
assert largest["plain"][-1] > 0.9 and max(largest["scaled"]) < 0.3
assert slope["scaled"][-1] > 10 * slope["plain"][-1]

# %% [markdown]
# The variance is d_head, so scores spread over ±√d_head. Unscaled, one of 16 weights takes nearly everything, and a softmax
# that has made up its mind has a flat slope: it stops learning. Divided by √d_head, scores have variance 1 at any size.
#
# ## Exercise 4.4 · attention
# softmax(QKᵀ/√d_head)·V: return the mix and the weights. Where `mask` is False, looking is forbidden: score −∞ before the
# softmax. A query that may look nowhere gets weights 0. Gradients must flow to q, k and v, and stay finite for such a query
# too: later notebooks train through this function. Shapes: in the docstring. Difficulty ●●○ · 12 minutes.
#
# <details><summary>How do I use the mask?</summary><code>scores.masked_fill(~mask, -math.inf)</code>: e to the power of
# −∞ is 0, so those keys get no weight. Notebook 05 is about masks.</details>
# <details><summary>NaN where nothing is allowed</summary>A row of nothing but −∞ is 0/0. Fill the weights of forbidden keys
# with 0 once more, after the softmax.</details>
# <details><summary>Which d_head?</summary>The last size of <code>q</code>: how many products a score sums up.</details>


# %% exercise="attention" difficulty=2 minutes=12
def attention(q, k, v, mask=None):
    """Mix the values by how well each query matches each key (Vaswani et al. 2017, eq.
    1).

    q: (..., query, d_head)    k: (..., key, d_head)    v: (..., key, d_value)
    mask: bool, broadcastable to (..., query, key), True where looking is allowed; None:
    everywhere Returns the mixed values (..., query, d_value) and the weights (...,
    query, key). A row of weights sums to 1; where the mask allows no key at all,
    weights and mix are 0. Gradients flow to q, k and v and are finite.
    """
    ### BEGIN SOLUTION
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        # subtle: a row of nothing but -inf has become NaN
        weights = weights.masked_fill(~mask, 0.0)
    return weights @ v, weights
    ### END SOLUTION


# %% check="attention"
from lib.checks import check

attention = check("attention")

# %% [markdown]
# PyTorch has the same function. Yours agrees with it, mask included:

# %%
q, k, v = (torch.randn(2, 5, 8, generator=generator) for _ in range(3))
mask = torch.rand(5, 5, generator=generator) > 0.3
theirs = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
assert torch.allclose(attention(q, k, v, mask)[0], theirs, atol=1e-6)

# %% [markdown]
# ## Question 4.1 · weights_shape
# A batch of 2 sentences of 6 words each. In every sentence 4 queries look at the words. Queries and keys have 8 numbers each,
# values have 5. Which shape have the weights that `attention` returns? Work it out on paper, then write it as a tuple.

# %% question="weights_shape"
### BEGIN SOLUTION
weights_shape = (2, 4, 6)
### END SOLUTION

# %% check="weights_shape"
from lib.checks import check

weights_shape = check("weights_shape")

# %% [markdown]
# ## Exercise 4.5 · SelfAttention
# One head. Three `nn.Linear` layers without bias, `to_q`, `to_k`, `to_v`, each from d_model to d_head numbers; `forward`
# returns what `attention` returns. Gradients must flow to the vectors and to the three matrices: the head is trained below.
# Difficulty ●●○ · 8 minutes.
#
# <details><summary>It has no parameter `to_q.weight`</summary>The check looks for these names: <code>self.to_q =
# nn.Linear(d_model, d_head, bias=False)</code>.</details>


# %% exercise="SelfAttention" difficulty=2 minutes=8
class SelfAttention(nn.Module):
    """One head: the same vectors are asked (query), compared (key) and mixed (value)
    through three learned matrices.
    """

    def __init__(self, d_model, d_head):
        super().__init__()
        ### BEGIN SOLUTION
        self.to_q = nn.Linear(d_model, d_head, bias=False)
        self.to_k = nn.Linear(d_model, d_head, bias=False)
        self.to_v = nn.Linear(d_model, d_head, bias=False)
        ### END SOLUTION

    def forward(self, x, mask=None):
        """x: (..., position, d_model). Returns the mix (..., position, d_head) and the
        weights (..., query, key).

        mask: as in `attention`. Gradients flow to x and to the three matrices.
        """
        ### BEGIN SOLUTION
        return attention(self.to_q(x), self.to_k(x), self.to_v(x), mask)
        ### END SOLUTION


# %% check="SelfAttention"
from lib.checks import check

SelfAttention = check("SelfAttention")

# %%
head = SelfAttention(d_model=8, d_head=4)
mixed, weights = head(cat)
print(
    tuple(mixed.shape),
    sum(part.numel() for part in head.parameters()),
    "numbers to learn",
)
assert sum(part.numel() for part in head.parameters()) == 3 * 8 * 4

# %% [markdown]
# ## Exercise 4.6 · attention_gradient
# Optional. `upstream` (..., query, d_value) is the loss's gradient for each mixed value. Return the gradients for q, k, v,
# without autograd (the check switches it off) and without a mask. Difficulty ●●● · 20 minutes.
#
# Start at the end. The mix is W·V, so V gets Wᵀ·upstream, and the weights get upstream·Vᵀ. Then the softmax:
# ∂wᵢ/∂sⱼ = wᵢ·(1 if i = j, else 0) − wᵢ·wⱼ. Then the scores.
#
# <details><summary>Back through the softmax</summary>Summed over i: wⱼ·(gⱼ − Σᵢ wᵢgᵢ), where g is the gradient for the
# weights. Each row loses its own weighted average: only differences between keys count.</details>
# <details><summary>Gradients for q and k too large</summary>The scores were divided by √d_head on the way forward; so are
# their gradients on the way back.</details>


# %% exercise="attention_gradient" difficulty=3 minutes=20
def attention_gradient(q, k, v, upstream):
    """What backpropagation does in attention without a mask, by hand: autograd is not
    used.

    q: (..., query, d_head)
    k: (..., key, d_head)
    v: (..., key, d_value)
    upstream: (..., query, d_value)
    Returns the gradients of the loss for q, k and v, each of its own shape.
    """
    ### BEGIN SOLUTION
    scale = 1 / math.sqrt(q.shape[-1])
    weights = (q @ k.transpose(-2, -1) * scale).softmax(-1)
    for_v = weights.transpose(-2, -1) @ upstream
    for_weights = upstream @ v.transpose(-2, -1)
    # the weights of a row sum to 1: only differences count
    average = (weights * for_weights).sum(-1, keepdim=True)
    for_scores = weights * (for_weights - average)
    return for_scores @ k * scale, for_scores.transpose(-2, -1) @ q * scale, for_v
    ### END SOLUTION


# %% check="attention_gradient"
from lib.checks import check

attention_gradient = check("attention_gradient")

# %%
q, k, v = (torch.randn(5, 8, generator=generator, requires_grad=True) for _ in range(3))
upstream = torch.randn(5, 8, generator=generator)
by_autograd = torch.autograd.grad(attention(q, k, v)[0], (q, k, v), upstream)
for mine, theirs in zip(
    attention_gradient(q, k, v, upstream), by_autograd, strict=True
):
    assert torch.allclose(mine, theirs, atol=1e-5)

# %% [markdown]
# ## On real text
# *He ate the apple because it was tasty.* What was tasty? One trained head has to find out, in a small world of made
# sentences. Pairs such as (apple, tasty) are kept out of training.

# %%
from lib.corpora.pronouns import all_sentences, split_by_pairs

training, test = split_by_pairs(random.Random(0), training=2000, test=600)
for sentence in test[:4]:
    print(" ".join(sentence.words), "→", sentence.words[sentence.meant])
assert not {sentence.pair for sentence in training} & {
    sentence.pair for sentence in test
}

# %% [markdown]
# Each sentence has two nouns that *it* could mean; each last word fits one kind of noun. The model is told the right noun,
# never where to look. It asks at the **last** word, and answers with a word of the vocabulary.

# %%
number = {
    word: i
    for i, word in enumerate(
        ["", *sorted({w for s in all_sentences() for w in s.words})]
    )
}
longest = max(len(sentence.words) for sentence in all_sentences())


def pad(words):
    # on the left: the last word is always at the end
    return [""] * (longest - len(words)) + list(words)


def as_ids(sentences):
    return torch.tensor(
        [[number[word] for word in pad(sentence.words)] for sentence in sentences]
    )


def answers(sentences):
    return torch.tensor(
        [number[sentence.words[sentence.meant]] for sentence in sentences]
    )


# %%
class Finder(nn.Module):
    """Embed, attend once, answer from what the asking word has found."""

    def __init__(self, generator, d_model=32, d_head=16):
        super().__init__()
        self.embed = nn.Embedding(len(number), d_model)
        self.head = SelfAttention(d_model, d_head)
        self.answer = nn.Linear(d_head, len(number), bias=False)
        for part in self.parameters():
            nn.init.normal_(part, std=part.shape[-1] ** -0.5, generator=generator)

    def forward(self, ids, asks=None):
        """ids (batch, position), asks: the word that asks. Returns scores for each
        answer, and where it looked.
        """
        asking = (
            torch.full((len(ids),), longest - 1)
            if asks is None
            else (ids == number[asks]).int().argmax(1)
        )
        mixed, weights = self.head(self.embed(ids), (ids != 0)[:, None, :])
        rows = torch.arange(len(ids))
        return self.answer(mixed[rows, asking]), weights[rows, asking]


# %% tags=["training"]
def train(seed, steps=300, asks=None):
    training, test = split_by_pairs(random.Random(seed), training=2000, test=600)
    generator = torch.Generator().manual_seed(seed)
    model, ids, right = Finder(generator), as_ids(training), answers(training)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        batch = torch.randint(len(ids), (64,), generator=generator)
        loss = nn.functional.cross_entropy(model(ids[batch], asks)[0], right[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.requires_grad_(False), test


models = {asks: [train(seed, asks=asks) for seed in range(3)] for asks in (None, "it")}

# %% [markdown]
# > **Predict.** Held-out pairs, two candidate nouns: how often right before training? After?


# %% tags=["training"]
def accuracy(model, test, asks=None):
    """Right answers; how often the largest weight lies on the noun that is meant."""
    scores, weights = model(as_ids(test), asks)
    places = torch.tensor(
        [sentence.meant + longest - len(sentence.words) for sentence in test]
    )
    right = scores.argmax(1) == answers(test), weights.argmax(1) == places
    return [share.float().mean().item() for share in right]


untrained = accuracy(*train(0, steps=0))
trained = [accuracy(*model) for model in models[None]]
print("before", [f"{share:.0%}" for share in untrained])
print("after ", [[f"{share:.0%}" for share in seed] for seed in trained])

# %% jupyter={"source_hidden": true}
assert max(untrained) < 0.2
assert all(right > 0.95 for right, _ in trained)  # the answer, three seeds
# the largest weight on the noun that is meant
assert all(looked > 0.75 for _, looked in trained)

# %% [markdown]
# From a wild guess to nearly always right on pairs that were never trained, in all three runs. The largest weight lies on
# the noun that is meant most of the time, though nobody said where to look.


# %%
def look(model, line, asks=None):
    """The answer, and the weight of each word of the line for the word that asks."""
    scores, weights = model(
        torch.tensor([[number[word] for word in pad(line.split())]]), asks
    )
    return list(number)[scores.argmax()], weights[0, longest - len(line.split()) :]


def show(rows, looks, columns):
    heatmap(torch.stack([weights for _, weights in looks]), rows, columns)
    plt.show()


# %%
tired, wide = (
    f"the fox did not cross the road because it was too {last}"
    for last in ("tired", "wide")
)
best = max(range(3), key=lambda run: trained[run][1])
fox, road = (look(models[None][best][0], line) for line in (tired, wide))
show(["tired", "wide"], [fox, road], [*tired.split()[:-1], "(last)"])
assert (fox[0], fox[1].argmax()) == ("fox", 1) and (road[0], road[1].argmax()) == (
    "road",
    6,
)

# %% [markdown]
# One row a sentence, only the last word differs: *tired* looks at the fox, *wide* at the road. Neither pair was trained.
# And the apple? One row for each of the three runs:

# %%
line = "he ate the apple because it was tasty"
apples = [look(model, line) for model, _ in models[None]]
show(["run 1", "run 2", "run 3"], apples, line.split())
assert [answer for answer, _ in apples] == ["apple"] * 3
assert any(weights.argmax() == 3 for _, weights in apples)

# %% [markdown]
# All three say *apple*. Not every run has to look there: where *ate* is bright instead, the run has found a detour ("eaten,
# and no other food found: apple"). And in this closed world kinds of nouns never mix. It is a lesson, not English.
#
# ## What breaks
# Ask at *it* instead of the last word, and train again.
#
# > **Predict.** The query of *it* is made from the vector of *it*, the same in every sentence. Where does *it* look now?

# %% tags=["training"]
at_it = [accuracy(*model, asks="it") for model in models["it"]]
print([[f"{share:.0%}" for share in seed] for seed in at_it])
it_tired, it_wide = (look(models["it"][0][0], line, "it") for line in (tired, wide))
show(["tired", "wide"], [it_tired, it_wide], [*tired.split()[:-1], "(last)"])

# %%
assert all(right > 0.7 for right, _ in at_it) and all(
    looked < 0.6 for _, looked in at_it
)
ratios = [weights[1] / weights[6] for _, weights in (it_tired, it_wide)]
assert torch.allclose(*ratios, rtol=1e-3)  # fox against road: the same, tired or wide

# %% [markdown]
# It still answers well, but it no longer *looks*: *fox* and *road* share its attention in one fixed ratio, tired or wide. It
# collects the nouns and the last word in one bag, and the answer matrix does the rest. A right answer does not prove a right
# look.
#
# > **Predict.** *The road did not cross the fox because it was too tired.* Who was tired?

# %%
turned = look(
    models[None][best][0], "the road did not cross the fox because it was too tired"
)
difference = (turned[1].sort().values - fox[1].sort().values).abs().max().item()
assert turned[0] == "fox" and difference < 1e-5

# %% [markdown]
# The same answer, the same weights: who crosses what is lost with the order of the words. That is fine for this task, and
# fatal for *the cat ate the fish* against *the fish ate the cat*. Notebook 06 mends it.
#
# ## What to remember
# - Attention: scores (dot products), softmax, mix. Rows sum to 1. Without order, without parameters, it is only similarity.
# - Three matrices make roles: query asks, key is found, value is said. They are all that a head learns.
# - Divide by √d_head, or the softmax saturates and stops learning.
#
# **Next**: [05 multi-head attention and masks](05_multi_head_attention_and_masks.ipynb), because a word has more than one
# question.
