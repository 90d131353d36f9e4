"""Wrong answers to notebook 18, second part, as people write them: the model."""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import gelu

from lib.checks.core import edit
from lib.layers import FusedLayerNorm
from lib.positions import LearnedPositions
from lib.transformer import Encoder, EncoderBlock
from lib.vit import EPSILON, ViTShortcut, interpolate_positions, patches
from tests.graders.cases import slips, wrong


class Base(nn.Module):
    """What is given, and what is the same in all of them."""

    def __init__(self, image, patch, d_model, n_heads, n_layers, d_ff=None, channels=1, block=EncoderBlock):
        super().__init__()
        n_patches, numbers = patches(torch.empty(channels, *image, device="meta"), patch).shape
        self.patch, self.grid = patch, (image[0] // patch[0], image[1] // patch[1])
        self.embedding = nn.Linear(numbers, d_model)
        self.class_token = nn.Parameter(torch.zeros(d_model))
        self.positions = LearnedPositions(1 + n_patches, d_model)
        sizes, options = (d_model, n_heads, d_ff or 4 * d_model), {"bias": True, "activation": gelu}
        blocks = [block(*sizes, shortcut=ViTShortcut, **options) for _ in range(n_layers)]
        self.encoder = Encoder(blocks, FusedLayerNorm(d_model, EPSILON))

    def table(self, images):
        grid = images.shape[-2] // self.patch[0], images.shape[-1] // self.patch[1]
        return interpolate_positions(self.positions.table, self.grid, grid)

    def forward(self, images):
        return self.encoder(self.embed(images))


@wrong("ViT", says="each image of the batch has a class token")
class TokenOfOneImage(Base):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        x = torch.cat([self.class_token.view(1, 1, -1), words], dim=1)
        return x + self.table(images)


@wrong("ViT", says="the class token is to come first")
class TokenLast(Base):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        x = torch.cat([words, self.class_token.repeat(len(images), 1, 1)], dim=1)
        return x + self.table(images)


@wrong("ViT", says="the positions are not added")
class NoPositions(Base):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        return torch.cat([self.class_token.repeat(len(images), 1, 1), words], dim=1)


@wrong("ViT", says="before the class token is there")
class PositionsFirst(Base):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        words = words + self.table(images)[1:]
        return torch.cat([self.class_token.repeat(len(images), 1, 1), words], dim=1)


@wrong("ViT", says="another size is read with interpolated positions")
class OneSize(Base):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        x = torch.cat([self.class_token.repeat(len(images), 1, 1), words], dim=1)
        return self.positions(x)


@wrong("ViT", says="interpolate its positions too")
class ByNumber(Base):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        x = torch.cat([self.class_token.repeat(len(images), 1, 1), words], dim=1)
        return self.positions(x) if len(self.positions.table) == x.shape[1] else x + self.table(images)


@wrong("ViT", says="the class token's vector alone")
class ForTheHead(Base):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        return torch.cat([self.class_token.repeat(len(images), 1, 1), words], dim=1) + self.table(images)

    def forward(self, images):
        return self.encoder(self.embed(images))[:, 0]


@wrong("ViT", says="the norm at the end")
class BlocksByHand(Base):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        return torch.cat([self.class_token.repeat(len(images), 1, 1), words], dim=1) + self.table(images)

    def forward(self, images):
        x = self.embed(images)
        for block in self.encoder.blocks:
            x = block(x)
        return x


@wrong("ViT", says="a Linear")
class Convolution(Base):
    def __init__(self, image, patch, d_model, n_heads, n_layers, d_ff=None, channels=1, block=EncoderBlock):
        super().__init__(image, patch, d_model, n_heads, n_layers, d_ff, channels, block)
        self.embedding = nn.Conv2d(channels, d_model, patch, stride=patch)

    def embed(self, images):
        words = self.embedding(images).flatten(2).transpose(1, 2)
        return torch.cat([self.class_token.repeat(len(images), 1, 1), words], dim=1) + self.table(images)


@wrong("ViT", says="one vector, (d_model,)")
class TokenOfThreeAxes(Base):
    def __init__(self, image, patch, d_model, *others, **named):
        super().__init__(image, patch, d_model, *others, **named)
        self.class_token = nn.Parameter(torch.zeros(1, 1, d_model))

    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        return torch.cat([self.class_token.expand(len(images), -1, -1), words], dim=1) + self.table(images)


@wrong("ViT", says="takes the place of the model's own")
class KeepsTheTable(Base):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        x = torch.cat([self.class_token.repeat(len(images), 1, 1), words], dim=1)
        grid = images.shape[-2] // self.patch[0], images.shape[-1] // self.patch[1]
        if grid != self.grid:
            self.positions.table = nn.Parameter(interpolate_positions(self.positions.table, self.grid, grid))
            self.grid = grid
        return self.positions(x)


@wrong("ViT", says="shape")
class TokenAsAnImage(Base):
    def embed(self, images):
        words = self.embedding(patches(images, self.patch))
        x = torch.cat([self.class_token.expand(1, words.shape[1], -1), words])
        return x + self.table(images)[1:]


@wrong("ViT", says="ValueError")
class FittedImages(Base):
    """Resizes what does not fit."""

    def embed(self, images):
        size = [max(1, round(n / p)) * p for n, p in zip(images.shape[-2:], self.patch, strict=True)]
        images = functional.interpolate(images, size) if list(images.shape[-2:]) != size else images
        words = self.embedding(patches(images, self.patch))
        return torch.cat([self.class_token.repeat(len(images), 1, 1), words], dim=1) + self.table(images)


slips(
    "ViT",
    lone_image=(
        "",
        edit("return self.encoder(self.embed(images))", "return self.encoder(self.embed(images)).squeeze(0)"),
    ),
    token_of_the_first=(
        "",
        edit("self.class_token.expand(len(words), 1, -1)", "words[:1, :1].expand(len(words), 1, -1)"),
    ),
    token_row_shared=("", edit("return self.positions(x)", "return x + self.positions.table[-1]")),
    minus=("", edit("words = self", "words = -self")),
    other_sign=("", edit("return x + inter", "return x - inter")),
)
