# %% [markdown]
# # 9 · Encoder-decoder translation
# After this notebook you can build the whole Transformer of the paper, write the loop that trains it, down to the optimiser,
# and say what each part of the recipe is worth.
#
# You need: notebooks 03, 05, 06 and 07. You build: the Transformer, one step of translating, AdamW, the learning rate, one step
# of training, alignment. 125 minutes, 5 of them training.

# %%
import json
import math
import random

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from lib.batching import EOS, SOS, Batch, Vocabulary, similar_lengths
from lib.corpora import files
from lib.corpora.italian import join, load_pairs
from lib.decoding.search import translate
from lib.figures import LiveCurve, style, transformer_map
from lib.layers import fresh_weights
from lib.transformer import Decoder, Encoder, TransformerParts, cross_attention_weights

# %%
from lib.scoring import bleu, exact_match
from lib.training import Training
from lib.training.adamw import AdamW
from lib.training.recipes import (
    label_smoothed_loss,
    noam_rate,
    paired_lengths,
    share_of_padding,
)
from lib.training.translator import KEPT, RECIPE, TOKENS
from lib.yours import (
    DecoderBlock,
    EncoderBlock,
    LayerNorm,
    PreNorm,
    causal_mask,
    greedy_translate,
    pad_batch,
    shift_right,
    sinusoidal_positions,
)

style()
torch.set_num_threads(1)  # such small matrices gain nothing from a second thread

# %% [markdown]
# The last import takes your own pieces where they pass their checks. They are nearly all of a Transformer.
#
# ## The question
# Notebook 3's LSTM with attention translates well. But it reads a sentence word by word: for the state after word 8 it needs
# the state after word 7. Can a network learn from all words of a sentence *at once*, and translate better?

# %%
older = json.loads(files.read("seq2seq_results.json"))["translation"]
results = json.loads(files.read("translation_results.json"))
scores = [seed["attention"]["test"] for seed in older.values()]
print("notebook 3, three trainings: BLEU", sorted(score["bleu"] for score in scores))
assert all(94 < score["bleu"] < 95.5 and score["exact"] < 0.87 for score in scores)

# %% [markdown]
# About 95 BLEU, and fewer than 87% of the sentences right to the last word. Keep in mind what kind of text this is: a small
# grammar of the course wrote these sentences, and they use fewer than a thousand English words. Nothing that people
# write is so regular; what the same model reaches there stands further below.
#
# ## By hand
# "I love you very much" is "ti amo molto". While training, the right translation is known. So the decoder is given the right
# words, moved one place to the right, and has to name the next word at every position. This is **teacher forcing** (notebook
# 03). Suppose a model gives the right words these probabilities:
#
# | hears | should say | probability | surprise |
# |---|---|---|---|
# | `<SOS>` | ti | 1/2 | 1 bit |
# | ti | amo | 1/2 | 1 bit |
# | amo | molto | 1/4 | 2 bits |
# | molto | `<EOS>` | 1 | 0 bits |
#
# The **cross-entropy loss** is the mean surprise, the mean of −log p(right word): (1 + 1 + 2 + 0) / 4 = **1 bit**, which is log 2
# = 0.69 nats. No row of the table needs the answer of another row: all four can be computed at the same time.
#
# ## The picture
# First the whole model. Two sequences go in, ids of English and of Italian words, and one thing comes out: at each Italian
# position a score for every Italian word.

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.3), width_ratios=(1.6, 1))
axes = panels[0]
boxes = {
    (0, 0.4, 2.6): ("embed, × √d_model\n+ positions", "#cfe0fc"),
    (0, 2.0, 2.6): ("encoder blocks, 2×", "#cfe0fc"),
    (4.6, 0.4, 3.0): ("embed, × √d_model\n+ positions", "#ffe3c2"),
    (4.6, 2.0, 3.0): ("decoder blocks, 2×", "#ffe3c2"),
    (4.6, 3.6, 3.0): ("compare with all\nItalian embeddings", "#ffe3c2"),
}
for (x, y, width), (text, colour) in boxes.items():
    axes.add_patch(plt.Rectangle((x, y), width, 0.8, fc=colour, ec="black"))
    axes.text(x + width / 2, y + 0.4, text, ha="center", va="center", fontsize=8)
arrows = {
    (1.3, -0.3, 1.3, 0.4): "source (batch, key)",
    (1.3, 1.2, 1.3, 2.0): "(batch, key, d_model)",
    (2.6, 2.4, 4.6, 2.4): "memory\n(batch, key, d_model)",
    (6.1, -0.3, 6.1, 0.4): "inputs (batch, position)",
    (6.1, 1.2, 6.1, 2.0): "(batch, position, d_model)",
    (6.1, 2.8, 6.1, 3.6): "(batch, position, d_model)",
    (6.1, 4.4, 6.1, 5.1): "logits (batch, position, vocab)",
}
for (x, y, to_x, to_y), text in arrows.items():
    axes.annotate("", (to_x, to_y), (x, y), arrowprops={"arrowstyle": "->"})
    flat = y == to_y
    at = ((x + to_x) / 2, y + 0.32) if flat else (x + 0.1, (y + to_y) / 2)
    axes.text(*at, text, ha="center" if flat else "left", va="center", fontsize=7)
axes.set(xlim=(-0.1, 9.2), ylim=(-0.5, 5.3))
axes.axis("off")
transformer_map(panels[1], numbers=False)
plt.show()

# %% [markdown]
# On the left, with shapes on the arrows: the encoder reads the source once and leaves its **memory**, a vector for each English
# word. The decoder reads the Italian words so far; in each of its blocks **cross-attention** looks into the memory. `key` is
# the length of the source, `position` the length of the target: they need not be equal. On the right is the same in the map of
# the whole Transformer. Today every part of it is lit.
#
# The second picture shows the difference between training and translating:

# %% jupyter={"source_hidden": true}
heard, said = ["<SOS>", "ti", "amo", "molto"], ["ti", "amo", "molto", "<EOS>"]
figure, panels = plt.subplots(1, 2, figsize=(8, 2.9))
for axes, passes, title in zip(
    panels,
    ([4], [1, 2, 3, 4]),
    ("training: one pass", "translating: four passes"),
    strict=True,
):
    for row, seen in enumerate(passes):
        for i in range(seen):
            again = i < seen - 1 and len(passes) > 1
            axes.add_patch(
                plt.Rectangle(
                    (i, -row), 0.94, 0.86, color="#dddddd" if again else "#a9cdf2"
                )
            )
            axes.text(i + 0.47, 0.6 - row, heard[i], ha="center", va="center", size=8)
            axes.text(
                i + 0.47,
                0.25 - row,
                "again" if again else f"→ {said[i]}",
                ha="center",
                va="center",
                size=9,
            )
    axes.set(xlim=(-0.1, 4), ylim=(-3.1, 1), title=title)
    axes.axis("off")
plt.show()

# %% [markdown]
# Each box is one position that the decoder computes. In training the whole right sentence is known, so one pass is enough:
# this is **parallel training**, and the causal mask hides the future from each position. Translating is **autoregressive**: each
# word becomes an input for the next. It has to wait for each word, so it takes four passes here, and the grey boxes are computed again.

# %% [markdown]
# ## In code
# The table from above, as tensors. `shift_right` is yours, from notebook 03:

# %%
ids = {"<SOS>": SOS, "<EOS>": EOS, "ti": 3, "amo": 4, "molto": 5}
inputs, targets, mask = shift_right([[ids["ti"], ids["amo"], ids["molto"]]])
words = {number: word for word, number in ids.items()}
print("hears:     ", [words[i] for i in inputs[0].tolist()])
print("should say:", [words[i] for i in targets[0].tolist()])
probabilities = torch.full((1, 4, 6), 1e-9)  # (batch, position, vocab)
for position, chance in enumerate((1 / 2, 1 / 2, 1 / 4, 1.0)):
    probabilities[0, position, targets[0, position]] = chance
surprise = -probabilities.log().gather(-1, targets[..., None])
print(f"{surprise.mean() / math.log(2):.3f} bits")
assert torch.isclose(surprise.mean(), torch.tensor(math.log(2)))

# %% [markdown]
# > **Spot the error.** A slide on Transformers gives "ti amo molto" as the translation of "I love *food* very much". What is
# > wrong?
#
# <details><summary>Answer</summary>There is no food in it: <i>ti amo molto</i> is "I love <b>you</b> very much". "I love food
# very much" is <i>amo molto il cibo</i>.</details>
#
# ### From ids to x
# Both sides begin in the same way: each id is replaced by a row of a table, its embedding, the embedding is multiplied by
# √d_model, and the positions of notebook 06 are added. Where does √d_model come from? Three things meet in one table.
#
# - The table is also the **output matrix**. The decoder's last vector x is compared with the embedding of every word, logit =
#   x · e + b, so that the model does not have to learn two sets of vectors for one vocabulary. Such weights are called **tied**.
# - After the last norm, x has d_model numbers of a size near 1. If the numbers of an embedding have variance 1/d_model, then x · e
#   has variance 1, and the first softmax is neither flat nor certain. Such an embedding has length 1 or so.
# - A position's sines and cosines have length √(d_model/2). Next to them, a word of length 1 would hardly be heard. Times
#   √d_model, its length is √d_model, and both are of one order.

# %%
width = 128
table = fresh_weights(nn.Embedding(2000, width), torch.Generator().manual_seed(0))
word, place = table.weight[7], sinusoidal_positions(512, width)[40]
last = torch.randn(1000, width, generator=torch.Generator().manual_seed(1))
print(f"length of a word {word.norm():.2f}, of a position {place.norm():.2f}")
print(f"length of a word times √d_model {(math.sqrt(width) * word).norm():.2f}")
spread = (last @ table.weight.T).std()
print(f"logits: {spread:.2f}; with embeddings √d_model longer: {11.3 * spread:.1f}")

# %% jupyter={"source_hidden": true}
assert 0.8 < word.norm() < 1.2 and torch.isclose(place.norm(), torch.tensor(8.0))
assert 9 < (math.sqrt(width) * word).norm() < 14 and 0.9 < spread < 1.1

# %% [markdown]
# `fresh_weights` draws every matrix like this, with variance 1/d_in, where d_in is the number of inputs that one output adds
# up: then a product is about as large as what went in. PyTorch's own choice differs from layer to layer (an `nn.Linear` gets
# variance 1/(3·d_in), an `nn.Embedding` variance 1). With tied weights that embedding would give logits of size 11, so we
# draw our own.
#
# ## Exercise 9.1 · Transformer
# Write the three methods. The parts are given: `embed_source(ids)` and `embed(ids)` do what is described above; `encoder(x, mask)`
# and `decoder(x, memory, mask, memory_mask)` are stacks of your blocks; `logits(x)` compares with the embeddings. `source_mask`
# (batch, key) is True on real tokens, whatever their ids; attention wants it as (batch, 1, 1, key). The model will be trained:
# gradients flow from the logits back to both embeddings. Difficulty ●●● · 15 minutes.
#
# <details><summary>Which mask goes where?</summary>Encoder: the source mask. Decoder: <code>causal_mask(n)</code> for the n
# inputs, the source mask for the memory.</details>
# <details><summary>How do I get (batch, 1, 1, key)?</summary><code>source_mask[:, None, None, :]</code></details>
# <details><summary>Where is the mask for the padding in the target?</summary>Nowhere: it stands after the words, and the
# causal mask hides what comes after.</details>


# %% exercise="Transformer" difficulty=3 minutes=15
class Transformer(TransformerParts):
    """An encoder that reads and a decoder that writes: ids in, a score for every word
    of the target out.

    Gradients flow from the logits back to both embeddings.
    """

    def encode(self, source, source_mask):
        """source, source_mask: (batch, key). Returns memory: (batch, key, d_model)."""
        ### BEGIN SOLUTION
        return self.encoder(self.embed_source(source), source_mask[:, None, None, :])
        ### END SOLUTION

    def decode(self, inputs, memory, source_mask):
        """inputs: (batch, position), <SOS> first
        memory: (batch, key, d_model)
        source_mask: (batch, key)

        Returns logits (batch, position, vocab): at each position for the word after
        it.
        """
        ### BEGIN SOLUTION
        looking_back = causal_mask(inputs.shape[1]).to(inputs.device)
        x = self.decoder(
            self.embed(inputs), memory, looking_back, source_mask[:, None, None, :]
        )
        return self.logits(x)
        ### END SOLUTION

    def forward(self, source, source_mask, inputs):
        """source, source_mask: (batch, key)
        inputs: (batch, position). Returns logits (batch, position, vocab).
        """
        ### BEGIN SOLUTION
        return self.decode(inputs, self.encode(source, source_mask), source_mask)
        ### END SOLUTION


# %% check="Transformer"
from lib.checks import check

Transformer = check("Transformer")


# %%
def new_model(
    sources, targets, kind=Transformer, n_blocks=2, d_model=128, n_heads=4, d_ff=512
):
    """A Transformer of your blocks, norms, shortcuts and positions."""
    sizes = d_model, n_heads, d_ff, 0.0, PreNorm
    model = kind(
        nn.Embedding(sources, d_model),
        nn.Embedding(targets, d_model),
        Encoder([EncoderBlock(*sizes) for _ in range(n_blocks)], LayerNorm(d_model)),
        Decoder([DecoderBlock(*sizes) for _ in range(n_blocks)], LayerNorm(d_model)),
    )
    model.positions.table = sinusoidal_positions(512, d_model)
    return fresh_weights(model, torch.Generator().manual_seed(0))


# %% [markdown]
# The shortcut is your `PreNorm` of notebook 07, x + part(norm(x)); the paper of 2017 normalised after the sum. A stack of such
# blocks ends with one more norm, because nothing else has normalised the sum of all shortcuts. Dropout is 0: in 40,000
# sentences from a grammar there is little noise to learn by heart.
#
# Now six well-known words, through a small model with fresh weights:

# %%
cat = ["YOUR", "CAT", "IS", "A", "LOVELY", "CAT"]
gatto = ["IL", "TUO", "GATTO", "È", "UN", "GATTO", "ADORABILE"]
english, italian = Vocabulary([cat]), Vocabulary([gatto])
tiny = new_model(
    len(english), len(italian), n_blocks=1, d_model=12, n_heads=3, d_ff=24
).eval()
batch = Batch.of([(english.encode(cat), italian.encode(gatto))])
memory = tiny.encode(batch.source, batch.source_mask)
logits = tiny.decode(batch.inputs, memory, batch.source_mask)
for name, tensor in (
    ("source", batch.source),
    ("memory", memory),
    ("inputs", batch.inputs),
    ("logits", logits),
):
    print(f"{name:7} {tuple(tensor.shape)}")
assert logits.shape == (1, 8, 10)
assert not torch.allclose(memory[0, 1], memory[0, 5])  # two cats in different places

# %% [markdown]
# Six words are read, eight positions written: seven words and one more, because `<SOS>` goes in front of the first. At each
# position there is a score for each of the 10 Italian tokens, four of them special.
#
# > **Predict.** One pass gives the logits of all 8 positions. If you give the decoder only the first n inputs, do the logits of
# > position n change?

# %%
for n in range(1, 9):
    alone = tiny.decode(batch.inputs[:, :n], memory, batch.source_mask)[:, -1]
    assert torch.allclose(alone, logits[:, n - 1], atol=1e-5)
print("no: the causal mask hid the rest anyway")

# %% [markdown]
# That is why training takes a single pass: it is worth eight. And it is why translating takes many: the next input is the
# word that is not written yet.
#
# ## Exercise 9.2 · next_word_step
# Write one word more. The state is `(written, memory, source_mask)`; put `ids` (batch,) after `written` (batch, position),
# decode *all* of it, and return the logits of the last position, the next state, and `None`. Logits are (batch, vocab) for a
# batch of one too. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Why the None?</summary>The third thing is for attention weights: then it fits your
# <code>greedy_translate</code> of notebook 3.</details>
# <details><summary>Tensors must have the same number of dimensions</summary><code>ids[:, None]</code> is one column,
# (batch, 1).</details>


# %% exercise="next_word_step" difficulty=2 minutes=8
def next_word_step(model, ids, state):
    """Let a Transformer write one word more; the decoder goes over all words again, as
    without a cache it must.

    ids: (batch,), the word before    state: (written, memory, source_mask)
    written: (batch, position), the words before `ids`; (batch, 0) at the start
    Returns logits (batch, vocab), also for a batch of one, the next state (`ids` now
    the last column of `written`, the rest equal to what was given), and None.
    """
    ### BEGIN SOLUTION
    written, memory, source_mask = state
    written = torch.cat([written, ids[:, None]], dim=1)
    logits = model.decode(written, memory, source_mask)[:, -1]
    return logits, (written, memory, source_mask), None
    ### END SOLUTION


# %% check="next_word_step"
from lib.checks import check

next_word_step = check("next_word_step")


# %%
@torch.no_grad()
def write(model, source, source_mask, limit=40):
    """Your greedy translation of a batch, word by word."""
    nothing = torch.empty(len(source), 0, dtype=torch.long)
    state = nothing, model.encode(source, source_mask), source_mask
    return greedy_translate(
        lambda ids, state: next_word_step(model, ids, state), state, limit
    )


# %% [markdown]
# ## Question 9.1 · positions_computed
# A sentence of 19 Italian words is written with `next_word_step`, from `<SOS>` until the model says `<EOS>`. How many positions
# does the decoder compute in all these steps together? (One training pass over the same sentence computes 20.)

# %% question="positions_computed" difficulty=2 minutes=3
### BEGIN SOLUTION
positions_computed = 210
### END SOLUTION

# %% check="positions_computed"
from lib.checks import check

positions_computed = check("positions_computed")

# %% [markdown]
# Now count it for our cat, in the model itself:

# %%
computed = []
counting = tiny.decoder.register_forward_hook(
    lambda module, arguments, x: computed.append(x.shape[1])
)
tiny(batch.source, batch.source_mask, batch.inputs)
passes, computed[:] = computed[:], []
(mine,) = write(tiny, batch.source, batch.source_mask, limit=8)
n = len(mine)
counting.remove()
print("training:   ", passes)
print("translating:", computed)
assert (
    passes == [8]
    and computed == list(range(1, n + 1))
    and sum(computed) == n * (n + 1) // 2
)
(theirs,) = translate(tiny, [english.encode(cat)], limit=8)
assert italian.decode(mine) == italian.decode(theirs)

# %% [markdown]
# To write n tokens takes n passes over 1, 2, ... n positions. Notebook 13 computes each position once, with a cache. `translate` of
# notebook 10 has such a cache; it writes the same words faster, so from here on it does the translating.
#
# ## On real text
# English to Italian, the 40,000 pairs of notebook 3, written by a program. (On real text: the command `python -m lib.training
# translate --corpus multi30k` trains the same architecture on 29,000 captions of photographs, English to German. In 19 minutes on one
# core it reached BLEU 36.2, 37.5 and 37.6 in three trainings. People say one thing in many ways, so there is no 97 to be had.)

# %%
pairs, tests = (
    [pair.words() for pair in load_pairs(split)] for split in ("train", "test")
)
english, italian = (
    Vocabulary(source for source, _ in pairs),
    Vocabulary(target for _, target in pairs),
)
data = [(english.encode(source), italian.encode(target)) for source, target in pairs]
print(
    f"{len(pairs):,} pairs, {len(english):,} English and {len(italian):,} Italian words"
)
for source, target in tests[:3]:
    print(join(source), "→", join(target))

# %% jupyter={"source_hidden": true}
captions = json.loads(files.read("multi30k_results.json"))["de"].values()
reached = [round(seed["beam 4"]["bleu"], 1) for seed in captions]
assert sorted(reached) == [36.2, 37.5, 37.6]

# %% [markdown]
# ### Batches
# A batch is a rectangle, as wide as its longest sentence. Shorter ones are filled up with padding, which is computed and thrown
# away. So the sentences of a batch should be of similar length, and it pays to choose the number of sentences by their length: each batch
# has about the same number of *tokens*.
#
# ## Question 9.2 · padding_share
# Six sentences of 1, 9, 5, 5, 5 and 6 tokens stand in two batches: the first two in one, the other four in the other. Which
# share of all places in the two rectangles together is padding? Three digits are enough.

# %% question="padding_share" difficulty=1 minutes=3
### BEGIN SOLUTION
padding_share = 11 / 42
### END SOLUTION

# %% check="padding_share"
from lib.checks import check

padding_share = check("padding_share")

# %% [markdown]
# Now the real ones: batches of 30 random sentences, and batches of sentences of similar length.

# %%
lengths = [len(target) + 1 for _, target in data]
order = list(range(len(data)))
random.Random(0).shuffle(order)
mixed = [order[start : start + 30] for start in range(0, len(order), 30)]
alike = similar_lengths(lengths, TOKENS, random.Random(0))
print(
    f"random: {share_of_padding(lengths, mixed):.2f}, similar lengths: "
    f"{share_of_padding(lengths, alike):.2f}"
)
assert (
    0.35 < share_of_padding(lengths, mixed) < 0.5
    and share_of_padding(lengths, alike) < 0.02
)

# %% [markdown]
# More than a third against less than a fiftieth. `paired_lengths` goes one step further: among targets of one length it sorts
# by the source's length.
#
# ### The loss
# The model's loss is the cross-entropy, the mean of −log p(right word) over the real targets. `model.loss` leaves padding out, so
# a sentence has the same loss in a batch as alone. e to the power of the loss is the **perplexity**: the model is as unsure as if
# it chose among so many words that are equally likely. A loss of log 2 is a perplexity of 2.
#
# Why this loss, and not the squared error of the probabilities? Look at the slopes below: one right word among five, whose logit
# is z; the other logits are 0. On the left the right word seems impossible. There the squared error is flat, and
# nothing pushes z up; the cross-entropy falls with slope 1, however wrong the model is.
#
# Cross-entropy is content only when the right word gets *all* the probability, and pushes its logit up for ever. **Label
# smoothing** (the paper uses s = 0.1) asks for a little less: the right word should get 1 − s, and s is spread evenly over all
# words of the vocabulary, the right one too. The loss is then (1 − s) · surprise of the right word + s · mean surprise of all words.
#
# ## Question 9.3 · smoothed_best
# A vocabulary has 4 words and s = 0.2. Which probability of the right word has the smallest loss with label smoothing?

# %% question="smoothed_best" difficulty=2 minutes=3
### BEGIN SOLUTION
smoothed_best = 0.85
### END SOLUTION

# %% check="smoothed_best"
from lib.checks import check

smoothed_best = check("smoothed_best")


# %%
z = torch.linspace(-4, 10, 281)
logits = functional.pad(z[:, None], (0, 4))  # (z, word): the right word is word 0
plain, smooth = (
    torch.stack([label_smoothed_loss(row, torch.tensor(0), s) for row in logits])
    for s in (0.0, 0.1)
)
squares = (logits.softmax(-1) - torch.eye(5)[0]).square().sum(-1)
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(z, plain, label="cross-entropy")
axes.plot(z, smooth, "--", label="with smoothing 0.1")
axes.plot(z, squares, ":", label="squared error")
axes.set(xlabel="z, logit of the right word", ylabel="loss", ylim=(0, 5.5))
axes.legend()
plt.show()
assert (
    abs(z[smooth.argmin()] - math.log(0.92 / 0.02)) < 0.1
    and plain.argmin() == len(z) - 1
)
assert torch.isclose(
    functional.cross_entropy(logits, z.long() * 0, label_smoothing=0.1), smooth.mean()
)
assert (plain[0] - plain[1]) / (z[1] - z[0]) > 0.99 and (squares[0] - squares[1]) / (
    z[1] - z[0]
) < 0.02

# %% [markdown]
# The dashed curve turns up again near z = 3.8: being surer costs. PyTorch's `cross_entropy(..., label_smoothing=0.1)` is the same.
# Szegedy et al. invented it for images. The paper of 2017 reports that it hurts perplexity, since the model learns to be less sure, and
# improves BLEU. Here we train without it at first, and measure it at the end.
#
# ### From gradients to steps: AdamW
# Notebooks 01 and 02 took steps against the gradient: w ← w − η·g, with the **learning rate** η. This is **gradient descent**; with the
# gradient of a batch instead of all data, **stochastic** gradient descent (SGD). One rate has to serve all weights, and that is its
# trouble. The embedding of a rare word has a gradient now and then, a norm's scale has one in each batch, and their sizes
# differ by factors of a thousand. A rate that suits one is far too large or too small for another.
#
# **Adam** (Kingma and Ba 2015) makes all steps about equally long. It follows each single weight with two running means:
#
# - m, the mean of the gradients: m ← β₁·m + (1 − β₁)·g. In it, a gradient that keeps changing its sign cancels out;
# - v, the mean of their squares: v ← β₂·v + (1 − β₂)·g². Its root says how large the gradients are, whatever their sign.
#
# β₁ = 0.9 remembers about ten steps, β₂ = 0.98 about fifty. (0.98 is the paper's; PyTorch's default is 0.999.) Both begin at 0, so
# the first means are too small: after t steps by the factor 1 − β₁ᵗ and 1 − β₂ᵗ. Divide by these: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).
# The step is
#
# w ← w − η · m̂ / (√v̂ + ε),
#
# with a tiny ε (10⁻⁸) against a division by 0. **A worked step.** The first gradient of a weight is g = 4. Then m = 0.4 and v =
# 0.02·16 = 0.32, so m̂ = 4, v̂ = 16, and the step is η·4/4 = η. With g = 0.004 it is η as well. In the second step let g be −4: m =
# 0.9·0.4 − 0.1·4 = −0.04, m̂ = −0.04/0.19 = −0.21, v̂ is 16 again, and the step is only 0.05·η: this gradient does not know
# what it wants.
#
# **Weight decay** pulls every weight towards 0, by η·λ·w at each step, so that only weights which are needed stay large. One could add λ·w to
# the gradient; for SGD that is the same. In Adam it is not: √v̂ would divide it, and weights with large gradients would hardly
# decay. **AdamW** (Loshchilov and Hutter 2019) takes the decay from the weight itself, beside Adam's step. Nearly every Transformer
# today is trained with it, or with a relative of it.
#
# ## Exercise 9.3 · adamw_step
# One step of AdamW for one tensor: update both means, correct them, and return the new weight, mean and square. The decay is of the
# weight before the step: w − η·λ·w − η · m̂ / (√v̂ + ε). Nothing that is given is changed. Difficulty ●●○ · 10 minutes.
#
# <details><summary>My first step is ten times too small</summary>The running means begin at 0. Divide by 1 − β₁ᵗ and 1 − β₂ᵗ, with t
# = <code>step</code>, counted from 1.</details>
# <details><summary>Should I return the corrected means?</summary>No: the running means themselves. The correction depends on the
# step and is made anew each time.</details>


# %% exercise="adamw_step" difficulty=2 minutes=10
def adamw_step(
    weight, gradient, mean, square, step, rate, betas=(0.9, 0.98), eps=1e-8, decay=0.01
):
    """One step of AdamW for one tensor (Loshchilov and Hutter 2019, algorithm 2).

    weight, gradient, mean, square: of one shape; mean and square as the step before
    returned them, zeros at first
    step: counted from 1    rate: η    betas: β₁ and β₂    eps: added to √v̂
    decay: λ, of the weight before the step
    Returns the new weight, mean (m) and square (v). What is given stays as it is.
    """
    ### BEGIN SOLUTION
    beta1, beta2 = betas
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    mean_hat = mean / (1 - beta1**step)
    square_hat = square / (1 - beta2**step)
    weight = weight * (1 - rate * decay)
    return weight - rate * mean_hat / (square_hat.sqrt() + eps), mean, square
    ### END SOLUTION


# %% check="adamw_step"
from lib.checks import check

adamw_step = check("adamw_step")

# %% [markdown]
# An optimiser holds the means of all parameters and calls your function for each. The course's class does this bookkeeping; yours
# brings the rule. Beside PyTorch's own optimiser, 20 steps of a small network:


# %%
class MyAdamW(AdamW):
    one_tensor = staticmethod(adamw_step)


def twenty_steps(kind):
    generator = torch.Generator().manual_seed(0)
    layer = fresh_weights(nn.Linear(5, 3), generator)
    optimiser = kind(layer.parameters(), lr=0.01, betas=(0.9, 0.98), weight_decay=0.1)
    for _ in range(20):
        x, y = (torch.randn(7, size, generator=generator) for size in (5, 3))
        optimiser.zero_grad()
        (layer(x) - y).square().mean().backward()
        optimiser.step()
    return layer.weight.detach()


mine, theirs = twenty_steps(MyAdamW), twenty_steps(torch.optim.AdamW)
print(f"largest difference: {(mine - theirs).abs().max():.1e}")
assert torch.allclose(mine, theirs, atol=1e-6)

# %% [markdown]
# What the long and the short steps mean can be seen in a valley that is a hundred times as steep across as along: loss = (100·a² +
# b²)/2. SGD gets a rate a little below the one at which it would fly out of the valley.

# %% jupyter={"source_hidden": true}
steep = torch.tensor([100.0, 1.0])
paths = {"SGD, rate 0.019": [], "AdamW, rate 0.1": []}
for name, path in paths.items():
    w = torch.tensor([0.8, 2.0])
    mean = square = torch.zeros(2)
    for step in range(1, 31):
        path.append(w)
        if name.startswith("SGD"):
            w = w - 0.019 * steep * w
        else:
            w, mean, square = adamw_step(w, steep * w, mean, square, step, 0.1, decay=0)
figure, axes = plt.subplots(figsize=(6.2, 3.2))
sides = torch.linspace(-1, 1, 81), torch.linspace(-0.6, 2.2, 81)
a, b = torch.meshgrid(*sides, indexing="ij")
axes.contour(b, a, (50 * a**2 + b**2 / 2).sqrt(), 12, colors="#cccccc")
for mark, (name, path) in zip("os", paths.items(), strict=True):
    along = torch.stack(path)
    axes.plot(along[:, 1], along[:, 0], f"{mark}-", ms=3, lw=1, label=name)
axes.set(xlabel="b, the flat direction", ylabel="a, the steep direction")
axes.legend()
plt.show()
ends = {name: path[-1].tolist() for name, path in paths.items()}
assert ends["SGD, rate 0.019"][1] > 1 and abs(ends["AdamW, rate 0.1"][1]) < 0.6

# %% [markdown]
# Grey lines join points of equal loss; both paths start on the right, above, and take 30 steps. SGD jumps from wall to wall and has hardly
# gone half of the way along the valley. AdamW's first steps are equally long in both directions; across the valley its gradients change their
# sign and cancel, along the valley they agree.
#
# ### The learning rate
# The rate that is best in the middle of a training is too large at its beginning, and too large at its end.
#
# - At the beginning v̂ rests on a handful of gradients, so its root is a poor guess of their size, while every step is about η long
#   all the same. The weights are fresh, too, and the gradients point somewhere else after every step. So the rate rises in a line
#   for some steps: **warm-up**.
# - At the end, a weight that is nearly right is thrown to and fro by the noise of the batches, by about η. So the rate is
#   lowered: the **schedule** or **decay of the learning rate**. Here it follows half of a cosine, from the peak down to 2% of it.
#
# With the step counted from 0:
#
# - before `warmup`: rate = peak · (step + 1) / warmup;
# - from then on: rate = peak · (floor + (1 − floor) · (1 + cos(π·p)) / 2), where p = (step − warmup) / (steps − warmup) is the share
#   of the way down that is behind us.
#
# **A worked number.** 1,000 steps, warm-up 200, peak 0.002. Step 99 has 0.002 · 100/200 = 0.001. Step 600 is half of the way
# down: cos(π/2) = 0, so the rate is 0.002 · (0.02 + 0.98/2) = 0.00102.
#
# ## Exercise 9.4 · learning_rate
# Write this schedule. Steps after the last one, as in a training that is made longer, keep the lowest rate, floor · peak.
# `warmup` may be 0. Difficulty ●●○ · 8 minutes.
#
# <details><summary>It rises again after the last step</summary>The cosine does: let p be at most 1.</details>


# %% exercise="learning_rate" difficulty=2 minutes=8
def learning_rate(step, steps, peak, warmup, floor=0.02):
    """The rate at a step, counted from 0: up to `peak` within `warmup` steps, then a
    cosine down to `floor` of it.

    steps: of the whole training, more than `warmup`; steps after it have floor * peak
    Returns a float.
    """
    ### BEGIN SOLUTION
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / (steps - warmup)  # of the way down
    return peak * (
        floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    )
    ### END SOLUTION


# %% check="learning_rate"
from lib.checks import check

learning_rate = check("learning_rate")

# %% [markdown]
# The paper's schedule (its equation 3) has a warm-up as well, and then falls as one over the root of the step, without an
# end: d_model^−0.5 · min(step^−0.5, step · warmup^−1.5), with steps counted from 1. It is called **Noam**, after Noam Shazeer, who put it into the first code.
#
# ## Question 9.4 · noam_peak
# The paper's base model has d_model = 512 and warms up for 4,000 steps. What is its highest learning rate? Two digits are enough.

# %% question="noam_peak" difficulty=1 minutes=2
### BEGIN SOLUTION
noam_peak = 512**-0.5 * 4000**-0.5
### END SOLUTION

# %% check="noam_peak"
from lib.checks import check

noam_peak = check("noam_peak")


# %%
steps, peak, warmup = RECIPE["steps"], RECIPE["peak"], RECIPE["warmup"]
papers = [noam_rate(step, 128, warmup) for step in range(1, steps + 1)]
ours = [learning_rate(step, steps, peak, warmup) for step in range(steps)]
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(papers, "--", label="the paper's, for d_model 128")
axes.plot(ours, label="here: warm-up, then a cosine")
axes.set(xlabel="step", ylabel="learning rate")
axes.legend()
plt.show()
assert papers.index(max(papers)) == ours.index(peak) == warmup - 1 == 199
assert max(ours) == peak and ours[-1] < 0.021 * peak < papers[-1]

# %% [markdown]
# Both rise in a line for 200 steps. The paper's falls and never ends. Ours comes to rest at the end of a training whose length is
# known.
#
# ### One step of training
# A step has five parts, always in this order:
#
# 1. **zero the gradients**: PyTorch *adds* new gradients to old ones;
# 2. **forward**: the loss of a batch;
# 3. **backward**: the gradient of the loss for each parameter;
# 4. **clip**: shorten all gradients by one common factor if they are longer than `max_norm` together (notebook 01), since a single strange batch
#    should not throw the weights far away;
# 5. **step**: set this step's rate and let the optimiser change the weights.
#
# That PyTorch adds gradients up has a use: **gradient accumulation**. A batch of 100,000 tokens does not fit into the memory?
# Cut it into parts, go forward and backward with each, and take *one* step at the end. The mean of k losses is the sum of
# losses divided by k, so divide each loss by k before `backward`. The gradients are those of the whole batch, if the parts have equally many
# targets; only one part's activations are in memory at a time.
#
# ## Exercise 9.5 · training_step
# Take one step. `batches` is a list: of one batch, or of several whose gradients are accumulated. The learning rate goes into each of
# the optimiser's `param_groups`, as `group["lr"]`. Return the mean of the batches' losses as a float. If the gradients' norm is not finite, raise
# FloatingPointError before the weights change: a training with `nan` in its weights is lost. Difficulty ●●● · 15 minutes.
#
# <details><summary>Is there something for clipping?</summary><code>clip_grad_norm_(model.parameters(), max_norm)</code> clips
# in place and returns the norm before, a tensor. Your <code>clip_gradients</code> of notebook 01 does the same for a list.</details>
# <details><summary>Two batches give twice the gradient</summary>Divide each loss by <code>len(batches)</code> before
# <code>backward()</code>.</details>
# <details><summary>The result is a tensor</summary><code>loss.item()</code> is a float, and holds no graph in memory.</details>


# %% exercise="training_step" difficulty=3 minutes=15
def training_step(model, loss_of, batches, optimiser, rate, max_norm=1.0):
    """One step: the gradients of all batches, averaged and clipped, then the optimiser
    at this learning rate.

    loss_of: a batch to its loss, a 0-d tensor that depends on the model's parameters
    batches: at least one; more are gradient accumulation, with one `backward` each or
    one for all: the gradients are the same
    optimiser: of this model; the rate is set in each of its `param_groups`
    max_norm: of all gradients together
    Returns the mean of the batches' losses, a float, as they were before the step.
    Gradients left from before do not count. Raises FloatingPointError, before any
    weight has changed, when the gradients' norm is not finite; what
    `.grad` then holds is left open.
    """
    ### BEGIN SOLUTION
    model.zero_grad()
    total = 0.0
    for batch in batches:
        loss = loss_of(batch) / len(batches)
        loss.backward()
        total += loss.item()
    norm = clip_grad_norm_(model.parameters(), max_norm)
    if not norm.isfinite():
        raise FloatingPointError(f"the gradients' norm is {norm.item()}")
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return total
    ### END SOLUTION


# %% check="training_step"
from lib.checks import check

training_step = check("training_step")

# %% [markdown]
# Is accumulation really the same? One step with 6 sentences of 8 words, and one with three parts of 2:

# %%
eight = [pair for pair in data if len(pair[1]) == 8][:6]
after = []
for parts in ([eight], [eight[:2], eight[2:4], eight[4:]]):
    model = new_model(len(english), len(italian), d_model=16, n_heads=2, d_ff=32)
    optimiser = torch.optim.SGD(model.parameters())
    batches = [Batch.of(part) for part in parts]
    loss = training_step(model, model.loss, batches, optimiser, rate=1.0)
    after.append(torch.cat([p.flatten() for p in model.parameters()]).detach())
    print(f"{len(parts)} parts: loss {loss:.5f}")
furthest = (after[0] - after[1]).abs().max().item()
print("largest difference of a weight below 1e-6:", furthest < 1e-6)
assert torch.allclose(*after, atol=1e-5)

# %% [markdown]
# The rest of a training is a loop around this step. Here it is; every later notebook trains with the same one, in
# `lib.training`, which can also save its state and go on (below).


# %%
def train(model, batches, steps, peak, warmup, until=None, watch=None):
    """Steps of AdamW at the schedule's rates. Returns the loss of each batch."""
    optimiser = MyAdamW(model.parameters(), betas=(0.9, 0.98))
    losses = []
    model.train()
    for step in range(until or steps):
        rate = learning_rate(step, steps, peak, warmup)
        loss = training_step(model, model.loss, [next(batches)], optimiser, rate)
        losses.append(loss)
        if watch:
            watch(step + 1, loss)
            model.train()
    model.eval()
    return losses


# %% [markdown]
# Now all of it: your Transformer, your optimiser, your loop. The curve grows while you watch; two sentences are translated now
# and then. Give it four minutes or so.

# %%
model = new_model(len(english), len(italian))
print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
few = data[:5]
alone = sum(model.loss(Batch.of([pair])) * (len(pair[1]) + 1) for pair in few)
assert torch.isclose(
    model.loss(Batch.of(few)), alone / sum(len(target) + 1 for _, target in few)
)
shown = [tests[1][0], tests[4][0]]


def in_italian(model, sentences):
    """Translations of lists of English words, as lists of Italian words."""
    written = translate(
        model.eval(), [english.encode(sentence) for sentence in sentences], limit=40
    )
    return [italian.decode(ids) for ids in written]


# %% tags=["training"]
curve = LiveCurve(steps)


def watch(step, loss):
    curve(step, loss)
    if step in (100, 300, 600, 1000, 2000, steps):
        print(
            f"step {step:4}:",
            " | ".join(join(words) for words in in_italian(model, shown)),
        )


print("          ", " | ".join(map(join, shown)))
batches = paired_lengths(data, TOKENS, random.Random(0))
losses = train(model, batches, steps, peak, warmup, watch=watch)

# %% tags=["training"]
right = [target for _, target in tests]
written = in_italian(model, [source for source, _ in tests])
score, exact = bleu(written, right), exact_match(written, right)
print(f"BLEU {score:.1f}, exact {exact:.3f}")
for i in [i for i in range(len(tests)) if written[i] != right[i]][:4]:
    print(
        join(tests[i][0]),
        "\n   right:",
        join(right[i]),
        "\n   wrote:",
        join(written[i]),
    )

# %% jupyter={"source_hidden": true}
assert score > 96.5 and exact > 0.9

# %% [markdown]
# At first it repeats frequent words, soon most of the words fit, then come the details. The last four sentences show what is
# still wrong. Now all rungs of the ladder, three trainings each. (The recorded Transformers have the same layers and were trained in the same
# way, with norms and AdamW in PyTorch's faster kernels.)

# %%
splits = {
    "test": "like training",
    "combinations": "new pairs of words",
    "lengths": "longer than in training",
}
rungs = {
    name: [seed[name] for seed in older.values()]
    for name in ("fixed vector", "attention")
}
rungs["Transformer"] = list(results["translator"].values())
figure, axes = plt.subplots(figsize=(6.5, 3.4))
for rung, ((name, seeds), mark) in enumerate(zip(rungs.items(), "os^", strict=True)):
    for place, split in enumerate(splits):
        values = [seed[split]["bleu"] for seed in seeds]
        at = [place + 0.12 * (rung - 1)] * len(values)
        axes.plot(at, values, mark, color=f"C{rung}", label=name if not place else None)
axes.set_xticks(range(3), splits.values())
axes.set(ylabel="BLEU", xlim=(-0.4, 2.4), ylim=(0, 102), xlabel="test sentences")
axes.legend(loc="lower left")
plt.show()

# %%
for name, seeds in rungs.items():
    for split in splits:
        values = sorted((seed[split]["bleu"], seed[split]["exact"]) for seed in seeds)
        print(f"{name:13} {split:13} BLEU {values[0][0]:.1f} to {values[-1][0]:.1f}")
new, old = rungs["Transformer"], rungs["attention"]
for split in ("test", "combinations"):
    assert (
        min(seed[split]["bleu"] for seed in new)
        > max(seed[split]["bleu"] for seed in old) + 1
    )
assert max(seed["seconds"] for seed in new) < 2 * min(seed["seconds"] for seed in old)
assert (
    max(seed["lengths"]["bleu"] for seed in new)
    < min(seed["lengths"]["bleu"] for seed in old) - 5
)
assert max(len(source) for source, _ in pairs) == 15
assert min(len(pair.words()[0]) for pair in load_pairs("lengths")) == 16

# %% [markdown]
# On sentences as long as in training the Transformer wins, also where two words never stood together. (Its training took less
# than twice the time.) On longer ones it *loses*, clearly. They have 16 English words or more, in training 15 at most: sinusoids
# of such positions it has never met.
#
# ### Where it looks
# A row of cross-attention weights says how much of each English word goes into an Italian one. Translators before 2014 were built on exactly such
# tables, called **word alignment**: which word of the source does this word come from? Here nobody ever gave the model an alignment. But
# our grammar knows which words belong together, so we can compare. A **link** is a pair (read, written): English word number
# `read` and Italian word number `written` mean the same. A head is right about a link if, of the weights of the written word, the
# largest lies on the read word. **An example**: the written word 2 has the weights (0.1, 0.7, 0.2), and there is a link (1, 2): right. With a
# link (0, 2) it would be wrong.
#
# ## Exercise 9.6 · alignment_accuracy
# `weights` (..., written, read) and `links`, a list or tuple of pairs (read, written): about which share of the links is each head
# right? Shape (...). Difficulty ●●○ · 8 minutes.
#
# <details><summary>All links at once?</summary><code>read, written = torch.tensor(links).T</code>, then
# <code>weights.argmax(-1)[..., written]</code>.</details>


# %% exercise="alignment_accuracy" difficulty=2 minutes=8
def alignment_accuracy(weights, links):
    """How often the largest weight of a written word lies on the word it translates.

    weights: (..., written, read); no row has its largest number twice
    links: (read, written) pairs of indices, at least one, no two alike; all count the
    same
    Returns shares (...), float32: one for each head, or whatever the leading axes are.
    """
    ### BEGIN SOLUTION
    read, written = torch.tensor(links).T
    looked_at = weights.argmax(-1)[..., written]  # (..., link)
    return (looked_at == read).float().mean(-1)
    ### END SOLUTION


# %% check="alignment_accuracy"
from lib.checks import check

alignment_accuracy = check("alignment_accuracy")

# %% [markdown]
# > **Predict.** Row j of the weights belongs to the position that hears word j − 1 and should say word j. Will its brightest
# > square be the English word for j − 1 or for j?

# %% tags=["training"]
aligned = [pair for pair in load_pairs("test")[:300] if pair.alignment]
shares = {"about to say": [], "heard": []}
for pair in aligned:
    source, target = pair.words()
    batch = Batch.of([(english.encode(source), italian.encode(target))])
    # (block, heads, written, read)
    weights = cross_attention_weights(model, batch)[:, 0]
    shares["about to say"].append(
        alignment_accuracy(weights[..., :-1, :], pair.alignment)
    )
    shares["heard"].append(alignment_accuracy(weights[..., 1:, :], pair.alignment))
# (block, heads) each
says, heard = (torch.stack(found).mean(0) for found in shares.values())
for name, share in (("about to say", says), ("heard", heard)):
    print(
        f"{name:12}",
        *(
            f"block {i}: {[round(s, 2) for s in heads]}"
            for i, heads in enumerate(share.tolist(), 1)
        ),
    )

# %%
assert says[1].max() > 0.95 and heard[1].max() < 0.3
recorded = [seed["alignment"]["before"] for seed in results["translator"].values()]
assert all(max(blocks[1]) > 0.95 for blocks in recorded)

# %% [markdown]
# The word that it is about to say. In the second block the best head is right for more than 95% of the linked words, in all
# recorded trainings. That is a fact about where it looks; whether it also *translates* by this look alone, the weights do not say. Two held-out sentences whose order differs:

# %% tags=["training"]
# of the Italian words, in English order
orders = [(pair, [j for _, j in pair.alignment]) for pair in aligned]
crossed = [pair for pair, order in orders if len(order) > 2 and order != sorted(order)][
    :2
]
head, maps = says[1].argmax(), []
figure, panels = plt.subplots(1, 2, figsize=(9, 3.8))
for axes, pair in zip(panels, crossed, strict=True):
    source, target = pair.words()
    batch = Batch.of([(english.encode(source), italian.encode(target))])
    maps.append(cross_attention_weights(model, batch)[1, 0, head])
    image = axes.imshow(maps[-1], cmap="cividis", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(
        range(len(source)), source, rotation=60, ha="right", rotation_mode="anchor"
    )
    axes.set_yticks(range(len(target) + 1), [*target, "<EOS>"])
    axes.set(xlabel="read", ylabel="about to say")
figure.colorbar(image, label="weight")
plt.show()

# %%
found = [
    alignment_accuracy(weights[:-1], pair.alignment)
    for weights, pair in zip(maps, crossed, strict=True)
]
assert (
    sum(found) / 2 > 0.8
    and "maestro curioso" in crossed[0].italian
    and "padre di Luca" in crossed[1].italian
)

# %% [markdown]
# Each row is a word that is about to be written, bright is where the head looks. The path follows the links, not the order: it
# jumps where the adjective stands after its noun (*maestro curioso*) and the owner after the owned (*il padre di Luca*).
#
# All heads of such a translator, word by word. (It is the one of notebook 10, trained by the same recipe; MiniLM, a
# BERT, is from notebook 16.) Choose a word with the mouse or the arrow keys: at *maestro* and *curioso* the look has to
# jump. For a sentence of your own model, put what
# `looks("mine", source, [*target, "<EOS>"], cross_attention_weights(model, batch)[:, 0])` gives, from
# `lib.widgets.heads`, into a cell: `widget("heads", {"models": [...]})`.

# %% jupyter={"source_hidden": true}
from lib.widgets import widget

widget("heads")

# %% [markdown]
# One thing only meaning can decide: what *it* is. "The duck cannot cross the bridge because it is too narrow" (or: "too scared").
# Italian shows it by the adjective's ending. 400 held-out sentences with pairs of nouns that training never offers together:

# %%
for seed in results["translator"].values():
    print(
        f"the right ending: {seed['it']['endings']:.3f}, the whole sentence: "
        f"{seed['it']['exact']:.3f}"
    )
    assert seed["it"]["endings"] > 0.99
assert len(load_pairs("it")) == 400

# %% [markdown]
# More than 99% in all three trainings, when the words before the ending are given. Which noun *it* stands for shows only in the rest of the
# sentence: the model has learned what can be narrow, and what scared.
#

# ## A training that can stop
# Real trainings take days, and computers stop. The library's `Training` is the loop from above with a memory: it saves weights, Adam's
# means, the place in the data and the state of the random numbers. It takes your step, too.
# Here 12 steps at once, and 7 plus 5 with a file in between. (Notebook 10 does not wait for yours: it starts from
# `data/translator.safetensors`, made by the same recipe in 4,000 steps.)


# %%
import tempfile
from pathlib import Path


def small_training():
    model = new_model(len(english), len(italian), d_model=16, n_heads=2, d_ff=32)
    return Training(
        model,
        model.loss,
        paired_lengths(data[:500], 100, random.Random(0)),
        steps=12,
        peak=2e-3,
        one_step=training_step,
    )


at_once, first, second = small_training(), small_training(), small_training()
at_once.run()
with tempfile.TemporaryDirectory() as folder:
    first.run(until=7)
    first.save(Path(folder) / "half.safetensors")
    second.resume(Path(folder) / "half.safetensors")
second.run()
assert all(map(torch.equal, at_once.model.parameters(), second.model.parameters()))
assert at_once.losses == second.losses and KEPT == RECIPE | {"steps": 4000}
print("bit for bit the same weights and losses")

# %% [markdown]
# ## What each part is worth
# A smaller model (d_model 64), 800 steps, three seeds, each time with one thing changed.
#
# > **Predict.** Which change hurts most: no warm-up, label smoothing of 0.1, an output matrix of its own, or the squared error
# > of the probabilities instead of cross-entropy?

# %%
recorded = list(results["parts"].values())
part_scores = {
    part: torch.tensor([seed[part]["bleu"] for seed in recorded])
    for part in recorded[0]
}
for part, values in part_scores.items():
    print(f"{part:16} BLEU", "  ".join(f"{value:.1f}" for value in values))
as_it_is = part_scores["as it is"]
assert len(as_it_is) == 3 and len(italian) == 2163
luck = as_it_is.max() - as_it_is.min()
assert (as_it_is - part_scores["no warm-up"] > 2).all()
assert (part_scores["label smoothing"] - as_it_is).mean().abs() < 1 < luck
assert (part_scores["output not tied"] > as_it_is).all()
assert (part_scores["squared error"] < 5).all()

# %% [markdown]
# A column is a seed. With the squared error it learns nothing in this time: at first every right word has a probability near 0,
# and there that loss is flat. No warm-up costs more than 2 BLEU at this peak rate; a lower rate might not need one. Label
# smoothing changes less than luck does. An output matrix of its own is even better here: tying saves 2,163 vectors, not BLEU. Long trainings
# may rank differently.
#
# ## What breaks
# First the padding mask: the trained model, 300 test sentences mixed in batches of 50, and padding counts as real.


# %%
class Unmasked(Transformer):
    def encode(self, source, source_mask):
        return super().encode(source, torch.ones_like(source_mask))

    def decode(self, inputs, memory, source_mask):
        return super().decode(inputs, memory, torch.ones_like(source_mask))


def in_mixed_batches(model):
    """BLEU of the first 300 test sentences, translated in batches of 50 of all lengths,
    with `write`.
    """
    written = []
    for start in range(0, 300, 50):
        batch = pad_batch(
            [english.encode(source) for source, _ in tests[start : start + 50]]
        )
        written += [italian.decode(ids) for ids in write(model, *batch)]
    return bleu(written, right[:300])


# %% tags=["training"]
unmasked = new_model(len(english), len(italian), kind=Unmasked).eval()
unmasked.load_state_dict(model.state_dict())
with_mask, without = in_mixed_batches(model), in_mixed_batches(unmasked)
print(f"with the mask: BLEU {with_mask:.1f}, without: {without:.1f}")

# %% jupyter={"source_hidden": true}
assert with_mask > 95 and without < with_mask - 3

# %% [markdown]
# Words that are not there distract: more than 3 BLEU are lost.
#
# > **Predict.** Now the same training, but the decoder has no causal mask. After 300 steps, is its loss higher or lower than that
# > of the right one? And its translations?


# %% tags=["training"]
class Cheat(Transformer):
    def decode(self, inputs, memory, source_mask):
        return self.logits(
            self.decoder(
                self.embed(inputs), memory, None, source_mask[:, None, None, :]
            )
        )


cheat = new_model(len(english), len(italian), kind=Cheat)
batches = paired_lengths(data, TOKENS, random.Random(0))
cheated = train(cheat, batches, steps, peak, warmup, until=300)
leaky, honest = (sum(curve[280:300]) / 20 for curve in (cheated, losses))
print(f"loss after 300 steps: {leaky:.2f} without the mask, {honest:.2f} with it")
batch = pad_batch([english.encode(source) for source, _ in tests[:100]])
copied = [italian.decode(ids) for ids in write(cheat, *batch)]
for (source, _), words in zip(tests[:3], copied, strict=False):
    print(join(source), "→", join(words))

# %% jupyter={"source_hidden": true}
assert leaky < honest - 0.5 and bleu(copied, right[:100]) < 5

# %% [markdown]
# Its loss is far lower, and it cannot translate at all: it has learned to copy the word that it should predict, and when there
# is none, it has nothing to say. A loss that is too good to be true is the sign of a leak.
#
# ## In other words
# - **Encoder-decoder**, **sequence-to-sequence model**: one network reads, another writes. **Memory**: the encoder's output (also
#   *encoder hidden states*). **Cross-attention**: queries from the decoder, keys and values from the memory.
# - **Teacher forcing**: in training the decoder hears the right words. **Autoregressive**: in use it hears its own.
# - **Cross-entropy**: mean of −log p(right word), in **nats** (or bits, by log 2). **Perplexity**: e to that power.
#   **Label smoothing** (ε_ls in the paper): a part of the target is spread over all words.
# - **Tied weights**, weight sharing: embedding and output matrix are one.
# - **Optimiser**: what turns gradients into steps. **SGD**; **Adam** (m, v: first and second **moment**; **bias correction**); **AdamW**:
#   with **decoupled weight decay** (λ).
# - **Learning rate** (η, lr), its **schedule**, **warm-up**, **peak**; **Noam** schedule, **cosine** schedule.
# - **Gradient clipping**; **gradient accumulation**: several backward passes, one step. **Batch size** is counted in sentences or in tokens.
# - **Checkpoint**: a file from which a training goes on. **Word alignment**: which words of two sentences belong together.
#
# ## Where it comes from
# - The model and its training: Vaswani et al. [2017](https://arxiv.org/abs/1706.03762). Base model: 65 million parameters, 100,000
#   steps of about 25,000 source and 25,000 target tokens, 12 hours on 8 GPUs, BLEU 27.3 for English to German on newstest2014; the big
#   one 28.4, with 213 million. It shared one vocabulary and one matrix between both languages and the output (Press and Wolf
#   [2017](https://arxiv.org/abs/1608.05859)).
# - Adam: Kingma and Ba [2015](https://arxiv.org/abs/1412.6980). AdamW: Loshchilov and Hutter
#   [2019](https://arxiv.org/abs/1711.05101); the cosine schedule is theirs as well ([2017](https://arxiv.org/abs/1608.03983)).
# - Why warm-up helps is still discussed: the variance of Adam's first steps, Liu et al. [2020](https://arxiv.org/abs/1908.03265); the place of
#   the norm, Xiong et al. [2020](https://arxiv.org/abs/2002.04745) (notebook 07).
# - Label smoothing: Szegedy et al. [2016](https://arxiv.org/abs/1512.00567). Clipping: Pascanu et al.
#   [2013](https://arxiv.org/abs/1211.5063). Alignment in attention: Bahdanau et al. [2015](https://arxiv.org/abs/1409.0473).
# - Since then the large models have become decoders alone (notebook 11), AdamW has stayed, and optimisers that treat a matrix as a
#   matrix (Muon) have begun to compete with it.
#
# ## What to remember
# - The decoder hears the right sentence, moved by one place. The causal mask makes one pass as good as many; translating needs
#   a pass for each word.
# - A step is: zero, forward, backward, clip, step. AdamW makes all weights' steps about equally long; warm-up and decay say how long.
# - Padding is masked wherever somebody looks; sentences of the same length in a batch have little of it.
# - On lengths it has seen, the Transformer beats the LSTM with attention. Beyond them it loses here.
#
# **Next**: [10 · Search](10_search.ipynb): always the likeliest next word is not the likeliest sentence.
