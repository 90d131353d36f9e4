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

PEOPLE = "Ada Ben Cleo Dan Eva Hugo".split()
THINGS = "ball book drum kite lamp rope".split()
LOOKS = "old new dark quiet".split()
ROOMS = "garden kitchen hall tower cellar library".split()
PLACES = [f"{look} {room}" for look in LOOKS for room in ROOMS]
PLACED, OWNED = ("{} is in the {}.", "{} went to the {}."), ("{} has the {}.", "{} found the {}.")
KINDS = ONE, TWO, NONE = "one fact", "two facts", "no answer"
WORLD_WORDS = sorted(
    {*"where is the what does have who has in went to found . ?".split(), *" ".join(PLACES).split(), *THINGS}
    | {name.lower() for name in PEOPLE}
)
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
        fitting: list = []
        while not fitting:
            text, asked = _world(rng)
            fitting = [one for one in asked if one[0] == kind]
        _, question, answer, facts = rng.choice(fitting)
        start = text.index(facts[-1]) + facts[-1].index(answer) if facts else 0
        found.append(WorldQuestion(kind, text, question, answer, start, facts))
    return found


def _world(rng: random.Random) -> tuple[str, list[tuple[str, str, str, tuple[str, ...]]]]:
    """A text, and all that can be asked about it: kind, question, answer and the facts that give it."""
    placed, owned = {}, {}  # of each person: the value and the sentence that tells it
    people, places, things = (rng.sample(known, IN_A_WORLD) for known in (PEOPLE, PLACES, THINGS))
    for person, place, thing in zip(people, places, things, strict=True):
        for facts, ways, value in ((placed, PLACED, place), (owned, OWNED, thing)):
            if rng.random() < TOLD:
                facts[person] = value, rng.choice(ways).format(person, value)
    sentences = [sentence for _, sentence in [*placed.values(), *owned.values()]]
    rng.shuffle(sentences)
    asked = []
    for person in [one for one in people if one in placed or one in owned]:
        for question, facts in ((f"Where is {person}?", placed), (f"What does {person} have?", owned)):
            answer, *told = facts.get(person, [""])
            asked.append((ONE if told else NONE, question, answer, tuple(told)))
        if person in owned:
            thing, first = owned[person]
            asked.append((ONE, f"Who has the {thing}?", person, (first,)))
            place, *second = placed.get(person, [""])
            asked.append((TWO if second else NONE, f"Where is the {thing}?", place, (first, *second) if second else ()))
    return " ".join(sentences), asked


def string_rule(question: str, text: str) -> str:
    """The word of the asked kind (a place for "Where") in a sentence with the asked word; "" if none has both."""
    kind = {"Where": PLACES, "What": THINGS, "Who": PEOPLE}[question.split()[0]]
    asked = next(word for word in re.findall(r"\w+", question) if word in PEOPLE + THINGS)
    near = [sentence for sentence in text.split(".") if asked in sentence.split()]
    return next((one for one in kind for sentence in near if one in sentence), "")
