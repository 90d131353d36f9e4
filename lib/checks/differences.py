"""Where the learner's result differs from the expected one, in a sentence with the numbers of both.

    difference   the first difference between two results as (kind, sentence), or None
    short, kind_of   a value or its type, as a sentence needs it

Results are tensors, numbers, strings, and tuples, lists or dicts of them. float32 may be summed in any order, so
numbers may differ by RTOL of their size, or by ATOL; whole numbers and bools must be the same.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

RTOL, ATOL = 1e-4, 1e-5
NUMBERS_SHOWN = 4


def difference(mine, expected, name: str, names: Sequence[str] = (), within: float = RTOL) -> tuple[str, str] | None:
    """The first difference as (kind, sentence), or None. A list may stand for a tuple, a 0-d tensor for a number.

    within: how far off a number may be, relatively
    """
    if isinstance(expected, Mapping):
        return _mapping_difference(mine, expected, name, within)
    if isinstance(expected, tuple | list):
        return _sequence_difference(mine, expected, name, names, within)
    if mine is None and expected is not None:
        return "nothing returned", f"{name} is None. Is a `return` missing?"
    if isinstance(expected, Tensor):
        return _tensor_difference(mine, expected, name, within)
    if isinstance(expected, bool | int | float):
        return _number_difference(mine, expected, name, within)
    same = type(mine) is type(expected) and mine == expected
    return None if same else ("value", f"{name} is {short(mine)}, expected {short(expected)}.")


def _mapping_difference(mine, expected: Mapping, name: str, within: float) -> tuple[str, str] | None:
    if not isinstance(mine, Mapping):
        return "type", f"{name} should be a dict, not {kind_of(mine)}."
    if missing := [key for key in expected if key not in mine]:
        return "keys", f"{name} has no {short(missing[0])}."
    if extra := [key for key in mine if key not in expected]:
        return "keys", f"{name} should not have {short(extra[0])}."
    for key in expected:
        part = key if isinstance(key, str) and name == "the result" else f"{name}[{short(key)}]"
        if found := difference(mine[key], expected[key], part, within=within):
            return found
    return None


def _sequence_difference(
    mine, expected: Sequence, name: str, names: Sequence[str], within: float
) -> tuple[str, str] | None:
    parts = f" ({', '.join(names[: len(expected)])})" if names else ""
    if not isinstance(mine, tuple | list):
        what = "is None. Is a `return` missing?" if mine is None else f"is {kind_of(mine)}"
        return "type", f"{name} {what}; expected {len(expected)} values{parts}."
    if len(mine) != len(expected):
        shown = "" if parts else f": {short(mine)} instead of {short(expected)}"
        return "length", f"{name} has {len(mine)} values, expected {len(expected)}{parts}{shown}."
    for i, (a, b) in enumerate(zip(mine, expected, strict=True)):
        if i < len(names) and a is None and b is not None:
            return "value", f"{names[i]} is None, expected {short(b)}."
        if found := difference(a, b, names[i] if i < len(names) else f"{name}[{i}]", within=within):
            plain = all(isinstance(part, str | int | float) for part in [*mine, *expected])
            return (found[0], f"{name} is {short(mine)}, expected {short(expected)}.") if plain else found
    return None


def _tensor_difference(mine, expected: Tensor, name: str, within: float) -> tuple[str, str] | None:
    if not isinstance(mine, Tensor):
        return "type", f"{name} should be a torch.Tensor, not {kind_of(mine)}."
    if mine.shape != expected.shape:
        return "shape", f"{name} has shape {tuple(mine.shape)}, expected {tuple(expected.shape)}."
    if mine.dtype != expected.dtype:
        return "dtype", f"{name} has dtype {mine.dtype}, expected {expected.dtype}."
    if expected.requires_grad and not mine.requires_grad:
        return (
            "no gradient",
            f"no gradient flows through {name} (`.detach()`, `.item()`, NumPy or `no_grad` cuts it off).",
        )
    a, b = mine.detach(), expected.detach()
    if expected.is_floating_point():
        a, b = a.double(), b.double()
        wrong = ~torch.isclose(a, b, rtol=within, atol=ATOL * max(1, within / RTOL), equal_nan=True)
    else:
        a, b = a.long(), b.long()
        wrong = a != b  # whole numbers are ids and counts: 50,301 is not nearly 50,300
    if not wrong.any():
        return None
    where = wrong.nonzero()[0].tolist()
    if not where:
        return "value", f"{name} is {_shown(a.item(), 4)}, expected {_shown(b.item(), 4)}."
    start = max(0, min(where[-1], a.shape[-1] - NUMBERS_SHOWN))
    row = tuple(where[:-1])
    index = ", ".join([*map(str, row), f"{start}:{min(start + NUMBERS_SHOWN, a.shape[-1])}"])
    yours, ours = (_row(x[row][start : start + NUMBERS_SHOWN]) for x in (a, b))
    return "value", f"{name}[{index}] is {yours}, expected {ours}."


def _number_difference(mine, expected, name: str, within: float) -> tuple[str, str] | None:
    if isinstance(mine, Tensor | np.ndarray):
        if mine.ndim:
            return "shape", f"{name} has shape {tuple(mine.shape)}, expected one number."
        mine = mine.item()
    mine = mine.item() if isinstance(mine, np.generic) else mine
    if not isinstance(mine, bool | int | float):
        return "type", f"{name} should be a number, not {kind_of(mine)}."
    if isinstance(expected, float):
        same = math.isclose(mine, expected, rel_tol=within, abs_tol=ATOL) or (math.isnan(mine) and math.isnan(expected))
    else:
        same = mine == expected
    return None if same else ("value", f"{name} is {_shown(mine)}, expected {_shown(expected)}.")


def _shown(number: bool | int | float, digits: int = 6) -> str:
    return f"{number:.{digits}g}" if isinstance(number, float) else str(number)


def _row(numbers: Tensor) -> str:
    return "[" + ", ".join(_shown(number, 4) for number in numbers.tolist()) + "]"


def short(value: object, limit: int = 90) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def kind_of(value: object) -> str:
    if value is None:
        return "None (is a `return` missing?)"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
