"""`pytest --nbval notebooks/04_*.ipynb`: the learner's answers, judged by the course's checks. On nbval's classes.

    LearnerNotebook   a notebook that the course has a solution for: one pytest item an exercise
    CourseNotebook    any other (the solutions themselves): plain nbval, every output compared, and a budget
    the table         ✓ done, ✗ wrong with the reason, ○ not done yet; exit status 1 until all are done

nbval alone compares outputs with those saved in the same file, which a learner's own run overwrites: a wrong answer
then passes against itself. Here the solution notebook says what runs (see lib.course.plan), and each exercise is judged
alone: after one that is not solved, the course's answer runs in its place.
"""

import os
import re
import sys
import time
from collections import defaultdict
from pathlib import Path
from queue import Empty

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from lib.checks import NOTEBOOKS
from lib.course import budget
from lib.course.cells import ROOT, SOLUTIONS, solution_of
from lib.course.plan import Segment, Step, plan

DONE, NOT_DONE, WRONG = "done", "not done yet", "wrong"
MARKS = {DONE: "✓", NOT_DONE: "○", WRONG: "✗"}
RAISED = "your code raised"  # as lib.checks says it
SECONDS_A_CELL = 120  # unless --nbval-cell-timeout says otherwise
SECONDS_A_TRAINING = 900  # the same in the solutions, whose training cells run too, on machines that may be busy
SECONDS_OWN_CELL = 10  # for cells that the learner added: they are run because an answer may need them


class KernelDied(Exception):
    """Python itself ended: out of memory, or a crash below Python."""


def pytest_configure(config):
    options = config.option
    if not (options.nbval or options.nbval_lax):
        return
    if getattr(options, "dist", "no") == "load":  # -n 2: a notebook's cells belong to one worker
        options.dist = "loadfile"
    options.nbval_current_env |= not options.nbval_kernel_name  # the environment's Python, whatever the file names
    if options.nbval_cell_timeout == 2000:  # nbval's default
        options.nbval_cell_timeout = SECONDS_A_CELL
        CourseNotebook.seconds = SECONDS_A_TRAINING
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ |= {"PYTHONPATH": os.pathsep.join(paths), "OMP_WAIT_POLICY": "PASSIVE", "COURSE_YOURS": "off"}


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    collectors = yield
    return [_ours(collector) if type(collector) is IPyNbFile else collector for collector in collectors]


def _ours(collector: IPyNbFile) -> IPyNbFile:
    number = re.search(r"(?<!\d)(\d\d)_", collector.path.name)
    solution = number and collector.path.parent.resolve() != SOLUTIONS and solution_of(number[1])
    if not solution:
        return CourseNotebook.from_parent(collector.parent, path=collector.path)
    return LearnerNotebook.from_parent(collector.parent, path=collector.path, solution=solution)


class CourseNotebook(IPyNbFile):
    """A notebook in a kernel whose end is noticed at once (nbval waits 2,000 s for it)."""

    seconds: float | None = None  # a limit for the next cells; None for the one of the command line

    def setup(self):
        try:
            super().setup()
        except RuntimeError:  # two kernels picked the same port: seen with two workers
            super().setup()
        reply = self.kernel.await_reply

        def await_reply(message, timeout=None):
            end = time.monotonic() + (self.seconds or timeout)
            while True:
                try:
                    return reply(message, timeout=0.5)
                except Empty:
                    if not self.kernel.is_alive():
                        raise KernelDied from None
                    if time.monotonic() > end:
                        raise

        self.kernel.await_reply = await_reply

    def collect(self):
        yield from super().collect()
        if self.path.parent.resolve() == SOLUTIONS and sys.platform != "win32":
            yield Budget.from_parent(self)


class Budget(IPyNbCell):
    """The last item of a solution: what the notebook has cost, in processor seconds and megabytes."""

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


class LearnerNotebook(CourseNotebook):
    """A learner's notebook and the solution it is judged by."""

    seconds = None

    def __init__(self, solution: Path, **named):
        super().__init__(**named)
        self.solution = solution
        self.ran: set[str] = set()  # exercises whose cells this kernel has seen
        self.spoiled = False  # a wrong answer has run in this kernel
        self.harmful: set[str] = set()  # cells that hung or killed a kernel: not run again

    @classmethod
    def from_parent(cls, parent, *, path, solution):
        return super().from_parent(parent, path=path, solution=solution)

    def collect(self):
        self.nb = nbformat.read(self.solution, 4)
        try:
            learners = nbformat.reads(self.path.read_text(encoding="utf-8"), 4)
            self.segments = plan(self.nb, learners)
        except Exception as error:  # whatever makes it no notebook: truncated, merge markers, not JSON, no cells
            yield Unreadable.from_parent(
                self, name="the file", reason=f"{type(error).__name__}: {error}".splitlines()[0]
            )
            return
        for segment in self.segments:
            yield Exercise.from_parent(self, segment=segment)

    def fresh_kernel(self):
        if self.kernel.is_alive():
            self.kernel.stop()
        self.ran.clear()
        self.spoiled = False
        self.setup()


class Unreadable(pytest.Item):
    """A file that is no notebook any more: said in one sentence, and the other files are still graded."""

    def __init__(self, name, parent, reason):
        super().__init__(name, parent)
        self.reason = reason

    def runtest(self):
        text = f"cannot be read as a notebook ({self.reason[:150]})."
        if "<<<<<<<" in self.path.read_text(encoding="utf-8", errors="replace"):
            text += " It holds <<<<<<< lines: a git merge damaged it."
        _report(self, WRONG, f"{text} `python3 course.py reset {self.path.name[:2]}` makes it new and keeps a copy.")

    def repr_failure(self, excinfo):
        return str(excinfo.value)


class Exercise(IPyNbCell):
    """One exercise of a learner's notebook as a pytest item."""

    def __init__(self, name, parent, segment: Segment):
        super().__init__(name, parent, segment.exercise, segment.steps[-1].cell, defaultdict(bool))
        self.segment = segment
        self.broken = False  # a given cell has failed: the learner's code before it is left out at the next try

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
        if status is None:  # an own cell ended the kernel, or the learner's code before this broke a given cell
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
        _report(self, status or WRONG, text)

    def judge_again(self, with_learners: bool) -> tuple[str | None, str]:
        """In a fresh kernel; without the learner's other code where that may have done something to this exercise."""
        self.parent.fresh_kernel()
        self.catch_up(with_learners)
        return self.judge([step for step in self.segment.steps if with_learners or step.why != "own"])

    def judge(self, steps: list[Step]) -> tuple[str | None, str]:
        """(DONE, NOT_DONE or WRONG, the reason); None as the status when it says nothing about this exercise."""
        for step in steps:
            try:
                self.run(step)
            except (NbCellError, KernelDied) as error:
                alive = self.parent.kernel.is_alive()
                if "Timeout" in str(error) or not alive:
                    self.parent.harmful.add(step.cell.id)
                if step.why != "own":
                    return self.explain(step, error)
                if not alive:
                    return None, "a cell of yours ended Python"
        said = "".join(out.text for out in self.test_outputs if out.get("name") == "stdout").strip()
        if said.startswith(MARKS[DONE]):
            return DONE, ""
        return NOT_DONE, said.partition(": ")[2].split(". The notebook")[0]

    def run(self, step: Step) -> None:
        """Run one cell through nbval. Raises NbCellError, or KernelDied."""
        if step.cell.id in self.parent.harmful and step.why == "own":
            return
        self.cell, self.options = step.cell, defaultdict(bool)
        self.parent.seconds = step.cell.metadata.get("seconds")
        if step.why == "own":
            self.parent.seconds = min(SECONDS_OWN_CELL, self.config.option.nbval_cell_timeout)
        IPyNbCell.runtest(self)

    def explain(self, step: Step, error: Exception) -> tuple[str | None, str]:
        if isinstance(error, KernelDied):
            return WRONG, "Python itself died while this was running (out of memory, or a crash)."
        if "Timeout" in (message := str(error)):
            limit = self.parent.seconds or self.config.option.nbval_cell_timeout
            return WRONG, f"still running after {limit:g} s: an endless loop?"
        raised = next((out for out in self.test_outputs if out.output_type == "error"), None)
        if raised is None:
            return WRONG, message
        if raised.ename == "CheckFailed":
            return WRONG, raised.evalue.partition(": ")[2]
        if raised.ename == "NotImplementedError" and not raised.evalue:
            return NOT_DONE, "not written yet"
        if step.why == "exercise":
            return WRONG, f"{RAISED} {raised.ename}: {raised.evalue}"
        self.broken = True
        return None, f"a cell of the course raises {raised.ename}: {raised.evalue} ({step.cell.source.splitlines()[0]})"

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
                        raise
                    if not self.parent.kernel.is_alive():
                        self.parent.harmful.add(step.cell.id)
                        self.parent.fresh_kernel()
                        return self.catch_up(with_learners)
            self.parent.ran.add(segment.exercise)

    def compare_outputs(self, test, ref, skip_compare=None):
        return True  # the check speaks through its line, not through saved outputs

    def repr_failure(self, excinfo):
        return str(excinfo.value)

    def reportinfo(self):
        return self.path, 0, f"{self.path.stem}: {self.name}"


def _report(item: pytest.Item, status: str, text: str) -> None:
    """Note the verdict for the table, and fail the item unless it is done."""
    item.user_properties.append(("course", [status, text, str(item.path)]))
    if status != DONE:
        pytest.fail(f"{status}: {text}" if text else status, pytrace=False)


# ------------------------------------------------------------------------------------------------------- the report


def pytest_report_teststatus(report, config):
    status = (_property(report, "course") or [None])[0]
    if status in (NOT_DONE, WRONG):
        colour = {"yellow": True} if status == NOT_DONE else {"red": True}
        return status, MARKS[status], (status.upper(), colour)
    return None


def pytest_terminal_summary(terminalreporter):
    notebooks, stats = defaultdict(list), terminalreporter.stats
    for category in ("passed", NOT_DONE, WRONG):
        for report in stats.get(category, []):
            if found := _property(report, "course"):
                status, text, path = found
                notebooks[path].append((report.nodeid.rpartition("::")[2], status, text))
    for path, rows in sorted(notebooks.items()):
        saved = time.strftime("%H:%M:%S", time.localtime(Path(path).stat().st_mtime))
        done = sum(status == DONE for _, status, _ in rows)
        title = f"{Path(path).name}: {done} of {len(rows)} done, as saved at {saved}"
        terminalreporter.section(title, sep="─")
        for name, status, text in sorted(rows, key=lambda row: _place(row[0])):
            colour = {DONE: "green", NOT_DONE: "yellow", WRONG: "red"}[status]
            line = f" {MARKS[status]} {name}  {text or (status if status != DONE else '')}".rstrip()
            terminalreporter.write_line(line.replace("\n", "\n     "), **{colour: True})

    costs = [cost for reports in stats.values() for report in reports for cost in [_property(report, "budget")] if cost]
    for name, seconds, megabytes in sorted(costs):
        terminalreporter.write_line(f"{name}: {seconds:.0f} processor seconds, {megabytes:.0f} MB")


def _property(report, name: str):
    return dict(getattr(report, "user_properties", [])).get(name) if getattr(report, "when", "") == "call" else None


def _place(exercise: str) -> int:
    """Where an exercise stands in the course, for sorting the table."""
    names = [name for names in NOTEBOOKS.values() for name in names]
    return names.index(exercise) if exercise in names else -1
