"""Right answers to notebook 15, second part, in other styles."""

import math
from collections import Counter

import torch
from torch import nn
from torch.nn import functional

from lib.attention import GroupedQueryAttention
from lib.layers import RMSNorm, SwiGLU
from tests.graders.cases import right

# ------------------------------------------------------------------------------------------------------------ route


@right("route")
def renormalised(logits, k):
    chances, experts = logits.softmax(dim=-1).topk(k, dim=-1)
    return experts, chances / chances.sum(dim=-1, keepdim=True)


@right("route")
def by_sorting(logits, k):
    order = logits.argsort(dim=-1, descending=True)[..., :k]
    return order, torch.softmax(logits.gather(-1, order), -1)


@right("route")
def by_hand(logits, k):
    best, experts = torch.topk(logits, k)
    numerator = (best - best[..., :1]).exp()
    return experts, numerator / numerator.sum(-1, keepdim=True)


@right("route")
def with_minus_infinity(logits, k):
    experts = logits.topk(k).indices
    hidden = torch.full_like(logits, -math.inf).scatter(-1, experts, logits.gather(-1, experts))
    return experts, hidden.softmax(-1).gather(-1, experts)


@right("route")
def one_after_the_other(logits, k):
    left, experts = logits.detach().clone(), []
    for _ in range(k):
        experts.append(left.argmax(dim=-1, keepdim=True))
        left = left.scatter(-1, experts[-1], -math.inf)
    experts = torch.cat(experts, dim=-1)
    return [experts, logits.gather(-1, experts).softmax(dim=-1)]


@right("route")
def in_double_precision(logits, k):
    top = logits.double().topk(k, dim=-1)
    return top.indices, top.values.softmax(-1).to(logits.dtype)


@right("route")
def by_log_softmax(logits, k):
    values, experts = logits.sort(dim=-1, descending=True)
    return experts[..., :k], functional.log_softmax(values[..., :k], dim=-1).exp()


# --------------------------------------------------------------------------------------------------------- dispatch


@right("dispatch")
def with_boolean_masks(x, chosen, weights, experts):
    mixed = x.new_zeros(x.shape)
    for number, expert in enumerate(experts):
        mine = chosen == number
        rows = mine.any(dim=1)
        share = (weights * mine).sum(dim=1)[rows]
        mixed[rows] = mixed[rows] + share[:, None] * expert(x[rows])
    return mixed


@right("dispatch")
def in_place(x, chosen, weights, experts):
    mixed = torch.zeros(x.shape, dtype=x.dtype)
    for i in range(len(experts)):
        token, place = torch.where(chosen == i)
        if len(token):
            mixed.index_add_(0, token, experts[i](x[token]) * weights[token, place].unsqueeze(-1))
    return mixed


@right("dispatch")
def by_products(x, chosen, weights, experts):
    """Who goes where as a matrix (expert, token); the tokens of each expert are picked by it and put back."""
    n = len(experts)
    table = functional.one_hot(chosen % (n + 1), n + 1).to(x.dtype)[..., :n]  # -1 becomes n, and is cut off
    table = torch.einsum("tke,tk->et", table, weights)
    results = torch.zeros_like(x)
    for row, went, expert in zip(table, (chosen[..., None] == torch.arange(n)).any(1).T, experts, strict=True):
        put = torch.eye(len(x), dtype=x.dtype)[:, went]
        results = results + (put @ (row[went, None] * expert(put.T @ x)))
    return results


@right("dispatch")
def sorted_by_expert(x, chosen, weights, experts):
    flat = chosen.flatten()
    order = flat.argsort(stable=True)
    parts = order.split(torch.bincount(flat + 1, minlength=len(experts) + 1).tolist())[1:]
    mixed = torch.zeros_like(x)
    for part, expert in zip(parts, experts, strict=True):
        token = part // chosen.shape[1]
        mixed = mixed.index_add(0, token, weights.flatten()[part, None] * expert(x[token]))
    return mixed


@right("dispatch")
def collected(x, chosen, weights, experts):
    tokens, parts = [], []
    for number, expert in enumerate(experts):
        token, place = (chosen == number).nonzero().T
        tokens.append(token)
        parts.append(expert(x[token]) * weights[token, place][:, None])
    return torch.zeros_like(x).index_add(0, torch.cat(tokens), torch.cat(parts))


@right("dispatch")
def scattered(x, chosen, weights, experts):
    mixed = torch.zeros_like(x)
    for number in sorted(set(chosen.flatten().tolist()) - {-1}, reverse=True):
        token, place = (chosen == number).nonzero(as_tuple=True)
        answers = torch.mul(experts[number](x.index_select(0, token)), weights[token, place].view(-1, 1))
        mixed = mixed.scatter_add(0, token[:, None].expand(-1, x.shape[1]), answers)
    return mixed


# ---------------------------------------------------------------------------------------------- load_balancing_loss


@right("load_balancing_loss")
def with_one_hot(logits, chosen):
    n = logits.shape[1]
    share = functional.one_hot(chosen, n).to(logits.dtype).mean(dim=(0, 1))
    return n * share @ logits.softmax(-1).mean(0)


@right("load_balancing_loss")
def expert_by_expert(logits, chosen):
    probability, total = functional.softmax(logits, dim=1), 0
    for i in range(logits.shape[1]):
        total = total + (chosen == i).sum() / chosen.numel() * probability[:, i].mean()
    return logits.shape[1] * total


@right("load_balancing_loss")
def by_einsum(logits, chosen):
    table = torch.zeros_like(logits).scatter(1, chosen, 1.0)
    pairs = torch.einsum("te,se->", table, logits.softmax(-1))
    return logits.shape[1] * pairs / (len(logits) * chosen.numel())


@right("load_balancing_loss")
def as_fedus_writes_it(logits, chosen):
    tokens, n = logits.shape
    k = chosen.shape[1]
    f = torch.stack([(chosen == i).any(dim=1).sum() / tokens for i in range(n)])
    big_p = torch.softmax(logits, dim=-1).sum(dim=0) / tokens
    return n / k * (f * big_p).sum()


@right("load_balancing_loss")
def with_a_mean(logits, chosen):
    share = torch.bincount(chosen.reshape(-1), minlength=logits.shape[-1]) / len(chosen) / chosen.shape[1]
    return (share * logits.softmax(-1).mean(0)).mean() * logits.shape[-1] ** 2


@right("load_balancing_loss")
def from_the_tokens(logits, chosen):
    n = logits.shape[-1]
    counts = Counter(chosen.flatten().tolist())
    share = torch.tensor([counts[i] / chosen.numel() for i in range(n)], dtype=logits.dtype)
    return n * (logits.log_softmax(-1).exp() * share).sum(-1).mean()


# --------------------------------------------------------------------------------------------- keep_within_capacity


@right("keep_within_capacity")
def with_loops(chosen, n_experts, capacity):
    left, kept = [capacity] * n_experts, torch.zeros(chosen.shape, dtype=torch.bool)
    for j in range(chosen.shape[1]):
        for i in range(chosen.shape[0]):
            expert = int(chosen[i, j])
            if left[expert] > 0:
                left[expert] -= 1
                kept[i, j] = True
    return kept


@right("keep_within_capacity")
def expert_by_expert_in_order(chosen, n_experts, capacity):
    flat = chosen.T.reshape(-1)
    kept = torch.zeros(len(flat), dtype=torch.bool)
    for expert in range(n_experts):
        kept[(flat == expert).nonzero()[:, 0][:capacity]] = True
    return kept.view(chosen.shape[1], chosen.shape[0]).T


@right("keep_within_capacity")
def choice_after_choice(chosen, n_experts, capacity):
    used, columns = torch.zeros(n_experts, dtype=torch.long), []
    for column in chosen.T:
        table = functional.one_hot(column, n_experts)
        place = used[column] + table.cumsum(0).gather(1, column[:, None])[:, 0]
        columns.append(place <= capacity)
        used = used + table.sum(0)
    return torch.stack(columns, dim=1)


@right("keep_within_capacity")
def by_comparing_all(chosen, n_experts, capacity):
    flat = chosen.t().flatten()
    before = (flat[:, None] == flat).tril(-1).sum(dim=1)
    return (before < capacity).reshape(chosen.t().shape).t()


@right("keep_within_capacity")
def by_sorting_experts(chosen, n_experts, capacity):
    flat = chosen.T.flatten()
    order = flat.argsort(stable=True)
    counts = torch.bincount(flat, minlength=n_experts)
    starts = counts.cumsum(0) - counts
    place = torch.empty_like(flat)
    place[order] = torch.arange(len(flat)) - starts[flat[order]]
    return (place < capacity).unflatten(0, (chosen.shape[1], -1)).mT


@right("keep_within_capacity")
def with_a_counter(chosen, n_experts, capacity):
    seen, rows = Counter(), []
    for column in chosen.T.tolist():
        rows.append([])
        for expert in column:
            seen[expert] += 1
            rows[-1].append(seen[expert] <= capacity)
    return torch.tensor(rows).T


# ------------------------------------------------------------------------------------------------ active_parameters


@right("active_parameters")
def term_by_term(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    kv_width = d_model // n_heads * n_kv_heads
    attention = d_model * d_model + d_model * kv_width + d_model * kv_width + d_model * d_model
    swiglu = d_model * d_ff + d_model * d_ff + d_ff * d_model
    norms = (2 * n_layers + 1) * d_model
    return vocab * d_model + n_layers * (attention + k * swiglu + n_experts * d_model) + norms + d_model * vocab


@right("active_parameters")
def by_building(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    def count(*modules):
        return sum(parameter.numel() for module in modules for parameter in module.parameters())

    with torch.device("meta"):
        block = [GroupedQueryAttention(d_model, n_heads, n_kv_heads), nn.Linear(d_model, n_experts, bias=False)]
        block += [SwiGLU(d_model, d_ff) for _ in range(k)] + [RMSNorm(d_model), RMSNorm(d_model)]
        return n_layers * count(*block) + count(RMSNorm(d_model)) + 2 * count(nn.Embedding(vocab, d_model))


@right("active_parameters")
def from_the_total(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    d, width = d_model, d_model // n_heads
    block = d * width * (2 * n_heads + 2 * n_kv_heads) + n_experts * (3 * d * d_ff + d) + 2 * d
    total = 2 * vocab * d + d + n_layers * block
    return total - (n_experts - k) * n_layers * 3 * d * d_ff


@right("active_parameters")
def with_loops_and_tables(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    total = 0
    for _ in range(n_layers):
        for rows in (d_model, n_kv_heads * (d_model // n_heads), n_kv_heads * (d_model // n_heads), d_model):
            total += rows * d_model
        for _ in range(k):
            total += 3 * (d_model * d_ff)
        total += n_experts * d_model + d_model + d_model
    return total + d_model + vocab * d_model * 2


@right("active_parameters")
def factored(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    per_block = 2 * d_model + 2 * n_kv_heads * d_model // n_heads + 3 * k * d_ff + n_experts + 2
    return d_model * (n_layers * per_block + 1 + 2 * vocab)


@right("active_parameters")
def by_shapes(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    narrow = n_kv_heads * d_model // n_heads
    shapes = [(d_model, d_model)] * 2 + [(narrow, d_model)] * 2 + [(d_ff, d_model)] * 3 * k
    shapes += [(n_experts, d_model), (1, d_model), (1, d_model)]
    return n_layers * sum(map(math.prod, shapes)) + d_model + 2 * math.prod((vocab, d_model))


# ----------------------------------------------------------------------------------------------- mutual_information


@right("mutual_information")
def with_entropies(counts):
    joint = counts.double() / counts.sum()

    def entropy(p):
        return torch.special.entr(p).sum() / math.log(2)

    return (entropy(joint.sum(0)) + entropy(joint.sum(1)) - entropy(joint)).item()


@right("mutual_information")
def with_two_loops(counts):
    table = counts.tolist()
    total = sum(map(sum, table))
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    bits = 0.0
    for row, of_row in zip(table, rows, strict=True):
        for count, of_column in zip(row, columns, strict=True):
            if count:
                bits += count / total * math.log2(count * total / (of_row * of_column))
    return bits


@right("mutual_information")
def as_a_divergence(counts):
    joint = counts.double() / counts.sum()
    apart = torch.outer(joint.sum(1), joint.sum(0))
    log_ratio = torch.where(joint > 0, joint / apart, torch.ones_like(joint)).log()
    return float((joint * log_ratio).sum() / math.log(2))


@right("mutual_information")
def by_xlogy(counts):
    joint = counts.double() / counts.sum()
    apart = joint.sum(0, keepdim=True) * joint.sum(1, keepdim=True)
    return ((torch.xlogy(joint, joint) - torch.xlogy(joint, apart)).sum() / math.log(2)).item()


@right("mutual_information")
def nan_is_nothing(counts):
    p = (counts / counts.sum()).double()
    return (p * torch.log2(p / p.sum(0) / p.sum(1)[:, None])).nan_to_num().sum().tolist()


@right("mutual_information")
def by_numpy(counts):
    p = counts.numpy().astype("float64")
    p = p / p.sum()
    rows, columns = p.nonzero()
    ratio = p[rows, columns] / (p.sum(1)[rows] * p.sum(0)[columns])
    return (p[rows, columns] * torch.from_numpy(ratio).log2().numpy()).sum()
