"""Blocks and stacks against PyTorch's, with copied weights: both norms, masks, train and eval mode, gradients."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from lib.attention import causal_mask, future_leak
from lib.layers import LayerNorm, PostNorm, PreNorm
from lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock, parameter_counts

D_MODEL, HEADS, D_FF, BATCH, POSITION, KEY = 12, 3, 17, 2, 5, 7


def seeded(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def randomise(module):
    with torch.no_grad():
        for seed, parameter in enumerate(module.parameters()):
            parameter.copy_(0.4 * seeded(*parameter.shape, seed=seed))
    return module


@torch.no_grad()
def copy_attention(ours, theirs):
    theirs.in_proj_weight.copy_(torch.cat([ours.to_q.weight, ours.to_k.weight, ours.to_v.weight]))
    theirs.in_proj_bias.copy_(torch.cat([ours.to_q.bias, ours.to_k.bias, ours.to_v.bias]))
    theirs.out_proj.load_state_dict(ours.to_out.state_dict())
    theirs.dropout = 0.0  # PyTorch also drops attention weights; the paper and the course drop what parts return


@torch.no_grad()
def copy_rest(ours, theirs, shortcuts):
    theirs.linear1.load_state_dict(ours.feed_forward.widen.state_dict())
    theirs.linear2.load_state_dict(ours.feed_forward.narrow.state_dict())
    for number, shortcut in enumerate(shortcuts, 1):
        norm = getattr(theirs, f"norm{number}")
        norm.weight.copy_(shortcut.norm.scale)
        norm.bias.copy_(shortcut.norm.shift)


def encoder_twins(shortcut, activation=functional.relu, dropout=0.0):
    ours = randomise(EncoderBlock(D_MODEL, HEADS, D_FF, dropout, shortcut, bias=True, activation=activation))
    theirs = nn.TransformerEncoderLayer(
        D_MODEL, HEADS, D_FF, dropout, activation, batch_first=True, norm_first=shortcut is PreNorm
    )
    copy_attention(ours.attention, theirs.self_attn)
    copy_rest(ours, theirs, [ours.around_attention, ours.around_feed_forward])
    return ours, theirs


def decoder_twins(shortcut, activation=functional.relu, dropout=0.0):
    ours = randomise(DecoderBlock(D_MODEL, HEADS, D_FF, dropout, shortcut, bias=True, activation=activation))
    theirs = nn.TransformerDecoderLayer(
        D_MODEL, HEADS, D_FF, dropout, activation, batch_first=True, norm_first=shortcut is PreNorm
    )
    copy_attention(ours.self_attention, theirs.self_attn)
    copy_attention(ours.cross_attention, theirs.multihead_attn)
    copy_rest(ours, theirs, [ours.around_self_attention, ours.around_cross_attention, ours.around_feed_forward])
    return ours, theirs


def padding(lengths, length):
    """(batch, key), True for real keys."""
    return torch.arange(length) < torch.tensor(lengths)[:, None]


@pytest.mark.parametrize("shortcut", [PreNorm, PostNorm])
@pytest.mark.parametrize("activation", [functional.relu, functional.gelu])
@pytest.mark.parametrize("mode", ["train", "eval", "eval without gradients"])
@pytest.mark.parametrize("masked", ["", "causal", "padding", "both"])
def test_encoder_block_is_pytorchs(shortcut, activation, mode, masked):
    ours, theirs = encoder_twins(shortcut, activation)
    ours.train(mode == "train"), theirs.train(mode == "train")
    x, mask, named = seeded(BATCH, POSITION, D_MODEL), None, {}
    if masked in ("causal", "both"):
        mask = causal_mask(POSITION)
        named["src_mask"] = ~mask
    if masked in ("padding", "both"):
        real = padding([3, POSITION], POSITION)
        mask = real[:, None, None, :] if mask is None else mask & real[:, None, None, :]
        named["src_key_padding_mask"] = ~real
    with torch.set_grad_enabled(mode != "eval without gradients"):
        a, b = ours(x, mask), theirs(x, **named)
    if "src_key_padding_mask" in named:  # what stands at padding itself is nobody's business
        a, b = a[real], b[real]
    assert torch.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("shortcut", [PreNorm, PostNorm])
@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("masked", [False, True])
def test_decoder_block_is_pytorchs(shortcut, mode, masked):
    ours, theirs = decoder_twins(shortcut, functional.gelu)
    ours.train(mode), theirs.train(mode)
    x, memory = seeded(BATCH, POSITION, D_MODEL), seeded(BATCH, KEY, D_MODEL, seed=1)
    if not masked:
        assert torch.allclose(ours(x, memory), theirs(x, memory), atol=1e-5)
        return
    mask, real = causal_mask(POSITION), padding([KEY, 2], KEY)
    a = ours(x, memory, mask, real[:, None, None, :])
    b = theirs(x, memory, tgt_mask=~mask, memory_key_padding_mask=~real)
    assert torch.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("shortcut", [PreNorm, PostNorm])
@pytest.mark.parametrize("twins", [encoder_twins, decoder_twins])
def test_dropout_falls_where_pytorchs_falls(shortcut, twins):
    """With one seed and one sequence (PyTorch lays out a batch otherwise), the very same numbers are dropped."""
    ours, theirs = twins(shortcut, dropout=0.3)
    inputs = [seeded(1, POSITION, D_MODEL), seeded(1, KEY, D_MODEL, seed=1)][: 1 + (twins is decoder_twins)]
    with torch.random.fork_rng():
        torch.manual_seed(7)
        a = ours(*inputs)
        torch.manual_seed(7)
        b = theirs(*inputs)
    assert torch.allclose(a, b, atol=1e-5)
    assert not torch.allclose(a, ours.eval()(*inputs), atol=1e-2)


@pytest.mark.parametrize("shortcut", [PreNorm, PostNorm])
def test_gradients_are_pytorchs(shortcut):
    ours, theirs = decoder_twins(shortcut)
    gradients = []
    for block in (ours, theirs):
        x, memory = seeded(BATCH, POSITION, D_MODEL), seeded(BATCH, KEY, D_MODEL, seed=1)
        block(x.requires_grad_(), memory.requires_grad_()).pow(2).sum().backward()
        last = block.feed_forward.widen if block is ours else block.linear1
        gradients.append((x.grad, memory.grad, last.weight.grad))
    for a, b in zip(*gradients, strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-4)


def test_stacks_are_pytorchs():
    blocks, layers = zip(*(encoder_twins(PreNorm) for _ in range(3)), strict=True)
    theirs = nn.TransformerEncoder(layers[0], 3, norm=nn.LayerNorm(D_MODEL), enable_nested_tensor=False)
    theirs.layers = nn.ModuleList(layers)
    x = seeded(BATCH, POSITION, D_MODEL)
    assert torch.allclose(Encoder(blocks, LayerNorm(D_MODEL))(x), theirs(x), atol=1e-5)
    blocks, layers = zip(*(decoder_twins(PostNorm) for _ in range(2)), strict=True)
    memory, mask = seeded(BATCH, KEY, D_MODEL, seed=1), causal_mask(POSITION)
    theirs = nn.TransformerDecoder(layers[0], 2)
    theirs.layers = nn.ModuleList(layers)
    assert torch.allclose(Decoder(blocks)(x, memory, mask), theirs(x, memory, tgt_mask=~mask), atol=1e-5)


def test_the_future_cannot_change_the_past():
    block = randomise(DecoderBlock(D_MODEL, HEADS, D_FF))
    x, memory = seeded(BATCH, POSITION, D_MODEL), seeded(BATCH, KEY, D_MODEL, seed=1)
    assert future_leak(lambda x: block(x, memory, causal_mask(POSITION)), x) == 0.0
    assert future_leak(lambda x: block(x, memory), x) > 0.01


@pytest.mark.parametrize("batch, position, key", [(0, 3, 5), (2, 1, 1), (1, 3, 5)])
def test_small_and_empty_batches(batch, position, key):
    x, memory = torch.zeros(batch, position, D_MODEL), torch.zeros(batch, key, D_MODEL)
    assert EncoderBlock(D_MODEL, HEADS, D_FF)(x).shape == x.shape
    assert DecoderBlock(D_MODEL, HEADS, D_FF)(x, memory).shape == x.shape


def test_a_memory_of_nothing_but_padding_gives_finite_numbers():
    block, x, memory = randomise(DecoderBlock(D_MODEL, HEADS, D_FF)), seeded(2, 3, D_MODEL), seeded(2, 5, D_MODEL)
    nowhere = torch.zeros(2, 1, 1, 5, dtype=torch.bool)
    x.requires_grad_()
    result = block(x, memory, memory_mask=nowhere)
    assert result.isfinite().all() and torch.autograd.grad(result.sum(), x)[0].isfinite().all()
    changed = block(x, memory + 1, memory_mask=nowhere)
    assert torch.equal(result, changed), "what nobody may see changes nothing"


def test_heads_that_do_not_fit_are_refused_with_their_values():
    with pytest.raises(ValueError, match=r"d_model=10.*n_heads=3"):
        EncoderBlock(10, 3, 7)


@pytest.mark.parametrize("vocab, d_model, d_ff, n_blocks", [(11, 6, 7, 1), (5, 4, 3, 3), (37000, 512, 2048, 6)])
def test_counted_parameters_are_those_of_a_built_model(vocab, d_model, d_ff, n_blocks):
    def count(module):
        return sum(parameter.numel() for parameter in module.parameters())

    with torch.device("meta"):  # shapes without memory
        encoder = Encoder([EncoderBlock(d_model, 2, d_ff, shortcut=PostNorm) for _ in range(n_blocks)])
        decoder = Decoder([DecoderBlock(d_model, 2, d_ff, shortcut=PostNorm) for _ in range(n_blocks)])
        torchs = nn.Transformer(d_model, 2, n_blocks, n_blocks, d_ff, batch_first=True)
    counted = parameter_counts(vocab, d_model, d_ff, n_blocks)
    assert counted == {"embedding": vocab * d_model, "encoder": count(encoder), "decoder": count(decoder)}
    biases, norms_at_the_end = 3 * n_blocks * 4 * d_model, 2 * 2 * d_model  # what PyTorch has and the paper has not
    assert count(torchs) == counted["encoder"] + counted["decoder"] + biases + norms_at_the_end


def test_the_base_model_of_the_paper():
    counted = parameter_counts(37000, 512, 2048, 6)
    assert sum(counted.values()) == 63_045_632
