"""Wrong answers to notebook 01, the LSTM. Each must be rejected, with a message about its mistake."""

import torch
from torch import nn

from lib.checks.core import edit
from lib.recurrent import lstm_step
from tests.graders.cases import slips, wrong

# -------------------------------------------------------------------------------------------------------- lstm_step


def blocks_of(inputs, hidden, w_input, w_hidden, bias):
    return (inputs @ w_input + hidden @ w_hidden + bias).chunk(4, dim=-1)


@wrong("lstm_step", says="first block writes, the second keeps")
def forget_comes_first(inputs, hidden, cell, w_input, w_hidden, bias):
    f, i, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="third is the candidate")
def output_before_candidate(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, o, g = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="order forget, input")
def order_of_the_blog(inputs, hidden, cell, w_input, w_hidden, bias):
    f, i, o, g = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="candidate goes through a sigmoid")
def everything_sigmoid(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = (block.sigmoid() for block in blocks_of(inputs, hidden, w_input, w_hidden, bias))
    cell = f * cell + i * g
    return o * cell.tanh(), cell


@wrong("lstm_step", says="gates go through tanh")
def everything_tanh(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = (block.tanh() for block in blocks_of(inputs, hidden, w_input, w_hidden, bias))
    cell = f * cell + i * g
    return o * cell.tanh(), cell


@wrong("lstm_step", says="gates are not squashed")
def nothing_squashed(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = f * cell + i * g.tanh()
    return o * cell.tanh(), cell


@wrong("lstm_step", says="shown as it is")
def plain_cell_shown(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell, cell


@wrong("lstm_step", says="shows the old cell")
def old_cell_shown(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    new = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), new


@wrong("lstm_step", says="cell itself must not be squashed")
def tanh_kept_in_the_cell(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = torch.tanh(f.sigmoid() * cell + i.sigmoid() * g.tanh())
    return o.sigmoid() * cell, cell


@wrong("lstm_step", says="there is no forgetting")
def lstm_of_1997(inputs, hidden, cell, w_input, w_hidden, bias):
    i, _, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="tied")
def one_gate_for_both(inputs, hidden, cell, w_input, w_hidden, bias):
    _, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = f.sigmoid() * cell + (1 - f.sigmoid()) * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="the order is: the new hidden state first")
def returns_cell_first(inputs, hidden, cell, w_input, w_hidden, bias):
    hidden, cell = lstm_step(inputs, hidden, cell, w_input, w_hidden, bias)
    return cell, hidden


@wrong("lstm_step", says="the next step needs both")
def returns_one(inputs, hidden, cell, w_input, w_hidden, bias):
    return lstm_step(inputs, hidden, cell, w_input, w_hidden, bias)[0]


@wrong("lstm_step", says="bias is missing")
def no_bias_in_gates(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, 0)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="hidden state before is not used")
def no_recurrence(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = (inputs @ w_input + bias).chunk(4, dim=-1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="every fourth column")
def reshaped(inputs, hidden, cell, w_input, w_hidden, bias):
    blocks = (inputs @ w_input + hidden @ w_hidden + bias).unflatten(-1, (-1, 4))
    i, f, g, o = blocks.unbind(-1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="second axis")
def chunk_dim_1(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = (inputs @ w_input + hidden @ w_hidden + bias).chunk(4, dim=1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="changes what it was given")
def cell_in_place(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell *= f.sigmoid()
    cell += i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="learning reaches back along it")
def cell_without_gradient(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = f.sigmoid() * cell.detach() + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="hidden is not gated")
def output_gate_forgotten(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, _ = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return cell.tanh(), cell


@wrong("lstm_step", says="large cells")
def cell_held_within_bounds(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = (f.sigmoid() * cell + i.sigmoid() * g.tanh()).clamp(-3, 3)
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="three leading axes")
def matrices_or_vectors_only(inputs, hidden, cell, w_input, w_hidden, bias):
    rows = [part if part.ndim == 2 else part[None] for part in (inputs, hidden)]
    i, f, g, o = (
        torch.addmm(torch.mm(rows[1], w_hidden) + bias, rows[0], w_input).view(*cell.shape[:-1], -1).chunk(4, -1)
    )
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="dtype torch.float32, expected torch.float64")
def always_float32(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs.float(), hidden.float(), w_input.float(), w_hidden.float(), bias.float())
    cell = f.sigmoid() * cell.float() + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="weights are swapped")
def weights_mixed_up(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(hidden, inputs, w_input, w_hidden, bias)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="inf / inf is nan")
def tanh_by_powers(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * (cell.exp() - 1 / cell.exp()) / (cell.exp() + 1 / cell.exp()), cell


@wrong("lstm_step", says="a block is as wide as hidden")
def split_by_the_inputs(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = (inputs @ w_input + hidden @ w_hidden + bias).split(inputs.shape[-1], dim=-1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


@wrong("lstm_step", says="every axis of size 1")
def squeezed(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return (o.sigmoid() * cell.tanh()).squeeze(), cell.squeeze()


def overflowing(z):
    return z.exp() / (1 + z.exp())


@wrong("lstm_step", says="torch.sigmoid takes sums of any size")
def gates_by_hand(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = blocks_of(inputs, hidden, w_input, w_hidden, bias)
    cell = overflowing(f) * cell + overflowing(i) * g.tanh()
    return overflowing(o) * cell.tanh(), cell


slips(
    "lstm_step",
    swaps_input_and_output=(None, edit("write, keep, candidate, show =", "show, keep, candidate, write =")),
    one_cell_too_many=("expected 2", edit("(cell), cell", "(cell), cell, candidate")),
)


# ------------------------------------------------------------------------------------------------------------- LSTM


class Learners(nn.Module):
    """What most learners write; each wrong answer below spoils one thing."""

    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__()
        self.d_hidden, k = d_hidden, d_hidden**-0.5
        self.w_input = nn.Parameter((2 * torch.rand(d_in, 4 * d_hidden, generator=generator) - 1) * k)
        self.w_hidden = nn.Parameter((2 * torch.rand(d_hidden, 4 * d_hidden, generator=generator) - 1) * k)
        self.bias = nn.Parameter(torch.zeros(4 * d_hidden))
        self.bias.data[d_hidden : 2 * d_hidden] = forget_bias

    def forward(self, inputs, state=None, lengths=None):
        hidden, cell = self.start(inputs, state)
        states = []
        for t in range(inputs.shape[1]):
            new_hidden, new_cell = lstm_step(inputs[:, t], hidden, cell, self.w_input, self.w_hidden, self.bias)
            shown, hidden, cell = self.move(t, lengths, hidden, cell, new_hidden, new_cell)
            states.append(shown)
        return self.finish(states, hidden, cell)

    def start(self, inputs, state):
        zeros = torch.zeros(inputs.shape[0], self.d_hidden, dtype=inputs.dtype)
        return (zeros, zeros) if state is None else state

    def move(self, t, lengths, hidden, cell, new_hidden, new_cell):
        if lengths is None:
            return new_hidden, new_hidden, new_cell
        real = (t < lengths).unsqueeze(1)
        return new_hidden * real, torch.where(real, new_hidden, hidden), torch.where(real, new_cell, cell)

    def finish(self, states, hidden, cell):
        return torch.stack(states, dim=1), (hidden, cell)


@wrong("LSTM", says="has no forget_bias")
class PlainBias(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, d_hidden, 0.0, generator)


@wrong("LSTM", says="first block, the input gate's")
class BiasTooEarly(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, d_hidden, 0.0, generator)
        self.bias.data[:d_hidden] = forget_bias


@wrong("LSTM", says="in all four blocks")
class BiasEverywhere(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, d_hidden, forget_bias, generator)
        self.bias.data[:] = forget_bias


@wrong("LSTM", says="always gets 1")
class BiasFixed(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, d_hidden, 1.0, generator)


@wrong("LSTM", says="no 'parameter `bias`'")
class BiasIsNoParameter(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, d_hidden, forget_bias, generator)
        bias = self.bias.detach()
        del self.bias
        self.bias = bias


@wrong("LSTM", says="draw them at random")
class StartsAtZero(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, d_hidden, forget_bias, generator)
        nn.init.zeros_(self.w_input)
        nn.init.zeros_(self.w_hidden)


@wrong("LSTM", says="of a new model lies between")
class WeightsOfSizeOne(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, d_hidden, forget_bias, generator)
        nn.init.normal_(self.w_input)
        nn.init.normal_(self.w_hidden)


@wrong("LSTM", says="`generator` has no effect")
class IgnoresTheGenerator(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, d_hidden, forget_bias, None)


@wrong("LSTM", says="`state` has no effect")
class IgnoresTheState(Learners):
    def start(self, inputs, state):
        return super().start(inputs, None)


@wrong("LSTM", says="the given cell is not used")
class IgnoresTheCell(Learners):
    def start(self, inputs, state):
        hidden, cell = super().start(inputs, state)
        return hidden, torch.zeros_like(cell)


@wrong("LSTM", says="`lengths` has no effect")
class IgnoresLengths(Learners):
    def move(self, t, lengths, hidden, cell, new_hidden, new_cell):
        return new_hidden, new_hidden, new_cell


@wrong("LSTM", says="the states on padding must be zero")
class ShowsThePadding(Learners):
    def move(self, t, lengths, hidden, cell, new_hidden, new_cell):
        _, hidden, cell = super().move(t, lengths, hidden, cell, new_hidden, new_cell)
        return hidden, hidden, cell


@wrong("LSTM", says="padding included")
class ReadsThePadding(Learners):
    def move(self, t, lengths, hidden, cell, new_hidden, new_cell):
        shown, _, _ = super().move(t, lengths, hidden, cell, new_hidden, new_cell)
        return shown, new_hidden, new_cell


@wrong("LSTM", says="it must stand still")
class ForgetsOnPadding(Learners):
    def move(self, t, lengths, hidden, cell, new_hidden, new_cell):
        real = 1 if lengths is None else (t < lengths).unsqueeze(1)
        return new_hidden * real, new_hidden * real, new_cell * real


@wrong("LSTM", says="counting starts at 0")
class OneTooMany(Learners):
    def move(self, t, lengths, hidden, cell, new_hidden, new_cell):
        return super().move(t - 1, lengths, hidden, cell, new_hidden, new_cell)


@wrong("LSTM", says="stack the states along dim=1")
class PositionsFirst(Learners):
    def finish(self, states, hidden, cell):
        return torch.stack(states), (hidden, cell)


@wrong("LSTM", says="return the last (hidden, cell) as well")
class StatesOnly(Learners):
    def finish(self, states, hidden, cell):
        return torch.stack(states, dim=1)


@wrong("LSTM", says="return states, (hidden, cell)")
class ThreeResults(Learners):
    def finish(self, states, hidden, cell):
        return torch.stack(states, dim=1), hidden, cell


@wrong("LSTM", says="hidden first")
class CellFirst(Learners):
    def finish(self, states, hidden, cell):
        return torch.stack(states, dim=1), (cell, hidden)


@wrong("LSTM", says="must reach every earlier step")
class CutsTheChain(Learners):
    def forward(self, inputs, state=None, lengths=None):
        hidden, cell = self.start(inputs, state)
        states = []
        for t in range(inputs.shape[1]):
            before = hidden.detach(), cell.detach()
            after = lstm_step(inputs[:, t], *before, self.w_input, self.w_hidden, self.bias)
            shown, hidden, cell = self.move(t, lengths, *before, *after)
            states.append(shown)
        return self.finish(states, hidden, cell)


@wrong("LSTM", says="stays there for the next call")
class KeepsItsState(Learners):
    memory = None

    def start(self, inputs, state):
        return super().start(inputs, self.memory if state is None else state)

    def finish(self, states, hidden, cell):
        self.memory = hidden, cell
        return super().finish(states, hidden, cell)


@wrong("LSTM", says="one row for each sequence")
class MaskWithoutItsAxis(Learners):
    def move(self, t, lengths, hidden, cell, new_hidden, new_cell):
        if lengths is None:
            return new_hidden, new_hidden, new_cell
        real = t < lengths
        return new_hidden * real, torch.where(real, new_hidden, hidden), torch.where(real, new_cell, cell)


@wrong("LSTM", says="takes away the axis of a batch of one")
class SqueezesTheBatch(Learners):
    def finish(self, states, hidden, cell):
        return torch.stack(states, dim=1).squeeze(0), (hidden, cell)


@wrong("LSTM", says="no 'parameter `bias`'")
class TorchInside(nn.Module):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__()
        self.lstm = nn.LSTM(d_in, d_hidden, batch_first=True)

    def forward(self, inputs, state=None, lengths=None):
        return self.lstm(inputs)


@wrong("LSTM", says="dtype")
class AlwaysFloat32(Learners):
    def start(self, inputs, state):
        return (torch.zeros(len(inputs), self.d_hidden),) * 2 if state is None else state

    def move(self, t, lengths, hidden, cell, new_hidden, new_cell):
        shown, hidden, cell = super().move(t, lengths, hidden, cell, new_hidden, new_cell)
        return shown.float(), hidden, cell


@wrong("LSTM", says="a class is asked for")
def a_function(inputs, state=None, lengths=None):
    return inputs, state


@wrong("LSTM", says="one sequence of 300 positions")
class TableOf256(Learners):
    def finish(self, states, hidden, cell):
        table = hidden.new_zeros(len(hidden), 256, self.d_hidden)
        for t, state in enumerate(states):
            table[:, t] = state
        return table[:, : len(states)], (hidden, cell)


@wrong("LSTM", says="is the same in two new models")
class SeedsItself(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        torch.manual_seed(0)
        super().__init__(d_in, d_hidden, forget_bias, generator)


@wrong("LSTM", says="lies between 0.")
class PositiveWeights(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, d_hidden, forget_bias, generator)
        self.w_input.data = 0.0001 + self.w_input.data.abs() * 0.999
        self.w_hidden.data = 0.0001 + self.w_hidden.data.abs() * 0.999


@wrong("LSTM", says="lies between -0.0")
class BoundOfPyTorchsLinear(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, 4 * d_hidden, forget_bias, generator)
        self.d_hidden = d_hidden
        self.w_input.data = self.w_input.data[:, : 4 * d_hidden].clone()
        self.w_hidden.data = self.w_hidden.data[:d_hidden, : 4 * d_hidden].clone()
        self.bias.data = torch.zeros(4 * d_hidden)
        self.bias.data[d_hidden : 2 * d_hidden] = forget_bias


@wrong("LSTM", says="uniform, so that the mean size")
class NormalWeights(Learners):
    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__(d_in, d_hidden, forget_bias, generator)
        for weight in (self.w_input, self.w_hidden):
            nn.init.trunc_normal_(weight, 0, d_hidden**-0.5 / 2, -(d_hidden**-0.5), d_hidden**-0.5, generator=generator)


@wrong("LSTM", says="when `lengths` are given")
class StateOrLengths(Learners):
    def forward(self, inputs, state=None, lengths=None):
        return super().forward(inputs, state if lengths is None else None, lengths)


@wrong("LSTM", says="expected (2, 4, 5)")
class CutToTheLongest(Learners):
    def forward(self, inputs, state=None, lengths=None):
        return super().forward(inputs if lengths is None else inputs[:, : int(lengths.max())], state, lengths)


@wrong("LSTM", says="`forward` should return `states, (hidden, cell)`, but it returns (a tensor, a tensor)")
class StackedState(Learners):
    def finish(self, states, hidden, cell):
        return torch.stack(states, dim=1), torch.stack([hidden, cell])


@wrong("LSTM", says="the cell goes on")
class CellGoesOn(Learners):
    def move(self, t, lengths, hidden, cell, new_hidden, new_cell):
        shown, hidden, _ = super().move(t, lengths, hidden, cell, new_hidden, new_cell)
        return shown, hidden, new_cell


@wrong("LSTM", says="inputs as large as 1,000")
class GatesByHand(Learners):
    def forward(self, inputs, state=None, lengths=None):
        hidden, cell = self.start(inputs, state)
        states = []
        for t in range(inputs.shape[1]):
            weighed = inputs[:, t] @ self.w_input + hidden @ self.w_hidden + self.bias
            i, f, g, o = weighed.chunk(4, dim=-1)
            new_cell = overflowing(f) * cell + overflowing(i) * g.tanh()
            shown, hidden, cell = self.move(t, lengths, hidden, cell, overflowing(o) * new_cell.tanh(), new_cell)
            states.append(shown)
        return self.finish(states, hidden, cell)


slips(
    "LSTM",
    lengths_in_8_bits=("lengths 300 and 270", edit("position < lengths", "position < lengths.to(torch.uint8)")),
    lengths_up_to_256=("lengths 300 and 270", edit("position < lengths", "position < lengths.clamp(max=256)")),
    squeezed=(
        "takes away the axis of a batch of one",
        edit("torch.stack(states, dim=1)", "torch.stack(states, dim=1).squeeze()"),
    ),
    no_bias_parameter=("has no 'parameter `bias`'", edit("self.bias = nn.Parameter(bias)", "self.bias = bias")),
    first_length_for_all=(None, edit("position < lengths)", "position < lengths[0].expand_as(lengths))")),
    never_below_zero=("-2", edit("= forget_bias\n", "= max(forget_bias, 0)\n")),
    cut_every_32=(
        "gradient",
        edit("position], hidden, cell,", "position], hidden, cell if position % 32 else cell.detach(),"),
    ),
    bias_first=(
        "the names of the parameters",
        edit(
            *(
                "        self.w_input = ",
                "        self.bias = nn.Parameter(torch.zeros(4 * d_hidden))\n        self.w_input = ",
            ),
            *("self.bias = nn.Parameter(bias)", "self.bias.data = bias"),
        ),
    ),
)
