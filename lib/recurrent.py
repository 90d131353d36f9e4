"""Recurrent networks: read one symbol, change the state, read the next. Everything known so far is in the state.

    rnn_step, run_rnn, RNN     the plain recurrent network (Elman 1990)                            notebook 01
    lstm_step, LSTM            long short-term memory: a cell that gates open and close            notebooks 01, 03
    reverse_padded             sequences from their last symbol to their first                     notebook 03
    next_character_loss        how surprised a model is by the next character                      notebook 01
    CharacterModel             a character-level language model around an RNN or an LSTM           notebook 01
    continue_text              let it write, character by character                                notebook 01
    gradient_by_distance, clip_gradients    how far learning reaches back, and how hard it pulls   notebook 01

Shapes are written (batch, position, d_in). A step takes any leading dimensions: (..., d_in). Weights stand on the
right, `inputs @ w_input`, so the row `w_input[3]` is what symbol number 3 adds to the state. The four blocks of an
LSTM's weights are input gate, forget gate, candidate and output gate, in PyTorch's order.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def rnn_step(inputs: Tensor, hidden: Tensor, w_input: Tensor, w_hidden: Tensor, bias: Tensor) -> Tensor:
    """The state after one more symbol: tanh(inputs W_input + hidden W_hidden + bias).

    inputs: (..., d_in)    hidden: (..., d_hidden), the state before
    w_input: (d_in, d_hidden)    w_hidden: (d_hidden, d_hidden)    bias: (d_hidden,)

    Returns the new state (..., d_hidden). Gradients flow back to everything that goes in.
    """
    return torch.tanh(inputs @ w_input + hidden @ w_hidden + bias)


def run_rnn(inputs: Tensor, hidden: Tensor, w_input: Tensor, w_hidden: Tensor, bias: Tensor) -> Tensor:
    """Read a whole sequence, one step after the other.

    inputs: (batch, position, d_in), at least one position    hidden: (batch, d_hidden), the state at the start

    Returns the state after each symbol (batch, position, d_hidden). Gradients flow back to everything that goes in.
    """
    states = []
    for position in range(inputs.shape[1]):
        hidden = rnn_step(inputs[:, position], hidden, w_input, w_hidden, bias)
        states.append(hidden)
    return torch.stack(states, dim=1)


class RNN(nn.Module):
    """A plain recurrent network with its own weights; they start uniform within 1/sqrt(d_hidden), as PyTorch's do."""

    def __init__(self, d_in: int, d_hidden: int, generator: torch.Generator | None = None):
        super().__init__()
        self.d_hidden = d_hidden
        bound = 1 / math.sqrt(d_hidden)
        self.w_input = nn.Parameter(torch.empty(d_in, d_hidden).uniform_(-bound, bound, generator=generator))
        self.w_hidden = nn.Parameter(torch.empty(d_hidden, d_hidden).uniform_(-bound, bound, generator=generator))
        self.bias = nn.Parameter(torch.zeros(d_hidden))

    def forward(self, inputs: Tensor, hidden: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """inputs (batch, position, d_in) -> the states (batch, position, d_hidden) and the last (batch, d_hidden)."""
        if hidden is None:
            hidden = inputs.new_zeros(inputs.shape[0], self.d_hidden)
        states = run_rnn(inputs, hidden, self.w_input, self.w_hidden, self.bias)
        return states, states[:, -1]


def lstm_step(
    inputs: Tensor, hidden: Tensor, cell: Tensor, w_input: Tensor, w_hidden: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

    inputs: (..., d_in)    hidden, cell: (..., d_hidden)
    w_input: (d_in, 4 * d_hidden)    w_hidden: (d_hidden, 4 * d_hidden)    bias: (4 * d_hidden,)
    The four blocks along the last axis: input gate, forget gate, candidate, output gate.

    Returns the new hidden state and the new cell, (..., d_hidden) each, finite for sums of any size. Gradients flow
    back to everything that goes in.
    """
    blocks = inputs @ w_input + hidden @ w_hidden + bias
    write, keep, candidate, show = blocks.chunk(4, dim=-1)
    cell = torch.sigmoid(keep) * cell + torch.sigmoid(write) * torch.tanh(candidate)
    return torch.sigmoid(show) * torch.tanh(cell), cell


class LSTM(nn.Module):
    """An LSTM with its own `w_input`, `w_hidden`, `bias`, assigned in this order and shaped as `lstm_step` takes them.

    forget_bias: above 0, it opens the forget gates at the start of training
    generator: draws the first two; None: PyTorch's own random numbers. Gradients flow back to inputs and parameters.
    """

    def __init__(self, d_in: int, d_hidden: int, forget_bias: float = 1.0, generator: torch.Generator | None = None):
        super().__init__()
        self.d_hidden = d_hidden
        bound = 1 / math.sqrt(d_hidden)
        self.w_input = nn.Parameter(torch.empty(d_in, 4 * d_hidden).uniform_(-bound, bound, generator=generator))
        self.w_hidden = nn.Parameter(torch.empty(d_hidden, 4 * d_hidden).uniform_(-bound, bound, generator=generator))
        bias = torch.zeros(4 * d_hidden)
        bias[d_hidden : 2 * d_hidden] = forget_bias
        self.bias = nn.Parameter(bias)

    def forward(
        self, inputs: Tensor, state: tuple[Tensor, Tensor] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Read sequences of one length, or padded at the end, with `lengths` the number of real positions.

        inputs: (batch, position, d_in)    state: hidden and cell at the start, (batch, d_hidden) each; None: zeros
        lengths: (batch,), integers, 1 or more; None: all positions are real

        Returns the states (batch, position, d_hidden), zero on padding, and (hidden, cell) where each sequence ends.
        """
        hidden, cell = (inputs.new_zeros(inputs.shape[0], self.d_hidden),) * 2 if state is None else state
        states = []
        for position in range(inputs.shape[1]):
            new_hidden, new_cell = lstm_step(inputs[:, position], hidden, cell, self.w_input, self.w_hidden, self.bias)
            if lengths is None:
                hidden, cell = new_hidden, new_cell
                states.append(hidden)
            else:
                real = (position < lengths)[:, None]  # (batch, 1)
                hidden, cell = torch.where(real, new_hidden, hidden), torch.where(real, new_cell, cell)
                states.append(hidden * real)
        return torch.stack(states, dim=1), (hidden, cell)


def reverse_padded(sequences: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Each sequence back to front, with its padding left at the end. Done twice, it changes nothing.

    sequences: (batch, position, ...)    lengths: (batch,), the number of real positions; None: all

    An LSTM that reads both ways: `torch.cat([forward(x, lengths=n)[0], r(backward(r(x, n), lengths=n)[0], n)], -1)`.
    """
    if lengths is None:
        return sequences.flip(1)
    position = torch.arange(sequences.shape[1], device=sequences.device)
    source = torch.where(position < lengths[:, None], lengths[:, None] - 1 - position, position)  # (batch, position)
    return sequences[torch.arange(len(sequences), device=sequences.device)[:, None], source]


# ------------------------------------------------------------------------------------- a language model on characters


def next_character_loss(logits: Tensor, ids: Tensor) -> Tensor:
    """The mean surprise, in nats: the logits at each position predict the character at the next position.

    logits: (batch, position, vocab)    ids: (batch, position), integers, at least 2 positions

    Returns one number, a 0-d tensor. The first character is predicted by nothing; the last logits predict nothing.
    Gradients flow back to the logits.
    """
    log_probabilities = logits[:, :-1].log_softmax(dim=-1)
    of_the_next = log_probabilities.gather(-1, ids[:, 1:, None])  # (batch, position - 1, 1)
    return -of_the_next.mean()


class CharacterModel(nn.Module):
    """Characters in, scores for the next character out; `core` is an RNN or an LSTM with d_in = vocab."""

    def __init__(self, core: nn.Module, vocab: int, generator: torch.Generator | None = None):
        super().__init__()
        self.core, self.vocab = core, vocab
        d_hidden = core.w_hidden.shape[0]
        bound = 1 / math.sqrt(d_hidden)
        self.w_output = nn.Parameter(torch.empty(d_hidden, vocab).uniform_(-bound, bound, generator=generator))
        self.b_output = nn.Parameter(torch.zeros(vocab))

    def forward(self, ids: Tensor, state=None) -> tuple[Tensor, object]:
        """ids (batch, position) -> logits (batch, position, vocab) and the state at the end."""
        inputs = functional.one_hot(ids, self.vocab).to(self.w_output.dtype)
        states, state = self.core(inputs, state)
        return states @ self.w_output + self.b_output, state


@torch.no_grad()
def continue_text(
    model: CharacterModel,
    characters: Sequence[str],
    prompt: str,
    length: int,
    generator: torch.Generator,
    temperature: float = 1.0,
) -> str:
    """The `length` characters that the model writes after the prompt; `characters[id]` is the character of an id."""
    number = {character: i for i, character in enumerate(characters)}
    ids, state, written = torch.tensor([[number[character] for character in prompt]]), None, []
    for _ in range(length):
        logits, state = model(ids, state)
        probabilities = (logits[:, -1] / temperature).softmax(dim=-1)
        ids = torch.multinomial(probabilities, 1, generator=generator)
        written.append(characters[ids.item()])
    return "".join(written)


# -------------------------------------------------------------------------------------------- learning across distance


def gradient_by_distance(step: Callable, inputs: Tensor, state: Tensor) -> Tensor:
    """How strongly the last state depends on the states before it.

    step: a function (inputs (batch, d_in), state (batch, d_hidden)) -> the next state (batch, d_hidden), which depends
    on the state before
    inputs: (batch, position, d_in), at least one position    state: (batch, d_hidden), the state at the start

    Returns (position + 1,): entry k is the norm of the gradient of the last state's sum for the state k steps
    before it, over all numbers of the batch, from 0, the last state itself, to the state at the start. Leaves no
    gradient in the weights that `step` uses.
    """
    states = [state.detach().requires_grad_()]
    for position in range(inputs.shape[1]):
        states.append(step(inputs[:, position], states[-1]))
    gradients = torch.autograd.grad(states[-1].sum(), states)
    return torch.stack([gradient.norm() for gradient in reversed(gradients)])


def clip_gradients(gradients: Sequence[Tensor], max_norm: float) -> tuple[list[Tensor], Tensor]:
    """Shorten all gradients by one common factor if together they are longer than `max_norm` (Pascanu et al. 2013).

    gradients: a list or tuple of tensors of any shapes, zeros among them    max_norm: above 0, may be infinite

    Returns the gradients, their direction unchanged and their common length at most `max_norm`, and the length
    before, a 0-d tensor: the root of the sum of all squares.
    """
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = torch.clamp(max_norm / norm, max=1.0)
    return [gradient * factor for gradient in gradients], norm
