"""Checks of notebook 18, second part: the model."""

import torch

from lib import vit as course
from lib.checks.core import Exercise, edit
from lib.checks.probing import fill, gradients, normal, refuses
from lib.checks.running import Problem
from lib.checks.the_modern_decoder_attention import loadable

ViT = Exercise(course.ViT)


def made(answer, *sizes, rng, scale=0.5, **named):
    """A model with random weights, those of the class token and of the positions too."""
    return fill(answer(*sizes, **named), rng, scale)


# fmt: off
SMALL = (4, 6), (2, 3), 6, 2, 1, 7            # one block, a grid of 2 x 2
WIDE = (15, 14), (5, 2), 10, 5, 2, 11, 3      # two blocks, a grid of 3 x 7, 3 channels
# fmt: on


@ViT.probe("the parameters of ViT((15, 14), (5, 2), 10, 5, 2, 11, 3)")
def _(answer, rng):
    return loadable(answer(*WIDE))


@ViT.probe("the parameters of ViT((28, 28), (7, 7), 12, 4, 1): grey, d_ff as by default")
def _(answer, rng):
    return loadable(answer((28, 28), (7, 7), 12, 4, 1))


@ViT.probe("the class token of a new model")
def _(answer, rng):
    return answer(*SMALL).class_token.detach()


@ViT.probe("two grey images of 4 x 6 pixels, patches of 2 x 3, before the first block")
def _(answer, rng):
    return made(answer, *SMALL, rng=rng).embed(normal(2, 1, 4, 6, rng=rng))


@ViT.probe("two images of 3 channels, 15 x 14 pixels, patches of 5 x 2, before the first block")
def _(answer, rng):
    return made(answer, *WIDE[:4], 1, *WIDE[5:], rng=rng).embed(normal(2, 3, 15, 14, rng=rng))


@ViT.probe("two images of 3 channels, 15 x 14 pixels, patches of 5 x 2, two blocks")
def _(answer, rng):
    return made(answer, *WIDE, rng=rng)(normal(2, 3, 15, 14, rng=rng))


@ViT.probe("one image that is one patch")
def _(answer, rng):
    return made(answer, (5, 7), (5, 7), 6, 3, 1, 11, rng=rng)(normal(1, 1, 5, 7, rng=rng))


@ViT.probe("images of 4 x 15 pixels for a model of 4 x 6, then images of 4 x 6 again")
def _(answer, rng):
    model = made(answer, *SMALL, rng=rng)
    other, own = normal(2, 1, 4, 15, rng=rng), normal(2, 1, 4, 6, rng=rng)
    return {"4 x 15, before the first block": model.embed(other), "4 x 15": model(other), "4 x 6": model(own)}


@ViT.probe("images with as many patches as the model's, 1 x 4 in place of 2 x 2, and with fewer, 1 x 2")
def _(answer, rng):
    model = made(answer, *SMALL, rng=rng)
    return {"1 x 4": model(normal(2, 1, 2, 12, rng=rng)), "1 x 2": model(normal(3, 1, 2, 6, rng=rng))}


@ViT.probe("300 patches for a model of 35, in float64")
def _(answer, rng):
    model = made(answer, (10, 14), (2, 2), 6, 2, 1, 5, rng=rng).double()
    return model(normal(1, 1, 40, 30, rng=rng).double())


@ViT.probe("the gradients for the images and all that is before the first block")
def _(answer, rng):
    model, found = made(answer, *SMALL, rng=rng), {}
    parts = {"class token": model.class_token, "positions": model.positions.table}
    parts |= {f"embedding's {name}": part for name, part in model.embedding.named_parameters()}
    for name, part in parts.items():
        if not part.requires_grad:
            raise Problem(f"{name} not learnt", f"the {name} is not learnt: requires_grad is False.")
    for height, width in (4, 6), (6, 9):
        images = normal(2, 1, height, width, rng=rng).requires_grad_()
        flown = gradients(model(images), images=images, **parts)
        found |= {f"{name}, {height} x {width} pixels": gradient for name, gradient in flown.items()}
    return found


@ViT.probe("patches that do not fit: ValueError", varied=False)
def _(answer, rng):
    model = made(answer, *SMALL, rng=rng)
    return {
        "a model": refuses(ValueError, "", answer, (4, 6), (3, 2), 6, 2, 1),
        "images": [refuses(ValueError, "", model, torch.zeros(1, 1, *size)) for size in [(5, 6), (4, 7)]],
    }


_EMBEDDING = "nn.Linear(numbers, d_model)"
_TOKEN = "nn.Parameter(torch.zeros(d_model))"
_TABLE = "LearnedPositions(1 + n_patches, d_model)"
_CUT = "patches(images, self.patch)"
_WORDS = f"self.embedding({_CUT})"
_EXPANDED = "self.class_token.expand(len(words), 1, -1)"
_X = f"torch.cat([{_EXPANDED}, words], dim=1)"
_ROWS, _COLUMNS = "images.shape[-2] // self.patch[0]", "images.shape[-1] // self.patch[1]"
_SAME = "grid == self.grid"
_OWN = "return self.positions(x)"
_OTHER = "return x + interpolate_positions(self.positions.table, self.grid, grid)"
_READ = "self.encoder(self.embed(images))"

# fmt: off
ViT.mistakes(
    no_class_token=("the class token is missing: it comes first, one more position.",
        edit(_X, "words"), edit(_X, "words", _TABLE, "LearnedPositions(n_patches, d_model)")),
    class_token_last=("the class token is to come first: published positions have its row first.",
        edit(_X, f"torch.cat([words, {_EXPANDED}], dim=1)")),
    class_token_added=("the class token is added to the patches: it is a position of its own, the first.",
        edit(_X, "words + self.class_token")),
    for_one_image=("each image of the batch has a class token: expand it, or repeat it.",
        edit(_EXPANDED, "self.class_token[None, None]")),
    along_the_batch=("the class token is a further image: it is a further position, dim=1.",
        edit(_X, "torch.cat([self.class_token.expand(1, words.shape[1], -1), words], dim=0)")),
    zeros=("the class token is always 0: it is a parameter, self.class_token.",
        edit(_EXPANDED, "torch.zeros_like(words[:, :1])")),
    mean_for_the_class=("the mean of the patches stands first: the class token, a parameter.",
        edit(_EXPANDED, "words.mean(1, keepdim=True)")),
    random_token=("the class token of a new model is 0.", edit("torch.zeros(d_model)", "torch.randn(d_model)")),
    no_parameter=("the class token is learnt: nn.Parameter.", edit(_TOKEN, "torch.zeros(d_model)"),
        edit(f"self.class_token = {_TOKEN}",
             'self.register_buffer("class_token", torch.zeros(d_model), persistent=False)'),
        edit(_TOKEN, "nn.Parameter(torch.zeros(d_model), requires_grad=False)")),
    other_axes=("the class token is one vector, (d_model,).",
        edit(_TOKEN, "nn.Parameter(torch.zeros(1, 1, d_model))")),
    detached_token=("no gradient reaches the class token.", edit(_EXPANDED, f"{_EXPANDED}.detach()")),
    no_positions=("the positions are not added.",
        edit(f"        grid = {_ROWS}, {_COLUMNS}\n        if {_SAME}:\n            {_OWN}\n        {_OTHER}",
             "        return x")),
    positions_of_the_patches=("the positions come before the class token is there: it has a row of its own, the first.",
        edit(f"        x = {_X}\n", "", f"            {_OWN}\n        {_OTHER}",
             "            table = self.positions.table\n"
             "        else:\n            table = interpolate_positions(self.positions.table, self.grid, grid)\n"
             f"        return torch.cat([{_EXPANDED}, words + table[1:]], dim=1)"),
        edit(_X, f"torch.cat([{_EXPANDED}, self.positions(words)], dim=1)", _OWN, "return x",
             _TABLE, "LearnedPositions(n_patches, d_model)")),
    added_twice=("the positions are added twice.", edit(_OWN, "return x + self.positions(x)")),
    one_row_too_few=("the positions have a row for each patch, and one for the class token.",
        edit(_TABLE, "LearnedPositions(n_patches, d_model)")),
    sizes_swapped=("the sizes: a row for each position, as long as d_model; numbers of a patch in, d_model out.",
        edit(_TABLE, "LearnedPositions(d_model, 1 + n_patches)"), edit(_EMBEDDING, "nn.Linear(d_model, numbers)")),
    no_other_size=("an image of another size is read with interpolated positions.",
        edit(f"        grid = {_ROWS}, {_COLUMNS}\n        if {_SAME}:\n            {_OWN}\n        {_OTHER}",
             f"        {_OWN}")),
    cut_positions=("an image of another size gets the first rows of the table: interpolate them.",
        edit(_OTHER, "return x + self.positions.table[: x.shape[1]]")),
    other_without_positions=("an image of another size gets no positions: interpolate them.", edit(_OTHER, "return x")),
    as_many_patches=("another grid of as many patches is another grid: interpolate its positions too.",
        edit(_SAME, "grid[0] * grid[1] == self.grid[0] * self.grid[1]")),
    one_side=("the grid is another one as soon as one of its sides is.",
        edit(_SAME, "grid[0] == self.grid[0]"), edit(_SAME, "grid[1] == self.grid[1]")),
    only_larger=("an image with fewer patches is read with interpolated positions too.",
        edit(_SAME, "x.shape[1] <= len(self.positions.table)",
             _OWN, "return x + self.positions.table[: x.shape[1]]")),
    old_and_new=("old and new grid are swapped.",
        edit("self.positions.table, self.grid, grid", "self.positions.table, grid, self.grid")),
    grid_turned=("the grid is rows, then columns: heights by height, widths by width.",
        edit(f"{_ROWS}, {_COLUMNS}", f"{_COLUMNS}, {_ROWS}"),
        edit("self.positions.table, self.grid, grid",
             "self.positions.table, self.grid, grid[::-1]")),
    positions_replaced=("the interpolated table takes the place of the model's own: the next image needs the old one.",
        edit(_OTHER, "table = interpolate_positions(self.positions.table, self.grid, grid)\n"
             "        self.positions.table, self.grid = nn.Parameter(table), grid\n        return self.positions(x)")),
    detached_table=("no gradient reaches the positions.",
        edit(_OWN, "return x + self.positions.table.detach()"),
        edit("(self.positions.table,", "(self.positions.table.detach(),"),
        edit(_TABLE, f"{_TABLE}.requires_grad_(False)")),
    wrong_patches=("the images are cut into patches of self.patch: height, then width.",
        edit(_CUT, "patches(images, self.patch[::-1])")),
    other_order=("the numbers of a patch stand in another order than `patches` gives: weights would not fit.",
        edit(_CUT, f"{_CUT}.unflatten(-1, (images.shape[1], -1)).transpose(-2, -1).flatten(-2)"),
        edit(_CUT, f"{_CUT}.unflatten(-2, ({_ROWS}, -1)).transpose(-3, -2).flatten(-3, -2)")),
    bent=("something bends the embedded patches: the Linear is all.",
        edit(_WORDS, f"{_WORDS}.relu()"), edit(_WORDS, f"gelu({_WORDS})")),
    scaled=("the vectors of the patches are multiplied by √d_model: ViT adds positions to them as they are.",
        edit(_WORDS, f"{_WORDS} * self.embedding.out_features ** 0.5")),
    normed_patches=("the patches are normed: their numbers go into the Linear as they are.",
        edit(_CUT, f"torch.nn.functional.normalize({_CUT}, dim=-1)")),
    no_bias=("the embedding has a bias.", edit(_EMBEDDING, "nn.Linear(numbers, d_model, bias=False)")),
    convolution=("the embedding is a Linear: (d_model, numbers of a patch).",
        edit(_EMBEDDING, "nn.Conv2d(channels, d_model, patch, stride=patch)",
             _WORDS, "self.embedding(images).flatten(2).transpose(1, 2)")),
    two_layers=("the embedding is one Linear, called `embedding`.",
        edit(_EMBEDDING, "nn.Sequential(nn.Linear(numbers, d_model), nn.GELU(), nn.Linear(d_model, d_model))")),
    other_names=("the parts are called embedding, class_token, positions and encoder: weights are loaded by name.",
        edit("self.embedding", "self.projection"), edit("self.class_token", "self.cls_token"),
        edit(_TABLE, "nn.Parameter(torch.zeros(1 + n_patches, d_model))", _OWN, "return x + self.positions",
             "self.positions.table", "self.positions")),
    no_encoder=("the blocks are not used: self.encoder.", edit(_READ, "self.embed(images)")),
    no_last_norm=("the norm at the end is left out: call the encoder, which has it.",
        edit(f"return {_READ}",
             "x = self.embed(images)\n        for block in self.encoder.blocks:\n"
             "            x = block(x)\n        return x")),
    encoder_twice=("the encoder runs twice.", edit(_READ, f"self.encoder({_READ})")),
    extra_shortcut=("there is a shortcut around the encoder: its blocks have theirs.",
        edit(_READ, f"self.embed(images) + {_READ}")),
    only_the_class=("all positions are asked for, not the class token's vector alone.",
        edit(_READ, f"{_READ}[:, 0]")),
    only_the_patches=("all positions are asked for, the class token's too.", edit(_READ, f"{_READ}[:, 1:]")),
    mean=("all positions are asked for, not their mean.", edit(_READ, f"{_READ}.mean(1)")),
    causal=("patches look only at those before: all look at all, no mask.",
        edit(_READ, "self.encoder((x := self.embed(images)), torch.ones(x.shape[1], x.shape[1]).tril().bool())")),
    always_32_bit=("64-bit numbers become 32-bit: keep the dtype of the weights.", edit(_READ, f"{_READ}.float()")),
    detached=("no gradient reaches what is before the blocks.",
        edit(_READ, "self.encoder(self.embed(images).detach())")),
)
# fmt: on
