# %% [markdown]
# # 7 · The Transformer block
# After this notebook you can build the blocks that a Transformer is stacked from, say what each part is for, and count
# every parameter of the paper's model.
#
# You need: notebooks 05 and 06. You build: norm, dropout, feed-forward, shortcut, encoder and decoder block. 140
# minutes, best in two sittings.

# %%
import json
import math
import time

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import FancyBboxPatch
from torch import nn
from torch.nn import functional

# %%
from lib.corpora import files
from lib.corpora.stories import load_stories
from lib.figures import block_stack, heatmap, style, transformer_map
from lib.layers import PostNorm
from lib.transformer import Decoder, Encoder
from lib.yours import MultiHeadAttention, causal_mask, future_leak, sinusoidal_positions

style()
plt.rcParams["figure.dpi"] = 96  # many figures, one small file
torch.set_num_threads(1)  # models this small gain nothing from a second thread

# %% [markdown]
# ## The question
# *"The trophy did not fit into the suitcase because it was too large."* To understand this sentence, one look is not
# enough. The first look may find that *it* can be the trophy or the suitcase; a second one, that *large* speaks against
# the suitcase; a third one can use the result. Each look needs what the one before it has found. So attentions are
# **stacked**: the paper of 2017 stacks 6 blocks, BERT-large 24, the largest GPT-3 has 96.
#
# Take the plainest deep stack that there is: 64 layers of two matrices with a ReLU between them, as PyTorch draws them,
# and send a gradient back through it, as training does (notebook 01).
#
# > **Predict.** What share of the gradient arrives at the bottom?

# %%
torch.manual_seed(0)
matrices = ([nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 32)] for _ in range(64))
deep = nn.Sequential(*(part for layer in matrices for part in layer)).double()
x = torch.randn(64, 32, dtype=torch.double, requires_grad=True)
upstream = torch.randn(64, 32, dtype=torch.double)
(gradient,) = torch.autograd.grad(deep(x), x, upstream)
print(f"{gradient.norm() / upstream.norm():.0e}")

# %% jupyter={"source_hidden": true}
assert 1e-46 < gradient.norm() / upstream.norm() < 1e-36

# %% [markdown]
# About 10⁻⁴¹. (It is computed in float64 here; the usual float32 has no room for such numbers with all their digits:
# they begin at 10⁻³⁸.) No training can do anything with that. How does anything get through 96 blocks?
#
# ## By hand
# Three layers in a row; each gives a tenth of what goes in. What arrives at the end? And if each *adds* its tenth to
# what came in?
#
# | | layer 1 | layer 2 | layer 3 | slope of the whole |
# |---|---|---|---|---|
# | 0.1 · x | 0.1 | 0.01 | **0.001** | 0.1 · 0.1 · 0.1 = 0.001 |
# | x + 0.1 · x | 1.1 | 1.21 | **1.331** | 1.1 · 1.1 · 1.1 = 1.331 |
#
# The gradient is the slope of the whole, and by the chain rule it is the product of the slopes of the layers. In the
# first row the product shrinks tenfold with each layer. In the second row each layer has a **shortcut** around it; its standard name is **residual connection** (He et al. [2015](https://arxiv.org/abs/1512.03385)): the slope of x + f(x)
# is 1 plus the slope of f. Even where f does nothing at all, everything passes.
#
# But go on with the second row up to 96 layers: 1.1⁹⁶ is 9,400. A shortcut alone solves one problem and brings another.

# %% jupyter={"source_hidden": true}
assert abs(0.1**3 - 0.001) < 1e-12 and abs(1.1**3 - 1.331) < 1e-12
assert 9_400 < 1.1**96 < 9_420
assert torch.finfo(torch.float32).tiny < 1.2e-38

# %% [markdown]
# ## The picture
# Everything that we build today is in this picture. Follow the thick line from left to right.

# %% jupyter={"source_hidden": true}
INK, BLUE, ORANGE, PINK = "#555555", "#cfe0fc", "#ffe3c2", "#f3cfe0"


def box(axes, left, bottom, text, width=1.1, height=0.5, face=BLUE, size=8):
    shape = "round,pad=0.03"
    axes.add_patch(
        FancyBboxPatch((left, bottom), width, height, shape, fc=face, ec=INK)
    )
    middle = left + width / 2, bottom + height / 2
    axes.text(*middle, text, ha="center", va="center", fontsize=size)


def arrow(axes, start, end, width=1.2):
    style = {"arrowstyle": "->", "color": INK, "lw": width}
    axes.annotate("", end, start, arrowprops=style)


figure, axes = plt.subplots(figsize=(8, 2.9))
box(axes, -1.5, -0.35, "embeddings\n+ positions", 1.2, 0.7, "#f2f2f2")
axes.plot([-0.2, 9.2], [0, 0], color="C0", lw=5, solid_capstyle="butt")
arrow(axes, (8.9, 0), (9.6, 0), 3)
for left, part, shape, face in (
    (0.4, "attention", "(batch, heads,\nquery, key) inside", ORANGE),
    (4.8, "feed-forward", "(batch, position,\nd_ff) inside", BLUE),
):
    box(axes, left + 0.1, 1.4, "norm", 0.9, face="#f2f2f2")
    box(axes, left + 1.5, 1.4, part, 1.3, face=face)
    axes.text(left + 2.15, 2.45, shape, ha="center", va="center", fontsize=7, color=INK)
    arrow(axes, (left + 0.55, 0.05), (left + 0.55, 1.36))
    arrow(axes, (left + 1.04, 1.65), (left + 1.46, 1.65))
    axes.plot([left + 2.84, left + 3.4], [1.65, 1.65], color=INK, lw=1.2)
    arrow(axes, (left + 3.4, 1.65), (left + 3.4, 0.2))
    axes.plot(left + 3.4, 0, "o", ms=15, mfc="white", mec=INK)
    axes.text(left + 3.4, -0.02, "+", ha="center", va="center", fontsize=12)
    axes.text(left + 0.45, 0.72, "read", ha="right", fontsize=8, color=INK)
    axes.text(left + 3.5, 0.72, "add", fontsize=8, color=INK)
axes.text(4.6, -0.75, "x: (batch, position, d_model)", ha="center", fontsize=9)
axes.text(9.65, 0, "next block", va="center", fontsize=8)
axes.set(xlim=(-1.6, 10.9), ylim=(-1, 2.8))
axes.axis("off")
plt.show()

# %% [markdown]
# The thick line is x, (batch, position, d_model): one vector for each word, the same shape from the bottom of the model
# to its top. Each part **reads** a copy of x, works on it, and **adds** what it found. Nothing on the thick line is
# ever replaced. (This is how most models are built today; the paper of 2017 puts the norms elsewhere, as we shall see.)
# Elhage et al. ([2021](https://transformer-circuits.pub/2021/framework/index.html)) call it the **residual stream**: a
# channel on which all parts of a model communicate. An attention in block 5 can read what a feed-forward in block 2 has
# written, because it is still there, as a summand. Seen in this way, a Transformer is a stream of vectors and many
# small parts beside it.
#
# A **block** (also: layer) is what the picture shows: an attention and a feed-forward, each with its norm and its
# shortcut. In the whole Transformer these are the coloured boxes:

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(5.4, 3.7))
today = "self-attention", "masked self-attention", "cross-attention", "feed-forward"
transformer_map(axes, numbers=False, lit=today)
for right, top in ((4.4, 4.97), (9.6, 5.92)):
    axes.text(right, top, "block × N", ha="right", fontsize=7, weight="bold")
plt.show()

# %% [markdown]
# The attention is the one of notebook 05. Today we add the feed-forward, the norms, the shortcuts and the dropout; then
# the encoder block on the left, and the decoder block on the right, which has one attention more, with an arrow from
# the encoder.
#
# ## In code
# The table above, with autograd for the slopes:

# %%
for name, f in (("0.1 · x", lambda x: 0.1 * x), ("x + 0.1 · x", lambda x: x + 0.1 * x)):
    x = torch.tensor(1.0, requires_grad=True)
    y = f(f(f(x)))
    (slope,) = torch.autograd.grad(y, x)
    print(f"{name:12} {y:.3f}   slope {slope:.3f}")

# %% [markdown]
# ## Why the plain stack loses its gradient
# Is it the depth? There is another suspect: the *size of the fresh weights*. Let us compute what one layer does to a
# vector.
#
# PyTorch draws the weights of an `nn.Linear` evenly between −1/√d_in and 1/√d_in, where d_in is the number of inputs.
# Their variance is 1/(3 · d_in), since numbers spread evenly between −a and a have the mean square a²/3. Each output is a sum of d_in products, so its mean square is
#
# > d_in · 1/(3 · d_in) · (mean square of the input) = **1/3** of the mean square of the input.
#
# A ReLU sets half of the numbers to 0 if they spread evenly around 0, so it leaves **1/2** of the mean square. Matrix,
# ReLU, matrix: 1/3 · 1/2 · 1/3 = 1/18 of the mean square, and √(1/18) = **0.24** of the size. The gradient passes the same matrices on its way back. Matrix by matrix its factors are others (4/3 and 1/12, with the ReLU's 1/2 between), but together they are 1/18 again, because the layer is as wide at its end as at its beginning. 0.24⁶⁴ is about 10⁻⁴⁰, close to our number from the
# beginning. (Biases are left out here. They add a little to the vectors, and nothing to the gradient.)
#
# So let us draw the weights larger. He et al. ([2015](https://arxiv.org/abs/1502.01852), an earlier paper of the same
# authors) asked which variance keeps the size. The answer is 1/d_in for a matrix that reads ordinary numbers, and
# 2/d_in for one that reads what a ReLU has left:
#
# > d_in · 1/d_in = 1 for the first matrix, and 1/2 · d_in · 2/d_in = 1 for the ReLU and the second.
#
# This is **He initialisation**. Now switch the two suspects on and off, one by one: two scales of the fresh weights,
# with and without a shortcut.


# %%
def fresh_layer(scale):
    """Two matrices and a ReLU, as PyTorch draws them, or by the rule of He."""
    widen, narrow = nn.Linear(32, 128), nn.Linear(128, 32)
    if scale == "He":
        nn.init.normal_(widen.weight, std=math.sqrt(1 / 32))
        nn.init.normal_(narrow.weight, std=math.sqrt(2 / 128))
        nn.init.zeros_(widen.bias)
        nn.init.zeros_(narrow.bias)
    return nn.Sequential(widen, nn.ReLU(), narrow).double()


# %%
def arriving(wire, depth, seed, scale):
    """The share of the gradient that arrives at the bottom of `depth` fresh layers."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = [fresh_layer(scale) for _ in range(depth)]
        x, upstream = torch.randn(2, 64, 32, dtype=torch.double)
    y = x.requires_grad_()
    for part in parts:
        y = wire(part, y)
    return (torch.autograd.grad(y, x, upstream)[0].norm() / upstream.norm()).item()


# %%
depths = [1, 4, 8, 16, 24, 32, 48, 64]
wirings = {
    "part(x)": lambda part, x: part(x),
    "x + part(x)": lambda part, x: x + part(x),
}


def by_depth(wirings):
    """{(wiring, scale): shares (seed, depth)}, for three seeds."""
    return {
        (name, scale): torch.tensor(
            [[arriving(wire, n, seed, scale) for n in depths] for seed in range(3)]
        )
        for name, wire in wirings.items()
        for scale in ("PyTorch", "He")
    }


arrived = by_depth(wirings)


# %% jupyter={"source_hidden": true}
def draw(arrived, axes):
    colours = {"part(x)": "C0", "x + part(x)": "C1"}
    colours |= {"x + part(norm(x))": "C2", "norm(x + part(x))": "C4"}
    for (name, scale), shares in arrived.items():
        line, marker = ("--", "s") if scale == "PyTorch" else ("-", "o")
        mean = shares.log().mean(dim=0).exp()
        label = f"{name}, {scale}"
        axes.semilogy(
            depths, mean, line, marker=marker, ms=4, color=colours[name], label=label
        )
    axes.set(xlabel="layers", ylabel="share of the gradient", xticks=range(0, 65, 8))


figure, axes = plt.subplots(figsize=(6, 3.8))
draw(arrived, axes)
axes.axhline(1, color="grey", lw=0.8)
axes.set_yticks([1e-40, 1e-30, 1e-20, 1e-10, 1, 1e10])
axes.legend(loc="lower left", fontsize=8)
plt.show()

# %% jupyter={"source_hidden": true}
bare, bare_he, added, added_he = arrived.values()  # (seed, depth)
assert bare[:, 0].min() > 0.2 and bare[:, 0].max() < 0.26
assert bare[:, 7].max() < 1e-37 and abs(math.sqrt(1 / 18) - 0.24) < 0.005
assert bare_he[:, 7].min() > 0.29 and bare_he[:, 7].max() < 0.62
assert added[:, 7].min() > 4.5 and added[:, 7].max() < 8
assert added_he[:, 7].min() > 1e8 and added_he[:, 7].max() < 2e10
assert 4e9 < 2**32 < 5e9 and -40.2 < 64 * math.log10(0.24) < -39.5

# %% [markdown]
# Read it from left to right: the share of the gradient that is left after so many layers, on a logarithmic axis, the
# mean of three seeds. A straight line means a fixed factor for each layer. Broken lines are PyTorch's scale, solid
# lines He's.
#
# - **part(x), PyTorch's scale**: 0.24 a layer, as computed.
# - **part(x), He's scale**: between 0.3 and 0.6 of the gradient arrives after 64 layers, with no shortcut at all.
#   *Depth by itself does not lose the gradient; the scale of the weights does.*
# - **x + part(x), PyTorch's scale**: everything arrives, after 64 layers about six times.
# - **x + part(x), He's scale**: it explodes. Each part now adds as much as came in, so each layer doubles the mean
#   square: √2⁶⁴ = 2³² ≈ 4 · 10⁹, as in the picture.
#
# So why does every Transformer have shortcuts, if the right scale is enough? Because it is enough only for *fresh*
# weights. Training changes them, and nothing then holds the product of 64 factors near 1. And there is a second reason,
# which has nothing to do with vanishing gradients. He et al. (2015, the residual networks) trained plain networks of 20
# and of 56 layers, with norms that hold the sizes of vectors and gradients. The deeper one had a *higher error on the
# training images themselves*, though it could have copied the shallow one and done nothing in the other layers. "Do
# nothing" is hard to learn for part(x): it must become the identity. It is easy for x + part(x): the part has to become
# 0. With shortcuts, 110 layers trained well.
#
# ## Question 7.1 · eight_layers
# Eight fresh layers in a row. Each is **one** nn.Linear(512, 512), at PyTorch's scale, without bias, ReLU or shortcut.
# A vector of length 1 goes in. About how long is the one that comes out? Two digits. 3 minutes.

# %% question="eight_layers" difficulty=2 minutes=3
### BEGIN SOLUTION
eight_layers = (1 / 3) ** (8 / 2)
### END SOLUTION

# %% check="eight_layers"
from lib.checks import check

eight_layers = check("eight_layers")

# %% [markdown]
# ## LayerNorm: every vector to one size
# The shortcut keeps the gradient alive, but it lets x grow. So whatever a part reads is brought to one size first. A
# **norm** (short for normalisation) takes each vector by itself and gives it mean 0 and variance 1; the parts then
# always read numbers of the same size, however large the stream has become. **Layer normalisation** (Ba et al.
# [2016](https://arxiv.org/abs/1607.06450)), for a vector x of d numbers:
#
# $$\mu = \frac{1}{d}\sum_{i=1}^{d} x_i \qquad \sigma^2 = \frac{1}{d}\sum_{i=1}^{d} (x_i-\mu)^2 \qquad
# y_i = \gamma_i\,\frac{x_i-\mu}{\sqrt{\sigma^2+\varepsilon}} + \beta_i$$
#
# - μ is the mean of the d numbers, σ² their **variance**: the mean of the squared distances from μ. It is divided by d,
#   not by d − 1.
# - γ (`scale`, often *gain*) and β (`shift`, often *bias*) are learned, d numbers each. They begin as ones and zeros.
#   Without them, every vector that the next part reads would have mean 0 and the same size, whether that suits the
#   part or not.
# - ε is small, 10⁻⁵. It keeps a vector of equal numbers, whose variance is 0, from a division by 0.
#
# A worked number. (1, 3) has the mean 2 and the variance ((1 − 2)² + (3 − 2)²) / 2 = 1, so it becomes (−1, 1). (0, 20)
# has the mean 10 and the variance 100, and becomes (−1, 1) as well: the size is gone, the shape stays. With γ = (2,
# 0.5) and β = (10, 0), both then become (−2 + 10, 0.5 + 0) = (8, 0.5).

# %%
for vector in (torch.tensor([1.0, 3.0]), torch.tensor([0.0, 20.0])):
    centred = vector - vector.mean()
    normed = centred / centred.square().mean().sqrt()
    assert torch.allclose(normed, torch.tensor([-1.0, 1.0]))
    scaled = normed * torch.tensor([2.0, 0.5]) + torch.tensor([10.0, 0.0])
    assert torch.allclose(scaled, torch.tensor([8.0, 0.5]))

# %% [markdown]
# LayerNorm has an older relative. **Batch normalisation** (Ioffe and Szegedy [2015](https://arxiv.org/abs/1502.03167))
# takes each of the d numbers by itself and gives *it* mean 0 and variance 1 over all examples of the batch, so what
# happens to one sentence depends on which others are in the batch, and when the model is used, stored averages must
# stand in. LayerNorm never looks at a neighbour: it does the same in training and in use, for one sentence or a
# thousand, long or short.

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(7, 2.9))
titles = "LayerNorm: one vector", "BatchNorm: one number of all vectors"
for axes, title in zip(panels, titles, strict=True):
    together = torch.zeros(8, 6)
    together[(1, slice(None)) if title[0] == "L" else (slice(None), 2)] = 1
    axes.imshow(together, cmap="cividis", vmin=-0.3, vmax=1.1, aspect="auto")
    axes.set_xticks(torch.arange(0.5, 5).tolist(), minor=True)
    axes.set_yticks(torch.arange(0.5, 7).tolist(), minor=True)
    axes.grid(which="minor", color="white")
    axes.axhline(3.5, color="white", lw=5)
    axes.tick_params(which="minor", length=0)
    words = ["the", "cat", "sat", "down", "a", "dog", "ran", "home"]
    axes.set_yticks(range(8), words)
    axes.set(title=title, xlabel="numbers of the vector (d_model)", xticks=[])
plt.show()

# %% [markdown]
# A row is the vector of one word; there are two sentences. The bright squares are taken together for one mean and one
# variance: on the left six numbers of one word, on the right one number of eight words in two sentences.
#
# ## Exercise 7.1 · LayerNorm
# Write `forward`, by the formula. Like every layer of this notebook it is going to be trained: gradients reach x
# (through mean and variance too) and the parameters. Difficulty ●●○ · 8 minutes.
#
# <details><summary>My shapes do not fit</summary>Means need <code>keepdim=True</code> to be subtracted from their
# vectors.</details>
# <details><summary>I am off by a few percent</summary><code>x.var()</code> divides by n − 1. Here it is n:
# <code>correction=0</code>, or the mean of the squares.</details>


# %% exercise="LayerNorm" difficulty=2 minutes=8
class LayerNorm(nn.Module):
    """Each vector to mean 0 and variance 1, then a learned scale and shift (Ba et al.
    2016).
    """

    def __init__(self, d_model, epsilon=1e-5):
        super().__init__()
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(d_model))
        self.shift = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        """x (..., d_model) -> the same shape. A vector of equal numbers becomes
        `shift`, up to rounding, and not NaN.

        Gradients reach x, through mean and variance too, and scale and shift.
        """
        ### BEGIN SOLUTION
        centred = x - x.mean(dim=-1, keepdim=True)
        variance = centred.square().mean(dim=-1, keepdim=True)
        return centred * torch.rsqrt(variance + self.epsilon) * self.scale + self.shift
        ### END SOLUTION


# %% check="LayerNorm"
from lib.checks import check

LayerNorm = check("LayerNorm")

# %%
generator = torch.Generator().manual_seed(0)
x = 5 + 3 * torch.randn(2, 4, 32, generator=generator)
assert torch.allclose(LayerNorm(32)(x), nn.LayerNorm(32)(x), atol=1e-5)
# the size is gone
assert torch.allclose(LayerNorm(32)(1000 * x), LayerNorm(32)(x), atol=1e-4)

# %% [markdown]
# Equal to PyTorch's. `RMSNorm`, which Llama and T5 use, leaves out the mean and the shift (notebook 14).
#
# A norm acts on the way back as well: it divides by σ, so a large vector gets a small gradient. Ten times the vector, a
# tenth of the gradient:

# %%
upstream = torch.randn(2, 4, 32, generator=generator)
gradients = []
for size in (1, 10):
    large = (size * x).requires_grad_()
    gradients.append(torch.autograd.grad(LayerNorm(32)(large), large, upstream)[0])
assert torch.allclose(gradients[0], 10 * gradients[1], atol=1e-4)

# %% [markdown]
# ## Question 7.2 · changed_outputs
# A LayerNorm reads x of shape (batch 2, position 5, d_model 32). Then a single number of x is changed, `x[1, 3, 7]`,
# and it reads x again. How many of the 320 numbers that come out change? 2 minutes.

# %% question="changed_outputs" difficulty=1 minutes=2
### BEGIN SOLUTION
changed_outputs = 32
### END SOLUTION

# %% check="changed_outputs"
from lib.checks import check

changed_outputs = check("changed_outputs")

# %% [markdown]
# ## Dropout: noise against relying on one number
# A network with many weights can learn its training texts by heart: this number and that number together mean *this*
# sentence. **Dropout** (Srivastava et al. [2014](https://jmlr.org/papers/v15/srivastava14a.html)) makes such
# combinations unreliable. In training, each number is set to 0 with probability p, anew in each step, so no part can
# rely on any single number:
#
# $$y_i = \frac{m_i\,x_i}{1-p} \qquad m_i = 0 \text{ with probability } p, \text{ else } 1$$
#
# x is any tensor, p the **dropout rate**, and m the **mask**: a new draw for each number. Why the division? A share of
# 1 − p is left, so the mean would fall by that factor, and the next layer would meet other sizes in use than in
# training. Divided by 1 − p, the expected value is p · 0 + (1 − p) · x_i / (1 − p) = x_i.
#
# A worked number: x = (3, 6, 9, 12), p = 0.25, and chance drops the second number. The others are divided by 0.75: (4,
# 0, 12, 16). When the model is *used*, nothing is dropped and nothing is divided. (In 2014 it was the other way round:
# no division in training, and the weights times 1 − p in use. Today's way is also called **inverted dropout**.)
#
# The paper of 2017 uses p = 0.1 in two kinds of places: on what each part gives, before it is added to x, and on the
# sum of embeddings and positions. It helps where the same texts are read many times. Very large models, which read
# their text about once, are often trained without it (PaLM: Chowdhery et al. [2022](https://arxiv.org/abs/2204.02311)).
#
# ## Exercise 7.2 · dropout
# By the formula, each number by its own draw. When not training, x as it is. Any shape. Difficulty ●○○ · 5 minutes.
#
# <details><summary>Where do the random numbers come from?</summary><code>torch.rand_like(x)</code>: for each number one from 0 to
# 1, which is below p with probability p.</details>


# %% exercise="dropout" difficulty=1 minutes=5
def dropout(x, p, training=True):
    """Set each number to 0 with probability p and divide the others by 1 - p
    (Srivastava et al. 2014).

    x: finite floats, any shape    0 <= p < 1
    Returns x's shape; x as it is when not training.
    Gradients flow to x.
    """
    ### BEGIN SOLUTION
    if not training:
        return x
    keep = torch.rand_like(x) >= p
    return x * keep / (1 - p)
    ### END SOLUTION


# %% check="dropout"
from lib.checks import check

dropout = check("dropout")

# %% [markdown]
# On average nothing changes:

# %%
x = torch.ones(40_000)
noisy = dropout(x, 0.25)
assert set(noisy.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
assert abs(noisy.mean() - 1) < 0.02 and abs((noisy == 0).float().mean() - 0.25) < 0.02

# %% [markdown]
# From here on `nn.Dropout` does it: the same, with the switch built in. `model.train()` turns it on, `model.eval()`
# turns it off.
#
# ## Question 7.3 · dropout_square
# The mean stays. And the *mean of the squares*? x is all ones, p = 0.2, in training. Which value does the mean of y²
# have, on average over many draws? 3 minutes.

# %% question="dropout_square" difficulty=2 minutes=3
### BEGIN SOLUTION
dropout_square = 0.8 * (1 / 0.8) ** 2
### END SOLUTION

# %% check="dropout_square"
from lib.checks import check

dropout_square = check("dropout_square")

# %% [markdown]
# ## Feed-forward: time to think
# Attention fetches: what it gives a word is a weighted sum of (projected) vectors of all words. Once the weights are
# fixed, nothing but sums and matrix products happens. What is missing is a place where a word *works on* what it has
# fetched. That is the **feed-forward network** (FFN, also *MLP*): the same small network at each position, by itself.
# It **widens** the vector from d_model to d_ff numbers, four times as many in the paper (512 to 2,048), **bends** each
# of them, and **narrows** them to d_model again (Vaswani et al. [2017](https://arxiv.org/abs/1706.03762), equation 2):
#
# $$\mathrm{FFN}(x) = \max(0,\ x W_1 + b_1)\,W_2 + b_2$$
#
# x is one vector of d_model numbers; W₁ (d_model, d_ff) and b₁ belong to `widen`, W₂ (d_ff, d_model) and b₂ to
# `narrow`; max(0, ·) is the **ReLU**, the **activation** that bends.
#
# A worked number, with d_model = 2, d_ff = 3 and no biases. x = (1, −2):
#
# $$(1, -2)\begin{pmatrix} 1 & 0 & 1\\ 0 & 1 & 1\end{pmatrix} = (1, -2, -1) \;\to\; \text{ReLU: } (1, 0, 0) \;\to\;
# (1, 0, 0)\begin{pmatrix} 1 & 1\\ 0 & 1\\ 2 & 0\end{pmatrix} = (1, 1)$$
#
# One way to read it (Geva et al. [2020](https://arxiv.org/abs/2012.14913)): each column of W₁ is a pattern that x is
# compared with, and where it matches, the row of W₂ with the same number is added to the stream. Here the first of
# three patterns matched, so the row (1, 1) was added. A feed-forward is then a memory of d_ff entries, and it is large:
# in a block of the paper's encoder it holds **two thirds of all weights**. The attention has four matrices of d_model²,
# the feed-forward two of 4 · d_model². We count them below.

# %%
x = torch.tensor([1.0, -2.0])
first = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
second = torch.tensor([[1.0, 1.0], [0.0, 1.0], [2.0, 0.0]])
assert (x @ first).tolist() == [1, -2, -1]
assert ((x @ first).relu() @ second).tolist() == [1, 1]
assert 2 * 4 / (4 + 2 * 4) == 2 / 3

# %% [markdown]
# > **Predict.** Why bend? What can two matrices in a row do that one cannot?

# %%
first = torch.randn(5, 20, generator=generator)
second = torch.randn(20, 5, generator=generator)
x = torch.randn(3, 5, generator=generator)
assert torch.allclose(x @ first @ second, x @ (first @ second), atol=1e-4)
print("nothing: their product is one matrix")

# %% [markdown]
# The paper bends with ReLU; GPT and BERT do so with **GELU** (Hendrycks and Gimpel
# [2016](https://arxiv.org/abs/1606.08415)): x times the probability that a normal random number is below x. For x = 1
# this probability is 0.84, so 0.84 goes on; for x = −1 it is 0.16, so −0.16 does.

# %% jupyter={"source_hidden": true}
places = torch.linspace(-4, 4, 161)
below = torch.distributions.Normal(0, 1).cdf(places)
assert torch.allclose(functional.gelu(places), places * below, atol=1e-6)
figure, axes = plt.subplots(figsize=(5.4, 2.8))
axes.plot(places, functional.relu(places), "--", label="ReLU: max(0, x)")
axes.plot(places, functional.gelu(places), label="GELU: x · P(normal < x)")
axes.set(xlabel="x", ylabel="what comes out", ylim=(-0.5, 2.5), xlim=(-4, 2.5))
axes.legend()
plt.show()

# %% [markdown]
# Far from 0 they agree. Near 0 GELU is smooth, and a number a little below 0 still has a slope: ReLU lets no gradient
# through there.

# %% jupyter={"source_hidden": true}
assert (functional.gelu(places) - functional.relu(places)).abs().max() < 0.171
assert functional.gelu(places).min() < -0.16
ones = functional.gelu(torch.tensor([1.0, -1.0]))
assert [round(number, 2) for number in ones.tolist()] == [0.84, -0.16]

# %% [markdown]
# ## Exercise 7.3 · FeedForward
# `widen`: an `nn.Linear` from d_model to d_ff; `narrow`: one back. (The paper has no dropout inside; most programs, PyTorch's block among them, do.) `forward`: widen, `activation`, dropout (in training
# only), narrow. Dropout draws for each number. The same at each position, x (..., d_model). Difficulty ●○○ · 6 minutes.
#
# <details><summary>Which dropout?</summary><code>nn.Dropout(dropout)</code>, made in <code>__init__</code>: it knows
# whether the model trains.</details>


# %% exercise="FeedForward" difficulty=1 minutes=6
class FeedForward(nn.Module):
    """Widen, bend, narrow: the same small network at each position by itself."""

    def __init__(self, d_model, d_ff, dropout=0.0, activation=functional.relu):
        super().__init__()
        ### BEGIN SOLUTION
        self.widen = nn.Linear(d_model, d_ff)
        self.narrow = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)
        self.activation = activation
        ### END SOLUTION

    def forward(self, x):
        """x (..., d_model) -> the same shape."""
        ### BEGIN SOLUTION
        return self.narrow(self.dropout(self.activation(self.widen(x))))
        ### END SOLUTION


# %% check="FeedForward"
from lib.checks import check

FeedForward = check("FeedForward")

# %% [markdown]
# ## Before or after: two places for the norm
# A part, a shortcut and a norm can be put together in two ways:
#
# > **post-norm** (the paper of 2017): y = norm(x + dropout(part(x)))
# >
# > **pre-norm** (GPT-2, and most models since): y = x + dropout(part(norm(x)))

# %% jupyter={"source_hidden": true}
shape = "(batch, position,\nd_model)"
figure, panels = plt.subplots(1, 2, figsize=(5.6, 3.1))
block_stack(
    panels[0], "post-norm", [("part", shape), ("+", shape), ("LayerNorm", shape)]
)
pre = [("LayerNorm", shape), ("part", shape), ("+", shape)]
block_stack(panels[1], "pre-norm", pre, new=True)
plt.show()

# %% [markdown]
# Read each from the bottom up; the line at the side is the shortcut. On the left the norm stands *on the stream*:
# whatever leaves a block has been normalised, in every block again. On the right it stands *beside the stream*, on the
# way into the part: from bottom to top there are only additions on the stream itself. So with pre-norm, unlike
# post-norm, the stream after n parts is a plain sum:
#
# $$x_n = x_0 + \mathrm{part}_1(\mathrm{norm}(x_0)) + \mathrm{part}_2(\mathrm{norm}(x_1)) + \dots + \mathrm{part}_n(\mathrm{norm}(x_{n-1}))$$
#
# A worked step: x = (1, 3), and the part doubles what it is given. Pre-norm: norm(x) = (−1, 1), the part makes (−2, 2)
# of it, and y = (1, 3) + (−2, 2) = (−1, 5). Post-norm: the part makes (2, 6) of x, the sum is (3, 9), and y = norm((3,
# 9)) = (−1, 1).
#
# Each has a price. The pre-norm stream grows from block to block, since every part adds something; therefore one more
# norm follows after the last block, before the words are scored. The post-norm stream keeps its size, but everything
# written early is rescaled again and again.
#
# `PostNorm` is given, in `lib.layers`; the other one is yours.
#
# ## Exercise 7.4 · PreNorm
# `forward(x, part)`, with `self.norm` and `self.dropout`. `part` is any function from (..., d_model) to the same shape,
# such as an attention; call it once. Difficulty ●○○ · 3 minutes.
#
# <details><summary>Does it matter whether I write x += ...?</summary>Yes: that changes the caller's x, and autograd may
# still need it.</details>


# %% exercise="PreNorm" difficulty=1 minutes=3
class PreNorm(nn.Module):
    """x + part(norm(x)): the shortcut stays untouched from the bottom of the stack to
    its top.
    """

    def __init__(self, d_model, dropout=0.0):
        super().__init__()
        self.norm = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, part):
        """x (..., d_model) -> the same shape; `part` is a function of x, such as an
        attention or a FeedForward.

        The part is called once. Gradients reach x.
        """
        ### BEGIN SOLUTION
        return x + self.dropout(part(self.norm(x)))
        ### END SOLUTION


# %% check="PreNorm"
from lib.checks import check

PreNorm = check("PreNorm")

# %%
x = torch.tensor([[1.0, 3.0]])
for shortcut, expected in ((PreNorm, [[-1.0, 5.0]]), (PostNorm, [[-1.0, 1.0]])):
    y = shortcut(2)(x, lambda y: 2 * y)
    assert torch.allclose(y, torch.tensor(expected), atol=1e-4)

# %% [markdown]
# What do the two places do to the gradient? The same experiment as above, at both scales of the fresh weights. (`norm`
# is LayerNorm with nothing learned.)


# %%
def norm(x):
    return functional.layer_norm(x, x.shape[-1:])


normed_wirings = {
    "x + part(norm(x))": lambda part, x: x + part(norm(x)),
    "norm(x + part(x))": lambda part, x: norm(x + part(x)),
}
arrived |= by_depth(normed_wirings)

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(6, 3.8))
shown = {pair: shares for pair, shares in arrived.items() if "norm" in pair[0]}
shown[("part(x)", "He")] = arrived[("part(x)", "He")]
draw(shown, axes)
axes.set(ylim=(0.1, 100))
axes.axhline(1, color="grey", lw=0.8)
axes.text(13.5, 60, "x + part(x), He", fontsize=8)
shares = arrived[("x + part(x)", "He")].mean(dim=0)
axes.plot(depths[:4], shares[:4], "-o", ms=4, color="C1")
axes.legend(loc="upper right", fontsize=8)
plt.show()

# %% jupyter={"source_hidden": true}
for (name, scale), shares in arrived.items():
    last = shares[:, -1]
    if name == "x + part(norm(x))":
        low, high = (1.2, 4) if scale == "PyTorch" else (4, 20)
        assert low < last.min() and last.max() < high, (scale, last)
    if name == "norm(x + part(x))":
        assert last.min() > 0.2 and last.max() < 5, (scale, last)

# %% [markdown]
# Each line is again the mean of three seeds; this axis reaches from 0.1 to 100 only. Both places of the norm keep the
# gradient of these layers in bounds, at both scales: through 64 layers post-norm lets between 0.2 and 5 times the
# gradient through, pre-norm between 1.2 and 20 times. Without a norm, He's scale leaves the picture after about 13
# layers. So in such a *fresh* stack neither place loses the gradient. Whether they *train* equally well is another
# question; we ask it on text below.
#
# ## Question 7.4 · stream_sizes
# Three stacks of 48 fresh encoder blocks. One is built with pre-norm, one with post-norm, one with shortcuts and no
# norm at all. The figure shows the size of the stream (root mean square) after each block. (With pre-norm each part adds
# about as much as the one before; without a norm it adds in proportion to what is there already.) Which line is which? Write
# the three letters in the order *pre-norm, post-norm, no norm*, as in `"ABC"`. 3 minutes.

# %% jupyter={"source_hidden": true}
from lib.checks.the_transformer_block_questions import stream_by_block

figure, axes = plt.subplots(figsize=(5.4, 2.8))
for (letter, sizes), line in zip(
    stream_by_block().items(), ("-", "--", ":"), strict=True
):
    axes.semilogy(range(1, 49), sizes, line, label=letter)
    axes.text(48.7, sizes[-1], letter, va="center")
axes.set(xlabel="block", ylabel="size of the stream", ylim=(0.7, 40))
plt.show()

# %% question="stream_sizes" difficulty=2 minutes=3
### BEGIN SOLUTION
stream_sizes = "CAB"
### END SOLUTION

# %% check="stream_sizes"
from lib.checks import check

stream_sizes = check("stream_sizes")

# %% [markdown]
# ## The encoder block
# Now the parts come together. A block of the encoder is
#
# > x ← shortcut(x, self-attention), then x ← shortcut(x, feed-forward)
#
# **Look around, then think.** Each part has a shortcut of its own, with a norm of its own, whose γ and β suit that
# part. One thing needs a trick: a shortcut calls `part(y)` with a single argument, but an attention needs its mask too.
# A function made on the spot carries it along: `lambda y: attention(y, mask=mask)`. Its y is what the shortcut gives
# it: with pre-norm the *normalised* x.
#
# ## Exercise 7.5 · EncoderBlock
# The parts are given. Write `forward`: both parts, each inside its shortcut, whichever `shortcut` was asked for. Only
# the attention needs the mask. Difficulty ●●○ · 8 minutes.
#
# <details><summary>The shortcut calls part(y) with one argument; where does the mask go?</summary>Into a function of one
# argument: <code>lambda y: self.attention(y, mask=mask)</code>.</details>
# <details><summary>x or y inside the lambda?</summary>y: it is the normalised x. With x you go around the norm.</details>


# %% exercise="EncoderBlock" difficulty=2 minutes=8
class EncoderBlock(nn.Module):
    """Look around, then think: self-attention and feed-forward, each with a shortcut
    around it.
    """

    def __init__(
        self,
        d_model,
        n_heads,
        d_ff,
        dropout=0.0,
        shortcut=PreNorm,
        bias=False,
        activation=functional.relu,
    ):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, n_heads, bias)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.around_attention = shortcut(d_model, dropout)
        self.around_feed_forward = shortcut(d_model, dropout)

    def forward(self, x, mask=None):
        """x: (batch, position, d_model)
        mask: broadcastable to (batch, heads, query, key)
        Returns x's shape.
        """
        ### BEGIN SOLUTION
        x = self.around_attention(x, lambda y: self.attention(y, mask=mask))
        return self.around_feed_forward(x, self.feed_forward)
        ### END SOLUTION


# %% check="EncoderBlock"
from lib.checks import check

EncoderBlock = check("EncoderBlock")

# %% [markdown]
# With your weights copied, PyTorch's own block gives the same numbers, in both norms:


# %%
@torch.no_grad()
def pytorchs(block, norm_first):
    """An nn.TransformerEncoderLayer with the weights of `block` (12, 3, 17)."""
    layer = nn.TransformerEncoderLayer(
        12, 3, 17, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    mine = block.attention
    layer.self_attn.in_proj_weight.copy_(
        torch.cat([mine.to_q.weight, mine.to_k.weight, mine.to_v.weight])
    )
    layer.self_attn.out_proj.weight.copy_(mine.to_out.weight)
    layer.linear1.load_state_dict(block.feed_forward.widen.state_dict())
    layer.linear2.load_state_dict(block.feed_forward.narrow.state_dict())
    return layer


x, mask = torch.randn(2, 5, 12, generator=generator), causal_mask(5)
for shortcut in (PreNorm, PostNorm):
    block = EncoderBlock(12, 3, 17, shortcut=shortcut)
    theirs = pytorchs(block, norm_first=shortcut is PreNorm)
    # their True means "hidden"
    assert torch.allclose(block(x, mask), theirs(x, src_mask=~mask), atol=1e-5)

# %% [markdown]
# And the residual stream, in your own blocks. Stack six of them with pre-norm, note what each of the twelve parts adds,
# and add it all up yourself:

# %%
blocks = [EncoderBlock(12, 3, 17) for _ in range(6)]
written = []
for block in blocks:
    for part in (block.attention, block.feed_forward):
        part.register_forward_hook(lambda _, inputs, output: written.append(output))
top = Encoder(blocks)(x, mask)
assert len(written) == 12 and torch.allclose(top, x + sum(written), atol=1e-5)

# %% [markdown]
# (A forward hook is a function that PyTorch calls with whatever a module has computed.) What leaves the last block is
# the first x plus twelve contributions, nothing else.
#
# ## Question 7.5 · noisy_line
# A learner has written this block without a shortcut class. In training it works. After `eval()` it gives another
# answer each time it is asked. In which line is the mistake? 3 minutes.
#
#     1   class Block(nn.Module):
#     2       def __init__(self, d_model, attention, feed_forward):
#     3           super().__init__()
#     4           self.attention, self.feed_forward = attention, feed_forward
#     5           self.norm_1, self.norm_2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
#     6           self.dropout = nn.Dropout(0.1)
#     7
#     8       def forward(self, x, mask=None):
#     9           y = self.attention(self.norm_1(x), mask=mask)
#     10          x = x + functional.dropout(y, 0.1)
#     11          y = self.feed_forward(self.norm_2(x))
#     12          return x + self.dropout(y)

# %% question="noisy_line" difficulty=2 minutes=3
### BEGIN SOLUTION
noisy_line = 10
### END SOLUTION

# %% check="noisy_line"
from lib.checks import check

noisy_line = check("noisy_line")

# %% [markdown]
# ## Cross-attention: the decoder looks at what was read
# The encoder has read a sentence. What it gives, one vector for each word, is called the **memory**, (batch, key,
# d_model). The decoder writes another sentence, word by word, and for each word it must know two things: what it has
# written so far, and what the source says. So its block has two attentions:
#
# - **masked self-attention**: the written words look at each other, backwards only. Queries, keys and values all come
#   from x.
# - **cross-attention** (in the paper *encoder-decoder attention*): the written words look at the memory. **The queries
#   come from x, the keys and values from the memory.** It is the attention of Bahdanau (notebook 03), with the formula
#   of notebook 04:
#
# $$\mathrm{cross}(x, m) = \mathrm{softmax}\!\left(\frac{(x W_Q)\,(m W_K)^{\top}}{\sqrt{d_{\mathrm{head}}}}\right) m W_V$$
#
# x (position, d_model) is what is written, m (key, d_model) the memory. The number of positions and the number of keys
# are two different numbers: four words may be written while seven were read. No causal mask is needed here, since the
# source is known to its end; only its padding is hidden, by a mask of its own (`memory_mask`).
#
# A worked number, from the scores on: one word is written, two were read. Its scores, divided by the root already, are
# ln 3 and 0. The softmax makes 3 and 1 of them, so the weights are 3/4 and 1/4. The values are (8, 0) and (0, 4): the
# mix is (6, 1). The stream stood at (1, 1), and the shortcut adds: (7, 2).

# %% jupyter={"source_hidden": true}
scores, values = (
    torch.tensor([math.log(3), 0.0]),
    torch.tensor([[8.0, 0.0], [0.0, 4.0]]),
)
mixed = torch.tensor([1.0, 1.0]) + scores.softmax(dim=-1) @ values
assert torch.allclose(mixed, torch.tensor([7.0, 2.0]))
figure, axes = plt.subplots(figsize=(8, 3))
box(axes, 0, 2.2, "memory m\n(batch, 7, d_model)", 1.9, 0.7, BLUE)
box(axes, 0, 0.2, "x, normed\n(batch, 4, d_model)", 1.9, 0.7, ORANGE)
for bottom, name, start in (
    (2.6, "values", 2.55),
    (1.7, "keys", 2.55),
    (0.2, "queries", 0.55),
):
    length = 4 if name == "queries" else 7
    face = ORANGE if length == 4 else BLUE
    label = f"{name}\n(batch, heads, {length}, d_head)"
    box(axes, 2.7, bottom, label, 2.3, 0.7, face, 7.5)
    arrow(axes, (1.95, start), (2.65, bottom + 0.35))
box(axes, 5.8, 1.0, "weights\n(batch, heads, 4, 7)", 2.0, 0.7, PINK, 7.5)
arrow(axes, (5.05, 2.05), (5.76, 1.5))
arrow(axes, (5.05, 0.55), (5.76, 1.2))
box(axes, 8.5, 1.8, "mix, W_O\n(batch, 4, d_model)", 2.0, 0.7, ORANGE, 7.5)
arrow(axes, (5.05, 2.95), (8.46, 2.3))
arrow(axes, (7.85, 1.45), (8.46, 1.95))
arrow(axes, (10.55, 2.15), (11.1, 2.15))
axes.text(11.15, 2.15, "added\nto x", va="center", fontsize=8)
axes.set(xlim=(-0.2, 12), ylim=(0, 3.5))
axes.axis("off")
plt.show()

# %% [markdown]
# Seven words were read (upper boxes), four are written (lower boxes). Only the weights know both lengths. What comes
# out has the length of what is *written*, so it can be added to x.
#
# The block of the decoder is then: **look back, look at the memory, think**:

# %% jupyter={"source_hidden": true}
wide, looked = "(batch, 4, d_model)", "(batch, 7, d_model)\nfrom the encoder →"
stack = [("LayerNorm", wide), ("masked self-attention", wide), ("+", wide)]
stack += [("LayerNorm", wide), ("cross-attention", wide), ("+", wide)]
stack += [("LayerNorm", wide), ("feed-forward", wide), ("+", wide)]
figure, axes = plt.subplots(figsize=(4.6, 5.2))
block_stack(axes, "decoder block, pre-norm", stack, new=True)
axes.annotate(
    f"memory\n{looked.splitlines()[0]}",
    (-1.05, 4),
    (-2.3, 4),
    va="center",
    ha="center",
    fontsize=7,
    arrowprops={"arrowstyle": "->", "color": INK},
)
axes.set(xlim=(-2.9, 1.5))
plt.show()

# %% [markdown]
# Each part has its shortcut. The memory enters at one place only, the cross-attention, and it enters as the encoder
# gives it: the decoder's norms are for x alone.
#
# ## Question 7.6 · cross_weights_shape
# A batch of 3 sentence pairs; 11 words were read and 5 are written; d_model is 24, with 6 heads. Which shape have the
# weights of the cross-attention? Write a tuple. 2 minutes.

# %% question="cross_weights_shape" difficulty=1 minutes=2
### BEGIN SOLUTION
cross_weights_shape = (3, 6, 5, 11)
### END SOLUTION

# %% check="cross_weights_shape"
from lib.checks import check

cross_weights_shape = check("cross_weights_shape")

# %% [markdown]
# ## Exercise 7.6 · DecoderBlock
# Self-attention and feed-forward are given, they are those of 7.5. Put the cross-attention in: make the two parts that
# it needs, and write its line in `forward`. Names as in the docstring. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Which two parts?</summary>The attention itself, <code>cross_attention</code>, made like the other one, and a
# shortcut of its own, <code>around_cross_attention</code>.</details>
# <details><summary>Who asks whom?</summary>The queries come from y, keys and values from the memory:
# <code>self.cross_attention(y, memory, memory_mask)</code>.</details>
# <details><summary>Is the memory normalised here?</summary>No. Only x is.</details>


# %% exercise="DecoderBlock" difficulty=2 minutes=8
class DecoderBlock(nn.Module):
    """Look back, look at what the encoder has read, then think.

    Parts: self_attention, cross_attention, feed_forward; shortcuts:
    around_self_attention, around_cross_attention, around_feed_forward.
    """

    def __init__(
        self,
        d_model,
        n_heads,
        d_ff,
        dropout=0.0,
        shortcut=PreNorm,
        bias=False,
        activation=functional.relu,
    ):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, n_heads, bias)
        ### BEGIN SOLUTION
        self.cross_attention = MultiHeadAttention(d_model, n_heads, bias)
        ### END SOLUTION
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.around_self_attention = shortcut(d_model, dropout)
        ### BEGIN SOLUTION
        self.around_cross_attention = shortcut(d_model, dropout)
        ### END SOLUTION
        self.around_feed_forward = shortcut(d_model, dropout)

    def forward(self, x, memory, mask=None, memory_mask=None):
        """x: (batch, position, d_model)
        memory: (batch, key, d_model)
        Returns x's shape.

        mask: broadcastable to (batch, heads, position, position)
        memory_mask: to (batch, heads, position, key)
        Gradients reach x and memory.
        """
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        ### BEGIN SOLUTION
        x = self.around_cross_attention(
            x, lambda y: self.cross_attention(y, memory, memory_mask)
        )
        ### END SOLUTION
        return self.around_feed_forward(x, self.feed_forward)


# %% check="DecoderBlock"
from lib.checks import check

DecoderBlock = check("DecoderBlock")

# %% [markdown]
# Four words are written, seven were read. The future cannot change the past, and every word that was read can change
# every word that is written:

# %%
block = DecoderBlock(12, 3, 17)
four = torch.randn(2, 4, 12, generator=generator)
read = torch.randn(2, 7, 12, generator=generator)
assert future_leak(lambda x: block(x, read, causal_mask(4)), four) == 0.0
assert future_leak(lambda x: block(x, read), four) > 0  # without the mask it leaks

read.requires_grad_()
for position in range(4):
    gradient = torch.autograd.grad(
        block(four, read, causal_mask(4))[0, position].square().sum(), read
    )[0]
    assert (gradient[0].norm(dim=-1) > 0).all()

# %% [markdown]
# What is it good for? A task that nothing but the memory can solve: eight random letters are read, and the decoder
# writes them **backwards**. What it has written so far says nothing about the next letter, which is random. One block
# of yours, one head, 150 steps. The memory is here the embeddings of the letters with their positions; there is no
# encoder.


# %%
class Reverser(nn.Module):
    def __init__(self, n_letters=10, d_model=32):
        super().__init__()
        self.start = n_letters  # the id of <SOS>
        self.embedding = nn.Embedding(n_letters + 1, d_model)
        self.block = DecoderBlock(d_model, 1, 4 * d_model)
        self.to_scores = nn.Linear(d_model, n_letters)

    def forward(self, read, written, see=True):
        """read (batch, 8), written (batch, position) -> scores of the next letters."""
        memory = self.embedding(read) + sinusoidal_positions(8, 32)
        memory = memory if see else torch.zeros_like(memory)
        inputs = functional.pad(written, (1, 0), value=self.start)[:, :-1]
        x = self.embedding(inputs) + sinusoidal_positions(inputs.shape[1], 32)
        return self.to_scores(self.block(x, memory, causal_mask(inputs.shape[1])))


# %%
def learn_to_reverse(see, steps=150):
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)  # for the weights
        model = Reverser()
    optimiser, losses = torch.optim.Adam(model.parameters(), lr=1e-2), []
    for _ in range(steps):
        read = torch.randint(10, (32, 8), generator=generator)
        scores = model(read, read.flip(1), see)
        loss = functional.cross_entropy(scores.transpose(1, 2), read.flip(1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return model, sum(losses[-20:]) / 20


# %% tags=["training"]
reverser, seeing = learn_to_reverse(see=True)
_, blind = learn_to_reverse(see=False)
print(
    f"with the memory {seeing:.2f} nats a letter, with zeros in its place {blind:.2f}"
)
reverser.block.cross_attention.keep_weights = True
letters = torch.tensor([[2, 0, 6, 4, 9, 1, 3, 8]])
with torch.no_grad():
    guessed = reverser(letters, letters.flip(1)).argmax(dim=-1)
names = "abcdefghij"
rows, columns = ([names[i] for i in ids[0].tolist()] for ids in (guessed, letters))
heatmap(reverser.block.cross_attention.weights[0, 0], rows, columns)
plt.show()

# %% [markdown]
# A row is a letter that is written, from top to bottom, a column a letter that was read; bright is a large weight. The
# bright squares run from the upper right to the lower left: to write its first letter, the decoder looks at the last
# one that was read, and so on. Nobody told it to. With the memory the loss falls to near 0; with zeros in its place it
# stays at ln 10 = 2.30, the price of guessing one letter in ten.

# %% jupyter={"source_hidden": true}
assert seeing < 0.3 and abs(blind - math.log(10)) < 0.1
assert torch.equal(guessed, letters.flip(1))
looks = reverser.block.cross_attention.weights[0, 0].flip(1).diagonal()
assert looks.mean() > 0.4

# %% [markdown]
# ## Counting what a block costs
# How large is all this? Count matrix by matrix. In the paper's model attention has no biases, the feed-forward has
# them, and a norm has γ and β:
#
# | | parameters | d_model = 4, d_ff = 8 |
# |---|---|---|
# | attention: W_Q, W_K, W_V, W_O | 4 · d_model² | 4 · 16 = 64 |
# | feed-forward: W₁, W₂, b₁, b₂ | 2 · d_model · d_ff + d_ff + d_model | 64 + 8 + 4 = 76 |
# | norm: γ, β | 2 · d_model | 8 |
# | **encoder block**: attention, feed-forward, 2 norms | | 64 + 76 + 16 = **156** |
#
# The number of heads does not occur: more heads are narrower heads. A decoder block has one attention and one norm
# more, 156 + 64 + 8 = 228. There is one table of embeddings, vocab · d_model; the paper uses it three times, for the
# words read, for the words written, and to score the next word (**weight tying**, Press and Wolf
# [2016](https://arxiv.org/abs/1608.05859)).


# %%
def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


assert count(EncoderBlock(4, 2, 8)) == 156 and count(DecoderBlock(4, 1, 8)) == 228

# %% [markdown]
# ## Exercise 7.7 · parameter_counts
# The paper's model, from its sizes: a dict of `"embedding"` (counted once), `"encoder"`, `"decoder"` (n_blocks each).
# Difficulty ●●○ · 10 minutes.
#
# <details><summary>How many matrices has an attention?</summary>Four: query, key, value and the one that mixes the heads,
# d_model × d_model each. The number of heads does not matter.</details>
# <details><summary>How many norms has a block?</summary>One for each shortcut: two in an encoder block, three in a decoder
# block; none at the end of the stack.</details>


# %% exercise="parameter_counts" difficulty=2 minutes=10
def parameter_counts(vocab, d_model, d_ff, n_blocks):
    """How many parameters an encoder-decoder has: {"embedding": ..., "encoder": ...,
    "decoder": ...}.

    One embedding table for both sides and the output; no biases in the attention; no
    norms at the end of the stacks.
    """
    ### BEGIN SOLUTION
    attention = 4 * d_model**2
    feed_forward = 2 * d_model * d_ff + d_ff + d_model
    norm = 2 * d_model
    return {
        "embedding": vocab * d_model,
        "encoder": n_blocks * (attention + feed_forward + 2 * norm),
        "decoder": n_blocks * (2 * attention + feed_forward + 3 * norm),
    }
    ### END SOLUTION


# %% check="parameter_counts"
from lib.checks import check

parameter_counts = check("parameter_counts")

# %% [markdown]
# The base model: d_model 512, d_ff 2,048, 6 blocks, about 37,000 tokens. Build it from your blocks, without memory (on
# the device `meta` tensors have a shape and no numbers), and count:

# %%
with torch.device("meta"):
    encoder = Encoder([EncoderBlock(512, 8, 2048, shortcut=PostNorm) for _ in range(6)])
    decoder = Decoder([DecoderBlock(512, 8, 2048, shortcut=PostNorm) for _ in range(6)])
    embedding = nn.Embedding(37_000, 512)
base = parameter_counts(37_000, 512, 2048, 6)
assert base == {
    "embedding": count(embedding),
    "encoder": count(encoder),
    "decoder": count(decoder),
}
for part, number in base.items():
    print(f"{part:10} {number:12,}")
print(f"{'together':10} {sum(base.values()):12,}")

# %% [markdown]
# 63,045,632. The paper's table 3 says 65 million. Biases in the attention do not explain the difference, they would add
# 36,864. "About 37,000 tokens" might: each costs 512, and with about 40,800 the sum is 65 million.
#
# Two thirds of an *encoder* block are the feed-forward, as announced.

# %% jupyter={"source_hidden": true}
assert sum(base.values()) == 63_045_632
assert 6 * 4 * 512 + 6 * 2 * 4 * 512 == 36_864
assert 40_700 < (65_000_000 - base["encoder"] - base["decoder"]) / 512 < 40_900
share = count(FeedForward(512, 2048)) / count(EncoderBlock(512, 8, 2048))
assert abs(share - 2 / 3) < 0.001

# %% [markdown]
# ## Question 7.7 · decoder_share
# And which share of a *decoder* block is the feed-forward, with d_ff = 4 · d_model? Leave out biases and norms. 2
# minutes.

# %% question="decoder_share" difficulty=1 minutes=2
### BEGIN SOLUTION
decoder_share = 8 / (4 + 4 + 8)
### END SOLUTION

# %% check="decoder_share"
from lib.checks import check

decoder_share = check("decoder_share")

# %% [markdown]
# ## On real text
# Norm before or after: which one trains? Stack 24 of your encoder blocks with a causal mask, and learn to predict the
# next character of the stories (a program wrote them). As said above, a stack of pre-norm blocks gets one more norm at
# its end.

# %%
text = "\n\n".join(load_stories())[:2_000_000]
characters = sorted(set(text))
number = {character: i for i, character in enumerate(characters)}
ids = torch.tensor([number[character] for character in text])


class DeepReader(nn.Module):
    def __init__(self, shortcut, n_blocks=24, d_model=32):
        super().__init__()
        self.embedding = nn.Embedding(len(characters), d_model)
        blocks = [
            EncoderBlock(d_model, 4, 4 * d_model, shortcut=shortcut)
            for _ in range(n_blocks)
        ]
        self.encoder = Encoder(
            blocks, None if shortcut is PostNorm else LayerNorm(d_model)
        )
        self.to_scores = nn.Linear(d_model, len(characters))

    def forward(self, ids):
        x = self.embedding(ids)  # (batch, position, d_model)
        x = x + sinusoidal_positions(ids.shape[1], x.shape[-1])
        return self.to_scores(self.encoder(x, causal_mask(ids.shape[1])))


# %% [markdown]
# The **learning rate** says how large a step is. With a **warm-up** (notebook 03 had one) it grows in
# equal steps from nearly 0 to its full size over the first steps, here 50 where there is one, and stays there. (`fused=True` runs Adam's
# step in one fast function.)


# %%
def pieces(generator, count=16, length=32):
    """Random pieces of the text, each with one character more than is read."""
    starts = torch.randint(len(ids) - length, (count, 1), generator=generator)
    return ids[starts + torch.arange(length + 1)]  # (batch, position)


# %%
def train(shortcut, seed, rate, warm_up=1, steps=100):
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # for the weights
        model = DeepReader(shortcut)
    optimiser, losses = torch.optim.Adam(model.parameters(), fused=True), []
    for step in range(steps):
        batch = pieces(generator)
        loss = functional.cross_entropy(
            model(batch[:, :-1]).transpose(1, 2), batch[:, 1:]
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = rate * min(1, (step + 1) / warm_up)
        optimiser.step()
        losses.append(loss.item())
    return model, torch.tensor(losses)


# %% [markdown]
# > **Predict.** Three models without a warm-up: pre-norm at the rate 0.003; post-norm at 0.003; post-norm at 0.001.
# > Which of them learn?

# %% tags=["training"]
started = time.process_time()
ways = {
    "pre-norm, 0.003": (PreNorm, 0.003),
    "post-norm, 0.003": (PostNorm, 0.003),
    "post-norm, 0.001": (PostNorm, 0.001),
}
runs = {name: train(shortcut, 1, rate) for name, (shortcut, rate) in ways.items()}
print(f"3 models in {time.process_time() - started:.0f} s of processor time")
last = {name: losses[80:].mean() for name, (_, losses) in runs.items()}
for name, loss in last.items():
    print(f"{name:18} last 20 steps: {loss:.2f} nats a character")

# %% tags=["training"]
share = torch.bincount(ids) / len(ids)
# what knowing how frequent each character is, and no more, costs
frequencies = -(share * share.log()).sum()
figure, axes = plt.subplots(figsize=(6, 3.4))
for (name, (_, losses)), line in zip(runs.items(), ("-", "--", "-."), strict=True):
    axes.plot(torch.arange(2, 100, 5), losses.view(20, 5).mean(dim=1), line, label=name)
axes.axhline(frequencies, color="grey", lw=1)
axes.text(76, frequencies - 0.13, "frequencies only", color="grey")
axes.set(xlabel="step", ylabel="loss in nats a character", ylim=(2.3, 4.5))
axes.legend()
plt.show()

# %% jupyter={"source_hidden": true}
assert last["pre-norm, 0.003"] < 2.75
assert last["post-norm, 0.003"] > frequencies - 0.15
assert last["post-norm, 0.001"] < frequencies - 0.1

# %% [markdown]
# Each line is the loss of one model; low is good. The grey line is the price of knowing how frequent each character is,
# and nothing about its neighbours. In this run, post-norm at 0.003 gets stuck there: it looks as if it could not learn.
# At **a third of the rate it learns**, without any warm-up. Whoever looks at only one rate learns something false about post-norm.
#
# So the whole comparison: both wirings, three rates, with and without a warm-up of 50 steps (recorded by
# `benchmarks/depth.py`: the same model, text and number of steps, one seed each; the three models above have another
# one).

# %%
recorded = json.loads(files.read("depth_results.json"))
ends = {  # (wiring, warm-up, rate) -> the mean loss of the last 20 steps
    (row["wiring"], row["warmup"], row["rate"]): row["losses"][-1] for row in recorded
}
print(f"{'':12} {'rate':6} {'no warm-up':>12} {'warm-up':>8}")
for wiring in ("pre-norm", "post-norm"):
    for rate in (0.001, 0.003, 0.01):
        plain, warmed = (ends[wiring, warm_up, rate] for warm_up in (1, 50))
        print(f"{wiring:12} {rate:<6} {plain:12.2f} {warmed:8.2f}")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(6, 3.4))
for wiring, colour in (("pre-norm", "C0"), ("post-norm", "C1")):
    for warm_up, line, mark in ((1, "-", "o"), (50, "--", "s")):
        rates = [0.001, 0.003, 0.01]
        points = [ends[wiring, warm_up, rate] for rate in rates]
        label = f"{wiring}, {'warm-up' if warm_up > 1 else 'no warm-up'}"
        axes.plot(rates, points, line, marker=mark, ms=5, color=colour, label=label)
axes.axhline(frequencies, color="grey", lw=1)
axes.text(0.00098, frequencies + 0.02, "frequencies only", color="grey", fontsize=8)
axes.set(xscale="log", xlabel="learning rate", ylabel="loss after 100 steps")
axes.set_xticks(rates, [str(rate) for rate in rates])
axes.minorticks_off()
axes.legend(fontsize=8)
plt.show()

# %% [markdown]
# Low is good; each mark is one run of 100 steps. Read each line from left to right.
#
# - **Pre-norm** learns at all three rates. A warm-up brings it nothing at the two lower rates, and 0.05 nats at 0.01.
# - **Post-norm** learns at 0.001 with or without a warm-up. At 0.003 it learns with a warm-up only. At 0.01 it stays at
#   the line of the frequencies either way.
#
# So is it true that deep post-norm needs a warm-up? At 0.003 yes; at 0.001 no; at 0.01 it needs more than this one. A
# plausible reading: it needs *small steps at the beginning*. A low rate gives them, and a warm-up gives them too and
# still allows larger steps later. (Whether 0.01 is too large for it at any time, or only after so short a warm-up,
# these runs cannot tell.) In no setting was it as good as pre-norm at the same rate, after these 100 steps. (They are
# the beginning of a training only; the papers below trained to the end.)

# %% jupyter={"source_hidden": true}
for rate in (0.001, 0.003, 0.01):
    assert ends["pre-norm", 1, rate] < frequencies - 0.3
    gained = ends["pre-norm", 1, rate] - ends["pre-norm", 50, rate]
    assert abs(gained - 0.05) < 0.01 if rate == 0.01 else gained < 0
    for warm_up in (1, 50):
        post = ends["post-norm", warm_up, rate]
        assert ends["pre-norm", warm_up, rate] < post
        if (warm_up, rate) in {(1, 0.001), (50, 0.001), (50, 0.003)}:
            assert post < frequencies - 0.12, (warm_up, rate, post)
        else:
            assert post > frequencies - 0.1, (warm_up, rate, post)

# %% [markdown]
# Why is post-norm so easily upset? Xiong et al. ([2020](https://arxiv.org/abs/2002.04745)) computed the gradients of
# *fresh* stacks. With post-norm, the gradient of the weights of the last block is as large in a deep stack as in a shallow
# one; with pre-norm it falls as the stack gets deeper, like 1/√(number of blocks), since each part is a smaller share
# of the sum. So a deep post-norm stack takes large first steps near its output. They conclude that this is why
# post-norm needs a warm-up, and show that pre-norm does without. Ours go the same way, level with
# post-norm and falling with pre-norm, though somewhat more slowly than that:


# %%
def last_gradient(shortcut, n_blocks, seed):
    """The size of the gradient of the last feed-forward of a fresh stack."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        blocks = [EncoderBlock(32, 4, 128, shortcut=shortcut) for _ in range(n_blocks)]
        x, upstream = torch.randn(2, 4, 16, 32)
    stack = Encoder(blocks, None if shortcut is PostNorm else LayerNorm(32))
    (stack(x, causal_mask(16)) * upstream).sum().backward()
    return blocks[-1].feed_forward.narrow.weight.grad.norm().item()


print("blocks      6   24   64")
for shortcut in (PostNorm, PreNorm):
    sizes = [
        sum(last_gradient(shortcut, n, seed) for seed in range(3)) / 3
        for n in (6, 24, 64)
    ]
    print(f"{shortcut.__name__:9}", *(f"{size:4.0f}" for size in sizes))
    assert (
        sizes[2] > 0.75 * sizes[0]
        if shortcut is PostNorm
        else sizes[2] < 0.7 * sizes[0]
    )

# %% [markdown]
# But this cannot be the whole story: Adam divides each gradient by its own usual size, so a large gradient alone does
# not make a large step. Liu et al. ([2020](https://arxiv.org/abs/2004.08249)) point at something else: in a post-norm
# stack the *output* moves more when the weights move, as each norm makes room for what the newest part says, at the
# cost of the stream. This is still discussed. What we have measured ourselves is this: without a warm-up, our
# 24 post-norm blocks needed a lower rate than pre-norm, over 100 steps.
#
# A before and an after that can be read: the same 100 steps, what do the three models write?


# %%
@torch.no_grad()
def write(model, length, generator):
    written = [number[character] for character in "The "]
    for _ in range(length):
        chances = (model(torch.tensor([written[-32:]]))[0, -1] / 0.7).softmax(dim=-1)
        written.append(torch.multinomial(chances, 1, generator=generator).item())
    return "".join(characters[i] for i in written).replace("\n", " ")


# %% tags=["training"]
for name, (model, _) in runs.items():
    print(f"{name:18}", write(model, 60, torch.Generator().manual_seed(3)))

# %% [markdown]
# None can write after 100 steps. The two that learn have begun to find out which letters follow which; the stuck one
# throws letters, the frequent ones more often.
#
# ## What breaks
# Keep the shortcut and take the *norm* away. Above, with PyTorch's scale, feed-forward layers without a norm were
# harmless: the gradient grew about sixfold over 64 of them. With attention inside it is another matter: larger vectors
# give larger values, larger scores and sharper weights, in every block again.


# %%
class NoNorm(nn.Module):
    def __init__(self, d_model, dropout=0.0):
        super().__init__()

    def forward(self, x, part):
        return x + part(x)


def gradient_through(shortcut, seed, n_blocks=64):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        stack = Encoder(
            [EncoderBlock(32, 4, 128, shortcut=shortcut) for _ in range(n_blocks)]
        )
        x, upstream = torch.randn(2, 4, 16, 32)
    x.requires_grad_()
    return (
        torch.autograd.grad(stack(x), x, upstream)[0].norm() / upstream.norm()
    ).item()


# %% jupyter={"source_hidden": true}
assert all(gradient_through(NoNorm, seed) > 1000 for seed in range(3))
assert all(0.1 < gradient_through(PreNorm, seed) < 10 for seed in range(3))

# %% [markdown]
# Through 64 fresh blocks the gradient grows more than a thousandfold; with pre-norm it stays within a factor of 10
# (three seeds).
#
# Take the *shortcut* away and keep the norm, part(norm(x)): at the rate 0.001, where post-norm learns, 24 blocks stay
# at the line of the frequencies (recorded as well; the only rate that we tried).
#
# And the most frequent slip of all: forgetting `eval()`. Then dropout goes on dropping, and the same question gets a
# new answer each time.

# %% jupyter={"source_hidden": true}
assert ends["no shortcut", 1, 0.001] > frequencies - 0.1

# %%
block, x = EncoderBlock(12, 3, 17, dropout=0.1), torch.randn(2, 5, 12)
assert not torch.equal(block(x), block(x))
assert torch.equal(block.eval()(x), block(x))

# %% [markdown]
# ## In other words
# - **Residual connection** (shortcut, *skip connection*): x + F(x); the part F learns only what is to be added, the
#   residual.
# - **Residual stream**: x on its way from the embeddings to the output, as the sum of all that the parts have added (xₗ
#   or hₗ in papers, l for the layer; in code `hidden_states`).
# - **Block**, **layer**: attention and feed-forward with their norms and shortcuts; **N** (or L) of them are
#   **stacked**. A **sublayer** is one part with its shortcut.
# - **Vanishing** and **exploding gradients**: a product of many slopes below or above 1.
# - **He initialisation** (*Kaiming*): fresh weights with variance 2/d_in after a ReLU, so that sizes are kept.
# - **Layer normalisation** (LN): mean 0 and variance 1 for each vector, then γ (gain) and β (bias). **Batch
#   normalisation** (BN): for each number, over the batch.
# - **Pre-norm** (Pre-LN): x + F(LN(x)). **Post-norm** (Post-LN): LN(x + F(x)).
# - **Dropout** (rate p, *P_drop* in the paper): numbers set to 0 in training; **inverted dropout** divides the others
#   by 1 − p.
# - **Feed-forward network** (FFN, MLP): W₁, W₂, width d_ff; **activation**: ReLU, GELU.
# - **Cross-attention** (encoder-decoder attention): queries from the decoder, keys and values from the **memory**, the
#   encoder's output.
# - **Warm-up**: a learning rate that grows from near 0 at the beginning. **Weight tying**: one table for embeddings and
#   output.
#
# ## Where it comes from
# - The shortcut: adding instead of replacing keeps gradients alive over time in the LSTM's cell (notebook 01;
#   Hochreiter and Schmidhuber 1997). Highway networks (Srivastava et al. [2015](https://arxiv.org/abs/1505.00387)) did
#   it through depth, with gates; He et al. ([2015](https://arxiv.org/abs/1512.03385)) left the gates out and won the
#   ImageNet competition of that year with 152 layers. In [2016](https://arxiv.org/abs/1603.05027) they moved norm and
#   activation into the part, which is pre-norm before there were Transformers, and trained 1,001 layers.
# - The scale of fresh weights: Glorot and Bengio [2010](https://proceedings.mlr.press/v9/glorot10a.html); with ReLU, He
#   et al. [2015](https://arxiv.org/abs/1502.01852), who trained 30 plain layers that did not start with the older rule.
# - LayerNorm: Ba et al. [2016](https://arxiv.org/abs/1607.06450), for recurrent networks, where batch normalisation is
#   hard to use. Dropout: Srivastava et al. [2014](https://jmlr.org/papers/v15/srivastava14a.html).
# - The block: Vaswani et al. [2017](https://arxiv.org/abs/1706.03762), section 3; the base model took 12 hours on 8
#   GPUs, and its learning rate was warmed up over 4,000 steps.
# - The place of the norm: Wang et al. [2019](https://arxiv.org/abs/1906.01787) trained encoders of 30 layers with
#   pre-norm, 0.4 to 2.4 BLEU better than those of 6; Xiong et al. [2020](https://arxiv.org/abs/2002.04745) gave a
#   reason. It is no law that pre-norm is better: Takase et al. [2022](https://arxiv.org/abs/2206.00330) found post-norm
#   better in shallow models of up to six layers. With the stream scaled up before it is normed, Wang et al.
#   [2022](https://arxiv.org/abs/2203.00555) trained post-norm models of 1,000 layers.
# - Since then: RMSNorm instead of LayerNorm, a gate in the feed-forward (both in notebook 14), and in some models a
#   norm before *and* after each part, such as Gemma 2 ([2024](https://arxiv.org/abs/2408.00118)). The residual stream
#   has not changed.
#
# ## What to remember
# - A block looks (attention), then thinks (feed-forward), each as x + part(norm(x)). A decoder block looks twice; in
#   cross-attention the queries are its own, keys and values the encoder's.
# - The stream is a sum: shortcuts let gradients through whatever the parts do, norms keep sizes in bounds. In our
#   measurements a stack without one of the two failed or exploded; a good scale of fresh weights alone helps only at the beginning.
# - Compare at more than one learning rate: deep post-norm looked hopeless at one, and learned at another.
#
# **Next**: [08 Tokens](08_tokens.ipynb), what goes into all this.
