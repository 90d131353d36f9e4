"""A safetensors file read by hand against the package: all kinds, all shapes, and what both refuse."""

import json
import random

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError

from lib.checkpoints import save
from lib.tensor_files import DTYPES, read_header, read_tensors, tensor_at

SHAPES = [(), (1,), (0,), (7,), (3, 5), (2, 0, 3), (2, 3, 5, 7), (1, 11)]


def some_tensors():
    found = {}
    for kind, dtype in DTYPES.items():
        for shape in SHAPES:
            found[f"{kind}.{len(found)}"] = (100 * torch.randn(shape)).to(dtype)
    return found


def file_of(header, data=b"", length=None):
    """The bytes of a file with any header, right or wrong."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2, 3), begin=0, end=24):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype and ours[name].shape == tensor.shape
        assert torch.equal(ours[name], tensor), name


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_every_kind_and_shape_is_read_as_the_package_reads_it(tmp_path, metadata):
    tensors = some_tensors()
    safetensors.torch.save_file(tensors, tmp_path / "a.safetensors", metadata)
    same(read_tensors(tmp_path / "a.safetensors"), tensors)


def test_the_courses_own_checkpoints_are_read(tmp_path):
    tensors = {"x": torch.randn(3, 5), "y": torch.arange(7)}
    save(tmp_path / "a.safetensors", tensors, {"steps": 3})
    same(read_tensors(tmp_path / "a.safetensors"), tensors)


def test_the_parts_do_it_step_by_step():
    x, y = torch.randn(2, 3), torch.tensor([1.5, -2.0], dtype=torch.bfloat16)
    content = safetensors.torch.save({"x": x, "y": y}, {"format": "pt"})
    header, start = read_header(content)
    assert header.keys() == {"x", "y"} and start == len(content) - 28
    assert header["x"] == entry(begin=header["x"]["data_offsets"][0], end=header["x"]["data_offsets"][1])
    same({name: tensor_at(content, start, where) for name, where in header.items()}, {"x": x, "y": y})


def test_a_tensor_has_memory_of_its_own(tmp_path):
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file({"x": torch.ones(3)}, path)
    before = path.read_bytes()
    read_tensors(path)["x"].zero_()
    assert path.read_bytes() == before
    same(read_tensors(path), {"x": torch.ones(3)})


REFUSED = {
    "no length": (b"\x05\x00", "its header ends at byte 13, and there are 2 bytes"),
    "header cut off": (file_of({"x": entry()}, length=500), "its header ends at byte 508, and there are"),
    "a pickle": (b"\x80\x04\x95" + bytes(40), "its header ends at byte"),
    "no JSON": (file_of(b"{hello}"), "its header is no JSON"),
    "no text": (file_of(b"\xff\xfe{}"), "its header is no JSON"),
    "a list": (file_of([1, 2]), r"its header is \[1, 2\], and no object"),
    "deep": (file_of(b"[" * 100_000), "its header is no JSON"),
    "no entry": (file_of({"x": 3}), "the header says 3 of tensor 'x', expected dtype, shape, data_offsets"),
    "no offsets": (file_of({"x": {"dtype": "F32", "shape": [2]}}), "the header says .* of tensor 'x'"),
    "one offset": (file_of({"x": entry() | {"data_offsets": [0]}}), r"tensor 'x' has the shape .* offsets \[0\]"),
    "half an axis": (file_of({"x": entry(shape=(2.5,))}, bytes(24)), r"tensor 'x' has the shape \[2.5\]"),
    "negative": (file_of({"x": entry(shape=(-2, -3))}, bytes(24)), r"tensor 'x' has the shape \[-2, -3\]"),
    "strange kind": (file_of({"x": entry("F7")}, bytes(24)), "tensor 'x' is of the kind 'F7'; F64, F32, F16, BF16, "),
    "too short": (file_of({"x": entry()}, bytes(23)), "tensor 'x' lies from byte 0 to 24 of 23"),
    "too long": (file_of({"x": entry()}, bytes(25)), "its tensors end at byte 24 of 25"),
    "shape": (file_of({"x": entry(shape=(2, 2))}, bytes(24)), r"tensor 'x' needs 16 bytes for F32 of shape \(2, 2\), "),
    "huge": (file_of({"x": entry(shape=(2**40, 2**40))}, bytes(24)), "tensor 'x' needs 4,835,703,278,458,516,698,82"),
    "backwards": (file_of({"x": entry(begin=24, end=0)}, bytes(24)), "tensor 'x' begins at byte 24, expected 0"),
    "hole": (file_of({"x": entry(begin=4, end=28)}, bytes(28)), "tensor 'x' begins at byte 4, expected 0"),
    "overlap": (
        file_of({"x": entry(), "y": entry(begin=20, end=44)}, bytes(44)),
        "tensor 'y' begins at byte 20, expected 24",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_one_sentence_and_the_package_refuses_it_too(name, tmp_path):
    content, told = REFUSED[name]
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.safetensors is damaged or no safetensors file: {told}") as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    with pytest.raises((SafetensorError, ValueError, KeyError)):
        safetensors.torch.load(content)


def test_a_damaged_file_is_refused_or_read_as_the_package_reads_it(tmp_path):
    whole = safetensors.torch.save({"x": torch.randn(2, 3), "y": torch.arange(5), "z": torch.randn(()).half()})
    rng, path, accepted = random.Random(0), tmp_path / "a.safetensors", 0
    for _ in range(500):
        content = bytearray(whole[: rng.choice([len(whole), len(whole), rng.randrange(1, len(whole))])])
        for _ in range(rng.choice([0, 1, 1, 2])):
            content[rng.randrange(len(content))] = rng.choice(b'0123456789[]{}",:FI\x00\xff')
        path.write_bytes(content)
        try:
            ours = read_tensors(path)
        except ValueError:
            continue
        same(ours, safetensors.torch.load(bytes(content)))
        accepted += 1
    assert 50 < accepted < 450


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "absent")
    with pytest.raises(IsADirectoryError):
        read_tensors(tmp_path)
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ValueError, match="empty is damaged or no safetensors file"):
        read_tensors(tmp_path / "empty")
