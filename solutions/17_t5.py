# %% [markdown]
# # 17 · T5: everything is text to text
# After this notebook you can give one model many tasks by writing them as text, turn texts without labels into training
# pairs, and find the answer to a question in a paragraph.
#
# You need: notebooks 04, 05, 06, 08, 09, 10, 11, 13, 14 and 16. You build: span corruption, relative positions, the
# attention of T5, and the search for the best answer. 165 minutes, best in two sittings.

# %%
import json
import math
import random
import time
from collections import Counter

import matplotlib.pyplot as plt
import torch
from torch import nn

from lib.corpora.tasks import load_tasks
from lib.figures import heatmap, style, transformer_map
from lib.scoring import plain_answer

style()
torch.set_num_threads(1)

# %% [markdown]
# ## The question
# You have built a translator (notebook 9), and a classifier with a head of its own (notebook 16). Each new task brought
# a new model, a new output and a new loss. Here are six tasks. Can *one* model do all of them, with one output and one
# loss, and how would it know what to do?

# %%
tasks, tests = load_tasks("train"), load_tasks("test")
for name in ("to Italian", "to English", "negate", "ask"):
    source, target = tests[name][3]
    print(f"{source}  →  {target}")
for name in ("summarise", "question"):
    source, target = tests[name][5]
    print(f"\n{source}\n  →  {target}")

# %% [markdown]
# Everything that the model needs to know is in what it reads. The first words say what to do: they are the **prefix** of
# the task. A question and the story that answers it are one text. The answer is text as well, whatever the task: a
# translation, a name, a month. So the encoder-decoder of notebook 9 can do all of it, with cross-entropy on the next
# token as the only loss. This is what **T5**, the *Text-to-Text Transfer Transformer* of Raffel et al.
# ([2020](https://arxiv.org/abs/1910.10683)), is: an encoder and a decoder, and everything written as text. (A program
# wrote all these sentences and stories, as in notebooks 3 and 11.)
#
# ## By hand
# *Where the labels come from.* T5 first learns from texts that nobody has labelled. Some words are taken out, and the
# model has to write them. The example of the paper:
#
# | | |
# |---|---|
# | the text | Thank you **for inviting** me to your party **last** week |
# | the encoder reads | Thank you `<X>` me to your party `<Y>` week |
# | the decoder writes | `<X>` for inviting `<Y>` last `<Z>` |
#
# `<X>`, `<Y>` and `<Z>` are **sentinels**: tokens that occur in no text. Of ten words three are hidden. The encoder reads
# 10 − 3 + 2 = **9** tokens: two sentinels stand for two runs of words. The decoder writes 3 + 3 = **6**: what is hidden, a
# sentinel before each run, and a last one that says that nothing more is missing.
#
# *How good is an answer?* SQuAD (Rajpurkar et al. [2016](https://arxiv.org/abs/1606.05250)) is a set of questions about
# paragraphs of Wikipedia, and answers are scored today as it scored them. The right answer is "Norwich", and the model
# says "the city of Norwich". Articles are left out, so it has said three words. **Precision** is the share of the said
# words that are right, 1 of 3. **Recall** is the share of the right words that were said, 1 of 1. **F1** is the harmonic
# mean of both, 2 · (1/3 · 1) / (1/3 + 1) = **0.5**. For the second score, the **exact match**, both answers have to be
# the same: 0.

# %%
text = ["Thank", "you", "for", "inviting", "me", "to", "your", "party", "last", "week"]
read, written = "Thank you X me to your party Y week", "X for inviting Y last Z"
assert (len(text), len(read.split()), len(written.split())) == (10, 9, 6)

# %% [markdown]
# ## The picture
# At the left: how a text without labels becomes two, (tokens,) each, one to read and one to write. At the right the whole
# Transformer: both halves of it are used today.

# %% jupyter={"source_hidden": true}
colours = {
    **dict.fromkeys("XYZ", "#ffd9a8"),
    **dict.fromkeys(["for", "inviting", "last"], "#a9cdf2"),
}
_, panels = plt.subplots(1, 2, figsize=(8.8, 3.2), width_ratios=[2.5, 1])
lines = {"text": text, "encoder reads": read.split(), "decoder writes": written.split()}
for row, (name, words) in enumerate(lines.items()):
    label, place, style_of = f"{name} ({len(words)})", 0.0, {"va": "center", "size": 9}
    panels[0].text(-0.1, 0.3 - row, label, ha="right", **style_of)
    for word in words:
        shown = f"<{word}>" if word in "XYZ" else word
        width, colour = 0.14 + 0.085 * len(shown), colours.get(word, "#eeeeee")
        panels[0].add_patch(plt.Rectangle((place, -row), width, 0.6, color=colour))
        panels[0].text(place + width / 2, 0.3 - row, shown, ha="center", **style_of)
        place += width + 0.05
panels[0].set(xlim=(-1.6, 5.3), ylim=(-2.5, 1.1), frame_on=False, xticks=[], yticks=[])
transformer_map(panels[1], numbers=False)
plt.show()

# %% [markdown]
# Blue words are hidden, orange ones are sentinels. What is hidden leaves the encoder's text and appears in the decoder's.
# Nothing is written twice: the decoder does not repeat what can be read. The small map is the Transformer of 2017. Its two
# boxes "+ positions" stay empty in T5, which adds nothing to the words' vectors: its positions come in elsewhere, below.
#
# ## In code
# Words as numbers from here on. A **span** is a run of tokens that is hidden together, given as (start, end), with the
# end not included, as in slices. `random_spans` of `lib.spans` draws them: the **corruption rate** is 15%, so many of the
# tokens are hidden, 3 in a span on average.

# %%
from lib.spans import random_spans

rng = random.Random(0)
print("of 30 tokens ", random_spans(30, rng))
print("of 100 tokens", random_spans(100, rng))
spans = random_spans(100, rng)
assert sum(end - start for start, end in spans) == 15 and len(spans) == 5

# %% [markdown]
# ## Span corruption: labels for free
# BERT (notebook 16) replaces single words by `[MASK]` and guesses each in its place. T5 changes two things.
#
# - *Spans instead of words.* One sentinel stands for the whole span, so the encoder does not see how many words are
#   missing. It has less to read, and the task is a little harder: "for inviting" has to fit as a whole.
# - *A decoder instead of a head.* The hidden words are written one after the other, and each may look at those before
#   it. BERT guesses all hidden words at once, each by itself.
#
# A task in which a damaged text has to be mended is a **denoising objective**. The paper compared many. Those that hide
# something gave nearly the same scores after fine-tuning; they beat a plain language model. So Raffel and colleagues chose by price.
# A model that must write the *whole* text writes 512 tokens for 512; with span corruption it writes 15% of them and the
# sentinels.
#
# Precisely: let spans 1 to n be hidden, and let s₁, s₂ … be the sentinels in their order. The **inputs** are the text
# with sᵢ in place of span i. The **targets** are s₁, the tokens of span 1, s₂, the tokens of span 2, …, and at the end
# one sentinel more, sₙ₊₁, which says that nothing follows. With the text 11 12 13 14 15, the spans (1, 3) and (4, 5) and
# the sentinels 90, 91, 92: the inputs are 11 **90** 14 **91**, and the targets **90** 12 13 **91** 15 **92**.
#
# ## Exercise 17.1 · corrupt_spans
# Two lists out of a list of ids. The spans come in order, with a token between neighbours at least; there may be none, and a
# span may begin or end the text. Difficulty ●●○ · 10 minutes.
#
# <details><summary>How do I get what lies between the spans?</summary>Keep in <code>at</code> where the last span has
# ended: <code>ids[at:start]</code> lies before the next one, and <code>ids[at:]</code> after the last.</details>
# <details><summary>zip() complains</summary>There are more sentinels than spans:
# <code>zip(spans, sentinels)</code> stops with the shorter one; <code>strict=True</code> does not.</details>


# %% exercise="corrupt_spans" difficulty=2 minutes=10
def corrupt_spans(ids, spans, sentinels):
    """Hide spans: of "thank you for inviting me" the model reads "thank you <X> me".

    ids: a text, without sentinels    spans: (start, end), a token long at least, in
    order, apart
    sentinels: <X>, <Y>, <Z> ..., as ids

    Returns inputs and targets: in the inputs each span has given way to the next
    sentinel; the targets are each sentinel with the tokens of its span, and one
    sentinel more, which says that nothing follows. Raises ValueError when there are not
    more sentinels than spans.
    """
    ### BEGIN SOLUTION
    if len(sentinels) <= len(spans):
        raise ValueError(
            f"{len(spans)} spans need {len(spans) + 1} sentinels, "
            f"there are {len(sentinels)}"
        )
    inputs, targets, at = [], [], 0
    for (start, end), sentinel in zip(spans, sentinels, strict=False):
        inputs += [*ids[at:start], sentinel]
        targets += [sentinel, *ids[start:end]]
        at = end
    return [*inputs, *ids[at:]], [*targets, sentinels[len(spans)]]
    ### END SOLUTION


# %% check="corrupt_spans"
from lib.checks import check

corrupt_spans = check("corrupt_spans")

# %%
inputs, targets = corrupt_spans([11, 12, 13, 14, 15], [(1, 3), (4, 5)], [90, 91, 92])
print("inputs ", inputs)
print("targets", targets)

# %% jupyter={"source_hidden": true}
assert inputs == [11, 90, 14, 91] and targets == [90, 12, 13, 91, 15, 92]

# %% [markdown]
# ## Question 17.1 · target_length
# A text has 100 tokens, and 15% of them are hidden in spans of 3 on average: 15 tokens in 5 spans. How many tokens do the
# targets have? 2 minutes.

# %% question="target_length" difficulty=1 minutes=2
### BEGIN SOLUTION
target_length = 21
### END SOLUTION

# %% check="target_length"
from lib.checks import check

target_length = check("target_length")

# %% [markdown]
# The same for a text of 512 tokens. A decoder that writes everything has 512 positions to compute; one that fills in
# single words needs a sentinel for each of them:


# %%
def lengths(n, mean):
    """How many tokens are read and written for n tokens, in spans of so many."""
    spans = random_spans(n, random.Random(0), mean=mean)
    inputs, targets = corrupt_spans(list(range(n)), spans, list(range(-n, 0)))
    return len(inputs), len(targets)


print("encoder, decoder")
print(*lengths(512, mean=3), "  spans of 3")
print(*lengths(512, mean=1), "  single words")

# %% jupyter={"source_hidden": true}
assert lengths(512, 3) == (461, 104) and lengths(512, 1) == (512, 155)
assert lengths(568, 3) == (511, 114)

# %% [markdown]
# 104 positions in place of 512 to write, and 461 to read. With single words it would be 155 and 512: spans are cheaper
# on both sides. (T5 was trained on pieces of about 568 tokens, of which the encoder reads 511 and an end mark: 512.)
#
# Nothing is lost by it: from inputs and targets the text can be put together again. The function that does so is useful
# beyond checking: when a trained model writes the targets, it gives the text as the model would complete it. And a model
# may write anything: sentinels in another order, twice, or none at all.
#
# ## Exercise 17.2 · restore_spans
# No sentinel stands twice in the inputs. Each is replaced by the tokens that follow the same sentinel in the targets, up
# to the next sentinel, whichever that is. For what a model may write there are four rules:
#
# - a sentinel that the targets lack is replaced by nothing;
# - if it occurs several times in the targets, all its pieces are joined, in order;
# - tokens before the first sentinel of the targets are ignored;
# - a sentinel of the targets that the inputs lack is ignored as well, with the tokens that follow it.
#
# With the inputs 5 **90** 6 **91** and the targets 3 **91** 8 **90** 1 **91** 9, the text is 5 1 6 8 9: the 3 stands
# before the first sentinel, and 91 has two pieces. Difficulty ●●○ · 10 minutes.
#
# <details><summary>How do I begin?</summary>First go through the targets once, and collect for each sentinel the list of
# tokens that follow it. A dictionary of lists does it.</details>
# <details><summary>What if the targets begin without a sentinel?</summary>Collect these tokens in a list that nobody
# looks at.</details>


# %% exercise="restore_spans" difficulty=2 minutes=10
def restore_spans(inputs, targets, sentinels):
    """The text that `corrupt_spans` was given. The targets may also be a model's.

    No sentinel stands twice in `inputs`. Each is replaced by the tokens that follow the
    same sentinel in `targets`, up to the next sentinel. A sentinel missing from
    `targets` is replaced by nothing. If it occurs several times in `targets`, all its
    pieces are joined in order. Tokens before the first sentinel of `targets` are
    ignored, and so is a sentinel of `targets` that `inputs` lack.
    """
    ### BEGIN SOLUTION
    runs: dict[int, list[int]] = {sentinel: [] for sentinel in sentinels}
    run: list[int] = []
    for token in targets:
        run = runs.get(token, run)
        if token not in runs:
            run.append(token)
    return [token for place in inputs for token in runs.get(place, [place])]
    ### END SOLUTION


# %% check="restore_spans"
from lib.checks import check

restore_spans = check("restore_spans")

# %%
print(restore_spans([5, 90, 6, 91], [3, 91, 8, 90, 1, 91, 9], [90, 91, 92]))

# %% jupyter={"source_hidden": true}
assert restore_spans([5, 90, 6, 91], [3, 91, 8, 90, 1, 91, 9], [90, 91]) == [
    5,
    1,
    6,
    8,
    9,
]
for n in (2, 30, 512):
    ids, marks = list(range(n)), list(range(-n, 0))
    inputs, targets = corrupt_spans(ids, random_spans(n, rng), marks)
    assert restore_spans(inputs, targets, marks) == ids

# %% [markdown]
# Tokens instead of numbers. The tokenizer is notebook 8's, trained on all texts of the six tasks, English and Italian
# together; T5's has 32,000 pieces for English, German, French and Romanian. The sentinels are special tokens, which no
# text can contain.

# %% tags=["training"]
from lib.batching import SPECIAL
from lib.tokenizer import train_tokenizer

SENTINELS = [f"<X{i}>" for i in range(12)]
seen = {name: tasks[name] for name in tasks if name != "past"}
texts = [text for examples in seen.values() for example in examples for text in example]
tokenizer = train_tokenizer(texts, 2_048, [*SPECIAL, *SENTINELS])
sentinels = [tokenizer.special[name] for name in SENTINELS]
story = tests["summarise"][5].source.removeprefix("summarise: ")
hide = [(7, 10), (22, 24), (40, 44)]
inputs, targets = corrupt_spans(tokenizer.encode_ordinary(story), hide, sentinels)
print(tokenizer.decode(inputs), tokenizer.decode(targets), sep="\n\n")

# %% [markdown]
# Could you fill the gaps? Some need grammar, some need the rest of the story, and some cannot be known. A model that has
# filled millions of them has learnt something of each kind. This is **pretraining**: a first training on texts without
# labels. **Fine-tuning** is what follows, on a task that has some. How much is it worth? In the paper's table 1 the same
# model was fine-tuned on each task with span corruption before it and without: 80.9 against 50.3 exact matches in a hundred
# on SQuAD's questions, but BLEU 39.8 against 39.8 from English to French, for which there are millions of labelled pairs. It
# helps where labels are few. We do not pretrain here: the model below learns from labels only.
#
# ## Relative positions: how far, not where
# Notebook 6 gave each position a vector and added it to the word's: an **absolute position**. But what matters to a word
# is rarely that it stands at place 17. It matters that an adjective stands *one before*. Rotary positions (notebooks 6
# and 14) turn queries and keys so that scores depend on the distance. Shaw et al.
# ([2018](https://arxiv.org/abs/1803.02155)) add a learned *vector* for the distance to each key and value. T5 does it in a
# plainer way, with one learned *number*, a **relative position bias**. To the score of query i and key j, head h adds a
# number for their distance:
#
# $$\mathrm{score}_h(i, j) = q_i \cdot k_j + b_h(\mathrm{bucket}(j - i))$$
#
# q and k are query and key of head h, and b is a table with one row for each **bucket** and one column for each head. A
# head that should look at the word before learns a large number for the distance −1; one that should look anywhere
# leaves its column at 0. The words' vectors carry no position at all.
#
# *Why buckets?* A number for each distance would be too fine far away, where it hardly matters whether a word is 70 or 71
# places off and where examples are few; and a distance that was never seen in training would have no number. So near
# distances have a bucket each, and farther ones share wider and wider buckets.
#
# Take the keys before the query (one side), and let d = i − j be how far back such a key is. With n buckets, the first n/2
# are **exact**: the distances 0, 1 … n/2 − 1 have one each. The others grow by a constant factor up to the distance
# `furthest`, and the last one also holds everything farther than that. For d from n/2 on:
#
# $$\mathrm{bucket}(-d) = \tfrac{n}{2} + \left\lfloor \bigl(n - \tfrac{n}{2}\bigr) \cdot
# \frac{\ln(d / \frac{n}{2})}{\ln(\mathrm{furthest} / \frac{n}{2})} \right\rfloor \quad\text{but at most } n - 1$$
#
# ⌊ ⌋ rounds down. For 8 buckets and furthest 16: 4 are exact, and 7 places back is 4 + ⌊4 · ln(7/4) / ln(16/4)⌋ = 4 +
# ⌊1.61⌋ = 5.
#
# | places back, d | 0 | 1 | 2 | 3 | 4, 5 | 6, 7 | 8 to 11 | 12 and more |
# |---|---|---|---|---|---|---|---|---|
# | bucket | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |
#
# A decoder looks back only, so all its buckets are for one side. An encoder looks both ways (`two_sided`): half of the
# buckets are for keys at the query or before it, and the second half, with the same rule, for keys after it.
#
# ## Exercise 17.3 · relative_buckets
# `distance` is the position of the key minus that of the query: negative before, positive after. Any shape goes in, the same
# shape comes out. Raise ValueError where the two sizes leave no room for both kinds of buckets. Difficulty ●●● · 15 minutes.
#
# <details><summary>The logarithm of 0</summary>The rule for far distances is computed for near ones as well, and thrown away
# there by <code>torch.where</code>. <code>size.clamp(min=1)</code> keeps it finite.</details>
# <details><summary>Which half is which?</summary>With <code>two_sided</code> a side has n_buckets // 2. Keys after the query
# (distance above 0) get that many added.</details>
# <details><summary>One-sided, and the key stands after the query</summary>It counts as distance 0. It will be masked
# anyway.</details>


# %% exercise="relative_buckets" difficulty=3 minutes=15
def relative_buckets(distance, two_sided=True, n_buckets=32, furthest=128):
    """The bucket of each distance: one for each nearby, wider and wider ones farther.

    distance: position of the key minus position of the query, int64, any shape
    two_sided: the second half of the buckets is for keys after the query; else such
    keys count as distance 0

    A side of n buckets gives its first n // 2 to the distances 0, 1, 2 ... Then bucket
    number n // 2 + (n - n // 2) · ln(size / (n // 2)) / ln(furthest / (n // 2)),
    rounded down (where it is whole, a rounding error may give the bucket below); from
    `furthest` on all sizes share the last one.

    Returns int64, 0 to n_buckets - 1, of the same shape. Raises ValueError when a side
    has fewer than two buckets, or when furthest is not above n // 2.
    """
    ### BEGIN SOLUTION
    n, first, size = n_buckets, 0, (-distance).clamp(min=0)
    if two_sided:
        n, size = n_buckets // 2, distance.abs()
        first = n * (distance > 0)
    exact = n // 2
    if exact < 1 or furthest <= exact:
        raise ValueError(
            f"n_buckets={n_buckets} and furthest={furthest} leave no room: "
            f"{exact} distances are exact"
        )
    # 0 at `exact`, 1 at `furthest`
    share = torch.log(size.clamp(min=1) / exact) / math.log(furthest / exact)
    rough = exact + (share * (n - exact)).long()
    return first + torch.where(size < exact, size, rough.clamp(max=n - 1))
    ### END SOLUTION


# %% check="relative_buckets"
from lib.checks import check

relative_buckets = check("relative_buckets")

# %%
buckets = relative_buckets(-torch.arange(16), False, 8, 16).tolist()
print(buckets)

# %% jupyter={"source_hidden": true}
assert buckets == [0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7]

# %% [markdown]
# ## Question 17.2 · far_bucket
# T5's own sizes: two-sided, 32 buckets, furthest 128. Which bucket has a key that stands 20 places **after** the query? By
# pencil: ln(20/8) = 0.916, and ln(128/8) = 2.773. 4 minutes.

# %% question="far_bucket" difficulty=2 minutes=4
### BEGIN SOLUTION
far_bucket = 26
### END SOLUTION

# %% check="far_bucket"
from lib.checks import check

far_bucket = check("far_bucket")

# %% [markdown]
# All buckets of T5 at a glance:

# %% jupyter={"source_hidden": true}
distances = torch.arange(-140, 141)
around, back = relative_buckets(distances), relative_buckets(distances, False)
figure, panels = plt.subplots(1, 2, figsize=(8, 2.8))
for axes, reach, mark in zip(panels, (140, 12), (None, "."), strict=True):
    near = distances.abs() <= reach
    for buckets, line, name in ((around, "-", "encoder"), (back, "--", "decoder")):
        label = f"{name}: {'two' if name == 'encoder' else 'one'}-sided"
        axes.step(
            distances[near], buckets[near], line, marker=mark, where="mid", label=label
        )
    axes.set(xlabel="position of the key − position of the query", ylabel="bucket")
panels[0].legend(fontsize=8, loc="lower left", bbox_to_anchor=(0.02, 0.1))
panels[1].set_title("from −12 to 12")
plt.show()

# %% jupyter={"source_hidden": true}
assert sorted(set(around.tolist())) == [*range(16), *range(17, 32)]
assert set(back.tolist()) == set(range(32))

# %% [markdown]
# Read it from the middle (at the right): near 0 every distance has a step of its own, then the steps get longer. In the
# encoder (solid line) the words before the query have the buckets 0 to 15 and those after it 17 to 31. Bucket 16 stays
# empty: it would be distance 0 on that side. The decoder (dashed) spends all 32 on what lies before.
#
# ## Exercise 17.4 · RelativeBias
# The table is `nn.Embedding(n_buckets, n_heads)` under the name `table`, and all that is saved: published weights are
# loaded into it. `forward` says what to add to the scores, as
# (heads, query, key). With a cache (notebook 13) there may be fewer queries than keys: the queries are then the **last** ones.
# So query 0 has position keys − queries. Use your `relative_buckets`. Difficulty ●●○ · 12 minutes.
#
# <details><summary>How do I get all distances at once?</summary><code>keys_at - queries_at[:, None]</code>, with two rows of
# positions, is (query, key).</details>
# <details><summary>The heads are the last axis</summary>The table gives (query, key, heads);
# <code>permute(2, 0, 1)</code> moves the last axis to the front.</details>


# %% exercise="RelativeBias" difficulty=2 minutes=12
class RelativeBias(nn.Module):
    """A learned number for each head and bucket; one table for all blocks."""

    def __init__(self, n_heads, two_sided, n_buckets=32, furthest=128):
        super().__init__()
        ### BEGIN SOLUTION
        self.two_sided, self.furthest = two_sided, furthest
        self.table = nn.Embedding(n_buckets, n_heads)
        ### END SOLUTION

    def forward(self, queries, keys):
        """What to add to the scores, (heads, query, key).

        The queries are the last ones of the keys: with a cache too. Gradients reach the
        table. Raises what `relative_buckets` raises, if `__init__` has not done so.
        """
        ### BEGIN SOLUTION
        positions = torch.arange(keys, device=self.table.weight.device)
        distance = positions - positions[keys - queries :, None]  # (query, key)
        buckets = relative_buckets(
            distance, self.two_sided, self.table.num_embeddings, self.furthest
        )
        return self.table(buckets).permute(2, 0, 1)
        ### END SOLUTION


# %% check="RelativeBias"
from lib.checks import check

RelativeBias = check("RelativeBias")

# %%
bias = RelativeBias(1, two_sided=False, n_buckets=8, furthest=16)
with torch.no_grad():
    bias.table.weight[:, 0] = torch.tensor([0.0, 3, 2, 1, 0, -1, -2, -3])
whole, step = bias(9, 9)[0].detach(), bias(1, 9)[0]

# %% jupyter={"source_hidden": true}
assert torch.equal(whole[-1:], step)

# %% jupyter={"source_hidden": true}
places, future = [str(i) for i in range(9)], torch.ones(9, 9).triu(1).bool()
shown = whole.masked_fill(future, math.nan)
figure = heatmap(shown, places, places, limits=(-3, 3), signed=True, digits=0)
axes = figure.axes[0]
axes.set(xlabel="key", ylabel="query", facecolor="lightgrey")
for text_of_future in [part for part in axes.texts if part.get_text() == "nan"]:
    text_of_future.remove()
plt.show()

# %% [markdown]
# Rows are queries, columns keys. The table was filled by hand for a head that likes the word right before: 3 for
# distance 1, then less and less. The same number runs along each diagonal, because only the distance counts. (The grey
# triangle is the future, which the causal mask hides.) With a cache, one query at the end gets the last row.
#
# T5 has one such table for all blocks of the encoder, and one for all blocks of the decoder. Cross-attention has none: there
# is no distance between a word of a question and a word of its answer.
#
# ## Attention with a bias, undivided
# One more thing is missing from T5's attention, and it is the one that the paper of 2017 insists on: the division by
# √d_head. Why was it there? If the numbers of q and k are independent, with mean 0 and variance 1, a score is a sum of
# d_head products of variance 1, so its variance is d_head. The softmax of such large scores is nearly one-hot, and its
# gradients are nearly 0 (notebook 4). But the same can be had in another way: let the queries *begin* smaller, and nothing needs
# to be divided later. T5 draws the matrix of the queries with smaller numbers, and computes
#
# $$\mathrm{attention}(q, k, v) = \mathrm{softmax}(q k^{\top} + b)\, v$$
#
# Nothing else changes, neither mask nor shapes. It matters when weights are *loaded*: a published T5 in a layer that
# divides gives other numbers, and no error.
#
# ## Question 17.3 · query_std
# How much smaller? Let x have 512 independent numbers of mean 0 and variance 1. The query is q = xW, where the numbers of W
# are independent too and have mean 0; d_head is 64. The numbers of k have mean 0 and variance 1. Which **standard
# deviation** must the numbers of W have so that the scores q · k, undivided, have variance 1? 4 minutes.

# %% question="query_std" difficulty=2 minutes=4
### BEGIN SOLUTION
query_std = 1 / math.sqrt(512 * 64)
### END SOLUTION

# %% check="query_std"
from lib.checks import check

query_std = check("query_std")

# %% [markdown]
# ## Exercise 17.5 · biased_attention
# Like `attention` of notebook 4, with the bias and without the division. A row whose mask allows nothing gives zeros, not NaN, and
# its gradients are finite. Difficulty ●●○ · 8 minutes.
#
# <details><summary>NaN in a row that sees nothing</summary>The softmax of nothing but −∞ is NaN. Put 0 there afterwards,
# with <code>masked_fill</code> and the same mask.</details>
# <details><summary>Does the bias come before or after the mask?</summary>Before: what is hidden stays hidden, however much
# a head likes that distance.</details>


# %% exercise="biased_attention" difficulty=2 minutes=8
def biased_attention(q, k, v, bias=0.0, mask=None):
    """Attention with scores QKᵀ + bias (Raffel et al. 2020; undivided in their code).

    q: (..., query, d_head)    k: (..., key, d_head)    v: (..., key, d_value)
    bias: broadcastable to (..., query, key)
    mask: as well, bool, True where looking is allowed; None: everywhere

    Returns the mixed values (..., query, d_value) and the weights (..., query, key). A
    row of weights sums to 1; where the mask allows no key at all, weights and mix are
    0. Gradients flow to q, k, v and bias and are finite.
    """
    ### BEGIN SOLUTION
    scores = q @ k.transpose(-2, -1) + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        # subtle: a row of nothing but -inf has become NaN
        weights = weights.masked_fill(~mask, 0.0)
    return weights @ v, weights
    ### END SOLUTION


# %% check="biased_attention"
from lib.checks import check

biased_attention = check("biased_attention")

# %%
generator = torch.Generator().manual_seed(0)
x, k = (torch.randn(1_000, size, generator=generator) for size in (512, 64))
w = torch.randn(512, 64, generator=generator)
spread = {}
for name, std in (("as for any Linear, 1/√512", 512**-0.5), ("T5's", 32_768**-0.5)):
    spread[name] = ((x @ w * std) @ k.T).var().item()
    print(f"{name}: the scores have variance {spread[name]:.2f}")

# %% jupyter={"source_hidden": true}
large, small = spread.values()
assert abs(small - 1) < 0.05 and abs(large - 64) < 3

# %% [markdown]
# ## The whole of T5
# The rest you have. Every part below is one of yours, or one that you have seen in an earlier notebook:
#
# | | the translator of notebook 9 | T5 |
# |---|---|---|
# | positions | sinusoids, added to the words | a bias for each distance, added to the scores |
# | scores | divided by √d_head | undivided (so in their code); queries begin smaller |
# | norm | LayerNorm | RMSNorm (notebook 14), before each part and at the end |
# | biases of linear layers | in the feed-forward | none anywhere |
# | feed-forward | ReLU | ReLU; GEGLU in version 1.1, a SwiGLU (notebook 14) with GELU |
# | words | a vocabulary for each language | one, in pieces, for whatever is read or written |
# | output | tied to the target's table | tied to the only table; untied in version 1.1 |
# | the task | built in | written in front of the text |
#
# Here is the attention layer, with your function in it. The library's `BiasedAttention` does the projections, the heads and
# the cache, and `T5` builds blocks out of what it is given:

# %%
from lib.relative_positions import BiasedAttention
from lib.t5 import T5, GatedFeedForward, fresh_t5_weights


class MyAttention(BiasedAttention):
    """Your attention in heads. Cross-attention has no bias."""

    def attend(self, q, k, v, mask):
        added = 0.0
        if self.position_bias is not None:
            added = self.position_bias(q.shape[-2], k.shape[-2])
        return biased_attention(q, k, v, added, mask)[0]


# %% [markdown]
# Does it have the shape of T5? These are t5-small and the small model of version 1.1; their vocabulary of 32,128 is 32,000
# pieces and 100 sentinels, rounded up. On the device "meta" tensors have shapes and no numbers, so it costs no memory:

# %%
mine = {"attention": MyAttention, "relative_bias": RelativeBias}
with torch.device("meta"):
    small = T5(32_128, 512, 8, 2_048, (6, 6), d_head=64, **mine)
    sizes = {"d_head": 64, "tied": False, "feed_forward": GatedFeedForward}
    newer = T5(32_128, 512, 6, 1_024, (8, 8), **sizes, **mine)
for model in (small, newer):
    print(f"{sum(part.numel() for part in model.parameters()):,} parameters")
    table = model.encoder.blocks[0].attention.position_bias.table.weight
    print(f"  of them {2 * table.numel()} for all positions")

# %% jupyter={"source_hidden": true}
assert sum(part.numel() for part in small.parameters()) == 60_506_624
assert sum(part.numel() for part in newer.parameters()) == 76_961_152

# %% [markdown]
# Of 60,506,624 parameters 512 are for positions: 32 buckets times 8 heads, twice. A table of 512 absolute positions would
# have 512 · 512 = 262,144, and end at 512.
#
# These are the published numbers. The count shows that every matrix has the right shape. It says nothing about what is
# computed: leave the division in, and the count is the same. For that the course's tests compare the logits with those of
# Hugging Face's T5, on random weights, with a cache and without.
#
# ## Answers that stand in the text
# T5 writes an answer, token by token; this is **generative** question answering. Where the answer is a piece of the
# paragraph, one can also *point* at it: **extractive** question answering. Such an answer is always a quotation. It
# cannot be misspelt, it cannot be invented, and one sees where it comes from. It also cannot be anything that the text
# does not say in so many words.
#
# BERT (Devlin et al. [2018](https://arxiv.org/abs/1810.04805)) reads `[CLS]` question `[SEP]` paragraph `[SEP]`, and
# gives a vector xᵢ for each token. Two learned vectors make two scores of it: how well an answer **starts** there, and
# how well it **ends** there.
#
# $$s_i = w_{\text{start}} \cdot x_i \qquad e_i = w_{\text{end}} \cdot x_i$$
#
# Training is a choice among positions, twice: the loss is the mean of −ln softmax(s) at the right first token and −ln
# softmax(e) at the right last one. (`SpanScores` and `span_loss` of `lib.spans` do this; it is a Linear and two
# cross-entropies.)
#
# *From characters to tokens.* People mark answers in the text, in characters: SQuAD (Rajpurkar et al.
# [2016](https://arxiv.org/abs/1606.05250)) says "New York, from character 14". A model needs tokens. So for each token we
# keep its **offsets**, the characters (start, end) that it stands for. Tokens of the question, `[CLS]` and `[SEP]` stand
# for nothing in the paragraph, and get (0, 0). In "Anna lives in New York." the answer has the characters 14 to 22:
#
# | token | `[CLS]` | anna | lives | in | new | york | . | `[SEP]` |
# |---|---|---|---|---|---|---|---|---|
# | offsets | 0, 0 | 0, 4 | 5, 10 | 11, 13 | 14, 17 | 18, 22 | 22, 23 | 0, 0 |
# | number | 0 | 1 | 2 | 3 | **4** | **5** | 6 | 7 |
#
# The answer is the tokens 4 to 5. The space between them, character 17, belongs to no token; that is fine. A long paragraph
# is cut off somewhere, and then the answer may be missing, or half of it. One sees it at both ends: the first token that
# holds a part of the answer begins after `start`, or the last one ends before `end`.
#
# ## Exercise 17.6 · token_span
# The first and the last token that hold a part of the characters start to end. Both are 0 if there is none, or if a piece of
# the answer was cut off. An answer may begin in the middle of a token. Difficulty ●●○ · 8 minutes.
#
# <details><summary>When does a token hold a part of the answer?</summary>It begins before the answer ends, and it ends after
# the answer begins. Tokens with (0, 0) hold nothing.</details>
# <details><summary>How do I see that something was cut off?</summary>The first of these tokens must not begin after
# <code>start</code>, and the last must not end before <code>end</code>.</details>


# %% exercise="token_span" difficulty=2 minutes=8
def token_span(offsets, start, end):
    """The first and the last token that hold some of the characters start to end.

    offsets: (start, end) of each token in the text, the end not included, as that of
    the answer; (0, 0) for tokens that stand for nothing in it, of which token 0 is one
    start, end: of an answer of a character at least, with no space at its ends

    Both are 0 if no token holds any, or if a piece of the answer was cut off: the first
    of these tokens begins after `start`, or the last ends before `end`. Spaces inside
    the answer belong to no token; that is fine.
    """
    ### BEGIN SOLUTION
    inside = [
        i
        for i, (begin, stop) in enumerate(offsets)
        if begin < stop and begin < end and start < stop
    ]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return 0, 0
    return inside[0], inside[-1]
    ### END SOLUTION


# %% check="token_span"
from lib.checks import check

token_span = check("token_span")

# %%
words = [(0, 4), (5, 10), (11, 13), (14, 17), (18, 22), (22, 23)]
offsets = [(0, 0), *words, (0, 0)]
first, last = token_span(offsets, 14, 22)
print("New York:", first, last)
cut_first, cut_last = token_span(offsets[:5], 14, 22)
print("cut off after New:", cut_first, cut_last)

# %% jupyter={"source_hidden": true}
assert (first, last) == (4, 5) and (cut_first, cut_last) == (0, 0)

# %% [markdown]
# *The best span.* The best start and the best end, each chosen for itself, may be no answer at all: the end may stand
# before the start, or one of both in the question. So we look for the pair with the highest **sum** among the pairs that
# are possible: first ≤ last, both in the paragraph (the **context**), and not more than `longest` tokens. Five tokens:
#
# | | `[CLS]` | who | `[SEP]` | anna | smiled |
# |---|---|---|---|---|---|
# | start score | 1 | **4** | 0 | 3 | 2 |
# | end score | 1 | 0 | 0 | 1 | **2.5** |
#
# "who" has the best start score, but it belongs to the question. Left are "anna" with 3 + 1 = 4, "anna smiled" with 3 +
# 2.5 = **5.5**, and "smiled" with 2 + 2.5 = 4.5. With `longest` 1 the answer is "smiled".
#
# *No answer.* SQuAD 2.0 (Rajpurkar et al. [2018](https://arxiv.org/abs/1806.03822)) has **unanswerable** questions: the
# paragraph does not answer them. BERT is trained to choose `[CLS]` as start and end there. When it reads, it compares: if
# the two scores of `[CLS]` together, less the best span's sum, are above a **margin**, it says that there is no answer.
# Here 1 + 1 − 5.5 = −3.5 is not above a margin of 0, so there is one. A lower margin makes the model more ready to say "no
# answer", and with a margin of ∞ it never does.
#
# ## Exercise 17.7 · best_spans
# For a whole batch at once: no loops over positions are needed. All pairs (first, last) are one matrix, start scores down
# and end scores across; put −∞ where a pair is not allowed, and take the largest. Difficulty ●●● · 15 minutes.
#
# <details><summary>How do I say first ≤ last &lt; first + longest?</summary>A matrix of True,
# <code>.triu()</code> keeps what is on the diagonal and above, and <code>.tril(longest - 1)</code> cuts off what is too
# far above it.</details>
# <details><summary>How do I find row and column of the largest?</summary>Flatten the last two axes; <code>max(-1)</code>
# gives value and place; row and column are <code>place // position</code> and <code>place % position</code>.</details>
# <details><summary>An empty context</summary>All is −∞ there: the answer is 0 and 0, whatever the margin.</details>


# %% exercise="best_spans" difficulty=3 minutes=15
def best_spans(start_scores, end_scores, context, longest, margin=0.0):
    """The first and last token of the best answer: the highest sum of both scores.

    start_scores, end_scores: (..., position)
    context: (..., position), bool, True on the tokens of the text that answers, which
    stand side by side; never on position 0, which stands for "there is no answer"
    longest: no answer has more tokens
    margin: no answer if start_scores[0] + end_scores[0] - (the best answer's sum) >
    margin; math.inf turns this off

    Returns first and last, (...) each, int64: both in the context, first <= last <
    first + longest. Or 0 and 0, for no answer and where the context is empty; any of
    the best where there are several. Raises ValueError when longest is below 1.
    """
    ### BEGIN SOLUTION
    if longest < 1:
        raise ValueError(f"longest={longest}: an answer has a token at least")
    position = start_scores.shape[-1]
    near = (
        torch.ones(position, position, dtype=torch.bool, device=context.device)
        .triu()
        .tril(longest - 1)
    )
    allowed = near & context[..., :, None] & context[..., None, :]  # (..., first, last)
    scores = start_scores[..., :, None] + end_scores[..., None, :]
    best, place = scores.masked_fill(~allowed, -math.inf).flatten(-2).max(-1)
    nothing = (best == -math.inf) | (
        start_scores[..., 0] + end_scores[..., 0] - best > margin
    )
    place = place.masked_fill(nothing, 0)
    return place // position, place % position
    ### END SOLUTION


# %% check="best_spans"
from lib.checks import check

best_spans = check("best_spans")

# %%
starts = torch.tensor([[1, 4, 0, 3, 2.0]])
ends = torch.tensor([[1, 0, 0, 1, 2.5]])
context = torch.tensor([[False, False, False, True, True]])
found = {}
for longest, margin in ((5, 0.0), (1, 0.0), (5, -4.0)):
    first, last = best_spans(starts, ends, context, longest, margin)
    found[longest, margin] = (first.item(), last.item())
    print(f"longest {longest}, margin {margin:4}: {first.item()} to {last.item()}")

# %% jupyter={"source_hidden": true}
assert list(found.values()) == [(3, 4), (4, 4), (0, 0)]

# %% [markdown]
# ## Question 17.4 · candidate_spans
# A paragraph has 200 tokens, and an answer has at most 30. Among how many spans does `best_spans` choose? 3 minutes.

# %% question="candidate_spans" difficulty=1 minutes=3
### BEGIN SOLUTION
candidate_spans = 5565
### END SOLUTION

# %% check="candidate_spans"
from lib.checks import check

candidate_spans = check("candidate_spans")

# %% [markdown]
# *How good is it?* Two people mark the same answer a little differently: "Norwich" and "the city of Norwich". So SQuAD
# counts twice. First both answers are made plain: small letters, no punctuation, none of the words a, an and the
# (`plain_answer` of `lib.scoring` does it). An **exact match** is 1 if the plain answers are equal. **F1** compares them
# as bags of words: with w words written, r words in the right answer, and m words in both (each as often as it stands in
# both),
#
# $$\mathrm{precision} = \frac{m}{w} \qquad \mathrm{recall} = \frac{m}{r} \qquad
# F_1 = \frac{2 \cdot \mathrm{precision} \cdot \mathrm{recall}}{\mathrm{precision} + \mathrm{recall}} = \frac{2m}{w + r}$$
#
# "the city of Norwich" is plainly *city of norwich*: w = 3, r = 1, m = 1, F1 = 2/4. Where one of the answers has no words
# (no answer), F1 is 1 if both have none, and 0 otherwise. Questions with several right answers count the best one; the
# score of a model is the mean over all questions, in percent.
#
# ## Exercise 17.8 · answer_f1
# Two strings to a float from 0 to 1. Difficulty ●○○ · 6 minutes.
#
# <details><summary>"the the cat" and words that repeat</summary><code>Counter(one) & Counter(other)</code> takes the smaller
# count of each word, and <code>.total()</code> adds them up.</details>
# <details><summary>Division by zero</summary>Two answers without words are right: 1.</details>


# %% exercise="answer_f1" difficulty=1 minutes=6
def answer_f1(written, right):
    """The harmonic mean of precision and recall of the words of two answers: 0 to 1.

    Both answers are made plain first.
    precision: the share of the written words that are right
    recall: the share of the right words that are written

    A word counts at most as often as it stands in both. Where one answer has no words,
    1 if both have none, else 0.
    """
    ### BEGIN SOLUTION
    mine, theirs = plain_answer(written).split(), plain_answer(right).split()
    if not mine and not theirs:
        return 1.0
    shared = (Counter(mine) & Counter(theirs)).total()
    return 2 * shared / (len(mine) + len(theirs))
    ### END SOLUTION


# %% check="answer_f1"
from lib.checks import check

answer_f1 = check("answer_f1")

# %%
for said in ("the city of Norwich", "NORWICH!", "London"):
    print(f"{said:20} {answer_f1(said, 'Norwich'):.2f}")

# %% jupyter={"source_hidden": true}
assert answer_f1("the city of Norwich", "Norwich") == 0.5
assert answer_f1("NORWICH!", "Norwich") == 1

# %% [markdown]
# ## Six tasks, one model
# Now train it. The texts are those of the question at the top: a program wrote them, with fewer than 2,000 different
# English words (*invite* and *invited* count as two).

# %%
from lib.corpora import files

results = json.loads(files.read("t5_results.json"))
for name, examples in tasks.items():
    print(f"{name:11} {len(examples):6,} examples, {len(tests[name]):3} for the test")

# %% jupyter={"source_hidden": true}
words = set()
for name in tasks:
    for source, target in tasks[name]:
        text = source if name != "to English" else target
        words |= {word.strip('.,?!:";').lower() for word in text.split()}
assert len(tasks) == 7 and len(words) < 2_000
for name in tasks:
    assert not {one.source for one in tasks[name]} & {one.source for one in tests[name]}

# %% [markdown]
# "past" is put aside for later. The others are thrown together, and a batch holds whatever has about the same length (notebook
# 3): T5 learns all tasks at once. This is **multi-task learning**. Nothing in the model knows of tasks.

# %% tags=["training"]
from lib.batching import Batch, similar_lengths
from lib.training import Training, train


def coded(examples):
    encode = tokenizer.encode_ordinary
    return [(encode(source), encode(target)) for source, target in examples]


def batches(pairs, tokens, rng):
    lengths = [len(source) + 2 * len(target) for source, target in pairs]
    while True:
        for chosen in similar_lengths(lengths, tokens, rng):
            yield Batch.of([pairs[i] for i in chosen])


# %% [markdown]
# A length counts the target twice, because a decoder block has two attentions. The optimiser is Muon, as in notebook 11:
# `peak` is the highest learning rate, `warmup` the number of steps until it is reached, and with `fused=True` PyTorch
# does a step of AdamW in one piece, which is faster. The whole training takes minutes, and on a busy machine many. So
# this notebook takes the first 20 steps, for you to see the loss fall, and then loads what the same program had after all
# of them (seed 0, `benchmarks/t5.py`). Set `WHOLE = True` to train it yourself.

# %% tags=["training"]
WHOLE, STEPS = False, results["six"]["0"]["steps"]


def new_model(seed):
    sizes = {"n_buckets": 16, "furthest": 64, **mine}
    model = T5(len(tokenizer), 128, 4, 512, (2, 2), **sizes)
    return fresh_t5_weights(model, torch.Generator().manual_seed(seed))


model = new_model(0)
pairs = [pair for examples in seen.values() for pair in coded(examples)]
feed = batches(pairs, 2_000, random.Random(0))
rates = {"peak": 8e-3, "warmup": 50, "muon": True, "fused": True}
training = Training(model, model.loss, feed, STEPS, **rates)
losses = training.run(until=STEPS if WHOLE else 20)
print(f"{sum(part.numel() for part in model.parameters()):,} parameters")
print(f"loss {losses[0]:.2f} at first, {losses[-1]:.2f} after {len(losses)} steps")
whole = results["six"]["0"]["seconds"]
print(f"all {STEPS} steps took {whole:.0f} s of processor time")

# %% tags=["training"] jupyter={"source_hidden": true}
assert losses[-1] < losses[0] - 0.5

# %% tags=["training"]
from lib import checkpoints
from lib.decoding.search import translate

if not WHOLE:
    weights, _ = checkpoints.load(files.path("t5_tasks.safetensors"))
    model.load_state_dict(weights)
_ = model.eval()

# %% [markdown]
# `translate` of notebook 10 writes: always the likeliest token, 30 of them at most.


# %% tags=["training"]
def write(model, sources):
    ids = [tokenizer.encode_ordinary(source) for source in sources]
    return [tokenizer.decode(line).strip() for line in translate(model, ids, 30)]


for name in seen:
    source, target = tests[name][7]
    print(f"{source}\n  →  {write(model, [source])[0]}   (right: {target})")

# %% [markdown]
# One set of weights, and the prefix decides what they do. (The trained weights fit into *your* parts, because these have the
# same names and compute the same.) Now numbers. **Exact** is the share of answers that are right to the last sign; a
# sentence has many right translations, so BLEU (notebook 10) is fairer there. What is it worth to answer without
# understanding anything? The **baseline** looks for the training example of the same task whose source shares most words
# with the test's, and gives its answer.


# %% tags=["training"]
from lib.scoring import bleu, exact_match


def nearest(examples, asked):
    """What the most similar training example was answered with."""
    known = [(set(source.split()), target) for source, target in examples]
    found = []
    for source, _ in asked:
        words = set(source.split())
        best = max(known, key=lambda one: len(words & one[0]) / len(words | one[0]))
        found.append(best[1])
    return found


# %% tags=["training"]
scores = {}
for name in seen:
    asked = tests[name][:100]
    right = [target.split() for _, target in asked]
    both = write(model, [source for source, _ in asked]), nearest(tasks[name], asked)
    words = [[text.split() for text in texts] for texts in both]
    scores[name] = [(exact_match(texts, right), bleu(texts, right)) for texts in words]

print("             exact            BLEU")
print("             model baseline   model baseline")
for name, ((exact, b), (exact_base, b_base)) in scores.items():
    print(f"{name:11}  {exact:5.2f} {exact_base:5.2f}     {b:6.1f} {b_base:5.1f}")

# %% jupyter={"source_hidden": true}
gain = {}
for name, ((_, b), (exact_base, b_base)) in scores.items():
    gain[name] = b - b_base
    assert exact_base == 0 or name == "question"
copied = "to Italian", "to English", "negate", "ask", "summarise"
assert min(gain[name] for name in ("negate", "ask", "summarise")) > 20
assert (
    gain["to English"] > 15 and gain["to Italian"] == min(gain[n] for n in copied) > 4
)
assert scores["question"][0][0] > 3 * scores["question"][1][0]
assert scores["question"][0][1] == scores["question"][1][1] == 0

# %% [markdown]
# The baseline is never exactly right, except on "question", where answers (names and months) repeat: no source of the test
# stands in the training of its task. Its BLEU is not small: sentences out of one grammar share many words. That is what
# the model has to beat. In BLEU it does so on all tasks, by 20 and more on "negate", "ask" and "summarise", and least into
# Italian. On "question" only the exact answers count (no answer has four words, so there is no BLEU): there
# the model has more than three times as many. Look at the mistakes above: a sentence's form is learnt before its names. The
# summary is about somebody else.
#
# What is learnt first? `benchmarks/t5.py` looks at its trainings on the way. Each seed has other weights, and another
# order of the batches. A look takes the first 100 examples of each test, the last one up to 300. With 100 examples chance
# alone moves a share by .05 or so; smaller differences on the way mean nothing.

# %% jupyter={"source_hidden": true}
trainings = list(results["six"].values())
marks = sorted(map(int, trainings[0]["curve"]))
figure, axes = plt.subplots(figsize=(6, 3.4))
for name, marker in zip(trainings[0]["tasks"], "osv^D*", strict=True):
    for one in trainings:
        steps = [*marks, one["steps"]]
        looks = [one["curve"][str(step)] for step in marks] + [one["tasks"]]
        values = [look[name]["exact"] for look in looks]
        line = axes.plot(steps, values, marker=marker, lw=1)[0]
        line.set_color(f"C{list(one['tasks']).index(name)}")
    line.set_label(name)
axes.set(xlabel="steps", ylabel="exactly right", ylim=(-0.02, 1))
axes.legend(fontsize=8, ncols=2)
plt.show()
print("seeds in the figure:", *results["six"])

# %% jupyter={"source_hidden": true}
copying = ("negate", "ask", "summarise", "question")
translating = ("to Italian", "to English")
for one in trainings:
    looks = [one["curve"][str(step)] for step in marks] + [one["tasks"]]
    first, *_, before, last = ({n: look[n]["exact"] for n in look} for look in looks)
    assert first["question"] > max(first[n] for n in first if n != "question")
    assert min(last[n] for n in copying) > max(last[n] for n in translating)
    assert all(last[n] > before[n] - 0.1 for n in last)
    half_way = {n: looks[2][n]["exact"] for n in last}  # 600 steps
    assert all(last[n] > half_way[n] + 0.02 for n in last)

# %% [markdown]
# Each line is a task of one seed, and each marker a look. At the first look "question" is ahead: its answers are a name, a
# thing or one of twelve months. "summarise", "negate" and "ask" follow, which copy what they read, or a piece of it, and
# change its form. Translating is last, and at the end far from learnt. One difference: apart from names, little can
# be copied there. We have not tested whether this is the reason. Every line is higher at the end than at 600
# steps, so these trainings have not come to their end either.
#
# ## A new task from 30 examples
# The seventh task, "past", was never seen: the model should put a sentence into the past ("They invite them." → "They invited
# them."). It gets 30 examples, and 30 steps. Does it help to have learnt six other tasks before? The budgets are not equal:
# one model has had all of its training before, the other these 30 steps alone. What is asked is how much of the first
# training is of use here. One more caution: the six tasks have texts from the same program, and a few of the right
# answers stand in them, word for word. So we also count without these.

# %% tags=["training"]
few = coded(random.Random(0).sample(tasks["past"], 30))
known = {text.split(": ", 1)[-1] for text in texts}  # without the prefix
right = [target for _, target in tests["past"]]
unknown = [i for i, target in enumerate(right) if target not in known]
told, hits = {}, {}
for name, base in (("from six tasks", model), ("from fresh weights", new_model(0))):
    tuned = new_model(0)
    tuned.load_state_dict(base.state_dict())
    feed = batches(few, 700, random.Random(0))
    train(tuned, tuned.loss, feed, 30, 2e-3, 5, muon=True, fused=True)
    told[name] = write(tuned, [source for source, _ in tests["past"]])
    hits[name] = list(map(str.__eq__, told[name], right))
    whole, new = sum(hits[name]) / 200, sum(hits[name][i] for i in unknown)
    print(f"{name:18} {whole:.2f} exactly right; {new} of {len(unknown)} new answers")

# %% tags=["training"]
for i in range(4):
    print(*tests["past"][i], told["from six tasks"][i], sep="  |  ")

# %%
new = {}
for start in ("six tasks", "fresh"):
    new[start] = [one["exact"] for one in results[f"new task from {start}"].values()]
    print(f"from {start}, one number for each seed:", *new[start])

# %% jupyter={"source_hidden": true}
assert len(new["six tasks"]) == 3
assert min(new["six tasks"]) > 0.25 and max(new["fresh"]) < 0.02

# %% tags=["training"] jupyter={"source_hidden": true}
assert len(right) - len(unknown) == 30
fresh, taught = hits["from fresh weights"], hits["from six tasks"]
assert sum(taught[i] for i in unknown) / len(unknown) > 0.25 and not any(fresh)

# %% [markdown]
# From fresh weights, 30 examples in 30 steps teach nothing. The model of six tasks puts more than a quarter of the
# sentences into the past without a mistake, in each of three runs, and in this run also of those whose answer it cannot have read
# (all but 30 of the 200). It has learnt
# before to copy a sentence and to change its verb ("negate", "ask"), and has to learn only what is new. This is
# **transfer**. The paper's version of it is larger: pretrain on texts without labels, then fine-tune.
#
# ## Tiny worlds: one fact or two
# Now answers that are pointed at. Before people's questions, some about which we know everything. A program draws a **tiny
# world**: three people, where each of them is, and what each of them has. It leaves out a quarter of these facts, and
# shuffles the sentences. Each question has a world of its own, so what is true in one says nothing about the next.

# %%
from lib.corpora.tiny_worlds import KINDS, NONE, ONE, PLACES, TWO, WORLD_WORDS
from lib.corpora.tiny_worlds import string_rule, world_questions

worlds = world_questions(900, random.Random("test"))
for kind in KINDS:
    one = next(one for one in worlds if one.kind == kind)
    print(f"{kind}: {one.question}  →  {one.answer or '(nothing)'}\n   {one.text}")

# %% [markdown]
# The first kind needs one sentence. The second needs two: who has the thing, and then where this person is. No sentence of
# the text holds both the thing that is asked about and the place. This is called a **multi-hop** question (two hops here);
# bAbI (Weston et al. [2015](https://arxiv.org/abs/1502.05698)) had such worlds, and HotpotQA (Yang et al.
# [2018](https://arxiv.org/abs/1809.09600)) has people's questions of this kind. In the third kind the fact is left out.
#
# How far does one get by comparing words? One baseline says the whole sentence that shares most with the question. A
# better one is a rule of one line, `string_rule`: of the sentences with the asked word take the word of the asked
# kind, a place for "Where", a person for "Who"; if there is none, say that there is no answer.

# %%
from lib.reader import WordRarity
from lib.scoring import squad_scores


def scores_by_kind(said, worlds):
    """Exact match and F1 for each kind of question."""
    found = {}
    for kind in KINDS:
        both = [
            (text, [one.answer])
            for text, one in zip(said, worlds, strict=True)
            if one.kind == kind
        ]
        found[kind] = squad_scores(*zip(*both, strict=True))
    return found


# %%
shared = WordRarity([one.text for one in worlds])
nearest_sentence = []
for one in worlds:
    [(start, end)] = shared.nearest(one.question, one.text, 1)
    nearest_sentence.append(one.text[start:end])
by_rule = [string_rule(one.question, one.text) for one in worlds]
untrained = {
    "nearest sentence": scores_by_kind(nearest_sentence, worlds),
    "string rule": scores_by_kind(by_rule, worlds),
}
for name, found in untrained.items():
    for kind, (exact, f1) in found.items():
        print(f"{name:16}  {kind:9}  exact {exact:5.1f}, F1 {f1:5.1f}")

# %% jupyter={"source_hidden": true}
assert {kind: exact for kind, (exact, _) in untrained["string rule"].items()} == {
    ONE: 100,
    TWO: 0,
    NONE: 100,
}
assert all(exact == 0 for exact, _ in untrained["nearest sentence"].values())
assert 30 < untrained["nearest sentence"][ONE][1] < 60

# %% [markdown]
# The rule is always right where one fact is enough, and where there is no answer. Where two facts are needed it is never right,
# by construction: it says that there is no answer. A longer rule could take both steps, since a program wrote these worlds. But
# somebody would have to tell it that there are two.
#
# ## Question 17.5 · guessed_places
# And by chance? In a world of three people, the place of each of the two others is told with probability ¾, one independently of
# the other. The place of the right one is told for certain: else the question would have no answer. A reader has learnt that
# "Where" wants a place, and no more, so it takes one of the told places by chance. What share of the two-fact questions will it get
# right, on average over all worlds? 4 minutes.

# %% question="guessed_places" difficulty=2 minutes=4
### BEGIN SOLUTION
guessed_places = 7 / 16
### END SOLUTION

# %% check="guessed_places"
from lib.checks import check

guessed_places = check("guessed_places")

# %%
two = [one for one in worlds if one.kind == TWO]
told_places = [sum(place in one.text for place in PLACES) for one in two]
by_chance = sum(1 / n for n in told_places) / len(two)
print(f"a guess among the places of these {len(two)} worlds: {by_chance:.3f} right")

# %% jupyter={"source_hidden": true}
assert abs(by_chance - 7 / 16) < 0.03

# %% [markdown]
# Keep this number: a reader that is right in 44 of a hundred two-fact questions has not learnt to take the second step.
#
# The reader is a small BERT (notebook 16) from fresh weights: 3 blocks, 64 numbers a word, and the two scores. Where there is
# no answer, start and end of the right span are `[CLS]`, token 0. It gets one help, from Chen et al.
# [2017](https://arxiv.org/abs/1704.00051): a mark on each word of the text that stands in the question too, an **exact
# match**. BERT's segments are free for it (`exact_matches`). Which words are equal it need not find out then; what to do with
# them it must.

# %%
from functools import cache

from lib.reader import exact_matches, read
from lib.wordpiece import SPECIAL as PIECES
from lib.wordpiece import WordPieceTokenizer

few_words = WordPieceTokenizer([*PIECES, *WORLD_WORDS])
few_words.tokens = cache(few_words.tokens)  # the same few words, again and again


# %%
def world_reading(one):
    """[CLS] question [SEP] world [SEP], with the words of the question marked."""
    reading = read(few_words, one.question, one.text, [(0, len(one.text))], 64)
    return exact_matches(reading)


def world_rows(worlds):
    """Each reading with the first and the last token of its answer; 0, 0: none."""
    rows = []
    for one in worlds:
        reading, end = world_reading(one), one.start + len(one.answer)
        place = token_span(reading.offsets, one.start, end) if one.answer else (0, 0)
        rows.append((reading, *place))
    return rows


# %%
first_two = next(
    one
    for one in worlds
    if one.kind == TWO and sum(place in one.text for place in PLACES) == 3
)
reading = world_reading(first_two)
marked = [i for i, mark in enumerate(reading.segments) if mark]
print(first_two.question, "|", first_two.text)
print("marked:", *(few_words.pieces[reading.ids[i]] for i in marked))

# %% tags=["training"]
from lib.bert import Bert
from lib.layers import fresh_weights
from lib.reader import Reader, reader_batch
from lib.spans import span_loss

dice, rng = torch.Generator().manual_seed(0), random.Random(0)
finder = Reader(Bert(len(few_words), 64, 4, 3, n_positions=64), dice)
fresh_weights(finder, dice)


def finder_loss(rows):
    readings, first, last = zip(*rows, strict=True)
    scores = finder(*reader_batch(readings))
    return span_loss(*scores, torch.tensor(first), torch.tensor(last))


# %% [markdown]
# The training is the recipe of before: Muon, batches of 32 worlds that are never seen again. Of five questions two need
# one fact, two need two, and one has no answer. Again the first 20 steps are taken here, and then the weights are loaded that the
# same program had after all of them (`python benchmarks/t5.py worlds 0`).

# %% tags=["training"]
steps = results["worlds"]["0"]["steps"]
kinds = (ONE, ONE, TWO, TWO, NONE)
feed = (world_rows(world_questions(32, rng, kinds)) for _ in range(steps))
rates = {"peak": 8e-3, "warmup": 50, "muon": True, "fused": True}
training = Training(finder, finder_loss, feed, steps, **rates)
losses = training.run(until=steps if WHOLE else 20)
print(f"{sum(part.numel() for part in finder.parameters()):,} parameters")
print(f"loss {losses[0]:.2f} at first, {losses[-1]:.2f} after {len(losses)} steps")
if not WHOLE:
    weights, _ = checkpoints.load(files.path("t5_worlds.safetensors"))
    finder.load_state_dict(weights)
_ = finder.eval()


# %% tags=["training"]
@torch.no_grad()
def found_in_world(worlds, margin=0.0):
    """The words that the reader points at, "" for no answer."""
    readings, said = [world_reading(one) for one in worlds], []
    batch = reader_batch(readings)
    spans = best_spans(*finder(*batch), batch[-1], 5, margin)
    for one, reading, first, last in zip(worlds, readings, *spans, strict=True):
        start, end = reading.offsets[first][0], reading.offsets[last][1]
        said.append(one.text[start:end])
    return said


found = scores_by_kind(found_in_world(worlds), worlds)
for kind, (exact, f1) in found.items():
    print(f"{kind:9}  exact {exact:5.1f}, F1 {f1:5.1f}")

# %% tags=["training"] jupyter={"source_hidden": true}
assert found[ONE][0] > 97 and 36 < found[TWO][0] < 52
assert 60 < found[NONE][0] < 90 and found[TWO][1] > found[TWO][0] + 4

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(6, 3.2))
for number, (kind, marker) in enumerate(zip(KINDS, "o^s", strict=True)):
    for one in results["worlds"].values():
        looks = [
            *one["curve"].values(),
            {k: v["exact"] for k, v in one["kinds"].items()},
        ]
        at = [*map(int, one["curve"]), one["steps"]]
        line = axes.plot(at, [look[kind] for look in looks], marker=marker, lw=1)[0]
        line.set_color(f"C{number}")
    line.set_label(kind)
axes.axhline(100 * 7 / 16, color="grey", ls="--", lw=1, label="two facts, guessed")
axes.set(xlabel="steps", ylabel="exact match, in percent", ylim=(-3, 103))
axes.legend(fontsize=8)
plt.show()
for seed, one in results["worlds"].items():
    kinds_of = {kind: one["kinds"][kind]["exact"] for kind in KINDS}
    print(f"seed {seed}, {one['seconds']:.0f} s: {kinds_of}")

# %% jupyter={"source_hidden": true}
measured = list(results["worlds"].values())
assert len(measured) == 3
for one in measured:
    reached = {kind: look["exact"] for kind, look in one["kinds"].items()}
    assert reached[ONE] > 98 and abs(reached[TWO] - 43.75) < 8
    assert 65 < reached[NONE] < 85 and one["curve"]["500"][ONE] > 97
    assert max(look[TWO] for look in one["curve"].values()) < 55

# %% [markdown]
# Each line is a kind of question and a seed; a look on the way takes 300 of the 900 questions, so chance alone moves it by some
# points. *One fact* is learnt within 500 steps in all three trainings, in one of them within 200. *Two facts are not learnt*:
# the lines end near the dashed one, the guess, which is right in .45 of these very questions. (F1 is higher there than the
# exact matches: places share words, as "old hall" and "dark hall" do.) Other trials, of one seed each and most of them without
# the marks, did not take the second step within some hundred steps either: other rates, smaller worlds first, larger batches,
# queries and keys that begin equal. None of this says what a longer training or a larger model would learn.
#
# What does the reader do where two facts are needed? Here are its probabilities, softmax of the start scores and of the end
# scores, for one such question: `[CLS]` at the left, then the world.

# %% tags=["training"] jupyter={"source_hidden": true}
reading = world_reading(first_two)
with torch.no_grad():
    parts = [part[0].softmax(-1) for part in finder(*reader_batch([reading]))]
tokens = [few_words.pieces[i] for i in reading.ids]
shown = [0, *(i for i, place in enumerate(reading.offsets) if place != (0, 0))]
figure, axes = plt.subplots(figsize=(7.6, 2.6))
for part, name, shift in zip(parts, ("start", "end"), (-0.2, 0.2), strict=True):
    at = [i + shift for i in range(len(shown))]
    axes.bar(at, part[shown], 0.4, label=name, hatch={"end": "//"}.get(name))
axes.set(ylabel="probability", ylim=(0, 0.6))
axes.set_xticks(range(len(shown)), [tokens[i] for i in shown], rotation=90, fontsize=8)
axes.legend(fontsize=8)
plt.show()
print(f"{first_two.question} Right: {first_two.answer}")
print("it says:", found_in_world([first_two])[0] or "no answer")

# %% tags=["training"] jupyter={"source_hidden": true}
assert all(part.topk(3).values.min() > 0.2 > part.topk(4).values[-1] for part in parts)
assert all(part.topk(3).values.sum() > 0.95 for part in parts)

# %% [markdown]
# Plain bars are for the start, hatched ones for the end. The question asks for a place, and only the three places have a
# probability that can be seen: their first words as starts, their last ones as ends. Each gets about a third. So the reader knows
# *what kind* of words is wanted, and where such an answer begins and ends. It does not know *which* of them is right; if it says
# the right one here, that is luck.
#
# The marks say which sentence holds the thing. The second step would have to find the same *name* in another sentence, and no
# mark helps there. So let it take the steps one at a time. Who has the ball? Whoever this is: where is he or she?


# %% tags=["training"]
def asked_twice(worlds):
    """Of "Where is the ball?": who has it, and where that person is."""
    owners = [
        one._replace(question=one.question.replace("Where is", "Who has"))
        for one in worlds
    ]
    people = found_in_world(owners)
    then = [
        one._replace(question=f"Where is {name}?")
        for one, name in zip(worlds, people, strict=True)
    ]
    places = found_in_world(then)
    return [place if name else "" for name, place in zip(people, places, strict=True)]


both_kinds = [one for one in worlds if one.question.startswith("Where is the")]
in_steps = {"once": found_in_world(both_kinds), "twice": asked_twice(both_kinds)}
for name, said in in_steps.items():
    for kind in (TWO, NONE):
        hits = [
            text == one.answer
            for text, one in zip(said, both_kinds, strict=True)
            if one.kind == kind
        ]
        print(f"asked {name:5}  {kind:9}  {sum(hits) / len(hits):.2f} right")

# %% tags=["training"] jupyter={"source_hidden": true}
others = [one for one in worlds if one.kind == NONE and one not in both_kinds]
assert sum(not text for text in found_in_world(others)) > 0.95 * len(others)

# %%
for seed, one in results["worlds"].items():
    pairs = {kind: one["asked twice"][kind]["exact"] for kind in (TWO, NONE)}
    print(f"seed {seed}, asked twice: {pairs}")

# %% jupyter={"source_hidden": true}
for one in measured:
    assert min(look["exact"] for look in one["asked twice"].values()) > 95
    assert one["asked once"][NONE]["exact"] < 30

# %% [markdown]
# The same weights, asked twice, are right nearly always, with each of three seeds, and they notice nearly always that a place is
# missing. To turn a question into several that are easier is **question decomposition** (Talmor and Berant
# [2018](https://arxiv.org/abs/1803.06643)); large models are asked today to write such steps themselves (Press et al.
# [2022](https://arxiv.org/abs/2210.03350)). Here it was we who knew the steps.
#
# *To say nothing.* Look at the unanswerable questions. Those about a person's place or thing need one look, and the reader
# finds that nothing is there. Asked "Where is the ball?" in a world that tells who has it, and not where this person is, it
# mostly takes a place of somebody else: it cannot tell such a question from one that has an answer. A margin is the only choice
# left, and you know its formula: the lower it is, the sooner the reader says "no answer".

# %%
print("margin   one fact        two facts       no answer  (seeds 0, 1, 2)")
ways = {}
for margin in ("-4.0", "0.0", "inf"):
    looks = [one["margins"][margin] for one in results["worlds"].values()]
    ways[margin] = {kind: [look[kind] for look in looks] for kind in KINDS}
    cells = ("  ".join(f"{x:4.0f}" for x in ways[margin][kind]) for kind in KINDS)
    print(f"{margin:6}", *cells, sep="  ")

# %% tags=["training"]
careful = found_in_world(two, margin=-4.0)
answered = Counter(n for n, text in zip(told_places, careful, strict=True) if text)
silent = Counter(n for n, text in zip(told_places, careful, strict=True) if not text)
for n in (1, 2, 3):
    print(f"{n} places told: {answered[n]:3} answered, {silent[n]:3} not")

# %% tags=["training"] jupyter={"source_hidden": true}
assert silent[3] == 0 and answered[1] == answered[2] == 0

# %% jupyter={"source_hidden": true}
for one, two_, none in zip(*(ways["-4.0"][kind] for kind in KINDS), strict=True):
    assert one > 97 and none > 95 and two_ < 28
for kind, wanted in ((ONE, 97), (TWO, 36)):
    assert min(ways["0.0"][kind] + ways["inf"][kind]) > wanted
assert max(ways["inf"][NONE]) < 5

# %% [markdown]
# With a margin of ∞ the reader always answers, and is wrong on the unanswerable questions. With −4 it says "no answer" to
# nearly all of these. The price: it says so to many of the two-fact questions too, and is right in fewer of them. One-fact questions cost
# nothing, because there it is sure. A margin cannot make a reader know more; it chooses between two kinds of mistakes.
#
# Which two-fact questions does it still answer? The last lines show it for seed 0: those where three places are told, and no
# others. If the places of all three people are told, none can be missing, so there must be an answer. Nobody
# taught it to count places. This is a **shortcut**: a regularity of the data that helps to lower the loss and is not what we
# wanted to teach. The answer itself is still a guess among three. A model that abstains at the right moment need not have
# understood the question.
#
# ## On real text: people's questions
# XQuAD (Artetxe et al. [2020](https://arxiv.org/abs/1910.11856)) has 1,190 questions that people asked about 48 articles of
# Wikipedia, each with an answer that stands in the paragraph. 36 articles are for training, 894 questions; the 296 questions
# about 12 others are the test: our training shows the reader nothing about these articles. It comes with `python3 course.py
# fetch`; so does MiniLM, the published encoder of notebook 16.

# %% tags=["training"]
from lib.corpora.xquad import load_xquad
from lib.downloads import have
from lib.reader import answer, sentence_places

needed = "xquad/xquad.en.json", "minilm/model.safetensors", "minilm/vocab.txt"
here = all(map(have, needed))
if here:
    people, asked = load_xquad("train"), load_xquad("test")
    print(len(people), len(asked))
    print(asked[0].context, asked[0].question, asked[0].answers[0], sep="\n\n")
else:
    print("`python3 course.py fetch` brings them; below stands what was measured.")

# %% tags=["training"] jupyter={"source_hidden": true}
if here:
    assert (len(people), len(asked)) == (894, 296)
    paragraphs = {one.context for one in people + asked}
    mean = sum(len(text.split()) for text in paragraphs) / len(paragraphs)
    assert 100 < mean < 150

# %% [markdown]
# A paragraph has more than 100 words on average, and reading them all is slow. So we work in two steps, as search engines do (Chen et
# al. [2017](https://arxiv.org/abs/1704.00051)): a **retriever** picks the sentences that share most words with the question,
# where a rare word counts for more than a common one, and a **reader** answers from them. The first step alone is our
# baseline: it answers with the whole sentence.

# %% tags=["training"]
if here:
    rarity = WordRarity({question.context for question in people + asked})
    right = [question.answers for question in asked]
    found_in = {}
    for k in (1, 2):
        near = [rarity.nearest(one.question, one.context, k) for one in asked]
        found_in[k] = [
            any(start <= one.starts[0] < end for start, end in places)
            for one, places in zip(asked, near, strict=True)
        ]
    near = [rarity.nearest(one.question, one.context, 1)[0] for one in asked]
    sentences = [one.context[a:b] for one, (a, b) in zip(asked, near, strict=True)]
    whole = squad_scores(sentences, right)
    share = {k: sum(found) / len(asked) for k, found in found_in.items()}
    print(f"begins in the best: {share[1]:.2f}, in the best two: {share[2]:.2f}")
    print(f"the whole sentence: exact match {whole[0]:.1f}, F1 {whole[1]:.1f}")

# %% tags=["training"] jupyter={"source_hidden": true}
if here:
    assert round(share[1], 2) == 0.85 and round(share[2], 2) == 0.94
    assert whole[0] == 0 and round(whole[1]) == 17

# %% [markdown]
# For 85% of the questions the answer begins in the best sentence, for 94% in one of the best two. So retrieval by shared words
# is good here. One likely reason is that people wrote the questions with the paragraph before their eyes, and took over its words.
# As an answer, a whole sentence is too long: F1 17, and never an exact match.
#
# The reader is MiniLM with two scores on each of its vectors. MiniLM was made to compare texts, among them questions and the
# paragraphs that answer them, but it was never trained to point at an answer. To keep the training short, it learns from
# the one sentence that holds the answer; your `token_span` finds the tokens.


# %% tags=["training"]
def with_answers(tokenizer):
    """Readings of the right sentence, each with the answer's first and last token."""
    found = []
    for one in people:
        start = one.starts[0]
        end = start + len(one.answers[0])
        places = sentence_places(one.context)
        near = [(a, b) for a, b in places if a < end and start < b]
        reading = read(tokenizer, one.question, one.context, near, 128)
        first, last = token_span(reading.offsets, start, end)
        if first:  # the answer was not cut off
            found.append((reading, first, last))
    return found


# %% tags=["training"]
from lib.minilm import load_minilm


def reader_loss(rows):
    readings, first, last = zip(*rows, strict=True)
    starts, ends = reader(*reader_batch(readings))
    return span_loss(starts, ends, torch.tensor(first), torch.tensor(last))


def reader_batches(rows, rng):
    lengths = [len(reading.ids) for reading, _, _ in rows]
    while True:
        for chosen in similar_lengths(lengths, 500, rng):
            yield [rows[i] for i in chosen]


# %% [markdown]
# The next cell is the longest training of this notebook, 100 steps. Give it a minute or two.

# %% tags=["training"]
if here:
    bert, pieces = load_minilm()
    reader = Reader(bert, torch.Generator().manual_seed(0))
    rows = with_answers(pieces)
    feed = reader_batches(rows, random.Random(0))
    sizes = [len(reading.ids) for reading, _, _ in rows]
    once = len(similar_lengths(sizes, 500, random.Random(0)))
    start = time.process_time()
    losses = train(reader, reader_loss, feed, 100, 1e-4, 10, fused=True)
    print(f"{time.process_time() - start:.0f} s; {once} batches show all once")
    early, late = sum(losses[:10]) / 10, sum(losses[-10:]) / 10
    print(f"loss {early:.2f} at first, {late:.2f} at last")

# %% [markdown]
# Now it is asked about the other articles. It gets the best sentence of the retriever, and must say something:
# the margin is infinite, since XQuAD has no questions without an answer.

# %% tags=["training"]
if here:
    said = []
    for one in asked:
        places = rarity.nearest(one.question, one.context, 1)
        reading = read(pieces, one.question, one.context, places, 256)
        said.append(answer(reader, reading, one.context))
    exact, f1 = squad_scores(said, right)
    print(f"exact match {exact:.1f}, F1 {f1:.1f}")
    shown = {
        one.question: (words, one.answers[0])
        for one, words in zip(asked, said, strict=True)
    }
    for question, (words, wanted) in list(shown.items())[:6]:
        print(f"{question}\n  →  {words}   (right: {wanted})")

# %% [markdown]
# Whose mistakes are they? Where the retriever has handed on another sentence, the reader can hardly be right.

# %% tags=["training"]
if here:
    equal = [
        squad_scores([one], [two])[0] == 100
        for one, two in zip(said, right, strict=True)
    ]
    pairs = list(zip(equal, found_in[1], strict=True))
    print(f"of {len(asked)} answers {sum(equal)} are exact matches")
    print(
        f"{sum(not a and not b for a, b in pairs)} are wrong: another sentence was read"
    )
    print(f"{sum(b and not a for a, b in pairs)} are not exact in the right sentence")

# %% tags=["training"] jupyter={"source_hidden": true}
if here:
    assert f1 > 1.3 * whole[1] and exact > 10
    assert 3 * sum(not a and not b for a, b in pairs) < sum(
        b and not a for a, b in pairs
    )
    assert 0.9 < 100 / once < 1.5

# %%
for seed, one in results["reader"].items():
    print(f"seed {seed}, as measured: exact match {one['exact']}, F1 {one['f1']}")

# %% jupyter={"source_hidden": true}
reached = sorted(one["f1"] for one in results["reader"].values())
baseline = {one["sentence f1"] for one in results["reader"].values()}
assert len(reached) == 3 and list(map(round, reached)) == [28, 40, 42]
assert baseline == {17.3} and reached[0] > 1.6 * 17.3 and reached[1] > 2 * 17.3
assert min(one["exact"] for one in results["reader"].values()) > 18

# %% [markdown]
# The sentence alone has an F1 of 17. The reader has 28, 40 and 42 with three seeds, and 100 batches have shown it the 894
# questions about once. Look at the spread: a seed here decides no more than the first numbers of two vectors and the order of the
# batches, and it moves F1 by 14 points. So one run says that the reader beats the sentence, and says little about by how much.
# That is why every training in this course is reported with three seeds.
#
# It is far from good: with about a hundred times as many questions (SQuAD's 87,599), BERT's base model, five times as large
# as MiniLM, reached an F1 of 88.5 on whole paragraphs (Devlin et al. 2018). Read its mistakes. It has learnt that an answer
# is a short phrase. The sentence it was handed is wrong for about 15% of the questions; most of its errors are in the right
# sentence, where it points at a wrong phrase, or at too much or too little.
#
# SQuAD 2.0 itself is larger to download (46 MB); `python3 course.py fetch squad` brings it. Where it is there, the
# next cell asks the reader 100 of its questions about articles that the training did not have, and 100 more that
# their paragraph does not answer. All of our training questions had an answer, so nothing has taught the reader to
# say "no answer". How often does it do so at a margin of 0?

# %% tags=["training"]
from lib.corpora.xquad import load_squad


def ask_squad(n=100):
    """What the reader says to so many questions with an answer, and so many without."""
    seen_titles = {one.title for one in people}
    fresh = [one for one in load_squad("dev") if one.title not in seen_titles]
    random.Random(0).shuffle(fresh)
    for name, margin, wanted in (("with", math.inf, True), ("without", 0.0, False)):
        some = [one for one in fresh if bool(one.answers) == wanted][:n]
        said = []
        for one in some:
            places = rarity.nearest(one.question, one.context, 1)
            reading = read(pieces, one.question, one.context, places, 256)
            said.append(answer(reader, reading, one.context, margin=margin))
        scores = squad_scores(said, [one.answers for one in some])
        print(
            f"{len(some)} {name} an answer: exact {scores[0]:.0f}, F1 {scores[1]:.0f}"
        )


# %% tags=["training"]
if here and have("squad/dev-v2.0.json"):
    ask_squad()
else:
    print("`python3 course.py fetch squad` brings it; then run this cell again.")

# %% [markdown]
# ## Extract or generate
# The course's own stories can be answered in both ways. The trained T5 writes the answer. For the other way, take a copy of
# its encoder, put two scores on its vectors, and train it to point, for 200 steps more than the writer has had. The questions
# are the same, and the answers always stand in the story.


# %% tags=["training"]
from itertools import accumulate, pairwise


def pointed(examples):
    """ids, the tokens of the story, and the answer's first and last token."""
    rows = []
    for source, target in examples:
        ids = tokenizer.encode_ordinary(source)
        ends = [0, *accumulate(len(tokenizer.decode([i])) for i in ids)]
        story = source.index("story: ") + len("story: ")
        start = source.index(target, story)
        offsets = [(a, b) if b > story else (0, 0) for a, b in pairwise(ends)]
        rows.append((ids, offsets, *token_span(offsets, start, start + len(target))))
    return rows


# %% tags=["training"]
from lib.batching import pad_batch
from lib.spans import SpanScores


class Pointer(nn.Module):
    """T5's encoder with scores for starts and ends; -inf outside the story."""

    def __init__(self, t5):
        super().__init__()
        self.t5, self.scores = t5, SpanScores(128)
        nn.init.zeros_(self.scores.to_scores.weight)  # nothing is drawn by chance

    def forward(self, rows):
        ids, mask = pad_batch([row[0] for row in rows])
        inside, _ = pad_batch([[int(end > 0) for _, end in row[1]] for row in rows])
        parts = self.scores(self.t5.encode(ids, mask))
        starts, ends = (part.masked_fill(inside == 0, -math.inf) for part in parts)
        return starts, ends, inside == 1

    def loss(self, rows):
        starts, ends, _ = self(rows)
        places = (torch.tensor([row[i] for row in rows]) for i in (2, 3))
        return span_loss(starts, ends, *places)


# %% tags=["training"]
encoder = new_model(0)
encoder.load_state_dict(model.state_dict())
pointer, rows, dice = Pointer(encoder), pointed(tasks["question"]), random.Random(0)
feed = (dice.sample(rows, 16) for _ in range(200))
losses = train(pointer, pointer.loss, feed, 200, 3e-3, 10, fused=True)

# %% tags=["training"]
rows, pointing = pointed(tests["question"]), []
with torch.no_grad():
    found = best_spans(*pointer(rows), 5, math.inf)
for (ids, *_), first, last in zip(rows, *found, strict=True):
    pointing.append(tokenizer.decode(ids[first : last + 1]).strip())

# %% tags=["training"]
sources, right = zip(*tests["question"], strict=True)
writing = write(model, sources)
learnt = {target for _, target in tasks["question"]}
both, share_of = {"extracted": pointing, "generated": writing}, {}
for name, texts in both.items():
    share_of[name] = sum(map(str.__eq__, texts, right)) / len(right)
    pairs = zip(texts, sources, strict=True)
    invented = [text for text, source in pairs if text not in source]
    heard = sum(text in learnt for text in invented)
    print(f"{name}: {share_of[name]:.2f} right; {len(invented)} are not in the story")
    print(f"   {heard} of these are answers from the training")

# %% tags=["training"] jupyter={"source_hidden": true}
assert all(text in source for text, source in zip(pointing, sources, strict=True))
assert 0.4 < share_of["generated"] < 0.6 and share_of["extracted"] > 0.45
assert 0.2 < len(invented) / len(right) < 0.35 and heard > 0.9 * len(invented)

# %% [markdown]
# Do not compare the shares: the pointer has been trained for this one task at the end. (After 60 of these steps it was right in .22 only.) But
# look at what they do when they are wrong. The pointer quotes the story, by its construction. About a quarter of the writer's answers stand
# nowhere in the story; nearly all of these are answers that it has seen in training, where it should have copied. Large models have the same weakness, called **hallucination**.
#
# ## What breaks
# *Another prefix.* The same sentence under four prefixes, one of them unknown to the model, and without any:

# %% tags=["training"]
sentence = "Anna drinks the water."
prefixes = ("to Italian: ", "negate: ", "ask: ", "shout: ", "")
under = {prefix: write(model, [prefix + sentence])[0] for prefix in prefixes}
for prefix, said in under.items():
    print(f"{prefix:12}  →  {said}")

# %% tags=["training"] jupyter={"source_hidden": true}
assert len({under[prefix] for prefix in prefixes[:3]}) == 3
assert under["to Italian: "] != "Anna beve l'acqua."

# %% [markdown]
# The first words alone decide. (What it writes as Italian is bad: right would be *Anna beve l'acqua.*) With a prefix that it does not know, or none, the model writes a sentence of some form that
# it knows, much like the one that it has read. It cannot say that it does not know the task.
#
# *No positions.* Set all numbers of both bias tables to 0, in a trained model, and a distance is worth nothing any more. The
# encoder then sees a **bag of words**: in another order, the same vectors. The decoder still knows what comes first, by its
# causal mask. We ask both models, with 40 examples of each test.

# %% tags=["training"]
flat = new_model(0)
flat.load_state_dict(model.state_dict())
for part in flat.modules():
    if isinstance(part, RelativeBias):
        nn.init.zeros_(part.table.weight)
_ = flat.eval()
lost = {}
for name in seen:
    sources, right = zip(*tests[name][:40], strict=True)
    texts = (write(each, list(sources)) for each in (model, flat))
    lost[name] = [sum(map(str.__eq__, said, right)) / len(right) for said in texts]
    print(f"{name:11} {lost[name][0]:.2f} with positions, {lost[name][1]:.2f} without")

# %% tags=["training"] jupyter={"source_hidden": true}
assert all(abs(after - before) <= 0.101 for before, after in lost.values())

# %% [markdown]
# Hardly anything breaks: no share changes by more than two examples of 40. This was not to be expected. Are the tables used
# at all? Their numbers began at 0. Compare them with the scores of the words, in the first block of the encoder:

# %% tags=["training"]
from lib.attention import split_heads

tables = [
    part.table.weight for part in model.modules() if isinstance(part, RelativeBias)
]
b = torch.cat(tables)
ids = torch.tensor([tokenizer.encode_ordinary(tests["summarise"][5].source)])
block = model.encoder.blocks[0]
with torch.no_grad():
    x = block.around_attention.norm(model.embed(ids))
    q, k = (
        split_heads(to(x), 4) for to in (block.attention.to_q, block.attention.to_k)
    )
    word_scores = q @ k.transpose(-2, -1)
print(f"biases: at most {b.abs().max():.2f}, standard deviation {b.std():.2f}")
print(f"scores of words: standard deviation {word_scores.std():.2f}")

# %% tags=["training"] jupyter={"source_hidden": true}
assert b.abs().max() < 1 and word_scores.std() > 10 * b.std()

# %% [markdown]
# The biases are small beside the scores. So there are sentences that must go wrong: those in which the order alone says who
# does what. Without positions both of these give the encoder the same set of vectors, and the decoder cannot tell them apart.

# %% tags=["training"]
pair = ["negate: The boy sees the girl.", "negate: The girl sees the boy."]
for name, each in (("with positions", model), ("without", flat)):
    for source, text in zip(pair, write(each, pair), strict=True):
        print(f"{name:14}  {source}  →  {text}")

# %% tags=["training"] jupyter={"source_hidden": true}
ids = torch.tensor([tokenizer.encode_ordinary(text) for text in pair])
with torch.no_grad():
    one, other = flat.encode(ids, ids >= 0)
assert torch.allclose(one[ids[0].argsort()], other[ids[1].argsort()], atol=1e-4)
assert len(set(write(flat, pair))) == 1 and len(set(write(model, pair))) == 2

# %% [markdown]
# The whole model tells the two apart: it is right about who sees, though not about who is seen. Without positions it writes the
# same for both. So the biases do something after all, and the 40 examples of each test did not show it, because few of them
# depend on the order alone. A part that looks idle may be needed for a case that your test does not hold. To know,
# take it out, and ask the question that needs it.
#
# ## In other words
# - **Text to text**: every task is a text that is read and a text that is written; **T5** is the encoder-decoder that made it
#   known. **Prefix**: the words that name the task (compare today's **prompt**).
# - **Multi-task learning**: one model learns several tasks at once. **Transfer**: what was learnt for one helps another.
# - **Pretraining** and **fine-tuning**: first on texts without labels, then on a task with few.
# - **Span corruption**: hide spans, write them; a **denoising objective**, as masking is. **Sentinel**: what stands for a span
#   (`<X>`; in T5's vocabulary `<extra_id_0>`). **Corruption rate**: the share that is hidden.
# - **Relative position bias**: a learned number for head and distance, added to the score; **buckets** make the distances few.
# - **Extractive** and **generative question answering**: to point at the answer, or to write it. **Span**: (start, end).
# - **Retriever** and **reader**: which sentences to read, and what in them is the answer. **Context**: what may be pointed at.
# - **Multi-hop question**: its answer needs several facts, each of which leads to the next. **Question decomposition**: to ask for
#   them one by one. **Exact match feature**: a mark on words of the text that the question has too. **Shortcut**: a
#   regularity of the data that helps a model without what we meant to teach.
# - **Hallucination**: a model states what stands nowhere in what it was given.
# - **Exact match (EM)** and **F1**: SQuAD's scores of an answer. **Unanswerable**: a question that the context does not answer.
#
# ## Where it comes from
# - T5: Raffel et al. [2020](https://arxiv.org/abs/1910.10683), up to 11 billion parameters, pretrained on C4, some 750 GB of
#   web pages. Its comparison of objectives, shapes and data is worth reading for itself. Version 1.1 has GEGLU
#   (Shazeer [2020](https://arxiv.org/abs/2002.05202)) and an untied output.
# - "Everything is question answering" was said before: McCann et al. [2018](https://arxiv.org/abs/1806.08730).
# - Relative positions in attention: Shaw et al. [2018](https://arxiv.org/abs/1803.02155). A bias that is not learnt but falls
#   with the distance: ALiBi, Press et al. [2021](https://arxiv.org/abs/2108.12409). Today's decoders turn instead (notebook 14).
# - Hidden spans instead of words, in an encoder: SpanBERT, Joshi et al. [2019](https://arxiv.org/abs/1907.10529); written by a
#   decoder: BART, Lewis et al. [2019](https://arxiv.org/abs/1910.13461).
# - SQuAD: Rajpurkar et al. [2016](https://arxiv.org/abs/1606.05250) and [2018](https://arxiv.org/abs/1806.03822); XQuAD: Artetxe
#   et al. [2020](https://arxiv.org/abs/1910.11856). Start and end scores by BERT: Devlin et al.
#   [2018](https://arxiv.org/abs/1810.04805). Retriever and reader: Chen et al. [2017](https://arxiv.org/abs/1704.00051).
# - Worlds of a few sentences, with one supporting fact or two: bAbI, Weston et al. [2015](https://arxiv.org/abs/1502.05698).
#   People's questions about two paragraphs: HotpotQA, Yang et al. [2018](https://arxiv.org/abs/1809.09600).
# - Since then decoders alone have taken over most of it: they read the task as a longer prompt. Encoder-decoders live on where
#   much is read and little written.
#
# ## What to remember
# - A task can be said in words. Then one model, one loss and one output serve all of them, and a new task needs examples, not a
#   new head.
# - Distances can be learnt: a number for each head and bucket, added to scores that nobody divides.
# - An answer that is pointed at cannot be invented. Report exact match and F1, beside a baseline that does not understand.
#
# **Next**: notebook 18, images as sentences: the Vision Transformer.
