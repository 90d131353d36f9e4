"""Speculative decoding: a small model guesses some tokens, a large one checks them all in one pass (Leviathan 2023).

    residual               where p exceeds q: what is drawn from after a refusal               notebook 15
    accept                 which guesses stay, and one token of the large model's own          notebook 15
    speculative_step       guess, check once, accept: 1 to k + 1 tokens                        notebook 15
    speculative_generate   step after step, up to a limit or a stop token
    acceptance_rate        how often a guess stays                                             notebook 15
    expected_tokens, expected_speedup    what a step brings at that rate, and what it costs    notebook 15
    RollbackModel          takes back what it has read where a text goes on otherwise          notebook 15
    NGramModel             a table of what came after the last few tokens                      notebook 15

The texts are those of the large model alone: with probabilities, in distribution; greedily, token for token. The
paper's p is the large model's distribution, its q the small one's, its gamma our k, its alpha our rate.

A model is here a function (ids, last) -> the probabilities of what comes after each of the `last` latest tokens,
(last, vocab). Probabilities that are 1 for the likeliest token and 0 for the others make everything greedy.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import takewhile

import torch
from torch import Tensor, nn
from torch.nn import functional

from lib.cache import KeyValueCache, cached_block, prefill_mask
from lib.decoding.generate import reader_of
from lib.gpt import GPT

Probabilities = Callable[[list[int], int], Tensor]
OfLogits = Callable[[Tensor], Tensor]
softmax = partial(torch.softmax, dim=-1)


def residual(p: Tensor, q: Tensor) -> Tensor:
    """What p has and q has not: the positive part of p - q, made to sum to 1.

    p, q: probabilities (..., vocab)    Returns (..., vocab); where p and q are equal, the numbers of p.
    """
    rest = (p - q).clamp(min=0)
    total = rest.sum(-1, keepdim=True)
    return torch.where(total > 0, rest / total, p)


def accept(p: Tensor, q: Tensor, guesses: Sequence[int], generator: torch.Generator) -> list[int]:
    """Keep guesses drawn from q so that the result is drawn from p (Leviathan et al. 2023, algorithm 1).

    p: (k + 1, vocab), the large model's probabilities before each guess and after the last    q: (k, vocab), the small
    model's; with k = 0 it may be []    guesses: k ids

    Guess i stays with probability min(1, p / q), both of this very token. The first that does not is replaced by a
    token drawn from the residual, and all after it are dropped. If all stay, one more is drawn from p's last row.
    Returns a list of 1 to k + 1 ints.
    """
    for i, guess in enumerate(guesses):
        if torch.rand((), generator=generator) * q[i, guess] >= p[i, guess]:
            other = torch.multinomial(residual(p[i], q[i]), 1, generator=generator)
            return [*guesses[:i], int(other)]
    more = torch.multinomial(p[-1], 1, generator=generator)
    return [*guesses, int(more)]


def speculative_step(
    target: Probabilities, draft: Probabilities, ids: Sequence[int], k: int, generator: torch.Generator
) -> list[int]:
    """1 to k + 1 new tokens for one pass of the large model.

    target, draft: (ids, last) -> probabilities (last, vocab) of what comes after each of the last tokens of ids
    ids: the text so far, at least one id    k: draw so many guesses one by one from the draft, 0 or more

    The target is asked once, for its probabilities at all k + 1 places.
    """
    text, q = list(ids), []
    for _ in range(k):
        q.append(draft(text, 1)[0])
        text.append(int(torch.multinomial(q[-1], 1, generator=generator)))
    p = target(text, k + 1)
    return accept(p, q and torch.stack(q), text[len(ids) :], generator)


def speculative_generate(
    target: Probabilities,
    draft: Probabilities,
    ids: Sequence[int],
    limit: int,
    k: int,
    generator: torch.Generator,
    stop: int | None = None,
) -> Iterator[list[int]]:
    """Write after `ids`, and yield what each step brings, until `limit` tokens are written or the token `stop` is."""
    text, end = list(ids), len(ids) + limit
    while len(text) < end:
        new = speculative_step(target, draft, text, min(k, end - len(text) - 1), generator)
        if stop in new:
            yield new[: new.index(stop) + 1]
            return
        text += new
        yield new


# ----------------------------------------------------------------------------------------------- what it brings


def acceptance_rate(p: Tensor, q: Tensor) -> Tensor:
    """How often a guess drawn from q stays: p, q (..., vocab) to (...), from 0 to 1. The paper's alpha."""
    return torch.minimum(p, q).sum(-1)


def expected_tokens(rate: float, k: int) -> float:
    """The mean number of tokens of a step with k guesses, each of which stays at this rate: 1 + rate + ... + rate^k."""
    return sum(rate**i for i in range(k + 1))


def expected_speedup(rate: float, k: int, cost: float, check: float = 1.0) -> float:
    """How many times faster than one token a pass (Leviathan et al. 2023, theorem 3.8).

    cost: of one guess, in passes of the large model over a single token    check: of its pass over k + 1 tokens; 1 in
    the paper, for a processor that waits for the weights
    """
    return expected_tokens(rate, k) / (check + k * cost)


# ------------------------------------------------------------------------------------------------------ models


def read_all(model: nn.Module, ids: Tensor, caches: Sequence[KeyValueCache]) -> Tensor:
    """As `lib.decoding.generate.read_on`, but logits at every new position: ids (batch, new) to (batch, new, vocab)."""
    if not isinstance(model, GPT):
        return model(ids, caches)
    new, before = ids.shape[1], caches[0].length
    x, mask = model.embed(ids, before), None if new == 1 else prefill_mask(new, before)
    for block, cache in zip(model.blocks, caches, strict=True):
        x = cached_block(block, x, cache, mask)
    return model.logits(x)


def greedy_probabilities(logits: Tensor) -> Tensor:
    """1 for the likeliest token, 0 for all others: (..., vocab) to (..., vocab)."""
    return functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()


class RollbackModel:
    """A GPT or Llama with a cache that takes back what it has read where a text goes on otherwise.

    Called with (ids, last) it returns probabilities (last, vocab) after each of the last tokens; `last` at most the
    number of ids. It reads only what its caches do not hold.

    probabilities: makes them of logits (last, vocab); a temperature or top-p may come in here
    """

    def __init__(self, model: nn.Module, probabilities: OfLogits = softmax):
        self.model, self.probabilities = model, probabilities
        self.caches = reader_of(model).fresh_caches(1)
        self.read: list[int] = []  # what the caches hold
        self.passes = 0

    @torch.inference_mode()
    def __call__(self, ids: Sequence[int], last: int) -> Tensor:
        pairs = zip(self.read, ids[: len(ids) - last], strict=False)
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        for cache in self.caches:
            cache.length = kept  # roll back: what lies behind is overwritten
        logits = read_all(self.model, torch.tensor([ids[kept:]]), self.caches)[0, -last:]
        self.read, self.passes = list(ids), self.passes + 1
        return self.probabilities(logits)


class NGramModel:
    """Guesses by counts: what came after these `order` tokens, or fewer of them, in a text? It takes hardly any time.

    Called with (ids, last) it returns probabilities (last, vocab): the shares among what followed the longest end of
    the text that was counted; a token that never did gets 0, and all get the same after a token that was never seen.
    """

    def __init__(self, ids: Sequence[int], vocab: int, order: int = 3, probabilities: OfLogits = softmax):
        self.vocab, self.order, self.probabilities = vocab, order, probabilities
        self.counts: dict[tuple[int, ...], Counter] = defaultdict(Counter)
        for n in range(1, order + 1):
            for i in range(len(ids) - n):
                self.counts[tuple(ids[i : i + n])][ids[i + n]] += 1

    def __call__(self, ids: Sequence[int], last: int) -> Tensor:
        places = range(len(ids) - last + 1, len(ids) + 1)
        return self.probabilities(torch.stack([self._counted(ids[:place]) for place in places]).log())

    def _counted(self, ids: Sequence[int]) -> Tensor:
        ends = (tuple(ids[-n:]) for n in range(self.order, 0, -1))
        found = next((self.counts[end] for end in ends if end in self.counts), None)
        if found is None:
            return torch.ones(self.vocab)
        return torch.zeros(self.vocab).scatter(0, torch.tensor(list(found)), torch.tensor(list(found.values())).float())
