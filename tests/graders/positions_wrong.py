"""Wrong answers to notebook 06, as people write them: angles, sinusoid, shift."""

import math

import torch

from lib.checks.core import edit
from tests.graders.cases import slips, wrong


@wrong("position_angles", says="2·pair/size")
def pair_over_size(positions, size, base=10000.0):
    pairs = torch.arange(size // 2)
    return positions.unsqueeze(1) / torch.pow(base, pairs / size)


@wrong("position_angles", says="(pairs - 1)")
def timing_signal_style(positions, size, base=10000.0):
    pairs = size // 2
    step = math.log(base) / max(pairs - 1, 1)
    return positions[:, None] * torch.exp(-step * torch.arange(pairs))


@wrong("position_angles", says="not divided")
def forgets_the_minus(positions, size, base=10000.0):
    return positions[:, None] * torch.exp(torch.arange(0, size, 2) * math.log(base) / size)


@wrong("position_angles", says="one for each number")
def an_angle_for_every_number(positions, size, base=10000.0):
    return torch.stack([positions / base ** (i / size) for i in range(size)], dim=1)


@wrong("position_angles", says="each angle stands twice")
def doubled(positions, size, base=10000.0):
    return torch.stack([positions / base ** (2 * (i // 2) / size) for i in range(size)], dim=1)


@wrong("position_angles", says="swapped")
def columns_for_positions(positions, size, base=10000.0):
    return torch.stack([positions / base ** (i / size) for i in range(0, size, 2)])


@wrong("position_angles", says="`base` has no effect")
def hard_coded_base(positions, size, base=10000.0):
    return positions[:, None] / 10000 ** (torch.arange(0, size, 2) / size)


@wrong("position_angles", says="given positions are not used")
def counts_them(positions, size, base=10000.0):
    return torch.arange(positions.shape[0])[:, None] / base ** (torch.arange(0, size, 2) / size)


@wrong("position_angles", says="not 1")
def plus_one(positions, size, base=10000.0):
    return (positions[:, None] + 1) / base ** (torch.arange(0, size, 2) / size)


@wrong("position_angles", says="same speed")
def exponent_rounded_to_zero(positions, size, base=10000.0):
    return positions[:, None] / base ** (torch.arange(0, size, 2) // size)


@wrong("position_angles", says="return")
def returns_nothing(positions, size, base=10000.0):
    positions[:, None] / base ** (torch.arange(0, size, 2) / size)


@wrong("position_angles", says="raised")
def shapes_do_not_fit(positions, size, base=10000.0):
    return positions * base ** (-torch.arange(0, size, 2) / size)


@wrong("position_angles", says="dtype")
def as_whole_numbers(positions, size, base=10000.0):
    return (positions[:, None] * base ** (-torch.arange(0, size, 2) / size)).long()


@wrong("position_angles", says="keeps something")
def remembers_by_size(positions, size, base=10000.0, speeds={}):  # noqa: B006
    if size not in speeds:
        speeds[size] = base ** (-torch.arange(0, size, 2) / size)
    return positions[:, None] * speeds[size]


slips(
    "position_angles",
    squeezes=("without a dimension", edit("positions[:, None] * speeds", "(positions[:, None] * speeds).squeeze()")),
    whole_numbers=("whole numbers", edit("positions[:, None]", "positions.int()[:, None]")),
    other_default=("the base when none is given", edit("base: float = 10000.0", "base: float = 10001.0")),
    first_256_only=("positions 0 to 299", edit("positions[:, None]", "positions[:256, None]")),
    negative_cut_off=("the positions -2", edit("positions[:, None]", "positions.clamp(min=0)[:, None]")),
    pair_counted_from_one=("positions 0, 1, 2", edit("torch.arange(0, size, 2)", "torch.arange(2, size + 2, 2)")),
    no_more_than_4096=(None, edit("return positions", "return positions.clamp(max=4096)")),
)


def _columns(n_positions, d_model, base):
    return torch.arange(n_positions)[:, None] / base ** (torch.arange(0, d_model, 2) / d_model)


@wrong("sinusoidal_positions", says="swapped")
def cosines_in_even_columns(n_positions, d_model, base=10000.0):
    table = torch.zeros(n_positions, d_model)
    table[:, 1::2] = _columns(n_positions, d_model, base).sin()
    table[:, 0::2] = _columns(n_positions, d_model, base).cos()
    return table


@wrong("sinusoidal_positions", says="side by side")
def halves(n_positions, d_model, base=10000.0):
    angles = _columns(n_positions, d_model, base)
    return torch.cat((torch.sin(angles), torch.cos(angles)), 1)


@wrong("sinusoidal_positions", says="side by side")
def stacked_on_the_wrong_axis(n_positions, d_model, base=10000.0):
    angles = _columns(n_positions, d_model, base)
    return torch.stack([angles.sin(), angles.cos()], dim=1).flatten(1)


@wrong("sinusoidal_positions", says="share one")
def exponent_runs_on(n_positions, d_model, base=10000.0):
    rows = []
    for p in range(n_positions):
        angles = [p / base ** (i / d_model) for i in range(d_model)]
        rows.append([math.cos(a) if i % 2 else math.sin(a) for i, a in enumerate(angles)])
    return torch.tensor(rows)


@wrong("sinusoidal_positions", says="odd columns are cosines")
def sines_everywhere(n_positions, d_model, base=10000.0):
    return _columns(n_positions, d_model, base).repeat_interleave(2, dim=1).sin()


@wrong("sinusoidal_positions", says="starts with position 1")
def counts_from_one(n_positions, d_model, base=10000.0):
    angles = torch.arange(1, n_positions + 1)[:, None] / base ** (torch.arange(0, d_model, 2) / d_model)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).reshape(n_positions, d_model)


@wrong("sinusoidal_positions", says="a row for each position")
def wrong_way_round(n_positions, d_model, base=10000.0):
    angles = _columns(n_positions, d_model, base)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1).t()


@wrong("sinusoidal_positions", says="`base` has no effect")
def ten_thousand_always(n_positions, d_model, base=10000.0):
    if d_model % 2:
        raise ValueError(f"{d_model} is odd")
    angles = _columns(n_positions, d_model, 10_000)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


@wrong("sinusoidal_positions", says="only one number for each pair")
def no_cosines(n_positions, d_model, base=10000.0):
    return torch.sin(_columns(n_positions, d_model, base))


@wrong("sinusoidal_positions", says="not their sines")
def raw_angles(n_positions, d_model, base=10000.0):
    return _columns(n_positions, d_model, base).repeat_interleave(2, dim=-1)


@wrong("sinusoidal_positions", says="ValueError")
def one_column_too_few_for_odd(n_positions, d_model, base=10000.0):
    table = torch.zeros(n_positions, d_model)
    for i in range(0, d_model - 1, 2):
        angle = torch.arange(n_positions) / base ** (i / d_model)
        table[:, i], table[:, i + 1] = angle.sin(), angle.cos()
    return table


@wrong("sinusoidal_positions", says="ValueError")
def asserts_instead(n_positions, d_model, base=10000.0):
    assert d_model % 2 == 0
    angles = _columns(n_positions, d_model, base)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


@wrong("sinusoidal_positions", says="return")
def forgets_to_return(n_positions, d_model, base=10000.0):
    table = torch.zeros(n_positions, d_model)
    table[:, 0::2] = _columns(n_positions, d_model, base).sin()
    table[:, 1::2] = _columns(n_positions, d_model, base).cos()


@wrong("sinusoidal_positions", says="torch.Tensor")
def a_list_of_rows(n_positions, d_model, base=10000.0):
    angles = _columns(n_positions, d_model, base)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1).tolist()


@wrong("sinusoidal_positions", says="keeps something")
def one_table_for_each_shape(n_positions, d_model, base=10000.0):
    if (n_positions, d_model) not in TABLES:
        if d_model % 2:
            raise ValueError(f"d_model={d_model}")
        angles = _columns(n_positions, d_model, base)
        TABLES[n_positions, d_model] = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    return TABLES[n_positions, d_model]


TABLES = {}

slips(
    "sinusoidal_positions",
    as_in_the_example=(
        "11 positions",
        edit(
            "position_angles(torch.arange(n_positions), d_model, base)",
            "torch.arange(n_positions)[:, None] * base ** (-torch.arange(d_model // 2) / 2)",
        ),
    ),
    squeezes=("without a dimension", edit(".flatten(-2)", ".flatten(-2).squeeze()")),
    bare_error=(
        "names 13",
        edit('ValueError(f"d_model={d_model} is odd: sines and cosines come in pairs")', "ValueError"),
    ),
    names_the_length=("names 13", edit("d_model={d_model}", "{n_positions}")),
    wrong_error=("should raise a ValueError", edit("raise ValueError", "raise TypeError")),
    even_refused=("raised ValueError", edit("if d_model % 2:", "if d_model % 2 == 0:")),
    paper_buffer=("6000 positions", edit("torch.arange(n_positions)", "torch.arange(n_positions).clamp(max=511)")),
    other_default=("the base when none is given", edit("base: float = 10000.0", "base: float = 10001.0")),
    doubles=(
        "dtype",
        edit(
            "angles = position_angles(",
            "angles = 1.0 * position_angles(1.0 * ",
            "torch.arange(n_positions)",
            "torch.arange(n_positions).double()",
        ),
    ),
    no_more_than_512=(None, edit("    angles = ", "    d_model = min(d_model, 512)\n    angles = ")),
)


def _angle(offset, d_model, base, pair):
    return offset / base ** (2 * pair / d_model)


def _matrix(offset, d_model, base, block):
    matrix = torch.zeros(d_model, d_model)
    for pair in range(d_model // 2):
        angle = _angle(offset, d_model, base, pair)
        matrix[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = torch.tensor(block(math.cos(angle), math.sin(angle)))
    return matrix


@wrong("shift_matrix", says="turns backwards")
def for_column_vectors(offset, d_model, base=10000.0):
    return _matrix(offset, d_model, base, lambda c, s: [[c, s], [-s, c]])


@wrong("shift_matrix", says="no minus")
def no_sign(offset, d_model, base=10000.0):
    return _matrix(offset, d_model, base, lambda c, s: [[c, s], [s, c]])


@wrong("shift_matrix", says="cosines stand on the diagonal")
def sine_first(offset, d_model, base=10000.0):
    return _matrix(offset, d_model, base, lambda c, s: [[s, -c], [c, s]])


@wrong("shift_matrix", says="beside the diagonal are missing")
def only_a_diagonal(offset, d_model, base=10000.0):
    angles = torch.tensor([_angle(offset, d_model, base, i // 2) for i in range(d_model)])
    return torch.diag(torch.cos(angles))


@wrong("shift_matrix", says="same angle")
def offset_is_the_angle(offset, d_model, base=10000.0):
    c, s = math.cos(offset), math.sin(offset)
    return torch.block_diag(*[torch.tensor([[c, -s], [s, c]])] * (d_model // 2))


@wrong("shift_matrix", says="pairs are neighbours")
def block_of_diagonals(offset, d_model, base=10000.0):
    angles = torch.tensor([_angle(offset, d_model, base, pair) for pair in range(d_model // 2)])
    top = torch.cat([angles.cos().diag(), -angles.sin().diag()], dim=1)
    return torch.cat([top, torch.cat([angles.sin().diag(), angles.cos().diag()], dim=1)])


@wrong("shift_matrix", says="block_diag")
def not_put_together(offset, d_model, base=10000.0):
    angles = torch.tensor([_angle(offset, d_model, base, pair) for pair in range(d_model // 2)])
    return torch.stack([angles.cos(), -angles.sin(), angles.sin(), angles.cos()], dim=-1).view(-1, 2, 2)


@wrong("shift_matrix", says="`base` has no effect")
def base_left_out(offset, d_model, base=10000.0):
    return _matrix(offset, d_model, 10000, lambda c, s: [[c, -s], [s, c]])


@wrong("shift_matrix", says="sign of the offset")
def absolute_offset(offset, d_model, base=10000.0):
    return _matrix(abs(offset), d_model, base, lambda c, s: [[c, -s], [s, c]])


@wrong("shift_matrix", says="torch.Tensor")
def nested_lists(offset, d_model, base=10000.0):
    return _matrix(offset, d_model, base, lambda c, s: [[c, -s], [s, c]]).tolist()


@wrong("shift_matrix", says="return")
def nothing_back(offset, d_model, base=10000.0):
    _matrix(offset, d_model, base, lambda c, s: [[c, -s], [s, c]])


@wrong("shift_matrix", says="raised")
def angle_is_no_tensor(offset, d_model, base=10000.0):
    angles = [_angle(offset, d_model, base, pair) for pair in range(d_model // 2)]
    return torch.block_diag(*(torch.tensor([[a.cos(), -a.sin()], [a.sin(), a.cos()]]) for a in angles))


@wrong("shift_matrix", says="keeps something")
def made_once(offset, d_model, base=10000.0, made={}):  # noqa: B006
    if (offset, d_model) not in made:
        made[offset, d_model] = _matrix(offset, d_model, base, lambda c, s: [[c, -s], [s, c]])
    return made[offset, d_model]


slips(
    "shift_matrix",
    other_default=("the base when none is given", edit("base: float = 10000.0", "base: float = 10001.0")),
    half_the_exponent=("stop at a half", edit("d_model, base)[0]", "2 * d_model, base)[0][: d_model // 2]")),
    at_most_64=("offset 1,100", edit("[offset]", "[min(offset, 64)]")),
    one_too_far=("offset 1 and d_model 2", edit("[offset]", "[offset + 1]")),
    nothing_for_zero=(
        "offset 0",
        edit("cos, sin = angles.cos(), angles.sin()", "cos, sin = angles.cos() * bool(offset), angles.sin()"),
    ),
    doubles=("dtype", edit("torch.tensor([offset])", "torch.tensor([offset]).double()")),
    no_more_than_512=(None, edit("torch.tensor([offset])", "torch.tensor([min(offset, 512)])")),
)
