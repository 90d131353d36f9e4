"""Questions about the beginning of a story, with answers that a rule finds in it; and sums about its children.

    StoryQuestion, story_questions    what can be asked of a text, and the answer
    UNSAID                            the answer where the text has none: a model must be able to say so
    question_messages                 some of the questions on a text as a conversation
    commonest_answers                 what one answers without reading: the answer given most often to each kind
    sum_messages                      a small sum as a conversation, with a calculator or without one

The texts are the first paragraphs of the stories, which a program wrote (`lib.corpora.stories`); so are questions and
answers. Messages are as in `lib.chat`.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lib.corpora.stories import NAMES, children

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
COLOURS = (
    "red|blue|green|yellow|white|black|brown|orange|purple|pink|grey|golden|silver-grey|turquoise|cream-coloured|"
    "scarlet|violet"
)
COMPANIONS = ["friend", "cousin", "brother", "sister", "neighbour"]
UNSAID = "The story does not say."
FRUITS = ["apples", "plums", "cherries", "pears", "lemons", "oranges", "figs", "walnuts"]
HOLDERS = ["baskets", "boxes", "bags", "bowls", "jars"]


class StoryQuestion(NamedTuple):
    """kind: hero, child, companion, month, trade or colour; questions without an answer keep the kind month."""

    kind: str
    question: str
    answer: str


def beginning(story: str) -> str:
    """The first paragraph of a story."""
    return story.partition("\n")[0]


def story_questions(text: str) -> list[StoryQuestion]:
    """All that the rules can ask of a text. What a rule finds twice, with two answers, is not asked.

    Answers are short sentences: in the middle of one, a name is written in the same tokens as in the text.
    """
    asked = []

    def ask(kind: str, question: str, answers: Iterable[str]) -> None:
        if len(found := set(answers)) == 1:
            asked.append(StoryQuestion(kind, question, f"It is {found.pop()}."))

    named = [name for name in re.findall(r"named ([A-Z][a-z]+)", text) if name in NAMES]
    for hero in [*named, *children(text)][:1]:
        ask("hero", "Who is the story about?", [hero])
        ask(
            "child",
            f"Is {hero} a boy or a girl?",
            (f"a {c}" for c in re.findall(rf"\b(boy|girl) named {hero}\b", text)),
        )
    for kind in COMPANIONS:
        names = [name for name in re.findall(rf"\b{kind} ([A-Z][a-z]+)", text) if name in NAMES]
        ask("companion", f"What is the {kind} called?", names)
    if months := re.findall(rf"\b({MONTHS})\b(?! I\b)", text):  # "May I ask?" is no month
        ask("month", "In which month is it?", months)
    else:
        asked.append(StoryQuestion("month", "In which month is it?", UNSAID))
    trades = defaultdict(list)
    for name, trade in re.findall(r"\b(Mrs? [A-Z][a-z]+) the ([a-z]+(?: [a-z]+)?)[.,]", text):
        trades[name].append(f"the {trade}")
    for name, found in trades.items():
        ask("trade", f"Who is {name}?", found)
    looks = defaultdict(list)
    look = (
        rf"(?<!and )\b({COLOURS}) ((?:[a-z]+ )?[a-z]*[^s\W])(?= with an? | in the shape |[.,])"  # not of several things
    )
    for colour, thing in re.findall(look, text):
        looks[thing].append(colour)
    for thing, found in looks.items():
        if not thing.startswith("and "):
            ask("colour", f"What colour is the {thing}?", found)
    return asked


def question_messages(text: str, asked: Sequence[StoryQuestion]) -> list[dict[str, str]]:
    """The text with the first question, its answer, and the other questions in turn: twice as many messages."""
    messages = []
    for i, one in enumerate(asked):
        messages.append({"role": "user", "content": one.question if i else f"{text}\n{one.question}"})
        messages.append({"role": "assistant", "content": one.answer})
    return messages


def commonest_answers(asked: Iterable[StoryQuestion]) -> dict[str, str]:
    """For each kind the answer that was right most often."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in asked:
        counts[one.kind][one.answer] += 1
    return {kind: answers.most_common(1)[0][0] for kind, answers in counts.items()}


def sum_messages(rng: random.Random, calculator: bool, largest: int = 99) -> list[dict[str, str]]:
    """A question with numbers from 2 to `largest`, and the way to its answer.

    calculator: the assistant calls, is told the result by the role "tool", and says it. Otherwise it says it at once.
    The last message has the answer: "There are 84 apples." or "Anna has 84 apples left."
    """
    name, fruit, holder = rng.choice(list(NAMES)), rng.choice(FRUITS), rng.choice(HOLDERS)
    small, large = sorted((rng.randint(2, largest), rng.randint(2, largest)))
    question, expression, result, answer = rng.choice(
        [
            (f"{name} has {large} {holder} with {small} {fruit} each. How many {fruit} are there?",
             f"{large}*{small}", large * small, "There are {} {}."),
            (f"There are {large} {fruit}, and {name} brings {small} more. How many {fruit} are there?",
             f"{large}+{small}", large + small, "There are {} {}."),
            (f"{name} has {large} {fruit} and gives away {small}. How many {fruit} are left?",
             f"{large}-{small}", large - small, name + " has {} {} left."),
        ]
    )  # fmt: skip
    messages = [{"role": "user", "content": question}]
    if calculator:
        messages.append({"role": "assistant", "content": f"<calc>{expression}</calc>"})
        messages.append({"role": "tool", "content": str(result)})
    return [*messages, {"role": "assistant", "content": answer.format(result, fruit)}]
