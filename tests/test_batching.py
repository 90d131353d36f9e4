"""Padding, shifting, vocabularies and batches, against PyTorch's own padding and by their properties."""

import random

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from lib.batching import (
    EOS,
    PAD,
    SOS,
    UNKNOWN,
    Batch,
    Vocabulary,
    pad_batch,
    shift_right,
    similar_lengths,
    translation_batches,
)


def some_sentences(lengths, seed=0):
    rng = random.Random(seed)
    return [[rng.randrange(4, 99) for _ in range(length)] for length in lengths]


@pytest.mark.parametrize("lengths", [[3], [2, 7, 5], [0, 3], [1, 1], [0, 0]])
def test_padding_is_pytorchs(lengths):
    sentences = some_sentences(lengths)
    ids, mask = pad_batch(sentences)
    expected = pad_sequence([torch.tensor(sentence, dtype=torch.long) for sentence in sentences], batch_first=True)
    assert torch.equal(ids, expected)
    assert ids.dtype == torch.long
    assert mask.dtype == torch.bool
    assert mask.sum(dim=1).tolist() == lengths


def test_inputs_and_targets_are_one_sentence_one_step_apart():
    sentences = some_sentences([3, 0, 5])
    inputs, targets, mask = shift_right(sentences)
    for sentence, heard, said, real in zip(sentences, inputs, targets, mask, strict=True):
        assert heard[real].tolist() == [SOS, *sentence]
        assert said[real].tolist() == [*sentence, EOS]
        assert not heard[~real].any()
        assert not said[~real].any()
    assert torch.equal(inputs[:, 1:][mask[:, 1:]], targets[:, :-1][mask[:, 1:]])


def test_a_vocabulary_gives_frequent_words_small_ids_and_gets_back_what_it_encoded():
    words = Vocabulary([["the", "cat", "the"], ["a", "cat", "the"]])
    assert words.words[4:] == ["the", "cat", "a"]
    assert len(words) == 7
    assert words.decode(words.encode(["a", "cat"])) == ["a", "cat"]
    assert words.encode(["dog"]) == [UNKNOWN]
    assert words.decode(torch.tensor([SOS, 4, PAD, 5, EOS, 6])) == ["the", "cat"]


def test_a_word_that_is_special_is_refused():
    with pytest.raises(ValueError, match="<EOS> is a special token"):
        Vocabulary([["a", "<EOS>"]])


@pytest.mark.parametrize("rng", [None, random.Random(1)])
def test_every_sentence_is_in_one_batch_and_no_batch_is_too_large(rng):
    sizes = random.Random(0)
    lengths = [sizes.randrange(1, 30) for _ in range(997)]
    batches = similar_lengths(lengths, 211, rng)
    assert sorted(i for batch in batches for i in batch) == list(range(997))
    assert all(max(lengths[i] for i in batch) * len(batch) <= 211 for batch in batches)
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)
    assert sum(lengths) > 0.8 * padded  # little of it is padding


def test_a_sentence_longer_than_a_batch_gets_a_batch_of_its_own():
    assert similar_lengths([3, 50, 4], 10) == [[0, 2], [1]]
    assert similar_lengths([], 10) == []
    with pytest.raises(ValueError, match="at most 0 tokens"):
        similar_lengths([3], 0)


def test_the_batches_of_an_epoch_hold_every_pair_and_the_next_epoch_is_another():
    targets = some_sentences([2, 3, 4, 5, 6, 7] * 20)
    pairs = [(target[::-1], target) for target in targets]
    batches, rows = translation_batches(pairs, 100, random.Random(0)), []
    while len(rows) < 240:
        batch = next(batches)
        assert batch.source_mask.sum() == batch.mask.sum() - len(batch.mask)
        rows += [tuple(row[real].tolist()) for row, real in zip(batch.targets, batch.mask, strict=True)]
    wanted = sorted((*target, EOS) for target in targets)
    assert sorted(rows[:120]) == wanted == sorted(rows[120:])
    assert rows[:120] != rows[120:]


def test_equal_seeds_give_equal_batches():
    pairs = [(sentence, sentence) for sentence in some_sentences(range(1, 60))]
    first, second = (translation_batches(pairs, 90, random.Random(7)) for _ in range(2))
    for _ in range(30):
        assert all(torch.equal(a, b) for a, b in zip(next(first), next(second), strict=True))


def test_no_pairs_are_named():
    with pytest.raises(ValueError, match="at least one pair"):
        Batch.of([])
    with pytest.raises(ValueError, match="no pairs"):
        next(translation_batches([], 10, random.Random(0)))
