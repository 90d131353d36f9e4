"""Checks of notebook 15, second part: routing, dispatch, balance, capacity, counts, what experts tell."""

import torch
from torch import nn

from lib import experts
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import gradients, normal, plain
from lib.checks.running import Problem

NAMES = "the experts", "the weights"
route = Exercise(experts.route, returns=NAMES)
dispatch = Exercise(experts.dispatch)
load_balancing_loss = Exercise(experts.load_balancing_loss)
keep_within_capacity = Exercise(experts.keep_within_capacity)
active_parameters = Exercise(experts.active_parameters)
mutual_information = Exercise(experts.mutual_information)


def choices(n_tokens, k, n_experts, rng):
    """k different experts for each token."""
    return torch.rand(n_tokens, n_experts, generator=rng).argsort(dim=-1)[:, :k]


# ------------------------------------------------------------------------------------------------------------ route


@route.probe("the logits 2, 0, 2.5, -1 of one token, and k = 2")
def _(answer, rng):
    return answer(torch.tensor([[2.0, 0.0, 2.5, -1.0]]), 2)


@route.probe("one of 7 experts for each of 5 tokens; and all of 3")
def _(answer, rng):
    both = {"one of 7: ": answer(normal(5, 7, rng=rng), 1), "all of 3: ": answer(normal(5, 3, rng=rng), 3)}
    return {start + name: part for start, pair in both.items() for name, part in zip(NAMES, pair, strict=True)}


@route.probe("three leading axes, 2, 3 and 5, in float64; and no leading axis")
def _(answer, rng):
    both = {"three axes: ": normal(2, 3, 5, 7, rng=rng).double(), "no axis: ": normal(7, rng=rng)}
    pairs = {start: answer(logits, 2) for start, logits in both.items()}
    return {start + name: part for start, pair in pairs.items() for name, part in zip(NAMES, pair, strict=True)}


@route.probe("logits near 200: 300 tokens, 64 experts, k = 8")
def _(answer, rng):
    ranks = torch.rand(300, 64, generator=rng).argsort(dim=-1)  # no two alike
    return answer(200 + 0.1 * ranks, 8)


@route.probe("the gradients of the weights for the logits")
def _(answer, rng):
    logits = normal(5, 7, rng=rng).requires_grad_()
    return gradients(answer(logits, 3)[1] * normal(5, 3, rng=rng), logits=logits)


@route.probe("two of four experts for one token; the second and the third are equally good", varied=False)
def _(answer, rng):
    return {"the weights": answer(torch.tensor([[2.0, 1.0, 1.0, 0.0]]), 2)[1]}


CHOSEN, WEIGHTED = "logits.topk(k, dim=-1)", "best.softmax(dim=-1)"
# fmt: off
route.mistakes(
    over_all=("the softmax runs over all experts: take the k largest logits first, then the softmax over these alone.",
        edit(WEIGHTED, "logits.softmax(dim=-1).gather(-1, experts)")),
    no_softmax=("the weights are the logits themselves: a softmax of them adds up to 1.", edit(WEIGHTED, "best")),
    divided=("the logits are divided by their sum, which may be 0 or negative: take a softmax.",
        edit(WEIGHTED, "best / best.sum(-1, keepdim=True)")),
    even=("all k count alike: a better expert counts more, by a softmax of its logit.",
        edit(WEIGHTED, "torch.full_like(best, 1 / k)"), edit(WEIGHTED, "(0 * best).softmax(dim=-1)")),
    sigmoid=("a sigmoid for each: the weights of a token should add up to 1, take a softmax.",
        edit(WEIGHTED, "best.sigmoid()")),
    over_tokens=("the softmax runs over the tokens: the weights of one token add up to 1 (dim=-1).",
        edit(WEIGHTED, "best.softmax(dim=-2 if best.ndim > 1 else 0)"), edit(WEIGHTED, "best.softmax(dim=0)")),
    second_axis=("experts are the last axis, however many come before it: dim=-1.",
        edit(WEIGHTED, "best.softmax(dim=min(1, best.ndim - 1))"), edit(WEIGHTED, "best.softmax(dim=1)")),
    worst=("the smallest logits are chosen; the largest are the best.",
        edit(CHOSEN, "logits.topk(k, dim=-1, largest=False)")),
    worst_first=("the order: the best expert of a token comes first.",
        edit(CHOSEN, "(part.flip(-1) for part in logits.topk(k, dim=-1))"),
        edit(CHOSEN, "(part.flip(-1) for part in logits.topk(k))")),
    unsorted=("the order: the best first, not the experts by their numbers.",
        edit("    return", "    experts = experts.sort(dim=-1).values\n    best = logits.gather(-1, experts)\n"
             "    return")),
    in_place_of_experts=("a column for each expert: a token has k of them, return (..., k).",
        edit(WEIGHTED, "torch.zeros_like(logits).scatter(-1, experts, best.softmax(dim=-1))")),
    always_two=("k is not used: two experts for each token, whatever k is.", edit("topk(k,", "topk(2,")),
    always_one=("only the best expert: k of them are asked for.", edit("topk(k,", "topk(1,")),
    softmax_twice=("the softmax is taken twice: the second makes the weights too even.",
        edit(CHOSEN, "logits.softmax(-1).topk(k, dim=-1)"), edit(WEIGHTED, "best.softmax(dim=-1).softmax(dim=-1)")),
    logarithm=("these are logarithms: softmax, not log_softmax.", edit("best.softmax", "best.log_softmax")),
    by_hand=("exp of a large logit overflows: subtract the largest first, or take torch's softmax.",
        edit(WEIGHTED, "best.exp() / best.exp().sum(-1, keepdim=True)")),
    detached=("no gradient reaches the logits: the router learns through the weights.",
        edit(WEIGHTED, "best.detach().softmax(dim=-1)")),
    floats=("the experts should be whole numbers (int64), they are indices.",
        edit("return experts,", "return experts.float(),")),
)
# fmt: on


# --------------------------------------------------------------------------------------------------------- dispatch


def _experts(n, d_model, rng):
    """Functions that treat tokens apart, all different."""
    matrices = normal(n, d_model, d_model, rng=rng)
    return [lambda x, matrix=matrix: torch.tanh(x @ matrix) + 0.5 for matrix in matrices]


@dispatch.probe("two tokens, an expert that doubles and one that triples")
def _(answer, rng):
    x, chosen = torch.tensor([[1.0], [10.0]]), torch.tensor([[1], [0]])
    return answer(x, chosen, torch.ones(2, 1), [lambda x: 2 * x, lambda x: 3 * x])


@dispatch.probe("one token, 3 of 4 experts")
def _(answer, rng):
    weights = normal(1, 3, rng=rng).softmax(-1)
    return answer(normal(1, 5, rng=rng), choices(1, 3, 4, rng), weights, _experts(4, 5, rng))


@dispatch.probe("300 tokens, experts in an nn.ModuleList, of which two are chosen by nobody")
def _(answer, rng):
    modules = nn.ModuleList(nn.Linear(5, 5) for _ in range(7))
    with torch.no_grad():
        for parameter in modules.parameters():
            parameter.copy_(normal(*parameter.shape, rng=rng))
    weights = normal(300, 2, rng=rng).softmax(-1)
    return answer(normal(300, 5, rng=rng), 1 + choices(300, 2, 5, rng), weights, modules)


@dispatch.probe("assignments of -1, which stand for nobody")
def _(answer, rng):
    chosen = torch.tensor([[2, -1], [-1, -1], [-1, 0], [1, 2]])
    return answer(normal(4, 3, rng=rng), chosen, normal(4, 2, rng=rng).softmax(-1), _experts(3, 3, rng))


@dispatch.probe("64-bit numbers")
def _(answer, rng):
    weights = normal(5, 2, rng=rng).double().softmax(-1)
    experts = [lambda x, n=n: torch.tanh(x * n) for n in range(3)]
    return answer(normal(5, 3, rng=rng).double(), choices(5, 2, 3, rng), weights, experts)


@dispatch.probe("what each expert gets to see")
def _(answer, rng):
    seen = [[] for _ in range(4)]

    def watching(number):
        def expert(x):
            seen[number].append(sorted(x.detach().tolist()))
            return x

        return expert

    chosen = torch.tensor([[0, 2], [2, 0], [0, -1], [0, 3]])
    answer(torch.tensor([[1.0], [2.0], [3.0], [4.0]]), chosen, torch.full((4, 2), 0.5), list(map(watching, range(4))))
    if most := [calls for calls in seen if len(calls) > 1]:
        raise Problem("calls", f"an expert is called {len(most[0])} times: once, with all its tokens together.")
    tokens = [token for calls in seen for token in calls or [[]]]
    return {f"the tokens that expert {number} sees": found for number, found in enumerate(tokens)}


@dispatch.probe("the gradients for x, the weights and an expert's parameter")
def _(answer, rng):
    x, weights, scale = (normal(*shape, rng=rng).requires_grad_() for shape in ((5, 3), (5, 2), (3,)))
    weights.data[0] = 0  # it may grow again
    mixed = answer(x, choices(5, 2, 3, rng), weights, [lambda x: x * scale, torch.sin, lambda x: x.square()])
    return gradients(mixed, x=x, weights=weights, parameter=scale)


WHICH, ANSWERS = "(chosen == number).nonzero(as_tuple=True)", "weights[token, place, None] * expert(x[token])"
ADDED = "mixed.index_add(0, token, answers)"
# fmt: off
dispatch.mistakes(
    no_weights=("the weights are not used: each answer counts as much as its weight says.",
        edit(ANSWERS, "expert(x[token])")),
    first_weight=("every answer gets the weight of the first choice: weights[token, place].",
        edit(ANSWERS, "weights[token, 0, None] * expert(x[token])")),
    weighted_inputs=("what the expert sees is multiplied by the weight: multiply its answer.",
        edit(ANSWERS, "expert(weights[token, place, None] * x[token])")),
    first_choice=("only the first of the k experts is asked.",
        edit(WHICH, "(chosen[:, :1] == number).nonzero(as_tuple=True)")),
    overwritten=("an expert's answer replaces that of the one before: add them up.",
        edit(ADDED, "mixed.index_copy(0, token, answers)")),
    mean=("the answers are divided by k: the weights add up to 1 already.",
        edit("return mixed", "return mixed / chosen.shape[1]")),
    everybody=("an expert sees tokens that did not choose it: x[token], for the tokens that did.",
        edit(ANSWERS, "weights[token, place, None] * expert(x)[token]")),
    one_expert=("every token goes through the same expert.", edit(" * expert(", " * experts[0](")),
    next_expert=("the experts are mixed up: expert number i is experts[i].",
        edit("experts):", "[*experts[1:], experts[0]]):"), edit("enumerate(experts)", "enumerate(reversed(experts))")),
    last_missing=("the last expert is never asked.", edit("enumerate(experts)", "enumerate(list(experts)[:-1])")),
    first_missing=("the first expert, number 0, is never asked.",
        edit("    token, place", "    if not number:\n            continue\n        token, place")),
    nobody_is_the_last=("-1 is taken for the last expert, as in a list: it stands for nobody.",
        edit(WHICH, "(chosen % len(experts) == number).nonzero(as_tuple=True)")),
    shortcut=("x is added to the result: the shortcut belongs to the block, not to this.",
        edit("return mixed", "return x + mixed"), edit("torch.zeros_like(x)", "x")),
    no_batch=("an expert that one token chose gets a vector: (n, d_model) with n = 1 is a matrix.",
        edit("expert(x[token])", "expert(x[token].squeeze(0))")),
    by_position=("the answers stand in the wrong rows: token i's answer belongs to row i.",
        edit(ADDED, "mixed.index_add(0, torch.arange(len(token)), answers)")),
    passed_on=("an expert sees what the one before it made: all of them see x.",
        edit("expert(x[token])", "expert(x[token] + mixed[token])")),
    detached_weights=("no gradient reaches the weights: the router learns through them.",
        edit("weights[token", "weights.detach()[token")),
    detached=("no gradient reaches x and the experts.", edit("return mixed", "return mixed.detach()")),
)
# fmt: on


@dispatch.mistake("an expert is called more often than once: give it all its tokens together.")
def token_by_token(x, chosen, weights, experts):
    rows = []
    for token, row, shares in zip(x, chosen, weights, strict=True):
        parts = [share * experts[i](token[None])[0] for i, share in zip(row, shares, strict=True) if i >= 0]
        rows.append(sum(parts, torch.zeros_like(token)))
    return torch.stack(rows)


# ---------------------------------------------------------------------------------------------- load_balancing_loss


@load_balancing_loss.probe("4 tokens that think all 3 experts equally good, chosen 0, 1, 2 and 0")
def _(answer, rng):
    return answer(torch.zeros(4, 3), torch.tensor([[0], [1], [2], [0]]))


@load_balancing_loss.probe("5 tokens that all are sure of the last of 3 experts")
def _(answer, rng):
    logits = torch.zeros(5, 3).index_fill(1, torch.tensor([2]), 50.0)
    return answer(logits, torch.full((5, 1), 2))


@load_balancing_loss.probe("7 tokens, 5 experts, 2 for each")
def _(answer, rng):
    logits = 2 * normal(7, 5, rng=rng)
    return answer(logits, logits.topk(2).indices)


@load_balancing_loss.probe("one token, 2 of 3 experts, not those of its largest logits")
def _(answer, rng):
    return answer(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[0, 2]]))


@load_balancing_loss.probe("700 tokens, 11 experts of which only the first three are chosen, logits near 1,000")
def _(answer, rng):
    return answer(1000 + normal(700, 11, rng=rng), choices(700, 2, 3, rng))


@load_balancing_loss.probe("the gradients for the logits")
def _(answer, rng):
    logits = normal(7, 5, rng=rng).requires_grad_()
    return gradients(answer(logits, choices(7, 2, 5, rng)), logits=logits)


SHARE, CHANCE, COUNTED = (
    "counts / chosen.numel()",
    "logits.softmax(dim=-1).mean(dim=0)",
    "torch.bincount(chosen.flatten(), minlength=n_experts)",
)
# fmt: off
load_balancing_loss.mistakes(
    not_times_n=("the factor n_experts is missing: an even router would get 1 / n_experts, not 1.",
        edit("return n_experts * ", "return ")),
    times_tokens=("the factor is the number of experts, not of tokens.",
        edit("return n_experts * ", "return len(logits) * ")),
    times_k=("the factor is the number of all experts, not k.",
        edit("return n_experts * ", "return chosen.shape[1] * ")),
    by_token=("f is a share of the assignments, k for each token: divide by chosen.numel().",
        edit(SHARE, "counts / len(chosen)")),
    counts_only=("f is a share: divide the counts by the number of assignments.", edit(SHARE, "counts")),
    first_choices=("only first choices are counted; count all k assignments of a token.",
        edit(SHARE, "torch.bincount(chosen[:, 0], minlength=n_experts) / len(chosen)")),
    without_counts=("the shares that were assigned are not counted: f comes from `chosen`, only P from the logits.",
        edit("(share * probability)", "(probability * probability)")),
    without_chances=("the probabilities are not used: counts have no gradient, so nothing could be learned.",
        edit("(share * probability)", "(share * share)")),
    by_logits=("`chosen` is not looked at: f counts what was chosen, not the largest logits.",
        edit("torch.bincount(chosen.flatten(),",
             "torch.bincount(logits.topk(chosen.shape[1]).indices.flatten(),")),
    over_tokens=("the softmax runs over the tokens: over the experts, dim=-1.",
        edit("softmax(dim=-1)", "softmax(dim=0)")),
    raw_logits=("P is the mean of probabilities: softmax first.", edit(CHANCE, "logits.mean(dim=0)")),
    softmax_of_the_mean=("the softmax of the mean logits: take the softmax of each token, then the mean.",
        edit(CHANCE, "logits.mean(dim=0).softmax(dim=-1)")),
    logarithm=("the logarithm of P: f times P itself is summed.", edit("softmax(dim=-1)", "log_softmax(dim=-1)")),
    summed=("P is the mean over the tokens, not the sum.", edit(".mean(dim=0)", ".sum(dim=0)")),
    largest=("the largest share alone: sum over all experts.",
        edit("(share * probability).sum()", "(share * probability).max()")),
    negative=("the sign: uneven routers get more, even ones 1.", edit("return n_experts", "return -n_experts")),
    minus_one=("1 is taken off: an even router gets 1.", edit(".sum()", ".sum() - 1")),
    too_few=("an expert that nobody chose is missing in f: bincount(..., minlength=n_experts).",
        edit("chosen.flatten(), minlength=n_experts", "chosen.flatten()")),
    among_the_chosen=("P is a softmax over all experts, whether chosen or not.",
        edit(CHANCE, "torch.zeros_like(logits).scatter(-1, chosen, "
             "logits.gather(-1, chosen).softmax(-1)).mean(dim=0)")),
    detached=("no gradient reaches the logits: it flows through P.", edit("logits.softmax", "logits.detach().softmax")),
    one_number_each=("a number for each expert: sum over them.",
        edit("(share * probability).sum()", "(share * probability)")),
)
# fmt: on


# --------------------------------------------------------------------------------------------- keep_within_capacity


@keep_within_capacity.probe("4 tokens, one expert each: 0, 0, 1, 0, and 2 places an expert")
def _(answer, rng):
    return answer(torch.tensor([[0], [0], [1], [0]]), 2, 2)


@keep_within_capacity.probe("3 tokens with first and second choices 0 1, 1 0 and 1 0, and 2 places an expert")
def _(answer, rng):
    return answer(torch.tensor([[0, 1], [1, 0], [1, 0]]), 2, 2)


@keep_within_capacity.probe("11 tokens, 3 of 5 experts each, 4 places an expert")
def _(answer, rng):
    return answer(choices(11, 3, 5, rng), 5, 4)


@keep_within_capacity.probe("a capacity of 0, of 1, and of more than anybody wants")
def _(answer, rng):
    chosen = choices(7, 2, 3, rng)
    return {f"capacity {capacity}": answer(chosen, 3, capacity) for capacity in (0, 1, 100)}


@keep_within_capacity.probe("one token; and one expert")
def _(answer, rng):
    return {
        "one token, 2 of 3 experts": answer(torch.tensor([[2, 0]]), 3, 1),
        "one expert, 5 tokens": answer(torch.zeros(5, 1, dtype=torch.long), 1, 3),
    }


@keep_within_capacity.probe("700 tokens, 2 of 3 experts each, 400 places an expert")
def _(answer, rng):
    return answer(choices(700, 2, 3, rng), 3, 400)


ORDER, BACK = "chosen.T.flatten()", ".view(chosen.T.shape).T"
# fmt: off
keep_within_capacity.mistakes(
    token_by_token=("a token's second choice comes before the next token's first: all first choices are served first.",
        edit(ORDER, "chosen.flatten()", BACK, ".view(chosen.shape)")),
    strictly=("an expert with c places takes c: the last place is never filled.",
        edit("place <= capacity", "place < capacity")),
    one_too_many=("an expert takes one more than it has places: count the assignment itself.",
        edit("place <= capacity", "place <= capacity + 1")),
    inverted=("True where it is dropped: True means that the expert takes it.",
        edit("place <= capacity", "place > capacity")),
    last_first=("last come, first served: the earlier ones have the places.",
        edit(ORDER, "chosen.T.flatten().flip(0)", BACK, ".flip(0).view(chosen.T.shape).T")),
    later_tokens_first=("among equal choices the tokens are served in their order, the first one first.",
        edit(ORDER, "chosen.flip(0).T.flatten()", BACK, ".view(chosen.T.shape).T.flip(0)")),
    second_choices_first=("second choices are served before first ones.",
        edit(ORDER, "chosen.T.flip(0).flatten()", BACK, ".view(chosen.T.shape).flip(0).T")),
    one_for_all=("the places of all experts are counted together: each has `capacity` of its own.",
        edit("place = taken.gather(1, in_order[:, None])", "place = taken.sum(1)")),
    each_choice_anew=("second choices get places of their own: they get what the first ones have left.",
        edit("    in_order", "    if chosen.shape[1] > 1:\n"
             "        parts = [keep_within_capacity(c[:, None], n_experts, capacity) for c in chosen.T]\n"
             "        return torch.cat(parts, dim=1)\n    in_order")),
    not_turned_back=("the rows are choices: return (token, k).", edit(BACK, ".view(chosen.T.shape)")),
    read_as_tokens=("(k · token) is read as (token, k): view it as (k, token), then transpose.",
        edit(BACK, ".view(chosen.shape)")),
    flat=("a row of all assignments: return (token, k).", edit(BACK, "")),
    whole_tokens=("a token that is refused once is refused by all its experts: each assignment counts by itself.",
        edit(BACK, f"{BACK}.all(1, keepdim=True).expand(chosen.shape)")),
    rescued=("a token that one of its experts takes is taken by all: each assignment counts by itself.",
        edit(BACK, f"{BACK}.any(1, keepdim=True).expand(chosen.shape)")),
    first_choices_only=("second choices are never refused.",
        edit(BACK, f"{BACK} | (torch.arange(chosen.shape[1]) > 0)")),
    at_least_one=("a capacity of 0 means no place at all.", edit("place <= capacity", "place <= max(1, capacity)")),
    whole_numbers=("these are numbers: return bool, True and False.", edit(BACK, f"{BACK}.long()")),
    keeps_everything=("nothing is refused: an expert takes `capacity` assignments and no more.",
        edit("place <= capacity", "place > 0")),
    places=("these are the places in the queue: compare them with the capacity.",
        edit("(place <= capacity)", "place")),
)
# fmt: on


# ------------------------------------------------------------------------------------------------ active_parameters


@active_parameters.probe("vocab 101, d_model 12, 3 blocks, 6 heads, 2 of keys, d_ff 17, 5 experts, k = 2", varied=False)
def _(answer, rng):
    return plain(answer(101, 12, 3, 6, 2, 17, 5, 2), int)


@active_parameters.probe("Mixtral with all 8 experts, with 1, and with n_experts = 0, which is Mistral", varied=False)
def _(answer, rng):
    return [plain(answer(32_000, 4096, 32, 32, 8, 14_336, *experts), int) for experts in ((8, 8), (1, 1), (0, 1))]


@active_parameters.probe("d_model 98, 49 heads, 1 of keys", varied=False)
def _(answer, rng):
    return plain(answer(101, 98, 3, 49, 1, 17, 5, 2), int)


ATTENTION = "2 * d_model * n_heads * d_head + 2 * d_model * n_kv_heads * d_head"
# fmt: off
active_parameters.mistakes(
    all_experts=("all experts are counted here; one token meets k of them.", edit("k * expert", "n_experts * expert")),
    one_expert=("one expert is counted: a token meets k.", edit("k * expert", "expert")),
    always_two=("two experts are counted, whatever k is.", edit("k * expert", "2 * expert")),
    no_router=("the router is missing: a matrix of d_model × n_experts in each block.",
        edit(" + d_model * n_experts", ""), edit("d_model * n_experts", "d_model * n_experts * (n_experts > 1)")),
    narrow_router=("the router is used whole: it needs all n_experts logits to choose k of them.",
        edit("d_model * n_experts", "d_model * k")),
    router_bias=("the router has no bias.", edit("d_model * n_experts", "(d_model + 1) * n_experts")),
    one_router=("each block has a router of its own.",
        edit(" + d_model * n_experts", "",
             "return n_layers * block", "return d_model * n_experts + n_layers * block")),
    two_matrices=("a SwiGLU has three matrices: gate, widen, narrow.",
        edit("3 * d_model * d_ff", "2 * d_model * d_ff")),
    full_heads=("keys and values have n_kv_heads heads, not n_heads.", edit(ATTENTION, "4 * d_model * d_model")),
    one_kv=("keys and values are two matrices.", edit("+ 2 * d_model * n_kv_heads", "+ d_model * n_kv_heads")),
    no_mixer=("attention has a fourth matrix, which mixes the heads: as large as the queries'.",
        edit("2 * d_model * n_heads * d_head", "d_model * n_heads * d_head")),
    times_k=("the k experts share one attention: only the feed-forward is multiplied by k.",
        edit("attention + k * expert", "k * (attention + expert)")),
    one_norm=("a block has two norms, of d_model numbers each.", edit("+ 2 * d_model\n", "+ d_model\n")),
    layer_norms=("an RMSNorm has a scale and no shift: d_model numbers.",
        edit("+ 2 * d_model\n", "+ 4 * d_model\n", "block + d_model", "block + 2 * d_model")),
    no_norms=("the norms of the blocks are missing.", edit(" + 2 * d_model\n", "\n")),
    no_last_norm=("the model has one norm more, after the last block.", edit("+ d_model + 2", "+ 2")),
    tied=("the table for words out is one of its own: two tables.", edit("2 * vocab * d_model", "vocab * d_model")),
    no_tables=("the tables for words in and out are missing.", edit(" + 2 * vocab * d_model", "")),
    one_block=("one block is counted: there are n_layers.", edit("n_layers * block", "block")),
    a_float=("an int is asked for, the number itself: no float, and not in billions.",
        edit("return n_layers", "return 1.0 * n_layers")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------- mutual_information


@mutual_information.probe("each of 4 domains to an expert of its own, 9 tokens each: 2 bits")
def _(answer, rng):
    return plain(answer(9 * torch.eye(4)))


@mutual_information.probe("experts that share every domain alike: 0 bits")
def _(answer, rng):
    return round(plain(answer(torch.tensor([[2.0, 4.0, 6.0], [1.0, 2.0, 3.0]]))), 6) + 0.0


@mutual_information.probe("an expert that nobody chose, and a domain without a token")
def _(answer, rng):
    return plain(answer(torch.tensor([[4.0, 0.0, 1.0], [0.0, 0.0, 0.0], [2.0, 0.0, 6.0]])))


@mutual_information.probe("counts of 3 domains and 5 experts up to a million, as whole numbers, some of them 0")
def _(answer, rng):
    counts = (100_000 * torch.rand(3, 5, generator=rng) * torch.tensor([[1], [3], [9]])).long() + 1
    counts[0, 2] = counts[1, 4] = counts[2, 0] = 0
    return plain(answer(counts))


@mutual_information.probe("one 0 among the counts of 2 domains and 3 experts, and of 3 domains and 2 experts")
def _(answer, rng):
    counts = torch.tensor([[5, 0, 1], [2, 4, 3]])
    return {"2 and 3": plain(answer(counts)), "3 and 2": plain(answer(counts.T))}


JOINT, INSIDE = "counts.double() / counts.sum()", "(joint[seen] * (joint[seen] / apart[seen]).log2()).sum().item()"
# fmt: off
mutual_information.mistakes(
    nats=("in nats: bits are asked for, log2.", edit("log2()", "log()")),
    log10=("log10: a bit is log2.", edit("log2()", "log10()")),
    negative=("the sign is wrong: it is never below 0. Is the ratio upside down?", edit("return (", "return -(")),
    not_weighted=("each logarithm counts p(d, e) times: multiply by it.", edit("joint[seen] * (joint", "(joint")),
    wrong_weight=("each logarithm counts p(d, e) times, not p(d) p(e) times.",
        edit("(joint[seen] *", "(apart[seen] *")),
    counts=("counts are no probabilities: divide by their sum first.", edit(JOINT, "counts.double()")),
    rows=("each row is divided by its own sum: p(d, e) divides by the sum of all.",
        edit(JOINT, "(counts / counts.sum(1, keepdim=True)).nan_to_num().double()")),
    columns=("each column is divided by its own sum: p(d, e) divides by the sum of all.",
        edit(JOINT, "(counts / counts.sum(0, keepdim=True)).nan_to_num().double()")),
    joint_entropy=("this is the joint entropy: compare p(d, e) with p(d) p(e).",
        edit(INSIDE, "-(joint[seen] * joint[seen].log2()).sum().item()")),
    domains_only=("this compares with p(d) alone: independent means p(d) p(e).",
        edit(" * joint.sum(dim=0, keepdim=True)", ".expand(counts.shape)")),
    experts_only=("this compares with p(e) alone: independent means p(d) p(e).",
        edit("joint.sum(dim=1, keepdim=True) * joint.sum(dim=0, keepdim=True)",
             "joint.sum(dim=0, keepdim=True).expand(counts.shape)")),
    entropy_of_experts=("this is how evenly the experts are used (their entropy), whatever the domain.",
        edit(INSIDE, "torch.special.entr(joint.sum(0)).sum().item() / math.log(2)")),
    domains_made_equal=("each domain counts alike; divide by the sum of all counts, so that large domains count more.",
        edit("counts.double() / counts.sum()", "counts.double() / counts.sum(1, True).clamp(min=1)"
             " / (counts.sum(1) > 0).sum()")),
    even_domains=("p(d) is taken as equal for all domains: it is the sum of the domain's row.",
        edit("joint.sum(dim=1, keepdim=True)", "torch.full((len(counts), 1), 1 / len(counts), dtype=joint.dtype)")),
    even_experts=("p(e) is taken as equal for all experts: it is the sum of the expert's column.",
        edit("joint.sum(dim=0, keepdim=True)",
             "torch.full((1, counts.shape[1]), 1 / counts.shape[1], dtype=joint.dtype)")),
    nan=("0 · log 0 is NaN in PyTorch: a place that is 0 adds nothing, leave it out.",
        edit("joint > 0", "joint > -1")),
    whole_rows=("a place that is 0 adds nothing, but the rest of its row and of its column counts.",
        edit("joint > 0", "(joint > 0) & (joint > 0).all(1, keepdim=True)"),
        edit("joint > 0", "(joint > 0) & (joint > 0).all(0, keepdim=True)"),
        edit("joint > 0", "(joint > 0) & ((joint > 0).all(1, keepdim=True) | ~(joint > 0).all(1).any())")),
    mean=("this is the mean over the places; the sum is asked for.", edit(".sum().item()", ".mean().item()")),
    a_share=("divided by its largest value: bits are asked for.",
        edit(".sum().item()", ".sum().item() / math.log2(min(counts.shape))")),
    absolute=("terms may be negative: the logarithm of a ratio below 1 is.", edit(".log2())", ".log2()).abs()")),
    a_tensor=("a float is asked for: `.item()`.", edit(".sum().item()", ".sum()")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- questions

even_and_uneven = Question(
    "even_and_uneven",
    lambda: [
        experts.load_balancing_loss(torch.zeros(16, 8), torch.arange(16)[:, None] % 8).item(),
        experts.load_balancing_loss(
            torch.zeros(16, 8).index_fill(1, torch.tensor([0]), 200.0), torch.zeros(16, 1, dtype=torch.long)
        ).item(),
    ],
    "8 · 8 · (1/8 · 1/8) = 1 when all shares and probabilities are 1/8, and 8 · (1 · 1) = 8 when one expert has both.",
    "Put f and P into n_experts · Σ f · P: eight times 1/8 in the first case, once 1 in the second.",
    within=1e-3,
)
places_needed = Question(
    "places_needed",
    lambda: [experts.expert_capacity(1_000, 2, 8, 1.25), 8 * experts.expert_capacity(1_000, 2, 8, 1.25) - 2_000],
    "1.25 · 1,000 · 2 / 8 = 312.5, so 313 places an expert: 2,504 for 2,000 assignments, 504 of them empty at best.",
    "A thousand tokens make k assignments each; an even share of these, times the factor, rounded up, is one expert's.",
    hints=(
        ([157, 256], "That is for one assignment a token: with k = 2 there are 2,000 of them."),
        ([312, 496], "Half a place is no place: round up, so that the even share times the factor fits."),
    ),
)
experts_read = Question(
    "experts_read",
    lambda: [2, 8 * (1 - 0.75**16)],
    "An expert is missed by one token with probability 6/8 and by 16 tokens with 0.75¹⁶ = 0.01. So nearly all 8 are "
    "read: what is idle for one token is idle for a batch no more, and what the batch saves is multiplications.",
    "How likely is it that one given expert is chosen by none of the tokens? Each token leaves out 6 of 8.",
    hints=(
        ([2, 8], "Near: on average it is a little under 8, for now and then nobody picks some expert. Compute it."),
    ),
    within=0.005,
)
