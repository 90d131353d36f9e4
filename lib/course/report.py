"""What `pytest --nbval` says at the end: a table for each notebook, what it has cost, and how to repeat it.

note       a verdict on its way from a pytest item to the table
the hooks  of pytest, registered by lib.course.grading
"""

import os
import time
from collections import defaultdict
from pathlib import Path

import pytest

from lib.checks import NOTEBOOKS
from lib.course.placing import ROOT

DONE, NOT_DONE, WRONG, NOT_GRADED = "done", "not done yet", "wrong", "not graded"
MARKS = {DONE: "✓", NOT_DONE: "○", WRONG: "✗", NOT_GRADED: "✗"}
COLOURS = {DONE: "green", NOT_DONE: "yellow", WRONG: "red", NOT_GRADED: "red"}
FROM = "COURSE_FROM"  # the folder that `course.py` was called in: paths are shown as seen from there


def note(item: pytest.Item, status: str, text: str) -> None:
    """Keep the verdict for the table, and fail the item unless it is done."""
    item.user_properties.append(("course", [status, text, str(item.path)]))
    if status != DONE:
        pytest.fail(f"{status}: {text}" if text else status, pytrace=False)


def pytest_report_teststatus(report, config):
    status = (_property(report, "course") or [DONE])[0]
    return (status, MARKS[status], (status.upper(), {COLOURS[status]: True})) if status != DONE else None


def pytest_terminal_summary(terminalreporter):
    notebooks, stats = defaultdict(list), terminalreporter.stats
    for category in ("passed", NOT_DONE, WRONG, NOT_GRADED):
        for report in stats.get(category, []):
            if found := _property(report, "course"):
                status, text, path = found
                notebooks[path].append((report.nodeid.rpartition("::")[2], status, text))
    for path, rows in sorted(notebooks.items()):
        terminalreporter.section(title(Path(path), [status for _, status, _ in rows]), sep="─")
        for name, status, text in sorted(rows, key=lambda row: _place(row[0])):
            line = f" {MARKS[status]} {name}  {text or (status if status != DONE else '')}".rstrip()
            terminalreporter.write_line(line.replace("\n", "\n     "), **{COLOURS[status]: True})
    if notebooks:
        seed = os.environ["COURSE_SEED"]
        terminalreporter.write_line(f"probes drawn with seed {seed}; COURSE_SEED={seed} repeats them")
    costs = [cost for reports in stats.values() for report in reports for cost in [_property(report, "budget")] if cost]
    for name, seconds, megabytes in sorted(costs):
        terminalreporter.write_line(f"{name}: {seconds:.0f} processor seconds, {megabytes:.0f} MB")


def title(path: Path, statuses: list[str]) -> str:
    """`ada/04_x.ipynb: 3 of 6 done, as saved at 12:54:32`"""
    folders = (Path(os.environ.get(FROM) or os.getcwd()), ROOT)
    shown = next((path.relative_to(folder) for folder in folders if path.is_relative_to(folder)), path)
    if set(statuses) == {NOT_GRADED}:
        return f"{shown}: {NOT_GRADED}"
    saved = time.strftime("%H:%M:%S", time.localtime(path.stat().st_mtime))
    return f"{shown}: {statuses.count(DONE)} of {len(statuses)} done, as saved at {saved}"


def _property(report, name: str):
    return dict(getattr(report, "user_properties", [])).get(name) if getattr(report, "when", "") == "call" else None


def _place(exercise: str) -> int:
    """Where an exercise stands in the course, for sorting the table."""
    names = [name for names in NOTEBOOKS.values() for name in names]
    return names.index(exercise) if exercise in names else -1
