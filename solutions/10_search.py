# %% [markdown]
# # 10 · Search
# After this notebook you can turn a model's probabilities into its best sentence, say whether a better search would help or only
# a better model, and measure how good a translation is.
#
# You need: `greedy_translate` (03), the Transformer (09). You build: beam search, first for one sentence and then for a batch,
# exact search, and BLEU. 190 minutes.

# %%
import math
import random
import time
from functools import partial
from itertools import product

import matplotlib.pyplot as plt
import torch

# %%
from lib.batching import EOS, PAD, SOS, Batch, pad_batch
from lib.corpora.italian import join, load_pairs
from lib.decoding.incremental import cached_step, reorder_decoding, start_decoding
from lib.decoding.search import Finished, beam_candidates, translate
from lib.figures import beam_tree, style, transformer_map
from lib.scoring import LONGEST, ngrams, same_number
from lib.training.translator import load_translator
from lib.yours import greedy_translate, next_word_step

style()
torch.set_num_threads(1)  # such small matrices gain nothing from a second thread

# %% [markdown]
# ## The question
# The translator of notebook 9 gives a probability for every next word. *Which sentence is its answer?* To make sentences out of
# such probabilities is called **decoding**. Notebook 3 took the likeliest word each time, which is **greedy** decoding. Here is
# a sentence that nobody trained on:

# %%
# trained in notebook 9, shipped with the course
translator, english, italian = load_translator()
translator.requires_grad_(False)
step = partial(next_word_step, translator)


def start(sentences):
    """What a decoder knows before its first word: nothing written, the memory, and the
    memory's mask.
    """
    source, mask = pad_batch(
        [english.encode(sentence.split()) for sentence in sentences]
    )
    return (
        torch.zeros(len(source), 0, dtype=torch.long),
        translator.encode(source, mask),
        mask,
    )


def in_italian(ids):
    return " ".join(italian.decode(ids))


duck = "Sofia and Giulia had a big duck ."
greedy = in_italian(greedy_translate(step, start([duck]), 20)[0])
print(greedy)
assert "un' grande" in greedy

# %% [markdown]
# *Un'* stands before vowels: *un'anatra*, a duck. Before *grande* it is *una*. Does the model not know better? It does: to the
# model, *Sofia e Giulia avevano una grande anatra* is the **likelier** sentence. Greedy decoding never got to see it.
#
# ## By hand
# A model that writes from left to right gives a probability to each next word y_t, which depends on the source x and on all the
# words y₁ … y_(t−1) before it. The probability of a whole sentence y of n tokens is the product
#
# $$P(y \mid x) = \prod_{t=1}^{n} p(y_t \mid y_1, \dots, y_{t-1}, x)$$
#
# The sentence that we look for is the y with the largest P(y | x), the **mode** of the model. (Papers write ŷ = argmax P(y |
# x), and call the search for it **MAP decoding**, for *maximum a posteriori*.) Suppose that two words are asked for. The first
# is A with probability 0.6, or B with 0.4. After A come u and v with 0.5 each; after B they come with 0.9 and 0.1.
#
# | | first word | second word | whole |
# |---|---|---|---|
# | greedy | A, 0.6 | u, 0.5 | 0.6 × 0.5 = **0.30** |
# | keep both beginnings | B, 0.4 | u, 0.9 | 0.4 × 0.9 = **0.36** |
#
# The likeliest word need not begin the likeliest sentence. Greedy decoding has decided for A before it could see how badly A
# goes on, and it cannot step back. So keep the best two beginnings instead of one, or the best four: this is **beam search**. A
# beginning is called a **hypothesis** (or a partial translation), and the number of those that are kept is the **beam width**
# or beam size; we say "two beams".

# %% [markdown]
# ## The picture
# Here is the table as a tree. Under each word stands the probability of everything up to it. The thick path is the best one. A
# beam search of width two drops what is dotted (A u and A v are equal; one of them has to go).

# %% jupyter={"source_hidden": true}
labels = ["<SOS>", "A", "B", "u", "v", "u", "v"]
parents, chances = [None, 0, 0, 1, 1, 2, 2], [1, 0.6, 0.4, 0.3, 0.3, 0.36, 0.04]
beam_tree(
    parents, labels, chances, kept=[True, True, True, True, False, True, False], best=5
)
plt.show()

# %% [markdown]
# A tree of beginnings grows by one word a step, for many sentences at once. These are the parts that you will build, with the
# shapes of what goes from one to the next:

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.9), width_ratios=(2.3, 1))
axes, grey = panels[0], "#555555"
boxes = {
    (0.0, 2.6, 2.2): ("beginnings", "#cfe0fc"),
    (4.2, 2.6, 1.8): ("decoder", "#ffe3c2"),
    (8.9, 2.6, 2.0): ("beam_step", "#ffc68a"),
    (8.9, 0.2, 2.0): ("Finished", "#ffc68a"),
    (4.2, 0.2, 1.8): ("reorder", "#ffc68a"),
}
for (x, y, width), (text, colour) in boxes.items():
    axes.add_patch(plt.Rectangle((x, y), width, 0.8, fc=colour, ec="black"))
    axes.text(x + width / 2, y + 0.4, text, ha="center", va="center", fontsize=8)
arrows = {
    (2.2, 3.0, 4.2, 3.0): ("newest ids\n(row,)", 3.2, 3.4),
    (6.0, 3.0, 8.9, 3.0): ("log-probabilities\n(sentence, beam, vocab)", 7.45, 3.4),
    (9.9, 2.6, 9.9, 1.0): ("the best 2 × beams\n(sentence, 2 × beams)", 8.4, 1.8),
    (8.9, 0.6, 6.0, 0.6): ("those that go on\n(sentence, beams)", 7.45, 1.0),
    (5.1, 1.0, 5.1, 2.6): ("state\n(row, ...)", 5.7, 1.8),
    (4.2, 0.6, 1.1, 2.6): ("ids (sentence, beams,\nposition), scores", 1.5, 1.15),
    (10.9, 0.6, 12.1, 0.6): ("the best\ncomplete one", 11.7, 1.15),
}
for (x, y, to_x, to_y), (text, at_x, at_y) in arrows.items():
    axes.annotate(
        "", (to_x, to_y), (x, y), arrowprops={"arrowstyle": "->", "color": grey}
    )
    axes.text(at_x, at_y, text, ha="center", va="center", fontsize=7, color=grey)
axes.set(xlim=(-0.2, 12.7), ylim=(-0.2, 4.0))
axes.axis("off")
transformer_map(panels[1], numbers=False, lit=("linear, softmax", "next token"))
plt.show()

# %% [markdown]
# Follow the loop from "beginnings". A *row* is one beginning of one sentence. The decoder gives all next words of all rows
# their log-probabilities. `beam_step` takes the best continuations of each sentence, `Finished` collects the complete ones, and
# the state of the decoder follows those that go on. On the right is the map of the Transformer: today's part sits at the very
# top, where the softmax is turned into a token. No weight changes.
#
# ## In code
# Probabilities are multiplied, so their logarithms are added: log P(y | x) is the sum of the words' log-probabilities. This is
# not a matter of taste. A product of forty times 0.01 is 0 in float32; the sum of the logarithms is −184. A larger sum still
# means a likelier sentence.

# %%
first = torch.tensor([0.6, 0.4]).log()  # A, B
second = torch.tensor([[0.5, 0.5], [0.9, 0.1]]).log()  # u and v after A; after B
whole = first[:, None] + second
assert torch.allclose(whole[first.argmax()].max().exp(), torch.tensor(0.30))  # greedy
assert torch.allclose(whole.max().exp(), torch.tensor(0.36))
small = torch.full((40,), 0.01)
assert small.prod() == 0 and round(small.log().sum().item()) == -184

# %% [markdown]
# ### Why not try everything?
# Our Italian vocabulary has 2,163 entries. So there are 2,163¹⁰, about 10³³, sentences of ten words, and no computer can look
# at them all. Some models can be searched without looking at everything: if the next word depended on the last one only (a
# **Markov chain**), two beginnings that end in the same word would have the same future, and only the better of them need be
# kept (this is the **Viterbi algorithm**). A Transformer looks at *all* words before, so no two beginnings have the same
# future.
#
# A search that is certain to find the mode is called **exact**. Greedy decoding and beam search are **heuristic**: they are
# quick, and promise nothing. When the mode was likelier than what a search has found, the search made a **search error**.

# %%
sentences_of_ten = len(italian) ** 10
print(f"{sentences_of_ten:.1e} sentences of ten words")
assert len(italian) == 2163 and 1e33 < sentences_of_ten < 1e34

# %% [markdown]
# ## Question 10.1 · found_by_two
# Three words may come first: A with 0.5, B with 0.3, C with 0.2. The second word is u, v or w; after it the sentence ends.
#
# | after | u | v | w |
# |---|---|---|---|
# | A | 0.38 | 0.32 | 0.30 |
# | B | 0.55 | 0.25 | 0.20 |
# | C | 0.98 | 0.01 | 0.01 |
#
# Give three probabilities as a tuple: of the sentence that greedy decoding finds, of the one that a beam search of width two
# finds, and of the likeliest sentence. 4 minutes.

# %% question="found_by_two" difficulty=1 minutes=4
### BEGIN SOLUTION
found_by_two = 0.19, 0.19, 0.196
### END SOLUTION

# %% check="found_by_two"
from lib.checks import check

found_by_two = check("found_by_two")

# %% [markdown]
# ## What a model says next
# The decoder gives **logits**, one number for each word of the vocabulary. Their softmax gives the probabilities. With the
# logits (2, 1, 0) of three words, the numerators are e² = 7.39, e¹ = 2.72 and e⁰ = 1, the denominator is 11.11, and the two
# likeliest words get 0.67 and 0.24. They do not sum to 1: the third word has the rest.
#
# ## Exercise 10.1 · best_continuations
# From `logits` (..., vocab) to the probabilities (..., k) and the ids (..., k) of the k likeliest words, likeliest first.
# Difficulty ●○○ · 4 minutes.
#
# <details><summary>My probabilities sum to 1</summary>They are k of many: take the softmax over the whole vocabulary first,
# then choose.</details>


# %% exercise="best_continuations" difficulty=1 minutes=4
def best_continuations(logits, k):
    """The k likeliest next words, the likeliest first; those that are equally likely
    in any order.

    logits: (..., vocab)    Returns their probabilities (..., k) and their ids (..., k).
    """
    ### BEGIN SOLUTION
    return logits.softmax(dim=-1).topk(k)
    ### END SOLUTION


# %% check="best_continuations"
from lib.checks import check

best_continuations = check("best_continuations")

# %%
two, places = best_continuations(torch.tensor([2.0, 1.0, 0.0]), 2)
assert [round(p, 2) for p in two.tolist()] == [0.67, 0.24] and places.tolist() == [0, 1]

# %% [markdown]
# This is greedy decoding, step by step, as on many slides: `<SOS>` goes in, the likeliest word comes out, that word goes in,
# and so on up to `<EOS>`. The source is "I love you ."

# %%
state, ids, said = start(["I love you ."]), torch.tensor([SOS]), []
figure, axes = plt.subplots(1, 4, figsize=(8.4, 2))
for place in range(4):
    heard = italian.words[ids[0]]
    logits, state, _ = step(ids, state)
    probabilities, words = best_continuations(logits[0], 4)
    axes[place].barh([italian.words[word] for word in words], probabilities)
    axes[place].invert_yaxis()
    axes[place].set(title=f"hears {heard}", xlim=(0, 1), xticks=[0, 1])
    ids = words[:1]
    said.append(italian.words[words[0]])
figure.supxlabel("probability", size="medium")
plt.show()
assert said == ["ti", "amo", ".", "<EOS>"]

# %% [markdown]
# Read it from left to right: the longest bar is the word that the next step hears. Here that ends well. Now the duck, with the
# two likeliest words of each step:
#
# > **Predict.** At which word does the model hesitate?

# %%
state, ids = start([duck]), torch.tensor([SOS])
while ids.item() != EOS:
    logits, state, _ = step(ids, state)
    probabilities, words = best_continuations(logits[0], 2)
    print(
        "   ".join(
            f"{italian.words[w]:8} {p:.2f}"
            for p, w in zip(probabilities, words, strict=True)
        )
    )
    if italian.words[words[0]] == "un'":
        assert (
            italian.words[words[1]] == "una"
            and 0.4 < probabilities[1] < probabilities[0] < 0.6
        )
    ids = words[:1]

# %% [markdown]
# *Un'* or *una* is nearly a coin toss. Once it is *un'*, *grande* does not fit, and the next row hesitates again; but greedy
# decoding has to go on: it cannot step back.
#
# ## How likely is a sentence that is there already?
# Is *una grande anatra* really the likelier sentence? For a given target all words are known, so we can ask for all of them at
# once, as in training (teacher forcing): one forward pass gives the logits of every position. Of each position we need one
# number only, the log-probability of the word that stands there, and then their sum:
#
# $$\log P(y \mid x) = \sum_{t=1}^{n} \log p(y_t \mid y_{<t}, x)$$
#
# Here n counts `<EOS>`: to end the sentence is a decision like any other. If *ti amo .* `<EOS>` has the probabilities 1/2, 1/2,
# 1 and 1/4, the sum is −0.69 − 0.69 − 0 − 1.39 = −2.77, and the probability is e^(−2.77) = 1/16. In a batch, short targets are
# padded; a padded place adds nothing. (Divide by −n and you have the cross-entropy loss of notebook 09.)
#
# ## Exercise 10.2 · log_probability
# From `logits` (batch, position, vocab), `targets` and `mask` (batch, position) to (batch,): the sum of the real targets'
# log-probabilities. Difficulty ●●○ · 8 minutes.
#
# <details><summary>How do I pick one number of the vocabulary at each position?</summary><code>gather(-1,
# targets[..., None])</code>, then take away the axis of size 1.</details>
# <details><summary>Short sentences come out too unlikely</summary>Their padding counts: set it to 0 with the mask before
# you sum.</details>


# %% exercise="log_probability" difficulty=2 minutes=8
def log_probability(logits, targets, mask):
    """How likely a model finds a sentence that is there already: the sum of its words'
    log-probabilities.

    logits: (batch, position, vocab), finite numbers
    targets: (batch, position), ids of the vocabulary, padding too
    mask: (batch, position), True on real targets; padding may stand anywhere
    Returns (batch,), in nats, at most 0.
    """
    ### BEGIN SOLUTION
    of_words = logits.log_softmax(dim=-1).gather(-1, targets[..., None]).squeeze(-1)
    return of_words.masked_fill(~mask, 0.0).sum(dim=-1)
    ### END SOLUTION


# %% check="log_probability"
from lib.checks import check

log_probability = check("log_probability")


# %%
def score(sources, targets):
    """The log-probability of each target, all known, so all positions at once:
    `forward`, as in training; 250 sentences at a time.
    """
    pairs = [
        (english.encode(s), italian.encode(t))
        for s, t in zip(sources, targets, strict=True)
    ]
    found = []
    for begin in range(0, len(pairs), 250):
        batch = Batch.of(pairs[begin : begin + 250])
        logits = translator(batch.source, batch.source_mask, batch.inputs)
        found.append(log_probability(logits, batch.targets, batch.mask))
    return torch.cat(found)


right = "Sofia e Giulia avevano una grande anatra ."
chances = score([duck.split()] * 2, [greedy.split(), right.split()]).exp()
print(f"greedy's: {chances[0]:.2f}, the right one: {chances[1]:.2f}")
assert chances[0] < 0.4 < chances[1] < 0.46

# %% [markdown]
# So it was not the model that erred, but the search. How often is that? Of all 1,500 held-out sentences, greedy decoding gets
# fewer than a tenth wrong. Where it does, we compare what it wrote with the right sentence:

# %% tags=["training"]
pairs = [pair.words() for pair in load_pairs("test")]
sources, targets = [source for source, _ in pairs], [target for _, target in pairs]
source_ids = [english.encode(source) for source in sources]
by_greedy = [italian.decode(ids) for ids in translate(translator, source_ids, 60)]
wrong = [i for i in range(len(pairs)) if by_greedy[i] != targets[i]]
of_greedy = score([sources[i] for i in wrong], [by_greedy[i] for i in wrong])
of_right = score([sources[i] for i in wrong], [targets[i] for i in wrong])
shown = [i for i, better in zip(wrong, of_right > of_greedy, strict=True) if better]
print(f"{len(wrong)} wrong; for {len(shown)} the model prefers the right sentence:")
for i in shown:
    print("  ", *sources[i], "→", *by_greedy[i])

# %% jupyter={"source_hidden": true}
assert len(pairs) == 1500 and len(wrong) < 0.1 * len(pairs)
assert 1 <= len(shown) <= 15 and len(wrong) - len(shown) > 100
assert duck.split() in [sources[i] for i in shown]

# %% [markdown]
# These few are search errors that the right sentence *shows*: it was likelier, and it was missed. In the other cases, over a
# hundred, the model finds what greedy decoding wrote likelier than the right sentence. There it makes a **model error**: its
# likeliest sentence is not the right one, and the best search would not write it. But this way of counting sees only a part of
# the search errors. The likeliest sentence may be a third one, neither written nor right. Further below we count all of them.

# %% [markdown]
# ## Beam search for one sentence, with lists
# Now the search itself, for one sentence and as one would do it on paper. A beginning is a pair of two things: the words so
# far, and the sum of their log-probabilities, its score. At first there is one beginning, without a word, and its score is 0.
# Then, for each new word:
#
# 1. Continue every beginning with every word of the vocabulary. The score of such a **candidate** is the score of the beginning
#    plus the log-probability of the word.
# 2. Sort all candidates together, best first.
# 3. Of the best `beams` of them, those that end with `<EOS>` are complete sentences: put them aside. (A candidate that ends,
#    but is not among the best `beams`, is dropped like any other.)
# 4. The best `beams` candidates that do *not* end go on.
#
# With the table of "By hand", two beams, and `<EOS>` after the second word:
#
# | step | candidates, best first | complete | go on |
# |---|---|---|---|
# | 1 | A 0.6, B 0.4 | – | A, B |
# | 2 | B u 0.36, A u 0.30, A v 0.30, B v 0.04 | – | B u, A u |
# | 3 | B u `<EOS>` 0.36, A u `<EOS>` 0.30 | both | – |
#
# Look at step 2: the beginning A led with 0.6, and it is overtaken by what came from B. A search of width one would have gone
# on from A alone.
#
# **When does it end?** As soon as `beams` sentences are complete, or when `limit` words have been written; then the best
# `beams` candidates count as complete as they are. There are other rules; this one is that of the Transformers library of
# Hugging Face, if its early stopping is on.
#
# ### Which complete sentence is best?
# Every word multiplies by a number of at most 1. So the sum can only fall while a sentence grows, and the largest sum favours
# short sentences: a **length bias**. The usual remedy is **length normalisation**: compare
#
# $$\frac{\log P(y \mid x)}{n^{\alpha}}$$
#
# where n is the number of tokens, `<EOS>` included, and **α** is chosen by hand. α = 0 leaves the sum, α = 1 takes the mean of
# the words. **A worked number.** One complete sentence has 3 tokens and the sum −3.0, another has 5 and −3.5. By the sum, the
# first one wins. The means are −3.0 / 3 = −1.0 and −3.5 / 5 = −0.7: by the mean, the second one wins. (Wu et al.
# [2016](https://arxiv.org/abs/1609.08144) divided by ((5 + n) / 6)^α instead, which grows more slowly for short sentences. The
# Transformer paper took this formula, with α = 0.6 and four beams.)
#
# Note what is *not* normalised: while the search runs, all beginnings have the same number of words, so their sums can be
# compared as they are. Only complete sentences differ in length.

# %% jupyter={"source_hidden": true}
assert -3.0 > -3.5 and -3.0 / 3 < -3.5 / 5 and math.isclose(-3.5 / 5, -0.7)

# %% [markdown]
# ## Question 10.2 · tipping_alpha
# Two complete sentences: one of 4 tokens with a score of −2.0, and one of 6 tokens with −2.7. For a small α the short one wins,
# for a large α the long one. At which α do they draw? Two digits are enough. 4 minutes.

# %% question="tipping_alpha" difficulty=2 minutes=4
### BEGIN SOLUTION
tipping_alpha = math.log(2.7 / 2.0) / math.log(6 / 4)
### END SOLUTION

# %% check="tipping_alpha"
from lib.checks import check

tipping_alpha = check("tipping_alpha")

# %% [markdown]
# ## Exercise 10.3 · search_sentence
# Write the four steps and the end of the search, with lists. `log_probs_after(ids)` takes the list of ids written so far,
# without `<SOS>`, and gives the log-probabilities (vocab,) of the next one. Return the best complete sentence, a list of ids,
# and its score / n^α. Difficulty ●●○ · 20 minutes.
#
# <details><summary>What do I start with?</summary><code>going = [([], 0.0)]</code>, a list of pairs, and an empty list of complete
# ones.</details>
# <details><summary>All words of the vocabulary with their numbers?</summary><code>enumerate(log_probs.tolist())</code> gives the pairs (word,
# log-probability); <code>[*ids, word]</code> is a new list, one longer.</details>
# <details><summary>How do I sort pairs by their score?</summary><code>found.sort(key=lambda one: one[1], reverse=True)</code></details>
# <details><summary>Nothing is complete at the end</summary>At the last step, when the length is <code>limit</code>, the best
# <code>beams</code> candidates are complete even without <code>&lt;EOS&gt;</code>.</details>


# %% exercise="search_sentence" difficulty=2 minutes=20
def search_sentence(log_probs_after, limit, beams=4, alpha=1.0):
    """Beam search for one sentence, with lists, as one would do it on paper.

    log_probs_after: from the list of ids so far, without <SOS>, to (vocab,), the
    log-probabilities of the next one
    limit: write at most so many tokens, <EOS> included

    Each step continues every beginning with every word. Of the best `beams`
    candidates, those that end with <EOS>, or are `limit` long, are complete; the best
    `beams` that do not end with <EOS> go on. It ends when `beams` are complete, or at
    the limit. Returns, of all complete ones, the one with the largest
    score / length ** alpha: a list of ids, <EOS> included, and that value.
    """
    ### BEGIN SOLUTION
    going, complete = [([], 0.0)], []
    for length in range(1, limit + 1):
        found = []
        for ids, score in going:
            log_probs = log_probs_after(ids).tolist()
            found += [
                ([*ids, word], score + log_prob)
                for word, log_prob in enumerate(log_probs)
            ]
        found.sort(key=lambda one: one[1], reverse=True)
        best = found[:beams]
        complete += [one for one in best if one[0][-1] == EOS or length == limit]
        going = [one for one in found if one[0][-1] != EOS][:beams]
        if len(complete) >= beams:
            break
    ids, score = max(complete, key=lambda one: one[1] / len(one[0]) ** alpha)
    return ids, score / len(ids) ** alpha
    ### END SOLUTION


# %% check="search_sentence"
from lib.checks import check

search_sentence = check("search_sentence")

# %% [markdown]
# The duck again. For one sentence the translator gives such a function like this: it puts `<SOS>` in front and reads all words
# again.


# %%
def words_after(sentence):
    """For this English sentence: a function from the Italian ids so far to (vocab,),
    the log-probabilities of the next one.
    """
    _, memory, mask = start([sentence])

    def log_probs_after(ids):
        inputs = torch.tensor([[SOS, *ids]])
        return translator.decode(inputs, memory, mask)[0, -1].log_softmax(dim=-1)

    return log_probs_after


for beams in (1, 2):
    ids, value = search_sentence(words_after(duck), limit=20, beams=beams)
    print(f"{beams}: {in_italian(ids)}  ({value:.3f} nats a word)")
    if beams == 1:
        assert in_italian(ids) == greedy
assert in_italian(ids) == right

# %% [markdown]
# One beam is greedy decoding, and the second beam finds the right sentence. This is what the two beams weighed up. At each step
# the best four candidates are drawn, and the best two of them go on:

# %% jupyter={"source_hidden": true}
tree = beam_candidates(step, start([duck]), limit=12, beams=2)
complete = [i for i, node in enumerate(tree) if node.word == EOS and node.kept]
best = max(complete, key=lambda i: tree[i].score)
columns = [node.parent for node in tree], [italian.words[node.word] for node in tree]
beam_tree(
    *columns,
    [math.exp(node.score) for node in tree],
    [node.kept for node in tree],
    best,
)
# no line runs through a word
plt.setp(plt.gca().texts, bbox={"color": "white", "pad": 0.3})
plt.show()
path = [best]
while tree[path[0]].parent is not None:
    path.insert(0, tree[path[0]].parent)
assert " ".join(italian.words[tree[i].word] for i in path[1:-1]) == right
# una after un'
assert tree[path[5]].score < max(node.score for node in tree if node.parent == path[4])
assert tree[path[6]].score == max(
    node.score for node in tree if italian.words[node.word] == "grande"
)

# %% [markdown]
# Thick: the answer. Dotted: dropped. The number under a word is the probability of the whole beginning (2e-04 means 0.0002). At
# the fifth word *un'* leads, but *una* stays alive; one word later it leads. Where the model is sure, as for the first three
# words, the second beam is spent on a beginning that has no chance.
#
# The tree once more, word by word: go on with the button and see which beginnings are dropped, and when the later
# winner takes the lead.

# %% jupyter={"source_hidden": true}
from lib.widgets import widget

widget("beams")

# %% [markdown]
# ## From one sentence to a batch
# The lists do what they should, and they are slow: every beginning of every sentence is a forward pass of its own, and all
# 2,163 candidates of each are made and sorted in Python. A batch does all beginnings of all sentences in one forward pass.
# Nothing new is decided; only the bookkeeping changes. The tensors have the axes (sentence, beam), and each step of the list
# has its counterpart:
#
# | with lists | with tensors |
# |---|---|
# | continue every beginning, sort | `beam_step`: add, and take the best of a long row |
# | new list `[*ids, word]` | the ids of the beginning that it came from, and one column more |
# | put complete ones aside, find the best | `Finished` |
# | go on from the chosen beginnings | `reorder`: what the decoder remembers follows |
#
# **beam_step.** For each sentence, `scores` (beam,) and `log_probs` (beam, vocab) are added, which gives all candidates as a
# table (beam, vocab). Its rows are laid out one after the other, and `topk` takes the best of this long row. **A worked
# number.** With 2 beams and 5 words the row has 10 places. Place 7 lies in beam 7 // 5 = 1, and it is word 7 % 5 = 2.
#
# ## Exercise 10.4 · beam_step
# Continue every beginning with every word, and keep the best: `scores` (sentence, beam) plus `log_probs` (sentence, beam,
# vocab). Returns scores, beams, words, (sentence, keep) each, best first. Difficulty ●●○ · 10 minutes.
#
# <details><summary>topk gives places in a long row</summary>See the worked number: the beam is the place divided by the size of the
# vocabulary, the word is the remainder.</details>
# <details><summary>"selected index k out of range"</summary>There may be fewer candidates than <code>keep</code>: take
# <code>min(keep, ...)</code>.</details>


# %% exercise="beam_step" difficulty=2 minutes=10
def beam_step(scores, log_probs, keep):
    """Continue every beginning with every word; keep the best.

    scores: (sentence, beam), the log-probability of each beginning
    log_probs: (sentence, beam, vocab)
    keep: so many for each sentence, all of them where there are fewer
    Returns, best first, (sentence, keep) each: the new scores, the beam that each goes
    on from, and its new word (both int64).
    """
    ### BEGIN SOLUTION
    together = (scores[:, :, None] + log_probs).flatten(1)
    best, places = together.topk(min(keep, together.shape[1]))
    return best, places // log_probs.shape[-1], places % log_probs.shape[-1]
    ### END SOLUTION


# %% check="beam_step"
from lib.checks import check

beam_step = check("beam_step")

# %%
scores, beams, words = beam_step(first[None], second[None], 2)  # the table from above
assert torch.allclose(scores.exp(), torch.tensor([[0.36, 0.30]]))
assert beams.tolist() == [[1, 0]] and words[0, 0] == 0  # B u, and something after A

# %% [markdown]
# **reorder.** The decoder remembers something for each row: the words that it has written, the memory, later a cache. When a
# beginning is dropped, its row must go; when two survivors come from one beginning, its row is needed twice. So after each step
# row i of the new state is a copy of some row of the old one. The rows of a sentence's beams stand together: **beam b of
# sentence s is row s · width + b**, where `width` is the number of beams that each sentence has now. With two beams, beam 1 of
# sentence 3 is row 3 · 2 + 1 = 7. If row 0 goes on twice and row 1 is dropped, `rows` is (0, 0).
#
# ## Exercise 10.5 · reorder
# Row i of the next step goes on from row `rows[i]`. So must all that the decoder remembers: a tuple of
# any number of tensors (row, ...). There may be more rows than before, fewer or none. Difficulty ●○○ · 4 minutes.
#
# <details><summary>May one row be chosen twice?</summary>Yes, when both survivors come from one beginning. Indexing with a
# tensor of row numbers copies.</details>


# %% exercise="reorder" difficulty=1 minutes=4
def reorder(state, rows):
    """Row i of the new state is row `rows[i]` of the old, in every part; more rows than
    before, fewer or none.

    state: tensors (row, ...), which stay as they are    rows: (new rows,), int64
    Returns a tuple, its numbers to the last digit those of the old state.
    """
    ### BEGIN SOLUTION
    return tuple(part[rows] for part in state)
    ### END SOLUTION


# %% check="reorder"
from lib.checks import check

reorder = check("reorder")

# %% [markdown]
# ## Question 10.3 · chosen_rows
# A batch of three sentences, numbered 0, 1 and 2, with two beams each, so six rows. After this step sentence 1 is done and
# leaves. In sentence 0 both survivors come from beam 1. In sentence 2 the better survivor comes from beam 1, and the other from
# beam 0. Which `rows` does `reorder` get? Give a list. 3 minutes.

# %% question="chosen_rows" difficulty=2 minutes=3
### BEGIN SOLUTION
chosen_rows = [1, 1, 5, 4]
### END SOLUTION

# %% check="chosen_rows"
from lib.checks import check

chosen_rows = check("chosen_rows")

# %% [markdown]
# **Finished** keeps the books for all sentences of the batch: the best complete sentence of each, and how many are complete. It
# is given. `collect(sentences, ids, scores)` gets the numbers of the sentences, (sentence,), all candidates that were kept, ids
# (sentence, kept, position) without `<SOS>`, and their scores (sentence, kept), best first. Of these it takes the complete ones
# among the first `beams`, as the lists did. It returns which of the sentences go on, (sentence,), bool. `result()` gives the best
# of each. One saving was not in the list: it also stops a sentence that nothing can overtake any more.

# %%
finished = Finished(sentences=1, limit=9, beams=2, alpha=1.0)
# (sentence, kept, position): one is complete
ids = torch.tensor([[[7, 8, EOS], [5, 6, 4]]])
# of sentence 0
goes_on = finished.collect(torch.tensor([0]), ids, torch.tensor([[-3.0, -3.3]]))
# -3 over 3 words
assert goes_on.tolist() == [True] and finished.values.tolist() == [-1.0]

# %% [markdown]
# **How many candidates?** From the sorted list we took the best `beams` that do not end. With `topk` we have to say beforehand
# how many we want. Each beginning gives one candidate that ends. So of the best 2 · `beams` at most `width` end, and as width
# is at most `beams`, enough are left. To drop those that end, set their scores to −∞ and take `topk` once more.
#
# Put together, one step with two sentences, two beams and 5 words has these shapes:
#
# | line | shape |
# |---|---|
# | newest ids, flattened, into `step` | (4,) → logits (4, 5) |
# | log-softmax, the rows apart again | (2, 2, 5) |
# | `beam_step` with keep = 4: scores, beam, words | (2, 4) each |
# | ids of the beam that each came from, and the new word | (2, 4, position + 1) |
# | `finished.collect`: which sentences go on | (2,) |
# | of those: best two without `<EOS>` | (going on, 2) |
# | their rows, flattened, into `reorder` | (going on · 2,) |
#
# ## Exercise 10.6 · beam_search
# The beginning and the end are given; write one step. `going` holds the numbers of the sentences that are not done, and it
# shrinks as they leave. Follow the table line by line, or find the same in another way. Difficulty ●●● · 25 minutes.
#
# <details><summary>How do words follow their beams?</summary><code>ids.take_along_dim(beam[:, :, None], dim=1)</code> are the ids of the beginnings,
# (sentence, kept, position); <code>torch.cat</code> adds <code>words[:, :, None]</code>.</details>
# <details><summary>Which row is which?</summary>Row = place of the sentence in <code>going</code> × width + beam, for the sentences <i>before</i> some of them leave:
# <code>torch.arange(len(going))[:, None] * width + beam</code>. At first width is 1.</details>
# <details><summary>How do I drop the ended ones?</summary><code>scores.masked_fill(words == EOS, -math.inf)</code>, and <code>topk</code>
# again, of min(beams, candidates − width).</details>
# <details><summary>The second topk has places, too</summary>They choose among the candidates: <code>take_along_dim</code> for the ids,
# <code>rows.gather(1, best)</code> for the rows.</details>
# <details><summary>A sentence has left, and everything is mixed up</summary>Index scores, words, ids, rows and <code>going</code> with what
# <code>collect</code> returned.</details>


# %% exercise="beam_search" difficulty=3 minutes=25
def beam_search(step, state, limit, beams=4, alpha=1.0, reorder=reorder):
    """Keep the `beams` best beginnings of each sentence; return the best complete one
    by score / length ** alpha.

    step: (ids (row,), state) -> logits (row, vocab), next state, anything
    state: one row a sentence, at first
    limit: write at most so many tokens, <EOS> included
    reorder: (state, rows) -> the state in which row i is row `rows[i]` of the old
    Returns `finished.result()`: ids (sentence, written), <PAD> after <EOS>, and their
    values (sentence,).
    """
    going = torch.arange(len(state[0]))  # the sentences that are not done
    ids, scores = torch.full((len(going), 1, 1), SOS), torch.zeros(len(going), 1)
    finished = Finished(len(going), limit, beams, alpha)
    while len(going):
        ### BEGIN SOLUTION
        width = scores.shape[1]
        logits, state, _ = step(ids[:, :, -1].flatten(), state)
        log_probs = logits.log_softmax(dim=-1).unflatten(0, scores.shape)
        # at most `width` of them end
        scores, beam, words = beam_step(scores, log_probs, 2 * beams)
        ids = torch.cat(
            [ids.take_along_dim(beam[:, :, None], dim=1), words[:, :, None]], dim=-1
        )
        on = finished.collect(going, ids[:, :, 1:], scores)
        rows = torch.arange(len(going))[:, None] * width + beam
        scores, best = (
            scores[on]
            .masked_fill(words[on] == EOS, -math.inf)
            .topk(min(beams, words.shape[1] - width))
        )
        going, ids = going[on], ids[on].take_along_dim(best[:, :, None], dim=1)
        state = reorder(state, rows[on].gather(1, best).flatten())
        ### END SOLUTION
    return finished.result()


# %% check="beam_search"
from lib.checks import check

beam_search = check("beam_search")

# %%
ids, values = beam_search(step, start([duck]), limit=20, beams=2)
print(in_italian(ids[0]))
assert in_italian(ids[0]) == right

# %% [markdown]
# The batch must find what the lists find, sentence by sentence:

# %% tags=["training"]
some = [" ".join(source) for source in sources[:40]]
few = some[:5]
begin = time.process_time()
by_lists = [search_sentence(words_after(sentence), limit=30) for sentence in few]
middle = time.process_time()
ids, values = beam_search(step, start(few), limit=30)
end = time.process_time()
print(f"lists: {middle - begin:.2f} s, as a batch: {end - middle:.2f} s")
for row, value, (words, theirs) in zip(ids.tolist(), values, by_lists, strict=True):
    assert row[: len(words)] == words and abs(value - theirs) < 1e-4
assert middle - begin > 5 * (end - middle)

# %% [markdown]
# The same sentences and the same values, in less than a fifth of the time. One beam is greedy decoding, word for word:

# %%
assert torch.equal(
    beam_search(step, start(some), 30, beams=1)[0],
    greedy_translate(step, start(some), 30),
)

# %% [markdown]
# And a beam as wide as the whole space is an exact search: it finds what trying everything finds. Here is a model with `<EOS>`
# and three words, and all its sentences of at most four tokens:


# %%
def opinionated(ids, state):
    """A model of <EOS> and three words; its logits depend on all words before. <PAD>
    and <SOS> are never said.
    """
    (written,) = state
    written = torch.cat([written, ids[:, None]], dim=1)
    logits = torch.sin(
        (written * torch.arange(2, 2 + written.shape[1])).sum(1, keepdim=True)
        * torch.arange(1, 7)
    )
    logits[:, :EOS] = -math.inf
    return 3 * logits, (written,), None


nothing = (torch.zeros(1, 0, dtype=torch.long),)  # the state before the first word


# %%
def by_force(limit):
    """Every sentence that ends with <EOS>, or is `limit` words long; the best mean log-
    probability.
    """
    found = {}
    for words in product(range(EOS, 6), repeat=limit):
        length = words.index(EOS) + 1 if EOS in words else limit
        state, before, total = nothing, SOS, 0.0
        for word in words[:length]:
            logits, state, _ = opinionated(torch.tensor([before]), state)
            total, before = total + logits.log_softmax(-1)[0, word].item(), word
        found[words[:length]] = total / length
    return max(found, key=found.get), max(found.values()), len(found)


sentence, value, tried = by_force(limit=4)
ids, values = beam_search(opinionated, nothing, limit=4, beams=tried)
print(f"{tried} sentences; the best:", sentence)
assert ids[0].tolist() == list(sentence) and math.isclose(
    values[0], value, rel_tol=1e-4
)

# %% [markdown]
# ## Time to think: what is computed twice?
# `step` runs the decoder over all words again for each new one. But the keys and values of old positions never change, nor do
# those of the memory. `cached_step` of the library computes one position a step, with the cache that notebook 13 opens;
# `reorder_decoding` is your `reorder` for this cache.


# %%
def counting_positions(search):
    """What a search with 4 beams finds, and the positions that go through a feed-
    forward of the decoder meanwhile.
    """
    seen, part = [], translator.decoder.blocks[0].feed_forward
    handle = part.register_forward_hook(
        lambda module, inputs, output: seen.append(output[..., 0].numel())
    )
    found = search()
    handle.remove()
    return sum(seen), found


known = start_decoding(
    translator, *pad_batch([english.encode(sentence.split()) for sentence in some]), 30
)
with_cache = partial(
    beam_search, partial(cached_step, translator), known, 30, 4, 1.0, reorder_decoding
)
slow, expected = counting_positions(partial(beam_search, step, start(some), 30, 4))
fast, found = counting_positions(with_cache)
print(f"positions computed: {slow} without a cache, {fast} with one")
assert torch.equal(found[0], expected[0]) and torch.allclose(
    found[1], expected[1], atol=1e-4
)
assert slow > 4 * fast

# %% [markdown]
# The same sentences with less than a quarter of the positions. The keys and values of the memory are not copied for the beams:
# the four beams of a sentence are four queries of one memory. `translate`, which wrote the greedy sentences above, is this search with
# this cache, in batches of similar length.

# %% [markdown]
# ## Search errors, all of them
# A search made a **search error** when a likelier sentence exists than the one it has found, whichever that is. To count these
# errors one needs the mode of the model, so an exact search. Stahlberg and Byrne ([2019](https://arxiv.org/abs/1908.10090)) did
# this for a real translator. The idea fits into two sentences. Every further word can only make a beginning less likely. So a
# beginning that is less likely than a *complete* sentence which is already known can be dropped for good: nothing that begins
# with it can win.
#
# ## Question 10.4 · rivals
# A search has found a sentence with the probability 0.23. How many *other* sentences can there be, at most, that are likelier
# than this one? 3 minutes.

# %% question="rivals" difficulty=2 minutes=3
### BEGIN SOLUTION
rivals = 3
### END SOLUTION

# %% check="rivals"
from lib.checks import check

rivals = check("rivals")

# %% [markdown]
# The same counting holds for beginnings of one length, since their probabilities sum to at most 1: if a sentence of probability
# p is known, fewer than 1/p beginnings of each length are likelier than p. So a beam search which keeps *every* beginning above
# p, and not a fixed number of them, is exact, and it stays small where the model is sure. For p above 1/2 there is nothing to
# do at all. A large translator may give its answer a probability of 10⁻⁸; then exact search can take very long.
#
# All this holds for the sum of the log-probabilities (α = 0), which is what search errors are counted by. A *mean* can rise while a
# sentence grows, so there a beginning that is behind may still win.
#
# ### Exact search
# The **bound** is the log-probability of a sentence that is known. Each step:
#
# 1. Continue every beginning with every word, as in `beam_step`.
# 2. Look at the likeliest candidate that ends with `<EOS>`. If it is likelier than the bound, it is the best sentence so far, and
#    the bound rises to its log-probability.
# 3. *All* candidates that are likelier than the bound go on, however many these are. (None of them ends: the bound has risen to
#    the likeliest that does. So `step` need not know what follows `<EOS>`.)
#
# When nothing goes on any more, the best sentence so far is the mode. **By hand**, with the table from the beginning: greedy
# decoding has found A u, and the bound is log 0.30.
#
# | step | candidates | complete | bound | go on |
# |---|---|---|---|---|
# | 1 | A 0.6, B 0.4 | – | log 0.30 | A, B |
# | 2 | B u 0.36, A u 0.30, A v 0.30, B v 0.04 | – | log 0.30 | B u |
# | 3 | B u `<EOS>` 0.36 | B u | log 0.36 | – |
#
# ## Exercise 10.7 · exact_search
# The beginning and the end are given; write one step. `ids` (beginning, position) begin with `<SOS>`, `scores` (beginning,) are
# their log-probabilities, and the number of beginnings changes from step to step. The state follows with your `reorder`.
# Difficulty ●●○ · 12 minutes.
#
# <details><summary>Which beginnings and words are they?</summary><code>(candidates > bound).nonzero(as_tuple=True)</code> gives two tensors, the rows
# and the words of all that are likelier.</details>
# <details><summary>A sentence goes on after &lt;EOS&gt;</summary>Let the bound rise <i>before</i> you choose those that go on: then nothing that
# ends is likelier than the bound.</details>
# <details><summary>The search never ends</summary>Are the scores sums of log-probabilities, at most 0? Does the bound rise?</details>


# %% exercise="exact_search" difficulty=2 minutes=12
def exact_search(step, state, bound, limit):
    """The likeliest of all sentences that are likelier than `bound`, for certain.

    step: (ids (row,), state) -> logits (row, vocab), next state, anything; it need not
    know what follows <EOS>
    state: a tuple of tensors, of one row, before the first word
    bound: a log-probability, that of a sentence which is known, say; exactly as likely
    is not likelier (where only rounding decides, either is right)
    limit: a sentence has at most so many tokens, <EOS> included
    Returns its ids, a list with <EOS> at the end, and its log-probability;
    None and `bound` where no sentence is likelier.
    """
    ids, scores = torch.full((1, 1), SOS), torch.zeros(1)
    best = None
    while len(ids) and ids.shape[1] <= limit:
        ### BEGIN SOLUTION
        logits, state, _ = step(ids[:, -1], state)
        candidates = scores[:, None] + logits.log_softmax(dim=-1)  # (beginning, vocab)
        value, row = candidates[:, EOS].max(dim=0)
        if value > bound:
            best, bound = [*ids[row, 1:].tolist(), EOS], value.item()
        # subtle: nothing that ends is likelier than the bound
        rows, words = (candidates > bound).nonzero(as_tuple=True)
        ids = torch.cat([ids[rows], words[:, None]], dim=1)
        scores, state = candidates[rows, words], reorder(state, rows)
        ### END SOLUTION
    return best, bound


# %% check="exact_search"
from lib.checks import check

exact_search = check("exact_search")

# %% [markdown]
# Now all 1,500 sentences. Where greedy decoding has found a sentence of more than one half, this is the mode. For the others we
# also ask what beam search by the sum finds; the likeliest of these is the first bound.

# %% tags=["training"]
# where greedy's sentence has more than one half, no other one can be likelier
best, modes = score(sources, by_greedy), list(by_greedy)
unsure = (best < math.log(0.5)).nonzero().flatten().tolist()
hard, hard_ids = [sources[i] for i in unsure], [source_ids[i] for i in unsure]
likely = {1: best[unsure]}
for beams in (2, 4):  # they look for the largest sum, so alpha = 0
    found = translate(translator, hard_ids, 60, beams=beams, length_penalty=0.0)
    by_beams = [italian.decode(ids) for ids in found]
    likely[beams] = score(hard, by_beams)
    for i, value, words in zip(unsure, likely[beams], by_beams, strict=True):
        if value > best[i]:
            best[i], modes[i] = value, words
print(f"{len(unsure)} of {len(sources)} sentences have at most one half")

# %% tags=["training"]
for i in unsure:
    # what is added up in another order differs a little: 1e-3 counts as equal
    bound = best[i].item() + 1e-3
    ids, value = exact_search(step, start([" ".join(sources[i])]), bound, limit=60)
    if ids is not None:
        best[i], modes[i] = value, italian.decode(ids)
errors = {
    beams: [i for i, value in zip(unsure, found, strict=True) if value < best[i] - 5e-4]
    for beams, found in likely.items()
}
for beams, missed in errors.items():
    print(f"{beams} beam{'s'[: beams > 1]}: {len(missed)} search errors")
model_errors = [i for i, mode in enumerate(modes) if mode != targets[i]]
print(f"{len(model_errors)} sentences whose mode is not the right one")

# %% jupyter={"source_hidden": true}
assert 100 < len(unsure) < 200
assert 2 * len(shown) < len(errors[1]) < 30  # what greedy's mistakes show is a part
assert set(shown) <= set(errors[1])
assert len(errors[4]) <= len(errors[2]) < 0.5 * len(errors[1])
assert 100 < len(model_errors) < 170

# %% [markdown]
# Nothing of up to 60 tokens was left out, so these are *all* search errors. Greedy decoding makes more than twice as many
# as the comparison with the right sentence has shown: in the others the mode is a third sentence. When the course ran this, they
# were 17; two beams left 4 of them, and four beams 2. And the model errors? They are more than a hundred. For so many sentences
# even a perfect search writes something wrong. So what did greedy decoding miss?

# %% tags=["training"]
mended = [i for i in errors[1] if modes[i] == targets[i]]
spoiled = [i for i in errors[1] if by_greedy[i] == targets[i]]
print(f"of {len(errors[1])} search errors of greedy decoding:")
print(f"the mode is the right sentence: {len(mended)}")
print(f"greedy's was right, its mode is wrong: {len(spoiled)}")
for i in spoiled:
    print("  ", *sources[i], "→", *modes[i])

# %% jupyter={"source_hidden": true}
assert 1 <= len(mended) <= 8 and 1 <= len(spoiled) <= 6
assert len(mended) < 0.5 * len(errors[1])

# %% jupyter={"source_hidden": true} tags=["training"]
figure, axes = plt.subplots(figsize=(6.4, 2.2))
for place, missed in enumerate(errors.values()):
    good = sum(modes[i] == targets[i] for i in missed)
    names = ("the mode is right", "the mode is wrong") if place == 0 else (None, None)
    axes.barh(place, good, color="C0", label=names[0])
    axes.barh(
        place, len(missed) - good, left=good, color="C1", hatch="//", label=names[1]
    )
    axes.text(len(missed) + 0.3, place, str(len(missed)), va="center")
axes.set_yticks(range(3), ["greedy", "2 beams", "4 beams"])
axes.invert_yaxis()
axes.set(xlabel="search errors in 1,500 sentences")
axes.legend(fontsize=8)
plt.show()

# %% [markdown]
# Each bar counts the sentences whose mode was missed. In its plain part the mode is the right sentence, so the search error cost
# a right translation. In its hatched part the mode is wrong as well, and finding it would not have helped. This is the larger
# part by far. A search error can even be luck: the sentences in the list above were translated rightly by greedy decoding, and
# the mode, printed behind the arrow, is wrong. What a better search can mend here is a handful of sentences in 1,500.
#
# ### The empty sentence
# For real translators the result is worse. For more than half of the test sentences of WMT15, English to German, the likeliest
# sentence of Stahlberg and Byrne's Transformer was the **empty** one, `<EOS>` at once. And beam search missed the mode for most
# sentences, even with 100 beams: fortunately. How can that be? A long translation is a product of many numbers below 1, and
# there are very many good ones which share the probability. The empty one is a single decision. If its probability is only
# 10⁻⁶, and a good translation of 30 tokens gets 0.6 a token, the good one has 0.6³⁰ = 2 · 10⁻⁷. And our model?

# %%
empty = score(sources, [[]] * len(sources))
print(
    f"the empty sentence: {empty.mean():.1f} nats on average, at most {empty.max():.1f}"
)
print(f"the likeliest one: {best.mean():.2f} nats on average")
print(f"it is the likeliest of all for {(empty > best - 1e-3).sum()} of {len(empty)}")
assert 2e-7 < 0.6**30 < 2.3e-7
assert not (empty > best - 1e-3).any() and empty.mean() < -10 < -1 < best.mean()

# %% [markdown]
# For none of them, and by far. One difference from a real translator: our sentences come from a grammar, and most of them have one
# right translation, so hardly anything has to be shared. In real data there are many translations for a sentence, copies of the
# source, and pairs that do not belong together.
#
# ## Question 10.5 · counted_errors
# Six sentences: the log-probabilities of what a search wrote, of the right sentence, and of the likeliest sentence.
#
# | | written | right | likeliest |
# |---|---|---|---|
# | a | −2.1, it is the right one | −2.1 | −2.1, the right one |
# | b | −3.0, something wrong | −2.6 | −2.6, the right one |
# | c | −2.4, something wrong | −4.0 | −2.4, what was written |
# | d | −5.2, something wrong | −6.0 | −3.9, the empty one |
# | e | −1.8, it is the right one | −1.8 | −1.7, something wrong |
# | f | −2.2, something wrong | −7.0 | −2.2, what was written |
#
# Give three numbers as a tuple: the search errors; the model errors (the likeliest sentence is not the right one); and the
# search errors that one can see by comparing with the right sentence alone. 4 minutes.

# %% question="counted_errors" difficulty=2 minutes=4
### BEGIN SOLUTION
counted_errors = 3, 4, 1
### END SOLUTION

# %% check="counted_errors"
from lib.checks import check

counted_errors = check("counted_errors")

# %% [markdown]
# ## How good is it? BLEU
# "Equal to the right sentence or not" is a harsh measure: one wrong ending in twenty words counts as much as nonsense. And a
# person would have translated some sentences in another way. **BLEU** (*bilingual evaluation understudy*, Papineni et al.
# [2002](https://aclanthology.org/P02-1040/)) counts how many runs of 1, 2, 3 and 4 tokens, **n-grams**, of what was written
# stand in the right sentence, the **reference**, too. What was written is called the **hypothesis** here (Papineni et al. say
# candidate). By hand:
#
# | reference | the cat sat on the mat today | |
# |---|---|---|
# | hypothesis | the cat sat on a mat | |
# | 1-grams | the, cat, sat, on, mat | 5 of 6 |
# | 2-grams | the cat, cat sat, sat on | 3 of 5 |
# | 3-grams | the cat sat, cat sat on | 2 of 4 |
# | 4-grams | the cat sat on | 1 of 3 |
#
# Each line is a **precision**, p_n = hits / tries: the share of what was written that is right. Single words say whether the
# right words are there, long runs say whether their order is right. One thing must be prevented: *the the the the* has only
# words that stand in the reference. So an n-gram counts at most as often as the reference has it, here twice: 2 of 4. These are
# **clipped counts**, and p_n is called *modified* n-gram precision.
#
# Hits and tries are summed over **all sentences of the corpus**, and divided once. A short sentence often has no 4-gram at all,
# and its own quotient would be 0 / 0 or 0.
#
# ## Exercise 10.8 · clipped_matches
# Count runs of n tokens over all sentence pairs: hits, tries. A run counts at most as often
# as the right sentence has it. `ngrams(sentence, n)` gives a Counter. Difficulty ●●○ · 8 minutes.
#
# <details><summary>The smaller of two Counters?</summary><code>a & b</code> keeps the smaller count of each key;
# <code>.total()</code> sums the counts.</details>


# %% exercise="clipped_matches" difficulty=2 minutes=8
def clipped_matches(written, right, n):
    """How many runs of n tokens were written in all, and how many of them stand in the
    right sentence.

    written, right: equally many sentences, at least one; the i-th is compared with the
    i-th. A sentence is a list of tokens, strings or ids, which are compared with == as
    they are: The is not the, and a token may hold a blank.

    Returns (hits, tries), summed over all sentences; a run is a hit at most as often as
    the right sentence has it. (0, 0) where nothing is n tokens long.
    """
    ### BEGIN SOLUTION
    hits = tries = 0
    for mine, theirs in zip(written, right, strict=True):
        found = ngrams(mine, n)
        # & takes the smaller count of each run
        hits += (found & ngrams(theirs, n)).total()
        tries += found.total()
    return hits, tries
    ### END SOLUTION


# %% check="clipped_matches"
from lib.checks import check

clipped_matches = check("clipped_matches")

# %%
reference, hypothesis = (
    ["the", "cat", "sat", "on", "the", "mat", "today"],
    ["the", "cat", "sat", "on", "a", "mat"],
)
assert [clipped_matches([hypothesis], [reference], n) for n in (1, 2, 3, 4)] == [
    (5, 6),
    (3, 5),
    (2, 4),
    (1, 3),
]
assert clipped_matches([["the"] * 4], [reference], 1) == (2, 4)  # two of them, no more

# %% [markdown]
# ### The brevity penalty
# A precision asks only whether what was written is right, not whether anything is missing. A translator that writes *the cat*
# and stops has p₁ = p₂ = 1. The **brevity penalty** BP is the price for being short. Let c be the number of tokens that were
# written in the whole corpus, and r the number of tokens in the references:
#
# $$\mathrm{BP} = \begin{cases} 1 & c > r \\ e^{\,1 - r/c} & c \le r \end{cases} \qquad\qquad
# \mathrm{BLEU} = 100 \cdot \mathrm{BP} \cdot \left(p_1\, p_2\, p_3\, p_4\right)^{1/4}$$
#
# The four precisions are combined by their **geometric mean**, the fourth root of the product: they fall quickly with n, and
# with an arithmetic mean p₁ alone would decide. If one of them is 0, BLEU is 0. There is no price for being too long: whoever
# writes too much lowers the precisions.
#
# **A worked number.** The hypothesis above has c = 6 tokens, the reference r = 7: BP = e^(1 − 7/6) = e^(−0.167) = 0.846. The
# precisions: 5/6 · 3/5 · 2/4 · 1/3 = 0.0833, and its fourth root is 0.537. BLEU = 100 · 0.846 · 0.537 = **45.5**. (Papineni et
# al. had several references for each sentence. Then a run is clipped by its largest count in any of them, and r adds up the
# lengths of the references that come closest.)
#
# ## Exercise 10.9 · bleu
# 100 × the geometric mean of the four precisions × the brevity penalty, to nine digits.
# 0 where one of the four has no hit. Counts are summed over the corpus first. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Geometric mean?</summary>Multiply the four, take the fourth root: to the power of 1 /
# <code>LONGEST</code>.</details>
# <details><summary>ZeroDivisionError</summary>Nothing is four tokens long: then there is no hit, and BLEU is 0. Ask before
# you divide.</details>


# %% exercise="bleu" difficulty=2 minutes=8
def bleu(written, right):
    """Corpus BLEU with one reference each, 0 to 100, unsmoothed (Papineni et al. 2002).

    written, right: equally many sentences, lists of tokens, which are compared as they
    are. LONGEST is 4. Raises ValueError where the numbers of sentences differ, or where
    there are none: `same_number` does it.
    """
    same_number(written, right)
    ### BEGIN SOLUTION
    counts = [clipped_matches(written, right, n) for n in range(1, LONGEST + 1)]
    if any(hits == 0 for hits, _ in counts):
        return 0.0
    precision = math.prod(hits / tries for hits, tries in counts) ** (1 / LONGEST)
    length, wanted = sum(map(len, written)), sum(map(len, right))
    brevity = min(1.0, math.exp(1 - wanted / length))
    return 100 * precision * brevity
    ### END SOLUTION


# %% check="bleu"
from lib.checks import check

bleu = check("bleu")

# %%
precisions = 5 / 6 * 3 / 5 * 2 / 4 * 1 / 3
by_hand = 100 * precisions**0.25 * math.exp(1 - 7 / 6)
print(f"{bleu([hypothesis], [reference]):.3f}")
assert math.isclose(bleu([hypothesis], [reference]), by_hand)
assert abs(by_hand - 45.5) < 0.1 and round(math.exp(1 - 7 / 6), 3) == 0.846
assert round(precisions, 4) == 0.0833 and round(precisions**0.25, 3) == 0.537
dice = random.Random(10)
# sacrebleu 2.6.0, without tokenizer and smoothing
for theirs in (55.5935870024, 55.5292224237, 60.7154250661):
    references = [
        [dice.choice("abcde") for _ in range(dice.randrange(4, 12))] for _ in range(20)
    ]
    hypotheses = [
        [word if dice.random() < 0.8 else "?" for word in s if dice.random() < 0.95]
        for s in references
    ]
    assert math.isclose(bleu(hypotheses, references), theirs, rel_tol=1e-9)

# %% [markdown]
# ## Question 10.6 · quarter_missing
# A translator writes every sentence of a corpus without an error, but it stops after three quarters of the words. All sentences
# are long. What is its BLEU? Three digits are enough. 3 minutes.

# %% question="quarter_missing" difficulty=1 minutes=3
### BEGIN SOLUTION
quarter_missing = 100 * math.exp(1 - 4 / 3)
### END SOLUTION

# %% check="quarter_missing"
from lib.checks import check

quarter_missing = check("quarter_missing")

# %% [markdown]
# ### Two numbers that look alike
# BLEU counts tokens. So it depends on what a token is:

# %%
cut = {
    "our tokens": list,
    "the text, split at spaces": lambda words: join(words).split(),
    "characters": lambda words: list(join(words)),
}
by_cut = {
    name: bleu([way(s) for s in by_greedy], [way(t) for t in targets])
    for name, way in cut.items()
}
for name, found in by_cut.items():
    print(f"{name:26} BLEU {found:.1f}")
assert 1 < by_cut["characters"] - by_cut["our tokens"] < 3

# %% [markdown]
# They are the same translations, and two of these numbers lie about two points apart: among characters, a wrong ending spoils few
# n-grams. Post ([2018](https://arxiv.org/abs/1804.08771)) found that papers cut their text in different ways, and that the
# scores of one system differed by up to 1.8 BLEU between ways in common use. A paper that gains as much reports it as progress. His **sacreBLEU** therefore takes plain, **detokenised** text, as a person
# would read it, splits it into tokens itself, always in the same way, and prints a signature which says how. Papers report this
# number today. With its own splitting and smoothing switched off, it says the same as your function on random corpora, to nine
# digits: that was the comparison above. Our scores come from our own tokens, so compare them with each other, and not with a
# paper.
#
# BLEU does not know what words mean, either. *Un' grande anatra* and *due grande anatra* cost the same:

# %%
for said in ("un'", "due"):
    print(f"{said:4} {bleu([right.replace('una', said).split()], [right.split()]):.3f}")
assert (
    len(
        {
            bleu([right.replace("una", said).split()], [right.split()])
            for said in ("un'", "due")
        }
    )
    == 1
)

# %% [markdown]
# ## On real text
# A program of the course wrote our sentences, so what follows holds for a small and regular language; what large translators do
# stands beside it. We take 250 sentences that are **longer** than any in training, where the model is unsure and search has
# something to do, and 1, 2, 4, 8 and 16 beams. The mean of the words decides (α = 1).
#
# > **Predict.** 16 beams against 1: how much better, how much slower?

# %% tags=["training"]
long_pairs = [pair.words() for pair in load_pairs("lengths")[::2]]
long_sources, long_targets = (
    [source for source, _ in long_pairs],
    [target for _, target in long_pairs],
)
long_ids, results = [english.encode(source) for source in long_sources], {}
for beams in (1, 2, 4, 8, 16):
    begin = time.process_time()
    by_beams = [
        italian.decode(ids) for ids in translate(translator, long_ids, 60, beams=beams)
    ]
    seconds = time.process_time() - begin
    likely = score(long_sources, by_beams).mean().item()
    results[beams] = bleu(by_beams, long_targets), likely, seconds, by_beams
    print(
        f"{beams:2} beams: BLEU {results[beams][0]:.1f}, log-probability {likely:.2f}, "
        f"{seconds:.1f} s"
    )

# %% jupyter={"source_hidden": true} tags=["training"]
figure, panels = plt.subplots(1, 3, figsize=(8.4, 2.8))
names, limits = ("BLEU", "mean log-probability", "processor seconds"), (100, None, None)
for axes, column, label, top in zip(panels, range(3), names, limits, strict=True):
    shown_values = [found[column] for found in results.values()]
    axes.bar([str(beams) for beams in results], shown_values, color="C0", width=0.6)
    for place, value in enumerate(shown_values):
        text, gap = f"{value:.1f}", (0, 2 if value > 0 else -9)
        axes.annotate(
            text, (place, value), gap, textcoords="offset points", ha="center", size=8
        )
    axes.set(xlabel="beams", ylabel=label)
    low, high = axes.get_ylim()
    axes.set_ylim(1.15 * low, top or 1.12 * high)
plt.show()

# %% jupyter={"source_hidden": true}
scores, likely, seconds, _ = zip(*results.values(), strict=True)
assert len(long_pairs) == 250
assert min(map(len, long_sources)) > max(
    len(pair.words()[0]) for pair in load_pairs("train")
)
# the second beam helps, the others hardly
assert scores[1] > scores[0] + 2 and max(scores[1:]) < scores[1] + 1.5
assert min(scores[1:]) > scores[1] - 1  # and do no harm
# what is searched for does get better
assert likely[1] > likely[0] + 1 and likely[4] > likely[1] + 0.3
assert seconds[4] > 4 * seconds[0]

# %% [markdown]
# All axes begin at 0. The second beam is worth more than two BLEU points. With all the others BLEU stays within 1.5 points of what
# two beams reach (when the course ran this, it fell by 0.6). Yet the log-probability goes on rising: the search finds better and better what it looks for, but a likelier sentence is no
# longer a better one. Sixteen beams take more than four times as long as greedy decoding. (Sutskever et al.
# [2014](https://arxiv.org/abs/1409.3215) saw the same with their LSTM: a beam of two gave most of the gain.)
#
# ### Why do large beams help so little?
# - **The mistakes are the model's.** For most of the test sentences that greedy decoding gets wrong, the mode is wrong as well.
#   A better search finds that wrong sentence more reliably.
# - **The mode is short.** Where a model is unsure at each word, every further word costs, and by the sum the likeliest sentences
#   are those that stop too early, in the extreme case the empty one. A narrow beam does not see them: `<EOS>` as the first word is not
#   among its best few. So a narrow beam hides a fault of the model.
# - **Beams resemble each other.** A sentence that was uncertain in one place fills many beams with variants of itself, which
#   differ in a word or two.
#
# Koehn and Knowles ([2017](https://arxiv.org/abs/1706.03872)) named this among the six challenges of neural translation: beyond
# an optimum, which lay between 4 and about 30 beams for their language pairs, translations became *worse* with more beams,
# mainly because they became shorter. Dividing by the length softened it. It has been called the **beam search curse** (Yang et
# al. [2018](https://arxiv.org/abs/1808.09582)). With the mean, our model shows hardly anything of it up to 16 beams; with the
# sum, see below.
#
# On sentences of the usual length (500 of those from above) greedy decoding is nearly perfect here, so four beams change
# hardly anything:

# %% tags=["training"]
by_four = [
    italian.decode(ids) for ids in translate(translator, source_ids[:500], 60, beams=4)
]
of_greedy, of_four = (bleu(said, targets[:500]) for said in (by_greedy[:500], by_four))
print(f"greedy: BLEU {of_greedy:.1f}; four beams: BLEU {of_four:.1f}")

# %% jupyter={"source_hidden": true}
assert abs(of_four - of_greedy) < 1 and of_greedy > 94

# %% [markdown]
# Less than one point. What is left to gain lies in the model.
#
# ## What breaks
# ### The length
# Leave out the length: α = 0 compares sums, and every word costs. Or divide by too much: α = 3.

# %% tags=["training"]
by_alpha = {(1.0, 8): results[8][3]}
for alpha, beams in ((0.0, 2), (0.0, 8), (3.0, 8)):
    found = translate(translator, long_ids, 60, beams, length_penalty=alpha)
    by_alpha[alpha, beams] = [italian.decode(ids) for ids in found]
lengths, scores = {}, {}
for (alpha, beams), said in sorted(by_alpha.items()):
    lengths[alpha, beams] = sum(map(len, said)) / len(said)
    scores[alpha, beams] = bleu(said, long_targets)
    print(
        f"alpha {alpha:.0f}, {beams} beams: {lengths[alpha, beams]:.1f} words a "
        f"sentence, BLEU {scores[alpha, beams]:.1f}"
    )
wanted = sum(map(len, long_targets)) / len(long_targets)
print(f"right: {wanted:.1f} words")

# %% jupyter={"source_hidden": true}
assert lengths[0.0, 8] < lengths[1.0, 8] < lengths[3.0, 8]
assert lengths[0.0, 8] < wanted < lengths[3.0, 8]
assert scores[1.0, 8] > max(scores[0.0, 8], scores[3.0, 8])
assert lengths[0.0, 8] < lengths[0.0, 2] - 0.3
assert scores[0.0, 8] < scores[0.0, 2] + 0.5  # no better for all its beams

# %% [markdown]
# With eight beams, sums make the sentences too short, and α = 3 makes them too long; both cost BLEU. The mean is the best of
# the three, though its sentences are still shorter than the right ones. Compare the two lines of the sums: with eight beams instead
# of two the search finds likelier sentences. They are shorter, by more than a word when the course ran this, and no better. This
# is the curse in small.
#
# ### The cache
# > **Predict.** Let the words follow the beams, but not the cache: every row keeps what *its* old beam has seen. What happens to BLEU?


# %%
def forgets_to_follow(state, rows):
    """Only the number of rows is right: the n-th beam of a sentence keeps the cache of
    the n-th beam before.
    """
    stays = torch.arange(len(rows)) if len(rows) == len(state.sentences) else rows
    return reorder_decoding(state, stays)


# %% tags=["training"]
damage, (source, mask) = {}, pad_batch(long_ids[:100])
for name, following in (("follows", reorder_decoding), ("forgets", forgets_to_follow)):
    state = start_decoding(translator, source, mask, 60)
    ids, values = beam_search(
        partial(cached_step, translator), state, 60, 4, 1.0, following
    )
    said = [italian.decode(row) for row in ids]
    claimed, real = values * (ids != PAD).sum(dim=1), score(long_sources[:100], said)
    ended = (ids == EOS).any(dim=1)  # not cut off at the limit
    untrue = (ended & ((claimed - real).abs() > 0.01)).sum().item()
    damage[name] = bleu(said, long_targets[:100]), untrue
    print(
        f"the cache {name}: BLEU {damage[name][0]:.1f}, "
        f"{untrue} of 100 values are untrue"
    )

# %% jupyter={"source_hidden": true}
assert damage["follows"][1] == 0 and damage["forgets"][1] > 10
assert -1 < damage["follows"][0] - damage["forgets"][0] < 4

# %% [markdown]
# No error is raised, the shapes are right, and BLEU moves by less than four points: the classic bug of beam search, and one
# that lives long. But the search now claims values that are not true. Compute them again with `score`, or compare with a
# search without a cache: only a test finds it.
#
# ## In other words
# - **Decoding**: making a sequence out of a model's probabilities. **Greedy decoding**: the likeliest token each time.
# - **Hypothesis**, partial hypothesis: a beginning; also what a system wrote, when it is scored. **Beam search**; **beam
#   width**, beam size (k, B): how many beginnings are kept.
# - **Mode**: the likeliest sequence, ŷ = argmax P(y | x). **MAP decoding**: looking for it. **Exact** search finds it for
#   certain, **heuristic** search may not.
# - **Search error**: a likelier sequence than the one found exists. **Model error**: the likeliest sequence is not the right one.
# - **Length bias**: sums of log-probabilities favour short sequences. **Length normalisation**, length penalty (lp, α): what
#   divides the sum.
# - **Beam search curse**: more beams, worse translations.
# - **BLEU**: **n-gram** precisions (p_n) with **clipped counts**, their geometric mean, and the **brevity penalty** (BP, c, r)
#   against a **reference**.
# - **Detokenised** text: as a person reads it, before any tokenizer. **sacreBLEU**: BLEU with the splitting fixed.
#
# ## Where it comes from
# - Beam search is older than neural networks: the speech recogniser Harpy (Lowerre 1976) kept a beam of likely paths. Sutskever
#   et al. [2014](https://arxiv.org/abs/1409.3215) used it for one of the first encoder-decoders, Bahdanau et al.
#   [2015](https://arxiv.org/abs/1409.0473) and the Transformer ([2017](https://arxiv.org/abs/1706.03762), four beams, α = 0.6)
#   as well.
# - Length normalisation as most systems have it: Wu et al. [2016](https://arxiv.org/abs/1609.08144), who report that with
#   length^α an α of 0.6 to 0.7 was usually best. The length bias and its repair: Murray and Chiang
#   [2018](https://arxiv.org/abs/1808.10006). The curse: Koehn and Knowles [2017](https://arxiv.org/abs/1706.03872), Yang et al.
#   [2018](https://arxiv.org/abs/1808.09582). Ott et al. [2018](https://arxiv.org/abs/1803.00047) trace a part of it to copies
#   of the source in the training data.
# - Search errors counted exactly: Stahlberg and Byrne [2019](https://arxiv.org/abs/1908.10090). Why beam search is good
#   *although* it misses the mode: Meister et al. [2020](https://arxiv.org/abs/2010.02650). That the mode may be the wrong thing
#   to look for at all: Eikema and Aziz [2020](https://arxiv.org/abs/2005.10283), who choose among samples the one that is most
#   like all others (**minimum Bayes risk** decoding).
# - BLEU: Papineni et al. [2002](https://aclanthology.org/P02-1040/), who found that it ranked five systems, two of them people,
#   much as human judges did. Reporting it: Post [2018](https://arxiv.org/abs/1804.08771). Since then learned measures that
#   compare meanings agree with people more often (Kocmi et al. [2021](https://arxiv.org/abs/2107.10821)); BLEU is still printed
#   beside them.
# - What has changed: translators and recognisers of speech still use beams. Models that chat or tell stories sample instead
#   (notebook 12), because there is no one right answer to look for.
#
# ## What to remember
# - Greedy decoding cannot step back. Beams keep several beginnings; what the decoder remembers must follow them.
# - A search error is a likelier sentence that was missed; a model error is a likeliest sentence that is wrong. More beams mend
#   only the former, and here the second beam mended most.
# - Complete sentences are compared by a score that knows their length. BLEU: clipped n-grams, and a price for being short. It
#   counts tokens, not sense.
#
# **Next**: [11 · GPT](11_gpt.ipynb): what remains of the Transformer when there is nothing to translate?
