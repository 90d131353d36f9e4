"""Checkpoints: what was saved comes back bit for bit, other programs can read it, and a bad file says so."""

import os
import pickle

import pytest
import safetensors.torch
import torch
from safetensors import safe_open
from torch import nn

from lib import checkpoints


def some_tensors():
    generator = torch.Generator().manual_seed(0)
    return {
        "matrix": torch.randn(3, 5, generator=generator),
        "turned": torch.randn(3, 5, generator=generator).T,
        "half": torch.randn(7, generator=generator).half(),
        "ids": torch.tensor([2**40, -1]),
        "mask": torch.tensor([[True, False]]),
        "number": torch.tensor(2.5, dtype=torch.float64),
        "nothing": torch.empty(0, 4),
        "strange": torch.tensor([float("nan"), float("inf"), -0.0]),
    }


def test_tensors_and_settings_come_back_bit_for_bit(tmp_path):
    tensors, settings = some_tensors(), {"vocab": 17, "text": "è ✓", "nested": {"rate": 2e-3, "list": [1, None]}}
    checkpoints.save(tmp_path / "new" / "folder" / "a.safetensors", tensors, settings)
    loaded, told = checkpoints.load(tmp_path / "new" / "folder" / "a.safetensors")
    assert told == settings
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype and loaded[name].shape == tensor.shape
        assert loaded[name].numpy().tobytes() == tensor.contiguous().numpy().tobytes(), name


def test_safetensors_itself_reads_our_file_and_we_read_its(tmp_path):
    tensors = some_tensors()
    checkpoints.save(tmp_path / "ours.safetensors", tensors, {"a": 1})
    theirs = safetensors.torch.load_file(tmp_path / "ours.safetensors")
    assert theirs.keys() == tensors.keys() and torch.equal(theirs["turned"], tensors["turned"])
    with safe_open(tmp_path / "ours.safetensors", "pt") as file:
        assert '"a": 1' in file.metadata()["course"]
    safetensors.torch.save_file({"w": torch.ones(2)}, tmp_path / "theirs.safetensors", metadata={"format": "pt"})
    loaded, settings = checkpoints.load(tmp_path / "theirs.safetensors")
    assert loaded["w"].tolist() == [1, 1] and settings == {}
    assert checkpoints.is_ours(tmp_path / "ours.safetensors")
    assert not checkpoints.is_ours(tmp_path / "theirs.safetensors")


def test_loaded_tensors_can_be_written_to(tmp_path):
    checkpoints.save(tmp_path / "a", {"w": torch.zeros(3)}, {})
    loaded, _ = checkpoints.load(tmp_path / "a")
    loaded["w"] += 1
    assert loaded["w"].tolist() == [1, 1, 1]
    again, _ = checkpoints.load(tmp_path / "a")
    assert again["w"].tolist() == [0, 0, 0]


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(101, 13)
        self.head = nn.Linear(13, 101)
        self.head.weight = self.embedding.weight


def test_tied_weights_are_stored_once_and_loaded_into_both(tmp_path):
    model, other = Tied(), Tied()
    checkpoints.save(tmp_path / "tied", model, {})
    assert (tmp_path / "tied").stat().st_size < 1.3 * 4 * 101 * 14
    tensors, _ = checkpoints.load(tmp_path / "tied")
    assert tensors["head.weight"] is tensors["embedding.weight"]
    other.load_state_dict(tensors)
    assert torch.equal(other.head.weight, model.embedding.weight)


def test_a_slice_of_a_stored_tensor_is_a_tensor_of_its_own(tmp_path):
    whole = torch.arange(12.0).view(3, 4)
    checkpoints.save(tmp_path / "a", {"whole": whole, "part": whole[:2], "turned": whole.T}, {})
    loaded, _ = checkpoints.load(tmp_path / "a")
    assert torch.equal(loaded["part"], whole[:2]) and torch.equal(loaded["turned"], whole.T)


def test_the_same_content_makes_the_same_bytes(tmp_path):
    for name in ("a", "b", "c"):
        checkpoints.save(tmp_path / name, some_tensors(), {"one": 1, "two": 2})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_failed_save_leaves_the_older_checkpoint_and_no_litter(tmp_path, monkeypatch, moment):
    path = tmp_path / "model"
    checkpoints.save(path, {"w": torch.ones(3)}, {"step": 1})

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, moment, full_disk)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(path, {"w": torch.zeros(3)}, {"step": 2})
    assert checkpoints.load(path)[1] == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_every_way_of_being_broken_is_one_sentence_with_the_name(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(FileNotFoundError, match=r"there is no checkpoint at .*model\.safetensors$"):
        checkpoints.load(path)
    checkpoints.save(path, {"w": torch.ones(300)}, {"step": 1})
    content = path.read_bytes()
    for cut in (0, 5, 40, len(content) - 1):
        path.write_bytes(content[:cut])
        with pytest.raises(ValueError, match=r"model\.safetensors is damaged or no safetensors file"):
            checkpoints.load(path)
    path.write_bytes(pickle.dumps({"w": [1, 2]}))
    with pytest.raises(ValueError, match="no safetensors file"):
        checkpoints.load(path)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        checkpoints.load(tmp_path)


def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"model: the settings do not fit into JSON .*set"):
        checkpoints.save(tmp_path / "model", {"w": torch.ones(1)}, {"special": {1, 2}})
    with pytest.raises(TypeError, match="w is a list, a checkpoint holds tensors"):
        checkpoints.save(tmp_path / "model", {"w": [1.0]}, {})
    assert not list(tmp_path.iterdir())


HOSTILE = [
    "[]", "null", "7", '"x"', "", "{", "[" * 100_000, '{"settings": []}', '{"settings": null}',
    '{"settings": {}, "same_as": []}', '{"same_as": {"a": "a"}}', '{"same_as": {"a": "b", "b": "a"}}',
    '{"same_as": {"a": ["w"]}}', '{"same_as": null}',
]  # fmt: skip


@pytest.mark.parametrize("header", HOSTILE, ids=[header[:30] for header in HOSTILE])
def test_hostile_settings_are_one_sentence(tmp_path, header):
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"w": torch.ones(2)}, path, metadata={"course": header})
    for read in (checkpoints.load, checkpoints.describe):
        with pytest.raises(ValueError, match=r"model\.safetensors is damaged or no safetensors file"):
            read(path)


def test_shapes_and_settings_are_described_without_the_tensors(tmp_path):
    model = Tied()
    checkpoints.save(tmp_path / "tied", model, {"a": 1})
    shapes, settings = checkpoints.describe(tmp_path / "tied")
    assert shapes == {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()} and settings == {"a": 1}
    with pytest.raises(FileNotFoundError, match="there is no checkpoint at"):
        checkpoints.describe(tmp_path / "none")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no endless file here")
def test_a_file_without_an_end_is_not_read():
    for read in (checkpoints.load, checkpoints.describe, checkpoints.is_ours):
        with pytest.raises(ValueError, match="/dev/zero is no regular file"):
            read("/dev/zero")
