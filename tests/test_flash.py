"""Flash attention against PyTorch's own kernel, softmax and logsumexp; its memory, measured."""

import math
from itertools import pairwise

import pytest
import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from lib.flash import attend_tile, flash_attention, merge_tiles, online_softmax, peak_bytes

SIZES = 2, 3, 13, 17, 5, 7  # batch, heads, query, key, d_head, d_value


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def drawn(generator, *, query=13, key=17, bits=torch.float64):
    batch, heads, _, _, d_head, d_value = SIZES
    shapes = (query, d_head), (key, d_head), (key, d_value)
    return [torch.randn(batch, heads, *shape, generator=generator, dtype=bits, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("n", [1, 2, 5, 301])
def test_one_pass_gives_what_logsumexp_gives(n, generator):
    scores = 30 * torch.randn(n, generator=generator, dtype=torch.float64)
    largest, total = online_softmax(iter(scores.tolist()))
    assert largest == scores.max().item()
    assert largest + math.log(total) == pytest.approx(scores.logsumexp(0).item(), rel=1e-12)


@pytest.mark.parametrize("tile", [1, 2, 4, 13, 64])
@pytest.mark.parametrize("kind", ["nothing", "mask", "padding", "causal"])
def test_the_mix_and_its_gradients_are_those_of_pytorchs_kernel(kind, tile, generator):
    q, k, v = drawn(generator, key=13 if kind == "causal" else 17)
    mask = {
        "mask": torch.rand(13, 17, generator=generator) < 0.6,
        "padding": torch.arange(17)[None, None, None] < torch.tensor([11, 17])[:, None, None, None],
    }.get(kind)
    if kind == "mask":
        mask[:, 0] = True  # the kernel gives NaN where nothing is seen
    ours = flash_attention(q, k, v, mask, causal=kind == "causal", tile=tile)
    theirs = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=kind == "causal")
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)
    upstream = torch.randn(ours.shape, generator=generator, dtype=ours.dtype)
    mine, right = (torch.autograd.grad((result * upstream).sum(), (q, k, v)) for result in (ours, theirs))
    assert all(torch.allclose(a, b, rtol=0, atol=1e-11) for a, b in zip(mine, right, strict=True))


def test_float32_is_as_exact_as_pytorchs_kernel(generator):
    q, k, v = drawn(generator, query=300, key=300, bits=torch.float32)
    exact = functional.scaled_dot_product_attention(q.double(), k.double(), v.double(), is_causal=True)
    assert (flash_attention(q, k, v, causal=True) - exact).abs().max() < 1e-6


def test_a_query_that_sees_nothing_gets_zeros_and_finite_gradients(generator):
    q, k, v = drawn(generator)
    mask = torch.ones(13, 1, dtype=torch.bool)
    mask[[0, 5, 12]] = False
    mixed = flash_attention(q, k, v, mask, tile=4)
    assert not mixed[:, :, [0, 5, 12]].any() and mixed[:, :, 1].any()
    mixed.square().sum().backward()
    assert all(part.grad.isfinite().all() for part in (q, k, v))


def test_tiles_may_be_merged_in_any_order(generator):
    q, k, v = drawn(generator)
    parts = [attend_tile(q, keys, values) for keys, values in zip(k.split(5, -2), v.split(5, -2), strict=True)]
    one, two, three, four = parts
    left = merge_tiles(merge_tiles(merge_tiles(one, two), three), four)
    tree = merge_tiles(merge_tiles(four, two), merge_tiles(three, one))
    assert all(torch.allclose(a, b, rtol=0, atol=1e-12) for a, b in zip(left, tree, strict=True))


def test_the_future_is_not_even_computed(generator):
    q, k, v = (part.detach() for part in drawn(generator, query=12, key=12))
    v[:, :, 8:] = math.inf
    assert flash_attention(q, k, v, causal=True, tile=4)[:, :, :8].isfinite().all()


def test_peak_bytes_counts_what_is_held_at_one_time():
    x = torch.zeros(1000)  # 4,000 bytes each

    def two_then_one(x):
        a = x + 1
        b = a * 2
        del a
        c = b - 1
        return c[:10].view(2, 5)

    assert peak_bytes(two_then_one, x) == 8000
    assert peak_bytes(lambda x: x.view(10, 100).T, x) == 0  # a view of what was given


def test_memory_grows_with_the_length_and_not_with_its_square(generator):
    def parts(n):
        return [torch.randn(n, 16, generator=generator) for _ in range(3)]

    tiled = [peak_bytes(flash_attention, *parts(n), causal=True) for n in (512, 1024, 2048)]
    assert all(after < 2.3 * before for before, after in pairwise(tiled))
    assert tiled[-1] < 2048 * 2048 / 4  # a quarter of a byte for each pair

    def recomputed(q, k, v):
        return torch.cat([checkpoint(flash_attention, rows, k, v, use_reentrant=False) for rows in q.split(64)])

    trained = [part.requires_grad_() for part in parts(1024)]
    assert peak_bytes(recomputed, *trained) < peak_bytes(flash_attention, *trained) / 5
