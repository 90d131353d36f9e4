"""Tokens a second with one process and with several: `python benchmarks/parallel.py [rounds] [processes]`.

Both ways of averaging, the course's (`lib.training.parallel`, one message a parameter) and PyTorch's
DistributedDataParallel (large messages, sent while the backward pass goes on), take the same steps on the same joint
batch, 8 x 128 tokens of a GPT with 4 blocks and d_model 128, and of one with d_model 384. One process and several take
turns, so that a busy machine slows all alike; what is printed is the median over the rounds, by the clock on the wall:
processor time cannot show what a second processor gains. All run with one thread each. Where the processors are not
free this measures the neighbours.
"""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
import torch
from torch.nn.parallel import DistributedDataParallel

from lib.gpt import FusedGPT, gpt_loss, initial_weights
from lib.training.parallel import Team, average_gradients, team

ROWS, LENGTH, VOCAB, N_LAYERS, N_HEADS = 8, 128, 2048, 4, 4
WIDTHS = 128, 384
WARM, STEPS = 2, 12


def tokens_a_second(together: Team, d_model: int, ours: bool) -> float:
    """The joint batch's tokens a second, as this process sees it."""
    sizes = VOCAB, LENGTH, d_model, N_HEADS, N_LAYERS
    model = initial_weights(FusedGPT(*sizes), torch.Generator().manual_seed(0))
    learning = model if ours or together.size == 1 else DistributedDataParallel(model)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
    ids = torch.randint(VOCAB, (ROWS, LENGTH + 1), generator=torch.Generator().manual_seed(1))
    mine, targets = together.part(ids)
    for step in range(WARM + STEPS):
        if step == WARM:
            together.all_reduce(torch.zeros(1))  # all begin together
            start = time.perf_counter()
        optimiser.zero_grad()
        gpt_loss(learning, mine).backward()
        if ours and together.size > 1:
            average_gradients(model, together.all_reduce, targets / (ROWS * LENGTH))
        optimiser.step()
    return STEPS * ROWS * LENGTH / (time.perf_counter() - start)


def work() -> None:
    """What each process does."""
    with team() as together:
        found = {
            f"{width} {'ours' if ours else 'DDP'}": tokens_a_second(together, width, ours)
            for width in WIDTHS
            for ours in (True, False)
        }
        print(json.dumps(found), flush=True)  # the others' prints go nowhere


def started(processes: int) -> dict[str, float]:
    """The tokens a second of so many processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    settings = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run([*command, __file__, "work"], check=True, stdout=subprocess.PIPE, text=True, env=settings)
    return json.loads(done.stdout.splitlines()[-1])


def main(words: list[str]) -> None:
    rounds = int(words[0]) if words else 3
    processes = int(words[1]) if len(words) > 1 else 2
    speeds = defaultdict(list)
    for _ in range(rounds):
        for size in (1, processes):
            for name, speed in started(size).items():
                speeds[name, size].append(speed)
    for width in WIDTHS:
        for name in (f"{width} ours", f"{width} DDP"):
            one, many = (median(speeds[name, size]) for size in (1, processes))
            print(f"d_model {name:10} 1: {one:9,.0f} tokens/s   {processes}: {many:9,.0f}   {many / one:.2f} times")


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work()
    else:
        main(sys.argv[1:])
