"""The language model's pipeline: reading texts, writing with the cache, measures, and a command that resumes."""

import argparse
import random

import pytest
import torch

from lib import checkpoints
from lib.corpora.stories import load_stories, sentences
from lib.gpt import END, FusedGPT, load_gpt
from lib.tokenizer import Tokenizer, train_tokenizer
from lib.training import language

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "one", "small", "red", "fox", "that", "ran", "off"]


@pytest.fixture(scope="module")
def own_text(tmp_path_factory):
    rng = random.Random(0)
    path = tmp_path_factory.mktemp("text") / "diary.txt"
    path.write_text("\n".join(" ".join(rng.choices(WORDS, k=9)) + "." for _ in range(150)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([" ".join(WORDS)], 290, [END])


def lively(vocab=290, n_positions=23):
    model = FusedGPT(vocab, n_positions, 12, 3, 2)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.7 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def command(*words):
    parser = argparse.ArgumentParser()
    language.add_arguments(parser)
    sizes = "--vocab 290 --positions 16 --d-model 8 --heads 2 --layers 1 --batch 3 --steps 12"
    return language.run(parser.parse_args([*sizes.split(), *map(str, words)]))


def test_an_interrupted_training_ends_with_the_same_weights(own_text, tmp_path, capsys):
    command("--corpus", own_text, "--out", tmp_path / "whole.safetensors")
    command("--corpus", own_text, "--out", tmp_path / "parts.safetensors", "--minutes", 1e-9)
    assert "the same command goes on from here" in capsys.readouterr().out
    assert not (tmp_path / "parts.safetensors").exists()
    command("--corpus", own_text, "--out", tmp_path / "parts.safetensors")
    said = capsys.readouterr().out
    assert "going on from step 1" in said and "bits per byte" in said
    whole, parts = (checkpoints.load(tmp_path / f"{name}.safetensors")[0] for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert not list(tmp_path.glob("*.training.*"))  # the half-done one is gone


def test_what_was_written_can_be_used(own_text, tmp_path):
    command("--corpus", own_text, "--out", tmp_path / "mine.safetensors", "--seed", 3)
    model, tokenizer = load_gpt(tmp_path / "mine.safetensors"), Tokenizer.load(tmp_path / "mine.json")
    assert len(tokenizer) == len(model.embedding.weight) and len(model.positions.table) == 16
    assert checkpoints.load(tmp_path / "mine.safetensors")[1]["recipe"]["seed"] == 3


def test_another_recipe_does_not_go_on_from_this_one(own_text, tmp_path):
    command("--corpus", own_text, "--out", tmp_path / "a.safetensors", "--minutes", 1e-9)
    assert not (tmp_path / "a.json").exists()  # a tokenizer comes with its model
    with pytest.raises(ValueError, match="belongs to another training: there seed is 0, here it is 1"):
        command("--corpus", own_text, "--out", tmp_path / "a.safetensors", "--seed", 1)


def test_a_text_that_was_changed_in_between_is_another_training(own_text, tmp_path):
    text, out = tmp_path / "mine.txt", tmp_path / "a.safetensors"
    text.write_bytes(own_text.read_bytes())
    command("--corpus", text, "--out", out, "--minutes", 1e-9)
    text.write_bytes(own_text.read_bytes().replace(b"cat", b"dog", 1))
    with pytest.raises(ValueError, match="belongs to another training: there sum is"):
        command("--corpus", text, "--out", out)
    tensors, settings = checkpoints.load(out.with_suffix(".training.safetensors"))
    del settings["recipe"]["sum"]  # as an older course wrote it
    checkpoints.save(out.with_suffix(".training.safetensors"), tensors, settings)
    command("--corpus", text, "--out", out)
    assert out.exists()


def test_own_texts_are_read_with_care(own_text, tmp_path):
    learnt, held_out = language.read_texts(str(own_text))
    assert learnt[0] + held_out[0] == own_text.read_text(encoding="utf-8") and learnt[0].endswith("\n")
    assert 0.85 < len(learnt[0]) / len(learnt[0] + held_out[0]) < 0.92
    short = tmp_path / "short.txt"
    short.write_text("Too short. " * 20)
    with pytest.raises(ValueError, match=r"short\.txt has 220 characters: too few to learn from; take 2,000 or more"):
        language.read_texts(str(short))
    damaged, told = tmp_path / "damaged.txt", []
    damaged.write_bytes(own_text.read_bytes().replace(b"\n", b"\n\xff\xfe broken\n", 1))
    language.read_texts(str(damaged), told.append)
    assert len(told) == 1 and "UTF-8" in told[0]


THAI, CHINESE = "แมวนั่งบนเสื่อแล้วก็หลับไปอย่างมีความสุข", "猫坐在垫子上然后开心地睡着了狗也来了"


@pytest.mark.parametrize(
    "signs", [THAI, CHINESE, "ACGT", "😀🐈🎉", "ab \u0301"], ids=["Thai", "Chinese", "DNA", "emoji", "marks"]
)
def test_a_text_of_any_script_trains_and_writes(tmp_path, capsys, signs):
    rng = random.Random(0)
    text = tmp_path / "mine.txt"
    text.write_text("".join(rng.choices(signs, k=2_500)), encoding="utf-8")  # one unbroken run
    assert command("--corpus", text, "--out", tmp_path / "mine.safetensors", "--steps", 2) == 0
    assert "bits per byte" in capsys.readouterr().out


def test_a_text_shorter_than_a_window_is_refused(tmp_path):
    text = tmp_path / "same.txt"
    text.write_text("a" * 5_000)
    with pytest.raises(ValueError, match=r"same\.txt has \d+ tokens to learn from: --positions 4000 is too many"):
        command("--corpus", text, "--out", tmp_path / "a.safetensors", "--positions", 4000)


def test_stories_are_held_out_and_ends_stand_between_texts(tokenizer):
    learnt, held_out = language.read_texts("stories")
    assert len(held_out) == 300 and [*learnt, *held_out] == load_stories()
    row = language.encode_texts(tokenizer, ["the cat", f"a {END} mat"])
    ends = (row == tokenizer.special[END]).nonzero().flatten().tolist()
    assert len(ends) == 3 and ends[0] == 0 and ends[-1] == len(row) - 1  # an END in a text is five plain signs
    assert tokenizer.decode(row.tolist()) == f"{END}the cat{END}a {END} mat{END}"


def test_the_rate_does_not_know_how_long_it_will_take():
    short, long = language.GPTRecipe(steps=400, peak=1.0), language.GPTRecipe(steps=4000, peak=1.0)
    assert [short.rate(step) for step in range(300)] == [long.rate(step) for step in range(300)]
    assert short.rate(0) == 0.01 and short.rate(299) == 1.0 and short.rate(350) == 0.5 and short.rate(399) == 0.01


def test_held_out_bits_of_a_model_that_knows_nothing(tokenizer):
    model = lively()
    with torch.no_grad():
        model.embedding.weight.zero_()  # all logits 0
    text = " ".join(WORDS) * 3  # longer than the model reads at once
    tokens = len(tokenizer.encode(text)) + 1  # END too
    expected = tokens * torch.tensor(290.0).log2().item() / len(text)
    assert language.held_out_bits(model, tokenizer, [text]) == pytest.approx(expected, rel=1e-5)


def test_writing_with_the_cache_is_writing_without(tokenizer):
    model = lively()
    with torch.no_grad():
        model.norm.scale.mul_(1000)  # so sure that a draw is the likeliest token
    written = language.write_texts(model, tokenizer, 2, torch.Generator().manual_seed(0), start="the cat")
    end = tokenizer.special[END]
    ids = [end, *tokenizer.encode("the cat")]
    while len(ids) <= 23 and (len(ids) < 4 or ids[-1] != end):
        ids.append(model(torch.tensor([ids]))[0, -1].argmax().item())
    text = tokenizer.decode(ids[1:-1] if ids[-1] == end else ids[1:])
    assert written == [text, text] and text.startswith("the cat")


def test_measures_of_real_and_of_broken_stories():
    stories = load_stories()[:20]
    known = {sentence for story in stories[:10] for sentence in sentences(story)}
    found = language.measure(stories, known)
    assert found["names"] == found["pronouns"] == found["causes"] == 1.0 and found["causes found"] >= 3
    assert 0.4 < found["verbatim"] < 0.7
    broken = language.measure(["He saw Anna, Bella, Clara and Dora.", "She slept."])
    assert broken == {"verbatim": 0.0, "names": 0.5, "pronouns": 0.0, "causes": 0.0, "causes found": 0}
