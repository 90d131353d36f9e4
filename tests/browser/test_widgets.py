"""The pictures that move, in a real browser: keyboard, phone width, light and dark, axe-core, and where nothing runs.

Not part of `course.py test`: it needs Chromium, playwright and, for axe-core, npm. Run it with

    COURSE_BROWSER=/usr/bin/chromium pytest tests/browser/test_widgets.py

With COURSE_SHOTS=FOLDER it also leaves a picture of each at two widths, light and dark.
"""

import os
import re
from pathlib import Path

import pytest

from lib import widgets
from tests.browser.moving import CONTROLS, SHOWN, inside, key_for

AXE_RUN = "async () => (await axe.run()).violations.map(v => [v.impact, v.id, v.nodes.length, v.nodes[0].html])"
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
HEIGHT = "() => document.documentElement.offsetHeight"
VALUES = (
    "() => [...document.querySelectorAll('input, select')].map(one => one.type === 'radio' ? one.checked : one.value)"
)
FULLEST = """() => {
    for (const one of document.querySelectorAll('select')) one.selectedIndex = one.options.length - 1;
    for (const one of document.querySelectorAll('select')) one.dispatchEvent(new Event('change'));
    for (const one of document.querySelectorAll('input[type=range]')) {
        if (one.closest('label')?.textContent.startsWith('step')) one.value = one.max;
        one.dispatchEvent(new Event('input'));
    }
}"""
NOTEBOOK = 700  # pixels: how wide an output of a notebook is at the least


@pytest.fixture(scope="module")
def bundles():
    return {name: widgets.widget(name)._repr_mimebundle_() for name in widgets.NAMES}


def opened(browser, html, width=NOTEBOOK, scheme="light"):
    """A page, and what went wrong while it loaded: requests, errors, warnings."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    wrong = []
    page.on("request", lambda asked: asked.url.startswith("data:") or wrong.append(asked.url))
    page.on("console", lambda said: said.type in ("error", "warning") and wrong.append(said.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.set_content(html, wait_until="load")
    return page, wrong


@pytest.mark.parametrize("name", widgets.NAMES)
def test_a_widget_fits_says_something_and_has_no_violation(browser, axe, name):
    one = widgets.widget(name)
    for scheme in ("light", "dark"):
        page, wrong = opened(browser, one.page(), scheme=scheme)
        assert len(page.text_content("#said")) > 20 and page.text_content("h1") == one.words.TITLE
        heights = [page.evaluate(HEIGHT)]
        page.evaluate(FULLEST)
        heights.append(page.evaluate(HEIGHT))
        assert max(heights) <= one.words.HEIGHT, f"{heights}: nothing is cut off, and nothing has to be scrolled"
        assert max(heights) > one.words.HEIGHT - 100, f"{heights}: hardly any empty space"
        page.evaluate(axe)
        assert [found for found in page.evaluate(AXE_RUN) if found[0] in ("serious", "critical")] == []
        for width in (390, NOTEBOOK):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(TOO_WIDE) <= 0, width
            if folder := os.environ.get("COURSE_SHOTS"):
                page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
        assert wrong == []
        page.close()


@pytest.mark.parametrize("name", widgets.NAMES)
def test_the_keyboard_reaches_every_control_and_moves_the_picture(browser, name):
    page, wrong = opened(browser, widgets.widget(name).page())
    wanted = page.eval_on_selector_all(CONTROLS, "all => all.filter(one => one.checkVisibility()).length")
    reached, moved = set(), 0
    for _ in range(wanted + 3):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => [...document.querySelectorAll('input, select, button')].indexOf(document.activeElement)"""
        )
        kind = page.evaluate("() => document.activeElement.type || document.activeElement.tagName")
        if at < 0 or at in reached:
            continue
        reached.add(at)
        before = page.evaluate(SHOWN), page.evaluate(VALUES)
        page.keyboard.press(key_for(kind))
        moved += (page.evaluate(SHOWN), page.evaluate(VALUES)) != before
    assert len(reached) >= wanted and moved >= 1 and wrong == []
    page.close()


@pytest.mark.parametrize("name", widgets.NAMES)
def test_in_a_notebook_it_moves_and_hides_its_still(browser, bundles, name):
    page, wrong = opened(browser, bundles[name]["text/html"])
    frame = inside(page)
    assert not page.locator("img").is_visible()
    assert frame.evaluate("() => { try { return parent.document.title } catch { return null } }") is None, "shut off"
    assert wrong == []
    page.close()


def test_without_trust_the_still_stands_there(browser, bundles):
    html = re.sub(r"<style>.*?</style>|<iframe.*?</iframe>", "", bundles["softmax"]["text/html"], flags=re.DOTALL)
    page, _ = opened(browser, html)
    assert page.locator("img").is_visible() and page.evaluate("() => document.images[0].naturalWidth") > 400
    page.close()


@pytest.mark.parametrize(
    ("outside", "dark"), [('data-jp-theme-light="false"', True), ('data-jp-theme-light="true"', False)]
)
def test_the_theme_of_the_notebook_counts(browser, bundles, outside, dark):
    page, _ = opened(
        browser, f"<div {outside}>{bundles['softmax']['text/html']}</div>", scheme="light" if dark else "dark"
    )
    frame = inside(page)
    colour = frame.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (colour == "rgb(255, 255, 255)") != dark
    page.close()


def test_the_numbers_on_the_page_are_the_librarys(browser):
    one = widgets.widget("softmax")
    page, _ = opened(browser, one.page())
    page.locator("select").select_option("2")  # d_head 16
    page.locator("input[type=checkbox]").press("Space")  # not divided
    told = [float(text.split("→")[1]) for text in page.locator("td.number").all_text_contents()]
    assert told == pytest.approx(one.words.weights(one.data, 16, scaled=False), abs=6e-4)
    page.close()
