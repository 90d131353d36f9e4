"""What every answer is tried with, whatever the exercise: no author has to think of it.

    Outcome, Variation    what a probe gave, and what a varied call of it gave
    vary_call             one call made again: one row alone, rows in reverse order, another size, 64-bit numbers,
                          numbers moved or made small, without an optional argument, with other weights, the gradient,
                          and the same again, also after the result was changed
    with_gradient         which tensors in a value have `requires_grad`
    weighted_gradients    what flows back from results to inputs

An axis counts as rows when the course's answer treats them apart: what it gives for one row alone is that row of what
it gives for all. Numbers may be moved where the course's answer does not change or moves with them, and made small
where it does not change or gets small with them. A gradient is asked for in every call for the arguments for which a
probe asks for it once. So nothing is asked for that the course's own answer does not promise.
"""

import contextlib
import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lib.checks.differences import difference
from lib.checks.ready_made import parameters_of

AGAIN = "the same call again"


@dataclass(frozen=True)
class Outcome:
    """What a probe gave: a result, or the exception that the answer raised; and what its variations gave.

    wanted: the arguments that were given with `requires_grad`: the method's name, and the way to the tensor
    """

    result: object = None
    error: BaseException | None = None
    printed: str = ""
    variations: "list[Variation]" = field(default_factory=list)
    wanted: set[tuple] = field(default_factory=set)


@dataclass(frozen=True)
class Variation:
    """One call that was varied. `counts`: for the course's answer, whether the learner's must do the same here."""

    kind: str
    words: str
    outcome: Outcome
    counts: bool
    of: str = ""  # what was varied, where two answers may differ in it


def copied(value):
    """A copy of tensors, generators and containers of them; anything else as it is."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, tuple | list):
        return _of_the_kind_of(value, map(copied, value))
    if type(value) is dict:
        return {key: copied(part) for key, part in value.items()}
    return value.copy() if isinstance(value, set | dict) else value


def _of_the_kind_of(value: tuple | list, parts: Iterable):
    """Other parts in a tuple, a named tuple or a list, as `value` is."""
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


# ---------------------------------------------------------------------------------------------- a call, made again


def vary_call(
    function: Callable, arguments: tuple, named: dict, result: object, wanted: Sequence[tuple] = ()
) -> list[Variation]:
    """Make a call again with small changes, and at last as it was. wanted: the ways to what gradients are asked for.

    Left out are calls with models or files among their arguments, and calls that throw dice: there is more than one
    right way to throw them.
    """
    if not _is_plain((arguments, named)):
        return []
    result = _detached(result)  # whether gradients flow is asked where the text says so, not here
    module = _module(function)
    weights = " ".join(sorted(name for name, _ in module.named_parameters()))
    same = copied(_detached((arguments, named)))  # the same objects, call after call
    again, threw_dice = _outcome_on(function, *same)
    found = [Variation("state", f"{AGAIN} gives something else", again, not threw_dice)]
    for kind, words, changed, expected in _changes(*_with_numbers(function, arguments, named), result):
        if kind in ("dtype", "other numbers") and weights:  # they are 32-bit: mixing them is not asked for
            continue
        outcome, threw = _outcome(function, *changed)
        as_it_should = (
            any(not difference(outcome.result, one, "") for one in expected) if expected else _is_finite(outcome.result)
        )
        counts = outcome.error is None and as_it_should and not threw
        if kind == "other numbers" and counts:  # in a tie it is rounding that decides
            nearby, _ = _outcome(function, *_each_float(changed, _nudged))
            counts = not difference(nearby.result, outcome.result, "")
        found.append(Variation(kind, words, outcome, counts))
    if ways := [way for way in wanted if _is_float(_at_the_end_of(way, (arguments, named)))]:
        found.append(_gradient(function, arguments, named, ways))
    again, _ = _outcome(function, arguments, named)
    words = f"{AGAIN}, after others, gives something else"
    found.append(Variation("state", words, again, not threw_dice and again.error is None))
    after_a_change, counts = _after_a_change(function, arguments, named)
    words = f"{AGAIN} gives something else once the first result is changed in place: it is handed out twice"
    found.append(Variation("state", words, after_a_change, counts and not threw_dice))
    for mode in ("training", "evaluation") if weights else ():
        with _in_mode(module, mode):
            _outcome_on(function, *same)
            with _other_weights(module):
                outcome, threw = _outcome_on(function, *same)
        counts = outcome.error is None and _is_finite(outcome.result) and not threw
        words = f"right at first, not when the weights have changed since (the module being in {mode})"
        found.append(Variation("state", words, outcome, counts, weights))
    for tensor in _tensors(same):
        if (tensor.is_floating_point() and tensor.ndim) or tensor.ndim > 1:  # ids and masks in a row keep their order
            tensor.copy_(tensor.flip(0))
    outcome, threw = _outcome_on(function, *same)
    counts = outcome.error is None and _is_finite(outcome.result) and not threw
    found.append(Variation("state", "right at first, not when the same tensors hold other numbers", outcome, counts))
    if weights:
        _outcome(function, arguments, named)  # what a module keeps of its last call is asked for by some probes
    return found


def _outcome(function: Callable, arguments: tuple, named: dict) -> tuple[Outcome, bool]:
    """The result of a call on copies, and whether it threw dice."""
    return _outcome_on(function, *copied((arguments, named)))


def _outcome_on(function: Callable, arguments: tuple, named: dict) -> tuple[Outcome, bool]:
    """The result of a call, and whether it threw dice. All dice are put back after it."""
    generators = [*_generators((arguments, named)), torch.default_generator]
    before = [generator.get_state() for generator in generators]
    try:
        outcome = Outcome(copied(_detached(function(*arguments, **named))))
    except Exception as error:
        outcome = Outcome(error=error)
    threw = not all(torch.equal(g.get_state(), state) for g, state in zip(generators, before, strict=True))
    for generator, state in zip(generators, before, strict=True):
        generator.set_state(state)
    return outcome, threw


def _gradient(function: Callable, arguments: tuple, named: dict, ways: list[tuple]) -> Variation:
    """What flows back from the first result with a gradient to the tensors at the end of these ways.

    It counts where it is finite, and not a matter of rounding: for inputs that differ a little, nearly the same.
    """

    def there_and_back(*arguments, **named):
        given = [_at_the_end_of(way, (arguments, named)).requires_grad_() for way in ways]
        results = [tensor for tensor in _tensors(function(*arguments, **named)) if tensor.requires_grad]
        flowing = weighted_gradients(results[:1], given) if results else [None] * len(given)
        return {f"the gradient for argument {way[1]}": one for way, one in zip(ways, flowing, strict=True)}

    arguments, named = _detached((arguments, named))
    outcome, threw = _outcome(there_and_back, arguments, named)
    nearby, _ = _outcome(there_and_back, *_each_float((arguments, named), _nudged))
    counts = not (outcome.error or nearby.error or threw) and all(map(_is_tensor_and_finite, outcome.result.values()))
    counts = counts and not difference(nearby.result, outcome.result, "", within=1e-3)
    return Variation("no gradient", "right in its values, not in its gradient", outcome, counts)


def weighted_gradients(results: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Tensor]:
    """The gradient of a weighted sum of all numbers in `results` for each input, zero where none flows."""
    weights = [_from_minus_one_to_one(part) for part in results]
    flowing = torch.autograd.grad(results, inputs, weights, allow_unused=True)
    return [torch.zeros_like(x) if one is None else one for x, one in zip(inputs, flowing, strict=True)]


def _nudged(tensor: Tensor) -> Tensor:
    """Numbers that differ a little from these, by eight times what rounding does."""
    return tensor * (1 + 8 * torch.finfo(tensor.dtype).eps * _from_minus_one_to_one(tensor))


def _from_minus_one_to_one(tensor: Tensor) -> Tensor:
    """Other numbers for each place of a tensor of this shape."""
    return torch.linspace(-1, 1, tensor.numel(), dtype=tensor.dtype).view(tensor.shape)


def with_gradient(value: object, way: tuple = ()) -> Iterator[tuple]:
    """The way to each tensor in a value that has `requires_grad`: the keys and places that lead to it."""
    if isinstance(value, Tensor) and value.requires_grad and not isinstance(value, nn.Parameter):
        yield way
    for key, part in value.items() if type(value) is dict else enumerate(value if _is_sequence(value) else ()):
        yield from with_gradient(part, (*way, key))


def _at_the_end_of(way: tuple, value: object) -> object:
    for key in way:
        try:
            value = value[key]
        except (LookupError, TypeError):
            return None
    return value


def _after_a_change(function: Callable, arguments: tuple, named: dict) -> tuple[Outcome, bool]:
    """What a call gives after what it gave before was changed; whether that is the same as before."""
    given = []
    before, _ = _outcome(
        lambda *a, **n: given.append(function(*a, **n)) or copied(_detached(given[0])), arguments, named
    )
    tensors = [tensor.data for tensor in _tensors(given)]
    kept = copied(tensors)

    def second(*arguments, **named):
        result = function(*arguments, **named)
        for part in given:
            if isinstance(part, list | dict):
                part.clear()  # after the call, which may have filled it anew
        return copied(_detached(result))

    try:
        for tensor in tensors:  # subtle: `.data`, for autograd may still need what lies there
            tensor.copy_(~tensor if tensor.dtype == torch.bool else tensor + 1)
        after, _ = _outcome(second, arguments, named)
    except RuntimeError:  # one number in several places: it cannot be changed
        return before, False
    finally:
        for tensor, old in zip(tensors, kept, strict=True):
            with contextlib.suppress(RuntimeError):
                tensor.copy_(old)
    same = before.error is None and after.error is None and not difference(after.result, before.result, "")
    return after, same


def _changes(arguments: tuple, named: dict, result: object) -> Iterator[tuple[str, str, tuple, list]]:
    """(kind, words, (arguments, named), the results of which the course's answer must give one: none, any will do)."""
    tensors = [part for part in (*arguments, *named.values()) if isinstance(part, Tensor)]
    rows = [size for part in tensors for size in part.shape if size > 1 and size in _sizes(result)]
    for size in dict.fromkeys(rows):
        for kind, words, pick in [
            ("batch of one", f"right for {size} of them, not for one alone", lambda x, axis: x.narrow(axis, 0, 1)),
            ("state", f"right at first, not with the {size} in reverse order", lambda x, axis: x.flip(axis)),
        ]:
            at = functools.partial(_at, size=size, pick=pick)
            yield kind, words, (at(arguments), at(named)), [at(result)]
    leading = {part.shape[0] for part in tensors if part.ndim > 1}
    if len(leading) == 1 and max(leading) > 1 and _is_number(result):
        at = functools.partial(_at, size=max(leading), pick=lambda x, axis: x.narrow(0, 0, 1) if axis == 0 else x)
        yield (
            "batch of one",
            f"right for {max(leading)} of them, but not for one alone",
            (at(arguments), at(named)),
            [],
        )
    for place, value in enumerate(arguments):
        if type(value) in (int, float):
            other = value + 2 if type(value) is int else 0.731 * value  # not a round share: no new ties
            changed = (*arguments[:place], other, *arguments[place + 1 :])
            yield "other size", f"right for {value}, not for {other} with all else the same", (changed, named), []
    at = functools.partial(_each_float, change=Tensor.double)
    yield "dtype", "right for 32-bit numbers, not for 64-bit ones", (at(arguments), at(named)), []
    floats = list(filter(_is_float, tensors))
    if floats and not any(map(_is_distribution, floats)) and not all(map(_is_whole, floats)):
        in_64_bits = at((arguments, named, result))
        for words, change in [
            ("300 taken off", lambda x: (x - 300).contiguous()),
            ("all divided by 1000", lambda x: (x / 1000).contiguous()),
        ]:
            *changed, moved = _each_float(in_64_bits, change)
            words = f"right for these numbers, not for the same, {words} (in 64 bits)"
            yield "other numbers", words, tuple(changed), [in_64_bits[-1], moved]
    last = next(reversed(named), None)  # an optional argument, as it was given by name; else by place
    if last is not None:
        fewer = arguments, {name: value for name, value in named.items() if name != last}
        yield "state", f"right with `{last}`, not without it in the next call", fewer, []
    elif arguments and isinstance(arguments[-1], Tensor):
        yield "state", "right with its last argument, not without it in the next call", (arguments[:-1], named), []
    if any(part.ndim > 1 for part in tensors):
        at = functools.partial(_each, change=_turned_in_memory)
        yield "layout", "right, but not for tensors that lie in memory in another order", (at(arguments), at(named)), []


@contextlib.contextmanager
def _in_mode(module: nn.Module, mode: str) -> Iterator[None]:
    """The module with all its parts in training, or in evaluation."""
    before = {part: part.training for part in module.modules()}
    module.train(mode == "training")
    try:
        yield
    finally:
        for part, training in before.items():
            part.training = training


@contextlib.contextmanager
def _other_weights(module: nn.Module) -> Iterator[None]:
    """The parameters of a module, half as large again."""
    before = {parameter: parameter.data for parameter in module.parameters()}
    try:
        for parameter in before:
            parameter.data = 1.5 * parameter.data  # subtle: nothing is changed in place, gradients may still need it
        yield
    finally:
        for parameter, data in before.items():
            parameter.data = data


def _module(method: Callable) -> nn.Module:
    """The module that a method belongs to; an empty one where it belongs to none."""
    owner = getattr(inspect.unwrap(method), "__self__", None)
    return owner if isinstance(owner, nn.Module) else nn.Module()


def _with_numbers(function: Callable, arguments: tuple, named: dict) -> tuple[tuple, dict]:
    """The call with numbers written out that are given by default, as far as everything stands in its place."""
    if named or not (known := list(parameters_of(function).values())[len(arguments) :]):
        return arguments, named
    usual = [parameter.default for parameter in known if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    numbers = itertools.takewhile(lambda default: type(default) in (int, float), usual)
    return (*arguments, *numbers), named


def _at(value, size: int, pick: Callable):
    """Every axis of this size, in all tensors, with only some of its places."""

    def change(tensor: Tensor) -> Tensor:
        for axis in [axis for axis, length in enumerate(tensor.shape) if length == size]:
            tensor = pick(tensor, axis)
        return tensor

    return _each(value, change)


def _each(value, change: Callable[[Tensor], Tensor]):
    """A value with every tensor in it changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple | list):
        return _of_the_kind_of(value, [_each(part, change) for part in value])
    if isinstance(value, dict):
        return {key: _each(part, change) for key, part in value.items()}
    return value


def _turned_in_memory(tensor: Tensor) -> Tensor:
    """The same numbers; those of the last axis but one lie side by side, as after a `transpose`."""
    return tensor.mT.contiguous().mT if tensor.ndim > 1 else tensor


def _each_float(value, change: Callable[[Tensor], Tensor]):
    """A value with every tensor of floats in it changed."""
    return _each(value, lambda tensor: change(tensor) if tensor.is_floating_point() else tensor)


def _detached(value):
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, tuple | list):
        return _of_the_kind_of(value, map(_detached, value))
    return {key: _detached(part) for key, part in value.items()} if type(value) is dict else value


def _is_plain(value) -> bool:
    if isinstance(value, tuple | list | set):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return value is None or isinstance(value, Tensor | torch.Generator | torch.dtype | int | float | str | bytes)


def _sizes(value) -> set[int]:
    """The sizes of all axes of the tensors in a result."""
    return {size for tensor in _tensors(value) for size in tensor.shape}


def _tensors(value) -> list[Tensor]:
    if isinstance(value, dict):
        return _tensors(list(value.values()))
    if isinstance(value, tuple | list):
        return [tensor for part in value for tensor in _tensors(part)]
    return [value] if isinstance(value, Tensor) else []


def _is_float(value) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _is_tensor_and_finite(value) -> bool:
    return isinstance(value, Tensor) and _is_finite(value)


def _is_whole(tensor: Tensor) -> bool:
    """Are these counts? Then shares of them would be none."""
    return bool((tensor == tensor.round()).all())


def _is_distribution(tensor: Tensor) -> bool:
    """Are these probabilities that sum to 1? Then other numbers in their place would be none."""
    sums = tensor.sum(-1) if tensor.ndim else tensor
    return bool(tensor.numel() and (tensor >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-3))


def _is_sequence(value) -> bool:
    return isinstance(value, tuple | list)


def _is_number(value) -> bool:
    return isinstance(value, int | float) or (isinstance(value, Tensor) and not value.ndim)


def _is_finite(value) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_finite, value))
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return bool(torch.as_tensor(value).isfinite().all()) if isinstance(value, Tensor | int | float) else True


def _generators(value) -> list[torch.Generator]:
    if isinstance(value, tuple | list):
        return [found for part in value for found in _generators(part)]
    if isinstance(value, dict):
        return _generators(list(value.values()))
    return [value] if isinstance(value, torch.Generator) else []
