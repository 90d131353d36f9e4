"""The map of what is built: `python3 course.py status`. Each exercise as it stands in the saved notebooks now.

lines      one line a notebook, with a mark for each exercise
drawing    the Transformer, with a mark for each of its boxes
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from lib.checks import NOTEBOOKS
from lib.course.cells import NOTEBOOKS as FOLDER
from lib.course.yours import Books, verdicts

MARKS = {"passed": "✓", "wrong": "✗", "unwritten": "○", "unreadable": "?"}


def lines(folder: Path = FOLDER, statuses: dict[str, str] | None = None) -> Iterator[str]:
    """One line a notebook, as soon as it is known; then the reason for each exercise that is wrong, or for all.

    statuses: where given, that of each exercise is put there
    """
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
            if statuses is not None:
                statuses[name] = verdict.status
            done += verdict.status == "passed"
            if verdict.status == "wrong":
                reason = verdict.message.partition("\n")[0]
                yield f"      ✗ {name}: {reason}"
    yield f"{done} of {len(every)} are yours; the notebooks run the course's version of the others."


def drawing(statuses: Mapping[str, str]) -> Iterator[str]:
    """The whole Transformer as text, the encoder on the left. statuses: of exercises, by name

    A box is ✓ if all exercises of its notebooks have passed, ○ if none has, else ·.
    """
    from lib.figures import TRANSFORMER  # slow to import, and only drawn at the end

    for level in sorted({bottom for _, bottom, *_ in TRANSFORMER}, reverse=True):
        columns = ["", ""]
        for left, bottom, _, _, label, numbers, _ in TRANSFORMER:
            if bottom == level:
                columns[left > 0] = f"[{mark(numbers.split(), statuses)} {label:<22}{numbers:>6} ]"
        yield f"{columns[0]:<35}{columns[1]}".rstrip()


def mark(numbers: list[str], statuses: Mapping[str, str]) -> str:
    """✓, · or ○ for the notebooks with these numbers together."""
    names = [name for stem, exercises in NOTEBOOKS.items() if stem[:2] in numbers for name in exercises]
    passed = [statuses.get(name) == "passed" for name in names]
    return "✓" if passed and all(passed) else "·" if any(passed) else "○"


def main(arguments: list[str]) -> int:
    argparse.ArgumentParser(prog="python -m lib.course.status", description=__doc__).parse_args(arguments)
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    statuses: dict[str, str] = {}
    for line in lines(statuses=statuses):
        print(line, flush=True)
    print("", *drawing(statuses), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
