"""Checks of notebook 01: an RNN's step, unrolled, with the loss and the gradients that train it.

The two exercises on the LSTM stand in `rnn_limits_lstm`, the questions in `rnn_limits_questions`.
"""

import math

import torch

from lib import recurrent
from lib.checks.core import Exercise, edit
from lib.checks.probing import gradients, normal, single_calls
from lib.checks.rnn_limits_lstm import LSTM, lstm_step, weights
from lib.checks.rnn_limits_questions import (
    blind_guess,
    cut_gradient,
    dependent_steps,
    gradient_left,
    open_gate,
    read_gate,
    rnn_parameters,
)
from lib.checks.running import Problem

__all__ = [
    "LSTM",
    "blind_guess",
    "clip_gradients",
    "cut_gradient",
    "dependent_steps",
    "gradient_by_distance",
    "gradient_left",
    "lstm_step",
    "next_character_loss",
    "open_gate",
    "read_gate",
    "rnn_parameters",
    "rnn_step",
    "run_rnn",
]

rnn_step = Exercise(recurrent.rnn_step)
run_rnn = Exercise(recurrent.run_rnn)
next_character_loss = Exercise(recurrent.next_character_loss)
gradient_by_distance = Exercise(recurrent.gradient_by_distance)
clip_gradients = Exercise(recurrent.clip_gradients, returns=("the new gradients", "the length before"))


# --------------------------------------------------------------------------------------------------------- rnn_step


def _step(rng, *leading, d_in=5, d_hidden=7):
    """Random inputs (*leading, d_in), hidden (*leading, d_hidden) and weights."""
    return normal(*leading, d_in, rng=rng), normal(*leading, d_hidden, rng=rng), *weights(d_in, d_hidden, rng)


@rnn_step.probe("the example by hand: state -2, symbol 1, all weights 1")
def _(answer, rng):
    one = torch.ones(1, 1)
    return answer(one, torch.full((1, 1), -2.0), one, one, torch.zeros(1))


single_calls(
    rnn_step,
    {
        "d_in = d_hidden = 3, where swapped weights would still fit": lambda rng: _step(rng, 2, d_in=3, d_hidden=3),
        "batch 3, d_in 5, d_hidden 7": lambda rng: _step(rng, 3),
        "no batch: inputs (5,), hidden (7,)": lambda rng: _step(rng),
        "three leading axes, 2, 3 and 4": lambda rng: _step(rng, 2, 3, 4),
        "four leading axes, 2, 1, 3 and 2": lambda rng: _step(rng, 2, 1, 3, 2, d_hidden=3),
        "64 sequences at once, in float64": lambda rng: [part.double() for part in _step(rng, 64, d_in=3, d_hidden=5)],
    },
)


@rnn_step.probe("sums of 200 and -200, where tanh is 1 and -1, and of 0")
def _(answer, rng):
    one = torch.ones(1, 1)
    inputs, hidden = torch.tensor([[200.0], [-200.0], [3.0]]), torch.tensor([[0.0], [0.0], [-3.0]])
    return answer(inputs, hidden, one, one, torch.zeros(1))


def _gradients(answer, *tensors):
    """The gradients for inputs, hidden, w_input, w_hidden and bias."""
    names = "inputs", "hidden", "w_input", "w_hidden", "bias"
    tensors = [tensor.requires_grad_() for tensor in tensors]
    return gradients(answer(*tensors), **dict(zip(names, tensors, strict=True)))


@rnn_step.probe("the gradients for everything that goes in")
def _(answer, rng):
    return _gradients(answer, *_step(rng, 3))


@rnn_step.probe("the gradients for everything that goes in, at the start, where the state is zeros")
def _(answer, rng):
    inputs, hidden, *others = _step(rng, 3)
    return _gradients(answer, inputs, torch.zeros_like(hidden), *others)


TANH = "torch.tanh(inputs @ w_input + hidden @ w_hidden + bias)"
FIRST = "add first, then take one tanh of the whole sum."
POWERS = "torch.exp({} * (inputs @ w_input + hidden @ w_hidden + bias))"
RIGHT = "Here weights stand on the right as they are:"

# fmt: off
rnn_step.mistakes(
    no_tanh=("the squashing is missing: torch.tanh of the whole sum keeps it within ±1.", edit("torch.tanh(", "(")),
    forgets=("the old state is not used: `hidden @ w_hidden` is the only memory.", edit(" + hidden @ w_hidden", "")),
    reads_nothing=("the new symbol is not used: add `inputs @ w_input`.", edit("inputs @ w_input + h", "h")),
    no_bias=("the bias is missing: add it to the sum, inside the tanh.", edit(" + bias)", ")")),
    bias_outside=("the bias is added after the tanh: it belongs inside the sum.", edit(" + bias)", ") + bias")),
    tanh_of_each=(f"tanh is taken of each product: {FIRST}",
        edit("w_input + hidden @ w_hidden + b", "w_input) + torch.tanh(hidden @ w_hidden) + (b"),
        edit("w_input + hidden", "w_input) + torch.tanh(hidden")),
    tanh_of_one_part=(f"tanh is taken of one part only: {FIRST}",
        edit(TANH, "torch.tanh(inputs @ w_input + bias) + hidden @ w_hidden"),
        edit(TANH, "torch.tanh(inputs @ w_input) + hidden @ w_hidden + bias"),
        edit(TANH, "torch.tanh(hidden @ w_hidden + bias) + inputs @ w_input"),
        edit(TANH, "torch.tanh(hidden @ w_hidden) + inputs @ w_input + bias")),
    sigmoid=("this squashes with a sigmoid (0 to 1). This RNN uses torch.tanh (-1 to 1).", edit("tanh", "sigmoid")),
    relu=("this squashes with relu. This RNN uses torch.tanh, which goes below 0 too.", edit("tanh", "relu")),
    transposed_hidden=(f"w_hidden is transposed. {RIGHT} `hidden @ w_hidden`.", edit("@ w_hidden", "@ w_hidden.mT")),
    transposed_input=(f"w_input is transposed. {RIGHT} `inputs @ w_input`.", edit("@ w_input", "@ w_input.mT")),
    transposed_both=(f"both weights are transposed, PyTorch's way. {RIGHT} `inputs @ w_input`.",
        edit("@ w_input", "@ w_input.mT", "@ w_hidden", "@ w_hidden.mT")),
    weights_on_the_left=(f"the weights stand on the left. {RIGHT} `inputs @ w_input`.",
        edit("inputs @ w_input + hidden @ w_hidden", "w_input @ inputs + w_hidden @ hidden")),
    swapped_weights=("the weights are swapped: `w_input` belongs to the inputs, `w_hidden` to the hidden state.",
        edit("inputs @ w_input + hidden @ w_hidden", "inputs @ w_hidden + hidden @ w_input"),
        edit(TANH, "torch.tanh(torch.cat([hidden, inputs], -1) @ torch.cat([w_input, w_hidden]) + bias)")),
    elementwise=("`*` multiplies number by number; a matrix product is `@`.",
        edit("inputs @", "inputs *", "hidden @", "hidden *"), edit("hidden @", "hidden *")),
    residual=("the old state is added once more: leave that out.", edit("torch.tanh(", "hidden + torch.tanh(")),
    overflows=("e to a large power is infinite, and inf / inf is nan: torch.tanh takes sums of any size.",
        edit(TANH, f"(lambda e: (e - 1 / e) / (e + 1 / e))({POWERS.format(1)})"),
        edit(TANH, f"(lambda e: (e - 1) / (e + 1))({POWERS.format(2)})"),
        edit(TANH, f"(lambda e: (1 - e) / (1 + e))({POWERS.format(-2)})")),
    detached=(
        "part of the computation is cut off from the gradients: leave out `.detach()`, `.data` and `torch.no_grad()`.",
        edit("hidden @", "hidden.detach() @"),
        edit("inputs @", "inputs.detach() @"),
    ),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------------- run_rnn


def _run(rng, batch, positions, d_in=5, d_hidden=7):
    return normal(batch, positions, d_in, rng=rng), normal(batch, d_hidden, rng=rng), *weights(d_in, d_hidden, rng)


@run_rnn.probe("batch 3, 2 positions, from a state of zeros")
def _(answer, rng):
    return answer(normal(3, 2, 5, rng=rng), torch.zeros(3, 7), *weights(5, 7, rng))


single_calls(
    run_rnn,
    {
        "batch 3, 11 positions, d_in 5, d_hidden 7, from a given state": lambda rng: _run(rng, 3, 11),
        "a sequence of one symbol": lambda rng: _run(rng, 2, 1, d_in=3),
        "a batch of one": lambda rng: _run(rng, 1, 5, d_in=2, d_hidden=3),
        "batch, positions, d_in and d_hidden all 3": lambda rng: _run(rng, 3, 3, d_in=3, d_hidden=3),
        "300 positions, in float64": lambda rng: [part.double() for part in _run(rng, 1, 300, d_in=2, d_hidden=1)],
    },
)


@run_rnn.probe("300 positions, small numbers that are kept: the gradients for everything that goes in")
def _(answer, rng):
    inputs, hidden, w_input, _, bias = (0.01 * part.double() for part in _run(rng, 2, 300, d_in=3, d_hidden=2))
    w_hidden = 0.98 * torch.tensor([[0.6, 0.8], [-0.8, 0.6]]).double()  # a rotation: what is far back still counts
    return _gradients(answer, inputs, hidden, w_input, w_hidden, bias)


@run_rnn.probe("symbols of zeros between others, as a table of vectors may hold them")
def _(answer, rng):
    inputs, *others = _run(rng, 2, 5)
    return answer(inputs * torch.tensor([1.0, 0, 1, 0, 0])[:, None], *others)


STACK = "torch.stack(states, dim=1)"
INNER = "inputs[:, position]"

# fmt: off
run_rnn.mistakes(
    last_state_only=("only the last state comes back. Collect the state after every symbol.", edit(STACK, "hidden")),
    stacked_first=("the axes are (position, batch, d_hidden). Stack along dim=1.", edit(STACK, "torch.stack(states)")),
    stacked_last=("the position axis is the last one. Stack along dim=1.", edit("dim=1", "dim=-1")),
    concatenated=("the states stand side by side: torch.stack makes a new axis, cat does not.",
        edit("stack(states", "cat(states")),
    concatenated_below=("the states stand one below the other: torch.stack makes an axis, cat none.",
        edit(STACK, "torch.cat(states)")),
    never_updates=("every step starts from the first state: give each step the state that the step before returned.",
        edit("hidden = rnn_step", "new = rnn_step", "append(hidden)", "append(new)")),
    starts_at_zero=("the given state is not used: the first step starts from `hidden`, not from zeros.",
        edit("states = []", "states, hidden = [], torch.zeros_like(hidden)"),
        edit("states = []", "states, hidden = [], torch.zeros(len(inputs), len(bias))")),
    states_before=(
        "these are the states before each symbol: append the state after the step.",
        edit(
            "    hidden = rnn",
            "    states.append(hidden)\n        hidden = rnn",
            ", bias)\n        states.append(hidden)",
            ", bias)",
        ),
    ),
    start_included=("the state at the start is among the results: leave it out.",
        edit("states = []", "states = [hidden]")),
    one_too_few=("the last symbol is not read: there are inputs.shape[1] steps.",
        edit("range(inputs.shape[1])", "range(inputs.shape[1] - 1)"),
        edit("range(inputs.shape[1])", "range(max(1, inputs.shape[1] - 1))")),
    backwards=("the sequence is read from its end: begin with position 0.", edit(INNER, "inputs[:, -1 - position]")),
    loops_over_the_batch=(
        "this loops over the sequences of the batch. Loop over positions, with `inputs[:, position]`.",
        edit("range(inputs.shape[1])", "range(len(inputs))", INNER, "inputs[position]"),
        edit("range(inputs.shape[1])", "range(len(inputs))", INNER, "inputs[position]", STACK, "torch.stack(states)"),
    ),
    loops_over_the_features=(
        "this takes as many steps as a symbol has numbers: positions are the second axis, inputs.shape[1].",
        edit("inputs.shape[1]", "inputs.shape[2]"),
        edit("inputs.shape[1]", "inputs.shape[2]", INNER, "inputs[..., position]"),
    ),
    first_sequence_only=(
        "only one sequence of the batch is read: `inputs[:, position]` takes all of them at one position.",
        edit(INNER, "inputs[:1, position]"),
        edit(INNER, "inputs[0, position]"),
    ),
    same_symbol_again=("every step reads the same symbol: take `inputs[:, position]`.", edit(INNER, "inputs[:, 0]")),
    cut_between_steps=("the chain is cut by `.detach()`: the gradient must reach every earlier step.",
        edit("position], hidden,", "position], hidden.detach(),")),
)
# fmt: on


# ---------------------------------------------------------------------------------------------- next_character_loss


def _texts(rng, batch, positions, vocab):
    return normal(batch, positions, vocab, rng=rng), torch.randint(vocab, (batch, positions), generator=rng)


EVEN = torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1]])
SCARCE = torch.tensor([[3, 1, 0, 3, 2], [0, 2, 1, 1, 3]])  # the last characters of the vocabulary do not occur
EACH = torch.arange(300).flip(0)[None]

single_calls(
    next_character_loss,
    {
        "3 characters, all equally likely, so the loss is log 3 = 1.099": lambda rng: (torch.zeros(2, 4, 3), EVEN),
        "2 texts, 5 positions, 7 characters, of which only 4 occur": lambda rng: (normal(2, 5, 7, rng=rng), SCARCE),
        "a batch of one": lambda rng: _texts(rng, 1, 7, 5),
        "two positions, so one prediction for each text": lambda rng: _texts(rng, 3, 2, 5),
        "scores in the millions, all of one text's far below 0": lambda rng: (
            1e6 * normal(2, 5, 5, rng=rng) + torch.tensor([6e6, -6e6])[:, None, None],
            SCARCE,
        ),
        "300 positions and 300 characters, in float64": lambda rng: (normal(1, 300, 300, rng=rng).double(), EACH),
    },
)


@next_character_loss.probe("the gradient for the logits: 4 texts, 4 positions, 4 characters")
def _(answer, rng):
    logits, ids = _texts(rng, 4, 4, 4)
    return gradients(answer(logits.requires_grad_(), ids), logits=logits)


LOG = "logits[:, :-1].log_softmax(dim=-1)"
PICKED = "return -of_the_next.mean()"
MEAN = "of_the_next.mean()"

# fmt: off
next_character_loss.mistakes(
    not_shifted=("nothing is shifted: the logits at position t are compared with character t, not t + 1.",
        edit("logits[:, :-1]", "logits", "[:, 1:, None]", "[..., None]")),
    shifted_back=("shifted the wrong way: logits[:, :-1] predict ids[:, 1:], the past predicts the future.",
        edit("logits[:, :-1]", "logits[:, 1:]", "[:, 1:, None]", "[:, :-1, None]")),
    wraps_around=("the last logits are compared with the first character: roll wraps around, slice instead.",
        edit("logits[:, :-1]", "logits", "[:, 1:, None]", ".roll(-1, 1)[..., None]")),
    shifts_the_batch=("shifted along the batch: positions are the second axis, logits[:, :-1] and ids[:, 1:].",
        edit("logits[:, :-1]", "logits[:-1]", "[:, 1:, None]", "[1:, :, None]")),
    one_side_shifted=("only one side is cut: all logits but the last position's meet all ids but the first position's.",
        edit("[:, 1:, None]", "[..., None]"),
        edit(PICKED, "return functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())")),
    characters_last=(
        "cross_entropy wants the characters on the second axis, or one flat row of predictions: `.flatten(0, 1)`.",
        edit(PICKED, "return functional.cross_entropy(logits[:, :-1], ids[:, 1:])"),
    ),
    summed=("this is the sum over the positions; the mean does not grow with the text.", edit("mean()", "sum()")),
    summed_over_positions=("summed over positions: take the mean over both axes.", edit("mean()", "sum(1).mean()")),
    one_too_many=("each row has one prediction fewer than characters.", edit(MEAN, "of_the_next.sum() / ids.numel()")),
    negative=("the sign is wrong: the surprise is minus the log-probability.", edit("return -", "return ")),
    raw_logits=("the logits are no probabilities yet: take log_softmax first.", edit(".log_softmax(dim=-1)", "")),
    softmax_twice=("softmax is applied twice: cross_entropy wants logits.",
        edit(LOG, "logits[:, :-1].softmax(-1).log_softmax(-1)")),
    no_logarithm=("this is a mean probability. Take the logarithm of each first: surprise is -log p.",
        edit("log_softmax", "softmax"), edit("log_softmax", "softmax", "return -", "return ")),
    unsafe=("large logits overflow in exp, or their softmax is 0 and its log infinite: log_softmax is safe.",
        edit(LOG, "logits[:, :-1].softmax(-1).log()"),
        edit(LOG, "(logits[:, :-1].exp() / logits[:, :-1].exp().sum(-1, keepdim=True)).log()"),
        edit(LOG, "logits[:, :-1] - logits[:, :-1].exp().sum(-1, keepdim=True).log()")),
    powers_of_zero=("where every power of e is 0, the logarithm of their sum is -inf: subtract each row's own largest "
        "logit first, or take log_softmax.",
        *(edit(LOG, f"(lambda s: s - s.exp().sum(-1, keepdim=True).log())(logits[:, :-1] - {largest})")
          for largest in ("logits[:, :-1].amax(-1, keepdim=True).clamp(min=0)", "logits.max()"))),
    log_of_the_mean=("the logarithm comes after the mean: take -log p of every character, then the mean.",
        edit("log_softmax", "softmax", MEAN, "of_the_next.mean().log()")),
    softmax_over_positions=("probabilities sum to 1 over the characters: softmax over dim=-1.",
        edit("dim=-1", "dim=1")),
    in_bits=("this is in bits (log2): the course counts in nats, with torch.log.", edit(MEAN, MEAN + " / math.log(2)")),
    not_averaged=("one number is asked for: the mean over all predictions, `.mean()`.",
        *(edit(MEAN, f"of_the_next{kept}") for kept in ("", "[..., 0]", ".flatten()", ".mean(1)[:, 0]"))),
    with_epsilon=("a small number inside the logarithm changes the loss: log_softmax needs no such help.",
        *(edit(LOG, f"(logits[:, :-1].softmax(-1) + 1e-{n}).log()") for n in (6, 7, 8, 9, 10, 12))),
    last_prediction_only=("only the last prediction counts here; all of them should.",
        edit(MEAN, "of_the_next[:, -1].mean()")),
)
# fmt: on


# --------------------------------------------------------------------------------------------- gradient_by_distance


def squashing(w_input, w_hidden):
    return lambda inputs, state: torch.tanh(inputs @ w_input + state @ w_hidden)


@gradient_by_distance.probe("one number in the state, halved at each of 3 steps, so the gradients are 1, 1/2, 1/4, 1/8")
def _(answer, rng):
    return answer(lambda inputs, state: 0.5 * state + inputs, torch.ones(1, 3, 1), torch.zeros(1, 1))


@gradient_by_distance.probe("an RNN, batch 3, 7 positions, d_in 2, d_hidden 5")
def _(answer, rng):
    w_input, w_hidden, _ = weights(2, 5, rng)
    return answer(squashing(w_input, w_hidden), normal(3, 7, 2, rng=rng), normal(3, 5, rng=rng))


@gradient_by_distance.probe("300 positions in float64")
def _(answer, rng):
    inputs, state = normal(2, 300, 1, rng=rng).double(), torch.ones(2, 1).double()
    return answer(lambda inputs, state: 0.97 * state + inputs, inputs, state)


@gradient_by_distance.probe("one position, weights that are being trained, and a state that wants a gradient too")
def _(answer, rng):
    w_input, w_hidden, _ = (weight.requires_grad_() for weight in weights(3, 3, rng))
    state = normal(3, 3, rng=rng).requires_grad_()
    result = answer(squashing(w_input, w_hidden), normal(3, 1, 3, rng=rng), state)
    if w_hidden.grad is not None or w_input.grad is not None:
        raise Problem(
            "leaves gradients behind",
            "your code leaves a gradient in the weights, as `.backward()` does: measure with torch.autograd.grad.",
        )
    return result.detach() if isinstance(result, torch.Tensor) else result


NORM = "gradient.norm()"
RETURN = "torch.stack([gradient.norm() for gradient in reversed(gradients)])"
LAST = "the last state's {}; its sum is asked for."

# fmt: off
gradient_by_distance.mistakes(
    in_order_of_time=("the order is turned round: entry 0 is the last state's.",
        edit("reversed(gradients)", "gradients")),
    without_the_start=("the start is left out: its state counts too.", edit("reversed(gradients)", "gradients[:0:-1]")),
    without_the_end=("the last state is left out: it is entry 0.", edit("reversed(gradients)", "gradients[-2::-1]")),
    no_norm=("these are the gradients: take the norm of each.", edit(RETURN, "torch.stack(gradients[::-1])")),
    norm_by_row=("one norm for each row: take one over the whole gradient.", edit(NORM, "gradient.norm(dim=-1)")),
    mean_over_rows=("this is the mean of the rows' norms: take one of all.",
        edit(NORM, "gradient.norm(dim=-1).mean()")),
    squared_norm=("these are the squares of the norms: take the square root.", edit(NORM, "gradient.square().sum()")),
    absolute_sum=("this is the sum of absolute values; `.norm()` is asked for.", edit(NORM, "gradient.abs().sum()")),
    absolute_mean=("this is the mean size; `.norm()` is asked for.", edit(NORM, "gradient.abs().mean()")),
    plain_sum=("this is the sum of the gradient's numbers; `.norm()` is asked for.", edit(NORM, "gradient.sum()")),
    largest=("this is the gradient's largest number; `.norm()` is asked for.", edit(NORM, "gradient.abs().max()")),
    of_the_mean=(f"this is the gradient of {LAST.format('mean')}", edit("states[-1].sum()", "states[-1].mean()")),
    of_the_norm=(f"this is the gradient of {LAST.format('norm')}", edit("states[-1].sum()", "states[-1].norm()")),
    no_sum=("a gradient starts from one number: take `states[-1].sum()`.", edit("states[-1].sum()", "states[-1]")),
    norms_of_states=("these are the norms of the states. The norms of their gradients are asked for.",
        edit("reversed(gradients)", "reversed(states)"),
        edit("reversed(gradients)", "reversed([each.detach() for each in states])")),
    relative=("these are divided by the first norm: return the norms as they are.",
        edit(RETURN, f"{RETURN} / gradients[-1].norm()")),
    of_all_states=("this is the gradient of all states together: only the last state's sum is asked about.",
        edit("states[-1].sum()", "sum(each.sum() for each in states)"),
        edit("states[-1].sum()", "sum(each.sum() for each in states[1:])")),
    cut_apart=(
        "the states are cut apart by `.detach()`, so no gradient passes between them.",
        edit("states[-1]))", "states[-1].detach()))"),
        edit("states[-1]))", "states[-1]).detach().requires_grad_())"),
        edit(
            "states[-1]))", "states[-1]).detach().requires_grad_())", ", states)", ", states, materialize_grads=True)"
        ),
    ),
    never_moves=("every step starts from the first state: give each step the state before it.",
        edit("states[-1]))", "states[0]))"),
        edit("states[-1]))", "states[0]))", ", states)", ", states, materialize_grads=True)")),
)
# fmt: on


# --------------------------------------------------------------------------------------------------- clip_gradients


def _sixteen(rng):
    return [1e6 * normal(*shape, rng=rng) for shape in 4 * [(3, 5), (7,), (2, 3, 5), (2, 2)]]


LONG = torch.tensor([3.0, 4.0])

single_calls(
    clip_gradients,
    {
        "one gradient, (3, 4), of norm 5, and the limit 1": lambda rng: ([LONG], 1.0),
        "one gradient, (3, 4), of norm 5, and the limit 6": lambda rng: ([LONG], 6.0),
        "gradients (3, 0) and (0, 4), together of norm 5, cut to norm 2.5": lambda rng: (list(LONG.diag()), 2.5),
        "sixteen gradients of different shapes, far above the limit 40": lambda rng: (_sixteen(rng), 40.0),
        "gradients that are all zero": lambda rng: ([torch.zeros(2, 3), torch.zeros(5)], 1.0),
        "float64, and one number without axes, as in the next cell": lambda rng: ([torch.tensor(-7.0).double()], 0.5),
        "no limit: max_norm = math.inf, as in the next cell": lambda rng: ([LONG], math.inf),
    },
)


@clip_gradients.probe("a tuple, as torch.autograd.grad returns it, of norm 0.00006, and the limit 0.00002")
def _(answer, rng):
    new, before = answer((LONG[:1] / 75_000, LONG[1:].view(1, 1, 1) / 75_000), 2e-5)  # (0.00004, 0.000053)
    longer = torch.cat([gradient.flatten() for gradient in new]).norm() / 2e-5
    return {"how many limits long the new ones are, rounded": round(longer.item(), 1), "the length": before * 1e4}


FACTOR = "torch.clamp(max_norm / norm, max=1.0)"
LENGTH = "torch.stack([gradient.norm() for gradient in gradients]).norm()"
CLIPPED = "[gradient * factor for gradient in gradients]"

# fmt: off
clip_gradients.mistakes(
    each_alone=("each gradient is cut by its own norm, which bends the direction: use one norm for all.",
        edit("gradient * factor", "gradient * torch.clamp(max_norm / gradient.norm(), max=1.0)")),
    by_value=("every number is cut off by itself, which bends the direction: multiply all by one factor.",
        edit("gradient * factor", "gradient.clamp(-max_norm, max_norm)")),
    zero_by_zero=("gradients of zero give 0 / 0: the factor max_norm / norm is needed only above the limit.",
        edit("gradient * factor", "gradient / norm * torch.clamp(norm, max=max_norm)"),
        edit("gradient * factor", "gradient * (torch.clamp(norm, max=max_norm) / norm)")),
    infinite_by_infinite=("max_norm = inf gives inf / inf: the factor max_norm / norm is needed only above the limit.",
        edit(FACTOR, "max_norm / torch.clamp(norm, min=max_norm)"),
        edit("gradient * factor", "gradient * max_norm / max(norm, max_norm)")),
    wrong_way_round=("the test is turned round: shorten the gradients when the norm is ABOVE max_norm.",
        edit(FACTOR, "max_norm / norm if norm < max_norm else 1.0"), edit("max=1.0", "min=1.0")),
    stretches=("gradients below the limit must stay as they are: the factor is at most 1.",
        edit(FACTOR, "max_norm / norm")),
    to_length_one=("this divides by the norm only; multiply by max_norm too.",
        edit(FACTOR, "1 / norm if norm > max_norm else 1.0"), edit(FACTOR, "torch.clamp(1 / norm, max=1.0)")),
    only_times_the_limit=("divide by the norm too.", edit(FACTOR, "max_norm if norm > max_norm else 1.0")),
    turned_over=("the factor is upside down.", edit(FACTOR, "norm / max_norm if norm > max_norm else 1.0")),
    added_norms=("the norms are added up. The norm of all together is the root of the sum of the squares.",
        edit(LENGTH, "sum(gradient.norm() for gradient in gradients)")),
    squared=("this is the squared norm: take its square root.", edit(LENGTH, LENGTH + " ** 2")),
    largest=("this takes the largest norm of one gradient: the limit is for all of them together.",
        edit(LENGTH, "max(gradient.norm() for gradient in gradients)")),
    first_only=("this is the norm of the first gradient: the limit is for all together.",
        edit(LENGTH, "gradients[0].norm()")),
    norm_after=("the second result is the norm before clipping.",
        edit("in gradients], norm", "in gradients], norm * factor")),
    gradients_only=("only the gradients come back: return the norm before clipping too.",
        edit("gradients], norm", "gradients]")),
    unclipped=("nothing is clipped: multiply by max_norm / norm when norm is larger.",
        edit("gradient * factor", "gradient")),
    root_mean_square=("this is the root of the mean square: the norm is the root of the SUM of the squares.",
        edit(LENGTH, LENGTH + " / sum(gradient.numel() for gradient in gradients) ** 0.5")),
    changes_the_list=(
        "your code changes the list that it was given, and a tuple cannot be changed: make a new list.",
        edit(
            "    return " + CLIPPED,
            "    for i, g in enumerate(gradients):\n        gradients[i] = g * factor\n    return gradients",
        ),
    ),
    a_plain_number=("the length should be a 0-d tensor: no `.item()`.",
        edit("gradients], norm", "gradients], norm.item()")),
)
# fmt: on
