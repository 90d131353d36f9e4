"""LoRA: fine-tuning by a small change of few matrices, the large ones frozen (Hu et al. 2021).

    LoraLinear             an nn.Linear, frozen, plus a product of two thin matrices that learns    notebook 19
    add_lora               such layers in place of a model's own, all else frozen
    merge_lora             the products added to the matrices: plain layers again, as fast as before
    trainable_parameters   how many numbers learn

The paper: W' = W + (alpha / r) B A, for W (d_out, d_in), with A (r, d_in) and B (d_out, r); r is the rank. What is
learnt is r (d_in + d_out) numbers in place of d_in d_out, and only these need gradients, states of Adam and a file.
"""

import math
from collections.abc import Collection

import torch
from torch import Tensor, nn

from lib.layers import swap


class LoraLinear(nn.Module):
    """What `linear` does, plus x Aᵀ Bᵀ alpha / rank, where A and B learn and `linear` is frozen (Hu et al. 2021, 4.1).

    `a` (rank, d_in) is drawn at random with variance 1 / d_in; `b` (d_out, rank) begins as 0, so that the layer begins
    as the one that it replaces. generator: draws `a`; None: PyTorch's own

    Raises ValueError when the rank is not from 1 to the smaller one of d_in and d_out.
    """

    def __init__(self, linear: nn.Linear, rank: int, alpha: float, generator: torch.Generator | None = None):
        super().__init__()
        d_out, d_in = linear.weight.shape
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} is not from 1 to {min(d_in, d_out)}: the matrix is {d_out} by {d_in}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        drawn = torch.randn(rank, d_in, generator=generator) / math.sqrt(d_in)
        self.a = nn.Parameter(drawn.to(linear.weight))
        self.b = nn.Parameter(linear.weight.new_zeros(d_out, rank))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_in) to (..., d_out). Gradients reach x, `a` and `b`. The large product B A is never made."""
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """One nn.Linear that does the same: W + B A alpha / rank, in memory of its own. It may learn."""
        d_out, d_in = self.linear.weight.shape
        made = nn.Linear(d_in, d_out, self.linear.bias is not None, self.a.device, self.a.dtype)
        made.weight.copy_(self.linear.weight + self.scale * self.b @ self.a)
        if made.bias is not None:
            made.bias.copy_(self.linear.bias)
        return made


def add_lora(
    model: nn.Module, names: Collection[str], rank: int, alpha: float, generator: torch.Generator | None = None
) -> nn.Module:
    """Freeze a model and put a LoraLinear in place of each nn.Linear that goes by one of the names. Returns the model.

    names: as the blocks call them, such as ("to_q", "to_v")    rank, alpha, generator: as in LoraLinear

    Give it the part below a head, and the head learns on. Raises ValueError where a name is no linear layer's, and the
    model is as it was.
    """
    known = {name.rpartition(".")[2] for name, part in model.named_modules() if isinstance(part, nn.Linear)}
    if strangers := set(names) - known:
        raise ValueError(f"no linear layer is called {min(strangers)!r}: there are {', '.join(sorted(known))}")
    model.requires_grad_(False)
    swap(model, nn.Linear, lambda linear: LoraLinear(linear, rank, alpha, generator), names)
    return model


def merge_lora(model: nn.Module) -> nn.Module:
    """A plain nn.Linear in place of each LoraLinear. Returns the model, which does the same as before."""
    swap(model, LoraLinear, LoraLinear.merged)
    return model


def trainable_parameters(model: nn.Module) -> int:
    """How many numbers of a model get gradients; a matrix that two parts share counts once."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
