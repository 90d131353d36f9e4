"""Questions about articles of Wikipedia, whose answers stand in the text: XQuAD's English and SQuAD 2.0.

    load_xquad    1,190 questions about 48 articles, with one answer each (Artetxe et al. 2020)
    load_squad    142,192 questions, about a third of them without an answer in the text (Rajpurkar et al. 2018)

People wrote them; CC BY-SA 4.0. They are downloaded on first use (`lib.downloads`). XQuAD is a part of SQuAD's
development set: what was trained on SQuAD's "train" has not seen it. Splits go by article, so a test never asks about a
text that was trained on, nor about its neighbours.
"""

import json
from typing import NamedTuple

from lib.downloads import fetch

XQUAD, SQUAD = "xquad/xquad.en.json", {"train": "squad/train-v2.0.json", "dev": "squad/dev-v2.0.json"}
SPLITS = ("train", "test")
EVERY = 4  # article out of so many is for the test


class Question(NamedTuple):
    """What is asked about a paragraph of an article, and what people marked there as answers."""

    title: str
    context: str
    question: str
    answers: tuple[str, ...]  # none: the context does not say
    starts: tuple[int, ...]  # the place in the context of each answer's first character


def load_xquad(split: str = "train") -> list[Question]:
    """The questions about 36 articles, "train", or about the 12 others, "test": 894 and 296."""
    if split not in SPLITS:
        raise ValueError(f"XQuAD has no split {split!r} here; there are {', '.join(SPLITS)}")
    articles = _articles(XQUAD)
    return _questions(article for i, article in enumerate(articles) if (i % EVERY == EVERY - 1) == (split == "test"))


def load_squad(split: str = "train") -> list[Question]:
    """The 130,319 questions of "train" or the 11,873 of "dev"; the test questions of SQuAD are not public."""
    if split not in SQUAD:
        raise ValueError(f"SQuAD has no split {split!r}; there are {', '.join(SQUAD)}")
    return _questions(_articles(SQUAD[split]))


def _articles(name: str) -> list[dict]:
    return json.loads(fetch(name).read_text(encoding="utf-8"))["data"]


def _questions(articles) -> list[Question]:
    """SQuAD's format: articles of paragraphs of questions of answers."""
    return [
        Question(
            article["title"],
            paragraph["context"],
            asked["question"].strip(),
            tuple(answer["text"] for answer in asked["answers"]),
            tuple(answer["answer_start"] for answer in asked["answers"]),
        )
        for article in articles
        for paragraph in article["paragraphs"]
        for asked in paragraph["qas"]
    ]
