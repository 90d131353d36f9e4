"""The cache: cached equals uncached whatever the configuration, and Hugging Face's `generate` writes the same."""

import random
import warnings
from itertools import pairwise

import pytest
import torch

from lib.attention import MultiHeadAttention, causal_mask
from lib.cache import (
    KeyValueCache,
    cache_bytes,
    cached_attention,
    fit_context,
    forward_multiplications,
    generation_multiplications,
    pad_left,
    prefill_mask,
)
from lib.decoding.generate import CachedGPT, generate_batch, lay_out_for_decoding, read_on
from lib.decoding.quantise import Int8Linear, quantised, round_rows
from lib.decoding.sampling import Sampling, generate
from lib.gpt import GPT, FusedGPT

VOCAB = 23


pytestmark = pytest.mark.usefixtures("one_thread")


def likeliest(logits, ids):
    return int(logits.argmax())


def gpt(n_positions, heads, d_head, n_layers, seed, kind=GPT):
    generator = torch.Generator().manual_seed(seed)
    model = kind(VOCAB, n_positions, heads * d_head, heads, n_layers).eval()
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.5, generator=generator)
    return model.requires_grad_(False)


def caches_of(model, batch, capacity):
    n_heads, d_model = model.blocks[0].attention.n_heads, model.positions.table.shape[1]
    return [KeyValueCache(batch, n_heads, capacity, d_model // n_heads, model.positions.table) for _ in model.blocks]


def pieces(total, chance):
    sizes = []
    while total:
        sizes.append(chance.randint(1, total))
        total -= sizes[-1]
    return sizes


@pytest.mark.parametrize("seed", range(12))
def test_attention_in_pieces_is_attention_at_once(seed):
    chance, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    heads, d_head, batch, length = (chance.choice(sizes) for sizes in ([1, 2, 3], [2, 5], [1, 3], [1, 2, 7, 13]))
    layer = MultiHeadAttention(heads * d_head, heads, bias=True).double().requires_grad_(False)
    x = torch.randn(batch, length, heads * d_head, generator=generator, dtype=torch.float64)
    cache, parts = KeyValueCache(batch, heads, length + seed % 2, d_head, x), []
    for piece in x.split(pieces(length, chance), dim=1):
        parts.append(cached_attention(layer, piece, cache, prefill_mask(piece.shape[1], cache.length)))
    torch.testing.assert_close(torch.cat(parts, 1), layer(x, mask=causal_mask(length)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_a_padded_batch_in_pieces_gives_each_row_what_it_gives_alone(seed):
    chance = random.Random(100 + seed)
    model = gpt(17, chance.choice([1, 2, 3]), chance.choice([2, 5]), chance.choice([1, 2, 3]), seed).double()
    texts = [[chance.randrange(VOCAB) for _ in range(chance.randint(1, 17))] for _ in range(chance.randint(1, 5))]
    ids, empty = pad_left(texts, padding=chance.randrange(VOCAB))
    caches = caches_of(model, len(texts), ids.shape[1])
    for piece in ids.split(pieces(ids.shape[1], chance), dim=1):
        logits = read_on(model, piece, caches, empty)
    alone = torch.stack([model(torch.tensor([text]))[0, -1] for text in texts])
    torch.testing.assert_close(logits, alone, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_every_token_of_a_batch_is_the_one_that_the_whole_model_chooses(seed):
    """Prompts of any length, also beyond the context; texts that overflow several times."""
    chance = random.Random(200 + seed)
    n_positions = chance.choice([2, 3, 7, 8, 16])
    kind = chance.choice([GPT, FusedGPT])
    model = gpt(n_positions, chance.choice([1, 2]), chance.choice([3, 4]), chance.choice([1, 2]), seed, kind)
    prompts = [[chance.randrange(VOCAB) for _ in range(chance.randint(1, 20))] for _ in range(chance.randint(1, 4))]
    written = generate_batch(model, prompts, 25, likeliest)
    for prompt, row in zip(prompts, written, strict=True):
        assert len(row) == 25
        for i, token in enumerate(row):
            seen = fit_context(prompt + row[:i], n_positions)
            logits = model(torch.tensor([seen]))[0, -1]
            assert logits.max() - logits[token] < 1e-4


def test_a_row_does_not_depend_on_its_neighbours_order_or_luck():
    model, prompts = gpt(16, 2, 4, 2, 5), [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10, 11]]

    def write(order):
        picks = [Sampling(temperature=2.0).picker(torch.Generator().manual_seed(row)) for row in order]
        rows = generate_batch(model, [prompts[row] for row in order], 30, picks, stop=[[3], [8, 8]])
        return dict(zip(order, rows, strict=True))

    everybody = write([0, 1, 2, 3])
    assert {len(row) for row in everybody.values()} != {30}  # some rows ended and left the batch
    assert write([3, 1, 0, 2]) == everybody == {row: write([row])[row] for row in range(4)}


def test_rows_that_end_leave_and_the_others_go_on():
    model = gpt(32, 2, 4, 2, 3)
    free = generate_batch(model, [[1], [2, 3]], 12, likeliest)
    stop = [free[0][2:4]]
    stopped = generate_batch(model, [[1], [2, 3]], 12, likeliest, stop)
    assert stopped[0] == free[0][: len(stopped[0])] and stopped[0][-2:] == stop[0] and len(stopped[0]) <= 4
    assert stopped[1] == free[1][: len(stopped[1])]
    assert generate_batch(model, [], 5, likeliest) == [] and generate_batch(model, [[1]], 0, likeliest) == [[]]


def test_a_cached_model_reads_only_what_is_new(monkeypatch):
    model, read = gpt(8, 1, 4, 1, 0), []
    import lib.decoding.generate as module

    def counted(model, ids, *rest):
        read.append(ids.shape[1])
        return read_on(model, ids, *rest)

    monkeypatch.setattr(module, "read_on", counted)
    list(generate(CachedGPT(model), [1, 2, 3], 9, likeliest))
    assert read == [3, 1, 1, 1, 1, 1, 5, 1, 1]  # at 9 tokens 4 are given up, and the other 5 read in one go


def test_a_cached_model_notices_another_text():
    model = gpt(16, 2, 3, 2, 1)
    cached = CachedGPT(model)
    for text in ([1, 2, 3], [1, 2, 3, 4], [1, 5, 3, 4, 6], [1, 5], [1, 5], [7, 7, 7]):
        torch.testing.assert_close(cached(text), model(torch.tensor([text]))[0, -1], rtol=0, atol=1e-4)


def test_overflow_may_be_an_error_and_bad_input_is_told():
    model = gpt(8, 1, 4, 1, 0)
    with pytest.raises(ValueError, match="9 tokens does not fit into 8"):
        list(generate(CachedGPT(model, overflow="error"), [1], 20, likeliest))
    with pytest.raises(ValueError, match="'slide'"):
        CachedGPT(model, overflow="slide")
    with pytest.raises(ValueError, match="empty text"):
        generate_batch(model, [[1], []], 3, likeliest)
    with pytest.raises(ValueError, match="position 4 does not fit into a cache of 4"):
        KeyValueCache(1, 1, 4, 2).extend(torch.zeros(1, 1, 5, 2), torch.zeros(1, 1, 5, 2))
    with pytest.raises(ValueError, match="n_positions=1 "):
        fit_context([1, 2], 1)


@pytest.mark.parametrize("n_positions", [2, 3, 8, 11])
def test_a_long_text_keeps_its_end_and_begins_anew_seldom(n_positions):
    starts = [length - len(fit_context(range(length), n_positions)) for length in range(10 * n_positions)]
    assert all(fit_context(range(length), n_positions)[-1] == length - 1 for length in range(1, 10 * n_positions))
    assert all(length - start <= n_positions for length, start in enumerate(starts))
    assert {b - a for a, b in pairwise(starts)} == {0, n_positions // 2}


def test_hugging_face_with_its_cache_writes_the_same(tmp_path):
    """Their `generate` on a left-padded batch, from the same random weights, at an unusual size."""
    from safetensors.torch import save_file
    from transformers import GPT2Config, GPT2LMHeadModel

    from lib.gpt2 import load_gpt2_weights

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=211, n_positions=64, n_embd=20, n_layer=3, n_head=4, initializer_range=0.3)
    theirs = GPT2LMHeadModel(config).eval()
    state = {name: part.contiguous() for name, part in theirs.state_dict().items() if name != "lm_head.weight"}
    save_file(state, tmp_path / "model.safetensors")
    ours = load_gpt2_weights(tmp_path / "model.safetensors", n_heads=4)
    prompts = [[5, 6, 7, 8, 9, 10, 11], [3], [100, 200, 150]]
    ids, empty = pad_left(prompts, padding=1)
    mask = (torch.arange(ids.shape[1]) >= empty[:, None]).long()
    theirs.generation_config.eos_token_id = None
    settings = {"max_new_tokens": 40, "do_sample": False, "use_cache": True, "pad_token_id": 1}
    expected = theirs.generate(ids, attention_mask=mask, **settings)[:, ids.shape[1] :].tolist()
    assert generate_batch(ours, prompts, 40, likeliest) == expected
    assert generate_batch(lay_out_for_decoding(ours), prompts, 40, likeliest) == expected


def test_the_bytes_are_those_of_hugging_faces_cache():
    from transformers import GPT2Config, GPT2Model

    model = GPT2Model(GPT2Config(vocab_size=31, n_positions=32, n_embd=12, n_layer=3, n_head=2)).eval()
    with torch.no_grad():
        cache = model(torch.zeros(5, 7, dtype=torch.long), use_cache=True).past_key_values
    theirs = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert theirs == cache_bytes(batch=5, positions=7, n_layers=3, n_heads=2, d_head=6)
    assert cache_bytes(1, 1, 12, 12, 64, bytes_each=2) == 36_864  # GPT-2 small, a token in float16


@pytest.mark.parametrize(("prompt", "new"), [(1, 1), (5, 1), (3, 4)])
@pytest.mark.parametrize("cached", [False, True])
def test_the_multiplications_are_those_that_pytorch_counts(prompt, new, cached):
    from torch.utils.flop_counter import FlopCounterMode

    model = gpt(16, 2, 6, 3, 0)
    for block in model.blocks:
        block.attention.keep_weights = True  # by two plain products, which the counter knows
    caches, ids = caches_of(model, 1, 16), torch.zeros(1, prompt, dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        for i in range(new):
            if cached:
                read_on(model, ids if i == 0 else ids[:, :1], caches)
            else:
                read_on(model, torch.zeros(1, prompt + i, dtype=torch.long), caches_of(model, 1, 16))
    expected = generation_multiplications(prompt, new, 12, 3, VOCAB, cached)
    assert counter.get_total_flops() == 2 * expected  # a product and a sum each
    assert forward_multiplications(1, 0, 12, 3, VOCAB) == generation_multiplications(1, 1, 12, 3, VOCAB)


def test_a_layout_for_decoding_changes_no_number_and_no_name():
    model = gpt(16, 2, 6, 2, 0)
    before = {name: part.clone() for name, part in model.state_dict().items()}
    after = lay_out_for_decoding(model).state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert model.embedding.weight.stride() == (1, VOCAB)


def test_reorder_copies_rows_whatever_their_number():
    keys, values = torch.randn(2, 3, 2, 4, 5).unbind()
    for rows in ([2, 0, 1], [1, 1, 1], [2], [0, 1, 2, 2]):
        cache = KeyValueCache(3, 2, 6, 5)
        cache.extend(keys, values)
        cache.reorder(torch.tensor(rows))
        new = torch.zeros(len(rows), 2, 1, 5)
        found = cache.extend(new, new)
        assert torch.equal(found[0], torch.cat([keys[rows], new], 2))
        assert torch.equal(found[1], torch.cat([values[rows], new], 2))


# ------------------------------------------------------------------------------------------------------------- int8


def test_rows_are_rounded_as_pytorch_rounds_them():
    weight = torch.randn(7, 13, generator=torch.Generator().manual_seed(0))
    weight[3] = 0
    rounded, scale = round_rows(weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = torch.quantize_per_channel(weight, scale.double(), torch.zeros(7), 0, torch.qint8)
    assert torch.equal(rounded, theirs.int_repr()) and rounded.dtype == torch.int8
    assert ((weight - rounded * scale[:, None]).abs() <= scale[:, None] / 2 * 1.0001).all()
    assert rounded.abs().amax(dim=1).tolist() == [127, 127, 127, 0, 127, 127, 127]


@pytest.mark.parametrize("bias", [None, torch.arange(11.0)])
@pytest.mark.parametrize("shape", [(1, 19), (2, 3, 19)])
def test_an_int8_product_is_near_the_exact_one_and_warns_of_nothing(bias, shape):
    generator = torch.Generator().manual_seed(1)
    weight, x = torch.randn(11, 19, generator=generator), torch.randn(shape, generator=generator)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Int8Linear(weight, bias)(x)
    exact = torch.nn.functional.linear(x, weight, bias)
    assert found.shape == exact.shape and (found - exact).std() < 0.03 * exact.std()
    assert not torch.equal(found, exact)


def test_a_quantised_model_is_nearly_the_same_and_leaves_the_first_alone():
    model = gpt(16, 2, 12, 2, 0, FusedGPT)
    before = {name: part.clone() for name, part in model.state_dict().items()}
    small, ids = quantised(model), torch.randint(VOCAB, (3, 11), generator=torch.Generator().manual_seed(0))
    exact, rough = model(ids), small(ids)
    assert 0 < (exact - rough).std() < 0.1 * exact.std()
    assert all(torch.equal(part, model.state_dict()[name]) for name, part in before.items())
    assert abs(small.loss(ids) / model.loss(ids) - 1) < 0.1
    cached = CachedGPT(small)
    torch.testing.assert_close(cached(ids[0].tolist()), rough[0, -1], rtol=0.1, atol=0.2)
