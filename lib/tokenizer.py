"""Tokens: text in pieces that a model can count, by byte pair encoding (Gage 1994, Sennrich et al. 2016).

    pair_counts, merge_pair, learn_merges    as one writes it first: count pairs, merge the most frequent    notebook 08
    bpe_encode, bpe_decode                   text to ids by the rank of the merges, and back                notebook 08
    pre_tokenise                             a text to words, numbers, signs: what may be merged            notebook 08
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
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import regex

from lib.downloads import SOURCES, fetch

# GPT-2's pattern as tiktoken writes it: contractions; letters, numbers, other signs, with a space before; spaces
PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
PRE_TOKEN = regex.compile(PATTERN)
KINDS = {"a": r"\p{L}", "1": r"\p{N}"}  # a letter, a number, and the patterns of their kinds; all others count as "!"
BYTES = bytes(range(256))
GPT2_BYTES = bytes(sorted(BYTES, key=lambda byte: (chr(byte) == " " or not chr(byte).isprintable(), byte)))
GPT2_SPECIAL = {"<|endoftext|>": 50256}
LONG_WORD, CACHED_WORDS = 50, 100_000
CHUNK = 1 << 16  # characters that are encoded at once where a text arrives in pieces
END, INSIDE = -1, -2  # no ids: what stands between words and in the middle of a token

Pair = tuple[int, int]


# ----------------------------------------------------------------------------------------- as one writes it first


def pair_counts(words: Mapping[tuple[int, ...], int]) -> dict[Pair, int]:
    """How often each pair of neighbours stands in the words.

    words: tuples of ids, with how often each word occurs, 1 or more. Pairs may overlap: (7, 7, 7) has (7, 7) twice,
    and a word of one id, or of none, has no pair.
    """
    counts = {}
    for word, times in words.items():
        for pair in pairwise(word):
            counts[pair] = counts.get(pair, 0) + times
    return counts


def merge_pair(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    """The ids with every `pair`, from left to right and without overlap, replaced by `new`, another id."""
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

    words: tuples of ids below 256, with how often each occurs, 1 or more

    Of equally frequent pairs, the smaller one is merged.
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
    """The text of the ids: 0 to 255 are bytes, the others what was merged. Broken UTF-8 becomes U+FFFD, �.

    merges: to 256, 257, ... in this order. Nothing else is changed: no character is dropped or normalised.
    """
    tokens = {byte: bytes([byte]) for byte in range(256)}
    for (left, right), new in merges.items():
        tokens[new] = tokens[left] + tokens[right]
    return b"".join(tokens[i] for i in ids).decode("utf-8", errors="replace")


def pre_tokenise(text: str) -> list[str]:
    """Cut a text into pieces as GPT-2 does (Radford et al. 2019); joined, they are the text. `pre_tokens` is faster.

    At each place the first that fits: 's 't 're 've 'm 'll 'd; letters; numbers; signs that are no space, letter or
    number (these three with one blank before them, if there is one); spaces not followed by a non-space; other spaces.
    """
    contraction = r"'(?:s|t|re|ve|m|ll|d)"
    letters, numbers = r" ?\p{L}+", r" ?\p{N}+"
    signs = r" ?[^\s\p{L}\p{N}]+"
    spaces = r"\s+(?!\S)|\s+"
    return regex.findall("|".join([contraction, letters, numbers, signs, spaces]), text)


def split_special(text: str, special: Collection[str]) -> list[str]:
    """Cut a text so that each special token is a piece of its own. No piece is empty; joined, they are the text.

    Where two overlap in the text, the one that begins first is cut out; of two that begin at one place, the one that
    `special` names first.
    """
    if not special:
        return [text] if text else []
    either = "|".join(re.escape(token) for token in special)  # the | of <|endoftext|> is no "or"
    return [piece for piece in re.split(f"({either})", text) if piece]  # brackets: keep what was split at


# ------------------------------------------------------------------------------------------------------- pre-tokens


def pre_tokens(text: str, pattern: regex.Pattern = PRE_TOKEN) -> list[str]:
    """Cut a text as GPT-2 does: words with the space before them, numbers, signs. Joined, they are the text.

    pattern: what a piece is, if not GPT-2's
    """
    stand_ins = {} if text.isascii() else {ord(sign): kind for sign in set(text) if (kind := _stand_in(sign))}
    if not stand_ins:
        return pattern.findall(text)
    return [text[found.start() : found.end()] for found in pattern.finditer(text.translate(stand_ins))]


@functools.cache
def _stand_in(sign: str) -> str:
    """A sign of the kind that tiktoken takes this one for, where `regex` has another table of Unicode; else nothing."""
    ours = next((kind for kind, pattern in KINDS.items() if regex.match(pattern, sign)), "!")
    theirs = next((kind for kind, pattern in KINDS.items() if _only(pattern).encode_ordinary(sign)), "!")
    return "" if ours == theirs else theirs


@functools.cache
def _only(pattern: str):
    """A `tiktoken.Encoding` that writes the bytes of what fits the pattern, and nothing for the rest."""
    import tiktoken

    ranks = {bytes([byte]): byte for byte in BYTES}
    return tiktoken.Encoding("bytes", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})


def _well_formed(text: str) -> str:
    """Lone surrogates, which no UTF-8 can hold, become U+FFFD, as in tiktoken; a pair of them becomes its character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# -------------------------------------------------------------------------------------------------------- tokenizer


class Tokenizer:
    """Text to ids and back, with the ids that tiktoken gives.

    special: names of special tokens with their ids    alphabet: the 256 bytes, in the order of their ids
    merges: pairs of byte strings, the oldest first. Bytes, then merges, get the ids that no special token has.
    pattern: what a pre-token is, as a regular expression

    A published alphabet may lack bytes that its training texts never had: they are left out of texts.
    """

    def __init__(
        self,
        merges: Sequence[tuple[bytes, bytes]],
        special: Mapping[str, int] | None = None,
        alphabet: bytes = BYTES,
        pattern: str = PATTERN,
    ):
        self.special, self.pairs, self.alphabet = dict(special or {}), [tuple(pair) for pair in merges], bytes(alphabet)
        if len(set(self.alphabet)) < len(self.alphabet):
            raise ValueError(
                f"an alphabet has each byte once, this one has {len(self.alphabet)} bytes, some of them twice"
            )
        self.pattern = pattern
        self._pre_tokens = functools.partial(pre_tokens, pattern=regex.compile(pattern))
        _check_special(self.special, len(self.alphabet) + len(self.pairs))
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
        self._names = _longest_first(self.special)
        self._lacking = bytes(set(BYTES) - set(self.alphabet))
        self._first_ids = {byte: self.ranks[bytes([byte])] for byte in self.alphabet}
        self._known: dict[str, list[int]] = {}  # words that were encoded before

    def __len__(self) -> int:
        return len(self.special) + len(self.alphabet) + len(self.pairs)

    def encode(self, text: str, allowed_special: Collection[str] = ()) -> list[int]:
        """Text to ids. Special tokens in the text are refused unless they, or "all", are allowed.

        A text from somebody else must not be able to say <EOS>. `encode_ordinary` takes it for five plain signs.
        Where several special tokens begin at one place, the longest counts.
        """
        allowed = set(self.special) if allowed_special == "all" else set(allowed_special)
        if strangers := sorted(allowed - self.special.keys()):
            raise ValueError(f"{strangers[0]!r} is not a special token of this tokenizer: {', '.join(self.special)}")
        ids: list[int] = []
        for piece in split_special(_well_formed(text), self._names):
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

    def encode_iterable(self, texts: Iterable[str], allowed_special: Collection[str] = ()) -> Iterator[int]:
        """The ids that `encode` gives for the texts joined, one after the other, without holding them all.

        texts: pieces of one text, cut anywhere, such as the lines of an open file. No more is kept of them than some
        65,536 characters and three times the longest pre-token.
        """
        rest, enough = "", CHUNK
        for text in texts:
            for start in range(0, len(text), CHUNK):
                rest += text[start : start + CHUNK]
                if len(rest) < enough or "\ud800" <= rest[-1] < "\udc00":  # half a character, if the other half follows
                    continue
                rest = _well_formed(rest)
                settled = self._settled(rest)
                yield from self.encode(rest[:settled], allowed_special)
                rest = rest[settled:]
                enough = CHUNK + 2 * len(rest)  # so that a long word is not read again for every piece
        yield from self.encode(rest, allowed_special)

    def _settled(self, text: str) -> int:
        """How many characters, from the first, have ids that what follows the text cannot change."""
        longest = max(map(len, self.special), default=1)
        limit = max(0, len(text) - longest + 1)  # a special token that begins here or later may not be complete
        start = 0
        for piece in split_special(text, self._names):
            if start >= limit or (piece not in self.special and start + len(piece) >= limit):
                break
            start += len(piece)
        # subtle: two pre-tokens are open, not one, since ' and l become one when another l follows
        return start + sum(map(len, self._pre_tokens(text[start:limit])[:-2]))

    def encode_ordinary(self, text: str) -> list[int]:
        """Text to ids; what looks like a special token is plain text."""
        ids: list[int] = []
        for word in self._pre_tokens(_well_formed(text)):
            known = self._known.get(word)
            if known is None:
                known = self._encode_word(word)
            ids += known
        return ids

    def _encode_word(self, word: str) -> list[int]:
        ids = [self._first_ids[byte] for byte in word.encode().translate(None, self._lacking)]
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
        """The same tokenizer as a `tiktoken.Encoding`: the same ids, found by Rust. ValueError if bytes are lacking."""
        import tiktoken

        if self._lacking:
            raise ValueError(f"tiktoken needs all 256 bytes, this alphabet has {len(self.alphabet)}")
        return tiktoken.Encoding(
            "course", pat_str=self.pattern, mergeable_ranks=self.ranks, special_tokens=self.special
        )

    def save(self, path: str | Path) -> None:
        """Write JSON for the eye too: one merge a line; bytes of half a character are escaped, \\udc80 to \\udcff."""
        merges = ",\n".join(
            json.dumps([part.decode("utf-8", "surrogateescape") for part in pair]) for pair in self.pairs
        )
        order = "" if self.alphabet == BYTES else f'"alphabet": {json.dumps(list(self.alphabet))},\n'
        order += "" if self.pattern == PATTERN else f'"pattern": {json.dumps(self.pattern)},\n'
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
            alphabet, pattern = bytes(found.get("alphabet", BYTES)), found.get("pattern", PATTERN)
            return cls(merges, found["special"], alphabet, pattern)
        except (ValueError, KeyError, TypeError, AttributeError, regex.error) as error:
            raise ValueError(f"{path} is not a tokenizer of this course ({type(error).__name__}: {error})") from None


def _longest_first(special: Iterable[str]) -> list[str]:
    """In the order in which `split_special` must look for them where one begins like another."""
    return sorted(special, key=len, reverse=True)


def _check_special(special: Mapping[str, int], others: int) -> None:
    size = len(special) + others
    if len(set(special.values())) < len(special) or any(not 0 <= i < size for i in special.values()):
        raise ValueError(f"special tokens need different ids from 0 to {size - 1}, not {list(special.values())}")
    for name in special:
        if not name:
            raise ValueError("a special token cannot be empty: it would stand everywhere")


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
        for piece in split_special(text, _longest_first(names)):
            if piece not in names:
                counts.update(pre_tokens(_well_formed(piece)))
    return Tokenizer(_learn_fast(counts, n_merges), names)


def _learn_fast(counts: Mapping[str, int], n: int) -> list[tuple[bytes, bytes]]:
    """What `learn_merges` gives, as bytes, in n log n steps: only the places of the merged pair are looked at.

    All words lie end to end in `ids`. A token has a cell for each byte, and its id in the first and last of them.
    """
    ids, times = [END], [0]  # for every cell, how often its word occurs
    for word, often in counts.items():
        ids += [*word.encode(), END]
        times += [often] * (len(ids) - len(times))
    total: defaultdict[Pair, int] = defaultdict(int)  # how often each pair occurs
    where: defaultdict[Pair, list[int]] = defaultdict(list)  # the cells at which it stands, or once stood
    for i, pair in enumerate(pairwise(ids)):
        if END not in pair:
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
        new, to_right = len(tokens), len(tokens[left])
        merges.append((tokens[left], tokens[right]))
        tokens.append(tokens[left] + tokens[right])
        made: defaultdict[Pair, list[int]] = defaultdict(list)
        for i in where.pop(pair):  # from left to right: all of these pairs arose in one round
            j, end = i + to_right, i + len(tokens[new])
            if ids[i] != left or ids[j] != right:
                continue  # one of the two was merged in the meantime
            ids[j - 1] = ids[j] = INSIDE
            ids[i] = ids[end - 1] = new
            before, after, often = ids[i - 1], ids[end], times[i]
            if before != END:
                total[before, left] -= often
                total[before, new] += often
                made[before, new].append(i - len(tokens[before]))
            if after != END:
                total[right, after] -= often
                total[new, after] += often
                made[new, after].append(i)
        total[pair] = 0
        for other in made:
            if total[other]:
                heapq.heappush(heap, (-total[other], other))
        where.update(made)
    return merges


# ------------------------------------------------------------------------------------------------------------ GPT-2


def load_gpt2(offline: bool = False) -> Tokenizer:
    """GPT-2's own tokenizer: 50,257 ids, the last of which, 50256, is <|endoftext|>.

    Its list of merges comes from tiktoken's cache (TIKTOKEN_CACHE_DIR), or as `lib.downloads` has it: fetched before,
    from a classroom's mirror (COURSE_MIRROR) or, unless offline, from the network. ConnectionError if none has it.
    """
    byte_of = gpt2_letters()
    lines = _gpt2_file(offline).decode().split("\n")[1:-1]
    merges = [tuple(bytes(byte_of[character] for character in part) for part in line.split()) for line in lines]
    return Tokenizer(merges, GPT2_SPECIAL, GPT2_BYTES)


def gpt2_letters() -> dict[str, int]:
    """The byte of each letter of GPT-2's file, in which every byte is written as a letter: "Ġ" is a space."""
    letters = [chr(byte) for byte in GPT2_BYTES if chr(byte).isprintable() and byte != ord(" ")]
    letters += [chr(256 + i) for i in range(256 - len(letters))]
    return dict(zip(letters, GPT2_BYTES, strict=True))


def _gpt2_file(offline: bool) -> bytes:
    source = SOURCES["gpt2/vocab.bpe"]
    if folder := os.environ.get("TIKTOKEN_CACHE_DIR"):
        path = Path(folder) / hashlib.sha1(source.url.encode()).hexdigest()
        if path.is_file() and hashlib.sha256(content := path.read_bytes()).hexdigest() == source.sha256:
            return content
    return fetch("gpt2/vocab.bpe", offline=offline).read_bytes()
