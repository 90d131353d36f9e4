"""Nonsense for the commands: `python -m tests.fuzz --tries 300 --seed 0`.

Each try draws a command, options and files, runs it in this process, and looks at how it ends. It may do its work or
refuse; it has failed when an exception passes, when it takes too long, when an error is not told in one sentence that
begins with the command, or when an option that makes no sense is accepted.
"""

import argparse
import contextlib
import copy
import gzip
import io
import json
import os
import pickle
import random
import signal
import sys
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import safetensors.torch
import torch

import lib.tokenizer
from lib import checkpoints, downloads
from lib.course import commands as course
from lib.decoding import __main__ as decoding
from lib.gpt import END
from lib.tokenizer import train_tokenizer
from lib.training import __main__ as training

LIMIT = 30  # seconds that a try may take
SCRIPTS = {
    "English": "the cat sat on a mat and ran \n",
    "Chinese": "猫坐在垫子上然后开心地睡着了",
    "Thai": "แมวนั่งบนเสื่อแล้วก็หลับไป",
    "DNA": "ACGT",
    "emoji": "😀🐈🎉👩‍👩‍👧",
    "Arabic": "القطة تجلس على السجادة ",
    "signs": "\t\u0301\u200d\ufeff\x01 \r\n",
    "one": "a",
}
NEVER = ["nan", "-1", "inf", "-inf", "x", "", "1e400", "9" * 5000, "²", "1 2", "\n"]  # no option takes these
GPT = ["--vocab", "290", "--positions", "16", "--d-model", "8", "--heads", "2", "--layers", "1", "--batch", "3"]
TRANSLATE = ["--vocab", "300", "--d-model", "8", "--heads", "2", "--encoder-blocks", "1", "--decoder-blocks", "1"]
TRANSLATE += ["--tokens", "60", "--beams", "1"]
NONSENSE = {
    "gpt": {
        "vocab": ["0", "256", "10000000"],
        "positions": ["0", "1", "100000", "10000000"],
        "d-model": ["0", "7", "1000000"],
        "heads": ["0", "3", "100000"],
        "layers": ["0", "10000000"],
        "batch": ["0", "10000000"],
        "steps": ["0", "1.5"],
        "peak": ["0", "1e30"],
        "seed": [str(2**63), "1.5"],
        "minutes": ["1e30"],
    },
    "translate": {
        "vocab": ["0", "256", "10000000"],
        "d-model": ["0", "1", "7", "1000000"],
        "heads": ["0", "3", "100000"],
        "encoder-blocks": ["0", "10000000"],
        "decoder-blocks": ["0", "10000000"],
        "dropout": ["1", "1.5"],
        "smoothing": ["1.5", "1e30"],
        "tokens": ["0", "1000000000"],
        "steps": ["0", "1.5"],
        "peak": ["0", "1e30"],
        "warmup": ["1.5"],
        "seed": [str(2**63)],
        "minutes": ["1e30"],
        "threads": ["0", "100000"],
        "beams": ["0", "100000"],
        "target": ["xx"],
    },
    "decoding": {
        "length": ["0"],
        "seed": [str(2**63)],
        "temperature": ["0", "1e-320"],
        "top-k": ["0", "1.5"],
        "top-p": ["0", "1.1"],
        "min-p": ["0", "1.1"],
        "repetition-penalty": ["0"],
        "threads": ["0", "100000"],
        "overflow": ["slide"],
    },
}
VALUES = [None, [], {}, "x", "", 0, -1, 1, 3, 10**7, 10**30, 1.5, True, float("nan"), "a" * 10_000, [[1]], {"a": {}}]
HEADERS = [
    "[]", "null", '"x"', "7", "", "{", "{}", "[" * 100_000, '{"settings": []}', '{"settings": null}',
    '{"settings": {}, "same_as": []}', '{"settings": {}, "same_as": {"a": "b", "b": "a"}}',
    '{"settings": {}, "same_as": {"a": "a"}}', '{"settings": {}, "same_as": {"a": ["b"]}}', '{"same_as": null}',
]  # fmt: skip


class Hang(BaseException):
    """A try took too long."""


class Files:
    """Good files to begin with, and what becomes of them."""

    def __init__(self, folder: Path, rng: random.Random):
        self.folder, self.rng, self.count = folder, rng, 0
        words = SCRIPTS["English"].split()
        self.text = "\n".join(" ".join(rng.choices(words, k=9)) for _ in range(100))
        pairs = [" ".join(rng.choices(words, k=rng.randrange(1, 6))) for _ in range(60)]
        self.diary, self.pairs = folder / "diary.txt", folder / "pairs.tsv"
        self.diary.write_text(self.text)
        self.pairs.write_text("\n".join(f"{pair}\t{pair.upper()}" for pair in pairs))
        for name, words in (("gpt", self.gpt()), ("translate", self.translate())):
            for more, steps in (([], "2"), (["--minutes", "0"], "9")):
                out = str(folder / f"good_{name}_{steps}.safetensors")
                status, errors = attempt(training.main, [*words, "--out", out, "--steps", steps, *more])
                assert status == 0, errors

    def gpt(self) -> list[str]:
        return ["gpt", "--corpus", str(self.diary), *GPT]

    def translate(self) -> list[str]:
        return ["translate", "--corpus", str(self.pairs), *TRANSLATE]

    def new(self, name: str = "") -> Path:
        """A name that no file has, in a folder of its own."""
        self.count += 1
        path = self.folder / str(self.count) / (name or "file")
        path.parent.mkdir()
        return path

    def damaged(self, good: Path, name: str = "") -> Path:
        """A copy of a good file that is empty, cut, changed, something else, or not there."""
        path, content, rng = self.new(name or good.name), good.read_bytes(), self.rng
        kind = rng.choice(["empty", "cut", "bits", "other", "folder", "missing", "good", "grown", "device"])
        if kind == "folder":
            path.mkdir()
        elif kind == "device" and os.path.exists("/dev/zero"):
            path.symlink_to("/dev/zero")
        elif kind != "missing":
            changed = bytearray(content)
            for _ in range(rng.randrange(1, 20)):
                changed[rng.randrange(min(len(changed), rng.choice([8, 500, 10**9])))] = rng.randrange(256)
            other = [
                b"\0" * 500,
                pickle.dumps({"w": 1}),
                gzip.compress(content),
                b"[]",
                b"null",
                b"\xff\xfe",
                b"\n" * 9,
            ]
            path.write_bytes(
                {
                    "empty": b"",
                    "cut": content[: rng.randrange(len(content))],
                    "bits": bytes(changed),
                    "other": rng.choice([*other, self.text.encode("utf-16"), self.text.encode("latin-1")]),
                    "grown": content + content,
                }.get(kind, content)
            )
        return path

    def hostile(self, good: Path) -> Path:
        """A copy of a checkpoint whose settings or tensors are not those that belong there."""
        rng, path = self.rng, self.new(good.name)
        tensors, settings = checkpoints.load(good)
        tensors = {name: tensor.clone() for name, tensor in tensors.items()}
        kind = rng.choice(["header", "settings", "settings", "tensors", "tensors"])
        if kind == "header":
            header = rng.choice(HEADERS)
            path.write_bytes(safetensors.torch.save(tensors, {checkpoints.KEY: header}))
            return path
        if kind == "settings":
            change_a_leaf(settings, rng)
        else:
            change_a_tensor(tensors, rng)
        path.write_bytes(
            safetensors.torch.save(tensors, {checkpoints.KEY: json.dumps({"settings": settings, "same_as": {}})})
        )
        return path

    def beside(self, model: Path, good: Path) -> None:
        """The tokenizer of `good` beside a model, or what has become of it."""
        beside, rng = model.with_suffix(".json"), self.rng
        content = good.with_suffix(".json").read_text(encoding="utf-8")
        kind = rng.choice(["good"] * 6 + ["missing", "cut", "leaf", "leaf", "header"])
        if kind == "leaf":
            found = json.loads(content)
            change_a_leaf(found, rng)
            content = json.dumps(found)
        elif kind == "cut":
            content = content[: rng.randrange(len(content))]
        elif kind == "header":
            content = rng.choice(HEADERS)
        if kind != "missing":
            beside.write_text(content, encoding="utf-8")

    def published(self) -> Path:
        """Weights under GPT-2's names, most of them not as GPT-2 has them."""
        rng, path, d = self.rng, self.new("model.safetensors"), self.rng.choice([64, 64, 64, 0, 1, 100, 200])
        shapes = {"wte.weight": (257, d), "wpe.weight": (16, d), "ln_f.weight": (d,), "ln_f.bias": (d,)}
        for part, shape in {
            "ln_1.weight": (d,), "ln_1.bias": (d,), "ln_2.weight": (d,), "ln_2.bias": (d,),
            "attn.c_attn.weight": (d, 3 * d), "attn.c_attn.bias": (3 * d,), "attn.c_proj.weight": (d, d),
            "attn.c_proj.bias": (d,), "mlp.c_fc.weight": (d, 4 * d), "mlp.c_fc.bias": (4 * d,),
            "mlp.c_proj.weight": (4 * d, d), "mlp.c_proj.bias": (d,),
        }.items():  # fmt: skip
            shapes[f"h.0.{part}"] = shape
        tensors = {name: torch.zeros(shape) for name, shape in shapes.items()}
        head = rng.choice(["none", "tied", "untied"])
        if head != "none":
            tensors["lm_head.weight"] = tensors["wte.weight"] + (head == "untied")
        if rng.random() < 0.5:
            odd = rng.choice(
                ["h.10000000.ln_1.weight", "h.x.ln_1.weight", "h.", "h.0", "transformer.h.0.ln_1.weight", "z"]
            )
            tensors[odd] = torch.zeros(d)
        if rng.random() < 0.5:
            change_a_tensor(tensors, rng)
        safetensors.torch.save_file(tensors, path)
        return path


def change_a_leaf(found: dict, rng: random.Random) -> None:
    """Put something else in the place of one value, or leave it out."""
    while True:
        name = rng.choice(list(found))
        if isinstance(found[name], dict) and found[name] and rng.random() < 0.8:
            found = found[name]
            continue
        if isinstance(found[name], list) and found[name] and rng.random() < 0.8:
            found[name][rng.randrange(len(found[name]))] = copy.deepcopy(rng.choice(VALUES))
        elif rng.random() < 0.8:
            found[name] = copy.deepcopy(rng.choice(VALUES))
        else:
            del found[name]
        return


def change_a_tensor(tensors: dict, rng: random.Random) -> None:
    """Another shape, another type, no numbers, another name, one more or one less."""
    name = rng.choice(list(tensors))
    tensor = tensors.pop(name)
    kind = rng.choice(["gone", "flat", "scalar", "empty", "nan", "ids", "half", "renamed", "more", "cut"])
    if kind == "flat":
        tensor = tensor.flatten()[None]
    elif kind == "scalar":
        tensor = torch.tensor(1.0)
    elif kind == "empty":
        tensor = torch.empty(0)
    elif kind == "nan":
        tensor = torch.full(tensor.shape, float("nan"))
    elif kind == "ids":
        tensor = torch.zeros(tensor.shape, dtype=torch.int64)
    elif kind == "half":
        tensor = tensor.half()
    elif kind == "cut":
        tensor = tensor[..., :-1].clone() if tensor.dim() else tensor
    elif kind == "more":
        tensors[name + ".x"] = torch.ones(2)
    if kind != "gone":
        tensors["x." * rng.randrange(4) + "y" if kind == "renamed" else name] = tensor


# ------------------------------------------------------------------------------------------------------------- one try


def attempt(main: Callable[[list[str]], int], words: list[str], given: str = "", interrupt: float = 0.0):
    """Run a command: its exit status and what stood on standard error. Raises what it raises, or Hang.

    interrupt: seconds until Ctrl-C, if it is still running then
    """
    channels = [io.TextIOWrapper(io.BytesIO(given.encode("utf-8", "replace")), encoding="utf-8")]
    channels += [io.TextIOWrapper(io.BytesIO(), encoding="cp1252") for _ in range(2)]
    with (
        mock.patch.object(sys, "stdin", channels[0]),
        contextlib.redirect_stdout(channels[1]),
        contextlib.redirect_stderr(channels[2]),
        limited(interrupt),
    ):
        status = main(words)
    for channel in channels[1:]:
        channel.flush()
    return status, channels[2].buffer.getvalue().decode("utf-8", "replace")


@contextlib.contextmanager
def limited(interrupt: float) -> Iterator[None]:
    """Hang after LIMIT seconds; Ctrl-C after `interrupt` seconds. On Windows, and in threads, neither."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def heard(*_):
        nonlocal interrupt
        if not interrupt:
            raise Hang
        interrupt = 0.0
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        signal.raise_signal(signal.SIGINT)

    usual = signal.signal(signal.SIGALRM, heard)
    signal.setitimer(signal.ITIMER_REAL, interrupt or LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)


def a_try(files: Files) -> tuple[str, Callable, list[str], str, bool]:
    """What is tried, its main function, its words, its standard input, and whether it must refuse."""
    rng = files.rng
    kind = rng.choice(list(KINDS))
    main, words, refuse = KINDS[kind](files, rng)
    program = {training.main: "training", decoding.main: "decoding"}.get(main)
    name = words[0] if program == "training" else program
    if name in NONSENSE and rng.random() < 0.4:
        option = rng.choice(list(NONSENSE[name]))
        words, refuse = [*words, f"--{option}={rng.choice(NONSENSE[name][option] + NEVER)}"], True
    elif rng.random() < 0.1:
        words, refuse = (
            [*words, rng.choice(["--bogus", "--steps", "\udcff", "x" * 5000])],
            name in NONSENSE and kind != "say",
        )
    return kind, main, words, rng.choice(["", "The\n", "\0\x1b[2J", "猫" * 50]), refuse


def _train(files: Files, rng: random.Random, name: str):
    signs, out = rng.choice(list(SCRIPTS.values())), files.new("out.safetensors")
    corpus = files.new("own.txt")
    text = "".join(rng.choices(signs, k=rng.choice([10, 3000, 3000])))
    if name == "translate":
        cells = ["".join(rng.choices(signs.replace("\n", ""), k=9)) for _ in range(80)]
        text = "\n".join(f"{a}\t{b}" for a, b in zip(cells[::2], cells[1::2], strict=True))
    corpus.write_text(text, encoding=rng.choice(["utf-8", "utf-8-sig", "utf-16"]))
    if rng.random() < 0.3:
        corpus = files.damaged(files.diary if name == "gpt" else files.pairs)
    if rng.random() < 0.2:
        out = rng.choice(
            [Path(""), files.folder, files.diary, Path("/dev/null/x"), out / ("x" * 300), files.pairs / "x"]
        )
    sizes = GPT if name == "gpt" else TRANSLATE
    return training.main, [name, "--corpus", str(corpus), *sizes, "--steps", "2", "--out", str(out)], False


def _resume(files: Files, rng: random.Random, name: str):
    good = files.folder / f"good_{name}_9.training.safetensors"
    change = rng.choice([files.damaged, files.hostile])
    words = [*(files.gpt() if name == "gpt" else files.translate()), "--steps", "9"]
    path = change(good)
    return training.main, [*words, "--out", str(path.with_name(f"good_{name}_9.safetensors"))], False


def _say(files: Files, rng: random.Random):
    good = files.folder / "good_translate_2.safetensors"
    path = rng.choice([files.damaged, files.hostile])(rng.choice([good, good, files.folder / "good_gpt_2.safetensors"]))
    files.beside(path, good)
    text = rng.choice(["the cat", "", "猫", "\udcff", "x" * 900, "a " * 600])
    return training.main, ["translate", "--out", str(path), "--beams", "2", "--say", text, "mat"], len(text) > 1000


def _write(files: Files, rng: random.Random):
    good = files.folder / "good_gpt_2.safetensors"
    path = rng.choice([files.damaged, files.hostile, files.hostile])(good)
    files.beside(path, good)
    words = ["--checkpoint", str(path), "--length", "40", *rng.choice([[], ["--greedy"], ["--int8"], ["--top-k", "3"]])]
    return decoding.main, words + rng.choice([[], ["--prompt", "\udcff\0 cat"], ["--stop", ""], ["--stop", "a"]]), False


def _write_published(files: Files, rng: random.Random):
    return decoding.main, ["--checkpoint", str(files.published()), "--prompt", "The", "--length", "9"], False


def _fetch(files: Files, rng: random.Random):
    names = rng.choice(
        [[], ["--help"], ["nothing"], ["gpt2/vocab.bpe"], ["multi30k/train.en.gz", "x"], ["--all"], [""]]
    )
    return downloads.main, names, False


def _course(files: Files, rng: random.Random):
    words = [
        "lab",
        "check",
        "status",
        "reset",
        "update",
        "test",
        "frob",
        "--help",
        "help",
        "04",
        "99",
        "-1",
        "",
        "\udcff",
    ]
    words += ["attention", "..", "x.ipynb", "--version", "update"]
    return (lambda w: course.main(w, "usage")), rng.choices(words, k=rng.randrange(4)), False


KINDS = {
    "gpt": lambda files, rng: _train(files, rng, "gpt"),
    "translate": lambda files, rng: _train(files, rng, "translate"),
    "gpt, damaged training": lambda files, rng: _resume(files, rng, "gpt"),
    "translate, damaged training": lambda files, rng: _resume(files, rng, "translate"),
    "say": _say,
    "write": _write,
    "write, published": _write_published,
    "fetch": _fetch,
    "course": _course,
}


def judged(main: Callable, words: list[str], given: str, refuse: bool, interrupt: float) -> str:
    """Why a try has failed; nothing if it has not."""
    try:
        status, errors = attempt(main, words, given, interrupt)
    except Hang:
        return f"still running after {LIMIT} s"
    except KeyboardInterrupt:
        return "" if interrupt else "KeyboardInterrupt"  # it came between the command's end and ours
    except BaseException:
        return traceback.format_exc()
    if status not in (0, 1, 2, 130) or "Traceback" in errors:
        return f"exit status {status}: {errors}"
    if status and main in (training.main, decoding.main, downloads.main):
        last = errors.splitlines()[-1:] or [""]
        if not last[0].startswith("python -m lib.") or len(last[0]) < 30 or (status == 2 and errors.count("\n") > 1):
            return f"no sentence: {errors!r}"
    if not status and refuse and not interrupt:
        return "accepted"
    return ""


def run(tries: int, seed: int, tell: Callable[[str], object] = print) -> tuple[Counter, list[str]]:
    """So many tries: how each ended, counted, and one text for each that failed."""
    rng, failures, counts = random.Random(seed), [], Counter()
    tokenizer = train_tokenizer(["the cat"], 257, [END])
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as patched:
        closed = {"COURSE_CACHE": f"{folder}/cache", "https_proxy": "http://user:secret@127.0.0.1:9"}
        patched.enter_context(mock.patch.dict(os.environ, closed))
        patched.enter_context(mock.patch.object(downloads, "WAITS", (0.0,)))
        patched.enter_context(mock.patch.object(lib.tokenizer, "load_gpt2", lambda: tokenizer))
        patched.enter_context(mock.patch.object(course, "environment", lambda **_: "python"))  # nothing is installed,
        patched.enter_context(mock.patch.object(course, "hand_over", lambda *_: 0))  # nothing started,
        patched.enter_context(mock.patch.object(course, "run", lambda *_: 0))  # nothing tested
        os.environ.pop("COURSE_MIRROR", None)
        threads = torch.get_num_threads()
        files = Files(Path(folder), rng)
        for number in range(tries):
            kind, main, words, given, refuse = a_try(files)
            interrupt = rng.uniform(0.001, 0.2) if rng.random() < 0.1 else 0.0
            failure = judged(main, words, given, refuse, interrupt)
            torch.set_num_threads(threads)
            counts[kind] += 1
            if failure:
                failures.append(f"try {number}, {kind}: {' '.join(words)[:500]!a}\n{failure}")
                tell(failures[-1])
    return counts, failures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    counts, failures = run(asked.tries, asked.seed)
    print(f"{asked.tries} tries, {len(failures)} failed:", ", ".join(f"{n} {kind}" for kind, n in counts.most_common()))
    sys.exit(bool(failures))
