# %% [markdown]
# # 7 · The Transformer block
# After this notebook you can build the blocks that a Transformer is stacked from, say what each part is for, and count
# every parameter of the paper's model.
#
# You need: notebooks 05 and 06. You build: norm, dropout, feed-forward, shortcut, encoder and decoder block. 90 minutes.

# %%
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from lib.corpora.stories import load_stories
from lib.figures import style
from lib.layers import PostNorm
from lib.transformer import Decoder, Encoder
from lib.yours import MultiHeadAttention, causal_mask, future_leak, sinusoidal_positions

style()

# %% [markdown]
# ## The question
# One attention looks once. To find *who* the *it* of a sentence is, then *what happened* to that, takes several looks:
# the paper stacks 6 blocks, GPT-3 stacks 96. How does anything get through 96 blocks, and how do gradients get back?

# %% [markdown]
# ## By hand
# Three layers in a row; each passes on a tenth of what goes in. What arrives? And if each *adds* its tenth to what came in?
#
# | | layer 1 | layer 2 | layer 3 |
# |---|---|---|---|
# | 0.1 × x | 0.1 | 0.01 | **0.001** |
# | x + 0.1 × x | 1.1 | 1.21 | **1.331** |
#
# The second row has a **shortcut** (residual connection, He et al. 2015): even where a layer does nothing, all of x passes.
#
# ## The picture
# The same with real layers, two matrices and a ReLU each, and the gradient that travels back through 1 to 64 of them.
# Wired in four ways; `norm` brings each vector to one size, which is the next exercise.


# %%
def norm(x):
    return functional.layer_norm(x, x.shape[-1:])


wirings = {
    "part(x)": lambda part, x: part(x),
    "part(norm(x))": lambda part, x: part(norm(x)),
    "x + part(x)": lambda part, x: x + part(x),
    "x + part(norm(x))": lambda part, x: x + part(norm(x)),
}


# %%
def arriving(wire, depth, seed):
    """The share of the gradient that arrives at the bottom of `depth` layers with fresh
    weights.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = [
            nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 32))
            for _ in range(depth)
        ]
        x, upstream = torch.randn(64, 32, requires_grad=True), torch.randn(64, 32)
    y = x
    for part in parts:
        y = wire(part, y)
    return torch.autograd.grad(y, x, upstream)[0].norm() / upstream.norm()


# %% [markdown]
# > **Predict.** How much of the gradient arrives through 64 layers without a shortcut?

# %%
depths = [1, 2, 4, 8, 16, 32, 64]
arrived = {
    name: torch.tensor(
        [[arriving(wire, depth, seed) for depth in depths] for seed in range(3)]
    )
    for name, wire in wirings.items()
}
figure, axes = plt.subplots(figsize=(6, 3.8))
for (name, shares), line in zip(arrived.items(), ("-", "--", "-.", ":"), strict=True):
    axes.loglog(
        depths,
        shares.mean(dim=0).clamp(min=1e-30),
        line,
        marker="o",
        label=name,
        base=2,
    )
axes.set_yscale("log", base=10)
axes.set(
    xlabel="layers",
    ylabel="share of the gradient that arrives",
    ylim=(1e-24, 1e3),
    xticks=depths,
)
axes.set_xticklabels(depths)
axes.legend(loc="lower left")
plt.show()

# %%
bare, normed, added, both = arrived.values()  # (seed, depth) each
assert bare[:, 0].max() < 0.25 and bare[:, 5].max() < 1e-20
assert (bare[:, 6] == 0).all()  # too small for a float32
assert normed[:, 6].max() < 0.1
assert (
    (added > 0.9).all()
    and (both > 0.9).all()
    and added[:, 6].min() > 2 * both[:, 6].max()
)

# %% [markdown]
# Read it from left to right. Bare layers pass on less than a quarter each, and after 64 of them the gradient is 0.0, exactly: it has
# left the range of the numbers. A norm alone slows the loss. With a shortcut all of it arrives, but the stack swells;
# with both it stays nearer to 1.
#
# ## In code
# A norm on two numbers: the vector (1, 3) has mean 2 and variance ((1−2)² + (3−2)²)/2 = 1, so it becomes (−1, 1).
# (0, 20) has mean 10, variance 100, and becomes the same (−1, 1): size is gone, shape stays.

# %%
for vector in (torch.tensor([1.0, 3.0]), torch.tensor([0.0, 20.0])):
    centred = vector - vector.mean()
    normed = centred / centred.square().mean().sqrt()
    assert torch.allclose(normed, torch.tensor([-1.0, 1.0]))

# %% [markdown]
# ## Exercise 7.1 · LayerNorm
# `forward`: every vector (the last axis of x) to mean 0 and variance 1, then times `scale` plus `shift`, which are learned.
# Divide by √(variance + epsilon); the variance is the mean of the squares. Like every layer of this notebook it is going to
# be trained: gradients reach x (through mean and variance too) and the parameters. Difficulty ●●○ · 8 minutes.
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
        `shift`, not NaN.

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
# Equal to PyTorch's. Each position is normalised by itself, so a longer sentence or another one in the batch changes
# nothing. `RMSNorm` in `lib.layers` leaves out mean and shift: Llama and T5 use that.
#
# ## Exercise 7.2 · dropout
# While training, set each number to 0 with probability `p`, each by its own luck, and divide the others by 1 − p, so that the
# mean stays. When not training, x as it is. Any shape. Difficulty ●○○ · 5 minutes.
#
# <details><summary>Where does the luck come from?</summary><code>torch.rand_like(x)</code>: for each number one from 0 to
# 1, which is below p with probability p.</details>


# %% exercise="dropout" difficulty=1 minutes=5
def dropout(x, p, training=True):
    """Set each number to 0 with probability p and divide the others by 1 - p
    (Srivastava et al. 2014).

    x: any shape    0 <= p < 1    Returns x's shape; x as it is when not training.
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
# Noise in training, so that no part relies on any one number. On average nothing changes:

# %%
x = torch.ones(40_000)
noisy = dropout(x, 0.25)
assert set(noisy.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
assert abs(noisy.mean() - 1) < 0.02 and abs((noisy == 0).float().mean() - 0.25) < 0.02

# %% [markdown]
# From here on `nn.Dropout` does it: the same, with the switch built in (`model.train()`, `model.eval()`).
#
# ## Time to think: the feed-forward
# Attention mixes vectors, but each mix is only a weighted sum. Between two looks every position works on what it found,
# by itself: widen (512 to 2048 in the paper), bend, narrow.
#
# > **Predict.** Why bend? What can two matrices in a row do that one cannot?

# %%
first, second = (
    torch.randn(5, 20, generator=generator),
    torch.randn(20, 5, generator=generator),
)
x = torch.randn(3, 5, generator=generator)
assert torch.allclose(x @ first @ second, x @ (first @ second), atol=1e-4)
print("nothing: their product is one matrix")

# %% [markdown]
# The paper bends with ReLU, GPT and BERT with GELU: x times the probability that a normal random number is below x.

# %%
places = torch.linspace(-4, 4, 161)
below = torch.distributions.Normal(0, 1).cdf(places)
assert torch.allclose(functional.gelu(places), places * below, atol=1e-6)
figure, axes = plt.subplots()
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

# %% [markdown]
# ## Exercise 7.3 · FeedForward
# `widen`: an `nn.Linear` from d_model to d_ff; `narrow`: one back. `forward`: widen, `activation`, dropout (in training
# only), narrow. The same at each position, x (..., d_model). Difficulty ●○○ · 6 minutes.
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
# ## The shortcut, and two places for the norm
# The paper of 2017 normalises the sum (**post-norm**). GPT-2 and nearly all later models normalise what goes into the part
# (**pre-norm**): then x itself runs from bottom to top untouched.
#
#     post-norm:   x ──┬── part ── dropout ──(+)── norm ──▶        norm(x + part(x))
#                      └─────────────────────┘
#     pre-norm:    x ──┬── norm ── part ── dropout ──(+)──▶        x + part(norm(x))
#                      └─────────────────────────────┘
#
# `PostNorm` is in `lib.layers`; the other one is yours.

# %% [markdown]
# ## Exercise 7.4 · PreNorm
# `forward(x, part)`: x + dropout(part(norm(x))), with `self.norm` and `self.dropout`. `part` is any function from
# (..., d_model) to the same shape, such as an attention; call it once. Difficulty ●○○ · 3 minutes.
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

# %% [markdown]
# ## Exercise 7.5 · EncoderBlock
# The parts are given. `forward`: self-attention, then feed-forward, each inside its own shortcut, whichever `shortcut` was
# asked for. Only the attention needs the mask. x (batch, position, d_model). Difficulty ●●○ · 8 minutes.
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
# ## Exercise 7.6 · DecoderBlock
# The writer's block has three parts: it looks back (`self_attention`, `mask`), looks at the `memory` that the encoder made
# (`cross_attention`, `memory_mask`), and thinks. Write both methods; names as in the docstring. Difficulty ●●● · 15 minutes.
#
# <details><summary>Which names?</summary>The parts are <code>self_attention</code>, <code>cross_attention</code>,
# <code>feed_forward</code>; the shortcuts <code>around_</code> and the part's name.</details>
# <details><summary>Who asks whom in cross-attention?</summary>The queries come from y, keys and values from the memory:
# <code>self.cross_attention(y, memory, memory_mask)</code>.</details>
# <details><summary>Is the memory normalised here?</summary>No. Only x is.</details>


# %% exercise="DecoderBlock" difficulty=3 minutes=15
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
        ### BEGIN SOLUTION
        self.self_attention = MultiHeadAttention(d_model, n_heads, bias)
        self.cross_attention = MultiHeadAttention(d_model, n_heads, bias)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.around_self_attention = shortcut(d_model, dropout)
        self.around_cross_attention = shortcut(d_model, dropout)
        self.around_feed_forward = shortcut(d_model, dropout)
        ### END SOLUTION

    def forward(self, x, memory, mask=None, memory_mask=None):
        """x: (batch, position, d_model)
        memory: (batch, key, d_model)
        Returns x's shape.

        mask: broadcastable to (batch, heads, position, position)
        memory_mask: to (batch, heads, position, key)
        Gradients reach x and memory.
        """
        ### BEGIN SOLUTION
        x = self.around_self_attention(x, lambda y: self.self_attention(y, mask=mask))
        x = self.around_cross_attention(
            x, lambda y: self.cross_attention(y, memory, memory_mask)
        )
        return self.around_feed_forward(x, self.feed_forward)
        ### END SOLUTION


# %% check="DecoderBlock"
from lib.checks import check

DecoderBlock = check("DecoderBlock")

# %% [markdown]
# Four words are written, seven were read. The future cannot change the past; every word read can change every word written:

# %%
block = DecoderBlock(12, 3, 17)
written, read = (
    torch.randn(2, 4, 12, generator=generator),
    torch.randn(2, 7, 12, generator=generator),
)
assert future_leak(lambda x: block(x, read, causal_mask(4)), written) == 0.0
assert future_leak(lambda x: block(x, read), written) > 0  # without the mask it leaks

read.requires_grad_()
for position in range(4):
    gradient = torch.autograd.grad(
        block(written, read, causal_mask(4))[0, position].square().sum(), read
    )[0]
    assert (gradient[0].norm(dim=-1) > 0).all()

# %% [markdown]
# ## Exercise 7.7 · parameter_counts
# The paper's model, from its sizes: a dict of `"embedding"` (vocab × d_model, used three times, counted once),
# `"encoder"`, `"decoder"` (n_blocks each). Attention without biases, feed-forward with; a norm has scale and shift.
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
# The base model: d_model 512, d_ff 2048, 6 blocks, about 37,000 tokens. Build it from your blocks, without memory
# (`meta`), and count:


# %%
def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


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
# Two thirds of an encoder block are the feed-forward.

# %% jupyter={"source_hidden": true}
assert sum(base.values()) == 63_045_632
assert 6 * 4 * 512 + 6 * 2 * 4 * 512 == 36_864
assert 40_700 < (65_000_000 - base["encoder"] - base["decoder"]) / 512 < 40_900
assert (
    abs(count(FeedForward(512, 2048)) / count(EncoderBlock(512, 8, 2048)) - 2 / 3)
    < 0.001
)

# %% [markdown]
# ## On real text
# Norm before or after? Stack 24 of your encoder blocks with a causal mask, and learn to predict the next character of the
# stories. A stack of pre-norm blocks gets one more norm at its end.

# %%
text = "\n\n".join(load_stories())[:2_000_000]
characters = sorted(set(text))
number = {character: i for i, character in enumerate(characters)}
ids = torch.tensor([number[character] for character in text])


class NoShortcut(nn.Module):
    def __init__(self, d_model, dropout=0.0):
        super().__init__()
        self.norm = LayerNorm(d_model)

    def forward(self, x, part):
        return part(self.norm(x))


# %%
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


# %%
def train(shortcut, seed, warm_up=1, steps=100):
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # for the weights
        model = DeepReader(shortcut)
    optimiser, losses = torch.optim.Adam(model.parameters()), []
    for step in range(steps):
        batch = ids[
            torch.randint(len(ids) - 32, (16, 1), generator=generator)
            + torch.arange(33)
        ]
        loss = functional.cross_entropy(
            model(batch[:, :-1]).transpose(1, 2), batch[:, 1:]
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = 3e-3 * min(1, (step + 1) / warm_up)
        optimiser.step()
        losses.append(loss.item())
    return model, torch.tensor(losses)


# %% [markdown]
# > **Predict.** Three seeds each: pre-norm; post-norm; post-norm with a learning rate that grows over the first 50 steps
# > (**warm-up**); no shortcut. Which of them learn?

# %% tags=["training"]
torch.set_num_threads(1)  # models this small gain nothing from a second thread
started = time.time()
ways = {
    "pre-norm": (PreNorm, 1),
    "post-norm": (PostNorm, 1),
    "post-norm, warm-up": (PostNorm, 50),
    "norm, no shortcut": (NoShortcut, 1),
}
runs = {
    name: [train(shortcut, seed, warm_up) for seed in range(3)]
    for name, (shortcut, warm_up) in ways.items()
}
curves = {
    name: torch.stack([losses for _, losses in three]) for name, three in runs.items()
}
print(f"12 models in {time.time() - started:.0f} s")
for name, curve in curves.items():
    last = curve[:, 80:].mean(dim=1)
    print(
        f"{name:20} last 20 steps: "
        f"{last.min():.2f} to {last.max():.2f} nats a character"
    )

# %% tags=["training"]
share = torch.bincount(ids) / len(ids)
# what knowing how frequent each character is, and no more, costs
frequencies = -(share * share.log()).sum()
figure, axes = plt.subplots(figsize=(6, 3.8))
for (name, curve), line in zip(curves.items(), ("-", "--", "-.", ":"), strict=True):
    axes.plot(
        torch.arange(4.5, 100, 5),
        curve.mean(dim=0).view(20, 5).mean(dim=1),
        line,
        label=name,
    )
axes.axhline(frequencies, color="grey", lw=1)
axes.text(74, frequencies + 0.04, "frequencies only", color="grey")
axes.set(xlabel="step", ylabel="loss in nats a character", ylim=(2.3, 4.5))
axes.legend()
plt.show()

# %% [markdown]
# Each line is the mean of three seeds; post-norm and no shortcut lie on each other. Pre-norm learns at once. Post-norm, 24
# blocks deep, learns only how frequent each character is **at this learning rate** (0.003), unless it is warmed up; lower
# rates were not tried here. The paper of 2017 trains with a warm-up too. Xiong et al.
# [2020](https://arxiv.org/abs/2002.04745) say why: in a fresh post-norm stack the gradients are large near the output, so
# that the first large steps do harm; in a pre-norm stack they are not.

# %%
last = {name: curve[:, 80:].mean(dim=1) for name, curve in curves.items()}  # (seed,)
assert last["pre-norm"].max() < 2.65
assert last["pre-norm"].max() < last["post-norm, warm-up"].min()
assert last["post-norm, warm-up"].max() < last["post-norm"].min()
for stuck in ("post-norm", "norm, no shortcut"):
    assert (last[stuck] - frequencies).abs().max() < 0.12

# %% [markdown]
# A before and an after that can be read: the same 100 steps, what do they write?


# %%
@torch.no_grad()
def write(model, length, generator):
    written = [number[character] for character in "The "]
    for _ in range(length):
        chances = (model(torch.tensor([written[-32:]]))[0, -1] / 0.7).softmax(dim=-1)
        written.append(torch.multinomial(chances, 1, generator=generator).item())
    return "".join(characters[i] for i in written).replace("\n", " ")


# %% tags=["training"]
for name, three in runs.items():
    print(f"{name:20}", write(three[0][0], 60, torch.Generator().manual_seed(3)))

# %% [markdown]
# None can write after 100 steps. But pre-norm has begun to find out which letters follow which, and the stuck ones throw
# letters, the frequent ones more often.
#
# ## What breaks
# Keep the shortcut and take the *norm* away. With attention inside, sizes feed on themselves: larger vectors, sharper
# weights, larger gradients.


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
        x, upstream = torch.randn(4, 16, 32, requires_grad=True), torch.randn(4, 16, 32)
    return (
        torch.autograd.grad(stack(x), x, upstream)[0].norm() / upstream.norm()
    ).item()


# %% jupyter={"source_hidden": true}
assert all(gradient_through(NoNorm, seed) > 1000 for seed in range(3))
assert all(0.1 < gradient_through(PreNorm, seed) < 10 for seed in range(3))

# %% [markdown]
# Through 64 blocks the gradient grows more than a thousandfold; with the norm it stays within a factor of 10.
#
# And the most frequent slip of all: forgetting `eval()`. Then dropout goes on dropping, and the same question gets a new
# answer each time.

# %%
block = EncoderBlock(12, 3, 17, dropout=0.1)
assert not torch.equal(block(x), block(x))
assert torch.equal(block.eval()(x), block(x))

# %% [markdown]
# ## What to remember
# - A block is: look (attention), then think (feed-forward), each as x + part(norm(x)). A decoder block looks twice.
# - Shortcuts let gradients through, norms keep sizes. At high rates deep post-norm stacks need a
#   warm-up; pre-norm stacks start at once.
# - The base model has 63,045,632 parameters by its own sizes; two thirds of an encoder block are feed-forward.
#
# **Next**: [08 Tokens](08_tokens.ipynb), what goes into all this.
