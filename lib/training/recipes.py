"""How a model is trained: rates, and what the paper's recipe adds to a plain loss and a constant rate.

Recipe                 what a training is told, in one place; commands add the sizes of their models
learning_rate          up in a line, down along a cosine                           notebook 09
noam_rate              the paper's learning rate: up in a line, down as 1/√step    notebook 09
label_smoothed_loss    cross-entropy that punishes being too sure                  notebook 09
share_of_padding       how much of the work a batch wastes on filling              notebook 09
paired_lengths         batches that waste little                                   notebook 09
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lib.batching import Batch, IdPair, target_side, translation_batches


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is trained: a training is the same if its recipe, its model and its data are.

    steps, peak, warmup: of the learning rate    fused, muon: as in Training    seed: of weights, batches and dropout
    """

    steps: int
    peak: float
    warmup: int = 100
    fused: bool = True
    muon: bool = False
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate at a step, counted from 0."""
        return learning_rate(step, self.steps, self.peak, self.warmup)

    def keywords(self) -> dict[str, Any]:
        """What `train` and `Training` are told, by the names of their arguments."""
        told = {"steps": self.steps, "peak": self.peak, "warmup": self.warmup, "fused": self.fused}
        return told | ({"muon": True} if self.muon else {})


def learning_rate(step: int, steps: int, peak: float, warmup: int, floor: float = 0.02) -> float:
    """The rate at a step, counted from 0: up to `peak` within `warmup` steps, then a cosine down to `floor` of it.

    steps: of the whole training, more than `warmup`; steps after it have floor * peak    Returns a float.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / (steps - warmup)  # of the way down
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def share_of_padding(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> float:
    """How much of the rectangles of all batches together is padding, from 0 to below 1.

    lengths: of each sentence, 1 and more    batches: lists of indices into them, none of them empty

    Returns a float.
    """
    real = places = 0
    for batch in batches:
        in_batch = [lengths[i] for i in batch]
        real += sum(in_batch)
        places += len(in_batch) * max(in_batch)
    return 1 - real / places


def paired_lengths(pairs: Sequence[IdPair], tokens: int, rng: random.Random) -> Iterator[Batch]:
    """Batches of about `tokens` target tokens without end, as `lib.batching.translation_batches` makes them.

    But targets of one length are sorted by the length of their source too, which leaves less padding there.
    """
    fine = 1 + max((len(source) for source, _ in pairs), default=0)  # compared by target, then by source
    return translation_batches(pairs, fine * tokens, rng, lambda pair: fine * target_side(pair) + len(pair[0]))


def label_smoothed_loss(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """The mean cross-entropy when the right word is only `1 - smoothing` sure, the rest spread over all words evenly.

    logits: (..., vocab), finite    targets: (...), ids; one alone is 0-d
    smoothing: from 0 to 1; 0 is plain cross-entropy

    Returns a 0-d tensor, in nats. Gradients flow back to the logits. The right word gets its part of the even spread
    too (Szegedy et al. 2016, 7).
    """
    surprise = -logits.log_softmax(-1)  # (..., vocab), of every word
    of_right = surprise.gather(-1, targets.unsqueeze(-1)).mean()
    return (1 - smoothing) * of_right + smoothing * surprise.mean()


def noam_rate(step: int, d_model: int, warmup: int) -> float:
    """The learning rate at a step, counted from 1, for Adam (Vaswani et al. 2017, eq. 3).

    It rises in a line for `warmup` steps, then falls as one over the root of the step.
    """
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)
