"""First-order mutants: the course's answer with one small slip in it, as a check must notice.

mutants    (what was changed, the changed answer) for every slip that can be made at one place of the syntax tree
"""

import ast
import copy
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator

OPERATORS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.Add],
    ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd],
}
COMPARISONS = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
ATTRIBUTES = {
    "softmax": ["log_softmax", "sigmoid"],
    "log_softmax": ["softmax"],
    "sigmoid": ["tanh"],
    "tanh": ["sigmoid"],
    "relu": ["tanh"],
    "gelu": ["relu"],
    "exp": ["expm1"],
    "log": ["log1p"],
    "logsigmoid": ["sigmoid"],
    "sqrt": ["exp"],
    "rsqrt": ["sqrt"],
    "max": ["min"],
    "amax": ["amin"],
    "argmax": ["argmin"],
    "sum": ["mean", "prod"],
    "mean": ["sum"],
    "var": ["std"],
    "std": ["var"],
    "norm": ["sum"],
    "cos": ["sin"],
    "sin": ["cos"],
    "tril": ["triu"],
    "triu": ["tril"],
    "zeros": ["ones"],
    "ones": ["zeros"],
    "zeros_like": ["ones_like"],
    "ones_like": ["zeros_like"],
    "stack": ["cat"],
    "cumsum": ["cumprod"],
}


def mutants(answer: Callable) -> Iterator[tuple[str, Callable]]:
    """Every first-order mutant of a function or class, compiled where the original stands."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(answer)))
    module = sys.modules[answer.__module__]
    _drop_docstrings_and_annotations(tree)
    for place, node in enumerate(ast.walk(tree)):
        for change in _changes(node, tree):
            changed = copy.deepcopy(tree)
            target = next(found for i, found in enumerate(ast.walk(changed)) if i == place)
            before = ast.unparse(target)
            replacement = change(target)
            if replacement is not target:
                changed = _Replace(target, replacement).visit(changed)
            after = ast.unparse(replacement) if replacement else "nothing"
            if before == after:
                continue
            namespace = dict(vars(module))
            try:
                exec(compile(ast.fix_missing_locations(changed), "<mutant>", "exec"), namespace)
            except Exception:  # a slip that Python itself refuses is no mutant
                continue
            yield f"{_line(before)} -> {_line(after)}", namespace[answer.__name__]


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.AST | None):
        self.target, self.replacement = target, replacement

    def visit(self, node: ast.AST):
        if node is not self.target:
            return self.generic_visit(node)
        return self.replacement or ast.Pass()


def _drop_docstrings_and_annotations(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                argument.annotation = None


def _changes(node: ast.AST, tree: ast.Module) -> list[Callable]:
    """The slips that can be made at this node: functions from the copied node to what stands there instead."""
    if isinstance(node, ast.BinOp):
        swaps = [_set("op", kind()) for kind in OPERATORS.get(type(node.op), [])]
        return [*swaps, lambda n: n.left, lambda n: n.right]
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return [_set("ops", [kind()]) for kind in COMPARISONS.get(type(node.ops[0]), [])]
    if isinstance(node, ast.BoolOp):
        return [_set("op", ast.Or() if isinstance(node.op, ast.And) else ast.And()), lambda n: n.values[0]]
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return [_set("value", not node.value)]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return [_set("value", value) for value in sorted({node.value + 1, node.value - 1, -node.value} - {node.value})]
    if isinstance(node, ast.UnaryOp):
        return [lambda n: n.operand]
    if isinstance(node, ast.Attribute):
        return [_set("attr", name) for name in ATTRIBUTES.get(node.attr, [])]
    if isinstance(node, ast.If | ast.IfExp):
        return [_set("test", ast.Constant(True)), _set("test", ast.Constant(False))]
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
        return [lambda n: None]
    if isinstance(node, ast.Raise):
        return [lambda n: None]
    if isinstance(node, ast.Slice):
        return [_set(part, None) for part in ("lower", "upper", "step") if getattr(node, part) is not None]
    if isinstance(node, ast.Call):
        drops = [_without_keyword(i) for i, keyword in enumerate(node.keywords) if keyword.arg]
        return [*drops, lambda n: n.func.value] if isinstance(node.func, ast.Attribute) else drops
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return [_set("id", name) for name in _next_argument(node.id, tree)]
    return []


def _set(field: str, value: object) -> Callable:
    def change(node: ast.AST) -> ast.AST:
        setattr(node, field, value)
        return node

    return change


def _without_keyword(index: int) -> Callable:
    def change(node: ast.Call) -> ast.Call:
        del node.keywords[index]
        return node

    return change


def _next_argument(name: str, tree: ast.Module) -> list[str]:
    """The argument after this one in the same function: names are confused with their neighbours."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            names = [argument.arg for argument in function.args.args if argument.arg != "self"]
            if name in names and len(names) > 1:
                return [names[(names.index(name) + 1) % len(names)]]
    return []


def _line(text: str) -> str:
    return text.splitlines()[0].strip()
