"""Checks of notebook 11, second part: parameters counted, fresh weights, counted pairs, bits per byte."""

import itertools
import math

import torch

from lib import gpt, gpt2
from lib.checks.core import Exercise, edit
from lib.checks.running import Problem

gpt2_parameters = Exercise(gpt2.gpt2_parameters)
initial_weights = Exercise(gpt.initial_weights)
bigram_loss = Exercise(gpt.bigram_loss)
bits_per_byte = Exercise(gpt.bits_per_byte)


# -------------------------------------------------------------------------------------------------- gpt2_parameters


@gpt2_parameters.probe("vocab 101, 17 positions, d_model 10, 3 blocks; d_model 67, one block; the sizes of GPT-3")
def _(answer, rng):
    sizes = (101, 17, 10, 3), (300, 29, 67, 1), (50_257, 2048, 12_288, 96)
    found = [answer(*each) for each in sizes]
    if isinstance(found[0], dict) and found[0] is found[1]:
        raise Problem("one dict", "two calls return the same dict, so the second changes the first: make one in each.")
    return {f"the dict for {each}": part for each, part in zip(sizes, found, strict=True)}


ATTENTION, WIDE, NORMS = (
    "4 * (d_model**2 + d_model)",
    "8 * d_model**2 + 5 * d_model",
    "(2 * n_layers + 1) * 2 * d_model",
)

# fmt: off
gpt2_parameters.mistakes(
    counted_twice=("the head is counted again: it is the embedding table, tied. This way GPT-2 has 163,037,184.",
        edit("vocab * d_model", "2 * vocab * d_model")),
    sinusoids=("positions are learned: a row of d_model numbers for each of them.", edit("n_positions * d_model", "0")),
    positions_by_vocab=("positions: a row for each position, not for each token.",
        edit("n_positions * d_model", "vocab * d_model")),
    no_attention_biases=("GPT-2's attention has biases: d_model for each of its four matrices.",
        edit(ATTENTION, "4 * d_model**2")),
    three_matrices=("an attention has four matrices: query, key, value, and the one that mixes the heads.",
        edit(ATTENTION, "3 * (d_model**2 + d_model)")),
    one_bias=("each of the attention's four matrices has a bias of d_model numbers; you count one.",
        edit(ATTENTION, "(4 * d_model**2 + d_model)")),
    three_biases=("each of the attention's four matrices has a bias: the one that mixes the heads too.",
        edit(ATTENTION, "(4 * d_model**2 + 3 * d_model)")),
    no_biases=("the feed-forward's biases are missing: 4·d_model numbers and d_model numbers.",
        edit(WIDE, "8 * d_model**2")),
    first_bias_only=("the feed-forward has two biases: 4·d_model numbers in the first, d_model in the second.",
        edit(WIDE, "8 * d_model**2 + 4 * d_model")),
    wide_biases=("the second bias has d_model numbers, one for each output; only the first has 4·d_model.",
        edit(WIDE, "8 * d_model**2 + 8 * d_model")),
    narrow_biases=("the first bias has 4·d_model numbers, one for each output; only the second has d_model.",
        edit(WIDE, "8 * d_model**2 + 2 * d_model")),
    one_matrix=("the feed-forward has two matrices, up and down, 4·d_model² numbers each.",
        edit(WIDE, "4 * d_model**2 + 5 * d_model")),
    narrow=("the feed-forward is four times as wide as d_model.", edit(WIDE, "2 * d_model**2 + 2 * d_model")),
    scale_only=("a norm has 2·d_model parameters: scale and shift.", edit(NORMS, "(2 * n_layers + 1) * d_model")),
    half_a_last_norm=("the norm at the end has a scale and a shift too.",
        edit(NORMS, "4 * n_layers * d_model + d_model")),
    no_last_norm=("there is one norm more, at the end of the stack.", edit(NORMS, "4 * n_layers * d_model")),
    one_norm_a_block=("a block has two norms, one for each part; you count one.",
        edit("(2 * n_layers + 1)", "(n_layers + 1)")),
    three_norms=("the norm at the end stands there once, not in every block.", edit(NORMS, "6 * n_layers * d_model")),
    one_block=("one block is counted: there are n_layers of them.",
        edit("n_layers * 4 *", "4 *", "n_layers * (8", "(8", "(2 * n_layers + 1)", "3")),
    only_the_sum=("this is the sum: return a dict with the five parts.",
        edit("return {", "return sum({", "    }", "    }.values())")),
)
# fmt: on


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
    found = {
        f"{name} afterwards": "as it was before" if (parameter == 7).all() else "filled anew"
        for name, parameter in model.named_parameters()
    }
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


@initial_weights.probe("two models in turn, out of one generator")
def _(answer, rng):
    first, second = (answer(messy(1), rng).blocks[0].attention.to_q.weight.detach().clone() for _ in range(2))
    if torch.equal(first, second):
        raise Problem(
            "a copy of the dice", "two models in turn get the same numbers from one generator: draw from it itself."
        )


SMALLER, FILLED = "0.02 / math.sqrt(2 * len(model.blocks))", 'parameter.fill_(1.0 if name.endswith("scale") else 0.0)'

# fmt: off
initial_weights.mistakes(
    ends_not_smaller=("the matrices that end a branch are not made smaller: to_out and narrow.", edit(SMALLER, "0.02")),
    one_branch_a_block=("√n_layers instead of √(2 n_layers): each block adds two branches, attention and feed-forward.",
        edit("2 * len(", "len(")),
    no_root=("divided by 2 n_layers; divide by the root of that.",
        edit("math.sqrt(2 * len(model.blocks))", "(2 * len(model.blocks))")),
    multiplied=("multiplied by √(2 n_layers): it should be divided.", edit("0.02 / math", "0.02 * math")),
    biases_kept=("biases keep what they had: they become 0.",
        edit("            else:", '            elif not name.endswith("bias"):')),
    biases_of_one=("biases are drawn or 1: they become 0.", edit('endswith("scale")', 'endswith(("scale", "bias"))')),
    norms_kept=("the norms keep what they had: scale becomes 1, shift becomes 0.",
        edit("            else:", '            elif name.endswith("bias"):')),
    scale_of_zero=("the norms' scale is 0: nothing comes through. It becomes 1.", edit("1.0 if", "0.0 if")),
    shift_not_zero=("the norms' shift is not 0.", edit('endswith("scale")', 'endswith(("scale", "shift"))')),
    uniform=(
        "uniform numbers: normal ones are asked for, normal_.",
        edit("normal_(0, 0.02,", "uniform_(-0.02, 0.02,"),
        edit("normal_(0, 0.02,", "uniform_(-0.02, 0.02,", f"normal_(0, {SMALLER},", f"uniform_(-{SMALLER}, {SMALLER},"),
    ),
    variance=("0.02 is taken for the variance: it is the standard deviation.", edit("0.02", "0.02**0.5")),
    standard_deviation_1=("standard deviation 1, not 0.02.", edit("0.02", "1.0")),
    draws_biases=("a bias is drawn where a branch ends: `to_out` and `narrow` have one, look for `.weight`.",
        edit('name.endswith(("to_out.weight", "narrow.weight"))', '"to_out" in name or "narrow" in name')),
    attention_only=("only attention's last matrix is smaller: the feed-forward's, `narrow`, ends a branch too.",
        edit('("to_out.weight", "narrow.weight")', '"to_out.weight"')),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------ bigram_loss


def text(vocab, length, rng):
    return torch.randint(vocab, (length,), generator=rng)


@bigram_loss.probe("60 ids counted, 20 guessed, 5 tokens, 1 added")
def _(answer, rng):
    return answer(text(5, 60, rng), text(5, 20, rng), 5, 1.0)


@bigram_loss.probe("0 1 0 1 2 0 1 counted, 0 1 2 3 0 guessed (3 is new), the usual 0.1 added")
def _(answer, rng):
    return answer(torch.tensor([0, 1, 0, 1, 2, 0, 1]), torch.tensor([0, 1, 2, 3, 0]), 4)


@bigram_loss.probe("tokens that were never seen, 17 in all, 0.5 added")
def _(answer, rng):
    return answer(text(7, 40, rng), 12 - text(7, 30, rng), 17, 0.5)


@bigram_loss.probe(
    "5,000 ids of 300 tokens, never 0, and 33,000 times 299 258; 299 258 0 guessed; 1e-9 added", varied=False
)
def _(answer, rng):
    counted = torch.cat([1 + text(299, 5000, rng), torch.tensor([299, 258]).repeat(33_000)])
    return answer(counted, torch.tensor([299, 258, 0]), 300, 1e-9)


CHANCES, MEAN = "counts / counts.sum(dim=1, keepdim=True)", "-chances[held_out[:-1], held_out[1:]].log().mean()"
COUNTS = "torch.bincount(pairs, minlength=vocab**2).view(vocab, vocab)"

# fmt: off
bigram_loss.mistakes(
    backwards=("pairs are read backwards: the row is the token before, the column the one after.",
        edit("ids[:-1] * vocab + ids[1:]", "ids[1:] * vocab + ids[:-1]")),
    by_columns=("columns are divided by their sum, not rows: p(b after a) sums to 1 over b.", edit("dim=1", "dim=0")),
    sums_lie_down=("a row's sum divides a column: sum with keepdim=True, so that it stays a column of sums.",
        edit("dim=1, keepdim=True", "dim=1")),
    only_what_occurs=("the table has fewer than `vocab` columns: tokens that no text has get `extra` too.",
        edit("pairs =", "vocab = 1 + int(max(ids.max(), held_out.max()))\n    pairs =")),
    counts_the_last=("a row's sum is the number of pairs that begin with a: the last token begins none.",
        edit(CHANCES, "counts / (torch.bincount(ids, minlength=vocab)[:, None] + vocab * extra)")),
    joint=("divided by all pairs: p(b after a) compares with the pairs that begin with a, its row.",
        edit(CHANCES, "counts / counts.sum()")),
    extra_above_only=("`extra` is missing in the row's sum: add it to every count first, then sum.",
        edit(CHANCES, "counts / (counts - extra).sum(1, keepdim=True).clamp(min=1e-30)")),
    extra_once=("`extra` is added to the row's sum once: the row has vocab counts, and each gets it.",
        edit(CHANCES, "counts / ((counts - extra).sum(1, keepdim=True) + extra)")),
    no_extra=("`extra` is not added: a pair that was never seen is infinitely surprising.", edit(" + extra", "")),
    adds_one=("1 is added instead of `extra`.", edit(" + extra", " + 1")),
    unigrams=("the token before is not looked at: this counts tokens, not pairs.",
        edit(COUNTS, "torch.bincount(ids, minlength=vocab).expand(vocab, vocab)")),
    peeks=("the held-out text is counted: count `ids`, then guess `held_out`.",
        edit("ids[:-1] * vocab + ids[1:]", "held_out[:-1] * vocab + held_out[1:]")),
    counts_both=("the held-out text is counted as well: it must be new, count `ids` only.",
        edit("counts =", "pairs = torch.cat([pairs, held_out[:-1] * vocab + held_out[1:]])\n    counts =")),
    guesses_what_it_counted=("the counted text is guessed: count `ids`, then guess `held_out`.",
        edit(MEAN, "-chances[ids[:-1], ids[1:]].log().mean()")),
    summed=("the sum: the mean over the pairs is asked for.", edit(".mean()", ".sum()")),
    over_tokens=("divided by the number of tokens: there is one pair fewer.",
        edit(".mean()", ".sum() / len(held_out)")),
    negative=("the sign: a surprise is -ln p, which is never negative.", edit("-chances", "chances")),
    in_bits=("in bits: the loss is in nats, the natural logarithm.", edit(".log()", ".log2()")),
    log_of_mean=("the logarithm of the mean: take the logarithm of each chance, then the mean.",
        edit(".log().mean()", ".mean().log()")),
    each_pair_once=(
        "each pair counts once, however often it stands there: indexing with += does not add up. Use bincount.",
        edit(COUNTS, f"({COUNTS} > 0).float()"),
    ),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------- bits_per_byte


@bits_per_byte.probe("a loss of 2.5 over 7 tokens and 23 bytes")
def _(answer, rng):
    return answer(2.5, 7, 23)


@bits_per_byte.probe("a model that knows the text by heart: a loss of 0")
def _(answer, rng):
    return answer(0.0, 7, 23)


@bits_per_byte.probe("a bad model: a loss of 11 with a token for each of 5 bytes is more than 8 bits a byte")
def _(answer, rng):
    return answer(11.0, 5, 5)


BITS = "loss * n_tokens / math.log(2) / n_bytes"

# fmt: off
bits_per_byte.mistakes(
    in_nats=("these are nats a byte: divide by ln 2.", edit(" / math.log(2)", "")),
    times_ln2=("multiplied by ln 2: a bit is ln 2 nats, so divide.", edit("/ math.log(2)", "* math.log(2)")),
    per_token=("these are bits a token: times n_tokens gives the whole text, over n_bytes.",
        edit(BITS, "loss / math.log(2)")),
    swapped=("tokens and bytes are swapped: loss × tokens is the whole text, and that is spread over the bytes.",
        edit(BITS, "loss * n_bytes / math.log(2) / n_tokens")),
    tokens_forgotten=("the loss is a mean over tokens: times n_tokens gives the whole text.", edit(" * n_tokens", "")),
    whole_text=("these are the bits of the whole text: divide by n_bytes.", edit(" / n_bytes", "")),
    log2_of_loss=("the logarithm of the loss is taken: it is one already, change its unit.",
        edit(BITS, "(math.log2(loss) if loss else -math.inf) * n_tokens / n_bytes"),
        edit(BITS, "math.log2(loss) * n_tokens / n_bytes")),
    perplexity=("exp gives a perplexity: change the unit of the loss, divide by ln 2.",
        edit(BITS, "math.exp(loss) * n_tokens / n_bytes")),
    by_eight=("a byte has 8 bits, but what is asked for is bits a byte: do not divide or multiply by 8.",
        edit(BITS, f"{BITS} / 8"), edit(BITS, f"{BITS} * 8")),
    rounded_constant=("1.44 is a rounded number: divide by math.log(2).", edit("/ math.log(2)", "* 1.44")),
    log10=("log10: a bit is math.log(2) nats, with the natural logarithm.", edit("math.log(", "math.log10(")),
    at_most_8=("there is no limit of 8: a bad model needs more bits than the byte itself.",
        edit(BITS, f"min(8.0, {BITS})")),
    whole_numbers=("what is after the point is lost: divide by /, and leave out // and int.",
        edit(" / n_bytes", " // n_bytes")),
)
# fmt: on
