"""Every notebook in a real JupyterLab and a real browser: Run All of the stub, wrong answers, right ones, its widget,
and nothing that is too wide, at two widths, light and dark.

Not part of `course.py test`: it needs Chromium and playwright (`pip install -e .[browser]`). Run it with

    COURSE_BROWSER=/usr/bin/chromium pytest tests/browser/test_in_jupyterlab.py

With COURSE_QUICK=1 the cells that train are not run, nor those that need what they make, as in grading; they show what
they show in solutions/. With COURSE_SHOTS=FOLDER it also leaves pictures of every notebook, from its first cell to its
last. A notebook is opened once, as `course.py lab` opens it, and its tests go on in the same page and kernel; they wait
for JupyterLab's own promises, which `--expose-app-in-browser` makes reachable.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from lib import widgets
from lib.checks import NOTEBOOKS, exercise
from lib.checks.core import Question
from lib.course import here
from lib.course.cells import untrained_cells
from lib.course.programs import child_environ
from tests.browser.moving import inside, moves
from tests.learners import grade, right_cell, solution, untouched, write, wrong_case, wrong_cell

QUICK = "COURSE_QUICK" in os.environ
PANES = {1100: "collapseLeft", 1440: "expandLeft"}  # the window's width; there is a list of files where it is wide
THEMES = ("JupyterLab Light", "JupyterLab Dark")
SETTINGS = {  # all cells in the page, those far away too, so that each can be measured; nothing asks about news
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
LONGEST = 1500  # seconds for one notebook, beside other work
READY = """async () => { const app = window.jupyterapp; await app.restored;
    const panel = app.shell.currentWidget; await panel.revealed; await panel.sessionContext.ready; }"""
DO = """async ([seconds, ...asked]) => {
    const late = new Promise((_, fail) => setTimeout(() => fail(new Error(`${asked} takes too long`)), 1000 * seconds));
    await Promise.race([window.jupyterapp.commands.execute(...asked), late]); }"""
SAVE = "() => window.jupyterapp.shell.currentWidget.context.save()"
STOP = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
OUTPUTS = """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
    .filter(cell => cell.cell_type === 'code').map(cell => ({id: cell.id, outputs: cell.outputs}))"""
ACTIVATE = """id => { const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.id === id); }"""
SHOW = "() => window.jupyterapp.shell.currentWidget.content.activeCell.node.scrollIntoView()"
WRITE = "source => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.setSource(source)"
OPEN_FOLDS = "() => document.querySelectorAll('.jp-Notebook details').forEach(fold => fold.open = true)"
SCROLL = "top => document.querySelector('.jp-Notebook .jp-WindowedPanel-outer').scrollTo({top})"
TALLEST = 8000  # pixels of a picture
# What is wider than its place: a box whose inside has to be scrolled, what ends right of its cell, and what a check
# says if JupyterLab goes on in the next line, which it does in the middle of a word.
TOO_WIDE = """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap(({model, node}) => {
    const inside = node.querySelector('.jp-Cell-inputWrapper').getBoundingClientRect().right + 1;
    const lines = pre => pre.textContent.replace(/\\n$/, '').split('\\n').length;
    const cut = pre => pre.clientHeight > (lines(pre) + 0.6) * parseFloat(getComputedStyle(pre).lineHeight);
    const boxes = ['.cm-scroller', '.jp-OutputArea-output', '.jp-RenderedHTMLCommon', '.course-widget', 'table', 'pre',
        'img', 'mjx-math'];
    return [...node.querySelectorAll(boxes.join())].filter(box => box.checkVisibility() && (
            box.clientWidth && box.scrollWidth > box.clientWidth + 1 || box.getBoundingClientRect().right > inside
            || model.id.startsWith('check-') && box.matches('.jp-RenderedText > pre') && cut(box)))
        .map(box => `${model.id} ${box.className || box.tagName} ${box.scrollWidth - box.clientWidth} `
            + box.textContent.slice(0, 60)); })"""
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"
# Figures whose corner can be looked through: dark ink would stand on a dark page.
SEEN_THROUGH = """() => [...document.querySelectorAll('.jp-RenderedImage img')].filter(image => {
    const sheet = document.createElement('canvas').getContext('2d'); sheet.drawImage(image, 0, 0);
    return sheet.getImageData(0, 0, 1, 1).data[3] < 255; }).length"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The learner's copy of the notebooks, so that the repository's stay as they are."""
    copy = tmp_path_factory.mktemp("a learner's folder")
    for stem in NOTEBOOKS:
        notebook = untouched(stem)
        if QUICK:
            runs, done = to_run(stem), {cell.id: cell for cell in solution(stem).cells}
            for cell in notebook.cells:
                if cell.cell_type == "code" and cell.id not in runs:
                    cell.outputs = done[cell.id].outputs
        write(notebook, copy / f"{stem}.ipynb")
    return copy


@pytest.fixture(scope="module")
def address(folder, tmp_path_factory):
    settings = tmp_path_factory.mktemp("settings")
    for name, values in SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {"JUPYTERLAB_SETTINGS_DIR": settings, "JUPYTERLAB_WORKSPACES_DIR": tmp_path_factory.mktemp("workspaces")}
    environment = child_environ() | {name: str(place) for name, place in kept.items()}  # as `course.py lab` starts it
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token="]
    options += [f"--ServerApp.root_dir={folder}", "--ServerApp.log_level=ERROR", "--LabApp.extension_manager=readonly"]
    command = [sys.executable, "-m", "jupyterlab", "--expose-app-in-browser", *options]
    server = subprocess.Popen(command, env=environment)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=1)
                break
            except OSError:
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module", params=NOTEBOOKS)
def ran(request, browser, address):
    """A notebook's stub after Run All: its stem, the page, and what its cells show, by their ids."""
    page = browser.new_page(viewport={"width": min(PANES), "height": 1400})
    page.goto(f"{address}/lab/workspaces/{request.param}/tree/{request.param}.ipynb")
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext", timeout=90_000)
    page.evaluate(READY)
    page.evaluate(DO, [LONGEST, "apputils:change-theme", {"theme": THEMES[0]}])  # the one before ended in the dark
    if QUICK:
        run(page, *to_run(request.param))
    else:
        page.evaluate(DO, [LONGEST, "notebook:run-all-cells"])
    yield SimpleNamespace(stem=request.param, page=page, shown=shown(page))
    page.evaluate(STOP)
    page.close()


def to_run(stem: str) -> list[str]:
    """The ids of the cells that need no training."""
    return [cell.id for cell in untrained_cells(untouched(stem).cells)]


def run(page, *ids: str) -> None:
    for identity in ids:
        page.evaluate(ACTIVATE, identity)
        page.evaluate(DO, [LONGEST, "notebook:run-cell"])


def shown(page) -> dict[str, str]:
    """{cell id: the text that it shows}."""
    texts = {}
    for cell in page.evaluate(OUTPUTS):
        parts = [o.get("text") or "\n".join(o.get("traceback", [])) for o in cell["outputs"]]
        texts[cell["id"]] = "".join("".join(part) for part in parts)
    return texts


def told(page, name: str, source: str) -> str:
    """Write an answer into its cell, run that and its check, and nothing else; what the check says, in one line."""
    kind = "question" if isinstance(exercise(name), Question) else "exercise"
    page.evaluate(ACTIVATE, f"{kind}-{name}")
    page.evaluate(WRITE, source)
    run(page, f"{kind}-{name}", f"check-{name}")
    return " ".join(shown(page)[f"check-{name}"].split())


def test_run_all_of_an_untouched_notebook_shows_no_error(ran):
    for name in NOTEBOOKS[ran.stem]:
        assert ran.shown[f"check-{name}"].startswith(f"○ {name}")
    assert not [text for text in ran.shown.values() if "Traceback" in text or "✗" in text]


def test_a_widget_moves_and_takes_on_the_theme(ran):
    for cell in untouched(ran.stem).cells:
        if widgets.named_in(cell.source):
            ran.page.evaluate(ACTIVATE, cell.id)
            ran.page.evaluate(SHOW)
            frame = inside(ran.page.locator(".jp-Cell.jp-mod-active"))
            assert moves(frame)
            for theme in reversed(THEMES):
                before = frame.evaluate(BACKGROUND)
                ran.page.evaluate(DO, [LONGEST, "apputils:change-theme", {"theme": theme}])
                frame.wait_for_function(f"before => ({BACKGROUND})() !== before", arg=before, polling=200)


def test_wrong_answers_are_told_their_mistake_and_right_ones_pass(ran):
    unexpected = []
    for name in NOTEBOOKS[ran.stem]:
        if not isinstance(exercise(name), Question):
            said = told(ran.page, name, wrong_cell(ran.stem, name))
            if not said.startswith(f"✗ {name}: ") or wrong_case(ran.stem, name).says not in said or "Traceback" in said:
                unexpected.append(said)
        said = told(ran.page, name, right_cell(ran.stem, name))
        if not said.startswith(f"✓ {name}"):
            unexpected.append(said)
    assert unexpected == []


def test_what_was_written_in_the_browser_is_graded(ran, folder):
    if ran.stem != "00_start_here":
        return
    ran.page.evaluate(SAVE)
    alone = folder / "hand-in"
    alone.mkdir()
    shutil.copy(folder / "00_start_here.ipynb", alone)
    assert grade(alone)["00_start_here", "weighted_average"] == ("done", "")


def test_the_last_cell_checks_what_is_saved(ran):
    if ran.stem != "00_start_here":
        return
    ran.page.evaluate(SAVE)
    ran.page.evaluate(ACTIVATE, "course-check")
    ran.page.evaluate(WRITE, here.CHECK.replace("# check_this", "check_this"))
    run(ran.page, "course-check")
    assert "save it (Ctrl+S), then run this cell again" in shown(ran.page)["course-check"]
    ran.page.evaluate(SAVE)
    run(ran.page, "course-check")
    said = shown(ran.page)["course-check"]
    assert all(f"✓ {name}" in said for name in NOTEBOOKS[ran.stem]), said


def test_nothing_is_too_wide_or_dark_on_dark(ran):
    ran.page.evaluate(OPEN_FOLDS)
    found = set()
    for theme in THEMES:
        ran.page.evaluate(DO, [LONGEST, "apputils:change-theme", {"theme": theme}])
        for width, list_of_files in PANES.items():
            ran.page.set_viewport_size({"width": width, "height": 1400})
            ran.page.evaluate(f"() => window.jupyterapp.shell.{list_of_files}()")
            found |= {f"{theme} {width}: {fault}" for fault in ran.page.evaluate(TOO_WIDE)}
            if to := os.environ.get("COURSE_SHOTS"):
                take_pictures(ran.page, Path(to), f"{ran.stem}-{width}-{theme.rpartition(' ')[2].lower()}")
        assert ran.page.evaluate(SEEN_THROUGH) == 0
    assert sorted(found) == []


def take_pictures(page, folder: Path, name: str) -> None:
    """The whole notebook from top to bottom: name-0.png and, where it is long, name-1.png and so on."""
    height = page.evaluate("() => document.querySelector('.jp-Notebook .jp-WindowedPanel-outer').scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": min(height + 200, TALLEST)})
    for part in range(-(-height // (TALLEST - 200))):
        page.evaluate(SCROLL, part * (TALLEST - 200))
        page.screenshot(path=folder / f"{name}-{part}.png")
