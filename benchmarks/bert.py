"""Notebook 16's comparisons, over three seeds: what masked-word pretraining of a small BERT is good for, and what not.

    python benchmarks/bert.py [part ...] [seed ...]   to data/bert_results.json; parts: sentences, captions, reviews,
                                                      minilm; all of them, and the seeds 0 to 2, if none are named

"sentences" (the course's own) and "captions" (Multi30k, people wrote them): pretraining, then the category of words
that were never labelled, out of 30 and of 300 labelled texts. "reviews": pretraining on movie reviews without their
labels, then their sentiment out of 100 and 1,000 labels. "minilm": the published model, frozen and fine-tuned on 2,000
reviews.

Each method's accuracy is on the same held-out texts. "fine-tuned": all weights of the pretrained BERT learn on.
"frozen": its vectors go into a logistic regression; "hidden" is the same with [MASK] in place of the word that is asked
about. "scratch": fine-tuned without pretraining. "neighbours": logistic regression on the words to the left and right.
"word2vec": on the word's own vector, learnt from the same texts (of a review: on their mean). "counts": on the counts
of words. Every logistic regression has the best of three strengths of decay, as the test judges it: in favour of all
rivals of fine-tuning.
"""

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lib.batching import pad_batch, similar_lengths
from lib.bert import Bert, BertClassifier, BertForMaskedWords, mask_words, masked_loss, mean_pool
from lib.corpora import categories, files
from lib.corpora.italian import load_pairs
from lib.corpora.movie_reviews import load_movie_reviews
from lib.corpora.multi30k import load_multi30k
from lib.layers import fresh_weights
from lib.minilm import load_minilm, sentence_vectors
from lib.text_vectors import word2vec
from lib.training import train
from lib.transformer import IGNORED
from lib.wordpiece import CLS, MASK, PAD, SEP, WordPieceTokenizer, frequent_pieces

RESULTS = "bert_results.json"
D_MODEL, N_HEADS, N_LAYERS, LONGEST, TOKENS, SHARE = 96, 4, 2, 64, 768, 0.3
STEPS, PEAK, WARMUP = 800, 8e-3, 50
SEEDS = (0, 1, 2)


class Corpus:
    """Texts to learn from and held out, a list of pieces made of the former, and all of them as ids."""

    def __init__(self, learn: Sequence[str], held_out: Sequence[str], least: int):
        self.learn, self.held_out = list(learn), list(held_out)
        self.tokenizer = WordPieceTokenizer(frequent_pieces(self.learn, least))
        self.vocab, special = len(self.tokenizer), self.tokenizer.special
        self.special, self.mask = [special[PAD], special[CLS], special[SEP]], special[MASK]
        self.rows, self.test = self.encode(self.learn), self.encode(self.held_out)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [self.tokenizer.encode(text, longest=LONGEST).ids for text in texts]

    def bert(self, seed: int) -> Bert:
        bert = Bert(self.vocab, D_MODEL, N_HEADS, N_LAYERS, n_positions=LONGEST)
        return fresh_weights(bert, torch.Generator().manual_seed(seed))


def batches(rows: Sequence[list[int]], rng: random.Random, tokens: int = TOKENS) -> Iterator[tuple[list[int], ...]]:
    """(which rows, ids, mask) without end."""
    lengths = list(map(len, rows))
    while True:
        for chosen in similar_lengths(lengths, tokens, rng):
            yield chosen, *pad_batch([rows[i] for i in chosen])


def pretrained(corpus: Corpus, seed: int) -> tuple[BertForMaskedWords, float]:
    """A model that has learnt hidden words, and the seconds of the processor that it took."""
    dice = torch.Generator().manual_seed(1000 + seed)
    model = fresh_weights(BertForMaskedWords(corpus.bert(seed)), torch.Generator().manual_seed(seed))

    def loss(batch) -> Tensor:
        _, ids, mask = batch
        inputs, targets = mask_words(ids, corpus.special, corpus.mask, corpus.vocab, dice, SHARE)
        return model.loss(inputs, targets, mask=mask)

    start = time.process_time()
    train(model, loss, batches(corpus.rows, random.Random(seed)), STEPS, PEAK, WARMUP, muon=True, fused=True)
    return model, round(time.process_time() - start, 1)


@torch.no_grad()
def masked_accuracy(model: BertForMaskedWords, corpus: Corpus) -> dict[str, float]:
    """How many of the words behind a [MASK] are named, and by tables of counts: the commonest word, given left, given
    both sides. What a table has never seen is answered by the one before it.
    """
    counts = {"unigram": Counter(), "left": Counter(), "both": Counter()}
    for row in corpus.rows:
        for left, word, right in zip(row, row[1:], row[2:], strict=False):
            for name, key in keys(left, right).items():
                counts[name][key, word] += 1
    best: dict[str, dict] = {name: {} for name in counts}
    for name, table in counts.items():
        for (key, word), _ in reversed(table.most_common()):
            best[name][key] = word
    right, asked, loss, tables = 0, 0, 0.0, Counter()
    dice = torch.Generator().manual_seed(5)
    for ids, mask in (pad_batch(corpus.test[i : i + 50]) for i in range(0, len(corpus.test), 50)):
        inputs, targets = mask_words(ids, corpus.special, corpus.mask, corpus.vocab, dice, 0.15)
        targets = targets.masked_fill(inputs != corpus.mask, IGNORED)  # the others show a word, often the right one
        logits, here = model(inputs, mask=mask), targets != IGNORED
        right += (logits.argmax(-1) == targets)[here].sum().item()
        loss += masked_loss(logits, targets).item() * here.sum().item()
        asked += here.sum().item()
        for row, place in here.nonzero().tolist():
            guess = None
            for name, key in keys(ids[row, place - 1].item(), ids[row, place + 1].item()).items():
                guess = best[name].get(key, guess)
                tables[name] += guess == ids[row, place].item()
    found = {name: round(tables[name] / asked, 3) for name in counts}
    return found | {"model": round(right / asked, 3), "loss": round(loss / asked, 3), "asked": asked}


def keys(left: int, right: int) -> dict[str, object]:
    return {"unigram": None, "left": left, "both": (left, right)}


# ------------------------------------------------------------------------------------------- what is done with vectors


def regression(x: Tensor, y: Tensor, x_test: Tensor, y_test: Tensor, n_classes: int, scaled: bool = True) -> float:
    """Accuracy of logistic regression, with the best of three strengths of decay, as the test judges it."""
    if scaled:
        mean, spread = x.mean(0), x.std(0) + 1e-6
        x, x_test = (x - mean) / spread, (x_test - mean) / spread
    found = []
    for decay in (1e-3, 1e-2, 1e-1):
        weight, bias = (
            torch.zeros(n_classes, x.shape[1], requires_grad=True),
            torch.zeros(n_classes, requires_grad=True),
        )
        optimiser = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

        def loss(weight=weight, bias=bias, optimiser=optimiser, decay=decay) -> Tensor:
            optimiser.zero_grad()
            value = cross_entropy(x @ weight.T + bias, y) + decay * weight.square().sum()
            value.backward()
            return value

        optimiser.step(loss)
        with torch.no_grad():
            found.append(((x_test @ weight.T + bias).argmax(-1) == y_test).float().mean().item())
    return round(max(found), 3)


class Tagger(nn.Module):
    """A Bert with a class for each word."""

    def __init__(self, bert: Bert, n_classes: int):
        super().__init__()
        self.bert, self.head = bert, nn.Linear(D_MODEL, n_classes)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.head(self.bert(ids, mask=mask))


def fine_tuned(model: nn.Module, rows, labels, steps: int, peak: float, seed: int, wanted: Callable) -> nn.Module:
    """The model after `steps` steps on labelled rows; wanted: model, batch to loss."""
    fresh_weights(model.head, torch.Generator().manual_seed(seed))
    source = batches(rows, random.Random(seed), 512)
    train(model, lambda batch: wanted(model, *batch, labels), source, steps, peak, warmup=5, muon=True, fused=True)
    return model


# ------------------------------------------------------------------------------------------------ categories of words


def spots(corpus: Corpus, rows: Sequence[list[int]], words: dict[str, int]) -> list[tuple[int, int, int]]:
    """(row, place, category) of each of these words."""
    number = {corpus.tokenizer.ids[word]: category for word, category in words.items()}
    return [(i, place, number[one]) for i, row in enumerate(rows) for place, one in enumerate(row) if one in number]


def by_category(corpus: Corpus, model: BertForMaskedWords, groups: dict[str, str], seed: int, texts: int) -> dict:
    """Accuracy on words that were never labelled, out of so many labelled texts, by each method."""
    groups = {
        name: " ".join(word for word in words.split() if word in corpus.tokenizer.ids) for name, words in groups.items()
    }
    rng = random.Random(seed)
    known, new = categories.halves(groups, rng)
    few = rng.sample(corpus.rows, texts)
    train_spots, test_spots = spots(corpus, few, known), spots(corpus, corpus.test, new)
    y, y_test = (torch.tensor([category for *_, category in found]) for found in (train_spots, test_spots))
    n = len(groups)
    found: dict[str, object] = {"labelled": len(y), "asked": len(y_test)}

    def features(of: Callable) -> list[Tensor]:
        return [of(rows, places) for rows, places in ((few, train_spots), (corpus.test, test_spots))]

    @torch.no_grad()
    def frozen(rows, places, hidden: bool = False) -> Tensor:
        vectors = []
        for row, place, _ in places:
            ids = torch.tensor([rows[row]])
            if hidden:
                ids[0, place] = corpus.mask
            vectors.append(model.bert(ids)[0, place])
        return torch.stack(vectors)

    def neighbours(rows, places) -> Tensor:
        x = torch.zeros(len(places), 2 * corpus.vocab)
        for i, (row, place, _) in enumerate(places):
            x[i, rows[row][place - 1]] = x[i, corpus.vocab + rows[row][place + 1]] = 1.0
        return x

    words, vectors = word2vec([row[1:-1] for row in corpus.rows], torch.Generator().manual_seed(seed), epochs=5)
    number = {word: i for i, word in enumerate(words)}

    def of_words(rows, places) -> Tensor:
        return torch.stack([vectors[number[rows[row][place]]] for row, place, _ in places])

    parts = {"frozen": frozen, "hidden": lambda *them: frozen(*them, hidden=True), "word2vec": of_words}
    for name, part in parts.items():
        x, x_test = features(part)
        found[name] = regression(x, y, x_test, y_test, n)
    x, x_test = features(neighbours)
    found["neighbours"] = regression(x, y, x_test, y_test, n, scaled=False)
    found["commonest"] = round((y_test.bincount(minlength=n).max() / len(y_test)).item(), 3)

    def wanted(tagger, chosen, ids, mask, labels) -> Tensor:
        return masked_loss(tagger(ids, mask), pad(labels, chosen, ids))

    labels = [[IGNORED] * len(row) for row in few]
    for row, place, category in train_spots:
        labels[row][place] = category
    for name in ("fine-tuned", "scratch"):
        bert = corpus.bert(100 + seed)
        if name == "fine-tuned":
            bert.load_state_dict(model.bert.state_dict())
        tagger = fine_tuned(Tagger(bert, n), few, labels, 40 if texts == 30 else 80, 1e-3, seed, wanted).eval()
        right = 0
        with torch.no_grad():
            for row, place, category in test_spots:
                ids = torch.tensor([corpus.test[row]])
                right += tagger(ids, None)[0, place].argmax().item() == category
        found[name] = round(right / len(test_spots), 3)
    return found


def pad(labels: Sequence[list[int]], chosen: Sequence[int], ids: Tensor) -> Tensor:
    """Labels of the chosen rows as a rectangle like ids, IGNORED where there is none."""
    targets = torch.full_like(ids, IGNORED)
    for i, one in enumerate(chosen):
        targets[i, : len(labels[one])] = torch.tensor(labels[one])
    return targets


# ----------------------------------------------------------------------------------------------------------- sentiment


@torch.no_grad()
def pooled(bert: Bert, rows: Sequence[list[int]]) -> Tensor:
    vectors = torch.empty(len(rows), bert.embeddings.words.embedding_dim)
    for chosen in similar_lengths(list(map(len, rows)), 2048):
        ids, mask = pad_batch([rows[i] for i in chosen])
        vectors[chosen] = mean_pool(bert(ids, mask=mask), mask)
    return vectors


@torch.no_grad()
def accuracy(model: BertClassifier, rows: Sequence[list[int]], labels: Tensor) -> float:
    right = 0
    for chosen in similar_lengths(list(map(len, rows)), 2048):
        ids, mask = pad_batch([rows[i] for i in chosen])
        right += (model(ids, mask=mask).argmax(-1) == labels[chosen]).sum().item()
    return round(right / len(rows), 3)


def sentiment(corpus: Corpus, model: BertForMaskedWords, labels: Sequence[int], y_test: Tensor, seed: int) -> dict:
    """Accuracy on held-out reviews out of 100 and 1,000 labels, by each method."""
    words, vectors = word2vec([row[1:-1] for row in corpus.rows], torch.Generator().manual_seed(seed), epochs=5)
    table = torch.zeros(corpus.vocab, vectors.shape[1])
    table[words] = vectors

    def mean_vectors(rows) -> Tensor:
        return torch.stack([table[row].mean(0) for row in rows])

    def counts(rows) -> Tensor:
        return torch.stack([torch.bincount(torch.tensor(row), minlength=corpus.vocab).float() for row in rows])

    def wanted(classifier, chosen, ids, mask, y) -> Tensor:
        return cross_entropy(classifier(ids, mask=mask), y[chosen])

    found: dict[str, object] = {}
    for n, epochs in ((100, 15), (1000, 4)):
        few = random.Random(seed).sample(range(len(corpus.rows)), n)
        rows, y = [corpus.rows[i] for i in few], torch.tensor([labels[i] for i in few])
        result = {}
        for name, part in {"frozen": lambda them: pooled(model.bert, them), "word2vec": mean_vectors}.items():
            result[name] = regression(part(rows), y, part(corpus.test), y_test, 2)
        result["counts"] = regression(counts(rows), y, counts(corpus.test), y_test, 2, scaled=False)
        for name in ("fine-tuned", "scratch"):
            bert = corpus.bert(100 + seed)
            if name == "fine-tuned":
                bert.load_state_dict(model.bert.state_dict())
            steps = epochs * len(similar_lengths(list(map(len, rows)), 512))
            classifier = fine_tuned(BertClassifier(bert, 2, mean_pool), rows, y, steps, 1e-3, seed, wanted)
            result[name] = accuracy(classifier.eval(), corpus.test, y_test)
        found[str(n)] = result
    return found


# ------------------------------------------------------------------------------------------------ the published model


def minilm(seed: int, n_labels: int = 2000, frozen_blocks: int = 3, peak: float = 2e-4) -> dict[str, object]:
    """Frozen and fine-tuned on reviews: half of the blocks and the embeddings keep their weights."""
    reviews = load_movie_reviews()
    random.Random(0).shuffle(reviews)
    test, few = reviews[:1000], random.Random(seed).sample(reviews[1000:], n_labels)
    bert, tokenizer = load_minilm()
    y, y_test = (torch.tensor([label for _, label in some]) for some in (few, test))
    x, x_test = (sentence_vectors(bert, tokenizer, [text for text, _ in some]) for some in (few, test))
    found: dict[str, object] = {"frozen": regression(x, y, x_test, y_test, 2)}
    rows, rows_test = ([tokenizer.encode(text, longest=48).ids for text, _ in some] for some in (few, test))
    for part in (bert.embeddings, *bert.encoder.blocks[:frozen_blocks], bert.pooler):
        part.requires_grad_(False)
    classifier = BertClassifier(bert, 2, lambda x, mask: 10 * mean_pool(x, mask))
    nn.init.zeros_(classifier.head.weight)
    nn.init.zeros_(classifier.head.bias)
    steps = len(similar_lengths(list(map(len, rows)), 512))
    start = time.process_time()
    train(
        classifier,
        lambda batch: cross_entropy(classifier(batch[1], mask=batch[2]), y[batch[0]]),
        batches(rows, random.Random(seed), 512),
        steps,
        peak,
        warmup=steps // 10,
        fused=True,
    )
    found["seconds"] = round(time.process_time() - start, 1)
    found["fine-tuned"] = accuracy(classifier, rows_test, y_test)
    ids = torch.tensor([tokenizer.encode("The movie was fantastic!").ids])
    with torch.no_grad():
        found["fantastic"] = round(classifier(ids).softmax(-1)[0, 1].item(), 3)
    return found


# ---------------------------------------------------------------------------------------------------------- the parts


def sentences() -> Corpus:
    texts = [pair.english for pair in load_pairs()]
    random.Random(0).shuffle(texts)
    return Corpus(texts[1000:], texts[:1000], least=5)


def captions() -> Corpus:
    return Corpus(
        [english for english, _ in load_multi30k("de", "train")][:24_000],
        [english for english, _ in load_multi30k("de", "test")],
        least=5,
    )


def run(part: str, seed: int) -> dict[str, object]:
    if part == "minilm":
        return minilm(seed)
    if part == "reviews":
        reviews = load_movie_reviews()
        random.Random(0).shuffle(reviews)
        corpus = Corpus([text for text, _ in reviews[1000:]], [text for text, _ in reviews[:1000]], least=3)
    else:
        corpus = {"sentences": sentences, "captions": captions}[part]()
    model, seconds = pretrained(corpus, seed)
    found: dict[str, object] = {"seconds": seconds, "vocab": corpus.vocab}
    found["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    found["masked"] = masked_accuracy(model, corpus)
    if part == "reviews":
        y_test = torch.tensor([label for _, label in reviews[:1000]])
        found["sentiment"] = sentiment(corpus, model, [label for _, label in reviews[1000:]], y_test, seed)
    else:
        groups = categories.SENTENCES if part == "sentences" else categories.CAPTIONS
        found["categories"] = {str(texts): by_category(corpus, model, groups, seed, texts) for texts in (30, 300)}
    return found


def main(words: Sequence[str]) -> None:
    torch.set_num_threads(1)
    parts = [word for word in words if not word.isdigit()] or ["sentences", "captions", "reviews", "minilm"]
    for seed in [int(word) for word in words if word.isdigit()] or SEEDS:
        for part in parts:
            record(part, seed, run(part, seed))


def record(part: str, seed: int, found: dict) -> None:
    files.record_results(RESULTS, "python benchmarks/bert.py", found, part, seed)
    print(part, seed, json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
