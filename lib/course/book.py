"""The course as a book of web pages: `python -m lib.course.book [NN ...] [--to FOLDER]`, or `course.py book`.

    build      notebooks as they stand in solutions/, executed -> a folder of HTML that needs no network to be read
    page       one notebook for reading: answers, proofs and drawing code folded, figures with a text, links to pages
    glossary   every term of the "In other words" sections, with a link to the heading under which it is born
    sources    every "Where it comes from"

Nothing is executed. What is written by hand (the first page, the cheat sheet, the look) stands in book/. Sphinx and
MyST-NB make the pages, Furo their look; their versions are the `book` group of pyproject.toml.
"""

import argparse
import ast
import re
import shutil
import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from itertools import compress
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from lib import widgets
from lib.course.build import as_text, unwritten, write
from lib.course.cells import ANSWERS, NOTEBOOKS, ROOT, SOLUTIONS, parse, role

BOOK, TO = ROOT / "book", ROOT / "build" / "book"
PARTS = {  # the parts of the course, and the number of the first notebook of each
    "Start": 0,
    "Before the Transformer": 1,
    "Attention and the block": 4,
    "A translator": 8,
    "A model that writes": 11,
    "BERT and its relatives": 16,
    "The whole system": 20,
}
TERMS, SOURCES = "In other words", "Where it comes from"
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
NOT_PROSE = r"<details>.*?</details>|```.*?```|`[^`]*`|\[[^\]]*\]\([^)]*\)|\$\$.*?\$\$|\$[^$\n]*\$|^#.*?$"
MENTION = re.compile(rf"({NOT_PROSE})|\b([Nn]otebooks? )(\d\d(?:(?:, | and |, and | or | to )\d\d\b)*)", re.S | re.M)
LONGEST_ALT, SHORT = 300, 60  # characters: of an alternative text; of a meaning that needs its neighbours


class Book:
    """The notebooks of the book, by their stems, in the order of the course."""

    def __init__(self, paths: list[Path]):
        self.notebooks = {path.stem: nbformat.read(path, 4) for path in sorted(paths)}
        self.stem_of = {stem[:2]: stem for stem in self.notebooks}

    def title(self, stem: str) -> str:
        return HEADING.search(self.notebooks[stem].cells[0].source)[1]

    def promise(self, stem: str) -> str:
        """What a reader can do after the notebook: its first sentence under the title."""
        paragraphs = self.notebooks[stem].cells[0].source.split("\n\n")[0].split("\n", 1)
        return " ".join(paragraphs[1].split()) if len(paragraphs) > 1 else ""

    def links(self, numbers: str, own: str = "") -> str:
        """A text with numbers of notebooks, each made a link where the book has that notebook and it is not its own."""

        def link(number: re.Match) -> str:
            stem = self.stem_of.get(number[0])
            return f"[{number[0]}]({stem}.ipynb)" if stem and stem != own else number[0]

        return re.sub(r"\d\d", link, numbers)

    def parts(self) -> Iterator[tuple[str, list[str]]]:
        """Each part of the course with the stems of its notebooks; parts without any are left out."""
        firsts = [*PARTS.values(), 100]
        for (name, first), end in zip(PARTS.items(), firsts[1:], strict=True):
            if stems := [stem for stem in self.notebooks if first <= int(stem[:2]) < end]:
                yield name, stems


def page(book: Book, stem: str) -> NotebookNode:
    """A notebook for reading."""
    cells, shown = book.notebooks[stem].cells, []
    for place, cell in enumerate(cells):
        cell = deepcopy(cell)
        if cell.cell_type == "markdown":
            cell.source = linked(cell.source, book, own=stem)
            shown.append(cell)
        elif role(cell)[0] in ANSWERS:
            shown += answer(cell, cells[place + 1 :])
        elif role(cell)[0] != "check" and cell.source:
            folded(cell)
            if any("image/png" in output.get("data", {}) for output in cell.outputs):
                about(cell)["image"] = {"alt": alternative(cells, place)}
            shown.append(cell)
            if name := widgets.named_in(cell.source, alone=True):
                shown.append(new_markdown_cell(moving(name), id=f"moving-{name}"))
    shown.insert(1, new_markdown_cell(do_it_yourself(stem), id="do-it-yourself"))
    return nbformat.v4.new_notebook(cells=shown, metadata=book.notebooks[stem].metadata)


def moving(name: str) -> str:
    """What stands under the picture of a widget, and on a screen in its place."""
    frame = widgets.widget(name).frame(f'src="widgets/{name}.html"')
    return f'<div class="moving">{frame}</div>'


def answer(cell: NotebookNode, following: list[NotebookNode]) -> list[NotebookNode]:
    """The cell as the learner finds it; then, folded, an answer and what its check says."""
    kind, name = role(cell)
    empty = deepcopy(cell)
    empty.id, empty.source, empty.outputs = f"{kind}-{name}-empty", unwritten(cell), []
    cell.source = re.sub(r"^[ \t]*### (BEGIN|END) SOLUTION[ \t]*\n?", "", cell.source, flags=re.MULTILINE)
    cell.outputs = next((other.outputs for other in following if role(other) == ("check", name)), [])
    fold(cell, "an answer" if kind == "exercise" else "the answer, and why", whole=True)
    return [empty, cell]


def folded(cell: NotebookNode) -> None:
    """Fold what the notebook folds, proofs and code that only draws, and cells that only get things ready."""
    kinds = [set(output.get("data", {})) for output in cell.outputs]
    if cell.metadata.get("jupyter", {}).get("source_hidden"):
        drawn = any("image/png" in kind for kind in kinds)
        fold(
            cell, "the code that draws this" if drawn else "the code" if kinds else "how the course makes sure of this"
        )
    elif gets_ready(cell.source):
        fold(cell, "what is imported")
        cell.outputs = [output for output in cell.outputs if "the course's (yours is not" not in output.get("text", "")]


def gets_ready(source: str) -> bool:
    """Whether most lines of a cell import something."""
    parts = parse(source).body
    lines = [part.end_lineno - part.lineno + 1 for part in parts]
    imports = [isinstance(part, ast.Import | ast.ImportFrom) for part in parts]
    return sum(compress(lines, imports)) > sum(lines) / 2


def fold(cell: NotebookNode, what: str, whole: bool = False) -> None:
    cell.metadata.tags = [*cell.metadata.get("tags", []), "hide-cell" if whole else "hide-input"]
    about(cell).update(code_prompt_show=f"Show {what}", code_prompt_hide=f"Hide {what}")


def about(cell: NotebookNode) -> NotebookNode:
    return cell.metadata.setdefault("mystnb", NotebookNode())


def alternative(cells: list[NotebookNode], place: int) -> str:
    """The text for those who cannot see a figure: what the prose under it says first, else the prose above it."""
    after, before = (
        [paragraph for cell in some if cell.cell_type == "markdown" for paragraph in cell.source.split("\n\n")]
        for some in (cells[place + 1 :], cells[:place])
    )
    under = plain(after[0]) if after else ""
    under = under or next(filter(None, map(plain, reversed(before))))
    sentences, text = re.split(r"(?<=[.!?]) (?=[A-Z*\"(])", under), ""
    while sentences and (not text or len(text) + len(sentences[0]) < LONGEST_ALT):
        text += " " * bool(text) + sentences.pop(0)
    return text


def plain(paragraph: str) -> str:
    """A paragraph without Markdown's signs; nothing for a heading, a table, a list of hints or a formula."""
    if re.match(r"\s*(#|\||<|\$\$|```|> \*\*Predict)", paragraph):
        return ""
    paragraph = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", paragraph)
    return " ".join(re.sub(r"\*\*|\*(?=\S)|(?<=\S)\*|[`$]|^> ?", "", paragraph, flags=re.MULTILINE).split())


def linked(text: str, book: Book, own: str = "") -> str:
    """Links to notebooks become links to pages, also where one is only named: "notebook 05", "notebooks 08 and 11"."""

    def named(match: re.Match) -> str:
        return match[0] if match[1] is not None else match[2] + book.links(match[3], own)

    def there(match: re.Match) -> str:
        return match[0] if match[2] in book.notebooks else match[1]

    return MENTION.sub(named, re.sub(r"\[([^\]]*)\]\((\w+)\.ipynb\)", there, text))


def do_it_yourself(stem: str) -> str:
    return f"""```{{admonition}} Do it yourself
:class: tip do-it-yourself
This page is for reading: the answers are folded away. To write them, run

    python3 course.py lab {stem[:2]}

in the course's folder: it opens this notebook in JupyterLab, with a check under every exercise.
<a href="notebooks/{stem}.ipynb" download>Download this notebook</a> if you want the file alone.
```"""


def slug(text: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "heading"


def section(notebook: NotebookNode, title: str) -> str:
    """The text of a notebook under one of its headings; empty where there is no such heading."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return found[1].strip() if found else ""


def points(text: str) -> list[str]:
    """The points of a Markdown list, each on one line."""
    return [" ".join(point.split()) for point in re.split(r"^- ", text, flags=re.MULTILINE)[1:]]


def same(term: str) -> str:
    """What "Attention weights" and "attention weight" have in common."""
    return re.sub(r"\W+", " ", term.lower()).strip().removesuffix("s")


def births(notebook: NotebookNode) -> dict[str, str]:
    """Each bold term of a notebook -> the heading under which it stands first."""
    found: dict[str, str] = {}
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for piece in re.finditer(r"^#+ (.+)$|\*\*([^*]+)\*\*", cell.source, re.MULTILINE):
                heading = piece[1] or heading
                if piece[2]:
                    found.setdefault(same(piece[2]), heading)
    return found


def terms(book: Book) -> dict[str, tuple[str, list[tuple[str, str]], list[tuple[str, str]]]]:
    """Each term -> how it is written; what each notebook says of it, (in a sentence, with its neighbours); its places.

    A place is (notebook, heading). The first is where it is born: where it first stands in bold, in the notebook that
    explains it or before.
    """
    found: dict[str, tuple[str, list[tuple[str, str]], list[tuple[str, str]]]] = {}
    seen: dict[str, tuple[str, str]] = {}  # bold words of the notebooks so far
    for stem, notebook in book.notebooks.items():
        born = births(notebook)
        for point in points(section(notebook, TERMS)):
            for meaning in re.split(r"(?<=[.;)]) (?=\*\*)", point):
                for term in re.findall(r"\*\*([^*]+)\*\*", meaning):
                    key, first = same(term), same(term.split(",")[0])
                    if key not in found:
                        found[key] = (term, [], [seen[key]] if born[key] == TERMS and key in seen else [])
                    place = (stem, born.get(first, born[key]))
                    if place not in found[key][2]:
                        found[key][1].append((meaning, point))
                        found[key][2].append(place)
        seen = {key: (stem, heading) for key, heading in born.items()} | seen
    return found


def glossary(book: Book) -> str:
    """The page of terms. One that several notebooks explain stands there once, in the longest of their words."""
    lines, letter = ["# Glossary", "The terms of the field, each with a link to the place where it is born."], ""
    for key, (term, meanings, places) in sorted(terms(book).items()):
        if (first := key[0].upper() if key[0].isascii() and key[0].isalpha() else "Signs and numbers") != letter:
            letter = first
            lines.append(f"## {letter}")
        sentence, point = max(meanings, key=lambda said: len(said[0]))
        meaning = (sentence if len(sentence) > SHORT else point).removeprefix(f"**{term}**: ").rstrip(";")
        if re.match(r"(an?|[a-z]{2,})[ ,]", meaning):  # a word, not a formula
            meaning = meaning[0].upper() + meaning[1:]
        links = [f"[{stem[:2]}, {plain(heading)}]({stem}.ipynb#{slug(heading)})" for stem, heading in places]
        again = f" Again in {', '.join(links[1:])}." if links[1:] else ""
        lines.append(f"{term}\n: {linked(meaning, book)} *Born in* {links[0]}.{again}")
    return "\n\n".join(lines) + "\n"


def sources(book: Book) -> str:
    lines = ["# Sources", "Where the ideas come from: who had them, when, in which paper, and what they reported."]
    for stem, notebook in book.notebooks.items():
        if text := section(notebook, SOURCES):
            lines += [f"## {book.title(stem)}", linked(text, book), f"(From [notebook {stem[:2]}]({stem}.ipynb).)"]
    return "\n\n".join(lines) + "\n"


def cheat_sheet(book: Book) -> str:
    """The page of book/cheat_sheet.md; the numbers of notebooks at the right lead to them."""
    text = (BOOK / "cheat_sheet.md").read_text(encoding="utf-8")
    return re.sub(r"\| (\d\d(?:, \d\d)*) \|$", lambda cell: f"| {book.links(cell[1])} |", text, flags=re.MULTILINE)


def index(book: Book) -> str:
    """The first page: the words of book/index.md, then the parts of the course with what each notebook is for."""
    parts = []
    for name, stems in book.parts():
        entries = [f"- [{book.title(stem)}]({stem}.ipynb). {book.promise(stem)}" for stem in stems]
        parts += [f"## {name}", "\n".join(entries), contents(name, stems)]
    parts.append(contents("To look things up", ["glossary", "cheat_sheet", "sources"]))
    words = linked((BOOK / "index.md").read_text(encoding="utf-8"), book)
    return words + "\n" + "\n\n".join(parts) + "\n"


def contents(caption: str, pages: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"])


def write_sources(paths: list[Path], folder: Path) -> None:
    """Everything that Sphinx makes pages of, and the files that go with them as they are."""
    book, as_they_are = Book(paths), folder.parent / "as_they_are"
    for path in (folder, as_they_are / "notebooks"):
        path.mkdir(parents=True, exist_ok=True)
    pages = {f"{stem}.ipynb": as_text(page(book, stem)) for stem in book.notebooks}
    pages |= {"glossary.md": glossary(book), "sources.md": sources(book), "index.md": index(book)}
    pages["cheat_sheet.md"] = cheat_sheet(book)
    for old in {*folder.glob("*.ipynb"), *folder.glob("*.md")} - {folder / name for name in pages}:
        old.unlink()
    for name, text in pages.items():
        write(folder / name, text)
    shutil.copy(ROOT / "data" / "pictures" / "transformer.png", folder)
    for stem in book.notebooks:
        shutil.copy(NOTEBOOKS / f"{stem}.ipynb", as_they_are / "notebooks")
    (as_they_are / "widgets").mkdir(exist_ok=True)
    for cell in (cell for notebook in book.notebooks.values() for cell in notebook.cells if cell.cell_type == "code"):
        if name := widgets.named_in(cell.source, alone=True):
            write(as_they_are / "widgets" / f"{name}.html", widgets.widget(name).page())
    for name in ("LICENSE", "LICENSE-TEXTS", "CITATION.cff"):
        shutil.copy(ROOT / name, as_they_are / f"{name}.txt")


def build(paths: list[Path], to: Path = TO) -> int:
    """Make the pages; return Sphinx's exit status. The first one is `to`/html/index.html."""
    from sphinx.cmd.build import main as sphinx  # only those who make the book need it

    write_sources(paths, to / "source")
    folders = [str(to / "source"), str(to / "html")]
    return sphinx(["-q", "-b", "html", "-c", str(BOOK), "-d", str(to / "doctrees"), *folders])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lib.course.book", description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", metavar="NN", help="notebooks to take, such as 04 (default: all)")
    parser.add_argument("--to", type=Path, default=TO, metavar="FOLDER", help="where to (default: build/book)")
    asked = parser.parse_args(arguments)
    paths = sorted(SOLUTIONS.glob("[0-9][0-9]_*.ipynb"))
    if unknown := [n for n in asked.numbers if not any(path.name.startswith(f"{n}_") for path in paths)]:
        parser.error(f"there is no notebook {unknown[0]}")
    start = time.monotonic()
    status = build([path for path in paths if not asked.numbers or path.name[:2] in asked.numbers], asked.to)
    if not status:
        first = (asked.to / "html" / "index.html").resolve()
        print(f"The book is made ({time.monotonic() - start:.0f} s): open {first.as_uri()}")
    return status


if __name__ == "__main__":
    sys.exit(main())
