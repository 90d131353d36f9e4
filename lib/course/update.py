"""Bring a clone of the course up to date and keep the learner's work: `python -m lib.course.update`.

update      fetch, put the learner's work into the new notebooks, move forward
with_work   the new notebooks with the work in them: answers follow their exercise where it has moved to
settle      put notebooks in their places: after an update, a failed one, and one that was cut off
RENAMED     exercises that have a new name

What an update will write over is first copied to mywork/, and the new notebooks, with the learner's work in them, are
complete in `.course/updating/` before git touches anything. From there `settle` can always go on, or back.
"""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lib.course.build import as_text
from lib.course.cells import ANSWERS, ROOT, role
from lib.course.copies import keep, replace
from lib.course.programs import Stop
from lib.course.reset import readable
from lib.course.transplant import transplant

RENAMED: dict[str, str] = {}  # old name: new name. An update reads the table of the version that it moves to

UPDATING = ROOT / ".course" / "updating"
MINE, MERGED = UPDATING / "mine", UPDATING / "merged"
TARGET = UPDATING / "target"  # the commit to arrive at; written last: once it is there, the others are complete
UNCHANGED = "Nothing is changed."


def git(*arguments: str) -> bytes:
    """What git prints. Raises Stop with git's own first lines."""
    quiet = os.environ | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(["git", *arguments], cwd=ROOT, env=quiet, capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        raise Stop(" ".join(line.strip() for line in lines[:2]) or f"git {arguments[0]} failed")
    return done.stdout


def commit(name: str) -> str:
    return git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()


def names(output: bytes) -> list[str]:
    """The paths in what `git ... -z` prints."""
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def fetched() -> tuple[str, str]:
    """The commit that is here and the one that the course is at now. Raises Stop when that cannot be found out."""
    if Path(os.fsdecode(git("rev-parse", "--show-toplevel")).strip()).resolve() != ROOT:
        raise Stop(f"The course cannot update itself: it is a part of another repository. {UNCHANGED}")
    try:
        commit("@{upstream}")
    except Stop:
        raise Stop(
            f"The course cannot update itself: this clone follows no branch of another one. {UNCHANGED}"
        ) from None
    try:
        git("fetch", "--quiet")
    except Stop as stop:
        raise Stop(f"The course's home could not be reached ({stop}). {UNCHANGED}") from None
    return commit("HEAD"), commit("@{upstream}")


def update() -> str:
    """Move to the newest version. Returns what was done, in words; raises Stop with nothing changed."""
    settle()
    here, there = fetched()
    if git("rev-list", f"{here}..{there}") == b"":
        return "The course is at its newest version already."
    try:
        git("merge-base", "--is-ancestor", here, there)
    except Stop:
        raise Stop(f"This clone has commits of its own, so it is yours to merge: `git pull`. {UNCHANGED}") from None
    changed = set(names(git("diff", "--name-only", "--no-renames", "-z", here, there)))
    edited = set(names(git("diff", "--name-only", "--no-renames", "--diff-filter=d", "-z", "HEAD"))) & changed
    notebooks = sorted(path for path in edited if re.fullmatch(r"(notebooks|solutions)/\d\d_[^/]*\.ipynb", path))
    if others := sorted(edited - set(notebooks)):
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        undo = f"`git restore {others[0]}` undoes it"
        raise Stop(f"You have changed {others[0]}{more}, and so has the course: {undo}. {UNCHANGED}")
    merged, left_out = with_work([path for path in notebooks if path.startswith("notebooks/")], changed, here, there)
    copies = {path: keep(ROOT / path) for path in notebooks}
    prepare(notebooks, merged, there)
    try:
        if notebooks:
            git("checkout", "--quiet", "HEAD", "--", *notebooks)
        git("merge", "--quiet", "--ff-only", there)
    except Stop as stop:
        raise Stop(f"git could not update ({stop}). Your notebooks are as they were.") from None
    finally:
        settle()
    return "\n".join(summary(here, there, merged, copies, left_out))


def with_work(edited: list[str], changed: set[str], here: str, there: str) -> tuple[dict[str, bytes], int]:
    """The new notebooks that take some of the learner's work in, and how many edits of theirs have no place in them.

    edited: the learner's notebooks that the update touches. An answer goes to the notebook that has its exercise now,
    the rest to the one that holds most of the exercises that its notebook had.
    """
    present = names(git("ls-tree", "--name-only", "-z", there, "notebooks/"))
    new = {path: notebook_at(there, path) for path in present if path in changed and path.endswith(".ipynb")}
    place = {role(cell)[1]: path for path, book in new.items() for cell in book.cells if role(cell)[0] in ANSWERS}
    merged, left_out, renamed = {}, 0, renamed_in(there)
    for path in edited:
        old, mine = (with_names(book, renamed) for book in (notebook_at(here, path), readable(ROOT / path)))
        for target, part in parted(path, old, mine, place, set(new)).items():
            merged[target], without = transplant(old, merged.get(target, new[target]), part)
            left_out += without
    return {path: as_text(book).encode() for path, book in merged.items()}, left_out


def parted(path: str, old: NotebookNode, mine: NotebookNode, place: dict[str, str], new: set[str]) -> dict:
    """The learner's notebook, cut into what goes to which new one. What goes nowhere stays in the copy alone.

    place: the new notebook of each exercise
    """
    given = {cell.id: cell for cell in old.cells}
    answers = {role(cell): cell for cell in old.cells if role(cell)[0] in ANSWERS}
    same_number = [name for name in sorted(new) if name[:13] == path[:13]]  # notebooks/04_
    most = Counter(place[name] for _, name in answers if name in place).most_common(1)
    home = path if path in new else most[0][0] if most else same_number[0] if same_number else None
    cells = defaultdict(list)
    for cell in mine.cells:
        known = role(cell) if role(cell)[0] else role(given.get(cell.get("id"), cell))
        written = known in answers and cell.source.strip() != answers[known].source.strip()
        cells[place.get(known[1], home) if written else home].append(cell)
    parts = {target: deepcopy(mine) for target in cells if target}
    for target, part in parts.items():
        part.cells = cells[target]
    return parts


def notebook_at(version: str, path: str) -> NotebookNode:
    return nbformat.reads(git("show", f"{version}:{path}").decode("utf-8"), 4)


def renamed_in(version: str) -> dict[str, str]:
    """The RENAMED of another version of this file: the one that runs cannot know what comes after it."""
    try:
        statements = ast.parse(git("show", f"{version}:lib/course/update.py")).body
    except (Stop, SyntaxError):
        return {}
    tables = [node.value for node in statements if isinstance(node, ast.AnnAssign) and node.target.id == "RENAMED"]
    return ast.literal_eval(tables[0]) if tables else {}


def with_names(notebook: NotebookNode, renamed: dict[str, str]) -> NotebookNode:
    """The notebook with exercises, and the answers to them, under their new names."""
    for cell in notebook.cells:
        kind, name = role(cell)
        if name in renamed:
            cell.metadata[kind], cell.id = renamed[name], f"{kind}-{renamed[name]}"
            cell.source = re.sub(rf"\b{re.escape(name)}\b", renamed[name], cell.source)
    return notebook


def prepare(notebooks: list[str], merged: dict[str, bytes], there: str) -> None:
    """Write down the way forward and the way back."""
    shutil.rmtree(UPDATING, ignore_errors=True)
    for folder, files in ((MINE, {path: (ROOT / path).read_bytes() for path in notebooks}), (MERGED, merged)):
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            replace(folder / path, content)
    UPDATING.mkdir(parents=True, exist_ok=True)
    replace(TARGET, there.encode())


def settle() -> None:
    """Put in place what an update prepared: the merged notebooks if it has arrived, else the learner's as they were."""
    if TARGET.exists():
        arrived = commit("HEAD") == TARGET.read_text(encoding="utf-8")
        folder = MERGED if arrived else MINE
        edited = names(git("diff", "--name-only", "--diff-filter=d", "-z", "HEAD"))
        for file in sorted(folder.rglob("*.ipynb")):
            path, content = ROOT / file.relative_to(folder), file.read_bytes()
            if path.relative_to(ROOT).as_posix() in edited and path.read_bytes() != content:
                keep(path)  # the last update was cut off, and the learner has gone on since
            replace(path, content)
    shutil.rmtree(UPDATING, ignore_errors=True)


def summary(here: str, there: str, merged: dict, copies: dict, left_out: int) -> list[str]:
    number = git("rev-list", "--count", f"{here}..{there}").decode().strip()
    told = [f"The course is up to date ({number} new {'commit' if number == '1' else 'commits'})."]
    told += [f"{name} has your work in it." for name in merged]
    told += [f"What you had is kept in {copy.relative_to(ROOT).as_posix()}" for copy in copies.values()]
    if left_out:
        told.append(
            f"{left_out} of the course's cells that you had edited have changed: your edits are in the copies only."
        )
    if merged:
        told.append("Notebooks that are open in JupyterLab: File > Reload Notebook from Disk.")
    return told


def main(arguments: list[str]) -> int:
    argparse.ArgumentParser(prog="python -m lib.course.update", description=__doc__.splitlines()[0]).parse_args(
        arguments
    )
    try:
        print(update())
    except Stop as stop:
        print(stop, file=sys.stderr)
        return stop.status
    except KeyboardInterrupt:
        print("Stopped. Your notebooks are as they were.", file=sys.stderr)
        return 130
    except OSError as error:
        state = "Your notebooks are in mywork/; run it again to go on." if TARGET.exists() else UNCHANGED
        print(f"The update stopped: {error}. {state}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
