"""Notebook 01: right answers to its questions pass, wrong ones are told why, and its recorded trainings say so."""

import json
import math

import pytest
import torch

from lib.checks import exercise
from lib.corpora import files

RIGHT = {
    "rnn_parameters": [24_448, 24_448.0, torch.tensor(24_448)],
    "blind_guess": [math.log(62), 4.13, 4.12, torch.log(torch.tensor(62.0))],
    "gradient_left": [0.0051, 5.1e-3, 0.768**20],
    "cut_gradient": ["b", "B", " b "],
    "open_gate": [4.97, 4.96, -math.log(2**0.01 - 1)],
    "read_gate": [0.91, 0.912, 0.9, 10**-0.04],
    "dependent_steps": [1002, 1002.0],
}
WRONG = {
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
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values])
def test_right_values_pass(name, value):
    assert exercise(name).judge(value).status == "passed"


@pytest.mark.parametrize(("name", "pair"), [(name, pair) for name, pairs in WRONG.items() for pair in pairs])
def test_wrong_values_are_told_why(name, pair):
    asked, (value, says) = exercise(name), pair
    verdict = asked.judge(value)
    assert verdict.status == "wrong" and says in verdict.message
    assert says or asked.hint in verdict.message  # a value that nobody foresaw gets the general hint


@pytest.mark.parametrize("name", RIGHT)
def test_hints_do_not_give_the_value_away(name):
    asked = exercise(name)
    told = f"{asked.reference:.3g}" if isinstance(asked.reference, float) else str(asked.reference)
    texts = [asked.hint, *(hint for _, hint in asked.hints)]
    assert name == "cut_gradient" or not any(told in text for text in texts)


def test_at_equal_time_the_rnn_is_ahead_of_the_lstm():
    recorded = json.loads(files.read("recurrent_results.json"))
    longer, lstm = recorded["RNN, 1850 steps"]["0.012"], recorded["LSTM"]["0.01"]
    assert longer.keys() == lstm.keys() == {"0", "1", "2"}
    losses = [[run["loss"] for run in runs.values()] for runs in (longer, lstm)]
    assert max(losses[0]) < min(losses[1]) and round((sum(losses[1]) - sum(losses[0])) / 3, 2) == 0.12
    seconds = [sum(run["seconds"] for run in runs.values()) for runs in (longer, lstm)]
    assert seconds[0] < seconds[1]  # the RNN had the smaller budget
