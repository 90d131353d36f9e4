"""Layers: what stands between one attention and the next, and keeps a deep stack trainable.

    LayerNorm             every position's numbers brought to one scale                          notebook 07
    RMSNorm               the same without mean and shift                                        notebook 14
    dropout               silence numbers at random while training                               notebook 07
    FeedForward           two matrices with a bend between them, at each position by itself      notebook 07
    PreNorm, PostNorm     a shortcut around a part, normalised before it or after it             notebook 07
    SwiGLU                three matrices: one half of what is widened opens or closes the other  notebook 14
    FusedLayerNorm, FusedPreNorm    the same parameters and numbers by PyTorch's kernel, faster   notebook 09
    fresh_weights         every parameter of a model drawn anew out of a generator               notebook 09
    swap                  parts of one kind exchanged for others, in place: int8, LoRA           notebook 13

`x` is the residual stream (batch, position, d_model); everything here takes any number of leading dimensions.
"""

import math
from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn
from torch.nn import functional


class LayerNorm(nn.Module):
    """Each vector to mean 0 and variance 1, then a learned scale and shift (Ba et al. 2016)."""

    def __init__(self, d_model: int, epsilon: float = 1e-5):
        super().__init__()
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(d_model))
        self.shift = nn.Parameter(torch.zeros(d_model))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model) -> the same shape. A vector of equal numbers becomes `shift`, up to
        rounding, and not NaN.

        Gradients reach x, through mean and variance too, and scale and shift.
        """
        centred = x - x.mean(dim=-1, keepdim=True)
        variance = centred.square().mean(dim=-1, keepdim=True)
        return centred * torch.rsqrt(variance + self.epsilon) * self.scale + self.shift


class RMSNorm(nn.Module):
    """Each vector to root mean square 1, then a learned scale: LayerNorm without mean and shift (T5, Llama).

    One parameter, `scale` (d_model,), ones at first: published weights are loaded into it by this name. (Zhang and
    Sennrich 2019.)
    """

    def __init__(self, d_model: int, epsilon: float = 1e-6):
        super().__init__()
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model), of the dtype of `scale` -> the same shape and dtype. Zeros stay zeros, not NaN.

        Gradients reach x, through its root mean square too, and scale. They are numbers, where x is zeros too.
        """
        return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + self.epsilon) * self.scale


def dropout(x: Tensor, p: float, training: bool = True) -> Tensor:
    """Set each number to 0 with probability p and divide the others by 1 - p, so that the mean stays (Srivastava 2014).

    x: finite floats, any shape    0 <= p < 1    Returns x's shape; x as it is when not training. Gradients flow.
    """
    if not training:
        return x
    keep = torch.rand_like(x) >= p
    return x * keep / (1 - p)


class FeedForward(nn.Module):
    """Widen, bend, narrow: the same small network at each position by itself."""

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        dropout: float = 0.0,
        activation: Callable[[Tensor], Tensor] = functional.relu,
    ):
        super().__init__()
        self.widen = nn.Linear(d_model, d_ff)
        self.narrow = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model) -> the same shape."""
        return self.narrow(self.dropout(self.activation(self.widen(x))))


class SwiGLU(nn.Module):
    """A feed-forward with a gate (Shazeer 2020): what is widened is multiplied by silu of a second product. No biases.

    silu(z) = z · sigmoid(z), also called Swish. Three matrices: d_ff two thirds as wide makes as many parameters as a
    FeedForward has. Published weights are loaded by their names: `gate` and `widen`, from d_model to d_ff, `narrow`.
    """

    def __init__(self, d_model: int, d_ff: int):
        super().__init__()
        self.gate = nn.Linear(d_model, d_ff, bias=False)
        self.widen = nn.Linear(d_model, d_ff, bias=False)
        self.narrow = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model) -> the same shape. Gradients flow everywhere."""
        return self.narrow(functional.silu(self.gate(x)) * self.widen(x))


class PreNorm(nn.Module):
    """x + part(norm(x)): the shortcut stays untouched from the bottom of the stack to its top (GPT-2 and after)."""

    def __init__(self, d_model: int, dropout: float = 0.0):
        super().__init__()
        self.norm = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        """x (..., d_model) -> the same shape; `part` is a function of x, such as an attention or a FeedForward.

        The part is called once. Gradients reach x.
        """
        return x + self.dropout(part(self.norm(x)))


class PostNorm(nn.Module):
    """norm(x + part(x)), as in the paper of 2017: every block normalises the shortcut itself."""

    def __init__(self, d_model: int, dropout: float = 0.0):
        super().__init__()
        self.norm = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        """x (..., d_model) -> the same shape; `part` is a function of x, such as an attention or a FeedForward."""
        return self.norm(x + self.dropout(part(x)))


class FusedLayerNorm(LayerNorm):
    """LayerNorm by PyTorch's kernel: the same parameters, names and numbers, in one pass over x instead of eight."""

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model) -> the same shape."""
        return functional.layer_norm(x, self.scale.shape, self.scale, self.shift, self.epsilon)


class FusedPreNorm(PreNorm):
    """PreNorm with a FusedLayerNorm: weights trained with one fit the other."""

    def __init__(self, d_model: int, dropout: float = 0.0):
        super().__init__(d_model, dropout)
        self.norm = FusedLayerNorm(d_model)


def fresh_weights(module: nn.Module, generator: torch.Generator) -> nn.Module:
    """Draw all parameters anew: matrices and embeddings uniform with variance 1 / d_in, norms to 1 and 0, biases 0.

    What goes through such a matrix keeps its size; d_in is the last axis. The vectors of an embedding have length
    about 1. Returns the module.
    """
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.dim() == 1:
                parameter.fill_(1.0 if name.endswith("scale") else 0.0)
            else:
                bound = math.sqrt(3 / parameter.shape[-1])
                parameter.uniform_(-bound, bound, generator=generator)
    return module


def swap(
    model: nn.Module, kind: type, new: Callable[[nn.Module], nn.Module], names: Collection[str] | None = None
) -> int:
    """Put new(part) in place of each part of a kind, however deep it lies in the model. Returns how many there were.

    names: only of those that a module calls so, such as "to_q"; None: of all
    """
    places = [
        (module, name, part)
        for module in model.modules()
        for name, part in module.named_children()
        if isinstance(part, kind) and (names is None or name in names)
    ]
    for module, name, part in places:  # all are found before the first is swapped: a new part may hold the old one
        setattr(module, name, new(part))
    return len(places)
