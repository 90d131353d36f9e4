"""A reader: a question and a paragraph in, the words of the paragraph that answer it out (Devlin et al. 2018, 4.2).

    sentence_places      where the sentences of a paragraph begin and end
    WordRarity           how much two texts share, rare words counting for more
    Reading, read        question and passage as BERT reads them, and where each token stands in the paragraph
    exact_matches        the same with a mark on each word of the passage that the question has as well
    Reader               a Bert that scores each token as the first and as the last one of an answer
    reader_batch         readings as tensors
    reader_loss          how wrong a reader is about answers whose places are known
    answer               the best answer in what was read

Which sentences to read, and which of their words to answer with, are two steps, as in Chen et al. 2017. Taught in
notebook 17.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lib.batching import pad_batch
from lib.bert import Bert
from lib.scoring import plain_answer
from lib.spans import SpanScores, best_spans, span_loss
from lib.wordpiece import CLS, SEP, WordPieceTokenizer

Place = tuple[int, int]  # start and end of a piece of text, the end not included
_END = re.compile(r"[.!?][\"'”)]?\s+(?=[A-Z\"“(])")
_WORD = re.compile(r"\w+|[^\w\s]")
LONGEST = 20  # tokens of an answer


def sentence_places(text: str) -> list[Place]:
    """The (start, end) of each sentence, the space after it included; all together they are the text."""
    cuts = [0, *(found.end() for found in _END.finditer(text)), len(text)]
    return [(start, end) for start, end in pairwise(cuts) if start < end]


class WordRarity:
    """What a shared word is worth: ln(sentences / sentences with it), as in TF-IDF. texts: paragraphs to count in."""

    def __init__(self, texts: Iterable[str]):
        sentences = [text[start:end] for text in texts for start, end in sentence_places(text)]
        self.total = len(sentences)
        self.counts = Counter(word for sentence in sentences for word in set(plain_answer(sentence).split()))

    def shared(self, one: str, other: str) -> float:
        """The worth of the different words that stand in both texts, together."""
        both = set(plain_answer(one).split()) & set(plain_answer(other).split())
        return sum(math.log(self.total / max(self.counts[word], 1)) for word in both)

    def nearest(self, question: str, text: str, k: int) -> list[Place]:
        """The k sentences of a text that share most with a question, in the order of the text."""
        places = sentence_places(text)
        return sorted(sorted(places, key=lambda place: -self.shared(question, text[slice(*place)]))[:k])


class Reading(NamedTuple):
    """ids and segments as BERT reads them; offsets: of each token in the paragraph, (0, 0) for all others."""

    ids: list[int]
    segments: list[int]
    offsets: list[Place]


def read(tokenizer: WordPieceTokenizer, question: str, text: str, places: Sequence[Place], longest: int) -> Reading:
    """[CLS] question [SEP] the passage [SEP], `longest` tokens at most. All pieces of a word have the word's place."""
    asked = [piece for word in _WORD.findall(question) for piece in tokenizer.tokens(word)]
    pieces, offsets = [CLS, *asked, SEP], [(0, 0)] * (len(asked) + 2)
    for start, end in places:
        for word in _WORD.finditer(text, start, end):
            found = tokenizer.tokens(word[0])
            pieces += found
            offsets += [word.span()] * len(found)
    pieces, offsets = [*pieces[: longest - 1], SEP], [*offsets[: longest - 1], (0, 0)]
    segments = [int(i > len(asked) + 1) for i in range(len(pieces))]
    return Reading([tokenizer.ids[piece] for piece in pieces], segments, offsets)


def exact_matches(reading: Reading) -> Reading:
    """The same tokens; segments are 1 where a token of the passage stands in the question too, and 0 elsewhere.

    A small model needs long to learn by itself which words are equal; so Chen et al. 2017, 3.2, told it to theirs.
    """
    asked = {token for token, place in zip(reading.ids, reading.offsets, strict=True) if place == (0, 0)}
    both = zip(reading.ids, reading.offsets, strict=True)
    return reading._replace(segments=[int(place != (0, 0) and token in asked) for token, place in both])


class Reader(nn.Module):
    """A Bert and, on each of its vectors, `SpanScores`; their weights are drawn from the generator, as BERT's are."""

    def __init__(self, bert: Bert, generator: torch.Generator):
        super().__init__()
        self.bert, self.scores = bert, SpanScores(bert.embeddings.words.embedding_dim)
        with torch.no_grad():
            self.scores.to_scores.weight.normal_(0, 0.02, generator=generator)
            self.scores.to_scores.bias.zero_()

    def forward(self, ids: Tensor, segments: Tensor, mask: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """As `reader_batch` gives them, (batch, position) each. Returns the scores of starts and of ends.

        They are (batch, position) too, and -inf everywhere but in the context and at position 0, "no answer".
        """
        allowed = context.clone()
        allowed[:, 0] = True
        return tuple(part.masked_fill(~allowed, -math.inf) for part in self.scores(self.bert(ids, segments, mask)))


def reader_batch(readings: Sequence[Reading]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """ids, segments, mask, and the context: True on the tokens of the passage; (batch, position) each."""
    ids, mask = pad_batch([reading.ids for reading in readings])
    segments, _ = pad_batch([reading.segments for reading in readings])
    inside, _ = pad_batch([[int(place != (0, 0)) for place in reading.offsets] for reading in readings])
    return ids, segments, mask, inside.bool()


def reader_loss(reader: Reader, rows: Sequence[tuple[Reading, int, int]]) -> Tensor:
    """`span_loss` of readings, each with the first and the last token of its answer; 0 and 0 for none. 0-d."""
    readings, first, last = zip(*rows, strict=True)
    return span_loss(*reader(*reader_batch(readings)), torch.tensor(first), torch.tensor(last))


@torch.no_grad()
def answer(reader: Reader, reading: Reading, text: str, longest: int = LONGEST, margin: float = math.inf) -> str:
    """The best answer in what was read, as it stands in the text; "" for none. longest, margin: as in `best_spans`."""
    batch = reader_batch([reading])
    first, last = best_spans(*reader(*batch), batch[-1], longest, margin)
    return text[reading.offsets[first][0] : reading.offsets[last][1]]
