"""Sampling: Hugging Face's logits processors value by value, frequencies by SciPy's test, and the writing loop."""

import itertools
import math

import pytest
import torch

from lib.decoding.sampling import (
    Sampling,
    apply_temperature,
    chi_square,
    entropy,
    generate,
    greedy,
    min_p,
    repetition_penalty,
    sample,
    top_k,
    top_p,
    until,
)

VOCAB = 37


def kinds_of_logits() -> dict[str, torch.Tensor]:
    """Logits (5, VOCAB) that differ in what is hard about them. No two are equal in a row unless that is the point."""
    rng = torch.Generator().manual_seed(7)
    normal = torch.randn(5, VOCAB, generator=rng) * 3
    holes = normal.masked_fill(torch.rand(5, VOCAB, generator=rng) < 0.6, -math.inf)
    holes[:, 11] = 0.5
    alone = torch.full((5, VOCAB), -math.inf)
    alone[:, 3] = -2.0
    return {
        "normal": normal,
        "sharp": normal * 40,
        "flat": normal * 1e-3,
        "far from zero": normal + 5000,
        "huge": normal * 1e30,
        "with -inf": holes,
        "one left": alone,
        "64 bits": normal.double() * 2,
    }


def huggingface(name: str, setting) -> object:
    from transformers.generation import logits_process

    return getattr(logits_process, name)(setting)


def assert_same(mine: torch.Tensor, theirs: torch.Tensor) -> None:
    assert mine.dtype == theirs.dtype
    torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


IDS = torch.tensor([[3, 3, 5, 0], [1, 2, 3, 4], [36, 0, 36, 0], [9, 9, 9, 9], [11, 3, 11, 20]])


@pytest.mark.parametrize("kind", kinds_of_logits())
def test_every_step_equals_hugging_face(kind):
    logits = kinds_of_logits()[kind]
    for t in (0.1, 0.7, 1.0, 3.0):
        assert_same(apply_temperature(logits, t), huggingface("TemperatureLogitsWarper", t)(IDS, logits))
    for k in (1, 2, 10, VOCAB, VOCAB + 5):
        assert_same(top_k(logits, k), huggingface("TopKLogitsWarper", k)(IDS, logits))
    for p in (1e-6, 0.1, 0.5, 0.9, 0.99):
        assert_same(top_p(logits, p), huggingface("TopPLogitsWarper", p)(IDS, logits))
    for p in (1e-6, 0.05, 0.3, 1.0):
        assert_same(min_p(logits, p), huggingface("MinPLogitsWarper", p)(IDS, logits))
    for penalty in (0.8, 1.0, 1.3, 10.0):
        theirs = huggingface("RepetitionPenaltyLogitsProcessor", penalty)(IDS, logits)
        assert_same(repetition_penalty(logits, IDS, penalty), theirs)


@pytest.mark.parametrize("seed", range(10))
def test_all_steps_in_hugging_faces_own_order(seed):
    from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel

    rng = torch.Generator().manual_seed(seed)
    settings = {
        "temperature": 0.5 + torch.rand(1, generator=rng).item(),
        "top_k": torch.randint(2, 30, (1,), generator=rng).item(),
        "top_p": 0.5 + 0.49 * torch.rand(1, generator=rng).item(),
        "min_p": 0.1 * torch.rand(1, generator=rng).item() + 0.001,
        "repetition_penalty": 1 + torch.rand(1, generator=rng).item(),
    }
    model = GPT2LMHeadModel(GPT2Config(vocab_size=VOCAB, n_positions=8, n_embd=8, n_layer=1, n_head=2))
    configuration = GenerationConfig(do_sample=True, **settings)
    processors = model._get_logits_processor(configuration, input_ids_seq_length=4)
    logits = torch.randn(5, VOCAB, generator=rng) * 3
    assert_same(Sampling(**settings).adjust(logits, IDS), processors(IDS, logits))


def test_what_is_as_likely_as_the_last_one_kept_is_kept():
    """Here Hugging Face's top-p keeps one of two equal tokens, whichever its sorting puts last. We keep both."""
    logits = torch.tensor([0.4, 0.2, 0.2, 0.1, 0.1]).log()
    kept = top_p(logits, 0.5).exp() > 0
    assert kept.tolist() == [True, True, True, False, False]
    assert (top_k(logits, 2) > -math.inf).tolist() == [True, True, True, False, False]
    theirs = huggingface("TopPLogitsWarper", 0.5)(None, logits[None])[0] > -math.inf
    assert theirs.sum() == 2
    assert (theirs <= kept).all()


@pytest.mark.parametrize("p", [0.3, 0.55, 0.9, 0.999])
def test_top_p_does_not_depend_on_the_order_of_the_vocabulary(p):
    rng = torch.Generator().manual_seed(3)
    logits = torch.randint(-2, 3, (7, VOCAB), generator=rng).float()  # five values: ties everywhere
    shuffle = torch.randperm(VOCAB, generator=rng)
    assert torch.equal(top_p(logits, p)[:, shuffle], top_p(logits[:, shuffle], p))


def test_top_p_by_its_definition():
    """Out goes what has at least p above it. The oracle: every token against every other, in 64 bits."""
    rng = torch.Generator().manual_seed(4)
    logits = torch.randn(2, 3, 11, generator=rng, dtype=torch.float64) * 2
    probabilities = logits.softmax(-1)
    above = (probabilities[..., None, :] * (logits[..., None, :] > logits[..., :, None])).sum(-1)
    for p in (0.01, 0.4, 0.8, 0.95):
        assert torch.equal(top_p(logits, p) > -math.inf, above < p)
        kept = probabilities * (above < p)
        assert (kept.sum(-1) >= p).all()  # the token that crosses is in
        assert (kept.sum(-1) - kept.masked_fill(kept == 0, 2).amin(-1) < p).all()  # and is needed


@pytest.mark.parametrize("kind", kinds_of_logits())
def test_entropy_equals_pytorchs_and_scipys(kind):
    from scipy.stats import entropy as scipys

    logits = kinds_of_logits()[kind].double()
    theirs = torch.distributions.Categorical(logits=logits).entropy() / math.log(2)
    torch.testing.assert_close(entropy(logits), theirs, rtol=1e-10, atol=1e-12)
    by_scipy = torch.from_numpy(scipys(logits.softmax(-1).numpy(), base=2, axis=-1))
    torch.testing.assert_close(entropy(logits), by_scipy, rtol=1e-10, atol=1e-10)
    assert entropy(logits.float()).dtype == torch.float32 and entropy(logits[0]).shape == ()


def test_p_of_one_keeps_everything():
    logits = kinds_of_logits()["normal"]
    assert torch.equal(top_p(logits, 1.0), logits)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda x: apply_temperature(x, 0), "temperature=0 is not above 0; .* greedy"),
        (lambda x: apply_temperature(x, -1.5), "temperature=-1.5"),
        (lambda x: apply_temperature(x, math.nan), "temperature=nan"),
        (lambda x: apply_temperature(x, math.inf), "temperature=inf"),
        (lambda x: top_k(x, 0), "k=0"),
        (lambda x: top_k(x, -3), "k=-3"),
        (lambda x: top_k(x, 2.5), "k=2.5"),
        (lambda x: top_p(x, 0), "p=0"),
        (lambda x: top_p(x, 1.01), "p=1.01"),
        (lambda x: top_p(x, 90), "p=90"),
        (lambda x: top_p(x, math.nan), "p=nan"),
        (lambda x: min_p(x, 0), "p=0"),
        (lambda x: min_p(x, 1.5), "p=1.5"),
        (lambda x: repetition_penalty(x, IDS, 0), "penalty=0"),
        (lambda x: repetition_penalty(x, IDS, -1.2), "penalty=-1.2"),
        (lambda x: Sampling(top_p=2), "p=2"),
        (lambda x: Sampling(temperature=0), "greedy"),
        (lambda x: Sampling(top_k=0), "k=0"),
        (lambda x: Sampling(min_p=7), "p=7"),
        (lambda x: Sampling(repetition_penalty=0), "penalty=0"),
        (lambda x: next(until(["text"], ["ok", ""])), "empty"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_in_one_sentence(call, says):
    with pytest.raises(ValueError, match=says) as caught:
        call(torch.randn(5, VOCAB))
    assert "\n" not in str(caught.value)


def test_nothing_changes_its_input():
    logits = kinds_of_logits()["normal"]
    before = logits.clone()
    Sampling(0.7, 5, 0.9, 0.1, 1.2).adjust(logits, IDS)
    assert torch.equal(logits, before)


# ---------------------------------------------------------------------------------------------------------- drawing


@pytest.mark.parametrize("settings", [{}, {"temperature": 2.0}, {"top_k": 7}, {"top_p": 0.8}, {"min_p": 0.1}])
def test_drawn_frequencies_are_those_of_the_distribution(settings):
    """Chi-square over 40,000 draws, expected counts of at least 5, p-value above 0.001 with this generator."""
    from scipy.stats import chisquare

    rng = torch.Generator().manual_seed(11)
    logits = Sampling(**settings).adjust(torch.randn(VOCAB, generator=rng) * 1.5, torch.tensor([]).long())
    drawn = sample(logits.expand(40_000, VOCAB), rng)
    counts, probabilities = drawn.bincount(minlength=VOCAB), logits.double().softmax(-1)
    common = probabilities * 40_000 >= 5
    assert counts[probabilities == 0].sum() == 0
    assert common.sum() >= 3
    expected = probabilities[common] / probabilities[common].sum() * counts[common].sum()
    assert chisquare(counts[common].numpy(), expected.numpy()).pvalue > 0.001
    assert chi_square(counts, probabilities)[1] > 0.001
    assert chi_square(counts, (logits * 1.05).softmax(-1))[1] < 0.001 or settings  # and it would notice 5% of sharpness


def test_chi_square_equals_scipys():
    from scipy.stats import chisquare

    rng = torch.Generator().manual_seed(5)
    for _ in range(20):
        probabilities = torch.rand(11, generator=rng).double() + 0.1
        counts = torch.randint(50, 400, (11,), generator=rng)
        statistic, p_value = chi_square(counts, probabilities)
        expected = probabilities / probabilities.sum() * counts.sum()
        theirs = chisquare(counts.double().numpy(), expected.numpy())
        assert statistic == pytest.approx(theirs.statistic, rel=1e-9)
        assert p_value == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-12)


def test_chi_square_puts_rare_tokens_together():
    from scipy.stats import chisquare

    probabilities = torch.tensor([0.5, 0.44, 0.02, 0.02, 0.02, 0.0])
    statistic, p_value = chi_square(torch.tensor([40, 50, 4, 0, 6, 0]), probabilities)
    theirs = chisquare([40, 50, 10], [50, 44, 6])
    assert (statistic, p_value) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-5)
    statistic, p_value = chi_square(torch.tensor([52, 46, 2, 0, 0, 0]), torch.tensor([0.5, 0.48, 0.02, 0, 0, 0]))
    theirs = chisquare([52, 48], [50, 50])  # 2 expected: too few even together, so with the least frequent other
    assert (statistic, p_value) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-5)
    assert chi_square(torch.tensor([40, 50, 4, 0, 6, 1]), probabilities) == (math.inf, 0.0)


def test_honest_samplers_get_small_p_values_as_rarely_as_the_value_says():
    rng = torch.Generator().manual_seed(6)
    logits = torch.randn(13, generator=rng)
    p_values = []
    for _ in range(400):
        counts = sample(logits.expand(500, 13), rng).bincount(minlength=13)
        p_values.append(chi_square(counts, logits.softmax(-1))[1])
    share = (torch.tensor(p_values) < 0.1).float().mean().item()
    assert 0.05 < share < 0.15


def test_the_same_generator_draws_the_same_and_nothing_global_matters():
    logits = torch.randn(50, VOCAB)
    first = sample(logits, torch.Generator().manual_seed(2))
    torch.manual_seed(99)
    state = torch.get_rng_state()
    assert torch.equal(sample(logits, torch.Generator().manual_seed(2)), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(sample(logits, torch.Generator().manual_seed(3)), first)


@pytest.mark.parametrize("shape", [(), (2,), (2, 3)])
def test_sample_and_greedy_give_one_id_a_row(shape):
    logits = torch.full((*shape, 5), -math.inf)
    logits[..., 2] = -7.0
    for ids in (sample(logits, torch.Generator()), greedy(logits)):
        assert ids.shape == shape and ids.dtype == torch.long and (ids == 2).all()


# ---------------------------------------------------------------------------------------------------------- writing


def count_up(ids):
    """A model that is sure of the next number, from 0 to 9 and round again."""
    return torch.nn.functional.one_hot(torch.tensor((ids[-1] + 1) % 10), 10).float() * 50


def test_generate_writes_what_the_pick_says_until_the_limit():
    assert list(generate(count_up, [7], 5, lambda logits, ids: greedy(logits))) == [8, 9, 0, 1, 2]
    assert list(generate(count_up, [7], 0, lambda logits, ids: greedy(logits))) == []


def test_generate_equals_hugging_face_greedy():
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config(vocab_size=VOCAB, n_positions=64, n_embd=12, n_layer=2, n_head=3)).eval()
    with torch.no_grad():
        model.lm_head.weight.mul_(30)  # far from ties
        for prompt in ([3], [5, 6, 7], list(range(1, 20))):
            for penalty in (1.0, 1.4):
                settings = Sampling(repetition_penalty=penalty)
                ours = list(
                    generate(
                        lambda ids: model(torch.tensor([ids])).logits[0, -1],
                        prompt,
                        30,
                        lambda logits, ids, settings=settings: greedy(settings.adjust(logits, torch.tensor(ids))),
                    )
                )
                theirs = model.generate(
                    torch.tensor([prompt]), max_new_tokens=30, do_sample=False, repetition_penalty=penalty,
                    pad_token_id=0, eos_token_id=None,
                )  # fmt: skip
                assert ours == theirs[0, len(prompt) :].tolist()


def test_generate_is_lazy_and_leaves_the_prompt_alone():
    calls = []

    def next_logits(ids):
        calls.append(len(ids))
        return count_up(ids)

    prompt = [3]
    writing = generate(next_logits, prompt, 1000, lambda logits, ids: greedy(logits))
    assert list(itertools.islice(writing, 3)) == [4, 5, 6]
    assert calls == [1, 2, 3]
    assert prompt == [3]


def test_generate_stops_after_the_first_stop_sequence_it_has_written():
    def written(stop, prompt=(7,)):
        return list(generate(count_up, prompt, 25, lambda logits, ids: greedy(logits), stop))

    assert written([[1]]) == [8, 9, 0, 1]
    assert written([[5, 6], [0, 1]]) == [8, 9, 0, 1]
    assert written([(0, 1)]) == [8, 9, 0, 1]
    assert written([[7, 8]]) == [8, 9, *range(9)]  # the 7 of the prompt does not count
    assert written([[1, 0]]) == written([])


def test_a_picker_is_reproducible_and_knows_what_was_written():
    logits = torch.randn(VOCAB, generator=torch.Generator().manual_seed(1))
    pick = Sampling(top_k=1, repetition_penalty=1e9).picker(torch.Generator())
    text = list(generate(lambda ids: logits, [], 10, pick))
    assert text == logits.argsort(descending=True)[:10].tolist()  # a token once written is never likeliest again
    runs = [
        list(generate(lambda ids: logits, [0], 30, Sampling().picker(torch.Generator().manual_seed(seed))))
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("seed", range(30))
def test_until_cuts_where_the_whole_text_would_be_cut_however_it_comes(seed):
    rng = torch.Generator().manual_seed(seed)
    text = "".join("ab\n"[i] for i in torch.randint(3, (40,), generator=rng).tolist())
    cuts = sorted(torch.randint(41, (9,), generator=rng).tolist())
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, 40])]
    for stop in ("\n\n", "ab", "aba", "abab", "\nb\na", "zzz"):
        assert "".join(until(pieces, [stop])) == text.split(stop)[0]
    assert "".join(until(pieces, [])) == text


def test_until_shows_nothing_that_may_belong_to_a_stop_and_asks_for_no_more():
    asked = []

    def pieces():
        for piece in ["The end", ".", "\n", "Tom", "\n", "\n", "More"]:
            asked.append(piece)
            yield piece

    assert list(until(pieces(), ["\n\n", "END"])) == ["The end", ".", "\nTom"]
    assert asked[-1] == "\n" and "More" not in asked
    assert list(until(["a", "b", "a"], ["abc"])) == ["ab", "a"]
    assert "".join(until(["x", "ab", "cd"], ["cd", "bc"])) == "xa"
