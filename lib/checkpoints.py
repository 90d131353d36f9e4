"""Checkpoints: tensors and the settings that belong to them in one safetensors file, all or nothing, never a pickle.

    save       a model or a dict of tensors, with a dict of settings
    load       the same back: tensors and settings
    describe   shapes and settings, without reading the tensors
    is_ours    whether `save` wrote a file, without reading its tensors

The settings stand as JSON in the file's header. Tensors that share their memory, such as an embedding that is also the
output layer, are stored once and share it again after loading. The same content makes the same bytes.
Used wherever something is trained: notebooks 09 and 11, `python -m lib.training`.
"""

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

KEY = "course"  # subtle: one key only; safetensors writes several in an order of chance


def save(path: str | os.PathLike, content: nn.Module | Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
    """Write tensors and settings to `path`, whose folder is made if need be.

    content: a module, for its state dict, or tensors by name    settings: whatever JSON can hold

    A crash, a full disk or a kill leaves what was at `path` before.
    """
    path = Path(path)
    tensors = content.state_dict() if isinstance(content, nn.Module) else dict(content)
    stored, same_as = _stored_once(tensors)
    try:
        header = json.dumps({"settings": dict(settings), "same_as": same_as})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: the settings do not fit into JSON ({error})") from None
    write_whole(path, safetensors.torch.save(stored, {KEY: header}))


def load(path: str | os.PathLike) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, by name, on the CPU, and the settings; empty settings where another program made the file.

    Raises ValueError when the file is damaged or something else, FileNotFoundError, IsADirectoryError.
    """
    path = _there(path)
    try:
        content = path.read_bytes()
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise _damaged(path, error) from None
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length]).get("__metadata__") or {}
    settings, same_as = _header(path, metadata, tensors.keys())
    return tensors | {name: tensors[original] for name, original in same_as.items()}, settings


def describe(path: str | os.PathLike) -> tuple[dict[str, tuple[int, ...]], dict[str, Any]]:
    """The shapes of the tensors, by name, and the settings. Only the header is read: tensors may be large.

    Raises what `load` raises.
    """
    path = _there(path)
    try:
        with safe_open(path, "pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from None
    settings, same_as = _header(path, metadata, shapes.keys())
    return shapes | {name: shapes[original] for name, original in same_as.items()}, settings


def is_ours(path: str | os.PathLike) -> bool:
    """Whether `save` wrote a safetensors file, or another program. Raises what `load` raises."""
    path = _there(path)
    try:
        with safe_open(path, "pt") as file:
            return KEY in (file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from None


def _there(path: str | os.PathLike) -> Path:
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, a checkpoint is a file")
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint at {path}")
    if not path.is_file():
        raise ValueError(f"{path} is no regular file, a checkpoint is one")
    return path


def _damaged(path: Path, error: object) -> ValueError:
    return ValueError(f"{path} is damaged or no safetensors file ({error})")


def _header(path: Path, metadata: Mapping[str, str], stored: Collection[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings, and which names mean a tensor that is stored under another one."""
    try:
        header = json.loads(metadata.get(KEY, "{}"))
        settings, same_as = header.get("settings", {}), header.get("same_as", {})
        if not isinstance(settings, dict):
            raise ValueError(f"its settings are no dictionary, but {settings!r:.40}")
        if strangers := set(same_as.values()) - set(stored):
            raise ValueError(f"it holds no tensor {strangers.pop()!r:.40} to share")
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from None
    return settings, same_as


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path`, all or nothing: written beside it first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:  # a full disk names no file
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        partial.unlink(missing_ok=True)


def _stored_once(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors to store, contiguous and on the CPU, and which other names mean which of them."""
    stored, same_as, seen = {}, {}, {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} is a {type(tensor).__name__}, a checkpoint holds tensors")
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if tensor.numel() and place in seen:
            same_as[name] = seen[place]
        else:
            seen[place] = name
            stored[name] = torch.empty_like(tensor, device="cpu", memory_format=torch.contiguous_format).copy_(
                tensor.detach()
            )
    return stored, same_as
