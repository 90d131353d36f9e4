"""Where a learner's own answers are found, outside of the notebook that they were written in.

    Piece        one exercise as it stands in the learner's notebook
    piece        look one up: judge it where its verdict is not known, then run the code that it needs
    verdicts     on several exercises, as they come, without running any here
    first_passed    when the course first saw each of them pass
    Books        the notebooks that they stand in

`lib.yours` builds on this, and so does `course.py status`. Nothing is trusted that was recorded elsewhere: what counts
is the code that stands in the saved notebook now, and the verdict is that of the notebook's own check after the cells
before it, as nbval has it (lib.course.excerpts says which; lib.course.judging runs them apart, so that only code that
has passed ever runs in the caller's Python). A verdict is remembered by the hash of those cells, in `.course/`.
"""

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from lib.checks import exercise, notebook_of
from lib.checks.running import StillRunning, within
from lib.course.cells import NOTEBOOKS, ROOT
from lib.course.excerpts import ALL, NEEDED, Book, quietly
from lib.course.judging import Verdict, answers_of, judge_all
from lib.course.placing import Damaged

SECONDS = 10  # for running code that has passed: it took well under one
REMEMBERED = ROOT / ".course" / "verdicts.json"


@dataclass(frozen=True)
class Piece:
    """One exercise as it stands in the learner's notebook. `answer` is theirs when it passed, else the course's."""

    name: str
    status: str  # "passed", "wrong", "unwritten", or "unreadable" when the file is no notebook
    answer: object
    reason: str = ""
    path: Path | None = None  # the file it stands in


def piece(name: str, folder: Path = NOTEBOOKS) -> Piece:
    """The learner's `name`, judged now. Raises ValueError for a name that is no exercise."""
    reference = exercise(name).reference
    if os.environ.get("COURSE_YOURS") == "off":  # while the course builds or grades: always the same code
        return Piece(name, "unwritten", reference)
    books = Books(folder)
    book = books.of(name)
    known = dict(verdicts(_with_needed(book, name) if book and name in book.segments else [name], books))
    verdict, path = known[name], book and book.path
    if verdict.status != "passed":
        return Piece(name, verdict.status, reference, verdict.message.partition("\n")[0], path)
    try:
        with quietly():
            answer = within(SECONDS, lambda: answers_of(book, [name], known, {})[name])
    except StillRunning as error:
        return Piece(name, "wrong", reference, str(error), path)
    return Piece(name, "passed", answer, path=path)


class Books(dict):
    """The notebooks in a folder by their stems: each a Book, or Damaged."""

    def __init__(self, folder: Path = NOTEBOOKS):
        super().__init__()
        self.folder = folder

    def __missing__(self, stem: str) -> Book | Damaged:
        try:
            self[stem] = Book(stem, self.folder)
        except Damaged as damage:
            self[stem] = damage
        return self[stem]

    def of(self, name: str) -> Book | None:
        """The notebook of an exercise, or None when it cannot be read."""
        book = self[notebook_of(name)]
        return book if isinstance(book, Book) else None


def verdicts(names: list[str], books: Books) -> Iterator[tuple[str, Verdict]]:
    """The verdicts on exercises, in order: plain to see, remembered, or judged now."""
    remembered, passed, known = _read(REMEMBERED), first_passed(), {}
    for name in names:
        book = books.of(name)
        if book is None:
            damage = f"notebooks/{notebook_of(name)}.ipynb cannot be read as a notebook: {books[notebook_of(name)]}"
            known[name] = Verdict("unreadable", damage)
        elif book.is_untouched(name):
            known[name] = Verdict("unwritten")
        elif found := remembered.get(_key(book, name)):
            known[name] = Verdict(**found)
    left = [name for name in names if name not in known]
    new = judge_all(books.folder, left, known) if left else iter(())
    for name in names:
        if name not in known:
            _, known[name] = next(new)
            _remember(_key(books.of(name), name), asdict(known[name]))
        if known[name].status == "passed" and name not in passed:
            passed[name] = datetime.now().isoformat(timespec="seconds")
            _write(_passed_file(), first_passed() | {name: passed[name]})
        yield name, known[name]


def first_passed() -> dict[str, str]:
    """When the course first saw each exercise pass, by name, as "2026-11-22T18:55:03". What is changed later stays."""
    return {str(name): str(when) for name, when in _read(_passed_file()).items()}


def _with_needed(book: Book, name: str) -> list[str]:
    """The exercise and the earlier ones of its notebook that it may use, in order."""
    needed, wanted = set(), {name}
    while wanted - needed:
        one = (wanted - needed).pop()
        needed.add(one)
        wanted |= book.chosen(one, NEEDED)[1] | book.chosen(one, ALL)[1]
    return [one for one in book.segments if one in needed]


def _key(book: Book, name: str) -> str:
    """Of the learner's cells, and of all that judges them."""
    return f"{name} {book.key(name)} {_course()}"


@functools.cache
def _course() -> str:
    files = sorted([*ROOT.glob("lib/*.py"), *ROOT.glob("lib/checks/*.py"), *ROOT.glob("lib/course/*.py")])
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _remember(key: str, verdict: dict) -> None:
    _write(REMEMBERED, _read(REMEMBERED) | {key: verdict})


def _passed_file() -> Path:
    return REMEMBERED.with_name("passed.json")


def _read(path: Path) -> dict:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _write(path: Path, content: dict) -> None:
    """Best effort: without a writable folder every piece is judged anew."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        os.replace(temporary, path)
