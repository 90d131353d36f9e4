"""Questions of notebook 01: sizes, products of many factors, gates, and what has to wait for what."""

import math

import torch

from lib import recurrent
from lib.checks.core import Question

__all__ = [
    "blind_guess",
    "cut_gradient",
    "dependent_steps",
    "gradient_left",
    "open_gate",
    "read_gate",
    "rnn_parameters",
]

_ROUGHLY = 0.02  # two or three digits by pencil


rnn_parameters = Question(
    "rnn_parameters",
    lambda: sum(weights.numel() for weights in recurrent.RNN(62, 128).parameters()),
    "62 · 128 + 128 · 128 + 128. The length of the text does not count: every step uses the same weights.",
    "What shapes have w_input, w_hidden and the bias? Which of them depend on the number of positions?",
    (
        (62 * 128 + 128 * 128, "The bias is missing."),
        (62 * 128 + 128, "The matrix from state to state is missing."),
        (128 * 128 + 128, "The matrix from symbol to state is missing."),
        (1000 * (62 * 128 + 128 * 128 + 128), "All positions share their weights."),
        (62 * 128 + 128 * 128 + 2 * 128, "PyTorch's own RNN has two biases; ours has one."),
        (62 * 128 + 128 * 128 + 1000 * 128, "The bias is the same at every position."),
        (
            62 * 128 + 128 * 128 + 128 + 128 * 62 + 62,
            "That is with the layer that makes logits; the RNN alone is asked.",
        ),
    ),
)
blind_guess = Question(
    "blind_guess",
    lambda: recurrent.next_character_loss(torch.zeros(1, 2, 62), torch.zeros(1, 2, dtype=torch.long)).item(),
    "each character gets 1/62, so the surprise is -log(1/62) = log 62 = 4.13 nats, whatever comes.",
    "Which probability does it give to the right character? What is minus the logarithm of that?",
    (
        (1 / 62, "That is the probability. The loss is minus its logarithm."),
        (math.log2(62), "That is in bits; nats take the natural logarithm."),
        (math.log10(62), "Take the natural logarithm."),
        (-math.log(62), "Minus the logarithm of a number below 1 is positive."),
        (62, "That is the perplexity, e to the power of the loss."),
    ),
    within=0.01,
)
gradient_left = Question(
    "gradient_left",
    lambda: _scalar_gradient(weight=1.2, state=0.6, steps=20),
    "1.2 · (1 - 0.36) = 0.768, and 0.768²⁰ = 0.0051. The weight is above 1, and the gradient vanishes all the same.",
    "One step multiplies by the weight times the slope of tanh, and the slope follows from the state. Twenty steps?",
    (
        (1.2**20, "That would be without tanh, whose slope is below 1 here."),
        (0.768, "That is one step."),
        (20 * 0.768, "The factors of the steps are multiplied, not added."),
        ((1.2 * 0.6) ** 20, "The slope of tanh where its value is h is 1 - h², not h."),
        ((1.2 * 0.4) ** 20, "The slope is 1 - h², with the square."),
        (0.64**20, "That is without the weight."),
        ((1.2 * (1 - math.tanh(0.6) ** 2)) ** 20, "0.6 is the state, tanh has been taken already."),
    ),
    within=_ROUGHLY,
)
cut_gradient = Question(
    "cut_gradient",
    lambda: "b",
    "detach passes the values on and stops the gradient: the network reads with its memory and cannot learn to use it.",
    "Which of them leaves the states as they are, and lets no gradient through at all?",
    (
        ("a", "Then the states would not change either: nothing would be carried on."),
        ("c", "Shortened gradients are small, not 0, and these gradients belong to states, which nobody clips."),
        ("d", "Then the gradient would fall fast, but not to exactly 0 in one step."),
    ),
)
open_gate = Question(
    "open_gate",
    lambda: _bias_that_keeps(0.5, steps=100),
    "the gate is 0.5^(1/100) = 0.9931, and σ(b) = 0.9931 where b = log(0.9931 / 0.0069) = 4.97.",
    "First the gate: which number to the power 100 is a half? Then the bias: at which b is σ(b) that number?",
    (
        (0.5**0.01, "That is the gate. Which bias opens it so far?"),
        (0.0, "σ(0) = 0.5 keeps a half over one step."),
        (3.0, "σ(3)¹⁰⁰ is 0.008."),
        (-4.966, "The sign: a positive bias opens the gate."),
    ),
    within=0.01,
)
read_gate = Question(
    "read_gate",
    lambda: 10.0 ** (-4 / 100),
    "10⁻⁴ is left after 100 steps, and 10^(-4/100) = 0.91: the straight line on the logarithmic axis is one factor, "
    "repeated.",
    "How much is left after 100 steps? Which number, multiplied by itself 100 times, is that?",
    (
        (1e-4, "That is left after 100 steps; the gate is what one step leaves."),
        (1e-6, "Read the axis once more: each labelled line is a power of ten."),
        (0.1, "That is left after 25 steps; the gate is what one step leaves."),
        (1 - 10.0 ** (-4 / 100), "That is what one step takes away."),
        (0.04, "The curve does not fall by equal amounts, but by equal factors."),
        (0.96, "The exponent falls by 0.04 a step; the gate is 10 to that power."),
    ),
    within=_ROUGHLY,
)
dependent_steps = Question(
    "dependent_steps",
    lambda: _last_turn(positions=1000, layers=3),
    "layer 2 can begin one turn after layer 1, and layer 3 one turn after that: 1,000 + 2. Layers overlap, "
    "positions cannot.",
    "Layer 2 needs layer 1's state at the same position, and its own at the one before. When can it begin?",
    (
        (3000, "Layer 2 need not wait until layer 1 has read everything."),
        (1000, "Layer 3 cannot read position 1,000 in the turn in which layer 1 does."),
        (1003, "Layer 2 begins in the turn after layer 1's first step, in turn 2. In which turn does layer 3?"),
        (1001, "That is when layer 2 is done."),
        (3, "The layers are 3, but each of them reads 1,000 positions one after the other."),
    ),
)


def _scalar_gradient(weight: float, state: float, steps: int) -> float:
    """The share left by a recurrence whose states are all `state`: inputs are chosen so."""
    one = torch.ones(1, 1, dtype=torch.float64)
    inputs = (math.atanh(state) - weight * state) * torch.ones(1, steps, 1, dtype=torch.float64)
    norms = recurrent.gradient_by_distance(
        lambda symbol, hidden: recurrent.rnn_step(symbol, hidden, one, weight * one, 0 * one[0]), inputs, state * one
    )
    return (norms[-1] / norms[0]).item()


def _bias_that_keeps(share: float, steps: int) -> float:
    gate = share ** (1 / steps)
    return math.log(gate / (1 - gate))


def _last_turn(positions: int, layers: int) -> int:
    """When the last state of the last layer is known: each waits for the one before it and the one below it."""
    turns = [0] * layers
    for _ in range(positions):
        for layer in range(layers):
            turns[layer] = 1 + max(turns[layer], turns[layer - 1] if layer else 0)
    return turns[-1]
