"""Our blocks beside PyTorch's layers, forward and backward: `python benchmarks/blocks.py [rounds]`.

One interleaved run: every round times both once, in turn, so that a busy machine slows both. A ratio is the median
over the rounds of our time divided by theirs in the same round; below 1 we are faster. The time is the processor's, on
one thread, which other programs disturb least. Same sizes, biases, norms and dropout, in training mode. PyTorch's
layers drop attention weights too, which ours do not: "as called" leaves that on, the other columns compare equal work.
"""

import os
import sys
import time
from collections.abc import Callable
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import nn

from lib.attention import causal_mask
from lib.layers import PostNorm, PreNorm
from lib.transformer import DecoderBlock, EncoderBlock

SIZES = [(50, 30, 128, 4), (16, 128, 192, 6), (8, 64, 512, 8)]  # batch, position, d_model, heads
DROPOUT = 0.1


def encoders(size: tuple[int, int, int, int], shortcut: type, equal_work: bool = True) -> tuple[Callable, Callable]:
    """One forward and backward step of an encoder block with a causal mask: ours, theirs."""
    batch, position, d_model, n_heads = size
    x, mask = torch.randn(batch, position, d_model, requires_grad=True), causal_mask(position)
    sizes = d_model, n_heads, 4 * d_model, DROPOUT
    ours = EncoderBlock(*sizes, shortcut, bias=True)
    theirs = nn.TransformerEncoderLayer(*sizes, batch_first=True, norm_first=shortcut is PreNorm)
    if equal_work:
        theirs.self_attn.dropout = 0.0
    return lambda: ours(x, mask).sum().backward(), lambda: theirs(x, src_mask=~mask).sum().backward()


def decoders(size: tuple[int, int, int, int], shortcut: type) -> tuple[Callable, Callable]:
    """The same for a decoder block, with a memory as long as x."""
    batch, position, d_model, n_heads = size
    x, mask = torch.randn(batch, position, d_model, requires_grad=True), causal_mask(position)
    memory = torch.randn(batch, position, d_model, requires_grad=True)
    sizes = d_model, n_heads, 4 * d_model, DROPOUT
    ours = DecoderBlock(*sizes, shortcut, bias=True)
    theirs = nn.TransformerDecoderLayer(*sizes, batch_first=True, norm_first=shortcut is PreNorm)
    theirs.self_attn.dropout = theirs.multihead_attn.dropout = 0.0
    return (
        lambda: ours(x, memory, mask).sum().backward(),
        lambda: theirs(x, memory, tgt_mask=~mask).sum().backward(),
    )


def compare(ours: Callable, theirs: Callable, rounds: int) -> tuple[float, float]:
    """The median ratio of our time by theirs, and our median milliseconds."""
    times: dict[Callable, list[float]] = {ours: [], theirs: []}
    for step in times:
        step()
    for _ in range(rounds):
        for step, taken in times.items():
            start = time.process_time()
            step()
            taken.append(time.process_time() - start)
    return median(a / b for a, b in zip(*times.values(), strict=True)), 1000 * median(times[ours])


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"one thread, {rounds} rounds; ours / PyTorch's, below 1 we are faster")
    heads = f"{'encoder':>8} {'decoder':>8} {'encoder as called':>18} {'ours, ms':>14}"
    print(f"{'batch × position × d_model, heads':34} {'norm':9} {heads}")
    for size in SIZES:
        for shortcut in (PreNorm, PostNorm):
            encoder, encoder_ms = compare(*encoders(size, shortcut), rounds)
            decoder, decoder_ms = compare(*decoders(size, shortcut), rounds)
            as_called, _ = compare(*encoders(size, shortcut, equal_work=False), rounds)
            label = " × ".join(map(str, size[:3])) + f", {size[3]}"
            name = "pre-norm" if shortcut is PreNorm else "post-norm"
            numbers = f"{encoder:8.2f} {decoder:8.2f} {as_called:18.2f} {encoder_ms:7.1f} {decoder_ms:6.1f}"
            print(f"{label:34} {name:9} {numbers}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
