"""BLEU and exact match, by hand and by their properties; the comparison with sacrebleu runs where that is installed."""

import math
import random

import pytest
import sacrebleu

from lib.scoring import bleu, clipped_matches, exact_match, ngrams


def test_bleu_of_an_example_by_hand():
    right = [["the", "cat", "sat", "on", "the", "mat", "today"]]
    written = [["the", "cat", "sat", "on", "a", "mat"]]
    # 5 of 6 words, 3 of 5 pairs, 2 of 4 triples, 1 of 3 fours; 6 tokens where 7 were wanted
    precision = (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
    assert bleu(written, right) == pytest.approx(100 * precision * math.exp(1 - 7 / 6), rel=1e-12)


def test_repeating_a_right_word_does_not_pay():
    right, written = [["the", "cat", "is", "here", "now"]], [["the"] * 5]
    assert ngrams(written[0], 1) == {("the",): 5}
    assert bleu(written, right) == 0
    longer = [["the", "cat", "is", "here", "now", "now", "now"]]
    assert bleu(longer, right) == pytest.approx(100 * (5 / 7 * 4 / 6 * 3 / 5 * 2 / 4) ** 0.25)


def test_perfect_is_100_whatever_the_tokens_are():
    sentences = [[1, 2, 3, 4, 5], [7, 8, 9, 10]]
    assert bleu(sentences, sentences) == pytest.approx(100)
    assert exact_match(sentences, sentences) == 1


def test_too_long_is_not_punished_twice_and_too_short_is():
    right = [list("abcdefgh")]
    assert bleu([list("abcdefg")], right) == pytest.approx(100 * math.exp(1 - 8 / 7))
    assert bleu([list("abcdefghi")], right) == pytest.approx(100 * (8 / 9 * 7 / 8 * 6 / 7 * 5 / 6) ** 0.25)


def test_nothing_written_scores_nothing():
    assert bleu([[]], [list("abcde")]) == 0
    assert bleu([["a"]], [["a"]]) == 0  # nothing is long enough for a run of four
    assert exact_match([[]], [["a"]]) == 0


def test_counts_are_of_the_whole_corpus_not_averaged_over_sentences():
    right = [list("abcdefgh"), list("ij")]
    assert bleu([list("abcdefgh"), list("xy")], right) == pytest.approx(100 * (8 / 10 * 7 / 8) ** 0.25)


def test_exact_match_counts_whole_sentences():
    assert exact_match([[1, 2], (3, 4), [5]], [[1, 2], [3, 4], [5, 6]]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("score", [bleu, exact_match])
@pytest.mark.parametrize("written", [[], [["a"]] * 3])
def test_unequal_numbers_of_sentences_are_named(score, written):
    with pytest.raises(ValueError, match=rf"{len(written)} sentences cannot be compared with"):
        score(written, [["a"]] * 2 if written else [])


@pytest.mark.parametrize("seed", range(20))
def test_bleu_is_sacrebleus(seed):
    """Random corpora: few words or many, much left out or added, one sentence or fifty."""
    rng = random.Random(seed)
    words = "abcdefghijklmnopqrstuvwxyz"[: rng.choice([2, 4, 26])]
    right = [[rng.choice(words) for _ in range(rng.randrange(1, 14))] for _ in range(rng.choice([1, 5, 50]))]
    kept, changed, added = rng.uniform(0.6, 1), rng.uniform(0, 0.4), rng.uniform(0, 0.3)
    written = []
    for sentence in right:
        mine = ["!" if rng.random() < changed else token for token in sentence if rng.random() < kept]
        written.append(
            [token for word in mine for token in ([word, rng.choice(words)] if rng.random() < added else [word])]
        )
    texts = [" ".join(sentence) for sentence in written], [[" ".join(sentence) for sentence in right]]
    theirs = sacrebleu.corpus_bleu(*texts, tokenize="none", smooth_method="none", force=True)
    assert bleu(written, right) == pytest.approx(theirs.score, rel=1e-9, abs=1e-9)
    for n in range(1, 5):
        assert clipped_matches(written, right, n) == (theirs.counts[n - 1], theirs.totals[n - 1])
