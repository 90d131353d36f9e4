"""Shape comments that cannot lie: `scores = q @ k.mT  # (batch, heads, query, key)` is a promise, checked as it runs.

promises    the commented assignments of a module
watched     while this is on, every such line of these modules is checked: one name means one size within a call
"""

import ast
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

COMMENT = re.compile(r"#[^(]*\(([a-z_0-9*+ ,]*)\)\s*$")


def promises(path: Path) -> dict[int, tuple[str, list[str]]]:
    """Last line of a commented assignment -> (variable, its dimensions)."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)):
            continue
        if comment := COMMENT.search(lines[node.end_lineno - 1]):
            dimensions = [part.strip() for part in comment[1].split(",") if part.strip()]
            for line in range(node.lineno, node.end_lineno + 1):
                found[line] = node.targets[0].id, dimensions
    return found


@contextmanager
def watched(modules: list[ModuleType]):
    """Yields the set of (file, line) that were seen to be true; raises AssertionError on a false one."""
    promised = {module.__file__: promises(Path(module.__file__)) for module in modules}
    seen: set[tuple[str, int]] = set()

    def trace_call(frame, event, argument):
        of_file = promised.get(frame.f_code.co_filename)
        if not of_file:
            return None
        sizes: dict[str, int] = {}
        last = [frame.f_lineno]

        def trace_line(frame, event, argument):
            line, last[0] = last[0], frame.f_lineno
            if line in of_file and line != frame.f_lineno and event in ("line", "return"):
                name, dimensions = of_file[line]
                shape = getattr(frame.f_locals.get(name), "shape", None)
                if shape is not None:
                    _compare(f"{Path(frame.f_code.co_filename).name}:{line}: {name}", tuple(shape), dimensions, sizes)
                    seen.add((frame.f_code.co_filename, line))
            return trace_line

        return trace_line

    before = sys.gettrace()
    sys.settrace(trace_call)
    try:
        yield seen
    finally:
        sys.settrace(before)


def _compare(where: str, shape: tuple[int, ...], dimensions: list[str], sizes: dict[str, int]) -> None:
    said = f"{where} has shape {shape}, the comment says ({', '.join(dimensions)})"
    assert len(shape) == len(dimensions), said
    for size, dimension in zip(shape, dimensions, strict=True):
        known = int(dimension) if dimension.isdigit() else sizes.setdefault(dimension, size)
        assert size == known or (not dimension.isidentifier() and not dimension.isdigit()), (
            f"{said}; {dimension} is {known}"
        )
