"""Questions about stories: their answers stand in the text, and sums are right with a calculator or without."""

import random
import re

from lib.corpora.stories import load_stories
from lib.corpora.story_questions import (
    UNSAID,
    beginning,
    commonest_answers,
    question_messages,
    story_questions,
    sum_messages,
)
from lib.tools import calculate, find_call

TEXT = (
    "One windy day in May, a brave girl named Yara met her cousin Theo and Mr Ash the boat builder. She had a red "
    'kite with an owl on it. "May I see it?" asked Theo.'
)


def test_by_hand():
    asked = {one.question: one.answer for one in story_questions(TEXT)}
    assert asked == {
        "Who is the story about?": "It is Yara.",
        "Is Yara a boy or a girl?": "It is a girl.",
        "What is the cousin called?": "It is Theo.",
        "In which month is it?": "It is May.",
        "Who is Mr Ash?": "It is the boat builder.",
        "What colour is the kite?": "It is red.",
    }
    assert [one.answer for one in story_questions("It rained.")] == [UNSAID]
    assert not story_questions("From March to June it rained.")


def test_what_is_answered_stands_in_the_text():
    kinds = set()
    for story in load_stories()[:300]:
        text = beginning(story)
        assert "\n" not in text and story.startswith(text)
        for one in story_questions(text):
            kinds.add(one.kind)
            if one.answer != UNSAID:
                assert one.answer.removeprefix("It is ").removeprefix("a ").rstrip(".") in text, one
    assert kinds == {"hero", "child", "companion", "month", "trade", "colour"}


def test_a_conversation_reads_the_text_once():
    asked = story_questions(TEXT)
    messages = question_messages(TEXT, asked)
    assert [message["role"] for message in messages] == ["user", "assistant"] * len(asked)
    assert messages[0]["content"] == f"{TEXT}\n{asked[0].question}"
    assert messages[2]["content"] == asked[1].question and messages[3]["content"] == asked[1].answer
    assert commonest_answers([*asked, *asked])["hero"] == "It is Yara."


def test_sums_are_right():
    for seed in range(100):
        with_call, alone = (sum_messages(random.Random(seed), calculator) for calculator in (True, False))
        assert (with_call[0], with_call[-1]) == (alone[0], alone[-1]) and len(alone) == 2
        expression, end = find_call(with_call[1]["content"])
        assert end == len(with_call[1]["content"]) and calculate(expression) == with_call[2]["content"]
        assert re.findall(r"\d+", alone[1]["content"]) == [with_call[2]["content"]]
