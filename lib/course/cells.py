"""What a notebook's cells are, and which names tie them together.

    role               ("exercise" | "question" | "check" | None, name) of a cell
    tree_of, parse     the syntax tree of a cell, its magics made Python
    names_bound        the names that a piece of code gives a value at its top level
    names_stored_in    the names in whose objects it stores something there
    names_changed      those, and the names whose objects it changes by a call
    names_used         the names that it takes from outside
    depends_on         the pieces of code that a name needs
    untrained_cells    the code cells that can run without waiting for training

Everything here works on text and syntax trees: nothing is run. ROOT, SOLUTIONS and NOTEBOOKS say where things stand.
"""

import ast
import symtable
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from lib.course.placing import NOTEBOOKS, ROOT, SOLUTIONS  # noqa: F401 (they are looked for here)

ANSWERS = ("exercise", "question")  # the kinds whose cells hold what the learner writes
MAGICS_THAT_RUN_CODE = ("time", "capture", "prun")  # in the notebook itself: what they define stays


def solution_of(number: str) -> Path | None:
    """The executed solution notebook with this number ("04"), or None."""
    return next(iter(sorted(SOLUTIONS.glob(f"{number}_*.ipynb"))), None)


def role(cell: NotebookNode) -> tuple[str | None, str]:
    """("exercise", "attention"), ("question", "equal_rows"), ("check", "attention"); (None, "") for any other cell."""
    for kind in (*ANSWERS, "check"):
        if kind in cell.metadata:
            return kind, str(cell.metadata[kind])
    return None, ""


def tree_of(source: str) -> ast.Module:
    """The syntax tree of a cell as IPython reads it: `%%time` is its body, `!ls` and `x?` are nothing.

    Raises SyntaxError.
    """
    try:
        return ast.parse(source)
    except ValueError as error:  # a null byte
        raise SyntaxError(str(error)) from None
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager  # slow to import, and few cells need it

        return _WithoutMagics().visit(ast.parse(TransformerManager().transform_cell(source)))


class _WithoutMagics(ast.NodeTransformer):
    """IPython turns a magic into a call of `get_ipython()`; this puts the code that it runs in the call's place."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        match node.value:
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython"))), args=arguments):
                values = [argument.value for argument in arguments if isinstance(argument, ast.Constant)]
                body = tree_of(values[-1]).body if values[0] in MAGICS_THAT_RUN_CODE else []
                lines = node.lineno if len(values) == 3 else node.lineno - 1  # a cell's magic stands above its body
                return [ast.increment_lineno(one, lines) for one in body] or ast.copy_location(ast.Pass(), node)
        return node


def parse(source: str) -> ast.Module | None:
    """The syntax tree of a cell, or None where there is a slip in it."""
    try:
        return tree_of(source)
    except SyntaxError:
        return None


def names_bound(node: ast.AST) -> set[str]:
    """The names a statement or module binds in the scope it stands in; "*" for a star import."""
    tables = [_symbols(node)]
    found = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    while tables:  # a function's `global table`, a comprehension's `last := x`
        inner = tables.pop().get_children()
        found |= {s.get_name() for t in inner for s in t.get_symbols() if s.is_declared_global() and s.is_assigned()}
        tables += inner
    return found | {"*" for part in _here(node) if isinstance(part, ast.ImportFrom) and part.names[0].name == "*"}


def names_stored_in(node: ast.AST) -> set[str]:
    """The names in whose objects a statement stores or deletes something: `Block.forward = f`, `seen[0] = 1`."""
    stores = (part for part in _here(node) if isinstance(part, ast.Attribute | ast.Subscript))
    return {_root(part) for part in stores if not isinstance(part.ctx, ast.Load)} - {""}


def names_changed(node: ast.AST) -> set[str]:
    """The names whose objects a statement changes: those it stores in, `setattr(Block, ...)`, `seen.append(1)`."""
    found = names_stored_in(node)
    for part in _here(node):
        match part:
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[ast.Name(id=name), *_]):
                found.add(name)
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):  # seen.append(1)
                found.add(_root(method))
    return found - {""}


def names_used(node: ast.AST) -> set[str]:
    """The names that a statement or module takes from outside: its functions' local names left out."""
    return _outer_names(_symbols(node))


def _symbols(node: ast.AST) -> symtable.SymbolTable:
    try:
        return symtable.symtable(ast.unparse(node), "cell", "exec")
    except SyntaxError:  # `return` outside of a function and the like: IPython does not run such a cell
        return symtable.symtable("", "cell", "exec")


def _here(node: ast.AST) -> Iterator[ast.AST]:
    """All parts of a piece of code but those inside functions, which run later."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _here(child)


def _root(node: ast.AST) -> str:
    """The name at the start of `a.b[0].c`; empty when something else stands there."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _outer_names(table: symtable.SymbolTable) -> set[str]:
    top = table.get_type() == "module"
    names = {
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and (top or symbol.is_global())
    }
    return names.union(*map(_outer_names, table.get_children()))


def depends_on(*names: str, pieces: list[ast.AST], outside: set[str] = frozenset()) -> tuple[list[ast.AST], set[str]]:
    """The pieces of code (statements, or whole cells) that some names depend on, in order.

    Names in `outside` are not followed; those that are needed are returned beside the pieces.
    """
    imports = [part for piece in pieces for part in _here(piece) if isinstance(part, ast.Import)]
    modules = set().union(*map(names_bound, imports))  # `torch.manual_seed(0)` makes nothing that is needed
    makes = [names_bound(piece) | names_changed(piece) - modules for piece in pieces]
    wanted, taken, found = {*names, "*"}, set(), set()
    before = -1
    while len(taken) != before:
        before = len(taken)
        for place, piece in enumerate(pieces):
            if place not in taken and makes[place] & wanted:
                taken.add(place)
                used = names_used(piece)
                found |= used & outside
                wanted |= used - outside
    return [pieces[place] for place in sorted(taken)], found


def untrained_cells(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The code cells that need no training: without those tagged `training` and those that use what these define.

    What such a cell would store in an object, as `bits["mine"] = 0.8` does, counts as defined by it. A function or
    class counts as needing training only once it is called, so exercises are always kept.
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
            missing |= bound | (names_stored_in(tree) if tree else set())
        else:
            missing -= bound
            kept.append(cell)
    return kept
