"""The checks of notebook 12, third part: the ways to leave out the tail, by number, by mass, by height."""

import math

import torch

from lib.checks.core import Exercise, edit
from lib.checks.probing import raises, single_calls
from lib.decoding import sampling as course


def random_logits(rng, *shape, scale=2.0):
    return torch.randn(*shape, generator=rng) * scale


def half_precision(answer, *others):
    """The dtype of what an answer makes of logits in float16. How it rounds them is its own affair."""
    result = answer(torch.tensor([2.0, -2.0, 0.5, -0.5]).half(), *others)
    return {"the dtype of the result": str(getattr(result, "dtype", type(result).__name__))}


def refused(answer, values):
    """What happens with each of these values; the result of a probe."""
    return {
        f"what happens at {value}": raises(ValueError, answer, torch.tensor([2.0, 1.0, 0.0]), value) for value in values
    }


def _powers_of_two():
    """The logits of the probabilities 1/2, 1/8, 1/4, 1/8, in 64 bits, whose sums no rounding touches."""
    return torch.tensor([1, 0.25, 0.5, 0.25], dtype=torch.float64).log()


LAST = "logits.masked_fill(logits < least, -math.inf)"
SHARED = {
    "zeros": (
        "0 is a logit like any other (e⁰ = 1). What goes out needs -inf, which the softmax turns into 0.",
        edit(LAST, "logits.masked_fill(logits < least, 0.0)"),
        edit(LAST, "logits * (logits >= least)"),
    ),
    "inverted": ("kept and left out have changed places.", edit("logits < least, -m", "logits >= least, -m")),
    "probabilities": (
        "these are probabilities; logits are asked for.",
        edit(LAST, f"{LAST}.softmax(-1)"),
        edit(LAST, "logits.softmax(-1) * (logits >= least)"),
    ),
    "log_probabilities": (
        "these are log-probabilities; leave the logits that stay as they are.",
        edit(LAST, f"{LAST}.log_softmax(-1)"),
    ),
}  # mistakes that all three can have


# ------------------------------------------------------------------------------------------------------------- top_k

top_k = Exercise(course.top_k)


single_calls(
    top_k,
    {
        "the logits 1, 4, 2, 0, 3 and k = 2": lambda rng: (torch.tensor([1.0, 4.0, 2.0, 0.0, 3.0]), 2),
        "rows in two leading dimensions, k = 4 of 11": lambda rng: (random_logits(rng, 2, 3, 11), 4),
        "the second place shared, logits 3, 2, 2, 0, or the first, 3, 3, 2, 0, or none: 3, 2, 1.99999, 0 and "
        "0, -200, -300, -400; one token left, 3 and -inf; k = 2": lambda rng: (
            torch.tensor(
                [[3, 2, 2, 0], [3, 3, 2, 0], [3, 2, 1.99999, 0], [0, -200, -300, -400], [3, *[-math.inf] * 3]]
            ),
            2,
        ),
        "the first place shared: logits 2, 3, 3, 3, 0 and k = 1": lambda rng: (torch.tensor([2.0, 3, 3, 3, 0]), 1),
        "k = 9, but a vocabulary of 5; one row": lambda rng: (random_logits(rng, 1, 5), 9),
        "64 rows of 300 logits, k = 7": lambda rng: (random_logits(rng, 64, 300), 7),
        "64-bit logits in four leading dimensions, k = 300 of 307": lambda rng: (
            random_logits(rng, 2, 1, 3, 1, 307).double(),
            300,
        ),
    },
)


@top_k.probe("logits of half precision (float16)", varied=False)
def _(answer, rng):
    return half_precision(answer, 2)


@top_k.probe("the values 0, -2 and 1.5 of k, for which a ValueError is asked, and 1")
def _(answer, rng):
    return refused(answer, [0, -2, 1.5, 1])


TOPK = "logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]"
top_k.mistakes(
    no_guard=(
        "a k below 1, or one that is no int, is to be refused: raise ValueError.",
        edit("if not isinstance(k, int) or k < 1:", "k = max(1, int(k))\n    if False:"),
    ),
    **SHARED,
    different_values=(
        "twins were counted as one: keep k tokens, not k values.",
        edit(
            f"least = {TOPK}",
            "ordered = logits.sort(dim=-1, descending=True).values\n"
            "    new = torch.cat([ordered[..., :1] != ordered[..., :1], ordered[..., 1:] != ordered[..., :-1]], -1)\n"
            "    least = ordered.masked_fill(new.cumsum(-1) >= k, math.inf).amin(-1, keepdim=True)",
        ),
    ),
    k_too_large=(
        "k may be larger than the vocabulary; then everything stays: min(k, vocab).",
        edit("min(k, logits.shape[-1])", "k"),
    ),
    only_the_values=(
        "these are the k logits alone. Keep the vocabulary's length and order; the others become -inf.",
        edit(LAST, "logits.topk(min(k, logits.shape[-1])).values"),
        edit(LAST, "logits.topk(k).values"),
    ),
    only_the_places=(
        "these are places; the logits are asked for, with -inf where a token goes out.",
        edit(LAST, "logits.topk(min(k, logits.shape[-1])).indices"),
        edit(LAST, "logits.topk(k).indices"),
    ),
    smallest=(
        "the smallest are kept; the largest should be.",
        edit("least = logits.topk", "least = -(-logits).topk", "logits < least", "logits > least"),
    ),
    one_more=("one token too many is kept.", edit("min(k, ", "min(k + 1, ")),
    one_less=(
        "one token too few is kept: what equals the k-th largest stays (compare with <, not <=).",
        edit("logits < least", "logits <= least"),
    ),
    ties_cut=(
        "what equals the k-th largest is as likely and stays too: compare with the k-th value.",
        edit(
            LAST,
            "(t := logits.topk(min(k, logits.shape[-1])), torch.full_like(logits, -math.inf))[1]"
            ".scatter(-1, t.indices, t.values)",
        ),
        edit(
            LAST,
            f"{LAST} if k > 1 else "
            "torch.full_like(logits, -math.inf).scatter(-1, logits.argmax(-1, keepdim=True), least)",
        ),
    ),
    squeezed_everywhere=(
        "squeeze() takes away leading dimensions of size 1, too. The shape of the logits is asked for.",
        edit(LAST, f"{LAST}.squeeze()"),
    ),
    of_all_rows=(
        "the k largest of all rows together are kept. Each row has its own.",
        edit(TOPK, "logits.flatten().topk(min(k, logits.numel())).values[-1]"),
        edit(TOPK, "logits.flatten().topk(min(k, logits.shape[-1])).values[-1]"),
    ),
    axis_lost=(
        "the k-th value lost its axis, so rows are compared with each other's: [..., -1:].",
        edit("[..., -1:]", "[..., -1]"),
    ),
)


# ------------------------------------------------------------------------------------------------------------- top_p

top_p = Exercise(course.top_p)


single_calls(
    top_p,
    {
        "the probabilities 0.12, 0.1, 0.35, 0.25, 0.18 and p = 0.7": lambda rng: (
            torch.tensor([0.12, 0.1, 0.35, 0.25, 0.18]).log(),
            0.7,
        ),
        "rows in two leading dimensions, p = 0.7": lambda rng: (random_logits(rng, 2, 3, 11), 0.7),
        "the token that crosses p has two twins, or one nearly as likely: probabilities 0.38, three times 0.2, 0.02; "
        "0.4, 0.2, 0.19999, 0.19, 0.01, and p = 0.5": lambda rng: (
            torch.tensor([[0.38, 0.2, 0.2, 0.2, 0.02], [0.4, 0.2, 0.19999, 0.19, 0.01]]).log(),
            0.5,
        ),
        "two tokens have exactly p: probabilities 1/2, 1/8, 1/4, 1/8 and p = 3/4": lambda rng: (_powers_of_two(), 0.75),
        "one token has exactly p: probabilities 1/2, 1/8, 1/4, 1/8 and p = 1/2": lambda rng: (_powers_of_two(), 0.5),
        "one token is enough: the logits 200, 203, 199, and 1,000 less; p = 0.7": lambda rng: (
            torch.tensor([[200.0, 203.0, 199.0], [-800.0, -797.0, -801.0]]),
            0.7,
        ),
    },
)


@top_p.probe(
    "64 rows of 300 tokens in random order, the likeliest with 0.3, 0.2, 0.12, 0.08, the others 0.3 together; p = 0.6"
)
def _(answer, rng):
    rows = torch.full((64, 300), 0.3 / 296)
    rows[:, :4] = torch.tensor([0.3, 0.2, 0.12, 0.08])
    return answer(rows.log().gather(-1, torch.rand(64, 300, generator=rng).argsort(-1)), 0.6)


@top_p.probe("two rows of 300 tokens that are nearly equally likely, p = 0.9")
def _(answer, rng):
    return answer(torch.randperm(600, generator=rng).view(2, 300) / 3000, 0.9)


@top_p.probe("rows in four leading dimensions, some tokens left out before (-inf), p = 0.9")
def _(answer, rng):
    logits = random_logits(rng, 2, 1, 3, 2, 7)
    return answer(logits.masked_fill(torch.arange(7) % 3 == 1, -math.inf), 0.9)


single_calls(
    top_p,
    {
        "p = 1: everything stays": lambda rng: (torch.tensor([[0.0, 30.0, -20.0, 29.0], [-5.0, 0.0, 60.0, 3.0]]), 1),
        "64 rows of 7 logits and p = 0.99999999, which a rounded sum may not reach": lambda rng: (
            torch.rand(64, 7, generator=rng),
            0.99999999,
        ),
    },
)


@top_p.probe("5,000 tokens that are nearly equally likely, p = 0.9", varied=False)
def _(answer, rng):
    return answer(torch.randperm(5000, generator=rng) / 25_000, 0.9)


@top_p.probe("logits of half precision (float16)", varied=False)
def _(answer, rng):
    return half_precision(answer, 0.7)


@top_p.probe("the values 0, -0.5, 1.5 and 90 of p: a ValueError is asked for")
def _(answer, rng):
    return refused(answer, [0, -0.5, 1.5, 90])


ORDERED, ABOVE = "logits.sort(dim=-1, descending=True).values", "above >= p"
IN_ORDER = (  # what was decided in sorted order, brought back to the vocabulary's order; twins are cut
    LAST,
    "logits.masked_fill(torch.zeros_like(above >= p).scatter("
    "-1, logits.argsort(dim=-1, descending=True, stable=True), above >= p), -math.inf)",
)
FIRST_STAYS = ("least = ", "above[..., 0] = 0\n    least = ")
SUMS = (" - probabilities  # what", "  # what")
STRICT = (ABOVE, "above > p")
top_p.mistakes(
    not_everything=(
        "p = 1 changes nothing, but a sum of rounded numbers may reach 1 too early: return the logits as they are.",
        edit("if p == 1:", "if False:"),
    ),
    no_guard=(
        "a p that is not above 0 and at most 1 is to be refused: raise ValueError.",
        edit("if not 0 < p <= 1:", "if False:"),
    ),
    **SHARED,
    more_than_p=("a sum of exactly p is enough: what has p above it goes out (>=, not >).", edit(*STRICT)),
    overflow=(
        "e to the power of a large logit is infinite: softmax, which is safe.",
        edit("ordered.softmax(dim=-1)", "ordered.exp() / ordered.exp().sum(dim=-1, keepdim=True)"),
    ),
    twin_cut=("what is as likely as the last token kept must stay too: compare with its logit.", edit(*IN_ORDER)),
    crossing_dropped=(
        "the token that crosses p goes out; it is needed to reach p. Sum what stands above a token, without its own "
        "probability.",
        edit(*SUMS),
        edit(*SUMS, *STRICT),
        edit(*SUMS, *FIRST_STAYS),
        edit(*SUMS, *FIRST_STAYS, *STRICT),
        edit(*SUMS, *IN_ORDER),
        edit(*SUMS, *FIRST_STAYS, *IN_ORDER),
        edit(*SUMS, *FIRST_STAYS, *IN_ORDER, *STRICT),
    ),
    never_reached=(
        "where the rounded sum never reaches p, only the likeliest stays (`argmax` of nothing but False is 0): then "
        "everything should.",
        edit(
            "above >= p",
            "torch.arange(ordered.shape[-1]) > (probabilities.cumsum(-1) >= p).float().argmax(-1, keepdim=True)",
        ),
    ),
    height=(
        "a token with a probability of at least p is rare. p is for the sum of those kept.",
        edit("logits < least", "logits.softmax(-1) < p"),
    ),
    height_of_the_rest=(
        "this leaves out everything below 1 − p. p is for the sum of those kept.",
        edit("logits < least", "logits.softmax(-1) < 1 - p"),
    ),
    not_sorted=(
        "the sum runs in the vocabulary's order; sort first, the likeliest in front.",
        edit(ORDERED, "logits", "logits < least", ABOVE),
        edit(ORDERED, "logits"),
    ),
    ascending=(
        "the unlikely come first here: sort with descending=True.",
        edit("descending=True", "descending=False"),
        edit(*IN_ORDER, "descending=True", "descending=False"),
    ),
    stays_sorted=(
        "the result is in sorted order; each logit must stay in its own place.",
        edit(LAST, "ordered.masked_fill(above >= p, -math.inf)"),
        edit(LAST, "ordered.masked_fill(ordered < least, -math.inf)"),
    ),
    mask_not_sorted_back=(
        "what was decided in sorted order is used in the vocabulary's order.",
        edit("logits < least", ABOVE),
    ),
    wrong_axis=(
        "the softmax runs over the first axis; a distribution lies in the last.",
        edit("ordered.softmax(dim=-1)", "ordered.softmax(dim=0)"),
        edit("ordered.softmax(dim=-1)", "logits.softmax(dim=0).gather(-1, logits.argsort(dim=-1, descending=True))"),
    ),
    of_all_rows=(
        "the rows are sorted as one long row; each has its own (dim=-1).",
        edit(ORDERED, "logits.flatten().sort(descending=True).values"),
    ),
    always_two=(
        "two tokens are kept though one has p alone: then all others go.",
        edit(ABOVE, "(above >= p) & (torch.arange(above.shape[-1]) > 1)"),
        edit(*IN_ORDER, ABOVE, "(above >= p) & (torch.arange(above.shape[-1]) > 1)"),
    ),
    one_more=(
        "one token too many: the one that crosses p is the last.",
        edit("least = ", "above = torch.nn.functional.pad(above[..., :-1], (1, 0))\n    least = "),
        edit("least = ", "above = torch.nn.functional.pad(above[..., :-1], (1, 0))\n    least = ", *IN_ORDER),
    ),
)


# ------------------------------------------------------------------------------------------------------------- min_p

min_p = Exercise(course.min_p)


single_calls(
    min_p,
    {
        "rows of 0.05, 0.5, 0.3, 0.15 and 0.28, 0.26, 0.233, 0.227 (logits: log + 3, - 1000, + 1000); p = 0.2": (
            lambda rng: (
                torch.tensor([[0.05, 0.5, 0.3, 0.15], [0.28, 0.26, 0.233, 0.227]]).log()
                + torch.tensor([3.0, -1000.0, 1000.0])[:, None, None],
                0.2,
            )
        ),
        "rows in two leading dimensions, p = 0.1": lambda rng: (random_logits(rng, 2, 3, 11), 0.1),
        "exactly p times the likeliest: probabilities 1/2, 1/8, 1/4, 1/8, or nearly: 0.2499 for 1/4; p = 1/2": (
            lambda rng: (
                torch.stack([_powers_of_two(), torch.tensor([0.5, 0.1251, 0.2499, 0.125]).double().log()]),
                0.5,
            )
        ),
        "p = 1: the likeliest stays, with its two twins": lambda rng: (torch.tensor([1.0, 3.0, 3.0, 3.0, -2.0]), 1.0),
    },
)


@min_p.probe("64 rows of 300 logits, three of them 5, 6 and 7, the others 0; p = 0.3")
def _(answer, rng):
    rows = torch.zeros(64, 300)
    rows[:, :3] = torch.tensor([5.0, 6.0, 7.0])
    return answer(rows.gather(-1, torch.rand(64, 300, generator=rng).argsort(-1)), 0.3)


single_calls(
    min_p,
    {
        "rows in four leading dimensions, some tokens left out before (-inf), p = 0.05": lambda rng: (
            random_logits(rng, 2, 1, 3, 2, 7).masked_fill(torch.arange(7) % 3 == 1, -math.inf),
            0.05,
        ),
        "p = 0.00001, the logits 0, -11 and -12": lambda rng: (torch.tensor([-11.0, 0.0, -12.0]), 1e-5),
    },
)


@min_p.probe("logits of half precision (float16)", varied=False)
def _(answer, rng):
    return half_precision(answer, 0.1)


@min_p.probe("the values 0, -0.1 and 1.2 of p: a ValueError is asked for")
def _(answer, rng):
    return refused(answer, [0, -0.1, 1.2])


BAR = "logits.amax(dim=-1, keepdim=True) + math.log(p)"


def _by_probabilities(kept):
    return edit("logits < least", f"~((q := logits.softmax(-1)) {kept})")


min_p.mistakes(
    no_guard=(
        "a p that is not above 0 and at most 1 is to be refused: raise ValueError.",
        edit("if not 0 < p <= 1:", "if False:", "math.log(p)", "torch.tensor(p).log()"),
    ),
    **SHARED,
    bar_excluded=(
        "what equals the bar stays: with p = 1 the likeliest is left (compare with <, not <=).",
        edit("logits < least", "logits <= least"),
    ),
    likeliest_and_above=(
        "what has exactly p times the probability of the likeliest stays (compare with <, not <=).",
        _by_probabilities("> p * q.amax(-1, keepdim=True)) & (logits < logits.amax(-1, keepdim=True)"),
        edit("logits < least", "(logits <= least) & (torch.arange(logits.shape[-1]) != logits.argmax(-1, True))"),
    ),
    as_top_p=(
        "this is top-p: a sum. Here each token is compared with the likeliest.",
        edit(LAST, "top_p(logits, p)"),
        edit(
            LAST,
            "logits.masked_fill(logits < (o := logits.sort(dim=-1, descending=True).values)"
            ".masked_fill((q := o.softmax(-1)).cumsum(-1) - q >= p, math.inf).amin(-1, keepdim=True), -math.inf)",
        ),
    ),
    of_all=(
        "p is compared with the probabilities themselves. The bar is p times the largest of the row.",
        _by_probabilities(">= p"),
    ),
    of_the_logit=(
        "p times the largest *logit* is no bar: shift all logits and it changes. Take probabilities or add log p.",
        edit(BAR, "logits.amax(dim=-1, keepdim=True) * p"),
    ),
    log_missing=("among logits, p times becomes plus log p.", edit("+ math.log(p)", "- p"), edit("math.log(p)", "p")),
    minus_log=("log p is below 0 already: largest + log p.", edit("+ math.log(p)", "- math.log(p)")),
    of_all_rows=(
        "the largest of all rows is used; each row has its own (dim=-1).",
        _by_probabilities(">= p * q.max()"),
    ),
    of_all_rows_logits=(
        "the largest logit of all rows is used; each row has its own (dim=-1).",
        edit(BAR, "logits.max() + math.log(p)"),
    ),
    overflow=(
        "exp() overflows for large logits: use softmax, or compare logits.",
        edit("logits < least", "~(logits.exp() >= p * logits.exp().amax(-1, keepdim=True))"),
        edit("logits < least", "logits.exp() < p * logits.exp().amax(-1, keepdim=True)"),
    ),
    one_minus=(
        "the bar is p times the largest, not 1 − p times.",
        _by_probabilities(">= (1 - p) * q.amax(-1, keepdim=True)"),
    ),
    smallest=(
        "the bar hangs on the smallest; it is p times the largest.",
        _by_probabilities(">= p * q.amin(-1, keepdim=True)"),
    ),
    always_two=(
        "two tokens are kept though only the likeliest reaches the bar.",
        edit("logits < least", "logits < torch.minimum(least, logits.topk(2).values[..., -1:])"),
    ),
)
