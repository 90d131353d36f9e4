"""The small choices inside a sentence: who, what, where, when and how, so that the words go together (notebook 03).

    Choices(random.Random(1))      draws noun phrases, places, times and tenses with the generator it is given

Nobody has two mothers, nobody buys what is already owned, no future happens yesterday. italian_statements and
italian_sentences build whole sentences on it.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from data.make import english_forms
from data.make.italian_adverbials import At, Beside, Fixed, Town
from data.make.italian_clauses import Clause
from data.make.italian_nouns import NOUNS, PLACE_GROUPS, PLACES, Noun, adjectives_for, nouns_of
from data.make.italian_phrases import Both, Name, Phrase, Pronoun
from data.make.italian_verbs import (
    CITIES,
    COUNTRIES,
    GROUPS,
    HUMAN,
    MANNERS,
    NAMES,
    NUMBERS,
    POSSESSIVES,
    RELATIONS,
    TIMES,
    VEHICLES,
    Verb,
)

T = TypeVar("T")
TENSES = {"present": 20, "progressive": 13, "past": 34, "future": 13, "perfect": 8, "habit": 6, "continuous": 6}
MOMENTARY = GROUPS["momentary"]
OWNED = ("animal", "thing", "container", "clothing", "vehicle", "text")
SEASONAL = GROUPS["seasonal"]
NEEDS_PLACE = {"live", "stay"}
PAIRS = ("shoe", "glove")
SOON = ("arrive", "come back", "leave", "call", "write", "see", "meet")
SUBJECT_PRONOUNS = {"1s": 6, "2s": 5, "3sm": 4, "3sf": 4, "1p": 4, "3pm": 5}
OBJECT_PRONOUNS = {"1s": 3, "2s": 2, "3sm": 4, "3sf": 4, "1p": 2, "3pm": 3}


class Choices:
    """Draws with the generator it is given, and nothing else."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _one(self, options: Sequence[T]) -> T:
        return options[int(self.rng.random() * len(options))]

    def _weighted(self, weights: Mapping[str, int]) -> str:
        return self.rng.choices(tuple(weights), tuple(weights.values()))[0]

    # who and what

    def _phrase(self, *kinds: str, number: str = "", negative: bool = False, adjectives: float = 0.25) -> Phrase:
        noun = self._one(nouns_of(*kinds))
        if noun.mass or noun.only_one:
            number = "s"
        number = number or ("p" if noun.english in PAIRS or self._chance(0.3) else "s")
        phrase = Phrase(noun, number, self._determiner(noun, number, negative))
        if self._chance(adjectives):
            self._describe(phrase)
        if phrase.determiner == "the" and (noun.kind == "family" or (noun.kind in OWNED and self._chance(0.08))):
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
            married = {"wife": ("my", "your", "his"), "husband": ("my", "your", "her")}.get(
                noun.english, tuple(POSSESSIVES)
            )
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
        if noun.kind in ("place", "crossing", "person") and noun.english not in (
            *GROUPS["owned places"],
            *GROUPS["owned people"],
        ):
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
        return self._phrase(
            self._one([kind for kind in kinds if kind in ("person", "family", "animal")]), adjectives=0.15
        )

    def _named(self, pronouns: float = 0.25) -> Any:
        return self._subject((*HUMAN,), pronouns)

    def _both(self) -> Both:
        first, second = self.rng.sample(tuple(NAMES), 2)
        if self._chance(0.3):
            return Both(Name(first), Pronoun("1s"))
        if self._chance(0.4):
            male = NAMES[first] == "m"
            relative = self._one(
                [noun for noun in nouns_of("family") if noun.english != ("husband" if male else "wife")]
            )
            return Both(Name(first), Phrase(relative, determiner="his" if male else "her"))
        return Both(Name(first), Name(second))

    def _object_pronoun(self, subject: Any) -> Pronoun:
        """Somebody else than the subject: I see you, she sees him; never I see us."""
        while True:
            pronoun = Pronoun(self._weighted(OBJECT_PRONOUNS))
            if pronoun.key[0] == "3" or pronoun.key[0] != subject.person[0]:
                return pronoun

    # where, when and how

    def _place(self, group: str, plain: bool = False) -> Phrase:
        noun = NOUNS[self._one(PLACE_GROUPS[group])]
        phrase = Phrase(noun)
        luck = self.rng.random()
        if plain or luck < 0.76:
            return phrase
        if luck < 0.86 and noun.english in GROUPS["owned places"]:
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
        unfit = {"from": ("house", "school"), "arrive": ("room", "kitchen", "garden", "pool", "house", "forest")}.get(
            motion, ()
        )
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
        near = ("river", "lake") if relation == "near" else ()
        thing = self._phrase(
            "house", "castle", "tree", "church", "school", "station", "museum", "wall", *near, number="s"
        )
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
            by = self._one(tuple(VEHICLES))
            clause.tail.append(Fixed(by, VEHICLES[by]))
        if not action.objects and set(action.subjects) == set(HUMAN) and self._chance(0.08 * chance):
            clause.tail.append(
                Beside("with", "con", self._one((Name(self._one(tuple(NAMES))), self._phrase("family", number="s"))))
            )
        timeless = (
            (tense == "present" and action.english in MOMENTARY)
            or clause.adverb
            or clause.modal
            or (action.stative and tense == "past")
        )
        if not timeless and self._chance(0.28 * chance) and tense in TIMES:
            unfit = (() if action.english in SEASONAL else ("in summer", "in winter")) + (
                () if action.english in SOON else ("soon",)
            )
            when = Fixed(*self._one([entry for entry in TIMES[tense].items() if entry[0] not in unfit]))
            if self._chance(0.25) and tense != "progressive" and when.in_english != "soon" and not clause.asks:
                clause.front = when
            else:
                clause.tail.append(when)

    def _tense(self, action: Verb, subject: Any) -> str:
        tense = self._weighted(TENSES)
        if tense in ("progressive", "continuous", "habit") and (action.english in MOMENTARY or action.stative):
            tense = "past"
        if tense in ("continuous", "habit") and subject.person in ("2s", "1p"):
            tense = "past"  # leggevi, leggevamo: too many rare forms for a small corpus; eri, eravamo are there
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
