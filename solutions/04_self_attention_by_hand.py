# %% [markdown]
# # 4 · Self-attention by hand
# After this notebook you can compute what every word of a sentence takes from every other one: by hand, as loops, as
# matrices, and with matrices that learn; and you can read the one formula that every Transformer is built on.
#
# You need: word vectors (02), attention in a translator (03). You build: `attention`, the heart of every Transformer, and
# its gradient. 140 minutes, of which 20 are for the last exercise, which is optional.

# %%
import math
import random
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from lib.figures import heatmap, style, transformer_map
from lib.positions import sinusoidal_positions

style()
plt.rcParams["figure.dpi"] = 95  # many pictures: the file stays small
torch.set_num_threads(1)  # matrices this small gain nothing from a second thread

# %% [markdown]
# ## The question
# *Money **bank** grows. River **bank** floods.* A table of word vectors, as in notebook 02, has one row for *bank*, so both
# sentences get the same vector: it is a **static embedding**. But the two banks have nothing in common except their
# letters. What we want is a **contextual embedding**: a vector for *this* bank in *this* sentence. How can the vector of a
# word depend on its neighbours?
#
# We invent vectors with two numbers, how much finance there is in a word and how much water. *Bank* has a little of both.

# %%
vectors = {
    "money": [2.0, 0.0],
    "bank": [1.0, 1.0],
    "grows": [1.0, 0.0],
    "river": [0.0, 2.0],
    "floods": [0.0, 1.0],
}
finance, water = ["money", "bank", "grows"], ["river", "bank", "floods"]
assert vectors[finance[1]] == vectors[water[1]]

# %% [markdown]
# ## By hand
# In notebook 03, the decoder of a translator looked back at the words of another sentence. Here a sentence looks at
# *itself*: this is **self-attention**. It takes three steps. Take *bank* in *money bank grows*.
#
# 1. **Scores.** *Bank* asks each word, itself included: how alike are we? The answer is a number, the **score**: the dot
#    product of the two vectors.
# 2. **Softmax.** The scores become **weights**, positive numbers that sum to 1. e to the power of a score is its **softmax
#    numerator**, the sum of all numerators is the **softmax denominator**, and numerator divided by denominator is the weight.
# 3. **Mix.** The new *bank* is the **weighted sum** of all three vectors.
#
# | | score with *bank* (1, 1) | numerator: e to that power | weight |
# |---|---|---|---|
# | *money* (2, 0) | s₂₁ = 1·2 + 1·0 = **2** | 7.39 | 7.39 / 17.50 = **0.42** |
# | *bank* (1, 1) | s₂₂ = 1·1 + 1·1 = **2** | 7.39 | 7.39 / 17.50 = **0.42** |
# | *grows* (1, 0) | s₂₃ = 1·1 + 1·0 = **1** | 2.72 | 2.72 / 17.50 = **0.16** |
# | **sum** | | denominator 17.50 | 1.00 |
#
# The new *bank* is 0.42 · (2, 0) + 0.42 · (1, 1) + 0.16 · (1, 0) = **(1.42, 0.42)**: mostly finance. The index of s₂₁ says who asks (the second word) and who is asked (the first). (In code we count from 0.)

# %% [markdown]
# ## The picture

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.6), width_ratios=[2.5, 1])
axes, grey = panels[0], "#555555"
rows = [
    (5.0, "vectors", ["(2, 0)", "(1, 1)", "(1, 0)"], "#cfe0fc"),
    (4.0, "score: dot product\nwith bank (1, 1)", ["2", "2", "1"], "#e8e8e8"),
    (3.0, "numerator: e to\nthat power", ["7.39", "7.39", "2.72"], "#e8e8e8"),
    (2.0, "weight: divided\nby 17.50", ["0.42", "0.42", "0.16"], "#ffe3c2"),
    (1.0, "weight × vector", ["(0.84, 0)", "(0.42, 0.42)", "(0.16, 0)"], "#cfe0fc"),
]
for height, label, values, colour in rows:
    axes.text(2.6, height, label, ha="right", va="center", fontsize=8, color=grey)
    for column, value in enumerate(values):
        corner = (2.9 + 1.7 * column, height - 0.27)
        axes.add_patch(plt.Rectangle(corner, 1.4, 0.54, color=colour))
        axes.text(corner[0] + 0.7, height, value, ha="center", va="center", fontsize=9)
        ends = (corner[0] + 0.7, height - 0.73), (corner[0] + 0.7, height - 0.27)
        if height > 1:
            axes.annotate("", *ends, arrowprops={"arrowstyle": "->", "color": grey})
        else:
            end = (5.3, 0.32)
            axes.annotate(
                "", end, ends[1], arrowprops={"arrowstyle": "->", "color": grey}
            )
shapes = {
    5: "(position, d_model) = (3, 2)",
    4: "(key,) = (3,)",
    3: "(3,)",
    2: "(3,)",
    1: "(3, 2)",
}
for height, shape in shapes.items():
    axes.text(8.0, height, shape, va="center", fontsize=7, color=grey)
for column, word in enumerate(finance):
    axes.text(3.6 + 1.7 * column, 5.42, word, ha="center", weight="bold", fontsize=9)
axes.add_patch(plt.Rectangle((4.3, -0.22), 2.0, 0.54, color="#f3cfe0"))
axes.text(5.3, 0.05, "(1.42, 0.42)", ha="center", va="center", fontsize=9)
axes.text(
    2.6, 0.05, "sum: the new bank", ha="right", va="center", fontsize=8, color=grey
)
axes.text(8.0, 0.05, "(d_model,) = (2,)", va="center", fontsize=7, color=grey)
axes.set(xlim=(0.2, 10.4), ylim=(-0.4, 5.8))
axes.axis("off")


transformer_map(panels[1], numbers=False, lit=("self-attention",))
plt.show()

# %% [markdown]
# Read it from top to bottom. Each word is a column. It gives its vector twice: once to be compared (the score), and once
# to be mixed (weight × vector). On the right is the whole Transformer, with today's part lit.
#
# > **Predict.** Where does *bank* go in *river bank floods*?


# %%
def new_bank(words):
    x = torch.tensor([vectors[word] for word in words])
    return (x @ x[1]).softmax(0) @ x


print("money bank grows", [round(number, 2) for number in new_bank(finance).tolist()])
print("river bank floods", [round(number, 2) for number in new_bank(water).tolist()])

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(4.6, 3.6))
for words, line in ((finance, "-"), (water, "--")):
    end = new_bank(words).tolist()
    arrow = {"arrowstyle": "->", "lw": 2, "ls": line}
    axes.annotate("", end, (1, 1), arrowprops=arrow)
    axes.text(end[0] + 0.06, end[1] + 0.05, " ".join(words), weight="bold")
for word, (a, b) in vectors.items():
    axes.plot(a, b, "o", color="grey")
    axes.text(a + 0.06, b + 0.05, word, color="dimgrey")
axes.set(xlabel="finance", ylabel="water", xlim=(-0.2, 2.9), ylim=(-0.2, 2.4))
plt.show()

# %% [markdown]
# The grey dots are the static embeddings. From the one *bank* of the table an arrow leads to each of the two contextual ones:
# each has moved towards its neighbours.
#
# ## In code
# The table above, as loops.


# %%
def new_vector(i, x):
    """What position i becomes: scores, softmax, mix."""
    scores = [sum(a * b for a, b in zip(x[i], other, strict=True)) for other in x]
    numerators = [math.exp(score) for score in scores]
    weights = [numerator / sum(numerators) for numerator in numerators]
    mix = sum(weight * other for weight, other in zip(weights, x, strict=True))
    return scores, weights, mix


# (position, d_model): 3 words of 2 numbers
x = torch.tensor([vectors[word] for word in finance])
scores, weights, bank = new_vector(1, x)
print("weights", [round(weight, 2) for weight in weights])
print("bank", [round(number, 2) for number in bank.tolist()])

# %% jupyter={"source_hidden": true}
assert (
    scores == [2, 2, 1] and abs(math.exp(2) + math.exp(2) + math.exp(1) - 17.50) < 0.005
)
assert [round(weight, 2) for weight in weights] == [0.42, 0.42, 0.16]
assert torch.allclose(bank, torch.tensor([1.42, 0.42]), atol=0.005)
assert torch.allclose(new_bank(finance), bank)

# %% [markdown]
# Loops are slow, and nobody writes attention like this. We build it up again, now with matrices: first an average, then
# weights that depend on the words, then weights that are learned.
#
# ## An average is a product of matrices
# The plainest way to let a word know its neighbours is the **mean** of all vectors of the sentence. In *money bank grows*
# it is (4/3, 1/3) = (1.33, 0.33). A mean is a weighted sum whose weights are all equal. Write the weights as a matrix,
# with a row for each word that *receives* and a column for each word that *gives*. Then the mix is one product of two
# matrices, (position, position) times (position, d_model):
#
# $$\begin{pmatrix} 1/3 & 1/3 & 1/3 \\ 1/3 & 1/3 & 1/3 \\ 1/3 & 1/3 & 1/3 \end{pmatrix}
# \begin{pmatrix} 2 & 0 \\ 1 & 1 \\ 1 & 0 \end{pmatrix}
# = \begin{pmatrix} 1.33 & 0.33 \\ 1.33 & 0.33 \\ 1.33 & 0.33 \end{pmatrix}$$
#
# In symbols: with w_ij for the weight that word i gives to word j, and x_j for the vector of word j, the new vector of
# word i is
#
# $$y_i = \sum_j w_{ij}\, x_j \qquad\text{for all } i \text{ at once:}\qquad Y = W X$$
#
# A model that *writes*, such as GPT, must not look at words that it has not written yet. It would take the mean of the words
# **so far**: row i of W has the weight 1 / (i + 1) in the columns 0 to i, and 0 after them. For three words the rows are
# (1, 0, 0), (1/2, 1/2, 0) and (1/3, 1/3, 1/3), so the second word becomes (1/2) · (2, 0) + (1/2) · (1, 1) = (1.5, 0.5).
#
# ## Exercise 4.1 · average_so_far
# From `x` (..., position, d_model) to the means (..., position, d_model) of each position and all before it, and the weights
# (position, position). One product of matrices gives all means; any other way to them will do as well. Difficulty ●○○ · 6 minutes.
#
# <details><summary>How do I get ones below the diagonal, and zeros above it?</summary><code>torch.ones(n, n).tril()</code>
# ("triangle, lower") keeps the diagonal and what is below it. <code>x.new_ones(n, n)</code> has the dtype of
# <code>x</code>.</details>
# <details><summary>My rows do not sum to 1</summary>Divide each row by its own sum: <code>.sum(-1,
# keepdim=True)</code> is a column that stretches over the row. Without <code>keepdim</code> it lies across and
# divides the columns.</details>
# <details><summary>Where are the positions when there is a batch?</summary>Always the last axis but one,
# <code>x.shape[-2]</code>. The product <code>weights @ x</code> treats all axes before it as a batch.</details>


# %% exercise="average_so_far" difficulty=1 minutes=6
def average_so_far(x):
    """Every position becomes the mean of itself and all positions before it: attention
    whose weights are fixed.

    x: (..., position, d_model), at least one position

    Returns the means (..., position, d_model) and the weights (position, position):
    row i holds 1 / (i + 1) in the columns 0 to i, and 0 after them.
    """
    ### BEGIN SOLUTION
    seen = x.new_ones(x.shape[-2], x.shape[-2]).tril()
    weights = seen / seen.sum(-1, keepdim=True)
    return weights @ x, weights
    ### END SOLUTION


# %% check="average_so_far"
from lib.checks import check

average_so_far = check("average_so_far")

# %%
means, weights = average_so_far(x)
print(means)
assert torch.allclose(means[1], torch.tensor([1.5, 0.5]))
assert torch.allclose(means[2], x.mean(0))

# %% [markdown]
# ## From an average to attention
# What is wrong with an average? It cannot choose: a filler word counts as much as *money*. Say that *the* and *in* have
# the vector (0, 0). In *the money in the bank grows* the mean falls to (4/6, 1/6) = (0.67, 0.17), one half of what it
# was.
#
# With attention, *bank* asks. A filler word has the score 0 and the numerator e⁰ = 1, next to 7.39 for *money*. The
# denominator is 1 + 7.39 + 1 + 1 + 7.39 + 2.72 = 20.50, and the new *bank* is (1.21, 0.36), not far from (1.42, 0.42).

# %%
long = ["the", "money", "in", "the", "bank", "grows"]
x_long = torch.tensor([vectors.get(word, [0.0, 0.0]) for word in long])
everyone = torch.full((6, 6), 1 / 6)
so_far = average_so_far(x_long)[1]
by_score = (x_long @ x_long.T).softmax(-1)

# %% jupyter={"source_hidden": true}
assert torch.allclose(
    everyone @ x_long, torch.tensor([0.67, 0.17]).expand(6, 2), atol=0.005
)
assert torch.allclose((by_score @ x_long)[4], torch.tensor([1.21, 0.36]), atol=0.005)
assert abs(3 + 2 * math.exp(2) + math.e - 20.50) < 0.005
names = {"mean of all": everyone, "mean so far": so_far, "by score": by_score}
figure, panels = plt.subplots(1, 3, figsize=(8.6, 3.1), sharey=True)
for axes, (title, matrix) in zip(panels, names.items(), strict=True):
    image = axes.imshow(matrix, cmap="cividis", vmin=0, vmax=1)
    axes.set_xticks(range(6), long, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(6), long, fontsize=8)
    axes.set(title=title, xlabel="gives (key)")
panels[0].set_ylabel("receives (query)")
figure.colorbar(image, ax=panels, shrink=0.8)
plt.show()

# %% [markdown]
# Three matrices of weights for one sentence: each row receives, each column gives, each row sums to 1. *Left:* the mean
# of all. *Middle:* nothing is taken from later words. *Right:* the row of *bank* is brightest at *money* and *bank*;
# the rows of the filler words are even, because their scores are 0 with everybody.
#
# So **the softmax of equal scores is the average**. And the mean so far is attention with the score 0 for what stands before,
# and −∞ for what stands after, because e to the power of −∞ is 0. Both means are attention whose scores do not depend on the
# words:

# %%
nothing = torch.zeros(6, 6)
assert torch.allclose(nothing.softmax(-1), everyone)
later = torch.ones(6, 6).triu(1).bool()  # above the diagonal
assert torch.allclose(nothing.masked_fill(later, -math.inf).softmax(-1), so_far)

# %% [markdown]
# ## Softmax
# The **softmax** turns any n numbers s₁ … s_n into weights:
#
# $$w_j = \frac{e^{s_j}}{\sum_{k=1}^{n} e^{s_k}}$$
#
# Above the line is the numerator of word j, below it the denominator, which all words of the row share. Why e to the
# power? Scores may be negative, and weights must not be. The exponential is positive, keeps the order, and has a slope
# everywhere, so that gradients can flow through it. It is "soft" because the others keep something: all the weight on the
# largest score would be a hard choice, without a slope.
#
# ## Question 4.1 · score_gap
# Two words a and b stand in the same row. By how much must the score of a be above the score of b so that a gets
# **twice** the weight of b? Two digits are enough. 3 minutes.

# %% question="score_gap" difficulty=1 minutes=3
### BEGIN SOLUTION
score_gap = math.log(2)
### END SOLUTION

# %% check="score_gap"
from lib.checks import check

score_gap = check("score_gap")

# %% [markdown]
# The formula has a practical problem.
#
# > **Predict.** The scores are 1000 and 999. What does the formula give if a computer evaluates it as it stands?

# %%
numerators = torch.exp(torch.tensor([1000.0, 999.0]))
print(numerators, numerators / numerators.sum())
assert (numerators / numerators.sum()).isnan().all()

# %% [markdown]
# e¹⁰⁰⁰ does not fit into a floating-point number: it becomes infinity, and infinity divided by infinity is not a number
# (NaN). The cure is to subtract the same number c from all scores of the row. This changes no weight, because numerator and
# denominator are both divided by e^c:
#
# $$\frac{e^{s_j - c}}{\sum_k e^{s_k - c}} = \frac{e^{-c}\, e^{s_j}}{e^{-c} \sum_k e^{s_k}} = w_j$$
#
# Let c be the largest score of the row. Then no numerator is above e⁰ = 1, and the denominator is at least 1. For 1000
# and 999: the numerators are 1 and e⁻¹ = 0.37, the denominator is 1.37, the weights are 0.73 and 0.27.
#
# ## Exercise 4.2 · stable_softmax
# From `scores` (..., key) to weights of the same shape; each row of the last axis sums to 1. Write the formula yourself:
# the check accepts PyTorch's softmax too, but the exercise is to do without it. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Still NaN for some rows</summary>Each row needs its own largest score: <code>scores.amax(-1,
# keepdim=True)</code>.</details>
# <details><summary>The shapes do not fit when I divide</summary><code>keepdim=True</code> keeps a last axis of size
# 1, which stretches over the row.</details>


# %% exercise="stable_softmax" difficulty=2 minutes=8
def stable_softmax(scores):
    """Weights from 0 to 1 that sum to 1 over the last axis; bigger scores get more.
    Finite for any finite scores.

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

# %%
print(stable_softmax(torch.tensor([1000.0, 999.0])))
expected = torch.tensor([0.73, 0.27])
assert torch.allclose(
    stable_softmax(torch.tensor([1000.0, 999.0])), expected, atol=0.005
)

# %% [markdown]
# ## All words at once
# So far only *bank* has asked. Let X be the matrix (position, d_model) of all vectors. The scores of all pairs are one
# product of matrices: number (i, j) of X Xᵀ is the dot product of rows i and j of X.
#
# $$S = X X^{\top} \qquad W = \mathrm{softmax}(S) \text{ in each row} \qquad Y = W X$$
#
# The shapes: (position, d_model) times (d_model, position) gives S (position, position); the softmax keeps this shape; and
# (position, position) times (position, d_model) gives Y, as many vectors of the same size as went in. For *money bank grows*:
#
# $$S = \begin{pmatrix} 2 & 0 \\ 1 & 1 \\ 1 & 0 \end{pmatrix} \begin{pmatrix} 2 & 1 & 1 \\ 0 & 1 & 0 \end{pmatrix}
# = \begin{pmatrix} 4 & 2 & 2 \\ 2 & 2 & 1 \\ 2 & 1 & 1 \end{pmatrix}$$
#
# The second row holds s₂₁, s₂₂ and s₂₃ of the table at the beginning. There are no parameters here: nothing is learned.
#
# ## Exercise 4.3 · simple_self_attention
# All three steps: from `x` (..., position, d_model) to the new vectors (..., position, d_model) and the weights (...,
# position, position). Your softmax or PyTorch's `.softmax(-1)`, as you like. Difficulty ●○○ · 5 minutes.
#
# <details><summary>My scores have the shape (d_model, d_model)</summary>The product compares columns. Positions have to be
# the rows on the left and the columns on the right: <code>x</code>, then its transpose.</details>
# <details><summary>A batch raises an error</summary><code>.T</code> is for two axes. <code>x.transpose(-2, -1)</code>
# swaps the last two, whatever stands before them.</details>
# <details><summary>Over which axis does the softmax run?</summary>Row i belongs to position i: its weights for all
# others sum to 1, so the softmax runs along the row, the last axis.</details>


# %% exercise="simple_self_attention" difficulty=1 minutes=5
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
assert (x @ x.T).tolist() == [[4, 2, 2], [2, 2, 1], [2, 1, 1]]

# %% [markdown]
# ## YOUR CAT IS A LOVELY CAT
# Now in the size of the paper of 2017, where each word has d_model = 512 numbers. A sentence goes in like this:
#
# 1. Each word has a number in the vocabulary, its **id**. Six words, of which five are different: 0, 1, 2, 3, 4, 1.
# 2. Row number id of a table (vocabulary, 512) is the word's **embedding**. In a trained model these numbers are learned;
#    here they are random, with mean 0 and variance 1 (the mean of their squares). Both CATs have the same row.
# 3. A vector of 512 numbers that depends on the *place* in the sentence is added, the **positional encoding**. Notebook 06
#    explains how it is made; here we only need that it differs from place to place.

# %%
generator = torch.Generator().manual_seed(2)
words = ["YOUR", "CAT", "IS", "A", "LOVELY", "CAT"]
number_of = {word: i for i, word in enumerate(dict.fromkeys(words))}
ids = torch.tensor([number_of[word] for word in words])
embeddings = torch.randn(len(number_of), 512, generator=generator)
cat = embeddings[ids]  # (position, d_model)
placed = cat + sinusoidal_positions(6, 512)
print(ids.tolist(), tuple(cat.shape), tuple(placed.shape))

# %% jupyter={"source_hidden": true}
assert ids.tolist() == [0, 1, 2, 3, 4, 1] and placed.shape == (6, 512)
assert torch.equal(cat[1], cat[5]) and not torch.allclose(
    placed[1], placed[5], atol=0.1
)
names = {"embedding": cat, "+ position": placed - cat, "= x": placed}
figure, panels = plt.subplots(1, 3, figsize=(8.6, 2.2), sharey=True)
for axes, (title, matrix) in zip(panels, names.items(), strict=True):
    shown = matrix[:, :16]
    image = axes.imshow(shown, cmap="RdBu_r", vmin=-3, vmax=3, aspect="auto")
    axes.set(title=title, xlabel="the first 16 of 512 numbers")
    axes.set_yticks(range(6), words, fontsize=8)
figure.colorbar(image, ax=panels)
plt.show()

# %% [markdown]
# Each row is a word, each column one of its numbers; red is above 0, blue below. *Left:* the two CATs have equal rows.
# *Middle:* no two places have. *Right:* the sum, x, is what the first block of a Transformer gets. We first look at
# attention *without* positions.
#
# ## Question 4.2 · cat_weight
# Take `cat`, the embeddings without positions, and attention without parameters: `simple_self_attention(cat)`. How much
# weight, roughly, does the first CAT give to the **second** CAT? It helps to know that the dot product of a vector of 512
# such random numbers with itself is about 512, and with another one about 0, mostly between −46 and 46. 3 minutes.

# %% question="cat_weight" difficulty=1 minutes=3
### BEGIN SOLUTION
cat_weight = 0.5
### END SOLUTION

# %% check="cat_weight"
from lib.checks import check

cat_weight = check("cat_weight")

# %%
new, weights = simple_self_attention(cat)
heatmap(weights, words, words, digits=1)
plt.xlabel("gives (key)")
plt.ylabel("receives (query)")
plt.show()

# %% jupyter={"source_hidden": true}
assert torch.allclose(weights.sum(-1), torch.ones(6))  # every row sums to 1
assert torch.allclose(weights[1], weights[5])  # nothing says which CAT is first
assert all(weights[i, i] > weights[i].max() - 1e-4 for i in range(6))
squares, strangers = cat.square().sum(-1), (embeddings @ embeddings.T).triu(1)
assert squares.min() > 450 and squares.max() < 570 and strangers.abs().max() < 70
assert round(512**0.5) == 23

# %% [markdown]
# Read a row from left to right: what that word takes from each. The two CATs have equal rows, because they have equal
# vectors. All other words see practically nothing but themselves.
#
# *Why is the diagonal so strong?* The score of a vector with itself is a sum of d_model squares, about d_model. The score
# with a stranger is a sum of as many products, but about half of them are negative, so most of it cancels: it is about
# ±√d_model. The gap grows with d_model:

# %%
kept = {}
for d_model in (2, 8, 32, 128):
    many = torch.randn(200, 6, d_model, generator=generator)
    diagonal = simple_self_attention(many)[1].diagonal(dim1=-2, dim2=-1)
    kept[d_model] = diagonal.mean().item()
    print(f"d_model {d_model:3}: a word keeps {kept[d_model]:.2f} for itself")
assert kept[2] < 0.7 and kept[128] > 0.99

# %% [markdown]
# In 128 dimensions a random word keeps practically everything for itself.
#
# *Order does not exist.* Shuffle the words without positions.
#
# > **Predict.** What happens to the new vectors?

# %%
shuffled = torch.tensor([3, 0, 5, 1, 4, 2])
assert torch.allclose(simple_self_attention(cat[shuffled])[0], new[shuffled], atol=1e-4)

# %% [markdown]
# They are the same vectors, shuffled in the same way: self-attention is **permutation equivariant**. To it, a sentence is
# a bag of words. With positions, words can be told apart by their places. The 6 × 6 **scores** of `placed`:

# %%
scores = placed @ placed.T
heatmap(scores, words, words, limits=(0, 900), digits=0)
plt.xlabel("is asked (key)")
plt.ylabel("asks (query)")
plt.show()

# %% jupyter={"source_hidden": true}
assert scores.max() < 900 and scores.min() > 100
assert scores[1, 1] > scores[1, 5] + 20 > scores[1].sort().values[-3] + 100
assert (scores.diagonal() == scores.max(-1).values).all()
assert torch.allclose(scores, scores.T)
first_cat = stable_softmax(scores)[1]
assert first_cat[1] > 0.999

# %% [markdown]
# These are scores, before the softmax: query in the row, key in the column. Each CAT is now a little more like itself
# than like its twin. (The softmax makes a weight above 0.999 of that: scores this large leave no doubt.) And the matrix
# is **symmetric**: the score of YOUR with LOVELY is the score of LOVELY with YOUR.
#
# So attention without parameters has three faults:
#
# - With many numbers, a word finds mostly itself alike. But it knows itself already; it wants to hear from others.
# - Scores are mutual. But in *the tired fox*, *fox* needs to know that it is tired, and *tired* may need nothing from *fox*.
# - What is compared is also what is passed on. But what a word is found by, and what it tells, may be different things.
#
# All three have one cure.
#
# ## Query, key and value: a dictionary that is not strict
# Python's `dict` and the tables of a database answer questions like this: there are **keys**, and each has a **value**.
# You come with a **query**; the one key that is *equal* to it is found, and its value is returned.

# %%
rooms = {
    "ticket": 100.0,
    "charger": 200.0,
    "notes": 600.0,
}  # who has it sits in room ...
assert rooms["charger"] == 200.0
try:
    rooms["chargers"]
except KeyError as error:
    print("no key is equal to", error)

# %% [markdown]
# This is strict: a query finds one key or nothing, and there is no slope from which it could be learned. Make it soft:
# keys and queries become *vectors*, all keys are compared with the query, the softmax makes weights of the scores, and
# the answer is a mix of *all* values. This is a **soft look-up**, or content-based addressing: a thing is found by what it is like.
#
# A worked number. The keys are (1, 0, 0) for *ticket*, (0, 1, 0) for *charger*, (0, 0, 1) for *notes*. Ask for (0, 1, 0):
# the scores are 0, 1, 0, the numerators 1, 2.72, 1, the weights 0.21, 0.58, 0.21. The answer is 0.21 · 100 + 0.58 · 200 +
# 0.21 · 600 = 264 (with unrounded weights). Now ask louder, for (0, 4, 0): the weights are 0.02, 0.96, 0.02, and the
# answer is 205.

# %%
keys, values = torch.eye(3), torch.tensor(list(rooms.values()))
answers = {}
for loudness in (1, 4, 20):
    weights = stable_softmax(keys @ torch.tensor([0.0, loudness, 0.0]))
    answers[loudness] = (weights @ values).item()
    print(loudness, [round(w, 2) for w in weights.tolist()], f"{answers[loudness]:.0f}")
undecided = stable_softmax(keys @ torch.tensor([0.0, 8.0, 8.0])) @ values
print("charger and notes", f"{undecided:.0f}")

# %% jupyter={"source_hidden": true}
assert round(answers[1]) == 264 and round(answers[4]) == 205
assert abs(answers[20] - 200) < 0.01 and abs(undecided - 400) < 1

# %% [markdown]
# The larger the scores, the harder the choice; with 20 it is the dictionary again. Two things differ, though. A soft
# look-up never fails: the weights sum to 1 also when no key fits, so it always returns *something*. And who asks for two
# things at once, (0, 8, 8), gets the mean of both values, 400: a room that nobody sits in. (Notebook 05 gives each word
# several look-ups.)
#
# ## Every word asks: a group chat
# In self-attention each word does all three: it **asks** (its query), it is **found** by something (its key), and it
# **tells** something (its value). Think of a group chat. Ana asks for a charger and has a ticket; Ben asks for notes and
# has a charger; Cleo asks for a ticket and has notes. Each says in which room to find them.
#
# Where do the three roles of a word come from? From its one vector x_i, by three matrices:
#
# $$q_i = x_i W_Q \qquad k_j = x_j W_K \qquad v_j = x_j W_V$$
#
# x_i is a row of d_model numbers. **W_Q** and **W_K** have the shape (d_model, d_head), so the query q_i and the key k_j
# have d_head numbers, and can be compared with each other. (The papers write d_k for this.) **W_V** has the shape (d_model,
# d_value); in most models, also in this notebook, d_value is d_head too. The score of word i for word j is s_ij = q_i · k_j.
#
# For the chat we write the matrices by hand. A person's x has a 1 at their own place, so row number i of a matrix is what
# person i asks, has, or says.

# %%
friends = ["Ana", "Ben", "Cleo"]
people = torch.eye(3)  # three people, nothing but themselves
# asks for: ticket, charger, notes (4: loud)
w_query = 4 * torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
# has: ticket, charger, notes
w_key = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
w_value = torch.tensor([[100.0], [200.0], [600.0]])  # says: "come to room ..."

queries, keys, values = people @ w_query, people @ w_key, people @ w_value
weights = stable_softmax(queries @ keys.T)
print("rooms heard:", [round(room) for room in (weights @ values).flatten().tolist()])
heatmap(weights, friends, friends, digits=2)
plt.xlabel("is found (key)")
plt.ylabel("asks (query)")
plt.show()

# %% jupyter={"source_hidden": true}
assert weights.argmax(1).tolist() == [1, 2, 0]  # Ana finds Ben, Ben Cleo, Cleo Ana
assert round((weights @ values)[0].item()) == 205
assert not torch.allclose(weights, weights.T)
assert weights.diagonal().max() < 0.02

# %% [markdown]
# The row is who asks, the column who is found. Ana looks at Ben (0.96), Ben looks at Cleo and not back, hardly anybody looks at themselves, and what Ana hears is Ben's room 200, blurred to 205. All three faults are gone. We wrote the matrices; in a
# Transformer they are *learned*.
#
# Here is all of it in one picture, with the sizes of YOUR CAT IS A LOVELY CAT and a head of 64 numbers, as in the paper:

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(8.2, 3.4))
grey = "#555555"
boxes = [
    (0.0, 2.0, 0.8, "x", "#cfe0fc"),
    (1.7, 3.4, 0.9, "· $W_Q$", "#ffe3c2"),
    (1.7, 2.0, 0.9, "· $W_K$", "#ffe3c2"),
    (1.7, 0.6, 0.9, "· $W_V$", "#ffe3c2"),
    (3.3, 3.4, 0.8, "Q", "#cfe0fc"),
    (3.3, 2.0, 0.8, "K", "#cfe0fc"),
    (3.3, 0.6, 0.8, "V", "#cfe0fc"),
    (5.1, 2.7, 1.5, "$QK^T / \\sqrt{d_{head}}$", "#e8e8e8"),
    (7.6, 2.7, 1.1, "softmax", "#e8e8e8"),
    (7.6, 0.6, 1.1, "weights · V", "#e8e8e8"),
    (9.9, 0.6, 0.7, "Y", "#f3cfe0"),
]
for left, middle, width, label, colour in boxes:
    axes.add_patch(plt.Rectangle((left, middle - 0.3), width, 0.6, color=colour))
    axes.text(left + width / 2, middle, label, ha="center", va="center", fontsize=9)
arrows = [
    ((0.8, 2.1), (1.7, 3.3)),
    ((0.8, 2.0), (1.7, 2.0)),
    ((0.8, 1.9), (1.7, 0.7)),
    ((2.6, 3.4), (3.3, 3.4)),
    ((2.6, 2.0), (3.3, 2.0)),
    ((2.6, 0.6), (3.3, 0.6)),
    ((4.1, 3.4), (5.1, 2.85)),
    ((4.1, 2.0), (5.1, 2.55)),
    ((4.1, 0.6), (7.6, 0.6)),
    ((6.6, 2.7), (7.6, 2.7)),
    ((8.15, 2.4), (8.15, 0.9)),
    ((8.7, 0.6), (9.9, 0.6)),
]
for start, end in arrows:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": grey})
shapes = [
    (0.4, 2.5, "(6, 512)"),
    (2.15, 3.9, "(512, 64)"),
    (2.15, 2.5, "(512, 64)"),
    (2.15, 1.1, "(512, 64)"),
    (3.7, 3.9, "(6, 64)"),
    (3.7, 2.5, "(6, 64)"),
    (3.7, 1.1, "(6, 64)"),
    (5.85, 3.2, "scores (6, 6)"),
    (8.15, 3.2, "weights (6, 6)"),
    (9.3, 0.85, "(6, 64)"),
]
for left, middle, shape in shapes:
    axes.text(left, middle, shape, ha="center", va="center", fontsize=7, color=grey)
axes.set(xlim=(-0.2, 10.8), ylim=(0, 4.3))
axes.axis("off")
plt.show()

# %% [markdown]
# Read it from left to right. One matrix x goes in three ways through a learned matrix (orange), which makes Q, K and V
# (blue). Queries and keys make 6 × 6 scores (the division by √d_head follows below), the softmax makes weights of them,
# and the weights mix the values. Y has a row for each word again. Only the three orange matrices are learned: 3 · 512 ·
# 64 = 98,304 numbers. The length of the sentence, 6, is in none of their shapes, so the same head reads a sentence of any
# length.
#
# ## The formula
# All rows at once. Q, K and V have a row for each word, Q = X W_Q, K = X W_K, V = X W_V. Then, in the words of Vaswani et al.
# [2017](https://arxiv.org/abs/1706.03762), equation 1:
#
# $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^{\top}}{\sqrt{d_k}}\right) V$$
#
# - Q (query, d_k), K (key, d_k), V (key, d_v): the paper's d_k is our d_head, its d_v our d_value.
# - Q Kᵀ (query, key): the scores, one for each pair; the softmax runs along each row, over the keys.
# - √d_k is one number. The scores are divided by it before the softmax; hence the name **scaled dot-product attention**.
# - The result (query, d_v): a mix of values for each query.
#
# If queries, keys and values come from the same words, it is self-attention. If the queries come from the sentence that
# is being written, and keys and values from the one that was read, as in notebook 03, it is **cross-attention**. The
# formula is the same.
#
# ## Why divide by √d_head
# A score is a sum of d_head products: s = q₁k₁ + q₂k₂ + … Suppose that all these numbers are independent, with mean 0 and
# variance 1. (The **variance** is the mean squared distance from the mean, and the **standard deviation** its root.) Then
# each product has mean 0 and variance 1 too, and the variances of independent numbers add up: the score has variance
# d_head and standard deviation √d_head.
#
# A worked number: with d_head = 64 the standard deviation is 8. Two keys whose scores are one standard deviation above
# and below the mean differ by 16, and one has e¹⁶ = 8.9 million times the weight of the other. After the division by √64
# = 8 they differ by 2, and the factor is e² = 7.4.
#
# Why is a sharp choice bad? Because of the gradient. The slope of a weight w with respect to its own score is w(1 − w):
# 0.25 at w = 1/2, but 0.001 at w = 0.999. A softmax that has decided is **saturated**: little gradient gets through it,
# and a model that starts like that, by chance and not by learning, has a hard time to correct itself. (The authors write
# that they *suspect* this.)
#
# > **Predict.** Measure the variance of a score, and the largest of 16 weights, for d_head = 4 … 1024. Which lines
# > rise, and which are flat?

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

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3))
left.loglog(sizes, variance, "o-", base=2)
left.set(xlabel="d_head", ylabel="variance of a score")
for name, line in (("plain", "o-"), ("scaled", "s--")):
    right.semilogx(sizes, largest[name], line, base=2, label=name)
right.set(xlabel="d_head", ylabel="largest of 16 weights", ylim=(0, 1.05))
right.legend(loc="center right")
plt.show()

# %% jupyter={"source_hidden": true}
# the variance is d_head
assert all(abs(v / d - 1) < 0.1 for v, d in zip(variance, sizes, strict=True))
assert largest["plain"][0] < 0.5 and largest["plain"][-1] > 0.9
assert max(largest["scaled"]) < 0.3
assert slope["scaled"][-1] > 10 * slope["plain"][-1]
assert abs(math.exp(16) / 8.9e6 - 1) < 0.01 and abs(math.exp(2) - 7.4) < 0.02
assert 0.999 * 0.001 < 0.001

# %% [markdown]
# *Left:* the variance of a score is d_head. *Right:* without the division (circles) the largest of 16 weights rises from
# less than one half to more than 0.9; with it (squares) it stays below 0.3. At d_head = 1024 the slopes w(1 − w) are more
# than ten times as large with the division as without.
#
# This holds for independent numbers of variance 1, so for a fresh model: the division sets where training *starts*. (Some
# models also normalise queries and keys, which keeps the scores in bounds during training: Henry et al.
# [2020](https://arxiv.org/abs/2010.04245).)

# %% [markdown]
# A picture to touch. Each slider is the score of a word for d_head = 1; a larger d_head makes all scores larger, as it
# does with random vectors. Take the division away at d_head = 64 and look at the largest weight and its slope; then
# make up for it with the temperature, another number by which all scores are divided.

# %% jupyter={"source_hidden": true}
from lib.widgets import widget

widget("softmax")

# %% [markdown]
# ## Exercise 4.4 · attention
# The formula: return the mix and the weights. It gets a **mask** too, which says who may look at whom: where `mask` is
# False, the score becomes −∞ before the softmax, so that the weight is 0, as for the mean so far above. (Notebook 05 is
# about masks.) A query that may look nowhere gets weights 0. Gradients must flow to q, k and v, and stay finite for such
# a query too: later notebooks train through this function. Shapes: in the docstring. Difficulty ●●○ · 12 minutes.
#
# <details><summary>How do I use the mask?</summary><code>scores.masked_fill(~mask, -math.inf)</code>: e to the power of
# −∞ is 0, so those keys get no weight.</details>
# <details><summary>NaN where nothing is allowed</summary>A row of nothing but −∞ is 0/0. Fill the weights of forbidden keys
# with 0 once more, after the softmax.</details>
# <details><summary>Which d_head?</summary>The last size of <code>q</code>: how many products a score sums up.</details>


# %% exercise="attention" difficulty=2 minutes=12
def attention(q, k, v, mask=None):
    """Mix the values by how well each query matches each key (Vaswani et al. 2017,
    eq. 1).

    q: (..., query, d_head)    k: (..., key, d_head)    v: (..., key, d_value)
    mask: bool, broadcastable to (..., query, key), True where looking is allowed;
    None: everywhere

    Returns the mixed values (..., query, d_value) and the weights (..., query, key).
    A row of weights sums to 1; where the mask allows no key at all, weights and mix
    are 0. Gradients flow to q, k and v and are finite.
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
theirs = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
assert torch.allclose(attention(q, k, v, mask)[0], theirs, atol=1e-6)

# %% [markdown]
# ## Question 4.3 · weights_shape
# A batch of 2 sentences of 6 words each. In every sentence 4 queries look at the words. Queries and keys have 8 numbers each,
# values have 5. Which shape have the weights that `attention` returns? Work it out on paper, then write it as a tuple.
# 3 minutes.

# %% question="weights_shape" difficulty=1 minutes=3
### BEGIN SOLUTION
weights_shape = (2, 4, 6)
### END SOLUTION

# %% check="weights_shape"
from lib.checks import check

weights_shape = check("weights_shape")

# %% [markdown]
# ## Question 4.4 · which_panel
# Four people have written `attention`, and three of them have made a mistake. All four got the same 4 queries and 6 keys
# of 64 independent random numbers with variance 1. These are the weights that came out, in percent:

# %% jupyter={"source_hidden": true}
from lib.checks.self_attention_by_hand import panels as suspects

figure, panels = plt.subplots(2, 2, figsize=(7.4, 4.2))
for axes, (letter, matrix) in zip(panels.flat, suspects().items(), strict=True):
    axes.imshow(matrix, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for row in range(4):
        for column, value in enumerate(matrix[row].tolist()):
            ink = "white" if value < 0.55 else "black"
            where = {"ha": "center", "va": "center", "fontsize": 9}
            axes.text(column, row, f"{100 * value:.0f}", color=ink, **where)
    axes.set(title=letter, xlabel="key", ylabel="query", xticks=[], yticks=[])
plt.show()

# %% [markdown]
# One panel is right. One has not divided the scores. One has divided them by d_head in place of its root. And in one the
# softmax ran over the queries. Write the four letters as one text in this order: right, not divided, divided by d_head,
# over the queries; for example `"ABCD"`. 5 minutes.

# %% question="which_panel" difficulty=2 minutes=5
### BEGIN SOLUTION
which_panel = "DCAB"
### END SOLUTION

# %% check="which_panel"
from lib.checks import check

which_panel = check("which_panel")

# %% [markdown]
# ## A head that learns
# One set of W_Q, W_K and W_V with the attention behind it is called a **head**. In PyTorch each matrix is an `nn.Linear`
# layer without **bias** (a vector that would be added). It keeps its matrix in the shape (d_head, d_model), the transpose
# of the W_Q of the formula; that matters only if you look at `layer.weight`.
#
# ## Exercise 4.5 · SelfAttention
# One head. Three `nn.Linear` layers without bias, `to_q`, `to_k`, `to_v`, each from d_model to d_head numbers; `forward`
# returns what `attention` returns. Gradients must flow to the vectors and to the three matrices: the head is trained below.
# Difficulty ●●○ · 8 minutes.
#
# <details><summary>It has no parameter `to_q.weight`</summary>The check looks for these names: <code>self.to_q =
# nn.Linear(d_model, d_head, bias=False)</code>.</details>
# <details><summary>My weights have one row too few</summary>Each word is a query, a key and a value at the same time:
# all three layers are applied to the whole <code>x</code>.</details>


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

# %% [markdown]
# A fresh head reads YOUR CAT IS A LOVELY CAT, with positions, from 512 numbers a word to 64:

# %%
torch.manual_seed(0)  # for the fresh weights
head = SelfAttention(d_model=512, d_head=64)
mixed, weights = head(placed)
n_parameters = sum(part.numel() for part in head.parameters())
print(tuple(mixed.shape), f"{n_parameters:,} numbers to learn")
heatmap(weights.detach(), words, words, limits=(0, 0.4))
plt.xlabel("is found (key)")
plt.ylabel("asks (query)")
plt.show()

# %% jupyter={"source_hidden": true}
assert mixed.shape == (6, 64) and n_parameters == 3 * 512 * 64 == 98_304
assert weights.max() < 0.5 and torch.allclose(weights.sum(-1), torch.ones(6))
assert not torch.allclose(weights, weights.T, atol=0.02)
assert not torch.allclose(weights[1], weights[5], atol=0.01)

# %% [markdown]
# (The colours end at 0.4 here.) The diagonal is not special any more, the matrix is not symmetric, and the two CATs have
# different rows. Otherwise the pattern means nothing yet: the matrices are random.
#
# ## A piece of cake
# *She ate a piece of cake* needs *cake* to be food. *The exam was a piece of cake* needs *piece of cake* to mean easy.
# Can one head tell them apart? Give every word one random vector, the same in both sentences, and ask how *cake* divides
# its attention between *piece* and *of*.
#
# > **Predict.** The ratio of the two weights, in both sentences: first without parameters, then with three random
# > matrices. When is it the same in both sentences?

# %%
sentences = [
    line.split() for line in ("she ate a piece of cake", "the exam was a piece of cake")
]
torch.manual_seed(1)
static = {word: torch.randn(32) for line in sentences for word in line}
texts = [torch.stack([static[word] for word in line]) for line in sentences]
first, second = SelfAttention(32, 32), SelfAttention(32, 32)


@torch.no_grad()
def piece_by_of(look):
    """How cake divides its attention: its weight for piece by that for of, twice."""
    weights = [look(x)[1][-1] for x in texts]
    return [(row[-3] / row[-2]).item() for row in weights]


looks = {
    # a sixth of x: smaller scores, so that both weights can be seen
    "no parameters": lambda x: simple_self_attention(x / 6),
    "one learned layer": first,
    "a second layer": lambda x: second(x + first(x)[0]),
}
ratios = {name: piece_by_of(look) for name, look in looks.items()}
for name, (ate, exam) in ratios.items():
    print(f"{name:18} she ate ...: {ate:.3f}   the exam ...: {exam:.3f}")

# %% jupyter={"source_hidden": true}
for name in ("no parameters", "one learned layer"):
    assert abs(ratios[name][0] / ratios[name][1] - 1) < 1e-3
assert abs(ratios["a second layer"][0] / ratios["a second layer"][1] - 1) > 0.01

# %% [markdown]
# The same ratio in both sentences, in the first line and in the second: three matrices change nothing here, whatever
# training may put into them. The reason is in the formula. The ratio of two weights in one row is e to the power of the
# difference of two scores (the denominator cancels), and these are made of the vectors of *cake*, *piece* and *of* alone.
# While these three vectors are the same in both sentences, so is the ratio. (There are no positions here. With them it could depend on
# the places, but still not on *ate* or *exam*.) **One layer compares pairs.** A third word,
# *ate* or *exam*, only takes its own share.
#
# But the *output* of the layer differs: the new *cake* holds a share of *ate* or of *exam*, so it is a contextual
# embedding. A **second layer** gets these vectors as its x. There *cake* asks with a query that has already seen its
# sentence, and the ratio differs (third line). This is one reason why Transformers stack layers. (x + the first layer's
# output is the shortcut of notebook 07. And that the ratio *can* differ does not mean that random matrices understand
# idioms.)
#
# ## What it costs
# For n words a head makes n² scores and n² weights: twice the text needs four times the memory and four times the
# operations. This is **quadratic cost**. (The products with W_Q, W_K and W_V grow only with n.) A worked number: 2,000
# words have 4 million scores, 16 MB at 4 bytes each, for one head in one block. Measure it, for three lengths:

# %% tags=["training"]
memory, seconds = {}, {}
for n in (500, 1000, 2000):
    q, k, v = torch.randn(3, n, 64, generator=generator)
    tries = []
    for _ in range(5):
        started = time.process_time()  # of this program alone
        _, weights = attention(q, k, v)
        tries.append(time.process_time() - started)
    memory[n], seconds[n] = weights.numel() * weights.element_size(), min(tries)
    print(f"{n:5} words: {memory[n] / 1e6:4.0f} MB, {1000 * seconds[n]:6.1f} ms")

# %% jupyter={"source_hidden": true} tags=["training"]
assert memory == {500: 1_000_000, 1000: 4_000_000, 2000: 16_000_000}
assert seconds[2000] > 4 * seconds[500]

# %% [markdown]
# The memory grows by exactly 4 each time, and so do the operations. The time follows roughly: it also depends on what
# fits into the processor's fast memory. In training, attention as written here keeps the weights of every head of every
# block until the gradients are computed. (Notebook 15 computes the same mix without ever storing the matrix; the
# operations stay.)
#
# What does one get for this price? No row waits for another, as a step of a recurrent network waits for the step before it:
# **parallel training**. And any two words are one step apart, however far away from each other they stand. Notebook 05 puts
# numbers to this trade-off.
#
# ## Question 4.5 · score_bytes
# The small GPT-2 reads 1,024 tokens at once. It has 12 blocks, with 12 heads in each, and d_head is 64. How many bytes do the
# scores of *all* its heads take for one such text, at 4 bytes a number? 3 minutes.

# %% question="score_bytes" difficulty=1 minutes=3
### BEGIN SOLUTION
score_bytes = 12 * 12 * 1024**2 * 4
### END SOLUTION

# %% check="score_bytes"
from lib.checks import check

score_bytes = check("score_bytes")

# %% [markdown]
# ## The way back: the gradient by hand
# The three matrices learn by gradients, which PyTorch computes. Doing it once by hand shows what a head is told. Let L be
# the loss, W the weights, and G_Y the gradient of L for the mix Y = W V (`upstream` in the code). **Backpropagation**
# goes through the formula from its end to its beginning:
#
# 1. **Y = W V.** The value v_j enters row i with the weight w_ij, so it collects the gradients of all queries, each with its
#    weight: the gradient for V is Wᵀ G_Y. The weight w_ij multiplies v_j, so its gradient is a dot product: G_W = G_Y Vᵀ.
# 2. **W = softmax(S)**, row by row: ∂w_i/∂s_j = w_i · (1 if i = j, else 0) − w_i w_j. A score lifts its own weight and
#    lowers all others. Summed over i, with g_i for the gradients of the weights of this row:
#
# $$\frac{\partial L}{\partial s_j} = w_j \Big(g_j - \sum_i w_i\, g_i\Big)$$
#
# 3. **S = Q Kᵀ / √d_head.** With G_S for the gradients of the scores, the gradient for Q is G_S K / √d_head, and the one
#    for K is G_Sᵀ Q / √d_head.
#
# Step 2 in words: a key's score is raised if its value lowers the loss *more than the mix does that is there already*.
# And a key with a weight near 0 gets hardly any gradient.
#
# A worked number: two keys with the weights 3/4 and 1/4, and g = (1, 5). The average is 3/4 · 1 + 1/4 · 5 = 2. The
# gradients for the scores are 3/4 · (1 − 2) = −0.75 and 1/4 · (5 − 2) = 0.75. They sum to 0, as always.

# %% jupyter={"source_hidden": true}
s = torch.tensor([math.log(3), 0.0], requires_grad=True)
(s.softmax(0) @ torch.tensor([1.0, 5.0])).backward()
assert torch.allclose(s.grad, torch.tensor([-0.75, 0.75]))

# %% [markdown]
# ## Exercise 4.6 · attention_gradient
# Optional. `upstream` (..., query, d_value) is the loss's gradient for each mixed value. Return the gradients for q, k, v,
# without autograd (the check switches it off) and without a mask. Difficulty ●●● · 20 minutes.
#
# <details><summary>Back through the softmax</summary><code>weights * (for_weights - average)</code>, where the
# average of each row is <code>(weights * for_weights).sum(-1, keepdim=True)</code>.</details>
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
by_hand = attention_gradient(q, k, v, upstream)
for mine, theirs in zip(by_hand, by_autograd, strict=True):
    assert torch.allclose(mine, theirs, atol=1e-5)

# %% [markdown]
# ## On real text
# *He ate the apple because it was tasty.* What was tasty? To find the noun that a pronoun such as *it* means is called
# **coreference resolution**. One trained head has to do it, in a small world of sentences that a program wrote. In a
# test sentence there are two nouns that *it* could mean, and the last word fits one kind of noun only. Some pairs, such
# as (apple, tasty), are kept out of training.

# %%
from lib.corpora.pronouns import all_sentences, split_by_pairs

training, test = split_by_pairs(random.Random(0), training=2000, test=600)
for sentence in test[:4]:
    print(" ".join(sentence.words), "→", sentence.words[sentence.meant])
seen = {sentence.pair for sentence in training}
assert not seen & {sentence.pair for sentence in test}

# %% [markdown]
# The model is told the right noun, never where to look. Its **last** word (*tasty*) asks, and it answers with one word of the
# vocabulary. Short sentences are filled up *on the left*, and a mask keeps everybody from looking at the filling.

# %%
vocabulary = ["", *sorted({word for s in all_sentences() for word in s.words})]
number = {word: i for i, word in enumerate(vocabulary)}
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


# %% [markdown]
# The model: a table of embeddings, one head, and a matrix that scores each word of the vocabulary as the answer. There are no
# positions. With `layers=2`, another head stands before it, and its output is added to x; we need this later.


# %%
class Finder(nn.Module):
    """Embed, attend, answer from what the asking word has found."""

    def __init__(self, generator, layers=1, d_model=32, d_head=16):
        super().__init__()
        self.embed = nn.Embedding(len(number), d_model)
        self.earlier = SelfAttention(d_model, d_model) if layers == 2 else None
        self.head = SelfAttention(d_model, d_head)
        self.answer = nn.Linear(d_head, len(number), bias=False)
        for part in self.parameters():
            nn.init.normal_(part, std=part.shape[-1] ** -0.5, generator=generator)

    def forward(self, ids, asks=None):
        """ids (batch, position), asks: the word that asks, None for the last one.

        Returns scores for each answer (batch, vocabulary), and the weights of the word
        that asks (batch, key).
        """
        x, mask = self.embed(ids), (ids != 0)[:, None, :]
        if self.earlier is not None:
            x = x + self.earlier(x, mask)[0]
        mixed, weights = self.head(x, mask)
        rows, asking = torch.arange(len(ids)), torch.full((len(ids),), longest - 1)
        if asks is not None:
            asking = (ids == number[asks]).int().argmax(1)
        return self.answer(mixed[rows, asking]), weights[rows, asking]


# %% [markdown]
# The training loop: draw 64 sentences, compute the loss, let PyTorch compute the gradients, take a step.


# %% tags=["training"]
def train(seed, steps=300, asks=None, layers=1):
    training, test = split_by_pairs(random.Random(seed), training=2000, test=600)
    generator = torch.Generator().manual_seed(seed)
    model, ids, right = Finder(generator, layers), as_ids(training), answers(training)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        batch = torch.randint(len(ids), (64,), generator=generator)
        loss = functional.cross_entropy(model(ids[batch], asks)[0], right[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.requires_grad_(False), test


models = [train(seed) for seed in range(3)]

# %% [markdown]
# > **Predict.** Held-out pairs, two candidate nouns: how often is the answer right before training? After?


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
trained = [accuracy(*model) for model in models]
print("before", [f"{share:.0%}" for share in untrained])
print("after ", [[f"{share:.0%}" for share in seed] for seed in trained])

# %% jupyter={"source_hidden": true} tags=["training"]
assert max(untrained) < 0.2
assert all(right > 0.95 for right, _ in trained)  # the answer, three seeds
# the largest weight on the noun that is meant
assert all(looked > 0.75 for _, looked in trained)

# %% [markdown]
# Each pair of numbers is one run: right answers, and how often the largest weight lies on the noun that is meant. From a
# wild guess to more than 95% on pairs that were never trained, and in more than three quarters of the sentences the head
# looks at the right noun, though nobody said where to look.
#
# In this closed world kinds of nouns never mix. Real English is harder. There is a set of 273 such sentences written by
# people, the **Winograd schema challenge** of Levesque et al. 2012 (reviewed by Kocijan et al.
# [2020](https://arxiv.org/abs/2004.13831)), as in *The trophy does not fit into the suitcase because it is too big*.
# Guessing gets about half of them. GPT-2, with 1.5 billion parameters, got 70.7% (Radford et al.
# [2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)), and a
# model that was trained on some 40,000 more sentences of this kind 90.1% (Sakaguchi et al.
# [2019](https://arxiv.org/abs/1907.10641)).


# %%
def look(model, line, asks=None):
    """The answer, and the weight of each word of the line for the word that asks."""
    ids = torch.tensor([[number[word] for word in pad(line.split())]])
    scores, weights = model(ids, asks)
    return vocabulary[scores.argmax()], weights[0, longest - len(line.split()) :]


def show(rows, looks, columns):
    heatmap(torch.stack([weights for _, weights in looks]), rows, columns)
    plt.show()


# %% tags=["training"]
crossing = "the fox did not cross the road because it was too "
best = max(range(3), key=lambda run: trained[run][1])
fox, road = (look(models[best][0], crossing + last) for last in ("tired", "wide"))
show(["tired", "wide"], [fox, road], [*crossing.split(), "(last)"])
print(fox[0], "was tired,", road[0], "was wide")

# %% jupyter={"source_hidden": true} tags=["training"]
assert (fox[0], fox[1].argmax()) == ("fox", 1)
assert (road[0], road[1].argmax()) == ("road", 6)

# %% [markdown]
# One row a sentence, and only the last word differs: *tired* looks at the fox, *wide* at the road. Neither pair was trained.
# (This is the run of the three that looks best.) And the apple? One row for each run:

# %% tags=["training"]
line = "he ate the apple because it was tasty"
apples = [look(model, line) for model, _ in models]
show(["run 1", "run 2", "run 3"], apples, line.split())
print([answer for answer, _ in apples])

# %% jupyter={"source_hidden": true} tags=["training"]
assert [answer for answer, _ in apples] == ["apple"] * 3
assert any(weights.argmax() == 3 for _, weights in apples)

# %% [markdown]
# All three say *apple*. Not every run has to look there: where another word such as *ate* is bright instead, the run
# answers by a detour, such as "eaten, and no other food found: apple".
#
# ## What breaks
# *Ask at the wrong place.* Let the word **it** ask in place of the last word, and train again.
#
# > **Predict.** The query of *it* is made from the vector of *it*, the same in every sentence. Where does *it* look
# > now? And if there is a layer before?

# %% tags=["training"]
at_it = {
    layers: [train(seed, asks="it", layers=layers) for seed in range(3)]
    for layers in (1, 2)
}
found = {n: [accuracy(*model, "it") for model in runs] for n, runs in at_it.items()}
for layers, runs in found.items():
    print(layers, "layer(s):", [[f"{share:.0%}" for share in run] for run in runs])
looks = [
    look(at_it[layers][0][0], crossing + last, "it")
    for layers in (1, 2)
    for last in ("tired", "wide")
]
rows = ["1 layer, tired", "1 layer, wide", "2 layers, tired", "2 layers, wide"]
show(rows, looks, [*crossing.split(), "(last)"])

# %% jupyter={"source_hidden": true} tags=["training"]
assert all(right > 0.7 for runs in found.values() for right, _ in runs)
assert all(looked < 0.6 for _, looked in found[1])
tired, wide, tired_2, wide_2 = (weights[1] / weights[6] for _, weights in looks)
assert abs(tired / wide - 1) < 1e-3  # fox against road: the same, tired or wide
assert abs(tired_2 / wide_2 - 1) > 0.05

# %% [markdown]
# Each row is one sentence, read by a run with one layer (above) or with two (below).
#
# With one layer, *fox* and *road* share the attention of *it* in one fixed ratio, tired or wide, as *piece* and *of* did.
# It cannot choose between them. And still most answers are right: *it* collects the nouns *and* the last word in one mix,
# and the answer matrix does the rest. With two layers the ratio is free. But a model that can answer without looking at
# the noun need not learn to look there, and how often the two-layer runs do so differs widely from run to run.
#
# *So do weights explain an answer?* You have seen right answers with and without a look at the right noun. Jain and Wallace
# ([2019](https://arxiv.org/abs/1902.10186)) looked into this for LSTMs with attention: for many predictions they found very
# different weights that gave nearly the same output. Their title is *Attention is not Explanation*. Wiegreffe and Pinter
# ([2019](https://arxiv.org/abs/1908.04626)), *Attention is not not Explanation*, answered that it depends on what one calls
# an explanation, and on the test: the different weights did badly when a simpler model had to use them. What is safe to say:
# a weight shows where a head has taken something from. Whether the answer *depends* on it must be tested, for example by
# taking it away.
#
# *Without order.* One more thing is missing.
#
# > **Predict.** *The road did not cross the fox because it was too tired.* Who was tired?

# %% tags=["training"]
turned_line = "the road did not cross the fox because it was too tired"
turned = look(models[best][0], turned_line)
difference = (turned[1].sort().values - fox[1].sort().values).abs().max().item()
print(turned[0], f"{difference:.0e}")
assert turned[0] == "fox" and difference < 1e-5

# %% [markdown]
# The same answer, and the same weights for the same words: who crosses what is lost with the order of the words. That is
# fine for this task, and fatal for *the cat ate the fish* against *the fish ate the cat*. Notebook 06 mends it.
#
# ## In other words
# - **Static embedding**: one vector for a word, in all texts. **Contextual embedding**: a vector for a word in its text.
# - **Self-attention**: a text looks at itself. **Cross-attention**: queries from one text, keys and values from another.
# - **Score** (attention logit, alignment score; e_ij in older papers): how well a query matches a key. **Attention
#   weight** (α_ij in older papers): a score after the softmax.
# - **Softmax numerator**: e^score. **Softmax denominator**: the sum of the numerators of a row.
# - **Query, key, value** (q, k, v; Q, K, V): what a word asks, what it is found by, what it tells. **W_Q, W_K, W_V** (Wᵠ,
#   Wᴷ, Wⱽ): the learned matrices that make them.
# - **Soft look-up** (content-based addressing, soft dictionary): a mix of all values in place of the one value of an
#   equal key.
# - **Scaled dot-product attention**: softmax(Q Kᵀ / √d_k) V. **d_head**: the paper's d_k. **d_model**: numbers in the
#   vector of a word.
# - **Saturated softmax**: nearly all the weight on one key; its slope w(1 − w) is near 0.
# - **Head**: one set of W_Q, W_K, W_V with its attention. **Mask**: who may look at whom.
# - **Permutation equivariant**: shuffle what goes in, and what comes out is shuffled in the same way.
# - **Quadratic cost** (O(n²)): n² scores for n words. **Parallel training**: all rows at once.
# - **Coreference resolution**: to find what a pronoun means.
#
# ## Where it comes from
# - Attention in a translator: Bahdanau, Cho and Bengio [2014](https://arxiv.org/abs/1409.0473). The score was a small
#   network (*additive attention*). English to French: BLEU 17.8 with one fixed vector, 26.8 with attention (their table
#   1, trained on up to 50 words).
# - Soft look-ups in a memory: Graves, Wayne and Danihelka [2014](https://arxiv.org/abs/1410.5401), the Neural Turing
#   Machine. The score is a cosine times a "key strength", which the network chooses. It learned to copy and to sort from
#   examples.
# - The dot product as a score: Luong, Pham and Manning [2015](https://arxiv.org/abs/1508.04025), who compared several scores
#   in a translator. Attention to a few neighbouring words gained 5.0 BLEU over the same kind of system without attention.
# - Keys apart from values: Miller et al. [2016](https://arxiv.org/abs/1606.03126), for questions about documents. A text
#   that looks at itself: Cheng, Dong and Lapata [2016](https://arxiv.org/abs/1601.06733), in an LSTM; Parikh et al.
#   [2016](https://arxiv.org/abs/1606.01933), without any recurrence.
# - Everything together, with the scale, many heads and many layers: Vaswani et al.
#   [2017](https://arxiv.org/abs/1706.03762). BLEU 28.4 on English to German, more than 2 above what was best before.
# - Since then the formula has stayed. What changed is how it is computed (notebook 15), where positions come in (06), and
#   how many heads share their keys and values (14).
# - Whether weights explain: Jain and Wallace [2019](https://arxiv.org/abs/1902.10186), Wiegreffe and Pinter
#   [2019](https://arxiv.org/abs/1908.04626). The Winograd schema challenge: Levesque, Davis and Morgenstern 2012.
# - Two explanations to look at beside this one: Jay Alammar's [*The Illustrated
#   Transformer*](https://jalammar.github.io/illustrated-transformer/), and Andrej Karpathy's lecture *Let's build GPT*,
#   which also begins with an average.
#
# ## What to remember
# - Attention: scores (dot products), softmax, mix. Each row of weights sums to 1. With equal scores it is an average;
#   without order it sees a bag of words.
# - Three matrices make three roles: the query asks, the key is found, the value is told. They are all that a head learns.
# - Divide by √d_head, so that a fresh softmax is not saturated. The price is quadratic: n² scores for n words.
# - One layer compares pairs. To look elsewhere because of a third word takes a second layer.
#
# **Next**: [05 multi-head attention and masks](05_multi_head_attention_and_masks.ipynb), because a word has more than one
# question.
