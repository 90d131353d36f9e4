"""Sentences whose "it" could be either of two nouns, until an adjective decides: in Italian the adjective shows which.

    The fox did not cross the street because it was too tired.   La volpe non ha attraversato la strada perché era
    troppo stanca.
    The dog did not cross the street because it was too wide.    Il cane non ha attraversato la strada perché era
    troppo larga.

The two nouns always differ in gender and the adjective always shows it. After Levesque, Davis and Morgenstern, "The
Winograd Schema Challenge" (2012), and the example that made "too tired" and "too wide" known (Uszkoreit,
"Transformer", 2017). A quarter of the sentences has one candidate only: he ate the apple because it was tasty.
"""

import random
from dataclasses import dataclass

from data.make.italian_adverbials import Beside
from data.make.italian_clauses import Be, Clause, Joined
from data.make.italian_nouns import Adjective, Noun, adjective, adjectives_for, nouns_of
from data.make.italian_phrases import Name, Phrase, Pronoun
from data.make.italian_verbs import NAMES, Verb, verb

FIT = Verb("fit", "entrare", (), (), (), (), stative=True)  # the state of fitting: non entrava
JUMP = Verb("jump over", "saltare", (), (), (), ())
POUR = Verb("pour", "versare", (), (), (), ())


@dataclass(frozen=True)
class Frame:
    """An action between two nouns, and the adjectives that can only mean the one or the other."""

    verb: Verb
    subjects: tuple[Noun, ...]
    objects: tuple[Noun, ...]
    of_subject: tuple[str, ...]
    of_object: tuple[str, ...]
    place: tuple[str, str] | None = None  # on the sofa: the second noun stands in an adverbial
    happens: bool = False  # it did happen, because or even though


ANIMALS = nouns_of("animal")
WALKERS = tuple(noun for noun in ANIMALS if noun.english not in ("snail", "turtle"))
SLEEPERS = nouns_of("cat", "dog", "fox", "hen", "rabbit", "monkey", "duck", "mouse", "lamb", "goat")
BELONGINGS = nouns_of(
    "umbrella", "mirror", "picture", "lamp", "doll", "rope", "candle", "guitar", "violin", "jumper", "coat", "scarf"
)
FRAMES = (
    Frame(
        verb("cross"), ANIMALS, nouns_of("crossing"), ("tired", "scared", "lazy", "sick"),
        ("wide", "dangerous", "deep", "muddy", "steep", "narrow", "crowded"),
    ),
    Frame(JUMP, WALKERS, nouns_of("barrier"), ("tired", "scared", "lazy", "sick", "distracted"), ("high", "wide",
    "deep")),
    Frame(
        verb("eat"), ANIMALS, nouns_of("fruit", "baked", "staple", "cooked"), ("sick", "scared", "nervous", "tired"),
        ("salty", "unripe", "burnt", "bitter"),
    ),
    Frame(verb("sleep", False), SLEEPERS, nouns_of("bed", "sofa", "armchair", "carpet"), ("tired", "sick", "lazy"),
          ("soft", "comfortable"), ("on", "su"), True),
    Frame(FIT, BELONGINGS, nouns_of("bag", "box", "suitcase", "drawer", "backpack"), ("long", "wide"),
          ("small", "narrow", "full"), ("in", "in")),
    Frame(verb("cross"), ANIMALS, nouns_of("crossing"), ("tired", "scared", "sick"), ("wide", "dangerous", "deep",
    "muddy"), None, True),
)  # fmt: skip
FRAME_WEIGHTS = (34, 10, 14, 8, 10, 10)
UNGRADED = ("burnt", "broken", "unripe", "new", "full", "empty")  # not too burnt, nor very burnt
VESSELS = nouns_of("glass", "cup", "bottle", "jug", "pot", "bucket")
EATEN = (("tasty", "fresh", "delicious"), ("salty", "unripe", "burnt", "bitter", "cold", "hot"))
BOUGHT = (("beautiful", "new", "light"), ("expensive", "small", "old", "ugly", "broken", "dirty"))


@dataclass
class Reference:
    """The tree, the phrase that "it" means, the Be whose adjective agrees with it, and the two candidates."""

    tree: Joined
    referent: Phrase
    be: Be
    candidates: tuple[Phrase, ...]


def ambiguous(rng: random.Random) -> Reference:
    """Two candidates of different gender."""
    if rng.random() < 0.1:
        return _pouring(rng)
    frame = rng.choices(FRAMES, FRAME_WEIGHTS)[0]
    subject = Phrase(rng.choice(frame.subjects), determiner=rng.choices(("the", "a"), (9, 1))[0])
    thing = Phrase(rng.choice([noun for noun in frame.objects if noun.gender != subject.gender]))
    of_thing = [entry for entry in adjectives_for(thing.noun) if entry.english in frame.of_object]
    referent = rng.choice((subject, thing)) if of_thing else subject
    quality = adjective(rng.choice(frame.of_subject)) if referent is subject else rng.choice(of_thing)
    # something that does happen, happens because of a reason for it and even though there are reasons against it
    against = frame.verb.english == "cross"
    conjunction = "even though" if frame.happens and against else "because"
    tense = rng.choices(("past", "present", "future"), (6, 3, 1))[0]
    clause = Clause(subject, frame.verb, tense, negative=not frame.happens)
    if frame.place:
        clause.tail.append(Beside(*frame.place, thing))
    else:
        clause.object = thing
    if tense == "present" and clause.negative and frame.verb is not FIT and rng.random() < 0.4:
        clause.modal = "can"
    degrees = (
        ("very", "really", "")
        if frame.happens
        else ("too",)
        if frame.verb is FIT
        else ("too", "too", "too", "very", "so")
    )
    return _joined(rng, clause, conjunction, referent, quality, degrees, (subject, thing))


def _pouring(rng: random.Random) -> Reference:
    """I poured the water from the bottle into the cup until it was full."""
    source = Phrase(rng.choice(VESSELS))
    target = Phrase(rng.choice([noun for noun in VESSELS if noun.gender != source.noun.gender]))
    who = rng.choice((Pronoun("1s"), Pronoun("3sm"), Pronoun("3sf"), Pronoun("1p"), Name(rng.choice(list(NAMES)))))
    household = {source.noun.english, target.noun.english} & {"pot", "bucket"}
    drink = Phrase(rng.choice(nouns_of("water") if household else nouns_of("water", "milk", "wine", "juice")))
    tail = [Beside("from", "da", source), Beside("into", "in", target)]
    referent = rng.choice((source, target))
    quality = adjective("empty" if referent is source else "full")
    be = Be(Pronoun("3s" + referent.gender, thing=True), quality, "event")
    return Reference(Joined(Clause(who, POUR, "past", drink, tail=tail), "until", be), referent, be, (source, target))


def plain_it(rng: random.Random) -> Reference:
    """One candidate: she did not buy the skirt because it was too expensive."""
    negative = rng.random() < 0.5
    action, kinds, qualities = rng.choice(
        (
            (verb("eat"), ("fruit", "baked", "staple", "cooked"), EATEN),
            (verb("buy"), ("clothing", "thing", "car", "bicycle", "motorbike", "boat"), BOUGHT),
        )
    )
    who = rng.choice(
        (
            *map(Pronoun, ("1s", "3sm", "3sf", "1p", "3pm")),
            Name(rng.choice(list(NAMES))),
            Phrase(rng.choice(nouns_of("person"))),
        )
    )
    while True:
        thing = Phrase(rng.choice(nouns_of(*kinds)))
        fitting = [entry for entry in adjectives_for(thing.noun) if entry.english in qualities[negative]]
        if fitting:
            break
    tense = rng.choices(("past", "future"), (8, 2))[0]
    clause = Clause(who, action, tense, thing, negative=negative)
    degrees = ("too", "too", "very") if negative else ("very", "so", "")
    return _joined(rng, clause, "because", thing, rng.choice(fitting), degrees, (thing,))


def _joined(
    rng: random.Random,
    clause: Clause,
    conjunction: str,
    referent: Phrase,
    quality: Adjective,
    degrees: tuple[str, ...],
    candidates: tuple[Phrase, ...],
) -> Reference:
    be = Be(Pronoun("3s" + referent.gender, thing=True), quality, "past" if clause.tense == "past" else "present")
    be.degree = "" if quality.english in UNGRADED else rng.choice(degrees)
    return Reference(Joined(clause, conjunction, be), referent, be, candidates)
