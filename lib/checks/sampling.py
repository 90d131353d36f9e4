"""The checks of notebook 12: temperature, drawing and entropy.

The others stand in `sampling_tails` and `sampling_writing`, the questions in `sampling_questions`.
"""

import math

import torch

from lib.checks.core import Exercise, edit
from lib.checks.probing import single_calls
from lib.checks.running import Problem
from lib.checks.sampling_questions import (
    coin_heads,
    flat_temperature,
    kept_tokens,
    left_after,
    penalised_share,
    tail_allowed,
    typical_kept,
)
from lib.checks.sampling_tails import min_p, random_logits, refused, top_k, top_p
from lib.checks.sampling_writing import generate, repetition_penalty
from lib.decoding import sampling as course

__all__ = [
    "apply_temperature",
    "coin_heads",
    "entropy",
    "flat_temperature",
    "generate",
    "kept_tokens",
    "left_after",
    "min_p",
    "penalised_share",
    "repetition_penalty",
    "sample",
    "tail_allowed",
    "top_k",
    "top_p",
    "typical_kept",
]


# ------------------------------------------------------------------------------------------------- apply_temperature

apply_temperature = Exercise(course.apply_temperature)


single_calls(
    apply_temperature,
    {
        "the logits 2, 1, 0 at temperature 0.5": lambda rng: (torch.tensor([2.0, 1.0, 0.0]), 0.5),
        "three rows of five logits at temperature 1.7": lambda rng: (random_logits(rng, 3, 5), 1.7),
        "a logit of -inf, a token that was left out, at temperature 200, an int; four leading axes": lambda rng: (
            random_logits(rng, 2, 1, 3, 5, 11).scatter(-1, torch.zeros(2, 1, 3, 5, 1).long(), -math.inf),
            200,
        ),
        "two rows of logits in 64 bits at temperature 0.000001": lambda rng: (random_logits(rng, 2, 7).double(), 1e-6),
    },
)


@apply_temperature.probe("the temperatures 0, -1 and infinity: a ValueError is asked for")
def _(answer, rng):
    return refused(answer, [0, -1.0, math.inf])


NO_LOGARITHM = "no softmax and no logarithm here: the logits as they are, divided."
# fmt: off
apply_temperature.mistakes(
    multiplied=("multiplied: then a high temperature sharpens. Divide.", edit("logits / t", "logits * t")),
    probabilities=("these are probabilities; logits are asked for, the softmax comes at the end.",
        edit("return logits / temperature", "return (logits / temperature).softmax(-1)")),
    divided_late=("the probabilities are divided; the logits should be, before any softmax.",
        edit("return logits", "return logits.softmax(-1)")),
    powers=("probabilities to the power 1/t: the idea is right, but give logits: logits / t.",
        edit("return logits / temperature", "return logits.softmax(-1) ** (1 / temperature)")),
    log_softmax=(NO_LOGARITHM, edit("return logits / temperature", "return (logits / temperature).log_softmax(-1)")),
    log_softmax_first=(NO_LOGARITHM, edit("return logits", "return logits.log_softmax(-1)")),
    subtracted=("the temperature is subtracted, which the softmax does not even notice. Divide.",
        edit("logits / t", "logits - t")),
    root=("divided by the square root (that is attention's scale). Divide by the temperature.",
        edit("logits / temperature", "logits / math.sqrt(temperature)")),
    ignored=("the temperature changes nothing here.", edit("return logits / temperature", "return logits")),
    power=("this is a power; the logits are divided.", edit("logits / t", "logits ** t")),
    bits_lost=("the logits came in 64 bits and left in fewer: keep their dtype.",
        edit("return logits", "return logits.float()")),
    whole_numbers=("what is after the point is lost: divide by `/`, not `//`.", edit("logits / t", "logits // t")),
    no_guard=("a temperature that is not above 0, or is infinite, is to be refused: raise ValueError.",
        edit("if not 0 < temperature < math.inf:", "if False:")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------------------ sample

sample = Exercise(course.sample)
DRAWS = 20_000
SURE = 1e-6  # an honest sampler is refused once in a million


def _one_left(*shape, vocab=5):
    """Logits (*shape, vocab) with one possible token a row, 0, 1, 2 ... in turn."""
    ids = torch.arange(math.prod(shape)).view(shape) % vocab
    return torch.full((*shape, vocab), -math.inf).scatter(-1, ids[..., None], 0.5)


single_calls(
    sample,
    {
        "rows in two leading dimensions, (2, 3, vocab), one possible token each": lambda rng: (_one_left(2, 3), rng),
        "five logits, all -inf but that of token 0": lambda rng: (_one_left(), rng),
        "rows (2, 1, vocab), one possible token each, logit 200.5": lambda rng: (_one_left(2, 1) + 200, rng),
        "rows in four leading dimensions, one possible token each, logit -999.5": lambda rng: (
            _one_left(3, 1, 2, 2) - 1000,
            rng,
        ),
    },
)


@sample.probe("48 rows of 2,048 logits, one possible token each, and one of 50,257 with the last one possible")
def _(answer, rng):
    last = torch.full((1, 50_257), -math.inf).index_fill(-1, torch.tensor(50_256), 0.5)
    return {"the 48 ids": answer(_one_left(48, vocab=2048), rng), "the id of the last one": answer(last, rng)}


@sample.probe("20,000 draws, counted", varied=False)
def _(answer, rng):
    logits = random_logits(rng, 11, scale=1.0)
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
            return {"how often the tokens are drawn": how}
    if counts.max() == DRAWS:
        again = {answer(logits.expand(2, 11), rng)[0].item() for _ in range(20)}
        one = "always the likeliest" if len(again) == 1 else "the same token in all rows"
        return {"how often the tokens are drawn": one}
    worst = (counts / DRAWS - logits.softmax(-1)).abs().argmax().item()
    raise Problem(
        "frequencies",
        f"token {worst} was drawn in {counts[worst] / DRAWS:.1%} of {DRAWS:,} draws; its probability is "
        f"{logits.softmax(-1)[worst]:.1%}.",
    )


@sample.probe("the same generator state twice, then another one")
def _(answer, rng):
    logits = random_logits(rng, 50, 11, scale=1.0)

    def draw(seed):
        return answer(logits, torch.Generator().manual_seed(seed))

    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, generator = draw(1), torch.Generator().manual_seed(3)
    two = answer(logits[:, None].expand(2, 50, 2, 11), generator)
    return {
        "from one state": "the same ids" if torch.equal(first, draw(1)) else "other ids each time",
        "from another state": "the same ids" if torch.equal(first, draw(2)) else "other ids",
        "a second call with one generator": "the same ids"
        if torch.equal(two, answer(logits[:, None].expand(2, 50, 2, 11), generator))
        else "other ids",
        "two equal rows in other places": "the same ids"
        if torch.equal(two[0], two[1]) or torch.equal(two[..., 0], two[..., 1])
        else "other ids",
        "the global generator": "left alone" if torch.equal(before, torch.get_rng_state()) else "used",
    }


DRAW = "torch.multinomial(probabilities.reshape(-1, logits.shape[-1]), 1, generator=generator)"
BACK = "drawn.reshape(logits.shape[:-1])"
# fmt: off
sample.mistakes(
    own_seed=("a fresh generator inside draws the same ids at every call. Use the one that is given.",
        edit("generator=generator", "generator=torch.Generator().manual_seed(0)")),
    stands_still=(
        "the generator stands still: a second call draws the same ids again. Draw with the one that is given, and "
        "leave it where it got to.",
        edit("generator=generator", "generator=torch.Generator().manual_seed(generator.initial_seed())"),
        edit("generator=generator", "generator=generator.clone_state()"),
    ),
    overflow=("e to the power of a large logit is infinite: softmax, which is safe.",
        edit("logits.softmax(dim=-1)", "logits.exp()")),
    squeezed_everywhere=("squeeze() takes away leading dimensions of size 1, too. Take away the last axis only.",
        edit(BACK, f"{BACK}.squeeze()")),
    greedy=("always the likeliest: that is greedy. Draw, each token as often as its probability says.",
        edit(DRAW, "logits.argmax(-1)")),
    column=("multinomial gives a column, (rows, 1): take that axis away again.", edit(BACK, f"{BACK}[..., None]")),
    flat=("the ids come in one long row: give them the leading dimensions of the logits again.",
        edit(BACK, "drawn[:, 0]")),
    two_dimensions_only=(
        "multinomial takes one or two dimensions. Flatten the leading ones, and bring them back after.",
        edit("probabilities.reshape(-1, logits.shape[-1])", "probabilities", BACK, "drawn.squeeze(-1)"),
        edit("probabilities.reshape(-1, logits.shape[-1])", "probabilities", BACK, "drawn.squeeze()"),
        edit("probabilities.reshape(-1, logits.shape[-1])", "probabilities"),
    ),
    raw_logits=("multinomial needs probabilities, none below 0: softmax first.",
        edit("logits.softmax(dim=-1)", "logits")),
    other_axis=("the softmax must be taken over the vocabulary, the last axis.",
        edit("softmax(dim=-1)", "softmax(dim=0)")),
    softmax_twice=(
        "the softmax was taken twice, which makes all tokens nearly equal.",
        edit(
            "logits.softmax(dim=-1)", "logits.softmax(dim=-1).masked_fill(logits == -math.inf, -math.inf).softmax(-1)"
        ),
    ),
    uniform=("all possible tokens are drawn equally often: the probabilities are not used.",
        edit("logits.softmax(dim=-1)", "(logits > -math.inf).float()")),
    global_generator=("the generator is not used: pass it on (generator=generator).",
        edit(", generator=generator", "")),
    one_number_for_all_rows=("one random number serves all rows. Each row needs its own.",
        edit(DRAW, "(probabilities.cumsum(-1) < 0.999999 * torch.rand(1, generator=generator)).sum(-1)")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------------------- entropy

entropy = Exercise(course.entropy)


single_calls(
    entropy,
    {
        "the probabilities 1/2, 1/4, 1/8, 1/8, which have 1.75 bits": lambda rng: torch.tensor(
            [8.0, 4.0, 2.0, 2.0]
        ).log(),
        "rows in two leading dimensions, (2, 3, 11)": lambda rng: random_logits(rng, 2, 3, 11),
        "two rows of 5 logits; a token is left out (-inf), another one in each row": lambda rng: random_logits(
            rng, 2, 5
        ).scatter(-1, torch.tensor([[1], [3]]), -math.inf),
        "rows (2, 1, vocab): one token left with the logit -999.5; and large logits, 298, 299, 300": lambda rng: (
            torch.tensor([[[-999.5, -math.inf, -math.inf]], [[298.0, 299.0, 300.0]]])
        ),
        "one row of 2,048 logits, every 16th of them lower by 300": lambda rng: (
            random_logits(rng, 1, 2048) - 300 * (torch.arange(2048) % 16 == 0)
        ),
        "64-bit logits in four leading dimensions": lambda rng: random_logits(rng, 2, 1, 3, 2, 7).double(),
    },
)


LEFT_OUT, LOG_P = ".masked_fill(log_p == -math.inf, 0.0)", "logits.log_softmax(dim=-1)"
WEIGHED = "(log_p.exp() * surprise).sum(dim=-1)"
# fmt: off
entropy.mistakes(
    nats=("these are nats. For bits divide by ln 2, or take log2.", edit(" / math.log(2)", "")),
    digits=("that is the logarithm to the base 10. For bits divide by ln 2, or take log2.",
        edit("math.log(2)", "math.log(10)")),
    sign=("the result is below 0: a surprise is *minus* the logarithm.", edit("= -log_p", "= log_p")),
    nan=("a token that was left out has p = 0, and 0 times infinity is nan. It is to add 0.",
        edit(LEFT_OUT, ""), edit(f"-log_p{LEFT_OUT}", "-log_p.exp().log()")),
    mean=("the mean over the vocabulary: the weights p sum to 1 already, so it is a sum.",
        edit(".sum(dim=-1)", ".mean(dim=-1)")),
    unweighted=("every surprise counts as much as any other: weigh it by its probability.",
        edit("(log_p.exp() * surprise)", "surprise")),
    by_logits=("the surprises are weighed by the logits: weigh them by the probabilities.",
        edit("log_p.exp() * surprise", "logits * surprise")),
    all_rows=("one number for all rows. Each row has its own entropy: sum over the last axis.",
        edit(".sum(dim=-1)", ".sum()")),
    axis_kept=("the axis of the vocabulary is still there, with size 1: sum it away.",
        edit(".sum(dim=-1)", ".sum(dim=-1, keepdim=True)")),
    each_token=("that is what each token adds: sum over the vocabulary.", edit(".sum(dim=-1)", "")),
    likeliest=("that is the surprise of the likeliest token alone.",
        edit(WEIGHED, "-log_p.amax(dim=-1) / math.log(2)")),
    perplexity=("that is 2 to the power of the entropy, the perplexity.",
        edit(f"return {WEIGHED}", f"return 2 ** {WEIGHED}")),
    of_the_largest=("divided by the largest entropy possible. Bits are asked for.",
        edit(WEIGHED, f"{WEIGHED} / math.log2(logits.shape[-1])")),
    raw_logits=("the logits are taken for logarithms of probabilities: log_softmax first.", edit(LOG_P, "logits")),
    other_axis=("the softmax must be taken over the vocabulary, the last axis.",
        edit("log_softmax(dim=-1)", "log_softmax(dim=0)")),
    rounded=("a probability may be rounded to 0 where its logit is not -inf, and 0 times its logarithm is nan: "
        "log_softmax, not the logarithm of the softmax.",
        edit(f"-log_p{LEFT_OUT}", "-log_p.exp().log().masked_fill(logits == -math.inf, 0.0)")),
    overflow=("e to the power of a large logit is infinite: log_softmax, which is safe.",
        edit(LOG_P, "(logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).log()")),
    bits_lost=("the logits came in 64 bits and the result in fewer: keep their dtype.",
        edit("logits.log", "logits.float().log")),
)
# fmt: on
