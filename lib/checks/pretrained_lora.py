"""Checks of notebook 19, second part: fine-tuning with low rank, what learns, questions on both."""

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from lib import lora
from lib.bert import Bert
from lib.checks.core import Exercise, Question, edit
from lib.checks.differences import kind_of
from lib.checks.probing import fill, gradients, normal, raises
from lib.checks.running import Problem

LoraLinear = Exercise(lora.LoraLinear)
trainable_parameters = Exercise(lora.trainable_parameters)


# ------------------------------------------------------------------------------------------------------- LoraLinear


def linear(d_in, d_out, rng, bias=True):
    """An nn.Linear whose numbers come from rng."""
    return fill(nn.Linear(d_in, d_out, bias), rng)


def thin(made):
    """`a` and `b` of a layer."""
    if not isinstance(made, nn.Module):
        raise Problem("type", f"the class should be an nn.Module, not {kind_of(made)}.")
    for name in "ab":
        if not isinstance(getattr(made, name, None), nn.Parameter):
            raise Problem(
                f"no {name}", f"`self.{name}` is to be an nn.Parameter, not {kind_of(getattr(made, name, None))}."
            )
    return made.a, made.b


def learned(made, rng):
    """The layer as it may be after some training: `a` and `b` are random numbers."""
    for part in thin(made):
        part.data = torch.randn(part.shape, generator=rng).to(part.dtype)
    return made


def whats_in(merged):
    """The parameters of what `merged` gives, and whether they learn."""
    if not isinstance(merged, nn.Linear):
        raise Problem("type", f"`merged` should give an nn.Linear, not {kind_of(merged)}.")
    learning = [name for name, part in merged.named_parameters() if part.requires_grad]
    parts = {f"the merged {name}": part.detach() for name, part in merged.named_parameters()}
    return parts | {"the merged parameters that may learn": learning}


@LoraLinear.probe("rank 3 around a layer from 7 to 5: what learns, and the shapes")
def _(answer, rng):
    made = answer(linear(7, 5, rng), 3, 6.0)
    thin(made)
    return {
        f"the learning parameter `{name}`": torch.zeros_like(part, requires_grad=False)
        for name, part in made.named_parameters()
        if part.requires_grad
    }


@LoraLinear.probe("a new layer: does it give what the old one gives?")
def _(answer, rng):
    return answer(linear(7, 5, rng), 3, 6.0)(normal(2, 3, 7, rng=rng))


@LoraLinear.probe("rank 3, alpha 6, a and b random, 2 texts of 3 positions")
def _(answer, rng):
    return learned(answer(linear(7, 5, rng), 3, 6.0), rng)(normal(2, 3, 7, rng=rng))


@LoraLinear.probe("rank 1, alpha 3, no bias, one vector without a batch")
def _(answer, rng):
    return learned(answer(linear(7, 5, rng, bias=False), 1, 3), rng)(normal(7, rng=rng))


@LoraLinear.probe("a square layer of 5 with the largest rank, 5; and MiniLM's size, 300 positions of 384, rank 200")
def _(answer, rng):
    made, wide = (learned(answer(linear(n, n, rng), r, 16.0), rng) for n, r in ((5, 5), (384, 200)))
    return {
        "a batch of one": made(normal(1, 5, rng=rng)),
        "three leading axes": made(normal(2, 1, 3, 5, rng=rng)),
        "300 positions": wide(normal(1, 300, 384, rng=rng) / 50),
    }


@LoraLinear.probe("a layer of float64")
def _(answer, rng):
    made = answer(linear(7, 5, rng).double(), 2, 6.0)
    kinds = {f"the dtype of `{name}`": str(part.dtype) for name, part in zip("ab", thin(made), strict=True)}
    return kinds | {"the result": learned(made, rng)(normal(3, 7, rng=rng).double())}


@LoraLinear.probe("the gradients for x, a and b")
def _(answer, rng):
    made, x = learned(answer(linear(7, 5, rng), 3, 6.0), rng), normal(2, 7, rng=rng).requires_grad_()
    return gradients(made(x), x=x, a=made.a, b=made.b)


@LoraLinear.probe("the numbers of `a`, 40 rows of 500, and of `b`", varied=False)
def _(answer, rng):
    made = answer(linear(500, 41, rng), 40, 6.0, rng)
    a, b = (part.detach() for part in thin(made))
    if tuple(a.shape) != (40, 500):
        raise Problem("shape", f"`a` has the shape {tuple(a.shape)}, expected (40, 500).")
    variance = a.var().item() * 500
    return {
        "all of `b`": "0" if not b.any() else "not 0",
        "the rows of `a`": "different" if (a[0] - a[1]).abs().max() > 1e-3 else "the same",
        "the variance of `a`": "about 1 / d_in" if 0.94 < variance < 1.06 else f"{variance:.2f} / d_in",
        "the mean of `a`": "about 0" if a.mean().abs() < 0.002 else f"{a.mean():.4f}",
    }


@LoraLinear.probe("whose dice draw `a`", varied=False)
def _(answer, rng):
    def drawn(generator=None):
        return thin(answer(linear(7, 5, rng), 3, 6.0, generator))[0].detach().clone()

    one, other = (torch.Generator().manual_seed(seed) for seed in (1, 2))
    first, second, third = drawn(one), drawn(one), drawn(other)
    again = drawn(one.manual_seed(1))
    torch.manual_seed(3)
    own, next_one = drawn(), drawn()
    torch.manual_seed(3)
    return {
        "the same generator, put back": "the same" if torch.equal(first, again) else "other numbers",
        "the same generator, going on": "the same" if torch.equal(first, second) else "other numbers",
        "another generator": "the same" if torch.equal(first, third) else "other numbers",
        "no generator, after torch.manual_seed again": "the same" if torch.equal(own, drawn()) else "other numbers",
        "no generator, going on": "the same" if torch.equal(own, next_one) else "other numbers",
    }


@LoraLinear.probe("merged: one nn.Linear")
def _(answer, rng):
    made, x = learned(answer(linear(7, 5, rng), 3, 6.0), rng), normal(2, 3, 7, rng=rng)
    merged = made.merged()
    return whats_in(merged) | {"what it gives": merged(x)}


@LoraLinear.probe("merged: a square layer without bias, in float64")
def _(answer, rng):
    made = learned(answer(linear(5, 5, rng, bias=False).double(), 2, 3.0), rng)
    return whats_in(made.merged())


@LoraLinear.probe("the old weights: after use, after `merged`, and after what is merged was changed")
def _(answer, rng):
    old, x = linear(7, 5, rng), normal(2, 7, rng=rng)
    made = learned(answer(old, 3, 6.0), rng)
    before = made(x)
    merged = made.merged()
    found = {"the old weight": old.weight.detach().clone(), "the same x after `merged`": made(x)}
    with torch.no_grad():
        for part in merged.parameters():
            part.zero_()
    found["the same x after the merged layer has changed"] = made(x)
    return found | {"x before": before}


@LoraLinear.probe("rank 3 from 7 to 11: is a matrix as large as the layer's made by forward?", varied=False)
def _(answer, rng):
    old = linear(7, 11, rng)
    made = learned(answer(old, 3, 6.0), rng)
    x = normal(2, 7, rng=rng)
    with _Sizes(old.weight) as made_here:
        made(x)
    return {"a matrix of 77 numbers": "made in forward" if made_here.sizes & {77} else "not made"}


class _Sizes(TorchDispatchMode):
    """How many numbers each new tensor has that is made here; a view of `known` is no new one."""

    def __init__(self, known: Tensor):
        super().__init__()
        self.known, self.sizes = known.data_ptr(), set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.data_ptr() != self.known:
            self.sizes.add(result.numel())
        return result


@LoraLinear.probe("ranks that do not fit layers from 7 to 5 and from 5 to 7")
def _(answer, rng):
    wide, high = linear(7, 5, rng), linear(5, 7, rng)
    return {
        f"rank {rank}": [raises(ValueError, answer, layer, rank, 6.0) for layer in (wide, high)]
        for rank in (0, -1, 6, 7, 8)
    }


_FIT = "if not 1 <= rank <= min(d_in, d_out):"
_DRAWN = "torch.randn(rank, d_in, generator=generator) / math.sqrt(d_in)"
_A, _B = "nn.Parameter(drawn.to(linear.weight))", "nn.Parameter(linear.weight.new_zeros(d_out, rank))"
_FORWARD = "self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)"
_NEW = "nn.Linear(d_in, d_out, self.linear.bias is not None, self.a.device, self.a.dtype)"
_SUM = "self.linear.weight + self.scale * self.b @ self.a"
_COPY = f"made.weight.copy_({_SUM})"
_BIAS = "made.bias.copy_(self.linear.bias)"

# fmt: off
LoraLinear.mistakes(
    not_frozen=("the layer that is given still learns: requires_grad_(False) freezes it.",
        edit("linear.requires_grad_(False)", "linear")),
    bias_learns=("the bias of the layer that is given is to be frozen too.",
        edit("linear.requires_grad_(False)", "linear", "self.scale = ", "linear.weight.requires_grad_(False)\n"
             "        self.scale = ")),
    all_frozen=("`a` and `b` are frozen too; only the layer that is given should be.",
        edit(_B, _B + "\n        self.requires_grad_(False)")),
    a_frozen=("`a` is to learn too.", edit(_A, _A[:-1] + ", requires_grad=False)")),
    b_frozen=("`b` is to learn too.", edit(_B, _B[:-1] + ", requires_grad=False)")),
    both_random=("`b` begins as 0, so that the new layer begins as the old one.", edit("new_zeros", "new_ones"),
        edit(_B, "nn.Parameter(torch.randn(d_out, rank, generator=generator).to(linear.weight) / math.sqrt(rank))")),
    both_zero=("`a` is 0 too: then no gradient reaches `b` or `a`, and nothing ever learns.",
        edit(_DRAWN, "torch.zeros(rank, d_in)")),
    exchanged=("`a` is random and `b` is 0, not the other way round.",
        edit(_A, "nn.Parameter(linear.weight.new_zeros(rank, d_in))",
             _B, "nn.Parameter(torch.randn(d_out, rank, generator=generator).to(linear.weight) / math.sqrt(d_in))")),
    not_scaled_down=("`a` has the variance 1: divide by the root of d_in.", edit(" / math.sqrt(d_in)", "")),
    divided_by_d_in=("the variance is 1 / d_in: divide by the root of d_in, not by d_in.",
        edit("/ math.sqrt(d_in)", "/ d_in")),
    by_rank=("the variance is 1 / d_in, not 1 / rank.", edit("math.sqrt(d_in)", "math.sqrt(rank)")),
    by_d_out=("the variance is 1 / d_in, not 1 / d_out.", edit("math.sqrt(d_in)", "math.sqrt(d_out)")),
    uniform=("the variance is a third of 1 / d_in: so much has kaiming_uniform_ with a=√5.",
        edit(_DRAWN, "nn.init.kaiming_uniform_(torch.empty(rank, d_in), a=math.sqrt(5), generator=generator)")),
    not_centred=("`a` is drawn around 0.", edit("torch.randn(", "1.7321 * torch.rand(")),
    own_dice=("`a` is drawn by the generator that is given.", edit("generator=generator", "generator=None")),
    seeded=("without a generator `a` is drawn by PyTorch's own, other numbers each time: no seed of your own.",
        edit(_DRAWN, "torch.randn(rank, d_in, generator=generator or torch.Generator().manual_seed(0)) "
             "/ math.sqrt(d_in)"),
        edit("drawn = ", "torch.manual_seed(0)\n        drawn = ")),
    no_scale=("the product is to be multiplied by alpha / rank.",
        edit("self.scale = alpha / rank", "self.scale = 1.0")),
    alpha_alone=("the product is multiplied by alpha; alpha / rank is asked for.", edit("alpha / rank", "alpha")),
    rank_over_alpha=("the factor is alpha / rank, not rank / alpha.", edit("alpha / rank", "rank / alpha")),
    root_of_rank=("the factor is alpha / rank; with the root of the rank it is called rsLoRA.",
        edit("alpha / rank", "alpha / math.sqrt(rank)")),
    whole_division=("alpha / rank is no whole number in general: / and not //.", edit("alpha / rank", "alpha // rank")),
    times_rank=("the factor is alpha / rank, not alpha times rank.", edit("alpha / rank", "alpha * rank")),
    scaled_twice=("alpha / rank counts once.", edit("x @ self.a.T", "self.scale * x @ self.a.T")),
    all_scaled=("alpha / rank is a factor of the product alone, not of what the old layer gives.",
        edit(_FORWARD, "self.scale * (self.linear(x) + x @ self.a.T @ self.b.T)")),
    old_left_out=("what the old layer gives is missing.", edit(_FORWARD, "self.scale * (x @ self.a.T @ self.b.T)")),
    product_left_out=("the product is missing.", edit(_FORWARD, "self.linear(x)")),
    after_the_old=("the product is added beside the old layer: it takes x, not what the old layer gives.",
        edit("(x @ self.a.T", "(self.linear(x) @ self.linear.weight @ self.a.T")),
    no_bias=("the old layer's bias is missing.", edit("self.linear(x) +", "x @ self.linear.weight.T +")),
    bias_twice=("the bias is added twice.",
        edit(_FORWARD, f"{_FORWARD} + (0 if self.linear.bias is None else self.linear.bias)")),
    taken_away=("the product is added, not taken away.", edit("(x) + self.scale", "(x) - self.scale")),
    squashed=("nothing stands between A and B: LoRA is linear.",
        edit("x @ self.a.T @ self.b.T", "(x @ self.a.T).relu() @ self.b.T")),
    no_gradient_for_x=("no gradient reaches x through the old layer: its numbers are frozen, not what flows through.",
        edit("self.linear(x) +", "self.linear(x).detach() +")),
    no_gradient_for_a=("no gradient reaches `a`.", edit("self.a.T", "self.a.detach().T")),
    no_gradient_for_b=("no gradient reaches `b`.", edit("self.b.T", "self.b.detach().T")),
    x_detached=("no gradient reaches x through the product.", edit("(x @", "(x.detach() @")),
    a_transposed=("`a` has the shape (rank, d_in).",
        edit(_A, "nn.Parameter(drawn.to(linear.weight).T.contiguous())", "self.a.T", "self.a",
             "self.b @ self.a", "self.b @ self.a.T")),
    b_transposed=("`b` has the shape (d_out, rank).", edit("new_zeros(d_out, rank)", "new_zeros(rank, d_out)",
        "self.b.T", "self.b", "self.b @ self.a", "self.b.T @ self.a")),
    one_rank_less=("there are `rank` rows in `a` and columns in `b`.",
        edit("randn(rank,", "randn(max(1, rank - 1),", "(d_out, rank)", "(d_out, max(1, rank - 1))")),
    whole_product=("a matrix as large as the layer's is made: (x Aᵀ) Bᵀ needs no product B A of d_out by d_in.",
        edit(_FORWARD, "self.linear(x) + self.scale * (x @ (self.b @ self.a).T)"),
        edit(_FORWARD, f"torch.nn.functional.linear(x, {_SUM}, self.linear.bias)")),
    always_float32=("`a` and `b` have the dtype of the layer that is given.",
        edit(_A, "nn.Parameter(drawn)", _B, "nn.Parameter(torch.zeros(d_out, rank))")),
    any_rank=("a rank that does not fit is a ValueError.", edit(_FIT, "if False:")),
    larger_side=("the largest rank is the smaller one of d_in and d_out.",
        edit("min(d_in, d_out):", "max(d_in, d_out):"), edit("min(d_in, d_out):", "d_in:"),
        edit("min(d_in, d_out):", "d_out:")),
    too_strict=("the smaller one of d_in and d_out is a rank that fits.",
        edit("rank <= min(d_in", "rank < min(d_in")),
    rank_one_refused=("rank 1 fits.", edit("not 1 <= rank", "not 1 < rank")),
    rank_zero=("rank 0 is a ValueError.", edit("not 1 <= rank <=", "not 0 <= rank <=",
        "self.scale = alpha / rank", "self.scale = alpha / max(rank, 1)")),
    lowered=("a rank that is too large is refused, not lowered without a word.",
        edit(_FIT, "rank = max(1, min(rank, d_in, d_out))\n        if False:")),
    merged_unscaled=("`merged` leaves out alpha / rank.", edit("+ self.scale * self.b", "+ self.b")),
    merged_old=("`merged` leaves out the product.", edit(_SUM, "self.linear.weight")),
    merged_product=("`merged` leaves out the old weight.", edit(_SUM, "self.scale * self.b @ self.a")),
    merged_crossed=("in `merged` the product is B A, (d_out, rank) times (rank, d_in).",
        edit("self.scale * self.b @ self.a", "self.scale * (self.b @ self.a).T.reshape(d_out, d_in)")),
    merged_taken_away=("in `merged` the product is added, not taken away.",
        edit("weight + self.scale", "weight - self.scale")),
    merged_without_bias=("`merged` leaves out the bias.", edit("self.linear.bias is not None,", "False,")),
    merged_with_bias=("a layer without bias stays without one when it is merged.",
        edit("self.linear.bias is not None,", "True,", "if made.bias is not None:", "if self.linear.bias is not None:"),
        edit("self.linear.bias is not None,", "True,", "if made.bias is not None:\n            " + _BIAS,
             "made.bias.copy_(0 * made.bias if self.linear.bias is None else self.linear.bias)")),
    merged_own_bias=("the merged layer has a random bias: copy the old one.", edit(_BIAS, "pass")),
    merged_in_place=("`merged` changes the old layer: what it gives has its own memory.",
        edit(_COPY, "made = self.linear\n        made.weight += self.scale * self.b @ self.a", _BIAS, "pass",
             "return made", "return made.requires_grad_()")),
    old_changed=("`merged` changes the old weight: after it, this layer gives something else.",
        edit(_COPY, f"self.linear.weight.copy_({_SUM})\n        made.weight.copy_(self.linear.weight)")),
    merged_shares_bias=("the merged layer has the old layer's own bias: copy it.",
        edit(_BIAS, "made.bias = nn.Parameter(self.linear.bias)")),
    merged_frozen=("the merged layer may learn: its parameters ask for gradients.",
        edit("return made", "return made.requires_grad_(False)")),
    merged_float32=("the merged layer has the dtype of the old one.", edit(", self.a.device, self.a.dtype", "")),
    merged_itself=("`merged` gives an nn.Linear, not this layer.", edit("return made", "return self")),
    merged_matrix=("`merged` gives an nn.Linear, not its matrix alone.", edit("return made", "return made.weight")),
)
# fmt: on


# --------------------------------------------------------------------------------------------- trainable_parameters


@trainable_parameters.probe("a layer from 7 to 5, with bias")
def _(answer, rng):
    return answer(nn.Linear(7, 5))


@trainable_parameters.probe("the same, frozen; its bias alone frozen; and a module without parameters")
def _(answer, rng):
    half = nn.Linear(7, 5)
    half.bias.requires_grad_(False)
    models = {"frozen": nn.Linear(7, 5).requires_grad_(False), "frozen bias": half, "no parameters": nn.ReLU()}
    return {what: answer(model) for what, model in models.items()}


@trainable_parameters.probe("an embedding whose matrix is the output's too, and a block that is used twice")
def _(answer, rng):
    block = nn.Linear(3, 3)
    model = nn.ModuleDict({"words": nn.Embedding(1511, 3), "first": block, "second": block, "out": nn.Linear(3, 1511)})
    model["out"].weight = model["words"].weight
    return answer(model)


@trainable_parameters.probe("two layers with the same numbers, but each with its own")
def _(answer, rng):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].load_state_dict(model[0].state_dict())
    return answer(model)


@trainable_parameters.probe("layers of rank 2 within a model of its own kind, a norm with buffers, and one number")
def _(answer, rng):
    model = nn.Module()
    model.inner = nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Sequential(nn.Linear(5, 7)))
    model.norm = nn.BatchNorm1d(7)
    model.temperature = nn.Parameter(torch.tensor(1.0))
    lora.add_lora(model.inner, ("0",), rank=2, alpha=4.0)
    return answer(model)


@trainable_parameters.probe("a layer in eval mode after a step in which only its bias had a gradient")
def _(answer, rng):
    model = nn.Sequential(nn.Linear(7, 5)).eval()
    model[0].bias.sum().backward()
    return answer(model)


@trainable_parameters.probe("a model that is counted, then frozen in part, and counted again")
def _(answer, rng):
    model = nn.Sequential(nn.Linear(7, 5), nn.Linear(5, 3))
    before = answer(model)
    model[0].requires_grad_(False)
    return {"before": before, "after": answer(model)}


_COUNTED = "if parameter.requires_grad"
_OVER = "model.parameters()"

# fmt: off
trainable_parameters.mistakes(
    all_counted=("frozen parameters are counted too: count those that ask for gradients.", edit(_COUNTED, "")),
    frozen_counted=("the frozen ones are counted, not those that learn.",
        edit("parameter.requires_grad", "not parameter.requires_grad")),
    tensors_counted=("tensors are counted; a matrix of 5 by 7 is 35 numbers.", edit("parameter.numel()", "1")),
    rows_counted=("rows are counted; a matrix of 5 by 7 is 35 numbers.",
        edit("parameter.numel()", "(len(parameter) if parameter.ndim else 1)")),
    in_bytes=("bytes are counted: count numbers.", edit("parameter.numel()", "parameter.nbytes")),
    shared_twice=("a matrix that two parts share counts once: `parameters()` gives it once.",
        edit(_OVER, "[p for module in model.modules() for p in module.parameters(recurse=False)]"),
        edit(_OVER, "[p for _, p in model.named_parameters(remove_duplicate=False)]")),
    top_only=("the parts within parts are left out.", edit(_OVER, "model.parameters(recurse=False)")),
    children_only=("the model's own parameters are left out, those that are in no part.",
        edit(_OVER, "{p for part in model.children() for p in part.parameters()}")),
    weights_only=("biases, and whatever else is no matrix, are numbers that learn too.",
        edit(_COUNTED, f"{_COUNTED} and parameter.ndim > 1")),
    by_name=("biases learn too: not only what is called weight.",
        edit(f"parameter in {_OVER} {_COUNTED}",
             "name, parameter in model.named_parameters() if parameter.requires_grad and name.endswith('weight')")),
    detached=("0 is the result for every model: the tensors of `state_dict()` are detached and ask for no gradients.",
        edit(_OVER, "model.state_dict().values()")),
    buffers_too=("buffers, such as a norm's running mean, do not learn.",
        edit(_OVER, "[*model.parameters(), *(b.requires_grad_() for b in model.buffers() if b.is_floating_point())]")),
    those_with_a_gradient=("`.requires_grad` says that a parameter learns; `.grad` is None before the first step.",
        edit("parameter.requires_grad", "parameter.grad is not None")),
    in_training_only=("whether a model is in eval mode does not matter.",
        edit(_COUNTED, f"{_COUNTED} and model.training")),
    by_value=("two matrices of equal numbers are still two: a set of their numbers confuses them.",
        edit(_OVER, "{(p.shape, str(p.tolist())): p for p in model.parameters()}.values()")),
    by_shape=("two matrices of the same shape are still two.",
        edit(_OVER, "{p.shape: p for p in model.parameters()}.values()")),
    a_share=("the number is asked for, not the share of all.",
        edit("if parameter.requires_grad)",
             "if parameter.requires_grad) / max(1, sum(p.numel() for p in model.parameters()))")),
    first_only=("all parameters are counted, not the first alone.", edit(_OVER, "list(model.parameters())[:1]")),
    as_text=("a number is asked for, not a text.",
        edit("return sum(", "return f'{sum(", "requires_grad)", "requires_grad):,}'")),
    with_all=("one number is asked for: those that learn, without all beside them.",
        edit("return sum(", "return sum(p.numel() for p in model.parameters()), sum(")),
)
# fmt: on


# -------------------------------------------------------------------------------------------------------- questions


def _lora_numbers() -> int:
    with torch.device("meta"):  # of MiniLM's sizes, without its numbers
        bert = Bert(30_522, 384, 12, 6, 1536)
        return lora.trainable_parameters(lora.add_lora(bert, ("to_q", "to_v"), rank=8, alpha=16.0))


drawn_at_random = Question(
    "drawn_at_random",
    lambda: lora.trainable_parameters(nn.Linear(768, 2, device="meta")),
    "One Linear from 768 numbers to 2 classes: 768 x 2 weights and 2 biases. All others come from the file, and still "
    "every answer is chance.",
    "Only the last layer is new: a matrix from d_model to the classes, and a bias for each class.",
    hints=(
        (768 * 2, "The biases are missing."),
        (768 + 1, "There are two classes, and each has its own weights and bias."),
        (768 * 2 + 768, "A bias belongs to a class, not to each of the 768 numbers."),
        (768 * 768 + 768 + 768 * 2 + 2, "The pooler is in the file: it is not new."),
        (0, "The file knows nothing of your two classes."),
    ),
)
lora_numbers = Question(
    "lora_numbers",
    _lora_numbers,
    "6 blocks x 2 matrices x 8 x (384 + 384): 0.3% of the 22,713,216 parameters.",
    "For each matrix A is 8 by 384 and B is 384 by 8. How many matrices are there?",
    hints=(
        (8 * 768, "That is one matrix of one block."),
        (2 * 8 * 768, "That is one block."),
        (6 * 8 * 768, "There are two matrices in each block, and for each of them an A and a B."),
        (24 * 8 * 768, "Only to_q and to_v get a LoRA, not all four matrices."),
        (12 * 384 * 384, "These are the matrices themselves, which are frozen."),
    ),
)
