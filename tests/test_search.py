"""Search: Hugging Face's `generate` finds the same sentences, trying everything the best; a cache changes nothing."""

import itertools
import math
import random
import warnings
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

from lib.batching import EOS, PAD, SOS, pad_batch
from lib.decoding import search
from lib.decoding.incremental import cached_step, reorder_decoding, start_decoding
from lib.layers import PostNorm, PreNorm, fresh_weights
from lib.seq2seq import greedy_translate
from lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock, Transformer, next_word_step

VOCAB, D_MODEL = 23, 12


@torch.no_grad()
def end_now_and_then(bias, step, state, share=0.2):
    """Set the bias of <EOS> so that it is the likeliest word in that share of a few steps."""
    ids, margins = torch.full((len(state[0]),), SOS), []
    for _ in range(8):
        logits, state, _ = step(ids, state)
        ends = logits[:, EOS] - bias[EOS]
        best, ids = logits.index_fill(1, torch.tensor(EOS), -math.inf).max(dim=-1)
        margins.append(best - ends)
    bias[EOS] = torch.cat(margins).quantile(share)


def transformer(seed=0, shortcut=PreNorm, n_heads=3, n_blocks=2):
    """Random weights; <PAD> and <SOS> are never said, and <EOS> now and then."""
    sizes = D_MODEL, n_heads, 17, 0.0, shortcut, shortcut is PostNorm
    model = Transformer(
        nn.Embedding(VOCAB, D_MODEL),
        nn.Embedding(VOCAB, D_MODEL),
        Encoder([EncoderBlock(*sizes) for _ in range(n_blocks)]),
        Decoder([DecoderBlock(*sizes) for _ in range(n_blocks)]),
    )
    fresh_weights(model, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        model.bias[[PAD, SOS]] = -1e9
    end_now_and_then(model.bias, *slow(model, *sources(random.Random(seed), 9, 9)))
    return model.eval()


def slow(model, source, mask):
    """The step and the first state of a decoder without a cache."""
    written = torch.zeros(len(source), 0, dtype=torch.long)
    return partial(next_word_step, model), (written, model.encode(source, mask), mask)


def fast(model, source, mask, limit):
    return partial(cached_step, model), start_decoding(model, source, mask, limit)


def sources(rng, sentences, longest, left=False):
    """Random sentences, padded after, or before."""
    ids, mask = pad_batch([[rng.randrange(4, VOCAB) for _ in range(rng.randint(1, longest))] for _ in range(sentences)])
    return (ids.flip(1), mask.flip(1)) if left else (ids, mask)


# ------------------------------------------------------------------------------------------------------------- cache


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("left", [False, True], ids=["padded right", "padded left"])
@torch.no_grad()
def test_the_cache_changes_no_logit_wherever_the_rows_go(seed, left):
    rng, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    model = transformer(seed, rng.choice([PreNorm, PostNorm]), rng.choice([1, 3]), rng.choice([1, 2]))
    sentences, width = rng.randint(1, 5), 1
    source, mask = sources(rng, sentences, rng.choice([3, 45]), left)
    if sentences > 1 and seed % 2:
        mask[0] = False  # a sentence without a word
    slow_step, slow_state = slow(model, source, mask)
    fast_step, fast_state = fast(model, source, mask, 40)
    for _ in range(rng.choice([5, 40])):
        ids = torch.randint(3, VOCAB, (sentences * width,), generator=generator)
        expected, slow_state, _ = slow_step(ids, slow_state)
        logits, fast_state, _ = fast_step(ids, fast_state)
        torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
        staying = sorted(rng.sample(range(sentences), rng.choice([sentences, max(1, sentences - 1)])))
        new_width = rng.choice([width, 1, 4])
        rows = torch.tensor([[s * width + rng.randrange(width) for _ in range(new_width)] for s in staying]).flatten()
        slow_state, fast_state = search.reorder(slow_state, rows), reorder_decoding(fast_state, rows)
        sentences, width = len(staying), new_width


@pytest.mark.parametrize("seed", range(6))
@torch.no_grad()
def test_cached_searches_find_what_uncached_ones_find(seed):
    rng = random.Random(seed)
    model = transformer(seed, rng.choice([PreNorm, PostNorm]))
    source, mask = sources(rng, rng.randint(1, 7), 9, left=seed % 2 == 1)
    limit, beams, alpha = rng.randint(1, 12), rng.choice([1, 2, 3, 5]), rng.choice([0.0, 0.6, 1.0])
    ids, values = search.beam_search(*slow(model, source, mask), limit, beams, alpha)
    found, scores = search.beam_search(*fast(model, source, mask, limit), limit, beams, alpha, reorder_decoding)
    assert torch.equal(found, ids)
    torch.testing.assert_close(scores, values, rtol=1e-5, atol=1e-5)
    expected = greedy_translate(*slow(model, source, mask), limit)
    assert torch.equal(search.greedy_search(*slow(model, source, mask), limit), expected)
    assert torch.equal(search.greedy_search(*fast(model, source, mask, limit), limit, reorder_decoding), expected)


@pytest.mark.parametrize("beams", [1, 3])
def test_a_sentence_is_translated_alike_in_any_company(beams):
    model, rng = transformer(3), random.Random(3)
    sentences = [[rng.randrange(4, VOCAB) for _ in range(rng.randrange(9))] for _ in range(20)]
    together = search.translate(model, sentences, 10, beams=beams)
    alone = [search.translate(model, [sentence], 10, beams=beams)[0] for sentence in sentences]
    in_small_batches = search.translate(model, sentences, 10, beams=beams, tokens=12)
    assert together == alone == in_small_batches
    assert len({len(sentence) for sentence in together}) > 2
    assert not any({PAD, SOS, EOS} & set(sentence) for sentence in together)


def test_translations_are_at_most_as_long_as_allowed():
    model = transformer()
    with torch.no_grad():
        model.bias[EOS] = -1e9
    for beams in (1, 2):
        assert [len(ids) for ids in search.translate(model, [[5, 6], [7]], 4, beams=beams)] == [4, 4]
    assert search.translate(model, [], 4) == []


# ----------------------------------------------------------------------------------------------------------- oracles


def bart(seed):
    """A BartForConditionalGeneration with random weights large enough to have opinions; it says <EOS> now and then."""
    from transformers import BartConfig, BartForConditionalGeneration

    counts = {"layers": 1, "attention_heads": 2, "ffn_dim": 16}
    sizes = {f"{side}_{name}": count for side in ("encoder", "decoder") for name, count in counts.items()}
    tokens = {"pad_token_id": PAD, "bos_token_id": SOS, "eos_token_id": EOS, "decoder_start_token_id": SOS}
    config = BartConfig(
        vocab_size=VOCAB, d_model=D_MODEL, **sizes, **tokens, forced_eos_token_id=None, max_position_embeddings=32
    )
    model = BartForConditionalGeneration(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        model.final_logits_bias[0, [PAD, SOS]] = -1e9
        source, mask = sources(random.Random(seed), 9, 9)
        end_now_and_then(model.final_logits_bias[0], *over_its_logits(model, source, mask.long()))
    return model


def as_lists(ids):
    """Each row as far as its <EOS>: what stands after it differs from library to library."""
    return [row[: row.index(EOS) + 1] if EOS in row else row for row in ids.tolist()]


def over_its_logits(model, source, mask):
    """Our searches over somebody else's model: all words again in every step."""

    def step(ids, state):
        written, source, mask = state
        written = torch.cat([written, ids[:, None]], dim=1)
        found = model(input_ids=source, attention_mask=mask, decoder_input_ids=written, use_cache=False)
        return found.logits[:, -1], (written, source, mask), None

    return step, (torch.zeros(len(source), 0, dtype=torch.long), source, mask)


@torch.no_grad()
def test_hugging_face_finds_the_same_sentences():
    lengths = set()
    for seed in range(2):
        rng, model = random.Random(seed), bart(seed)
        source, mask = sources(rng, 6, 9)
        limit = rng.randint(6, 12)
        step, state = over_its_logits(model, source, mask.long())
        for beams, alpha in ((2, 0.0), (3, 1.0), (4, 0.6)):
            ids = generate(model, source, mask, limit, num_beams=beams, length_penalty=alpha)
            assert as_lists(search.beam_search(step, state, limit, beams, alpha)[0]) == ids
            lengths |= set(map(len, ids))
        assert as_lists(search.greedy_search(step, state, limit)) == generate(model, source, mask, limit)
    assert len(lengths) > 2  # the sentences differ


def generate(model, source, mask, limit, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = {"early_stopping": True, "max_new_tokens": limit, **settings}
        return as_lists(model.generate(source, attention_mask=mask.long(), **settings)[:, 1:])


@torch.no_grad()
def test_the_cached_transformer_writes_what_marian_writes():
    from benchmarks.decoding import marian
    from benchmarks.decoding import transformer as post_norm

    ours = post_norm(vocab=31, d_model=16, n_heads=2, d_ff=19, n_blocks=2)
    for parameter in ours.parameters():
        parameter.mul_(2.0 if parameter.dim() > 1 else 1.0)  # opinions: else one word comes again and again
    rng = random.Random(0)
    source, mask = pad_batch([[rng.randrange(4, 31) for _ in range(rng.randint(1, 9))] for _ in range(12)])
    end_now_and_then(ours.bias, *slow(ours, source, mask))
    theirs = marian(ours)
    for beams in (1, 4):
        expected = generate(theirs, source, mask, 9, num_beams=beams)
        ids, _ = search.beam_search(*fast(ours, source, mask, 9), 9, beams, 1.0, reorder_decoding)
        assert as_lists(ids) == expected and len(set(map(len, expected))) > 1


# A model of four words whose choice depends on all the words before: small enough to try every sentence.
def dice(vocab, seed):
    def step(ids, state):
        (written,) = state
        written = torch.cat([written, ids[:, None]], dim=1)
        logits = []
        for row in written.tolist():
            rng = random.Random(f"{seed} {row}")
            logits.append([-math.inf if word in (PAD, SOS) else rng.gauss(0, 2) for word in range(vocab)])
        return torch.tensor(logits), (written,), None

    return step, (torch.zeros(1, 0, dtype=torch.long),)


def every_sentence(step, state, vocab, limit):
    """All sentences that end with <EOS> or are `limit` words long, with the log-probability of each."""
    words = range(EOS, vocab)
    for length in range(1, limit + 1):
        for sentence in itertools.product(words, repeat=length):
            ended = sentence[-1] == EOS
            if EOS in sentence[:-1] or not (ended or length == limit):
                continue
            score, now, before = 0.0, state, SOS
            for word in sentence:
                logits, now, _ = step(torch.tensor([before]), now)
                score += logits.log_softmax(-1)[0, word].item()
                before = word
            yield score, sentence


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_a_beam_over_the_whole_space_is_an_exhaustive_search(seed, alpha):
    vocab, limit = 5, 4
    step, state = dice(vocab, seed)
    sentences = list(every_sentence(step, state, vocab, limit))
    assert math.fsum(math.exp(score) for score, _ in sentences) == pytest.approx(1, rel=1e-5)
    value, best = max((score / len(sentence) ** alpha, sentence) for score, sentence in sentences)
    ids, values = search.beam_search(step, state, limit, beams=vocab**limit, alpha=alpha)
    assert tuple(ids[0].tolist()) == best
    assert values[0].item() == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("seed", range(10))
def test_one_beam_is_greedy(seed):
    step, state = dice(7, seed)
    assert torch.equal(search.beam_search(step, state, 9, beams=1)[0], greedy_translate(step, state, 9))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("beams, alpha", [(1, 1.0), (2, 0.0), (3, 0.6), (9, 1.0)])
def test_the_lists_find_what_the_batch_finds(seed, beams, alpha):
    step, state = dice(7, seed)

    def log_probs_after(ids):
        now = state
        for word in [SOS, *ids]:
            logits, now, _ = step(torch.tensor([word]), now)
        return logits[0].log_softmax(dim=-1)

    ids, value = search.search_sentence(log_probs_after, 6, beams, alpha)
    expected, values = search.beam_search(step, state, 6, beams, alpha)
    assert ids == [word for word in expected[0].tolist() if word != PAD]
    assert value == pytest.approx(values[0].item(), rel=1e-5)


def test_more_beams_never_lose_the_sentence_of_a_garden_path():
    """By hand: greedy takes 4 (0.6), then only 0.5 is left; 5 (0.4) goes on with 0.9."""
    table = {(): {4: 0.6, 5: 0.4}, (4,): {4: 0.5, 5: 0.5}, (5,): {4: 0.9, 5: 0.1}}

    def step(ids, state):
        (written,) = state
        written = torch.cat([written, ids[:, None]], dim=1)
        chances = torch.zeros(len(ids), 6)
        for row, words in enumerate(written[:, 1:].tolist()):
            for word, chance in table.get(tuple(words), {EOS: 1.0}).items():
                chances[row, word] = chance
        return chances.log(), (written,), None

    state = (torch.zeros(1, 0, dtype=torch.long),)
    greedy, best = (search.beam_search(step, state, 5, beams, alpha=0.0) for beams in (1, 2))
    assert greedy[0].tolist()[0][0] == 4 and best[0].tolist() == [[5, 4, EOS]]
    assert greedy[1].exp().item() == pytest.approx(0.3) and best[1].exp().item() == pytest.approx(0.36)


# ------------------------------------------------------------------------------------------------------------- parts


def test_the_tree_holds_what_the_search_finds():
    for seed in range(5):
        step, state = dice(7, seed)
        tree = search.beam_candidates(step, state, 6, beams=3)
        ids, values = search.beam_search(step, state, 6, beams=3, alpha=0.0)
        scores = {}
        for node in tree[1:]:
            assert tree[node.parent].kept and tree[node.parent].word != EOS and node.score <= tree[node.parent].score
            words, at = [node.word], node.parent
            while at:
                words.insert(0, tree[at].word)
                at = tree[at].parent
            scores[tuple(words)] = node.score
        assert scores[tuple(ids[0].tolist())] == pytest.approx(values[0].item(), rel=1e-5)


def test_the_tree_is_drawn():
    import matplotlib.pyplot as plt

    from lib.figures import beam_tree

    figure = beam_tree([None, 0, 0, 1, 2], "SABxy", [1, 0.6, 0.4, 0.3, 0.36], [True] * 4 + [False], best=3)
    written = [text.get_text() for text in figure.axes[0].texts]
    plt.close(figure)
    assert written[0::2] == ["S", "A", "B", "x", "y"] and written[1::2] == ["1.000", "0.600", "0.400", "0.300", "0.360"]


def test_a_chance_that_three_digits_cannot_show_is_written_as_a_power_of_ten():
    import matplotlib.pyplot as plt

    from lib.figures import beam_tree

    figure = beam_tree([None, 0, 0, 0], "SABC", [1, 0.001, 0.0004, 2.3e-5], [True] * 4, best=1)
    written = [text.get_text() for text in figure.axes[0].texts]
    plt.close(figure)
    assert written[1::2] == ["1.000", "0.001", "4e-04", "2e-05"]


def test_best_continuations_are_sorted_and_sum_to_one_where_all_are_asked_for():
    logits = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(0))
    chances, ids = search.best_continuations(logits, 7)
    assert chances.shape == ids.shape == (2, 3, 7)
    assert (chances.diff(dim=-1) <= 0).all()
    torch.testing.assert_close(chances.sum(-1), torch.ones(2, 3))
    assert torch.equal(ids[..., 0], logits.argmax(-1))


def test_log_probability_is_pytorchs_cross_entropy():
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(3, 5, 11, generator=generator), torch.randint(11, (3, 5), generator=generator)
    mask = torch.arange(5) < torch.tensor([[5], [3], [0]])
    hidden = targets.masked_fill(~mask, -100)
    theirs = -functional.cross_entropy(logits.transpose(1, 2), hidden, reduction="none").sum(1)
    torch.testing.assert_close(search.log_probability(logits, targets, mask), theirs)


def test_beam_step_is_a_sorted_list_of_everything():
    generator = torch.Generator().manual_seed(0)
    scores, log_probs = torch.randn(2, 3, generator=generator), torch.randn(2, 3, 5, generator=generator)
    everything = [
        sorted(((scores[s, b] + log_probs[s, b, w]).item(), b, w) for b in range(3) for w in range(5))[::-1]
        for s in range(2)
    ]
    for keep in (1, 4, 15, 99):
        found = search.beam_step(scores, log_probs, keep)
        for s in range(2):
            mine = list(zip(*(part[s].tolist() for part in found), strict=True))
            assert mine == everything[s][:keep]


def test_values_are_the_mean_log_probability_of_the_words():
    model, rng = transformer(5), random.Random(5)
    source, mask = sources(rng, 5, 8)
    with torch.no_grad():
        ids, values = search.beam_search(*fast(model, source, mask, 9), 9, 3, 1.0, reorder_decoding)
        inputs = functional.pad(ids, (1, 0), value=SOS)[:, :-1]
        summed = search.log_probability(model(source, mask, inputs), ids, ids != PAD)
    torch.testing.assert_close(values, summed / (ids != PAD).sum(1))


@pytest.mark.parametrize("limit", [1, 2, 4, 6])
def test_exact_search_finds_what_trying_everything_finds(limit):
    torch.manual_seed(limit)
    weights = 2 * torch.randn(7, 5)

    def step(ids, state):
        written = torch.cat([state[0], ids[:, None]], dim=1)
        moods = (written * torch.arange(1, written.shape[1] + 1)).sum(1) % 7
        return weights[moods].index_fill(1, torch.arange(EOS), -math.inf), (written,), None

    everything = {}
    for words in itertools.product(range(EOS, 5), repeat=limit):
        if EOS in words:
            state, before, total = (torch.zeros(1, 0, dtype=torch.long),), SOS, 0.0
            for word in words[: words.index(EOS) + 1]:
                logits, state, _ = step(torch.tensor([before]), state)
                total, before = total + logits.log_softmax(-1)[0, word].item(), word
            everything[words[: words.index(EOS) + 1]] = total
    best = max(everything, key=everything.get)
    nothing = (torch.zeros(1, 0, dtype=torch.long),)
    for bound in (-math.inf, everything[best] - 0.1):
        ids, value = search.exact_search(step, nothing, bound, limit)
        assert tuple(ids) == best and value == pytest.approx(everything[best], abs=1e-5)
    assert search.exact_search(step, nothing, everything[best] + 0.1, limit) == (None, everything[best] + 0.1)
