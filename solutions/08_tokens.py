# %% [markdown]
# # 8 · Tokens
# After this notebook you can turn any text into numbers and back, with the method that GPT-2 uses, written by you.
#
# You need: dictionaries, lists and strings; the table of word vectors (02). You build: byte pair encoding, from counting to
# decoding. 60 minutes.

# %%
import re
from collections import Counter
from itertools import pairwise

import matplotlib.pyplot as plt

from lib.corpora.italian import load_pairs
from lib.corpora.stories import load_stories
from lib.figures import style
from lib.tokenizer import Tokenizer, load_gpt2, pre_tokens, train_tokenizer

style()
stories = load_stories()
known, unseen = stories[:1000], stories[7000:7300]
english = [pair.english for pair in load_pairs("test")[:1000]]
italian = [pair.italian for pair in load_pairs("test")[:1000]]

# %% [markdown]
# ## The question
# The translator of notebook 03 knew a list of words; any other word became `<UNK>`. Here is the list of 1,000 stories. How much
# of other texts is not on it?

# %%
words_of = re.compile(r"\w+|[^\w\s]").findall
listed = set(words_of(" ".join(known)))
texts = {"other stories": unseen, "other English": english, "Italian": italian}
unknown = {}
for name, sentences in texts.items():
    words = words_of(" ".join(sentences))
    unknown[name] = sum(word not in listed for word in words) / len(words)
    print(f"{name:14} {unknown[name]:6.1%} <UNK>")
assert (
    unknown["other stories"] < 0.01
    and 1 / 6 < unknown["other English"] < 0.2
    and unknown["Italian"] > 0.8
)

# %% [markdown]
# A list of words works for texts like those it was made of. Another kind of English loses more than one word in six, Italian
# most of its words. A list of all words has no end: names, numbers, typing errors, code.
#
# Characters are fewer. But a text has many of them, and attention compares all with all: four times as long is sixteen times
# the work. Is there something between?

# %% [markdown]
# ## By hand
# **Byte pair encoding** (BPE; Gage 1994, to compress files) shortens a text by one idea: **give the most frequent pair of
# neighbours a new sign**, and again, and again. Sennrich et al. [2016](https://arxiv.org/abs/1508.07909) brought it into
# translation, to cut rare words into pieces; Radford et al.
# [2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf) let it begin
# with bytes, for GPT-2.
#
# | text | most frequent pair | new sign |
# |---|---|---|
# | `aaabdaaabac` | aa, 4 times (aaa has it twice) | Z = aa |
# | `ZabdZabac` | ab, 2 times (Za too) | Y = ab |
# | `ZYdZYac` | ZY, 2 times | X = ZY |
# | `XdXac` | none occurs twice | |
#
# Eleven signs became five. Undone from X back to Z, the list gives the text again.

# %% [markdown]
# ## The picture
# The same text cut in four ways. Its width is counted in **bytes**, the numbers 0 to 255 that a file is made of: a plain
# letter is one byte, è is two, the face four.


# %%
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


def parts_of(tokenizer, text):
    return [tokenizer.token(i) for i in tokenizer.encode(text)]


# %%
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
# `␣` is a space; it belongs to the word after it. The stories know *warm* and not *warmer*: to a list of words it is as unknown
# as a face. **Byte pairs**, learnt from the same stories, have `␣warm` and `er`. What is frequent is one piece, what is rare is
# in single bytes, even è in two halves (�). No text is `<UNK>`: the 256 bytes are always there.
#
# ## In code
# The table of "By hand", with the pairs written in:

# %%
text = "aaabdaaabac"
for pair, sign in (("aa", "Z"), ("ab", "Y"), ("ZY", "X")):
    text = text.replace(pair, sign)
    print(f"{sign} = {pair}   {text}")
assert text == "XdXac"

# %% [markdown]
# From here on signs are numbers, **ids**: 0 to 255 are the bytes, and new signs are 256, 257, ... A long text repeats its
# words, so it is kept as a dictionary: each word, a tuple of ids, and how often it occurs. To look at ids:

# %%
print(list(b"aaabdaaabac"))
print(list("caffè 😀".encode()))
LETTERS = {97: "a", 98: "b", 99: "c", 100: "d", 256: "Z", 257: "Y", 258: "X"}
assert "".join(LETTERS[i] for i in b"abcd") == "abcd"

# %% [markdown]
# ## Exercise 8.1 · pair_counts
# From words and how often each occurs, `{(97, 97, 98): 3}`, count the pairs of neighbours: `{(97, 97): 3, (97, 98): 3}`. Pairs
# may overlap; none reaches from one word into the next; a word of one id has none. Difficulty ●○○ · 6 minutes.
#
# <details><summary>How do I walk over neighbours?</summary><code>zip(word, word[1:])</code> gives them as tuples, and so
# does <code>itertools.pairwise(word)</code>.</details>
# <details><summary>My counts are too small</summary>A word that occurs 3 times brings each of its pairs 3 times.</details>


# %% exercise="pair_counts" difficulty=1 minutes=6
def pair_counts(words):
    """How often each pair of neighbours stands in the words.

    words: {tuple of ids: how often the word occurs}
    Returns {(left, right): count}; (7, 7, 7) has (7, 7) twice, and
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

# %%
counts = pair_counts({tuple(b"aaabdaaabac"): 1})
print(
    {LETTERS[left] + LETTERS[right]: times for (left, right), times in counts.items()}
)
assert counts[97, 97] == 4 == max(counts.values())

# %% [markdown]
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

    ids: a list or a tuple    pair: a tuple of two ids
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

    words: {tuple of ids below 256: how often the word occurs}
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
# The table of "By hand" again, this time found by counting:

# %%
ids, steps = list(b"aaabdaaabac"), learn_merges({tuple(b"aaabdaaabac"): 1}, 3)
for (left, right), new in steps.items():
    ids = merge_pair(ids, (left, right), new)
    print(
        f"{LETTERS[new]} = {LETTERS[left]}{LETTERS[right]}   "
        f"{''.join(LETTERS[i] for i in ids)}"
    )
assert "".join(LETTERS[i] for i in ids) == "XdXac"

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
    """The text of the ids. Broken UTF-8 becomes �.

    ids: below 256 they are bytes, the others stand in merges
    merges: {(left, right): new id}, oldest first
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
# > **Predict.** A model writes a face byte by byte, and you turn each id into text as soon as it comes. What do readers see?

# %%
face = list("😀".encode())
print([bpe_decode([i], {}) for i in face], bpe_decode(face, {}))
print([bpe_decode(face[:n], {}) for n in range(1, 5)])
assert bpe_decode(face, {}) == "😀" and bpe_decode(face[:3], {}) == "�"

# %% [markdown]
# � is U+FFFD, "there was something that is no character". Whoever shows a text while it is written waits until the bytes make
# a character.
#
# ## Exercise 8.5 · bpe_encode
# Bytes of a new text to ids: of all neighbours that stand in `merges`, take the oldest merge (smallest new id) and do it at every
# place. Look again, until none is left. Returns a list. Difficulty ●●○ · 12 minutes.
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

# %% [markdown]
# ## On real text
# A text is cut into words first, each with the space before it, so that no token reaches over a word's end. Equal words are
# counted, not repeated. 200 stories, 300 merges, by your code:

# %%
some = stories[:200]
words = Counter(tuple(word.encode()) for story in some for word in pre_tokens(story))
print(pre_tokens("She's 12, he ate it!"))
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
# The merges as they happen, on a sentence that is not in those stories:
#
# > **Predict.** Which words are whole first?

# %%
sentence = "The donkey was very happy, but the unhappy dog did not sleep."
for n in (0, 10, 50, 150, 300):
    so_far = dict(list(merges.items())[:n])
    ids = [
        i for word in pre_tokens(sentence) for i in bpe_encode(word.encode(), so_far)
    ]
    print(
        f"{n:3} merges, {len(ids)} tokens: ",
        "·".join(bpe_decode([i], so_far) for i in ids),
    )
    assert bpe_decode(ids, so_far) == sentence and sentence not in " ".join(some)
assert len(bpe_encode(b" but", merges)) == 1 < len(bpe_encode(b" donkey", merges))

# %% [markdown]
# Frequent words become one token, rare ones stay in pieces. `learn_merges` counts everything anew for each merge. The
# library's `train_tokenizer` looks only at the words a merge has changed, and learns the same:

# %%
tokenizer = train_tokenizer(some, vocab=256 + 300)
assert tokenizer.merges == merges
for story in unseen[:20]:
    ids = [i for word in pre_tokens(story) for i in bpe_encode(word.encode(), merges)]
    assert ids == tokenizer.encode(story) == tokenizer.tiktoken().encode(story)

# %% [markdown]
# The last line is OpenAI's `tiktoken`, a program in Rust, given your merges: the same ids.
#
# ## Exercise 8.6 · split_special
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

    special: a list of names such as "<EOS>", none inside another. Returns a list of
    strings.
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
# In the library special tokens have the first ids. A stranger's text that says `<EOS>` is refused, unless you allow it or
# take it as plain letters:

# %%
special = ["<PAD>", "<SOS>", "<EOS>", "<UNK>"]
tokenizer = train_tokenizer(known, vocab=2048, special=special)
print(split_special("The end.<EOS>", special))
assert list(tokenizer.special.values()) == [0, 1, 2, 3]
print(
    tokenizer.encode("The end.<EOS>", allowed_special="all"),
    "ends with",
    tokenizer.special["<EOS>"],
)
print(tokenizer.encode_ordinary("The end.<EOS>"))
try:
    tokenizer.encode("The end.<EOS>")
except ValueError as error:
    print(error)

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
    no_word, no_sign = (
        sum(word not in listed for word in words),
        sum(sign not in signs for sign in text),
    )
    print(
        f"{name:12} {len(words):5} {no_word:6} {len(text):11} {no_sign:6} "
        f"{len(text.encode()):6} {n_pairs:11}"
    )
    assert tokenizer.decode(tokenizer.encode(text)) == text and n_pairs < len(
        text.encode()
    )
    assert tokenizer.encode(text) == tokenizer.tiktoken().encode(text)
assert len(tokenizer.encode(samples["a rare word"])) == 16 and not signs & set("è0😀")

# %% [markdown]
# A list of the stories' characters has gaps too: è, 0, every face. Bytes have none; byte pairs have none either, and are fewer.
# Yet one rare word takes 16 of them. What do these pieces look like?

# %%
for name, text in samples.items():
    print(
        f"{name:12}",
        "·".join(
            part.decode(errors="replace") for part in parts_of(tokenizer, text)
        ).replace("\n", "↵"),
    )

# %% [markdown]
# How big should a vocabulary be? A smaller one is the beginning of a bigger one, so one training gives the whole curve.
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

# %%
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
# The first merges save most; the last doubling saves 15%. With 4,096 ids, 99% of the words of other stories are one token: our
# list has 2,430 words and signs, real English hundreds of thousands. Italian gains far less: its pairs were never counted.
#
# A large vocabulary shortens texts and fattens the model: each id is a row in the table of vectors (02), and one more answer to
# choose among. GPT-2 has 50,257 rows of 768 numbers:

# %%
table, all_parameters = 50_257 * 768, 124_439_808
print(
    f"{table:,} parameters, {table / all_parameters:.0%} of GPT-2's {all_parameters:,}"
)
assert 256 + 50_000 + 1 == 50_257 and table == 38_597_376

# %% [markdown]
# 256 bytes, 50,000 merges, and `<|endoftext|>`. Below is how GPT-2 cuts, as recorded for this notebook; where its file (456 kB)
# is on your machine, the record is checked. `load_gpt2()`, without `offline`, fetches it.

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
# ## What breaks
# **Other languages pay more.** The same 1,000 sentences in English and in Italian, in tokens: by our stories' merges, and by
# GPT-2's, which were learnt from English web pages (recorded, and checked like above).

# %%
gpt2_tokens, ours, letters = {"English": 8_679, "Italian": 14_850}, {}, {}
for name, sentences in (("English", english), ("Italian", italian)):
    ours[name], letters[name] = (
        sum(map(len, map(tokenizer.encode, sentences))),
        sum(map(len, sentences)),
    )
    print(
        f"{name}: {letters[name]:,} characters, {ours[name]:,} tokens here, "
        f"{gpt2_tokens[name]:,} tokens of GPT-2"
    )
    assert gpt2 is None or gpt2_tokens[name] == sum(
        len(gpt2.encode(sentence)) for sentence in sentences
    )
assert letters["Italian"] < 1.05 * letters["English"]
assert all(
    round(count["Italian"] / count["English"], 1) == 1.7
    for count in (ours, gpt2_tokens)
)

# %% [markdown]
# Nearly as many characters, 1.7 times the tokens: where answers are paid by the token, an Italian reader pays 1.7 times as much,
# and a model's window is full after that much less text.
#
# **Letters are hidden.** GPT-2 reads ` strawberry` as 41236. How many *r* are in 41236? A model has to learn the spelling of
# each token by heart. So too numbers: *1912* is 19·12, but *12345* is 123·45.

# %% [markdown]
# **Spaces and capitals.** `cat` and ` cat` have no id in common: to a model they are as different as any two words, until it has
# learnt better.
#
# > **Predict.** Which of the six are one token?

# %%
forms = ["cat", " cat", "Cat", " Cat", "CAT", " cats"]
for form in forms:
    print(repr(form).ljust(7), tokenizer.encode(form))
assert [form for form in forms if len(tokenizer.encode(form)) == 1] == [" cat"]
assert not set(tokenizer.encode("cat")) & set(tokenizer.encode(" cat"))

# %% [markdown]
# **A text cut in the wrong place.** Someone types *the do*, a model goes on with *nkey*. The letters are those of *the donkey*;
# the ids are not, and the model has never seen them in that order.

# %%
typed = tokenizer.encode("the do") + tokenizer.encode("nkey")
written = tokenizer.encode("the donkey")
print(
    [tokenizer.token(i).decode() for i in typed],
    [tokenizer.token(i).decode() for i in written],
)
assert tokenizer.decode(typed) == tokenizer.decode(written) and typed != written

# %% [markdown]
# So end a prompt with a whole word, without a space after it. And `encode(decode(ids))` need not give the same ids; only
# `decode(encode(text))` is sure to give the text.
#
# **Ids that were never trained.** A vocabulary is learnt from one text, a model from another. GPT-2 has a token for
# ` SolidGoldMagikarp`, a user name; models that hardly ever read it answered such "glitch tokens" with nonsense (Rumbelow and
# Watkins 2023).

# %%
if gpt2:
    assert gpt2.encode(" SolidGoldMagikarp") == [43453] and gpt2.encode(
        " strawberry"
    ) == [41236]

# %% [markdown]
# ## What newer models do differently
# As their makers tell it (nothing here measures it): GPT-4's tokenizer is this algorithm. Its pattern cuts numbers after three
# digits at most; its vocabulary is twice as large, with tokens for runs of spaces, so code is shorter, and other languages cost
# less.
#
# BERT (16) uses **WordPiece**, which takes the longest piece that fits and writes `##` inside words. T5 (17) uses
# **SentencePiece**'s unigram model: it starts from too many pieces, drops the least useful, and writes a space as `▁`. The idea is the same:
# frequent things whole, rare things in pieces.
#
# ## What to remember
# - Byte pair encoding merges the most frequent pair again and again; encoding repeats the merges in the same order.
# - 256 bytes make every text possible. What was frequent in the training text is short; everything else pays.
# - A model sees ids: no letters, no digits. Special tokens are cut out first, and a stranger's text may not contain them.
#
# **Next**: [09 · Encoder-decoder translation](09_encoder_decoder_translation.ipynb) puts everything together.
