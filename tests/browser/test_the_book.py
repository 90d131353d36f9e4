"""The whole book in a real browser: nothing from elsewhere, search, folds, keyboard, dark figures, axe-core.

Not part of `course.py test`: it needs Chromium, playwright and, for axe-core, npm. Run it with

    COURSE_BROWSER=/usr/bin/chromium pytest tests/browser/test_the_book.py

With COURSE_SHOTS=FOLDER it also leaves pictures of every page at three widths, light and dark.
"""

import functools
import http.server
import os
import threading
from pathlib import Path

import pytest

from lib.course import book
from lib.course.cells import SOLUTIONS

STEMS = [path.stem for path in sorted(SOLUTIONS.glob("[0-9][0-9]_*.ipynb"))]
PAGES = ["index", *STEMS, "glossary", "cheat_sheet", "sources", "search"]
WIDTHS = (390, 1100, 1440)
PAPER = 725  # pixels: A4 without its margins, as book.css has them
# Widgets have their own test: what axe-core posts into their sandboxed frames ends as an error on the console.
AXE_RUN = """async whole => (await axe.run(whole ? document : {exclude: [['pre']]},
    {iframes: false, rules: {'color-contrast': {enabled: whole}}}))
    .violations.map(found => [found.impact, found.id, found.nodes.length, found.nodes[0].html])"""
SHORT = ("index", STEMS[0], "search")  # all pages have one style: contrast and coloured code, slow, are looked at here
UNREACHABLE = """() => [...document.querySelectorAll('article :is(pre, .formula, .table-wrapper)')]
    .filter(box => box.checkVisibility() && box.scrollWidth > box.clientWidth && box.tabIndex < 0).length"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT_OFF = """() => { const right = box => box.getBoundingClientRect().right, page = document.querySelector('article');
    return [...page.querySelectorAll('td')].filter(cell => right(cell) > right(page)).length; }"""
WITHOUT_FACE = """() => [...document.querySelectorAll('article img')]
    .filter(image => getComputedStyle(image).backgroundColor !== 'rgb(255, 255, 255)').length"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    to = tmp_path_factory.mktemp("book")
    assert book.build(sorted(SOLUTIONS.glob("[0-9][0-9]_*.ipynb")), to) == 0
    handler = functools.partial(Quiet, directory=str(to / "html"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def opened(browser, address, name, width=1100, scheme="light"):
    """A page of the book, and what went wrong while it loaded: requests to elsewhere, failed ones, errors."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    wrong = []
    page.on("request", lambda asked: asked.url.startswith((address, "data:")) or wrong.append(asked.url))
    page.on("response", lambda got: got.status < 400 or wrong.append(f"{got.status} {got.url}"))
    page.on("console", lambda said: said.type in ("error", "warning") and wrong.append(said.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{address}{name}.html", wait_until="load")
    return page, wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_fits_and_has_no_serious_violation(browser, address, axe, name, scheme):
    page, wrong = opened(browser, address, name, scheme=scheme)
    page.evaluate("() => document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.evaluate("() => document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    page.wait_for_function("() => [...document.images].every(image => image.complete && image.naturalWidth)")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(TOO_WIDE) <= 0, (name, width)
        page.wait_for_function(f"() => ({UNREACHABLE})() === 0", timeout=3000)
    assert page.evaluate(WITHOUT_FACE) == 0, "in the dark, a figure needs its white face"
    page.evaluate(axe)
    found = [one for one in page.evaluate(AXE_RUN, name in SHORT) if one[0] in ("serious", "critical")]
    assert (found, wrong) == ([], [])
    page.close()


def test_search_finds_nucleus(browser, address):
    page, wrong = opened(browser, address, "index")
    page.fill("input[name=q]", "nucleus")
    page.press("input[name=q]", "Enter")
    page.wait_for_selector("ul.search li a")
    found = page.eval_on_selector_all("ul.search li a", "links => links.map(link => link.href)")
    assert found and wrong == []
    for link in found:
        page.goto(link)
        assert "nucleus" in page.text_content("article").lower()
    page.close()


def test_a_fold_opens_by_mouse_and_by_keyboard(browser, address):
    page, _ = opened(browser, address, STEMS[0])
    fold = page.locator(".tag_hide-cell details").first
    code = fold.locator("pre").first
    assert not code.is_visible()
    fold.locator("summary").click()
    assert code.is_visible()
    fold.locator("summary").press("Enter")
    assert not code.is_visible()
    page.close()


def test_the_keyboard_reaches_every_link_and_fold(browser, address):
    page, _ = opened(browser, address, STEMS[0])
    wanted = page.evaluate("""() => [...document.querySelectorAll('article :is(a[href], summary)')]
        .filter(one => one.checkVisibility() && !one.matches('.headerlink')).length""")
    reached = set()
    for _ in range(wanted * 3 + 100):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("""() => { const one = document.activeElement; const all = [...document.querySelectorAll(
            'article :is(a[href], summary)')]; return one.matches('.headerlink') ? -1 : all.indexOf(one); }""")
        )
    assert len(reached - {-1}) == wanted
    page.close()


def test_the_button_turns_the_page_dark(browser, address):
    page, _ = opened(browser, address, "index", width=1440)
    colours = set()
    for _ in range(3):
        page.locator(".theme-toggle:visible").first.click()
        colours.add(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2
    page.close()


def test_the_cheat_sheet_is_one_sheet_of_paper(browser, address):
    page, _ = opened(browser, address, "cheat_sheet")
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 900})
    assert page.evaluate(CUT_OFF) == 0 and not page.locator(".skip-to-content").is_visible()
    page.close()


@pytest.mark.skipif("COURSE_SHOTS" not in os.environ, reason="pictures on request")
def test_pictures_to_look_at(browser, address):
    folder = Path(os.environ["COURSE_SHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            for name in PAGES:
                page, _ = opened(browser, address, name, width, scheme)
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
                page.close()
