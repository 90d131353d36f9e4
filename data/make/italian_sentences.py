"""Chance decides what is said: one method a kind of sentence, each returning a tree that both languages are read from.

    Author(random.Random(1)).sentence() -> Sentence(tree, mark, kind, ...)
    KINDS                                  the kinds and how often each is drawn

Here are questions and sentences of several clauses; italian_statements and italian_exchanges have those of one. Where
English would leave the tense open (they read) the sentence is told in another one, so that it has one translation only.
"""

from typing import Any

from data.make import italian_it
from data.make.italian_choices import MOMENTARY
from data.make.italian_clauses import Be, Clause, Joined
from data.make.italian_exchanges import Exchanges
from data.make.italian_nouns import adjective, adjectives_for
from data.make.italian_phrases import Both, Gap, Name, Phrase, Pronoun, Relative, Who
from data.make.italian_statements import PAPERS, WITH_RECIPIENT, Sentence
from data.make.italian_verbs import GROUPS, HUMAN, NAMES, STATES, TRANSITIVES, VERBS, Verb, verb

KINDS = {
    "plain": 26, "it": 24, "be": 9, "question": 9, "modal": 6, "clitic": 6, "likes": 6, "relative": 5, "there": 4,
    "give": 4, "again": 4, "joined": 4, "compare": 3, "have": 3, "order": 2, "says": 2,
}  # fmt: skip
SAY = Verb("say", "dire", HUMAN, (), (), ())
KNOW = Verb("know", "sapere", HUMAN, (), (), (), stative=True)
REASONS = (  # what is done when one is hungry, thirsty ...
    (("eat", "prepare", "cook"), ("hungry",)), (("drink",), ("thirsty",)), (("sleep", "fall asleep", "stay"),
    ("tired", "sleepy", "sick")),
    (("run", "leave", "go out"), ("in a hurry", "afraid", "angry")), (("sing", "dance", "smile", "laugh"), ("happy",)),
    (("cry",), ("sad", "afraid", "nervous", "tired", "hungry")), (("call", "look for"), ("scared", "nervous", "sad")),
    (("forget", "lose", "break"), ("distracted", "tired", "nervous", "in a hurry")),
)  # fmt: skip
EXCUSES = ("tired", "sick", "distracted", "nervous", "scared", "sleepy", "in a hurry", "afraid")
DONE_TO_IT = (  # bought it and ate it, looked for it but did not find it
    ("buy", "and", "eat", ("fruit", "baked")),
    ("buy", "and", "read", ("text",)),
    ("buy", "but", "read", ("text",)),
    ("write", "but", "send", ("letter", "message", "poem")),
    ("find", "and", "open", ("box", "bag", "letter", "suitcase")),
    ("wash", "and", "wear", ("shirt", "jacket", "skirt", "scarf", "coat", "dress")),
    ("buy", "but", "wear", ("clothing",)),
    ("take", "and", "hide", ("thing",)),
    ("clean", "and", "close", ("opening",)),
    ("look for", "but", "find", ("thing", "clothing", "text")),
    ("repair", "and", "sell", ("vehicle",)),
    ("prepare", "but", "taste", ("baked", "cooked")),
    ("lose", "and", "find", ("thing", "clothing")),
)
CONSEQUENCES = (  # if I break the glass, my mother will be angry
    (("break", "lose", "forget", "hide", "steal", "sell"), ("sad", "angry", "nervous")),
    (("find", "call", "invite", "help", "wash"), ("happy", "calm")),
)


class Author(Exchanges):
    """Draws any sentence of the corpus with the generator it is given, and nothing else."""

    def sentence(self, kind: str | None = None) -> Sentence:
        kind = kind or self.rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
        return getattr(self, f"_{kind}")()

    def _it(self) -> Sentence:
        reference = (italian_it.ambiguous if self._chance(0.75) else italian_it.plain_it)(self.rng)
        return Sentence(reference.tree, ".", "it", reference)

    def _again(self) -> Sentence:
        """Anna bought two apples and ate them: the second verb has a clitic for the object of the first."""
        tense = self._one(("past", "past", "future"))
        subject = self._subject(HUMAN)
        if self._chance(0.25):
            thing, conjunction = self._owned_by_none("thing", "text", "clothing", "plant"), "and"
            first = Clause(subject, verb("buy"), tense, thing)
            second = Clause(subject, verb("give"), tense, silent=True)
            second.recipient = self._object_pronoun(subject)
            if second.recipient.person == "3p":
                second.recipient = Name(self._one(tuple(NAMES)))
        else:
            before, conjunction, after, kinds = self._one(DONE_TO_IT)
            new = before in ("buy", "write", "prepare", "find")
            thing = self._owned_by_none(*kinds) if new else self._phrase(*kinds)
            first = Clause(subject, verb(before), tense, thing)
            second = Clause(subject, verb(after), tense, negative=conjunction == "but", silent=True)
        if thing.noun.mass and thing.determiner == "some":
            thing.determiner = "the"
        second.object = Pronoun("3" + thing.number + thing.gender, thing=True)
        return Sentence(Joined(first, conjunction, second), ".", "again")

    def _joined(self) -> Sentence:
        tell = self.rng.choices((self._while, self._when, self._and, self._if, self._because), (25, 15, 8, 15, 37))[0]
        return Sentence(tell(), ".", "joined")

    def _while(self) -> Joined:
        first, second = (self._action(self._watched(luck), "continuous", adverbials=0.5) for luck in (0.25, 0))
        return Joined(first, "while", second, opening=True)

    def _when(self) -> Joined:
        came = verb(self._one(("come in", "arrive", "wake up", "go out")), False)
        going_on = self._action(self._watched(0.25), "continuous", adverbials=0.5)
        return Joined(Clause(self._named(0.5), came, "past"), "when", going_on, opening=True)

    def _watched(self, pronouns: float) -> Any:
        """Whose imperfetto the corpus has enough of (see _tense)."""
        while True:
            subject = self._named(pronouns)
            if subject.person not in ("2s", "1p"):
                return subject

    def _and(self) -> Joined:
        tense = self._one(("present", "past", "future"))
        first, second = (self._action(self._named(luck), tense, adverbials=0.3) for luck in (0.25, 0))
        return Joined(first, "and", second)

    def _if(self) -> Joined:
        names, feelings = self._one(CONSEQUENCES)
        action = verb(self._one(names))
        condition = Clause(self._named(0.6), action, object=self._phrase(*action.objects, adjectives=0))
        feeling, degree = adjective(self._one(feelings)), self._one(("", "very"))
        return Joined(condition, "if", Be(self._subject(HUMAN, 0.3), feeling, "future", degree), opening=True)

    def _because(self) -> Joined:
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
            while clause.verb.stative or clause.verb.english in MOMENTARY:
                clause = self._action(subject, tense, adverbials=0.3)
            clause.negative, clause.adverb = True, ""
            if clause.object and clause.object.determiner in ("some", "another"):
                clause.object.determiner = "the"
        reason = self._one(reasons)
        degree = self._one(("", "very", "very")) if reason not in ("afraid", "in a hurry") else ""
        be = Be(self._again_as_pronoun(subject), reason if reason in STATES else adjective(reason), tense, degree)
        return Joined(clause, "because", be)

    @staticmethod
    def _again_as_pronoun(subject: Any) -> Pronoun:
        if isinstance(subject, Pronoun):
            return subject
        return Pronoun("1p") if subject.person == "1p" else Pronoun(subject.person + subject.gender)

    def _says(self) -> Sentence:
        """Anna says that she is tired; I know that Marco left."""
        speaker = Name(self._one(tuple(NAMES)))
        knows = self._chance(0.5)
        if self._chance(0.5):
            inner = self._state() if knows else self._state(tense=self._one(("present", "future")))
        else:
            inner = self._action(adverbials=0.4)
        if getattr(inner.subject, "name", "") == speaker.name:
            inner.subject = Pronoun("3s" + speaker.gender)
        who = self._one((Pronoun("1s"), Pronoun("2s"), Pronoun("3sm"), speaker)) if knows else speaker
        return Sentence(Joined(Clause(who, KNOW if knows else SAY), "that", inner), ".", "says")

    def _relative(self) -> Sentence:
        """The woman who lives in Rome is a doctor; I have read the book that Anna wrote."""
        kind = self._one(("person", "person", "animal", "thing"))
        if kind == "thing":
            return self._about_thing()
        head = self._phrase(kind, adjectives=0.05)
        head.determiner, head.owner = "the", None
        gap = Gap(head)
        if kind == "person" and self._chance(0.25):
            inner = Clause(self._told(), verb(self._one(("work", "live", "travel", "play", "talk", "dance")), False))
            head.relative = Relative("with whom", inner)
        elif self._chance(0.3):
            action = self._one(
                [entry for entry in TRANSITIVES if kind in entry.objects and entry.english not in WITH_RECIPIENT]
            )
            subject = self._told()
            head.relative = Relative("that", Clause(subject, action, self._one(("past", "present")), gap))
        else:
            inner = self._action(gap, tense=self._one(("past", "present")), adverbials=0.5)
            inner.adverb, inner.front = "", None
            head.relative = Relative("who" if kind == "person" else "that", inner)
        if self._chance(0.6):
            return Sentence(self._state(head), ".", "relative")
        action = self._one(
            [entry for entry in TRANSITIVES if kind in entry.objects and entry.english not in WITH_RECIPIENT]
        )
        subject = self._subject(HUMAN)
        return Sentence(Clause(subject, action, self._tense(action, subject), head), ".", "relative")

    def _told(self) -> Any:
        """Who it is inside a relative clause: he or she, unsaid in Italian, could be the one outside."""
        while True:
            subject = self._subject(HUMAN, 0.5)
            if not (isinstance(subject, Pronoun) and subject.person.startswith("3")):
                return subject

    def _about_thing(self) -> Sentence:
        """The shirt that Anna bought is red."""
        action = verb(
            self._one(("buy", "find", "lose", "wash", "repair", "read", "write", "choose", "sell", "prepare", "take"))
        )
        head = self._phrase(*action.objects, adjectives=0.05)
        head.determiner, head.owner = "the", None
        head.relative = Relative("that", Clause(self._told(), action, "past", Gap(head)))
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
        ask = self.rng.choices(
            (self._ask_yes_no, self._ask_state, self._ask_where_when, self._ask_what, self._ask_who, self._ask_why),
            (40, 15, 15, 12, 10, 8),
        )[0]
        return Sentence(ask(), "?", "question")

    def _ask_yes_no(self) -> Clause:
        clause = self._action(adverbials=0.4)
        while clause.adverb or clause.tense in ("habit", "perfect") or clause.negative or self._unasked(clause):
            clause = self._action(adverbials=0.4)
        clause.front, clause.asks = None, "yes"
        return clause

    def _ask_state(self) -> Be:
        """Where is my key? Is Anna tired?"""
        if self._chance(0.6):
            thing = self._phrase("thing", "clothing", "container", "animal", "vehicle", *PAPERS, adjectives=0.1)
            thing.determiner = "the" if thing.owner else self._one(("the", "my", "your", "our"))
            tense = self._one(("present", "present", "past"))
            return Be(self._one((self._asked_about(), thing, thing)), None, tense, asks="where")
        be = self._state()
        be.negative, be.adverb, be.asks = False, "", self._one(("yes", "yes", "why") if self._passing(be) else ("yes",))
        be.degree = "very" if be.degree == "very" else ""
        return be

    def _ask_where_when(self) -> Clause:
        asks = self._one(("where", "when"))
        where = ("work", "sleep", "play", "live", "walk", "sing", "dance")
        when = ("arrive", "leave", "come back", "wake up", "go out")
        action = verb(self._one(where if asks == "where" else when), False)
        subject = self._asked_about()
        tense = self._tense(action, subject)
        return Clause(subject, action, tense if tense in ("present", "past", "future") else "present", asks=asks)

    def _ask_what(self) -> Clause:
        """What did Anna buy? How many pens did she buy?"""
        action, subject = verb(self._one(GROUPS["asked about"])), self._asked_about()
        tense = self._tense(action, subject)
        tense = tense if tense in ("progressive", "past", "future") else "past"
        if self._chance(0.35):
            many = self._phrase(*action.objects, number="p", adjectives=0)
            if many.number == "p":
                many.determiner, many.owner = "how many", None
                return Clause(subject, action, "past" if tense == "progressive" else tense, many, asks="how many")
        return Clause(subject, action, tense, asks="what")

    def _ask_who(self) -> Clause:
        clause = self._action(Who(), self._one(("past", "past", "future")), transitive=True, adverbials=0.3)
        clause.negative, clause.adverb, clause.front = False, "", None
        return clause

    def _ask_why(self) -> Clause:
        clause = self._action(adverbials=0.3)
        while clause.tense in ("habit", "perfect") or clause.adverb:
            clause = self._action(adverbials=0.3)
        clause.front, clause.asks = None, "why"
        return clause

    def _asked_about(self) -> Any:
        """Not I, and not two joined by and, which would have to follow an Italian verb."""
        while True:
            subject = self._subject(HUMAN, 0.45)
            if subject.person != "1s" and not isinstance(subject, Both):
                return subject

    @staticmethod
    def _unasked(clause: Clause) -> bool:
        """Nobody asks whether I did something; and some would have to be any."""
        return clause.subject.person in ("1s", "1p") or (
            isinstance(clause.object, Phrase) and clause.object.determiner == "some"
        )
