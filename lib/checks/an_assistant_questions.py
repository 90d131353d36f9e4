"""Questions of notebook 20: what is learnt, what a margin hides, which groups teach nothing, and what is clipped."""

import itertools
import math

import torch

from lib import chat, preferences, rewards
from lib.checks.core import Question

__all__ = ["clipped_cases", "learnt_tokens", "lost_and_won", "silent_groups"]

_ROUGHLY = 0.03  # two digits by pencil
_CASES = {"A": (1.5, 1.0), "B": (0.5, 1.0), "C": (1.5, -1.0), "D": (0.5, -1.0)}  # ratio, advantage

learnt_tokens = Question(
    "learnt_tokens",
    lambda: _learnt((9, 7, 6, 3)),
    "7 + 1 of the first answer and 3 + 1 of the second: the assistant's words, and the end of each of its turns.",
    "Whose turns are learnt? In each of them, is the role's token learnt? Is the end?",
    (
        (10, "How would the assistant learn to stop?"),
        (14, "One token comes to the words of an answer, not two; and the ends of the user's turns are not learnt."),
        (15, "Those are the user's words."),
        (17, "Those are the user's words, with the ends of the user's turns."),
        (19, "Those are the user's turns."),
        (25, "The user's words are given, not learnt; and a role and an end stand at each turn."),
        (33, "That is the whole row, without what stands before the first turn."),
        (34, "That is the whole row."),
        (8, "That is the first answer; the second is learnt too."),
        (4, "That is the second answer; the first is learnt too."),
    ),
)
lost_and_won = Question(
    "lost_and_won",
    lambda: preferences.dpo_loss(*(torch.tensor([gained]) for gained in (-4.0, -20.0, 0.0, 0.0)), beta=0.1)[0].item(),
    "the margin is 0.1 · (-4 + 20) = 1.6, and ln(1 + e^-1.6) = 0.184, far below ln 2. The loss has fallen, though both "
    "answers have become rarer: it sees the difference only.",
    "What has each of the two gained, with its sign? Which is the difference, and the margin? Then -ln σ of that.",
    (
        (1.6, "That is the margin. The loss is -ln σ of it."),
        (16, "That is the difference. Times β it is the margin, and the loss is -ln σ of that."),
        (1 / (1 + math.exp(-1.6)), "That is σ(margin), how sure the policy is. The loss is minus its logarithm."),
        (math.log(1 + math.exp(1.6)), "The sign: the chosen one has lost less, so it is ahead."),
        (math.log(1 + math.exp(-16)), "β is missing in the margin."),
        (math.log(1 + math.exp(2.4)), "Both have lost. What is the difference of -4 and -20?"),
        (math.log(1 + math.exp(-2.4)), "Both have lost. What is the difference of -4 and -20?"),
        (-math.log(1 + math.exp(-1.6)), "That is ln σ(margin). The loss is minus that."),
        (math.log(2), "That is the loss at the start, where nobody has gained anything."),
        (math.log10(1 + 10**-1.6), "Take the natural logarithm, and powers of e."),
    ),
    within=_ROUGHLY,
)
silent_groups = Question(
    "silent_groups",
    lambda: _silent(chance=0.4, size=4),
    "0.6⁴ + 0.4⁴ = 0.130 + 0.026: all four lose a name, or none of them does. Then all advantages are 0.",
    "When are all advantages of a group 0? There are two ways. How likely is each, for four stories?",
    (
        (0.6**4, "That is one of two ways: all four lose a name."),
        (0.4**4, "That is one of two ways: all four keep the names."),
        (1 - 0.6**4 - 0.4**4, "That is the share that does teach something."),
        (0.6**4 * 0.4**4, "The two cannot happen together: add them."),
        (0.5, "Is the group of four more likely to agree than two coins?"),
        (0.6, "That is one story."),
        (6 * 0.4**2 * 0.6**2, "In those groups half keep the names: they teach most."),
    ),
    within=_ROUGHLY,
)
clipped_cases = Question(
    "clipped_cases",
    lambda: "".join(name for name, case in _CASES.items() if not _gradient(*case)),
    "in A and D the token has gone as far as it may in the direction that is paid; in B and C it has gone the wrong "
    "way, and a mistake counts in full.",
    "Write both numbers of the minimum for each case. Where the clipped one is smaller, it is a constant.",
    (
        ("ABCD", "The minimum takes the unclipped number in two of them."),
        ("BC", "Those two are the wrong way round: a good token that has become rarer must be let back."),
        ("A", "There is one more, with a negative advantage: which of two negative numbers is the smaller one?"),
        ("D", "There is one more, with a positive advantage."),
        ("AC", "In C it is min(-1.5, -1.2): the smaller one is -1.5, which is not clipped."),
        ("AB", "In B it is min(0.5, 0.8): the smaller one is 0.5, which is not clipped."),
        ("CD", "In C it is min(-1.5, -1.2): the smaller one is -1.5, which is not clipped."),
        ("BD", "In B it is min(0.5, 0.8): the smaller one is 0.5, which is not clipped."),
        ("DA", "Write the letters in their order."),
    ),
)


def _learnt(lengths: tuple[int, ...]) -> int:
    """How many tokens are learnt of turns of these lengths, the user's and the assistant's in turn."""
    user, assistant, end, word = range(4)
    ids = [i for turn, n in enumerate(lengths) for i in ((user, assistant)[turn % 2], *[word] * n, end)]
    return int(chat.answer_mask(torch.tensor(ids), assistant, end).sum())


def _silent(chance: float, size: int) -> float:
    """The share of groups in which all advantages are 0, each attempt being right with this chance."""
    groups = torch.tensor(list(itertools.product((0.0, 1.0), repeat=size)), dtype=torch.float64)
    shares = torch.where(groups == 1, chance, 1 - chance).prod(-1)
    return shares[(rewards.group_advantages(groups) == 0).all(-1)].sum().item()


def _gradient(ratio: float, advantage: float) -> float:
    """How the loss of one token changes with its log-probability, the KL left out."""
    log_p = torch.tensor([[math.log(ratio)]], requires_grad=True)
    nothing, written = torch.zeros(1, 1), torch.ones(1, 1, dtype=torch.bool)
    rewards.grpo_loss(log_p, nothing, nothing, torch.tensor([advantage]), written, beta=0.0).backward()
    return log_p.grad.item()
