"""Training: warm up, learn, calm down; stop at any time and go on as if nothing had happened.

    training_step    gradients of one batch or of several, clipped, and a step of the optimiser    notebook 09
    train            such steps with AdamW, batch after batch                                      notebooks 03, 09
    Training         the same, which can be saved and resumed, bit for bit                         notebook 09

The commands `python -m lib.training translate` and `python -m lib.training gpt` use Training too.
"""

import math
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from lib import checkpoints
from lib.training.muon import Muon, matrices_inside
from lib.training.recipes import learning_rate

STATES = {"optimiser": ("step", "exp_avg", "exp_avg_sq"), "muon": ("momentum",)}  # of each parameter
AfterStep = Callable[[int, float], Any]  # called after each step with the number of steps taken and the loss


def training_step(
    model: nn.Module,
    loss_of: Callable[[Any], Tensor],
    batches: Sequence[Any],
    optimiser: torch.optim.Optimizer,
    rate: float,
    max_norm: float = 1.0,
) -> float:
    """One step: the gradients of all batches, averaged and clipped, then the optimiser at this learning rate.

    loss_of: a batch to its loss, a 0-d tensor that depends on the model's parameters
    batches: at least one; more are gradient accumulation: the step of one batch that holds them all, in less memory
    optimiser: of this model; the rate is set in each of its `param_groups`    max_norm: of all gradients together

    Returns the mean of the batches' losses, a float, as they were before the step. Gradients left from before do not
    count. Raises FloatingPointError, before any weight has changed, when the gradients' norm is not finite.
    """
    model.zero_grad()
    total = 0.0
    for batch in batches:
        loss = loss_of(batch) / len(batches)
        loss.backward()
        total += loss.item()
    norm = clip_grad_norm_(model.parameters(), max_norm)
    if not norm.isfinite():
        raise FloatingPointError(f"the gradients' norm is {norm.item()}")
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return total


def train(
    model: nn.Module,
    loss_of: Callable[[Any], Tensor],
    batches: Iterable[Any],
    steps: int,
    peak: float,
    warmup: int = 100,
    max_norm: float = 1.0,
    weight_decay: float = 0.01,
    watch: AfterStep | None = None,
    **more: Any,
) -> list[float]:
    """Take `steps` steps of AdamW, one a batch. Returns the loss of each batch, as it was before its step.

    loss_of: a batch to its loss, a 0-d tensor that depends on the model's parameters
    batches: at least `steps` of them, such as an endless generator
    watch: called after each step with the number of steps taken and the loss    more: as in Training
    """
    training = Training(model, loss_of, batches, steps, peak, warmup, max_norm, weight_decay, **more)
    return training.run(watch)


class Training:
    """One training of a model, in as many goes as it takes: `resume` from a file if there is one, then `run`.

        training = Training(model, model.loss, batches, steps=1000, peak=4e-3, generator=generator)
        training.resume("my.safetensors")
        losses = training.run(watch=lambda step, loss: step % 100 or training.save("my.safetensors"))

    Weights after an interruption are bit for bit those without one, on the CPU, given batches that a fresh iterator
    makes again in the same order: the ones before the checkpoint are drawn and put aside. Whatever rolls dice while
    training (dropout) rolls those of `generator`; the batches need a generator of their own. Ctrl-C is heard between
    steps, so that what it leaves can be saved or run on.

    rate: step, counted from 0, to learning rate, instead of `learning_rate`    fused: one kernel for all of AdamW
    muon: leave the matrices of the linear layers to `lib.training.muon`
    recipe: whatever else a checkpoint must agree with to be resumed, such as the corpus and the sizes
    one_step: what takes a step, such as a learner's own `training_step`
    """

    def __init__(
        self,
        model: nn.Module,
        loss_of: Callable[[Any], Tensor],
        batches: Iterable[Any],
        steps: int,
        peak: float,
        warmup: int = 100,
        max_norm: float = 1.0,
        weight_decay: float = 0.01,
        *,
        rate: Callable[[int], float] | None = None,
        fused: bool = False,
        muon: bool = False,
        generator: torch.Generator | None = None,
        recipe: dict[str, Any] | None = None,
        one_step: Callable[..., float] = training_step,
    ):
        self.model, self.loss_of, self.batches = model, loss_of, iter(batches)
        self.steps, self.max_norm = steps, max_norm
        self.rate = rate or (lambda step: learning_rate(step, steps, peak, warmup))
        matrices = matrices_inside(model) if muon else []
        others = [parameter for parameter in model.parameters() if not any(parameter is m for m in matrices)]
        self.optimisers = {
            "optimiser": torch.optim.AdamW(others, peak, betas=(0.9, 0.98), weight_decay=weight_decay, fused=fused)
        }
        if muon:
            self.optimisers["muon"] = Muon(matrices, peak, weight_decay=weight_decay)
        self.together, self.one_step = _Together(list(self.optimisers.values())), one_step
        self.recipe = {"steps": steps, "peak": peak, "warmup": warmup, "max_norm": max_norm}
        self.recipe |= {"weight_decay": weight_decay, **({"muon": True} if muon else {}), **(recipe or {})}
        self.dice = generator.get_state() if generator else torch.get_rng_state()
        self.drawn = 0  # batches, in all
        self.broken_off = False  # in the middle of a step
        self.losses: list[float] = []

    @property
    def step(self) -> int:
        """How many steps were taken."""
        return len(self.losses)

    def run(self, watch: AfterStep | None = None, until: int | None = None) -> list[float]:
        """Take the steps that are left, or those before step `until`. Returns all losses since the very first step."""
        last = self.steps if until is None else min(until, self.steps)
        self.model.train()
        with torch.random.fork_rng(devices=[]), _interrupts_held_back() as interrupted:
            while self.drawn < self.step:
                self._next_batch()  # seen before the interruption
            while self.step < last:
                if interrupted():
                    raise KeyboardInterrupt
                torch.set_rng_state(self.dice)  # whatever `watch` has done with it
                self.broken_off = True
                loss = self._one_step()
                self.dice = torch.get_rng_state()
                self.losses.append(loss)
                self.broken_off = False
                if watch:
                    watch(self.step, self.losses[-1])
                    self.model.train()
            if interrupted():
                raise KeyboardInterrupt
        self.model.eval()
        return list(self.losses)

    def _one_step(self) -> float:
        batches = [self._next_batch()]
        try:
            return self.one_step(
                self.model, self._finite_loss, batches, self.together, self.rate(self.step), self.max_norm
            )
        except FloatingPointError as error:
            raise FloatingPointError(
                f"{error} at step {self.step + 1} of {self.steps}: the training ends there, "
                f"with the weights of step {self.step}; a lower learning rate (peak) may help"
            ) from None

    def _finite_loss(self, batch: Any) -> Tensor:
        loss = self.loss_of(batch)
        if not math.isfinite(number := loss.item()):
            raise FloatingPointError(f"the loss is {number}")
        return loss

    def _next_batch(self) -> Any:
        for batch in self.batches:
            self.drawn += 1
            return batch
        raise ValueError(f"{self.steps} steps were asked for, but there were only {self.drawn} batches")

    def save(self, path: str | os.PathLike) -> None:
        """Everything that `resume` needs, in one checkpoint. A kill while it is written leaves the one before."""
        if self.broken_off:
            raise ValueError(f"step {self.step + 1} was broken off halfway: {path} stays as it was saved before")
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for kind, optimiser in self.optimisers.items():
            for index, state in optimiser.state_dict()["state"].items():
                tensors |= {f"{kind}.{index}.{name}": tensor for name, tensor in state.items()}
        tensors["dice"] = self.dice
        tensors["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        checkpoints.save(path, tensors, {"recipe": self.recipe})

    def resume(self, path: str | os.PathLike) -> bool:
        """Go on from a checkpoint of the same recipe. Returns False, and does nothing, if there is no such file.

        Raises ValueError, and changes nothing, when it is of another recipe, damaged, or lies back.
        """
        if not os.path.exists(path):
            return False
        tensors, settings = checkpoints.load(path)
        made = settings.get("recipe")
        if not isinstance(made, dict):
            raise ValueError(f"{path} holds no training: its settings name no recipe")
        for name in self.recipe.keys() | made.keys():
            if name == "sum" and name not in made:
                continue  # of the text: an older course did not record it for every kind of training
            if (theirs := made.get(name)) != (mine := self.recipe.get(name)):
                raise ValueError(f"{path} belongs to another training: there {name} is {theirs}, here it is {mine}")
        if complaint := self._complaint(tensors):
            raise ValueError(f"{path} is damaged: {complaint}")
        if self.drawn > len(tensors["losses"]):
            raise ValueError(
                f"{path} lies {self.drawn - len(tensors['losses'])} batches back: start with fresh batches"
            )
        self.model.load_state_dict(_part(tensors, "model."))
        for kind, optimiser in self.optimisers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in _part(tensors, f"{kind}.").items():
                index, key = name.split(".")
                state.setdefault(int(index), {})[key] = tensor
            optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        self.dice, self.losses, self.broken_off = tensors["dice"], tensors["losses"].tolist(), False
        return True

    def _complaint(self, tensors: dict[str, Tensor]) -> str:
        """What a checkpoint lacks, has too much, in another shape, or broken; nothing if it is whole."""
        losses = tensors.get("losses")
        if losses is None or losses.dim() != 1 or losses.dtype != torch.float64 or len(losses) > self.steps:
            return f"it holds no list of at most {self.steps} losses"
        wanted = {f"model.{name}": tuple(tensor.shape) for name, tensor in self.model.state_dict().items()}
        wanted |= {"dice": tuple(self.dice.shape), "losses": tuple(losses.shape)}
        for kind, optimiser in self.optimisers.items():
            for index, parameter in enumerate(optimiser.param_groups[0]["params"]):
                names = {
                    f"{kind}.{index}.{name}": () if name == "step" else tuple(parameter.shape) for name in STATES[kind]
                }
                wanted |= names if names.keys() & tensors.keys() else {}  # a parameter without gradients has no state
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        for name in sorted(wanted.keys() | found.keys()):
            if found.get(name) != wanted.get(name):
                return f"{name} is {found.get(name, 'missing')}, expected {wanted.get(name, 'nothing of that name')}"
            if tensors[name].is_floating_point() and not tensors[name].isfinite().all():
                return f"{name} holds numbers that are not finite"
        try:
            torch.Generator().set_state(tensors["dice"])
        except (RuntimeError, TypeError):
            return "dice is no state of a generator"
        return ""


@dataclass
class _Together:
    """Several optimisers, each of some of the parameters, as one."""

    optimisers: list[torch.optim.Optimizer]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for optimiser in self.optimisers for group in optimiser.param_groups]

    def step(self) -> None:
        for optimiser in self.optimisers:
            optimiser.step()


@contextmanager
def _interrupts_held_back() -> Iterator[Callable[[], bool]]:
    """Ctrl-C is only noted, until one asks for it; a second one interrupts at once."""
    usual, heard = signal.getsignal(signal.SIGINT), []
    if threading.current_thread() is not threading.main_thread() or usual is not signal.default_int_handler:
        yield lambda: False
        return

    def note(*_) -> None:
        heard.append(True)
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(heard)
    finally:
        signal.signal(signal.SIGINT, usual)


def _part(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
