"""Right answers to notebook 15, second part, in other styles than the course's."""

import torch
from torch.nn import functional

from lib.decoding.speculative import accept as accepted
from lib.decoding.speculative import residual as rest_of
from tests.graders.cases import right

# ---------------------------------------------------------------------------------------------------------- residual


@right("residual")
def relu_and_where(p, q):
    rest = torch.relu(p - q)
    total = rest.sum(dim=-1, keepdim=True)
    return torch.where(total == 0, p, rest / total.clamp(min=1e-30))


@right("residual")
def less_the_overlap(p, q):
    rest = p - torch.minimum(p, q)
    equal = (rest == 0).all(-1, keepdim=True)
    return torch.where(equal, p, functional.normalize(rest, p=1, dim=-1))


@right("residual")
def row_by_row(p, q):
    rows = []
    for one, other in zip(p.reshape(-1, p.shape[-1]), q.reshape(-1, q.shape[-1]), strict=True):
        rest = (one - other).clamp_min(0)
        rows.append(rest / rest.sum() if rest.sum() > 0 else one)
    return torch.stack(rows).reshape(p.shape)


@right("residual")
def one_by_one(p, q):
    def row(one, other):
        rest = [max(0.0, a - b) for a, b in zip(one, other, strict=True)]
        total = sum(rest)
        return [part / total for part in rest] if total else one

    flat = zip(p.reshape(-1, p.shape[-1]).tolist(), q.reshape(-1, q.shape[-1]).tolist(), strict=True)
    return torch.tensor([row(*pair) for pair in flat], dtype=p.dtype).reshape(p.shape)


@right("residual")
def in_double(p, q):
    rest = (p.double() - q.double()).clamp(0)
    found = rest / rest.sum(-1, keepdim=True)
    return found.where(~found.isnan(), p.double()).to(p.dtype)


@right("residual")
def masked(p, q):
    rest = (p - q).masked_fill(p <= q, 0)
    total = rest.sum(-1)[..., None]
    none = total == 0
    return rest.where(~none, p) / total.masked_fill(none, 1)


# ------------------------------------------------------------------------------------------------------------ accept


def draw(row, generator):
    return torch.multinomial(row, 1, generator=generator).item()


@right("accept")
def appended_one_by_one(p, q, guesses, generator):
    kept = []
    for p_row, q_row, guess in zip(p, q, guesses, strict=False):
        if torch.rand(1, generator=generator).item() < min(1.0, (p_row[guess] / q_row[guess]).item()):
            kept.append(guess)
            continue
        kept.append(draw(rest_of(p_row, q_row), generator))
        return kept
    return [*kept, draw(p[len(guesses)], generator)]


@right("accept")
def all_dice_first(p, q, guesses, generator):
    dice = torch.rand(len(guesses), generator=generator).tolist()
    n = 0
    while n < len(guesses) and dice[n] * q[n][guesses[n]] < p[n][guesses[n]]:
        n += 1
    row = p[n] if n == len(guesses) else rest_of(p[n], q[n])
    return [*guesses[:n], draw(row, generator)]


@right("accept")
def bernoulli(p, q, guesses, generator):
    for i, guess in enumerate(guesses):
        stays = (p[i, guess] / q[i, guess]).clamp(max=1)
        if not torch.bernoulli(stays, generator=generator):
            return [*guesses[:i], draw((p[i] - q[i]).clamp(min=0), generator)]  # multinomial divides by the sum
    return [*guesses, draw(p[-1], generator)]


@right("accept")
def by_recursion(p, q, guesses, generator):
    if not guesses:
        return [draw(p[0], generator)]
    first = guesses[0]
    if torch.rand((), generator=generator) * q[0][first] < p[0][first]:
        return [first, *by_recursion(p[1:], q[1:], guesses[1:], generator)]
    return [draw(rest_of(p[0], q[0]), generator)]


@right("accept")
def ratios_at_once(p, q, guesses, generator):
    if len(guesses):
        places = torch.arange(len(guesses))
        stays = torch.rand(len(guesses), generator=generator) < p[places, guesses] / q[places, guesses]
        n = int(stays.long().cumprod(0).sum())
        if n < len(guesses):
            return [*guesses[:n], draw(rest_of(p[n], q[n]), generator)]
    return [*guesses, draw(p[-1], generator)]


@right("accept")
def by_the_cumulated_sum(p, q, guesses, generator):
    def chosen(row):
        edges = row.double().cumsum(0)
        u = torch.rand((), generator=generator, dtype=torch.double) * edges[-1]
        return int((edges <= u).sum())

    for i, guess in enumerate(guesses):
        if float(torch.rand((), generator=generator)) * float(q[i, guess]) >= float(p[i, guess]):
            return [*guesses[:i], chosen(rest_of(p[i], q[i]))]
    return [*guesses, chosen(p[-1])]


# -------------------------------------------------------------------------------------------------- speculative_step


@right("speculative_step")
def concatenated(target, draft, ids, k, generator):
    guesses, rows = [], []
    for _ in range(k):
        row = draft([*ids, *guesses], 1)
        rows.append(row)
        guesses.append(draw(row[0], generator))
    return accepted(target([*ids, *guesses], k + 1), torch.cat(rows) if rows else rows, guesses, generator)


@right("speculative_step")
def none_apart(target, draft, ids, k, generator):
    text = list(ids)
    if k == 0:
        return [draw(target(text, 1)[0], generator)]
    q = []
    while len(q) < k:
        q.append(draft(text, 1).squeeze(0))
        text += [draw(q[-1], generator)]
    return accepted(target(text, k + 1), torch.stack(q), text[-k:], generator)


@right("speculative_step")
def draft_asked_again(target, draft, ids, k, generator):
    """The draft's distributions in one more pass at the end."""
    text = list(ids)
    for _ in range(k):
        text.append(draw(draft(text, 1)[-1], generator))
    q = draft(text[:-1], k) if k else []
    return accepted(target(text, k + 1), q, text[len(ids) :], generator)


@right("speculative_step")
def own_rule(target, draft, ids, k, generator):
    text, q = list(ids), []
    for _ in range(k):
        q.append(draft(text, 1)[0])
        text.append(draw(q[-1], generator))
    p, found = target(text, k + 1), []
    for p_row, q_row, guess in zip(p, q, text[len(ids) :], strict=False):
        if torch.rand((), generator=generator) * q_row[guess] < p_row[guess]:
            found.append(guess)
        else:
            return [*found, draw(rest_of(p_row, q_row), generator)]
    return [*found, draw(p[k], generator)]


@right("speculative_step")
def filled_tensor(target, draft, ids, k, generator):
    guesses, q = [], None
    for i in range(k):
        row = draft(list(ids) + guesses, 1)[0]
        q = torch.zeros(k, len(row)) if q is None else q
        q[i] = row
        guesses.append(draw(row, generator))
    p = target(list(ids) + guesses, k + 1)
    return accepted(p, p[:0] if q is None else q, guesses, generator)


@right("speculative_step")
def from_tuples(target, draft, ids, k, generator):
    text, q = tuple(ids), ()
    for _ in range(k):
        (row,) = draft(list(text), 1)
        q += (row,)
        text += (draw(row, generator),)
    return accepted(target(list(text), k + 1), torch.stack(q) if q else [], list(text[len(ids) :]), generator)
