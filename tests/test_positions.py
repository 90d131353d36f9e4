"""Positions against other people's numbers: complex exponentials, PyTorch's embedding, and what the papers promise."""

import math

import numpy as np
import pytest
import torch

from lib.positions import (
    LearnedPositions,
    RotaryPositions,
    SinusoidalPositions,
    distance_penalty,
    position_angles,
    rotate,
    shift_matrix,
    sinusoidal_positions,
)


def seeded(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n_positions, d_model", [(1, 2), (7, 10), (50, 512), (13, 6)])
def test_the_sinusoid_is_the_formula_of_the_paper(n_positions, d_model):
    """Section 3.5, number by number, in Python's own floats."""
    table = sinusoidal_positions(n_positions, d_model)
    assert table.shape == (n_positions, d_model) and table.dtype == torch.float32
    for position in range(n_positions):
        for i in range(d_model // 2):
            angle = position / 10000 ** (2 * i / d_model)
            assert table[position, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-5)
            assert table[position, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-5)


def test_angles_against_numpy_outer_product():
    expected = np.outer([5, 0, 11], 1000.0 ** (-np.arange(7) / 7))
    assert np.allclose(position_angles(torch.tensor([5, 0, 11]), 14, 1000.0), expected, rtol=1e-6)


@pytest.mark.parametrize("offset", [0, 1, 17, -5])
def test_a_shift_is_one_rotation_for_all_positions(offset):
    table, matrix = sinusoidal_positions(97, 26), shift_matrix(offset, 26)
    start, end = max(0, -offset), 97 - max(0, offset)
    assert torch.allclose(table[start:end] @ matrix, table[start + offset : end + offset], atol=2e-5)
    assert torch.allclose(matrix @ matrix.T, torch.eye(26), atol=1e-6)
    assert torch.linalg.det(matrix.double()).item() == pytest.approx(1.0, abs=1e-6)


def test_shifts_add_up():
    assert torch.allclose(shift_matrix(3, 10) @ shift_matrix(4, 10), shift_matrix(7, 10), atol=1e-5)


def test_odd_sizes_are_refused_with_their_value():
    with pytest.raises(ValueError, match="d_model=7"):
        sinusoidal_positions(3, 7)
    with pytest.raises(ValueError, match="d_head=5"):
        RotaryPositions(5)


def test_the_layer_grows_beyond_its_table_and_starts_anywhere():
    layer = SinusoidalPositions(6, n_positions=4)
    x = seeded(2, 11, 6)
    whole = layer(x)
    assert torch.equal(whole, x + sinusoidal_positions(22, 6)[:11])
    assert torch.equal(layer(x[:, 7:], start=7), whole[:, 7:])
    assert not layer.state_dict(), "nothing is learned and nothing is saved"


def test_learned_positions_against_an_embedding():
    layer, x = LearnedPositions(11, 5), seeded(3, 4, 5)
    embedding = torch.nn.Embedding(11, 5)
    embedding.weight = layer.table
    assert torch.equal(layer(x, start=6), x + embedding(torch.arange(6, 10)))
    assert layer(x[:, :0]).shape == (3, 0, 5)


@pytest.mark.parametrize("start, length, last", [(0, 12, 11), (11, 1, 11), (9, 3, 11), (-1, 1, -1), (-3, 2, -2)])
def test_a_position_without_a_row_is_refused_with_its_number(start, length, last):
    with pytest.raises(ValueError, match=f"positions {start} to {last} need a row each: the table has 11"):
        LearnedPositions(11, 5)(torch.zeros(2, length, 5), start)


@pytest.mark.parametrize("shape", [(5, 6), (2, 5, 6), (2, 3, 5, 6)])
def test_rotate_is_multiplication_by_a_complex_number(shape):
    x, angles = seeded(*shape).double(), seeded(5, 3, seed=1).double()
    pairs = torch.view_as_complex(x.unflatten(-1, (3, 2)).contiguous())
    expected = torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2)
    assert torch.allclose(rotate(x, angles), expected, atol=1e-12)
    assert torch.autograd.gradcheck(lambda x: rotate(x, angles), x.requires_grad_())


def test_rotated_scores_depend_on_the_distance_alone():
    turn = RotaryPositions(8)
    q, k = seeded(1, 8), seeded(1, 8, seed=1)
    scores = turn(q.expand(40, 8)) @ turn(k.expand(40, 8)).T
    for offset in (-7, 0, 3):
        diagonal = scores.diagonal(offset)
        assert torch.allclose(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-4)
    assert (scores.diagonal(3)[0] - scores.diagonal(0)[0]).abs() > 0.01


def test_rotary_positions_start_anywhere_and_keep_lengths():
    turn, x = RotaryPositions(6), seeded(2, 3, 11, 6)
    assert torch.allclose(turn(x[:, :, 4:], start=4), turn(x)[:, :, 4:], atol=1e-6)
    assert torch.allclose(turn(x).norm(dim=-1), x.norm(dim=-1), atol=1e-5)
    assert turn(x.half()).dtype == torch.half


def test_penalties_of_the_paper():
    """Press et al. 2022, section 3: for 8 heads the slopes are 1/2, 1/4 ... 1/256."""
    penalty = distance_penalty(8, 5)
    assert penalty.shape == (8, 5, 5)
    assert torch.equal(-penalty[:, 1, 0], torch.tensor([1 / 2**i for i in range(1, 9)]))
    assert torch.equal(penalty[0, 4], torch.tensor([-2.0, -1.5, -1.0, -0.5, 0.0]))
    assert torch.equal(penalty, penalty.transpose(-1, -2))
    assert torch.equal(distance_penalty(8, 9)[:, :5, :5], penalty), "a longer text changes nothing for the first words"
