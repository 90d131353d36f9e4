"""The questions of notebook 05: answers that people give, and what they are told."""

import pytest
import torch

from lib.checks import exercise

WRONG = [
    ("head_block", (64, 64), "reads all of x"),
    ("head_block", (64, 768), "nn.Linear"),
    ("head_block", [768, 768], "all twelve heads"),
    ("head_block", (768, 12), "How many numbers has each"),
    ("head_block", 768 * 64, "How many numbers does the head read"),
    ("allowed_pairs", 31, "rows of the paddings are not empty"),
    ("allowed_pairs", 42, "the causal mask alone"),
    ("allowed_pairs", 60, "the padding mask alone"),
    ("allowed_pairs", 41, "Does a padding see itself"),
    ("allowed_pairs", 29, "the diagonal counts"),
    ("allowed_pairs", 18, "The batch has two"),
    ("allowed_pairs", 72, "row by row"),
    *(("leaking_line", line, "") for line in (1, 2, 3, 5, 6, 7, 8)),
    ("prefix_price", 1000, "half as long on average"),
    ("prefix_price", 500_500, "How many times 1,000"),
    ("prefix_price", 499, "How long are the 1,000 beginnings"),
    ("crossover", 512, "Here the projections"),
    ("crossover", 2048, "Divide again"),
    ("crossover", 1536, "Set the two counts equal"),
    ("friends_curve", "overfitting", "new and random"),
    ("friends_curve", "learning rate", "unstable"),
    ("friends_curve", "the mask", "honest model"),
    ("late_sums", (1, 1), "before the softmax gives"),
    ("late_sums", (0.25, 0.1), "one of the two words"),
    ("late_sums", (0.5, 0.8), "What is left"),
    ("late_sums", (0.2, 0.5), "three numerators"),
]
RIGHT = [
    ("head_block", (768, 64)),
    ("head_block", [768, 768 // 12]),
    ("head_block", torch.Size([768, 64])),
    ("allowed_pairs", 39),
    ("allowed_pairs", torch.tensor(39)),
    ("leaking_line", 4),
    ("prefix_price", 500.5),
    ("prefix_price", 500),
    ("prefix_price", 1001 / 2),
    ("crossover", 1024),
    ("crossover", 2 * 512.0),
    ("friends_curve", "Leak"),
    ("friends_curve", " leak "),
    ("late_sums", (1 / 2, 1 / 5)),
    ("late_sums", [0.5, 0.2]),
    ("late_sums", torch.tensor([0.5, 0.2])),
]


@pytest.mark.parametrize(("name", "answer", "told"), WRONG)
def test_a_wrong_answer_is_refused_and_told_why(name, answer, told):
    verdict = exercise(name).judge(answer)
    assert verdict.status == "wrong" and told in verdict.message


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_a_right_answer_is_accepted_however_it_is_written(name, answer):
    assert exercise(name).judge(answer).status == "passed"


def test_the_answers_are_what_a_pencil_gives():
    by_hand = {"head_block": (768, 64), "allowed_pairs": 21 + 18, "prefix_price": 500.5, "crossover": 1024}
    assert {name: exercise(name).reference for name in by_hand} == by_hand
    assert exercise("late_sums").reference == pytest.approx((0.5, 0.2))
