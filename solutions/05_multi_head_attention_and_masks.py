# %% [markdown]
# # 5 · Multi-head attention and masks
# After this notebook you can let a word ask several questions at once, decide who may look where, train on all the
# positions of a text in one pass, and say what attention costs beside other layers.
#
# You need: `attention` (04). You build: `MultiHeadAttention`, the masks for the future and for padding, and a test that
# the future is hidden. 135 minutes, best in two sittings.

# %%
import math
import random
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from lib.attention import fused_attention
from lib.figures import heatmap, style, transformer_map
from lib.yours import attention

style()
torch.set_num_threads(1)  # models this small gain nothing from a second thread
generator = torch.Generator().manual_seed(0)

# %% [markdown]
# ## The question
# Latin: *lupus agnum videt* and *agnum videt lupus* both say *the wolf sees the lamb*. The endings -us and -um tell
# who does it to whom; the order is free. So *videt* (sees) has two questions at once: **who** sees? **whom**? The
# attention of notebook 04 gives each word *one* row of weights, and with it one mix of the other words. How can a
# word ask twice?

# %% [markdown]
# ## By hand
# *Two rows of weights.* Let the values be the stems alone, *lup-* = (1, 0) and *agn-* = (0, 1), so that a mix does not tell which ending belonged to which stem. *Videt* looks at both.
#
# | | weights (lupus, agnum) | mix |
# |---|---|---|
# | one head | 0.5, 0.5 | (0.5, 0.5): a wolf and a lamb. Who saw? |
# | head 1, looks for -us | 0.9, 0.1 | (0.9, 0.1): the wolf |
# | head 2, looks for -um | 0.1, 0.9 | (0.1, 0.9): the lamb |
# | both, side by side | | **(0.9, 0.1, 0.1, 0.9)** |
#
# Swap the endings, *agnus lupum videt*: one head that looks at both nouns alike still says (0.5, 0.5); two heads say
# (0.1, 0.9, 0.9, 0.1). Each attention of this kind, with a row of weights and a mix of its own, is called a **head**;
# several of them side by side are **multi-head attention**.
#
# *A row with a mask.* A model that reads *the cat sat* and predicts the next word must not let *cat* look at *sat*. The
# scores of *cat* are 0, 0 and ln 2. The softmax takes e to their powers, the **numerators**, and divides by their sum,
# the **denominator**:
#
# | | the | cat | sat | denominator |
# |---|---|---|---|---|
# | score | 0 | 0 | ln 2 | |
# | numerator | 1 | 1 | 2 | 4 |
# | weight | 0.25 | 0.25 | 0.50 | |
# | score, *sat* forbidden | 0 | 0 | −∞ | |
# | numerator | 1 | 1 | 0 | 2 |
# | weight | **0.50** | **0.50** | **0** | |
#
# The score −∞ gives the numerator 0. So the forbidden word has no weight, *and* the weights of the others sum to 1.

# %% jupyter={"source_hidden": true}
scores = torch.tensor([0.0, 0.0, math.log(2)])
assert torch.allclose(scores.softmax(0), torch.tensor([0.25, 0.25, 0.5]))
scores[2] = -math.inf
assert scores.softmax(0).tolist() == [0.5, 0.5, 0]

# %% [markdown]
# ## The picture
# Three positions with d_model = 6, and three heads. Follow x from left to right:

# %% jupyter={"source_hidden": true}
HEADS = ["#8fb8de", "#fff0b3", "#c48a3a"]  # blue, pale yellow, brown


def grid(axes, left, bottom, colours, name, size=0.17):
    """A matrix of three positions: one colour for each column."""
    for column, colour in enumerate(colours):
        for row in range(3):
            corner = (left + size * column, bottom + size * row)
            axes.add_patch(plt.Rectangle(corner, size, size, fc=colour, ec="#666666"))
    middle = left + size * len(colours) / 2
    axes.text(middle, bottom + 3 * size + 0.06, name, ha="center", fontsize=8)


def arrow(axes, start, end, words="", lift=0.1):
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "#444444"})
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + lift
    axes.text(x, y, words, ha="center", fontsize=7, color="#444444")


# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(8.6, 3.3))
striped = [colour for colour in HEADS for _ in range(2)]
grid(axes, 0, 1.65, ["white"] * 6, "x")
for bottom, name in ((2.9, "Q"), (1.65, "K"), (0.4, "V")):
    arrow(axes, (1.1, 1.9), (2.1, bottom + 0.25))
    grid(axes, 2.2, bottom, striped, name)
labels = [(1.2, 2.7, "× W_Q"), (1.75, 2.0, "× W_K"), (1.2, 0.95, "× W_V")]
for left, bottom, words in labels:
    axes.text(left, bottom, words, ha="center", fontsize=8)
arrow(axes, (3.35, 1.9), (4.15, 1.9), "split")
for head, bottom in enumerate((2.9, 1.65, 0.4)):
    for place, name in enumerate("QKV"):
        left = 4.25 + 0.5 * place
        grid(axes, left, bottom, HEADS[head : head + 1] * 2, f"{name}{head + 1}")
    arrow(axes, (5.65, bottom + 0.25), (6.6, bottom + 0.25), "attention")
    grid(axes, 6.65, bottom, HEADS[head : head + 1] * 2, f"head {head + 1}")
arrow(axes, (7.1, 1.9), (7.7, 1.9), "join")
grid(axes, 7.8, 1.65, striped, "joined")
arrow(axes, (8.9, 1.9), (9.6, 1.9), "× W_O")
grid(axes, 9.7, 1.65, ["white"] * 6, "out")
shapes = [
    (0.5, "position × d_model\n3 × 6"),
    (2.7, "position × d_model\n3 × 6 each"),
    (4.95, "heads × position × d_head\n3 × 3 × 2 each"),
    (7.0, "the same\n3 × 3 × 2"),
    (9.2, "position × d_model\n3 × 6"),
]
for x, words in shapes:
    axes.text(x, -0.15, words, ha="center", va="center", fontsize=7, color="#444444")
axes.set(xlim=(-0.3, 10.9), ylim=(-0.4, 3.75))
axes.axis("off")
plt.show()

# %% [markdown]
# Each small square is a number; each row of squares is a position. Blue belongs to head 1, pale yellow to head 2,
# brown to head 3. Read from the left:
#
# 1. x, **all** of it, is multiplied by W_Q, by W_K and by W_V, three matrices of 6 × 6. They give Q, K and V, as wide
#    as x.
# 2. Q, K and V are **split**: each head gets two adjacent columns of Q, of K and of V. These are **slices of Q, K and V, not of
#    x**. Every number of Q is a sum over all the numbers of a position's x, so each head has read the whole x.
# 3. Each head does the attention of notebook 04, over **all** positions, with numbers of its own.
# 4. The results are **joined**, side by side, and W_O mixes what the heads have found.
#
# Where does that stand in the whole Transformer?

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(4.6, 3.2))
today = "self-attention", "masked self-attention", "cross-attention"
transformer_map(axes, numbers=False, lit=today)
plt.show()

# %% [markdown]
# In three places (coloured). In the encoder at the left each word looks at all the others; in the decoder each word
# looks at those before it, which takes a mask; and in **cross-attention** the words of the decoder look at those of
# the encoder. One layer does all three, and you are going to write it.
#
# ## In code
# The table of Latin above: both slices hold the same two values, and each head has weights of its own.

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
# ## Each head reads all of x
# In the paper's words (Vaswani et al. [2017](https://arxiv.org/abs/1706.03762), section 3.2.2), for self-attention:
#
# $$\mathrm{head}_i = \mathrm{Attention}(x W_i^Q,\ x W_i^K,\ x W_i^V) \qquad
# \mathrm{MultiHead}(x) = \mathrm{Concat}(\mathrm{head}_1, \dots, \mathrm{head}_h)\, W^O$$
#
# h is the number of heads, our `n_heads`. The matrices W_i^Q, W_i^K and W_i^V are the **projections** of head i. Each has
# d_model rows, one for each number of x, and d_head = d_model / h columns (the paper writes d_k for the queries and keys
# of a head, and d_v for its values). The paper's model has d_model = 512, h = 8, so d_head = 64.
#
# Nobody stores 3 · 8 small matrices. The eight W_i^Q stand side by side in **one** matrix W_Q of d_model × d_model:
# head 1 has its first d_head columns, head 2 the next ones. One product x W_Q computes the queries of all heads, and
# a slice of the result is what one head would have computed alone, because column j of a product uses column j of the
# matrix only:
#
# > (x W_Q)[:, slice of head i] = x (W_Q[:, slice of head i]) = x W_i^Q
#
# A worked number, with d_model = 4 and two heads of two numbers. x = (1, 2, 0, 3), and the columns of head 1 are
#
# $$W_1^Q = \begin{pmatrix} 1 & 0 \\ 0 & 1 \\ 1 & 1 \\ 0 & 1 \end{pmatrix} \qquad
# x W_1^Q = (1 \cdot 1 + 0 \cdot 1,\ \ 2 \cdot 1 + 0 \cdot 1 + 3 \cdot 1) = (1,\ 5)$$
#
# The last number of x, 3, has gone into the query of the *first* head. If head 1 had been given a slice of x, (1, 2),
# it could not know of it. Now the proof for the sizes of the picture:

# %%
x = torch.arange(18.0).view(3, 6)  # (position, d_model)
w_q = torch.randn(6, 6, generator=generator)  # three blocks of (d_model, d_head)
queries = x @ w_q  # (position, d_model)
for head in range(3):
    columns = slice(2 * head, 2 * head + 2)
    separate = x @ w_q[:, columns]  # head's own projection of all of x
    assert torch.allclose(queries[:, columns], separate, atol=1e-5)
print("the slices of Q are the heads' own queries")


# %%


def reads(queries_of):
    """How many of x's six numbers move the queries of each head."""
    moved = torch.stack([queries_of(torch.eye(6)[i]) != 0 for i in range(6)])
    return moved.view(6, 3, 2).any(-1).sum(0).tolist()


sliced_x = torch.block_diag(*torch.randn(3, 2, 2, generator=generator))
print("slices of Q:", reads(lambda x: x @ w_q))
print("slices of x:", reads(lambda x: x @ sliced_x))
assert reads(lambda x: x @ w_q) == [6, 6, 6]
assert reads(lambda x: x @ sliced_x) == [2, 2, 2]
by_hand = torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, 1]])
assert (torch.tensor([1.0, 2, 0, 3]) @ by_hand).tolist() == [1, 5]

# %% [markdown]
# Slicing Q, each head reads six of six numbers; slicing x, it would read two. (Slicing x is the same as a W_Q with zeros
# outside three blocks on its diagonal.) `nn.Linear(6, 6)` holds its matrix transposed, as (out, in), so there the columns
# of a head are *rows* of `weight`.
#
# **Why slices at all**, and not heads of full width? Because of the price. A head of d_head numbers costs 1/h of what
# a head of d_model numbers costs, so h small heads cost as much as one large one. What is given up is room in each
# head: its scores compare d_head numbers in place of d_model.
#
# **Why W_O?** After the join, each slice holds what one head has found, and nothing combines them. W_O has d_model rows,
# d_head of them for each head. Call the rows of head i W_i^O; then
#
# > Concat(head_1, …, head_h) W_O = head_1 W_1^O + … + head_h W_h^O
#
# so each head *adds* its part to the output, translated by its own rows. A worked number: joined is (0.9, 0.1, 0.1,
# 0.9) as above, and one column of W_O is (1, 0, 0, 1). The output is 0.9 from head 1 plus 0.9 from head 2: 1.8 says
# "the wolf does it, to the lamb". With the endings swapped it would be 0.1 + 0.1 = 0.2.

# %% jupyter={"source_hidden": true}
column = torch.tensor([1.0, 0.0, 0.0, 1.0])
assert torch.isclose(joined @ column, torch.tensor(1.8))
assert torch.isclose(joined[:2] @ column[:2] + joined[2:] @ column[2:], joined @ column)
swapped_endings = torch.tensor([0.1, 0.9, 0.9, 0.1])
assert torch.isclose(swapped_endings @ column, torch.tensor(0.2))

# %% [markdown]
# ## Question 5.1 · head_block
# A model has d_model = 768 and 12 heads. Which shape has the matrix W_3^V, which makes the values of its third head
# out of x? Write it as a tuple (rows, columns), on paper first. 2 minutes.

# %% question="head_block" difficulty=1 minutes=2
### BEGIN SOLUTION
head_block = (768, 64)
### END SOLUTION

# %% check="head_block"
from lib.checks import check

head_block = check("head_block")

# %% [markdown]
# ## Split and join
# The heads do the same thing with different numbers, so they can be computed together: an axis for the heads next to the
# batch, and one matrix product for all. `attention` of notebook 04 takes any leading axes. So Q, of the shape (batch,
# position, d_model), has to become (batch, heads, position, d_head).
#
# It takes two steps. Cutting the last axis in two, d_model = heads · d_head, gives (batch, position, heads, d_head):
# no number moves, since the slices are neighbours in memory. Then the axes of positions and heads change places, since
# each head has to see *all* positions: the last two axes must be (position, d_head).
#
# By hand, for two positions of four numbers and two heads: (0, 1, 2, 3) and (4, 5, 6, 7). Cut: [(0, 1), (2, 3)] and
# [(4, 5), (6, 7)]. Swapped: head 1 has (0, 1) and (4, 5), head 2 has (2, 3) and (6, 7). Here is the x above, with 18
# numbers, for three heads:

# %% jupyter={"source_hidden": true}
from matplotlib.colors import ListedColormap

figure, panels = plt.subplots(1, 5, figsize=(7.6, 1.7), width_ratios=[3, 1, 1, 1, 3])
parts = [x, *x.split(2, dim=1), x]
names = ["position × d_model", "head 1", "head 2", "head 3", "joined"]
for axes, part, title in zip(panels, parts, names, strict=True):
    colours = ListedColormap(HEADS)
    axes.imshow((part % 6) // 2, cmap=colours, vmin=0, vmax=2, aspect="auto")
    for row, line in enumerate(part.tolist()):
        for column, value in enumerate(line):
            axes.text(column, row, int(value), ha="center", va="center")
    axes.set(title=title, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# Rows are positions. Blue columns (0, 1, 6, 7, 12, 13) go to head 1, pale yellow ones to head 2, brown ones to head
# 3, and joining puts them back.
#
# ## Exercise 5.1 · split_heads
# From `x` (batch, position, d_model), maybe cut out of a larger tensor, to (batch, heads, position, d_head). Head h gets the h-th slice of d_head
# = d_model // n_heads neighbouring numbers. Gradients must flow through: the layer below is trained. Difficulty ●●○ ·
# 6 minutes.
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
# With one `reshape`, "head 1" is position 0, cut in pieces that now pose as positions. The shapes are right, no error is
# raised, and what the layer learns is something else.
#
# The way back swaps first and then flattens the last two axes. After the swap the numbers no longer lie in memory in the
# order of the axes; `flatten` and `reshape` copy them where they must, `view` refuses.
#
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
# ## Masks: who may look where
# A **mask** M says which pairs of a query and a key are allowed. It enters *before* the softmax:
#
# $$\mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_{\mathrm{head}}}} + M\right) V \qquad
# M_{ij} = \begin{cases} 0 & \text{query } i \text{ may look at key } j \\ -\infty & \text{it may not} \end{cases}$$
#
# A sum with −∞ is −∞, its numerator e^(−∞) is 0, and so neither the numerator nor the denominator knows anything of
# the forbidden key. The worked number is in "By hand".
#
# Two masks are needed again and again:
#
# - The **causal mask** hides the future: query i may look at the keys 0 to i. (It is also called the look-ahead mask.) A
#   model that predicts the next word at every position needs it, or else it would find the answer in its input.
# - The **padding mask** hides what is no word. The sentences of a batch are filled up to one length with a **padding**
#   token, and nobody should look at it.
#
# Masks are written in several ways, and mixing them up raises no error:
#
# | where | type | what it means |
# |---|---|---|
# | this course, and PyTorch's `scaled_dot_product_attention` | bool | True: may look |
# | the same function, given floats | float | is added: 0 or −∞ |
# | PyTorch's `nn.MultiheadAttention`, `nn.Transformer` | bool | True: must **not** look |
# | Hugging Face's `attention_mask` | 0 and 1 | 1: a word, 0: padding |
#
# Bool and added masks give the same weights:

# %%
scores = torch.randn(3, 3, generator=generator)
allowed = torch.tensor([[True, False, False], [True, True, False], [True, True, True]])
added = torch.zeros(3, 3).masked_fill(~allowed, -math.inf)
print(added)
filled = scores.masked_fill(~allowed, -math.inf)
assert torch.equal((scores + added).softmax(-1), filled.softmax(-1))

q, k, v = torch.randn(3, 1, 3, 4, generator=generator)
as_bool, as_sum = (
    functional.scaled_dot_product_attention(q, k, v, mask) for mask in (allowed, added)
)
assert torch.allclose(as_bool, as_sum, atol=1e-6)
assert torch.allclose(as_bool, attention(q, k, v, allowed)[0], atol=1e-6)

# %% [markdown]
# We use bool, because two conditions are joined by `&`, and because True for "may" reads well.
#
# ## Exercise 5.3 · causal_mask
# Return a bool matrix (query, key), for any `length` from 1 on: position i may look at 0 to i. Difficulty ●○○ · 3 minutes.
#
# <details><summary>Which triangle?</summary>Row i is the query. It has i + 1 times True, on the left: the lower triangle,
# diagonal included.</details>


# %% exercise="causal_mask" difficulty=1 minutes=3
def causal_mask(length):
    """Who may look where when the future is not known yet: position i at 0 to i. Shape
    (query, key), bool. length: 1 or more.
    """
    ### BEGIN SOLUTION
    return torch.ones(length, length, dtype=torch.bool).tril()
    ### END SOLUTION


# %% check="causal_mask"
from lib.checks import check

causal_mask = check("causal_mask")

# %% [markdown]
# Why may a position look at **itself**? Because what stands at position i is known when word i + 1 is asked for. And
# the first position would otherwise have nothing to look at.
#
# The padding mask depends on the sentence, the causal one does not; and it depends on the *key* alone. Scores have
# the shape (batch, heads, query, key). So the padding mask has the shape (batch, 1, 1, key): an axis of size 1
# stretches over all heads and all queries. The sentence of ids (7, 4, 9, 0, 0), where 0 is padding, has the mask
# (True, True, True, False, False).
#
# ## Exercise 5.4 · padding_mask
# From `ids` (batch, key) and the number that stands for padding to a bool mask (batch, 1, 1, key), True at the words and
# False at every padding, wherever it stands and even where a sentence holds nothing else. Difficulty ●○○ · 4 minutes.
#
# <details><summary>How do I get the two axes of size 1?</summary>Indexing with <code>None</code> makes one:
# <code>[:, None, None, :]</code>.</details>


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
# ## Question 5.2 · allowed_pairs
# A decoder needs both masks: `causal_mask(6) & padding_mask(ids, 0)`. A batch holds *The cat sat on the mat*, and
# *the dog sat down* with two paddings behind it. Draw both squares on paper. How many times True has the whole mask,
# of the shape (2, 1, 6, 6)? Think of the rows of the paddings themselves, too. 5 minutes.

# %% question="allowed_pairs" difficulty=2 minutes=5
### BEGIN SOLUTION
allowed_pairs = (1 + 2 + 3 + 4 + 5 + 6) + (1 + 2 + 3 + 4 + 4 + 4)
### END SOLUTION

# %% check="allowed_pairs"
from lib.checks import check

allowed_pairs = check("allowed_pairs")

# %% jupyter={"source_hidden": true}
lines = [
    line.split() for line in ("the cat sat on the mat", "the dog sat down (pad) (pad)")
]
vocabulary = ["(pad)", *dict.fromkeys(lines[0] + lines[1][:4])]
ids = torch.tensor([[vocabulary.index(word) for word in line] for line in lines])
mask = causal_mask(6) & padding_mask(ids, 0)  # (batch, 1, query, key)
assert mask.shape == (2, 1, 6, 6) and mask[1, 0, 5].tolist() == [True] * 4 + [False] * 2
assert allowed_pairs in (..., mask.sum().item())

figure, panels = plt.subplots(1, 2, figsize=(7.4, 3))
for axes, allowed, line in zip(panels, mask[:, 0], lines, strict=True):
    axes.imshow(allowed, cmap="cividis", vmin=0, vmax=1)
    axes.set_xticks(range(6), line, rotation=45)
    axes.set_yticks(range(6), line)
    for edge in range(1, 6):
        axes.axhline(edge - 0.5, color="grey", lw=0.7)
        axes.axvline(edge - 0.5, color="grey", lw=0.7)
    axes.set(xlabel="key", ylabel="query")
plt.show()

# %% [markdown]
# Rows are queries, columns keys; bright: may look. Below the diagonal lies the past; the columns of the paddings are
# dark. Their rows are not: a padding may look back, and nobody looks at it. What comes out there is not used: the
# loss leaves these positions out.

# %% [markdown]
# ## The layer
# Four matrices, and everything above in one line:
#
# > out = join(attention(split(x W_Q), split(c W_K), split(c W_V), mask)) W_O
#
# Queries come from x; keys and values come from c, the **context**. In **self-attention** c is x itself. In
# **cross-attention** it is another text: a translator's decoder asks (x has as many positions as it has written
# words), and the source sentence answers. So the number of queries and the number of keys may differ; the result has
# as many positions as x. The shapes, for a batch of 2, 4 words that ask, 7 that answer, d_model 12 and 3 heads: Q (2,
# 3, 4, 4), K and V (2, 3, 7, 4), scores and mask (2, 3, 4, 7), heads (2, 3, 4, 4), joined (2, 4, 12).
#
# `attend` is given. It calls your `attention` where the weights are to be kept for a picture. Else it calls PyTorch's
# **fused kernel**, one function for scores, softmax and mix: it gives the same mix in less time and memory, but never
# shows the weights.
#
# ## Exercise 5.5 · MultiHeadAttention
# Write the four layers `to_q`, `to_k`, `to_v`, `to_out`, each `nn.Linear` from d_model to d_model numbers, with a
# bias only if `bias` says so; and `forward`: project, split, `self.attend(q, k, v, mask)`, join, `to_out`. Where
# `context` is None, it is x. Gradients must flow to all of them. What is given stays: later notebooks read `n_heads`
# and `weights`, they call `attend` by itself, and a class below replaces it. Difficulty ●●● · 15 minutes.
#
# <details><summary>The heads give the same as one big head</summary>The split must come after the projection and before
# attend.</details>
# <details><summary>Cross-attention: the shapes do not fit</summary>Split each of the three by itself: queries and keys may
# have different lengths.</details>


# %% exercise="MultiHeadAttention" difficulty=3 minutes=15
class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own slice of d_model, then mixed
    (section 3.2.2).

    `weights` (batch, heads, query, key) holds what the last call looked at, if
    `keep_weights` was set before it; if not, it is None or that of an earlier call. A
    call does not change `keep_weights`. Raises ValueError where d_model does not split
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

        mask: broadcastable to (batch, heads, query, key), so three axes are (heads,
        query, key). Returns (batch, query, d_model). Gradients flow everywhere.
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
# PyTorch has this layer too, `nn.MultiheadAttention`. With your weights copied into it, it gives the same results and
# the same gradients: cross-attention, 4 queries look at a context of 7. (Its mask says True where looking is
# *forbidden*, hence `~mask`; and it keeps W_Q, W_K and W_V in one matrix.)

# %%
ours, theirs = (
    MultiHeadAttention(12, 3),
    nn.MultiheadAttention(12, 3, bias=False, batch_first=True),
)
three = ours.to_q, ours.to_k, ours.to_v
with torch.no_grad():
    theirs.in_proj_weight.copy_(torch.cat([part.weight for part in three]))
    theirs.out_proj.weight.copy_(ours.to_out.weight)

x = torch.randn(2, 4, 12, generator=generator)
context = torch.randn(2, 7, 12, generator=generator)
mask = torch.rand(4, 7, generator=generator) > 0.3
mine = ours(x, context, mask)
reference = theirs(x, context, context, attn_mask=~mask)[0]
print(tuple(mine.shape), torch.allclose(mine, reference, atol=1e-6))

# %% jupyter={"source_hidden": true}
assert torch.allclose(mine, reference, atol=1e-6)
mine.square().sum().backward()
reference.square().sum().backward()
gradients = torch.cat([part.weight.grad for part in three])
assert torch.allclose(gradients, theirs.in_proj_weight.grad, atol=1e-5)
assert torch.allclose(ours.to_out.weight.grad, theirs.out_proj.weight.grad, atol=1e-5)

# %% [markdown]
# More heads cost no parameters: the layer has four matrices of d_model × d_model, 4 d_model² numbers, whatever
# n_heads is. And the two ways of `attend` agree:

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
# More heads are not always better. In the paper's own comparison, at equal cost, a translator with one head per layer
# reached BLEU 24.9, with 4 heads 25.5, with 8 and with 16 heads 25.8, and with 32 heads, of 16 numbers each, 25.4
# (its table 3, rows A; BLEU scores translations, notebook 10).
#
# ## Is the future hidden? Test it
# A mask can be right and the layer wrong all the same: a `reshape` that mixes positions, a mask on the wrong side of the
# softmax, a mean over the whole text. No shape is wrong and no error is raised; the loss is *better* than it should
# be. So test what is promised: **outputs up to position i depend on inputs up to position i only**. This is called
# **causality**.
#
# Change the inputs from some position p on, and see whether an earlier output moves. With f for the layer, x for its
# inputs, and x⁽ᵖ⁾ for x with everything from position p on negated:
#
# > leak = the largest |f(x⁽ᵖ⁾)_i − f(x)_i| over all p ≥ 1, all i < p, all sentences and all numbers of a vector
#
# A worked number: a layer that adds the next number to each, and nothing to the last one. x = (1, 2, 3) gives (3, 5, 3).
#
# | p | x⁽ᵖ⁾ | outputs | moves before p |
# |---|---|---|---|
# | 1 | (1, −2, −3) | (−1, −5, −3) | 4 |
# | 2 | (1, 2, −3) | (3, −1, −3) | 0 and **6** |
#
# The leak is 6.
#
# ## Exercise 5.6 · future_leak
# For every position from 1 on: negate all inputs from there on, and see how far the outputs before it move, in any
# sentence of the batch, up or down. Return the largest move, a float (not a tensor). Difficulty ●●○ · 10 minutes.
#
# <details><summary>It reports a leak where there is none</summary>Outputs from the changed position on may move. Compare
# only <code>[:, :position]</code>.</details>
# <details><summary>"Your code changes what it was given"</summary><code>x[:, position:] *= -1</code> changes the caller's x.
# Work on <code>x.clone()</code>, or build a new one with <code>torch.cat</code>.</details>


# %% exercise="future_leak" difficulty=2 minutes=10
def future_leak(layer, x):
    """How much later inputs change earlier outputs: exactly 0 where the future cannot
    be seen.

    layer: (batch, position, d_model) -> (batch, position, ...); it is called with
    tensors of x's shape
    x: (batch, position, d_model)
    Returns the largest move of an earlier output, as a float; 0, whole or not, for a
    single position.
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

# %% jupyter={"source_hidden": true}
assert leaks["without a mask"] > 1e-3 and leaks["causal"] < 1e-6


def adds_the_next(x):
    return x + torch.cat([x[:, 1:], torch.zeros_like(x[:, :1])], dim=1)


assert future_leak(adds_the_next, torch.tensor([[[1.0], [2.0], [3.0]]])) == 6

# %% [markdown]
# ## Question 5.3 · leaking_line
# `future_leak` reports a leak for this `forward`, though it has a causal mask, before the softmax. Everything has the
# shape that it should have. Which line is wrong? Write its number. 4 minutes.
#
# ```python
# def forward(self, x):
#     batch, position, d_model = x.shape                                       # 1
#     q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)                       # 2
#     shape = batch, self.n_heads, position, d_model // self.n_heads           # 3
#     q, k, v = q.reshape(shape), k.reshape(shape), v.reshape(shape)           # 4
#     scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])                # 5
#     scores = scores.masked_fill(~causal_mask(position), -math.inf)           # 6
#     mixed = scores.softmax(-1) @ v                                           # 7
#     return self.to_out(mixed.transpose(1, 2).flatten(2))                     # 8
# ```

# %% question="leaking_line" difficulty=2 minutes=4
### BEGIN SOLUTION
leaking_line = 4
### END SOLUTION

# %% check="leaking_line"
from lib.checks import check

leaking_line = check("leaking_line")

# %% jupyter={"source_hidden": true}


def wrong_forward(x, split):
    q, k, v = (split(part(x)) for part in (layer.to_q, layer.to_k, layer.to_v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    scores = scores.masked_fill(~causal_mask(x.shape[1]), -math.inf)
    return layer.to_out((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


assert future_leak(lambda x: wrong_forward(x, lambda y: split_heads(y, 8)), x) < 1e-5
assert future_leak(lambda x: wrong_forward(x, lambda y: y.reshape(2, 8, 6, 8)), x) > 0.1

# %% [markdown]
# ## All positions at once: parallel training
# With the future hidden, one pass through the model answers *many* questions. Take *the cat sat on the mat*. The
# inputs are all words but the last, the targets are all words but the first:
#
# | position | 0 | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|---|
# | input | the | cat | sat | on | the |
# | may look at | the | the cat | the cat sat | the cat sat on | the cat sat on the |
# | target | cat | sat | on | the | mat |
#
# Five predictions, each from what stands before it, and all five in one product of matrices. The input at each
# position is the word of the *text*, whatever the model would have said itself: this is **teacher forcing** (notebook
# 03). A model that gives each next word a probability, given the words before it, is **autoregressive**. The loss is
# the mean of −ln p(target) over the positions, in **nats**.
#
# A small model: a vector for each word, your layer with a causal mask, and a matrix that scores the words. Its twelve
# sentences are made by a program: four animals, three verbs, and each animal has a place of its own. There are no
# positions yet (notebook 06); none are needed here, since a word can count on *which* words stand before it.

# %%
ends = {
    "cat": "on the mat",
    "dog": "on the rug",
    "bird": "in the tree",
    "mouse": "in the hole",
}
verbs = "sat", "slept", "waited"
tales = [
    f"the {who} {verb} {end}".split() for who, end in ends.items() for verb in verbs
]
words = list(dict.fromkeys(word for tale in tales for word in tale))
tale_ids = torch.tensor([[words.index(word) for word in tale] for tale in tales])
print(tuple(tale_ids.shape), "(sentence, position);", len(words), "words")


# %%
class NextWord(nn.Module):
    """Scores for the next word at every position, from that position and before."""

    def __init__(self, n_words, generator, layer=MultiHeadAttention, d_model=32):
        super().__init__()
        self.embed = nn.Embedding(n_words, d_model)
        self.attend = layer(d_model, n_heads=4)
        self.answer = nn.Linear(d_model, n_words, bias=False)
        for part in self.parameters():
            std = 1.0 if part is self.embed.weight else d_model**-0.5
            nn.init.normal_(part, std=std, generator=generator)

    def forward(self, ids):
        x = self.embed(ids)  # (batch, position, d_model)
        x = self.attend(x, mask=causal_mask(ids.shape[1]))
        return self.answer(x)  # (batch, position, word)


# %%
model = NextWord(len(words), torch.Generator().manual_seed(0))
at_once = model(tale_ids[:1, :-1])[0]  # one pass, five predictions
for end in range(1, 6):
    alone = model(tale_ids[:1, :end])[0, -1]  # the model reads `end` words
    assert torch.allclose(at_once[end - 1], alone, atol=1e-5)

# %% [markdown]
# Five passes over the beginnings *the*, *the cat*, *the cat sat* … give the same five rows of scores as one pass over the
# whole. Without the mask they would not: the word at position 1 would have seen *sat*.
#
# ## Question 5.4 · prefix_price
# A text of 1,000 words. One pass over it takes 1,000 positions through the model. How many times as many positions
# have to go through it, if every beginning (of 1, 2, … 1,000 words) is read in a pass of its own? 3 minutes.

# %% question="prefix_price" difficulty=1 minutes=3
### BEGIN SOLUTION
prefix_price = sum(range(1, 1001)) / 1000
### END SOLUTION

# %% check="prefix_price"
from lib.checks import check

prefix_price = check("prefix_price")

# %% [markdown]
# How low can the loss go? The animal can be any of four (ln 4 = 1.39 nats), the verb any of three (ln 3 = 1.10), and
# the other three words are certain for a model that remembers the animal. So the best possible mean is 0.50:
# (1.39 + 1.10 + 0 + 0 + 0) / 5.
#
# > **Predict.** Which targets can a model that sees only the *last* word not know, though ours can?


# %%
def train_teller(seed, steps=200):
    """A NextWord trained on all positions of 32 sentences a step."""
    dice = torch.Generator().manual_seed(seed)
    model = NextWord(len(words), dice)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(steps):
        batch = tale_ids[torch.randint(len(tale_ids), (32,), generator=dice)]
        scores = model(batch[:, :-1]).flatten(0, 1)  # (batch · position, word)
        loss = functional.cross_entropy(scores, batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.requires_grad_(False)


# %% tags=["training"]
losses = []  # (seed, position)
for seed in range(3):
    model = train_teller(seed)
    scores = model(tale_ids[:, :-1]).transpose(1, 2)  # (sentence, word, position)
    each = functional.cross_entropy(scores, tale_ids[:, 1:], reduction="none")
    losses.append(each.mean(dim=0))
    print(f"seed {seed}:", [round(loss, 2) for loss in losses[-1].tolist()], "nats")


# %% tags=["training"]
def says(beginning):
    """The likeliest next word at every position, all in one pass."""
    ids = torch.tensor([[words.index(word) for word in beginning.split()]])
    return [words[i] for i in model(ids)[0].argmax(dim=-1)]


for beginning in ("the cat sat on the", "the dog sat on the"):
    print("reads", beginning.split(), "says", says(beginning))

# %% tags=["training"]
written = "the cat"
while len(written.split()) < 6:
    written += " " + says(written)[-1]  # the word after the last position
print(written)

# %% jupyter={"source_hidden": true}
losses = torch.stack(losses)
assert (losses[:, 2:] < 0.05).all() and (losses.mean(1) < 0.56).all()
assert abs((math.log(4) + math.log(3)) / 5 - 0.5) < 0.005
assert (losses[:, 0] - math.log(4)).abs().max() < 0.15
assert (losses[:, 1] - math.log(3)).abs().max() < 0.2
assert says("the cat sat on the")[2:] == ["on", "the", "mat"]
assert says("the dog sat on the")[2:] == ["on", "the", "rug"]
assert written.split()[:2] == ["the", "cat"] and written.endswith("on the mat")

# %% [markdown]
# In all three runs the losses are about 1.4 and 1.1 nats where nobody can know, and near 0 after that. *cat* → *sat*
# → … → *mat*: each position has said its next word. After the verb by itself it could be *on* or *in*, and the last *the* by itself could be followed by eight words (four animals, four places). The two lines differ in the animal alone, so the model has looked back at it: *mat* for the
# cat, *rug* for the dog.
#
# When it **writes**, as in the last cell, the model has no text to read from. It gives one word, puts it behind the
# others, and reads again: one pass a word, here four. (We took the likeliest word each time; notebooks 10 and 12 are about better ways.) So training goes over all positions at once, writing one after another.
#
# An LSTM can be trained on all next words of a text in one pass, too. But its pass is a chain: the state at position
# i needs the state at i − 1, so 1,000 words take 1,000 steps, each waiting for the one before. In attention no
# position waits for another *of the same layer*. That is what **parallel training** means. (The base model of Vaswani
# et al. was trained in 12 hours on 8 graphics processors.)
#
# ## What attention costs
# The paper compares kinds of layers in its table 1. n is the number of positions, d the width (d_model), k how many
# neighbouring positions one step of a convolution sees (its kernel), r a limited neighbourhood:
#
# | layer | complexity per layer | sequential operations | maximum path length |
# |---|---|---|---|
# | self-attention | O(n² · d) | O(1) | O(1) |
# | recurrent | O(n · d²) | O(n) | O(n) |
# | convolution | O(k · n · d²) | O(1) | O(log_k n) |
# | self-attention, neighbours only | O(r · n · d) | O(1) | O(n / r) |
#
# - **Complexity** counts multiplications. O(…) means "grows like", and hides constant factors. In self-attention each of
#   the n queries meets n keys of d numbers: n² · d. This is its **quadratic cost**: twice the text, four times the scores.
#   In a recurrent layer each of n states goes through a matrix of d × d.
# - **Sequential operations** are those that must wait for one another.
# - **Path length** is the number of steps that a signal needs from the first position to the last. The shorter it is,
#   the easier it should be to learn that two far words belong together (notebook 01 shows a gradient that dies on a
#   long path). Convolutions have O(n / k) if they see neighbours, O(log_k n) if they are **dilated**, each layer
#   seeing places further apart.
#
# Attention buys the two 1s of its row with n². For n < d, as in the paper's sentences of some dozens of tokens and d
# = 512, it is even cheaper than a recurrent layer and a convolution by the table.
#
# Path lengths can be counted. Who sees whom in one step is a square of bools, like a mask; take steps until the first
# position has arrived at the last:


# %%
def path_length(n, sees):
    """Steps until the last of n positions knows of the first.

    sees(step, distance): may a position take from another, so far back, in this step?
    """
    positions = torch.arange(n)
    distance = positions[:, None] - positions  # (to, from)
    knows, steps = positions == 0, 0  # at first, position 0 alone
    while not knows[-1]:
        seen = (distance >= 0) & sees(steps, distance)
        knows, steps = (seen & knows).any(dim=1), steps + 1
    return steps


kinds = {
    "self-attention": lambda step, distance: distance >= 0,
    "recurrent": lambda step, distance: distance <= 1,
    "convolution, k = 3": lambda step, distance: distance <= 2,
    "dilated, k = 3": lambda step, distance: (
        (distance <= 2 * 3**step) & (distance % 3**step == 0)
    ),
}
paths = {name: path_length(64, sees) for name, sees in kinds.items()}
print(paths)

# %% jupyter={"source_hidden": true}
assert list(paths.values()) == [1, 63, 32, 4]

# %% [markdown]
# For n = 64: 1, 63, 32 = 63 / (k − 1) rounded up, and 4, since 3⁴ = 81 is the first power of 3 above 63. These agree with the table.
#
# What the table leaves out are constant factors and the projections. Counting all multiplications of our layer and of an
# LSTM, in which three gates and the candidate have two matrices each (notebook 01):
#
# > self-attention, all heads: **4 n d² + 2 n² d** (four projections; scores and mix)
# >
# > LSTM: **8 n d²**  convolution with k = 3: **3 n d²**
#
# The number of heads does not matter: h heads of d / h numbers cost as much as one of d.
#
# ## Question 5.5 · crossover
# d = 512. At which number of positions n does multi-head self-attention, with its projections, need as many
# multiplications as an LSTM of the same width? 4 minutes.

# %% question="crossover" difficulty=2 minutes=4
### BEGIN SOLUTION
crossover = 2 * 512
### END SOLUTION

# %% check="crossover"
from lib.checks import check

crossover = check("crossover")

# %% [markdown]
# Counting is not measuring. Time a forward pass on *this* processor, one core, d = 256, always 4,096 words: 256 texts
# of 16 words, 64 of 64 … a single text of 4,096. Also the LSTM with a single text at a time, where its chain cannot
# be hidden behind other texts.
#
# > **Predict.** By the counts above, at which length does attention become dearer than the LSTM for d = 256?


# %%
def microseconds(layer, batch, n, d=256, tries=3):
    """Processor time per word of a forward pass: the best of some tries."""
    x, best = torch.randn(batch, n, d), math.inf
    with torch.no_grad():
        for _ in range(tries):
            start = time.process_time()
            layer(x)
            best = min(best, time.process_time() - start)
    return best / (batch * n) * 1e6


attend, chain = MultiHeadAttention(256, 8), nn.LSTM(256, 256, batch_first=True)
convolution = nn.Conv1d(256, 256, kernel_size=3, padding=1)
layers = {
    "self-attention": attend,
    "LSTM": chain,
    "convolution": lambda x: convolution(x.transpose(1, 2)),
}

# %% tags=["training"]
lengths = [16, 64, 256, 1024, 4096]
costs = {
    name: [microseconds(layer, 4096 // n, n) for n in lengths]
    for name, layer in layers.items()
}
costs["LSTM, one text"] = [microseconds(chain, 1, n) for n in lengths]
figure, axes = plt.subplots()
marks = ("o-", "s--", "^:", "d-.")
for (name, times), mark in zip(costs.items(), marks, strict=True):
    axes.loglog(lengths, times, mark, label=name)
    print(f"{name:15}", [f"{microseconds:.0f}" for microseconds in times])
low, high = min(map(min, costs.values())), max(map(max, costs.values()))
axes.set(xlabel="positions in a text", ylabel="microseconds per word")
axes.set_ylim(low / 1.5, 6 * high)  # room for the legend, on any processor
axes.set_xticks(lengths, lengths)
axes.legend(ncols=2, loc="upper center")
plt.show()

# %% jupyter={"source_hidden": true}
ours, lstm, alone = (
    costs[name] for name in ("self-attention", "LSTM", "LSTM, one text")
)
assert ours[0] < 1.6 * lstm[0] and ours[1] < 1.6 * lstm[1]  # short texts
assert ours[4] > 1.2 * lstm[4]  # long ones
assert ours[4] > 2.5 * ours[1] and max(lstm[:4]) < 2.5 * min(lstm[:4])
assert alone[1] > 1.2 * lstm[1]
assert all(c < b for b, c in zip(costs["LSTM"], costs["convolution"], strict=True))

# %% [markdown]
# Each line is a layer; low is cheap. What agrees with the counts: attention costs about the same per word for short
# texts, where the projections outweigh the n², and then rises, while the LSTM rises by much less as long as there
# are several texts (up to 1,024 words, four texts). For short texts attention costs about as much as the LSTM or less, at
# 4,096 words clearly more. The counts are equal at n = 2 d = 512; on the processors that this was tried on, the two lines
# cross near 1,024 words, on some a little before and on others a little after.
#
# Where this processor **disagrees** with the table, or shows what it does not count:
#
# - *The convolution is cheaper than the LSTM at every length*, although the table gives it k times the cost of a
#   recurrent layer: an LSTM has 8 matrices, this convolution 3. The table hides constant factors.
# - *n sequential steps do not make the LSTM slow here*, if there are many texts: one core does one thing after another
#   anyway, and a step with 64 texts is a product of two matrices, which fills it. With a single text each step is one
#   vector times a matrix: the core waits for memory, and the chain costs more per word. (At 4,096 words there is a
#   single text in any case, so the two lines of the LSTM meet.)
#
# On a graphics processor, with thousands of cores, waiting is what hurts most. That is the machine which the paper's
# argument was made for, and which we do not have here.
#
# So the trade-off of the Transformer is: **parallel training and short paths, for a quadratic cost**. Notebook 14 shows
# attention to neighbours only, the last row of the table.

# %% [markdown]
# ## On real text
# Latin sentences, written by a program: who, whom, a verb and up to two adverbs, in any order. Some verbs ask for -um
# (*videt*), some for -o (*paret*, obeys). A fifth of all pairs (who, whom) is never trained.

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
        mixed = self.attend(x, mask=padding_mask(ids[..., 0], 0))
        found = mixed[torch.arange(len(ids)), verb_at]  # at the verb alone
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
# One head has both answers right in fewer than six of ten sentences, in each of three runs. Either it mixes a wolf
# and a lamb and guesses which is which, or it gives up one of the questions and answers the other one nearly always.
# Two heads with as many parameters answer nearly always, and so do four. Where do the two look?

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
# *Today the wolf sees the lamb.* Each row is a head, each column a word that *videt* may look at; a bright square has
# much weight. One head has become the question **who**, the other **whom**. Nobody told them; the task did. Which
# head takes which is up to the random start.
#
# Do we know that these heads *cause* the answers? A weight only says where a head looks. The test is to take the head
# away: set its rows of W_O to 0, so that its say is no longer added. (`weight` is stored transposed: here they are
# columns.)
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
# *Who* falls below 30%, *whom* stays above 60%: the head that looks at the one who acts is the one that the answer
# comes from. Taking heads away for good is called **head pruning**. Do not expect such clear roles in large models.
# Michel et al. ([2019](https://arxiv.org/abs/1905.10650)) could take away most heads of a trained translator one at a
# time without a significant loss; some layers did as well with a single one. Voita et al.
# ([2019](https://arxiv.org/abs/1905.09418)) found a few heads with clear roles (a neighbouring position, a
# grammatical relation, rare words) and pruned 38 of 48 heads of an encoder for 0.15 BLEU.
#
# ## What breaks
# **A row where nothing is allowed.** It arises from a sentence of nothing but padding, or from padding on the *left*
# together with a causal mask, where the first rows see only padding. All of its scores are −∞, numerators and
# denominator are 0, and 0 / 0 is NaN. Here is attention as it is often written, without the last line of yours; the
# loss looks at the first sentence only.
#
# > **Predict.** Is the gradient of the value matrix fine or NaN, with this careless attention, and with yours?


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
left = causal_mask(4) & padding_mask(torch.tensor([[0, 0, 3, 8]]), 0)
assert left[0, 0].any(-1).tolist() == [False, False, True, True]
hidden = torch.tensor([2.0, -3.0, 0.5]) + -1e9  # 1e9 swallows the scores
assert torch.allclose(hidden.softmax(0), torch.full((3,), 1 / 3))

# %% [markdown]
# 0 × NaN is NaN: one empty sentence that no loss even looks at destroys the gradient of the matrix that all sentences
# share. Many programs add a large negative number, such as −10⁹, in place of −∞. Then nothing is NaN; but in an empty
# row, where all scores get it, the scores drown in it, and the row looks at all the forbidden keys alike. Weights of
# 0 are the safe answer, and what this course's attention gives.
#
# **A model that is too good.** A friend trains a `NextWord` model on texts of six *random* words: each is any of
# eight, all equally likely, and every batch is new. Nobody can predict these words, so the best possible loss is ln 8
# = 2.08 nats. (The model has no positions here, so each place has ids of its own.) The friend's layer was changed in one place. Run the folded
# cells, do not open them yet, and look at the loss in training and at the loss when the model gets only the beginning
# of a text, one word more each time, and says the next word.


# %% jupyter={"source_hidden": true}
class FriendsAttention(MultiHeadAttention):
    """The friend's version."""

    def attend(self, q, k, v, mask):
        weights = attention(q, k, v)[1] * mask  # the mask comes after the softmax
        return weights @ v


def random_texts(count, dice):
    """ids (text, 6): word w of place p has the id w + 8 p."""
    return torch.randint(8, (count, 6), generator=dice) + 8 * torch.arange(6)


@torch.no_grad()
def given_beginnings(model, texts):
    """The loss of each next word for a model that is given nothing after it."""
    ends = range(1, texts.shape[1])
    scores = [model(texts[:, :end])[:, -1] for end in ends]
    return functional.cross_entropy(torch.cat(scores), texts[:, 1:].T.flatten()).item()


# %% tags=["training"] jupyter={"source_hidden": true}
def train_on(draw, n_words, layer, seed, steps=300):
    """The model, its losses in training, and those given beginnings, every 20 steps."""
    dice = torch.Generator().manual_seed(seed)
    model, losses, honest = NextWord(n_words, dice, layer), [], []
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(steps):
        texts = draw(64, dice)
        scores = model(texts)[:, :-1].flatten(0, 1)
        loss = functional.cross_entropy(scores, texts[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 20 == 19:
            honest.append(given_beginnings(model, draw(256, dice)))
    return model, losses, honest


friends = [train_on(random_texts, 48, FriendsAttention, seed) for seed in range(3)]
yours = [train_on(random_texts, 48, MultiHeadAttention, seed) for seed in range(3)]
figure, axes = plt.subplots()
axes.plot(friends[0][1], label="in training, whole texts")
axes.plot(range(20, 301, 20), friends[0][2], "s--", ms=4, label="given the beginning")
axes.axhline(math.log(8), color="grey", lw=1, label="ln 8")
axes.set(xlabel="step", ylabel="loss (nats)")
axes.legend(loc="upper left")
plt.show()

# %% [markdown]
# The solid line is the loss in training, the dashed one the loss given only beginnings, the grey line ln 8.
#
# ## Question 5.6 · friends_curve
# What is the matter? Answer `"overfitting"` (the model knows its training texts by heart), `"learning rate"` (the
# training is unstable), or `"leak"` (the model sees what it should predict). 3 minutes.

# %% question="friends_curve" difficulty=1 minutes=3
### BEGIN SOLUTION
friends_curve = "leak"
### END SOLUTION

# %% check="friends_curve"
from lib.checks import check

friends_curve = check("friends_curve")

# %% [markdown]
# What the friend has changed, in `attend`:
#
# ```python
# weights = attention(q, k, v)[1] * mask  # the mask comes after the softmax
# return weights @ v
# ```
#
# The forbidden weights *are* 0, so no forbidden word is mixed in. And yet it leaks. `future_leak` sees it in a moment:

# %%
x = torch.randn(2, 6, 64, generator=generator)
late = FriendsAttention(64, 4)
early = MultiHeadAttention(64, 4)
for name, layer in (("after the softmax", late), ("before", early)):
    leak = future_leak(lambda x, layer=layer: layer(x, mask=causal_mask(6)), x)
    print(f"{name:18}", "leaks" if leak > 1e-3 else "tight")

# %% jupyter={"source_hidden": true}
assert future_leak(lambda x: late(x, mask=causal_mask(6)), x) > 1e-3
assert future_leak(lambda x: early(x, mask=causal_mask(6)), x) < 1e-5

# %% [markdown]
# ## Question 5.7 · late_sums
# Where is the future, if no forbidden word is mixed in? Take the row of "By hand": *cat* has the scores 0, 0 and ln 2
# for *the*, *cat* and *sat*. Take the softmax, and *then* set the weight of *sat* to 0. What do the weights of the
# row sum to? And with another word in place of *sat*, whose score is ln 8? Write both as a tuple. 4 minutes.

# %% question="late_sums" difficulty=2 minutes=4
### BEGIN SOLUTION
late_sums = (0.5, 0.2)
### END SOLUTION

# %% check="late_sums"
from lib.checks import check

late_sums = check("late_sums")

# %% [markdown]
# The **denominator** has seen all the scores, the forbidden ones too. So the sum of the weights that are left tells
# how well the hidden word matched. That is one number in each head; four heads tell four numbers, and a training that
# is paid for it learns to ask the right questions. Here is what it has learnt, in three runs of 300 steps each:

# %% tags=["training"]
for name, runs in (("before the softmax", yours), ("after the softmax", friends)):
    for _, losses, honest in runs:
        last = sum(losses[-20:]) / 20
        print(f"{name}: in training {last:5.2f}, given beginnings {honest[-1]:5.2f}")

# %% jupyter={"source_hidden": true}
for (_, losses, honest), friend in zip(yours, friends, strict=True):
    _, friends_losses, friends_honest = friend
    assert abs(sum(losses[-20:]) / 20 - math.log(8)) < 0.15
    assert abs(honest[-1] - math.log(8)) < 0.2
    assert sum(friends_losses[-20:]) / 20 < 0.8 and friends_honest[-1] > 4

# %% [markdown]
# With the mask before the softmax, the loss stays at ln 8 = 2.08, in training and given beginnings: there is nothing
# to learn. With the mask after it, it falls below 0.8 *on pure noise*. No honest model can do that, and the two
# models differ in nothing else, so the model **has learnt to read the answer** in the denominator. Given beginnings,
# there is no answer to read, and the loss is above 4 nats: worse than guessing. The same on the sentences from above,
# where a model can be read:


# %% tags=["training"]
def tales_of(count, dice):
    return tale_ids[torch.randint(len(tale_ids), (count,), generator=dice)]


@torch.no_grad()
def go_on(model, beginning):
    ids = [words.index(word) for word in beginning.split()]
    while len(ids) < 6:
        ids.append(model(torch.tensor([ids]))[0, -1].argmax().item())
    return " ".join(words[i] for i in ids)


told = {}
for layer in (MultiHeadAttention, FriendsAttention):
    for seed in range(3):
        model, losses, honest = train_on(tales_of, len(words), layer, seed)
        told[layer, seed] = sum(losses[-20:]) / 20, honest[-1]
        text = " | ".join(go_on(model, f"the {animal}") for animal in ("cat", "bird"))
        print(f"{told[layer, seed][0]:.2f} {told[layer, seed][1]:5.2f}  {text}")

# %% jupyter={"source_hidden": true}
for (layer, _), (in_training, honest) in told.items():
    if layer is FriendsAttention:
        assert in_training < 0.4 and honest > 2
    else:
        assert 0.4 < in_training < 0.6 and honest < 0.65

# %% [markdown]
# Each line: the loss in training, the loss given beginnings, and two texts. The first three models are yours: 0.5
# nats in both, the best possible, and sentences. The others have a *better* loss in training, below the 0.50 that no
# honest model can beat, and a far worse one when they have to write.
#
# So two habits: mask before the softmax, and test with `future_leak`. And distrust a loss that is too good.
#
# ## In other words
# - **Head**: one attention with projections, weights and a mix of its own. **Multi-head attention**: h heads side by
#   side, our `n_heads`.
# - **Projections** W_i^Q, W_i^K, W_i^V: matrices (d_model, d_head) that make queries, keys and values of head i from
#   *all* of x; stored side by side as W_Q, W_K, W_V. **W_O** (W^O): mixes what the heads have found.
# - **d_head**: d_model / h, the paper's d_k for queries and keys and d_v for values. Heads are slices of **Q, K, V**.
# - **Self-attention**: keys and values come from x. **Cross-attention** (encoder-decoder attention): they come from
#   another text, the **context**.
# - **Mask** M: what may be looked at, as bools or as 0 and −∞ added to the scores. **Causal mask** (look-ahead mask):
#   only positions up to the query's own. **Padding mask**: no **padding**.
# - **Numerator**, **denominator** of the softmax: e^score of a key, and the sum of them over all keys.
# - **Causality**: outputs up to position i depend on inputs up to i only. A **leak** is where they do not.
# - **Autoregressive**: each word is predicted from those before it. **Teacher forcing**: in training these are the
#   words of the text. **Parallel training**: all positions of a layer at once.
# - **Quadratic cost**: O(n² · d) for n positions. **Sequential operations**, **maximum path length**: what must wait,
#   and how many steps a signal takes from one end of a text to the other.
# - **Fused kernel**: scores, softmax and mix in one function. **Head pruning**: heads taken away from a trained model.
#
# ## Where it comes from
# - Multi-head attention, the mask inside the decoder, and table 1: Vaswani et al.
#   [2017](https://arxiv.org/abs/1706.03762), sections 3.2.2, 3.2.3 and 4. Their base model (6 layers in encoder and
#   decoder, d_model 512, 8 heads) was trained in 12 hours on 8 graphics processors; their large one reached BLEU 28.4
#   from English to German after 3.5 days.
# - Attention inside one text is a little older: Cheng et al. [2016](https://arxiv.org/abs/1601.06733) put it into an
#   LSTM that reads, Parikh et al. [2016](https://arxiv.org/abs/1606.01933) used it without any recurrence to compare
#   two sentences, and Lin et al. [2017](https://arxiv.org/abs/1703.03130) gave a sentence several rows of weights,
#   which they called hops.
# - Convolutions with parallel training: ByteNet, Kalchbrenner et al. [2016](https://arxiv.org/abs/1610.10099),
#   dilated; Gehring et al. [2017](https://arxiv.org/abs/1705.03122).
# - Are many heads needed? Michel et al. [2019](https://arxiv.org/abs/1905.10650), Voita et al.
#   [2019](https://arxiv.org/abs/1905.09418), both above. Since then, many models let several heads share their keys
#   and values (Shazeer [2019](https://arxiv.org/abs/1911.02150), Ainslie et al.
#   [2023](https://arxiv.org/abs/2305.13245); notebook 14).
# - The quadratic *memory* is gone: FlashAttention, Dao et al. [2022](https://arxiv.org/abs/2205.14135), computes the
#   same mix in tiles without ever storing n × n weights (notebook 15). The quadratic number of multiplications has
#   stayed.
#
# ## What to remember
# - Each head reads all of x and works on its own slice of Q, K and V: several questions at the price of one. Split,
#   attend, join, and W_O mixes.
# - A mask says True where looking is allowed; forbidden scores become −∞ *before* the softmax; empty rows give 0,
#   never NaN.
# - With a causal mask one pass trains all positions. A leak looks like a very good model: test that the future cannot
#   change the past.
#
# **Next**: [06 positions](06_positions.ipynb), because Latin endings are a luxury: *the wolf sees the lamb* needs an
# order.
