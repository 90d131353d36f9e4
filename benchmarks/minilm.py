"""Sentences to vectors by MiniLM beside Hugging Face: `python benchmarks/minilm.py [SENTENCES] [ROUNDS]`

One interleaved run on one thread: in every round both turn the same movie reviews into vectors, so that a busy machine
slows both alike; the time is the processor's, and the ratio the median over the rounds. Hugging Face's way is that of
sentence-transformers: its tokenizer (in Rust) and its BertModel, sentences sorted by length, 32 at a time. Ours is
`lib.minilm.sentence_vectors`, whose tokenizer is Python. The vectors are compared. The cutting into pieces alone is
timed too. Needs `pip install -e .[test]`, MiniLM's files and the reviews (`python -m lib.downloads` fetches them).
"""

import os
import random
import statistics
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["RAYON_NUM_THREADS"] = "1"  # before tokenizers is imported
os.environ["TOKENIZERS_PARALLELISM"] = "false"
import torch
from torch.nn.functional import normalize

from lib.corpora.movie_reviews import load_movie_reviews
from lib.downloads import fetch
from lib.minilm import LONGEST, load_minilm, sentence_vectors

SENTENCES, ROUNDS, BATCH = 200, 5, 32


def hugging_face(pieces):
    """Their tokenizer, and a function from texts to vectors."""
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel, BertTokenizer

    config = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
    model = BertModel(config).eval()
    tensors = load_file(fetch("minilm/model.safetensors"))
    model.load_state_dict({name: part for name, part in tensors.items() if "position_ids" not in name})
    tokenizer = BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)})

    @torch.no_grad()
    def vectors(texts):
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        made = torch.empty(len(texts), 384)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            told = tokenizer(
                [texts[i] for i in chosen], padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
            )
            x, mask = model(**told).last_hidden_state, told["attention_mask"][..., None]
            made[chosen] = normalize((x * mask).sum(1) / mask.sum(1), dim=-1)
        return made

    return tokenizer, vectors


def timed(act, *arguments):
    start = time.process_time()
    result = act(*arguments)
    return time.process_time() - start, result


def main(n, rounds):
    torch.set_num_threads(1)
    texts = random.Random(0).sample([text for text, _ in load_movie_reviews()], n)
    model, tokenizer = load_minilm()
    other, their_vectors = hugging_face(tokenizer.pieces)
    ratios, cutting = [], []
    for _ in range(rounds):
        mine, made = timed(sentence_vectors, model, tokenizer, texts)
        theirs, wanted = timed(their_vectors, texts)
        torch.testing.assert_close(made, wanted, rtol=1e-5, atol=1e-5)
        ratios.append(theirs / mine)
        print(f"  ours {1000 * mine / n:.1f} ms a sentence, Hugging Face {1000 * theirs / n:.1f} ms: {ratios[-1]:.2f}")
        mine, ids = timed(lambda: [tokenizer.encode(text).ids for text in texts])
        theirs, told = timed(lambda: other(texts)["input_ids"])
        assert ids == told
        cutting.append((mine, theirs))
    seconds = [1000 * statistics.median(side) / n for side in zip(*cutting, strict=True)]
    print(f"cutting into pieces: ours {seconds[0]:.3f} ms a sentence, Hugging Face {seconds[1]:.3f} ms")
    print(f"{n} sentences: ours is {statistics.median(ratios):.2f} times as fast (median of {rounds} rounds)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (SENTENCES, ROUNDS))
