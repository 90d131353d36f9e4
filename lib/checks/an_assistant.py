"""Checks of notebook 20, first part: what of a conversation is learnt, and what is preferred."""

import torch

from lib import chat, preferences
from lib.checks.an_assistant_questions import clipped_cases, learnt_tokens, lost_and_won, silent_groups
from lib.checks.an_assistant_rewards import group_advantages, grpo_loss
from lib.checks.an_assistant_tools import evaluate, find_call
from lib.checks.core import Exercise, edit
from lib.checks.probing import gradients, normal

__all__ = [
    "answer_mask", "clipped_cases", "dpo_loss", "evaluate", "find_call", "group_advantages", "grpo_loss",
    "learnt_tokens", "lost_and_won", "sequence_log_probability", "silent_groups",
]  # fmt: skip

answer_mask = Exercise(chat.answer_mask)
sequence_log_probability = Exercise(preferences.sequence_log_probability)
dpo_loss = Exercise(preferences.dpo_loss, returns=("loss", "margin"))


# ------------------------------------------------------------------------------------------------------ answer_mask

USER, ASSISTANT, TOOL, OVER = 40, 43, 46, 49  # not varied: other ids would give rows that are no turns
QUESTION, ANSWER, RESULT = [USER, 11, 12, 13, OVER], [ASSISTANT, 14, 15, OVER], [TOOL, 16, OVER]


def mask_of(*rows):
    """The call for rows of ids."""
    return lambda answer, rng: answer(torch.tensor(rows), ASSISTANT, OVER)


def conversations(rng, n_rows, length, assistant=ASSISTANT, end=OVER):
    """Rows of short turns, each from its role to its end; the last one is cut off where the row is full."""
    rows = []
    for _ in range(n_rows):
        row = [0]
        while len(row) < length:
            role, words = (torch.randint(n, (), generator=rng).item() for n in (3, 4))
            row += [(assistant, USER, TOOL)[role], *range(words), end]
        rows.append(row[:length])
    return torch.tensor(rows)


for label, rows in {
    "a start, a question of 3 words and an answer of 2": [[0, *QUESTION, *ANSWER]],
    "two questions with their answers": [[0, *QUESTION, *ANSWER, *QUESTION, *ANSWER]],
    "a call, the tool's result and an answer; and a short row with padding": [
        [0, *QUESTION, *ANSWER, *RESULT, *ANSWER],
        [0, *QUESTION, *ANSWER, 0, 0, 0, 0, 0, 0, 0],
        [0, *QUESTION, *RESULT, *ANSWER, 0, 0, 0, 0],
    ],
    "an answer and a question that are cut off, and a turn that has just been opened at the end of the row": [
        [0, *QUESTION, *ANSWER[:-1]],
        [0, *ANSWER, *QUESTION[:-1]],
        [0, USER, 11, 12, 13, 14, 15, OVER, ASSISTANT],
    ],
    "the assistant speaks first; an answer without words; no answer at all": [
        [*ANSWER, *QUESTION],
        [0, USER, 11, 12, 13, 14, OVER, ASSISTANT, OVER],
        [0, *QUESTION, 0, 0, 0],
    ],
}.items():  # fmt: skip
    answer_mask.probe(label, varied=False)(mask_of(*rows))


@answer_mask.probe("one row without a batch, rows with three leading axes, and one with a single token", varied=False)
def _(answer, rng):
    row, rows = torch.tensor([0, *QUESTION, *ANSWER]), conversations(rng, 6, 23).view(2, 1, 3, 23)
    return {
        "one row": answer(row, ASSISTANT, OVER),
        "three leading axes": answer(rows, ASSISTANT, OVER),
        "one token": answer(row[:1], ASSISTANT, OVER),
    }


@answer_mask.probe("ids of a large vocabulary, the end being the smaller one; 300 positions", varied=False)
def _(answer, rng):
    return answer(conversations(rng, 5, 300, assistant=50_300, end=50_258), 50_300, 50_258)


SHIFTED = "torch.cat([torch.zeros_like(inside[..., :1]), inside[..., :-1]], dim=-1)"
INSIDE = "inside = opened > ended"
# fmt: off
answer_mask.mistakes(
    end_left_out=("the end of the assistant's turn is learnt too: else the model never stops.",
        edit(SHIFTED, f"{SHIFTED} & (ids != end)")),
    too_early=("the mask is one place too early: the token that opens the turn is given, and the end is learnt.",
        edit(f"return {SHIFTED}", "return inside")),
    opening_learnt=("the token that opens the turn is given to the model: it is not learnt.",
        edit(SHIFTED, f"inside | {SHIFTED}")),
    too_late=("the mask is one place too late: the first token after the opening is learnt.",
        edit(SHIFTED, f"{SHIFTED} & {SHIFTED}.roll(1, -1)")),
    never_closed=("a turn ends with the next `end`: what stands after it, others' turns or padding, is not learnt.",
        edit(INSIDE, "inside = opened >= 0")),
    last_turn=("every turn of the assistant is learnt, not the last one alone.",
        edit(INSIDE, "inside = (opened > ended) & (opened == opened[..., -1:])")),
    first_turn=("every turn of the assistant is learnt, not the first one alone.",
        edit(INSIDE, "inside = (opened > ended) & ((ids == assistant).cumsum(-1) == 1)")),
    all_ends=("the ends of the other turns are not learnt.", edit(SHIFTED, f"{SHIFTED} | (ids == end)")),
    others=("the mask is inverted: True on the assistant's tokens.", edit(SHIFTED, f"~{SHIFTED}")),
    cut_off=("a turn that is cut off, without an `end`, is learnt up to the end of the row.",
        edit(INSIDE, "inside = (opened > ended) & (opened < torch.where(ids == end, positions, -1).amax(-1, True))")),
    one_number=("the mask is bool, True and False.", edit(SHIFTED, f"{SHIFTED}.long()"),
        edit(SHIFTED, f"{SHIFTED}.float()")),
    one_row=("each row has turns of its own.",
        edit(INSIDE, "inside = (opened > ended)\n"
             "    inside = inside.reshape(-1, inside.shape[-1])[:1].expand(ids.shape)")),
)
# fmt: on


# ----------------------------------------------------------------------------------------- sequence_log_probability


def reader(rng, vocab=11, dtype=torch.float32):
    """A model that takes all earlier tokens into account, and its tables, which get gradients."""
    now, before = (normal(vocab, vocab, rng=rng).to(dtype).requires_grad_() for _ in range(2))
    return (lambda ids: now[ids] + 0.3 * before[ids].cumsum(1)), now


def rows_and_mask(rng, batch, length, vocab=11):
    """Random ids, and answers of unequal lengths at the end of each row but for some padding."""
    ids = torch.randint(vocab, (batch, length), generator=rng)
    starts = torch.randint(1, length // 2, (batch, 1), generator=rng)
    ends = torch.randint(length // 2 + 1, length + 1, (batch, 1), generator=rng)
    places = torch.arange(length)
    return ids, (places >= starts) & (places < ends)


@sequence_log_probability.probe("3 rows of 7 tokens with answers of unequal lengths")
def _(answer, rng):
    model, _ = reader(rng)
    return answer(model, *rows_and_mask(rng, 3, 7))


@sequence_log_probability.probe(
    "one row whose answer is all but its first token; and one whose answer is its last token"
)
def _(answer, rng):
    model, _ = reader(rng)
    ids, mask = torch.randint(11, (1, 5), generator=rng), torch.tensor([[False, True, True, True, True]])
    last = torch.tensor([[False, False, False, False, True]])
    return {"all but the first": answer(model, ids, mask), "the last": answer(model, ids, last)}


@sequence_log_probability.probe("a row without an answer, beside one that has two pieces")
def _(answer, rng):
    model, _ = reader(rng)
    mask = torch.tensor([[False] * 6, [False, True, False, False, True, True]])
    return answer(model, torch.randint(11, (2, 6), generator=rng), mask)


@sequence_log_probability.probe("a token that the model thinks impossible, outside the answer, and in it")
def _(answer, rng):
    model, _ = reader(rng)
    never = torch.zeros(11).index_fill(0, torch.tensor([4]), -torch.inf)
    mask = torch.tensor([[False, False, True, True, False]])
    return {
        where: answer(lambda ids: model(ids).detach() + never, torch.tensor([ids]), mask)
        for where, ids in {"outside": [1, 4, 2, 3, 4], "in it": [1, 3, 2, 4, 3]}.items()
    }


@sequence_log_probability.probe("large logits, 300 positions")
def _(answer, rng):
    model, _ = reader(rng, 29)
    return answer(lambda ids: 5 * model(ids), *rows_and_mask(rng, 2, 300, 29)) / 100


@sequence_log_probability.probe("64-bit logits, and the gradient for the model's table")
def _(answer, rng):
    model, table = reader(rng, dtype=torch.float64)
    found = answer(model, *rows_and_mask(rng, 3, 7))
    return {"the result": found} | gradients(found, **{"the model's table": table})


LOG_P, KEPT = "token_log_probabilities(model, ids)", "log_p.masked_fill(~mask[:, 1:], 0.0)"
# fmt: off
sequence_log_probability.mistakes(
    mean=("the logarithms are added up: their mean is the probability of an average token, not of the answer.",
        edit("0.0).sum(-1)", "0.0).sum(-1) / mask[:, 1:].sum(-1).clamp(min=1)"),
        edit("0.0).sum(-1)", "0.0).mean(-1)")),
    prompt_too=("only the answer's tokens count, those where the mask is True.", edit(KEPT, "log_p")),
    mask_too_early=("the mask belongs to the token that is guessed: what stands at i in log_p is token i + 1.",
        edit("mask[:, 1:]", "mask[:, :-1]")),
    mask_inverted=("the mask is inverted: True is the answer.", edit("~mask", "mask")),
    question_hidden=("the model is to read `ids` as they are, the question too: the mask says only what counts.",
        edit(LOG_P, "token_log_probabilities(model, ids * mask)")),
    tokens_unshifted=("each token is guessed by the position before it, not by its own.",
        edit(LOG_P, "model(ids).log_softmax(-1).gather(-1, ids[..., None])[..., 0][:, 1:]")),
    logits=("these are logits: take their log_softmax first.",
        edit(LOG_P, "model(ids)[:, :-1].gather(-1, ids[:, 1:, None])[..., 0]")),
    wrong_axis=("the softmax is over the vocabulary, the last axis.",
        edit(LOG_P, "model(ids[:, :-1]).log_softmax(1).gather(-1, ids[:, 1:, None])[..., 0]")),
    probabilities=("the logarithms of the probabilities are added, not the probabilities.",
        edit(LOG_P, f"{LOG_P}.exp()")),
    surprise=("ln p is not above 0: this is minus ln p.", edit("return log_p", "return -log_p")),
    bits=("the natural logarithm is asked for, not that to the base 2.",
        edit("0.0).sum(-1)", "0.0).sum(-1) / torch.tensor(2.0).log()")),
    all_rows=("one number for each row: sum over the positions only.", edit("0.0).sum(-1)", "0.0).sum()")),
    wrong_sum=("one number for each row: sum over the positions, not over the rows.",
        edit("0.0).sum(-1)", "0.0).sum(0)")),
    times_zero=("0 times minus infinity is NaN: what is outside the answer is to be left out, not multiplied by 0.",
        edit(KEPT, "(log_p * mask[:, 1:])")),
    no_gradient=("no gradient reaches the model.", edit(LOG_P, f"{LOG_P}.detach()")),
    first_missing=("the first token of the answer counts too.",
        edit("~mask[:, 1:]", "~(mask[:, 1:] & mask[:, :-1])")),
    last_missing=("the last token of the answer counts too.",
        edit("~mask[:, 1:]", "~(mask[:, 1:] & mask.roll(-1, 1)[:, 1:])")),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------------- dpo_loss


def log_probabilities(rng, *shape, size=5.0):
    """Four tensors of ln p."""
    return [-size * torch.rand(shape, generator=rng) - 1 for _ in range(4)]


@dpo_loss.probe(
    "one pair: ln p of the chosen answer has risen from -10 to -9, of the rejected one fallen from -12 to -13"
)
def _(answer, rng):
    return answer(*(torch.tensor([number]) for number in (-9.0, -13.0, -10.0, -12.0)), 0.5)


@dpo_loss.probe("the model is still the reference", varied=False)
def _(answer, rng):
    chosen, rejected, _, _ = log_probabilities(rng, 3)
    return answer(chosen, rejected, chosen.clone(), rejected.clone(), 0.3)


@dpo_loss.probe("5 pairs, beta = 0.3")
def _(answer, rng):
    return answer(*log_probabilities(rng, 5), 0.3)


@dpo_loss.probe("5 pairs, beta as it is by default; and 301 pairs with beta = 2")
def _(answer, rng):
    first, many = answer(*log_probabilities(rng, 5)), answer(*log_probabilities(rng, 301), 2.0)
    return {"loss, 5 pairs": first[0], "margin, 5 pairs": first[1], "loss, 301 pairs": many[0], "margin, 301": many[1]}


@dpo_loss.probe("margins of 4,000 and of -4,000: the loss and its gradients are finite")
def _(answer, rng):
    found = {}
    for which, numbers in {"wrong": (-2000.0, 0.0), "right": (0.0, -2000.0)}.items():
        chosen, rejected = (torch.tensor([number], requires_grad=True) for number in numbers)
        loss = answer(chosen, rejected, rejected.detach(), chosen.detach(), 1.0)[0]
        flown = {"loss": loss} | gradients(loss[None], chosen=chosen, rejected=rejected)
        found |= {f"{name} where all is {which}": part for name, part in flown.items()}
    return found


MARGIN = "beta * ((chosen - reference_chosen) - (rejected - reference_rejected))"
LOSS = "-functional.logsigmoid(margin).mean()"
# fmt: off
dpo_loss.mistakes(
    no_reference=("the reference is left out: a reward is how much likelier the model finds an answer than it.",
        edit(MARGIN, "beta * (chosen - rejected)")),
    reference_added=("each answer's own reference is taken away: (chosen - reference_chosen) - (rejected - "
        "reference_rejected).", edit("(chosen - reference_chosen)", "(chosen + reference_chosen)",
        "(rejected - reference_rejected)", "(rejected + reference_rejected)")),
    exchanged=("the sign is wrong: chosen and rejected are exchanged, or model and reference.",
        edit(MARGIN, f"-{MARGIN}")),
    sum_of_rewards=("the margin is the difference of both rewards, not their sum.",
        edit("reference_chosen) - (", "reference_chosen) + (")),
    no_beta=("beta is left out.", edit(MARGIN, "(chosen - reference_chosen) - (rejected - reference_rejected)")),
    margin_without_beta=("the margin has the factor beta too.",
        edit(MARGIN, "(chosen - reference_chosen) - (rejected - reference_rejected)",
             "logsigmoid(margin)", "logsigmoid(beta * margin)")),
    beta_twice=("beta counts once.", edit("logsigmoid(margin)", "logsigmoid(beta * margin)")),
    over_beta=("the difference is multiplied by beta, not divided.", edit(MARGIN, f"({MARGIN}) / beta / beta")),
    beta_on_the_model=("beta is a factor of the reference's part too.",
        edit(MARGIN, "beta * (chosen - rejected) - (reference_chosen - reference_rejected)")),
    other_default=("beta is 0.1 where none is given.", edit("beta: float = 0.1", "beta: float = 0.5"),
        edit("beta: float = 0.1", "beta: float = 1.0")),
    no_minus=("the loss is minus the logarithm: it falls when the margin grows.",
        edit("-functional.logsigmoid(margin).mean()", "functional.logsigmoid(margin).mean()")),
    no_logarithm=("the logarithm is missing.", edit(LOSS, "-torch.sigmoid(margin).mean()"),
        edit(LOSS, "(1 - torch.sigmoid(margin)).mean()")),
    no_sigmoid=("the sigmoid is missing.", edit(LOSS, "-margin.mean()")),
    infinite=("ln σ of a large negative number is not ln 0: F.logsigmoid keeps it finite.",
        edit(LOSS, "-torch.sigmoid(margin).log().mean()"),
        edit(LOSS, "(1 + (-margin).exp()).log().mean()")),
    kept_finite=("ln σ of a large negative number is that number: nothing is to be added or cut off.",
        edit(LOSS, "-(torch.sigmoid(margin) + 1e-8).log().mean()"),
        edit(LOSS, "-torch.sigmoid(margin).clamp(min=1e-6).log().mean()")),
    sum=("the mean over the pairs is asked for, not the sum.", edit(".mean()", ".sum()")),
    each_pair=("one number is asked for: the mean over the pairs.", edit(".mean()", "")),
    mean_first=("each pair has a loss of its own, and then the mean is taken: ln σ is not linear.",
        edit("logsigmoid(margin).mean()", "logsigmoid(margin.mean())")),
    mean_margin=("the margins come back one for each pair.", edit(".mean(), margin", ".mean(), margin.mean()")),
    hinge=("this is a hinge: -ln σ(margin) is asked for.", edit(LOSS, "(1 - margin).relu().mean()")),
    squares=("these are squares, as in IPO: -ln σ(margin) is asked for.",
        edit(LOSS, "(margin / beta - 1 / (2 * beta)).square().mean()")),
    no_gradient_for_rejected=("no gradient reaches rejected: it is to become less likely.",
        edit("(rejected -", "(rejected.detach() -")),
    no_gradient_for_chosen=("no gradient reaches chosen.", edit("((chosen -", "((chosen.detach() -")),
    loss_alone=("two things come back: the loss and the margins.", edit(".mean(), margin", ".mean()")),
    turned=("the loss comes first, then the margins.",
        edit(f"return {LOSS}, margin", f"return margin, {LOSS}")),
)
# fmt: on
