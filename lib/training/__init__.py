"""Training: warm up, learn, calm down.

learning_rate    up in a line, down along a cosine                              notebooks 03, 09
train            AdamW with that rate and clipped gradients, batch after batch  notebooks 03, 09
"""

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_


def learning_rate(step: int, steps: int, peak: float, warmup: int, floor: float = 0.02) -> float:
    """The rate at a step, counted from 0: up to `peak` within `warmup` steps, then a cosine down to `floor` of it."""
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / max(1, steps - warmup)  # of the way down
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def train(
    model: nn.Module,
    loss_of: Callable[[Any], Tensor],
    batches: Iterable[Any],
    steps: int,
    peak: float,
    warmup: int = 100,
    max_norm: float = 1.0,
    weight_decay: float = 0.01,
) -> list[float]:
    """Take `steps` steps of AdamW, one a batch. Returns the loss of each batch, as it was before its step.

    loss_of: a batch to its loss, a 0-d tensor that depends on the model's parameters
    batches: at least `steps` of them, such as an endless generator
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=weight_decay)
    model.train()
    losses = []
    for step, batch in enumerate(itertools.islice(batches, steps)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, peak, warmup)
        loss = loss_of(batch)
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_(model.parameters(), max_norm)
        optimiser.step()
        losses.append(loss.item())
    if len(losses) < steps:
        raise ValueError(f"{steps} steps were asked for, but there were only {len(losses)} batches")
    model.eval()
    return losses
