"""Checks of notebook 21: gradients of several processes, a ring that adds up, memory that is split up, questions.

Several processes are played one after the other. The first round finds what each hands to `all_reduce`, the next one
gives everybody the sums, so that it does not matter how the gradients are packed.
"""

import builtins
import copy
import dis
import inspect
import types
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import plain, refuses
from lib.checks.running import Problem
from lib.gpt2 import gpt2_parameters
from lib.training import parallel

__all__ = [
    "average_gradients",
    "faster_by",
    "joint_gradient",
    "ring_all_reduce",
    "ring_traffic",
    "waiting_share",
    "zero_bytes",
]

average_gradients = Exercise(parallel.average_gradients)
ring_all_reduce = Exercise(parallel.ring_all_reduce, returns=("the sums", "the numbers sent"))
zero_bytes = Exercise(parallel.zero_bytes)

ROUNDS = 4  # until what is handed over does not change any more


# ------------------------------------------------------------------------------------------------ average_gradients


def _one_process(answer: Callable, model: nn.Module, share: float, sums: Sequence[Tensor] | None) -> list[Tensor]:
    """Let one process average; returns what it hands over. sums: what it gets back, call by call; None: not known."""
    handed: list[Tensor] = []

    def all_reduce(tensor: Tensor, *_, **__) -> None:
        if not isinstance(tensor, Tensor):
            raise Problem("type", f"all_reduce takes a tensor, and was given {type(tensor).__name__}.")
        handed.append(tensor.detach().clone())
        if sums is not None and len(handed) <= len(sums) and sums[len(handed) - 1].shape == tensor.shape:
            with torch.no_grad():
                tensor.copy_(sums[len(handed) - 1])

    returned = answer(model, all_reduce, share)
    if returned is not None:
        raise Problem("returns", "nothing is to be returned: the gradients stand in `.grad`.")
    return handed


def together(answer: Callable, models: Sequence[nn.Module], shares: Sequence[float]) -> list[nn.Module]:
    """The models of several processes after they have averaged."""
    sums = None
    for _ in range(ROUNDS):
        tried = [_with_gradients(model) for model in models]
        handed = [_one_process(answer, *one, sums) for one in zip(tried, shares, strict=True)]
        types_given = [[tensor.dtype for tensor in one] for one in handed]
        shapes = [[tuple(tensor.shape) for tensor in one] for one in handed]
        if any(one != shapes[0] for one in shapes):
            counts = [len(one) for one in shapes]
            how = f"{' and '.join(map(str, counts))} times" if len(set(counts)) > 1 else "with unequal shapes"
            raise Problem(
                "waits",
                f"the processes call all_reduce {how}: they wait for each other for ever. Each of them takes part with "
                "every parameter that learns, whatever its share, and with zeros where it has no gradient.",
            )
        for one in types_given:
            for mine, other in zip(one, types_given[0], strict=True):
                if mine != other:
                    raise Problem(
                        "dtypes",
                        f"one process hands over {mine} where another hands over {other}: they cannot be added up. "
                        "Zeros for a missing gradient have the parameter's dtype.",
                    )
        found = [torch.stack(tensors).sum(0) for tensors in zip(*handed, strict=True)]
        if sums is not None and all(map(torch.equal, found, sums)):
            break
        sums = found
    return tried


def _with_gradients(model: nn.Module) -> nn.Module:
    """A copy of a model, its gradients too."""
    twin = copy.deepcopy(model)
    for mine, its in zip(twin.parameters(), model.parameters(), strict=True):
        mine.grad = None if its.grad is None else its.grad.clone()
    return twin


def _gradients(model: nn.Module) -> dict[str, Tensor | str]:
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            raise Problem("still None", f"the gradient of `{name}` is still None afterwards.")
    return {f"the gradient of `{name}`": "None" if p.grad is None else p.grad for name, p in model.named_parameters()}


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {f"the weight `{name}`": p.detach() for name, p in model.named_parameters()}


def _processes(make: Callable[[], nn.Module], n: int, rng: torch.Generator) -> list[nn.Module]:
    """n models with the same weights and random gradients."""
    model = make()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=rng))
    models = [copy.deepcopy(model) for _ in range(n)]
    for one in models:
        for parameter in one.parameters():
            if parameter.requires_grad:
                parameter.grad = torch.randn(parameter.shape, generator=rng).to(parameter.dtype)
    return models


def _two_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 3), nn.ReLU(), nn.Linear(3, 2))


@average_gradients.probe("two processes, a single weight with the gradients 1 and 2, shares 1/4 and 3/4")
def _(answer, rng):
    models = _processes(lambda: nn.Linear(1, 1, bias=False), 2, rng)
    for model, gradient in zip(models, (1.0, 2.0), strict=True):
        model.weight.grad = torch.tensor([[gradient]])
    return [_gradients(model) | _weights(model) for model in together(answer, models, (0.25, 0.75))]


@average_gradients.probe("two layers: shares of a third each; 0.5, 0.2 and 0.3; 0 and 1; one process alone")
def _(answer, rng):
    found = []
    for shares in ((1 / 3, 1 / 3, 1 / 3), (0.5, 0.2, 0.3), (0.0, 1.0), (1.0,)):
        models = together(answer, _processes(_two_layers, len(shares), rng), shares)
        found += [_gradients(model) | _weights(model) for model in models]
    return found


@average_gradients.probe("a layer that only process 0 has used, and one that only process 1 or nobody has used")
def _(answer, rng):
    found = []
    for unused in (((2,), (0,)), ((0,), (0,))):
        models = _processes(_two_layers, 2, rng)
        for model, layers in zip(models, unused, strict=True):
            for parameter in (p for layer in layers for p in model[layer].parameters()):
                parameter.grad = None
        found += [_gradients(model) for model in together(answer, models, (0.5, 0.5))]
    return found


def _frozen() -> nn.Module:
    model = _two_layers()
    model[0].requires_grad_(False)
    return model


def _shared() -> nn.Module:
    model = nn.ModuleDict({"words": nn.Embedding(7, 3), "head": nn.Linear(3, 7, bias=False)})
    model["head"].weight = model["words"].weight
    return model


@average_gradients.probe("a frozen layer, one part of which has an old gradient; a matrix that two parts share")
def _(answer, rng):
    models = _processes(_frozen, 2, rng)
    for number, model in enumerate(models):
        model[0].weight.grad = torch.full((3, 5), float(number))
    frozen = together(answer, models, (0.5, 0.5))
    shared = together(answer, _processes(_shared, 2, rng), (0.25, 0.75))
    return [_gradients(model) for model in frozen + shared]


@average_gradients.probe("float64, and a model with a single number")
def _(answer, rng):
    def make() -> nn.Module:
        model = nn.Linear(300, 7).double()
        model.temperature = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
        return model

    return [_gradients(model) for model in together(answer, _processes(make, 2, rng), (0.5, 0.5))]


@average_gradients.probe("float64, and a layer that only process 0 has used")
def _(answer, rng):
    models = _processes(lambda: _two_layers().double(), 2, rng)
    for parameter in models[1][2].parameters():
        parameter.grad = None
    return [_gradients(model) for model in together(answer, models, (0.5, 0.5))]


def _from_outside(code: types.CodeType) -> set[str]:
    """The names that a function's code takes from around it, those of its inner functions too."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    inner = [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return names.union(*map(_from_outside, inner))


@average_gradients.probe("what the other processes get: the function's text, and `torch`")
def _(answer, rng):
    code = getattr(inspect.unwrap(answer), "__code__", None)
    names = _from_outside(code) | set(code.co_freevars) if code else set()
    for name in sorted(names - {"torch", parallel.average_gradients.__name__} - set(dir(builtins))):
        raise Problem(
            "from outside",
            f"your function uses `{name}`, which stands outside of it: other processes get the text of the function "
            "alone, and `torch`. Put everything else into it.",
        )


_LEARNS, _NONE = "if parameter.requires_grad:", "if parameter.grad is None:"
_ZEROS = "parameter.grad = torch.zeros_like(parameter)"
_SHARE, _SUM = "parameter.grad.mul_(share)", "all_reduce(parameter.grad)"

# fmt: off
average_gradients.mistakes(
    not_weighed=("the sum of all gradients is not the joint one: multiply each by its process's share first, in place "
        "(`parameter.grad * share` alone makes a new tensor, and `.grad` stays as it was).",
        edit(_SHARE, "pass"), edit(_SHARE, "parameter.grad * share")),
    weighed_after=("the share is multiplied after the sum: with unequal shares each process then has other gradients. "
        "Multiply before all_reduce.",
        edit(_SHARE, "pass", _SUM, f"{_SUM}\n            {_SHARE}")),
    twice=("the share counts twice: once before the sum and once after it.",
        edit(_SUM, f"{_SUM}\n            {_SHARE}")),
    divided=("the gradient is divided by the share; multiply: who has a quarter of the targets counts a quarter.",
        edit(_SHARE, "parameter.grad.div_(share)")),
    not_added=("the other processes' gradients are missing: is `.grad` itself added up, or a copy of it?",
        edit(_SUM, "pass"), edit(_SUM, "all_reduce(parameter.grad.clone())")),
    grad_untouched=("`.grad` stays as it was: a product that nobody keeps is added up, or the weights are.",
        edit(_SHARE, "pass", _SUM, "all_reduce(parameter.grad * share)"),
        edit(_SHARE, "parameter.data.mul_(share)", _SUM, "all_reduce(parameter.data)")),
    skipped=("a parameter without a gradient is left out, or ends everything: then this process calls all_reduce less "
        "often than another one, and both wait for ever.",
        edit(_NONE, "if parameter.grad is None:\n                continue", f"\n                {_ZEROS}", ""),
        edit(_NONE, "if parameter.grad is None:\n                return", f"\n                {_ZEROS}", "")),
    sum_lost=("a parameter without a gradient has none afterwards: the sum that comes back is to stand in its `.grad`.",
        edit(_ZEROS, "all_reduce(torch.zeros_like(parameter))\n                continue")),
    ones=("a missing gradient counts as 0, not as 1.", edit("zeros_like", "ones_like")),
    float32_zeros=("zeros for a missing gradient have the parameter's dtype, or the processes hand over numbers of two "
        "kinds, which cannot be added up: `zeros_like`.",
        edit(_ZEROS, "zeros = torch.zeros(parameter.shape)\n                all_reduce(zeros)\n"
             "                parameter.grad = zeros.to(parameter.dtype)\n                continue")),
    helper=("the other processes get the text of this function alone, so what it uses must stand inside of it.",
        edit("def average_gradients", "def weighed(gradient, share):\n    return gradient.mul_(share)\n\n\n"
             "def average_gradients", _SHARE, "weighed(parameter.grad, share)")),
    weight_for_gradient=("a missing gradient counts as 0, not as the weight.",
        edit(_ZEROS, "parameter.grad = parameter.detach().clone()")),
    frozen_too=("frozen parameters take no part: they get no gradient.", edit(_LEARNS, "if True:")),
    frozen_later=("a frozen parameter that has an old gradient takes no part either: its `.grad` stays as it is.",
        edit(_LEARNS, "if parameter.requires_grad or parameter.grad is not None:")),
    only_frozen=("those that learn take part, not the frozen ones.", edit(_LEARNS, "if not parameter.requires_grad:")),
    without_gradients_only=("all parameters that learn are averaged, not only those without a gradient.",
        edit("            parameter.grad.mul_(share)\n            all_reduce(parameter.grad)",
             "                parameter.grad.mul_(share)\n                all_reduce(parameter.grad)")),
    matrices_only=("biases, and whatever else is no matrix, are parameters too.",
        edit(_LEARNS, "if parameter.requires_grad and parameter.dim() > 1:")),
    first_only=("only the first parameter is averaged.",
        edit("model.parameters()", "list(model.parameters())[:1]")),
    own_only=("the parameters of the parts within the model are left out.",
        edit("model.parameters()", "model.parameters(recurse=False)")),
    half=("every share is taken for 1/2: use the one that is given.", edit(_SHARE, "parameter.grad.mul_(0.5)")),
    returned=("nothing is to be returned.", edit(_SUM, f"{_SUM}\n    return model")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------- ring_all_reduce


def _played(answer: Callable, tensors: list[Tensor]) -> dict:
    found = answer(tensors)
    if not isinstance(found, tuple) or len(found) != 2:
        raise Problem("type", "two results are asked for: what each process has at the end, and how many it has sent.")
    sums, sent = found
    if len(sums) != len(tensors) or len(sent) != len(tensors):
        raise Problem("length", f"there are {len(tensors)} processes; you give {len(sums)} and {len(sent)} results.")
    named = {f"what process {i} has": one for i, one in enumerate(sums)}
    return named | {f"what process {i} has sent": plain(one, int) for i, one in enumerate(sent)}


def _random(p: int, n: int, rng: torch.Generator, dtype=torch.float32) -> list[Tensor]:
    return [torch.randn(n, generator=rng, dtype=dtype) for _ in range(p)]


@ring_all_reduce.probe("1, 2, 3 and 10, 20, 30 and 100, 200, 300")
def _(answer, rng):
    rows = [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [100.0, 200.0, 300.0]]
    return _played(answer, [torch.tensor(row) for row in rows])


@ring_all_reduce.probe("two processes, four whole numbers around 10**17: the last three digits of the sums")
def _(answer, rng):
    tensors = [10**17 + torch.randint(10**9, (4,), generator=rng) for _ in range(2)]
    return {name: part % 1000 for name, part in _played(answer, tensors).items()}


@ring_all_reduce.probe("three processes, seven numbers: chunks of 3, 2 and 2")
def _(answer, rng):
    return _played(answer, _random(3, 7, rng))


@ring_all_reduce.probe(
    "5 processes, 13 numbers of float64; 7 and 3, with empty chunks; one alone; 8 and 300 whole numbers"
)
def _(answer, rng):
    whole = [torch.randint(-50, 50, (300,), generator=rng) for _ in range(8)]
    every = {"5": _random(5, 13, rng, torch.float64), "7": _random(7, 3, rng), "1": _random(1, 5, rng), "8": whole}
    return {f"{key} of {p}": one for p, tensors in every.items() for key, one in _played(answer, tensors).items()}


@ring_all_reduce.probe("three processes, five whole numbers of 32 bits (int32)")
def _(answer, rng):
    return _played(answer, [torch.randint(-50, 50, (5,), generator=rng, dtype=torch.int32) for _ in range(3)])


@ring_all_reduce.probe("the result of process 0 is changed: does process 1 still have its own?")
def _(answer, rng):
    tensors = _random(3, 6, rng)
    sums, _ = answer(tensors)
    sums[0].zero_()
    return {"what process 1 has": sums[1], "what was given to process 0": tensors[0]}


_CHUNKS, _STEPS, _PLACE = "tensor.tensor_split(p)", "range(2 * (p - 1))", "(i - step) % p"
_NEXT, _COUNT, _LAST = "(i + 1) % p", "len(chunk)", "step < p - 1"
_ADD = "receiver[place] = receiver[place] + chunk if step < p - 1 else chunk"

# fmt: off
ring_all_reduce.mistakes(
    always_adds=("after step p - 2 a chunk is complete: it takes the place of the neighbour's, and is not added.",
        edit(_ADD, "receiver[place] = receiver[place] + chunk")),
    never_adds=("in the first p - 1 steps what arrives is added to one's own chunk.",
        edit(_ADD, "receiver[place] = chunk")),
    half_of_it=("only the first half is done: each process has one complete chunk, and the others have to go round.",
        edit(_STEPS, "range(p - 1)")),
    one_step_less=("there are 2 (p - 1) steps: one is missing.", edit(_STEPS, "range(2 * (p - 1) - 1)")),
    p_steps=("there are 2 (p - 1) steps, not 2p.", edit(_STEPS, "range(2 * p)")),
    adds_too_long=("p - 1 steps add; yours add once more.", edit(_LAST, "step < p")),
    adds_too_short=("p - 1 steps add; yours add once less.", edit(_LAST, "step < p - 2")),
    same_chunk=("everyone sends the same chunk in a step: process i sends chunk (i - s) mod p.",
        edit(_PLACE, "(-step) % p")),
    own_chunk=("process i sends the same chunk in every step: it moves on, (i - s) mod p.", edit(_PLACE, "i")),
    forwards=("the chunks go backwards: process i sends (i - s) mod p, which it has received before.",
        edit(_PLACE, "(i + step) % p")),
    other_way=("process i sends to its right neighbour, (i + 1) mod p.", edit(_NEXT, "(i - 1) % p")),
    counts_chunks=("numbers are counted, not messages.", edit(_COUNT, "1")),
    counts_all=("only the chunk is sent, not the whole tensor.", edit(_COUNT, "len(tensors[i])")),
    counts_half=("what is sent in the second half counts too.", edit(f"sent[i] += {_COUNT}",
        f"sent[i] += {_COUNT} if step < p - 1 else 0")),
    receiver_counts=("what a process has sent is asked for, not what it has received.",
        edit("sent[i] +=", "sent[(i + 1) % p] +=")),
    in_place=("the tensors that you were given are changed: the chunks are views of them, and `+=` writes into those.",
        edit(_ADD, "receiver[place] = receiver[place].add_(chunk) if step < p - 1 else chunk")),
    total_sent=("a number for each process is asked for, not one for all.",
        edit("for parts in chunks], sent", "for parts in chunks], sum(sent)")),
    one_result=("each process's own result is asked for: a list of p tensors.",
        edit("[torch.cat(parts) for parts in chunks], sent", "torch.cat(chunks[0]), sent")),
    by_float=("whole numbers are rounded on the way through floats: add them up as they are.",
        edit(_CHUNKS, "tensor.double().tensor_split(p)",
             "torch.cat(parts) for", "torch.cat(parts).to(tensors[0]) for")),
    in_chunks=("the chunks are to be joined again: torch.cat.",
        edit("[torch.cat(parts) for parts in chunks]", "chunks")),
    average=("the sums are asked for, not the means.",
        edit("torch.cat(parts) for", "torch.cat(parts) / p for")),
    sums_alone=("two results are asked for.", edit("for parts in chunks], sent", "for parts in chunks]")),
    same_tensor=("all processes share one tensor: what one changes, the others have too.",
        edit("[torch.cat(parts) for parts in chunks], sent", "[torch.cat(chunks[0])] * p, sent")),
    equal_chunks=("a length that does not divide loses its end: cut by `tensor_split(p)`.",
        edit(_CHUNKS, "tensor[: len(tensor) // p * p].tensor_split(p)")),
    by_chunk=("`chunk(p)` may give fewer than p chunks, and of other sizes; cut by `tensor_split(p)`.",
        edit(_CHUNKS, "tensor.chunk(p)"), edit(_CHUNKS, "tensor.split(-(-len(tensor) // p))")),
)


@ring_all_reduce.mistake("it is the sum, but not the ring: the numbers sent are those of sending all to all.")
def all_to_all(tensors):
    total = torch.stack(list(tensors)).sum(0)
    return [total.clone() for _ in tensors], [(len(tensors) - 1) * len(total)] * len(tensors)


@ring_all_reduce.mistake("2 (p - 1) / p · n holds only where n divides: count what is sent, chunk by chunk.")
def by_formula(tensors):
    p, total = len(tensors), torch.stack(list(tensors)).sum(0)
    return [total.clone() for _ in tensors], [2 * (p - 1) * len(total) // p] * p
# fmt: on


# -------------------------------------------------------------------------------------------------------- zero_bytes


@zero_bytes.probe("8 parameters, 4 processes, stages 0 to 3")
def _(answer, rng):
    return {f"stage {stage}": plain(answer(8, 4, stage), int) for stage in range(4)}


@zero_bytes.probe("11 parameters and 3 processes, parts of 4; 3 and 7; 13 and 1")
def _(answer, rng):
    sizes = ((11, 3), (3, 7), (13, 1))
    return {f"{n} and {p}, stage {stage}": plain(answer(n, p, stage), int) for n, p in sizes for stage in range(4)}


@zero_bytes.probe("7,500,000,000 and 64, the paper's figure; 10**17 + 1 and 2: no rounding by floats")
def _(answer, rng):
    sizes = ((7_500_000_000, 64), (10**17 + 1, 2))
    return {f"{n} and {p}, stage {stage}": str(plain(answer(n, p, stage), int)) for n, p in sizes for stage in range(4)}


@zero_bytes.probe("no such stage: 4 and -1")
def _(answer, rng):
    return {f"stage {stage}": refuses(ValueError, "", answer, 8, 4, stage) for stage in (4, -1)}


_PART, _STAGES = "-(-n_parameters // n_processes)", "stage not in (0, 1, 2, 3)"
_WEIGHTS, _GRADIENTS = "part if stage >= 3", "part if stage >= 2"
_STATE = "12 * (part if stage >= 1 else n_parameters)"

# fmt: off
zero_bytes.mistakes(
    rounded_down=("where it does not divide, a part is rounded up: no parameter may be left over.",
        edit(_PART, "n_parameters // n_processes")),
    one_more=("where it divides, nothing is to be added.", edit(_PART, "n_parameters // n_processes + 1")),
    a_float=("an int is asked for: a part is whole, -(-a // b).", edit(_PART, "n_parameters / n_processes")),
    rounded_bytes=("parts are whole parameters: round those up, and not the bytes.",
        edit(_PART, "n_parameters / n_processes", "return weights + gradients + state",
             "return -int(-(weights + gradients + state) // 1)")),
    by_float=("a float has 53 bits: use -(-a // b).",
        edit(_PART, "int(n_parameters / n_processes + 0.9999999)")),
    eight=("AdamW's state is 12 bytes: m and v, and the weight itself in float32.", edit("12 *", "8 *")),
    sixteen=("the 12 bytes of the state hold no gradient: that is counted by itself.", edit("12 *", "16 *")),
    float32=("in mixed precision weights and gradients take 2 bytes each.", edit("= 2 *", "= 4 *")),
    no_gradients=("the gradients are missing.", edit("weights + gradients + state", "weights + state")),
    no_weights=("the weights are missing.", edit("weights + gradients + state", "gradients + state")),
    all_processes=("the bytes of one process are asked for, not of all together.",
        edit("return weights + gradients + state", "return (weights + gradients + state) * n_processes")),
    weights_in_stage_2=("stage 2 splits up gradients and state; the weights stay whole until stage 3.",
        edit(_WEIGHTS, "part if stage >= 2")),
    gradients_in_stage_1=("stage 1 splits up the state alone.", edit(_GRADIENTS, "part if stage >= 1")),
    gradients_in_stage_3=("stage 2 splits up the gradients too.", edit(_GRADIENTS, "part if stage >= 3")),
    stage_3_alone=("each stage splits up what the stages before it have split up, too.",
        edit("stage >= 1", "stage == 1", "stage >= 2", "stage == 2", "stage >= 3", "stage == 3")),
    always_split=("stage 0 splits up nothing.", edit(_STATE, "12 * part")),
    never_weights=("stage 3 splits up the weights too.", edit(_WEIGHTS, "part if stage >= 4")),
    one_too_many=("the stages count from 0: stage 1 splits up the state.",
        edit("part = -(", "stage = max(0, stage - 1)\n    part = -(")),
    any_stage=("there are the stages 0 to 3: another one is a ValueError.", edit(_STAGES, "False"),
        edit(_STAGES, "stage > 3"), edit(_STAGES, "stage < 0")),
    key_error=("another stage is a ValueError.", edit("raise ValueError", "raise KeyError")),
)
# fmt: on


# --------------------------------------------------------------------------------------------------------- questions


faster_by = Question(
    "faster_by",
    lambda: 1 / (0.4 + 0.6 / 3),
    "The other 40% stay, and 60% become 20%: 0.6 of the time, 5/3 times as fast. Even with products that cost nothing "
    "it would be 2.5 times.",
    "Of 100 milliseconds 60 are products. How long do they take now, and how long does all of it take?",
    hints=(
        (3, "That would need everything to become three times faster."),
        (0.6, "That is what is left of the time. How many times faster is that?"),
        (2.5, "That is the limit if the products took no time at all."),
        (1.8, "60% of three is no speed: add up the times."),
    ),
    within=0.01,
)
joint_gradient = Question(
    "joint_gradient",
    lambda: (10 * 2 + 30 * 4) / 40,
    "A quarter of the targets with 2, three quarters with 4. In the plain mean, 3, a target of process 0 would count "
    "three times as much as one of process 1.",
    "Each of the 40 targets counts the same. How many of them stand behind the 2, and how many behind the 4?",
    hints=(
        (3, "That is the mean of the two: it takes 10 targets for as many as 30."),
        (2.5, "The shares are exchanged: process 1 has more targets."),
        (6, "That is the sum: weigh by the shares."),
        (140, "Divide by the number of targets."),
    ),
    within=1e-6,
)
ring_traffic = Question(
    "ring_traffic",
    lambda: round(parallel.ring_bytes(4 * sum(gpt2_parameters(50_257, 1_024, 768, 12).values()), 8)),
    "2 x 7/8 of the 497,759,232 bytes of the gradients: 871 MB in each step. With 1,000 processes it would be 995 MB, "
    "hardly more.",
    "The gradients take 4 bytes each. By a ring each process sends 2 (p - 1) / p times as much.",
    hints=(
        (2 * 7 * 124_439_808 // 8, "These are numbers, and each has 4 bytes."),
        (7 * 124_439_808 * 4 // 8, "That is the first half, the reduce-scatter. The complete chunks have to go round."),
        (2 * 124_439_808 * 4, "That is the limit for very many processes: with 8, a chunk is sent 2 x 7 times."),
        (7 * 124_439_808 * 4, "That is sending everything to everyone, without a ring."),
        (2 * 7 * 124_439_808 * 4, "A message is one chunk, an eighth of the gradients."),
    ),
)
waiting_share = Question(
    "waiting_share",
    lambda: parallel.bubble_share(4, 12),
    "12 micro-batches through 4 stages take 15 steps; each stage works in 12 of them and waits in 3.",
    "How many steps pass until the last micro-batch has left the last stage? In how many of them does a stage work?",
    hints=(
        (3 / 12, "The time is 15 steps, not 12: the first micro-batch has to come through all stages."),
        (0.8, "That is the share in which a stage works."),
        (0.75, "That would be one micro-batch alone."),
    ),
    within=1e-6,
)
