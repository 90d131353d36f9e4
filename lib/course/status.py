"""The map of what is built: `python3 course.py status`. Each exercise as it stands in the saved notebooks now."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from lib.checks import NOTEBOOKS
from lib.course.cells import NOTEBOOKS as FOLDER
from lib.course.yours import Books, verdicts

MARKS = {"passed": "✓", "wrong": "✗", "unwritten": "○", "unreadable": "?"}


def lines(folder: Path = FOLDER) -> Iterator[str]:
    """One line a notebook, as soon as it is known; then the reason for each exercise that is wrong, or for all."""
    books = Books(folder)
    every = [name for names in NOTEBOOKS.values() for name in names]
    coming, done = verdicts(every, books), 0
    for stem, names in NOTEBOOKS.items():
        found = dict(next(coming) for _ in names)
        marks = "  ".join(f"{MARKS[verdict.status]} {name}" for name, verdict in found.items())
        yield f"{stem[:2]}  {marks}"
        if (book := books.of(names[0])) is None:
            yield f"      {found[names[0]].message}"
        elif book.path.stem != stem:
            yield f"      {book.path.name} holds it; notebooks/{stem}.ipynb is not there"
        for name, verdict in found.items():
            done += verdict.status == "passed"
            if verdict.status == "wrong":
                reason = verdict.message.partition("\n")[0]
                yield f"      ✗ {name}: {reason}"
    yield f"{done} of {len(every)} are yours; the notebooks run the course's version of the others."


def main(arguments: list[str]) -> int:
    argparse.ArgumentParser(prog="python -m lib.course.status", description=__doc__).parse_args(arguments)
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    for line in lines():
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
