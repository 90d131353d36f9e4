"""Right answers to notebook 18, third part, in other styles: parameters counted, rollout."""

import torch
from torch import nn

from tests.graders.cases import right

# --------------------------------------------------------------------------------------------------- vit_parameters


@right("vit_parameters")
def factored(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    n = image[0] * image[1] // (patch[0] * patch[1])
    block = 4 * d_model * (d_model + 1) + (d_model + 1) * d_ff + (d_ff + 1) * d_model + 4 * d_model
    return {
        "patches": (channels * patch[0] * patch[1] + 1) * d_model,
        "class token": d_model,
        "positions": (n + 1) * d_model,
        "blocks": n_layers * block,
        "norm": 2 * d_model,
        "head": (d_model + 1) * n_classes,
    }


@right("vit_parameters")
def one_after_the_other(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    counts = dict.fromkeys(("head", "norm", "blocks", "positions", "class token", "patches"), 0)
    counts["head"] = n_classes * (1 + d_model)
    counts["norm"] = d_model + d_model
    for _ in range(n_layers):
        for _ in range(4):
            counts["blocks"] += d_model * d_model + d_model
        counts["blocks"] += d_model * d_ff + d_ff
        counts["blocks"] += d_ff * d_model + d_model
        counts["blocks"] += 2 * (d_model + d_model)
    for _ in range(1 + image[0] // patch[0] * (image[1] // patch[1])):
        counts["positions"] += d_model
    counts["class token"] += d_model
    counts["patches"] += patch[0] * patch[1] * channels * d_model + d_model
    return counts


def linear(d_in, d_out):
    return (d_in + 1) * d_out


@right("vit_parameters")
def with_a_helper(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    rows, columns = (pixels // size for pixels, size in zip(image, patch, strict=True))
    norm = 2 * d_model
    block = sum([norm, 3 * linear(d_model, d_model), linear(d_model, d_model), norm])
    block += linear(d_model, d_ff) + linear(d_ff, d_model)
    return dict(
        patches=linear(channels * patch[0] * patch[1], d_model),
        positions=d_model * (rows * columns + 1),
        blocks=block * n_layers,
        norm=norm,
        head=linear(d_model, n_classes),
        **{"class token": d_model},
    )


def counted(*shapes):
    return sum(torch.Size(shape).numel() for shape in shapes)


@right("vit_parameters")
def from_shapes(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    square, vector = (d_model, d_model), (d_model,)
    grid = torch.empty(image, device="meta")[:: patch[0], :: patch[1]].numel()
    one = counted(*[square, vector] * 4, (d_ff, d_model), (d_ff,), (d_model, d_ff), vector, *[vector, vector] * 2)
    return {
        "class token": counted(vector),
        "positions": counted((1 + grid, d_model)),
        "patches": counted((d_model, channels, *patch), vector),
        "blocks": n_layers * one,
        "norm": counted(vector, vector),
        "head": counted((n_classes, d_model), (n_classes,)),
    }


@right("vit_parameters")
def from_torchs_layers(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    """PyTorch's own encoder layer, on a device that holds no numbers."""
    with torch.device("meta"):
        parts = {
            "patches": nn.Conv2d(channels, d_model, patch, stride=patch),
            "positions": nn.Embedding(image[0] // patch[0] * (image[1] // patch[1]) + 1, d_model),
            "blocks": nn.TransformerEncoderLayer(d_model, 1, d_ff),
            "norm": nn.LayerNorm(d_model),
            "head": nn.Linear(d_model, n_classes),
        }
    counts = {name: sum(map(torch.numel, part.parameters())) for name, part in parts.items()}
    return counts | {"class token": d_model, "blocks": n_layers * counts["blocks"]}


@right("vit_parameters")
def unpacked(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    (height, width), (h, w), d = image, patch, d_model
    places = (height // h) * (width // w) + 1
    parts = h * w * channels * d + d, d, places * d, n_layers * (4 * d * d + 2 * d * d_ff + 9 * d + d_ff), 2 * d
    names = "patches", "class token", "positions", "blocks", "norm"
    return dict(zip(names, parts, strict=True)) | {"head": n_classes + n_classes * d}


# ------------------------------------------------------------------------------------------------ attention_rollout


@right("attention_rollout")
def normalised(maps):
    """As in the paper: the identity is added, then rows are made to sum to 1."""
    rollout = None
    for block in maps:
        mixed = block.mean(dim=-3) + torch.eye(maps.shape[-1], dtype=maps.dtype)
        mixed = mixed / mixed.sum(dim=-1, keepdim=True)
        rollout = mixed if rollout is None else mixed @ rollout
    return rollout


@right("attention_rollout")
def halves(maps):
    mixed = 0.5 * maps.mean(-3) + 0.5 * torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = mixed[0]
    for block in mixed[1:]:
        rollout = torch.matmul(block, rollout)
    return rollout


@right("attention_rollout")
def from_the_last(maps):
    stay = torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = stay
    for block in reversed(range(len(maps))):
        rollout = rollout @ (stay + maps[block].mean(-3)) * 0.5
    return rollout


@right("attention_rollout")
def linalg(maps):
    mixed = maps.sum(-3) / maps.shape[-3]
    mixed = (mixed + torch.eye(maps.shape[-1], dtype=mixed.dtype)).div(2).flip(0)
    return mixed[0] if len(mixed) == 1 else torch.linalg.multi_dot(list(mixed)) if mixed.ndim == 3 else _chain(mixed)


def _chain(matrices):
    product = matrices[0]
    for matrix in matrices[1:]:
        product = torch.einsum("...ij,...jk->...ik", product, matrix)
    return product


@right("attention_rollout")
def without_an_identity(maps):
    """Half of what was there, and half of what is looked at."""
    rollout = torch.diag_embed(torch.ones(maps.shape[1:-3] + maps.shape[-1:], dtype=maps.dtype))
    for heads in maps:
        rollout = (rollout + sum(head @ rollout for head in heads.unbind(-3)) / heads.shape[-3]) / 2
    return rollout


@right("attention_rollout")
def the_diagonal(maps):
    mean = maps.double().mean(-3) / 2
    mean.diagonal(dim1=-2, dim2=-1).add_(0.5)
    rollout = mean[0]
    for block in mean[1:]:
        rollout = block @ rollout
    return rollout.to(maps.dtype)


@right("attention_rollout")
def recursively(maps):
    looked = maps[-1].mean(-3)
    mixed = torch.lerp(torch.eye(maps.shape[-1]).to(looked).expand_as(looked), looked, 0.5)
    return mixed @ recursively(maps[:-1]) if len(maps) > 1 else mixed
