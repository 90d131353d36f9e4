"""Wrong answers to notebook 19, second part, as people write them: fine-tuning with low rank, what learns."""

import math

import torch
from torch import nn
from torch.nn import functional

from lib.checks.core import edit
from tests.graders.cases import slips, wrong

# ------------------------------------------------------------------------------------------------------- LoraLinear


class Usual(nn.Module):
    """Right in all its methods; the wrong answers write one anew."""

    def __init__(self, linear, rank, alpha, generator=None):
        super().__init__()
        self.fits(linear, rank)
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        drawn = torch.randn(rank, linear.in_features, generator=generator) / math.sqrt(linear.in_features)
        self.a = nn.Parameter(drawn.to(linear.weight.dtype))
        self.b = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))

    def fits(self, linear, rank):
        if not 1 <= rank <= min(linear.weight.shape):
            raise ValueError(f"rank {rank} does not fit {tuple(linear.weight.shape)}")

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merged(self):
        made = nn.Linear(*self.linear.weight.T.shape, self.linear.bias is not None, dtype=self.linear.weight.dtype)
        with torch.no_grad():
            made.weight.copy_(self.linear.weight + self.scale * self.b @ self.a)
            if made.bias is not None:
                made.bias.copy_(self.linear.bias)
        return made


@wrong("LoraLinear", says="`self.a` is to be an nn.Parameter")
class LayersForMatrices(Usual):
    """As the first version of the authors' code: two nn.Linear, which have their bias and their own drawing."""

    def __init__(self, linear, rank, alpha, generator=None):
        nn.Module.__init__(self)
        self.fits(linear, rank)
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        self.a, self.b = nn.Linear(linear.in_features, rank), nn.Linear(rank, linear.out_features)
        nn.init.zeros_(self.b.weight)

    def forward(self, x):
        return self.linear(x) + self.scale * self.b(self.a(x))


@wrong("LoraLinear", says="a third of 1 / d_in")
class KaimingAsInTheCode(Usual):
    def __init__(self, linear, rank, alpha, generator=None):
        nn.Module.__init__(self)
        self.fits(linear, rank)
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        self.a = nn.Parameter(linear.weight.new_empty(rank, linear.in_features))
        self.b = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5), generator=generator)

    def forward(self, x):
        return self.linear(x) + x @ self.a.T @ self.b.T * self.scale


@wrong("LoraLinear", says="the learning parameter `linear.weight`")
class NobodyFroze(Usual):
    def __init__(self, linear, rank, alpha, generator=None):
        nn.Module.__init__(self)
        self.fits(linear, rank)
        self.linear = linear
        with torch.no_grad():
            self.scale = alpha / rank
            self.a = nn.Parameter(torch.randn(rank, linear.in_features, generator=generator))
            self.a /= linear.in_features**0.5
            self.b = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x):
        return self.linear(x) + x @ self.a.T @ self.b.T * self.scale


@wrong("LoraLinear", says="gradient for x")
class FrozenByNoGrad(Usual):
    def forward(self, x):
        with torch.no_grad():
            old = self.linear(x)
        return old + self.scale * (x @ self.a.T @ self.b.T)


@wrong("LoraLinear", says="needs no product B A")
class OneMatrix(Usual):
    def forward(self, x):
        return functional.linear(x, self.linear.weight + self.scale * self.b @ self.a, self.linear.bias)


@wrong("LoraLinear", says="`merged` changes the old layer")
class MergedIntoItself(Usual):
    def merged(self):
        self.linear.weight.data += self.scale * (self.b @ self.a)
        return self.linear.requires_grad_(True)


@wrong("LoraLinear", says="the merged parameters that may learn")
class MergedCopy(Usual):
    """A deep copy of the frozen layer is frozen."""

    def merged(self):
        made = nn.Linear(self.linear.in_features, self.linear.out_features, self.linear.bias is not None)
        made.requires_grad_(False)
        made.load_state_dict(self.linear.state_dict())
        made.to(self.linear.weight.dtype).weight.copy_(self.linear.weight + self.scale * self.b @ self.a)
        return made


@wrong("LoraLinear", says="'raises AssertionError'")
class Asserts(Usual):
    def fits(self, linear, rank):
        assert 0 < rank <= min(linear.in_features, linear.out_features), rank


@wrong("LoraLinear", says="a rank that does not fit")
class AnyRank(Usual):
    def fits(self, linear, rank):
        pass


@wrong("LoraLinear", says="is to be an nn.Parameter, not a Tensor")
class Tensors(Usual):
    def __init__(self, linear, rank, alpha, generator=None):
        nn.Module.__init__(self)
        self.fits(linear, rank)
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        self.a = torch.randn(rank, linear.in_features, generator=generator) / math.sqrt(linear.in_features)
        self.b = torch.zeros(linear.out_features, rank)


slips(
    "LoraLinear",
    rank_64_at_most=("rank 200", edit("min(d_in, d_out):", "min(d_in, d_out, 64):")),
    small_b=(
        "a new layer",
        edit("linear.weight.new_zeros(d_out, rank)", "0.01 * torch.randn(d_out, rank).to(linear.weight)"),
    ),
    sizes_mixed_up=("the learning parameter `a` has shape", edit("d_out, d_in = linear", "d_in, d_out = linear")),
    one_row_for_all=(
        "the rows of `a` is 'the same'",
        edit(
            "torch.randn(rank, d_in, generator=generator)", "torch.randn(1, d_in, generator=generator).repeat(rank, 1)"
        ),
    ),
    alpha_is_16=("alpha 6", edit("alpha / rank", "16 / rank")),
    batch_only=(
        "one vector without a batch",
        edit("return self.linear(x) + ", "return self.linear(x) + 0 * x[:, :1, :1].sum() + "),
    ),
    merged_detached_a=(
        "leaves out the product",
        edit("self.scale * self.b @ self.a)", "self.scale * self.b @ torch.zeros_like(self.a))"),
    ),
    merged_learns_half=(
        "may learn",
        edit("return made", "made.bias is None or made.bias.requires_grad_(False)\n        return made"),
    ),
)


# --------------------------------------------------------------------------------------------- trainable_parameters

_COUNTED = {}


@wrong("trainable_parameters")
def remembers_each_model(model):
    if model not in _COUNTED:
        _COUNTED[model] = sum(part.numel() for part in model.parameters() if part.requires_grad)
    return _COUNTED[model]


@wrong("trainable_parameters", says="frozen")
def everything(model):
    return sum(p.numel() for p in model.parameters())


@wrong("trainable_parameters", says="counts once")
def by_modules(model):
    total = 0
    for module in model.modules():
        for parameter in module._parameters.values():
            if parameter is not None and parameter.requires_grad:
                total += parameter.numel()
    return total


@wrong("trainable_parameters", says="tensors are counted")
def how_many(model):
    return len([p for p in model.parameters() if p.requires_grad])


@wrong("trainable_parameters", says="tuple index out of range")
def rows_times_columns(model):
    return sum(p.shape[0] * p.shape[1] for p in model.parameters() if p.requires_grad)


@wrong("trainable_parameters", says="`state_dict()` are detached")
def state(model):
    return sum(part.numel() for part in model.state_dict().values() if part.requires_grad)


@wrong("trainable_parameters", says="before the first step")
def by_gradient(model):
    return sum(p.numel() for p in model.parameters() if p.grad is not None)


@wrong("trainable_parameters", says="counts once")
def down_the_tree(model):
    own = sum(p.numel() for p in model.parameters(recurse=False) if p.requires_grad)
    return own + sum(down_the_tree(part) for _, part in model.named_children())


@wrong("trainable_parameters", says="the result is 0, expected 40")
def weights_and_biases(model):
    return sum(
        part.weight.numel() * part.weight.requires_grad + part.bias.numel() * part.bias.requires_grad
        for part in model.children() or [model]
    )


@wrong("trainable_parameters", says="equal numbers")
def first_of_equals(model):
    kept = []
    for p in model.parameters():
        if p.requires_grad and not any(p.shape == q.shape and torch.equal(p, q) for q in kept):
            kept.append(p)
    return sum(p.numel() for p in kept)


@wrong("trainable_parameters", says="None")
def prints(model):
    print(sum(p.numel() for p in model.parameters() if p.requires_grad))


@wrong("trainable_parameters", says="the model's own parameters")
def only_children(model):
    parts = {p for part in model.children() for p in part.parameters() if p.requires_grad}
    return sum(p.numel() for p in parts)


@wrong("trainable_parameters", says="ndim")
def vector_of_trained(model):
    """Concatenates without a look at what there is."""
    return torch.cat([p.squeeze(p.ndim) for p in model.parameters() if p.requires_grad]).numel()


slips(
    "trainable_parameters",
    in_thousands=("the result is 0, expected 40", edit("requires_grad)", "requires_grad) // 1000")),
    never_none=("frozen is 1", edit("return sum(", "return max(1, sum(", "requires_grad)", "requires_grad))")),
    matrices=("biases", edit("if parameter.requires_grad", "if parameter.requires_grad and parameter.ndim == 2")),
)
