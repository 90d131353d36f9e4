# %% [markdown]
# # 1 · RNN limits
# After this notebook you can build an RNN and an LSTM from tensors, and show with numbers what they forget, and why.
#
# You need: matrix products, what a gradient is. You build: both networks, their loss, two measurements. 90 minutes.

# %%
import math
import random
import re
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from lib.corpora.stories import NAMES, load_stories
from lib.figures import heatmap, style
from lib.recurrent import CharacterModel, continue_text

style()

# %% [markdown]
# ## The question
# Read this story one letter at a time, and imagine that each letter disappears behind you. To go on writing you need names
# that you read long before.

# %%
stories = load_stories()
print(stories[1])

# %%
any_name = re.compile(rf"\b({'|'.join(NAMES)})\b")
gaps = []
for story in stories[:300]:
    last = {}
    for found in any_name.finditer(story):
        if found[0] in last:
            gaps.append(found.start() - last[found[0]])
        last[found[0]] = found.end()
gaps.sort()
print(
    "characters from one mention of a name to the next, median:", gaps[len(gaps) // 2]
)
assert gaps[len(gaps) // 2] > 100

# %% [markdown]
# Half of the time a name returns only after more than 100 characters. A recurrent network reads one character at a time
# and keeps a fixed row of numbers, its **state**. Does the name survive in there?
#
# ## By hand
# The smallest memory: one number. At each step, halve it, then add the new symbol. Two texts differ in their first
# symbol only:
#
# | text | after symbol 1 | after symbol 2 | after symbol 3 |
# |---|---|---|---|
# | 1, 0, 0 | 0.5 × 0 + 1 = **1** | 0.5 × 1 + 0 = **0.5** | 0.5 × 0.5 + 0 = **0.25** |
# | 0, 0, 0 | **0** | **0** | **0** |
#
# Each step halves the difference. After ten more it is below 0.001: the first symbol is as good as gone.
#
# ## The picture

# %%
text = "Hazel␣had"
figure, axes = plt.subplots(figsize=(6, 2.1))
for position, character in enumerate(text):
    share = 0.5**position
    axes.scatter(
        position, 0, s=700, color=plt.cm.cividis(share), edgecolors="black", zorder=2
    )
    axes.text(
        position,
        0,
        f"{share:.2g}",
        ha="center",
        va="center",
        size=7,
        color="black" if share > 0.5 else "white",
    )
    axes.annotate(
        "", (position, -0.45), (position, -1), arrowprops={"arrowstyle": "->"}
    )
    axes.text(position, -1.3, character, ha="center", size=12)
    if position:
        axes.annotate(
            "",
            (position - 0.3, 0),
            (position - 0.7, 0),
            arrowprops={"arrowstyle": "->"},
        )
axes.set(
    xlim=(-0.6, len(text) - 0.4),
    ylim=(-1.5, 0.6),
    title="The only way from 'H' to the end leads through every state",
)
axes.axis("off")
plt.show()

# %% [markdown]
# A circle is the state after a character; the number in it is what is left of *H* when every step halves. Nothing looks
# back at the text. What the state loses is lost.
#
# ## In code

# %%
state = 0.0
history = []
for symbol in [1, 0, 0]:
    state = 0.5 * state + symbol
    history.append(state)
print(history)
assert history == [1, 0.5, 0.25]
assert 0.5**10 < 0.001

# %% [markdown]
# A real RNN keeps many numbers, mixes them with a matrix instead of halving them, and squashes the sum with tanh, so that
# it stays between -1 and 1.
#
# ## Exercise 1.1 · rnn_step
# Compute the state after one more symbol: tanh(inputs W_input + hidden W_hidden + bias). From `inputs` (..., d_in) and
# `hidden` (..., d_hidden) to the new state (..., d_hidden). The network will learn through this step, so gradients must flow
# back to all five arguments. Difficulty ●○○ · 4 minutes.
#
# <details><summary>mat1 and mat2 shapes cannot be multiplied</summary>The weights stand on the right and are not
# transposed: <code>inputs @ w_input</code>.</details>
# <details><summary>My numbers grow beyond 1</summary>One <code>torch.tanh</code> goes around the whole sum, bias
# included.</details>


# %% exercise="rnn_step" difficulty=1 minutes=4
def rnn_step(inputs, hidden, w_input, w_hidden, bias):
    """The state after one more symbol.

    inputs: (..., d_in)    hidden: (..., d_hidden), the state before
    w_input: (d_in, d_hidden)    w_hidden: (d_hidden, d_hidden)    bias: (d_hidden,)
    Returns the new state (..., d_hidden). Gradients flow back to everything that goes
    in.
    """
    ### BEGIN SOLUTION
    return torch.tanh(inputs @ w_input + hidden @ w_hidden + bias)
    ### END SOLUTION


# %% check="rnn_step"
from lib.checks import check

rnn_step = check("rnn_step")

# %% [markdown]
# ## Exercise 1.2 · run_rnn
# Unroll it: call `rnn_step` for position 0, 1, 2 ... and keep every state. From `inputs` (batch, position, d_in) and the
# state at the start (batch, d_hidden) to all states (batch, position, d_hidden). Gradients must flow back through every
# step. Difficulty ●○○ · 6 minutes.
#
# <details><summary>How do I get one position of all sequences?</summary><code>inputs[:, position]</code> has shape
# (batch, d_in).</details>
# <details><summary>My axes are in the wrong order</summary><code>torch.stack(states, dim=1)</code> makes the position axis
# the second one.</details>


# %% exercise="run_rnn" difficulty=1 minutes=6
def run_rnn(inputs, hidden, w_input, w_hidden, bias):
    """Read a whole sequence, one step after the other.

    inputs: (batch, position, d_in), at least one position
    hidden: (batch, d_hidden), the state at the start
    Returns the state after each symbol (batch, position, d_hidden). Gradients flow back
    to everything that goes in.
    """
    states = []
    ### BEGIN SOLUTION
    for position in range(inputs.shape[1]):
        hidden = rnn_step(inputs[:, position], hidden, w_input, w_hidden, bias)
        states.append(hidden)
    return torch.stack(states, dim=1)
    ### END SOLUTION


# %% check="run_rnn"
from lib.checks import check

run_rnn = check("run_rnn")

# %% [markdown]
# The same network as in `lib.recurrent`, but around *your* `run_rnn`. Its weights start at random, within
# 1/√d_hidden, as PyTorch's do.


# %%
class RNN(nn.Module):
    def __init__(self, d_in, d_hidden, generator=None):
        super().__init__()
        self.d_hidden = d_hidden
        bound = 1 / math.sqrt(d_hidden)
        self.w_input = nn.Parameter(
            torch.empty(d_in, d_hidden).uniform_(-bound, bound, generator=generator)
        )
        self.w_hidden = nn.Parameter(
            torch.empty(d_hidden, d_hidden).uniform_(-bound, bound, generator=generator)
        )
        self.bias = nn.Parameter(torch.zeros(d_hidden))

    def forward(self, inputs, hidden=None):
        if hidden is None:
            hidden = inputs.new_zeros(inputs.shape[0], self.d_hidden)
        states = run_rnn(inputs, hidden, self.w_input, self.w_hidden, self.bias)
        return states, states[:, -1]


# %% [markdown]
# Characters become numbers, numbers become rows with a single 1 (*one-hot*). Multiplying such a row by `w_input` picks one
# row of it: what this character adds to the state.

# %%
characters = sorted(set("\n".join(stories)))
ids_of = {character: i for i, character in enumerate(characters)}


def encode(text):
    return torch.tensor([ids_of[character] for character in text])


train_ids, held_out = encode("\n".join(stories[:-300])), stories[-300:]
core = RNN(len(characters), 8, torch.Generator().manual_seed(0))
# (position, vocab)
one_hot = functional.one_hot(encode("Hazel had"), len(characters)).float()
assert torch.equal(one_hot[0] @ core.w_input, core.w_input[ids_of["H"]])
states, last = core(one_hot[None])
figure = heatmap(
    states[0].detach().T,
    [str(i) for i in range(8)],
    list(text),
    limits=(-1, 1),
    signed=True,
)
figure.axes[0].set(xlabel="character read", ylabel="number in the state")
plt.show()

# %% [markdown]
# Read it from left to right: each column is the state of 8 numbers after one character of *Hazel had*. Red is positive,
# blue negative.
#
# A language model turns each state into a score (a **logit**) for every character that could come next.
#
# ## Exercise 1.3 · next_character_loss
# How surprised is the model, on average? From `logits` (batch, position, vocab) and `ids` (batch, position) to one number:
# the mean of -log p(next character), with the natural logarithm, so in **nats**. The logits at position t predict the
# character at t + 1. Training follows the gradient of this number for the logits. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Which logits meet which ids?</summary>All logits except the last position's, all ids except the first
# position's.</details>
# <details><summary>How do I pick one number of each row?</summary><code>table.gather(-1, ids[..., None])</code> picks along
# the last axis.</details>
# <details><summary>I get inf or nan</summary><code>log_softmax</code> does both steps at once and cannot overflow.</details>


# %% exercise="next_character_loss" difficulty=2 minutes=8
def next_character_loss(logits, ids):
    """The mean surprise, in nats: the logits at each position predict the character at
    the next position.

    logits: (batch, position, vocab), of any size
    ids: (batch, position), integers, at least 2 positions
    Returns one number, a 0-d tensor. Gradients flow back to the logits.
    """
    ### BEGIN SOLUTION
    log_probabilities = logits[:, :-1].log_softmax(dim=-1)
    # (batch, position - 1, 1)
    of_the_next = log_probabilities.gather(-1, ids[:, 1:, None])
    return -of_the_next.mean()
    ### END SOLUTION


# %% check="next_character_loss"
from lib.checks import check

next_character_loss = check("next_character_loss")

# %% [markdown]
# > **Predict.** A model with fresh weights has no idea. How surprised is it by the next of all these characters?

# %%
fresh = CharacterModel(
    RNN(len(characters), 128, torch.Generator().manual_seed(0)), len(characters)
)
loss = next_character_loss(
    fresh(encode(stories[1])[None])[0], encode(stories[1])[None]
).item()
print(
    f"{len(characters)} characters, so a blind guess costs log {len(characters)} = "
    f"{math.log(len(characters)):.2f} nats"
)
assert abs(loss - math.log(len(characters))) < 0.15

# %% [markdown]
# Learning has to find out which earlier character would have helped. It asks the gradient, and the gradient travels the
# same way back: through every state. How much of it arrives?
#
# ## Exercise 1.4 · gradient_by_distance
# Run `step` over all positions, then measure how the sum of the last state depends on each state before it. From `inputs`
# (batch, position, d_in) to norms (position + 1,); entry k: k steps back. It only measures: no weight that `step` uses may be
# left with a gradient in its `.grad`. Difficulty ●●○ · 10 minutes.
#
# <details><summary>How do I get a gradient for a state?</summary>Make the first one want gradients,
# <code>state.detach().requires_grad_()</code>, keep all states in a list, then
# <code>torch.autograd.grad(states[-1].sum(), states)</code>.</details>
# <details><summary>My numbers come in the opposite order</summary>The list runs forward in time; entry 0 is the last state,
# so go through the gradients in reverse.</details>


# %% exercise="gradient_by_distance" difficulty=2 minutes=10
def gradient_by_distance(step, inputs, state):
    """How strongly the last state depends on the states before it.

    step: a function (inputs (batch, d_in), state (batch, d_hidden)) -> the next state
    (batch, d_hidden)
    inputs: (batch, position, d_in), at least one position
    state: (batch, d_hidden), the state at the start
    Returns (position + 1,): entry k is the norm of the gradient of the last state's sum
    for the state k steps before it, over all numbers of the batch, from 0, the last
    state itself, to the state at the start. Leaves no gradient in the weights that
    `step` uses.
    """
    ### BEGIN SOLUTION
    states = [state.detach().requires_grad_()]
    for position in range(inputs.shape[1]):
        states.append(step(inputs[:, position], states[-1]))
    gradients = torch.autograd.grad(states[-1].sum(), states)
    return torch.stack([gradient.norm() for gradient in reversed(gradients)])
    ### END SOLUTION


# %% check="gradient_by_distance"
from lib.checks import check

gradient_by_distance = check("gradient_by_distance")

# %% [markdown]
# > **Predict.** An RNN with PyTorch's usual starting weights reads 100 random symbols. How much of the gradient reaches
# > back 50 steps: a half, a hundredth, a millionth? And if the hidden weights are 4 times as large?


# %%
def reach(step, d_state):
    """The gradient that arrives k steps back, as a share of the gradient at the end.
    (101,)
    """
    inputs = torch.randn(
        8, 100, 64, generator=torch.Generator().manual_seed(0)
    ).double()
    norms = gradient_by_distance(step, inputs, torch.zeros(8, d_state).double())
    return norms / norms[0]


def rnn_with(factor):
    w_input, w_hidden, bias = (
        p.detach()
        for p in RNN(64, 64, torch.Generator().manual_seed(1)).double().parameters()
    )
    return lambda inputs, hidden: rnn_step(
        inputs, hidden, w_input, factor * w_hidden, bias
    )


reaches = {
    f"RNN, hidden weights × {factor}": reach(rnn_with(factor), 64)
    for factor in (1, 2, 4)
}


# %%
def draw_reaches(reaches):
    _, axes = plt.subplots()
    for (label, shares), line in zip(
        reaches.items(), ("-", "--", ":", "-."), strict=False
    ):
        axes.semilogy(shares, line, label=label)
    axes.set(
        xlabel="steps back", ylabel="gradient that arrives (share)", ylim=(1e-30, 1e12)
    )
    axes.legend(loc="lower left")
    plt.show()


draw_reaches(reaches)
small, middle, large = reaches.values()
assert 1e-5 < small[10] < 1e-2
assert small[50] < 1e-15
assert middle[50] < 1e-3
assert large[50] > 100

# %% [markdown]
# From one tick to the next is a factor of 100,000 (the axis is logarithmic). With the usual weights less than a hundredth
# is left after 10 steps and less than 10⁻¹⁵ after 50: it **vanishes**. With weights 4 times as large it **explodes**.
#
# Every step back multiplies by almost the same matrix. A product of many factors either dies out or blows up.
#
# ## Exercise 1.5 · clip_gradients
# Against explosion there is a cure: shorten all gradients by one factor, so that together they are at most
# `max_norm` long. From a list or tuple of tensors to the new list and the length before. Zeros stay zeros; `max_norm` may
# be `math.inf`, no limit. Difficulty ●●○ · 6 minutes.
#
# <details><summary>What is the length of several tensors together?</summary>The root of the sum of all their squared
# numbers, as if they were one long row.</details>
# <details><summary>My zero gradients become nan</summary>The factor max_norm / norm is needed only when norm is larger than
# max_norm; otherwise it is 1.</details>


# %% exercise="clip_gradients" difficulty=2 minutes=6
def clip_gradients(gradients, max_norm):
    """Shorten all gradients by one common factor if together they are longer than
    `max_norm`.

    gradients: a list or tuple of tensors of any shapes, zeros among them
    max_norm: may be infinite
    Returns the new gradients, and the length of all of them together before, a 0-d
    tensor.
    """
    ### BEGIN SOLUTION
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = torch.clamp(max_norm / norm, max=1.0)
    return [gradient * factor for gradient in gradients], norm
    ### END SOLUTION


# %% check="clip_gradients"
from lib.checks import check

clip_gradients = check("clip_gradients")

# %% [markdown]
# A network of one weight w shows why it is needed. Its state starts at 1 and is multiplied by w 50 times; 0.5 is wanted.
# Start at w = 1.1 and take 100 steps downhill.
#
# > **Predict.** How far does the first step jump without clipping?

# %%
w = torch.linspace(0.9, 1.03, 300)
figure, axes = plt.subplots()
axes.plot(w, (w**50 - 0.5) ** 2)
axes.set(
    xlabel="w", ylabel="loss = (w⁵⁰ - 0.5)²", title="A plain, a valley, and a wall"
)
plt.show()


# %%
def descend(max_norm, steps):
    w = torch.tensor(1.1, dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        gradients = torch.autograd.grad((w**50 - 0.5) ** 2, [w])
        (gradient,), _ = clip_gradients(gradients, max_norm)
        w = (w - 0.003 * gradient).detach().requires_grad_()
    return w.item()


print(f"one step without clipping: w = {descend(math.inf, 1):,.0f}")
print(
    f"100 steps clipped to norm 1: w = {descend(1.0, 100):.3f}, "
    f"and 0.5 ** (1/50) = {0.5 ** (1 / 50):.3f}"
)
assert descend(math.inf, 1) < -1000
assert 1e6 < 2 * (1.1**50 - 0.5) * 50 * 1.1**49 < 2e6
assert abs(descend(1.0, 100) - 0.5 ** (1 / 50)) < 0.005

# %% [markdown]
# At the start, far up the wall, the gradient is about a million, and one step throws w to below -1,000. Clipped, the
# direction stays, the jump is short, and w finds the valley.
#
# Clipping does not help against vanishing: there is nothing left to lengthen. That needs another network.
#
# ## Exercise 1.6 · lstm_step
# An LSTM has a second memory, the *cell*, and gates between 0 and 1. Cut `inputs W_input + hidden W_hidden + bias` into four
# blocks i, f, g, o of width d_hidden. New cell: σ(f) · cell + σ(i) · tanh(g). New hidden: σ(o) · tanh(new cell). Gradients
# must flow back to all six arguments. Difficulty ●●○ · 10 minutes.
#
# <details><summary>How do I cut it into four?</summary><code>.chunk(4, dim=-1)</code>; σ is
# <code>torch.sigmoid</code>.</details>
# <details><summary>Which block is which?</summary>In this order: input gate i (write), forget gate f (keep), candidate g
# (what to write), output gate o (show).</details>


# %% exercise="lstm_step" difficulty=2 minutes=10
def lstm_step(inputs, hidden, cell, w_input, w_hidden, bias):
    """One step of an LSTM. The four blocks along the last axis: input gate, forget
    gate, candidate, output gate.

    inputs: (..., d_in)    hidden, cell: (..., d_hidden)
    w_input: (d_in, 4 * d_hidden)
    w_hidden: (d_hidden, 4 * d_hidden)
    bias: (4 * d_hidden,)
    Returns the new hidden state and the new cell, (..., d_hidden) each. Gradients flow
    back to everything that goes in.
    """
    ### BEGIN SOLUTION
    blocks = inputs @ w_input + hidden @ w_hidden + bias
    write, keep, candidate, show = blocks.chunk(4, dim=-1)
    cell = torch.sigmoid(keep) * cell + torch.sigmoid(write) * torch.tanh(candidate)
    return torch.sigmoid(show) * torch.tanh(cell), cell
    ### END SOLUTION


# %% check="lstm_step"
from lib.checks import check

lstm_step = check("lstm_step")

# %% [markdown]
# ## Exercise 1.7 · LSTM
# Write the class: the weights, drawn with `generator` and uniform between -1/√d_hidden and 1/√d_hidden; the bias, zero but
# for `forget_bias` in its second block; and `forward`, which runs `lstm_step` over (batch, position, d_in) and stops each
# sequence at its length. It will be trained, so gradients must flow back to the inputs and to all weights. Difficulty
# ●●● · 20 minutes.
#
# <details><summary>The forget gate's part of the bias</summary><code>bias[d_hidden : 2 * d_hidden]</code>: the second of
# four blocks.</details>
# <details><summary>How does a sequence stop?</summary>Where <code>position >= lengths</code>, keep the old hidden and cell
# (<code>torch.where</code>, with the mask as (batch, 1)) and append zeros to the states.</details>
# <details><summary>My float64 run fails</summary><code>inputs.new_zeros(...)</code> takes the type of the
# inputs.</details>


# %% exercise="LSTM" difficulty=3 minutes=20
class LSTM(nn.Module):
    """An LSTM with its own `w_input`, `w_hidden` (drawn by `generator`) and `bias`,
    shaped as `lstm_step` takes them.
    """

    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__()
        ### BEGIN SOLUTION
        self.d_hidden = d_hidden
        bound = 1 / math.sqrt(d_hidden)
        self.w_input = nn.Parameter(
            torch.empty(d_in, 4 * d_hidden).uniform_(-bound, bound, generator=generator)
        )
        self.w_hidden = nn.Parameter(
            torch.empty(d_hidden, 4 * d_hidden).uniform_(
                -bound, bound, generator=generator
            )
        )
        bias = torch.zeros(4 * d_hidden)
        bias[d_hidden : 2 * d_hidden] = forget_bias
        self.bias = nn.Parameter(bias)
        ### END SOLUTION

    def forward(self, inputs, state=None, lengths=None):
        """state: (hidden, cell) at the start; lengths: (batch,), 1 or more. Either may
        be None: zeros, no padding.

        Returns the states (batch, position, d_hidden), zero on padding, and (hidden,
        cell) where each sequence ends.
        """
        ### BEGIN SOLUTION
        hidden, cell = (
            (inputs.new_zeros(inputs.shape[0], self.d_hidden),) * 2
            if state is None
            else state
        )
        states = []
        for position in range(inputs.shape[1]):
            new_hidden, new_cell = lstm_step(
                inputs[:, position],
                hidden,
                cell,
                self.w_input,
                self.w_hidden,
                self.bias,
            )
            if lengths is None:
                hidden, cell = new_hidden, new_cell
                states.append(hidden)
            else:
                real = (position < lengths)[:, None]  # (batch, 1)
                hidden, cell = (
                    torch.where(real, new_hidden, hidden),
                    torch.where(real, new_cell, cell),
                )
                states.append(hidden * real)
        return torch.stack(states, dim=1), (hidden, cell)
        ### END SOLUTION


# %% check="LSTM"
from lib.checks import check

LSTM = check("LSTM")

# %% [markdown]
# On the direct way from cell to cell there is no matrix and no tanh, only a factor: the forget gate. A bias of 0 starts it half open
# (σ(0) = 0.5), a bias of 3 nearly fully (σ(3) = 0.95).
#
# > **Predict.** Which of the two lets the gradient through?


# %%
def lstm_with(forget_bias):
    lstm = LSTM(64, 64, forget_bias, torch.Generator().manual_seed(1)).double()
    weights = lstm.w_input.detach(), lstm.w_hidden.detach(), lstm.bias.detach()
    return lambda inputs, state: torch.cat(
        lstm_step(inputs, *state.chunk(2, dim=-1), *weights), dim=-1
    )


lstm_reaches = {
    f"LSTM, forget bias {bias}": reach(lstm_with(bias), 128) for bias in (3, 1, 0)
}
draw_reaches({"RNN": reaches["RNN, hidden weights × 1"], **lstm_reaches})
open_gates, middle_gates, half_closed = lstm_reaches.values()
assert 0.1 < open_gates[99] < 10
assert 0.95 < torch.sigmoid(torch.tensor(3.0)) < 0.96
assert 1e-12 < middle_gates[99] < 1e-6
assert half_closed[99] < 1e-18

# %% [markdown]
# *"The LSTM cures vanishing gradients"* is true only while its forget gates stay open. With a bias of 3 the gradient
# 99 steps back is as large as at the end, within a factor of 10. With a bias of 0, less than 10⁻¹⁸ of it arrives.
#
# Is that the direct way from cell to cell alone? No: a gate of σ(3) = 0.953 keeps only 0.953⁹⁹ ≈ 0.008 over 99 steps. So the
# other way back, through the hidden state and the gates, must count as well: in this fresh network what is lost on the one is
# about made up on the other.
#
# ## On real text
# Train the RNN on the course's stories: 16 pieces of 48 characters at a time, your loss, your clipping. The learning rate
# falls to zero.


# %%
def train(core, steps, learning_rate, seed=0):
    generator = torch.Generator().manual_seed(seed)
    model = CharacterModel(core, len(characters), generator)
    optimiser = torch.optim.Adam(model.parameters())
    for step in range(steps):
        starts = torch.randint(len(train_ids) - 48, (16, 1), generator=generator)
        pieces = train_ids[starts + torch.arange(48)]
        loss = next_character_loss(model(pieces)[0], pieces)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        for parameter, gradient in zip(
            model.parameters(), clip_gradients(gradients, 1.0)[0], strict=True
        ):
            parameter.grad = gradient
        optimiser.param_groups[0]["lr"] = learning_rate * min(1, 2 - 2 * step / steps)
        optimiser.step()
    return model


# %% tags=["training"]
rnn = train(
    RNN(len(characters), 128, torch.Generator().manual_seed(0)),
    steps=2000,
    learning_rate=6e-3,
)


# %%
def surprise(model):
    ids = torch.stack([encode(story[:256]) for story in held_out])
    with torch.no_grad():
        return next_character_loss(model(ids)[0], ids).item()


assert surprise(rnn) < 1.7 < 4 < surprise(fresh)

# %% [markdown]
# A character of an unseen story cost more than 4 nats before and costs less than 1.7 now. Let it write on. First the model
# with fresh weights, then the trained one, after the same beginning:

# %% tags=["training"]
beginning = held_out[0][:100]
for model in (fresh, rnn):
    print(
        beginning
        + "|"
        + continue_text(
            model, characters, beginning, 300, torch.Generator().manual_seed(1), 0.5
        ),
        "\n",
    )

# %% [markdown]
# Words, spaces, full stops, quotation marks: it learned them from 2,000 batches. But who is this story about? What is read after
# the bar has little to do with what is read before it.
#
# Measure it. Tell 150 unseen stories twice, the second time with another first name, and compare what the model expects
# *after* the name.


# %%
def retell(story, rng):
    """A story's beginning up to 100 characters after the first name, told with that
    name and with another.
    """
    first = any_name.search(story)
    others = [
        other
        for other in NAMES
        if len(other) == len(first[0]) and NAMES[other] != NAMES[first[0]]
    ]
    other = rng.choice(others)
    end = first.end() + 100
    return story[:end], story[: first.start()] + other + story[first.end() : end]


def influence(model):
    """How far apart the predictions for both tellings are, 0 (same) to 1, by distance
    from the name. (100,)
    """
    rng, curves = random.Random(0), []
    for story in held_out[:150]:
        with torch.no_grad():
            chances = model(torch.stack([encode(told) for told in retell(story, rng)]))[
                0
            ].softmax(dim=-1)
        curves.append((chances[0] - chances[1]).abs().sum(dim=-1)[-100:] / 2)
    return torch.stack(curves).mean(dim=0)


# %% [markdown]
# > **Predict.** After how many characters does the RNN no longer care whose story it reads: 10, 100, 1000? And an
# > LSTM, trained on 800 such batches?

# %% tags=["training"]
lstm = train(
    LSTM(len(characters), 128, 1.0, torch.Generator().manual_seed(0)),
    steps=800,
    learning_rate=1e-2,
)
influences = {"RNN": influence(rnn), "LSTM": influence(lstm)}
figure, axes = plt.subplots()
for (label, curve), line in zip(influences.items(), ("-", "--"), strict=True):
    axes.semilogy(range(1, 101), curve, line, label=label)
axes.set(
    xlabel="characters since the name", ylabel="influence of the name", ylim=(1e-6, 1)
)
axes.legend()
plt.show()

# %% jupyter={"source_hidden": true}
for curve in influences.values():
    assert curve[0] > 0.2
    assert curve[30] < 0.01
    assert curve[60] < 0.001

# %% [markdown]
# Directly after the name it matters much. 30 characters on, the two predictions differ by less than 0.01; 60 characters on,
# by less than 0.001. So it is for both models, also with other seeds and with pieces of 256 characters
# (`benchmarks/recurrent.py`). And names return after more than 100.
#
# So the LSTM forgets too. It *can* keep a symbol longer, as you see next. But the nearest letters help most with the next
# letter, and that is what it learns first.
#
# ## What breaks
# Was it the text, or the network? A test with nothing else to learn: 8 symbols, a random sequence, and the question at its
# end: *what was the first symbol?* How long can the sequence get?


# %%
def recall(make_core, lag, seed, steps=150):
    """Train to name the first symbol `lag` steps later; return the share of new
    sequences that come out right.
    """
    generator = torch.Generator().manual_seed(seed)
    core = make_core(generator)
    output = torch.nn.Parameter(torch.randn(64, 8, generator=generator) / 8)
    parameters = [*core.parameters(), output]
    optimiser = torch.optim.Adam(parameters, 3e-3)
    for step in range(steps + 1):
        symbols = torch.randint(
            8, (64 if step < steps else 1000, lag + 1), generator=generator
        )
        logits = core(functional.one_hot(symbols, 8).float())[0][:, -1] @ output
        gradients = torch.autograd.grad(
            functional.cross_entropy(logits, symbols[:, 0]), parameters
        )
        for parameter, gradient in zip(
            parameters, clip_gradients(gradients, 1.0)[0], strict=True
        ):
            parameter.grad = gradient
        optimiser.step()
    return (logits.argmax(dim=-1) == symbols[:, 0]).float().mean().item()


# %% tags=["training"]
cores = {
    "RNN": lambda generator: RNN(8, 64, generator),
    "LSTM, forget bias 0": lambda generator: LSTM(8, 64, 0.0, generator),
    "LSTM, forget bias 3": lambda generator: LSTM(8, 64, 3.0, generator),
}
lags = (5, 10, 20, 40)
recalled = {
    label: torch.tensor(
        [[recall(make, lag, seed) for lag in lags] for seed in range(3)]
    )
    for label, make in cores.items()
}

# %% tags=["training"]
figure, axes = plt.subplots()
for (label, shares), mark in zip(recalled.items(), ("o-", "s--", "^:"), strict=True):
    axes.plot(lags, shares.mean(dim=0), mark, label=label)
    axes.fill_between(lags, shares.amin(dim=0), shares.amax(dim=0), alpha=0.2)
axes.axhline(1 / 8, color="grey", linewidth=1)
axes.text(5, 0.145, "chance", color="grey")
axes.set(
    xlabel="steps since the first symbol",
    ylabel="recalled (share)",
    ylim=(0, 1.05),
    xticks=lags,
)
axes.legend(loc="center right")
plt.show()

# %% jupyter={"source_hidden": true}
assert all((shares[:, 0] > 0.9).all() for shares in recalled.values())
for label in ("RNN", "LSTM, forget bias 0"):
    assert (recalled[label][:, 3] < 0.3).all()
assert (recalled["LSTM, forget bias 3"][:, 2] > 0.8).all()
assert (recalled["LSTM, forget bias 3"][:, 3] > 0.4).all()

# %% [markdown]
# Lines: the mean of three trainings; shades: from the worst to the best. Five steps are easy for all. At 40 steps the RNN
# guesses, and so does the LSTM with half-closed gates. Open gates still recall more than 40%, and at 20 steps more than 80%.
# In between, the RNN depends on the luck of its seed.
#
# There is a second limit. Step 100 has to wait for step 99: an RNN needs as many **dependent steps** as there are positions.
# What does waiting cost on a CPU?
#
# > **Predict.** Three ways through 256 positions: our loop, PyTorch's own LSTM (one call, the loop inside), and one matrix
# > product for all positions at once. Order them.


# %% tags=["training"]
def seconds(batch, width=128, positions=256, repeats=7):
    """The fastest of some runs, forward and backward, of our loop, PyTorch's LSTM, and
    one product. (3,)
    """
    inputs = torch.randn(batch, positions, width)
    ours, theirs = LSTM(width, width), nn.LSTM(width, width, batch_first=True)
    ways = (
        lambda: ours(inputs)[0],
        lambda: theirs(inputs)[0],
        lambda: inputs @ ours.w_hidden,
    )
    taken = torch.full((repeats, 3), math.inf)
    for row in taken:
        for i, way in enumerate(ways):
            start = time.perf_counter()
            way().sum().backward()
            row[i] = time.perf_counter() - start
    return taken.amin(dim=0)


waits = {batch: seconds(batch) for batch in (1, 32)}

# %% jupyter={"source_hidden": true} tags=["training"]
figure, axes = plt.subplots()
for shift, (batch, taken) in zip((-0.2, 0.2), waits.items(), strict=True):
    bars = axes.bar(
        torch.arange(3) + shift,
        taken * 1000,
        0.38,
        label=f"batch of {batch}",
        hatch="/" if batch == 1 else "",
    )
    axes.bar_label(bars, fmt="%.1f")
axes.set_yscale("log")
axes.set_xticks(range(3), ["our loop", "PyTorch's LSTM", "one product"])
axes.set_ylabel("milliseconds for 256 positions")
axes.legend()
plt.show()

# %% jupyter={"source_hidden": true}
for loop, fused, product in waits.values():
    assert 1.5 * product < fused
    assert 1.5 * product < loop
assert waits[1][0] > 2 * waits[1][1]
assert waits[32][0] / waits[32][1] < waits[1][0] / waits[1][1]

# %% [markdown]
# `inputs @ w_hidden` holds the very multiplications that the LSTM spreads over 256 steps. Done at once they are faster, and
# for a batch of one our loop takes more than twice as long as PyTorch's.
#
# With 32 sequences side by side each step has work to do, and our loop comes nearer to PyTorch's. *"RNNs are slow"* is too
# simple on a CPU. That step 256 depends on step 255 stays true on every machine.
#
# ## What to remember
# - An RNN knows of the past what is in its state. Every step overwrites part of it.
# - The gradient back in time is a product of many factors: it vanishes or explodes. Clipping cures explosion. An LSTM carries
#   far only with open forget gates.
# - Steps depend on each other: 256 positions, 256 turns of waiting. Attention looks back at any distance in one step.
#
# **Next**: [2 · Bag of words and Word2Vec](02_bag_of_words_and_word2vec.ipynb): where do good input vectors come from?
