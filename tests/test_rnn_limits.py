"""Notebook 01: its recorded trainings say what its text says."""

import json

from lib.corpora import files


def test_at_equal_time_the_rnn_is_ahead_of_the_lstm():
    recorded = json.loads(files.read("recurrent_results.json"))
    longer, lstm = recorded["RNN, 1850 steps"]["0.012"], recorded["LSTM"]["0.01"]
    assert longer.keys() == lstm.keys() == {"0", "1", "2"}
    losses = [[run["loss"] for run in runs.values()] for runs in (longer, lstm)]
    assert max(losses[0]) < min(losses[1]) and round((sum(losses[1]) - sum(losses[0])) / 3, 2) == 0.12
    seconds = [sum(run["seconds"] for run in runs.values()) for runs in (longer, lstm)]
    assert seconds[0] < seconds[1]  # the RNN had the smaller budget
