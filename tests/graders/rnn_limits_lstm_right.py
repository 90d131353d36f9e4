"""Right answers to notebook 01, the LSTM, in other styles than the course's. Each must be accepted."""

import math

import torch
from torch import nn

from tests.graders.cases import right


@right("lstm_step")
def sliced(inputs, hidden, cell, w_input, w_hidden, bias):
    n = cell.shape[-1]
    z = inputs @ w_input + hidden @ w_hidden + bias
    write, keep = z[..., :n].sigmoid(), z[..., n : 2 * n].sigmoid()
    candidate, show = z[..., 2 * n : 3 * n].tanh(), z[..., 3 * n :].sigmoid()
    cell = keep * cell + write * candidate
    return show * cell.tanh(), cell


@right("lstm_step")
def weights_cut_first(inputs, hidden, cell, w_input, w_hidden, bias):
    parts = zip(w_input.chunk(4, -1), w_hidden.chunk(4, -1), bias.chunk(4), strict=True)
    i, f, g, o = (inputs @ a + hidden @ b + c for a, b, c in parts)
    new = torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(f) * cell
    return torch.tanh(new) * torch.sigmoid(o), new


@right("lstm_step")
def unflattened(inputs, hidden, cell, w_input, w_hidden, bias):
    blocks = (torch.cat([inputs, hidden], -1) @ torch.cat([w_input, w_hidden]) + bias).unflatten(-1, (4, -1))
    i, f, _, o = blocks.sigmoid().unbind(-2)
    cell = f * cell + i * blocks[..., 2, :].tanh()
    return [o * cell.tanh(), cell]


@right("lstm_step")
def lerp(inputs, hidden, cell, w_input, w_hidden, bias):
    i, f, g, o = torch.split(
        torch.einsum("...a,ab->...b", inputs, w_input) + hidden @ w_hidden + bias, cell.shape[-1], -1
    )
    new = torch.addcmul(f.sigmoid() * cell, i.sigmoid(), g.tanh())
    return o.sigmoid() * new.tanh(), new


@right("lstm_step")
def in_double(inputs, hidden, cell, w_input, w_hidden, bias):
    z = inputs.double() @ w_input.double() + hidden.double() @ w_hidden.double() + bias.double()
    i, f, g, o = z.chunk(4, -1)
    new = f.sigmoid() * cell.double() + i.sigmoid() * g.tanh()
    return (o.sigmoid() * new.tanh()).to(cell.dtype), new.to(cell.dtype)


@right("lstm_step")
def gate_by_gate(x, h, c, u, w, b):
    def gate(k, squash):
        part = slice(k * c.shape[-1], (k + 1) * c.shape[-1])
        return squash(b[part] + h @ w[:, part] + x @ u[:, part])

    c = gate(0, torch.sigmoid) * gate(2, torch.tanh) + gate(1, torch.sigmoid) * c
    return gate(3, torch.sigmoid) * c.tanh(), c


class Named(nn.Module):
    """The parts that the right classes below share: the parameters, drawn another way than the course's."""

    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__()
        self.size = d_hidden
        k = 1 / math.sqrt(d_hidden)
        self.w_input = nn.Parameter(torch.rand(d_in, 4 * d_hidden, generator=generator) * 2 * k - k)
        self.w_hidden = nn.Parameter(torch.rand(d_hidden, 4 * d_hidden, generator=generator) * 2 * k - k)
        blocks = torch.zeros(4, d_hidden)
        blocks[1] = forget_bias
        self.bias = nn.Parameter(blocks.flatten())

    def step(self, symbol, hidden, cell):
        i, f, g, o = (symbol @ self.w_input + hidden @ self.w_hidden + self.bias).chunk(4, -1)
        cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
        return o.sigmoid() * cell.tanh(), cell


@right("LSTM")
class ArithmeticMask(Named):
    def forward(self, inputs, state=None, lengths=None):
        batch, positions, _ = inputs.shape
        h, c = state if state is not None else (inputs.new_zeros(batch, self.size), inputs.new_zeros(batch, self.size))
        out = []
        for t in range(positions):
            nh, nc = self.step(inputs[:, t], h, c)
            m = torch.ones(batch, 1) if lengths is None else (lengths > t).float().unsqueeze(-1)
            m = m.to(inputs.dtype)
            h, c = m * nh + (1 - m) * h, m * nc + (1 - m) * c
            out.append(m * nh)
        return torch.stack(out, 1), (h, c)


@right("LSTM")
class GatheredAtTheEnd(Named):
    """Runs over everything and picks each sequence's end afterwards."""

    def forward(self, inputs, state=None, lengths=None):
        batch, positions, _ = inputs.shape
        hidden, cell = state or (torch.zeros(batch, self.size, dtype=inputs.dtype),) * 2
        hiddens, cells = [], []
        for symbol in inputs.unbind(1):
            hidden, cell = self.step(symbol, hidden, cell)
            hiddens.append(hidden)
            cells.append(cell)
        hiddens, cells = torch.stack(hiddens, 1), torch.stack(cells, 1)
        if lengths is None:
            return hiddens, (hidden, cell)
        rows, ends = torch.arange(batch), lengths - 1
        real = torch.arange(positions) < lengths[:, None]
        return hiddens * real[..., None], (hiddens[rows, ends], cells[rows, ends])


@right("LSTM")
class RowByRow(Named):
    def forward(self, inputs, state=None, lengths=None):
        batch, positions, _ = inputs.shape
        rows, ends = [], []
        for b in range(batch):
            h, c = (torch.zeros(self.size, dtype=inputs.dtype),) * 2 if state is None else (state[0][b], state[1][b])
            length = positions if lengths is None else int(lengths[b])
            outs = []
            for t in range(length):
                h, c = self.step(inputs[b, t], h, c)
                outs.append(h)
            outs += [torch.zeros_like(h)] * (positions - length)
            rows.append(torch.stack(outs))
            ends.append((h, c))
        return torch.stack(rows), (torch.stack([h for h, _ in ends]), torch.stack([c for _, c in ends]))


@right("LSTM")
class OtherOrderOfDrawing(nn.Module):
    """Draws the hidden weights first, by nn.init, and keeps a helper submodule of no parameters."""

    def __init__(self, d_in, d_hidden, forget_bias=1.0, generator=None):
        super().__init__()
        self.squash = nn.Tanh()
        bound = d_hidden**-0.5
        self.w_input = nn.Parameter(torch.empty(d_in, 4 * d_hidden))
        self.w_hidden = nn.Parameter(torch.empty(d_hidden, 4 * d_hidden))
        self.bias = nn.Parameter(torch.cat([torch.full((d_hidden,), float(b)) for b in (0, forget_bias, 0, 0)]))
        for weight in (self.w_hidden, self.w_input):
            nn.init.uniform_(weight, -bound, bound, generator=generator)

    def forward(self, inputs, state=None, lengths=None):
        ready = inputs @ self.w_input + self.bias
        n = self.w_hidden.shape[0]
        hidden, cell = (ready.new_zeros(len(inputs), n),) * 2 if state is None else state
        states = torch.zeros(*inputs.shape[:2], n, dtype=inputs.dtype)
        for t in range(inputs.shape[1]):
            i, f, g, o = (ready[:, t] + hidden @ self.w_hidden).split(n, dim=-1)
            new_cell = f.sigmoid() * cell + i.sigmoid() * self.squash(g)
            new_hidden = o.sigmoid() * self.squash(new_cell)
            ended = torch.zeros(len(inputs), 1, dtype=torch.bool) if lengths is None else (lengths <= t)[:, None]
            cell, hidden = new_cell.where(~ended, cell), new_hidden.where(~ended, hidden)
            states[:, t] = hidden.masked_fill(ended, 0)
        return states, (hidden, cell)


@right("LSTM")
class PyTorchsOwnFunction(Named):
    """Hands its weights to PyTorch's, and stops each sequence by packing."""

    def forward(self, inputs, state=None, lengths=None):
        batch, positions, _ = inputs.shape
        state = state or (inputs.new_zeros(batch, self.size),) * 2
        lengths = torch.full((batch,), positions) if lengths is None else lengths
        packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        order = packed.sorted_indices
        start = tuple(part[order][None] for part in state)
        weights = self.w_input.T, self.w_hidden.T, self.bias, torch.zeros_like(self.bias)
        data, hidden, cell = torch.lstm(packed.data, packed.batch_sizes, start, weights, True, 1, 0.0, False, False)
        again = torch.nn.utils.rnn.PackedSequence(data, packed.batch_sizes, order, packed.unsorted_indices)
        states, _ = nn.utils.rnn.pad_packed_sequence(again, batch_first=True, total_length=positions)
        return states, (hidden[0][packed.unsorted_indices], cell[0][packed.unsorted_indices])


@right("LSTM")
class StopsByWriting(Named):
    """Keeps lists of rows, and moves only the rows that still run."""

    def forward(self, inputs, state=None, lengths=None):
        hidden, cell = state or (inputs.new_zeros(len(inputs), self.size), inputs.new_zeros(len(inputs), self.size))
        hidden, cell = list(hidden), list(cell)
        columns = []
        for t in range(inputs.shape[1]):
            column = [torch.zeros_like(hidden[0]) for _ in hidden]
            for b in range(len(inputs)):
                if lengths is None or t < lengths[b]:
                    hidden[b], cell[b] = self.step(inputs[b, t], hidden[b], cell[b])
                    column[b] = hidden[b]
            columns.append(torch.stack(column))
        return torch.stack(columns, dim=1), [torch.stack(hidden), torch.stack(cell)]
