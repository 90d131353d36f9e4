"""Exercises judged as they stand in saved notebooks, in a Python of their own: a crash or endless loop ends only that.

    judge_all   the verdict on each exercise, as it comes
    Verdict     what is remembered of one: status, message, and how its code is to be run
    main        the same, inside: `python -P -m lib.course.judging`, in an empty folder

Both sides speak JSON, a line at a time, over pipes that the learner's prints do not reach. A wrong answer is believed
only of a Python that has judged nothing before, so one exercise cannot spoil another. A cell that did not end, or ended
Python, is told by its place; from then on it is run up to there only.
"""

import contextlib
import functools
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from lib.course.limits import Limit
from lib.course.programs import child_environ

SECONDS = 12  # of computing, for running and judging one exercise: the check's own limit is 10, and most take one
SECONDS_TO_START = 300  # PyTorch is read from a disk that may be busy
DIED = "Python itself died while this was running (out of memory, or a crash)."


@dataclass(frozen=True)
class Verdict:
    status: str  # "passed", "wrong" or "unwritten"
    message: str = ""
    which: str = ""  # which parts of the notebook were run (lib.course.excerpts)
    cut: dict[str, int] = field(default_factory=dict)  # parts that did not end, and how far they may be run


def judge_all(folder: Path, names: list[str], known: dict[str, Verdict]) -> Iterator[tuple[str, Verdict]]:
    """Judge exercises in order. `known` holds the verdicts on others that they may use."""
    left, known, cut = list(names), dict(known), {}
    while left:
        at = None
        order = {"folder": str(folder), "names": left, "cut": cut, "known": {n: asdict(v) for n, v in known.items()}}
        for line in _child(order):
            if "status" in line:
                name = line.pop("name")
                known[name] = Verdict(**line, cut=cut)
                left.remove(name)
                yield name, known[name]
                at = None
            elif "again" in line:
                break
            elif "ended" in line:
                if at is None or at["answer"]:
                    name = left.pop(0)
                    known[name] = Verdict("wrong", line["ended"] or DIED, cut=cut)
                    yield name, known[name]
                else:
                    cut = cut | {at["place"]: at["number"]}
            else:
                at = line


def _child(order: dict) -> Iterator[dict]:
    """The lines of a child at work, and {"ended": why} when it was stopped or ended before its time."""
    environ = child_environ() | {"COURSE_YOURS": "off", "MPLBACKEND": "agg"}
    lines: queue.Queue[str] = queue.Queue()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        child = subprocess.Popen([sys.executable, "-P", "-m", "lib.course.judging"], cwd=empty, env=environ,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 encoding="utf-8")  # fmt: skip

        def listen() -> None:
            for line in child.stdout:
                lines.put(line)
            lines.put("")

        threading.Thread(target=listen, daemon=True).start()
        try:
            with contextlib.suppress(OSError), child.stdin:
                child.stdin.write(json.dumps(order))
            limit, started = Limit(child.pid, SECONDS_TO_START), False
            while True:
                try:
                    line = lines.get(timeout=0.2)
                except queue.Empty:
                    if said := limit.passed():
                        yield {"ended": said}
                        return
                    continue
                if not line:
                    if not started:
                        raise RuntimeError("lib.course.judging does not start")
                    yield {"ended": ""}
                    return
                started, said = True, json.loads(line)
                if "begin" in said:
                    limit = Limit(child.pid, SECONDS)
                elif "end" in said:
                    return
                else:
                    yield said
        finally:
            child.kill()
            child.wait()
            child.stdout.close()


def main() -> None:
    from lib.checks import notebook_of
    from lib.course.excerpts import ALL, GIVEN, NEEDED, Book

    order = json.loads(sys.stdin.read())
    line = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what a learner's code prints, C code included, is not for us; nor may it wait for input
        os.dup2(nowhere, stream)

    def tell(**said) -> None:
        line.write(json.dumps(said) + "\n")
        line.flush()

    books = functools.cache(lambda stem: Book(stem, Path(order["folder"])))
    known = {name: Verdict(**verdict) for name, verdict in order["known"].items()}
    answers: dict[str, object] = {}
    for count, name in enumerate(order["names"]):
        tell(begin=name)
        ways = (NEEDED,) if count else (NEEDED, ALL, GIVEN)
        verdict = judge(books(notebook_of(name)), name, ways, known, answers, order["cut"], tell)
        if verdict.status == "wrong" and count:
            tell(again=name)
            return
        known[name] = verdict
        tell(name=name, status=verdict.status, message=verdict.message, which=verdict.which)
    tell(end=True)


def judge(book, name: str, ways: tuple, known: dict[str, Verdict], answers: dict, cut: dict, tell) -> Verdict:
    """What the notebook's own check says after the cells before it, chosen in one of these ways."""
    from lib import checks
    from lib.course.excerpts import ALL, run
    from lib.course.plan import ALONE

    def at(place: str, number: int, answer: bool) -> None:
        tell(place=place, number=number, answer=answer)

    first, tried = None, []
    for which in ways:
        parts, used = book.chosen(name, which)
        if parts in tried:
            continue
        tried.append(parts)
        namespace, raised, broken = run(name, parts, answers_of(book, sorted(used), known, answers), cut, at)
        tell(place="", number=0, answer=True)
        namespace["__builtins__"] = __builtins__
        with contextlib.suppress(checks.CheckFailed):
            exec(f"__import__('lib.checks', fromlist=['check']).check({name!r})", namespace)
        said = checks.VERDICTS.pop(name)
        if said.status == "passed":
            answers[name] = namespace[name]
            return Verdict("passed", said.message, which)
        failed = raised or book.slip(name)
        if said.status == "unwritten" and failed:
            verdict = Verdict("wrong", failed, which)
        else:
            verdict = Verdict(said.status, said.message, which)
        if "ModuleNotFoundError" in verdict.message:
            verdict = replace(verdict, message=verdict.message.replace("\n", f" ({ALONE})\n", 1))
        first = first or verdict
        if (verdict.status == "unwritten" and name in namespace) or (which == ALL and not broken):
            break
    return first


def answers_of(book, names: list[str], known: dict[str, Verdict], answers: dict) -> dict[str, object]:
    """What earlier exercises of the notebook are from their checks on: the learner's where they passed."""
    from lib.checks import exercise
    from lib.course.excerpts import run

    for name in names:
        if name in answers:
            continue
        answers[name] = exercise(name).reference
        if name in known and known[name].status == "passed":
            parts, used = book.chosen(name, known[name].which)
            inner = answers_of(book, sorted(used), known, answers)
            answers[name] = run(name, parts, inner, known[name].cut)[0].get(name, answers[name])
    return {name: answers[name] for name in names}


if __name__ == "__main__":
    main()
