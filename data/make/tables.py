"""Word lists: the text files in lists/, read by a few lines of code.

    table      a header line that names the columns, then one entry a line; a tab between cells, "-" for an empty one
    sections   "[name]" on a line of its own begins a section, and its text goes on to the next
    lists      "name: one, another" a line; an indented line goes on
    records    blocks of lines "name: words", with an empty line between; an indented line goes on

A line that begins with "#" is a comment, in all of them.
"""

import re
from pathlib import Path

LISTS = Path(__file__).parent / "lists"


def read(name: str) -> str:
    """The text of a file of lists/, without comments."""
    return re.sub(r"^#.*\n", "", (LISTS / name).read_text(encoding="utf-8"), flags=re.MULTILINE)


def table(name: str) -> list[dict[str, str]]:
    """The entries of a table, cells by column. Raises ValueError, with the line, where cells and columns differ."""
    header, *lines = filter(None, read(name).split("\n"))
    columns, entries = header.split("\t"), []
    for line in lines:
        cells = ["" if cell == "-" else cell for cell in line.split("\t")]
        if len(cells) != len(columns):
            raise ValueError(f"{name}: a line has {len(cells)} cells instead of {len(columns)}: {line!r}")
        entries.append(dict(zip(columns, cells, strict=True)))
    return entries


def sections(name: str) -> dict[str, str]:
    """The sections of a file, by name."""
    _, *parts = re.split(r"^\[([\w ]+)\]\n", read(name), flags=re.MULTILINE)
    return {section: body.strip() for section, body in zip(parts[::2], parts[1::2], strict=True)}


def lists(text: str) -> dict[str, list[str]]:
    """The lists of a text (of a whole file or of a section), by name."""
    lines = re.sub(r"\n\s+", " ", text.strip()).split("\n")
    return {name: words.split(", ") for name, words in (line.split(": ", 1) for line in lines)}


def records(text: str) -> list[dict[str, str]]:
    """The records of a text, in order."""
    blocks = (re.sub(r"\n\s+", " ", block).split("\n") for block in text.strip().split("\n\n"))
    return [dict(line.split(": ", 1) for line in block) for block in blocks]
