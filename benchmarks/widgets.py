"""What the moving pictures show of trained models: to data/widgets.json, one thread.

    python benchmarks/widgets.py translator    where the translator of data/ looks, and the tree of its beam search:
                                               heads, beams
    python benchmarks/widgets.py minilm        the heads of MiniLM over a sentence (its weights are fetched): heads
    python benchmarks/widgets.py patches       the heads of notebook 18's ViT, trained here in 200 steps on digits that
                                               a program draws: patches

Weights are kept in thousandths. Each task keeps what the others have recorded.
"""

import json
import os
import sys
from collections.abc import Iterator
from functools import partial

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lib.attention import keeping_weights
from lib.batching import Batch, pad_batch
from lib.corpora import files
from lib.corpora.digits import load_digits
from lib.corpora.italian import load_pairs
from lib.corpora.mnist import MEAN, SPREAD
from lib.decoding.search import beam_candidates
from lib.layers import fresh_weights
from lib.training import train
from lib.training.translator import load_translator
from lib.transformer import cross_attention_weights, next_word_step
from lib.vit import ViT, ViTClassifier, attention_maps
from lib.widgets import beams, heads, patches
from lib.widgets.recorded import FILE

HOW = "python benchmarks/widgets.py translator; minilm; patches"
LONGEST = 10  # words of the sentence whose order changes
DUCK = "Sofia and Giulia had a big duck ."  # notebook 10's
APPLE = "he ate the apple because it was tasty"


@torch.no_grad()
def translator() -> None:
    """Cross-attention on a held-out pair whose order changes, the encoder on the same, and the beams on the duck."""
    model, english, italian = load_translator()
    orders = [(pair, [j for _, j in pair.alignment]) for pair in load_pairs("test")[:300]]
    turned = [pair for pair, order in orders if len(order) > 2 and order != sorted(order)]
    source, target = next(pair.words() for pair in turned if len(pair.words()[0]) <= LONGEST)
    batch = Batch.of([(english.encode(source), italian.encode(target))])
    crossed = cross_attention_weights(model, batch)[:, 0]
    layers = [block.attention for block in model.encoder.blocks]
    with keeping_weights(layers):
        model.encode(batch.source, batch.source_mask)
        inside = torch.stack([layer.weights[0] for layer in layers])
    record_heads("translator, about to write Italian", source, [*target, "<EOS>"], crossed)
    record_heads("translator, reading English", source, source, inside)

    ids, mask = pad_batch([english.encode(DUCK.split())])
    state = torch.zeros(1, 0, dtype=torch.long), model.encode(ids, mask), mask
    tree = beam_candidates(partial(next_word_step, model), state, limit=12, beams=2)
    words = [italian.words[node.word] for node in tree]
    files.record_results(FILE, HOW, beams.grown(DUCK, 2, words, tree), "beams")


@torch.no_grad()
def minilm() -> None:
    from lib.minilm import load_minilm

    model, tokenizer = load_minilm()
    encoded = tokenizer.encode(APPLE)
    pieces = [tokenizer.pieces[i] for i in encoded.ids]
    layers = [block.attention for block in model.encoder.blocks]
    with keeping_weights(layers):
        model(torch.tensor([encoded.ids]))
        record_heads("MiniLM", pieces, pieces, torch.stack([layer.weights[0] for layer in layers]))


def trained_patches() -> None:
    """A ViT as in notebook 18; what its two blocks make of the widget's own digit."""
    images, labels = load_digits("train")
    model = fresh_weights(ViTClassifier(ViT((28, 28), (7, 7), 64, 4, 2, 128), 10), torch.Generator().manual_seed(0))
    shuffle = torch.Generator().manual_seed(1)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            for rows in torch.randperm(len(images), generator=shuffle).split(128):
                yield (images[rows, None] - MEAN) / SPREAD, labels[rows]

    train(model, lambda b: cross_entropy(model(b[0]), b[1]), batches(), 200, 4e-3, warmup=50, muon=True, fused=True)
    maps = attention_maps(model.eval().vit, ((patches.digit() - MEAN) / SPREAD)[None])[:, 0]
    found = [
        patches.looks(f"trained ViT, block {block}, head {head}", weights)
        for block, of_heads in enumerate(maps, 1)
        for head, weights in enumerate(of_heads, 1)
    ]
    files.record_results(FILE, HOW, found, "patches")


def record_heads(name: str, reads: list[str], writes: list[str], weights: Tensor) -> None:
    """Add one sentence to the list of heads, or put it in place of the one of its name."""
    there = json.loads(files.read(FILE)) if files.path(FILE).exists() else {}
    known = {model["name"]: model for model in there.get("heads", [])}
    known[name] = heads.looks(name, reads, writes, weights)
    files.record_results(FILE, HOW, list(known.values()), "heads")


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"translator": translator, "minilm": minilm, "patches": trained_patches}[sys.argv[1]]()
