"""`python -m lib.training translate`: scores are sacreBLEU's, and an interruption leaves no trace in the weights."""

import argparse
import json
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lib import checkpoints
from lib.corpora import files
from lib.training import __main__ as command
from lib.training import translation
from lib.training.mteval import mteval_bleu, mteval_tokens
from lib.training.pairs import read_corpus, split_pairs
from lib.training.translation import TranslationRecipe, load_model, new_model, translate_texts

NASTY = [
    "Ein Hund, der läuft.", "He said: \"no!\" (twice)...", "1,000.5 and 3-4 or x-y; 50% of $5", "don't -- stop",
    "a.b.c ..5. .5 5. ,,", "&quot;A &amp; B&quot; &lt;c&gt; &lt", "«Où?» – l'été, été/hiver",
    "A_b [c] {d} ~e `f` @g #h",
    "x\u00a0y\u2028z  end ", "Über-Größe 3-", "", "9.", ".9", "'s 'tis \\ ^ | = + * < >",
]  # fmt: skip


def theirs():
    import sacrebleu

    return sacrebleu.metrics.BLEU(tokenize="13a", force=True)


def test_tokens_are_those_of_sacrebleu():
    tokenize = theirs().tokenizer
    rng = random.Random(0)
    signs = "ab1 2.,-'\"&;:!?()[]{}<>/\\@#$%^*_+=`~|äß–…«&amp;"
    sentences = NASTY + ["".join(rng.choice(signs) for _ in range(rng.randrange(40))) for _ in range(2000)]
    for sentence in sentences:
        assert mteval_tokens(sentence) == tokenize(sentence).split(), repr(sentence)


def test_bleu_is_sacrebleus():
    rng = random.Random(1)
    words = [word for sentence in NASTY for word in sentence.split()]
    right = [" ".join(rng.choice(words) for _ in range(rng.randrange(4, 15))) for _ in range(200)]
    written = [" ".join(w for w in sentence.split() if rng.random() < 0.85) for sentence in right]
    assert mteval_bleu(written, right) == pytest.approx(theirs().corpus_score(written, [right]).score, rel=1e-9)


WORDS = {"one": "eins", "two": "zwei", "three": "drei", "cat": "Katze", "dog": "Hund", "and": "und", "a": "ein"}


def toy_file(path: Path, n: int = 120) -> Path:
    rng = random.Random(2)
    lines = []
    for _ in range(n):
        words = [rng.choice(list(WORDS)) for _ in range(rng.randrange(1, 6))]
        lines.append(" ".join(words) + "\t" + " ".join(WORDS[word] for word in words))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


SIZES = {
    "vocab": 300,
    "d-model": 16,
    "heads": 2,
    "encoder-blocks": 1,
    "decoder-blocks": 1,
    "tokens": 120,
    "dropout": 0.1,
}
SMALL = [word for name, number in SIZES.items() for word in (f"--{name}", number)]


def call(*words) -> int:
    return command.main(["translate", *map(str, words)])


@pytest.fixture
def toy(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield toy_file(tmp_path / "toy.tsv")
    torch.set_num_threads(threads)


def test_interrupted_by_the_clock_and_gone_on_with_is_bit_for_bit_uninterrupted(toy, tmp_path, capsys):
    whole, pieces = tmp_path / "whole.safetensors", tmp_path / "pieces.safetensors"
    options = ["--corpus", toy, *SMALL, "--steps", 12, "--beams", 2]
    assert call(*options, "--out", whole) == 0
    told = capsys.readouterr().out
    assert "107 pairs" in told and "12 steps" in told and f"written: {whole}" in told
    assert "pairs held out from your file" in told and "with 1 beam\n" in told and "with 2 beams\n" in told
    for step in range(1, 12):
        assert call(*options, "--out", pieces, "--minutes", 0) == 0
        assert f"stopped after step {step} of 12; the same command goes on" in capsys.readouterr().out
        assert not pieces.exists()
    assert call(*options, "--out", pieces) == 0
    assert "going on from step 11" in capsys.readouterr().out
    assert pieces.read_bytes() == whole.read_bytes()


def test_a_finished_training_is_scored_again_and_not_trained_further(toy, tmp_path):
    out = tmp_path / "a.safetensors"
    options = ["--corpus", toy, *SMALL, "--steps", 3, "--out", out, "--beams", 1]
    assert call(*options) == 0
    before = out.read_bytes()
    assert call(*options) == 0 and out.read_bytes() == before


def test_another_seed_another_file_or_another_recipe_does_not_continue_this_one(toy, tmp_path, capsys):
    out = tmp_path / "a.safetensors"
    options = ["--corpus", toy, *SMALL, "--steps", 12, "--out", out, "--minutes", 0]
    assert call(*options) == 0
    for change, name in ((["--seed", 1], "seed"), (["--steps", 13], "steps"), (["--peak", 0.5], "peak")):
        assert call(*options, *change) == 1
        error = capsys.readouterr().err
        assert f"belongs to another training: there {name} is" in error and "; --out names another file" in error
    toy.write_text(toy.read_text().replace("zwei", "drei"))
    before = sorted((path.name, path.read_bytes()) for path in tmp_path.glob("a.*"))
    assert call(*options) == 1
    assert "belongs to another training: there " in capsys.readouterr().err
    assert sorted((path.name, path.read_bytes()) for path in tmp_path.glob("a.*")) == before
    assert [name for name, _ in before] == ["a.training.safetensors"]  # a tokenizer comes with its model


def test_the_trained_model_is_loaded_with_its_tokenizer_and_says_things(toy, tmp_path, capsys):
    out = tmp_path / "a.safetensors"
    assert call("--corpus", toy, *SMALL, "--steps", 3, "--out", out, "--beams", 1) == 0
    model, tokenizer, settings = load_model(out)
    assert settings["recipe"]["d_model"] == 16 and settings["scores"].keys() == {"1"} and settings["pairs"] == 107
    assert len(translate_texts(model, tokenizer, ["  two \u00a0 dogs and Ψ", "", "one"], beams=2)) == 3
    written = translate_texts(model, tokenizer, ["one cat", ""], beams=2)
    assert written[1] == ""
    capsys.readouterr()
    assert call("--out", out, "--say", "one cat", "", "--beams", 2) == 0
    assert capsys.readouterr().out == f"{written[0]}\n\n"
    checkpoints.save(tmp_path / "b.safetensors", {}, {})
    with pytest.raises(ValueError, match=r"b\.safetensors is no model of `python -m lib.training translate`"):
        load_model(tmp_path / "b.safetensors")


def test_bad_lines_are_told_and_bad_files_end_in_one_sentence(tmp_path, toy, capsys):
    lines = toy.read_text().split("\n")
    toy.write_text("\r\n".join([lines[0], "no tab", *lines[1:], "\t"]))
    assert call("--corpus", toy, *SMALL, "--steps", 1, "--out", tmp_path / "a", "--beams", 1) == 0
    errors = capsys.readouterr().err.splitlines()
    assert errors[0] == "toy.tsv, line 2: no tab, so there is only one column. Left out."
    assert errors[1] == "toy.tsv, line 122: nothing but spaces on one side or both. Left out."
    for content, said in (
        ("", "is empty"),
        ("a\tb\n" * 19, "has 19 usable pairs: 20 at least"),
        ("x\n", "no usable pair"),
    ):
        toy.write_text(content)
        assert call("--corpus", toy) == 1
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1 and "Traceback" not in error
    assert call("--corpus", tmp_path / "nowhere.tsv") == 1 and "there is no file" in capsys.readouterr().err
    assert call("--corpus", toy, "--beams", 0) == 2 and "0 is not a whole number from 1" in capsys.readouterr().err


def test_multi30k_without_a_network_is_one_sentence(tmp_path, monkeypatch, capsys):
    import socket

    def no_name(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert call("--corpus", "multi30k", "--out", tmp_path / "a") == 1
    error = capsys.readouterr().err
    assert "multi30k/train.en.gz could not be fetched (there is no connection to the internet)" in error
    assert error.count("\n") == 1


def test_all_pairs_of_a_source_stay_on_one_side():
    pairs = [(f"source {i % 60}", f"target {i}") for i in range(200)]
    train, look, test = split_pairs(pairs)
    sides = [{source for source, _ in part} for part in (train, look, test)]
    assert sorted(train + look + test) == sorted(pairs)
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert [len(side) for side in sides] == [54, 3, 3]
    assert split_pairs(pairs[::-1])[2] == test[::-1]


def test_the_courses_italian_is_a_corpus_too():
    corpus = read_corpus("italian")
    assert len(corpus.test) == 1500 and len(corpus.look) == 500 and len(corpus.train) == 40_000 - 500
    assert not {source for source, _ in corpus.train} & {source for source, _ in corpus.look}


def test_the_recipe_makes_the_model_that_it_says():
    recipe = TranslationRecipe(d_model=32, n_heads=2, encoder_blocks=3, decoder_blocks=1, dropout=0.2)
    model, again = new_model(recipe, 400), new_model(recipe, 400)
    assert len(model.encoder.blocks) == 3 and len(model.decoder.blocks) == 1
    assert model.source_embedding is model.target_embedding and model.dropout.p == 0.2
    assert {part.dropout.p for part in model.modules() if hasattr(part, "dropout")} == {0.2, 0.0}
    assert all(block.feed_forward.dropout.p == 0 for block in [*model.encoder.blocks, *model.decoder.blocks])
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))


def test_a_missing_pipeline_does_not_break_the_other(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lib.training.language", None)
    assert command.main(["translate", "--help"]) == 0 and "--corpus" in capsys.readouterr().out
    assert command.main(["--help"]) == 0 and "gpt" in capsys.readouterr().out


def test_every_number_of_the_recipe_is_an_option():
    parser = argparse.ArgumentParser()
    translation.add_arguments(parser)
    chosen = parser.parse_args(["--heads", "8", "--peak", "1e-3"])
    assert chosen.n_heads == 8 and chosen.peak == 1e-3 and chosen.d_model is None


def test_the_recorded_result_is_of_the_recipe_that_the_command_has():
    results = json.loads(files.read("multi30k_results.json"))["de"]
    for seed, found in results.items():
        assert found["recipe"] == replace(TranslationRecipe(), seed=int(seed)).options()
        assert found["processor_minutes"] <= 20 and found["beam 4"]["bleu"] > 35
