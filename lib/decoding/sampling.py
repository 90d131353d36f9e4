"""Choosing the next token: from logits to a choice, in the order in which people apply the steps.

    repetition_penalty   lower what was written already (Keskar et al. 2019)              notebook 12
    apply_temperature    sharpen or flatten                                               notebook 12
    top_k, top_p, min_p  leave out the unlikely tail, by number, by mass, by height       notebook 12
    sample, greedy       draw a token; or take the likeliest
    Sampling             all of them together: what a user may set, checked once
    generate             write, one token after the other, until a limit or a stop sequence
    until                stop sequences in streamed text, which tokens may cut anywhere
    entropy              the surprise that a distribution has in store, in bits           notebook 12
    chi_square           are these counts what those probabilities give? A test for samplers

Logits are (..., vocab); leading dimensions are separate choices. A token that is left out gets the logit -inf, and so
the probability 0; what is left is divided up by the softmax at the end. Nothing here knows a model: `generate` takes a
function that gives the logits, with a cache behind it or without.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


def repetition_penalty(logits: Tensor, ids: Tensor, penalty: float) -> Tensor:
    """Lower the logits of tokens that were written before: the positive are divided, the others multiplied by penalty.

    logits: (..., vocab)    ids: (..., position), what was written; a token counts once, however often it stands there

    Returns (..., vocab). Raises ValueError when penalty is not a number above 0; 1 changes nothing.
    """
    if not 0 < penalty < math.inf:
        raise ValueError(f"penalty={penalty} is not above 0; 1 changes nothing, 1.2 is usual")
    seen = logits.gather(-1, ids)  # (..., position)
    lowered = torch.where(seen > 0, seen / penalty, seen * penalty)  # subtle: dividing -2 would raise it
    return logits.scatter(-1, ids, lowered)


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Divide the logits: below 1 the likely get likelier, above 1 all get more alike.

    Returns the shape and dtype of logits. Raises ValueError when temperature is not a number above 0.
    """
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature={temperature} is not above 0; for the likeliest token every time, take greedy")
    return logits / temperature


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k largest logits of each row, and what equals the smallest of them; -inf for the others (Fan 2018).

    Returns the shape and dtype of logits; a k beyond the vocabulary keeps all. Raises ValueError when k is below 1 or
    not an int, as 5.0 is not.
    """
    if not isinstance(k, int) or k < 1:
        raise ValueError(f"k={k} is not a whole number from 1 on; 1 keeps the likeliest token only")
    least = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < least, -math.inf)


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the likeliest tokens that together reach the probability p; -inf for the others (Holtzman et al. 2020).

    The token that crosses p is kept, and what is as likely as that one. In other words: out goes what has tokens above
    it that already have p together; exactly p is enough, but where rounding decides, either is right. p = 1 changes
    nothing.

    Returns the shape and dtype of logits. Raises ValueError when p is not in (0, 1].
    """
    if not 0 < p <= 1:
        raise ValueError(f"p={p} is not above 0 and at most 1; 1 keeps everything, 0.9 is usual")
    if p == 1:  # a sum of rounded numbers may reach 1 too early
        return logits
    ordered = logits.sort(dim=-1, descending=True).values
    probabilities = ordered.softmax(dim=-1)
    above = probabilities.cumsum(dim=-1) - probabilities  # what the likelier ones have together: 0 for the first
    least = ordered.masked_fill(above >= p, math.inf).amin(dim=-1, keepdim=True)
    return logits.masked_fill(logits < least, -math.inf)


def min_p(logits: Tensor, p: float) -> Tensor:
    """Keep the tokens that have at least p times the probability of the likeliest; -inf for the others (Nguyen 2024).

    Where rounding decides, either is right.

    Returns the shape and dtype of logits. Raises ValueError when p is not in (0, 1].
    """
    if not 0 < p <= 1:
        raise ValueError(f"p={p} is not above 0 and at most 1; 1 keeps the likeliest token only, 0.05 is usual")
    least = logits.amax(dim=-1, keepdim=True) + math.log(p)  # the softmax divides all by one sum: it cancels
    return logits.masked_fill(logits < least, -math.inf)


def sample(logits: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one token a row, each as often as its probability says.

    logits: (..., vocab)

    Returns ids (...), int64. The same state of the generator gives the same ids; which ones, is not promised.
    """
    probabilities = logits.softmax(dim=-1)
    drawn = torch.multinomial(probabilities.reshape(-1, logits.shape[-1]), 1, generator=generator)
    return drawn.reshape(logits.shape[:-1])


def greedy(logits: Tensor) -> Tensor:
    """The likeliest token of each row: logits (..., vocab) -> ids (...)."""
    return logits.argmax(dim=-1)


@dataclass(frozen=True)
class Sampling:
    """What a user may set; None leaves a step out. A value that makes no sense is refused at once (ValueError)."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None

    def __post_init__(self):
        self.adjust(torch.zeros(2), torch.tensor([0]))  # every step checks its own value

    def adjust(self, logits: Tensor, ids: Tensor) -> Tensor:
        """All the steps, in this order: logits (..., vocab), ids written so far (..., position) -> (..., vocab)."""
        if self.repetition_penalty is not None:
            logits = repetition_penalty(logits, ids, self.repetition_penalty)
        logits = apply_temperature(logits, self.temperature)
        if self.top_k is not None:
            logits = top_k(logits, self.top_k)
        if self.top_p is not None:
            logits = top_p(logits, self.top_p)
        if self.min_p is not None:
            logits = min_p(logits, self.min_p)
        return logits

    def picker(self, generator: torch.Generator) -> Callable[[Tensor, Sequence[int]], int]:
        """For `generate`: a function (logits (vocab,), ids written so far) -> the next id."""

        def pick(logits: Tensor, ids: Sequence[int]) -> int:
            logits = logits.to(generator.device)  # one vector: the same dice, wherever the model runs
            so_far = torch.tensor(ids, dtype=torch.long, device=logits.device)
            return sample(self.adjust(logits, so_far), generator).item()

        return pick


def generate(
    next_logits: Callable[[list[int]], Tensor],
    ids: Sequence[int],
    limit: int,
    pick: Callable[[Tensor, list[int]], int],
    stop: Sequence[Sequence[int]] = (),
) -> Iterator[int]:
    """Write up to `limit` tokens after `ids`, which stay as they are, and yield each as soon as it is there.

    next_logits: list of all ids so far -> logits of the next, (vocab,)
    pick: (logits, all ids so far) -> the next id, an int or a 0-d tensor
    stop: sequences of at least one id, lists or tuples; the writing ends after the first that it has written to its end
    """
    ids, written = list(ids), []
    for _ in range(limit):
        new = int(pick(next_logits(ids), ids))
        ids.append(new)
        written.append(new)
        yield new
        if any(written[-len(end) :] == list(end) for end in stop):
            return


def until(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """Pass text on as it comes, up to the first stop sequence, which is left out.

    Tokens cut text anywhere: what may be the beginning of a stop sequence is held back until that is known. Raises
    ValueError on an empty stop sequence.
    """
    if not all(stops):
        raise ValueError("a stop sequence is empty; it would stop before the first letter")
    held = ""
    for piece in pieces:
        held += piece
        if places := [place for stop in stops if (place := held.find(stop)) >= 0]:
            held = held[: min(places)]
            break
        begun = [n for stop in stops for n in range(1, len(stop)) if held.endswith(stop[:n])]
        safe = len(held) - max(begun, default=0)
        if safe:
            yield held[:safe]
            held = held[safe:]
    if held:
        yield held


def entropy(logits: Tensor) -> Tensor:
    """The surprise that is to be expected: the sum of -p log2 p over the tokens, in bits (Shannon 1948).

    logits: (..., vocab); a token that was left out, with the logit -inf, adds 0    Returns (...).
    """
    log_p = logits.log_softmax(dim=-1)
    surprise = -log_p.masked_fill(log_p == -math.inf, 0.0) / math.log(2)  # subtle: 0 times infinity is no number
    return (log_p.exp() * surprise).sum(dim=-1)


def chi_square(counts: Tensor, probabilities: Tensor, least: float = 5.0) -> tuple[float, float]:
    """Pearson's test: how far counts (vocab,) are from what probabilities (vocab,) lead one to expect, and its p-value.

    The p-value is the share of honest samplers that come out at least as far off. Tokens that are expected fewer than
    `least` times are counted together, since the test does not hold for rare events. A token of probability 0 that was
    drawn gives p-value 0.
    """
    counts, probabilities = counts.double(), probabilities.double()
    if counts[probabilities == 0].any():
        return math.inf, 0.0
    expected = probabilities / probabilities.sum() * counts.sum()
    rare = expected < least
    if 0 < expected[rare].sum() < least:  # too few even together: with the least frequent of the others
        rare |= expected == expected[~rare].min()
    cells = torch.cat([expected[~rare], expected[rare].sum()[None]])
    found = torch.cat([counts[~rare], counts[rare].sum()[None]])
    found, cells = found[cells > 0], cells[cells > 0]
    statistic = ((found - cells) ** 2 / cells).sum()
    freedom = max(len(cells) - 1, 1)
    return statistic.item(), torch.special.gammaincc(torch.tensor(freedom / 2).double(), statistic / 2).item()
