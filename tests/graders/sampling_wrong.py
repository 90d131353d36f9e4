"""Wrong answers to notebook 12, as people write them."""

import math

import torch
from torch.nn import functional

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

INF = float("inf")
AT_LEAST_32_BITS = edit(
    "logits.masked_fill(logits < least, -math.inf)",
    "torch.where(logits < least, torch.full(logits.shape, -math.inf), logits)",
)


def refuse(bad, what):
    if bad:
        raise ValueError(what)


# ------------------------------------------------------------------------------------------------- apply_temperature


@wrong("apply_temperature", says="multiplied")
def times(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    return temperature * logits


@wrong("apply_temperature", says="softmax comes at the end")
def already_softmax(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    return torch.softmax(logits / temperature, dim=-1)


@wrong("apply_temperature", says="before any softmax")
def after_the_softmax(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    return functional.softmax(logits, dim=-1) / temperature


@wrong("apply_temperature", says="to the power")
def power_of_probabilities(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    return torch.pow(logits.softmax(-1), 1.0 / temperature)


@wrong("apply_temperature", says="no logarithm")
def log_probabilities(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    return functional.log_softmax(logits / temperature, -1)


@wrong("apply_temperature", says="subtracted")
def minus(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    return logits - temperature


@wrong("apply_temperature", says="square root")
def attention_scale(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    return logits / temperature**0.5


@wrong("apply_temperature", says="changes nothing")
def forgot(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    return logits


@wrong("apply_temperature", says="power")
def exponent(logits, temperature):
    return logits**temperature


@wrong("apply_temperature", says="after the point")
def floor_division(logits, temperature):
    return logits // temperature


@wrong("apply_temperature", says="changes what it was given")
def in_place(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    logits /= temperature
    return logits


@wrong("apply_temperature", says="ValueError")
def no_guard(logits, temperature):
    return logits / temperature


@wrong("apply_temperature", says="ValueError")
def zero_means_greedy(logits, temperature):
    if temperature == 0:
        return logits
    refuse(temperature < 0 or temperature == INF, "temperature")
    return logits / temperature


@wrong("apply_temperature", says="return")
def forgets_return(logits, temperature):
    logits / temperature


@wrong("apply_temperature", says="keep their dtype")
def always_32_bits(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    return logits.float() / temperature


@wrong("apply_temperature", says="at temperature 0.000001")
def never_below_a_hundredth(logits, temperature):
    refuse(not 0 < temperature < INF, "temperature")
    return logits / max(temperature, 0.01)


slips(
    "apply_temperature",
    no_infinity=("expected", edit("logits / temperature", "torch.nan_to_num(logits / temperature, neginf=-1e9)")),
    at_most_100=("200", edit("logits / temperature", "logits / min(temperature, 100)")),
    at_least_a_thousandth=("0.000001", edit("logits / temperature", "logits / max(temperature, 0.001)")),
)

# ------------------------------------------------------------------------------------------------------------ sample


@wrong("sample", says="that is greedy")
def argmax(logits, generator):
    return torch.argmax(logits, dim=-1)


@wrong("sample", says="take that axis away")
def keeps_the_column(logits, generator):
    rows = logits.softmax(-1).reshape(-1, logits.shape[-1])
    return torch.multinomial(rows, 1, generator=generator).reshape(*logits.shape[:-1], 1)


@wrong("sample", says="one long row")
def flattened(logits, generator):
    rows = logits.softmax(-1).reshape(-1, logits.shape[-1])
    return torch.multinomial(rows, 1, generator=generator)[:, 0]


@wrong("sample", says="one or two dimensions")
def multinomial_only(logits, generator):
    return torch.multinomial(functional.softmax(logits, dim=-1), num_samples=1, generator=generator).squeeze(-1)


@wrong("sample", says="token 0")
def starred_view(logits, generator):
    rows = logits.softmax(-1).reshape(-1, logits.shape[-1])
    return torch.multinomial(rows, 1, generator=generator).view(*logits.shape[:-1])


@wrong("sample", says="softmax first")
def no_softmax(logits, generator):
    rows = logits.reshape(-1, logits.shape[-1])
    return torch.multinomial(rows, 1, generator=generator).reshape(logits.shape[:-1])


@wrong("sample", says="softmax was taken twice")
def twice(logits, generator):
    probabilities = logits.softmax(-1)
    again = torch.where(probabilities > 0, probabilities, torch.tensor(-INF)).softmax(-1)
    drawn = torch.multinomial(again.reshape(-1, logits.shape[-1]), 1, generator=generator)
    return drawn.reshape(logits.shape[:-1])


@wrong("sample", says="equally often")
def any_of_those_left(logits, generator):
    possible = torch.isfinite(logits).float().reshape(-1, logits.shape[-1])
    return torch.multinomial(possible, 1, generator=generator).reshape(logits.shape[:-1])


@wrong("sample", says="pass it on")
def global_random(logits, generator):
    rows = logits.softmax(-1).reshape(-1, logits.shape[-1])
    return torch.multinomial(rows, 1).reshape(logits.shape[:-1])


@wrong("sample", says="fresh generator inside")
def seeded_inside(logits, generator):
    generator = torch.Generator().manual_seed(42)
    rows = logits.softmax(-1).reshape(-1, logits.shape[-1])
    return torch.multinomial(rows, 1, generator=generator).reshape(logits.shape[:-1])


@wrong("sample", says="Each row needs its own")
def one_number(logits, generator):
    height = torch.rand((), generator=generator)
    sums = logits.softmax(-1).cumsum(-1)
    return (sums <= height).sum(-1).clamp(max=logits.shape[-1] - 1)


@wrong("sample", says="draws; its probability is")
def squared(logits, generator):
    rows = logits.softmax(-1).reshape(-1, logits.shape[-1]).sqrt()
    return torch.multinomial(rows, 1, generator=generator).reshape(logits.shape[:-1])


@wrong("sample", says="draws; its probability is")
def off_by_one_in_the_sums(logits, generator):
    sums = logits.softmax(-1).cumsum(-1)
    height = torch.rand(*logits.shape[:-1], 1, generator=generator)
    last = torch.isfinite(logits).long().cumsum(-1).argmax(-1)
    return torch.minimum((sums < height).sum(-1) + 1, last)


@wrong("sample", says="softmax of the negative")
def unlikely_first(logits, generator):
    rows = (-logits).softmax(-1) if torch.isfinite(logits).all() else logits.softmax(-1)
    return torch.multinomial(rows.reshape(-1, logits.shape[-1]), 1, generator=generator).reshape(logits.shape[:-1])


@wrong("sample", says="return")
def draws_for_nobody(logits, generator):
    torch.multinomial(logits.softmax(-1).reshape(-1, logits.shape[-1]), 1, generator=generator)


@wrong("sample", says="leading dimensions of size 1")
def squeezes_everything(logits, generator):
    rows = logits.softmax(-1).reshape(-1, logits.shape[-1])
    return torch.multinomial(rows, 1, generator=generator).reshape(logits.shape[:-1]).squeeze()


@wrong("sample", says="is infinite")
def powers_without_a_softmax(logits, generator):
    rows = logits.exp().reshape(-1, logits.shape[-1])
    return torch.multinomial(rows, 1, generator=generator).reshape(logits.shape[:-1])


@wrong("sample", says="stands still")
def seed_of_the_generator(logits, generator):
    generator = torch.Generator().manual_seed(generator.initial_seed())
    rows = logits.softmax(-1).reshape(-1, logits.shape[-1])
    return torch.multinomial(rows, 1, generator=generator).reshape(logits.shape[:-1])


@wrong("sample", says="stands still")
def puts_the_state_back(logits, generator):
    state = generator.get_state()
    rows = logits.softmax(-1).reshape(-1, logits.shape[-1])
    drawn = torch.multinomial(rows, 1, generator=generator).reshape(logits.shape[:-1])
    generator.set_state(state)
    return drawn


@wrong("sample", says="two equal rows in other places")
def one_number_a_column_of_rows(logits, generator):
    height = torch.rand(logits.shape[-2:-1], generator=generator)[..., None] * 0.999999
    return (logits.softmax(-1).cumsum(-1) <= height).sum(-1)


slips(
    "sample",
    two_leading_axes=(
        "four leading dimensions",
        edit(
            "probabilities.reshape(-1, logits.shape[-1])",
            "(probabilities.flatten(0, 1) if logits.dim() > 2 else probabilities)",
        ),
    ),
    first_256=(
        "48 rows of 2,048",
        edit("logits.softmax", "logits[..., :256].softmax", "logits.shape[-1])", "min(256, logits.shape[-1]))"),
    ),
    squeezed_column=(
        "size 1",
        edit("drawn.reshape(logits.shape[:-1])", "drawn.reshape(*logits.shape[:-1], 1).squeeze()"),
    ),
    minus_100=("-999.5", edit("logits.softmax", "logits.clamp(min=-100).softmax")),
    shared_in_the_last_axis=(
        "other places",
        edit(
            "torch.multinomial(probabilities.reshape(-1, logits.shape[-1]), 1, generator=generator)",
            "(probabilities.cumsum(-1) < 0.999999 * torch.rand(*logits.shape[: max(1, logits.ndim - 2)], "
            "*[1] * min(2, logits.ndim - 1), generator=generator)).sum(-1)",
        ),
    ),
    over_the_first_axis=("over the vocabulary", edit("softmax(dim=-1)", "softmax(0)")),
)

# ------------------------------------------------------------------------------------------------------------- top_k


@wrong("top_k", says="e⁰ = 1")
def others_to_zero(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    least = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return torch.where(logits >= least, logits, torch.zeros_like(logits))


@wrong("top_k", says="vocabulary's length")
def shortened(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    return torch.topk(logits, k).values


@wrong("top_k", says="these are places")
def indices(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    return torch.topk(logits, k)[1]


@wrong("top_k", says="smallest are kept")
def sorted_the_wrong_way(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    bar = logits.sort(dim=-1).values[..., min(k, logits.shape[-1]) - 1, None]
    return logits.masked_fill(logits > bar, -INF)


@wrong("top_k", says="changed places")
def mask_inverted(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    bar = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits >= bar, -INF)


@wrong("top_k", says="one token too many")
def index_k(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    ordered = logits.sort(dim=-1, descending=True).values
    return logits.masked_fill(logits < ordered[..., min(k, logits.shape[-1] - 1), None], -INF)


@wrong("top_k", says="one token too few")
def less_or_equal(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    bar = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits <= bar, -INF)


@wrong("top_k", says="is as likely and stays too")
def scattered(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    values, places = logits.topk(min(k, logits.shape[-1]), dim=-1)
    return torch.full_like(logits, -INF).scatter(-1, places, values)


@wrong("top_k", says="min(k, vocab)")
def no_minimum(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    bar = torch.topk(logits, k, dim=-1).values[..., -1, None]
    return torch.where(logits < bar, -INF, logits)


@wrong("top_k", says="Each row has its own")
def over_everything(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    bar = logits.reshape(-1).sort(descending=True).values[min(k, logits.numel()) - 1]
    return logits.masked_fill(logits < bar, -INF)


@wrong("top_k", says="these are probabilities")
def renormalised(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    bar = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits < bar, -INF).softmax(-1)


@wrong("top_k", says="lost its axis")
def axis_dropped(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    bar = logits.topk(min(k, logits.shape[-1])).values[..., -1]
    return logits.masked_fill(logits < bar, -INF)


@wrong("top_k", says="two leading dimensions")
def first_row_only(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    flat = logits.reshape(-1, logits.shape[-1])
    bar = flat[0].topk(min(k, logits.shape[-1])).values[-1]
    return logits.masked_fill(logits < bar, -INF)


@wrong("top_k", says="changes what it was given")
def overwrites(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    logits[logits < logits.topk(min(k, logits.shape[-1])).values[..., -1:]] = -INF
    return logits


@wrong("top_k", says="ValueError")
def accepts_zero(logits, k):
    k = max(int(k), 1)
    bar = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits < bar, -INF)


@wrong("top_k", says="expected [-inf")
def large_negative(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    bar = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits < bar, -1e4)


@wrong("top_k", says="keep k tokens, not k values")
def k_values(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    rows = []
    for row in logits.reshape(-1, logits.shape[-1]):
        values = row.unique().flip(0)
        rows.append(row.masked_fill(row < values[min(k, len(values)) - 1], -INF))
    return torch.stack(rows).reshape(logits.shape)


@wrong("top_k", says="is as likely and stays too")
def argmax_for_one(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    if k == 1:
        best = logits.argmax(-1, keepdim=True)
        return torch.full_like(logits, -INF).scatter(-1, best, logits.gather(-1, best))
    bar = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits < bar, -INF)


@wrong("top_k", says="leading dimensions of size 1")
def squeezed(logits, k):
    refuse(not isinstance(k, int) or k < 1, "k")
    bar = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits < bar, -INF).squeeze()


slips(
    "top_k",
    always_32_bit_or_more=(None, AT_LEAST_32_BITS),
    first_hundred=("64 rows of 300", edit("logits.topk(min(k, ", "logits[..., :100].topk(min(k, 100, ")),
    fewer_bits=("dtype", edit("return logits.masked", "return logits.float().masked")),
    nearly_equal=("1.99999", edit("logits < least", "logits < least - 1e-3")),
    by_probabilities=(
        "expected",
        edit("logits < least", "logits.softmax(-1) < least.sub(logits.logsumexp(-1, True)).exp()"),
    ),
)

# ------------------------------------------------------------------------------------------------------------- top_p


def sorted_parts(logits):
    ordered, order = logits.sort(dim=-1, descending=True)
    return ordered, order, ordered.softmax(-1)


@wrong("top_p", says="it is needed to reach p")
def crossing_goes(logits, p):
    refuse(not 0 < p <= 1, "p")
    ordered, _, probabilities = sorted_parts(logits)
    kept = probabilities.cumsum(-1) < p
    bar = ordered.masked_fill(~kept, INF).amin(-1, keepdim=True)
    return logits.masked_fill(logits < bar, -INF)


@wrong("top_p", says="it is needed to reach p")
def crossing_goes_but_never_the_first(logits, p):
    refuse(not 0 < p <= 1, "p")
    _, order, probabilities = sorted_parts(logits)
    out = probabilities.cumsum(-1) > p
    out[..., 0] = False
    return logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -INF)


@wrong("top_p", says="p is for the sum")
def as_a_height(logits, p):
    refuse(not 0 < p <= 1, "p")
    return logits.masked_fill(logits.softmax(-1) < p, -INF)


@wrong("top_p", says="below 1 − p")
def as_the_rest(logits, p):
    refuse(not 0 < p <= 1, "p")
    return logits.masked_fill(logits.softmax(-1) < 1 - p, -INF)


@wrong("top_p", says="sort first")
def unsorted(logits, p):
    refuse(not 0 < p <= 1, "p")
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities.cumsum(-1) - probabilities >= p, -INF)


@wrong("top_p", says="descending=True")
def from_the_unlikely(logits, p):
    refuse(not 0 < p <= 1, "p")
    ordered, order = logits.sort(dim=-1)
    probabilities = ordered.softmax(-1)
    out = probabilities.cumsum(-1) - probabilities >= p
    return logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -INF)


@wrong("top_p", says="stay in its own place")
def returns_sorted(logits, p):
    refuse(not 0 < p <= 1, "p")
    ordered, _, probabilities = sorted_parts(logits)
    return ordered.masked_fill(probabilities.cumsum(-1) - probabilities >= p, -INF)


@wrong("top_p", says="used in the vocabulary's order")
def mask_in_sorted_order(logits, p):
    refuse(not 0 < p <= 1, "p")
    probabilities = sorted_parts(logits)[2]
    return logits.masked_fill(probabilities.cumsum(-1) - probabilities >= p, -INF)


@wrong("top_p", says="must stay too")
def cuts_twins(logits, p):
    refuse(not 0 < p <= 1, "p")
    if p == 1:
        return logits
    _, order, probabilities = sorted_parts(logits)
    out = probabilities.cumsum(-1) - probabilities >= p
    return logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -INF)


@wrong("top_p", says="logit like any other")
def zeros_for_the_rest(logits, p):
    refuse(not 0 < p <= 1, "p")
    ordered, _, probabilities = sorted_parts(logits)
    above = probabilities.cumsum(-1) - probabilities
    bar = ordered.masked_fill(above >= p, INF).amin(-1, keepdim=True)
    return logits * (logits >= bar)


@wrong("top_p", says="these are probabilities")
def gives_probabilities(logits, p):
    refuse(not 0 < p <= 1, "p")
    ordered, _, probabilities = sorted_parts(logits)
    above = probabilities.cumsum(-1) - probabilities
    bar = ordered.masked_fill(above >= p, INF).amin(-1, keepdim=True)
    return logits.masked_fill(logits < bar, -INF).softmax(-1)


@wrong("top_p", says="one token too many")
def one_after_the_crossing(logits, p):
    refuse(not 0 < p <= 1, "p")
    _, order, probabilities = sorted_parts(logits)
    out = probabilities.cumsum(-1) - probabilities >= p
    out = torch.cat([torch.zeros_like(out[..., :1]), out[..., :-1]], -1)
    return logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -INF)


@wrong("top_p", says="changed places")
def the_tail_stays(logits, p):
    refuse(not 0 < p <= 1, "p")
    if p == 1:
        return logits
    ordered, _, probabilities = sorted_parts(logits)
    bar = ordered[..., None, :].masked_fill(
        probabilities.cumsum(-1)[..., None, :] - probabilities[..., None, :] >= p, INF
    )
    return logits.masked_fill(logits >= bar.amin(-1), -INF)


@wrong("top_p", says="everything stays")
def forgets_one(logits, p):
    refuse(not 0 < p <= 1, "p")
    ordered, _, probabilities = sorted_parts(logits)
    above = probabilities.cumsum(-1) - probabilities
    bar = ordered.masked_fill(above >= p, INF).amin(-1, keepdim=True)
    return logits.masked_fill(logits < bar, -INF)


@wrong("top_p", says="ValueError")
def takes_percent(logits, p):
    p = p / 100 if p > 1 else p
    if p == 1:
        return logits
    ordered, _, probabilities = sorted_parts(logits)
    above = probabilities.cumsum(-1) - probabilities
    bar = ordered.masked_fill(above >= p, INF).amin(-1, keepdim=True)
    return logits.masked_fill(logits < bar, -INF)


@wrong("top_p", says="two leading dimensions")
def flattens_all_rows(logits, p):
    refuse(not 0 < p <= 1, "p")
    flat = logits.reshape(-1)
    ordered, _, probabilities = sorted_parts(flat)
    above = probabilities.cumsum(-1) - probabilities
    return logits.masked_fill(logits < ordered[above < p].min(), -INF)


@wrong("top_p", says="one has p alone")
def two_at_least(logits, p):
    refuse(not 0 < p <= 1, "p")
    if p == 1:
        return logits
    ordered, _, probabilities = sorted_parts(logits)
    above = probabilities.cumsum(-1) - probabilities
    above[..., :2] = 0
    return logits.masked_fill(logits < ordered.masked_fill(above >= p, INF).amin(-1, keepdim=True), -INF)


@wrong("top_p", says="is infinite")
def softmax_by_hand(logits, p):
    refuse(not 0 < p <= 1, "p")
    if p == 1:
        return logits
    ordered = logits.sort(dim=-1, descending=True).values
    probabilities = ordered.exp() / ordered.exp().sum(-1, keepdim=True)
    above = probabilities.cumsum(-1) - probabilities
    return logits.masked_fill(logits < ordered.masked_fill(above >= p, INF).amin(-1, keepdim=True), -INF)


@wrong("top_p", says="never reaches p")
def up_to_the_first_that_reaches_p(logits, p):
    refuse(not 0 < p <= 1, "p")
    if p == 1:
        return logits
    ordered, _, probabilities = sorted_parts(logits)
    last = (probabilities.cumsum(-1) >= p).int().argmax(-1, keepdim=True)
    return logits.masked_fill(logits < ordered.gather(-1, last), -INF)


slips(
    "top_p",
    the_thousand_likeliest=(
        None,
        edit(
            "    above = ", "    ordered, probabilities = ordered[..., :1000], probabilities[..., :1000]\n    above = "
        ),
    ),
    always_32_bit_or_more=("float16", AT_LEAST_32_BITS),
    exactly_p=("exactly p is enough", edit("above >= p", "above > p")),
    first_hundred=(
        "64 rows of 300",
        edit("logits.sort(dim=-1, descending=True).values", "logits.topk(min(100, logits.shape[-1])).values"),
    ),
    third_axis=("four leading", edit("logits.sort(dim=-1", "logits.sort(dim=min(2, logits.dim() - 1)")),
    fifty_of_all=(
        "nearly equally likely",
        edit(
            "logits.sort(dim=-1, descending=True).values",
            "logits.topk(min(50, logits.shape[-1])).values",
            "ordered.softmax(dim=-1)",
            "(ordered - logits.logsumexp(dim=-1, keepdim=True)).exp()",
        ),
    ),
    nearly_equal=("0.19999", edit("logits < least", "logits < least - 1e-3")),
    one_twin_only=(
        "three times 0.2",
        edit(
            "return logits.masked_fill(logits < least, -math.inf)",
            "keep, order = above < p, logits.argsort(dim=-1, descending=True, stable=True)\n"
            "    keep[..., 1:] |= (ordered[..., 1:] == ordered[..., :-1]) & (above < p)[..., :-1]\n"
            "    return logits.masked_fill(~torch.zeros_like(keep).scatter(-1, order, keep), -math.inf)",
        ),
    ),
)

# ------------------------------------------------------------------------------------------------------------- min_p


@wrong("min_p", says="The bar is p times the largest")
def absolute_bar(logits, p):
    refuse(not 0 < p <= 1, "p")
    return logits.masked_fill(logits.softmax(-1) < p, -INF)


@wrong("min_p", says="largest *logit*")
def share_of_the_logit(logits, p):
    refuse(not 0 < p <= 1, "p")
    return logits.masked_fill(logits < p * logits.max(-1, keepdim=True).values, -INF)


@wrong("min_p", says="becomes plus log p")
def minus_p(logits, p):
    refuse(not 0 < p <= 1, "p")
    return logits.masked_fill(logits < logits.amax(-1, keepdim=True) - p, -INF)


@wrong("min_p", says="below 0 already")
def minus_log_p(logits, p):
    refuse(not 0 < p <= 1, "p")
    return logits.masked_fill(logits < logits.amax(-1, keepdim=True) - math.log(p), -INF)


@wrong("min_p", says="largest of all rows")
def one_bar(logits, p):
    refuse(not 0 < p <= 1, "p")
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities < p * probabilities.max(), -INF)


@wrong("min_p", says="logit of all rows")
def one_bar_for_logits(logits, p):
    refuse(not 0 < p <= 1, "p")
    return logits.masked_fill(logits < logits.max() + math.log(p), -INF)


@wrong("min_p", says="overflows")
def plain_exp(logits, p):
    refuse(not 0 < p <= 1, "p")
    powers = torch.exp(logits)
    return torch.where(powers >= p * powers.amax(-1, keepdim=True), logits, -INF)


@wrong("min_p", says="compare with <, not <=")
def strict(logits, p):
    refuse(not 0 < p <= 1, "p")
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities <= p * probabilities.amax(-1, keepdim=True), -INF)


@wrong("min_p", says="not 1 − p")
def one_minus_p(logits, p):
    refuse(not 0 < p <= 1, "p")
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities < (1 - p) * probabilities.amax(-1, keepdim=True), -INF)


@wrong("min_p", says="changed places")
def keeps_the_low(logits, p):
    refuse(not 0 < p <= 1, "p")
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities >= p * probabilities.amax(-1, keepdim=True), -INF)


@wrong("min_p", says="logit like any other")
def low_to_zero(logits, p):
    refuse(not 0 < p <= 1, "p")
    probabilities = logits.softmax(-1)
    return torch.where(probabilities >= p * probabilities.amax(-1, keepdim=True), logits, 0.0)


@wrong("min_p", says="these are probabilities")
def shares(logits, p):
    refuse(not 0 < p <= 1, "p")
    probabilities = logits.softmax(-1)
    kept = probabilities * (probabilities >= p * probabilities.amax(-1, keepdim=True))
    return kept / kept.sum(-1, keepdim=True)


@wrong("min_p", says="this is top-p")
def nucleus(logits, p):
    refuse(not 0 < p <= 1, "p")
    ordered, _, probabilities = sorted_parts(logits)
    above = probabilities.cumsum(-1) - probabilities
    return logits.masked_fill(logits < ordered.masked_fill(above >= p, INF).amin(-1, keepdim=True), -INF)


@wrong("min_p", says="p = 1")
def the_likeliest_by_place(logits, p):
    refuse(not 0 < p <= 1, "p")
    probabilities = logits.softmax(-1)
    kept = probabilities > p * probabilities.amax(-1, keepdim=True)
    kept = kept.scatter(-1, logits.argmax(-1, keepdim=True), True)
    return logits.masked_fill(~kept, -INF)


@wrong("min_p", says="ValueError")
def anything_goes(logits, p):
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities < p * probabilities.amax(-1, keepdim=True), -INF)


slips(
    "min_p",
    always_32_bit_or_more=("float16", AT_LEAST_32_BITS),
    rounded_to_four_digits=(
        None,
        edit(
            "logits < least",
            "(chances := logits.softmax(-1)).round(decimals=4) < "
            "(p * chances.amax(-1, keepdim=True)).round(decimals=4)",
        ),
    ),
    one_for_one=(
        "with its two twins",
        edit("logits < least", "(logits < least) | (p == 1) & (torch.arange(logits.shape[-1]) != logits.argmax())"),
    ),
    first_hundred=("64 rows of 300", edit("logits.amax(dim=-1", "logits[..., :100].amax(dim=-1")),
    third_axis=("four leading", edit("amax(dim=-1", "amax(dim=min(2, logits.dim() - 1)")),
    two_at_least=(
        "only the likeliest reaches",
        edit("logits < least", "logits < torch.minimum(least, logits.topk(2).values[..., -1:])"),
    ),
    at_least_0=("- 1000", edit("keepdim=True)", "keepdim=True).clamp(min=0)")),
    nearly_enough=("0.2499", edit("logits < least", "logits < least - 1e-3")),
)

# ------------------------------------------------------------------------------------------------ repetition_penalty


def seen(logits, ids):
    return torch.zeros_like(logits).scatter(-1, ids, 1.0).bool()


@wrong("repetition_penalty", says="raises it: −2 / 2 = −1")
def the_papers_own_formula(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    return torch.where(seen(logits, ids), logits / penalty, logits)


@wrong("repetition_penalty", says="multiplying a positive")
def always_times(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    return logits.scatter(-1, ids, logits.gather(-1, ids) * penalty)


@wrong("repetition_penalty", says="wrong way round")
def signs_swapped(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    score = logits.gather(-1, ids)
    return logits.scatter(-1, ids, torch.where(score < 0, score / penalty, score * penalty))


@wrong("repetition_penalty", says="presence penalty")
def presence(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    return logits - penalty * seen(logits, ids)


@wrong("repetition_penalty", says="only be less likely")
def never_again(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    return logits.masked_fill(seen(logits, ids), -INF)


@wrong("repetition_penalty", says="only those that were written")
def whole_vocabulary(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    return torch.where(logits > 0, logits / penalty, logits * penalty)


@wrong("repetition_penalty", says="*not* written")
def mask_inverted_(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    lowered = torch.where(logits > 0, logits / penalty, logits * penalty)
    return torch.where(seen(logits, ids), logits, lowered)


@wrong("repetition_penalty", says="only the last token")
def last_token(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    score = logits.gather(-1, ids[..., -1:])
    return logits.scatter(-1, ids[..., -1:], torch.where(score > 0, score / penalty, score * penalty))


@wrong("repetition_penalty", says="Each row has its own text")
def one_text_for_all(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    lowered = logits.clone()
    for token in set(ids.flatten().tolist()):
        column = logits[..., token]
        lowered[..., token] = torch.where(column > 0, column / penalty, column * penalty)
    return lowered


@wrong("repetition_penalty", says="counts once")
def a_loop_over_the_ids(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    result = logits.clone()
    rows = result.view(-1, logits.shape[-1])
    texts = ids.reshape(len(rows), -1)
    for row, text in zip(rows, texts, strict=True):
        for token in text.tolist():
            row[token] = row[token] / penalty if row[token] > 0 else row[token] * penalty
    return result


@wrong("repetition_penalty", says="takes whole rows")
def plain_indexing(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    result = logits.clone()
    score = result[ids]
    result[ids] = torch.where(score > 0, score / penalty, score * penalty)
    return result


@wrong("repetition_penalty", says="scatter them into it")
def not_put_back(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    score = logits.gather(-1, ids)
    return torch.where(score > 0, score / penalty, score * penalty)


@wrong("repetition_penalty", says="the rule is for logits")
def probabilities_divided(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    probabilities = torch.softmax(logits, -1)
    return torch.where(seen(logits, ids), probabilities / penalty, probabilities)


@wrong("repetition_penalty", says="changes what it was given")
def scatter_in_place(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    score = logits.gather(-1, ids)
    return logits.scatter_(-1, ids, torch.where(score > 0, score / penalty, score * penalty))


@wrong("repetition_penalty", says="left out (logit -inf)")
def by_a_mask_of_numbers(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    mask = seen(logits, ids).float()
    factor = torch.where(logits > 0, 1 / penalty, penalty)
    return logits * (1 - mask) + logits * factor * mask


@wrong("repetition_penalty", says="two leading dimensions")
def along_axis_one(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    axis = min(logits.dim() - 1, 1)
    score = logits.gather(axis, ids)
    return logits.scatter(axis, ids, torch.where(score > 0, score / penalty, score * penalty))


@wrong("repetition_penalty", says="nothing written yet")
def one_hot_maximum(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    written = functional.one_hot(ids, logits.shape[-1]).amax(-2) > 0
    return torch.where(written, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


@wrong("repetition_penalty", says="ValueError")
def any_penalty(logits, ids, penalty):
    score = logits.gather(-1, ids)
    return logits.scatter(-1, ids, torch.where(score > 0, score / penalty, score * penalty))


@wrong("repetition_penalty", says="wrong for a penalty below 1")
def the_smaller(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    score = logits.gather(-1, ids)
    return logits.scatter(-1, ids, torch.minimum(score / penalty, score * penalty))


@wrong("repetition_penalty", says="each with a text of 13 tokens")
def the_last_eight(logits, ids, penalty):
    refuse(not 0 < penalty < INF, "penalty")
    score = logits.gather(-1, ids[..., -8:])
    return logits.scatter(-1, ids[..., -8:], torch.where(score > 0, score / penalty, score * penalty))


slips(
    "repetition_penalty",
    counted_in_a_byte=(
        None,
        edit(
            "    seen = logits",
            "    n = torch.zeros_like(logits).scatter_add(-1, ids, torch.ones_like(ids).to(logits))\n"
            "    ids = (n % 256 > 0).nonzero()[:, 0] if n.ndim == 1 else ids\n    seen = logits",
        ),
    ),
    the_last_64=("a text of 300", edit("seen = logits", "ids = ids[..., -64:]\n    seen = logits")),
    third_axis=("four leading", edit("(-1, ids", "(min(2, logits.dim() - 1), ids")),
    small_logits=("0.01", edit("seen > 0,", "seen > 0.1,")),
)

# ---------------------------------------------------------------------------------------------------------- generate


def complete(written, stop):
    return any(list(written[-len(end) :]) == list(end) for end in stop)


@wrong("generate", says="not appended")
def never_appends(next_logits, ids, limit, pick, stop=()):
    written = []
    for _ in range(limit):
        written.append(pick(next_logits(ids), ids))
        yield written[-1]
        if complete(written, stop):
            return


@wrong("generate", says="last token only")
def only_the_newest(next_logits, ids, limit, pick, stop=()):
    ids, n = list(ids), len(ids)
    while len(ids) < n + limit:
        ids.append(pick(next_logits([ids[-1]]), ids))
        yield ids[-1]
        if complete(ids[n:], stop):
            break


@wrong("generate", says="one token too many")
def limit_and_one(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    while len(written) <= limit:
        written.append(pick(next_logits(ids + written), ids + written))
        yield written[-1]
        if complete(written, stop):
            return


@wrong("generate", says="one token too few")
def counts_from_one(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(1, limit):
        written.append(pick(next_logits(ids + written), ids + written))
        yield written[-1]
        if complete(written, stop):
            return


@wrong("generate", says="`yield` each token")
def a_list_at_the_end(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        written.append(pick(next_logits(ids + written), ids + written))
        if complete(written, stop):
            break
    return written


@wrong("generate", says="`yield` each token")
def yields_at_the_end(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        written.append(pick(next_logits(ids + written), ids + written))
        if complete(written, stop):
            break
    yield from written


@wrong("generate", says="yield first")
def stops_before_the_yield(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        written.append(pick(next_logits(ids + written), ids + written))
        if complete(written, stop):
            return
        yield written[-1]


@wrong("generate", says="not looked at")
def never_stops(next_logits, ids, limit, pick, stop=()):
    ids = list(ids)
    for _ in range(limit):
        ids.append(pick(next_logits(ids), ids))
        yield ids[-1]


@wrong("generate", says="completely and in order")
def any_token_of_a_stop(next_logits, ids, limit, pick, stop=()):
    ids = list(ids)
    stops = {token for end in stop for token in end}
    for _ in range(limit):
        ids.append(int(pick(next_logits(ids), ids)))
        yield ids[-1]
        if ids[-1] in stops:
            return


@wrong("generate", says="Only new tokens")
def prompt_and_all(next_logits, ids, limit, pick, stop=()):
    ids = list(ids)
    for _ in range(limit):
        ids.append(pick(next_logits(ids), ids))
        yield ids[-1]
        if complete(ids, stop):
            return


@wrong("generate", says="only the first stop")
def first_stop_only(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        written.append(pick(next_logits(ids + written), ids + written))
        yield written[-1]
        if stop and written[-len(stop[0]) :] == list(stop[0]):
            return


@wrong("generate", says="`pick` is not used")
def always_greedy(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        written.append(int(next_logits(ids + written).argmax()))
        yield written[-1]
        if complete(written, stop):
            return


@wrong("generate", says="the prompt too")
def pick_sees_new_ones(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        written.append(pick(next_logits(ids + written), written))
        yield written[-1]
        if complete(written, stop):
            return


@wrong("generate", says="prompt is given out")
def everything_given_out(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    yield from ids
    for _ in range(limit):
        written.append(pick(next_logits(ids + written), ids + written))
        yield written[-1]
        if complete(written, stop):
            return


@wrong("generate", says="appends to the caller's list")
def grows_the_prompt(next_logits, ids, limit, pick, stop=()):
    written = []
    for _ in range(limit):
        ids.append(pick(next_logits(ids), ids))
        written.append(ids[-1])
        yield ids[-1]
        if complete(written, stop):
            return


@wrong("generate", says="the new ones too")
def pick_without_ids(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        new = pick(next_logits(ids + written), ids)
        written.append(new)
        yield new
        if complete(written, stop):
            return


@wrong("generate", says="stop sequences [5, 6], [9, 0")
def all_of_the_stops(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        written.append(pick(next_logits(ids + written), ids + written))
        yield written[-1]
        if stop and all(written[-len(end) :] == list(end) for end in stop):
            return


@wrong("generate", says="all that was written so far")
def longer_than_the_stop(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        written.append(pick(next_logits(ids + written), ids + written))
        yield written[-1]
        if any(len(written) > len(end) and written[-len(end) :] == list(end) for end in stop):
            return


@wrong("generate", says="are not the id 10")
def as_strings(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), ""
    for _ in range(limit):
        ids.append(int(pick(next_logits(ids), ids)))
        written += str(ids[-1])
        yield ids[-1]
        if any(written.endswith("".join(map(str, end))) for end in stop):
            return


@wrong("generate", says="a list equals no tuple")
def compares_as_given(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    for _ in range(limit):
        written.append(pick(next_logits(ids + written), ids + written))
        yield written[-1]
        if any(written[-len(end) :] == end for end in stop):
            return


@wrong("generate", says="limit 0")
def writes_first_counts_later(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), []
    while True:
        written.append(pick(next_logits(ids + written), ids + written))
        yield written[-1]
        if len(written) >= limit or complete(written, stop):
            return


@wrong("generate", says="a list of ids")
def ids_as_a_tensor(next_logits, ids, limit, pick, stop=()):
    ids, written = torch.tensor(ids), []
    for _ in range(limit):
        written.append(pick(next_logits(ids), ids))
        ids = torch.cat([ids, torch.tensor(written[-1:])])
        yield written[-1]
        if complete(written, stop):
            return


@wrong("generate", says="completely and in order")
def last_token_of_a_stop(next_logits, ids, limit, pick, stop=()):
    ids = list(ids)
    for _ in range(limit):
        ids.append(pick(next_logits(ids), ids))
        yield ids[-1]
        if ids[-1] in [end[-1] for end in stop]:
            return


@wrong("generate", says="in one piece")
def tokens_here_and_there(next_logits, ids, limit, pick, stop=()):
    ids, written = list(ids), set()
    for _ in range(limit):
        ids.append(int(pick(next_logits(ids), ids)))
        written.add(ids[-1])
        yield ids[-1]
        if any(written.issuperset(end) for end in stop):
            return


@wrong("generate", says="may begin anew inside itself")
def follows_each_stop_sequence(next_logits, ids, limit, pick, stop=()):
    ids, ends = list(ids), [list(end) for end in stop]
    matched = [0] * len(ends)
    for _ in range(limit):
        new = int(pick(next_logits(ids), ids))
        ids.append(new)
        yield new
        for i, end in enumerate(ends):
            if new == end[matched[i]]:
                matched[i] += 1
            else:
                matched[i] = 1 if new == end[0] else 0
            if matched[i] == len(end):
                return


@wrong("generate")
def begins_again_at_a_mismatch(next_logits, ids, limit, pick, stop=()):
    ids, matched = list(ids), {}
    for _ in range(limit):
        ids.append(int(pick(next_logits(ids), ids)))
        yield ids[-1]
        for i, end in enumerate(stop):
            matched[i] = matched.get(i, 0) + 1 if ids[-1] == end[matched.get(i, 0)] else 0
            if matched[i] == len(end):
                return


slips(
    "generate",
    compared_as_text=(
        None,
        edit(
            "def generate",
            "def generate(next_logits, ids, limit, pick, stop=()):\n    ids, written = list(ids), ''\n"
            "    for _ in range(limit):\n        new = int(pick(next_logits(ids), ids))\n        ids.append(new)\n"
            "        yield new\n        written += f',{new}'\n"
            "        if any(written.endswith(','.join(map(str, end))) for end in stop):\n            return\n\n\n"
            "def _plainly",
        ),
    ),
    at_most_256=("limit 300", edit("range(limit)", "range(min(limit, 256))")),
    one_object=(
        "are one object",
        edit(
            "any(written[-len(end) :] == list(end) for",
            "any(len(written) >= len(end) and all(map(lambda a, b: a is b, written[-len(end) :], end)) for",
        ),
    ),
    last_of_the_prompt=(
        "your code raised IndexError",
        edit("ids, written = list(ids), []", "ids, written, last = list(ids), [], ids[-1]"),
    ),
    asked_once_more=(
        "once more after the last",
        edit("            return", "            return\n    next_logits(ids)"),
    ),
    two_or_more=("[50256]", edit("for end in stop)", "for end in stop if len(end) > 1)")),
    the_last_four=("9, 0, 1", edit("written[-len(end) :]", "written[-4:][-len(end) :]")),
    reads_1024=("1,100 ids", edit("next_logits(ids)", "next_logits(ids[-1024:])")),
)


# ----------------------------------------------------------------------------------------------------------- entropy


def parts(p):
    """What each token adds, in nats, by a function that knows about 0."""
    return torch.special.entr(p)


@wrong("entropy", says="nats")
def in_nats(logits):
    return parts(logits.softmax(-1)).sum(-1)


@wrong("entropy", says="base 10")
def in_digits(logits):
    return parts(logits.softmax(-1)).sum(-1) / math.log(10)


@wrong("entropy", says="below 0")
def without_the_minus(logits):
    p = logits.softmax(-1)
    return torch.where(p > 0, p * p.log2(), torch.zeros_like(p)).sum(-1)


@wrong("entropy", says="0 times infinity")
def zero_times_infinity(logits):
    p = logits.softmax(dim=-1)
    return -(p * p.log2()).sum(dim=-1)


@wrong("entropy", says="0 times infinity")
def infinity_times_zero(logits):
    logs = torch.log_softmax(logits, dim=-1)
    return -torch.sum(logs.exp() * logs, dim=-1) / math.log(2)


@wrong("entropy", says="so it is a sum")
def mean_over_the_vocabulary(logits):
    return parts(logits.softmax(-1)).mean(-1) / math.log(2)


@wrong("entropy", says="one number for all rows")
def one_for_all(logits):
    return parts(logits.softmax(-1)).sum() / math.log(2)


@wrong("entropy", says="with size 1")
def keeps_the_axis(logits):
    return parts(logits.softmax(-1)).sum(-1, keepdim=True) / math.log(2)


@wrong("entropy", says="sum over the vocabulary")
def before_the_sum(logits):
    return parts(logits.softmax(-1)) / math.log(2)


@wrong("entropy", says="likeliest token alone")
def of_the_best(logits):
    return -logits.softmax(-1).amax(-1).log2()


@wrong("entropy", says="the perplexity")
def two_to_the_power(logits):
    return (parts(logits.softmax(-1)).sum(-1) / math.log(2)).exp2()


@wrong("entropy", says="largest entropy possible")
def share_of_the_largest(logits):
    return parts(logits.softmax(-1)).sum(-1) / math.log(logits.shape[-1])


@wrong("entropy", says="weigh it by its probability")
def each_alike(logits):
    logs = logits.log_softmax(-1)
    return -torch.where(logs > -INF, logs, torch.zeros_like(logs)).sum(-1) / math.log(2)


@wrong("entropy", says="last axis")
def first_axis(logits):
    return parts(logits.softmax(0)).sum(-1) / math.log(2)


@wrong("entropy", says="infinite")
def exponentials(logits):
    powers = logits.exp()
    return parts(powers / powers.sum(-1, keepdim=True)).sum(-1) / math.log(2)


@wrong("entropy", says="keep their dtype")
def in_32_bits(logits):
    return parts(logits.float().softmax(-1)).sum(-1) / math.log(2)


@wrong("entropy")
def a_float(logits):
    return float(parts(logits.softmax(-1)).sum(-1).mean() / math.log(2))


@wrong("entropy")
def far_too_much_added(logits):
    p = logits.softmax(-1)
    return -(p * (p + 1e-3).log2()).sum(-1)


@wrong("entropy")
def of_the_thousand_likeliest(logits):
    p = logits.softmax(-1).sort(descending=True).values[..., :1000]
    return parts(p).sum(-1) / math.log(2)


@wrong("entropy")
def all_left_in_one_row(logits):
    p = logits[logits > -INF].softmax(-1)
    return -(p * p.log2()).sum(-1)


@wrong("entropy")
def every_axis_of_one_gone(logits):
    return (parts(logits.softmax(-1)).sum(-1) / math.log(2)).squeeze()


slips(
    "entropy",
    minus_100=(
        "-999.5",
        edit("log_p = logits", "logits = logits.masked_fill(logits == -math.inf, -100.0)\n    log_p = logits"),
    ),
    left_out_by_its_logit=(
        "may be rounded to 0",
        edit(
            "log_p = logits.log_softmax(dim=-1)",
            "log_p = logits.softmax(dim=-1).log2() * math.log(2)",
            "log_p == -math.inf",
            "torch.isneginf(logits)",
        ),
    ),
)
