"""Data flows one way: a module of lib imports only what stands before it, and importing it costs little over torch."""

import ast
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
    """Processor time of the import itself, after torch, NumPy and matplotlib: the least of three tries."""
    names = [f"lib.{path.stem}" for path in (ROOT / "lib").glob("*.py") if path.stem not in ("__init__", "yours")]
    program = (
        "import sys, time, torch, numpy, matplotlib.pyplot, matplotlib.patches\n"
        "start = time.process_time()\n"
        "__import__(sys.argv[1])\n"
        "print(time.process_time() - start)"
    )
    for name in names:
        times = []
        for _ in range(3):
            command = [sys.executable, "-c", program, name]
            times.append(float(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout))
            if min(times) < ALLOWED_SECONDS:
                break
        assert min(times) < ALLOWED_SECONDS + SLACK, f"{name} takes {min(times):.2f} s"
