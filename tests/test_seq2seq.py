"""Encoder, decoders, attention: against PyTorch's LSTM and softmax, sentence by sentence, and by their properties."""

import itertools
import random

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from lib.batching import EOS, PAD, SOS, Batch, pad_batch
from lib.seq2seq import (
    BahdanauDecoder,
    Encoder,
    FixedVectorDecoder,
    Translator,
    additive_scores,
    greedy_translate,
    masked_softmax,
    seeded,
    teacher_forcing,
)
from lib.training import learning_rate, train

SOURCES, TARGETS, D_EMBEDDING, D_HIDDEN, D_ATTENTION = 17, 19, 3, 10, 7


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def translator(attention, seed=0):
    decoder = (
        BahdanauDecoder(TARGETS, D_EMBEDDING, D_HIDDEN, D_ATTENTION)
        if attention
        else FixedVectorDecoder(TARGETS, D_EMBEDDING, D_HIDDEN)
    )
    return seeded(Translator(Encoder(SOURCES, D_EMBEDDING, D_HIDDEN), decoder), generator(seed)).double()


def some_pairs(*lengths, seed=0):
    rng = random.Random(seed)
    return [
        ([rng.randrange(4, SOURCES) for _ in range(n)], [rng.randrange(4, TARGETS) for _ in range(n + 2)])
        for n in lengths
    ]


def test_the_encoder_is_pytorchs_lstm_on_each_sentence_alone():
    encoder = seeded(Encoder(SOURCES, D_EMBEDDING, D_HIDDEN), generator())
    sentences = [source for source, _ in some_pairs(3, 7, 1, 5)]
    memory, hidden, cell = encoder(*pad_batch(sentences))
    for row, sentence in enumerate(sentences):
        states, ends = encoder.lstm(encoder.embedding(torch.tensor([sentence])))
        assert torch.allclose(memory[row, : len(sentence)], states[0], atol=1e-6)
        assert not memory[row, len(sentence) :].any()
        for mine, theirs in zip((hidden, cell), ends, strict=True):
            assert torch.allclose(mine[row], theirs[:, 0].flatten(), atol=1e-6)


def test_an_encoder_names_the_empty_sentence_and_an_odd_size():
    with pytest.raises(ValueError, match="sentence 1 of the batch has no token"):
        Encoder(SOURCES, D_EMBEDDING, D_HIDDEN)(*pad_batch([[4, 5], [], [6]]))
    with pytest.raises(ValueError, match="d_hidden=7"):
        Encoder(SOURCES, D_EMBEDDING, 7)


def test_masked_weights_are_pytorchs_softmax_over_the_real_part():
    scores = 50 * torch.randn(5, 11, generator=generator())
    weights = masked_softmax(scores, torch.arange(11) < torch.tensor([[1], [2], [11], [7], [0]]))
    for row, length in zip(range(5), (1, 2, 11, 7, 0), strict=True):
        assert torch.allclose(weights[row, :length], scores[row, :length].softmax(-1))
        assert not weights[row, length:].any()


def test_a_row_of_padding_has_no_gradient_and_no_nan():
    scores = torch.randn(2, 3, generator=generator(), requires_grad=True)
    weights = masked_softmax(scores, torch.tensor([[False] * 3, [True, True, False]]))
    (weights**2).sum().backward()
    assert not scores.grad[0].any()
    assert scores.grad[1, :2].any()
    assert not scores.grad.isnan().any()


def test_additive_scores_are_the_formula_of_the_paper():
    query, keys = torch.randn(2, 5, generator=generator()), torch.randn(2, 3, 7, generator=generator(1))
    w_query, v = torch.randn(5, 7, generator=generator(2)), torch.randn(7, generator=generator(3))
    scores = additive_scores(query, keys, w_query, v)
    for row in range(2):
        for key in range(3):
            hidden = nn.functional.linear(query[row], w_query.T, bias=keys[row, key])
            assert torch.allclose(scores[row, key], torch.tanh(hidden).dot(v), atol=1e-6)


def test_the_gradients_of_attention_are_those_of_finite_differences():
    tensors = [
        torch.randn(*shape, generator=generator(i)).double()
        for i, shape in enumerate([(2, 3), (2, 5, 4), (3, 4), (4,)])
    ]
    mask = torch.tensor([[True, True, True, True, False], [True, True, False, False, False]])
    for tensor in tensors:
        tensor.requires_grad_()
    assert gradcheck(lambda *inputs: masked_softmax(additive_scores(*inputs), mask), tensors)


def test_attention_over_a_single_vector_is_the_fixed_vector_model():
    bahdanau, fixed = translator(True).decoder, translator(False).decoder
    fixed.load_state_dict({name: value for name, value in bahdanau.state_dict().items() if name in fixed.state_dict()})
    hidden, cell = torch.randn(2, 5, D_HIDDEN, generator=generator()).double()
    ids = torch.randint(4, TARGETS, (5, 6), generator=generator())
    state = bahdanau.start(hidden[:, None], torch.ones(5, 1, dtype=torch.bool), hidden, cell)
    with_attention, weights = teacher_forcing(bahdanau.step, ids, state)
    without, none = teacher_forcing(fixed.step, ids, fixed.start(hidden[:, None], None, hidden, cell))
    assert torch.allclose(with_attention, without, atol=1e-10)
    assert weights.eq(1).all()
    assert none is None


@pytest.mark.parametrize("attention", [False, True])
def test_a_sentence_comes_out_the_same_alone_and_beside_longer_ones(attention):
    model, pairs = translator(attention), some_pairs(3, 8, 1, 5)
    batch = Batch.of(pairs)
    logits, weights = model(batch.source, batch.source_mask, batch.inputs)
    for row, pair in enumerate(pairs):
        alone = Batch.of([pair])
        lone_logits, lone_weights = model(alone.source, alone.source_mask, alone.inputs)
        assert torch.allclose(logits[row, : len(pair[1]) + 1], lone_logits[0], atol=1e-10)
        if attention:
            assert torch.allclose(weights[row, : len(pair[1]) + 1, : len(pair[0])], lone_weights[0], atol=1e-10)
    sentences = [source for source, _ in pairs]
    assert model.translate(sentences, 9) == [model.translate([sentence], 9)[0] for sentence in sentences]
    assert model.translate([], 9) == []


@pytest.mark.parametrize("attention", [False, True])
def test_later_inputs_cannot_change_earlier_logits(attention):
    model, batch = translator(attention), Batch.of(some_pairs(4, 6))
    changed = batch.inputs.clone()
    changed[:, 4:] = 5
    before, after = (model(batch.source, batch.source_mask, ids)[0] for ids in (batch.inputs, changed))
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_the_rows_of_weights_sum_to_1_and_padding_gets_none():
    batch = Batch.of(some_pairs(3, 8, 5))
    _, weights = translator(True)(batch.source, batch.source_mask, batch.inputs)
    assert torch.allclose(weights.sum(-1), torch.ones(3, 11).double())
    assert not weights.transpose(1, 2)[~batch.source_mask].any()


def test_the_loss_is_pytorchs_and_ignores_padding():
    model, batch = translator(True), Batch.of(some_pairs(3, 8, 5))
    logits, _ = model(batch.source, batch.source_mask, batch.inputs)
    expected = nn.functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=PAD)
    assert torch.allclose(model.loss(batch), expected)


def test_greedy_translation_is_what_teacher_forcing_with_its_own_words_finds_likeliest():
    model, (source, mask) = translator(True, 3), pad_batch([source for source, _ in some_pairs(3, 8, 1, 5)])
    written = greedy_translate(model.decoder.step, model.start(source, mask), 12)
    inputs = torch.cat([torch.full((4, 1), SOS), written[:, :-1]], dim=1)
    likeliest = model(source, mask, inputs)[0].argmax(-1)
    ended = (inputs == EOS).cumsum(1) > 0
    assert torch.equal(written, likeliest.masked_fill(ended, PAD))


def test_weights_depend_on_the_generator_alone():
    first, other = translator(True, 1), translator(True, 2)
    torch.randn(5)  # moves the global generator
    again = translator(True, 1)
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    assert not torch.equal(first.decoder.v, other.decoder.v)
    assert first.decoder.cell.bias_ih[D_HIDDEN : 2 * D_HIDDEN].eq(1).all()
    assert first.decoder.cell.bias_ih.sum() == D_HIDDEN


def test_fresh_weights_keep_the_size_of_what_goes_through():
    layer = seeded(nn.Linear(512, 512), generator())
    out = layer(torch.randn(64, 512, generator=generator(1)))
    assert 0.9 < out.std() < 1.1


def test_training_learns_to_copy_and_leaves_the_model_in_evaluation_mode():
    model, pairs = translator(True).float(), [(source, source) for source, _ in some_pairs(*[3] * 20)]
    losses = train(model, model.loss, (Batch.of(pairs) for _ in range(60)), steps=60, peak=0.02, warmup=5)
    assert len(losses) == 60
    assert losses[-1] < 0.75 * losses[0]
    assert not model.training


def test_the_learning_rate_goes_up_in_a_line_and_down_along_a_cosine():
    rates = [learning_rate(step, 100, 0.5, 20, floor=0.1) for step in range(101)]
    assert rates[:20] == pytest.approx([0.5 * (i + 1) / 20 for i in range(20)])
    assert max(rates) == 0.5
    assert all(a >= b for a, b in itertools.pairwise(rates[19:]))
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=80, eta_min=0.05)
    for rate in rates[20:]:
        assert rate == pytest.approx(optimiser.param_groups[0]["lr"])
        optimiser.step()
        cosine.step()


def test_too_few_batches_are_named():
    model = translator(True).float()
    with pytest.raises(ValueError, match="3 steps were asked for, but there were only 1"):
        train(model, model.loss, [Batch.of(some_pairs(2, 3))], steps=3, peak=0.01)
