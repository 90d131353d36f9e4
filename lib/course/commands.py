"""The commands behind `python3 course.py`: lab, check, status, reset, update, fetch, test.

    main       runs one; returns the exit status
    notebook   the notebook that a number or a path stands for

Standard library only: it runs before anything is installed, and what needs more is started in the course's environment.
"""

import errno
import os
import re
import shutil
import sys
import time
from pathlib import Path
from urllib.parse import quote

from lib.course.environment import environment, is_writable
from lib.course.placing import find
from lib.course.programs import ROOT, Stop, hand_over, run

GRADING = ["-p", "lib.course.grading", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]  # and no other's
GRADING += ["-o", "norecursedirs=.*"]  # hand-ins may lie in a folder called build
TWO_WORKERS = ["-n", "2", "--dist", "loadfile"]
TESTS = {
    "models": (
        "published models are here, if they can be had",
        ["lib.downloads", "--if-possible", "smollm2", "minilm"],
    ),
    "build": ("the notebooks are built from their sources", ["lib.course.build", "--check"]),
    "solutions": ("the solutions print what they printed", ["pytest", "--nbval", "solutions/", *TWO_WORKERS]),
    "notebooks": ("stubs are graded not done, solutions done", ["lib.course.selfcheck"]),
    "ruff": ("ruff finds nothing in the code", ["ruff", "check", "."]),
    "format": ("the code has ruff's format", ["ruff", "format", "--check", "."]),
    "tests": ("the tests pass", ["pytest", "tests", *TWO_WORKERS]),
}
PARTS = {  # of the tests, to be asked for by name
    "graders": (
        "checks tell wrong answers from right ones",
        ["pytest", "tests/test_graders.py", "tests/test_graders_odd.py", *TWO_WORKERS],
    ),
}


def lab(arguments: list[str]) -> int:
    """Open JupyterLab on a notebook, with the course's folder as its root."""
    numbers, options = split_options(arguments)
    path = notebook(numbers[0] if numbers else "00")
    python = environment()
    if not is_writable(ROOT):
        print(f"{ROOT} cannot be written to: JupyterLab opens, but cannot save.", flush=True)
    if getattr(os, "geteuid", lambda: 1)() == 0 and "--allow-root" not in options:
        options = [*options, "--allow-root"]  # as in a container; JupyterLab would refuse
    root = ROOT if path.is_relative_to(ROOT) else path.parent
    address = f"/lab/tree/{quote(path.relative_to(root).as_posix())}"  # so that it also stands in what Jupyter prints
    return hand_over(
        python, ["jupyterlab", f"--ServerApp.root_dir={root}", f"--LabApp.default_url={address}", *options]
    )


def check(arguments: list[str]) -> int:
    """`pytest --nbval` on some notebooks, on folders of them (a class's hand-ins), or on all."""
    numbers, options = split_options(arguments)
    paths = [Path(os.path.abspath(n)) if Path(n).is_dir() else notebook(n) for n in numbers] or all_notebooks()
    if not paths:
        raise Stop("There are no notebooks in notebooks/.", 2)
    names = [str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path) for path in paths]
    os.environ["COURSE_FROM"] = os.getcwd()  # the table names files as they are seen from here
    return hand_over(environment(), ["pytest", "--nbval", *names, *GRADING, *options])


def status(arguments: list[str]) -> int:
    without_options("status", arguments)
    if arguments:
        raise Stop("`course.py status` shows the whole course: say no more than that.", 2)
    return hand_over(environment(), ["lib.course.status"])


def reset(arguments: list[str]) -> int:
    without_options("reset", arguments)
    if not 1 <= len(arguments) <= 2:
        raise Stop("Say which notebook: `course.py reset NN`, or `course.py reset NN exercise`.", 2)
    named = re.match(r"(\d\d?)(?=_|$)", Path(arguments[0]).name)
    number = named[1].zfill(2) if named else arguments[0]
    if not any((ROOT / "solutions").glob(f"{number}_*.ipynb")):  # also one that the learner has deleted can be reset
        raise no_notebook(arguments[0])
    return hand_over(environment(), ["lib.course.reset", number, *arguments[1:]])


def update(arguments: list[str]) -> int:
    without_options("update", arguments)
    if arguments:
        raise Stop("`course.py update` brings the whole course up to date: say no more than that.", 2)
    if not (ROOT / ".git").exists():
        raise Stop("The course cannot update itself: this folder was not made by `git clone`. Nothing is changed.")
    if not shutil.which("git"):
        raise Stop("The course cannot update itself: git is not installed. Nothing is changed.")
    return hand_over(environment(), ["lib.course.update"])


def fetch(arguments: list[str]) -> int:
    """Real data and published models into the cache: the named ones, else all."""
    without_options("fetch", arguments)
    return hand_over(environment(), ["lib.downloads", *(arguments or ["--all"])])


def test(arguments: list[str]) -> int:
    """All of the course's own tests, or the named stages. A failure does not keep the others from running."""
    without_options("test", arguments)
    known = TESTS | PARTS
    if unknown := [name for name in arguments if name not in known]:
        raise Stop(f"There is no stage {unknown[0]} of the tests: there are {', '.join(known)}.", 2)
    stages = [known[name] for name in dict.fromkeys(arguments or TESTS)]
    python = environment(tests=True)
    results = []
    for number, (what, module) in enumerate(stages, 1):
        print(f"\n[{number} of {len(stages)}] {what}: python -m {' '.join(module)}", flush=True)
        start = time.monotonic()
        results.append((run(python, module), what, time.monotonic() - start))
    print()
    for failed, what, seconds in results:
        print(f"{'✗' if failed else '✓'} {what:<44} {seconds:>7.1f} s")
    failures = sum(bool(failed) for failed, *_ in results)
    if len(results) > 1:
        print(f"{failures} of {len(results)} failed" if failures else f"all {len(results)} passed", flush=True)
    return int(failures > 0)


COMMANDS = {
    "lab": lab,
    "check": check,
    "status": status,
    "reset": reset,
    "update": update,
    "fetch": fetch,
    "test": test,
}


def notebook(asked: str) -> Path:
    """The notebook that a number ("4", "04") or a path stands for. Raises Stop when there is none."""
    for folder in (Path.cwd(), ROOT, ROOT / "notebooks"):
        if ".ipynb" in asked.lower() and (folder / asked).is_file():
            return Path(os.path.abspath(folder / asked))
    names = [name for name in solutions() if asked.isdigit() and name.startswith(f"{asked.zfill(2)}_")]
    if not names:
        raise no_notebook(asked)
    found = find(names[0], ROOT / "notebooks")
    if found is None:
        raise Stop(f"notebooks/{names[0]} is not there: `python3 course.py reset {names[0][:2]}` makes it new.", 2)
    if found.name != names[0]:
        print(f"notebooks/{names[0]} is not there; {found.name} holds it.", flush=True)
    return found


def no_notebook(asked: str) -> Stop:
    numbers = [name[:2] for name in solutions()]
    there = f"the course has {numbers[0]} to {numbers[-1]}" if numbers else "solutions/ is empty"
    return Stop(f"There is no notebook {asked}: {there}.", 2)


def solutions() -> list[str]:
    """The names of the course's notebooks."""
    return sorted(path.name for path in (ROOT / "solutions").glob("[0-9][0-9]_*.ipynb"))


def all_notebooks() -> list[Path]:
    """The learner's notebooks, one for each of the course's: no copies that lie beside them."""
    return [path for name in solutions() if (path := find(name, ROOT / "notebooks"))]


def split_options(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What comes before the first option, and the options with what follows them."""
    first = next((i for i, argument in enumerate(arguments) if argument.startswith("-")), len(arguments))
    return arguments[:first], arguments[first:]


def without_options(command: str, arguments: list[str]) -> None:
    """Raises Stop for an option: to take it for a notebook, or not to look at it, would do what nobody asked for."""
    if options := split_options(arguments)[1]:
        raise Stop(f"`course.py {command}` has no option {options[0]}; `course.py --help` says what there is.", 2)


def main(arguments: list[str], usage: str) -> int:
    """Run a command of `course.py` and return the exit status. What goes wrong is one sentence on stderr."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.reconfigure(encoding="utf-8", errors="replace")  # a console of another encoding must not stop a ✓
    command, rest = (arguments or ["-h"])[0], arguments[1:]
    try:
        if command in ("-h", "help") or {"-h", "--help"} & set(arguments):
            print(usage.strip())
            return 0
        if command not in COMMANDS:
            raise Stop(f"There is no command {command}.\n\n{usage.strip()}", 2)
        return COMMANDS[command](rest)
    except Stop as stop:
        print(stop, file=sys.stderr)
        return stop.status
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # a reader that has enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        full = error.errno == errno.ENOSPC
        print("The disk is full." if full else f"That did not work: {error}.", file=sys.stderr)
        return 1
