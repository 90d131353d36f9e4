# %% [markdown]
# # 19 · Pretrained models: the Hugging Face way and yours
# After this notebook you can open a published model by hand, fine-tune it with LoRA, save it so that the five lines of a
# tutorial run it, and say what each of these lines does.
#
# You need: notebooks 07, 12, 14 and 16. You build: a reader of safetensors files and of their names, and LoRA. 130 minutes.
#
# Some cells use `transformers`, the library of Hugging Face. To see them work, run `pip install transformers` once;
# where it is missing, these cells go on with your own classes alone.

# %%
import json
import math
import os
import pickle
import random
import tempfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import cross_entropy

# %%
from lib.batching import similar_lengths
from lib.bert import Bert, BertClassifier
from lib.figures import style, transformer_map
from lib.layers import fresh_weights, swap
from lib.minilm import load_minilm, sentence_vectors
from lib.pretrained import load_pretrained, read_config, save_classifier
from lib.published_names import BERT, GPT2, LLAMA, NORMS, NUMBER, T5
from lib.tensor_files import DTYPES
from lib.training import train
from lib.wordpiece import WordPieceTokenizer, frequent_pieces
from lib.yours import mean_pool, pad_batch, wordpiece

style()
torch.set_num_threads(1)
hugging_face = find_spec("transformers") is not None
os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is fetched behind our back

# %% [markdown]
# ## The question
# Nearly every tutorial on Transformers begins with these lines:
#
#     from transformers import pipeline
#     classify = pipeline("sentiment-analysis")
#     classify(["Transformers have revolutionized NLP.", "The movie was fantastic!"])
#
# They print a label, `POSITIVE`, and a score such as 0.998, for each sentence. Which model has answered? Who trained
# it, on what? What was computed, and what does 0.998 promise? The lines do not say: where no model is named, the
# library picks one and fetches it. At the end of this notebook the same lines run a model that *you* fine-tuned, and
# your own classes give the same numbers.
#
# ## By hand
# *From logits to a label.* A classifier gives one number, a **logit**, for each class. The softmax makes chances of them,
# and the largest one gives the label and the **score**:
#
# | sentence | logits | exp | chances | answer |
# |---|---|---|---|---|
# | first | (0, 0) | (1, 1) | (0.5, 0.5) | a tie |
# | second | (0, ln 3) | (1, 3) | (0.25, 0.75) | POSITIVE, 0.75 |
# | third | (ln 9, 0) | (9, 1) | (0.9, 0.1) | NEGATIVE, 0.9 |
#
# *A large change out of few numbers.* Later you will change the large matrices of a model without storing a second matrix of
# that size. Let b = (1, 0, 2, 0) be a column and a = (3, 0, 0, 1) a row: 8 numbers. Their product is a whole 4 × 4 matrix of 16
# numbers: its first row is 1 · a = (3, 0, 0, 1), its third row 2 · a = (6, 0, 0, 2), and the others are 0. It can be added to any 4 × 4
# matrix. And to multiply it with a vector x one need not make it: a · x first, a single number, then b times this number.
#
# ## The picture
# Left what the pipeline does, with the shapes for two sentences of at most nine tokens. On the right the part of the
# Transformer that it runs.

# %% jupyter={"source_hidden": true}
steps = ["2 texts", "tokenizer\n(2, 9) ids, mask", "encoder\n(2, 9, 384)"]
steps += [
    "pooler\n(2, 384)",
    "head\n(2, 2) logits",
    "softmax\n(2, 2)",
    "label\nand score",
]
figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 4.6), width_ratios=[2, 1.5])
for place, text in enumerate(steps):
    box = {"boxstyle": "round", "fc": "C1" if place == 2 else "white", "alpha": 0.6}
    left.text(0.5, -place, text, ha="center", va="center", fontsize=8, bbox=box)
    if place:
        arrow = {"arrowstyle": "->"}
        left.annotate("", (0.5, 0.28 - place), (0.5, 0.7 - place), arrowprops=arrow)
left.set(xlim=(0, 1), ylim=(0.5 - len(steps), 0.5))
left.axis("off")
transformer_map(right, parts=("encoder",), numbers=False)
plt.show()

# %% [markdown]
# Read the left side from above. Only the coloured box is a Transformer; you have built all others too, in notebook 16.
#
# ## In code
# The chances of the table, and the product b a:

# %%
for logits in ([0.0, 0.0], [0.0, math.log(3)], [math.log(9), 0.0]):
    print([round(chance, 2) for chance in torch.tensor(logits).softmax(-1).tolist()])
b, a = torch.tensor([[1.0], [0], [2], [0]]), torch.tensor([[3.0, 0, 0, 1]])
print(b @ a)

# %% jupyter={"source_hidden": true}
x = torch.tensor([1.0, 2, 3, 4])
assert (b @ a).tolist() == [[3, 0, 0, 1], [0] * 4, [6, 0, 0, 2], [0] * 4]
assert torch.equal((b @ a) @ x, b @ (a @ x))
assert abs(torch.tensor([0.0, math.log(3)]).softmax(-1)[1].item() - 0.75) < 1e-6

# %% [markdown]
# ## A model is a folder
# What is published under the name of a model is a folder. Three files matter:
#
# - `config.json`: the kind of model, its sizes, the names of its classes;
# - the tokenizer: here `vocab.txt`, one piece a line, and a few settings;
# - the **weights**: today mostly `model.safetensors`, in older folders `pytorch_model.bin`.
#
# Make such a folder. A tiny BERT, untrained, is enough to look inside; its pieces come from the authored reviews of this
# course, which a program wrote.

# %%
from lib.corpora.movie_reviews import authored_reviews

pieces = frequent_pieces([text for text, _ in authored_reviews()], 5)
tiny_tokenizer = WordPieceTokenizer(pieces, wordpiece)
tiny = BertClassifier(Bert(len(pieces), 8, 2, n_layers=1, n_positions=40), 2)
fresh_weights(tiny, torch.Generator().manual_seed(0))
LABELS = ["NEGATIVE", "POSITIVE"]
home = Path(tempfile.mkdtemp())
save_classifier(home / "tiny", tiny, tiny_tokenizer, LABELS)
for path in sorted((home / "tiny").iterdir()):
    print(f"{path.name:24}{path.stat().st_size:7,} bytes")
print(read_config(home / "tiny")["id2label"])

# %% [markdown]
# ## Why not a pickle
# `pytorch_model.bin` holds a **pickle**, Python's own way to store objects. A pickle is a program: it may say "call this
# function with these arguments", and whoever opens it runs it. Here is one that only prints; it could as well have
# deleted files.


# %%
class LooksLikeWeights:
    def __reduce__(self):
        return print, ("a program ran on your machine",)


opened = pickle.loads(pickle.dumps(LooksLikeWeights()))

# %% jupyter={"source_hidden": true}
assert opened is None

# %% [markdown]
# Only `loads` was called, and `print` ran. (`torch.load` refuses such calls by default since PyTorch 2.6, with
# `weights_only=True`; a tutorial that switches this off trusts the author of the file with the whole machine.)
#
# ## Question 19.1 · runs_programs
# Which of these can run a stranger's program on your machine?
#
# - A `torch.load("pytorch_model.bin", weights_only=False)`
# - B `load_file("model.safetensors")`
# - C `json.loads` of the text of `config.json`
# - D reading `vocab.txt` line by line
# - E `AutoModel.from_pretrained(folder, trust_remote_code=True)`, which imports Python files of the folder
#
# Answer with the letters, in one text such as `"BD"`. 3 minutes.

# %% question="runs_programs" difficulty=1 minutes=3
### BEGIN SOLUTION
runs_programs = "AE"
### END SOLUTION

# %% check="runs_programs"
from lib.checks import check

runs_programs = check("runs_programs")

# %% [markdown]
# ## A safetensors file by hand
# The other format can hold no call, for it is names and numbers only. Its whole plan
# ([the format](https://github.com/huggingface/safetensors#format)):
#
# | bytes | what |
# |---|---|
# | 0 to 7 | N, the length of the header, as an unsigned whole number, **little-endian** (low bytes first) |
# | 8 to 8 + N − 1 | the **header**: JSON, an object |
# | 8 + N to the end | the numbers of all tensors, one after the other |
#
# For each tensor the header has an entry:
#
#     "head.bias": {"dtype": "F32", "shape": [2], "data_offsets": [96, 104]}
#
# `dtype` is the kind of number (F32: float32, 4 bytes each; BF16, I64, ...). `data_offsets` are begin and end, **counted from the
# end of the header**, and the end itself is not included. Here 104 − 96 = 8 bytes: two numbers of four. Under the name
# `"__metadata__"` there may be texts; it is no tensor.
#
# The length N by hand: if the first byte is 44 and the second is 1, and the other six are 0, then N = 44 + 256 · 1 = 300.
#
# ## Exercise 19.1 · read_header
# `content` is the file, as bytes. Return the entries by name, without `"__metadata__"`, and the byte at which the
# tensors begin. Files come from strangers: raise ValueError where fewer than 8 bytes are there, where the header is
# longer than the file, where it is no JSON (also where it is nested so deeply that Python gives up with
# RecursionError), or no object. Difficulty ●●○ · 8 minutes.
#
# <details><summary>Bytes to a number</summary><code>int.from_bytes(content[:8], "little")</code>.</details>
# <details><summary>Which error does json raise?</summary><code>json.loads</code> raises JSONDecodeError, which is a
# ValueError already, and for bytes that are no text UnicodeDecodeError, which is one too.</details>


# %% exercise="read_header" difficulty=2 minutes=8
def read_header(content):
    """What stands in a file's header, by name, "__metadata__" left out, and the byte at
    which the tensors begin.

    content: the file's bytes    Raises ValueError when the header is longer than the
    file, or no JSON of this kind; in UTF-8, that is: other encodings may be read or
    refused.
    """
    ### BEGIN SOLUTION
    start = 8 + int.from_bytes(content[:8], "little")
    if len(content) < 8 or start > len(content):
        raise ValueError(
            f"its header ends at byte {start:,}, and there are {len(content):,} bytes"
        )
    try:
        header = json.loads(bytes(content[8:start]))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header is no JSON ({error})") from None
    if not isinstance(header, dict):
        raise ValueError(
            f"its header is {header!r:.40}, and no object with the tensors' names"
        )
    return {
        name: entry for name, entry in header.items() if name != "__metadata__"
    }, start
    ### END SOLUTION


# %% check="read_header"
from lib.checks import check

read_header = check("read_header")

# %% [markdown]
# The header of the tiny model. The first 8 bytes, and the first entries:

# %%
content = (home / "tiny" / "model.safetensors").read_bytes()
header, start = read_header(content)
print(list(content[:8]), "the tensors begin at byte", start)
for name in list(header)[:4]:
    print(name, header[name])

# %% jupyter={"source_hidden": true}
assert start == 8 + sum(byte * 256**i for i, byte in enumerate(content[:8]))
assert len(header) == len(tiny.state_dict())
assert 44 + 256 * 1 == 300 and 2 * DTYPES["F32"].itemsize == 104 - 96

# %% [markdown]
# ## Question 19.2 · first_byte
# The first 8 bytes of a file say 120. An entry of its header has `"data_offsets": [400, 1000]`. At which byte of the file, counted
# from 0, does this tensor begin? 2 minutes.

# %% question="first_byte" difficulty=1 minutes=2
### BEGIN SOLUTION
first_byte = 528
### END SOLUTION

# %% check="first_byte"
from lib.checks import check

first_byte = check("first_byte")

# %% [markdown]
# ## Exercise 19.2 · tensor_at
# Cut out the bytes of one entry and make a tensor of them, in memory of its own (a tensor that looks into `content`
# would keep the whole file alive). `DTYPES` gives PyTorch's type for each name. Raise ValueError when
#
# - the kind is not in `DTYPES`;
# - the bytes are not all in the file: it must be that 0 ≤ begin ≤ end ≤ what follows `start`;
# - the shape needs another number of bytes: the product of the shape, times the size of one number.
#
# A shape with a 0 in it is allowed, and needs no bytes; `[]` is a single number. Difficulty ●●○ · 12 minutes.
#
# <details><summary>Bytes to a tensor</summary><code>torch.frombuffer(buffer, dtype=...)</code> looks into a buffer, with one axis;
# <code>reshape</code> does the rest. Give it a <code>bytearray</code> of your own. It refuses an empty one.</details>
# <details><summary>How long is one number?</summary><code>DTYPES[kind].itemsize</code>, in bytes.</details>


# %% exercise="tensor_at" difficulty=2 minutes=12
def tensor_at(content, start, entry):
    """The tensor that an entry of the header describes, in memory of its own.

    content: the file's bytes    start: the byte at which the tensors begin
    entry: "dtype", "shape" and "data_offsets", the latter begin and end, counted from
    `start`; no axis of the shape is below 0

    Raises ValueError when the kind is not known, the shape needs another number of
    bytes, or they are not in the file.
    """
    ### BEGIN SOLUTION
    kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in DTYPES:
        raise ValueError(
            f"is of the kind {kind!r:.40}; {', '.join(DTYPES)} are read here"
        )
    if not 0 <= begin <= end <= len(content) - start:
        raise ValueError(
            f"lies from byte {begin:,} to {end:,} of {len(content) - start:,}"
        )
    if (needed := math.prod(shape) * DTYPES[kind].itemsize) != end - begin:
        raise ValueError(
            f"needs {needed:,} bytes for {kind} of shape {tuple(shape)}, "
            f"and has {end - begin:,}"
        )
    if begin == end:  # PyTorch makes no tensor of an empty buffer
        return torch.empty(shape, dtype=DTYPES[kind])
    own = bytearray(content[start + begin : start + end])
    return torch.frombuffer(own, dtype=DTYPES[kind]).reshape(shape)
    ### END SOLUTION


# %% check="tensor_at"
from lib.checks import check

tensor_at = check("tensor_at")

# %% [markdown]
# Together they open a file in three lines:


# %%
def open_tensors(path):
    content = Path(path).read_bytes()
    header, start = read_header(content)
    return {name: tensor_at(content, start, header[name]) for name in header}


tensors = open_tensors(home / "tiny" / "model.safetensors")
print({name: tuple(tensors[name].shape) for name in list(tensors)[:3]})

# %% jupyter={"source_hidden": true}
from safetensors.torch import load_file

theirs = load_file(home / "tiny" / "model.safetensors")
assert theirs.keys() == tensors.keys()
assert all(torch.equal(theirs[name], tensors[name]) for name in theirs)

# %% [markdown]
# The package `safetensors` reads the same tensors, number by number. The course's `read_tensors` looks, besides, for
# tensors that share bytes and for bytes that belong to none.
#
# ## Their names and ours
# A file gives its tensors under names that its authors chose, and your classes have other ones. What BERT's file calls
# `encoder.layer.3.attention.self.query.weight` is your `encoder.blocks.3.attention.to_q.weight`. So a family needs a
# table from their names to ours. It has one row a layer, in which `#` stands for the number of the block; a name that
# ends within a layer, such as `.weight`, needs no row of its own. Four rows of BERT's:
#
# | theirs | ours |
# |---|---|
# | `encoder.layer.#.attention.self.query` | `encoder.blocks.#.attention.to_q` |
# | `encoder.layer.#.output.LayerNorm` | `encoder.blocks.#.around_feed_forward.norm` |
# | `embeddings.word_embeddings` | `embeddings.words` |
# | `embeddings.position_embeddings.weight` | `embeddings.positions.table` |
#
# A name is translated in four steps:
#
# 1. The block's number is the first number between two dots. Put `#` in its place:
#    `encoder.layer.#.attention.self.query.weight`.
# 2. Look the whole name up. The fourth row is of this kind: a tensor, not a layer.
# 3. Otherwise look up all but the last word, here `encoder.layer.#.attention.self.query`, and put the last word behind
#    what you found: `encoder.blocks.#.attention.to_q.weight`. For a norm the last word changes as well. PyTorch calls
#    its two vectors `weight` and `bias`, old files `gamma` and `beta`, and the course `scale` and `shift`. Whether it is
#    a norm is told by *our* name, which then ends with `norm`; GPT-2 calls its own `ln_1`.
# 4. Put the number back in place of `#`.
#
# ## Exercise 19.3 · our_name
# Translate one name by a family's table `names`. A name that is in no row stays as it is: the next step will refuse it
# under the name that its authors gave it. `norms` says what the last word of a norm becomes; a word that is not in it
# stays. Difficulty ●●○ · 12 minutes.
#
# <details><summary>How to find the number</summary><code>NUMBER.search(name)</code> gives a match or None;
# <code>match[1]</code> is the number, as text. <code>NUMBER.sub(".#.", name, count=1)</code> puts # in its
# place.</details>
# <details><summary>T5's names stay as they are</summary><code>encoder.block.3.layer.0.SelfAttention.q.weight</code> has
# two numbers. Only the first is the block's.</details>
# <details><summary>All but the last word</summary><code>pattern.rpartition(".")</code> gives what stands before the last
# dot, the dot, and what stands after it.</details>


# %% exercise="our_name" difficulty=2 minutes=12
def our_name(name, names, norms=NORMS):
    """Our name of a published tensor, by a family's table; one that is not in the table
    stays as it is.

    names: their name of a tensor, or of a layer, that is without the last word, to
    ours; in both, # stands for the number of the block, which is the first number
    between two dots; `name` itself holds no #
    norms: what the last word of a tensor becomes when our layer's name ends with
    "norm"; other words stay
    """
    ### BEGIN SOLUTION
    number = NUMBER.search(name)
    pattern = NUMBER.sub(".#.", name, count=1)
    layer, _, kind = pattern.rpartition(".")
    if pattern in names:
        found = names[pattern]
    elif layer in names:
        if names[layer].endswith("norm"):
            kind = norms.get(kind, kind)
        found = f"{names[layer]}.{kind}"
    else:
        return name
    return found.replace("#", number[1]) if number else found
    ### END SOLUTION


# %% check="our_name"
from lib.checks import check

our_name = check("our_name")

# %% [markdown]
# Each family has its table. The same part of the fourth block, which is number 3:

# %%
families = {"BERT": BERT, "GPT-2": GPT2, "Llama": LLAMA, "T5": T5}
published = [
    "encoder.layer.3.attention.self.query.weight",
    "h.3.mlp.c_fc.weight",
    "layers.3.self_attn.q_proj.weight",
    "encoder.block.3.layer.0.SelfAttention.q.weight",
]
for (family, names), name in zip(families.items(), published, strict=True):
    print(f"{family:6} {name:47} {our_name(name, names)}")

# %% jupyter={"source_hidden": true}
assert our_name(published[2], LLAMA) == "blocks.3.attention.to_q.weight"
assert our_name(published[0], BERT) == "encoder.blocks.3.attention.to_q.weight"
assert BERT["encoder.layer.#.output.LayerNorm"].endswith("around_feed_forward.norm")

# %% [markdown]
# ## What does not fit is refused
# With translated names the tensors can be put into a model. What if one is missing, or has another shape? A reader that
# fills what it can and leaves the rest as it was drawn gives a model that runs and is wrong. (PyTorch's `load_state_dict`
# does so with `strict=False`, and hands back two lists of names, which few people look at.) So compare first, and refuse
# in one sentence. It is enough to name the first tensor that does not fit: where a table or a size is wrong, nearly all
# tensors are, and a list of hundreds helps nobody.
#
# ## Exercise 19.4 · must_fit
# `found` and `wanted` map our names to tensors, or to anything else with a `shape`. Where names and shapes agree, do
# nothing. Otherwise raise ValueError with one sentence about the first tensor, in alphabetical order, that does not fit.
# The sentence holds its name, and one of these: "missing" (wanted and not found), "unexpected" (found and not wanted),
# "another shape". It names no other tensor. Difficulty ●●○ · 8 minutes.
#
# <details><summary>The wrong one is named</summary>Alphabetical order goes over the names of both at once:
# <code>sorted(found.keys() | wanted.keys())</code>.</details>
# <details><summary>Two shapes of one size</summary>(2, 3) and (3, 2) have six numbers each, and do not fit. Compare
# <code>tuple(tensor.shape)</code>.</details>


# %% exercise="must_fit" difficulty=2 minutes=8
def must_fit(found, wanted):
    """Raise ValueError unless these are the wanted tensors. The first that does not
    fit, in alphabetical order, is named, and no other; the sentence says "missing",
    "unexpected" or "another shape".

    found, wanted: under our names, whatever has a `shape`
    """
    ### BEGIN SOLUTION
    for name in sorted(found.keys() | wanted.keys()):
        theirs, mine = (
            tuple(part[name].shape) if name in part else None
            for part in (found, wanted)
        )
        if theirs != mine:
            why = "another shape" if name in wanted else "unexpected"
            if name not in found:
                why = "missing"
            raise ValueError(f"{name} is {theirs}, expected {mine} ({why})")
    ### END SOLUTION


# %% check="must_fit"
from lib.checks import check

must_fit = check("must_fit")

# %% [markdown]
# Now the file of the tiny model goes back into a model of its size, with your functions alone. In the file of a BERT
# with a head, the names of BERT's own tensors begin with `bert.`:


# %%
def under_our_names(tensors):
    """Of a BERT with a head: its tensors under the names of a BertClassifier."""
    ours = {}
    for name, tensor in tensors.items():
        inside = "bert." if name.startswith("bert.") else ""
        ours[inside + our_name(name.removeprefix("bert."), BERT)] = tensor
    return ours


ours = under_our_names(tensors)
must_fit(ours, tiny.state_dict())
again = BertClassifier(Bert(len(pieces), 8, 2, n_layers=1, n_positions=40), 2)
again.load_state_dict(ours)
print(list(ours)[:3])

# %% jupyter={"source_hidden": true}
assert all(
    torch.equal(part, tiny.state_dict()[name])
    for name, part in again.state_dict().items()
)

# %% [markdown]
# ## The zoo: what differs
# You have met five families. Their models are more alike than their names say:
#
# | | BERT (MiniLM) | GPT-2 | Llama (SmolLM2) | T5 | ViT |
# |---|---|---|---|---|---|
# | notebook | 16 | 11 | 14 | 17 | 18 |
# | reads | text, both sides | text, to the left | text, to the left | text; writes another | patches of an image |
# | positions | learned, added | learned, added | rotary, in attention | bias by distance | learned, added |
# | norm | LayerNorm, after | LayerNorm, before | RMSNorm, before | RMSNorm, before | LayerNorm, before |
# | feed-forward | gelu | gelu (tanh) | SwiGLU | relu; gated in 1.1 | gelu |
# | biases | yes | yes | no | no | yes |
# | output | head on `[CLS]` | its own embedding | own embedding or a matrix | embedding, scaled; a matrix in 1.1 | head on class token |
# | the trap in its file | old names of norms | matrices lie transposed | halves turn together | no 1/√d_head | a convolution for patches |
#
# The last row is what a reader has to know besides the table of names. Some of these traps no shape betrays: GPT-2's matrix after
# its attention is a square one, and fits as well when it is not transposed.
#
# `load_pretrained(folder)` knows all this: it reads `config.json`, takes the course's class of that family, translates by
# `our_name`, compares by `must_fit`, and fills the model. Spoil the folder in four ways, and see what it says:

# %%
import shutil

from safetensors.torch import save_file


def spoilt(tensors=None, **settings):
    """The tiny folder once more, with other tensors or settings."""
    folder = Path(tempfile.mkdtemp(dir=home)) / "tiny"
    shutil.copytree(home / "tiny", folder)
    if tensors is not None:
        save_file(tensors, folder / "model.safetensors")
    config = read_config(folder) | settings
    (folder / "config.json").write_text(json.dumps(config))
    return folder


# %%
missing = {name: part for name, part in tensors.items() if name != "classifier.bias"}
other_shape = tensors | {"bert.pooler.dense.bias": torch.zeros(9)}
only_a_pickle = spoilt()
(only_a_pickle / "model.safetensors").rename(only_a_pickle / "pytorch_model.bin")
folders = [spoilt(missing), spoilt(other_shape), spoilt(hidden_act="relu")]

# %%
refused = []
for folder in (*folders, only_a_pickle):
    try:
        load_pretrained(folder)
    except ValueError as error:
        refused.append(str(error).replace(str(folder), "tiny").replace("tiny/", ""))
print(*refused, sep="\n")

# %% jupyter={"source_hidden": true}
assert len(refused) == 4 and "missing" in refused[0] and "shape" in refused[1]
assert "hidden_act" in refused[2] and "pickle" in refused[3]
assert type(load_pretrained(home / "tiny")).__name__ == "BertClassifier"

# %% [markdown]
# ## A fresh head knows nothing
# The published MiniLM of notebook 16 has no head for film reviews. You put one on it, a Linear from d_model to two classes, and its
# weights are drawn at random. What does such a model answer? Take the real reviews, if they are here, and MiniLM (`python3 course.py
# fetch` brings both); otherwise the course's reviews and a small BERT of your own stand in.

# %% tags=["training"]
from lib.corpora.movie_reviews import load_movie_reviews
from lib.downloads import have

here = have("minilm/model.safetensors") and have("minilm/vocab.txt")
real = have("movie_reviews/rt-polarity.pos") and have("movie_reviews/rt-polarity.neg")
reviews = load_movie_reviews() if real else authored_reviews()
random.Random(0).shuffle(reviews)
n_held = min(500, len(reviews) // 5)
held_out = reviews[:n_held]
few = random.Random(0).sample(reviews[1_000 if real else n_held :], 900)


# %% tags=["training"]
def pretrained_bert():
    """MiniLM, where it is here, or a small BERT; and its tokenizer."""
    if here:
        return load_minilm(cut=wordpiece)
    small = Bert(len(pieces), 64, 4, 2, n_positions=128)
    return fresh_weights(small, torch.Generator().manual_seed(0)), tiny_tokenizer


# %% tags=["training"]
@torch.no_grad()
def all_logits(model, tokenizer, texts):
    """(text, class)."""
    rows = [tokenizer.encode(text, longest=48).ids for text in texts]
    logits = torch.empty(len(rows), 2)
    for chosen in similar_lengths(list(map(len, rows)), 1_024):
        ids, mask = pad_batch([rows[i] for i in chosen])
        logits[chosen] = model(ids, mask=mask)
    return logits


def accuracy(model, tokenizer, judged):
    said = all_logits(model, tokenizer, [text for text, _ in judged]).argmax(-1)
    return (said == torch.tensor([label for _, label in judged])).float().mean().item()


# %% tags=["training"]
SENTENCES = ["Transformers have revolutionized NLP.", "The movie was fantastic!"]
bert, tokenizer = pretrained_bert()
of_fresh = []
for seed in range(3):
    torch.manual_seed(seed)
    fresh = BertClassifier(bert, 2).eval()
    praise = all_logits(fresh, tokenizer, SENTENCES).softmax(-1)[:, 1].tolist()
    right = accuracy(fresh, tokenizer, held_out[:100])
    of_fresh.append((right, *praise))
    print(f"head {seed}: {right:.2f} right, praise {[round(p, 2) for p in praise]}")

# %% jupyter={"source_hidden": true}
assert all(0.3 < right < 0.7 for right, *_ in of_fresh)
assert all(0.2 < chance < 0.8 for _, *praise in of_fresh for chance in praise)

# %% [markdown]
# These are the share of 100 reviews that each head judges rightly, and the chance that it gives praise in the two
# sentences. Another head has another opinion, and all are near a coin's. Hugging Face's library does the same when a
# folder has no head: `AutoModelForSequenceClassification.from_pretrained` draws one, reports it among its warnings
# ("newly initialized"), and the pipeline prints labels and scores as if nothing were missing. It is a common trap.
# (`load_pretrained` gives a model without a head in this case.)
#
# ## Question 19.3 · drawn_at_random
# `bert-base-uncased` has d_model 768. Somebody loads it with `AutoModelForSequenceClassification.from_pretrained` for 2
# labels. Its pooler is in the file, its head for classes is not. How many numbers of the model are drawn at random?
# 3 minutes.

# %% question="drawn_at_random" difficulty=1 minutes=3
### BEGIN SOLUTION
drawn_at_random = 1538
### END SOLUTION

# %% check="drawn_at_random"
from lib.checks import check

drawn_at_random = check("drawn_at_random")

# %% [markdown]
# ## LoRA: a small change of few matrices
# So it must be fine-tuned. One can train the head alone, which is cheap and leaves all the rest as it was, or all the
# weights, which needs for each of them a gradient and the two running means of Adam, and a whole new file for each task.
# **LoRA** (low-rank adaptation, Hu et al. [2021](https://arxiv.org/abs/2106.09685)) lies in between. The published
# matrix W stays **frozen**; beside it a product of two thin matrices learns:
#
# $$y = W x + \frac{\alpha}{r}\, B A\, x$$
#
# W is (d_out, d_in), A is (r, d_in), B is (d_out, r). r is the **rank**, a small number such as 8, and α a constant by which one sets
# the size of the change; divided by r, it need not be set anew for another rank. In place of d_out · d_in numbers r · (d_in + d_out)
# learn. For 384 by 384 and r = 8: 6,144 in place of 147,456, one in 24.
#
# A begins at random and B as zeros, so B A is 0 and the new layer begins as the old one. (If both were zeros, no gradient would reach
# either of them.) After the training W + (α/r) B A can be written as one matrix: the layer is **merged**, and as fast as before.
#
# The bet is that the *change* which a task needs has low rank, although W itself has not.

# %% jupyter={"source_hidden": true}
boxes = [(0, 0, 4, 4, "0.85", "W (384, 384)\nfrozen"), (5.2, 0, 0.5, 4, "C1", "B")]
boxes += [(6.9, 1.75, 4, 0.5, "C1", "A (8, 384)")]
figure, axes = plt.subplots(figsize=(5.4, 2.3))
for left, low, wide, high, colour, text in boxes:
    axes.add_patch(plt.Rectangle((left, low), wide, high, fc=colour, ec="black"))
    axes.text(left + wide / 2, low + high / 2, text, ha="center", va="center")
for place, text in ((4.6, "+"), (6.3, "·")):
    axes.text(place, 2, text, ha="center", va="center", fontsize=14)
axes.text(5.45, -0.5, "(384, 8)", ha="center")
axes.set(xlim=(-0.2, 11.2), ylim=(-0.8, 4.2), aspect="equal")
axes.axis("off")
plt.show()

# %% [markdown]
# The grey matrix is the published one. The two coloured ones learn, and are drawn thicker than they are: 8 is a 48th of
# 384. (The factor α/r is left out.)
#
# ## Exercise 19.5 · LoraLinear
# `__init__`: keep `linear`, freeze it, keep `scale` = alpha / rank. `a` (rank, d_in) is drawn with variance 1 / d_in; `b` (d_out, rank)
# is zeros; both are parameters, of the dtype and on the device of the weight. `forward`: by the formula, without ever making B A.
# `merged`: a plain `nn.Linear` in memory of its own, with bias where there was one. Difficulty ●●● · 15 minutes.
#
# <details><summary>The shapes do not fit</summary>x is (..., d_in), a row for each position: x Aᵀ is (..., rank), then times Bᵀ
# is (..., d_out).</details>
# <details><summary>Variance 1 / d_in</summary>Numbers of <code>torch.randn</code> have variance 1; divided by √d_in they
# have 1 / d_in.</details>
# <details><summary>Freeze</summary><code>linear.requires_grad_(False)</code> freezes all parameters of a module and
# returns it.</details>


# %% exercise="LoraLinear" difficulty=3 minutes=15
class LoraLinear(nn.Module):
    """What `linear` does, plus x Aᵀ Bᵀ alpha / rank, where A and B learn and `linear`
    is frozen (Hu et al. 2021, 4.1).

    `a` (rank, d_in) is drawn at random with variance 1 / d_in; `b` (d_out, rank) begins
    as 0, so that the layer begins as the one that it replaces.
    generator: draws `a`; None: PyTorch's own

    Raises ValueError when the rank is not from 1 to the smaller one of d_in and d_out.
    """

    def __init__(self, linear, rank, alpha, generator=None):
        super().__init__()
        ### BEGIN SOLUTION
        d_out, d_in = linear.weight.shape
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(
                f"rank={rank} is not from 1 to {min(d_in, d_out)}: "
                f"the matrix is {d_out} by {d_in}"
            )
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        drawn = torch.randn(rank, d_in, generator=generator) / math.sqrt(d_in)
        self.a = nn.Parameter(drawn.to(linear.weight))
        self.b = nn.Parameter(linear.weight.new_zeros(d_out, rank))
        ### END SOLUTION

    def forward(self, x):
        """x (..., d_in) to (..., d_out). Gradients reach x, `a` and `b`. The large
        product B A is never made.
        """
        ### BEGIN SOLUTION
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)
        ### END SOLUTION

    @torch.no_grad()
    def merged(self):
        """One nn.Linear that does the same: W + B A alpha / rank, in memory of its own.
        It may learn.
        """
        ### BEGIN SOLUTION
        d_out, d_in = self.linear.weight.shape
        made = nn.Linear(
            d_in, d_out, self.linear.bias is not None, self.a.device, self.a.dtype
        )
        made.weight.copy_(self.linear.weight + self.scale * self.b @ self.a)
        if made.bias is not None:
            made.bias.copy_(self.linear.bias)
        return made
        ### END SOLUTION


# %% check="LoraLinear"
from lib.checks import check

LoraLinear = check("LoraLinear")

# %% [markdown]
# How many numbers learn? A matrix that two parts of a model share (an embedding that is the output too) is one matrix,
# and PyTorch's `parameters()` gives it once.
#
# ## Exercise 19.6 · trainable_parameters
# Count the numbers of a model that get gradients. Difficulty ●○○ · 4 minutes.
#
# <details><summary>What is frozen?</summary>A parameter whose <code>requires_grad</code> is False.</details>


# %% exercise="trainable_parameters" difficulty=1 minutes=4
def trainable_parameters(model):
    """How many numbers of a model get gradients; a matrix that two parts share counts
    once.
    """
    ### BEGIN SOLUTION
    return sum(
        parameter.numel() for parameter in model.parameters() if parameter.requires_grad
    )
    ### END SOLUTION


# %% check="trainable_parameters"
from lib.checks import check

trainable_parameters = check("trainable_parameters")

# %%
layer = LoraLinear(nn.Linear(384, 384), 8, alpha=16)
print(f"{trainable_parameters(layer):,} of {384 * 384:,}")
nn.init.normal_(layer.b)
x = torch.randn(2, 5, 384)
print(
    "merged and unmerged agree:", torch.allclose(layer(x), layer.merged()(x), atol=1e-3)
)

# %% jupyter={"source_hidden": true}
assert trainable_parameters(layer) == 8 * (384 + 384) == 6_144 == 384 * 384 // 24
assert torch.allclose(layer(x), layer.merged()(x), atol=1e-3)

# %% [markdown]
# ## Question 19.4 · lora_numbers
# MiniLM has 6 blocks and d_model 384. LoRA of rank 8 is put on `to_q` and `to_v` of every block. How many numbers learn, the head not
# counted? 3 minutes.

# %% question="lora_numbers" difficulty=1 minutes=3
### BEGIN SOLUTION
lora_numbers = 73728
### END SOLUTION

# %% check="lora_numbers"
from lib.checks import check

lora_numbers = check("lora_numbers")

# %% [markdown]
# ## On real text
# Three ways to fine-tune. In all of them a fresh head learns, and the pooler below it: the vectors for which MiniLM was
# published never went through its pooler.
#
# - **head**: nothing else learns.
# - **LoRA**: rank 8, α = 16, on `to_q` and `to_v`, the pair that the paper found best overall on GPT-3.
# - **all**: every weight learns.
#
# Which budget is fair? Not equal steps. Where we measured it, a step of "all" took about three times as long as one of
# "head", for gradients must go through all blocks and into all matrices. So each way gets **about equal time**, some 25
# seconds of one processor, that is, its own number of steps. The rates are different as well: weights that are good
# already should move little, fresh ones must move far.


# %% tags=["training"]
def prepared(way):
    """A classifier on the published weights, and what should learn in it."""
    torch.manual_seed(0)
    bert, _ = pretrained_bert()
    if way != "all":
        bert.requires_grad_(False)
    if way == "LoRA":
        dice = torch.Generator().manual_seed(0)
        thin = partial(LoraLinear, rank=8, alpha=16, generator=dice)
        swap(bert, nn.Linear, thin, ("to_q", "to_v"))
    bert.pooler.requires_grad_(True)
    return BertClassifier(bert, 2)


# %% tags=["training"]
rows = [tokenizer.encode(text, longest=48).ids for text, _ in few]
labels = torch.tensor([label for _, label in few])
lengths = list(map(len, rows))


def batches():
    dice = random.Random(0)
    while True:
        for chosen in similar_lengths(lengths, 512, dice):
            ids, mask = pad_batch([rows[i] for i in chosen])
            yield ids, mask, labels[chosen]


# %% tags=["training"]
def fine_tuned(way, steps, peak):
    model = prepared(way)

    def loss(batch):
        ids, mask, right = batch
        return cross_entropy(model(ids, mask=mask), right)

    train(model, loss, batches(), steps, peak, warmup=steps // 10, fused=True)
    return model.eval()


# %% [markdown]
# (`fused=True` lets PyTorch update all weights in one call; the result is the same.) One `swap` puts your `LoraLinear` in
# place of all layers of these two names, twelve in MiniLM. Train it on 900 labelled reviews, and let it judge others that
# it has not seen:

# %% tags=["training"]
import time

plan = {"head": (100, 3e-3), "LoRA": (48, 2e-3), "all": (32, 2e-4)}  # steps, rate
way = "LoRA"  # the other two take about as long: try them
begun = time.process_time()
tuned = fine_tuned(way, *plan[way])
spent, learnt = time.process_time() - begun, trainable_parameters(tuned)
print(f"{way}: {learnt:,} learn, {plan[way][0]} steps, {spent:.0f} s")

# %% tags=["training"]
logits = all_logits(tuned, tokenizer, [text for text, _ in held_out])
truth = torch.tensor([label for _, label in held_out])
right = (logits.argmax(-1) == truth).float().mean().item()
print(f"{right:.3f} of {n_held} held-out reviews are judged rightly")

# %% jupyter={"source_hidden": true}
of_head = 384 * 384 + 384 + 384 * 2 + 2
if here:
    by_lora = learnt - of_head if lora_numbers is ... else lora_numbers
    learns = {"head": of_head, "LoRA": of_head + by_lora, "all": 22_713_216 + 770}
    assert learnt == learns[way]
if here and real:
    assert right > 0.58

# %% [markdown]
# ## What does a score promise?
# The largest chance is printed as the score. A model is **calibrated** if it is right in 70% of the cases in which it
# says 0.7, and so on. That is not in its making; it must be measured. Sort the answers on held-out reviews by their score:

# %% tags=["training"]
score, answer = logits.softmax(-1).max(-1)
for low, high in ((0.5, 0.6), (0.6, 0.7), (0.7, 1.01)):
    these = (score >= low) & (score < high)
    share = (answer == truth)[these].float().mean().item()
    mean = score[these].mean().item()
    print(f"{these.sum():4} reviews: mean score {mean:.2f}, {share:.2f} of them right")

# %% jupyter={"source_hidden": true}
assert score.min() >= 0.5 and len(score) == n_held

# %% [markdown]
# Where the two numbers of a row agree, the score can be taken at its word, for *reviews like these*. (Large networks that
# were trained until they nearly know their texts by heart often promise more than they keep: Guo et al.
# [2017](https://arxiv.org/abs/1706.04599).)
#
# ## What was forgotten
# MiniLM could do something before: the mean of its vectors finds what belongs together. Is this still so?
# **Catastrophic forgetting** (McCloskey and Cohen [1989](https://doi.org/10.1016/S0079-7421(08)60536-8)) is the name
# for what training on one task can do to another. Measure it twice: for each of 200 reviews, how many of its ten nearest
# reviews by the published vectors are still among its ten nearest; and, where the questions of XQuAD are here, how often
# a question finds its paragraph among 100.

# %% tags=["training"]
from lib.corpora.xquad import load_xquad

by_paragraph = {}
if here and have("xquad/xquad.en.json"):
    by_paragraph = {one.context: one.question for one in load_xquad()}
pairs = random.Random(0).sample(
    sorted(by_paragraph.items()), 100 if by_paragraph else 0
)


# %% tags=["training"]
def vectors_of(bert, texts):
    return sentence_vectors(bert, tokenizer, texts, longest=96, pool=mean_pool)


def nearest_ten(bert):
    vectors = vectors_of(bert, [text for text, _ in held_out[:200]])
    alike = (vectors @ vectors.T).fill_diagonal_(-1)
    return [set(row) for row in alike.topk(10).indices.tolist()]


# %% tags=["training"]
def searched(bert):
    """The share of the questions whose nearest paragraph is their own."""
    paragraphs, questions = (
        vectors_of(bert, texts) for texts in zip(*pairs, strict=True)
    )
    own = torch.arange(len(pairs))
    return ((questions @ paragraphs.T).argmax(-1) == own).float().mean().item()


# %% tags=["training"]
old = pretrained_bert()[0]
both = zip(nearest_ten(old), nearest_ten(tuned.bert), strict=True)
kept = sum(len(before & after) for before, after in both) / 10 / len(held_out[:200])
print(f"{kept:.2f} of the neighbours are kept")
finds = [searched(bert) for bert in (old, tuned.bert)] if pairs else []
if pairs:
    print(f"paragraphs found: {finds[0]:.2f} before, {finds[1]:.2f} after")

# %% jupyter={"source_hidden": true}
assert 0 < kept <= 1
if here and real and way == "LoRA":
    assert 0.4 < kept < 0.9
if here and real and pairs and way == "LoRA":
    assert abs(finds[0] - finds[1]) < 0.1

# %% [markdown]
# So the vectors have moved: of ten neighbours some are others now. The fine-tuning never compared two texts; it only
# learnt to separate praise from blame. With MiniLM, the real reviews and this seed, the search has hardly suffered.
#
# ## Over seeds: which way is better?
# One run is one throw of dice, and among 500 reviews chance alone moves an accuracy by about two points. So all three
# ways were run with three seeds, each with its own 500 reviews, 900 labels, fresh weights and order
# (`benchmarks/fine_tuning.py` wrote the file). A fourth stands beside them which needs no fine-tuning at all, **frozen**:
# compute the vectors of all these reviews once, and put a logistic regression on their means. It takes about as long.

# %%
from lib.corpora import files

runs = list(json.loads(files.read("fine_tuning_results.json")).values())
ways = ("frozen", "head", "LoRA", "all")
for name in ways:
    rights, seconds = ([one[name][key] for one in runs] for key in ("right", "seconds"))
    print(f"{name:7} right {rights}, seconds {seconds}")
for key in ("kept", "search"):
    print(key, {name: [one[name][key] for one in runs] for name in ways[1:]})
print("search, as published:", [one["published"]["search"] for one in runs])

# %% jupyter={"source_hidden": true}
assert len(runs) == 3
for one in runs:
    seconds = [one[name]["seconds"] for name in ways]
    assert max(seconds) < 2 * min(seconds)
    assert 2.5 < one["all"]["seconds"] / 32 / (one["head"]["seconds"] / 100) < 4.5
    assert one["all"]["kept"] < one["LoRA"]["kept"] < one["head"]["kept"] == 1
    assert one["head"]["search"] == one["published"]["search"]
    assert one["all"]["search"] + 0.04 < one["LoRA"]["search"]
    assert one["all"]["search"] + 0.04 < one["published"]["search"]
    assert one["all"]["right"] > one["head"]["right"]

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(5, 3))
for name, mark in zip(ways, "Dos^", strict=True):
    x = [one[name]["right"] for one in runs]
    kept_by = "published" if name == "frozen" else name
    y = [one[kept_by]["search"] for one in runs]
    axes.plot(x, y, mark, ms=8, alpha=0.8, label=name)
axes.set(xlabel="reviews judged rightly", ylabel="paragraphs found")
axes.legend()
plt.show()

# %% [markdown]
# To the right is better for the new task, to the top for the old one; each mark is one run. In each run, with this time and
# these rates, which were not searched:
#
# - The model all of whose weights learnt finds clearly fewer paragraphs than the published one, and than the one with
#   LoRA. It also keeps the fewest neighbours. With a frozen encoder nothing can be forgotten.
# - It judges more reviews rightly than the model of which only the head and the pooler learnt.
# - Between frozen, LoRA and all we draw no order: they differ by little more than chance. 900 labels and half a minute do
#   not show what fine-tuning is worth. That a regression on published vectors does about as well is a reason to try it
#   *first*. (In notebook 16, with 2,000 labels and about twice the time, fine-tuning was ahead of it.)
#
# Is LoRA better, then? That does not follow: it may have forgotten less because it has *learnt* less in its time, or
# because its rate is small for what it changes. (Biderman et al. [2024](https://arxiv.org/abs/2405.09673) compared the
# two on large language models, at many rates: LoRA "learns less and forgets less".) What does follow: unmerged, the
# small change can be switched off, and then the published encoder is there, bit for bit, for all its other tasks.
#
# ## Save it, and run the tutorial
# Merge your LoRA model. It is then a plain BERT with a head, and can be written in Hugging Face's format: nobody who opens it needs to
# know that LoRA was there.

# %% tags=["training"]
texts = [text for text, _ in held_out[:20]]
unmerged = all_logits(tuned, tokenizer, texts)
swap(tuned, LoraLinear, LoraLinear.merged)
apart = (all_logits(tuned, tokenizer, texts) - unmerged).abs().max().item()
print(f"merged and unmerged logits differ by at most {apart:.0e}")

# %% tags=["training"]
folder = home / "my-reviews"
save_classifier(folder, tuned, tokenizer, LABELS)
for path in sorted(folder.iterdir()):
    print(f"{path.name:24}{path.stat().st_size:12,} bytes")

# %% jupyter={"source_hidden": true}
assert apart < 1e-4 and (folder / "config.json").exists()

# %% [markdown]
# And here are the lines of the tutorial, with your folder in place of a name on a server:

# %% tags=["training"]
if hugging_face:
    import transformers
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    their_tokenizer = AutoTokenizer.from_pretrained(folder)
    their_model = AutoModelForSequenceClassification.from_pretrained(folder)
    parts = {"model": their_model, "tokenizer": their_tokenizer}
    classify = pipeline("sentiment-analysis", **parts)
    said = classify(SENTENCES)
    print(*said, sep="\n")
else:
    print("`pip install transformers` to see it; now your own classes answer.")

# %% [markdown]
# ## What the pipeline hides
# Now the same, step by step, with nothing of theirs. Your reader opens the file, your table of names translates it, your
# classes take the tensors:

# %% tags=["training"]
from lib.yours import BertClassifier as MyClassifier
from lib.yours import BertEmbeddings, EncoderBlock

config = read_config(folder)
sizes = ["vocab_size", "hidden_size", "num_attention_heads", "num_hidden_layers"]
sizes += ["intermediate_size", "max_position_embeddings"]
of_mine = {"embeddings": BertEmbeddings, "block": EncoderBlock}
my_bert = Bert(*(config[name] for name in sizes), **of_mine)
mine = MyClassifier(my_bert, len(config["id2label"])).eval()
ours = under_our_names(open_tensors(folder / "model.safetensors"))
must_fit(ours, mine.state_dict())
mine.load_state_dict(ours)
my_tokenizer = WordPieceTokenizer.load(folder / "vocab.txt", cut=wordpiece)
print(type(mine.bert.embeddings), type(mine.bert.encoder.blocks[0]))

# %% tags=["training"]
tokens = [["[CLS]", *my_tokenizer.tokens(text), "[SEP]"] for text in SENTENCES]
print(*tokens, sep="\n")
ids, mask = pad_batch([my_tokenizer.encode(text).ids for text in SENTENCES])
print(ids, mask.int(), sep="\n")
with torch.no_grad():
    logits = mine(ids, mask=mask)
chances = logits.softmax(-1)
print(logits, chances, sep="\n")
for text, chance in zip(SENTENCES, chances, strict=True):
    label = config["id2label"][str(chance.argmax().item())]
    print({"label": label, "score": round(chance.max().item(), 4)}, text)

# %% [markdown]
# Pieces; ids and a mask that is 0 on padding; logits, one for each class; softmax; the name of the larger one out of
# `id2label`. That is all. Where the library is here, both agree:

# %% tags=["training"]
if hugging_face:
    batch = their_tokenizer(SENTENCES, padding=True, return_tensors="pt")
    with torch.no_grad():
        their_logits = their_model(**batch).logits
    print("the same ids:", batch["input_ids"].tolist() == ids.tolist())
    print(
        "logits differ by less than 1e-5:",
        (their_logits - logits).abs().max().item() < 1e-5,
    )

# %% jupyter={"source_hidden": true}
assert torch.allclose(logits, all_logits(tuned, tokenizer, SENTENCES), atol=1e-5)
if hugging_face:
    assert batch["input_ids"].tolist() == ids.tolist()
    assert torch.allclose(their_logits, logits, rtol=1e-5, atol=1e-5)
    for one, chance in zip(said, chances, strict=True):
        assert abs(one["score"] - chance.max().item()) < 1e-5
        assert one["label"] == LABELS[chance.argmax()]
if here and real:
    assert chances[1, 1] > 0.5  # the movie was fantastic
    assert my_tokenizer.tokens(SENTENCES[0])[2:6] == [
        "revolution",
        "##ized",
        "nl",
        "##p",
    ]

# %% [markdown]
# "The movie was fantastic!" is praise. "Transformers have revolutionized NLP." is no sentence about a film: the
# model was taught two answers and must give one of them; there is no class for "does not apply".
#
# ## What stands on the card
# A folder should come with a **model card** (Mitchell et al. [2018](https://arxiv.org/abs/1810.03993)), its
# `README.md`: what it is for, what it was trained on, how good it is and on what, where it fails, and under which
# **licence** it may be used. A page without these is an offer of unknown numbers from unknown hands.
#
# | model | trained on | licence of the weights |
# |---|---|---|
# | BERT | English Wikipedia and books, 3.3 billion words ([2018](https://arxiv.org/abs/1810.04805)) | Apache 2.0 |
# | GPT-2 | 8 million pages that Reddit's users linked to, 40 GB; the text was not published | MIT, modified |
# | T5 | C4, about 750 GB of filtered web pages; version 1.0 labelled tasks too ([2019](https://arxiv.org/abs/1910.10683)) | Apache 2.0 |
# | ViT-B/16 | ImageNet-21k, 14 million images with labels ([2020](https://arxiv.org/abs/2010.11929)) | Apache 2.0 |
# | all-MiniLM-L6-v2 | over a billion pairs of texts, many out of Reddit's comments | Apache 2.0 |
# | SmolLM2-135M | 2 trillion tokens of web pages, code and mathematics ([2025](https://arxiv.org/abs/2502.02737)) | Apache 2.0 |
#
# The licence of the weights says nothing about the texts that they learnt from: the authors of these pages, books and
# comments were mostly not asked. And a model can take over the prejudices of its texts, which is why a card says for what
# it has *not* been examined. Write the card of your own model:

# %% tags=["training"]
card = f"""---
base_model: {"sentence-transformers/all-MiniLM-L6-v2" if here else "none"}
license: apache-2.0
---
Tells praise from blame in one English sentence about a film.
Trained: {len(few)} sentences, {"Pang and Lee (2005)" if real else "authored"},
{way}, {plan[way][0]} steps, one seed.
Measured: {right:.3f} right on {n_held} held-out sentences.
Not for: other texts (it has no third answer), other languages, decisions on people.
"""
(folder / "README.md").write_text(card)
print(card)

# %% [markdown]
# ## What a small model gets wrong
# A card for a chat model should say how often it tells the truth. Take a fixed list of questions, with a word that a right
# answer must contain, and ask SmolLM2-135M-Instruct of notebook 14, without sampling, so that the answers are the same
# each time. (Three of the questions you know from notebook 14; the others were **written before the answers were
# seen**. A list that is chosen afterwards can show whatever one likes.)

# %% tags=["training"]
from lib.decoding.generate import CachedGPT
from lib.smollm import TURN_END, chat_ids, load_smollm2
from lib.yours import generate

# these need not lie in memory any longer
old = tuned = bert = fresh = ours = parts = their_model = classify = None
chatty = have("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")

# %%
questions = {
    "What is the capital of France?": "Paris",
    "What is the capital of Italy?": "Rome",
    "How many legs has a spider?": "8 eight",
    "What is 17 + 25?": "42",
    "Who wrote Romeo and Juliet?": "Shakespeare",
    "Which is larger, the sun or the moon?": "sun",
    "What is the opposite of hot?": "cold",
    "How many letters has the word cat?": "3 three",
}


# %% tags=["training"]
def greedy(logits, ids):
    return int(logits.argmax())


answers = {}
if chatty:
    smol, its_tokenizer = load_smollm2(chatty)
    end = its_tokenizer.special[TURN_END]
    for asked in questions:
        ids = chat_ids(its_tokenizer, [{"role": "user", "content": asked}])
        written = generate(CachedGPT(smol), ids, 24, greedy, [[end]])
        answers[asked] = its_tokenizer.decode([i for i in written if i != end])

# %% tags=["training"]
hits = {a: any(word in answers[a] for word in questions[a].split()) for a in answers}
for asked, answer in answers.items():
    print("✓" if hits[asked] else "✗", asked, "→", answer.replace("\n", " "))
print(sum(hits.values()), "of", len(answers))

# %% jupyter={"source_hidden": true}
assert not answers or 0 < sum(hits.values()) < len(hits)
if answers:
    assert not hits["What is the capital of Italy?"]
    assert "French" in answers["Who wrote Romeo and Juliet?"]

# %% [markdown]
# (If nothing is printed, the weights are not here: `python3 course.py fetch`.) Right and wrong answers have the same form and the same
# tone; nothing in a sentence tells which is which. And a hit here is no more than a word that stands in the answer. Read
# them: Shakespeare becomes a French playwright of the 17th century, and counts as right. Eight questions are an illustration.
# Real benchmarks have thousands, score by such rules too, and their questions may have stood in the training texts.
#
# ## What breaks
# **The names of the classes in another order.** Nothing complains, and every answer is turned round:

# %% tags=["training"]
judged = held_out[:200]
swapped = [(text, 1 - label) for text, label in judged]
as_saved, turned = (accuracy(mine, my_tokenizer, some) for some in (judged, swapped))
print(f"{as_saved:.3f} with its own id2label, {turned:.3f} with names exchanged")

# %% jupyter={"source_hidden": true}
assert math.isclose(as_saved + turned, 1, abs_tol=1e-6)
assert as_saved > turned or not (here and real)

# %% [markdown]
# **The mask left out.** A short sentence is padded to the length of its neighbour. Without a mask the padding is read as
# words, and the answer depends on the company:

# %% tags=["training"]
long = " ".join(["the acting and the story and the music were all of one piece"] * 3)
ids, mask = pad_batch([my_tokenizer.encode(text).ids for text in (SENTENCES[1], long)])
alone = ids[:1, : mask[0].sum()]
with torch.no_grad():
    for name, one in (
        ("alone", mine(alone)),
        ("in company, masked", mine(ids, mask=mask)),
        ("in company, no mask", mine(ids)),
    ):
        print(f"{name:20} {one[0].softmax(-1)[1].item():.4f}")

# %% jupyter={"source_hidden": true}
with torch.no_grad():
    masked, unmasked = mine(ids, mask=mask)[0], mine(ids)[0]
assert torch.allclose(masked, mine(alone)[0], atol=1e-4)
assert not torch.allclose(masked, unmasked, atol=1e-3)

# %% [markdown]
# ## In other words
# - **Checkpoint**: the weights of a model in a file. **safetensors**: a format of names and numbers only; **pickle**: a program.
# - **State dict**: PyTorch's word for tensors by their names. **Conversion**: a checkpoint's names and shapes to those of another
#   code. **Missing** and **unexpected keys**: names that only one side has.
# - **Logit**, **softmax**, **score**: what the head gives; its chances; the larger one. **Calibration**: whether 0.9 is right nine
#   times in ten.
# - **Head**: the last layer for a task. **Newly initialized**: drawn at random.
# - **Fine-tuning**: training on from published weights. **Frozen**: without gradients. **Linear probe** (head only).
# - **LoRA**: ΔW = (α/r) B A. **Rank** r; **adapter**: the small part that learns; **merging**: adding it to W.
#   **PEFT** (parameter-efficient fine-tuning): all methods in which few numbers learn.
# - **Catastrophic forgetting**: what training on one task does to another.
# - **Model card**, **licence**: what is told of a model, and what one may do with it.
#
# ## Where it comes from
# - Fine-tuning a language model for classes: Howard and Ruder [2018](https://arxiv.org/abs/1801.06146) (ULMFiT), then BERT, Devlin et
#   al. [2018](https://arxiv.org/abs/1810.04805).
# - The library: Wolf et al. [2019](https://arxiv.org/abs/1910.03771).
# - LoRA: Hu et al. [2021](https://arxiv.org/abs/2106.09685) reported for GPT-3, of 175 billion parameters, 10,000 times fewer that
#   learn, and results on par with or better than those of training all. QLoRA, Dettmers et al.
#   [2023](https://arxiv.org/abs/2305.14314), puts it on matrices that are rounded to four bits.
# - Forgetting: McCloskey and Cohen [1989](https://doi.org/10.1016/S0079-7421(08)60536-8); Kirkpatrick et al.
#   [2016](https://arxiv.org/abs/1612.00796) hold back the weights that mattered for the old task.
# - Calibration: Guo et al. [2017](https://arxiv.org/abs/1706.04599).
# - Model cards: Mitchell et al. [2018](https://arxiv.org/abs/1810.03993). The reviews: Pang and Lee
#   [2005](https://arxiv.org/abs/cs/0506075).
#
# ## What to remember
# - A pretrained model is a folder: settings, a tokenizer, named tensors. Read names and numbers, translate the names, refuse what does
#   not fit, and never open a stranger's pickle.
# - A pipeline is tokens, mask, logits, softmax, label. With a fresh head it answers as fluently, and by chance.
# - LoRA learns a thin change beside frozen matrices, and can be merged into them. What a fine-tuning cost elsewhere must be measured
#   on another task.
#
# **Next**: notebook 20, an assistant: instructions, preferences, rewards.
