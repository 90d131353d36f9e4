"""The terminal: what all commands of the course's library share, so that each of them ends in one clear sentence.

    Options          a parser of options that says in one line what is wrong
    whole, number    kinds of options: numbers from one bound to another
    as_option        the name of an option
    OptionError      options that can be read, but make no sense
    importing        Ctrl-C while modules are imported
    run              a command to its exit status; what goes wrong becomes one sentence on standard error
    program          the same for the whole process

Exit status: 0, 1 for an error, 2 for options, 130 after Ctrl-C. Used by `python -m lib.training`, `lib.decoding` and
`lib.downloads`; the standard library only, so that a command answers before PyTorch is imported.
"""

import argparse
import errno
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

Kind = Callable[[str], float]

LONGEST = 60  # characters of what was typed are repeated
LONGEST_SENTENCE = 1_000
MOST_THREADS = 256  # PyTorch ends the process where it cannot start so many


class OptionError(ValueError):
    """Options that can be read, but make no sense: the command ends with 2."""


class Options(argparse.ArgumentParser):
    """Says what is wrong with an option, and not the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        say(self.prog, f"{message.removeprefix('argument ')} (--help lists the options)")
        self.exit(2)


def whole(least: int, most: int) -> Kind:
    """A kind of option for `add_argument(type=...)`: a whole number from `least` to `most`."""
    return _between(int, least, most, f"a whole number from {least:,} to {most:,}")


def number(least: float, most: float) -> Kind:
    """A kind of option for `add_argument(type=...)`: a number from `least` to `most`; NaN is none."""
    return _between(float, least, most, f"a number from {least:,g} to {most:,g}")


def _between(read: Callable[[str], float], least: float, most: float, wanted: str) -> Kind:
    def kind(text: str) -> float:
        try:
            found = read(text)
        except ValueError:
            found = math.nan
        if not least <= found <= most:  # subtle: false for NaN, whichever way round
            raise argparse.ArgumentTypeError(f"{shortened(text)} is not {wanted}")
        return found

    return kind


THREADS = whole(1, MOST_THREADS)
SEED = whole(0, 2**63 - 1)


def as_option(name: str) -> str:
    """A field's name as it is written in the terminal: n_heads to --heads."""
    return "--" + name.removeprefix("n_").replace("_", "-")


def shortened(text: str) -> str:
    """What was typed, cut if it is long, without line ends."""
    text = " ".join(text.split()) or "''"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def say(program: str, sentence: str) -> None:
    """One line on standard error, if there is one."""
    if sys.stderr is not None:
        try:
            print(f"{program}: {' '.join(sentence.split()):.{LONGEST_SENTENCE}}", file=sys.stderr, flush=True)
        except OSError:  # a full disk, or nobody who reads
            _let_go(sys.stderr)


@contextmanager
def importing() -> Iterator[None]:
    """Ctrl-C within ends the process at once, with 130: half an import of PyTorch cannot be caught and told of.

    Nothing is changed in other threads, or where somebody else listens to Ctrl-C.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or usual is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end_at_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _end_at_once(*_) -> None:
    os.write(2, b"stopped\n")
    os._exit(130)


def run(program: str, work: Callable[[], int | None]) -> int:
    """Do the work of a command and return its exit status. Errors that users can make become one sentence.

    Texts are UTF-8 whatever the console or the file behind it prefers. A reader that has enough, such as `head`, is
    no error. Other exceptions are mistakes of the course's and pass with their traceback.
    """
    if sys.stdout is None:
        say(program, "standard output is closed: there is nowhere to write")
        return 1
    for channel in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(channel, "reconfigure"):
            channel.reconfigure(encoding="utf-8", errors="replace")
    try:
        status = _status(work)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt as stop:
        say(program, str(stop) or "stopped")
        return 130
    except OptionError as error:
        say(program, f"{error} (--help lists the options)")
        return 2
    except MemoryError:
        say(program, "there is not enough memory")
    except ModuleNotFoundError as error:
        say(program, f"{sys.executable} has no {error.name}: `python3 course.py lab` sets the course up, in .venv")
    except OSError as error:
        say(program, _of_the_system(error))
    except (ValueError, FloatingPointError) as error:
        say(program, str(error))
    except RuntimeError as error:  # PyTorch's, for want of better ones
        no_memory = "memory" in str(error) and "alloc" in str(error)
        say(program, "there is not enough memory" if no_memory else str(error))
    finally:
        for channel in (sys.stdout, sys.stderr):
            _let_go(channel)
    return 1


def _status(work: Callable[[], int | None]) -> int:
    try:
        return work() or 0
    except SystemExit as ended:  # argparse's, after --help or an error
        return ended.code or 0


def _of_the_system(error: OSError) -> str:
    if error.errno is None or error.strerror is None:
        return str(error)
    what = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
    return what if error.filename is None else f"{what}: {error.filename}"


def _let_go(channel) -> None:
    """What cannot be written any more is given up, lest Python complain of it at the end."""
    try:
        channel.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), channel.fileno())
    except (AttributeError, ValueError):  # there is none, or it is closed
        pass


def program(main: Callable[[list[str]], int]) -> NoReturn:
    """Run a command as a program: `main` with the words of the command line, then the end."""
    status = main(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is done; Ctrl-C would only break into the tidying up
    sys.exit(status)
