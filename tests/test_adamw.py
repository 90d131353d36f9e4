"""AdamW: its steps are those of torch.optim.AdamW, and it can stop and go on."""

import copy
import math

import pytest
import torch
from torch import nn

from lib.training.adamw import AdamW


def a_model(dtype):
    """Two layers, and a parameter that never has a gradient."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3), nn.LayerNorm(3))
    model.register_parameter("unused", nn.Parameter(torch.ones(2)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model.to(dtype)


def groups_of(model):
    """Three groups: biases without decay, one layer with every option of its own, the rest as it comes."""
    last, rest = list(model[2:].parameters()), [model[0].weight, model.unused]
    return [
        {"params": [model[0].bias], "weight_decay": 0.0},
        {"params": last, "lr": 3e-2, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.3},
        {"params": rest},
    ]


def take_steps(model, optimizer, steps, first=0):
    """Learn random answers. The rate changes on the way, and in some steps the last layer has no gradient."""
    dtype = model[0].weight.dtype
    for step in range(first, first + steps):
        generator = torch.Generator().manual_seed(step)
        x, y = (torch.randn(11, size, generator=generator).to(dtype) for size in (5, 3))
        optimizer.zero_grad()
        (10.0 ** (step % 5 - 2) * (model(x) - y).pow(2).mean()).backward()
        if step % 7 == 3:
            model[2].weight.grad = None
        optimizer.param_groups[0]["lr"] = 1e-2 / (1 + step)
        optimizer.step()


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize(
    "options", [{}, {"betas": (0.9, 0.98), "eps": 1e-9, "weight_decay": 0.1}, {"betas": (0.0, 0.5)}]
)
def test_fifty_steps_are_those_of_torch(dtype, tolerance, options):
    ours, theirs = a_model(dtype), a_model(dtype)
    take_steps(ours, AdamW(groups_of(ours), **options), 50)
    take_steps(theirs, torch.optim.AdamW(groups_of(theirs), **options), 50)
    start = a_model(dtype)
    for (name, mine), other, before in zip(
        ours.named_parameters(), theirs.parameters(), start.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, other, rtol=tolerance, atol=tolerance)
        assert mine.dtype == dtype and torch.equal(mine, before) == (name == "unused")


def test_its_defaults_are_those_of_torch():
    ours, theirs = AdamW([nn.Parameter(torch.ones(3))]), torch.optim.AdamW([nn.Parameter(torch.ones(3))])
    assert ours.defaults.items() <= theirs.defaults.items()


def test_the_first_step_is_as_long_as_the_learning_rate_whatever_the_gradient():
    parameter = nn.Parameter(torch.zeros(4, dtype=torch.float64))
    parameter.grad = torch.tensor([1e-3, 1.0, -1e5, 0.0], dtype=torch.float64)
    AdamW([parameter], lr=0.1, weight_decay=0).step()
    torch.testing.assert_close(parameter.data, torch.tensor([-0.1, -0.1, 0.1, 0.0]).double(), rtol=1e-4, atol=0)


def test_weights_decay_whatever_the_gradient():
    """Where the gradient is 0 for ever, a weight shrinks by the factor 1 - lr · weight_decay a step."""
    parameter = nn.Parameter(torch.tensor([2.0, -3.0], dtype=torch.float64))
    optimizer = AdamW([parameter], lr=0.1, weight_decay=0.5)
    for _ in range(10):
        parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
    torch.testing.assert_close(parameter.data, torch.tensor([2.0, -3.0]).double() * 0.95**10, rtol=1e-12, atol=0)


def test_resumed_from_its_state_it_goes_on_bit_for_bit(tmp_path):
    whole = a_model(torch.float32)
    take_steps(whole, AdamW(groups_of(whole), weight_decay=0.1), 20)
    part = a_model(torch.float32)
    first = AdamW(groups_of(part), weight_decay=0.1)
    take_steps(part, first, 8)
    torch.save(first.state_dict(), tmp_path / "state")
    resumed = copy.deepcopy(part)
    second = AdamW(groups_of(resumed), lr=9.0)  # whatever it is made with, its state says how to go on
    second.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    take_steps(resumed, second, 12, first=8)
    assert all(torch.equal(a, b) for a, b in zip(resumed.parameters(), whole.parameters(), strict=True))


def test_a_schedule_of_torch_sets_its_rate():
    models = a_model(torch.float64), a_model(torch.float64)
    for model, kind in zip(models, (AdamW, torch.optim.AdamW), strict=True):
        optimizer = kind(model.parameters(), lr=1e-2)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
        for step in range(6):
            take_steps(model, optimizer, 1, first=step)
            schedule.step()
    for mine, other in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"lr": -1e-3}, r"lr=-0\.001 is not a number from 0 on"),
        ({"lr": math.inf}, "lr=inf is not"),
        ({"eps": math.nan}, "eps=nan is not"),
        ({"weight_decay": -0.1}, r"weight_decay=-0\.1 is not"),
        ({"betas": (0.9, 1.0)}, r"betas=\(0\.9, 1\.0\) are not two numbers from 0 to below 1"),
    ],
)
def test_wrong_options_are_told_in_a_sentence_for_a_group_too(options, message):
    with pytest.raises(ValueError, match=message):
        AdamW([nn.Parameter(torch.ones(3))], **options)
    with pytest.raises(ValueError, match=message):
        AdamW([{"params": [nn.Parameter(torch.ones(3))], **options}])
