"""The promises that need every notebook: `python -m lib.course.selfcheck`, part of `python3 course.py test`.

On notebooks/ as they are in the repository, every exercise is "not done yet": none passed, none wrong. On a copy of the
solutions, every exercise passes. Both through the command that learners use.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lib.checks import NOTEBOOKS
from lib.course.cells import NOTEBOOKS as FOLDER
from lib.course.cells import ROOT, SOLUTIONS

SUMMARY = re.compile(r"=+ (.+) in [\d.]+s.*=+")
PYTEST = [
    sys.executable,
    "-m",
    "pytest",
    "-p",
    "lib.course.grading",
    "--rootdir",
    str(ROOT),
    "--color=no",
    "-n",
    "2",
    "--nbval",
]


def verdicts(folder: Path) -> str:
    """pytest's closing line over the notebooks in a folder, such as "14 not done yet"."""
    done = subprocess.run([*PYTEST, str(folder)], capture_output=True, text=True, encoding="utf-8", cwd=ROOT)
    closing = SUMMARY.findall(done.stdout)
    return closing[-1] if closing else done.stdout[-2000:] + done.stderr[-2000:]


def main() -> int:
    exercises = sum(map(len, NOTEBOOKS.values()))
    untouched = verdicts(FOLDER)
    with tempfile.TemporaryDirectory() as copy:
        for solution in sorted(SOLUTIONS.glob("*.ipynb")):
            shutil.copy(solution, copy)
        solved = verdicts(Path(copy))
    print(f"notebooks/ as they come: {untouched}   (expected: {exercises} not done yet)")
    print(f"the solutions as a learner's work: {solved}   (expected: {exercises} passed)")
    return int(untouched != f"{exercises} not done yet" or solved != f"{exercises} passed")


if __name__ == "__main__":
    sys.exit(main())
