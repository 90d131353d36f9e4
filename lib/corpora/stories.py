"""The stories of data/stories.txt, and measures of a story that hold for a model's as well as for ours.

    load_stories                the stories as strings
    NAMES, GENDERS              who is he and who is she (data/names.tsv)
    CAUSES                      (cause, effect): where the first stands, the second must follow
    children                    whom a text calls by first name
    sentences                   the sentences of a text, to count those that stand in another one
    pronouns_bound, names_kept, causes_kept    whether pronouns, names and causes hold

A program wrote the stories (data/make/stories.py); they are the course's own (CC0). Read in notebook 01 (a character
RNN) and notebook 11 (GPT).
"""

import re

from lib.corpora import files

PEOPLE = [line.split("\t") for line in files.read("names.tsv").splitlines()]  # name, m or f, child or grown-up
NAMES = {name: gender for name, gender, who in PEOPLE if who == "child"}
ELDERS = {name: gender for name, gender, who in PEOPLE if who == "grown-up"}
FEMALE = ["girl", "woman", "sister", "mother", "grandmother", "aunt", "queen", "Aunt", "Mrs"]
MALE = ["boy", "man", "brother", "father", "grandfather", "uncle", "king", "sultan", "prince", "Uncle", "Mr"]
GENDERS = NAMES | ELDERS | dict.fromkeys(FEMALE, "f") | dict.fromkeys(MALE, "m")
PRONOUNS = dict.fromkeys(["he", "him", "his", "himself"], "m") | dict.fromkeys(["she", "her", "hers", "herself"], "f")

# In a story that has the first, the second stands after it.
CAUSES: list[tuple[str, str]] = [
    (
        r"(forgotten|left) (his|her) umbrella|(his|her) umbrella was still lying|here was [\w']+ umbrella",
        r"wet|dripping",
    ),
    (r"wet to the skin|\bso wet\b|ran down \w+ neck", r"\b(dry|dried)\b"),
    (r"(forgotten|left) (his|her) mittens|mittens were still lying|here were [\w']+ mittens", r"cold|stiff"),
    (r"(forgotten|left) (his|her) lantern|(his|her) lantern was still lying|here was [\w']+ lantern", r"\bdark\b"),
    (
        r"(forgotten|left) (his|her) lunch box|(his|her) lunch box was still lying|here was [\w']+ lunch box",
        r"\bhalf\b",
    ),
    (r"was a hole in \w+ (left|right|coat|trouser) pocket", r"sewed up the hole"),
    (r"wind (came|took)", r"in an? [\w ]+ beside|In the top of a"),
    (r"\bthe dog of\b", r"\bdropped\b|\blay\b"),
    (r"\bplanted (it|a \w+ seed)\b", r"green tip|sprouted"),
    (r"\bbroke into \w+ pieces|There was a crash", r"I lied about"),
    (r"had stolen|somebody stole|has stolen", r"hedgehog|magpie|fox|mouse|goat|raccoon|marten|squirrel|jackdaw"),
    (r"\bwas afraid of\b", r"found out that|notice that"),
    (r"promised to hurry|\bI promise to bring\b", r"knocked|kept your promise|standing at the"),
    (r"broke in two", r"\bglue\b|sorry"),
]
_SENTENCE_END = re.compile(r'(?<=[.!?])\s+(?=["A-Z])|(?<=[.!?]")\s+(?=["A-Z])')


def load_stories() -> list[str]:
    """The stories of data/stories.txt; paragraphs are separated by one line end."""
    return files.read("stories.txt").strip().split("\n\n")


def sentences(text: str) -> list[str]:
    """The sentences of a text; a quotation belongs to the words that say who speaks."""
    return [part for line in text.splitlines() for part in _SENTENCE_END.split(line) if part]


def pronouns_bound(text: str) -> tuple[int, int]:
    """How many pronouns of a story have somebody of their gender before them, and how many pronouns there are."""
    seen, bound, total = set(), 0, 0
    for word in re.findall(r"\w+", text):
        if word in GENDERS:
            seen.add(GENDERS[word])
        elif gender := PRONOUNS.get(word.lower()):
            bound += gender in seen
            total += 1
    return bound, total


def children(text: str) -> list[str]:
    """The children that a text calls by their first names, in order, once for each time."""
    return [name for name in re.findall(r"(?<!Aunt )(?<!Uncle )\b[A-Z][a-z]+\b", text) if name in NAMES]


def names_kept(text: str) -> bool:
    """Whether a story keeps to its people: at most a hero and a friend by first name, and one neighbour."""
    return len(set(children(text))) <= 2 and len(set(re.findall(r"\bMrs? [A-Z][a-z]+", text))) <= 1


def causes_kept(text: str) -> tuple[int, int]:
    """How many of the causes in a story are followed by their effect, and how many causes there are."""
    causes = [(found, effect) for cause, effect in CAUSES if (found := re.search(cause, text))]
    return sum(re.search(effect, text[found.end() :]) is not None for found, effect in causes), len(causes)
