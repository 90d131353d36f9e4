# %% [markdown]
# # 1 · RNN limits
# After this notebook you can build an RNN and an LSTM from tensors, follow a gradient back through time, and show
# with numbers what these networks forget, why, and what reading in sequence costs.
#
# You need: notebook 00, matrix products, what a gradient is. You build: both networks, their loss, two
# measurements. 155 minutes, best in two sittings (the LSTM begins the second).

# %%
import json
import math
import random
import re
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from lib.corpora import files
from lib.corpora.stories import NAMES, load_stories
from lib.figures import heatmap, style, transformer_map
from lib.recurrent import CharacterModel, continue_text

style()
torch.set_num_threads(1)  # networks this small gain nothing from a second thread

# %% [markdown]
# ## The question
# Read this story one letter at a time, and imagine that each letter disappears behind you. To go on writing you
# need names that you read long before. (A program wrote the stories of this course, from a grammar with characters,
# things and events. They are simpler than what people write.)

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

# %% jupyter={"source_hidden": true}
assert gaps[len(gaps) // 2] > 100

# %% [markdown]
# Half of the time a name returns only after more than 100 characters. A network that reads one character at a time
# and cannot look back has to *carry* the name over all of them. A **recurrent neural network** (RNN) carries what
# it knows in a row of numbers of fixed size, its **hidden state**. "Hidden" means that the numbers are neither
# given nor asked for: the network itself has to find out what to keep in them. Does the name survive in there?
#
# ## By hand
# The smallest memory is one number. At each step, halve it, then add the new symbol:
#
# > hₜ = 0.5 · hₜ₋₁ + xₜ
#
# xₜ is the symbol read at step t, hₜ₋₁ the state before it and hₜ the state after it. This is called a
# **recurrence**, because each state is computed from the one before it. Two texts differ in their first symbol
# only:
#
# | text | after symbol 1 | after symbol 2 | after symbol 3 |
# |---|---|---|---|
# | 1, 0, 0 | 0.5 × 0 + 1 = **1** | 0.5 × 1 + 0 = **0.5** | 0.5 × 0.5 + 0 = **0.25** |
# | 0, 0, 0 | **0** | **0** | **0** |
#
# Each step halves the difference between the two texts. After ten more steps it is below 0.001: the first symbol is
# as good as gone.

# %%
state = 0.0
history = []
for symbol in [1, 0, 0]:
    state = 0.5 * state + symbol
    history.append(state)
print(history)

# %% jupyter={"source_hidden": true}
assert history == [1, 0.5, 0.25]
assert 0.5**10 < 0.001

# %% [markdown]
# ## The picture

# %% jupyter={"source_hidden": true}
text = "Hazel␣had"
arrow = {"arrowstyle": "->", "color": "#555555"}
figure, axes = plt.subplots(figsize=(6, 2.1))
for position, character in enumerate(text):
    share = 0.5**position
    axes.scatter(
        position, 0, s=700, color=plt.cm.cividis(share), edgecolors="black", zorder=2
    )
    ink = "black" if share > 0.5 else "white"
    axes.text(position, 0, f"{share:.2g}", ha="center", va="center", size=7, color=ink)
    axes.annotate("", (position, -0.45), (position, -1), arrowprops=arrow)
    axes.text(position, -1.3, character, ha="center", size=12)
    if position:
        axes.annotate("", (position - 0.3, 0), (position - 0.7, 0), arrowprops=arrow)
axes.set(
    xlim=(-0.6, len(text) - 0.4),
    ylim=(-1.5, 0.6),
    title="The only way from 'H' to the end leads through every state",
)
axes.axis("off")
plt.show()

# %% [markdown]
# A circle is the state after a character; the number in it is what is left of *H* when every step halves. Nothing
# looks back at the text. What the state loses is lost.
#
# Now the network that we shall build, and what a Transformer keeps of it:

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(8.6, 3.4), width_ratios=[2.5, 1.1])
axes = panels[0]
rows = [(0, "one-hot", "#e8e8e8"), (1.5, "state", "#cfe0fc"), (3, "logits", "#ffe3c2")]
for step, name in enumerate(["H", "a", "z"]):
    x = 2.4 * step
    for y, label, face in rows:
        label = {0: f"'{name}', one-hot", 1.5: f"state $h_{step + 1}$"}.get(y, label)
        axes.add_patch(plt.Rectangle((x, y), 1.5, 0.6, color=face))
        axes.text(x + 0.75, y + 0.3, label, ha="center", va="center", fontsize=9)
    for y, label in ((0.6, "$W_{input}$"), (2.1, "$W_{output}$")):
        axes.annotate("", (x + 0.75, y + 0.9), (x + 0.75, y), arrowprops=arrow)
        axes.text(x + 0.82, y + 0.42, label, fontsize=8)
    axes.annotate("", (x, 1.8), (x - 0.9, 1.8), arrowprops=arrow)
    axes.text(x - 0.45, 1.92, "$W_{hidden}$", ha="center", fontsize=8)
axes.text(-0.95, 1.8, "$h_0$", fontsize=9, ha="right", va="center")
axes.annotate("", (7.2, 1.8), (6.3, 1.8), arrowprops=arrow)
for y, shape in ((0.3, "d_in"), (1.8, "d_hidden"), (3.3, "vocab")):
    axes.text(7.3, y, f"(batch, {shape})", va="center", fontsize=8, color="#555555")
axes.set(xlim=(-1.5, 9.2), ylim=(-0.2, 3.8))
axes.axis("off")
known = "tokens, shifted right", "embeddings", "linear, softmax", "next token"
transformer_map(panels[1], parts=("decoder",), numbers=False, lit=known)
plt.show()

# %% [markdown]
# On the left is an RNN, **unrolled** in time: the same network drawn once for every character. Read it from left to
# right. Each character enters from below as a row of d_in numbers, is mixed with the state that comes from the
# left, and makes the next state, d_hidden numbers. From each state a score is made for every character that could
# come next, vocab numbers. Everything goes upwards or to the right; the horizontal arrows are the only memory.
#
# On the right is the whole Transformer, pale. The coloured boxes are parts that today's model has as well: tokens go
# in, are embedded, and a linear layer and a softmax predict the next token. In place of the horizontal arrows a
# Transformer has the pale box between them, masked self-attention. Why did one want to replace the arrows? That is
# what this notebook is about.
#
# ## In code
# We build the network from its step: first one step, then a whole sequence, then the question that trains it. Then
# we measure how far back it can learn, and do the same with the LSTM.
#
# ## One step: mix and squash
# A real RNN keeps many numbers, and instead of halving them it mixes them with a matrix. This is the network of
# Elman ([1990](https://doi.org/10.1207/s15516709cog1402_1)), except that he squashed with a sigmoid, not with tanh:
#
# $$h_t = \tanh(x_t\, W_\mathrm{input} + h_{t-1}\, W_\mathrm{hidden} + b)$$
#
# - $x_t$ (d_in numbers) is the symbol that is read at step t, $h_{t-1}$ (d_hidden numbers) the state before.
# - $W_\mathrm{input}$ (d_in, d_hidden) says what each symbol adds to the state.
# - $W_\mathrm{hidden}$ (d_hidden, d_hidden) says how the old state passes into the new one: number i of the
#   old state adds to number j of the new one with the weight in row i, column j. It takes the place of the 0.5
#   above.
# - b (d_hidden numbers) is the bias, added at every step.
# - **tanh** squashes the sum, number by number, to between −1 and 1. Without it the whole network would be linear
#   in its inputs, and a state that is multiplied by a matrix again and again could grow without limit.
#
# The three weights are the *same at every step*. This is why one network can read texts of any length, and why it
# has to learn only once what a full stop means.
#
# A worked step with d_in = 2, d_hidden = 2 and no bias. The symbol is x = (1, 0), the old state h = (0.5, −0.5),
# and
#
# $$W_\mathrm{input} = \begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix} \qquad
# W_\mathrm{hidden} = \begin{pmatrix} 0.5 & 1 \\ 0 & 1 \end{pmatrix}$$
#
# The symbol adds (1, 0). The old state adds (0.5 · 0.5 − 0.5 · 0, 0.5 · 1 − 0.5 · 1) = (0.25, 0). The sum is (1.25,
# 0), and the new state is (tanh 1.25, tanh 0) = (0.85, 0). The second number of the state has been lost: two
# contributions cancelled.
#
# ## Exercise 1.1 · rnn_step
# Compute the state after one more symbol. From `inputs` (..., d_in) and `hidden` (..., d_hidden) to the new state
# (..., d_hidden). The network will learn through this step, so gradients must flow back to all five arguments.
# Difficulty ●○○ · 4 minutes.
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

# %% jupyter={"source_hidden": true}
w_hidden = torch.tensor([[0.5, 1.0], [0.0, 1.0]])
by_hand = rnn_step(
    torch.tensor([1.0, 0.0]),
    torch.tensor([0.5, -0.5]),
    torch.eye(2),
    w_hidden,
    torch.zeros(2),
)
assert torch.allclose(by_hand, torch.tensor([0.85, 0.0]), atol=0.005)

# %% [markdown]
# ## Through a whole sequence
# To read a text, call the step once for each position, and give each call the state that the last call returned.
# The first call gets a state of zeros, which stands for "nothing read yet". This is the **unrolling** of the
# picture, as a loop. We keep all the states and not only the last one, because at every position there is something
# to predict.
#
# Shapes: `inputs` are (batch, position, d_in), several sequences of one length side by side. Sequences are
# independent of each other, so each step can work on the whole batch. Positions are not: position 7 needs the state
# of position 6. So the loop runs over the position axis, and only over that. (Keep this in mind. It is the second
# limit, at the end of the notebook.)
#
# ## Exercise 1.2 · run_rnn
# Call `rnn_step` for position 0, 1, 2 ... and keep every state. From `inputs` (batch, position, d_in) and the state
# at the start (batch, d_hidden) to all states (batch, position, d_hidden). Gradients must flow back through every
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
# A class holds the weights. It is that of `lib.recurrent`, but around *your* `run_rnn`. The weights start at
# random, uniform between −1/√d_hidden and 1/√d_hidden, as PyTorch's do. (This scale is a choice, and it will
# matter.)


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
# ## Question 1.1 · rnn_parameters
# An RNN reads 62 different characters, each given to it as a row of 62 numbers, and keeps a state of 128 numbers. How many
# parameters are there in W_input, W_hidden and b together, when it reads texts of 1,000 positions? On paper first. 2 minutes.

# %% question="rnn_parameters" difficulty=1 minutes=2
### BEGIN SOLUTION
rnn_parameters = 62 * 128 + 128 * 128 + 128
### END SOLUTION

# %% check="rnn_parameters"
from lib.checks import check

rnn_parameters = check("rnn_parameters")

# %% [markdown]
# Characters become numbers (their **ids**), and numbers become rows with a single 1, which is called **one-hot**.
# Multiplying such a row by `w_input` picks one row of the matrix: what this character adds to the state. Notebook
# 02 calls such a row an *embedding*.

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

# %% jupyter={"source_hidden": true}
figure = heatmap(
    states[0].detach().T,
    [str(i) for i in range(8)],
    list("Hazel␣had"),
    limits=(-1, 1),
    signed=True,
)
figure.axes[0].set(xlabel="character read", ylabel="number in the state")
plt.show()

# %% [markdown]
# Read it from left to right: each column is the state of 8 numbers after one character of *Hazel had*. Red is
# positive, blue negative, pale is near 0. The weights are fresh, so the numbers mean nothing yet. What matters is
# that every character changes the whole column.
#
# ## What the network is asked
# A **language model** says how likely each next symbol is. Ours reads characters, so it is a **character-level**
# one. It turns each state into one score for every character of the vocabulary, a **logit**: $h_t
# W_\mathrm{output}$ plus a bias. A **softmax** turns the logits into probabilities: e to the power of each logit, divided by the sum of these powers over all characters. So they are positive and sum to 1. A model that predicts
# each symbol from those before it is called **autoregressive**; a GPT is one too (notebook 11).
#
# The text itself holds the right answers. If the model reads *Haze*, then after *H* it should have expected *a*,
# after *a* *z*, and after *z* *e*. How surprised was it by the right one? With p for the probability that it gave
# to it, the surprise is −log p: 0 when it was sure, large when it thought the symbol unlikely. The mean surprise is
# the loss, the **cross-entropy**:
#
# $$\mathrm{loss} = -\frac{1}{n-1} \sum_{t=1}^{n-1} \log p_t(x_{t+1})$$
#
# n is the number of characters read, $x_{t+1}$ the character at position t + 1, and $p_t$ the probabilities after
# reading t characters. With the natural logarithm the unit is called **nats**. e to the power of the loss is the
# **perplexity**: between how many equally likely symbols the model hesitates, as it were.
#
# A worked number. The text has 3 characters. After the first the model gives the second the chance 0.5, after the
# second it gives the third 0.25. The loss is (−log 0.5 − log 0.25) / 2 = (0.69 + 1.39) / 2 = 1.04 nats, the
# perplexity e^1.04 = 2.8. Three characters make *two* predictions: the first one is predicted by nothing, and after
# the last one nothing comes.

# %% jupyter={"source_hidden": true}
worked = -(math.log(0.5) + math.log(0.25)) / 2
assert abs(worked - 1.04) < 0.005 and abs(math.exp(worked) - 2.83) < 0.005
assert round(-math.log(0.5), 2) == 0.69 and round(-math.log(0.25), 2) == 1.39

# %% [markdown]
# ## Exercise 1.3 · next_character_loss
# From `logits` (batch, position, vocab) and `ids` (batch, position) to one number, the mean of −log p(next
# character) over all predictions of the batch. The logits at position t predict the character at t + 1. Training
# follows the gradient of this number for the logits. Difficulty ●●○ · 8 minutes.
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
# ## Question 1.2 · blind_guess
# A model with fresh weights knows nothing. There are 62 characters. About how large a loss, in nats, do you expect from it on any text? Assume that it finds all characters equally likely. 2 minutes.

# %% question="blind_guess" difficulty=1 minutes=2
### BEGIN SOLUTION
blind_guess = math.log(62)
### END SOLUTION

# %% check="blind_guess"
from lib.checks import check

blind_guess = check("blind_guess")

# %%
fresh = CharacterModel(
    RNN(len(characters), 128, torch.Generator().manual_seed(0)), len(characters)
)
ids = encode(stories[1])[None]
loss = next_character_loss(fresh(ids)[0], ids).item()
print(f"{len(characters)} characters, {loss:.1f} nats: perplexity {math.exp(loss):.0f}")

# %% jupyter={"source_hidden": true}
assert len(characters) == 62
assert abs(loss - math.log(len(characters))) < 0.15

# %% [markdown]
# `CharacterModel` (given) is the core, an RNN here, with the one-hot rows before it and the output matrix after it.
# A first look at the loss is a good habit: a fresh model whose loss is far from log(vocab) usually has a mistake in
# it.
#
# ## Learning back through time
# To learn, the network has to find out which earlier character would have helped. It asks the gradient, and the
# gradient travels the same way back as the states came: the last state depends on the one before it, that one on
# the one before, and so on. Computing gradients through the unrolled network is called **backpropagation through
# time** (BPTT). PyTorch does it when you call `backward`, as for any other computation.
#
# How much of the gradient arrives k steps back? The chain rule multiplies one factor for each step:
#
# $$\frac{\partial h_t}{\partial h_{t-k}} = \frac{\partial h_t}{\partial h_{t-1}} \cdot
# \frac{\partial h_{t-1}}{\partial h_{t-2}} \cdots \frac{\partial h_{t-k+1}}{\partial h_{t-k}}
# \qquad \frac{\partial h_t[j]}{\partial h_{t-1}[i]} = W_\mathrm{hidden}[i, j] \cdot (1 - h_t[j]^2)$$
#
# i and j number the d_hidden entries of the state. Each factor is the matrix of all slopes of one state with respect to the
# one before it, the **Jacobian** of the step. It has two parts: the hidden weights, the
# same at every step, and 1 − hₜ², the slope of tanh at a place where its value is hₜ. The slope is 1 where hₜ = 0,
# and nearly 0 where hₜ is near ±1.
#
# A worked number with a state of *one* number: the hidden weight is 0.8, and all states are 0.5. Each factor is 0.8
# · (1 − 0.25) = 0.6. Two steps back 0.36 is left, ten steps back 0.6¹⁰ = 0.006.
#
# With matrices the size of a factor depends on the direction. What matters in the long run is the **spectral
# radius**, the largest absolute value of an eigenvalue. (An **eigenvalue** λ belongs to a direction that the matrix only
# stretches: a row v with v W = λ v.) A matrix applied k times stretches some direction by about this number to the power k, and none by more in the long run.

# %% jupyter={"source_hidden": true}
one_factor = 0.8 * (1 - 0.5**2)
assert abs(one_factor - 0.6) < 1e-12 and abs(one_factor**2 - 0.36) < 1e-12
assert abs(one_factor**10 - 0.006) < 0.0005

# %% [markdown]
# ## Question 1.3 · gradient_left
# A state of one number again. Its hidden weight is 1.2, *above* 1, and all its states are 0.6 or −0.6. Which share
# of the gradient is left 20 steps back? Two digits. 3 minutes.

# %% question="gradient_left" difficulty=1 minutes=3
### BEGIN SOLUTION
gradient_left = (1.2 * (1 - 0.6**2)) ** 20
### END SOLUTION

# %% check="gradient_left"
from lib.checks import check

gradient_left = check("gradient_left")

# %% [markdown]
# Now the real thing: how strongly does the last state depend on each state before it? We take the *sum* of the last
# state's numbers, because a gradient belongs to one number, and measure the length (norm) of its gradient for each
# earlier state.
#
# ## Exercise 1.4 · gradient_by_distance
# Run `step` over all positions, then measure. From `inputs` (batch, position, d_in) and the state at the start
# (batch, d_hidden) to norms (position + 1,); entry k: k steps back. It only measures: no weight that `step` uses
# may be left with a gradient in its `.grad`. Difficulty ●●○ · 10 minutes.
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
    (batch, d_hidden), which depends on the state before
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
# > **Predict.** An RNN with PyTorch's usual starting weights reads 100 rows of 64 random numbers. How much of the gradient
# > reaches back 50 steps: a half, a hundredth, a millionth? And if the hidden weights are 4 times as large?


# %%
def reach(step, d_state):
    """The gradient that arrives k steps back, as a share of the gradient at the end.
    (101,)
    """
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(8, 100, 64, generator=generator).double()
    norms = gradient_by_distance(step, inputs, torch.zeros(8, d_state).double())
    return norms / norms[0]


def rnn_with(factor):
    w_input, w_hidden, bias = (
        p.detach()
        for p in RNN(64, 64, torch.Generator().manual_seed(1)).double().parameters()
    )
    radius = torch.linalg.eigvals(factor * w_hidden).abs().max()
    print(f"hidden weights × {factor}: spectral radius {radius:.2f}")
    return lambda inputs, hidden: rnn_step(
        inputs, hidden, w_input, factor * w_hidden, bias
    )


reaches = {
    f"RNN, hidden weights × {factor}": reach(rnn_with(factor), 64)
    for factor in (1, 2, 4)
}


# %% jupyter={"source_hidden": true}
def draw_reaches(reaches, ylim=(1e-30, 1e12)):
    _, axes = plt.subplots()
    for (label, shares), line in zip(
        reaches.items(), ("-", "--", ":", "-."), strict=False
    ):
        axes.semilogy(shares, line, label=label)
    axes.set(xlabel="steps back", ylabel="gradient that arrives (share)", ylim=ylim)
    axes.legend(loc="lower left")
    plt.show()


draw_reaches(reaches)

# %% jupyter={"source_hidden": true}
small, middle, large = reaches.values()
assert 1e-5 < small[10] < 1e-2
assert small[50] < 1e-15
assert 1e-12 < middle[50] < 1e-3
assert large[50] > 100
radii = [
    torch.linalg.eigvals(RNN(64, 64, torch.Generator().manual_seed(1)).w_hidden)
    .abs()
    .max()
    .item()
    * factor
    for factor in (1, 2, 4)
]
assert 0.5 < radii[0] < 0.7 and 1 < radii[1] < 1.4 and radii[2] > 2

# %% [markdown]
# From one tick to the next is a factor of 100,000 (the axis is logarithmic), and a straight line means the same
# factor at every step. With the usual weights less than a hundredth is left after 10 steps and less than 10⁻¹⁵
# after 50: the gradient **vanishes**. With weights 4 times as large it **explodes**.
#
# With weights twice as large the spectral radius is above 1, and the gradient vanishes all the same: the slope of
# tanh is below 1 wherever the state is not 0, as in Question 1.3. There is a scale in between at which it would
# neither vanish nor explode, but training moves the weights, and a product of a hundred factors is flat only for a
# narrow range of them.
#
# Hochreiter found this in his diploma thesis
# ([1991](https://people.idsia.ch/~juergen/SeppHochreiter1991ThesisAdvisorSchmidhuber.pdf), in German). Bengio,
# Simard and Frasconi ([1994](https://doi.org/10.1109/72.279181)) showed that it is a dilemma: a state that keeps a
# piece of information safely, so that small disturbances die out, must have factors below 1. Then gradients die out
# along with the disturbances. What makes an RNN remember reliably makes it hard to *learn* what to remember.
#
# Vanishing does not make learning impossible, it drowns it: the gradient for the near past is larger by so much
# that the far past has no say in the sum.
#
# ## Question 1.4 · cut_gradient
# A student's RNN trains without an error. Two measurements: the gradient of the last state for the states before it
# is, as shares, exactly 1, 0, 0, 0 ... But when the first letter of a text is exchanged, the states change for many
# positions. Which mistake is it?
#
# - **a**: the step leaves out `hidden @ w_hidden`.
# - **b**: every step begins with `hidden = hidden.detach()` (`detach` passes the values on and stops the gradient).
# - **c**: each gradient is divided by its length.
# - **d**: the hidden weights are 4 times too small.
#
# Answer with the letter, as a string. 3 minutes.

# %% question="cut_gradient" difficulty=2 minutes=3
### BEGIN SOLUTION
cut_gradient = "b"
### END SOLUTION

# %% check="cut_gradient"
from lib.checks import check

cut_gradient = check("cut_gradient")

# %% [markdown]
# Cutting the gradient on purpose is common, by the way. Nobody unrolls a whole book: one trains on pieces of, say,
# 48 characters, and the gradient ends where the piece begins. This is called **truncated backpropagation through
# time**. Whoever trains on pieces of 48 never *asks* the network to carry anything further than 48 steps.
#
# ## The gradient that explodes
# Against explosion there is a cure, **gradient clipping** (Pascanu et al. [2013](https://arxiv.org/abs/1211.5063)):
# when the gradient is longer than some limit, shorten it, and keep its direction:
#
# $$g \leftarrow g \cdot \min\!\left(1, \frac{c}{\lVert g \rVert}\right) \qquad
# \lVert g \rVert = \sqrt{\textstyle\sum_i g_i^2}$$
#
# g are all numbers of all gradients, as if they stood in one long row, ‖g‖ is the length of that row (its norm),
# and c is the limit. All get *one* common factor: shortening each tensor by itself would turn the direction. A
# worked number: two tensors, (3) and (4), have together the length √(9 + 16) = 5. With c = 1 the factor is 1/5, and
# they become (0.6) and (0.8).
#
# ## Exercise 1.5 · clip_gradients
# From a list or tuple of tensors to the new ones, in a list or a tuple, and the length before. Tensors that need no
# shortening may come back themselves. Zeros stay zeros; `max_norm`, our c, is above 0 and may be `math.inf`, which means no limit. (PyTorch's own function adds 10⁻⁶ to ‖g‖
# before it divides; yours may do so too.) Difficulty ●●○ · 6 minutes.
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
    max_norm: above 0, may be infinite
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

# %% jupyter={"source_hidden": true}
(three, four), length = clip_gradients([torch.tensor([3.0]), torch.tensor([4.0])], 1.0)
assert length == 5 and torch.allclose(
    torch.cat([three, four]), torch.tensor([0.6, 0.8])
)

# %% [markdown]
# The smallest network that explodes has one weight w. Its state starts at 1 and is multiplied by w 50 times; 0.5 is
# wanted, so the loss is (w⁵⁰ − 0.5)². Start at w = 1.1 and take steps downhill with a learning rate of 0.003.
#
# > **Predict.** w⁵⁰ at 1.1 is about 117. How far does the first step jump without clipping?

# %% jupyter={"source_hidden": true}
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

# %% jupyter={"source_hidden": true}
assert descend(math.inf, 1) < -1000
assert 117 < 1.1**50 < 118
assert 1e6 < 2 * (1.1**50 - 0.5) * 50 * 1.1**49 < 2e6
assert abs(descend(1.0, 100) - 0.5 ** (1 / 50)) < 0.005

# %% [markdown]
# The curve shows the loss against w: nearly flat on the left, a shallow valley near 0.986, and on the right a wall.
# At the start, far up the wall, the gradient is more than a million, and one step throws w to below −1,000.
# Clipped, the direction stays, the jump is short, and w finds the valley.
#
# Clipping does not help against vanishing. One could lengthen a small gradient, but the share of the far past in it
# would stay as small as it is. That needs another network.

# %% [markdown]
# ## A second memory: the LSTM
# What was wrong with the only way back? At every step it leads through a matrix and a tanh. Hochreiter and
# Schmidhuber ([1997](https://doi.org/10.1162/neco.1997.9.8.1735)) gave the network a second row of numbers, the
# **cell** c, on whose way there is neither. In its simplest form something is *added* to the cell, and the rest
# stays:
#
# > cₜ = cₜ₋₁ + what is new
#
# Then ∂cₜ/∂cₜ₋₁ is 1 at every step, and 1 to the power 100 is 1. They called this the **constant error carousel**,
# since an error that travels back on it neither shrinks nor grows. This is the **long short-term memory**, LSTM: a
# short-term memory (numbers, not weights) that lasts long.
#
# A memory into which everything is added at every step is soon full of noise. So the network is given **gates**:
# numbers between 0 and 1, computed by a **sigmoid**, σ(z) = 1 / (1 + e⁻ᶻ), by which something is multiplied. 0 is a
# closed gate, 1 an open one. Each of the d_hidden numbers of the cell has its own three, and each answers a
# question:
#
# - The **input gate** σ(i): is the new thing worth writing down? Without it, every full stop would be added
#   to the name.
# - The **forget gate** σ(f): is the old content still of use? When a new story begins, the old name should go. It
#   was not in the paper of 1997: there the factor was always 1, and on long, unbroken inputs the cells grew
#   without limit. Gers et al. ([2000](https://doi.org/10.1162/089976600300015015)) added it. (It is *open* when
#   it keeps: "keep gate" would be the better name.)
# - The **output gate** σ(o): is the content of use *now*? A name can be kept over many letters without disturbing
#   the prediction of each of them.
#
# What is to be written is the **candidate**, tanh(g), between −1 and 1. All of it, with ⊙ for a product number by
# number:
#
# $$[\,i, f, g, o\,] = x_t\, W_\mathrm{input} + h_{t-1}\, W_\mathrm{hidden} + b$$
# $$c_t = \sigma(f) \odot c_{t-1} + \sigma(i) \odot \tanh(g) \qquad h_t = \sigma(o) \odot \tanh(c_t)$$
#
# The sum in the first line has 4 · d_hidden numbers and is cut into four blocks of d_hidden, in this order. So
# $W_\mathrm{input}$ is (d_in, 4 d_hidden), $W_\mathrm{hidden}$ (d_hidden, 4 d_hidden) and b (4 d_hidden): an LSTM
# has four times the weights of an RNN, and about four times its arithmetic. The hidden state h is what the next
# step and the output layer see; the cell c goes only to the next step.

# %% jupyter={"source_hidden": true}
gates = [
    (2, "forget\n$\\sigma(f)$"),
    (3.6, "input\n$\\sigma(i)$"),
    (5.2, "candidate\n$\\tanh(g)$"),
    (6.8, "output\n$\\sigma(o)$"),
]
ways = [
    ((1.8, 3.3), (0.2, 3.3)),
    ((4.2, 3.3), (2.2, 3.3)),
    ((9.8, 3.3), (4.6, 3.3)),
    ((2, 3.1), (2, 1.25)),
    ((4.25, 1.85), (3.6, 1.25)),
    ((4.55, 1.85), (5.2, 1.25)),
    ((4.4, 3.1), (4.4, 2.2)),
    ((7.9, 3.01), (7.9, 3.3)),
    ((7.9, 2.4), (7.9, 2.65)),
    ((7.75, 2.05), (6.8, 1.25)),
    ((9.8, 2.2), (8.1, 2.2)),
]
notes = [
    (-0.25, 3.3, "$c_{t-1}$", 11),
    (10.1, 3.3, "$c_t$", 11),
    (10.1, 2.2, "$h_t$", 11),
    (-0.3, -0.1, "$x_t,\\ h_{t-1}$", 11),
    (6.1, 3.52, "(batch, d_hidden)", 8),
    (3.2, 3.52, "keep", 8),
    (4.85, 2.55, "write", 8),
    (8.45, 2.45, "show", 8),
    (3.8, -0.35, "(batch, d_in) and (batch, d_hidden)", 8),
    (7.9, 2.83, "tanh", 8),
]
figure, axes = plt.subplots(figsize=(7.4, 3.8))
axes.add_patch(plt.Rectangle((0.9, -0.55), 8.2, 4.4, fc="#f6f6f6", ec="#999999"))
for x, label in gates:
    face = "#cfe0fc" if x == 5.2 else "#ffe3c2"
    axes.add_patch(plt.Rectangle((x - 0.6, 0.45), 1.2, 0.8, fc=face, ec="#555555"))
    axes.text(x, 0.85, label, ha="center", va="center", fontsize=8.5)
    axes.annotate("", (x, 0.45), (x, -0.1), arrowprops=arrow)
axes.add_patch(plt.Rectangle((7.45, 2.65), 0.9, 0.36, fc="white", ec="#555555"))
for x, y, sign in ((2, 3.3, "×"), (4.4, 3.3, "+"), (4.4, 2, "×"), (7.9, 2.2, "×")):
    axes.add_patch(plt.Circle((x, y), 0.2, fc="white", ec="black", zorder=3))
    axes.text(x, y, sign, ha="center", va="center", zorder=4)
for end, start in ways:
    thick = 2.5 if end[1] == start[1] == 3.3 else 1
    axes.annotate("", end, start, arrowprops=arrow | {"lw": thick})
axes.plot([0.3, 6.8], [-0.1, -0.1], color="#555555")
for x, y, note, size in notes:
    axes.text(x, y, note, ha="center", va="center", fontsize=size)
axes.set(xlim=(-1.2, 10.6), ylim=(-0.7, 4))
axes.axis("off")
plt.show()

# %% [markdown]
# One step of an LSTM. The thick line at the top is the cell's way from step to step: one product with the forget
# gate, one sum. At the bottom the symbol and the old hidden state come in and feed all four boxes; orange boxes are
# gates, the blue one is the candidate. The hidden state leaves on the right and comes back in at the bottom of the
# next step.
#
# **One step by hand, with two numbers.** Use σ(3) = 0.95, σ(0) = 0.5 and σ(−3) = 0.05. The old cell is (2, 1). Say
# the four blocks have come out as i = (−3, 3), f = (3, −3), g = (1, −1), o = (3, 0):
#
# | | first number | second number |
# |---|---|---|
# | kept: σ(f) · c | 0.95 · 2 = 1.91 | 0.05 · 1 = 0.05 |
# | written: σ(i) · tanh(g) | 0.05 · 0.76 = 0.04 | 0.95 · (−0.76) = −0.73 |
# | **new cell** | **1.94** | **−0.68** |
# | shown: σ(o) · tanh(new cell) | 0.95 · 0.96 = **0.91** | 0.5 · (−0.59) = **−0.30** |
#
# The first number has been kept, the second one overwritten and half shown. (The products were rounded after they
# had been computed.)
#
# ## Exercise 1.6 · lstm_step
# Compute the blocks, cut them into four, and return the new hidden state and the new cell. Gradients must flow back
# to all six arguments. Difficulty ●●○ · 10 minutes.
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
    Returns the new hidden state and the new cell, (..., d_hidden) each, finite for sums
    of any size. Gradients flow back to everything that goes in.
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

# %%
# The step by hand: the blocks i, f, g, o come from the bias alone.
blocks = torch.tensor([-3.0, 3, 3, -3, 1, -1, 3, 0])
nothing, none_hidden = torch.zeros(1), torch.zeros(2)
new_hidden, new_cell = lstm_step(
    nothing,
    none_hidden,
    torch.tensor([2.0, 1.0]),
    torch.zeros(1, 8),
    torch.zeros(2, 8),
    blocks,
)
print("cell", new_cell, " hidden", new_hidden)

# %% jupyter={"source_hidden": true}
assert torch.allclose(new_cell, torch.tensor([1.94, -0.68]), atol=0.005)
assert torch.allclose(new_hidden, torch.tensor([0.91, -0.30]), atol=0.006)
for z, value in ((3.0, 0.95), (0.0, 0.5), (-3.0, 0.05)):
    assert abs(torch.sigmoid(torch.tensor(z)) - value) < 0.005
opened = torch.sigmoid(torch.tensor(3.0)).item()
assert round(opened * 2, 2) == 1.91 and round((1 - opened) * math.tanh(1), 2) == 0.04
assert round(opened * math.tanh(-1), 2) == -0.73 and round(1 - opened, 2) == 0.05

# %% [markdown]
# ## The whole LSTM
# Around the step goes the same loop as before, with two rows of numbers to carry. Two details are new.
#
# **The forget bias.** With a bias of 0, and small weights, a forget gate starts near σ(0) = 0.5: half of the cell
# is lost at every step before anything has been learned. Gers et al. gave the bias of the forget gate a positive
# start, and Jozefowicz et al. ([2015](https://proceedings.mlr.press/v37/jozefowicz15.html)) compared thousands of
# recurrent networks and recommended a bias of 1 for every LSTM.
#
# **Lengths.** Sequences of a batch are rarely of one length; the short ones are filled up at the end (**padding**).
# A state that went on over padding would be changed by what is no text. So each sequence's hidden and cell stop at
# its own length: where position ≥ length, the old ones are kept. A worked example: lengths (3, 1). At position 0
# both go on; at positions 1 and 2 only the first does, and the second keeps what it had after position 0. (Notebook
# 03 needs this.)
#
# ## Exercise 1.7 · LSTM
# Write the class: the weights, drawn with `generator` and uniform between −1/√d_hidden and 1/√d_hidden; the bias,
# zero but for `forget_bias` in its second block; and `forward`, which runs `lstm_step` over (batch, position, d_in)
# and stops each sequence at its length. It will be trained, so gradients must flow back to the inputs and to all
# weights. Difficulty ●●● · 20 minutes.
#
# <details><summary>The forget gate's part of the bias</summary><code>bias[d_hidden : 2 * d_hidden]</code>: the second of
# four blocks.</details>
# <details><summary>How does a sequence stop?</summary>Where <code>position >= lengths</code>, keep the old hidden and cell
# (<code>torch.where</code>, with the mask as (batch, 1)) and append zeros to the states.</details>
# <details><summary>My float64 run fails</summary><code>inputs.new_zeros(...)</code> takes the type of the
# inputs.</details>


# %% exercise="LSTM" difficulty=3 minutes=20
class LSTM(nn.Module):
    """An LSTM with its own `w_input`, `w_hidden` and `bias`, assigned in this
    order and shaped as `lstm_step` takes them. `generator` draws the first two,
    whichever first.
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
# ## Which way does the gradient take?
# First the measurement of before, now for the whole state (hidden and cell side by side).
#
# > **Predict.** With forget biases of 0, 1 and 3: which LSTM lets the gradient through?


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

# %% jupyter={"source_hidden": true}
open_gates, middle_gates, half_closed = lstm_reaches.values()
assert 0.1 < open_gates[99] < 10
assert 0.95 < torch.sigmoid(torch.tensor(3.0)) < 0.96
assert 1e-12 < middle_gates[99] < 1e-6
assert half_closed[99] < 1e-18

# %% [markdown]
# *"The LSTM cures vanishing gradients"* is true only while its forget gates stay open. With a bias of 3 the
# gradient 99 steps back is as large as at the end, within a factor of 10. With a bias of 0, less than 10⁻¹⁸ of it
# arrives.
#
# Why is the curve for bias 3 flat? The usual answer is "because of the cell". Look at the numbers: if the forget
# gate is σ(3) = 0.953 at every step, then the cell's own way multiplies by
#
# $$\frac{\partial c_t}{\partial c_{t-k}} = \prod_{s=t-k+1}^{t} \sigma(f_s) \approx 0.953^k$$
#
# Over 99 steps this is 0.008, and not 1. So the cell's way alone explains a slow decay and not a flat curve.

# %% jupyter={"source_hidden": true}
assert abs(opened - 0.953) < 0.0005 and abs(opened**99 - 0.008) < 0.0005

# %% [markdown]
# ## Question 1.5 · open_gate
# The cell's way alone, with the same forget gate σ(b) at every step. Which bias b keeps one *half* of the gradient
# over 100 steps? Two digits. 4 minutes.

# %% question="open_gate" difficulty=2 minutes=4
### BEGIN SOLUTION
gate = 0.5 ** (1 / 100)
open_gate = math.log(gate / (1 - gate))
### END SOLUTION

# %% check="open_gate"
from lib.checks import check

open_gate = check("open_gate")

# %% [markdown]
# The gradient has a second way: from the cell through the output gate into the hidden state, through
# $W_\mathrm{hidden}$ into the gates and the candidate of the next step, and from there back into the cell. To see
# what each way does, cut the other one. `detach` passes a tensor's values on and lets no gradient through:
#
# - **the cell alone**: the step reads `hidden.detach()`, so nothing goes back through the gates and the
#   candidate;
# - **the recurrence alone**: the forget gate multiplies `cell.detach()`, so nothing goes back from cell to cell
#   directly.
#
# The states themselves are the same in all three cases. And to see whether the flat curve is a matter of luck,
# measure with other scales of $W_\mathrm{hidden}$ too.

# %%
ALL = "both ways", "the cell alone", "the recurrence alone"


def lstm_cut(way, scale=1.0, forget_bias=3.0, seed=1):
    lstm = LSTM(64, 64, forget_bias, torch.Generator().manual_seed(seed)).double()
    w_input, w_hidden, bias = (p.detach() for p in lstm.parameters())

    def step(inputs, state):
        hidden, cell = state.chunk(2, dim=-1)
        if way == "the cell alone":
            hidden = hidden.detach()
        blocks = inputs @ w_input + scale * hidden @ w_hidden + bias
        i, f, g, o = blocks.chunk(4, dim=-1)
        kept = cell.detach() if way == "the recurrence alone" else cell
        cell = f.sigmoid() * kept + i.sigmoid() * g.tanh()
        return torch.cat([o.sigmoid() * cell.tanh(), cell], dim=-1)

    return step


# %%
cut = {way: reach(lstm_cut(way), 128) for way in ALL}
scaled = {
    f"both, $W_{{hidden}}$ × {scale:g}": reach(lstm_cut(ALL[0], scale), 128)
    for scale in (2, 0.5, 0)
}

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(8.6, 3.8), sharey=True)
for axes, curves, title in (
    (panels[0], cut, "One way cut"),
    (panels[1], {ALL[0]: cut[ALL[0]], **scaled}, "Other weights"),
):
    for (label, shares), line in zip(
        curves.items(), ("-", "--", ":", "-."), strict=False
    ):
        axes.semilogy(shares, line, label=label)
    axes.set(xlabel="steps back", ylim=(1e-5, 100), title=title)
    axes.legend(loc="lower left" if axes is panels[1] else "lower right")
panels[0].set_ylabel("gradient that arrives (share)")
plt.show()

# %% jupyter={"source_hidden": true}
for seed in (1, 2, 3):
    both, cell_alone, recurrence = (
        reach(lstm_cut(way, seed=seed), 128)[99].item() for way in ALL
    )
    assert 0.3 < both < 5 and 0.003 < cell_alone < 0.008 and recurrence < 1e-30
    twice, half, none = (
        reach(lstm_cut(ALL[0], scale, seed=seed), 128)[99].item()
        for scale in (2, 0.5, 0)
    )
    assert twice > 5 and 0.03 < half < 0.3 and 0.002 < none < 0.01
assert cut["the recurrence alone"][10] < 1e-5
assert torch.allclose(cut["both ways"], lstm_reaches["LSTM, forget bias 3"])

# %% [markdown]
# On the left: with both ways the gradient stays near 1. Of what the cell alone carries, about 0.005 is left after
# 99 steps: near the 0.008 of the formula, which took the gates as constant. The recurrence alone is gone within 10
# steps. *Neither* way alone makes the curve flat, and their sum does not either. What does it is the mixture: a
# gradient that travels on the cell for a while, takes the detour through the gates once, goes on on the cell, and
# so on. There are very many such paths. In one formula, the factor of one step is a diagonal matrix with the forget
# gates in it, *plus* a small matrix of the detour:

# %%
inputs = torch.randn(60, 64, generator=torch.Generator().manual_seed(0)).double()
radii = {way: [] for way in ALL}
for way in ALL:
    state = torch.zeros(128).double()
    for position, symbol in enumerate(inputs):
        if position >= 50:
            factor = torch.autograd.functional.jacobian(
                lambda state, way=way, symbol=symbol: lstm_cut(way)(symbol, state),
                state,
            )
            radii[way].append(torch.linalg.eigvals(factor).abs().max().item())
        state = lstm_cut(way)(symbol, state)
for way, found in radii.items():
    print(f"spectral radius of one step, {way}: {min(found):.2f} to {max(found):.2f}")

# %% jupyter={"source_hidden": true}
both, cell_alone, recurrence = radii.values()
assert min(both) > 1 > max(cell_alone) and max(both) < 1.1
assert min(cell_alone) > 0.95 and max(recurrence) < 0.2

# %% [markdown]
# The diagonal alone has its largest value a little below 1: the widest open forget gate at this step (they differ,
# since the symbols move them). The detour alone has a radius below 0.2. Together they are a little *above* 1, so
# what is lost in most directions is about made up in a few.
#
# On the right: "about made up" is a coincidence of the forget bias 3 and PyTorch's scale of the weights. With
# $W_\mathrm{hidden}$ half as large the curve falls, with $W_\mathrm{hidden}$ twice as large it grows, and at 0 only
# the cell's decay is left. So the sentence to keep is: the cell makes the decay *slow*, by the product of its
# forget gates; whether the rest is balanced depends on the weights. Over 10 steps the cell alone still brings half.
#
# In 1997 the gradient was even *computed* by the cell's way alone: the learning rule of the paper cuts what would
# go back through the gates, and the cell's factor was exactly 1. The full gradient came later (Graves and
# Schmidhuber [2005](https://doi.org/10.1016/j.neunet.2005.06.042)).

# %% jupyter={"source_hidden": true}
assert 0.4 < cut["the cell alone"][10] < 0.6
assert cut["the cell alone"][99] < cut["both ways"][99] / 50

# %% [markdown]
# ## Question 1.6 · read_gate
# Someone has measured "the cell alone" in a trained LSTM. Read the plot: how large is the forget gate, if it is the
# same at all steps? Two digits. 3 minutes.

# %% jupyter={"source_hidden": true}
steps = torch.arange(101)
figure, axes = plt.subplots()
axes.semilogy(steps, 10.0 ** (-steps / 25), "-")
axes.set(xlabel="steps back", ylabel="gradient that arrives (share)")
axes.grid(color="#dddddd")
plt.show()

# %% question="read_gate" difficulty=2 minutes=3
### BEGIN SOLUTION
read_gate = (1e-4) ** (1 / 100)
### END SOLUTION

# %% check="read_gate"
from lib.checks import check

read_gate = check("read_gate")

# %% [markdown]
# ## On real text
# Now train both on the course's stories. The **training loop** is written out: draw 16 pieces of 48 characters,
# compute *your* loss, its gradients, clip them *your* way, and let **Adam**, an optimiser that gives every weight a
# step size of its own, change the weights. The learning rate falls to zero in the second half. As the pieces are 48
# characters long and begin with a state of zeros, this is truncated backpropagation: no gradient comes from farther
# than 47 steps.
#
# A comparison needs equal budgets. RNN and LSTM both have 128 hidden numbers and take the same number of steps,
# 800, on as many pieces. That is the same *text*, but not the same work: a step of the LSTM costs more. The RNN's learning rate is the best of four (see below); for the LSTM only this one was tried.


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
core = RNN(len(characters), 128, generator=torch.Generator().manual_seed(0))
models = {"RNN": train(core, steps=800, learning_rate=1.2e-2)}

# %% tags=["training"]
core = LSTM(len(characters), 128, generator=torch.Generator().manual_seed(0))
models["LSTM"] = train(core, steps=800, learning_rate=1e-2)


# %% tags=["training"]
def surprise(model):
    ids = torch.stack([encode(story[:256]) for story in held_out])
    with torch.no_grad():
        return next_character_loss(model(ids)[0], ids).item()


surprises = {name: surprise(model) for name, model in models.items()}
for name, loss in surprises.items():
    print(f"{name:4} {loss:.2f} nats on unseen stories")

# %% jupyter={"source_hidden": true}
assert max(surprises.values()) < 1.8 < 4 < surprise(fresh)

# %% [markdown]
# A character of an unseen story cost more than 4 nats before; now it costs less than 1.8. One run of each proves
# little about which is better. `benchmarks/recurrent.py` has done the same with three seeds. It has also given the
# RNN other learning rates, and so many steps that it takes about the processor time of the LSTM:

# %% tags=["training"]
recorded = json.loads(files.read("recurrent_results.json"))
for name, rates in recorded.items():
    for rate, runs in sorted(rates.items(), key=lambda pair: float(pair[0])):
        losses = ", ".join(f"{run['loss']:.2f}" for run in runs.values())
        seconds = sum(run["seconds"] for run in runs.values()) / len(runs)
        print(
            f"{name:15} learning rate {rate:6} {losses} nats, {seconds:.0f} CPU-s each"
        )


# %% jupyter={"source_hidden": true}
def mean(values):
    values = list(values)
    return sum(values) / len(values)


def of(name, rate, key="loss"):
    return [run[key] for run in recorded[name][rate].values()]


(longer,) = (name for name in recorded if "steps" in name)
lstm, rnn = of("LSTM", "0.01"), of("RNN", "0.012")
assert len(lstm) == len(rnn) == 3
assert all(one < other for one, other in zip(lstm, rnn, strict=True))
assert max(lstm) > min(rnn) and 0.05 < mean(rnn) - mean(lstm) < 0.15
assert 0.1 < mean(of("RNN", "0.006")) - mean(rnn) < 0.2
assert rnn[0] == min(runs["0"]["loss"] for runs in recorded["RNN"].values())
assert 2 < mean(of("LSTM", "0.01", "seconds")) / mean(of("RNN", "0.012", "seconds")) < 3
slow = of(longer, "0.012")
assert max(slow) < mean(rnn) and mean(slow) < mean(lstm) + 0.05 and slow[0] < lstm[0]
assert (
    0.7
    < mean(of(longer, "0.012", "seconds")) / mean(of("LSTM", "0.01", "seconds"))
    < 1.3
)
gpt = json.loads(files.read("gpt_results.json"))["notebook"].values()
assert all(0.5 < run["bits per byte"] * math.log(2) < 0.56 for run in gpt)

# %% [markdown]
# After equally many steps the LSTM is ahead in each of the three seeds, by about 0.09 nats in the mean. That is not
# much: the worst LSTM is behind the best RNN. And it has its conditions. *The learning rate* matters more here than
# the network: at 0.006 the RNN is about 0.15 nats worse than at 0.012, the best of the four that were tried. (For
# the LSTM no other rate was tried; it might gain too.) *A step of the LSTM costs* more than twice as much time.
# With a little less time than the LSTM, the RNN takes 1,850 steps, and is ahead in all three seeds, by about 0.12
# nats. So "the LSTM is better" is true here for each step, and not for each second: small networks, a CPU, a loop
# in Python.
#
# How good is that? Real text is harder than text from a program: on Wikipedia's markup (enwik8) a large LSTM
# reached 1.23 bits, 0.85 nats a character, after many hours on a GPU (Merity et al.
# [2018](https://arxiv.org/abs/1803.08240)). Our stories are far easier to predict: the GPT of notebook 11
# needs about 0.53 nats a character for unseen ones, after some 80 seconds. (It reads larger pieces than characters,
# and has another optimiser, so this does not compare the architectures.)
#
# Let them write on. First the model with fresh weights, then the trained ones, after the same beginning:

# %% tags=["training"]
beginning = held_out[0][:100]
for name, model in {"fresh": fresh, **models}.items():
    generator = torch.Generator().manual_seed(1)
    written = continue_text(model, characters, beginning, 300, generator, 0.5)
    print(f"{name}: {beginning}|{written}\n")

# %% [markdown]
# Words, spaces, full stops, quotation marks: the trained models have learned them from 800 batches. But who is the
# story about? What is read after the bar has little to do with what is read before it.
#
# Measure it. Tell 150 unseen stories twice, the second time with its first name replaced by another one of the same length that goes with the other pronoun, and compare what the model
# expects *after* the name. The distance of two predictions is half the sum of the absolute differences of their
# probabilities (the **total variation distance**): 0 if they agree, 1 if they have nothing in common.


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


# %%
def influence(model):
    """How far apart the predictions for both tellings are, 0 (same) to 1, by distance
    from the name. (100,)
    """
    rng, curves = random.Random(0), []
    for story in held_out[:150]:
        with torch.no_grad():
            tellings = torch.stack([encode(told) for told in retell(story, rng)])
            chances = model(tellings)[0].softmax(dim=-1)
        curves.append((chances[0] - chances[1]).abs().sum(dim=-1)[-100:] / 2)
    return torch.stack(curves).mean(dim=0)


# %% [markdown]
# > **Predict.** After how many characters does the RNN no longer care whose story it reads: 10, 100, 1000? And
# > the LSTM?

# %% tags=["training"]
influences = {name: influence(model) for name, model in models.items()}
figure, axes = plt.subplots()
for (label, curve), line in zip(influences.items(), ("-", "--"), strict=True):
    axes.semilogy(range(1, 101), curve, line, label=label)
axes.set(
    xlabel="characters since the name", ylabel="influence of the name", ylim=(1e-8, 1)
)
axes.legend()
plt.show()

# %% jupyter={"source_hidden": true}
for curve in influences.values():
    assert curve[0] > 0.2
    assert curve[30] < 0.01
    assert curve[60] < 0.001
for rates in recorded.values():
    for runs in rates.values():
        for run in runs.values():
            assert run["influence"]["30"] < 0.01 and run["influence"]["60"] < 0.001

# %%
text = "\n".join(held_out)
names = any_name.findall(text)
print(f"a name begins at {len(names) / len(text):.1%} of the characters")

# %% jupyter={"source_hidden": true}
assert 0.005 < len(names) / len(text) < 0.012

# %% [markdown]
# Directly after the name it matters much. 30 characters on, the two predictions differ by less than 0.01; 60
# characters on, by less than 0.001; in all the recorded runs too. (The floor that the RNN reaches, near 10⁻⁷, is
# the rounding of 32-bit numbers.) And half of the names return only after more than 100. So at this budget the LSTM forgets the name
# as the RNN does.
#
# Is the network to blame, or what it was asked? Two things speak for the second. No gradient came from farther than
# 47 steps. And a name begins at about one character in a hundred, so whoever knows it gains very little of the mean
# loss, while spelling gains on every character. (With more training, and longer pieces, LSTMs do learn such things:
# Karpathy et al. [2015](https://arxiv.org/abs/1506.02078) found single cells that count the length of a line or
# remember that a quotation is open.)
#
# ## What breaks
# Was it the text, or the network? A test with nothing else to learn: 8 symbols, a random sequence, and the question
# at its end: *what was the first symbol?* How long can the sequence get? All networks have 64 hidden numbers, 150
# steps and one learning rate.


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


def by_lag(label):
    """What three seeds recall after each lag. (seed, lag)"""
    return torch.tensor(
        [[recall(cores[label], lag, seed) for lag in lags] for seed in range(3)]
    )


recalled = {"RNN": by_lag("RNN")}

# %% tags=["training"]
recalled["LSTM, forget bias 0"] = by_lag("LSTM, forget bias 0")

# %% tags=["training"]
recalled["LSTM, forget bias 3"] = by_lag("LSTM, forget bias 3")

# %% tags=["training"] jupyter={"source_hidden": true}
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
# Lines: the mean of three trainings; shades: from the worst to the best. Five steps are easy for all. At 40 steps
# the RNN guesses, and so does the LSTM with half-closed gates. Open gates still recall more than 40%, and at 20
# steps more than 80%. In between, the RNN depends on the luck of its seed. The two LSTMs differ in *one* thing, the
# bias at the start, so here the open gate is the cause. (All this at 150 steps. And there are other cures: an RNN
# whose hidden weights start as the identity matrix, with ReLU in place of tanh, learns such tasks too, Le et al.
# [2015](https://arxiv.org/abs/1504.00941).)
#
# ## Step 100 has to wait for step 99
# There is a second limit, and it has nothing to do with forgetting. In training all characters of a text are known.
# One would like to compute all positions at once: that is called **parallel training**. The product `inputs @
# w_input` can be done so, as one large product for all positions. `hidden @ w_hidden` cannot: step 100 needs the
# state of step 99. An RNN needs as many **dependent steps** (in papers: **sequential operations**) as there are
# positions.
#
# What does waiting cost? Three ways through 256 positions of 128 numbers, with *the same multiplications* forward (backward, the dependent loop has one product more for each step, because its states want gradients too), one row times one matrix for each position:
#
# - **dependent**: a loop, each product with the result of the one before it, as in an RNN;
# - **separate**: a loop over the positions' own rows, which do not depend on each other;
# - **joined**: the same rows again, in one product.
#
# > **Predict.** Order them by time. Which two are close to each other?


# %%
def three_ways(batch, positions=256, width=128):
    inputs = torch.randn(batch, positions, width)
    w = (torch.randn(width, width) / math.sqrt(width)).requires_grad_()

    def dependent():
        state = inputs[:, 0]
        for _ in range(positions):
            state = state @ w
        return state

    def separate():
        return torch.stack([inputs[:, t] @ w for t in range(positions)])

    return dependent, separate, lambda: inputs @ w


# %% tags=["training"]
def seconds(batch, repeats=9):
    """The fastest of some runs, forward and backward, of the three ways. (3,)"""
    ways = three_ways(batch)
    taken = torch.full((repeats, 3), math.inf)
    for row in taken:
        for i, way in enumerate(ways):
            start = time.perf_counter()
            way().sum().backward()
            row[i] = time.perf_counter() - start
    return taken.amin(dim=0)


waits = {batch: seconds(batch) for batch in (1, 32)}

# %% jupyter={"source_hidden": true} tags=["training"]
figure, axes = plt.subplots(figsize=(6, 2.6))
for (batch, taken), mark in zip(waits.items(), ("o", "s"), strict=True):
    milliseconds = taken * 1000
    axes.semilogx(milliseconds, range(3), mark, ms=8, label=f"batch of {batch}")
    for y, value in enumerate(milliseconds.tolist()):
        axes.annotate(
            f"{value:.1f}", (value, y), (0, 7), textcoords="offset points", ha="center"
        )
axes.set_yticks(range(3), ["dependent", "separate", "joined"])
axes.set(xlabel="milliseconds for 256 positions", ylim=(2.6, -0.6))
axes.set_xlim(waits[1].min() * 400, waits[32].max() * 2500)
axes.grid(axis="x", color="#dddddd")
axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
plt.show()

# %% jupyter={"source_hidden": true}
dependent, separate, joined = waits[1].tolist()
assert dependent > 5 * joined and separate > 5 * joined
assert 1 / 3 < separate / dependent < 3
assert waits[32][0] / waits[32][2] < dependent / joined / 2

# %% [markdown]
# Each row is a way, each mark the time for one batch; from one grid line to the next is a factor of 10. (Marks and
# not bars: on a logarithmic axis a bar would have to begin at 0, which is nowhere.) For a batch of one the two
# loops take about as long, within a factor of 3, and both take more than 5 times as long as the joined product. So on one processor *waiting* costs little by itself: the loop over independent rows takes about as long. What costs is that
# 256 small products are much less efficient than one large one (each has to be started, and each reads the whole
# matrix again), and dependent steps *cannot be joined*. With 32 sequences side by side each step has work to do,
# and the gap is less than half as large. *"RNNs are slow"* is too simple on a CPU.
#
# On a GPU thousands of units could work on independent products at the same time. There, waiting is what costs:
# however many units there are, 256 dependent steps are 256 turns.
#
# ## Question 1.7 · dependent_steps
# Deep RNNs put layers on top of each other: the second layer reads the states of the first as its inputs, and so
# on. Three layers read 1,000 positions, on a machine that can do any number of independent steps at once. One step
# of one layer takes one turn. After how many turns, at least, is the third layer's last state known? 4 minutes.

# %% question="dependent_steps" difficulty=2 minutes=4
### BEGIN SOLUTION
dependent_steps = 1000 + 3 - 1
### END SOLUTION

# %% check="dependent_steps"
from lib.checks import check

dependent_steps = check("dependent_steps")

# %% [markdown]
# ## The trade-off
# Attention (notebooks 03 to 05) lets every position look at every other one directly. Neither limit holds for it,
# and something else is paid. For n positions of d numbers (Vaswani et al. [2017](https://arxiv.org/abs/1706.03762),
# Table 1):
#
# | | dependent steps | longest way from one position to another | multiplications |
# |---|---|---|---|
# | recurrence | n | n | n · d² |
# | self-attention | 1 | 1 | n² · d |
#
# One row of the state times a d × d matrix is d² multiplications, n times. A score for a pair of positions is d
# multiplications, and there are n² pairs. (The papers count the order of magnitude; constant factors such as the
# LSTM's four blocks, and attention's own matrices, d² for each position, are left out.) A worked number for d =
# 128: at n = 256 the recurrence needs 4.2 million, attention 8.4 million, twice as many. At n = 4,096 it is 67
# million against 2,147 million: 32 times as many, for attention's price is n / d times that of the recurrence. This
# **quadratic cost** is what Transformers pay for parallel training; you will measure it in notebook 05.

# %% jupyter={"source_hidden": true}
for n, recurrence, attention in ((256, 4.2, 8.4), (4096, 67, 2147)):
    assert abs(n * 128**2 / 1e6 / recurrence - 1) < 0.01
    assert abs(n**2 * 128 / 1e6 / attention - 1) < 0.01
assert 4096**2 * 128 / (4096 * 128**2) == 32

# %% [markdown]
# ## In other words
# - **Recurrent neural network (RNN)**: reads a sequence step by step; each state is computed from the one before
#   (a **recurrence**). **Hidden state** (hₜ; our `hidden`): the row of numbers that it carries. **Unrolled**:
#   drawn or computed once for each step.
# - **One-hot** (xₜ): a row with a single 1. **Logits**: scores before the softmax.
# - **Language model**: gives each next symbol a probability; **autoregressive**: each from those before it.
# - **Cross-entropy**: the mean of −log p of the right symbol, in **nats**; **perplexity**: e to its power.
# - **Backpropagation through time (BPTT)**: gradients through the unrolled network; **truncated**: only to the
#   beginning of a piece.
# - **Vanishing** and **exploding gradients**: a product of many factors below or above 1. **Spectral radius**
#   (ρ): the largest absolute value of a matrix's eigenvalues. **Gradient clipping**: shorten the gradient to a
#   limit.
# - **Long short-term memory (LSTM)**: hidden state and **cell** (cₜ). **Input gate** (i), **forget gate** (f),
#   **output gate** (o), **candidate** (g, or c̃ₜ). **Constant error carousel**: the cell's way with factor 1.
# - **Gated recurrent unit (GRU)**: a simpler relative with two gates and no separate cell.
# - **Dependent steps**, or **sequential operations**: what has to happen one after the other. **Parallel
#   training**: all positions at once. **Quadratic cost**: n² pairs of positions.
#
# ## Where it comes from
# - Elman [1990](https://doi.org/10.1207/s15516709cog1402_1) trained small networks of this kind on letters and on
#   made-up sentences, and found that the hidden states of nouns and verbs fell into groups that nobody had given.
#   He let the gradient go back one step only.
# - Vanishing gradients: Hochreiter's thesis of
#   [1991](https://people.idsia.ch/~juergen/SeppHochreiter1991ThesisAdvisorSchmidhuber.pdf); Bengio et al.
#   [1994](https://doi.org/10.1109/72.279181), who proved the dilemma above and found gradient descent failing as
#   the distance grew. Clipping, and the wall of the loss: Pascanu et al. [2013](https://arxiv.org/abs/1211.5063).
# - LSTM: Hochreiter and Schmidhuber [1997](https://doi.org/10.1162/neco.1997.9.8.1735), who reported distances of
#   more than 1,000 steps bridged on artificial tasks. The forget gate: Gers et al.
#   [2000](https://doi.org/10.1162/089976600300015015). Its bias: Jozefowicz et al.
#   [2015](https://proceedings.mlr.press/v37/jozefowicz15.html). The GRU: Cho et al.
#   [2014](https://arxiv.org/abs/1406.1078).
# - What LSTMs did afterwards: translation (Sutskever et al. [2014](https://arxiv.org/abs/1409.3215), notebook
#   03), and most of speech and language until 2017.
# - What has changed since: Transformers train in parallel and look back directly, at quadratic cost. Recurrences
#   have come back where that cost hurts. If a recurrence is *linear* (no tanh around the old state), its steps
#   *can* be computed in parallel, in about log n turns (Martin and Cundy
#   [2018](https://arxiv.org/abs/1709.04057)). Mamba (Gu and Dao [2023](https://arxiv.org/abs/2312.00752)) builds
#   on this; xLSTM (Beck et al. [2024](https://arxiv.org/abs/2405.04517)) gives the LSTM new gates and a form that
#   trains in parallel.
#
# ## What to remember
# - An RNN knows of the past what is in its hidden state. Every step overwrites part of it.
# - The gradient back in time is a product of many factors: it vanishes or explodes. Clipping cures explosion. The
#   cell of an LSTM makes the decay slow, by the product of its forget gates, and only while they are open.
# - Steps depend on each other: 256 positions, 256 turns, and they cannot be joined into one product. Attention
#   looks back at any distance in one step, and pays for all pairs.
#
# **Next**: [2 · Bag of words and Word2Vec](02_bag_of_words_and_word2vec.ipynb): where do good input vectors come
# from?
