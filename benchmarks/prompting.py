"""Notebook 20's comparison: SmolLM2 judges film reviews by prompts with 0 and 4 examples.

    python benchmarks/prompting.py [seed ...]    to data/prompting_results.json; the seeds 0 to 2, if none is named

A seed draws the 60 reviews that judge (the first of the 500 of benchmarks/fine_tuning.py) and 4 labelled ones, two of
each kind, in a random order. What leans to "positive" is the logit of that word minus that of "negative" where the
answer begins. "right": the share of held-out reviews; "positive": of those that are called so; "calibrated": right with
the threshold at the median of all 60, for which no label is needed. "seconds": of one processor. "frozen": a logistic
regression on MiniLM's vectors with the same 4 labels.

The keys and values of the examples are the same for all reviews, and are computed once a prompt (prompt caching).
"""

import json
import os
import random
import sys
import time
from collections.abc import Sequence

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from fine_tuning import Reviews, frozen, judged  # benchmarks/fine_tuning.py

from lib.corpora import files
from lib.corpora.movie_reviews import load_movie_reviews
from lib.decoding.generate import CachedGPT
from lib.minilm import load_minilm
from lib.smollm import answer_ids, chat_ids, load_smollm2, turn_ids
from lib.tokenizer import Tokenizer

RESULTS, SEEDS, SHOTS, APART = "prompting_results.json", (0, 1, 2), (0, 4), 1000
HELD_OUT = 60
WORDS = ("negative", "positive")
ASK = "Is this film review positive or negative? Answer with one word.\n\n"


def examples(reviews: Reviews, seed: int) -> list[tuple[str, int]]:
    """Four labelled reviews, two of each kind, in a random order."""
    rng = random.Random(seed)
    return rng.sample([one for label in (0, 1) for one in rng.sample(of_kind(reviews[APART:], label), 2)], 4)


def of_kind(reviews: Reviews, label: int) -> list[tuple[str, int]]:
    return [one for one in reviews if one[1] == label]


def leanings(cached: CachedGPT, tokenizer: Tokenizer, shots: Reviews, texts: Sequence[str]) -> torch.Tensor:
    """By how much each text leans to "positive", (text,)."""
    turns = [
        {"role": role, "content": content}
        for text, label in shots
        for role, content in (("user", ASK + text), ("assistant", WORDS[label]))
    ]
    answer = answer_ids(tokenizer)
    prefix = chat_ids(tokenizer, turns)[: -len(answer)]
    negative, positive = (tokenizer.encode(word)[0] for word in WORDS)
    cached(prefix)
    found = []
    for text in texts:
        cached.read = [list(prefix)]  # back to where the examples end: what was read after them does not count
        for cache in cached.caches:
            cache.length = len(prefix)
        logits = cached([*prefix, *turn_ids(tokenizer, "user", ASK + text), *answer])
        found.append((logits[positive] - logits[negative]).item())
    return torch.tensor(found)


def run(seed: int) -> dict[str, dict[str, float]]:
    reviews = load_movie_reviews()
    random.Random(seed).shuffle(reviews)
    held_out, labelled = reviews[:HELD_OUT], examples(reviews, seed)
    truth, found = judged(held_out).bool(), {}
    model, tokenizer = load_smollm2()
    cached = CachedGPT(model)
    for n in SHOTS:
        begun = time.process_time()
        lean = leanings(cached, tokenizer, labelled[:n], [text for text, _ in held_out])
        found[str(n)] = {
            "right": ((lean > 0) == truth).float().mean().item(),
            "positive": (lean > 0).float().mean().item(),
            "calibrated": ((lean > lean.median()) == truth).float().mean().item(),
            "seconds": time.process_time() - begun,
        }
        found[str(n)] = {name: round(number, 3) for name, number in found[str(n)].items()}
    found["frozen"] = {"right": frozen(*load_minilm(), labelled, held_out)}
    return found


def main(words: Sequence[str]) -> None:
    torch.set_num_threads(1)
    for seed in [int(word) for word in words] or SEEDS:
        found = run(seed)
        files.record_results(RESULTS, "python benchmarks/prompting.py", found, seed)
        print(seed, json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
