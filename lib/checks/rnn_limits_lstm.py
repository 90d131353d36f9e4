"""Checks of notebook 01, second part: the LSTM, one step and the whole class."""

import torch
from torch import Tensor

from lib import recurrent
from lib.checks.core import Exercise, edit
from lib.checks.differences import kind_of
from lib.checks.probing import fill, gradients, normal, parameters, single_calls
from lib.checks.running import Problem

lstm_step = Exercise(recurrent.lstm_step, returns=("the new hidden state", "the new cell"))
LSTM = Exercise(recurrent.LSTM)


def weights(d_in, d_hidden, rng, blocks=1, scale=0.5):
    """Random w_input, w_hidden and bias."""
    shapes = (d_in, blocks * d_hidden), (d_hidden, blocks * d_hidden), (blocks * d_hidden,)
    return tuple(torch.randn(shape, generator=rng) * scale for shape in shapes)


# -------------------------------------------------------------------------------------------------------- lstm_step


def _step(leading, d_in, d_hidden, rng):
    """Random inputs, hidden, cell and weights."""
    states = [normal(*leading, d_hidden, rng=rng) for _ in range(2)]
    return normal(*leading, d_in, rng=rng), *states, *weights(d_in, d_hidden, rng, blocks=4)


@lstm_step.probe("cell 0.5, hidden 0, weights 0 and the bias (1, -1, 0.7, 0.4)")
def _(answer, rng):
    zero, cell, bias = torch.zeros(1, 1), torch.full((1, 1), 0.5), torch.tensor([1.0, -1.0, 0.7, 0.4])
    return answer(zero, zero, cell, torch.zeros(1, 4), torch.zeros(1, 4), bias)


single_calls(
    lstm_step,
    {
        "d_in = d_hidden = 3, where swapped weights would still fit": lambda rng: _step((2,), 3, 3, rng),
        "batch 3, d_in 5, d_hidden 7": lambda rng: _step((3,), 5, 7, rng),
        "no batch: inputs (5,), hidden and cell (3,)": lambda rng: _step((), 5, 3, rng),
        "three leading axes, 2, 4 and 3": lambda rng: _step((2, 4, 3), 5, 3, rng),
        "64 sequences at once, in float64": lambda rng: (tensor.double() for tensor in _step((64,), 2, 3, rng)),
    },
)


@lstm_step.probe("large cells, as after hundreds of steps")
def _(answer, rng):
    inputs, hidden, cell, *w = _step((2,), 3, 5, rng)
    return answer(inputs, hidden, 500 * cell.sign() + cell, *w)


@lstm_step.probe("sums as large as 200 and as -200, in each of the four blocks")
def _(answer, rng):
    inputs = torch.cartesian_prod(*4 * [torch.tensor([-200.0, 200.0])])
    return answer(inputs, torch.zeros(16, 1), torch.full((16, 1), 0.5), torch.eye(4), torch.zeros(1, 4), torch.zeros(4))


@lstm_step.probe("the gradients for everything that goes in")
def _(answer, rng):
    inputs, hidden, cell, w_input, w_hidden, bias = (tensor.requires_grad_() for tensor in _step((3,), 5, 2, rng))
    both = torch.cat(answer(inputs, hidden, cell, w_input, w_hidden, bias), dim=-1)
    return gradients(both, inputs=inputs, hidden=hidden, cell=cell, w_input=w_input, w_hidden=w_hidden, bias=bias)


BLOCKS = "write, keep, candidate, show = "
CHUNK = "blocks.chunk(4, dim=-1)"
ACTIVE = "write, keep, show = (e / (1 + e) for e in (write.exp(), keep.exp(), show.exp()))"
NEW = "torch.sigmoid(keep) * cell + torch.sigmoid(write) * torch.tanh(candidate)"
SHOWN = "torch.sigmoid(show) * torch.tanh(cell)"

# fmt: off
lstm_step.mistakes(
    input_and_forget_swapped=("the input and the forget gate are mixed up: the first block writes, the second keeps.",
        edit(BLOCKS, "keep, write, candidate, show = ")),
    candidate_and_output_swapped=(
        "the last two blocks are mixed up: the third is the candidate, the fourth the output gate.",
        edit(BLOCKS, "write, keep, show, candidate = "),
    ),
    textbook_order=("the blocks are read in the order forget, input: here it is input, forget, candidate, output.",
        edit(BLOCKS, "keep, write, show, candidate = ")),
    sigmoid_candidate=("the candidate goes through a sigmoid; only gates should.",
        edit("tanh(candidate)", "sigmoid(candidate)")),
    tanh_gates=("the gates go through tanh: a gate is a share between 0 and 1, a sigmoid.", edit("sigmoid", "tanh")),
    raw_gates=("the gates are not squashed: each goes through torch.sigmoid.", edit("torch.sigmoid", "")),
    raw_candidate=("the candidate is not squashed: take its tanh.", edit("torch.tanh(candidate)", "candidate")),
    plain_cell=("the cell is shown as it is: hidden is output gate times tanh(cell).",
        edit("torch.tanh(cell)", "cell")),
    shows_the_old_cell=("hidden shows the old cell: use the new one.",
        edit("    cell = ", "    new = ", "(cell), cell", "(cell), new")),
    squashed_cell=("the squashed cell is handed on: tanh is for hidden only, the cell itself must not be squashed.",
        edit(NEW, f"torch.tanh({NEW})", "torch.tanh(cell), cell", "cell, cell"),
        edit("(cell), cell", "(cell), torch.tanh(cell)")),
    squashed_twice=("the cell is squashed twice: keep the plain sum as the cell.", edit(NEW, f"torch.tanh({NEW})")),
    no_forget_gate=("there is no forgetting: the forget gate times the old cell.", edit("torch.sigmoid(keep) * ", "")),
    no_input_gate=("the candidate is written without its gate, the input gate.", edit("torch.sigmoid(write) * ", "")),
    no_output_gate=("hidden is not gated: multiply tanh(cell) by the output gate.", edit("torch.sigmoid(show) * ", "")),
    inverted_forget_gate=("the forget gate's complement is used: a gate near 1 keeps the cell, near 0 forgets it.",
        edit("torch.sigmoid(keep)", "(1 - torch.sigmoid(keep))")),
    tied_gates=("input and forget gate are tied (1 - the other), as in a GRU: the LSTM has a block for each.",
        edit("torch.sigmoid(write)", "(1 - torch.sigmoid(keep))"),
        edit("torch.sigmoid(keep)", "(1 - torch.sigmoid(write))")),
    loses_the_cell=("the old cell is lost: add the forget gate times it.", edit("torch.sigmoid(keep) * cell + ", "")),
    ignores_hidden=("the hidden state before is not used: add `hidden @ w_hidden`.", edit(" + hidden @ w_hidden", "")),
    ignores_inputs=("the new symbol is not used: add `inputs @ w_input`.", edit("inputs @ w_input + ", "")),
    without_bias=("the bias is missing: add `bias` to the sum.", edit(" + bias\n", "\n")),
    swapped_weights=("the weights are swapped: `w_input` belongs to the inputs, `w_hidden` to the hidden state.",
        edit("inputs @ w_input + hidden @ w_hidden", "inputs @ w_hidden + hidden @ w_input")),
    hidden_only=("only hidden comes back: the next step needs both.", edit("tanh(cell), cell", "tanh(cell)")),
    chunks_the_batch=("the blocks are cut along the batch: chunk along dim=-1.", edit(CHUNK, "blocks.chunk(4)")),
    chunks_axis_one=("the blocks are cut along the second axis: dim=-1, the last.", edit("dim=-1", "dim=1")),
    interleaved=("this takes every fourth column: a block is d_hidden wide.",
        edit(CHUNK, "(blocks[..., k::4] for k in range(4))")),
    width_of_the_inputs=("a block is as wide as hidden, not as inputs.",
        edit(CHUNK, "blocks.split(inputs.shape[-1], dim=-1)")),
    detached_cell=("the cell is cut off by `.detach()`: learning reaches back along it.",
        edit("* cell +", "* cell.detach() +")),
    overflows=("e to a large power is infinite, and inf / inf is nan: torch.tanh takes cells of any size.",
        edit("torch.tanh(cell)", "(cell.exp() - (-cell).exp()) / (cell.exp() + (-cell).exp())"),
        edit("torch.tanh(cell)", "((2 * cell).exp() - 1) / ((2 * cell).exp() + 1)")),
    gates_overflow=("e to a large power is infinite, and inf / inf is nan: torch.sigmoid takes sums of any size.",
        edit("    cell = ", f"    {ACTIVE}\n    cell = ", "torch.sigmoid", "")),
    candidate_overflows=("e to a large power is infinite, and inf / inf is nan: torch.tanh takes sums of any size.",
        edit("torch.tanh(candidate)", "(lambda e: (e - 1 / e) / (e + 1 / e))(candidate.exp())"),
        edit("torch.tanh(candidate)", "((2 * candidate).exp() - 1) / ((2 * candidate).exp() + 1)")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------------- LSTM


def _named(result) -> dict[str, Tensor]:
    """The three parts of what forward returns, under their names."""
    match result:
        case [Tensor() as states, [Tensor() as hidden, Tensor() as cell]]:
            return {"the tensor of states": states, "hidden at the end": hidden, "the cell at the end": cell}
    form = _form(result)
    raise Problem(f"returns {form}", f"`forward` should return `states, (hidden, cell)`, but it returns {form}.")


def _form(result) -> str:
    if isinstance(result, tuple | list):
        return f"({', '.join(map(_form, result))})"
    return "a tensor" if isinstance(result, Tensor) else kind_of(result)


@LSTM.probe("d_in 5, d_hidden 7: the parameters' shapes and their order")
def _(answer, rng):
    module = answer(5, 7)
    return parameters(module) | {"the names of the parameters": [name for name, _ in module.named_parameters()]}


@LSTM.probe("the bias at the start, with the default forget_bias: 1 for the forget gate, else 0")
def _(answer, rng):
    return {"the bias": answer(5, 3).bias.detach()}


@LSTM.probe("the bias at the start with forget_bias 3, 0 and -2")
def _(answer, rng):
    return {f"the bias for {value:g}": answer(2, 3, value).bias.detach() for value in (3.0, 0.0, -2.0)}


@LSTM.probe("a sequence of one symbol")
def _(answer, rng):
    return _named(fill(answer(3, 5), rng)(normal(2, 1, 3, rng=rng)))


@LSTM.probe("batch 3, 11 positions, d_in 5, d_hidden 7")
def _(answer, rng):
    return _named(fill(answer(5, 7), rng)(normal(3, 11, 5, rng=rng)))


@LSTM.probe("a given state at the start")
def _(answer, rng):
    return _named(fill(answer(3, 5), rng)(normal(2, 3, 3, rng=rng), (normal(2, 5, rng=rng), normal(2, 5, rng=rng))))


@LSTM.probe("lengths 4, 2, 5: the states, zero on padding, and the end of each sequence")
def _(answer, rng):
    return _named(fill(answer(2, 3), rng)(normal(3, 5, 2, rng=rng), None, torch.tensor([4, 2, 5])))


@LSTM.probe("a given state and lengths 1, 3")
def _(answer, rng):
    state = normal(2, 5, rng=rng), normal(2, 5, rng=rng)
    return _named(fill(answer(3, 5), rng)(normal(2, 4, 3, rng=rng), state, torch.tensor([1, 3])))


@LSTM.probe("a batch of one with its length, 2 of 5 positions")
def _(answer, rng):
    return _named(fill(answer(3, 2), rng)(normal(1, 5, 3, rng=rng), None, torch.tensor([2])))


@LSTM.probe("inputs as large as 1,000, where gates and candidates are 0 or ±1")
def _(answer, rng):
    signs = normal(7, 3, 3, rng=rng).sign()
    return _named(fill(answer(3, 5), rng)(1000 * signs))


@LSTM.probe("two calls of one model, each from zeros")
def _(answer, rng):
    module, inputs = fill(answer(3, 5), rng), normal(2, 2, 3, rng=rng)
    first, second = _named(module(inputs)), _named(module(inputs))
    return {f"{part} in call {n}": value for n, call in ((1, first), (2, second)) for part, value in call.items()}


@LSTM.probe("lengths 70 and 60: the gradients for inputs and weights")
def _(answer, rng):
    module, inputs = fill(answer(3, 5), rng), normal(2, 70, 3, rng=rng).requires_grad_()
    states, _, cell = _named(module(inputs, None, torch.tensor([70, 60]))).values()
    return gradients(torch.cat([states.flatten(1), cell], dim=1), inputs=inputs, **dict(module.named_parameters()))


@LSTM.probe("one sequence of 300 positions")
def _(answer, rng):
    with torch.no_grad():
        return _named(fill(answer(2, 1), rng)(normal(1, 300, 2, rng=rng)))


@LSTM.probe("float64, lengths 300 and 270", varied=False)
def _(answer, rng):
    with torch.no_grad():
        model, inputs = fill(answer(2, 3), rng).double(), normal(2, 300, 2, rng=rng).double()
        return _named(model(inputs, None, torch.tensor([300, 270])))


@LSTM.probe("two models: their weights are drawn at random, not all equal")
def _(answer, rng):
    for name, same in _same(answer(3, 5), answer(3, 5)):
        if same:
            raise Problem("not random", f"`{name}` is the same in two new models: draw the weights at random.")


@LSTM.probe("d_in 32, d_hidden 64: the weights of a new model, uniform between -1/8 and 1/8")
def _(answer, rng):
    module = answer(32, 64)
    for name in ("w_input", "w_hidden"):
        weight = getattr(module, name).detach()
        low, high, size = (f"{number:.3g}" for number in (weight.min(), weight.max(), weight.abs().mean()))
        said = f"`{name}` of a new model lies between {low} and {high}; expected about -0.125 to 0.125 (1/√d_hidden)"
        if weight.abs().max() == 0:
            raise Problem("zero", f"{said}.")
        if weight.abs().max() > 0.1251:
            raise Problem("too large", f"{said}.")
        if weight.max() < 0.124 or weight.min() > -0.124:
            raise Problem("too small or on one side", f"{said}.")
        if abs(weight.mean()) > 0.006 or abs(weight.abs().mean() - 0.0625) > 0.004:
            raise Problem("uneven", f"{said}, uniform, so that the mean size is 0.0625; it is {size}.")


@LSTM.probe("two models made with generators of the same seed, which must be equal")
def _(answer, rng):
    for name, same in _same(*(answer(3, 5, 1.0, torch.Generator().manual_seed(7)) for _ in range(2))):
        if not same:
            sentence = f"`{name}` differs although both generators have the same seed: draw with `generator`."
            raise Problem("not by the generator", sentence)


def _same(one, other):
    return [(name, torch.equal(getattr(one, name), getattr(other, name))) for name in ("w_input", "w_hidden")]


DRAWN = ".uniform_(-bound, bound, generator=generator)"
FORGET = "bias[d_hidden : 2 * d_hidden] = forget_bias"
RETURN = "torch.stack(states, dim=1), (hidden, cell)"
STATE = "else state\n"
REAL = "(position < lengths)[:, None]"
WHERE = "torch.where(real, new_hidden, hidden), torch.where(real, new_cell, cell)"
SHOW = "states.append(hidden * real)"
W_INPUT = "torch.empty(d_in, 4 * d_hidden)", "torch.empty(4 * d_hidden, d_in)"
W_HIDDEN = "torch.empty(d_hidden, 4 * d_hidden)", "torch.empty(4 * d_hidden, d_hidden)"
AXES = "the weights stand on the right, so it is"

# fmt: off
LSTM.mistakes(
    bias_of_zeros=("the bias has no forget_bias: its second block starts with it.", edit(FORGET, "pass")),
    bias_everywhere=(
        "forget_bias is in all four blocks: it belongs into the second one only, bias[d_hidden : 2 * d_hidden].",
        edit(FORGET, "bias[:] = forget_bias"),
    ),
    bias_in_the_first_block=(
        "forget_bias is in the first block, the input gate's: it belongs into bias[d_hidden : 2 * d_hidden].",
        edit(FORGET, "bias[:d_hidden] = forget_bias"),
    ),
    bias_in_a_later_block=(
        "forget_bias is in the wrong block: the forget gate's is the second, bias[d_hidden : 2 * d_hidden].",
        edit(FORGET, "bias[2 * d_hidden : 3 * d_hidden] = forget_bias"),
        edit(FORGET, "bias[3 * d_hidden :] = forget_bias"),
    ),
    bias_always_one=("forget_bias is not used: the bias always gets 1.", edit("] = forget_bias", "] = 1.0")),
    weights_of_zero=("the weights start at zero, so all units are alike: draw them at random.",
        edit(DRAWN, ".zero_()")),
    input_weights_transposed=(f"w_input has its axes swapped: {AXES} (d_in, 4 * d_hidden).",
        edit(*W_INPUT), edit(*W_INPUT, "self.w_input, s", "self.w_input.T, s")),
    weights_transposed=(
        f"the weights have their axes swapped: {AXES} (d_in, 4 * d_hidden) and (d_hidden, 4 * d_hidden).",
        edit(*W_INPUT, *W_HIDDEN),
        edit(*W_INPUT, *W_HIDDEN, "self.w_input, self.w_hidden,", "self.w_input.T, self.w_hidden.T,"),
    ),
    state_for_no_lengths_only=("`state` is not used when `lengths` are given: start from it in any case.",
        edit("if state is None", "if state is None or lengths is not None")),
    state_swapped=("the state comes in as (hidden, cell), in this order.", edit(STATE, "else state[::-1]\n")),
    cell_from_zero=("the given cell is not used, only `hidden`.", edit(STATE, "else (state[0], 0 * state[1])\n")),
    returned_swapped=("the pair at the end: hidden first.", edit("dim=1), (hidden, cell)", "dim=1), (cell, hidden)")),
    states_only=("only the states come back: return the last (hidden, cell) as well.", edit(RETURN, RETURN[:-16])),
    three_values=("three values come back: return states, (hidden, cell).",
        edit(RETURN, RETURN[:-16] + ", hidden, cell")),
    positions_first=("the axes are (position, batch, d_hidden): stack the states along dim=1.", edit("dim=1", "dim=0")),
    squeezes_the_states=("`.squeeze()` takes away the axis of a batch of one, or of a single position.",
        edit("dim=1), (", "dim=1).squeeze(), ("), edit("dim=1), (", "dim=1).squeeze(0), (")),
    collects_cells=("the states hold the cells: collect `hidden`.", edit("append(hidden", "append(cell")),
    reads_the_padding=(
        "the state at the end is that of the last position, padding included: stop where each sequence ends.",
        edit(WHERE, "new_hidden, new_cell"),
    ),
    states_on_padding=(
        "the states on padding must be zero; here they go on.",
        edit(SHOW, "states.append(new_hidden)"),
        edit(
            "states = []",
            "states, ends = [], (hidden, cell)",
            f"hidden, cell = {WHERE}",
            "hidden, cell = new_hidden, new_cell",
            SHOW,
            "ends = torch.where(real, hidden, ends[0]), torch.where(real, cell, ends[1]); states.append(hidden)",
            RETURN,
            "torch.stack(states, dim=1), (hidden, cell) if lengths is None else ends",
        ),
    ),
    repeats_the_last_state=("the states on padding must be zero; here the last one is repeated.",
        edit(SHOW, "states.append(hidden)")),
    off_by_one=("one padding position is read: position is real when position < lengths, since counting starts at 0.",
        edit("position < lengths", "position <= lengths")),
    stops_early=("the last real position is not read: use position < lengths.",
        edit("position < lengths", "position < lengths - 1")),
    forgets_on_padding=(
        "padding sets the state to zero: it must stand still, so that the end of each sequence is returned.",
        edit(WHERE, "new_hidden * real, new_cell * real"),
    ),
    cell_goes_on=("on padding `hidden` stands still but the cell goes on: keep the old cell too.",
        edit(WHERE, "torch.where(real, new_hidden, hidden), new_cell")),
    stops_all_at_the_shortest=("all sequences stop with the shortest: each has its own length.",
        edit("position < lengths", "position < lengths.min().expand_as(lengths)")),
    cut_between_steps=("the states are cut apart by `.detach()`: the gradient must reach every earlier step.",
        edit("    new_hidden, new", "    hidden, cell = hidden.detach(), cell.detach()\n            new_hidden, new"),
        edit("hidden, cell, self", "hidden.detach(), cell.detach(), self"),
        edit("hidden, cell, self", "hidden.detach(), cell, self"),
        edit("hidden, cell, self", "hidden, cell.detach(), self")),
    mask_along_the_features=(
        "the mask runs along the features: `(position < lengths)[:, None]` has one row for each sequence.",
        edit(REAL, "position < lengths"),
    ),
    float32_zeros=("the zeros are float32: `inputs.new_zeros` has the inputs' type.",
        edit("inputs.new_zeros", "torch.zeros")),
)
# fmt: on
