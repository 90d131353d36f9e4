"""What the course does its own way when a class is run with nbgrader: nbgrader_config.py puts these in.

    Unwritten   generate_assignment: the learner's notebook as the course gives it, questions included
    Restored    autograde, first: the course's cells in the course's order, with the answers handed in
    Judged      autograde: what needs no training is run, and nothing written earns nothing

nbgrader itself is needed here and nowhere else: `pip install nbgrader`.
"""

import os
import random
from unittest.mock import patch

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.utils import has_failed, is_grade, is_solution

from lib.course.build import stub, unwritten
from lib.course.cells import SOLUTIONS, role, untrained_cells
from lib.course.programs import child_environ
from lib.course.transplant import transplant

SEED = os.environ.get("COURSE_SEED") or str(random.randrange(10**6))  # the same probes for everybody graded in one run
LEND = "from lib.checks import exercise\n{name} = exercise('{name}').reference"


class Unwritten(NbGraderPreprocessor):
    """In the place of nbgrader's ClearSolutions, which would ask for an exception where a value is wanted."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        if is_solution(cell):
            cell.source = unwritten(cell)
        return cell, resources


class Restored(NbGraderPreprocessor):
    """Moved, deleted and edited checks come back, and answers are known again in files that lost their metadata."""

    def preprocess(self, notebook: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        solution = SOLUTIONS / f"{resources['nbgrader']['notebook']}.ipynb"
        if solution.exists():
            given = stub(nbformat.read(solution, 4))
            notebook.cells = transplant(given, given, notebook)[0].cells
        return notebook, resources


class Judged(Execute):
    """Run a hand-in. After an exercise that is not solved the course's answer is used, so that each is judged alone."""

    def preprocess(self, notebook: NotebookNode, resources: dict, km=None) -> tuple[NotebookNode, dict]:
        self.light = {id(cell) for cell in untrained_cells(notebook.cells)}
        self.log.info("Probes are drawn with seed %s; COURSE_SEED=%s repeats them", SEED, SEED)
        environ = child_environ() | {"COURSE_STRICT": "1", "COURSE_SEED": SEED, "COURSE_YOURS": "off"}
        with patch.dict(os.environ, environ):
            return super().preprocess(notebook, resources, km)

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        if id(cell) in self.light or is_grade(cell):
            super().preprocess_cell(cell, resources, index)
        kind, name = role(cell)
        if kind == "check":  # nbgrader takes a warning for a failure
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        if kind == "check" and has_failed(cell):
            self.execute_cell(nbformat.v4.new_code_cell(LEND.format(name=name)), index, store_history=False)
            self.nb.cells[index] = cell
        return cell, resources
