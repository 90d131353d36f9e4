"""What to run when a learner's notebook is graded: the course's cells in the course's order, with their answers put in.

    Step, Segment   one cell to run and why; all the cells that lead to one check
    plan            the segments of a learner's notebook, one an exercise

The order, the given cells and the checks are the solution notebook's. From the learner's file come the exercise cells,
wherever they stand now, and the cells that they added or changed. So nothing that happens to a check cell or to a saved
output can change a verdict. Where several cells hold one exercise, all are run in their order, as in the notebook, and
the last definition counts; a text cell counts only where no code cell does.
"""

from collections import defaultdict
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from lib.course import here
from lib.course.cells import ANSWERS, names_bound, parse, role, untrained_cells

ALONE = "Only the notebook itself is graded, not the files beside it."


@dataclass(frozen=True)
class Step:
    """One cell to run. Why: "given" by the course, the learner's "own", their "exercise", or the "check"."""

    why: str
    cell: NotebookNode


@dataclass(frozen=True)
class Segment:
    """The cells that lead to one check, in order, and the course's answer for when the learner's does not do."""

    exercise: str
    steps: list[Step]
    answer: NotebookNode

    @property
    def written_twice(self) -> str:
        """What is said when more than one of the learner's cells defines the exercise."""
        trees = [parse(step.cell.source) for step in self.steps if step.why == "exercise"]
        count = sum(tree is not None and self.exercise in names_bound(tree) for tree in trees)
        return f"{count} cells define {self.exercise}; the last one counts." if count > 1 else ""


def plan(solution: NotebookNode, learners: NotebookNode) -> list[Segment]:
    """Put the learner's cells into the solution's order. Cells that wait for training are left out."""
    given = [cell for cell in solution.cells if cell.cell_type == "code"]
    matched, added = _match(given, learners)
    light = {cell.id for cell in untrained_cells(given)}
    steps, segments, answers = [Step("own", cell) for cell in added[None]], [], {}
    for cell in given:
        kind, name = role(cell)
        mine = matched[cell.id]
        if kind in ANSWERS:
            answers[name] = cell
            steps += [Step("exercise", c) for c in mine]
        elif kind == "check":
            segments.append(Segment(name, [*steps, Step("check", cell)], answers[name]))
            steps = []
        elif cell.id in light:
            steps += [Step("own", c) for c in mine if c.source != cell.source]
            steps.append(Step("given", cell))
        steps += [Step("own", c) for c in added[cell.id]]
    return segments


def _match(given: list[NotebookNode], learners: NotebookNode) -> tuple[dict, dict]:
    """Which of the learner's cells stand for which given cell, and which they added (by the given cell before them)."""
    by_id = {cell.id: cell for cell in given}
    by_role = {role(cell): cell for cell in given if role(cell)[0]}
    by_source = {cell.source.strip(): cell for cell in reversed(given)}
    matched, added, last = defaultdict(list), defaultdict(list), None
    unknown, texts = [], defaultdict(list)
    for theirs in learners.cells:
        if (theirs.cell_type != "code" and not role(theirs)[0]) or theirs.get("id") in here.CELLS:
            continue
        known = by_id.get(theirs.get("id")) or by_role.get(role(theirs)) or by_source.get(theirs.source.strip())
        cell = nbformat.v4.new_code_cell(theirs.source)  # without the outputs and tags that were saved with it
        if known is None:
            unknown.append((last, cell))
        elif theirs.cell_type != "code":
            texts[known.id].append(cell)
        else:
            matched[known.id].append(cell)
            last = known.id
    matched |= {place: cells for place, cells in texts.items() if not matched[place]}
    for after, cell in unknown:
        home = _defines(cell, by_role, matched)
        (matched[home] if home else added[after]).append(cell)
    return matched, added


def _defines(cell: NotebookNode, by_role: dict, matched: dict) -> str | None:
    """The exercise that an unknown cell defines and no other cell does: the file has lost its ids and metadata."""
    tree = parse(cell.source)
    names = sorted(names_bound(tree)) if tree else []
    homes = (by_role[kind, name].id for kind in ANSWERS for name in names if (kind, name) in by_role)
    return next((home for home in homes if not matched[home]), None)
