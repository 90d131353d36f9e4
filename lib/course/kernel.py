"""The Python that a notebook is graded in, on nbval's classes.

    Kernel          ends a cell by what it has computed, notices its own end at once, and tells verdicts
    KernelNotebook  a notebook with such a kernel
    KernelDied      Python itself has ended

nbval waits 2,000 s for a kernel that has died and 5 s for the outputs of one that is well, by the clock on the wall.
Here a cell is stopped when it has *computed* for its limit: on a busy machine nobody is told of an endless loop that is
none.
"""

import json
import tempfile
from queue import Empty

from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel
from nbval.plugin import IPyNbFile

from lib.course.limits import Limit
from lib.course.verdict import ASK


class KernelDied(Exception):
    """Python itself ended: out of memory, or a crash below Python."""


class Kernel(RunningKernel):
    """nbval's kernel. `seconds` is the next cell's own limit, `stopped` says why the last cell was stopped."""

    seconds: float | None = None
    stopped = ""
    overloaded = False  # the last cell was stopped although it did not get to compute

    def await_reply(self, message: str, timeout: float | None = None) -> None:
        """Wait for the end of a cell. Raises Empty when it has to be stopped, and KernelDied."""
        limit = Limit(self.km.provisioner.pid, self.seconds or timeout)
        self.stopped, self.overloaded = "", False
        while True:
            try:
                return super().await_reply(message, timeout=0.5)
            except Empty:
                if not self.is_alive():
                    raise KernelDied from None
                self.stopped, self.overloaded = limit.passed(), limit.overloaded
                if self.stopped:
                    raise

    def verdict(self, name: str) -> dict | None:
        """What the last check of an exercise came to, and nothing from then on. Raises KernelDied."""
        asked = self.kc.execute("", silent=True, store_history=False, user_expressions={"it": ASK.format(name)},
                                allow_stdin=False, stop_on_error=False)  # fmt: skip
        for _ in range(60):
            try:
                reply = self.kc.get_shell_msg(timeout=1)
            except Empty:
                if not self.is_alive():
                    raise KernelDied from None
                continue
            if reply["parent_header"].get("msg_id") == asked:
                told = reply["content"].get("user_expressions", {}).get("it", {})
                return json.loads(told["evalue"]) if told.get("ename") == "Told" else None
        return None


class KernelNotebook(IPyNbFile):
    """A notebook in a kernel of the environment's Python, whatever the file names."""

    folder: str | None = None  # where its kernel runs; None for an empty folder of its own
    empty: tempfile.TemporaryDirectory | None = None

    def setup(self):
        """Start the kernel. Nothing that lies beside a learner's notebook can be imported there."""
        options = self.config.option
        self.empty = self.empty or tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        named = {
            "kernel_name": options.nbval_kernel_name or CURRENT_ENV_KERNEL_NAME,
            "cwd": self.folder or self.empty.name,
            "startup_timeout": options.nbval_kernel_startup_timeout,
        }
        try:
            self.kernel = Kernel(**named)
        except RuntimeError:  # two kernels picked the same port, or a machine too busy to start one
            self.kernel = Kernel(**named)
        self.setup_sanitize_files()
        self.timed_out = False

    def teardown(self):
        super().teardown()
        if self.empty:
            self.empty.cleanup()

    def get_kernel_message(self, timeout=None, stream="iopub"):
        """nbval gives an output 5 s. A living kernel that was not stopped gets a minute."""
        for _ in range(1 if self.kernel.stopped else 12):
            try:
                return super().get_kernel_message(timeout, stream)
            except Empty:
                if not self.kernel.is_alive():
                    raise KernelDied from None
        self.kernel.overloaded = not self.kernel.stopped
        raise Empty
