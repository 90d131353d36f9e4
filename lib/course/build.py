"""From the source of a notebook to the two that are committed: `python -m lib.course.build [NN ...] [--check] [--all]`.

    solutions/NN_name.py      the only source: cells as text (jupytext's py:percent)
    solutions/NN_name.ipynb   the same, executed
    notebooks/NN_name.ipynb   what the learner opens: each marked solution replaced by `raise NotImplementedError()`,
                              or, where the answer is a value, by `name = ...`

Only notebooks whose code cells changed are executed. `--check` writes nothing and fails when a notebook is out of step.
Answers and checks carry nbgrader's metadata as well, so that a class can be run with it (lib/course/classroom.py).
"""

import argparse
import ast
import base64
import hashlib
import io
import json
import os
import re
import sys
import textwrap
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lib.course import here
from lib.course.cells import ANSWERS, NOTEBOOKS, ROOT, SOLUTIONS, names_bound, role
from lib.widgets import named_in

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
MARKED = re.compile(r"^([ \t]*)### BEGIN SOLUTION[ \t]*\n.*?^[ \t]*### END SOLUTION[ \t]*$", re.DOTALL | re.MULTILINE)
UNWRITTEN = r"\1# YOUR CODE HERE\n\1raise NotImplementedError()"
KINDS_OF_OUTPUT = {"text/plain", "image/png"}
LARGEST = 600_000
LONGEST_CELL = 600  # seconds


def load(source: Path) -> NotebookNode:
    """The notebook that a source file describes: not executed, with stable cell ids and clean metadata."""
    import jupytext  # only those who build need it

    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    ids: dict[str, int] = {}
    points: dict[str, int] = {}
    for cell in notebook.cells:
        cell.metadata.pop("lines_to_next_cell", None)
        kind, name = role(cell)
        base = f"{kind}-{name}" if kind else hashlib.sha1((cell.cell_type + cell.source).encode()).hexdigest()[:8]
        ids[base] = ids.get(base, 0) + 1
        cell.id = base if ids[base] == 1 else f"{base}-{ids[base]}"
        if kind == "check":
            cell.metadata.update(deletable=False, editable=False)
            cell.source = f'from lib.checks import check\n{name} = check("{name}")'
            cell.metadata.nbgrader = for_nbgrader(cell.id, points.get(name, 1))
        elif kind:
            points[name] = cell.metadata.get("difficulty", 1)
            cell.metadata.nbgrader = for_nbgrader(cell.id)
        if "training" in cell.metadata.get("tags", []) or (cell.cell_type == "code" and named_in(cell.source)):
            cell.metadata.tags = sorted({*cell.metadata.get("tags", []), "nbval-ignore-output"})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def for_nbgrader(identity: str, points: int | None = None) -> NotebookNode:
    """nbgrader's metadata: a check gives points and is locked; the answer that it looks at gives none itself."""
    about = {"schema_version": 3, "grade_id": identity, "task": False}
    if points is None:
        return nbformat.from_dict(about | {"solution": True, "grade": False, "locked": False})
    return nbformat.from_dict(about | {"solution": False, "grade": True, "locked": True, "points": points})


def stub(notebook: NotebookNode) -> NotebookNode:
    """The learner's notebook: no outputs, and in place of every marked solution a line that asks for theirs.

    One that begins with a title gets the cells of `lib.course.here`: what they do has no place in a solution.
    """
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        if role(cell)[0] in ANSWERS:
            cell.source = unwritten(cell)
        elif MARKED.search(cell.source):
            raise ValueError(f"markers outside an exercise or a question: {cell.id}")
    if notebook.cells[0].source.startswith("# "):
        fetch, check = (nbformat.v4.new_code_cell(source, id=identity) for identity, source in here.CELLS.items())
        fetch.metadata.jupyter = {"source_hidden": True}  # JupyterLab folds it; where it is needed, all is shown
        notebook.cells = [notebook.cells[0], fetch, *notebook.cells[1:], check]
    return notebook


def unwritten(cell: NotebookNode) -> str:
    """The source of an exercise or a question before anything is written. Raises ValueError where nothing is marked."""
    kind, name = role(cell)
    source, count = MARKED.subn(UNWRITTEN if kind == "exercise" else _unanswered, cell.source)
    if not count:
        raise ValueError(f"{kind} {name!r} has no marked solution")
    if kind == "question" and name not in names_bound(ast.parse(source)):
        raise ValueError(f"question {name!r} has no line `{name} = ...` between its markers")
    return source


def _unanswered(marked: re.Match) -> str:
    """`name = ...` for every name that a marked part of a question gives a value."""
    assigned = [node for node in ast.parse(textwrap.dedent(marked[0])).body if isinstance(node, ast.Assign)]
    targets = [part for node in assigned for target in node.targets for part in ast.walk(target)]
    names = dict.fromkeys(part.id for part in targets if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))
    return "\n".join(f"{marked[1]}{name} = ..." for name in names)


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run all cells as a learner's JupyterLab would and keep pictures and text. Raises on an error or a warning."""
    from nbclient import NotebookClient

    os.environ |= {"PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE", "COURSE_YOURS": "off"}
    notebook = deepcopy(notebook)
    client = NotebookClient(notebook, timeout=LONGEST_CELL, kernel_name="python3", coalesce_streams=True,
                            record_timing=False, resources={"metadata": {"path": str(folder)}})  # fmt: skip
    client.execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise ValueError(f"cell {cell.id} writes to stderr: {output.text.strip()[:300]}")
            if named_in(cell.source):
                output.get("data", {}).pop("text/html", None)  # what moves is made anew where it is shown
            if extra := set(output.get("data", {})) - KINDS_OF_OUTPUT:
                raise ValueError(f"cell {cell.id} displays {', '.join(sorted(extra))}: outputs are text and PNG only")
            output.get("metadata", {}).clear()
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = with_fewer_colours(output.data["image/png"])
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def with_fewer_colours(picture: str) -> str:
    """A PNG in base64 with at most 256 colours: to the eye the same, in less than half the bytes."""
    from PIL import Image

    image, small = Image.open(io.BytesIO(base64.b64decode(picture))), io.BytesIO()
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def with_outputs_of(notebook: NotebookNode, executed: NotebookNode | None) -> NotebookNode | None:
    """The notebook with the outputs of an older one, where only text and metadata differ; None where code does.

    Of the metadata, only tags can change what a cell prints (such as nbclient's `skip-execution`). Comments and the
    layout of code are text, and so are docstrings.
    """
    code, old = ([cell for cell in book.cells if cell.cell_type == "code"] for book in (notebook, executed or notebook))
    runs = [[(_what_runs(cell), cell.metadata.get("tags")) for cell in cells] for cells in (code, old)]
    if executed is None or runs[0] != runs[1]:
        return None
    for cell, done in zip(code, old, strict=True):
        cell.outputs, cell.execution_count = done.outputs, done.execution_count
    return notebook


def _what_runs(cell: NotebookNode) -> str:
    """The syntax tree of a cell, without docstrings."""
    tree = ast.parse(cell.source)
    for part in ast.walk(tree):
        if isinstance(part, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(part) is not None:
            part.body = part.body[1:]
    return ast.dump(tree)


def as_text(notebook: NotebookNode) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def cells_of(notebook: NotebookNode) -> list[tuple]:
    """Everything about the cells but their outputs: what must agree between source and solution notebook."""
    return [
        (cell.id, cell.cell_type, cell.source, json.dumps(cell.metadata, sort_keys=True)) for cell in notebook.cells
    ]


def read(path: Path) -> NotebookNode | None:
    return nbformat.reads(path.read_text(encoding="utf-8"), 4) if path.exists() else None


def write(path: Path, text: str) -> bool:
    """Write through a temporary file, and only what differs."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, path)
    return True


def out_of_step(source: Path) -> list[str]:
    """What `--check` complains about for one source, in words; an empty list when all is in step."""
    notebook, solution = load(source), read(source.with_suffix(".ipynb"))
    stub_path = NOTEBOOKS / source.with_suffix(".ipynb").name
    found = []
    if solution is None or cells_of(solution) != cells_of(notebook):
        found.append(f"solutions/{source.stem}.ipynb is not built from solutions/{source.name}")
    elif any(cell.cell_type == "code" and cell.execution_count is None and cell.source for cell in solution.cells):
        found.append(f"solutions/{source.stem}.ipynb has cells that were not executed")
    if not stub_path.exists() or stub_path.read_text(encoding="utf-8") != as_text(stub(notebook)):
        found.append(f"notebooks/{source.stem}.ipynb is not built from solutions/{source.name}")
    if (size := source.with_suffix(".ipynb").stat().st_size if solution else 0) > LARGEST:
        found.append(f"solutions/{source.stem}.ipynb has {size:,} bytes; at most {LARGEST:,} are allowed")
    return found


def build(source: Path, always: bool = False) -> list[str]:
    """Bring both notebooks of one source up to date; return the names of the files that changed."""
    notebook = load(source)
    stub_text = as_text(stub(notebook))  # before the long part: a marker mistake shows at once
    solution_path = source.with_suffix(".ipynb")
    solution = read(solution_path)
    changed = []
    if always or solution is None or cells_of(solution) != cells_of(notebook):
        executed = None if always else with_outputs_of(notebook, solution)
        write(solution_path, as_text(executed or execute(notebook, source.parent)))
        changed.append(f"solutions/{solution_path.name}")
    if write(NOTEBOOKS / solution_path.name, stub_text):
        changed.append(f"notebooks/{solution_path.name}")
    return changed


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lib.course.build", description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", metavar="NN", help="notebooks to build, such as 04 (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a notebook is out of step")
    parser.add_argument("--all", action="store_true", help="execute also what did not change")
    asked = parser.parse_args(arguments)
    sources = sorted(SOLUTIONS.glob("[0-9][0-9]_*.py"))
    if unknown := [n for n in asked.numbers if not any(s.name.startswith(f"{n}_") for s in sources)]:
        parser.error(f"there is no notebook {unknown[0]}")
    sources = [s for s in sources if not asked.numbers or s.name[:2] in asked.numbers]
    if asked.check:
        findings = [line for source in sources for line in out_of_step(source)]
        for line in findings:
            print(line)
        print(
            "in step" if not findings else "out of step: run `python -m lib.course.build`",
            f"({len(sources)} notebooks)",
        )
        return int(bool(findings))
    for source in sources:
        for name in build(source, asked.all):
            print("wrote", name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
