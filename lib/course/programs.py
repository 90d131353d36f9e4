"""Other programs: run with their steps on one line, handed the terminal, and their failures in one sentence.

    ROOT           the course's folder
    Stop           the end of a command, told in one sentence
    run_quietly    pip and venv: progress on one line; a failure becomes a Stop
    reason         why pip or venv has failed
    run, hand_over a module of the course's environment, with the terminal

Standard library only: it runs before anything is installed.
"""

import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = os.name == "nt"


class Stop(Exception):
    """The end, told in one sentence. `status` is the exit status."""

    def __init__(self, sentence: str, status: int = 1):
        super().__init__(sentence)
        self.status = status


def run_quietly(command: list[str], doing: str, first_step: str) -> None:
    """Run a program with its present step on one line. Raises Stop with the reason when it fails."""
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environ |= {"PYTHONIOENCODING": "utf-8", "PIP_USER": "0"}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               cwd=ROOT, env=environ)  # fmt: skip
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            lines.put(line.decode("utf-8", "replace").rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    progress, said = Progress(first_step), []
    try:
        while True:
            try:
                line = lines.get(timeout=1)
            except queue.Empty:
                progress.show()
                continue
            if line is None:
                break
            said.append(line)
            progress.show(step_of(line))
        status = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        progress.end()
    if status:
        raise Stop(reason("\n".join(said), doing))


class Progress:
    """The present step and its seconds: rewritten in place in a terminal; elsewhere the long steps, a line each."""

    def __init__(self, step: str):
        self.step, self.since, self.last = step, time.monotonic(), ""
        self.live = sys.stdout.isatty()
        self.show()

    def show(self, step: str = "") -> None:
        if step and step != self.step:
            self.step, self.since = step, time.monotonic()
        seconds = int(time.monotonic() - self.since)
        if self.live:
            text = f"  {self.step[:64]}" + (f"  {seconds} s" if seconds > 2 else "")
            print(f"\r{text:<78}", end="", flush=True)
        elif self.step != self.last and not self.step.startswith("looking up ") and " kB)" not in self.step:
            print(f"  {self.step}", flush=True)
            self.last = self.step

    def end(self) -> None:
        if self.live:
            print(f"\r{'':<78}\r", end="", flush=True)


def step_of(line: str) -> str:
    """One of pip's lines as a step that says something to a learner, or nothing."""
    words = line.split()
    if words[:1] == ["Collecting"] and len(words) > 1:
        return "looking up " + re.split(r"[=<>!~;\[]", words[1])[0]
    if words[:1] == ["Downloading"] and len(words) > 1:
        return f"downloading {words[1].split('/')[-1].split('-')[0]} {' '.join(words[2:4])}".rstrip()
    if line.startswith("WARNING: Retrying"):
        return "no answer from the network: trying again"
    if line.startswith("Installing collected packages"):
        count = line.count(",") + 1
        return f"installing {count} package{'s' if count > 1 else ''}"
    return ""


# What pip and venv print, and what it means.
DISK_FULL = r"No space left on device|not enough space on the disk|Errno 28"
NO_VENV = r"ensurepip is not available|No module named '?(venv|ensurepip)"
NO_NETWORK = (
    r"NewConnectionError|ConnectTimeout|ReadTimeout|MaxRetryError|ProxyError|SSLError|NameResolutionError|timed out|"
    r"connection broken|Connection aborted|Temporary failure in name resolution|getaddrinfo failed"
)
NOT_WRITABLE = r"Permission denied|Read-only file system|Access is denied"


def reason(output: str, doing: str) -> str:
    """Why pip or venv has failed, as one sentence for a learner."""
    nearly = (
        min(shutil.disk_usage(folder).free for folder in (ROOT, tempfile.gettempdir())) < 10e6
    )  # venv does not say why
    if nearly or re.search(DISK_FULL, output):
        return f"{doing} stopped: the disk is full ({ROOT} or {tempfile.gettempdir()})."
    if re.search(NO_VENV, output):
        return (
            "This Python cannot make environments: its venv or ensurepip is missing. "
            "On Debian and Ubuntu, `sudo apt install python3-venv` brings it."
        )
    if re.search(NO_NETWORK, output):
        return f"{doing} stopped: no network. Set-up needs one, to fetch the packages; the course itself does not."
    if re.search(NOT_WRITABLE, output):
        return f"{doing} stopped: a file cannot be written ({last_words(output)})."
    if missing := re.search(r"No matching distribution found for (\S+)", output):
        python = f"Python {sys.version_info.major}.{sys.version_info.minor} on this system ({sys.platform})"
        return f"pip finds no {missing[1]} for {python}: it is made for other Python versions, or there is no network."
    log = Path(tempfile.gettempdir()) / "course-setup.log"
    with contextlib.suppress(OSError):
        log.write_text(output, encoding="utf-8")
    return f"{doing} failed: {last_words(output)} (all of it: {log})"


def last_words(output: str) -> str:
    """The last error of an output, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it said nothing"]
    errors = [line for line in lines if re.match(r"ERROR|error|\w*Error\b", line)]
    return (errors or lines)[-1][:300]


def child_environ() -> dict[str, str]:
    """For kernels and tests: threads that wait do not spin, and `lib` is found from everywhere."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}


def run(python: Path, arguments: list[str]) -> int:
    """Run a module in the course's folder and return its status. Ctrl-C is the module's; afterwards it ends us too."""
    interrupted = []
    process = subprocess.Popen([python, "-m", *arguments], cwd=ROOT, env=child_environ())
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))
    try:
        status = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt
    return status


def hand_over(python: Path, arguments: list[str]) -> int:
    """End as a module's run. On POSIX this process becomes it, so nothing stays behind when it is killed."""
    sys.stdout.flush()
    if WINDOWS:
        return run(python, arguments)
    os.chdir(ROOT)
    return os.execve(python, [str(python), "-m", *arguments], child_environ())
