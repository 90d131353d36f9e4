"""Stories: big, varied, in plain letters; names, pronouns and causes hold, and the checks notice when they do not."""

import gzip
import random
import re
from collections import Counter

import pytest

from data.make.stories import N_STORIES
from data.make.story_world import WORDS
from data.make.storyteller import Person, Teller, Thing, polish, script
from lib.corpora import stories


@pytest.fixture(scope="module")
def told() -> list[str]:
    return stories.load_stories()


@pytest.fixture(scope="module")
def text(told) -> str:
    return "\n\n".join(told) + "\n"


def test_size_and_letters(told, text):
    assert len(text) > 6_000_000 and len(told) == N_STORIES
    assert text.isascii() and "\t" not in text and "\r" not in text and "  " not in text
    assert not re.search(r"[{}\[\]|<>_]", text), "a template shows through"
    assert len(set(text)) < 80, "few enough characters for a character model"
    assert all(60 <= len(story.split()) <= 200 for story in told)


def test_most_sentences_stand_only_once(told, text):
    counts = Counter(stories.sentences(text))
    repeated = sum(count for count in counts.values() if count > 1)
    assert counts.total() > 75_000
    assert repeated / counts.total() < 0.09
    assert max(counts.values()) < 40


def test_words_and_openings_vary(told, text):
    words = Counter(re.findall(r"[a-z']+", text.lower()))
    assert 2_000 < len(words) < 5_000
    openings = {stories.sentences(story)[0] for story in told}
    assert len(openings) > 0.97 * len(told)
    compressed = len(text) / len(gzip.compress(text.encode(), 9))
    assert compressed < 4.2, "a text of repeated sentences would compress further"


def test_the_language_is_mended(text):
    assert not re.findall(r"\b(\w+) \1\b", text, re.I)
    assert not re.findall(r"\b[Aa] [aeio]\w*", text) and not re.findall(r"\b[Aa]n [^aeiouAEIOU\W]\w*", text)
    assert not re.findall(r"[,.;:!?] ?[,.;:]|\s[,.;:!?]|\.[A-Za-z]", text)
    assert not [line for line in text.splitlines() if line and not re.match(r'["A-Z].*[.!?]"?$', line)]
    assert not [line for line in text.splitlines() if line.count('"') % 2]
    for start in re.findall(r'(?:[.!?]|\.") (\S)', text):
        assert start == '"' or start.isupper(), "sentences begin with a capital"


def test_names_pronouns_and_causes_hold_in_every_story(told):
    assert all(map(stories.names_kept, told))
    bound, pronouns = map(sum, zip(*map(stories.pronouns_bound, told), strict=True))
    assert bound == pronouns > 30_000
    kept, causes = map(sum, zip(*map(stories.causes_kept, told), strict=True))
    assert kept == causes > 3_000


def test_every_cause_is_told_often_enough_to_be_learned(told):
    for cause, _ in stories.CAUSES:
        assert sum(bool(re.search(cause, story)) for story in told) >= 20, cause


def test_a_girl_is_she_and_a_boy_is_he(told):
    """Where only one person of a sentence can be meant: "a boy named Ben ... himself"."""
    kinds = {"boy": "m", "girl": "f"}
    for story in told:
        for kind, name in re.findall(r"\b(boy|girl) named (\w+)", story):
            assert stories.NAMES[name] == kinds[kind]


def test_the_checks_notice_broken_stories():
    good = "Anna had forgotten her umbrella. Soon she was wet."
    assert stories.pronouns_bound(good) == (2, 2) and stories.causes_kept(good) == (1, 1) and stories.names_kept(good)
    assert stories.pronouns_bound("Anna had forgotten his umbrella.") == (0, 1)
    assert stories.causes_kept("Soon Anna was wet. Anna had forgotten her umbrella.") == (0, 1)
    assert not stories.names_kept("Anna met Ben and then Clara.")
    assert stories.names_kept("Anna met Ben, Aunt Clara and Mr Brown.")


def test_owned_things_keep_their_colour(told):
    """The red kite of the beginning is not the blue kite of the end."""
    colours, things = "|".join(WORDS["colour"]), "kite|football|balloon|rag doll|wooden horse|tin soldier|hoop"
    checked = 0
    for story in told:
        looks = re.findall(rf"\b({colours}) ({things})\b", story)
        checked += len(looks) > 1
        assert len(set(looks)) == len({thing for _, thing in looks}), story
    assert checked > 120


def a_teller(**slots) -> Teller:
    hero = Person("Anna", "f")
    return Teller(random.Random(0), {"h": hero, **slots}, set(), {})


def test_two_girls_in_a_scene_are_named_and_a_boy_and_a_girl_may_be_pronouns():
    rival = script("- {h} met {f}.\n\n- Then {f} gave {h.obj} a ball, and {h} thanked {f.obj}.")
    for seed in range(30):
        teller = a_teller(f=Person("Bella", "f", relation="friend"))
        teller.rng.seed(seed)
        teller.tell(rival)
        assert teller.text() == "Anna met her friend Bella. Then Bella gave Anna a ball, and Anna thanked Bella."
    texts = set()
    for seed in range(30):
        teller = a_teller(f=Person("Ben", "m", relation="friend"))
        teller.rng.seed(seed)
        teller.tell(rival)
        texts.add(teller.text().split(". ")[1])
    assert "Then Ben gave her a ball, and she thanked him." in texts


def test_flags_choices_and_kept_words():
    plot = script("- <rain> {h} was wet.\n- <!rain> {h} was dry.\n\n- Over the {x=colour} wall.\n\n- The {x} wall.")
    for flags, word in (({"rain"}, "wet"), (set(), "dry")):
        teller = Teller(random.Random(1), {"h": Person("Anna", "f")}, flags, {})
        teller.tell(plot)
        sentences = teller.text().split(". ")
        assert sentences[0] == f"Anna was {word}"
        assert sentences[1].split()[2] == sentences[2].split()[1]


def test_a_thing_is_introduced_once_and_then_known():
    teller = a_teller(thing=Thing("kite", "orange", "with a star on it"))
    teller.tell(script("- {h} had {thing.a}. The {thing} was the only {thing.full}."))
    assert teller.text() == "Anna had an orange kite with a star on it. The kite was the only orange kite."


def test_polish():
    assert polish("a owl and a unicorn . then  a egg") == "An owl and a unicorn. Then an egg"
    assert polish('"where?" he asked. "here." she went.') == '"Where?" he asked. "Here." She went.'


def test_a_list_without_unused_words_starts_again():
    teller = a_teller()
    drawn = [teller.draw("part2", ["morning", "evening"]) for _ in range(3)]
    assert set(drawn[:2]) == {"morning", "evening"} and drawn[2] in drawn[:2]
