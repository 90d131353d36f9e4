"""GPT-2 (Radford et al. 2019): its parameters counted, and its published weights as a GPT of the course.

gpt2_parameters      the parameters by part, 124,439,808 in all                     notebook 11
load_gpt2_weights    a file of published weights (safetensors) to a GPT             notebook 11
"""

import re
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from lib.gpt import FusedGPT
from lib.published_names import GPT2, block_count, must_fit, our_name

tanh_gelu = partial(functional.gelu, approximate="tanh")  # GPT-2's: nearly the same bend, by another formula
D_HEAD = 64  # in GPT-2 of every size

RANKS = {"wte.weight": 2, "wpe.weight": 2, "ln_f.weight": 1, "ln_f.bias": 1}
BUFFERS = re.compile(r"h\.\d+\.attn\.(masked_)?bias")  # masks
HEAD = "lm_head.weight"  # the embedding once more


def gpt2_parameters(vocab: int, n_positions: int, d_model: int, n_layers: int) -> dict[str, int]:
    """How many parameters a GPT has, by part. The head is the embedding table: it is not counted again.

    Returns {"embedding", "positions", "attention", "feed-forward", "norms"}: whole numbers, for the whole model.
    """
    return {
        "embedding": vocab * d_model,
        "positions": n_positions * d_model,
        "attention": n_layers * 4 * (d_model**2 + d_model),
        "feed-forward": n_layers * (8 * d_model**2 + 5 * d_model),
        "norms": (2 * n_layers + 1) * 2 * d_model,
    }


def load_gpt2_weights(path: Path | str, n_heads: int | None = None) -> FusedGPT:
    """GPT-2 of any size from a safetensors file, as Hugging Face publishes it, with or without "transformer." in front.

    n_heads: None for one head for each 64 numbers, as in every GPT-2. Raises ValueError with the file's name when it
    holds something else, such as an output layer that is not the embedding: the model has one table for both.
    """
    try:
        tensors = {name.removeprefix("transformer."): tensor for name, tensor in load_file(path).items()}
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"{path} is no safetensors file, or only a part of one: {error}") from None
    for name, rank in RANKS.items():
        if name not in tensors:
            raise ValueError(f"{path} is not GPT-2: it has no tensor called {name}")
        if tensors[name].dim() != rank:
            raise ValueError(f"{path} is not GPT-2: {name} is {tuple(tensors[name].shape)}")
    table = tensors["wte.weight"]
    if HEAD in tensors and not torch.equal(tensors.pop(HEAD), table):
        raise ValueError(f"{path} cannot be used: its output layer {HEAD} is not its embedding, as it is in GPT-2")
    vocab, d_model = table.shape
    n_layers = block_count(tensors)
    heads = n_heads or max(1, d_model // D_HEAD)
    if not (n_layers and d_model and vocab):
        raise ValueError(f"{path} is not GPT-2: {n_layers} blocks, {vocab} tokens, {d_model} numbers for each")
    if d_model % heads:
        raise ValueError(f"{path}: d_model={d_model} does not split into n_heads={heads} equal heads")
    model = FusedGPT(vocab, len(tensors["wpe.weight"]), d_model, heads, n_layers, activation=tanh_gelu)
    ours = _renamed({name: tensor.float() for name, tensor in tensors.items() if not BUFFERS.fullmatch(name)})
    try:
        must_fit(ours, model.state_dict())
    except ValueError as error:
        raise ValueError(f"{path} does not fit a GPT of {n_layers} blocks: {error}") from None
    model.load_state_dict(ours)
    return model.eval()


def _renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Under our names. Its matrices stand the other way round, and query, key and value are one."""
    ours = {}
    for theirs, tensor in tensors.items():
        name = our_name(theirs, GPT2)
        if name.startswith("blocks.") and tensor.dim() == 2:
            tensor = tensor.T.contiguous()
        if ".to_qkv." in name:
            pieces = tensor.chunk(3) if tensor.dim() else ()  # where it is none, the caller misses some
            parts = (name.replace("to_qkv", part) for part in ("to_q", "to_k", "to_v"))
            ours |= {part: piece.contiguous() for part, piece in zip(parts, pieces, strict=False)}
        else:
            ours[name] = tensor
    return ours
