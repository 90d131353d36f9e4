"""The commands never fall over: every one ends in one clear sentence and an exit status, whatever it is given."""

import errno
import os
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from lib import checkpoints, downloads, terminal
from lib.course.cells import ROOT
from lib.decoding import __main__ as decoding
from lib.gpt2 import load_gpt2_weights
from lib.training import __main__ as training
from tests import fuzz

SOON = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and descriptors are others there")


def started(*words, **named):
    named = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | named
    environ = {**os.environ, **SOON, **named.pop("env", {})}
    program = [sys.executable, *named.pop("options", []), "-m", *map(str, words)]
    return subprocess.Popen(program, cwd=ROOT, env=environ, **named)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def diary(tmp_path):
    path = tmp_path / "diary.txt"
    path.write_text("The cat sat on the mat and the dog ran off.\n" * 100)
    return path


def test_nonsense_never_makes_them_fall_over():
    counts, failures = fuzz.run(60, seed=0, tell=list)
    assert not failures, "\n\n".join(failures)
    assert len(counts) == len(fuzz.KINDS)


def test_the_fuzz_sees_what_falls_over():
    def shouts(_):
        raise KeyError("a")

    def mutters(_):
        print("oh", file=sys.stderr)
        return 1

    assert "KeyError: 'a'" in fuzz.judged(shouts, [], "", False, 0.0)
    assert fuzz.judged(lambda _: 0, ["gpt"], "", True, 0.0) == "accepted"
    assert "exit status 3" in fuzz.judged(lambda _: 3, [], "", False, 0.0)
    assert fuzz.judged(lambda _: 0, [], "", False, 0.0) == ""


@pytest.mark.parametrize(
    "words",
    [
        "gpt --heads 0", "gpt --heads 3 --d-model 8", "gpt --d-model 0", "gpt --batch -1", "gpt --steps -1",
        "gpt --minutes nan", "gpt --peak 1e30", "gpt --peak nan", "gpt --vocab 0", "gpt --layers 10000000",
        "gpt --seed -1", "gpt --batch 100000 --positions 1000", "translate --heads 0", "translate --d-model 0",
        "translate --d-model 7 --heads 7", "translate --decoder-blocks 0", "translate --smoothing nan",
        "translate --dropout nan", "translate --vocab 0", "translate --threads 100000", "translate --minutes nan",
        "translate --beams 0", "translate --tokens 0", "translate --warmup -1", "translate --d-model 100000", "",
        "sing", "gpt --corpus", "gpt --steps 1.5",
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_is_named_and_ends_with_2(capsys, words):
    assert training.main(words.split()) == 2
    out, errors = capsys.readouterr()
    assert not out and errors.count("\n") == 1 and errors.startswith("python -m lib.training")
    for word in words.split()[1:2]:
        assert word in errors


def test_more_positions_than_the_text_has_are_named(diary, tmp_path, capsys):
    words = ["gpt", "--corpus", str(diary), "--out", str(tmp_path / "a"), "--layers", "1", "--batch", "1"]
    assert training.main([*words, "--positions", "5000"]) == 1
    assert "tokens to learn from: --positions 5000 is too many for it" in capsys.readouterr().err
    assert training.main([*words, "--positions", "100001"]) == 2


# ----------------------------------------------------------------------------------------------------- files in the way


def test_nobodys_file_is_written_over(diary, tmp_path, capsys):
    letter = tmp_path / "letter.json"
    letter.write_text("Dear Ada")
    before = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())
    for out in (diary, letter, tmp_path / "letter.safetensors", tmp_path, ""):
        assert training.main(["gpt", "--corpus", str(diary), "--steps", "1", "--out", str(out)]) == 2
        assert f"--out {out}" in capsys.readouterr().err or out == ""
    assert sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir()) == before


def test_where_nothing_can_be_written_is_told_before_the_training(diary, capsys, monkeypatch):
    words = ["gpt", "--corpus", str(diary), "--steps", "1000000"]
    assert training.main([*words, "--out", str(diary / "a")]) == 1
    assert str(diary) in capsys.readouterr().err

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert training.main([*words, "--out", str(diary.with_name("b.safetensors"))]) == 1
    assert capsys.readouterr().err.startswith("python -m lib.training gpt: the disk is full: ")


def tiny(diary, out, *more):
    words = f"--corpus {diary} --out {out} --vocab 300 --positions 16 --d-model 8 --heads 2 --layers 1 --steps 9"
    return ["gpt", *words.split(), *map(str, more)]


def test_a_loss_that_is_no_number_ends_the_training_and_keeps_the_last_good_one(diary, tmp_path, capsys, monkeypatch):
    from lib.gpt import FusedGPT
    from lib.training import watch

    losses, loss_of = [], FusedGPT.loss

    def breaks(model, ids):
        losses.append(loss_of(model, ids))
        return losses[-1] * (float("nan") if len(losses) == 5 else 1)

    monkeypatch.setattr(FusedGPT, "loss", breaks)
    monkeypatch.setattr(watch, "SAVE_EVERY", 0.0)
    assert training.main(tiny(diary, tmp_path / "a.safetensors")) == 1
    errors = capsys.readouterr().err
    assert "the loss is nan at step 5 of 9" in errors and "stays as it was saved last" in errors
    assert errors.count("\n") == 1 and not (tmp_path / "a.safetensors").exists()
    assert len(checkpoints.load(tmp_path / "a.training.safetensors")[0]["losses"]) == 4


def test_a_second_control_c_does_not_wait_for_the_step(diary, tmp_path, capsys, monkeypatch):
    from lib.gpt import FusedGPT

    def impatient(*_):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(FusedGPT, "loss", impatient)
    assert training.main(tiny(diary, tmp_path / "a.safetensors")) == 130
    assert capsys.readouterr().err == (
        "python -m lib.training gpt: stopped within step 1: what was saved last counts\n"
    )
    assert not list(tmp_path.glob("a.*"))


def test_a_disk_that_fills_up_leaves_the_training_saved_before(diary, tmp_path, capsys, monkeypatch):
    from lib.training import watch

    monkeypatch.setattr(watch, "SAVE_EVERY", 0.0)
    saves, fsync = [], os.fsync

    def fills_up(file):
        saves.append(file)
        if len(saves) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(file)

    monkeypatch.setattr(os, "fsync", fills_up)
    assert training.main(tiny(diary, tmp_path / "a.safetensors")) == 1
    assert capsys.readouterr().err.startswith("python -m lib.training gpt: the disk is full: ")
    assert (
        len(checkpoints.load(tmp_path / "a.training.safetensors")[0]["losses"]) == 3
    )  # the first save tries the folder
    monkeypatch.setattr(os, "fsync", fsync)
    assert training.main(tiny(diary, tmp_path / "a.safetensors")) == 0
    assert "going on from step 3" in capsys.readouterr().out


def test_gpt2_with_a_head_of_its_own_is_refused(tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=59, n_positions=23, n_embd=64, n_layer=1, n_head=1, tie_word_embeddings=False)
    theirs = GPT2LMHeadModel(config)
    state = {name: part.contiguous().clone() for name, part in theirs.state_dict().items()}
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"model\.safetensors cannot be used: its output layer lm_head\.weight is not"):
        load_gpt2_weights(tmp_path / "model.safetensors")
    state["lm_head.weight"] = state["transformer.wte.weight"].clone()
    save_file(state, tmp_path / "model.safetensors")
    assert load_gpt2_weights(tmp_path / "model.safetensors").embedding.weight.shape == (59, 64)


def test_a_checkpoint_that_names_a_billion_blocks_makes_none(tmp_path, monkeypatch):
    sizes = {"vocab": 5, "n_positions": 3, "d_model": 4, "n_heads": 2, "n_layers": 10**9}
    tensors = {
        "embedding.weight": torch.zeros(5, 4),
        "positions.table": torch.zeros(3, 4),
        "blocks.0.x": torch.zeros(1),
    }
    checkpoints.save(tmp_path / "a.safetensors", tensors, {"sizes": sizes})
    (tmp_path / "a.json").write_text('{"special": {}, "merges": []}')
    monkeypatch.setattr("lib.gpt.FusedGPT", None)
    with pytest.raises(ValueError, match=r"a\.safetensors is damaged: its tensors do not fit the sizes that it names"):
        decoding.load(str(tmp_path / "a.safetensors"))


# ------------------------------------------------------------------------------------------------ sentences in terminal


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (ValueError("a\nb"), 1, "x: a b\n"),
        (terminal.OptionError("--n 0: no"), 2, "x: --n 0: no (--help lists the options)\n"),
        (OSError(errno.ENOSPC, "No space left"), 1, "x: the disk is full\n"),
        (PermissionError(errno.EACCES, "Permission denied", "f"), 1, "x: Permission denied: f\n"),
        (ConnectionError("no network"), 1, "x: no network\n"),
        (FloatingPointError("nan"), 1, "x: nan\n"),
        (MemoryError(), 1, "x: there is not enough memory\n"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 1, "x: there is not enough memory\n"),
        (KeyboardInterrupt(), 130, "x: stopped\n"),
        (BrokenPipeError(), 0, ""),
        (SystemExit(2), 2, ""),
    ],
)
def test_an_error_becomes_a_sentence_and_a_status(capsys, error, status, told):
    def work():
        raise error

    assert terminal.run("x", work) == status
    assert capsys.readouterr().err == told


def test_a_mistake_of_the_courses_own_is_not_hidden():
    with pytest.raises(KeyError):
        terminal.run("x", lambda: {}["a"])


def test_a_missing_package_says_how_the_course_is_set_up(capsys):
    def work():
        import a_package_that_nobody_has  # noqa: F401

    assert terminal.run("x", work) == 1
    assert "has no a_package_that_nobody_has: `python3 course.py lab` sets" in capsys.readouterr().err


def test_kinds_of_options():
    assert terminal.whole(1, 9)("9") == 9 and terminal.number(0, 1)("1e-3") == 0.001
    for kind, text in ((terminal.whole(1, 9), "10"), (terminal.whole(1, 9), "1.0"), (terminal.number(0, 1), "nan")):
        with pytest.raises(Exception, match=f"{text} is not a (whole )?number from"):
            kind(text)


# -------------------------------------------------------------------------------------------- as processes of their own


@POSIX
@pytest.mark.parametrize("module", ["lib.downloads", "lib.training gpt --help", "lib.decoding --help"])
def test_a_reader_that_has_enough_is_no_error(module):
    process = started(*module.split())
    process.stdout.close()  # before the first line, which `head -0` does not want either
    assert process.wait(timeout=60) == 0 and process.stderr.read() == b""


@POSIX
def test_a_full_disk_behind_the_output_is_one_sentence():
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    with open("/dev/full", "w") as full:
        process = started("lib.downloads", stdout=full)
        assert process.wait(timeout=60) == 1
    assert process.stderr.read() == b"python -m lib.downloads: the disk is full\n"


@POSIX
@pytest.mark.parametrize("words", [["lib.training", "gpt"], ["lib.decoding", "--prompt", "The"]])
def test_control_c_in_the_middle_of_the_imports_is_no_traceback(words):
    process = started(*words, options=["-X", "importtime"])  # tells each import as it ends
    for line in process.stderr:
        if b"torch." in line:
            process.send_signal(signal.SIGINT)
            break
    errors = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == 130 and errors[-1].endswith(b"stopped")
    assert not any(b"Traceback" in line or b"KeyboardInterrupt" in line for line in errors)


@POSIX
def test_control_c_in_a_training_keeps_it(diary, tmp_path):
    words = ["lib.training", "gpt", "--corpus", diary, "--out", tmp_path / "a.safetensors", "--vocab", "300"]
    words += ["--positions", "16", "--d-model", "8", "--heads", "2", "--layers", "1", "--steps", "1000000"]
    process = started(*words)
    assert process.stdout.readline().startswith(b"step ")  # after some seconds
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130 and errors.count("\n") == 1
    assert "stopped after step" in errors and "the same command goes on from here" in errors
    assert len(checkpoints.load(tmp_path / "a.training.safetensors")[0]["losses"]) > 1


@POSIX
def test_a_training_that_nobody_reads_of_is_saved(tmp_path):
    pairs = "".join(f"the cat {i}\tdie Katze {i}\n" for i in range(60))
    (tmp_path / "pairs.tsv").write_text(pairs)
    words = f"--corpus {tmp_path / 'pairs.tsv'} --out {tmp_path / 'a.safetensors'} --vocab 300 --d-model 8 --heads 2"
    words += " --encoder-blocks 1 --decoder-blocks 1 --tokens 60 --steps 50"
    process = started("lib.training", "translate", *words.split())
    assert b"54 pairs" in process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read().decode()
    assert process.wait(timeout=60) == 1 and errors.count("\n") == 1
    assert "nobody reads the output any more: stopped after step 5 of 50; the same command goes on" in errors


def test_a_redirected_console_of_another_encoding_gets_utf_8(tmp_path):
    text = tmp_path / "mine.txt"
    text.write_text("猫坐在垫子上。" * 400, encoding="utf-8")
    words = [
        "lib.training",
        "gpt",
        "--corpus",
        text,
        "--out",
        tmp_path / "猫.safetensors",
        "--vocab",
        "300",
        "--steps",
        "1",
    ]
    words += ["--positions", "16", "--d-model", "8", "--heads", "2", "--layers", "1"]
    out, errors = started(*words, env={"PYTHONIOENCODING": "cp1252"}).communicate(timeout=60)
    assert "猫.safetensors" in out.decode("utf-8") and not errors


# -------------------------------------------------------------------------------------------------- no network, and why


def trouble(monkeypatch, error, **environ):
    for name in (
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return downloads._trouble("https://example.org/file", error)


def test_certificates_proxies_and_no_network_are_told_apart(monkeypatch):
    import socket
    import ssl
    import urllib.error

    certificate = ssl.SSLCertVerificationError("bad")
    certificate.verify_message = "self-signed certificate in certificate chain"
    told, again = trouble(monkeypatch, urllib.error.URLError(certificate))
    assert told.startswith("the certificate of example.org is not trusted here: self-signed certificate") and not again
    nameless = urllib.error.URLError(socket.gaierror(-2, "Name or service not known"))
    assert trouble(monkeypatch, nameless) == ("there is no connection to the internet", False)
    proxy = {"https_proxy": "http://ada:secret@proxy.example:3128"}
    told, again = trouble(monkeypatch, nameless, **proxy)
    assert told == "the proxy proxy.example:3128, which https_proxy names: [Errno -2] Name or service not known"
    assert not again
    told, again = trouble(monkeypatch, OSError("Tunnel connection failed: 407 Proxy Authentication Required"), **proxy)
    assert told == "the proxy proxy.example:3128, which https_proxy names, wants a name and a password" and not again
    assert trouble(monkeypatch, TimeoutError("timed out")) == ("timed out", True)
