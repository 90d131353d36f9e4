"""WordPiece: words in pieces, the longest first (Schuster and Nakajima 2012, Wu et al. 2016), as BERT reads them.

    basic_tokens         a text without accents and capitals, cut at spaces and signs
    wordpiece            one word in pieces, by greedy longest match
    frequent_pieces      a list of pieces for a small model: letters, and the words that stand often
    WordPieceTokenizer   a whole text, or two, to ids and segments, and back

A piece that goes on inside a word begins with "##": "embeddings" is em ##bed ##ding ##s. A byte pair encoding
(`lib.tokenizer`) repeats its merges in their order; WordPiece keeps no merges, only the pieces.

The ids are those of Hugging Face's BertTokenizer, but for a few hundred signs that are newer than its table of Unicode
(version 8, 2015).
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lib.tokenizer import split_special

PAD, UNKNOWN, CLS, SEP, MASK = SPECIAL = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
LONGEST_WORD = 100  # characters; a longer word is unknown
INVISIBLE = {"Cc", "Cf", "Co", "Cs"}  # Unicode's categories of control characters, formats, private ones, half ones
IDEOGRAPHS = (  # BERT's list of Chinese characters, each a word of its own
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


def basic_tokens(text: str) -> list[str]:
    """Words and signs of a text, small letters only, without accents (Devlin et al. 2018: "basic tokenization").

    Control characters and U+FFFD are left out. Spaces of any kind, tabs and line ends separate words. Each punctuation
    mark, each of the signs $ + < = > ^ ` | ~ and each Chinese character is a word of its own.
    """
    seen = "".join(" " if sign in "\t\n\r" else sign for sign in text if not _is_left_out(sign))
    apart = "".join(f" {sign} " if _is_ideograph(sign) else sign for sign in seen)
    # é becomes e and an accent; subtle: small letters one by one, since Python's Σ depends on what stands around it
    letters = [sign for sign in unicodedata.normalize("NFD", apart) if unicodedata.category(sign) != "Mn"]
    small = "".join(map(str.lower, letters))
    return "".join(f" {sign} " if _is_punctuation(sign) else sign for sign in small).split()


def _is_left_out(sign: str) -> bool:
    return sign not in "\t\n\r" and (sign == "\ufffd" or unicodedata.category(sign) in INVISIBLE)


def _is_ideograph(sign: str) -> bool:
    return sign >= "\u3400" and any(first <= ord(sign) <= last for first, last in IDEOGRAPHS)


def _is_punctuation(sign: str) -> bool:
    if sign.isascii():
        return not sign.isalnum() and sign.isprintable() and sign != " "
    return unicodedata.category(sign).startswith("P")


def wordpiece(word: str, pieces: Collection[str]) -> list[str]:
    """One word in pieces: again and again the longest one that the rest of it begins with.

    word: not empty, without spaces    pieces: all that there are; those that go on inside a word begin with "##"

    Returns the pieces from left to right, ["em", "##bed", "##ding", "##s"]. Where at some place no piece fits, or the
    word has more than 100 characters, the whole word is ["[UNK]"].
    """
    if len(word) > LONGEST_WORD:
        return [UNKNOWN]
    found, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):  # the longest piece first
            piece = ("##" if start else "") + word[start:end]
            if piece in pieces:
                break
        else:
            return [UNKNOWN]
        found.append(piece)
        start = end
    return found


def frequent_pieces(texts: Iterable[str], least: int) -> list[str]:
    """A list of pieces for a small model: the special tokens, the words that stand `least` times, and all letters.

    Words come by frequency, then by letters; after them each character of the texts, and each with "##", so that every
    word of the texts is made of pieces. (WordPiece's own training, as BPE's, also finds parts of words: this does not.)
    """
    counts = Counter(word for text in texts for word in basic_tokens(text))
    words = [word for word in sorted(counts, key=lambda word: (-counts[word], word)) if counts[word] >= least]
    signs = sorted({sign for word in counts for sign in word})
    return [*SPECIAL, *dict.fromkeys([*words, *signs, *(f"##{sign}" for sign in signs)])]


class Encoded(NamedTuple):
    """ids: of one text or of two    segments: 0 for each token of the first text, 1 for each of the second"""

    ids: list[int]
    segments: list[int]


class WordPieceTokenizer:
    """Texts to ids and back.

    pieces: all tokens in the order of their ids, [PAD], [UNK], [CLS], [SEP], [MASK] included
    cut: a word and the pieces to its pieces, the course's `wordpiece` or a learner's

    `special`: the ids of these five, by name. Raises ValueError when one of them is missing, or a piece stands twice.
    """

    def __init__(self, pieces: Sequence[str], cut: Callable[[str, Collection[str]], list[str]] = wordpiece):
        self.pieces, self.cut = list(pieces), cut
        self.ids = {piece: i for i, piece in enumerate(self.pieces)}
        if len(self.ids) < len(self.pieces):
            raise ValueError(f"{len(self.pieces)} pieces, and only {len(self.ids)} different ones")
        if lacking := [name for name in SPECIAL if name not in self.ids]:
            raise ValueError(f"{lacking[0]} is missing among the {len(self.pieces)} pieces")
        self.special = {name: self.ids[name] for name in SPECIAL}

    @classmethod
    def load(cls, path: str | Path, **options: Any) -> "WordPieceTokenizer":
        """Read a vocab.txt, one piece a line, as BERT's vocabularies are published. options: as of the class"""
        return cls(Path(path).read_text(encoding="utf-8").removesuffix("\n").split("\n"), **options)

    def __len__(self) -> int:
        return len(self.pieces)

    def tokens(self, text: str) -> list[str]:
        """The pieces of a text. A special token that stands in it, [MASK] for one, is itself; others become [UNK]."""
        found = []
        for part in split_special(text, SPECIAL):
            words = [[part]] if part in SPECIAL else [self.cut(word, self.ids) for word in basic_tokens(part)]
            found += [piece for pieces in words for piece in pieces]
        return found

    def encode(self, text: str, second: str | None = None, longest: int | None = None) -> Encoded:
        """[CLS] text [SEP], or [CLS] text [SEP] second [SEP].

        longest: so many tokens at most, these included. A single text loses its end. Of two texts, the longer one loses
        its end down to what the other leaves; where both have more than half of the room, each keeps half, and an odd
        place goes to the longer one, of equally long ones to the second.

        Raises ValueError when `longest` has no room for [CLS] and [SEP].
        """
        texts = [[self.ids[piece] for piece in self.tokens(one)] for one in (text, second) if one is not None]
        if longest is not None:
            _shorten(texts, longest - 1 - len(texts))
        ids, segments = [self.special[CLS]], [0]
        for segment, part in enumerate(texts):
            ids += [*part, self.special[SEP]]
            segments += [segment] * (len(part) + 1)
        return Encoded(ids, segments)

    def decode(self, ids: Iterable[int]) -> str:
        """The pieces with spaces between them, but where one goes on inside a word. Accents and capitals are lost."""
        return " ".join(self.pieces[int(i)] for i in ids).replace(" ##", "")


def _shorten(texts: list[list[int]], room: int) -> None:
    """Take from the ends of one or two texts what does not fit into `room` together."""
    if room < 0:
        raise ValueError(f"longest={room + 1 + len(texts)} has no room for the {1 + len(texts)} tokens around the text")
    if sum(map(len, texts)) > room:
        shorter, longer = sorted(texts, key=len) if len(texts) == 2 else ([], texts[0])
        del shorter[room // 2 :]
        del longer[room - len(shorter) :]
