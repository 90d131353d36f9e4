"""The English-Italian corpus as a whole: one translation a sentence, honest splits, facts that hold."""

import os
import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from data.make import english_forms
from data.make import italian as grammar
from data.make.italian_it import FRAMES, ambiguous, plain_it
from data.make.italian_nouns import ADJECTIVES, NOUNS
from data.make.italian_sentences import KINDS, Author
from data.make.italian_verbs import CITIES, COUNTRIES, NAMES, TIMES, VERBS
from lib.corpora import files, italian


@pytest.fixture(scope="module")
def splits():
    return {name: italian.load_pairs(name) for name in grammar.SIZES}


@pytest.fixture(scope="module")
def sampled():
    """20,000 sentences drawn anew, with another seed than the file's."""
    author = Author(random.Random(11))
    return [grammar.realise(author.sentence()) for _ in range(20_000)]


def length(pair):
    return len(italian.words(pair.english))


def test_no_english_sentence_has_two_translations(splits, sampled):
    translations = {}
    for pair in [*sampled, *(pair for pairs in splits.values() for pair in pairs)]:
        assert translations.setdefault(pair.english, pair.italian) == pair.italian, pair.english


def test_there_is_far_more_than_is_used(sampled):
    distinct = {pair.english for pair in sampled}
    assert len(distinct) > 0.92 * len(sampled)


def test_several_hundred_lemmas():
    adverbs = sum(map(len, TIMES.values()))
    assert len(NOUNS) > 200 and len(ADJECTIVES) > 70 and len(VERBS) > 70
    assert len(NOUNS) + len(ADJECTIVES) + len(VERBS) + len(NAMES) + len(CITIES) + len(COUNTRIES) + adverbs > 380


def test_no_noun_looks_like_a_verb():
    nouns = {noun.english_form(number) for noun in NOUNS.values() for number in "sp"}
    forms = (english_forms.third_person, english_forms.past, english_forms.past_participle, english_forms.ing_form, str)
    assert not nouns & {form(entry.english.split()[0]) for entry in VERBS for form in forms}


def test_every_split_has_its_size_and_shares_no_sentence(splits):
    assert {name: len(pairs) for name, pairs in splits.items()} == grammar.SIZES
    every = [pair.english for pairs in splits.values() for pair in pairs]
    assert len(set(every)) == len(every)


def test_no_split_has_a_word_that_training_lacks(splits):
    for side in (0, 1):
        known = {word for pair in splits["train"] for word in pair.words()[side]}
        assert 800 < len(known) < 2_500
        for pairs in splits.values():
            assert known.issuperset(word for pair in pairs for word in pair.words()[side])


def test_lengths_are_held_out_and_otherwise_matched(splits):
    assert max(map(length, splits["train"])) == grammar.LONGEST == 15
    assert min(map(length, splits["lengths"])) == 16 and max(map(length, splits["lengths"])) <= 21
    assert Counter(map(length, splits["combinations"])) == Counter(map(length, splits["test"]))
    most = sum(4 <= length(pair) <= 14 for pair in splits["train"])
    assert most > 0.95 * len(splits["train"])


def test_training_never_shows_a_held_out_combination(splits):
    author, kept = Author(random.Random(5)), Counter()
    trained = {pair.english for pair in splits["train"]}
    for _ in range(20_000):
        sentence = author.sentence()
        made = grammar.realise(sentence)
        new = any(map(grammar.held_out, grammar.combinations(sentence.tree)))
        kept[new] += 1
        assert not (new and made.english in trained), made.english
    assert 0.04 < kept[True] / kept.total() < 0.15


def test_held_out_neighbours_are_a_new_pair_and_not_new_words(splits):
    """Spotted in the text itself: "salty soup" may be new to training, though salty and soup are not."""
    shown = {two for pair in splits["train"] for two in pairwise(italian.words(pair.english))}
    adjectives, new = {entry.english for entry in ADJECTIVES}, set()
    for pair in splits["combinations"]:
        for first, second in pairwise(italian.words(pair.english)):
            if first in adjectives and second in NOUNS and grammar.held_out(f"{first} {second}"):
                new.add((first, second))
    assert len(new) > 50 and not new & shown


def test_the_share_of_every_kind(splits):
    share = Counter(pair.kind for pair in splits["train"])
    assert set(share) == set(KINDS)
    assert 0.12 < share["it"] / 40_000 < 0.15
    assert all(count > 500 for count in share.values()), share


def test_it_shows_its_gender_and_only_the_adjective_tells(splits):
    for pair in [pair for pairs in splits.values() for pair in pairs if pair.kind == "it"]:
        it, noun, gendered = pair.reference
        english, translated = pair.words()
        assert english[it] == "it" and noun < it
        gender = NOUNS[english[noun]].gender
        assert translated[gendered].endswith("a" if gender == "f" else "o"), pair
        assert (noun, translated.index(NOUNS[english[noun]].italian)) in pair.alignment


def test_the_two_nouns_that_it_could_mean_differ_in_gender(splits):
    meant = Counter()
    for pair in splits["it"]:
        english = italian.words(pair.english)
        it, noun, _ = pair.reference
        nouns = [index for index in range(it) if english[index] in NOUNS and english[index] != "water"]
        candidates = nouns[-2:]
        assert noun in candidates and len({NOUNS[english[index]].gender for index in candidates}) == 2, pair
        meant[candidates.index(noun)] += 1
    assert 0.35 < meant[0] / meant.total() < 0.65  # neither "the first" nor "the last" is a good guess


def test_the_candidates_of_the_it_split_are_new(splits):
    def candidates(pair):
        english = italian.words(pair.english)
        return tuple(english[index] for index in range(pair.reference[0]) if english[index] in NOUNS)

    trained = {candidates(pair) for pair in splits["train"] if pair.kind == "it"}
    assert not trained & {candidates(pair) for pair in splits["it"]}


@pytest.mark.parametrize("draw", [ambiguous, plain_it])
def test_every_adjective_of_an_it_sentence_has_two_genders(draw):
    rng = random.Random(3)
    assert {draw(rng).be.complement.italian[-1] for _ in range(500)} == {"o"}


def test_no_adjective_can_mean_both_candidates():
    assert all(not set(frame.of_subject) & set(frame.of_object) for frame in FRAMES)


def test_aligned_words_translate_each_other(splits):
    dictionary = {noun.english_form(number): noun.italian_form(number) for noun in NOUNS.values() for number in "sp"}
    aligned = Counter()
    for pair in splits["test"]:
        english, translated = pair.words()
        for source, target in pair.alignment:
            if english[source] in dictionary:
                assert translated[target] == dictionary[english[source]]
                aligned["nouns"] += 1
            aligned["all"] += 1
        assert len({target for _, target in pair.alignment}) == len(pair.alignment)
    assert aligned["nouns"] > 1_500 and aligned["all"] > 2_500


def test_every_noun_of_a_sentence_is_aligned(splits):
    words = {noun.english_form(number) for noun in NOUNS.values() for number in "sp"}
    for pair in splits["test"]:
        sources = {source for source, _ in pair.alignment}
        english = italian.words(pair.english)
        by_train = {at for at, word in enumerate(english) if english[at - 1] == "by"}  # in treno: an adverb
        nouns = {at for at, word in enumerate(english) if word in words} - by_train
        assert sources.issuperset(nouns), pair.english


def test_join_undoes_words_on_every_sentence(splits):
    for pairs in splits.values():
        for pair in pairs:
            assert tuple(map(italian.join, pair.words())) == (pair.english, pair.italian)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("L'ho vista in un'isola.", ["l'", "ho", "vista", "in", "un'", "isola", "."]),
        ("Anna's dog did not eat, did it?", ["Anna", "'s", "dog", "did", "not", "eat", ",", "did", "it", "?"]),
        ("I am here!", ["I", "am", "here", "!"]),
        ("È stata dall'altra parte.", ["è", "stata", "dall'", "altra", "parte", "."]),
        ("", []),
    ],
)
def test_words(text, tokens):
    assert italian.words(text) == tokens
    assert italian.join(tokens) == text


def test_i_is_a_pronoun_in_english_and_an_article_in_italian():
    assert italian.words("I sleep.")[0] == "I"
    assert italian.words("I cani dormono.", "italian")[0] == "i"


def test_adverbs_go_with_their_tense(splits):
    """A future with tomorrow, never with yesterday; and the other way round."""
    for pair in splits["train"]:
        if pair.kind not in ("plain", "clitic", "give"):
            continue
        english = " " + pair.english.lower().rstrip(".") + " "
        future = " will " in english
        assert not (future and any(f" {when} " in english for when in TIMES["past"])), pair.english
        assert future or not any(f" {when} " in english for when in TIMES["future"] if when != "soon"), pair.english


def test_articles_and_elisions_hold_in_every_sentence(splits):
    """Straight from the spelling, without the grammar: no il before a vowel, no un' before a consonant, no lo cane."""
    vowels, heavy = "aeiouàèéìòùh", ("z", "ps", "gn", "x", "y")
    for pair in splits["test"] + splits["combinations"] + splits["lengths"] + splits["train"][:10_000]:
        tokens = pair.words()[1]
        for word, following in pairwise(tokens):
            first = following[0].lower()
            impure = following.startswith(heavy) or (first == "s" and following[1:2] not in tuple(vowels))
            if word in ("il", "un", "del", "al", "dal", "nel", "sul", "quel", "bel", "buon"):
                assert not impure, pair.italian
            if word in ("il", "la", "del", "della", "una", "i", "dei", "quel", "al", "alla", "quella", "bel", "bei"):
                assert first not in vowels or word == "la", pair.italian
            if word.endswith("'"):
                assert first in vowels, pair.italian
            if word in ("a", "e"):
                assert first != word, pair.italian


def test_another_seed_tells_other_sentences_and_the_same_seed_the_same():
    def draw(seed):
        rng = random.Random(seed)
        return [grammar.pair(rng) for _ in range(50)]

    assert draw(1) == draw(1) != draw(2)


def test_the_hash_seed_changes_nothing():
    code = "import random; from data.make import italian; rng = random.Random(4); " + (
        "print([italian.pair(rng) for _ in range(300)])"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(files.DATA.parent), "PYTHONUTF8": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "7")
    }
    assert len(seen) == 1


def test_a_kind_can_be_asked_for():
    assert {grammar.pair(random.Random(seed), "likes").kind for seed in range(20)} == {"likes"}


def test_an_unknown_split_is_named():
    with pytest.raises(ValueError, match="no split is called 'dev'; there are train, test"):
        italian.load_pairs("dev")


def test_the_words_that_keep_their_capital_are_those_of_the_grammar(splits):
    """A first word in small letters would be another word than in the middle of a sentence."""
    names = {*NAMES, *CITIES, *CITIES.values(), *COUNTRIES, *COUNTRIES.values()}
    middle = {word for pair in splits["train"] for side in pair.words() for word in side[1:]}
    assert names | {word for word in middle if word != word.lower()} == italian.CAPITALS
