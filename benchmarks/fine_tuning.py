"""Notebook 19's comparison, over three seeds: MiniLM fine-tuned in three ways at about equal time, and not at all.

    python benchmarks/fine_tuning.py [seed ...]    to data/fine_tuning_results.json; the seeds 0 to 2, if none are named

"head": the pooler and the head learn. "LoRA": besides, rank 8 on to_q and to_v. "all": every weight learns. Steps and
rates are the notebook's, chosen so that each takes about 25 s of one processor; the rates were not searched. "frozen":
no gradient goes into the model; a logistic regression on the mean of its vectors, computed once.

A seed draws the 500 reviews that judge, the 900 labelled ones, the fresh weights and the order. "right": the share of
held-out reviews. "kept": of the ten nearest of each of 200 reviews, so many are still among the ten nearest. "search":
the share of 100 questions of XQuAD that find their paragraph among 100; under "published", before any training.
"""

import json
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lib.batching import pad_batch, similar_lengths
from lib.bert import Bert, BertClassifier
from lib.corpora import files
from lib.corpora.movie_reviews import load_movie_reviews
from lib.corpora.xquad import load_xquad
from lib.lora import add_lora, trainable_parameters
from lib.minilm import load_minilm, sentence_vectors
from lib.training import train
from lib.wordpiece import WordPieceTokenizer

RESULTS, SEEDS = "fine_tuning_results.json", (0, 1, 2)
PLAN = {"head": (100, 3e-3), "LoRA": (48, 2e-3), "all": (32, 2e-4)}  # steps, peak rate
LABELLED, HELD_OUT, APART, LONGEST = 900, 500, 1000, 48

Reviews = Sequence[tuple[str, int]]


def classifier(way: str, seed: int) -> BertClassifier:
    """Published weights below a fresh head, with what should learn in them."""
    torch.manual_seed(seed)
    bert, _ = load_minilm()
    if way == "LoRA":
        add_lora(bert, ("to_q", "to_v"), rank=8, alpha=16, generator=torch.Generator().manual_seed(seed))
    elif way == "head":
        bert.requires_grad_(False)
    bert.pooler.requires_grad_(True)
    return BertClassifier(bert, 2)


def fine_tuned(way: str, seed: int, tokenizer: WordPieceTokenizer, few: Reviews) -> BertClassifier:
    rows, labels = [tokenizer.encode(text, longest=LONGEST).ids for text, _ in few], judged(few)
    model, (steps, peak) = classifier(way, seed), PLAN[way]

    def batches() -> Iterator[tuple[Tensor, ...]]:
        dice = random.Random(seed)
        while True:
            for chosen in similar_lengths(list(map(len, rows)), 512, dice):
                yield *pad_batch([rows[i] for i in chosen]), labels[chosen]

    def loss(batch: tuple[Tensor, ...]) -> Tensor:
        ids, mask, right = batch
        return cross_entropy(model(ids, mask=mask), right)

    train(model, loss, batches(), steps, peak, warmup=steps // 10, fused=True)
    return model.eval()


def judged(reviews: Reviews) -> Tensor:
    return torch.tensor([label for _, label in reviews])


@torch.no_grad()
def accuracy(model: BertClassifier, tokenizer: WordPieceTokenizer, held_out: Reviews) -> float:
    rows, labels, right = [tokenizer.encode(text, longest=LONGEST).ids for text, _ in held_out], judged(held_out), 0
    for chosen in similar_lengths(list(map(len, rows)), 1024):
        ids, mask = pad_batch([rows[i] for i in chosen])
        right += (model(ids, mask=mask).argmax(-1) == labels[chosen]).sum().item()
    return round(right / len(rows), 3)


def frozen(bert: Bert, tokenizer: WordPieceTokenizer, few: Reviews, held_out: Reviews, decay: float = 0.01) -> float:
    """Accuracy of a logistic regression on the mean vectors, each of their numbers made to vary by 1."""
    x, x_test = (vectors(bert, tokenizer, [text for text, _ in some]) for some in (few, held_out))
    mean, spread = x.mean(0), x.std(0)
    x, x_test = (x - mean) / spread, (x_test - mean) / spread
    head = nn.Linear(x.shape[1], 2)
    optimiser = torch.optim.LBFGS(head.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = cross_entropy(head(x), judged(few)) + decay * head.weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return round((head(x_test).argmax(-1) == judged(held_out)).float().mean().item(), 3)


def vectors(bert: Bert, tokenizer: WordPieceTokenizer, texts: Sequence[str]) -> Tensor:
    return sentence_vectors(bert, tokenizer, texts, longest=96)


def nearest_ten(bert: Bert, tokenizer: WordPieceTokenizer, held_out: Reviews) -> list[set[int]]:
    found = vectors(bert, tokenizer, [text for text, _ in held_out[:200]])
    return [set(row) for row in (found @ found.T).fill_diagonal_(-1).topk(10).indices.tolist()]


def searched(bert: Bert, tokenizer: WordPieceTokenizer, pairs: Sequence[tuple[str, str]]) -> float:
    paragraphs, questions = (vectors(bert, tokenizer, texts) for texts in zip(*pairs, strict=True))
    return round(((questions @ paragraphs.T).argmax(-1) == torch.arange(len(pairs))).float().mean().item(), 3)


def run(seed: int) -> dict[str, dict[str, float]]:
    reviews = load_movie_reviews()
    random.Random(seed).shuffle(reviews)
    held_out, few = reviews[:HELD_OUT], random.Random(seed).sample(reviews[APART:], LABELLED)
    by_paragraph = {one.context: one.question for one in load_xquad()}
    pairs = random.Random(seed).sample(sorted(by_paragraph.items()), 100)
    old, tokenizer = load_minilm()
    begun = time.process_time()
    found = {"frozen": {"right": frozen(old, tokenizer, few, held_out)}}
    found["frozen"]["seconds"] = round(time.process_time() - begun, 1)
    before, found["published"] = nearest_ten(old, tokenizer, held_out), {"search": searched(old, tokenizer, pairs)}
    for way in PLAN:
        begun = time.process_time()
        model = fine_tuned(way, seed, tokenizer, few)
        one = {"seconds": round(time.process_time() - begun, 1), "learnt": trainable_parameters(model)}
        after = nearest_ten(model.bert, tokenizer, held_out)
        one["kept"] = round(sum(len(x & y) for x, y in zip(before, after, strict=True)) / (10 * len(before)), 3)
        found[way] = one | {
            "right": accuracy(model, tokenizer, held_out),
            "search": searched(model.bert, tokenizer, pairs),
        }
    return found


def main(words: Sequence[str]) -> None:
    torch.set_num_threads(1)
    for seed in [int(word) for word in words] or SEEDS:
        found = run(seed)
        files.record_results(RESULTS, "python benchmarks/fine_tuning.py", found, seed)
        print(seed, json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
