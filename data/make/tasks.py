"""What one model can be asked to do with the course's own sentences and stories (notebook 17).

    turned        a statement, its negation and its question
    past          a statement in the present, and in the past
    retold        the beginning of a story, a summary of it, and a question about it with its answer
    tasks_text    the whole of data/tasks.tsv

All is read from the trees and the worlds that the sentences and the stories are told from; the program that tells them
knows who did what. The lines are read by lib.corpora.tasks.
"""

import random
from dataclasses import replace

from data.make.italian import realise
from data.make.italian_clauses import Clause
from data.make.italian_sentences import Author, Sentence
from data.make.stories import SCRIPTS
from data.make.story_casting import FIXED, cast, world
from data.make.story_world import WORDS
from data.make.storyteller import Teller

SIZES = {"train": (4_000, 100, 2_500), "test": (300, 200, 300)}  # statements, present ones, stories
LONGEST_STORY = 240  # characters of its first paragraph
SUMMARIES = {  # plot -> what happened, and the word without which one could not know it
    "lost": ("{h} lost a {}.", lambda state: state["thing"].noun),
    "forgotten": ("{h} forgot the {}.", lambda state: state["item"]),
    "broken": ("{h} broke a {}.", lambda state: state["vessel1"]),
    "swap": ("{h} wished for a {}.", lambda state: state["goal"].noun),
    "practice": ("{h} wanted to learn to {}.", lambda state: state["skill"]),
    "grow": ("{h} planted a {}.", lambda state: state["crop1"]),
    "build": ("{h} and {f} built a {}.", lambda state: state["project"]),
}
VERBS = {"lost": "lose", "forgotten": "forget", "broken": "break", "grow": "plant"}


def _statement(author: Author, kinds: tuple[str, ...]) -> Sentence | None:
    """A sentence of one clause that negates and asks nothing yet; None where the next one does not suit."""
    sentence = author.sentence(author.rng.choice(kinds))
    clause = sentence.tree
    if not isinstance(clause, Clause) or sentence.mark != "." or clause.tense == "habit":
        return None
    turned_already = clause.negative or clause.asks or clause.adverb or clause.front
    return None if turned_already or " some " in realise(sentence).english else sentence  # some would become any


def turned(author: Author) -> list[str] | None:
    """Statement, negation, question; None where the next sentence does not suit."""
    if (sentence := _statement(author, ("plain", "plain", "give", "clitic", "modal"))) is None:
        return None
    no = replace(sentence, tree=replace(sentence.tree, negative=True))
    asked = replace(sentence, tree=replace(sentence.tree, asks="yes"), mark="?")
    return [realise(each).english for each in (sentence, no, asked)]


def past(author: Author) -> list[str] | None:
    """A statement in the present, and the same in the past; None where the next sentence does not suit."""
    sentence = _statement(author, ("plain", "give", "clitic"))
    if sentence is None or sentence.tree.tense != "present" or sentence.tree.tail or sentence.tree.modal:
        return None
    before = replace(sentence, tree=replace(sentence.tree, tense="past"))
    return [realise(each).english for each in (sentence, before)]


def retold(rng: random.Random) -> list[str] | None:
    """Text, summary, question, answer; None where the beginning is long or does not tell enough."""
    plot = rng.choice(tuple(SUMMARIES))
    state, flags = world(rng, plot)
    state |= cast(rng, False)
    teller = Teller(rng, state, flags, SCRIPTS)
    for slot, words in FIXED.items():
        state[slot] = teller.draw(words, WORDS[words])
    teller.tell(SCRIPTS[plot])
    text, hero, friend = teller.text().split("\n")[0], state["h"].name, state["f"].name
    form, key = SUMMARIES[plot]
    summary, known = form.format(key(state), h=hero, f=friend), [hero, key(state)] + [friend] * ("{f}" in form)
    if len(text) > LONGEST_STORY or not all(word in text for word in known):
        return None
    asked = {"Who is it about?": hero, "In which month?": state["month"], f"Who was with {hero}?": friend}
    asked |= {"Who gave it?": state["giver"].name} if plot == "lost" else {}
    asked |= {f"What did {hero} {VERBS[plot]}?": key(state)} if plot in VERBS else {}
    return [text, summary, *rng.choice([pair for pair in asked.items() if pair[1] in text])]


def tasks_text(seed: int = 0) -> str:
    """The file: split, "turned", "past" or "retold", then the parts; no statement and no story stands there twice."""
    rng, seen, lines = random.Random(seed), set(), []
    author = Author(rng)
    for split, sizes in SIZES.items():
        for kind, size in zip((turned, past, retold), sizes, strict=True):
            left = size
            while left:
                parts = kind(rng if kind is retold else author)
                if parts and parts[0] not in seen:
                    seen.add(parts[0])
                    lines.append("\t".join((split, kind.__name__, *parts)))
                    left -= 1
    return "\n".join(lines) + "\n"
