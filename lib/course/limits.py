"""When another process has worked for too long: by what it has computed, so that a busy machine blames nobody."""

import time

import psutil

PATIENCE = 5  # limits that it may last when it could not compute for one of them


class Limit:
    """Counts from now on. `overloaded`: the time is over, though the process did not get to compute."""

    def __init__(self, pid: int, seconds: float):
        self.pid, self.seconds = pid, seconds
        self.start, self.used = time.monotonic(), computed(pid)
        self.overloaded = False

    def passed(self) -> str:
        """A sentence when the limit is over, else nothing."""
        lasted, used = time.monotonic() - self.start, computed(self.pid) - self.used
        if lasted < self.seconds:
            return ""
        if used >= self.seconds:
            return f"still running after {self.seconds:g} s: an endless loop?"
        waits = used < self.seconds / 100
        self.overloaded = not waits and lasted > PATIENCE * self.seconds
        said = f"not finished after {lasted:.0f} s, of which it computed for {used:.1f} s."
        return f"{said} Does it wait for something?" if waits else said if self.overloaded else ""


def computed(pid: int) -> float:
    """Seconds of processor time of a process since it began."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
