"""ViT: an image is a sentence, and its words are patches (Dosovitskiy et al. 2021).

    patches, unpatch         an image cut into rows of numbers, and put together again             notebook 18
    interpolate_positions    learned positions for images of another size                          notebook 18
    ViT                      class token, patches, positions, and pre-norm blocks over all of them    notebook 18
    ViTClassifier            a ViT that puts an image into a class
    attention_maps           where each block looked
    attention_rollout        what reaches a position through all blocks, by those maps             notebook 18
    vit_parameters           how many parameters a ViT has, by part                                notebook 18

Images are (batch, channel, height, width). A pair is always (height, width), or (rows, columns) of a grid of patches.
`x` is (batch, position, d_model): position 0 is the class token, the patches follow row by row. The blocks are the
course's own, pre-norm, with biases and the exact GELU, so published weights fit (`lib.vit_weights`).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate

from lib.attention import keeping_weights
from lib.layers import FusedLayerNorm, PreNorm
from lib.positions import LearnedPositions
from lib.transformer import Encoder, EncoderBlock

Pair = tuple[int, int]
EPSILON = 1e-12  # of ViT's norms


def patches(images: Tensor, size: Pair) -> Tensor:
    """Cut each image into patches that do not overlap, and write down the numbers of each patch in one row.

    images: (..., channel, height, width)    size: height and width of a patch; they divide those of the image

    Returns (..., patch, number), patches row by row from the top left; the numbers of a patch are channel after
    channel, within a channel row by row: the order of a convolution's weights. Raises a ValueError that names both
    sizes, height and width of each, where they do not divide. Gradients reach the images.
    """
    height, width = size
    if images.shape[-2] % height or images.shape[-1] % width:
        raise ValueError(f"images of {tuple(images.shape[-2:])} pixels do not split into patches of {tuple(size)}")
    cut = images.unflatten(-1, (-1, width)).unflatten(-3, (-1, height))  # (..., channel, row, height, column, width)
    return cut.movedim((-4, -2), (-5, -4)).flatten(-3).flatten(-3, -2)


def unpatch(rows: Tensor, size: Pair, grid: Pair) -> Tensor:
    """Put images together from the rows that `patches` made of them.

    rows: (..., patch, number)    size: height and width of a patch    grid: rows and columns of patches

    Returns (..., channel, height, width); the numbers of a patch tell how many channels there are. Gradients reach
    the rows.
    """
    cut = rows.unflatten(-1, (-1, *size)).unflatten(-4, grid)  # (..., row, column, channel, height, width)
    return cut.movedim((-5, -4), (-4, -2)).flatten(-2).flatten(-3, -2)


def interpolate_positions(table: Tensor, old: Pair, new: Pair) -> Tensor:
    """Learned positions of a grid of patches, stretched or shrunk for another grid (bicubic; section 3.2).

    table: (1 + old rows · columns, d_model), the class token's first    old, new: rows and columns of the grids

    Returns (1 + new rows · columns, d_model): the class token's as it is, the others mixed from their old neighbours.
    Gradients reach the table.
    """
    grid = table[1:].T.unflatten(1, old)[None]  # (1, d_model, row, column)
    stretched = interpolate(grid, size=new, mode="bicubic", align_corners=False)
    return torch.cat([table[:1], stretched[0].flatten(1).T])


class ViTShortcut(PreNorm):
    """PreNorm by PyTorch's kernel, with ViT's epsilon."""

    def __init__(self, d_model: int, dropout: float = 0.0):
        super().__init__(d_model, dropout)
        self.norm = FusedLayerNorm(d_model, EPSILON)


class ViT(nn.Module):
    """Images in, a vector for each of their patches out, and one more, the class token's, for all of it.

    image, patch: their sizes in pixels    d_ff: 4 d_model if None    channels: 1 for grey, 3 for colour

    Weights are loaded by the names of its parts: `embedding`, a Linear from the numbers of a patch; `class_token`, a
    Parameter (d_model,), 0 at first; `positions`, a LearnedPositions with a row for the class token and one for each
    patch; `encoder`. An image of another size is read with interpolated positions. Raises ValueError where patches do
    not fit, into `image` as into the images that come.
    """

    def __init__(
        self,
        image: Pair,
        patch: Pair,
        d_model: int,
        n_heads: int,
        n_layers: int,
        d_ff: int | None = None,
        channels: int = 1,
        block: Callable[..., nn.Module] = EncoderBlock,
    ):
        super().__init__()
        n_patches, numbers = patches(torch.empty(channels, *image, device="meta"), patch).shape
        self.patch, self.grid = patch, (image[0] // patch[0], image[1] // patch[1])
        self.embedding = nn.Linear(numbers, d_model)
        self.class_token = nn.Parameter(torch.zeros(d_model))  # subtle: its position already tells it from the others
        self.positions = LearnedPositions(1 + n_patches, d_model)
        sizes, options = (d_model, n_heads, d_ff or 4 * d_model), {"bias": True, "activation": gelu}
        blocks = [block(*sizes, shortcut=ViTShortcut, **options) for _ in range(n_layers)]
        self.encoder = Encoder(blocks, FusedLayerNorm(d_model, EPSILON))

    def embed(self, images: Tensor) -> Tensor:
        """images (batch, channel, height, width) to x (batch, 1 + patch, d_model), before the first block."""
        words = self.embedding(patches(images, self.patch))
        x = torch.cat([self.class_token.expand(len(words), 1, -1), words], dim=1)
        grid = images.shape[-2] // self.patch[0], images.shape[-1] // self.patch[1]
        if grid == self.grid:
            return self.positions(x)
        return x + interpolate_positions(self.positions.table, self.grid, grid)

    def forward(self, images: Tensor) -> Tensor:
        """images (batch, channel, height, width) to x (batch, 1 + patch, d_model)."""
        return self.encoder(self.embed(images))


class ViTClassifier(nn.Module):
    """A ViT with a class for each image, told by what the class token has become."""

    def __init__(self, vit: ViT, n_classes: int):
        super().__init__()
        self.vit, self.head = vit, nn.Linear(vit.embedding.out_features, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """images (batch, channel, height, width) to logits (batch, class)."""
        return self.head(self.vit(images)[:, 0])


@torch.no_grad()
def attention_maps(vit: ViT, images: Tensor) -> Tensor:
    """Where each block looked: (block, batch, heads, position, position), rows summing to 1. Without autograd."""
    layers = [block.attention for block in vit.encoder.blocks]
    with keeping_weights(layers):
        vit(images)
        return torch.stack([layer.weights for layer in layers])


def attention_rollout(maps: Tensor) -> Tensor:
    """How much of each position of the image has come to each position of the last block (Abnar and Zuidema 2020).

    maps: (block, ..., heads, position, position), the first block's first, rows summing to 1

    A block passes on half of what was there, by its shortcut, and half of what the mean of its heads looked at.
    Returns (..., position, position), rows summing to 1: row 0 is the class token's. It is an account of where the
    maps point, and no proof of what the model used.
    """
    stay = torch.eye(maps.shape[-1]).to(maps)
    rollout = stay
    for looked in maps.mean(dim=-3):
        rollout = (looked + stay) / 2 @ rollout
    return rollout


def vit_parameters(
    image: Pair, patch: Pair, channels: int, d_model: int, d_ff: int, n_layers: int, n_classes: int
) -> dict[str, int]:
    """How many parameters a ViTClassifier has, by part; the number of heads does not matter. ViT-B/16: 86,567,656."""
    n_patches = (image[0] // patch[0]) * (image[1] // patch[1])
    attention = 4 * (d_model**2 + d_model)
    feed_forward = 2 * d_model * d_ff + d_ff + d_model
    norm = 2 * d_model
    return {
        "patches": channels * patch[0] * patch[1] * d_model + d_model,
        "class token": d_model,
        "positions": (1 + n_patches) * d_model,
        "blocks": n_layers * (attention + feed_forward + 2 * norm),
        "norm": norm,
        "head": d_model * n_classes + n_classes,
    }
