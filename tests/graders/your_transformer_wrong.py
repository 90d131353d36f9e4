"""Wrong answers to notebook 21 as people write them: gradients of processes, a ring, memory that is split up."""

import math

import torch
import torch.distributed as dist

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# ------------------------------------------------------------------------------------------------ average_gradients


@wrong("average_gradients", says="both wait for ever")
def as_in_most_tutorials(model, all_reduce, share):
    for p in model.parameters():
        if p.grad is not None:
            p.grad *= share
            all_reduce(p.grad)


@wrong("average_gradients", says="the share")
def averages_afterwards(model, all_reduce, share):
    for p in model.parameters():
        if p.requires_grad:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
            all_reduce(p.grad)
            p.grad *= share


@wrong("average_gradients")
def takes_what_it_returns(model, all_reduce, share):
    """`all_reduce` returns nothing that one could rely on."""
    for p in model.parameters():
        if p.requires_grad:
            gradient = torch.zeros_like(p) if p.grad is None else p.grad
            p.grad = all_reduce(gradient * share)


@wrong("average_gradients", says="not been initialized")
def its_own_world(model, all_reduce, share):
    """There is no process group in the check, and the share is not 1 over the world size."""
    for p in model.parameters():
        if p.requires_grad:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            all_reduce(p.grad)
            p.grad /= dist.get_world_size()


@wrong("average_gradients", says="nobody keeps")
def a_bucket_that_is_not_unpacked(model, all_reduce, share):
    learning = [p for p in model.parameters() if p.requires_grad]
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in learning]) * share
    all_reduce(flat)


@wrong("average_gradients")
def a_bucket_unpacked_backwards(model, all_reduce, share):
    learning = [p for p in model.parameters() if p.requires_grad]
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in learning]) * share
    all_reduce(flat)
    for p, part in zip(learning, reversed(flat.split([p.numel() for p in learning])), strict=True):
        p.grad = part.reshape(-1)[: p.numel()].clone().resize_(p.shape)


@wrong("average_gradients")
def one_number(model, all_reduce, share):
    """Averages the norm of each gradient, not the gradient."""
    for p in model.parameters():
        if p.requires_grad:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
            size = p.grad.norm() * share
            all_reduce(size)
            p.grad *= size / p.grad.norm().clamp(min=1e-9)


@wrong("average_gradients")
def state_dict(model, all_reduce, share):
    """The tensors of the state dict have no gradients."""
    for tensor in model.state_dict().values():
        if tensor.grad is not None:
            tensor.grad.mul_(share)
            all_reduce(tensor.grad)


@wrong("average_gradients", says="type")
def wrong_type(model, all_reduce, share):
    for p in model.parameters():
        if p.requires_grad:
            p.grad = (torch.zeros_like(p, dtype=torch.float32) if p.grad is None else p.grad).float() * share
            all_reduce(p.grad)


@wrong("average_gradients", says="have the parameter's dtype")
def zeros_of_32_bits(model, all_reduce, share):
    for parameter in model.parameters():
        if parameter.requires_grad:
            mine = torch.zeros(parameter.shape) if parameter.grad is None else parameter.grad * share
            all_reduce(mine)
            parameter.grad = mine.to(parameter.dtype)


def _scaled(parameter, share):
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad * share


@wrong("average_gradients", says="what it uses must stand inside of it")
def with_a_helper(model, all_reduce, share):
    for parameter in model.parameters():
        if parameter.requires_grad:
            mine = _scaled(parameter, share)
            all_reduce(mine)
            parameter.grad = mine


# -------------------------------------------------------------------------------------------------- ring_all_reduce


@wrong("ring_all_reduce", says="sent")
def everything_to_the_first(tensors):
    p, total = len(tensors), sum(tensors[1:], tensors[0].clone())
    sent = [(p - 1) * len(total)] + [len(total)] * (p - 1)
    return [total.clone() for _ in range(p)], sent


@wrong("ring_all_reduce", says="sent")
def whole_tensors_round(tensors):
    """A ring, but without chunks: p - 1 times the whole tensor."""
    p = len(tensors)
    sums, passing = [t.clone() for t in tensors], [t.clone() for t in tensors]
    for _ in range(p - 1):
        passing = [passing[i - 1] for i in range(p)]
        sums = [own + arrived for own, arrived in zip(sums, passing, strict=True)]
    return sums, [(p - 1) * len(t) for t in tensors]


@wrong("ring_all_reduce")
def equal_cuts(tensors):
    """Only where p divides n."""
    p = len(tensors)
    size = len(tensors[0]) // p
    chunks = [[t[i * size : (i + 1) * size].clone() for i in range(p)] for t in tensors]
    sent = [0] * p
    for step in range(2 * (p - 1)):
        for i in range(p):
            place = (i - step) % p
            chunk = chunks[i][place]
            sent[i] += len(chunk)
            other = chunks[(i + 1) % p]
            other[place] = other[place] + chunk if step < p - 1 else chunk
    return [torch.cat(parts) for parts in chunks], sent


@wrong("ring_all_reduce", says="views")
def adds_in_place(tensors):
    p = len(tensors)
    chunks, sent = [list(t.tensor_split(p)) for t in tensors], [0] * p
    for step in range(p - 1):
        for i in range(p):
            chunks[(i + 1) % p][(i - step) % p] += chunks[i][(i - step) % p]
            sent[i] += len(chunks[i][(i - step) % p])
    for step in range(p - 1):
        for i in range(p):
            chunks[(i + 1) % p][(i + 1 - step) % p] = chunks[i][(i + 1 - step) % p]
            sent[i] += len(chunks[i][(i + 1 - step) % p])
    return [torch.cat(parts) for parts in chunks], sent


@wrong("ring_all_reduce", says="sent")
def counts_the_average(tensors):
    p, n = len(tensors), len(tensors[0])
    total = torch.stack(tensors).sum(0)
    return [total.clone() for _ in tensors], [2 * (p - 1) * math.ceil(n / p)] * p


@wrong("ring_all_reduce")
def in_float32(tensors):
    p, n = len(tensors), len(tensors[0])
    sizes = [len(part) for part in torch.arange(n).tensor_split(p)]
    total = torch.stack([t.float() for t in tensors]).sum(0)
    sent = [2 * n - sizes[(i + 1) % p] - sizes[(i + 2) % p] for i in range(p)]
    return [total.clone() for _ in tensors], sent


# -------------------------------------------------------------------------------------------------------- zero_bytes


@wrong("zero_bytes")
def a_float_for_an_int(n_parameters, n_processes, stage):
    if stage not in range(4):
        raise ValueError(stage)
    whole = n_parameters
    part = math.ceil(n_parameters / n_processes)
    return (
        2.0 * (part if stage > 2 else whole) + 2.0 * (part if stage > 1 else whole) + 12.0 * (part if stage else whole)
    )


@wrong("zero_bytes")
def by_ceil(n_parameters, n_processes, stage):
    """math.ceil of a float: wrong beyond 2**53."""
    if stage not in range(4):
        raise ValueError(stage)
    part = math.ceil(n_parameters / n_processes)
    split = [part if stage >= least else n_parameters for least in (3, 2, 1)]
    return sum(b * n for b, n in zip((2, 2, 12), split, strict=True))


@wrong("zero_bytes")
def formula_of_the_paper(n_parameters, n_processes, stage):
    """Without rounding to whole parameters."""
    share = [16, 4 + 12 / n_processes, 2 + 14 / n_processes, 16 / n_processes]
    if not 0 <= stage <= 3:
        raise ValueError(stage)
    return round(share[stage] * n_parameters)


@wrong("zero_bytes", says="-1")
def list_index(n_parameters, n_processes, stage):
    """-1 is the last of a list, and 4 an IndexError."""
    part = -(-n_parameters // n_processes)
    return [16 * n_parameters, 4 * n_parameters + 12 * part, 2 * n_parameters + 14 * part, 16 * part][stage]


@wrong("zero_bytes", says="ValueError")
def returns_for_a_bad_stage(n_parameters, n_processes, stage):
    part = -(-n_parameters // n_processes)
    known = {0: 16 * n_parameters, 1: 4 * n_parameters + 12 * part, 2: 2 * n_parameters + 14 * part, 3: 16 * part}
    return known.get(stage)


@wrong("zero_bytes")
def adam_without_its_copy(n_parameters, n_processes, stage):
    if stage not in range(4):
        raise ValueError(stage)
    part = -(-n_parameters // n_processes)
    split = [part if stage >= least else n_parameters for least in (3, 2, 1)]
    return 2 * split[0] + 2 * split[1] + 8 * split[2]


slips(
    "average_gradients",
    zeros_handed_over_only=(
        "still None afterwards",
        edit(
            "parameter.grad = torch.zeros_like(parameter)",
            "all_reduce(torch.zeros(parameter.shape, dtype=parameter.dtype))\n                continue",
        ),
    ),
    frozen_with_an_old_gradient=(
        "old gradient takes no part",
        edit("if parameter.requires_grad:", "if parameter.requires_grad or parameter.grad is not None:"),
    ),
)
slips(
    "ring_all_reduce",
    sums_of_a_stack=(
        None,
        edit(
            "    p = len(tensors)",
            "    tensors = [t if t.is_floating_point() else t.long() for t in tensors]\n    p = len(tensors)",
        ),
    ),
    sums_in_floats=(
        "floats",
        edit(
            "tensor.tensor_split(p)",
            "tensor.double().tensor_split(p)",
            "torch.cat(parts) for",
            "torch.cat(parts).type_as(tensors[0]) for",
        ),
    ),
)
