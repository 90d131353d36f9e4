"""Checks of notebook 18: parameters counted, rollout, questions. Patches and the model: modules of their own."""

import itertools

import torch

from lib import vit as course
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import normal, plain, single_calls
from lib.checks.vit_model import ViT
from lib.checks.vit_patches import interpolate_positions, patches, unpatch

__all__ = [
    "ViT",
    "attention_rollout",
    "class_vectors",
    "interpolate_positions",
    "larger_by",
    "patches",
    "rollout_share",
    "score_growth",
    "unpatch",
    "vit_parameters",
]

vit_parameters = Exercise(course.vit_parameters)
attention_rollout = Exercise(course.attention_rollout)


# --------------------------------------------------------------------------------------------------- vit_parameters


for _label, _sizes in {
    "ViT-B/16: (224, 224), (16, 16), 3, 768, 3072, 12, 1000": ((224, 224), (16, 16), 3, 768, 3072, 12, 1000),
    "images of 15 x 16 pixels, patches of 5 x 2, 2 channels, d_model 11, d_ff 13, 7 blocks, 17 classes": (
        *((15, 16), (5, 2)),
        *(2, 11, 13, 7, 17),
    ),
    "a grey image that is one patch": ((5, 3), (5, 3), 1, 7, 23, 2, 3),
}.items():

    @vit_parameters.probe(_label)
    def _(answer, rng, sizes=_sizes):
        found = answer(*sizes)
        return {part: plain(number, int) for part, number in found.items()} if isinstance(found, dict) else found


_GRID = "(image[0] // patch[0]) * (image[1] // patch[1])"
_ATTENTION, _FORWARD, _NORM = "4 * (d_model**2 + d_model)", "2 * d_model * d_ff + d_ff + d_model", "norm = 2 * d_model"
_BLOCKS = "n_layers * (attention + feed_forward + 2 * norm)"
_PATCHES = "channels * patch[0] * patch[1] * d_model + d_model"
_HEAD = "d_model * n_classes + n_classes"

# fmt: off
vit_parameters.mistakes(
    square=("height and width count each, of the image and of a patch.",
        edit(_GRID, "(image[0] // patch[0]) ** 2"), edit("channels * patch[0] * patch[1]", "channels * patch[0] ** 2"),
        edit(_GRID, "(image[1] // patch[1]) ** 2"), edit("channels * patch[0] * patch[1]", "channels * patch[1] ** 2")),
    no_channels=("a patch holds the numbers of all its channels.", edit("channels * patch", "patch"),
        edit("channels * patch", "3 * patch")),
    patches_without_bias=("the patches' Linear has a bias.", edit(_PATCHES, _PATCHES.removesuffix(" + d_model"))),
    bias_as_long_as_the_patch=("a bias is as long as what comes out: d_model.",
        edit(_PATCHES, "channels * patch[0] * patch[1] * d_model + channels * patch[0] * patch[1]")),
    for_each_patch=("all patches share one matrix: it does not depend on how many they are.",
        edit(_PATCHES, f"({_PATCHES}) * n_patches")),
    for_each_pixel=("the matrix is as high as a patch has numbers, not as the image has.",
        edit("channels * patch[0] * patch[1]", "channels * image[0] * image[1]")),
    no_class_position=("the class token has a position too: 1 + n_patches.",
        edit("(1 + n_patches)", "n_patches")),
    position_for_each_pixel=("there is a position for each patch, not for each pixel.",
        edit(_GRID, "image[0] * image[1]")),
    fixed_positions=("the positions are learnt: a row for each.",
        edit("(1 + n_patches) * d_model", "0"), edit("(1 + n_patches) * d_model", "1 + n_patches")),
    no_class_token=("the class token is a vector of d_model numbers.",
        edit('"class token": d_model', '"class token": 0'), edit('"class token": d_model', '"class token": 1')),
    three_matrices=("attention has four matrices: queries, keys, values, and the one after the heads are joined.",
        edit("4 * (d_model**2", "3 * (d_model**2")),
    vectors_of_a_block=("some vectors of a block are missing: attention has a bias for each of its four matrices, the "
                        "feed-forward one of d_ff and one of d_model, each of the two norms a scale and a shift.",
        edit(_ATTENTION, "4 * d_model**2"), edit(_ATTENTION, "4 * d_model**2 + d_model"),
        edit(_ATTENTION, "4 * d_model**2 + 3 * d_model")),
    one_matrix=("the feed-forward has two matrices.",
        edit("2 * d_model * d_ff", "d_model * d_ff"), edit("2 * d_model * d_ff", "3 * d_model * d_ff")),
    forward_biases=("the feed-forward's biases: d_ff for the first matrix, d_model for the second.",
        edit(_FORWARD, "2 * d_model * d_ff"), edit(_FORWARD, "2 * d_model * d_ff + d_model"),
        edit(_FORWARD, "2 * d_model * d_ff + 2 * d_model"),
        edit(_FORWARD, "2 * d_model * d_ff + 2 * d_ff")),
    four_times=("`d_ff` is the width of the feed-forward, not always 4 · d_model.",
        edit(_FORWARD, "8 * d_model**2 + 5 * d_model")),
    norms_in_a_block=("a block has two norms, one before attention and one before the feed-forward.",
        edit("2 * norm", "norm"), edit("2 * norm", "3 * norm")),
    norm_without_shift=("a norm has a scale and a shift, d_model numbers each.", edit(_NORM, "norm = d_model"),
        edit(_NORM, "norm = 2")),
    one_block=("there are n_layers blocks.", edit("n_layers * (", "("),
        edit(_BLOCKS, "n_layers * attention + feed_forward + 2 * norm"),
        edit(_BLOCKS, "n_layers * (attention + feed_forward) + 2 * norm")),
    no_last_norm=("there is one norm after the last block.", edit('"norm": norm', '"norm": 0'),
        edit('"norm": norm', '"norm": 2 * norm'), edit('"norm": norm', '"norm": n_layers * norm'),
        edit('"norm": norm', '"norm": (2 * n_layers + 1) * norm')),
    head_without_bias=("the head has a bias, a number for each class.",
        edit(_HEAD, "d_model * n_classes"), edit(_HEAD, "d_model * n_classes + d_model")),
    head_of_all_positions=("the head reads the class token alone, d_model numbers.",
        edit(_HEAD, "d_model * n_classes * (1 + n_patches) + n_classes"),
        edit(_HEAD, "d_model * n_classes * n_patches + n_classes")),
    pooler=("there is no pooler between the class token and the head.",
        edit(_HEAD, f"d_model**2 + d_model + {_HEAD}")),
    sum_returned=("the counts are asked for by part, a dict: their sum comes after it.",
        edit("return {", "return sum({", "+ n_classes,\n    }", "+ n_classes,\n    }.values())")),
    other_keys=("the parts are called patches, class token, positions, blocks, norm and head.",
        edit('"class token"', '"class_token"'), edit('"class token"', '"cls"'), edit('"blocks"', '"encoder"'),
        edit('"positions"', '"position"'), edit('"head"', '"classifier"'), edit('"patches"', '"embedding"'),
        edit('"norm"', '"final norm"')),
    token_in_the_positions=("the class token is a part of its own.",
        edit('        "class token": d_model,\n', "", "(1 + n_patches) * d_model", "(2 + n_patches) * d_model"),
        edit('        "class token": d_model,\n', "")),
    floats=("these are numbers of parameters, ints: `//`.",
        edit("image[0] // patch[0]", "image[0] / patch[0]", "image[1] // patch[1]", "image[1] / patch[1]")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------ attention_rollout


def maps(*shape, rng):
    """Attention maps with rows that sum to 1, some weights far larger than others."""
    return (2 * normal(*shape, shape[-1], rng=rng)).softmax(dim=-1)


single_calls(
    attention_rollout,
    {
        "one block and one head, two positions, the rows (1, 0) and (0.5, 0.5)": lambda rng: torch.tensor(
            [[[1.0, 0], [0.5, 0.5]]]
        )[None],
        "two blocks, one head: first all positions look at 0, then each looks at the next": lambda rng: torch.stack(
            [torch.eye(3)[[0, 0, 0]], torch.eye(3).roll(1, 1)]
        )[:, None],
    },
)


@attention_rollout.probe("one block with 3 heads, one image, 5 positions", varied=False)  # rows that sum to 1 alone
def _(answer, rng):
    return answer(maps(1, 1, 3, 5, rng=rng))


single_calls(
    attention_rollout,
    {
        "12 blocks, 2 images, 5 heads, 7 positions": lambda rng: maps(12, 2, 5, 7, rng=rng),
        "2 blocks, three leading axes 3, 1 and 2, 5 heads, 7 positions": lambda rng: maps(2, 3, 1, 2, 5, 7, rng=rng),
        "a lone position": lambda rng: maps(2, 3, 5, 1, rng=rng),
        "2 blocks of one head, 300 positions, in float64": lambda rng: maps(2, 1, 1, 300, rng=rng).double(),
    },
)


_START, _MEAN = "rollout = stay\n", "maps.mean(dim=-3)"
_STEP = "(looked + stay) / 2 @ rollout"

# fmt: off
attention_rollout.mistakes(
    no_shortcut=("the shortcut is missing: half of what was there stays where it is, the identity.",
        edit(_STEP, "looked @ rollout"), edit(_STEP, "looked / 2 @ rollout")),
    not_halved=("maps and identity are added: half of each, so that rows sum to 1.",
        edit(_STEP, "(looked + stay) @ rollout")),
    half_of_one=("take half of each, the map and the identity.",
        edit(_STEP, "(looked / 2 + stay) @ rollout"), edit(_STEP, "(looked + stay / 2) @ rollout")),
    other_order=("the order: the later block's matrix stands on the left, it looks at what the earlier one has made.",
        edit(_STEP, "rollout @ ((looked + stay) / 2)"), edit(f"in {_MEAN}", f"in {_MEAN}.flip(0)")),
    transposed=("rows and columns are swapped: row i holds what has come to position i.",
        edit("return rollout", "return rollout.mT"), edit("(looked +", "(looked.mT +")),
    not_multiplied=("number by number, not matrices: `@`.", edit(_STEP, "(looked + stay) / 2 * rollout")),
    largest_head=("the head that looks most is taken: the mean of all heads is asked for.",
        edit(_MEAN, "maps.amax(dim=-3)"),
        edit(_STEP, "((looked + stay) / (looked + stay).sum(-1, keepdim=True)) @ rollout",
             _MEAN, "maps.amax(dim=-3)")),
    least_head=("the head that looks least is taken: the mean of all heads is asked for.",
        edit(_MEAN, "maps.amin(dim=-3)")),
    first_head=("one head alone is used; take the mean of all heads.",
        edit(_MEAN, "maps[..., 0, :, :]"), edit(_MEAN, "maps[..., -1, :, :]")),
    heads_added=("the heads are added up: their mean, so that rows sum to 1.", edit(_MEAN, "maps.sum(dim=-3)")),
    heads_kept=("each head has its own rollout: take the mean of the heads in each block first.",
        edit(_MEAN, "maps")),
    heads_at_the_end=("the mean of the heads comes last: in each block first, for the next block looks at their sum.",
        edit(_MEAN, "maps", "return rollout", "return rollout.mean(dim=-3)")),
    batch_for_heads=("heads are the third axis from behind, whatever comes before: dim=-3.",
        edit("dim=-3", "dim=2"), edit("dim=-3", "dim=1")),
    last_block=("this is the last block alone: all of them count, one after the other.",
        edit(_STEP, "(looked + stay) / 2"), edit("return rollout", "return looked")),
    first_block_missing=("a block is left out: all of them count.",
        edit(f"in {_MEAN}", f"in {_MEAN}[1:]"), edit(f"in {_MEAN}", f"in {_MEAN}[:-1]")),
    blocks_averaged=("the blocks are averaged: what comes through one block goes on into the next, a product.",
        edit(_MEAN, f"{_MEAN}.mean(0, keepdim=True)"), edit("    for looked", "    rollout = torch.zeros_like(stay)\n"
        "    for looked", _STEP, "rollout + (looked + stay) / 2 / len(maps)")),
    identity_once=("the identity is added once: each block has its shortcut.",
        edit(_STEP, "looked @ rollout", "return rollout", "return (rollout + stay) / 2")),
    starts_at_zero=("it starts with nothing: at first each position holds itself, the identity.",
        edit(_START, "rollout = torch.zeros_like(stay)\n")),
    spread=("it starts with the mean over all positions: at first each holds itself, the identity.",
        edit(_START, "rollout = torch.ones_like(stay)\n"),
        edit(_START, "rollout = torch.ones_like(stay) / maps.shape[-1]\n")),
    class_token_only=("all rows are asked for: (..., position, position).",
        edit("return rollout", "return rollout[..., 0, :]"), edit("return rollout", "return rollout[..., 0, 1:]")),
    each_block=("the result after the last block is asked for, not one for each.",
        edit(_START, f"{_START}    found = []\n", _STEP, f"{_STEP}\n        found.append(rollout)",
             "return rollout", "return torch.stack(found)")),
    without_the_class=("the class token is a position as any other.",
        edit("return rollout", "return rollout[..., 1:, 1:]"),
        edit(f"in {_MEAN}", "in maps[..., 1:, 1:].mean(dim=-3)",
             "maps.shape[-1]", "maps.shape[-1] - 1")),
    softmax=("the maps are weights already: no softmax.",
        edit("return rollout", "return rollout.softmax(dim=-1)"),
        edit(_MEAN, "maps.softmax(dim=-1).mean(dim=-3)")),
    residual_share=("half of it stays: 0.5, whatever was best elsewhere.",
        edit(_STEP, "(0.9 * looked + 0.1 * stay) @ rollout"), edit(_STEP, "(0.1 * looked + 0.9 * stay) @ rollout")),
    identity_of_32_bits=("maps of 64 bits meet an identity of 32: torch.eye(n, dtype=maps.dtype).",
        edit("torch.eye(maps.shape[-1]).to(maps)", "torch.eye(maps.shape[-1])")),
    always_32_bit=("64-bit numbers become 32-bit: keep the dtype of the maps.",
        edit("return rollout", "return rollout.float()")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- questions

score_growth = Question(
    "score_growth",
    lambda: (2 * 2) ** 2,
    "4 times as many patches, and each looks at 4 times as many: 16. So 384 pixels cost much more than 224.",
    "Count the patches first. Scores are one number for each pair of them.",
    hints=(
        (4, "So many times as many patches. Each of them looks at all the others."),
        (8, "4 times as many patches: each of them looks at how many times as many?"),
        (2, "Twice as high and twice as wide: how many times as many patches are there?"),
    ),
    within=1e-6,
)


def _class_vectors() -> int:
    """How many class vectors a ViT without positions makes of the 24 orders of four patches."""
    generator = torch.Generator().manual_seed(0)
    model = course.ViT((4, 4), (2, 2), 6, 2, 2).double().requires_grad_(False)
    for parameter in model.parameters():
        parameter.normal_(generator=generator)
    model.positions.table.zero_()
    rows = normal(4, 4, rng=generator).double()
    orders = torch.stack([rows[list(order)] for order in itertools.permutations(range(4))])
    vectors = model(course.unpatch(orders, (2, 2), (2, 2)))[:, 0]
    return len(vectors.mul(1e6).round().unique(dim=0))


class_vectors = Question(
    "class_vectors",
    _class_vectors,
    "One. Each patch is embedded alike wherever it lies, and attention sums over patches in any order: a bag of "
    "patches.",
    "What does the first block receive, and where in it would one read which patch was the upper left one?",
    hints=(
        (24, "So many images. Which of the patches lay where is told by the positions alone, and there are none."),
        (4, "No patch is marked as the first: there are no positions."),
        (0, "There is a class vector for each image; how many of the 24 differ from each other?"),
    ),
    within=1e-6,
)

_B = 3, 768, 3072, 12, 1000


def _larger_by() -> int:
    coarse, fine = (course.vit_parameters((224, 224), (size, size), *_B) for size in (32, 16))
    return sum(coarse.values()) - sum(fine.values())


_MATRIX, _POSITIONS = 3 * (32**2 - 16**2) * 768, (14**2 - 7**2) * 768

larger_by = Question(
    "larger_by",
    _larger_by,
    "The patches' matrix grows by 3 x (1,024 - 256) x 768 = 1,769,472, positions shrink by 147 x 768 = 112,896; "
    "nothing else changes.",
    "Two parts change: one with the pixels of a patch, the other with the number of patches.",
    hints=(
        (_MATRIX, "So much the patches' matrix grows. There are fewer patches, too: what has a row for each?"),
        (-_POSITIONS, "So much the positions shrink. And what depends on the pixels of a patch?"),
        (_MATRIX + _POSITIONS, "One of the two parts grows, the other shrinks: there are fewer patches."),
        (_POSITIONS - _MATRIX, "The sign: a patch of 32 x 32 has more numbers than one of 16 x 16."),
        (_MATRIX // 3 - _POSITIONS, "A patch has three channels."),
        (3 * (32 - 16) * 768 - _POSITIONS, "A patch of 32 x 32 pixels has 1,024 of them, not 32."),
    ),
)


def _rollout_share() -> float:
    looked = torch.tensor([[0.0, 1.0], [0.0, 1.0]]).expand(3, 1, 2, 2)
    return float(course.attention_rollout(looked)[0, 1])


rollout_share = Question(
    "rollout_share",
    _rollout_share,
    "A half stays with the class token in each block: 1/8 in the end. The other 7/8 are the patch's.",
    "How much of the class token itself is left after one block? After two?",
    hints=(
        (0.5, "That is after one block; there are three."),
        (0.75, "That is after two blocks; there are three."),
        (0.125, "That is the share of the class token itself."),
        (1.0, "That would be without the shortcuts: a half of each vector stays where it is."),
        (1.5, "A share is at most 1: what is left of the class token, block by block?"),
    ),
    within=1e-6,
)
