"""Training: the optimiser's steps are PyTorch's, and an interruption at any step leaves no trace in the weights."""

import itertools
import math
import os
import random
import signal
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from lib import checkpoints
from lib.course.cells import ROOT
from lib.training import Training, learning_rate, train


class Small(nn.Module):
    """A bit of everything: dropout, a buffer that moves, an embedding tied to the output."""

    def __init__(self, seed=0, inside=False):
        super().__init__()
        self.embedding = nn.Embedding(11, 7)
        self.norm = nn.BatchNorm1d(7)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(7, 11, bias=False)
        self.head.weight = self.embedding.weight
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.embedding.weight.normal_(generator=generator)
        self.inside = nn.Linear(7, 7, bias=False) if inside else nn.Identity()
        if inside:
            nn.init.eye_(self.inside.weight)

    def loss(self, ids):
        logits = self.head(self.inside(self.dropout(self.norm(self.embedding(ids)))))
        return functional.cross_entropy(logits, (ids + 1) % 11)


def batches(seed=0):
    rng = random.Random(seed)
    while True:
        yield torch.tensor([rng.randrange(11) for _ in range(rng.randrange(3, 9))])


def a_training(steps=23, inside=False, **more):
    model = Small(inside=inside)
    generator = torch.Generator().manual_seed(5)
    more = {"peak": 0.05, "warmup": 4, "generator": generator} | more
    return Training(model, model.loss, batches(), steps, **more)


def weights_of(training):
    tensors = training.model.state_dict()
    return {name: tensor.clone() for name, tensor in tensors.items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("fused", [False, True])
def test_interrupted_twice_and_resumed_is_bit_for_bit_uninterrupted(tmp_path, fused):
    whole = a_training(fused=fused)
    losses = whole.run()
    path = tmp_path / "training"
    for until in (8, 9, None):
        part = a_training(fused=fused)
        assert part.resume(path) == (until != 8)
        torch.rand(until or 3)  # the learner's own dice between two goes
        found = part.run(until=until)
        part.save(path)
    assert found == losses
    assert same(weights_of(part), weights_of(whole))


def test_the_loss_falls_and_another_generator_is_another_training():
    first, other = a_training(steps=150), a_training(steps=150, generator=torch.Generator().manual_seed(6))
    losses = first.run()
    assert sum(losses[-20:]) < 0.5 * sum(losses[:20])
    assert other.run() != losses


def test_the_global_dice_neither_matter_nor_move():
    one, other = a_training(), a_training()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    losses = one.run()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert other.run() == losses


def test_a_watch_sees_each_step_and_cannot_disturb_the_training(tmp_path):
    seen, quiet, watched = [], a_training(), a_training()

    def watch(step, loss):
        watched.model.eval()
        torch.rand(step)
        watched.save(tmp_path / "each")
        seen.append((step, loss))

    losses = quiet.run()
    assert watched.run(watch) == losses
    assert seen == list(enumerate(losses, start=1))
    assert same(weights_of(quiet), weights_of(watched)) and not watched.model.training


def test_an_exception_in_a_watch_leaves_a_training_that_can_go_on():
    whole, stopped = a_training(), a_training()
    losses = whole.run()

    def stop(step, _):
        if step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped.run(stop)
    assert stopped.step == 6
    assert stopped.run() == losses and same(weights_of(stopped), weights_of(whole))


def test_ctrl_c_waits_for_the_end_of_the_step_and_a_second_one_does_not():
    whole, stopped = a_training(), a_training()
    losses, loss_of = whole.run(), stopped.model.loss

    def interrupted(batch):
        if stopped.step == 6:
            signal.raise_signal(signal.SIGINT)
        return loss_of(batch)

    stopped.loss_of = interrupted
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    assert stopped.step == 7  # taken to its end
    assert stopped.run() == losses and same(weights_of(stopped), weights_of(whole))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    impatient = a_training()
    seen = []

    def twice(batch):
        seen.append(batch)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    impatient.loss_of = twice
    with pytest.raises(KeyboardInterrupt):
        impatient.run()
    assert len(seen) == 1 and impatient.step == 0
    with pytest.raises(ValueError, match="step 1 was broken off halfway: a stays as it was"):
        impatient.save("a")


def test_ctrl_c_in_the_last_step_is_heard_too():
    training = a_training()

    def interrupted(batch):
        if training.step == 22:
            signal.raise_signal(signal.SIGINT)
        return training.model.loss(batch)

    training.loss_of = interrupted
    with pytest.raises(KeyboardInterrupt):
        training.run()
    assert training.step == 23 and not training.broken_off


def test_steps_are_those_of_pytorch_written_out():
    """The oracle: torch's AdamW and clipping, and the cosine by LambdaLR."""
    ours, theirs = Small(), Small()
    ours.dropout.p = theirs.dropout.p = 0.0
    found = train(ours, ours.loss, batches(), 20, 0.05, warmup=4, max_norm=0.5)
    optimiser = torch.optim.AdamW(theirs.parameters(), lr=0.05, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: learning_rate(step, 20, 1.0, 4))
    expected, data = [], batches()
    for _ in range(20):
        optimiser.zero_grad()
        loss = theirs.loss(next(data))
        loss.backward()
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        optimiser.step()
        schedule.step()
        expected.append(loss.item())
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_rate_rises_falls_and_ends_at_its_floor():
    rates = [learning_rate(step, 100, 3.0, 10) for step in range(100)]
    assert rates[0] == pytest.approx(0.3) and rates[9] == rates[10] == 3.0
    assert rates[55] == pytest.approx(3.0 * (0.02 + 0.98 * 0.5))
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))
    assert learning_rate(100, 100, 3.0, 10) == pytest.approx(0.06)


def test_a_rate_of_ones_own_is_used():
    training = a_training(rate=lambda step: 0.0 if step < 5 else 0.1)
    before = weights_of(training)["embedding.weight"]
    training.run(until=5)
    assert torch.equal(weights_of(training)["embedding.weight"], before)
    training.run(until=6)
    assert not torch.equal(weights_of(training)["embedding.weight"], before)


def test_too_few_batches_are_counted():
    model = Small()
    few = [torch.tensor([1, 2, 3])] * 4
    with pytest.raises(ValueError, match="9 steps were asked for, but there were only 4 batches"):
        train(model, model.loss, few, steps=9, peak=0.01)
    assert len(train(model, model.loss, few, steps=4, peak=0.01)) == 4


@pytest.mark.parametrize(
    "change", [{"steps": 24}, {"peak": 0.06}, {"warmup": 5}, {"recipe": {"corpus": "stories"}}, {"max_norm": 2.0}]
)
def test_a_checkpoint_of_another_recipe_is_refused(tmp_path, change):
    first = a_training()
    first.run(until=2)
    first.save(tmp_path / "a.safetensors")
    name = "corpus" if "recipe" in change else next(iter(change))
    with pytest.raises(ValueError, match=rf"a\.safetensors belongs to another training: there {name} is .*, here"):
        a_training(**change).resume(tmp_path / "a.safetensors")


def test_a_checkpoint_that_lies_back_needs_fresh_batches(tmp_path):
    training = a_training()
    training.run(until=2)
    training.save(tmp_path / "a")
    training.run(until=7)
    with pytest.raises(ValueError, match="5 batches back: start with fresh batches"):
        training.resume(tmp_path / "a")


def test_a_damaged_checkpoint_is_named_and_changes_nothing(tmp_path):
    training = a_training()
    before = weights_of(training)
    (tmp_path / "a.safetensors").write_bytes(b"\x00" * 50)
    with pytest.raises(ValueError, match=r"a\.safetensors is damaged"):
        training.resume(tmp_path / "a.safetensors")
    assert training.step == 0 and same(weights_of(training), before)


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from tests.test_training import a_training, torch
torch.set_num_threads({threads})  # bit for bit holds for one number of threads
training = a_training()
training.resume({path!r})
def watch(step, loss):
    training.save({path!r})
    if step == {kill}:
        os.kill(os.getpid(), signal.SIGKILL)
training.run(watch)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_killed_and_started_again_ends_with_the_same_weights(tmp_path):
    path = str(tmp_path / "training.safetensors")
    command = [sys.executable, "-c", KILLED.format(root=str(ROOT), path=path, kill=9, threads=torch.get_num_threads())]
    environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    killed = subprocess.run(command, capture_output=True, text=True, env=environ)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(checkpoints.load(path)[0]["losses"]) == 9
    again, whole = a_training(), a_training()
    assert again.resume(path)
    assert again.run() == whole.run()
    assert same(weights_of(again), weights_of(whole)) and math.isfinite(again.losses[-1])


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_the_first_number_that_is_none_ends_the_training_before_its_step(tmp_path, where):
    training = a_training()
    loss_of, path, kept = training.loss_of, tmp_path / "a.safetensors", []

    def breaks(batch):
        loss = loss_of(batch)
        if training.step < 6:
            return loss
        kept.append(weights_of(training))
        return loss * math.nan if where == "loss" else (loss * 0).sqrt()  # whose slope is infinite

    training.loss_of = breaks
    with pytest.raises(FloatingPointError, match=rf"the {where}.* is (nan|inf) at step 7 of 23: .* weights of step 6"):
        training.run(lambda step, _: training.save(path))
    assert training.step == 6 and all(torch.isfinite(tensor).all() for tensor in weights_of(training).values())
    parameters = dict(training.model.named_parameters())
    assert all(torch.equal(parameters[name], kept[0][name]) for name in parameters)
    again = a_training()
    assert again.resume(path) and again.step == 6  # the last good checkpoint


def damages(tensors):
    """Ways in which a half-done training can be broken: the tensors that are there then."""
    yield {name: tensor for name, tensor in tensors.items() if name != "losses"}
    yield {name: tensor for name, tensor in tensors.items() if name != "dice"}
    yield {name: tensor for name, tensor in tensors.items() if name != "optimiser.1.exp_avg"}
    yield {name: tensor for name, tensor in tensors.items() if name != "model.norm.weight"}
    yield tensors | {"losses": tensors["losses"].float()}
    yield tensors | {"losses": torch.zeros(99, dtype=torch.float64)}
    yield tensors | {"dice": tensors["dice"][:-1]}
    yield tensors | {"dice": torch.zeros_like(tensors["dice"])}
    yield tensors | {"optimiser.1.exp_avg": torch.zeros(3)}
    yield tensors | {"optimiser.77.exp_avg": torch.zeros(3)}
    yield tensors | {"optimiser.x": torch.zeros(3)}
    yield tensors | {"model.norm.weight": torch.full((7,), math.nan)}
    yield tensors | {"model.norm.other": torch.zeros(7)}


def test_a_broken_half_done_training_is_a_sentence_and_changes_nothing(tmp_path):
    training = a_training()
    training.run(until=3)
    training.save(tmp_path / "whole")
    tensors, settings = checkpoints.load(tmp_path / "whole")
    fresh = a_training()
    before = weights_of(fresh)
    for number, broken in enumerate(damages(tensors)):
        checkpoints.save(tmp_path / f"{number}", broken, settings)
        with pytest.raises(ValueError, match=rf"{number} is damaged: "):
            fresh.resume(tmp_path / f"{number}")
        assert fresh.step == 0 and same(weights_of(fresh), before), number
    for number, odd in enumerate([{}, {"recipe": None}, {"recipe": []}]):
        checkpoints.save(tmp_path / f"odd{number}", tensors, odd)
        with pytest.raises(ValueError, match="holds no training: its settings name no recipe"):
            fresh.resume(tmp_path / f"odd{number}")
    assert fresh.resume(tmp_path / "whole") and fresh.step == 3


def test_a_recipe_is_what_training_is_told():
    from lib.training import Recipe

    recipe = Recipe(steps=23, peak=0.05, warmup=4, fused=False)
    by_recipe, by_hand = (
        Training((model := Small()), model.loss, batches(), generator=torch.Generator().manual_seed(5), **told)
        for told in (recipe.keywords(), {"steps": 23, "peak": 0.05, "warmup": 4})
    )
    assert by_recipe.run() == by_hand.run()
    assert recipe.rate(7) == learning_rate(7, 23, 0.05, 4)
    assert Recipe(steps=1, peak=1.0, muon=True).keywords()["muon"] is True
