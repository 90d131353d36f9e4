"""Mixtures of experts against Hugging Face's Mixtral with random weights, and against sums written out by hand."""

import itertools
import math
from functools import partial

import pytest
import torch
from sklearn.metrics import mutual_info_score
from torch import nn

import lib.experts
from lib.corpora.domains import load_domains
from lib.decoding.quantise import quantised
from lib.experts import (
    MixtureOfExperts,
    active_parameters,
    balancing_loss,
    dispatch,
    expert_capacity,
    keep_within_capacity,
    load_balancing_loss,
    mixtures,
    mutual_information,
    route,
)
from lib.gpt import gpt_loss, initial_weights
from lib.layers import FeedForward, SwiGLU
from lib.llama import Llama
from tests.shapes import watched
from tests.test_llama import (
    D_FF,
    D_HEAD,
    D_MODEL,
    HEADS,
    LAYERS,
    OURS,
    VOCAB,
    close,
    generator,
    hugging_face,
    lively,
    neighbours,
    seeded,
    some_ids,
)

MIXTRAL = {"vocab": 32_000, "d_model": 4_096, "n_layers": 32, "n_heads": 32, "n_kv_heads": 8, "d_ff": 14_336}


def mixtral(n_experts, k):
    """Theirs with random weights, and ours with the same."""
    theirs = hugging_face(2, False, "Mixtral", num_local_experts=n_experts, num_experts_per_tok=k, sliding_window=None)
    theirs.set_experts_implementation("eager")  # the others want certain sizes, and no double precision
    made = partial(MixtureOfExperts, n_experts=n_experts, k=k)
    ours = Llama(VOCAB, D_MODEL, HEADS, LAYERS, D_FF, 2, D_HEAD, rope_base=500.0, tied=False, feed_forward=made)
    state = {}
    for name, tensor in theirs.state_dict().items():
        tensor = neighbours(tensor) if "q_proj" in name or "k_proj" in name else tensor
        for theirs_part, ours_part in {**OURS, "mlp.gate": "feed_forward.router", "mlp.": "feed_forward."}.items():
            name = name.replace(theirs_part, ours_part)
        for number, part in enumerate(tensor if "experts" in name else []):
            expert = name.replace("experts", f"experts.{number}").replace("down_proj", "narrow.weight")
            if "gate_up_proj" in name:
                state[expert.replace("gate_up_proj", "gate.weight")], part = part.chunk(2)
            state[expert.replace("gate_up_proj", "widen.weight")] = part
        if "experts" not in name:
            state[name] = tensor
    ours.load_state_dict(state)
    return theirs, ours.eval()


# ---------------------------------------------------------------------------------------------- against Hugging Face


@pytest.mark.parametrize(("n_experts", "k"), [(5, 2), (3, 3), (7, 1)])
def test_a_mixture_is_mixtrals_block_in_results_and_gradients(n_experts, k):
    # theirs rounds its routing to float32, so double precision does not help
    theirs, ours = (model.requires_grad_() for model in mixtral(n_experts, k))
    block, layer = theirs.model.layers[1].mlp, ours.blocks[1].feed_forward
    x = seeded(2, 11, D_MODEL).float()
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    results = [layer(inputs[0]), block(inputs[1])]
    close(*results)
    for result in results:
        (result * seeded(2, 11, D_MODEL, seed=1)).sum().backward()
    close(inputs[0].grad, inputs[1].grad)
    close(layer.router.weight.grad, block.gate.weight.grad)
    for number, expert in enumerate(layer.experts):
        up = torch.cat([expert.gate.weight.grad, expert.widen.weight.grad])
        close(up, block.experts.gate_up_proj.grad[number])
        close(expert.narrow.weight.grad, block.experts.down_proj.grad[number])


def test_a_llama_of_mixtures_is_mixtral():
    theirs, ours = mixtral(5, 2)
    ids = some_ids(2, 13)
    close(ours(ids), theirs(ids).logits, 1e-4)
    caches = ours.fresh_caches(2)
    close(torch.cat([ours(piece, caches) for piece in ids.split([6, 1, 4, 2], dim=1)], dim=1), ours(ids), 1e-4)
    close(ours.loss(ids), gpt_loss(ours, ids))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_balancing_loss_is_hugging_faces_by_assignment(k):
    """Theirs counts f for each of the k choices and adds up, so that an even router gets k; ours divides by k."""
    from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

    logits = seeded(37, 5).float()
    expected = load_balancing_loss_func((logits,), 5, k) / k
    close(load_balancing_loss(logits, route(logits, k)[0]), expected)


# ---------------------------------------------------------------------------------------------------------- its parts


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7)])
@pytest.mark.parametrize("k", [1, 2, 7])
def test_routing_is_a_softmax_over_the_largest_logits(shape, k):
    logits = seeded(*shape)
    experts, weights = route(logits, k)
    assert experts.shape == weights.shape == (*shape[:-1], k) and experts.dtype == torch.int64
    hidden = torch.full_like(logits, -math.inf).scatter(-1, experts, logits.gather(-1, experts))
    close(torch.zeros_like(logits).scatter(-1, experts, weights), hidden.softmax(-1), 1e-12)
    assert torch.equal(experts, logits.argsort(dim=-1, descending=True)[..., :k])


def test_with_one_expert_a_token_the_router_learns_nothing_from_the_weights():
    logits = seeded(5, 3).requires_grad_()
    (route(logits, 1)[1] * seeded(5, 1)).sum().backward()
    assert not logits.grad.any()


def test_dispatching_is_a_sum_over_tokens_and_places():
    x, chosen = seeded(13, 3), torch.randint(-1, 5, (13, 2), generator=generator())
    weights, experts = seeded(13, 2, seed=1), [nn.Linear(3, 3).double() for _ in range(5)]
    expected = torch.zeros(13, 3, dtype=torch.float64)
    for token, place in itertools.product(range(13), range(2)):
        if chosen[token, place] >= 0:
            expected[token] += weights[token, place] * experts[chosen[token, place]](x[token])
    close(dispatch(x, chosen, weights, experts), expected, 1e-12)


def test_an_expert_sees_its_own_tokens_and_no_others():
    seen = {}

    def expert(number):
        return lambda x: seen.setdefault(number, x)

    x = torch.arange(5.0)[:, None]
    chosen = torch.tensor([[0, 2], [2, 0], [-1, 0], [1, -1], [-1, -1]])
    dispatch(x, chosen, torch.ones(5, 2), [expert(number) for number in range(4)])
    assert {number: sorted(part.flatten().tolist()) for number, part in seen.items()} == {
        0: [0, 1, 2],
        1: [3],
        2: [0, 1],
        3: [],
    }


def test_the_balancing_loss_is_one_when_even_and_the_number_of_experts_when_all_go_to_one():
    even = torch.zeros(12, 6)
    close(load_balancing_loss(even, torch.arange(24).view(12, 2) % 6), torch.tensor(1.0))
    one = torch.zeros(12, 6).index_fill(1, torch.tensor([2]), 100.0)
    close(load_balancing_loss(one, torch.full((12, 1), 2)), torch.tensor(6.0))


def test_the_balancing_loss_pulls_the_crowded_experts_logits_down():
    logits = torch.zeros(8, 4, requires_grad=True)
    load_balancing_loss(logits, torch.tensor([[0]] * 6 + [[1]] * 2)).backward()
    crowded, some, *none = logits.grad.sum(dim=0).tolist()
    assert crowded > 0 > none[0] and crowded > some and none[0] == pytest.approx(none[1])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("n_tokens", "k", "n_experts"), [(13, 2, 5), (17, 1, 3), (7, 3, 3), (1, 2, 2)])
def test_capacity_serves_first_choices_first(seed, n_tokens, k, n_experts):
    chosen = torch.rand(n_tokens, n_experts, generator=generator(seed)).argsort(dim=-1)[:, :k]
    for capacity in (0, 1, 3, n_tokens):
        left, expected = [capacity] * n_experts, torch.zeros(n_tokens, k, dtype=torch.bool)
        for place, token in itertools.product(range(k), range(n_tokens)):
            expert = chosen[token, place]
            expected[token, place] = left[expert] > 0
            left[expert] -= 1
        kept = keep_within_capacity(chosen, n_experts, capacity)
        assert kept.dtype == torch.bool and torch.equal(kept, expected)


def test_capacity_is_the_even_share_times_a_factor():
    assert expert_capacity(1_024, 1, 8, 1.0) == 128 and expert_capacity(1_000, 2, 8, 1.25) == 313
    assert expert_capacity(1, 1, 8) == 1 and expert_capacity(12, 2, 3, 2.0) == 16


def test_dropped_tokens_get_nothing_and_enough_room_changes_nothing():
    sizes = {"d_model": 6, "d_ff": 5, "n_experts": 4, "k": 2}
    free, roomy, tight = (lively(MixtureOfExperts(**sizes, capacity_factor=f)) for f in (None, 2.0, 0.5))
    x = seeded(2, 11, 6).float()
    assert torch.equal(free(x), roomy(x))  # of 22 tokens an expert gets 22 at most
    kept = keep_within_capacity(route(tight.router(x.flatten(0, 1)), 2)[0], 4, expert_capacity(22, 2, 4, 0.5))
    close(tight(x).flatten(0, 1)[kept.all(1)], free(x).flatten(0, 1)[kept.all(1)])
    assert not tight(x).flatten(0, 1)[~kept.any(1)].any() and 0 < kept.sum() <= 24
    assert (~kept.any(1)).any() and kept.all(1).any()


@pytest.mark.parametrize("shape", [(7,), (1, 7), (5, 7), (2, 3, 5, 7), (0, 7)])
def test_any_leading_axes_and_any_kind_of_expert(shape):
    layer = lively(MixtureOfExperts(7, 11, 5, 2, expert=FeedForward)).double()
    x = seeded(*shape)
    expected = [layer(row[None])[0] for row in x.reshape(-1, 7)]
    close(layer(x).reshape(-1, 7), torch.stack(expected) if expected else x, 1e-12)
    assert layer(x).shape == x.shape and layer.logits.shape == (x.numel() // 7, 5)
    with pytest.raises(ValueError, match="k=6: a token uses at least 1 and at most all n_experts=5"):
        MixtureOfExperts(7, 11, 5, 6)


def test_one_expert_is_a_dense_layer():
    layer = lively(MixtureOfExperts(7, 11, 1, 1)).double()
    x = seeded(3, 7)
    close(layer(x), layer.experts[0](x), 1e-12)


def test_its_shape_comments_are_true():
    layer = MixtureOfExperts(7, 11, 5, 2, capacity_factor=1.0)
    with watched([lib.experts]) as seen:
        layer(seeded(2, 3, 7).float())
        load_balancing_loss(layer.logits, layer.chosen)
        mutual_information(torch.ones(3, 5))
    assert len(seen) == 5


# ----------------------------------------------------------------------------------------------------- whole models


def small(**named):
    made = partial(MixtureOfExperts, n_experts=5, k=2, **named)
    return initial_weights(Llama(VOCAB, 12, 3, 2, 7, feed_forward=made), generator())


def test_a_model_of_experts_trains_and_the_loss_reaches_every_part():
    model, ids = small(), some_ids(8, 13)
    optimiser, losses = torch.optim.AdamW(model.parameters(), lr=1e-2), []
    for _ in range(30):
        optimiser.zero_grad()
        loss = model.loss(ids)
        (loss + 0.01 * balancing_loss(model)).backward()
        assert all(parameter.grad is not None for parameter in model.parameters())
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2 and len(mixtures(model)) == 2
    assert quantised(model.eval())(ids).shape == (8, 13, VOCAB)


def test_without_experts_there_is_nothing_to_balance():
    assert balancing_loss(Llama(VOCAB, 12, 3, 2, 7)) == 0
    model = small()
    model(some_ids(2, 5))
    losses = [load_balancing_loss(layer.logits, layer.chosen) for layer in mixtures(model)]
    close(balancing_loss(model), torch.stack(losses).mean())


def test_mixtral_has_47_billion_parameters_of_which_a_token_meets_13():
    assert active_parameters(**MIXTRAL, n_experts=8, k=8) == 46_702_792_704
    assert active_parameters(**MIXTRAL, n_experts=8, k=2) == 12_879_925_248


@pytest.mark.parametrize(("n_experts", "k"), [(8, 8), (8, 2), (3, 1)])
def test_parameters_are_counted_as_hugging_faces_mixtral_has_them(n_experts, k):
    from transformers import MixtralConfig, MixtralForCausalLM

    sizes = {"vocab": 61, "d_model": 20, "n_layers": 3, "n_heads": 10, "n_kv_heads": 5, "d_ff": 7}
    config = MixtralConfig(
        vocab_size=61,
        hidden_size=20,
        intermediate_size=7,
        num_hidden_layers=3,
        num_attention_heads=10,
        num_key_value_heads=5,
        num_local_experts=n_experts,
    )
    with torch.device("meta"):
        model = MixtralForCausalLM(config)
    everything = sum(parameter.numel() for parameter in model.parameters())
    idle = 3 * (n_experts - k) * sum(p[0].numel() for p in model.model.layers[0].mlp.experts.parameters())
    assert active_parameters(**sizes, n_experts=n_experts, k=k) == everything - idle
    mine = Llama(61, 20, 10, 3, 7, 5, tied=False, feed_forward=partial(MixtureOfExperts, n_experts=n_experts, k=k))
    assert sum(parameter.numel() for parameter in mine.parameters()) == everything


def test_mutual_information_is_scikit_learns_in_bits():
    counts = torch.randint(0, 4, (5, 7), generator=generator())
    assert (counts == 0).any()
    expected = mutual_info_score(None, None, contingency=counts.numpy()) / math.log(2)
    assert mutual_information(counts) == pytest.approx(expected, abs=1e-12)
    assert mutual_information(9 * torch.eye(4)) == pytest.approx(2)
    assert mutual_information(torch.ones(3, 4)) == pytest.approx(0, abs=1e-12)


def test_a_swiglu_is_the_expert_of_the_course():
    assert all(isinstance(expert, SwiGLU) for expert in MixtureOfExperts(4, 5, 3, 2).experts)


def test_the_domains_are_four_texts_of_equal_length_that_differ():
    texts = load_domains(30_000)
    assert list(texts) == ["stories", "italian", "dates", "relations"] and {*map(len, texts.values())} == {30_000}
    letters = {name: set(text) for name, text in texts.items()}
    assert letters["relations"].isdisjoint("0123456789=") and letters["dates"] > set("0123456789=")
    assert "à" in letters["italian"]
    assert {len(text) for text in load_domains().values()} == {400_000}
