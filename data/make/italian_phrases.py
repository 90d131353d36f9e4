"""Noun phrases that speak two languages: each node of the tree says itself in English and in Italian.

    Word                         one token, and the node it stands for (equal nodes on both sides are aligned)
    Phrase, Name, Pronoun, Both  who or what: the old dog, Anna, she, Marco and I
    Who, Gap                     the subject of a question; the noun that a relative clause leaves out
    Relative                     who lives in Rome, that Anna bought, with whom I work

Every noun phrase has a person ("3s"), a gender and a number; the Italian side needs all three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from data.make import english_forms
from data.make import italian_forms as forms
from data.make.italian_nouns import Adjective, Noun
from data.make.italian_verbs import NAMES, NUMBERS, POSSESSIVES


class Word(NamedTuple):
    """A token; `node` names the noun, name or adjective it came from, None for the small words between."""

    text: str
    node: tuple | None = None


def plain(text: str) -> list[Word]:
    """Words without a node; an apostrophe ends a word, so that "d'estate" is two."""
    return [Word(part) for part in text.replace("'", "' ").split()]


def after_preposition(preposition: str, phrase: list[Word]) -> list[Word]:
    """Put "vicino a" before a phrase; its last word melts into a definite article: vicino alla casa."""
    *first, last = preposition.split()
    melted = [last]
    if phrase[0].text in forms.BY_ARTICLE:
        melted, phrase = list(forms.contracted(last, phrase[0].text)), phrase[1:]
    return [Word(text) for text in (*first, *melted)] + phrase


@dataclass(eq=False)
class Phrase:
    """A noun with what belongs to it.

    determiner: the, a, some, this, that, another, every, many, all, no, bare, generic (apples in general: le mele),
    how many, a possessive or a number.
    """

    noun: Noun
    number: str = "s"
    determiner: str = "the"
    adjective: Adjective | None = None
    owner: Phrase | Name | None = None
    relative: Relative | None = None

    @property
    def person(self) -> str:
        return "3" + self.number

    @property
    def gender(self) -> str:
        return self.noun.gender if self.number == "s" else self.noun.plural_gender

    @property
    def unmodified(self) -> bool:
        return (self.determiner, self.number, self.adjective, self.owner, self.relative) == (
            "the",
            "s",
            None,
            None,
            None,
        )

    def english(self, role: str = "") -> list[Word]:
        words = [Word(self.noun.english_form(self.number), (id(self), "noun"))]
        if self.adjective:
            words.insert(0, Word(self.adjective.english, (id(self), "adjective")))
        if self.owner:
            first = [*self.owner.english(), Word("'s")]
        elif self.determiner == "a":
            first = plain(english_forms.article(words[0].text))
        elif self.determiner in ("this", "that"):
            first = plain(
                {"this": "these", "that": "those"}[self.determiner] if self.number == "p" else self.determiner
            )
        elif self.determiner == "all":
            first = plain("all the")
        else:
            first = [] if self.determiner in ("bare", "generic") else plain(self.determiner)
        return first + words + (self.relative.english() if self.relative else [])

    def italian(self, role: str = "") -> list[Word]:
        words = [Word(self.noun.italian_form(self.number), (id(self), "noun"))]
        if self.adjective:
            node, italian = (id(self), "adjective"), self.adjective.italian
            if self.adjective.before:
                form = forms.before_noun(italian, self.gender, self.number, words[0].text)
                words.insert(0, Word(form, node))
            else:
                words.append(Word(forms.agree(italian, self.gender, self.number), node))
        words = [Word(text) for text in self._italian_determiner(words[0].text)] + words
        if self.owner:
            words += after_preposition("di", self.owner.italian())
        return words + (self.relative.italian() if self.relative else [])

    def _italian_determiner(self, following: str) -> list[str]:
        gender, number, determiner = self.gender, self.number, self.determiner
        if self.owner or determiner in ("the", "generic"):
            return [forms.definite(gender, number, following)]
        if determiner in ("bare", "no"):
            return []
        if determiner in ("a", "another"):
            other = [forms.agree("altro", gender, "s")] if determiner == "another" else []
            return [forms.indefinite(gender, (other or [following])[0]), *other]
        if determiner == "some":
            return [forms.partitive(gender, number, following)]
        if determiner in ("this", "that"):
            italian = {"this": "questo", "that": "quello"}[determiner]
            return [forms.demonstrative(italian, gender, number, following)]
        if determiner == "all":
            return [forms.agree("tutto", gender, "p"), forms.definite(gender, "p", following)]
        if determiner in ("many", "how many"):
            return [forms.agree({"many": "molto", "how many": "quanto"}[determiner], gender, "p")]
        if determiner in POSSESSIVES:
            return self._italian_possessive()
        return ["ogni"] if determiner == "every" else [NUMBERS[determiner]]

    def _italian_possessive(self) -> list[str]:
        italian = POSSESSIVES[self.determiner]
        if italian != "loro":  # loro never changes and always keeps its article
            short = {"mio": "miei", "tuo": "tuoi", "suo": "suoi"}
            masculine_plural = (self.gender, self.number) == ("m", "p") and italian in short
            italian = short[italian] if masculine_plural else forms.agree(italian, self.gender, self.number)
            if self.noun.kind == "family" and self.number == "s" and not self.adjective:
                return [italian]  # mia madre, but la mia vecchia madre, le mie sorelle
        return [forms.definite(self.gender, self.number, italian), italian]


@dataclass(eq=False)
class Name:
    name: str
    person: str = "3s"
    number: str = "s"

    @property
    def gender(self) -> str:
        return NAMES[self.name]

    def english(self, role: str = "") -> list[Word]:
        return [Word(self.name, (id(self), "name"))]

    italian = english


@dataclass(eq=False)
class Pronoun:
    """key: 1s 2s 3sm 3sf 1p 3pm 3pf, with the gender of what it stands for. thing: English says it.

    As an Italian subject it is left out; as an object it is a clitic, which the verb places.
    """

    key: str
    thing: bool = False

    @property
    def person(self) -> str:
        return self.key[:2]

    @property
    def number(self) -> str:
        return self.key[1]

    @property
    def gender(self) -> str:
        return self.key[2:] or "m"

    def english(self, role: str = "subject") -> list[Word]:
        if self.thing and self.number == "s":
            return [Word("it", (id(self), "it"))]
        return [Word(english_forms.PRONOUNS[self.key][0 if role == "subject" else 1])]

    def italian(self, role: str = "") -> list[Word]:
        return []


@dataclass(eq=False)
class Both:
    """Two joined by and: masculine unless both are feminine; with I among them it is we (io stays in place)."""

    first: Phrase | Name
    second: Phrase | Name | Pronoun
    number: str = "p"

    @property
    def person(self) -> str:
        return "1p" if self.second.person == "1s" else "3p"

    @property
    def gender(self) -> str:
        return "f" if self.first.gender == self.second.gender == "f" else "m"

    def english(self, role: str = "subject") -> list[Word]:
        return [*self.first.english(role), Word("and"), *self.second.english(role)]

    def italian(self, role: str = "") -> list[Word]:
        return [*self.first.italian(), Word("e"), *(self.second.italian() or [Word("io")])]


@dataclass(eq=False)
class Who:
    """Chi ha aperto la porta?"""

    person: str = "3s"
    gender: str = "m"
    number: str = "s"

    def english(self, role: str = "") -> list[Word]:
        return [Word("who")]

    def italian(self, role: str = "") -> list[Word]:
        return [Word("chi")]


@dataclass(eq=False)
class Gap:
    """The place that the noun before a relative clause has inside it: says nothing, agrees like the noun."""

    noun: Phrase | Name

    def __post_init__(self) -> None:
        self.person, self.gender, self.number = self.noun.person, self.noun.gender, self.noun.number

    def english(self, role: str = "") -> list[Word]:
        return []

    italian = english


@dataclass(eq=False)
class Relative:
    """pronoun: who, that, with whom, where. The clause has a Gap where the noun would stand."""

    pronoun: str
    clause: object

    def english(self) -> list[Word]:
        return [*plain(self.pronoun), *self.clause.english()]

    def italian(self) -> list[Word]:
        pronoun = {"with whom": "con cui", "where": "dove"}.get(self.pronoun, "che")
        return [*plain(pronoun), *self.clause.italian()]
