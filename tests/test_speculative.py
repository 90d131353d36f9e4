"""Speculative decoding keeps the target's texts: greedily token for token, drawn by a chi-square test."""

import itertools
import random

import pytest
import torch
from scipy import stats

from lib.decoding.generate import CachedGPT
from lib.decoding.sampling import generate, top_p
from lib.decoding.speculative import (
    NGramModel,
    RollbackModel,
    accept,
    acceptance_rate,
    expected_speedup,
    expected_tokens,
    greedy_probabilities,
    residual,
    speculative_generate,
    speculative_step,
)
from lib.gpt import GPT, initial_weights
from lib.llama import Llama

VOCAB = 5


def dice(seed):
    return torch.Generator().manual_seed(seed)


def table(seed):
    return (1.5 * torch.randn(VOCAB, VOCAB, generator=dice(seed))).softmax(-1)


def of_table(rows):
    return lambda ids, last: rows[torch.tensor(ids[-last:])]


def small_models():
    gpt = initial_weights(GPT(61, 97, 24, 3, 2), dice(1)).eval()
    llama = initial_weights(Llama(61, 24, 3, 2, 29, n_kv_heads=1, n_positions=97), dice(2)).eval()
    for model in (gpt, llama):
        for parameter in model.parameters():
            parameter.data *= 8  # sharper: no two tokens are nearly equal
    return {"gpt": gpt, "llama": llama}


def p_value(counts, probabilities):
    expected = torch.tensor(probabilities, dtype=torch.float64)
    return stats.chisquare(counts, (expected / expected.sum() * sum(counts)).numpy()).pvalue


def test_what_is_left_over_completes_what_was_kept():
    p, q = torch.rand(3, 7, 11, generator=dice(0)).softmax(-1), torch.rand(3, 7, 11, generator=dice(1)).softmax(-1)
    refused = 1 - acceptance_rate(p, q)
    assert torch.allclose(torch.minimum(p, q) + refused[..., None] * residual(p, q), p, atol=1e-6)
    assert torch.allclose(refused, (p - q).abs().sum(-1) / 2, atol=1e-6)  # the total variation distance
    assert torch.equal(residual(p, p), p)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_texts_of_three_tokens_come_as_often_as_the_target_alone_would_write_them(k):
    p, q, generator = table(0), table(1), dice(2)
    texts = list(itertools.product(range(VOCAB), repeat=2))
    counts = dict.fromkeys(texts, 0)
    for _ in range(6000):
        written = itertools.chain(*speculative_generate(of_table(p), of_table(q), [0], 2, k, generator))
        counts[tuple(written)] += 1
    assert p_value(list(counts.values()), [p[0, a] * p[a, b] for a, b in texts]) > 1e-4
    assert p_value(list(counts.values()), [q[0, a] * q[a, b] for a, b in texts]) < 1e-9  # the test can fail


def test_a_step_brings_as_many_tokens_as_the_formula_says():
    p, q, generator = torch.tensor([0.6, 0.3, 0.1]), torch.tensor([0.3, 0.6, 0.1]), dice(3)
    rate, n = acceptance_rate(p, q).item(), 4000
    assert rate == pytest.approx(0.7)
    target, draft = (of_table(row.expand(VOCAB, -1)) for row in (p, q))
    brought = [len(speculative_step(target, draft, [0], 3, generator)) for _ in range(n)]
    assert sum(brought) / n == pytest.approx(expected_tokens(rate, 3), abs=0.08)
    assert expected_tokens(rate, 3) == pytest.approx((1 - rate**4) / (1 - rate))
    assert expected_tokens(1.0, 3) == 4 and expected_speedup(0.0, 3, 0.1) == pytest.approx(1 / 1.3)


@pytest.mark.parametrize("name", ["gpt", "llama"])
@pytest.mark.parametrize("k", [0, 1, 4])
@torch.inference_mode()
def test_greedily_it_is_the_same_text_whatever_the_draft(name, k):
    model = small_models()[name]
    right = list(generate(CachedGPT(model), [3, 1, 4], 40, lambda logits, ids: int(logits.argmax())))
    good = NGramModel([3, 1, 4, *right[:25]], 61, 2, greedy_probabilities)  # knows the beginning
    bad = NGramModel([7, 7, 7], 61, 1, greedy_probabilities)
    for draft in (good, bad, RollbackModel(model, greedy_probabilities)):
        target = RollbackModel(model, greedy_probabilities)
        steps = list(speculative_generate(target, draft, [3, 1, 4], 40, k, dice(0)))
        assert list(itertools.chain(*steps)) == right
        assert target.passes == len(steps) == (40 if k == 0 else len(steps))
    assert k == 0 or len(steps) == -(-40 // (k + 1))  # its own guesses are always kept


@pytest.mark.parametrize("name", ["gpt", "llama"])
@torch.inference_mode()
def test_a_model_that_rolls_back_says_what_a_fresh_one_says(name):
    model, rng = small_models()[name], random.Random(0)
    asked, text = RollbackModel(model), [5, 6]
    for _ in range(30):
        text = text[: rng.randint(1, len(text))] + [rng.randrange(61) for _ in range(rng.randint(1, 5))]
        last = rng.randint(1, len(text))
        right = model(torch.tensor([text]))[0, -last:].softmax(-1)
        assert torch.allclose(asked(text, last), right, atol=1e-5)


@torch.inference_mode()
def test_it_reads_only_what_is_new():
    model = small_models()["gpt"]
    read = []
    model.embedding.register_forward_hook(lambda layer, inputs, output: read.append(inputs[0].shape[1]))
    asked = RollbackModel(model)
    for text, last in (([1, 2, 3, 4], 1), ([1, 2, 3, 4, 5, 6], 2), ([1, 2, 3, 9], 1), ([1, 2, 3, 9], 3)):
        asked(text, last)
    assert read == [4, 2, 1, 3]


def test_a_stop_token_ends_the_text_inside_a_step():
    counts_up = of_table(torch.eye(VOCAB).roll(1, dims=1))
    steps = list(speculative_generate(counts_up, counts_up, [0], 30, 2, dice(0), stop=4))
    assert list(itertools.chain(*steps)) == [1, 2, 3, 4]
    steps = list(speculative_generate(counts_up, counts_up, [0], 7, 4, dice(0)))
    assert steps == [[1, 2, 3, 4, 0], [1, 2]]


def test_a_sharpened_target_keeps_its_distribution_too():
    p, q, generator = table(4), table(5), dice(6)
    sharp = top_p(p.log(), 0.8).softmax(-1)
    drawn = [speculative_step(of_table(sharp), of_table(q), [0], 2, generator)[0] for _ in range(3000)]
    counts = torch.bincount(torch.tensor(drawn), minlength=VOCAB)
    allowed = sharp[0] > 0
    assert not counts[~allowed].any() and p_value(counts[allowed].tolist(), sharp[0, allowed].tolist()) > 1e-4


def test_counts_back_off_to_shorter_ends():
    model = NGramModel([1, 2, 3, 1, 2, 4, 2, 3], 6, 2)
    after = {
        (1, 2): {3: 0.5, 4: 0.5},
        (5, 2): {3: 2 / 3, 4: 1 / 3},  # 5 2 never stood there: what comes after 2
        (0, 5): dict.fromkeys(range(6), 1 / 6),
    }
    for end, shares in after.items():
        right = torch.zeros(6).scatter(0, torch.tensor(list(shares)), torch.tensor(list(shares.values())))
        assert torch.allclose(model([0, *end], 1)[0], right)
    assert model([1, 2, 3], 3).shape == (3, 6)


def test_a_guess_that_the_target_excludes_never_stays():
    p = torch.tensor([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    assert all(accept(p, torch.tensor([[0.9, 0.05, 0.05]]), [0], dice(seed))[0] != 0 for seed in range(200))
