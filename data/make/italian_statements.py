"""Sentences of one clause, one method a kind: somebody does, is, has or likes something (notebook 03).

    Sentence       a tree, its mark and what kind it is
    Statements     draws them; italian_exchanges and italian_sentences add more kinds

Being, having, liking and comparing each have their own Italian.
"""

from dataclasses import dataclass
from typing import Any

from data.make.italian_adverbials import At, Beside
from data.make.italian_choices import MOMENTARY, Choices
from data.make.italian_clauses import Be, Clause, Compare, Likes, There
from data.make.italian_it import Reference
from data.make.italian_nouns import NOUNS, Noun, adjectives_for, nouns_of
from data.make.italian_phrases import Both, Gap, Name, Phrase, Pronoun
from data.make.italian_verbs import (
    GROUPS,
    HUMAN,
    INTRANSITIVES,
    NAMES,
    NUMBERS,
    RELATIONS,
    STATES,
    TRANSITIVES,
    Verb,
    verb,
)

HAVE = Verb("have", "avere", HUMAN, (), (), (), stative=True)
WITH_RECIPIENT = ("give", "send", "show", "bring")
PAPERS = ("book", "letter", "newspaper", "message")
SMALL = ("thing", "container", "clothing", "text", "fruit", "staple", "drink", "plant")  # what can lie on a table


@dataclass
class Sentence:
    """tree and mark are all that is said. reference: for sentences with an "it" (italian_it)."""

    tree: Any
    mark: str
    kind: str
    reference: Reference | None = None


class Statements(Choices):
    """Every method returns a Sentence, but for _action (a Clause), _state (a Be) and _spot (an adverbial)."""

    def _action(
        self, subject: Any = None, tense: str = "", transitive: bool | None = None, adverbials: float = 1.0
    ) -> Clause:
        """Somebody does something."""
        transitive = self._chance(0.66) if transitive is None else transitive
        pool = (
            [entry for entry in TRANSITIVES if entry.english not in ("give", "show")] if transitive else INTRANSITIVES
        )
        if subject is not None:
            head = subject.noun if isinstance(subject, Gap) else subject
            kind = head.noun.kind if isinstance(head, Phrase) else "person"
            pool = [entry for entry in pool if kind in entry.subjects]
        action = self._one(pool)
        subject = subject or self._subject(action.subjects)
        while True:
            chosen = tense or self._tense(action, subject)
            if not (
                tense in ("progressive", "continuous", "habit") and (action.english in MOMENTARY or action.stative)
            ):
                break
            action = self._one(pool)
        clause = Clause(subject, action, chosen)
        self._adverb(clause)
        if transitive:
            clause.object = self._thing(action, negative=clause.negative or clause.adverb == "never")
            if (
                clause.tense in ("present", "habit")
                and action.english in ("eat", "drink", "sell", "cook")
                and self._chance(0.3)
            ):
                clause.object.determiner, clause.object.owner, clause.object.adjective = "bare", None, None
                clause.object.number = "s" if clause.object.noun.mass else "p"
        self._add_adverbials(clause, adverbials)
        return clause

    def _state(self, subject: Any = None, tense: str = "") -> Be:
        """Somebody is something."""
        subject = subject or self._subject((*HUMAN, "animal"))
        noun = subject.noun if isinstance(subject, Phrase) else None
        if noun and not subject.relative:
            subject.adjective = None
            subject.determiner = "the" if subject.determiner in ("a", "some", "another", "many") else subject.determiner
        tense = tense or self.rng.choices(("present", "past", "future"), (6, 4, 1))[0]
        if self._chance(0.22) and (noun is None or noun.kind in (*HUMAN, "animal")):
            be = Be(subject, self._one(tuple(STATES)), tense, self._one(("", "", "very")))
            be.degree = "" if be.complement in ("afraid", "in a hurry") else be.degree
        else:
            be = Be(subject, self._one(adjectives_for(noun or NOUNS["boy"])), tense)
            be.degree = self._weighted({"": 50, "very": 25, "too": 8, "so": 9, "really": 8})
            if be.complement.english in GROUPS["not graded"]:
                be.degree = ""
        be.negative = self._chance(0.12) and be.degree not in ("so", "really")
        if not be.negative and not be.degree and tense != "future" and self._passing(be) and self._chance(0.3):
            be.adverb = self._one(("always", "often", "never"))
        return be

    @staticmethod
    def _passing(be: Be) -> bool:
        return isinstance(be.complement, str) or be.complement.english in GROUPS["passing"]

    def _plain(self) -> Sentence:
        return Sentence(self._action(), ".", "plain")

    def _be(self) -> Sentence:
        luck = self.rng.random()
        if luck < 0.4:
            return Sentence(self._state(), ".", "be")
        if luck < 0.75:
            kinds = (
                "thing",
                "container",
                "clothing",
                "vehicle",
                "text",
                "fruit",
                "cooked",
                "place",
                "crossing",
                "furniture",
                "opening",
            )
            return Sentence(self._state(self._phrase(*kinds, adjectives=0.05)), ".", "be")
        if luck < 0.85:
            gender = self._one("mf")
            names = [name for name in NAMES if NAMES[name] == gender]
            subject = self._one(
                (Name(self._one(names)), Pronoun("3s" + gender), Phrase(self._family(gender), determiner="my"))
            )
            jobs = [noun for noun in nouns_of(*GROUPS["jobs"]) if noun.gender == gender]
            job = Phrase(self._one(jobs), determiner="a")
            if self._chance(0.3):
                self._describe(job)
            return Sentence(Be(subject, job, self._one(("present", "present", "past"))), ".", "be")
        if self._chance(0.5):
            thing = self._subject((*HUMAN, "animal"), 0.2)
        else:
            thing = self._phrase("thing", "clothing", "container", *PAPERS)
        if isinstance(thing, Phrase) and thing.determiner in ("a", "some", "another", "many"):
            thing.determiner = "the"
        tense = self.rng.choices(("present", "past", "future"), (6, 4, 1))[0]
        return Sentence(Be(thing, self._spot(thing), tense), ".", "be")

    def _family(self, gender: str) -> Noun:
        return self._one([noun for noun in nouns_of("family") if noun.gender == gender])

    def _spot(self, thing: Any) -> Any:
        """On the table for things, behind the house for animals, at the station for people."""
        kind = thing.noun.kind if isinstance(thing, Phrase) else "person"
        if isinstance(thing, Phrase) and thing.noun.mass:
            return self._one((Beside("on", "su", Phrase(NOUNS["table"])), At(Phrase(NOUNS["kitchen"]))))
        human = kind in HUMAN
        if self._chance(0.2 if kind in SMALL else 0.7):
            return At(
                self._place(
                    "home" if kind in SMALL else "nature" if kind == "animal" else self._one(("home", "town", "town"))
                )
            )
        if human or (kind == "animal" and self._chance(0.6)):
            return self._beside()
        relation = self._one(("on", "under", "behind", "next to", "near"))
        furniture = self._phrase(
            "table", "chair", "bed", "sofa", "armchair", "carpet", "bench", number="s", adjectives=0.2
        )
        furniture.determiner = "the"
        return Beside(relation, RELATIONS[relation], furniture)

    def _there(self) -> Sentence:
        asks = "yes" if self._chance(0.15) else ""
        tense = self.rng.choices(("present", "past", "future"), (6, 5, 1))[0]
        thing = self._phrase(
            self._one(("animal", "person", "thing", "clothing", "container", "book", "fruit", "drink"))
        )
        thing.owner = None
        if thing.noun.mass:
            thing.determiner = "some"
        else:
            thing.determiner = "a" if thing.number == "s" else self._one(("some", "many", *NUMBERS))
        if self._chance(0.12) and not asks and not thing.adjective:
            thing.determiner, thing.number = "no", "s" if thing.noun.mass else "p"
        if asks and thing.determiner == "some":
            thing.determiner = "many" if thing.number == "p" else "this"
        if asks and thing.noun.mass:
            return self._there()
        return Sentence(There(thing, self._spot(thing), tense, asks), "?" if asks else ".", "there")

    def _likes(self) -> Sentence:
        asks = "yes" if self._chance(0.18) else ""
        subject = self._subject(HUMAN, 0.5)
        if isinstance(subject, Both) and isinstance(subject.second, Pronoun):
            subject = Name(self._one(tuple(NAMES)))
        negative = not asks and self._chance(0.2)
        if self._chance(0.2):
            doing = verb(self._one(("swim", "dance", "sing", "run", "walk", "travel", "work", "play")), False)
            return Sentence(Likes(subject, doing, "present", negative, asks), "?" if asks else ".", "likes")
        thing = self._phrase(
            "fruit",
            "baked",
            "staple",
            "cooked",
            "drink",
            "text",
            "clothing",
            "animal",
            "place",
            "instrument",
            negative=True,
        )
        if self._chance(0.4) and thing.noun.kind != "place":
            thing.determiner, thing.owner, thing.number = "generic", None, "s" if thing.noun.mass else "p"
        elif thing.determiner in ("a", "two", "many", *NUMBERS):
            thing.determiner = "this"
        tense = "present" if thing.determiner == "generic" or self._chance(0.7) else "past"
        return Sentence(Likes(subject, thing, tense, negative, asks), "?" if asks else ".", "likes")

    def _have(self) -> Sentence:
        subject = self._subject(HUMAN)
        tense = self.rng.choices(("present", "past", "future"), (6, 4, 1))[0]
        if self._chance(0.35):
            thing = Phrase(self._one(nouns_of("body")), "p")
            self._describe(thing)
            thing.determiner = "bare" if thing.adjective.before else "generic"  # begli occhi, but gli occhi verdi
            return Sentence(Clause(subject, HAVE, "past" if tense == "past" else "present", thing), ".", "have")
        negative = self._chance(0.15)
        thing = self._phrase(
            *GROUPS["pets"], "vehicle", "thing", "instrument", "family", "container", negative=negative
        )
        thing.determiner = "a" if thing.number == "s" else self._one(tuple(NUMBERS))
        thing.owner = None
        if thing.noun.only_one:
            thing.noun = NOUNS["sister"]
        return Sentence(Clause(subject, HAVE, tense, thing, negative=negative), ".", "have")

    def _compare(self) -> Sentence:
        kind = self._one(("person", "animal", "vehicle", "clothing", "fruit", "text", "place", "furniture"))
        first, second = self.rng.sample(nouns_of(kind), 2)
        if kind == "person" and self._chance(0.5):
            names = self.rng.sample(tuple(NAMES), 2)
            subject, other = Name(names[0]), Name(names[1])
            fitting = adjectives_for(NOUNS["boy"])
        else:
            subject, other = Phrase(first, determiner=self._one(("the", "this", "that"))), Phrase(second)
            shared = set(adjectives_for(second))
            fitting = [entry for entry in adjectives_for(first) if entry in shared]
        quality = self._one([entry for entry in fitting if entry.english not in GROUPS["not compared"]])
        return Sentence(Compare(subject, quality, other, "present" if self._chance(0.75) else "past"), ".", "compare")
