"""Dates in six languages: names as in Unicode's CLDR, one reading only, and test days that training never shows."""

import datetime
import random
import re

import babel.dates
import pytest

from data.make.dates import HELD_OUT, LANGUAGES, SIZES, dates_text, held_out, write
from lib.corpora.dates import load_dates

LOCALES = {"English": "en", "Italian": "it", "German": "de", "French": "fr", "Spanish": "es", "Portuguese": "pt"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_unicodes(language):
    dates = babel.dates
    months = dates.get_month_names("wide", locale=LOCALES[language])
    days = dates.get_day_names("wide", locale=LOCALES[language])
    assert LANGUAGES[language].months == [months[i] for i in range(1, 13)]
    assert LANGUAGES[language].weekdays == [days[i] for i in range(7)]


@pytest.mark.parametrize(
    "date, language, way, written",
    [
        ((1990, 5, 3), "Italian", "{weekday} {d} {month} {y}", "giovedì 3 maggio 1990"),
        ((1990, 5, 1), "Italian", "il {d} {month} {y}", "il 1º maggio 1990"),
        ((2001, 8, 1), "French", "le {d} {month} {y}", "le 1er août 2001"),
        ((2001, 8, 1), "French", "{dd}/{mm}/{y}", "01/08/2001"),
        ((2024, 2, 29), "German", "{weekday}, {d}. {month} {y}", "Donnerstag, 29. Februar 2024"),
        ((1969, 7, 20), "English", "{weekday}, {month} {d}, {y}", "Sunday, July 20, 1969"),
        ((1969, 7, 21), "English", "the {nth} of {month} {y}", "the 21st of July 1969"),
        ((1999, 12, 12), "English", "the {nth} of {month} {y}", "the 12th of December 1999"),
        ((2010, 3, 9), "Spanish", "{d} {mon} {y}", "9 mar 2010"),
        ((2010, 3, 9), "Portuguese", "{weekday}, {d} de {month} de {y}", "terça-feira, 9 de março de 2010"),
    ],
)
def test_examples(date, language, way, written):
    assert write(datetime.date(*date), language, way) == written


def test_no_written_date_can_mean_two_days():
    meanings = {}
    for offset in range(0, 36_525, 3):
        date = datetime.date(1950, 1, 1) + datetime.timedelta(days=offset)
        for language, names in LANGUAGES.items():
            for way in names.ways:
                assert meanings.setdefault(write(date, language, way), date) == date


def test_the_months_first_three_letters_tell_months_apart():
    for language in LANGUAGES.values():
        if any("{mon}" in way for way in language.ways):
            assert len({month[:3] for month in language.months}) == 12


def test_the_splits_share_no_day_and_have_their_sizes():
    train, test = load_dates("train"), load_dates("test")
    assert (len(train), len(test)) == (SIZES["train"], SIZES["test"])
    assert not {date.iso for date in train} & {date.iso for date in test}
    assert all(held_out(datetime.date.fromisoformat(date.iso)) for date in test)
    assert len({date.written for date in train + test}) == len(train) + len(test)
    assert {date.language for date in train} == {date.language for date in test} == set(LANGUAGES)


def test_every_test_character_occurs_in_training():
    train, test = load_dates("train"), load_dates("test")
    assert set("".join(date.written for date in test)) <= set("".join(date.written for date in train))


def test_the_written_year_and_day_are_those_of_the_iso_form():
    for date in random.Random(0).sample(load_dates(), 500):
        year, _, day = date.iso.split("-")
        assert year in date.written
        assert int(day) in [int(number) for number in re.findall(r"\d+", date.written)]


def test_about_one_day_in_twelve_is_held_out():
    days = [datetime.date(1950, 1, 1) + datetime.timedelta(days=i) for i in range(10_000)]
    assert abs(sum(map(held_out, days)) - 10_000 / HELD_OUT) < 100


def test_the_text_depends_on_the_seed_alone_and_unknown_splits_are_named():
    assert dates_text(1)[:2000] == dates_text(1)[:2000] != dates_text(2)[:2000]
    with pytest.raises(ValueError, match="'valid'"):
        load_dates("valid")
