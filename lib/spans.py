"""Spans: runs of tokens, hidden so that T5 learns to fill them in, or found in a text as the answer to a question.

    random_pieces     a number as a sum of so many positive ones, every way equally likely
    random_spans      which runs of a text to hide: 15% of it, three tokens each on average
    corrupt_spans     the text with a sentinel in place of each run, and the runs, each after its sentinel
    restore_spans     the text again: each sentinel gives way to the run that follows it in the targets
    SpanScores        how well each token fits as the first and as the last one of an answer
    span_loss         how much the right first and last tokens surprise
    best_spans        the best answer that is one: in order, not too long, inside the text, or none at all
    token_span        the tokens that hold the characters of an answer

Spans to hide are (start, end), the end not included. Of an answer the first and the last token are named. Span
corruption: Raffel et al. 2020, section 3.1.4; answers: Devlin et al. 2018, sections 4.2 and 4.3.
"""

import math
import random
from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy


def random_pieces(total: int, pieces: int, rng: random.Random) -> list[int]:
    """So many whole numbers, 1 or more each, whose sum is total; every such list is equally likely.

    Raises ValueError when pieces is below 1 or above total.
    """
    if not 1 <= pieces <= total:
        raise ValueError(f"{total} does not split into {pieces} pieces of 1 or more")
    cuts = sorted(rng.sample(range(1, total), pieces - 1))
    return [end - start for start, end in zip([0, *cuts], [*cuts, total], strict=True)]


def random_spans(length: int, rng: random.Random, share: float = 0.15, mean: float = 3.0) -> list[tuple[int, int]]:
    """Runs of tokens to hide: (start, end) in order, the end not included, with a token between neighbours at least.

    length: of the text, 2 or more tokens    share: of them to hide    mean: tokens in a run, on average

    round(length · share) tokens are hidden, at least one and not all, in round(hidden / mean) runs, at least one, and
    so few that they fit; every choice of such runs is equally likely. Raises ValueError when length is below 2.
    """
    if length < 2:
        raise ValueError(f"of {length} tokens, not some can be hidden and some be seen")
    hidden = min(max(round(length * share), 1), length - 1)
    n_spans = min(max(round(hidden / mean), 1), hidden, length - hidden + 1)
    runs = random_pieces(hidden, n_spans, rng)
    gaps = random_pieces(length - hidden + 2, n_spans + 1, rng)  # before each run, and after the last
    spans, at = [], -1  # subtle: the outer gaps may be empty, so they are drawn one too large
    for gap, run in zip(gaps, runs, strict=False):
        spans.append((at + gap, at + gap + run))
        at += gap + run
    return spans


def corrupt_spans(
    ids: Sequence[int], spans: Sequence[tuple[int, int]], sentinels: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Hide spans: of "thank you for inviting me" the model reads "thank you <X> me".

    ids: a text, without sentinels    spans: (start, end), a token long at least, in order, apart    sentinels: <X>,
    <Y>, <Z> ..., as ids

    Returns inputs and targets: in the inputs each span has given way to the next sentinel; the targets are each
    sentinel with the tokens of its span, and one sentinel more, which says that nothing follows. Raises ValueError
    when there are not more sentinels than spans.
    """
    if len(sentinels) <= len(spans):
        raise ValueError(f"{len(spans)} spans need {len(spans) + 1} sentinels, there are {len(sentinels)}")
    inputs, targets, at = [], [], 0
    for (start, end), sentinel in zip(spans, sentinels, strict=False):
        inputs += [*ids[at:start], sentinel]
        targets += [sentinel, *ids[start:end]]
        at = end
    return [*inputs, *ids[at:]], [*targets, sentinels[len(spans)]]


def restore_spans(inputs: Sequence[int], targets: Sequence[int], sentinels: Collection[int]) -> list[int]:
    """The text that `corrupt_spans` was given. The targets may also be a model's.

    No sentinel stands twice in `inputs`. Each is replaced by the tokens that follow the same sentinel in `targets`, up
    to the next sentinel. A sentinel missing from `targets` is replaced by nothing. If it occurs several times in
    `targets`, all its pieces are joined in order. Tokens before the first sentinel of `targets` are ignored, and so is
    a sentinel of `targets` that `inputs` lack.
    """
    runs: dict[int, list[int]] = {sentinel: [] for sentinel in sentinels}
    run: list[int] = []
    for token in targets:
        run = runs.get(token, run)
        if token not in runs:
            run.append(token)
    return [token for place in inputs for token in runs.get(place, [place])]


class SpanScores(nn.Module):
    """Two numbers a token out of its vector: how well an answer begins there, and how well it ends there."""

    def __init__(self, d_model: int):
        super().__init__()
        self.to_scores = nn.Linear(d_model, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (..., position, d_model). Returns the scores of starts and of ends, (..., position) each."""
        return self.to_scores(x).unbind(-1)


def span_loss(start_scores: Tensor, end_scores: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """The mean of -ln p(right first token) and -ln p(right last token), each a choice among all positions of a text.

    start_scores, end_scores: (batch, position), -inf where no choice is    first, last: (batch,), int64

    Returns a 0-d tensor, in nats. Gradients reach the scores.
    """
    return (cross_entropy(start_scores, first) + cross_entropy(end_scores, last)) / 2


def best_spans(
    start_scores: Tensor, end_scores: Tensor, context: Tensor, longest: int, margin: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The first and last token of the best answer: the highest sum of both scores.

    start_scores, end_scores: (..., position)
    context: (..., position), bool, True on the tokens of the text that answers, which stand side by side; never on
    position 0, which stands for "there is no answer"
    longest: no answer has more tokens
    margin: no answer if start_scores[0] + end_scores[0] - (the best answer's sum) > margin; math.inf turns this off

    Returns first and last, (...) each, int64: both in the context, first <= last < first + longest. Or 0 and 0, for no
    answer and where the context is empty; any of the best where there are several. Raises ValueError when longest is
    below 1.
    """
    if longest < 1:
        raise ValueError(f"longest={longest}: an answer has a token at least")
    position = start_scores.shape[-1]
    near = torch.ones(position, position, dtype=torch.bool, device=context.device).triu().tril(longest - 1)
    allowed = near & context[..., :, None] & context[..., None, :]  # (..., first, last)
    scores = start_scores[..., :, None] + end_scores[..., None, :]
    best, place = scores.masked_fill(~allowed, -math.inf).flatten(-2).max(-1)
    nothing = (best == -math.inf) | (start_scores[..., 0] + end_scores[..., 0] - best > margin)
    place = place.masked_fill(nothing, 0)
    return place // position, place % position


def token_span(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """The first and the last token that hold some of the characters start to end.

    offsets: (start, end) of each token in the text, the end not included, as that of the answer; (0, 0) for tokens that
    stand for nothing in it, of which token 0 is one
    start, end: of an answer of a character at least, with no space at its ends

    Both are 0 if no token holds any, or if a piece of the answer was cut off: the first of these tokens begins after
    `start`, or the last ends before `end`. Spaces inside the answer belong to no token; that is fine.
    """
    inside = [i for i, (begin, stop) in enumerate(offsets) if begin < stop and begin < end and start < stop]
    if not inside or offsets[inside[0]][0] > start or offsets[inside[-1]][1] < end:
        return 0, 0
    return inside[0], inside[-1]
