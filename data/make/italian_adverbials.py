"""When, where and with whom, in two languages: parts of the tree of the English-Italian corpus (notebook 03).

    Fixed      yesterday, ieri; every day, ogni giorno
    At         in the kitchen, in cucina; to the market, al mercato; from the station, dalla stazione
    Beside     behind the house, dietro la casa; with Anna, con Anna
    Town       in Rome, a Roma; from Italy, dall'Italia

Each says itself with english() and italian(), as the noun phrases of italian_phrases do.
"""

from dataclasses import dataclass

from data.make import italian_forms as forms
from data.make.italian_nouns import PLACES
from data.make.italian_phrases import Both, Name, Phrase, Word, after_preposition, plain


@dataclass(eq=False)
class Fixed:
    """An adverbial that never changes: yesterday, ieri."""

    in_english: str
    in_italian: str

    def english(self) -> list[Word]:
        return plain(self.in_english)

    def italian(self) -> list[Word]:
        return plain(self.in_italian)


@dataclass(eq=False)
class At:
    """Being at a place, going to it, arriving at it or coming from it. motion: at, to, arrive, from."""

    place: Phrase
    motion: str = "at"

    def english(self) -> list[Word]:
        preposition = PLACES[self.place.noun.english].at if self.motion == "at" else self.motion
        if self.motion == "arrive":
            preposition = {"city": "in", "village": "in", "park": "in", "island": "on"}.get(
                self.place.noun.english, "at"
            )
        words = self.place.english()
        if self.place.noun.english == "school" and self.place.unmodified and self.motion != "from":
            words = words[1:]  # at school
        return [*plain(preposition), *words]

    def italian(self) -> list[Word]:
        words, entry = self.place.italian(), PLACES[self.place.noun.english]
        if self.motion == "from":
            return after_preposition("da", words)
        motion = "at" if self.motion == "at" else "to"
        if entry.bare[motion] and self.place.unmodified:
            return [*plain(entry.italian[motion]), *words[1:]]  # in cucina, a scuola
        return after_preposition(entry.italian[motion], words)


@dataclass(eq=False)
class Beside:
    """A preposition that means the same everywhere: near the house, under the table, with Anna."""

    preposition: str
    in_italian: str
    thing: Phrase | Name | Both

    def english(self) -> list[Word]:
        return [*plain(self.preposition), *self.thing.english("object")]

    def italian(self) -> list[Word]:
        return after_preposition(self.in_italian, self.thing.italian())


@dataclass(eq=False)
class Town:
    """A city (a Roma) or a country (in Italia, dall'Italia). motion: at, to, from."""

    in_english: str
    in_italian: str
    motion: str = "at"
    country: bool = False

    def english(self) -> list[Word]:
        preposition = {"at": "in"}.get(self.motion, self.motion)
        return [*plain(preposition), Word(self.in_english, (id(self), "name"))]

    def italian(self) -> list[Word]:
        name = [Word(self.in_italian, (id(self), "name"))]
        if self.motion == "from" and self.country:
            article = forms.definite("f", "s", self.in_italian)
            return after_preposition("da", [Word(article), *name])
        return after_preposition("da" if self.motion == "from" else "in" if self.country else "a", name)
