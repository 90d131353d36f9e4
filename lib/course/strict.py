"""The solutions themselves under `pytest --nbval solutions/`: every output is compared, and the cost has a budget.

SolutionNotebook   plain nbval, in a kernel whose end is noticed
Budget             its last item: processor seconds and megabytes
"""

import sys
from collections import defaultdict

import nbformat
import pytest
from nbval.plugin import IPyNbCell

from lib.course import budget
from lib.course.kernel import KernelNotebook

SECONDS_A_CELL = 1800  # of computing: training cells run too, on machines that may be busy and slow


class SolutionNotebook(KernelNotebook):
    def setup(self):
        self.folder = str(self.path.parent)
        super().setup()
        self.kernel.seconds = SECONDS_A_CELL

    def collect(self):
        yield from super().collect()
        if sys.platform != "win32":
            yield Budget.from_parent(self)


class Budget(IPyNbCell):
    """What the notebook has cost, in processor seconds and megabytes."""

    def __init__(self, name, parent):
        super().__init__(name, parent, name, nbformat.v4.new_code_cell(budget.MEASURE), defaultdict(bool))

    @classmethod
    def from_parent(cls, parent):
        return super(IPyNbCell, cls).from_parent(parent, name="budget")

    def runtest(self):
        super().runtest()
        seconds, megabytes = map(float, self.test_outputs[0].text.split())
        self.user_properties.append(("budget", [self.path.stem, seconds, megabytes]))
        most_seconds, most_megabytes = budget.allowed(self.path.name[:2])
        if seconds > most_seconds or megabytes > most_megabytes:
            used = f"{seconds:.0f} processor seconds and {megabytes:.0f} MB"
            pytest.fail(f"{used} were used; {most_seconds:.0f} and {most_megabytes:.0f} are allowed", pytrace=False)

    def repr_failure(self, excinfo):
        return str(excinfo.value)

    def reportinfo(self):
        return self.path, 0, f"{self.path.stem}: {self.name}"
