"""A course small enough to be set up in seconds, for the tests of `course.py` and what it starts.

make_tree   a folder with course.py, the machinery, one small notebook and its solution
run_course  course.py in it, as a learner with a plain Python runs it
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lib.course.build import METADATA, as_text, stub
from lib.course.cells import ROOT

PLAIN_PYTHON = getattr(sys, "_base_executable", sys.executable)  # not the one of an environment


def solution(*names: str, prose: str = "Two exercises.") -> object:
    """A solution notebook with one exercise for every name."""
    cells = [new_markdown_cell(prose, id="prose"), new_code_cell("size = 3", id="given")]
    for name in names:
        body = f"def {name}(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"
        cells.append(new_code_cell(body, id=f"exercise-{name}", metadata={"exercise": name}))
        cells.append(new_code_cell(f"{name} = check('{name}')", id=f"check-{name}", metadata={"check": name}))
    return new_notebook(cells=[*cells, new_markdown_cell("The end.", id="end")], metadata=METADATA)


def write_notebooks(tree: Path, notebook: object, name: str = "04_small.ipynb") -> None:
    for folder, content in (("solutions", notebook), ("notebooks", stub(notebook))):
        (tree / folder).mkdir(exist_ok=True)
        (tree / folder / name).write_text(as_text(content), encoding="utf-8")


def write_wheel(folder: Path, name: str) -> None:
    """A package that needs no network to be installed."""
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "answer = 42\n")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")


def make_tree(folder: Path, requirements: str = "") -> Path:
    """The small course, without an environment. `-m pytest` and `-m jupyterlab` say what they were told."""
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "course.py", folder)
    shutil.copytree(ROOT / "lib" / "course", folder / "lib" / "course", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "lib" / "__init__.py", folder / "lib")
    (folder / "requirements.txt").write_text(f"# what the course needs\n{requirements}\n", encoding="utf-8")
    told = "import os, sys\nprint(sys.argv[1:], os.getcwd(), os.environ['OMP_WAIT_POLICY'])\nsys.exit(3)\n"
    for module in ("pytest", "jupyterlab"):
        (folder / f"{module}.py").write_text(told, encoding="utf-8")
    write_notebooks(folder, solution("first", "second"))
    return folder


def plain_environ(**named: str) -> dict[str, str]:
    """No active environment and no package index."""
    hidden = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL")
    environ = {name: value for name, value in os.environ.items() if name not in hidden}
    offline = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_RETRIES": "1"}
    return environ | offline | {"PIP_DEFAULT_TIMEOUT": "5", "PYTHONDONTWRITEBYTECODE": "1"} | named


def run_course(tree: Path, *arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess:
    command = [PLAIN_PYTHON, str(tree / "course.py"), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=cwd or tree, env=plain_environ(**environ))


def run_module(tree: Path, module: str, *arguments: str) -> subprocess.CompletedProcess:
    """A module of the small course in the environment of these tests."""
    environ = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tree, env=environ)
