"""Right answers to notebook 20 in other styles than the course's."""

import itertools
import math
import operator
import re
from fractions import Fraction

import torch
from torch.nn import functional

from tests.graders.cases import right

# ------------------------------------------------------------------------------------------------------ answer_mask


@right("answer_mask")
def column_by_column(ids, assistant, end):
    mask = torch.zeros(ids.shape, dtype=torch.bool)
    inside = torch.zeros(ids.shape[:-1], dtype=torch.bool)
    for i in range(ids.shape[-1]):
        mask[..., i] = inside
        inside = (inside | (ids[..., i] == assistant)) & (ids[..., i] != end)
    return mask


@right("answer_mask")
def row_by_row(ids, assistant, end):
    rows = []
    for row in ids.reshape(-1, ids.shape[-1]).tolist():
        inside, learnt = False, []
        for token in row:
            learnt.append(inside)
            if token == assistant:
                inside = True
            elif token == end:
                inside = False
        rows.append(learnt)
    return torch.tensor(rows, dtype=torch.bool).reshape(ids.shape)


@right("answer_mask")
def turn_by_turn(ids, assistant, end):
    mask = torch.zeros_like(ids, dtype=torch.bool)
    for row, learnt in zip(ids.reshape(-1, ids.shape[-1]).tolist(), mask.view(-1, ids.shape[-1]), strict=True):
        for start in (i for i, token in enumerate(row) if token == assistant):
            rest = row[start + 1 :]
            stop = start + 2 + rest.index(end) if end in rest else len(row)
            learnt[start + 1 : stop] = True
    return mask


@right("answer_mask")
def by_the_number_of_the_turn(ids, assistant, end):
    """Turns are numbered; learnt are those in which the assistant's token has been seen before."""
    ends = (ids == end).long()
    turn = ends.cumsum(-1) - ends  # an end belongs to the turn that it ends
    opened = (ids == assistant).long()
    before = opened.cumsum(-1) - opened
    same = turn[..., :, None] == turn[..., None, :]
    earlier = torch.ones(ids.shape[-1], ids.shape[-1], dtype=torch.bool).tril(-1)
    return (same & earlier & (opened[..., None, :] == 1)).any(-1) & (before > 0)


@right("answer_mask")
def by_the_last_mark_before(ids, assistant, end):
    kinds = torch.where(ids == assistant, 2, torch.where(ids == end, 1, 0))
    places = (kinds > 0).long() * torch.arange(1, ids.shape[-1] + 1)
    last = functional.pad(places.cummax(-1).values, (1, 0))[..., :-1]
    padded = functional.pad(kinds, (1, 0))
    return padded.gather(-1, last) == 2


@right("answer_mask")
def by_accumulate(ids, assistant, end):
    def state(inside, token):
        return token == assistant or (inside and token != end)

    rows = ids.reshape(-1, ids.shape[-1]).tolist()
    masks = [list(itertools.accumulate(row, state, initial=False))[:-1] for row in rows]
    return torch.tensor(masks).view(ids.shape)


# ----------------------------------------------------------------------------------------- sequence_log_probability


@right("sequence_log_probability")
def by_cross_entropy(model, ids, mask):
    targets = torch.where(mask, ids, -100)[:, 1:]
    losses = functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), targets, reduction="none", ignore_index=-100)
    return -losses.sum(1)


@right("sequence_log_probability")
def by_gather(model, ids, mask):
    log_p = functional.log_softmax(model(ids)[:, :-1], dim=-1)
    picked = torch.gather(log_p, 2, ids[:, 1:].unsqueeze(2)).squeeze(2)
    return torch.where(mask[:, 1:], picked, torch.zeros_like(picked)).sum(dim=1)


@right("sequence_log_probability")
def by_rows(model, ids, mask):
    logits, found = model(ids[:, :-1]), []
    for row in range(len(ids)):
        kept = mask[row, 1:]
        log_p = logits[row][kept] - logits[row][kept].logsumexp(-1, keepdim=True)
        found.append(log_p[torch.arange(int(kept.sum())), ids[row, 1:][kept]].sum())
    return torch.stack(found)


@right("sequence_log_probability")
def token_by_token(model, ids, mask):
    log_p = model(ids).log_softmax(-1)
    found = []
    for row in range(ids.shape[0]):
        total = log_p.new_zeros(())
        for i in range(1, ids.shape[1]):
            if mask[row, i]:
                total = total + log_p[row, i - 1, ids[row, i]]
        found.append(total)
    return torch.stack(found)


@right("sequence_log_probability")
def in_64_bits(model, ids, mask):
    logits = model(ids[:, :-1])
    wide = logits.double()
    picked = wide.gather(-1, ids[:, 1:, None])[..., 0] - wide.logsumexp(-1)
    return picked.masked_fill(mask[:, 1:].logical_not(), 0).sum(-1).to(logits.dtype)


@right("sequence_log_probability")
def by_index_add(model, ids, mask):
    rows, places = mask[:, 1:].nonzero(as_tuple=True)
    log_p = model(ids[:, :-1]).log_softmax(-1)[rows, places, ids[rows, places + 1]]
    return log_p.new_zeros(len(ids)).index_add(0, rows, log_p)


# ---------------------------------------------------------------------------------------------------------- dpo_loss


@right("dpo_loss")
def as_trl_writes_it(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    logits = (chosen - rejected) - (reference_chosen - reference_rejected)
    return (-functional.logsigmoid(beta * logits)).mean(), beta * logits


@right("dpo_loss")
def by_softplus(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    won, lost = beta * (chosen - reference_chosen), beta * (rejected - reference_rejected)
    return functional.softplus(lost - won).mean(), won - lost


@right("dpo_loss")
def by_logaddexp(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = (chosen - rejected - reference_chosen + reference_rejected) * beta
    return torch.logaddexp(torch.zeros_like(margin), -margin).mean(), margin


@right("dpo_loss")
def as_a_classification(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    rewards = beta * torch.stack([chosen - reference_chosen, rejected - reference_rejected], dim=1)
    first = torch.zeros(len(rewards), dtype=torch.long)
    return functional.cross_entropy(rewards, first), rewards[:, 0] - rewards[:, 1]


@right("dpo_loss")
def as_a_binary_one(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return functional.binary_cross_entropy_with_logits(margin, torch.ones_like(margin)), margin


@right("dpo_loss")
def pair_by_pair(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margins = [
        beta * (a - c) - beta * (b - d)
        for a, b, c, d in zip(chosen, rejected, reference_chosen, reference_rejected, strict=True)
    ]
    losses = [torch.log1p(torch.exp(-margin.abs())) + (-margin).clamp(min=0) for margin in margins]
    return sum(losses) / len(losses), torch.stack(margins)


@right("dpo_loss")
def wide(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    a, b, c, d = (part.double() for part in (chosen, rejected, reference_chosen, reference_rejected))
    margin = beta * (a - b - c + d)
    return -functional.logsigmoid(margin).mean().to(chosen.dtype), margin.to(chosen.dtype)


# ------------------------------------------------------------------------------------------------- group_advantages


@right("group_advantages")
def by_std(rewards, epsilon=1e-4):
    mean, std = rewards.mean(-1, keepdim=True), rewards.std(-1, keepdim=True, correction=0)
    return (rewards - mean) / (std + epsilon)


@right("group_advantages")
def by_std_mean(rewards, epsilon=1e-4):
    std, mean = torch.std_mean(rewards, dim=-1, correction=0, keepdim=True)
    return (rewards - mean).div(std.add(epsilon))


@right("group_advantages")
def by_sums(rewards, epsilon=1e-4):
    size = rewards.shape[-1]
    distance = rewards - rewards.sum(-1, keepdim=True) / size
    return distance / ((distance**2).sum(-1, keepdim=True) / size).sqrt().add(epsilon)


@right("group_advantages")
def by_einsum(rewards, epsilon=1e-4):
    distance = rewards - rewards.mean(-1)[..., None]
    deviation = (torch.einsum("...g,...g->...", distance, distance) / rewards.shape[-1]) ** 0.5
    return distance / (deviation[..., None] + epsilon)


@right("group_advantages")
def group_by_group(rewards, epsilon=1e-4):
    rows = []
    for row in rewards.reshape(-1, rewards.shape[-1]).tolist():
        mean = math.fsum(row) / len(row)
        deviation = math.sqrt(math.fsum((reward - mean) ** 2 for reward in row) / len(row))
        rows.append([(reward - mean) / (deviation + epsilon) for reward in row])
    return torch.tensor(rows, dtype=rewards.dtype).view(rewards.shape)


@right("group_advantages")
def in_64_bits_too(rewards, epsilon=1e-4):
    wide = rewards.to(torch.float64)
    centred = wide - wide.mean(dim=-1, keepdim=True)
    return (centred / (centred.norm(dim=-1, keepdim=True) / rewards.shape[-1] ** 0.5 + epsilon)).to(rewards.dtype)


@right("group_advantages")
def turned_to_columns(rewards, epsilon=1e-4):
    columns = rewards.movedim(-1, 0)
    distance = columns - columns.mean(0)
    return (distance / (distance.pow(2).mean(0).sqrt() + epsilon)).movedim(0, -1)


# -------------------------------------------------------------------------------------------------------- grpo_loss


@right("grpo_loss")
def by_losses(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    """As TRL writes it: the larger one of two losses."""
    ratio = torch.exp(log_p - old)
    held = torch.clamp(ratio, 1 - clip, 1 + clip)
    losses = -torch.min(ratio * advantages.unsqueeze(1), held * advantages.unsqueeze(1))
    kl = torch.exp(reference - log_p) - (reference - log_p) - 1
    losses = losses + beta * kl
    return ((losses * mask).sum(-1) / mask.sum(-1)).mean()


@right("grpo_loss")
def row_by_row_of_grpo(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    losses = []
    for row in range(len(log_p)):
        kept = mask[row]
        now, then, start = log_p[row][kept], old[row][kept], reference[row][kept]
        ratio, a = (now - then).exp(), advantages[row]
        gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
        kl = (start - now).exp() - 1 - (start - now)
        losses.append(-(gain - beta * kl).mean())
    return torch.stack(losses).mean()


@right("grpo_loss")
def by_cases(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages[:, None].expand_as(log_p)
    held = torch.where(a >= 0, ratio.clamp(max=1 + clip), ratio.clamp(min=1 - clip))
    apart = reference - log_p
    of_tokens = held * a - beta * (torch.expm1(apart) - apart)
    return -(torch.where(mask, of_tokens, 0.0).sum(1) / mask.sum(1)).mean()


@right("grpo_loss")
def by_weights(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    """Each token's share of the loss first: 1 / (rows · its row's tokens)."""
    weights = mask / mask.sum(dim=1, keepdim=True) / mask.shape[0]
    ratio, a = torch.exp(log_p) / torch.exp(old), advantages.view(-1, 1)
    gain = torch.stack([ratio * a, ratio.clamp(1 - clip, 1 + clip) * a]).amin(dim=0)
    kl = torch.exp(reference - log_p) + log_p - reference - 1
    return -(weights.to(gain.dtype) * (gain - beta * kl)).sum()


@right("grpo_loss")
def two_means(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    def mean(of_tokens):
        return torch.einsum("bt,bt,b->", of_tokens, mask.to(log_p.dtype), 1 / mask.sum(1).to(log_p.dtype)) / len(mask)

    ratio, a = (log_p - old).exp(), advantages[:, None]
    apart = reference - log_p
    return beta * mean(apart.exp() - apart - 1) - mean(torch.minimum(ratio * a, ratio.clip(1 - clip, 1 + clip) * a))


@right("grpo_loss")
def in_64_bits_as_well(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    now, then, start, a = (part.double() for part in (log_p, old, reference, advantages))
    ratio = (now - then).exp()
    plain, held = ratio * a[:, None], ratio.clamp(1 - clip, 1 + clip) * a[:, None]
    of_tokens = torch.where(plain < held, plain, held) - beta * ((start - now).exp() - (start - now) - 1)
    of_rows = of_tokens.masked_fill(mask.logical_not(), 0).sum(1) / mask.sum(1)
    return of_rows.mean().neg().to(log_p.dtype)


# -------------------------------------------------------------------------------------------------------- find_call


@right("find_call")
def by_a_pattern(turn):
    found = re.search(r"<calc>((?:(?!<calc>|</calc>).)*)</calc>", turn, re.DOTALL)
    return None if found is None else (found.group(1), found.end())


@right("find_call")
def by_find(turn):
    start = turn.find("<calc>")
    while start >= 0:
        inside = start + len("<calc>")
        end, again = turn.find("</calc>", inside), turn.find("<calc>", inside)
        if end < 0:
            return None
        if again < 0 or end < again:
            return turn[inside:end], end + len("</calc>")
        start = again
    return None


@right("find_call")
def from_each_end(turn):
    end = turn.find("</calc>")
    after = 0
    while end >= 0:
        start = turn.rfind("<calc>", after, end)
        if start >= 0:
            return turn[start + 6 : end], end + 7
        after = end + 7
        end = turn.find("</calc>", after)
    return None


@right("find_call")
def by_pieces(turn):
    at = 0
    *closed, _ = turn.split("</calc>")
    for piece in closed:
        at += len(piece) + 7
        if "<calc>" in piece:
            return [piece.rpartition("<calc>")[2], at]
    return None


@right("find_call")
def letter_by_letter(turn):
    inside = None
    for i in range(len(turn)):
        if turn.startswith("<calc>", i):
            inside = i + 6
        if turn.startswith("</calc>", i) and inside is not None:
            return turn[inside:i], i + 7
    return None


@right("find_call")
def by_splitting_at_marks(turn):
    parts = re.split("(</?calc>)", turn)
    for i in range(len(parts) - 2):
        if parts[i] == "<calc>" and parts[i + 2] == "</calc>":
            return parts[i + 1], sum(map(len, parts[: i + 3]))
    return None


# --------------------------------------------------------------------------------------------------------- evaluate

RANKS = {"+": 1, "-": 1, "*": 2, "/": 2}
OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
NUMBER = r"[0-9]+(?:\.[0-9]+)?"


@right("evaluate")
def by_ranks(expression):
    """Precedence climbing (Pratt): one function for all ranks."""
    parts = re.findall(rf"{NUMBER}|\S", expression)[::-1]

    def read(least):
        if not parts:
            raise ValueError("something is missing")
        part = parts.pop()
        if part == "-":
            value = -read(3)
        elif part == "(":
            value = read(1)
            if not parts or parts.pop() != ")":
                raise ValueError("a bracket stays open")
        elif re.fullmatch(NUMBER, part):
            value = Fraction(part)
        else:
            raise ValueError(part)
        while parts and RANKS.get(parts[-1], 0) >= least:
            sign = parts.pop()
            value = OPERATIONS[sign](value, read(RANKS[sign] + 1))
        return value

    value = read(1)
    if parts:
        raise ValueError(parts[-1])
    return value


@right("evaluate")
def by_two_stacks(expression):
    """The shunting yard (Dijkstra 1961); a minus in front is an operation of its own, ~."""
    values, waiting, number_expected = [], [], True
    ranks = {**RANKS, "~": 3}

    def apply():
        sign = waiting.pop()
        if sign == "(":
            raise ValueError("a bracket stays open")
        if sign == "~":
            values.append(-values.pop())
        else:
            right_one, left_one = values.pop(), values.pop()
            values.append(OPERATIONS[sign](left_one, right_one))

    for part in re.findall(rf"{NUMBER}|\S", expression):
        if re.fullmatch(NUMBER, part) and number_expected:
            values.append(Fraction(part))
            number_expected = False
        elif part == "(" and number_expected:
            waiting.append(part)
        elif part == "-" and number_expected:
            waiting.append("~")
        elif part == ")" and not number_expected:
            while waiting and waiting[-1] != "(":
                apply()
            if not waiting:
                raise ValueError("a bracket too many")
            waiting.pop()
        elif part in RANKS and not number_expected:
            while waiting and ranks.get(waiting[-1], 0) >= ranks[part]:
                apply()
            waiting.append(part)
            number_expected = True
        else:
            raise ValueError(part)
    if number_expected:
        raise ValueError("something is missing")
    while waiting:
        apply()
    return values[0]


@right("evaluate")
def by_an_index(expression):
    """No list of parts: a place in the text that moves on."""
    at = 0

    def peek():
        nonlocal at
        while at < len(expression) and expression[at].isspace():
            at += 1
        return expression[at : at + 1]

    def term_list(signs, below):
        nonlocal at
        value = below()
        while peek() and peek() in signs:
            sign = expression[at]
            at += 1
            value = OPERATIONS[sign](value, below())
        return value

    def total():
        return term_list("+-", lambda: term_list("*/", factor))

    def factor():
        nonlocal at
        sign = peek()
        if sign == "-":
            at += 1
            return -factor()
        if sign == "(":
            at += 1
            value = total()
            if peek() != ")":
                raise ValueError(expression)
            at += 1
            return value
        found = re.match(NUMBER, expression[at:])
        if not found:
            raise ValueError(expression)
        at += found.end()
        return Fraction(found[0])

    value = total()
    if peek():
        raise ValueError(expression)
    return value


@right("evaluate")
def by_splitting_from_the_right(text):
    text, depth, best = text.strip(), 0, None
    for i, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            raise ValueError(text)
        before = text[:i].rstrip()
        joins = depth == 0 and sign in RANKS and before and before[-1] not in "+-*/("
        if joins and (best is None or RANKS[sign] <= RANKS[text[best]]):
            best = i
    if best is not None:
        left_one, right_one = text[:best], text[best + 1 :]
        return OPERATIONS[text[best]](by_splitting_from_the_right(left_one), by_splitting_from_the_right(right_one))
    if text.startswith("-"):
        return -by_splitting_from_the_right(text[1:])
    if text.startswith("(") and text.endswith(")"):
        return by_splitting_from_the_right(text[1:-1])
    if not re.fullmatch(NUMBER, text):
        raise ValueError(text)
    return Fraction(text)


@right("evaluate")
def sum_of_signed_terms(expression):
    """Terms are collected with their signs, factors with their exponents 1 and -1."""
    parts = [*re.findall(rf"{NUMBER}|\S", expression), "end"]

    def total():
        terms, sign = [product()], 1
        while parts[0] in ("+", "-"):
            sign = 1 if parts.pop(0) == "+" else -1
            terms.append(sign * product())
        return sum(terms, Fraction())

    def product():
        value = factor()
        while parts[0] in ("*", "/"):
            value *= factor() if parts.pop(0) == "*" else 1 / factor()
        return value

    def factor():
        sign = 1
        while parts[0] == "-":
            sign, parts[:1] = -sign, []
        part = parts.pop(0)
        if part == "(":
            value = total()
            if parts.pop(0) != ")":
                raise ValueError(expression)
        elif part[0] in "0123456789":
            value = Fraction(part)
        else:
            raise ValueError(expression)
        return sign * value

    value = total()
    if parts[0] != "end":
        raise ValueError(expression)
    return value


@right("evaluate")
def by_reducing_the_text(expression):
    """Brackets away from inside out, each value put back as a numbered name."""
    if not re.fullmatch(rf"(?:{NUMBER}|[-+*/()\s])*", expression) or re.search(r"[0-9]\s+[0-9]|\.[0-9]*\.", expression):
        raise ValueError(expression)
    known = []

    def name_of(value):
        known.append(value)
        return f"#{len(known) - 1}#"

    def flat(text):
        signs = re.findall(r"#\d+#|[-+*/]", text)
        if "".join(signs) != text or not signs:
            raise ValueError(expression)
        values = []  # first what stands between + and -, as (sign, product)
        place = 0

        def factor():
            nonlocal place
            sign = 1
            while place < len(signs) and signs[place] == "-":
                sign, place = -sign, place + 1
            if place == len(signs) or signs[place][0] != "#":
                raise ValueError(expression)
            place += 1
            return sign * known[int(signs[place - 1].strip("#"))]

        values.append(factor())
        while place < len(signs):
            sign, place = signs[place], place + 1
            if sign[0] == "#":
                raise ValueError(expression)
            other = factor()
            if sign in "+-":
                values.append(other if sign == "+" else -other)
            else:
                values[-1] = OPERATIONS[sign](values[-1], other)
        return sum(values, Fraction())

    text = re.sub(NUMBER, lambda found: name_of(Fraction(found[0])), "".join(expression.split()))
    while found := re.search(r"\(([^()]*)\)", text):
        text = text[: found.start()] + name_of(flat(found[1])) + text[found.end() :]
    return flat(text)
