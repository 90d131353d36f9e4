"""Sphinx's settings for the book. `course.py book` writes the pages and calls Sphinx; see lib/course/book.py."""

import re
from pathlib import Path

import yaml
from docutils import nodes
from latex2mathml.converter import convert

HERE = Path(__file__).parent
cited = yaml.safe_load((HERE.parent / "CITATION.cff").read_text(encoding="utf-8"))

project = cited["title"]
author = cited["authors"][0]["name"]
project_copyright = f"{cited['date-released'].year} {author}"
release = cited["version"]
language = "en"

extensions = ["myst_nb"]
nb_execution_mode = "off"  # the notebooks are executed when they are built
nb_merge_streams = True
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 4
myst_heading_slug_func = "lib.course.book.slug"
myst_update_mathjax = False
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "furo"
pygments_dark_style = "a11y-high-contrast-dark"
html_title = project
html_static_path = ["static"]
templates_path = ["templates"]
html_css_files = ["book.css"]
html_js_files = [("book.js", {"defer": "defer"})]
html_favicon = "static/favicon.svg"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_theme_options = {"top_of_page_buttons": []}
html_context = {"cited": cited}


def setup(app) -> None:
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    app.connect(
        "config-inited", lambda app, config: config.html_extra_path.append(str(app.srcdir.parent / "as_they_are"))
    )
    app.connect("html-page-context", tidy, priority=900)  # after Furo


def inline_math(self, node: nodes.math) -> None:
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def block_math(self, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>\n')
    raise nodes.SkipNode


def tidy(app, pagename, templatename, context, doctree) -> None:
    """Folds are named by what they show, figures load when scrolled to, captions in the contents have a level."""
    body = context.get("body") or ""
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    context["body"] = re.sub(r"<img (?![^>]*loading=)", '<img loading="lazy" ', body)
    contents = context.get("furo_navigation_tree") or ""
    context["furo_navigation_tree"] = contents.replace('role="heading"', 'role="heading" aria-level="2"')
