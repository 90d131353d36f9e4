"""Verbs, adverbs and small words of the English-Italian corpus (notebook 03), and what each verb goes with.

    VERBS, TRANSITIVES, INTRANSITIVES, verb
    TIMES, MANNERS, FREQUENCIES, DEGREES      adverbs; times by tense: no future happens yesterday
    NAMES, CITIES, COUNTRIES, VEHICLES, NUMBERS, POSSESSIVES, RELATIONS, STATES
    GROUPS                                    verbs, nouns and adjectives that the grammar treats alike

An English verb has one Italian verb here, unless having an object decides: play the guitar (suonare), play in the
garden (giocare).
"""

from dataclasses import dataclass
from functools import cache

from data.make.tables import lists, read, table

HUMAN = ("person", "family")


@dataclass(frozen=True, eq=False)
class Verb:
    """English may be two words (look for). stative: its past is an imperfect (aveva, sapeva)."""

    english: str
    italian: str
    subjects: tuple[str, ...]
    objects: tuple[str, ...]
    places: tuple[str, ...]
    manners: tuple[str, ...]
    auxiliary: str = "avere"
    reflexive: bool = False
    stative: bool = False


def _read_words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = {}
    for row in table("italian_words.tsv"):
        words.setdefault(row["kind"], {})[row["english"]] = row["italian"]
    return words


def _read_verbs() -> list[Verb]:
    return [
        Verb(
            row["english"],
            row["italian"],
            subjects=(*HUMAN, "animal") if "animal" in row["subjects"] else HUMAN,
            objects=tuple(row["objects"].split()),
            places=tuple(row["places"].split()),
            manners=tuple(row["manners"].split()),
            auxiliary="essere" if row["notes"] in ("essere", "reflexive") else "avere",
            reflexive=row["notes"] == "reflexive",
            stative=row["notes"] == "stative",
        )
        for row in table("italian_verbs.tsv")
    ]


_WORDS = _read_words()
NAMES = dict.fromkeys(_WORDS["man's name"], "m") | dict.fromkeys(_WORDS["woman's name"], "f")
CITIES, COUNTRIES, VEHICLES = _WORDS["city"], _WORDS["country"], _WORDS["vehicle"]
MANNERS, FREQUENCIES, DEGREES = _WORDS["manner"], _WORDS["frequency"], _WORDS["degree"]
TIMES = {tense: _WORDS[f"time ({tense})"] for tense in ("present", "progressive", "past", "future", "habit")}
STATES = _WORDS["state"]  # to be hungry is to have hunger
NUMBERS, POSSESSIVES, RELATIONS = _WORDS["number"], _WORDS["possessive"], _WORDS["relation"]
GROUPS = {name: tuple(words) for name, words in lists(read("italian_groups.txt")).items()}
VERBS = _read_verbs()
TRANSITIVES = [entry for entry in VERBS if entry.objects]
INTRANSITIVES = [entry for entry in VERBS if not entry.objects]


@cache
def verb(english: str, takes_object: bool = True) -> Verb:
    """The verb of that name: play the guitar with an object, play in the garden without."""
    return next(entry for entry in VERBS if entry.english == english and bool(entry.objects) == takes_object)
