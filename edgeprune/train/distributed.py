"""The processes of one run: alone, or started by torchrun (gloo on CPUs, NCCL on GPUs)."""

from __future__ import annotations

import gc
import importlib
import itertools
import os
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from edgeprune.errors import UnsupportedError, UserInputError

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

_GROUPS = itertools.count()  # started by this process; the others count alike


@dataclass(frozen=True)
class World:
    """This process's place among all processes of the run, and the device it computes on."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this process decides and writes."""
        return self.rank == 0

    @property
    def is_distributed(self) -> bool:
        """Whether other processes take part."""
        return self.size > 1

    def broadcast(self, value: Any) -> Any:
        """The main process's `value`, in every process."""
        if not self.is_distributed:
            return value
        box = [value if self.is_main else None]
        dist.broadcast_object_list(box, src=0, device=self._object_device())
        return box[0]

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Elementwise sum of `values` over all processes."""
        if self.is_distributed:
            dist.all_reduce(values)
        return values

    def in_parallel(self, module: nn.Module, leaves_some_out: bool) -> nn.Module:
        """`module`, with every process's gradients averaged while `backward` runs.

        The wrapper belongs to the parameters that the module has now: surgery needs a new one. One
        that is let go of ignores the gradients of those that stayed.

        Args:
            leaves_some_out: whether a forward pass may use only part of the parameters.
        """
        if not self.is_distributed:
            return module
        with warnings.catch_warnings():
            # torch 2.14 renames `broadcast_buffers`, earlier ones know no other name.
            warnings.simplefilter("ignore", FutureWarning)
            # Running statistics are averaged once an epoch (`average_buffers`), which counts what
            # all processes saw.
            return DistributedDataParallel(
                module, broadcast_buffers=False, find_unused_parameters=leaves_some_out
            )

    def average_buffers(self, module: nn.Module) -> None:
        """Give every process the mean of all processes' running statistics.

        Each saw its own part of the data; validation, pruning and the saved state need one network.
        """
        if not self.is_distributed:
            return
        for buffer in module.buffers():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer /= self.size

    def gather(self, value: Any) -> list[Any]:
        """Every process's `value`, by rank."""
        if not self.is_distributed:
            return [value]
        box: list[Any] = [None] * self.size
        dist.all_gather_object(box, value)
        return box

    def _object_device(self) -> torch.device | None:
        return self.device if self.device.type == "cuda" else None


def join_world(device: str = "auto") -> World:
    """Join the processes torchrun started, or be the only one.

    Args:
        device: `auto` (CUDA where it answers), `cpu`, `cuda` or `cuda:N`.

    Raises:
        UserInputError: `device` is not a device.
        UnsupportedError: CUDA is asked for and does not answer.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    chosen = _choose_device(device, int(os.environ.get("LOCAL_RANK", "0")), size)
    if size > 1 and not dist.is_initialized():
        _keep_group_collectable()
        # Of 1x1 kernels, whose strides say the same in two ways.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        _start_group("nccl" if chosen.type == "cuda" else "gloo", rank, size)
    return World(rank, size, chosen)


def _start_group(backend: str, rank: int, size: int) -> None:
    """Start a group that finds nothing of an earlier one.

    A group leaves its processes' addresses in the store, and torch names every group of a process
    alike: the next would connect to ports that are closed by now.
    """
    from torch.distributed.distributed_c10d import PrefixStore  # not in every build of torch

    store = PrefixStore(f"edgeprune/{next(_GROUPS)}", _common_store())
    dist.init_process_group(backend, store=store, rank=rank, world_size=size)


@lru_cache(maxsize=1)
def _common_store() -> Store:
    """Where the processes find each other; one process may serve it, so it is kept to the end."""
    from torch.distributed.rendezvous import rendezvous

    store: Store = next(rendezvous("env://"))[0]
    return store


def _keep_group_collectable() -> None:
    """Have torch's functional collectives bind no group: they take the current one as a default.

    Imported after the group exists (an optimiser's first step or an export does that), they keep
    it for good: its threads outlive `leave_world`, and one that lets go of a tensor while the
    interpreter ends aborts the process.
    """
    importlib.import_module("torch.distributed.nn.functional")


def leave_world() -> None:
    """End the process group, where there is one."""
    if dist.is_available() and dist.is_initialized():
        gc.collect()  # wrappers in reference cycles would keep the group's threads
        dist.destroy_process_group()


def _choose_device(asked: str, local_rank: int, size: int) -> torch.device:
    has_cuda = torch.cuda.is_available()
    if asked == "auto":
        asked = "cuda" if has_cuda else "cpu"
    try:
        device = torch.device(asked)
    except RuntimeError as failure:
        raise UserInputError(f"--device {asked}: use auto, cpu, cuda or cuda:N") from failure
    if device.type not in ("cpu", "cuda"):
        raise UserInputError(f"--device {asked}: use auto, cpu, cuda or cuda:N")
    if device.type == "cuda":
        if not has_cuda:
            raise UnsupportedError(f"--device {asked}: no CUDA device answers here; use cpu")
        if size > 1:
            device = torch.device("cuda", local_rank)
        torch.cuda.set_device(device)
    return device
