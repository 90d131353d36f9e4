"""What an answer keeps between calls, although each call should start anew.

State   default values, global names, attributes of the class, caches: as they are when it is made, and put back
"""

import contextlib
import dis
import types
from collections.abc import Callable

import torch
from torch import Tensor

from lib.checks.variations import copied


class State:
    """What an answer may keep between calls, as it is now: default values, global names, attributes of its class."""

    UNKNOWN = (
        "right the first time, wrong the second: something is kept from an earlier call. Each call must start anew"
    )

    def __init__(self, answer: Callable):
        self.places: list[tuple[str, Callable, Callable, object]] = []  # words, read, write, the value as it was
        self.caches: list[Callable] = []
        self.seen: set[int] = set()
        self._look_at(answer)

    def put_back(self) -> str:
        """Restore everything; return in words what had changed, or nothing."""
        changed = [words for words, read, _, before in self.places if not _same_value(read(), before)]
        for _, _, write, before in self.places:
            write(copied(before))
        changed += [f"the cache of `{cache.__name__}`" for cache in self.caches if cache.cache_info().currsize]
        for cache in self.caches:
            cache.cache_clear()
        return f"{changed[0]} keeps something from one call to the next" if changed else ""

    def _look_at(self, thing: object) -> None:
        if id(thing) in self.seen:
            return
        self.seen.add(id(thing))
        if hasattr(thing, "cache_clear") and hasattr(thing, "cache_info"):
            self.caches.append(thing)
            thing = getattr(thing, "__wrapped__", None)
        if isinstance(thing, type):
            for name, value in list(vars(thing).items()):
                self._look_at(value)
                if not name.startswith("__") and _is_plain(value):
                    self._note(f"the class attribute `{name}`", thing.__dict__.get, setattr, thing, name)
        if isinstance(thing, types.FunctionType):
            self._look_at_function(thing)

    def _look_at_function(self, function: types.FunctionType) -> None:
        for index, value in enumerate(function.__defaults__ or ()):
            if isinstance(value, list | dict | set | Tensor):
                names = function.__code__.co_varnames[: function.__code__.co_argcount]
                words = f"the default value of `{names[len(names) - len(function.__defaults__) + index]}`"
                self.places.append((words, *_item_of_defaults(function, index), copied(value)))
        for cell, name in zip(function.__closure__ or (), function.__code__.co_freevars, strict=True):
            with contextlib.suppress(ValueError):  # an empty cell
                if isinstance(cell.cell_contents, list | dict | set):
                    value = copied(cell.cell_contents)
                    self.places.append((f"`{name}`", *_contents_of(cell), value))
        names, space = function.__code__.co_names, function.__globals__
        if not function.__module__ or function.__module__.partition(".")[0] in ("torch", "lib", "numpy"):
            return
        for name in names:
            value = space.get(name)
            if isinstance(value, types.FunctionType | type) or hasattr(value, "cache_clear"):
                if getattr(value, "__module__", None) == function.__module__:
                    self._look_at(value)
            elif (name in space and _is_plain(value)) or _stores(function, name):
                self._note(f"the global name `{name}`", space.get, space.__setitem__, None, name)

    def _note(self, words: str, read: Callable, write: Callable, holder: object, name: str) -> None:
        put = (lambda value: write(holder, name, value)) if holder is not None else (lambda value: write(name, value))
        self.places.append((words, lambda: read(name), put, copied(read(name))))


def _item_of_defaults(function: types.FunctionType, index: int) -> tuple[Callable, Callable]:
    def write(value):
        values = list(function.__defaults__)
        values[index] = value
        function.__defaults__ = tuple(values)

    return lambda: function.__defaults__[index], write


def _contents_of(cell) -> tuple[Callable, Callable]:
    return lambda: cell.cell_contents, lambda value: setattr(cell, "cell_contents", value)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, list | dict | set | Tensor | int | float | str)


def _stores(function: types.FunctionType, name: str) -> bool:
    """Does the function bind a global of this name?"""
    return any(step.opname == "STORE_GLOBAL" and step.argval == name for step in dis.get_instructions(function))


def _same_value(now: object, before: object) -> bool:
    if isinstance(now, dict) and isinstance(before, dict):
        return now.keys() == before.keys() and all(_same_value(now[key], before[key]) for key in now)
    if isinstance(now, list | tuple) and isinstance(before, list | tuple):
        return len(now) == len(before) and all(map(_same_value, now, before))
    if isinstance(now, Tensor) or isinstance(before, Tensor):
        same = isinstance(now, Tensor) and isinstance(before, Tensor) and now.shape == before.shape
        return same and torch.equal(now, before)
    try:
        return bool(now == before)
    except Exception:  # a value that cannot be compared
        return now is before
