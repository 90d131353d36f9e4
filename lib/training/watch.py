"""A training in a terminal: what is shown and saved while it runs, and how it stops and goes on.

Watch       runs a Training to its end, or until it is interrupted; used by `python -m lib.training`
new_files   the files of a training, where nothing else may lie
check_size  refuses a model that no laptop has the memory for
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lib import checkpoints
from lib.terminal import OptionError, as_option
from lib.tokenizer import Tokenizer
from lib.training.loop import Training

SAVE_EVERY, SHOW_EVERY = 60.0, 5.0  # seconds
SAMPLES = 10  # times during a training
MOST_MEMORY = 8.0  # GB
SIZES = ("vocab", "n_positions", "d_model", "n_layers", "encoder_blocks", "decoder_blocks", "batch", "tokens")


class Watch:
    """Runs a training and tells of it: a line every few seconds, samples now and then, a checkpoint every minute.

    samples: makes texts to be shown    minutes: stop after so many of the processor; None: go on to the end
    agreed: whether time is up, where several processes stop together (`lib.training.parallel`)
    """

    def __init__(
        self,
        training: Training,
        path: Path,
        samples: Callable[[], list[str]],
        minutes: float | None,
        agreed: Callable[[bool], bool] = bool,
    ):
        self.training, self.path, self.samples, self.minutes = training, path, samples, minutes
        self.agreed = agreed
        self.first = 0  # step of this go
        self.seconds = 0.0  # of the processor, for the steps of this go, samples aside

    def resume(self) -> None:
        """Go on from what an earlier go has saved, if there was one."""
        try:
            if self.training.resume(self.path):
                self.first = self.training.step
                print(f"going on from step {self.first:,}", flush=True)
        except ValueError as error:
            raise ValueError(f"{error}; --out names another file, or delete this one") from None

    def to_the_end(self) -> bool:
        """Run the training from where it is; False if its minutes are over before its end. Saved in either case.

        Ctrl-C, and an output that cannot be written to, end it too; what was trained is saved before they go on.
        """
        training = self.training
        self.began = self.saved = self.shown = time.monotonic()
        self.counted = time.process_time()
        try:
            training.run(self)
        except TimeIsUp:
            training.save(self.path)
            print(self._goes_on())
            return False
        except KeyboardInterrupt:
            if training.broken_off:  # by a second Ctrl-C
                told = f"stopped within step {training.step + 1:,}: what was saved last counts"
                raise KeyboardInterrupt(told) from None
            training.save(self.path)
            raise KeyboardInterrupt(self._goes_on()) from None
        except OSError as error:
            if not training.broken_off:
                training.save(self.path)
            if isinstance(error, BrokenPipeError):
                raise OSError(f"nobody reads the output any more: {self._goes_on()}") from None
            raise
        except FloatingPointError as error:
            kept = f"{self.path} stays as it was saved last" if self.path.exists() else "nothing was saved yet"
            raise FloatingPointError(f"{error}; {kept}") from None
        if training.step > self.first:
            training.save(self.path)
        return True

    def _goes_on(self) -> str:
        step, steps = self.training.step, self.training.steps
        return f"stopped after step {step:,} of {steps:,}; the same command goes on from here"

    def __call__(self, step: int, loss: float) -> None:
        now, steps = time.monotonic(), self.training.steps
        self.seconds += time.process_time() - self.counted
        if now - self.shown > SHOW_EVERY:
            self.shown, recent = now, self.training.losses[-100:]
            left = (now - self.began) / (step - self.first) * (steps - step) / 60
            print(
                f"step {step:,} of {steps:,}  loss {sum(recent) / len(recent):.3f}  "
                f"{self.seconds / 60:.1f} processor minutes, about {left:.0f} min left",
                flush=True,
            )
        if step * SAMPLES // steps > (step - 1) * SAMPLES // steps:
            for sample in self.samples():
                print(f"    {sample}", flush=True)
        if now - self.saved > SAVE_EVERY:
            self.saved = now
            self.training.save(self.path)
        if self.minutes is not None and step < steps and self.agreed(self.seconds > 60 * self.minutes):
            raise TimeIsUp
        self.counted = time.process_time()


class TimeIsUp(Exception):
    """The processor minutes that were asked for are used up."""


def new_files(out: Path) -> tuple[Path, Path]:
    """Where the tokenizer and the half-done training of a model `out` go, beside it.

    Raises OptionError where another file lies in the way of model or tokenizer: it may be somebody's work. Raises
    OSError where nothing can be written: better now than after the training.
    """
    if not out.name or out.is_dir() or out.suffix == ".json":
        raise OptionError(f"--out {out}: the name of a file is needed, such as model.safetensors")
    tokenizer = out.with_suffix(".json")
    for path, read, what in ((out, checkpoints.is_ours, "model"), (tokenizer, Tokenizer.load, "tokenizer")):
        try:
            ours = not path.exists() or read(path)
        except (OSError, ValueError):
            ours = False
        if not ours:
            raise OptionError(f"--out {out}: {path} is there already, and is no {what} of the course's")
    training = out.with_suffix(".training.safetensors")
    if not training.exists():
        checkpoints.write_whole(training, b"")
        training.unlink()
    return tokenizer, training


def check_size(parameters: int, activations: int, chosen: dict[str, Any]) -> None:
    """Raises OptionError when a training would take too much memory.

    parameters: kept four times, with gradients and two moments    activations: numbers kept for the gradients
    chosen: the recipe's options, by name
    """
    memory = 4 * (4 * parameters + activations) / 1e9
    if memory > MOST_MEMORY:
        sizes = ", ".join(f"{as_option(name)} {chosen[name]}" for name in SIZES if name in chosen)
        raise OptionError(f"{sizes}: that takes about {memory:,.0f} GB of memory, more than {MOST_MEMORY:.0f}")
