"""Several processes train as one: the same weights everywhere, those of one process with the joint batch, and on from a
checkpoint. The oracles are PyTorch's all_reduce, its DistributedDataParallel, and one process alone."""

import copy
import os
import random
import subprocess
import sys
import threading

import pytest
import torch
from torch import nn

from lib import checkpoints
from lib.batching import Batch
from lib.course.cells import ROOT
from lib.training.parallel import (
    ALONE,
    Team,
    average_gradients,
    bubble_share,
    ring_all_reduce,
    ring_bytes,
    team,
    zero_bytes,
)


def torchrun(processes, *words, environment=None, timeout=240):
    """`torchrun` on this machine, as a finished process."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", *words]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **(environment or {})}
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT, env=settings, timeout=timeout)


def program(folder, text):
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


class Together:
    """`all_reduce` for threads that stand for processes."""

    def __init__(self, size):
        self.barrier, self.lock, self.total = threading.Barrier(size, timeout=10), threading.Lock(), None

    def __call__(self, tensor):
        with self.lock:
            self.total = tensor.clone() if self.total is None else self.total + tensor
        self.barrier.wait()
        tensor.copy_(self.total)
        if self.barrier.wait() == 0:
            self.total = None
        self.barrier.wait()


def in_threads(size, work):
    found, threads = [None] * size, []

    def one(rank):
        found[rank] = work(rank)

    for rank in range(size):
        threads.append(threading.Thread(target=one, args=(rank,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return found


# ------------------------------------------------------------------------------------------------------ one machine


def test_gradients_are_those_of_the_joint_batch_also_with_unequal_shares():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(11, 5, generator=generator), torch.randn(11, 3, generator=generator)
    joint = nn.Linear(5, 3)
    nn.functional.mse_loss(joint(x), y).backward()
    parts, all_reduce = [slice(0, 2), slice(2, 5), slice(5, 11)], Together(3)
    models = [copy.deepcopy(joint) for _ in parts]

    def work(rank):
        model, part = models[rank], parts[rank]
        model.zero_grad()
        nn.functional.mse_loss(model(x[part]), y[part]).backward()
        average_gradients(model, all_reduce, len(x[part]) / len(x))

    in_threads(3, work)
    for model in models:
        for mine, right in zip(model.parameters(), joint.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, right.grad, rtol=1e-5, atol=1e-6)


def test_a_parameter_without_a_gradient_takes_part_and_a_frozen_one_does_not():
    all_reduce = Together(2)
    models = [nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(3, 2)]) for _ in range(2)]
    for rank, model in enumerate(models):
        model[2].requires_grad_(False)
        model[rank](torch.ones(1, 3)).sum().backward()  # each uses another layer
    in_threads(2, lambda rank: average_gradients(models[rank], all_reduce, 0.5))
    for model in models:
        assert all(torch.equal(p.grad, torch.full_like(p, 0.5)) for layer in model[:2] for p in layer.parameters())
        assert all(p.grad is None for p in model[2].parameters())


@pytest.mark.parametrize(("processes", "length"), [(1, 7), (2, 7), (3, 7), (5, 13), (7, 3), (4, 0)])
def test_the_ring_adds_up_whatever_the_lengths(processes, length):
    generator = torch.Generator().manual_seed(processes)
    tensors = [torch.randn(length, generator=generator, dtype=torch.float64) for _ in range(processes)]
    before = [tensor.clone() for tensor in tensors]
    sums, sent = ring_all_reduce(tensors)
    for mine in sums:
        torch.testing.assert_close(mine, torch.stack(before).sum(0), rtol=1e-12, atol=1e-12)
        assert torch.equal(mine, sums[0])  # to the last bit: no process drifts away
    assert all(map(torch.equal, tensors, before))
    assert sum(sent) == 2 * (processes - 1) * length
    if length % processes == 0:
        assert set(sent) == {ring_bytes(length, processes)}


def test_the_bytes_are_those_of_the_paper():
    """Figure 1 of ZeRO: 7.5 billion parameters on 64 GPUs."""
    found = [round(zero_bytes(7_500_000_000, 64, stage) / 1e9, 1) for stage in range(4)]
    assert found == [120.0, 31.4, 16.6, 1.9]
    assert zero_bytes(10, 3, 3) == 16 * 4  # a whole parameter more
    with pytest.raises(ValueError, match="4"):
        zero_bytes(10, 3, 4)


def test_a_pipeline_waits_less_the_more_parts_go_through():
    assert bubble_share(4, 12) == 3 / 15 and bubble_share(1, 5) == 0 and bubble_share(4, 1) == 3 / 4


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_every_row_of_a_batch_belongs_to_one_process(size):
    ids = torch.arange(21).view(7, 3)
    parts = [Team(rank, size).part(ids) for rank in range(size)]
    assert sorted(row for mine, _ in parts for row in mine[:, 0].tolist()) == ids[:, 0].tolist()
    assert sum(targets for _, targets in parts) == 7 * 2
    batch = Batch.of([([3, 4], [5, 6, 7]), ([8], [9])])
    parts = [Team(rank, size).part(batch) for rank in range(size)]
    assert sum(targets for _, targets in parts) == batch.mask.sum() == 6
    assert all(len(mine.source) >= 1 for mine, _ in parts)  # one without rows computes a row that counts as none


def test_without_torchrun_one_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with team() as found:
        assert found is ALONE and found.first and found.in_turn(lambda: 7) == 7 and found.first_says(True)


# -------------------------------------------------------------------------------------------------- real processes

STEPS = """
import copy, sys
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from lib.gpt import GPT, gpt_loss, initial_weights
from lib.training.loop import Training
from lib.training.parallel import team

def new(seed=0):
    return initial_weights(GPT(53, 12, 16, 2, 2), torch.Generator().manual_seed(seed))

def batches(rows=6):
    generator = torch.Generator().manual_seed(1)
    while True:
        yield torch.randint(53, (rows, 11), generator=generator)

def flat(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])

with team() as together:
    how = {"steps": 7, "peak": 1e-2, "warmup": 2}
    mine = new(together.rank)  # process 0's weights count
    losses = together.training(mine, mine.loss, batches(), **how).run()
    one = new()
    alone = Training(one, one.loss, batches(), **how).run()
    ids = next(batches())  # subtle: not the weights, for a key's bias has no gradient but rounding, which Adam enlarges
    assert torch.allclose(mine(ids), one(ids), atol=1e-3), (mine(ids) - one(ids)).abs().max()
    assert torch.allclose(torch.tensor(losses), torch.tensor(alone), atol=1e-4)
    assert torch.equal(together.from_first(flat(mine).clone()), flat(mine))  # bit for bit the same everywhere

    theirs = DistributedDataParallel(copy.deepcopy(new()))
    ours = new()
    ids = next(batches())[together.rank :: together.size]
    gpt_loss(theirs, ids).backward()
    gpt_loss(ours, ids).backward()
    from lib.training.parallel import average_gradients
    average_gradients(ours, together.all_reduce, 1 / together.size)
    for a, b in zip(ours.parameters(), theirs.module.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-7)
    print("all is equal")
"""


def test_two_processes_learn_what_one_learns_with_the_joint_batch(tmp_path):
    done = torchrun(2, program(tmp_path, STEPS))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("all is equal") == 1  # only the first one speaks


def small(folder, *more):
    text = folder / "text.txt"
    text.write_text("the cat sat on the mat and the dog lay by the door\n" * 100, encoding="utf-8")
    sizes = {"vocab": 270, "positions": 16, "d-model": 16, "heads": 2, "layers": 1, "batch": 4, "steps": 30}
    options = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    return ["-m", "lib.training", "gpt", "--corpus", str(text), *options, *more]


def test_the_command_resumes_bit_for_bit_in_two_processes(tmp_path):
    whole, halves = tmp_path / "whole.safetensors", tmp_path / "halves.safetensors"
    done = torchrun(2, *small(tmp_path, "--out", str(whole)))
    assert done.returncode == 0, done.stderr
    stopped = torchrun(2, *small(tmp_path, "--out", str(halves), "--minutes", "0"))
    assert stopped.returncode == 0 and "stopped after step 1 of 30" in stopped.stdout, stopped.stderr
    assert not halves.exists() and halves.with_suffix(".training.safetensors").exists()
    done = torchrun(2, *small(tmp_path, "--out", str(halves)))
    assert done.returncode == 0 and "going on from step 1" in done.stdout, done.stderr
    one, other = checkpoints.load(whole)[0], checkpoints.load(halves)[0]
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def pairs(folder, *more):
    words = {"one": "eins", "two": "zwei", "three": "drei", "cat": "Katze", "dog": "Hund"}
    rng, lines = random.Random(2), []
    for _ in range(120):
        said = [rng.choice(list(words)) for _ in range(rng.randrange(1, 6))]
        lines.append(" ".join(said) + "\t" + " ".join(words[word] for word in said))
    path = folder / "pairs.tsv"
    path.write_text("\n".join(lines), encoding="utf-8")
    sizes = {"vocab": 300, "d-model": 16, "heads": 2, "encoder-blocks": 1, "decoder-blocks": 1, "tokens": 120}
    sizes |= {"dropout": 0.1, "steps": 9, "beams": 1}
    options = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    return ["-m", "lib.training", "translate", "--corpus", str(path), *options, *more]


def test_dropout_rolls_the_same_dice_after_an_interruption(tmp_path):
    whole, halves = tmp_path / "whole.safetensors", tmp_path / "halves.safetensors"
    for out, more in ((whole, ()), (halves, ("--minutes", "0")), (halves, ())):
        done = torchrun(2, *pairs(tmp_path, "--out", str(out), *more))
        assert done.returncode == 0, done.stderr
    assert "going on from step 1" in done.stdout and done.stdout.count("written:") == 1
    one, other = checkpoints.load(whole)[0], checkpoints.load(halves)[0]
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


LOST = """
import os
from lib.training.parallel import LostProcess, team
import torch
with team() as together:
    together.all_reduce(torch.zeros(3))
    if together.rank == 1:
        os._exit(7)
    try:
        together.all_reduce(torch.zeros(3))
    except LostProcess as error:
        print(error, flush=True)
        raise SystemExit(1)
"""


def test_who_loses_another_process_says_so(tmp_path):
    done = torchrun(2, program(tmp_path, LOST))
    assert done.returncode != 0
    # torchrun may end the others before they have noticed: then its own report names the process
    assert "another process of this training has ended" in done.stdout or "exitcode" in done.stderr


def test_too_many_processes_for_a_batch_are_refused(tmp_path):
    done = torchrun(2, *small(tmp_path, "--batch", "1", "--out", str(tmp_path / "no.safetensors")))
    assert done.returncode != 0 and "--batch 1 is too small for 2 processes" in done.stderr
