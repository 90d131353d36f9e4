"""The two small worlds of notebooks 04 and 05: what "it" means, and who does it to whom."""

import random

import pytest

from lib.corpora import latin, pronouns


def test_every_sentence_says_what_is_meant_by_one_of_two_candidates():
    for sentence in pronouns.all_sentences():
        assert sentence.meant in sentence.candidates
        assert len(set(sentence.candidates)) == 2
        assert "it" in sentence.words and sentence.words.index("it") > max(sentence.candidates)


def test_a_last_word_fits_one_kind_of_noun_only():
    kinds = [set(kind) for kind in (pronouns.ANIMALS, pronouns.FOODS, pronouns.PLACES, pronouns.THINGS)]
    for last in {sentence.words[-1] for sentence in pronouns.all_sentences()}:
        meant = {sentence.pair[0] for sentence in pronouns.all_sentences() if sentence.words[-1] == last}
        assert sum(bool(meant & kind) for kind in kinds) == 1


def test_no_sentence_twice():
    sentences = [sentence.words for sentence in pronouns.all_sentences()]
    assert len(sentences) == len(set(sentences))


@pytest.mark.parametrize("seed", range(3))
def test_pronoun_pairs_of_the_test_are_new_and_a_guess_is_worth_half(seed):
    training, test = pronouns.split_by_pairs(random.Random(seed), 2000, 600)
    seen = {sentence.pair for sentence in training}
    assert not seen & ({sentence.pair for sentence in test} | pronouns.ALWAYS_NEW)
    assert {noun for noun, _ in seen} >= {sentence.pair[0] for sentence in test}
    assert {last for _, last in seen} >= {sentence.words[-1] for sentence in test}
    about_the_first = sum(sentence.meant == sentence.candidates[0] for sentence in test) / len(test)
    assert 0.35 < about_the_first < 0.65
    assert (training, test) == pronouns.split_by_pairs(random.Random(seed), 2000, 600)


def test_too_many_sentences_asked_for_says_how_many_there_are():
    with pytest.raises(ValueError, match="100000 and 10 sentences asked for; there are"):
        pronouns.split_by_pairs(random.Random(0), 100_000, 10)


def test_latin_verbs_take_their_case_and_every_order_occurs():
    training, _ = latin.split_by_pairs(random.Random(0), 2000, 10)
    orders = set()
    for said in training:
        assert (said.who, "us") in said.words
        verb, ending = said.words[said.verb_at]
        assert ending == "" and (said.whom, latin.VERBS[verb][1]) in said.words
        orders.add(tuple(word for word in said.words if word[0] not in latin.ADVERBS).index((verb, "")))
    assert orders == {0, 1, 2}


def test_latin_pairs_of_the_test_are_new():
    training, test = latin.split_by_pairs(random.Random(1), 4000, 600)
    assert not {(said.who, said.whom) for said in training} & {(said.who, said.whom) for said in test}
    assert {said.who for said in training} == set(latin.NOUNS)


def test_latin_reads_as_latin_and_translates():
    said = latin.sentence(random.Random(0), "lup", "agn", "videt", ("hodie",))
    assert sorted(str(said).split()) == ["agnum", "hodie", "lupus", "videt"]
    assert latin.english(said) == "the wolf sees the lamb today"
