"""lib.recurrent against PyTorch's own cells and layers, with their weights copied: forward and gradients."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lib import recurrent

BATCH, POSITIONS, D_IN, D_HIDDEN = 3, 11, 5, 7


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def draw(*shape, rng):
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def weights(rng, blocks=1):
    shapes = (D_IN, blocks * D_HIDDEN), (D_HIDDEN, blocks * D_HIDDEN), (blocks * D_HIDDEN,)
    return [draw(*shape, rng=rng).requires_grad_() for shape in shapes]


def give(layer, w_input, w_hidden, bias):
    """Copy our weights into a layer of PyTorch, which holds them transposed and with two biases."""
    with torch.no_grad():
        own = dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), layer.parameters(), strict=False))
        own["weight_ih"].copy_(w_input.T)
        own["weight_hh"].copy_(w_hidden.T)
        own["bias_ih"].copy_(bias)
        own["bias_hh"].zero_()
    return own


def same(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def same_gradients(ours, theirs, inputs, our_weights, their_weights):
    """Both results are pulled in the same random direction; the gradients must agree."""
    pull = draw(*ours.shape, rng=torch.Generator().manual_seed(9))
    mine = torch.autograd.grad((ours * pull).sum(), [inputs, *our_weights])
    other = torch.autograd.grad((theirs * pull).sum(), [inputs, *(their_weights[k] for k in list(their_weights)[:3])])
    same(mine[0], other[0])
    same(mine[1], other[1].T)
    same(mine[2], other[2].T)
    same(mine[3], other[3])


def test_rnn_step_is_torchs_rnn_cell(rng):
    inputs, hidden = draw(BATCH, D_IN, rng=rng).requires_grad_(), draw(BATCH, D_HIDDEN, rng=rng)
    own, cell = weights(rng), nn.RNNCell(D_IN, D_HIDDEN).double()
    theirs = give(cell, *own)
    ours = recurrent.rnn_step(inputs, hidden, *own)
    same(ours, cell(inputs, hidden))
    same_gradients(ours, cell(inputs, hidden), inputs, own, theirs)


def test_run_rnn_is_torchs_rnn(rng):
    inputs, hidden = draw(BATCH, POSITIONS, D_IN, rng=rng).requires_grad_(), draw(BATCH, D_HIDDEN, rng=rng)
    own, layer = weights(rng), nn.RNN(D_IN, D_HIDDEN, batch_first=True).double()
    theirs = give(layer, *own)
    ours, (expected, _) = recurrent.run_rnn(inputs, hidden, *own), layer(inputs, hidden[None])
    same(ours, expected)
    same_gradients(ours, expected, inputs, own, theirs)


def test_lstm_step_is_torchs_lstm_cell(rng):
    inputs = draw(BATCH, D_IN, rng=rng).requires_grad_()
    hidden, cell = draw(BATCH, D_HIDDEN, rng=rng), draw(BATCH, D_HIDDEN, rng=rng)
    own, layer = weights(rng, blocks=4), nn.LSTMCell(D_IN, D_HIDDEN).double()
    theirs = give(layer, *own)
    ours = torch.cat(recurrent.lstm_step(inputs, hidden, cell, *own), dim=-1)
    expected = torch.cat(layer(inputs, (hidden, cell)), dim=-1)
    same(ours, expected)
    same_gradients(ours, expected, inputs, own, theirs)


@pytest.mark.parametrize("step, blocks", [(recurrent.rnn_step, 1), (recurrent.lstm_step, 4)])
def test_a_step_takes_any_leading_dimensions(step, blocks, rng):
    own = weights(rng, blocks)
    states = [draw(2, BATCH, D_HIDDEN, rng=rng) for _ in range(1 if blocks == 1 else 2)]
    inputs = draw(2, BATCH, D_IN, rng=rng)
    together = step(inputs, *states, *own)
    alone = step(inputs[1, 2], *(state[1, 2] for state in states), *own)
    for whole, one in zip(*((x,) if blocks == 1 else x for x in (together, alone)), strict=True):
        same(whole[1, 2], one)


def test_rnn_starts_from_zeros_and_returns_its_last_state(rng):
    model = recurrent.RNN(D_IN, D_HIDDEN, rng)
    inputs = torch.randn(BATCH, POSITIONS, D_IN, generator=rng)
    layer = nn.RNN(D_IN, D_HIDDEN, batch_first=True)
    give(layer, *model.parameters())
    states, last = model(inputs)
    torch.testing.assert_close(states, layer(inputs)[0])
    assert torch.equal(last, states[:, -1])
    torch.testing.assert_close(model(inputs[:, 4:], model(inputs[:, :4])[1])[0], states[:, 4:])


@pytest.mark.parametrize("lengths", [None, [11, 4, 7], [1, 11, 2]])
@pytest.mark.parametrize("given_state", [False, True])
def test_lstm_is_torchs_lstm_padded_or_not(lengths, given_state, rng):
    model = recurrent.LSTM(D_IN, D_HIDDEN, generator=rng).double()
    layer = nn.LSTM(D_IN, D_HIDDEN, batch_first=True).double()
    theirs = give(layer, *model.parameters())
    inputs = draw(BATCH, POSITIONS, D_IN, rng=rng).requires_grad_()
    state = (draw(BATCH, D_HIDDEN, rng=rng), draw(BATCH, D_HIDDEN, rng=rng)) if given_state else None
    wide = None if state is None else tuple(part[None] for part in state)
    if lengths is None:
        ours, (hidden, cell) = model(inputs, state)
        expected, (last_hidden, last_cell) = layer(inputs, wide)
    else:
        ours, (hidden, cell) = model(inputs, state, torch.tensor(lengths))
        packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        expected, (last_hidden, last_cell) = layer(packed, wide)
        expected, _ = pad_packed_sequence(expected, batch_first=True, total_length=POSITIONS)
    same(ours, expected)
    same(hidden, last_hidden[0])
    same(cell, last_cell[0])
    same_gradients(ours, expected, inputs, list(model.parameters()), theirs)


def test_two_lstms_make_torchs_bidirectional_one(rng):
    lengths = torch.tensor([11, 4, 7])
    models = [recurrent.LSTM(D_IN, D_HIDDEN, generator=rng).double() for _ in range(2)]
    layer = nn.LSTM(D_IN, D_HIDDEN, batch_first=True, bidirectional=True).double()
    parameters = list(layer.parameters())
    for model, own in zip(models, (parameters[:4], parameters[4:]), strict=True):
        give(nn.ParameterList(own), *model.parameters())
    inputs = draw(BATCH, POSITIONS, D_IN, rng=rng)
    forward, _ = models[0](inputs, lengths=lengths)
    backward, _ = models[1](recurrent.reverse_padded(inputs, lengths), lengths=lengths)
    both = torch.cat([forward, recurrent.reverse_padded(backward, lengths)], dim=-1)
    packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    same(both, pad_packed_sequence(layer(packed)[0], batch_first=True)[0])


def test_reverse_padded_leaves_the_padding_at_the_end():
    ids = torch.tensor([[1, 2, 3, 0], [4, 0, 0, 0], [5, 6, 7, 8]])
    lengths = torch.tensor([3, 1, 4])
    assert recurrent.reverse_padded(ids, lengths).tolist() == [[3, 2, 1, 0], [4, 0, 0, 0], [8, 7, 6, 5]]
    assert recurrent.reverse_padded(ids).tolist() == ids.flip(1).tolist()


@pytest.mark.parametrize("make", [recurrent.RNN, recurrent.LSTM])
def test_fresh_weights_come_from_the_generator_and_not_from_global_state(make):
    one, other = (make(D_IN, 64, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    state = torch.get_rng_state()
    make(D_IN, 64, generator=torch.Generator().manual_seed(4))
    assert torch.equal(torch.get_rng_state(), state)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
    assert 0.11 < one.w_hidden.abs().max() <= 1 / 8


@pytest.mark.parametrize("forget_bias", [0.0, 1.0, 3.0])
def test_forget_bias_opens_the_forget_gate_only(forget_bias):
    bias = recurrent.LSTM(D_IN, D_HIDDEN, forget_bias).bias.unflatten(0, (4, D_HIDDEN))
    assert (bias[1] == forget_bias).all()
    assert (bias[[0, 2, 3]] == 0).all()


def test_next_character_loss_is_cross_entropy_shifted_by_one(rng):
    logits = draw(BATCH, POSITIONS, 13, rng=rng) * 50
    ids = torch.randint(13, (BATCH, POSITIONS), generator=rng)
    expected = functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    same(recurrent.next_character_loss(logits, ids), expected)


@pytest.mark.parametrize("scale", [0.01, 1.0, 1e6])
def test_clip_gradients_is_torchs_clip_grad_norm(scale, rng):
    gradients = [draw(3, 5, rng=rng) * scale, draw(7, rng=rng) * scale]
    holders = [nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
    for holder, gradient in zip(holders, gradients, strict=True):
        holder.grad = gradient.clone()
    norm = nn.utils.clip_grad_norm_(holders, 1.0)
    clipped, our_norm = recurrent.clip_gradients(gradients, 1.0)
    torch.testing.assert_close(our_norm, norm)
    for ours, holder in zip(clipped, holders, strict=True):
        torch.testing.assert_close(ours, holder.grad, rtol=2e-6, atol=0)  # torch divides by the norm plus 1e-6


def test_clip_gradients_leaves_zeros_alone():
    clipped, norm = recurrent.clip_gradients([torch.zeros(3)], 1.0)
    assert norm == 0
    assert torch.equal(clipped[0], torch.zeros(3))


def test_gradient_by_distance_of_an_lstm_agrees_with_torchs_jacobian(rng):
    own = [w.detach() for w in weights(rng, blocks=4)]
    inputs, start = draw(1, 4, D_IN, rng=rng), draw(1, 2 * D_HIDDEN, rng=rng)

    def step(symbol, state):
        return torch.cat(recurrent.lstm_step(symbol, *state.chunk(2, -1), *own), dim=-1)

    states = [start]
    for position in range(4):
        states.append(step(inputs[:, position], states[-1]))
    gradient = torch.ones(2 * D_HIDDEN, dtype=torch.float64)
    expected = [gradient.norm()]
    for position in reversed(range(4)):  # the chain rule, one Jacobian after the other
        symbol = inputs[:, position]
        jacobian = torch.func.jacrev(lambda state, symbol=symbol: step(symbol, state))(states[position])
        gradient = gradient @ jacobian[0, :, 0]
        expected.append(gradient.norm())
    same(recurrent.gradient_by_distance(step, inputs, start), torch.stack(expected))


def model_of(core, alphabet, rng):
    return recurrent.CharacterModel(core(len(alphabet), D_HIDDEN, generator=rng), len(alphabet), rng)


@pytest.mark.parametrize("core", [recurrent.RNN, recurrent.LSTM])
def test_the_future_cannot_change_the_past(core, rng):
    model = model_of(core, "abc", rng)
    ids = torch.randint(3, (2, 9), generator=rng)
    changed = torch.cat([ids[:, :6], (ids[:, 6:] + 1) % 3], dim=1)
    assert torch.equal(model(ids)[0][:, :6], model(changed)[0][:, :6])
    assert not torch.equal(model(ids)[0][:, 6:], model(changed)[0][:, 6:])


def test_continue_text_is_drawn_by_the_generator_and_cold_text_is_the_likeliest(rng):
    alphabet = "abcd"
    model = model_of(recurrent.RNN, alphabet, rng)
    with torch.no_grad():
        model.w_output *= 20
    one, other = (
        recurrent.continue_text(model, alphabet, "ab", 20, torch.Generator().manual_seed(5)) for _ in range(2)
    )
    assert one == other
    assert len(one) == 20
    cold = recurrent.continue_text(model, alphabet, "ab", 1, rng, temperature=1e-4)
    assert cold == alphabet[model(torch.tensor([[0, 1]]))[0][0, -1].argmax()]
