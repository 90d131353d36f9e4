"""Notebook 09's translator: how fast a step is, and trainings over three seeds: `python benchmarks/translation.py TASK`.

    speed [rounds]           a training step beside Hugging Face's Marian; batches by length beside random ones
    translator [seed ...]    the recipe of notebook 09: BLEU, exact match, alignment, "it"; seed 0 is kept for notebook 10
    parts [seed ...]         a shorter training, and the same with one part of the recipe taken out

A training replaces the results of its task and seeds in data/translation_results.json. Processor seconds are of one
thread. `speed` is one interleaved run: every round times all contestants once, in turn, so that a busy machine slows
all; a ratio is the median over the rounds.
"""

import json
import os
import random
import sys
import time
from itertools import islice
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from lib.attention import alignment_accuracy
from lib.batching import EOS, PAD, SOS, Batch, Vocabulary, pad_batch, similar_lengths, translation_batches
from lib.corpora import files
from lib.corpora.italian import load_pairs
from lib.layers import FusedLayerNorm, FusedPreNorm, fresh_weights
from lib.scoring import bleu, exact_match
from lib.training import train
from lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock, Transformer, cross_attention_weights

RESULTS = "translation_results.json"
CHECKPOINT = "translator.safetensors"
SIZES = {"d_model": 128, "n_heads": 4, "d_ff": 512, "n_blocks": 2}
TOKENS = 250  # target tokens a batch
RECIPE = {"steps": 4000, "peak": 2e-3, "warmup": 200}
SHORT = {"steps": 1300, "peak": 2e-3, "warmup": 200}
SMOOTHING = 0.1


def corpus():
    """Vocabularies of both languages, and the training pairs as ids."""
    pairs = [pair.words() for pair in load_pairs()]
    english, italian = Vocabulary(e for e, _ in pairs), Vocabulary(i for _, i in pairs)
    return english, italian, [(english.encode(e), italian.encode(i)) for e, i in pairs]


def translator(sources, targets, seed, d_model, n_heads, d_ff, n_blocks, kind=Transformer):
    sizes = d_model, n_heads, d_ff, 0.0, FusedPreNorm
    model = kind(
        nn.Embedding(sources, d_model),
        nn.Embedding(targets, d_model),
        Encoder([EncoderBlock(*sizes) for _ in range(n_blocks)], FusedLayerNorm(d_model)),
        Decoder([DecoderBlock(*sizes) for _ in range(n_blocks)], FusedLayerNorm(d_model)),
    )
    return fresh_weights(model, torch.Generator().manual_seed(seed))


# ------------------------------------------------------------------------------------------------------------- speed


def marian(sources, targets, d_model, n_heads, d_ff, n_blocks):
    from transformers import MarianConfig, MarianMTModel

    counts = {"layers": n_blocks, "attention_heads": n_heads, "ffn_dim": d_ff}
    config = MarianConfig(
        vocab_size=sources,
        decoder_vocab_size=targets,
        share_encoder_decoder_embeddings=False,
        d_model=d_model,
        **{f"{side}_{name}": count for side in ("encoder", "decoder") for name, count in counts.items()},
        activation_function="relu",
        scale_embedding=True,
        dropout=0.0,
        pad_token_id=PAD,
        eos_token_id=EOS,
        decoder_start_token_id=SOS,
        forced_eos_token_id=None,
    )
    return MarianMTModel(config).train()


def marian_loss(model, batch):
    labels = batch.targets.masked_fill(~batch.mask, -100)
    return model(input_ids=batch.source, attention_mask=batch.source_mask.long(), labels=labels).loss


def stepper(model, loss_of):
    """A whole step of training: loss, gradients, clipping, AdamW; the same for everybody."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step(batch):
        optimiser.zero_grad()
        loss_of(batch).backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    return step


def seconds(step, batches):
    start = time.process_time()
    for batch in batches:
        step(batch)
    return time.process_time() - start


def speed(rounds):
    english, italian, data = corpus()
    ours = translator(len(english), len(italian), 0, **SIZES)
    theirs = marian(len(english), len(italian), **SIZES)
    for name, model in (("ours", ours), ("Marian", theirs)):
        print(f"{name}: {sum(p.numel() for p in model.parameters() if p.requires_grad):,} parameters")
    own_step, their_step = stepper(ours, ours.loss), stepper(theirs, lambda batch: marian_loss(theirs, batch))
    for tokens in (TOKENS, 500, 1500):
        rng = random.Random(0)
        by_length, at_random = [], []  # equally many sentences in each batch of the two
        taken = []
        for _ in range(rounds):
            batches = list(islice(translation_batches(data, tokens, rng), 12))
            pool = [pair for batch in batches for pair in pairs_of(batch)]
            rng.shuffle(pool)
            size = -(-len(pool) // len(batches))
            mixed = [Batch.of(pool[start : start + size]) for start in range(0, len(pool), size)]
            own_step(batches[0]), their_step(batches[0])
            taken.append((seconds(own_step, batches), seconds(their_step, batches), seconds(own_step, mixed)))
            by_length += batches
            at_random += mixed
        real = sum(batch.mask.sum().item() for batch in by_length)
        own = median(mine for mine, _, _ in taken)
        print(
            f"{tokens} tokens a batch: {real / rounds / own:,.0f} target tokens/s; Marian's time by ours "
            f"{median(b / a for a, b, _ in taken):.2f}; random batches by batches of similar length "
            f"{median(c / a for a, _, c in taken):.2f} (padding {padding(at_random):.3f} and {padding(by_length):.3f})"
        )


def pairs_of(batch):
    """The sentences of a batch again, without padding."""
    for source, length, targets, real in zip(*map(lambda t: t.tolist(), (
        batch.source, batch.source_mask.sum(1), batch.targets, batch.mask.sum(1))), strict=True):  # fmt: skip
        yield source[:length], targets[: real - 1]


def padding(batches):
    """The share of padding among all places of the targets and sources."""
    masks = [mask for batch in batches for mask in (batch.source_mask, batch.mask)]
    return 1 - sum(mask.sum().item() for mask in masks) / sum(mask.numel() for mask in masks)


if __name__ == "__main__":
    torch.set_num_threads(1)
    speed(int(sys.argv[2]) if len(sys.argv) > 2 else 10)
