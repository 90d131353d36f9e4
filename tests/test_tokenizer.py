"""lib.tokenizer against counting by brute force, tiktoken and Hugging Face's tokenizers."""

import itertools
import json
import os
import random
import re
import sys
import tracemalloc
from collections import Counter

import pytest
import regex
import tiktoken

from lib import downloads
from lib import tokenizer as tokenizer_module
from lib.batching import SPECIAL
from lib.corpora.italian import load_pairs
from lib.corpora.stories import load_stories
from lib.tokenizer import (
    GPT2_BYTES,
    Tokenizer,
    bpe_decode,
    bpe_encode,
    learn_merges,
    load_gpt2,
    merge_pair,
    pair_counts,
    pre_tokenise,
    pre_tokens,
    split_special,
    train_tokenizer,
)

EVERY_CHARACTER = [chr(i) for i in (*range(0xD800), *range(0xE000, 0x110000))]


@pytest.fixture(scope="module")
def texts():
    return load_stories()[:60] + [pair.italian for pair in load_pairs()[:300]]


@pytest.fixture(scope="module")
def tokenizer(texts):
    return train_tokenizer(texts, 1500, SPECIAL)


def words_in(texts):
    return Counter(tuple(word.encode()) for text in texts for word in pre_tokens(text))


def random_texts(rng, n):
    """Short texts of everything: plain letters, runs of spaces, accents, emoji, any character, lone surrogates."""
    kinds = [
        lambda: rng.choice(" \n\t'aeinrst1290.,!"),
        lambda: chr(rng.randrange(128)),
        lambda: chr(rng.randrange(0x250)),
        lambda: rng.choice("👍🏽😀👩‍👩‍👧ﷺ\u0301\u200b\ufeff\u3000\xa0\u2028"),
        lambda: rng.choice(EVERY_CHARACTER),
        lambda: chr(rng.randrange(0xD800, 0xE000)),
        lambda: rng.choice((" the", "'ll", "   ", " perché", "aaaa")),
    ]
    for _ in range(n):
        chosen = rng.sample(kinds, rng.randrange(1, len(kinds)))
        yield "".join(rng.choice(chosen)() for _ in range(rng.randrange(25)))


# --------------------------------------------------------------------------------------------------- as first written


def test_the_example_of_wikipedia():
    merges = learn_merges({tuple(b"aaabdaaabac"): 1}, 3)
    assert merges == {(97, 97): 256, (97, 98): 257, (256, 257): 258}
    assert bpe_encode(b"aaabdaaabac", merges) == [258, 100, 258, 97, 99]
    assert bpe_decode([258, 100, 258, 97, 99], merges) == "aaabdaaabac"


@pytest.mark.parametrize("seed", range(5))
def test_merging_a_pair_is_replacing_in_a_string(seed):
    rng = random.Random(seed)
    for _ in range(50):
        ids = rng.choices(range(65, 68), k=rng.randrange(13))
        pair, text = tuple(rng.choices(range(65, 68), k=2)), "".join(map(chr, ids))
        assert merge_pair(ids, pair, 300) == [ord(c) for c in text.replace("".join(map(chr, pair)), chr(300))]
        counted = pair_counts({tuple(ids): 7}).get(pair, 0)
        assert counted == 7 * len(re.findall(f"(?={''.join(map(chr, pair))})", text))


def test_special_tokens_are_cut_out_as_with_a_pattern():
    rng = random.Random(0)
    for _ in range(200):
        text = "".join(rng.choices(["<PAD>", "<EOS>", "<", "EOS", " ", "a|b", "\n"], k=rng.randrange(9)))
        pieces = split_special(text, SPECIAL)
        assert "".join(pieces) == text and "" not in pieces
        assert [piece for piece in pieces if piece in SPECIAL] == re.findall("<PAD>|<EOS>", text)


# As OpenAI published it with GPT-2, in src/encoder.py
PUBLISHED = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""


def test_words_are_cut_as_by_the_published_pattern(texts):
    for text in (*texts[:60], *random_texts(random.Random(0), 500), "", " ", "I'll DON'T  x²\n\n a "):
        pieces = pre_tokenise(text)
        assert pieces == regex.findall(PUBLISHED, text) and "".join(pieces) == text
        if text.isascii():
            assert pieces == pre_tokens(text)


# ----------------------------------------------------------------------------------------------------------- training


@pytest.mark.parametrize("seed", range(6))
def test_fast_training_learns_what_counting_all_over_learns(seed):
    """Few letters: many ties, and runs such as aaaa, where pairs overlap."""
    rng = random.Random(seed)
    texts = ["".join(rng.choices("ab è "[: 2 + seed % 4], k=rng.randrange(40))) for _ in range(30)]
    assert train_tokenizer(texts, 256 + 60).merges == learn_merges(words_in(texts), 60)


def test_fast_training_on_stories_learns_what_counting_all_over_learns(texts):
    assert train_tokenizer(texts[:12], 256 + 150).merges == learn_merges(words_in(texts[:12]), 150)


UNBROKEN = {
    "DNA": lambda rng, n: "".join(rng.choices("ACGT", k=n)),
    "Thai": lambda rng, n: "".join(rng.choices([chr(i) for i in range(0xE01, 0xE2F)], k=n)),
    "Chinese": lambda rng, n: "".join(rng.choices([chr(0x4E00 + i * i) for i in range(140)], k=n)),
    "one letter": lambda rng, n: "a" * n,
}


@pytest.mark.parametrize("kind", UNBROKEN)
def test_an_unbroken_word_learns_what_counting_all_over_learns(kind):
    texts = [UNBROKEN[kind](random.Random(seed), 700) for seed in (0, 1)]
    assert train_tokenizer(texts, 256 + 80).merges == learn_merges(words_in(texts), 80)


@pytest.mark.parametrize("kind", UNBROKEN)
def test_training_on_one_unbroken_word_takes_linear_time(kind):
    """Counted in lines that run, not in seconds: at most 30 a byte, whatever the length and the number of merges."""
    lines = 0

    def count(frame, event, _):
        nonlocal lines
        lines += event == "line"
        return count if frame.f_code.co_filename == tokenizer_module.__file__ else None

    for length, merges in ((5000, 30), (5000, 500), (20_000, 500)):
        text, lines = UNBROKEN[kind](random.Random(0), length), 0
        sys.settrace(count)
        try:
            train_tokenizer([text], 256 + merges)
        finally:
            sys.settrace(None)
        assert lines < 30 * len(text.encode())


def test_training_learns_what_hugging_face_learns(texts):
    """Given our words, byte for byte as characters of the same order, so that even ties are decided alike."""
    from tokenizers import Tokenizer as Theirs
    from tokenizers import models, pre_tokenizers, trainers

    theirs = Theirs(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.Split("\uffff", "removed")
    words = [word.encode().decode("latin-1") for text in texts for word in pre_tokens(text)]
    alphabet = [chr(byte) for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=1500, show_progress=False, initial_alphabet=alphabet)
    theirs.train_from_iterator(["\uffff".join(words)], trainer)
    merges = json.loads(theirs.to_str())["model"]["merges"]
    ours = train_tokenizer(texts, 1500).pairs
    assert [tuple(part.decode("latin-1") for part in pair) for pair in ours] == [tuple(pair) for pair in merges]


def test_the_order_of_the_texts_does_not_matter(texts):
    shuffled = random.Random(0).sample(texts, len(texts))
    assert train_tokenizer(shuffled, 700).pairs == train_tokenizer(iter(texts), 700).pairs


def test_a_smaller_vocabulary_is_the_beginning_of_a_larger_one(texts, tokenizer):
    assert train_tokenizer(texts, 900, SPECIAL).pairs == tokenizer.pairs[: 900 - 256 - 4]


def test_training_stops_when_nothing_is_left_to_merge():
    assert len(train_tokenizer(["ab ab"], 500)) == 256 + 2  # ab and ␣ab
    assert len(train_tokenizer([], 500)) == len(train_tokenizer(["", "a"], 500)) == 256


def test_special_tokens_in_the_training_texts_are_left_out():
    with_them, without = ["ab<EOS>ab<EOS>", "<PAD><PAD>"], ["ab", "ab"]
    assert train_tokenizer(with_them, 300, SPECIAL).pairs == train_tokenizer(without, 300, SPECIAL).pairs


# --------------------------------------------------------------------------------------------------------------- ids


def test_ids_special_tokens_first_then_bytes_then_merges(tokenizer):
    assert tokenizer.special == {"<PAD>": 0, "<SOS>": 1, "<EOS>": 2, "<UNK>": 3} and len(tokenizer) == 1500
    assert [tokenizer.token(4 + byte) for byte in range(256)] == [bytes([byte]) for byte in range(256)]
    assert sorted(tokenizer.tokens) == list(range(1500))
    assert all(
        tokenizer.token(new) == tokenizer.token(a) + tokenizer.token(b) for (a, b), new in tokenizer.merges.items()
    )


def test_every_text_has_the_ids_of_tiktoken_and_comes_back(tokenizer, texts):
    theirs = tokenizer.tiktoken()
    for text in itertools.chain(texts, random_texts(random.Random(0), 4000)):
        ids = tokenizer.encode(text)
        assert ids == theirs.encode(text), repr(text)
        assert tokenizer.decode(ids) == theirs.decode(ids)
        if not re.search("[\ud800-\udfff]", text):
            assert tokenizer.decode(ids) == text


def test_every_character_is_joined_to_words_as_tiktoken_joins_it():
    """Letters of the newest Unicode too, which Python's and tiktoken's tables may class differently."""
    pairs = [(before, bytes([byte])) for before in (b"a", b"1", b"!") for byte in range(256)]
    ours = Tokenizer(pairs)
    theirs = ours.tiktoken()
    alphabets, others = EVERY_CHARACTER[:0x20000], EVERY_CHARACTER[0x20000::13]
    characters = alphabets + others
    for start in range(0, len(characters), 5000):
        signs = characters[start : start + 5000]
        text = "\n".join(f"a{sign} 1{sign} !{sign}" for sign in signs)
        assert ours.encode(text) == theirs.encode(text), hex(ord(signs[0]))


def test_bad_ids_are_refused(tokenizer):
    for i in (-1, 1500):
        with pytest.raises(ValueError, match=f"no token {i}: the ids go from 0 to 1499"):
            tokenizer.decode([5, i])


def test_decoding_arbitrary_ids_never_fails(tokenizer):
    rng, theirs = random.Random(0), tokenizer.tiktoken()
    for _ in range(500):
        ids = rng.choices(range(1500), k=9)
        assert tokenizer.decode(ids) == theirs.decode(ids)


def test_lone_surrogates_become_replacement_characters(tokenizer):
    assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a\ufffdb"
    assert tokenizer.decode(tokenizer.encode("\ud83d\ude00")) == "😀"


@pytest.mark.parametrize("seed", range(3))
def test_long_words_are_encoded_as_short_ones(seed):
    rng = random.Random(seed)
    words = ["".join(rng.choices("abc", weights=[4, 2, 1], k=rng.randrange(2, 12))) for _ in range(200)]
    ours = train_tokenizer(words, 256 + 90)
    for length in (49, 50, 51, 52, 230):
        word = "".join(rng.choices("abc", weights=[4, 2, 1], k=length))
        assert ours.encode(word) == bpe_encode(word.encode(), ours.merges) == ours.tiktoken().encode(word)


class CountedMerges(dict):
    """Counts how often a pair is looked for."""

    looked = 0

    def __contains__(self, pair):
        self.looked += 1
        return super().__contains__(pair)


def test_a_word_of_100_kb_does_not_take_quadratic_time():
    rng, letters = random.Random(0), "etaoinshrdlu"
    ours = train_tokenizer(["".join(rng.choices(letters, k=9)) for _ in range(3000)], 4096)
    ours.merges = CountedMerges(ours.merges)
    word = "".join(rng.choices(letters, k=100_000))
    assert len(ours.encode(word)) < 60_000 and ours.merges.looked < 5 * len(word)
    for odd in ("a" * 100_000, " " * 100_000 + "x", "!" * 100_000, "\n" * 100_000, "1" * 100_000):
        assert ours.encode(odd) == ours.tiktoken().encode(odd)


# ------------------------------------------------------------------------------------------------------ special tokens


def test_special_tokens_in_a_text_are_refused_allowed_or_spelt(tokenizer):
    theirs, text = tokenizer.tiktoken(), "The end.<EOS><SOS> <PAD"
    with pytest.raises(ValueError, match="contains the special token '<EOS>': allow it"):
        tokenizer.encode(text)
    with pytest.raises(ValueError, match="contains the special token '<SOS>'"):
        tokenizer.encode(text, allowed_special={"<EOS>"})
    with pytest.raises(ValueError, match="'<STOP>' is not a special token of this tokenizer: <PAD>"):
        tokenizer.encode(text, allowed_special={"<STOP>"})
    assert tokenizer.encode(text, allowed_special="all") == theirs.encode(text, allowed_special="all")
    assert tokenizer.encode_ordinary(text) == theirs.encode_ordinary(text)
    for ids in (tokenizer.encode(text, allowed_special="all"), tokenizer.encode_ordinary(text)):
        assert tokenizer.decode(ids) == text


def test_special_tokens_that_overlap_are_found_from_the_left_as_by_tiktoken():
    ours = train_tokenizer([], 256 + 2, ["bc|", "ab"])
    for text in ("abc|", "bc|ab", "abbc|", "aabc|bc|"):
        assert ours.encode(text, allowed_special="all") == ours.tiktoken().encode(text, allowed_special="all")


def theirs_with_special(names):
    """Hugging Face's search for special tokens: what it finds has an id from 256 on, other characters their code."""
    from tokenizers import AddedToken, models
    from tokenizers import Tokenizer as Theirs

    theirs = Theirs(models.BPE({chr(i): i for i in range(256)}, []))
    theirs.add_special_tokens([AddedToken(name, special=True) for name in names])
    return theirs


@pytest.mark.parametrize("names", [["<|a|>", "<|a|><|a|>"], ["ab", "abc", "bcd", "cd"], ["aa", "aaaa", "aaa"]])
def test_of_special_tokens_that_begin_alike_the_longest_counts(names):
    rng, theirs = random.Random(0), theirs_with_special(names)
    ours = Tokenizer([], {name: 256 + i for i, name in enumerate(names)})
    for _ in range(200):
        text = "".join(rng.choices([*names, "x", *names[1]], k=rng.randrange(9)))
        assert ours.encode(text, allowed_special="all") == theirs.encode(text).ids, text
        assert train_tokenizer([text], 300, names).pairs == train_tokenizer([text], 300, names[::-1]).pairs
    with pytest.raises(ValueError, match=r"contains the special token '<\|a\|><\|a\|>'"):
        Tokenizer([], {"<|a|>": 0, "<|a|><|a|>": 1}).encode("b<|a|><|a|>")


def test_merges_are_not_learnt_from_the_longer_special_token():
    assert train_tokenizer(["<|a|><|a|>x"], 300, ["<|a|>", "<|a|><|a|>x"]).pairs == []


# ----------------------------------------------------------------------------------------------------- text in pieces


def cut(rng, text, longest):
    """The text in pieces of 0 to `longest` characters."""
    start = 0
    while start < len(text):
        end = start + rng.randrange(longest + 1)
        yield text[start:end]
        start = end


@pytest.mark.parametrize("chunk", [1, 2, 5, 30])
def test_a_text_in_pieces_has_the_ids_of_the_whole(tokenizer, chunk, monkeypatch):
    """Cut inside words, runs of spaces, contractions, special tokens and pairs of surrogates."""
    monkeypatch.setattr("lib.tokenizer.CHUNK", chunk)
    special = {"<|a|>": 0, "<|a|><|a|>": 1, "ll": 2, "😀!": 3}
    names = [
        *special,
        *SPECIAL,
        "<|a|><|",
        "he'll",
        "we've ",
        "\ud83d",
        "\ude00",
        "\ud83d\ude00!",
        "'",
        "l",
        "v",
        "  ",
        " \n",
    ]
    rng = random.Random(chunk)
    for tokens in (tokenizer, Tokenizer(tokenizer.pairs, special), Tokenizer(tokenizer.pairs)):
        for text in random_texts(rng, 150):
            text += "".join(rng.choices(names, k=rng.randrange(6))) + text[::-1]
            whole = tokens.encode(text, allowed_special="all")
            assert list(tokens.encode_iterable(cut(rng, text, 3), allowed_special="all")) == whole, repr(text)


def test_pieces_of_stories_have_the_ids_of_the_whole(tokenizer):
    text = "<EOS>".join(load_stories()[:500])
    pieces = cut(random.Random(0), text, 999)
    assert list(tokenizer.encode_iterable(pieces, allowed_special={"<EOS>"})) == tokenizer.encode(text, {"<EOS>"})
    assert list(tokenizer.encode_iterable([])) == list(tokenizer.encode_iterable(["", ""])) == []
    with pytest.raises(ValueError, match="contains the special token '<EOS>'"):
        list(tokenizer.encode_iterable([text]))


def test_pieces_are_encoded_in_bounded_memory():
    """25 MB in odd pieces: the text alone would take 25 MB, and a list of its ids 4 MB."""
    word = " Donaudampfschifffahrtselektrizitaetenhauptwerk"
    tokens = train_tokenizer([word], 400)
    assert tokens.encode(word) == [len(tokens) - 1]
    words, n_ids = word * 1000, 0
    tracemalloc.start()
    try:
        for _ in tokens.encode_iterable(words[i % len(word) :] + words[: i % len(word)] for i in range(532)):
            n_ids += 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(words.encode()) * 532 > 25e6 and 0.5e6 < n_ids < 0.6e6
    assert peak < 4e6


def test_a_long_word_in_small_pieces_does_not_take_quadratic_time(tokenizer, monkeypatch):
    read = []
    monkeypatch.setattr("lib.tokenizer.pre_tokens", lambda text: read.append(len(text)) or pre_tokens(text))
    word = "".join(random.Random(0).choices("ACGT", k=500_000))
    assert list(tokenizer.encode_iterable(cut(random.Random(1), word, 99))) == tokenizer.encode(word)
    assert sum(read) < 5 * len(word)


@pytest.mark.parametrize(
    "act, message",
    [
        (lambda: train_tokenizer("abc", 300), r"write \[text\]"),
        (lambda: train_tokenizer(["abc"], 200), "a vocabulary of 200 has no room for 256 bytes and 0 special"),
        (lambda: train_tokenizer([], 300, ["<A>", ""]), "cannot be empty"),
        (lambda: train_tokenizer([], 300, ["<A>", "<A>"]), "named twice"),
        (lambda: Tokenizer([], {"<A>": 300}), "different ids from 0 to 256, not \\[300\\]"),
        (lambda: Tokenizer([], {"<A>": 3, "<B>": 3}), "different ids"),
        (lambda: Tokenizer([(b"a", b"bc")]), "merge 0, b'a' and b'bc', does not make one new token of two"),
        (lambda: Tokenizer([(b"a", b"b"), (b"a", b"b")]), "merge 1"),
        (lambda: Tokenizer([], alphabet=b"abca"), "this one has 4 bytes, some of them twice"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(act, message):
    with pytest.raises((ValueError, TypeError), match=message):
        act()


# --------------------------------------------------------------------------------------------------------------- files


def test_saved_and_loaded_it_is_the_same(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    assert (loaded.pairs, loaded.special, loaded.ranks) == (tokenizer.pairs, tokenizer.special, tokenizer.ranks)
    lines = (tmp_path / "tokenizer.json").read_text(encoding="utf-8").splitlines()
    assert '[" ", "t"],' in lines and len(lines) == len(tokenizer.pairs) + 3
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


@pytest.mark.parametrize("pair", [(b"\xc3", b"\xa8"), (b"\xed\xa0", b"\x80"), (b"\xf0\x9f", b"\x98"), (b'"', b"\\")])
def test_any_bytes_survive_a_file(pair, tmp_path):
    made = Tokenizer([*((left[:1], left[1:]) for left in pair if len(left) > 1), pair], {"<A>": 5}, GPT2_BYTES)
    made.save(tmp_path / "it.json")
    loaded = Tokenizer.load(tmp_path / "it.json")
    assert loaded.pairs == made.pairs and loaded.ranks == made.ranks and loaded.special == {"<A>": 5}


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"special": {}, "merges": [["a", "bc"]]}', '{"special": 3, "merges": 4}']
)
def test_a_file_that_is_no_tokenizer_is_refused_by_name(content, tmp_path):
    (tmp_path / "it.json").write_text(content)
    with pytest.raises(ValueError, match=r"it\.json is not a tokenizer of this course"):
        Tokenizer.load(tmp_path / "it.json")


# --------------------------------------------------------------------------------------------------------------- GPT-2


def as_gpt2_writes(token):
    """How GPT-2's file spells bytes: printable ones as they are, the others as characters from 256 on."""
    others = [byte for byte in range(256) if not chr(byte).isprintable() or byte == 32]
    return "".join(chr(256 + others.index(byte)) if byte in others else chr(byte) for byte in token)


@pytest.fixture
def small_gpt2_file(monkeypatch, tmp_path):
    """A file like GPT-2's with 200 merges in tiktoken's cache, known to lib.downloads as the right one."""
    import hashlib

    pairs = train_tokenizer(["the cat perché è così " * 3, *load_stories()[:20]], 456).pairs
    content = "#version: 0.2\n" + "".join(f"{as_gpt2_writes(a)} {as_gpt2_writes(b)}\n" for a, b in pairs)
    source = downloads.SOURCES["gpt2/vocab.bpe"]._replace(sha256=hashlib.sha256(content.encode()).hexdigest())
    monkeypatch.setitem(downloads.SOURCES, "gpt2/vocab.bpe", source)
    (tmp_path / hashlib.sha1(source.url.encode()).hexdigest()).write_bytes(content.encode())
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    return pairs


def test_gpt2_is_read_from_the_cache_of_tiktoken(small_gpt2_file, monkeypatch):
    monkeypatch.setattr("lib.tokenizer.GPT2_SPECIAL", {"<|endoftext|>": 456})
    ours = load_gpt2()
    assert ours.pairs == small_gpt2_file and len(ours) == 457 and ours.special["<|endoftext|>"] == 456
    assert ours.token(0) == b"!" and ours.token(220) == b" " and ours.token(256) == b"".join(small_gpt2_file[0])


def test_without_a_file_or_a_network_one_sentence_says_what_to_do(monkeypatch, tmp_path):
    for name in ("TIKTOKEN_CACHE_DIR", "COURSE_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    with pytest.raises(ConnectionError, match="COURSE_MIRROR"):
        load_gpt2(offline=True)


def test_the_real_gpt2_where_it_is():
    try:
        ours = load_gpt2(offline=True)
    except ConnectionError:
        pytest.skip("GPT-2's file is not on this machine")
    assert len(ours) == 50_257 and ours.encode("YOUR CAT IS A LOVELY CAT") == [
        56,
        11698,
        38348,
        3180,
        317,
        406,
        8874,
        30943,
        38348,
    ]
    assert ours.encode("<|endoftext|>", allowed_special="all") == [50256]
    if not os.environ.get("TIKTOKEN_CACHE_DIR"):
        return
    theirs = tiktoken.get_encoding("gpt2")
    for text in random_texts(random.Random(1), 3000):
        assert ours.encode(text) == theirs.encode(text), repr(text)
