# %% [markdown]
# # 8 · Tokens
# After this notebook you can turn any text into numbers and back with the method of GPT-2, from the pattern that cuts a
# text into words to the last merge; get the same ids as OpenAI's own program; and say what a tokenizer does to spaces,
# numbers, spelling and other languages.
#
# You need: dictionaries, lists and strings; the table of word vectors (02). You build: byte pair encoding, from counting to
# decoding, GPT-2's pattern, special tokens. 150 minutes.

# %%
import json
import re
from collections import Counter
from itertools import pairwise

import matplotlib.pyplot as plt
import regex

from lib.corpora import files
from lib.corpora.italian import load_pairs
from lib.corpora.stories import load_stories
from lib.figures import style, transformer_map
from lib.tokenizer import Tokenizer, load_gpt2, pre_tokens, train_tokenizer

style()

# %%
stories = load_stories()
known, unseen = stories[:1000], stories[7000:7300]
english = [pair.english for pair in load_pairs("test")[:1000]]
italian = [pair.italian for pair in load_pairs("test")[:1000]]

# %% [markdown]
# ## The question
# A model computes with numbers, so a text must become a list of numbers first. Each piece of the text that gets a number of
# its own is a **token**, the number is its **id**, the list of all tokens is the **vocabulary**, and the program that cuts
# is the **tokenizer**. Which pieces should we take?
#
# The translator of notebook 03 took **words**. It knew a list of them; any other word became `<UNK>`, "unknown". Here is
# the list of all words in 1,000 stories. How many words of other texts are not on it? (Such words are called **out of
# vocabulary**, OOV.)

# %%
words_of = re.compile(r"\w+|[^\w\s]").findall
listed = set(words_of(" ".join(known)))
texts = {"other stories": unseen, "other English": english, "Italian": italian}
unknown = {}
for name, sentences in texts.items():
    words = words_of(" ".join(sentences))
    unknown[name] = sum(word not in listed for word in words) / len(words)
    print(f"{name:14} {unknown[name]:6.1%} <UNK>")

# %% jupyter={"source_hidden": true}
assert unknown["other stories"] < 0.01 and unknown["Italian"] > 0.8
assert 1 / 6 < unknown["other English"] < 0.2 and len(listed) == 2_430

# %% [markdown]
# A list of words works for texts like those it was made of. (All texts in this table were written by small programs of the
# course, so they use few words. Texts that people write use many more; they stand further below.) Another kind of English
# loses more than one word in six, and Italian loses most of its words. A longer list does not end the trouble, for new
# words never end: names, numbers, typing errors, code. And *warm*, *warmer* and *warmth* would be three rows of the table
# with nothing in common.
#
# The other extreme is **characters**. There are far fewer of them than words, and with enough of them no word is unknown.
# But a text becomes long: an English word has four to five letters and a space. Self-attention compares all positions with
# all (notebook 04), so a list that is n times as long has n² times as many scores: five times as many positions, 25 times
# as many scores. And the model must first learn that *c*, *a*, *t* belong together.
#
# | | vocabulary | length of a text | unknown |
# |---|---|---|---|
# | words | very large | short | yes, always some |
# | characters | small | long | few |
# | ? | chosen by us | in between | none |
#
# We look for the third row: **subword tokens**, where frequent words are whole and rare ones are made of pieces. The
# tokenizer that you will build is the one of GPT-2, a language model that OpenAI published in 2019. (A **language model**
# goes on with a text; notebook 11 builds this one.) The models after it cut their texts in nearly the same way.

# %% [markdown]
# ## By hand
# **Byte pair encoding** (BPE; Gage 1994, to compress files) has one idea: **give the most frequent pair of neighbours a new
# sign**, and again, and again.
#
# | text | most frequent pair | new sign |
# |---|---|---|
# | `aaabdaaabac` | aa, 4 times (aaa has it twice) | Z = aa |
# | `ZabdZabac` | ab, 2 times (Za too) | Y = ab |
# | `ZYdZYac` | ZY, 2 times | X = ZY |
# | `XdXac` | none occurs twice | |
#
# Eleven signs became five. The list of the new signs, undone from X back to Z, gives the text again: nothing is lost.
#
# Sennrich et al. [2016](https://arxiv.org/abs/1508.07909) used the same idea for another purpose: not to make one text
# short, but to find the pieces that words are made of. The example in their code is a text with four words: *low* occurs 5
# times, *lower* 2 times, *newest* 6 times, *widest* 3 times. (They also mark the end of each word; we leave that out.)
# Pairs are counted inside the words, and a word that occurs 6 times brings each of its pairs 6 times:
#
# | pair | where | count |
# |---|---|---|
# | e s | new**es**t 6, wid**es**t 3 | **9** |
# | s t | newe**st** 6, wide**st** 3 | **9** |
# | w e | lo**we**r 2, ne**we**st 6 | 8 |
# | l o | **lo**w 5, **lo**wer 2 | 7 |
# | o w | l**ow** 5, l**ow**er 2 | 7 |
# | n e, e w | newest | 6 each |
# | w i, i d, d e | widest | 3 each |
# | e r | lower | 2 |
#
# Two pairs have 9. We need a rule for equal counts: take the pair that comes first in the alphabet, so e s. The first
# **merge** is es. Now *newest* is n e w es t, and we count again: (es, t) has 9 and wins. The second merge is est. Then l o
# (7 times; o w has 7 as well) gives lo, and (lo, w) gives low. Now n e, e w and (w, est) have 6 each; e w comes first. So
# the first five merges are
#
# **es, est, lo, low, ew.**
#
# Two of them look as if somebody had told the program about English: *low* is a word, and *est* is an ending. It knows
# nothing but counts. Now take a word that is not in the text, *lowest*. Do the merges in their order: l o w es t, l o w
# est, lo w est, low est. It becomes **low · est**: a model knows both pieces from other words.

# %% [markdown]
# ## The picture
# What happens to a text on its way into the model:

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(9.2, 4.6), width_ratios=(1.7, 1))
axes, grey = panels[0], "#555555"
steps = [
    ("cut out special tokens", "The caffè.<EOS>", "text, 15 characters"),
    (
        "cut into words: the pattern",
        "[The caffè.] [<EOS>]",
        "pieces, here 2, one of them special",
    ),
    ("write as bytes: UTF-8", "[The] [␣caffè] [.]", "pre-tokens, here 3"),
    (
        "merge pairs, the oldest merge first",
        "84 104 101 | 32 99 97 102 102 195 168 | 46",
        "bytes (n_bytes,), here 11",
    ),
    ("table of vectors (02)", "ids of The, ␣ca, ff, è, ., <EOS>", "ids (position,)"),
]
for level, (box, example, shape) in enumerate(steps):
    y = 5 - 1.25 * level
    axes.annotate("", (1.9, y), (1.9, y + 0.68), arrowprops={"arrowstyle": "->"})
    axes.text(2.05, y + 0.45, example, va="center", fontsize=8)
    axes.text(2.05, y + 0.17, shape, va="center", fontsize=7, color=grey)
    face = "#cfe0fc" if level < 4 else "#f2f2f2"
    axes.add_patch(plt.Rectangle((0, y - 0.57), 3.8, 0.57, fc=face, ec="black"))
    axes.text(1.9, y - 0.29, box, ha="center", va="center", fontsize=8)
axes.annotate("", (1.9, -1.15), (1.9, -0.57), arrowprops={"arrowstyle": "->"})
axes.text(2.05, -0.85, "(position, d_model)", va="center", fontsize=7, color=grey)
axes.set(xlim=(-0.1, 5.6), ylim=(-1.3, 5.8))
axes.axis("off")
transformer_map(panels[1], numbers=False, lit=("tokens", "tokens, shifted right"))
plt.show()
assert len("The caffè.<EOS>") == 15 and len("The caffè.".encode()) == 11
assert list("The caffè.".encode())[3:10] == [32, 99, 97, 102, 102, 195, 168]

# %% [markdown]
# Read the left side from top to bottom; on each arrow stands an example, and below it in grey what it is and its shape. The
# four blue steps are today's. (Into which tokens `␣caffè` is cut depends on the vocabulary.) On the right is the whole
# Transformer; tokens are the two lowest boxes. They are not part of the network: a tokenizer is learnt by counting, before
# the model is trained, and does not change any more.
#
# A second picture shows what comes out. The same text is cut in four ways. Its width is counted in **bytes**, the numbers 0
# to 255 that a file is made of: a plain letter is one byte, è is two, the face four.


# %%
def parts_of(tokenizer, text):
    """The bytes of each token of a text."""
    return [tokenizer.token(i) for i in tokenizer.encode(text)]


# %% jupyter={"source_hidden": true}
def strip(axes, row, pieces, labels):
    """Boxes side by side, each as wide as its piece has bytes."""
    start = 0
    for i, (piece, label) in enumerate(zip(pieces, labels, strict=True)):
        width = len(piece) if isinstance(piece, bytes) else len(piece.encode())
        axes.barh(
            row,
            width,
            left=start,
            height=0.8,
            color=f"C{i % 2}",
            alpha=0.35,
            edgecolor="white",
            lw=2,
        )
        axes.text(
            start + width / 2,
            row,
            label.replace(" ", "␣"),
            ha="center",
            va="center",
            fontsize=9,
        )
        start += width


text = "The warmer caffè 😀"
pieces = parts_of(train_tokenizer(known, 2048), text)
raw = [bytes([byte]) for byte in text.encode()]
figure, axes = plt.subplots(figsize=(7.4, 2.3))
words = ["The", " warmer", " caffè", " 😀"]
strip(axes, 3, words, [word if word.strip() in listed else "<UNK>" for word in words])
strip(axes, 2, text, text)
strip(axes, 1, raw, [str(byte[0]) for byte in raw])
strip(axes, 0, pieces, [piece.decode(errors="replace") for piece in pieces])
axes.set_yticks(range(4), ["byte pairs", "bytes", "characters", "words"])
axes.set(xticks=[], xlabel=f"{len(text)} characters, {len(raw)} bytes")
axes.spines[:].set_visible(False)
plt.show()
assert pieces[:3] == [b"The", b" warm", b"er"] and pieces[5:7] == [
    bytes([byte]) for byte in "è".encode()
]
assert "warm" in listed and "warmer" not in listed

# %% [markdown]
# `␣` is a space; it belongs to the word after it. The stories know *warm* and not *warmer*: to a list of words it is as
# unknown as a face. Byte pairs, learnt from the same stories, have `␣warm` and `er`. What is frequent there is one piece,
# what is rare is in many: even è is in two halves (each drawn as �). No text is `<UNK>`, because the 256 bytes are always
# there.
#
# ## In code
# The first table of "By hand", with the pairs written in:

# %%
text = "aaabdaaabac"
for pair, sign in (("aa", "Z"), ("ab", "Y"), ("ZY", "X")):
    text = text.replace(pair, sign)
    print(f"{sign} = {pair}   {text}")
assert text == "XdXac"

# %% [markdown]
# What are the signs that we begin with? Letters would be natural. To see why GPT-2 begins with bytes, we look at what a
# computer stores for a letter.
#
# ## Characters, code points, bytes
# **Unicode** is a list of all characters of all scripts. It gives each one a number, its **code point**, written U+ and the
# number in hexadecimal: ü is U+00FC, which is 252. There are more than 150,000 of them. In Python `ord("ü")` is the code
# point, and `chr(252)` is the character. A `str` is a list of code points.
#
# A file holds bytes, numbers below 256, so a code point needs a way to be written as bytes. **UTF-8** is the usual one.
# Small code points take one byte, large ones up to four:
#
# | code points | bytes | bits: x is a bit of the code point |
# |---|---|---|
# | U+0000 to U+007F (ASCII: English letters, digits) | 1 | 0xxxxxxx |
# | U+0080 to U+07FF (ä, è, Greek, Cyrillic, Arabic) | 2 | 110xxxxx 10xxxxxx |
# | U+0800 to U+FFFF (Hindi, Thai, most Chinese signs) | 3 | 1110xxxx 10xxxxxx 10xxxxxx |
# | U+10000 to U+10FFFF (emoji, rare signs) | 4 | 11110xxx 10xxxxxx 10xxxxxx 10xxxxxx |
#
# By hand for ü: 252 is 3 · 64 + 60, in bits 00011 111100. The first byte is 110·00011 = 192 + 3 = **195**, the second is
# 10·111100 = 128 + 60 = **188**. The first bits of a byte tell whether a character begins here (0…, 11…) or goes on (10…).

# %%
text = "Tür 木 😀"
for sign in text:
    bits = " ".join(f"{byte:08b}" for byte in sign.encode("utf-8"))
    print(f"{sign}  U+{ord(sign):04X}  {list(sign.encode('utf-8'))}  {bits}")
print(len(text), "characters,", len(text.encode("utf-8")), "bytes")

# %% jupyter={"source_hidden": true}
assert list("ü".encode()) == [195, 188] and ord("ü") == 252 == 3 * 64 + 60
assert len(text) == 7 and len(text.encode()) == 4 + 2 + 3 + 4
assert chr(252) == "ü" and all(ord(sign) < 0x800 for sign in "äèΩЖع")
assert all(0x800 <= ord(sign) < 0x10000 for sign in "हก木")

# %% [markdown]
# One string, three kinds of length: 7 characters, 13 bytes, and soon a number of tokens.
#
# A vocabulary that begins with code points would need all of them, or texts with the missing ones could not be written:
# Radford et al. (2019) speak of over 130,000 signs before the first merge. A vocabulary that begins with **bytes** needs
# 256, and every text of every language, even one with characters that nobody has invented yet, can be written with them.
# This is **byte-level BPE**. Its price: a token may be a part of a character, and languages whose letters take three bytes
# begin with three tokens a letter.
#
# One warning about characters. Two strings may look alike and be different: é is one code point, U+00E9, or the two code
# points e and U+0301 (an accent that is put on the letter before). Many programs write all texts in one of the two ways
# first; this is **normalisation** (NFC, NFD). GPT-2's tokenizer does not, so that decoding gives back exactly what was
# encoded.
#
# ## Question 8.1 · utf8_bytes
# How many bytes has `Größe 5 €` in UTF-8? The code points: ö U+00F6, ß U+00DF, € U+20AC. 2 minutes.

# %% question="utf8_bytes" difficulty=1 minutes=2
### BEGIN SOLUTION
utf8_bytes = 13
### END SOLUTION

# %% check="utf8_bytes"
from lib.checks import check

utf8_bytes = check("utf8_bytes")

# %% [markdown]
# ## Counting pairs
# From here on signs are numbers. The ids 0 to 255 are the bytes, and new tokens get 256, 257, ... A text repeats its words,
# so it is kept as a dictionary: each word is a tuple of ids, with how often it occurs. The text of *low*, *lower*,
# *newest*, *widest*:

# %%
low = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
low_words = {tuple(word.encode()): times for word, times in low.items()}
print(low_words)
LETTERS = {97: "a", 98: "b", 99: "c", 100: "d", 256: "Z", 257: "Y", 258: "X"}
assert "".join(LETTERS[i] for i in b"abcd") == "abcd"

# %% [markdown]
# The count of a pair (a, b) is
#
# $$\mathrm{count}(a, b) = \sum_{w} f(w) \cdot c_w(a, b)$$
#
# where the sum goes over all different words w, f(w) is how often w occurs in the text, and c_w(a, b) is at how many places
# of w the id b follows a. For (e, s) that was 6 · 1 + 3 · 1 = 9. Places may overlap: *aaa* has a a at two places.
#
# ## Exercise 8.1 · pair_counts
# From words and how often each occurs, `{(97, 97, 98): 3}`, count the pairs of neighbours: `{(97, 97): 3, (97, 98): 3}`.
# Pairs may overlap; none reaches from one word into the next; a word of one id has none. Difficulty ●○○ · 6 minutes.
#
# <details><summary>How do I walk over neighbours?</summary><code>zip(word, word[1:])</code> gives them as tuples, and so
# does <code>itertools.pairwise(word)</code>.</details>
# <details><summary>My counts are too small</summary>A word that occurs 3 times brings each of its pairs 3 times.</details>


# %% exercise="pair_counts" difficulty=1 minutes=6
def pair_counts(words):
    """How often each pair of neighbours stands in the words.

    words: {tuple of ids: how often the word occurs, 1 or more}
    Returns {(left, right): count}, a dict or a Counter; (7, 7, 7) has (7, 7) twice, and
    a word of one id, or of none, has no pair.
    """
    ### BEGIN SOLUTION
    counts = {}
    for word, times in words.items():
        for pair in pairwise(word):
            counts[pair] = counts.get(pair, 0) + times
    return counts
    ### END SOLUTION


# %% check="pair_counts"
from lib.checks import check

pair_counts = check("pair_counts")

# %% [markdown]
# The table of "By hand":

# %%
counts = pair_counts(low_words)
for (left, right), times in sorted(counts.items(), key=lambda item: -item[1]):
    print(chr(left), chr(right), times, end="   ")

# %% jupyter={"source_hidden": true}
by_letters = {chr(a) + chr(b): times for (a, b), times in counts.items()}
expected = {"es": 9, "st": 9, "we": 8, "lo": 7, "ow": 7, "ne": 6, "ew": 6}
expected |= {"wi": 3, "id": 3, "de": 3, "er": 2}
assert by_letters == expected
assert pair_counts({tuple(b"aaabdaaabac"): 1})[97, 97] == 4

# %% [markdown]
# ## Merging
# The winner is replaced everywhere by its new id. Read from left to right, and use every id once: in 7, 7, 7 the first two
# become the new id, and the third stays alone.
#
# ## Exercise 8.2 · merge_pair
# Replace a pair by its new id, from left to right. Every id is used once: (7, 7, 7) with the pair (7, 7) becomes new, 7.
# Returns a list. Difficulty ●●○ · 8 minutes.
#
# <details><summary>The loop skips or repeats ids</summary>A <code>for</code> cannot jump. Use <code>while i &lt; len(ids)</code>
# and add 2 to i after a pair, else 1.</details>
# <details><summary>IndexError at the end</summary>The last id has no neighbour. <code>ids[i : i + 2]</code> is shorter there,
# and no error.</details>


# %% exercise="merge_pair" difficulty=2 minutes=8
def merge_pair(ids, pair, new):
    """The ids with every `pair`, from left to right and without overlap, replaced by
    `new`. Returns a list.

    ids: a list or a tuple    pair: a tuple of two ids    new: another id
    """
    ### BEGIN SOLUTION
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged
    ### END SOLUTION


# %% check="merge_pair"
from lib.checks import check

merge_pair = check("merge_pair")

# %% [markdown]
# > **Predict.** Four a's, and the pair aa. How many signs are left? And of five?

# %%
print(merge_pair([97] * 4, (97, 97), 256), merge_pair([97] * 5, (97, 97), 256))
assert merge_pair([97] * 5, (97, 97), 256) == [256, 256, 97]

# %% [markdown]
# ## Learning the merges
# Training a tokenizer is a loop of the two: count, choose the winner, merge it everywhere, count *again*. Counting again
# matters, because a merge changes the counts of its neighbours: after es, the pair (w, e) of *newest* is gone, and (w, es)
# is new. In a formula, merge number k (from 0) is
#
# $$(a, b)_k = \arg\max_{(a, b)}\ \mathrm{count}(a, b), \qquad \text{new id} = 256 + k$$
#
# where the counts are those of the text after the merges before. Of pairs with equal counts the smaller tuple of ids wins.
# This is our rule; other programs have others, and then learn other merges from the same text. n merges make a vocabulary
# of 256 + n: **its size is the number that you choose**.
#
# ## Exercise 8.3 · learn_merges
# Count, take the most frequent pair, merge it everywhere into 256; then 257; n times, or until no pair is left. Of equally
# frequent pairs take the smaller tuple. Returns {pair: new id}. Difficulty ●●○ · 12 minutes.
#
# <details><summary>Most frequent first, then smallest?</summary><code>min(counts, key=lambda pair: (-counts[pair], pair))</code>:
# tuples are compared part by part.</details>
# <details><summary>"Your code changes what it was given"</summary>Make a new dictionary of words after each merge.</details>
# <details><summary>My loop never ends</summary>Count in the merged words. In those you were given, the same pair stays the most
# frequent for ever.</details>


# %% exercise="learn_merges" difficulty=2 minutes=12
def learn_merges(words, n):
    """Merge the most frequent pair into a new id, 256, 257, ..., n times or until no
    pair is left.

    words: {tuple of ids below 256: how often the word occurs, 1 or more}
    Returns {pair: new id}, in the order of the merges.
    Of equally frequent pairs, the smaller one is merged.
    """
    ### BEGIN SOLUTION
    merges = {}
    while len(merges) < n and (counts := pair_counts(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = new = 256 + len(merges)
        words = {
            tuple(merge_pair(word, best, new)): times for word, times in words.items()
        }
    return merges
    ### END SOLUTION


# %% check="learn_merges"
from lib.checks import check

learn_merges = check("learn_merges")

# %% [markdown]
# Both tables of "By hand" again, this time found by counting:

# %%
ids, steps = list(b"aaabdaaabac"), learn_merges({tuple(b"aaabdaaabac"): 1}, 3)
for (left, right), new in steps.items():
    ids = merge_pair(ids, (left, right), new)
    print(
        f"{LETTERS[new]} = {LETTERS[left]}{LETTERS[right]}   "
        f"{''.join(LETTERS[i] for i in ids)}"
    )
five = learn_merges(low_words, 5)
print(five)

# %% jupyter={"source_hidden": true}
assert "".join(LETTERS[i] for i in ids) == "XdXac"
spelt = {byte: chr(byte) for byte in range(256)}
for (left, right), new in five.items():
    spelt[new] = spelt[left] + spelt[right]
assert [spelt[new] for new in five.values()] == ["es", "est", "lo", "low", "ew"]

# %% [markdown]
# ## Question 8.2 · sixth_merge
# Go on by hand: which token does the sixth merge of *low* (5), *lower* (2), *newest* (6), *widest* (3) make? Write its
# letters as a string. (A byte has a smaller id than any merge.) 3 minutes.

# %% question="sixth_merge" difficulty=2 minutes=3
### BEGIN SOLUTION
sixth_merge = "new"
### END SOLUTION

# %% check="sixth_merge"
from lib.checks import check

sixth_merge = check("sixth_merge")

# %% [markdown]
# ## Back to text
# Decoding is the easy direction. Each id stands for some bytes: an id below 256 for one byte, a merge for the bytes of its
# two parts, one after the other. With the merges es = 256 and est = 257: 257 is the bytes of 256 and t, so e, s, t. Join
# the bytes of all ids, and only then read them as UTF-8. The order matters, because one token may hold half a character.
#
# And bytes that are no UTF-8 at all? A model may write any ids in any order. There `errors="replace"` puts the sign �,
# U+FFFD, "here was something that is no character".
#
# Watch the merges happen, one after the other, and type a text of your own. Which words become one token first, and
# does a word that stands there once ever become one?

# %% jupyter={"source_hidden": true}
from lib.widgets import widget

widget("merges")

# %% [markdown]
# ## Exercise 8.4 · bpe_decode
# Ids back to text. Bytes are `bytes([i])`; what was merged is the bytes of its two parts, joined. Turn all bytes into text
# **at the end**, with `errors="replace"`. Difficulty ●●○ · 8 minutes.
#
# <details><summary>UnicodeDecodeError, or � inside of è</summary>One token may hold half a character. Join the bytes of all
# tokens first, then <code>.decode("utf-8", errors="replace")</code> once.</details>
# <details><summary>What are the bytes of 258?</summary>Fill a dictionary in the order of the merges: both parts of a merge are
# older than it.</details>


# %% exercise="bpe_decode" difficulty=2 minutes=8
def bpe_decode(ids, merges):
    """The text of the ids. Broken UTF-8 becomes �; nothing else is changed: no
    character is dropped or normalised.

    ids: below 256 they are bytes, the others stand in merges
    merges: {(left, right): new id}, oldest first; the new ids are 256, 257, ..., and
    left and right are bytes or older merges
    """
    ### BEGIN SOLUTION
    tokens = {byte: bytes([byte]) for byte in range(256)}
    for (left, right), new in merges.items():
        tokens[new] = tokens[left] + tokens[right]
    return b"".join(tokens[i] for i in ids).decode("utf-8", errors="replace")
    ### END SOLUTION


# %% check="bpe_decode"
from lib.checks import check

bpe_decode = check("bpe_decode")

# %% [markdown]
# > **Predict.** A model writes a face byte by byte, and you turn each id into text as soon as it comes. What do readers
# > see?

# %%
face = list("😀".encode())
print([bpe_decode([i], {}) for i in face], bpe_decode(face, {}))
print([bpe_decode(face[:n], {}) for n in range(1, 5)])
assert bpe_decode(face, {}) == "😀" and bpe_decode(face[:3], {}) == "�"

# %% [markdown]
# A program that shows a text while it is written has to wait until the bytes make a character.
#
# ## Encoding a new text
# Encoding cannot count: the new text may be one word. It repeats what training did, in the same order. A merge's place in
# that order is its **rank**; with us a smaller new id is a smaller rank. So: look at all pairs of neighbours; of those that
# are merges, take the one with the smallest rank; merge it at every place; look again, until no pair of neighbours is a
# merge.
#
# Why not "the longest token that fits, from the left"? It is another method (BERT's, notebook 16), and it gives other
# pieces. Take the merges ab, bc, bcd, in this order, and the text *abcd*. BPE takes ab first, because it is the oldest;
# then neither (ab, c) nor (c, d) is a merge, so the result is ab · c · d. The fewest pieces would be a · bcd. BPE does not
# look for the fewest.
#
# ## Exercise 8.5 · bpe_encode
# Bytes of a new text to ids: of all neighbours that stand in `merges`, take the oldest merge (smallest new id) and do it at
# every place. Look again, until none is left. Returns a list. Difficulty ●●○ · 12 minutes.
#
# <details><summary>Why not the first pair, or the longest token?</summary>Training merged in an order. Only the same
# order gives the tokens that were counted there.</details>
# <details><summary>My loop never ends</summary>Stop when no pair of neighbours stands in <code>merges</code>.</details>


# %% exercise="bpe_encode" difficulty=2 minutes=12
def bpe_encode(ids, merges):
    """Merge pairs, the oldest merge (the smallest new id) first, until no pair can be
    merged. Returns a list.

    ids: bytes of a text, as a list or as `bytes`
    merges: {(left, right): new id}, oldest first
    """
    ### BEGIN SOLUTION
    ids = list(ids)
    while pairs := [pair for pair in pairwise(ids) if pair in merges]:
        oldest = min(pairs, key=merges.get)
        ids = merge_pair(ids, oldest, merges[oldest])
    return ids
    ### END SOLUTION


# %% check="bpe_encode"
from lib.checks import check

bpe_encode = check("bpe_encode")

# %%
abc = {(97, 98): 256, (98, 99): 257, (257, 100): 258}  # ab, bc, bcd
print([bpe_decode([i], abc) for i in bpe_encode(b"abcd", abc)])
print([bpe_decode([i], five) for i in bpe_encode(b"lowest", five)])

# %% jupyter={"source_hidden": true}
assert bpe_encode(b"abcd", abc) == [256, 99, 100]
assert [bpe_decode([i], five) for i in bpe_encode(b"lowest", five)] == ["low", "est"]

# %% [markdown]
# ## Question 8.3 · newer_pieces
# The five merges are es, est, lo, low, ew, in this order. Into which pieces do they cut *newer*? A list of strings. 2
# minutes.

# %% question="newer_pieces" difficulty=1 minutes=2
### BEGIN SOLUTION
newer_pieces = ["n", "ew", "e", "r"]
### END SOLUTION

# %% check="newer_pieces"
from lib.checks import check

newer_pieces = check("newer_pieces")

# %% [markdown]
# ## First step: a basic tokenizer
# Everything for a first tokenizer is there. We climb in four steps, and the last one reaches the ids of OpenAI's program:
#
# 1. basic: bytes and merges, a text is one long word;
# 2. a **pattern** says what may be merged;
# 3. **special tokens** such as `<EOS>`;
# 4. the same ids as OpenAI's program, tiktoken.
#
# Step one: 40 stories as one word of many thousand bytes, 100 merges.

# %%
one_word = "\n".join(known[:40]).encode()
basic = learn_merges({tuple(one_word): 1}, 100)
spelt = [bpe_decode([new], basic) for new in basic.values()]
print(spelt[:20])
across = [token for token in spelt if " " in token[1:]]
print(f"{len(across)} of 100 tokens reach over the end of a word: {across[:12]}")
ids = bpe_encode(one_word[:300], basic)
assert bpe_decode(ids, basic).encode() == one_word[:300]
assert len(across) == 47 and {"the ", ". "} <= set(across)

# %% [markdown]
# It works: every text can be encoded and decoded. But 47 of the 100 tokens do not end where a word ends: `the␣` holds the
# blank behind the word, `.␣` an end of a sentence and the blank behind it. With more merges, one token would hold several
# words. This is a waste in two ways. *dog*, *dog.*, *dog,* and *dog?* each may become a token of its own, with a row of its
# own in the table, and what the model learns about one it does not know about the others. And counting is slow: a word that
# occurs 500 times is looked at 500 times, not once.
#
# ## Second step: the pattern
# So a text is cut into words first, and pairs are counted and merged inside the words only. This is **pre-tokenization**,
# and the words are **pre-tokens**. Radford et al. (2019) saw many versions of one word, *dog.*, *dog!*, *dog?*, among the
# merges of plain bytes, and therefore do not let merges cross between **kinds of characters**: letters, numbers and other
# signs. Where are the borders? One line of GPT-2's code says it, a **regular expression** (for short regex): a pattern of
# about 80 signs. We build it up from what is wrong with easier ones, and you will write the last one.
#
# *Split at spaces.* `text.split()` forgets how many spaces there were, and whether they were spaces or ends of lines:

# %%
text = "She's 12,  he ate it!\n"
print(text.split(), " ".join(text.split()) == text)

# %% [markdown]
# A tokenizer must not lose anything: the pieces, joined, have to be the text again. So the space must be in some piece.
# GPT-2 puts one space **in front of** the word after it. Most words in a text stand after a space, so `␣ate` is the usual
# form and needs one token, not two. In a pattern:
#
# | sign | means |
# |---|---|
# | `\s` | a **s**pace of any kind: blank, end of line, tab; `\S` is anything else |
# | `+` | one or more of what stands before it, as many as there are |
# | `␣?` (a blank and `?`) | a blank, or nothing |
# | `a\|b` | a; or, where a does not fit, b |
#
# `findall(pattern, text)` begins at the left, takes what fits, and goes on behind it:

# %%
print(regex.findall(r" ?\S+|\s+", text))

# %% [markdown]
# Nothing is lost now. But `12,` and `it!` are one piece each: the *dog!* trouble. We need the **kinds** of characters.
# `\p{L}` is any letter of any script (L as in letter: a, è, Ж, 木), and `\p{N}` any number (7, ½, ٣). Square brackets are
# "one of these", and with `^` "none of these": `[^\s\p{L}]` is a sign that is neither a space nor a letter. Python's own
# `re` does not know `\p`, the package `regex` does.

# %%
print(regex.findall(r" ?\p{L}+| ?[^\s\p{L}]+|\s+", text))

# %% [markdown]
# Letters stand alone now. Three things are still wrong, and three rules put them right.
#
# 1. **Numbers** are mixed with signs, `␣12,`. They become a kind of their own, in the same way as letters. Why apart from
#    letters? So that *x2*, *2nd* and *12th* share the tokens of 2, 12, nd and th.
# 2. **Contractions**: `'` and `s` are two pieces. GPT-2 knows seven endings after an apostrophe that stand for words of
#    their own: 's, 't, 're, 've, 'm, 'll, 'd. They come *first* in the pattern, so that the apostrophe is not taken as a
#    sign. (Small letters only: GPT-2's authors wrote in their code that they should have added the capital ones.)
# 3. **Runs of spaces**: in `12,␣␣he` the run takes both blanks, and *he* loses its own. A run should leave its last blank
#    for the word behind it. `(?!\S)` is a **look-ahead**: it takes nothing and asks whether what comes next is *not* a
#    non-space. `\s+(?!\S)` takes as many spaces as it can, so that after them stands a space or the end of the text. Where
#    a single space stands before a word, this part does not fit. If it is a blank, the word takes it; if it is an end of
#    line or a tab, a last part takes it: `\s+`, any spaces that are left.
#
# For `a␣␣␣b`: `\s+` could take three blanks, but then b comes next, which is a non-space; so it takes two, behind which a
# blank comes next. The third goes with the b: `a`, `␣␣`, `␣b`. At the end of a text nothing comes next, and all spaces are
# one piece.
#
# | text | pieces |
# |---|---|
# | `She's␣12,␣␣he␣ate␣it!` | `She` `'s` `␣12` `,` `␣` `␣he` `␣ate` `␣it` `!` |
# | `a␣␣␣b␣␣` | `a` `␣␣` `␣b` `␣␣` |
# | `x2␣=␣é4` | `x` `2` `␣=` `␣é` `4` |
#
# ## Exercise 8.6 · pre_tokenise
# Cut a text into GPT-2's pieces. At each place the first of these that fits: one of the seven contractions; letters;
# numbers; other signs, which are neither spaces nor letters nor numbers (these three with one blank before them, if there
# is one); spaces that are not followed by a non-space; other spaces. Returns a list of strings, which joined are the text.
# Difficulty ●●○ · 12 minutes.
#
# <details><summary>How do I write five patterns as one?</summary><code>"|".join([contraction, letters, numbers, signs,
# spaces])</code>, in this order, each of them a raw string: <code>r"..."</code>.</details>
# <details><summary>findall gives me only parts, or empty strings</summary>Round brackets are remembered, and
# <code>findall</code> gives only what stands in them. Write <code>(?:...)</code>, which groups without remembering.</details>
# <details><summary>I do not like patterns</summary>A loop works as well: walk through the text;
# <code>unicodedata.category(sign)[0]</code> is <code>"L"</code> for letters and <code>"N"</code> for numbers.</details>


# %% exercise="pre_tokenise" difficulty=2 minutes=12
def pre_tokenise(text):
    """Cut a text into pieces as GPT-2 does. Returns a list of strings; joined, they
    are the text.

    At each place the first that fits: 's 't 're 've 'm 'll 'd; letters; numbers; signs
    that are no space, letter or number (these three with one blank before them, if
    there is one); spaces not followed by a non-space; other spaces.
    """
    ### BEGIN SOLUTION
    contraction = r"'(?:s|t|re|ve|m|ll|d)"
    letters, numbers = r" ?\p{L}+", r" ?\p{N}+"
    signs = r" ?[^\s\p{L}\p{N}]+"
    spaces = r"\s+(?!\S)|\s+"
    return regex.findall("|".join([contraction, letters, numbers, signs, spaces]), text)
    ### END SOLUTION


# %% check="pre_tokenise"
from lib.checks import check

pre_tokenise = check("pre_tokenise")

# %%
print(pre_tokenise(text), *map(pre_tokenise, ("a   b  ", "x2 = é4")))
for story in unseen:
    assert pre_tokenise(story) == pre_tokens(story)
    assert "".join(pre_tokenise(story)) == story

# %% [markdown]
# Put together, the parts are the line in GPT-2's code, in the file `encoder.py` of 2019:

# %%
published = (
    r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
)
for story in unseen:
    assert pre_tokenise(story) == regex.findall(published, story)
print("the same pieces in", len(unseen), "stories")

# %% jupyter={"source_hidden": true}
assert pre_tokenise("She's 12,  he ate it!") == [
    *("She", "'s", " 12", ",", " ", " he", " ate", " it", "!")
]
assert pre_tokenise("a   b  ") == ["a", "  ", " b", "  "]
assert pre_tokenise("x2 = é4") == ["x", "2", " =", " é", "4"]

# %% [markdown]
# ## Question 8.4 · line_pieces
# A line of code: `if x2 >= 3.14:` How many pieces does GPT-2's pattern make of it? On paper, without running. 3 minutes.

# %% question="line_pieces" difficulty=2 minutes=3
### BEGIN SOLUTION
line_pieces = 8
### END SOLUTION

# %% check="line_pieces"
from lib.checks import check

line_pieces = check("line_pieces")

# %% [markdown]
# What is the pattern worth? We compare it with `␣?\S+`, where signs stick to words: the same 200 stories, 600 merges each,
# and then 50 stories that were not among them. (Your code counts everything anew for every merge, so this takes some
# seconds.)


# %%
def at_spaces(text):
    return regex.findall(r" ?\S+|\s+", text)


def learn_with(cut):
    """Different words in 200 stories, and 600 merges learnt inside of them."""
    words = Counter(
        tuple(word.encode()) for story in stories[:200] for word in cut(story)
    )
    return words, learn_merges(words, 600)


def is_mixed(token):
    """Whether letters and other signs, spaces aside, stand in one token."""
    signs = token.replace(" ", "")
    return any(map(str.isalpha, signs)) and not signs.isalpha()


# %% tags=["training"]
learnt = {"at spaces": learn_with(at_spaces), "the pattern": learn_with(pre_tokenise)}
n_tokens, mixed = {}, {}
for (name, (different, pairs)), cut in zip(
    learnt.items(), (at_spaces, pre_tokenise), strict=True
):
    n_tokens[name] = sum(
        len(bpe_encode(word.encode(), pairs))
        for story in unseen[:50]
        for word in cut(story)
    )
    spelt = [bpe_decode([new], pairs) for new in pairs.values()]
    mixed[name] = list(filter(is_mixed, spelt))
    print(f"{name:12} {len(different):5,} different words, {n_tokens[name]:,} tokens,")
    last = mixed[name][-8:]
    print(f"{'':12} {len(mixed[name])} of 600 merges mixed, the last: {last}")

# %% jupyter={"source_hidden": true} tags=["training"]
assert mixed["the pattern"] == ["'s"] and len(mixed["at spaces"]) == 23
pairs = learnt["at spaces"][1]
spelt = {bpe_decode([new], pairs) for new in pairs.values()}
assert {" said,", " said", ' "and', " and"} <= spelt
assert [len(different) for different, _ in learnt.values()] == [3_742, 2_201]
assert 0.005 < n_tokens["the pattern"] / n_tokens["at spaces"] - 1 < 0.014

# %% [markdown]
# Cut at spaces, 200 stories have 3,742 different words, and 23 of the 600 merges mix letters with other signs: there is a
# token `␣said,` beside `␣said`, and `␣"and` beside `␣and`. With the pattern there are 2,201 different words, and no merge
# mixes, apart from the contraction `'s`. The pattern does not make the shortest text: where a sign is always a token of its
# own, these 50 stories are 1% *longer*. What is gained is one row for *said*, which learns from all its places.
#
# ## Third step: special tokens
# A model needs some signs that are no text: where a sentence begins and ends, what is padding, who speaks in a chat. These
# are **special tokens**. Each has an id of its own, and its name is never cut: `<EOS>` must not become `<`, `EOS`, `>`. So
# before the pattern is used, the text is cut at the names of the special tokens. *The end.&lt;EOS&gt;* becomes *The end.*
# and *&lt;EOS&gt;*; the first piece goes on to the pattern, the second becomes its id at once. GPT-2 has one special token,
# `<|endoftext|>`, with the id 50256; it stands between two documents.
#
# Which texts may contain them? A chat program puts special tokens between what the user says and what the model says. A
# user who types such a name could end their own turn and speak for the program. So a good tokenizer treats special tokens
# in *somebody else's* text as an error, or as plain letters, and takes them as special only where its caller allows it.
#
# ## Exercise 8.7 · split_special
# `<EOS>` has an id of its own; its letters are never merged. Cut the text so that each special token is a piece of its own;
# joined, the pieces are the text, and none is empty. Returns a list. Difficulty ●●○ · 8 minutes.
#
# <details><summary>The tokens are gone</summary><code>re.split</code> keeps what it split at when the pattern stands in brackets:
# <code>"(" + ... + ")"</code>.</details>
# <details><summary>&lt;|endoftext|&gt; splits at odd places</summary>In a pattern <code>|</code> means "or".
# <code>re.escape(token)</code> takes it as it is.</details>
# <details><summary>It splits everywhere when there are no special tokens</summary>An empty pattern fits everywhere: treat that
# case first.</details>


# %% exercise="split_special" difficulty=2 minutes=8
def split_special(text, special):
    """Cut a text so that each special token is a piece of its own. No piece is empty;
    joined, they are the text.

    special: a list of names such as "<EOS>", no two of which overlap in the text.
    Returns a list of strings; of an empty text, an empty list.
    """
    ### BEGIN SOLUTION
    if not special:
        return [text] if text else []
    # the | of <|endoftext|> is no "or"
    either = "|".join(re.escape(token) for token in special)
    # brackets: keep what was split at
    return [piece for piece in re.split(f"({either})", text) if piece]
    ### END SOLUTION


# %% check="split_special"
from lib.checks import check

split_special = check("split_special")

# %% [markdown]
# Here is the whole way from text to ids, made of your functions:


# %%
def encode(text, merges, special):
    """special: {name: id}. Special tokens in the text get their ids."""
    ids = []
    for piece in split_special(text, list(special)):
        if piece in special:
            ids.append(special[piece])
            continue
        for word in pre_tokenise(piece):
            ids += bpe_encode(word.encode("utf-8"), merges)
    return ids


# %% [markdown]
# ## On real text
# 200 of our stories and 300 merges, by your code. Remember that a program of the course wrote these stories; a thousand of
# them have 2,430 different words and signs.

# %%
some = stories[:200]
words = Counter(tuple(word.encode()) for story in some for word in pre_tokenise(story))
print(f"{sum(words.values()):,} words, {len(words):,} different ones")
merges = learn_merges(words, 300)

# %%
names = {
    new: (bpe_decode([left], merges), bpe_decode([right], merges))
    for (left, right), new in merges.items()
}
for new in (*range(256, 266), 300, 400, 555):
    left, right = names[new]
    print(new, repr(left), "+", repr(right))
assert names[256] == (" ", "t") and names[257] == ("h", "e")

# %% [markdown]
# The first merge is a blank and a t, for *the*, *to*, *that*. The merges as they happen, on a sentence that is not in those
# stories:
#
# > **Predict.** Which words are whole first?

# %%
sentence = "The donkey was very happy, but the unhappy dog did not sleep."
for n in (0, 10, 50, 150, 300):
    so_far = dict(list(merges.items())[:n])
    ids = encode(sentence, so_far, {})
    print(
        f"{n:3} merges, {len(ids)} tokens: ",
        "·".join(bpe_decode([i], so_far) for i in ids),
    )
    assert bpe_decode(ids, so_far) == sentence and sentence not in " ".join(some)
assert len(bpe_encode(b" but", merges)) == 1 < len(bpe_encode(b" donkey", merges))

# %% [markdown]
# Frequent words become one token, rare ones stay in pieces.
#
# ## Fourth step: the same ids as tiktoken
# `learn_merges` counts everything anew for each merge. The library's `train_tokenizer` looks only at the words that a merge
# has changed, and learns the same. **tiktoken** is the program, written in Rust, that OpenAI publishes for its models. It
# takes a pattern, the tokens with their ranks, and the special tokens. (It looks up the *joined bytes* of two neighbours
# where we look up the pair.) Given your merges, it gives the same ids:

# %%
fast = train_tokenizer(some, vocab=256 + 300)
assert fast.merges == merges
whole = Tokenizer(fast.pairs, special={"<EOS>": 556})
rust = whole.tiktoken()
for story in unseen[:20]:
    text = story + "<EOS>"
    ids = encode(text, merges, {"<EOS>": 556})
    assert ids == whole.encode(text, allowed_special="all")
    assert ids == rust.encode(text, allowed_special="all")
    assert rust.decode(ids) == text
print("the same ids, and the same text back")

# %% [markdown]
# That is the whole ladder: a tokenizer like GPT-2's, written by you. The larger ones below are made by `train_tokenizer`.
# In the library special tokens have the first ids. A stranger's text that says `<EOS>` is refused, unless you allow it or
# take it as plain letters:

# %%
special = ["<PAD>", "<SOS>", "<EOS>", "<UNK>"]
tokenizer = train_tokenizer(known, vocab=2048, special=special)
print(tokenizer.special)
print(tokenizer.encode("The end.<EOS>", allowed_special="all"))
print(tokenizer.encode_ordinary("The end.<EOS>"))
try:
    tokenizer.encode("The end.<EOS>")
except ValueError as error:
    print(error)
assert list(tokenizer.special.values()) == [0, 1, 2, 3]

# %% [markdown]
# Four texts that a list of words cannot hold, their lengths, and what lists of the stories' words and characters lack:

# %%
samples = {
    "a rare word": "antidisestablishmentarianism",
    "Italian": "Perché la ragazza è così felice?",
    "code": "for i in range(10):\n    total += i",
    "emoji": "good 👍🏽 very good 😀",
}
signs = set("".join(known))
print(f"{'':12} words  <UNK>  characters  <UNK>  bytes  byte pairs")
for name, text in samples.items():
    words, n_pairs = words_of(text), len(tokenizer.encode(text))
    no_word = sum(word not in listed for word in words)
    no_sign = sum(sign not in signs for sign in text)
    print(
        f"{name:12} {len(words):5} {no_word:6} {len(text):11} {no_sign:6} "
        f"{len(text.encode()):6} {n_pairs:11}"
    )
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert n_pairs < len(text.encode())
    assert tokenizer.encode(text) == tokenizer.tiktoken().encode(text)

# %% jupyter={"source_hidden": true}
assert len(tokenizer.encode(samples["a rare word"])) == 16 and not signs & set("è0😀")

# %% [markdown]
# A list of the stories' characters has gaps too: è, 0, every face. Bytes have none; byte pairs have none either, and are
# fewer. Yet one rare word takes 16 of them. What do these pieces look like?

# %%
for name, text in samples.items():
    parts = [part.decode(errors="replace") for part in parts_of(tokenizer, text)]
    print(f"{name:12}", "·".join(parts).replace("\n", "↵"))

# %% [markdown]
# ## How large should a vocabulary be?
# A smaller vocabulary is the beginning of a larger one, so one training gives the whole curve. It shows **tokens a word**,
# also called **fertility**: 1 is a token for each word.
#
# > **Predict.** From 256 to 512 ids the stories become half as long. And from 2,048 to 4,096?

# %%
largest = train_tokenizer(known, vocab=4096)
sizes = [256, 300, 512, 1024, 2048, 4096]
held_out = {"stories, other ones": unseen, "other English": english, "Italian": italian}
per_word = {name: [] for name in held_out}
for size in sizes:
    smaller = Tokenizer(largest.pairs[: size - 256])
    for name, sentences in held_out.items():
        n_words = sum(len(words_of(text)) for text in sentences)
        per_word[name].append(
            sum(len(smaller.encode(text)) for text in sentences) / n_words
        )

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots()
for (name, lengths), marker in zip(per_word.items(), "os^", strict=True):
    axes.plot(sizes, lengths, marker=marker, label=name)
axes.set_xscale("log", base=2)
axes.set_xticks(sizes[:1] + sizes[2:], [f"{size:,}" for size in sizes[:1] + sizes[2:]])
axes.set(
    xlabel="vocabulary (learnt from stories)", ylabel="tokens a word", ylim=(0, None)
)
axes.legend()
plt.show()

# %% jupyter={"source_hidden": true}
stories_curve, english_curve, italian_curve = per_word.values()
assert (
    stories_curve[0] > 2 * stories_curve[2]
    and 0.13 < 1 - stories_curve[5] / stories_curve[4] < 0.17
)
assert stories_curve[0] - stories_curve[2] > 2 * (stories_curve[2] - stories_curve[5])
assert (
    italian_curve[0] / italian_curve[5] < 2 and english_curve[0] / english_curve[5] > 3
)
story_words = [word for story in unseen for word in pre_tokens(story)]
assert (
    sum(len(largest.encode(word)) == 1 for word in story_words)
    > 0.99 * len(story_words)
    and len(listed) == 2_430
)

# %% [markdown]
# The vocabulary doubles from mark to mark; lower is shorter. The first merges save most, and the last doubling saves 15% on
# the stories. With 4,096 ids, 99% of the words of other stories are one token: our list has 2,430 words and signs, real
# English hundreds of thousands. Italian gains far less, because its pairs were never counted.
#
# A large vocabulary shortens texts and fattens the model. Each id is a row of d_model numbers in the table of vectors (02),
# and one more answer to choose among: V rows take V · d_model parameters. GPT-2 has V = 50,257 and d_model = 768:

# %%
table, all_parameters = 50_257 * 768, 124_439_808
print(
    f"{table:,} parameters, {table / all_parameters:.0%} of GPT-2's {all_parameters:,}"
)
assert 256 + 50_000 + 1 == 50_257 and table == 38_597_376

# %% [markdown]
# 256 bytes, 50,000 merges, and `<|endoftext|>`. (The table counts once: GPT-2 uses it at both ends, as tied weights.)
#
# ## Question 8.5 · larger_table
# Somebody trains GPT-2 small again and gives it a vocabulary of 200,000. Nothing else changes, and the table stays tied.
# How many parameters has the whole model then? Three digits are enough. 3 minutes.

# %% question="larger_table" difficulty=1 minutes=3
### BEGIN SOLUTION
larger_table = 124_439_808 + (200_000 - 50_257) * 768
### END SOLUTION

# %% check="larger_table"
from lib.checks import check

larger_table = check("larger_table")

# %% [markdown]
# ## GPT-2's vocabulary, and today's
# Below is how GPT-2 cuts, as recorded for this notebook; where its file (456 kB) is on your machine, the record is checked.
# `load_gpt2()`, without `offline`, fetches it.

# %% tags=["training"]
try:
    gpt2 = load_gpt2(offline=True)
    print(f"GPT-2's {len(gpt2):,} tokens are here.")
except ConnectionError as error:
    gpt2 = None
    print(f"The record is not checked: {error}")

# %%
record = {
    "YOUR CAT IS A LOVELY CAT": "Y|OUR| CAT| IS| A| L|OV|ELY| CAT",
    "antidisestablishmentarianism": "ant|idis|establishment|arian|ism",
    "La ragazza mangia la mela.": "La| rag|az|za| mang|ia| la| mel|a|.",
    "1912 12345": "19|12| 123|45",
    "how many r in strawberry": "how| many| r| in| strawberry",
}
assert gpt2 is None or len(gpt2) == 50_257
for text, cut in record.items():
    print(f"{text:30} {cut}")
    assert gpt2 is None or [
        part.decode() for part in parts_of(gpt2, text)
    ] == cut.split("|")

# %% [markdown]
# GPT-2 is of 2019. Two of the vocabularies that OpenAI has published since then are **cl100k** (of GPT-3.5 Turbo and GPT-4)
# and **o200k** (of GPT-4o). The algorithm is the one that you wrote. What has changed is the pattern, the size, and the
# text that was counted:
#
# | | GPT-2 | cl100k | o200k |
# |---|---|---|---|
# | tokens, and special ones | 50,256 + 1 | 100,256 + 5 | 199,998 + 2 |
# | numbers | any length | at most 3 digits | at most 3 digits |
# | one sign before letters | a blank | any but letters, numbers, ends of line | the same |
# | contractions | small letters | also capital ones | part of the word before |
# | accents and vowel signs after their letter (`\p{M}`) | "other signs" | may begin the next piece | part of the word |
# | a capital after a small letter, *theCat* | nothing special | nothing special | begins a new piece |
#
# The patterns do not need the vocabularies. Here they are without contractions and without o200k's rule for capitals:

# %%
patterns = {
    "GPT-2": r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "cl100k": r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
}
patterns["o200k"] = patterns["cl100k"].replace(r"?\p{L}+", r"?[\p{L}\p{M}]+")
for line in ("return(total)*1000000", "year 2024", "हिन्दी"):
    for name, pattern in patterns.items():
        print(f"{name:7}", regex.findall(pattern, line))

# %% jupyter={"source_hidden": true}
gpt2_like, cl100k_like, o200k_like = patterns.values()
assert regex.findall(gpt2_like, "1000000") == ["1000000"]
assert regex.findall(cl100k_like, "1000000") == ["100", "000", "0"]
assert regex.findall(cl100k_like, "return(total)") == ["return", "(total", ")"]
assert len(regex.findall(gpt2_like, "हिन्दी")) == 6 and len("हिन्दी") == 6
assert regex.fullmatch(r"\p{L}\p{M}\p{L}\p{M}\p{L}\p{M}", "हिन्दी")
assert len(regex.findall(cl100k_like, "हिन्दी")) == 4
assert regex.findall(o200k_like, "हिन्दी") == ["हिन्दी"]

# %% [markdown]
# `{1,3}` means "one to three of them". Look at the last word, *Hindi* in its own script. It has three letters and three
# vowel signs and marks, which Unicode does not count as letters. GPT-2's pattern tears it into 6 pieces, and no merge can
# ever cross them. So a pattern that was made for English costs another language something before the first merge is
# counted. o200k's pattern takes such marks into the word.
#
# What that means for the length of real texts was recorded with the three vocabularies (`benchmarks/vocabularies.py`).
# First a text that people have translated by hand into very many languages, article 1 of the Universal Declaration of Human
# Rights, in English: *All human beings are born free and equal in dignity and rights. They are endowed with reason and
# conscience and should act towards one another in a spirit of brotherhood.*

# %%
recorded = json.loads(files.read("vocabularies.json"))
vocabularies = ("gpt2", "cl100k_base", "o200k_base")
article = recorded["article 1"]
languages = sorted(article, key=lambda language: article[language]["gpt2"])
print(f"{'article 1':10} characters  bytes   GPT-2  cl100k  o200k")
for language in languages:
    counts = [
        article[language][name] for name in ("characters", "bytes", *vocabularies)
    ]
    print(f"{language:10} {counts[0]:10} {counts[1]:6}   {counts[2]:5}", end="")
    print(f" {counts[3]:7} {counts[4]:6}")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(6, 3.6))
times = {
    name: {one: article[one][name] / article["English"][name] for one in languages}
    for name in vocabularies
}
for (name, marker), shift in zip(
    zip(vocabularies, "os^", strict=True), (-0.2, 0, 0.2), strict=True
):
    places = [row + shift for row in range(len(languages))]
    axes.plot(
        list(times[name].values()), places, marker, label=name.removesuffix("_base")
    )
axes.set_yticks(range(len(languages)), languages)
axes.axvline(1, color="grey", lw=1)
axes.set_xscale("log", base=2)
axes.set_xticks([1, 2, 4, 8], ["1", "2", "4", "8"])
axes.set_xlabel("tokens, for one token of the English text in the same vocabulary")
axes.invert_yaxis()
axes.legend()
plt.show()
old, middle, new = times.values()
assert [round(of["Hindi"], 1) for of in (old, middle, new)] == [8.9, 5.5, 1.6]
assert max(old, key=old.get) == max(middle, key=middle.get) == "Hindi"
assert sorted(new, key=new.get)[-2:] == ["Greek", "Japanese"]
assert [round(new[one], 1) for one in ("Greek", "Japanese")] == [2.2, 2.2]
assert round(old["German"], 1) == 1.8 and round(new["German"], 1) == 1.2
assert round(old["Italian"], 1) == 2.0 and round(new["Italian"], 1) == 1.5
assert {article["English"][name] for name in vocabularies} == {33}

# %% [markdown]
# Each row is a language, each mark a vocabulary; the grey line is the English text. The scale is logarithmic: each tick is
# twice the one before. In GPT-2's vocabulary the Hindi text takes 8.9 times the tokens of the English one, in cl100k 5.5
# times, in o200k 1.6 times. German falls from 1.8 to 1.2 and Italian from 2.0 to 1.5, while the English text takes 33
# tokens in all three. In o200k Greek and Japanese are the dearest of these eight, with 2.2 times the tokens. These are
# rough numbers: 33 tokens are too few to trust the digit behind the point. And one paragraph hides that the same language
# may be dear in one kind of text and cheap in another.
#
# Second, 1,000 descriptions of pictures (Multi30k, written in English and translated by people into German and French), and
# third Tiny Shakespeare, a megabyte of his plays:

# %%
multi30k, size = recorded["multi30k"], recorded["bytes a token"]
print(f"{'':12} {'tokens of 1,000 captions':26}   bytes a token")
print(f"{'':12} {'English':>8} {'German':>8} {'French':>8}   stories Shakespeare")
for name in ("ours", *vocabularies):
    counts = [multi30k[language][name] for language in ("English", "German", "French")]
    print(f"{name:12}", *(f"{count:8,}" for count in counts), end="")
    print(f" {size[name]['our stories']:9} {size[name]['Shakespeare']:11}")

# %% jupyter={"source_hidden": true}
stated = [(50_256, 1, 1), (100_256, 5, 128), (199_998, 2, 128)]
for name, numbers in zip(vocabularies, stated, strict=True):
    parts = recorded["sizes"][name]
    assert numbers == (parts["tokens"], parts["special"], parts["most blanks"])
price = {
    language: [
        round(counts[name] / multi30k["English"][name], 1) for name in vocabularies
    ]
    for language, counts in multi30k.items()
}
assert price["German"] == [1.9, 1.4, 1.2] and price["French"] == [1.8, 1.4, 1.2]
assert round(multi30k["English"]["ours"] / multi30k["English"]["gpt2"], 1) == 1.7
assert size["ours"] == {"our stories": 3.76, "Shakespeare": 2.19}
assert size["gpt2"] == {"our stories": 4.21, "Shakespeare": 3.3}
assert all(of["our stories"] > of["Shakespeare"] for of in size.values())

# %% [markdown]
# The German captions take 1.9 times the tokens of the English ones with GPT-2, 1.4 times with cl100k and 1.2 times with
# o200k; the French ones 1.8, 1.4 and 1.2 times. `ours` is the tokenizer above, with 2,048 ids learnt from 1,000 stories. It
# needs 1.7 times as many tokens as GPT-2 for English captions. On other stories it is not far behind (3.76 bytes a token,
# GPT-2 4.21), on Shakespeare it is (2.19 and 3.30): it knows the words of its stories and little else. And all four cut the
# stories, which a program wrote, into longer tokens than Shakespeare.
#
# ## What breaks
# **Other languages pay more.** You saw it above. Here are the 1,000 sentences of our small grammar in English and in
# Italian, in tokens: by the merges of our stories, and by those of GPT-2, which were learnt from English web pages
# (recorded, and checked like above).

# %%
gpt2_tokens, ours, letters = {"English": 8_679, "Italian": 14_850}, {}, {}
for name, sentences in (("English", english), ("Italian", italian)):
    ours[name] = sum(map(len, map(tokenizer.encode, sentences)))
    letters[name] = sum(map(len, sentences))
    print(
        f"{name}: {letters[name]:,} characters, {ours[name]:,} tokens here, "
        f"{gpt2_tokens[name]:,} tokens of GPT-2"
    )
    assert gpt2 is None or gpt2_tokens[name] == sum(
        len(gpt2.encode(sentence)) for sentence in sentences
    )
for which in vocabularies:
    found = recorded["grammar"][which]
    print(f"{which:12} Italian / English {found['Italian'] / found['English']:.2f}")

# %% jupyter={"source_hidden": true}
assert letters["Italian"] < 1.05 * letters["English"]
assert all(
    round(count["Italian"] / count["English"], 1) == 1.7
    for count in (ours, gpt2_tokens)
)
assert recorded["grammar"]["gpt2"] == gpt2_tokens
times = [one["Italian"] / one["English"] for one in recorded["grammar"].values()]
assert sorted(round(time, 1) for time in times) == [1.3, 1.4, 1.7]

# %% [markdown]
# Nearly as many characters, and with GPT-2 1.7 times the tokens. Where answers are paid by the token, an Italian reader
# paid 1.7 times as much, and a model's window was full after that much less text. That number is GPT-2's, of 2019; with
# cl100k it is 1.4, with o200k 1.3. Petrov et al. ([2023](https://arxiv.org/abs/2305.15425)) compared many tokenizers on
# translated sentences in 200 languages, and found differences of up to 15 times between languages, also for tokenizers that
# were meant for many languages.
#
# **Letters are hidden.** GPT-2 reads ` strawberry` as 41236. How many *r* are in 41236? The model gets the vector of this
# id, and nothing in an id says how the word is spelt. It has to learn the spelling of each token from texts that happen to
# tell it.
#
# **Numbers.** GPT-2 writes *1912* as 19·12 but *12345* as 123·45: the pieces depend on what was frequent. cl100k and o200k
# cut after three digits *from the left*. People group from the right:

# %%
for number in ("123", "1234", "12345", "123456", "1234567"):
    from_left = regex.findall(r"\p{N}{1,3}", number)
    print(f"{number:8} {'·'.join(from_left):12} people write {int(number):,}")

# %% jupyter={"source_hidden": true}
assert regex.findall(r"\p{N}{1,3}", "1234567") == ["123", "456", "7"]

# %% [markdown]
# So the 4 of *1234* is a token of its own, and in *12345* the last token is 45: the same place of a number stands in tokens
# of different kinds. Singh and Strouse ([2024](https://arxiv.org/abs/2402.14903)) let GPT-3.5 and GPT-4 add numbers, once
# as they are and once with commas, which make the groups begin at the right. With the commas they made far fewer errors.
# LLaMA's first tokenizer gave each digit a token of its own (Touvron et al. [2023](https://arxiv.org/abs/2302.13971)).
#
# **Spaces and capitals.** `cat` and ` cat` have no id in common here: to a model they are as different as any two words,
# until it has learnt better.
#
# > **Predict.** Which of the six are one token?

# %%
forms = ["cat", " cat", "Cat", " Cat", "CAT", " cats"]
for form in forms:
    print(repr(form).ljust(7), tokenizer.encode(form))

# %% jupyter={"source_hidden": true}
assert [form for form in forms if len(tokenizer.encode(form)) == 1] == [" cat"]
assert not set(tokenizer.encode("cat")) & set(tokenizer.encode(" cat"))

# %% [markdown]
# ## Question 8.6 · best_prompt
# A GPT (notebook 11) is given a text, the **prompt**, and goes on with it token by token. It goes on well after the prompt
# `The cat sat on the`. A user types the same with one blank at the end, and the model writes nonsense. The prompt was
# encoded right. What is the most likely cause? Write "a", "b", "c" or "d". 3 minutes.
#
# - a: the prompt has become too long for the model;
# - b: the blank is a token of its own here, and in training hardly any word came after such a token;
# - c: the pattern throws the blank away, so two words stand together;
# - d: the blank is taken for a special token that ends a text.

# %% question="best_prompt" difficulty=2 minutes=3
### BEGIN SOLUTION
best_prompt = "b"
### END SOLUTION

# %% check="best_prompt"
from lib.checks import check

best_prompt = check("best_prompt")

# %% [markdown]
# **A text cut in the wrong place.** The same thing happens in the middle of a word. Someone types *the do*, and a model
# goes on with *nkey*. The letters are those of *the donkey*; the ids are not, and in training it has never seen them in
# that order. And how often does a lone blank stand before a word in the text that a model would be trained on?

# %%
typed = tokenizer.encode("the do") + tokenizer.encode("nkey")
written = tokenizer.encode("the donkey")
print(
    [tokenizer.token(i).decode() for i in typed],
    [tokenizer.token(i).decode() for i in written],
)
print(
    tokenizer.encode("the donkey"),
    tokenizer.encode("the ") + tokenizer.encode("donkey"),
)
blank = tokenizer.ranks[b" "]
followed = Counter()
for story in known:
    ids = tokenizer.encode(story)
    followed.update(after for one, after in pairwise(ids) if one == blank)
print(
    f"{sum(followed.values())} lone blanks are followed by:",
    [tokenizer.token(i) for i, _ in followed.most_common(5)],
)

# %% jupyter={"source_hidden": true}
assert tokenizer.decode(typed) == tokenizer.decode(written) and typed != written
assert tokenizer.encode("the ")[-1] == blank and sum(followed.values()) == 63
assert sum(len(tokenizer.encode(story)) for story in known) == 239_247
words = {word for story in known for word in pre_tokens(story)}
assert {word for word in words if tokenizer.encode(word)[0] == blank} == {
    *(" velvet", " ill", " edge", " queen", " reading", " read", " zebra", " zebras")
}

# %% [markdown]
# A lone blank occurs 63 times among the 239,247 tokens of 1,000 stories, and only before eight rare words, such as
# *velvet*, *edge* and *queen*. So a model that has read these stories has never seen a frequent word begin after it. End a
# prompt with a whole word, without a space after it. And `encode(decode(ids))` need not give the same ids; only
# `decode(encode(text))` is sure to give the text. (Some programs take back the last tokens of a prompt and let the model
# write them again; this is called *token healing*.)
#
# **Ids that were never trained.** Does each of the 4,096 ids of `largest` occur in the very text that it was learnt from?

# %%
used = Counter(i for story in known for i in largest.encode(story))
never = [largest.token(i) for i in range(len(largest)) if not used[i]]
print(len(never), "of", len(largest), "ids never occur;", len(set(used)), "do")
print("bytes:", sum(len(token) == 1 for token in never))
print(
    "merges:",
    [token.decode(errors="replace") for token in never if len(token) > 1][:12],
)

# %% jupyter={"source_hidden": true}
assert {b"\xff", b"\xc0", b"\xf5"} <= set(never)  # in no UTF-8 text at all
assert len(never) == len(largest) - len(used)
assert len(never) == 1_400 and sum(len(token) == 1 for token in never) == 205
assert b"he" in never and largest.ranks[b"he"] < 256 + 3
assert 0.3 < 1_195 / (4_096 - 256) < 1 / 3

# %% [markdown]
# 1,400 of the ids never occur: 205 bytes, such as 255, which no UTF-8 text contains, and 1,195 merges, nearly a third of
# all merges. A merge vanishes when later ones swallow it: `he` was one of the first three, but at each of its places it has
# become a part of a longer token, such as `␣the`, `␣he` or `The`. A model that reads this text never reads such an id, so
# the id's vector never learns to stand for anything.
#
# The trouble is greater when vocabulary and model are learnt from different texts. GPT-2's vocabulary has one token for
# SolidGoldMagikarp with a blank before it, a user name on a web site. Rumbelow and Watkins (2023) found that models with
# this vocabulary, asked to repeat such a token, answered with other words, insults or nonsense: the **glitch tokens**. Land
# and Bartolo ([2024](https://arxiv.org/abs/2405.05417)) look for them by their vectors, which are unlike those of trained
# tokens, and found some in many models. In cl100k and o200k, SolidGoldMagikarp is five tokens again.

# %% jupyter={"source_hidden": true}
if gpt2:
    assert gpt2.encode(" SolidGoldMagikarp") == [43453] and gpt2.encode(
        " strawberry"
    ) == [41236]
for which, n in (("gpt2", 1), ("cl100k_base", 5), ("o200k_base", 5)):
    assert len(recorded["cuts"][" SolidGoldMagikarp"][which]) == n

# %% [markdown]
# **Code.** GPT-2 has no token for two blanks or more, so a line that begins with 16 blanks takes 15 tokens for them before
# its first word. cl100k and o200k have tokens for runs of blanks, the longest of 128.

# %%
for line, cuts in recorded["cuts"].items():
    if line.startswith("  "):
        print(repr(line), {which: len(cut) for which, cut in cuts.items()})

# %% jupyter={"source_hidden": true}
indented = recorded["cuts"][" " * 16 + "return total"]
assert indented["gpt2"][:15] == [" "] * 15 and len(indented["cl100k_base"][0]) == 15

# %% [markdown]
# ## Other ways to find pieces
# BPE joins. One can also start from the other end. The **unigram language model** (Kudo
# [2018](https://arxiv.org/abs/1804.10959)) begins with far too many pieces, gives each piece x a probability p(x), and
# takes as the probability of a cut x₁ … x_n the product
#
# $$P(x_1, \dots, x_n) = \prod_{i=1}^{n} p(x_i)$$
#
# The best cut of a word is the one with the largest product. Suppose p(low) = 0.05, p(est) = 0.04, p(lo) = 0.02, p(west) =
# 0.01. Then *lowest* is low · est with 0.05 · 0.04 = 0.002, and lo · west has 0.02 · 0.01 = 0.0002: ten times less.
# Training repeats two steps: cut the text and count the pieces to get better p(x), and drop the pieces that are missed
# least. Because every cut has a probability, one can also *draw* a cut, another one each time the word is read in training;
# this is **subword regularization**. In Kudo's experiments it raised BLEU, most with little data and on other kinds of text
# than those of the training.

# %% jupyter={"source_hidden": true}
assert abs(0.05 * 0.04 - 0.002) < 1e-12 and abs(0.02 * 0.01 - 0.0002) < 1e-12

# %% [markdown]
# | | how the vocabulary is found | how a word is cut | used by |
# |---|---|---|---|
# | **BPE**, byte-level | merge the most frequent pair | merges in their order | GPT-2 to GPT-4o, Llama 3 |
# | **WordPiece** | merge pairs that are more frequent than their parts suggest | the longest piece that fits, from the left; `##` inside words | BERT (16) |
# | **unigram** | drop the pieces that are missed least | the most probable cut | T5 (17) |
#
# **SentencePiece** (Kudo and Richardson [2018](https://arxiv.org/abs/1808.06226)) is a program, not a fourth way: it learns
# BPE or unigram vocabularies from raw text, without a program before it that knows how a language cuts its words, and
# writes a space as `▁`. That is why it suits languages without spaces, and why T5's tokens look like `▁the`.
#
# Could one do without? Models that read bytes exist: ByT5 (Xue et al. [2021](https://arxiv.org/abs/2105.13626)) is a T5 on
# bytes, more robust to misspelt words, and slower because its texts are longer.
#
# ## In other words
# - **Token**: a piece of text that has an **id**. **Vocabulary** (V, its size |V|): all tokens. **Tokenizer**: what cuts,
#   **encodes** (text to ids) and **decodes**.
# - **Out of vocabulary** (OOV), `<UNK>`: a word that has no id. **Subword**: a piece between character and word.
# - **Byte pair encoding** (BPE): merge the most frequent pair, again and again. **Merge**, **rank**: a step of it, and its
#   place in their order.
# - **Unicode**: the list of all characters. **Code point** (U+00FC): the number of one. **UTF-8**: how code points are
#   written as **bytes**. **Normalisation** (NFC, NFD): one way of writing what looks the same. **Byte-level**: the first
#   256 tokens are the bytes.
# - **Pre-tokenization**, **pre-token**: the cut into words before merging. **Regular expression** (regex): the pattern that
#   says how; **look-ahead** `(?!…)`: a condition on what follows.
# - **Special token** (control token): `<EOS>`, `<|endoftext|>`; an id that is no text.
# - **Fertility**: tokens a word. **Compression**: bytes a token.
# - **WordPiece**, **unigram language model**, **SentencePiece**: other ways, and a program. **Subword regularization**:
#   cuts that are drawn.
# - **Glitch token**, under-trained token: an id that the model has hardly ever read. **Token healing**: the end of a prompt
#   is cut again.
#
# ## Where it comes from
# - Byte pair encoding as a compressor: Philip Gage, *A New Algorithm for Data Compression*, The C Users Journal, February
#   1994.
# - Subwords for translation: Sennrich, Haddow and Birch [2016](https://arxiv.org/abs/1508.07909). Against a system that
#   looked up rare words in a dictionary they gained up to 1.1 BLEU from English to German and 1.3 to Russian. The name and
#   the idea stayed; compression was no longer the point.
# - WordPiece: Schuster and Nakajima 2012, for speech recognition in Japanese and Korean; in Google's translator, Wu et al.
#   [2016](https://arxiv.org/abs/1609.08144).
# - Bytes, and the pattern: Radford et al.
#   [2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf) (GPT-2).
#   They give the reasons that you read above, and note that the exception for the space shortens texts considerably.
# - Unigram and subword regularization: Kudo [2018](https://arxiv.org/abs/1804.10959). SentencePiece: Kudo and Richardson
#   [2018](https://arxiv.org/abs/1808.06226).
# - Is BPE the best way? Bostrom and Durrett [2020](https://arxiv.org/abs/2004.03720) trained two language models that
#   differed in this only; the one with unigram pieces was as good or better on the tasks they tried, and its pieces were
#   more like the parts of words that linguists know. GPTs stayed with BPE.
# - What languages pay: Petrov et al. [2023](https://arxiv.org/abs/2305.15425); Ahia et al.
#   [2023](https://arxiv.org/abs/2305.13707). Numbers: Singh and Strouse [2024](https://arxiv.org/abs/2402.14903). Glitch
#   tokens: Rumbelow and Watkins 2023; Land and Bartolo [2024](https://arxiv.org/abs/2405.05417).
# - Since then vocabularies have grown: GPT-2 50,257, Llama 2 32,000, Llama 3 128,000 (of which 28,000 were added for
#   languages other than English; Grattafiori et al. [2024](https://arxiv.org/abs/2407.21783)), o200k about 200,000.
# - To go on: Andrej Karpathy's lecture *Let's build the GPT Tokenizer* and his program
#   [minbpe](https://github.com/karpathy/minbpe), which climb a similar ladder.
#
# ## What to remember
# - Byte pair encoding merges the most frequent pair again and again; encoding repeats the merges in the same order.
# - 256 bytes make every text possible, a pattern says what may be merged, and special tokens are cut out first. That is all
#   of GPT-2's tokenizer.
# - What was frequent in the text that was counted is short; everything else pays. A model sees ids: no letters, no digits,
#   no blanks at the end.
#
# **Next**: [09 · Encoder-decoder translation](09_encoder_decoder_translation.ipynb) puts everything together.
