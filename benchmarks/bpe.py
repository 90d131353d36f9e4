"""Byte pair encoding beside Hugging Face's tokenizers (Rust) and tiktoken (Rust). `python benchmarks/bpe.py [FILE ...]`

Training: the first megabyte of each text to a vocabulary of 4,096, ours in Python and theirs in Rust with one thread,
one after the other in every round, so that a busy machine disturbs both alike. Both start from the same bytes and the
same cuts into words. Encoding: the same megabyte, by our Python (when every word is new, and again), and through
`tiktoken.Encoding` made of our merges, whose ids are compared. Times are processor seconds. Without FILEs: the stories,
both sides of the Italian sentences, and Tiny Shakespeare where it was fetched or COURSE_MIRROR has it. Needs
`pip install -e .[test]`.
"""

import os

os.environ["RAYON_NUM_THREADS"] = "1"  # before tokenizers is imported
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import argparse
import statistics
import time

from tokenizers import Tokenizer as Theirs
from tokenizers import models, pre_tokenizers, trainers

from lib.corpora.files import path
from lib.downloads import fetch
from lib.tokenizer import Tokenizer, train_tokenizer

VOCAB, ROUNDS, SIZE = 4096, 5, 1_000_000


def rust(text):
    tokenizer = Theirs(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCAB, show_progress=False, initial_alphabet=alphabet)
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def timed(act, *arguments):
    start = time.process_time()
    result = act(*arguments)
    return time.process_time() - start, result


def training(name, text):
    ratios = []
    for _ in range(ROUNDS):
        mine, tokenizer = timed(train_tokenizer, [text], VOCAB)
        theirs, other = timed(rust, text)
        ratios.append(theirs / mine)
        print(f"  training, {name}: ours {mine:.2f} s, tokenizers {theirs:.2f} s: {ratios[-1]:.2f}")
    assert len(tokenizer) == other.get_vocab_size() == VOCAB
    lengths = len(tokenizer.encode(text)), len(other.encode(text).ids)
    print(f"  {lengths[0]:,} tokens by our merges, {lengths[1]:,} by theirs (they differ in ties only)")
    return statistics.median(ratios), tokenizer


def encoding(text, tokenizer):
    fast, megabytes = tokenizer.tiktoken(), len(text.encode()) / 1e6
    times = {"ours": [], "ours, words known": [], "through tiktoken": []}
    for _ in range(ROUNDS):
        fresh = Tokenizer(tokenizer.pairs)
        for name, act in zip(times, (fresh.encode, fresh.encode, fast.encode), strict=True):
            seconds, ids = timed(act, text)
            times[name].append(megabytes / seconds)
            assert ids == tokenizer.encode(text)
    print("  encoding, MB/s: " + ", ".join(f"{name} {statistics.median(speeds):.1f}" for name, speeds in times.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="texts in UTF-8")
    files = parser.parse_args().files
    if not files:
        files = [path("stories.txt"), path("english_italian.tsv")]
        try:
            files.append(fetch("tinyshakespeare/input.txt", offline=True))
        except ConnectionError as error:
            print(error)
    medians = {}
    for file in files:
        with open(file, encoding="utf-8") as opened:
            text = opened.read(SIZE)
        name = "/".join(str(file).split("/")[-2:])
        print(f"{name}: {len(text):,} characters to {VOCAB:,} ids")
        medians[name], tokenizer = training(name, text)
        encoding(text, tokenizer)
    print(
        "training, ours is so many times as fast as tokenizers (median):", {n: round(m, 2) for n, m in medians.items()}
    )


if __name__ == "__main__":
    main()
