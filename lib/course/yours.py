"""Where a learner's own answers are found, outside of the notebook that they were written in.

    Piece        one exercise as it stands in the learner's notebook: unwritten, passed or wrong; and what to run
    piece        look one up: take the code that it needs out of the notebook, run it, and judge it
    extract      the statements of a notebook that a name depends on, in order
    time_limit   ends a block that runs too long

`lib.yours` builds on this, and so does `course.py status`. Nothing is trusted that was recorded elsewhere: what counts
is the code that stands in the notebook now. A verdict is remembered by the hash of that code, in `.course/`.
"""

import _thread
import ast
import contextlib
import hashlib
import io
import json
import linecache
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from lib.checks import exercise, notebook_of
from lib.checks.running import describe_error
from lib.course.cells import NOTEBOOKS, ROOT, depends_on, parse, role
from lib.course.plan import plan

SECONDS = 10  # for running and judging one piece: each takes well under one
REMEMBERED = ROOT / ".course" / "verdicts.json"


@dataclass(frozen=True)
class Piece:
    """One exercise as it stands in the learner's notebook. `answer` is theirs when it passed, else the course's."""

    name: str
    status: str  # "passed", "wrong" or "unwritten"
    answer: Callable
    reason: str = ""


def piece(name: str, notebooks: Path = NOTEBOOKS) -> Piece:
    """The learner's `name`, judged now. Raises ValueError for a name that is no exercise."""
    asked = exercise(name)
    path = notebooks / f"{notebook_of(name)}.ipynb"
    if os.environ.get("COURSE_YOURS") == "off":  # while the course builds or grades: always the same code
        return Piece(name, "unwritten", asked.reference)
    try:
        source = extract(name, path)
    except (OSError, ValueError) as error:
        return Piece(name, "unwritten", asked.reference, f"{path.name} cannot be read ({type(error).__name__})")
    if source is None or "raise NotImplementedError()" in source:
        return Piece(name, "unwritten", asked.reference)
    try:
        with time_limit(SECONDS):
            answer = _run(source, name, path)
            known = _remembered().get(_key(name, source))
            verdict = known or asked.judge(answer).__dict__
    except KeyboardInterrupt:
        return Piece(name, "wrong", asked.reference, f"still running after {SECONDS} s")
    except BaseException as error:  # whatever their code raises when it is run
        return Piece(name, "wrong", asked.reference, describe_error(error).splitlines()[0])
    if not known:
        _remember(_key(name, source), {"status": verdict["status"], "message": verdict["message"]})
    if verdict["status"] == "passed":
        return Piece(name, "passed", answer)
    return Piece(
        name, verdict["status"], asked.reference, verdict["message"].splitlines()[0] if verdict["message"] else ""
    )


def extract(name: str, path: Path) -> str | None:
    """The learner's code for `name` and all that it depends on, as one program; None when the cell is gone.

    Looked for among the cells that stand before the check and need no training: imports, functions, classes and
    assignments. An earlier exercise that it uses is taken the same way as any later notebook does.
    """
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), 4)
    solution = nbformat.reads((ROOT / "solutions" / path.name).read_text(encoding="utf-8"), 4)
    exercises = {role(cell)[1] for cell in solution.cells if role(cell)[0]}
    statements: list[ast.stmt] = []
    found = False
    for segment in plan(solution, notebook):
        for step in segment.steps:
            if step.why != "check" and (tree := parse(step.cell.source)):
                statements += tree.body
        if segment.exercise == name:
            found = any(step.why == "exercise" and step.cell.source.strip() for step in segment.steps)
            break
    if not found:
        return None
    needed, outside = depends_on(name, statements, exercises - {name})
    imports = [f"from lib.yours import {other}" for other in sorted(outside)]
    return "\n".join(imports + [ast.unparse(statement) for statement in needed])


def _run(source: str, name: str, path: Path) -> Callable:
    """Execute the program; return what it calls `name`. Its lines are kept, so that errors can show them."""
    file = f"<{path.stem}: {name}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    namespace: dict = {"__name__": f"yours.{name}"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, file, "exec"), namespace)
    return namespace[name]


@contextlib.contextmanager
def time_limit(seconds: float):
    """KeyboardInterrupt in the main thread after that many seconds: an endless loop must not hang what comes later."""
    timer = threading.Timer(seconds, _thread.interrupt_main)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _key(name: str, source: str) -> str:
    checks = Path(exercise(name).probes[0][1].__code__.co_filename).read_bytes()
    return f"{name} {hashlib.sha256(source.encode() + checks).hexdigest()[:16]}"


def _remembered() -> dict:
    try:
        return json.loads(REMEMBERED.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _remember(key: str, verdict: dict) -> None:
    """Best effort: without a writable folder every piece is judged anew, which takes a second."""
    with contextlib.suppress(OSError):
        REMEMBERED.parent.mkdir(exist_ok=True)
        temporary = REMEMBERED.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(_remembered() | {key: verdict}, indent=1), encoding="utf-8")
        os.replace(temporary, REMEMBERED)
