"""Layers against PyTorch's own: LayerNorm, RMSNorm, feed-forward, dropout and the two shortcuts."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from lib.layers import FeedForward, LayerNorm, PostNorm, PreNorm, RMSNorm, dropout


def seeded(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def twins(ours, theirs, **names):
    """Random weights in ours, copied into theirs: names[ours] = theirs."""
    with torch.no_grad():
        for seed, (mine, other) in enumerate(names.items()):
            parameter = ours.get_parameter(mine)
            parameter.copy_(seeded(*parameter.shape, seed=seed + 10))
            theirs.get_parameter(other).copy_(parameter)
    return ours, theirs


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 5, 7), (2, 3, 5, 7)])
@pytest.mark.parametrize("epsilon", [1e-5, 0.1])
def test_layer_norm_and_its_gradients_are_pytorchs(shape, epsilon):
    ours, theirs = twins(LayerNorm(7, epsilon), nn.LayerNorm(7, eps=epsilon), scale="weight", shift="bias")
    x, twin = seeded(*shape).requires_grad_(), seeded(*shape).requires_grad_()
    assert torch.allclose(ours(x), theirs(twin), atol=1e-6)
    ours(x).square().sum().backward()
    theirs(twin).square().sum().backward()
    assert torch.allclose(x.grad, twin.grad, atol=1e-4)
    assert torch.allclose(ours.scale.grad, theirs.weight.grad, rtol=1e-4, atol=1e-5)
    assert torch.allclose(ours.shift.grad, theirs.bias.grad, rtol=1e-4, atol=1e-5)


def test_layer_norm_in_double_precision():
    ours, theirs = twins(LayerNorm(11).double(), nn.LayerNorm(11).double(), scale="weight", shift="bias")
    x = seeded(5, 11).double()
    assert torch.allclose(ours(x), theirs(x), atol=1e-12)
    assert torch.autograd.gradcheck(ours, x.requires_grad_())


@pytest.mark.parametrize("numbers", [torch.zeros(2, 7), torch.full((2, 7), 1e4), 1e3 + seeded(2, 7)])
def test_layer_norm_of_extreme_vectors_is_finite_and_pytorchs(numbers):
    assert torch.allclose(LayerNorm(7)(numbers), nn.LayerNorm(7)(numbers), atol=1e-3)


@pytest.mark.parametrize("shape", [(7,), (2, 5, 7)])
def test_rms_norm_is_pytorchs(shape):
    ours, theirs = twins(RMSNorm(7), nn.RMSNorm(7, eps=1e-6), scale="weight")
    x = seeded(*shape)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)


@pytest.mark.parametrize("activation, module", [(functional.relu, nn.ReLU()), (functional.gelu, nn.GELU())])
def test_feed_forward_is_a_sequence_of_pytorchs_layers(activation, module):
    ours = FeedForward(5, 11, dropout=0.3, activation=activation)
    theirs = nn.Sequential(nn.Linear(5, 11), module, nn.Dropout(0.3), nn.Linear(11, 5))
    names = {f"{mine}.{kind}": f"{place}.{kind}" for mine, place in (("widen", 0), ("narrow", 3))
             for kind in ("weight", "bias")}  # fmt: skip
    twins(ours, theirs, **names)
    x = seeded(2, 3, 5)
    for mode in (True, False):
        ours.train(mode), theirs.train(mode)
        with torch.random.fork_rng():
            torch.manual_seed(3)
            result = ours(x)
            torch.manual_seed(3)
            assert torch.equal(result, theirs(x))


def test_feed_forward_treats_every_position_by_itself():
    layer, x = FeedForward(5, 7), seeded(2, 11, 5)
    order = torch.randperm(11, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(layer(x)[:, order], layer(x[:, order]), atol=1e-6)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_a_share_of_p(p):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x = torch.full((300, 1000), 2.0)
        dropped = dropout(x, p)
    share = (dropped == 0).double().mean().item()
    spread = (p * (1 - p) / x.numel()) ** 0.5  # of a share of 300,000 draws
    assert abs(share - p) <= 5 * spread
    assert abs(dropped.double().mean().item() - 2) <= 5 * 2 * spread / (1 - p)
    assert dropped.unique().tolist() == pytest.approx([0.0, 2 / (1 - p)][p == 0 :])
    assert dropout(x, p, training=False) is x


@pytest.mark.parametrize("shortcut", [PreNorm, PostNorm])
def test_shortcuts_with_pytorchs_layers(shortcut):
    ours, norm = twins(shortcut(5, dropout=0.4), nn.LayerNorm(5), **{"norm.scale": "weight", "norm.shift": "bias"})
    x, part = seeded(3, 7, 5), nn.Linear(5, 5)
    for mode in (True, False):
        ours.train(mode)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            result = ours(x, part)
            torch.manual_seed(1)
            inner = part(norm(x)) if shortcut is PreNorm else part(x)
            total = x + functional.dropout(inner, 0.4, mode)
        assert torch.allclose(result, total if shortcut is PreNorm else norm(total), atol=1e-6)


def test_a_pre_norm_stack_of_silent_parts_is_the_identity():
    x = seeded(2, 3, 5)
    y = x
    for _ in range(4):
        y = PreNorm(5)(y, torch.zeros_like)
    assert torch.equal(y, x)
