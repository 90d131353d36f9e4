# %% [markdown]
# # 3 · seq2seq and Bahdanau attention
# After this notebook you can build a network that reads one sequence and writes another, measure what a single vector
# between the two costs, and give the network attention.
#
# You need: notebook 01 (the hidden state and the cell of an LSTM) and notebook 02 (embeddings). You build: padding and
# its mask, teacher forcing, greedy translation, a masked softmax, additive scores, and a decoder with attention. 160
# minutes, best in two sittings.

# %%
import itertools
import json
import math
import random

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

# %%
from lib import seq2seq as library
from lib.batching import EOS, PAD, SOS, Batch, Vocabulary, similar_lengths
from lib.corpora import files
from lib.corpora.dates import load_dates
from lib.corpora.italian import join, load_pairs
from lib.figures import heatmap, style, transformer_map
from lib.scoring import bleu, exact_match
from lib.seq2seq import seeded
from lib.training import train

style()
torch.set_num_threads(1)  # such small matrices gain nothing from a second thread

# %% [markdown]
# ## The question
# Somebody reads 20 random letters to you, once. Now say them backwards.
#
# A translator has a similar task. *I do not know* has four words, its Italian translation *non lo so* has three. *The
# black cat* becomes *il gatto nero*: the cat moves to the middle. So the number of words changes, and their order too.
# The RNN of notebook 01, which predicts something at each position as soon as it has read that position, cannot do
# this. It has to read first and write afterwards. This is called **sequence to sequence** (**seq2seq**) learning: a
# sequence goes in, and another one, of its own length, comes out.
#
# What stands between reading and writing? In the first networks of this kind it was a single vector of fixed size, the
# **context vector**. How far does this go? Here are three networks that keep a vector of 64 numbers. They were trained
# for 600 steps to reverse sequences of 2 to 20 symbols, out of 20 different ones:

# %%
results = json.loads(files.read("seq2seq_results.json"))


def share_right(model, length, steps=600, width=64):
    """Recorded share of right symbols when reversing sequences of this length: one
    number for each of the trainings with different seeds.
    """
    runs = [seed[model] for seed in results["reversal"].values()]
    if (steps, width) != (600, 64):
        key = f"{steps} steps, {width} numbers"
        runs = [seed[model][key] for seed in results["patience"].values()]
    return torch.tensor([run["right"][str(length)] for run in runs])


for length in (4, 10, 20):
    share = share_right("fixed vector", length).mean()
    print(f"{length:2} symbols: {100 * share:.0f}% right")

# %% jupyter={"source_hidden": true}
assert (share_right("fixed vector", 4) > 0.9).all()
assert (share_right("fixed vector", 20) < 0.25).all()
assert len(share_right("fixed vector", 20)) == 3

# %% [markdown]
# Of four symbols more than 90% are right. Of 20 it is less than a quarter, where a guess would get one in twenty, 5%.
# (`benchmarks/seq2seq.py` has trained these networks and recorded the numbers.)
#
# Two explanations come to mind: the vector is too small for 20 symbols, or 600 steps are too few to learn what to do
# with it. Which one is it? And is there a better way than one vector? This notebook answers both questions.
#
# ## By hand
# The better way is **attention**: keep not one vector, but one for *each* word that was read, and mix them anew before
# each word that is written. How much each of them counts is decided in two steps. A **score** says how well a vector
# fits what is needed now; scores may be any numbers. The **softmax** of notebook 02 turns scores into **weights** that
# are positive and sum to 1: e to the power of the score (the numerator), divided by the sum of all such powers (the
# denominator). Here are two words and a place of padding, with scores that somebody gave us:
#
# | word | vector | score | e^score | weight |
# |---|---|---|---|---|
# | the | (4, 0) | 0 | 1 | 1 / (1 + 3) = **1/4** |
# | cat | (0, 4) | log 3 | 3 | 3 / (1 + 3) = **3/4** |
# | `<PAD>` | (9, 9) | none | 0 | **0** |
#
# The mix is the weighted sum: 1/4 · (4, 0) + 3/4 · (0, 4) = (1, 0) + (0, 3) = **(1, 3)**. This is the context vector
# for the word that is written now. `<PAD>` ("padding") is not a word, it only fills up a short sentence, so it must get
# the weight 0.
#
# ## The picture
# First the network without attention. The **encoder** reads the source sentence, the **decoder** writes the target
# sentence:

# %% jupyter={"source_hidden": true}
INK = "#555555"


def box(axes, x, y, label, colour="#cfe0fc", width=1.1, height=0.56):
    corner = (x - width / 2, y - height / 2)
    axes.add_patch(plt.Rectangle(corner, width, height, color=colour))
    axes.text(x, y, label, ha="center", va="center", fontsize=9)


def arrow(axes, start, end, label="", place=(0, 0.12), colour=INK, style="-", **more):
    kind = {"arrowstyle": "->", "color": colour, "linestyle": style, **more}
    axes.annotate("", end, start, arrowprops=kind)
    x, y = (start[0] + end[0]) / 2 + place[0], (start[1] + end[1]) / 2 + place[1]
    axes.text(x, y, label, ha="center", va="center", fontsize=7, color=INK)


figure, axes = plt.subplots(figsize=(9, 3.5))
for i, word in enumerate(["the", "cat", "sleeps"]):
    box(axes, 1.7 * i, 1.6, "LSTM")
    axes.text(1.7 * i, 0.05, word, ha="center", va="center", fontsize=10)
    arrow(axes, (1.7 * i, 0.25), (1.7 * i, 1.3))
    if i:
        arrow(axes, (1.7 * i - 1.15, 1.68), (1.7 * i - 0.57, 1.68))
        arrow(axes, (1.7 * i - 0.57, 1.52), (1.7 * i - 1.15, 1.52))
axes.text(-0.1, 0.78, "(batch,\nd_embedding)", ha="right", va="center", fontsize=7)
box(axes, 5.7, 1.6, "c", colour="#ffd08a", width=0.7, height=0.7)
arrow(axes, (3.97, 1.6), (5.33, 1.6), "(batch, d_hidden)", (0, 0.5))
written = ["il", "gatto", "dorme", "<EOS>"]
for i, (heard, said) in enumerate(zip(["<SOS>", *written], written, strict=False)):
    x = 7.9 + 1.9 * i
    box(axes, x, 1.6, "LSTM", colour="#ffe3c2")
    axes.text(x, 0.05, heard, ha="center", va="center", fontsize=10)
    axes.text(x, 2.95, said, ha="center", va="center", fontsize=10)
    arrow(axes, (x, 0.25), (x, 1.3))
    arrow(axes, (x, 1.9), (x, 2.75))
    axes.plot([5.7, 5.7, x - 0.35], [1.23, 0.75, 0.75], color="#c77700", lw=1.5)
    arrow(axes, (x - 0.35, 0.73), (x - 0.35, 1.3), colour="#c77700", lw=1.5)
    if i:
        arrow(axes, (x - 1.33, 1.6), (x - 0.57, 1.6))
        arrow(axes, (x - 1.7, 2.8), (x - 0.45, 0.2), colour="C0", style="--")
axes.text(7.8, 2.33, "(batch, vocab)", ha="right", va="center", fontsize=7, color=INK)
axes.text(6.6, 0.55, "c again at every step", ha="center", fontsize=7, color=INK)
axes.text(8.85, 1.78, "state", ha="center", fontsize=7, color=INK)
axes.text(1.7, 2.3, "encoder: reads", ha="center", fontsize=10, weight="bold")
axes.text(10.75, 3.4, "decoder: writes", ha="center", fontsize=10, weight="bold")
axes.set(xlim=(-1.5, 14.3), ylim=(-0.2, 3.6))
axes.axis("off")
plt.show()

# %% [markdown]
# Read it from left to right. Each English word becomes an embedding, a row of d_embedding numbers (notebook 02). An
# LSTM reads them in both directions. Where the two directions end, all that they know is put into the orange square,
# the context vector c with d_hidden numbers, as many as an LSTM's hidden state has. (The cells of the two go along with
# it, into the decoder's first state.) The decoder is a second LSTM. It gets c at every step, and below it gets the word
# before: first `<SOS>` ("start of sequence"), then the words that were written so far (dashed arrows). At each step it
# gives one number for each word of the Italian vocabulary. When it writes `<EOS>` ("end of sequence"), it has finished.
# Whatever the length of the sentence, all that the decoder knows about it has to pass through the orange square and the cell beside it, which is why people
# call it a **bottleneck**.
#
# Attention replaces the orange square. This is what happens between two words that are written, one step of the
# decoder:

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(9, 3.3))
names = ["memory", "scores", "masked\nsoftmax", "weighted\nsum", "LSTM"]
names += ["output\nlayer"]
colours = ["#cfe0fc", "#f3cfe0", "#f3cfe0", "#f3cfe0", "#ffe3c2", "#ffe3c2"]
for i, (name, colour) in enumerate(zip(names, colours, strict=True)):
    box(axes, 2.6 * i, 1, name, colour, width=1.3, height=0.75)
shapes = ["keys (batch,\nkey, d_att.)", "(batch,\nkey)", "weights\n(batch, key)"]
shapes += ["context\n(batch, d_hid.)", "new hidden\n(batch, d_hid.)", "(batch,\nvocab)"]
for i, shape in enumerate(shapes):
    arrow(axes, (2.6 * i + 0.67, 1), (2.6 * i + 1.93, 1), shape, (0, 0.66))
tops = {
    1: "hidden before (the query)\n(batch, d_hidden)",
    2: "mask\n(batch, key)",
    4: "embedding of the word before\n(batch, d_embedding)",
}
for i, label in tops.items():
    axes.text(2.6 * i, 2.45, label, ha="center", va="center", fontsize=7, color=INK)
    arrow(axes, (2.6 * i, 2.2), (2.6 * i, 1.4))
below = [
    (0, 3, "memory (batch, key, d_hidden)"),
    (3.25, 5, "context (batch, d_hidden)"),
]
for start, end, label in below:
    x, y = 2.6 * start, 2.6 * end
    top = 0.62 if start == 0 else 1
    axes.plot([x, x, y], [top, -0.2, -0.2], color=INK, lw=1, zorder=0)
    arrow(axes, (y, -0.22), (y, 0.62))
    axes.text((x + y) / 2, -0.42, label, ha="center", fontsize=7, color=INK)
axes.text(15.05, 1, "logits", va="center", fontsize=9)
axes.set(xlim=(-0.9, 16.4), ylim=(-0.6, 2.8))
axes.axis("off")
plt.show()

# %% [markdown]
# The **memory** holds the encoder's vector for every source position; "key" counts these positions. Follow the middle
# row: each position gets a score, the masked softmax makes weights of the scores, and the weighted sum mixes the memory
# into one context vector, for this step only. The rest is as before: an LSTM step, and an output layer that gives one
# number for every word of the vocabulary. The three pink boxes are new. They are today's exercises 3.4 to 3.6.
#
# Where does this stand in the Transformer? Its decoder looks at its encoder by attention as well, with other scores:

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(4.6, 3.6))
transformer_map(axes, parts=("cross",), numbers=False)
plt.show()

# %% [markdown]
# The Transformer keeps the encoder, the decoder and, between them, the attention of this notebook; the box in colour is
# called **cross-attention** there. What it drops is the LSTM.
#
# ## In code
# The table from above:

# %%
scores = torch.tensor([0.0, math.log(3), -math.inf])  # (key)
vectors = torch.tensor([[4.0, 0.0], [0.0, 4.0], [9.0, 9.0]])  # (key, d_hidden)
weights = scores.softmax(dim=-1)  # (key)
mix = weights @ vectors  # (d_hidden)
assert torch.allclose(weights, torch.tensor([0.25, 0.75, 0.0]))
assert torch.allclose(mix, torch.tensor([1.0, 3.0]))

# %% [markdown]
# The padding got the score −∞, because e to the power of −∞ is 0. We shall come back to this. First we build the
# network without attention, from the data on.
#
# ## Sentences of unequal length
# A network reads many sentences at once, a **batch**, as one tensor. Tensors are rectangles, and sentences are not
# equally long. So short ones are filled up with **padding**: the token `<PAD>`, with the id 0. That makes a second
# tensor necessary. The **mask** says which places are real: True on a token, False on padding. Everything that comes
# later (the encoder, the attention, the loss) needs it, in order not to take padding for words.
#
# A worked example, with the sentences [7, 8, 9] and [5]:
#
# | sentence | ids | mask |
# |---|---|---|
# | [7, 8, 9] | 7 8 9 | True True True |
# | [5] | 5 0 0 | True False False |
#
# Both tensors have the shape (batch, position) = (2, 3): three is the length of the longest sentence.
#
# ## Exercise 3.1 · pad_batch
# From a list of sentences (lists of ids) to `ids` (batch, position), filled up after each sentence, and `mask` (batch,
# position), bool, True on real tokens, none of which has the id 0. An empty sentence is possible; if all are empty,
# both results are (batch, 0). The lists stay as they are. Difficulty ●○○ · 6 minutes.
#
# <details><summary>Which type do ids have?</summary><code>torch.zeros(rows, columns, dtype=torch.long)</code>, then
# write each sentence into its row.</details>
# <details><summary>expected a sequence of equal length</summary><code>torch.tensor</code> makes no rectangle out of
# unequal lists: fill one row at a time, <code>ids[row, :n]</code>.</details>


# %% exercise="pad_batch" difficulty=1 minutes=6
def pad_batch(sentences):
    """One rectangle of ids, filled up with <PAD> (id 0) after each sentence, and its
    mask.

    sentences: lists of ids above 0, of any lengths, empty ones included; at least one
        list
    Returns ids (batch, position), int64, and mask (batch, position), bool, True on real
    tokens. position is the length of the longest sentence, 0 if all are empty.
    """
    ### BEGIN SOLUTION
    longest = max(len(sentence) for sentence in sentences)
    ids = torch.zeros(len(sentences), longest, dtype=torch.long)
    mask = torch.zeros(len(sentences), longest, dtype=torch.bool)
    for row, sentence in enumerate(sentences):
        ids[row, : len(sentence)] = torch.tensor(sentence)
        mask[row, : len(sentence)] = True
    return ids, mask
    ### END SOLUTION


# %% check="pad_batch"
from lib.checks import check

pad_batch = check("pad_batch")

# %% [markdown]
# ## Teacher forcing
# What is the decoder trained for? Call the source sentence x and the target y = (y₁, …, y_m), where the last token y_m
# is `<EOS>`. The network should give the right translation a high probability. By the chain rule of probability, that
# of a whole sentence is a product over its tokens, each given the ones before it:
#
# $$P(y \mid x) = \prod_{i=1}^{m} P(y_i \mid y_1, \dots, y_{i-1}, x)$$
#
# A model that writes like this, each token from the source and its own tokens so far, is called **autoregressive**. One
# step of the decoder computes one factor: a softmax over the vocabulary. The loss is the mean of −log P over the
# tokens, as in notebook 01. A worked number: for *il gatto `<EOS>`* the decoder gives the three right tokens the
# probabilities 1/2, 1/4 and 1. The whole sentence then has 1/2 · 1/4 · 1 = 1/8, and the loss is (log 2 + log 4 + log 1)
# / 3 = log 8 / 3 = 0.69.
#
# In the formula every factor is conditioned on the *right* tokens before it. So in training the decoder is fed with the
# right token before, whatever it would have written itself. This is **teacher forcing**. What the decoder hears and
# what it should say are then the same sentence, one step apart:
#
# | step | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|
# | hears | `<SOS>` | il | gatto | dorme |
# | should say | il | gatto | dorme | `<EOS>` |
#
# Without a teacher, training would start with a decoder that hears its own nonsense, and would have to learn from that
# how a sentence goes on. But teacher forcing has a price, too. When the network is used, nobody knows the right words,
# so it hears its own, mistakes included, which it has never met in training. This mismatch is called **exposure bias**.
# How much harm it does depends on the task; we shall measure it below.
#
# ## Exercise 3.2 · shift_right
# From sentences to three tensors (batch, position + 1): `inputs`, beginning with `<SOS>` (id 1); `targets`, ending with
# `<EOS>` (id 2); the `mask`, True where there is a target. Use `pad_batch`; the lists stay as they are. Difficulty ●○○ · 6 minutes.
#
# <details><summary>Where does EOS go in a short sentence?</summary>Directly after its last word, before the padding:
# add it to each list, then pad.</details>
# <details><summary>Does the mask cover EOS?</summary>Yes: the decoder has to learn when to stop.</details>


# %% exercise="shift_right" difficulty=1 minutes=6
def shift_right(sentences):
    """What a decoder reads at each position, and what it should say there: the same
    words, one step apart.

    sentences: lists of ids from 3 (<UNK>) on, maybe empty; at least one list.
    The ids 1 and 2 are named SOS and EOS. Returns inputs and targets, int64, and mask,
    bool, (batch, position) each, position being one more than the longest sentence.
    """
    ### BEGIN SOLUTION
    inputs, mask = pad_batch([[SOS, *sentence] for sentence in sentences])
    targets, _ = pad_batch([[*sentence, EOS] for sentence in sentences])
    return inputs, targets, mask
    ### END SOLUTION


# %% check="shift_right"
from lib.checks import check

shift_right = check("shift_right")

# %%
rows = dict(zip(("hears", "says", "real"), shift_right([[7, 8, 9], [5]]), strict=True))
for name, row in rows.items():
    print(f"{name:6}", row.tolist())
assert rows["hears"].tolist() == [[1, 7, 8, 9], [1, 5, 0, 0]]

# %% jupyter={"source_hidden": true}
assert abs(torch.tensor([0.5, 0.25, 1.0]).log().mean() + math.log(8) / 3) < 1e-6
assert abs(math.log(8) / 3 - 0.69) < 0.005

# %% [markdown]
# ## Question 3.1 · logits_shape
# A batch holds 48 pairs. The longest source has 12 tokens, the longest target has 9 (without `<SOS>` and `<EOS>`). The
# decoder has 64 numbers in its hidden state and knows 500 words. With teacher forcing it gives **logits**, scores
# before the softmax, for the whole batch. What is their shape? A tuple. 3 minutes.

# %% question="logits_shape" difficulty=1 minutes=3
### BEGIN SOLUTION
logits_shape = (48, 10, 500)
### END SOLUTION

# %% check="logits_shape"
from lib.checks import check

logits_shape = check("logits_shape")

# %% [markdown]
# ## Writing without a teacher
# When the network is used, the decoder hears its own words. The simplest way to choose them is **greedy**: always take
# the likeliest token, feed it back, and go on until `<EOS>`. In a batch, one sentence is done earlier than another. The
# batch goes on until all are done, and a row that is done is filled with `<PAD>`:
#
# | step | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|
# | row 0 writes | il | gatto | dorme | `<EOS>` |
# | row 1 writes | non | so | `<EOS>` | `<PAD>` |
#
# After step 4 both rows are done, and the decoder is not called again. Nothing guarantees that a row ever writes
# `<EOS>`, so there has to be a limit as well.
#
# What the decoder must carry from step to step (its hidden state, its cell, the context vector) we call its **state**:
# a tuple of tensors. It goes into each step, and a new one comes out. (Greedy is not the best one can do: the likeliest
# first word may begin an unlikely sentence. Notebook 10 searches more carefully.)
#
# ## Exercise 3.3 · greedy_translate
# Start every row with `<SOS>`. Call `step(ids, state)`, take the likeliest token, whichever it is, feed it back. Only
# `<EOS>` ends a row; after it write `<PAD>` there, and feed what you like. Once all rows are done, or after `limit`
# tokens, call `step` no more. Returns ids (batch, written). Difficulty ●●○ · 12 minutes.
#
# <details><summary>How many rows are there?</summary>Every part of the state has one row a sentence:
# <code>len(state[0])</code>.</details>
# <details><summary>A sentence goes on after its end</summary>Keep <code>done</code> (batch,), a bool for each row, and
# put <code>PAD</code> where it is True: <code>masked_fill</code>.</details>
# <details><summary>It never stops</summary>Rows end at different steps: <code>done = done | (ids == EOS)</code>, and
# stop at <code>done.all()</code>.</details>


# %% exercise="greedy_translate" difficulty=2 minutes=12
def greedy_translate(step, state, limit):
    """Let a decoder read its own words: start from <SOS>, always take the likeliest,
    stop at <EOS>.

    step: a function (ids (batch,), state) -> logits (batch, vocab), the next state,
    something else
    state: a tuple of tensors, (batch, ...) each
    limit: write at most so many tokens, at least 1
    Returns ids (batch, written), int64, as wide as the longest row with its <EOS>;
    after a row's <EOS> there is only <PAD>. Before it, <PAD> is a token like any other.
    What a row that is done is fed does not matter; when all are done, `step` is not
    called again.
    """
    ### BEGIN SOLUTION
    ids = torch.full((len(state[0]),), SOS)
    done = ids == EOS
    written = []
    while len(written) < limit and not done.all():
        logits, state, _ = step(ids, state)
        ids = logits.argmax(dim=-1).masked_fill(done, PAD)
        done = done | (ids == EOS)
        written.append(ids)
    return torch.stack(written, dim=1)
    ### END SOLUTION


# %% check="greedy_translate"
from lib.checks import check

greedy_translate = check("greedy_translate")

# %% [markdown]
# ## Question 3.2 · unshifted
# Find out what a bug does. Somebody has mixed up the rows of exercise 3.2, so in training the targets are the *inputs*
# themselves: the decoder hears [1, 7, 8, 9] and should say [1, 7, 8, 9]. The loss falls to nearly 0 within a hundred
# steps. Then the network translates: `greedy_translate` with limit 4. Which four ids does it write? A list. 4 minutes.

# %% question="unshifted" difficulty=2 minutes=4
### BEGIN SOLUTION
unshifted = [1, 1, 1, 1]
### END SOLUTION

# %% check="unshifted"
from lib.checks import check

unshifted = check("unshifted")

# %% [markdown]
# ## Three networks of 2014
# Three papers made this way of translating known, within four months. They are often told as one, but they differ, and
# they found different things. (BLEU is a score for translations, 100 at best; it is explained below.)
#
# | | the encoder reads | the decoder gets | what they reported |
# |---|---|---|---|
# | Cho et al., June ([1406.1078](https://arxiv.org/abs/1406.1078)) and September ([1409.1259](https://arxiv.org/abs/1409.1259)) | from left to right, with the **GRU**, a simpler relative of the LSTM that they introduced | the last state, again at every step | in June it scored pairs of phrases for an older translation system; in September it translated alone, well for short sentences, and its quality fell rapidly with their length |
# | Sutskever et al., September ([1409.3215](https://arxiv.org/abs/1409.3215)) | the source *backwards*, with four layers of LSTM | the last states of all layers, 8,000 numbers, once | BLEU 34.8 with five networks together, where a phrase-based system had 33.3; no difficulty with long sentences |
# | Bahdanau, Cho and Bengio, September ([1409.0473](https://arxiv.org/abs/1409.0473)) | in both directions, with GRUs | attention: a new mix of all states at every step | BLEU 26.8, against 17.8 for the same network with one vector; no fall on long sentences |
#
# So already in 2014, a fixed vector lost long sentences in one paper and kept them in another: in a much larger
# network, which read the source backwards. Why should reading backwards help? Count steps. One word is read or written
# at each step, and let the translation be word for word. *a b c* is read at steps 1, 2, 3, and *w x y* is written at
# steps 4, 5, 6. From *a* to its translation *w* it is 4 − 1 = 3 steps, from *b* to *x* 5 − 2 = 3, and from *c* to *y*
# again 3. Gradients must travel the same way back, and notebook 01 has shown what they lose on the way.
#
# ## Question 3.3 · reversed_lag
# A sentence of 20 words is read *backwards*, one word at each step, and then translated word for word from its first
# word on, one word at each step. How many steps are there between reading the source's **first** word and writing its
# translation? And how many between a word and its translation **on average** over the 20 words? A tuple of two numbers.
# 5 minutes.

# %% question="reversed_lag" difficulty=2 minutes=5
### BEGIN SOLUTION
reversed_lag = (1, 20)
### END SOLUTION

# %% check="reversed_lag"
from lib.checks import check

reversed_lag = check("reversed_lag")

# %% [markdown]
# So the mean distance stays the same, but the first words come very near to their translations. The authors had no complete
# explanation; they believed that these many short distances make the training easier.
#
# ## Three classes, written out
# Now our own network. It takes from each of the three: LSTMs, as Sutskever's has; an encoder that reads in both
# directions, as Bahdanau's; and the vector given again at every step, as Cho's. It is small: one layer, 64 numbers. The
# following classes are given. Read them: exercise 3.6 builds on them.
#
# The encoder is your LSTM of notebook 01 twice, once from the left and once from the right (a **bidirectional** LSTM),
# in PyTorch's fast version. Each direction has d_hidden / 2 numbers, and the two are put side by side.
# `pack_padded_sequence` tells it how long each sentence is, so that it never reads padding: the direction from the
# right begins at the last real word.


# %%
class Encoder(nn.Module):
    """Read a sentence from both ends."""

    def __init__(self, vocab, d_embedding, d_hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_embedding)
        self.lstm = nn.LSTM(
            d_embedding, d_hidden // 2, batch_first=True, bidirectional=True
        )

    def forward(self, ids, mask):
        """ids, mask (batch, position) to memory (batch, position, d_hidden), zero on
        padding, and to both directions' ends: hidden, cell (batch, d_hidden).
        """
        words, lengths = self.embedding(ids), mask.sum(dim=1)
        packed = pack_padded_sequence(
            words, lengths, batch_first=True, enforce_sorted=False
        )
        states, ends = self.lstm(packed)
        memory, _ = pad_packed_sequence(
            states, batch_first=True, total_length=ids.shape[1]
        )
        # (2, batch, half) to (batch, d_hidden)
        hidden, cell = (end.transpose(0, 1).flatten(1) for end in ends)
        return memory, hidden, cell


# %% [markdown]
# The decoder has two functions. `start` takes what the encoder found and makes the first state of it. `step` takes the
# word before and the state, and gives three things: the logits, the next state, and the weights of attention (here
# there are none). The LSTM's input is the embedding of the word before and the context vector, side by side. The logits
# are computed from the new hidden state s and the context vector c in two steps,
#
# $$\mathrm{logits} = E \, \tanh(W_{\mathrm{mix}} [s; c]) + b$$
#
# where [s; c] stands for the two side by side, W_mix (`mix`) brings them to d_embedding numbers, E is the table of
# embeddings (vocab, d_embedding), and b (`bias`) has one number for each word. So the result is compared with the
# embedding of every word by a dot product. The same table serves to read words and to write them, which saves
# parameters (**tied embeddings**, Press and Wolf [2017](https://arxiv.org/abs/1608.05859)).


# %%
class FixedVectorDecoder(nn.Module):
    """Knows the source from one vector, which it gets again at every step."""

    def __init__(self, vocab, d_embedding, d_hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_embedding)
        self.cell = nn.LSTMCell(d_embedding + d_hidden, d_hidden)
        self.mix = nn.Linear(2 * d_hidden, d_embedding)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def start(self, memory, mask, hidden, cell):
        return hidden, cell, hidden  # the last one is the context vector

    def step(self, ids, state):
        hidden, cell, context = state
        heard = torch.cat([self.embedding(ids), context], dim=-1)
        hidden, cell = self.cell(heard, (hidden, cell))
        features = torch.tanh(self.mix(torch.cat([hidden, context], dim=-1)))
        logits = features @ self.embedding.weight.T + self.bias  # (batch, vocab)
        return logits, (hidden, cell, context), None


# %% [markdown]
# And the two together. `forward` is teacher forcing, as a loop; `loss` leaves out padding with the mask.


# %%
class Translator(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def start(self, source, mask):
        memory, hidden, cell = self.encoder(source, mask)
        return self.decoder.start(memory, mask, hidden, cell)

    def forward(self, source, mask, inputs):
        """Logits (batch, position, vocab), weights (batch, position, key) or None."""
        state, logits, weights = self.start(source, mask), [], []
        for ids in inputs.T:  # the right word before, whatever the decoder would say
            scores, state, looked = self.decoder.step(ids, state)
            logits.append(scores)
            weights.append(looked)
        looked_at = None if looked is None else torch.stack(weights, dim=1)
        return torch.stack(logits, dim=1), looked_at

    def loss(self, batch):
        logits, _ = self(batch.source, batch.source_mask, batch.inputs)
        return functional.cross_entropy(logits[batch.mask], batch.targets[batch.mask])


# %% jupyter={"source_hidden": true}
ours = seeded(
    Translator(Encoder(11, 5, 6), FixedVectorDecoder(13, 5, 6)),
    torch.Generator().manual_seed(0),
)
theirs = library.Translator(
    library.Encoder(11, 5, 6), library.FixedVectorDecoder(13, 5, 6)
)
theirs.load_state_dict(ours.state_dict())
some = torch.tensor([[4, 5, 6], [7, 0, 0]])
expected = theirs(some, some > 0, some)[0]
assert torch.allclose(ours(some, some > 0, some)[0], expected, atol=1e-6)

# %% [markdown]
# Back to the task of the beginning. `batch_of` puts your two functions together; a `Batch` is a named tuple of five
# tensors: `source`, `source_mask`, `inputs`, `targets` and `mask`. `train` is the loop of notebook 01 (loss, gradients,
# clipping, a step), with AdamW as its optimiser; in the first 100 steps the learning rate rises to `peak`, then it
# falls along a cosine, nearly to 0. `seeded` draws fresh weights out of a generator. (Reversing has a peculiarity: the
# symbol that is read last is written first, as in Sutskever's reversed sentences. For the direction from the right it
# is the other way round.)


# %%
def batch_of(pairs):
    return Batch(
        *pad_batch([source for source, _ in pairs]),
        *shift_right([target for _, target in pairs]),
    )


def to_reverse(number, length, rng):
    """Pairs of a random sequence and the same one back to front; 20 symbols, ids 4 to
    23.
    """
    sequences = [[rng.randrange(4, 24) for _ in range(length)] for _ in range(number)]
    return [(sequence, sequence[::-1]) for sequence in sequences]


def endless(rng):
    while True:
        yield batch_of(to_reverse(48, rng.randint(2, 20), rng))


# %% tags=["training"]
fixed = seeded(
    Translator(Encoder(24, 48, 64), FixedVectorDecoder(24, 48, 64)),
    torch.Generator().manual_seed(0),
)
losses = train(fixed, fixed.loss, endless(random.Random(0)), steps=600, peak=5e-3)

# %% [markdown]
# Two helpers. `translations` runs your `greedy_translate` over many sentences; `similar_lengths` puts those of similar
# length into one batch, so that there is little padding. `right_symbols` reverses 200 sequences and counts how many
# symbols stand where they should.


# %%
@torch.no_grad()
def translations(model, sentences, limit, tokens=4000):
    """Your greedy translation of each sentence, a list of ids each, as far as <EOS>."""
    written = [None] * len(sentences)
    for chosen in similar_lengths([len(sentence) for sentence in sentences], tokens):
        state = model.start(*pad_batch([sentences[i] for i in chosen]))
        rows = greedy_translate(model.decoder.step, state, limit).tolist()
        for i, ids in zip(chosen, rows, strict=True):
            written[i] = ids[: ids.index(EOS)] if EOS in ids else ids
    return written


def right_symbols(model, length):
    pairs = to_reverse(200, length, random.Random(1000 + length))
    written = translations(model, [source for source, _ in pairs], length)
    hits = sum(
        a == b
        for mine, (_, right) in zip(written, pairs, strict=True)
        for a, b in zip(mine, right, strict=False)
    )
    return hits / (200 * length)


# %% [markdown]
# > **Predict.** This network has seen sequences of 2 to 20 symbols. It now reverses one of 4, and one of 20. What does
# > its answer to the long one look like?

# %% tags=["training"]
letters = "????abcdefghijklmnopqrst"
for length in (4, 20):
    ((source, target),) = to_reverse(1, length, random.Random(1))
    (answer,) = translations(fixed, [source], length)
    for name, ids in (("read", source), ("right", target), ("wrote", answer)):
        print(f"{name:6}", "".join(letters[i] for i in ids))

# %% jupyter={"source_hidden": true} tags=["training"]
assert right_symbols(fixed, 4) > 0.9
assert right_symbols(fixed, 20) < 0.25

# %% [markdown]
# Four symbols come back. Of the long sequence few stand where they should.

# %% [markdown]
# How much of this is exposure bias? Give the same network the right symbols to hear, as in training, and count again.
# (In a random sequence one symbol tells nothing about the next. What the network can take from it is how far it has
# come.)


# %% tags=["training"]
@torch.no_grad()
def right_with_teacher(model, length):
    batch = batch_of(to_reverse(200, length, random.Random(1000 + length)))
    logits, _ = model(batch.source, batch.source_mask, batch.inputs)
    hits = logits.argmax(dim=-1) == batch.targets
    return hits[:, :length].float().mean().item()  # without <EOS>


told = {length: right_with_teacher(fixed, length) for length in (4, 10, 20)}
alone = {length: right_symbols(fixed, length) for length in (4, 10, 20)}
for length in told:
    print(
        f"{length:2} symbols: with the teacher {told[length]:.0%}, "
        f"alone {alone[length]:.0%}"
    )

# %% jupyter={"source_hidden": true} tags=["training"]
assert alone[10] + 0.15 < told[10] < 0.95
assert alone[20] + 0.1 < told[20] < 0.7

# %% [markdown]
# The same network, the same sequences: with the teacher it gets far more of 10 symbols right than alone. What it hears
# is the only difference, so its own wrong symbols mislead it: a part of what we saw is exposure bias. But even with the
# teacher, most of 20 symbols are wrong in this run, so it is not all of it.
#
# ## Too small, or trained too little?
# Is there room for 20 symbols in the vector at all? Count it in **bits**, questions that can be answered with yes or
# no. One of 20 equally likely symbols takes log₂ 20 = 4.3 bits, and 20 of them take 20 · 4.3 = 86 bits. The vector has
# 64 numbers of 32 bits each, 2,048 bits. (And the decoder's first state has the encoder's cell as well.) So in
# principle there is room enough, many times over. The question is whether the network *learns* to pack 20 symbols into
# the vector, and to unpack them again.
#
# ## Question 3.4 · trained_longer
# After 600 steps, the network with the fixed vector got less than a quarter of 20 symbols right. Now a network of the
# same sizes is trained anew with 4,800 steps, eight times as many. What share of 20 symbols will it get right? `"a"`:
# less than a quarter again, for the vector is full. `"b"`: much more, but far from all. `"c"`: more than 90%. 3
# minutes.

# %% question="trained_longer" difficulty=2 minutes=3
### BEGIN SOLUTION
trained_longer = "b"
### END SOLUTION

# %% check="trained_longer"
from lib.checks import check

trained_longer = check("trained_longer")

# %% [markdown]
# Each row of the recorded table is a training of its own, from fresh weights to the end of its schedule. The last row
# is a network with 128 numbers in its vector and its state, trained for 600 steps:

# %%
print("fixed vector: share right of  10     15     20 symbols")
for steps, width in ((300, 64), (600, 64), (1200, 64), (4800, 64), (600, 128)):
    shares = [
        share_right("fixed vector", length, steps, width).mean()
        for length in (10, 15, 20)
    ]
    label = f"{steps:4} steps, {width:3} numbers"
    print(f"{label:28}", *(f"{share:6.2f}" for share in shares))

# %% jupyter={"source_hidden": true}
assert 4.3 < math.log2(20) < 4.35 and 86 < 20 * math.log2(20) < 87 and 64 * 32 == 2048
assert (share_right("fixed vector", 10, 4800) > 0.99).all()
shares = share_right("fixed vector", 15, 4800)
assert (shares > 0.8).all() and (shares < 0.9).all()
shares = share_right("fixed vector", 20, 4800)
assert (shares > 0.4).all() and (shares < 0.6).all()
wide = share_right("fixed vector", 10, 600, 128)
longer = share_right("fixed vector", 10, 1200)
assert (wide - longer).abs().max() < 0.05

# %% [markdown]
# The row of 600 steps with 64 numbers is the mean of three trainings, the others are one training each. After 4,800
# steps the *same* 64 numbers carry 10 symbols with hardly a mistake, 85% of 15 and about half of 20. So the vector was
# not full after 600 steps: the network had not yet learnt to use it. Twice the width helps as well: with 128 numbers,
# 600 steps get as far with 10 symbols as 1,200 steps do with 64. Whether 64 numbers would carry all 20 symbols after a
# still longer training, we have not tried.
#
# So at these sizes the bottleneck is mostly one of *learning*, and only perhaps one of room. It is a bottleneck all the
# same: eight times the training for sequences of 10 symbols is a high price.
#
# ## Attention: keep every position
# Bahdanau, Cho and Bengio did not train longer. Their conjecture was that the fixed vector is the bottleneck, so they
# removed it. The encoder has a vector for *every* position anyway: the hidden state after reading it, from both
# directions. They call these vectors **annotations** h_1, …, h_n (n is the length of the source); in our code they are
# the rows of `memory`. The decoder keeps them all, and before each word it makes a context vector of its own:
#
# $$e_{ij} = a(s_{i-1}, h_j) \qquad \alpha_{ij} = \frac{\exp(e_{ij})}{\sum_{k=1}^{n} \exp(e_{ik})} \qquad c_i = \sum_{j=1}^{n} \alpha_{ij}\, h_j$$
#
# Here i counts the words that are written and j those that were read; s_{i−1} is the decoder's hidden state before word
# i; a is a function that gives a score, and e_ij is that score; α_ij is the weight of source position j for word i; c_i
# is the **context vector** for word i. The table under *By hand* was one row of this: e = (0, log 3), α = (1/4, 3/4), c
# = (1, 3).
#
# In later words, which are those of the Transformer, s_{i−1} is the **query**: it asks. What it is compared with are
# the **keys**, and what is mixed are the **values**; here both come from the same annotations.
#
# Which source word belongs to which target word is an old question in translation, called **alignment**. The weights
# answer it softly: not *this* word, but so much of this and so much of that. That is why the paper calls its score
# function an **alignment model**, and why one speaks of **soft** attention. Softness has a reason: weights have
# gradients, while the choice of a single position has none. Nobody tells the network where to look. It learns this from
# the loss of the translation alone.
#
# We build it in three steps: weights, scores, and the decoder.
#
# ## Weights that leave out padding
# The sum in the softmax runs over the real positions of a sentence. In a batch, its row may be filled up with padding,
# and the padding has scores like everything else. Say it has the score 0. This is a score like any other: e⁰ = 1. From
# our example with the scores (0, log 3) we would get 1/5, 3/5 and 1/5 instead of 1/4, 3/4 and 0: a fifth of the
# attention goes to nothing.
#
# What can be done?
#
# - Set the weights of padding to 0 *after* the softmax: (1/5, 3/5, 0). Now the weights sum to 4/5, not to 1. The damage
#   was done in the denominator.
# - Set the *scores* of padding to −∞ *before* the softmax. Since e^(−∞) = 0, padding is in neither the numerator nor
#   the denominator: (1/4, 3/4, 0). This is a **masked softmax**.
#
# A "very small" number in place of −∞, such as −100, works until real scores are as low as that. One case is left: a
# row that is nothing but padding. All its powers are 0, and 0 / 0 is `nan` ("not a number"), which spreads to whatever
# it is added to. There we want zeros.
#
# ## Exercise 3.4 · masked_softmax
# From `scores` (..., key) and `mask` (True where looking is allowed) to weights (..., key) that sum to 1, with exactly
# 0 on padding. The mask may have fewer axes. A row that is nothing but padding gets only zeros. Gradients flow through
# to the scores, and are finite for such a row too. Difficulty ●●○ · 8 minutes.
#
# <details><summary>The rows do not sum to 1</summary>Mask before the softmax: <code>scores.masked_fill(~mask,
# -math.inf)</code>.</details>
# <details><summary>nan</summary>A row of nothing but -∞ is 0 / 0. Put zeros there afterwards, with the same
# mask.</details>


# %% exercise="masked_softmax" difficulty=2 minutes=8
def masked_softmax(scores, mask):
    """Scores to weights that sum to 1 over the last axis, where the mask is True; the
    weight 0 elsewhere.

    scores: (..., key)
    mask: bool, broadcastable to the scores, as (key,) or (batch, 1, key) are; True
        where looking is allowed
    Returns the weights (..., key). A row that may look nowhere gets weights 0
    throughout. Gradients flow through and are finite.
    """
    ### BEGIN SOLUTION
    weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
    # subtle: a row of nothing but -inf has become NaN
    return weights.masked_fill(~mask, 0.0)
    ### END SOLUTION


# %% check="masked_softmax"
from lib.checks import check

masked_softmax = check("masked_softmax")

# %% jupyter={"source_hidden": true}
padded, real = torch.tensor([0.0, math.log(3), 0.0]), torch.tensor([True, True, False])
wrong = padded.softmax(dim=-1)
assert torch.allclose(wrong, torch.tensor([0.2, 0.6, 0.2]))
assert abs((wrong * real).sum().item() - 0.8) < 1e-6
assert torch.allclose(masked_softmax(padded, real), torch.tensor([0.25, 0.75, 0.0]))

# %% [markdown]
# ## Scores from a small network
# Where do scores come from? In the paper a small network decides, trained together with everything else:
#
# $$e_{ij} = v \cdot \tanh(s_{i-1} W_{\mathrm{query}} + h_j W_{\mathrm{key}})$$
#
# s_{i−1} and h_j have d_hidden numbers each. The matrices W_query and W_key (d_hidden, d_attention) bring both into a
# common space, where they are added; tanh squashes each of the d_attention sums into −1 to 1; and the dot product with
# the learned vector v makes one number of them. Because query and key are *added*, this is called **additive
# attention**. (The paper calls the matrices W_a and U_a and the vector v_a.)
#
# A worked number, with d_attention = 2 and v = (1, 2). The query times its matrix is (2, 0). The first key, already
# times its matrix, is (−2, 0): the sum is (0, 0), its tanh is (0, 0), the score 0. The second key is (0, 1): the sum is
# (2, 1), its tanh (0.964, 0.762), the score 1 · 0.964 + 2 · 0.762 = 2.49. After the softmax the second position has the
# weight e^2.49 / (1 + e^2.49) = 0.92.
#
# The products h_j W_key are the same at every step. So they are computed once, before the first word, and are what we
# call `keys` in the code.
#
# ## Exercise 3.5 · additive_scores
# Compute v · tanh(query W_query + key) for every key: from `query` (..., d_hidden) and `keys` (..., key, d_attention),
# with the same axes in front, to scores (..., key). Gradients flow through to all four. Difficulty ●●○ · 8 minutes.
#
# <details><summary>The size of tensor a must match</summary>One query meets many keys: give it an axis of size 1 for
# them, <code>.unsqueeze(-2)</code>.</details>
# <details><summary>My result has an axis too many</summary><code>@ v</code> multiplies and sums the last axis
# away.</details>


# %% exercise="additive_scores" difficulty=2 minutes=8
def additive_scores(query, keys, w_query, v):
    """How well one state matches each source position: v · tanh(query W_query + key).

    query: (..., d_hidden), the decoder's state
    keys: (..., key, d_attention), the source, already times its matrix
    w_query: (d_hidden, d_attention)    v: (d_attention,)
    Returns the scores (..., key). Gradients flow through to everything.
    """
    ### BEGIN SOLUTION
    asked = (query @ w_query).unsqueeze(-2)  # one row, compared with every key
    return torch.tanh(asked + keys) @ v
    ### END SOLUTION


# %% check="additive_scores"
from lib.checks import check

additive_scores = check("additive_scores")

# %%
# 2 keys of d_attention = 2; the query has d_hidden = 1
keys = torch.tensor([[-2.0, 0.0], [0.0, 1.0]])
w_query, v = torch.tensor([[1.0, 0.0]]), torch.tensor([1.0, 2.0])
scores = additive_scores(torch.tensor([2.0]), keys, w_query, v)
assert torch.allclose(scores, torch.tensor([0.0, 2.49]), atol=0.005)
assert abs(scores.softmax(dim=-1)[1].item() - 0.92) < 0.005

# %% [markdown]
# ## Question 3.5 · same_rows
# A colleague has trained a network with attention of his own, and shows you where it looks. Each row is a word that is
# written, each column a word that was read:

# %% jupyter={"source_hidden": true}
seen = torch.tensor([0.07, 0.22, 0.15, 0.41, 0.15]).expand(4, 5)
heatmap(seen, [f"word {i}" for i in range(1, 5)], list("abcde"), digits=2)
plt.show()

# %% [markdown]
# All rows are the same, whatever is written; each sums to 1. One thing in his attention is wrong. `"a"`: there is no
# softmax. `"b"`: the softmax runs over the wrong axis, the words that are written. `"c"`: there is no tanh. `"d"`: the
# mask is turned round. Which? 5 minutes.

# %% question="same_rows" difficulty=3 minutes=5
### BEGIN SOLUTION
same_rows = "c"
### END SOLUTION

# %% check="same_rows"
from lib.checks import check

same_rows = check("same_rows")

# %% [markdown]
# ## A decoder that looks back
# Now put the pieces together. One step of the decoder, from word i − 1 to word i, does the following, from left to
# right in the second picture above:
#
# 1. Scores e_i of all positions from the state *before*, s_{i−1}; weights α_i by the masked softmax, (batch, key).
# 2. The context vector c_i: the memory mixed with these weights, (batch, d_hidden).
# 3. The LSTM reads the embedding of the word before and c_i, side by side in this order, and makes the new hidden s_i and the new
#    cell.
# 4. The logits: tanh(W_mix [s_i; c_i]) against the embeddings, as in `FixedVectorDecoder`, except that c_i is a new one
#    at every step.
#
# Step 2 in code: the weights are a row for each sentence of the batch, (batch, 1, key); times the memory (batch, key,
# d_hidden) this is (batch, 1, d_hidden); the axis of size 1 is then taken away.
#
# The state has five parts. Two of them change from step to step, three stay the same:
#
# | | hidden | cell | memory | keys | mask |
# |---|---|---|---|---|---|
# | shape | (batch, d_hidden) | (batch, d_hidden) | (batch, key, d_hidden) | (batch, key, d_attention) | (batch, key) |
# | at each step | new | new | same | same | same |
#
# ## Exercise 3.6 · BahdanauDecoder
# Write `start` and `step`; `__init__` and `logits` are given. What a step needs stands in its `state`, and not in
# `self`: several batches may take turns. Gradients flow to every weight. Difficulty ●●● · 20 minutes.
#
# <details><summary>What are the keys?</summary>The memory times <code>self.w_key</code>: the same at every step, so
# <code>start</code> computes them once.</details>
# <details><summary>How do I mix?</summary><code>weights.unsqueeze(-2) @ memory</code> is (batch, 1, d_hidden); take the
# axis of size 1 away with <code>.squeeze(-2)</code>.</details>
# <details><summary>Which state asks?</summary>The one before the step. Only then does the cell make the new
# one.</details>


# %% exercise="BahdanauDecoder" difficulty=3 minutes=20
class BahdanauDecoder(nn.Module):
    """Before each word, ask every source position how well it matches, and take their
    weighted average along.
    """

    def __init__(self, vocab, d_embedding, d_hidden, d_attention):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_embedding)
        self.w_query = nn.Parameter(torch.randn(d_hidden, d_attention))
        self.w_key = nn.Parameter(torch.randn(d_hidden, d_attention))
        self.v = nn.Parameter(torch.randn(d_attention))
        self.cell = nn.LSTMCell(d_embedding + d_hidden, d_hidden)
        self.mix = nn.Linear(2 * d_hidden, d_embedding)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def start(self, memory, mask, hidden, cell):
        """The encoder's vectors (batch, key, d_hidden), their mask (batch, key), True
        somewhere in each row, its end, hidden and cell (batch, d_hidden).

        Returns the state, a tuple or a list: hidden, cell, memory, keys (batch, key,
        d_attention) and mask.
        """
        ### BEGIN SOLUTION
        return hidden, cell, memory, memory @ self.w_key, mask
        ### END SOLUTION

    def step(self, ids, state):
        """The word before (batch,), and the state -> logits (batch, vocab), the next
        state, the weights (batch, key).

        The logits come from the new hidden and the context; the next state has the
        same five parts.
        """
        ### BEGIN SOLUTION
        hidden, cell, memory, keys, mask = state
        # (batch, key)
        weights = masked_softmax(
            additive_scores(hidden, keys, self.w_query, self.v), mask
        )
        context = (weights.unsqueeze(-2) @ memory).squeeze(-2)  # (batch, d_hidden)
        hidden, cell = self.cell(
            torch.cat([self.embedding(ids), context], dim=-1), (hidden, cell)
        )
        return self.logits(hidden, context), (hidden, cell, memory, keys, mask), weights
        ### END SOLUTION

    def logits(self, hidden, context):
        """A score for every word, (batch, vocab), from state and context, (batch,
        d_hidden) each.
        """
        features = torch.tanh(self.mix(torch.cat([hidden, context], dim=-1)))
        return features @ self.embedding.weight.T + self.bias


# %% check="BahdanauDecoder"
from lib.checks import check

BahdanauDecoder = check("BahdanauDecoder")

# %% [markdown]
# > **Predict.** Same task, same sizes, same 600 steps, now with attention. How much of 20 symbols will it get? And of
# > 30, which neither network ever saw?

# %% tags=["training"]
attentive = seeded(
    Translator(Encoder(24, 48, 64), BahdanauDecoder(24, 48, 64, 64)),
    torch.Generator().manual_seed(0),
)
losses = train(
    attentive, attentive.loss, endless(random.Random(0)), steps=600, peak=5e-3
)

# %% jupyter={"source_hidden": true}
lengths = sorted(map(int, results["reversal"]["0"]["attention"]["right"]))
figure, axes = plt.subplots()
for model, mark in (("attention", "s--"), ("fixed vector", "o-")):
    # (length, seed)
    curves = torch.stack([share_right(model, length) for length in lengths])
    axes.plot(lengths, curves.mean(dim=1), mark, label=model)
    axes.fill_between(lengths, curves.amin(dim=1), curves.amax(dim=1), alpha=0.2)
axes.axvline(20, color="grey", linewidth=1)
axes.text(20.4, 0.27, "longer than in training", color="#555555", va="center")
axes.set(
    xlabel="length of the sequence", ylabel="right symbols (share)", ylim=(0, 1.05)
)
axes.legend(loc="lower left")
plt.show()

# %% jupyter={"source_hidden": true} tags=["training"]
assert right_symbols(attentive, 20) > 0.95
assert (share_right("attention", 20) > 0.95).all()
assert (share_right("attention", 30) < 0.9).all()
assert (share_right("fixed vector", 10) < share_right("attention", 10) - 0.3).all()

# %% [markdown]
# Each line is the mean of three recorded trainings of 600 steps, with and without attention; the shade goes from the
# worst to the best. The network with attention gets more than 95% right at all lengths up to the 20 of the training.
# Beyond that it falls too: attention is no guarantee for *any* length.
#
# And how much sooner does it learn? Every mark stands for trainings from fresh weights, with as many steps as it says
# below:

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(6, 3.8))
budgets = {"attention": (150, 300, 600), "fixed vector": (300, 600, 1200, 4800)}
for model, colour, mark in (("attention", "C0", "s"), ("fixed vector", "C1", "o")):
    for length, line in ((10, "-"), (20, ":")):
        curve = [share_right(model, length, n).mean() for n in budgets[model]]
        label = f"{model}, {length} symbols"
        axes.plot(budgets[model], curve, mark + line, color=colour, label=label)
axes.set_xscale("log")
axes.set_xticks([150, 300, 600, 1200, 2400, 4800], [150, 300, 600, 1200, 2400, 4800])
axes.minorticks_off()
axes.set(xlabel="steps of training (each step to the right is twice as many)")
axes.set(ylabel="right symbols (share)", ylim=(0, 1.05))
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% jupyter={"source_hidden": true}
assert (share_right("attention", 10, 300) > 0.99).all()
assert (share_right("fixed vector", 10, 4800) > 0.99).all()
assert abs(share_right("fixed vector", 10, 1200).mean() - 0.79) < 0.005
for length in (2, 4, 6, 8, 10, 12, 15, 18, 20):
    assert (share_right("attention", length) > 0.95).all()
early, late = share_right("attention", 20, 300), share_right("fixed vector", 20, 4800)
assert early.min() > late.max()
for seed in results["reversal"].values():
    assert 1.2 < seed["attention"]["seconds"] / seed["fixed vector"]["seconds"] < 1.6

# %% [markdown]
# Solid lines are sequences of 10 symbols, dotted ones of 20. (At 600 steps a mark is the mean of three trainings,
# elsewhere it is a single one.) With attention, 300 steps are enough for more than 99% of 10 symbols; without it 1,200
# steps are too few (79%), and 4,800 are enough. Of 20 symbols, attention gets more right after 300 steps than the fixed
# vector after 4,800, sixteen times as many. (One step with attention took about 1.4 times as long, so in time the
# picture is nearly the same.)
#
# This is the answer to the question of the beginning. At 10 symbols attention does nothing that one vector cannot do: it learns it *many times sooner*. At 20 symbols we do not know whether the vector would ever get there. The reason that is usually given is distance: with attention, the loss at a word has a short
# way back to the annotation of every source word, however long the sentence is; through a fixed vector, the gradient
# has to pass all the steps between. Our experiment shows how large the difference is. It does not prove that this is
# the reason: a decoder with attention also has more numbers to read from.
#
# ## The dot product, on the way to notebook 04
# Additive scores are not the only ones. A year later Luong, Pham and Manning ([2015](https://arxiv.org/abs/1508.04025))
# compared several functions a, among them
#
# $$\mathrm{dot:}\;\; e_{ij} = s_i \cdot h_j \qquad\qquad \mathrm{general:}\;\; e_{ij} = s_i W \cdot h_j$$
#
# The dot product has no parameters at all; "general" has one matrix. (They also ask with the state *after* the LSTM
# step, s_i, and not with the one before.) A worked number: s = (1, 2) and h = (3, −1) give 1 · 3 + 2 · (−1) = 1. Two
# vectors that point in the same direction get a high score. For this both must live in the same space, which the
# encoder and the decoder have to learn.
#
# The dot product is cheap: the scores of one query are a row times a matrix, and where all queries are known at once (notebook 04), all scores of a sentence are *one* matrix product. Additive scores first need a sum and a
# tanh for every pair of a query and a key, and for each of the d_attention numbers:

# %%
queries, memory = torch.randn(32, 64), torch.randn(30, 64)  # (query, d), (key, d)
dots = queries @ memory.T  # (query, key)
sums = queries[:, None] + memory  # (query, key, d), before the tanh
print("dot product:", tuple(dots.shape), "  additive:", tuple(sums.shape))
assert torch.allclose(dots[3, 5], (queries[3] * memory[5]).sum(), atol=1e-4)
assert torch.tensor([1.0, 2.0]) @ torch.tensor([3.0, -1.0]) == 1

# %% [markdown]
# ## Question 3.6 · tanh_count
# Estimate a price. A source of 30 tokens is translated into 32 tokens (`<EOS>` included), with d_attention = 64. How
# many times is tanh computed for the scores of this sentence, with additive attention? And by which factor does this
# number grow when both sentences are ten times as long? A tuple of two numbers. 3 minutes.

# %% question="tanh_count" difficulty=1 minutes=3
### BEGIN SOLUTION
tanh_count = (32 * 30 * 64, 100)
### END SOLUTION

# %% check="tanh_count"
from lib.checks import check

tanh_count = check("tanh_count")

# %% [markdown]
# ## On real text
# Dates, as people write them in six languages, to one form. Character by character, 20,000 to learn from; the days in
# the test were never seen, in any language. (A program wrote the dates, from the customs of these languages.)

# %%
train_dates, test_dates = load_dates(), load_dates("test")
for date in test_dates[:6]:
    print(f"{date.written:32} {date.iso}  {date.language}")
characters, digits = (
    Vocabulary(d.written for d in train_dates),
    Vocabulary(d.iso for d in train_dates),
)
assert not {d.iso for d in test_dates} & {d.iso for d in train_dates}
assert len(train_dates) == 20_000 and len({d.language for d in train_dates}) == 6


# %%
def batches(pairs, tokens, rng):
    """Batches of similar length, about `tokens` target tokens each, without end."""
    lengths = [len(target) + 1 for _, target in pairs]
    while True:
        for chosen in similar_lengths(lengths, tokens, rng):
            yield batch_of([pairs[i] for i in chosen])


def read_dates(model):
    """The test dates as the model writes them."""
    written = translations(
        model, [characters.encode(d.written) for d in test_dates], 12
    )
    return ["".join(digits.decode(ids)) for ids in written]


# %% tags=["training"]
encoder, decoder = (
    Encoder(len(characters), 48, 128),
    BahdanauDecoder(len(digits), 48, 128, 64),
)
dates = seeded(Translator(encoder, decoder), torch.Generator().manual_seed(0))
before = read_dates(dates)
pairs = [(characters.encode(d.written), digits.encode(d.iso)) for d in train_dates]
losses = train(
    dates, dates.loss, batches(pairs, 700, random.Random(0)), steps=400, peak=5e-3
)
after = read_dates(dates)
for d, first, now in list(zip(test_dates, before, after, strict=True))[:6]:
    print(f"{d.written:32}  before: {first:12}  after: {now}")

# %%
right = [d.iso for d in test_dates]
print(
    "recorded, three trainings:",
    sorted(seed["exact"] for seed in results["dates"].values()),
)
assert exact_match(before, right) == 0
assert exact_match(after, right) >= 0.98
assert all(seed["exact"] >= 0.98 for seed in results["dates"].values())

# %% [markdown]
# Before the training not one date was right; now at least 98% of 1,000 are, to the last digit.
#
# Attention has a second gift: you can look at it. One row for each character that is written; bright is where it
# looked.


# %%
def look(model, source, target):
    """The weights (target token, source token) while the model is told the right
    target.
    """
    batch = batch_of([(source, target)])
    with torch.no_grad():
        return model(batch.source, batch.source_mask, batch.inputs)[1][0]


def draw_look(weights, rows, columns, size=(6.5, 3.6)):
    figure, axes = plt.subplots(figsize=size)
    image = axes.imshow(weights, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(
        range(len(columns)), columns, rotation=60 if max(map(len, columns)) > 1 else 0
    )
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel="read", ylabel="written")
    figure.colorbar(image)
    plt.show()


# %% tags=["training"]
shown = next(d for d in test_dates if d.language == "Italian" and len(d.written) > 22)
weights = look(dates, characters.encode(shown.written), digits.encode(shown.iso))
draw_look(weights, [*shown.iso, "EOS"], list(shown.written))

# %%
on_year = []
for d in test_dates[:200]:
    weights = look(dates, characters.encode(d.written), digits.encode(d.iso))
    year = d.written.index(d.iso[:4])
    on_year.append(weights[:4, year : year + 4].sum(dim=-1).mean())
assert torch.stack(on_year).mean() > 0.7

# %% [markdown]
# Read the map from the top: the year is read where the year stands, then the bright squares jump back to the name of
# the month, and then to the day. Nobody told the network. On average over 200 dates, more than 70% of the weight of the
# year's digits lies on the year.
#
# A word of caution. The weights say from which *positions* a vector was taken. They do not say why the network writes
# what it writes: each of these vectors comes out of an LSTM that has read the whole line, so it knows about its
# neighbours, too. Whether attention *explains* anything has been disputed (Jain and Wallace
# [2019](https://arxiv.org/abs/1902.10186); Wiegreffe and Pinter [2019](https://arxiv.org/abs/1908.04626)).
#
# Now sentences: English to Italian, 40,000 pairs, which a program wrote with a grammar. None of the test's English
# sentences was in training.

# %%
pairs, tests = (
    [pair.words() for pair in load_pairs(split)] for split in ("train", "test")
)
english, italian = (
    Vocabulary(source for source, _ in pairs),
    Vocabulary(target for _, target in pairs),
)
for source, target in tests[:3]:
    print(join(source), "→", join(target))
data = [(english.encode(source), italian.encode(target)) for source, target in pairs]
assert not {tuple(source) for source, _ in tests} & {
    tuple(source) for source, _ in pairs
}


# %%
def translator(decoder):
    return seeded(
        Translator(Encoder(len(english), 128, 192), decoder),
        torch.Generator().manual_seed(0),
    )


def in_italian(model):
    return [
        italian.decode(ids)
        for ids in translations(
            model, [english.encode(source) for source, _ in tests], 40
        )
    ]


# %% [markdown]
# Both models have the same sizes and get the same 1,700 batches.

# %% tags=["training"]
squeezed = translator(FixedVectorDecoder(len(italian), 128, 192))
losses = train(
    squeezed, squeezed.loss, batches(data, 500, random.Random(0)), steps=1700, peak=4e-3
)

# %% tags=["training"]
bahdanau = translator(BahdanauDecoder(len(italian), 128, 192, 64))
losses = train(
    bahdanau, bahdanau.loss, batches(data, 500, random.Random(0)), steps=1700, peak=4e-3
)

# %% tags=["training"]
by_fixed, by_attention, right = (
    in_italian(squeezed),
    in_italian(bahdanau),
    [target for _, target in tests],
)
missed = [
    i for i in range(len(tests)) if by_fixed[i] != right[i] and len(tests[i][0]) > 9
]
for i in missed[:5]:
    print(join(tests[i][0]))
    for name, sentence in (
        ("right", right[i]),
        ("fixed vector", by_fixed[i]),
        ("attention", by_attention[i]),
    ):
        print(f"   {name:13} {join(sentence)}")

# %% [markdown]
# These are the first five sentences of ten and more tokens that the fixed vector gets wrong. Most of its words fit
# together; they speak of somebody or something else, or lose the thread. Attention is not always right either.
#
# **BLEU** counts it (Papineni et al. [2002](https://aclanthology.org/P02-1040/)): of the words, pairs, triples and fours that were written, how many stand in the right sentence? (And too short a translation is punished.) 100 is perfect. Notebook 10 builds it. **Exact match**
# counts whole sentences.

# %% tags=["training"]
for name, written in (("fixed vector", by_fixed), ("attention", by_attention)):
    print(
        f"{name:13} BLEU {bleu(written, right):.1f}, "
        f"exact {exact_match(written, right):.3f}"
    )

# %%
seen = {pair for _, target in pairs for pair in itertools.pairwise(target)}
written = [pair for sentence in by_fixed for pair in itertools.pairwise(sentence)]
assert sum(pair in seen for pair in written) / len(written) > 0.9
assert bleu(by_fixed, right) < 85
assert bleu(by_attention, right) > 90
assert exact_match(by_attention, right) > exact_match(by_fixed, right) + 0.15

# %% [markdown]
# After the same 1,700 batches, attention gets above 90 BLEU, the fixed vector below 85. More than 90% of the word pairs
# that the latter writes are pairs of the training's Italian: piece by piece fluent, and wrong.
#
# Such high numbers come from the simple grammar of these sentences. On real news from English to French, Bahdanau's
# network had 26.8 BLEU on all sentences, 28.5 after longer training, and the phrase-based system Moses 33.3.
#
# What about sentences that are longer than any in training? There they have at most 15 words and signs; these have 16
# to 21:

# %%
for split, words in (
    ("test", "as in training"),
    ("combinations", "words never together in training"),
    ("lengths", "longer"),
):
    print(words)
    for name in ("fixed vector", "attention"):
        scores = sorted(
            seed[name][split]["bleu"] for seed in results["translation"].values()
        )
        print(f"   {name:13} BLEU {scores[0]:.1f} to {scores[-1]:.1f}")

# %% jupyter={"source_hidden": true}
for seed in results["translation"].values():
    plain, attending = seed["fixed vector"], seed["attention"]
    assert attending["test"]["bleu"] > 90 > 85 > plain["test"]["bleu"]
    assert attending["combinations"]["bleu"] > 88
    assert 65 < attending["lengths"]["bleu"] < 88
    assert plain["lengths"]["bleu"] < 35
sizes = {
    split: [len(pair.words()[0]) for pair in load_pairs(split)]
    for split in ("train", "lengths")
}
assert max(sizes["train"]) == 15
assert (min(sizes["lengths"]), max(sizes["lengths"])) == (16, 21)

# %% [markdown]
# Each line goes from the lowest to the highest score of three recorded trainings. On longer sentences the fixed vector
# stays below 35 BLEU: what Cho et al. saw. Attention gets more than 65 there, but less than 88, so it loses as well.
# These numbers hold for this budget and these sizes. After the experiment with the reversed sequences we should expect
# that a longer training would narrow the gap at the lengths of the training, and Sutskever's large network shows how
# far one vector can go.
#
# These are the first two rungs of a ladder: notebook 09 measures the Transformer on the same sentences.
#
# Did attention look at the right word? The grammar knows which noun, name and adjective belong together.

# %% tags=["training"]
links = hits = 0
for pair in load_pairs("test")[:200]:
    source, target = pair.words()
    looked_at = look(bahdanau, english.encode(source), italian.encode(target)).argmax(
        dim=-1
    )
    links += len(pair.alignment)
    hits += sum(looked_at[j].item() == i for i, j in pair.alignment)
# of the Italian words, in English order
orders = [[j for _, j in pair.alignment] for pair in load_pairs("test")]
crossed = next(
    i
    for i, order in enumerate(orders)
    if order != sorted(order) and len(tests[i][0]) > 8
)
source, target = tests[crossed]
draw_look(
    look(bahdanau, english.encode(source), italian.encode(target)),
    [*target, "EOS"],
    source,
)
print(f"right in {hits / links:.3f}")

# %% jupyter={"source_hidden": true}
assert hits / links > 0.9

# %% [markdown]
# For more than 90% of these words the brightest square is the right one, and nobody ever showed it a dictionary. This
# sentence was chosen because its word order differs: the bright path jumps.
#
# ## What breaks
# **Without the mask.** Take the trained network for dates, and let padding count as real. All 1,000 dates stand in one
# batch, so the short ones have much padding. There are two places where the mask is used, the encoder and the
# attention:


# %%
class Unmasked(Translator):
    def start(self, source, mask):
        return super().start(source, torch.ones_like(mask))


class AttentionUnmasked(Translator):
    def start(self, source, mask):
        return (*super().start(source, mask)[:-1], torch.ones_like(mask))


# %% [markdown]
# > **Predict.** `AttentionUnmasked` may look at padding, where the encoder's vectors are zero. `Unmasked` also lets the
# > encoder read `<PAD>` as if it were a character. Which one does more harm?

# %% tags=["training"]
sentences, shares = [characters.encode(d.written) for d in test_dates], {}
for kind in (Translator, AttentionUnmasked, Unmasked):
    written = translations(
        kind(dates.encoder, dates.decoder), sentences, 12, tokens=10**6
    )
    shares[kind.__name__] = exact_match(
        ["".join(digits.decode(ids)) for ids in written], [d.iso for d in test_dates]
    )
    print(f"{kind.__name__:18} {shares[kind.__name__]:.3f}")

# %% tags=["training"]
source, mask = pad_batch(sentences)
inputs, _, _ = shift_right([digits.encode(d.iso) for d in test_dates])
with torch.no_grad():
    looked = AttentionUnmasked(dates.encoder, dates.decoder)(source, mask, inputs)[1]
on_padding = (looked * ~mask[:, None]).sum(dim=-1).mean().item()
print(f"padding: {(~mask).float().mean():.0%} of the batch")
print(f"weight on it without the mask in the attention: {on_padding:.1%}")

# %% jupyter={"source_hidden": true} tags=["training"]
assert shares["Translator"] >= 0.98
assert shares["AttentionUnmasked"] > 0.9
assert shares["Unmasked"] < 0.5
assert on_padding < 0.15

# %% [markdown]
# Without the mask in the attention, this network still reads more than 90% of the dates: zero vectors happen to get low
# scores from it, so little weight goes to padding. Nothing in the training asked for that (padding was masked then),
# and another network may do otherwise. An encoder that reads padding, in contrast, gets more than half of the dates
# wrong. One mask keeps both out.
#
# **Without the shift.** The bug of question 3.2, in the network that reverses. It is trained to say what it hears:


# %% tags=["training"]
def not_shifted(batches):
    for batch in batches:
        yield batch._replace(targets=batch.inputs)


copier = seeded(
    Translator(Encoder(24, 48, 64), FixedVectorDecoder(24, 48, 64)),
    torch.Generator().manual_seed(0),
)
losses = train(
    copier, copier.loss, not_shifted(endless(random.Random(0))), 100, 5e-3, warmup=20
)
print(f"loss {losses[0]:.2f} at first, {losses[-1]:.2f} at the end")
print("reverses [4, 5, 6, 7] to", translations(copier, [[4, 5, 6, 7]], 6))

# %% jupyter={"source_hidden": true} tags=["training"]
assert losses[0] > 2.5 and losses[-1] < 0.2
assert translations(copier, [[4, 5, 6, 7]], 6) == [[SOS] * 6]

# %% [markdown]
# A loss near 0 after 100 steps is no success here but a warning. A task that took 600 steps and was not learnt then
# cannot suddenly be so easy: the answer must stand in the input. We shall meet this bug again when words may look at
# each other (notebook 05).
#
# ## In other words
# - **Sequence to sequence** (**seq2seq**): one sequence in, another one out, of its own length. **Encoder**: reads the
#   source. **Decoder**: writes the target.
# - **Context vector** (c; with attention c_i): what the decoder gets to know of the source at a step. **Bottleneck**:
#   when it is one vector for everything.
# - **Padding**, **mask**: filling that makes a batch a rectangle; which of its places are real.
# - **Autoregressive**: each token is written from the source and the tokens before it. **`<SOS>`**, **`<EOS>`**: how it
#   begins, and how it says that it is done.
# - **Teacher forcing**: in training the decoder hears the right tokens. **Exposure bias**: when it writes it hears its
#   own, which it was not trained for.
# - **Greedy** decoding: always the likeliest next token.
# - **Bidirectional** encoder: one LSTM from the left, one from the right, side by side.
# - **Tied embeddings**: one table for the words that are read and those that are written.
# - **Annotations** (h_j; our `memory`): the encoder's vectors, one for each source position.
# - **Attention**: scores (e_ij), weights (α_ij, by a softmax), a weighted sum of the annotations (c_i). **Soft**:
#   weights for all positions instead of a choice of one.
# - **Query** (from s_{i−1}) and **keys** (from h_j): what asks, and what it is compared with. **Value**: what is mixed.
# - **Alignment**: which source word belongs to which target word. The paper's **alignment model** is the function a
#   that gives the scores.
# - **Additive attention**: v · tanh(query + key). **Dot-product attention**: query · key (Luong; the Transformer).
# - **Masked softmax**: scores of padding become −∞, so that it gets the weight 0.
# - **Cross-attention**: attention of a decoder to an encoder, as here, in the Transformer's words.
#
# ## Where it comes from
# - An encoder and a decoder as one network: Kalchbrenner and Blunsom ([2013](https://aclanthology.org/D13-1176/)); with
#   gated RNNs on both sides Cho et al. ([2014](https://arxiv.org/abs/1406.1078)), who scored phrase pairs for a
#   phrase-based system. Alone, the network degraded rapidly with the length of the sentence and the number of unknown
#   words (Cho et al. [2014](https://arxiv.org/abs/1409.1259)).
# - Sutskever, Vinyals and Le ([2014](https://arxiv.org/abs/1409.3215)): one network of four layers rose from 25.9 to
#   30.6 BLEU when its source was reversed; five together had 34.8 on English to French. They had no good explanation
#   for the gain, and supposed that short distances make learning easier.
# - Attention: Bahdanau, Cho and Bengio ([2014](https://arxiv.org/abs/1409.0473), at ICLR 2015). Each of their networks
#   was trained for about five days, with attention and without. So what they compare, as we do, is networks after about
#   equally long training.
# - Luong et al. ([2015](https://arxiv.org/abs/1508.04025)): dot product and others, on English and German, up to 5.0
#   BLEU more than the same systems without attention.
# - Teacher forcing: Williams and Zipser ([1989](https://doi.org/10.1162/neco.1989.1.2.270)). Exposure bias: Ranzato et
#   al. ([2015](https://arxiv.org/abs/1511.06732)); Bengio et al. ([2015](https://arxiv.org/abs/1506.03099)) mixed right
#   and own tokens in training against it. He et al. ([2019](https://arxiv.org/abs/1905.10617)) found less harm of it in
#   language models than had been feared.
# - What changed since: the Transformer (Vaswani et al. [2017](https://arxiv.org/abs/1706.03762)) keeps teacher forcing,
#   `<SOS>`, `<EOS>` and the attention from decoder to encoder. It replaces the LSTMs by attention within each sentence,
#   and additive scores by a scaled dot product, which it calls much faster in practice. Long sentences stayed hard for
#   some years: Koehn and Knowles ([2017](https://arxiv.org/abs/1706.03872)) found networks with attention better than a
#   phrase-based system up to about 60 words, and worse beyond.
#
# ## What to remember
# - An encoder reads, a decoder writes: `<SOS>`, its own last token, `<EOS>`. In training it hears the right token
#   (teacher forcing), which is not what it hears later (exposure bias).
# - One fixed vector is a bottleneck for learning more than for room: with enough training it carries much more, but
#   attention gets there many times sooner. Until then the answer sounds right and is wrong.
# - Attention keeps every position: scores, softmax over the real ones, mix. It can be looked at. It is not magic beyond
#   the lengths of the training.
#
# **Next**: [4 · Self-attention by hand](04_self_attention_by_hand.ipynb): what if words look at each other, without any
# LSTM?
