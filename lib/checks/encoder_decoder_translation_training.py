"""Checks of notebook 09, second part: AdamW, the learning rate, a step of training, alignment; questions."""

import math

import torch
from torch import nn

from lib import attention
from lib.checks.core import Exercise, Question, edit
from lib.checks.probing import fill, plain, raises
from lib.training import adamw, loop, recipes

adamw_step = Exercise(adamw.adamw_step, returns=("the new weight", "the mean", "the square"))
learning_rate = Exercise(recipes.learning_rate)
training_step = Exercise(loop.training_step)
alignment_accuracy = Exercise(attention.alignment_accuracy)


# ------------------------------------------------------------------------------------------------------- adamw_step


def _four(rng, *shape):
    """A weight, a gradient, a mean and a mean of squares, as they may be in the middle of a training."""
    weight, gradient, mean, noise = (torch.randn(shape, generator=rng) for _ in range(4))
    return weight, gradient, mean, mean**2 + noise**2


ONE = torch.ones(1)


@adamw_step.probe("the worked step: gradient 4, nothing before, rate 0.1, no decay")
def _(answer, rng):
    return answer(ONE, 4 * ONE, 0 * ONE, 0 * ONE, 1, 0.1, decay=0.0)


@adamw_step.probe("the worked second step: gradient -4, mean 0.4, square 0.32, rate 0.1, no decay")
def _(answer, rng):
    return answer(ONE, -4 * ONE, 0.4 * ONE, 0.32 * ONE, 2, 0.1, decay=0.0)


@adamw_step.probe("gradients of 0 from the first step on: only the decay is left, rate 0.5, decay 0.1")
def _(answer, rng):
    return answer(torch.tensor([2.0, -3.0]), *torch.zeros(3, 2), 1, 0.5, decay=0.1)


@adamw_step.probe("step 7 for a weight (3, 5), rate 0.3, the rest as it is by default")
def _(answer, rng):
    return answer(*_four(rng, 3, 5), 7, 0.3)


@adamw_step.probe("step 2 for a parameter (5, 3), without autograd, as in the next cell; decay 0.1, betas of PyTorch's")
@torch.no_grad()
def _(answer, rng):
    weight, gradient, mean, square = _four(rng, 5, 3)
    new, mean, square = answer(nn.Parameter(weight), gradient, mean, square, 2, 0.1, (0.9, 0.999), decay=0.1)
    return new.detach(), mean, square


@adamw_step.probe("step 3 for a weight (2, 3, 5), every option of its own")
def _(answer, rng):
    return answer(*_four(rng, 2, 3, 5), 3, 0.3, (0.5, 0.7), 0.2, 0.4)


@adamw_step.probe("step 1000 for a weight without axes; gradients as small as eps, 1e-8")
def _(answer, rng):
    weight, gradient, mean, square = _four(rng)
    return answer(weight, 1e-8 * gradient, 1e-8 * mean, 1e-16 * square, 1000, 0.3)


@adamw_step.probe("step 3,000 with betas as near 1 as 0.9999, where the corrections are far from 1 still")
def _(answer, rng):
    return answer(*_four(rng, 5), 3000, 0.3, (0.999, 0.9999))


MEAN, SQUARE = "beta1 * mean + (1 - beta1) * gradient", "beta2 * square + (1 - beta2) * gradient**2"
MEAN_HAT, SQUARE_HAT = "mean / (1 - beta1**step)", "square / (1 - beta2**step)"
DECAYED, MOVE = "weight * (1 - rate * decay)", "rate * mean_hat / (square_hat.sqrt() + eps)"

# fmt: off
adamw_step.mistakes(
    no_correction=("the means are not corrected: divide by 1 - β₁ᵗ and 1 - β₂ᵗ.",
        edit(MEAN_HAT, "mean", SQUARE_HAT, "square")),
    mean_not_corrected=("the mean is not corrected: divide it by 1 - β₁ᵗ.", edit(MEAN_HAT, "mean")),
    square_not_corrected=("the mean of squares is not corrected: divide it by 1 - β₂ᵗ.", edit(SQUARE_HAT, "square")),
    returns_the_corrected=(
        "the corrected means come back: return the running means themselves, the correction is made anew each step.",
        edit("eps), mean, square", "eps), mean_hat, square_hat"),
    ),
    no_root=("v̂ stands without its root: divide by √v̂ + ε.", edit("square_hat.sqrt()", "square_hat")),
    eps_inside=("ε is added under the root: √v̂ + ε.", edit("(square_hat.sqrt() + eps)", "(square_hat + eps).sqrt()")),
    no_eps=("without ε a gradient of 0 gives 0 / 0.", edit(" + eps", "")),
    decay_in_the_gradient=(
        "the decay is added to the gradient (L2): AdamW takes it from the weight itself, beside the step.",
        edit("    mean = beta1", "    gradient = gradient + decay * weight\n    mean = beta1", DECAYED, "weight"),
    ),
    decay_without_rate=("the decay lacks the rate: η·λ·w.", edit(DECAYED, "weight * (1 - decay)")),
    decay_not_used=("`decay` is not used: take η·λ·w from the weight.", edit(DECAYED, "weight")),
    decay_after=(
        "the decay is taken from the weight after the step; take it from the weight before it.",
        edit(DECAYED, "weight", f"weight - {MOVE}", f"(weight - {MOVE}) * (1 - rate * decay)"),
    ),
    grows=("the weights grow: the decay is subtracted.", edit("1 - rate * decay", "1 + rate * decay")),
    betas_exchanged=("β₁ and β₂ are exchanged.", edit("beta1, beta2 = betas", "beta2, beta1 = betas")),
    square_of_the_mean=("the mean is squared: v is the mean of the squares of the gradients.",
        edit("gradient**2", "mean**2")),
    not_squared=("the gradient is not squared in v.", edit("gradient**2", "gradient.abs()")),
    uphill=("the step goes uphill: subtract it.", edit(f"weight - {MOVE}", f"weight + {MOVE}")),
    sum_not_mean=("the gradient comes in whole: (1 - β₁)·g and (1 - β₂)·g².",
        edit(MEAN, "beta1 * mean + gradient"), edit(SQUARE, "beta2 * square + gradient**2"),
        edit(MEAN, "beta1 * mean + gradient", SQUARE, "beta2 * square + gradient**2")),
    weights_exchanged=("β and 1 - β are exchanged: the old mean keeps β, the new gradient gets 1 - β.",
        edit(MEAN, "(1 - beta1) * mean + beta1 * gradient"),
        edit(SQUARE, "(1 - beta2) * square + beta2 * gradient**2"),
        edit(MEAN, "(1 - beta1) * mean + beta1 * gradient", SQUARE, "(1 - beta2) * square + beta2 * gradient**2")),
    counted_from_0=("the step is counted from 1 already.",
        edit(MEAN_HAT, "mean / (1 - beta1 ** (step + 1))", SQUARE_HAT, "square / (1 - beta2 ** (step + 1))")),
    times_the_step=("β is multiplied by the step: it is a power, β**step.",
        edit("beta1**step", "beta1 * step", "beta2**step", "beta2 * step")),
    no_momentum=("the gradient itself is the direction: take the mean m̂.", edit("rate * mean_hat", "rate * gradient")),
    no_scale=("the step is not divided by √v̂ + ε.", edit(MOVE, "rate * mean_hat")),
    sign_only=("only the sign of m̂ counts here: divide m̂ by √v̂ + ε.",
        edit(MOVE, "rate * mean_hat.sign()")),
    one_root_for_all=("one number divides the whole tensor: each weight has its own v̂.",
        edit("square_hat.sqrt()", "square_hat.mean().sqrt()")),
    in_place=("your code changes what it was given: make new tensors.",
        edit(MEAN, "mean.mul_(beta1).add_(gradient, alpha=1 - beta1)"),
        edit(DECAYED, "weight.mul_(1 - rate * decay)")),
    only_the_weight=("only the weight comes back: return mean and square too.",
        edit("eps), mean, square", "eps)")),
    square_first=("the order is: weight, mean, square.", edit("eps), mean, square", "eps), square, mean")),
    always_these_betas=("the betas are fixed: use `betas`.", edit("beta1, beta2 = betas", "beta1, beta2 = 0.9, 0.98"),
        edit("beta1, beta2 = betas", "beta1, beta2 = 0.9, 0.999")),
    always_this_eps=("1e-8 is fixed: use `eps`.", edit("+ eps", "+ 1e-8")),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------- learning_rate


def _rates(answer, steps, *arguments, **named):
    """A million times each rate: small numbers would all be equal, so to say."""
    return {
        f"a million times the rate at step {step}": 1e6 * plain(answer(step, *arguments, **named)) for step in steps
    }


@learning_rate.probe("the worked numbers: steps 99 and 600 of 1000, warm-up 200, peak 0.002")
def _(answer, rng):
    return _rates(answer, (99, 600), 1000, 0.002, 200)


@learning_rate.probe("the first steps and the last of 97, warm-up 7, peak 0.3")
def _(answer, rng):
    return _rates(answer, (0, 1, 5, 6, 7, 8, 95, 96), 97, 0.3, 7)


@learning_rate.probe("steps after the last one")
def _(answer, rng):
    return _rates(answer, (97, 98, 150, 187, 1000), 97, 0.3, 7)


@learning_rate.probe("no warm-up")
def _(answer, rng):
    return _rates(answer, (0, 1, 30, 60), 61, 0.5, 0)


@learning_rate.probe("another floor, 0.3, and none, 0.0")
def _(answer, rng):
    return [_rates(answer, (3, 10, 40, 52), 53, 0.5, 10, floor) for floor in (0.3, 0.0)]


@learning_rate.probe("a training of 4600 steps, as in the next cells")
def _(answer, rng):
    return _rates(answer, (0, 100, 199, 200, 1000, 2400, 4599), 4600, 2e-3, 200)


RISE, SHARE = "peak * (step + 1) / warmup", "(step - warmup) / (steps - warmup)"
FALL = "peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))"

# fmt: off
learning_rate.mistakes(
    starts_at_0=("the first step has the rate 0: peak · (step + 1) / warmup.",
        edit("(step + 1) / warmup", "step / warmup")),
    no_warm_up=("there is no warm-up.", edit("if step < warmup:", "if False:")),
    one_step_too_long=("the warm-up is one step too long: step `warmup` is the first of the way down.",
        edit("step < warmup", "step <= warmup")),
    rises_again=("after the last step the cosine rises again: p is at most 1.", edit("min(1.0, share)", "share")),
    zero_at_the_end=("it falls to 0: the lowest rate is floor · peak.",
        edit("(floor + (1 - floor) * 0.5 *", "(0.5 *"), edit(FALL, f"({FALL}) * (share < 1)")),
    above_the_peak=("floor is added on top: the cosine part is multiplied by 1 - floor.",
        edit("floor + (1 - floor) *", "floor +")),
    cut_off=("the cosine is cut off at the floor: stretch it, floor + (1 - floor) · (1 + cos) / 2.",
        edit("(floor + (1 - floor) * 0.5 *", "max(floor, 0.5 *")),
    floor_without_peak=("floor is a share of the peak: floor · peak.",
        edit(FALL, "floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))")),
    a_quarter=("this is a quarter of a circle: the cosine goes from 0 to π.",
        edit("0.5 * (1 + math.cos(math.pi * min(1.0, share)))", "math.cos(0.5 * math.pi * min(1.0, share))")),
    linear=("this falls in a line: along a cosine.",
        edit("0.5 * (1 + math.cos(math.pi * min(1.0, share)))", "(1 - min(1.0, share))")),
    share_of_all=("p is the share of the way down: (step - warmup) / (steps - warmup).",
        edit(SHARE, "step / steps")),
    divided_by_steps=("p is divided by all steps; divide by steps - warmup, those of the way down.",
        edit(SHARE, "(step - warmup) / steps")),
    not_from_the_warm_up=("p does not begin at 0: subtract warmup from the step.",
        edit(SHARE, "step / (steps - warmup)")),
    upside_down=("the cosine is upside down: 1 + cos falls, 1 - cos rises.", edit("1 + math.cos", "1 - math.cos")),
    too_high=("the half is missing: (1 + cos) / 2 is at most 1.", edit("0.5 * (1", "(1")),
    no_one=("1 is missing: (1 + cos(π·p)) / 2.", edit("(1 + math.cos", "(math.cos")),
    degrees=("the angle is in radians: π, not 180.", edit("math.pi", "180")),
    no_pi=("π is missing in the cosine.", edit("math.pi * ", "")),
    relative=("the peak is missing.", edit("peak * (floor", "(floor", RISE, "(step + 1) / warmup"),
        edit("peak * (floor", "(floor")),
    warm_up_without_peak=("the warm-up rises to 1; it should rise to `peak`.", edit(RISE, "(step + 1) / warmup")),
    ends_one_early=("the lowest rate comes one step too early: p is 1 at step `steps`, after the last.",
        edit(SHARE, "(step - warmup) / (steps - 1 - warmup)")),
    counted_from_1=("steps are counted from 0.", edit(SHARE, "(step + 1 - warmup) / (steps - warmup)"),
        edit("if step", "step = step - 1\n    if step")),
    always_this_floor=("2% is fixed: use `floor`.", edit("floor + (1 - floor)", "0.02 + 0.98")),
    no_way_down=("there is no way down: after the warm-up it falls along a cosine.", edit(FALL, "peak")),
    noam=("this is the paper's fall, one over a root: along a cosine.",
        edit(FALL, "peak * (max(1, warmup) / step) ** 0.5")),
)
# fmt: on


# ---------------------------------------------------------------------------------------------------- training_step

ROWS, D_IN, D_OUT = 11, 5, 3


class _Net(nn.Module):
    """Two layers, and a loss that keeps count of nothing."""

    def __init__(self, rng):
        super().__init__()
        self.widen, self.narrow = nn.Linear(D_IN, 7), nn.Linear(7, D_OUT)
        fill(self, rng)

    def loss(self, batch):
        x, y = batch
        return (self.narrow(self.widen(x).tanh()) - y).square().mean()


def _batches(rng, n, scale=1.0):
    return [(torch.randn(ROWS, D_IN, generator=rng), scale * torch.randn(ROWS, D_OUT, generator=rng)) for _ in range(n)]


def _weights(model):
    return {f"`{name}` after it": p.detach().clone() for name, p in model.named_parameters()}


def _sgd(model):
    return torch.optim.SGD(model.parameters(), lr=77.0)


@training_step.probe("one batch, rate 0.5, gradients that are not clipped")
def _(answer, rng):
    model = _Net(rng)
    loss = answer(model, model.loss, _batches(rng, 1), _sgd(model), 0.5, 1000.0)
    return {"the loss": plain(loss), **_weights(model)}


@training_step.probe("gradients were left from another loss")
def _(answer, rng):
    model = _Net(rng)
    (100 * model.loss(_batches(rng, 1)[0])).backward()
    answer(model, model.loss, _batches(rng, 1), _sgd(model), 0.5, 1000.0)
    return _weights(model)


@training_step.probe("three batches, accumulated, gradients that are not clipped")
def _(answer, rng):
    model = _Net(rng)
    loss = answer(model, model.loss, _batches(rng, 3), _sgd(model), 0.5, 1000.0)
    return {"the loss": plain(loss), **_weights(model)}


@training_step.probe("targets around 100: the gradients are clipped to 0.7")
def _(answer, rng):
    model = _Net(rng)
    loss = answer(model, model.loss, _batches(rng, 1, 100.0), _sgd(model), 0.5, 0.7)
    return {"the loss": plain(loss), **_weights(model)}


@training_step.probe("two batches whose gradients partly cancel, clipped to 1 by default")
def _(answer, rng):
    model, ((x, y), (other, _)) = _Net(rng), _batches(rng, 2, 30.0)
    answer(model, model.loss, [(x, y), (other, -y)], _sgd(model), 0.5)
    return _weights(model)


@training_step.probe("five steps of AdamW in two groups of parameters, each step with a rate of its own")
def _(answer, rng):
    model = _Net(rng)
    groups = [{"params": model.widen.parameters()}, {"params": model.narrow.parameters(), "weight_decay": 0.5}]
    optimiser, losses = torch.optim.AdamW(groups, lr=77.0), []
    for step in range(5):
        losses.append(plain(answer(model, model.loss, _batches(rng, 1 + step % 2), optimiser, 0.3 / (1 + step))))
    return {"the losses": losses, "the rates of the last step": [g["lr"] for g in optimiser.param_groups]} | _weights(
        model
    )


def _not_finite(answer, rng, loss_of, name):
    model = _Net(rng)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1)
    said = raises(
        FloatingPointError, answer, model, lambda batch: loss_of(model, batch), _batches(rng, 2), optimiser, 0.5
    )
    return {name: said, "steps that the optimiser has taken": len(optimiser.state), **_weights(model)}


@training_step.probe("a loss that is nan: an error, before the weights change")
def _(answer, rng):
    return _not_finite(answer, rng, lambda model, batch: model.loss(batch) * math.nan, "with a loss of nan")


@training_step.probe("a loss of 0 whose gradient is infinite: an error, before the weights change")
def _(answer, rng):
    def steep(model, batch):
        total = sum(p.sum() for p in model.parameters())
        return 1e30 * (1e30 * (total - total.detach()))

    return _not_finite(answer, rng, steep, "with a gradient that is infinite")


LOSS, BACK, TOTAL = "loss_of(batch) / len(batches)", "loss.backward()", "total += loss.item()"
CLIP, GROUPS, STEP = (
    "norm = clip_grad_norm_(model.parameters(), max_norm)",
    'for group in optimiser.param_groups:\n        group["lr"] = rate',
    "optimiser.step()",
)
UNCLIPPED, REFUSE = CLIP.replace("max_norm", "math.inf"), "if not norm.isfinite():"

# fmt: off
training_step.mistakes(
    never_zeroed=("gradients of before are still there: `model.zero_grad()` at the beginning.",
        edit("model.zero_grad()", "pass"),
        edit("model.zero_grad()", "pass", STEP, f"{STEP}\n    model.zero_grad()")),
    zeroed_for_each_batch=("the gradients are zeroed for each batch: once a step, so that they add up.",
        edit("loss = loss_of", "model.zero_grad()\n        loss = loss_of")),
    not_divided=("the losses are added up: divide each by the number of batches.", edit(" / len(batches)", ""),
        edit(" / len(batches)", "", "return total", "return total / len(batches)")),
    loss_divided_twice=("the result is the sum of all losses divided twice: their mean.",
        edit("return total", "return total / len(batches)")),
    first_batch=("only the first batch counts.", edit("for batch in batches:", "for batch in batches[:1]:"),
        edit("for batch in batches:", "for batch in batches[:1]:", " / len(batches)", "")),
    last_batch=("only the last batch counts.", edit("for batch in batches:", "for batch in batches[-1:]:"),
        edit("for batch in batches:", "for batch in batches[-1:]:", " / len(batches)", "")),
    clipped_one_by_one=("each batch is clipped by itself: clip once, when all gradients are together.",
        edit(TOTAL, f"{TOTAL}\n        {CLIP}", f"    {CLIP}\n    if", "    if")),
    not_clipped=("the gradients are not clipped.", edit("max_norm)\n", "math.inf)\n")),
    clipped_by_value=("every number is cut off by itself; shorten all by one factor.",
        edit(CLIP, f"{UNCLIPPED}\n    nn.utils.clip_grad_value_(model.parameters(), max_norm)")),
    clipped_each_tensor=("each parameter is clipped by itself; clip by the norm of all together.",
        edit(CLIP, "norm = sum(clip_grad_norm_([p], max_norm) for p in model.parameters())")),
    clipped_to_1=("the gradients are always clipped to 1; clip to `max_norm`.", edit("max_norm)\n", "1.0)\n")),
    always_that_long=("short gradients are made longer: shorten only those that are longer than max_norm.",
        edit(CLIP, f"{UNCLIPPED}\n    for p in model.parameters():\n"
             "        p.grad *= max_norm / norm")),
    rate_not_set=("`rate` is not used: set it in each of the optimiser's groups.", edit('group["lr"] = rate', "pass")),
    rate_too_late=("the rate is set after the step: it comes one step too late.",
        edit(f"    {GROUPS}\n    {STEP}", f"    {STEP}\n    {GROUPS}")),
    first_group_only=("only the first group of parameters gets the rate.",
        edit("in optimiser.param_groups:", "in optimiser.param_groups[:1]:")),
    rate_multiplied=("the old rate is multiplied: set it.", edit('group["lr"] = rate', 'group["lr"] *= rate')),
    a_step_for_each_batch=("a step is taken for each batch; take one step, after all of them.",
        edit(TOTAL, f"{TOTAL}\n        for group in optimiser.param_groups:\n            group['lr'] = rate\n"
             f"        clip_grad_norm_(model.parameters(), max_norm)\n        {STEP}", f"\n    {STEP}\n", "\n")),
    no_step=("no step is taken: `optimiser.step()`.", edit(f"\n    {STEP}", "")),
    no_backward=("no gradients are computed: `loss.backward()`.", edit(BACK, "pass")),
    a_tensor=("the result is a tensor: `loss.item()` is a float.", edit("loss.item()", "loss")),
    the_last_loss=("the last batch's loss comes back: the mean of all.",
        edit("return total", "return loss.item() * len(batches)"), edit("return total", "return loss.item()")),
    the_norm=("the norm of the gradients comes back: the loss.", edit("return total", "return norm.item()")),
    loss_after_the_step=("the loss is computed again after the step; return it as it was before.",
        edit("return total", "return sum(loss_of(batch).item() for batch in batches) / len(batches)")),
    goes_on_with_nan=("it goes on with gradients that are not finite: raise FloatingPointError before the step.",
        edit(REFUSE, "if False:")),
    refuses_too_late=("the error comes after the step, when the weights are lost: check before it.",
        edit(f"    {REFUSE}\n        raise FloatingPointError(f\"the gradients' norm is {{norm.item()}}\")\n", "",
             STEP, f"{STEP}\n    {REFUSE}\n        raise FloatingPointError")),
    only_the_loss_is_looked_at=("a finite loss may have gradients that are not: look at their norm.",
        edit(REFUSE, "if not math.isfinite(total):")),
    skips_in_silence=("a step with gradients that are not finite is left out in silence: raise FloatingPointError.",
        edit('raise FloatingPointError(f"the gradients\' norm is {norm.item()}")', "return total")),
    another_error=("another error is raised: FloatingPointError is asked for.",
        edit("raise FloatingPointError", "raise ValueError")),
    negative=("the step goes uphill: the gradients are those of the loss, the optimiser subtracts.",
        edit(BACK, "(-loss).backward()")),
)
# fmt: on


# ----------------------------------------------------------------------------------------------- alignment_accuracy


def _looking(rng, *best, read):
    """Weights (written, read) whose rows sum to 1, the largest of row j at best[j]."""
    weights = torch.rand(len(best), read, generator=rng)
    weights[range(len(best)), best] += 1
    return weights / weights.sum(-1, keepdim=True)


def _heads(rng, *shape):
    return torch.rand(*shape, generator=rng).softmax(-1)


@alignment_accuracy.probe("2 blocks, 3 heads, 6 written and 4 read words, a link for five of them")
def _(answer, rng):
    weights = _heads(rng, 2, 3, 6, 4)
    weights[1, 2], weights[0, 1] = _looking(rng, 0, 1, 2, 3, 1, 0, read=4), _looking(rng, 1, 1, 3, 3, 0, 0, read=4)
    return answer(weights, [(0, 0), (2, 2), (3, 3), (1, 4), (0, 5)])


@alignment_accuracy.probe("one head, 3 written and 5 read words, one link, in a tuple")
def _(answer, rng):
    return answer(_looking(rng, 1, 4, 2, read=5)[None], ((4, 1),))


@alignment_accuracy.probe("no heads, 5 written and 7 read words, two links for one of them")
def _(answer, rng):
    return answer(_looking(rng, 3, 1, 6, 2, 5, read=7), [(3, 0), (1, 1), (2, 3), (6, 4), (5, 4)])


@alignment_accuracy.probe("2 written words of 4 links each: more links than words")
def _(answer, rng):
    weights = torch.stack([_looking(rng, 1, 3, read=5), _looking(rng, 0, 0, read=5)])
    return answer(weights, [(i, j) for j in (1, 0) for i in (0, 1, 3, 4)])


@alignment_accuracy.probe("leading axes (2, 1, 3, 2), as many words as heads")
def _(answer, rng):
    weights = _heads(rng, 2, 1, 3, 2, 2, 2)
    weights[0, 0, 1, 1] = torch.tensor([[0.4, 0.6], [0.7, 0.3]])
    return answer(weights, [(1, 0), (0, 1)])


@alignment_accuracy.probe("300 written and 310 read words, all of them linked in order")
def _(answer, rng):
    best = [*range(150), *range(160, 310)]
    weights = torch.stack([_looking(rng, *best, read=310), _looking(rng, *best[::-1], read=310)])
    return answer(weights, [(i, i) for i in range(300)])


BEST, HITS, SHARES = "weights.argmax(-1)[..., written]", "(looked_at == read)", ".float().mean(-1)"

# fmt: off
alignment_accuracy.mistakes(
    best_written=("the axes are exchanged: for each written word, the best read one: argmax over the last axis.",
        edit(BEST, "weights.argmax(-2)[..., read]", "== read", "== written")),
    links_turned=("the links are taken the wrong way round: a link is (read, written).",
        edit("read, written = torch", "written, read = torch")),
    least=("the smallest weight is looked for: argmax.", edit("argmax", "argmin")),
    row_after=("one row too late: row j was looked at before word j was written.",
        edit("argmax", "roll(-1, -2).argmax"), edit("[..., written]", "[..., written + 1]")),
    row_before=("one row too early: row j was looked at before word j was written.",
        edit("[..., written]", "[..., written - 1]")),
    count_of_hits=("the hits are counted: divide by the number of links.",
        edit(SHARES, ".sum(-1)"), edit(SHARES, ".float().sum(-1)")),
    by_written_words=("the hits are divided by the number of written words: divide by the number of links.",
        edit(SHARES, ".float().sum(-1) / weights.shape[-2]")),
    by_read_words=("the hits are divided by the number of read words: divide by the number of links.",
        edit(SHARES, ".float().sum(-1) / weights.shape[-1]")),
    one_link_of_a_word=("of two links of a written word only one counts here: every link counts.",
        edit("tensor(links)", "tensor([(i, j) for j, i in {j: i for i, j in links}.items()])"),
        edit(HITS, f"torch.stack([{HITS}[..., written == j].any(-1) for j in written.unique()], -1)")),
    rows_in_order=("rows are taken in order, 0, 1, 2 ...: a link's row is that of its written word.",
        edit("[..., written]", "[..., : len(links)]")),
    over_one_half=("a weight over one half is asked for: it need only be the largest of its row.",
        edit(HITS, "(weights[..., written, read] > 0.5)")),
    all_heads_together=("one number for all heads: keep the leading axes, average over the links alone.",
        edit(SHARES, ".float().mean()")),
    mean_head=("the heads are averaged before the argmax: judge each by itself.",
        edit("weights.argmax", "(weights.flatten(0, -3).mean(0) if weights.ndim > 2 else weights).argmax"),
        edit("weights.argmax", "weights.mean(-3).argmax"), edit("weights.argmax", "weights.mean(1).argmax")),
    mean_weight=("the weight on the right word is averaged: ask whether it is the largest.",
        edit(HITS, "weights[..., written, read]")),
    each_link=("right and wrong for each link come back: take their mean.", edit(SHARES, ""), edit(SHARES, ".float()")),
    percent=("these are percent: a share is between 0 and 1.", edit(HITS, f"100 * {HITS}")),
    first_link=("only the first link counts here: take the mean over all of them.", edit("(links)", "(links[:1])")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- questions

positions_computed = Question(
    "positions_computed",
    lambda: sum(range(1, 21)),
    "20 steps, for 19 words and <EOS>; the first computes 1 position, the last 20: 20 · 21 / 2 = 210, more than ten "
    "times as many as in training. It grows with the square of the length.",
    "How many steps are taken? And how many positions does each of them compute? <EOS> has to be written, too.",
    (
        (190, "That is for 19 steps: the model must also write <EOS>."),
        (20, "That would be so with a cache. Here each step computes all positions so far anew."),
        (400, "Not every step computes 20 positions: the first has only <SOS>."),
        (380, "Not every step computes the same number of positions: the first has only <SOS>."),
        (361, "Not every step computes the same number of positions: the first has only <SOS>."),
        (231, "That is for 21 steps. <SOS> is not written, it is heard in the first step."),
        (19, "That would be so with a cache, and without <EOS>. Here each step computes all positions so far anew."),
    ),
)
padding_share = Question(
    "padding_share",
    lambda: recipes.share_of_padding([1, 9, 5, 5, 5, 6], [[0, 1], [2, 3, 4, 5]]),
    "the rectangles have 2·9 + 4·6 = 42 places and hold 31 tokens: 11 places of 42 are padding, 0.262. Sorted by "
    "length, 1 with 5 and so on, it would be less.",
    "How many places has each rectangle? How many of them hold a token? Add up both before you divide.",
    (
        (31 / 42, "That is the share of real tokens."),
        (11 / 31, "Padding is divided by the real tokens: by all places."),
        (
            (8 / 18 + 3 / 24) / 2,
            "That is the mean of the batches' shares: the larger batch counts for more. Add up first.",
        ),
        (23 / 54, "Each batch is only as wide as its own longest sentence."),
        (11, "That is the number of places: which share of all is it?"),
        (100 * 11 / 42, "That is in percent: a share is between 0 and 1."),
    ),
    within=0.01,
)
smoothed_best = Question(
    "smoothed_best",
    lambda: 0.8 + 0.2 / 4,
    "the loss is a cross-entropy with the target 0.8 + 0.2/4 for the right word and 0.2/4 for each other; a "
    "cross-entropy is smallest where the probabilities are the target's.",
    "Write down what the target gives to each of the 4 words. With which probabilities is a cross-entropy smallest?",
    (
        (0.8, "s is spread over all words, the right one too."),
        (1.0, "That is so without smoothing: here being quite sure costs."),
        (0.05, "That is the probability of each wrong word."),
        (0.95, "Only 1 - s is the right word's own; it has its part of s besides."),
    ),
    within=0.001,
)
noam_peak = Question(
    "noam_peak",
    lambda: recipes.noam_rate(4000, 512, 4000),
    "both parts meet at step 4,000: 512^-0.5 · 4000^-0.5 = 0.0442 · 0.0158 = 0.0007.",
    "At which step is it highest? Put that step into the formula.",
    (
        (4000**-0.5, "d_model is missing: times d_model^-0.5."),
        (512**-0.5, "That is the first factor. The other one is (4000)^-0.5 at the highest point."),
        (512**-0.5 * 4000**-1.5, "That is the rate of the first step."),
        (512**0.5 * 4000**-0.5, "d_model has the power of -0.5."),
        (4000, "That is the step. Which rate does it have?"),
    ),
    within=0.03,
)
