"""Checks of notebook 14, third part: weights of four bits."""

import numpy as np
import torch

from lib import gguf
from lib.checks.core import Exercise, Question, edit
from lib.checks.differences import kind_of
from lib.checks.running import Problem

unpack_q4_1 = Exercise(gguf.unpack_q4_1)


def _packed(scale, minimum, numbers):
    """Blocks (n, 20), as a file has them: read-only, and at an odd address. numbers: (n, 32) from 0 to 15."""
    numbers = np.asarray(numbers, np.uint8)
    heads = np.stack(np.broadcast_arrays(scale, minimum), axis=-1).astype("<f2").reshape(len(numbers), 2)
    content = np.concatenate([heads.view(np.uint8), numbers[:, :16] | numbers[:, 16:] << 4], axis=1)
    return np.frombuffer(b"odd" + content.tobytes(), np.uint8, offset=3).reshape(-1, 20)


def _numbers(rng, n):
    return torch.randint(16, (n, 32), generator=rng).numpy()


def _some_blocks(rng, n):
    scale, minimum = (torch.rand(n, generator=rng) + 0.1).numpy(), torch.randn(n, generator=rng).numpy()
    return _packed(scale, minimum, _numbers(rng, n))


def _checked(values):
    """Values as a tensor, which the machinery compares."""
    if not isinstance(values, np.ndarray):
        raise Problem("type", f"the result should be a NumPy array, not {kind_of(values)}.")
    if values.dtype != np.float32:
        raise Problem(f"dtype {values.dtype}", f"the result has dtype {values.dtype}, expected float32.")
    if not values.flags.c_contiguous:
        raise Problem("order", "the blocks of the result do not lie one behind the other: np.ascontiguousarray.")
    return torch.from_numpy(values.copy())


@unpack_q4_1.probe("one block: scale 0.5, minimum -2, q = 0 to 15 and then 15 down to 0")
def _(answer, rng):
    return _checked(answer(_packed([0.5], [-2.0], [[*range(16), *range(15, -1, -1)]])))


@unpack_q4_1.probe("5 blocks")
def _(answer, rng):
    return _checked(answer(_some_blocks(rng, 5)))


@unpack_q4_1.probe("a scale of 0; a negative one; one of 3e-5; and values beyond 65,504, float16's largest")
def _(answer, rng):
    return _checked(answer(_packed([0.0, -0.25, 3e-5, 6e4], [-1.5, 0.5, -5e-5, -6e4], _numbers(rng, 4))))


@unpack_q4_1.probe(
    "3 blocks, and then the 10,368 of a matrix of 576 x 576: both results, looked at when both are there"
)
def _(answer, rng):
    first, second = answer(_some_blocks(rng, 3)), answer(_some_blocks(rng, 576 * 576 // 32))
    return {name: _checked(part) for name, part in (("the first result", first), ("the second result", second))}


_FLOATS = 'np.ascontiguousarray(blocks[:, :4]).view("<f2").astype(np.float32).T'
_HALVES = "blocks[:, 4:] & 15, blocks[:, 4:] >> 4"
_RETURNED = "return values.reshape(-1, BLOCK)"
_SCALED, _RAISED = "values *= scale[:, None, None]", "values += minimum[:, None, None]"

# fmt: off
unpack_q4_1.mistakes(
    interleaved=("the two halves of a byte stand side by side: low halves are weights 0 to 15, high halves 16 to 31.",
        edit(_RETURNED, "return values.transpose(0, 2, 1).reshape(-1, BLOCK)")),
    halves_swapped=("low and high halves are exchanged: `& 15` gives weights 0 to 15, `>> 4` weights 16 to 31.",
        edit(_HALVES, "blocks[:, 4:] >> 4, blocks[:, 4:] & 15")),
    pairs_swapped=("the two halves of a byte stand side by side, high one first: low halves are weights 0 to 15.",
        edit(_RETURNED, "return values[:, ::-1].transpose(0, 2, 1).reshape(-1, BLOCK)")),
    scale_and_minimum_swapped=("scale and minimum are exchanged: the scale comes first.",
        edit("scale, minimum = ", "minimum, scale = ")),
    no_minimum=("the minimum is not added: q counts from it.", edit(_RAISED, "pass")),
    zero_scale=("a scale of 0 is no empty block: all its weights are the minimum.",
        edit(_RAISED, f"{_RAISED}\n    values[scale == 0] = 0.0")),
    minimum_taken_away=("the minimum is taken away: it is added (it is negative as a rule).",
        edit("values += ", "values -= ")),
    minimum_scaled=("the minimum is multiplied by the scale too: value = scale * q + minimum.",
        edit(f"{_SCALED}\n    {_RAISED}", f"{_RAISED}\n    {_SCALED}")),
    no_scale=("the numbers are not multiplied by the scale.", edit(_SCALED, "pass")),
    centred=("8 is taken from q, as another format (Q4_0) does: here q is 0 to 15, and the minimum does the rest.",
        edit(_SCALED, f"values -= 8\n    {_SCALED}")),
    signed=("q is read as a signed number: four bits are 0 to 15 here.",
        edit(_SCALED, f"values[values > 7] -= 16\n    {_SCALED}")),
    signed_bytes=("the bytes are read as signed ones, so `>> 4` gives negative numbers: they are uint8.",
        edit("blocks[:, 4:] >> 4", "blocks[:, 4:].view(np.int8) >> 4")),
    not_shifted=("the high halves are 16 times too large: shift them down by four bits, `>> 4`.",
        edit(">> 4", "& 240")),
    not_masked=("the low halves still hold the high ones: keep four bits, `& 15`.", edit(" & 15", "")),
    three_bits=("three bits are kept: four bits are `& 15`.", edit("& 15", "& 7")),
    other_start=("the four-bit numbers begin at byte 4, after two float16 of two bytes each.",
        edit("blocks[:, 4:]", "blocks[:, 2:18]")),
    floats_at_the_end=("scale and minimum are the first four bytes, not the last.",
        edit("blocks[:, :4]", "blocks[:, 16:]", "blocks[:, 4:]", "blocks[:, :16]")),
    high_byte_first=("a float16's low byte comes first: '<f2'.", edit('"<f2"', '">f2"')),
    as_integers=("scale and minimum are read as integers: they are float16.", edit('"<f2"', '"<u2"')),
    bfloat16=(
        "scale and minimum are read as bfloat16, the upper half of a float32: they are float16.",
        edit(_FLOATS, '(np.ascontiguousarray(blocks[:, :4]).view("<u2").astype(np.uint32) << 16).view(np.float32).T'),
    ),
    first_block=("the scale and minimum of the first block are used for all: each block has its own.",
        edit("scale[:, None, None]", "scale[:1, None, None]", "minimum[:, None, None]", "minimum[:1, None, None]"),
        edit("scale[:, None, None]", "scale[0] if len(scale) else 0.0",
             "minimum[:, None, None]", "minimum[0] if len(scale) else 0.0")),
    divided=("q is divided by 15 first: the scale is the step from one q to the next.",
        edit(_SCALED, f"values /= 15\n    {_SCALED}")),
    half_precision=("the result is float16: float32 is asked for.",
        edit(_RETURNED, "return values.reshape(-1, BLOCK).astype(np.float16)")),
    double_precision=("the result is float64: float32 is asked for.",
        edit(_RETURNED, "return values.reshape(-1, BLOCK).astype(np.float64)")),
    computed_in_half=(
        "it is computed in float16, which rounds off, and overflows above 65,504: turn scale and minimum to float32.",
        edit(", np.float32)", ", np.float16)", ".astype(np.float32)", "", _RETURNED,
             "return values.reshape(-1, BLOCK).astype(np.float32)"),
    ),
    not_flattened=("the result has the shape (blocks, 2, 16): (blocks, 32) is asked for.",
        edit(_RETURNED, "return values")),
    turned=("the blocks of the result do not lie one behind the other in memory: np.ascontiguousarray.",
        edit(_RETURNED, "return np.asfortranarray(values.reshape(-1, BLOCK))")),
    flat=("the blocks are joined: the shape is (blocks, 32).", edit(_RETURNED, "return values.reshape(-1)")),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------- bits_a_weight


bits_a_weight = Question(
    "bits_a_weight",
    lambda: 8 * gguf.BY_NAME["Q4_1"].bytes / gguf.BY_NAME["Q4_1"].weights,
    why="32 x 4 and 2 x 16 are 160 bits, 20 bytes, for 32 weights. float32 takes 32 bits a weight.",
    hint="All bits of a block, scale and minimum too, divided by its 32 weights.",
    hints=(
        (4.0, "Count scale and minimum too."),
        (4.5, "That is with a scale alone (the kind Q4_0). Here there is a minimum too."),
        (0.625, "That is in bytes."),
        (6.0, "A float16 has 16 bits, not 32."),
        (160, "That is a whole block: divide by its 32 weights."),
    ),
)
