"""Dates as people write them in six languages, with the ISO form: "3 maggio 1990" and "1990-05-03" (notebook 03).

    LANGUAGES        months, weekdays and ways of writing, by language
    write            one date in one way
    dates_text       the whole of data/dates.tsv
    load_dates       its train or test pairs

Every way names its month in words, or puts the day first, so no date can be read in two ways. A test date stands in no
training line, in no language. Month and weekday names are compared with Unicode's CLDR in the tests.
"""

import datetime
import random
import zlib
from dataclasses import dataclass

from lib.corpora import files

FILE = "dates.tsv"
SIZES = {"train": 20_000, "test": 1_000}
FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
HELD_OUT = 12  # one date in so many is kept out of training


def _listed(names: str) -> tuple[str, ...]:
    return tuple(names.split())


@dataclass(frozen=True)
class Language:
    """Names of months and weekdays (from Monday), what the first of a month is called, and the ways of writing."""

    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    ways: tuple[str, ...]
    first: str = "1"


LANGUAGES = {
    "English": Language(
        _listed("January February March April May June July August September October November December"),
        _listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
        (
            "{d} {month} {y}",
            "{month} {d}, {y}",
            "{weekday}, {month} {d}, {y}",
            "the {nth} of {month} {y}",
            "{mon} {d} {y}",
        ),
    ),
    "Italian": Language(
        _listed("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
        _listed("lunedì martedì mercoledì giovedì venerdì sabato domenica"),
        ("{d} {month} {y}", "{weekday} {d} {month} {y}", "{d} {mon} {y}", "il {d} {month} {y}", "{dd}/{mm}/{y}"),
        "1º",
    ),
    "German": Language(
        _listed("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
        _listed("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
        ("{d}. {month} {y}", "{weekday}, {d}. {month} {y}", "am {d}. {month} {y}", "{d}. {mon} {y}", "{dd}.{mm}.{y}"),
    ),
    "French": Language(
        _listed("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
        _listed("lundi mardi mercredi jeudi vendredi samedi dimanche"),
        ("{d} {month} {y}", "{weekday} {d} {month} {y}", "le {d} {month} {y}", "{dd}/{mm}/{y}"),
        "1er",
    ),
    "Spanish": Language(
        _listed("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
        _listed("lunes martes miércoles jueves viernes sábado domingo"),
        ("{d} de {month} de {y}", "{weekday}, {d} de {month} de {y}", "el {d} de {month} de {y}", "{d} {mon} {y}"),
    ),
    "Portuguese": Language(
        _listed("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"),
        _listed("segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo"),
        ("{d} de {month} de {y}", "{weekday}, {d} de {month} de {y}", "em {d} de {month} de {y}", "{dd}-{mm}-{y}"),
    ),
}
ORDINALS = {1: "1st", 2: "2nd", 3: "3rd", 21: "21st", 22: "22nd", 23: "23rd", 31: "31st"}


@dataclass(frozen=True)
class Date:
    """A date as it is written, its language, and its ISO form (ISO 8601: year, month, day)."""

    written: str
    language: str
    iso: str


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


def load_dates(split: str = "train") -> list[Date]:
    """The dates of one split of data/dates.tsv, in order."""
    if split not in SIZES:
        raise ValueError(f"no split is called {split!r}; there are {', '.join(SIZES)}")
    cells = [line.split("\t") for line in files.read(FILE).splitlines()]
    return [Date(written, language, iso) for name, language, written, iso in cells if name == split]
