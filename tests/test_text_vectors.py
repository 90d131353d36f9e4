"""Text as vectors, against scikit-learn, autograd and PyTorch's own functions."""

import random
from collections import Counter

import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.metrics.pairwise import cosine_similarity as sklearn_cosine_similarity
from torch.nn import functional

from lib import text_vectors
from lib.text_vectors import (
    analogy,
    analogy_score,
    bag_of_words,
    cosine_similarity,
    nearest,
    negative_sampling,
    skip_gram_pairs,
    tf_idf,
    word2vec,
)

WORDS = ["fox", "dog", "the", "barked", "quick", "zebra", "and"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_texts(seed, n_texts):
    rng = random.Random(seed)
    return [rng.choices([*WORDS, "unknown", "words"], k=rng.randrange(1, 17)) for _ in range(n_texts)]


@pytest.mark.parametrize("seed", range(3))
def test_counts_agree_with_scikit_learn(seed):
    texts = random_texts(seed, 11)
    expected = CountVectorizer(vocabulary=WORDS).transform(" ".join(text) for text in texts).toarray()
    assert torch.equal(bag_of_words(texts, WORDS), torch.tensor(expected).float())


def test_two_sentences_with_the_same_words_have_the_same_bag():
    a, b = ["the", "dog", "bit", "the", "man"], ["the", "man", "bit", "the", "dog"]
    words = sorted({*a})
    assert torch.equal(bag_of_words([a], words), bag_of_words([b], words))


@pytest.mark.parametrize("seed", range(3))
def test_tf_idf_agrees_with_scikit_learn(seed):
    counts = bag_of_words([*random_texts(seed, 13), []], WORDS)
    expected = TfidfTransformer().fit_transform(counts.numpy()).toarray()
    torch.testing.assert_close(tf_idf(counts), torch.tensor(expected).float(), rtol=1e-5, atol=1e-6)


def test_cosine_similarity_agrees_with_scikit_learn():
    a, b = torch.randn(3, 7, generator=generator()), torch.randn(5, 7, generator=generator(1))
    a[1] = 0
    expected = torch.tensor(sklearn_cosine_similarity(a.numpy(), b.numpy()))
    torch.testing.assert_close(cosine_similarity(a, b), expected, rtol=1e-5, atol=1e-6)


def test_cosine_similarity_treats_leading_dimensions_apart():
    a, b = torch.randn(2, 3, 5, 7, generator=generator()), torch.randn(2, 3, 4, 7, generator=generator(1))
    expected = functional.cosine_similarity(a[:, :, :, None], b[:, :, None], dim=-1)
    torch.testing.assert_close(cosine_similarity(a, b), expected, rtol=1e-5, atol=1e-6)


def test_skip_gram_pairs_are_all_places_at_most_a_window_apart():
    sentence = list(range(11))
    for window in (1, 2, 5, 20):
        places = torch.arange(11)
        distance = (places[:, None] - places).abs()
        expected = ((distance > 0) & (distance <= window)).nonzero().tolist()
        assert [list(pair) for pair in skip_gram_pairs(sentence, window)] == expected


def sampling_case(*leading, n=3, m=5, d=7, dtype=torch.float64):
    rng = generator()
    centre, context = (torch.randn(*leading, k, d, generator=rng, dtype=dtype) for k in (n, m))
    label = torch.randint(0, 2, (*leading, n, m), generator=rng).to(dtype)
    return centre, context, label, torch.rand(*leading, n, m, generator=rng, dtype=dtype)


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_hand_derived_gradients_agree_with_autograd(leading):
    centre, context, label, weight = sampling_case(*leading)
    loss, for_centre, for_context = negative_sampling(centre, context, label, weight)
    centre.requires_grad_(), context.requires_grad_()
    expected = functional.binary_cross_entropy_with_logits(centre @ context.mT, label, weight, reduction="sum")
    expected.backward()
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(for_centre, centre.grad, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(for_context, context.grad, rtol=1e-10, atol=1e-10)


def test_negative_sampling_stays_finite_for_huge_scores():
    centre, context, label, _ = sampling_case(dtype=torch.float32)
    for part in negative_sampling(centre * 1e4, context * 1e4, label):
        assert part.isfinite().all()


def tiny_table():
    words = ["king", "queen", "man", "woman", "apple"]
    return torch.tensor([[1.0, 2.0], [-1.0, 2.0], [1.0, 0.1], [-1.0, 0.1], [0.0, -1.0]]), words


def test_nearest_words_come_best_first_with_their_cosines():
    vectors, words = tiny_table()
    found = nearest(vectors[0], vectors, words, n=99)
    cosines = functional.cosine_similarity(vectors[:1], vectors)
    assert [word for word, _ in found] == [words[i] for i in cosines.argsort(descending=True)]
    assert found[0][0] == "king" and found[0][1] == pytest.approx(1.0)


def test_analogy_leaves_out_the_given_words():
    vectors, words = tiny_table()
    assert analogy("man", "king", "woman", vectors, words) == "queen"
    assert analogy("king", "man", "man", vectors, words) not in ("king", "man")


def test_analogy_score_is_the_share_of_right_analogies():
    vectors, words = torch.randn(23, 3, generator=generator()), [f"w{i}" for i in range(23)]
    pairs = [(words[i], words[i + 1]) for i in range(0, 20, 2)]
    asked = [(a, b, c, d) for a, b in pairs for c, d in pairs if (a, b) != (c, d)]
    right = sum(analogy(a, b, c, vectors, words) == d for a, b, c, d in asked)
    assert analogy_score([*pairs, ("not", "there")], vectors, words) == pytest.approx(right / len(asked))
    with pytest.raises(ValueError, match="no two of the 1 pairs stand in the vocabulary of 23 words"):
        analogy_score([("not", "there")], vectors, words)


# ---------------------------------------------------------------------------------------------- word2vec on a corpus


def two_topics(n=400, seed=0):
    """Sentences about one of two things; the words of a topic are exchangeable."""
    rng = random.Random(seed)
    topics = [["sun", "rain", "wind", "snow", "cloud"], ["bread", "salt", "soup", "cheese", "plum"]]
    return [rng.choices(rng.choice(topics), k=7) for _ in range(n)]


def test_words_that_keep_the_same_company_get_similar_vectors():
    words, vectors = word2vec(two_topics(), generator(), d=8, frequent=1.0)
    similarity = cosine_similarity(vectors, vectors)
    weather = torch.tensor([word in ("sun", "rain", "wind", "snow", "cloud") for word in words])
    same = weather[:, None] == weather
    assert similarity[same].min() > similarity[~same].max() + 0.2


def test_the_same_generator_gives_the_same_vectors_and_another_seed_others():
    first, again, other = (word2vec(two_topics(100), generator(seed), d=4)[1] for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_words_are_those_frequent_enough_most_frequent_first():
    sentences = two_topics(50)
    words, vectors = word2vec([*sentences, ["rare"] * 4], generator(), d=4, least=5, epochs=1)
    counts = Counter(word for sentence in sentences for word in sentence)
    assert [counts[word] for word in words] == sorted(counts.values(), reverse=True)
    assert vectors.shape == (10, 4)


def test_too_few_words_are_told():
    with pytest.raises(ValueError, match="1 words stand at least 5 times in 2 sentences; 2 are needed"):
        word2vec([["word"] * 9, ["other"]], generator())


def test_a_word_that_is_most_of_the_text_stays_finite():
    rng = random.Random(0)
    sentences = [["the" if rng.random() < 0.9 else rng.choice("abcdefg") for _ in range(20)] for _ in range(300)]
    _, vectors = word2vec(sentences, generator(), d=4, frequent=1.0, rate=1.0, window=2)
    assert vectors.isfinite().all() and vectors.norm(dim=1).max() < 50


def test_neighbours_of_a_block_are_the_pairs_within_the_reach(monkeypatch):
    """The window matrix of the fast way, with the reach not drawn but full, holds exactly the skip-gram pairs."""
    monkeypatch.setattr(torch, "randint", lambda low, high, shape, generator: torch.full(shape, high - 1))
    rng, window = random.Random(0), 3
    sentences = [[rng.randrange(100) for _ in range(rng.randrange(1, 40))] for _ in range(30)]
    ids = torch.tensor([i for sentence in sentences for i in sentence])
    home = torch.tensor([number for number, sentence in enumerate(sentences) for _ in sentence])
    found = Counter()
    for block, block_home in text_vectors._blocks(ids, home, window):
        real = text_vectors._neighbours(block_home, window, generator())
        group, centre, place = real.nonzero().T
        found.update(zip(block[group, centre + window].tolist(), block[group, place].tolist(), strict=True))
    assert found == Counter(pair for sentence in sentences for pair in skip_gram_pairs(sentence, window))


def test_one_step_of_a_block_is_the_sum_of_its_gradients_over_the_root_of_their_number():
    rows, ids = torch.zeros(5, 3), torch.tensor([[1, 1, 4], [1, 0, 1]])
    gradient = torch.full((2, 3, 3), 0.01)
    text_vectors._move(rows, ids, gradient, rate=1.0)
    expected = torch.tensor([0.01, 0.02, 0.0, 0.0, 0.01])  # the word 1 came four times: 4 / sqrt(4) gradients
    torch.testing.assert_close(rows, -expected[:, None].expand(5, 3))
    text_vectors._move(rows, ids, gradient * 1e6, rate=1.0)
    assert (rows.norm(dim=1) < text_vectors.LONGEST_STEP + 0.1).all()
