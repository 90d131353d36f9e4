"""Pictures that move: a page of HTML each, whole in itself, for a notebook, for the book, and for a browser alone.

    softmax     scores to drag, temperature, the division by √d_head                  notebook 04
    heads       attention over a sentence: a word, a block, a head                    notebooks 05, 09, 16
    rotary      queries and keys turned by their positions                            notebook 06
    merges      byte pair encoding, merge by merge                                    notebook 08
    beams       the tree of a beam search, word by word                               notebook 10
    sampling    temperature, top-k, top-p and min-p on one distribution               notebook 12
    cache       a KV cache filling up, and the same text without one                  notebook 13
    patches     an image cut into patches, and where each of them looks               notebook 18

    widget      one of them in a notebook: `widget("softmax")` as the last line of a cell

A widget is two files: name.py has its words (TITLE, and TRY: what to try and what to see), its numbers (`data`, from
the library or from a recorded run) and a picture for places where nothing moves (`still`); name.js draws the same
numbers. frame.js and frame.css, shared by all, have the controls and the colours, and arithmetic.js the few formulas
that are computed while one drags: tests/test_widgets.py compares them with the library's. A page asks nobody for
anything: its own policy forbids it to, and the sandbox of the frame around it shuts it off from the notebook.
"""

import base64
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NAMES = ("softmax", "heads", "rotary", "merges", "beams", "sampling", "cache", "patches")
CLASS = "course-widget"
CALL = re.compile(r'^widget\("(\w+)"(\)$)?', re.MULTILINE)  # in a cell; with other numbers, or alone
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{tries}</p>
<div id="stage"></div>
<p id="said" aria-live="polite"></p>
</main>
<script type="application/json" id="data">{data}</script>
<script>
{script}</script>
</body>
</html>
"""
# subtle: a notebook that is not trusted drops the frame and the style; the picture stays, and is no longer hidden
TELL_THE_THEME = """const tell = () => {
  for (const [theme, outside] of [['dark', '[data-jp-theme-light=false], .vscode-dark'],
    ['light', '[data-jp-theme-light=true], .vscode-light']])
    if (this.closest(outside)) this.contentWindow?.postMessage({ theme }, '*')
}
tell()
new MutationObserver(tell).observe(document.body, { attributes: true })"""
IN_A_NOTEBOOK = """<div class="{classes}">
<style>
.{classes} img {{ display: none; }}
</style>
{frame}
<img src="data:image/png;base64,{picture}" alt="{tries}">
</div>"""


def widget(name: str, data: Mapping[str, Any] | None = None) -> "Widget":
    """A picture that moves, or where nothing runs, its still. Raises ValueError when there is none of that name.

    data: other numbers than the course's, in the same form, such as those of `heads.looks`
    """
    if name not in NAMES:
        raise ValueError(f"there is no widget {name!r}: {', '.join(NAMES)}")
    return Widget(name, import_module(f"lib.widgets.{name}").data() if data is None else data)


def named_in(source: str, alone: bool = False) -> str | None:
    """The widget that a cell shows, if it shows one. alone: and with the course's numbers"""
    found = CALL.search(source)
    return found[1] if found and (found[2] or not alone) else None


@dataclass(frozen=True)
class Widget:
    """One picture: its name, and the numbers that it shows, as JSON can hold them."""

    name: str
    data: Mapping[str, Any] = field(repr=False)

    @property
    def words(self):
        """The module with its title, its sentence, its height and its still."""
        return import_module(f"lib.widgets.{self.name}")

    def page(self) -> str:
        """HTML that needs nothing else."""
        scripts = ("frame.js", "arithmetic.js", f"{self.name}.js")
        return PAGE.format(
            policy=POLICY,
            title=escape(self.words.TITLE),
            tries=escape(self.words.TRY),
            style=(HERE / "frame.css").read_text(encoding="utf-8"),
            script="\n".join((HERE / script).read_text(encoding="utf-8") for script in scripts),
            data=json.dumps(self.data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        )

    def frame(self, source: str) -> str:
        """An `iframe` of its height. source: the attributes that say what is in it, `src` or `srcdoc`."""
        return (
            f'<iframe class="{CLASS}" title="{escape(self.words.TITLE)}" sandbox="allow-scripts" loading="lazy" '
            f'style="width: 100%; height: {self.words.HEIGHT}px; border: 0;" {source}></iframe>'
        )

    def png(self) -> bytes:
        """The picture for places where nothing moves."""
        written = io.BytesIO()
        self.words.still(self.data).savefig(written, format="png")
        return written.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        """For IPython: text, a picture, and what moves; whoever shows it takes what it can."""
        picture, tries = base64.b64encode(self.png()).decode(), escape(self.words.TRY)
        frame = self.frame(f'onload="{escape(TELL_THE_THEME)}" srcdoc="{escape(self.page())}"')
        moving = IN_A_NOTEBOOK.format(classes=CLASS, frame=frame, picture=picture, tries=tries)
        return {"text/plain": f"{self.words.TITLE}. {self.words.TRY}", "image/png": picture, "text/html": moving}
