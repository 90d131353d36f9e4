"""Right answers to notebook 21 in other styles than the course's."""

import math
from fractions import Fraction

import torch

from tests.graders.cases import right

# ------------------------------------------------------------------------------------------------ average_gradients


@right("average_gradients")
def new_tensors(model, all_reduce, share):
    for p in model.parameters():
        if not p.requires_grad:
            continue
        weighed = torch.zeros_like(p) if p.grad is None else p.grad * share
        all_reduce(weighed)
        p.grad = weighed


@right("average_gradients")
def one_bucket(model, all_reduce, share):
    learning = [p for p in model.parameters() if p.requires_grad]
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in learning]) * share
    all_reduce(flat)
    for p, part in zip(learning, flat.split([p.numel() for p in learning]), strict=True):
        p.grad = part.view_as(p).clone()


@right("average_gradients")
def last_layer_first(model, all_reduce, share):
    """As DDP does: the last gradients are ready first."""
    for p in reversed(list(model.parameters())):
        if p.requires_grad:
            if p.grad is None:
                p.grad = p.new_zeros(p.shape)
            p.grad *= share
            all_reduce(p.grad)


@right("average_gradients")
def in_two_passes(model, all_reduce, share):
    learning = list(filter(lambda p: p.requires_grad, model.parameters()))
    for p in learning:
        p.grad = torch.zeros_like(p) if p.grad is None else share * p.grad
    for p in learning:
        all_reduce(p.grad)


@right("average_gradients")
@torch.no_grad()
def by_name(model, all_reduce, share):
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    for name in sorted(named):
        p = named[name]
        if p.grad is None:
            p.grad = torch.zeros(p.shape, dtype=p.dtype, device=p.device)
        p.grad.copy_(p.grad * share)
        all_reduce(p.grad)


@right("average_gradients")
def parameters_to_vector(model, all_reduce, share):
    learning = [p for p in model.parameters() if p.requires_grad]
    for p in learning:
        if p.grad is None:
            p.grad = torch.zeros_like(p)
    flat = torch.nn.utils.parameters_to_vector([p.grad for p in learning]).mul(share)
    all_reduce(flat)
    start = 0
    for p in learning:
        p.grad.copy_(flat[start : start + p.numel()].view(p.shape))
        start += p.numel()


# -------------------------------------------------------------------------------------------------- ring_all_reduce


@right("ring_all_reduce")
def in_two_halves(tensors):
    p = len(tensors)
    chunks, sent = [[c.clone() for c in t.tensor_split(p)] for t in tensors], [0] * p
    for step in range(p - 1):
        for i in range(p):
            place = (i - step) % p
            chunks[(i + 1) % p][place] += chunks[i][place]
            sent[i] += chunks[i][place].numel()
    for step in range(p - 1):
        for i in range(p):
            place = (i + 1 - step) % p
            chunks[(i + 1) % p][place] = chunks[i][place].clone()
            sent[i] += chunks[i][place].numel()
    return [torch.cat(c) for c in chunks], sent


@right("ring_all_reduce")
def all_messages_first(tensors):
    """What is sent in a step is collected before anybody receives."""
    p = len(tensors)
    chunks, sent = [list(torch.tensor_split(t, p)) for t in tensors], [0] * p
    for step in range(2 * p - 2):
        messages = [(i, (i - step) % p, chunks[i][(i - step) % p]) for i in range(p)]
        for i, place, message in messages:
            sent[i] += message.shape[0]
            to = (i + 1) % p
            if step < p - 1:
                chunks[to][place] = message + chunks[to][place]
            else:
                chunks[to][place] = message
    return [torch.hstack(c) for c in chunks], sent


@right("ring_all_reduce")
def by_slices(tensors):
    p, n = len(tensors), len(tensors[0])
    sizes = [n // p + (i < n % p) for i in range(p)]
    starts = [sum(sizes[:i]) for i in range(p)]
    cuts = [slice(start, start + size) for start, size in zip(starts, sizes, strict=True)]
    own, sent = [t.clone() for t in tensors], [0 for _ in tensors]
    for step in range(2 * (p - 1)):
        for i in range(p):
            cut, to = cuts[(i - step) % p], own[(i + 1) % p]
            sent[i] += cut.stop - cut.start
            to[cut] = own[i][cut] + (to[cut] if step < p - 1 else 0)
    return own, sent


@right("ring_all_reduce")
def seen_by_the_receiver(tensors):
    p = len(tensors)
    chunks, sent = [list(t.tensor_split(p)) for t in tensors], [0] * p
    for step in range(2 * (p - 1)):
        for j in range(p):  # j receives from j - 1
            i = (j - 1) % p
            place = (i - step) % p
            sent[i] += len(chunks[i][place])
            chunks[j][place] = chunks[i][place] + (
                chunks[j][place] if step < p - 1 else torch.zeros_like(chunks[j][place])
            )
    return [torch.cat(c) for c in chunks], sent


@right("ring_all_reduce")
def short_cut(tensors):
    """The numbers sent worked out on paper: everyone sends all chunks twice, but for two of them."""
    p, n = len(tensors), len(tensors[0])
    sizes = [len(c) for c in torch.empty(n).tensor_split(p)]
    total = torch.stack(list(tensors)).sum(0).to(tensors[0].dtype)
    sent = [2 * n - sizes[(i + 1) % p] - sizes[(i + 2) % p] for i in range(p)]
    return [total.clone() for _ in range(p)], sent


@right("ring_all_reduce")
def with_a_dict(tensors):
    p = len(tensors)
    holds = {(i, c): part for i, t in enumerate(tensors) for c, part in enumerate(t.tensor_split(p))}
    sent = dict.fromkeys(range(p), 0)
    for step in range(2 * (p - 1)):
        for i in range(p):
            c, to = (i - step) % p, (i + 1) % p
            sent[i] += len(holds[i, c])
            arrived = [holds[i, c], holds[to, c]] if step < p - 1 else [holds[i, c]]
            holds[to, c] = torch.stack(arrived).sum(0).to(tensors[0].dtype)
    return [torch.cat([holds[i, c] for c in range(p)]) for i in range(p)], list(sent.values())


# -------------------------------------------------------------------------------------------------------- zero_bytes


@right("zero_bytes")
def by_a_dict(n_parameters, n_processes, stage):
    part = (n_parameters + n_processes - 1) // n_processes
    known = {0: 16 * n_parameters, 1: 4 * n_parameters + 12 * part, 2: 2 * n_parameters + 14 * part, 3: 16 * part}
    if stage not in known:
        raise ValueError(f"no stage {stage}")
    return known[stage]


@right("zero_bytes")
def by_matching(n_parameters, n_processes, stage):
    whole, rest = divmod(n_parameters, n_processes)
    part = whole + (rest > 0)
    match stage:
        case 0:
            return 16 * n_parameters
        case 1:
            return 4 * n_parameters + 12 * part
        case 2:
            return 2 * n_parameters + 14 * part
        case 3:
            return 16 * part
    raise ValueError(stage)


@right("zero_bytes")
def by_a_sum(n_parameters, n_processes, stage):
    if stage < 0 or stage > 3:
        raise ValueError("stages are 0 to 3")
    part = -(-n_parameters // n_processes)
    return sum(size * (part if stage >= least else n_parameters) for size, least in ((12, 1), (2, 2), (2, 3)))


@right("zero_bytes")
def by_fractions(n_parameters, n_processes, stage):
    if stage not in {0, 1, 2, 3}:
        raise ValueError(stage)
    part = math.ceil(Fraction(n_parameters, n_processes))
    split = 12 * (stage > 0) + 2 * (stage > 1) + 2 * (stage > 2)
    return split * part + (16 - split) * n_parameters


@right("zero_bytes")
def subtracting(n_parameters, n_processes, stage):
    if not 0 <= stage < 4:
        raise ValueError(stage)
    saved = n_parameters - (n_parameters - 1) // n_processes - 1
    return 16 * n_parameters - saved * [0, 12, 14, 16][stage]


@right("zero_bytes")
def step_by_step(n_parameters, n_processes, stage):
    if stage not in range(4):
        raise ValueError(stage)
    part = n_parameters // n_processes
    if part * n_processes < n_parameters:
        part += 1
    weights, gradients, state = 2 * n_parameters, 2 * n_parameters, 12 * n_parameters
    if stage > 0:
        state = 12 * part
    if stage > 1:
        gradients = 2 * part
    if stage > 2:
        weights = 2 * part
    return weights + gradients + state
