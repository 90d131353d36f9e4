# %% [markdown]
# # 0 · Start here
# After this notebook you can find your way through the course, do an exercise, and have it checked.
#
# You need: Python, a little linear algebra. You build: the smallest piece of attention. 15 minutes.

# %%
import time

import matplotlib.pyplot as plt
import torch

from lib.figures import style, transformer_map

style()

# %% [markdown]
# ## The question
# *"The cat did not eat the fish because **it** was full."* Who was full? To know what *it* means, a model has to look back
# at the other words and decide how much each of them matters. A Transformer does nothing else, many times over.

# %% [markdown]
# ## By hand
# Suppose *it* gives the words *cat*, *fish*, *eat* the weights 0.7, 0.2, 0.1, and each word is a vector of two numbers:
#
# | word | weight | vector | weight × vector |
# |---|---|---|---|
# | cat | 0.7 | (1, 0) | (0.7, 0.0) |
# | fish | 0.2 | (0, 1) | (0.0, 0.2) |
# | eat | 0.1 | (2, 2) | (0.2, 0.2) |
# | **sum** | 1.0 | | **(0.9, 0.4)** |
#
# The new vector of *it* is (0.9, 0.4): mostly *cat*. That is attention's last step. Where the weights come from fills
# notebooks 03 to 05.

# %% [markdown]
# ## The picture
# This is the whole Transformer (Vaswani et al. 2017, figure 1). The numbers say which notebook builds which part.

# %%
figure, axes = plt.subplots(figsize=(6.4, 5))
transformer_map(axes)
plt.show()

# %% [markdown]
# The encoder (left) reads, the decoder (right) writes, one token after another. The dashed blocks are stacked N times.
# The arrow is cross-attention: the decoder looks at what the encoder has read.
#
# Three famous families are parts of this one picture:

# %% jupyter={"source_hidden": true}
families = {
    "BERT reads": ["encoder"],
    "GPT writes": ["decoder"],
    "T5 reads, then writes": ["encoder", "decoder", "cross"],
}
figure, panels = plt.subplots(1, 3, figsize=(7.6, 2.8))
for axes, (name, parts) in zip(panels, families.items(), strict=True):
    transformer_map(axes, parts, numbers=False)
    axes.set_title(name)
plt.show()

# %% [markdown]
# BERT keeps the encoder, GPT keeps the decoder without its cross-attention, T5 keeps both. You build all three from the
# same pieces, in notebooks 15, 11 and 16.

# %% [markdown]
# ## In code
# The table above, as a loop. `weights` has one number a word; `values` has one row a word.

# %%
weights = torch.tensor([0.7, 0.2, 0.1])
values = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])

mix = torch.zeros(2)
for weight, value in zip(weights, values, strict=True):
    mix = mix + weight * value
print(mix)
assert torch.allclose(mix, torch.tensor([0.9, 0.4]))

# %% [markdown]
# ## Exercise 0.1 · weighted_average
# Write it as a function: from `weights` (key,) and `values` (key, d_value) to their mix (d_value,). A loop is fine; one
# line without a loop is better. Replace the line `raise NotImplementedError()`. Difficulty ●○○ · 2 minutes.
#
# <details><summary>I have no idea how to start</summary>Multiply each row of <code>values</code> by its weight, then add
# the rows.</details>
# <details><summary>My shapes do not fit: (3,) and (3, 2)</summary><code>weights[:, None]</code> has shape (3, 1), which
# multiplies each row by its own weight.</details>
# <details><summary>Without a loop?</summary>A sum of products is a matrix product: <code>@</code>.</details>


# %% exercise="weighted_average" difficulty=1 minutes=2
def weighted_average(weights, values):
    """Mix vectors: each value counts as much as its weight says.

    weights: (key,), they sum to 1    values: (key, d_value)
    Returns the mix (d_value,).
    """
    ### BEGIN SOLUTION
    return weights @ values
    ### END SOLUTION


# %% check="weighted_average"
from lib.checks import check

weighted_average = check("weighted_average")

# %% [markdown]
# The line above says one of three things:
#
# - **○** nothing of yours yet: the notebook goes on with the course's version, so nothing below breaks.
# - **✗** wrong: your mistake where the course knows it, then what was tried, and your numbers beside the expected ones.
# - **✓** right: the cells below, and later notebooks, run *your* function.
#
# Try it: return `values.mean(0)` first, run both cells, and read what the check says. Then write it right.

# %% jupyter={"source_hidden": true}
assert torch.allclose(weighted_average(weights, values), mix)

# %% [markdown]
# ## Question 0.1 · needed_weights
# A question asks for a value and not for code: write it in place of the `...`. Its check says **○** not answered yet,
# **✓** right, and why, or **✗** not right, with a hint.
#
# The vectors are those of the table: (1, 0), (0, 1) and (2, 2). The mix should be (1, 1). Which three weights give it?
# Like all weights here, they sum to 1. Difficulty ●○○ · 3 minutes.

# %% question="needed_weights" difficulty=1 minutes=3
### BEGIN SOLUTION
needed_weights = (1 / 3, 1 / 3, 1 / 3)
### END SOLUTION

# %% check="needed_weights"
from lib.checks import check

needed_weights = check("needed_weights")

# %% [markdown]
# ## What every check demands
# A check runs your code and the course's on the same small inputs and compares what comes out. How you write it is yours:
# loops or none, other variable names, another order of the sums. These few things hold for every exercise, and so no task
# repeats them:
#
# - What your function is given stays as it was. Make new tensors; do not change inputs with `+=` or `x[0] = ...`.
# - The results have the type of the inputs: float64 in, float64 out.
# - Random numbers come from the `generator` that is passed, if there is one. Never set a global seed.
# - Arguments are passed by their position, so their order counts, and your names for them do not.
# - A shape such as (..., d_in) stands for any number of leading axes, also for none. A batch may hold one sequence only.
# - Nothing is kept between calls: the same inputs give the same result, whatever was computed before and whatever has been
#   done with earlier results.
# - Gradients must flow through your code only where the task says so.
#
# A check that needs more says it in the task or in the docstring.

# %% [markdown]
# ## How your work is checked
# The check cell is for you, while you work. The official check runs outside, on the **saved** file (save with Ctrl+S or
# ⌘S first). In a terminal, in the course's folder:
#
#     python3 course.py check 00
#
# or, the same thing, `pytest --nbval notebooks/00_*.ipynb`. It takes your answers out of the notebook and runs them with
# the course's own checks, so edited, moved or deleted check cells change nothing. `python3 course.py status` shows what
# is built so far.

# %% [markdown]
# You cannot break anything: `python3 course.py reset 00` makes this notebook new and keeps a dated copy of yours.
# Add cells, print, plot and try things wherever you like: your own cells are never graded.

# %% [markdown]
# ## What your machine can do
# Most of a Transformer's work is multiplying matrices. This cell times one product of two 1024 × 1024 matrices
# (2 × 1024³ ≈ 2.1 billion operations) with one thread and with all that PyTorch would use.
#
# > **Predict.** Are two threads twice as fast as one?


# %% tags=["training"]
def seconds_for_a_product(threads, size=1024, tries=5):
    torch.set_num_threads(threads)
    a, b = torch.randn(2, size, size)
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return min(times)


all_threads = torch.get_num_threads()
for threads in sorted({1, all_threads}):
    seconds = seconds_for_a_product(threads)
    print(
        f"{threads} thread(s): {1000 * seconds:.0f} ms, "
        f"{2 * 1024**3 / seconds / 1e9:.0f} billion operations a second"
    )

# %% [markdown]
# Your numbers differ from the ones saved here, and from run to run: other programs want the cores too. Every training
# cell of this course was measured on a machine with 2 cores and no GPU. The README states the minutes.

# %% [markdown]
# ## What to remember
# - Attention mixes vectors with weights that sum to 1; everything else in a Transformer prepares or uses that mix.
# - BERT is the encoder, GPT the decoder, T5 both.
# - Exercise, check, save, `python3 course.py check`: ○ not yet, ✗ wrong and why, ✓ yours from now on.
#
# **Next**: [01 RNN limits](01_rnn_limits.ipynb), what was there before attention, and why it was not enough.
