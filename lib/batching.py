"""Sentences of unequal length, made into rectangles of numbers: vocabularies, padding, masks, batches.

    PAD, SOS, EOS, UNKNOWN    the ids of <PAD>, <SOS>, <EOS> and <UNK>, the same in every vocabulary
    Vocabulary                words to ids and back                                               notebook 03
    pad_batch                 sentences to one rectangle, and the mask that tells real from padding   notebook 03
    shift_right               what a decoder reads and what it is asked for                       notebook 03
    similar_lengths           batches of sentences of similar length, about equally many tokens each   notebooks 03, 09
    Batch, translation_batches    source and target, padded, epoch after epoch                    notebooks 03, 09
    target_side, longer_side      what may count as the length of a pair

Shapes are written (batch, position). A mask is True on real tokens and False on padding. A sentence is a list of ids,
without <SOS> and <EOS>.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

PAD, SOS, EOS, UNKNOWN = 0, 1, 2, 3
SPECIAL = ("<PAD>", "<SOS>", "<EOS>", "<UNK>")
IdPair = tuple[Sequence[int], Sequence[int]]  # source and target
SHELVES = 50  # so many batches are sorted by length together; more would make every epoch's batches the same


class Vocabulary:
    """Every word that was seen, with its id. Frequent words have small ids; the first four ids are special."""

    def __init__(self, sentences: Iterable[Sequence[str]]):
        counts = Counter(word for sentence in sentences for word in sentence)
        clash = sorted(counts.keys() & set(SPECIAL))
        if clash:
            raise ValueError(f"{clash[0]} is a special token and cannot be a word too")
        self.words = [*SPECIAL, *sorted(counts, key=lambda word: (-counts[word], word))]
        self.ids_of = {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, sentence: Sequence[str]) -> list[int]:
        """Words to ids; a word that was never seen becomes <UNK>."""
        return [self.ids_of.get(word, UNKNOWN) for word in sentence]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Ids to words, as far as the first <EOS>; <SOS> and <PAD> are left out."""
        words = []
        for i in map(int, ids):
            if i == EOS:
                break
            if i not in (PAD, SOS):
                words.append(self.words[i])
        return words


def pad_batch(sentences: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """One rectangle of ids, filled up with <PAD> (id 0) after each sentence, and its mask.

    sentences: lists of ids above 0, of any lengths, empty ones included; at least one list

    Returns ids (batch, position), int64, and mask (batch, position), bool, True on real tokens. position is the length
    of the longest sentence, 0 if all are empty.
    """
    longest = max(len(sentence) for sentence in sentences)
    ids = torch.zeros(len(sentences), longest, dtype=torch.long)
    mask = torch.zeros(len(sentences), longest, dtype=torch.bool)
    for row, sentence in enumerate(sentences):
        ids[row, : len(sentence)] = torch.tensor(sentence)
        mask[row, : len(sentence)] = True
    return ids, mask


def shift_right(sentences: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, Tensor]:
    """What a decoder reads at each position, and what it should say there: the same words, one step apart.

    sentences: lists of ids from 3 (<UNK>) on, maybe empty; at least one list

    Returns inputs and targets, int64, and mask, bool, (batch, position) each, position being one more than the longest
    sentence: the inputs start with <SOS> (id 1), the targets end with <EOS> (id 2), and the mask is True where there is
    a target.
    """
    inputs, mask = pad_batch([[SOS, *sentence] for sentence in sentences])
    targets, _ = pad_batch([[*sentence, EOS] for sentence in sentences])
    return inputs, targets, mask


class Batch(NamedTuple):
    """Pairs of sentences as tensors, (batch, position) each; `mask` belongs to inputs and targets alike."""

    source: Tensor
    source_mask: Tensor
    inputs: Tensor
    targets: Tensor
    mask: Tensor

    @classmethod
    def of(cls, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> "Batch":
        """Pad pairs of (source ids, target ids)."""
        if not pairs:
            raise ValueError("a batch needs at least one pair of sentences, this one has none")
        return cls(*pad_batch([source for source, _ in pairs]), *shift_right([target for _, target in pairs]))


def similar_lengths(lengths: Sequence[int], tokens: int, rng: random.Random | None = None) -> list[list[int]]:
    """Split sentences into batches of similar length: little padding, hence little wasted work.

    lengths: of each sentence    tokens: a padded batch has at most so many, unless one sentence alone has more
    rng: shuffles sentences before sorting parts of them, and the batches; None: sort all, shuffle nothing

    Returns lists of indices; every sentence is in exactly one.
    """
    if tokens < 1:
        raise ValueError(f"a batch of at most {tokens} tokens holds no sentence")
    order = list(range(len(lengths)))
    shelf = max(len(order), 1)
    if rng:
        rng.shuffle(order)
        shelf = max(1, SHELVES * tokens * len(order) // max(sum(lengths), 1))
    batches: list[list[int]] = []
    for start in range(0, len(order), shelf):
        batch: list[int] = []
        for i in sorted(order[start : start + shelf], key=lengths.__getitem__):
            if batch and lengths[i] * (len(batch) + 1) > tokens:  # sorted: sentence i is the longest so far
                batches.append(batch)
                batch = []
            batch.append(i)
        batches.append(batch)
    if rng:
        rng.shuffle(batches)
    return batches


def target_side(pair: IdPair) -> int:
    """The positions of a pair's target: its words and <EOS>."""
    return len(pair[1]) + 1


def longer_side(pair: IdPair) -> int:
    """The positions of a pair's source or target, whichever has more."""
    return max(len(pair[0]), target_side(pair))


def translation_batches(
    pairs: Sequence[IdPair], tokens: int, rng: random.Random, length_of: Callable[[IdPair], int] = target_side
) -> Iterator[Batch]:
    """Batches of about `tokens` target tokens without end: when all pairs were seen, they are shuffled anew.

    length_of: what counts as the length of a pair, instead of its target's
    """
    if not pairs:
        raise ValueError("there are no pairs to make batches of")
    lengths = list(map(length_of, pairs))
    while True:
        for chosen in similar_lengths(lengths, tokens, rng):
            yield Batch.of([pairs[i] for i in chosen])
