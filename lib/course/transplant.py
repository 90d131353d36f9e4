"""A learner's work in the new version of a notebook.

transplant          the new version with the learner's exercises, their own cells, and their edits of cells that stayed
with_distinct_ids   cells as notebooks of today must have them
"""

from collections import defaultdict
from copy import deepcopy

import nbformat
from nbformat import NotebookNode

from lib.course.cells import ANSWERS, role


def transplant(old: NotebookNode, new: NotebookNode, mine: NotebookNode) -> tuple[NotebookNode, int]:
    """Put what a learner did to `old`, giving `mine`, into `new`.

    Returns the notebook, and how many edits of the course's cells are left out: the course has changed these cells too.
    An exercise that the new version no longer has stays as a cell of the learner's own.
    """
    in_old, in_new = _Given(old), _Given(new)
    answers, seen, own, anchor, left_out = defaultdict(list), {}, defaultdict(list), None, 0
    for cell in mine.cells:
        before, now = in_old.find(cell), in_new.find(cell)
        if now is not None and role(now)[0] in ANSWERS:
            answers[now.id].append(cell)
        elif now is not None and now.id not in seen:
            edited = before is not None and cell.source != before.source
            if cell.source == now.source or (edited and before.source == now.source):
                seen[now.id] = cell
            left_out += edited and before.source != now.source and role(now)[0] is None
        elif before is None or (role(before)[0] in ANSWERS and cell.source.strip() != before.source.strip()):
            own[anchor].append(_own(cell))
        elif role(before)[0] is None and cell.source != before.source:
            left_out += 1
        anchor = now.id if now is not None else anchor
    cells = list(own[None])
    for given in new.cells:
        unwritten = in_old.find(given) or given
        written = [cell for cell in answers[given.id] if cell.source.strip() != unwritten.source.strip()]
        theirs = written or ([seen[given.id]] if given.id in seen and role(given)[0] is None else [])
        cells += [_as(given, cell) for cell in theirs] or [deepcopy(given)]
        cells += own[given.id]
    result = deepcopy(new)
    result.cells = with_distinct_ids(cells)
    return result, left_out


class _Given:
    """The cells of one version of the course's notebook, and which of them another cell stands for."""

    def __init__(self, notebook: NotebookNode):
        self.by_id = {cell.id: cell for cell in notebook.cells}
        self.by_role = {role(cell): cell for cell in notebook.cells if role(cell)[0]}
        self.by_source = {cell.source.strip(): cell for cell in reversed(notebook.cells)}

    def find(self, cell: NotebookNode) -> NotebookNode | None:
        if role(cell)[0]:
            return self.by_role.get(role(cell))
        return self.by_id.get(cell.get("id")) or self.by_source.get(cell.source.strip())


def _as(given: NotebookNode, theirs: NotebookNode) -> NotebookNode:
    """The learner's cell, known to the course as the given one."""
    cell = deepcopy(theirs)
    cell.id, cell.metadata = given.id, deepcopy(given.metadata)
    return cell


def _own(theirs: NotebookNode) -> NotebookNode:
    cell = deepcopy(theirs)
    for kind in (*ANSWERS, "check"):
        cell.metadata.pop(kind, None)
    return cell


def with_distinct_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells, with a new id for each that has none or that of a cell before it."""
    taken = {None}
    for cell in cells:
        if cell.get("id") in taken:
            cell.id = nbformat.v4.new_raw_cell().id
        taken.add(cell.id)
    return cells
