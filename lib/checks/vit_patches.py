"""Checks of notebook 18, first part: patches and back, and positions for another grid."""

import re

import torch

from lib import vit as course
from lib.checks.core import Exercise, edit
from lib.checks.probing import gradients, normal, single_calls
from lib.checks.running import Problem

patches = Exercise(course.patches)
unpatch = Exercise(course.unpatch)
interpolate_positions = Exercise(course.interpolate_positions)


def counted(*shape):
    """The numbers 0, 1, 2 ... in this shape."""
    return torch.arange(float(torch.Size(shape).numel())).view(shape)


# ---------------------------------------------------------------------------------------------------------- patches

single_calls(
    patches,
    {
        "a grey image of 4 x 6 pixels, the numbers 0 to 23, in patches of 2 x 3": lambda rng: (
            counted(1, 4, 6),
            (2, 3),
        ),
        "an image of 3 channels, 2 x 4 pixels, the numbers 0 to 23, in patches of 2 x 2": lambda rng: (
            counted(3, 2, 4),
            (2, 2),
        ),
        "two images of 3 channels, 15 x 14 pixels, in patches of 5 x 2": lambda rng: (
            normal(2, 3, 15, 14, rng=rng),
            (5, 2),
        ),
        "images of 5 x 7 pixels that are one patch each": lambda rng: (normal(3, 2, 5, 7, rng=rng), (5, 7)),
        "patches of a single pixel, 5 channels": lambda rng: (normal(2, 5, 5, 7, rng=rng), (1, 1)),
        "three leading axes, 2, 1 and 3": lambda rng: (normal(2, 1, 3, 1, 15, 30, rng=rng), (3, 5)),
        "320 x 240 pixels of 3 channels in patches of 16 x 16: 300 patches of 768 numbers, in float64": lambda rng: (
            normal(3, 320, 240, rng=rng).double(),
            (16, 16),
        ),
    },
)


def _named(answer, images, size):
    """A Problem unless the call is refused by a ValueError that names the sizes of image and patch."""
    pixels = tuple(images.shape[-2:])
    asked = f"{pixels[0]} x {pixels[1]} pixels in patches of {size[0]} x {size[1]}"
    try:
        answer(images, size)
    except ValueError as error:
        told = {int(number) for number in re.findall(r"\d+", str(error))}
        if not {*pixels, *size} <= told:
            raise Problem(
                "bare error",
                f"{asked}: the ValueError says {str(error)!r}; it is to name the size of the images and of the patch.",
            ) from error
        return "raises a ValueError that names both sizes"
    except Exception as error:
        if isinstance(error, Problem) or (isinstance(error, NotImplementedError) and not str(error)):
            raise
        raise Problem(
            "another error", f"{asked}: your code raises {type(error).__name__}; a ValueError is asked for."
        ) from error
    raise Problem("no error", f"{asked}: your code goes on without an error; a ValueError is asked for.")


@patches.probe("sizes that do not divide: ValueError", varied=False)
def _(answer, rng):
    sizes = [(4, 7), (5, 3), (30, 7), (6, 35), (4, 3)]  # of the last but one, the product divides
    return {str(size): _named(answer, normal(3, 15, 14, rng=rng), size) for size in sizes}


@patches.probe("the gradient for the images")
def _(answer, rng):
    images = normal(2, 3, 4, 9, rng=rng).requires_grad_()
    return gradients(answer(images, (2, 3)), images=images)


_SIZES = "height, width = size"
_REFUSED = "if images.shape[-2] % height or images.shape[-1] % width:"
_SAYS = 'f"images of {tuple(images.shape[-2:])} pixels do not split into patches of {tuple(size)}"'
_CUT = "images.unflatten(-1, (-1, width)).unflatten(-3, (-1, height))"
_MOVED = "cut.movedim((-4, -2), (-5, -4))"
_ROWS = f"{_MOVED}.flatten(-3).flatten(-3, -2)"

# fmt: off
patches.mistakes(
    reshaped=("a reshape alone goes on along the image's rows, beyond the patch: split height and width, "
              "then move the axes.",
        edit(_ROWS, "images.flatten(-3).unflatten(-1, (-1, images.shape[-3] * height * width))"),
        edit(_ROWS, "cut.flatten(-5).unflatten(-1, (-1, images.shape[-3] * height * width))")),
    channels_between=("the channels stand before rows and columns of patches: a patch has all its channels in one row.",
        edit(_ROWS, "cut.transpose(-3, -2).flatten(-5)"
             ".unflatten(-1, (-1, images.shape[-3] * height * width))")),
    by_columns=("the patches come column by column: row by row, from the top left.",
        edit(_MOVED, "cut.movedim((-2, -4), (-5, -4))")),
    channels_last=("the numbers of a patch go pixel by pixel, all channels of one together: channel after channel.",
        edit(_MOVED, "cut.movedim((-4, -2, -5), (-5, -4, -1))")),
    channel_in_the_middle=("the numbers of a patch: channel after channel, and in a channel row by row.",
        edit(_MOVED, "cut.movedim((-4, -2), (-5, -4)).transpose(-3, -2)")),
    turned=("within a patch the numbers go down the columns: row by row.",
        edit(_MOVED, f"{_MOVED}.transpose(-2, -1)")),
    turned_back=("the numbers of a patch stand in another order: channel after channel, within a channel row by row.",
        edit(_MOVED, f"{_MOVED}.transpose(-3, -1)")),
    size_swapped=("`size` is height, then width.", edit(_SIZES, "width, height = size")),
    square=("a patch may be wider than high: height and width count each.",
        edit(_SIZES, "height = width = size[0]"), edit(_SIZES, "height = width = size[1]")),
    strided=("a patch holds every so-many-th pixel: it is made of neighbours. Which part of (-1, width) is which?",
        edit(_CUT, "images.unflatten(-1, (width, -1)).transpose(-2, -1)"
             ".unflatten(-3, (height, -1)).transpose(-4, -3)")),
    counts_for_sizes=("number and size of the patches are swapped: (-1, width), and (-1, height).",
        edit(_CUT, "images.unflatten(-1, (width, -1)).unflatten(-3, (height, -1))")),
    grid_kept=("rows and columns of patches are two axes still: (..., patch, number).",
        edit(".flatten(-3, -2)", "")),
    pixels_kept=("each patch is still an image: (..., patch, number).",
        edit(".flatten(-3).flatten(-3, -2)", ".flatten(-5, -4)")),
    channels_kept=("the channels have an axis of their own: all numbers of a patch are one row.",
        edit(_ROWS, f"{_MOVED}.flatten(-2).flatten(-4, -3)"),
        edit(_ROWS, "cut.transpose(-3, -2).flatten(-2).flatten(-3, -2)")),
    channels_as_patches=("each channel gives patches of its own: a patch holds all its channels.",
        edit(_ROWS, "cut.transpose(-3, -2).flatten(-2).flatten(-4, -2)")),
    number_before_patch=("patches and numbers are swapped: (..., patch, number).",
        edit(_ROWS, f"{_ROWS}.transpose(-2, -1)")),
    images_joined=("the patches of all images stand in one list: each image has its own.",
        edit(_ROWS, f"{_ROWS}.flatten(0, -2)")),
    first_channel=("one channel is left of the image: all of them belong to a patch.",
        edit(_ROWS, f"{_ROWS}[..., : height * width]")),
    averaged=("the channels are averaged: all of their numbers belong to a patch.",
        edit(_ROWS, f"{_MOVED}.mean(-3).flatten(-2).flatten(-3, -2)")),
    upside_down=("the patches start at the bottom, or at the right; start at the top left.",
        edit(_ROWS, f"{_MOVED}.flip(-5).flatten(-3).flatten(-3, -2)"),
        edit(_ROWS, f"{_MOVED}.flip(-4).flatten(-3).flatten(-3, -2)"), edit(_ROWS, f"{_ROWS}.flip(-2)")),
    needs_one_batch=("any number of leading axes: none, one, or several. Count axes from the end.",
        edit(_CUT, "images.unflatten(3, (-1, width)).unflatten(2, (-1, height))"),
        edit(_ROWS, "cut.permute(0, 2, 4, 1, 3, 5).flatten(-3).flatten(-3, -2)"),
        edit(_ROWS, f"{_ROWS}.reshape(images.shape[0], -1, images.shape[-3] * height * width)")),
    batch_added=("an image without a batch gets none: (patch, number).",
        edit("    cut =", "    images = images if images.ndim > 3 else images[None]\n    cut =")),
    cut_off=("an image that does not split is to be refused by a ValueError: nothing is cut off or filled up.",
        edit(_REFUSED, "images = images[..., : images.shape[-2] // height * height, "
             ": images.shape[-1] // width * width]\n    if False:"),
        edit(_REFUSED, "images = torch.nn.functional.pad(images, (0, -images.shape[-1] % width, 0, "
             "-images.shape[-2] % height))\n    if False:")),
    unchecked=("not all sizes that do not fit are refused: where height or width does not divide, raise a ValueError.",
        edit(_REFUSED, "if False:"), edit(_REFUSED, "if images.shape[-2] % height:"),
        edit(_REFUSED, "if images.shape[-1] % width:"), edit(" or ", " and "),
        edit(_REFUSED, "if images.shape[-2] * images.shape[-1] % (height * width):")),
    says_too_little=("the ValueError is to name the size of the images and that of a patch.",
        edit(_SAYS, '"the patches do not fit"'), edit(_SAYS, 'f"no patches of {tuple(size)}"'),
        edit(_SAYS, 'f"no patches for images of {tuple(images.shape[-2:])}"')),
    always_32_bit=("64-bit numbers become 32-bit: keep the dtype of the images.", edit(_ROWS, f"{_ROWS}.float()")),
    detached=("no gradient reaches the images.", edit(_ROWS, f"{_ROWS}.detach()")),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------------- unpatch

single_calls(
    unpatch,
    {
        "four patches of 2 x 3 grey pixels, the numbers 0 to 23, on a grid of 2 x 2": lambda rng: (
            counted(4, 6),
            (2, 3),
            (2, 2),
        ),
        "two patches of 2 x 2 pixels, 3 channels, the numbers 0 to 23, side by side": lambda rng: (
            counted(2, 12),
            (2, 2),
            (1, 2),
        ),
        "what `patches` makes of two images of 3 channels, 15 x 14 pixels, in patches of 5 x 2": lambda rng: (
            course.patches(normal(2, 3, 15, 14, rng=rng), (5, 2)),
            (5, 2),
            (3, 7),
        ),
        "one patch an image, of 5 x 7 pixels and 2 channels": lambda rng: (
            normal(3, 1, 70, rng=rng),
            (5, 7),
            (1, 1),
        ),
        "patches of a single pixel, 5 channels, on a grid of 2 x 3": lambda rng: (
            normal(7, 6, 5, rng=rng),
            (1, 1),
            (2, 3),
        ),
        "three leading axes, 2, 1 and 3": lambda rng: (normal(2, 1, 3, 10, 12, rng=rng), (2, 3), (5, 2)),
        "300 patches of 16 x 16 pixels and 3 channels, on a grid of 20 x 15, in float64": lambda rng: (
            normal(300, 768, rng=rng).double(),
            (16, 16),
            (20, 15),
        ),
    },
)


@unpatch.probe("the gradient for the rows")
def _(answer, rng):
    rows = normal(2, 6, 30, rng=rng).requires_grad_()
    return gradients(answer(rows, (2, 5), (2, 3)), rows=rows)


_SPLIT = "rows.unflatten(-1, (-1, *size)).unflatten(-4, grid)"
_PLACED = "cut.movedim((-5, -4), (-4, -2))"
_IMAGE = f"{_PLACED}.flatten(-2).flatten(-3, -2)"
_PIXELS = "(-1, grid[0] * size[0], grid[1] * size[1])"

# fmt: off
unpatch.mistakes(
    reshaped=("a reshape alone lays one patch behind the other: move the axes first.",
        edit(_IMAGE, f"rows.flatten(-2).unflatten(-1, {_PIXELS})")),
    channels_first_only=("rows of patches and rows of pixels are mixed up: (channel, row, height, column, width) "
                         "is what is to be merged.",
        edit(_IMAGE, f"cut.movedim(-3, -5).flatten(-5).unflatten(-1, {_PIXELS})")),
    by_columns=("the patches are laid column by column: row by row.",
        edit(_SPLIT, "rows.unflatten(-1, (-1, *size)).unflatten(-4, grid[::-1]).transpose(-5, -4)")),
    grid_swapped=("`grid` is rows, then columns.", edit("unflatten(-4, grid)", "unflatten(-4, grid[::-1])")),
    size_swapped=("`size` is height, then width.", edit("(-1, *size)", "(-1, *size[::-1])")),
    square=("the grid may be wider than high, and so may a patch: take both of their sizes.",
        edit("unflatten(-4, grid)", "unflatten(-4, (grid[0], grid[0]))"),
        edit("unflatten(-4, grid)", "unflatten(-4, (grid[1], grid[1]))"),
        edit("(-1, *size)", "(-1, size[0], size[0])"), edit("(-1, *size)", "(-1, size[1], size[1])"),
        edit("unflatten(-4, grid)", "unflatten(-4, (int(rows.shape[-2] ** 0.5), -1))")),
    turned=("within a patch the numbers fill the columns: row by row.",
        edit("(-1, *size)).unflatten(-4, grid)", "(-1, *size[::-1])).transpose(-2, -1).unflatten(-4, grid)")),
    channels_last_read=("the numbers of a patch are read pixel by pixel: they stand channel after channel.",
        edit("rows.unflatten(-1, (-1, *size))", "rows.unflatten(-1, (*size, -1)).movedim(-1, -3)")),
    channels_last=("the channels are the last axis: (..., channel, height, width).",
        edit(_IMAGE, f"{_IMAGE}.movedim(-3, -1)")),
    no_channel=("a grey image has an axis for its channel too.",
        edit(_IMAGE, f"{_IMAGE}.squeeze(-3)")),
    one_channel=("the numbers of a patch tell how many channels there are: number / (height · width).",
        edit("(-1, *size)", "(1, *size)"), edit("(-1, *size)", "(3, *size)"),
        edit(_IMAGE, f"{_IMAGE}[..., :1, :, :]")),
    not_merged=("patches and their pixels are axes of their own still: merge row with height and column with width.",
        edit(_IMAGE, _PLACED), edit(_IMAGE, f"{_PLACED}.flatten(-2)"), edit(_IMAGE, "cut")),
    patches_side_by_side=("height and width of the image are swapped: rows · height, then columns · width.",
        edit(_IMAGE, f"{_IMAGE}.transpose(-2, -1)")),
    interleaved=("the pixels of different patches alternate: a patch stays together, (row, height), (column, width).",
        edit(_PLACED, f"{_PLACED}.transpose(-4, -3).transpose(-2, -1)")),
    strange_rows=("rows and columns of patches have changed places.",
        edit(_PLACED, "cut.movedim((-4, -5), (-4, -2))")),
    upside_down=("the first patch is the one at the top left.",
        edit(_PLACED, "cut.flip(-5).movedim((-5, -4), (-4, -2))"),
        edit(_PLACED, "cut.flip(-4).movedim((-5, -4), (-4, -2))")),
    needs_one_batch=("any number of leading axes: none, one, or several. Count axes from the end.",
        edit(_PLACED, "cut.permute(0, 3, 1, 4, 2, 5)"),
        edit(_IMAGE, f"{_IMAGE}.reshape(rows.shape[0], {_PIXELS[1:]}")),
    batch_added=("rows without a batch give one image: (channel, height, width).",
        edit("    cut =", "    rows = rows if rows.ndim > 2 else rows[None]\n    cut =")),
    always_32_bit=("64-bit numbers become 32-bit: keep the dtype of the rows.", edit(_IMAGE, f"({_IMAGE}).float()")),
    detached=("no gradient reaches the rows.", edit(_IMAGE, f"{_IMAGE}.detach()")),
)
# fmt: on


# -------------------------------------------------------------------------------------------- interpolate_positions

single_calls(
    interpolate_positions,
    {
        "d_model 1: the class token 99, and a grid of 2 x 3 with the numbers 0 to 5, to 3 x 6": lambda rng: (
            torch.cat([torch.tensor([[99.0]]), counted(6, 1)]),
            (2, 3),
            (3, 6),
        ),
        "a grid of 3 x 5 to 7 x 2, d_model 11": lambda rng: (normal(16, 11, rng=rng), (3, 5), (7, 2)),
        "a grid of 11 x 13 to 15 x 15": lambda rng: (normal(144, 3, rng=rng), (11, 13), (15, 15)),
        "a grid of 7 x 5 to the same": lambda rng: (normal(36, 3, rng=rng), (7, 5), (7, 5)),
        "a grid of 2 x 6 to 3 x 4, as many patches": lambda rng: (normal(13, 5, rng=rng), (2, 6), (3, 4)),
        "a grid of 11 x 7 to 3 x 2: far fewer": lambda rng: (normal(78, 5, rng=rng), (11, 7), (3, 2)),
        "a lone patch to a grid of 2 x 3": lambda rng: (normal(2, 5, rng=rng), (1, 1), (2, 3)),
        "a grid of 5 x 3 to one lone patch": lambda rng: (normal(16, 7, rng=rng), (5, 3), (1, 1)),
        "a grid of 14 x 14, as in ViT-B/16, to 20 x 15: 300 patches, in float64": lambda rng: (
            normal(197, 31, rng=rng).double(),
            (14, 14),
            (20, 15),
        ),
    },
)


@interpolate_positions.probe("the gradient for the table, a grid of 2 x 3 to 5 x 4, and to the same")
def _(answer, rng):
    table = normal(7, 5, rng=rng).requires_grad_()
    return [gradients(answer(table, (2, 3), new), table=table) for new in ((5, 4), (2, 3))]


_GRID = "table[1:].T.unflatten(1, old)[None]"
_STRETCHED = 'interpolate(grid, size=new, mode="bicubic", align_corners=False)'
_TABLE = "torch.cat([table[:1], stretched[0].flatten(1).T])"
_FITS = "(old[0] * old[1], table.shape[1])"

# fmt: off
interpolate_positions.mistakes(
    no_class_token=("the class token's row is missing: it comes first, as it is.",
        edit(_TABLE, "stretched[0].flatten(1).T")),
    class_token_last=("the class token's row comes first.", edit(_TABLE, "torch.cat([stretched[0].flatten(1).T, "
        "table[:1]])")),
    zeros_for_the_class=("the class token's row stays as it is.",
        edit("torch.cat([table[:1]", "torch.cat([torch.zeros_like(table[:1])")),
    last_row_for_the_class=("the class token's row is the first of the table.",
        edit("table[1:]", "table[:-1]", "table[:1]", "table[-1:]")),
    token_twice=("the class token's row is mixed with the patches': take it out before, put it back after.",
        edit("table[1:]", "table[:-1]")),
    reshaped=("positions and d_model are mixed up: transpose, then split the positions into rows and columns.",
        edit(_GRID, "table[1:].reshape(1, table.shape[1], *old)")),
    reshaped_back=("positions and d_model are mixed up on the way back: flatten the grid, then transpose.",
        edit("stretched[0].flatten(1).T", "stretched[0].reshape(-1, table.shape[1])")),
    grid_swapped=("rows come before columns, in `old` and in `new`.",
        edit("unflatten(1, old)", "unflatten(1, old[::-1])"), edit("size=new", "size=new[::-1]"),
        edit("unflatten(1, old)", "unflatten(1, old[::-1])", "size=new", "size=new[::-1]")),
    by_columns=("the positions are written column by column: row by row, as the patches.",
        edit("stretched[0].flatten(1)", "stretched[0].transpose(1, 2).flatten(1)"),
        edit(_GRID, "table[1:].T.unflatten(1, old[::-1]).transpose(1, 2)[None]")),
    square=("a grid need not be square: take rows and columns.",
        edit("unflatten(1, old)", "unflatten(1, (int((len(table) - 1) ** 0.5), -1))"),
        edit("size=new", "size=new[0]"), edit("unflatten(1, old)", "unflatten(1, (old[0], old[0]))")),
    bilinear=("this mixes the two nearest on each axis (bilinear): four are asked for, bicubic.",
        edit("bicubic", "bilinear")),
    nearest=("each new position takes its nearest old one: mixed by bicubic interpolation is asked for.",
        edit(', mode="bicubic", align_corners=False', ""), edit(', mode="bicubic", align_corners=False',
        ', mode="nearest-exact"')),
    averaged=("the old positions are averaged by areas: bicubic interpolation is asked for.",
        edit(', mode="bicubic", align_corners=False', ', mode="area"')),
    corners=("the corners of both grids are laid upon each other: align_corners=False.",
        edit("align_corners=False", "align_corners=True")),
    smoothed=("where the grid shrinks, more than the four nearest are mixed (antialias): plain bicubic is asked for.",
        edit("align_corners=False", "align_corners=False, antialias=True"),
        edit("align_corners=False", "align_corners=False, antialias=new[0] < old[0] or new[1] < old[1]")),
    along_the_list=("the positions are stretched as one long list: a grid has two axes.",
        edit(_GRID, "table[1:].T[None, :, None]", "size=new", "size=(1, new[0] * new[1])")),
    numbers_stretched=("the numbers of a vector are stretched too; stretch only rows and columns.",
        edit(_GRID, "table[1:].T[None, None]", "size=new", "size=(table.shape[1], new[0] * new[1])")),
    cut=("positions are cut off, or zeros are added: the old ones are to be stretched or shrunk.",
        edit(_TABLE, "torch.cat([table, table.new_zeros(max(0, 1 + new[0] * new[1] - len(table)), table.shape[1])])"
             "[: 1 + new[0] * new[1]]")),
    repeated=("the old positions are repeated: they are to be mixed.",
        edit(_TABLE, "torch.cat([table[:1], table[1:].repeat(new[0] * new[1], 1)[: new[0] * new[1]]])")),
    same_number=("as many patches are not the same grid: 2 x 6 and 3 x 4 have their neighbours elsewhere.",
        edit("    grid =", "    if new[0] * new[1] == old[0] * old[1]:\n        return table\n    grid =")),
    only_larger=("a smaller grid is to be interpolated as a larger one is.",
        edit("    grid =", "    if new[0] * new[1] <= old[0] * old[1]:\n        return table\n    grid ="),
        edit("    grid =", "    if new[0] < old[0]:\n        return table[: 1 + new[0] * new[1]]\n    grid =")),
    grid_returned=("(1 + patches, d_model) is asked for: flatten the grid, transpose, and put the class token first.",
        edit(_TABLE, "stretched"), edit(_TABLE, "stretched[0]"),
        edit(_TABLE, "torch.cat([table[:1].T, stretched[0].flatten(1)], dim=1)"),
        edit(_TABLE, "torch.cat([table[:1], stretched[0].flatten(1).T])[None]")),
    always_32_bit=("64-bit numbers become 32-bit: keep the dtype of the table.",
        edit(_TABLE, f"{_TABLE}.float()")),
    detached=("no gradient reaches the table, or a part of it.",
        edit(_TABLE, f"{_TABLE}.detach()"), edit("[table[:1],", "[table[:1].detach(),"),
        edit("stretched[0].flatten", "stretched[0].detach().flatten")),
)
# fmt: on
