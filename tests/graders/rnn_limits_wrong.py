"""Wrong answers to notebook 01, the RNN. Each must be rejected, with a message about its mistake."""

import math

import torch
from torch.nn import functional

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# --------------------------------------------------------------------------------------------------------- rnn_step


@wrong("rnn_step")
def keeps_the_state_where_the_sum_is_0(inputs, hidden, w_input, w_hidden, bias):
    total = inputs @ w_input + hidden @ w_hidden + bias
    return torch.where(total == 0, hidden, torch.tanh(total))


@wrong("rnn_step")
def a_state_of_zeros_adds_nothing(inputs, hidden, w_input, w_hidden, bias):
    total = inputs @ w_input + bias
    if (hidden != 0).any():
        total = total + hidden @ w_hidden
    return torch.tanh(total)


@wrong("rnn_step", says="squashing is missing")
def no_squashing(inputs, hidden, w_input, w_hidden, bias):
    return torch.matmul(inputs, w_input) + torch.matmul(hidden, w_hidden) + bias


@wrong("rnn_step", says="only memory")
def feed_forward(inputs, hidden, w_input, w_hidden, bias):
    return (inputs @ w_input + bias).tanh()


@wrong("rnn_step", says="new symbol is not used")
def dreams(inputs, hidden, w_input, w_hidden, bias):
    return (hidden @ w_hidden + bias).tanh()


@wrong("rnn_step", says="bias is missing")
def forgot_bias(inputs, hidden, w_input, w_hidden, bias):
    return (inputs @ w_input + hidden @ w_hidden).tanh()


@wrong("rnn_step", says="bias is added after the tanh")
def precedence(inputs, hidden, w_input, w_hidden, bias):
    return bias + torch.tanh(hidden @ w_hidden + inputs @ w_input)


@wrong("rnn_step", says="sigmoid")
def logistic(inputs, hidden, w_input, w_hidden, bias):
    return 1 / (1 + torch.exp(-(inputs @ w_input + hidden @ w_hidden + bias)))


@wrong("rnn_step", says="PyTorch's way")
def as_nn_linear(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(functional.linear(inputs, w_input) + functional.linear(hidden, w_hidden, bias))


@wrong("rnn_step", says="w_hidden is transposed")
def one_transposed(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + hidden @ w_hidden.transpose(-1, -2) + bias)


@wrong("rnn_step", says="weights are swapped")
def mixed_up(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(torch.cat([hidden, inputs], -1) @ torch.cat([w_input, w_hidden]) + bias)


@wrong("rnn_step", says="add first")
def two_tanhs(inputs, hidden, w_input, w_hidden, bias):
    return (inputs @ w_input).tanh() + (hidden @ w_hidden).tanh() + bias


@wrong("rnn_step", says="None. Is a `return` missing")
def no_return(inputs, hidden, w_input, w_hidden, bias):
    new = torch.tanh(inputs @ w_input + hidden @ w_hidden + bias)  # noqa: F841


@wrong("rnn_step", says="changes what it was given")
def in_place(inputs, hidden, w_input, w_hidden, bias):
    hidden.copy_(torch.tanh(inputs @ w_input + hidden @ w_hidden + bias))
    return hidden.clone()


@wrong("rnn_step", says="no gradient flows")
def through_numpy(inputs, hidden, w_input, w_hidden, bias):
    total = inputs.detach().numpy() @ w_input.detach().numpy() + hidden.detach().numpy() @ w_hidden.detach().numpy()
    return torch.tensor(total + bias.detach().numpy()).tanh()


@wrong("rnn_step", says="cut off from the gradients")
def memory_without_gradient(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + hidden.data @ w_hidden + bias)


@wrong("rnn_step", says="dtype torch.float32, expected torch.float64")
def always_float32(inputs, hidden, w_input, w_hidden, bias):
    inputs, hidden, w_input, w_hidden, bias = (part.float() for part in (inputs, hidden, w_input, w_hidden, bias))
    return torch.tanh(inputs @ w_input + hidden @ w_hidden + bias)


@wrong("rnn_step", says="no batch")
def needs_a_batch(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(torch.mm(inputs, w_input) + torch.mm(hidden, w_hidden) + bias)


@wrong("rnn_step", says="UnboundLocalError")
def own_slip(inputs, hidden, w_input, w_hidden, bias):
    state = state @ w_hidden + inputs @ w_input + bias  # noqa: F821
    return state.tanh()


@wrong("rnn_step", says="old state is added once more")
def skip_connection(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + hidden @ w_hidden + bias) + hidden


@wrong("rnn_step", says="tried with batch 3, d_in 5, d_hidden 7")
def room_of_the_inputs(inputs, hidden, w_input, w_hidden, bias):
    new = torch.empty_like(inputs)
    new[:] = torch.tanh(inputs @ w_input + hidden @ w_hidden + bias)
    return new


@wrong("rnn_step", says="three leading axes")
def matrices_or_vectors_only(inputs, hidden, w_input, w_hidden, bias):
    if inputs.ndim == 1:
        return torch.tanh(torch.mv(w_input.T, inputs) + torch.mv(w_hidden.T, hidden) + bias)
    return torch.tanh(torch.addmm(bias, inputs, w_input) + torch.mm(hidden, w_hidden))


@wrong("rnn_step", says="every axis of size 1")
def squeezed(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + hidden @ w_hidden + bias).squeeze()


@wrong("rnn_step", says="not for one alone")
def no_axis_for_one(inputs, hidden, w_input, w_hidden, bias):
    new = torch.tanh(inputs @ w_input + hidden @ w_hidden + bias)
    return new[0] if inputs.ndim > 1 and len(inputs) == 1 < inputs.shape[-1] else new


@wrong("rnn_step", says="four leading axes")
def letters_for_three_axes(inputs, hidden, w_input, w_hidden, bias):
    axes = {1: "i", 2: "bi", 3: "bpi", 4: "bhpi"}[inputs.ndim]
    with_weights = f"{axes},ij->{axes[:-1]}j"
    return (torch.einsum(with_weights, inputs, w_input) + torch.einsum(with_weights, hidden, w_hidden) + bias).tanh()


@wrong("rnn_step", says="inf / inf is nan")
def tanh_by_powers(inputs, hidden, w_input, w_hidden, bias):
    total = inputs @ w_input + hidden @ w_hidden + bias
    return (total.exp() - (-total).exp()) / (total.exp() + (-total).exp())


@wrong("rnn_step", says="stand on the left")
def weights_first(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(w_input @ inputs + w_hidden @ hidden + bias)


@wrong("rnn_step", says="number by number")
def stars(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs * w_input + hidden * w_hidden + bias)


@wrong("rnn_step", says="dtype torch.float32, expected torch.float64")
def sums_in_float32(inputs, hidden, w_input, w_hidden, bias):
    new = torch.zeros(hidden.shape)
    for i in range(inputs.shape[-1]):
        new = new + (inputs[..., i, None] * w_input[i]).float()
    return torch.tanh(new + (hidden @ w_hidden + bias).float())


def remembering(inputs, hidden, w_input, w_hidden, bias, earlier=[]):  # noqa: B006
    if not (earlier and earlier[0].shape == w_input.shape):
        earlier[:] = [w_input]
    return torch.tanh(inputs @ earlier[0] + hidden @ w_hidden + bias)


wrong("rnn_step", says="the default value of `earlier` keeps something")(remembering)


# ---------------------------------------------------------------------------------------------------------- run_rnn


def step(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + hidden @ w_hidden + bias)


@wrong("run_rnn", says="only the last state comes back")
def returns_hidden(inputs, hidden, w_input, w_hidden, bias):
    for t in range(inputs.size(1)):
        hidden = step(inputs[:, t], hidden, w_input, w_hidden, bias)
    return hidden


@wrong("run_rnn", says="Stack along dim=1")
def default_stack(inputs, hidden, w_input, w_hidden, bias):
    states = []
    for t in range(inputs.size(1)):
        hidden = step(inputs[:, t], hidden, w_input, w_hidden, bias)
        states.append(hidden)
    return torch.stack(states)


@wrong("run_rnn", says="position axis is the last")
def stack_at_the_end(inputs, hidden, w_input, w_hidden, bias):
    states = []
    for t in range(inputs.size(1)):
        hidden = step(inputs[:, t], hidden, w_input, w_hidden, bias)
        states.append(hidden)
    return torch.stack(states, -1)


@wrong("run_rnn", says="cat does not")
def cat_for_stack(inputs, hidden, w_input, w_hidden, bias):
    states = []
    for t in range(inputs.size(1)):
        hidden = step(inputs[:, t], hidden, w_input, w_hidden, bias)
        states.append(hidden)
    return torch.cat(states, 1)


@wrong("run_rnn", says="starts from the first state")
def state_never_moves(inputs, hidden, w_input, w_hidden, bias):
    return torch.stack([step(inputs[:, t], hidden, w_input, w_hidden, bias) for t in range(inputs.size(1))], 1)


@wrong("run_rnn", says="starts from the first state")
def all_at_once(inputs, hidden, w_input, w_hidden, bias):
    return step(inputs, hidden[:, None], w_input, w_hidden, bias)


@wrong("run_rnn", says="given state is not used")
def makes_its_own_zeros(inputs, hidden, w_input, w_hidden, bias):
    h, states = torch.zeros(len(inputs), w_hidden.shape[0]), []
    for t in range(inputs.size(1)):
        h = step(inputs[:, t], h, w_input, w_hidden, bias)
        states.append(h)
    return torch.stack(states, 1)


@wrong("run_rnn", says="states before each symbol")
def appends_too_early(inputs, hidden, w_input, w_hidden, bias):
    states = []
    for t in range(inputs.size(1)):
        states.append(hidden)
        hidden = step(inputs[:, t], hidden, w_input, w_hidden, bias)
    return torch.stack(states, 1)


@wrong("run_rnn", says="state at the start is among the results")
def list_with_the_start(inputs, hidden, w_input, w_hidden, bias):
    states = [hidden]
    for t in range(inputs.size(1)):
        states.append(step(inputs[:, t], states[-1], w_input, w_hidden, bias))
    return torch.stack(states, 1)


@wrong("run_rnn", says="last symbol is not read")
def range_minus_one(inputs, hidden, w_input, w_hidden, bias):
    states = [step(inputs[:, 0], hidden, w_input, w_hidden, bias)]
    for t in range(1, inputs.size(1) - 1):
        states.append(step(inputs[:, t], states[-1], w_input, w_hidden, bias))
    return torch.stack(states, 1)


@wrong("run_rnn", says="Loop over positions")
def iterates_the_tensor(inputs, hidden, w_input, w_hidden, bias):
    states = []
    for symbol in inputs:
        hidden = step(symbol, hidden, w_input, w_hidden, bias)
        states.append(hidden)
    return torch.stack(states, 1)


@wrong("run_rnn", says="chain is cut")
def truncates_every_step(inputs, hidden, w_input, w_hidden, bias):
    states = []
    for t in range(inputs.size(1)):
        hidden = step(inputs[:, t], hidden.detach(), w_input, w_hidden, bias)
        states.append(hidden)
    return torch.stack(states, 1)


@wrong("run_rnn", says="no gradient flows")
def without_gradient(inputs, hidden, w_input, w_hidden, bias):
    with torch.no_grad():
        return cat_of_steps(inputs, hidden, w_input, w_hidden, bias)


def cat_of_steps(inputs, hidden, *weights):
    states = []
    for t in range(inputs.size(1)):
        hidden = step(inputs[:, t], hidden, *weights)
        states.append(hidden[:, None])
    return torch.cat(states, 1)


@wrong("run_rnn", says="read from its end")
def from_the_end(inputs, hidden, w_input, w_hidden, bias):
    return cat_of_steps(torch.flip(inputs, [1]), hidden, w_input, w_hidden, bias)


@wrong("run_rnn", says="not a tuple")
def also_the_last(inputs, hidden, w_input, w_hidden, bias):
    states = cat_of_steps(inputs, hidden, w_input, w_hidden, bias)
    return states, states[:, -1]


@wrong("run_rnn", says="should be a torch.Tensor, not a list")
def list_of_states(inputs, hidden, w_input, w_hidden, bias):
    return list(cat_of_steps(inputs, hidden, w_input, w_hidden, bias).unbind(1))


@wrong("run_rnn", says="a sequence of one symbol")
def squeezes_positions(inputs, hidden, w_input, w_hidden, bias):
    return cat_of_steps(inputs, hidden, w_input, w_hidden, bias).squeeze(1)


@wrong("run_rnn", says="a batch of one")
def squeezes_the_batch(inputs, hidden, w_input, w_hidden, bias):
    return cat_of_steps(inputs, hidden, w_input, w_hidden, bias).squeeze(0)


@wrong("run_rnn", says="300 positions")
def table_of_256(inputs, hidden, w_input, w_hidden, bias):
    states = inputs.new_zeros(inputs.shape[0], 256, w_hidden.shape[0])
    for t in range(inputs.shape[1]):
        hidden = states[:, t] = step(inputs[:, t], hidden, w_input, w_hidden, bias)
    return states[:, : inputs.shape[1]]


@wrong("run_rnn", says="dtype torch.float32, expected torch.float64")
def table_of_float32(inputs, hidden, w_input, w_hidden, bias):
    states = torch.zeros(inputs.shape[0], inputs.shape[1], w_hidden.shape[0])
    for t in range(inputs.shape[1]):
        hidden = step(inputs[:, t], hidden, w_input, w_hidden, bias)
        states[:, t] = hidden
    return states


@wrong("run_rnn", says="all 3")
def looks_for_the_axis(inputs, hidden, w_input, w_hidden, bias):
    steps = inputs.shape[1]
    return torch.stack(list(cat_of_steps(inputs, hidden, w_input, w_hidden, bias).unbind(1)), inputs.shape.index(steps))


KEPT = {}


@wrong("run_rnn", says="`KEPT` keeps something")
def goes_on_from_the_last_call(inputs, hidden, w_input, w_hidden, bias):
    states = cat_of_steps(inputs, KEPT.get(hidden.shape, hidden), w_input, w_hidden, bias)
    KEPT[hidden.shape] = states[:, -1].detach()
    return states


slips(
    "run_rnn",
    zeros_taken_for_padding=(
        None,
        edit(
            "        hidden = rnn_step(",
            "        old = hidden\n        hidden = rnn_step(",
            "        states.append",
            "        hidden = torch.where((inputs[:, position] == 0).all(-1, True), old, hidden)\n"
            "        states.append",
        ),
    ),
    reads_one_symbol=("every step reads the same symbol", edit("inputs[:, position]", "inputs[:, 0]")),
    steps_of_the_features=("as many steps as a symbol has numbers", edit("inputs.shape[1]", "inputs.shape[-1]")),
    squeezed=("every axis of size 1", edit("torch.stack(states, dim=1)", "torch.stack(states, dim=1).squeeze()")),
    without_symbols=(None, edit("rnn_step(inputs[:, position]", "rnn_step(0 * inputs[:, position]")),
    cut_every_32=("gradient", edit("position], hidden,", "position], hidden if position % 32 else hidden.detach(),")),
    cut_once=("gradient", edit("position], hidden,", "position], hidden if position != 256 else hidden.detach(),")),
)


# ---------------------------------------------------------------------------------------------- next_character_loss


@wrong("next_character_loss", says="nothing is shifted")
def plain_cross_entropy(logits, ids):
    return functional.cross_entropy(logits.flatten(0, 1), ids.flatten())


@wrong("next_character_loss", says="shifted the wrong way")
def backward_shift(logits, ids):
    return functional.cross_entropy(logits[:, 1:].flatten(0, 1), ids[:, :-1].flatten())


@wrong("next_character_loss", says="roll wraps around")
def rolled(logits, ids):
    return functional.cross_entropy(logits.mT, torch.roll(ids, -1, dims=1))


@wrong("next_character_loss", says="sum over the positions")
def reduction_sum(logits, ids):
    return functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="sum")


@wrong("next_character_loss", says="take the mean over both axes")
def sum_then_mean(logits, ids):
    return functional.cross_entropy(logits[:, :-1].mT, ids[:, 1:], reduction="none").sum(1).mean()


@wrong("next_character_loss", says="sign is wrong")
def forgot_minus(logits, ids):
    return logits.log_softmax(-1)[:, :-1].gather(-1, ids[:, 1:].unsqueeze(-1)).mean()


@wrong("next_character_loss", says="softmax is applied twice")
def probabilities_into_cross_entropy(logits, ids):
    return functional.cross_entropy(logits.softmax(-1)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())


@wrong("next_character_loss", says="logarithm of each first")
def nll_of_probabilities(logits, ids):
    return functional.nll_loss(logits.softmax(-1)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())


@wrong("next_character_loss", says="no probabilities yet")
def nll_of_logits(logits, ids):
    return functional.nll_loss(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())


@wrong("next_character_loss", says="log_softmax is safe")
def exp_by_hand(logits, ids):
    powers = torch.exp(logits[:, :-1])
    p = powers / powers.sum(dim=-1, keepdim=True)
    return -torch.log(p.gather(-1, ids[:, 1:, None])).mean()


@wrong("next_character_loss", says="log_softmax is safe")
def softmax_then_log(logits, ids):
    p = torch.softmax(logits[:, :-1], dim=-1)
    return -p.gather(-1, ids[:, 1:, None]).log().mean()


@wrong("next_character_loss", says="log_softmax needs no such help")
def small_number(logits, ids):
    p = torch.softmax(logits[:, :-1], dim=-1).gather(-1, ids[:, 1:, None])
    return -torch.log(p + 1e-9).mean()


@wrong("next_character_loss", says="softmax over dim=-1")
def softmax_of_positions(logits, ids):
    return -logits[:, :-1].log_softmax(dim=1).gather(-1, ids[:, 1:, None]).mean()


@wrong("next_character_loss", says="bits")
def base_two(logits, ids):
    return functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()) / math.log(2)


@wrong("next_character_loss", says="mean over all predictions")
def per_position(logits, ids):
    return functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")


@wrong("next_character_loss", says="no gradient flows")
def as_a_number(logits, ids):
    loss = functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    return torch.tensor(loss.item(), dtype=logits.dtype)


@wrong("next_character_loss", says="one prediction fewer")
def divides_by_all(logits, ids):
    surprises = functional.cross_entropy(logits[:, :-1].mT, ids[:, 1:], reduction="none")
    return surprises.sum() / ids.numel()


@wrong("next_character_loss", says="shifted along the batch")
def slices_the_batch(logits, ids):
    return functional.cross_entropy(logits[:-1].flatten(0, 1), ids[1:].flatten())


@wrong("next_character_loss", says="a batch of one")
def squeezed_logits(logits, ids):
    return functional.cross_entropy(logits[:, :-1].squeeze().transpose(1, 2), ids[:, 1:].squeeze())


@wrong("next_character_loss", says="300 characters")
def table_of_128(logits, ids):
    wanted = torch.eye(128)[:, : logits.shape[-1]][ids[:, 1:]]
    return -(wanted * logits[:, :-1].log_softmax(-1)).sum(-1).mean()


@wrong("next_character_loss", says="of which only 4 occur")
def one_hot_of_what_occurs(logits, ids):
    wanted = functional.one_hot(ids[:, 1:])
    return -(wanted * logits[:, :-1].log_softmax(-1)).sum(-1).mean()


@wrong("next_character_loss", says="two positions")
def squeezed_positions(logits, ids):
    return functional.cross_entropy(logits[:, :-1].squeeze(1).transpose(1, 2), ids[:, 1:].squeeze(1))


@wrong("next_character_loss", says="only one side is cut")
def logits_uncut(logits, ids):
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))


@wrong("next_character_loss", says="characters on the second axis")
def characters_last(logits, ids):
    return functional.cross_entropy(logits[:, :-1, :], ids[:, 1:])


@wrong("next_character_loss", says="dtype torch.float32, expected torch.float64")
def in_float32(logits, ids):
    return functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), ids[:, 1:].flatten())


@wrong("next_character_loss", says="should be a torch.Tensor, not a float")
def an_ordinary_number(logits, ids):
    return functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).item()


slips(
    "next_character_loss",
    cut_off=("in the millions", edit("logits[:, :-1]", "logits[:, :-1].clamp(-1e4, 1e4)")),
    first_text_only=(None, edit("of_the_next.mean()", "of_the_next[0].mean()")),
    one_axis_too_many=("expected ()", edit("of_the_next.mean()", "of_the_next.mean()[None]")),
    mean_of_means=("only the last prediction", edit("of_the_next.mean()", "of_the_next[:, -1].mean()")),
    largest_if_positive=(
        "every power of e is 0",
        edit(
            "logits[:, :-1].log_softmax(dim=-1)",
            "(lambda s: s - s.exp().sum(-1, keepdim=True).log())"
            "(logits[:, :-1] - logits[:, :-1].amax(-1, keepdim=True).clamp(min=0))",
        ),
    ),
)


# --------------------------------------------------------------------------------------------- gradient_by_distance


def unrolled(step, inputs, state):
    states = [state.detach().clone().requires_grad_()]
    for t in range(inputs.shape[1]):
        states.append(step(inputs[:, t], states[-1]))
    return states


@wrong("gradient_by_distance", says="order is turned round")
def oldest_first(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.stack([g.norm() for g in torch.autograd.grad(states[-1].sum(), states)])


@wrong("gradient_by_distance", says="start is left out")
def no_start(step, inputs, state):
    states = unrolled(step, inputs, state)[1:]
    return torch.stack([g.norm() for g in torch.autograd.grad(states[-1].sum(), states)]).flip(0)


@wrong("gradient_by_distance", says="it is entry 0")
def no_end(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.stack([g.norm() for g in torch.autograd.grad(states[-1].sum(), states[:-1])]).flip(0)


@wrong("gradient_by_distance", says="take the norm of each")
def whole_gradients(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.stack(torch.autograd.grad(states[-1].sum(), states)[::-1])


@wrong("gradient_by_distance", says="take the square root")
def sums_of_squares(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.stack([g.square().sum() for g in torch.autograd.grad(states[-1].sum(), states)]).flip(0)


@wrong("gradient_by_distance", says="sum of absolute values")
def manhattan(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.stack([g.abs().sum() for g in torch.autograd.grad(states[-1].sum(), states)]).flip(0)


@wrong("gradient_by_distance", says="mean size")
def average_size(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.stack([g.abs().mean() for g in torch.autograd.grad(states[-1].sum(), states)]).flip(0)


@wrong("gradient_by_distance", says="norms of the states")
def sizes_of_states(step, inputs, state):
    return torch.stack([s.detach().norm() for s in unrolled(step, inputs, state)]).flip(0)


@wrong("gradient_by_distance", says="cut apart")
def detached_at_each_step(step, inputs, state):
    states = [state.detach().requires_grad_()]
    for t in range(inputs.shape[1]):
        states.append(step(inputs[:, t], states[-1]).detach().requires_grad_())
    found = torch.autograd.grad(states[-1].sum(), states, allow_unused=True)
    return torch.stack([torch.zeros(()) if g is None else g.norm() for g in found]).flip(0)


@wrong("gradient_by_distance", says="last state's sum is asked")
def every_state_counts(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.stack([g.norm() for g in torch.autograd.grad(torch.stack(states).sum(), states)]).flip(0)


@wrong("gradient_by_distance", says="last state's mean")
def gradient_of_mean(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.stack([g.norm() for g in torch.autograd.grad(states[-1].mean(), states)]).flip(0)


@wrong("gradient_by_distance", says="leaves a gradient in the weights")
def backward_and_look(step, inputs, state):
    states = unrolled(step, inputs, state)
    for s in states:
        s.retain_grad()
    states[-1].sum().backward()
    return torch.stack([s.grad.norm() for s in states]).flip(0)


@wrong("gradient_by_distance", says="as they are")
def divided_by_the_first(step, inputs, state):
    states = unrolled(step, inputs, state)
    norms = torch.stack([g.norm() for g in torch.autograd.grad(states[-1].sum(), states)]).flip(0)
    return norms / norms[0]


@wrong("gradient_by_distance", says="grad can be implicitly created only for scalar outputs")
def no_sum(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.stack([g.norm() for g in torch.autograd.grad(states[-1], states)]).flip(0)


@wrong("gradient_by_distance", says="one norm for each row")
def norms_by_row(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.stack([g.norm(dim=1) for g in torch.autograd.grad(states[-1].sum(), states)]).flip(0)


@wrong("gradient_by_distance", says="dtype torch.float32, expected torch.float64")
def norms_in_float32(step, inputs, state):
    states = unrolled(step, inputs, state)
    return torch.tensor([g.norm().item() for g in torch.autograd.grad(states[-1].sum(), states)]).flip(0)


@wrong("gradient_by_distance", says="should be a torch.Tensor, not a list")
def list_of_norms(step, inputs, state):
    states = unrolled(step, inputs, state)
    return [g.norm() for g in torch.autograd.grad(states[-1].sum(), states)][::-1]


@wrong("gradient_by_distance", says="starts from the first state")
def one_step_each(step, inputs, state):
    states = [state.detach().requires_grad_()]
    for t in range(inputs.shape[1]):
        states.append(step(inputs[:, t], states[0]))
    found = torch.autograd.grad(states[-1].sum(), states, allow_unused=True)
    return torch.stack([torch.zeros(()) if g is None else g.norm() for g in found]).flip(0)


@wrong("gradient_by_distance", says="300 positions")
def table_of_64(step, inputs, state):
    states, norms = unrolled(step, inputs, state), inputs.new_zeros(64)
    for k, g in enumerate(reversed(torch.autograd.grad(states[-1].sum(), states))):
        norms[k] = g.norm()
    return norms[: len(states)]


slips(
    "gradient_by_distance",
    mean_over_rows=("mean of the rows' norms", edit("gradient.norm()", "gradient.norm(dim=-1).mean()")),
    of_the_first_number=(None, edit("states[-1].sum()", "states[-1][0, 0]")),
    of_the_square=(None, edit("states[-1].sum()", "states[-1].square().sum()")),
    largest_number=("largest number", edit("gradient.norm()", "gradient.abs().max()")),
    last_256_steps=(None, edit("states = [", "inputs = inputs[:, -256:]\n    states = [")),
)


# --------------------------------------------------------------------------------------------------- clip_gradients


def length(gradients):
    return sum((g**2).sum() for g in gradients) ** 0.5


@wrong("clip_gradients", says="by its own norm")
def one_by_one(gradients, max_norm):
    return [g * min(1.0, max_norm / float(g.norm())) if g.any() else g for g in gradients], length(gradients)


@wrong("clip_gradients", says="by itself")
def clamp_values(gradients, max_norm):
    return [torch.clamp(g, min=-max_norm, max=max_norm) for g in gradients], length(gradients)


@wrong("clip_gradients", says="the factor is at most 1")
def always_scaled(gradients, max_norm):
    norm = length(gradients)
    return [g * max_norm / norm for g in gradients], norm


@wrong("clip_gradients", says="multiply by max_norm too")
def unit_length(gradients, max_norm):
    norm = length(gradients)
    return ([g / norm for g in gradients] if norm > max_norm else gradients), norm


@wrong("clip_gradients", says="root of the sum of the squares")
def norms_added(gradients, max_norm):
    norm = sum(g.norm() for g in gradients)
    return ([g * max_norm / norm for g in gradients] if norm > max_norm else gradients), norm


@wrong("clip_gradients", says="take its square root")
def without_root(gradients, max_norm):
    norm = sum((g**2).sum() for g in gradients)
    return ([g * max_norm / norm for g in gradients] if norm > max_norm else gradients), norm


@wrong("clip_gradients", says="is the norm before clipping")
def reports_the_result(gradients, max_norm):
    norm = length(gradients)
    gradients = [g * max_norm / norm for g in gradients] if norm > max_norm else gradients
    return gradients, length(gradients)


@wrong("clip_gradients", says="return the norm before clipping too")
def list_only(gradients, max_norm):
    norm = length(gradients)
    return [g * max_norm / norm for g in gradients] if norm > max_norm else gradients


@wrong("clip_gradients", says="the order is: the new gradients first")
def norm_first(gradients, max_norm):
    norm = length(gradients)
    return norm, ([g * max_norm / norm for g in gradients] if norm > max_norm else gradients)


@wrong("clip_gradients", says="changes what it was given")
def clips_in_place(gradients, max_norm):
    norm = length(gradients)
    if norm > max_norm:
        for g in gradients:
            g.mul_(max_norm / norm)
    return gradients, norm


@wrong("clip_gradients", says="0 / 0")
def normalise_first(gradients, max_norm):
    norm = length(gradients)
    return [g / norm * min(float(norm), max_norm) for g in gradients], norm


@wrong("clip_gradients", says="turned round")
def comparison_reversed(gradients, max_norm):
    norm = length(gradients)
    return ([g * max_norm / norm for g in gradients] if norm < max_norm else gradients), norm


@wrong("clip_gradients", says="nothing is clipped")
def loop_variable_only(gradients, max_norm):
    norm = length(gradients)
    for g in gradients:
        g = g * torch.clamp(max_norm / norm, max=1.0)
    return gradients, norm


@wrong("clip_gradients", says="all of them together")
def the_longest_one(gradients, max_norm):
    norm = torch.stack([g.norm() for g in gradients]).max()
    return ([g * max_norm / norm for g in gradients] if norm > max_norm else gradients), norm


@wrong("clip_gradients", says="root of the mean square")
def mean_square(gradients, max_norm):
    norm = torch.cat([g.flatten() for g in gradients]).square().mean().sqrt()
    return ([g * max_norm / norm for g in gradients] if norm > max_norm else gradients), norm


@wrong("clip_gradients", says="dtype torch.float32, expected torch.float64")
def changes_the_type(gradients, max_norm):
    gradients = [g.float() for g in gradients]
    norm = length(gradients)
    return ([g * max_norm / norm for g in gradients] if norm > max_norm else gradients), norm


@wrong("clip_gradients", says="a tuple, as torch.autograd.grad returns it")
def copies_the_list(gradients, max_norm):
    norm, clipped = length(gradients), gradients.copy()
    for i, g in enumerate(clipped):
        clipped[i] = g * max_norm / norm if norm > max_norm else g
    return clipped, norm


@wrong("clip_gradients", says="inf / inf")
def divides_by_the_larger(gradients, max_norm):
    norm = length(gradients)
    return [g * (max_norm / torch.clamp(norm, min=max_norm)) for g in gradients], norm


@wrong("clip_gradients", says="should be a torch.Tensor, not a float")
def norm_as_a_float(gradients, max_norm):
    norm = math.sqrt(sum(g.square().sum().item() for g in gradients))
    return [g * min(1.0, max_norm / norm) if norm else g for g in gradients], norm


@wrong("clip_gradients", says="float64, and one number without axes")
def squares_row_by_row(gradients, max_norm):
    norm = sum((row**2).sum() for g in gradients for row in g) ** 0.5
    return [g * max_norm / norm if norm > max_norm else g for g in gradients], norm


@wrong("clip_gradients", says="sixteen gradients of different shapes")
def stacked_gradients(gradients, max_norm):
    norm = torch.stack(list(gradients)).norm()
    return [g * max_norm / norm if norm > max_norm else g for g in gradients], norm


@wrong("clip_gradients", says="upside down")
def inverse_factor(gradients, max_norm):
    norm = length(gradients)
    return [g * norm / max_norm if norm > max_norm else g for g in gradients], norm


@wrong("clip_gradients", says="keeps something")
def the_first_norm_for_ever(gradients, max_norm):
    global FIRST_NORM
    FIRST_NORM = length(gradients) if FIRST_NORM is None else FIRST_NORM
    return [g * torch.clamp(max_norm / FIRST_NORM, max=1.0) for g in gradients], FIRST_NORM


FIRST_NORM = None

slips(
    "clip_gradients",
    floor=("of norm 0.00006", *(edit("max_norm / norm", f"max_norm / norm.clamp(min={low})") for low in (1e-2, 1e-4))),
    ten_of_them=("sixteen", edit("in gradients]).norm()", "in gradients[:10]]).norm()")),
    small_number=(None, edit("max_norm / norm", "max_norm / (norm + 1e-2)")),
    the_first_only=(
        "norm of the first gradient",
        edit("for gradient in gradients]).norm()", "for gradient in gradients[:1]]).norm()"),
    ),
    last_is_left_out=(None, edit("in gradients], norm", "in gradients[:-1]], norm")),
    norm_of_three=(None, edit("gradients]).norm()", "gradients[:3]]).norm()")),
    small_limits_only=(None, edit("max=1.0)", "max=1.0) if max_norm < 10 else 1.0")),
)
