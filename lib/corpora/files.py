"""The files of data/: where they lie, and the list that proves they are unchanged.

    path, read   where a file of data/ lies, and its text
    manifest     the list: how each file was made, its checksum and its licence
    record       enter a file, such as a trained checkpoint
    record_results    put what a benchmark has found into its file of results, and enter that
    verify       the files that differ from the list, one sentence each

MANIFEST is plain text, one tab-separated line a file: name, sha256, bytes, how made, licence. The texts are made by the
programs in data/make. Used by every notebook through `load_stories` and its like.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

DATA = Path(__file__).resolve().parents[2] / "data"
MANIFEST = DATA / "MANIFEST"
HEADER = "# name\tsha256\tbytes\thow made\tlicence\n"
OWN = "CC0-1.0 (own)"
MAKE = "python -m data.make"  # how the texts are made; MANIFEST adds the name and the call


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
    """The text of a file of data/, with "\\n" at the line ends whatever git or the system made of them.

    Raises FileNotFoundError, with the command that makes the file if there is one.
    """
    try:
        return path(name).read_text(encoding="utf-8").replace("\r\n", "\n")
    except FileNotFoundError:
        listed = manifest().get(name)
        made = listed is not None and listed.how_made.startswith(MAKE)
        remedy = f"`{MAKE} {name}` makes it" if made else "it comes with the course's files"
        raise FileNotFoundError(f"data/{name} is missing: {remedy}.") from None


def manifest() -> dict[str, Entry]:
    """MANIFEST, by file name; empty if there is none yet. Raises ValueError for a line that has not five cells."""
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


def write(name: str, content: bytes) -> None:
    """Write a file of data/, all or nothing: a full disk or a crash leaves the old file as it was."""
    target = path(name)
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
    write(MANIFEST.name, (HEADER + "".join(lines)).encode())
    return entry


def record_results(name: str, how: str, found: Any, *keys: object) -> None:
    """Put `found` into a JSON file of results, below these keys, one in the other; none: the file holds it alone.

    What stands below other keys stays. The file is entered into MANIFEST.
    """
    results = found
    if keys:
        results = json.loads(read(name)) if path(name).exists() else {}
        *above, last = map(str, keys)
        place = results
        for key in above:
            place = place.setdefault(key, {})
        place[last] = found
    write(name, (json.dumps(results, indent=1, sort_keys=True) + "\n").encode())
    record(name, how)


def verify() -> list[str]:
    """What is wrong with data/: one sentence for each file that is missing, changed or not listed (programs aside)."""
    listed, complaints = manifest(), []
    for name, entry in listed.items():
        if not path(name).exists():
            complaints.append(f"data/{name} is listed in MANIFEST but missing")
        elif (sha := hashlib.sha256(path(name).read_bytes()).hexdigest()) != entry.sha256:
            complaints.append(f"data/{name} has sha256 {sha[:12]}..., MANIFEST says {entry.sha256[:12]}...")
    files = [file for file in DATA.rglob("*") if file.is_file() and not file.name.startswith(".")]
    present = {file.relative_to(DATA).as_posix() for file in files} - {"MANIFEST"}
    unlisted = sorted(name for name in present - set(listed) if not name.startswith("make/"))
    return complaints + [f"data/{name} is not in MANIFEST" for name in unlisted]
