"""The register of wrong and right answers: `<notebook>_wrong.py` and `<notebook>_right.py` beside this file fill it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lib import checks


@dataclass(frozen=True)
class Case:
    exercise: str
    answer: Callable
    says: str | None = None  # a piece of the message that is about this very mistake
    name: str = ""

    def __str__(self) -> str:
        return f"{self.exercise}-{self.name or getattr(self.answer, '__name__', type(self.answer).__name__)}"


WRONG: list[Case] = []
RIGHT: list[Case] = []


def wrong(exercise: str, says: str | None = None) -> Callable:
    """Register an answer that must be rejected, with a message that contains `says`."""

    def add(answer: Callable) -> Callable:
        WRONG.append(Case(exercise, answer, says))
        return answer

    return add


def slips(exercise: str, **table: tuple) -> None:
    """Register edits of the course's answer: `name=("a piece of what is said", edit(...))`, or several edits."""
    for name, (says, *edits) in table.items():
        for place, made in enumerate(edits):
            answer = made(checks.exercise(exercise).reference)
            WRONG.append(Case(exercise, answer, says, name if len(edits) == 1 else f"{name}_{place}"))


def right(exercise: str) -> Callable:
    """Register an answer that must be accepted whatever its style."""

    def add(answer: Callable) -> Callable:
        RIGHT.append(Case(exercise, answer))
        return answer

    return add


def load(notebook: str = "") -> tuple[list[Case], list[Case]]:
    """Import the answers of one notebook ("rnn_limits"), or of all; return (wrong, right)."""
    for path in sorted(Path(__file__).parent.glob(f"{notebook}*_wrong.py")):
        importlib.import_module(f"tests.graders.{path.stem}")
        importlib.import_module(f"tests.graders.{path.stem.removesuffix('_wrong')}_right")
    return WRONG, RIGHT
