"""Notebook 09's translator, its speed and its trainings over three seeds: `python benchmarks/translation.py TASK`.

    speed [rounds]           a training step beside Hugging Face's Marian; batches by length beside random ones
    captions [rounds]        the same on Multi30k, whose lengths vary more: 4,096 tokens, three blocks a side
    translator [seed ...]    notebook 09's recipe: BLEU, exact match, alignment, "it"
    checkpoint               data/translator.safetensors for notebook 10: the same, seed 0, 4,000 steps
    parts [seed ...]         a smaller model, a shorter training, and the same with one part of the recipe changed

A training replaces the results of its task and seeds in data/translation_results.json. Processor seconds are of one
thread. `speed` and `captions` are one interleaved run: every round times all contestants once, in turn, so that a busy
machine slows all; a ratio is the median over the rounds.
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
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from lib.attention import alignment_accuracy
from lib.batching import EOS, PAD, SOS, SPECIAL, Batch
from lib.corpora import files
from lib.corpora.italian import load_pairs
from lib.decoding.search import translate
from lib.fused import FusedTransformer
from lib.scoring import bleu, exact_match
from lib.tokenizer import train_tokenizer
from lib.training import train
from lib.training.pairs import read_corpus
from lib.training.recipes import paired_lengths
from lib.training.translation import TranslationRecipe, encode_pairs
from lib.training.translator import FILE, KEPT, RECIPE, SIZES, TOKENS, corpus, new_translator, save_translator
from lib.transformer import Transformer, cross_attention_weights

RESULTS = "translation_results.json"
SHORT = RECIPE | {"steps": 800}
SMALL = {"d_model": 64, "n_heads": 4, "d_ff": 256, "n_blocks": 2}  # for the parts: twelve trainings and more
SMOOTHING = 0.1
LIMIT = 40  # tokens of a translation


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


def fused(plain, n_heads, d_ff, n_blocks, **_):
    """The same model out of fused blocks, as `python -m lib.training translate` trains it."""
    source, target = (nn.Embedding(*like.weight.shape) for like in (plain.source_embedding, plain.target_embedding))
    model = FusedTransformer.stacked(source, target, n_heads, d_ff, (n_blocks, n_blocks))
    model.load_state_dict(plain.state_dict())
    return model


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
    contest(len(english), len(italian), SIZES, data, (TOKENS, 500, 1500), rounds)


def captions(rounds):
    pairs = read_corpus("multi30k").train
    tokenizer = train_tokenizer([text for pair in pairs for text in pair], TranslationRecipe.vocab, SPECIAL)
    sizes = SIZES | {"n_blocks": TranslationRecipe.encoder_blocks}
    contest(
        len(tokenizer), len(tokenizer), sizes, encode_pairs(tokenizer, pairs), (500, TranslationRecipe.tokens), rounds
    )


def contest(sources, targets, sizes, data, batch_sizes, rounds):
    plain = new_translator(sources, targets, torch.Generator().manual_seed(0), **sizes)
    ours, theirs = fused(plain, **sizes), marian(sources, targets, **sizes)
    for name, model in (("ours", ours), ("Marian", theirs)):
        print(f"{name}: {sum(p.numel() for p in model.parameters() if p.requires_grad):,} parameters")
    steps = {
        "ours": stepper(ours, ours.loss),
        "ours, unfused": stepper(plain, plain.loss),
        "Marian": stepper(theirs, lambda batch: marian_loss(theirs, batch)),
    }
    for tokens in batch_sizes:
        rng = random.Random(0)
        by_length, at_random = [], []  # equally many sentences in each batch of the two
        taken = []
        for _ in range(rounds):
            batches = list(islice(paired_lengths(data, tokens, rng), 12))
            pool = [pair for batch in batches for pair in pairs_of(batch)]
            rng.shuffle(pool)
            size = -(-len(pool) // len(batches))
            mixed = [Batch.of(pool[start : start + size]) for start in range(0, len(pool), size)]
            for step in steps.values():
                step(batches[0])
            taken.append({who: [seconds(step, kind) for kind in (batches, mixed)] for who, step in steps.items()})
            by_length += batches
            at_random += mixed
        real = sum(batch.mask.sum().item() for batch in by_length)
        rate = real / rounds / median(times["ours"][0] for times in taken)
        print(f"{tokens} tokens a batch: ours {rate:,.0f} target tokens/s on batches of similar length")
        print(f"  padding: {padding(by_length):.3f} by length, {padding(at_random):.3f} at random")
        for who in steps:
            by, random_, gain = (
                median(times[one][i] / times[other][j] for times in taken)
                for one, i, other, j in ((who, 0, "ours", 0), (who, 1, "ours", 1), (who, 1, who, 0))
            )
            print(
                f"  {who:13} its time by ours: {by:.2f} by length, {random_:.2f} at random; "
                f"random by similar length {gain:.2f}",
                flush=True,
            )


def pairs_of(batch):
    """The sentences of a batch again, without padding."""
    parts = batch.source, batch.source_mask.sum(1), batch.targets, batch.mask.sum(1)
    for source, length, targets, real in zip(*(part.tolist() for part in parts), strict=True):
        yield source[:length], targets[: real - 1]


def padding(batches):
    """The share of padding among all places of the targets and sources."""
    masks = [mask for batch in batches for mask in (batch.source_mask, batch.mask)]
    return 1 - sum(mask.sum().item() for mask in masks) / sum(mask.numel() for mask in masks)


# --------------------------------------------------------------------------------------------------------- trainings


class OwnOutput(Transformer):
    """An output matrix of its own, which begins as a copy of the embedding."""

    def logits(self, x):
        return functional.linear(x, self.output, self.bias)


class SquaredError(Transformer):
    """Trained on the squared error of the probabilities instead of cross-entropy."""

    def loss(self, batch, smoothing=0.0):
        chances = self(batch.source, batch.source_mask, batch.inputs)[batch.mask].softmax(-1)
        right = functional.one_hot(batch.targets[batch.mask], chances.shape[-1])
        return (chances - right).square().sum(-1).mean()


def untied(model):
    model.output = nn.Parameter(model.target_embedding.weight.detach().clone())
    return model


def trained(vocabularies, data, seed, smoothing=0.0, kind=Transformer, sizes=SIZES, **recipe):
    """A model trained on the batches of its seed, and the processor seconds that took."""
    sizes = sizes | {"kind": kind}
    model = new_translator(*map(len, vocabularies), torch.Generator().manual_seed(seed), **sizes)
    model = untied(model) if kind is OwnOutput else model
    start = time.process_time()
    train(
        model, lambda batch: model.loss(batch, smoothing), paired_lengths(data, TOKENS, random.Random(seed)), **recipe
    )
    return model, time.process_time() - start


def scores(model, english, italian, split):
    tests = [pair.words() for pair in load_pairs(split)]
    written = translate(model, [english.encode(source) for source, _ in tests], LIMIT)
    written, right = [italian.decode(ids) for ids in written], [target for _, target in tests]
    return {"bleu": round(bleu(written, right), 2), "exact": round(exact_match(written, right), 4)}


def batch_of(pair, english, italian):
    source, target = pair.words()
    return Batch.of([(english.encode(source), italian.encode(target))])


def alignment(model, english, italian, sentences=500):
    """For each block, each head's share of right looks before a word is written, and when it was read."""
    found, links = {"before": 0.0, "after": 0.0}, 0
    for pair in load_pairs("test")[:sentences]:
        if pair.alignment:
            weights = cross_attention_weights(model, batch_of(pair, english, italian))[:, 0]
            for name, rows in (("before", weights[..., :-1, :]), ("after", weights[..., 1:, :])):
                found[name] = found[name] + alignment_accuracy(rows, pair.alignment) * len(pair.alignment)
            links += len(pair.alignment)
    return {
        name: [[round(share, 4) for share in heads] for heads in (hits / links).tolist()]
        for name, hits in found.items()
    }


@torch.no_grad()
def right_endings(model, english, italian, split="it"):
    """Where the adjective shows what "it" is: how often the right form is likelier than any other word."""
    hits = []
    for pair in load_pairs(split):
        batch, place = batch_of(pair, english, italian), pair.reference[2]
        logits = model(batch.source, batch.source_mask, batch.inputs)[0, place]
        hits.append(logits.argmax() == batch.targets[0, place])
    return round(torch.stack(hits).float().mean().item(), 4)


def translator(seed, vocabularies, data):
    model, seconds = trained(vocabularies, data, seed, **RECIPE)
    found = {split: scores(model, *vocabularies, split) for split in ("test", "combinations", "lengths", "it")}
    found["it"]["endings"] = right_endings(model, *vocabularies)
    found["alignment"] = alignment(model, *vocabularies)
    return found | {"seconds": round(seconds, 1)}


def checkpoint(seed, vocabularies, data):
    """Train the one for notebook 10 and keep it; its scores."""
    model, seconds = trained(vocabularies, data, seed, **KEPT)
    found = scores(model, *vocabularies, "test")
    save_translator(model, *vocabularies, {"recipe": KEPT, "tokens": TOKENS, "seed": seed, "test": found})
    files.record(FILE, "python benchmarks/translation.py checkpoint")
    return found | {"seconds": round(seconds, 1)}


PARTS = {
    "as it is": {},
    "no warm-up": {"warmup": 0},
    "label smoothing": {"smoothing": SMOOTHING},
    "output not tied": {"kind": OwnOutput},
    "squared error": {"kind": SquaredError},
}


def parts(seed, vocabularies, data):
    found = {}
    for name, change in PARTS.items():
        model, seconds = trained(vocabularies, data, seed, sizes=SMALL, **(SHORT | change))
        found[name] = scores(model, *vocabularies, "test") | {"seconds": round(seconds, 1)}
        print(seed, name, found[name], flush=True)
    return found


SPEED = {"speed": speed, "captions": captions}
TASKS = {"translator": translator, "parts": parts, "checkpoint": checkpoint}


def main(task, numbers):
    torch.set_num_threads(1)
    if task in SPEED:
        return SPEED[task](*numbers or [10])
    english, italian, data = corpus()
    for seed in numbers or ([0] if task == "checkpoint" else [0, 1, 2]):
        found = TASKS[task](seed, (english, italian), data)
        print(json.dumps({task: {seed: found}}, indent=1), flush=True)
        files.record_results(RESULTS, "python benchmarks/translation.py translator; parts", found, task, seed)


if __name__ == "__main__":
    main(sys.argv[1], [int(number) for number in sys.argv[2:]])
