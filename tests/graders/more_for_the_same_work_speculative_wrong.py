"""Wrong answers to notebook 15, second part, as people write them: speculative decoding."""

import torch

from lib.checks.core import edit
from lib.decoding.speculative import accept as accepted
from lib.decoding.speculative import residual as rest_of
from tests.graders.cases import slips, wrong

# ---------------------------------------------------------------------------------------------------------- residual


@wrong("residual", says="does not sum to 1")
def positive_part(p, q):
    rest = torch.relu(p - q)
    return torch.where(rest.sum(-1, keepdim=True) > 0, rest, p)


@wrong("residual")
def equal_when_close(p, q):
    rest = (p - q).clamp(min=0)
    total = rest.sum(dim=-1, keepdim=True)
    return torch.where(total > 1e-2, rest / total, p)


@wrong("residual", says="0 / 0")
def divided(p, q):
    rest = torch.relu(p - q)
    return rest / rest.sum(-1, keepdim=True)


@wrong("residual")
def with_epsilon(p, q):
    rest = torch.relu(p - q)
    return rest / (rest.sum(-1, keepdim=True) + 1e-2)


@wrong("residual")
def one_sum(p, q):
    rest = (p - q).clamp(min=0)
    return torch.where(rest.sum(-1, keepdim=True) > 0, rest / rest.sum(), p)


@wrong("residual", says="softmax")
def by_softmax(p, q):
    return (p - q).softmax(dim=-1)


@wrong("residual")
def all_rows_or_none(p, q):
    rest = (p - q).clamp(min=0)
    return p if (rest.sum(-1) == 0).any() else rest / rest.sum(-1, keepdim=True)


@wrong("residual", says="changes what it was given")
def in_place(p, q):
    equal = (p == q).all(-1, keepdim=True)
    old = p.clone()
    p -= q
    p.clamp_(min=0)
    return torch.where(equal, old, p / p.sum(-1, keepdim=True))


slips(
    "residual",
    nearly_equal=("a ten-millionth", edit("total > 0,", "total > 1e-3,"), edit("total > 0,", "total > 1e-6,")),
    axis_one=("leading axes (2, 3)", edit("sum(-1, keepdim", "sum(-1 if p.ndim < 3 else 1, keepdim")),
    crumbs_dropped=(
        "50,257",
        edit("rest = (p - q).clamp(min=0)", "rest = (p - q).clamp(min=0)\n    rest = rest * (rest > 1e-4)"),
    ),
)


# ------------------------------------------------------------------------------------------------------------ accept


def draw(row, generator):
    return int(torch.multinomial(row, 1, generator=generator))


@wrong("accept", says="comes again")
def from_the_target_again(p, q, guesses, generator):
    kept = []
    for i, guess in enumerate(guesses):
        if torch.rand(1, generator=generator).item() < p[i, guess] / q[i, guess]:
            kept.append(guess)
        else:
            return [*kept, draw(p[i], generator)]
    return [*kept, draw(p[-1], generator)]


@wrong("accept", says="Below that it may stay too")
def at_least(p, q, guesses, generator):
    for i, guess in enumerate(guesses):
        if p[i, guess] < q[i, guess]:
            return [*guesses[:i], draw(rest_of(p[i], q[i]), generator)]
    return [*guesses, draw(p[-1], generator)]


@wrong("accept", says="expected 3")
def no_gift(p, q, guesses, generator):
    for i, guess in enumerate(guesses):
        if torch.rand((), generator=generator) >= p[i, guess] / q[i, guess]:
            return [*guesses[:i], draw(rest_of(p[i], q[i]), generator)]
    return guesses or [draw(p[-1], generator)]


@wrong("accept", says="goes on after a refusal")
def one_by_one(p, q, guesses, generator):
    found = []
    for i, guess in enumerate(guesses):
        keep = torch.rand((), generator=generator) * q[i, guess] < p[i, guess]
        found.append(guess if keep else draw(rest_of(p[i], q[i]), generator))
    return [*found, draw(p[-1], generator)]


@wrong("accept", says="generator")
def pythons_dice(p, q, guesses, generator):
    for i, guess in enumerate(guesses):
        if torch.rand(()) * q[i, guess] >= p[i, guess]:
            return [*guesses[:i], draw(rest_of(p[i], q[i]), generator)]
    return [*guesses, draw(p[-1], generator)]


@wrong("accept", says="at least one")
def refused_and_gone(p, q, guesses, generator):
    for i, guess in enumerate(guesses):
        if torch.rand((), generator=generator) * q[i, guess] >= p[i, guess]:
            return list(guesses[:i])
    return [*guesses, draw(p[-1], generator)]


@wrong("accept", says="one random number")
def one_threshold(p, q, guesses, generator):
    u = torch.rand((), generator=generator)
    for i, guess in enumerate(guesses):
        if u * q[i, guess] >= p[i, guess]:
            return [*guesses[:i], draw(rest_of(p[i], q[i]), generator)]
    return [*guesses, draw(p[-1], generator)]


@wrong("accept", says="is an empty list")
def stacks(p, q, guesses, generator):
    places = torch.arange(len(guesses))
    ratios = p[places, guesses] / q[places, guesses]
    kept = int((torch.rand(len(guesses), generator=generator) < ratios).long().cumprod(0).sum())
    row = p[-1] if kept == len(guesses) else rest_of(p[kept], q[kept])
    return [*guesses[:kept], draw(row, generator)]


slips(
    "accept",
    one_guess_only=("", edit("enumerate(guesses)", "enumerate(guesses[:1])")),
    likeliest_of_none=(
        "the tokens that came",
        edit("    for i, guess", "    if not len(guesses):\n        return [int(p[0].argmax())]\n    for i, guess"),
    ),
    rows_of_10_000=(
        "50,257",
        edit("    for i, guess", "    guesses = [min(guess, 10_000) for guess in guesses]\n    for i, guess"),
    ),
    capped_the_wrong_way=(
        "20 times",
        edit(
            ">= p[i, guess]:",
            ">= p[i, guess] * (0.5 if p[i, guess] > q[i, guess] else 1) and p[i, guess] != q[i, guess]:",
            "torch.rand((), generator=generator) * q[i, guess]",
            "torch.rand((), generator=generator) * max(p[i, guess], q[i, guess])",
        ),
    ),
    first_stays=("another than the first", edit("guesses[:i]", "guesses[: max(i, 1)]")),
    appended=(
        "changes what it was given",
        edit("return [*guesses, int(more)]", "guesses.append(int(more))\n    return guesses"),
    ),
)


# -------------------------------------------------------------------------------------------------- speculative_step


@wrong("speculative_step", says="of 400 tries")
def greedy_guesses(target, draft, ids, k, generator):
    text, q = list(ids), []
    for _ in range(k):
        q.append(draft(text, 1)[-1])
        text.append(q[-1].argmax().item())
    return accepted(target(text, k + 1), q and torch.stack(q), text[len(ids) :], generator)


@wrong("speculative_step", says="same text")
def all_after_the_prompt(target, draft, ids, k, generator):
    row = draft(list(ids), 1)[0]
    guesses = [draw(row, generator) for _ in range(k)]
    q = row.expand(k, -1)
    return accepted(target([*ids, *guesses], k + 1), q, guesses, generator)


@wrong("speculative_step", says="one pass gives all")
def asks_each_place(target, draft, ids, k, generator):
    text, p, q = list(ids), [], []
    for _ in range(k):
        p.append(target(text, 1)[0])
        q.append(draft(text, 1)[0])
        text.append(draw(q[-1], generator))
    p.append(target(text, 1)[0])
    return accepted(torch.stack(p), q and torch.stack(q), text[len(ids) :], generator)


@wrong("speculative_step", says="no error")
def stacks_nothing(target, draft, ids, k, generator):
    text, q = list(ids), []
    for _ in range(k):
        q.append(draft(text, 1)[0])
        text.append(draw(q[-1], generator))
    return accepted(target(text, k + 1), torch.stack(q), text[len(ids) :], generator)


@wrong("speculative_step", says="whole text")
def text_and_all(target, draft, ids, k, generator):
    text, q = list(ids), []
    for _ in range(k):
        q.append(draft(text, 1)[0])
        text.append(draw(q[-1], generator))
    return list(ids) + accepted(target(text, k + 1), q and torch.stack(q), text[len(ids) :], generator)


@wrong("speculative_step", says="changes what it was given")
def appends_to_ids(target, draft, ids, k, generator):
    q, start = [], len(ids)
    for _ in range(k):
        q.append(draft(ids, 1)[0])
        ids.append(draw(q[-1], generator))
    return accepted(target(ids, k + 1), q and torch.stack(q), ids[start:], generator)


@wrong("speculative_step")
def plain_step(target, draft, ids, k, generator):
    return [draw(target(list(ids), 1)[0], generator)]


@wrong("speculative_step", says="tries")
def tempered_q(target, draft, ids, k, generator):
    """Draws from other probabilities than it hands on."""
    text, q = list(ids), []
    for _ in range(k):
        q.append(draft(text, 1)[0])
        text.append(draw(q[-1] ** 3, generator))
    return accepted(target(text, k + 1), q and torch.stack(q), text[len(ids) :], generator)


slips(
    "speculative_step",
    likeliest_of_none=(
        "the tokens that came",
        edit("    text, q =", "    if not k:\n        return [int(target(list(ids), 1)[0].argmax())]\n    text, q ="),
    ),
    eight_at_most=("13 guesses", edit("    text, q =", "    k = min(k, 8)\n    text, q =")),
    one_at_least=("no guesses, k = 0", edit("    text, q =", "    k = max(k, 1)\n    text, q =")),
    first_cut=("a text of one token", edit("p = target(text, k + 1)", "p = target(text[1:], k + 1)")),
)
