"""LoRA against the paper's formula in float64, merged against unmerged, and what stays as it was."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from lib.bert import Bert, BertClassifier
from lib.layers import fresh_weights, swap
from lib.lora import LoraLinear, add_lora, merge_lora, trainable_parameters
from lib.training import train

D_IN, D_OUT, RANK, ALPHA = 23, 17, 3, 7.0
VOCAB, D_MODEL, HEADS, LAYERS, D_FF, POSITIONS = 53, 21, 3, 2, 29, 37

pytestmark = pytest.mark.usefixtures("one_thread")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def layer(bias=True, dtype=torch.float64):
    made = LoraLinear(nn.Linear(D_IN, D_OUT, bias, dtype=dtype), RANK, ALPHA, generator())
    nn.init.normal_(made.b, generator=generator(1))
    return made


def classifier(seed=0):
    bert = fresh_weights(Bert(VOCAB, D_MODEL, HEADS, LAYERS, D_FF, POSITIONS), generator(seed))
    return BertClassifier(bert, 2).eval()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(D_IN,), (1, D_IN), (2, 3, 5, D_IN), (1, 300, D_IN), (0, D_IN)])
def test_it_is_the_papers_formula_merged_or_not(bias, shape):
    made, x = layer(bias), torch.randn(shape, dtype=torch.float64)
    w, bias = made.linear.weight, 0 if made.linear.bias is None else made.linear.bias
    expected = torch.einsum("oi,...i->...o", w + ALPHA / RANK * torch.einsum("or,ri->oi", made.b, made.a), x) + bias
    torch.testing.assert_close(made(x), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(made.merged()(x), expected, rtol=1e-12, atol=1e-12)


def test_it_begins_as_the_layer_that_it_replaces():
    linear, x = nn.Linear(D_IN, D_OUT), torch.randn(5, D_IN)
    kept = copy.deepcopy(linear)
    made = LoraLinear(linear, RANK, ALPHA)
    assert torch.equal(made(x), kept(x)) and torch.equal(made.merged()(x), kept(x))
    assert not made.b.any() and made.a.std() > 0
    wide = LoraLinear(nn.Linear(4_001, 211), 211, 1.0, generator())
    assert abs(wide.a.var() * 4_001 - 1) < 0.01 and abs(wide.a.mean()) < 1e-3


def test_only_the_two_thin_matrices_learn():
    made, x = layer(), torch.randn(5, D_IN, dtype=torch.float64, requires_grad=True)
    made(x).square().sum().backward()
    assert made.linear.weight.grad is None and made.linear.bias.grad is None
    assert all(part.grad.any() for part in (made.a, made.b, x))
    assert trainable_parameters(made) == RANK * (D_IN + D_OUT)


def test_what_is_merged_shares_nothing_and_may_learn():
    made = layer()
    kept, plain = copy.deepcopy(made.state_dict()), made.merged()
    assert type(plain) is nn.Linear and trainable_parameters(plain) == D_OUT * D_IN + D_OUT
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.zero_()
    assert all(torch.equal(part, kept[name]) for name, part in made.state_dict().items())


def test_dtypes_and_dice_are_those_that_are_given():
    half = LoraLinear(nn.Linear(D_IN, D_OUT, dtype=torch.bfloat16), RANK, ALPHA)
    assert half.a.dtype == half.b.dtype == half.merged().weight.dtype == torch.bfloat16
    first, second, other = (LoraLinear(nn.Linear(D_IN, D_OUT), RANK, ALPHA, generator(seed)).a for seed in (0, 0, 1))
    assert torch.equal(first, second) and not torch.equal(first, other)


@pytest.mark.parametrize("rank", [0, -1, D_OUT + 1])
def test_a_rank_that_cannot_be_is_one_sentence(rank):
    with pytest.raises(ValueError, match=f"rank={rank} is not from 1 to 17: the matrix is 17 by 23"):
        LoraLinear(nn.Linear(D_IN, D_OUT), rank, ALPHA)


# ------------------------------------------------------------------------------------------------------ whole models


def test_the_parameters_of_a_model_are_counted():
    model = classifier()
    assert trainable_parameters(model) == sum(part.numel() for part in model.parameters())
    add_lora(model.bert, ("to_q", "to_v"), RANK, ALPHA, generator())
    head = 2 * D_MODEL + 2
    assert trainable_parameters(model) == LAYERS * 2 * RANK * 2 * D_MODEL + head
    swapped = {name for name, part in model.named_modules() if isinstance(part, LoraLinear)}
    assert swapped == {f"bert.encoder.blocks.{i}.attention.{q}" for i in range(LAYERS) for q in ("to_q", "to_v")}


def test_a_model_learns_and_merges_and_the_frozen_part_stays():
    model, ids = classifier(), torch.randint(VOCAB, (11, 7))
    before, right, plain = model(ids), (ids[:, 1] > VOCAB // 2).long(), copy.deepcopy(model)
    add_lora(model.bert, ("to_q", "to_v", "widen"), RANK, ALPHA, generator())
    assert torch.equal(model(ids), before)
    losses = train(model, lambda _: cross_entropy(model(ids), right), iter(int, 1), 40, 1e-2, warmup=4)
    assert losses[-1] < 0.5 * losses[0]
    for name, part in plain.state_dict().items():
        owner, _, kind = name.rpartition(".")
        kept = model.state_dict().get(name, model.state_dict().get(f"{owner}.linear.{kind}"))
        assert torch.equal(kept, part) is not name.startswith("head"), name
    learnt = model(ids)
    assert merge_lora(model) is model and model.state_dict().keys() == plain.state_dict().keys()
    torch.testing.assert_close(model(ids), learnt, rtol=1e-5, atol=1e-5)
    assert not any(isinstance(part, LoraLinear) for part in model.modules())


def test_a_name_that_no_layer_has_is_refused_and_changes_nothing():
    model = classifier()
    with pytest.raises(ValueError, match="no linear layer is called 'query': there are head, narrow, pooler, to_k, "):
        add_lora(model, ("to_q", "query"), RANK, ALPHA)
    assert all(part.requires_grad for part in model.parameters())
    assert not any(isinstance(part, LoraLinear) for part in model.modules())


def test_parts_are_swapped_once_each_however_deep_they_lie():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 2)), nn.Linear(2, 2))
    assert swap(model, nn.Linear, lambda old: nn.Sequential(old, nn.Tanh())) == 3
    assert swap(model, nn.Tanh, lambda old: nn.Identity(), ("0",)) == 0
    assert swap(model, nn.Tanh, lambda old: nn.Identity(), ("1",)) == 3
    assert [type(part) for part in model[1]] == [nn.ReLU, nn.Sequential]
