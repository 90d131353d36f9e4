"""`pytest --nbval notebooks/04_*.ipynb`: the learner's answers, judged by the course's checks. On nbval's classes.

    LearnerNotebook    any notebook that is the course's by what it holds: one pytest item an exercise
    NotGraded          a file that cannot be read or placed: named with the reason, never run
    SolutionNotebook   those in solutions/: plain nbval, every output compared, and a budget (lib.course.strict)
    the table          ✓ done, ✗ wrong with the reason, ○ not done yet (lib.course.report); exit status 1 until all are

nbval alone compares outputs with those saved in the same file, which a learner's own run overwrites: a wrong answer
then passes against itself. Here the solution notebook says what runs (see lib.course.plan), and each exercise is judged
alone: after one that is not solved, the course's answer runs in its place. Of what lies beside a notebook (conftest.py,
tests, modules) nothing runs. The checks draw their probes anew each time; COURSE_SEED repeats a run.
"""

import os
import re
import secrets
import types
from collections import defaultdict

import nbformat
import pytest
from nbval.plugin import IPyNbCell, NbCellError

from lib.course import report
from lib.course.kernel import KernelDied, KernelNotebook
from lib.course.placing import NOTEBOOKS, ROOT, SOLUTIONS, Damaged, passed_over, place, read
from lib.course.plan import ALONE, Segment, Step, plan
from lib.course.report import DONE, NOT_DONE, NOT_GRADED, WRONG, note
from lib.course.strict import SolutionNotebook

RAISED = "your code raised"  # as lib.checks says it
DIED = "Python itself died while this was running (out of memory, or a crash)."
SECONDS_A_CELL = 120  # of computing, unless --nbval-cell-timeout says otherwise
SECONDS_OWN_CELL = 10  # for cells that the learner added: they are run because an answer may need them
SECONDS_TO_START = 180  # for a kernel, on machines that may be busy
OWN_TESTS = (ROOT, ROOT / "tests", ROOT / "tests" / "browser")  # whose conftest.py is the course's


# ------------------------------------------------------------------------------------------------- pytest's hooks


def pytest_addoption(parser, pluginmanager):
    """Of all conftest.py files on the way to a notebook, only the course's own run."""
    load = pluginmanager._importconftest

    def only_ours(path, *arguments, **named):
        return load(path, *arguments, **named) if path.parent.resolve() in OWN_TESTS else types.ModuleType("conftest")

    pluginmanager._importconftest = only_ours


def pytest_configure(config):
    options = config.option
    if not _is_asked(config):
        return
    if getattr(options, "dist", "no") == "load":  # -n 2: a notebook's cells belong to one worker
        options.dist = "loadfile"
    if options.nbval_cell_timeout == 2000:  # nbval's default
        options.nbval_cell_timeout = SECONDS_A_CELL
    options.nbval_kernel_startup_timeout = max(options.nbval_kernel_startup_timeout, SECONDS_TO_START)
    if not os.environ.setdefault("COURSE_SEED", str(secrets.randbelow(10_000))).isdecimal():  # workers inherit it
        raise pytest.UsageError(f"COURSE_SEED is a whole number, not {os.environ['COURSE_SEED']!r}.")
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ |= {"PYTHONPATH": os.pathsep.join(paths), "OMP_WAIT_POLICY": "PASSIVE", "COURSE_YOURS": "off"}
    config.pluginmanager.register(report)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    """Every file with `.ipynb` in its name is ours; beside notebooks no other is looked into."""
    collectors = yield
    if not _is_asked(parent.config) or file_path.is_relative_to(ROOT / "tests"):
        return collectors
    hidden = file_path.name.startswith(".") and not file_path.name.startswith("._")
    if hidden or ".ipynb" not in file_path.name.lower():
        return []
    strict = file_path.resolve().parent == SOLUTIONS
    return [(SolutionNotebook if strict else LearnerNotebook).from_parent(parent, path=file_path)]


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path, parent):
    """A folder of notebooks is never a Python package: its __init__.py does not run."""
    if _is_asked(parent.config) and not path.is_relative_to(ROOT / "tests"):
        return pytest.Dir.from_parent(parent, path=path)
    return None


def _is_asked(config) -> bool:
    return config.option.nbval or config.option.nbval_lax


# -------------------------------------------------------------------------------------------------- the notebooks


class LearnerNotebook(KernelNotebook):
    """A learner's notebook, and the solution that it is judged by."""

    def __init__(self, **named):
        super().__init__(**named)
        self.segments: list[Segment] = []
        self.ran: set[str] = set()  # exercises whose cells this kernel has seen
        self.spoiled = False  # a wrong answer has run in this kernel
        self.harmful: set[str] = set()  # cells that hung or killed a kernel: not run again

    def collect(self):
        if reason := passed_over(self.path):
            return [NotGraded.from_parent(self, name="the file", reason=f"{reason}.")]
        try:
            learners = read(self.path)
        except Damaged as damage:
            reason = f"cannot be read as a notebook: {damage}. "
            return [NotGraded.from_parent(self, name="the file", reason=reason + self.way_out())]
        solution = place(learners, self.path.name)
        if solution is None:
            reason = f"none of the course's exercises is in it. {self.way_out()}"
            return [NotGraded.from_parent(self, name="the file", reason=reason)]
        self.nb = nbformat.read(solution, 4)
        self.segments = plan(self.nb, nbformat.from_dict(learners))
        return [Exercise.from_parent(self, segment=segment) for segment in self.segments]

    def way_out(self) -> str:
        """What to do about a file that cannot be graded: the learner's own is made new, somebody's is asked for."""
        if self.path.parent.resolve() == NOTEBOOKS and (SOLUTIONS / self.path.name).exists():
            return f"`python3 course.py reset {self.path.name[:2]}` makes it new and keeps a copy."
        return "Ask for the right file."

    def setup(self):
        if self.segments:
            super().setup()

    def fresh_kernel(self):
        if self.kernel.is_alive():
            self.kernel.stop()
        self.ran.clear()
        self.spoiled = False
        super().setup()


class NotGraded(pytest.Item):
    """A file that is not graded: said in one sentence, and the other files are."""

    def __init__(self, name, parent, reason):
        super().__init__(name, parent)
        self.reason = reason

    def runtest(self):
        note(self, NOT_GRADED, self.reason)

    def repr_failure(self, excinfo):
        return str(excinfo.value)


class Exercise(IPyNbCell):
    """One exercise of a learner's notebook as a pytest item."""

    def __init__(self, name, parent, segment: Segment):
        super().__init__(name, parent, segment.exercise, segment.steps[-1].cell, defaultdict(bool))
        self.segment = segment
        self.broken = False  # a given cell has failed: the learner's code before it is left out at the next try
        self.notes = [segment.written_twice]  # said beside the verdict

    @classmethod
    def from_parent(cls, parent, segment):
        return super(IPyNbCell, cls).from_parent(parent, name=segment.exercise, segment=segment)

    def setup(self):
        """After a crash, or when only some exercises were asked for, run what stands before this one."""
        if not self.parent.kernel.is_alive():
            self.parent.fresh_kernel()
        self.catch_up(with_learners=True)

    def runtest(self):
        status, text = self.judge(self.segment.steps)
        if status is None:  # it says nothing about this exercise: once more
            status, text = self.judge_again(with_learners=not self.broken)
        elif status == WRONG and text.startswith(RAISED) and self.parent.spoiled:
            status, text = max(
                (status, text), self.judge_again(with_learners=False), key=lambda found: found[0] == DONE
            )
        self.parent.ran.add(self.segment.exercise)
        self.parent.spoiled |= status == WRONG
        if status != DONE and self.parent.kernel.is_alive():
            try:
                self.run(Step("given", self.segment.answer))
            except (NbCellError, KernelDied):  # the learner's code took away what it needs: the next starts afresh
                self.parent.kernel.stop()
        if "ModuleNotFoundError" in text:
            self.notes.append(ALONE)
        notes = " ".join(dict.fromkeys(filter(None, self.notes)))
        note(self, status or NOT_GRADED, f"{text} ({notes})".strip() if notes else text)

    def judge_again(self, with_learners: bool) -> tuple[str | None, str]:
        """In a fresh kernel; without the learner's other code where that may have done something to this exercise."""
        self.parent.fresh_kernel()
        self.catch_up(with_learners)
        return self.judge([step for step in self.segment.steps if with_learners or step.why != "own"])

    def judge(self, steps: list[Step]) -> tuple[str | None, str]:
        """(DONE, NOT_DONE or WRONG, the reason); None as the status when it says nothing about this exercise."""
        kernel, raised = self.parent.kernel, None
        for step in steps:
            try:
                if step.why == "check":
                    kernel.verdict(self.name)  # the learner may have called the check before: that does not count
                self.run(step)
            except (NbCellError, KernelDied):
                if kernel.overloaded:  # this is about the machine, not about the learner
                    return None, f"the machine is too busy: {kernel.stopped or 'no output arrived.'}"
                ended = kernel.stopped or not kernel.is_alive()
                if step.why == "given":
                    self.broken = True
                    return None, f"a cell of the course fails after yours ({step.cell.source.splitlines()[0]})"
                if ended and step.why == "own":
                    self.parent.harmful.add(step.cell.id)
                    self.notes.append(self.stopped())
                    if not kernel.is_alive():
                        return None, "a cell of yours ended Python"
                elif ended:
                    return WRONG, kernel.stopped or DIED
                elif step.why == "exercise":
                    raised = raised or self.what_was_raised()
        try:
            verdict = kernel.verdict(self.name)
        except KernelDied:
            verdict = None
        if verdict is None:
            self.broken = True
            return None, f"the check could not run. {self.what_was_raised()[1]}"
        if verdict["status"] == "unwritten":
            return raised or (NOT_DONE, verdict["message"].partition(". The notebook")[0] or "not written yet")
        return DONE if verdict["status"] == "passed" else WRONG, verdict["message"]

    def stopped(self) -> str:
        """What is said of an own cell that was stopped, or that ended Python."""
        if not self.parent.kernel.stopped:
            return "one of your own cells ended Python"
        return f"one of your own cells was stopped after {self.parent.kernel.seconds:g} s"

    def run(self, step: Step) -> None:
        """Run one cell through nbval. Raises NbCellError, or KernelDied."""
        if step.cell.id in self.parent.harmful and step.why == "own":
            return
        kernel, limit = self.parent.kernel, self.config.option.nbval_cell_timeout
        self.cell, self.options = step.cell, defaultdict(bool)
        kernel.seconds = min(SECONDS_OWN_CELL, limit) if step.why == "own" else step.cell.metadata.get("seconds")
        self.parent.timed_out = False
        IPyNbCell.runtest(self)
        if kernel.stopped:  # but it has not listened, or does not answer any more (`sys.stdout = None`)
            kernel.stop()
            raise KernelDied

    def what_was_raised(self) -> tuple[str, str]:
        """The verdict when the cell that ran last has raised an exception."""
        raised = next((out for out in self.test_outputs or [] if out.output_type == "error"), None)
        if raised is None or (raised.ename == "NotImplementedError" and not raised.evalue):
            return NOT_DONE, "not written yet"
        where = re.sub(r" \(\S+, (line \d+)\)$", r" (\1 of your cell)", raised.evalue)
        return WRONG, f"{RAISED} {raised.ename}: {where}"

    def catch_up(self, with_learners: bool) -> None:
        """Run the cells of the exercises before this one, with the course's answers, in this kernel."""
        for segment in self.parent.segments:
            if segment.exercise == self.segment.exercise:
                return
            if segment.exercise in self.parent.ran:
                continue
            for step in [*segment.steps[:-1], Step("given", segment.answer)]:
                learners = step.why != "given"
                if learners and (not with_learners or step.cell.id in self.parent.harmful):
                    continue
                try:
                    self.run(step)
                except (NbCellError, KernelDied):
                    if not learners:
                        if not with_learners:
                            raise
                        self.parent.fresh_kernel()
                        return self.catch_up(with_learners=False)
                    if not self.parent.kernel.is_alive():
                        self.parent.harmful.add(step.cell.id)
                        self.parent.fresh_kernel()
                        return self.catch_up(with_learners)
            self.parent.ran.add(segment.exercise)

    def compare_outputs(self, test, ref, skip_compare=None):
        return True  # the check speaks for itself, not through saved outputs

    def repr_failure(self, excinfo):
        return str(excinfo.value)

    def reportinfo(self):
        return self.path, 0, f"{self.path.stem}: {self.name}"
