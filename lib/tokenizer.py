"""Tokens: text in pieces that a model can count, by byte pair encoding (Gage 1994, Sennrich et al. 2016).

    pair_counts, merge_pair, learn_merges    as one writes it first: count pairs, merge the most frequent    notebook 08
    bpe_encode, bpe_decode                   text to ids by the rank of the merges, and back                notebook 08
    split_special                            special tokens such as <EOS> are cut out of the text first     notebook 08
    Tokenizer, train_tokenizer, load_gpt2    the same for long texts: fast, saved as JSON, GPT-2's own      from 08 on

Byte-level (Radford et al. 2019): a text is cut into pre-tokens (a word with the space before it, a number, signs), each
becomes its UTF-8 bytes, and pairs are merged within pre-tokens only. So every text can be told, and no <UNK> is needed.
Ids are numbers; `merges` maps a pair of ids to the id that replaces it, and a smaller id is an older merge.

A little longer than other modules: what the notebook teaches and what the later ones run stand side by side.
"""

import functools
import hashlib
import heapq
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import regex

from lib.downloads import SOURCES, fetch

# GPT-2's pattern as tiktoken writes it: contractions; letters, numbers, other signs, with a space before; spaces
PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
PRE_TOKEN = regex.compile(PATTERN)
KINDS = {"a": r"\p{L}", "1": r"\p{N}", "!": r"[^\s\p{L}\p{N}]"}  # a sign of each kind, and its pattern
BYTES = bytes(range(256))
GPT2_BYTES = bytes(sorted(BYTES, key=lambda byte: (chr(byte) == " " or not chr(byte).isprintable(), byte)))
GPT2_SPECIAL = {"<|endoftext|>": 50256}
LONG_WORD, CACHED_WORDS = 50, 100_000

Pair = tuple[int, int]


# ----------------------------------------------------------------------------------------- as one writes it first


def pair_counts(words: Mapping[tuple[int, ...], int]) -> dict[Pair, int]:
    """How often each pair of neighbours stands in the words.

    words: tuples of ids, with how often each word occurs. Pairs may overlap: (7, 7, 7) has (7, 7) twice,
    and a word of one id, or of none, has no pair.
    """
    counts = {}
    for word, times in words.items():
        for pair in pairwise(word):
            counts[pair] = counts.get(pair, 0) + times
    return counts


def merge_pair(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    """The ids with every `pair`, from left to right and without overlap, replaced by `new`."""
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def learn_merges(words: Mapping[tuple[int, ...], int], n: int) -> dict[Pair, int]:
    """Merge the most frequent pair into a new id, 256, 257, ..., n times or until no pair is left.

    words: tuples of ids below 256, with how often each occurs. Of equally frequent pairs, the smaller one is merged.
    """
    merges = {}
    while len(merges) < n and (counts := pair_counts(words)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = new = 256 + len(merges)
        words = {tuple(merge_pair(word, best, new)): times for word, times in words.items()}
    return merges


def bpe_encode(ids: Sequence[int], merges: Mapping[Pair, int]) -> list[int]:
    """Merge pairs, the oldest merge (the smallest new id) first, until no pair can be merged."""
    ids = list(ids)
    while pairs := [pair for pair in pairwise(ids) if pair in merges]:
        oldest = min(pairs, key=merges.get)
        ids = merge_pair(ids, oldest, merges[oldest])
    return ids


def bpe_decode(ids: Iterable[int], merges: Mapping[Pair, int]) -> str:
    """The text of the ids: 0 to 255 are bytes, the others what was merged. Broken UTF-8 becomes U+FFFD, �."""
    tokens = {byte: bytes([byte]) for byte in range(256)}
    for (left, right), new in merges.items():
        tokens[new] = tokens[left] + tokens[right]
    return b"".join(tokens[i] for i in ids).decode("utf-8", errors="replace")


def split_special(text: str, special: Collection[str]) -> list[str]:
    """Cut a text so that each special token is a piece of its own. No piece is empty; joined, they are the text."""
    if not special:
        return [text] if text else []
    either = "|".join(re.escape(token) for token in special)  # the | of <|endoftext|> is no "or"
    return [piece for piece in re.split(f"({either})", text) if piece]  # brackets: keep what was split at


# ------------------------------------------------------------------------------------------------------- pre-tokens


def pre_tokens(text: str) -> list[str]:
    """Cut a text as GPT-2 does: words with the space before them, numbers, signs. Joined, they are the text."""
    if not text.isascii():
        stand_ins = {ord(sign): other for sign in set(text) if not sign.isascii() and (other := _stand_in(sign))}
        if stand_ins:
            return [text[found.start() : found.end()] for found in PRE_TOKEN.finditer(text.translate(stand_ins))]
    return PRE_TOKEN.findall(text)


@functools.cache
def _stand_in(sign: str) -> str:
    """For a letter or number so new that `regex` and tiktoken do not agree: an old one of the kind tiktoken sees."""
    ours = next((kind for kind, pattern in KINDS.items() if regex.match(pattern, sign)), "")
    theirs = next((kind for kind, pattern in KINDS.items() if _tiktoken(pattern).encode_ordinary(sign)), "")
    return "" if ours == theirs else theirs


@functools.cache
def _tiktoken(pattern: str):
    """An encoding of nothing but bytes; what does not fit the pattern it leaves out."""
    import tiktoken

    return tiktoken.Encoding(
        "bytes", pat_str=pattern, mergeable_ranks={bytes([b]): b for b in BYTES}, special_tokens={}
    )


def _well_formed(text: str) -> str:
    """Lone surrogates, which no UTF-8 can hold, become U+FFFD, as in tiktoken; a pair of them becomes its character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# -------------------------------------------------------------------------------------------------------- tokenizer


class Tokenizer:
    """Text to ids and back, with the ids that tiktoken gives.

    special: names of special tokens with their ids    alphabet: the 256 bytes, in the order of their ids
    merges: pairs of byte strings, the oldest first. Bytes, then merges, get the ids that no special token has.
    """

    def __init__(
        self, merges: Sequence[tuple[bytes, bytes]], special: Mapping[str, int] | None = None, alphabet: bytes = BYTES
    ):
        self.special, self.pairs, self.alphabet = dict(special or {}), [tuple(pair) for pair in merges], bytes(alphabet)
        if sorted(self.alphabet) != list(BYTES):
            raise ValueError(f"an alphabet has each of the 256 bytes once, this one has {len(self.alphabet)} bytes")
        _check_special(self.special, 256 + len(self.pairs))
        names = {i: name for name, i in self.special.items()}
        free = (i for i in range(len(self)) if i not in names)
        self.ranks = {bytes([byte]): next(free) for byte in self.alphabet}
        self.merges: dict[Pair, int] = {}
        for left, right in self.pairs:
            if left not in self.ranks or right not in self.ranks or left + right in self.ranks:
                raise ValueError(
                    f"merge {len(self.merges)}, {left!r} and {right!r}, does not make one new token of two"
                )
            self.merges[self.ranks[left], self.ranks[right]] = self.ranks[left + right] = next(free)
        self.tokens = {i: token for token, i in self.ranks.items()} | {i: name.encode() for i, name in names.items()}
        self._first_ids = [self.ranks[bytes([byte])] for byte in BYTES]
        self._known: dict[str, list[int]] = {}  # words that were encoded before

    def __len__(self) -> int:
        return len(self.special) + 256 + len(self.pairs)

    def encode(self, text: str, allowed_special: Collection[str] = ()) -> list[int]:
        """Text to ids. Special tokens in the text are refused unless they, or "all", are allowed.

        A text from somebody else must not be able to say <EOS>. `encode_ordinary` takes it for five plain signs.
        """
        allowed = set(self.special) if allowed_special == "all" else set(allowed_special)
        if strangers := sorted(allowed - self.special.keys()):
            raise ValueError(f"{strangers[0]!r} is not a special token of this tokenizer: {', '.join(self.special)}")
        ids: list[int] = []
        for piece in split_special(text, self.special) if self.special else [text]:
            if piece in allowed:
                ids.append(self.special[piece])
            elif piece in self.special:
                raise ValueError(
                    f"the text contains the special token {piece!r}: allow it with allowed_special={{{piece!r}}}, "
                    "or take it for plain text with encode_ordinary"
                )
            else:
                ids += self.encode_ordinary(piece)
        return ids

    def encode_ordinary(self, text: str) -> list[int]:
        """Text to ids; what looks like a special token is plain text."""
        ids: list[int] = []
        for word in pre_tokens(_well_formed(text)):
            known = self._known.get(word)
            if known is None:
                known = self._encode_word(word)
            ids += known
        return ids

    def _encode_word(self, word: str) -> list[int]:
        ids = [self._first_ids[byte] for byte in word.encode()]
        if len(ids) > LONG_WORD:
            return _encode_long(ids, self.merges)
        ids = bpe_encode(ids, self.merges)
        if len(self._known) < CACHED_WORDS:
            self._known[word] = ids
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Ids to text, special tokens as their names. Where a character is not complete, there is U+FFFD, �."""
        return b"".join(map(self.token, ids)).decode("utf-8", errors="replace")

    def token(self, i: int) -> bytes:
        """The bytes of one id."""
        token = self.tokens.get(int(i))
        if token is None:
            raise ValueError(f"there is no token {int(i)}: the ids go from 0 to {len(self) - 1}")
        return token

    def tiktoken(self):
        """The same tokenizer as a `tiktoken.Encoding`: the same ids, found by Rust."""
        import tiktoken

        return tiktoken.Encoding("course", pat_str=PATTERN, mergeable_ranks=self.ranks, special_tokens=self.special)

    def save(self, path: str | Path) -> None:
        """Write JSON for the eye too: one merge a line; bytes of half a character are escaped, \\udc80 to \\udcff."""
        merges = ",\n".join(
            json.dumps([part.decode("utf-8", "surrogateescape") for part in pair]) for pair in self.pairs
        )
        order = "" if self.alphabet == BYTES else f'"alphabet": {json.dumps(list(self.alphabet))},\n'
        partial = Path(f"{path}.part")
        content = f'{{"special": {json.dumps(self.special)},\n{order}"merges": [\n{merges}\n]}}\n'
        partial.write_text(content, encoding="utf-8", newline="\n")
        os.replace(partial, path)  # all or nothing

    @classmethod
    def load(cls, path: str | Path) -> "Tokenizer":
        """Read what `save` wrote."""
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            merges = [tuple(part.encode("utf-8", "surrogateescape") for part in pair) for pair in found["merges"]]
            return cls(merges, found["special"], bytes(found.get("alphabet", BYTES)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not a tokenizer of this course ({type(error).__name__}: {error})") from None


def _check_special(special: Mapping[str, int], others: int) -> None:
    size = len(special) + others
    if len(set(special.values())) < len(special) or any(not 0 <= i < size for i in special.values()):
        raise ValueError(f"special tokens need different ids from 0 to {size - 1}, not {list(special.values())}")
    for name in special:
        if not name:
            raise ValueError("a special token cannot be empty: it would stand everywhere")
        if longer := [other for other in special if other != name and name in other]:
            raise ValueError(f"the special token {name!r} stands inside {longer[0]!r}: which one is meant is not clear")


def _encode_long(ids: list[int], merges: Mapping[Pair, int]) -> list[int]:
    """What `bpe_encode` gives, in n log n steps: a heap of the possible merges, the ids as a chain with gaps."""
    after, before = list(range(1, len(ids) + 1)), list(range(-1, len(ids) - 1))
    heap = [(merges[pair], i, pair) for i, pair in enumerate(pairwise(ids)) if pair in merges]
    heapq.heapify(heap)
    while heap:
        new, i, pair = heapq.heappop(heap)  # the oldest merge, and of its places the leftmost
        j = after[i] if ids[i] == pair[0] else len(ids)
        if j == len(ids) or ids[j] != pair[1]:
            continue  # a neighbour was merged in the meantime
        ids[i], ids[j], after[i] = new, -1, after[j]
        if after[i] < len(ids):
            before[after[i]] = i
        for left, right in ((before[i], i), (i, after[i])):
            if left >= 0 and right < len(ids) and (ids[left], ids[right]) in merges:
                heapq.heappush(heap, (merges[ids[left], ids[right]], left, (ids[left], ids[right])))
    return [i for i in ids if i >= 0]


# --------------------------------------------------------------------------------------------------------- training


def train_tokenizer(texts: Iterable[str], vocab: int, special: Sequence[str] = ()) -> Tokenizer:
    """A tokenizer with the ids 0, 1, ... for the special tokens, then 256 bytes, then merges learnt from the texts.

    vocab: how many ids there are in all, or fewer if the texts have no pairs left to merge
    """
    if isinstance(texts, str):
        raise TypeError("texts are a list of strings; for a single one, write [text]")
    n_merges = vocab - 256 - len(special)
    if n_merges < 0:
        raise ValueError(f"a vocabulary of {vocab} has no room for 256 bytes and {len(special)} special tokens")
    names = {name: i for i, name in enumerate(special)}
    if len(names) < len(special):
        raise ValueError(f"a special token is named twice in {list(special)}")
    _check_special(names, vocab - len(names))
    counts: Counter[str] = Counter()
    for text in texts:
        for piece in split_special(text, names):
            if piece not in names:
                counts.update(pre_tokens(_well_formed(piece)))
    return Tokenizer(_learn_fast(counts, n_merges), names)


def _learn_fast(counts: Mapping[str, int], n: int) -> list[tuple[bytes, bytes]]:
    """What `learn_merges` gives, as bytes. Only words that hold the merged pair are looked at again.

    A word is a string with one character an id, so that Python's own `split` and `join` merge a pair.
    """
    words, times = [word.encode().decode("latin-1") for word in counts], list(counts.values())
    total: defaultdict[str, int] = defaultdict(int)  # how often each pair occurs
    where: defaultdict[str, list[int]] = defaultdict(list)  # the words that hold it, or once did
    for i, word in enumerate(words):
        for pair in map(str.__add__, word, word[1:]):
            total[pair] += times[i]
            where[pair].append(i)
    heap = [(-count, pair) for pair, count in total.items()]  # the most frequent first, then the smaller pair
    heapq.heapify(heap)
    tokens, merges = [bytes([byte]) for byte in BYTES], []
    while heap and len(merges) < n:
        count, pair = heapq.heappop(heap)
        if total[pair] != -count:  # subtle: counts in the heap may be too high, never too low
            if total[pair]:
                heapq.heappush(heap, (-total[pair], pair))
            continue
        left, right = pair
        merges.append((tokens[ord(left)], tokens[ord(right)]))
        new = chr(len(tokens))
        tokens.append(b"".join(merges[-1]))
        change: defaultdict[str, int] = defaultdict(int)
        for i in where.pop(pair):
            parts = words[i].split(pair)
            if len(parts) == 2:  # the usual case: the pair stands there once, and only its neighbours matter
                words[i] = new.join(parts)
                before, after = parts[0][-1:], parts[1][:1]
                for gone, made in ((before + left, before + new), (right + after, new + after)):
                    if len(made) == 2:  # there is a neighbour
                        change[gone] -= times[i]
                        change[made] += times[i]
                        where[made].append(i)
            elif len(parts) > 2:
                old, words[i] = words[i], new.join(parts)
                for gone in map(str.__add__, old, old[1:]):
                    change[gone] -= times[i]
                for made in map(str.__add__, words[i], words[i][1:]):
                    change[made] += times[i]
                    if new in made:
                        where[made].append(i)
        for changed, difference in change.items():
            total[changed] += difference
            if difference > 0:
                heapq.heappush(heap, (-total[changed], changed))
        total[pair] = 0
    return merges


# ------------------------------------------------------------------------------------------------------------ GPT-2


def load_gpt2(offline: bool = False) -> Tokenizer:
    """GPT-2's own tokenizer: 50,257 ids, the last of which, 50256, is <|endoftext|>.

    Its list of merges comes from tiktoken's cache (TIKTOKEN_CACHE_DIR), or as `lib.downloads` has it: fetched before,
    from a classroom's mirror (COURSE_MIRROR) or, unless offline, from the network. ConnectionError if none has it.
    """
    characters = [chr(byte) for byte in GPT2_BYTES if chr(byte).isprintable() and byte != ord(" ")]
    characters += [chr(256 + i) for i in range(256 - len(characters))]  # its file writes every byte as a letter
    byte_of = dict(zip(characters, GPT2_BYTES, strict=True))
    lines = _gpt2_file(offline).decode().split("\n")[1:-1]
    merges = [tuple(bytes(byte_of[character] for character in part) for part in line.split()) for line in lines]
    return Tokenizer(merges, GPT2_SPECIAL, GPT2_BYTES)


def _gpt2_file(offline: bool) -> bytes:
    source = SOURCES["gpt2/vocab.bpe"]
    if folder := os.environ.get("TIKTOKEN_CACHE_DIR"):
        path = Path(folder) / hashlib.sha1(source.url.encode()).hexdigest()
        if path.is_file() and hashlib.sha256(content := path.read_bytes()).hexdigest() == source.sha256:
            return content
    return fetch("gpt2/vocab.bpe", offline=offline).read_bytes()
