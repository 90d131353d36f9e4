"""Notebook 01's training results over several seeds, and what a loop costs: `python benchmarks/recurrent.py [seeds]`.

    language models   surprise on unseen stories, and the influence of the hero's name 10, 30 and 60 characters on
    recall            share of first symbols recalled after 5, 10, 20 and 40 steps
    time              our loop and PyTorch's LSTM against one matrix product, forward and backward, interleaved

The language models are trained on pieces of 48 characters, as in the notebook, and of 256: both forget.
"""

import random
import re
import sys
import time

import torch
from torch import nn
from torch.nn import functional

from lib.corpora.stories import NAMES, load_stories
from lib.recurrent import LSTM, RNN, CharacterModel, clip_gradients, next_character_loss


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


def main(seeds: int = 3) -> None:
    stories = Stories()
    for label, core, steps, rate, length in (
        ("RNN, pieces of 48", RNN, 2000, 6e-3, 48),
        ("LSTM, pieces of 48", LSTM, 800, 1e-2, 48),
        ("RNN, pieces of 256", RNN, 800, 6e-3, 256),
        ("LSTM, pieces of 256", LSTM, 300, 1e-2, 256),
    ):
        for seed in range(seeds):
            start = time.process_time()
            model = stories.model(core, steps, rate, length, seed)
            spent, curve = time.process_time() - start, stories.influence(model)
            shares = "  ".join(f"{curve[k - 1]:.1e}" for k in (10, 30, 60))
            print(
                f"{label:20} seed {seed}  {stories.surprise(model):.3f} nats  {shares}  {spent:.0f} CPU-s", flush=True
            )
    for label, core in (
        ("RNN", lambda generator: RNN(8, 64, generator)),
        ("LSTM, forget bias 0", lambda generator: LSTM(8, 64, 0.0, generator)),
        ("LSTM, forget bias 3", lambda generator: LSTM(8, 64, 3.0, generator)),
    ):
        for lag in (5, 10, 20, 40):
            found = [recall(core, lag, seed) for seed in range(seeds)]
            print(f"recall {label:20} lag {lag:2}  {min(found):.2f} to {max(found):.2f}", flush=True)
    for batch in (1, 32):
        loop, fused = ratios(batch)
        print(f"batch {batch:2}: loop {loop:.1f}, PyTorch's LSTM {fused:.1f} times one matrix product")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
