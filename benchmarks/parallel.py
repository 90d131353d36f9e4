"""Tokens a second with one process and with two: `python benchmarks/parallel.py [rounds]`, to parallel_results.json.

Both ways of averaging, the course's (`lib.training.parallel`, one message a parameter, "ours") and PyTorch's
DistributedDataParallel (large messages, sent while the backward pass goes on, "DDP"), take the same steps on the same
joint batch, 8 x 128 tokens of a GPT with 4 blocks and d_model 128, and of one with d_model 384. One process and two
take turns, so that a busy machine slows all alike; what is recorded is the median over the rounds, by the clock on the
wall: processor time cannot show what a second processor gains. All run with one thread each. Only the ratios mean
something elsewhere, and where the processors are not free, this measures the neighbours too: "busy" is the load of the
machine per processor while it ran.
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

from lib.corpora import files
from lib.gpt import FusedGPT, gpt_loss, initial_weights
from lib.training.parallel import Team, average_gradients, team

ROWS, LENGTH, VOCAB, N_LAYERS, N_HEADS = 8, 128, 2048, 4, 4
WIDTHS = 128, 384
WARM, STEPS = 1, 6
RESULTS = "parallel_results.json"


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
            for ours in ((True, False) if together.size > 1 else (True,))
        }
        print(json.dumps(found), flush=True)  # the others' prints go nowhere


def started(processes: int) -> dict[str, float]:
    """The tokens a second of so many processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    settings = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(
        [*command, __file__, "work"], check=True, stdout=subprocess.PIPE, text=True, env=settings, timeout=900
    )
    return json.loads(done.stdout.splitlines()[-1])


def main(words: list[str]) -> None:
    rounds, speeds, loads = int(words[0]) if words else 3, defaultdict(list), []
    for _ in range(rounds):
        for size in (1, 2):
            for name, speed in started(size).items():
                speeds[name, size].append(speed)
            loads.append(os.getloadavg()[0] / os.cpu_count())
    found: dict[str, dict[str, float]] = {}
    for width in WIDTHS:
        one = median(speeds[f"{width} ours", 1])
        found[f"d_model {width}"] = {"one process": round(one)}
        for way in ("ours", "DDP"):
            two = median(speeds[f"{width} {way}", 2])
            found[f"d_model {width}"] |= {f"two, {way}": round(two), f"times, {way}": round(two / one, 2)}
    found["machine"] = {"busy": round(median(loads), 1), "rounds": rounds}
    print(json.dumps(found, indent=1))
    files.record_results(RESULTS, "python benchmarks/parallel.py", found)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work()
    else:
        main(sys.argv[1:])
