"""lib.attention against PyTorch's own attention, and what a mask promises."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from lib.attention import (
    MultiHeadAttention,
    SelfAttention,
    attention,
    attention_gradient,
    average_so_far,
    causal_mask,
    fused_attention,
    future_leak,
    join_heads,
    padding_mask,
    simple_self_attention,
    split_heads,
    stable_softmax,
    weighted_average,
)

D_MODEL, N_HEADS, QUERY, KEY = 21, 3, 5, 11  # d_head is 7


def random(seed, *shape, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def random_mask(seed, *shape):
    mask = torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) > 0.4
    mask[..., 0] = True
    return mask


MASKS = {
    "none": None,
    "causal": torch.ones(QUERY, KEY, dtype=torch.bool).tril(KEY - QUERY),
    "padding": (torch.arange(KEY) < torch.tensor([[KEY], [4]]))[:, None, None, :],
    "each head its own": random_mask(3, 2, N_HEADS, QUERY, KEY),
    "a row that may look nowhere": torch.arange(QUERY)[:, None].ne(2).expand(QUERY, KEY),
}


def qkv(dtype=torch.float64, d_value=7):
    sizes = (QUERY, 7), (KEY, 7), (KEY, d_value)
    return [random(seed, 2, N_HEADS, *size, dtype=dtype).requires_grad_() for seed, size in enumerate(sizes)]


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_attention_equals_pytorchs_in_results_and_gradients(name, dtype, tolerance):
    q, k, v = qkv(dtype)
    reference = functional.scaled_dot_product_attention(q, k, v, attn_mask=MASKS[name])
    upstream = random(9, *reference.shape, dtype=dtype)
    expected = reference, *torch.autograd.grad(reference, (q, k, v), upstream)
    for mixed in (attention(q, k, v, MASKS[name])[0], fused_attention(q, k, v, MASKS[name])):
        found = mixed, *torch.autograd.grad(mixed, (q, k, v), upstream)
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("lead", [(), (2,), (2, 3), (2, 3, 2)])
def test_attention_takes_any_leading_dimensions_and_values_of_another_size(lead):
    q, k, v = (random(seed, *lead, n, d) for seed, (n, d) in enumerate(((5, 7), (11, 7), (11, 2))))
    mixed, weights = attention(q, k, v)
    assert weights.shape == (*lead, 5, 11)
    torch.testing.assert_close(weights.sum(-1), torch.ones(*lead, 5, dtype=torch.float64))
    torch.testing.assert_close(mixed, functional.scaled_dot_product_attention(q, k, v), rtol=1e-10, atol=1e-10)


def test_a_query_that_may_look_nowhere_gets_zeros_and_spoils_no_gradient():
    q, k, v = qkv()
    mask = MASKS["a row that may look nowhere"]
    mixed, weights = attention(q, k, v, mask)
    assert not mixed[..., 2, :].any() and not weights[..., 2, :].any()
    mixed.sum().backward()
    assert all(part.grad.isfinite().all() for part in (q, k, v))
    assert q.grad[..., 0, :].any() and not q.grad[..., 2, :].any()


def test_all_padding_gives_zeros():
    mask = torch.zeros(2, 1, 1, KEY, dtype=torch.bool)
    layer = MultiHeadAttention(D_MODEL, N_HEADS).double()
    out = layer(random(0, 2, QUERY, D_MODEL), random(1, 2, KEY, D_MODEL), mask)
    assert not out.any()  # no bias: W_O of 0 is 0
    out.sum().backward()
    assert all(part.grad.isfinite().all() for part in layer.parameters())


def test_no_keys_at_all_give_zeros_and_no_queries_give_nothing():
    layer = MultiHeadAttention(D_MODEL, N_HEADS).double()
    some, none = random(0, 2, QUERY, D_MODEL), random(0, 2, 0, D_MODEL)
    assert not layer(some, none).any()
    assert layer(none, some).shape == (2, 0, D_MODEL)
    assert layer(some[:0]).shape == (0, QUERY, D_MODEL)
    mixed, weights = attention(some, none, none)
    assert not mixed.any() and weights.shape == (2, QUERY, 0)


def test_a_single_token_attends_to_itself():
    layer, x = MultiHeadAttention(D_MODEL, N_HEADS).double(), random(0, 2, 1, D_MODEL)
    torch.testing.assert_close(layer(x), layer.to_out(layer.to_v(x)))


def test_large_scores_stay_finite():
    q, k, v = (1e4 * part.detach().float() for part in qkv())
    mixed, weights = attention(q, k, v)
    assert mixed.isfinite().all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, N_HEADS, QUERY))


def test_shuffling_keys_with_their_values_changes_nothing():
    q, k, v = (part.detach() for part in qkv())
    order = torch.randperm(KEY, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(attention(q, k[..., order, :], v[..., order, :])[0], attention(q, k, v)[0])


@pytest.mark.parametrize(
    ("q", "k", "v"), [((5, 7), (11, 7), (5, 7)), ((5, 7), (5, 7), (11, 7)), ((5, 3), (11, 7), (11, 7))]
)
def test_fused_attention_refuses_lengths_that_its_kernel_would_read_past(q, k, v):
    q, k, v = (random(0, 2, N_HEADS, *shape) for shape in (q, k, v))
    with pytest.raises(ValueError, match=r"q, k, v of shapes \(2, 3, 5, "):
        fused_attention(q, k, v)


def test_stable_softmax_equals_pytorchs():
    scores = 300 * random(0, 2, 3, 7)
    torch.testing.assert_close(stable_softmax(scores), scores.softmax(-1), rtol=1e-12, atol=1e-12)


def test_the_average_so_far_is_causal_attention_that_finds_all_keys_alike():
    x = random(0, 2, 5, 7)
    mixed, weights = average_so_far(x)
    expected = functional.scaled_dot_product_attention(torch.zeros_like(x), x, x, is_causal=True)
    torch.testing.assert_close(mixed, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(weights @ x, mixed)


def test_simple_self_attention_is_attention_without_matrices_and_scale():
    x = random(0, 2, 5, 7)
    mixed, weights = simple_self_attention(x)
    expected = functional.scaled_dot_product_attention(x, x, x, scale=1.0)
    torch.testing.assert_close(mixed, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(weights, torch.einsum("bid,bjd->bij", x, x).softmax(-1))
    torch.testing.assert_close(weighted_average(weights[0, 0], x[0]), mixed[0, 0])


@pytest.mark.parametrize("scale", [1.0, 8.0])
def test_the_gradient_by_hand_equals_autograds(scale):
    q, k, v = (scale * part.detach() for part in qkv(d_value=2))
    upstream = random(9, 2, N_HEADS, QUERY, 2)
    inputs = [part.requires_grad_() for part in (q, k, v)]
    expected = torch.autograd.grad(functional.scaled_dot_product_attention(q, k, v), inputs, upstream)
    torch.testing.assert_close(attention_gradient(q, k, v, upstream), expected, rtol=1e-8, atol=1e-10)


def test_one_head_equals_pytorchs_layer():
    head, theirs = SelfAttention(7, 7).double(), nn.MultiheadAttention(7, 1, bias=False, batch_first=True).double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([head.to_q.weight, head.to_k.weight, head.to_v.weight]))
        theirs.out_proj.weight.copy_(torch.eye(7))
    x = random(0, 2, QUERY, 7)
    mixed, weights = head(x, causal_mask(QUERY))
    torch.testing.assert_close((mixed, weights), theirs(x, x, x, attn_mask=~causal_mask(QUERY)))
    assert SelfAttention(7, 3)(x.float())[0].shape == (2, QUERY, 3)


def pytorchs_twin(ours: MultiHeadAttention, bias: bool) -> nn.MultiheadAttention:
    theirs = nn.MultiheadAttention(D_MODEL, N_HEADS, bias=bias, batch_first=True).double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.to_q.weight, ours.to_k.weight, ours.to_v.weight]))
        theirs.out_proj.weight.copy_(ours.to_out.weight)
        if bias:
            theirs.in_proj_bias.copy_(torch.cat([ours.to_q.bias, ours.to_k.bias, ours.to_v.bias]))
            theirs.out_proj.bias.copy_(ours.to_out.bias)
    return theirs


@pytest.mark.parametrize("name", ["none", "causal", "padding", "each head its own"])
@pytest.mark.parametrize("keep_weights", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_multi_head_attention_equals_pytorchs_layer_with_its_weights(name, keep_weights, bias):
    ours = MultiHeadAttention(D_MODEL, N_HEADS, bias=bias).double()
    ours.keep_weights = keep_weights
    theirs = pytorchs_twin(ours, bias)
    x, context = random(0, 2, QUERY, D_MODEL).requires_grad_(), random(1, 2, KEY, D_MODEL).requires_grad_()
    forbidden = None
    if MASKS[name] is not None:  # PyTorch: (batch * heads, query, key), True where looking is forbidden
        forbidden = ~MASKS[name].expand(2, N_HEADS, QUERY, KEY).reshape(2 * N_HEADS, QUERY, KEY)
    mine = ours(x, context, MASKS[name])
    expected, weights = theirs(x, context, context, attn_mask=forbidden, average_attn_weights=False)
    torch.testing.assert_close(mine, expected, rtol=1e-10, atol=1e-10)
    if keep_weights:
        torch.testing.assert_close(ours.weights, weights, rtol=1e-10, atol=1e-10)

    upstream = random(9, *mine.shape)
    inputs = torch.autograd.grad(mine, (x, context), upstream, retain_graph=True)
    torch.testing.assert_close(inputs, torch.autograd.grad(expected, (x, context), upstream, retain_graph=True))
    mine.backward(upstream)
    expected.backward(upstream)
    gradients = torch.cat([layer.weight.grad for layer in (ours.to_q, ours.to_k, ours.to_v)])
    torch.testing.assert_close(gradients, theirs.in_proj_weight.grad, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(ours.to_out.weight.grad, theirs.out_proj.weight.grad, rtol=1e-8, atol=1e-8)


def test_weights_are_kept_only_when_asked():
    layer, x = MultiHeadAttention(D_MODEL, N_HEADS), random(0, 2, QUERY, D_MODEL, dtype=torch.float32)
    layer(x)
    assert layer.weights is None
    layer.keep_weights = True
    layer(x)
    assert layer.weights.shape == (2, N_HEADS, QUERY, QUERY)


def test_heads_must_share_d_model_equally():
    with pytest.raises(ValueError, match="d_model=10 does not split into n_heads=3 equal heads"):
        MultiHeadAttention(10, 3)


def test_split_and_join_undo_each_other_and_keep_slices():
    x = random(0, 2, QUERY, D_MODEL)
    heads = split_heads(x, N_HEADS)
    assert torch.equal(heads[:, 1], x[..., 7:14])
    assert torch.equal(join_heads(heads), x)


def test_masks_are_bool_and_true_where_looking_is_allowed():
    expected = torch.tensor([[True, False, False], [True, True, False], [True, True, True]])
    assert torch.equal(causal_mask(3), expected)
    assert causal_mask(0).shape == (0, 0)
    mask = padding_mask(torch.tensor([[5, 3, 9], [3, 3, 3]]), padding=3)
    assert torch.equal(mask, torch.tensor([[[[True, False, True]]], [[[False, False, False]]]]))


@pytest.mark.parametrize("keep_weights", [False, True])
def test_the_future_cannot_change_the_past(keep_weights):
    layer, x = MultiHeadAttention(D_MODEL, N_HEADS).double(), random(0, 2, QUERY, D_MODEL)
    layer.keep_weights = keep_weights
    assert future_leak(lambda x: layer(x, mask=causal_mask(QUERY)), x) < 1e-12
    assert future_leak(layer, x) > 1e-3


def test_future_leak_finds_the_smallest_leak_between_neighbours():
    x = random(0, 2, QUERY, D_MODEL)
    place = 3
    leaky = torch.eye(QUERY, dtype=torch.float64)
    leaky[place, place + 1] = 1e-6
    expected = 2e-6 * x[:, place + 1].abs().max()
    assert math.isclose(future_leak(lambda x: leaky @ x, x), expected, rel_tol=1e-6)


def test_future_leak_of_a_single_position_is_zero():
    assert future_leak(lambda x: x, random(0, 2, 1, 3)) == 0.0
