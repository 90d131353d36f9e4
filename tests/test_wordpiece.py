"""WordPiece against Hugging Face's BertTokenizer: the same ids, on a small vocabulary and on the published one."""

import random
import unicodedata

import pytest

from lib.downloads import fetch
from lib.wordpiece import SPECIAL, WordPieceTokenizer, basic_tokens, frequent_pieces, wordpiece
from tests.test_tokenizer import random_texts

WORDS = (
    "the movie was fantastic em ##bed ##ding ##s ##ding ##sx ##er better bett un ##able ##aff cafe n ##aive 's can ##'t"
)
SIGNS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'\"()[]-_$+<=>^`|~#/σς猫的♥🙂ßıđ—“"
ODD = [
    "",
    " \t\r\n ",
    "The movie was FANTASTIC!",
    "embeddings unaffable embedder 's can't it's",
    "Café naïve Åse ñandú e\u0301 i\u0307 İstanbul ﬁne Ǆ",
    "ΣΑΣ ΟΔΥΣΣΕΥΣ",
    "猫的cat猫、。「的」 한국어 かな が",
    "a\x00b\ufffdc\x07d\u200be\u200df\xadg\ue000h\x85i\x0bj",
    "tabs\tand\nlines\r\nand\u2028more\u3000wide\xa0hard",
    "🙂 👩‍👩‍👧 ♥️ 1,000.50 $5 3+4=7 a_b-c <x> `y` ^ | ~ # ##s",
    "x" * 99,
    "x" * 100,
    "x" * 101,
    "é" * 100,
    "[CLS] not [cls] [MASK][MASK]s [PAD]x[UNK] [SEP",
    "hash ##s [MASK]ed un[SEP]able",
    "naïve" * 30,
]


def small():
    return list(dict.fromkeys([*SPECIAL, *SIGNS, *("##" + sign for sign in SIGNS), *WORDS.split()]))


def theirs(pieces):
    from transformers import BertTokenizer

    return BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)})


def texts(n):
    """Odd ones, then random ones of characters whose kind every table of Unicode knows."""
    rng = random.Random(3)
    yield from ODD
    for text in random_texts(rng, n):
        yield "".join(
            sign for sign in text if unicodedata.ucd_3_2_0.category(sign) not in ("Cn", "Cs") or sign in "🙂👍🏽"
        )
    for _ in range(n):
        signs = [*SIGNS, *"ÁÈÎÕŸ  \t\u0301\u0327", " the ", "ding", "[MASK]", "un", "s"]
        yield "".join(rng.choices(signs, k=rng.randrange(40)))


@pytest.fixture(scope="module")
def published():
    try:
        return WordPieceTokenizer.load(fetch("minilm/vocab.txt", offline=True))
    except ConnectionError:
        pytest.skip("MiniLM's files are not on this machine: python -m lib.downloads fetches them")


def the_same_ids(ours, n):
    other = theirs(ours.pieces)
    for text in texts(n):
        assert list(ours.encode(text).ids) == other(text)["input_ids"], repr(text)


def test_odd_and_random_texts_have_hugging_faces_ids():
    the_same_ids(WordPieceTokenizer(small()), 400)


def test_the_published_pieces_give_hugging_faces_ids(published):
    assert len(published) == 30_522
    the_same_ids(published, 400)


def test_every_character_is_cut_and_cleaned_as_hugging_face_does():
    """All characters of Unicode 3.2. A few have changed their kind since, and Python's table is the newer one."""
    signs = [chr(i) for i in range(0x30000) if unicodedata.ucd_3_2_0.category(chr(i)) not in ("Cn", "Cs", "Co")]
    fast = theirs(list(SPECIAL)).backend_tokenizer
    other = []
    for sign in signs:
        cut = fast.pre_tokenizer.pre_tokenize_str(fast.normalizer.normalize_str(f"a{sign}B"))
        if basic_tokens(f"a{sign}B") != [word for word, _ in cut]:
            other.append(sign)
    assert len(signs) > 95_000 and len(other) < 9 and {"\u166d", "\u1734", "\u1885", "\u1886"} <= set(other)


@pytest.mark.parametrize("second", [False, True])
def test_texts_that_are_too_long_are_cut_as_by_hugging_face(second):
    ours = WordPieceTokenizer(small())
    other = theirs(ours.pieces)
    lengths = range(0, 8)
    for longest in range(3, 17):
        for first, last in [(a, b) for a in lengths for b in (lengths[1:] if second else [0])]:
            pair = (" ".join("abcdefgh"[:first]), " ".join("stuvwxyz"[:last]))[: 1 + second]
            told = other(*pair, truncation=True, max_length=longest)
            assert tuple(ours.encode(*pair, longest=longest)) == (told["input_ids"], told["token_type_ids"])


def test_a_pair_has_segments():
    ours = WordPieceTokenizer(small())
    told = theirs(ours.pieces)("the movie", "was better!")
    assert tuple(ours.encode("the movie", "was better!")) == (told["input_ids"], told["token_type_ids"])
    assert ours.encode("", "").segments == [0, 0, 1] and ours.encode("").ids == [2, 3]


def test_no_room_is_one_sentence():
    ours = WordPieceTokenizer(small())
    assert len(ours.encode("the movie", longest=2).ids) == 2
    with pytest.raises(ValueError, match="longest=1 has no room for the 2 tokens around the text"):
        ours.encode("the", longest=1)
    with pytest.raises(ValueError, match="longest=2 has no room for the 3 tokens around the text"):
        ours.encode("the", "movie", longest=2)


def test_decoding_joins_the_pieces():
    from tokenizers import decoders

    ours, decoder = WordPieceTokenizer(small()), decoders.WordPiece(cleanup=False)
    for text in texts(100):
        ids = ours.encode(text).ids
        assert ours.decode(ids) == decoder.decode([ours.pieces[i] for i in ids])
    assert ours.decode(ours.encode("Embeddings!").ids) == "[CLS] embeddings ! [SEP]"


def test_the_longest_piece_is_taken_and_what_does_not_fit_makes_all_unknown():
    pieces = {"un", "u", "##a", "##ab", "##able", "##le", "able"}
    assert wordpiece("unable", pieces) == ["un", "##able"]
    assert wordpiece("uable", pieces) == ["u", "##able"] and wordpiece("able", pieces) == ["able"]
    assert wordpiece("unabl", pieces) == ["[UNK]"]  # greedy: un ##ab, then nothing
    assert wordpiece("xun", pieces) == wordpiece("unx", pieces) == ["[UNK]"]
    assert wordpiece("u" + "a" * 99, pieces) == ["u", *["##a"] * 99]
    assert wordpiece("u" + "a" * 100, pieces) == ["[UNK]"]


def test_a_list_of_pieces_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "vocab.txt"
    for content in ("\n".join(small()), "\n".join(small()) + "\n", "\r\n".join(small()) + "\r\n"):
        path.write_bytes(content.encode())
        assert WordPieceTokenizer.load(path).pieces == small()
    assert WordPieceTokenizer.load(path).special == {name: i for i, name in enumerate(SPECIAL)}
    with pytest.raises(ValueError, match=r"^\[MASK\] is missing among the 5 pieces"):
        WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"])
    with pytest.raises(ValueError, match="6 pieces, and only 5 different ones"):
        WordPieceTokenizer([*SPECIAL, "[PAD]"])


def test_half_a_character_is_left_out():
    assert basic_tokens("a\ud83db") == ["ab"]


def test_frequent_words_are_whole_and_every_other_word_is_spelled():
    texts = ["A cat, a dog!", "the CAT sat", "a dog ran"]
    pieces = frequent_pieces(texts, least=2)
    assert pieces[:8] == [*SPECIAL, "a", "cat", "dog"] and len(set(pieces)) == len(pieces)
    tokenizer = WordPieceTokenizer(pieces)
    assert tokenizer.tokens("A cat ran!") == ["a", "cat", "r", "##a", "##n", "!"]
    assert all("[UNK]" not in tokenizer.tokens(text) for text in texts) and tokenizer.tokens("z") == ["[UNK]"]


def test_a_tokenizer_cuts_as_it_is_told():
    tokenizer = WordPieceTokenizer([*SPECIAL, "c", "##a"], cut=lambda word, pieces: ["c"] * len(word))
    assert tokenizer.tokens("ca a") == ["c", "c", "c"]
