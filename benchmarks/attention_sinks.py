"""Attention sinks of a published model, for notebook 13: `python benchmarks/attention_sinks.py`.

SmolLM2-135M reads the beginnings of paragraphs of Wikipedia (XQuAD). Recorded in data/attention_sinks.json: each head's
mean weight on the first token, for the queries at positions 50 to 99; and how surprised the model is by the tokens 50
to 99 (nats) when one of the 50 positions in its cache was taken out: none, the first, or the eleventh.
"""

import torch
from torch.nn import functional

from lib.attention import keeping_weights
from lib.corpora import files
from lib.corpora.xquad import load_xquad
from lib.smollm import load_smollm2

RESULTS = "attention_sinks.json"
PARAGRAPHS, LENGTH, HALF = 32, 100, 50


@torch.inference_mode()
def measured() -> dict:
    model, tokenizer = load_smollm2()
    texts = sorted({question.context for question in load_xquad("test")})
    coded = [ids[:LENGTH] for text in texts if len(ids := tokenizer.encode(text)) >= LENGTH]
    rows = torch.tensor(coded[:PARAGRAPHS])
    layers = [block.attention for block in model.blocks]
    with keeping_weights(layers):
        model(rows)
        on_the_first = torch.stack([layer.weights[:, :, HALF:, 0].mean((0, 2)) for layer in layers])
    surprise = {}
    for name, dropped in (("none", None), ("the first", 0), ("the eleventh", 10)):
        caches = model.fresh_caches(len(rows))
        model(rows[:, :HALF], caches)
        if dropped is not None:
            kept = torch.tensor([i for i in range(HALF) if i != dropped])
            for cache in caches:
                keys, values = cache.keys[:, :, kept].clone(), cache.values[:, :, kept].clone()
                cache.length = 0
                cache.extend(keys, values)
        logits = model(rows[:, HALF:-1], caches)
        surprise[name] = round(functional.cross_entropy(logits.flatten(0, 1), rows[:, HALF + 1 :].flatten()).item(), 3)
    return {
        "paragraphs": len(rows),
        "weight on the first": [[round(share, 3) for share in heads] for heads in on_the_first.tolist()],
        "surprise without": surprise,
    }


if __name__ == "__main__":
    found = measured()
    files.record_results(RESULTS, "python benchmarks/attention_sinks.py", found)
    heads = torch.tensor(found["weight on the first"])
    print(found["paragraphs"], "paragraphs; mean weight on the first token", heads.mean(1))
    print("heads above one half:", (heads > 0.5).float().mean().item(), found["surprise without"])
