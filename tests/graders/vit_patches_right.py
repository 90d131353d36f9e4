"""Right answers to notebook 18, first part, in other styles: patches and back, positions for another grid."""

import torch
from torch.nn import functional

from tests.graders.cases import right

# ---------------------------------------------------------------------------------------------------------- patches


def _fit(images, size):
    if images.shape[-2] % size[0] != 0 or images.shape[-1] % size[1] != 0:
        raise ValueError(f"an image of shape {list(images.shape)} has no whole number of patches {size[0]} x {size[1]}")


@right("patches")
def reshape_and_permute(images, size):
    _fit(images, size)
    *lead, c, height, width = images.shape
    h, w = size
    cut = images.reshape(-1, c, height // h, h, width // w, w).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(*lead, (height // h) * (width // w), c * h * w)


@right("patches")
def loops(images, size):
    h, w = size
    if images.shape[-2] % h or images.shape[-1] % w:
        raise ValueError(f"height {images.shape[-2]}, width {images.shape[-1]}; patches of {h} and {w}")
    found = []
    for i in range(images.shape[-2] // h):
        for j in range(images.shape[-1] // w):
            found.append(images[..., i * h : (i + 1) * h, j * w : (j + 1) * w].flatten(-3))
    return torch.stack(found, dim=-2)


@right("patches")
def unfolded(images, size):
    _fit(images, size)
    cut = images.unfold(-2, size[0], size[0]).unfold(-2, size[1], size[1])
    return cut.movedim(-5, -3).flatten(-3).flatten(-3, -2)


@right("patches")
def by_torchs_unfold(images, size):
    _fit(images, size)
    rows = functional.unfold(images.reshape(-1, *images.shape[-3:]), tuple(size), stride=tuple(size))
    return rows.mT.reshape(*images.shape[:-3], rows.shape[2], rows.shape[1])


@right("patches")
def by_einsum(images, size):
    _fit(images, size)
    lead, (c, height, width) = images.shape[:-3], images.shape[-3:]
    cut = images.reshape(*lead, c, height // size[0], size[0], width // size[1], size[1])
    return torch.einsum("...crhqw->...rqchw", cut).reshape(*lead, -1, c * size[0] * size[1])


@right("patches")
def by_convolution(images, size):
    """With one filter a number: the identity."""
    _fit(images, size)
    flat = images.reshape(-1, *images.shape[-3:])
    numbers = images.shape[-3] * size[0] * size[1]
    filters = torch.eye(numbers, dtype=images.dtype).view(numbers, -1, *size)
    rows = functional.conv2d(flat, filters, stride=tuple(size)).flatten(2).mT
    return rows.reshape(*images.shape[:-3], *rows.shape[1:])


@right("patches")
def by_index(images, size):
    _fit(images, size)
    c, height, width = images.shape[-3:]
    places = torch.arange(c * height * width).view(c, height, width)
    strips = [strip.split(size[1], dim=-1) for strip in places.split(size[0], dim=-2)]
    order = torch.stack([patch.flatten() for strip in strips for patch in strip])
    return images.flatten(-3)[..., order]


@right("patches")
def chunks(images, size):
    _fit(images, size)
    strips = images.split(size[0], dim=-2)
    return torch.cat([torch.stack([p.flatten(-3) for p in s.split(size[1], -1)], dim=-2) for s in strips], dim=-2)


# ---------------------------------------------------------------------------------------------------------- unpatch


@right("unpatch")
def reshape_and_permute_back(rows, size, grid):
    lead = rows.shape[:-2]
    cut = rows.reshape(-1, *grid, rows.shape[-1] // (size[0] * size[1]), *size).permute(0, 3, 1, 4, 2, 5)
    return cut.reshape(*lead, -1, grid[0] * size[0], grid[1] * size[1])


@right("unpatch")
def by_einsum_back(rows, size, grid):
    cut = rows.reshape(*rows.shape[:-2], *grid, -1, *size)
    moved = torch.einsum("...rcohw->...orhcw", cut)
    return moved.reshape(*moved.shape[:-4], grid[0] * size[0], grid[1] * size[1])


@right("unpatch")
def strips(rows, size, grid):
    images = rows.unflatten(-1, (rows.shape[-1] // size[0] // size[1], size[0], size[1]))
    lines = []
    for i in range(grid[0]):
        lines.append(torch.cat([images[..., i * grid[1] + j, :, :, :] for j in range(grid[1])], dim=-1))
    return torch.cat(lines, dim=-2)


@right("unpatch")
def written_into_zeros(rows, size, grid):
    channels = rows.shape[-1] // (size[0] * size[1])
    image = rows.new_zeros(*rows.shape[:-2], channels, grid[0] * size[0], grid[1] * size[1])
    for place in range(grid[0] * grid[1]):
        top, left = place // grid[1] * size[0], place % grid[1] * size[1]
        image[..., top : top + size[0], left : left + size[1]] = rows[..., place, :].unflatten(-1, (channels, *size))
    return image


@right("unpatch")
def by_torchs_fold(rows, size, grid):
    flat = rows.reshape(-1, *rows.shape[-2:]).mT
    image = functional.fold(flat, (grid[0] * size[0], grid[1] * size[1]), tuple(size), stride=tuple(size))
    return image.reshape(*rows.shape[:-2], *image.shape[1:])


@right("unpatch")
def by_index_back(rows, size, grid):
    """The same cut of the places' numbers, turned round."""
    c, height, width = rows.shape[-1] // (size[0] * size[1]), grid[0] * size[0], grid[1] * size[1]
    places = torch.arange(c * height * width).view(c, grid[0], size[0], grid[1], size[1])
    order = places.permute(1, 3, 0, 2, 4).flatten().argsort()
    return rows.flatten(-2)[..., order].unflatten(-1, (c, height, width))


@right("unpatch")
def two_steps(rows, size, grid):
    cut = rows.unflatten(-2, grid).unflatten(-1, (-1, size[0], size[1]))
    strips = torch.cat(cut.unbind(-4), dim=-1)
    return torch.cat(strips.unbind(-4), dim=-2)


# -------------------------------------------------------------------------------------------- interpolate_positions


@right("interpolate_positions")
def as_hugging_face(table, old, new):
    first, rest = table[:1], table[1:]
    rest = rest.reshape(1, *old, table.shape[1]).permute(0, 3, 1, 2)
    rest = functional.interpolate(rest, size=new, mode="bicubic", align_corners=False)
    return torch.cat((first, rest.permute(0, 2, 3, 1).reshape(-1, table.shape[1])), dim=0)


@right("interpolate_positions")
def a_number_at_a_time(table, old, new):
    columns = [table[:1]]
    stretched = [
        functional.interpolate(column.view(1, 1, *old), size=list(new), mode="bicubic").flatten()
        for column in table[1:].unbind(1)
    ]
    columns.append(torch.stack(stretched, dim=1))
    return torch.cat(columns)


@right("interpolate_positions")
def numbers_as_a_batch(table, old, new):
    grid = table[1:].T.reshape(-1, 1, *old)
    stretched = functional.interpolate(grid, new, mode="bicubic")
    return torch.cat([table[0:1], stretched.reshape(len(grid), -1).T])


@right("interpolate_positions")
def untouched_if_the_same(table, old, new):
    if tuple(old) == tuple(new):
        return table.clone()
    class_token, grid = table.split([1, len(table) - 1])
    grid = grid.unflatten(0, old).movedim(-1, 0).unsqueeze(0)
    grid = functional.interpolate(grid, size=new, mode="bicubic", align_corners=False).squeeze(0)
    return torch.cat([class_token, grid.movedim(0, -1).flatten(0, 1)])


def _cubic(old, new, dtype):
    """The matrix (new, old) of Keys's cubic convolution with a = -0.75, the ends repeated."""
    places = (torch.arange(new, dtype=torch.float64) + 0.5) * old / new - 0.5
    matrix = torch.zeros(new, old, dtype=torch.float64)
    for row, place in enumerate(places.tolist()):
        first = int(place // 1)
        for near in range(first - 1, first + 3):
            x = abs(place - near)
            inner, outer = 1.25 * x**3 - 2.25 * x**2 + 1, -0.75 * (x**3 - 5 * x**2 + 8 * x - 4)
            matrix[row, min(max(near, 0), old - 1)] += inner if x <= 1 else outer
    return matrix.to(dtype)


@right("interpolate_positions")
def by_hand(table, old, new):
    rows, columns = (_cubic(o, n, table.dtype) for o, n in zip(old, new, strict=True))
    grid = table[1:].reshape(*old, -1)
    return torch.cat([table[:1], torch.einsum("ri,cj,ijd->rcd", rows, columns, grid).flatten(0, 1)])


@right("interpolate_positions")
def one_matrix(table, old, new):
    matrix = torch.kron(*(_cubic(o, n, table.dtype) for o, n in zip(old, new, strict=True)))
    return torch.vstack([table[0], matrix @ table[1:]])


@right("interpolate_positions")
def in_64_bits(table, old, new):
    grid = table[1:].double().T.unflatten(1, old)[None]
    stretched = functional.interpolate(grid, size=new, mode="bicubic")[0].flatten(1).T
    return torch.cat([table[:1], stretched.to(table.dtype)])
