"""Muon: its steps are those of torch.optim.Muon, but in full precision, and it can stop and go on."""

import pytest
import torch
from torch import nn

from lib.training.muon import Muon, matrices_inside, orthogonalised
from tests.test_training import a_training, same, weights_of


def test_singular_values_come_near_1_and_singular_vectors_stay():
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(3, 7, 13, generator=generator) * torch.tensor([1e-3, 1.0, 1e3])[:, None, None]
    made = orthogonalised(matrices)
    values = torch.linalg.svdvals(made)
    assert values.min() > 0.65 and values.max() < 1.25
    u, _, v = torch.linalg.svd(matrices.double(), full_matrices=False)
    inside = u.mT @ made.double() @ v.mT  # diagonal, if the vectors are the same
    assert (inside - torch.diag_embed(inside.diagonal(dim1=1, dim2=2))).abs().max() < 1e-4


def test_a_gradient_of_zero_changes_nothing():
    assert torch.equal(orthogonalised(torch.zeros(2, 3, 5)), torch.zeros(2, 3, 5))


@pytest.mark.parametrize("shape", [(12, 12), (8, 31), (31, 8)])
def test_steps_are_those_of_torch(shape):
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(shape, generator=generator)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mine = Muon([ours], 0.02, momentum=0.9, weight_decay=0.1)
    other = torch.optim.Muon([theirs], lr=0.02, momentum=0.9, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(4):
        ours.grad = torch.randn(shape, generator=generator)
        theirs.grad = ours.grad.clone()
        mine.step()
        other.step()
        moved, expected = ours.detach() - start, theirs.detach() - start
        assert (moved - expected).norm() < 0.02 * expected.norm()  # theirs reckons in bfloat16


def test_matrices_of_equal_shape_do_not_mix():
    generator = torch.Generator().manual_seed(2)
    gradients = [torch.randn(4, 6, generator=generator), torch.randn(6, 4, generator=generator)]
    together = [nn.Parameter(torch.zeros(4, 6)), nn.Parameter(torch.zeros(6, 4)), nn.Parameter(torch.ones(4, 6))]
    alone = [nn.Parameter(torch.zeros(4, 6)), nn.Parameter(torch.zeros(6, 4))]
    both, singles = Muon(together, 0.1), [Muon([parameter], 0.1) for parameter in alone]
    for parameter, gradient in zip([*together[:2], *alone], gradients * 2, strict=True):
        parameter.grad = gradient.clone()
    both.step()
    for single in singles:
        single.step()
    for one, other in zip(together, alone, strict=False):
        torch.testing.assert_close(one, other)
    assert torch.equal(together[2], torch.ones(4, 6))  # it has no gradient


def test_only_matrices_are_taken():
    with pytest.raises(ValueError, match=r"not for a parameter of shape \(3,\)"):
        Muon([nn.Parameter(torch.ones(3))], 0.1)


def test_embeddings_and_what_is_tied_to_them_are_left_to_adamw():
    embedding, tied, inside = nn.Embedding(11, 5), nn.Linear(5, 11, bias=False), nn.Linear(5, 7)
    tied.weight = embedding.weight
    assert matrices_inside(nn.ModuleList([embedding, tied, inside, nn.LayerNorm(7), inside])) == [inside.weight]


def test_with_muon_too_an_interruption_leaves_no_trace(tmp_path):
    whole = a_training(inside=True, muon=True)
    losses = whole.run()
    start = weights_of(a_training(inside=True))
    assert not torch.equal(weights_of(whole)["inside.weight"], start["inside.weight"])
    for until in (7, None):
        part = a_training(inside=True, muon=True)
        part.resume(tmp_path / "a")
        found = part.run(until=until)
        part.save(tmp_path / "a")
    assert found == losses and same(weights_of(part), weights_of(whole))
    with pytest.raises(ValueError, match="there muon is True, here it is None"):
        a_training(inside=True).resume(tmp_path / "a")
