"""Checks of notebook 06: the angles, the sinusoid and its shift. The other kinds of positions: positions_others."""

import torch

from lib import positions
from lib.checks.core import Exercise
from lib.checks.positions_others import LearnedPositions, distance_penalty, rotate
from lib.checks.probing import raises

__all__ = [
    "LearnedPositions",
    "distance_penalty",
    "position_angles",
    "rotate",
    "shift_matrix",
    "sinusoidal_positions",
]

position_angles = Exercise(positions.position_angles)
sinusoidal_positions = Exercise(positions.sinusoidal_positions)
shift_matrix = Exercise(positions.shift_matrix)


# -------------------------------------------------------------------------------------------------- position_angles


@position_angles.probe("positions 0, 1, 2 and size 4")
def _(answer, rng):
    return answer(torch.arange(3), 4)


@position_angles.probe("positions 5, 3, 11, 4 and size 10")
def _(answer, rng):
    return answer(torch.tensor([5, 3, 11, 4]), 10)


@position_angles.probe("the positions -2 and 0.5, size 6 and base 100")
def _(answer, rng):
    return answer(torch.tensor([-2.0, 0.5]), 6, 100.0)


@position_angles.probe("no base given, against base 10000: the difference, times a thousand")
def _(answer, rng):
    position = torch.arange(1, 5)
    return 1e3 * (answer(position, 8) - answer(position, 8, 10000.0))


def _angles(position, size, base=10000.0):
    return position[:, None] * base ** (-torch.arange(0, size, 2) / size)


@position_angles.mistake("the exponent should be 2·pair/size, from 0 up to almost 1; yours stops at a half.")
def half_the_exponent(position, size, base=10000.0):
    return position[:, None] * base ** (-torch.arange(size // 2) / size)


@position_angles.mistake("the exponent is divided by (pairs - 1): the last pair is to stop short of 1/base.")
def up_to_the_base(position, size, base=10000.0):
    return position[:, None] * base ** (-torch.linspace(0, 1, size // 2))


@position_angles.mistake("the position is multiplied by base^(...), not divided: the later pairs are to turn slower.")
def ever_faster(position, size, base=10000.0):
    return position[:, None] * base ** (torch.arange(0, size, 2) / size)


@position_angles.mistake("there is one angle for each pair of numbers, size / 2 in all; yours has one for each number.")
def one_for_each_number(position, size, base=10000.0):
    return position[:, None] * base ** (-torch.arange(size) / size)


@position_angles.mistake("each angle stands twice: one for a pair is enough, size / 2 in all.")
def each_angle_twice(position, size, base=10000.0):
    return _angles(position, size, base).repeat_interleave(2, dim=-1)


@position_angles.mistake("rows and columns are swapped: a row for each position, a column for each pair.")
def transposed(position, size, base=10000.0):
    return _angles(position, size, base).T


@position_angles.mistake("the given `base` is not used.")
def fixed_base(position, size, base=10000.0):
    return _angles(position, size)


@position_angles.mistake("the given positions are not used, only how many there are.")
def only_counted(position, size, base=10000.0):
    return _angles(torch.arange(len(position)), size, base)


@position_angles.mistake("the first position is 0, not 1: take the positions as they are.")
def counted_from_one(position, size, base=10000.0):
    return _angles(position + 1, size, base)


@position_angles.mistake("every pair turns at the same speed: the exponent has to grow from pair to pair.")
def one_speed(position, size, base=10000.0):
    return position[:, None].expand(-1, size // 2).float()


@position_angles.mistake("the speeds are base · pair; the pair belongs into the exponent: base^(-2·pair/size).")
def no_power(position, size, base=10000.0):
    return position[:, None] / (base * torch.arange(0, size, 2) / size)


# --------------------------------------------------------------------------------------------- sinusoidal_positions


@sinusoidal_positions.probe("3 positions and d_model 4")
def _(answer, rng):
    return answer(3, 4)


@sinusoidal_positions.probe("11 positions and d_model 10")
def _(answer, rng):
    return answer(11, 10)


@sinusoidal_positions.probe("6 positions, d_model 6 and base 50")
def _(answer, rng):
    return answer(6, 6, 50.0)


@sinusoidal_positions.probe("an odd d_model, 7, which should raise a ValueError")
def _(answer, rng):
    return raises(ValueError, answer, 3, 7)


def _table(first, second, n, d_model, base, start=0):
    angles = _angles(torch.arange(start, start + n), d_model, base)
    return torch.stack([first(angles), second(angles)], dim=-1).flatten(-2)


@sinusoidal_positions.mistake("sine and cosine are swapped: the sine comes first, so position 0 is (0, 1, 0, 1 ...).")
def cosine_first(n_positions, d_model, base=10000.0):
    return _table(torch.cos, torch.sin, n_positions, d_model, base)


@sinusoidal_positions.mistake("all sines, then all cosines: sine and cosine of one angle are to stand side by side.")
def in_two_halves(n_positions, d_model, base=10000.0):
    angles = _angles(torch.arange(n_positions), d_model, base)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


@sinusoidal_positions.mistake("the sine and the cosine of a pair have different angles; they share one.")
def own_angle_each(n_positions, d_model, base=10000.0):
    angles = torch.arange(n_positions)[:, None] * base ** (-torch.arange(d_model) / d_model)
    return torch.where(torch.arange(d_model) % 2 == 0, angles.sin(), angles.cos())


@sinusoidal_positions.mistake("all columns are sines: the odd columns are cosines.")
def only_sines(n_positions, d_model, base=10000.0):
    return _table(torch.sin, torch.sin, n_positions, d_model, base)


@sinusoidal_positions.mistake("the first position is 0, and its row (0, 1, 0, 1 ...); yours starts with position 1.")
def from_position_one(n_positions, d_model, base=10000.0):
    return _table(torch.sin, torch.cos, n_positions, d_model, base, start=1)


@sinusoidal_positions.mistake("rows and columns are swapped: a row for each position.")
def table_transposed(n_positions, d_model, base=10000.0):
    return _table(torch.sin, torch.cos, n_positions, d_model, base).T


@sinusoidal_positions.mistake("the given `base` is not used.")
def table_of_fixed_base(n_positions, d_model, base=10000.0):
    if d_model % 2:
        raise ValueError
    return _table(torch.sin, torch.cos, n_positions, d_model, 10000.0)


@sinusoidal_positions.mistake("there is only one number for each pair: put sine and cosine side by side.")
def angles_only(n_positions, d_model, base=10000.0):
    return _angles(torch.arange(n_positions), d_model, base).sin()


@sinusoidal_positions.mistake("these are the angles, not their sines and cosines.")
def no_sine_at_all(n_positions, d_model, base=10000.0):
    return _table(torch.clone, torch.clone, n_positions, d_model, base)


@sinusoidal_positions.mistake("an odd d_model should raise a ValueError: sines and cosines come in pairs.")
def odd_goes_on(n_positions, d_model, base=10000.0):
    return _table(torch.sin, torch.cos, n_positions, d_model, base)


# ----------------------------------------------------------------------------------------------------- shift_matrix


@shift_matrix.probe("offset 1 and d_model 2")
def _(answer, rng):
    return answer(1, 2)


@shift_matrix.probe("offset 3 and d_model 6")
def _(answer, rng):
    return answer(3, 6)


@shift_matrix.probe("offset -2, d_model 4 and base 30")
def _(answer, rng):
    return answer(-2, 4, 30.0)


@shift_matrix.probe("no base given, against base 10000: the difference, times a thousand")
def _(answer, rng):
    return 1e3 * (answer(3, 8) - answer(3, 8, 10000.0))


def _turns(angles, block):
    return torch.block_diag(*(block(angle.cos(), angle.sin()) for angle in angles))


def _offset_angles(offset, d_model, base):
    return _angles(torch.tensor([offset]), d_model, base)[0]


def _square(a, b, c, d):
    return torch.stack([torch.stack([a, b]), torch.stack([c, d])])


@shift_matrix.mistake("the sign of the offset is lost: -2 turns the other way.")
def without_sign(offset, d_model, base=10000.0):
    return _turns(_offset_angles(abs(offset), d_model, base), lambda cos, sin: _square(cos, -sin, sin, cos))


@shift_matrix.mistake("it turns backwards: the minus belongs to the other sine. Rows of the table stand left of it.")
def backwards(offset, d_model, base=10000.0):
    return _turns(_offset_angles(offset, d_model, base), lambda cos, sin: _square(cos, sin, -sin, cos))


@shift_matrix.mistake("no minus: one of the two sines of a rotation has one, else lengths change.")
def without_minus(offset, d_model, base=10000.0):
    return _turns(_offset_angles(offset, d_model, base), lambda cos, sin: _square(cos, sin, sin, cos))


@shift_matrix.mistake("sine and cosine are swapped: cosines stand on the diagonal.")
def sines_on_the_diagonal(offset, d_model, base=10000.0):
    return _turns(_offset_angles(offset, d_model, base), lambda cos, sin: _square(sin, -cos, cos, sin))


@shift_matrix.mistake("the sines beside the diagonal are missing: the new sine needs the old cosine too.")
def diagonal_only(offset, d_model, base=10000.0):
    return _turns(_offset_angles(offset, d_model, base), lambda cos, sin: _square(cos, 0 * cos, 0 * sin, cos))


@shift_matrix.mistake("every pair turns by the same angle: each has its own, offset times its speed.")
def one_angle(offset, d_model, base=10000.0):
    angles = torch.full((d_model // 2,), float(offset))
    return _turns(angles, lambda cos, sin: _square(cos, -sin, sin, cos))


@shift_matrix.mistake("the pairs are neighbours, 0 and 1, 2 and 3; yours pairs number i with i + d_model/2.")
def pairs_in_halves(offset, d_model, base=10000.0):
    angles = _offset_angles(offset, d_model, base)
    cos, sin = torch.diag(angles.cos()), torch.diag(angles.sin())
    return torch.cat([torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)], 0)


@shift_matrix.mistake("the 2 x 2 rotations are not on one diagonal yet: `torch.block_diag(*blocks)`.")
def a_pile_of_blocks(offset, d_model, base=10000.0):
    return torch.stack([_square(a.cos(), -a.sin(), a.sin(), a.cos()) for a in _offset_angles(offset, d_model, base)])


@shift_matrix.mistake("the given `base` is not used.")
def shift_of_fixed_base(offset, d_model, base=10000.0):
    return _turns(_offset_angles(offset, d_model, 10000.0), lambda cos, sin: _square(cos, -sin, sin, cos))
