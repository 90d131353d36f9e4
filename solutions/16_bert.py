# %% [markdown]
# # 16 · BERT
# After this notebook you can build an encoder that reads a text from both sides, train it on words that were hidden
# from it, put published weights into it, and teach it to judge real movie reviews.
#
# You need: notebooks 02, 05 to 08, and 11. You build: WordPiece, the embeddings of BERT, masking and its loss, pooling,
# and a classifier. 160 minutes, best in two sittings.

# %%
import random
from collections import Counter, defaultdict
from functools import partial
from itertools import chain

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import cross_entropy

# %%
from lib.corpora.italian import load_pairs
from lib.figures import style, transformer_map
from lib.layers import FusedLayerNorm, PreNorm, fresh_weights
from lib.training import train
from lib.transformer import IGNORED
from lib.wordpiece import LONGEST_WORD, UNKNOWN, WordPieceTokenizer, basic_tokens
from lib.yours import EncoderBlock, LearnedPositions, causal_mask, pad_batch

style()
torch.set_num_threads(1)
generator = torch.Generator().manual_seed(0)

# %% [markdown]
# ## The question
# *We ▢ two brothers.* *We ▢ very tired.* *We ▢ the soup because it was delicious.* Which words are hidden? Probably
# *have*, *are* and *ate*; you know it from what stands on the **right**. A GPT that has read as far as the gap has seen
# *We* all three times, and no more, so it gives the same answer to all three: its causal mask forbids looking ahead,
# because it is trained to predict what comes next.
#
# How much does the other side tell? Take 40,000 English sentences of this course (a program wrote them), learn tables
# of counts from 39,000 of them, and guess every word of the other 1,000 by the commonest word: knowing nothing, the
# word before, or both neighbours. What a table has never seen, such as a new pair of neighbours, is left to the table
# before it.

# %% tags=["training"]
sentences = [pair.english for pair in load_pairs()]
random.Random(0).shuffle(sentences)
held_out, learn = sentences[:1_000], sentences[1_000:]


def known(before, after):
    return {"nothing": None, "the word before": before, "both": (before, after)}


def around(text):
    """Each word of a text with its neighbours: (before, word, after)."""
    words = ["[CLS]", *basic_tokens(text), "[SEP]"]
    return zip(words, words[1:], words[2:], strict=False)


# %% tags=["training"]
counts = {name: defaultdict(Counter) for name in known(0, 0)}
for before, word, after in chain.from_iterable(map(around, learn)):
    for name, key in known(before, after).items():
        counts[name][key][word] += 1
named = Counter()
places = list(chain.from_iterable(map(around, held_out)))
for before, word, after in places:
    guess = None
    for name, key in known(before, after).items():
        if key in counts[name]:
            guess = counts[name][key].most_common(1)[0][0]
        named[name] += guess == word
table = {name: named[name] / len(places) for name in counts}
print({name: round(share, 2) for name, share in table.items()})

# %% jupyter={"source_hidden": true}
assert len(sentences) == 40_000 and table["nothing"] < 0.15
assert 0.27 < table["the word before"] < 0.35 and 0.39 < table["both"] < 0.47

# %% [markdown]
# The word before names about three words in ten, both neighbours more than four. So there is something to be had on the
# right. But two neighbours are not a sentence: *we ▢ the* fits *ate the soup*, *cross the street* and much else.
# **BERT** ([Devlin et al. 2018](https://arxiv.org/abs/1810.04805)) is an encoder that is **bidirectional**: each word
# reads the *whole* text, on both sides. It writes nothing; it gives each word a vector that knows its context, a
# **contextual embedding**. How can it be trained? The word that it is to guess must not stand in its input: it would
# only have to be copied. (We shall see that happen.)
#
# ## By hand
# *A loss for hidden words.* Three positions: *the cat sat*. *Cat* is hidden, so the model reads *the [MASK] sat*. It
# gives these chances to the right words, and only one of them counts:
#
# | position | the | [MASK] | sat |
# |---|---|---|---|
# | chance of the right word | 0.9 | **0.25** | 0.99 |
# | does it count? | no | **yes** | no |
# | loss | – | −ln 0.25 = **1.39** | – |
#
# The model sees *the* and *sat*, so being sure of them proves nothing, and they do not count. The loss is the mean over the
# places that are **asked**, those whose word was hidden: 1.39.
#
# *A vector for a text.* Two words have the vectors (2, 4) and (4, 0), and a place of padding, filled up so that the
# text is as long as its neighbour in the batch, has (9, 8). The mean of the **words** is (3, 2); the mean of all three,
# (5, 4), is a mistake.

# %% jupyter={"source_hidden": true}
assert abs(-torch.tensor(0.25).log().item() - 1.39) < 0.005
vectors = torch.tensor([[2.0, 4.0], [4.0, 0.0], [9.0, 8.0]])
assert vectors[:2].mean(0).tolist() == [3, 2] and vectors.mean(0).tolist() == [5, 4]

# %% [markdown]
# ## The picture
# Who may look at whom? The left panel shows a GPT, the middle one BERT; the right one shows which part of the
# Transformer we build today.

# %% jupyter={"source_hidden": true}
words = ["we", "[MASK]", "the", "soup", "because", "it", "was", "good"]
sights = {"GPT: itself and before": causal_mask(8), "BERT: all": torch.ones(8, 8)}
figure, panels = plt.subplots(1, 3, figsize=(8, 3), width_ratios=[2, 2, 1.9])
for axes, (title, seen) in zip(panels, sights.items(), strict=False):
    axes.imshow(seen.float(), cmap="cividis", vmin=0, vmax=1.3)
    axes.add_patch(plt.Rectangle((-0.5, 0.5), 8, 1, fill=False, lw=2, ec="red"))
    axes.set_xticks(range(8), words, rotation=60, ha="right", fontsize=7)
    axes.set_yticks(range(8), words, fontsize=7)
    axes.set(title=title, xlabel="key", ylabel="query")
transformer_map(panels[2], parts=("encoder",), numbers=False)
plt.show()

# %% [markdown]
# Rows are queries, columns keys; a bright square means "may look". The framed row is the hidden word: in a GPT it sees
# *we* and itself, in BERT it sees *soup* and *good* too. The input is (batch, position), x is (batch, position, d_model)
# from the embeddings to the end, and there is no decoder.
#
# ## In code
# BERT is the encoder that you have built in notebook 07, with five things around it: its own way to cut words, a third
# kind of embedding, hidden words as its task, a loss that counts these only, and a head for whatever one wants to know
# in the end. We build them in this order.
#
# ## WordPiece: the longest piece first
# Byte pair encoding (notebook 08) keeps a list of **merges** and repeats them in their order. BERT's **WordPiece**
# ([Schuster and Nakajima 2012](https://doi.org/10.1109/ICASSP.2012.6289079), [Wu et al.
# 2016](https://arxiv.org/abs/1609.08144)) keeps only the list of **pieces**. Two things differ:
#
# - *How the list is made.* Both begin with letters and join a pair again and again. BPE joins the pair (a, b) that is
#   most **frequent**. WordPiece joins the one that makes the text most **likely** under a model that draws pieces by
#   their frequency. As it is usually told, this is the pair with the largest count(ab) / (count(a) · count(b)): a pair
#   that stands together *more often than its parts would by chance*. (Google's own program was never published.) A
#   worked number: the pair *ab* stands 20 times, its parts 100 and 50 times: 20 / 5,000 = 0.004. The pair *cd* stands 8
#   times, its parts 10 times each: 8 / 100 = 0.08. BPE joins *ab* first, WordPiece *cd*.
# - *How a word is cut.* **Greedy longest match**: take the longest piece that the word begins with, then the longest
#   that the rest begins with, and so on. A piece that goes on inside a word is written with `##`. (This sign is
#   BERT's; Wu et al. mark the beginning of a word instead.)
#
# A worked cut, with the pieces *em, emb, ##bed, ##b, ##ding, ##s*. The word is *embeddings*. It begins with *em* and
# with *emb*; the longer one wins. What is left is *eddings*: there is no `##e…` at all, so nothing fits. The whole word
# becomes **`[UNK]`**. Without the piece *emb* it would have been *em ##bed ##ding ##s*: what was taken is never given
# back.
#
# ## Exercise 16.1 · wordpiece
# Cut one word. `pieces` is a set, a list or a dict of them, and may be large: ask it `piece in pieces`. A word of more than LONGEST_WORD = 100 characters
# is `[UNK]`, as in BERT's own program; so is a word with a place where no piece fits. `UNKNOWN` is `"[UNK]"`.
# Difficulty ●●○ · 12 minutes.
#
# <details><summary>How do I find the longest piece?</summary>Let <code>end</code> run from <code>len(word)</code> down to
# <code>start + 1</code>, and stop at the first <code>word[start:end]</code> that is in the list.</details>
# <details><summary>All pieces after the first are missing</summary>From the second piece on, look for <code>"##"</code> and the letters
# together.</details>
# <details><summary>How do I notice that no piece fits?</summary>A <code>for</code> loop may have an <code>else</code>, which runs when it
# was not left by <code>break</code>.</details>


# %% exercise="wordpiece" difficulty=2 minutes=12
def wordpiece(word, pieces):
    """One word in pieces: again and again the longest that the rest of it begins with.

    word: not empty, without spaces
    pieces: all that there are; those that go on inside a word begin with "##"

    Returns the pieces from left to right, ["em", "##bed", "##ding", "##s"]. Where at
    some place no piece fits, or the word has more than 100 characters, the whole word
    is ["[UNK]"].
    """
    ### BEGIN SOLUTION
    if len(word) > LONGEST_WORD:
        return [UNKNOWN]
    found, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):  # the longest piece first
            piece = ("##" if start else "") + word[start:end]
            if piece in pieces:
                break
        else:
            return [UNKNOWN]
        found.append(piece)
        start = end
    return found
    ### END SOLUTION


# %% check="wordpiece"
from lib.checks import check

wordpiece = check("wordpiece")

# %%
pieces = {"em", "emb", "##bed", "##b", "##ding", "##s"}
print(wordpiece("embeddings", pieces), wordpiece("embeddings", pieces - {"emb"}))
assert wordpiece("embeddings", pieces) == ["[UNK]"]
assert wordpiece("embeddings", pieces - {"emb"}) == ["em", "##bed", "##ding", "##s"]
assert 20 / (100 * 50) == 0.004 and 8 / (10 * 10) == 0.08

# %% [markdown]
# ## Question 16.1 · greedy_pieces
# The pieces are *un, und, ##o, ##ne, ##done*. In how many pieces does the longest match cut *undone*? 2 minutes.

# %% question="greedy_pieces" difficulty=1 minutes=2
### BEGIN SOLUTION
greedy_pieces = 3
### END SOLUTION

# %% check="greedy_pieces"
from lib.checks import check

greedy_pieces = check("greedy_pieces")

# %% [markdown]
# Before the cutting, `basic_tokens` (given) makes letters small, takes accents away (in the "uncased" BERT) and splits
# at spaces and signs: *Naïve!* becomes *naive* and *!*. BERT's list has 30,522 pieces. For our own small model a simple
# list will do: every word that occurs at least five times in the sentences, and every letter, with and without `##`, so
# that no word of theirs is unknown. (The sentences never say *embeddings*, so it falls into letters below.)

# %% tags=["training"]
from lib.wordpiece import frequent_pieces

tokenizer = WordPieceTokenizer(frequent_pieces(learn, least=5), cut=wordpiece)
print(len(tokenizer), tokenizer.pieces[:12])
print(tokenizer.tokens("The waiter ate the embeddings."))

# %% jupyter={"source_hidden": true}
assert len(tokenizer) == 1_002 and tokenizer.special["[MASK]"] == 4
assert tokenizer.tokens("The waiter.") == ["the", "waiter", "."]

# %% [markdown]
# ## What stands there, where, and in which text
# BERT reads one text or **two**: a question and a paragraph, a sentence and what may follow from it. Both go into one
# row of ids:
#
# > `[CLS]` the cat sat `[SEP]` it slept `[SEP]`
#
# **`[CLS]`** ("class") comes first; its vector at the end stands for the whole input. **`[SEP]`** ("separator") ends
# each text. To tell the two apart, each token gets a third vector beside those of its word and its position: the
# **segment embedding** (token type), one of two rows. All three are learnt, and they are added; then comes a LayerNorm:
#
# > x = LayerNorm(word[id] + position[p] + segment[s])
#
# p is the place in the row, 0 to 511 in BERT; s is 0 from `[CLS]` to the first `[SEP]`, and 1 after it. A worked number
# in two dimensions: (1, 0) for the word, (0, 2) for the position, (1, 1) for the segment: the sum is (2, 3), its mean
# 2.5, its standard deviation 0.5, so x = (−1, 1).
#
# Why two texts? BERT's second task in training was **next sentence prediction** (NSP): does the second text follow the
# first one in its source? In half of the examples it does; in the other half it is drawn from anywhere. The answer was read
# off the vector of `[CLS]`.

# %% jupyter={"source_hidden": true}
tokens = ["[CLS]", "the", "cat", "sat", "[SEP]", "it", "slept", "[SEP]"]
numbered = [f"position {i}" for i in range(8)]
rows = [tokens, numbered, ["segment 0"] * 5 + ["segment 1"] * 3]
figure, axes = plt.subplots(figsize=(7.4, 2))
for height, row in zip((2, 1, 0), rows, strict=True):
    for place, label in enumerate(row):
        shade = ["#cfe0fc" if place < 5 else "#f3cfe0", "#e8e8e8", "#ffe3c2"][height]
        corner, middle = (place + 0.04, height + 0.1), (place + 0.5, height + 0.43)
        axes.add_patch(plt.Rectangle(corner, 0.92, 0.66, color=shade))
        axes.text(*middle, label, ha="center", va="center", fontsize=8)
        if height:
            axes.text(place + 0.5, height - 0.06, "+", ha="center", va="center")
axes.set(xlim=(0, 8), ylim=(0, 2.9))
axes.axis("off")
plt.show()

# %% [markdown]
# Read each column from top to bottom: three vectors of d_model numbers are added. The first row depends on the word
# alone, the second on its place, the third on which of the two texts it belongs to.

# %%
EPSILON = 1e-12  # of BERT's norms

# %% [markdown]
# ## Exercise 16.2 · BertEmbeddings
# `__init__`: the parts `words` and `segments` (two rows), each an `nn.Embedding`; `positions`, your
# `LearnedPositions(n_positions, d_model)` of notebook 06, which adds its rows to what it is given; `norm`, a
# `FusedLayerNorm(d_model, EPSILON)`, which is your LayerNorm, computed by one fast function of PyTorch; and `dropout`,
# an `nn.Dropout`. `forward`: ids and segments, (batch, position), to x (batch, position,
# d_model): add, norm, dropout. Without segments all tokens belong to the first text. Difficulty ●●○ · 12 minutes.
#
# <details><summary>How is LearnedPositions called?</summary><code>self.positions(x)</code> returns x with the positions added. It also
# refuses a text that is too long.</details>
# <details><summary>No segments given</summary><code>torch.zeros_like(ids)</code> has the shape and the dtype of ids.</details>


# %% exercise="BertEmbeddings" difficulty=2 minutes=12
class BertEmbeddings(nn.Module):
    """What stands there, where, and in which of two texts: three vectors added, normed.

    Published weights are loaded by the names of its parts: `words` and `segments`, each
    an nn.Embedding, `positions`, a LearnedPositions, and `norm`, a FusedLayerNorm with
    epsilon 1e-12. Then comes `dropout`.
    """

    def __init__(self, vocab, d_model, n_positions=512, dropout=0.0):
        super().__init__()
        ### BEGIN SOLUTION
        self.words = nn.Embedding(vocab, d_model)
        self.positions = LearnedPositions(n_positions, d_model)
        self.segments = nn.Embedding(2, d_model)
        self.norm = FusedLayerNorm(d_model, EPSILON)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, ids, segments=None):
        """ids, segments (batch, position) to x (batch, position, d_model).

        Gradients reach the rows that are used. Raises ValueError when a text is longer
        than n_positions.
        """
        ### BEGIN SOLUTION
        segments = torch.zeros_like(ids) if segments is None else segments
        return self.dropout(
            self.norm(self.positions(self.words(ids) + self.segments(segments)))
        )
        ### END SOLUTION


# %% check="BertEmbeddings"
from lib.checks import check

BertEmbeddings = check("BertEmbeddings")

# %%
embeddings = BertEmbeddings(vocab=30_522, d_model=384, n_positions=512)


def size(part):
    return sum(parameter.numel() for parameter in part.parameters())


sizes = {name: size(part) for name, part in embeddings.named_children()}
print(dict(sorted(sizes.items())))
tables = {"words": 11_720_448, "positions": 196_608, "segments": 768}
assert sizes == {**tables, "norm": 768, "dropout": 0}
summed = torch.tensor([2.0, 3.0])
assert torch.allclose(FusedLayerNorm(2, EPSILON)(summed), torch.tensor([-1.0, 1.0]))

# %% [markdown]
# ## An encoder sees both sides, so what can it be asked?
# Take the causal mask away from a GPT and keep its loss: predict the word at i + 1 from position i.
#
# ## Question 16.2 · copied_loss
# An encoder without a causal mask is trained on the loss of the next word. Towards which loss, in nats, can it fall on
# *any* text, even a random one? 3 minutes.

# %% question="copied_loss" difficulty=1 minutes=3
### BEGIN SOLUTION
copied_loss = 0.0
### END SOLUTION

# %% check="copied_loss"
from lib.checks import check

copied_loss = check("copied_loss")

# %% [markdown]
# See it happen. The text is random, 20 words, each as likely as the others: nobody can predict it, so the best possible
# loss is ln 20 = 3.00. One block of an encoder (the library's, which we put together below) learns it with a causal
# mask and without. (`fresh_weights` draws all weights anew out of a generator; `fused=True` runs AdamW's step in one
# fast function.)

# %% tags=["training"]
from lib.bert import Bert


def next_word_losses(mask):
    """The loss of the next word while a small encoder learns random text."""
    dice = torch.Generator().manual_seed(0)
    model = fresh_weights(Bert(20, 32, n_heads=4, n_layers=1, n_positions=12), dice)

    def loss(ids):
        x = model.encoder(model.embeddings(ids), mask)
        logits = x @ model.embeddings.words.weight.T
        return cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())

    texts = (torch.randint(20, (32, 12), generator=dice) for _ in range(150))
    return train(model, loss, texts, 150, 1e-2, warmup=20, fused=True)


# %% tags=["training"]
blind, seeing = next_word_losses(causal_mask(12)), next_word_losses(None)
figure, axes = plt.subplots(figsize=(6, 2.4))
axes.plot(blind, "--", label="causal mask")
axes.plot(seeing, label="both sides")
axes.axhline(3.0, color="grey", lw=1, label="ln 20")
axes.set(xlabel="step", ylabel="loss (nats)", ylim=(0, None))
axes.legend(loc="center right")
plt.show()
last = [sum(losses[-20:]) / 20 for losses in (blind, seeing)]
print("at the end", [round(loss, 2) for loss in last])

# %% jupyter={"source_hidden": true}
assert abs(last[0] - 3.0) < 0.1 and last[1] < 0.2

# %% [markdown]
# With both sides the loss falls almost to 0 on pure noise: position i may look at i + 1, where the very word that it is
# asked for stands. The model has learnt to copy its right neighbour, and nothing about language. A model that sees
# everything cannot be asked what it sees. So something must be **hidden**.
#
# ## Hidden words: 80, 10, 10
# The task of BERT is the **masked language model** (MLM), known for much longer as a **cloze** test: hide some words,
# guess them. Devlin et al. choose each token with a chance of 15%. The usual argument: more would leave too little to
# read; fewer would give too little to learn from, since only the chosen ones have a loss. (A GPT has a loss at every
# position.) Of the chosen tokens
#
# - 80% become `[MASK]`,
# - 10% become **any word** of the vocabulary, each equally likely,
# - 10% **stay** as they are.
#
# All three kinds are asked for. Why not 100% `[MASK]`? Because this token does not occur in the texts that the model is
# used on later. A model that has to work only where it sees `[MASK]` need not do anything useful for real words. With
# 80/10/10 any word may be wrong and any word may be asked, so the model has to keep a good vector for *each*. In the
# paper's own comparison (its appendix C.2) the differences were small when all weights were fine-tuned, and larger when
# they were frozen.
#
# Two tensors come out: `inputs`, with the changes, and `targets`, with the chosen ids and **IGNORED** = −100 everywhere
# else. `[PAD]`, `[CLS]` and `[SEP]` are never chosen.
#
# ## Exercise 16.3 · mask_words
# ids (batch, position) to inputs and targets of the same shape. All dice come from `generator`; `share` is the chance
# of each id that is not in `special`. Do not change ids themselves. Difficulty ●●● · 15 minutes.
#
# <details><summary>How do I throw dice for all places at once?</summary><code>torch.rand(ids.shape, generator=generator)</code> is
# between 0 and 1 at each place: below 0.8 in 80% of them, at least 0.9 in 10%.</details>
# <details><summary>Too many words are changed</summary>Throw the dice for 80/10/10 anew: those that chose the words are all
# below 0.15 where a word was chosen.</details>
# <details><summary>Which ids are special?</summary><code>torch.isin(ids, torch.tensor(list(special), dtype=ids.dtype))</code> also
# works for an empty list.</details>


# %% exercise="mask_words" difficulty=3 minutes=15
def mask_words(ids, special, mask_id, vocab, generator, share=0.15):
    """Choose words to be guessed: 80% of them become [MASK], 10% any word, 10% stay.

    ids: (batch, position), int64    mask_id: of [MASK]
    special: a list, tuple or set of ids that are never chosen, as [PAD], [CLS] and
    [SEP]
    vocab: any word is an id below it, each equally likely
    share: how likely each other id is chosen, by itself

    Returns inputs and targets, (batch, position) each, int64. targets: the ids of the
    chosen words, IGNORED (-100) everywhere else. Where nothing was chosen, inputs are
    ids. ids themselves are not changed. Source: Devlin et al. 2018, 3.1.
    """
    ### BEGIN SOLUTION
    allowed = ~torch.isin(ids, torch.tensor(list(special), dtype=ids.dtype))
    chosen = allowed & (torch.rand(ids.shape, generator=generator) < share)
    dice = torch.rand(ids.shape, generator=generator)
    any_word = torch.randint(vocab, ids.shape, generator=generator)
    inputs = ids.masked_fill(chosen & (dice < 0.8), mask_id)
    inputs = torch.where(chosen & (dice >= 0.9), any_word, inputs)
    return inputs, ids.masked_fill(~chosen, IGNORED)
    ### END SOLUTION


# %% check="mask_words"
from lib.checks import check

mask_words = check("mask_words")

# %% tags=["training"]
special = [tokenizer.special[name] for name in ("[PAD]", "[CLS]", "[SEP]")]
mask_id = tokenizer.special["[MASK]"]
ids, mask = pad_batch([tokenizer.encode(text).ids for text in learn[:3]])
inputs, targets = mask_words(ids, special, mask_id, len(tokenizer), generator, 0.3)
for shown, asked in zip(inputs.tolist(), targets.tolist(), strict=True):
    print(tokenizer.decode(shown))
    print("    asked for:", [tokenizer.pieces[i] for i in asked if i != IGNORED])

# %% [markdown]
# ## Question 16.3 · changed_places
# A text of 2,000 words, none of them special, is masked with a share of 15%. The vocabulary is so large that a random
# word is never the word itself. At how many places do the inputs differ from the text, on average? 3 minutes.

# %% question="changed_places" difficulty=1 minutes=3
### BEGIN SOLUTION
changed_places = 270
### END SOLUTION

# %% check="changed_places"
from lib.checks import check

changed_places = check("changed_places")

# %% [markdown]
# ## A loss for the hidden words only
# The logits are (batch, position, vocab): at each position a score for every word that might belong there. The loss is
# the **cross-entropy** of notebook 11, but its mean goes over the chosen places C only:
#
# > L = − (1 / |C|) · Σ over i in C of ln p_i(w_i)
#
# |C| is how many places are in C, w_i the word that stood at place i, and p_i the softmax of the logits there. If p
# is 0.25 at one chosen place and 0.5 at another, L = (1.386 + 0.693) / 2 = 1.040. In a short batch C may be empty;
# the mean of nothing is 0 / 0 = NaN, which would end the training. So divide by at least 1.
#
# ## Exercise 16.4 · masked_loss
# logits (..., position, vocab) and targets (..., position) to one number, in nats; IGNORED places do not count.
# Gradients reach the logits. Difficulty ●○○ · 6 minutes.
#
# <details><summary>cross_entropy wants other shapes</summary>It takes (n, vocab) and (n,): <code>logits.flatten(0, -2)</code> and
# <code>targets.flatten()</code>.</details>
# <details><summary>nan where nothing is asked</summary>Take <code>reduction="sum"</code> and divide by the number of places yourself,
# <code>.clamp(min=1)</code>. <code>cross_entropy</code> skips the targets named by <code>ignore_index</code>.</details>


# %% exercise="masked_loss" difficulty=1 minutes=6
def masked_loss(logits, targets):
    """The mean of -ln p(right word) over the places that have a target.

    logits: (..., position, vocab)
    targets: (..., position), ids, IGNORED (-100) where no word is to be guessed

    Returns a 0-d tensor, in nats; 0 where no place has a target, as are the gradients
    then. Gradients reach the logits.
    """
    ### BEGIN SOLUTION
    flat = logits.flatten(0, -2), targets.flatten()
    asked = (targets != IGNORED).sum().clamp(min=1)
    return cross_entropy(*flat, ignore_index=IGNORED, reduction="sum") / asked
    ### END SOLUTION


# %% check="masked_loss"
from lib.checks import check

masked_loss = check("masked_loss")

# %%
chances = torch.tensor([[[0.9, 0.1], [0.25, 0.75], [0.5, 0.5]]])
targets = torch.tensor([[IGNORED, 0, 1]])
loss = masked_loss(chances.log(), targets)
print(f"{loss:.3f}")
assert abs(loss.item() - 1.040) < 1e-3
assert masked_loss(chances.log(), torch.full((1, 3), IGNORED)) == 0

# %% [markdown]
# ## The block of 2018: post-norm
# Between embeddings and loss stand blocks that you have: `EncoderBlock` of notebook 07, with biases and the exact GELU.
# One choice is of its time. BERT has the **post-norm** of the paper of 2017: LayerNorm(x + part(x)), where GPT-2 and
# its successors have x + part(LayerNorm(x)). So what leaves a block is normed, and after the last one no further norm
# is needed. Post-norm needs a warm-up and care in deep stacks (notebook 07). Published weights fit only the place that
# they were trained for; we try the other one in "What breaks".
#
# `lib.bert.Bert` puts together embeddings and blocks of whatever kind it is given. Give it yours.

# %%
MyBert = partial(Bert, embeddings=BertEmbeddings, block=EncoderBlock)
small = MyBert(vocab=53, d_model=24, n_heads=4, n_layers=2, n_positions=16).eval()
ids, mask = pad_batch([[2, 7, 9, 3], [2, 8, 10, 11, 12, 3]])
with torch.no_grad():
    alone, beside = small(ids[:1, :4]), small(ids, mask=mask)
assert beside.shape == (2, 6, 24) and torch.allclose(alone[0], beside[0, :4], atol=1e-5)
assert type(small.embeddings) is BertEmbeddings
assert type(small.encoder.blocks[0]) is EncoderBlock

# %% [markdown]
# The mask, (batch, position), is True on words: no word looks at padding, so a text has the same vectors alone and in a
# batch.
#
# ## Question 16.4 · block_parameters
# The published model that we load below has d_model 384, 12 heads and d_ff 1,536. How many parameters has one of its
# blocks, with biases everywhere, and two LayerNorms with scale and shift? 4 minutes.

# %% question="block_parameters" difficulty=2 minutes=4
### BEGIN SOLUTION
block_parameters = 4 * 385 * 384 + (385 * 1536 + 1537 * 384) + 4 * 384
### END SOLUTION

# %% check="block_parameters"
from lib.checks import check

block_parameters = check("block_parameters")

# %% [markdown]
# The whole model, then, on PyTorch's device `meta`, where tensors have shapes and no numbers:

# %%
with torch.device("meta"):
    whole = MyBert(30_522, d_model=384, n_heads=12, n_layers=6, d_ff=1_536)
parts = {name: size(part) for name, part in whole.named_children()}
print(parts, sum(parts.values()))
assert block_parameters in (..., parts["encoder"] / 6)
assert parts["pooler"] == 384 * 384 + 384
assert sum(parts.values()) == 22_713_216 and parts["embeddings"] / 22_713_216 > 0.52

# %% [markdown]
# More than half of the 22,713,216 parameters are the tables at the bottom, above all the 30,522 × 384 of the words.
#
# ## One vector for a text
# To judge a text, or to compare two, one needs *one* vector for all of it, whatever its length. Two ways are common:
#
# - **The `[CLS]` vector.** It stands at place 0 and means nothing by itself, so it is free to collect what matters, if
#   a training teaches it to. BERT sends this vector x_0 through one Linear and a tanh, the **pooler**: tanh(W x_0 + b),
#   in code `bert.pooled(x)`. Next sentence prediction trained it; later models dropped that task ([Liu et al.
#   2019](https://arxiv.org/abs/1907.11692)).
# - **Mean pooling.** The mean of the vectors of all words, padding left out. *Word* here means every token but `[PAD]`,
#   so `[CLS]` and `[SEP]` count too. It has no weights to train.
#
# But neither is a good vector of a sentence without a training *for that*: on the similarity of sentences, BERT's own
# vectors were behind the mean of static word vectors, `[CLS]` far behind ([Reimers and Gurevych
# 2019](https://arxiv.org/abs/1908.10084)). With labels, as below, both can learn.
#
# For x_i, the vector at position i, and m_i, 1 on real words and 0 on padding, it is
#
# > mean = Σ m_i x_i / max(1, Σ m_i)
#
# The worked number is in "By hand": (2, 4), (4, 0) and a padding of (9, 8), which does not count, give (3, 2).
#
# ## Exercise 16.5 · mean_pool
# x (..., position, d_model) and mask (..., position) to (..., d_model). A text without any word gets zeros, not NaN.
# Gradients reach x. Difficulty ●●○ · 6 minutes.
#
# <details><summary>The shapes do not fit</summary>Give the mask an axis for d_model: <code>mask[..., None]</code>. True counts as 1,
# False as 0.</details>
# <details><summary>Longer texts in the batch change my numbers</summary>Divide by the number of words of <b>each</b> text,
# <code>mask.sum(-1, keepdim=True)</code>, not by the number of positions.</details>


# %% exercise="mean_pool" difficulty=2 minutes=6
def mean_pool(x, mask):
    """The mean of the vectors of each text's real words.

    x: (..., position, d_model)    mask: (..., position), True on real words

    Returns (..., d_model); 0 for a text that has none. Gradients reach x.
    """
    ### BEGIN SOLUTION
    return (x * mask[..., None]).sum(-2) / mask.sum(-1, keepdim=True).clamp(min=1)
    ### END SOLUTION


# %% check="mean_pool"
from lib.checks import check

mean_pool = check("mean_pool")

# %%
three = torch.tensor([[1.0, 1.0], [2.0, 2.0], [6.0, 3.0]])
two_texts = torch.stack([vectors, three])
words_in = torch.tensor([[True, True, False], [True, True, True]])
print(mean_pool(two_texts, words_in))
means = torch.tensor([[3.0, 2.0], [3.0, 2.0]])
assert torch.allclose(mean_pool(two_texts, words_in), means)

# %% [markdown]
# ## A head, and fine-tuning
# What is left is small: a **classification head**, one matrix from d_model numbers to a logit for each class. The
# BERT below it has learnt already, from texts without labels; that is its **pretraining**. **Fine-tuning** means that
# the new head and the BERT below it are trained together on labelled texts, at a low learning rate. When the weights
# below are kept, the model is **frozen**, and only the head learns. In both cases the hard part, what words mean in
# context, is already there; a few thousand labels only have to say what is wanted.
#
# ## Exercise 16.6 · BertClassifier
# `__init__`: keep `bert` and `pool`; make `dropout` and `head`, a Linear from BERT's d_model (the width of its
# `embeddings.words`) to the classes. `forward`: x from `bert`; one vector a text, by `pool(x, mask)`, or by
# `bert.pooled(x)` where `pool` is None; dropout; head. Where no mask is given, every place is a word. Difficulty ●●○ ·
# 10 minutes.
#
# <details><summary>Where do I find d_model?</summary><code>bert.embeddings.words.embedding_dim</code>.</details>
# <details><summary>pool fails without a mask</summary>Make one before anything else: <code>torch.ones_like(ids, dtype=torch.bool)</code>.</details>


# %% exercise="BertClassifier" difficulty=2 minutes=10
class BertClassifier(nn.Module):
    """A Bert with a class for each text: x pooled to one vector, dropout, a Linear.

    bert: has `embeddings.words` and `pooled`, and is called with ids, segments, and a
    mask or None
    pool: x (batch, position, d_model) and a mask (batch, position), all True if none
    was given, to one vector a text, as `mean_pool`; None: `bert.pooled(x)`, of [CLS]
    Weights are loaded by the names `bert` and `head`.
    """

    def __init__(self, bert, n_classes, pool=None, dropout=0.0):
        super().__init__()
        ### BEGIN SOLUTION
        self.bert, self.pool, self.dropout = bert, pool, nn.Dropout(dropout)
        self.head = nn.Linear(bert.embeddings.words.embedding_dim, n_classes)
        ### END SOLUTION

    def forward(self, ids, segments=None, mask=None):
        """ids, segments, mask, (batch, position), to logits (batch, class)."""
        ### BEGIN SOLUTION
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        x = self.bert(ids, segments, mask)
        vector = self.bert.pooled(x) if self.pool is None else self.pool(x, mask)
        return self.head(self.dropout(vector))
        ### END SOLUTION


# %% check="BertClassifier"
from lib.checks import check

BertClassifier = check("BertClassifier")

# %%
classifier = BertClassifier(small, 2, mean_pool)
assert classifier(ids, mask=mask).shape == (2, 2)
alone, beside = classifier(ids[:1, :4]), classifier(ids, mask=mask)[:1]
assert torch.allclose(alone, beside, atol=1e-5)

# %% [markdown]
# ## On real text
# First a BERT of our own, trained from nothing. It is tiny: 2 blocks, d_model 96, 346,218 parameters with its head. It
# learns from the 39,000 sentences of The question, which a program wrote from a grammar. That is why so little is
# enough.
#
# `BertForMaskedWords` is your encoder with the paper's head for hidden words: a matrix, GELU, a norm, then a score for
# each word by the table of the embeddings itself (**tied** weights, notebook 11). Its method `loss` is your
# `masked_loss`, but it sends only the chosen places through the head, which saves most of the head's work. We hide 30%
# in place of 15%, to get more questions from each batch ([Wettig et al. 2022](https://arxiv.org/abs/2202.08005) found
# shares above 15% better for large models).

# %% tags=["training"]
from lib.batching import similar_lengths
from lib.bert import BertForMaskedWords

model = BertForMaskedWords(MyBert(len(tokenizer), 96, 4, 2, n_positions=64))
fresh_weights(model, torch.Generator().manual_seed(0))
ids, mask = pad_batch([tokenizer.encode(text).ids for text in learn[:5]])
inputs, targets = mask_words(ids, special, mask_id, len(tokenizer), generator, 0.3)
mine = masked_loss(model(inputs, mask=mask), targets)
its = model.loss(inputs, targets, mask=mask)
print(f"{mine:.3f} and {its:.3f} nats before the training")
assert abs(mine - its) < 1e-4


# %%
def batches_of(rows, tokens, seed):
    """(which rows, ids, mask) without end; texts of similar length together."""
    rng, lengths = random.Random(seed), list(map(len, rows))
    while True:
        for chosen in similar_lengths(lengths, tokens, rng):
            yield chosen, *pad_batch([rows[i] for i in chosen])


# %% [markdown]
# The words are hidden anew in every batch, so the model never gets the same question twice. 800 steps with 768 tokens
# each, with a warm-up; `muon=True` lets Muon (notebook 11) move the matrices:

# %% tags=["training"]
dice = torch.Generator().manual_seed(1000)


def loss_of(batch):
    _, ids, mask = batch
    inputs, targets = mask_words(ids, special, mask_id, len(tokenizer), dice, 0.3)
    return model.loss(inputs, targets, mask=mask)


rows = [tokenizer.encode(text).ids for text in learn]
batches = batches_of(rows, 768, seed=0)
losses = train(model, loss_of, batches, 800, 8e-3, warmup=50, muon=True, fused=True)
first, last = sum(losses[:10]) / 10, sum(losses[-50:]) / 50
print(f"{first:.2f} nats at first, {last:.2f} at the end")


# %% tags=["training"]
@torch.no_grad()
def guesses(text, n=5):
    """The likeliest words for the [MASK] of a text."""
    ids = torch.tensor([tokenizer.encode(text).ids])
    chances = model(ids)[ids == mask_id][0].softmax(-1).topk(n)
    pairs = zip(chances.indices.tolist(), chances.values.tolist(), strict=True)
    return ", ".join(f"{tokenizer.pieces[i]} {p:.2f}" for i, p in pairs)


questions = (
    "We [MASK] two brothers.",
    "We [MASK] very tired.",
    "We [MASK] the soup because it was delicious.",
    "We [MASK] the coat because it was new.",
)
for text in questions:
    print(text, "\n   ", guesses(text))

# %% jupyter={"source_hidden": true}
first_guess = [guesses(text, 1).split()[0] for text in questions]
assert first_guess[0] in ("have", "had", "like") and first_guess[1] in ("are", "were")
assert first_guess[2] in ("ate", "bought") and "ate" in guesses(questions[3], 3)
apart = [text.split(" ", 2) for text in learn if text.startswith("We ")]
ends = {parts[2] for parts in apart if len(parts) > 2}
assert not ends & {text.split(" ", 2)[2] for text in questions[:3]}
assert "We ate the cake because it was delicious." in learn

# %% [markdown]
# These are the gaps of The question. The left side is the same, *We*, and the right side decides: here *have*, *are* or
# *were*, *ate* or *bought*. None of the first three sentences stands among the 39,000, whatever word one puts into the
# gap. (Others of the same build do, such as *We ate the cake because it was delicious.*)
#
# The last line shows how little so small a model knows. *Ate* is among the first again, though nobody eats a
# coat: it has learnt which words stand in sentences of the form *we ▢ the … because it was …*, and it hardly looks at
# the noun.
#
# Now count, on the sentences that were held out, 15% of their words chosen. We count the places that show `[MASK]`: of
# the other chosen ones about half show the right word itself.


# %% tags=["training"]
@torch.no_grad()
def share_named(model, texts, dice):
    """How many of the words behind a [MASK] the model names."""
    rows, right, asked = [tokenizer.encode(text).ids for text in texts], 0, 0
    for start in range(0, len(rows), 50):
        ids, mask = pad_batch(rows[start : start + 50])
        inputs, targets = mask_words(ids, special, mask_id, len(tokenizer), dice, 0.15)
        chosen = (targets != IGNORED) & (inputs == mask_id)
        right += (model(inputs, mask=mask).argmax(-1) == targets)[chosen].sum().item()
        asked += chosen.sum().item()
    return right / asked


own = share_named(model, held_out, torch.Generator().manual_seed(5))
print(f"{own:.2f} of the hidden words")

# %% jupyter={"source_hidden": true}
assert own > table["both"]

# %% [markdown]
# About half of them. The tables of The question guessed *every* word of the same sentences, and the better one named
# fewer. (Below, over several seeds, model and tables are asked at the same places.) Half is not near 1, and cannot be:
# a grammar that draws *rice*, *soup* or *melon* by lot leaves nothing to know beyond "food".
#
# ## Real weights
# Now a BERT that has read more than any of us. **all-MiniLM-L6-v2** is the shape that you counted, 6 blocks and
# 22,713,216 parameters. MiniLM ([Wang et al. 2020](https://arxiv.org/abs/2002.10957)) was made by **distillation**: it
# learnt to attend as a larger model does. Then it was trained on over a billion pairs of texts that belong together
# (question and answer, title and article), so that the *mean-pooled* vectors of a pair lie close to each other and
# those of other texts far away ([Reimers and Gurevych 2019](https://arxiv.org/abs/1908.10084) introduced such
# **sentence embeddings** with BERT). The weights are fetched once: in a terminal, `python3 course.py fetch`.

# %% tags=["training"]
from lib.downloads import have
from lib.minilm import load_minilm, sentence_vectors

here = have("minilm/model.safetensors") and have("minilm/vocab.txt")
if here:
    bert, its_tokenizer = load_minilm(bert=MyBert, cut=wordpiece)
else:
    print("`python3 course.py fetch` brings the weights. Now your own BERT answers.")
    bert, its_tokenizer = model.bert, tokenizer
total, block = size(bert), bert.encoder.blocks[0]
print(f"{total:,} parameters in {type(bert.embeddings)}, {type(block)}")
print(its_tokenizer.tokens("Embeddings of unaffable tokenizers: naïve!"))
print(its_tokenizer.encode("The cat sat.", "It slept."))

# %% jupyter={"source_hidden": true}
assert type(bert.embeddings) is BertEmbeddings and type(block) is EncoderBlock
if here:
    assert total == 22_713_216 and its_tokenizer.tokens("naïve") == ["naive"]
    assert its_tokenizer.tokens("Embeddings") == ["em", "##bed", "##ding", "##s"]

# %% [markdown]
# Where do its heads look? Choose MiniLM in the list (it was recorded): it reads *he ate the apple because it was
# tasty*, in pieces. Most heads put the most weight of *it* on [CLS], on [SEP] or on *it*; look for the one, in block 6,
# in which *it* looks most at *apple*.

# %% jupyter={"source_hidden": true}
from lib.widgets import widget

widget("heads")

# %% [markdown]
# The published numbers lie in your embeddings and in your blocks, and your `wordpiece` cuts its texts. (The course's
# tests compare the model with Hugging Face's BERT on the same weights: every hidden state is equal up to rounding.)
# What can it do? Take 1,000 sentences out of real movie reviews ([Pang and Lee
# 2005](https://arxiv.org/abs/cs/0506075)), a vector for each by your `mean_pool`, and look for those that are nearest
# to a sentence of ours. Where there is no network, the course's sentences stand in, which a program wrote.

# %% tags=["training"]
from lib.corpora.movie_reviews import authored_reviews, load_movie_reviews
from lib.text_vectors import nearest

real = have("movie_reviews/rt-polarity.pos") and have("movie_reviews/rt-polarity.neg")
reviews = load_movie_reviews() if real else authored_reviews()
random.Random(0).shuffle(reviews)
texts = [text for text, _ in reviews[:1_000]]
praise = torch.tensor([label for _, label in reviews[:1_000]])
vectors = sentence_vectors(bert, its_tokenizer, texts, longest=64, pool=mean_pool)
for asked in (
    "A funny film for the whole family.",
    "The songs and the dancing are wonderful.",
    "I nearly fell asleep in the cinema.",
):
    (vector,) = sentence_vectors(bert, its_tokenizer, [asked], pool=mean_pool)
    found = nearest(vector, vectors, texts, 3)
    print(asked, *(f"  {near:.2f} {text[:90]}" for text, near in found), sep="\n")


# %% tags=["training"]
other = (vectors @ vectors.T).fill_diagonal_(-1).argmax(-1)  # the nearest of the others
agree = (praise[other] == praise).float().mean().item()
print(f"{agree:.1%} have the label of their nearest neighbour")

# %% jupyter={"source_hidden": true}
if here and real:
    asked = ["A funny film for the whole family."]
    (vector,) = sentence_vectors(bert, its_tokenizer, asked)
    assert "family comedy" in nearest(vector, vectors, texts, 1)[0][0]
    assert 0.56 < agree < 0.62 and abs(praise.float().mean() - 0.5) < 0.01

# %% [markdown]
# With the real weights and reviews, "a funny film for the whole family" finds a "family comedy" as the nearest, with
# hardly a common word but *family*. The last one shows a limit: falling asleep finds other experiences in a cinema,
# among them a film that "stays with you". Is that chance? Half of the 1,000 sentences are praise. Only about 59 of 100
# have the label of the sentence that is nearest to them, where 50 would be chance: whether a sentence is praise is
# hardly what makes it near.
#
# ## The bank, again
# Notebook 04 began with two sentences, *Money bank grows* and *River bank floods*, and one row of a table for both
# banks. Notebook 02 had measured it: its single vector is as near to money as to rivers. Here are six sentences with
# each bank, and the vector that leaves the last block at the place of the word.

# %% tags=["training"]
money = {
    "account": "I opened an account at the bank.",
    "rates": "The bank raised its interest rates.",
    "loan": "She asked the bank for a loan.",
    "thieves": "Thieves robbed the bank on Friday.",
    "cashier": "He works as a cashier in a bank.",
    "fee": "Our bank charges a fee for each transfer.",
}


# %% tags=["training"]
river = {
    "river": "We sat on the bank of the river.",
    "boat": "The boat drifted to the bank.",
    "willows": "Willows grow along the bank.",
    "muddy": "He fished from the muddy bank.",
    "burst": "The river burst its bank after the rain.",
    "ducks": "Ducks nested on the grassy bank.",
}


# %% tags=["training"]
@torch.no_grad()
def vector_of(word, text):
    """The vector of the first piece of a word, as the last block gives it."""
    ids = its_tokenizer.encode(text).ids
    return bert(torch.tensor([ids]))[0, ids.index(its_tokenizer.ids[word])]


# %% tags=["training"]
def cosines(x):
    """Of each of the vectors (n, d) with each: (n, n)."""
    return functional.cosine_similarity(x[:, None], x[None], dim=-1)


if here:
    both = [*money.values(), *river.values()]
    banks = torch.stack([vector_of("bank", text) for text in both])
    alike = cosines(banks)
    near = alike.clone().fill_diagonal_(-1).argmax(-1).tolist()
    same = sum((i < 6) == (j < 6) for i, j in enumerate(near))
    print(f"{same} of 12 have a bank of their own kind as the nearest")
    inside = (alike[:6, :6].sum() - 6) / 30, (alike[6:, 6:].sum() - 6) / 30
    across = alike[:6, 6:].mean()
    print(
        f"mean cosine: money {inside[0]:.2f}, river {inside[1]:.2f},",
        f"across {across:.2f}",
    )


# %% tags=["training"]
elsewhere = {
    "family": "A funny film for the whole family.",
    "songs": "The songs and the dancing are wonderful.",
    "cinema": "I nearly fell asleep in the cinema.",
}
if here:
    others = torch.stack([vector_of(*item) for item in elsewhere.items()])
    apart = cosines(torch.cat([banks, others]))[:12, 12:]
    print(f"a bank and another word: {apart.mean():.2f}, at most {apart.max():.2f}")

# %% jupyter={"source_hidden": true}
if here:
    assert same == 12 and min(inside) > 0.83 and 0.74 < across < 0.81
    assert alike.min() > 0.6 and apart.mean() < 0.1 and apart.max() < 0.2

# %% [markdown]
# All twelve are alike, across the kinds too (0.77 on average), because all twelve are the same *word*: with other words
# of other sentences their cosine is near 0. But those of one kind are more alike (0.86 and 0.85), and each of the
# twelve has a bank of its own kind as its nearest. Nobody told the model that there are two meanings.
#
# To see what differs, subtract their mean, which is what they share. Then a **principal component analysis** (PCA) turns
# the 384 dimensions so that the first two show as much of the spread as two can: a map. The two sentences of notebook
# 04 are put in afterwards, by the same turn.

# %% tags=["training"]
if here:
    middle = banks.mean(0)
    _, spread, turn = torch.linalg.svd(banks - middle, full_matrices=False)
    old = ["Money bank grows.", "River bank floods."]
    shown = torch.stack([*banks, *(vector_of("bank", text) for text in old)]) - middle
    flat = shown @ turn[:2].T
    part = spread[:2].square().sum() / spread.square().sum()
    print(f"the two directions hold {part:.0%} of the spread")

# %% tags=["training"] jupyter={"source_hidden": true}
if here:
    figure, axes = plt.subplots(figsize=(7, 3.6))
    names = [*money, *river, *old]
    for i, ((x, y), name) in enumerate(zip(flat.tolist(), names, strict=True)):
        kind = "s" if i > 11 else "o" if i < 6 else "^"
        axes.plot(x, y, kind, color="black" if i > 11 else "C0" if i < 6 else "C1")
        to = {"fee": (0, -14), "muddy": (0, -14)}.get(name, (0, 6))
        axes.annotate(name, (x, y), to, textcoords="offset points", ha="center")
    axes.set(xlabel="first principal component", ylabel="second", ylim=(None, 3.8))
    plt.show()

# %% jupyter={"source_hidden": true}
if here:
    side = (flat[:, 0] > 0).tolist()
    assert side[:6] == 6 * [side[0]] and side[6:12] == 6 * [not side[0]]
    assert side[12] == side[0] and side[13] == side[6] and 0.35 < part < 0.5

# %% [markdown]
# Circles are banks of money, triangles banks of rivers, squares the two sentences of notebook 04. The first direction of
# the map separates the two meanings without an exception, and the old sentences fall on the right sides, *Money bank
# grows* by a hair. (Less than half of the spread is seen on a flat map; the distances in it are a shadow of the real
# ones.)
#
# ## Fine-tuning on real reviews
# "The movie was fantastic!" Is that praise? The labels of the reviews say, for 10,662 sentences, whether the review
# that they stand in was for or against the film. Take 2,000 of them, put your `BertClassifier` on the published model,
# and train the head and the upper half of the blocks for one pass over the labels. The embeddings and the lower half
# keep their weights, which saves time.
#
# The fresh head starts at 0. Its input is multiplied by 10. Why? AdamW moves each weight by about the learning rate,
# however large its gradient is, and an input ten times as large lets the same move change the logits ten times as much.
# So at one learning rate for all, the head learns faster than the blocks, which should only bend a little.

# %% tags=["training"]
n_held = min(1_000, len(reviews) // 5)
judged, pool = reviews[:n_held], reviews[n_held:]
few = random.Random(0).sample(pool, min(2_000, len(pool)))
rows = [its_tokenizer.encode(text, longest=48).ids for text, _ in few]
labels = torch.tensor([label for _, label in few])

half = len(bert.encoder.blocks) // 2
for part in (bert.embeddings, *bert.encoder.blocks[:half], bert.pooler):
    part.requires_grad_(False)
judge = BertClassifier(bert, 2, lambda x, mask: 10 * mean_pool(x, mask))
for parameter in judge.head.parameters():
    nn.init.zeros_(parameter)
learning = size(judge.head) + size(bert.encoder.blocks[half:])
print(f"{len(few):,} labels, {learning:,} weights learn")


# %% tags=["training"]
def surprise(batch):
    chosen, ids, mask = batch
    return cross_entropy(judge(ids, mask=mask), labels[chosen])


steps = len(similar_lengths(list(map(len, rows)), 512))  # one pass
batches = batches_of(rows, 512, seed=0)
losses = train(judge, surprise, batches, steps, 2e-4, warmup=steps // 10, fused=True)
first, last = sum(losses[:20]) / 20, sum(losses[-20:]) / 20
print(f"{steps} steps: {first:.2f} nats at first, {last:.2f} at the end")


# %% tags=["training"]
@torch.no_grad()
def chance_of_praise(texts):
    """For each text the chance that it speaks for the film."""
    rows = [its_tokenizer.encode(text, longest=48).ids for text in texts]
    chances = torch.empty(len(rows))
    for chosen in similar_lengths(list(map(len, rows)), 2048):
        ids, mask = pad_batch([rows[i] for i in chosen])
        chances[chosen] = judge(ids, mask=mask).softmax(-1)[:, 1]
    return chances


# %% tags=["training"]
chances = chance_of_praise([text for text, _ in judged])
truth = torch.tensor([label for _, label in judged])
right = ((chances > 0.5) == (truth == 1)).float().mean().item()
ours = ["The movie was fantastic!", "What a waste of two hours.", "I liked half."]
said = dict(zip(ours, chance_of_praise(ours).tolist(), strict=True))
print(f"right on {right:.1%} of {len(judged):,} held-out reviews")
print(*(f"{chance:.2f} {text}" for text, chance in said.items()), sep="\n")

# %% jupyter={"source_hidden": true}
if here and real:
    assert 0.75 < right < 0.83 and said[ours[0]] > 0.8 and said[ours[1]] < 0.2
    assert block_parameters in (..., (learning - 2 * 384 - 2) / 3)

# %% [markdown]
# The real weights with the real reviews tell it: *The movie was fantastic!* is praise, with a chance above 0.8, and
# they are right on more than three out of four reviews that nobody showed them. Where do they go wrong?

# %% tags=["training"]
off = (chances - truth).abs()
for i in off.topk(4).indices.tolist():
    side = ("against", "for")[truth[i]]
    print(f"{chances[i]:.2f} praise, but {side}: {judged[i][0][:90]}")

# %% [markdown]
# These are the most confident mistakes. Read them: would you have known? Each is one sentence, cut out of its review.
#
# ## Over seeds: where pretraining helps, and where it does not
# One run is one throw of dice. So the same was done with other seeds (`benchmarks/bert.py` wrote the file, and each
# seed has its place in the lists). First the small BERT and the tables of The question, all asked at the same places,
# those that show `[MASK]`:

# %%
import json

from lib.corpora import files

results = json.loads(files.read("bert_results.json"))
seeds = list(results["sentences"].values())
kinds = ("unigram", "left", "both", "model")
for kind, name in zip(kinds, (*counts, "BERT"), strict=True):
    print(f"{name:15}", [found["masked"][kind] for found in seeds])

# %%
for found in seeds:
    masked = found["masked"]
    assert masked["model"] > masked["both"] + 0.03 > masked["left"] > masked["unigram"]
    assert found["vocab"] == 1_002 and found["parameters"] == 346_218

# %% tags=["training"]
# yours is the first seed, on another processor perhaps
assert abs(own - seeds[0]["masked"]["model"]) < 0.05
assert sum(p.numel() for p in model.parameters()) == seeds[0]["parameters"]

# %% [markdown]
# With every seed the model names more of the hidden words than the best table. And the table is favoured: where two
# words side by side are hidden, it still sees both neighbours.
#
# Hidden words were only a means. Does the model know anything that it was not asked? A test: six **categories** of
# words (animal, food, clothing, person, place, furniture). In a few labelled sentences the words of these categories
# are marked, but only *half* of the words of each category are ever marked: perhaps *dog* and *hen*, never *frog*.
# Then the model is asked about the others, in sentences that were held out. It can answer if *frog* and *hen* are
# alike in it before any label is seen, or if the words around them tell. The rows of the figure, from below:
#
# - **scratch**: the same BERT without pretraining; all weights learn from the labels.
# - **neighbours**: a logistic regression on the words to the left and right, without any model.
# - **fine-tuned**: the pretrained BERT; all weights learn on.
# - **hidden**: frozen, a regression on its vector at a `[MASK]` in place of the word. **frozen**: on its vector of the
#   word itself.
# - **word2vec**: a regression on the word's vector of notebook 02, learnt from the same 39,000 sentences without
#   labels.

# %% jupyter={"source_hidden": true}
kinds = ["scratch", "neighbours", "fine-tuned", "hidden", "frozen", "word2vec"]
figure, axes = plt.subplots(figsize=(6.4, 2.9))
for place, kind in enumerate(kinds):
    for texts, mark, shift in (("30", "C0o", -0.14), ("300", "C1s", 0.14)):
        values = [found["categories"][texts][kind] for found in seeds]
        label = None if place else f"{texts} sentences"
        axes.plot(values, [place + shift] * len(values), mark, label=label)
commonest = [found["categories"]["300"]["commonest"] for found in seeds]
axes.axvline(sum(commonest) / 3, color="grey", lw=1, ls="--", label="commonest")
axes.set_yticks(range(6), kinds)
axes.set(xlim=(0, 1.02), xlabel="accuracy on words that were never labelled")
axes.legend(loc="lower right")
plt.show()

# %%
for kind in kinds:
    print(f"{kind:11}", [found["categories"]["300"][kind] for found in seeds])

# %% jupyter={"source_hidden": true}
assert len(seeds) == 3 and all(0.26 < share < 0.28 for share in commonest)
for found in seeds:
    for one in found["categories"].values():
        assert one["word2vec"] > one["frozen"] > max(one["scratch"], one["neighbours"])

# %% [markdown]
# The printed numbers are those of 300 labelled sentences; the dashed line is what one gets who always says the commonest
# of the six categories, 27 in 100. With every seed the
# frozen vectors of the pretrained BERT are ahead of the neighbours and of the BERT from scratch: pretraining **did**
# teach it something about words that nobody labelled. But the oldest rival wins: **word2vec is ahead with every seed.**
# A category belongs to a word in *all* its texts, and one vector for each word is what word2vec learns. For this task
# nobody needs a Transformer. (Three conditions: all these sentences come from a grammar; the learning rate of
# fine-tuning was not searched; and each regression had the best of three strengths of weight decay, as the test itself
# judged it, which favours all rivals of fine-tuning.)
#
# What a static vector cannot do, you saw at the bank. And reviews need a training on much more text. Here are all seeds
# of the published model, with 2,000 labels, each seed with labels of its own:

# %%
published, kinds_of_use = list(results["minilm"].values()), ("frozen", "fine-tuned")
for kind in (*kinds_of_use, "fantastic"):
    print(f"{kind:10}", [found[kind] for found in published])

# %% jupyter={"source_hidden": true}
gains = [found["fine-tuned"] - found["frozen"] for found in published]
assert [round(1_000 * gain) for gain in gains] == [40, 8, 21]
assert abs((0.78 * 0.22 / 1_000) ** 0.5 - 0.013) < 0.0005
assert all(0.7 < found[kind] < 0.82 for found in published for kind in kinds_of_use)
assert all(found["fantastic"] > 0.8 for found in published)

# %% tags=["training"]
if here and real:
    assert abs(right - published[0]["fine-tuned"]) < 0.04  # yours is the first seed

# %% [markdown]
# "Frozen" is a logistic regression on the pooled vectors, again with the decay that the test likes best; "fantastic" is
# the chance of praise for *The movie was fantastic!*. Fine-tuning is better with each seed, but the gain is small: 4.0,
# 0.8 and 2.1 points. Among 1,000 reviews chance alone moves an accuracy by √(0.78 · 0.22 / 1,000) = 1.3 points (its
# standard error), so it takes several seeds, or more reviews, to see such a difference at all. Every seed is sure that
# the fantastic movie is praised.
#
# ## What breaks
# **The norm at the other place.** Put the published weights into pre-norm blocks. All names and shapes fit, and nothing
# complains.

# %% tags=["training"]
asked = ["A funny film.", "The bank raised its interest rates.", "It rains."]


def pre_norm_block(d_model, n_heads, d_ff, dropout, shortcut, **more):
    return EncoderBlock(d_model, n_heads, d_ff, dropout, PreNorm, **more)


def vectors_with(block):
    made = partial(Bert, embeddings=BertEmbeddings, block=block)
    one, pieces = load_minilm(bert=made)
    return sentence_vectors(one, pieces, asked, pool=mean_pool)


# %% tags=["training"]
if here:
    right_vectors, wrong_vectors = map(vectors_with, (EncoderBlock, pre_norm_block))
    print("right with wrong:", (right_vectors * wrong_vectors).sum(-1))
    print("right, among each other:", right_vectors @ right_vectors.T)
    print("wrong, among each other:", wrong_vectors @ wrong_vectors.T)

# %% jupyter={"source_hidden": true}
if here:
    assert (right_vectors * wrong_vectors).sum(-1).max() < 0.3
    assert (wrong_vectors @ wrong_vectors.T).min() > 0.9
    among = right_vectors @ right_vectors.T
    cosines_here = torch.stack([among[0, 1], among[0, 2], among[1, 2]])
    assert (cosines_here - torch.tensor([0.05, 0.29, 0.01])).abs().max() < 0.05

# %% [markdown]
# The shapes fit, the names fit, and the vectors have little to do with the right ones (their cosines with them are below
# 0.3). Three sentences about a film, a bank and rain, which the right model tells apart (0.05, 0.29 and 0.01 among each
# other), have cosines above 0.9. Only a comparison with known numbers finds this; hence such tests in the course.
#
# **A mean over padding.** The vector of a short sentence, read alone and beside a long one, with your `mean_pool` and
# with a plain mean over all places:


# %% tags=["training"]
def careless_mean(x, mask):
    return x.mean(dim=-2)


long, company = " ".join(["the waiter ate the cheese"] * 8), {}
for pool in (mean_pool, careless_mean):
    alone, beside = (
        sentence_vectors(model.bert, tokenizer, some, longest=64, pool=pool, tokens=512)
        for some in (["the fox was tired."], ["the fox was tired.", long])
    )
    company[pool] = (alone[0] @ beside[0]).item()
    print(f"{pool.__name__:14} cosine {company[pool]:.2f}")

# %% jupyter={"source_hidden": true}
assert company[mean_pool] > 0.99999 and company[careless_mean] < 0.999

# %% [markdown]
# With the mask the vector does not depend on the company; without it, it does, and no error says so.
#
# ## In other words
# - **Encoder-only model**: a Transformer's encoder, which reads on both sides (**bidirectional**) and writes nothing.
# - **Masked language model** (MLM, **cloze** task): words are hidden, and the model names them. Also the loss of that
#   task.
# - **Contextual embedding**: the vector of a word in its text; a **static embedding** (word2vec) is the same in all
#   texts.
# - **WordPiece**: pieces of words, cut by **greedy longest match**; `##` marks a piece inside a word. **Uncased**:
#   small letters, no accents.
# - **`[CLS]`, `[SEP]`, `[PAD]`, `[MASK]`, `[UNK]`**: the special tokens. **Segment embedding** (token type embedding):
#   first or second text.
# - **Post-norm**: LayerNorm(x + part(x)). **Pre-norm**: x + part(LayerNorm(x)).
# - **Next sentence prediction** (NSP): BERT's second task in training: does text two follow text one?
# - **Pretraining**: learning from texts without labels. **Fine-tuning**: training on with labels. **Frozen**
#   (feature-based): the pretrained weights stay.
# - **Classification head**: a Linear from d_model to the classes. **Pooler**: Linear and tanh on `[CLS]`. **Mean
#   pooling**: our `mean_pool`.
# - **Sentence embedding**: one vector for a text, made so that texts of similar meaning lie close together.
# - **Distillation**: a small model learns to do as a larger one does.
#
# ## Where it comes from
# - Taylor [1953](https://doi.org/10.1177/107769905303000401) invented the cloze test, to measure how readable a text
#   is.
# - ELMo, Peters et al. [2018](https://arxiv.org/abs/1802.05365): contextual embeddings by two LSTMs, one for each
#   direction.
# - BERT, Devlin et al. [2018](https://arxiv.org/abs/1810.04805): 12 blocks, 110 million parameters, and 24 blocks, 340
#   million. They read 3.3 billion words (English Wikipedia and books). With one more layer for each task it was the
#   best on eleven of them when it came out.
# - WordPiece: Schuster and Nakajima [2012](https://doi.org/10.1109/ICASSP.2012.6289079), for voice search in Japanese
#   and Korean.
# - RoBERTa, Liu et al. [2019](https://arxiv.org/abs/1907.11692): BERT trained for longer, on more text, with words
#   hidden anew each time, and without next sentence prediction: better than BERT on every task in its tables.
# - Sentence embeddings: Reimers and Gurevych [2019](https://arxiv.org/abs/1908.10084). MiniLM: Wang et al.
#   [2020](https://arxiv.org/abs/2002.10957).
# - ModernBERT, Warner et al. [2024](https://arxiv.org/abs/2412.13663): an encoder with the parts of notebook 14 (rotary
#   positions, gates, windows).
#
# ## What to remember
# - An encoder that sees both sides cannot be trained to say the next word: it would copy it. Hide words, and ask for
#   these only.
# - Pretraining gives a vector for each word in its context. What that is good for must be measured against simple
#   rivals: word2vec won on the categories of words; on reviews the published model was better
#   fine-tuned than frozen, on average and by little.
# - Padding must be left out twice: in attention, and in the mean.
#
# **Next**: notebook 17, T5: every task is text to text.
