"""What people do to, for and with each other: clitics, gifts, wishes and orders (English-Italian corpus, notebook 03).

    Exchanges      l'ho vista; mi ha dato il libro; voglio aiutarti; portami la chiave!

The object that is a pronoun stands before the Italian verb, on the infinitive, or on the imperative.
"""

from data.make.italian_adverbials import Fixed
from data.make.italian_choices import NEEDS_PLACE
from data.make.italian_clauses import Clause, Order
from data.make.italian_phrases import Name, Pronoun
from data.make.italian_statements import WITH_RECIPIENT, Sentence, Statements
from data.make.italian_verbs import GROUPS, HUMAN, INTRANSITIVES, NAMES, TIMES, TRANSITIVES, verb


class Exchanges(Statements):
    """Four more kinds of sentences."""

    def _modal(self) -> Sentence:
        modal = self.rng.choices(("can", "must", "want to", "would like to"), (4, 3, 4, 2))[0]
        tense = "past" if modal == "want to" and self._chance(0.35) else "present"
        transitive = self._chance(0.7)
        pool = [entry for entry in (TRANSITIVES if transitive else INTRANSITIVES) if not entry.stative]
        pool = [
            entry for entry in pool if entry.english not in GROUPS["no modal"] and entry.english not in WITH_RECIPIENT
        ]
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
            clause.recipient = self._one(
                (Name(self._one(tuple(NAMES))), self._phrase("person", "family", number="s", adjectives=0.1))
            )
        if not clause.adverb and self._chance(0.2) and clause.tense in TIMES:
            clause.tail.append(Fixed(*self._one(tuple(TIMES[clause.tense].items()))))
        return Sentence(clause, ".", "give")

    def _order(self) -> Sentence:
        negative = self._chance(0.3)
        if self._chance(0.25):
            action = verb(self._one(("bring", "show", "send")))
            recipient = Pronoun(self._one(("1s", "1p")))
            kinds = [kind for kind in action.objects if kind not in ("place", "animal")]
            thing = self._phrase(*kinds, negative=True)
            thing.determiner = "the" if thing.determiner in ("his", "her", "our", "my") else thing.determiner
            return Sentence(Order(action, thing, recipient), "!", "order")
        action = verb("forget" if negative and self._chance(0.3) else self._one(GROUPS["ordered"]))
        thing = self._thing(action, negative=True)
        thing.determiner = "the" if thing.determiner == "many" else thing.determiner
        return Sentence(Order(action, thing, negative=negative), "!", "order")
