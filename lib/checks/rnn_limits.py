"""Checks of notebook 01: an RNN's step, unrolled, with the loss and the gradients that train it.

The two exercises on the LSTM stand in `rnn_limits_lstm`. The file is long because every mistake is written out.
"""

import torch
from torch.nn import functional

from lib import recurrent
from lib.checks.core import Exercise
from lib.checks.probing import gradients
from lib.checks.rnn_limits_lstm import LSTM, lstm_step, normal, weights
from lib.checks.running import Problem

__all__ = [
    "LSTM",
    "clip_gradients",
    "gradient_by_distance",
    "lstm_step",
    "next_character_loss",
    "rnn_step",
    "run_rnn",
]

rnn_step = Exercise(recurrent.rnn_step)
run_rnn = Exercise(recurrent.run_rnn)
next_character_loss = Exercise(recurrent.next_character_loss)
gradient_by_distance = Exercise(recurrent.gradient_by_distance)
clip_gradients = Exercise(recurrent.clip_gradients, returns=("the clipped gradients", "the norm before"))


# --------------------------------------------------------------------------------------------------------- rnn_step


@rnn_step.probe("the example by hand: state -2, symbol 1, all weights 1")
def _(answer, rng):
    one = torch.ones(1, 1)
    return answer(one, torch.full((1, 1), -2.0), one, one, torch.zeros(1))


@rnn_step.probe("d_in = d_hidden = 3, where swapped weights would still fit")
def _(answer, rng):
    return answer(normal(2, 3, rng=rng), normal(2, 3, rng=rng), *weights(3, 3, rng))


@rnn_step.probe("batch 3, d_in 5, d_hidden 7")
def _(answer, rng):
    return answer(normal(3, 5, rng=rng), normal(3, 7, rng=rng), *weights(5, 7, rng))


@rnn_step.probe("no batch: inputs (5,), hidden (7,)")
def _(answer, rng):
    return answer(normal(5, rng=rng), normal(7, rng=rng), *weights(5, 7, rng))


@rnn_step.probe("two leading dimensions, 2 and 3")
def _(answer, rng):
    return answer(normal(2, 3, 5, rng=rng), normal(2, 3, 7, rng=rng), *weights(5, 7, rng))


@rnn_step.probe("the gradients for everything that goes in")
def _(answer, rng):
    tensors = [normal(3, 5, rng=rng), normal(3, 7, rng=rng), *weights(5, 7, rng)]
    inputs, hidden, w_input, w_hidden, bias = (tensor.requires_grad_() for tensor in tensors)
    result = answer(inputs, hidden, w_input, w_hidden, bias)
    return gradients(result, inputs=inputs, hidden=hidden, w_input=w_input, w_hidden=w_hidden, bias=bias)


@rnn_step.probe("float64")
def _(answer, rng):
    tensors = [normal(2, 3, rng=rng), normal(2, 5, rng=rng), *weights(3, 5, rng)]
    return answer(*(tensor.double() for tensor in tensors))


@rnn_step.mistake("the squashing is missing: torch.tanh of the whole sum keeps every number within ±1.")
def no_tanh(inputs, hidden, w_input, w_hidden, bias):
    return inputs @ w_input + hidden @ w_hidden + bias


@rnn_step.mistake("the state before is not used: add `hidden @ w_hidden`, it is the network's only memory.")
def forgets_everything(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + bias)


@rnn_step.mistake("the new symbol is not used: add `inputs @ w_input`.")
def reads_nothing(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(hidden @ w_hidden + bias)


@rnn_step.mistake("the bias is missing: add `bias` to the sum, inside the tanh.")
def no_bias(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + hidden @ w_hidden)


@rnn_step.mistake("the bias is added after the tanh: it belongs inside, with the two products.")
def bias_outside(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + hidden @ w_hidden) + bias


@rnn_step.mistake("tanh is taken of each product: add first, then take one tanh of the whole sum.")
def tanh_of_each(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input) + torch.tanh(hidden @ w_hidden) + bias


@rnn_step.mistake("tanh is taken of each part: add first, then take one tanh of the whole sum.")
def tanh_of_the_symbol(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + bias) + hidden @ w_hidden


@rnn_step.mistake("this squashes with a sigmoid (0 to 1). The course's RNN uses torch.tanh (-1 to 1).")
def sigmoid_for_tanh(inputs, hidden, w_input, w_hidden, bias):
    return torch.sigmoid(inputs @ w_input + hidden @ w_hidden + bias)


@rnn_step.mistake("this squashes with relu. The course's RNN uses torch.tanh, which goes below 0 too.")
def relu_for_tanh(inputs, hidden, w_input, w_hidden, bias):
    return torch.relu(inputs @ w_input + hidden @ w_hidden + bias)


@rnn_step.mistake("w_hidden is used transposed. Here weights stand on the right as they are: `hidden @ w_hidden`.")
def transposed_hidden(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + hidden @ w_hidden.mT + bias)


@rnn_step.mistake("w_input is used transposed. Here weights stand on the right as they are: `inputs @ w_input`.")
def transposed_input(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input.mT + hidden @ w_hidden + bias)


@rnn_step.mistake("both weights are used transposed, PyTorch's way. Here they stand on the right: `inputs @ w_input`.")
def transposed_both(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input.mT + hidden @ w_hidden.mT + bias)


@rnn_step.mistake("the weights are swapped: `w_input` belongs to the inputs, `w_hidden` to the hidden state.")
def swapped_weights(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_hidden + hidden @ w_input + bias)


@rnn_step.mistake("the old state is added once more. It goes in through `hidden @ w_hidden` only.")
def residual(inputs, hidden, w_input, w_hidden, bias):
    return hidden + torch.tanh(inputs @ w_input + hidden @ w_hidden + bias)


@rnn_step.mistake("part of the computation is cut off from the gradients: leave out `.detach()` and `torch.no_grad()`.")
def detached(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + hidden.detach() @ w_hidden + bias)


# ---------------------------------------------------------------------------------------------------------- run_rnn


@run_rnn.probe("batch 3, 2 positions, from a state of zeros")
def _(answer, rng):
    return answer(normal(3, 2, 5, rng=rng), torch.zeros(3, 7), *weights(5, 7, rng))


@run_rnn.probe("batch 3, 11 positions, d_in 5, d_hidden 7, from a given state")
def _(answer, rng):
    return answer(normal(3, 11, 5, rng=rng), normal(3, 7, rng=rng), *weights(5, 7, rng))


@run_rnn.probe("a sequence of one symbol")
def _(answer, rng):
    return answer(normal(2, 1, 3, rng=rng), normal(2, 5, rng=rng), *weights(3, 5, rng))


@run_rnn.probe("a batch of one")
def _(answer, rng):
    return answer(normal(1, 5, 2, rng=rng), normal(1, 3, rng=rng), *weights(2, 3, rng))


@run_rnn.probe("the gradients for everything that goes in")
def _(answer, rng):
    tensors = [normal(2, 5, 3, rng=rng), normal(2, 7, rng=rng), *weights(3, 7, rng)]
    inputs, hidden, w_input, w_hidden, bias = (tensor.requires_grad_() for tensor in tensors)
    result = answer(inputs, hidden, w_input, w_hidden, bias)
    return gradients(result, inputs=inputs, hidden=hidden, w_input=w_input, w_hidden=w_hidden, bias=bias)


@run_rnn.mistake("only the last state comes back. Collect the state after every symbol: torch.stack(states, dim=1).")
def last_state_only(inputs, hidden, *w):
    return recurrent.run_rnn(inputs, hidden, *w)[:, -1]


@run_rnn.mistake("the axes are (position, batch, d_hidden). Stack along the second one: torch.stack(states, dim=1).")
def stacked_first(inputs, hidden, *w):
    return recurrent.run_rnn(inputs, hidden, *w).transpose(0, 1)


@run_rnn.mistake("the position axis is the last one. Stack along the second: torch.stack(states, dim=1).")
def stacked_last(inputs, hidden, *w):
    return recurrent.run_rnn(inputs, hidden, *w).transpose(1, 2)


@run_rnn.mistake("the states stand side by side in one row: torch.stack(states, dim=1) makes a new axis, cat does not.")
def concatenated(inputs, hidden, *w):
    return recurrent.run_rnn(inputs, hidden, *w).flatten(1)


@run_rnn.mistake("the states stand below one another: torch.stack(states, dim=1) makes a new axis, cat does not.")
def concatenated_below(inputs, hidden, *w):
    return recurrent.run_rnn(inputs, hidden, *w).transpose(0, 1).flatten(0, 1)


@run_rnn.mistake("every step starts from the first state: give each step the state that the step before returned.")
def never_updates(inputs, hidden, *w):
    steps = [recurrent.rnn_step(inputs[:, t], hidden, *w) for t in range(inputs.shape[1])]
    return torch.stack(steps, dim=1)


@run_rnn.mistake("the given state is not used: the first step starts from `hidden`, not from zeros.")
def starts_at_zero(inputs, hidden, *w):
    return recurrent.run_rnn(inputs, torch.zeros_like(hidden), *w)


@run_rnn.mistake("these are the states before each symbol: append the state after the step.")
def states_before(inputs, hidden, *w):
    states = recurrent.run_rnn(inputs, hidden, *w)
    return torch.cat([hidden[:, None], states[:, :-1]], dim=1)


@run_rnn.mistake("the state at the start is among the results: return only the states after a symbol.")
def start_included(inputs, hidden, *w):
    return torch.cat([hidden[:, None], recurrent.run_rnn(inputs, hidden, *w)], dim=1)


@run_rnn.mistake("the last symbol is not read: there are inputs.shape[1] steps.")
def one_too_few(inputs, hidden, *w):
    return recurrent.run_rnn(inputs, hidden, *w)[:, :-1]


@run_rnn.mistake("the sequence is read from its end: begin with position 0.")
def backwards(inputs, hidden, *w):
    return recurrent.run_rnn(inputs.flip(1), hidden, *w)


@run_rnn.mistake("this loops over the sequences of the batch. Loop over positions, with `inputs[:, position]`.")
def loops_over_the_batch(inputs, hidden, *w):
    states = []
    for row in inputs:
        hidden = recurrent.rnn_step(row, hidden, *w)
        states.append(hidden)
    return torch.stack(states, dim=1)


@run_rnn.mistake("this loops over the sequences of the batch. Loop over positions, with `inputs[:, position]`.")
def loops_over_the_batch_stacked_first(inputs, hidden, *w):
    return loops_over_the_batch(inputs, hidden, *w).transpose(0, 1)


@run_rnn.mistake("only one sequence of the batch is read: `inputs[:, position]` takes all of them at one position.")
def first_sequence_only(inputs, hidden, *w):
    return recurrent.run_rnn(inputs[:1].expand_as(inputs), hidden, *w)


@run_rnn.mistake("the chain is cut by `.detach()`: the gradient must reach every earlier step.")
def cut_between_steps(inputs, hidden, *w):
    states = []
    for position in range(inputs.shape[1]):
        hidden = recurrent.rnn_step(inputs[:, position], hidden.detach(), *w)
        states.append(hidden)
    return torch.stack(states, dim=1)


# ---------------------------------------------------------------------------------------------- next_character_loss


@next_character_loss.probe("3 characters, all equally likely to the model, so the loss is log 3 = 1.099")
def _(answer, rng):
    return answer(torch.zeros(2, 4, 3), torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1]]))


@next_character_loss.probe("batch 2, 5 positions, 7 characters")
def _(answer, rng):
    return answer(normal(2, 5, 7, rng=rng), torch.randint(7, (2, 5), generator=rng))


@next_character_loss.probe("a batch of one")
def _(answer, rng):
    return answer(normal(1, 7, 5, rng=rng), torch.randint(5, (1, 7), generator=rng))


@next_character_loss.probe("scores as large as 1000")
def _(answer, rng):
    return answer(1000 * normal(2, 3, 5, rng=rng), torch.randint(5, (2, 3), generator=rng))


@next_character_loss.probe("the gradient for the logits")
def _(answer, rng):
    logits = normal(2, 5, 7, rng=rng).requires_grad_()
    return gradients(answer(logits, torch.randint(7, (2, 5), generator=rng)), logits=logits)


def _surprise(logits, ids):
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids.reshape(-1))


@next_character_loss.mistake("nothing is shifted: the logits at position t are compared with character t, not t + 1.")
def not_shifted(logits, ids):
    return _surprise(logits, ids)


@next_character_loss.mistake("shifted the wrong way: logits[:, :-1] predict ids[:, 1:], the past predicts the future.")
def shifted_back(logits, ids):
    return _surprise(logits[:, 1:], ids[:, :-1])


@next_character_loss.mistake("the last logits are compared with the first character: roll wraps around, slice instead.")
def wraps_around(logits, ids):
    return _surprise(logits, ids.roll(-1, 1))


@next_character_loss.mistake("shifted along the batch: positions are the second axis, logits[:, :-1] and ids[:, 1:].")
def shifts_the_batch(logits, ids):
    return _surprise(logits[:-1], ids[1:])


@next_character_loss.mistake("this is the sum over the positions; the mean does not grow with the text's length.")
def summed(logits, ids):
    return _surprise(logits[:, :-1], ids[:, 1:]) * ids[:, 1:].numel()


@next_character_loss.mistake("summed over positions and averaged over the batch: take the mean over both.")
def summed_over_positions(logits, ids):
    return _surprise(logits[:, :-1], ids[:, 1:]) * (ids.shape[1] - 1)


@next_character_loss.mistake("divided by the number of characters; there is one prediction fewer in each row.")
def one_too_many(logits, ids):
    return _surprise(logits[:, :-1], ids[:, 1:]) * (ids.shape[1] - 1) / ids.shape[1]


@next_character_loss.mistake("the sign is wrong: the surprise is minus the log-probability.")
def negative(logits, ids):
    return -_surprise(logits[:, :-1], ids[:, 1:])


@next_character_loss.mistake("the logits are not turned into probabilities: take log_softmax over the last axis first.")
def raw_logits(logits, ids):
    return -logits[:, :-1].gather(-1, ids[:, 1:, None]).mean()


@next_character_loss.mistake("softmax is applied twice: cross_entropy wants the logits as they are.")
def softmax_twice(logits, ids):
    return _surprise(logits[:, :-1].softmax(-1), ids[:, 1:])


@next_character_loss.mistake("this is a mean probability. Take the logarithm of each first: surprise is -log p.")
def no_logarithm(logits, ids):
    return -logits[:, :-1].softmax(-1).gather(-1, ids[:, 1:, None]).mean()


@next_character_loss.mistake(
    "large logits overflow in exp, or their softmax is 0 and its log infinite: log_softmax is safe."
)
def unsafe_log(logits, ids):
    return -logits[:, :-1].softmax(-1).gather(-1, ids[:, 1:, None]).log().mean()


@next_character_loss.mistake(
    "large logits overflow in exp, or their softmax is 0 and its log infinite: log_softmax is safe."
)
def unsafe_exp(logits, ids):
    powers = logits[:, :-1].exp()
    return -(powers / powers.sum(-1, keepdim=True)).gather(-1, ids[:, 1:, None]).log().mean()


@next_character_loss.mistake("the logarithm comes after the mean: take -log p of every character, then the mean.")
def log_of_the_mean(logits, ids):
    return -logits[:, :-1].softmax(-1).gather(-1, ids[:, 1:, None]).mean().log()


@next_character_loss.mistake("the probabilities sum to 1 over the positions: softmax over the characters, dim=-1.")
def softmax_over_positions(logits, ids):
    return -logits[:, :-1].log_softmax(1).gather(-1, ids[:, 1:, None]).mean()


@next_character_loss.mistake("this is in bits (log2): the course counts in nats, with torch.log.")
def in_bits(logits, ids):
    return _surprise(logits[:, :-1], ids[:, 1:]) / torch.log(torch.tensor(2.0))


@next_character_loss.mistake("one number is asked for: the mean over all predictions, `.mean()`.")
def not_averaged(logits, ids):
    return functional.cross_entropy(logits[:, :-1].mT, ids[:, 1:], reduction="none")


@next_character_loss.mistake("a small number inside the logarithm changes the loss: log_softmax needs no such help.")
def with_epsilon(logits, ids):
    return -(logits[:, :-1].softmax(-1).gather(-1, ids[:, 1:, None]) + 1e-9).log().mean()


@next_character_loss.mistake("only the last prediction of each text counts here: all of logits[:, :-1] do.")
def last_prediction_only(logits, ids):
    return _surprise(logits[:, -2], ids[:, -1])


# --------------------------------------------------------------------------------------------- gradient_by_distance


def halving(inputs, state):
    return 0.5 * state + inputs


def squashing(w_input, w_hidden):
    return lambda inputs, state: torch.tanh(inputs @ w_input + state @ w_hidden)


@gradient_by_distance.probe("one number in the state, halved at each of 3 steps, so the gradients are 1, 1/2, 1/4, 1/8")
def _(answer, rng):
    return answer(halving, torch.ones(1, 3, 1), torch.zeros(1, 1))


@gradient_by_distance.probe("an RNN, batch 3, 7 positions, d_in 2, d_hidden 5")
def _(answer, rng):
    w_input, w_hidden, _ = weights(2, 5, rng)
    return answer(squashing(w_input, w_hidden), normal(3, 7, 2, rng=rng), normal(3, 5, rng=rng))


@gradient_by_distance.probe("an RNN whose weights are being trained, from a state that wants a gradient too")
def _(answer, rng):
    w_input, w_hidden, _ = (weight.requires_grad_() for weight in weights(3, 3, rng))
    state = normal(3, 3, rng=rng).requires_grad_()
    result = answer(squashing(w_input, w_hidden), normal(3, 3, 3, rng=rng), state)
    if w_hidden.grad is not None:
        raise Problem(
            "leaves gradients behind",
            "your code leaves a gradient in the weights, as `.backward()` does: measure with torch.autograd.grad.",
        )
    return result.detach()


def _gradients(step, inputs, state, of=torch.sum):
    states = [state.detach().requires_grad_()]
    for position in range(inputs.shape[1]):
        states.append(step(inputs[:, position], states[-1]))
    return torch.autograd.grad(of(states[-1]), states)


def _norms(found):
    return torch.stack([gradient.norm() for gradient in found])


@gradient_by_distance.mistake("the order is turned round: entry 0 belongs to the last state, the end to the first.")
def in_order_of_time(step, inputs, state):
    return _norms(_gradients(step, inputs, state))


@gradient_by_distance.mistake("the state at the start is left out: there is one state more than there are symbols.")
def without_the_start(step, inputs, state):
    return _norms(_gradients(step, inputs, state)[::-1])[:-1]


@gradient_by_distance.mistake("the last state itself is left out: entry 0 is distance 0.")
def without_the_end(step, inputs, state):
    return _norms(_gradients(step, inputs, state)[::-1])[1:]


@gradient_by_distance.mistake("the gradients themselves come back: take the norm of each.")
def no_norm(step, inputs, state):
    return torch.stack(_gradients(step, inputs, state)[::-1])


@gradient_by_distance.mistake("one norm for each row of the batch comes back: take one over the whole gradient.")
def norm_by_row(step, inputs, state):
    return torch.stack([gradient.norm(dim=-1) for gradient in _gradients(step, inputs, state)[::-1]])


@gradient_by_distance.mistake("these are the squares of the norms: take the square root.")
def squared_norm(step, inputs, state):
    return torch.stack([(gradient**2).sum() for gradient in _gradients(step, inputs, state)[::-1]])


@gradient_by_distance.mistake(
    "this is the sum of absolute values; the norm is the root of the sum of squares: `.norm()`."
)
def absolute_sum(step, inputs, state):
    return torch.stack([gradient.abs().sum() for gradient in _gradients(step, inputs, state)[::-1]])


@gradient_by_distance.mistake("this is the mean size of the gradient's numbers; the norm is asked for: `.norm()`.")
def absolute_mean(step, inputs, state):
    return torch.stack([gradient.abs().mean() for gradient in _gradients(step, inputs, state)[::-1]])


@gradient_by_distance.mistake("this is the gradient of the last state's mean; its sum is asked for.")
def of_the_mean(step, inputs, state):
    return _norms(_gradients(step, inputs, state, of=torch.mean)[::-1])


@gradient_by_distance.mistake("these are the norms of the states. The norms of their gradients are asked for.")
def norms_of_states(step, inputs, state):
    states = [state]
    for position in range(inputs.shape[1]):
        states.append(step(inputs[:, position], states[-1]))
    return _norms(states[::-1])


@gradient_by_distance.mistake("these are divided by the first: return the norms as they are.")
def relative(step, inputs, state):
    norms = _norms(_gradients(step, inputs, state)[::-1])
    return norms / norms[0]


@gradient_by_distance.mistake("this is the gradient of all states together: only the last state's sum is asked about.")
def of_all_states(step, inputs, state):
    states = [state.detach().requires_grad_()]
    for position in range(inputs.shape[1]):
        states.append(step(inputs[:, position], states[-1]))
    return _norms(torch.autograd.grad(sum(each.sum() for each in states), states)[::-1])


@gradient_by_distance.mistake("the states are cut apart by `.detach()`, so no gradient passes between them.")
def cut_apart(step, inputs, state):
    found = _norms(_gradients(step, inputs, state)[::-1])
    return torch.where(torch.arange(len(found)) == 0, found, 0)


# --------------------------------------------------------------------------------------------------- clip_gradients


@clip_gradients.probe("a gradient (3, 4), of norm 5: once with the limit 1, once with 6")
def _(answer, rng):
    gradient = torch.tensor([3.0, 4.0])
    return {f"limit {limit:.0f}": answer([gradient], limit) for limit in (1.0, 6.0)}


@clip_gradients.probe("gradients (3, 0) and (0, 4), together of norm 5, cut to norm 2.5")
def _(answer, rng):
    return answer([torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])], 2.5)


@clip_gradients.probe("three gradients of different shapes, far above the limit")
def _(answer, rng):
    return answer([normal(3, 5, rng=rng) * 9, normal(7, rng=rng), normal(2, 3, 5, rng=rng)], 0.7)


@clip_gradients.probe("gradients that are all zero")
def _(answer, rng):
    return answer([torch.zeros(2, 3), torch.zeros(5)], 1.0)


@clip_gradients.probe("float64, and the type of the gradients is kept")
def _(answer, rng):
    return answer([normal(3, 2, rng=rng).double(), normal(5, rng=rng).double()], 0.5)


def _norm(found):
    return torch.cat([gradient.flatten() for gradient in found]).norm()


@clip_gradients.mistake("each gradient is cut by its own norm, which bends the direction: use one norm for all.")
def each_alone(found, limit):
    return [g * torch.clamp(limit / g.norm(), max=1.0) for g in found], _norm(found)


@clip_gradients.mistake("every number is cut off by itself, which bends the direction: multiply all by one factor.")
def by_value(found, limit):
    return [g.clamp(-limit, limit) for g in found], _norm(found)


@clip_gradients.mistake("gradients of zero give 0 / 0: the factor max_norm / norm is needed only above the limit.")
def zero_by_zero(found, limit):
    norm = _norm(found)
    return [g / norm * torch.clamp(norm, max=limit) for g in found], norm


@clip_gradients.mistake("the test is turned round: shorten the gradients when the norm is ABOVE max_norm.")
def wrong_way_round(found, limit):
    norm = _norm(found)
    return [g * (limit / norm) if norm < limit else g for g in found], norm


@clip_gradients.mistake("gradients below the limit must stay as they are: never multiply by more than 1.")
def stretches(found, limit):
    return [g * (limit / _norm(found)) for g in found], _norm(found)


@clip_gradients.mistake("this divides by the norm only; multiply by max_norm too.")
def to_length_one(found, limit):
    norm = _norm(found)
    return [g / norm if norm > limit else g for g in found], norm


@clip_gradients.mistake("the norms are added up. The norm of all together is the root of the sum of the squares.")
def added_norms(found, limit):
    norm = sum(g.norm() for g in found)
    return [g * torch.clamp(limit / norm, max=1.0) for g in found], norm


@clip_gradients.mistake("this is the squared norm: take its square root.")
def squared(found, limit):
    norm = _norm(found) ** 2
    return [g * torch.clamp(limit / norm, max=1.0) for g in found], norm


@clip_gradients.mistake("this takes the largest norm of one gradient: the limit is for all of them together.")
def largest(found, limit):
    norm = max(g.norm() for g in found)
    return [g * torch.clamp(limit / norm, max=1.0) for g in found], norm


@clip_gradients.mistake("the second result is the norm before clipping, not after.")
def norm_after(found, limit):
    clipped = [g * torch.clamp(limit / _norm(found), max=1.0) for g in found]
    return clipped, _norm(clipped)


@clip_gradients.mistake("only the gradients come back: return the norm before clipping as well.")
def gradients_only(found, limit):
    return recurrent.clip_gradients(found, limit)[0]


@clip_gradients.mistake("the two results are in the other order: gradients first, then the norm.")
def other_order(found, limit):
    return recurrent.clip_gradients(found, limit)[::-1]


@clip_gradients.mistake("nothing is clipped: multiply each gradient by max_norm / norm when the norm is larger.")
def unclipped(found, limit):
    return list(found), _norm(found)


@clip_gradients.mistake("this is the root of the mean square: the norm is the root of the SUM of the squares.")
def root_mean_square(found, limit):
    norm = _norm(found) / sum(g.numel() for g in found) ** 0.5
    return [g * torch.clamp(limit / norm, max=1.0) for g in found], norm
