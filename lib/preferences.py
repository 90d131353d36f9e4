"""Preferences: of two answers one is better, and the model is to make the better one likelier (Rafailov et al. 2023).

    sequence_log_probability    ln p of a whole answer                                               notebook 20
    dpo_loss                    how far an answer that is preferred is from being the likelier one    notebook 20
    Pair, pairs_by_rule         pairs out of what a model has written, by a rule that can be checked
    pair_batch                  pairs as rows: the chosen ones first, then the rejected ones
    preference_loss             `dpo_loss` of a batch of pairs

DPO asks for no model of rewards. The reward of an answer y is said to be beta · ln(π(y) / π_ref(y)): how much likelier
the model finds it than the reference, which is the model before this training, frozen. The probability that y_w is
preferred to y_l is the sigmoid of the difference of their rewards (Bradley and Terry 1952).

    model                π, or π_θ in the paper          chosen      y_w, the one that won
    reference            π_ref                           rejected    y_l, the one that lost
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from lib.chat import answer_rows, token_log_probabilities


def sequence_log_probability(model: Callable[[Tensor], Tensor], ids: Tensor, mask: Tensor) -> Tensor:
    """The natural logarithm of the probability of each row's answer: the sum over its tokens, not their mean.

    model: ids (batch, position) to logits (batch, position, vocab)
    ids: (batch, length)    mask: (batch, length), True on the tokens of the answer, never on the first of a row

    Returns (batch,); 0 for a row without an answer, -inf where one of its tokens has the probability 0. What stands
    outside the answer does not count as an outcome, even where its probability is 0; the answer's tokens are given all
    that stands before them. Gradients reach the model.
    """
    log_p = token_log_probabilities(model, ids)  # (batch, length - 1): of the tokens from the second on
    return log_p.masked_fill(~mask[:, 1:], 0.0).sum(-1)


def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> tuple[Tensor, Tensor]:
    """Direct preference optimisation (Rafailov et al. 2023, eq. 7): the mean of -ln σ(margin), and the margins.

    All four are (batch,), the log-probability of an answer by the model, or by the reference it started as.
    beta: above 0; the larger, the dearer it is to leave the reference

    margin: (batch,), beta · ((chosen - reference_chosen) - (rejected - reference_rejected)): by how much the reward of
    the chosen answer is above that of the rejected one.

    Returns the loss, a 0-d tensor, and the margins. The loss and its gradients are finite for margins of any finite
    size. Gradients reach chosen and rejected; the margins need not carry any.
    """
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -functional.logsigmoid(margin).mean(), margin


class Pair(NamedTuple):
    """Two answers to one prompt, as ids: the first is preferred."""

    prompt: Sequence[int]
    chosen: Sequence[int]
    rejected: Sequence[int]


def pairs_by_rule(prompt: Sequence[int], answers: Sequence[Sequence[int]], good: Sequence[bool]) -> list[Pair]:
    """Pairs of a good answer and one that is not, each answer in one pair at most.

    answers: to this prompt, as ids    good: what the rule says of each

    The shortest good one meets the shortest bad one, and so on: where lengths differ much, a model learns lengths.
    """
    kept, lost = (
        sorted((answer for answer, verdict in zip(answers, good, strict=True) if bool(verdict) is side), key=len)
        for side in (True, False)
    )
    return [Pair(prompt, *both) for both in zip(kept, lost, strict=False)]


def pair_batch(pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
    """Rows for `sequence_log_probability`: ids and mask (2 · pairs, length), all chosen answers before the rejected.

    So `.chunk(2)` of what it gives is what `dpo_loss` takes.
    """
    prompts = [pair.prompt for pair in pairs]
    return answer_rows(prompts * 2, [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs])


def preference_loss(model: torch.nn.Module, reference: torch.nn.Module, pairs: Sequence[Pair], beta: float) -> Tensor:
    """`dpo_loss` of a batch of pairs, a 0-d tensor; no gradient goes into the reference."""
    ids, mask = pair_batch(pairs)
    with torch.no_grad():
        before = sequence_log_probability(reference, ids, mask)
    loss, _ = dpo_loss(*sequence_log_probability(model, ids, mask).chunk(2), *before.chunk(2), beta)
    return loss
