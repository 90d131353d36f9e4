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
    # notebook 08
    "utf8_bytes": [13, 13.0],
    "sixth_merge": ["new", " new "],
    "newer_pieces": [["n", "ew", "e", "r"], ("n", "ew", "e", "r")],
    "line_pieces": [8, 8.0],
    "larger_table": [239_442_432, 239e6, 2.39e8],
    "best_prompt": ["b", "B", " b "],
    # notebook 10
    "found_by_two": [(0.19, 0.19, 0.196), [0.5 * 0.38, 0.5 * 0.38, 0.2 * 0.98]],
    "tipping_alpha": [0.74, 0.7402, math.log(1.35) / math.log(1.5)],
    "chosen_rows": [[1, 1, 5, 4], (1, 1, 5, 4), torch.tensor([1, 1, 5, 4])],
    "rivals": [3, 3.0],
    "counted_errors": [(3, 4, 1), [3, 4, 1]],
    "quarter_missing": [71.7, 71.65, 100 * math.exp(-1 / 3)],
    # notebook 11
    "text_perplexity": [4, 4.0, torch.tensor(4.0)],
    "predictions_made": [192, 192.0],
    "gpt3_blocks": [1.74e11, 12 * 96 * 12_288**2, 1.7e11],
    "first_loss": [10.8, 11, math.log(50_257), torch.log(torch.tensor(50_257.0))],
    "equal_loss": [1.125, 9 / 8],
    "best_size": [5.1e10, 51e9, 5.12e10, 5e10],
    "buggy_runs": ["BCA", "bca", " BCA "],
    # notebook 12
    "flat_temperature": [3, 3.0, math.log(8) / math.log(2)],
    "tail_allowed": [0.0069, 0.007, 1 - 0.5**0.01],
    "coin_heads": [(100, 60), [100, 60.0]],
    "kept_tokens": [(3, 4), [3, 4]],
    "typical_kept": [7, 7.0],
    "left_after": [(2, 4), [2, 4]],
    "penalised_share": [(0.5, 0.12), (1 / 2, 0.119), [0.5, 1 / (1 + math.exp(2))]],
    # notebook 17
    "guessed_places": [0.4375, 0.44, 7 / 16],
    # notebook 20
    "learnt_tokens": [12, 12.0],
    "lost_and_won": [0.184, 0.1839, 0.18, -math.log(1 / (1 + math.exp(-1.6)))],
    "silent_groups": [0.1552, 0.155, 0.6**4 + 0.4**4],
    "clipped_cases": ["AD", "ad", " AD "],
    # notebook 21
    "faster_by": [5 / 3, 1.67, 1.66, 1 / (0.4 + 0.2)],
    "joint_gradient": [3.5, torch.tensor(3.5), 7 / 2],
    "ring_traffic": [871_078_656, 871_078_656.0, 2 * 7 * 124_439_808 // 8 * 4],
    "waiting_share": [0.2, 3 / 15, torch.tensor(0.2)],
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
    # notebook 08
    "utf8_bytes": [(9, "Some of them take more"), (10, ""), (15, ""), (18, "one byte each, not two"), ("13", None)],
    "sixth_merge": [
        ("ewest", "the smaller tuple"),
        ("lowest", ""),
        ("n", ""),
        ("ne", "belongs to ew"),
        (261, None),
        ("", ""),
    ],
    "newer_pieces": [
        (["new", "er"], "Neither new nor er"),
        (["n", "ew", "er"], "er is not"),
        (["newer"], ""),
        ("n ew e r", None),
        (4, None),
    ],
    "line_pieces": [
        (4, "kept apart"),
        (5, ""),
        (7, "Is x2 one piece?"),
        (9, "of one kind"),
        (10, ""),
        (14, "the characters"),
        ("8", None),
    ],
    "larger_table": [
        (115_002_624, "the new ones"),
        (153_600_000, "alone"),
        (278_039_808, "already"),
        (200_000, ""),
        ("239 million", None),
    ],
    "best_prompt": [("a", "no such difference"), ("c", "loses nothing"), ("d", "names"), ("", ""), (2, "")],
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
    # notebook 11
    "text_perplexity": [
        (5, "the mean of 2, 8, 2 and 8"),
        (3.2, "one over the mean probability"),
        (2, "the loss in bits"),
        (2 * math.log(2), "the loss in nats"),
        (math.exp(2), "yours is in bits"),
        (256, "over the number of tokens"),
        (1 / 256, "the probability of the whole"),
        (0.25, "never below 1"),
        (8, "the sum of the surprises"),
        (6, ""),
        ("four", ""),
    ],
    "predictions_made": [
        (198, "the first token of a row"),
        (32, "That is one row."),
        (33, "one row, and"),
        (6, "Every position asks"),
        (197, "*each* row"),
        (186, "Only one token"),
        (191, ""),
    ],
    "gpt3_blocks": [
        (12 * 12_288**2, "one block"),
        (12 * 96 * 12_288, "squared"),
        (4 * 96 * 12_288**2, "attention alone"),
        (8 * 96 * 12_288**2, "feed-forward alone"),
        (96 * 12_288**2, "more than one matrix"),
        (174, "not in billions"),
        (1.9e11, ""),
    ],
    "first_loss": [
        (15.6, "in bits"),
        (4.7, "base of 10"),
        (50_257, "perplexity"),
        (1 / 50_257, "the probability of each"),
        (-math.log(50_257), "sign"),
        (0, "always right"),
        (math.log(2_048), "2,048"),
        (0.02, "size of the weights"),
        (10, ""),
    ],
    "equal_loss": [
        (3.0, "more questions"),
        (8.0, "other way round"),
        (0.75, "for each byte"),
        (1.08, "nats a token"),
        (1.62, "not in bits"),
        (2.0, "3.0 / 1.5"),
        (0.5, "Multiply"),
        (4.5, "Divide"),
        (1.5, ""),
    ],
    "best_size": [
        (3.15e23 / 120, "take the root"),
        ((3.15e23 / 6) ** 0.5, "where is the 20"),
        ((3.15e23 / 20) ** 0.5, "The 6"),
        (1.02e12, "number of tokens"),
        (1.5e10, "not the tokens"),
        (51.2, "not in billions"),
        (3.5e12, "not the size"),
        (175e9, ""),
    ],
    "buggy_runs": [
        ("CBA", "where does a model end"),
        ("ACB", "one know that sees itself"),
        ("BAC", "anything left to guess"),
        ("CAB", "cannot see the answer"),
        ("ABC", "Who can see the answer"),
        ("BC", ""),
        (0, ""),
    ],
    # notebook 12
    "flat_temperature": [(2, "the root"), (4, "1.68"), (1 / 3, "512"), (16, ""), ("3", None)],
    "tail_allowed": [(0.005, "Take a root"), (0.01, "0.37"), (0.993, "the other tokens"), (0.034, "not 20"), (0, "")],
    "coin_heads": [
        ((60, 60), "likelier one"),
        ((60, 100), "changed places"),
        (100, "one of the two"),
        ("100 and 60", None),
        ((100, 60, 40), None),
    ],
    "kept_tokens": [((4, 3), "changed places"), ((2, 4), "crosses"), (3, None), ((3, 5), "0.06")],
    "typical_kept": [(8, "no more than"), (1, "further"), (4, "the nucleus"), (6, "equals"), (0, "the nearest")],
    "left_after": [((4, 2), "changed places"), ((2, 3), "an equal"), (2, None), ((2, 2), "temperature 2")],
    "penalised_share": [
        ((0.5, 0.5), "4 becomes 2"),
        ((0.5, 0.33), "not half the probability"),
        ((0.5, 0.88), "the second token"),
        ((0.12, 0.5), "changed places"),
        (0.12, None),
    ],
    # notebook 17
    "guessed_places": [
        (1 / 3, "all three places"),
        (1 / 2.25, "the mean of 1 over"),
        (1 / 2, "sometimes there is one"),
        (1 / 24, "of this text"),
        (0.75, ""),
    ],
    # notebook 20
    "learnt_tokens": [(10, "learn to stop"), (14, "not two"), (34, "whole row"), (2, ""), ("all", "")],
    "lost_and_won": [
        (1.6, "the margin"),
        (16, "the difference"),
        (0.69, "at the start"),
        (1.78, "The sign"),
        (-0.184, "minus that"),
        (0, "β is missing"),
        (8, ""),
    ],
    "silent_groups": [(0.13, "one of two ways"), (0.026, "one of two ways"), (0.84, "does teach"), (0.6, "one story")],
    "clipped_cases": [("A", "negative advantage"), ("D", "positive advantage"), ("BC", "wrong way round"), (2, "")],
    # notebook 21
    "faster_by": [
        (3, "everything"),
        (0.6, "left of the time"),
        (2.5, "took no time at all"),
        (1.8, "add up the times"),
        (1.2, ""),
    ],
    "joint_gradient": [(3, "as many as 30"), (2.5, "exchanged"), (6, "the sum"), (140, "Divide"), (4, "")],
    "ring_traffic": [
        (2 * 7 * 124_439_808 // 8, "4 bytes"),
        (7 * 124_439_808 * 4 // 8, "first half"),
        (2 * 124_439_808 * 4, "very many"),
        (7 * 124_439_808 * 4, "without a ring"),
        (2 * 7 * 124_439_808 * 4, "an eighth"),
        (124_439_808 * 4, ""),
    ],
    "waiting_share": [(3 / 12, "15 steps"), (0.8, "works"), (0.75, "alone"), (0.5, "")],
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
    if name in NOTEBOOKS["02_bag_of_words_and_word2vec"] + NOTEBOOKS["08_tokens"]:
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
