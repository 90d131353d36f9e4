"""The book: what two notebooks become when they are built, and what all of them would."""

import contextlib
import io
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
import torch
import yaml

from lib.cache import cache_bytes, forward_multiplications
from lib.course import book, commands, environment
from lib.course.build import stub
from lib.course.cells import ANSWERS, NOTEBOOKS, ROOT, SOLUTIONS, role
from lib.gpt import GPT
from lib.llama import LlamaBlock
from lib.transformer import parameter_counts

ALL = book.Book(sorted(SOLUTIONS.glob("[0-9][0-9]_*.ipynb")))
BUILT = list(ALL.notebooks)[0:5:4]  # the first, and one with formulas, questions and figures
HEAVIEST = 2_000_000
LOADED = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
}
VOID = {"img", "input", "link", "meta", "br", "hr", "path", "use"}


class Page(HTMLParser):
    """What a page links to and loads, its anchors, its figures, and its folds."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.anchors, self.links, self.loaded, self.images = path, set(), [], [], []
        self.answers, self.open_folds, self.text, self.open, self.strong = 0, 0, [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        have = dict(attributes)
        self.anchors.add(have.get("id"))
        if tag == "a" and "href" in have:
            self.links.append(have["href"])
        if address := have.get(LOADED.get(tag)):
            self.loaded += [address] if have.get("rel") not in ("next", "prev", "search", "index", "author") else []
        if tag == "img":
            self.images.append(have)
        if tag == "details":
            self.answers += any("tag_hide-cell" in classes for _, classes in self.open)
            self.open_folds += "open" in have
        if tag not in VOID:
            self.open.append((tag, have.get("class") or ""))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tags = [tag for tag, _ in self.open]
        if "script" not in tags and "style" not in tags:
            self.text.append(data)
        if "strong" in tags:
            self.strong.append(data)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    to, said = tmp_path_factory.mktemp("book"), io.StringIO()
    with contextlib.redirect_stderr(said):
        assert book.build([SOLUTIONS / f"{stem}.ipynb" for stem in BUILT], to) == 0
    assert said.getvalue() == "", "Sphinx warns"
    found = {path.name: Page(path) for path in (to / "html").glob("*.html")}
    assert {f"{stem}.html" for stem in BUILT} | {"index.html", "glossary.html", "sources.html"} <= found.keys()
    return found


def test_answers_are_folded_and_what_the_learner_finds_stands_above(pages):
    for stem in BUILT:
        asked = [cell for cell in ALL.notebooks[stem].cells if role(cell)[0] in ANSWERS]
        assert pages[f"{stem}.html"].answers == len(asked) > 0
    assert not any(page.open_folds for page in pages.values())


@pytest.mark.parametrize("stem", ALL.notebooks)
def test_no_answer_stands_outside_of_a_fold(stem):
    unwritten = {role(cell): cell.source for cell in stub(ALL.notebooks[stem]).cells if role(cell)[0] in ANSWERS}
    shown = book.page(ALL, stem).cells
    asked = [role(cell) for cell in shown if role(cell)[0] in ANSWERS]
    assert asked[::2] == asked[1::2] == list(unwritten), "each once as it is found, and once with its answer"
    for cell in shown:
        if role(cell)[0] in ANSWERS:
            folded = "hide-cell" in cell.metadata.get("tags", [])
            assert folded == (cell.source != unwritten[role(cell)]), cell.id
            assert folded == any("✓" in output.text for output in cell.outputs), "the check tells the answer, too"
        assert role(cell)[0] != "check" and "### BEGIN SOLUTION" not in cell.source


def test_nothing_is_loaded_from_elsewhere(pages):
    for page in pages.values():
        assert [address for address in page.loaded if re.match(r"(\w+:)?//", address)] == [], page.path
    for sheet in next(iter(pages.values())).path.parent.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"url\(\s*['\"]?(\w+:)?//|@import", text), sheet


def test_every_link_inside_the_book_leads_somewhere(pages):
    for name, page in pages.items():
        for link in page.links + page.loaded:
            if re.match(r"\w+:", link):
                continue
            path, _, anchor = unquote(link).partition("#")
            path = path.partition("?")[0] or name
            assert (page.path.parent / path).is_file(), (name, link)
            assert not anchor or not path.endswith(".html") or anchor in pages[path].anchors, (name, link)


def test_notebooks_that_are_named_are_linked_to_and_come_in_order(pages):
    assert [link for link in pages["index.html"].links if link in {f"{s}.html" for s in BUILT}][: len(BUILT)]
    last, first = (f"{stem}.html" for stem in reversed(BUILT))
    assert last in pages["index.html"].links and first in pages[last].links
    text = "see notebook 04, notebooks 00 and 11 or `notebook 04`; [x](04_y.ipynb); a GPT has 04"
    two = book.Book([SOLUTIONS / f"{stem}.ipynb" for stem in BUILT])
    assert book.linked(text, two, own=BUILT[0]) == text.replace("notebook 04,", f"notebook [04]({BUILT[1]}.ipynb),") \
        .replace("[x](04_y.ipynb)", "x")  # fmt: skip


def test_the_parts_hold_every_notebook_once():
    assert [stem for _, stems in ALL.parts() for stem in stems] == list(ALL.notebooks)


def test_a_page_weighs_at_most_two_megabytes(pages):
    for name, page in pages.items():
        folder = page.path.parent
        files = {page.path, *(folder / unquote(link).partition("?")[0] for link in page.loaded)}
        fonts = set((folder / "_static").glob("*.woff")) | {folder / "searchindex.js"}
        assert sum(file.stat().st_size for file in files | fonts) < HEAVIEST, name


def test_every_figure_has_a_text(pages):
    for page in pages.values():
        assert all(len(image["alt"]) > 20 for image in page.images), page.path
    for stem in ALL.notebooks:
        for cell in book.page(ALL, stem).cells:
            if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
                text = cell.metadata.mystnb.image.alt
                assert 20 < len(text) < 700 and "**" not in text and "](" not in text, (stem, text)


def test_formulas_need_no_script(pages):
    page = pages[f"{BUILT[1]}.html"]
    source = page.path.read_text(encoding="utf-8")
    assert source.count("<math") > 5 and "merror" not in source and "mathjax" not in source.lower()
    assert "$$" not in "".join(page.text) and "\\frac" not in "".join(page.text)


def test_terms_lead_to_the_heading_under_which_they_are_born(pages):
    found = book.terms(book.Book([SOLUTIONS / f"{stem}.ipynb" for stem in BUILT]))
    assert len(found) > 20 and {"attention", "softmax denominator"} <= found.keys()
    links = set(pages["glossary.html"].links)
    for key, (_, meanings, places) in found.items():
        stem, heading = places[0]
        assert f"{stem}.html#{book.slug(heading)}" in links and meanings
        strong = {book.same(text) for text in pages[f"{stem}.html"].strong}
        assert key in strong or key.split(" (")[0] in " ".join(strong), key


def test_a_term_is_born_where_it_is_bold_first():
    def notebook(number, text):
        path = f"{number}_x"
        return path, book.nbformat.v4.new_notebook(cells=[book.new_markdown_cell(text)])

    several = book.Book([])
    several.notebooks = dict([
        notebook("01", "# A\n## One\na **gate**\n## In other words\n- **Cell**: a store. **State**: what is kept."),
        notebook("02", "# B\n## Two\nmany **cells**\n## In other words\n- **Gate**: opens.\n- **Cell**: more."),
    ])  # fmt: skip
    found = book.terms(several)
    assert found["gate"] == ("Gate", [("**Gate**: opens.",) * 2], [("01_x", "One"), ("02_x", "In other words")])
    assert found["cell"][2] == [("01_x", "In other words"), ("02_x", "Two")]
    assert found["state"][1] == [("**State**: what is kept.", "**Cell**: a store. **State**: what is kept.")]
    born = "*Born in* [01, In other words](01_x.ipynb#in-other-words)."
    assert f"State\n: **Cell**: a store. **State**: what is kept. {born}" in book.glossary(several), "too short alone"
    assert f"Cell\n: A store. **State**: what is kept. {born} Again in [02, Two](02_x.ipynb#two)." in book.glossary(
        several
    )


def test_every_page_offers_its_notebook_and_says_how_to_open_it_and_to_cite(pages):
    for stem in BUILT:
        page, text = pages[f"{stem}.html"], "".join(pages[f"{stem}.html"].text)
        assert f"notebooks/{stem}.ipynb" in page.links and f"course.py lab {stem[:2]}" in text
        offered = page.path.parent / "notebooks" / f"{stem}.ipynb"
        assert offered.read_bytes() == (NOTEBOOKS / f"{stem}.ipynb").read_bytes()
        assert "LICENSE.txt" in page.links and "To cite it: The authors of Build the Transformer" in " ".join(
            text.split()
        )


def counted(row):
    """What the cheat sheet says of a row of its last table, as a function of its letters."""
    (formula,) = re.findall(rf"^\| {row}[^|]*\| `([^`]+)`", (book.BOOK / "cheat_sheet.md").read_text("utf-8"), re.M)
    tree = compile(formula.replace("·", "*").replace("²", "**2"), row, "eval")
    return lambda **letters: eval(tree, letters)


def test_what_the_cheat_sheet_counts():
    size = lambda model: sum(parameter.numel() for parameter in model.parameters())  # noqa: E731
    paper = parameter_counts(vocab=11, d_model=10, d_ff=23, n_blocks=3)
    assert 3 * counted("encoder block")(d=10, f=23) == paper["encoder"]
    assert 3 * counted("decoder block")(d=10, f=23) == paper["decoder"]
    assert counted("GPT, all")(V=50257, n=1024, L=12, d=768) == 124_439_808
    assert counted("GPT, all")(V=11, n=7, L=3, d=10) == size(GPT(11, 7, 10, 5, 3))
    assert counted("Llama block")(d=10, h=6, H=3, e=4, f=17) == size(LlamaBlock(10, 6, 17, n_kv_heads=3, d_head=4))
    assert 4 * counted("numbers in the KV cache")(L=3, n=7, H=5, e=2) == cache_bytes(1, 7, 3, 5, 2)
    assert counted("multiplications")(L=3, n=7, d=10) == forward_multiplications(7, 0, 10, 3)


def test_what_the_cheat_sheet_says_of_choosing_and_measuring():
    from lib.decoding.sampling import min_p, top_p
    from lib.experts import load_balancing_loss
    from lib.positions import distance_penalty, position_angles
    from lib.scoring import bleu
    from lib.training.recipes import noam_rate

    logits = torch.tensor([0.5, 0.25, 0.15, 0.1]).log()
    assert (top_p(logits, 0.8) > -math.inf).tolist() == [True, True, True, False]
    assert (min_p(logits, 0.4) > -math.inf).tolist() == [True, True, False, False]
    assert noam_rate(5, 64, 9) == pytest.approx(64**-0.5 * min(5**-0.5, 5 * 9**-1.5))
    assert position_angles(torch.tensor([3.0]), 10)[0, 2].item() == pytest.approx(3 / 10000 ** (4 / 10))
    assert distance_penalty(4, 6)[1, 5, 2].item() == pytest.approx(-3 * 2 ** (-8 * 2 / 4))
    assert bleu([list("abcde")], [list("abcdefg")]) == pytest.approx(100 * math.exp(1 - 7 / 5))
    assert load_balancing_loss(torch.zeros(6, 3), torch.arange(6)[:, None] % 3).item() == pytest.approx(1)


def test_what_tests_need_holds_what_the_book_needs():
    packages = environment.optional("test")
    assert set(environment.optional("book")) < set(packages) and not any("transformer-course" in p for p in packages)
    assert not set(environment.optional("book")) & set(environment.requirements()), "plain learners need none of it"


def test_the_command_takes_numbers(monkeypatch):
    monkeypatch.setattr(commands, "environment", lambda group: group)
    monkeypatch.setattr(commands, "hand_over", lambda python, module: (python, module))
    assert commands.book([]) == ("book", ["lib.course.book"])
    assert commands.book(["4", "12"]) == ("book", ["lib.course.book", "04", "12"])


def test_the_workflow_tests_and_publishes_what_the_commands_make():
    told = yaml.safe_load((ROOT / ".github" / "workflows" / "course.yml").read_text(encoding="utf-8"))
    steps = [step for job in told["jobs"].values() for step in job["steps"]]
    runs = [step["run"].split() for step in steps if "run" in step]
    assert all(run[:2] == ["python3", "course.py"] and run[2] in commands.COMMANDS for run in runs)
    assert {run[2] for run in runs} == {"test", "book"}
    (published,) = (step["with"]["path"] for step in steps if "upload-pages" in step.get("uses", ""))
    assert ROOT / published == book.TO / "html"
    assert set(told["jobs"]["publish"]["needs"]) == {"test", "book"}
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in steps if "uses" in step)


def test_the_containers_start_jupyterlab_on_the_first_notebook():
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    (start,) = (json.loads(line.removeprefix("CMD ")) for line in lines if line.startswith("CMD "))
    assert start[:4] == ["python3", "course.py", "lab", "00"] and "--no-browser" in start
    told = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert (ROOT / ".devcontainer" / told["build"]["dockerfile"]).resolve() == ROOT / "Containerfile"
    assert f"WORKDIR {told['workspaceFolder']}" in lines and f"USER {told['remoteUser']}" in lines
    assert told["postAttachCommand"].split()[:4] == start[:4]
    assert {"EXPOSE 8888"} < set(lines) and told["forwardPorts"] == [8888]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not [name for name in ignored if name in ("lib", "data", "notebooks", "solutions", "book")]
