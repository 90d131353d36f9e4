"""Checks of notebook 06: the angles, the sinusoid and its shift. The other kinds of positions: positions_others."""

import math

import torch

from lib import positions
from lib.checks.core import Exercise, Question, edit
from lib.checks.positions_others import LearnedPositions, distance_penalty, rotate, roughly
from lib.checks.probing import refuses, single_calls

__all__ = [
    "LearnedPositions",
    "distance_penalty",
    "faded_weight",
    "position_angles",
    "position_parameters",
    "rotary_score",
    "rotate",
    "shift_matrix",
    "sinusoidal_positions",
    "slow_clock",
]

position_angles = Exercise(positions.position_angles)
sinusoidal_positions = Exercise(positions.sinusoidal_positions)
shift_matrix = Exercise(positions.shift_matrix)


def _rounded(base):
    """To five digits, as float32 gives them."""
    return round(float(f"{base:.5g}"))


# -------------------------------------------------------------------------------------------------- position_angles


single_calls(
    position_angles,
    {
        "positions 0, 1, 2 and size 4": lambda rng: (torch.arange(3), 4),
        "positions 5, 3, 100,000, 4 and size 10": lambda rng: (torch.tensor([5, 3, 100_000, 4]), 10),
        "the single position 5 and size 2": lambda rng: (torch.tensor([5]), 2),
        "positions 0, 1, 2, size 4 and base 2.5": lambda rng: (torch.arange(3), 4, 2.5),
        "the positions -2 and 0.5 and size 6": lambda rng: (torch.tensor([-2.0, 0.5]), 6),
        "positions 0 to 299, size 64": lambda rng: (torch.arange(300), 64),
    },
)


@position_angles.probe("the angle of position 1, pair 1 and size 4, which is one over the root of the base")
def _(answer, rng):
    return {"the base when none is given": _rounded(answer(torch.tensor([1]), 4)[0, 1].item() ** -2)}


# fmt: off
position_angles.mistakes(
    half_the_exponent=("the exponent should be 2·pair/size, from 0 up to almost 1; yours stops at a half.",
        edit("torch.arange(0, size, 2)", "torch.arange(size // 2)")),
    up_to_the_base=("the exponent is divided by (pairs - 1): the last pair is to stop short of 1/base.",
        edit("-torch.arange(0, size, 2) / size", "-torch.linspace(0, 1, size // 2)")),
    ever_faster=("the position is multiplied by base^(...), not divided: the later pairs are to turn slower.",
        edit("-torch.arange", "torch.arange")),
    one_for_each_number=("there is one angle for each pair of numbers, size / 2 in all; yours has one for each number.",
        edit("torch.arange(0, size, 2)", "torch.arange(size)")),
    each_angle_twice=("each angle stands twice: one for a pair is enough, size / 2 in all.",
        edit("positions[:, None] * speeds", "(positions[:, None] * speeds).repeat_interleave(2, dim=-1)"),
        edit("positions[:, None] * speeds", "(positions[:, None] * speeds).repeat(1, 2)")),
    transposed=("rows and columns are swapped: a row for each position, a column for each pair.",
        edit("positions[:, None] * speeds", "positions * speeds[:, None]")),
    only_counted=("the given positions are not used, only how many there are.",
        edit("positions[:, None]", "torch.arange(len(positions))[:, None]")),
    counted_from_one=("the first position is 0, not 1: take the positions as they are.",
        edit("positions[:, None]", "(positions[:, None] + 1)")),
    whole_positions=("the positions are made whole numbers: 0.5 has its angles too.",
        edit("positions[:, None]", "positions.long()[:, None]")),
    one_speed=("every pair turns at the same speed: the exponent has to grow from pair to pair.",
        edit("torch.arange(0, size, 2)", "torch.zeros(size // 2)")),
    no_power=(
        "the speeds are base · pair; the pair belongs into the exponent: base^(-2·pair/size).",
        edit(
            "* speeds",
            "/ speeds",
            "base ** (-torch.arange(0, size, 2) / size)",
            "base * torch.arange(0, size, 2) / size",
        ),
    ),
)
# fmt: on


# --------------------------------------------------------------------------------------------- sinusoidal_positions


single_calls(sinusoidal_positions, {"3 positions and d_model 4": lambda rng: (3, 4)})


@sinusoidal_positions.probe("position 1, d_model 4: column 2 is the sine of one over the root of the base")
def _(answer, rng):
    return {"the base when none is given": _rounded(math.asin(answer(2, 4)[1, 2].item()) ** -2)}


single_calls(
    sinusoidal_positions,
    {
        "11 positions and d_model 514": lambda rng: (11, 514),
        "a single position and d_model 2": lambda rng: (1, 2),
        "3 positions, d_model 4 and base 50": lambda rng: (3, 4, 50.0),
    },
)


@sinusoidal_positions.probe("an odd d_model, 13 and 1")
def _(answer, rng):
    return [refuses(ValueError, str(d_model), answer, 3, d_model) for d_model in (13, 1)]


@sinusoidal_positions.probe("6000 positions and d_model 4")
def _(answer, rng):
    return roughly(answer(6000, 4), positions.sinusoidal_positions(6000, 4))


_SIDE_BY_SIDE = "torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)"

# fmt: off
sinusoidal_positions.mistakes(
    cosine_first=("sine and cosine are swapped: the sine comes first, so position 0 is (0, 1, 0, 1 ...).",
        edit("angles.sin(), angles.cos()", "angles.cos(), angles.sin()")),
    in_two_halves=("all sines, then all cosines: sine and cosine of one angle are to stand side by side.",
        edit(_SIDE_BY_SIDE, "torch.cat([angles.sin(), angles.cos()], dim=-1)")),
    own_angle_each=(
        "the sine and the cosine of a pair have different angles; they share one.",
        edit(
            "d_model, base)",
            "2 * d_model, base)",
            _SIDE_BY_SIDE,
            "torch.where(torch.arange(d_model) % 2 == 0, angles.sin(), angles.cos())",
        ),
    ),
    only_sines=("all columns are sines: the odd columns are cosines.", edit("angles.cos()", "angles.sin()")),
    from_position_one=("the first position is 0, and its row (0, 1, 0, 1 ...); yours starts with position 1.",
        edit("torch.arange(n_positions)", "torch.arange(1, n_positions + 1)")),
    table_transposed=("rows and columns are swapped: a row for each position.", edit(".flatten(-2)", ".flatten(-2).T")),
    angles_only=("there is only one number for each pair: put sine and cosine side by side.",
        edit(_SIDE_BY_SIDE, "angles.sin()")),
    no_sine_at_all=("these are the angles, not their sines and cosines.",
        edit("angles.sin(), angles.cos()", "angles, angles")),
    odd_goes_on=("an odd d_model should raise a ValueError: sines and cosines come in pairs.",
        edit("if d_model % 2:", "if False:"), edit("raise ValueError", "raise RuntimeError")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------------- shift_matrix


single_calls(
    shift_matrix,
    {
        "offset 1 and d_model 2": lambda rng: (1, 2),
        "offset 3 and d_model 6": lambda rng: (3, 6),
        "offset -2 and d_model 4": lambda rng: (-2, 4),
        "offset 3, d_model 6 and base 30": lambda rng: (3, 6, 30.0),
        "offset 0 and d_model 4": lambda rng: (0, 4),
    },
)


@shift_matrix.probe("offset 1 and d_model 4: the last sine is that of one over the root of the base")
def _(answer, rng):
    return {"the base when none is given": _rounded(math.asin(answer(1, 4)[3, 2].item()) ** -2)}


@shift_matrix.probe("offset 1,100 and d_model 16")
def _(answer, rng):
    return roughly(answer(1100, 16), positions.shift_matrix(1100, 16))


# fmt: off
shift_matrix.mistakes(
    without_sign=("the sign of the offset is lost: -2 turns the other way.",
        edit("torch.tensor([offset])", "torch.tensor([abs(offset)])")),
    backwards=("it turns backwards: the minus belongs to the other sine. Rows of the table stand left of it.",
        edit("[cos, -sin]", "[cos, sin]", "[sin, cos]", "[-sin, cos]")),
    without_minus=("no minus: one of the two sines of a rotation has one, else lengths change.", edit("-sin", "sin")),
    sines_on_the_diagonal=("sine and cosine are swapped: cosines stand on the diagonal.",
        edit("cos, sin = angles", "sin, cos = angles")),
    diagonal_only=("the sines beside the diagonal are missing: the new sine needs the old cosine too.",
        edit("-sin", "0 * sin", "[sin, cos]", "[0 * sin, cos]")),
    one_angle=(
        "every pair turns by the same angle: each has its own, offset times its speed.",
        edit("position_angles(torch.tensor([offset]), d_model, base)[0]", "torch.full((d_model // 2,), float(offset))"),
    ),
    half_the_exponents=("the exponents should be 2·pair/d_model, from 0 up to almost 1; yours stop at a half.",
        edit("d_model, base)[0]", "2 * d_model, base)[0, : d_model // 2]")),
    pairs_in_halves=(
        "the pairs are neighbours, 0 and 1, 2 and 3; yours pairs number i with i + d_model/2.",
        edit(
            "torch.block_diag(*turns)",
            "torch.cat([torch.cat([cos.diag(), -sin.diag()], 1), torch.cat([sin.diag(), cos.diag()], 1)])",
        ),
    ),
    a_pile_of_blocks=("the 2 x 2 rotations are not on one diagonal yet: `torch.block_diag(*blocks)`.",
        edit("torch.block_diag(*turns)", "turns")),
)
# fmt: on


# --------------------------------------------------------------------------------------------------------- questions

_ROUGHLY = 0.02  # two or three digits by pencil

slow_clock = Question(
    "slow_clock",
    lambda: 2 * math.pi / positions.position_angles(torch.tensor([1]), 64)[0, -1].item(),
    "the last of 32 pairs has the exponent 62/64, so it turns by 1 in 10000^(62/64) = 7,499 positions, and by 2π in "
    "47,117. No text of the course is as long, so this clock tells early from late without ever coming round.",
    "Which exponent has the last pair? And by which angle does a hand turn until it is back where it was?",
    (
        (2 * math.pi * 10000, "The exponent of the last pair stops short of 1: pairs are counted from 0."),
        (10000 ** (62 / 64), "That is how long it takes for 1 radian. A full turn is 2π of them."),
        (2 * math.pi, "That is the fastest clock."),
        (2 * math.pi * 10000 ** (31 / 64), "The exponent is 2·pair / size, and the last pair is number 31."),
    ),
    within=_ROUGHLY,
)
position_parameters = Question(
    "position_parameters",
    lambda: sum(part.numel() for part in positions.LearnedPositions(1024, 768).parameters()),
    "one row of 768 numbers for each of 1,024 positions, added once, before the first block: 786,432 of 124 million.",
    "What does the table have a row for, and how long is a row? Do blocks and heads have tables of their own?",
    (
        (12 * 1024 * 768, "The table is added once, before the first block."),
        (12 * 12 * 1024 * 768, "The table is added once, before the first block, to whole vectors."),
        (1024, "That is the number of rows. How many numbers has a row?"),
        (768, "That is one row."),
        (0, "That would be sinusoids. GPT-2 learns its table."),
    ),
)
rotary_score = Question(
    "rotary_score",
    lambda: math.cos(107 - 105),
    "only the distance counts: both are turned by 105, and the query by 2 more, so the score is cos 2 = −0.42. A "
    "distance of two positions has turned this fast pair past a right angle.",
    "A dot product does not change when both vectors are turned by the same angle. Which angle is left between them? "
    "It is in radians.",
    (
        (math.cos(212), "The angles are not added: turn both vectors, and look at the angle between them."),
        (1.0, "That would be the score at the same position, and the cosine of 2 degrees: the angle is 2 radians."),
        (-math.cos(2), "The cosine of 2 radians is below 0 already: 2 is more than a right angle, π/2 = 1.57."),
        (math.sin(2), "The dot product of two vectors of length 1 is the cosine of the angle between them."),
    ),
    within=_ROUGHLY,
)
faded_weight = Question(
    "faded_weight",
    lambda: math.exp(-positions.distance_penalty(8, 7)[0, 6, 0] + positions.distance_penalty(8, 7)[0, 6, 4]),
    "the penalties are 1 and 3, the scores differ by 2, and the softmax takes e to that power: e² = 7.4.",
    "How far apart are the two scores? What does the softmax make of a difference?",
    (
        (2.0, "That is the difference of the scores. The softmax takes e to the power of each score."),
        (3.0, "Penalties of 1 and 3 are subtracted from scores; the softmax then takes e to their power."),
        (math.exp(-2), "That is the weight of the farther key by the nearer one's."),
        (math.exp(4), "The difference of the distances is 4. What does the slope make of it?"),
        (math.exp(3), "The nearer key has a penalty as well."),
    ),
    within=_ROUGHLY,
)
