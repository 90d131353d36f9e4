"""Notebook 01's trainings over several seeds, and what a loop costs.

    python benchmarks/recurrent.py [part ...] [seed ...]

    stories   to data/recurrent_results.json: the loss on unseen stories after equally many steps, and the influence of
              the hero's name 10, 30 and 60 characters on; the RNN also at other learning rates
    longer    to the same file: the RNN with so many steps that it takes about the LSTM's processor time
    pieces    the same for other budgets, printed only: pieces of 256 characters
    recall    share of first symbols recalled after 5, 10, 20 and 40 steps
    time      our loop and PyTorch's LSTM against one matrix product, forward and backward, interleaved

All parts, and the seeds 0 to 2, if none are named. In "stories" RNN and LSTM get the same number of steps on pieces of
the same length. A step of the LSTM costs more, and "seconds" of the processor tell how much.
"""

import json
import os
import random
import re
import sys
import time
from collections.abc import Sequence

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import nn
from torch.nn import functional

from lib.corpora import files
from lib.corpora.stories import NAMES, load_stories
from lib.recurrent import LSTM, RNN, CharacterModel, clip_gradients, next_character_loss

RESULTS = "recurrent_results.json"
STEPS, LENGTH = 800, 48
LONGER = 1_850  # steps of the RNN in about the time of the LSTM's 800
RATES = {"RNN": {1.2e-2: 3, 6e-3: 3, 3e-3: 1, 2.4e-2: 1}, "LSTM": {1e-2: 3}}  # learning rate: for how many seeds
CORES = {"RNN": RNN, "LSTM": LSTM}


def learn(parameters, loss_of, steps, rate, falling):
    optimiser = torch.optim.Adam(parameters, rate)
    for step in range(steps):
        gradients = torch.autograd.grad(loss_of(), parameters)
        for parameter, gradient in zip(parameters, clip_gradients(gradients, 1.0)[0], strict=True):
            parameter.grad = gradient
        if falling:
            optimiser.param_groups[0]["lr"] = rate * min(1, 2 - 2 * step / steps)
        optimiser.step()


class Stories:
    """The corpus as numbers, split as in the notebook."""

    def __init__(self):
        stories = load_stories()
        self.held_out = stories[-300:]
        self.characters = sorted(set("\n".join(stories)))
        self.ids_of = {character: i for i, character in enumerate(self.characters)}
        self.train = self.encode("\n".join(stories[:-300]))

    def encode(self, text):
        return torch.tensor([self.ids_of[character] for character in text])

    def model(self, core, steps, rate, length, seed):
        generator = torch.Generator().manual_seed(seed)
        model = CharacterModel(core(len(self.characters), 128, generator=generator), len(self.characters), generator)

        def loss():
            starts = torch.randint(len(self.train) - length, (16, 1), generator=generator)
            pieces = self.train[starts + torch.arange(length)]
            return next_character_loss(model(pieces)[0], pieces)

        learn(list(model.parameters()), loss, steps, rate, falling=True)
        return model

    @torch.no_grad()
    def surprise(self, model):
        ids = torch.stack([self.encode(story[:256]) for story in self.held_out])
        return next_character_loss(model(ids)[0], ids).item()

    @torch.no_grad()
    def influence(self, model):
        rng, curves, any_name = random.Random(0), [], re.compile(rf"\b({'|'.join(NAMES)})\b")
        for story in self.held_out[:150]:
            first = any_name.search(story)
            same = [n for n in NAMES if len(n) == len(first[0]) and NAMES[n] != NAMES[first[0]]]
            end, before = first.end() + 100, story[: first.start()]
            tellings = [story[:end], before + rng.choice(same) + story[first.end() : end]]
            chances = model(torch.stack([self.encode(told) for told in tellings]))[0].softmax(dim=-1)
            curves.append((chances[0] - chances[1]).abs().sum(dim=-1)[-100:] / 2)
        return torch.stack(curves).mean(dim=0)


def recall(core, lag, seed):
    generator = torch.Generator().manual_seed(seed)
    core = core(generator)
    output = nn.Parameter(torch.randn(64, 8, generator=generator) / 8)

    def logits(symbols):
        return core(functional.one_hot(symbols, 8).float())[0][:, -1] @ output

    def loss():
        symbols = torch.randint(8, (64, lag + 1), generator=generator)
        return functional.cross_entropy(logits(symbols), symbols[:, 0])

    learn([*core.parameters(), output], loss, 150, 3e-3, falling=False)
    symbols = torch.randint(8, (1000, lag + 1), generator=generator)
    return (logits(symbols).argmax(dim=-1) == symbols[:, 0]).float().mean().item()


def ratios(batch, width=128, positions=256, repeats=15):
    """The times of our loop and of PyTorch's LSTM, in units of one matrix product for all positions."""
    inputs = torch.randn(batch, positions, width)
    ours, theirs = LSTM(width, width), nn.LSTM(width, width, batch_first=True)
    ways = (lambda: ours(inputs)[0], lambda: theirs(inputs)[0], lambda: inputs @ ours.w_hidden)
    best = [float("inf")] * 3
    for _ in range(repeats):
        for i, way in enumerate(ways):
            start = time.perf_counter()
            way().sum().backward()
            best[i] = min(best[i], time.perf_counter() - start)
    return best[0] / best[2], best[1] / best[2]


def tell_stories(stories: Stories, name: str, steps: int, rate: float, length: int, seed: int) -> dict:
    start = time.process_time()
    model = stories.model(CORES[name], steps, rate, length, seed)
    seconds, curve = time.process_time() - start, stories.influence(model)
    found = {"loss": round(stories.surprise(model), 4), "seconds": round(seconds, 1)}
    return found | {"influence": {k: float(f"{curve[k - 1]:.2e}") for k in (10, 30, 60)}}


def record(name: str, rate: float, seed: int, found: dict) -> None:
    files.record_results(RESULTS, "python benchmarks/recurrent.py stories longer", found, name, f"{rate:g}", seed)
    print(name, rate, seed, json.dumps(found), flush=True)


def equal_steps(seeds: Sequence[int]) -> None:
    stories = Stories()
    for name, rates in RATES.items():
        for rate, count in rates.items():
            for seed in seeds[:count]:
                record(name, rate, seed, tell_stories(stories, name, STEPS, rate, LENGTH, seed))


def equal_time(seeds: Sequence[int]) -> None:
    stories, rate = Stories(), next(iter(RATES["RNN"]))
    for seed in seeds:
        record(f"RNN, {LONGER} steps", rate, seed, tell_stories(stories, "RNN", LONGER, rate, LENGTH, seed))


def other_budgets(seeds: Sequence[int]) -> None:
    stories = Stories()
    for name, steps, rate, length in (("RNN", 800, 1.2e-2, 256), ("LSTM", 300, 1e-2, 256)):
        for seed in seeds:
            found = tell_stories(stories, name, steps, rate, length, seed)
            print(name, "steps", steps, "pieces of", length, "seed", seed, json.dumps(found), flush=True)


def recall_by_lag(seeds: Sequence[int]) -> None:
    for label, core in (
        ("RNN", lambda generator: RNN(8, 64, generator)),
        ("LSTM, forget bias 0", lambda generator: LSTM(8, 64, 0.0, generator)),
        ("LSTM, forget bias 3", lambda generator: LSTM(8, 64, 3.0, generator)),
    ):
        for lag in (5, 10, 20, 40):
            found = [recall(core, lag, seed) for seed in seeds]
            print(f"recall {label:20} lag {lag:2}  {min(found):.2f} to {max(found):.2f}", flush=True)


def times(seeds: Sequence[int]) -> None:
    for batch in (1, 32):
        loop, fused = ratios(batch)
        print(f"batch {batch:2}: loop {loop:.1f}, PyTorch's LSTM {fused:.1f} times one matrix product", flush=True)


PARTS = {"stories": equal_steps, "longer": equal_time, "pieces": other_budgets, "recall": recall_by_lag, "time": times}


def main(words: Sequence[str]) -> None:
    torch.set_num_threads(1)
    seeds = [int(word) for word in words if word.isdigit()] or [0, 1, 2]
    for part in [word for word in words if not word.isdigit()] or PARTS:
        PARTS[part](seeds)


if __name__ == "__main__":
    main(sys.argv[1:])
