# %% [markdown]
# # 0 · Start here
# After this notebook you can find your way through the course, do an exercise, and have it checked.
#
# You need: Python, and a little linear algebra (vectors, and what a product of two matrices is). You build: the smallest piece
# of attention. 25 minutes.

# %%
import time

import matplotlib.pyplot as plt
import torch

from lib.figures import style, transformer_map

style()

# %% [markdown]
# ## The question
# *"The cat did not eat the fish because **it** was full."* Who was full? To know what *it* means, a model has to look back
# at the other words and decide how much each of them matters. This is called **attention**, and the **Transformer** is the
# model that is built around it. Nearly all of today's large language models are Transformers.

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
# The new vector of *it* is (0.9, 0.4): mostly *cat*. The weights, which sum to 1, are called **attention weights**, the vectors
# that are mixed **values**, and the result is a **weighted average**. That is attention's last step. Where the weights come
# from fills notebooks 03 to 05.

# %% [markdown]
# ## The picture
# This is the Transformer of the paper that introduced it, *Attention is all you need* (Vaswani et al.
# [2017](https://arxiv.org/abs/1706.03762), figure 1). The numbers say which notebook builds which part. (The shortcuts and
# norms around the parts are left out here; they come in notebook 07.)

# %%
figure, axes = plt.subplots(figsize=(6.4, 5))
transformer_map(axes)
plt.show()

# %% [markdown]
# Read it from the bottom up. Text is cut into **tokens**, words or pieces of words, and each token becomes a vector, its
# **embedding**. The **encoder** (left) reads: its vectors come out knowing their context. The **decoder** (right) writes, one
# token after another. The dashed **blocks** are stacked N times. In each, **self-attention** lets the vectors of one text
# look at each other, and a **feed-forward network** then works on each vector by itself. The arrow is **cross-attention**: the
# decoder looks at what the encoder has read.
#
# So attention is not all that a Transformer does: two thirds of the weights of an encoder's block are in the feed-forward network.
# But attention is the only place where anything moves from one word to another.
#
# *Why did it win?* Before it, **recurrent networks** read one word after the other (notebook 01). For a text of 1,000 words
# that is 1,000 steps, of which none can begin before the last one has ended. A Transformer computes all positions of a text
# at the same time, which is what graphics processors are good at: this is its **parallel training**. And any word reaches
# any other in one step. The price is that every word is compared with every other: for n words n² weights. This is its
# **quadratic cost**.
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
# BERT keeps the encoder (**encoder-only**), GPT keeps the decoder without its cross-attention (**decoder-only**), T5 keeps
# both (**encoder-decoder**). You build all three from the same pieces, in notebooks 16, 11 and 17. The large chat models of
# today are decoder-only.

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

    weights: (key,), none below 0, they sum to 1    values: (key, d_value)
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
# ## Question 0.2 · longer_text
# In self-attention each word of a text gets a weight for each word, also for itself. How many times as many weights does a text
# of 3,000 words need as one of 1,000? 1 minute.

# %% question="longer_text" difficulty=1 minutes=1
### BEGIN SOLUTION
longer_text = 9
### END SOLUTION

# %% check="longer_text"
from lib.checks import check

longer_text = check("longer_text")

# %% [markdown]
# ## What every check demands
# A check runs your code and the course's on the same small inputs and compares what comes out. How you write it is yours:
# loops or none, other variable names, another order of the sums. These few things hold for every exercise, and so no task
# repeats them:
#
# - What your function is given stays as it was. Make new tensors; do not change inputs with `+=` or `x[0] = ...`. A model
#   that is given is neither left in `.train()` nor in `.eval()` unless it was so before.
# - The results have the type of the inputs: float64 in, float64 out.
# - Random numbers come from the `generator` that is passed, if there is one. Never set a global seed.
# - Arguments are passed by their position, so their order counts, and your names for them do not.
# - A shape such as (..., d_in) stands for any number of leading axes, also for none. A batch may hold one sequence only.
# - Nothing is kept between calls: the same inputs give the same result, whatever was computed before and whatever has been
#   done with earlier results.
# - Gradients must flow through your code only where the task says so. There they must be right and finite in every case
#   that the task allows, also where nothing may be looked at.
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
# the course's own checks, so edited, moved or deleted check cells change nothing. The last cell of every notebook does
# the same without a terminal. `python3 course.py status` shows what is built so far.

# %% [markdown]
# You cannot break anything: `python3 course.py reset 00` makes this notebook new and keeps a dated copy of yours. For one
# exercise alone, the last cell does that too.
# Add cells, print, plot and try things wherever you like: your own cells are never graded.

# %% [markdown]
# ## What your machine can do
# Most of a Transformer's work is multiplying matrices, so it is worth knowing what that costs. Each number of the product of an
# (n, k) and a (k, m) matrix is a sum of k products: k multiplications, and as many additions. There are n · m such numbers,
# so it takes 2 · n · k · m operations (**FLOPs**, floating-point operations).
#
# ## Question 0.3 · matrix_operations
# 100 words have vectors of 512 numbers: a (100, 512) matrix. The first layer of the feed-forward network multiplies it by a
# (512, 2048) matrix. How many operations is that? 2 minutes.

# %% question="matrix_operations" difficulty=1 minutes=2
### BEGIN SOLUTION
matrix_operations = 2 * 100 * 512 * 2048
### END SOLUTION

# %% check="matrix_operations"
from lib.checks import check

matrix_operations = check("matrix_operations")

# %% [markdown]
# This cell times one product of two 1024 × 1024 matrices (2 × 1024³ ≈ 2.1 billion operations) with one thread and with all
# that PyTorch would use.
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
# ## How to work through a notebook
# Each one has the same parts: a question that the last model cannot answer, the idea by hand and as a picture, then code,
# exercises and questions, a training or a measurement on text, and a look at what breaks when a piece is taken out. At the end
# stand the terms of the field, so that you can read the papers, and where the ideas come from. Where it says **Predict**,
# stop, and write your guess down before you go on: you remember what has surprised you.
#
# An exercise is worth 20 minutes of trying. Then open the hints, and after them the file of the same name in `solutions/`.
#
# ## In other words
# - **Attention**: each vector becomes a mix of others. **Attention weights**: how much of each; they sum to 1. **Values**: what is
#   mixed. **Weighted average**: the mix.
# - **Token**: a word or a piece of one. **Embedding**: its vector.
# - **Encoder**: reads. **Decoder**: writes. **Block** (or layer): the unit that both stack. **Self-attention**: within one text.
#   **Cross-attention**: from the decoder to the encoder. **Feed-forward network** (MLP): for each position by itself.
# - **Encoder-only, decoder-only, encoder-decoder**: BERT, GPT, T5.
# - **Parallel training**: all positions at once. **Quadratic cost**: n² weights for n positions.
# - **FLOP**: one addition or multiplication of floating-point numbers.
#
# ## Where it comes from
# - The Transformer: Vaswani et al. [2017](https://arxiv.org/abs/1706.03762), for translation. Attention itself is older: Bahdanau,
#   Cho and Bengio [2014](https://arxiv.org/abs/1409.0473), in a recurrent translator (notebook 03).
# - GPT: Radford et al. [2018](https://openai.com/index/language-unsupervised/). BERT: Devlin et al.
#   [2018](https://arxiv.org/abs/1810.04805). T5: Raffel et al. [2019](https://arxiv.org/abs/1910.10683).
#
# ## What to remember
# - Attention mixes vectors with weights that sum to 1. It is the only part of a Transformer that moves anything between words.
# - All positions are computed at once, and each looks at each: parallel training, quadratic cost.
# - BERT is the encoder, GPT the decoder, T5 both.
# - Exercise, check, save, `python3 course.py check`: ○ not yet, ✗ wrong and why, ✓ yours from now on.
#
# **Next**: [01 RNN limits](01_rnn_limits.ipynb), what was there before attention, and why it was not enough.
