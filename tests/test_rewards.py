"""GRPO: advantages and loss against loops over the paper's formulas, its first gradient, rewards and ways out."""

import copy
import math

import pytest
import torch

from lib.corpora.stories import load_stories
from lib.gpt import FusedGPT, initial_weights
from lib.rewards import (
    group_advantages,
    grpo_loss,
    kl_terms,
    kl_to_start,
    names_reward,
    roll_out,
    rollout_loss,
    story_reward,
)
from lib.training import train

VOCAB, POSITIONS, D_MODEL, HEADS, LAYERS = 31, 23, 14, 2, 2

pytestmark = pytest.mark.usefixtures("one_thread")


def small():
    generator = torch.Generator().manual_seed(0)
    return initial_weights(FusedGPT(VOCAB, POSITIONS, D_MODEL, HEADS, LAYERS), generator).eval()


def test_advantages_by_hand():
    found = group_advantages(torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.3, 0.3, 0.3, 0.3]]), epsilon=0.0 + 1e-9)
    torch.testing.assert_close(found[0], torch.tensor([math.sqrt(3), *[-1 / math.sqrt(3)] * 3]))
    assert not group_advantages(torch.full((3, 7), 0.1)).abs().max() > 1e-3
    assert group_advantages(torch.tensor([1.0])).item() == 0


def test_advantages_are_those_of_each_row():
    rewards = torch.randn(2, 3, 7, dtype=torch.float64)
    expected = (rewards - rewards.mean(-1, keepdim=True)) / (rewards.std(-1, correction=0, keepdim=True) + 1e-4)
    torch.testing.assert_close(group_advantages(rewards), expected, rtol=1e-12, atol=1e-12)


def test_the_kl_terms_average_to_the_divergence():
    """Over draws from the model the mean is the divergence itself: here all outcomes, by their probabilities."""
    model, reference = torch.randn(2, 11, dtype=torch.float64).log_softmax(-1)
    terms = kl_terms(model, reference)
    assert (terms >= 0).all()
    torch.testing.assert_close((model.exp() * terms).sum(), (model.exp() * (model - reference)).sum())


def test_the_loss_is_the_papers_sum():
    batch, length, clip, beta = 5, 7, 0.3, 0.11
    log_p, old, reference = -torch.rand(3, batch, length, dtype=torch.float64) * 3
    advantages, mask = torch.randn(batch, dtype=torch.float64), torch.rand(batch, length) < 0.6
    mask[:, 2] = True
    total = 0.0
    for i in range(batch):
        of_row = 0.0
        for t in range(length):
            if mask[i, t]:
                ratio, a = math.exp(log_p[i, t] - old[i, t]), advantages[i].item()
                apart = (reference[i, t] - log_p[i, t]).item()
                gain = min(ratio * a, min(max(ratio, 1 - clip), 1 + clip) * a)
                of_row += gain - beta * (math.exp(apart) - apart - 1)
        total += of_row / mask[i].sum().item()
    found = grpo_loss(log_p, old, reference, advantages, mask, clip, beta)
    assert found.item() == pytest.approx(-total / batch, rel=1e-10)


def test_clipping_stops_a_step_that_has_gone_far_enough():
    """A good attempt that is likely already moves no further; one that has become less likely is brought back."""
    zero, mask = torch.zeros(2, 1), torch.ones(2, 1, dtype=torch.bool)
    log_p = torch.tensor([[0.5], [-0.5]], requires_grad=True)
    grpo_loss(log_p, zero, zero, torch.tensor([1.0, 1.0]), mask, beta=0.0).backward()
    assert log_p.grad[0] == 0 and log_p.grad[1] < 0
    log_p.grad = None
    grpo_loss(log_p, zero, zero, torch.tensor([-1.0, -1.0]), mask, beta=0.0).backward()
    assert log_p.grad[0] > 0 and log_p.grad[1] == 0


def test_at_the_start_the_gradient_is_that_of_the_log_probability():
    log_p, advantages = torch.randn(3, 5, requires_grad=True), torch.tensor([1.0, -2.0, 0.5])
    old = log_p.detach()
    grpo_loss(log_p, old, old, advantages, torch.ones(3, 5, dtype=torch.bool)).backward()
    torch.testing.assert_close(log_p.grad, -advantages[:, None].expand(3, 5) / 15)


def test_a_model_learns_what_is_rewarded():
    """Attempts of four tokens; each 3 among them earns a quarter."""
    start, dice = small(), torch.Generator().manual_seed(1)
    model, earned = copy.deepcopy(start), []

    @torch.no_grad()
    def write(prompts):
        rows = torch.tensor(prompts)
        for _ in range(4):
            drawn = torch.multinomial(model(rows)[:, -1].softmax(-1), 1, generator=dice)
            rows = torch.cat([rows, drawn], dim=1)
        return rows[:, len(prompts[0]) :].tolist()

    def batches():
        while True:
            attempts = roll_out(model, start, [[1, 2], [4, 5]], 16, write, lambda prompt, ids: ids.count(3) / 4)
            earned.append(attempts.rewards.mean().item())
            yield attempts

    train(model, lambda attempts: rollout_loss(model, attempts), batches(), 60, 1e-2, warmup=3)
    assert sum(earned[:5]) / 5 < 0.2 < 0.5 < sum(earned[-5:]) / 5  # MEASURE
    attempts = roll_out(model, start, [[1, 2]], 16, write, lambda prompt, ids: 0.0)
    assert kl_to_start(model, start, attempts.ids, attempts.mask) > 0.1  # MEASURE
    assert kl_to_start(start, start, attempts.ids, attempts.mask) == 0 and not attempts.advantages.any()


def test_stories_earn_both_rewards_and_ways_out_earn_one():
    told = load_stories()[:200]
    assert all(names_reward(story) == story_reward(story) == 1 for story in told)
    for way_out in ("", "It rained.", "Anna slept. Anna woke.", "The rain fell on and on. " * 20):
        assert names_reward(way_out) == 1 and story_reward(way_out) == 0
    lost = told[0] + " Anna met Ben, and Clara met Zoe."
    assert names_reward(lost) == story_reward(lost) == 0
