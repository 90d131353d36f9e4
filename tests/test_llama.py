"""Llama and its parts against Hugging Face's Llama and Mistral with random weights, and PyTorch's own layers."""

import copy
import random

import pytest
import torch
from torch import nn
from torch.nn import functional

import lib.attention
from lib.attention import (
    GroupedQueryAttention,
    MultiHeadAttention,
    attention,
    causal_mask,
    fused_attention,
    future_leak,
    repeat_kv,
    sliding_window_mask,
    split_heads,
)
from lib.cache import KeyValueCache, fit_context, pad_left, prefill_mask
from lib.checkpoints import load, save
from lib.decoding.generate import CachedGPT, generate_batch, lay_out_for_decoding
from lib.decoding.quantise import Int8Linear, quantised
from lib.gpt import gpt_loss, initial_weights
from lib.layers import RMSNorm, SwiGLU
from lib.llama import Llama, LlamaBlock
from lib.positions import FusedRotaryPositions, RotaryPositions
from tests.shapes import watched
from tests.test_cache import pieces

VOCAB, D_MODEL, HEADS, LAYERS, D_FF, D_HEAD = 61, 18, 6, 3, 17, 4  # 6 heads of 4 are wider than d_model


pytestmark = pytest.mark.usefixtures("one_thread")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def seeded(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def lively(model, seed=0):
    """Random weights large enough that every part matters."""
    chance = generator(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=chance) + name.endswith(("norm", "scale")))
    return model.eval().requires_grad_(False)


def llama(n_kv_heads=2, seed=0, **named):
    return lively(Llama(VOCAB, D_MODEL, HEADS, LAYERS, D_FF, n_kv_heads, D_HEAD, **named), seed)


def some_ids(*shape, seed=0):
    return torch.randint(VOCAB, shape, generator=generator(seed))


def likeliest(logits, ids):
    return int(logits.argmax())


# ---------------------------------------------------------------------------------------------- against Hugging Face


def hugging_face(n_kv_heads, tied=True, kind="Llama", **named):
    import transformers

    config = getattr(transformers, f"{kind}Config")(
        vocab_size=VOCAB,
        hidden_size=D_MODEL,
        num_attention_heads=HEADS,
        num_hidden_layers=LAYERS,
        intermediate_size=D_FF,
        num_key_value_heads=n_kv_heads,
        head_dim=D_HEAD,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
        tie_word_embeddings=tied,
        **named,
    )
    return lively(getattr(transformers, f"{kind}ForCausalLM")(config))


OURS = {
    "self_attn.q_proj": "attention.to_q",
    "self_attn.k_proj": "attention.to_k",
    "self_attn.v_proj": "attention.to_v",
    "self_attn.o_proj": "attention.to_out",
    "mlp.gate_proj": "feed_forward.gate",
    "mlp.up_proj": "feed_forward.widen",
    "mlp.down_proj": "feed_forward.narrow",
    "input_layernorm.weight": "attention_norm.scale",
    "post_attention_layernorm.weight": "feed_forward_norm.scale",
    "model.norm.weight": "norm.scale",
    "model.embed_tokens": "embedding",
    "model.layers": "blocks",
    "lm_head": "head",
}


def neighbours(weight):
    """Their pairs are i and i + d_head / 2, ours 2i and 2i + 1: the rows of each head in another order."""
    return weight.unflatten(0, (-1, 2, D_HEAD // 2)).transpose(1, 2).flatten(0, 2)


def copied(theirs, n_kv_heads, tied=True, **named):
    model = Llama(VOCAB, D_MODEL, HEADS, LAYERS, D_FF, n_kv_heads, D_HEAD, rope_base=500.0, tied=tied, **named)
    state = {}
    for name, tensor in theirs.state_dict().items():
        tensor = neighbours(tensor) if "q_proj" in name or "k_proj" in name else tensor
        for theirs_part, ours_part in OURS.items():
            name = name.replace(theirs_part, ours_part)
        state[name] = tensor
    model.load_state_dict(state)
    return model.eval().requires_grad_(False)


def close(ours, theirs, tolerance=1e-5):
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("n_kv_heads", [1, 2, 3, 6])
def test_logits_and_loss_are_hugging_faces(n_kv_heads, tied):
    theirs, ids = hugging_face(n_kv_heads, tied), some_ids(3, 37)
    ours = copied(theirs, n_kv_heads, tied)
    close(ours(ids), theirs(ids).logits)
    close(ours.loss(ids), theirs(ids, labels=ids).loss)


def test_gradients_are_hugging_faces():
    theirs, ids = hugging_face(2, tied=False), some_ids(2, 11)
    ours = copied(theirs, 2, tied=False)
    for model in (ours, theirs):
        model.requires_grad_()
    ours.loss(ids).backward()
    theirs(ids, labels=ids).loss.backward()
    close(ours.embedding.weight.grad, theirs.model.embed_tokens.weight.grad)
    close(ours.head.weight.grad, theirs.lm_head.weight.grad)
    for mine, block in zip(ours.blocks, theirs.model.layers, strict=True):
        close(mine.attention.to_q.weight.grad, neighbours(block.self_attn.q_proj.weight.grad))
        close(mine.attention.to_k.weight.grad, neighbours(block.self_attn.k_proj.weight.grad))
        close(mine.attention.to_v.weight.grad, block.self_attn.v_proj.weight.grad)
        close(mine.feed_forward.gate.weight.grad, block.mlp.gate_proj.weight.grad)
        close(mine.feed_forward_norm.scale.grad, block.post_attention_layernorm.weight.grad)


@pytest.mark.parametrize("window", [1, 5, 64])
def test_a_window_is_mistrals(window):
    theirs = hugging_face(2, kind="Mistral", sliding_window=window)
    ours, ids = copied(theirs, 2, window=window), some_ids(2, 29)
    close(ours(ids), theirs(ids).logits)
    assert (window < 29) == (not torch.allclose(ours(ids), copied(theirs, 2)(ids), atol=1e-3))


@pytest.mark.parametrize(("kind", "window"), [("Llama", None), ("Mistral", 7)])
def test_hugging_face_writes_the_same_after_prompts_of_unequal_length(kind, window):
    theirs = hugging_face(3, kind=kind, **({} if window is None else {"sliding_window": window}))
    ours = copied(theirs, 3, window=window)
    prompts = [[5, 6, 7, 8, 9, 10, 11], [3], [50, 20, 15]]
    ids, empty = pad_left(prompts, padding=1)
    mask = (torch.arange(ids.shape[1]) >= empty[:, None]).long()
    theirs.generation_config.eos_token_id = None
    settings = {"max_new_tokens": 30, "do_sample": False, "use_cache": True, "pad_token_id": 1}
    expected = theirs.generate(ids, attention_mask=mask, **settings)[:, ids.shape[1] :].tolist()
    assert generate_batch(ours, prompts, 30, likeliest) == expected
    assert generate_batch(lay_out_for_decoding(ours), prompts, 30, likeliest) == expected


# ----------------------------------------------------------------------------------------------------------- the cache


@pytest.mark.parametrize("seed", range(8))
def test_a_padded_batch_in_pieces_gives_each_row_what_it_gives_alone(seed):
    chance = random.Random(seed)
    model = llama(chance.choice([1, 2, 3, 6]), seed, window=chance.choice([None, 1, 4]), n_positions=19)
    texts = [[chance.randrange(VOCAB) for _ in range(chance.randint(1, 19))] for _ in range(chance.randint(1, 5))]
    ids, empty = pad_left(texts, padding=chance.randrange(VOCAB))
    caches, read = model.fresh_caches(len(texts)), []
    for piece in ids.split(pieces(ids.shape[1], chance), dim=1):
        read.append(model(piece, caches, empty))
    for text, row in zip(texts, torch.cat(read, dim=1), strict=True):
        close(row[-len(text) :], model(torch.tensor([text]))[0], 2e-5)
    close(model.read_on(ids, model.fresh_caches(len(texts)), empty), read[-1][:, -1], 2e-5)


@pytest.mark.parametrize("window", [None, 1, 4, 30])
@pytest.mark.parametrize("sizes", [[13], [1] * 13, [6, 1, 4, 2], [2, 10, 1]])
def test_a_text_in_pieces_is_the_text_at_once(sizes, window):
    model, ids = llama(window=window), some_ids(2, 13)
    caches = model.fresh_caches(2)
    read = [model(piece, caches) for piece in ids.split(sizes, dim=1)]
    close(torch.cat(read, dim=1), model(ids), 2e-5)


@pytest.mark.parametrize("window", [None, 3])
def test_texts_longer_than_the_caches_go_on_from_their_end(window):
    model = llama(seed=3, window=window, n_positions=8)
    prompts = [[1, 2, 3], [4], list(range(20))]
    for prompt, row in zip(prompts, generate_batch(model, prompts, 25, likeliest), strict=True):
        for i, token in enumerate(row):
            logits = model(torch.tensor([fit_context(prompt + row[:i], 8)]))[0, -1]
            assert logits.max() - logits[token] < 1e-4
    with pytest.raises(ValueError, match="9 tokens does not fit into 8"):
        CachedGPT(model, overflow="error")(list(range(9)))


def test_the_cache_shrinks_as_key_and_value_heads_do():
    sizes = [sum(cache.keys.numel() for cache in llama(n).fresh_caches(2)) for n in (6, 3, 2, 1)]
    assert sizes == [sizes[3] * n for n in (6, 3, 2, 1)] and sizes[3] == 2 * 2_048 * D_HEAD * LAYERS


def test_int8_products_give_nearly_the_same_text_and_leave_the_first_alone():
    for tied in (True, False):
        model, ids = initial_weights(llama(tied=tied), generator()), some_ids(3, 11)
        small, before = quantised(model), model(ids)
        kinds = [type(part) for part in small.modules() if not list(part.children())]
        assert kinds.count(Int8Linear) == 7 * LAYERS + 1 and nn.Linear not in kinds
        assert 0 < (small(ids) - before).std() < 0.05 * before.std()
        assert torch.equal(model(ids), before) and small.embedding.weight is model.embedding.weight
        assert abs(small.loss(ids) / model.loss(ids) - 1) < 0.01
        torch.testing.assert_close(CachedGPT(small)(ids[0].tolist()), small(ids)[0, -1], rtol=0.1, atol=0.01)


# ---------------------------------------------------------------------------------------------------------- the model


def test_the_future_cannot_change_the_past():
    model = llama(window=4)

    def run(x):
        for block in model.blocks:
            x = block(x)
        return x

    assert future_leak(run, seeded(2, 9, D_MODEL).float()) == 0.0
    ids, changed = some_ids(1, 9), some_ids(1, 9)
    changed[0, 6:] += 1 - 2 * (changed[0, 6:] == VOCAB - 1)
    assert torch.equal(model(ids)[:, :6], model(changed)[:, :6])
    assert not torch.equal(model(ids)[:, 6:], model(changed)[:, 6:])


def test_windows_reach_further_from_block_to_block():
    """Three blocks that see 3 positions each: 6 back, and no further."""
    model, ids = llama(window=3), some_ids(1, 12)
    moved = []
    for place in range(12):
        changed = ids.clone()
        changed[0, place] = (changed[0, place] + 1) % VOCAB
        moved.append(not torch.equal(model(changed)[0, -1], model(ids)[0, -1]))
    assert moved == [False] * 5 + [True] * 7


def test_a_shift_of_all_positions_changes_nothing():
    layer = GroupedQueryAttention(20, 5, 1, rotate=RotaryPositions(4)).double().requires_grad_(False)
    x, started = seeded(2, 7, 20), KeyValueCache(2, 1, 50, 4, like=seeded(1))
    started.length = 40
    started.keys.zero_(), started.values.zero_()
    hidden = torch.cat([torch.zeros(7, 40, dtype=torch.bool), causal_mask(7)], dim=1)
    close(layer(x, mask=hidden, cache=started), layer(x, mask=causal_mask(7)), 1e-5)


def test_the_tied_table_is_one_parameter_and_one_stored_tensor(tmp_path):
    tied, untied = llama(), llama(tied=False)
    count = {model: sum(parameter.numel() for parameter in model.parameters()) for model in (tied, untied)}
    assert count[untied] - count[tied] == VOCAB * D_MODEL
    save(tmp_path / "llama.safetensors", tied, {})
    assert (tmp_path / "llama.safetensors").stat().st_size < 4 * count[untied]
    loaded = Llama(VOCAB, D_MODEL, HEADS, LAYERS, D_FF, 2, D_HEAD)
    loaded.load_state_dict(load(tmp_path / "llama.safetensors")[0])
    assert torch.equal(loaded(some_ids(2, 7)), tied(some_ids(2, 7)))


@pytest.mark.parametrize("window", [None, 3])
def test_everything_is_made_on_the_models_device(window):
    """PyTorch's device without numbers stands for a graphics card: it refuses what lies elsewhere."""
    model, ids = llama(window=window).to("meta"), some_ids(2, 7).to("meta")
    caches = model.fresh_caches(2)
    for piece in ids.split([4, 2, 1], dim=1):
        assert model.read_on(piece, caches, torch.tensor([0, 2])).shape == (2, VOCAB)
    assert model(ids).device.type == model.loss(ids).device.type == "meta"
    assert RotaryPositions(4)(torch.zeros(3, 4, device="meta")).device.type == "meta"


@pytest.mark.parametrize("tied", [True, False])
def test_its_loss_is_gpt_loss_and_training_lowers_it(tied):
    model = initial_weights(Llama(VOCAB, D_MODEL, HEADS, LAYERS, D_FF, 2, D_HEAD, tied=tied), generator())
    ids, losses = some_ids(4, 13), []
    close(model.loss(ids), gpt_loss(model, ids))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(30):
        optimiser.zero_grad()
        losses.append(model.loss(ids))
        losses[-1].backward()
        optimiser.step()
    assert losses[-1] < losses[0] / 2


def test_smollm2_has_134_million_parameters():
    with torch.device("meta"):
        model = Llama(49_152, 576, 9, 30, 1_536, 3, rope_base=100_000.0)
    assert sum(parameter.numel() for parameter in model.parameters()) == 134_515_008


def test_bad_sizes_are_told():
    with pytest.raises(ValueError, match="n_heads=6 does not split into n_kv_heads=4 equal groups"):
        llama(4)
    with pytest.raises(ValueError, match="n_heads=6 does not split into n_kv_heads=0 equal groups"):
        llama(0)
    with pytest.raises(ValueError, match="d_model=20 does not split into n_heads=6"):
        GroupedQueryAttention(20, 6, 2)
    with pytest.raises(ValueError, match="d_head=3 is odd"):
        Llama(VOCAB, 18, 6, 1, D_FF)
    for refused in (lambda: llama(window=0), lambda: sliding_window_mask(3, 0, 0)):
        with pytest.raises(ValueError, match="window=0: a position sees itself"):
            refused()


# ----------------------------------------------------------------------------------------------------------- its parts


@pytest.mark.parametrize("keep_weights", [False, True])
@pytest.mark.parametrize("n_kv_heads", [1, 2, 3, 6])
def test_grouped_queries_are_a_wider_layer_with_repeated_heads(n_kv_heads, keep_weights):
    """Keys and values repeated in the matrices, PyTorch's plain attention: the same, whatever is masked."""
    layer = GroupedQueryAttention(D_MODEL, 6, n_kv_heads, D_HEAD, bias=True).double().requires_grad_(False)
    layer.keep_weights = keep_weights
    x, context = seeded(2, 5, D_MODEL, seed=1), seeded(2, 11, D_MODEL, seed=2)
    mask = torch.rand(2, 6, 5, 11, generator=generator(3)) > 0.4
    mask[1, :, 2] = False  # a query that may look nowhere

    def repeated(to):
        heads = functional.linear(context, to.weight, to.bias).unflatten(-1, (n_kv_heads, D_HEAD))
        return heads.repeat_interleave(6 // n_kv_heads, dim=2).transpose(1, 2)

    q = split_heads(layer.to_q(x), 6)
    mixed, weights = attention(q, repeated(layer.to_k), repeated(layer.to_v), mask)
    close(layer(x, context, mask), layer.to_out(mixed.transpose(1, 2).flatten(2)), 1e-10)
    assert layer.weights is None if not keep_weights else torch.allclose(layer.weights, weights, atol=1e-12)


def test_its_shape_comments_are_true():
    layer, x = GroupedQueryAttention(D_MODEL, 6, 2, D_HEAD), seeded(5, 7, D_MODEL).float()
    with watched([lib.attention]) as seen:
        layer(x, seeded(5, 11, D_MODEL).float())
        layer(x[:, :1], cache=KeyValueCache(5, 2, 3, D_HEAD))
    assert len(seen) == 3


@pytest.mark.parametrize("keep_weights", [False, True])
def test_without_a_mask_it_looks_everywhere_unless_causal(keep_weights):
    plain = MultiHeadAttention(12, 3, bias=True).double().requires_grad_(False)
    for causal, mask in ((False, None), (True, causal_mask(5))):
        layer = GroupedQueryAttention(12, 3, bias=True, causal=causal).double()
        layer.load_state_dict(plain.state_dict())
        layer.keep_weights = keep_weights
        x = seeded(2, 5, 12)
        close(layer(x), plain(x, mask=mask), 1e-12)
        close(layer(x, x[:, :4]), plain(x, x[:, :4]), 1e-12)
        close(layer(x, mask=causal_mask(5).tril(-1)), plain(x, mask=causal_mask(5).tril(-1)), 1e-12)


def test_any_function_turns_queries_and_keys_and_nothing_else():
    seen = []

    def flipped(x, start):
        seen.append((tuple(x.shape), start))
        return -x

    layer = GroupedQueryAttention(12, 3, 1, d_head=5, rotate=flipped).double().requires_grad_(False)
    plain = GroupedQueryAttention(12, 3, 1, d_head=5).double()
    plain.load_state_dict(layer.state_dict())
    x, cache = seeded(2, 7, 12), KeyValueCache(2, 1, 7, 5, like=seeded(1))
    parts = [layer(piece, mask=prefill_mask(piece.shape[1], cache.length), cache=cache) for piece in x.split([4, 3], 1)]
    close(torch.cat(parts, dim=1), plain(x, mask=causal_mask(7)), 1e-12)  # (-q) · (-k) = q · k
    assert seen == [((2, 3, 4, 5), 0), ((2, 1, 4, 5), 0), ((2, 3, 3, 5), 4), ((2, 1, 3, 5), 4)]
    with pytest.raises(ValueError, match="position 7 does not fit into a cache of 7"):
        layer(x[:, :1], cache=cache)


def test_grouped_kernels_refuse_lengths_that_they_would_read_past():
    q, k, short = seeded(2, 6, 5, 4), seeded(2, 3, 11, 4), seeded(2, 3, 5, 4)
    for arguments in ((q, k, short), (q, short, k), (q[:1], k, k), (q[..., :2], k, k)):
        with pytest.raises(ValueError, match="k and v need one length"):
            fused_attention(*arguments, grouped=True)
    with pytest.raises(ValueError, match="k and v need one length"):
        fused_attention(q, k, k)


@pytest.mark.parametrize(("new", "before", "window"), [(5, 0, 2), (5, 0, 9), (1, 6, 3), (4, 7, 3), (3, 2, 1)])
def test_a_window_shows_the_nearest_positions(new, before, window):
    expected = [[p - window < key <= p for key in range(before + new)] for p in range(before, before + new)]
    mask = sliding_window_mask(new, before, window)
    assert mask.dtype == torch.bool and mask.tolist() == expected


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_fused_rotation_is_the_plain_one_whatever_was_asked_before(dtype):
    plain, fused = RotaryPositions(6, base=50.0), FusedRotaryPositions(6, base=50.0)
    tolerance = {torch.float64: 1e-6, torch.float32: 1e-6, torch.bfloat16: 2e-2}[dtype]  # the angles are float32
    for shape, start in (
        ((2, 3, 5, 6), 0),
        ((1, 3, 5, 6), 0),
        ((2, 5, 6), 7),
        ((4, 6), 7),
        ((2, 1, 1, 6), 11),
        ((0, 6), 3),
    ):
        x = seeded(*shape).to(dtype)
        turned = fused(x.transpose(0, 1).contiguous().transpose(0, 1), start)
        assert turned.dtype == dtype
        close(turned.double(), plain(x.double(), start), tolerance)


def test_a_model_that_has_written_can_be_trained_and_copied():
    """What was kept in inference mode is not used where gradients are needed."""
    model, ids = llama().requires_grad_(), some_ids(1, 5)
    CachedGPT(model)(ids[0, :4].tolist())
    model.loss(ids).backward()  # 4 positions as well
    assert model.blocks[0].attention.to_q.weight.grad.any()
    CachedGPT(model)([1, 2, 3])
    assert torch.equal(copy.deepcopy(model)(ids), model(ids)) and quantised(model)(ids).shape == (1, 5, VOCAB)


@pytest.mark.parametrize("epsilon", [1e-6, 1e-5, 0.1])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_rms_norm_is_pytorchs_in_double_precision_and_with_small_numbers(epsilon, size):
    ours, theirs, x = RMSNorm(11, epsilon).double(), nn.RMSNorm(11, eps=epsilon).double(), size * seeded(3, 5, 11)
    with torch.no_grad():
        theirs.weight.copy_(seeded(11, seed=1))
        ours.scale.copy_(theirs.weight)
    close(ours(x), theirs(x), 1e-12)
    assert torch.autograd.gradcheck(RMSNorm(7, epsilon).double(), seeded(2, 7).requires_grad_())


@pytest.mark.parametrize("shape", [(), (3,), (2, 5)])
def test_swiglu_is_hugging_faces_feed_forward(shape):
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaMLP

    theirs = lively(LlamaMLP(LlamaConfig(hidden_size=7, num_attention_heads=7, intermediate_size=13))).double()
    ours = SwiGLU(7, 13).double()
    for mine, other in (("gate", "gate_proj"), ("widen", "up_proj"), ("narrow", "down_proj")):
        ours.get_submodule(mine).load_state_dict(theirs.get_submodule(other).state_dict())
    x = seeded(*shape, 7)
    close(ours(x), theirs(x), 1e-12)
    assert sorted(dict(ours.named_parameters())) == ["gate.weight", "narrow.weight", "widen.weight"]


def test_a_llama_is_made_of_the_pieces_it_is_given():
    """Notebook 14 hands over the learner's: blocks and the last norm, rotary positions and caches."""
    made = []

    def noted(kind):
        class Noted(kind):
            def __init__(self, *sizes, **named):
                made.append(kind)
                super().__init__(*sizes, **named)

        return Noted

    parts = {"block": noted(LlamaBlock), "norm": noted(RMSNorm), "rotary": noted(RotaryPositions)}
    mine, ids = llama(**parts, cache=noted(KeyValueCache)), some_ids(2, 7)
    caches = mine.fresh_caches(2)
    assert made == [RotaryPositions, *[LlamaBlock] * LAYERS, RMSNorm, *[KeyValueCache] * LAYERS]
    close(mine.read_on(ids, caches), llama()(ids)[:, -1])


def test_repeated_heads_are_the_grouped_kernels_own():
    """The kernel of PyTorch pairs heads by itself: the oracle for which of them belong together."""
    q, k, v = seeded(2, 6, 7, 5), seeded(2, 3, 11, 5, seed=1), seeded(2, 3, 11, 5, seed=2)
    grouped = functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    close(attention(q, repeat_kv(k, 6), repeat_kv(v, 6))[0], grouped, 1e-10)
