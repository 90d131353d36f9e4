"""Notebook 03's trainings over three seeds; the results go to data/: `python benchmarks/seq2seq.py TASK [seed ...]`.

    reversal       share of right symbols by length: fixed vector against attention, same sizes, same steps
    patience       the same after fewer and more steps, and with a vector twice as wide; each a training of its own
    dates          share of dates written in ISO to the last character, and where the attention looks
    translation    BLEU and exact match of the two models, English to Italian

Each call replaces the results of its task and seeds in data/seq2seq_results.json. Processor seconds are of one thread.
"""

import json
import random
import sys
import time

import torch

from lib.batching import Batch, Vocabulary, translation_batches
from lib.corpora import files
from lib.corpora.dates import load_dates
from lib.corpora.italian import load_pairs
from lib.scoring import bleu, exact_match
from lib.seq2seq import BahdanauDecoder, Encoder, FixedVectorDecoder, Translator, seeded
from lib.training import train

RESULTS = "seq2seq_results.json"
LENGTHS = (2, 4, 6, 8, 10, 12, 15, 18, 20, 25, 30)
SYMBOLS = 20  # ids 4 to 23
REVERSAL = {"steps": 600, "peak": 5e-3}
WIDTH = 64  # numbers in the fixed vector
PATIENCE = {  # (steps, width): `reversal` has 600 steps of both at WIDTH
    "attention": ((150, WIDTH), (300, WIDTH)),
    "fixed vector": ((300, WIDTH), (1200, WIDTH), (4800, WIDTH), (600, 2 * WIDTH)),
}
DATES = {"steps": 400, "peak": 5e-3}
TRANSLATION = {"steps": 1700, "peak": 4e-3}


def translator(attention, sources, targets, d_embedding, d_hidden, d_attention, seed):
    encoder = Encoder(sources, d_embedding, d_hidden)
    decoder = (
        BahdanauDecoder(targets, d_embedding, d_hidden, d_attention)
        if attention
        else FixedVectorDecoder(targets, d_embedding, d_hidden)
    )
    return seeded(Translator(encoder, decoder), torch.Generator().manual_seed(seed))


def trained(model, batches, **recipe):
    """Train; the processor seconds it took."""
    start = time.process_time()
    train(model, model.loss, batches, **recipe)
    return time.process_time() - start


def to_reverse(number, length, rng):
    """Pairs of a random sequence and the same one back to front."""
    sequences = [[rng.randrange(4, 4 + SYMBOLS) for _ in range(length)] for _ in range(number)]
    return [(sequence, sequence[::-1]) for sequence in sequences]


def right_symbols(model, length, rng):
    pairs = to_reverse(200, length, rng)
    written = model.translate([source for source, _ in pairs], length)
    hits = sum(
        a == b for mine, (_, right) in zip(written, pairs, strict=True) for a, b in zip(mine, right, strict=False)
    )
    return hits / (200 * length)


def reversed_by(attention, seed, lengths, width=WIDTH, **recipe):
    """A fresh model trained by this recipe: the share of right symbols at each length, and processor seconds."""
    rng = random.Random(seed)
    model = translator(attention, 4 + SYMBOLS, 4 + SYMBOLS, 48, width, 64, seed)
    batches = (Batch.of(to_reverse(48, rng.randint(2, 20), rng)) for _ in iter(int, 1))
    seconds = trained(model, batches, **recipe)
    shares = {length: round(right_symbols(model, length, random.Random(1000 + length)), 4) for length in lengths}
    return {"right": shares, "seconds": round(seconds, 1)}


def reversal(seed):
    return {name: reversed_by(name == "attention", seed, LENGTHS, **REVERSAL) for name in PATIENCE}


def patience(seed):
    """A schedule that ends is part of a recipe, so each number of steps is a training from the beginning."""
    return {
        name: {
            f"{steps} steps, {width} numbers": reversed_by(
                name == "attention", seed, (10, 15, 20), width, **{**REVERSAL, "steps": steps}
            )
            for steps, width in budgets
        }
        for name, budgets in PATIENCE.items()
    }


def dates(seed):
    pairs, held_out = load_dates(), load_dates("test")
    characters, digits = Vocabulary(d.written for d in pairs), Vocabulary(d.iso for d in pairs)
    data = [(characters.encode(d.written), digits.encode(d.iso)) for d in pairs]
    model = translator(True, len(characters), len(digits), 48, 128, 64, seed)
    seconds = trained(model, translation_batches(data, 700, random.Random(seed)), **DATES)
    written = model.translate([characters.encode(d.written) for d in held_out], 12)
    right = ["".join(digits.decode(ids)) for ids in written]
    return {"exact": exact_match(right, [d.iso for d in held_out]), "seconds": round(seconds, 1)}


def translation(seed):
    pairs = [pair.words() for pair in load_pairs()]
    english, italian = Vocabulary(e for e, _ in pairs), Vocabulary(i for _, i in pairs)
    data = [(english.encode(e), italian.encode(i)) for e, i in pairs]
    found = {}
    for attention in (False, True):
        model = translator(attention, len(english), len(italian), 128, 192, 64, seed)
        seconds = trained(model, translation_batches(data, 500, random.Random(seed)), **TRANSLATION)
        scores = {"seconds": round(seconds, 1)}
        for split in ("test", "combinations", "lengths"):
            tests = [pair.words() for pair in load_pairs(split)]
            written = [italian.decode(ids) for ids in model.translate([english.encode(e) for e, _ in tests], 40)]
            right = [i for _, i in tests]
            scores[split] = {"bleu": round(bleu(written, right), 2), "exact": round(exact_match(written, right), 4)}
        found["attention" if attention else "fixed vector"] = scores
    return found


TASKS = {"reversal": reversal, "patience": patience, "dates": dates, "translation": translation}


def main(task, seeds):
    torch.set_num_threads(1)
    how = "python benchmarks/seq2seq.py reversal; patience; dates; translation"
    for seed in seeds:
        found = TASKS[task](seed)
        files.record_results(RESULTS, how, found, task, seed)
        print(json.dumps({seed: found}, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], [int(seed) for seed in sys.argv[2:]] or [0, 1, 2])
