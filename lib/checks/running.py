"""Running a learner's code safely: on copies of its arguments, with standard settings, within a time.

run                what one probe gives: an Outcome
guarded            the answer, called on copies of its arguments
standard_globals   settings and seeds that neither matter to a probe nor are changed by it
within             ends a block by StillRunning after so many seconds of processor time
describe_error     the learner's own exception, with the line of their cell
"""

import _thread
import contextlib
import functools
import io
import linecache
import random
import signal
import sys
import threading
import time
import traceback
import types
import warnings
from collections.abc import Callable, Collection

import numpy as np
import torch
from torch import Tensor, nn

from lib.checks.variations import Outcome, copied, vary_call, with_gradient

WAITING = 6  # how many times the limit a block may take that computes nothing


class Problem(Exception):
    """A finding about the learner's answer that does not need a comparison, such as a changed input."""

    def __init__(self, kind: str, sentence: str):
        super().__init__(sentence)
        self.kind, self.sentence = kind, sentence


class StillRunning(Exception):
    """The time is over."""


def run(
    scenario: Callable,
    answer: Callable,
    seed: int,
    vary: bool = False,
    wanted: Collection[tuple] = (),
    forget: bool = False,
) -> Outcome:
    """Run one probe. What the answer prints is kept back; what it raises is caught, save an interrupt.

    vary: make each call again with small changes, and compare the gradients of the arguments that are `wanted`
    forget: take from modules what a call has put on `self`
    """
    printed, variations, given = io.StringIO(), [], set()
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.default_generator.manual_seed(seed), np.random.seed(seed % 2**32), random.seed(seed)
    error = result = None

    def called(method: str, function: Callable, arguments: tuple, named: dict, result: object) -> None:
        given.update((method, way) for way in with_gradient((arguments, named)))
        if vary:
            ways = [way for of, way in wanted if of == method]
            variations.extend(vary_call(function, arguments, named, result, ways))

    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            result = scenario(guarded(answer, called, forget), torch.Generator().manual_seed(seed))
    except KeyboardInterrupt:
        raise
    except BaseException as raised:  # SystemExit too: an answer must not end the notebook
        error = raised
    return Outcome(result, error, printed.getvalue(), variations, given)


# ------------------------------------------------------------------------------------------------ copies of arguments


def guarded(answer: Callable, called: Callable, forget: bool = False) -> Callable:
    """The answer, called on copies of its arguments; a Problem when it changes them. So are a module's methods.

    called: hears of each call, with the name of the method ("" for a function), the arguments and the result
    """
    inside = []  # a method may call another one: only the outer call is heard of

    def on_copies(function: Callable, method: str | None = "") -> Callable:
        @functools.wraps(function)
        def call(*arguments, **named):
            mine, theirs = copied((arguments, named))
            modes = _modes((mine, theirs))
            inside.append(True)
            try:
                result = function(*mine, **theirs)
                if _changed((arguments, named), (mine, theirs)):
                    raise Problem(
                        "changes its input",
                        "your code changes what it was given (an operator such as `+=`, `[...] =`, or a method ending "
                        "in `_`). The caller still needs it: make a new one.",
                    )
                if _modes((mine, theirs)) != modes:
                    raise Problem(
                        "leaves another mode",
                        "your code changes a mode of what it was given (`.train()` or `.eval()` of a model, "
                        "`requires_grad_` of a tensor) and leaves it so. The caller still needs it as it was.",
                    )
                if method is not None and len(inside) == 1:
                    called(method, function, arguments, named, result)
            finally:
                inside.pop()
            return result

        return call

    if not isinstance(answer, type):
        return on_copies(answer)

    def make(*arguments, **named):
        made = on_copies(answer, method=None)(*arguments, **named)
        if isinstance(made, nn.Module):
            for name in set(dir(answer)) - set(dir(nn.Module)) | {"forward"}:
                if isinstance(getattr(answer, name), types.FunctionType) and not name.startswith("_"):
                    method = _forgetful(made, getattr(made, name)) if forget else getattr(made, name)
                    object.__setattr__(made, name, on_copies(method, name))
        return made

    return make


def _forgetful(module: nn.Module, method: Callable) -> Callable:
    """The method; whatever it puts on `self` is gone when it ends."""

    @functools.wraps(method)
    def call(*arguments, **named):
        places = vars(module), module._buffers
        before = [dict(place) for place in places]
        try:
            return method(*arguments, **named)
        finally:
            for place, content in zip(places, before, strict=True):
                place.clear(), place.update(content)

    return call


def _modes(value) -> list[bool]:
    """Whether tensors want gradients and modules are in training, in order."""
    if isinstance(value, Tensor):
        return [value.requires_grad]
    if isinstance(value, nn.Module):
        return [module.training for module in value.modules()]
    if isinstance(value, dict):
        return _modes(list(value.values()))
    return [mode for part in value for mode in _modes(part)] if isinstance(value, tuple | list) else []


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


# --------------------------------------------------------------------------------------------------- settings, time

SETTINGS = [  # how to read it, how to set it, and the value that the probes are run with
    (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    (torch.is_grad_enabled, torch.set_grad_enabled, True),
    (torch.get_num_threads, torch.set_num_threads, 1),  # the probes are tiny: threads would wait for each other
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, False),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms, False),
    (torch.get_rng_state, torch.set_rng_state, None),
    (np.random.get_state, np.random.set_state, None),
    (random.getstate, random.setstate, None),
    (np.geterr, lambda value: np.seterr(**value), None),
    (sys.getrecursionlimit, sys.setrecursionlimit, None),
]


@contextlib.contextmanager
def standard_globals():
    """What the learner set globally (default dtype, device, seeds ...) neither matters to a probe nor is changed."""
    before = [read() for read, _, _ in SETTINGS]
    device = torch.get_default_device()
    try:
        with warnings.catch_warnings(), torch.inference_mode(False):
            warnings.simplefilter("ignore")
            if device.type != "cpu":
                torch.set_default_device(None)
            for value, (_, change, standard) in zip(before, SETTINGS, strict=True):
                if standard is not None and value != standard:  # some take seconds to set
                    change(standard)
            yield
    finally:
        for value, (read, change, standard) in zip(before, SETTINGS, strict=True):
            if standard is None or read() != value:
                change(value)
        if device.type != "cpu":
            torch.set_default_device(device)


class _Over(KeyboardInterrupt):
    """An interrupt by the limit that watches over `frame`, which runs through answers as one by the user does."""

    def __init__(self, frame):
        super().__init__()
        self.frame = frame


def within(seconds: float, block: Callable):
    """What block() returns; StillRunning after so many seconds of its processor time, or six times as many in all.

    Limits may nest. An interrupt by the user stays a KeyboardInterrupt, and none of a limit comes after its block.
    Elsewhere than in the main thread, or where it hears no interrupts, there is no limit.
    """
    if threading.current_thread() is not threading.main_thread() or not callable(signal.getsignal(signal.SIGINT)):
        return block()
    own, usual = sys._getframe(), signal.getsignal(signal.SIGINT)
    over = ended = False

    def heard(number, frame):
        if not over:
            usual(number, frame)
        elif not ended and frame is not own:  # else the block has just ended: too late to stop it
            raise _Over(own)

    def watch():
        nonlocal over
        while not done.wait(0.1):
            if clock() > end or time.monotonic() > last:
                over = True
                _thread.interrupt_main()  # again and again: the block may catch one

    clock = _processor_clock()
    end, last = clock() + seconds, time.monotonic() + WAITING * seconds
    done, watcher = threading.Event(), threading.Thread(target=watch, daemon=True)
    signal.signal(signal.SIGINT, heard)
    watcher.start()
    try:
        return block()
    except _Over as stop:
        ended = True
        if stop.frame is not own:
            raise
        raise StillRunning(f"still running after {seconds:g} s: an endless loop?{own_line(stop)}") from None
    finally:
        ended = True
        done.set()
        watcher.join()
        time.sleep(0)  # an interrupt of the last moment is heard here, before `usual` is back
        signal.signal(signal.SIGINT, usual)


def _processor_clock() -> Callable[[], float]:
    """The processor time of the main thread where the system can tell it, else of the process."""
    if hasattr(time, "pthread_getcpuclockid"):
        which = time.pthread_getcpuclockid(threading.main_thread().ident)
        return lambda: time.clock_gettime(which)
    return time.process_time


# ------------------------------------------------------------------------------------------------------ what failed


def describe_error(error: BaseException, answer: object = None) -> str:
    """`ValueError: ... (line 3 of your cell: scores = q @ k)`, the line being the innermost of the learner's own."""
    text = f"{type(error).__name__}: {str(error).strip() or 'no message'}"
    text = text if len(text) < 300 else text[:297] + "..."
    return text + own_line(error, answer)


def own_line(error: BaseException, answer: object = None) -> str:
    """The innermost line of the learner's own code in an exception's traceback, or nothing."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "ipykernel" in frame.filename or frame.filename == _file_of(answer):
            line = (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
            return f"\n  in line {frame.lineno} of your cell: {line}"
    return ""


def _file_of(answer: object) -> str:
    if isinstance(answer, type):
        answer = next((part for part in vars(answer).values() if hasattr(part, "__code__")), None)
    return answer.__code__.co_filename if hasattr(answer, "__code__") else ""
