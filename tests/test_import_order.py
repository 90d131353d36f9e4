"""Data flows one way: a module of lib imports only what stands before it, and importing it costs little over torch."""

import ast
import math
import subprocess
import sys

import pytest

from lib.course.cells import ROOT

ORDER = [
    "terminal",
    "carriers",
    "downloads",
    "checkpoints",
    "tensor_files",
    "published_names",
    "gguf",
    "corpora",
    "tokenizer",
    "batching",
    "wordpiece",
    "text_vectors",
    "recurrent",
    "seq2seq",
    "positions",
    "attention",
    "flash",
    "relative_positions",
    "layers",
    "lora",
    "experts",
    "transformer",
    "fused",
    "cache",
    "gpt",
    "gpt2",
    "llama",
    "bert",
    "t5",
    "spans",
    "vit",
    "vit_weights",
    "smollm",
    "minilm",
    "pretrained",
    "scoring",
    "reader",
    "decoding",
    "captioner",
    "chat",
    "preferences",
    "rewards",
    "tools",
    "training",
    "figures",
    "widgets",
    "checks",
    "course",
    "yours",
]
MODULES = sorted(path for path in (ROOT / "lib").rglob("*.py") if path.parent.name != "lib" or path.stem != "__init__")
ALLOWED_SECONDS, SLACK = 0.1, 0.15  # the promise, and what a busy machine adds


def place(name: str) -> int:
    return ORDER.index(name)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_comes_before(path):
    me = path.relative_to(ROOT / "lib").parts[0].removesuffix(".py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lib":
            names = [node.module.split(".")[1]] if "." in node.module else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".")[1] for alias in node.names if alias.name.startswith("lib.")]
        for name in names:
            assert name == me or place(name) < place(me), f"{path.name} imports lib.{name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_lib_never_imports_the_programs_that_wrote_its_texts(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            assert not any(name.split(".")[0] == "data" for name in imported), f"{path.name} imports data.make"


@pytest.mark.parametrize("package", ["transformers", "gensim", "sklearn", "jupytext", "sacrebleu", "tokenizers"])
def test_lib_imports_no_package_that_learners_lack(package):
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
                assert not any(name.split(".")[0] == package for name in imported), f"{path.name} imports {package}"


def test_importing_a_module_costs_little_over_torch():
    """Processor time of the import itself, after torch, NumPy and matplotlib: the least of three tries.

    One process has those three; each import happens in a child of it, which knows nothing of the others.
    """
    program = """
import os, sys, time
import torch, numpy, matplotlib.pyplot, matplotlib.patches
for name in sys.argv[1:]:
    if child := os.fork():
        if os.waitpid(child, 0)[1]:
            sys.exit(f"{name} cannot be imported")
        continue
    start = time.process_time()
    __import__(name)
    print(name, time.process_time() - start, flush=True)
    os._exit(0)
"""
    names = [f"lib.{path.stem}" for path in (ROOT / "lib").glob("*.py") if path.stem not in ("__init__", "yours")]
    command = [sys.executable, "-c", program, *names * 3]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert not done.returncode, done.stderr
    times = {}
    for line in done.stdout.splitlines():
        name, seconds = line.split()
        times[name] = min(float(seconds), times.get(name, math.inf))
    assert times.keys() == set(names)
    slow = {name: seconds for name, seconds in times.items() if seconds >= ALLOWED_SECONDS + SLACK}
    assert not slow
