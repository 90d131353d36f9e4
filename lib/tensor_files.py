"""Safetensors: a file of tensors that is names and numbers only, and so cannot run anything, read by hand.

    read_header    where each tensor lies, of which kind and shape                 notebook 19
    tensor_at      one tensor out of the bytes                                     notebook 19
    read_tensors   all tensors of a file, each in a place of its own

The layout: 8 bytes, little-endian, say how long the header is; the header is JSON, for each name {"dtype": "F32",
"shape": [2, 3], "data_offsets": [0, 24]}, and perhaps texts under "__metadata__"; the rest is the tensors' bytes, which
the offsets count from the header's end, rows first, low bytes first. Files come from elsewhere: each number is compared
with what is there before anything is made of it. `lib.checkpoints` writes such files, with the package.

Source: https://github.com/huggingface/safetensors#format. A pickle, in contrast, is a program.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read_header(content: bytes) -> tuple[dict[str, Any], int]:
    """What stands in a file's header, by name, "__metadata__" left out, and the byte at which the tensors begin.

    content: the file's bytes    Raises ValueError when the header is longer than the file, or no JSON of this kind; in
    UTF-8, that is: other encodings may be read or refused.
    """
    start = 8 + int.from_bytes(content[:8], "little")
    if len(content) < 8 or start > len(content):
        raise ValueError(f"its header ends at byte {start:,}, and there are {len(content):,} bytes")
    try:
        header = json.loads(bytes(content[8:start]))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header is no JSON ({error})") from None
    if not isinstance(header, dict):
        raise ValueError(f"its header is {header!r:.40}, and no object with the tensors' names")
    return {name: entry for name, entry in header.items() if name != "__metadata__"}, start


def tensor_at(content: bytes, start: int, entry: Mapping[str, Any]) -> Tensor:
    """The tensor that an entry of the header describes, in memory of its own.

    content: the file's bytes    start: the byte at which the tensors begin
    entry: "dtype", "shape" and "data_offsets", the latter begin and end, counted from `start`; no axis of the shape is
    below 0

    Raises ValueError when the kind is not known, the shape needs another number of bytes, or they are not in the file.
    """
    kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in DTYPES:
        raise ValueError(f"is of the kind {kind!r:.40}; {', '.join(DTYPES)} are read here")
    if not 0 <= begin <= end <= len(content) - start:
        raise ValueError(f"lies from byte {begin:,} to {end:,} of {len(content) - start:,}")
    if (needed := math.prod(shape) * DTYPES[kind].itemsize) != end - begin:
        raise ValueError(f"needs {needed:,} bytes for {kind} of shape {tuple(shape)}, and has {end - begin:,}")
    if begin == end:  # PyTorch makes no tensor of an empty buffer
        return torch.empty(shape, dtype=DTYPES[kind])
    own = bytearray(content[start + begin : start + end])
    return torch.frombuffer(own, dtype=DTYPES[kind]).reshape(shape)


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """All tensors of a file by their names, in the order in which they lie there. Only their own bytes are copied.

    Raises ValueError, in one sentence with the file's name, when it is damaged, cut off or something else, two tensors
    share a byte, or a byte is no tensor's; FileNotFoundError, IsADirectoryError.
    """
    try:
        content = np.memmap(path, mode="r")
        header, start = read_header(content)
        tensors, free = {}, 0
        for name, entry in sorted(header.items(), key=_offsets):
            if _offsets((name, entry))[0] != free:
                raise ValueError(f"tensor {name!r:.80} begins at byte {entry['data_offsets'][0]:,}, expected {free:,}")
            try:
                tensors[name] = tensor_at(content, start, entry)
            except ValueError as error:
                raise ValueError(f"tensor {name!r:.80} {error}") from None
            free = entry["data_offsets"][1]
        if free != len(content) - start:
            raise ValueError(f"its tensors end at byte {free:,} of {len(content) - start:,}")
    except ValueError as error:
        raise ValueError(f"{path} is damaged or no safetensors file: {error}") from None
    return tensors


def _offsets(named: tuple[str, Any]) -> tuple[int, int]:
    """Begin and end of a tensor; an entry that is not made as the layout says is refused here."""
    name, entry = named
    fields = {"dtype": str, "shape": list, "data_offsets": list}
    if not isinstance(entry, dict) or any(not isinstance(entry.get(key), kind) for key, kind in fields.items()):
        raise ValueError(f"the header says {entry!r:.80} of tensor {name!r:.80}, expected {', '.join(fields)}")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if len(offsets) != 2 or any(type(number) is not int or number < 0 for number in shape + offsets):
        raise ValueError(f"tensor {name!r:.80} has the shape {shape!r:.80} and the offsets {offsets!r:.80}")
    return tuple(offsets)
