"""Which of the course's notebooks a file is: told by what is in it, whatever it is called.

    given     the cells of the course's solutions
    read      a notebook file as it stands; Damaged says in a sentence why it is none
    place     the solution that a notebook is judged by, by the exercises that its cells name
    find      the file in a folder that holds one of the course's notebooks
    passed_over  why a file that has `.ipynb` in its name is no notebook

JupyterLab keeps a cell's metadata, Colab drops its id, other tools drop both: so the metadata counts first, and where
there is none, the functions that are defined and the cells that are as the course gave them. The number in a file's
name decides only between equals. Standard library only: `course.py` uses it before anything is installed.
"""

import functools
import json
import re
from collections import defaultdict
from pathlib import Path

from lib.course.programs import ROOT

SOLUTIONS, NOTEBOOKS = ROOT / "solutions", ROOT / "notebooks"
KINDS = ("exercise", "question", "check")
DEFINED = re.compile(r"^(?:async )?(?:def|class) (\w+)|^(\w+) *=[^=]|check\([\"'](\w+)[\"']\)", re.MULTILINE)


class Damaged(ValueError):
    """A file that is no notebook any more. The text goes on from "cannot be read as a notebook: "."""


def read(path: Path) -> dict:
    """The notebook in a file, as plain dictionaries with every cell's source as one text. Raises Damaged."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Damaged(f"it cannot be opened ({error.strerror})") from None
    if not content.strip():
        raise Damaged("it is empty")
    try:  # with the mark that Windows' editors put first
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise Damaged("it is not text") from None
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        if re.search(r"^<<<<<<< ", text, re.MULTILINE):
            raise Damaged("a git merge damaged it, it holds <<<<<<< lines") from None
        where = getattr(error, "lineno", 1)
        broken_off = getattr(error, "pos", 0) >= len(text.rstrip()) or "Unterminated" in str(error)
        raise Damaged("it breaks off in the middle" if broken_off else f"line {where} is no JSON") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Damaged("it has no cells")
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict) or not isinstance(cell.get("source"), str | list):
            raise Damaged(f"cell {number} of {len(cells)} is damaged")
        cell["source"] = "".join(map(str, cell["source"]))
        cell["cell_type"] = str(cell.get("cell_type"))
        cell["metadata"] = cell["metadata"] if isinstance(cell.get("metadata"), dict) else {}
    notebook["metadata"] = notebook["metadata"] if isinstance(notebook.get("metadata"), dict) else {}
    return notebook


def place(notebook: dict, name: str = "") -> Path | None:
    """The solution that this notebook is judged by, or None. `name` is its file's."""
    numbers = {number.zfill(2) for number in re.findall(r"\d+", name)}
    for traits, fewest in ((named, 1), (traits_without_metadata, 2)):
        solution, best = None, (0, False)
        for path, cells in given().items():
            common = traits(notebook["cells"], named(cells)) & traits(cells, named(cells))
            score = (len(common), path.name[:2] in numbers)
            if score > best:
                solution, best = path, score
        if best[0] >= fewest or all(best):
            return solution
    return None


def named(cells: list[dict], names: object = None) -> frozenset:
    """The exercises and questions that the cells are marked with, in their metadata or their id."""
    marks = {str(cell["metadata"][kind]) for cell in cells for kind in KINDS if kind in cell["metadata"]}
    ids = (str(cell.get("id")).partition("-") for cell in cells)
    return frozenset(marks | {name.partition("-")[0] for kind, _, name in ids if kind in KINDS})


def traits_without_metadata(cells: list[dict], names: frozenset) -> frozenset:
    """What a notebook can still be known by: its texts, and which of these names it defines or has checked."""
    code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    defined = {match for match in DEFINED.findall(code) if names & set(match)}
    return frozenset(defined | {cell["source"].strip() for cell in cells if cell["source"].strip()})


@functools.cache
def given() -> dict[Path, list[dict]]:
    """The cells of each of the course's solutions."""
    return {path: read(path)["cells"] for path in sorted(SOLUTIONS.glob("[0-9][0-9]_*.ipynb"))}


def find(solution: str, folder: Path = NOTEBOOKS) -> Path | None:
    """The file in a folder that holds the notebook with this name: the one called so, else the one saved last."""
    if (folder / solution).is_file():
        return folder / solution
    found = defaultdict(list)
    names = {path.name for path in SOLUTIONS.glob("*.ipynb")}
    for path in folder.glob("*"):
        if path.suffix.lower() == ".ipynb" and path.name not in names and not passed_over(path):
            try:
                where = place(read(path), path.name)
            except Damaged:
                continue
            found[where and where.name].append(path)
    return max(found[solution], key=lambda path: path.stat().st_mtime, default=None)


def passed_over(path: Path) -> str:
    """Why a file with `.ipynb` in its name is not looked into; empty for one that is."""
    if path.name.startswith("._"):
        return "macOS puts such a file beside the real one; there is no notebook in it"
    if path.suffix.lower() != ".ipynb":
        return f"its name ends in {path.suffix}, not in .ipynb"
    return ""
