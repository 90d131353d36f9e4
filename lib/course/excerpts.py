"""The code of one exercise, taken out of a learner's notebook and run as the notebook runs it.

    Book       a learner's notebook as cells to run, exercise by exercise
    Part       one of them: a cell of the learner's, or one statement of the course's
    run        run some parts in a namespace of their own

IPython runs a cell until something in it fails; what it has defined by then stays. So a learner's cell is always run
as a whole, in the notebook's order. Of the cells before an exercise's check, those are run that its name depends on,
which is quick and enough nearly always. Names that appear in other ways (`exec`, `globals()[...] =`) are found by
running all of the learner's cells. What is true of a name is settled by the check itself, never by the text of a cell.
"""

import ast
import codeop
import contextlib
import hashlib
import io
import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat

from lib.checks.running import describe_error
from lib.course.build import stub
from lib.course.cells import ANSWERS, SOLUTIONS, depends_on, names_bound, names_used, role, tree_of
from lib.course.placing import Damaged, find, read
from lib.course.plan import Segment, plan

NEEDED, ALL, GIVEN = "needed", "all", "given"  # which parts before a check are run


@dataclass(frozen=True)
class Part:
    """Code to run. Why: "given" by the course, the learner's "own", their "exercise", or a "check" that ends one."""

    why: str
    exercise: str
    source: str = ""  # of the whole cell, for the lines that errors name
    tree: ast.Module | None = None
    slip: str = ""  # the syntax error, where there is no tree


class Book:
    """A learner's notebook and the solution it is judged by. Raises Damaged when it is not there or no notebook."""

    def __init__(self, stem: str, folder: Path):
        self.path = find(f"{stem}.ipynb", folder)
        if self.path is None:
            raise Damaged("it is not there")
        solution = nbformat.read(SOLUTIONS / f"{stem}.ipynb", 4)
        self.stub = {role(cell)[1]: cell.source.strip() for cell in stub(solution).cells if role(cell)[0] in ANSWERS}
        self.segments = {s.exercise: s for s in plan(solution, nbformat.from_dict(read(self.path)))}

    @cached_property
    def parts(self) -> dict[str, list[Part]]:
        """For every exercise the parts up to its check."""
        found, before = {}, []
        for name, segment in self.segments.items():
            before = [*before, *_parts(segment)]
            found[name] = before
            before = [*before, Part("check", name)]
        return found

    def is_untouched(self, name: str) -> bool:
        """Whether nothing was written for an exercise: its cell is the stub's, and no other cell defines it."""
        if name not in self.segments:  # announced, and not in the notebook yet
            return True
        steps = self.segments[name].steps
        untouched = all(step.cell.source.strip() == self.stub[name] for step in steps if step.why == "exercise")
        return untouched and not any(
            part.why == "own" and {name, "*"} & (names_bound(part.tree) if part.tree else set())
            for part in self.parts[name]
        )

    def chosen(self, name: str, which: str) -> tuple[list[Part], set[str]]:
        """The parts to run for an exercise, and the earlier exercises that they use."""
        parts = [part for part in self.parts[name] if which != GIVEN or part.why != "own"]
        learners = [part.tree for part in parts if part.tree and part.why != "given"] if which == ALL else []
        names = {name}.union(*map(names_used, learners))
        others = {part.exercise for part in parts if part.why == "check"}
        needed, used = depends_on(*names - others, pieces=[part.tree for part in parts if part.tree], outside=others)
        used |= names & others
        kept = {id(tree) for tree in [*needed, *learners]}
        kept |= {id(part) for part in parts if part.why == "check" and part.exercise in used}
        return [part for part in parts if {id(part), id(part.tree)} & kept], used

    def slip(self, name: str) -> str:
        """The syntax error in the exercise's own cell, if there is one."""
        return next((part.slip for part in self.parts[name] if part.slip and _is_answer(part, name)), "")

    def key(self, name: str) -> str:
        """Two notebooks with the same key have the same verdict on an exercise: all that runs before its check."""
        text = "\0".join(f"{part.why} {part.exercise} {part.source}" for part in self.parts[name])
        return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


def _parts(segment: Segment) -> Iterator[Part]:
    for step in segment.steps[:-1]:
        source = step.cell.source
        try:
            tree = tree_of(source)
        except SyntaxError as error:
            slip = f"your code raised SyntaxError: {error.msg} (line {error.lineno} of your cell)"
            yield Part(step.why, segment.exercise, source, slip=slip)
            continue
        pieces = [ast.Module([one], []) for one in tree.body] if step.why == "given" else [tree]
        yield from (Part(step.why, segment.exercise, source, piece) for piece in pieces)


def _is_answer(part: Part, name: str) -> bool:
    return part.why == "exercise" and part.exercise == name


def run(name: str, parts: list[Part], known: dict, cut: dict[str, int], tell: Callable = lambda *_: None) -> tuple:
    """Run parts in order; return the namespace, what the exercise's own cell has raised, and whether a given cell has.

    known: what earlier exercises are, from their check on.    cut: how far a part may be run that did not end once.
    tell is told of each statement before it runs.
    """
    namespace: dict = {"__name__": "__main__", "display": lambda *_, **__: None} | known
    compiled, raised, broken = codeop.Compile(), "", False  # it keeps `from __future__` for the cells after
    for number, part in enumerate(parts):
        if part.why == "check":
            namespace |= {part.exercise: known[part.exercise]} if part.exercise in known else {}
            continue
        place = label(part)
        file = f"<ipykernel {place}>"  # as IPython calls its cells: errors then show the learner's line
        linecache.cache[file] = len(part.source), None, part.source.splitlines(keepends=True), file
        for number, statement in enumerate(part.tree.body[: cut.get(place)]):
            tell(place, number, _is_answer(part, name))
            try:
                exec(compiled(ast.Module([statement], []), file, "exec"), namespace)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # whatever a learner's code raises: the rest of its cell is not run
                broken |= part.why == "given"
                unwritten = isinstance(error, NotImplementedError) and not str(error)
                if _is_answer(part, name) and not unwritten:
                    raised = raised or f"your code raised {describe_error(error)}"
                break
    return namespace, raised, broken


def label(part: Part) -> str:
    return hashlib.sha256(f"{part.why} {part.source}".encode(errors="replace")).hexdigest()[:8]


@contextlib.contextmanager
def quietly():
    """Nothing that is printed or displayed inside shows."""
    if "IPython" in sys.modules:
        from IPython.utils.capture import capture_output

        with capture_output():
            yield
    else:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
