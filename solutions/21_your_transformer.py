# %% [markdown]
# # 21 · Your Transformer
# After this notebook you can run a whole Transformer out of your own parts, say where its time goes, and train it in
# several processes that stay equal to the last bit.
#
# You need: notebooks 09, 11 to 14, 16 to 18 and 20. You build: averaged gradients, a ring that adds up, the memory of a
# training that is split up. 120 minutes, of them about two of running.
#
# This notebook is a workshop. It teaches one new thing, training in several processes; everything else in it is yours
# already, and is put together here.

# %%
import copy
import inspect
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

os.environ["KINETO_LOG_LEVEL"] = "6"  # PyTorch's profiler keeps its notes to itself

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

import lib
from lib.corpora import files
from lib.figures import style, transformer_map
from lib.layers import fresh_weights
from lib.training import train
from lib.transformer import Decoder, Encoder

style()
torch.set_num_threads(1)
home = Path(tempfile.mkdtemp())

# %% [markdown]
# ## The question
# Two questions are left at the end of a course that builds a Transformer part by part.
#
# - *Do the parts work together?* Each of them passed its own check. Here they are put together into six machines: one
#   that translates, one that writes, one that fills gaps, one that answers, one that looks, one that chats.
# - *What does size change?* The largest model of this course has 135 million parameters, and one machine holds it with ease. A model of 70 billion parameters takes, while it is trained with AdamW, 16 bytes for each of them. How
#   many gigabytes is that, and how many graphics cards of 80 gigabytes must hold it?

# %%
needed = 16 * 70e9 / 1e9
print(f"{needed:,.0f} GB, the memory of {needed / 80:.0f} cards")
assert needed == 1120 and needed / 80 == 14

# %% [markdown]
# And that is before a single word is read. So a large model is trained by many processes, and the question becomes: how
# do a thousand processes train *one* model?
#
# ## By hand
# *Two processes, one gradient.* A batch has four sentences. Process A takes the first, process B the other three. Each
# computes the mean loss of its own sentences and the gradient g of one weight:
#
# | | sentences | gradients of its sentences | its mean g |
# |---|---|---|---|
# | A | 1 | 1 | 1 |
# | B | 3 | 1, 2, 3 | 2 |
#
# One process with the **joint batch** of all four would get (1 + 1 + 2 + 3) / 4 = 7/4. The mean of the two means is
# (1 + 2) / 2 = 3/2, and that is wrong: A's single sentence has counted three times as much as each of B's. Right is to
# weigh each mean by its **share** of the joint batch: 1/4 · 1 + 3/4 · 2 = 7/4.
#
# *Three processes in a ring.* Each has three numbers, and all want the sums. Nobody talks to all: each sends to the next
# one only, one number at a time, all at once.
#
# | step | what moves | process 0 | process 1 | process 2 |
# |---|---|---|---|---|
# | begin | | 1, 2, 3 | 10, 20, 30 | 100, 200, 300 |
# | 0, add | 0 sends its first, 1 its second, 2 its third | 1, 2, **303** | **11**, 20, 30 | 100, **220**, 300 |
# | 1, add | 0 its third, 1 its first, 2 its second | 1, **222**, 303 | 11, 20, **333** | **111**, 220, 300 |
# | 2, take | 0 its second, 1 its third, 2 its first | **111**, 222, 303 | 11, **222**, 333 | 111, 220, **333** |
# | 3, take | 0 its first, 1 its second, 2 its third | 111, 222, **333** | **111**, 222, 333 | 111, **222**, 333 |
#
# After two steps each process has *one* finished sum (222, 333, 111); after two more all have all three. Everyone has
# sent four numbers, not the six that sending all three numbers to both others would take.
#
# ## The picture
# Left the whole Transformer of 2017: every box that is in colour is one that you have built, with its notebook. Right
# the new thing, **data parallelism**: two processes with the same weights read different rows, and add up their
# gradients before each takes the same step.

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4.6), width_ratios=[1.3, 1])
transformer_map(left)
boxes = {
    (0, 5): ("process 0\nrows 0, 2 (2, 9)", "#cfe0fc"),
    (3, 5): ("process 1\nrows 1, 3 (2, 9)", "#cfe0fc"),
    (0, 3.4): ("gradients of\nits rows", "#ffe3c2"),
    (3, 3.4): ("gradients of\nits rows", "#ffe3c2"),
    (1.5, 1.8): ("all-reduce:\nshare · gradient, summed", "#f3cfe0"),
    (0, 0.2): ("the same step", "#cfe0fc"),
    (3, 0.2): ("the same step", "#cfe0fc"),
}
for (x, y), (text, colour) in boxes.items():
    box = {"boxstyle": "round", "fc": colour}
    right.text(x, y, text, ha="center", va="center", fontsize=8, bbox=box)
arrows = [((x, 4.5), (x, 3.9)) for x in (0, 3)]
arrows += [((x, 2.9), (1.5 + (x - 1.5) / 3, 2.25)) for x in (0, 3)]
arrows += [((1.5 + (x - 1.5) / 3, 1.35), (x, 0.55)) for x in (0, 3)]
for begin, end in arrows:
    right.annotate("", end, begin, arrowprops={"arrowstyle": "->"})
right.set(xlim=(-1.2, 4.2), ylim=(-0.3, 5.7))
right.axis("off")
plt.show()

# %% [markdown]
# Read the right side from above. The weights are never sent during training: they begin equal, and equal steps keep
# them equal. What is sent is as large as the gradients, whatever the number of rows.
#
# ## In code
# The sums of the ring, and the two averages of "By hand":

# %%
begin = torch.tensor([[1, 2, 3], [10, 20, 30], [100, 200, 300]])
print(begin.sum(0).tolist())
means, shares = torch.tensor([1.0, 2.0]), torch.tensor([0.25, 0.75])
print("mean of means", means.mean().item(), " by share", (shares * means).sum().item())

# %% jupyter={"source_hidden": true}
assert begin.sum(0).tolist() == [111, 222, 333]
assert means.mean() == 1.5 and (shares * means).sum() == 7 / 4
assert torch.tensor([1.0, 1, 2, 3]).mean() == 7 / 4

# %% [markdown]
# ## Your parts
# What this notebook runs, part by part. Each line that the next cells print says whose it is: yours, where it passes
# its check in the notebook that is named, and the course's where it does not. Change a part there, save, restart the
# kernel here, and the whole machine runs with the change.
#
# | part | what it does | notebook | runs in |
# |---|---|---|---|
# | `attention`, `MultiHeadAttention`, `causal_mask` | who looks where, in several heads | 04, 05 | everything |
# | `pad_batch`, `greedy_translate` | sentences as a rectangle; the likeliest word each time | 03 | translate, fill in |
# | `LayerNorm`, `FeedForward`, `PreNorm` | what surrounds attention | 07 | translate, write |
# | `EncoderBlock`, `DecoderBlock` | a block that reads, a block that writes | 07 | translate, write, look |
# | `Transformer`, `next_word_step` | encoder and decoder, one word at a time | 09 | translate |
# | `GPT` | the decoder alone | 11 | write |
# | `apply_temperature`, `top_p`, `sample`, `generate` | from logits to a text | 12 | write, chat |
# | `KeyValueCache`, `read_on` | nothing is computed twice | 13 | write, chat |
# | `RMSNorm`, `LlamaBlock` | the decoder of today | 14 | chat |
# | `wordpiece`, `BertEmbeddings`, `mask_words` | an encoder that guesses hidden words | 16 | fill in |
# | `RelativeBias`, `biased_attention` | T5's positions | 17 | answer |
# | `ViT` | an image as a sentence | 18 | look |
# | `answer_mask` | which tokens an assistant learns | 20 | chat |

# %%
from lib.yours import GPT, DecoderBlock, EncoderBlock, LayerNorm, PreNorm, Transformer
from lib.yours import greedy_translate, next_word_step, pad_batch

# %%
from lib.yours import KeyValueCache, LlamaBlock, RMSNorm
from lib.yours import apply_temperature, generate, read_on, sample, top_p

# %%
from lib.yours import BertEmbeddings, RelativeBias, ViT
from lib.yours import answer_mask, biased_attention, mask_words, wordpiece

# %% [markdown]
# Some parts stand inside others: your blocks of notebook 07 hold your attention of notebook 05. Whose are these?

# %%
from lib import yours

for name in ("attention", "causal_mask", "MultiHeadAttention", "FeedForward"):
    getattr(yours, name)

# %% [markdown]
# Not everything is yours. The **frames** are the course's: `Encoder` and `Decoder` put blocks in a row, `T5`, `Bert` and
# `Llama` put your parts around them, tokenizers cut the texts, and PyTorch does the arithmetic. You have seen each of
# them from inside.
#
# ## The switchboard
# Six machines, each put together in one cell. Where the course comes with trained weights they are loaded into *your*
# parts: that this works at all shows that your parts have the right names and shapes, and what they answer shows that
# they compute the right thing.
#
# **Translate** (notebook 09). Encoder, decoder, and the likeliest word each time:

# %%
from lib.training.translator import load_translator

trained, english, italian = load_translator()
blocks = [
    [kind(128, 4, 512, 0.0, PreNorm) for _ in range(2)]
    for kind in (EncoderBlock, DecoderBlock)
]
tables = [nn.Embedding(len(words), 128) for words in (english, italian)]
stacks = Encoder(blocks[0], LayerNorm(128)), Decoder(blocks[1], LayerNorm(128))
translator = Transformer(*tables, *stacks)
translator.load_state_dict(trained.state_dict())
translator = translator.eval()


# %%
@torch.no_grad()
def translate(text):
    ids, mask = pad_batch([english.encode(text.split())])
    start = torch.zeros(1, 0, dtype=torch.long), translator.encode(ids, mask), mask
    written = greedy_translate(partial(next_word_step, translator), start, 30)
    return " ".join(italian.decode(written[0]))


print(translate("Anna ate the apple because it was tasty ."))

# %% jupyter={"source_hidden": true}
assert type(translator.encoder.blocks[0]) is EncoderBlock
assert translate("Sofia and Giulia had a big duck .")
ids, mask = pad_batch([english.encode(["a", "big", "duck", "."])])
with torch.no_grad():
    assert torch.allclose(
        translator.encode(ids, mask), trained.encode(ids, mask), atol=1e-4
    )

# %% [markdown]
# **Write** (notebooks 11 to 13). Your GPT out of your blocks, your cache below it, your sampling above it:

# %%
from lib.decoding.generate import CachedGPT
from lib.gpt import END, load_stories_gpt, sizes_of


class Writer(GPT):
    """Your GPT, reading on through your caches."""

    n_positions = 320

    def fresh_caches(self, batch):
        n_heads, d_model = (
            self.blocks[0].attention.n_heads,
            self.embedding.embedding_dim,
        )
        sizes = batch, n_heads, self.n_positions, d_model // n_heads
        return [KeyValueCache(*sizes) for _ in self.blocks]

    def read_on(self, ids, caches, empty=None):
        return read_on(self, ids, caches, empty)


shipped, tokenizer = load_stories_gpt()
writer = Writer(**sizes_of(shipped), block=EncoderBlock).eval()
writer.load_state_dict(shipped.state_dict())
end = tokenizer.special[END]


# %%
def likeliest(logits, ids):
    return int(logits.argmax())


def nucleus(dice, logits, ids):
    """Notebook 12: temperature 0.8, then the tokens that have 90% together."""
    return sample(top_p(apply_temperature(logits, 0.8), 0.9), dice)


def write(start, limit=60, seed=0):
    ids = [end, *tokenizer.encode(start)]
    pick = partial(nucleus, torch.Generator().manual_seed(seed))
    written = list(generate(CachedGPT(writer), ids, limit, pick, [[end]]))
    return tokenizer.decode([i for i in ids[1:] + written if i != end])


print(write("Early one morning"))

# %% jupyter={"source_hidden": true}
assert type(writer.fresh_caches(1)[0]) is KeyValueCache
text = torch.tensor(
    [[end, *tokenizer.encode("Early one morning Tom sat in the kitchen")]]
)
with torch.no_grad():
    assert torch.allclose(writer(text), shipped(text), atol=1e-3)

# %% [markdown]
# **Fill in** (notebook 16). No weights come with the course for this one, so a small BERT learns for a moment on the
# course's short English sentences, of six words at most, which a program wrote:

# %% tags=["training"]
from lib.bert import Bert, BertForMaskedWords
from lib.corpora.italian import load_pairs
from lib.wordpiece import WordPieceTokenizer, frequent_pieces

sentences = [pair.english for pair in load_pairs()]
sentences = [text for text in sentences if len(text.split()) <= 6]
pieces = WordPieceTokenizer(frequent_pieces(sentences, 5), wordpiece)
parts = {"embeddings": BertEmbeddings, "block": EncoderBlock}
filler = BertForMaskedWords(Bert(len(pieces), 96, 4, 2, n_positions=64, **parts))
fresh_weights(filler, torch.Generator().manual_seed(0))
special = [pieces.special[name] for name in ("[PAD]", "[CLS]", "[SEP]")]
hidden, dice = pieces.special["[MASK]"], torch.Generator().manual_seed(1)


# %% tags=["training"]
def hidden_loss(batch):
    ids, mask = batch
    chosen = mask_words(ids, special, hidden, len(pieces), dice, 0.3)
    return filler.loss(*chosen, mask=mask)


def some(rows, count, rng):
    while True:
        yield pad_batch(rng.sample(rows, count))


rows = [pieces.encode(text).ids for text in sentences]
feed = some(rows, 96, random.Random(0))
losses = train(filler, hidden_loss, feed, 300, 1e-2, 50, muon=True, fused=True)
print(f"loss {losses[0]:.2f} at first, {sum(losses[-20:]) / 20:.2f} at the end")


# %% tags=["training"]
@torch.no_grad()
def fill_in(text):
    """The likeliest word for each [MASK]."""
    ids = torch.tensor([pieces.encode(text).ids])
    for guess in filler(ids)[ids == hidden].argmax(-1).tolist():
        text = text.replace("[MASK]", pieces.pieces[guess], 1)
    return text


for text in (
    "We [MASK] very tired.",
    "We [MASK] two brothers.",
    "Anna [MASK] a sister.",
):
    print(text, "→", fill_in(text))

# %% tags=["training"] jupyter={"source_hidden": true}
assert "[MASK]" not in fill_in("We [MASK] two [MASK].")
assert sum(losses[-20:]) / 20 < 4 < losses[0]

# %% [markdown]
# In our run it has learnt that a verb must stand there, and in which form: *are* after *We*, *has* after *Anna*. Of the two
# brothers it says *like*; notebook 16 had given its BERT 800 steps, until it said *have*.
#
# **Answer** (notebook 17). T5 with your attention and your positions; its weights come with the course:

# %% tags=["training"]
from lib import checkpoints
from lib.batching import SPECIAL
from lib.corpora.tasks import load_tasks
from lib.decoding.search import translate as decoded
from lib.relative_positions import BiasedAttention
from lib.t5 import T5
from lib.tokenizer import train_tokenizer


class MyAttention(BiasedAttention):
    """Your attention in heads. Cross-attention has no bias."""

    def attend(self, q, k, v, mask):
        added = 0.0
        if self.position_bias is not None:
            added = self.position_bias(q.shape[-2], k.shape[-2])
        return biased_attention(q, k, v, added, mask)[0]


# %% tags=["training"]
tasks, asked = load_tasks("train"), load_tasks("test")
known = [name for name in tasks if name != "past"]
texts = [text for name in known for example in tasks[name] for text in example]
marks = [*SPECIAL, *(f"<X{i}>" for i in range(12))]
t5_tokenizer = train_tokenizer(texts, 2_048, marks)
mine = {"attention": MyAttention, "relative_bias": RelativeBias}
sizes = {"n_buckets": 16, "furthest": 64}
t5 = T5(len(t5_tokenizer), 128, 4, 512, (2, 2), **sizes, **mine)
t5.load_state_dict(checkpoints.load(files.path("t5_tasks.safetensors"))[0])
t5 = t5.eval()


# %% tags=["training"]
def answer(text):
    """One text in, one text out; the first words say what to do."""
    ids = decoded(t5, [t5_tokenizer.encode_ordinary(text)], 30)[0]
    return t5_tokenizer.decode(ids).strip()


story, right = asked["question"][5]
print(story, answer(story), f"(right: {right})", sep="\n")

# %% tags=["training"] jupyter={"source_hidden": true}
assert type(t5.encoder.blocks[0].attention) is MyAttention and answer(story)

# %% [markdown]
# **Look** (notebook 18). Your ViT learns the digits, MNIST's where they are here, else those that a program draws:

# %% tags=["training"]
from torch.nn.functional import cross_entropy

from lib.corpora.digits import load_digits
from lib.corpora.mnist import MEAN, SPREAD, load_mnist
from lib.downloads import SOURCES, have
from lib.vit import ViTClassifier

real = all(have(name) for name in SOURCES if name.startswith("mnist/"))
load = load_mnist if real else load_digits
(images, labels), (tests, named) = load("train"), load("test")
images, tests = ((part[:, None] - MEAN) / SPREAD for part in (images, tests))
looker = ViTClassifier(ViT((28, 28), (7, 7), 64, 4, 2, 128), 10)
looker = fresh_weights(looker, torch.Generator().manual_seed(0))


# %% tags=["training"]
def digit_batches(seed):
    dice = torch.Generator().manual_seed(seed)
    while True:
        for rows in torch.randperm(len(images), generator=dice).split(128):
            yield images[rows], labels[rows]


def digit_loss(batch):
    return cross_entropy(looker(batch[0]), batch[1])


train(looker, digit_loss, digit_batches(0), 200, 4e-3, 50, muon=True, fused=True)
looker.eval()


@torch.no_grad()
def look(image):
    return str(looker(tests[image : image + 1]).argmax().item())


seen = [look(i) == str(int(named[i])) for i in range(200)]
print(f"{sum(seen)} of {len(seen)} digits read rightly")

# %% tags=["training"] jupyter={"source_hidden": true}
assert sum(seen) > 150

# %% [markdown]
# **Chat** (notebooks 14 and 20). SmolLM2, 135 million published numbers in your blocks. Where they were not fetched, the
# GPT of the stories learns for a moment to take turns, as in notebook 20, by your mask; it knows questions about stories
# only, takes every other one for one of them, and does not always stop in time:

# %% tags=["training"]
from lib import chat as turns
from lib.corpora.story_questions import beginning, question_messages, story_questions
from lib.llama import Llama
from lib.smollm import TURN_END, chat_ids, load_smollm2

its_file = have("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
if its_file:
    my_parts = {"block": LlamaBlock, "norm": RMSNorm, "cache": KeyValueCache}
    chatty, its_tokenizer = load_smollm2(its_file, partial(Llama, **my_parts))


# %% tags=["training"]
def tuned(steps=60):
    """The GPT of the stories, after a moment of notebook 20's instruction tuning."""
    speaking, dice = turns.chat_tokenizer(tokenizer), torch.Generator().manual_seed(0)
    model = turns.widened(shipped, len(speaking), dice).train()
    opens, closes = speaking.special["<|assistant|>"], speaking.special["<|end|>"]
    told = [beginning(text) for text in files.read("stories.txt").split("\n\n")[:800]]
    asked = [question_messages(text, story_questions(text)) for text in told]
    rows = [turns.conversation_ids(speaking, messages) for messages in asked]
    feed = turns.chat_batches(rows, speaking, 1_500, random.Random(0))
    feed = ((ids, answer_mask(ids, opens, closes)) for ids, _ in feed)
    train(model, lambda batch: turns.answer_loss(model, *batch), feed, steps, 1e-3, 10)
    return model.eval(), speaking


if not its_file:
    chatty, its_tokenizer = tuned()


# %% tags=["training"]
def chat(said, limit=30):
    messages = [{"role": "user", "content": said}]
    if not its_file:
        return turns.replies(chatty, its_tokenizer, [messages], limit, likeliest)[0]
    turn = its_tokenizer.special[TURN_END]
    ids = chat_ids(its_tokenizer, messages)
    written = generate(CachedGPT(chatty), ids, limit, likeliest, [[turn]])
    return its_tokenizer.decode([i for i in written if i != turn])


print(chat("What is the capital of France?"))

# %% tags=["training"] jupyter={"source_hidden": true}
assert not its_file or chat("What is the capital of France?").endswith("Paris.")

# %% [markdown]
# Notebook 20 made the course's own GPT into an assistant; SmolLM2 was made one by others, in the same way.
#
# All six behind one function:

# %% tags=["training"]
machines = {"translate": translate, "write": write, "fill in": fill_in}
machines |= {"answer": answer, "look": look, "chat": chat}


def switchboard(what, given):
    if what not in machines:
        raise ValueError(f"there is no {what!r}: there are {', '.join(machines)}")
    return machines[what](given)


calls = {
    "translate": "the old man had a small dog .",
    "write": "There was once a hedgehog",
    "fill in": "We [MASK] very tired.",
    "answer": asked["negate"][3].source,
    "look": 7,
    "chat": "How many legs has a spider?",
}
for what, given in calls.items():
    print(f"{what}: {given}\n    → {switchboard(what, given)}")

# %% [markdown]
# Read the six answers, and ask of each whether it is right. The translation is. The story is fluent, and goes on until the
# limit of 60 tokens; nothing in it can be wrong but names and things that get lost (notebook 11). The filled gap is a word
# of the right kind. T5 says *did not bring*, which is right, and exchanges people and things on the way: copying is what it does
# worst. The digit is mostly right. And what the chat knows about spiders stands in no text of
# this course: it comes with the published weights, where they are here. Change the texts and run the cell again. To keep
# something of all this: `python3 course.py diploma` writes a page, a single HTML file, with what you have built, when each part
# passed, and three samples of what your parts do.
#
# ## Where the time goes
# A **profile** counts what a program calls and how long each call takes. Before one makes anything faster, one looks:
# guesses about speed are mostly wrong. PyTorch's profiler watches each of its own operations, here while your decoder
# writes 40 tokens:

# %% tags=["training"]
from torch.profiler import ProfilerActivity, profile

prompt = [end, *tokenizer.encode("Early one morning")]


def forty(logits_of):
    return list(generate(logits_of, prompt, 40, likeliest))


forty(CachedGPT(writer))  # once before the clock: memory is fetched, kernels are chosen
with profile(activities=[ProfilerActivity.CPU]) as watched:
    forty(CachedGPT(writer))


# %% tags=["training"]
operations = sorted(watched.key_averages(), key=lambda one: -one.self_cpu_time_total)
whole = sum(one.self_cpu_time_total for one in operations)
calls = sum(one.count for one in operations if one.key.startswith("aten::"))
for one in operations[:8]:
    milliseconds = one.self_cpu_time_total / 1000
    share = one.self_cpu_time_total / whole
    print(f"{one.key:36}{one.count:7,} calls {milliseconds:8.1f} ms {share:6.1%}")
print(f"{calls / 40:,.0f} operations for one token")

# %% tags=["training"] jupyter={"source_hidden": true}
products = [one for one in operations if one.key in ("aten::addmm", "aten::mm")]
assert sum(one.self_cpu_time_total for one in products) < 0.7 * whole
assert calls / 40 > 500

# %% [markdown]
# Read the table together. **Self time** is the time spent within an operation itself, without what it calls. `aten::` is
# PyTorch's C++ library: `aten::addmm` is a matrix product with a bias, `aten::mm` one without, `aten::bmm` the products of
# attention's heads, `aten::copy_` and `aten::slice` move and cut. (Some operations call others, and both are counted:
# `aten::linear` calls `aten::addmm`.) With the course's parts, `addmm` leads with a quarter of the time or more; together
# with `mm`, the scores of all 2,048 tokens, the products take about a third. GELU takes a tenth. Everything else, more
# than half, is spread over hundreds of small operations: about 1,170 for each token. A product of one row with a matrix of
# 128 × 512 has 65,536 multiplications, some microseconds of work; but each call costs a microsecond or more before it
# computes anything, and twice as much while a profiler takes notes. So the time goes into the *number* of calls. (A profile
# differs from run to run: look at which rows lead, not at their last digit.)
#
# How much can one change give? **Amdahl's law**: if a part takes the share s of the time and is made k times faster, the
# whole becomes 1 / ((1 − s) + s / k) times faster. With s = 1/2 and k = 2 that is 1 / (1/2 + 1/4) = 4/3; and even if this
# half took no time at all, the whole would be only twice as fast.
#
# ## Question 21.1 · faster_by
# The matrix products take 60% of the time of a token. They are made three times faster, and nothing else changes. How
# many times faster is the whole? 3 minutes.

# %% question="faster_by" difficulty=1 minutes=3
### BEGIN SOLUTION
faster_by = 1 / (0.4 + 0.6 / 3)
### END SOLUTION

# %% check="faster_by"
from lib.checks import check

faster_by = check("faster_by")

# %% [markdown]
# Which change pays most? Each of these alone, with the same tokens as a result (the batch writes eight times the same):

# %% tags=["training"]
from lib.decoding.generate import generate_batch, lay_out_for_decoding


@torch.inference_mode()
def uncached(ids):
    """Everything is read anew for each token."""
    return writer(torch.tensor([ids]))[0, -1]


laid_out = lay_out_for_decoding(copy.deepcopy(writer))
ways = {
    "without the cache": lambda: forty(uncached),
    "your decoder": lambda: forty(CachedGPT(writer)),
    "matrices laid out": lambda: forty(CachedGPT(laid_out)),
    "fused norms": lambda: forty(CachedGPT(shipped)),
    "8 texts at once": lambda: generate_batch(writer, [prompt] * 8, 40, likeliest)[0],
}


# %% tags=["training"]
def best_of(work, times=3):
    """The shortest processor time, which other programs disturb least, in seconds."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        found = work()
        taken.append(time.process_time() - start)
    return min(taken), found


timed = {name: best_of(work) for name, work in ways.items()}
for name, (seconds, _) in timed.items():
    tokens = 320 if name.startswith("8") else 40
    print(f"{name:20}{1000 * seconds / tokens:7.2f} ms a token")

# %% tags=["training"] jupyter={"source_hidden": true}
first = timed["your decoder"][1]
assert all(found == first for _, found in timed.values())
per_token = {
    name: seconds / (8 if name.startswith("8") else 1)
    for name, (seconds, _) in timed.items()
}
assert per_token["8 texts at once"] < per_token["your decoder"] / 3

# %% [markdown]
# *Eight texts at once* pays most, by far: a token costs a fifth or less (in four runs it was 5.0 to 6.7 times cheaper, with
# the course's parts on a busy machine). It makes no text faster: it makes each call do eight times the work, so that its
# fixed price is shared. Everything that works on one text gave less than a factor of 1.7 in these runs. *The cache* saved
# 15 to 40% of the time: 40 tokens are few, and reading them all anew takes the same number of calls, only larger ones.
# *Laid out* stores each matrix column after column, the order in which one row reads it (notebook 13): 20% at best, and in
# two of the runs nothing. *Fused norms* compute a LayerNorm in one operation in place of some eight: 870 operations remain
# of 1,170, and up to 30% of the time goes with them. The profile had said as much: where the products are a third, Amdahl's
# law gives 1.5 for products that cost nothing. Serving many texts together is how servers use a
# machine, and it is the same thought as everything below: the price of a message, or of a call, is paid once for many
# numbers.
#
# ## Many processes, one model
# A **process** is a program with memory of its own: what one changes the other does not see. Two processes on this
# machine, or a thousand on a thousand graphics cards, can share nothing but what they send. `torch.distributed` sends.
# Each process knows two numbers: its **rank**, from 0, and the **world size**, how many there are. A **collective** is an
# operation that all of them call together, and that ends when all have called it:
#
# - `all_reduce(tensor)`: afterwards everyone has the *sum* of everyone's tensors, in place;
# - `broadcast(tensor, 0)`: everyone has what process 0 had;
# - `all_gather`, `reduce_scatter`: everyone gets all pieces; everyone gets one piece of the sum.
#
# The collectives are done by a **backend**: gloo on CPUs, nccl on NVIDIA's graphics cards. And `torchrun` starts the
# processes, tells each its rank, and ends all of them when one fails.
#
# **Data parallelism** is the simplest way to use them. All processes have the same weights. Each takes other rows of the
# batch, and computes the gradient of its own mean loss, g_r. What one process with the joint batch would get is
#
# $$g = \sum_r s_r\, g_r, \qquad s_r = \frac{\text{targets of process } r}{\text{targets of all}}$$
#
# because the joint loss is a mean over all targets, and a mean of n numbers is the sum over its parts, each part's mean times
# its share. With equal parts every s_r is 1/p, p the world size, and g is the plain average: hence the name **gradient
# averaging**. In "By hand" s was 1/4 and 3/4, and g = 7/4.
#
# ## Exercise 21.1 · average_gradients
# `all_reduce` is given, so that you can try it without a second process: it puts the sum over all processes in place of
# a tensor's numbers. For every parameter that learns (`requires_grad`), multiply the gradient by `share`, and let
# `all_reduce` add up. A parameter may have no gradient here, because this process's rows did not use it: then `.grad` is
# None. It must take part all the same, with zeros: all processes have to call `all_reduce` equally often, or the others
# wait for ever. One call for each parameter, or several parameters in one tensor: both are right. Gradients are finite
# numbers. Your function is sent to other processes as text, so use nothing but its arguments, `torch` and what it imports
# itself, and no helper that stands outside of it. Difficulty ●●○ · 12 minutes.
#
# <details><summary>The result is p times too large</summary>The sum of all is not the average: each one's part must be multiplied by
# its share before it is added.</details>
# <details><summary>What does all_reduce return?</summary>Do not rely on it: the sums stand in the tensor that you gave.</details>
# <details><summary>Nothing changes</summary><code>parameter.grad * share</code> is a new tensor. Write into the old one
# (<code>mul_</code>), or put the new one in its place.</details>


# %% exercise="average_gradients" difficulty=2 minutes=12
def average_gradients(model, all_reduce, share):
    """Make the gradients of each process those of the joint batch: the sum over the
    processes of share times gradient.

    all_reduce: replaces the numbers of a tensor, in place, by their sums over all
    processes, as `torch.distributed.all_reduce` does; it returns when all have called
    it, in the same order, with equal shapes and dtypes
    share: how much of the joint batch this process has, from 0 to 1; the shares of all
    processes have the sum 1

    A parameter that learns and has no gradient here takes part with zeros: another
    process may have one. Frozen parameters take no part, and what they may have in
    `.grad` from earlier stays. Returns nothing; the gradients stand in `.grad`, the old
    tensor or a new one.
    """
    ### BEGIN SOLUTION
    for parameter in model.parameters():
        if parameter.requires_grad:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            parameter.grad.mul_(share)
            all_reduce(parameter.grad)
    ### END SOLUTION


# %% check="average_gradients"
from lib.checks import check

average_gradients = check("average_gradients")

# %% [markdown]
# ## Question 21.2 · joint_gradient
# Translation batches are cut by tokens, so the parts are rarely equal. Process 0 has 10 targets, and the gradient of its
# mean loss is 2; process 1 has 30 targets and the gradient 4. Which gradient would one process with the joint batch have?
# 3 minutes.

# %% question="joint_gradient" difficulty=1 minutes=3
### BEGIN SOLUTION
joint_gradient = (10 * 2 + 30 * 4) / 40
### END SOLUTION

# %% check="joint_gradient"
from lib.checks import check

joint_gradient = check("joint_gradient")

# %% [markdown]
# ## Two processes on this machine
# Now for real. A notebook is one process, so the program for the others is written into a file. It holds the source of
# your function as it stands in the cell above. Process r takes the rows r, r + 2, r + 4, ... of seven: four rows and three.

# %% tags=["training"]
HEAD = """
from __future__ import annotations
import json, sys, time, torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from lib.gpt import GPT, gpt_loss, initial_weights

""" + inspect.getsource(average_gradients)
JOINED = """
dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()

def new(*sizes):
    return initial_weights(GPT(*sizes), torch.Generator().manual_seed(0))
"""
ONE_STEP = """
ids = torch.randint(53, (7, 12), generator=torch.Generator().manual_seed(1))
joint, mine = new(53, 12, 32, 4, 2), ids[rank::size]
gpt_loss(joint, ids).backward()
furthest = {}
for name, share in {"by share": len(mine) / len(ids), "halves": 1 / size}.items():
    model = new(53, 12, 32, 4, 2)
    gpt_loss(model, mine).backward()
    average_gradients(model, dist.all_reduce, share)
    pairs = zip(model.parameters(), joint.parameters())
    furthest[name] = max((a.grad - b.grad).abs().max().item() for a, b in pairs)
reports = [None] * size
dist.all_gather_object(reports, {"rows": len(mine), **furthest})
if rank == 0:  # one prints for all: the lines of two can run into each other
    print(json.dumps(reports))
dist.destroy_process_group()
"""


# %% tags=["training"]
def torchrun(processes, *words):
    """What torchrun prints, line by line; its errors where there are any."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", *map(str, words)]
    here = str(Path(lib.__file__).parent.parent)
    settings = os.environ | {"PYTHONPATH": here, "OMP_NUM_THREADS": "1"}
    how = {"capture_output": True, "text": True, "timeout": 300}
    done = subprocess.run(command, env=settings, **how)
    if done.returncode:
        print(done.stderr[-1500:])
    return done.stdout.splitlines()


def program(name, *pieces):
    path = home / name
    path.write_text("\n".join(pieces), encoding="utf-8")
    return path


# %% tags=["training"]
found = torchrun(2, program("one_step.py", HEAD, JOINED, ONE_STEP))
apart = json.loads(found[-1])
for rank, one in enumerate(apart):
    less = one["by share"] < 1e-5
    print(f"process {rank}, {one['rows']} rows: equal to 1e-5: {less}")

# %% tags=["training"] jupyter={"source_hidden": true}
assert [one["rows"] for one in apart] == [4, 3]
assert all(one["by share"] < 1e-5 for one in apart)
halves = max(one["halves"] for one in apart)

# %% [markdown]
# Two processes, neither of which has seen all rows, have the gradient of all rows. They differ from one process by rounding
# only: the same numbers were added in another order.
#
# ## DistributedDataParallel
# PyTorch has this built in. `DistributedDataParallel`, or **DDP**, wraps a model: at the start it broadcasts the weights
# of process 0, and in each backward pass it averages the gradients. Two things make it faster than your loop:
#
# - *Buckets.* It sends many parameters as one message, of up to 25 megabytes. A small message costs nearly as much as a
#   large one, and a GPT has a hundred small tensors.
# - *Overlap.* The gradients of the last layer are ready first. DDP sends them while the earlier layers still compute.
#
# It takes the plain mean, 1/p each, so it is right when the parts are equal. Five steps with your function and five with
# DDP, six rows each time:

# %% tags=["training"]
FIVE_STEPS = """
def learn(model, average):
    moving = torch.optim.AdamW(model.parameters(), 1e-3)
    dice = torch.Generator().manual_seed(2)
    for _ in range(5):
        ids = torch.randint(53, (6, 12), generator=dice)[rank::size]
        model.zero_grad()
        gpt_loss(model, ids).backward()
        if average:
            average_gradients(model, dist.all_reduce, 1 / size)
        moving.step()
    return torch.cat([p.detach().flatten() for p in model.parameters()])

by_hand = learn(new(53, 12, 32, 4, 2), True)
by_ddp = learn(DistributedDataParallel(new(53, 12, 32, 4, 2)), False)
forgotten = learn(new(53, 12, 32, 4, 2), False)
apart = {"hand and DDP": by_hand - by_ddp}
for name, weights in {"by hand": by_hand, "not averaged": forgotten}.items():
    first = weights.clone()
    dist.broadcast(first, 0)
    apart[name] = first - weights
if rank == 1:
    found = {name: one.abs().max().item() for name, one in apart.items()}
    print(json.dumps(found))
dist.destroy_process_group()
"""
found = torchrun(2, program("five_steps.py", HEAD, JOINED, FIVE_STEPS))
apart = json.loads(found[-1])
print("your function and DDP equal to 1e-5:", apart["hand and DDP"] < 1e-5)
print("process 0 and 1 equal to the last bit:", apart["by hand"] == 0)
print("and without averaging:", apart["not averaged"] == 0)

# %% tags=["training"] jupyter={"source_hidden": true}
assert apart["hand and DDP"] < 1e-5
assert apart["by hand"] == 0 and apart["not averaged"] > 0

# %% [markdown]
# The middle line is the important one. Nobody compares the weights during a training; that they stay equal rests on equal
# beginnings, equal gradients, and an optimiser that computes the same everywhere. What breaks it is the last line: two
# models that have begun as one, and drift apart without any error.
#
# ## A ring
# How does `all_reduce` add up? The simplest way: all send to process 0, it adds, it sends the sum back. With p processes
# and n numbers process 0 receives (p − 1) n numbers, and with p = 1,000 everybody waits for it. The **ring all-reduce**
# (Patarasuk and Yuan [2009](https://doi.org/10.1016/j.jpdc.2008.09.002)) has no such place. Everyone cuts its numbers into p
# **chunks** and sends one chunk to its right neighbour, in every step, at the same time as all others:
#
# - p − 1 steps of **reduce-scatter**: what arrives is *added* to one's own chunk. In the end each chunk is complete in one
#   process;
# - p − 1 steps of **all-gather**: what arrives *replaces* one's own chunk, and the complete chunks go round.
#
# In step s process i sends its chunk (i − s) mod p. In the table of "By hand" process 0 sends in step 1 its chunk −1 mod 3 =
# 2, the third: it is 303 by then, and process 1 makes 333 of it. A chunk has n/p numbers, and there are 2 (p − 1) steps, so
# each process sends
#
# $$2\,\frac{p-1}{p}\, n$$
#
# numbers: for p = 3 and n = 3 that is 4; and less than 2n, *however many processes there are*. That is why data parallelism
# can be scaled up.
#
# ## Exercise 21.2 · ring_all_reduce
# Play the ring within one process. `tensors` holds the numbers (n,) of each process. Cut each by `tensor_split(p)`, which
# allows for an n that does not divide (the first chunks are one longer). Do the 2 (p − 1) steps: in step s process i sends
# its chunk (i − s) mod p to process (i + 1) mod p. Return a list with what each process has at the end, and a list with how
# many numbers each has sent. The tensors that you were given must stay as they are. Difficulty ●●● · 20 minutes.
#
# <details><summary>Sums that are too large</summary>In the second half, from step p − 1 on, a chunk replaces the neighbour's: it is
# complete, and adding would count numbers twice.</details>
# <details><summary>My input has changed</summary><code>tensor_split</code> gives views. <code>+=</code> on a view writes into the tensor
# behind it; <code>a = a + b</code> makes a new one.</details>
# <details><summary>Does the order of the processes within a step matter?</summary>No: within a step everyone sends another chunk than
# the one that it receives.</details>


# %% exercise="ring_all_reduce" difficulty=3 minutes=20
def ring_all_reduce(tensors):
    """Add up a tensor of each process, as a ring of processes does it (Patarasuk and
    Yuan 2009).

    tensors: (n,) of each process, at least one

    With p processes each tensor is cut into p chunks by `tensor_split`. In step s, from
    0 to 2p - 3, process i sends its chunk (i - s) mod p to process (i + 1) mod p. In
    the first p - 1 steps the receiver adds it to its own chunk; after that it takes it
    in place of its own.

    Returns what each process has at the end, (n,) and of the dtype it had, and how many
    numbers each of them has sent, two lists (or tuples). The tensors themselves are not
    changed.
    """
    ### BEGIN SOLUTION
    p = len(tensors)
    chunks = [list(tensor.tensor_split(p)) for tensor in tensors]
    sent = [0] * p
    for step in range(2 * (p - 1)):
        for i in range(p):
            place, receiver = (i - step) % p, chunks[(i + 1) % p]
            chunk = chunks[i][place]
            sent[i] += len(chunk)
            receiver[place] = receiver[place] + chunk if step < p - 1 else chunk
    return [torch.cat(parts) for parts in chunks], sent
    ### END SOLUTION


# %% check="ring_all_reduce"
from lib.checks import check

ring_all_reduce = check("ring_all_reduce")

# %%
sums, sent = ring_all_reduce(list(begin))
print([one.tolist() for one in sums], sent)

# %% jupyter={"source_hidden": true}
assert [one.tolist() for one in sums] == 3 * [[111, 222, 333]] and sent == [4, 4, 4]

# %% [markdown]
# And four processes as a film. Each square is a chunk in a process; its number says of how many processes it holds the
# numbers by now:

# %% jupyter={"source_hidden": true}
p, held = 4, torch.ones(4, 4)
figure, panels = plt.subplots(1, 7, figsize=(9, 1.7), sharey=True)
for step, axes in enumerate(panels):
    axes.imshow(held, cmap="cividis", vmin=0, vmax=p)
    for i in range(p):
        for chunk in range(p):
            ink = "black" if held[i, chunk] > 2 else "white"
            said = f"{held[i, chunk]:.0f}"
            axes.text(chunk, i, said, ha="center", va="center", color=ink, fontsize=8)
    axes.set(title=f"{step} steps", xticks=range(p), yticks=range(p), xlabel="chunk")
    before = held.clone()
    for i in range(p):
        place, to = (i - step) % p, (i + 1) % p
        held[to, place] = before[i, place] + (before[to, place] if step < p - 1 else 0)
panels[0].set_ylabel("process")
plt.show()

# %% [markdown]
# Read it from left to right. After three steps every row holds a 1, a 2, a 3 and a 4, and each row has its 4, the complete
# sum, at another place. In the last three steps the fours are copied to the row below (from the lowest to the
# uppermost) until there is nothing else.

# %% [markdown]
# ## Question 21.3 · ring_traffic
# GPT-2 small has 124,439,808 parameters, and its gradients are float32, 4 bytes each. Eight processes average them by a
# ring. How many bytes does each process send in one step of the training? 4 minutes.

# %% question="ring_traffic" difficulty=2 minutes=4
### BEGIN SOLUTION
ring_traffic = 2 * 7 * 124_439_808 * 4 // 8
### END SOLUTION

# %% check="ring_traffic"
from lib.checks import check

ring_traffic = check("ring_traffic")

# %% [markdown]
# ## Does it pay?
# A GPT of 4 blocks, d_model 128, reads 8 × 128 tokens a step: first one process with all rows, then two with half of them
# each. The joint batch is the same, so is the training; the clock on the wall says what was gained. (Here processor time
# would say nothing: two processes use two processors.)

# %% tags=["training"]
CLOCK = """
model = new(2048, 128, 128, 4, 4)
moving = torch.optim.AdamW(model.parameters(), 1e-3)
ids = torch.randint(2048, (8, 129), generator=torch.Generator().manual_seed(3))
mine, sending, steps = ids[rank::size], 0.0, 12
for step in range(steps + 2):
    if step == 2:  # two steps to get warm
        dist.barrier()
        begin, sending = time.perf_counter(), 0.0
    model.zero_grad()
    gpt_loss(model, mine).backward()
    before = time.perf_counter()
    average_gradients(model, dist.all_reduce, len(mine) / len(ids))
    sending += time.perf_counter() - before
    moving.step()
whole = time.perf_counter() - begin
if rank == 0:
    print(json.dumps({"tokens": steps * 8 * 128 / whole, "sending": sending / whole}))
dist.destroy_process_group()
"""
path = program("clock.py", HEAD, JOINED, CLOCK)
speeds = {size: json.loads(torchrun(size, path)[-1]) for size in (1, 2)}
for size, one in speeds.items():
    print(
        f"{size}: {one['tokens']:,.0f} tokens/s, {one['sending']:.0%} of it averaging"
    )

# %% tags=["training"] jupyter={"source_hidden": true}
assert speeds[1]["tokens"] > 0 and 0 <= speeds[2]["sending"] < 1

# %% [markdown]
# Do not be surprised if the second line is no better than the first. The share of averaging holds waiting, too: the faster
# process waits in `all_reduce` for the slower one, and on a machine with no second core that is free there is nothing to
# gain. Whether it pays is also a matter of size. `benchmarks/parallel.py` lets one process and two take turns, for this
# model and for one that is three times as wide, with your way of averaging (a message for each tensor) and with DDP:

# %%
recorded = json.loads(files.read("parallel_results.json"))
for name, found in recorded.items():
    print(name, found)

# %% jupyter={"source_hidden": true}
for way in ("ours", "DDP"):
    small, large = (recorded[f"d_model {d}"][f"times, {way}"] for d in (128, 384))
    assert small < 1.3 < large < 2
assert (
    recorded["d_model 128"]["times, ours"] < 1 < recorded["d_model 128"]["times, DDP"]
)

# %% [markdown]
# Only the ratios mean something elsewhere, and these too are rough: two rounds on two cores, which other programs wanted as
# well (`busy` is the number of programs that wanted each of them). With d_model 128, two processes and a message for each
# tensor are *slower* than one, 0.77 times as fast; DDP, with its few large messages, gains 12%. With d_model 384 each
# message carries more and there is more to compute between them: 1.47 times for ours, 1.58 for DDP, out of 2. The larger the
# work between two messages, the more it pays, which is why large models and large batches are what is trained in parallel.
#
# ## The command
# The course's training commands know all of this. What you have typed since notebook 11 as `python -m lib.training gpt`
# runs in two processes as
#
#     torchrun --nproc-per-node 2 -m lib.training gpt --corpus stories
#
# and `translate` likewise. (`torchrun` is short for `python -m torch.distributed.run`; both stand in the course's
# environment, in `.venv`.) All processes draw the same joint batch and take their rows of it, so the recipe means what it
# meant before: with two processes one gets the model of one process, up to rounding and dropout's dice. (Adam divides a
# gradient by its size, so a weight whose gradient is nothing but rounding may go another way: the bias of the keys, which
# changes no attention weight, is one.) Process 0 alone prints and writes files. A training that was stopped goes on from
# its checkpoint, also with another number of processes. Here it is stopped after a moment with two processes, and ended
# with one:

# %% tags=["training"]
own = home / "own.txt"
lines = files.read("stories.txt").strip().split("\n\n")[:200]
own.write_text("\n".join(lines), encoding="utf-8")
sizes = "--vocab 300 --positions 32 --d-model 32 --heads 2 --layers 1 --steps 40"
words = ["-m", "lib.training", "gpt", "--corpus", own, *sizes.split()]
words += ["--out", home / "own.safetensors"]
print(*torchrun(2, *words, "--minutes", "0.001"), sep="\n")
print(*torchrun(1, *words), sep="\n")

# %% tags=["training"] jupyter={"source_hidden": true}
assert (home / "own.safetensors").exists()

# %% [markdown]
# If a process is lost (a full memory, a cable, a Ctrl-C in the wrong window), the others notice in the next collective:
# each ends with a sentence that says so, `torchrun` ends what is left, and the same command goes on from what was saved
# last, at most a minute before.
#
# ## A thousand processes
# Data parallelism has two limits. *Every process holds everything*: weights, gradients and the state of AdamW. And the joint
# batch grows with the number of processes; beyond some size a larger batch no longer saves steps (McCandlish et al.
# [2018](https://arxiv.org/abs/1812.06162)). So large models are split up as well, in four ways.
#
# **ZeRO**, or fully sharded data parallelism (Rajbhandari et al. [2019](https://arxiv.org/abs/1910.02054)). In **mixed
# precision** a parameter takes 2 bytes as a weight, 2 as a gradient, and 12 as AdamW's state: the weight itself and the two
# moments m and v in float32, 4 bytes each. That is 16 Ψ bytes for Ψ parameters, in every process, p times the same. ZeRO
# lets each of the p processes keep a part:
#
# | stage | split up | bytes in each process |
# |---|---|---|
# | 0 | nothing | 2Ψ + 2Ψ + 12Ψ |
# | 1 | the state | 2Ψ + 2Ψ + 12Ψ/p |
# | 2 | the gradients too | 2Ψ + 2Ψ/p + 12Ψ/p |
# | 3 | the weights too | 2Ψ/p + 2Ψ/p + 12Ψ/p |
#
# A worked number: Ψ = 8 and p = 4. Stage 0 takes 128 bytes; stage 1 takes 32 + 12 · 2 = 56; stage 2: 16 + 14 · 2 = 44; stage
# 3: 16 · 2 = 32. Stages 1 and 2 send no more than plain data parallelism, since a reduce-scatter of gradients and an
# all-gather of new weights are the two halves of an all-reduce. Stage 3 gathers the weights of each layer right before it
# is used, forwards and backwards, and sends one and a half times as much.
#
# ## Exercise 21.3 · zero_bytes
# The bytes in one process for `n_parameters`, `n_processes` and a `stage` from 0 to 3. Where the parameters do not divide,
# a part is rounded up to whole parameters. Another stage is a ValueError. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Rounding up without floats</summary><code>-(-a // b)</code>; a float of some 10¹¹ parameters is still exact, but not
# for ever.</details>


# %% exercise="zero_bytes" difficulty=2 minutes=8
def zero_bytes(n_parameters, n_processes, stage):
    """Bytes in each process when training with AdamW in mixed precision (ZeRO,
    Rajbhandari et al. 2019, figure 1).

    A parameter takes 2 bytes as a weight, 2 as a gradient, and 12 as the optimiser's
    state: the weight and two moments in float32. stage: how much is split up, so that
    each process keeps its part only: 0 nothing, 1 the state, 2 the gradients too, 3 the
    weights too. Where the parameters do not divide, a part is rounded up to whole
    parameters.

    Returns an int. Raises ValueError for another int as the stage.
    """
    ### BEGIN SOLUTION
    if stage not in (0, 1, 2, 3):
        raise ValueError(f"stage={stage} is none of 0, 1, 2 and 3")
    part = -(-n_parameters // n_processes)  # rounded up
    weights = 2 * (part if stage >= 3 else n_parameters)
    gradients = 2 * (part if stage >= 2 else n_parameters)
    state = 12 * (part if stage >= 1 else n_parameters)
    return weights + gradients + state
    ### END SOLUTION


# %% check="zero_bytes"
from lib.checks import check

zero_bytes = check("zero_bytes")

# %%
print([zero_bytes(8, 4, stage) for stage in range(4)])
paper = [round(zero_bytes(7_500_000_000, 64, stage) / 1e9, 1) for stage in range(4)]
print(paper, "GB: figure 1 of the paper, 7.5 billion parameters, 64 processes")

# %% jupyter={"source_hidden": true}
assert [zero_bytes(8, 4, stage) for stage in range(4)] == [128, 56, 44, 32]
assert paper == [120.0, 31.4, 16.6, 1.9]

# %% [markdown]
# The same model with any number of processes:

# %% jupyter={"source_hidden": true}
many = [2**k for k in range(11)]
figure, axes = plt.subplots(figsize=(6, 3.2))
for stage, look_of in enumerate(("-", "--", "-.", ":")):
    memory = [zero_bytes(7_500_000_000, n, stage) / 1e9 for n in many]
    axes.plot(many, memory, look_of, label=f"stage {stage}")
axes.axhline(80, color="grey", lw=1, label="a card of 80 GB")
axes.set(xscale="log", xlabel="processes", ylabel="GB in each", ylim=(0, 175))
axes.legend(loc="upper right", ncols=2)
plt.show()

# %% jupyter={"source_hidden": true}
last = [round(zero_bytes(7_500_000_000, 1_024, stage) / 1e9, 1) for stage in range(4)]
assert last == [120.0, 30.1, 15.1, 0.1]

# %% [markdown]
# Without splitting the line is flat, above the card: a thousand processes do not help one of them to hold the model.
# Stages 1 and 2 fall towards what they leave whole, 4Ψ = 30 GB and 2Ψ = 15 GB; stage 3 alone goes on falling.

# %% [markdown]
# **Tensor parallelism** (Megatron-LM, Shoeybi et al. [2019](https://arxiv.org/abs/1909.08053)) splits every matrix: each of t
# processes has some of the heads and some of the columns of the feed-forward. After attention, and after the feed-forward, the
# parts are added up, forwards and backwards: four all-reduces of x, (batch, position, d_model), in each block. That is a
# lot, so it stays within one machine, where cards are joined by fast links.
#
# **Pipeline parallelism** (GPipe, Huang et al. [2018](https://arxiv.org/abs/1811.06965)) splits the stack: each of s
# **stages** has some of the blocks. Only x goes from one stage to the next, and its gradient back. The price is waiting:
# while the first stage works, the last one has nothing to do. So the batch is cut into m **micro-batches** that follow
# each other like cars in a factory. A forward pass takes m + s − 1 steps, of which each stage works in m; the share of
# waiting, the **bubble**, is
#
# $$\frac{s-1}{m+s-1}$$
#
# With s = 3 and m = 1 it is 2/3: only one stage works at a time. With m = 4 it is 2/6.
#
# ## Question 21.4 · waiting_share
# A pipeline has 4 stages, and a batch is cut into 12 micro-batches. Which share of its time does a stage wait? 3 minutes.

# %% question="waiting_share" difficulty=1 minutes=3
### BEGIN SOLUTION
waiting_share = (4 - 1) / (12 + 4 - 1)
### END SOLUTION

# %% check="waiting_share"
from lib.checks import check

waiting_share = check("waiting_share")

# %% [markdown]
# All together, for the model of the question at the top: 70 billion parameters, 80 blocks, d_model 8,192 (the sizes of Llama
# 2's largest, rounded), 16,384 tokens a step in each process that has a batch of its own, 2 bytes a number:

# %%
from lib.training.parallel import ring_bytes

size, blocks_, d_model, tokens = 70_000_000_000, 80, 8_192, 16_384
x = 2 * tokens * d_model  # bytes of the residual stream
rows = {  # name: (bytes in each process, bytes that each sends in a step)
    "data, 1,000": (zero_bytes(size, 1_000, 0), ring_bytes(2 * size, 1_000)),
    "ZeRO 1, 1,000": (zero_bytes(size, 1_000, 1), ring_bytes(2 * size, 1_000)),
    "ZeRO 3, 1,000": (zero_bytes(size, 1_000, 3), 1.5 * ring_bytes(2 * size, 1_000)),
    "tensor, 8": (16 * size / 8, 4 * blocks_ * ring_bytes(x, 8)),
    "pipeline, 5": (16 * size / 5, 2 * x),
    "8 x 5 x 25, ZeRO 1": (
        zero_bytes(size // 40, 25, 1),
        ring_bytes(2 * size / 40, 25) + 4 * blocks_ / 5 * ring_bytes(x, 8) + 2 * x,
    ),
}
for name, (memory, traffic) in rows.items():
    print(f"{name:20}{memory / 1e9:9,.1f} GB in each {traffic / 1e9:8,.1f} GB sent")

# %% jupyter={"source_hidden": true}
gigabytes = {name: [round(one / 1e9, 1) for one in both] for name, both in rows.items()}
assert gigabytes["data, 1,000"] == [1120.0, 279.7]
assert gigabytes["ZeRO 1, 1,000"][0] == 280.8 and gigabytes["ZeRO 3, 1,000"] == [
    1.1,
    419.6,
]
assert gigabytes["tensor, 8"] == [140.0, 150.3] and gigabytes["pipeline, 5"] == [
    224.0,
    0.5,
]
assert gigabytes["8 x 5 x 25, ZeRO 1"][0] == 7.8
assert sum(memory < 80e9 for memory, _ in rows.values()) == 2

# %% [markdown]
# (Without the activations that a backward pass keeps, which come on top.) A card has 80 GB. Data parallelism alone does
# not fit, ZeRO 1 alone does not either. ZeRO 3 fits with room to spare, and sends most. Tensor parallelism within a
# machine of 8, a pipeline over 5 machines and 25 copies of that, 1,000 processes together, need 7.8 GB for each. So the
# three are combined, each where its traffic is cheapest: **3D parallelism**. Llama 3's largest model, 405 billion
# parameters, was trained so on up to 16,384 cards, with a fourth split along the text for its longest inputs (Dubey et al.
# [2024](https://arxiv.org/abs/2407.21783)).
#
# ## On real text: a project of your own
# Take a text that you like, at least 100,000 characters of it in a UTF-8 file, or pairs of sentences in two columns with a
# tab between them, and let your machine learn it:
#
#     torchrun --nproc-per-node 2 -m lib.training gpt --corpus my_text.txt
#     torchrun --nproc-per-node 2 -m lib.training translate --corpus my_pairs.tsv
#
# When is it good? Not when a sample looks nice: one sees what one wants to see. Measure it on text that was held out, and
# against something simple. For a language model that is the **bigram table** of notebook 11, in bits per byte; for a
# translator it is BLEU against copying the source. Put the path of your text here and run the report:

# %% tags=["training"]
from lib.gpt import bigram_loss, bits_per_byte, load_gpt
from lib.tokenizer import Tokenizer
from lib.training.language import encode_texts, held_out_bits, read_texts

MY_TEXT, MY_MODEL = own, home / "own.safetensors"  # yours: in mywork/

learnt, unseen = read_texts(str(MY_TEXT))
its_tokens = Tokenizer.load(MY_MODEL.with_suffix(".json"))
rows = [encode_texts(its_tokens, text) for text in (learnt, unseen)]
n_bytes = sum(len(text.encode()) for text in unseen)
table = bigram_loss(*rows, len(its_tokens)).item()
report = {
    "bytes held out": n_bytes,
    "bigram table": bits_per_byte(table, len(rows[1]) - 1, n_bytes),
    "my model": held_out_bits(load_gpt(MY_MODEL), its_tokens, unseen),
}
for name, value in report.items():
    print(f"{name:16}{value:10,.3f}")
print("below the table:", report["my model"] < report["bigram table"])

# %% [markdown]
# The toy above, a tiny model after 40 steps, is far above the table: over 4 bits a byte against less than 3. So little is
# a training of a moment worth; yours should be below. For a translator the simple thing is to copy the source: names and
# numbers are right then. This is its BLEU, on the pairs that the command holds out, here of the course's Italian, where
# hardly four words in a row stand in both languages:

# %% tags=["training"] jupyter={"source_hidden": true}
if own == MY_TEXT:
    assert report["my model"] > 4 and report["bigram table"] < 3

# %% tags=["training"]
from lib.training.mteval import mteval_bleu
from lib.training.pairs import read_corpus


def bleu_of_copying(corpus):
    """corpus: "italian", or the path of your pairs"""
    test = read_corpus(corpus).test
    return mteval_bleu([source for source, _ in test], [target for _, target in test])


print(f"copying: BLEU {bleu_of_copying('italian'):.1f}")

# %% tags=["training"] jupyter={"source_hidden": true}
assert 0 <= bleu_of_copying("italian") < 1

# %% [markdown]
# Then write, for whoever gets your model, what notebook 19 asks of a model card. Fill in the right side; the numbers come
# from the report:

# %% tags=["training"]
card = {
    "trained on": "...",
    "licence of the text": "...",
    "processes, steps, seed": "...",
    "what it is for": "...",
    "one thing that it gets wrong": "...",
}
for name, value in (card | report).items():
    print(f"{name:30}{value}")

# %% [markdown]
# ## What breaks
# **A collective that not all call.** The classic mistake with many processes is an `if`: "only process 0 needs the loss, so
# only process 0 adds it up". Process 0 waits for a message that nobody sends, and nothing is printed for ever. Here with a limit of 5
# seconds:

# %% tags=["training"]
ALONE = """
from datetime import timedelta
dist.init_process_group("gloo", timeout=timedelta(seconds=5))
loss = torch.tensor(1.0)
try:
    if dist.get_rank() == 0:
        dist.all_reduce(loss)
    else:
        time.sleep(8)
except RuntimeError as error:
    print("process 0 has waited in vain:", type(error).__name__)
"""
waited = torchrun(2, program("alone.py", HEAD, ALONE))
print(*waited, sep="\n")

# %% tags=["training"] jupyter={"source_hidden": true}
assert "in vain" in waited[0]

# %% [markdown]
# **The mean of means.** With parts of 4 and 3 rows, a share of 1/2 for each is near enough to go unnoticed, and wrong. The two
# processes above have tried that too, under the name of `halves`:

# %% tags=["training"]
print("equal to 1e-5:", halves < 1e-5)

# %% tags=["training"] jupyter={"source_hidden": true}
assert halves > 1e-4

# %% [markdown]
# **The same dice.** If all processes draw their rows with the same seed and do not divide them, each step is the step of one
# process, at the price of two: the gradients are equal, and averaging them changes nothing. It is the most expensive way to
# gain nothing, and no error shows it. The loss falls as it should.
#
# ## In other words
# - **Process**, **rank**, **world size**: a program with memory of its own; its number; how many there are.
# - **Collective**: an operation that all call: **all-reduce**, **broadcast**, **all-gather**, **reduce-scatter**. **Backend**:
#   who does it: gloo, nccl.
# - **Data parallelism**: the same weights everywhere, other rows. **Joint batch** (global batch): the rows of all. **DDP**:
#   PyTorch's, with **buckets** and **overlap**.
# - **Ring all-reduce**: 2 (p − 1)/p · n numbers are sent by each, however many they are.
# - **ZeRO**, **FSDP** (fully sharded data parallel): each keeps a part of state, gradients, weights. **Mixed precision**: 2 bytes to
#   compute with, 4 to remember.
# - **Tensor parallelism**: matrices split; **pipeline parallelism**: the stack split; **bubble**: the waiting in a pipeline;
#   **micro-batch**: a part of a batch.
# - **Profile**, **self time**; **Amdahl's law**: what one faster part can give.
#
# ## Where it comes from
# - The Transformer: Vaswani et al. [2017](https://arxiv.org/abs/1706.03762). It was trained on one machine with 8 graphics
#   cards, 12 hours for the base model and 3.5 days for the big one.
# - Amdahl [1967](https://doi.org/10.1145/1465482.1465560). Rings: Patarasuk and Yuan
#   [2009](https://doi.org/10.1016/j.jpdc.2008.09.002).
# - PyTorch's DDP: Li et al. [2020](https://arxiv.org/abs/2006.15704) reported near-linear scaling with 256 GPUs.
# - Large batches need other learning rates: Goyal et al. [2017](https://arxiv.org/abs/1706.02677) trained ImageNet in one hour
#   with 256 GPUs, batches of 8,192 images and a warm-up.
# - GPipe: Huang et al. [2018](https://arxiv.org/abs/1811.06965). Megatron-LM: Shoeybi et al.
#   [2019](https://arxiv.org/abs/1909.08053), 8.3 billion parameters on 512 GPUs. ZeRO: Rajbhandari et al.
#   [2019](https://arxiv.org/abs/1910.02054).
#
# ## What to remember
# - A Transformer is a handful of parts with clear shapes. Yours fit together, and published weights fit into them.
# - Look before you make something faster; the largest share decides what a change can give.
# - Many processes train one model by staying equal: the same weights, other rows, gradients added up by share. What is too
#   large for one is split up, and every split is paid for in messages or in waiting.
#
# **Next**: there is no next notebook. `python3 course.py status` shows the whole map, `python3 course.py diploma` writes a page to keep.
# Take a paper that you could not read when you began, and read it.
