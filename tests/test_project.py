"""The files that others meet first: licences, README, changes and citation say the same as pyproject.toml."""

import re
import tomllib

import pytest
import yaml

from lib.checks import NOTEBOOKS
from lib.course.cells import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHONS = range(11, 15)  # 3.11 to 3.14


def test_the_pythons_of_the_readme_are_those_of_pyproject():
    assert PROJECT["requires-python"] == f">=3.{PYTHONS[0]},<3.{PYTHONS[-1] + 1}"
    named = ", ".join(f"3.{minor}" for minor in PYTHONS[:-1]) + f" or 3.{PYTHONS[-1]}"
    assert f"You need Python {named}" in README


def test_the_pytorch_of_the_readme_is_that_of_pyproject():
    (pinned,) = (line for line in PROJECT["dependencies"] if line.startswith("torch"))
    assert f"pip finds no {pinned} " in README and f"PyTorch {pinned[7:].rsplit('.', 1)[0]} is built" in README


def test_every_licence_is_named_where_people_look():
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in PROJECT["license-files"]]
    assert PROJECT["license-files"] == ["LICENSE", "LICENSE-TEXTS"]
    assert PROJECT["license"] == "MIT AND CC-BY-4.0 AND CC0-1.0"
    assert texts[0].startswith("MIT License\n") and "CC BY 4.0" in texts[1] and "CC0 1.0" in texts[1]
    assert all(f"]({name})" in README for name in PROJECT["license-files"])
    own = {line.split("\t")[4] for line in (ROOT / "data" / "MANIFEST").read_text().splitlines()[1:]}
    assert own == {"CC0-1.0 (own)"}, "LICENSE-TEXTS says so of all that the course made"


def test_the_citation_has_what_the_format_asks_for():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0" and cited["title"] == README.splitlines()[0].removeprefix("# ")
    assert {"message", "authors"} <= cited.keys() and cited["type"] in ("software", "dataset")
    assert cited["authors"] == [{"name": "The authors of Build the Transformer"}]
    assert cited["version"] == PROJECT["version"] and cited["license"] in PROJECT["license"].split(" AND ")


def test_the_newest_release_of_the_changelog_is_the_version():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", changes, flags=re.MULTILINE)
    assert headings[0] == "Unreleased" and re.fullmatch(
        rf"{re.escape(PROJECT['version'])} - \d{{4}}-\d\d-\d\d", headings[1]
    )
    kinds = re.findall(r"^### (.+)$", changes, flags=re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_link_leads_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif not target.startswith("https://"):
            assert (ROOT / target).exists(), target
    if name == "README.md":
        assert all(f"](notebooks/{stem}.ipynb)" in text for stem in NOTEBOOKS)
