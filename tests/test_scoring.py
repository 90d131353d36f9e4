"""BLEU and exact match, by hand, by their properties and against sacrebleu; SQuAD's scores by hand and by its rule."""

import math
import random
import re
import string

import pytest
import sacrebleu

from lib.scoring import answer_f1, bleu, clipped_matches, exact_match, ngrams, plain_answer, squad_scores


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


# ------------------------------------------------------------------------------------------------ answers to questions


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The Eiffel Tower!", "eiffel tower"),
        ("  an  apple\na   day ", "apple day"),
        ("Theatre, another, Anna", "theatre another anna"),  # articles are whole words
        ("U.S.A.", "usa"),  # signs leave no space behind
        ("well-known", "wellknown"),
        ("A-the-an", "athean"),  # signs go first
        ("a.", ""),
        ("$5,000.00", "500000"),
        ("«The» 5 £ – naïve", "« » 5 £ – naïve"),  # of signs, only those of ASCII; where an article was, words part
        ("THE\u00a0End\tof The", "end of"),
        ("", ""),
    ],
)
def test_what_counts_of_an_answer(text, plain):
    assert plain_answer(text) == plain


@pytest.mark.parametrize(
    ("written", "right", "f1"),
    [
        ("the cat sat", "A cat sat.", 1.0),
        ("cat", "the black cat", 2 * 1 * 0.5 / 1.5),
        ("a cat cat cat", "cat dog", 2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2)),
        ("cat dog", "dog cat", 1.0),
        ("Denver", "Carolina", 0.0),
        ("", "the", 1.0),
        ("", "cat", 0.0),
        ("cat", "!", 0.0),
    ],
)
def test_f1_of_answers_by_hand(written, right, f1):
    assert answer_f1(written, right) == pytest.approx(f1, rel=1e-12)
    assert answer_f1(right, written) == pytest.approx(f1, rel=1e-12)  # precision and recall change places


def test_scores_are_means_of_the_best_fits():
    written = ["The Broncos", "in 1066 AD", "", "nobody", "north"]
    right = [["Denver Broncos", "Broncos"], ["1066", "year 1066"], [], ["", "the"], ["south", "the far south", "east"]]
    exact, f1 = squad_scores(written, right)
    assert exact == pytest.approx(100 * 2 / 5)  # the first, and the one that has no answer
    assert f1 == pytest.approx(100 * (1 + 2 * (1 / 3) / (1 + 1 / 3) + 1 + 0 + 0) / 5)
    assert squad_scores(["x"], [["The", "x y"]]) == (0.0, pytest.approx(100 * 2 / 3))  # "The" has no words
    assert squad_scores([""], [["The", "x y"]]) == (0.0, 0.0)
    with pytest.raises(ValueError, match="2 sentences cannot be compared with 1 references"):
        squad_scores(["a", "b"], [["a"]])


def by_the_published_rule(written, right):
    """Exact match and F1 of one pair, as the text of the SQuAD papers tells them: word by word, without Counter."""

    def words(text):
        text = re.sub("[" + re.escape(string.punctuation) + "]", "", text.lower())
        return [word for part in text.split() for word in re.split(r"(?<!\w)(?:an|a|the)(?!\w)", part) if word]

    mine, theirs = words(written), words(right)
    if not mine or not theirs:
        return mine == theirs, float(mine == theirs)
    left, shared = list(theirs), 0
    for word in mine:
        if word in left:
            left.remove(word)
            shared += 1
    if not shared:
        return mine == theirs, 0.0
    precision, recall = shared / len(mine), shared / len(theirs)
    return mine == theirs, 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("seed", range(20))
def test_scores_follow_the_published_rule(seed):
    """Random answers of few words, so that many are shared."""
    rng = random.Random(seed)
    words = ["the", "The", "an", "A", "cat", "Cat,", "dogs", "don't", "...", "5", "l'an", "the-end", "a.b", "é"]
    pairs = [[" ".join(rng.choices(words, k=rng.randrange(6))) for _ in range(2)] for _ in range(300)]
    expected = [by_the_published_rule(*pair) for pair in pairs]
    for (mine, theirs), (same, f1) in zip(pairs, expected, strict=True):
        assert (plain_answer(mine) == plain_answer(theirs)) == same
        assert answer_f1(mine, theirs) == pytest.approx(f1, rel=1e-12)
    exact, f1 = squad_scores([mine for mine, _ in pairs], [[theirs] for _, theirs in pairs])
    assert exact == pytest.approx(100 * sum(same for same, _ in expected) / 300)
    assert f1 == pytest.approx(100 * sum(one for _, one in expected) / 300)
    assert 0 < exact < f1 < 100
