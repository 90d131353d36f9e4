"""Dates as people write them in six languages, with the ISO form: "3 maggio 1990" and "1990-05-03" (notebook 03).

    Date, load_dates   the pairs of data/dates.tsv, for training or for the test

A program wrote them (data/make/dates.py). No date can be read in two ways, and a test date stands in no training line,
in no language.
"""

from dataclasses import dataclass

from lib.corpora import files

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Date:
    """A date as it is written, its language, and its ISO form (ISO 8601: year, month, day)."""

    written: str
    language: str
    iso: str


def load_dates(split: str = "train") -> list[Date]:
    """The dates of one split of data/dates.tsv, in order. Raises ValueError for another split than train and test."""
    if split not in SPLITS:
        raise ValueError(f"no split is called {split!r}; there are {', '.join(SPLITS)}")
    cells = [line.split("\t") for line in files.read("dates.tsv").splitlines()]
    return [Date(written, language, iso) for name, language, written, iso in cells if name == split]
