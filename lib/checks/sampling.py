"""The checks of notebook 12: temperature and drawing. The others stand in sampling_tails and sampling_writing."""

import math

import torch

from lib.checks.core import Exercise
from lib.checks.running import Problem
from lib.checks.sampling_tails import min_p, refused, top_k, top_p
from lib.checks.sampling_writing import generate, repetition_penalty
from lib.decoding import sampling as course

__all__ = ["apply_temperature", "generate", "min_p", "repetition_penalty", "sample", "top_k", "top_p"]


def _random(rng, *shape, scale=2.0):
    return torch.randn(*shape, generator=rng) * scale


# ------------------------------------------------------------------------------------------------- apply_temperature

apply_temperature = Exercise(course.apply_temperature)


@apply_temperature.probe("the logits 2, 1, 0 at temperature 0.5")
def _(answer, rng):
    return answer(torch.tensor([2.0, 1.0, 0.0]), 0.5)


@apply_temperature.probe("three rows of five logits at temperature 1.7")
def _(answer, rng):
    return answer(_random(rng, 3, 5), 1.7)


@apply_temperature.probe("two rows of logits in 64 bits at temperature 0.004")
def _(answer, rng):
    return answer(_random(rng, 2, 7).double(), 0.004)


@apply_temperature.probe("temperatures that make no sense: a ValueError is asked for")
def _(answer, rng):
    return refused(answer, [0, -1.0, math.inf])


def _temperature_mistake(sentence, name, answer):
    answer.__name__ = name
    apply_temperature.mistake(sentence)(answer)


_temperature_mistake("multiplied: then a high temperature sharpens. Divide.", "multiplied", lambda x, t: x * t)
_temperature_mistake("these are probabilities; logits are asked for, the softmax comes at the end.", "probabilities",
                     lambda x, t: (x / t).softmax(-1))  # fmt: skip
_temperature_mistake("the probabilities are divided; the logits should be, before any softmax.", "divided_late",
                     lambda x, t: x.softmax(-1) / t)  # fmt: skip
_temperature_mistake("probabilities to the power 1/t: the idea is right, but give logits: logits / t.", "powers",
                     lambda x, t: x.softmax(-1) ** (1 / t))  # fmt: skip
_temperature_mistake("no softmax and no logarithm here: the logits as they are, divided.", "log_softmax",
                     lambda x, t: (x / t).log_softmax(-1))  # fmt: skip
_temperature_mistake("no softmax and no logarithm here: the logits as they are, divided.", "log_softmax_first",
                     lambda x, t: x.log_softmax(-1) / t)  # fmt: skip
_temperature_mistake("the temperature is subtracted, which the softmax does not even notice. Divide.", "subtracted",
                     lambda x, t: x - t)  # fmt: skip
_temperature_mistake("divided by the square root (that is attention's scale). Divide by the temperature.", "root",
                     lambda x, t: x / math.sqrt(t))  # fmt: skip
_temperature_mistake("the temperature changes nothing here.", "ignored", lambda x, t: x)
_temperature_mistake("this is a power; the logits are divided.", "power", lambda x, t: x**t)
_temperature_mistake("the logits came in 64 bits and left in fewer: keep their dtype.", "bits_lost",
                     lambda x, t: (x / t).float())  # fmt: skip
_temperature_mistake("`//` throws away what is after the point: `/`.", "whole_numbers", lambda x, t: x // t)


# ------------------------------------------------------------------------------------------------------------ sample

sample = Exercise(course.sample)
DRAWS = 20_000
SURE = 1e-6  # an honest sampler is refused once in a million


def _one_left(*shape, vocab=5):
    """Logits (*shape, vocab) with one possible token a row, 0, 1, 2 ... in turn."""
    ids = torch.arange(math.prod(shape)).view(shape) % vocab
    return torch.full((*shape, vocab), -math.inf).scatter(-1, ids[..., None], 0.5)


@sample.probe("rows in two leading dimensions, (2, 3, vocab), one possible token each")
def _(answer, rng):
    return answer(_one_left(2, 3), rng)


@sample.probe("five logits, all -inf but that of token 0")
def _(answer, rng):
    return answer(_one_left(), rng)


@sample.probe("rows (2, 1, vocab), one possible token each, logit 200.5")
def _(answer, rng):
    return answer(_one_left(2, 1) + 200, rng)


@sample.probe("20,000 draws, counted")
def _(answer, rng):
    logits = _random(rng, 11, scale=1.0)
    drawn = answer(logits.expand(DRAWS, 11), rng)
    if not isinstance(drawn, torch.Tensor) or drawn.shape != (DRAWS,):
        return drawn
    counts = torch.bincount(drawn.long().clamp(0, 10), minlength=11)
    guesses = {
        "as the softmax says": logits.softmax(-1),
        "as the softmax of the softmax says": logits.softmax(-1).softmax(-1),
        "all equally often": torch.ones(11),
        "as the softmax of the negative logits says": (-logits).softmax(-1),
        "as e to the power of twice the logits says": (2 * logits).softmax(-1),
    }
    for how, probabilities in guesses.items():
        if course.chi_square(counts, probabilities)[1] > SURE:
            return how
    if counts.max() == DRAWS:
        again = {answer(logits.expand(2, 11), rng)[0].item() for _ in range(20)}
        return "always the likeliest" if len(again) == 1 else "the same token in all rows"
    worst = (counts / DRAWS - logits.softmax(-1)).abs().argmax().item()
    raise Problem(
        "frequencies",
        f"token {worst} was drawn in {counts[worst] / DRAWS:.1%} of {DRAWS:,} draws; its probability is "
        f"{logits.softmax(-1)[worst]:.1%}.",
    )


@sample.probe("the same generator state twice, then another one")
def _(answer, rng):
    logits = _random(rng, 50, 11, scale=1.0)

    def draw(seed):
        return answer(logits, torch.Generator().manual_seed(seed))

    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, generator = draw(1), torch.Generator().manual_seed(3)
    two = answer(logits.expand(2, 50, 11), generator)
    return {
        "from one state": "the same ids" if torch.equal(first, draw(1)) else "other ids each time",
        "from another state": "the same ids" if torch.equal(first, draw(2)) else "other ids",
        "a second call with one generator": "the same ids"
        if torch.equal(two, answer(logits.expand(2, 50, 11), generator))
        else "other ids",
        "two equal rows in other places": "the same ids" if torch.equal(two[0], two[1]) else "other ids",
        "the global generator": "left alone" if torch.equal(before, torch.get_rng_state()) else "used",
    }


def _sample_mistake(sentence, name, answer):
    answer.__name__ = name
    sample.mistake(sentence)(answer)


def _draw(probabilities, generator):
    flat = probabilities.reshape(-1, probabilities.shape[-1])
    return torch.multinomial(flat, 1, generator=generator).reshape(probabilities.shape[:-1])


_sample_mistake("a fresh generator inside draws the same ids at every call. Use the one that is given.", "own_seed",
                lambda x, g: _draw(x.softmax(-1), torch.Generator().manual_seed(0)))  # fmt: skip


def _seed_only(x, g):
    return _draw(x.softmax(-1), torch.Generator().manual_seed(g.initial_seed()))


_sample_mistake("the generator stands still: a second call draws the same ids again. Draw with the one that is given, "
                "and leave it where it got to.", "stands_still", _seed_only)  # fmt: skip
_sample_mistake("e to the power of a large logit is infinite: softmax, which is safe.", "overflow",
                lambda x, g: _draw(x.exp(), g))  # fmt: skip
_sample_mistake("squeeze() takes away leading dimensions of size 1, too. Take away the last axis only.", "squeezed",
                lambda x, g: _draw(x.softmax(-1), g).squeeze())  # fmt: skip
_sample_mistake("always the likeliest: that is greedy. Draw, each token as often as its probability says.", "greedy",
                lambda x, g: x.argmax(-1))  # fmt: skip
_sample_mistake("multinomial gives a column, (rows, 1): take that axis away again.", "column",
                lambda x, g: _draw(x.softmax(-1), g)[..., None])  # fmt: skip
_sample_mistake("the ids come in one long row: give them the leading dimensions of the logits again.", "flat",
                lambda x, g: _draw(x.softmax(-1), g).flatten())  # fmt: skip
_sample_mistake("multinomial takes one or two dimensions. Flatten the leading ones, and bring them back after.",
                "two_dimensions_only", lambda x, g: torch.multinomial(x.softmax(-1), 1, generator=g).squeeze(-1)
                )  # fmt: skip
_sample_mistake("multinomial needs probabilities, none below 0: softmax first.", "raw_logits",
                lambda x, g: _draw(x, g))  # fmt: skip
_sample_mistake("the softmax was taken twice, which makes all tokens nearly equal.", "softmax_twice",
                lambda x, g: _draw(x.softmax(-1).masked_fill(x == -math.inf, -math.inf).softmax(-1), g))  # fmt: skip
_sample_mistake("all possible tokens are drawn equally often: the probabilities are not used.", "uniform",
                lambda x, g: _draw((x > -math.inf).float(), g))  # fmt: skip
_sample_mistake("the generator is not used: pass it on (generator=generator).", "global_generator",
                lambda x, g: _draw(x.softmax(-1), None))  # fmt: skip
_sample_mistake("one random number serves all rows. Each row needs its own.", "one_number_for_all_rows",
                lambda x, g: (x.softmax(-1).cumsum(-1) < torch.rand(1, generator=g) * 0.999999).sum(-1))  # fmt: skip
