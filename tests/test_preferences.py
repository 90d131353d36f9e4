"""DPO against TRL's formula on hand-made cases, and a tiny model that learns what is preferred."""

import copy
import math

import pytest
import torch
from torch.nn import functional

from lib.gpt import FusedGPT, initial_weights
from lib.preferences import Pair, dpo_loss, pair_batch, pairs_by_rule, preference_loss, sequence_log_probability
from lib.training import train

VOCAB, POSITIONS, D_MODEL, HEADS, LAYERS = 31, 23, 14, 2, 2

pytestmark = pytest.mark.usefixtures("one_thread")


def small():
    generator = torch.Generator().manual_seed(0)
    return initial_weights(FusedGPT(VOCAB, POSITIONS, D_MODEL, HEADS, LAYERS), generator).eval()


def test_a_sequence_is_the_product_of_its_tokens():
    model, ids = small().double(), torch.randint(VOCAB, (3, 11))
    mask = torch.zeros(3, 11, dtype=torch.bool)
    mask[0, 4:7] = mask[1, 1:] = True  # and nothing in the third row
    chances = model(ids).softmax(-1)
    expected = [
        sum(math.log(chances[row, place - 1, ids[row, place]]) for place in range(11) if mask[row, place])
        for row in range(3)
    ]
    found = sequence_log_probability(model, ids, mask)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-10, atol=1e-10)
    assert found[2] == 0
    torch.testing.assert_close(sequence_log_probability(model, ids[:1], mask[:1]), found[:1])


def test_what_is_impossible_outside_the_answer_does_not_count():
    def model(ids):
        logits = torch.zeros(*ids.shape, 3)
        logits[..., 2] = -math.inf
        return logits

    ids, mask = torch.tensor([[0, 2, 1, 1]]), torch.tensor([[False, False, True, True]])
    assert sequence_log_probability(model, ids, mask).item() == pytest.approx(2 * math.log(0.5))


def test_by_hand():
    """The chosen answer has become e times as likely, the rejected one half as likely."""
    chosen, rejected = torch.tensor([-9.0]), torch.tensor([-12.0 - math.log(2)])
    loss, margin = dpo_loss(chosen, rejected, torch.tensor([-10.0]), torch.tensor([-12.0]), beta=0.5)
    assert margin.item() == pytest.approx(0.5 * (1 + math.log(2)))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-margin.item())))


@pytest.mark.parametrize("beta", [0.1, 0.5, 2.0])
def test_it_is_trls_formula(beta):
    """As DPOTrainer.dpo_loss of TRL writes it, loss type "sigmoid", no label smoothing."""
    policy_chosen, policy_rejected, ref_chosen, ref_rejected = torch.randn(4, 17, dtype=torch.float64) * 9
    logratios = policy_chosen - policy_rejected
    logits = logratios - (ref_chosen - ref_rejected)
    losses = -functional.logsigmoid(beta * logits)
    margins = beta * (policy_chosen - ref_chosen) - beta * (policy_rejected - ref_rejected)
    loss, margin = dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta)
    torch.testing.assert_close(loss, losses.mean(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(margin, margins, rtol=1e-12, atol=1e-12)


def test_at_the_start_the_loss_is_ln_2_and_large_margins_are_finite():
    same = torch.randn(2, 5)
    loss, margin = dpo_loss(*same, *same)
    assert loss.item() == pytest.approx(math.log(2)) and not margin.any()
    far = torch.tensor([1e4])
    assert dpo_loss(-far, far, far, -far, beta=1.0)[0].item() == pytest.approx(4e4)


def test_pairs_of_like_lengths_each_answer_once():
    answers = [[1] * 5, [2] * 2, [3] * 9, [4] * 3, [5] * 7]
    pairs = pairs_by_rule([8], answers, [True, False, True, True, False])
    assert pairs == [Pair([8], [4] * 3, [2] * 2), Pair([8], [1] * 5, [5] * 7)]
    assert pairs_by_rule([8], answers, [True] * 5) == [] == pairs_by_rule([8], [], [])


def test_the_chosen_ones_come_first():
    ids, mask = pair_batch([Pair([1, 2], [3], [4, 5]), Pair([6], [7], [8])])
    assert ids.tolist() == [[1, 2, 3, 0], [6, 7, 0, 0], [1, 2, 4, 5], [6, 8, 0, 0]]
    assert mask.sum(1).tolist() == [1, 1, 2, 1]


def test_a_model_comes_to_prefer_what_is_preferred():
    start, pairs = small(), [Pair([1, 2], [3, 4, 5], [6, 7]), Pair([1, 8], [9], [10, 11, 12])]
    model = copy.deepcopy(start)
    kept = copy.deepcopy(start.state_dict())
    losses = train(
        model, lambda some: preference_loss(model, start, some, 0.5), iter(lambda: pairs, 0), 30, 3e-3, warmup=3
    )
    assert losses[0] == pytest.approx(math.log(2), abs=1e-5) and losses[-1] < 0.2  # MEASURE
    assert all(torch.equal(part, kept[name]) for name, part in start.state_dict().items())
    chosen, rejected = sequence_log_probability(model, *pair_batch(pairs)).chunk(2)
    before = sequence_log_probability(start, *pair_batch(pairs)).chunk(2)
    assert (chosen - before[0] > rejected - before[1]).all()
