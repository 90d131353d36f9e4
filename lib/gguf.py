"""GGUF: the file in which llama.cpp keeps a model (its settings, its tokenizer, its weights), read without copying.

    read_gguf      a file to its fields and its tensors, these still packed
    unpacked       a tensor as float32
    unpack_q4_1    32 weights in 20 bytes: four bits each, times a scale, plus a minimum        notebook 14
    unpack_q8_0    32 weights in 34 bytes: eight bits each, times a scale

The layout, all of it little-endian: a header; fields, each a name, a kind and a value; the tensors' names, shapes,
kinds and offsets; then their bytes, aligned. A file is memory-mapped, so reading a tensor touches its own bytes only.
Files come from elsewhere: each length is compared with what is left of the file before anything is made of it.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3).
"""

import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

MAGIC, VERSION, ALIGNMENT, MOST_AXES = b"GGUF", 3, 32, 4
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
BLOCK = 32  # weights that share a scale


class Packed(NamedTuple):
    """A tensor as the file has it. `shape`: rows first, as in PyTorch; `data`: its bytes (n,), uint8."""

    kind: str
    shape: tuple[int, ...]
    data: np.ndarray


class GGUF(NamedTuple):
    """`fields`: numbers, texts, lists of texts, arrays of numbers by name. `tensors` by name, in the file's order."""

    fields: dict[str, Any]
    tensors: dict[str, Packed]


def unpack_q4_1(blocks: np.ndarray) -> np.ndarray:
    """uint8 (blocks, 20) to float32 (blocks, 32): value = scale * q + minimum, q from 0 to 15.

    A block is scale and minimum, each a float16, low byte first, then 16 bytes: their low halves are q of the weights 0
    to 15, their high halves of 16 to 31. A scale may be 0. Values are computed in float32. `blocks` stand one behind
    the other in memory, at least one, and may be part of a file, which cannot be written to. So do those of the result.
    """
    scale, minimum = np.ascontiguousarray(blocks[:, :4]).view("<f2").astype(np.float32).T  # (blocks,) each
    values = np.empty((len(blocks), 2, BLOCK // 2), np.float32)
    values[:, 0], values[:, 1] = blocks[:, 4:] & 15, blocks[:, 4:] >> 4
    values *= scale[:, None, None]
    values += minimum[:, None, None]
    return values.reshape(-1, BLOCK)


def unpack_q8_0(blocks: np.ndarray) -> np.ndarray:
    """uint8 (blocks, 34) to float32 (blocks, 32): value = scale * q; a float16 scale, then 32 q from -128 to 127."""
    scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)  # (blocks, 1)
    values = blocks[:, 2:].view(np.int8).astype(np.float32)
    values *= scale
    return values


class Kind(NamedTuple):
    """How weights are packed: so many of them in so many bytes, and (blocks, bytes) to (blocks, weights)."""

    name: str
    weights: int
    bytes: int
    unpack: Callable[[np.ndarray], np.ndarray]


KINDS = {  # by the number that a file gives them
    0: Kind("F32", 1, 4, lambda blocks: blocks.view("<f4").astype(np.float32)),
    1: Kind("F16", 1, 2, lambda blocks: blocks.view("<f2").astype(np.float32)),
    3: Kind("Q4_1", BLOCK, 20, unpack_q4_1),
    8: Kind("Q8_0", BLOCK, 34, unpack_q8_0),
}
BY_NAME = {kind.name: kind for kind in KINDS.values()}


def unpacked(tensor: Packed) -> np.ndarray:
    """The tensor's values, float32, in memory of their own, of its shape."""
    kind = BY_NAME[tensor.kind]
    return kind.unpack(tensor.data.reshape(-1, kind.bytes)).reshape(tensor.shape)


def read_gguf(path: str | Path) -> GGUF:
    """Fields and tensors of a file. The tensors' bytes stay in the file until they are unpacked.

    Raises ValueError, in one sentence with the file's name, where it is no GGUF file, damaged, cut off, or packed in a
    way that is not read here.
    """
    try:
        content = np.asarray(np.memmap(path, mode="r"))
        cursor = _Cursor(memoryview(content))
        if cursor.take(len(MAGIC)) != MAGIC:
            raise ValueError("it does not begin with GGUF")
        if (version := cursor.number("I")) != VERSION:
            raise ValueError(f"it is of version {version}, and {VERSION} is read here")
        n_tensors, n_fields = cursor.number("Q"), cursor.number("Q")
        fields = {}
        for _ in range(n_fields):
            name = cursor.string()
            fields[name] = cursor.value(cursor.number("I"))
        infos = [_tensor_info(cursor) for _ in range(n_tensors)]
        return GGUF(fields, _located(infos, content, cursor.at, fields.get("general.alignment", ALIGNMENT)))
    except ValueError as error:
        raise ValueError(f"{path} is damaged or no GGUF file: {error}") from None


class _Cursor:
    """Reads one thing after the other, and never past the end."""

    def __init__(self, content: memoryview):
        self.content, self.at = content, 0

    def take(self, size: int) -> memoryview:
        if size > len(self.content) - self.at:
            raise ValueError(f"byte {self.at:,} begins {size:,} bytes, and {len(self.content) - self.at:,} are left")
        self.at += size
        return self.content[self.at - size : self.at]

    def number(self, code: str) -> int | float | bool:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def string(self) -> str:
        return str(self.take(self.number("Q")), "utf-8")

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            return self.array(self.number("I"), self.number("Q"))
        if kind not in NUMBERS:
            raise ValueError(f"there is no kind {kind} of field")
        return self.number(NUMBERS[kind])

    def array(self, kind: int, length: int) -> list[str] | np.ndarray:
        if kind == STRING:
            return [self.string() for _ in range(length)]  # a false length meets the end of the file
        if kind not in NUMBERS:
            raise ValueError(f"arrays of kind {kind} are not read here")
        each = np.dtype(NUMBERS[kind]).newbyteorder("<")
        return np.frombuffer(self.take(length * each.itemsize), each)


def _tensor_info(cursor: _Cursor) -> tuple[str, tuple[int, ...], Kind, int]:
    """Name, shape, kind and offset."""
    name, n_axes = cursor.string(), cursor.number("I")
    if not 1 <= n_axes <= MOST_AXES:
        raise ValueError(f"tensor {name!r:.80} has {n_axes} axes, from 1 to {MOST_AXES} are possible")
    shape = tuple(cursor.number("Q") for _ in range(n_axes))[::-1]  # the file names the shortest step first
    number, offset = cursor.number("I"), cursor.number("Q")
    if number not in KINDS:
        raise ValueError(f"tensor {name!r:.80} is packed in way {number}; {', '.join(BY_NAME)} are read here")
    return name, shape, KINDS[number], offset


def _located(infos: list, content: np.ndarray, end: int, alignment: Any) -> dict[str, Packed]:
    """The tensors' bytes, each in its own place behind the header, which ends at `end`."""
    if not isinstance(alignment, int) or not 0 < alignment <= len(content):
        raise ValueError(f"its alignment is {alignment!r:.80}")
    start = -(-end // alignment) * alignment
    tensors, free = {}, start
    for name, shape, kind, offset in sorted(infos, key=lambda info: info[-1]):
        size, begin = math.prod(shape) // kind.weights * kind.bytes, start + offset
        if not size or shape[-1] % kind.weights:
            raise ValueError(f"tensor {name!r:.80} of shape {shape} does not come in blocks of {kind.weights}")
        if begin < free or offset % alignment or begin + size > len(content) or name in tensors:
            raise ValueError(f"tensor {name!r:.80}, {size:,} bytes at byte {begin:,}, has no place of its own there")
        free = begin + size
        tensors[name] = Packed(kind.name, shape, content[begin:free])
    return tensors
