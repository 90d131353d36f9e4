"""What the paper's recipe for training adds to a plain loss and a constant rate.

share_of_padding       how much of the work a batch wastes on filling              notebook 09
label_smoothed_loss    cross-entropy that punishes being too sure                  notebook 09
noam_rate              the paper's learning rate: up in a line, down as 1/√step    notebook 09
"""

import random
from collections.abc import Iterator, Sequence

from torch import Tensor

from lib.batching import Batch, IdPair, target_side, translation_batches


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
