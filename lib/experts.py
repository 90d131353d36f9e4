"""Experts: several feed-forward parts of which each token uses a few, so more parameters for the same work a token.

    route                  the k experts that suit each token best, and how much each of them counts   notebook 15
    dispatch               each token through its own experts, their answers added up                  notebook 15
    load_balancing_loss    how unevenly a router sends its tokens, 1 when it is even                   notebook 15
    expert_capacity        how many assignments an expert takes when none may be overrun               notebook 15
    keep_within_capacity   which assignments it takes: first come, first served                        notebook 15
    MixtureOfExperts       router and experts, in the place of a feed-forward                          notebook 15
    balancing_loss         the loss of all such layers of a model, as its last call routed
    active_parameters      how many parameters of a Mixtral one token meets                            notebook 15
    mutual_information     how much an expert tells about the kind of text, in bits                    notebook 15

Shapes are written (token, d_model): experts look at one token at a time, so batch and position are one axis here. An
*assignment* is a token with one of its k experts.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from lib.layers import SwiGLU


def route(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k experts of the largest logits, and their weights (Jiang et al. 2024, section 2.1).

    logits: (..., expert), the router's    k: from 1 to the number of experts

    Returns the experts (..., k), int64, the best first, and the weights (..., k): a softmax over the k chosen logits
    alone, so they add up to 1. Gradients reach the chosen logits through the weights.
    """
    best, experts = logits.topk(k, dim=-1)
    return experts, best.softmax(dim=-1)


def dispatch(x: Tensor, chosen: Tensor, weights: Tensor, experts: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
    """Each token through its experts: the sum of their answers, each times its weight. A loop over experts, not tokens.

    x: (token, d_model)    chosen: (token, k), indices of experts, none twice in a row; -1 stands for nobody, and adds
    nothing: a token with nobody gets 0    weights: (token, k)
    experts: functions of x, (n, d_model) to (n, d_model); each is called once at most, with no row or not at all where
    nobody chose it

    Returns (token, d_model). An expert sees the tokens that chose it and no others. Gradients reach x, the weights and
    the experts' parameters.
    """
    mixed = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        token, place = (chosen == number).nonzero(as_tuple=True)
        answers = weights[token, place, None] * expert(x[token])
        mixed = mixed.index_add(0, token, answers)
    return mixed


def load_balancing_loss(logits: Tensor, chosen: Tensor) -> Tensor:
    """n_experts · Σ f·P: 1 when all experts get equal shares (Fedus et al. 2021).

    With k = 1 it is n_experts when one gets everything; with more choices no expert can.

    logits: (token, expert), the router's    chosen: (token, k), the experts that were chosen
    f: the share of the assignments that an expert got    P: the mean of its probability, a softmax over all experts

    Returns a 0-d tensor. Gradients reach the logits through P; f is counted and has none.
    """
    n_experts = logits.shape[-1]
    counts = torch.bincount(chosen.flatten(), minlength=n_experts)
    share = counts / chosen.numel()  # (expert)
    probability = logits.softmax(dim=-1).mean(dim=0)  # (expert)
    return n_experts * (share * probability).sum()


def expert_capacity(n_tokens: int, k: int, n_experts: int, factor: float = 1.25) -> int:
    """How many assignments each expert takes: an even share of all, times a factor, rounded up (Fedus et al. 2021)."""
    return math.ceil(factor * n_tokens * k / n_experts)


def keep_within_capacity(chosen: Tensor, n_experts: int, capacity: int) -> Tensor:
    """Which assignments an expert with `capacity` places takes (Lepikhin et al. 2020, algorithm 1).

    chosen: (token, k), each token's experts, the best first, no -1
    capacity: 0 or more, for each expert

    First come, first served: all tokens' first choices before any second choice, and so on; within one choice the
    tokens in their order. Returns bool (token, k), True where the expert has a place left.
    """
    in_order = chosen.T.flatten()  # all first choices, then all second choices, ...
    taken = functional.one_hot(in_order, n_experts).cumsum(dim=0)  # itself included (assignment, expert)
    place = taken.gather(1, in_order[:, None])
    return (place <= capacity).view(chosen.T.shape).T


class MixtureOfExperts(nn.Module):
    """n experts and a router that picks k of them for each token (Shazeer et al. 2017), as in Mixtral.

    It stands where a feed-forward stands: `Llama(..., feed_forward=partial(MixtureOfExperts, n_experts=8, k=2))`.

    d_ff: of each expert    capacity_factor: None, or an expert takes `expert_capacity` assignments of each call
    expert: makes one, of d_model and d_ff

    `logits` (token, expert) and `chosen` (token, k) are kept of the last call, for `load_balancing_loss`.
    Raises ValueError when k is not from 1 to n_experts.
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        n_experts: int,
        k: int,
        capacity_factor: float | None = None,
        expert: Callable[[int, int], nn.Module] = SwiGLU,
    ):
        super().__init__()
        if not 1 <= k <= n_experts:
            raise ValueError(f"k={k}: a token uses at least 1 and at most all n_experts={n_experts}")
        self.k, self.capacity_factor = k, capacity_factor
        self.router = nn.Linear(d_model, n_experts, bias=False)
        self.experts = nn.ModuleList(expert(d_model, d_ff) for _ in range(n_experts))
        self.logits = self.chosen = None

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model) -> the same shape. A token whose experts have no place left gets 0: the shortcut is all."""
        tokens = x.reshape(-1, x.shape[-1])  # (token, d_model)
        self.logits = self.router(tokens)
        self.chosen, weights = route(self.logits, self.k)
        mixed = dispatch(tokens, self._kept(self.chosen), weights, self.experts)
        return mixed.view_as(x)

    def __getstate__(self) -> dict:
        """For copies: without what the last call left, which belongs to its gradients."""
        return self.__dict__ | {"logits": None, "chosen": None}

    def _kept(self, chosen: Tensor) -> Tensor:
        if self.capacity_factor is None:
            return chosen
        n_experts = len(self.experts)
        capacity = expert_capacity(len(chosen), self.k, n_experts, self.capacity_factor)
        return chosen.masked_fill(~keep_within_capacity(chosen, n_experts, capacity), -1)


def mixtures(model: nn.Module) -> list[MixtureOfExperts]:
    """The mixtures of experts in a model, from its first block to its last."""
    return [module for module in model.modules() if isinstance(module, MixtureOfExperts)]


def balancing_loss(model: nn.Module) -> Tensor | float:
    """The mean of `load_balancing_loss` over a model's mixtures, as its last call routed; 0 where it has none."""
    losses = [load_balancing_loss(layer.logits, layer.chosen) for layer in mixtures(model)]
    return sum(losses) / max(1, len(losses))


def active_parameters(
    vocab: int, d_model: int, n_layers: int, n_heads: int, n_kv_heads: int, d_ff: int, n_experts: int, k: int
) -> int:
    """How many parameters of a Llama with experts one token meets. With k = n_experts: all there are. With n_experts =
    0 and k = 1: of a Llama without experts.

    Heads are d_model / n_heads wide; a SwiGLU of d_ff is an expert; there are no biases. A block has two norms and a
    router; the model has one norm more, a table for words in and another for words out, both counted whole.
    """
    d_head = d_model // n_heads
    attention = 2 * d_model * n_heads * d_head + 2 * d_model * n_kv_heads * d_head  # queries, out; keys, values
    expert = 3 * d_model * d_ff
    block = attention + k * expert + d_model * n_experts + 2 * d_model
    return n_layers * block + d_model + 2 * vocab * d_model


def mutual_information(counts: Tensor) -> float:
    """How much the expert tells about the domain of a token, in bits: Σ p(d, e) · log2(p(d, e) / (p(d) p(e))).

    counts: (domain, expert), how many tokens of each domain each expert got, not all 0; a place that is 0 adds nothing,
    and a row or a column may be all 0
    Returns a float: 0, but for rounding, when they have nothing to do with each other, at most log2 of the smaller of
    the two numbers.
    """
    joint = counts.double() / counts.sum()
    apart = joint.sum(dim=1, keepdim=True) * joint.sum(dim=0, keepdim=True)  # if independent (domain, expert)
    seen = joint > 0
    return (joint[seen] * (joint[seen] / apart[seen]).log2()).sum().item()
