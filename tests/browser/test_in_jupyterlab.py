"""A first exercise in a real JupyterLab and a real browser: Run All, a wrong answer, a right one, the check.

Not part of `course.py test`: it needs Chromium and playwright (`pip install -e .[browser]`). Run it with

    COURSE_BROWSER=/usr/bin/chromium pytest tests/browser

JupyterLab is started so that the page has `window.jupyterapp`, and the test waits for JupyterLab's own promises.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from lib.checks import NOTEBOOKS
from lib.course.cells import ROOT
from lib.course.programs import child_environ
from tests.learners import grade, wrong_cell

RUN_ALL = """async () => {
    const app = window.jupyterapp; await app.restored;
    const panel = app.shell.currentWidget; await panel.revealed; await panel.sessionContext.ready;
    await app.commands.execute('notebook:run-all-cells');
    await panel.context.save(); }"""
OUTPUTS = """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
    .filter(c => c.cell_type === 'code').map(c => ({id: c.id, outputs: c.outputs}))"""
WRITE = """([id, source]) => { const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
    for (const cell of cells) if (cell.id === id) cell.sharedModel.setSource(source); }"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The learner's copy of the notebooks, so that the repository's stay as they are."""
    copy = tmp_path_factory.mktemp("a learner's folder")
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, copy)
    return copy


@pytest.fixture(scope="module")
def address(folder, tmp_path_factory):
    settings = tmp_path_factory.mktemp("settings")
    news = settings / "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = child_environ() | {"JUPYTERLAB_SETTINGS_DIR": str(settings)}  # as `course.py lab` starts it
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


def run_all(page) -> dict[str, str]:
    """Run every cell; {cell id: the text that it shows}."""
    page.evaluate(RUN_ALL)
    shown = {}
    for cell in page.evaluate(OUTPUTS):
        parts = [o.get("text") or "\n".join(o.get("traceback", [])) for o in cell["outputs"]]
        shown[cell["id"]] = "".join("".join(part) for part in parts)
    return shown


def opened(browser, address, name):
    page = browser.new_page(viewport={"width": 1100, "height": 1400})
    page.goto(f"{address}/doc/tree/{name}")
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext", timeout=90_000)
    return page


def test_a_first_exercise_wrong_then_right(browser, address, folder):
    page = opened(browser, address, "00_start_here.ipynb")
    check = "check-weighted_average"
    assert run_all(page)[check].startswith("○ weighted_average")
    page.evaluate(WRITE, ["exercise-weighted_average", wrong_cell("00_start_here", "weighted_average")])
    said = run_all(page)[check]
    assert said.startswith("✗ weighted_average: this is the plain mean") and "Traceback" not in said
    right = "def weighted_average(weights, values):\n    return (weights[:, None] * values).sum(0)"
    page.evaluate(WRITE, ["exercise-weighted_average", right])
    assert run_all(page)[check] == "✓ weighted_average\n"
    if picture := os.environ.get("COURSE_SCREENSHOT"):
        page.screenshot(path=picture)
    page.close()
    alone = folder / "hand-in"
    alone.mkdir()
    shutil.copy(folder / "00_start_here.ipynb", alone)
    assert grade(alone)["00_start_here", "weighted_average"] == ("done", "")


@pytest.mark.parametrize("stem", NOTEBOOKS)
def test_run_all_of_an_untouched_notebook_shows_no_error(browser, address, folder, stem):
    shutil.copy(ROOT / "notebooks" / f"{stem}.ipynb", folder)
    page = opened(browser, address, f"{stem}.ipynb")
    page.set_default_timeout(600_000)
    shown = run_all(page)
    for name in NOTEBOOKS[stem]:
        assert shown[f"check-{name}"].startswith(f"○ {name}")
    assert not [text for text in shown.values() if "Traceback" in text or "✗" in text]
    page.close()
