"""A training in a terminal: what is shown and saved while it runs, and how it stops and goes on.

Watch      runs a Training to its end, or until it is interrupted; used by `python -m lib.training`
"""

import time
from collections.abc import Callable
from pathlib import Path

from lib.training import Training

SAVE_EVERY, SHOW_EVERY = 60.0, 5.0  # seconds
SAMPLES = 10  # times during a training


class Watch:
    """Runs a training and tells of it: a line every few seconds, samples now and then, a checkpoint every minute.

    samples: makes texts to be shown    minutes: stop after so many of the processor; None: go on to the end
    """

    def __init__(self, training: Training, path: Path, samples: Callable[[], list[str]], minutes: float | None):
        self.training, self.path, self.samples, self.minutes = training, path, samples, minutes
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
        """Run the training from where it is; False if it was stopped before its end. Saved in either case."""
        training = self.training
        self.began = self.saved = self.shown = time.monotonic()
        self.counted = time.process_time()
        try:
            training.run(self)
        except (TimeIsUp, KeyboardInterrupt):
            training.save(self.path)
            print(f"stopped after step {training.step:,} of {training.steps:,}; the same command goes on from here")
            return False
        if training.step > self.first:
            training.save(self.path)
        return True

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
        if self.minutes is not None and self.seconds > 60 * self.minutes and step < steps:
            raise TimeIsUp
        self.counted = time.process_time()


class TimeIsUp(Exception):
    """The processor minutes that were asked for are used up."""
