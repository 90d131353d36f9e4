"""The relation corpus: every analogy word has company, both banks are there, counting already finds the relations."""

import itertools
import re
from collections import Counter

import numpy as np
import pytest

from data.make.relations import N_SENTENCES
from lib.corpora import relations


@pytest.fixture(scope="module")
def sentences() -> list[list[str]]:
    return relations.load_relations()


@pytest.fixture(scope="module")
def counts(sentences) -> Counter:
    return Counter(word for sentence in sentences for word in sentence)


def test_size_letters_and_no_sentence_twice(sentences, counts):
    assert len(sentences) == N_SENTENCES >= 20_000
    assert len(set(map(tuple, sentences))) == len(sentences)
    assert 600 <= len(counts) <= 1_100
    assert all(re.fullmatch("[a-z]+", word) for word in counts), "lower case, no punctuation"
    assert all(3 <= len(sentence) <= 24 for sentence in sentences)


def test_every_analogy_word_and_every_domain_word_occurs(counts):
    assert set(relations.ANALOGIES) == {"gender", "capital", "language", "plural", "tense"}
    for pairs in relations.ANALOGIES.values():
        assert len(pairs) >= 12
        assert len({word for pair in pairs for word in pair}) == 2 * len(pairs)
        for pair in pairs:
            assert min(counts[word] for word in pair) >= 50, pair
    for words in relations.DOMAINS.values():
        assert min(counts[word] for word in words) >= 20, words


MONEY = "loan account teller coins notes cash credit interest mortgage cheque cheques savings gold debt contract"
RIVER = "river stream water fish boat reeds willows muddy grassy sandy steep ducks swans otters heron angler ferryman"


def test_both_banks_occur_equally_often(sentences):
    money = set(MONEY.split())
    river = set(RIVER.split())
    banks = [set(sentence) for sentence in sentences if "bank" in sentence]
    senses = [(bool(words & money), bool(words & river)) for words in banks]
    with_money, with_river = sum(a and not b for a, b in senses), sum(b and not a for a, b in senses)
    assert with_money + with_river == len(banks) > 1_000
    assert abs(with_money - with_river) <= 0.02 * len(banks)


def test_articles_and_doubled_words(sentences):
    for sentence in sentences:
        for word, following in itertools.pairwise(sentence):
            assert word != following, sentence
            if word in ("a", "an"):
                assert (word == "an") == (following[0] in "aeiou" or following == "hour"), sentence


def test_he_and_she_agree_with_the_person(sentences):
    genders = {pair[gender]: gender for pair in relations.ANALOGIES["gender"] for gender in (0, 1)}
    own = [{"he", "his", "him", "himself"}, {"she", "her", "herself"}]
    checked = 0
    for sentence in sentences:
        people = {genders[word] for word in sentence if word in genders}
        if len(people) == 1 and sum(word in genders for word in sentence) == 1:
            gender = people.pop()
            assert not own[1 - gender] & set(sentence), sentence
            checked += bool(own[gender] & set(sentence))
    assert checked > 2_000


def test_counting_the_company_of_words_finds_the_relations(sentences, counts):
    """An oracle without training (Levy and Goldberg 2014): logs of counts, then numpy's SVD."""
    words = [word for word, _ in counts.most_common()]
    place = {word: number for number, word in enumerate(words)}
    together = np.zeros((len(words), len(words)))
    for sentence in sentences:
        ids = [place[word] for word in sentence]
        for i, centre in enumerate(ids):
            for other in ids[max(0, i - 4) : i] + ids[i + 1 : i + 5]:
                together[centre, other] += 1
    share = together / together.sum()
    expected = np.outer(share.sum(1), share.sum(0))
    ppmi = np.log(np.maximum(share / expected, 1.0))
    left, sizes, _ = np.linalg.svd(ppmi, full_matrices=False)
    vectors = left[:, :64] * np.sqrt(sizes[:64])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    found = {}
    for relation, pairs in relations.ANALOGIES.items():
        right = 0
        questions = list(itertools.permutations(pairs, 2))
        for (a, b), (c, d) in questions:
            target = vectors[place[b]] - vectors[place[a]] + vectors[place[c]]
            scores = vectors @ target
            scores[[place[a], place[b], place[c]]] = -9
            right += words[scores.argmax()] == d
        found[relation] = right / len(questions)
    assert found["gender"] > 0.9 and found["capital"] > 0.9 and found["language"] > 0.9
    assert found["plural"] > 0.5 and found["tense"] > 0.2


def test_the_domains_are_clusters(sentences):
    """A word of a domain meets words of its own domain more often than words of any other."""
    domain_of = {word: name for name, words in relations.DOMAINS.items() for word in words}
    meetings = Counter()
    for sentence in sentences:
        domains = [domain_of[word] for word in dict.fromkeys(sentence) if word in domain_of]
        meetings.update(itertools.permutations(domains, 2))
    for name in ("royalty", "money", "river", "kitchen", "weather", "school", "music", "hospital"):
        assert meetings[name, name] > 3 * max(meetings[name, other] for other in relations.DOMAINS if other != name), (
            name
        )
