"""Right answers to notebook 01, the RNN, in other styles than the course's. Each must be accepted."""

import math

import torch
from torch import nn
from torch.nn import functional

from tests.graders.cases import right


@right("rnn_step")
def one_product(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(torch.cat([inputs, hidden], dim=-1) @ torch.cat([w_input, w_hidden]) + bias)


@right("rnn_step")
def einsums(inputs, hidden, w_input, w_hidden, bias):
    total = torch.einsum("...i,ij->...j", inputs, w_input) + torch.einsum("...i,ij->...j", hidden, w_hidden)
    return (bias + total).tanh()


@right("rnn_step")
def linear_of_transposed(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(functional.linear(inputs, w_input.T, bias) + functional.linear(hidden, w_hidden.T))


@right("rnn_step")
def tanh_from_sigmoid(inputs, hidden, w_input, w_hidden, bias):
    return 2 * torch.sigmoid(2 * (inputs @ w_input + hidden @ w_hidden + bias)) - 1


@right("rnn_step")
def through_float64(inputs, hidden, w_input, w_hidden, bias):
    total = inputs.double() @ w_input.double() + hidden.double() @ w_hidden.double() + bias.double()
    return total.tanh().to(hidden.dtype)


def step(inputs, hidden, w_input, w_hidden, bias):
    return torch.tanh(inputs @ w_input + hidden @ w_hidden + bias)


@right("run_rnn")
def cat_of_unsqueezed(inputs, hidden, w_input, w_hidden, bias):
    found = []
    for symbol in inputs.unbind(1):
        hidden = step(symbol, hidden, w_input, w_hidden, bias)
        found.append(hidden.unsqueeze(1))
    return torch.cat(found, dim=1)


@right("run_rnn")
def with_the_input_product_first(inputs, hidden, w_input, w_hidden, bias):
    ready, states = inputs @ w_input + bias, []
    for t in range(ready.shape[1]):
        hidden = (ready[:, t] + hidden @ w_hidden).tanh()
        states += [hidden]
    return torch.stack(states, 1)


@right("run_rnn")
def recursive(inputs, hidden, w_input, w_hidden, bias):
    first = step(inputs[:, 0], hidden, w_input, w_hidden, bias)
    if inputs.shape[1] == 1:
        return first[:, None]
    return torch.cat([first[:, None], recursive(inputs[:, 1:], first, w_input, w_hidden, bias)], dim=1)


@right("run_rnn")
def filled_in(inputs, hidden, w_input, w_hidden, bias):
    states = inputs.new_empty(inputs.shape[0], inputs.shape[1], w_hidden.shape[0])
    for t in range(inputs.shape[1]):
        hidden = step(inputs[:, t], hidden, w_input, w_hidden, bias)
        states[:, t] = hidden
    return states


@right("run_rnn")
def positions_first_inside(inputs, hidden, w_input, w_hidden, bias):
    states = [hidden]
    for symbol in inputs.transpose(0, 1):
        states.append(step(symbol, states[-1], w_input, w_hidden, bias))
    return torch.stack(states[1:]).transpose(0, 1)


@right("next_character_loss")
def cross_entropy(logits, ids):
    return functional.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))


@right("next_character_loss")
def cross_entropy_classes_second(logits, ids):
    return functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:])


@right("next_character_loss")
def logsumexp(logits, ids):
    chosen = torch.take_along_dim(logits[:, :-1], ids[:, 1:].unsqueeze(-1), dim=-1).squeeze(-1)
    return (torch.logsumexp(logits[:, :-1], dim=-1) - chosen).mean()


@right("next_character_loss")
def loops(logits, ids):
    total = 0.0
    for row in range(ids.shape[0]):
        for t in range(ids.shape[1] - 1):
            total = total - logits[row, t].log_softmax(0)[ids[row, t + 1]]
    return total / (ids.shape[0] * (ids.shape[1] - 1))


@right("next_character_loss")
def with_one_hot(logits, ids):
    wanted = functional.one_hot(ids[:, 1:], logits.shape[-1]).to(logits.dtype)
    return -(wanted * functional.log_softmax(logits[:, :-1], dim=2)).sum(dim=2).mean()


@right("next_character_loss")
def largest_taken_off(logits, ids):
    shifted = logits[:, :-1] - logits[:, :-1].amax(-1, keepdim=True).detach()
    log_probabilities = shifted - shifted.exp().sum(-1, keepdim=True).log()
    return functional.nll_loss(log_probabilities.flatten(0, 1), ids[:, 1:].flatten())


@right("gradient_by_distance")
def one_gradient_at_a_time(step, inputs, state):
    states = [state.detach().clone().requires_grad_(True)]
    for t in range(inputs.shape[1]):
        states.append(step(inputs[:, t], states[-1]))
    norms = []
    for earlier in states[::-1]:
        (gradient,) = torch.autograd.grad(states[-1].sum(), earlier, retain_graph=True)
        norms.append(gradient.norm())
    return torch.stack(norms)


@right("gradient_by_distance")
def with_grad_outputs(step, inputs, state):
    states = [state.detach().requires_grad_()]
    for symbol in inputs.unbind(1):
        states += [step(symbol, states[-1])]
    found = torch.autograd.grad(states[-1], states, grad_outputs=torch.ones_like(states[-1]))
    return torch.tensor([g.pow(2).sum().sqrt().item() for g in found], dtype=found[0].dtype).flip(0)


@right("gradient_by_distance")
def chained_backwards(step, inputs, state):
    states = [state.detach()]
    for t in range(inputs.shape[1]):
        states.append(step(inputs[:, t], states[-1]).detach())
    gradient = torch.ones_like(states[-1])
    norms = [gradient.norm()]
    for t in reversed(range(inputs.shape[1])):
        before = states[t].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(step(inputs[:, t], before), before, gradient)
        norms.append(gradient.norm())
    return torch.stack(norms)


@right("gradient_by_distance")
def restarted(step, inputs, state):
    norms = []
    states = [state.detach()]
    for t in range(inputs.shape[1]):
        states.append(step(inputs[:, t], states[-1]).detach())
    for start in reversed(range(inputs.shape[1] + 1)):
        leaf = states[start].clone().requires_grad_()
        last = leaf
        for t in range(start, inputs.shape[1]):
            last = step(inputs[:, t], last)
        norms.append(torch.linalg.vector_norm(torch.autograd.grad(last.sum(), leaf)[0]))
    return torch.stack(norms)


@right("clip_gradients")
def with_an_if(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    if norm <= max_norm:
        return gradients, norm
    return [g * (max_norm / norm) for g in gradients], norm


@right("clip_gradients")
def flattened(gradients, max_norm):
    norm = torch.cat([g.reshape(-1) for g in gradients]).norm(p=2)
    return [g * torch.clamp(max_norm / (norm + 1e-6), max=1.0) for g in gradients], norm


@right("clip_gradients")
def divided(gradients, max_norm):
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
    divisor = torch.maximum(norm / max_norm, torch.ones_like(norm))
    return [g / divisor for g in gradients], norm


@right("clip_gradients")
def with_pytorch(gradients, max_norm):
    holders = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for holder, gradient in zip(holders, gradients, strict=True):
        holder.grad = gradient.clone()
    norm = nn.utils.clip_grad_norm_(holders, max_norm)
    return [holder.grad for holder in holders], norm


@right("clip_gradients")
def plain_numbers(gradients, max_norm):
    squares = math.fsum(number**2 for g in gradients for number in g.flatten().tolist())
    norm = math.sqrt(squares)
    factor = 1.0 if norm <= max_norm else max_norm / norm
    return tuple(factor * g for g in gradients), torch.tensor(norm, dtype=gradients[0].dtype)


@right("rnn_step")
def column_by_column(x, h, a, b, c):
    columns = [(x * a[:, j]).sum(-1) + (h * b[:, j]).sum(-1) + c[j] for j in range(len(c))]
    return torch.stack(columns, dim=-1).tanh()


@right("rnn_step")
def flattened_and_back(inputs, hidden, w_input, w_hidden, bias):
    flat = torch.addmm(bias, inputs.reshape(-1, inputs.shape[-1]), w_input)
    return torch.addmm(flat, hidden.reshape(-1, hidden.shape[-1]), w_hidden).tanh().view(hidden.shape)


@right("run_rnn")
def row_by_row(inputs, hidden, w_input, w_hidden, bias):
    rows = []
    for sequence, state in zip(inputs, hidden, strict=True):
        states = []
        for symbol in sequence:
            state = step(symbol, state, w_input, w_hidden, bias)
            states.append(state)
        rows.append(torch.stack(states))
    return torch.stack(rows)


@right("gradient_by_distance")
def norms_of_rows_combined(step, inputs, state):
    states = [state.clone().detach().requires_grad_(True)]
    for t in range(inputs.size(1)):
        states.append(step(inputs[:, t], states[t]))
    norms = [g.norm(dim=-1).norm() for g in torch.autograd.grad(states[-1].sum(), states)]
    norms.reverse()
    return torch.stack(norms)


@right("gradient_by_distance")
def with_the_sum_as_a_product(step, inputs, state):
    last = state.detach().requires_grad_()
    states = [last]
    for symbol in inputs.transpose(0, 1):
        last = step(symbol, last)
        states.insert(0, last)
    found = torch.autograd.grad(last @ torch.ones_like(last[0]), states, torch.ones_like(last[:, 0]))
    return torch.cat([torch.linalg.vector_norm(g).view(1) for g in found])


@right("clip_gradients")
def by_recursion(gradients, max_norm):
    def squares(rest):
        return rest[0].square().sum() + (squares(rest[1:]) if len(rest) > 1 else 0)

    norm = squares(tuple(gradients)).sqrt()
    return [g.mul(max_norm).div(norm) if norm > max_norm else g.clone() for g in gradients], norm
