"""Wrong answers to notebook 15, second part: routing, dispatch, balance, capacity, counts, what experts tell."""

import torch

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# ------------------------------------------------------------------------------------------------------------ route


@wrong("route", says="over all experts")
def switch(logits, k):
    chances, experts = logits.softmax(-1).topk(k, -1)
    return experts, chances


@wrong("route", says="divided by their sum")
def share_of_logits(logits, k):
    top = torch.topk(logits, k)
    return top.indices, top.values / top.values.sum(-1, keepdim=True)


@wrong("route", says="the smallest logits")
def ascending(logits, k):
    order = logits.argsort(-1)[..., :k]
    return order, logits.gather(-1, order).softmax(-1)


@wrong("route", says="a column for each expert")
def masked(logits, k):
    experts = logits.topk(k).indices
    hidden = torch.full_like(logits, float("-inf")).scatter(-1, experts, logits.gather(-1, experts))
    return experts, hidden.softmax(-1)


@wrong("route", says="best expert of a token comes first")
def from_the_end_of_sort(logits, k):
    order = logits.argsort(-1)[..., -k:]
    return order, logits.gather(-1, order).softmax(-1)


@wrong("route", says="no gradient")
@torch.no_grad()
def without_gradients(logits, k):
    best, experts = logits.topk(k)
    return experts, best.softmax(-1)


@wrong("route", says="the order is")
def weights_first(logits, k):
    best, experts = logits.topk(k)
    return best.softmax(-1), experts


@wrong("route", says="expected")
def tokens_for_experts(logits, k):
    best, experts = logits.topk(min(k, logits.shape[0]), dim=0)
    return experts, best.softmax(0)


@wrong("route", says="batch of one")
def squeezed(logits, k):
    best, experts = logits.topk(k)
    return experts.squeeze(), best.softmax(-1).squeeze()


@wrong("route", says="float64")
def always_float32(logits, k):
    best, experts = logits.float().topk(k)
    return experts, best.softmax(-1)


# --------------------------------------------------------------------------------------------------------- dispatch


@wrong("dispatch", says="expected")
def dense(x, chosen, weights, experts):
    return sum(expert(x) for expert in experts) / len(experts)


@wrong("dispatch", says="64-bit")
def into_32_bits(x, chosen, weights, experts):
    mixed = torch.zeros(x.shape)
    for i, expert in enumerate(experts):
        token, place = (chosen == i).nonzero(as_tuple=True)
        if len(token):
            mixed = mixed.index_add(0, token, weights[token, place, None] * expert(x[token]))
    return mixed


@wrong("dispatch", says="did not choose it")
def all_of_them_masked(x, chosen, weights, experts):
    mixed = torch.zeros_like(x)
    for i, expert in enumerate(experts):
        share = (weights * (chosen == i)).sum(dim=1, keepdim=True)
        mixed = mixed + share * expert(x)
    return mixed


@wrong("dispatch", says="replaces that of the one before")
def assigned(x, chosen, weights, experts):
    mixed = torch.zeros_like(x)
    for i, expert in enumerate(experts):
        rows, place = torch.where(chosen == i)
        mixed[rows] = weights[rows, place].unsqueeze(1) * expert(x[rows])
    return mixed


@wrong("dispatch", says="once")
def loop_over_tokens(x, chosen, weights, experts):
    mixed = torch.zeros_like(x)
    for i in range(len(x)):
        for j in range(chosen.shape[1]):
            if chosen[i, j] >= 0:
                mixed[i] += weights[i, j] * experts[chosen[i, j]](x[i : i + 1])[0]
    return mixed


@wrong("dispatch", says="once")
def place_by_place(x, chosen, weights, experts):
    mixed = torch.zeros_like(x)
    for j in range(chosen.shape[1]):
        for i, expert in enumerate(experts):
            rows = (chosen[:, j] == i).nonzero()[:, 0]
            mixed = mixed.index_add(0, rows, weights[rows, j, None] * expert(x[rows]))
    return mixed


@wrong("dispatch", says="weights are not used")
def unweighted(x, chosen, weights, experts):
    mixed = torch.zeros_like(x)
    for i, expert in enumerate(experts):
        rows = (chosen == i).any(dim=1)
        mixed[rows] += expert(x[rows])
    return mixed


@wrong("dispatch", says="multiply its answer")
def scaled_before(x, chosen, weights, experts):
    mixed = torch.zeros_like(x)
    for i, expert in enumerate(experts):
        rows, place = torch.where(chosen == i)
        mixed = mixed.index_add(0, rows, expert(x[rows] * weights[rows, place, None]))
    return mixed


@wrong("dispatch", says="shortcut")
def residual(x, chosen, weights, experts):
    mixed = x.clone()
    for i, expert in enumerate(experts):
        rows, place = torch.where(chosen == i)
        mixed = mixed.index_add(0, rows, expert(x[rows]) * weights[rows, place, None])
    return mixed


@wrong("dispatch", says="changes")
def into_the_input(x, chosen, weights, experts):
    before = x.clone()
    x.zero_()
    for i, expert in enumerate(experts):
        rows, place = torch.where(chosen == i)
        x.index_add_(0, rows, expert(before[rows]) * weights[rows, place, None])
    return x


# ---------------------------------------------------------------------------------------------- load_balancing_loss


@wrong("load_balancing_loss", says="n_experts is missing")
def mean_over_experts(logits, chosen):
    n = logits.shape[-1]
    share = torch.nn.functional.one_hot(chosen, n).float().mean(dim=(0, 1))
    return n * (share * logits.softmax(-1).mean(0)).mean()


@wrong("load_balancing_loss", says="assignments, k for each token")
def hugging_faces(logits, chosen):
    n = logits.shape[-1]
    share = torch.nn.functional.one_hot(chosen, n).float().mean(dim=0).sum(dim=0)
    return n * (share * logits.softmax(-1).mean(0)).sum()


@wrong("load_balancing_loss", says="no gradient")
def shares_only(logits, chosen):
    n = logits.shape[-1]
    share = torch.nn.functional.one_hot(chosen, n).float().mean(dim=(0, 1))
    with torch.no_grad():
        return n * share @ logits.softmax(-1).mean(0)


@wrong("load_balancing_loss", says="what was chosen")
def by_argmax(logits, chosen):
    n = logits.shape[-1]
    share = torch.nn.functional.one_hot(logits.topk(chosen.shape[1]).indices, n).float().mean(dim=(0, 1))
    return n * (share * logits.softmax(-1).mean(0)).sum()


@wrong("load_balancing_loss", says="over the tokens")
def softmax_over_tokens(logits, chosen):
    n = logits.shape[-1]
    share = torch.bincount(chosen.reshape(-1), minlength=n) / chosen.numel()
    return n * (share * logits.softmax(0).mean(0)).sum()


@wrong("load_balancing_loss", says="minlength")
def as_many_as_were_chosen(logits, chosen):
    share = torch.bincount(chosen.flatten()) / chosen.numel()
    return logits.shape[1] * (share * logits.softmax(-1).mean(0)).sum()


@wrong("load_balancing_loss", says="expected")
def entropy(logits, chosen):
    p = logits.softmax(-1).mean(0)
    return -(p * p.log()).sum()


@wrong("load_balancing_loss", says="expected")
def variation(logits, chosen):
    importance = logits.softmax(-1).sum(0)
    return importance.var() / importance.mean() ** 2


# --------------------------------------------------------------------------------------------- keep_within_capacity


@wrong("keep_within_capacity", says="all first choices are served first")
def row_by_row(chosen, n_experts, capacity):
    taken, kept = [0] * n_experts, torch.zeros_like(chosen, dtype=torch.bool)
    for i, row in enumerate(chosen.tolist()):
        for j, expert in enumerate(row):
            kept[i, j] = taken[expert] < capacity
            taken[expert] += 1
    return kept


@wrong("keep_within_capacity", says="never filled")
def off_by_one(chosen, n_experts, capacity):
    queue = torch.nn.functional.one_hot(chosen.T.reshape(-1), n_experts).cumsum(0)
    place = queue.gather(1, chosen.T.reshape(-1, 1))[:, 0]
    return (place < capacity).view(chosen.T.shape).T


@wrong("keep_within_capacity", says="of its own")
def one_queue(chosen, n_experts, capacity):
    return (torch.arange(chosen.numel()) < capacity).view(chosen.T.shape).T


@wrong("keep_within_capacity", says="what the first ones have left")
def per_choice(chosen, n_experts, capacity):
    kept = torch.zeros_like(chosen, dtype=torch.bool)
    for j in range(chosen.shape[1]):
        taken = [0] * n_experts
        for i, expert in enumerate(chosen[:, j].tolist()):
            kept[i, j] = taken[expert] < capacity
            taken[expert] += 1
    return kept


@wrong("keep_within_capacity", says="the expert takes it")
def dropped(chosen, n_experts, capacity):
    order = chosen.T.flatten().tolist()
    places = [order[: i + 1].count(expert) for i, expert in enumerate(order)]
    return (torch.tensor(places) > capacity).view(chosen.T.shape).T


@wrong("keep_within_capacity", says="dtype")
def as_floats(chosen, n_experts, capacity):
    order = chosen.T.flatten().tolist()
    places = [order[: i + 1].count(expert) for i, expert in enumerate(order)]
    return (torch.tensor(places) <= capacity).view(chosen.T.shape).T.float()


@wrong("keep_within_capacity", says="expected")
def chosen_with_nobody(chosen, n_experts, capacity):
    order = chosen.T.flatten().tolist()
    places = torch.tensor([order[: i + 1].count(expert) for i, expert in enumerate(order)])
    return chosen.masked_fill((places > capacity).view(chosen.T.shape).T, -1)


# ------------------------------------------------------------------------------------------------ active_parameters


def counted(
    vocab, d, layers, heads, kv, d_ff, n, k, router=None, norms=2, matrices=3, tables=2, last=1, attention=None
):
    attention = 2 * d * d + 2 * d * kv * (d // heads) if attention is None else attention
    block = attention + k * matrices * d * d_ff + (d * n if router is None else router) + norms * d
    return layers * block + last * d + tables * vocab * d


@wrong("active_parameters", says="all experts are counted")
def total(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    return counted(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, n_experts)


@wrong("active_parameters", says="router is missing")
def without_router(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    return counted(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k, router=0)


@wrong("active_parameters", says="all n_experts logits")
def router_of_k(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    return counted(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k, router=d_model * k)


@wrong("active_parameters", says="three matrices")
def plain_feed_forward(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    return counted(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k, matrices=2)


@wrong("active_parameters", says="n_kv_heads")
def every_head_its_keys(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    return counted(vocab, d_model, n_layers, n_heads, n_heads, d_ff, n_experts, k)


@wrong("active_parameters", says="two tables")
def tied_tables(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    return counted(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k, tables=1)


@wrong("active_parameters", says="expected")
def a_quarter(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    everything = counted(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, n_experts)
    return everything * k // n_experts


@wrong("active_parameters", says="expected")
def idle(vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff, n_experts, k):
    return n_layers * (n_experts - k) * 3 * d_model * d_ff


# ----------------------------------------------------------------------------------------------- mutual_information


@wrong("mutual_information", says="log2")
def natural(counts):
    p = counts / counts.sum()
    entropies = [torch.special.entr(part).sum() for part in (p.sum(0), p.sum(1), p)]
    return (entropies[0] + entropies[1] - entropies[2]).item()


@wrong("mutual_information", says="NaN")
def zeros_and_all(counts):
    p = counts.double() / counts.sum()
    return (p * (p / (p.sum(0) * p.sum(1, keepdim=True))).log2()).sum().item()


@wrong("mutual_information", says="joint entropy")
def of_the_table(counts):
    p = (counts.double() / counts.sum()).flatten()
    return -(p[p > 0] * p[p > 0].log2()).sum().item()


@wrong("mutual_information", says="its own sum")
def of_the_rows(counts):
    p = (counts.double() / counts.sum(dim=1, keepdim=True)).nan_to_num()
    apart, seen = p.sum(0) * p.sum(1, keepdim=True), p > 0
    return (p[seen] * (p[seen] / apart[seen]).log2()).sum().item()


@wrong("mutual_information", says="divide by their sum")
def of_counts(counts):
    p = counts.double()
    apart, seen = p.sum(0) * p.sum(1, keepdim=True), p > 0
    return (p[seen] * (p[seen] / apart[seen]).log2()).sum().item()


@wrong("mutual_information", says="expected")
def missing_entropy(counts):
    p = counts.double() / counts.sum()
    entropies = [torch.special.entr(part).sum() for part in (p.sum(0), p)]
    return ((entropies[1] - entropies[0]) / torch.tensor(2.0).log()).item()


@wrong("mutual_information", says="a float")
def zero_d(counts):
    p = counts.double() / counts.sum()
    apart, seen = p.sum(0) * p.sum(1, keepdim=True), p > 0
    return (p[seen] * (p[seen] / apart[seen]).log2()).sum()


@wrong("mutual_information", says="expected")
def smoothed(counts):
    p = (counts.double() + 1) / (counts + 1).sum()
    return (p * (p / (p.sum(0) * p.sum(1, keepdim=True))).log2()).sum().item()


@wrong("mutual_information", says="rest of its row and of its column")
def rows_without_zeros(counts):
    p = counts.double() / counts.sum()
    both = p.sum(dim=1, keepdim=True) * p.sum(dim=0, keepdim=True)
    full = (p > 0).all(dim=1)
    if not full.any():
        full = (p > 0).any(dim=1)
    rows, there = p[full], p[full] > 0
    return (rows[there] * torch.log2(rows[there] / both[full][there])).sum().item()


slips(
    "keep_within_capacity",
    at_most_28=("expected", edit("place <= capacity", "place <= min(capacity, 28)")),
    one_byte=("400 places", edit("cumsum(dim=0)", "cumsum(dim=0, dtype=torch.uint8)", "place <=", "place.long() <=")),
    squeezed=("shape", edit(".view(chosen.T.shape).T", ".view(chosen.T.shape).T.squeeze(0)")),
)


@wrong("dispatch", says="called more often than once")
def choice_by_choice(x, chosen, weights, experts):
    mixed = torch.zeros_like(x)
    for column, share in zip(chosen.T, weights.T, strict=True):
        for number, expert in enumerate(experts):
            (token,) = (column == number).nonzero(as_tuple=True)
            if len(token):
                mixed = mixed.index_add(0, token, share[token, None] * expert(x[token]))
    return mixed


slips(
    "route",
    more_than_k_share=(
        "equally good",
        edit(
            "best.softmax(dim=-1)", "logits.masked_fill(logits < best[..., -1:], -1e9).softmax(-1).gather(-1, experts)"
        ),
    ),
)
slips(
    "dispatch",
    nothing_for_weight_0=("gradient", edit("(chosen == number)", "((chosen == number) & (weights != 0))")),
)
slips(
    "load_balancing_loss",
    one_byte=("700 tokens", edit("counts / chosen", "counts.to(torch.uint8) / chosen")),
)
slips(
    "active_parameters",
    a_share_in_floats_cut_off=(
        None,
        edit("2 * d_model * n_kv_heads * d_head", "2 * d_model * int(d_model * (n_kv_heads / n_heads))"),
    ),
    k_of_those_there_are=("result", edit("k * expert", "min(k, n_experts) * expert")),
    four_bytes=("result", edit("return n_layers", "return 2**31 - 1 & n_layers")),
)
slips(
    "mutual_information",
    at_most_999=("expected", edit("counts.double()", "counts.clamp(max=999).double()")),
    shares_exchanged=(
        "",
        edit(
            "joint.sum(dim=1, keepdim=True) * joint.sum(dim=0, keepdim=True)",
            "(joint.sum(dim=0) * joint.sum(dim=1)[:, None]).T.reshape(counts.shape)",
        ),
    ),
)


@wrong("mutual_information", says="up to a million")
def four_bytes(counts):
    counts = counts.int()
    rows, columns = (counts.sum(axis, keepdim=True, dtype=torch.int32) for axis in (1, 0))
    total, seen = counts.sum(dtype=torch.int32), counts > 0
    ratio = counts * total / (rows * columns)
    return (counts[seen] / total * ratio[seen].log2()).sum().item()
