"""Chance decides what is said: one method a kind of sentence, each returning a tree that both languages are read from.

    Author(random.Random(1)).sentence() -> Sentence(tree, mark, kind, ...)
    KINDS                                  the kinds and how often each is drawn

Taught in notebook 03. Words go together as in italian_nouns and italian_verbs; times go with tenses. Where English would leave
the tense open (they read, they cut) the sentence is told in another one, so that it has one translation only.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lib.corpora import english_forms, italian_it
from lib.corpora.italian_clauses import Be, Clause, Compare, Joined, Likes, Order, There
from lib.corpora.italian_nouns import PLACE_GROUPS, PLACES, Noun, adjective, adjectives_for, nouns_of
from lib.corpora.italian_nouns import NOUNS
from lib.corpora.italian_phrases import At, Beside, Both, Fixed, Gap, Name, Phrase, Pronoun, Relative, Town, Who
from lib.corpora.italian_verbs import (
    CITIES, COUNTRIES, HUMAN, INTRANSITIVES, VERBS, MANNERS, NAMES, NUMBERS, POSSESSIVES, RELATIONS, STATES, TIMES, TRANSITIVES, Verb, verb,
)  # fmt: skip

T = TypeVar("T")
KINDS = {
    "plain": 26, "it": 24, "be": 9, "question": 9, "modal": 6, "clitic": 6, "likes": 6, "relative": 5, "there": 4, "give": 4,
    "again": 4, "joined": 4, "compare": 3, "have": 3, "order": 2, "says": 2,
}  # fmt: skip
TENSES = {"present": 20, "progressive": 13, "past": 34, "future": 13, "perfect": 8, "habit": 6, "continuous": 6}
MOMENTARY = {"forget", "remember", "see", "find", "love", "lose", "break", "live", "know", "meet", "thank", "fall", "wake up", "steal", "stay"}
NOT_A_SKILL = {"love", "know", "play", "drive", "lose", "swim", "dance", "sing", "forget", "remember", "fall", "live", "fall asleep"}
WITH_RECIPIENT = ("give", "send", "show", "bring")
HAVE = Verb("have", "avere", HUMAN, (), (), (), stative=True)
SAY = Verb("say", "dire", HUMAN, (), (), ())
KNOW = Verb("know", "sapere", HUMAN, (), (), (), stative=True)
BY_VEHICLE = {
    "by train": "in treno", "by car": "in macchina", "by bus": "in autobus", "by plane": "in aereo", "by bicycle": "in bicicletta",
}  # fmt: skip
OWNED_PEOPLE = {"friend", "teacher", "doctor", "neighbour", "guest", "lawyer", "student", "psychologist"}
PETS = ("cat", "dog", "horse", "rabbit", "hen", "goat", "donkey", "turtle", "duck", "lamb", "cow")
SEASONAL = {"swim", "travel", "work", "sleep", "live", "go", "play", "run", "walk", "eat", "drink", "have fun", "sing", "dance", "read"}
NEEDS_PLACE = {"live", "stay"}
JOBS = ("teacher", "doctor", "nurse", "farmer", "waiter", "waitress", "actor", "actress", "painter", "baker", "engineer", "lawyer",
        "student", "psychologist", "king", "queen")
PAPERS = ("book", "letter", "newspaper", "message")
SMALL = ("thing", "container", "clothing", "text", "fruit", "staple", "drink", "plant")  # what can lie on a table
PAIRS = ("shoe", "glove")
SOON = ("arrive", "come back", "leave", "call", "write", "see", "meet")
NOT_GRADED = ("broken", "burnt", "unripe", "full", "empty", "blue", "red", "white", "green", "black", "yellow", "grey", "new")
REASONS = (  # what is done when one is hungry, thirsty ...
    (("eat", "prepare", "cook"), ("hungry",)), (("drink",), ("thirsty",)), (("sleep", "fall asleep", "stay"), ("tired", "sleepy", "sick")),
    (("run", "leave", "go out"), ("in a hurry", "afraid", "angry")), (("sing", "dance", "smile", "laugh"), ("happy",)),
    (("cry",), ("sad", "afraid", "nervous", "tired", "hungry")), (("call", "look for"), ("scared", "nervous", "sad")),
    (("forget", "lose", "break"), ("distracted", "tired", "nervous", "in a hurry")),
)  # fmt: skip
EXCUSES = ("tired", "sick", "distracted", "nervous", "scared", "sleepy", "in a hurry", "afraid")
PASSING = ("tired", "happy", "sad", "nervous", "calm", "angry", "scared", "distracted", "sick")  # reasons; always, often, never
OWNED_PLACES = {"garden", "kitchen", "office", "room", "village", "city", "school", "shop"}
SUBJECT_PRONOUNS = {"1s": 6, "2s": 4, "3sm": 5, "3sf": 5, "1p": 3, "3pm": 3}
OBJECT_PRONOUNS = {"1s": 3, "2s": 2, "3sm": 4, "3sf": 4, "1p": 2, "3pm": 3}
DONE_TO_IT = (  # bought it and ate it
    ("buy", "eat", ("fruit", "baked")), ("buy", "read", ("text",)), ("find", "open", ("box", "bag", "letter", "suitcase")),
    ("write", "hide", ("text",)), ("wash", "wear", ("shirt", "jacket", "skirt", "scarf", "coat", "dress")),
    ("take", "hide", ("thing",)), ("clean", "close", ("opening",)), ("find", "sell", ("thing", "clothing")),
    ("repair", "sell", ("vehicle",)), ("prepare", "taste", ("baked", "cooked")), ("lose", "find", ("thing", "clothing")),
)  # fmt: skip


@dataclass
class Sentence:
    """tree and mark are all that is said. reference: for sentences with an "it" (italian_it)."""

    tree: Any
    mark: str
    kind: str
    reference: italian_it.Reference | None = None


class Author:
    """Draws sentences with the generator it is given, and nothing else."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def sentence(self, kind: str | None = None) -> Sentence:
        kind = kind or self.rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
        return getattr(self, f"_{kind}")()

    # small decisions

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _one(self, options: Sequence[T]) -> T:
        return options[int(self.rng.random() * len(options))]

    def _weighted(self, weights: dict[str, int]) -> str:
        return self.rng.choices(tuple(weights), tuple(weights.values()))[0]

    # who and what

    def _phrase(self, *kinds: str, number: str = "", negative: bool = False, adjectives: float = 0.25) -> Phrase:
        noun = self._one(nouns_of(*kinds))
        if noun.mass or noun.only_one:
            number = "s"
        number = number or ("p" if noun.english in PAIRS or self._chance(0.25) else "s")
        phrase = Phrase(noun, number, self._determiner(noun, number, negative))
        if self._chance(adjectives):
            self._describe(phrase)
        if phrase.determiner == "the" and noun.kind in ("animal", "thing", "container", "clothing", "vehicle", "text", "family"):
            if noun.kind == "family" or self._chance(0.08):
                phrase.owner = self._owner(noun)
        return phrase

    def _thing(self, action: Verb, negative: bool = False) -> Phrase:
        """Something that the action can be done to; nobody buys what is already owned."""
        draw = self._owned_by_none if action.english == "buy" else self._phrase
        thing = draw(*action.objects, negative=negative)
        if thing.adjective and thing.adjective.english == action.english:
            thing.adjective = None  # not: to clean a clean window
        return thing

    def _owned_by_none(self, *kinds: str, negative: bool = False) -> Phrase:
        while True:
            thing = self._phrase(*kinds, negative=negative)
            if not thing.owner and thing.determiner not in POSSESSIVES:
                return thing

    def _describe(self, phrase: Phrase) -> None:
        fitting = [entry for entry in adjectives_for(phrase.noun) if entry.before or phrase.noun.kind != "family"]
        phrase.adjective = self._one(fitting) if fitting else None

    def _owner(self, noun: Noun) -> Phrase | Name:
        if self._chance(0.6):
            married = {"wife": "m", "husband": "f"}.get(noun.english)
            return Name(self._one([name for name in NAMES if married in (None, NAMES[name])]))
        family = noun.kind != "family" and self._chance(0.5)
        kinds = ("family",) if family else ("man", "king") if noun.english == "wife" else ("woman", "queen")
        owner = Phrase(self._one(nouns_of(*(kinds if family or noun.only_one else ("person",)))))
        owner.determiner = self._one(tuple(POSSESSIVES)) if family else "the"
        return owner

    def _determiner(self, noun: Noun, number: str, negative: bool) -> str:
        if noun.kind == "family":
            married = {"wife": ("my", "your", "his"), "husband": ("my", "your", "her")}.get(noun.english, tuple(POSSESSIVES))
            return "the" if self._chance(0.2) else self._one(married)
        if noun.english in ("friend", "neighbour", "guest") and self._chance(0.6):
            return self._one(tuple(POSSESSIVES))
        weights = {"the": 45, "my": 16, "this": 8, "that": 6}
        if noun.mass:
            weights |= {"some": 0 if negative else 20}
        elif number == "s":
            weights |= {"a": 22, "another": 0 if negative else 3}
        else:
            weights |= {"some": 0 if negative else 12, "two": 10, "many": 6, "all": 4}
        if noun.kind in ("place", "crossing", "person") and noun.english not in OWNED_PLACES | OWNED_PEOPLE:
            weights["my"] = 0
        determiner = self._weighted(weights)
        return {"my": self._one(tuple(POSSESSIVES)), "two": self._one(tuple(NUMBERS))}.get(determiner, determiner)

    def _subject(self, kinds: Sequence[str] = HUMAN, pronouns: float = 0.36) -> Any:
        if "person" not in kinds:
            return self._phrase(*kinds, adjectives=0.15)
        luck = self.rng.random()
        if luck < pronouns:
            return Pronoun(self._weighted(SUBJECT_PRONOUNS))
        if luck < pronouns + 0.2:
            return Name(self._one(tuple(NAMES)))
        if luck < pronouns + 0.25:
            return self._both()
        return self._phrase(self._one([kind for kind in kinds if kind in ("person", "family", "animal")]), adjectives=0.15)

    def _both(self) -> Both:
        first, second = self.rng.sample(tuple(NAMES), 2)
        if self._chance(0.3):
            return Both(Name(first), Pronoun("1s"))
        if self._chance(0.4):
            male = NAMES[first] == "m"
            relative = self._one([noun for noun in nouns_of("family") if noun.english != ("husband" if male else "wife")])
            return Both(Name(first), Phrase(relative, determiner="his" if male else "her"))
        return Both(Name(first), Name(second))

    # where, when and how

    def _place(self, group: str, plain: bool = False) -> Phrase:
        noun = NOUNS[self._one(PLACE_GROUPS[group])]
        phrase = Phrase(noun)
        luck = self.rng.random()
        if plain or luck < 0.76:
            return phrase
        if luck < 0.86 and noun.english in OWNED_PLACES:
            phrase.determiner = self._one(tuple(POSSESSIVES))
        elif luck < 0.9 and PLACES[noun.english].italian["at"] == "in":
            phrase.determiner = self._one(("this", "that"))
        elif noun.kind == "place":
            self._describe(phrase)
        return phrase

    def _going(self, motion: str) -> Any:
        """to the market, from the station, to Rome, home."""
        luck = self.rng.random()
        if luck < 0.2 and motion != "arrive":
            return Town(*self._one(tuple(CITIES.items())), motion)
        if luck < 0.3 and motion != "arrive":
            return Town(*self._one(tuple(COUNTRIES.items())), motion, country=True)
        if luck < 0.4 and motion != "from":
            return Fixed("home", "a casa")
        unfit = {"from": ("house", "school"), "arrive": ("room", "kitchen", "garden", "pool", "house", "forest")}.get(motion, ())
        goal = self._place("goal", plain=True)
        while goal.noun.english in unfit:
            goal = self._place("goal", plain=True)
        return At(goal, motion)

    def _where(self, action: Verb) -> Any:
        group = self._one(action.places)
        if group == "TO":
            return self._going("to" if action.english == "go" or self._chance(0.5) else "from")
        if group == "AT":
            return self._going("arrive")
        if group in ("home", "city") and self._chance(0.3):
            if group == "home":
                return Fixed("at home", "a casa")
            return Town(*self._one(tuple(CITIES.items())))
        if group in ("home", "nature") and self._chance(0.15):
            return self._beside()
        return At(self._place(group))

    def _beside(self) -> Beside:
        relation = self._one(("near", "behind", "in front of", "next to"))
        thing = self._phrase("house", "castle", "tree", "river", "church", "school", "lake", "station", "museum", "wall", number="s")
        thing.determiner = "the"
        return Beside(relation, RELATIONS[relation], thing)

    def _add_adverbials(self, clause: Clause, chance: float = 1.0) -> None:
        action, tense = clause.verb, clause.tense
        if action.manners and not clause.adverb and self._chance(0.15 * chance):
            manner = self._one(action.manners)
            if manner != "together" or clause.subject.number == "p":
                clause.manner = Fixed(manner, MANNERS[manner])
        moves = "TO" in action.places or "AT" in action.places
        if action.places and (action.english in NEEDS_PLACE or self._chance(0.85 if moves else 0.28 * chance)):
            clause.tail.append(self._where(action))
        if (moves or action.english == "travel") and self._chance(0.15 * chance):
            by = self._one(tuple(BY_VEHICLE))
            clause.tail.append(Fixed(by, BY_VEHICLE[by]))
        if not action.objects and set(action.subjects) == set(HUMAN) and self._chance(0.08 * chance):
            clause.tail.append(Beside("with", "con", self._one((Name(self._one(tuple(NAMES))), self._phrase("family", number="s")))))
        timeless = (tense == "present" and action.english in MOMENTARY) or clause.adverb or clause.modal or (action.stative and tense == "past")
        if not timeless and self._chance(0.28 * chance) and tense in TIMES:
            unfit = (() if action.english in SEASONAL else ("in summer", "in winter")) + (() if action.english in SOON else ("soon",))
            when = Fixed(*self._one([entry for entry in TIMES[tense].items() if entry[0] not in unfit]))
            if self._chance(0.25) and tense != "progressive" and when.in_english != "soon" and not clause.asks:
                clause.front = when
            else:
                clause.tail.append(when)

    def _tense(self, action: Verb, subject: Any) -> str:
        tense = self._weighted(TENSES)
        if tense in ("progressive", "continuous", "habit") and (action.english in MOMENTARY or action.stative):
            tense = "past"
        if tense == "perfect" and action.stative:
            tense = "present"
        open_tense = english_forms.past(action.english.split()[0]) == action.english.split()[0]
        if tense == "present" and open_tense and subject.person != "3s":
            tense = "progressive"
        return tense

    def _adverb(self, clause: Clause) -> None:
        """Set not, always, never, already ... where the tense allows."""
        tense = clause.tense
        if tense == "perfect":
            clause.adverb = self._one(("already", "already", "just", "yet"))
            clause.negative = clause.adverb == "yet"
        elif tense == "present" and self._chance(0.2) and clause.verb.english not in MOMENTARY:
            clause.adverb = self._one(("always", "often", "never"))
        elif tense == "past" and not clause.verb.stative and self._chance(0.03):
            clause.adverb = "never"
        elif tense in ("present", "past", "future", "progressive"):
            clause.negative = self._chance(0.14)

    # clauses

    def _action(self, subject: Any = None, tense: str = "", transitive: bool | None = None, adverbials: float = 1.0) -> Clause:
        """Somebody does something."""
        transitive = self._chance(0.66) if transitive is None else transitive
        pool = [entry for entry in TRANSITIVES if entry.english not in ("give", "show")] if transitive else INTRANSITIVES
        if subject is not None:
            head = subject.noun if isinstance(subject, Gap) else subject
            kind = head.noun.kind if isinstance(head, Phrase) else "person"
            pool = [entry for entry in pool if kind in entry.subjects]
        action = self._one(pool)
        subject = subject or self._subject(action.subjects)
        while True:
            chosen = tense or self._tense(action, subject)
            if not (tense in ("progressive", "continuous", "habit") and (action.english in MOMENTARY or action.stative)):
                break
            action = self._one(pool)
        clause = Clause(subject, action, chosen)
        self._adverb(clause)
        if transitive:
            clause.object = self._thing(action, negative=clause.negative or clause.adverb == "never")
            if clause.tense in ("present", "habit") and action.english in ("eat", "drink", "sell", "cook") and self._chance(0.3):
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
            if be.complement.english in NOT_GRADED:
                be.degree = ""
        be.negative = self._chance(0.12) and be.degree not in ("so", "really")
        if not be.negative and not be.degree and tense != "future" and self._passing(be) and self._chance(0.3):
            be.adverb = self._one(("always", "often", "never"))
        return be

    @staticmethod
    def _passing(be: Be) -> bool:
        return isinstance(be.complement, str) or be.complement.english in PASSING

    # kinds of sentences

    def _plain(self) -> Sentence:
        return Sentence(self._action(), ".", "plain")

    def _it(self) -> Sentence:
        reference = (italian_it.ambiguous if self._chance(0.75) else italian_it.plain_it)(self.rng)
        return Sentence(reference.tree, ".", "it", reference)

    def _be(self) -> Sentence:
        luck = self.rng.random()
        if luck < 0.4:
            return Sentence(self._state(), ".", "be")
        if luck < 0.75:
            kinds = ("thing", "container", "clothing", "vehicle", "text", "fruit", "cooked", "place", "crossing", "furniture", "opening")
            return Sentence(self._state(self._phrase(*kinds, adjectives=0.05)), ".", "be")
        if luck < 0.85:
            gender = self._one("mf")
            names = [name for name in NAMES if NAMES[name] == gender]
            subject = self._one((Name(self._one(names)), Pronoun("3s" + gender), Phrase(self._family(gender), determiner="my")))
            jobs = [noun for noun in nouns_of(*JOBS) if noun.gender == gender]
            job = Phrase(self._one(jobs), determiner="a")
            if self._chance(0.3):
                self._describe(job)
            return Sentence(Be(subject, job, self._one(("present", "present", "past"))), ".", "be")
        thing = self._subject((*HUMAN, "animal"), 0.2) if self._chance(0.5) else self._phrase("thing", "clothing", "container", *PAPERS)
        return Sentence(Be(thing, self._spot(thing), self.rng.choices(("present", "past", "future"), (6, 4, 1))[0]), ".", "be")

    def _family(self, gender: str) -> Noun:
        return self._one([noun for noun in nouns_of("family") if noun.gender == gender])

    def _spot(self, thing: Any) -> Any:
        """On the table for things, behind the house for animals, at the station for people."""
        kind = thing.noun.kind if isinstance(thing, Phrase) else "person"
        if isinstance(thing, Phrase) and thing.noun.mass:
            return self._one((Beside("on", "su", Phrase(NOUNS["table"])), At(Phrase(NOUNS["kitchen"]))))
        human = kind in HUMAN
        if self._chance(0.2 if kind in SMALL else 0.7):
            return At(self._place("home" if kind in SMALL else "nature" if kind == "animal" else self._one(("home", "town", "town"))))
        if human or (kind == "animal" and self._chance(0.6)):
            return self._beside()
        relation = self._one(("on", "under", "behind", "next to", "near"))
        furniture = self._phrase("table", "chair", "bed", "sofa", "armchair", "carpet", "bench", number="s", adjectives=0.2)
        furniture.determiner = "the"
        return Beside(relation, RELATIONS[relation], furniture)

    def _there(self) -> Sentence:
        asks = "yes" if self._chance(0.15) else ""
        tense = self.rng.choices(("present", "past", "future"), (6, 5, 1))[0]
        thing = self._phrase(self._one(("animal", "person", "thing", "clothing", "container", "book", "fruit", "drink")))
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
        thing = self._phrase("fruit", "baked", "staple", "cooked", "drink", "text", "clothing", "animal", "place", "instrument", negative=True)
        if self._chance(0.4) and not thing.noun.kind == "place":
            thing.determiner, thing.owner, thing.number = "generic", None, "s" if thing.noun.mass else "p"
        elif thing.determiner in ("a", "two", "many", *NUMBERS):
            thing.determiner = "this"
        tense = "present" if thing.determiner == "generic" or self._chance(0.7) else "past"
        return Sentence(Likes(subject, thing, tense, negative, asks), "?" if asks else ".", "likes")

    def _modal(self) -> Sentence:
        modal = self.rng.choices(("can", "must", "want to", "would like to"), (4, 3, 4, 2))[0]
        tense = "past" if modal == "want to" and self._chance(0.35) else "present"
        transitive = self._chance(0.7)
        pool = [entry for entry in (TRANSITIVES if transitive else INTRANSITIVES) if not entry.stative]
        pool = [entry for entry in pool if entry.english not in NOT_A_SKILL | {"arrive"} and entry.english not in WITH_RECIPIENT]
        action = self._one(pool)
        subject = self._subject(HUMAN)
        negative = modal != "would like to" and self._chance(0.2)
        clause = Clause(subject, action, tense, negative=negative, modal=modal)
        if transitive and self._chance(0.35) and "person" in action.objects:
            clause.object = self._object_pronoun(subject)
        elif transitive:
            clause.object = self._thing(action, negative=negative)
        if not negative and self._chance(0.15) and modal != "would like to" and tense == "present":
            clause.asks = "yes"
        if clause.asks and subject.person == "1s":
            clause.modal = "can"
        if not clause.asks:
            self._add_adverbials(clause, 0.5)
        elif "TO" in action.places or action.english in NEEDS_PLACE:
            clause.tail.append(self._where(action))
        return Sentence(clause, "?" if clause.asks else ".", "modal")

    def _object_pronoun(self, subject: Any) -> Pronoun:
        """Somebody else than the subject: I see you, she sees him; never I see us."""
        while True:
            pronoun = Pronoun(self._weighted(OBJECT_PRONOUNS))
            if pronoun.key[0] == "3" or pronoun.key[0] != subject.person[0]:
                return pronoun

    def _clitic(self) -> Sentence:
        pool = [entry for entry in TRANSITIVES if "person" in entry.objects and entry.english not in WITH_RECIPIENT]
        action = self._one(pool)
        subject = self._subject(HUMAN, 0.45)
        clause = Clause(subject, action, self._tense(action, subject), self._object_pronoun(subject))
        self._adverb(clause)
        self._add_adverbials(clause)
        return Sentence(clause, ".", "clitic")

    def _give(self) -> Sentence:
        action = verb(self._one(WITH_RECIPIENT))
        subject = self._subject(HUMAN)
        clause = Clause(subject, action, self._tense(action, subject))
        self._adverb(clause)
        kinds = [kind for kind in action.objects if kind != "place"]
        clause.object = self._phrase(*kinds, negative=clause.negative)
        if self._chance(0.5):
            clause.recipient = self._object_pronoun(subject)
            while clause.recipient.key == "3pm":
                clause.recipient = self._object_pronoun(subject)
        else:
            clause.recipient = self._one((Name(self._one(tuple(NAMES))), self._phrase("person", "family", number="s", adjectives=0.1)))
        if not clause.adverb and self._chance(0.2) and clause.tense in TIMES:
            clause.tail.append(Fixed(*self._one(tuple(TIMES[clause.tense].items()))))
        return Sentence(clause, ".", "give")

    def _have(self) -> Sentence:
        subject = self._subject(HUMAN)
        tense = self.rng.choices(("present", "past", "future"), (6, 4, 1))[0]
        if self._chance(0.35):
            thing = Phrase(self._one(nouns_of("body")), "p")
            self._describe(thing)
            thing.determiner = "bare" if thing.adjective.before else "generic"  # begli occhi, but gli occhi verdi
            return Sentence(Clause(subject, HAVE, "past" if tense == "past" else "present", thing), ".", "have")
        negative = self._chance(0.15)
        thing = self._phrase(*PETS, "vehicle", "thing", "instrument", "family", "container", negative=negative)
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
        unfit = ("good", "red", "blue", "white", "black", "green", "yellow", "grey", "broken", "burnt", "unripe", "sick", "scared")
        quality = self._one([entry for entry in fitting if entry.english not in unfit])
        return Sentence(Compare(subject, quality, other, "present" if self._chance(0.75) else "past"), ".", "compare")

    def _order(self) -> Sentence:
        negative = self._chance(0.3)
        if self._chance(0.25):
            action = verb(self._one(("bring", "show", "send")))
            recipient = Pronoun(self._one(("1s", "1p")))
            kinds = [kind for kind in action.objects if kind not in ("place", "animal")]
            thing = self._phrase(*kinds, negative=True)
            thing.determiner = "the" if thing.determiner in ("his", "her", "our", "my") else thing.determiner
            return Sentence(Order(action, thing, recipient), "!", "order")
        names = ("open", "close", "take", "read", "eat", "buy", "clean", "wash", "wait for", "call", "follow", "prepare", "cook", "drink")
        action = verb("forget" if negative and self._chance(0.3) else self._one(names))
        thing = self._thing(action, negative=True)
        thing.determiner = "the" if thing.determiner == "many" else thing.determiner
        return Sentence(Order(action, thing, negative=negative), "!", "order")

    def _again(self) -> Sentence:
        """Anna bought two apples and ate them: the second verb has a clitic for the object of the first."""
        tense = self._one(("past", "past", "future"))
        subject = self._subject(HUMAN)
        if self._chance(0.25):
            first = Clause(subject, verb("buy"), tense, self._owned_by_none("thing", "text", "clothing", "plant"))
            second = Clause(subject, verb("give"), tense, silent=True)
            second.recipient = self._object_pronoun(subject)
            if second.recipient.person == "3p":
                second.recipient = Name(self._one(tuple(NAMES)))
        else:
            before, after, kinds = self._one(DONE_TO_IT)
            new = before in ("buy", "write", "prepare", "find")
            thing = self._owned_by_none(*kinds) if new else self._phrase(*kinds)
            first = Clause(subject, verb(before), tense, thing)
            second = Clause(subject, verb(after), tense, silent=True)
        if first.object.determiner in ("some", "another") and first.object.noun.mass:
            first.object.determiner = "the"
        second.object = Pronoun("3" + first.object.number + first.object.gender, thing=True)
        return Sentence(Joined(first, "and", second), ".", "again")

    def _joined(self) -> Sentence:
        luck = self.rng.random()
        if luck < 0.25:
            clauses = [self._action(self._named(), "continuous", adverbials=0.5) for _ in range(2)]
            return Sentence(Joined(clauses[0], "while", clauses[1], opening=True), ".", "joined")
        if luck < 0.4:
            came = Clause(self._named(0.5), verb(self._one(("come in", "arrive", "wake up", "go out")), False), "past")
            return Sentence(Joined(came, "when", self._action(self._named(), "continuous", adverbials=0.5), opening=True), ".", "joined")
        if luck < 0.55:
            tense = self._one(("present", "past", "future"))
            clauses = [self._action(self._named(), tense, adverbials=0.3) for _ in range(2)]
            return Sentence(Joined(clauses[0], self._one(("and", "but")), clauses[1]), ".", "joined")
        if luck < 0.65:
            action = verb(self._one(("break", "lose", "find", "forget", "sell", "call", "invite", "help", "hide", "steal", "wash")))
            condition = Clause(self._named(0.6), action, object=self._phrase(*action.objects, adjectives=0))
            feeling = adjective(self._one(("happy", "sad", "angry", "nervous", "calm")))
            result = Be(self._subject(HUMAN, 0.3), feeling, "future", self._one(("", "very")), negative=self._chance(0.2))
            return Sentence(Joined(condition, "if", result, opening=True), ".", "joined")
        return self._because()

    def _named(self, pronouns: float = 0.25) -> Any:
        return self._subject((*HUMAN,), pronouns)

    def _because(self) -> Sentence:
        """The girls did not come because they were tired: stanche."""
        subject = self._named(0.3)
        while isinstance(subject, Phrase) and subject.number == "s" and not subject.noun.he_or_she:
            subject = self._named(0.3)
        tense = self._one(("past", "past", "present"))
        names, reasons = self._one(REASONS) if self._chance(0.5) else ((), EXCUSES)
        if names:
            action = self._one([entry for entry in VERBS if entry.english in names])
            clause = Clause(subject, action, tense, self._thing(action) if action.objects else None)
            self._add_adverbials(clause, 0.3)
        else:
            clause = self._action(subject, tense, adverbials=0.3)
            clause.negative, clause.adverb = True, ""
            if clause.object and clause.object.determiner in ("some", "another"):
                clause.object.determiner = "the"
        again = Pronoun(subject.key if isinstance(subject, Pronoun) else "1p" if subject.person == "1p" else subject.person + subject.gender)
        reason = self._one(reasons)
        complement = reason if reason in STATES else adjective(reason)
        degree = self._one(("", "very", "very")) if reason not in ("afraid", "in a hurry") else ""
        reason = Be(again, complement, tense, degree)
        return Sentence(Joined(clause, "because", reason), ".", "joined")

    def _says(self) -> Sentence:
        content = self._one((self._state, self._action))
        if self._chance(0.5):
            inner = self._state(tense=self._one(("present", "future"))) if content == self._state else self._action(adverbials=0.4)
            said = Clause(Name(self._one(tuple(NAMES))), SAY)
        else:
            inner = self._state() if content == self._state else self._action(adverbials=0.4)
            said = Clause(self._one((Pronoun("1s"), Pronoun("2s"), Pronoun("3sm"), Name(self._one(tuple(NAMES))))), KNOW)
        return Sentence(Joined(said, "that", inner), ".", "says")

    def _relative(self) -> Sentence:
        """The woman who lives in Rome is a doctor; I have read the book that Anna wrote."""
        kind = self._one(("person", "person", "animal", "thing"))
        if kind == "thing":
            return self._about_thing()
        head = self._phrase(kind, adjectives=0.05)
        head.determiner, head.owner = "the", None
        gap = Gap(head)
        if kind == "person" and self._chance(0.25):
            inner = Clause(self._subject(HUMAN, 0.6), verb(self._one(("work", "live", "travel", "play", "talk", "dance")), False))
            head.relative = Relative("with whom", inner)
        elif self._chance(0.3):
            action = self._one([entry for entry in TRANSITIVES if kind in entry.objects and entry.english not in WITH_RECIPIENT])
            subject = self._subject(HUMAN, 0.5)
            head.relative = Relative("that", Clause(subject, action, self._one(("past", "present")), gap))
        else:
            inner = self._action(gap, tense=self._one(("past", "present")), adverbials=0.5)
            inner.adverb, inner.front = "", None
            head.relative = Relative("who" if kind == "person" else "that", inner)
        if self._chance(0.6):
            return Sentence(self._state(head), ".", "relative")
        action = self._one([entry for entry in TRANSITIVES if kind in entry.objects and entry.english not in WITH_RECIPIENT])
        subject = self._subject(HUMAN)
        return Sentence(Clause(subject, action, self._tense(action, subject), head), ".", "relative")

    def _about_thing(self) -> Sentence:
        """The shirt that Anna bought is red."""
        action = verb(self._one(("buy", "find", "lose", "wash", "repair", "read", "write", "choose", "sell", "prepare", "take")))
        head = self._phrase(*action.objects, adjectives=0.05)
        head.determiner, head.owner = "the", None
        head.relative = Relative("that", Clause(self._subject(HUMAN, 0.5), action, "past", Gap(head)))
        if self._chance(0.6) and adjectives_for(head.noun):
            return Sentence(self._state(head), ".", "relative")
        other = self._one([entry for entry in TRANSITIVES if {head.noun.kind, head.noun.english} & set(entry.objects)])
        subject = self._subject(HUMAN)
        tense = self._tense(other, subject) if other.english not in WITH_RECIPIENT else "past"
        clause = Clause(subject, other if other.english not in WITH_RECIPIENT else verb("find"), tense, head)
        if tense == "perfect":
            clause.adverb = "already"
        return Sentence(clause, ".", "relative")

    def _question(self) -> Sentence:
        luck = self.rng.random()
        if luck < 0.4:
            clause = self._action(adverbials=0.4)
            while clause.adverb or clause.tense in ("habit", "perfect") or clause.negative or self._unasked(clause):
                clause = self._action(adverbials=0.4)
            clause.front, clause.asks = None, "yes"
            return Sentence(clause, "?", "question")
        if luck < 0.55:
            if self._chance(0.6):
                thing = self._phrase("thing", "clothing", "container", "animal", "vehicle", *PAPERS, adjectives=0.1)
                thing.determiner = "the" if thing.owner else self._one(("the", "my", "your", "our"))
                be = Be(self._one((self._asked_about(), thing, thing)), None, self._one(("present", "present", "past")), asks="where")
            else:
                be = self._state()
                be.negative, be.adverb, be.asks = False, "", self._one(("yes", "yes", "why") if self._passing(be) else ("yes",))
                be.degree = "" if be.degree in ("so", "too", "really") else be.degree
            return Sentence(be, "?", "question")
        if luck < 0.7:
            asks = self._one(("where", "when"))
            names = ("work", "sleep", "play", "live", "walk", "sing", "dance") if asks == "where" else ("arrive", "leave", "come back", "wake up", "go out")
            action = verb(self._one(names), False)
            subject = self._asked_about()
            tense = self._tense(action, subject)
            tense = tense if tense in ("present", "past", "future") else "present"
            return Sentence(Clause(subject, action, tense, asks=asks), "?", "question")
        if luck < 0.82:
            action = verb(self._one(("buy", "eat", "read", "write", "find", "lose", "sell", "prepare", "drink", "look for", "cook", "choose")))
            subject = self._asked_about()
            tense = self._tense(action, subject)
            tense = tense if tense in ("progressive", "past", "future") else "past"
            if self._chance(0.35):
                many = self._phrase(*action.objects, number="p", adjectives=0)
                if many.number == "p":
                    many.determiner, many.owner = "how many", None
                    tense = "past" if tense == "progressive" else tense
                    return Sentence(Clause(subject, action, tense, many, asks="how many"), "?", "question")
            return Sentence(Clause(subject, action, tense, asks="what"), "?", "question")
        if luck < 0.92:
            clause = self._action(Who(), self._one(("past", "past", "future")), transitive=True, adverbials=0.3)
            clause.negative, clause.adverb, clause.front = False, "", None
            return Sentence(clause, "?", "question")
        clause = self._action(adverbials=0.3)
        while clause.tense in ("habit", "perfect") or clause.adverb:
            clause = self._action(adverbials=0.3)
        clause.front, clause.asks = None, "why"
        return Sentence(clause, "?", "question")

    def _asked_about(self) -> Any:
        """Not I, and not two joined by and, which would have to follow an Italian verb."""
        while True:
            subject = self._subject(HUMAN, 0.45)
            if subject.person != "1s" and not isinstance(subject, Both):
                return subject

    @staticmethod
    def _unasked(clause: Clause) -> bool:
        """Nobody asks whether I did something; and some would have to be any."""
        return clause.subject.person in ("1s", "1p") or (isinstance(clause.object, Phrase) and clause.object.determiner == "some")
