"""Wrong answers to notebook 19, first part, as people write them: a file of tensors by hand."""

import ast
import json
import math
import struct

import numpy as np
import torch

from lib.checks.core import edit
from lib.tensor_files import DTYPES
from tests.graders.cases import slips, wrong

# ------------------------------------------------------------------------------------------------------ read_header


@wrong("read_header", says="raises error")
def struct_without_a_check(content):
    (length,) = struct.unpack("<Q", content[:8])  # struct.error for a short file
    start = 8 + length
    if start > len(content):
        raise ValueError("too long")
    try:
        header = json.loads(content[8:start])
    except RecursionError as error:
        raise ValueError("too deep") from error
    if type(header) is not dict:
        raise ValueError("no object")
    header.pop("__metadata__", None)
    return header, start


@wrong("read_header", says="UnicodeDecodeError")
def network_order(content):
    length = struct.unpack("!Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    return header, 8 + length


@wrong("read_header", says="one byte fewer than the length says is 'goes on without an error'")
def tired(content):
    """What one writes first: right for every good file."""
    n = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + n])
    return {k: v for k, v in header.items() if k != "__metadata__"}, 8 + n


@wrong("read_header", says="goes on without an error")
def trusts_the_length(content):
    n = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + n])
        return {k: v for k, v in header.items() if k != "__metadata__"}, 8 + n
    except (AttributeError, RecursionError) as error:
        raise ValueError("no header") from error


@wrong("read_header", says="AssertionError")
def asserts(content):
    start = 8 + int.from_bytes(content[:8], "little")
    assert start <= len(content), "header too long"
    header = json.loads(content[8:start])
    assert isinstance(header, dict)
    header.pop("__metadata__", None)
    return header, start


@wrong("read_header", says="IndexError")
def loops_over_eight(content):
    length = 0
    for i in range(8):
        length += content[i] << (8 * i)
    if 8 + length > len(content):
        raise ValueError("header too long")
    try:
        header = json.loads(content[8 : 8 + length])
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(header, dict):
        raise ValueError("no object")
    header.pop("__metadata__", None)
    return header, 8 + length


@wrong("read_header", says="header b\"{'w': {}}\"")
def literal(content):
    start = 8 + int.from_bytes(content[:8], "little")
    if start > len(content):
        raise ValueError("header too long")
    try:
        header = ast.literal_eval(content[8:start].decode().strip())
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError("no header") from error
    if not isinstance(header, dict):
        raise ValueError("no object")
    header.pop("__metadata__", None)
    return header, start


@wrong("read_header", says="`__metadata__` holds texts")
def forgets_metadata(content):
    start = 8 + int.from_bytes(content[:8], "little")
    if start > len(content):
        raise ValueError("header too long")
    try:
        header = json.loads(content[8:start])
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(header, dict):
        raise ValueError("no object")
    return header, start


@wrong("read_header", says="KeyError")
def deletes_metadata(content):
    start = 8 + int.from_bytes(content[:8], "little")
    if start > len(content):
        raise ValueError("header too long")
    header = json.loads(content[8:start])
    del header["__metadata__"]
    return header, start


@wrong("read_header", says="has 1 values")
def only_tensors_with_numbers(content):
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    return (header,)


@wrong("read_header", says="the header has no 'empty'")
def skips_empty_tensors(content):
    start = 8 + int.from_bytes(content[:8], "little")
    if len(content) < 8 or start > len(content):
        raise ValueError("header too long")
    try:
        header = json.loads(content[8:start])
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(header, dict):
        raise ValueError("no object")
    return {name: e for name, e in header.items() if "data_offsets" in e and all(e["shape"] or [1])}, start


slips(
    "read_header",
    first_byte_is_the_length=("four tensors", edit('int.from_bytes(content[:8], "little")', "content[0]")),
    none_for_bad=("goes on without an error", edit('raise ValueError(f"its header ends at', 'return None and (f"')),
    key_error=("raises KeyError", edit('raise ValueError(f"its header is {', 'raise KeyError(f"its header is {')),
    swapped=("the order is", edit("return {name", "return start, {name", "}, start\n", "}\n")),
)

# -------------------------------------------------------------------------------------------------------- tensor_at


@wrong("tensor_at", says="both buffer length")
def tired_frombuffer(content, start, entry):
    begin, end = entry["data_offsets"]
    data = bytearray(content[start + begin : start + end])
    return torch.frombuffer(data, dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])


@wrong("tensor_at", says="OBJECT array")
def numpy_kinds(content, start, entry):
    begin, end = entry["data_offsets"]
    kinds = {"F32": "f4", "F64": "f8", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U8": "u1"}
    data = np.frombuffer(content[start + begin : start + end], kinds.get(entry["dtype"], object))
    return torch.from_numpy(data.copy()).reshape(entry["shape"])


@wrong("tensor_at", says="requires a buffer")
def always_floats(content, start, entry):
    begin, _ = entry["data_offsets"]
    count = math.prod(entry["shape"])
    return torch.tensor(struct.unpack(f"<{count}f", content[start + begin : start + begin + 4 * count])).reshape(
        entry["shape"]
    )


@wrong("tensor_at", says="the high one does")
def network_floats(content, start, entry):
    kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    size = DTYPES[kind].itemsize if kind in DTYPES else 0
    if kind not in DTYPES or not 0 <= begin <= end <= len(content) - start or math.prod(shape) * size != end - begin:
        raise ValueError("damaged")
    data = bytearray(content[start + begin : start + end])
    for i in range(0, len(data), size):
        data[i : i + size] = data[i : i + size][::-1]
    if not data:
        return torch.zeros(shape, dtype=DTYPES[kind])
    return torch.frombuffer(data, dtype=DTYPES[kind]).reshape(shape)


@wrong("tensor_at", says="KeyError")
def only_one_check(content, start, entry):
    kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if math.prod(shape) * DTYPES[kind].itemsize != end - begin or end > len(content) - start or begin < 0:
        raise ValueError("another number of bytes")
    if 0 in shape:
        return torch.empty(shape, dtype=DTYPES[kind])
    return torch.frombuffer(bytearray(content[start + begin : start + end]), dtype=DTYPES[kind]).reshape(shape)


@wrong("tensor_at", says="changed too")
def looks_into_the_file(content, start, entry):
    kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in DTYPES or not 0 <= begin <= end <= len(content) - start:
        raise ValueError("damaged")
    count = math.prod(shape)
    if count * DTYPES[kind].itemsize != end - begin:
        raise ValueError("damaged")
    if not count:
        return torch.empty(shape, dtype=DTYPES[kind])
    return torch.frombuffer(content, dtype=DTYPES[kind], count=count, offset=start + begin).view(shape)


@wrong("tensor_at", says="expected torch.bfloat16")
def bfloat_by_numpy(content, start, entry):
    kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in DTYPES or not 0 <= begin <= end <= len(content) - start:
        raise ValueError("damaged")
    if math.prod(shape) * DTYPES[kind].itemsize != end - begin:
        raise ValueError("damaged")
    data = content[start + begin : start + end]
    if kind == "BF16":
        widened = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
        return torch.from_numpy(widened.reshape(shape))
    if not data:
        return torch.empty(shape, dtype=DTYPES[kind])
    return torch.frombuffer(bytearray(data), dtype=DTYPES[kind]).reshape(shape)


@wrong("tensor_at", says="shape")
def size_of_one_axis(content, start, entry):
    kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in DTYPES or not 0 <= begin <= end <= len(content) - start:
        raise ValueError("damaged")
    if math.prod(shape) * DTYPES[kind].itemsize != end - begin:
        raise ValueError("damaged")
    if begin == end:
        return torch.tensor([], dtype=DTYPES[kind])
    return torch.frombuffer(bytearray(content[start + begin : start + end]), dtype=DTYPES[kind]).reshape(shape)


@wrong("tensor_at", says="at an odd byte")
def aligned(content, start, entry):
    """Counts in numbers from the file's begin, so that only every fourth byte can be a begin."""
    kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in DTYPES or not 0 <= begin <= end <= len(content) - start:
        raise ValueError("damaged")
    size = DTYPES[kind].itemsize
    if math.prod(shape) * size != end - begin:
        raise ValueError("damaged")
    if begin == end:
        return torch.empty(shape, dtype=DTYPES[kind])
    data = bytearray(content[start:])
    data = data[: len(data) // size * size]
    return torch.frombuffer(data, dtype=DTYPES[kind])[begin // size : end // size].reshape(shape)


_seen = {}


@wrong("tensor_at", says="handed out twice")
def kept_in_a_table(content, start, entry):
    key = content, start, str(entry)
    if key not in _seen:
        kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if kind not in DTYPES or not 0 <= begin <= end <= len(content) - start:
            raise ValueError("damaged")
        if math.prod(shape) * DTYPES[kind].itemsize != end - begin:
            raise ValueError("damaged")
        if begin == end:
            _seen[key] = torch.empty(shape, dtype=DTYPES[kind])
        else:
            own = bytearray(content[start + begin : start + end])
            _seen[key] = torch.frombuffer(own, dtype=DTYPES[kind]).reshape(shape)
    return _seen[key]


slips(
    "tensor_at",
    half_the_digits=(
        "all digits",
        edit(
            "return torch.frombuffer(own, dtype=DTYPES[kind])",
            "x = torch.frombuffer(own, dtype=DTYPES[kind])\n    return (x.float().to(x) if kind == 'F64' else x)",
        ),
    ),
    end_plus_one=(
        "the bytes run to start + end",
        edit("content[start + begin : start + end]", "content[start + begin : start + end + 1]"),
    ),
    unknown_is_none=("goes on without an error", edit('raise ValueError(f"is of', 'return None and (f"is of')),
    sum_of_shape=("needs 20 bytes", edit("math.prod(shape)", "sum(shape)")),
    first_axis=("needs 8 bytes", edit("math.prod(shape)", "(shape[0] if shape else 1)")),
    four_bytes_each=("needs 60 bytes", edit("* DTYPES[kind].itemsize", "* 4")),
    squeezed=("shape", edit(".reshape(shape)", ".reshape(shape).squeeze()")),
    one_number_is_nothing=(
        "shape () is 0",
        edit("if begin == end:", "if end - begin < 8:", "torch.empty(", "torch.zeros("),
    ),
)
