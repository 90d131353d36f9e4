"""ViT against Hugging Face's on the same random weights: every hidden state, gradients, positions of other sizes."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from lib.attention import MultiHeadAttention
from lib.fused import FusedEncoderBlock
from lib.layers import fresh_weights
from lib.training import train
from lib.vit import (
    ViT,
    ViTClassifier,
    attention_maps,
    attention_rollout,
    interpolate_positions,
    patches,
    unpatch,
    vit_parameters,
)
from lib.vit_weights import take_weights

IMAGE, PATCH, CHANNELS, D_MODEL, HEADS, LAYERS, D_FF, CLASSES = (35, 35), (7, 7), 2, 21, 3, 2, 29, 5
pytestmark = pytest.mark.usefixtures("one_thread")


def theirs(kind="ViTForImageClassification"):
    """One of Hugging Face's models, in float64, with weights so large that everything matters."""
    import transformers

    sizes = {"hidden_size": D_MODEL, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_labels": CLASSES}
    more = {"intermediate_size": D_FF, "image_size": IMAGE[0], "patch_size": PATCH[0], "num_channels": CHANNELS}
    config = transformers.ViTConfig(**sizes, **more, initializer_range=0.3)
    model = getattr(transformers, kind)(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1 or "embeddings." in name:
                parameter.copy_(0.5 + torch.randn(parameter.shape))
    return model.double()


def fresh():
    return ViT(IMAGE, PATCH, D_MODEL, HEADS, LAYERS, D_FF, CHANNELS)


@pytest.fixture(scope="module")
def other():
    torch.manual_seed(0)
    return theirs()


@pytest.fixture
def model(other):
    return take_weights(ViTClassifier(fresh(), CLASSES).double(), other.state_dict())


def draw(*size, batch=3):
    return torch.randn(batch, CHANNELS, *(size or IMAGE), dtype=torch.float64)


def same(mine, its):
    torch.testing.assert_close(mine, its, rtol=1e-10, atol=1e-10)


# ------------------------------------------------------------------------------------------------------------ patches


def test_patches_times_a_matrix_are_a_convolution():
    images, convolution = torch.randn(3, 2, 15, 14), nn.Conv2d(2, 11, (5, 7), stride=(5, 7))
    words = functional.linear(patches(images, (5, 7)), convolution.weight.flatten(1), convolution.bias)
    torch.testing.assert_close(words, convolution(images).flatten(2).transpose(1, 2), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("leading", [(), (1,), (3,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_patches_are_cut_row_by_row_and_put_together_again(leading, channels):
    images = torch.randn(*leading, channels, 15, 14)
    rows = patches(images, (5, 2))
    assert rows.shape == (*leading, 21, channels * 10)
    assert torch.equal(rows[..., 9, :], images[..., 5:10, 4:6].flatten(-3))  # row 1, column 2
    assert torch.equal(unpatch(rows, (5, 2), (3, 7)), images)


def test_gradients_go_through_the_cut():
    images = torch.randn(2, 3, 4, 6, requires_grad=True)
    upstream = torch.randn(2, 4, 18)
    patches(images, (2, 3)).backward(upstream)
    assert torch.equal(images.grad, unpatch(upstream, (2, 3), (2, 2)))


@pytest.mark.parametrize("size", [(4, 7), (5, 3)])
def test_patches_that_do_not_fit_are_refused(size):
    with pytest.raises(ValueError, match=rf"images of \(15, 14\) pixels do not split into patches of \({size[0]}, "):
        patches(torch.zeros(1, 15, 14), size)
    with pytest.raises(ValueError, match="do not split"):
        ViT((15, 14), size, 12, 3, 1)


# -------------------------------------------------------------------------------------------------------------- model


def test_every_hidden_state_and_the_logits_are_hugging_faces(model, other):
    images = draw()
    told = other(pixel_values=images, output_hidden_states=True)
    x = model.vit.embed(images)
    states = [x, *(x := block(x) for block in model.vit.encoder.blocks)]
    assert len(states) == len(told.hidden_states) == LAYERS + 1
    for mine, its in zip(states, told.hidden_states, strict=True):
        same(mine, its)
    same(model.vit(images), other.vit(pixel_values=images).last_hidden_state)
    same(model(images), told.logits)
    same(model(images[:1]), told.logits[:1])


def test_the_gradients_are_hugging_faces(model, other):
    images, right = draw().requires_grad_(), torch.tensor([0, 4, 2])
    functional.cross_entropy(model(images), right).backward()
    copied = images.detach().clone().requires_grad_()
    other.zero_grad()
    functional.cross_entropy(other(pixel_values=copied).logits, right).backward()
    same(images.grad, copied.grad)
    gradients = {name: parameter.grad for name, parameter in other.named_parameters()}
    wanted = take_weights(ViTClassifier(fresh(), CLASSES).double(), gradients).state_dict()
    assert wanted.keys() == dict(model.named_parameters()).keys()
    for name, parameter in model.named_parameters():
        same(parameter.grad, wanted[name])


def test_images_of_another_size_have_hugging_faces_interpolated_positions(model, other):
    for size in ((35, 49), (63, 21), (14, 70), (7, 7), (35, 35)):
        images = draw(*size)
        grid = size[0] // 7, size[1] // 7
        words = torch.zeros(1, 1 + grid[0] * grid[1], D_MODEL, dtype=torch.float64)
        table = other.vit.embeddings.interpolate_pos_encoding(words, *size)[0]
        same(interpolate_positions(model.vit.positions.table, (5, 5), grid), table)
        same(model(images), other(pixel_values=images, interpolate_pos_encoding=True).logits)


def test_positions_of_a_grid_that_is_no_square_are_stretched_along_the_right_axes():
    table = torch.arange(6.0).view(2, 3).repeat_interleave(4, 0).repeat_interleave(5, 1)  # plateaus: rows, then columns
    table = torch.cat([torch.tensor([[99.0]]), table.reshape(-1, 1)])
    small = interpolate_positions(table, (8, 15), (2, 3))
    assert small[0] == 99 and torch.equal(small[1:, 0].round(), torch.arange(6.0))
    torch.testing.assert_close(interpolate_positions(table, (8, 15), (8, 15)), table)


def test_without_positions_the_patches_are_a_bag(model):
    images = draw()
    order = torch.randperm(25)
    shuffled = unpatch(patches(images, PATCH)[:, order], PATCH, (5, 5))
    assert not torch.allclose(model(images), model(shuffled))
    with torch.no_grad():
        model.vit.positions.table[1:] = model.vit.positions.table[1]
    same(model(images), model(shuffled))


def test_vit_b_16_has_86_567_656_parameters():
    with torch.device("meta"):
        model = ViTClassifier(ViT((224, 224), (16, 16), 768, 12, 12, channels=3), 1000)
    counts = vit_parameters((224, 224), (16, 16), 3, 768, 3072, 12, 1000)
    assert sum(counts.values()) == sum(parameter.numel() for parameter in model.parameters()) == 86_567_656
    parts = {
        "patches": model.vit.embedding,
        "blocks": model.vit.encoder.blocks,
        "norm": model.vit.encoder.norm,
        "head": model.head,
    }
    found = {name: sum(parameter.numel() for parameter in part.parameters()) for name, part in parts.items()}
    found |= {"class token": model.vit.class_token.numel(), "positions": model.vit.positions.table.numel()}
    assert counts == found


def test_the_parts_are_those_of_hugging_faces(other):
    counts = vit_parameters(IMAGE, PATCH, CHANNELS, D_MODEL, D_FF, LAYERS, CLASSES)
    assert sum(counts.values()) == sum(parameter.numel() for parameter in other.parameters())


def test_a_block_of_fused_parts_computes_the_same(model):
    fused = ViTClassifier(ViT(IMAGE, PATCH, D_MODEL, HEADS, LAYERS, D_FF, CHANNELS, block=FusedEncoderBlock), CLASSES)
    fused.double().load_state_dict(model.state_dict())
    same(fused(images := draw()), model(images))


# --------------------------------------------------------------------------------------------------- published weights


def older(name):
    """A tensor's name in the files that were published before, as google/vit-base-patch16-224 is."""
    for new, old in {
        "vit.layers": "vit.encoder.layer",
        "attention.q_proj": "attention.attention.query",
        "attention.k_proj": "attention.attention.key",
        "attention.v_proj": "attention.attention.value",
        "attention.o_proj": "attention.output.dense",
        "mlp.fc1": "intermediate.dense",
        "mlp.fc2": "output.dense",
    }.items():
        name = name.replace(new, old)
    return name


def test_the_names_of_older_files_are_known_too(model, other):
    tensors = {older(name): tensor for name, tensor in other.state_dict().items()}
    assert "vit.encoder.layer.1.attention.attention.key.bias" in tensors
    again = take_weights(ViTClassifier(fresh(), CLASSES).double(), tensors)
    assert all(torch.equal(part, again.state_dict()[name]) for name, part in model.state_dict().items())


def test_a_bare_model_takes_weights_with_head_or_pooler(other):
    images, pooling = draw(), theirs("ViTModel")
    assert "pooler.dense.weight" in pooling.state_dict()
    for its in (other, other.vit, pooling):
        bare = take_weights(fresh().double(), its.state_dict())
        same(bare(images), getattr(its, "vit", its)(pixel_values=images).last_hidden_state)


def test_weights_of_another_kind_are_refused_by_name(other):
    tensors, model = other.state_dict(), ViTClassifier(fresh(), CLASSES)
    with pytest.raises(ValueError, match=r"^head.bias is None, expected \(5,\)$"):
        take_weights(model, {name: part for name, part in tensors.items() if name != "classifier.bias"})
    with pytest.raises(ValueError, match=r"^vit.encoder.blocks.1.attention.to_k.weight is \(20, 21\), expected \(21, "):
        name = "vit.layers.1.attention.k_proj.weight"
        take_weights(model, tensors | {name: tensors[name][1:]})
    with pytest.raises(ValueError, match=r"^vit.encoder.blocks.0.lambda1 is \(3,\), expected None$"):
        take_weights(model, tensors | {"vit.layers.0.lambda1": torch.zeros(3)})
    with pytest.raises(ValueError, match=r"^vit.positions.table is \(26, 21\), expected \(5, 21\)$"):
        take_weights(ViTClassifier(ViT((14, 14), PATCH, D_MODEL, HEADS, LAYERS, D_FF, CHANNELS), CLASSES), tensors)


# -------------------------------------------------------------------------------------------------------- maps, rollout


def test_the_maps_are_hugging_faces_and_nothing_is_kept(model, other):
    images = draw()
    maps = attention_maps(model.vit, images)
    other.set_attn_implementation("eager")  # only so are its weights to be had; their softmax is in float32
    told = other(pixel_values=images, output_attentions=True).attentions
    other.set_attn_implementation("sdpa")
    torch.testing.assert_close(maps, torch.stack(told), rtol=1e-5, atol=1e-6)
    layers = [part for part in model.modules() if isinstance(part, MultiHeadAttention)]
    assert len(layers) == LAYERS and not any(layer.keep_weights or layer.weights is not None for layer in layers)


def test_rollout_is_the_sum_over_all_paths():
    """Each way through the blocks, position by position, with the product of its halves; three blocks of four."""
    maps = torch.rand(3, 2, 5, 4, 4, dtype=torch.float64).softmax(-1)
    found, mean = attention_rollout(maps), maps.mean(2)
    for image, start, end in itertools.product(range(2), range(4), range(4)):
        total = 0.0
        for way in itertools.product(range(4), repeat=2):
            path = [start, *way, end]
            steps = (0.5 * mean[i, image, path[i + 1], path[i]] + 0.5 * (path[i + 1] == path[i]) for i in range(3))
            total += torch.stack(list(steps)).prod()
        same(found[image, end, start], total)


@pytest.mark.parametrize("leading", [(), (1,), (2, 3)])
def test_rows_of_a_rollout_sum_to_one(leading):
    found = attention_rollout(torch.randn(4, *leading, 3, 7, 7).softmax(-1))
    assert found.shape == (*leading, 7, 7)
    torch.testing.assert_close(found.sum(-1), torch.ones(*leading, 7))
    nobody = torch.eye(7).expand(4, 3, 7, 7)
    torch.testing.assert_close(attention_rollout(nobody), torch.eye(7))


# ------------------------------------------------------------------------------------------------------------- learning


def test_a_place_is_learnt():
    """In which quarter of the image is the one bright pixel? A bag of patches could not tell."""
    generator = torch.Generator().manual_seed(0)
    model = fresh_weights(ViTClassifier(ViT((6, 6), (3, 3), 24, 3, 2), 4), generator)

    def images(n):
        places = torch.randint(36, (n,), generator=generator)
        rows, columns = places // 6, places % 6
        return functional.one_hot(places, 36).float().view(n, 1, 6, 6), (rows // 3) * 2 + columns // 3

    batches = (images(64) for _ in itertools.count())
    train(model, lambda batch: functional.cross_entropy(model(batch[0]), batch[1]), batches, 80, 1e-2, warmup=10)
    shown, right = images(200)
    assert (model(shown).argmax(-1) == right).float().mean() > 0.95
