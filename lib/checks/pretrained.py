"""Checks of notebook 19: a file of tensors by hand, questions. The rest: `pretrained_names`, `pretrained_lora`."""

import json

import torch

from lib import tensor_files
from lib.checks.core import Exercise, Question, edit
from lib.checks.pretrained_lora import LoraLinear, drawn_at_random, lora_numbers, trainable_parameters
from lib.checks.pretrained_names import must_fit, our_name
from lib.checks.probing import raises

__all__ = [
    "LoraLinear",
    "drawn_at_random",
    "first_byte",
    "lora_numbers",
    "must_fit",
    "our_name",
    "read_header",
    "runs_programs",
    "tensor_at",
    "trainable_parameters",
]

read_header = Exercise(tensor_files.read_header, returns=("the header", "the byte at which the tensors begin"))
tensor_at = Exercise(tensor_files.tensor_at)


def file_of(header, data=b"", length=None):
    """A file's bytes: the header's length (or another one), the header, the tensors' bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header, ensure_ascii=False).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(kind, shape, begin, end):
    return {"dtype": kind, "shape": list(shape), "data_offsets": [begin, end]}


def in_bytes(tensor):
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


# ------------------------------------------------------------------------------------------------------ read_header


@read_header.probe("a file of one tensor, six float32")
def _(answer, rng):
    return answer(file_of({"w": entry("F32", [2, 3], 0, 24)}, in_bytes(torch.arange(6.0))))


@read_header.probe(
    "four tensors, one empty, not in the order of the file, and texts under __metadata__, which come first"
)
def _(answer, rng):
    header = {"__metadata__": {"format": "pt"}, "b": entry("F32", [2], 20, 28), "a": entry("I64", [2], 4, 20)}
    header["empty"] = entry("BF16", [3, 0], 4, 4)
    return answer(file_of(header | {"__scale__": entry("F32", [], 0, 4)}, bytes(28)))


@read_header.probe("a header filled up with spaces, and a tensor whose bytes are those of }}")
def _(answer, rng):
    text = json.dumps({"w": entry("U8", [2], 0, 2)}).encode()
    return answer(file_of(text + b" " * (-len(text) % 8 + 8), b"}}"))


@read_header.probe("names with é and 語, which take more than one byte, and a tensor called metadata")
def _(answer, rng):
    header = {"métadonnées": entry("U8", [1], 1, 2), "語": entry("U8", [1], 2, 3), "metadata": entry("U8", [1], 0, 1)}
    return answer(file_of(header, bytes(3)))


@read_header.probe("no tensor: the header is {}, and nothing follows")
def _(answer, rng):
    return answer(file_of({}))


@read_header.probe("a header of 900 tensors: over 65,535 bytes")
def _(answer, rng):
    return answer(file_of({f"blocks.{i}.weight": entry("F32", [2], 8 * i, 8 * i + 8) for i in range(900)}, bytes(7200)))


@read_header.probe("lengths that lie")
def _(answer, rng):
    whole = file_of({"w": entry("U8", [2], 0, 2)}, b"ab")
    files = {
        "no byte at all": b"",
        "five bytes": whole[:5],
        "a file that is cut off within its header": whole[:30],
        "{} and spaces, one byte fewer than the length says": file_of(b"{}" + b" " * 9, length=12),
        "a length of 2 to the power 56 and 2, and then {}": file_of(b"{}", length=2**56 + 2),
        "a length of 2 to the power 64 minus 1": file_of(b"{}", length=2**64 - 1),
    }
    return {what: raises(ValueError, answer, content) for what, content in files.items()}


@read_header.probe("headers that are no JSON object")
def _(answer, rng):
    headers = [b"", b'{"w": ', b"{'w': {}}", b"{} {}", b"\xff\xfe", b"[1, 2]", b"[]", b"17", b'"w"', b"null"]
    found = {f"the header {header!r}": raises(ValueError, answer, file_of(header, b"ab")) for header in headers}
    return found | {"a header of 100,000 times [": raises(ValueError, answer, file_of(b"[" * 100_000))}


_LENGTH = 'int.from_bytes(content[:8], "little")'
_CHECK = "if len(content) < 8 or start > len(content):"
_LOADS = "json.loads(bytes(content[8:start]))"
_OBJECT = "if not isinstance(header, dict):"
_KEPT = 'if name != "__metadata__"'
_RETURNED = f"{{name: entry for name, entry in header.items() {_KEPT}}}, start"

# fmt: off
read_header.mistakes(
    no_header_found=(
        'no header is found: it lies from byte 8 to 8 + its length, whose low byte comes first, "little".',
        edit('"little"', '"big"'), edit("content[8:start]", "content[:start]"), edit("start = 8", "start = 9")),
    two_bytes=("all 8 bytes are the length.", edit("content[:8]", "content[:2]")),
    four_bytes=("all 8 bytes are the length: a file may lie in the upper four.", edit("content[:8]", "content[:4]")),
    without_the_8=("the tensors begin after the 8 bytes and the header: the 8 are not counted.",
        edit(_RETURNED, _RETURNED + " - 8")),
    header_too_short=("the header ends 8 bytes before its end: its length is counted from byte 8.",
        edit(f"8 + {_LENGTH}", _LENGTH)),
    the_length_itself=("the second result is the byte at which the tensors begin, not 8.",
        edit(_RETURNED, _RETURNED[:-5] + "8")),
    end_of_the_file=("the second result is the byte at which the tensors begin, not the file's length.",
        edit(_RETURNED, _RETURNED[:-5] + "len(content)")),
    to_the_end=("everything after the 8 bytes is read as JSON: the header ends where its length says.",
        edit("content[8:start]", "content[8:]")),
    to_the_last_brace=("the tensors' bytes may hold a } too: the header ends where its length says.",
        edit("content[8:start]", "content[8 : content.rindex(b'}') + 1]")),
    metadata_kept=("`__metadata__` holds texts and is no tensor: leave it out.", edit(_KEPT, "")),
    metadata_alone=("`__metadata__` is what is left out, not what is kept.", edit("!=", "==")),
    needs_metadata=("a file need not have `__metadata__`: `.pop(name, None)` accepts that.",
        edit(f"return {_RETURNED}", 'header.pop("__metadata__")\n    return header, start')),
    first_left_out=("`__metadata__` is left out by its name, not the first entry whatever it is.",
        edit(_RETURNED, "dict(list(header.items())[1:]), start")),
    with_underscores=("only `__metadata__` is left out: other names may begin with __.",
        edit(_KEPT, 'if not name.startswith("__")')),
    other_metadata=("only `__metadata__` is left out: a tensor may be called metadata.",
        edit(_KEPT, 'if "metadata" not in name')),
    ascii=("names may hold any character, and é takes two bytes: cut by bytes, then read them as UTF-8.",
        edit("content[8:start]", "content.decode(errors='replace')[8:start].encode()"),
        edit(_LOADS, 'json.loads(content[8:start].decode("ascii"))')),
    latin=("the header is UTF-8: é is one character of two bytes.",
        edit(_LOADS, 'json.loads(content[8:start].decode("latin-1"))')),
    garbled=("characters other than a to z are lost: the text is UTF-8.",
        edit(_LOADS, 'json.loads(content[8:start].decode("ascii", errors="replace"))')),
    no_length_check=("a header longer than the file is to be refused, also where what is there happens to be JSON.",
        edit(_CHECK, "if len(content) < 8:"), edit("start > len(content)", "start > len(content) + 8")),
    too_strict=("a file without tensors ends with its header: that is no error.",
        edit("start > len(content)", "start >= len(content)")),
    any_json=("a list or a number is JSON too, and no header: ValueError.",
        edit(_OBJECT, "if False:"), edit(_OBJECT, "if isinstance(header, int):")),
    too_deep=("JSON that is nested too deeply is a RecursionError of Python: raise a ValueError there too.",
        edit("(ValueError, RecursionError)", "ValueError")),
    empty_for_bad=("a damaged header is refused by a ValueError; without one it looks like a file of no tensors.",
        edit('raise ValueError(f"its header is no JSON ({error})") from None', "return {}, start")),
    list_is_empty=("a header that is no object is refused by a ValueError.",
        edit(_OBJECT, "if not isinstance(header, dict):\n        return {}, start\n    if False:")),
    eval_runs=("`eval` runs whatever stands in the file, as a pickle does, and takes Python for JSON: json.loads.",
        edit(_LOADS, "eval(bytes(content[8:start]).decode().strip())")),
    names_only=("the result holds each tensor's entry, not its names alone.",
        edit(_RETURNED, f"[name for name in header {_KEPT}], start")),
    in_a_list=("the entries stand by name, in a dict.", edit(_RETURNED, f"list(({_RETURNED})[0].items()), start")),
    offsets_only=("the whole entry of each tensor is asked for: dtype, shape and data_offsets.",
        edit("{name: entry for", '{name: entry["data_offsets"] for')),
    offsets_moved=("the entries stay as they are in the file: the second result says from where offsets count.",
        edit("{name: entry for",
             '{name: entry | {"data_offsets": [start + at for at in entry["data_offsets"]]} for')),
    as_text=("the header is JSON: json.loads makes a dict of it.",
        edit(_RETURNED, "bytes(content[8:start]).decode(), start")),
    header_alone=("two results are asked for: the header, and where the tensors begin.", edit(", start\n", "\n")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- tensor_at


def placed(tensor, kind, before=12, after=0):
    """The arguments of `tensor_at` for a tensor in a file, with other tensors' bytes before and after it."""
    data = bytes(range(1, before + 1)) + in_bytes(tensor) + b"\x07" * after
    found = entry(kind, tensor.shape, before, len(data) - after)
    content = file_of({"w": found}, data)
    return content, len(content) - len(data), found


def of_kind(kind, shape, rng):
    """Numbers of a kind, over its range and with signs, none of them special."""
    dtype = tensor_files.DTYPES[kind]
    if kind == "BOOL":
        return torch.rand(shape, generator=rng) < 0.5
    if dtype.is_floating_point:
        return torch.randn(shape, generator=rng).to(dtype)
    limits = torch.iinfo(dtype)
    return torch.randint(limits.min // 2, limits.max // 2, shape, generator=rng).to(dtype) * 2 + 1


@tensor_at.probe("float32 of shape (2, 3), numbers 0 to 5, at the beginning")
def _(answer, rng):
    return answer(*placed(torch.arange(6.0).view(2, 3), "F32", before=0))


@tensor_at.probe("float32 of shape (2, 3), numbers 0 to 5, between others, at an odd byte")
def _(answer, rng):
    return answer(*placed(torch.arange(6.0).view(2, 3), "F32", before=13, after=6))


@tensor_at.probe("each kind of number, of shape (3, 5)")
def _(answer, rng):
    return {kind: answer(*placed(of_kind(kind, (3, 5), rng), kind)) for kind in tensor_files.DTYPES}


@tensor_at.probe("all digits: float64 1.000000000001 and 1e300; int64 -9,223,372,036,854,775,807 and 2**53 + 1")
def _(answer, rng):
    found = answer(*placed(torch.tensor([1.000000000001, 1e300], dtype=torch.float64), "F64"))
    integers = answer(*placed(torch.tensor([-(2**63) + 1, 2**53 + 1]), "I64"))
    return {"as text": str(found.tolist() if isinstance(found, torch.Tensor) else found), "int64": integers}


@tensor_at.probe("one number: of shape (), and of shape (1, 1)")
def _(answer, rng):
    return {
        "shape ()": answer(*placed(torch.tensor(3.5), "F32")),
        "shape (1, 1)": answer(*placed(torch.tensor([[7]]), "I64", after=4)),
    }


@tensor_at.probe("four axes, 3, 1, 2 and 5, of float16; and a table of 300 x 64, bfloat16")
def _(answer, rng):
    four, table = of_kind("F16", (3, 1, 2, 5), rng), of_kind("BF16", (300, 64), rng)
    return {"four axes": answer(*placed(four, "F16")), "the table": answer(*placed(table, "BF16", before=250))}


@tensor_at.probe("empty tensors, between others, at the end, and in a file without any number")
def _(answer, rng):
    return {
        "shape (0,), float32": answer(*placed(torch.empty(0), "F32", after=8)),
        "shape (0, 3), int64": answer(*placed(torch.empty(0, 3, dtype=torch.int64), "I64")),
        "shape (5, 0, 2), bfloat16": answer(*placed(torch.empty(5, 0, 2, dtype=torch.bfloat16), "BF16", before=0)),
    }


@tensor_at.probe("the tensor is changed in place: are the file's bytes still the same?")
def _(answer, rng):
    content, start, found = placed(of_kind("F32", (3, 5), rng), "F32")
    before = bytearray(content)
    tensor = answer(content, start, found)
    if isinstance(tensor, torch.Tensor):
        tensor += 1
    return {"the bytes": "the same" if before == content else "changed too", "the tensor": tensor}


def _refusals(answer, **entries):
    """What becomes of entries in a file with 24 bytes of tensors."""
    content = file_of({"w": 0}, bytes(range(24)))
    return {
        what.replace("_", " "): raises(ValueError, answer, content, len(content) - 24, found)
        for what, found in entries.items()
    }


@tensor_at.probe("kinds that are not known: F8_E4M3, f32, float32")
def _(answer, rng):
    kinds = {f"dtype {kind}": entry(kind, [6], 0, 24) for kind in ("F8_E4M3", "f32", "float32")}
    return _refusals(answer, **kinds)


@tensor_at.probe("shapes that need another number of bytes")
def _(answer, rng):
    return _refusals(
        answer,
        five_float32_in_24_bytes=entry("F32", [5], 0, 24),
        seven_float32_in_24_bytes=entry("F32", [7], 0, 24),
        float32_of_shape_2_by_3_in_12_bytes=entry("F32", [2, 3], 0, 12),
        two_int64_in_8_bytes=entry("I64", [2], 8, 16),
        four_float32_in_17_bytes=entry("F32", [4], 0, 17),
        float32_of_shape_1_by_6_by_2_in_24_bytes=entry("F32", [1, 6, 2], 0, 24),
        one_float32_in_8_bytes=entry("F32", [], 0, 8),
        one_float32_in_0_bytes=entry("F32", [], 4, 4),
        nothing_in_4_bytes=entry("F32", [0], 0, 4),
        more_numbers_than_64_bits_can_count_in_0_bytes=entry("F32", [2**32, 2**32], 4, 4),
    )


@tensor_at.probe("places that are not among the 24 bytes of tensors")
def _(answer, rng):
    return _refusals(
        answer,
        byte_1_to_25=entry("F32", [6], 1, 25),
        byte_24_to_48=entry("F32", [6], 24, 48),
        byte_24_to_25=entry("U8", [1], 24, 25),
        an_empty_one_at_byte_30=entry("F32", [0], 30, 30),
        an_empty_one_at_byte_3000=entry("F32", [0], 3000, 3000),
        byte_minus_1_to_7=entry("F32", [2], -1, 7),
        byte_minus_8_to_minus_4=entry("F32", [1], -8, -4),
        end_before_begin=entry("F32", [2], 12, 4),
        an_empty_one_with_its_end_before_its_begin=entry("F32", [0], 12, 4),
    )


_KNOWN, _PLACE = "if kind not in DTYPES:", "0 <= begin <= end <= len(content) - start"
_NEEDED = "math.prod(shape) * DTYPES[kind].itemsize"
_BYTES = "if (needed := math.prod(shape) * DTYPES[kind].itemsize) != end - begin:"
_EMPTY, _OWN = "torch.empty(shape, dtype=DTYPES[kind])", "bytearray(content[start + begin : start + end])"
_READ = "torch.frombuffer(own, dtype=DTYPES[kind])"
_RESULT = f"return {_READ}.reshape(shape)"
_REVERSED = "torch.tensor(list(own), dtype=torch.uint8).view(-1, DTYPES[kind].itemsize).flip(1).contiguous()"

# fmt: off
tensor_at.mistakes(
    from_the_file=("offsets are counted from `start`, not from the file's first byte.",
        edit("start + begin", "begin", "start + end", "end")),
    from_byte_8=("offsets are counted from `start`, which counts the first 8 bytes already.",
        edit("start + begin", "start - 8 + begin", "start + end", "start - 8 + end")),
    other_end=("the bytes run to start + end, and the one at the end is not the tensor's any more.",
        edit("start + end", "end"), edit("start + end]", "start + end - 1]"), edit("start + end]", "start + end + 1]"),
        edit("start + begin : start + end", "start + begin : start + begin + end")),
    begin_without_start=("`start` is to be added to the begin too.", edit("start + begin", "begin")),
    no_begin=("the tensor begins at `begin`, not where the first one does.",
        edit("start + begin : start + end", "start : start + end - begin")),
    big_endian=("the low byte of each number comes first; here the high one does.",
        edit(_READ, f"{_REVERSED}.view(DTYPES[kind])")),
    backwards=("the numbers come in reverse order.", edit(_READ, f"{_READ}.flip(0)")),
    columns_first=("the rows come one after the other: the numbers of the last axis lie side by side.",
        edit(".reshape(shape)", ".reshape(shape[::-1]).permute(*range(len(shape))[::-1])")),
    transposed=("the shape is that of the entry, not its reverse.", edit(".reshape(shape)", ".reshape(shape[::-1])")),
    flat=("the tensor is to have the entry's shape.", edit(".reshape(shape)", "")),
    two_axes=("a tensor may have more than two axes.",
        edit(".reshape(shape)", ".reshape(shape if len(shape) < 3 else (shape[0], -1))")),
    at_least_one_axis=("shape [] is one number, a tensor of shape ().",
        edit(".reshape(shape)", ".reshape(shape or [1])")),
    always_float32=("the kind is the entry's, not always float32.",
        edit(_READ, "torch.frombuffer(own, dtype=torch.float32)")),
    as_float32=("the tensor keeps the kind that it has in the file.", edit(_RESULT, _RESULT + ".float()")),
    through_float32=("the numbers pass through float32, which keeps 7 digits: read them as the kind that they are.",
        edit(_READ, f"{_READ}.float().to(DTYPES[kind])")),
    through_float64=("whole numbers pass through float64, which is exact to 2**53 only.",
        edit(_READ, f"{_READ}.double().to(DTYPES[kind])")),
    half_for_bfloat=("BF16 is bfloat16, which has the exponent of float32: it is no float16.",
        edit("DTYPES[kind]", '(torch.float16 if kind == "BF16" else DTYPES[kind])')),
    bfloat_for_half=("F16 is float16, with 10 bits of fraction: it is no bfloat16.",
        edit("DTYPES[kind]", '(torch.bfloat16 if kind == "F16" else DTYPES[kind])')),
    bfloat_widened=("bfloat16 stays bfloat16.",
        edit(_RESULT, "found = torch.frombuffer(own, dtype=DTYPES[kind]).reshape(shape)\n"
             "    return found.float() if kind == 'BF16' else found")),
    bool_as_bytes=("BOOL is a tensor of bool, not of bytes.",
        edit("DTYPES[kind]", '(torch.uint8 if kind == "BOOL" else DTYPES[kind])')),
    signed_bytes=("U8 are bytes from 0 to 255, without a sign.",
        edit("DTYPES[kind]", '(torch.int8 if kind == "U8" else DTYPES[kind])')),
    unsigned_bytes=("I8 are bytes from -128 to 127, with a sign.",
        edit("DTYPES[kind]", '(torch.uint8 if kind == "I8" else DTYPES[kind])')),
    shared=("the tensor lies in the file's own bytes: a change of one changes the other. Copy the bytes first.",
        edit(_RESULT, "return torch.frombuffer(content, dtype=DTYPES[kind], offset=start + begin, "
             "count=math.prod(shape)).reshape(shape)")),
    empty_raises=("torch.frombuffer refuses an empty buffer: an empty tensor needs a branch of its own.",
        edit("if begin == end:", "if False:")),
    empty_flat=("an empty tensor keeps its shape, such as (0, 3).", edit(_EMPTY, "torch.empty(0, dtype=DTYPES[kind])")),
    empty_float=("an empty tensor keeps its kind.", edit(_EMPTY, "torch.empty(shape)")),
    empty_none=("an empty tensor is a tensor too, not None.", edit(_EMPTY, "None")),
    empty_before_checks=("an empty range of bytes is right only where the shape needs none.",
        edit("    if kind not in", f"    if begin == end:\n        return {_EMPTY}\n    if kind not in")),
    key_error=("a kind that is not known is refused by a ValueError, not by a KeyError.", edit(_KNOWN, "if False:")),
    guesses_float32=("a kind that is not known is refused by a ValueError, not read as float32.",
        edit(_KNOWN, "if False:", "DTYPES[kind]", "DTYPES.get(kind, torch.float32)")),
    any_case=("the kinds are F32 and so on: f32 is none.",
        edit('entry["dtype"]', 'entry["dtype"].upper()')),
    by_reshape=("bytes that do not suit the shape are a ValueError; `reshape` raises a RuntimeError, or nothing.",
        edit(_BYTES, "if False:")),
    more_is_fine=("more bytes than the shape needs are an error too.",
        edit("!= end - begin", "> end - begin", _READ, "torch.frombuffer(own, dtype=DTYPES[kind], "
             "count=math.prod(shape))")),
    less_is_fine=("fewer bytes than the shape needs are a ValueError too.", edit("!= end - begin", "< end - begin")),
    whole_numbers_only=("not whole numbers are counted but bytes: compare end - begin with all bytes of the shape.",
        edit(_NEEDED, "math.prod(shape)", "!= end - begin", "!= (end - begin) // DTYPES[kind].itemsize",
             _READ, "torch.frombuffer(own, dtype=DTYPES[kind], count=math.prod(shape))")),
    past_the_end=("bytes beyond the file's end are a ValueError: a slice is just shorter, without a word.",
        edit(_PLACE, "0 <= begin <= end")),
    within_the_file=("offsets count from `start`: fewer bytes are there than the file has.",
        edit("len(content) - start:\n", "len(content):\n")),
    not_to_the_end=("a tensor may end with the file: that is no error.",
        edit(_PLACE, "0 <= begin <= end < len(content) - start")),
    negative=("a negative begin is a place in the header: ValueError.", edit("0 <= begin <= end", "begin <= end")),
    end_before_begin=("an end before the begin is a ValueError, also for an empty tensor.",
        edit("0 <= begin <= end <=", "0 <= begin and end <=", "!= end - begin", "!= max(0, end - begin)",
             "begin == end", "begin >= end")),
    index_error=("what is not in the file is a ValueError, not an IndexError.",
        edit('raise ValueError(f"lies', 'raise IndexError(f"lies')),
    assertion=("a damaged entry is a ValueError; `assert` raises an AssertionError.",
        edit("raise ValueError(", "raise AssertionError(")),
    as_list=("a torch.Tensor is asked for, not a list.", edit(_RESULT, f"{_RESULT}.tolist()"),
        edit(_EMPTY, "[]", _RESULT, f"{_RESULT}.tolist()")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- questions


class Letters(Question):
    """A question for some of several answers, each with a letter: in any order, in a text, a list or a set."""

    def _same(self, answer: object, value: object) -> bool:
        given = list(answer) if isinstance(answer, str | list | tuple | set) else [""]
        if not all(isinstance(part, str) for part in given):
            return False
        return sorted(set("".join(given).upper()) - set(" ,;+&")) == sorted(value)


def _first_byte() -> int:
    text = json.dumps({"w": entry("F32", [10, 15], 400, 1000)}).encode()
    header, start = tensor_files.read_header(file_of(text.ljust(120), bytes(1000)))
    return start + header["w"]["data_offsets"][0]


first_byte = Question(
    "first_byte",
    _first_byte,
    "8 bytes for the length, 120 of header, and the tensors' bytes are counted from there: 8 + 120 + 400.",
    "Offsets are counted from the end of the header. What stands before it?",
    hints=(
        (400, "Offsets are not counted from the file's first byte, but from the end of the header."),
        (520, "Before the header stands its length, which takes bytes too."),
        (408, "The header itself takes bytes too."),
        (529, "Bytes are counted from 0, as Python does."),
        (1128, "That is where it ends."),
    ),
)
runs_programs = Letters(
    "runs_programs",
    lambda: "AE",
    "A pickle (A) is a program for a small machine that can call any function, and trust_remote_code (E) imports a "
    "file of Python from the folder. Numbers with names, JSON and lines of text run nothing.",
    "Two of them. Which formats can hold a call of a function, and which only data?",
    hints=(
        ("A", "There is one more."),
        ("E", "There is one more."),
        ("AB", "One of the two holds names and numbers only, whatever it is called."),
    ),
)
