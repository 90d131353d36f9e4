# %% [markdown]
# # 11 · GPT
# After this notebook you can build a GPT out of your own blocks, count GPT-2's 124,439,808 parameters, train one, read its
# loss in four units, and say what of its stories is its own.
#
# You need: notebooks 05 to 09. You build: the loss, the model, its count, its first weights, a rival without a network, a unit
# that is fair to all. 145 minutes, best in two sittings.

# %%
import json
import math

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import gelu

from lib.corpora import files
from lib.corpora.stories import NAMES, sentences
from lib.figures import LiveCurve, style, transformer_map
from lib.gpt import END, load_stories_gpt
from lib.training import train

style()

# %%
from lib.training.language import (
    RECIPES,
    encode_texts,
    held_out_bits,
    measure,
    read_texts,
    write_texts,
)
from lib.training.muon import matrices_inside, orthogonalised
from lib.yours import (
    EncoderBlock,
    LayerNorm,
    LearnedPositions,
    causal_mask,
    future_leak,
    learning_rate,
    training_step,
)

torch.set_num_threads(1)  # such small matrices gain nothing from a second thread

# %% [markdown]
# ## The question
# A translator needs pairs of sentences, and somebody has to write the second half of each pair. Plain text is everywhere.
# What can a Transformer learn from text alone?
#
# Our text is 7,500 short stories, of which 300 are kept back as a test.
#
# > **A program wrote these stories.** It fills patterns with words that were given to it: a person, a place, something that is
# > lost or broken, and what follows from it. Whatever a model reaches on them, it would not reach on text that people
# > wrote. So the section *On real text* trains the same model on Shakespeare and puts its numbers beside those of the
# > stories.

# %%
learnt, held_out = read_texts("stories")
known = {sentence for story in learnt for sentence in sentences(story)}
print(held_out[0])

# %% jupyter={"source_hidden": true}
assert (len(learnt), len(held_out)) == (7_200, 300)
assert measure(held_out, known)["verbatim"] < 0.07

# %% [markdown]
# Of the sentences in the new stories, fewer than 7 in 100 stand in the others. So the next word cannot be looked up. To guess it,
# a reader must keep in mind who is there, what was lost, and why somebody is wet.
#
# ## By hand
# A **language model** says how probable a text is. Any text can be taken apart, word by word, into questions of one kind:
# what comes next? The probability of the whole is the product of the probabilities of the parts, each given all that stands
# before it:
#
# $$p(x_1 \ldots x_n) = p(x_1)\; p(x_2 \mid x_1)\; p(x_3 \mid x_1 x_2) \cdots p(x_n \mid x_1 \ldots x_{n-1})$$
#
# Here $x_t$ is the token at position t, and the bar | is read "given". This is the **chain rule** of probability; it holds
# for every text and leaves nothing out. A model that works in this order, each token from those before it, is
# **autoregressive**.
#
# Somebody guesses *the cat sat* (its first word is given):
#
# | read so far | comes next | guessed with probability p | surprise in nats, −ln p | in bits, −log₂ p |
# |---|---|---|---|---|
# | the | cat | 1/2 | 0.693 | 1 |
# | the cat | sat | 1/4 | 1.386 | 2 |
# | **mean** | | | **1.040** | **1.5** |
#
# The product is 1/2 · 1/4 = 1/8. Products of thousands of probabilities are too small for a computer; their logarithms add
# up instead. The **loss** is the mean surprise: 1.040 **nats** a word, if ln is taken, or 1.5 **bits**, if log₂ is. One bit
# is ln 2 = 0.693 nats.
#
# A third unit is easier to picture. With L for the loss in nats, the **perplexity** is
#
# $$\mathrm{perplexity} = e^{L} = \left(\frac{1}{p_1 p_2 \cdots p_n}\right)^{1/n}$$
#
# where n is the number of guesses, and $p_t$ the probability that the right token got at guess t. Here it is $e^{1.040} =
# \sqrt{2 \cdot 4} = 2.83$: the guesser is as unsure as if it chose each time among 2.83 words that are equally likely. A
# model that knows nothing has the size of the vocabulary as its perplexity; one that is always sure, and right, has 1.
#
# Nobody had to label anything: the text asks the questions and answers them. Learning of this kind is called
# **self-supervised**, and when it comes before some other task, **pre-training**. GPT stands for *generative pre-trained
# Transformer*.
#
# ## Question 11.1 · text_perplexity
# A model gives the four right tokens of a text the probabilities 1/2, 1/8, 1/2 and 1/8. What is its perplexity on this text?

# %% question="text_perplexity" difficulty=1 minutes=3
### BEGIN SOLUTION
text_perplexity = 4
### END SOLUTION

# %% check="text_perplexity"
from lib.checks import check

text_perplexity = check("text_perplexity")

# %% [markdown]
# ## The picture
# A GPT is the writing half of the Transformer. There is nobody to translate for, so cross-attention goes, and with it the
# encoder.

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(9.9, 3.7), width_ratios=(2.7, 1))
axes, grey, blue, orange = panels[0], "#555555", "#cfe0fc", "#ffe3c2"


def box(x, y, text, colour, width=1.5, height=0.7):
    axes.add_patch(plt.Rectangle((x, y), width, height, fc=colour, ec="black"))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=8)


def arrow(start, end):
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": grey})


axes.plot([1.6, 9.4], [0, 0], lw=6, color="#f0a860", zorder=0)
box(0.1, -0.35, "embedding\n+ position", blue)
for left, part in ((2.3, "masked\nattention"), (5.3, "feed-\nforward")):
    arrow((left + 0.6, 0.08), (left + 0.6, 0.95))
    box(left, 0.95, "norm", "#eeeeee", 1.2, 0.5)
    arrow((left + 0.6, 1.45), (left + 0.6, 1.95))
    box(left, 1.95, part, orange, 1.2)
    axes.plot([left + 1.2, left + 2.2], [2.3, 2.3], color=grey, lw=1)
    arrow((left + 2.2, 2.3), (left + 2.2, 0.22))
    axes.text(left + 2.2, 0, "+", ha="center", va="center", fontsize=15, weight="bold")
    axes.text(left + 0.55, 0.5, "read", ha="right", va="center", fontsize=7)
    axes.text(left + 2.28, 1.2, "add", va="center", fontsize=7)
axes.add_patch(plt.Rectangle((2.0, -0.45), 6.02, 3.35, fill=False, ec=grey, ls="--"))
axes.text(7.92, 2.97, "block, × N", ha="right", fontsize=8, color=grey)
box(8.2, -0.25, "norm", "#eeeeee", 0.9, 0.5)
box(9.4, -0.35, "· every row of\nthe embedding", blue, 1.75)
arrow((0.85, -1.3), (0.85, -0.38))
arrow((10.3, 0.35), (10.3, 1.3))
notes = {
    (0.95, -1.0): "ids (batch, position)",
    (3.0, -0.8): "the residual stream x: (batch, position, d_model)",
    (8.2, 1.65): "logits\n(batch, position, vocab)",
}
for (x, y), text in notes.items():
    axes.text(x, y, text, va="center", fontsize=8, color=grey)
axes.set(xlim=(-0.1, 11.4), ylim=(-1.4, 3.3))
axes.axis("off")
transformer_map(panels[1], parts=("decoder",), numbers=False)
plt.show()

# %% [markdown]
# Read it from left to right. The thick line is x, the **residual stream** of notebook 07: one vector for each position,
# which begins as the token's embedding plus its position's vector. Each part reads a normed copy of x and *adds* what it
# found; nothing on the line is ever replaced. With $E$ for the embedding table (vocab, d_model), $P$ for the table of
# positions, and l for the number of the block,
#
# $$x^{(0)}_t = E[\mathrm{id}_t] + P[t] \qquad\quad
#   a^{(l)} = x^{(l-1)} + \mathrm{attention}(\mathrm{norm}(x^{(l-1)})) \qquad\quad
#   x^{(l)} = a^{(l)} + \mathrm{feedforward}(\mathrm{norm}(a^{(l)}))$$
#
# After the last block, N, comes one more norm, and then the **LM head** (language-model head): the logit of a token is the dot
# product of the vector with the token's own row of $E$,
#
# $$\mathrm{logits}_t = \mathrm{norm}(x^{(N)}_t)\; E^\top$$
#
# So a GPT is two tables and N of your `EncoderBlock`s under a causal mask. In the map on the right that is the dashed box
# without its cross-attention, and what stands below and above it. One pass asks a question at *every* position: the row t
# of the logits is the guess for token t + 1, and the causal mask sees to it that this row knows the tokens 1 to t only. So
# a text of n tokens is n − 1 exercises in one pass, which is the **parallel training** of notebook 09; its price is
# attention's work, which grows with n² (**quadratic cost**).
#
# **A worked number.** Two numbers a vector, three tokens: *the* (1, 0), *cat* (0, 1), *sat* (1, 1). We leave out norms and
# positions. The model reads *cat*: x is (0, 1). Attention adds (1, 0), the feed-forward adds (1, 1): x is now (2, 2). Its
# dot products with the three rows are 2, 2 and 4, so *sat* is the likeliest. And because it is all a sum, we can say who is
# to thank for that 4: (0, 1) · (1, 1) = 1 came from the embedding, 1 from the attention, 2 from the feed-forward.

# %%
table = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])  # the, cat, sat
written = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # onto the line
x = written.sum(dim=0)
print("logits of the, cat, sat:", (x @ table.T).tolist())
print("who wrote the logit of sat:", (written @ table[2]).tolist())
assert (x @ table.T).tolist() == [2, 2, 4]
assert (written @ table[2]).tolist() == [1, 1, 2]

# %% [markdown]
# (In a real GPT the norm stands before the head. It takes from each share its own mean and divides all of them by one
# common number, so they still add up.) Further below we look into a trained stream, block by block.
#
# ## In code
# A model is a function from ids to logits. Here is the smallest: it looks at the last word only. 0 is *the*, 1 is *cat*, 2 is
# *sat*. Row by row, the table says how likely each word is after it.

# %%
chances = torch.tensor(
    [[1 / 4, 1 / 2, 1 / 4], [1 / 2, 1 / 4, 1 / 4], [1 / 3, 1 / 3, 1 / 3]]
)


def tiny(ids):
    """ids (batch, position) to logits (batch, position, 3): the logarithm of the row of
    each word.
    """
    return chances.log()[ids]


text = torch.tensor([[0, 1, 2]])
logits = tiny(text[:, :-1])
loss = functional.cross_entropy(logits[0], text[0, 1:])
print(f"{loss:.3f} nats a word, perplexity {loss.exp():.2f}")

# %% jupyter={"source_hidden": true}
assert abs(loss - 1.040) < 0.001 and abs(loss.exp() - 2.83) < 0.005
assert abs(loss - (math.log(2) + math.log(4)) / 2) < 1e-6
assert abs(loss / math.log(2) - 1.5) < 1e-6

# %% [markdown]
# The logarithm of a probability is a good logit, because softmax turns it back: e to the power of ln p is p, and the row's
# sum is 1 already. `cross_entropy` takes the softmax by itself, and then the mean of −ln p.
#
# Look at the two slices. The model reads `text[:, :-1]`, all words but the last, because after the last one nothing is
# asked. It is asked for `text[:, 1:]`, all words but the first, because before the first one nothing was read:
#
# | reads, `ids[:, :-1]` | the | cat |
# |---|---|---|
# | **should say, `ids[:, 1:]`** | **cat** | **sat** |
#
# In notebook 09 the decoder's inputs and targets were shifted like this as well; there `<SOS>` stood in front.
#
# ## Exercise 11.1 · gpt_loss
# The mean surprise of a model on `ids` (batch, length). `model` gives logits (batch, position, vocab). Returns a 0-d
# tensor of the logits' dtype, in nats, through which gradients flow back. Difficulty ●○○ · 6 minutes.
#
# <details><summary>cross_entropy complains about shapes</summary>It wants logits (n, vocab) and targets (n):
# <code>flatten(0, 1)</code> for the one, <code>flatten()</code> for the other.</details>
# <details><summary>My loss is far too good</summary>Then the model is asked for the token it reads. The targets are
# <code>ids[:, 1:]</code>.</details>


# %% exercise="gpt_loss" difficulty=1 minutes=6
def gpt_loss(model, ids):
    """How much the next token surprises a model on average, in nats: the mean of -ln
    p(right token).

    model: ids (batch, position) to logits (batch, position, vocab)
    ids: (batch, length), length at least 2
    Returns a 0-d tensor of the logits' dtype.
    """
    ### BEGIN SOLUTION
    logits = model(ids[:, :-1])
    return functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    ### END SOLUTION


# %% check="gpt_loss"
from lib.checks import check

gpt_loss = check("gpt_loss")

# %% jupyter={"source_hidden": true}
assert torch.allclose(gpt_loss(tiny, text), loss)

# %% [markdown]
# ## Question 11.2 · predictions_made
# `gpt_loss(model, ids)` is called with ids of shape (6, 33). Of how many surprises is it the mean?

# %% question="predictions_made" difficulty=1 minutes=2
### BEGIN SOLUTION
predictions_made = 192
### END SOLUTION

# %% check="predictions_made"
from lib.checks import check

predictions_made = check("predictions_made")

# %% [markdown]
# ## The model
# Two things deserve a word before you write it.
#
# **One table for words in and words out.** A head with a matrix of its own would have vocab · d_model weights, as many as
# the embedding. GPT uses the embedding twice: on the way in, row i is *what token i means*; on the way out, x is compared
# with each row, and the logit is large if x points the same way. This is **weight tying** (notebook 09; Press and Wolf
# 2017). It saves weights and makes the two readings of a token one.
#
# **Dropout** at the foot of the stream: `self.dropout` (notebook 07) sets a random share of the numbers to 0 while
# training, against learning by heart. Our trainings leave it at 0: yours will read a quarter of the text, once.
#
# ## Exercise 11.2 · GPT
# Three methods. `embed`: the ids' rows, positions added from `start` on, then dropout. `logits`: the norm, then dot
# products with **every row of the same embedding table**, for x (..., d_model) with any axes in front. `forward`: embed,
# all blocks under a causal mask (as `causal_mask` gives it, axes of size 1 before it or not), logits.
# Difficulty ●●○ · 15 minutes.
#
# <details><summary>Where is the output layer?</summary>There is none. A token fits if x points its way:
# <code>self.norm(x) @ self.embedding.weight.T</code>.</details>
# <details><summary>What is start for?</summary>For notebook 13, where a text is read in pieces.
# <code>self.positions(x, start)</code> takes it.</details>


# %% exercise="GPT" difficulty=2 minutes=15
class GPT(nn.Module):
    """What comes next? Pre-norm blocks that look back only, and one table for words in
    and words out.
    """

    def __init__(
        self,
        vocab,
        n_positions,
        d_model,
        n_heads,
        n_layers,
        dropout=0.0,
        activation=gelu,
        block=EncoderBlock,
    ):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.dropout = nn.Dropout(dropout)
        sizes = d_model, n_heads, 4 * d_model, dropout
        self.blocks = nn.ModuleList(
            block(*sizes, bias=True, activation=activation) for _ in range(n_layers)
        )
        self.norm = LayerNorm(d_model)

    def embed(self, ids, start=0):
        ### BEGIN SOLUTION
        return self.dropout(self.positions(self.embedding(ids), start))
        ### END SOLUTION

    def logits(self, x):
        ### BEGIN SOLUTION
        return self.norm(x) @ self.embedding.weight.T
        ### END SOLUTION

    def forward(self, ids):
        ### BEGIN SOLUTION
        x = self.embed(ids)
        mask = causal_mask(ids.shape[1]).to(ids.device)
        for block in self.blocks:
            x = block(x, mask)
        return self.logits(x)
        ### END SOLUTION

    def loss(self, ids):
        return gpt_loss(self, ids)


# %% check="GPT"
from lib.checks import check

GPT = check("GPT")

# %%
model = GPT(vocab=11, n_positions=7, d_model=12, n_heads=3, n_layers=2)
ids = torch.randint(11, (2, 7), generator=torch.Generator().manual_seed(0))
print("ids", tuple(ids.shape), "to logits", tuple(model(ids).shape))
print("parameters with an axis of 11, the vocabulary:")
print([name for name, p in model.named_parameters() if 11 in p.shape])

# %% jupyter={"source_hidden": true}
assert model(ids).shape == (2, 7, 11)
tables = [name for name, p in model.named_parameters() if 11 in p.shape]
assert tables == ["embedding.weight"]

# %% [markdown]
# One table only. And no position may know what comes after it, or the loss would be a lie. Negate the future, and the past must
# not move (`future_leak`, notebook 05):


# %%
def through(x):
    for block in model.blocks:
        x = block(x, causal_mask(x.shape[1]))
    return model.logits(x)


leak = future_leak(through, torch.randn(2, 7, 12))
print("the past moved by", leak)
assert leak == 0.0

# %% [markdown]
# ## Counting the parameters
# How large is a GPT? Go through the picture and count the numbers that are learned, for a tiny one: vocab 5, 4 positions,
# d_model 2, one block. A matrix from a to b numbers has a · b weights, and b biases more if it has biases; a norm has a
# scale and a shift, 2 · d_model.
#
# | part | what it holds | numbers |
# |---|---|---|
# | embedding | a row of 2 for each of 5 tokens | 10 |
# | positions | a row of 2 for each of 4 positions | 8 |
# | attention | query, key, value and output: four times 2 · 2 + 2 | 24 |
# | feed-forward | up to 4 · 2 = 8: 2 · 8 + 8. Down again: 8 · 2 + 2 | 42 |
# | norms | before the attention, before the feed-forward, before the head: three times 4 | 12 |
# | **together** | | **96** |
#
# The number of heads does not occur: heads are slices of the same four matrices.

# %%
smallest = GPT(vocab=5, n_positions=4, d_model=2, n_heads=1, n_layers=1)
print(sum(parameter.numel() for parameter in smallest.parameters()))
assert sum(parameter.numel() for parameter in smallest.parameters()) == 96

# %% [markdown]
# ## Exercise 11.3 · gpt2_parameters
# The same at any size: a dict of `"embedding"`, `"positions"`, `"attention"`, `"feed-forward"`, `"norms"`, each for the whole
# model. The matrices of attention and feed-forward have biases, one norm follows the last block, and the tied head is not counted
# again. Difficulty ●●○ · 10 minutes.
#
# <details><summary>What has an attention?</summary>Four matrices d_model × d_model, and a bias of d_model for each.</details>
# <details><summary>And a feed-forward?</summary>Up: d_model × 4·d_model, and 4·d_model biases. Down: the same numbers turned
# round, and d_model biases.</details>
# <details><summary>And a norm?</summary>A scale and a shift, d_model numbers each. A block has two norms.</details>


# %% exercise="gpt2_parameters" difficulty=2 minutes=10
def gpt2_parameters(vocab, n_positions, d_model, n_layers):
    """How many parameters a GPT has, by part. The head is the embedding table: it is
    not counted again.

    Returns {"embedding", "positions", "attention", "feed-forward", "norms"}: whole
    numbers (24 or 24.0), for the whole model, at any size.
    """
    ### BEGIN SOLUTION
    return {
        "embedding": vocab * d_model,
        "positions": n_positions * d_model,
        "attention": n_layers * 4 * (d_model**2 + d_model),
        "feed-forward": n_layers * (8 * d_model**2 + 5 * d_model),
        "norms": (2 * n_layers + 1) * 2 * d_model,
    }
    ### END SOLUTION


# %% check="gpt2_parameters"
from lib.checks import check

gpt2_parameters = check("gpt2_parameters")

# %% [markdown]
# GPT-2 knows 50,257 tokens: 256 bytes, 50,000 merges, and `<|endoftext|>`. It reads 1,024 at a time, in 12 blocks of width 768.

# %%
counts = gpt2_parameters(vocab=50_257, n_positions=1_024, d_model=768, n_layers=12)
for part, number in counts.items():
    print(f"{part:13}{number:12,}{100 * number / sum(counts.values()):5.0f}%")
print(f"{'together':13}{sum(counts.values()):12,}")
assert sum(counts.values()) == 124_439_808

# %% [markdown]
# Here is the same count from your class. It takes no memory: on the device `meta` a tensor has a shape and no numbers. Why are other
# totals printed elsewhere? Programs that count the output layer apart from the embedding find 38,597,376 more. (The paper's
# 117 million was a slip, as OpenAI's own repository says.)

# %%
with torch.device("meta"):
    gpt2 = GPT(vocab=50_257, n_positions=1_024, d_model=768, n_heads=12, n_layers=12)
print(f"{sum(parameter.numel() for parameter in gpt2.parameters()):,}")

# %% jupyter={"source_hidden": true}
assert sum(parameter.numel() for parameter in gpt2.parameters()) == 124_439_808
assert 50_257 * 768 == 38_597_376 and 124_439_808 + 38_597_376 == 163_037_184
assert 0.30 < counts["embedding"] / 124_439_808 < 0.32
assert counts["feed-forward"] > 1.9 * counts["attention"]

# %% [markdown]
# Almost a third of GPT-2 is that one table of 50,257 × 768 numbers. Each block holds 4·d² in the attention and 8·d² in the
# feed-forward, d being short for d_model. Biases and norms are small beside them as soon as d is large, which gives a rule
# of thumb: **the blocks of a GPT have about 12 · n_layers · d_model² parameters**.
#
# ## Question 11.3 · gpt3_blocks
# The largest GPT-3 (2020) has 96 blocks of width 12,288. About how many parameters have its blocks? Two digits are enough.

# %% question="gpt3_blocks" difficulty=1 minutes=2
### BEGIN SOLUTION
gpt3_blocks = 12 * 96 * 12_288**2
### END SOLUTION

# %% check="gpt3_blocks"
from lib.checks import check

gpt3_blocks = check("gpt3_blocks")

# %% [markdown]
# GPT-2's published weights fit into the same class; the logits equal Hugging Face's (`tests/test_gpt.py`). They come from
# 40 GB of web pages that people wrote. `load_gpt2_weights` takes the path of a safetensors file. To fetch it once, 548 MB,
# run in a terminal `python -c "from lib.downloads import fetch; fetch('gpt2/model.safetensors')"`. Then this cell asks
# GPT-2:

# %% tags=["training"]
from lib.downloads import cache
from lib.gpt2 import load_gpt2_weights
from lib.tokenizer import load_gpt2

if (cache() / "gpt2/model.safetensors").exists():
    published, its_tokenizer = (
        load_gpt2_weights(cache() / "gpt2/model.safetensors"),
        load_gpt2(),
    )
    asked = torch.tensor(
        [its_tokenizer.encode("The animal didn't cross the street because it was too")]
    )
    likely = published(asked)[0, -1].softmax(-1).topk(5)
    for chance, i in zip(likely.values.tolist(), likely.indices.tolist(), strict=True):
        print(f"{chance:.2f} {its_tokenizer.decode([i])!r}")
else:
    print("GPT-2's weights are not on this machine, and nothing below needs them.")

# %% [markdown]
# ## The first weights
# A training begins with random weights. How large should they be? Two thoughts lead to GPT-2's choice.
#
# **The head.** The same table is read twice. If its numbers are large, then the token's own row is much more like x than
# any other row, since x *began* as this row; and the model is sure, without having learned anything, that the same word
# comes again. With small numbers all logits are near 0, and the model says that it does not know. GPT-2 draws its matrices
# from a normal distribution with standard deviation 0.02. (OpenAI's code drew the positions with 0.01; we take 0.02 for
# all, as most later code does.)
#
# **The stream.** Each block adds two branches, so N blocks add 2·N random vectors. Variances of independent things add up:
# if each branch has variance s², their sum has 2·N·s². **A worked number**: 8 blocks are 16 branches; with s = 1 the sum
# has variance 16, standard deviation 4. Divide each branch by √16 = 4, and the sum has standard deviation 1 again. Since a
# branch grows in proportion to the last matrix that it goes through, GPT-2 draws those last matrices smaller: 0.02/√(2·N).
# They are `to_out` of the attention and `narrow` of the feed-forward. So the stream of a deep stack begins about as large
# as that of a shallow one.
#
# ## Exercise 11.4 · initial_weights
# GPT-2's first weights: all matrices and tables normal with standard deviation 0.02; where a branch ends (`to_out`, `narrow`)
# 0.02/√(2·n_layers); biases and shifts 0, scales 1. In place, out of `generator`; return the model. Difficulty ●●○ · 10 minutes.
#
# <details><summary>How do I find them?</summary><code>model.named_parameters()</code> gives names such as
# <code>blocks.0.attention.to_out.weight</code>; a matrix has <code>dim() == 2</code>; n_layers is
# <code>len(model.blocks)</code>.</details>
# <details><summary>a leaf Variable that requires grad ...</summary>Put the loop under
# <code>with torch.no_grad():</code>.</details>


# %% exercise="initial_weights" difficulty=2 minutes=10
def initial_weights(model, generator):
    """GPT-2's fresh weights: normal numbers of size 0.02, smaller where a branch ends;
    biases 0, norms 1 and 0.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("to_out.weight", "narrow.weight")):
                parameter.normal_(
                    0, 0.02 / math.sqrt(2 * len(model.blocks)), generator=generator
                )
            elif parameter.dim() == 2:
                parameter.normal_(0, 0.02, generator=generator)
            else:
                parameter.fill_(1.0 if name.endswith("scale") else 0.0)
    return model
    ### END SOLUTION


# %% check="initial_weights"
from lib.checks import check

initial_weights = check("initial_weights")

# %% [markdown]
# ## Question 11.4 · first_loss
# GPT-2's training begins: vocabulary 50,257, weights drawn like this. About how large is the loss of the very first batch,
# in nats a token? Three digits are enough.

# %% question="first_loss" difficulty=1 minutes=2
### BEGIN SOLUTION
first_loss = math.log(50_257)
### END SOLUTION

# %% check="first_loss"
from lib.checks import check

first_loss = check("first_loss")

# %% [markdown]
# Always look at the first loss of a training: it costs nothing, and a wrong one is the sign of a bug. Here is our size,
# with 2,048 tokens.
#
# > **Predict.** PyTorch fills an embedding with numbers of size 1. Is the first loss then smaller than with GPT-2's weights, the same, or
# > larger?

# %%
some = torch.randint(2_048, (4, 64), generator=torch.Generator().manual_seed(0))
with torch.random.fork_rng():
    torch.manual_seed(0)
    as_made = [
        GPT(2_048, 64, 128, 4, n_layers) for n_layers in (4, 24) for _ in range(3)
    ]
    before = [model.loss(some).item() for model in as_made]
    loud = as_made[0](some).argmax(-1)
after = [
    initial_weights(model, torch.Generator().manual_seed(i)).loss(some).item()
    for i, model in enumerate(as_made)
]
print(f"PyTorch's weights: {min(before):.0f} to {max(before):.0f} nats")
print(f"GPT-2's: {min(after):.1f} to {max(after):.1f}; ln 2048 = {math.log(2048):.2f}")
print(f"PyTorch's: 'the same token again' {(loud == some).float().mean():.2f}")

# %% jupyter={"source_hidden": true}
assert min(before) > 9.5 * math.log(2_048) and max(before) < 15.5 * math.log(2_048)
assert all(abs(loss - math.log(2_048)) < 0.2 for loss in after)
assert (loud == some).float().mean() > 0.98

# %% [markdown]
# With PyTorch's weights the loss is 10 to 15 times that of a model that knows nothing. The last line shows why: at almost
# every position it says "the same token again", and with confidence. Training would begin by unlearning that.
#
# ## The stories as tokens
# The tokens are made as in notebook 08: 2,048 of them, learnt from the stories. The stories become one long row of ids,
# with `<|endoftext|>` before each of them.

# %%
storyteller, tokenizer = load_stories_gpt()
vocab, end = len(tokenizer), tokenizer.special[END]
row = encode_texts(tokenizer, learnt)
row_held_out = encode_texts(tokenizer, held_out[:100])
print(f"{len(row):,} ids;", [tokenizer.decode([i]) for i in row[:9].tolist()])

# %% [markdown]
# ## A rival without a network
# Is a loss of 3 good? A loss means nothing without something to compare it with. Language models before neural networks
# *counted*: how often does b follow a in the text? A table of pairs is a **bigram model**, one of n words in a row an
# **n-gram model**. The estimate of a probability is a count divided by the sum of its row:
#
# $$p(b \mid a) = \frac{\mathrm{count}(ab) + \varepsilon}{\sum_{c} \left(\mathrm{count}(ac) + \varepsilon\right)}$$
#
# c runs through all tokens of the vocabulary. Why ε, a small number such as 0.1? A pair that never occurred would have
# probability 0, and a surprise of infinity where it does occur. Giving a little of the probability to what was never seen
# is called **smoothing**.
#
# **A worked number.** In *the cat the mat the cat* the word *the* is followed by *cat* twice and by *mat* once. With a
# vocabulary of three and ε = 0.1: p(cat | the) = (2 + 0.1) / (0 + 2 + 1 + 3 · 0.1) = 2.1/3.3 = 0.636, a surprise of 0.45
# nats; p(the | the) = 0.1/3.3 = 0.03, 3.5 nats.
#
# ## Exercise 11.5 · bigram_loss
# Count how often b follows a in `ids` (n,), add `extra`, the ε of the formula, to every count, divide each row by its sum.
# Return the mean of −ln p over the pairs of `held_out` (m,), a 0-d float32 tensor. Difficulty ●●○ · 10 minutes.
#
# <details><summary>A loop over two million pairs is slow</summary>Give each pair one number, a·vocab + b:
# <code>torch.bincount(..., minlength=vocab**2)</code>, then <code>.view(vocab, vocab)</code>.</details>
# <details><summary>inf</summary>A pair that was never seen has the chance 0. Add <code>extra</code> before dividing.</details>


# %% exercise="bigram_loss" difficulty=2 minutes=10
def bigram_loss(ids, held_out, vocab, extra=0.1):
    """How much the next token surprises a table of counts, in nats: p(b after a) =
    (pairs ab + extra) / all of row a.

    ids, held_out: (n,) and (m,), int64, some millions of ids at most
    extra: above 0, so that every row has a sum
    """
    ### BEGIN SOLUTION
    pairs = ids[:-1] * vocab + ids[1:]
    counts = torch.bincount(pairs, minlength=vocab**2).view(vocab, vocab) + extra
    chances = counts / counts.sum(dim=1, keepdim=True)
    return -chances[held_out[:-1], held_out[1:]].log().mean()
    ### END SOLUTION


# %% check="bigram_loss"
from lib.checks import check

bigram_loss = check("bigram_loss")

# %%
words = torch.tensor([0, 1, 0, 2, 0, 1])  # the cat the mat the cat
for guessed in ((0, 1), (0, 0)):
    surprise = bigram_loss(words, torch.tensor(guessed), vocab=3)
    print(f"p = {math.exp(-surprise):.3f}, surprise {surprise:.2f} nats")

# %% jupyter={"source_hidden": true}
assert abs(bigram_loss(words, torch.tensor([0, 1]), 3) + math.log(2.1 / 3.3)) < 1e-5
assert abs(surprise + math.log(0.1 / 3.3)) < 1e-5
assert round(-math.log(2.1 / 3.3), 2) == 0.45 and round(-math.log(0.1 / 3.3), 1) == 3.5

# %% [markdown]
# Now we count the stories. Between "all tokens alike" and the pairs stands a **unigram model**, which knows how frequent each token is.

# %%
frequencies = torch.bincount(row, minlength=vocab) + 0.1
single = -(frequencies / frequencies.sum())[row_held_out[1:]].log().mean().item()
rivals = {
    "all tokens alike": math.log(vocab),
    "how frequent each is": single,
    "pairs, counted": bigram_loss(row, row_held_out, vocab).item(),
}
for name, loss in rivals.items():
    print(f"{name:22} {loss:.2f} nats a token, perplexity {math.exp(loss):6,.0f}")

# %% jupyter={"source_hidden": true}
assert 7.62 < rivals["all tokens alike"] < 7.63
assert 6.1 < rivals["how frequent each is"] < 6.25
assert 3.0 < rivals["pairs, counted"] < 3.15
assert 20 < math.exp(rivals["pairs, counted"]) < 24

# %% [markdown]
# This is how to read a loss, from above:
#
# - 7.62, perplexity 2,048: nothing is known;
# - about 6.2: it is known which tokens are frequent;
# - about 3.1, perplexity 22 or so: it is known what follows what;
# - only below that is something used that stands further back.
#
# ## Bits per byte
# A nat *a token* and a perplexity depend on how the text was cut. A vocabulary of whole words asks few, hard questions; a
# vocabulary of letters many easy ones. Two models with different tokenizers cannot be compared by such numbers. But both
# have read the same text, and a byte is a byte. So add up the surprise of the *whole* text, and spread it over its bytes:
#
# $$\mathrm{bits\ per\ byte} = \frac{L \cdot n_\mathrm{tokens}}{\ln 2 \;\cdot\; n_\mathrm{bytes}}$$
#
# L is the mean loss in nats a token, $n_\mathrm{tokens}$ the number of tokens that were guessed, $n_\mathrm{bytes}$ the
# length of the same text in UTF-8, and dividing by ln 2 turns nats into bits.
#
# **A worked number.** The text is *the cat sat* again, of which " cat sat" was guessed: 2 tokens, 8 bytes with the spaces.
# The loss is 1.040 nats, so the whole costs 2 · 1.040 = 2.08 nats or 3 bits, and that is 3/8 = 0.375 bits a byte. The
# number is more than a unit: by **arithmetic coding** a text can be packed into about as many bits as a model is surprised
# by it, if the same model unpacks it. With 1 bit per byte, the archive has an eighth of the size.
#
# ## Exercise 11.6 · bits_per_byte
# From a mean loss in nats a token, over `n_tokens` tokens that stand for `n_bytes` bytes, to bits a byte.
# (`<|endoftext|>` is a token like any other, and stands for no bytes.) Difficulty ●○○ ·
# 3 minutes.
#
# <details><summary>Which way round?</summary>All nats: loss × n_tokens. One nat is 1/ln 2 = 1.44 bits. Then divide by
# n_bytes.</details>


# %% exercise="bits_per_byte" difficulty=1 minutes=3
def bits_per_byte(loss, n_tokens, n_bytes):
    """A loss in nats a token as bits a byte of the text: what an archive made with this
    model would take.
    """
    ### BEGIN SOLUTION
    return loss * n_tokens / math.log(2) / n_bytes
    ### END SOLUTION


# %% check="bits_per_byte"
from lib.checks import check

bits_per_byte = check("bits_per_byte")

# %%
n_bytes = sum(len(story.encode()) for story in held_out[:100])
n_tokens = len(row_held_out) - 1
print(f"{n_bytes / n_tokens:.2f} bytes a token")
ladder = {name: bits_per_byte(loss, n_tokens, n_bytes) for name, loss in rivals.items()}
for name, bits in ladder.items():
    print(f"{name:22} {bits:.2f} bits a byte")

# %% jupyter={"source_hidden": true}
assert 1.1 < ladder["pairs, counted"] < 1.25
assert abs(bits_per_byte(1.0397, 2, len(" cat sat")) - 0.375) < 1e-3

# %% [markdown]
# ## Question 11.5 · equal_loss
# Model A cuts a text into tokens of 4 bytes on average and has a loss of 3.0 nats a token. Model B cuts the same text into
# tokens of 1.5 bytes on average. With which loss, in nats a token, would B be as good as A?

# %% question="equal_loss" difficulty=2 minutes=3
### BEGIN SOLUTION
equal_loss = 1.125
### END SOLUTION

# %% check="equal_loss"
from lib.checks import check

equal_loss = check("equal_loss")

# %% [markdown]
# ## The optimiser
# You could train now, with your step and AdamW from notebook 09. AdamW looks at each *number* of a matrix alone. But a
# matrix is more than its numbers. It is a sum of parts, each of which takes one direction of the input to one direction of
# the output, with a strength, its **singular value**. To find them is the **singular value decomposition** (SVD), $G = U S
# V^\top$, with the singular values on the diagonal of S. A gradient of a matrix is a matrix too. Here are the singular
# values of one, from one batch and fresh weights:

# %%
recipe = RECIPES["notebook"]
model = GPT(vocab, recipe.n_positions, recipe.d_model, recipe.n_heads, recipe.n_layers)
model = initial_weights(model, torch.Generator().manual_seed(0))
model.loss(next(recipe.batches(row, 0))).backward()
gradient = model.blocks[0].feed_forward.narrow.weight.grad
strengths = torch.linalg.svdvals(gradient)
evened = torch.linalg.svdvals(orthogonalised(gradient[None])[0])
share = strengths[:10].square().sum() / strengths.square().sum()
print(f"{tuple(gradient.shape)}: {len(strengths)} singular values;", end=" ")
print(f"the 10 largest have {share:.2f} of the sum of squares")
print(f"after Muon's rounds: {evened[:-1].min():.2f} to {evened.max():.2f}, one aside")

# %% jupyter={"source_hidden": true}
assert 0.6 < share < 0.8 and strengths[-1] < 1e-4 * strengths[-2]
assert evened[:-1].min() > 0.65 and evened.max() < 1.25
figure, axes = plt.subplots(figsize=(6, 2.6))
axes.semilogy(strengths[:-1] / strengths[0], label="the gradient's, largest = 1")
axes.semilogy(evened[:-1], "--", label="after five rounds")
axes.set(xlabel="singular values, from the largest", ylabel="size", ylim=(1e-3, 3))
axes.legend()
plt.show()

# %% [markdown]
# From left to right stand the singular values, the largest first; the solid line is the gradient's, and the axis is
# logarithmic. A few directions are strong and most are faint: the ten largest of 128 hold about seven tenths of the sum of
# squares. (The last of the 128 is 0, and is left out. This matrix writes onto the stream, and whoever reads the stream norms it
# first, which takes the mean away; so it never matters whether the same number is added to all places of x.) A step along
# such a gradient learns the strong directions and hardly touches the faint ones. **Muon** (Jordan et al. 2024) takes the
# running mean of the gradients, as Adam does, and then replaces its singular values by numbers near 1: the step goes about
# equally far in all directions, nearly $U V^\top$ instead of $U S V^\top$.
#
# **A worked number.** Let the mean gradient be the diagonal matrix with 4 and 0.1. Gradient descent goes 40 times as far in
# the first direction as in the second; $U V^\top$ goes equally far in both. (AdamW would do so here as well, since each
# direction *is* one number. Turn the two directions by 45 degrees, and the four numbers of the matrix are 2.05, 1.95, 1.95
# and 2.05: now AdamW sees four gradients that are nearly alike, goes the same way in all of them, and the faint direction
# gets nothing of its step. Muon's step is the same as before, turned.)
#
# An SVD is slow, so Muon uses matrix products alone: five rounds of x ← a·x + b·(xxᵀ)x + c·(xxᵀ)²x with fixed a, b, c move
# every singular value towards 1, roughly (**Newton-Schulz iteration**; the dashed line): after five rounds most lie
# between 0.7 and 1.2, which is near enough. The step is then scaled so that its numbers are about as large as AdamW's, and
# one learning rate serves both. Muon is for the matrices inside; the embedding, positions, norms and biases stay with
# AdamW.

# %%
turn = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2)
turned = turn @ torch.diag(torch.tensor([4.0, 0.1])) @ turn.T
print("turned:", [[round(n, 2) for n in line] for line in turned.tolist()])
for name, step in (("signs", turned.sign()), ("Muon", orthogonalised(turned[None])[0])):
    print(f"{name}: singular values", [f"{s:.2f}" for s in torch.linalg.svdvals(step)])
inside = sum(matrix.numel() for matrix in matrices_inside(model))
everything = sum(parameter.numel() for parameter in model.parameters())
print(f"Muon's share of the {everything:,} parameters: {inside / everything:.2f}")

# %% jupyter={"source_hidden": true}
assert torch.allclose(turned, torch.tensor([[2.05, 1.95], [1.95, 2.05]]), atol=1e-5)
assert torch.linalg.svdvals(turned.sign())[1] < 1e-5
assert 0.65 < torch.linalg.svdvals(step).min() <= torch.linalg.svdvals(step).max() < 1.2

# %% [markdown]
# ## How a story is judged
# A loss is one number. We also want to know whether the stories that a model writes *hold*. Since the text has rules, a
# program can look (`measure`):
#
# - **verbatim**: the share of the written sentences that stand, word for word, in the stories it has learned from. Held-out
#   stories have 0.06, since their patterns repeat. Much more would mean that a model recites.
# - **names**: the share of the texts that keep to their people: at most two heroes by first name, and one neighbour.
# - **pronouns**: the share of *he*, *she* and their kind with somebody of that gender before them.
# - **causes**: of the causes that have an effect in these stories, such as a forgotten umbrella, the share whose effect
#   follows: somebody gets wet.
#
# In the held-out stories the last three are 1.00. The rules are those of the program that wrote them: on real text there is
# no such measure.
#
# ## The training
# Four blocks of width 128, 800 steps on batches of four pieces of 128 tokens, each from anywhere in the row. The step is
# your `training_step`, the rate your `learning_rate`, both from notebook 09; `muon=True` leaves the matrices inside to
# Muon. It takes about a minute and a half, or longer on a busy machine.
#
# > **Predict.** After how many steps is it better than the table of pairs, at about 3.1?


# %%
def rate(step):
    return learning_rate(step, recipe.steps, recipe.peak, warmup=100)


# %% tags=["training"]
print(write_texts(model, tokenizer, 1, torch.Generator().manual_seed(0))[0][:200])
curve = LiveCurve(recipe.steps, every=50, rivals=rivals)
losses = train(
    model,
    model.loss,
    recipe.batches(row, 0),
    recipe.steps,
    recipe.peak,
    rate=rate,
    one_step=training_step,
    muon=True,
    watch=curve,
)

# %% tags=["training"]
texts = write_texts(model, tokenizer, 48, torch.Generator().manual_seed(0))
ladder["your GPT, 800 steps"] = held_out_bits(model, tokenizer, held_out[:100])
print(texts[0])

# %% [markdown]
# Before the training these were tokens thrown at random. After it they are mostly English words, and a few in a row fit;
# but who does what is forgotten within a sentence. How much of it holds? Here are yours, and three recorded runs of the
# same recipe (`benchmarks/gpt.py`):

# %%
results = json.loads(files.read("gpt_results.json"))


def recorded(which, name):
    return torch.tensor([run[name] for run in results[which].values()])


def passed(losses, rival):
    """The first step from which on the mean of 50 losses is below the rival's."""
    return next(i for i in range(len(losses)) if sum(losses[i : i + 50]) / 50 < rival)


# %% tags=["training"]
yours = measure(texts, known)
for name in ("verbatim", "names", "pronouns"):
    three = [round(share, 2) for share in recorded("notebook", name).tolist()]
    print(f"{name:9} yours {yours[name]:.2f}   three runs {three}")
last = sum(losses[-50:]) / 50
print(f"last 50 steps: {last:.2f} nats a token, perplexity {math.exp(last):.1f}")
first = passed(losses, rivals["pairs, counted"])
print("better than the table of pairs from step", first)

# %% jupyter={"source_hidden": true}
assert last < 2.4 < rivals["pairs, counted"]
assert ladder["your GPT, 800 steps"] < 0.85 < ladder["pairs, counted"]
assert (recorded("notebook", "bits per byte") < 0.85).all()
assert (recorded("notebook", "verbatim") < 0.05).all()
adamw = recorded("notebook by AdamW", "bits per byte")
assert len(adamw) == 3 and (adamw > ladder["pairs, counted"]).all()
taken = [recorded(name, "seconds") for name in ("notebook", "notebook by AdamW")]
assert 1.3 < (taken[0] / taken[1]).median() < 1.8

# %% [markdown]
# And without Muon? With AdamW alone, at the best of three peak rates that were tried, 800 steps end a little above the
# table of pairs, in three of three runs. (The two had the same number of steps, and not the same time: a step with Muon
# takes about one and a half times as long here.) This is one small model and one short training; do not take it for a law.

# %%
for name in ("notebook", "notebook by AdamW"):
    bits = recorded(name, "bits per byte")
    print(f"{name:18} {bits.min():.2f} to {bits.max():.2f} bits a byte after 800 steps")

# %% [markdown]
# ## On real text
# Your GPT needs about 0.8 bits for each byte; the file itself spends 8. Is it as good as that, or are the stories so
# easy? Take **Tiny Shakespeare**, a megabyte of plays that a person wrote, and put the same rivals on it. Two of them need
# no tokenizer: pairs of *bytes*, counted in a million bytes; and `bz2`, an archive program, which finds patterns that
# repeat, on the held-out part alone. (Bits per byte of an archive: 8 times its size, divided by that of the text.) The text is
# fetched on request (`python -m lib.downloads tinyshakespeare`); its numbers are recorded (`benchmarks/gpt.py shakespeare`).

# %%
import bz2

from lib.corpora.shakespeare import FILE
from lib.downloads import have


def without_network(learnt, held_out):
    """Bits per byte of two rivals that read bytes."""
    ids = torch.tensor(list(learnt.encode()[:1_000_000]))
    new = torch.tensor(list(held_out.encode()))
    pairs = bigram_loss(ids, new, vocab=256).item()
    packed = len(bz2.compress(held_out.encode()))
    return {"pairs of bytes": pairs / math.log(2), "bz2": 8 * packed / len(new)}


# %%
ours = without_network("\n\n".join(learnt), "\n\n".join(held_out[:100]))
ours["pairs of tokens"] = ladder["pairs, counted"]
theirs = {name: results["Shakespeare without a network"]["0"][name] for name in ours}
print("stories:    ", {name: round(bits, 2) for name, bits in ours.items()})
print("Shakespeare:", {name: round(bits, 2) for name, bits in theirs.items()})

# %% tags=["training"]
if have(FILE):
    (plays,), (last_plays,) = read_texts("shakespeare")
    found = without_network(plays, last_plays)
    print(last_plays[:150])
    assert all(abs(found[name] - theirs[name]) < 0.001 for name in found)
    assert 0.98e6 < len(plays.encode()) < 1.02e6
else:
    print("Shakespeare is not on this machine: the recorded numbers have to do.")

# %% jupyter={"source_hidden": true}
assert abs(ours["pairs of bytes"] - 3.404) < 0.002 and abs(ours["bz2"] - 1.899) < 0.001
assert theirs["pairs of bytes"] - ours["pairs of bytes"] < 0.2
assert theirs["bz2"] - ours["bz2"] > 0.7
assert theirs["pairs of tokens"] / ours["pairs of tokens"] > 2.1
assert 6.4e6 < sum(len(story.encode()) for story in learnt) < 6.6e6

# %%
ours["this GPT, 800 steps"] = recorded("notebook", "bits per byte").mean().item()
theirs["this GPT, 800 steps"] = recorded("Shakespeare", "bits per byte").mean().item()

# %%
figure, axes = plt.subplots(figsize=(6, 3.2))
for offset, (name, bits) in enumerate({"stories": ours, "Shakespeare": theirs}.items()):
    places = [place + 0.4 * offset for place in range(len(bits))]
    bars = axes.barh(places, list(bits.values()), 0.36, label=name)
    axes.bar_label(bars, [f"{number:.2f}" for number in bits.values()], padding=3)
axes.set_yticks([place + 0.2 for place in range(len(ours))], list(ours))
axes.invert_yaxis()
axes.set(xlabel="bits a byte, on text it has not read", xlim=(0, 4.4))
axes.legend(loc="lower right")
plt.show()

# %% [markdown]
# Two bars for each rival: above the program's stories, below Shakespeare. Pairs of letters are nearly as hard in both
# texts, since both are English. But rivals that look further find the stories much easier: the archive, which sees what
# repeats over whole sentences; pairs of tokens, many of which are words; and most of all the GPT. With the same sizes,
# steps and rates, and 2,048 tokens learnt from its own text, it reaches about 0.77 bits on the stories and 2.4 on
# Shakespeare. There it is only a little better than counted pairs of tokens, at 2.6. So a model like yours finds out the
# program's patterns quickly. Of what a person wrote it has learned, in the same time, little more than which token follows
# which. (One condition is not equal: there are 6.5 MB of stories to learn from, and 1.0 MB of plays.)
#
# Keep such numbers in mind when you read about language models on texts that people wrote:
#
# | who | text | bits |
# |---|---|---|
# | Karpathy's nanoGPT, 10 million parameters ([README](https://github.com/karpathy/nanoGPT)) | Tiny Shakespeare, held out | 2.12 a character (1.4697 nats) |
# | GPT-2 with 124 million, not trained on it (Radford et al. 2019) | Wikipedia's markup (enwik8) | 1.16 a byte |
# | GPT-2 with 1.5 billion, not trained on it | the same | 0.93 a byte |
# | people who guess letters (Shannon 1951) | a biography | between 0.6 and 1.3 a letter |

# %% jupyter={"source_hidden": true}
assert round(1.4697 / math.log(2), 2) == 2.12
assert (recorded("Shakespeare", "bits per byte") - 2.4).abs().max() < 0.05
assert abs(ours["this GPT, 800 steps"] - 0.77) < 0.02
assert (
    theirs["pairs of tokens"] - recorded("Shakespeare", "bits per byte")
).min() > 0.1

# %% [markdown]
# ## A longer run
# The course's own model has two blocks more and reads 320 tokens, a whole story. `python -m lib.training gpt` trained it in about
# 37 processor minutes, with the same optimisers (and a rate that stays level until the last quarter).

# %%
longer = RECIPES["stories"]
sizes = everything, sum(parameter.numel() for parameter in storyteller.parameters())
for size, made in zip(sizes, (recipe, longer), strict=True):
    tokens = made.steps * made.batch * made.n_positions
    print(
        f"{size:,} parameters, {tokens:,} tokens read: the text "
        f"{tokens / len(row):.1f} times, {tokens / size:.1f} a parameter"
    )

# %% jupyter={"source_hidden": true}
assert (longer.steps, longer.n_positions, longer.muon) == (8_000, 320, True)
assert longer.n_layers - recipe.n_layers == 2
read = [
    made.steps * made.batch * made.n_positions / len(row) for made in (recipe, longer)
]
assert 0.2 < read[0] < 0.3 and 5.9 < read[1] < 6.1

# %% [markdown]
# What does it write? Here with the likely tokens made a little likelier (`temperature`: notebook 12). Is it the same person, the
# same thing and the same place from beginning to end?

# %% tags=["training"]
told = write_texts(
    storyteller, tokenizer, 4, torch.Generator().manual_seed(0), temperature=0.6
)
print(told[1])

# %%
ladder["the course's, 8,000 steps"] = held_out_bits(
    storyteller, tokenizer, held_out[:100]
)
figure, axes = plt.subplots(figsize=(6, 2.8))
names = list(ladder)
bars = axes.barh(names, [ladder[name] for name in names])
axes.bar_label(bars, [f"{ladder[name]:.2f}" for name in names], padding=3)
axes.invert_yaxis()
axes.set(xlabel="bits a byte, on stories it has not read", xlim=(0, 3.2))
plt.show()

# %%
shipped = {
    name: recorded("shipped", name)
    for name in ("verbatim", "names", "pronouns", "causes")
}
real = results["held out"]["0"]
for name, shares in shipped.items():
    print(
        f"{name:9} {shares.min():.2f} to {shares.max():.2f}   held-out stories "
        f"{real[name]:.2f}"
    )

# %% jupyter={"source_hidden": true}
assert ladder["the course's, 8,000 steps"] < ladder["your GPT, 800 steps"] / 4
assert real["verbatim"] < 0.06 < shipped["verbatim"].min()
assert shipped["verbatim"].max() < 0.11
assert shipped["pronouns"].min() > 0.95 and shipped["causes"].min() > 0.8
assert shipped["names"].min() > 0.3 and shipped["names"].max() < 0.45
assert real["pronouns"] == real["names"] == real["causes"] == 1

# %% [markdown]
# These are three samples of 48 texts, drawn at temperature 1. The course's model needs less than a quarter of your model's
# bits. In what it writes *he* and *she* fit, and of the `causes` over eight in ten have their effect. 8 to 10 of its
# sentences in 100 stand in the stories that it has read, where new stories of the program have 6.
#
# (0.17 bits a byte is a number that no model of real text comes near. It says that a small grammar has been found out, not
# that a small model understands English.)
#
# ### Into the stream, block by block
# The stream has the same shape everywhere, so the head can read it anywhere: after the embedding, after block 1, and so on.
# What would the model say if it had to answer there? (This is called the **logit lens**.) Nobody trained it to answer
# early.

# %%
plain = GPT(
    vocab,
    len(storyteller.positions.table),
    storyteller.embedding.embedding_dim,
    4,
    len(storyteller.blocks),
)
plain.load_state_dict(storyteller.state_dict())
windows = row_held_out[: 16 * 301].view(16, 301)  # stories in a row


@torch.no_grad()
def loss_by_depth(ids):
    """The loss if the head reads the stream after 0, 1, 2, ... blocks."""
    x, losses = plain.embed(ids[:, :-1]), []
    for block in [*plain.blocks, None]:
        logits = plain.logits(x).flatten(0, 1)
        losses.append(functional.cross_entropy(logits, ids[:, 1:].flatten()).item())
        x = block(x, causal_mask(ids.shape[1] - 1)) if block else x
    return losses


# %%
depths = loss_by_depth(windows)
figure, axes = plt.subplots(figsize=(6, 2.8))
axes.semilogy(depths, "-o")
for name, x in (("all tokens alike", 6), ("pairs, counted", 2)):
    axes.axhline(rivals[name], color="grey", ls="--", lw=1)
    axes.text(x, rivals[name], name, ha="right", va="bottom")
axes.set_yticks([0.5, 1, 2, 5, 10, 20, 50], ["0.5", "1", "2", "5", "10", "20", "50"])
axes.minorticks_off()
axes.set(xlabel="blocks that x has been through", ylabel="nats a token")
plt.show()
print([round(loss, 2) for loss in depths])

# %% jupyter={"source_hidden": true}
with torch.no_grad():
    first_guess = plain.logits(plain.embed(windows[:, :-1])).argmax(-1)
assert (first_guess == windows[:, :-1]).float().mean() > 0.98
assert sorted(depths, reverse=True) == depths
assert depths[0] > 40 and rivals["pairs, counted"] < depths[1] < math.log(vocab)
assert depths[4] < rivals["pairs, counted"] < depths[3] and 0.45 < depths[6] < 0.6

# %% [markdown]
# The axis is logarithmic. Before the first block the stream says "the same token again" at almost every position: it *is*
# that token's row, more or less, and the loss is above 40 nats. From then on the loss falls with every block. After the
# first it is below "all tokens alike", after the fourth below the table of pairs, and after the sixth near 0.5. Each block
# adds to what is there, and the answer takes shape on the way.
#
# ### Where it is surprised
# A mean hides where the nats are. Here is the beginning of a story that the course's model has not read, token by token:


# %%
@torch.no_grad()
def surprises(text, n_tokens):
    """The first tokens of a text, and the surprise of each in nats."""
    ids = encode_texts(tokenizer, [text])[: n_tokens + 1]
    nats = functional.cross_entropy(
        storyteller(ids[None, :-1])[0], ids[1:], reduction="none"
    )
    return [tokenizer.decode([i]) for i in ids[1:].tolist()], nats


tokens, nats = surprises(held_out[0], 48)
print(f"{(nats < 0.1).float().mean():.2f} of these tokens cost less than 0.1 nats")
print("the dearest:", [tokens[i] for i in nats.topk(5).indices.tolist()])

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(9, 2.8))
axes.bar(range(len(nats)), nats)
axes.set_xticks(range(len(nats)), tokens, rotation=90, fontsize=7)
axes.set(ylabel="surprise (nats)", xlim=(-1, len(nats)))
plt.show()
assert 0.6 < (nats < 0.1).float().mean() < 0.78
assert tokens[nats.argmax()] == " Yvonne" and 4.8 < nats.max() < 5.3

# %% [markdown]
# A high bar is a choice that the program made and nobody can foresee: how the story begins, what mornings they are and of
# which month, and, dearest of all, the name. Then whom she watched and what she had been doing. Between the choices stand
# tokens that follow from what was said; about two thirds of all cost almost nothing. Text that people wrote has more such
# choices.
#
# ### What it loses
# About six stories in ten lose a name: a third hero walks in, or a second neighbour. Is that hardly better than yours? Yours
# end after 128 tokens. Compare over the same length:

# %% tags=["training"]
written = write_texts(storyteller, tokenizer, 48, torch.Generator().manual_seed(0))
openings = [tokenizer.decode(tokenizer.encode_ordinary(text)[:128]) for text in written]
kept = {"yours": yours["names"], "the course's, cut": measure(openings)["names"]}
kept["the course's, whole"] = measure(written)["names"]
for name, share in kept.items():
    print(f"{name:20} names kept in {share:.2f}")

# %% jupyter={"source_hidden": true}
assert kept["yours"] + 0.2 < kept["the course's, cut"]
assert kept["the course's, whole"] + 0.2 < kept["the course's, cut"]

# %% [markdown]
# Names hold for a while, and are lost in the long run. Does the loss not see that? Look at it where first names stand:

# %%
first_names = torch.tensor(
    [ids[0] for name in NAMES if len(ids := tokenizer.encode(f" {name}")) == 1]
)


@torch.no_grad()
def look_at_names(story):
    """For each token: its surprise; is it a name; has that name stood before; the
    chance of all names that have not.
    """
    ids = encode_texts(tokenizer, [story])
    chances = storyteller(ids[None, :-1])[0].softmax(-1)
    surprise = -chances.gather(1, ids[1:, None])[:, 0].log()
    there = (ids[:-1, None] == first_names).cumsum(0) > 0  # (position, name)
    again = ((ids[1:, None] == first_names) & there).any(1)
    return (
        surprise,
        torch.isin(ids[1:], first_names),
        again,
        (chances[:, first_names] * ~there).sum(1),
    )


# %%
parts = zip(*map(look_at_names, held_out[:100]), strict=True)
surprise, is_name, again, stranger = map(torch.cat, parts)
new = is_name & ~again
print(f"a new name       {surprise[new].mean():.1f} nats")
print(
    f"a name again     {surprise[again].mean():.1f} nats; "
    f"strangers get {100 * stranger[again].mean():.0f} in 100"
)
print(f"any other token  {surprise[~is_name].mean():.1f} nats")
assert len(NAMES) == 150 and abs(surprise[new].mean() - math.log(150)) < 0.2
assert 0.45 < surprise[again].mean() < 0.6 and 0.02 < stranger[again].mean() < 0.035
assert again.float().mean() < 0.02 and 4 < again.sum() / 100 < 5

# %% [markdown]
# A new name costs as much as a blind guess among 150, ln 150 = 5.0 nats: nobody can know who walks in. A name that comes again
# costs 0.5, hardly more than any other token; strangers get only 3 in 100 of the chance. Fewer than 2 tokens in 100 are such
# places, so a mean hardly sees them. But a story has four, and one slip spoils it. A loss says how good a model is at *most*
# tokens; look at what you care about.
#
# ## Prompting
# Between the first time and the second, no weight has changed, and yet a name has fallen from 5 nats to a half: the model
# learned it *from the text before*. This is **in-context learning** in its plainest form, and it is why a language model
# can be asked. Whatever stands before is a **prompt**, and the model goes on from it. Put a question so that the answer is
# the likely continuation:
#
# - **zero-shot**: the task is described, or hinted at, and no example is given. Radford et al. (2019) wrote "TL;DR:" after
#   an article, and GPT-2 went on with a summary, of sorts: on the web, that is what follows these letters.
# - **few-shot**: some examples stand in the prompt. Brown et al. (2020) illustrate it with lines such as *sea otter =>
#   loutre de mer* before *cheese =>*: whoever goes on from there goes on in French.
#
# No gradient, no step, no new weights: that is the difference to **fine-tuning** (notebooks 16 and 19). Our storyteller has
# seen nothing but stories and can be asked about nothing else. But it can be asked about them. (Notebook 14 runs a
# published model that can be asked about anything.) Does it know who is a *she*?

# %%
opening = "Do you know what hay and snow smell like on a still evening in May? "


@torch.no_grad()
def he_or_she(prompt):
    """The chances of " he" and " she" as the next token."""
    ids = torch.tensor([[end, *tokenizer.encode(opening + prompt)]])
    chances = storyteller(ids)[0, -1].softmax(-1)
    return [chances[tokenizer.encode(word)[0]].item() for word in (" he", " she")]


for prompt in ("Kate knew, because", "Tom knew, because"):
    print(prompt, [round(chance, 2) for chance in he_or_she(prompt)])
for name in ("Kate", "Tom", "Lumo"):
    for who in ("A boy", "A girl"):
        prompt = f"{who} named {name} knew, because"
        print(f"{prompt:34}", [round(chance, 2) for chance in he_or_she(prompt)])

# %% jupyter={"source_hidden": true}
assert (NAMES["Kate"], NAMES["Tom"]) == ("f", "m")
assert all(len(tokenizer.encode(word)) == 1 for word in (" he", " she"))
for name, right in (("Kate", 1), ("Tom", 0)):
    for start in ("", "A boy named ", "A girl named "):
        assert he_or_she(f"{start}{name} knew, because")[right] > 0.9
assert "Lumo" not in NAMES and " Lumo" not in " ".join(learnt)
assert he_or_she("A boy named Lumo knew, because")[1] < 0.05
assert 0.34 < he_or_she("A girl named Lumo knew, because")[1] < 0.5

# %% [markdown]
# The first two prompts ask what the *weights* know: nobody told the model that Kate is a girl; it has learned it from the
# stories. The next four ask what it takes from the *prompt*, two of them against its weights. The weights win: *a girl named
# Tom* goes on with *he*, as surely as *a boy named Tom*. In the stories the two never disagree, so the training never had
# to decide between them, and looking at the name was enough. The last two have a name that is in no story. Now the prompt
# counts: *girl* lifts *she* from almost nothing to more than a third. (How far depends on the name; try others.) So a model
# reads its prompt as well as its training made it do so. With large models and texts of all kinds that is far better than here.
#
# ## How large, and how long?
# Suppose a budget for one training. A large model for a short time, or a small one for long? The price first. A weight
# takes part in one multiplication and one addition for each token on the way forward; the way back costs twice as much. So
# with N parameters and D tokens a training takes about
#
# $$C \approx 6 \cdot N \cdot D \quad \text{floating-point operations (FLOPs)}$$
#
# (the attention's own products over pairs of positions left out). **A worked number**: GPT-3, N = 175 billion and D = 300
# billion, took about 6 · 1.75·10¹¹ · 3·10¹¹ = 3.15·10²³.
#
# Kaplan et al. (2020) trained many sizes and found **scaling laws**: as long as nothing else is in short supply, the loss
# falls as a power, $L \propto N^{-0.076}$ (the embeddings not counted in N). Twice the parameters multiply the loss by
# 2^−0.076 = 0.95, at every size that they tried. They advised to spend most of a larger budget on a larger model. Hoffmann
# et al. (2022) trained over 400 models with learning rates that came to rest at each training's own end, and found
# something else: N and D should grow *equally*, which came to about **20 tokens for each parameter**. Their Chinchilla, 70
# billion parameters and 1.4 trillion tokens, beat Gopher, with 280 billion and 300 billion tokens, for about the same
# price. By this measure GPT-3 was far too large for what it had read. Models that are *used* a lot are trained on far more
# than 20 tokens a parameter today, because a small model is cheaper with every answer.
#
# ## Question 11.6 · best_size
# By Hoffmann's rule of 20 tokens a parameter: how many parameters should a model have that is trained with GPT-3's
# 3.15·10²³ FLOPs? Two digits are enough.

# %% question="best_size" difficulty=2 minutes=4
### BEGIN SOLUTION
best_size = (3.15e23 / 120) ** 0.5
### END SOLUTION

# %% check="best_size"
from lib.checks import check

best_size = check("best_size")

# %% jupyter={"source_hidden": true}
assert 6 * 175e9 * 300e9 == 3.15e23 and round(2**-0.076, 2) == 0.95

# %% [markdown]
# ## What breaks
# Take something out of the course's model, without training it anew: every block sees the last 16 tokens only; or its
# positions go.
#
# > **Predict.** The table of pairs has a memory of one token, and costs 3.1 nats. Is either worse?


# %%
@torch.no_grad()
def with_memory_of(n_tokens):
    """The mean loss over 16 x 300 positions when no block may look at more than the
    last n_tokens.
    """
    near = causal_mask(300) & ~causal_mask(300).tril(-n_tokens)
    x = plain.embed(windows[:, :-1])
    for block in plain.blocks:
        x = block(x, near)
    return functional.cross_entropy(
        plain.logits(x).flatten(0, 1), windows[:, 1:].flatten()
    )


whole, short = with_memory_of(300), with_memory_of(16)

# %%
with torch.no_grad():
    plain.positions.table.zero_()
lost = with_memory_of(300)
for name, loss in (
    ("whole", whole),
    ("16 tokens a block", short),
    ("no positions", lost),
):
    print(f"{name:20} {loss:.1f} nats a token")
assert 1.6 * whole < short < 2 * whole and short < rivals["pairs, counted"] / 3
assert lost > rivals["pairs, counted"]

# %% [markdown]
# Short-sighted, the loss nearly doubles and still is less than a third of the pairs': most of what a token needs stands
# near. (Six blocks in a row can hand something on over more than 16 tokens.) Without its positions this model knows less
# than the pairs. That does not say that a GPT needs position vectors: one that is *trained* without them reads the order
# off its causal mask, to some degree (notebook 06).
#
# ## Question 11.7 · buggy_runs
# Three trainings on the stories by this notebook's recipe have a bug each. They begin at about 7.6 nats, and these are their
# training losses after 400 steps (means of the last 50, one seed; `benchmarks/gpt.py bugs`):
#
# | run | nats a token |
# |---|---|
# | A | 6.2 |
# | B | 3.5 |
# | C | 0.1 |
#
# Which run has which bug? Answer with three letters, such as "CBA", in the order of the bugs: first, the causal mask is the
# unit matrix, so that each position sees itself alone; second, there is no mask; third, the row of ids was shuffled, token
# by token, before the training.

# %% question="buggy_runs" difficulty=2 minutes=4
### BEGIN SOLUTION
buggy_runs = "BCA"
### END SOLUTION

# %% check="buggy_runs"
from lib.checks import check

buggy_runs = check("buggy_runs")

# %% jupyter={"source_hidden": true}
bugs = {"shuffled": 6.2, "unit mask": 3.5, "no mask": 0.1}
for bug, ended in bugs.items():
    assert abs(recorded(f"bug: {bug}", "loss") - ended).max() < 0.06

# %% [markdown]
# ## Your own text
# The same command takes Tiny Shakespeare (with a network) or any text file of yours. It can be stopped at any time, and goes on
# where it was. The last line lets the result write.
#
#     python -m lib.training gpt --corpus shakespeare
#     python -m lib.training gpt --corpus my_diary.txt --steps 2000
#     python -m lib.decoding --checkpoint mywork/gpt_my_diary.safetensors
#
# ## In other words
# - **Language model**: a probability for every text. **Autoregressive** (also *causal*) language model: by the **chain
#   rule**, each token from those before it. **Self-supervised learning**, **pre-training**: the text itself holds the
#   answers.
# - **Decoder-only Transformer**: a GPT. Its blocks have the sizes of an encoder's and the mask of a decoder's.
# - **Loss**, cross-entropy, negative log-likelihood (NLL): mean of −ln p(right token), in **nats**; by log₂ in **bits**.
#   **Perplexity** (PPL): e to the power of the loss in nats. **Bits per byte** (BPB), per character (BPC): for the whole
#   text, by its length.
# - **Residual stream** (x; in papers also h): the vector of each position from the embedding to the head. **Logit lens**:
#   the head read early.
# - **LM head**, unembedding: from the stream to the logits. **Weight tying**: it is the embedding ($W_e$ in the paper of
#   2018, $W_p$ for the positions).
# - **Unigram**, **bigram**, **n-gram model**: counts of 1, 2, n tokens in a row. **Smoothing**: a little for what was never seen.
# - **Singular values** of a matrix: how strong each of its directions is. **Muon**: the optimiser that evens them out.
# - **Prompt**; **zero-shot**, **one-shot**, **few-shot**: a task with no, one, some examples in the prompt. **In-context
#   learning**: learning without a step.
# - **Scaling law**; **compute-optimal** (also *Chinchilla-optimal*): the best N and D for a given C.
#
# ## Where it comes from
# - Shannon ([1951](https://doi.org/10.1002/j.1538-7305.1951.tb01366.x)) let people guess the next letter of a text and
#   estimated English at 0.6 to 1.3 bits a letter; the letters were 26 and the space. Neural language models with learned
#   word vectors: Bengio et al. ([2003](https://www.jmlr.org/papers/v3/bengio03a.html)).
# - Liu et al. ([2018](https://arxiv.org/abs/1801.10198)) left out the encoder, to write Wikipedia articles from long sources.
# - **GPT**: Radford et al.
#   ([2018](https://cdn.openai.com/research-covers/language-unsupervised/language_understanding_paper.pdf)) trained 12
#   blocks of width 768, each norm still after its sum, on some 7,000 unpublished books. Fine-tuned, the one model improved
#   the best result on 9 of the 12 tasks that they tried.
# - **GPT-2**: Radford et al.
#   ([2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)) trained
#   up to 1.5 billion parameters on 40 GB of web pages, with the norms moved before the branches, one more at the end, and
#   smaller weights at the ends of branches. Without any fine-tuning it improved the best results on 7 of 8
#   language-modelling data sets.
# - **GPT-3**: Brown et al. ([2020](https://arxiv.org/abs/2005.14165)) went to 175 billion parameters and 300 billion
#   tokens. Given the task and some examples in the prompt alone, it reached fine-tuned models on some tasks and stayed far
#   behind on others; few-shot gained more from size than zero-shot did.
# - **Scaling laws**: Kaplan et al. ([2020](https://arxiv.org/abs/2001.08361)) found power laws in parameters, data and
#   compute over many orders of magnitude, and depth or width mattered little beside them. Hoffmann et al.
#   ([2022](https://arxiv.org/abs/2203.15556)) corrected how a budget should be divided.
# - Weight tying: Press and Wolf ([2017](https://arxiv.org/abs/1608.05859)), Inan et al.
#   ([2017](https://arxiv.org/abs/1611.01462)). The residual stream as a way to think: Elhage et al.
#   ([2021](https://transformer-circuits.pub/2021/framework/index.html)).
# - Muon: Jordan et al. ([2024](https://kellerjordan.github.io/posts/muon/)). The scale that lets it share AdamW's rate, and
#   a large training with it: Liu et al. ([2025](https://arxiv.org/abs/2502.16982)).
# - Small models on stories that a program wrote (there: GPT-3.5 and GPT-4): Eldan and Li
#   ([2023](https://arxiv.org/abs/2305.07759)).
# - What has changed since: norms, positions, feed-forwards and attention of today's decoders are those of notebook 14; the
#   task has stayed.
#
# ## What to remember
# - GPT is your block under a causal mask, N times, around one residual stream, between one table used twice. Its task needs
#   no labels: what comes next?
# - GPT-2 has 124,439,808 parameters; who counts the tied head twice finds 163,037,184. Blocks have about 12 · n_layers ·
#   d_model².
# - Read a loss from ln V down: frequencies, pairs, then what only a memory can know. Compare models in bits per byte, and
#   ask who wrote the text.
#
# **Next**: [12 Sampling](12_sampling.ipynb), how to choose the next token.
