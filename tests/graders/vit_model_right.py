"""Right answers to notebook 18, second part, in other styles: the model."""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import gelu

from lib.layers import FusedLayerNorm
from lib.positions import LearnedPositions
from lib.transformer import Encoder, EncoderBlock
from lib.vit import EPSILON, ViTShortcut, interpolate_positions, patches
from tests.graders.cases import right


class Given(nn.Module):
    """What the notebook gives."""

    def __init__(self, image, patch, d_model, n_heads, n_layers, d_ff=None, channels=1, block=EncoderBlock):
        super().__init__()
        n_patches, numbers = patches(torch.empty(channels, *image, device="meta"), patch).shape
        self.patch, self.grid = patch, (image[0] // patch[0], image[1] // patch[1])
        self.parts(n_patches, numbers, d_model)
        sizes, options = (d_model, n_heads, d_ff or 4 * d_model), {"bias": True, "activation": gelu}
        blocks = [block(*sizes, shortcut=ViTShortcut, **options) for _ in range(n_layers)]
        self.encoder = Encoder(blocks, FusedLayerNorm(d_model, EPSILON))

    def parts(self, n_patches, numbers, d_model):
        self.class_token = nn.Parameter(torch.zeros(d_model))
        self.positions = LearnedPositions(n_patches + 1, d_model)
        self.embedding = nn.Linear(numbers, d_model, bias=True)


@right("ViT")
class AlwaysInterpolated(Given):
    """To the same grid it is the identity."""

    def embed(self, images):
        rows = self.embedding(patches(images, self.patch))
        first = self.class_token.repeat(len(images), 1, 1)
        grid = tuple(n // size for n, size in zip(images.shape[2:], self.patch, strict=True))
        return torch.cat((first, rows), dim=1) + interpolate_positions(self.positions.table, self.grid, grid)

    def forward(self, images):
        x = self.embed(images)
        return self.encoder(x)


@right("ViT")
class PaddedInFront(Given):
    def embed(self, images):
        x = functional.pad(self.embedding(patches(images, self.patch)), (0, 0, 1, 0))
        at_first = torch.arange(x.shape[1])[:, None] == 0
        x = torch.where(at_first, self.class_token, x)
        grid = (images.shape[2] // self.patch[0], images.shape[3] // self.patch[1])
        if grid != self.grid:
            return x + interpolate_positions(self.positions.table, self.grid, grid)[None]
        return self.positions(x)

    def forward(self, images):
        return self.encoder(self.embed(images))


@right("ViT")
class RowByRow(Given):
    """Class token and patches get their rows apart."""

    def embed(self, images):
        grid = (images.shape[2] // self.patch[0], images.shape[3] // self.patch[1])
        table = self.positions.table
        if grid != self.grid:
            table = interpolate_positions(table, self.grid, grid)
        first, others = table[0], table[1:]
        words = self.embedding(patches(images, self.patch)) + others
        token = (self.class_token + first).expand(words.shape[0], 1, words.shape[2])
        return torch.cat([token, words], dim=-2)

    def forward(self, images):
        return self.encoder(self.embed(images))


@right("ViT")
class ByHand(Given):
    def embed(self, images):
        words = patches(images, self.patch) @ self.embedding.weight.T + self.embedding.bias
        grid = (images.shape[-2] // self.patch[0], images.shape[-1] // self.patch[1])
        x = torch.stack([torch.vstack([self.class_token, one]) for one in words])
        return x + interpolate_positions(self.positions.table, self.grid, grid)

    def forward(self, images):
        x = self.embed(images)
        for block in self.encoder.blocks:
            x = block(x, None)
        return self.encoder.norm(x)


@right("ViT")
class OneImageAtATime(Given):
    def embed(self, images):
        return torch.stack([self._one(image) for image in images])

    def _one(self, image):
        words = self.embedding(patches(image, self.patch))
        x = torch.cat([self.class_token[None], words])
        grid = [n // size for n, size in zip(image.shape[1:], self.patch, strict=True)]
        if grid == list(self.grid):
            return self.positions(x)
        return x + interpolate_positions(self.positions.table, self.grid, tuple(grid))

    def forward(self, images):
        return self.encoder(self.embed(images))


@right("ViT")
class ByConvolution(Given):
    """The Linear's weights as filters."""

    def embed(self, images):
        if images.shape[-2] % self.patch[0] or images.shape[-1] % self.patch[1]:
            raise ValueError(f"images of {images.shape} and patches of {self.patch}")
        filters = self.embedding.weight.view(-1, images.shape[1], *self.patch)
        maps = functional.conv2d(images, filters, self.embedding.bias, stride=self.patch)
        x = torch.cat([self.class_token.view(1, -1, 1).repeat(len(images), 1, 1), maps.flatten(2)], dim=2).mT
        grid = tuple(maps.shape[2:])
        if grid == self.grid:
            return self.positions(x)
        return x + interpolate_positions(self.positions.table, self.grid, grid)

    def forward(self, images):
        return self.encoder(self.embed(images))


@right("ViT")
class WrittenIntoZeros(Given):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        x = words.new_zeros(len(words), 1 + words.shape[1], words.shape[2])
        x[:, 0] = self.class_token
        x[:, 1:] = words
        grid = (images.shape[2] // self.patch[0], images.shape[3] // self.patch[1])
        return x + interpolate_positions(self.positions.table, self.grid, grid)

    def forward(self, images):
        return self.encoder(self.embed(images), mask=None)
