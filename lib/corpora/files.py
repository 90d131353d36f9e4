"""The files of data/: where they lie, how each is made, and the list that proves they are unchanged.

    CORPORA      which function returns the text of which file; a new corpus is one more line here
    path, read   where a file of data/ lies, and its text
    regenerate   write corpora and data/MANIFEST anew (`python -m lib.corpora`)
    record       list a file that is not generated here, such as a trained checkpoint
    verify       the files that differ from MANIFEST, one sentence each

MANIFEST is plain text, one tab-separated line a file: name, sha256, bytes, how made, licence. Used by every notebook
through `load_stories` and its like.
"""

import hashlib
import importlib
import os
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).resolve().parents[2] / "data"
MANIFEST = DATA / "MANIFEST"
HEADER = "# name\tsha256\tbytes\thow made\tlicence\n"
OWN = "CC0-1.0 (own)"

# file name -> (module, function, keyword arguments); the function returns the whole text of the file
CORPORA: dict[str, tuple[str, str, dict]] = {
    "stories.txt": ("lib.corpora.stories", "stories_text", {"seed": 0}),
    "relations.txt": ("lib.corpora.relations", "relations_text", {"seed": 0}),
    "english_italian.tsv": ("lib.corpora.italian", "italian_text", {"seed": 0}),
    "dates.tsv": ("lib.corpora.dates", "dates_text", {"seed": 0}),
}


class Entry(NamedTuple):
    """One line of MANIFEST."""

    name: str
    sha256: str
    size: int
    how_made: str
    licence: str


def path(name: str) -> Path:
    """Where the file `name` of data/ lies, whether it is there or not."""
    return DATA / name


def read(name: str) -> str:
    """The text of a file of data/, with "\\n" at the line ends whatever git or the system made of them."""
    try:
        return path(name).read_text(encoding="utf-8").replace("\r\n", "\n")
    except FileNotFoundError:
        remedy = f"`python -m lib.corpora {name}` makes it" if name in CORPORA else "it comes with the course's files"
        raise FileNotFoundError(f"data/{name} is missing: {remedy}.") from None


def generate(name: str) -> str:
    """The text of a corpus, made anew without writing anything."""
    if name not in CORPORA:
        raise ValueError(f"no corpus is called {name!r}; there are {', '.join(CORPORA)}")
    module, function, arguments = CORPORA[name]
    return getattr(importlib.import_module(module), function)(**arguments)


def how_made(name: str) -> str:
    """The command and the call that make a corpus, as MANIFEST tells them."""
    module, function, arguments = CORPORA[name]
    call = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return f"python -m lib.corpora {name}: {module}.{function}({call})"


def manifest() -> dict[str, Entry]:
    """MANIFEST, by file name; empty if there is none yet."""
    if not MANIFEST.exists():
        return {}
    lines = [line for line in read("MANIFEST").splitlines() if line and not line.startswith("#")]
    entries = [Entry(name, sha, int(size), made, licence) for name, sha, size, made, licence in map(_cells, lines)]
    return {entry.name: entry for entry in entries}


def _cells(line: str) -> list[str]:
    cells = line.split("\t")
    if len(cells) != 5:
        raise ValueError(f"data/MANIFEST: a line has {len(cells)} cells instead of 5: {line[:80]!r}")
    return cells


def _write(target: Path, content: bytes) -> None:
    """All or nothing: a full disk or a crash leaves the old file as it was."""
    target.parent.mkdir(exist_ok=True)
    partial = target.with_name(target.name + ".part")
    partial.write_bytes(content)
    os.replace(partial, target)


def record(name: str, how: str, licence: str = OWN) -> Entry:
    """Enter a file that lies in data/ into MANIFEST, in place of its older line; the other lines stay."""
    content = path(name).read_bytes()
    entry = Entry(name, hashlib.sha256(content).hexdigest(), len(content), how, licence)
    if any(mark in field for field in (name, how, licence) for mark in "\t\n"):
        raise ValueError(f"a tab or a line end does not fit into data/MANIFEST: {(name, how, licence)}")
    entries = manifest() | {name: entry}
    lines = ["\t".join(map(str, entries[each])) + "\n" for each in sorted(entries)]
    _write(MANIFEST, (HEADER + "".join(lines)).encode())
    return entry


def regenerate(name: str) -> Entry:
    """Make a corpus anew, write it to data/ and enter it into MANIFEST."""
    _write(path(name), generate(name).encode("utf-8"))
    return record(name, how_made(name))


def verify() -> list[str]:
    """What is wrong with data/: one sentence for each file that is missing, changed or not listed."""
    listed, complaints = manifest(), []
    for name, entry in listed.items():
        if not path(name).exists():
            complaints.append(f"data/{name} is listed in MANIFEST but missing")
        elif (sha := hashlib.sha256(path(name).read_bytes()).hexdigest()) != entry.sha256:
            complaints.append(f"data/{name} has sha256 {sha[:12]}..., MANIFEST says {entry.sha256[:12]}...")
    files = [file for file in DATA.rglob("*") if file.is_file() and not file.name.startswith(".")]
    present = {file.relative_to(DATA).as_posix() for file in files} - {"MANIFEST"}
    return complaints + [f"data/{name} is not in MANIFEST" for name in sorted(present - set(listed))]
