"""Checks of notebook 01, second part: the LSTM, one step and the whole class. Every mistake is written out."""

import torch

from lib import recurrent
from lib.checks.core import Exercise
from lib.checks.probing import fill, gradients, parameters

lstm_step = Exercise(recurrent.lstm_step, returns=("the new hidden state", "the new cell"))
LSTM = Exercise(recurrent.LSTM)


def weights(d_in, d_hidden, rng, blocks=1, scale=0.5):
    """Random w_input, w_hidden and bias."""
    shapes = (d_in, blocks * d_hidden), (d_hidden, blocks * d_hidden), (blocks * d_hidden,)
    return tuple(torch.randn(shape, generator=rng) * scale for shape in shapes)


def normal(*shape, rng):
    return torch.randn(shape, generator=rng)


# -------------------------------------------------------------------------------------------------------- lstm_step


@lstm_step.probe("cell 0.5, hidden 0, weights 0 and the bias (1, -1, 0.7, 0.4)")
def _(answer, rng):
    zero, cell, bias = torch.zeros(1, 1), torch.full((1, 1), 0.5), torch.tensor([1.0, -1.0, 0.7, 0.4])
    return answer(zero, zero, cell, torch.zeros(1, 4), torch.zeros(1, 4), bias)


@lstm_step.probe("batch 3, d_in 5, d_hidden 7")
def _(answer, rng):
    return answer(normal(3, 5, rng=rng), normal(3, 7, rng=rng), normal(3, 7, rng=rng), *weights(5, 7, rng, blocks=4))


@lstm_step.probe("large cells, as after a hundred steps")
def _(answer, rng):
    cell = 50 * normal(2, 5, rng=rng)
    return answer(normal(2, 3, rng=rng), normal(2, 5, rng=rng), cell, *weights(3, 5, rng, blocks=4))


@lstm_step.probe("two leading dimensions, 2 and 4")
def _(answer, rng):
    hidden, cell = normal(2, 4, 3, rng=rng), normal(2, 4, 3, rng=rng)
    return answer(normal(2, 4, 5, rng=rng), hidden, cell, *weights(5, 3, rng, blocks=4))


@lstm_step.probe("the gradients for everything that goes in")
def _(answer, rng):
    tensors = [normal(3, 5, rng=rng), normal(3, 2, rng=rng), normal(3, 2, rng=rng), *weights(5, 2, rng, blocks=4)]
    inputs, hidden, cell, w_input, w_hidden, bias = (tensor.requires_grad_() for tensor in tensors)
    both = torch.cat(answer(inputs, hidden, cell, w_input, w_hidden, bias), dim=-1)
    return gradients(both, inputs=inputs, hidden=hidden, cell=cell, w_input=w_input, w_hidden=w_hidden, bias=bias)


def _blocks(inputs, hidden, w_input, w_hidden, bias):
    return (inputs @ w_input + hidden @ w_hidden + bias).chunk(4, dim=-1)


def _combine(i, f, g, o, cell):
    new = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(new), new


@lstm_step.mistake("the input and the forget gate are mixed up: the first block writes, the second keeps.")
def input_and_forget_swapped(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    return _combine(f, i, g, o, cell)


@lstm_step.mistake("the last two blocks are mixed up: the third is the candidate, the fourth the output gate.")
def candidate_and_output_swapped(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    return _combine(i, f, o, g, cell)


@lstm_step.mistake("the blocks are read in the order forget, input: here it is input, forget, candidate, output.")
def textbook_order(inputs, hidden, cell, *w):
    f, i, o, g = _blocks(inputs, hidden, *w)
    return _combine(i, f, g, o, cell)


@lstm_step.mistake("the candidate goes through a sigmoid: it is a value (tanh, -1 to 1), only gates are sigmoids.")
def sigmoid_candidate(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    new = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.sigmoid(g)
    return torch.sigmoid(o) * torch.tanh(new), new


@lstm_step.mistake("the gates go through tanh: a gate is a share between 0 and 1, a sigmoid.")
def tanh_gates(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    new = torch.tanh(f) * cell + torch.tanh(i) * torch.tanh(g)
    return torch.tanh(o) * torch.tanh(new), new


@lstm_step.mistake("the gates are not squashed: each goes through torch.sigmoid.")
def raw_gates(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    new = f * cell + i * torch.tanh(g)
    return o * torch.tanh(new), new


@lstm_step.mistake("the candidate is not squashed: write torch.tanh of it into the cell.")
def raw_candidate(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    new = torch.sigmoid(f) * cell + torch.sigmoid(i) * g
    return torch.sigmoid(o) * torch.tanh(new), new


@lstm_step.mistake("the cell is shown as it is: hidden = output gate * torch.tanh(cell).")
def no_tanh_of_the_cell(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    new = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * new, new


@lstm_step.mistake("hidden shows the old cell: use the cell that was just computed.")
def shows_the_old_cell(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    return torch.sigmoid(o) * torch.tanh(cell), _combine(i, f, g, o, cell)[1]


@lstm_step.mistake("the squashed cell is handed on: tanh is for hidden only, the cell itself must not be squashed.")
def squashed_cell(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    new = torch.tanh(_combine(i, f, g, o, cell)[1])
    return torch.sigmoid(o) * new, new


@lstm_step.mistake("the new cell is squashed by tanh and then once more: keep the plain sum as the cell.")
def squashed_twice(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    new = torch.tanh(_combine(i, f, g, o, cell)[1])
    return torch.sigmoid(o) * torch.tanh(new), new


@lstm_step.mistake("there is no forgetting: multiply the old cell by the forget gate.")
def no_forget_gate(inputs, hidden, cell, *w):
    i, _, g, o = _blocks(inputs, hidden, *w)
    new = cell + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(new), new


@lstm_step.mistake("the candidate is written without its gate: multiply it by the input gate.")
def no_input_gate(inputs, hidden, cell, *w):
    _, f, g, o = _blocks(inputs, hidden, *w)
    new = torch.sigmoid(f) * cell + torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(new), new


@lstm_step.mistake("hidden is not gated: multiply tanh(cell) by the output gate.")
def no_output_gate(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    new = _combine(i, f, g, o, cell)[1]
    return torch.tanh(new), new


@lstm_step.mistake("the forget gate's complement is used: a gate near 1 keeps the cell, near 0 forgets it.")
def inverted_forget_gate(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    return _combine(i, -f, g, o, cell)


@lstm_step.mistake("input and forget gate are tied (1 - the other), as in a GRU: the LSTM has a block for each.")
def tied_gates(inputs, hidden, cell, *w):
    _, f, g, o = _blocks(inputs, hidden, *w)
    return _combine(-f, f, g, o, cell)


@lstm_step.mistake("the old cell is lost: the new cell is forget gate * cell + input gate * candidate.")
def loses_the_cell(inputs, hidden, cell, *w):
    i, f, g, o = _blocks(inputs, hidden, *w)
    return _combine(i, f, g, o, torch.zeros_like(cell))


@lstm_step.mistake("the hidden state before is not used: add `hidden @ w_hidden`.")
def ignores_hidden(inputs, hidden, cell, *w):
    return recurrent.lstm_step(inputs, torch.zeros_like(hidden), cell, *w)


@lstm_step.mistake("the bias is missing: add `bias` to the sum.")
def without_bias(inputs, hidden, cell, w_input, w_hidden, bias):
    return recurrent.lstm_step(inputs, hidden, cell, w_input, w_hidden, torch.zeros_like(bias))


@lstm_step.mistake("the two results are in the other order: hidden first, then the cell.")
def cell_first(inputs, hidden, cell, *w):
    return recurrent.lstm_step(inputs, hidden, cell, *w)[::-1]


@lstm_step.mistake("only the hidden state comes back: the next step needs the cell too, return both.")
def hidden_only(inputs, hidden, cell, *w):
    return recurrent.lstm_step(inputs, hidden, cell, *w)[0]


@lstm_step.mistake("the blocks are cut along the batch: chunk along the last axis, dim=-1.")
def chunks_the_batch(inputs, hidden, cell, *w):
    i, f, g, o = (inputs @ w[0] + hidden @ w[1] + w[2]).chunk(4)
    return _combine(i, f, g, o, cell)


@lstm_step.mistake("the blocks are cut along the second axis, which is not always the last: dim=-1.")
def chunks_axis_one(inputs, hidden, cell, *w):
    i, f, g, o = (inputs @ w[0] + hidden @ w[1] + w[2]).chunk(4, dim=1)
    return _combine(i, f, g, o, cell)


@lstm_step.mistake("every fourth column is taken: the blocks lie side by side, each d_hidden wide.")
def interleaved(inputs, hidden, cell, *w):
    blocks = inputs @ w[0] + hidden @ w[1] + w[2]
    return _combine(*(blocks[..., k::4] for k in range(4)), cell)


@lstm_step.mistake("the cell is cut off by `.detach()`: it is the road on which learning reaches back.")
def detached_cell(inputs, hidden, cell, *w):
    return recurrent.lstm_step(inputs, hidden, cell.detach(), *w)


# ------------------------------------------------------------------------------------------------------------- LSTM


@LSTM.probe("d_in 5, d_hidden 7: the parameters' shapes")
def _(answer, rng):
    return parameters(answer(5, 7))


@LSTM.probe("the bias at the start, with the default forget_bias: 1 for the forget gate, else 0")
def _(answer, rng):
    return answer(5, 3).bias


@LSTM.probe("the bias at the start with forget_bias 3")
def _(answer, rng):
    return answer(2, 3, 3.0).bias


@LSTM.probe("a sequence of one symbol")
def _(answer, rng):
    return fill(answer(3, 5), rng)(normal(2, 1, 3, rng=rng))


@LSTM.probe("batch 3, 11 positions, d_in 5, d_hidden 7")
def _(answer, rng):
    return fill(answer(5, 7), rng)(normal(3, 11, 5, rng=rng))


@LSTM.probe("a given state at the start")
def _(answer, rng):
    return fill(answer(3, 5), rng)(normal(2, 3, 3, rng=rng), (normal(2, 5, rng=rng), normal(2, 5, rng=rng)))


@LSTM.probe("lengths 4, 2, 5: the states, zero on padding, and the end of each sequence")
def _(answer, rng):
    return fill(answer(2, 3), rng)(normal(3, 5, 2, rng=rng), None, torch.tensor([4, 2, 5]))


@LSTM.probe("a batch of one with its length")
def _(answer, rng):
    return fill(answer(3, 2), rng)(normal(1, 5, 3, rng=rng), None, torch.tensor([2]))


@LSTM.probe("two calls of one model, each from zeros")
def _(answer, rng):
    module, inputs = fill(answer(3, 5), rng), normal(2, 2, 3, rng=rng)
    return module(inputs), module(inputs)


@LSTM.probe("the gradients for inputs and weights")
def _(answer, rng):
    module, inputs = fill(answer(3, 5), rng), normal(2, 5, 3, rng=rng).requires_grad_()
    states, (_, cell) = module(inputs, None, torch.tensor([5, 3]))
    return gradients(torch.cat([states.flatten(1), cell], dim=1), inputs=inputs, **dict(module.named_parameters()))


@LSTM.probe("float64")
def _(answer, rng):
    return fill(answer(2, 3), rng).double()(normal(2, 3, 2, rng=rng).double())


@LSTM.probe("two models: their weights are drawn at random, not all equal")
def _(answer, rng):
    return {f"whether {name} differs from model to model": not same for name, same in _same(answer(3, 5), answer(3, 5))}


@LSTM.probe("d_hidden 64: how large the weights are at the start, at most 1/8, and spread evenly")
def _(answer, rng):
    module = answer(32, 64)
    return {
        f"whether {name} lies within 1/sqrt(d_hidden) and has a mean size near half of that": bool(
            weight.abs().max() <= 0.12501 and 0.055 < weight.abs().mean() < 0.07
        )
        for name, weight in (("w_input", module.w_input), ("w_hidden", module.w_hidden))
    }


@LSTM.probe("two models made with generators of the same seed, which must be equal")
def _(answer, rng):
    modules = [answer(3, 5, 1.0, torch.Generator().manual_seed(7)) for _ in range(2)]
    return {f"whether {name} is the same with the same seed": same for name, same in _same(*modules)}


def _same(one, other):
    return [(name, torch.equal(getattr(one, name), getattr(other, name))) for name in ("w_input", "w_hidden")]


@LSTM.mistake("the state is kept from one call to the next: without a given state, every call starts from zeros.")
class Remembers(recurrent.LSTM):
    def forward(self, inputs, state=None, lengths=None):
        states, self.kept = super().forward(inputs, getattr(self, "kept", state), lengths)
        return states, self.kept


def _variant(**changes):
    """The course's LSTM with some methods replaced, as a class of its own."""
    return type("LSTM", (recurrent.LSTM,), changes)


def lstm_mistake(sentence):
    """Register a function (forward, inputs, state, lengths) -> (states, state) around the course's forward."""

    def add(function):
        forward = recurrent.LSTM.forward

        def replaced(self, inputs, state=None, lengths=None):
            return function(lambda *a: forward(self, *a), inputs, state, lengths)

        variant = _variant(forward=replaced)
        variant.__name__ = function.__name__
        LSTM.mistake(sentence)(variant)
        return function

    return add


def bias_mistake(sentence):
    """Register a function (lstm, d_hidden, forget_bias) that spoils a fresh LSTM's parameters."""

    def add(function):
        def replaced(self, d_in, d_hidden, forget_bias=1.0, generator=None):
            recurrent.LSTM.__init__(self, d_in, d_hidden, forget_bias, generator)
            with torch.no_grad():
                function(self, d_hidden, forget_bias)

        variant = _variant(__init__=replaced)
        variant.__name__ = function.__name__
        LSTM.mistake(sentence)(variant)
        return function

    return add


@bias_mistake("the bias has no forget_bias: the second of its four blocks starts with it.")
def bias_of_zeros(lstm, d_hidden, forget_bias):
    lstm.bias.zero_()


@bias_mistake("forget_bias is in all four blocks: it belongs into the second one only, bias[d_hidden : 2 * d_hidden].")
def bias_everywhere(lstm, d_hidden, forget_bias):
    lstm.bias.fill_(forget_bias)


@bias_mistake("forget_bias is in the first block, the input gate's: it belongs into bias[d_hidden : 2 * d_hidden].")
def bias_in_the_first_block(lstm, d_hidden, forget_bias):
    lstm.bias.zero_()[:d_hidden] = forget_bias


@bias_mistake("forget_bias is in the wrong block: the forget gate's is the second, bias[d_hidden : 2 * d_hidden].")
def bias_in_the_third_block(lstm, d_hidden, forget_bias):
    lstm.bias.zero_()[2 * d_hidden : 3 * d_hidden] = forget_bias


@bias_mistake("forget_bias is not used: the bias always gets 1.")
def bias_always_one(lstm, d_hidden, forget_bias):
    lstm.bias[d_hidden : 2 * d_hidden] = 1.0


@bias_mistake("the weights start at zero, so all units learn the same: draw them at random.")
def weights_of_zero(lstm, d_hidden, forget_bias):
    lstm.w_input.zero_()
    lstm.w_hidden.zero_()


@bias_mistake("w_input has its axes swapped: the weights stand on the right, so it is (d_in, 4 * d_hidden).")
def input_weights_transposed(lstm, d_hidden, forget_bias):
    lstm.w_input = torch.nn.Parameter(lstm.w_input.T.clone())


@bias_mistake("the weights have their axes swapped: they stand on the right, so w_hidden is (d_hidden, 4 * d_hidden).")
def weights_transposed(lstm, d_hidden, forget_bias):
    lstm.w_input = torch.nn.Parameter(lstm.w_input.T.clone())
    lstm.w_hidden = torch.nn.Parameter(lstm.w_hidden.T.clone())


@lstm_mistake("`state` is not used: start from it where it is given, from zeros only when it is None.")
def starts_from_zero(forward, inputs, state, lengths):
    return forward(inputs, None, lengths)


@lstm_mistake("the state comes in as (hidden, cell), in this order.")
def state_swapped(forward, inputs, state, lengths):
    return forward(inputs, state and state[::-1], lengths)


@lstm_mistake("of the given state only `hidden` is used: the cell at the start is given too.")
def cell_from_zero(forward, inputs, state, lengths):
    return forward(inputs, state and (state[0], torch.zeros_like(state[1])), lengths)


@lstm_mistake("the state at the end comes back as (cell, hidden): hidden first.")
def returned_swapped(forward, inputs, state, lengths):
    states, end = forward(inputs, state, lengths)
    return states, end[::-1]


@lstm_mistake("only the states come back: return the last (hidden, cell) as well.")
def states_only(forward, inputs, state, lengths):
    return forward(inputs, state, lengths)[0]


@lstm_mistake("three values come back; the state is one pair: return states, (hidden, cell).")
def three_values(forward, inputs, state, lengths):
    states, (hidden, cell) = forward(inputs, state, lengths)
    return states, hidden, cell


@lstm_mistake("the axes are (position, batch, d_hidden): stack the states along dim=1.")
def positions_first(forward, inputs, state, lengths):
    states, end = forward(inputs, state, lengths)
    return states.transpose(0, 1), end


@lstm_mistake("the states hold the cells: collect `hidden`.")
def collects_cells(forward, inputs, state, lengths):
    cells = []
    for position in range(inputs.shape[1]):
        _, state = forward(inputs[:, position : position + 1], state, None if lengths is None else lengths - position)
        cells.append(state[1])
    return torch.stack(cells, dim=1), state


@lstm_mistake("lengths are not used: after its last real position a sequence's state must stand still.")
def ignores_lengths(forward, inputs, state, lengths):
    return forward(inputs, state, None)


@lstm_mistake("the state at the end is that of the last position, padding included: stop where each sequence ends.")
def reads_the_padding(forward, inputs, state, lengths):
    states, _ = forward(inputs, state, lengths)
    return states, forward(inputs, state, None)[1]


@lstm_mistake("the states on padding must be zero; here they go on.")
def states_on_padding(forward, inputs, state, lengths):
    return forward(inputs, state, None)[0], forward(inputs, state, lengths)[1]


@lstm_mistake("the states on padding must be zero; here the last real state is repeated.")
def repeats_the_last_state(forward, inputs, state, lengths):
    states, (hidden, cell) = forward(inputs, state, lengths)
    if lengths is not None:
        padding = torch.arange(inputs.shape[1])[None, :, None] >= lengths[:, None, None]
        states = torch.where(padding, hidden[:, None], states)
    return states, (hidden, cell)


@lstm_mistake("one padding position is read: position is real when position < lengths, since counting starts at 0.")
def off_by_one(forward, inputs, state, lengths):
    return forward(inputs, state, None if lengths is None else lengths + 1)


@lstm_mistake("the last real position is not read: position is real when position < lengths.")
def stops_early(forward, inputs, state, lengths):
    return forward(inputs, state, None if lengths is None else lengths - 1)


@lstm_mistake("padding sets the state to zero: it must stand still, so that the end of each sequence is returned.")
def forgets_on_padding(forward, inputs, state, lengths):
    states, (hidden, cell) = forward(inputs, state, lengths)
    if lengths is not None:
        full = (lengths == inputs.shape[1])[:, None]
        hidden, cell = hidden * full, cell * full
    return states, (hidden, cell)


@lstm_mistake("the states are cut apart by `.detach()`: the gradient must reach every earlier step.")
def cut_between_lstm_steps(forward, inputs, state, lengths):
    states = []
    for position in range(inputs.shape[1]):
        left = None if lengths is None else lengths - position
        one, state = forward(inputs[:, position : position + 1], state and tuple(p.detach() for p in state), left)
        states.append(one)
    return torch.cat(states, dim=1), state


@lstm_mistake("the mask runs along the features: `(position < lengths)[:, None]` has one row for each sequence.")
def mask_along_the_features(forward, inputs, state, lengths):
    states = []
    for position in range(inputs.shape[1]):
        (_, new), before = forward(inputs[:, position : position + 1], state), state or (torch.zeros(()),) * 2
        real = True if lengths is None else position < lengths
        state = tuple(torch.where(real, a, b) for a, b in zip(new, before, strict=True)) if lengths is not None else new
        states.append(state[0] * real)
    return torch.stack(states, dim=1), state
