# %% [markdown]
# # 6 · Positions
# After this notebook you can tell attention where its words stand, in four ways, and say which of them reads longer text
# than it was trained on.
#
# You need: notebook 05. You build: sinusoidal and learned position embeddings, rotary positions, and the distance penalty of
# ALiBi. 105 minutes.

# %%
import math
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from lib.corpora.stories import load_stories
from lib.figures import heatmap, style, transformer_map
from lib.yours import MultiHeadAttention, causal_mask, join_heads, split_heads

style()

# %% [markdown]
# ## The question
# *"the cat chased the dog"* or *"the dog chased the cat"*: who ran away? Five words each, the same five. Give every word
# a vector, and read both sentences with attention.

# %%
generator = torch.Generator().manual_seed(0)
vectors = dict(
    zip(
        ["the", "cat", "chased", "dog"],
        torch.randn(4, 8, generator=generator),
        strict=True,
    )
)


def embed(sentence):
    # (batch, position, d_model)
    return torch.stack([vectors[word] for word in sentence.split()])[None]


attend = MultiHeadAttention(8, 2)
hunter = attend(embed("the cat chased the dog"))[0, 1]
hunted = attend(embed("the dog chased the cat"))[0, 4]

# %% [markdown]
# > **Predict.** `hunter` is what attention makes of the cat that chases, `hunted` of the cat that runs. How far apart
# > are the two vectors?

# %%
assert torch.allclose(hunter, hunted, atol=1e-6)
print("the same vector")

# %% [markdown]
# Cat and dog swap freely: a sum of weighted values has no first and no last. Self-attention is **permutation
# equivariant**: put the words in another order, and the same vectors come out in that other order. In this sense it sees a
# *set* of words.
#
# A causal mask (notebook 05) changes this a little. Position i then sees the words 0 to i, so what it sees depends on what
# stands before it; but in which *order* these words stand, it still cannot tell:

# %%
causal = causal_mask(5)
hunter = attend(embed("the cat chased the dog"), mask=causal)[0, 1]
hunted = attend(embed("the dog chased the cat"), mask=causal)[0, 4]
assert (hunter - hunted).norm() > 0.1 * hunter.norm()  # they see different words
last = [
    attend(embed(sentence), mask=causal)[0, 4]
    for sentence in ("the cat chased the dog", "chased the the cat dog")
]
assert torch.allclose(last[0], last[1], atol=1e-6)  # the same words, in another order

# %% [markdown]
# A decoder can make something of how *many* words it sees (Haviv et al. [2022](https://arxiv.org/abs/2203.16634) found that
# language models without any positions work better than one would expect), an encoder nothing. Word order has to be put in.
# What is put in is called a **positional encoding**.
#
# ## By hand
# The first idea would be to add the number of the position: 0, 1, 2 … But then the word at position 500 would be mostly 500,
# and little word. The numbers should stay as small as those of the words, and still tell positions apart. Clocks do that:
# however late it is, a hand points somewhere on its circle.
#
# Give each position two clocks. The hand of the fast one turns by 1 (radian) a position, the slow one's by 0.01. Write
# down sine and cosine of each hand:
#
# | position | fast hand | slow hand | sin, cos fast | sin, cos slow |
# |---|---|---|---|---|
# | 0 | 0 | 0.00 | 0, 1 | 0, 1 |
# | 1 | 1 | 0.01 | 0.84, 0.54 | 0.01, 1.00 |
# | 2 | 2 | 0.02 | 0.91, −0.42 | 0.02, 1.00 |
#
# Four numbers for each position, to be added to the vector of the word that stands there.

# %% [markdown]
# ## The picture
# There are three places where a model can learn what stands where. Follow x from left to right:

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(8.6, 3), width_ratios=[2.6, 1])
axes = panels[0]
boxes = [
    (0.0, 1.0, "words"),
    (1.7, 1.0, "x"),
    (3.4, 1.6, "queries"),
    (3.4, 0.4, "keys"),
    (5.3, 1.0, "scores"),
    (7.0, 1.0, "weights"),
]
for left, middle, name in boxes:
    axes.add_patch(plt.Rectangle((left, middle - 0.25), 1.1, 0.5, color="#cfe0fc"))
    axes.text(left + 0.55, middle, name, ha="center", va="center", fontsize=9)
arrow = {"arrowstyle": "->", "color": "#555555"}
ends = [
    ((1.7, 1.0), (1.1, 1.0)),
    ((3.4, 1.6), (2.8, 1.1)),
    ((3.4, 0.4), (2.8, 0.9)),
    ((5.3, 1.1), (4.5, 1.6)),
    ((5.3, 0.9), (4.5, 0.4)),
    ((7.0, 1.0), (6.4, 1.0)),
]
for end, start in ends:
    axes.annotate("", end, start, arrowprops=arrow)
notes = [
    (1.4, 2.2, "added to the words:\nsinusoids, a table", (1.4, 1.05)),
    (3.95, -0.6, "turned:\nrotary", (3.95, 0.12)),
    (5.85, 2.2, "subtracted:\nALiBi", (5.85, 1.28)),
]
for x, y, words, end in notes:
    axes.annotate(words, end, (x, y), arrowprops=arrow, ha="center", fontsize=9)
shapes = [
    (2.25, 0.5, "(batch, position,\nd_model)"),
    (3.95, 2.05, "(batch, heads,\nposition, d_head)"),
    (6.4, 0.3, "(batch, heads,\nquery, key)"),
]
for x, y, shape in shapes:
    axes.text(x, y, shape, ha="center", va="center", fontsize=7, color="#555555")
axes.set(xlim=(-0.1, 8.2), ylim=(-1, 2.7))
axes.axis("off")
transformer_map(panels[1], numbers=False)
plt.show()

# %% [markdown]
# The position can be **added** to the vector of the word, before the first block: the paper of 2017 adds sinusoids, GPT-2 and
# BERT a learned table. It can **turn** queries and keys inside every attention: rotary positions, which most of today's large
# models use. Or something that grows with the distance can be **subtracted** from the scores: ALiBi. On the right is the
# whole Transformer: the boxes "+ positions" at the bottom are the first of the three places.
#
# An **absolute position** says where a word stands. A **relative position** says how far apart two words stand. The first kind
# adds absolute positions, the other two work with relative ones.
#
# Here are the sinusoids of the paper for 64 numbers, 32 clocks, each a little slower than the one before:

# %%
position, column = torch.arange(100.0)[:, None], torch.arange(64)
angles = position / 10000 ** (column // 2 * 2 / 64)
table = torch.where(column % 2 == 0, angles.sin(), angles.cos())
figure, axes = plt.subplots(figsize=(6, 3.8))
image = axes.imshow(table, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
axes.set(
    xlabel="number in the vector: fast clocks left, slow clocks right",
    ylabel="position",
)
figure.colorbar(image)
plt.show()

# %% [markdown]
# Read a row: that is one position, and no two rows are alike. Read a column: a wave, short on the left, so long on the
# right that 100 positions hardly move it. Fast clocks tell neighbours apart, slow ones tell early from late.
#
# ## In code
# In the paper's words (Vaswani et al. [2017](https://arxiv.org/abs/1706.03762), section 3.5), with pos for the position and
# pair = 0, 1, 2 … for the clock:
#
# $$PE(\mathrm{pos}, 2\,\mathrm{pair}) = \sin\!\left(\frac{\mathrm{pos}}{10000^{2\,\mathrm{pair}/d}}\right) \qquad
# PE(\mathrm{pos}, 2\,\mathrm{pair} + 1) = \cos\!\left(\frac{\mathrm{pos}}{10000^{2\,\mathrm{pair}/d}}\right)$$
#
# d is d_model. The number 10000 is the **base**: the first clock turns by 1 a position, the last one by almost
# 1/10000. How many positions a clock needs for a full turn is its **wavelength**, 2π · 10000^(2 pair/d): the wavelengths
# grow by the same factor from clock to clock. With d = 4 the speeds are 1 and 10000^(−2/4) = 0.01, as above:

# %%
by_hand = torch.tensor(
    [[0, 1, 0, 1], [0.84, 0.54, 0.01, 1.0], [0.91, -0.42, 0.02, 1.0]]
)
rows = []
for place in range(3):
    fast, slow = place / 10000 ** (0 / 4), place / 10000 ** (2 / 4)
    rows.append([math.sin(fast), math.cos(fast), math.sin(slow), math.cos(slow)])
assert torch.allclose(torch.tensor(rows), by_hand, atol=0.005)

# %% [markdown]
# The angles are needed twice in this notebook, here and for rotary positions, so they get a function of their own.
#
# ## Exercise 6.1 · position_angles
# From `positions` (position,) and an even `size` to the hands' angles (position, size / 2): position / base^(2·pair / size)
# for pair = 0, 1, 2 … Difficulty ●○○ · 5 minutes.
#
# <details><summary>How do I get 0, 2, 4 ...?</summary><code>torch.arange(0, size, 2)</code>; divided by
# <code>size</code> it is the whole exponent.</details>
# <details><summary>My shapes do not fit</summary><code>positions[:, None]</code> is a column; a column times a row is
# a table.</details>


# %% exercise="position_angles" difficulty=1 minutes=5
def position_angles(positions, size, base=10000.0):
    """The angle of each position for each pair of numbers: position / base^(2 pair /
    size) (Vaswani et al. 2017, 3.5).

    positions: (position,), numbers of any kind    size: even, the numbers in a vector
    Returns angles in radians (position, size / 2), float32 for whole positions.
    """
    ### BEGIN SOLUTION
    speeds = base ** (-torch.arange(0, size, 2) / size)
    return positions[:, None] * speeds
    ### END SOLUTION


# %% check="position_angles"
from lib.checks import check

position_angles = check("position_angles")

# %% [markdown]
# ## Question 6.1 · slow_clock
# A row of 64 numbers has 32 clocks, and the base is 10000. After how many positions has the **slowest** clock turned once,
# by 2π? Three digits are enough. 3 minutes.

# %% question="slow_clock" difficulty=1 minutes=3
### BEGIN SOLUTION
slow_clock = 2 * math.pi * 10000 ** (62 / 64)
### END SOLUTION

# %% check="slow_clock"
from lib.checks import check

slow_clock = check("slow_clock")

# %% [markdown]
# ## Exercise 6.2 · sinusoidal_positions
# The paper's table (position, d_model): sines in columns 0, 2, 4 ..., beside each the cosine of the same angle. An odd
# `d_model` raises a ValueError that names its value. Difficulty ●●○ · 8 minutes.
#
# <details><summary>All my sines come first</summary>Make a last axis of two, <code>torch.stack([sines, cosines],
# dim=-1)</code>, then <code>.flatten(-2)</code>.</details>
# <details><summary>Or fill columns</summary><code>table[:, 0::2]</code> are the even columns of a table of
# zeros.</details>


# %% exercise="sinusoidal_positions" difficulty=2 minutes=8
def sinusoidal_positions(n_positions, d_model, base=10000.0):
    """The table of the paper: sine and cosine of each angle side by side.

    Returns (position, d_model), float32: columns 0, 2, 4 ... are sines, columns 1, 3, 5
    ... the cosines of the same angles. Raises a ValueError that names the value of
    d_model when it is odd.
    """
    ### BEGIN SOLUTION
    if d_model % 2:
        raise ValueError(f"d_model={d_model} is odd: sines and cosines come in pairs")
    angles = position_angles(torch.arange(n_positions), d_model, base)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)
    ### END SOLUTION


# %% check="sinusoidal_positions"
from lib.checks import check

sinusoidal_positions = check("sinusoidal_positions")

# %% [markdown]
# Now the sentences again, with your table added. The two cats come apart:

# %%
assert torch.allclose(sinusoidal_positions(3, 4), by_hand, atol=0.005)
with_positions = [
    embed(s) + sinusoidal_positions(5, 8)
    for s in ("the cat chased the dog", "the dog chased the cat")
]
hunter, hunted = attend(with_positions[0])[0, 1], attend(with_positions[1])[0, 4]
assert (hunter - hunted).norm() > 0.001 * hunter.norm()

# %% [markdown]
# ## Why sine *and* cosine
# What matters to a word is often not that it stands at position 17, but that an adjective stands *one before*. The authors of
# 2017 chose sinusoids because they hoped that a model would learn such relative positions easily. The reason is that a
# *shift* of the position is a *rotation* of each pair of numbers. One step later, the hand of a clock has turned by its
# speed, wherever it stood. With a for the old angle and b for the turn,
#
# > sin(a + b) = sin a · cos b + cos a · sin b  and  cos(a + b) = cos a · cos b − sin a · sin b
#
# The new sine needs the old cosine, and the new cosine the old sine. Written as a product, a row (sin, cos) times a matrix:
#
# $$(\sin(a+b),\ \cos(a+b)) = (\sin a,\ \cos a)
# \begin{pmatrix} \cos b & -\sin b \\ \sin b & \cos b \end{pmatrix}$$
#
# A worked number: the fast clock from position 1 to 2. b = 1, so cos b = 0.54 and sin b = 0.84, and (0.84, 0.54) becomes
# (0.84 · 0.54 + 0.54 · 0.84, −0.84 · 0.84 + 0.54 · 0.54) = (0.91, −0.42), the row of position 2.
#
# The matrix depends on b alone, not on a. So "three words back" is one fixed matrix for all positions, and a head can learn
# it: it is a matrix like W_Q.
#
# ## Exercise 6.3 · shift_matrix
# The matrix (d_model, d_model) with `table[p] @ matrix == table[p + offset]` for every p: a 2 × 2 rotation for each pair
# along the diagonal. Difficulty ●●○ · 12 minutes.
#
# <details><summary>Which 2 × 2 matrix?</summary>The one above, with b the offset's angle for this pair. Its columns are
# (cos b, sin b) and (−sin b, cos b).</details>
# <details><summary>Where do I get b?</summary><code>position_angles(torch.tensor([offset]), d_model, base)</code>: the
# offset is a position too.</details>
# <details><summary>How do I put blocks on a diagonal?</summary><code>torch.block_diag(*blocks)</code>.</details>


# %% exercise="shift_matrix" difficulty=2 minutes=12
def shift_matrix(offset, d_model, base=10000.0):
    """The matrix that moves every position by the same offset: `table[p] @
    shift_matrix(k, d) == table[p + k]`.

    Returns (d_model, d_model), float32: one 2 x 2 rotation for each pair along the
    diagonal, zeros elsewhere.
    """
    ### BEGIN SOLUTION
    angles = position_angles(torch.tensor([offset]), d_model, base)[0]
    cos, sin = angles.cos(), angles.sin()
    turns = torch.stack(
        [torch.stack([cos, -sin], dim=-1), torch.stack([sin, cos], dim=-1)], dim=-2
    )
    return torch.block_diag(*turns)
    ### END SOLUTION


# %% check="shift_matrix"
from lib.checks import check

shift_matrix = check("shift_matrix")

# %% [markdown]
# The proof, for all 100 positions and every shift from 1 to 50. Rotations keep lengths, so all rows are equally long:

# %%
table = sinusoidal_positions(100, 64)
for offset in range(1, 51):
    assert torch.allclose(
        table[:-offset] @ shift_matrix(offset, 64), table[offset:], atol=5e-5
    )
assert torch.allclose(table.norm(dim=-1), torch.tensor(32.0).sqrt())
assert len(table.unique(dim=0)) == 100  # no two rows are alike

# %% [markdown]
# > **Predict.** And with sines alone, eight of them, each at its own speed? Find the matrix that shifts by 1 as well as any
# > matrix can (least squares). Does it work?

# %%
position = torch.arange(200.0)[:, None].double()
sines = (position * 10000.0 ** (-torch.arange(8).double() / 8)).sin()
pairs = sinusoidal_positions(200, 8).double()
errors = {}
for name, rows in {"sine and cosine": pairs, "sines alone": sines}.items():
    best = torch.linalg.lstsq(rows[:-1], rows[1:]).solution
    errors[name] = (rows[:-1] @ best - rows[1:]).abs().max().item()
assert errors["sine and cosine"] < 0.001 and errors["sines alone"] > 0.8

# %% [markdown]
# No. The best matrix for the sines is wrong by more than 0.8 somewhere, and a sine is at most 1.
#
# It follows that the dot product of two rows depends on their distance alone:

# %%
similarity = table @ table.T
figure, axes = plt.subplots()
for place, line in ((10, "-"), (40, "--"), (80, ":")):
    axes.plot(
        torch.arange(100) - place, similarity[place], line, label=f"position {place}"
    )
axes.set(xlabel="distance to the other position", ylabel="dot product", xlim=(-40, 40))
axes.legend()
plt.show()

# %%
for distance in range(100):
    diagonal = similarity.diagonal(distance)
    assert torch.allclose(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-3)
assert similarity[50, 50] > similarity[50, 51] > similarity[50, 55] > similarity[50, 80]

# %% [markdown]
# Three positions, one curve: on the whole, the nearer the more alike, the same before and after.
#
# ## A learned table
# Why compute the table at all? The words' vectors are learnt, and those of the positions can be learnt in the same way: a matrix with
# a row for each position, random at first, which gets gradients like any other parameter. These are **learned position
# embeddings**. GPT-2 has them for 1,024 positions, BERT for 512. The paper of 2017 tried them too (its table 3, row E), and
# found no difference in translation: BLEU 25.7 against 25.8 with sinusoids.
#
# The price is at the end of the table: position 1,024 of GPT-2 has no row. There is nothing to be computed, and an error is
# the only honest answer. And a row gets a gradient only when some text is as long as that; rows that training has never
# reached are still random.
#
# ## Exercise 6.4 · LearnedPositions
# In `__init__`: `self.table`, a parameter (n_positions, d_model) of normal random numbers (`torch.randn`) times 0.02.
# `forward(x, start)`: add the rows from `start` on (with a KV cache, notebook 13, the first vector is not position 0). A
# position without a row, before the first or after the last, raises a ValueError. Difficulty ●○○ · 7 minutes.
#
# <details><summary>Which axis of x is the position?</summary>The last but one, <code>x.shape[-2]</code>, however many
# come before it.</details>
# <details><summary>Why should I check the length? Indexing complains by itself</summary>A slice beyond the end does not:
# it is shorter, or empty, and then x comes out empty.</details>


# %% exercise="LearnedPositions" difficulty=1 minutes=7
class LearnedPositions(nn.Module):
    """Adds a learned vector for each position. There are `n_positions` of them and no
    more.
    """

    def __init__(self, n_positions, d_model):
        super().__init__()
        ### BEGIN SOLUTION
        self.table = nn.Parameter(0.02 * torch.randn(n_positions, d_model))
        ### END SOLUTION

    def forward(self, x, start=0):
        """x (..., position, d_model) -> the same shape; `start` is the position of the
        first vector.

        Gradients reach x and the rows that are added. Raises ValueError when a position
        has no row: before the first one, or after the last.
        """
        ### BEGIN SOLUTION
        end = start + x.shape[-2]
        if start < 0 or end > len(self.table):
            raise ValueError(
                f"positions {start} to {end - 1} need a row each: "
                f"the table has {len(self.table)}"
            )
        return x + self.table[start:end]
        ### END SOLUTION


# %% check="LearnedPositions"
from lib.checks import check

LearnedPositions = check("LearnedPositions")

# %% [markdown]
# ## Question 6.2 · position_parameters
# The small GPT-2 has 1,024 positions and d_model 768, 12 blocks with 12 heads. How many of its parameters are for positions?
# 2 minutes.

# %% question="position_parameters" difficulty=1 minutes=2
### BEGIN SOLUTION
position_parameters = 1024 * 768
### END SOLUTION

# %% check="position_parameters"
from lib.checks import check

position_parameters = check("position_parameters")

# %% [markdown]
# ## Rotary positions: turn, do not add
# If a shift is a rotation, why not rotate? **Rotary position embeddings** (**RoPE**, Su et al.
# [2021](https://arxiv.org/abs/2104.09864)) add nothing to the words. Inside each attention, they take every query and every
# key, see them as pairs of numbers (a, b), and *turn* each pair by the angle θ of its position:
#
# $$(a,\ b) \;\to\; (a \cos\theta - b \sin\theta,\;\; a \sin\theta + b \cos\theta)$$
#
# The angles are those of `position_angles`, a speed for each pair, with d_head in place of d_model. A worked number: the pair
# (3, 1) turned by a quarter, θ = π/2 with cos 0 and sin 1, becomes (−1, 3). Its length, √10, stays. Values are not turned:
# they carry what is told, not where it stands.
#
# Why does this help? The score is the dot product of query and key, and a dot product does not change when *both* vectors
# are turned by the same angle. So only the *difference* of the two angles counts. With R(m) for the turn that belongs to
# position m:
#
# > (R(m) q) · (R(n) k) = q · (R(n − m) k)
#
# Two absolute positions went in, and their distance is what comes out. Nothing is learnt, there is no table that ends, and the
# vectors of the words stay as they are.
#
# ## Exercise 6.5 · rotate
# `x` (..., position, size) and `angles` (position, size / 2) to x, each pair turned. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Where are the pairs?</summary>Neighbours: <code>x[..., 0::2]</code> are all a,
# <code>x[..., 1::2]</code> all b.</details>
# <details><summary>Lengths change</summary>Use the old a for the new b: compute both before you put either
# back.</details>


# %% exercise="rotate" difficulty=2 minutes=8
def rotate(x, angles):
    """Turn each pair of numbers by its angle, as rotary positions do to queries and
    keys (Su et al. 2021).

    x: (..., position, size)    angles: (position, size / 2), of x's dtype
    Returns x's shape: the pair (a, b) becomes (a cos - b sin, a sin + b cos). Gradients
    reach x.
    """
    ### BEGIN SOLUTION
    a, b = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)
    ### END SOLUTION


# %% check="rotate"
from lib.checks import check

rotate = check("rotate")

# %% [markdown]
# One query (blue) and one key (orange), both turned as if they stood at positions 0 to 3. The angle between a query and
# the key of the same position never changes.

# %%
turns = position_angles(torch.arange(4), 2) / 4  # slowed down, to be seen
query, key = torch.tensor([1.0, 0.15]), torch.tensor([0.35, 0.6])
figure, axes = plt.subplots(figsize=(4.2, 3.4))
for vector, colour, name in ((query, "C0", "q"), (key, "C1", "k")):
    for place, (a, b) in enumerate(rotate(vector.expand(4, 2), turns).tolist()):
        axes.annotate(
            "", (a, b), (0, 0), arrowprops={"arrowstyle": "->", "color": colour}
        )
        axes.text(
            1.09 * a, 1.09 * b, f"{name}{place}", color=colour, ha="center", va="center"
        )
axes.set(xlim=(-0.45, 1.3), ylim=(-0.1, 1.1), xlabel="a", ylabel="b", aspect="equal")
plt.show()

# %% [markdown]
# So the score q · k depends on the two vectors and on their *distance*, never on where they stand:

# %%
angles = position_angles(torch.arange(50), 16)
query, key = torch.randn(2, 1, 16, generator=generator)
# (query, key)
scores = rotate(query.expand(50, 16), angles) @ rotate(key.expand(50, 16), angles).T
for distance in range(-20, 21):
    diagonal = scores.diagonal(distance)
    assert torch.allclose(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-3)
# three before is not three after
assert scores.diagonal(3)[0] != scores.diagonal(-3)[0]

# %% [markdown]
# The same as a picture that moves: a query and a key of eight numbers are four pairs, and each pair turns at a speed of
# its own. (The base is 100 here in place of 10,000, so that one sees the slow pairs move.) Move the query alone, then
# both together, and watch the score.

# %% jupyter={"source_hidden": true}
from lib.widgets import widget

widget("rotary")

# %% [markdown]
# ## Question 6.3 · rotary_score
# A query and a key with one pair of numbers each, both (1, 0), and the speed 1. The query stands at position 107, the key at
# position 105. What is their dot product after both are turned, to two digits? 3 minutes.

# %% question="rotary_score" difficulty=1 minutes=3
### BEGIN SOLUTION
rotary_score = math.cos(2)
### END SOLUTION

# %% check="rotary_score"
from lib.checks import check

rotary_score = check("rotary_score")

# %% [markdown]
# ## A penalty for distance
# The simplest way of all says: what is far away usually matters less. **ALiBi** (*attention with linear biases*, Press et al.
# [2021](https://arxiv.org/abs/2108.12409)) leaves words, queries and keys alone, and subtracts something from the score of
# query i and key j that grows with their distance:
#
# $$\mathrm{score}_h(i, j) = \frac{q_i \cdot k_j}{\sqrt{d_{\mathrm{head}}}} - m_h \cdot |i - j|$$
#
# m_h is the **slope** of head h. It is not learnt. With n heads, numbered h = 1 to n, it is 2^(−8h/n): for eight heads 1/2,
# 1/4, … 1/256. So the first heads are short-sighted and the last ones look far. A worked number, with slope 1/2: the keys
# are 2 and 0 positions away, and both match the query equally well. Their scores differ by 1, so the nearer one has e¹ = 2.7
# times the weight of the other.
#
# ## Exercise 6.6 · distance_penalty
# What is added to the scores, for `n_heads` and `length`: −slope · distance, (heads, query, key). Difficulty ●●○ · 7 minutes.
#
# <details><summary>How do I get all distances at once?</summary>A column of positions minus a row of positions, then
# <code>.abs()</code>.</details>
# <details><summary>How do three axes come about?</summary>Slopes of shape (heads, 1, 1) times distances (query,
# key).</details>


# %% exercise="distance_penalty" difficulty=2 minutes=7
def distance_penalty(n_heads, length):
    """What to add to the scores so that far keys count less, in each head at its own
    rate.

    Returns (heads, query, key), float32, with query = key = length: minus the distance
    times the head's slope. The slopes are 2^(-8/n_heads), 2^(-16/n_heads) ... 2^-8.
    """
    ### BEGIN SOLUTION
    slopes = 2.0 ** (-8 * torch.arange(1, n_heads + 1) / n_heads)
    positions = torch.arange(length)
    distance = (positions[:, None] - positions).abs()
    return -slopes[:, None, None] * distance
    ### END SOLUTION


# %% check="distance_penalty"
from lib.checks import check

distance_penalty = check("distance_penalty")

# %% [markdown]
# What the first of eight heads does to a sentence whose words all match equally well, with a causal mask:

# %%
words = ["the", "cat", "chased", "the", "dog"]
penalised = distance_penalty(8, 5)[0].masked_fill(~causal_mask(5), -math.inf)
heatmap(penalised.softmax(dim=-1), words, words, digits=2)
plt.show()

# %% [markdown]
# A row is the query's word, a column the key's. In this head each step back multiplies a weight by e^(−1/2) ≈ 0.61; the
# last of the eight has the slope 1/256 and looks far.
#
# ## Question 6.4 · faded_weight
# The first of eight heads, slope 1/2. Two keys match a query equally well; one stands 2 positions before it, the other 6. How
# many times as large is the weight of the nearer key? Two digits. 3 minutes.

# %% question="faded_weight" difficulty=1 minutes=3
### BEGIN SOLUTION
faded_weight = math.exp(0.5 * 4)
### END SOLUTION

# %% check="faded_weight"
from lib.checks import check

faded_weight = check("faded_weight")

# %%
weights = penalised.softmax(dim=-1)
assert (
    torch.allclose(weights[4, :-1] / weights[4, 1:], torch.tensor(math.exp(-0.5)))
    and 0.605 < math.exp(-0.5) < 0.61
)
assert distance_penalty(8, 5)[7, 0, 1] == -1 / 256

# %% [markdown]
# The four ways side by side:
#
# | | where it enters | what it tells | parameters | beyond the longest training text |
# |---|---|---|---|---|
# | sinusoids | added to the words | absolute | none | there are rows, never met in training |
# | learned table | added to the words | absolute | positions × d_model | there are no rows |
# | rotary | queries and keys are turned | relative | none | there are angles, never met in training |
# | ALiBi | subtracted from the scores | relative | none | larger penalties |
#
# ## On real text
# Which of them reads *longer* text than it was trained on? This is called **length extrapolation**. A small model predicts the
# next character of the course's stories, which a program wrote. It is trained on pieces of 32 characters and reads pieces of
# 128.

# %%
stories = load_stories()
characters = sorted(set("\n".join(stories)))
number = {character: i for i, character in enumerate(characters)}
ids = torch.tensor([number[c] for c in "\n\n".join(stories[:-300])[:2_000_000]])
held_out = torch.tensor([number[c] for c in "\n\n".join(stories[-300:])])
TRAINED, READ = 32, 128


def pieces(text, length, count, generator):
    starts = torch.randint(len(text) - length - 1, (count, 1), generator=generator)
    # (batch, position), one more than is read
    return text[starts + torch.arange(length + 1)]


# %% [markdown]
# The attention, with a place for each kind. Adding happens before it, turning inside, penalising in the scores:


# %%
class PositionedAttention(nn.Module):
    def __init__(self, d_model, n_heads, kind):
        super().__init__()
        self.n_heads, self.kind = n_heads, kind
        self.to_qkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.to_out = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        q, k, v = (
            split_heads(part, self.n_heads) for part in self.to_qkv(x).chunk(3, dim=-1)
        )
        length = x.shape[1]
        if self.kind == "rotary":
            angles = position_angles(torch.arange(length), q.shape[-1])
            q, k = rotate(q, angles), rotate(k, angles)
        bias = (
            distance_penalty(self.n_heads, length)
            if self.kind == "penalty"
            else torch.zeros(length, length)
        )
        bias = bias.masked_fill(~causal_mask(length), -math.inf)
        return self.to_out(
            join_heads(functional.scaled_dot_product_attention(q, k, v, bias))
        )


# %% [markdown]
# Two layers of it. (What `LayerNorm`, the feed-forward `think` and the `x +` are for, notebook 07 says.)


# %%
class Reader(nn.Module):
    def __init__(self, kind, d_model=64, n_heads=4, n_layers=2):
        super().__init__()
        self.kind = kind
        self.embedding = nn.Embedding(len(characters), d_model)
        if kind == "learned":
            # rows beyond TRAINED exist, but are never trained
            self.learned = LearnedPositions(READ + 128, d_model)
            # of the size of the positions
            nn.init.normal_(self.embedding.weight, std=0.02)
        self.attend = nn.ModuleList(
            PositionedAttention(d_model, n_heads, kind) for _ in range(n_layers)
        )
        self.think = nn.ModuleList(
            nn.Sequential(
                nn.Linear(d_model, 4 * d_model),
                nn.ReLU(),
                nn.Linear(4 * d_model, d_model),
            )
            for _ in self.attend
        )
        self.norms = nn.ModuleList(
            nn.LayerNorm(d_model) for _ in range(2 * n_layers + 1)
        )
        self.to_scores = nn.Linear(d_model, len(characters))

    def forward(self, ids):
        x = self.embedding(ids)  # (batch, position, d_model)
        if self.kind == "sinusoidal":
            x = x + sinusoidal_positions(ids.shape[1], x.shape[-1])
        if self.kind == "learned":
            x = self.learned(x)
        for i, (attend, think) in enumerate(zip(self.attend, self.think, strict=True)):
            x = x + attend(self.norms[2 * i](x))
            x = x + think(self.norms[2 * i + 1](x))
        return self.to_scores(self.norms[-1](x))


# %%
def train(kind, seed, steps=300):
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # for the weights
        model = Reader(kind)
    optimiser = torch.optim.Adam(model.parameters())
    for step in range(steps):
        batch = pieces(ids, TRAINED, 32, generator)
        loss = functional.cross_entropy(
            model(batch[:, :-1]).transpose(1, 2), batch[:, 1:]
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = 4e-3 * min(
            (step + 1) / 30, 1.1 - step / steps
        )
        optimiser.step()
    return model


# %%
@torch.no_grad()
def loss_by_position(model):
    """The surprise at each position of unseen text, in nats: (position,)."""
    batch = pieces(held_out, READ, 256, torch.Generator().manual_seed(0))
    return functional.cross_entropy(
        model(batch[:, :-1]).transpose(1, 2), batch[:, 1:], reduction="none"
    ).mean(dim=0)


# %% [markdown]
# > **Predict.** Five kinds (one without any positions), three seeds each. Which are best up to position 32? Which still
# > work at position 100?

# %% tags=["training"]
torch.set_num_threads(1)  # models this small gain nothing from a second thread
started = time.time()
kinds = ["none", "sinusoidal", "learned", "rotary", "penalty"]
models = {kind: [train(kind, seed) for seed in range(3)] for kind in kinds}
losses = {
    kind: torch.stack([loss_by_position(model) for model in models[kind]])
    for kind in kinds
}
print(f"15 models in {time.time() - started:.0f} s")
# (seed,)
inside = {kind: curve[:, 16:32].mean(dim=1) for kind, curve in losses.items()}
beyond = {kind: curve[:, 64:].mean(dim=1) for kind, curve in losses.items()}
for kind in kinds:
    near, far = inside[kind], beyond[kind]
    print(
        f"{kind:12} positions 16-31: {near.min():.2f} to {near.max():.2f}   64-127: "
        f"{far.min():.2f} to {far.max():.2f}"
    )

# %% tags=["training"]
figure, axes = plt.subplots(figsize=(6, 3.8))
for kind, line in zip(kinds, ("-", "--", "-.", ":", "-"), strict=True):
    smooth = losses[kind].mean(dim=0).unfold(0, 8, 4).mean(dim=1)
    axes.plot(
        4 + 4 * torch.arange(len(smooth)),
        smooth,
        line,
        label=kind,
        marker="o" if kind == "penalty" else "",
        ms=3,
    )
axes.axvline(TRAINED, color="grey", lw=1)
axes.text(TRAINED + 1, 1.7, "longer than in training", color="grey")
axes.set(xlabel="position", ylabel="loss in nats a character", ylim=(1.6, 3.7))
axes.legend(ncols=3, loc="upper left")
plt.show()

# %% [markdown]
# Each line is a kind of position, the mean of three seeds; low is good. Before the grey line all kinds beat none, rotary
# most. From position 64 on, sinusoids, table and rotary are *worse than no positions at all*. The penalty alone reads on.

# %% jupyter={"source_hidden": true}
for kind in ("sinusoidal", "learned", "rotary", "penalty"):
    assert inside[kind].max() < inside["none"].min() - 0.1
    assert inside["rotary"].max() <= inside[kind].min() or kind == "rotary"
for kind in ("sinusoidal", "learned", "rotary"):
    assert beyond[kind].min() > beyond["none"].max() > beyond["penalty"].max() + 0.2
assert (beyond["penalty"] - inside["penalty"]).abs().max() < 0.1

# %% [markdown]
# Why? The table's rows beyond 32 were never trained. Sinusoids and rotations exist for every position, but this attention has
# never met these combinations of hands. The penalty's numbers were not met either, but they only make what is far away count
# even less.
#
# To be fair: the penalty's loss is *no lower* at position 100 than at 30. It survives long text, it does not gain from it.
# And large models with rotary positions do read longer text than they were first trained on: their angles are squeezed into
# the range that was trained, or the base is raised, and then they are trained a little at the new length (Chen et al.
# [2023](https://arxiv.org/abs/2306.15595), Peng et al. [2023](https://arxiv.org/abs/2309.00071)). Inside the
# length of the training, which is where most models are used, rotary was best here. (All this is about small models and one
# kind of text.)
#
# ## What breaks
# A before and an after that can be read. Four models go on from the same beginning; the bar stands where the text
# becomes longer than any in training.


# %%
@torch.no_grad()
def go_on(model, beginning, length, generator):
    written = [number[character] for character in beginning]
    for _ in range(length):
        chances = (model(torch.tensor([written]))[0, -1] / 0.4).softmax(dim=-1)
        written.append(torch.multinomial(chances, 1, generator=generator).item())
    text = "".join(characters[i] for i in written)
    return text[:TRAINED] + "|" + text[TRAINED:].replace("\n", " ")


# %% tags=["training"]
for kind in ("sinusoidal", "learned", "rotary", "penalty"):
    print(
        f"{kind:12}",
        go_on(models[kind][0], "It was a ", 110, torch.Generator().manual_seed(2)),
    )

# %% [markdown]
# Before the bar all four write something like words. After it, three lose the thread. Count it: how many of the words
# that they write after the bar stand in the stories at all? The penalty's share is the highest by far.


# %% tags=["training"]
known = set("\n".join(stories).replace("\n", " ").split())


def real_words(model):
    """The share of known words after the bar, over 20 texts."""
    words = []
    for seed in range(20):
        late = go_on(
            model, "It was a ", 110, torch.Generator().manual_seed(seed)
        ).split("|", 1)[1]
        words += late.split()[1:-1]
    return sum(word in known for word in words) / len(words)


shares = {
    kind: real_words(models[kind][0])
    for kind in ("sinusoidal", "learned", "rotary", "penalty")
}
print("known words:", {kind: f"{share:.0%}" for kind, share in shares.items()})

# %% jupyter={"source_hidden": true}
assert shares["penalty"] > 0.1 + max(
    share for kind, share in shares.items() if kind != "penalty"
)

# %% [markdown]
# And a table that is too short has nothing to give. An honest error is better than a wrong row:

# %%
try:
    LearnedPositions(32, 64)(torch.zeros(1, 40, 64))
except ValueError as error:
    print(error)

# %% [markdown]
# ## In other words
# - **Positional encoding**: whatever tells a Transformer the order of its words. **Permutation equivariant**: another order in,
#   the same vectors in that order out.
# - **Sinusoidal position embeddings** (PE): sines and cosines of many **wavelengths**, added to the words. **Base**: 10000 in the
#   paper; today's models with rotary positions raise it for long texts (`rope_theta`).
# - **Learned position embeddings**: a table (positions, d_model), a row added to each word (`wpe` in GPT-2).
# - **Absolute** and **relative position**: where a word stands; how far apart two words are.
# - **Rotary position embeddings (RoPE)**: queries and keys turned by the angle of their position.
# - **ALiBi**: a penalty on the score, **slope** times distance.
# - **Length extrapolation**: to read longer texts than in training. **Context length**: how many positions a model can read.
#
# ## Where it comes from
# - Sinusoids, and the comparison with a learned table: Vaswani et al. [2017](https://arxiv.org/abs/1706.03762), section 3.5.
#   Position embeddings are older: Gehring et al. [2017](https://arxiv.org/abs/1705.03122) added a learned table to a
#   convolutional translator.
# - Relative positions inside attention: Shaw et al. [2018](https://arxiv.org/abs/1803.02155); with a learned number for each
#   distance in T5, Raffel et al. [2019](https://arxiv.org/abs/1910.10683) (notebook 17).
# - Rotary: Su et al. [2021](https://arxiv.org/abs/2104.09864), today in Llama, Mistral, Qwen and most other open models
#   (notebook 14). ALiBi: Press et al. [2021](https://arxiv.org/abs/2108.12409), who trained on 1,024 tokens and read 2,048 as
#   well as sinusoids that were trained on 2,048.
# - Decoders without positions: Haviv et al. [2022](https://arxiv.org/abs/2203.16634), Kazemnejad et al.
#   [2023](https://arxiv.org/abs/2305.19466).
#
# ## What to remember
# - Attention without a mask sees a set. Positions make it a sequence: add them to the words, turn queries and keys, or penalise
#   distance.
# - Sine and cosine together make a shift a rotation, so distance can be read off; rotary positions use exactly that.
# - Having a value for position 100 is not the same as working there. Measure beyond the training length.
#
# **Next**: [07 The Transformer block](07_the_transformer_block.ipynb), where attention gets a shortcut, a norm and time to
# think.
