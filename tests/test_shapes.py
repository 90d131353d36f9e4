"""The shape comments of lib are true while the course's answers run through their own probes."""

import importlib
import types

import pytest
import torch

from lib.checks import NOTEBOOKS, exercise
from lib.checks.core import Exercise
from lib.course.cells import ROOT
from tests.shapes import watched

FILES = [
    *(ROOT / "lib").glob("*.py"),
    *(ROOT / "lib" / "training").glob("*.py"),
    *(ROOT / "lib" / "decoding").glob("*.py"),
]
MODULES = [
    importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    for path in sorted(FILES)
    if path.stem not in ("yours", "figures", "__main__")
]
EXERCISES = [name for names in NOTEBOOKS.values() for name in names if isinstance(exercise(name), Exercise)]


@pytest.mark.parametrize("name", EXERCISES)
def test_shape_comments_are_true(name):
    asked = exercise(name)
    with watched(MODULES):
        for number, (_, scenario) in enumerate(asked.probes):
            scenario(asked.reference, torch.Generator().manual_seed(number))


@pytest.mark.parametrize(
    "comment, true",
    [("(row, column)", True), ("(row, row)", False), ("(row)", False), ("(3, column)", True), ("(4, column)", False)],
)
def test_the_tracer_notices_a_false_comment(tmp_path, comment, true):
    path = tmp_path / "toy_shapes.py"
    path.write_text(f"def f(x):\n    y = x * 2  # {comment}\n    return y\n", encoding="utf-8")
    module = types.ModuleType("toy_shapes")
    module.__file__ = str(path)
    exec(compile(path.read_text(), str(path), "exec"), vars(module))
    if true:
        with watched([module]) as seen:
            module.f(torch.ones(3, 5))
        assert seen
    else:
        with pytest.raises(AssertionError, match="the comment says"), watched([module]):
            module.f(torch.ones(3, 5))
