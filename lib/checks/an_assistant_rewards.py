"""Checks of notebook 20, second part: advantages in a group, and the clipped loss of GRPO."""

import torch

from lib import rewards
from lib.checks.core import Exercise, edit
from lib.checks.probing import gradients, normal

group_advantages = Exercise(rewards.group_advantages)
grpo_loss = Exercise(rewards.grpo_loss)


# ------------------------------------------------------------------------------------------------- group_advantages


@group_advantages.probe("rewards of 1, 0, 0, 0 at one prompt")
def _(answer, rng):
    return answer(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))


@group_advantages.probe("3 prompts with 5 attempts each, rewards that are any numbers")
def _(answer, rng):
    return answer(3 * normal(3, 5, rng=rng) + torch.tensor([[0.0], [10.0], [-4.0]]))


@group_advantages.probe(
    "groups in which all earn 1, nobody earns anything, or both occur; a group of one, with nobody to be compared with"
)
def _(answer, rng):
    groups = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]])
    return {"groups of 3": answer(groups), "groups of one": answer(torch.tensor([[0.7], [0.0]]))}


@group_advantages.probe("rewards without a batch, two leading axes, as many prompts as attempts, and 300 attempts")
def _(answer, rng):
    return {
        "one group": answer(normal(5, rng=rng)),
        "two leading axes": answer(normal(2, 3, 7, rng=rng)),
        "4 of 4": answer(normal(4, 4, rng=rng)),
        "300 attempts": answer(normal(2, 300, rng=rng)),
    }


@group_advantages.probe("rewards that differ by little, rewards of 5000 and 5001, and epsilon = 0.5")
def _(answer, rng):
    small, large = 1e-6 * normal(2, 5, rng=rng), torch.tensor([[5000.0, 5001.0]])
    return {"by little": answer(small), "of 5000 and 5001": answer(large), "epsilon = 0.5": answer(1e6 * small, 0.5)}


DISTANCE, DEVIATION = (
    "rewards - rewards.mean(dim=-1, keepdim=True)",
    "distance.square().mean(dim=-1, keepdim=True).sqrt()",
)
RESULT = "distance / (deviation + epsilon)"
# fmt: off
group_advantages.mistakes(
    all_groups=("each group has a mean of its own: dim=-1.", edit(DISTANCE, "rewards - rewards.mean()")),
    all_deviations=("each group has a deviation of its own: dim=-1.",
        edit(DEVIATION, "distance.square().mean().sqrt()")),
    over_all=("mean and deviation are those of each group, not of all rewards.",
        edit(DISTANCE, "rewards - rewards.mean()", DEVIATION, "distance.square().mean().sqrt()")),
    wrong_axis=("a group is a row: the mean is over the last axis.", edit("dim=-1", "dim=0")),
    no_mean=("the mean of the group is to be taken away.", edit(RESULT, "rewards / (deviation + epsilon)")),
    not_divided=("the distance is divided by the deviation; without it the variant is called Dr. GRPO.",
        edit(RESULT, "distance")),
    by_the_variance=("divide by the deviation, the root of the variance.", edit(".sqrt()", "")),
    one_less=("the deviation is the root of the mean squared distance: divide by the size of the group, not by one "
        "less (torch.std with correction=0).",
        edit(DEVIATION, "rewards.std(dim=-1, keepdim=True)"),
        edit(DEVIATION, "rewards.std(dim=-1, keepdim=True).nan_to_num()")),
    no_epsilon=("a group of equal rewards has the deviation 0: epsilon is added, so that it becomes 0 and not NaN.",
        edit(" + epsilon", "")),
    epsilon_inside=("epsilon is added to the deviation, not under the root.",
        edit(".sqrt()", ".add(epsilon).sqrt()", " + epsilon", "")),
    epsilon_as_floor=("epsilon is added to the deviation, not its smallest value.",
        edit("(deviation + epsilon)", "deviation.clamp(min=epsilon)")),
    other_epsilon=("epsilon is 1e-4 where none is given, and otherwise what is given.",
        edit("epsilon: float = 1e-4", "epsilon: float = 1e-8"), edit("+ epsilon", "+ 1e-4"),
        edit("epsilon: float = 1e-4", "epsilon: float = 1e-2")),
    absolute=("the deviation is the root of the mean square, not the mean distance.",
        edit(DEVIATION, "distance.abs().mean(dim=-1, keepdim=True)")),
    of_squares=("the mean of squares less the square of the mean has no digits left where rewards are large.",
        edit(DEVIATION, "(rewards.square().mean(-1, True) - rewards.mean(-1, True).square()).clamp(min=0).sqrt()")),
    total=("the mean square is asked for, not the sum of squares.",
        edit("square().mean(", "square().sum(")),
    inverted=("better than the group is above 0: the reward less the mean.",
        edit(DISTANCE, "rewards.mean(dim=-1, keepdim=True) - rewards")),
    median=("the mean of the group is asked for, not its median.",
        edit("rewards.mean(dim=-1, keepdim=True)", "rewards.median(dim=-1, keepdim=True).values")),
    best=("the mean of the group is asked for, not its best.",
        edit("rewards.mean(dim=-1, keepdim=True)", "rewards.amax(dim=-1, keepdim=True)")),
    softmax=("this is a softmax: the distance from the mean in deviations is asked for.",
        edit(RESULT, "rewards.softmax(-1)")),
    others_mean=("the mean is that of the whole group, the attempt itself included.",
        edit(DISTANCE, "(rewards - rewards.mean(dim=-1, keepdim=True)) * rewards.shape[-1] / max(1, rewards.shape[-1] "
             "- 1)", DEVIATION, "(rewards - rewards.mean(dim=-1, keepdim=True)).square().mean(-1, True).sqrt()")),
    held=("nothing is cut off.", edit(RESULT, f"({RESULT}).clamp(-1, 1)"), edit(RESULT, f"({RESULT}).clamp(min=0)")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- grpo_loss


def attempts(rng, batch, length, dtype=torch.float32, apart=0.3):
    """ln p of tokens by three models that are near each other, advantages of both signs, and answers of any length."""
    old = -4 * torch.rand(batch, length, generator=rng).to(dtype) - 0.1
    log_p, reference = (old + apart * normal(batch, length, rng=rng).to(dtype) for _ in range(2))
    signs = torch.where(torch.arange(batch) % 2 == 0, 1.0, -1.0)
    advantages = (signs * (0.5 + torch.rand(batch, generator=rng))).to(dtype)
    lengths = torch.randint(1, length + 1, (batch, 1), generator=rng)
    return log_p, old, reference, advantages, torch.arange(length) < lengths


def one_token(ratio, advantage, reference=0.0):
    """A single token whose probability has changed by a factor; the start finds it e^reference times as likely."""
    log_p = torch.tensor([[ratio]]).log()
    start = log_p + reference
    return log_p, torch.zeros(1, 1), start, torch.tensor([advantage]), torch.ones(1, 1, dtype=torch.bool)


@grpo_loss.probe("one token, still as the old model and the start have it, advantage 2")
def _(answer, rng):
    return answer(*one_token(1.0, 2.0))


@grpo_loss.probe("one token that is 1.1 times as likely as before, and one that is 0.9 times, beta = 0")
def _(answer, rng):
    return {
        f"ratio {ratio}, advantage {advantage}": answer(*one_token(ratio, advantage), beta=0.0)
        for ratio in (1.1, 0.9)
        for advantage in (1.0, -1.0)
    }


@grpo_loss.probe("one token that is 1.5 times as likely as before, and one that is half as likely, beta = 0")
def _(answer, rng):
    return {
        f"ratio {ratio}, advantage {advantage}": answer(*one_token(ratio, advantage), beta=0.0)
        for ratio in (1.5, 0.5)
        for advantage in (1.0, -1.0)
    }


@grpo_loss.probe(
    "one token of advantage 0 that the start finds e times as likely, and one that it finds 1/e times, beta = 1"
)
def _(answer, rng):
    return {f"ln of start over model {apart}": answer(*one_token(1.0, 0.0, apart), beta=1.0) for apart in (1.0, -1.0)}


@grpo_loss.probe("one attempt of 5 tokens; and two of 5 and 2 tokens")
def _(answer, rng):
    log_p, old, reference, advantages, mask = attempts(rng, 2, 5)
    mask = torch.tensor([[True] * 5, [False, True, True, False, False]])
    return {
        "one": answer(log_p[:1], old[:1], reference[:1], advantages[:1], mask[:1]),
        "two": answer(log_p, old, reference, advantages, mask),
    }


@grpo_loss.probe("as many attempts as tokens, 4 of 4; clip = 0.1 and beta = 0.5")
def _(answer, rng):
    return answer(*attempts(rng, 4, 4), clip=0.1, beta=0.5)


@grpo_loss.probe("7 attempts of up to 301 tokens, one of advantage 0; clip = 0.4 and beta = 0.2, given by their places")
def _(answer, rng):
    log_p, old, reference, advantages, mask = attempts(rng, 7, 301)
    advantages[2] = 0
    return answer(log_p, old, reference, advantages, mask, 0.4, 0.2)


@grpo_loss.probe("64-bit numbers, and the gradient for log_p")
def _(answer, rng):
    log_p, *others = attempts(rng, 5, 7, torch.float64)
    log_p.requires_grad_()
    loss = answer(log_p, *others)
    return {"the loss": loss} | gradients(loss[None], log_p=log_p)


RATIO, CLAMP = "(log_p - old).exp()", "ratio.clamp(1 - clip, 1 + clip)"
GAIN = f"torch.minimum(ratio * advantage, {CLAMP} * advantage)"
KL, ROWS = "kl_terms(log_p, reference)", "of_tokens.masked_fill(~mask, 0.0).sum(dim=-1) / mask.sum(dim=-1)"
# fmt: off
grpo_loss.mistakes(
    no_minus=("the loss is minus the objective: it falls when good attempts become likelier.",
        edit("return -of_rows", "return of_rows")),
    no_exponential=("the ratio is π/π_old: the exponential of the difference of the logarithms.",
        edit(RATIO, "(log_p - old)"), edit(RATIO, "(log_p / old)")),
    inverted_ratio=("the ratio is π/π_old, not π_old/π.", edit(RATIO, "(old - log_p).exp()")),
    no_old=("the ratio is that to the old model, which wrote the attempts.", edit(RATIO, "log_p.exp()")),
    ratio_to_the_start=("the ratio is that to the model that wrote the attempts, not to the start.",
        edit(RATIO, "(log_p - reference).exp()")),
    kl_to_the_old=("the KL terms compare with the start, not with the model that wrote the attempts.",
        edit(KL, "kl_terms(log_p, old)")),
    not_clipped=("nothing is clipped: the ratio is to be held between 1 - clip and 1 + clip.",
        edit(GAIN, "ratio * advantage")),
    only_clipped=("of the plain and the clipped product the smaller one counts: clipped alone, a token that went the "
        "wrong way would have no gradient.", edit(GAIN, f"{CLAMP} * advantage")),
    larger=("the smaller one of the two products counts, not the larger one.", edit("torch.minimum", "torch.maximum")),
    ratios_first=("the smaller product counts: with a negative advantage that is not the one with the smaller ratio.",
        edit(GAIN, f"torch.minimum(ratio, {CLAMP}) * advantage")),
    held_above_only=("the ratio is held from below too, at 1 - clip.", edit(CLAMP, "ratio.clamp(max=1 + clip)")),
    held_below_only=("the ratio is held from above too, at 1 + clip.", edit(CLAMP, "ratio.clamp(min=1 - clip)")),
    clip_around_0=("the ratio is held around 1: from 1 - clip to 1 + clip.", edit(CLAMP, "ratio.clamp(-clip, clip)")),
    product_clipped=("the ratio is held, and then multiplied by the advantage.",
        edit(f"{CLAMP} * advantage", "(ratio * advantage).clamp(1 - clip, 1 + clip)")),
    kl_added=("the KL terms are taken away from the gain: going far is dear.", edit("gain - beta", "gain + beta")),
    no_kl=("the KL terms are left out.", edit(f"gain - beta * {KL}", "gain")),
    no_beta=("the KL terms have the factor beta.", edit("beta * kl_terms", "kl_terms")),
    plain_kl=("a KL term is π_ref/π - ln(π_ref/π) - 1, not only the difference of the logarithms.",
        edit(KL, "(log_p - reference)")),
    squared_kl=("a KL term is π_ref/π - ln(π_ref/π) - 1, not half the square of the logarithm.",
        edit(KL, "(log_p - reference).square() / 2")),
    turned_kl=("in the KL terms the start stands above: π_ref/π.", edit(KL, "kl_terms(reference, log_p)")),
    kl_without_gradient=("gradients reach log_p through the KL terms too.",
        edit(KL, "kl_terms(log_p.detach(), reference)")),
    all_tokens=("each row gives the mean over its own tokens; here all tokens of the batch count alike.",
        edit("return -of_rows.mean()", "return -of_tokens[mask].mean()")),
    padding_counts=("the mean of a row is over the tokens that the mask marks: divide by their number.",
        edit(ROWS, "of_tokens.masked_fill(~mask, 0.0).mean(dim=-1)")),
    no_mask=("only the tokens that were written count: the mask.", edit(ROWS, "of_tokens.mean(dim=-1)")),
    kl_unmasked=("the mask holds for the KL terms too.",
        edit("of_tokens.masked_fill(~mask, 0.0)", f"(gain.masked_fill(~mask, 0.0) - beta * {KL})")),
    mask_inverted=("the mask is inverted: True is what was written.",
        edit("~mask, 0.0).sum(dim=-1) / mask", "mask, 0.0).sum(dim=-1) / mask")),
    summed=("a row gives the mean of its tokens, not their sum.",
        edit(" / mask.sum(dim=-1)", "")),
    rows_summed=("the loss is the mean of the rows, not their sum.", edit("-of_rows.mean()", "-of_rows.sum()")),
    each_row=("one number is asked for: the mean of the rows.", edit("-of_rows.mean()", "-of_rows")),
    other_clip=("clip is 0.2 where none is given, and otherwise what is given.",
        edit("clip: float = 0.2", "clip: float = 0.1"), edit("1 - clip, 1 + clip", "0.8, 1.2")),
    other_beta=("beta is 0.04 where none is given, and otherwise what is given.",
        edit("beta: float = 0.04", "beta: float = 0.1"), edit("beta * kl_terms", "0.04 * kl_terms")),
    along_the_tokens=("an advantage belongs to a row: advantages[:, None].",
        edit("advantages[:, None]", "advantages[: log_p.shape[1]].repeat(log_p.shape[1])[: log_p.shape[1]]")),
    advantage_left_out=("the advantage is left out.", edit("advantages[:, None]", "torch.ones_like(log_p)")),
    signs_only=("the advantage counts with its size, not with its sign alone.",
        edit("advantages[:, None]", "advantages.sign()[:, None]")),
    no_gradient=("no gradient reaches log_p through the ratio.", edit(RATIO, "(log_p.detach() - old).exp()")),
)
# fmt: on
