"""GGUF files: values as the gguf package unpacks them, and a sentence for every damage."""

import random
import struct

import numpy as np
import pytest

from lib.gguf import BY_NAME, MOST_AXES, read_gguf, unpack_q4_1, unpack_q8_0, unpacked

CODES = {"B": 0, "b": 1, "H": 2, "h": 3, "I": 4, "i": 5, "f": 6, "?": 7, "Q": 10, "q": 11, "d": 12}
NUMBERS = {"F32": 0, "F16": 1, "Q4_1": 3, "Q8_0": 8}


def string(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def field(name, kind, value):
    """A field's bytes; kind: a struct code, "s" for a text, or either in brackets for an array of it."""
    if kind == "s":
        return string(name) + struct.pack("<I", 8) + string(value)
    if kind == "[s]":
        return string(name) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(string, value))
    if kind.startswith("["):
        return string(name) + struct.pack(f"<IIQ{len(value)}{kind[1]}", 9, CODES[kind[1]], len(value), *value)
    return string(name) + struct.pack("<I" + kind, CODES[kind], value)


def gguf_bytes(fields=(), tensors=(), alignment=32, version=3, n_fields=None, n_tensors=None):
    """A file. fields: (name, kind, value) each    tensors: (name, shape, kind, bytes) or, to lie, (..., offset) each"""
    infos, data = b"", b""
    for name, shape, kind, content, *lie in tensors:
        data += bytes(-len(data) % alignment)
        number = NUMBERS.get(kind, kind)
        infos += string(name) + struct.pack(
            f"<I{len(shape)}QIQ", len(shape), *shape[::-1], number, *(lie or [len(data)])
        )
        data += content
    count = len(tensors) if n_tensors is None else n_tensors
    head = b"GGUF" + struct.pack("<IQQ", version, count, len(fields) if n_fields is None else n_fields)
    head += b"".join(one if isinstance(one, bytes) else field(*one) for one in fields) + infos
    return head + bytes(-len(head) % alignment) + data


FIELDS = [
    ("general.architecture", "s", "llama"),
    ("small", "b", -3),
    ("large", "Q", 2**60),
    ("share", "f", 0.5),
    ("yes", "?", True),
    ("words", "[s]", ["Ġthe", "猫", ""]),
    ("kinds", "[i]", [3, -1, 1]),
]
TENSORS = [
    ("norm", (5,), "F32", np.arange(5, dtype="<f4").tobytes()),
    ("half", (3, 7), "F16", np.arange(21, dtype="<f2").tobytes()),
    ("packed", (2, 32), "Q8_0", bytes(range(68))),
]


@pytest.fixture
def written(tmp_path):
    def write(*given, **named):
        path = tmp_path / "it.gguf"
        path.write_bytes(given[0] if given and isinstance(given[0], bytes) else gguf_bytes(*given, **named))
        return path

    return write


def test_four_bits_a_weight_a_scale_and_a_minimum():
    """A block by hand: scale 0.5, minimum -2, q = 0, 1, ... 15 in the low halves and 15, 14, ... 0 in the high ones."""
    block = np.frombuffer(np.array([0.5, -2], "<f2").tobytes() + bytes(i | (15 - i) << 4 for i in range(16)), np.uint8)
    expected = [i / 2 - 2 for i in [*range(16), *range(15, -1, -1)]]
    assert unpack_q4_1(np.stack([block, block])).tolist() == [expected, expected]
    block = np.frombuffer(np.array([0.25], "<f2").tobytes() + np.arange(-16, 16, dtype=np.int8).tobytes(), np.uint8)
    assert unpack_q8_0(block[None]).tolist() == [[i / 4 for i in range(-16, 16)]]


@pytest.mark.parametrize("alignment", [32, 8, 64])
def test_fields_and_tensors_come_back(written, alignment):
    fields, tensors = read_gguf(written([*FIELDS, ("general.alignment", "I", alignment)], TENSORS, alignment))
    for name, _, value in FIELDS:
        assert (fields[name].tolist() if name == "kinds" else fields[name]) == value
    assert list(tensors) == ["norm", "half", "packed"]
    assert unpacked(tensors["norm"]).tolist() == [0, 1, 2, 3, 4]
    assert unpacked(tensors["half"]).tolist() == np.arange(21.0).reshape(3, 7).tolist()
    assert all(unpacked(tensor).dtype == np.float32 for tensor in tensors.values())
    assert unpacked(tensors["packed"]).shape == (2, 32)


def test_the_gguf_package_unpacks_to_the_same_numbers(tmp_path):
    gguf = pytest.importorskip("gguf", reason="the test extra is not installed")
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(tmp_path / "theirs.gguf", "llama")
    writer.add_array("words", ["a", "猫"])
    writer.add_float32("base", 1e5)
    for kind in BY_NAME:
        values = rng.normal(0, 0.1, (7, 96)).astype(np.float32)
        sort = gguf.GGMLQuantizationType[kind]
        writer.add_tensor(kind, gguf.quantize(values, sort), raw_dtype=sort)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    fields, tensors = read_gguf(tmp_path / "theirs.gguf")
    theirs = gguf.GGUFReader(tmp_path / "theirs.gguf")
    assert fields["words"] == ["a", "猫"] and fields["base"] == 1e5 and len(theirs.tensors) == len(tensors) == 4
    for tensor in theirs.tensors:
        assert tensors[tensor.name].kind == tensor.name
        np.testing.assert_array_equal(unpacked(tensors[tensor.name]), gguf.dequantize(tensor.data, tensor.tensor_type))


HUGE = 2**60
NORM = TENSORS[0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"PK\x03\x04" * 20, "does not begin with GGUF"),
        (gguf_bytes(version=2), "it is of version 2, and 3 is read here"),
        (gguf_bytes(FIELDS, n_fields=HUGE), r"begins [\d,]+ bytes, and [\d,]+ are left"),
        (gguf_bytes(FIELDS, n_tensors=HUGE), r"begins 8 bytes, and [\d,]+ are left"),
        (gguf_bytes([struct.pack("<Q", HUGE)], n_fields=1), "begins 1,152,921,504,606,846,976 bytes"),
        (gguf_bytes([string("a") + struct.pack("<IIQ", 9, 4, HUGE)]), "begins 4,611,686,018,427,387,904 bytes"),
        (gguf_bytes([string("a") + struct.pack("<IIQ", 9, 8, HUGE)]), "are left"),
        (gguf_bytes([string("a") + struct.pack("<IIQ", 9, 9, 1)]), "arrays of kind 9 are not read here"),
        (gguf_bytes([string("a") + struct.pack("<I", 77)]), "there is no kind 77 of field"),
        (gguf_bytes([string(b"\xff")]), "can't decode byte 0xff"),
        (
            gguf_bytes([], [("t", (32,), 12, bytes(32))]),
            "tensor 't' is packed in way 12; F32, F16, Q4_1, Q8_0 are read",
        ),
        (gguf_bytes([], [("t", (HUGE, HUGE), "F32", bytes(32))]), "has no place of its own"),
        (gguf_bytes([], [("t", (0, 4), "F32", bytes(32))]), r"shape \(0, 4\) does not come in blocks of 1"),
        (gguf_bytes([], [("t", (16, 2), "Q4_1", bytes(20))]), r"shape \(16, 2\) does not come in blocks of 32"),
        (gguf_bytes([], [("t", (), "F32", bytes(32))]), "has 0 axes, from 1 to 4 are possible"),
        (gguf_bytes([], [("t", (1,) * (MOST_AXES + 1), "F32", bytes(32))]), "has 5 axes"),
        (gguf_bytes([], [(*NORM, HUGE)]), "has no place of its own there"),
        (gguf_bytes([], [(*NORM, 4)]), "has no place of its own there"),
        (gguf_bytes([], [NORM, ("other", (5,), "F32", bytes(20), 0)]), "has no place of its own there"),
        (gguf_bytes([], [NORM, NORM]), "tensor 'norm', 20 bytes at byte .* has no place of its own"),
        (gguf_bytes([("general.alignment", "I", 0)], [NORM]), "its alignment is 0"),
        (gguf_bytes([("general.alignment", "Q", HUGE)], [NORM]), "its alignment is 1152921504606846976"),
        (gguf_bytes([("general.alignment", "s", "x")], [NORM]), "its alignment is 'x'"),
    ],
    ids=range(24),
)
def test_a_false_file_is_refused_in_one_sentence(written, content, told):
    with pytest.raises(ValueError, match=rf"it\.gguf is damaged or no GGUF file: .*{told}") as caught:
        read_gguf(written(content))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_file_that_is_cut_off_anywhere_is_refused(written):
    whole = gguf_bytes(FIELDS, TENSORS)
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="is damaged or no GGUF file"):
            read_gguf(written(whole[:length]))


def test_no_change_of_bytes_does_more_than_raise_a_value_error(written):
    whole, rng = gguf_bytes(FIELDS, TENSORS), random.Random(0)
    refused = 0
    for _ in range(600):
        changed = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(len(changed) - 110)] = rng.choice([0, 1, 127, 255, rng.randrange(256)])
        try:
            for tensor in read_gguf(written(bytes(changed))).tensors.values():
                unpacked(tensor)
        except ValueError:
            refused += 1
    assert 300 < refused < 600
