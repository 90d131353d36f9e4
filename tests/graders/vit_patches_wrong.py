"""Wrong answers to notebook 18, first part, as people write them: patches and back, positions for another grid."""

import torch
from torch.nn import functional

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# ---------------------------------------------------------------------------------------------------------- patches


def _fit(images, size):
    if images.shape[-2] % size[0] or images.shape[-1] % size[1]:
        raise ValueError(f"{tuple(images.shape)} does not split into {size}")


@wrong("patches", says="a reshape alone")
def one_reshape(images, size):
    _fit(images, size)
    return images.reshape(*images.shape[:-3], -1, images.shape[-3] * size[0] * size[1])


@wrong("patches", says="tuple index out of range")
def needs_a_batch(images, size):
    if images.shape[2] % size[0] or images.shape[3] % size[1]:
        raise ValueError(f"{images.shape[2:]} and {size}")
    cut = images.unfold(2, size[0], size[0]).unfold(3, size[1], size[1])
    return cut.permute(0, 2, 3, 1, 4, 5).reshape(len(images), -1, images.shape[1] * size[0] * size[1])


@wrong("patches", says="not enough values to unpack")
def four_sizes(images, size):
    n, channels, height, width = images.shape
    if height % size[0] or width % size[1]:
        raise ValueError(f"{height} x {width} and {size}")
    cut = images.view(n, channels, height // size[0], size[0], width // size[1], size[1])
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(n, -1, channels * size[0] * size[1])


@wrong("patches", says="patches and numbers are swapped")
def as_unfold_gives_them(images, size):
    _fit(images, size)
    flat = images.reshape(-1, *images.shape[-3:])
    cut = functional.unfold(flat, size, stride=size)
    return cut.view(*images.shape[:-3], *cut.shape[1:])


@wrong("patches", says="all channels of one together")
def einops_of_the_paper(images, size):
    """(p1 p2 c), as in a well-known ViT."""
    _fit(images, size)
    cut = images.unfold(-2, size[0], size[0]).unfold(-2, size[1], size[1])
    return cut.movedim(-5, -1).flatten(-3).flatten(-3, -2)


@wrong("patches", says="column by column")
def columns_outside(images, size):
    _fit(images, size)
    return torch.stack(
        [
            images[..., top : top + size[0], left : left + size[1]].flatten(-3)
            for left in range(0, images.shape[-1], size[1])
            for top in range(0, images.shape[-2], size[0])
        ],
        dim=-2,
    )


@wrong("patches", says="shape")
def overlapping(images, size):
    _fit(images, size)
    cut = images.unfold(-2, size[0], 1).unfold(-2, size[1], 1)
    return cut.movedim(-5, -3).flatten(-3).flatten(-3, -2)


@wrong("patches", says="raises AssertionError")
def asserted(images, size):
    assert images.shape[-2] % size[0] == 0 and images.shape[-1] % size[1] == 0, f"{images.shape[-2:]} and {size}"
    cut = images.unfold(-2, size[0], size[0]).unfold(-2, size[1], size[1])
    return cut.movedim(-5, -3).flatten(-3).flatten(-3, -2)


@wrong("patches", says="nothing is cut off")
def cut_by_unfold(images, size):
    cut = images.unfold(-2, size[0], size[0]).unfold(-2, size[1], size[1])
    return cut.movedim(-5, -3).flatten(-3).flatten(-3, -2)


@wrong("patches", says="raises RuntimeError")
def as_reshape_says(images, size):
    h, w = size
    lead, (c, height, width) = images.shape[:-3], images.shape[-3:]
    cut = images.reshape(*lead, c, height // h, h, width // w, w).movedim((-4, -2), (-5, -4))
    return cut.reshape(*lead, -1, c * h * w)


@wrong("patches", says="each channel gives patches of its own")
def channels_one_by_one(images, size):
    _fit(images, size)
    cut = images.unfold(-2, size[0], size[0]).unfold(-2, size[1], size[1])
    return cut.flatten(-2).flatten(-4, -2)


@wrong("patches")
def square_image(images, size):
    """The grid by the width alone."""
    _fit(images, size)
    n = images.shape[-1] // size[1]
    tops, lefts = range(0, n * size[0], size[0]), range(0, n * size[1], size[1])
    rows = [images[..., y : y + size[0], x : x + size[1]].flatten(-3) for y in tops for x in lefts]
    return torch.stack(rows, dim=-2)


@wrong("patches", says="not for one alone")
def squeezes(images, size):
    _fit(images, size)
    cut = images.unfold(-2, size[0], size[0]).unfold(-2, size[1], size[1])
    cut = cut.movedim(-5, -3).flatten(-3).flatten(-3, -2)
    return cut.squeeze(0) if cut.ndim > 2 else cut


slips(
    "patches",
    one_patch_left_alone=(
        "shape",
        edit("    cut =", "    if images.shape[-2:] == tuple(size):\n        return images.flatten(-3)\n    cut ="),
    ),
    one_pixel_left_alone=(
        "shape",
        edit("    cut =", "    if tuple(size) == (1, 1):\n        return images.flatten(-2)\n    cut ="),
    ),
    at_most_256=("shape", edit(".flatten(-3, -2)", ".flatten(-3, -2)[..., :256, :]")),
    grey_only=("", edit("    cut =", "    images = images[..., :1, :, :]\n    cut =")),
    three_channels=("5 channels", edit("    cut = ", "    images = images[..., :3, :, :]\n    cut = ")),
)


# ---------------------------------------------------------------------------------------------------------- unpatch


@wrong("unpatch", says="a reshape alone")
def one_reshape_back(rows, size, grid):
    return rows.reshape(*rows.shape[:-2], -1, grid[0] * size[0], grid[1] * size[1])


@wrong("unpatch", says="invalid for input")
def needs_a_batch_back(rows, size, grid):
    cut = rows.reshape(rows.shape[0], *grid, -1, *size)
    return torch.einsum("brcohw->borhcw", cut).reshape(rows.shape[0], -1, grid[0] * size[0], grid[1] * size[1])


@wrong("unpatch", says="how many channels")
def three_channels(rows, size, grid):
    cut = rows.reshape(*rows.shape[:-2], *grid, 3, *size).movedim(-3, -5).transpose(-3, -2)
    return cut.reshape(*rows.shape[:-2], 3, grid[0] * size[0], grid[1] * size[1])


@wrong("unpatch", says="pixel by pixel")
def pixel_by_pixel(rows, size, grid):
    cut = rows.reshape(*rows.shape[:-2], *grid, *size, -1)
    cut = cut.movedim(-1, -5).transpose(-3, -2)
    return cut.reshape(*rows.shape[:-2], -1, grid[0] * size[0], grid[1] * size[1])


@wrong("unpatch", says="take both of their sizes")
def root_of_the_number(rows, size, grid):
    side = int(rows.shape[-2] ** 0.5)
    cut = rows.reshape(*rows.shape[:-2], side, -1, rows.shape[-1] // size[0] // size[1], *size)
    cut = cut.movedim(-3, -5).transpose(-3, -2)
    return cut.flatten(-2).flatten(-3, -2)


@wrong("unpatch", says="rows, then columns")
def columns_and_rows(rows, size, grid):
    cut = rows.reshape(*rows.shape[:-2], grid[1], grid[0], -1, *size)
    cut = cut.movedim(-3, -5).transpose(-3, -2)
    return cut.reshape(*rows.shape[:-2], -1, grid[1] * size[0], grid[0] * size[1])


@wrong("unpatch", says="column by column")
def filled_by_columns(rows, size, grid):
    cut = rows.reshape(*rows.shape[:-2], grid[1], grid[0], -1, *size)
    cut = cut.movedim(-3, -5).movedim(-4, -2)
    return cut.flatten(-2).flatten(-3, -2)


@wrong("unpatch", says="height and width of the image are swapped")
def turned_image(rows, size, grid):
    cut = rows.reshape(*rows.shape[:-2], *grid, -1, *size)
    cut = cut.movedim(-3, -5).transpose(-3, -2)
    image = cut.reshape(*rows.shape[:-2], -1, grid[0] * size[0], grid[1] * size[1])
    return image.mT


@wrong("unpatch", says="a grey image has an axis")
def grey_without_an_axis(rows, size, grid):
    cut = rows.reshape(*rows.shape[:-2], *grid, -1, *size)
    cut = cut.movedim(-3, -5).transpose(-3, -2)
    image = cut.reshape(*rows.shape[:-2], -1, grid[0] * size[0], grid[1] * size[1])
    return image[..., 0, :, :] if image.shape[-3] == 1 else image


@wrong("unpatch", says="no gradient")
def filled_by_numbers(rows, size, grid):
    channels = rows.shape[-1] // (size[0] * size[1])
    image = rows.new_zeros(*rows.shape[:-2], channels, grid[0] * size[0], grid[1] * size[1])
    for i in range(grid[0]):
        for j in range(grid[1]):
            patch = rows[..., i * grid[1] + j, :].detach().unflatten(-1, (channels, *size))
            image[..., i * size[0] : (i + 1) * size[0], j * size[1] : (j + 1) * size[1]] = patch
    return image


@wrong("unpatch", says="dtype")
def filled_zeros(rows, size, grid):
    channels = rows.shape[-1] // (size[0] * size[1])
    image = torch.zeros(*rows.shape[:-2], channels, grid[0] * size[0], grid[1] * size[1])
    for place in range(grid[0] * grid[1]):
        top, left = place // grid[1] * size[0], place % grid[1] * size[1]
        image[..., top : top + size[0], left : left + size[1]] = rows[..., place, :].unflatten(-1, (channels, *size))
    return image


@wrong("unpatch")
def grid_by_height(rows, size, grid):
    """The index of a patch counts grid[0] in a row."""
    channels = rows.shape[-1] // (size[0] * size[1])
    image = rows.new_zeros(*rows.shape[:-2], channels, grid[0] * size[0], grid[1] * size[1])
    for i in range(grid[0]):
        for j in range(grid[1]):
            patch = rows[..., i * grid[0] % rows.shape[-2] + j, :].unflatten(-1, (channels, *size))
            image[..., i * size[0] : (i + 1) * size[0], j * size[1] : (j + 1) * size[1]] = patch
    return image


slips(
    "unpatch",
    one_patch_left_alone=("shape", edit("    cut =", "    if grid == (1, 1):\n        return rows\n    cut =")),
    one_pixel_left_alone=("", edit("    cut =", "    if size == (1, 1):\n        return rows.mT\n    cut =")),
    one_leading_axis=(
        "shape",
        edit(
            "return cut",
            "image = cut",
            ".flatten(-3, -2)",
            ".flatten(-3, -2)\n    return image.flatten(0, -4) if image.ndim > 4 else image",
        ),
    ),
    at_most_256=("", edit("    cut =", "    rows = rows[..., :256, :]\n    cut =")),
)


# -------------------------------------------------------------------------------------------- interpolate_positions


def _stretch(grid, new, **how):
    return functional.interpolate(grid, size=new, **({"mode": "bicubic", "align_corners": False} | how))


@wrong("interpolate_positions", says="positions and d_model are mixed up")
def viewed(table, old, new):
    grid = table[1:].reshape(1, -1, *old)
    return torch.cat([table[:1], _stretch(grid, new).flatten(2)[0].T])


@wrong("interpolate_positions", says="on the way back")
def viewed_back(table, old, new):
    grid = table[1:].reshape(1, *old, -1).permute(0, 3, 1, 2)
    return torch.cat([table[:1], _stretch(grid, new).reshape(-1, table.shape[1])])


@wrong("interpolate_positions", says="bilinear")
def bilinear(table, old, new):
    grid = table[1:].reshape(1, *old, -1).permute(0, 3, 1, 2)
    return torch.cat([table[:1], _stretch(grid, new, mode="bilinear").permute(0, 2, 3, 1).flatten(1, 2)[0]])


@wrong("interpolate_positions", says="align_corners=False")
def aligned(table, old, new):
    grid = table[1:].reshape(1, *old, -1).permute(0, 3, 1, 2)
    return torch.cat([table[:1], _stretch(grid, new, align_corners=True).permute(0, 2, 3, 1).flatten(1, 2)[0]])


@wrong("interpolate_positions", says="antialias")
def antialiased(table, old, new):
    """As in DINOv2."""
    grid = table[1:].reshape(1, *old, -1).permute(0, 3, 1, 2)
    return torch.cat([table[:1], _stretch(grid, new, antialias=True).permute(0, 2, 3, 1).flatten(1, 2)[0]])


@wrong("interpolate_positions", says="the class token's row is missing")
def patches_alone(table, old, new):
    grid = table[1:].reshape(1, *old, -1).permute(0, 3, 1, 2)
    return _stretch(grid, new).permute(0, 2, 3, 1).flatten(1, 2)[0]


@wrong("interpolate_positions", says="rows come before columns")
def width_first(table, old, new):
    rows, columns = old[1], old[0]
    grid = table[1:].reshape(1, rows, columns, -1).permute(0, 3, 1, 2)
    return torch.cat([table[:1], _stretch(grid, new).permute(0, 2, 3, 1).flatten(1, 2)[0]])


@wrong("interpolate_positions", says="a grid need not be square")
def root(table, old, new):
    side = int((len(table) - 1) ** 0.5)
    grid = table[1:].T.unflatten(1, (side, -1))[None]
    return torch.cat([table[:1], _stretch(grid, new).flatten(2)[0].T])


@wrong("interpolate_positions", says="2 x 6 and 3 x 4")
def left_alone_by_number(table, old, new):
    if len(table) == 1 + new[0] * new[1]:
        return table
    grid = table[1:].T.unflatten(1, old)[None]
    return torch.cat([table[:1], _stretch(grid, new).flatten(2)[0].T])


@wrong("interpolate_positions", says="multiply up")
def no_class_token_taken_out(table, old, new):
    grid = table.T.unflatten(1, old)[None]
    return _stretch(grid, new).flatten(2)[0].T


@wrong("interpolate_positions", says="no gradient")
@torch.no_grad()
def without_autograd(table, old, new):
    grid = table[1:].T.unflatten(1, old)[None]
    return torch.cat([table[:1], _stretch(grid, new).flatten(2)[0].T])


@wrong("interpolate_positions", says="one long list")
def as_a_list(table, old, new):
    stretched = _stretch(table[1:].T[None, :, None], (1, new[0] * new[1]))
    return torch.cat([table[:1], stretched[0, :, 0].T])


@wrong("interpolate_positions")
def rounded_factor(table, old, new):
    """A whole number of times as large."""
    grid = table[1:].T.unflatten(1, old)[None]
    factors = tuple(max(1.0, n // o) for n, o in zip(new, old, strict=True))
    stretched = functional.interpolate(grid, scale_factor=factors, mode="bicubic")
    return torch.cat([table[:1], stretched.flatten(2)[0].T])


slips(
    "interpolate_positions",
    lone_patch=(
        "shape",
        edit("    grid =", "    if new == (1, 1):\n        return table[1:].mean(0, keepdim=True)\n    grid ="),
    ),
    lone_old_patch=("shape", edit("    grid =", "    if old == (1, 1):\n        return table\n    grid =")),
    clamped=("", edit("stretched[0].flatten", "stretched[0].clamp(grid.min(), grid.max()).flatten")),
    keeps_the_length=(
        "",
        edit("stretched[0].flatten", "(stretched[0] * grid.norm() / stretched.norm()).flatten"),
    ),
    class_added=("", edit("stretched[0].flatten(1).T", "stretched[0].flatten(1).T + table[:1]")),
    no_gradient_to_the_same=(
        "gradient",
        edit("    grid = ", "    if old == new:\n        return table.detach().clone()\n    grid = "),
    ),
    by_factors=("shape", edit("size=new", "scale_factor=(new[0] / old[0], new[1] / old[1])")),
)
