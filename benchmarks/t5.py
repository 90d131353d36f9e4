"""Notebook 17's trainings over three seeds, each as the notebook does it, to data/t5_results.json.

    python benchmarks/t5.py [six | reader | worlds] [seed ...]

six: one T5 for six tasks; how right it is on held-out examples of each, and on fewer on the way; then a seventh task
from 30 examples, from this model and from fresh weights. Seed 0 is kept as data/t5_tasks.safetensors.
reader: MiniLM fine-tuned on the questions of XQuAD's training articles, asked about the others.
worlds: a small BERT from fresh weights, taught to find answers in tiny worlds; how right it is where one fact is
needed, where two are and where none helps, on fewer questions on the way, and what each margin costs. Seed 0 is kept
as data/t5_worlds.safetensors.

The rates were not tuned beyond a first try with seed 0. Baselines need no training: what the most similar training
example was answered with, and the sentence that shares most words with the question.
"""

import copy
import functools
import math
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor

from lib import checkpoints
from lib.batching import SPECIAL, Batch, similar_lengths
from lib.bert import Bert
from lib.corpora import files
from lib.corpora.tasks import NEW, PREFIXES, Example, load_tasks
from lib.corpora.tiny_worlds import KINDS, NONE, ONE, TWO, WORLD_WORDS, WorldQuestion, string_rule, world_questions
from lib.corpora.xquad import load_xquad
from lib.decoding.search import translate
from lib.layers import fresh_weights
from lib.minilm import load_minilm
from lib.reader import (
    Reader,
    Reading,
    WordRarity,
    answer,
    exact_matches,
    read,
    reader_batch,
    reader_loss,
    sentence_places,
)
from lib.scoring import bleu, exact_match, squad_scores
from lib.spans import best_spans, token_span
from lib.t5 import T5, fresh_t5_weights
from lib.tokenizer import Tokenizer, train_tokenizer
from lib.training import train
from lib.wordpiece import SPECIAL as PIECES
from lib.wordpiece import WordPieceTokenizer

RESULTS, WEIGHTS, WORLDS = "t5_results.json", "t5_tasks.safetensors", "t5_worlds.safetensors"
SENTINELS = [f"<X{i}>" for i in range(12)]
VOCAB, SIZES, BUCKETS = 2_048, (128, 4, 512, (2, 2)), {"n_buckets": 16, "furthest": 64}
TOKENS, STEPS, PEAK, WARMUP = 2_000, 1_200, 8e-3, 50
MARKS, GLANCE = (150, 300, 600, 900), 100  # steps to look at it, on so many examples of each task
READER_TOKENS, READER_STEPS, READER_PEAK = 500, 100, 1e-4
FEW, FEW_STEPS, FEW_PEAK = 30, 30, 2e-3
WORLD_SIZES, WORLD_POSITIONS = (64, 4, 3), 64  # d_model, heads, blocks; tokens of a question and its world
WORLD_BATCH, WORLD_STEPS, WORLD_PEAK = 32, 600, 8e-3
TAUGHT = (ONE, ONE, TWO, TWO, NONE)  # kinds that are drawn from
WORLD_MARKS, WORLD_TESTS = range(100, 600, 100), 900
MARGINS = (-8.0, -4.0, -2.0, 0.0, 2.0, 4.0, 8.0, math.inf)
Ids = tuple[list[int], list[int]]


def coded(tokenizer: Tokenizer, examples: Sequence[Example]) -> list[Ids]:
    return [(tokenizer.encode_ordinary(source), tokenizer.encode_ordinary(target)) for source, target in examples]


def batches(pairs: Sequence[Ids], tokens: int, rng: random.Random) -> Iterator[Batch]:
    lengths = [len(source) + 2 * len(target) for source, target in pairs]
    while True:
        for chosen in similar_lengths(lengths, tokens, rng):
            yield Batch.of([pairs[i] for i in chosen])


def judged(model: T5, tokenizer: Tokenizer, examples: Sequence[Example]) -> dict[str, float]:
    model.eval()
    written = translate(model, [tokenizer.encode_ordinary(source) for source, _ in examples], 30)
    written, right = [tokenizer.decode(ids) for ids in written], [target for _, target in examples]
    words = [text.split() for text in written], [text.split() for text in right]
    return {"exact": round(exact_match(*words), 3), "bleu": round(bleu(*words), 1)}


def six(seed: int) -> None:
    tasks, tests = load_tasks("train"), load_tasks("test")
    learnt = {name: tasks[name] for name in PREFIXES}
    texts = [text for examples in learnt.values() for example in examples for text in example]
    tokenizer = train_tokenizer(texts, VOCAB, [*SPECIAL, *SENTINELS])
    pairs = [pair for examples in learnt.values() for pair in coded(tokenizer, examples)]
    model = fresh_t5_weights(T5(len(tokenizer), *SIZES, **BUCKETS), torch.Generator().manual_seed(seed))
    fresh = copy.deepcopy(model)
    looked, curve = 0.0, {}

    def watch(step: int, loss: float) -> None:
        nonlocal looked
        if step % 50 == 0:
            print(step, round(loss, 2), flush=True)
        if step in MARKS:
            start = time.process_time()
            curve[str(step)] = {name: judged(model, tokenizer, tests[name][:GLANCE]) for name in PREFIXES}
            looked += time.process_time() - start

    start = time.process_time()
    train(
        model, model.loss, batches(pairs, TOKENS, random.Random(seed)), STEPS, PEAK, WARMUP,
        muon=True, fused=True, watch=watch,
    )  # fmt: skip
    seconds = time.process_time() - start - looked
    found = {name: judged(model, tokenizer, tests[name][:300]) for name in PREFIXES}
    if seed == 0:
        made = {"steps": STEPS, "peak": PEAK, "tokens": TOKENS, "seed": seed}
        checkpoints.save(files.path(WEIGHTS), model, {"made": made})
        files.record(WEIGHTS, "python benchmarks/t5.py six 0")
    record("six", seed, {"seconds": round(seconds, 1), "steps": STEPS, "tasks": found, "curve": curve})
    few = coded(tokenizer, random.Random(seed).sample(tasks[NEW], FEW))
    for start_from, base in (("six tasks", model), ("fresh", fresh)):
        tuned = copy.deepcopy(base)
        train(tuned, tuned.loss, batches(few, 700, random.Random(seed)), FEW_STEPS, FEW_PEAK, 5, muon=True, fused=True)
        record(f"new task from {start_from}", seed, judged(tuned, tokenizer, tests[NEW]))


def readings(tokenizer: WordPieceTokenizer) -> list[tuple[Reading, int, int]]:
    """The training questions, each with the sentence that answers, and the answer's first and last token."""
    found = []
    for one in load_xquad("train"):
        start, end = one.starts[0], one.starts[0] + len(one.answers[0])
        near = [(a, b) for a, b in sentence_places(one.context) if a < end and start < b]
        reading = read(tokenizer, one.question, one.context, near, 128)
        first, last = token_span(reading.offsets, start, end)
        if first:
            found.append((reading, first, last))
    return found


def reader(seed: int) -> None:
    bert, pieces = load_minilm()
    model = Reader(bert, torch.Generator().manual_seed(seed))
    rows, rng = readings(pieces), random.Random(seed)

    def feed() -> Iterator[list]:
        while True:
            for chosen in similar_lengths([len(reading.ids) for reading, _, _ in rows], READER_TOKENS, rng):
                yield [rows[i] for i in chosen]

    start = time.process_time()
    train(model, functools.partial(reader_loss, model), feed(), READER_STEPS, READER_PEAK, 10, fused=True)
    seconds = time.process_time() - start
    asked = load_xquad("test")
    rarity = WordRarity({one.context for one in load_xquad("train") + asked})
    right, said = [one.answers for one in asked], []
    for one in asked:
        near = rarity.nearest(one.question, one.context, 1)
        said.append(answer(model, read(pieces, one.question, one.context, near, 256), one.context))
    sentences = [one.context[slice(*rarity.nearest(one.question, one.context, 1)[0])] for one in asked]
    found = {"seconds": round(seconds, 1), "steps": READER_STEPS}
    for name, texts in (("", said), ("sentence ", sentences)):
        exact, f1 = squad_scores(texts, right)
        found |= {f"{name}exact": round(exact, 1), f"{name}f1": round(f1, 1)}
    record("reader", seed, found)


def world_pieces() -> WordPieceTokenizer:
    """A piece for each word; the pieces of a text are kept, since few words make up all the worlds."""
    pieces = WordPieceTokenizer([*PIECES, *WORLD_WORDS])
    pieces.tokens = functools.cache(pieces.tokens)
    return pieces


def world_reading(pieces: WordPieceTokenizer, one: WorldQuestion) -> Reading:
    return exact_matches(read(pieces, one.question, one.text, [(0, len(one.text))], WORLD_POSITIONS))


def world_rows(pieces: WordPieceTokenizer, worlds: Sequence[WorldQuestion]) -> list[tuple[Reading, int, int]]:
    """Each question and its world as they are read, and the answer's first and last token; 0 and 0 for none."""
    rows = []
    for one in worlds:
        reading = world_reading(pieces, one)
        place = token_span(reading.offsets, one.start, one.start + len(one.answer)) if one.answer else (0, 0)
        rows.append((reading, *place))
    return rows


@torch.no_grad()
def world_answers(
    model: Reader, pieces: WordPieceTokenizer, worlds: Sequence[WorldQuestion], margin: float = 0.0
) -> list[str]:
    model.eval()
    readings = [world_reading(pieces, one) for one in worlds]
    batch, said = reader_batch(readings), []
    found = best_spans(*model(*batch), batch[-1], 5, margin)
    for one, reading, first, last in zip(worlds, readings, *map(Tensor.tolist, found), strict=True):
        said.append(one.text[reading.offsets[first][0] : reading.offsets[last][1]])
    return said


def asked_twice(model: Reader, pieces: WordPieceTokenizer, worlds: Sequence[WorldQuestion]) -> list[str]:
    """Of "Where is the ball?": who has it, and where that person is; "" if either is not said."""
    owners = [one._replace(question=one.question.replace("Where is", "Who has")) for one in worlds]
    people = world_answers(model, pieces, owners)
    steps = [one._replace(question=f"Where is {name}?") for one, name in zip(worlds, people, strict=True)]
    places = world_answers(model, pieces, steps)
    return [place if name else "" for name, place in zip(people, places, strict=True)]


def by_kind(said: Sequence[str], worlds: Sequence[WorldQuestion]) -> dict[str, dict[str, float]]:
    found = {}
    for kind in [kind for kind in KINDS if any(one.kind == kind for one in worlds)]:
        some = [(text, [one.answer]) for text, one in zip(said, worlds, strict=True) if one.kind == kind]
        exact, f1 = squad_scores(*zip(*some, strict=True))
        silent = sum(not text for text, _ in some) / len(some)
        found[kind] = {"exact": round(exact, 1), "f1": round(f1, 1), "no answer": round(silent, 3)}
    return found


def worlds(seed: int) -> None:
    pieces, asked = world_pieces(), world_questions(WORLD_TESTS, random.Random("test"))
    rng, dice = random.Random(seed), torch.Generator().manual_seed(seed)
    model = Reader(Bert(len(pieces), *WORLD_SIZES, n_positions=WORLD_POSITIONS), dice)
    fresh_weights(model, dice)
    looked, curve = 0.0, {}

    def feed() -> Iterator[list]:
        while True:
            yield world_rows(pieces, world_questions(WORLD_BATCH, rng, TAUGHT))

    def watch(step: int, loss: float) -> None:
        nonlocal looked
        if step in WORLD_MARKS:
            start = time.process_time()
            said = world_answers(model, pieces, asked[:300])
            curve[str(step)] = {kind: found["exact"] for kind, found in by_kind(said, asked[:300]).items()}
            print(step, round(loss, 2), curve[str(step)], flush=True)
            looked += time.process_time() - start

    start = time.process_time()
    loss = functools.partial(reader_loss, model)
    train(model, loss, feed(), WORLD_STEPS, WORLD_PEAK, 50, muon=True, fused=True, watch=watch)
    seconds = time.process_time() - start - looked
    looks = {margin: by_kind(world_answers(model, pieces, asked, margin), asked) for margin in MARGINS}
    found = {"seconds": round(seconds, 1), "steps": WORLD_STEPS, "curve": curve, "kinds": looks[0.0]}
    found["margins"] = {
        str(margin): {kind: one["exact"] for kind, one in look.items()} for margin, look in looks.items()
    }
    twice = [one for one in asked if one.question.startswith("Where is the")]
    found["asked twice"] = by_kind(asked_twice(model, pieces, twice), twice)
    found["asked once"] = by_kind(world_answers(model, pieces, twice), twice)
    if seed == 0:
        made = {"steps": WORLD_STEPS, "peak": WORLD_PEAK, "batch": WORLD_BATCH, "seed": seed}
        checkpoints.save(files.path(WORLDS), model, {"made": made})
        files.record(WORLDS, "python benchmarks/t5.py worlds 0")
    record("worlds", seed, found)


def world_baselines() -> None:
    """What needs no training: comparing words, the whole nearest sentence."""
    asked = world_questions(WORLD_TESTS, random.Random("test"))
    rarity = WordRarity([one.text for one in asked])
    near = [one.text[slice(*rarity.nearest(one.question, one.text, 1)[0])] for one in asked]
    for name, said in (("rule", [string_rule(one.question, one.text) for one in asked]), ("sentence", near)):
        files.record_results(RESULTS, "python benchmarks/t5.py", by_kind(said, asked), "worlds without training", name)


def record(task: str, seed: int, found: dict) -> None:
    files.record_results(RESULTS, "python benchmarks/t5.py", found, task, seed)
    print(task, seed, found, flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    asked = {"six": six, "reader": reader, "worlds": worlds}
    names = [name for name in sys.argv[1:] if name in asked] or list(asked)
    for seed in [int(number) for number in sys.argv[1:] if number not in asked] or [0, 1, 2]:
        for name in names:
            asked[name](seed)
    if "worlds" in names:
        world_baselines()
