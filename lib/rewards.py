"""Rewards that a program can check, and a model that learns from its own attempts: GRPO (Shao et al. 2024).

    group_advantages      how much better an attempt is than the others at the same prompt           notebook 20
    kl_terms              how far the model has gone from where it started, token by token
    grpo_loss             good attempts likelier, bad ones less so, in small steps                   notebook 20
    Rollout, roll_out     attempts at some prompts with all that the loss needs of them
    rollout_loss          `grpo_loss` of attempts
    kl_to_start           the mean of `kl_terms`, in nats a token
    names_reward          1 if a story keeps to its people; a story without people does
    story_reward          the same with that way out closed

GRPO is PPO (Schulman et al. 2017) without a model of values: the mean reward of a group of attempts at one prompt says
what was to be expected there.

    attempt              o_i, an output                advantage    Â_i, the same for all tokens of an attempt
    old                  π_θ_old, as it wrote them     clip         ε
    reference            π_ref, as it started          beta         β
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lib.chat import answer_rows, token_log_probabilities
from lib.corpora.stories import children, names_kept

SHORTEST_STORY = 60  # words: no story of the course's corpus has fewer


def group_advantages(rewards: Tensor, epsilon: float = 1e-4) -> Tensor:
    """How much better each attempt is than its group, in standard deviations (Shao et al. 2024, 4.1.2).

    rewards: (..., group), floats, the attempts at one prompt in a row

    Returns (..., group): (reward - mean) / (deviation + epsilon), mean and deviation those of the row; the deviation is
    the root of the mean squared distance from the mean. A row of equal rewards becomes 0, but for rounding: it teaches
    nothing.
    """
    distance = rewards - rewards.mean(dim=-1, keepdim=True)
    deviation = distance.square().mean(dim=-1, keepdim=True).sqrt()
    return distance / (deviation + epsilon)


def kl_terms(log_p: Tensor, reference: Tensor) -> Tensor:
    """π_ref/π - ln(π_ref/π) - 1 of each token: never below 0, and on average the KL divergence from the reference.

    log_p, reference: one shape, ln p of the tokens by the model and by the reference; for the average to hold, the
    model has drawn the tokens (Schulman 2020; Shao et al. 2024, eq. 4).
    """
    ratio = reference - log_p
    return ratio.exp() - ratio - 1


def grpo_loss(
    log_p: Tensor,
    old: Tensor,
    reference: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    beta: float = 0.04,
) -> Tensor:
    """The loss of group relative policy optimisation: minus the objective of Shao et al. 2024, eq. 3.

    log_p, old, reference: (batch, position), ln p of the tokens by the model, by the model as it wrote them, and by the
    model as it started    advantages: (batch,)    mask: (batch, position), True on what was written, some in each row;
    where nothing was written there are numbers, too, such as 0, no further apart than where something was

    With ratio = π/π_old, a token gives min(ratio · advantage, ratio held to [1 - clip, 1 + clip] · advantage), less
    beta times its `kl_terms`. A row gives the mean over its own tokens, so that long attempts count no more than short
    ones; the loss is minus the mean of the rows, a 0-d tensor. Gradients reach log_p by the ratio and by the
    `kl_terms`.
    """
    ratio = (log_p - old).exp()
    advantage = advantages[:, None]
    gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    of_tokens = gain - beta * kl_terms(log_p, reference)
    of_rows = of_tokens.masked_fill(~mask, 0.0).sum(dim=-1) / mask.sum(dim=-1)
    return -of_rows.mean()


# ------------------------------------------------------------------------------------------------------------ attempts


class Rollout(NamedTuple):
    """Attempts: ids and mask are (batch, length), old and reference (batch, length - 1), the others (batch,)."""

    ids: Tensor
    mask: Tensor
    old: Tensor
    reference: Tensor
    advantages: Tensor
    rewards: Tensor


@torch.no_grad()
def roll_out(
    model: nn.Module,
    start: nn.Module,
    prompts: Sequence[Sequence[int]],
    size: int,
    write: Callable[[Sequence[Sequence[int]]], Sequence[Sequence[int]]],
    reward: Callable[[Sequence[int], Sequence[int]], float],
) -> Rollout:
    """`size` attempts at each prompt, written by the model as it is now, and judged.

    start: the model as it started    write: prompts as ids to what the model writes after each, a token at least;
    drawn at temperature 1, since the loss takes the model's own probabilities for those of the draw
    reward: of a prompt and what was written after it
    """
    repeated = [prompt for prompt in prompts for _ in range(size)]
    written = write(repeated)
    rewards = torch.tensor([float(reward(*both)) for both in zip(repeated, written, strict=True)])
    ids, mask = answer_rows(repeated, written)
    old, reference = (token_log_probabilities(which, ids) for which in (model, start))
    return Rollout(ids, mask, old, reference, group_advantages(rewards.view(-1, size)).flatten(), rewards)


def rollout_loss(model: nn.Module, attempts: Rollout, clip: float = 0.2, beta: float = 0.04) -> Tensor:
    """`grpo_loss` of attempts by the model as it is now, a 0-d tensor."""
    log_p = token_log_probabilities(model, attempts.ids)
    return grpo_loss(
        log_p, attempts.old, attempts.reference, attempts.advantages, attempts.mask[:, 1:], clip=clip, beta=beta
    )


@torch.no_grad()
def kl_to_start(model: nn.Module, start: nn.Module, ids: Tensor, mask: Tensor) -> float:
    """How far a model has gone from where it started, in nats a token, on what it has written itself.

    ids, mask: (batch, length), as `answer_rows` gives them; all tokens that are marked count alike
    """
    terms = kl_terms(*(token_log_probabilities(which, ids) for which in (model, start)))
    return terms[mask[:, 1:]].mean().item()


# ------------------------------------------------------------------------------------------------------------- rewards


def names_reward(text: str) -> float:
    """1.0 if a story keeps to its people (`lib.corpora.stories.names_kept`), else 0.0. Without people, 1.0."""
    return float(names_kept(text))


def story_reward(text: str) -> float:
    """1.0 if a story keeps to its people, calls one of them by name twice or more, and is as long as a story, else 0.0.

    Two ways to earn `names_reward` without learning anything are closed: to name nobody, and to stop at once.
    """
    told = len(children(text)) >= 2 and len(text.split()) >= SHORTEST_STORY
    return float(names_kept(text) and told)
