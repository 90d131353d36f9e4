"""GPT against Hugging Face's GPT-2 with random weights, and the fused GPT against the plain one."""

import itertools
import math
import random

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from lib.attention import future_leak
from lib.gpt import (
    GPT,
    FusedGPT,
    bigram_loss,
    bits_per_byte,
    gpt_loss,
    initial_weights,
    load_gpt,
    load_stories_gpt,
    save_gpt,
    text_windows,
)
from lib.gpt2 import gpt2_parameters, load_gpt2_weights

VOCAB, POSITIONS, D_MODEL, HEADS, LAYERS = 61, 23, 12, 3, 2


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def lively(model, seed=0):
    """Random weights large enough that every part matters."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator(seed)))
            seed += 1
    return model.eval()


def small(kind=GPT, seed=0, **named):
    return lively(kind(VOCAB, POSITIONS, D_MODEL, HEADS, LAYERS, **named), seed)


def some_ids(*shape, seed=0):
    return torch.randint(VOCAB, shape, generator=generator(seed))


def hugging_face(**named):
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(1)
    sizes = {"vocab_size": VOCAB, "n_positions": POSITIONS, "n_embd": D_MODEL, "n_head": HEADS, "n_layer": LAYERS}
    model = GPT2LMHeadModel(GPT2Config(**(sizes | named))).eval()
    return lively(model) if not named else model


# ---------------------------------------------------------------------------------------------- against Hugging Face


def published(model, path, prefix="", extra=None):
    """The model's weights in a file, as they are published: no head, masks beside the weights."""
    tensors = {
        prefix + name.removeprefix("transformer."): tensor.contiguous().clone()
        for name, tensor in model.state_dict().items()
        if name.startswith("transformer.")
    }
    save_file(tensors | (extra or {}), path)
    return path


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_published_weights_give_hugging_faces_logits(tmp_path, prefix):
    theirs = hugging_face()
    masks = {f"{prefix}h.{i}.attn.bias": torch.ones(1, 1, POSITIONS, POSITIONS).tril() for i in range(LAYERS)}
    if prefix:
        masks["lm_head.weight"] = theirs.lm_head.weight.detach().clone()
    ours = load_gpt2_weights(published(theirs, tmp_path / "model.safetensors", prefix, masks), n_heads=HEADS)
    ids = some_ids(3, 17)
    with torch.no_grad():
        assert (ours(ids) - theirs(ids).logits).abs().max() < 1e-4
        assert abs(ours.loss(ids) - theirs(ids, labels=ids).loss) < 1e-4


def test_gpt2_has_heads_of_64_numbers_unless_told_otherwise(tmp_path):
    theirs = hugging_face(n_embd=128, n_head=2, n_layer=1)
    ours = load_gpt2_weights(published(theirs, tmp_path / "model.safetensors"))
    assert ours.blocks[0].attention.n_heads == 2
    ids = some_ids(2, 11)
    with torch.no_grad():
        assert (ours(ids) - theirs(ids).logits).abs().max() < 1e-4


def test_plain_gpt_is_hugging_faces_gpt2_too(tmp_path):
    theirs = hugging_face()
    loaded = load_gpt2_weights(published(theirs, tmp_path / "model.safetensors"), n_heads=HEADS)
    from lib.gpt2 import tanh_gelu

    plain = GPT(VOCAB, POSITIONS, D_MODEL, HEADS, LAYERS, activation=tanh_gelu).eval()
    plain.load_state_dict(loaded.state_dict())
    ids = some_ids(2, POSITIONS)
    with torch.no_grad():
        assert (plain(ids) - theirs(ids).logits).abs().max() < 1e-4


def test_what_is_not_gpt2_is_refused_in_a_sentence(tmp_path):
    theirs = hugging_face()
    path = published(theirs, tmp_path / "model.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"broken.safetensors is no safetensors file"):
        load_gpt2_weights(broken)
    with pytest.raises(FileNotFoundError):
        load_gpt2_weights(tmp_path / "absent.safetensors")
    other = tmp_path / "other.safetensors"
    save_file({"weight": torch.ones(2)}, other)
    with pytest.raises(ValueError, match=r"other.safetensors is not GPT-2: it has no tensor called wte.weight"):
        load_gpt2_weights(other)
    extra = published(theirs, tmp_path / "extra.safetensors", extra={"h.0.attn.rotary": torch.ones(3)})
    with pytest.raises(ValueError, match=r"h.0.attn.rotary is \(3,\), expected None"):
        load_gpt2_weights(extra, n_heads=HEADS)
    with pytest.raises(ValueError, match="does not split into n_heads=5"):
        load_gpt2_weights(path, n_heads=5)


def test_a_missing_block_weight_is_named(tmp_path):
    theirs = hugging_face()
    tensors = {n.removeprefix("transformer."): t.clone() for n, t in theirs.transformer.state_dict().items()}
    del tensors["h.1.mlp.c_fc.bias"]
    save_file(tensors, tmp_path / "short.safetensors")
    with pytest.raises(ValueError, match=r"blocks.1.feed_forward.widen.bias is None, expected \(48,\)"):
        load_gpt2_weights(tmp_path / "short.safetensors", n_heads=HEADS)


@pytest.mark.parametrize(
    "sizes, total",
    [
        ((50_257, 1_024, 768, 12), 124_439_808),
        ((50_257, 1_024, 1_024, 24), 354_823_168),
        ((50_257, 1_024, 1_280, 36), 774_030_080),
        ((50_257, 1_024, 1_600, 48), 1_557_611_200),
    ],
)
def test_the_four_sizes_of_gpt2(sizes, total):
    from transformers import GPT2Config, GPT2LMHeadModel

    vocab, positions, d_model, layers = sizes
    assert sum(gpt2_parameters(*sizes).values()) == total
    with torch.device("meta"):
        config = GPT2Config(
            vocab_size=vocab, n_positions=positions, n_embd=d_model, n_head=d_model // 64, n_layer=layers
        )
        assert sum(parameter.numel() for parameter in GPT2LMHeadModel(config).parameters()) == total


def test_parts_add_up_to_the_model():
    counts = gpt2_parameters(VOCAB, POSITIONS, D_MODEL, LAYERS)
    model = small()
    for part, name in [("attention", ".attention."), ("feed-forward", ".feed_forward."), ("norms", "norm.")]:
        assert counts[part] == sum(p.numel() for n, p in model.named_parameters() if name in n)
    assert sum(counts.values()) == sum(parameter.numel() for parameter in model.parameters())


# --------------------------------------------------------------------------------------------------- the fused model


@pytest.mark.parametrize("vocab", [61, 5003])
def test_fused_gpt_is_the_plain_one(vocab):
    plain = lively(GPT(vocab, POSITIONS, D_MODEL, HEADS, LAYERS))
    fused = FusedGPT(vocab, POSITIONS, D_MODEL, HEADS, LAYERS)
    fused.load_state_dict(plain.state_dict())
    ids = some_ids(3, 15)
    assert torch.allclose(plain(ids), fused(ids), atol=2e-4, rtol=1e-4)
    losses = [3 * model.loss(ids) for model in (plain, fused)]
    assert torch.allclose(*losses, rtol=1e-5)
    for loss in losses:
        loss.backward()
    for (name, ours), theirs in zip(plain.named_parameters(), fused.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, rtol=1e-3, atol=1e-4), name


@pytest.mark.parametrize("kind", [GPT, FusedGPT])
def test_the_future_cannot_change_the_past(kind):
    model = small(kind)

    def run(x):
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
        for block in model.blocks:
            x = block(x, mask)
        return model.logits(x)

    assert future_leak(run, model.embed(some_ids(2, 9)).detach()) == 0.0


def test_one_table_in_and_out():
    model = small()
    assert sum(parameter.shape == (VOCAB, D_MODEL) for parameter in model.parameters()) == 1
    with pytest.raises(ValueError, match="to 23 need a row each"):
        model(some_ids(1, POSITIONS + 1))
    shifted = model.embed(some_ids(1, 5), start=4)
    assert torch.equal(shifted, model.embedding(some_ids(1, 5)) + model.positions.table[4:9])


# ------------------------------------------------------------------------------------------------- losses and weights


def test_gpt_loss_is_hugging_faces():
    theirs, ids = hugging_face(), some_ids(3, 11)
    with torch.no_grad():
        assert torch.allclose(gpt_loss(lambda ids: theirs(ids).logits, ids), theirs(ids, labels=ids).loss, rtol=1e-5)


def test_fresh_weights_know_nothing():
    model = initial_weights(GPT(1_000, 32, 64, 4, 6), generator())
    ids = torch.randint(1_000, (8, 32), generator=generator(1))
    assert abs(model.loss(ids).item() - math.log(1_000)) < 0.05
    torch.manual_seed(0)
    default = GPT(1_000, 32, 64, 4, 6)  # PyTorch's embedding: normal numbers of size 1
    assert default.loss(ids).item() > 3 * math.log(1_000)
    narrow, widen = (getattr(model.blocks[3].feed_forward, name).weight.std().item() for name in ("narrow", "widen"))
    assert abs(widen - 0.02) < 0.001 and abs(narrow - 0.02 / math.sqrt(12)) < 0.0003


def test_initial_weights_use_the_generator_alone():
    first, second, other = (
        initial_weights(GPT(VOCAB, POSITIONS, D_MODEL, HEADS, LAYERS), generator(seed)).state_dict()
        for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)  # whatever the global generator drew
    assert not torch.equal(first["embedding.weight"], other["embedding.weight"])


def test_bigram_loss_against_counting_by_hand():
    rng = random.Random(0)
    ids, held_out = ([rng.randrange(5) for _ in range(n)] for n in (80, 30))
    total = 0.0
    for a, b in itertools.pairwise(held_out):
        pairs = list(itertools.pairwise(ids))
        count, row = pairs.count((a, b)), sum(first == a for first, _ in pairs)
        total -= math.log((count + 0.5) / (row + 5 * 0.5))
    ours = bigram_loss(torch.tensor(ids), torch.tensor(held_out), 5, 0.5)
    assert math.isclose(ours.item(), total / 29, rel_tol=1e-5)


def test_bits_per_byte_of_evenly_spread_bytes_is_8():
    assert math.isclose(bits_per_byte(math.log(256), 1_000, 1_000), 8.0)
    assert math.isclose(
        bits_per_byte(math.log(65_536), 500, 1_000), 8.0
    )  # pairs of bytes: the same text, the same bits


def test_text_windows():
    ids = torch.arange(10, 30)
    windows = text_windows(ids, 4, torch.tensor([0, 15, 3]))
    assert windows.tolist() == [[10, 11, 12, 13, 14], [25, 26, 27, 28, 29], [13, 14, 15, 16, 17]]
    with pytest.raises(ValueError, match="a text of 4 tokens has no window of 4"):
        text_windows(ids[:4], 4, torch.tensor([0]))


# --------------------------------------------------------------------------------------------------------- checkpoints


def test_a_saved_model_comes_back(tmp_path):
    model, ids = small(FusedGPT), some_ids(2, 9)
    save_gpt(tmp_path / "gpt.safetensors", model, recipe="three steps")
    loaded = load_gpt(tmp_path / "gpt.safetensors")
    assert torch.equal(loaded(ids), model(ids)) and not loaded.training
    save_gpt(tmp_path / "half.safetensors", model.half())
    assert load_gpt(tmp_path / "half.safetensors").embedding.weight.dtype == torch.float32


def test_the_model_of_the_course_has_learned_its_stories():
    from lib.corpora.stories import load_stories

    model, tokenizer = load_stories_gpt()
    assert len(tokenizer) == len(model.embedding.weight)
    story = load_stories()[-1]  # held out
    ids = torch.tensor([[0, *tokenizer.encode(story), 0]])
    with torch.no_grad():
        loss = functional.cross_entropy(model(ids)[0, :-1], ids[0, 1:]).item()
    assert bits_per_byte(loss, ids.shape[1] - 1, len(story.encode())) < 0.4
