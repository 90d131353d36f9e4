"""Notebook 07's comparison: 24 blocks, norm before or after the part, at three rates, with and without a warm-up.

    python benchmarks/depth.py [seed ...]   to data/depth_results.json: nats a character, means of 20 steps (seed 0)

The model, the text and the batches are those of the notebook. After the warm-up, if there is one, the rate stays as it
is. "no shortcut" is part(norm(x)), at one rate and without a warm-up.
"""

import os
import sys
import time
from itertools import product

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor, nn
from torch.nn import functional

from lib.attention import causal_mask
from lib.corpora import files
from lib.corpora.stories import load_stories
from lib.layers import FusedLayerNorm, LayerNorm, PostNorm, PreNorm, swap
from lib.positions import sinusoidal_positions
from lib.transformer import Encoder, EncoderBlock

RESULTS = "depth_results.json"
N_BLOCKS, D_MODEL, N_HEADS, LENGTH, ROWS, STEPS, WARMUP = 24, 32, 4, 32, 16, 100, 50
RATES = (1e-3, 3e-3, 1e-2)


class NoShortcut(PreNorm):
    def forward(self, x: Tensor, part) -> Tensor:
        return part(self.norm(x))


WIRINGS = {"pre-norm": PreNorm, "post-norm": PostNorm, "no shortcut": NoShortcut}


class DeepReader(nn.Module):
    """The notebook's: reads characters, predicts the next one."""

    def __init__(self, vocab: int, shortcut: type):
        super().__init__()
        self.embedding = nn.Embedding(vocab, D_MODEL)
        blocks = [EncoderBlock(D_MODEL, N_HEADS, 4 * D_MODEL, shortcut=shortcut) for _ in range(N_BLOCKS)]
        self.encoder = Encoder(blocks, None if shortcut is PostNorm else LayerNorm(D_MODEL))
        self.to_scores = nn.Linear(D_MODEL, vocab)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids) + sinusoidal_positions(ids.shape[1], D_MODEL)
        return self.to_scores(self.encoder(x, causal_mask(ids.shape[1])))


def losses(ids: Tensor, vocab: int, wiring: str, rate: float, warmup: int, seed: int) -> list[float]:
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # for the weights
        model = DeepReader(vocab, WIRINGS[wiring])
    swap(model, LayerNorm, lambda norm: FusedLayerNorm(norm.scale.shape[0]))  # fresh norms: the same numbers, faster
    optimiser, found = torch.optim.Adam(model.parameters(), fused=True), []
    for step in range(STEPS):
        starts = torch.randint(len(ids) - LENGTH, (ROWS, 1), generator=generator)
        batch = ids[starts + torch.arange(LENGTH + 1)]
        loss = functional.cross_entropy(model(batch[:, :-1]).transpose(1, 2), batch[:, 1:])
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = rate * min(1, (step + 1) / warmup)
        optimiser.step()
        found.append(loss.item())
    return [round(sum(found[i : i + 20]) / 20, 3) for i in range(0, STEPS, 20)]


def main(seeds: list[int]) -> None:
    torch.set_num_threads(1)
    text = "\n\n".join(load_stories())[:2_000_000]
    number = {character: i for i, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([number[character] for character in text])
    tasks = [*product(("post-norm", "pre-norm"), RATES, (1, WARMUP)), ("no shortcut", 1e-3, 1)]
    rows: list[dict[str, object]] = []
    for seed, (wiring, rate, warmup) in product(seeds, tasks):
        start = time.process_time()
        row: dict[str, object] = {"wiring": wiring, "rate": rate, "warmup": warmup, "seed": seed}
        row["losses"] = losses(ids, len(number), wiring, rate, warmup, seed)
        rows.append(row)
        print(row, f"{time.process_time() - start:.0f} s", flush=True)
        files.record_results(RESULTS, "python benchmarks/depth.py", rows)


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [0])
