"""Notebook 15's comparison: a Llama of experts against dense ones, at equal steps and at equal time, over three seeds.

    python benchmarks/experts.py [seed ...]   to data/experts_results.json: nats a character on held-out text of four
                                              domains, seconds, what the experts tell about the domain

"active" is as wide as the experts that one token meets, "total" as wide as all experts together; "active, equal time"
takes as many steps more as make it as long in processor time as the experts are (measured on this machine: see the
seconds). "experts, unbalanced" are trained without the balancing loss. The learning rate is the better of 0.01 and 0.02
with seed 0, for "experts", "active" and "total" alike; no other was tried.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor, nn

from lib.corpora import files
from lib.corpora.domains import load_domains
from lib.experts import MixtureOfExperts, balancing_loss, mixtures, mutual_information
from lib.gpt import initial_weights, text_windows
from lib.layers import SwiGLU
from lib.llama import Llama
from lib.training import train

RESULTS = "experts_results.json"
D_MODEL, N_HEADS, N_LAYERS, D_FF, N_EXPERTS, K = 32, 4, 2, 32, 8, 2
LENGTH, ROWS, STEPS, PEAK, WARMUP = 128, 4, 400, 2e-2, 50  # ROWS of each domain in a batch
HELD_OUT = 40  # windows of each domain, its last ones

experts = partial(MixtureOfExperts, n_experts=N_EXPERTS, k=K)
TASKS: dict[str, tuple[Callable[[int, int], nn.Module], int, float]] = {  # feed-forward, steps, weight of balancing
    "experts": (experts, STEPS, 0.01),
    "experts, unbalanced": (experts, STEPS, 0.0),
    "active": (lambda d_model, d_ff: SwiGLU(d_model, K * d_ff), STEPS, 0.0),
    "total": (lambda d_model, d_ff: SwiGLU(d_model, N_EXPERTS * d_ff), STEPS, 0.0),
    "active, equal time": (lambda d_model, d_ff: SwiGLU(d_model, K * d_ff), 600, 0.0),
}


def batches(learnt: list[Tensor], generator: torch.Generator) -> Iterator[Tensor]:
    """Rows of all domains without end: (4 * ROWS, LENGTH + 1)."""
    while True:
        starts = torch.randint(min(map(len, learnt)) - LENGTH, (len(learnt), ROWS), generator=generator)
        yield torch.cat([text_windows(ids, LENGTH, places) for ids, places in zip(learnt, starts, strict=True)])


@torch.no_grad()
def judged(model: Llama, held_out: dict[str, Tensor]) -> dict[str, object]:
    found: dict[str, object] = {}
    counts = [[] for _ in mixtures(model)]
    for name, ids in held_out.items():
        found[name] = round(model.loss(ids.view(HELD_OUT, LENGTH + 1)).item(), 4)
        for layer, rows in zip(mixtures(model), counts, strict=True):
            rows.append(torch.bincount(layer.chosen.flatten(), minlength=N_EXPERTS))
    found["loss"] = round(sum(found[name] for name in held_out) / len(held_out), 4)
    if counts:
        tables = [torch.stack(rows) for rows in counts]  # (domain, expert) each
        found["information"] = [round(mutual_information(table), 3) for table in tables]
        found["busiest"] = [round((table.sum(0).max() / table.sum()).item(), 3) for table in tables]
        found["idlest"] = [round((table.sum(0).min() / table.sum()).item(), 3) for table in tables]
    return found


def main(seeds: list[int]) -> None:
    torch.set_num_threads(1)
    texts = load_domains()
    number = {character: i for i, character in enumerate(sorted(set("".join(texts.values()))))}
    ids = {name: torch.tensor([number[character] for character in text]) for name, text in texts.items()}
    last = HELD_OUT * (LENGTH + 1)
    learnt, held_out = [row[:-last] for row in ids.values()], {name: row[-last:] for name, row in ids.items()}
    for seed in seeds:
        for task, (feed_forward, steps, balancing) in TASKS.items():
            model = Llama(len(number), D_MODEL, N_HEADS, N_LAYERS, D_FF, feed_forward=feed_forward)
            initial_weights(model, torch.Generator().manual_seed(seed))
            batch = batches(learnt, torch.Generator().manual_seed(1000 + seed))

            def loss(rows: Tensor, model=model, balancing=balancing) -> Tensor:
                return model.loss(rows) + balancing * balancing_loss(model)

            start = time.process_time()
            train(model, loss, batch, steps, PEAK, WARMUP, muon=True, fused=True)
            found = {"seconds": round(time.process_time() - start, 1)}
            found["parameters"] = sum(parameter.numel() for parameter in model.parameters())
            record(task, seed, found | {"steps": steps} | judged(model, held_out))


def record(task: str, seed: int, found: dict) -> None:
    files.record_results(RESULTS, "python benchmarks/experts.py", found, task, seed)
    print(task, seed, found, flush=True)


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [0, 1, 2])
