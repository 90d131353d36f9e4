"""The map of what is built: `python3 course.py status`. Each exercise as it stands in the saved notebook now."""

import sys

from lib.checks import NOTEBOOKS
from lib.course.yours import piece

MARKS = {"passed": "✓", "wrong": "✗", "unwritten": "○"}


def lines() -> list[str]:
    """One line a notebook, then the reason for each exercise that is wrong."""
    found = {name: piece(name) for names in NOTEBOOKS.values() for name in names}
    shown = []
    for notebook, names in NOTEBOOKS.items():
        marks = "  ".join(f"{MARKS[found[name].status]} {name}" for name in names)
        shown.append(f"{notebook[:2]}  {marks}")
        shown += [f"      ✗ {name}: {found[name].reason}" for name in names if found[name].status == "wrong"]
    done = sum(one.status == "passed" for one in found.values())
    return [*shown, f"{done} of {len(found)} are yours; the notebooks run the course's version of the others."]


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    print("\n".join(lines()))
