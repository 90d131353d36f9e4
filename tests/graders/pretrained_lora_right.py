"""Right answers to notebook 19, second part, in other styles than the course's: low rank, what learns."""

import copy
import math

import torch
from torch import nn
from torch.nn import functional

from tests.graders.cases import right

# ------------------------------------------------------------------------------------------------------- LoraLinear


@right("LoraLinear")
class ByFunctions(nn.Module):
    def __init__(self, linear, rank, alpha, generator=None):
        super().__init__()
        if rank < 1 or rank > linear.in_features or rank > linear.out_features:
            raise ValueError(rank)
        for parameter in linear.parameters():
            parameter.requires_grad = False
        self.linear, self.alpha, self.rank = linear, alpha, rank
        how = {"dtype": linear.weight.dtype}
        self.a = nn.Parameter(torch.empty(rank, linear.in_features, **how))
        nn.init.normal_(self.a, std=linear.in_features**-0.5, generator=generator)
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank, **how))

    def forward(self, x):
        low = functional.linear(functional.linear(x, self.a), self.b)
        return self.linear(x) + low * self.alpha / self.rank

    def merged(self):
        made = copy.deepcopy(self.linear).requires_grad_(True)
        with torch.no_grad():
            made.weight += self.alpha / self.rank * (self.b @ self.a)
        return made


@right("LoraLinear")
class ByEinsum(nn.Module):
    def __init__(self, linear, rank, alpha, generator=None):
        super().__init__()
        d_out, d_in = linear.weight.shape
        if rank not in range(1, min(d_in, d_out) + 1):
            raise ValueError("rank")
        linear.weight.requires_grad_(False)
        if linear.bias is not None:
            linear.bias.requires_grad_(False)
        self.frozen = linear
        self.register_buffer("factor", torch.tensor(alpha / rank, dtype=linear.weight.dtype))
        self.a = nn.Parameter(torch.randn((rank, d_in), generator=generator).to(linear.weight.dtype) * d_in**-0.5)
        self.b = nn.Parameter(torch.zeros_like(linear.weight[:, :1]).repeat(1, rank))

    def forward(self, x):
        low = torch.einsum("ri,...i->...r", self.a, x)
        return torch.einsum("or,...r->...o", self.b, low) * self.factor + self.frozen(x)

    @torch.no_grad()
    def merged(self):
        weight = self.frozen.weight + self.factor * torch.einsum("or,ri->oi", self.b, self.a)
        made = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], self.frozen.bias is not None)
        made.weight = nn.Parameter(weight)
        if self.frozen.bias is not None:
            made.bias = nn.Parameter(self.frozen.bias.clone())
        return made


@right("LoraLinear")
class RankByRank(nn.Module):
    """One outer product after the other."""

    def __init__(self, linear, rank, alpha, generator=None):
        super().__init__()
        if not 0 < rank <= min(*linear.weight.shape):
            raise ValueError(f"{rank}")
        self.linear = linear
        for name in ("weight", "bias"):
            if (part := getattr(linear, name)) is not None:
                part.requires_grad = False
        self.scale, self.rank = alpha / rank, rank
        rows = [torch.randn(linear.in_features, generator=generator) for _ in range(rank)]
        self.a = nn.Parameter((torch.stack(rows) / math.sqrt(linear.in_features)).to(linear.weight.dtype))
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank).to(linear.weight.dtype))

    def forward(self, x):
        out = self.linear(x)
        for r in range(self.rank):
            out = out + self.scale * (x * self.a[r]).sum(-1, keepdim=True) * self.b[:, r]
        return out

    def merged(self):
        made = nn.Linear(self.linear.in_features, self.linear.out_features, bias=self.linear.bias is not None)
        made = made.to(self.linear.weight.dtype)
        state = {name: part.clone() for name, part in self.linear.state_dict().items()}
        for r in range(self.rank):
            state["weight"] += self.scale * torch.outer(self.b[:, r], self.a[r]).detach()
        made.load_state_dict(state)
        return made


@right("LoraLinear")
class ScaledFirst(nn.Module):
    def __init__(self, linear, rank, alpha, generator=None):
        super().__init__()
        d_out, d_in = linear.weight.size()
        if rank <= 0:
            raise ValueError("the rank is positive")
        if rank > d_in or rank > d_out:
            raise ValueError("the rank is too large")
        self.scale, self.linear = alpha / rank, linear.requires_grad_(False)
        self.register_parameter("b", nn.Parameter(linear.weight.new_zeros((d_out, rank))))
        drawn = torch.normal(0.0, 1 / math.sqrt(d_in), (rank, d_in), generator=generator)
        self.register_parameter("a", nn.Parameter(drawn.type_as(linear.weight)))

    def forward(self, x):
        return ((self.scale * x) @ self.a.mT) @ self.b.mT + self.linear.forward(x)

    def merged(self):
        with torch.no_grad():
            made = nn.Linear(self.a.shape[1], self.b.shape[0], self.linear.bias is not None).to(self.a.dtype)
            made.weight.data = torch.addmm(self.linear.weight, self.b, self.a, alpha=self.scale)
            if self.linear.bias is not None:
                made.bias.data = self.linear.bias.data.clone()
        return made


@right("LoraLinear")
class UniformOfThatVariance(nn.Module):
    """Any drawing of variance 1 / d_in will do."""

    def __init__(self, linear, rank, alpha, generator=None):
        super().__init__()
        if not 1 <= rank <= min(linear.in_features, linear.out_features):
            raise ValueError(rank)
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        limit = math.sqrt(3 / linear.in_features)
        drawn = torch.rand(rank, linear.in_features, generator=generator)
        self.a = nn.Parameter(((2 * drawn - 1) * limit).to(linear.weight))
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank).to(linear.weight))

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        out = torch.addmm(self.linear(flat), flat @ self.a.t(), self.b.t(), alpha=self.scale)
        return out.view(*x.shape[:-1], -1)

    @torch.no_grad()
    def merged(self):
        made = copy.deepcopy(self.linear)
        made.weight.copy_(self.linear.weight.double() + self.scale * self.b.double() @ self.a.double())
        for parameter in made.parameters():
            parameter.requires_grad = True
        return made


@right("LoraLinear")
class InDoublePrecision(nn.Module):
    def __init__(self, linear, rank, alpha, generator=None):
        super().__init__()
        if rank < 1 or min(linear.weight.shape) < rank:
            raise ValueError(f"rank {rank}")
        self.linear = linear.requires_grad_(False)
        self.alpha, self.rank = float(alpha), rank
        drawn = torch.randn(rank, linear.in_features, generator=generator, dtype=torch.float64)
        self.a = nn.Parameter((drawn * linear.in_features**-0.5).to(linear.weight.dtype))
        self.b = nn.Parameter(0 * torch.ones(linear.out_features, rank, dtype=linear.weight.dtype))

    @property
    def scale(self):
        return self.alpha / self.rank

    def forward(self, x):
        low = x.double() @ self.a.double().T @ self.b.double().T
        return self.linear(x) + (low * self.scale).to(x.dtype)

    @torch.no_grad()
    def merged(self):
        d_out, d_in = self.linear.weight.shape
        made = nn.Linear(d_in, d_out, bias=self.linear.bias is not None, dtype=self.linear.weight.dtype)
        change = torch.zeros(d_out, d_in, dtype=torch.float64)
        for r in range(self.rank):
            change += self.b.double()[:, r, None] * self.a.double()[r]
        made.weight.copy_(self.linear.weight + self.scale * change)
        if self.linear.bias is not None:
            made.bias.copy_(self.linear.bias)
        return made


# --------------------------------------------------------------------------------------------- trainable_parameters


@right("trainable_parameters")
def in_a_loop(model):
    total = 0
    for parameter in model.parameters():
        if not parameter.requires_grad:
            continue
        total += parameter.nelement()
    return total


@right("trainable_parameters")
def by_shape(model):
    return sum(math.prod(p.shape) for _, p in model.named_parameters() if p.requires_grad)


@right("trainable_parameters")
def by_identity(model):
    found = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            found[id(parameter)] = parameter
    return sum(p.numel() for p in found.values() if p.requires_grad)


@right("trainable_parameters")
def by_filter(model):
    return sum(map(torch.numel, filter(lambda p: p.requires_grad, model.parameters())))


@right("trainable_parameters")
def all_less_the_frozen(model):
    everything = sum(p.numel() for p in model.parameters())
    return everything - sum(p.numel() for p in model.parameters() if not p.requires_grad)


@right("trainable_parameters")
def times_a_bool(model):
    return sum(p.requires_grad * p.numel() for p in set(model.parameters()))


@right("trainable_parameters")
def flattened(model):
    learning = [p.detach().reshape(-1) for p in model.parameters() if p.requires_grad]
    return torch.cat([torch.empty(0), *learning]).numel()


@right("trainable_parameters")
def by_address(model):
    parts = {p.data_ptr(): p for _, p in model.named_parameters(remove_duplicate=False) if p.requires_grad}
    return torch.tensor([p.numel() for p in parts.values()], dtype=torch.int64).sum().item()
