"""What a published model writes, and what people wrote, for notebook 12: `python benchmarks/sampling.py`.

SmolLM2-135M reads the beginnings of paragraphs of Wikipedia (XQuAD) and goes on in several ways. Recorded in
data/sampling_results.json, for each way and for what people wrote there: the surprise of the model, its entropy at the
same places (bits a token), and the share of groups of four tokens that are repetitions; the surprise of the copies of
one phrase that stands ten times in a row; and how the model goes on after an opening of ours. (Of XQuAD only
numbers are recorded, no text.)
"""

import math

import torch
from torch import Tensor

from lib.corpora import files
from lib.corpora.stories import sentences
from lib.corpora.xquad import load_xquad
from lib.decoding.generate import CachedGPT, generate_batch
from lib.decoding.sampling import Sampling
from lib.decoding.search import beam_step
from lib.smollm import load_smollm2

RESULTS = "sampling_results.json"
OPENING = "My grandmother kept a small garden behind the house. Every morning she"
PARAGRAPHS, PROMPT, NEW, BEAMS = 12, 32, 100, 4
PHRASES, COPIES = 16, 10
WAYS = {
    "greedy": Sampling(top_k=1),
    "greedy, penalty 1.3": Sampling(top_k=1, repetition_penalty=1.3),
    "T 0.7": Sampling(temperature=0.7),
    "T 1": Sampling(),
    "top-p 0.9": Sampling(top_p=0.9),
    "min-p 0.1": Sampling(min_p=0.1),
}


@torch.inference_mode()
def surprise_and_entropy(model, ids: list[int]) -> tuple[Tensor, Tensor]:
    """Of each token but the first, in bits: -log2 p, and the mean of -log2 p over what the model expected there."""
    log_p = model(torch.tensor([ids[:-1]]))[0].log_softmax(-1) / math.log(2)
    surprise = -log_p.gather(-1, torch.tensor(ids[1:])[:, None])[:, 0]
    return surprise, -(log_p.exp2() * log_p).sum(-1)


def beam(model, prompts: list[list[int]], limit: int, beams: int) -> list[list[int]]:
    """Of each prompt the likeliest of `beams` beginnings after `limit` tokens, as notebook 12 does it for one.

    All prompts have the same length, and all beginnings of all of them are read in one step.
    """
    cached, texts, scores = CachedGPT(model), [[prompt] for prompt in prompts], torch.zeros(len(prompts), 1)
    for _ in range(limit):
        width = scores.shape[1]
        log_probs = cached.batch([text for group in texts for text in group]).log_softmax(-1)
        scores, rows, tokens = beam_step(scores, log_probs.unflatten(0, (-1, width)), beams)
        texts = [
            [[*group[row], token] for row, token in zip(*chosen, strict=True)]
            for group, *chosen in zip(texts, rows.tolist(), tokens.tolist(), strict=True)
        ]
        cached.keep((rows + width * torch.arange(len(prompts))[:, None]).flatten().tolist())
    return [group[0][-limit:] for group in texts]


def repeated(ids: list[int], n: int = 4) -> float:
    """The share of groups of n tokens that stood earlier in the same text."""
    groups = [tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)]
    return 1 - len(set(groups)) / len(groups)


def copied(model, phrases: list[list[int]]) -> list[float]:
    """Bits a token of each of the copies, the first token of each left out: nothing stands before the very first."""
    found = []
    for ids in phrases:
        surprise, _ = surprise_and_entropy(model, ids * COPIES)
        whole = torch.cat([torch.zeros(1), surprise]).view(COPIES, len(ids))
        found.append(whole[:, 1:].mean(1))
    return [round(bits, 3) for bits in torch.stack(found).mean(0).tolist()]


def measured() -> dict:
    model, tokenizer = load_smollm2()
    window, model.n_positions = model.n_positions, PROMPT + NEW  # smaller caches: beams copy them at each step
    texts = sorted({question.context for question in load_xquad("test")})
    coded = [ids[: PROMPT + NEW] for text in texts if len(ids := tokenizer.encode(text)) >= PROMPT + NEW]
    coded = coded[:PARAGRAPHS]
    prompts = [ids[:PROMPT] for ids in coded]
    written = {"people": [ids[PROMPT:] for ids in coded]}
    written[f"beam {BEAMS}"] = beam(model, prompts, NEW, BEAMS)
    picks = [way.picker(torch.Generator().manual_seed(seed)) for way in WAYS.values() for seed in range(len(prompts))]
    rows = generate_batch(model, prompts * len(WAYS), NEW, picks)  # all ways in one batch, which reads the weights once
    for i, name in enumerate(WAYS):
        written[name] = rows[i * len(prompts) : (i + 1) * len(prompts)]
    opening = tokenizer.encode(OPENING)
    told_by = ("greedy", "top-p 0.9")
    picks = [WAYS[name].picker(torch.Generator().manual_seed(0)) for name in told_by]
    told = dict(zip(told_by, generate_batch(model, [opening] * 2, NEW, picks), strict=True))
    ways, traces = {}, {}
    for name, rows in written.items():
        pairs = [surprise_and_entropy(model, prompt + ids) for prompt, ids in zip(prompts, rows, strict=True)]
        surprise, entropy = (torch.stack(part)[:, PROMPT - 1 :] for part in zip(*pairs, strict=True))
        traces[name] = [round(bits, 2) for bits in surprise[0].tolist()]
        ways[name] = {
            "surprise": round(surprise.mean().item(), 3),
            "entropy": round(entropy.mean().item(), 3),
            "repeated": round(sum(map(repeated, rows)) / len(rows), 3),
        }
    found = [ids for text in texts for part in sentences(text) if 8 <= len(ids := tokenizer.encode(" " + part)) <= 25]
    rng = torch.Generator().manual_seed(0)
    random = torch.randint(1000, len(tokenizer), (PHRASES, 12), generator=rng).tolist()
    return {
        "window": window,
        "paragraphs": len(coded),
        "new tokens": NEW,
        "opening": OPENING,
        "texts": {name: tokenizer.decode(ids) for name, ids in told.items()},
        "repeated in the texts": {name: round(repeated(ids), 3) for name, ids in told.items()},
        "ways": ways,
        "traces": {name: traces[name] for name in ("people", "greedy", "T 1")},
        "copies": {"sentences": copied(model, found[:PHRASES]), "random tokens": copied(model, random)},
    }


if __name__ == "__main__":
    found = measured()
    files.record_results(RESULTS, "python benchmarks/sampling.py", found)
    for name, numbers in found["ways"].items():
        print(f"{name:20}", numbers)
    print(found["copies"])
    print(found["opening"], "...", found["texts"]["greedy"])
