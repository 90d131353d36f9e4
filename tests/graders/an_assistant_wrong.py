"""Wrong answers to notebook 20 as people write them: masks, preferences, advantages, GRPO, calls, a parser."""

import ast
import operator
import re
from decimal import Decimal
from fractions import Fraction

import torch
from torch.nn import functional

from lib.chat import token_log_probabilities
from lib.checks.core import edit
from lib.rewards import kl_terms
from lib.tools import CLOSE, OPEN
from tests.graders.cases import slips, wrong

# ------------------------------------------------------------------------------------------------------ answer_mask


@wrong("answer_mask", says="expected")
def compared_by_is(ids, assistant, end):
    """True of equal whole numbers up to 256 only."""
    mask = torch.zeros_like(ids, dtype=torch.bool).view(-1, ids.shape[-1])
    for row, some in enumerate(ids.reshape(mask.shape).tolist()):
        inside = False
        for i, one in enumerate(some):
            mask[row, i] = inside
            inside = (inside or one is assistant) and one is not end
    return mask.view(ids.shape)


@wrong("answer_mask", says="opens the turn")
def switched_on_too_early(ids, assistant, end):
    mask, inside = torch.zeros_like(ids, dtype=torch.bool), torch.zeros_like(ids[..., 0], dtype=torch.bool)
    for i in range(ids.shape[-1]):
        inside = inside | (ids[..., i] == assistant)
        mask[..., i] = inside
        inside = inside & (ids[..., i] != end)
    return mask


@wrong("answer_mask", says="never stops")
def without_the_end(ids, assistant, end):
    mask, inside = torch.zeros_like(ids, dtype=torch.bool), torch.zeros_like(ids[..., 0], dtype=torch.bool)
    for i in range(ids.shape[-1]):
        inside = inside & (ids[..., i] != end)
        mask[..., i] = inside
        inside = inside | (ids[..., i] == assistant)
    return mask


@wrong("answer_mask", says="one place too early")
def switched_at_once(ids, assistant, end):
    mask, inside = torch.zeros_like(ids, dtype=torch.bool), torch.zeros_like(ids[..., 0], dtype=torch.bool)
    for i in range(ids.shape[-1]):
        inside = (inside | (ids[..., i] == assistant)) & (ids[..., i] != end)
        mask[..., i] = inside
    return mask


@wrong("answer_mask", says="expected")
def never_switched_off(ids, assistant, end):
    opened = (ids == assistant).cumsum(-1)
    return (opened - (ids == assistant).long() > 0) & (ids != assistant)


@wrong("answer_mask", says="expected")
def difference_of_counts(ids, assistant, end):
    """Ends of other turns count too, so the difference soon is below 1."""
    opened = (ids == assistant).long().cumsum(-1)
    ended = (ids == end).long().cumsum(-1)
    inside = opened > ended
    return torch.cat([torch.zeros_like(inside[..., :1]), inside[..., :-1]], -1)


@wrong("answer_mask", says="raised")
def one_row_at_a_time(ids, assistant, end):
    mask, inside = torch.zeros_like(ids, dtype=torch.bool), False
    for row in range(ids.shape[0]):
        inside = False
        for i in range(ids.shape[1]):
            mask[row, i] = inside
            if ids[row, i] == assistant:
                inside = True
            elif ids[row, i] == end:
                inside = False
    return mask


@wrong("answer_mask", says="expected")
def carried_to_the_next_row(ids, assistant, end):
    flat, learnt, inside = ids.flatten().tolist(), [], False
    for token in flat:
        learnt.append(inside)
        inside = token == assistant or (inside and token != end)
    return torch.tensor(learnt).view(ids.shape)


@wrong("answer_mask", says="not the first one alone")
def first_turn_only(ids, assistant, end):
    mask = torch.zeros_like(ids, dtype=torch.bool)
    for row, out in zip(ids.reshape(-1, ids.shape[-1]).tolist(), mask.view(-1, ids.shape[-1]), strict=True):
        if assistant in row:
            start = row.index(assistant) + 1
            stop = row.index(end, start) + 1 if end in row[start:] else len(row)
            out[start:stop] = True
    return mask


@wrong("answer_mask", says="not the last one alone")
def last_turn_only(ids, assistant, end):
    mask = torch.zeros_like(ids, dtype=torch.bool)
    for row, out in zip(ids.reshape(-1, ids.shape[-1]).tolist(), mask.view(-1, ids.shape[-1]), strict=True):
        if assistant in row:
            start = len(row) - row[::-1].index(assistant)
            stop = row.index(end, start) + 1 if end in row[start:] else len(row)
            out[start:stop] = True
    return mask


@wrong("answer_mask", says="up to the end of the row")
def cut_off_is_lost(ids, assistant, end):
    mask = torch.zeros_like(ids, dtype=torch.bool)
    for row, out in zip(ids.reshape(-1, ids.shape[-1]).tolist(), mask.view(-1, ids.shape[-1]), strict=True):
        start = None
        for i, token in enumerate(row):
            if token == assistant:
                start = i + 1
            elif token == end and start is not None:
                out[start : i + 1] = True
                start = None
    return mask


@wrong("answer_mask", says="raised")
def an_end_must_follow(ids, assistant, end):
    mask = torch.zeros_like(ids, dtype=torch.bool)
    for row, out in zip(ids.reshape(-1, ids.shape[-1]).tolist(), mask.view(-1, ids.shape[-1]), strict=True):
        for start in [i for i, token in enumerate(row) if token == assistant]:
            out[start + 1 : row.index(end, start) + 1] = True
    return mask


@wrong("answer_mask", says="ends of the other turns")
def every_end(ids, assistant, end):
    mask, inside = torch.zeros_like(ids, dtype=torch.bool), torch.zeros_like(ids[..., 0], dtype=torch.bool)
    for i in range(ids.shape[-1]):
        mask[..., i] = inside | (ids[..., i] == end)
        inside = (inside | (ids[..., i] == assistant)) & (ids[..., i] != end)
    return mask


@wrong("answer_mask", says="True and False")
def ones_and_zeros(ids, assistant, end):
    mask, inside = torch.zeros_like(ids), torch.zeros_like(ids[..., 0])
    for i in range(ids.shape[-1]):
        mask[..., i] = inside
        inside = ((inside == 1) | (ids[..., i] == assistant)).long() * (ids[..., i] != end)
    return mask


@wrong("answer_mask", says="inverted")
def what_is_ignored(ids, assistant, end):
    mask, inside = torch.zeros_like(ids, dtype=torch.bool), torch.zeros_like(ids[..., 0], dtype=torch.bool)
    for i in range(ids.shape[-1]):
        mask[..., i] = ~inside
        inside = (inside | (ids[..., i] == assistant)) & (ids[..., i] != end)
    return mask


@wrong("answer_mask", says="expected")
def even_segments(ids, assistant, end):
    """Every second turn is the assistant's: not after a tool's."""
    turn = torch.cat([torch.zeros_like(ids[..., :1]), (ids == end).long().cumsum(-1)[..., :-1]], -1)
    return (turn % 2 == 1) & (ids != assistant)


# ----------------------------------------------------------------------------------------- sequence_log_probability


@wrong("sequence_log_probability", says="expected")
def in_32_bits(model, ids, mask):
    logits = model(ids[:, :-1])
    log_p = logits.float().log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    return torch.where(mask[:, 1:], log_p, 0.0).sum(-1)


@wrong("sequence_log_probability", says="added up")
def mean_over_the_answer(model, ids, mask):
    log_p, kept = token_log_probabilities(model, ids), mask[:, 1:]
    return torch.where(kept, log_p, 0.0).sum(1) / kept.sum(1).clamp(min=1)


@wrong("sequence_log_probability", says="added up")
def mean_over_the_row(model, ids, mask):
    return token_log_probabilities(model, ids).masked_fill(~mask[:, 1:], 0).mean(1)


@wrong("sequence_log_probability", says="token i + 1")
def mask_of_the_guessers(model, ids, mask):
    return torch.where(mask[:, :-1], token_log_probabilities(model, ids), torch.tensor(0.0)).sum(-1)


@wrong("sequence_log_probability", says="multiplied by 0")
def multiplied(model, ids, mask):
    return (token_log_probabilities(model, ids) * mask[:, 1:].float()).sum(-1)


@wrong("sequence_log_probability", says="only the answer's tokens")
def whole_row(model, ids, mask):
    return token_log_probabilities(model, ids).sum(-1)


@wrong("sequence_log_probability", says="minus ln p")
def surprise(model, ids, mask):
    losses = functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="none")
    return losses.masked_fill(~mask[:, 1:], 0.0).sum(-1)


@wrong("sequence_log_probability", says="one number for each row")
def all_in_one(model, ids, mask):
    return token_log_probabilities(model, ids)[mask[:, 1:]].sum()


@wrong("sequence_log_probability", says="position before it")
def own_position(model, ids, mask):
    log_p = model(ids).log_softmax(-1).gather(-1, ids.unsqueeze(-1)).squeeze(-1)
    return log_p[:, 1:].masked_fill(~mask[:, 1:], 0.0).sum(-1)


@wrong("sequence_log_probability", says="log_softmax")
def raw_logits(model, ids, mask):
    picked = model(ids[:, :-1]).gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(~mask[:, 1:], 0.0).sum(-1)


@wrong("sequence_log_probability", says="not the probabilities")
def probabilities(model, ids, mask):
    picked = model(ids[:, :-1]).softmax(-1).gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(~mask[:, 1:], 0.0).sum(-1)


@wrong("sequence_log_probability", says="expected")
def logarithm_too_late(model, ids, mask):
    """The softmax of large logits has zeros, and the product of many numbers below 1 is 0."""
    picked = model(ids[:, :-1]).softmax(-1).gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(~mask[:, 1:], 1.0).prod(-1).log()


@wrong("sequence_log_probability", says="inverted")
def outside(model, ids, mask):
    return token_log_probabilities(model, ids).masked_fill(mask[:, 1:], 0.0).sum(-1)


@wrong("sequence_log_probability", says="no gradient")
def judged_without_gradients(model, ids, mask):
    with torch.no_grad():
        log_p = token_log_probabilities(model, ids)
    return log_p.masked_fill(~mask[:, 1:], 0.0).sum(-1)


@wrong("sequence_log_probability", says="expected")
def from_the_first_to_the_last(model, ids, mask):
    """An answer in two pieces is taken for one."""
    kept = mask[:, 1:].long()
    inside = (kept.cumsum(-1) > 0) & (kept.flip(-1).cumsum(-1).flip(-1) > 0)
    return token_log_probabilities(model, ids).masked_fill(~inside, 0.0).sum(-1)


@wrong("sequence_log_probability", says="expected")
def answer_alone(model, ids, mask):
    """The prompt is not read: each answer is guessed by itself."""
    found = []
    for row, kept in zip(ids, mask, strict=True):
        answer = row[kept][None]
        log_p = token_log_probabilities(model, answer).sum() if answer.shape[1] > 1 else model(row[None]).sum() * 0
        found.append(log_p)
    return torch.stack(found)


@wrong("sequence_log_probability", says="expected")
def squeezed(model, ids, mask):
    return token_log_probabilities(model, ids).masked_fill(~mask[:, 1:], 0.0).sum(-1).squeeze()


# ---------------------------------------------------------------------------------------------------------- dpo_loss


@wrong("dpo_loss", says="exchanged")
def rejected_first(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((rejected - reference_rejected) - (chosen - reference_chosen))
    return -functional.logsigmoid(margin).mean(), margin


@wrong("dpo_loss", says="the reference is left out")
def no_reference(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * (chosen - rejected)
    return -functional.logsigmoid(margin).mean(), margin


@wrong("dpo_loss", says="taken away")
def reference_the_wrong_way(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - rejected) + (reference_chosen - reference_rejected))
    return -functional.logsigmoid(margin).mean(), margin


@wrong("dpo_loss", says="reference's part too")
def beta_inside(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * (chosen - rejected) - (reference_chosen - reference_rejected)
    return functional.softplus(-margin).mean(), margin


@wrong("dpo_loss", says="beta is left out")
def no_beta(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = chosen - reference_chosen - rejected + reference_rejected
    return -functional.logsigmoid(margin).mean(), margin


@wrong("dpo_loss", says="factor beta too")
def margin_before_beta(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = (chosen - reference_chosen) - (rejected - reference_rejected)
    return -functional.logsigmoid(beta * margin).mean(), margin


@wrong("dpo_loss", says="keeps it finite")
def log_of_the_sigmoid(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -torch.log(torch.sigmoid(margin)).mean(), margin


@wrong("dpo_loss", says="keeps it finite")
def one_plus_exp(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return torch.log1p(torch.exp(-margin)).mean(), margin


@wrong("dpo_loss", says="added or cut off")
def small_number_added(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -torch.log(torch.sigmoid(margin) + 1e-8).mean(), margin


@wrong("dpo_loss", says="minus the logarithm")
def to_be_maximised(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return functional.logsigmoid(margin).mean(), margin


@wrong("dpo_loss", says="one number")
def one_loss_each(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -functional.logsigmoid(margin), margin


@wrong("dpo_loss", says="not the sum")
def summed(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -functional.logsigmoid(margin).sum(), margin


@wrong("dpo_loss", says="not linear")
def mean_of_margins(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -functional.logsigmoid(margin.mean()), margin


@wrong("dpo_loss", says="one for each pair")
def mean_margin(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -functional.logsigmoid(margin).mean(), margin.mean()


@wrong("dpo_loss", says="expected 2 values")
def only_the_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -functional.logsigmoid(margin).mean()


@wrong("dpo_loss", says="the logarithm is missing")
def no_logarithm(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -torch.sigmoid(margin).mean(), margin


@wrong("dpo_loss", says="expected")
def ratios_without_logarithms(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * (chosen / reference_chosen - rejected / reference_rejected)
    return -functional.logsigmoid(margin).mean(), margin


@wrong("dpo_loss", says="no gradient")
def rejected_is_given(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    with torch.no_grad():
        baseline = rejected - reference_rejected
    margin = beta * (chosen - reference_chosen - baseline)
    return -functional.logsigmoid(margin).mean(), margin


# ------------------------------------------------------------------------------------------------- group_advantages


@wrong("group_advantages", says="expected")
def equal_rewards_stay(rewards, epsilon=1e-4):
    deviation = rewards.std(-1, keepdim=True, correction=0)
    return torch.where(deviation == 0, rewards, (rewards - rewards.mean(-1, keepdim=True)) / (deviation + epsilon))


@wrong("group_advantages", says="by one less")
def pytorchs_std(rewards, epsilon=1e-4):
    return (rewards - rewards.mean(-1, keepdim=True)) / (rewards.std(-1, keepdim=True) + epsilon)


@wrong("group_advantages", says="not NaN")
def no_epsilon(rewards, epsilon=1e-4):
    return (rewards - rewards.mean(-1, keepdim=True)) / rewards.std(-1, keepdim=True, correction=0)


@wrong("group_advantages", says="not of all rewards")
def over_the_batch(rewards, epsilon=1e-4):
    return (rewards - rewards.mean()) / (rewards.std(correction=0) + epsilon)


@wrong("group_advantages", says="a group is a row")
def down_the_columns(rewards, epsilon=1e-4):
    return (rewards - rewards.mean(0, keepdim=True)) / (rewards.std(0, keepdim=True, correction=0) + epsilon)


@wrong("group_advantages", says="Dr. GRPO")
def not_divided(rewards, epsilon=1e-4):
    return rewards - rewards.mean(-1, keepdim=True)


@wrong("group_advantages", says="root of the variance")
def by_the_variance(rewards, epsilon=1e-4):
    return (rewards - rewards.mean(-1, keepdim=True)) / (rewards.var(-1, keepdim=True, correction=0) + epsilon)


@wrong("group_advantages", says="not under the root")
def under_the_root(rewards, epsilon=1e-4):
    variance = rewards.var(-1, keepdim=True, correction=0)
    return (rewards - rewards.mean(-1, keepdim=True)) * torch.rsqrt(variance + epsilon)


@wrong("group_advantages", says="smallest value")
def epsilon_as_a_floor(rewards, epsilon=1e-4):
    deviation = rewards.std(-1, keepdim=True, correction=0)
    return (rewards - rewards.mean(-1, keepdim=True)) / torch.clamp(deviation, min=epsilon)


@wrong("group_advantages", says="epsilon is 1e-4")
def own_epsilon(rewards, epsilon=1e-4):
    return (rewards - rewards.mean(-1, keepdim=True)) / (rewards.std(-1, keepdim=True, correction=0) + 1e-4)


@wrong("group_advantages", says="is to be taken away")
def not_centred(rewards, epsilon=1e-4):
    return rewards / (rewards.std(-1, keepdim=True, correction=0) + epsilon)


@wrong("group_advantages", says="less the mean")
def turned_round(rewards, epsilon=1e-4):
    return (rewards.mean(-1, keepdim=True) - rewards) / (rewards.std(-1, keepdim=True, correction=0) + epsilon)


@wrong("group_advantages", says="raised")
def no_keepdim(rewards, epsilon=1e-4):
    return (rewards - rewards.mean(-1)) / (rewards.std(-1, correction=0) + epsilon)


@wrong("group_advantages", says="not the mean distance")
def mean_distance(rewards, epsilon=1e-4):
    distance = rewards - rewards.mean(-1, keepdim=True)
    return distance / (distance.abs().mean(-1, keepdim=True) + epsilon)


@wrong("group_advantages", says="expected")
def ranks(rewards, epsilon=1e-4):
    order = rewards.argsort(-1).argsort(-1).to(rewards.dtype)
    return (order - order.mean(-1, keepdim=True)) / (order.std(-1, keepdim=True, correction=0) + epsilon)


@wrong("group_advantages", says="raised")
def two_axes(rewards, epsilon=1e-4):
    n_prompts, _ = rewards.shape
    mean, deviation = rewards.mean(1), rewards.std(1, correction=0)
    return (rewards - mean.view(n_prompts, 1)) / (deviation.view(n_prompts, 1) + epsilon)


@wrong("group_advantages", says="nothing is cut off")
def only_the_good(rewards, epsilon=1e-4):
    found = (rewards - rewards.mean(-1, keepdim=True)) / (rewards.std(-1, keepdim=True, correction=0) + epsilon)
    return found.relu()


# -------------------------------------------------------------------------------------------------------- grpo_loss


def mean_of_rows(of_tokens, mask):
    return (torch.where(mask, of_tokens, 0.0).sum(-1) / mask.sum(-1)).mean()


@wrong("grpo_loss", says="expected")
def beta_before_clip(log_p, old, reference, advantages, mask, beta=0.04, clip=0.2):
    ratio, advantage = (log_p - old).exp(), advantages[:, None]
    gain = torch.min(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    of_tokens = (gain - beta * kl_terms(log_p, reference)) * mask
    return -(of_tokens.sum(-1) / mask.sum(-1)).mean()


@wrong("grpo_loss", says="minus the objective")
def objective(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return mean_of_rows(gain - beta * kl_terms(log_p, reference), mask)


@wrong("grpo_loss", says="the smaller one")
def maximum(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    gain = torch.max(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -mean_of_rows(gain - beta * kl_terms(log_p, reference), mask)


@wrong("grpo_loss", says="nothing is clipped")
def reinforce(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    gain = (log_p - old).exp() * advantages.unsqueeze(-1)
    return -mean_of_rows(gain - beta * kl_terms(log_p, reference), mask)


@wrong("grpo_loss", says="no gradient")
def always_clipped(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    gain = (log_p - old).exp().clamp(1 - clip, 1 + clip) * advantages.unsqueeze(-1)
    return -mean_of_rows(gain - beta * kl_terms(log_p, reference), mask)


@wrong("grpo_loss", says="smaller ratio")
def smaller_ratio(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio = (log_p - old).exp()
    gain = torch.minimum(ratio, ratio.clamp(1 - clip, 1 + clip)) * advantages.unsqueeze(-1)
    return -mean_of_rows(gain - beta * kl_terms(log_p, reference), mask)


@wrong("grpo_loss", says="the exponential")
def difference_for_ratio(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = log_p - old, advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -mean_of_rows(gain - beta * kl_terms(log_p, reference), mask)


@wrong("grpo_loss", says="not π_old/π")
def turned_ratio(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (old - log_p).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -mean_of_rows(gain - beta * kl_terms(log_p, reference), mask)


@wrong("grpo_loss", says="not to the start")
def ratio_to_the_reference(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - reference).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -mean_of_rows(gain - beta * kl_terms(log_p, reference), mask)


@wrong("grpo_loss", says="all tokens of the batch count alike")
def over_all_tokens(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -(gain - beta * kl_terms(log_p, reference))[mask].mean()


@wrong("grpo_loss", says="divide by their number")
def padding_counts(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -((gain - beta * kl_terms(log_p, reference)) * mask).mean(-1).mean()


@wrong("grpo_loss", says="only the tokens that were written")
def without_the_mask(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -(gain - beta * kl_terms(log_p, reference)).mean()


@wrong("grpo_loss", says="mean of its tokens")
def sum_over_tokens(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -((gain - beta * kl_terms(log_p, reference)) * mask).sum(-1).mean()


@wrong("grpo_loss", says="taken away from the gain")
def reward_for_leaving(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -mean_of_rows(gain + beta * kl_terms(log_p, reference), mask)


@wrong("grpo_loss", says="KL terms are left out")
def ppo(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    return -mean_of_rows(torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a), mask)


@wrong("grpo_loss", says="difference of the logarithms")
def simple_kl(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -mean_of_rows(gain - beta * (log_p - reference), mask)


@wrong("grpo_loss", says="the start stands above")
def kl_the_other_way(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    d = log_p - reference
    return -mean_of_rows(gain - beta * (d.exp() - d - 1), mask)


@wrong("grpo_loss", says="not with the model that wrote")
def kl_to_the_old(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    ratio, a = (log_p - old).exp(), advantages.unsqueeze(-1)
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -mean_of_rows(gain - beta * kl_terms(log_p, old), mask)


@wrong("grpo_loss", says="expected")
def advantage_of_the_column(log_p, old, reference, advantages, mask, clip=0.2, beta=0.04):
    """Where a batch has as many rows as positions, this says nothing."""
    ratio = (log_p - old).exp()
    a = advantages if len(advantages) == ratio.shape[1] else advantages[:, None]
    gain = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    return -mean_of_rows(gain - beta * kl_terms(log_p, reference), mask)


# -------------------------------------------------------------------------------------------------------- find_call


@wrong("find_call", says="expected")
def counted_in_bytes(turn):
    found = re.search(b"<calc>((?:(?!</?calc>).)*)</calc>", turn.encode(), re.DOTALL)
    return (found[1].decode(), found.end()) if found else None


@wrong("find_call", says="takes all it can")
def greedy_pattern(turn):
    found = re.search(rf"{OPEN}(.*){CLOSE}", turn, re.DOTALL)
    return (found.group(1), found.end()) if found else None


@wrong("find_call", says="begins at the second one")
def shortest_pattern(turn):
    found = re.search(rf"{OPEN}(.*?){CLOSE}", turn, re.DOTALL)
    return (found.group(1), found.end()) if found else None


@wrong("find_call", says="several lines")
def no_line_ends(turn):
    found = re.search(r"<calc>((?:(?!<calc>|</calc>).)*)</calc>", turn)
    return (found.group(1), found.end()) if found else None


@wrong("find_call", says="expected")
def no_other_mark_inside(turn):
    """Anything may stand in a call, and nothing too."""
    found = re.search(r"<calc>([0-9+*/().\- \n]+)</calc>", turn)
    return (found.group(1), found.end()) if found else None


@wrong("find_call", says="begins at the second one")
def first_of_each(turn):
    start, end = turn.find(OPEN), turn.find(CLOSE)
    if start < 0 or end < 0:
        return None
    end = turn.find(CLOSE, start)
    return (turn[start + len(OPEN) : end], end + len(CLOSE)) if end > 0 else None


@wrong("find_call", says="ends nothing")
def first_end(turn):
    end = turn.find(CLOSE)
    start = turn.rfind(OPEN, 0, end) if end >= 0 else -1
    return (turn[start + len(OPEN) : end], end + len(CLOSE)) if start >= 0 else None


@wrong("find_call", says="expected")
def last(turn):
    end = turn.rfind(CLOSE)
    start = turn.rfind(OPEN, 0, end) if end >= 0 else -1
    return (turn[start + len(OPEN) : end], end + len(CLOSE)) if start >= 0 else None


@wrong("find_call", says="without them")
def with_marks(turn):
    found = re.search(r"<calc>(?:(?!<calc>|</calc>).)*</calc>", turn, re.DOTALL)
    return (found[0], found.end()) if found else None


@wrong("find_call", says="index after </calc>")
def end_of_the_expression(turn):
    found = re.search(r"<calc>((?:(?!<calc>|</calc>).)*)</calc>", turn, re.DOTALL)
    return (found[1], found.end(1)) if found else None


@wrong("find_call", says="not where it begins")
def where_it_begins(turn):
    found = re.search(r"<calc>((?:(?!<calc>|</calc>).)*)</calc>", turn, re.DOTALL)
    return (found[1], found.start()) if found else None


@wrong("find_call", says="spaces included")
def stripped(turn):
    found = re.search(r"<calc>((?:(?!<calc>|</calc>).)*)</calc>", turn, re.DOTALL)
    return (found[1].strip(), found.end()) if found else None


@wrong("find_call", says="two things")
def expression_only(turn):
    found = re.search(r"<calc>((?:(?!<calc>|</calc>).)*)</calc>", turn, re.DOTALL)
    return found[1] if found else None


@wrong("find_call", says="an empty expression")
def something_inside(turn):
    found = re.search(r"<calc>((?:(?!<calc>|</calc>).)+)</calc>", turn, re.DOTALL)
    return (found[1], found.end()) if found else None


@wrong("find_call", says="None is asked for")
def empty_pair(turn):
    found = re.search(r"<calc>((?:(?!<calc>|</calc>).)*)</calc>", turn, re.DOTALL)
    return (found[1], found.end()) if found else ("", 0)


@wrong("find_call", says="small letters")
def any_letters(turn):
    found = re.search(r"<calc>((?:(?!</?calc>).)*)</calc>", turn, re.DOTALL | re.IGNORECASE)
    return (found[1], found.end()) if found else None


@wrong("find_call", says="not all of them")
def every_call(turn):
    pattern = r"<calc>((?:(?!<calc>|</calc>).)*)</calc>"
    return [(found[1], found.end()) for found in re.finditer(pattern, turn, re.DOTALL)] or None


@wrong("find_call", says="raised")
def index_for_find(turn):
    start = turn.index(OPEN) + len(OPEN)
    end = turn.index(CLOSE, start)
    return turn[start:end], end + len(CLOSE)


@wrong("find_call", says="may stand earlier in the turn")
def looks_for_its_text(turn):
    start = None
    for mark in re.finditer(f"{OPEN}|{CLOSE}", turn):
        if mark[0] == OPEN:
            start = mark.end()
        elif start is not None:
            whole = turn[start : mark.end()]
            return whole[: -len(CLOSE)], turn.index(whole) + len(whole)
    return None


# --------------------------------------------------------------------------------------------------------- evaluate


@wrong("evaluate", says="nothing may be executed")
def by_eval(expression):
    try:
        return Fraction(eval(expression, {})).limit_denominator(10**12)
    except ZeroDivisionError:
        raise
    except Exception:
        raise ValueError(expression) from None


@wrong("evaluate", says="should be a Fraction")
def by_decimals(expression):
    return left_to_right(expression, Decimal)


@wrong("evaluate", says="come before + and -")
def without_rank(expression):
    return left_to_right(expression, Fraction)


def left_to_right(expression, number):
    parts = re.findall(r"[0-9]+(?:\.[0-9]+)?|\S", expression)
    if not parts:
        raise ValueError(expression)

    def factor():
        if not parts:
            raise ValueError(expression)
        part = parts.pop(0)
        if part == "-":
            return -factor()
        if part == "(":
            value = total()
            if not parts or parts.pop(0) != ")":
                raise ValueError(expression)
            return value
        if part[0] not in "0123456789":
            raise ValueError(expression)
        return number(part)

    def total():
        value = factor()
        while parts and parts[0] in "+-*/":
            sign = parts.pop(0)
            value = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[sign](
                value, factor()
            )
        return value

    value = total()
    if parts:
        raise ValueError(expression)
    return value


OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def from_tree(node, text=None):
    if isinstance(node, ast.BinOp):
        return OPERATIONS[type(node.op)](from_tree(node.left, text), from_tree(node.right, text))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -from_tree(node.operand, text)
    if isinstance(node, ast.Constant):
        return Fraction(ast.get_source_segment(text, node) if text else node.value)
    raise ValueError(ast.dump(node))


@wrong("evaluate", says="expected")
def by_pythons_tree(expression):
    """Python's floats are rounded before anybody sees them; and 1e3, 0x10, 1_0 are numbers to Python."""
    try:
        return from_tree(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, KeyError) as error:
        raise ValueError(expression) from error


@wrong("evaluate", says="007")
def by_pythons_tree_and_texts(expression):
    try:
        return from_tree(ast.parse(expression.strip(), mode="eval").body, expression.strip())
    except (SyntaxError, KeyError) as error:
        raise ValueError(expression) from error


def split_at(expression, signs):
    """The last of the signs outside of all brackets, or -1."""
    depth, found = 0, -1
    for i, sign in enumerate(expression):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and sign in signs and i > 0 and expression[i - 1] not in "+-*/(":
            found = i
    return found


def by_splitting(expression, joined):
    text = expression.replace(" ", "") if joined else expression.strip()
    for signs in ("+-", "*/"):
        if (place := split_at(text, signs)) > 0:
            left, right = by_splitting(text[:place], joined), by_splitting(text[place + 1 :], joined)
            return {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[text[place]](
                left, right
            )
    if text.startswith("-"):
        return -by_splitting(text[1:], joined)
    if text.startswith("(") and text.endswith(")"):
        return by_splitting(text[1:-1], joined)
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        raise ValueError(expression)
    return Fraction(text)


@wrong("evaluate", says="a space ends a number")
def spaces_removed_first(expression):
    return by_splitting(expression, joined=True)


@wrong("evaluate", says="spaces between the parts")
def spaces_hide_a_sign(expression):
    """In 4 - -3 a space stands before the second sign, which is taken for an operation."""
    return by_splitting(expression, joined=False)


def recursive(expression, pattern=r"[0-9]+(?:\.[0-9]+)?|\S", number=Fraction, rest=True, closed=True, minus=True):
    parts = [*re.findall(pattern, expression), ""]

    def total():
        value = product()
        while parts[0] and parts[0] in "+-":
            value = value + product() if parts.pop(0) == "+" else value - product()
        return value

    def product():
        value = factor()
        while parts[0] and parts[0] in "*/":
            value = value * factor() if parts.pop(0) == "*" else value / factor()
        return value

    def factor():
        part = parts.pop(0)
        if part == "-" and minus:
            return -factor()
        if part == "(":
            value = total()
            if (parts[0] == ")" or closed) and parts.pop(0) != ")":
                raise ValueError(expression)
            return value
        if not part or not part[0].isascii() or not (part[0].isdigit() or part[0] == "."):
            raise ValueError(expression)
        return number(part)

    value = total()
    if rest and parts != [""]:
        raise ValueError(expression)
    return value


@wrong("evaluate", says="left over")
def the_rest_is_ignored(expression):
    return recursive(expression, rest=False)


@wrong("evaluate", says="not closed is no expression")
def brackets_may_stay_open(expression):
    return recursive(expression, closed=False)


@wrong("evaluate", says="before a number or a bracket")
def no_minus_in_front(expression):
    return recursive(expression, minus=False)


@wrong("evaluate", says="should be a Fraction")
def with_floats(expression):
    return recursive(expression, number=float)


@wrong("evaluate", says="has the float's error")
def floats_made_fractions(expression):
    return recursive(expression, number=lambda part: Fraction(float(part)))


@wrong("evaluate", says="both sides of a point")
def points_at_the_edge(expression):
    return recursive(expression, pattern=r"[0-9]*\.?[0-9]+|\S")


@wrong("evaluate", says="may have a point")
def whole_numbers(expression):
    return recursive(expression, pattern=r"[0-9]+|\S")


@wrong("evaluate", says="passed over")
def unknown_signs_ignored(expression):
    return recursive(expression, pattern=r"[0-9]+(?:\.[0-9]+)?|[-+*/()]")


@wrong("evaluate", says="expected")
def none_for_errors(expression):
    try:
        return recursive(expression)
    except ValueError:
        return None


@wrong("evaluate", says="all else a ValueError")
def all_errors_alike(expression):
    try:
        return recursive(expression)
    except ZeroDivisionError:
        raise ValueError("a division by zero") from None


UNCLOSED = 'if parts.pop(0) != ")":\n                raise ValueError("a bracket is not closed")'
slips(
    "evaluate",
    anything_closes=("(1 2", edit(UNCLOSED, 'if not parts.pop(0):\n                raise ValueError("not closed")')),
    twelve_digits=("exactly", edit("return Fraction(part)", "return Fraction(part).limit_denominator(10**12)")),
)
slips("answer_mask", ends_at_id_0=("", edit("ids == end,", "(ids == end) | (ids == 0),")))
slips(
    "sequence_log_probability",
    never_below_a_floor=("in it", edit(".sum(-1)", ".clamp(min=-1e4).sum(-1)")),
)
slips(
    "dpo_loss",
    nan_behind_where=(
        "the gradient",
        edit(
            "-functional.logsigmoid(margin)",
            "torch.where(margin < -20, -margin, -torch.log(torch.sigmoid(margin)))",
        ),
    ),
)
slips(
    "group_advantages",
    little_is_nothing=(
        "differ by little",
        edit("return distance / (", "return (deviation > 1e-5) * distance / ("),
    ),
)
slips(
    "grpo_loss",
    advantage_0_dropped=(
        "7 attempts",
        edit("return -", "some = advantages != 0\n    of_rows = of_rows[some if some.any() else ~some]\n    return -"),
    ),
)
