"""AdamW: steps as long for a faint gradient as for a strong one, and weights that decay on their own.

    adamw_step    one step for one tensor                                                       notebook 09
    AdamW         the optimiser: every parameter's means are kept; `torch.optim.AdamW` takes the same steps, faster

Two running means follow each gradient g: the mean m and the mean of squares v. Both start at 0, so the first ones are
too small, by factors that are known and divided out (m̂ and v̂). A step goes by m̂ / √v̂, which is near ±1 where the
gradients agree in sign and near 0 where they do not, whatever their size (Kingma and Ba 2015, algorithm 1). The decay
is taken from the weight itself and not added to its gradient, where √v̂ would divide it away (Loshchilov and
Hutter 2019, algorithm 2).
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def adamw_step(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: int,
    rate: float,
    betas: tuple[float, float] = (0.9, 0.98),
    eps: float = 1e-8,
    decay: float = 0.01,
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of AdamW for one tensor (Loshchilov and Hutter 2019, algorithm 2).

    weight, gradient, mean, square: of one shape; mean and square as the step before returned them, zeros at first
    step: counted from 1    rate: η    betas: β₁ and β₂    eps: added to √v̂    decay: λ, of the weight before the step

    Returns the new weight, mean (m) and square (v). What is given stays as it is.
    """
    beta1, beta2 = betas
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    mean_hat = mean / (1 - beta1**step)
    square_hat = square / (1 - beta2**step)
    weight = weight * (1 - rate * decay)
    return weight - rate * mean_hat / (square_hat.sqrt() + eps), mean, square


class AdamW(torch.optim.Optimizer):
    """Adam with decoupled weight decay.

    parameters: of any shape, or groups of them, dictionaries with "params" and options of their own
    lr: the learning rate, η or α    betas: how much of m and of v is kept at a step, β₁ and β₂
    eps: added to √v̂, so that nothing is divided by 0    weight_decay: λ; a weight loses lr · λ of itself at a step

    one_tensor: the rule for one of them; a class of your own may bring another

    `state_dict` and `load_state_dict`, as every optimiser of PyTorch has them, resume exactly. Raises ValueError for a
    negative or infinite lr, eps or weight_decay and for betas outside [0, 1).
    """

    one_tensor = staticmethod(adamw_step)

    def __init__(
        self,
        parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Train more parameters. What the group does not say is as for the others."""
        options = self.defaults | group
        for name in ("lr", "eps", "weight_decay"):
            if not 0 <= options[name] < math.inf:
                raise ValueError(f"{name}={options[name]} is not a number from 0 on")
        if not all(0 <= beta < 1 for beta in options["betas"]):
            raise ValueError(f"betas={options['betas']} are not two numbers from 0 to below 1")
        super().add_param_group(group)

    @torch.no_grad()
    def step(self) -> None:
        """Change every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._change(parameter, parameter.grad, group)

    def _change(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state.update(t=0, m=torch.zeros_like(parameter), v=torch.zeros_like(parameter))
        state["t"] += 1
        means = state["m"], state["v"], state["t"]
        options = group["lr"], group["betas"], group["eps"], group["weight_decay"]
        weight, state["m"], state["v"] = self.one_tensor(parameter, gradient, *means, *options)
        parameter.copy_(weight)
