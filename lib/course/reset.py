"""Make a notebook new, or one exercise of it: `python -m lib.course.reset NN [exercise]`.

fresh          a notebook as the course gives it, made from its solution
reset          the whole notebook, or one exercise, with a dated copy of what was there
with_new       a notebook in which one exercise is unwritten again
"""

import argparse
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lib.course.build import as_text, stub
from lib.course.cells import ANSWERS, NOTEBOOKS, ROOT, role, solution_of
from lib.course.copies import keep, replace
from lib.course.programs import Stop
from lib.course.transplant import with_distinct_ids


def fresh(solution: Path) -> NotebookNode:
    """The learner's notebook as it is before anything is written in it."""
    return stub(nbformat.read(solution, 4))


def reset(number: str, exercise: str | None = None) -> str:
    """Put the notebook, or one exercise, back to its unwritten state. Returns what was done, or raises Stop."""
    solution = solution_of(number)
    if solution is None:
        raise Stop(f"There is no notebook {number}.", 2)
    path, new = NOTEBOOKS / solution.name, fresh(solution)
    names = [name for kind, name in map(role, new.cells) if kind in ANSWERS]
    if exercise is not None and exercise not in names:
        raise Stop(f"Notebook {number} has no exercise {exercise}; it has {', '.join(names)}.", 2)
    what, there = f"notebooks/{path.name}", path.exists()
    if exercise is not None and there:
        what = f"{exercise} in {what}"
        new = with_new(exercise, new, readable(path))
    content = as_text(new).encode()
    if there and path.read_bytes() == content:
        return f"{what} is as new already: nothing to do."
    copy = keep(path) if there else None
    path.parent.mkdir(exist_ok=True)
    replace(path, content)
    told = f"{what} is new again."
    if copy:
        told += f" What you had is kept in {copy.relative_to(ROOT).as_posix()}"
    return told


def readable(path: Path) -> NotebookNode:
    """The learner's notebook. Raises Stop when the file is none any more."""
    try:
        return nbformat.reads(path.read_text(encoding="utf-8-sig"), 4)  # some editors put a BOM before it
    except Exception:  # truncated, merge markers, another format: nbformat raises many things
        raise Stop(
            f"notebooks/{path.name} cannot be read as a notebook. "
            f"`python3 course.py reset {path.name[:2]}` makes all of it new and keeps a copy. Nothing is changed."
        ) from None


def with_new(exercise: str, new: NotebookNode, learners: NotebookNode) -> NotebookNode:
    """The learner's notebook with one exercise from a new one, in place of their cells for it or where it belongs."""
    learners = deepcopy(learners)
    place = [role(cell)[0] in ANSWERS and role(cell)[1] == exercise for cell in new.cells].index(True)
    cell = deepcopy(new.cells[place])
    theirs = [i for i, old in enumerate(learners.cells) if role(old) == role(cell) or old.get("id") == cell.id]
    if theirs:
        position = theirs[0]
        for i in reversed(theirs):  # a cell that was split counts as one
            del learners.cells[i]
    else:
        position = _where(new.cells, place, learners.cells)
    learners.cells.insert(position, cell)
    learners.cells = with_distinct_ids(learners.cells)
    learners.nbformat, learners.nbformat_minor = new.nbformat, new.nbformat_minor
    return learners


def _where(given: list[NotebookNode], place: int, learners: list[NotebookNode]) -> int:
    """Where a cell that is missing belongs: behind the nearest one before it that is still there."""
    for before in reversed(given[:place]):
        for i, cell in enumerate(learners):
            if cell.get("id") == before.id or cell.source == before.source:
                return i + 1
    return 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m lib.course.reset", description=__doc__.splitlines()[0])
    parser.add_argument("number", metavar="NN")
    parser.add_argument("exercise", nargs="?")
    asked = parser.parse_args(arguments)
    try:
        print(reset(asked.number, asked.exercise))
    except Stop as stop:
        print(stop, file=sys.stderr)
        return stop.status
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"Nothing is changed: {error.strerror or error} ({error.filename or NOTEBOOKS}).", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
