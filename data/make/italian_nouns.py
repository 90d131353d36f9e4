"""Nouns, adjectives and places of the English-Italian corpus (notebook 03), and what can be said of what.

    NOUNS                 by English word; each has a class (animal, fruit, ...)
    nouns_of              the nouns of some classes
    ADJECTIVES, adjectives_for
    PLACES, PLACE_GROUPS  how "in the kitchen" is said: in cucina, al mercato, sulla spiaggia

Persons that English leaves open (friend, doctor, tourist) are masculine in Italian.
"""

from dataclasses import dataclass
from functools import cache

from data.make import english_forms, italian_forms
from data.make.tables import lists, read, table


@dataclass(frozen=True, eq=False)
class Noun:
    """gender: of the singular; eggs (le uova) change it. he_or_she: English shows the sex, as in boy or queen."""

    english: str
    italian: str
    gender: str
    plural_gender: str
    kind: str
    mass: bool
    only_one: bool
    he_or_she: bool

    def english_form(self, number: str) -> str:
        return self.english if number == "s" else english_forms.noun_plural(self.english)

    def italian_form(self, number: str) -> str:
        return self.italian if number == "s" else italian_forms.noun_plural(self.italian, self.gender)


@dataclass(frozen=True, eq=False)
class Adjective:
    english: str
    italian: str
    before: bool  # un vecchio cane, but un cane rosso
    kinds: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Place:
    """at: the English preposition for being there; italian: those for being there and for going there.

    bare: which of the two stand without an article, as in cucina or a scuola do when nothing describes the noun.
    """

    at: str
    italian: dict[str, str]
    bare: dict[str, bool]


MASS = {"staple", "cooked", "drink"}  # classes: bread, not breads


def _read_nouns() -> dict[str, Noun]:
    nouns = {}
    for row in table("italian_nouns.tsv"):
        gender, _, plural_gender = row["gender"].partition("/")
        nouns[row["english"]] = Noun(
            row["english"],
            row["italian"],
            gender,
            plural_gender or gender,
            row["class"],
            mass=row["class"] in MASS,
            only_one="only one" in row["notes"],
            he_or_she="he or she" in row["notes"],
        )
    return nouns


def _read_adjectives() -> list[Adjective]:
    kinds: dict[tuple[str, str, bool], list[str]] = {}
    for row in table("italian_adjectives.tsv"):
        kinds.setdefault((row["english"], row["italian"], row["stands"] == "before"), []).extend(
            row["describes"].split()
        )
    return [
        Adjective(english, italian, before, tuple(classes)) for (english, italian, before), classes in kinds.items()
    ]


def _read_places() -> dict[str, Place]:
    places = {}
    for row in table("italian_places.tsv"):
        there, going = row["being there"], row["going there"]
        italian = {"at": there.rstrip("!"), "to": going.rstrip("!")}
        places[row["place"]] = Place(row["english"], italian, {"at": there.endswith("!"), "to": going.endswith("!")})
    return places


NOUNS = _read_nouns()
ADJECTIVES = _read_adjectives()
PLACES = _read_places()
PLACE_GROUPS = lists(read("italian_place_groups.txt"))


@cache
def nouns_of(*kinds: str) -> tuple[Noun, ...]:
    """The nouns of these classes; the name of a single noun counts as a class of one."""
    return tuple(noun for noun in NOUNS.values() if noun.kind in kinds or noun.english in kinds)


@cache
def adjective(english: str) -> Adjective:
    return next(entry for entry in ADJECTIVES if entry.english == english)


@cache
def adjectives_for(noun: Noun) -> tuple[Adjective, ...]:
    return tuple(entry for entry in ADJECTIVES if {noun.kind, noun.english} & set(entry.kinds))
