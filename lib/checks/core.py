"""How an exercise is judged: the same small experiments are run on the learner's code and on the course's.

    Exercise     the course's answer, the probes that try an answer, and the mistakes people make
    Verdict      passed, wrong or unwritten, with the sentence for the learner
    raises, fill, parameters     what probes need again and again

A *probe* is a function `(answer, rng) -> result`. It is run with the learner's answer and with the course's; different
results mean a wrong answer. A *mistake* is a wrong implementation with a sentence. It explains a wrong answer when it
gives the learner's results. So the same code finds the mistake for the learner and is a wrong answer for the tests.

    rnn_step = Exercise(recurrent.rnn_step)

    @rnn_step.probe("one step from zero")
    def _(answer, rng):
        return answer(torch.randn(3, 5, generator=rng), torch.zeros(3, 7), ...)

    @rnn_step.mistake("the state before is not used: add hidden @ w_hidden.")
    def forgets(x, hidden, ...):
        ...
"""

import contextlib
import copy
import io
import linecache
import random
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from lib.checks.differences import difference, kind_of


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer. `kind` names the mistake, or how the answer failed (shape, dtype, raised ...)."""

    status: str  # "passed", "wrong" or "unwritten"
    message: str = ""
    kind: str = ""
    probe: str = ""  # the label of the probe that showed it


@dataclass(frozen=True)
class Mistake:
    name: str
    sentence: str
    answer: Callable


@dataclass(frozen=True)
class Outcome:
    """What a probe gave: a result, or the exception that the answer raised."""

    result: object = None
    error: BaseException | None = None
    printed: str = ""


class Problem(Exception):
    """A finding about the learner's answer that does not need a comparison, such as a changed input."""

    def __init__(self, kind: str, sentence: str):
        super().__init__(sentence)
        self.kind, self.sentence = kind, sentence


@dataclass
class Exercise:
    """One exercise. `reference` is the course's answer; `returns` names the parts of a returned tuple."""

    reference: Callable
    returns: Sequence[str] = ()
    probes: list[tuple[str, Callable]] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.reference.__name__

    def probe(self, label: str) -> Callable:
        """Add a probe: `(answer, rng) -> result`. The label finishes the sentence "tried with ..."."""

        def add(scenario: Callable) -> Callable:
            self.probes.append((label, scenario))
            return scenario

        return add

    def mistake(self, sentence: str) -> Callable:
        """Add a wrong implementation, and the sentence for a learner whose results are the same."""

        def add(answer: Callable) -> Callable:
            self.mistakes.append(Mistake(answer.__name__, sentence, answer))
            return answer

        return add

    def judge(self, answer: object, seed: int = 0, explain: bool = True) -> Verdict:
        """Run every probe until one finds a difference from the course's answer; then look for the mistake behind."""
        if not callable(answer):
            return Verdict("wrong", f"`{self.name}` is {kind_of(answer)}, not something that can be called.", "type")
        if isinstance(self.reference, type) and not isinstance(answer, type):
            return Verdict("wrong", f"`{self.name}` is {kind_of(answer)}; a class is asked for.", "type")
        with untouched_globals():
            for number, (label, scenario) in enumerate(self.probes):
                mine = run(scenario, answer, seed + number)
                if isinstance(mine.error, NotImplementedError) and not str(mine.error):
                    return Verdict("unwritten")
                expected = run(scenario, self.reference, seed + number)
                if expected.error is not None:
                    raise RuntimeError(f"the course's {self.name} fails its own probe '{label}'") from expected.error
                if found := self._difference(mine, expected, answer):
                    kind, sentence = found
                    if not explain:
                        return Verdict("wrong", sentence, kind, label)
                    return self._explain(kind, sentence, label, mine, seed, number)
        return Verdict("passed")

    def _difference(self, mine: Outcome, expected: Outcome, answer: object) -> tuple[str, str] | None:
        if isinstance(mine.error, Problem):
            return mine.error.kind, mine.error.sentence
        if mine.error is not None:
            return "raised", f"your code raised {describe_error(mine.error, answer)}"
        names = self.returns if isinstance(expected.result, tuple) else ()
        return difference(mine.result, expected.result, "the result", names)

    def _explain(self, kind: str, sentence: str, label: str, mine: Outcome, seed: int, number: int) -> Verdict:
        message = f"{sentence}\n  (tried with {label})"
        matches = [m for m in self.mistakes if self._behaves_like(m, mine, seed, number)]
        if matches:
            message = f"{matches[0].sentence}\n  {label}: {sentence}"
            kind = matches[0].name
        if mine.printed:
            message += "\n  your code printed: " + mine.printed.strip()[-400:].replace("\n", "\n  ")
        return Verdict("wrong", message, kind, label)

    def _behaves_like(self, mistake: Mistake, mine: Outcome, seed: int, number: int) -> bool:
        theirs = run(self.probes[number][1], mistake.answer, seed + number)
        if theirs.error is not None or mine.error is not None:
            return type(theirs.error) is type(mine.error) and str(theirs.error) == str(mine.error)
        return difference(mine.result, theirs.result, "", ()) is None


# ---------------------------------------------------------------------------------------------- running an answer


def run(scenario: Callable, answer: Callable, seed: int) -> Outcome:
    """Run one probe. What the answer prints is kept back; what it raises is caught, save an interrupt."""
    printed = io.StringIO()
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    try:
        with contextlib.redirect_stdout(printed):
            result = scenario(_guarded(answer), torch.Generator().manual_seed(seed))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: an answer must not end the notebook
        return Outcome(error=error, printed=printed.getvalue())
    return Outcome(result, printed=printed.getvalue())


@contextlib.contextmanager
def untouched_globals():
    """What the learner set globally (default dtype, gradients off, seeds) neither matters to a probe nor is changed."""
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the probes are tiny: threads would wait for each other
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


def _guarded(answer: Callable) -> Callable:
    """The answer, called on copies of its arguments; a Problem when it changes them. So is a module's forward."""

    def call(*arguments, **named):
        copies = _copy(arguments), _copy(named)
        result = answer(*copies[0], **copies[1])
        _complain_if_changed((arguments, named), copies)
        if isinstance(answer, type) and isinstance(result, nn.Module):
            _guard_forward(result)
        return result

    return call


def _guard_forward(module: nn.Module) -> None:
    forward = module.forward

    def guarded(*arguments, **named):
        copies = _copy(arguments), _copy(named)
        result = forward(*copies[0], **copies[1])
        _complain_if_changed((arguments, named), copies)
        return result

    module.forward = guarded


def _copy(value):
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, tuple | list):
        return type(value)(_copy(part) for part in value)
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    return copy.copy(value) if isinstance(value, set) else value


def _complain_if_changed(before, after) -> None:
    if _changed(before, after):
        raise Problem(
            "changes its input",
            "your code changes what it was given (an operator such as `+=`, `[...] =`, or a method ending in `_`). "
            "The caller still needs it: make a new one.",
        )


def _changed(before, after) -> bool:
    if isinstance(before, Tensor):
        return before.shape != after.shape or not torch.equal(before.nan_to_num(), after.nan_to_num())
    if isinstance(before, tuple | list):
        return len(before) != len(after) or any(map(_changed, before, after))
    if isinstance(before, dict):
        return before.keys() != after.keys() or any(_changed(before[key], after[key]) for key in before)
    if isinstance(before, float):
        return not (before == after or before != before)  # NaN stays NaN
    return isinstance(before, set | int | str) and before != after


def describe_error(error: BaseException, answer: object = None) -> str:
    """`ValueError: ... (line 3 of your cell: scores = q @ k)`, the line being the innermost of the learner's own."""
    text = f"{type(error).__name__}: {str(error).strip() or 'no message'}"
    text = text if len(text) < 300 else text[:297] + "..."
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "ipykernel" in frame.filename or frame.filename == _file_of(answer):
            line = (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
            return f"{text}\n  in line {frame.lineno} of your cell: {line}"
    return text


def _file_of(answer: object) -> str:
    function = next((part for part in vars(answer).values() if hasattr(part, "__code__")), None) if isinstance(
        answer, type
    ) else answer  # fmt: skip
    return function.__code__.co_filename if hasattr(function, "__code__") else ""


# ------------------------------------------------------------------------------------------------- helpers of probes


def raises(kind: type[BaseException], answer: Callable, *arguments) -> str:
    """For a probe on bad input: "raises ValueError" or what happened instead."""
    try:
        answer(*arguments)
    except kind:
        return f"raises {kind.__name__}"
    except NotImplementedError as error:
        if not str(error):
            raise
        return "raises NotImplementedError"
    except Exception as error:
        return f"raises {type(error).__name__}"
    return "goes on without an error"


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


def gradients(result: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
    """The gradient of a weighted sum of `result` for each named input, zero where none flows."""
    if not isinstance(result, Tensor) or not result.requires_grad:
        raise Problem(
            "no gradient", "no gradient flows through your result (`.detach()`, `.item()`, NumPy or `no_grad`?)."
        )
    weights = torch.linspace(-1, 1, result.numel()).view(result.shape)
    found = torch.autograd.grad((result * weights).sum(), list(inputs.values()), allow_unused=True)
    return {
        f"the gradient for {name}": torch.zeros_like(inputs[name]) if g is None else g
        for name, g in zip(inputs, found, strict=True)
    }
