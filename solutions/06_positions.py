# %% [markdown]
# # 6 · Positions
# After this notebook you can tell attention where its words stand, in four ways, and say which of them reads longer text
# than it was trained on.
#
# You need: notebook 05. You build: sinusoids, a learned table, rotary positions, a distance penalty. 75 minutes.

# %%
import math
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from lib.corpora.stories import load_stories
from lib.figures import heatmap, style
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
# Cat and dog swap freely: a sum of weighted values has no first and no last. Attention sees a *set* of words. Order has
# to be put into the vectors.
#
# ## By hand
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
# The same for 64 numbers, 32 clocks, each a little slower than the one before.

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
# The table by hand, number by number:

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
# ## Exercise 6.1 · position_angles
# From `positions` (position,) and an even `size` to the hands' angles (position, size / 2): position / base^(2·pair / size)
# for pair = 0, 1, 2 ... Difficulty ●○○ · 5 minutes.
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
# ## Exercise 6.2 · sinusoidal_positions
# The paper's table (position, d_model): sines in columns 0, 2, 4 ..., beside each the cosine of the same angle. An odd
# `d_model` raises a ValueError that names it. Difficulty ●●○ · 8 minutes.
#
# <details><summary>All my sines come first</summary>Make a last axis of two, <code>torch.stack([sines, cosines],
# dim=-1)</code>, then <code>.flatten(-2)</code>.</details>
# <details><summary>Or fill columns</summary><code>table[:, 0::2]</code> are the even columns of a table of
# zeros.</details>


# %% exercise="sinusoidal_positions" difficulty=2 minutes=8
def sinusoidal_positions(n_positions, d_model, base=10000.0):
    """The table of the paper: sine and cosine of each angle side by side.

    Returns (position, d_model), float32: columns 0, 2, 4 ... are sines, columns 1, 3, 5
    ... the cosines of the same angles. Raises a ValueError that names d_model when it
    is odd.
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
# Because then a *shift* is a *rotation*. One step later, the hand of a clock has turned by its speed, wherever it stood:
# sin(a + b) = sin a cos b + cos a sin b. The new sine needs the old cosine.
#
# So "three words back" is one fixed matrix, the same for all positions, which an attention head can learn.

# %% [markdown]
# ## Exercise 6.3 · shift_matrix
# The matrix (d_model, d_model) with `table[p] @ matrix == table[p + offset]` for every p: a 2 × 2 rotation for each pair
# along the diagonal. Difficulty ●●○ · 12 minutes.
#
# <details><summary>Which 2 × 2 matrix?</summary>The row (sin a, cos a) times it must be (sin a cos b + cos a sin b,
# cos a cos b − sin a sin b), b the offset's angle. Its columns are (cos b, sin b) and (−sin b, cos b).</details>
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
# ## Exercise 6.4 · LearnedPositions
# GPT-2 and BERT learn the table instead. In `__init__`: `self.table`, a parameter (n_positions, d_model) of normal random
# numbers (`torch.randn`) times 0.02. `forward(x, start)`: add the rows from `start` on. A position without a row, before
# the first or after the last, raises a ValueError. Difficulty ●○○ · 7 minutes.
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
# ## Exercise 6.5 · rotate
# Rotary positions (Su et al. 2021) add nothing. They *turn* each pair (a, b) of a query or key by its position's angle:
# (a cos − b sin, a sin + b cos). `x` (..., position, size), `angles` (position, size / 2). Difficulty ●●○ · 8 minutes.
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
# ## Exercise 6.6 · distance_penalty
# Simplest of all (ALiBi, Press et al. 2022): add −slope × distance to the scores. For `n_heads` and `length`, the
# penalties (heads, query, key); head h = 1, 2 ... has slope 2^(−8h / n_heads). Difficulty ●●○ · 7 minutes.
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

# %%
weights = penalised.softmax(dim=-1)
assert (
    torch.allclose(weights[4, :-1] / weights[4, 1:], torch.tensor(math.exp(-0.5)))
    and 0.605 < math.exp(-0.5) < 0.61
)
assert distance_penalty(8, 5)[7, 0, 1] == -1 / 256

# %% [markdown]
# ## On real text
# Which of them reads *longer* text than it was trained on? A small model predicts the next character of the course's
# stories. It is trained on pieces of 32 characters and read on pieces of 128.

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
# Why? The table's rows beyond 32 were never trained. Sinusoids and rotations exist for every position, but this attention
# has never met these combinations of hands. Penalties only grow: what is far was ignored in training too.
#
# To be fair: the penalty's loss is *no lower* at position 100 than at 30. It survives long text, it does not gain from it.
# And large models with rotary positions do read longer text, after some training at that length.
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
# ## What to remember
# - Attention sees a set. Positions make it a sequence: add them to the words, turn queries and keys, or penalise distance.
# - Sine and cosine together make a shift a rotation, so distance can be read off; rotary positions use exactly that.
# - Having a value for position 100 is not the same as working there. Measure beyond the training length.
#
# **Next**: [07 The Transformer block](07_the_transformer_block.ipynb), where attention gets a shortcut, a norm and time to
# think.
