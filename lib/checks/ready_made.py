"""Mistakes that can be made in any exercise, and the one that is none of the learner's: the course's own answer.

ready_made_mistakes   an optional argument ignored, `.squeeze()`, results in the wrong order
calls_reference       does the learner's code call the course's own answer?
parameters_of         what a function takes, by name
"""

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

LIB = str(Path(__file__).resolve().parents[1])
TORCH = str(Path(torch.__file__).resolve().parent)


def ready_made_mistakes(reference: Callable, returns: Sequence[str]) -> list[tuple[str, str, Callable]]:
    """(name, sentence, wrong answer) for what can be wrong in any exercise of this form."""
    found = []
    methods = _public_methods(reference) if isinstance(reference, type) else {"": reference}
    for method, function in methods.items():
        for name, parameter in parameters_of(function).items():
            if parameter.default is not inspect.Parameter.empty:
                ignoring = functools.partial(_with_default, name=name, signature=inspect.signature(function))
                of = f"{method}_" if method not in ("", "forward") else ""
                sentence = f"`{name}` has no effect: the result is the same without it."
                found.append((f"{of}ignores_{name}", sentence, _around(reference, method, ignoring)))
    main = "forward" if "forward" in methods else ""
    if main in methods:
        squeezed = _around(reference, main, lambda function: lambda *a, **n: _squeezed(function(*a, **n)))
        sentence = "`.squeeze()` without a dimension takes away every axis of size 1, also that of a batch of one."
        found.append(("squeezed", sentence, squeezed))
        if len(returns) == 2:
            swapped = _around(reference, main, lambda function: lambda *a, **n: tuple(function(*a, **n))[::-1])
            found.append(("results_swapped", f"the order is: {returns[0]} first, then {returns[1]}.", swapped))
    return found


def _public_methods(kind: type) -> dict[str, Callable]:
    functions = {name: part for name, part in vars(kind).items() if inspect.isfunction(part)}
    return {name: part for name, part in functions.items() if name == "__init__" or not name.startswith("_")}


def parameters_of(function: Callable) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}


def _with_default(function: Callable, name: str, signature: inspect.Signature) -> Callable:
    def ignoring(*arguments, **named):
        bound = signature.bind(*arguments, **named)
        bound.arguments.pop(name, None)
        return function(*bound.args, **bound.kwargs)

    return ignoring


def _around(reference: Callable, method: str, change: Callable) -> Callable:
    """The course's answer, or a class like it, with one function changed."""
    if not method:
        return change(reference)
    return type(reference.__name__, (reference,), {method: change(vars(reference)[method])})


def _squeezed(value):
    if isinstance(value, tuple | list):
        return type(value)(map(_squeezed, value))
    return value.squeeze() if isinstance(value, Tensor) else value


def calls_reference(reference: Callable, run: Callable[[], object], answer: Callable) -> bool:
    """Is the course's own answer at work in `run()`, called from code that is not the course's?"""
    if isinstance(answer, type) and isinstance(reference, type) and issubclass(answer, reference):
        return True
    parts = _public_methods(reference).values() if isinstance(reference, type) else [reference]
    codes = {part.__code__ for part in parts if hasattr(part, "__code__")}
    found = []

    def watch(frame, event, _):
        if event == "call" and frame.f_code in codes and not _called_by_the_course(frame.f_back):
            found.append(frame)

    if sys.getprofile():  # somebody is measuring
        return False
    sys.setprofile(watch)
    try:
        run()
    finally:
        sys.setprofile(None)
    return bool(found)


def _called_by_the_course(frame) -> bool:
    while frame is not None and frame.f_code.co_filename.startswith(TORCH):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(LIB)
