"""The processes of a run: one, or many that torchrun (or srun) started, talking over gloo."""

# No `from __future__ import annotations` here: DistributedDataParallel looks at the annotations of a hook.

import contextlib
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


class Group:
    """All processes of this run. Every method but `print` must be called by all of them, in the same order."""

    def __init__(self) -> None:
        self.world_size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        if self.world_size > 1:
            dist.init_process_group("gloo")

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def print(self, line: str) -> None:
        """A line of the run's log. One process writes it, at once."""
        if self.is_first:
            print(line, flush=True)

    def sum(self, values: Sequence[float]) -> list[float]:
        total = torch.tensor(values, dtype=torch.float64)
        if self.world_size > 1:
            dist.all_reduce(total)
        return total.tolist()

    def gather(self, tensor: Tensor) -> list[Tensor]:
        if self.world_size == 1:
            return [tensor]
        parts = [torch.empty_like(tensor) for _ in range(self.world_size)]
        dist.all_gather(parts, tensor)
        return parts

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model whose backward pass adds up the gradients of all processes."""
        if self.world_size == 1:
            return model
        wrapped = DistributedDataParallel(model)
        wrapped.register_comm_hook(self.world_size, add_in_rank_order)
        return wrapped

    def close(self) -> None:
        if self.world_size > 1:
            dist.barrier()
            dist.destroy_process_group()


def add_in_rank_order(world_size: int, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
    """Adds the gradients of rank 0, 1, 2, ... in this order.

    A ring all-reduce adds them in an order that depends on where in the bucket a gradient lies, and DDP lays its
    buckets out anew after the first step of a process. A resumed run would differ in the last bits.
    """
    mine = bucket.buffer()
    parts = [torch.empty_like(mine) for _ in range(world_size)]
    dist.all_gather(parts, mine)
    total = parts[0]
    for part in parts[1:]:
        total += part
    future: torch.futures.Future[torch.Tensor] = torch.futures.Future()
    future.set_result(total)
    return future


def without_sync(model: nn.Module, active: bool) -> AbstractContextManager[None]:
    """Leaves the gradients of this backward pass on their process, for all but the last part of a step."""
    if active and isinstance(model, DistributedDataParallel):
        return model.no_sync()
    return contextlib.nullcontext()
