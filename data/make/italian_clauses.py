"""Clauses that speak two languages: verb groups (italian_verb_groups) and what stands around them.

    Clause                       somebody does something to someone, somewhere, some time
    Be, There, Likes, Compare    è stanca, ha fame; c'era un gatto; mi piacciono le mele; è più alto di me
    Order, Joined                apri la porta!; clauses joined by and, because, while ...

Tenses have English names (italian_verb_groups). `asks` is "" for a statement, else yes, where, when, why, what or how
many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from data.make import english_forms
from data.make import italian_forms as forms
from data.make.italian_nouns import Adjective
from data.make.italian_phrases import Both, Phrase, Pronoun, Word, after_preposition, plain
from data.make.italian_verb_groups import english_verb, italian_verb
from data.make.italian_verbs import DEGREES, FREQUENCIES, STATES, Verb

QUESTION_WORDS = {"where": "dove", "when": "quando", "why": "perché", "what": "che cosa"}
CONJUNCTIONS = {
    "and": "e", "but": "ma", "because": "perché", "even though": "anche se", "while": "mentre", "when": "quando",
    "if": "se", "that": "che", "until": "finché non",
}  # fmt: skip


def _turned(verb: list[Word], subject: list[Word], asks: str) -> list[Word]:
    """Dove lavora Anna?, but Perché Anna lavora? and Anna lavora?"""
    return verb + subject if asks in ("where", "when", "what", "how many") else subject + verb


def _asking(asks: str, question: dict[str, str] | None = None) -> list[Word]:
    text = asks if question is None else question.get(asks, "")
    return plain(text) if asks in QUESTION_WORDS else []


@dataclass(eq=False)
class Clause:
    """subject verb object. recipient: a Phrase or Name (gives the book to Anna) or a Pronoun (gives me the book).

    adverb: always, often, never, already, just or yet, which stand inside the verb group. manner: how; bene stands
    before the object. tail: other adverbials; front: one that opens.
    """

    subject: Any
    verb: Verb
    tense: str = "present"
    object: Any = None
    recipient: Any = None
    negative: bool = False
    adverb: str = ""
    modal: str = ""
    manner: Any = None
    tail: list = field(default_factory=list)
    front: Any = None
    asks: str = ""
    silent: bool = False  # the subject was said before: Anna came in and sat down

    def english(self) -> list[Word]:
        support = bool(self.negative or self.asks) and not (self.modal and self.modal != "want to")
        auxiliary, rest = english_verb(self.verb.english, self.tense, self.subject.person, support, self.modal)
        inside = ["not"] * self.negative + ([self.adverb] if self.adverb not in ("", "yet") else [])
        if auxiliary == ["can"] and self.negative:
            auxiliary, inside = ["cannot"], inside[1:]
        subject = [] if self.silent else self.subject.english("subject")
        group = [Word(text) for text in (*inside, *rest)]
        start = [Word(text) for text in auxiliary]
        start = start + subject if self.asks else subject + start
        if self.asks == "how many":
            start = self.object.english() + start
        words = (
            (self.front.english() if self.front else []) + _asking(self.asks) + start + group + self._english_objects()
        )
        words += self.manner.english() if self.manner else []
        return (
            words
            + [word for part in self.tail for word in part.english()]
            + plain("yet" if self.adverb == "yet" else "")
        )

    def _english_objects(self) -> list[Word]:
        thing = self.object.english("object") if self.object and self.asks != "how many" else []
        if self.recipient is None:
            return thing
        person = self.recipient.english("object")
        if isinstance(self.recipient, Pronoun) and not isinstance(self.object, Pronoun):
            return person + thing
        return [*thing, Word("to"), *person]

    def italian(self) -> list[Word]:
        direct = self.object if isinstance(self.object, Pronoun) else None
        dative = forms.DATIVE[self.recipient.key] if isinstance(self.recipient, Pronoun) else None
        adverb = FREQUENCIES.get(self.adverb, "")
        negative = self.negative or self.adverb == "never"
        group = italian_verb(self.verb, self.tense, self.subject, negative, adverb, dative, direct, self.modal)
        subject = [] if self.silent else self.subject.italian()
        words = _turned([Word(text) for text in group], subject, self.asks)
        thing = self.object.italian() if self.object else []
        how = self.manner.italian() if self.manner else []
        thing = how + thing if how and how[0].text == "bene" else thing + how
        words = thing + words if self.asks == "how many" else words + thing
        if self.recipient is not None and dative is None:
            words += after_preposition("a", self.recipient.italian())
        opening = (self.front.italian() if self.front else []) + _asking(self.asks, QUESTION_WORDS)
        return opening + words + [word for part in self.tail for word in part.italian()]


@dataclass(eq=False)
class Be:
    """subject is complement: an Adjective (with a degree), a Phrase, an adverbial, or a state (hungry: ha fame).

    Its past is an imperfetto (era); the tense "event" is English past too, but è stata: until it was full.
    """

    subject: Any
    complement: Any
    tense: str = "present"
    degree: str = ""
    negative: bool = False
    adverb: str = ""
    front: Any = None
    asks: str = ""

    def english(self) -> list[Word]:
        if self.tense == "future":
            be, rest = "will", ["be"]
        else:
            be, rest = english_forms.be(self.subject.person, "past" if self.tense == "event" else self.tense), []
        inside = ["not"] * self.negative + ([self.adverb] if self.adverb else []) + rest
        subject = self.subject.english("subject")
        start = [Word(be), *subject] if self.asks else [*subject, Word(be)]
        start = (
            (self.front.english() if self.front else []) + _asking(self.asks) + start + [Word(text) for text in inside]
        )
        if isinstance(self.complement, Adjective):
            return start + plain(self.degree) + [Word(self.complement.english, (id(self), "adjective"))]
        if isinstance(self.complement, str):
            return start + plain(self.degree) + plain(self.complement)
        return start + (self.complement.english() if self.complement else [])

    def italian(self) -> list[Word]:
        state = isinstance(self.complement, str)
        tense = "imperfect" if self.tense == "past" else self.tense
        been = [Word(forms.participle("essere", self.subject.gender, self.subject.number))] if tense == "event" else []
        finite = forms.conjugate("avere" if state else "essere", "present" if been else tense, self.subject.person)
        group = plain("non") * (self.negative or self.adverb == "never") + [Word(finite), *been]
        group += plain(FREQUENCIES.get(self.adverb, ""))
        opening = (self.front.italian() if self.front else []) + _asking(self.asks, QUESTION_WORDS)
        if self.asks == "where" and finite[0] in "eè":
            opening[-1] = Word("dov'")
        words = opening + _turned(group, self.subject.italian(), self.asks)
        gender, number = self.subject.gender, self.subject.number
        if isinstance(self.complement, Adjective):
            adjective = Word(forms.agree(self.complement.italian, gender, number), (id(self), "adjective"))
            return words + plain(DEGREES.get(self.degree, "")) + [adjective]
        if state:
            noun = STATES[self.complement]
            degree = {"very": "molto", "too": "troppo"}.get(self.degree)  # molta fame, molto freddo
            feminine = noun not in ("sonno", "freddo")
            return words + (plain(forms.agree(degree, "f" if feminine else "m", "s")) if degree else []) + plain(noun)
        return words + (self.complement.italian() if self.complement else [])


@dataclass(eq=False)
class There:
    """There is a cat in the garden: c'è, ci sono, c'era, c'erano, ci sarà."""

    thing: Phrase
    place: Any
    tense: str = "present"
    asks: str = ""

    def english(self) -> list[Word]:
        be = english_forms.be(self.thing.person, self.tense)
        start = ["will", "there", "be"] if self.asks else ["there", "will", "be"]
        if self.tense != "future":
            start = [be, "there"] if self.asks else ["there", be]
        return [Word(text) for text in start] + self.thing.english() + self.place.english()

    def italian(self) -> list[Word]:
        tense = "imperfect" if self.tense == "past" else self.tense
        finite = forms.conjugate("essere", tense, self.thing.person)
        group = ["c'" if finite[0] in "eè" else "ci", finite]
        negative = ["non"] if self.thing.determiner == "no" else []
        return [Word(text) for text in negative + group] + self.thing.italian() + self.place.italian()


@dataclass(eq=False)
class Likes:
    """Somebody likes a thing (or doing something, a Verb): the thing pleases (piace) somebody, who becomes a dative."""

    subject: Any
    thing: Any
    tense: str = "present"
    negative: bool = False
    asks: str = ""

    def english(self) -> list[Word]:
        auxiliary, rest = english_verb("like", self.tense, self.subject.person, bool(self.negative or self.asks))
        subject, start = self.subject.english("subject"), [Word(text) for text in auxiliary]
        start = start + subject if self.asks else subject + start
        thing = plain("to " + self.thing.english) if isinstance(self.thing, Verb) else self.thing.english("object")
        return start + plain("not") * self.negative + [Word(text) for text in rest] + thing

    def italian(self) -> list[Word]:
        doing = isinstance(self.thing, Verb)
        person, gender, number = (
            ("3s", "m", "s") if doing else (self.thing.person, self.thing.gender, self.thing.number)
        )
        if self.tense == "past":
            verb = [forms.conjugate("essere", "present", person), forms.participle("piacere", gender, number)]
        else:
            verb = [forms.conjugate("piacere", self.tense, person)]
        opening, clitic = [], []
        if isinstance(self.subject, Pronoun) and self.subject.person != "3p":
            clitic = [forms.DATIVE[self.subject.key]]
        elif isinstance(self.subject, Pronoun):
            opening = plain("a loro")
        else:
            parts = (self.subject.first, self.subject.second) if isinstance(self.subject, Both) else (self.subject,)
            opening = after_preposition("a", parts[0].italian())
            for part in parts[1:]:
                opening += [Word("e"), *after_preposition("a", part.italian())]  # a Marco e ad Anna
        group = ["non"] * self.negative + clitic + verb
        return opening + [Word(text) for text in group] + (plain(self.thing.italian) if doing else self.thing.italian())


@dataclass(eq=False)
class Compare:
    """The dog is bigger than the cat: il cane è più grande del gatto."""

    subject: Any
    adjective: Adjective
    other: Any
    tense: str = "present"

    def english(self) -> list[Word]:
        *more, adjective = english_forms.comparative(self.adjective.english)
        start = [*self.subject.english(), Word(english_forms.be(self.subject.person, self.tense)), *map(Word, more)]
        return [*start, Word(adjective, (id(self), "adjective")), Word("than"), *self.other.english()]

    def italian(self) -> list[Word]:
        tense = "imperfect" if self.tense == "past" else self.tense
        start = [*self.subject.italian(), Word(forms.conjugate("essere", tense, self.subject.person)), Word("più")]
        adjective = forms.agree(self.adjective.italian, self.subject.gender, self.subject.number)
        return [*start, Word(adjective, (id(self), "adjective")), *after_preposition("di", self.other.italian())]


@dataclass(eq=False)
class Order:
    """Open the door!: apri; do not open: non aprire; bring me: portami."""

    verb: Verb
    object: Any
    recipient: Pronoun | None = None
    negative: bool = False

    def english(self) -> list[Word]:
        start = plain("do not" if self.negative else "") + plain(self.verb.english)
        return start + (self.recipient.english("object") if self.recipient else []) + self.object.english("object")

    def italian(self) -> list[Word]:
        clitic = forms.DATIVE[self.recipient.key] if self.recipient else ""
        start = ["non", self.verb.italian] if self.negative else [forms.imperative(self.verb.italian, clitic)]
        return [Word(text) for text in start] + self.object.italian()


@dataclass(eq=False)
class Joined:
    """Two clauses and what joins them; opening ones (while, when, if) stand before the first."""

    first: Any
    conjunction: str
    second: Any
    opening: bool = False

    def _both(self, first: list[Word], conjunction: list[Word], second: list[Word]) -> list[Word]:
        if self.opening:
            return [*conjunction, *first, Word(","), *second]
        comma = [Word(",")] if self.conjunction == "but" else []
        return [*first, *comma, *conjunction, *second]

    def english(self) -> list[Word]:
        return self._both(self.first.english(), plain(self.conjunction), self.second.english())

    def italian(self) -> list[Word]:
        return self._both(self.first.italian(), plain(CONJUNCTIONS[self.conjunction]), self.second.italian())
