"""Spans: corruption undone on many random texts, every choice equally likely; answers against trying every span."""

import itertools
import math
import random
from collections import Counter

import pytest
import torch
from torch.nn import functional

from lib.batching import Batch
from lib.spans import (
    SpanScores,
    best_spans,
    corrupt_spans,
    random_pieces,
    random_spans,
    restore_spans,
    span_loss,
    token_span,
)

SENTINELS = range(100, 140)


def seeded(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ---------------------------------------------------------------------------------------------------- span corruption


def test_the_example_of_the_paper():
    words = ["thank", "you", "for", "inviting", "me", "to", "your", "party", "last", "week"]
    inputs, targets = corrupt_spans(words, [(2, 4), (8, 9)], ["<X>", "<Y>", "<Z>"])
    assert " ".join(inputs) == "thank you <X> me to your party <Y> week"
    assert " ".join(targets) == "<X> for inviting <Y> last <Z>"
    assert restore_spans(inputs, targets, ["<X>", "<Y>", "<Z>"]) == words


@pytest.mark.parametrize("seed", range(20))
def test_what_was_hidden_can_be_put_back(seed):
    rng = random.Random(seed)
    for _ in range(100):
        ids = [rng.randrange(100) for _ in range(rng.choice([2, 3, 17, rng.randint(2, 60)]))]
        share, mean = rng.choice([(0.15, 3.0), (0.5, 1.0), (0.9, 5.0), (0.01, 3.0)])
        spans = random_spans(len(ids), rng, share, mean)
        before = list(ids), list(spans)
        inputs, targets = corrupt_spans(ids, spans, SENTINELS)
        assert (ids, spans) == before
        assert restore_spans(inputs, targets, SENTINELS) == ids
        places = [i for start, end in spans for i in range(start, end)]
        assert [i for i in inputs if i < 100] == [token for i, token in enumerate(ids) if i not in places]
        assert [i for i in targets if i < 100] == [ids[i] for i in places]
        assert [i for i in inputs if i >= 100] == list(SENTINELS[: len(spans)])
        assert [i for i in targets if i >= 100] == list(SENTINELS[: len(spans) + 1]) and targets[-1] >= 100


@pytest.mark.parametrize("seed", range(5))
def test_as_much_is_hidden_as_was_asked_for_in_runs_that_are_apart(seed):
    rng = random.Random(seed)
    for _ in range(400):
        length, share, mean = rng.randint(2, 90), rng.uniform(0, 1), rng.uniform(1, 6)
        spans = random_spans(length, rng, share, mean)
        hidden = sum(end - start for start, end in spans)
        assert hidden == min(max(round(length * share), 1), length - 1)
        assert len(spans) == min(max(round(hidden / mean), 1), hidden, length - hidden + 1)
        assert all(0 <= start < end <= length for start, end in spans)
        assert all(end < start for (_, end), (start, _) in itertools.pairwise(spans))


def every_choice(length, hidden, n_spans):
    """All ways to hide so many tokens of a text in so many runs, as sets of spans."""
    found = []
    for places in itertools.combinations(range(length), hidden):
        starts = [i for i in places if i - 1 not in places]
        ends = [i + 1 for i in places if i + 1 not in places]
        if len(starts) == n_spans:
            found.append(tuple(zip(starts, ends, strict=True)))
    return found


@pytest.mark.parametrize(("length", "share", "mean"), [(8, 0.5, 2.0), (9, 0.34, 1.0), (7, 0.15, 3.0), (5, 0.6, 1.0)])
def test_every_choice_is_equally_likely(length, share, mean):
    rng = random.Random(0)
    first = random_spans(length, rng, share, mean)
    choices = every_choice(length, sum(end - start for start, end in first), len(first))
    tries = 300 * len(choices)
    counts = Counter(tuple(random_spans(length, rng, share, mean)) for _ in range(tries))
    assert set(counts) <= set(choices)
    chi_squared = sum((counts[choice] - 300) ** 2 / 300 for choice in choices)
    freedom = len(choices) - 1  # mean and half the variance of chi squared
    assert chi_squared < freedom + 4 * math.sqrt(2 * freedom) + 4


def test_the_defaults_are_the_papers():
    spans = random_spans(500, random.Random(1))
    assert sum(end - start for start, end in spans) == 75 and len(spans) == 25
    rng = random.Random(2)
    shares = Counter(i for _ in range(2000) for start, end in random_spans(40, rng) for i in range(start, end))
    assert all(0.11 < shares[i] / 2000 < 0.19 for i in range(3, 37))  # hidden: 6 of 40


def test_pieces_are_all_the_sums_there_are_equally_often():
    rng = random.Random(3)
    sums = [cut for cut in itertools.product(range(1, 8), repeat=3) if sum(cut) == 7]
    counts = Counter(tuple(random_pieces(7, 3, rng)) for _ in range(400 * len(sums)))
    assert set(counts) == set(sums) and all(320 < count < 480 for count in counts.values())
    assert random_pieces(5, 5, rng) == [1] * 5 and random_pieces(5, 1, rng) == [5]
    assert all(type(piece) is int for piece in random_pieces(9, 3, rng))


def test_the_same_generator_gives_the_same_spans_and_no_other_is_touched():
    random.seed(0)
    state = random.getstate()
    first, second = (random_spans(90, random.Random(4)) for _ in range(2))
    assert first == second and random.getstate() == state


@pytest.mark.parametrize(("total", "pieces"), [(3, 4), (3, 0), (0, 1), (5, -1)])
def test_pieces_that_cannot_be_are_told(total, pieces):
    with pytest.raises(ValueError, match=f"{total} does not split into {pieces} pieces"):
        random_pieces(total, pieces, random.Random(0))


def test_texts_too_short_and_sentinels_too_few_are_told():
    for length in (0, 1):
        with pytest.raises(ValueError, match=f"of {length} tokens"):
            random_spans(length, random.Random(0))
    with pytest.raises(ValueError, match="2 spans need 3 sentinels, there are 2"):
        corrupt_spans([1, 2, 3, 4], [(0, 1), (2, 3)], [100, 101])


def test_edges_of_a_text_can_be_hidden_and_nothing_can():
    assert corrupt_spans([1, 2, 3], [(0, 1), (2, 3)], SENTINELS) == ([100, 2, 101], [100, 1, 101, 3, 102])
    assert corrupt_spans([1, 2, 3], [(0, 3)], SENTINELS) == ([100], [100, 1, 2, 3, 101])
    assert corrupt_spans((1, 2), [], SENTINELS) == ([1, 2], [100])
    assert corrupt_spans([], [], SENTINELS) == ([], [100])


def test_a_models_targets_are_used_as_far_as_they_go():
    inputs = [5, 100, 6, 101, 7]
    assert restore_spans(inputs, [100, 1, 2, 101, 3, 102], SENTINELS) == [5, 1, 2, 6, 3, 7]
    assert restore_spans(inputs, [101, 3, 100, 1], SENTINELS) == [5, 1, 6, 3, 7]
    assert restore_spans(inputs, [9, 9, 101, 3], SENTINELS) == [5, 6, 3, 7]
    assert restore_spans(inputs, [100, 1, 100, 2, 130, 4], SENTINELS) == [5, 1, 2, 6, 7]
    assert restore_spans(inputs, [], SENTINELS) == [5, 6, 7]


def test_a_batch_of_them_is_a_batch_as_for_translation():
    rng = random.Random(5)
    texts = [[rng.randrange(4, 100) for _ in range(n)] for n in (40, 7, 21)]
    batch = Batch.of([corrupt_spans(text, random_spans(len(text), rng), SENTINELS) for text in texts])
    assert batch.source.shape == (3, 40 - 6 + 2) and batch.inputs.shape == (3, 6 + 3 + 1)
    assert restore_spans(batch.source[0].tolist(), batch.targets[0].tolist()[:-1], SENTINELS) == texts[0]


# ------------------------------------------------------------------------------------------------------------ answers


def by_trying(start_scores, end_scores, context, longest, margin):
    """The best span of one text, out of all there are."""
    best, found = -math.inf, (0, 0)
    for first in range(len(context)):
        for last in range(first, min(len(context), first + longest)):
            score = float(start_scores[first] + end_scores[last])
            if context[first] and context[last] and score > best:
                best, found = score, (first, last)
    return (0, 0) if float(start_scores[0] + end_scores[0]) - best > margin else found


@pytest.mark.parametrize("seed", range(30))
def test_best_spans_are_those_that_trying_finds(seed):
    rng = random.Random(seed)
    batch, length = rng.choice([1, 7]), rng.choice([2, 13, 37])
    starts, ends = seeded(batch, length, seed=seed), seeded(batch, length, seed=seed + 99)
    context = torch.zeros(batch, length, dtype=torch.bool)
    for row in context:
        begin = rng.randint(1, length)
        row[begin : rng.randint(begin, length)] = True
    longest, margin = rng.choice([1, 3, 100]), rng.choice([0.0, -2.0, 2.0, math.inf])
    given = [part.clone() for part in (starts, ends, context)]
    first, last = best_spans(starts, ends, context, longest, margin)
    expected = [by_trying(*row, longest, margin) for row in zip(starts, ends, context, strict=True)]
    assert list(zip(first.tolist(), last.tolist(), strict=True)) == expected
    assert first.dtype == last.dtype == torch.int64 and first.shape == (batch,)
    assert all(torch.equal(a, b) for a, b in zip(given, (starts, ends, context), strict=True))


def test_the_end_is_never_before_the_start_and_the_best_pair_is_not_two_bests():
    starts, ends = torch.tensor([-9.0, 1, 0, 5, 0]), torch.tensor([-9.0, 0, 6, 0, 2])
    context = torch.tensor([False, True, True, True, True])
    assert [int(place) for place in best_spans(starts, ends, context, 10)] == [1, 2]  # 7, as 3 to 4: the first is taken
    assert [int(place) for place in best_spans(starts + torch.eye(5)[3], ends, context, 10)] == [3, 4]
    assert [int(place) for place in best_spans(starts, ends, context & (torch.arange(5) != 1), 1)] == [2, 2]


def test_no_answer_is_said_when_position_0_wins_by_more_than_the_margin():
    starts, ends = torch.tensor([3.0, 1, 0]), torch.tensor([2.0, 0, 1])
    context = torch.tensor([False, True, True])
    for margin, expected in ((0.0, [0, 0]), (2.9, [0, 0]), (3.0, [1, 2]), (math.inf, [1, 2]), (-5.0, [0, 0])):
        assert [int(place) for place in best_spans(starts, ends, context, 5, margin)] == expected
    for margin in (0.0, math.inf):
        nothing = best_spans(starts, ends, torch.zeros(3, dtype=torch.bool), 5, margin)
        assert [int(place) for place in nothing] == [0, 0]
    hidden = torch.tensor([-math.inf, 1, 0])
    assert [int(place) for place in best_spans(hidden, hidden, context, 5)] == [1, 1]


def test_any_number_of_leading_axes_and_a_real_length():
    starts, ends = seeded(2, 3, 300), seeded(2, 3, 300, seed=1)
    context = torch.arange(300).expand(2, 3, 300) > 20
    first, last = best_spans(starts, ends, context, 30)
    assert first.shape == last.shape == (2, 3)
    assert (first[1, 2], last[1, 2]) == by_trying(starts[1, 2], ends[1, 2], context[1, 2], 30, 0.0)
    with pytest.raises(ValueError, match="longest=0"):
        best_spans(starts, ends, context, 0)


@pytest.mark.parametrize("leading", [(), (5,), (2, 5)])
def test_scores_are_two_products_a_token(leading):
    layer, x = SpanScores(7).double(), seeded(*leading, 11, 7)
    starts, ends = layer(x)
    weight, bias = layer.to_scores.weight, layer.to_scores.bias
    torch.testing.assert_close(starts, x @ weight[0] + bias[0])
    torch.testing.assert_close(ends, x @ weight[1] + bias[1])


def test_the_loss_is_the_mean_of_two_choices():
    starts, ends = (seeded(3, 11, seed=seed).requires_grad_() for seed in (0, 1))
    first, last = torch.tensor([0, 4, 10]), torch.tensor([0, 7, 10])
    loss = span_loss(starts, ends, first, last)
    rows = torch.arange(3)
    chosen = starts.softmax(-1)[rows, first].log() + ends.softmax(-1)[rows, last].log()
    torch.testing.assert_close(loss, -chosen.mean() / 2)
    loss.backward()
    torch.testing.assert_close(starts.grad, (starts.softmax(-1) - functional.one_hot(first, 11)).detach() / 6)
    shut = torch.zeros(3, 11).masked_fill(torch.arange(11) == 2, -math.inf)
    assert span_loss(starts + shut, ends, first, last) < loss


def hugging_face_tokens(text):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer.encode(text)


@pytest.mark.parametrize("seed", range(10))
def test_tokens_of_an_answer_are_those_of_hugging_face(seed):
    rng = random.Random(seed)
    text = " ".join(rng.choice(["Zürich", "in", "1,066", "(e.g.)", "naïve", "$5", "l'été"]) for _ in range(30))
    tokens = hugging_face_tokens(text)
    for _ in range(100):
        start, end = sorted(rng.sample(range(len(text) + 1), 2))
        if text[start] == " " or text[end - 1] == " ":
            continue
        expected = tokens.char_to_token(start), tokens.char_to_token(end - 1)
        assert token_span(tokens.offsets, start, end) == expected
        shifted = [(0, 0)] * 3 + tokens.offsets
        assert token_span(shifted, start, end) == (expected[0] + 3, expected[1] + 3)


def test_an_answer_that_was_cut_off_has_no_tokens():
    offsets = [(0, 0), (10, 14), (15, 18), (18, 20), (0, 0)]
    assert token_span(offsets, 11, 17) == (1, 2)
    assert token_span(offsets, 18, 20) == (3, 3)
    for start, end in ((8, 14), (15, 21), (30, 33), (0, 5), (14, 15)):
        assert token_span(offsets, start, end) == (0, 0)
