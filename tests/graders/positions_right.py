"""Right answers to notebook 06 in several styles: angles, sinusoid, shift."""

import math

import numpy as np
import torch

from tests.graders.cases import right


@right("position_angles")
def with_exp_and_log(positions, size, base=10000.0):
    speeds = torch.exp(torch.arange(0, size, 2).float() * (-math.log(base) / size))
    return positions.unsqueeze(1) * speeds.unsqueeze(0)


@right("position_angles")
def divided_by_a_power(positions, size, base=10000.0):
    pair = torch.arange(size // 2)
    return positions[:, None] / torch.pow(base, 2 * pair / size)


@right("position_angles")
def two_loops(positions, size, base=10000.0):
    return torch.stack([torch.stack([p / base ** (2 * pair / size) for pair in range(size // 2)]) for p in positions])


@right("position_angles")
def outer_product(positions, size, base=10000.0):
    return torch.outer(positions * 1.0, 1.0 / (base ** (torch.arange(0, size, 2).float() / size)))


@right("position_angles")
def in_double_precision(positions, size, base=10000.0):
    exponents = -torch.arange(0, size, 2, dtype=torch.float64) / size
    angles = positions.double()[:, None] * torch.tensor(base, dtype=torch.float64) ** exponents
    return angles.to(positions.dtype if positions.is_floating_point() else torch.float32)


@right("position_angles")
def column_by_column(positions, size, base=10000.0):
    table = torch.empty(len(positions), size // 2, dtype=(positions / 1).dtype)
    for pair in range(size // 2):
        table[:, pair] = positions / math.pow(base, 2 * pair / size)
    return table


def angles_of(n_positions, d_model, base):
    return torch.arange(n_positions)[:, None] / base ** (torch.arange(0, d_model, 2) / d_model)


@right("sinusoidal_positions")
def filled_by_columns(n_positions, d_model, base=10000.0):
    if d_model % 2 == 1:
        raise ValueError(f"d_model must be even, not {d_model}")
    table = torch.zeros(n_positions, d_model)
    angles = angles_of(n_positions, d_model, base)
    table[:, 0::2] = torch.sin(angles)
    table[:, 1::2] = torch.cos(angles)
    return table


@right("sinusoidal_positions")
def number_by_number(n_positions, d_model, base=10000.0):
    if d_model % 2:
        raise ValueError(d_model)
    rows = []
    for position in range(n_positions):
        row = []
        for i in range(d_model):
            angle = position / base ** ((i - i % 2) / d_model)
            row.append(math.cos(angle) if i % 2 else math.sin(angle))
        rows.append(row)
    return torch.tensor(rows)


@right("sinusoidal_positions")
def sine_with_a_phase(n_positions, d_model, base=10000.0):
    if d_model % 2 != 0:
        raise ValueError(f"d_model must be even, not {d_model}")
    angles = angles_of(n_positions, d_model, base).repeat_interleave(2, dim=1)
    return torch.sin(angles + torch.tensor([0.0, math.pi / 2]).repeat(d_model // 2))


@right("sinusoidal_positions")
def complex_numbers(n_positions, d_model, base=10000.0):
    if d_model % 2:
        raise ValueError(f"d_model must be even, not {d_model}")
    angles = angles_of(n_positions, d_model, base)
    return torch.view_as_real(torch.polar(torch.ones_like(angles), angles)).flip(-1).reshape(n_positions, d_model)


@right("sinusoidal_positions")
def through_numpy(n_positions, d_model, base=10000.0):
    if d_model % 2:
        raise ValueError(f"d_model must be even, not {d_model}")
    angles = np.arange(n_positions)[:, None] / base ** (np.arange(0, d_model, 2) / d_model)
    return torch.from_numpy(np.stack([np.sin(angles), np.cos(angles)], -1).reshape(n_positions, d_model)).float()


@right("sinusoidal_positions")
def one_step_at_a_time(n_positions, d_model, base=10000.0):
    """Each row is the one before, turned by the speeds."""
    if d_model & 1:
        raise ValueError(f"the size {d_model} cannot be halved")
    step = torch.polar(torch.ones(d_model // 2).double(), base ** (-torch.arange(0, d_model, 2).double() / d_model))
    rows = [torch.ones_like(step)]
    for _ in range(n_positions - 1):
        rows.append(rows[-1] * step)
    table = torch.stack(rows)
    return torch.stack([table.imag, table.real], dim=2).reshape(n_positions, -1).float()


@right("shift_matrix")
def blocks_in_a_loop(offset, d_model, base=10000.0):
    matrix = torch.zeros(d_model, d_model)
    for i in range(0, d_model, 2):
        angle = offset / base ** (i / d_model)
        matrix[i, i], matrix[i, i + 1] = math.cos(angle), -math.sin(angle)
        matrix[i + 1, i], matrix[i + 1, i + 1] = math.sin(angle), math.cos(angle)
    return matrix


@right("shift_matrix")
def block_diag_of_tensors(offset, d_model, base=10000.0):
    blocks = []
    for pair in range(d_model // 2):
        c, s = math.cos(offset * base ** (-2 * pair / d_model)), math.sin(offset * base ** (-2 * pair / d_model))
        blocks.append(torch.tensor([[c, s], [-s, c]]).T)
    return torch.block_diag(*blocks)


@right("shift_matrix")
def by_fancy_indexing(offset, d_model, base=10000.0):
    even = torch.arange(0, d_model, 2)
    angle = offset / base ** (even / d_model)
    matrix = torch.zeros(d_model, d_model)
    matrix[even, even] = matrix[even + 1, even + 1] = angle.cos()
    matrix[even, even + 1] = -angle.sin()
    matrix[even + 1, even] = angle.sin()
    return matrix


@right("shift_matrix")
def matrix_exponential(offset, d_model, base=10000.0):
    speeds = base ** (-torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    generator = torch.zeros(d_model, d_model, dtype=torch.float64)
    for pair, speed in enumerate(speeds):
        generator[2 * pair, 2 * pair + 1], generator[2 * pair + 1, 2 * pair] = -speed, speed
    return torch.linalg.matrix_exp(offset * generator).float()


@right("shift_matrix")
def solved_from_the_table(offset, d_model, base=10000.0):
    def table(start):
        positions = torch.arange(start, start + 4000, dtype=torch.float64)[:, None]
        angles = positions / base ** (torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
        return torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)

    return torch.linalg.lstsq(table(0), table(offset)).solution.float()


@right("shift_matrix")
def sum_of_two_matrices(offset, d_model, base=10000.0):
    wide = torch.arange(d_model) // 2 * 2 / d_model
    angle = offset / base**wide
    across = torch.zeros(d_model, d_model)
    for i in range(0, d_model, 2):
        across[i, i + 1], across[i + 1, i] = -1.0, 1.0
    return torch.diag(torch.cos(angle)) + torch.sin(angle)[:, None] * across
