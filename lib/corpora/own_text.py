"""A learner's own files, read with care: what is usable is used, what is not is named by its line.

    OwnPairs, read_pairs    sentence pairs, two columns with a tab between them
    OwnText, read_text      running text

Files are UTF-8, with or without a byte-order mark, or UTF-16 with one; lines end as on any system. Each kind of trouble
becomes one sentence with the line numbers, counted from 1. Used by `python -m lib.training`.
"""

import codecs
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LONGEST = 1_000  # characters on one side of a pair: far beyond any sentence, and memory grows with its square
LARGEST = 2**30  # bytes of a file, which is read as a whole
NAMED = 5  # so many line numbers are told of each kind of trouble
LINE_END = re.compile(rb"\r\n|\n|\r")

UNREADABLE = "not UTF-8; save the file as UTF-8 to use them. Left out"
ZERO = "a zero byte, which no text has. Left out"
ONE_COLUMN = "no tab, so there is only one column. Left out"
MORE_COLUMNS = "more than two columns. The first two were used"
NOTHING_THERE = "nothing but spaces on one side or both. Left out"
TOO_LONG = f"more than {LONGEST:,} characters on one side. Left out"


class OwnPairs(NamedTuple):
    """The usable pairs in the order of the file, and one sentence for each kind of trouble."""

    pairs: list[tuple[str, str]]
    complaints: list[str]


class OwnText(NamedTuple):
    """The usable text with "\\n" at the line ends, and one sentence for each kind of trouble."""

    text: str
    complaints: list[str]


def read_pairs(path: str | os.PathLike) -> OwnPairs:
    """Read a file with a source and a target sentence on each line and a tab between them. Empty lines do not matter.

    Raises ValueError in one sentence when there is no usable pair at all, and FileNotFoundError.
    """
    path = Path(path)
    pairs, troubles = [], {}
    for number, line, trouble in _lines(path):
        if not trouble and line.strip() == "" and "\t" not in line:
            continue
        cells = [" ".join(cell.split()) for cell in line.split("\t")]
        if not trouble and len(cells) == 1:
            trouble = ONE_COLUMN
        if not trouble and not (cells[0] and cells[1]):
            trouble = NOTHING_THERE
        if not trouble and max(len(cells[0]), len(cells[1])) > LONGEST:
            trouble = TOO_LONG
        if not trouble:
            pairs.append((cells[0], cells[1]))
            trouble = MORE_COLUMNS if len(cells) > 2 else ""
        if trouble:
            troubles.setdefault(trouble, []).append(number)
    complaints = _sentences(path, troubles)
    if not pairs:
        raise ValueError(_nothing(path, "pair of sentences", complaints))
    return OwnPairs(pairs, complaints)


def read_text(path: str | os.PathLike) -> OwnText:
    """Read running text, lines of any length. Raises ValueError when there is none, and FileNotFoundError."""
    path = Path(path)
    lines, troubles = [], {}
    for number, line, trouble in _lines(path):
        if trouble:
            troubles.setdefault(trouble, []).append(number)
        else:
            lines.append(line)
    complaints = _sentences(path, troubles)
    text = "\n".join(lines)
    if not text.strip():
        raise ValueError(_nothing(path, "text", complaints))
    return OwnText(text, complaints)


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, text and what is wrong with it, or nothing."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a file of text")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if not path.is_file():
        raise ValueError(f"{path} is no regular file: it might never end")
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"{path} has {size:,} bytes: {LARGEST:,} at most are read at once")
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content = content.decode("utf-16", errors="replace").encode("utf-8")
    content = content.removeprefix(codecs.BOM_UTF8)
    for number, line in enumerate(LINE_END.split(content), start=1):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            yield number, "", UNREADABLE
        else:
            yield number, text, ZERO if "\0" in text else ""


def _sentences(path: Path, troubles: dict[str, list[int]]) -> list[str]:
    return [f"{path.name}, {_named(numbers)}: {trouble}." for trouble, numbers in troubles.items()]


def _named(numbers: list[int]) -> str:
    """ "line 7", "lines 7 and 9", "lines 7, 8, 9, 10, 12 and 1,204 others"."""
    told = [f"{number:,}" for number in numbers[:NAMED]]
    if len(numbers) > NAMED:
        told.append(f"{len(numbers) - NAMED:,} {'others' if len(numbers) > NAMED + 1 else 'other'}")
    if len(told) == 1:
        return f"line {told[0]}"
    return f"lines {', '.join(told[:-1])} and {told[-1]}"


def _nothing(path: Path, what: str, complaints: list[str]) -> str:
    if not path.stat().st_size:
        return f"{path} is empty"
    return " ".join([f"{path} has no usable {what}.", *complaints])
