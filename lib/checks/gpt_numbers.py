"""Checks of notebook 11, second part: parameters counted, fresh weights, counted pairs, bits per byte."""

import itertools
import math

import torch

from lib import gpt, gpt2
from lib.checks.core import Exercise
from lib.checks.running import Problem

gpt2_parameters = Exercise(gpt2.gpt2_parameters)
initial_weights = Exercise(gpt.initial_weights)
bigram_loss = Exercise(gpt.bigram_loss)
bits_per_byte = Exercise(gpt.bits_per_byte)


# -------------------------------------------------------------------------------------------------- gpt2_parameters


@gpt2_parameters.probe("vocab 101, 17 positions, d_model 10, 3 blocks")
def _(answer, rng):
    return answer(101, 17, 10, 3)


def _count_mistake(sentence):
    """Register a function of (vocab, positions, d, n) that gives the parts which are counted differently."""

    def add(change):
        def answer(vocab, n_positions, d_model, n_layers):
            right = gpt2.gpt2_parameters(vocab, n_positions, d_model, n_layers)
            return right | change(vocab, n_positions, d_model, n_layers)

        answer.__name__ = change.__name__
        gpt2_parameters.mistake(sentence)(answer)
        return change

    return add


@_count_mistake("the head is counted again: it is the embedding table, tied. This way GPT-2 has 163,037,184.")
def counted_twice(vocab, positions, d, n):
    return {"embedding": 2 * vocab * d}


@_count_mistake("positions are learned: a row of d_model numbers for each of them.")
def sinusoids(vocab, positions, d, n):
    return {"positions": 0}


@_count_mistake("positions: a row for each position, not for each token.")
def positions_by_vocab(vocab, positions, d, n):
    return {"positions": vocab * d}


@_count_mistake("GPT-2's attention has biases: d_model for each of its four matrices.")
def no_attention_biases(vocab, positions, d, n):
    return {"attention": n * 4 * d**2}


@_count_mistake("an attention has four matrices: query, key, value, and the one that mixes the heads.")
def three_matrices(vocab, positions, d, n):
    return {"attention": n * 3 * (d**2 + d)}


@_count_mistake("each of the attention's four matrices has a bias of d_model numbers; you count one.")
def one_bias(vocab, positions, d, n):
    return {"attention": n * (4 * d**2 + d)}


@_count_mistake("each of the attention's four matrices has a bias: the one that mixes the heads too.")
def three_biases(vocab, positions, d, n):
    return {"attention": n * (4 * d**2 + 3 * d)}


@_count_mistake("the feed-forward's biases are missing: 4·d_model numbers and d_model numbers.")
def no_biases(vocab, positions, d, n):
    return {"feed-forward": n * 8 * d**2}


@_count_mistake("the feed-forward has two biases: 4·d_model numbers in the first, d_model in the second.")
def first_bias_only(vocab, positions, d, n):
    return {"feed-forward": n * (8 * d**2 + 4 * d)}


@_count_mistake("the second bias has d_model numbers, one for each output; only the first has 4·d_model.")
def wide_biases(vocab, positions, d, n):
    return {"feed-forward": n * (8 * d**2 + 8 * d)}


@_count_mistake("the first bias has 4·d_model numbers, one for each output; only the second has d_model.")
def narrow_biases(vocab, positions, d, n):
    return {"feed-forward": n * (8 * d**2 + 2 * d)}


@_count_mistake("the feed-forward has two matrices, up and down, 4·d_model² numbers each.")
def one_matrix(vocab, positions, d, n):
    return {"feed-forward": n * (4 * d**2 + 5 * d)}


@_count_mistake("the feed-forward is four times as wide as d_model.")
def narrow(vocab, positions, d, n):
    return {"feed-forward": n * (2 * d**2 + 2 * d)}


@_count_mistake("a norm has 2·d_model parameters: scale and shift.")
def scale_only(vocab, positions, d, n):
    return {"norms": (2 * n + 1) * d}


@_count_mistake("the norm at the end has a scale and a shift too.")
def half_a_last_norm(vocab, positions, d, n):
    return {"norms": 4 * n * d + d}


@_count_mistake("there is one norm more, at the end of the stack.")
def no_last_norm(vocab, positions, d, n):
    return {"norms": 4 * n * d}


@_count_mistake("a block has two norms, one for each part; you count one.")
def one_norm_a_block(vocab, positions, d, n):
    return {"norms": (n + 1) * 2 * d}


@_count_mistake("the norm at the end stands there once, not in every block.")
def three_norms(vocab, positions, d, n):
    return {"norms": 6 * n * d}


@_count_mistake("one block is counted: there are n_layers of them.")
def one_block(vocab, positions, d, n):
    return {part: gpt2.gpt2_parameters(vocab, positions, d, 1)[part] for part in ("attention", "feed-forward", "norms")}


@gpt2_parameters.mistake("this is the sum: return a dict with the five parts.")
def only_the_sum(vocab, n_positions, d_model, n_layers):
    return sum(gpt2.gpt2_parameters(vocab, n_positions, d_model, n_layers).values())


# -------------------------------------------------------------------------------------------------- initial_weights

SIZES = {"vocab": 101, "n_positions": 53, "d_model": 48, "n_heads": 3}  # large enough to tell 0.02 from 0.021


def messy(n_layers):
    """A model whose every parameter is 7: nothing of it should be left."""
    model = gpt.GPT(**SIZES, n_layers=n_layers)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(7.0)
    return model


def is_like(found, expected, tolerance):
    """The expected number where the found one is near it, so that luck of the draw makes no difference."""
    return expected if abs(found - expected) <= tolerance else found


def sizes_found(model, n_layers):
    """Spread and mean of each parameter, block by block alike."""
    if not hasattr(model, "named_parameters"):
        raise Problem("type", "the result should be the model itself: return model.")
    found = {}
    for name, parameter in model.named_parameters():
        values = parameter.detach()
        if values.dim() == 1:
            found[f"the lowest number in {name}"] = values.min().item()
            found[f"the highest number in {name}"] = values.max().item()
            continue
        ends = name.endswith(("to_out.weight", "narrow.weight"))
        expected = 0.02 / math.sqrt(2 * n_layers) if ends else 0.02
        found[f"the tails of {name} (normal numbers have 3, uniform ones 1.8)"] = is_like(
            ((values / values.std()) ** 4).mean().item(), 3.0, 0.6
        )
        found[f"the standard deviation of {name}"] = is_like(values.std().item(), expected, 0.09 * expected)
        found[f"the mean of {name}"] = is_like(values.mean().item(), 0.0, 0.1 * expected)
    return found


@initial_weights.probe("a model of 2 blocks")
def _(answer, rng):
    return sizes_found(answer(messy(2), rng), 2)


@initial_weights.probe("a model of 8 blocks")
def _(answer, rng):
    return sizes_found(answer(messy(8), rng), 8)


@initial_weights.probe("generators of the same seed and of another one")
def _(answer, rng):
    weights = []
    for number, seed in enumerate((5, 5, 6)):
        torch.manual_seed(number)  # the global generator is elsewhere each time
        model = answer(messy(1), torch.Generator().manual_seed(seed))
        weights.append(torch.cat([parameter.detach().flatten() for parameter in model.parameters()]))
    if not torch.equal(weights[0], weights[1]):
        raise Problem(
            "other dice", "the same generator gives other numbers the second time: draw with generator=generator."
        )
    if torch.equal(weights[0], weights[2]):
        raise Problem("own dice", "the numbers do not depend on `generator`: draw from it, not from one of your own.")


@initial_weights.probe("whether each matrix has numbers of its own")
def _(answer, rng):
    named = answer(messy(2), rng).named_parameters()
    matrices = [(name, matrix.detach().flatten()) for name, matrix in named if matrix.dim() == 2]
    for (name, one), (other, two) in itertools.combinations(matrices, 2):
        if len(one) == len(two) and torch.cosine_similarity(one, two, dim=0) > 0.5:
            raise Problem("twins", f"{name} and {other} have the same numbers: draw anew for each, from one generator.")


@initial_weights.probe("whether it is the model that was given, still able to learn")
def _(answer, rng):
    model = messy(1)
    before = list(model.parameters())
    if answer(model, rng) is not model:
        raise Problem("another model", "the result is another model: change the one that was given, and return it.")
    if any(a is not b for a, b in zip(before, model.parameters(), strict=True)):
        raise Problem(
            "new parameters", "a parameter is a new object: change its numbers in place (normal_, fill_, copy_)."
        )
    if not all(parameter.requires_grad for parameter in model.parameters()):
        raise Problem("frozen", "a parameter cannot learn any more: leave requires_grad as it is.")


def _weights_mistake(sentence, matrix=0.02, end=None, bias=0.0, scale=1.0, shift=0.0, uniform=False):
    """A wrong initialisation. `end`: n_layers to the size of the matrices that end a branch."""

    def answer(model, generator):
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                ends = name.endswith(("to_out.weight", "narrow.weight"))
                if parameter.dim() == 1:
                    kind = {"scale": scale, "shift": shift}.get(name.rpartition(".")[2], bias)
                    if kind is None:
                        continue
                    parameter.fill_(kind)
                elif uniform:
                    parameter.uniform_(-matrix, matrix, generator=generator)
                else:
                    size = end(len(model.blocks)) if end and ends else matrix
                    if not ends and not end:
                        size = matrix
                    elif ends and not end:
                        size = 0.02 / math.sqrt(2 * len(model.blocks))
                    parameter.normal_(0, size, generator=generator)
        return model

    initial_weights.mistake(sentence)(answer)


_weights_mistake("the matrices that end a branch are not made smaller: to_out and narrow.", end=lambda n: 0.02)
_weights_mistake(
    "√n_layers instead of √(2 n_layers): each block adds two branches, attention and feed-forward.",
    end=lambda n: 0.02 / math.sqrt(n),
)
_weights_mistake("divided by 2 n_layers: it is the root of that.", end=lambda n: 0.02 / (2 * n))
_weights_mistake("multiplied by √(2 n_layers): it should be divided.", end=lambda n: 0.02 * math.sqrt(2 * n))
_weights_mistake("biases keep what they had: they become 0.", bias=None)
_weights_mistake("biases are drawn or 1: they become 0.", bias=1.0)
_weights_mistake("the norms keep what they had: scale becomes 1, shift becomes 0.", scale=None, shift=None)
_weights_mistake("the norms' scale is 0: nothing comes through. It becomes 1.", scale=0.0)
_weights_mistake("the norms' shift is not 0.", shift=1.0)
_weights_mistake("uniform numbers: normal ones are asked for, normal_.", uniform=True)
_weights_mistake(
    "0.02 is taken for the variance: it is the standard deviation.",
    matrix=math.sqrt(0.02),
    end=lambda n: math.sqrt(0.02 / (2 * n)),
)
_weights_mistake("standard deviation 1, not 0.02.", matrix=1.0, end=lambda n: 1 / math.sqrt(2 * n))


@initial_weights.mistake("a bias is drawn where a branch ends: `to_out` and `narrow` have one, look for `.weight`.")
def draws_biases(model, generator):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "to_out" in name or "narrow" in name:
                parameter.normal_(0, 0.02 / math.sqrt(2 * len(model.blocks)), generator=generator)
            elif parameter.dim() == 2:
                parameter.normal_(0, 0.02, generator=generator)
            else:
                parameter.fill_(float(name.endswith("scale")))
    return model


# ------------------------------------------------------------------------------------------------------ bigram_loss


def text(vocab, length, rng):
    return torch.randint(vocab, (length,), generator=rng)


@bigram_loss.probe("60 ids counted, 20 guessed, 5 tokens, 1 added")
def _(answer, rng):
    return answer(text(5, 60, rng), text(5, 20, rng), 5, 1.0)


@bigram_loss.probe("0 1 0 1 2 0 1 counted, 0 1 2 guessed, the usual 0.1 added")
def _(answer, rng):
    return answer(torch.tensor([0, 1, 0, 1, 2, 0, 1]), torch.tensor([0, 1, 2]), 3)


@bigram_loss.probe("tokens that were never seen, 17 in all, 0.5 added")
def _(answer, rng):
    return answer(text(7, 40, rng), 12 - text(7, 30, rng), 17, 0.5)


def _counts(ids, vocab):
    return torch.bincount(ids[:-1] * vocab + ids[1:], minlength=vocab**2).view(vocab, vocab).float()


def _mean(chances, held_out):
    return -chances[held_out[:-1], held_out[1:]].log().mean()


@bigram_loss.mistake("pairs are read backwards: the row is the token before, the column the one after.")
def backwards(ids, held_out, vocab, extra=0.1):
    return gpt.bigram_loss(ids.flip(0), held_out, vocab, extra)


@bigram_loss.mistake("columns are divided by their sum, not rows: p(b after a) sums to 1 over b.")
def by_columns(ids, held_out, vocab, extra=0.1):
    counts = _counts(ids, vocab) + extra
    return _mean(counts / counts.sum(0, keepdim=True), held_out)


@bigram_loss.mistake("a row's sum divides a column: sum with keepdim=True, so that it stays a column of sums.")
def sums_lie_down(ids, held_out, vocab, extra=0.1):
    counts = _counts(ids, vocab) + extra
    return _mean(counts / counts.sum(1), held_out)


@bigram_loss.mistake("the table has fewer than `vocab` columns: tokens that no text has get `extra` too.")
def only_what_occurs(ids, held_out, vocab, extra=0.1):
    return gpt.bigram_loss(ids, held_out, 1 + int(max(ids.max(), held_out.max())), extra)


@bigram_loss.mistake("a row's sum is the number of pairs that begin with a: the last token begins none.")
def counts_the_last(ids, held_out, vocab, extra=0.1):
    rows = torch.bincount(ids, minlength=vocab)[:, None] + vocab * extra
    return _mean((_counts(ids, vocab) + extra) / rows, held_out)


@bigram_loss.mistake("divided by all pairs: p(b after a) compares with the pairs that begin with a, its row.")
def joint(ids, held_out, vocab, extra=0.1):
    counts = _counts(ids, vocab) + extra
    return _mean(counts / counts.sum(), held_out)


@bigram_loss.mistake("`extra` is missing in the row's sum: add it to every count first, then sum.")
def extra_above_only(ids, held_out, vocab, extra=0.1):
    counts = _counts(ids, vocab)
    return _mean((counts + extra) / counts.sum(1, keepdim=True).clamp(min=1e-30), held_out)


@bigram_loss.mistake("`extra` is added to the row's sum once: the row has vocab counts, and each gets it.")
def extra_once(ids, held_out, vocab, extra=0.1):
    counts = _counts(ids, vocab)
    return _mean((counts + extra) / (counts.sum(1, keepdim=True) + extra), held_out)


@bigram_loss.mistake("`extra` is not added: a pair that was never seen is infinitely surprising.")
def no_extra(ids, held_out, vocab, extra=0.1):
    counts = _counts(ids, vocab)
    return _mean(counts / counts.sum(1, keepdim=True), held_out)


@bigram_loss.mistake("1 is added instead of `extra`.")
def adds_one(ids, held_out, vocab, extra=0.1):
    return gpt.bigram_loss(ids, held_out, vocab, 1.0)


@bigram_loss.mistake("always 0.1 is added: `extra` says how much.")
def adds_a_tenth(ids, held_out, vocab, extra=0.1):
    return gpt.bigram_loss(ids, held_out, vocab, 0.1)


@bigram_loss.mistake("the token before is not looked at: this counts tokens, not pairs.")
def unigrams(ids, held_out, vocab, extra=0.1):
    counts = torch.bincount(ids, minlength=vocab) + extra
    return -(counts / counts.sum())[held_out[1:]].log().mean()


@bigram_loss.mistake("the held-out text is counted: count `ids`, then guess `held_out`.")
def peeks(ids, held_out, vocab, extra=0.1):
    return gpt.bigram_loss(held_out, held_out, vocab, extra)


@bigram_loss.mistake("the held-out text is counted as well: it must be new, count `ids` only.")
def counts_both(ids, held_out, vocab, extra=0.1):
    counts = _counts(ids, vocab) + _counts(held_out, vocab) + extra
    return _mean(counts / counts.sum(1, keepdim=True), held_out)


@bigram_loss.mistake("the counted text is guessed: count `ids`, then guess `held_out`.")
def guesses_what_it_counted(ids, held_out, vocab, extra=0.1):
    return gpt.bigram_loss(ids, ids, vocab, extra)


@bigram_loss.mistake("the sum: the mean over the pairs is asked for.")
def summed(ids, held_out, vocab, extra=0.1):
    return gpt.bigram_loss(ids, held_out, vocab, extra) * (len(held_out) - 1)


@bigram_loss.mistake("divided by the number of tokens: there is one pair fewer.")
def over_tokens(ids, held_out, vocab, extra=0.1):
    return gpt.bigram_loss(ids, held_out, vocab, extra) * (len(held_out) - 1) / len(held_out)


@bigram_loss.mistake("the sign: a surprise is -ln p, which is never negative.")
def negative(ids, held_out, vocab, extra=0.1):
    return -gpt.bigram_loss(ids, held_out, vocab, extra)


@bigram_loss.mistake("in bits: the loss is in nats, the natural logarithm.")
def in_bits(ids, held_out, vocab, extra=0.1):
    return gpt.bigram_loss(ids, held_out, vocab, extra) / math.log(2)


@bigram_loss.mistake("the logarithm of the mean: take the logarithm of each chance, then the mean.")
def log_of_mean(ids, held_out, vocab, extra=0.1):
    counts = _counts(ids, vocab) + extra
    return -(counts / counts.sum(1, keepdim=True))[held_out[:-1], held_out[1:]].mean().log()


@bigram_loss.mistake(
    "each pair counts once, however often it stands there: indexing with += does not add up. Use bincount."
)
def each_pair_once(ids, held_out, vocab, extra=0.1):
    counts = (_counts(ids, vocab) > 0).float() + extra
    return _mean(counts / counts.sum(1, keepdim=True), held_out)


# ---------------------------------------------------------------------------------------------------- bits_per_byte


@bits_per_byte.probe("a loss of 2.5 over 7 tokens and 23 bytes")
def _(answer, rng):
    return answer(2.5, 7, 23)


def _bits_mistake(sentence):
    def add(answer):
        bits_per_byte.mistake(sentence)(answer)

    return add


@_bits_mistake("these are nats a byte: divide by ln 2.")
def in_nats(loss, n_tokens, n_bytes):
    return loss * n_tokens / n_bytes


@_bits_mistake("multiplied by ln 2: a bit is ln 2 nats, so divide.")
def times_ln2(loss, n_tokens, n_bytes):
    return loss * n_tokens / n_bytes * math.log(2)


@_bits_mistake("these are bits a token: times n_tokens gives the whole text, over n_bytes.")
def per_token(loss, n_tokens, n_bytes):
    return loss / math.log(2)


@_bits_mistake("tokens and bytes are swapped: loss × tokens is the whole text, and that is spread over the bytes.")
def swapped(loss, n_tokens, n_bytes):
    return loss * n_bytes / n_tokens / math.log(2)


@_bits_mistake("the loss is a mean over tokens: times n_tokens gives the whole text.")
def tokens_forgotten(loss, n_tokens, n_bytes):
    return loss / math.log(2) / n_bytes


@_bits_mistake("these are the bits of the whole text: divide by n_bytes.")
def whole_text(loss, n_tokens, n_bytes):
    return loss * n_tokens / math.log(2)


@_bits_mistake("the logarithm of the loss is taken: it is one already, change its unit.")
def log2_of_loss(loss, n_tokens, n_bytes):
    return math.log2(loss) * n_tokens / n_bytes


@_bits_mistake("exp gives a perplexity: change the unit of the loss, divide by ln 2.")
def perplexity(loss, n_tokens, n_bytes):
    return math.exp(loss) * n_tokens / n_bytes


@_bits_mistake("a byte has 8 bits, but what is asked for is bits a byte: do not divide or multiply by 8.")
def by_eight(loss, n_tokens, n_bytes):
    return loss * n_tokens / math.log(2) / n_bytes / 8


@_bits_mistake("a byte has 8 bits, but what is asked for is bits a byte: do not divide or multiply by 8.")
def times_eight(loss, n_tokens, n_bytes):
    return loss * n_tokens / math.log(2) / n_bytes * 8


@_bits_mistake("1.44 is a rounded number: divide by math.log(2).")
def rounded_constant(loss, n_tokens, n_bytes):
    return loss * 1.44 * n_tokens / n_bytes


@_bits_mistake("log10: a bit is math.log(2) nats, with the natural logarithm.")
def log10(loss, n_tokens, n_bytes):
    return loss * n_tokens / n_bytes / math.log10(2)
