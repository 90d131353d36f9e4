"""T5 and its relative positions against Hugging Face's T5 with random weights, and PyTorch's own attention."""

import copy
import math
import random
import re
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

import lib.relative_positions
from lib.attention import causal_mask, future_leak
from lib.batching import EOS, PAD, SOS, Batch, pad_batch
from lib.cache import KeyValueCache, prefill_mask
from lib.checkpoints import load, save
from lib.decoding.incremental import cached_step, reorder_decoding, start_decoding
from lib.decoding.search import beam_search, greedy_search, translate
from lib.relative_positions import BiasedAttention, RelativeBias, biased_attention, relative_buckets
from lib.t5 import T5, GatedFeedForward, PlainFeedForward, fresh_t5_weights
from lib.transformer import cross_attention_weights
from tests.shapes import watched
from tests.test_search import as_lists, generate

VOCAB, D_MODEL, HEADS, D_FF, D_HEAD, BLOCKS = 61, 13, 3, 17, 7, (3, 2)
BUCKETS, FURTHEST = 10, 19
VERSIONS = ["1.0", "1.1"]


pytestmark = pytest.mark.usefixtures("one_thread")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def seeded(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=generator(seed), dtype=dtype)


def lively(model, seed=0):
    """Random weights large enough that every part matters."""
    chance = generator(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            large = 1.0 if "embedding" in name or "shared" in name or "bias" in name else 0.3
            noise = large * torch.randn(parameter.shape, generator=chance, dtype=parameter.dtype)
            parameter.copy_(noise + (parameter.dim() == 1))
    return model.eval()


def new_t5(version, vocab=VOCAB, **named):
    kind = {"1.0": PlainFeedForward, "1.1": GatedFeedForward}[version]
    sizes = {"n_buckets": BUCKETS, "furthest": FURTHEST} | named
    return T5(vocab, D_MODEL, HEADS, D_FF, BLOCKS, D_HEAD, version == "1.0", kind, **sizes)


def close(ours, theirs, tolerance=1e-5):
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


def sources(rng, sentences, longest, left=False):
    """Random sentences, padded after, or before."""
    ids, mask = pad_batch([[rng.randrange(4, VOCAB) for _ in range(rng.randint(1, longest))] for _ in range(sentences)])
    return (ids.flip(1), mask.flip(1)) if left else (ids, mask)


# ---------------------------------------------------------------------------------------------- against Hugging Face


def hugging_face(version, seed=0):
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        vocab_size=VOCAB,
        d_model=D_MODEL,
        d_kv=D_HEAD,
        d_ff=D_FF,
        num_layers=BLOCKS[0],
        num_decoder_layers=BLOCKS[1],
        num_heads=HEADS,
        relative_attention_num_buckets=BUCKETS,
        relative_attention_max_distance=FURTHEST,
        feed_forward_proj={"1.0": "relu", "1.1": "gated-gelu"}[version],
        tie_word_embeddings=version == "1.0",
        pad_token_id=PAD,
        eos_token_id=EOS,
        decoder_start_token_id=SOS,
        attn_implementation="eager",
    )
    model = T5ForConditionalGeneration(config)
    if version == "1.1":  # whose output is a table of its own; the newest library ties even that
        model.lm_head.weight = nn.Parameter(torch.empty(VOCAB, D_MODEL))
    return lively(model, seed)


OURS = {
    "shared.": "embedding.",
    "lm_head.": "head.",
    "final_layer_norm.weight": "norm.scale",
    "EncDecAttention.": "cross_attention.",
    "DenseReluDense.wo.": "feed_forward.narrow.",
    "DenseReluDense.wi_0.": "feed_forward.gate.",
    "DenseReluDense.wi_1.": "feed_forward.widen.",
    "DenseReluDense.wi.": "feed_forward.widen.",
    ".q.": ".to_q.",
    ".k.": ".to_k.",
    ".v.": ".to_v.",
    ".o.": ".to_out.",
    "relative_attention_bias.": "position_bias.table.",
}
LAYERS = {"encoder": ["attention", "feed_forward"], "decoder": ["self_attention", "cross_attention", "feed_forward"]}


def renamed(name):
    """Our name of one of their tensors."""
    if inside := re.fullmatch(r"(encoder|decoder)[.]block[.](\d+)[.]layer[.](\d)[.](.+)", name):
        side, block, layer, part = inside.groups()
        part = part.replace("SelfAttention", LAYERS[side][0])
        part = part.replace("layer_norm.weight", f"around_{LAYERS[side][int(layer)]}.norm.scale")
        name = f"{side}.blocks.{block}.{part}"
    for theirs, ours in OURS.items():
        name = name.replace(theirs, ours)
    return name


def ours_of(theirs, tensor=lambda parameter: parameter):
    """Their parameters, or something of each, under our names; the table of a stack stands in each of its blocks."""
    found = {renamed(name): tensor(parameter) for name, parameter in theirs.named_parameters()}
    for side, blocks, layer in (("encoder", BLOCKS[0], "attention"), ("decoder", BLOCKS[1], "self_attention")):
        for block in range(1, blocks):
            end = f"{layer}.position_bias.table.weight"
            found[f"{side}.blocks.{block}.{end}"] = found[f"{side}.blocks.0.{end}"]
    found.setdefault("head.weight", found["embedding.weight"])
    return found


def twins(version, seed=0):
    """Hugging Face's and ours with the same weights: their table is √d_model times as large."""
    theirs = hugging_face(version, seed)
    state = ours_of(theirs, torch.Tensor.detach)
    state["embedding.weight"] = state["embedding.weight"] / math.sqrt(D_MODEL)
    if version == "1.0":
        state["head.weight"] = state["embedding.weight"]
    ours = new_t5(version)
    ours.load_state_dict(state)
    return ours.eval(), theirs


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize("n_buckets", [4, 6, 10, 16, 32, 64])
@pytest.mark.parametrize("furthest", [19, 32, 100, 128, 500])
def test_buckets_are_hugging_faces(two_sided, n_buckets, furthest):
    from transformers.models.t5.modeling_t5 import T5Attention

    if furthest <= n_buckets // (4 if two_sided else 2):
        with pytest.raises(ValueError, match=f"n_buckets={n_buckets} and furthest={furthest} leave no room"):
            relative_buckets(torch.tensor(0), two_sided, n_buckets, furthest)
        return
    distance = torch.arange(-700, 701).view(3, 467)
    expected = T5Attention._relative_position_bucket(distance, two_sided, n_buckets, furthest)
    found = relative_buckets(distance, two_sided, n_buckets, furthest)
    assert found.dtype == torch.int64 and torch.equal(found, expected)
    assert relative_buckets(distance[1, 2], two_sided, n_buckets, furthest) == expected[1, 2]


@pytest.mark.parametrize("two_sided", [True, False])
def test_the_bias_is_hugging_faces(two_sided):
    from transformers import T5Config
    from transformers.models.t5.modeling_t5 import T5Attention

    config = T5Config(d_model=12, d_kv=4, num_heads=3, is_decoder=not two_sided)
    theirs = T5Attention(config, has_relative_attention_bias=True)
    ours = RelativeBias(3, two_sided)
    ours.table.load_state_dict(theirs.relative_attention_bias.state_dict())
    for queries, keys in ((5, 5), (300, 300), (1, 1), (1, 37), (4, 11)):
        expected = theirs.compute_bias(keys, keys)[0, :, keys - queries :]
        assert torch.equal(ours(queries, keys), expected)
    ours(3, 7).sum().backward()
    assert ours.table.weight.grad.sum() == 3 * 3 * 7


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("longest", "left"), [(1, False), (11, False), (11, True), (60, False)])
@torch.no_grad()
def test_logits_are_hugging_faces(version, longest, left):
    ours, theirs = twins(version)
    rng = random.Random(longest)
    source, mask = sources(rng, 5, longest, left)
    inputs = torch.randint(VOCAB, (5, 2 * longest - 1), generator=generator())
    expected = theirs(input_ids=source, attention_mask=mask.long(), decoder_input_ids=inputs)
    memory = ours.encode(source, mask)
    close(memory[mask], expected.encoder_last_hidden_state[mask])
    close(ours(source, mask, inputs), expected.logits, 1e-4)
    assert expected.logits.std() > 0.5


@pytest.mark.parametrize("version", VERSIONS)
def test_loss_and_all_gradients_are_hugging_faces(version):
    ours, theirs = twins(version)
    rng = random.Random(1)
    pairs = [[[rng.randrange(4, VOCAB) for _ in range(rng.randint(1, 23))] for _ in range(2)] for _ in range(5)]
    batch = Batch.of(pairs)
    labels = batch.targets.masked_fill(~batch.mask, -100)
    expected = theirs(
        input_ids=batch.source,
        attention_mask=batch.source_mask.long(),
        decoder_input_ids=batch.inputs,
        labels=labels,
    ).loss
    loss = ours.loss(batch)
    close(loss, expected)
    logits = ours(batch.source, batch.source_mask, batch.inputs)
    smooth = functional.cross_entropy(logits[batch.mask], batch.targets[batch.mask], label_smoothing=0.1)
    close(ours.loss(batch, smoothing=0.1), smooth)
    loss.backward(), expected.backward()
    gradients = ours_of(theirs, lambda parameter: parameter.grad)
    gradients["embedding.weight"] *= math.sqrt(D_MODEL)
    seen = 0
    for name, parameter in ours.named_parameters():
        close(parameter.grad, gradients[name], 1e-4)
        seen += bool(parameter.grad.any())
    assert seen == len(list(ours.parameters())) == len(list(theirs.parameters()))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.filterwarnings("ignore:.past_key_values. is deprecated")  # its name changes with the library's versions
@torch.no_grad()
def test_one_token_at_a_time_is_hugging_face_with_its_cache(version):
    ours, theirs = twins(version, seed=2)
    source, mask = sources(random.Random(2), 4, 13)
    ids = torch.randint(VOCAB, (4, 31), generator=generator(5))
    read, past, state = theirs.encoder(source, mask.long()), None, start_decoding(ours, source, mask, 31)
    together = ours(source, mask, ids)
    for i in range(31):
        given = {"attention_mask": mask.long(), "decoder_input_ids": ids[:, i : i + 1], "past_key_values": past}
        expected = theirs(encoder_outputs=read, **given)
        past = expected.past_key_values
        logits, state, _ = cached_step(ours, ids[:, i], state)
        close(logits, expected.logits[:, 0], 1e-4)
        close(logits, together[:, i], 2e-5)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("beams", [1, 3])
@torch.no_grad()
def test_hugging_face_writes_the_same(version, beams):
    ours, theirs = twins(version, seed={"1.0": 0, "1.1": 7}[version])
    for head in (ours.head, theirs.lm_head):  # the end comes now and then
        head.weight[EOS] *= 3
    source, mask = sources(random.Random(3), 13, 9)
    expected = generate(theirs, source, mask, 12, num_beams=beams)
    step, state = partial(cached_step, ours), start_decoding(ours, source, mask, 12)
    if beams == 1:
        ids = greedy_search(step, state, 12, reorder_decoding)
    else:
        ids, _ = beam_search(step, state, 12, beams, 1.0, reorder_decoding)
    assert as_lists(ids) == expected
    assert len(set(map(len, expected))) > 2


def test_published_sizes_have_the_published_numbers_of_parameters():
    """t5-small, and v1.1-small, whose 6 heads do not divide d_model."""
    with torch.device("meta"):
        small = T5(32_128, 512, 8, 2_048, (6, 6), d_head=64)
        newer = T5(32_128, 512, 6, 1_024, (8, 8), d_head=64, tied=False, feed_forward=GatedFeedForward)
    counts = [sum(parameter.numel() for parameter in model.parameters()) for model in (small, newer)]
    assert counts == [60_506_624, 76_961_152]


# ----------------------------------------------------------------------------------------------------------- the cache


@pytest.mark.parametrize("seed", range(6))
@torch.no_grad()
def test_the_cache_changes_no_logit_wherever_the_rows_go(seed):
    rng, chance = random.Random(seed), generator(seed)
    model, sentences, width = lively(new_t5(rng.choice(VERSIONS)), seed), rng.randint(1, 4), 1
    source, mask = sources(rng, sentences, rng.choice([3, 30]), left=seed % 2 == 1)
    if sentences > 1 and seed % 2:
        mask[0] = False  # a sentence without a word
    state, memory = start_decoding(model, source, mask, 25), model.encode(source, mask)
    written = torch.zeros(sentences, 0, dtype=torch.long)
    for _ in range(rng.choice([5, 25])):
        ids = torch.randint(3, VOCAB, (sentences * width,), generator=chance)
        written = torch.cat([written, ids[:, None]], dim=1)
        logits, state, _ = cached_step(model, ids, state)
        close(logits, model.decode(written, memory, mask)[:, -1], 2e-5)
        staying = sorted(rng.sample(range(sentences), rng.choice([sentences, max(1, sentences - 1)])))
        new_width = rng.choice([width, 1, 3])
        rows = torch.tensor([[s * width + rng.randrange(width) for _ in range(new_width)] for s in staying]).flatten()
        state, sentences, width = reorder_decoding(state, rows), len(staying), new_width
        written, memory, mask = written[rows], memory[rows], mask[rows]


@pytest.mark.parametrize("sizes", [[11], [1] * 11, [6, 1, 4], [2, 9]])
def test_the_layer_reads_a_text_in_pieces_as_at_once(sizes):
    layer = lively(BiasedAttention(D_MODEL, HEADS, D_HEAD, RelativeBias(HEADS, False, BUCKETS, FURTHEST)).double())
    x, cache = seeded(2, 11, D_MODEL), KeyValueCache(2, HEADS, 11, D_HEAD, like=seeded(1))
    parts = [layer(y, mask=prefill_mask(y.shape[1], cache.length), cache=cache) for y in x.split(sizes, dim=1)]
    close(torch.cat(parts, dim=1), layer(x, mask=causal_mask(11)), 1e-12)
    with pytest.raises(ValueError, match="position 11 does not fit"):
        layer(x[:, :1], cache=cache)


# ----------------------------------------------------------------------------------------------------------- its parts


@pytest.mark.parametrize("leading", [(), (3,), (2, 3), (2, 3, 5)])
@pytest.mark.parametrize("masked", [False, True])
def test_biased_attention_is_pytorchs_with_numbers_for_a_mask(leading, masked):
    q, k, v = seeded(*leading, 5, 7), seeded(*leading, 11, 7, seed=1), seeded(*leading, 11, 3, seed=2)
    bias = seeded(*leading[-1:], 5, 11, seed=3)
    mask = torch.rand(5, 11, generator=generator(4)) > 0.4 if masked else None
    added = bias if mask is None else bias.masked_fill(~mask, -math.inf)
    mixed, weights = biased_attention(q, k, v, bias, mask)
    expected = functional.scaled_dot_product_attention(q, k, v, added.expand(*leading, 5, 11), scale=1.0)
    close(mixed, expected, 1e-12)
    close(weights.sum(-1), torch.ones(*leading, 5, dtype=torch.float64), 1e-12)
    close(weights, (q @ k.mT + added).softmax(-1), 1e-12)


def test_without_a_bias_it_looks_by_content_alone_and_nowhere_gives_zero():
    q, k, v = seeded(2, 5, 7), seeded(2, 5, 7, seed=1), seeded(2, 5, 3, seed=2)
    mask = causal_mask(5).tril(-1)
    mixed, weights = biased_attention(q, k, v, mask=mask)
    assert not mixed[:, 0].any() and not weights[:, 0].any()
    expected = functional.scaled_dot_product_attention(q[:, 1:], k, v, mask[1:], scale=1.0)
    close(mixed[:, 1:], expected, 1e-12)


def test_its_gradients_are_right_and_finite_where_a_row_sees_nothing():
    parts = [seeded(*shape, seed=i).requires_grad_() for i, shape in enumerate(((2, 3, 2), (2, 5, 2), (2, 5, 3)))]
    bias, mask = seeded(3, 5, seed=4).requires_grad_(), torch.rand(3, 5, generator=generator()) > 0.3
    mask[1] = False
    assert torch.autograd.gradcheck(lambda *given: biased_attention(*given, mask)[0], (*parts, bias))


def test_far_and_near_buckets_are_as_the_paper_says():
    """32 buckets for each direction of a decoder: 16 exact ones, the others up to 128 in steps of one ratio."""
    back = relative_buckets(-torch.arange(0, 400), two_sided=False)
    assert back[:17].tolist() == list(range(17)) and back[128:].eq(31).all() and (back.diff() >= 0).all()
    firsts = [int((back == bucket).nonzero()[0]) for bucket in range(16, 32)]
    assert firsts == [math.ceil(16 * 8 ** (i / 16) - 1e-9) for i in range(16)]
    assert not relative_buckets(torch.arange(1, 400), two_sided=False).any()
    around = relative_buckets(torch.tensor([0, -1, 1, -7, 7, -1000, 1000]))
    assert around.tolist() == [0, 1, 17, 7, 23, 15, 31]


@pytest.mark.parametrize("bad", [(True, 3, 128), (False, 1, 128), (True, 32, 8), (False, 32, 16), (True, 0, 5)])
def test_sizes_without_room_are_told(bad):
    with pytest.raises(ValueError, match=f"n_buckets={bad[1]} and furthest={bad[2]} leave no room"):
        relative_buckets(torch.tensor([3]), *bad)
    with pytest.raises(ValueError, match="leave no room"):
        RelativeBias(2, *bad)(3, 3)


def test_shape_comments_are_true():
    with watched([lib.relative_positions]) as seen:
        RelativeBias(3, True)(5, 7)
    assert len(seen) == 1


# ---------------------------------------------------------------------------------------------------------- the model


def test_own_parts_take_the_place_of_the_librarys():
    class OwnAttention(BiasedAttention):
        pass

    class OwnBias(torch.nn.Module):
        def __init__(self, n_heads, two_sided, n_buckets, furthest):
            super().__init__()
            self.table = torch.nn.Embedding(n_buckets, n_heads)

        def forward(self, queries, keys):
            return self.table.weight[0][:, None, None].expand(-1, queries, keys)

    parts = {"attention": OwnAttention, "relative_bias": OwnBias}
    model = T5(VOCAB, D_MODEL, HEADS, D_FF, (2, 3), D_HEAD, **parts)
    kinds = [type(part) for part in model.modules()]
    assert kinds.count(OwnAttention) == 2 + 2 * 3 and kinds.count(OwnBias) == 2 and BiasedAttention not in kinds
    fresh_t5_weights(model, generator())
    assert not model.encoder.blocks[1].attention.position_bias.table.weight.any()
    source, mask = sources(random.Random(0), 2, 5)
    assert model(source, mask, source).shape == (*source.shape, VOCAB)


def test_the_future_cannot_change_the_past():
    model = lively(new_t5("1.0")).double()
    memory, mask = seeded(2, 5, D_MODEL), causal_mask(9)
    assert future_leak(lambda x: model.decoder(x, memory, mask), seeded(2, 9, D_MODEL, seed=1)) == 0.0


def test_words_know_distances_and_no_places():
    """The same words after padding at the left give the same vectors; in another order, others."""
    model = lively(new_t5("1.1"))
    ids = torch.tensor([[5, 9, 30, 41]])
    moved, mask = torch.cat([torch.zeros(1, 6, dtype=torch.long), ids], dim=1), torch.arange(10)[None] >= 6
    alone = model.encode(ids, ids > 0)
    close(model.encode(moved, mask)[:, 6:], alone)
    assert not torch.allclose(model.encode(ids.flip(1), ids > 0).flip(1), alone, atol=0.1)


def test_where_it_looks_can_be_seen():
    model = lively(new_t5("1.0"))
    batch = Batch.of([([5, 6, 7], [8, 9]), ([4], [10, 11, 12])])
    weights = cross_attention_weights(model, batch)
    assert weights.shape == (2, 2, HEADS, 4, 3)
    close(weights.sum(-1), torch.ones(2, 2, HEADS, 4))
    assert not weights[:, 1, :, :, 1:].any()
    assert model.decoder.blocks[0].cross_attention.weights is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_copy_and_a_saved_one_share_what_the_model_shares(version, tmp_path):
    model = lively(new_t5(version))
    source, mask = sources(random.Random(0), 3, 9)
    inputs = torch.randint(VOCAB, (3, 5), generator=generator())
    save(tmp_path / "t5.safetensors", model, {})
    loaded, copied = new_t5(version), copy.deepcopy(model)
    loaded.load_state_dict(load(tmp_path / "t5.safetensors")[0])
    for other in (loaded, copied):
        assert torch.equal(other(source, mask, inputs), model(source, mask, inputs))
        assert len(list(other.parameters())) == len(list(model.parameters()))
        assert other.encoder.blocks[0].attention.position_bias is other.encoder.blocks[2].attention.position_bias
    with torch.no_grad():
        copied.encoder.blocks[0].attention.position_bias.table.weight.add_(seeded(BUCKETS, HEADS, dtype=torch.float32))
    assert not torch.allclose(copied(source, mask, inputs), model(source, mask, inputs))
    numbers = sum(parameter.numel() for parameter in model.parameters())
    assert (tmp_path / "t5.safetensors").stat().st_size < 4 * numbers + 12_000


@pytest.mark.parametrize("version", VERSIONS)
def test_fresh_weights_begin_with_small_scores_and_even_guesses_and_can_learn(version):
    sizes = {"tied": version == "1.0", "feed_forward": {"1.0": PlainFeedForward, "1.1": GatedFeedForward}[version]}
    model = fresh_t5_weights(T5(211, 64, 4, 128, (2, 2), d_head=32, **sizes), generator())
    again = fresh_t5_weights(T5(211, 64, 4, 128, (2, 2), d_head=32, **sizes), generator())
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert model.embed(torch.arange(211)).var().item() == pytest.approx(1, abs=0.05)
    layer = model.encoder.blocks[0].attention
    x = seeded(3, 50, 64, dtype=torch.float32)
    scores = (layer.to_q(x).view(-1, 4, 32) * layer.to_k(x).view(-1, 4, 32)).sum(-1)
    assert 0.7 < scores.std() < 1.4 and not layer.position_bias(9, 9).any()
    rng = random.Random(0)
    texts = [[rng.randrange(4, 211) for _ in range(6)] for _ in range(7)]
    batch, losses = Batch.of([(text, text[::-1]) for text in texts]), []
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(50):
        optimiser.zero_grad()
        losses.append(model.loss(batch))
        losses[-1].backward()
        optimiser.step()
    assert abs(losses[0] - math.log(211)) < 1 and losses[-1] < 0.1
    assert translate(model.eval(), texts, 8) == [text[::-1] for text in texts]


@pytest.mark.parametrize("beams", [1, 2])
def test_a_text_is_answered_alike_in_any_company(beams):
    model, rng = lively(new_t5("1.0"), 4), random.Random(4)
    sentences = [[rng.randrange(4, VOCAB) for _ in range(rng.randrange(9))] for _ in range(12)]
    together = translate(model, sentences, 10, beams=beams)
    assert together == [translate(model, [sentence], 10, beams=beams)[0] for sentence in sentences]
