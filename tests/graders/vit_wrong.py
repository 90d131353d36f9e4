"""Wrong answers to notebook 18, third part, as people write them: parameters counted, rollout."""

import torch

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# --------------------------------------------------------------------------------------------------- vit_parameters


def _counted(image, patch, channels, d_model, d_ff, n_layers, n_classes, **other):
    """Right, but for what is given by name."""
    n = image[0] * image[1] // patch[0] // patch[1]
    block = 4 * d_model * (d_model + 1) + d_model * (2 * d_ff + 1) + d_ff + 4 * d_model
    parts = {
        "patches": (channels * patch[0] * patch[1] + 1) * d_model,
        "class token": d_model,
        "positions": (n + 1) * d_model,
        "blocks": n_layers * block,
        "norm": 2 * d_model,
        "head": (d_model + 1) * n_classes,
    }
    return parts | other


@wrong("vit_parameters", says="a position too")
def positions_of_patches(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    n = (image[0] // patch[0]) * (image[1] // patch[1])
    return _counted(image, patch, channels, d_model, d_ff, n_layers, n_classes, positions=n * d_model)


@wrong("vit_parameters", says="their sum comes after")
def total(*sizes):
    return sum(_counted(*sizes).values())


@wrong("vit_parameters", says="should not have 'total'")
def total_too(*sizes):
    parts = _counted(*sizes)
    return parts | {"total": sum(parts.values())}


@wrong("vit_parameters", says="all patches share one matrix")
def matrix_for_each_patch(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    n = (image[0] // patch[0]) * (image[1] // patch[1])
    number = channels * patch[0] * patch[1]
    return _counted(
        image, patch, channels, d_model, d_ff, n_layers, n_classes, patches=n * (number * d_model + d_model)
    )


@wrong("vit_parameters", says="a bias")
def bare_head(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    return _counted(image, patch, channels, d_model, d_ff, n_layers, n_classes, head=d_model * n_classes)


@wrong("vit_parameters", says="one norm after the last block")
def all_norms_at_the_end(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    norm = 2 * d_model * (2 * n_layers + 1)
    return _counted(image, patch, channels, d_model, d_ff, n_layers, n_classes, norm=norm)


@wrong("vit_parameters", says="dict")
def a_list(*sizes):
    return list(_counted(*sizes).values())


@wrong("vit_parameters", says="int")
def with_a_slash(image, patch, channels, d_model, d_ff, n_layers, n_classes):
    n = image[0] / patch[0] * image[1] / patch[1]
    return _counted(image, patch, channels, d_model, d_ff, n_layers, n_classes, positions=(n + 1) * d_model)


slips(
    "vit_parameters",
    position_of_a_pair=("", edit("(1 + n_patches) * d_model", "(1 + n_patches) * (1 + n_patches)")),
    one_patch=("", edit("(1 + n_patches) * d_model", "(1 + (n_patches if n_patches > 1 else 0)) * d_model")),
    tied_head=("", edit("d_model * n_classes + n_classes", "n_classes")),
    embedding_norm=("", edit("patch[1] * d_model + d_model,", "patch[1] * d_model + 3 * d_model,")),
    twelve_blocks=("", edit("n_layers * (", "12 * (")),
    bert_token=("", edit('"class token": d_model', '"class token": 2 * d_model')),
    b_16_by_heart=(
        "",
        edit(
            '"positions": (1 + n_patches) * d_model',
            '"positions": 197 * d_model',
        ),
    ),
    wide_forward=("", edit("2 * d_model * d_ff + d_ff + d_model", "2 * d_model * d_ff + 2 * d_ff + d_model")),
    gated=("", edit("2 * d_model * d_ff + d_ff + d_model", "3 * d_model * d_ff + 2 * d_ff + d_model")),
)


# ------------------------------------------------------------------------------------------------ attention_rollout


@wrong("attention_rollout", says="the shortcut is missing")
def product(maps):
    rollout = torch.eye(maps.shape[-1], dtype=maps.dtype)
    for looked in maps.mean(-3):
        rollout = looked @ rollout
    return rollout


@wrong("attention_rollout", says="the later block's matrix stands on the left")
def other_side(maps):
    stay = torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = stay
    for looked in maps.mean(-3):
        rollout = rollout @ (0.5 * looked + 0.5 * stay)
    return rollout


@wrong("attention_rollout", says="half of each")
def added(maps):
    stay = torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = stay
    for looked in maps.mean(-3):
        rollout = (looked + stay) @ rollout
    return rollout


@wrong("attention_rollout", says="the mean of all heads")
def largest(maps):
    """As a well-known repository does, before it normalises."""
    stay = torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = stay
    for looked in maps.amax(-3):
        mixed = looked + stay
        rollout = (mixed / mixed.sum(-1, keepdim=True)) @ rollout
    return rollout


@wrong("attention_rollout", says="heads are the third axis from behind")
def axis_two(maps):
    stay = torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = stay
    for looked in maps.mean(2):
        rollout = (looked + stay) / 2 @ rollout
    return rollout


@wrong("attention_rollout", says="an identity of 32")
def default_identity(maps):
    rollout = torch.eye(maps.shape[-1])
    for looked in maps.mean(-3):
        rollout = (looked + torch.eye(maps.shape[-1])) / 2 @ rollout
    return rollout


@wrong("attention_rollout", says="all rows are asked for")
def row_of_the_class(maps):
    stay = torch.eye(maps.shape[-1], dtype=maps.dtype)
    row = stay[:1].expand(*maps.shape[1:-3], 1, -1)
    for looked in maps.mean(-3).flip(0):
        row = row @ ((looked + stay) / 2)
    return row[..., 0, :]


@wrong("attention_rollout", says="rows and columns are swapped")
def sums_over_columns(maps):
    stay = torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = stay
    for looked in maps.mean(-3):
        rollout = rollout @ ((looked + stay) / 2).mT
    return rollout


@wrong("attention_rollout", says="each head has its own")
def head_by_head(maps):
    stay = torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = stay
    for looked in maps:
        rollout = (looked + stay) / 2 @ rollout
    return rollout


@wrong("attention_rollout", says="changes what it was given")
def in_place(maps):
    looked = maps.mean(-3) if maps.shape[-3] > 1 else maps.squeeze(-3)
    looked += torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = looked[0] / 2
    for one in looked[1:]:
        rollout = one / 2 @ rollout
    return rollout


@wrong("attention_rollout", says="identity is added once")
def shortcut_around_all(maps):
    stay = torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = stay
    for looked in maps.mean(-3):
        rollout = looked @ rollout
    return 0.5 * rollout + 0.5 * stay


@wrong("attention_rollout", says="not matrices")
def star(maps):
    stay = torch.eye(maps.shape[-1], dtype=maps.dtype)
    rollout = stay
    for looked in maps.mean(-3):
        rollout = (looked + stay) / 2 * rollout
    return rollout


slips(
    "attention_rollout",
    last_three=("12 blocks", edit("maps.mean(dim=-3)", "maps.mean(dim=-3)[-3:]")),
    class_left_out=("", edit("    return rollout", "    rollout[..., 0] = 0\n    return rollout")),
    renormed=("", edit("    return rollout", "    return rollout / rollout.amax(-1, keepdim=True)")),
    starts_with_the_first=("", edit("rollout = stay\n", "rollout = maps[0].mean(dim=-3)\n")),
    batch_averaged=("", edit("    for looked", "    maps = maps.flatten(1, -3)[:, :, None]\n    for looked")),
    rows_too_far=("", edit("/ 2 @", "/ 3 @")),
    power=("", edit("    return rollout", "    return torch.linalg.matrix_power((looked + stay) / 2, len(maps))")),
    few_blocks=("", edit("in maps.mean(dim=-3)", "in maps.mean(dim=-3)[:2]")),
    lone_position=(
        "shape",
        edit("    stay =", "    if maps.shape[-1] == 1:\n        return maps[0]\n    stay ="),
    ),
    three_heads_by_three=(
        "",
        edit("maps.mean(dim=-3)", "maps.mean(dim=maps.shape.index(3, 1) if 3 in maps.shape[1:-2] else -3)"),
    ),
)
