"""`python -m lib.decoding`: what it writes, streams, refuses, and how it ends."""

import math
import os
import signal
import subprocess
import sys

import pytest
import torch

from lib import checkpoints
from lib.course.cells import ROOT
from lib.decoding import __main__ as command
from lib.decoding.generate import generate_batch
from lib.decoding.sampling import Sampling
from lib.gpt import END, FusedGPT, initial_weights, save_gpt
from lib.tokenizer import Tokenizer, train_tokenizer

TEXT = "The old dog slept. The cat sat on the mat – così è, 猫は寝た。 "


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A small model that knows nothing and so writes bytes of every kind, and its tokenizer."""
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    tokenizer = train_tokenizer([TEXT * 3], 300, [END])
    tokenizer.save(path.with_suffix(".json"))
    model = FusedGPT(len(tokenizer), 24, 16, 2, 2)
    save_gpt(path, initial_weights(model, torch.Generator().manual_seed(0)))
    return path


def run(checkpoint, *words):
    return command.main(["--checkpoint", str(checkpoint), *words])


def started(checkpoint, *words, **named):
    program = [sys.executable, "-m", "lib.decoding", "--checkpoint", str(checkpoint), "--threads", "1", *words]
    return subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **named)


def test_it_writes_what_the_library_writes(checkpoint, capsys):
    settings = {"temperature": 0.7, "top_k": 40, "top_p": 0.95, "min_p": 0.001, "repetition_penalty": 1.3}
    options = [word for name, value in settings.items() for word in ("--" + name.replace("_", "-"), str(value))]
    assert run(checkpoint, "--prompt", "The cat", "--length", "60", "--seed", "5", *options) == 0
    tokenizer = Tokenizer.load(checkpoint.with_suffix(".json"))
    model, end = command.load(str(checkpoint))[0], tokenizer.special[END]
    pick = Sampling(**settings).picker(torch.Generator().manual_seed(5))
    prompt = [end, *tokenizer.encode("The cat")]
    ids = generate_batch(model, [prompt], 60, pick, stop=[[end]])[0]  # beyond the 24 positions
    expected = tokenizer.decode(token for token in ids if token != end)
    assert capsys.readouterr().out == f"The cat{expected}\n"


def test_a_seed_repeats_and_greedy_needs_none(checkpoint, capsys):
    def text(*words):
        assert run(checkpoint, "--prompt", "The", "--length", "30", *words) == 0
        return capsys.readouterr().out

    assert text("--seed", "1") == text("--seed", "1") != text("--seed", "2")
    assert text("--greedy") == text("--greedy") != text("--greedy", "--repetition-penalty", "3")
    assert text() != text()


def test_a_stop_sequence_ends_the_text_and_is_left_out(checkpoint, capsys):
    run(checkpoint, "--prompt", "The", "--length", "80", "--seed", "1")
    whole = capsys.readouterr().out.removeprefix("The").rstrip("\n")
    stop = whole[12:15]
    run(checkpoint, "--prompt", "The", "--length", "80", "--seed", "1", "--stop", stop, "--stop", "never said")
    assert capsys.readouterr().out == "The" + whole[: whole.index(stop)] + "\n"


def test_text_streams_and_no_character_is_cut():
    data = TEXT.encode()
    for size in range(1, 8):
        found = list(command.text_of(data[i : i + size] for i in range(0, len(data), size)))
        assert "".join(found) == TEXT and "\ufffd" not in found and len(found) > len(data) / size / 4
    assert "".join(command.text_of([b"a\xe7", b"\x8c"])) == "a\ufffd"  # never completed
    assert "".join(command.text_of([b"\xffb\xc3", b"c"])) == "\ufffdb\ufffdc"
    first = command.text_of(token for token in [b"so", b"on"])
    assert next(first) == "so"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--temperature", "0"],
            "--temperature 0.0: temperature=0.0 is not above 0; for the likeliest token every time",
        ),
        (["--temperature", "nan"], "temperature=nan is not above 0"),
        (["--top-k", "0"], "k=0 is not a whole number from 1 on"),
        (["--top-p", "1.5"], "--top-p 1.5: p=1.5 is not above 0 and at most 1"),
        (["--min-p", "0"], "--min-p 0.0: p=0.0 is not above 0"),
        (["--repetition-penalty", "-1"], "penalty=-1.0 is not above 0"),
        (["--temperature", "1e-300", "--top-k", "9"], "no token can be drawn: --temperature 1e-300, --top-k 9"),
        (["--top-p", "1e-300"], "no token can be drawn: --top-p 1e-300"),
        (["--overflow", "error", "--length", "40", "--seed", "2"], "does not fit into 24 positions"),
    ],
)
def test_a_bad_option_is_one_sentence(checkpoint, capsys, words, told):
    status = run(checkpoint, "--prompt", "The", *words)
    out, errors = capsys.readouterr()
    assert told in errors and errors.startswith("python -m lib.decoding: ") and errors.count("\n") == 1
    assert status == (1 if "--overflow" in words else 2)  # there the options are right, the text is too long
    assert not out or out.endswith("\n")  # the sentence does not stand behind the text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--length", "0"], "--length: 0 is not a whole number from 1 to"),
        (["--seed", "-1"], "--seed: -1 is not a whole number from 0 to"),
        (["--stop", ""], "stop sequence is empty"),
        (["--greedy", "--top-k", "3"], "--top-k would change nothing"),
        (["--top-k", "many"], "invalid int value"),
        (["--overflow", "slide"], "invalid choice"),
        (["--threads", "0"], "--threads: 0 is"),
        (["--threads", "100000"], "--threads: 100000 is"),  # PyTorch would end the process
        (["--bogus"], "unrecognized arguments: --bogus"),
    ],
)
def test_an_option_that_cannot_be_ends_with_2(checkpoint, capsys, words, told):
    assert run(checkpoint, "--prompt", "The", *words) == 2
    errors = capsys.readouterr().err
    assert told in errors
    assert errors.startswith("python -m lib.decoding: ") and errors.count("\n") == 1


def test_a_bad_checkpoint_is_one_sentence(checkpoint, tmp_path, capsys):
    alone, other = tmp_path / "alone.safetensors", tmp_path / "other.safetensors"
    for path in (alone, other):
        path.write_bytes(checkpoint.read_bytes())
    train_tokenizer([TEXT], 280, [END]).save(other.with_suffix(".json"))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(checkpoint.read_bytes()[:1000])
    tensors, settings = checkpoints.load(checkpoint)
    first, *rest = tensors
    torn = {
        "missing": ({name: tensors[name] for name in rest}, settings),
        "odd": (tensors, {**settings, "sizes": {"width": 3}}),
        "other_sizes": (tensors, {**settings, "sizes": {**settings["sizes"], "d_model": 18}}),
        "nan": ({**tensors, first: tensors[first] * math.nan}, settings),
        "nameless": (tensors, {"made": "by hand"}),
    }
    for name, content in torn.items():
        checkpoints.save(tmp_path / f"{name}.safetensors", *content)
        (tmp_path / f"{name}.json").write_bytes(checkpoint.with_suffix(".json").read_bytes())
    for path, told in [
        *((tmp_path / f"{name}.safetensors", "do not fit the sizes") for name in ("missing", "odd", "other_sizes")),
        (tmp_path / "nan.safetensors", "nan.safetensors is damaged: it gives logits that are no numbers"),
        (tmp_path / "nameless.safetensors", "holds no GPT: its settings name no sizes"),
        (tmp_path / "none.safetensors", "there is no checkpoint at"),
        (tmp_path, "is a folder"),
        (alone, "alone.json should lie beside it"),
        (other, "280 tokens, other.safetensors for 300: they do not belong together"),
        (broken, "damaged or no safetensors file"),
    ]:
        assert run(path, "--prompt", "The") == 1
        errors = capsys.readouterr().err
        assert told in errors and errors.count("\n") == 1 and "Traceback" not in errors


def test_the_tensors_of_a_checkpoint_are_read_once(checkpoint, monkeypatch):
    read, load = [], checkpoints.load
    monkeypatch.setattr(checkpoints, "load", lambda path: read.append(path) or load(path))
    command.load(str(checkpoint))
    assert read == [checkpoint]


def test_published_weights_load_by_their_path(tmp_path, monkeypatch, capsys):
    from safetensors.torch import save_file
    from transformers import GPT2Config, GPT2LMHeadModel

    import lib.tokenizer

    torch.manual_seed(0)
    tokenizer = train_tokenizer([TEXT * 3], 290, [END])
    theirs = GPT2LMHeadModel(GPT2Config(vocab_size=290, n_positions=32, n_embd=64, n_layer=1, n_head=1)).eval()
    state = {name: part.contiguous() for name, part in theirs.state_dict().items() if name != "lm_head.weight"}
    save_file(state, tmp_path / "model.safetensors")
    monkeypatch.setattr(lib.tokenizer, "load_gpt2", lambda: tokenizer)  # GPT-2's own is not here
    assert run(tmp_path / "model.safetensors", "--prompt", "The", "--greedy", "--length", "9") == 0
    ids = torch.tensor([[tokenizer.special[END], *tokenizer.encode("The")]])
    theirs.generation_config.eos_token_id = tokenizer.special[END]
    expected = theirs.generate(ids, max_new_tokens=9, do_sample=False, pad_token_id=0)[0, 1:].tolist()
    assert capsys.readouterr().out == tokenizer.decode(i for i in expected if i != tokenizer.special[END]) + "\n"


def test_int8_writes_too(checkpoint, capsys):
    assert run(checkpoint, "--prompt", "The", "--length", "9", "--greedy", "--int8") == 0
    assert capsys.readouterr().out.startswith("The")


def test_a_prompt_is_taken_from_a_pipe(checkpoint):
    process = started(checkpoint, "--length", "5", "--seed", "1", stdin=subprocess.PIPE)
    out, errors = process.communicate("Così è 猫\n".encode(), timeout=60)
    assert process.returncode == 0 and out.decode().startswith("Così è 猫") and not errors


def test_a_reader_that_has_enough_is_no_error(checkpoint):
    process = started(checkpoint, "--prompt", "The", "--length", "100000", "--seed", "1")
    assert process.stdout.read(20)
    process.stdout.close()
    assert process.wait(timeout=60) == 0 and process.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="descriptors are others there")
def test_a_closed_output_is_one_sentence(checkpoint):
    words = [sys.executable, "-m", "lib.decoding", "--checkpoint", str(checkpoint), "--prompt", "The"]
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *words]
    ended = subprocess.run(shell, cwd=ROOT, stderr=subprocess.PIPE, timeout=60)
    assert ended.returncode == 1 and ended.stderr.startswith(b"python -m lib.decoding: standard output is closed")
    assert ended.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="signals are others there")
def test_control_c_ends_cleanly(checkpoint):
    process = started(checkpoint, "--prompt", "The", "--length", "1000000", "--seed", "1", "--top-k", "250")
    assert process.stdout.read(20)  # it writes while it runs
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and out.endswith(b"\n") and errors == b"python -m lib.decoding: stopped\n"
