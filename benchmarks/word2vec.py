"""Word2Vec beside gensim's: words a second and analogies. `python benchmarks/word2vec.py [TEXT_FILE] [--words N]`

Both learn from the same sentences with the same sizes, one thread or worker each, one after the other in every round,
so that a busy machine disturbs both alike. Speed: on the text file (default: data/stories.txt), repeated or cut to N
words, counting of the vocabulary included. Quality: on the corpus of relations, whose analogies are known; gensim with
its default learning rate, which is made for larger texts, and with the best one of 0.025, 0.05, 0.1 and 0.2 for this
corpus. Needs `pip install -e .[bench]`.
"""

import argparse
import itertools
import os
import re
import statistics
import time
from functools import partial

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from gensim.models import Word2Vec

from lib.corpora.files import path
from lib.corpora.relations import ANALOGIES, load_relations
from lib.text_vectors import analogy_score, word2vec

SETTING = {"d": 64, "window": 5, "drawn": 5, "epochs": 5, "least": 5, "frequent": 1e-3}
ROUNDS = 3
DEFAULT_RATE, BEST_RATE = 0.025, 0.1  # of gensim


def ours(sentences, seed):
    return word2vec(sentences, torch.Generator().manual_seed(seed), **SETTING)


def gensims(sentences, seed, rate=DEFAULT_RATE):
    model = Word2Vec(
        sentences, sg=1, workers=1, seed=seed + 1, vector_size=SETTING["d"], window=SETTING["window"],
        negative=SETTING["drawn"], epochs=SETTING["epochs"], min_count=SETTING["least"], sample=SETTING["frequent"],
        alpha=rate,
    )  # fmt: skip
    return model.wv.index_to_key, torch.tensor(model.wv.vectors)


def sentences_of(text, n_words):
    """The text's sentences in lower case, from the start again until there are n_words (0: the text once)."""
    sentences = [re.findall(r"[^\W_]+(?:'\w+)?", part.lower()) for part in re.split(r"[.!?\n]+", text)]
    sentences = [sentence for sentence in sentences if sentence]
    found, size = [], 0
    for sentence in itertools.cycle(sentences) if n_words else ():
        found.append(sentence)
        size += len(sentence)
        if size >= n_words:
            break
    return found or sentences


def timed(learn, sentences, seed):
    start = time.perf_counter()
    words, vectors = learn(sentences, seed)
    seconds = time.perf_counter() - start
    return SETTING["epochs"] * sum(map(len, sentences)) / seconds, words, vectors


def speed(sentences):
    ratios = []
    print(f"speed: {sum(map(len, sentences)):,} words, {SETTING['epochs']} times")
    for seed in range(ROUNDS):
        mine, words, vectors = timed(ours, sentences, seed)
        theirs, *_ = timed(gensims, sentences, seed)
        ratios.append(mine / theirs)
        longest = vectors.norm(dim=1).max().item()
        finite = "all finite" if vectors.isfinite().all() else "NOT FINITE"
        print(f"  {mine:,.0f} words/s, gensim {theirs:,.0f}: {ratios[-1]:.2f}; {len(words):,} words kept, "
              f"longest vector {longest:.1f}, {finite}")  # fmt: skip
    return statistics.median(ratios)


def quality(sentences):
    learners = {
        "here": ours,
        f"gensim, rate {DEFAULT_RATE}": gensims,
        f"gensim, rate {BEST_RATE}": partial(gensims, rate=BEST_RATE),
    }
    print(f"analogies: {sum(map(len, sentences)):,} words of relations; mean of {ROUNDS} seeds")
    print(f"  {'':20}", *(f"{name:>9}" for name in ANALOGIES), f"{'mean':>9}")
    for name, learn in learners.items():
        tables = [learn(sentences, seed) for seed in range(ROUNDS)]
        scores = [statistics.mean(analogy_score(pairs, v, w) for w, v in tables) for pairs in ANALOGIES.values()]
        print(f"  {name:20}", *(f"{score:9.3f}" for score in [*scores, statistics.mean(scores)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", default=path("stories.txt"), help="a text, UTF-8")
    parser.add_argument("--words", type=int, default=0, help="cut or repeat the text to so many words")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with open(asked.file, encoding="utf-8") as file:
        ratio = speed(sentences_of(file.read(), asked.words))
    quality(load_relations())
    print(f"ratio of words a second, median of {ROUNDS}: {ratio:.2f}")


if __name__ == "__main__":
    main()
