"""Questions: right values pass however they are written, wrong ones are told why, and every hint is there for somebody.

A wrong value stands with a piece of what is said to it: "" for the general hint, None where anything may be said.
"""

import math

import pytest
import torch

from lib.checks import NOTEBOOKS, exercise
from lib.checks.core import Question

QUESTIONS = [
    asked.name for names in NOTEBOOKS.values() for name in names if isinstance(asked := exercise(name), Question)
]
RIGHT = {
    # notebook 01
    "rnn_parameters": [24_448, 24_448.0, torch.tensor(24_448)],
    "blind_guess": [math.log(62), 4.13, 4.12, torch.log(torch.tensor(62.0))],
    "gradient_left": [0.0051, 5.1e-3, 0.768**20],
    "cut_gradient": ["b", "B", " b "],
    "open_gate": [4.97, 4.96, -math.log(2**0.01 - 1)],
    "read_gate": [0.91, 0.912, 0.9, 10**-0.04],
    "dependent_steps": [1002, 1002.0],
    # notebook 02
    "quark_weight": [16.8, 16.82, 3 * 5.605],
    "pairs_of_a_sentence": [108, 108.0],
    "dense_numbers": [(50_000_000, 15_000_000, 300_000), [5e7, 1.5e7, 3e5]],
    "softmax_price": [115_333, 115_333.3, 120_000],
    "drawn_ratio": [1000, 1000.0],
    "flat_training": ["drawn", " Drawn "],
    "bank_neighbours": ["between", "Between"],
    # notebook 05
    "head_block": [(768, 64), [768, 768 // 12], torch.Size([768, 64])],
    "allowed_pairs": [39, torch.tensor(39)],
    "leaking_line": [4],
    "prefix_price": [500.5, 500, 1001 / 2],
    "crossover": [1024, 2 * 512.0],
    "friends_curve": ["Leak", " leak "],
    "late_sums": [(1 / 2, 1 / 5), [0.5, 0.2], torch.tensor([0.5, 0.2])],
    # notebook 10
    "found_by_two": [(0.19, 0.19, 0.196), [0.5 * 0.38, 0.5 * 0.38, 0.2 * 0.98]],
    "tipping_alpha": [0.74, 0.7402, math.log(1.35) / math.log(1.5)],
    "chosen_rows": [[1, 1, 5, 4], (1, 1, 5, 4), torch.tensor([1, 1, 5, 4])],
    "rivals": [3, 3.0],
    "counted_errors": [(3, 4, 1), [3, 4, 1]],
    "quarter_missing": [71.7, 71.65, 100 * math.exp(-1 / 3)],
}
WRONG = {
    # notebook 01
    "rnn_parameters": [
        (24_320, "bias"),
        (24_448_000, "share"),
        (24_576, "two biases"),
        (8_064, "from state to state"),
        (128, ""),
    ],
    "blind_guess": [
        (5.95, "bits"),
        (0.016, "probability"),
        (62, "perplexity"),
        (-4.13, "positive"),
        (1.79, "natural"),
        (0, ""),
    ],
    "gradient_left": [
        (38.3, "without tanh"),
        (0.768, "one step"),
        (15.4, "multiplied"),
        (0.0014, "not h"),
        (0.006, ""),
    ],
    "cut_gradient": [("a", "carried on"), ("c", "clips"), ("d", "exactly 0"), (2, ""), ("detach", "")],
    "open_gate": [(0.993, "the gate"), (3, "0.008"), (-4.97, "sign"), (0, "one step"), (4.6, "")],
    "read_gate": [(1e-4, "one step"), (0.1, "25 steps"), (0.96, "exponent"), (0.088, "takes away"), (0.5, "")],
    "dependent_steps": [
        (3000, "everything"),
        (1000, "in the turn"),
        (1003, "turn 2"),
        (1001, "layer 2"),
        (3, "one after"),
        (999, ""),
    ],
    # notebook 02: whatever is said
    "quark_weight": [(5.6, None), (14, None), (17.1, None), (9.0, None), (-16.8, None), ("16.8", None)],
    "pairs_of_a_sentence": [(120, None), (114, None), (106, None), (57, None), ("many", None)],
    "dense_numbers": [((15000000, 50000000, 300000), None), ((50000, 15000000, 300), None), (50000000, None)],
    "softmax_price": [(138400, None), (692000, None), (6, None), (5, None), (1, None)],
    "drawn_ratio": [(10000, None), (7500, None), (100, None), (10, None), (1, None), (0.001, None), (999, None)],
    "flat_training": [("rate", None), ("window", None), ("labels", None), ("drawn words", None), (0, None)],
    "bank_neighbours": [("one side", None), ("nowhere", None), ("", None), (1, None)],
    # notebook 05
    "head_block": [
        ((64, 64), "reads all of x"),
        ((64, 768), "nn.Linear"),
        ([768, 768], "all twelve heads"),
        ((768, 12), "How many numbers has each"),
        (768 * 64, "How many numbers does the head read"),
    ],
    "allowed_pairs": [
        (31, "rows of the paddings are not empty"),
        (42, "the causal mask alone"),
        (60, "the padding mask alone"),
        (41, "Does a padding see itself"),
        (29, "the diagonal counts"),
        (18, "The batch has two"),
        (72, "row by row"),
    ],
    "leaking_line": [
        (1, None),
        (2, None),
        (3, None),
        (5, None),
        (6, None),
        (7, None),
        (8, None),
    ],
    "prefix_price": [
        (1000, "half as long on average"),
        (500_500, "How many times 1,000"),
        (499, "How long are the 1,000 beginnings"),
    ],
    "crossover": [
        (512, "Here the projections"),
        (2048, "Divide again"),
        (1536, "Set the two counts equal"),
    ],
    "friends_curve": [
        ("overfitting", "new and random"),
        ("learning rate", "unstable"),
        ("the mask", "honest model"),
    ],
    "late_sums": [
        ((1, 1), "before the softmax gives"),
        ((0.25, 0.1), "one of the two words"),
        ((0.5, 0.8), "What is left"),
        ((0.2, 0.5), "three numerators"),
    ],
    # notebook 10
    "found_by_two": [
        ((0.19, 0.196, 0.196), "Is C one of them"),
        ((0.19, 0.165, 0.196), "the better of what comes"),
        ((0.19, 0.19, 0.19), "begin with C"),
        ((0.19, 0.19, 0.2), ""),
        ((0.196, 0.19, 0.19), ""),
        (0.19, None),
    ],
    "tipping_alpha": [
        (1.35, "Take logarithms"),
        (0.9, "exponent"),
        (0.30, "Divide by log 1.5"),
        (1.5, "formula of Wu"),
        (-0.74, ""),
        (0.7, ""),
    ],
    "chosen_rows": [
        ([1, 1, 3, 2], "rows of sentence 1"),
        ([1, 1, 4, 5], "comes first"),
        ([1, 5, 4], "Both survivors"),
        ([0, 0, 5, 4], "counted from 0"),
        ([5, 4, 1, 1], ""),
        (1, None),
    ],
    "rivals": [(4, "its own share"), (2, "a third one"), (0.77, "How many fit"), (3.35, ""), (-3, "")],
    "counted_errors": [
        ((1, 4, 1), "not only the right one"),
        ((2, 4, 1), "in e is right"),
        ((3, 2, 1), "both kinds"),
        ((4, 3, 1), ""),
        ((3, 4), None),
    ],
    "quarter_missing": [
        (75, "not the share"),
        (0.717, "goes to 100"),
        (100, "the brevity penalty"),
        (77.9, "r by c"),
        (72.5, ""),
        ("71.7", None),
    ],
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_right_passes_and_what_is_not_written_is_no_mistake(name):
    asked = exercise(name)
    assert asked.judge(...).status == "unwritten"
    for value in (asked.reference, *RIGHT.get(name, ())):
        assert asked.judge(value).status == "passed", value


@pytest.mark.parametrize(("name", "pair"), [(name, pair) for name, pairs in WRONG.items() for pair in pairs])
def test_wrong_values_are_told_why(name, pair):
    asked, (value, says) = exercise(name), pair
    verdict = asked.judge(value)
    assert verdict.status == "wrong"
    assert says is None or (says or asked.hint) in verdict.message


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_expected_slip_gets_its_own_hint(name):
    asked = exercise(name)
    for value, hint in asked.hints:
        verdict = asked.judge(value)
        assert verdict.status == "wrong" and hint in verdict.message, value
    if name in NOTEBOOKS["02_bag_of_words_and_word2vec"]:
        assert all(asked.hint not in hint for _, hint in asked.hints)


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name in NOTEBOOKS["01_rnn_limits"]])
def test_hints_do_not_give_the_value_away(name):
    asked = exercise(name)
    told = f"{asked.reference:.3g}" if isinstance(asked.reference, float) else str(asked.reference)
    texts = [asked.hint, *(hint for _, hint in asked.hints)]
    assert name == "cut_gradient" or not any(told in text for text in texts)


def test_the_answers_are_what_a_pencil_gives():
    by_hand = {"head_block": (768, 64), "allowed_pairs": 21 + 18, "prefix_price": 500.5, "crossover": 1024}
    assert {name: exercise(name).reference for name in by_hand} == by_hand
    assert exercise("late_sums").reference == pytest.approx((0.5, 0.2))
    by_hand = {"chosen_rows": [1, 1, 5, 4], "rivals": 3, "counted_errors": (3, 4, 1)}
    assert {name: exercise(name).reference for name in by_hand} == by_hand
    assert exercise("found_by_two").reference == pytest.approx((0.19, 0.19, 0.196))
    assert exercise("tipping_alpha").reference == pytest.approx(0.740, abs=5e-4)
    assert exercise("quarter_missing").reference == pytest.approx(71.65, abs=5e-3)
