"""Tiny worlds: who is where and who has what; questions that need one of these facts, two, or one that is missing.

    WorldQuestion      a question about a world of a few sentences, and where its answer stands
    world_questions    as many as are asked for, each about a world of its own
    string_rule        an answer found by comparing words alone
    WORLD_WORDS        all words and signs that occur

"Ada has the ball. Ada is in the old garden." answers "Who has the ball?" by one sentence and "Where is the ball?" by
two: neither of them holds both the ball and the garden. Each world is drawn anew, so what is true in one says nothing
about the next, and its sentences are shuffled. A program wrote all of it. Taught in notebook 17.
"""

import random
import re
from collections.abc import Sequence
from typing import NamedTuple

PEOPLE = ["Ada", "Ben", "Cleo", "Dan", "Eva", "Hugo"]
THINGS = ["ball", "book", "drum", "kite", "lamp", "rope"]
LOOKS = ["old", "new", "dark", "quiet"]
ROOMS = ["garden", "kitchen", "hall", "tower", "cellar", "library"]
PLACES = [f"{look} {room}" for look in LOOKS for room in ROOMS]
PLACED, OWNED = ("{} is in the {}.", "{} went to the {}."), ("{} has the {}.", "{} found the {}.")
KINDS = ONE, TWO, NONE = "one fact", "two facts", "no answer"
WORLD_WORDS = ["where", "is", "in", "went", "to", "the", "what", "does", "have", "who", "has", "found", ".", "?"]
WORLD_WORDS += [name.lower() for name in (*PEOPLE, *THINGS, *LOOKS, *ROOMS)]
IN_A_WORLD, TOLD = 3, 0.75  # people; how likely each fact is told


class WorldQuestion(NamedTuple):
    """kind: of KINDS    answer: "" for none    start: the place in the text of its first character, 0 for none

    facts: the sentences that give the answer, in the order in which one needs them
    """

    kind: str
    text: str
    question: str
    answer: str
    start: int
    facts: tuple[str, ...]


def world_questions(n: int, rng: random.Random, kinds: Sequence[str] = KINDS) -> list[WorldQuestion]:
    """n questions, each about a world of its own, of kinds drawn from `kinds`, where one may stand several times."""
    found = []
    for kind in rng.choices(kinds, k=n):
        while (one := _one_question(rng)) is None or one.kind != kind:
            pass
        found.append(one)
    return found


def _one_question(rng: random.Random) -> WorldQuestion | None:
    """A world, and a question about the first of its people; None where the text lacks what it asks about."""
    people, places, things = (rng.sample(known, IN_A_WORLD) for known in (PEOPLE, PLACES, THINGS))
    sentences = {}  # of the facts that are told, (person, value)
    for values, ways in ((places, PLACED), (things, OWNED)):
        for fact in zip(people, values, strict=True):
            if rng.random() < TOLD:
                sentences[fact] = rng.choice(ways).format(*fact)
    person, place, thing = people[0], places[0], things[0]
    placed, owned = (person, place), (person, thing)
    question, answer, needed, about = rng.choice(
        [
            (f"Where is {person}?", place, [placed], [placed, owned]),
            (f"What does {person} have?", thing, [owned], [placed, owned]),
            (f"Who has the {thing}?", person, [owned], [owned]),
            (f"Where is the {thing}?", place, [owned, placed], [owned]),
        ]
    )
    if not any(fact in sentences for fact in about):
        return None
    order = rng.sample(list(sentences.values()), len(sentences))
    text = " ".join(order)
    if not all(fact in sentences for fact in needed):
        return WorldQuestion(NONE, text, question, "", 0, ())
    facts = tuple(sentences[fact] for fact in needed)
    start = text.index(facts[-1]) + facts[-1].index(answer)
    return WorldQuestion(KINDS[len(facts) - 1], text, question, answer, start, facts)


def string_rule(question: str, text: str) -> str:
    """The word of the asked kind (a place for "Where") in a sentence with the asked word; "" if none has both."""
    kind = {"Where": PLACES, "What": THINGS, "Who": PEOPLE}[question.split()[0]]
    asked = next(word for word in re.findall(r"\w+", question) if word in PEOPLE + THINGS)
    near = [sentence for sentence in text.split(".") if asked in sentence.split()]
    return next((one for one in kind for sentence in near if one in sentence), "")
