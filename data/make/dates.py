"""Dates as people write them in six languages, with the ISO form: "3 maggio 1990" and "1990-05-03" (notebook 03).

    LANGUAGES        months, weekdays and ways of writing, by language
    write            one date in one way
    dates_text       the whole of data/dates.tsv

Every way names its month in words, or puts the day first, so no date can be read in two ways. A test date stands in no
training line, in no language. Month and weekday names are compared with Unicode's CLDR in the tests.
"""

import datetime
import random
import zlib
from dataclasses import dataclass

from data.make.tables import lists, sections

SIZES = {"train": 20_000, "test": 1_000}
FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
HELD_OUT = 12  # one date in so many is kept out of training
ORDINALS = {1: "1st", 2: "2nd", 3: "3rd", 21: "21st", 22: "22nd", 23: "23rd", 31: "31st"}


@dataclass(frozen=True)
class Language:
    """Names of months and weekdays (from Monday), what the first of a month is called, and the ways of writing."""

    months: list[str]
    weekdays: list[str]
    first: str
    ways: list[str]


def _read_languages() -> dict[str, Language]:
    ways = {language: text.split("\n") for language, text in sections("dates_ways.txt").items()}
    names = {language: lists(text) for language, text in sections("dates_names.txt").items()}
    return {
        language: Language(its["months"], its["weekdays"], its["first"][0], ways[language])
        for language, its in names.items()
    }


LANGUAGES = _read_languages()


def write(date: datetime.date, language: str, way: str) -> str:
    """`date` in one way of writing, such as "{d} {month} {y}"; {mon} is the month's first three letters."""
    names = LANGUAGES[language]
    month = names.months[date.month - 1]
    return way.format(
        d=names.first if date.day == 1 else date.day,
        dd=f"{date.day:02}",
        nth=ORDINALS.get(date.day, f"{date.day}th"),
        month=month,
        mon=month[:3],
        mm=f"{date.month:02}",
        y=date.year,
        weekday=names.weekdays[date.weekday()],
    )


def held_out(date: datetime.date) -> bool:
    """Whether training never shows this day, in any language; the same on every machine."""
    return zlib.crc32(date.isoformat().encode()) % HELD_OUT == 0


def dates_text(seed: int = 0) -> str:
    """The file, a line a date: split, language, written, ISO. No line stands there twice."""
    rng = random.Random(seed)
    days = (LAST - FIRST).days + 1
    drawn: dict[str, list[str]] = {name: [] for name in SIZES}
    seen: set[str] = set()
    while any(len(drawn[name]) < size for name, size in SIZES.items()):
        date = FIRST + datetime.timedelta(days=rng.randrange(days))
        language = rng.choice(list(LANGUAGES))
        written = write(date, language, rng.choice(LANGUAGES[language].ways))
        split = "test" if held_out(date) else "train"
        if written not in seen and len(drawn[split]) < SIZES[split]:
            seen.add(written)
            drawn[split].append("\t".join((split, language, written, date.isoformat())))
    return "\n".join(line for lines in drawn.values() for line in lines) + "\n"
