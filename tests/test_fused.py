"""The fused Transformer and loss against the plain ones, in value and gradient, and against PyTorch's cross-entropy."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from lib import fused
from lib.attention import GroupedQueryAttention, attention, causal_mask, future_leak
from lib.batching import Batch
from lib.fused import FusedDecoderBlock, FusedEncoderBlock, FusedTransformer, tied_loss
from lib.layers import LayerNorm, PreNorm
from lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock, Transformer, cross_attention_weights

D_MODEL, HEADS, D_FF, BLOCKS = 12, 3, 17, 2
PAIRS = [([4, 5, 6, 7, 8], [9, 10, 11]), ([4, 5], [12, 13, 14, 15, 16, 17, 18]), ([19, 20, 21, 22, 4, 6, 8], [5])]
EVEN = [([4, 5, 6], [9, 10]), ([7, 8, 9], [11, 12])]  # nothing to pad


@pytest.fixture(autouse=True)
def _double():
    """In double precision: what differs by more than rounding differs."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def layer(bias, seed=0, **causal):
    made = GroupedQueryAttention(D_MODEL, HEADS, bias=bias, **causal)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return made


@pytest.mark.parametrize("keep_weights", [False, True])
def test_causal_attention_is_the_plain_one_with_a_causal_mask(keep_weights):
    made, x = layer(bias=True), torch.randn(2, 5, D_MODEL)
    causal = GroupedQueryAttention(D_MODEL, HEADS, bias=True, causal=True)
    causal.load_state_dict(made.state_dict())
    causal.keep_weights = keep_weights
    close(causal(x), made(x, mask=causal_mask(5)))
    assert (causal.weights is not None) == keep_weights
    window = causal_mask(5) & ~causal_mask(5).tril(-3)
    close(causal(x, mask=window), made(x, mask=window))


@pytest.mark.parametrize("keep_weights", [False, True])
def test_causal_attention_lets_new_positions_look_at_all_earlier_ones(keep_weights):
    causal, q, k = layer(bias=False, causal=True), torch.randn(2, 3, 1, 4), torch.randn(2, 3, 7, 4)
    causal.keep_weights = keep_weights
    close(causal.attend(q, k, k, None), attention(q, k, k)[0])


def transformers(shared):
    """A plain one and a fused one with the same weights."""
    generator, both = torch.Generator().manual_seed(3), []
    for kind, encoder, decoder in (
        (Transformer, EncoderBlock, DecoderBlock),
        (FusedTransformer, FusedEncoderBlock, FusedDecoderBlock),
    ):
        target = nn.Embedding(29, D_MODEL)
        both.append(
            kind(
                target if shared else nn.Embedding(23, D_MODEL),
                target,
                Encoder([encoder(D_MODEL, HEADS, D_FF) for _ in range(BLOCKS)], LayerNorm(D_MODEL)),
                Decoder([decoder(D_MODEL, HEADS, D_FF) for _ in range(BLOCKS)], LayerNorm(D_MODEL)),
            )
        )
    with torch.no_grad():
        for parameter in both[0].parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    both[1].load_state_dict(both[0].state_dict())
    return both


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("pairs", [PAIRS, EVEN])
def test_the_fused_transformer_is_the_plain_one(pairs, smoothing, shared):
    plain, quick = transformers(shared)
    batch = Batch.of(pairs)
    arguments = batch.source, batch.source_mask, batch.inputs
    close(quick(*arguments), plain(*arguments))
    losses = [3 * model.loss(batch, smoothing) for model in (plain, quick)]
    close(losses[1], losses[0])
    for loss in losses:
        loss.backward()
    for theirs, ours in zip(plain.parameters(), quick.parameters(), strict=True):
        close(ours.grad, theirs.grad)
    close(cross_attention_weights(quick, batch), cross_attention_weights(plain, batch))


def test_the_future_cannot_change_the_past():
    block = FusedDecoderBlock(D_MODEL, HEADS, D_FF)
    memory = torch.randn(2, 4, D_MODEL)
    assert future_leak(lambda x: block(x, memory), torch.randn(2, 9, D_MODEL)) == 0.0
    block = FusedEncoderBlock(D_MODEL, HEADS, D_FF, causal=True)
    assert future_leak(block, torch.randn(2, 9, D_MODEL)) == 0.0


def test_a_causal_block_reads_the_mask_that_it_is_given():
    x, mask = torch.randn(1, 5, D_MODEL), torch.eye(5, dtype=torch.bool)
    block, plain = FusedEncoderBlock(D_MODEL, HEADS, D_FF, causal=True), EncoderBlock(D_MODEL, HEADS, D_FF)
    plain.load_state_dict(block.state_dict())
    close(block(x, mask), plain(x, mask))
    block, plain = FusedDecoderBlock(D_MODEL, HEADS, D_FF), DecoderBlock(D_MODEL, HEADS, D_FF)
    plain.load_state_dict(block.state_dict())
    close(block(x, x, mask), plain(x, x, mask))


def test_blocks_take_any_shortcut():
    assert type(FusedEncoderBlock(D_MODEL, HEADS, D_FF, shortcut=PreNorm).around_attention) is PreNorm


@pytest.mark.parametrize("rows", [1, 5, 1000])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_tied_loss_is_pytorchs_cross_entropy(monkeypatch, rows, biased, smoothing):
    monkeypatch.setattr(fused._TiedLoss, "NUMBERS", 1)
    monkeypatch.setattr(fused._TiedLoss, "LEAST_ROWS", rows)
    generator = torch.Generator().manual_seed(rows)

    def fresh(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).mul(3).requires_grad_()

    x, table, bias = fresh(23, 7), fresh(31, 7), fresh(31) if biased else None
    targets = torch.randint(31, (23,), generator=generator)
    wanted = [part for part in (x, table, bias) if part is not None]
    theirs = functional.cross_entropy(functional.linear(x, table, bias), targets, label_smoothing=smoothing)
    ours = tied_loss(x, table, targets, bias, smoothing)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    for mine, other in zip(torch.autograd.grad(2 * ours, wanted), torch.autograd.grad(2 * theirs, wanted), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(tied_loss(x, table, targets, bias, smoothing), theirs)


def test_tied_loss_of_large_logits_is_finite():
    x, table = torch.full((2, 3), 1e3, requires_grad=True), torch.tensor([[1e3] * 3, [-1e3] * 3])
    loss = tied_loss(x, table, torch.tensor([0, 0]))
    loss.backward()
    assert loss.item() == 0.0 and torch.equal(x.grad, torch.zeros(2, 3))
