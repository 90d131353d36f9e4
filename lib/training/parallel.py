"""Training in several processes that hold the same weights: `torchrun --nproc-per-node 2 -m lib.training gpt`.

    average_gradients     the gradients of the joint batch, out of those that each process has    notebook 21
    ring_all_reduce       how numbers are added up when each process talks to the next one only    notebook 21
    zero_bytes            memory of weights, gradients and AdamW's state, when they are split up    notebook 21
    ring_bytes, bubble_share    what data parallelism sends, and what a pipeline waits
    Team, team            the processes of a training, as `torchrun` has started them; ALONE without it
    TeamTraining          a Training that a team does together

This is data parallelism: every process draws the same joint batch and takes its rows of it, so that a recipe means the
same with one process and with many, and a checkpoint goes on with any number of them. What is added up goes through
`torch.distributed` (gloo, on CPUs; NVIDIA's GPUs would take nccl). PyTorch's DistributedDataParallel does the same, and
sends while it still computes.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from lib.batching import Batch
from lib.training.loop import Training

WAIT = timedelta(minutes=5)  # for a process that does not answer; one that has ended is noticed at once
Found = TypeVar("Found")


def average_gradients(model: nn.Module, all_reduce: Callable[[Tensor], Any], share: float) -> None:
    """Make the gradients of each process those of the joint batch: the sum over the processes of share times gradient.

    all_reduce: replaces the numbers of a tensor, in place, by their sums over all processes, as
    `torch.distributed.all_reduce` does; it returns when all have called it, in the same order, with equal shapes and
    dtypes
    share: how much of the joint batch this process has, from 0 to 1; the shares of all processes have the sum 1

    A parameter that learns and has no gradient here takes part with zeros: another process may have one. Frozen
    parameters take no part, and keep what is in their `.grad`. Returns nothing; the gradients stand in `.grad`, the old
    tensor or a new one.
    """
    for parameter in model.parameters():
        if parameter.requires_grad:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            parameter.grad.mul_(share)
            all_reduce(parameter.grad)


def ring_all_reduce(tensors: Sequence[Tensor]) -> tuple[list[Tensor], list[int]]:
    """Add up a tensor of each process, as a ring of processes does it (Patarasuk and Yuan 2009).

    tensors: (n,) of each process, at least one

    With p processes each tensor is cut into p chunks by `tensor_split`. In step s, from 0 to 2p - 3, process i sends
    its chunk (i - s) mod p to process (i + 1) mod p. In the first p - 1 steps the receiver adds it to its own chunk;
    after that it takes it in place of its own.

    Returns what each process has at the end, (n,) and of the dtype it had, and how many numbers each of them has sent,
    two lists. The tensors themselves are not changed.
    """
    p = len(tensors)
    chunks = [list(tensor.tensor_split(p)) for tensor in tensors]
    sent = [0] * p
    for step in range(2 * (p - 1)):
        for i in range(p):
            place, receiver = (i - step) % p, chunks[(i + 1) % p]
            chunk = chunks[i][place]
            sent[i] += len(chunk)
            receiver[place] = receiver[place] + chunk if step < p - 1 else chunk
    return [torch.cat(parts) for parts in chunks], sent


def zero_bytes(n_parameters: int, n_processes: int, stage: int) -> int:
    """Bytes in each process when training with AdamW in mixed precision (ZeRO, Rajbhandari et al. 2019, figure 1).

    A parameter takes 2 bytes as a weight, 2 as a gradient, and 12 as the optimiser's state: the weight and two moments
    in float32. stage: how much is split up, so that each process keeps its part only: 0 nothing, 1 the state, 2 the
    gradients too, 3 the weights too. Where the parameters do not divide, a part is rounded up to whole parameters.

    Returns an int. Raises ValueError for another int as the stage.
    """
    if stage not in (0, 1, 2, 3):
        raise ValueError(f"stage={stage} is none of 0, 1, 2 and 3")
    part = -(-n_parameters // n_processes)  # rounded up
    weights = 2 * (part if stage >= 3 else n_parameters)
    gradients = 2 * (part if stage >= 2 else n_parameters)
    state = 12 * (part if stage >= 1 else n_parameters)
    return weights + gradients + state


def ring_bytes(n_bytes: float, n_processes: int) -> float:
    """What each process sends so that all have the sum of n_bytes of numbers: less than twice as much, however many."""
    return 2 * (n_processes - 1) / n_processes * n_bytes


def bubble_share(n_stages: int, n_parts: int) -> float:
    """Which share of its time a stage of a pipeline waits, if a batch goes through in n_parts (Huang et al. 2018)."""
    return (n_stages - 1) / (n_parts + n_stages - 1)


# ------------------------------------------------------------------------------------------------------------ a team


class LostProcess(RuntimeError):
    """Another process of the team has ended, or does not answer."""


@dataclass(frozen=True)
class Team:
    """The processes of a training: `rank` is this one's number, from 0, `size` says how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Is this the process that speaks and writes files?"""
        return self.rank == 0

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """The sums over all processes in place of the tensor's numbers. Raises LostProcess."""
        return self._talk(dist.all_reduce, tensor)

    def from_first(self, tensor: Tensor) -> Tensor:
        """The numbers of process 0 in place of the tensor's. Raises LostProcess."""
        return self._talk(lambda it: dist.broadcast(it, 0), tensor)

    def _talk(self, way: Callable[[Tensor], Any], tensor: Tensor) -> Tensor:
        if self.size > 1:
            try:
                way(tensor)
            except RuntimeError as error:  # gloo's, several lines long
                raise LostProcess(
                    f"process {self.rank} of {self.size}: another process of this training has ended or does not "
                    "answer; the same command goes on from what was saved last"
                ) from error
        return tensor

    def first_says(self, yes: bool) -> bool:
        """What process 0 says, in all of them, so that they stop after the same step."""
        return bool(self.from_first(torch.tensor(int(yes))))

    def in_turn(self, work: Callable[[], Found]) -> Found:
        """Do the work in one process after the other, so that nobody trips over another one's files."""
        for rank in range(self.size):
            if rank == self.rank:
                found = work()
            self.all_reduce(torch.zeros(1))
        return found

    def agree(self, what: str, number: int) -> None:
        """Raises ValueError where the processes have different numbers of `what`."""
        theirs = self.from_first(torch.tensor(number)).item()
        differ = self.all_reduce(torch.tensor(int(theirs != number))).item()
        if differ:
            raise ValueError(
                f"process {self.rank} of {self.size} has {what} {number:,}, process 0 has {theirs:,}: "
                "all of them must see the same files"
            )

    def part(self, batch: Tensor | Batch) -> tuple[Tensor | Batch, int]:
        """This process's rows of a batch, every size-th, and how many targets they have.

        batch: ids (batch, length), or a Batch. Where there are fewer rows than processes, some take the first row and
        count it as none.
        """
        rows = slice(self.rank, None, self.size) if self.rank < len(_first_tensor(batch)) else slice(0, 1)
        mine = batch[rows] if isinstance(batch, Tensor) else Batch(*(tensor[rows] for tensor in batch))
        if rows.step is None:
            return mine, 0
        return mine, mine[:, 1:].numel() if isinstance(mine, Tensor) else int(mine.mask.sum())

    def training_step(
        self,
        model: nn.Module,
        loss_of: Callable[[Any], Tensor],
        batches: Sequence[Tensor | Batch],
        optimiser: Any,
        rate: float,
        max_norm: float = 1.0,
    ) -> float:
        """As `lib.training.loop.training_step` does with one joint batch, each process on its rows of it.

        The dice that fall within (dropout's) are other ones in each process, and afterwards at the same place in all.
        Returns the loss of the joint batch. Raises LostProcess, and what `training_step` raises.
        """
        (batch,) = batches
        mine, targets = self.part(batch)
        share = targets / self.all_reduce(torch.tensor(float(targets), dtype=torch.float64)).item()
        model.zero_grad()
        seed = int(torch.randint(2**62, ()))  # the same everywhere
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + self.rank)
            loss = loss_of(mine)
            loss.backward()
        average_gradients(model, self.all_reduce, share)
        total = self.all_reduce(torch.tensor(share * loss.item(), dtype=torch.float64))
        norm = clip_grad_norm_(model.parameters(), max_norm)
        if not norm.isfinite():
            raise FloatingPointError(f"the gradients' norm is {norm.item()}")
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        return total.item()

    def training(self, *arguments: Any, **named: Any) -> Training:
        """A Training of these arguments: the plain one where this process is alone, else a TeamTraining."""
        return TeamTraining(self, *arguments, **named) if self.size > 1 else Training(*arguments, **named)


ALONE = Team()


class TeamTraining(Training):
    """A Training that a team does together; the batches are the joint ones, the same in all processes.

    All begin with the weights and the dice of process 0, which alone saves. All resume from files that all of them see.
    """

    def __init__(self, team: Team, model: nn.Module, *arguments: Any, **named: Any):
        with torch.no_grad():
            for tensor in model.state_dict().values():
                team.from_first(tensor)
        super().__init__(model, *arguments, one_step=team.training_step, **named)
        self.team, self.dice = team, team.from_first(self.dice.clone())

    def save(self, path: str | os.PathLike) -> None:
        """As Training does, in process 0."""
        if self.team.first:
            super().save(path)

    def resume(self, path: str | os.PathLike) -> bool:
        """As Training does. Raises ValueError, too, where not all processes found the same."""
        found = super().resume(path)
        self.team.agree("step", self.step)
        return found


@contextlib.contextmanager
def team(backend: str = "gloo") -> Iterator[Team]:
    """The team that `torchrun` has started this process in, as long as the block lasts; ALONE without `torchrun`.

    What processes other than the first print goes nowhere.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield ALONE
        return
    dist.init_process_group(backend, timeout=WAIT)
    try:
        found = Team(dist.get_rank(), dist.get_world_size())
        with contextlib.ExitStack() as stack:
            if not found.first:
                nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                stack.enter_context(contextlib.redirect_stdout(nowhere))
            yield found
    finally:
        with contextlib.suppress(RuntimeError):  # where another process is lost: what is told is the first error
            dist.destroy_process_group()


def _first_tensor(batch: Tensor | Batch) -> Tensor:
    return batch if isinstance(batch, Tensor) else batch[0]
