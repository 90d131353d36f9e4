"""What a notebook's cells are, and which names tie them together.

    ROOT, SOLUTIONS, NOTEBOOKS   where things stand
    role               ("exercise" | "question" | "check" | None, name) of a cell
    ANSWERS            the kinds whose cells hold what the learner writes
    names_bound        the names that a piece of code gives a value at its top level
    names_used         the names that it takes from outside
    depends_on         the statements that a name needs
    untrained_cells    the code cells that can run without waiting for training

Everything here works on text and syntax trees: nothing is run.
"""

import ast
import builtins
import symtable
from pathlib import Path

from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
DEFINITIONS = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign | ast.AugAssign
SOLUTIONS, NOTEBOOKS = ROOT / "solutions", ROOT / "notebooks"
ANSWERS = ("exercise", "question")


def solution_of(number: str) -> Path | None:
    """The executed solution notebook with this number ("04"), or None."""
    return next(iter(sorted(SOLUTIONS.glob(f"{number}_*.ipynb"))), None)


def role(cell: NotebookNode) -> tuple[str | None, str]:
    """("exercise", "attention"), ("question", "equal_rows"), ("check", "attention"); (None, "") for any other cell."""
    for kind in (*ANSWERS, "check"):
        if kind in cell.metadata:
            return kind, str(cell.metadata[kind])
    return None, ""


def parse(source: str) -> ast.Module | None:
    """The syntax tree of a cell, or None where it is not plain Python (a magic, a slip)."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def names_bound(node: ast.AST) -> set[str]:
    """The names a statement or module binds in the scope it stands in."""
    found: set[str] = set()

    def visit(part: ast.AST) -> None:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(part.name)
            return  # what is bound inside stays inside
        if isinstance(part, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            return
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
        if isinstance(part, ast.Import | ast.ImportFrom):
            found.update((alias.asname or alias.name).split(".")[0] for alias in part.names)
        for child in ast.iter_child_nodes(part):
            visit(child)

    visit(node)
    return found


def names_used(node: ast.AST) -> set[str]:
    """The names that a statement or module takes from outside: its functions' local names and builtins left out."""
    return _outer_names(symtable.symtable(ast.unparse(node), "cell", "exec")) - set(dir(builtins))


def _outer_names(table: symtable.SymbolTable) -> set[str]:
    top = table.get_type() == "module"
    names = {
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and (top or symbol.is_global())
    }
    return names.union(*map(_outer_names, table.get_children()))


def depends_on(
    name: str, statements: list[ast.stmt], outside: set[str] = frozenset()
) -> tuple[list[ast.stmt], set[str]]:
    """The imports, functions, classes and assignments that `name` depends on, in order.

    Names in `outside` are not followed; those that are needed are returned beside the statements.
    """
    wanted, taken, found = {name}, set(), set()
    before = -1
    while len(taken) != before:
        before = len(taken)
        for place, statement in enumerate(statements):
            if place not in taken and isinstance(statement, DEFINITIONS) and names_bound(statement) & wanted:
                taken.add(place)
                used = names_used(statement)
                found |= used & outside
                wanted |= used - outside
    return [statements[place] for place in sorted(taken)], found


def untrained_cells(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The code cells that need no training: without those tagged `training` and those that use what these define.

    A function or class counts as needing training only once it is called, so exercises are always kept.
    """
    missing: set[str] = set()
    kept = []
    for cell in cells:
        if cell.cell_type != "code":
            continue
        tree = parse(cell.source)
        bound = names_bound(tree) if tree else set()
        if role(cell)[0]:
            missing -= bound
            kept.append(cell)
        elif "training" in cell.metadata.get("tags", []) or (tree and names_used(tree) & missing):
            missing |= bound
        else:
            missing -= bound
            kept.append(cell)
    return kept
