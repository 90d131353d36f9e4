"""What probes need again and again.

    normal         random numbers of a shape
    raises         for bad input: which error is raised
    refuses        the same, as a sentence where the right one is not raised, or does not name what is bad
    fill           random values for all parameters, the same ones in twins
    parameters     the names and shapes of a module's parameters
    plain          a float or an int that is no tensor
    gradients      what flows back to named inputs
    bare           a module that gets what is given itself, and no copies
    without_autograd   a block without autograd
    single_calls   probes that are one call each, as a table

None of this is for learners: it is for those who write probes.
"""

import contextlib
from collections.abc import Callable, Iterator
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from lib.checks.differences import kind_of
from lib.checks.running import Problem
from lib.checks.variations import weighted_gradients


def normal(*shape: int, rng: torch.Generator) -> Tensor:
    """Random numbers around 0, of variance 1."""
    return torch.randn(shape, generator=rng)


def raises(kind: type[BaseException], answer: Callable, *arguments) -> str:
    """For a probe on bad input: "raises ValueError" or what happened instead."""
    try:
        answer(*arguments)
    except kind:
        return f"raises {kind.__name__}"
    except Problem:  # a changed input, an endless loop: a finding of its own
        raise
    except NotImplementedError as error:
        if not str(error):
            raise
        return "raises NotImplementedError"
    except Exception as error:
        return f"raises {type(error).__name__}"
    return "goes on without an error"


def refuses(kind: type[BaseException], naming: str, answer: Callable, *arguments) -> str:
    """For a probe on bad input: a Problem unless this kind of error is raised, with `naming` in its message."""
    asked = f"a {kind.__name__}" + (f" that names {naming}" if naming else "") + " is asked for"
    try:
        answer(*arguments)
    except Exception as error:
        if isinstance(error, Problem) or (isinstance(error, NotImplementedError) and not str(error)):
            raise
        if not isinstance(error, kind):
            raise Problem("another error", f"your code raises {type(error).__name__}; {asked}.") from error
        if naming not in str(error):
            raise Problem("bare error", f"the {kind.__name__} says {str(error)!r}; {asked}.") from error
        return f"raises {kind.__name__}"
    raise Problem("no error", f"your code goes on without an error; {asked}.")


def fill(module: nn.Module, rng: torch.Generator, scale: float = 0.5) -> nn.Module:
    """Give every parameter random values that depend on its name's place only, so that twins get equal weights."""
    with torch.no_grad():
        for _, parameter in sorted(module.named_parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=rng) * scale)
    return module


def parameters(module: nn.Module) -> dict[str, Tensor]:
    """The parameters' names and shapes, as zeros: what a class exercise promises."""
    if not isinstance(module, nn.Module):
        raise Problem("type", f"the class should be an nn.Module, not {kind_of(module)}.")
    return {
        f"parameter `{name}`": torch.zeros_like(p, requires_grad=False) for name, p in sorted(module.named_parameters())
    }


def plain(number: object, kind: type = float) -> float | int:
    """The number, where the text says "a float" or "an int": a 0-d tensor is none. NumPy's floats are floats."""
    number = number.item() if isinstance(number, np.generic) else number
    if isinstance(number, bool) or not isinstance(number, kind | int):
        hint = "; `.item()` makes one" if isinstance(number, Tensor) else ""
        raise Problem("type", f"the result should be {kind_of(kind())}, not {kind_of(number)}{hint}.")
    return number


def gradients(result: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
    """The gradient of a weighted sum of `result` for each named input, zero where none flows."""
    if not isinstance(result, Tensor) or not result.requires_grad:
        raise Problem(
            "no gradient", "no gradient flows through your result (`.detach()`, `.item()`, NumPy or `no_grad`?)."
        )
    found = weighted_gradients([result], list(inputs.values()))
    return {f"the gradient for {name}": gradient for name, gradient in zip(inputs, found, strict=True)}


def bare(module: nn.Module) -> nn.Module:
    """The module without the guard, which copies what is given: found is who knows a tensor again by `is`."""
    for name in set(vars(module)) & set(dir(type(module))):
        if callable(vars(module)[name]):
            del vars(module)[name]
    return module


@contextlib.contextmanager
def without_autograd(sentence: str) -> Iterator[None]:
    """Within a `with` block there is no autograd; for whoever asks for it, the sentence."""

    def refuse(*arguments, **named):
        raise Problem("by autograd", sentence)

    # one door for grad, backward and torch.func; names imported earlier lead through it too
    with torch.inference_mode(), patch("torch.autograd._engine_run_backward", refuse):
        yield


def single_calls(exercise, table: dict[str, Callable]) -> None:
    """Probes that are one call each: the label, and the argument or arguments drawn from `rng`."""

    def add(label: str, drawn: Callable) -> None:
        @exercise.probe(label)
        def _(answer, rng):
            arguments = drawn(rng)
            return answer(*([arguments] if isinstance(arguments, Tensor) else arguments))

    for label, drawn in table.items():
        add(label, drawn)
