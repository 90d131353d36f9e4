"""Our MultiHeadAttention beside nn.MultiheadAttention, forward and backward: `python benchmarks/attention.py [rounds]`.

One interleaved run: every round times all of them once, in turn, so that a busy machine slows all alike. A ratio is the
median over the rounds of our time divided by theirs in the same round; below 1 we are faster. Both have biases and the
same sizes. "weights" compares the two where the attention weights are returned as well.
"""

import os
import sys
import time
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor, nn

from lib.attention import MultiHeadAttention, causal_mask

SIZES = [(50, 30, 128, 4), (16, 128, 192, 6), (8, 256, 256, 4), (2, 512, 256, 8)]  # batch, position, d_model, heads


def steps(size: tuple[int, int, int, int], kind: str) -> dict[str, object]:
    """One forward and backward step of each contestant, on the same input."""
    batch, position, d_model, n_heads = size
    x = torch.randn(batch, position, d_model, requires_grad=True)
    ours, theirs = MultiHeadAttention(d_model, n_heads, bias=True), nn.MultiheadAttention(d_model, n_heads)
    theirs.batch_first = True
    with_weights = MultiHeadAttention(d_model, n_heads, bias=True)
    with_weights.keep_weights = True
    mask, forbidden = None, {}
    if kind == "causal":
        mask = causal_mask(position)
        forbidden = {"attn_mask": ~mask}
    if kind == "padding":
        mask = (torch.arange(position) < torch.randint(position // 2, position + 1, (batch, 1)))[:, None, None, :]
        forbidden = {"key_padding_mask": ~mask[:, 0, 0]}

    def train(output: Tensor) -> None:
        output.sum().backward()

    return {
        "ours": lambda: train(ours(x, mask=mask)),
        "theirs": lambda: train(theirs(x, x, x, need_weights=False, **forbidden)[0]),
        "ours, weights": lambda: train(with_weights(x, mask=mask)),
        "theirs, weights": lambda: train(theirs(x, x, x, average_attn_weights=False, **forbidden)[0]),
    }


def ratios(contestants: dict[str, object], rounds: int) -> tuple[float, float, float]:
    """Ours by theirs, the same with weights, and our milliseconds: medians over the rounds."""
    for step in contestants.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, step in contestants.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)

    def ratio(mine: str, other: str) -> float:
        return median(a / b for a, b in zip(times[mine], times[other], strict=True))

    return ratio("ours", "theirs"), ratio("ours, weights", "theirs, weights"), 1000 * median(times["ours"])


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"one thread, {rounds} rounds; ours / nn.MultiheadAttention, below 1 we are faster")
    print(f"{'batch × position × d_model, heads':34} {'mask':8} {'ratio':>6} {'with weights':>13} {'ours, ms':>9}")
    for size in SIZES:
        for kind in ("none", "causal", "padding"):
            plain, weights, milliseconds = ratios(steps(size, kind), rounds)
            label = " × ".join(map(str, size[:3])) + f", {size[3]}"
            print(f"{label:34} {kind:8} {plain:6.2f} {weights:13.2f} {milliseconds:9.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
