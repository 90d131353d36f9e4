# %% [markdown]
# # 9 · Encoder-decoder translation
# After this notebook you can build the whole Transformer of the paper, train it to translate, and say what each part of the
# recipe is worth.
#
# You need: notebooks 03, 05, 06 and 07. You build: the Transformer, one step of translating, the loss and the learning rate
# of the paper, alignment. 90 minutes, 4 of them training.

# %%
import json
import math
import random

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from lib.batching import EOS, SOS, Batch, Vocabulary, similar_lengths
from lib.corpora import files
from lib.corpora.italian import join, load_pairs
from lib.decoding.search import translate
from lib.figures import LiveCurve, style
from lib.layers import FusedLayerNorm, FusedPreNorm, fresh_weights
from lib.transformer import Decoder, Encoder, TransformerParts, cross_attention_weights

# %%
from lib.scoring import bleu, exact_match
from lib.training import Training, learning_rate, train
from lib.training.recipes import paired_lengths
from lib.training.translator import KEPT, RECIPE, TOKENS
from lib.yours import (
    DecoderBlock,
    EncoderBlock,
    causal_mask,
    greedy_translate,
    pad_batch,
    shift_right,
    sinusoidal_positions,
)

style()
torch.set_num_threads(1)  # such small matrices gain nothing from a second thread

# %% [markdown]
# These are your own pieces where they pass, and together they are nearly all of it.
#
# ## The question
# Notebook 3's LSTM with attention translates well. But it reads the right sentence word by word: for the state after word 8 it
# needs the state after word 7. Can a network learn from all words of a sentence *at once*, and translate better?

# %%
older = json.loads(files.read("seq2seq_results.json"))["translation"]
results = json.loads(files.read("translation_results.json"))
scores = [seed["attention"]["test"] for seed in older.values()]
print("notebook 3, three trainings: BLEU", sorted(score["bleu"] for score in scores))
assert all(94 < score["bleu"] < 95.5 and score["exact"] < 0.87 for score in scores)

# %% [markdown]
# About 95 BLEU, and fewer than 87% of the sentences right to the last word.
#
# ## By hand
# "I love you very much" is "ti amo molto". Move the sentence one place to the right, and each position has its own small
# exam. Suppose a model gives the right words these probabilities:
#
# | hears | should say | probability | surprise |
# |---|---|---|---|
# | `<SOS>` | ti | 1/2 | 1 bit |
# | ti | amo | 1/2 | 1 bit |
# | amo | molto | 1/4 | 2 bits |
# | molto | `<EOS>` | 1 | 0 bits |
#
# The loss is the mean surprise: (1 + 1 + 2 + 0) / 4 = **1 bit**, or log 2 nats. No exam needs the answer of another one: all four
# can be written at the same time.
#
# ## The picture

# %%
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
# Each box is one position that the decoder computes. In training the whole right sentence is known, so one pass does it,
# and a mask hides the future. Translating has to wait for each word: four passes, and the grey boxes are computed again.
#
# ## In code

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
# Now the whole: an encoder reads, a decoder writes, and both are stacks of your blocks.
#
# ## Exercise 9.1 · Transformer
# The parts are given: `embed_source(ids)` and `embed(ids)` (scaled, with positions), `encoder(x, mask)`,
# `decoder(x, memory, mask, memory_mask)`, `logits(x)`. Write the three methods. `source_mask` (batch, key) is True on real
# tokens, whatever their ids; attention wants it as (batch, 1, 1, key). The model will be trained: gradients flow from the
# logits back to both embeddings. Difficulty ●●● · 15 minutes.
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
    """Your Transformer of your blocks and positions; PreNorm in its fused version, the
    same numbers in one kernel.
    """
    sizes = d_model, n_heads, d_ff, 0.0, FusedPreNorm
    model = kind(
        nn.Embedding(sources, d_model),
        nn.Embedding(targets, d_model),
        Encoder(
            [EncoderBlock(*sizes) for _ in range(n_blocks)], FusedLayerNorm(d_model)
        ),
        Decoder(
            [DecoderBlock(*sizes) for _ in range(n_blocks)], FusedLayerNorm(d_model)
        ),
    )
    model.positions.table = sinusoidal_positions(512, d_model)
    return fresh_weights(model, torch.Generator().manual_seed(0))


# %% [markdown]
# `logits` has no matrix of its own: it compares x with the embedding of every Italian word (**tied** weights). Now six
# well-known words, through a small model with fresh weights:

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
# That is why training takes **one time step**: a single pass is worth eight. And it is why translating takes many: the next
# input is the word that is not written yet.
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
    the last column of `written`, the rest as it was), and None.
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
# > **Predict.** Count the positions that the decoder computes: for one training pass over n positions, and for writing n words
# > with `next_word_step`.

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
# n passes over 1, 2, ... n positions: n(n + 1)/2 in all. Notebook 13 computes each position once, with a cache. `translate` of
# notebook 10 does so too; it writes the same words faster, so from here on it does the translating.
#
# ## On real text
# English to Italian, the 40,000 pairs of notebook 3. Nothing of the paper's figure is left to build; what is left is the
# training. First, its batches.

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

# %% [markdown]
# ## Exercise 9.3 · share_of_padding
# A batch is a rectangle, as wide as its longest sentence. `lengths` of the sentences, `batches` as lists of indices: how much
# of all rectangles together is padding? A float from 0 to 1. Difficulty ●○○ · 6 minutes.
#
# <details><summary>The mean of the batches' shares?</summary>No: add up real tokens and places over all batches, then
# divide.</details>


# %% exercise="share_of_padding" difficulty=1 minutes=6
def share_of_padding(lengths, batches):
    """How much of the rectangles of all batches together is padding, from 0 to below 1.

    lengths: of each sentence, 1 and more
    batches: lists of indices into them, none of them empty
    Returns a float.
    """
    ### BEGIN SOLUTION
    real = places = 0
    for batch in batches:
        in_batch = [lengths[i] for i in batch]
        real += sum(in_batch)
        places += len(in_batch) * max(in_batch)
    return 1 - real / places
    ### END SOLUTION


# %% check="share_of_padding"
from lib.checks import check

share_of_padding = check("share_of_padding")

# %% [markdown]
# > **Predict.** Batches of 30 random sentences: which share of the work is wasted? And if sentences of the same length stand
# > together?

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
# Now the loss. Cross-entropy is content only when the right word gets *all* the probability, and pushes its logit up for ever.
# **Label smoothing** asks for a little less: 90% to the right word, 10% spread over all words evenly.
#
# ## Exercise 9.4 · label_smoothed_loss
# `logits` (..., vocab), finite; `targets` (...), or one alone: `targets` 0-d, `logits` (vocab,). The surprise of a word is minus
# its log-probability. Return the mean over the targets of (1 − s) · surprise of the right word + s · mean surprise of all words.
# Gradients flow back to the logits. Difficulty ●●○ · 10 minutes.
#
# <details><summary>How do I pick the right word's?</summary><code>surprise.gather(-1, targets.unsqueeze(-1))</code></details>
# <details><summary>nan or inf</summary><code>log_softmax</code> stays finite where <code>softmax().log()</code> does
# not.</details>


# %% exercise="label_smoothed_loss" difficulty=2 minutes=10
def label_smoothed_loss(logits, targets, smoothing):
    """The mean cross-entropy when the right word is only `1 - smoothing` sure, the rest
    spread over all words evenly.

    logits: (..., vocab), finite    targets: (...), ids; one alone is 0-d
    smoothing: from 0 to 1; 0 is plain cross-entropy
    Returns a 0-d tensor, in nats. Gradients flow back to the logits.
    """
    ### BEGIN SOLUTION
    surprise = -logits.log_softmax(-1)  # (..., vocab), of every word
    of_right = surprise.gather(-1, targets.unsqueeze(-1)).mean()
    return (1 - smoothing) * of_right + smoothing * surprise.mean()
    ### END SOLUTION


# %% check="label_smoothed_loss"
from lib.checks import check

label_smoothed_loss = check("label_smoothed_loss")

# %% [markdown]
# > **Predict.** Five words, the right one's logit is z and the others are 0. Without smoothing the best z is infinite. With
# > smoothing 0.1?

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
# The dashed curve turns up again near 3.8, where the right word has 92% and each other word 2%: being surer costs. PyTorch's
# `cross_entropy(..., label_smoothing=0.1)` is the same.
#
# Why cross-entropy, and not the squared error of the probabilities? On the left the right word seems impossible. There the
# dotted curve is flat and nothing pushes z up; cross-entropy falls with slope 1.
#
# Last, the learning rate. Adam's first steps rest on few gradients, so the paper starts small.
#
# ## Exercise 9.5 · noam_rate
# The paper's equation 3: d_model^−0.5 · min(step^−0.5, step · warmup^−1.5). Steps count from 1.
# Difficulty ●○○ · 4 minutes.
#
# <details><summary>Why is it called so?</summary>After Noam Shazeer, who put it into the first code.</details>


# %% exercise="noam_rate" difficulty=1 minutes=4
def noam_rate(step, d_model, warmup):
    """The learning rate at a step, counted from 1, for Adam (Vaswani et al. 2017, eq.
    3).
    """
    ### BEGIN SOLUTION
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)
    ### END SOLUTION


# %% check="noam_rate"
from lib.checks import check

noam_rate = check("noam_rate")

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
# Both rise in a line for 200 steps. The paper's then falls as 1/√step and never ends. Ours comes to rest at the end of a
# training whose length is known.
#
# Now all of it, with plain cross-entropy. `model.loss` is its mean over the real targets: padding counts nowhere, so sentences
# have the same loss in a batch as alone. The curve grows while you watch; two sentences are translated now and then.

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
losses = train(model, model.loss, batches, **RECIPE, watch=watch)

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
# still wrong. Now all rungs of the ladder, three trainings each:

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
# Where does it look? The grammar knows which words belong together.
#
# ## Exercise 9.6 · alignment_accuracy
# `weights` (..., written, read) and `links`, a list or tuple of pairs (read, written): for which share of the links does the
# largest weight of the written word lie on the read one? One number for each head: shape (...). Difficulty ●●○ · 8 minutes.
#
# <details><summary>All links at once?</summary><code>read, written = torch.tensor(links).T</code>, then
# <code>weights.argmax(-1)[..., written]</code>.</details>


# %% exercise="alignment_accuracy" difficulty=2 minutes=8
def alignment_accuracy(weights, links):
    """How often the largest weight of a written word lies on the word it translates.

    weights: (..., written, read)
    links: (read, written) pairs of indices, at least one; each counts once
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
# recorded trainings; nobody ever showed it a dictionary. Two held-out sentences whose order differs:

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
# Each row is a word that is about to be written, bright is where the head looks. The path follows the meaning, not the order: it
# jumps where the adjective stands after its noun (*maestro curioso*) and the owner after the owned (*il padre di Luca*).
#
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
# More than 99% in all three trainings, told the words before. Which noun *it* stands for shows only in the rest of the
# sentence: something in there has learned what can be narrow, and what scared.
#
# ## A training that can stop
# Real trainings take days, and computers stop. `Training` saves weights, Adam's memory, the place in the data and the dice.
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
# and there that loss is flat. No warm-up costs more than 2 BLEU. Label smoothing changes less than luck does. An output matrix
# of its own is even better here: tying saves 2,163 vectors, not BLEU. Long trainings may rank differently.
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
cheated = Training(cheat, cheat.loss, batches, **RECIPE).run(until=300)
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
# ## What to remember
# - The decoder hears the right sentence, moved by one place. The causal mask makes one pass as good as many; translating needs
#   a pass for each word.
# - Padding is masked wherever somebody looks; sentences of the same length in a batch have little of it.
# - On lengths it has seen, the Transformer beats the LSTM with attention. Beyond them it loses here.
#
# **Next**: [10 · Search](10_search.ipynb): always the likeliest next word is not the likeliest sentence.
