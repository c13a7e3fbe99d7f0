"""The processes of one run: alone, or started by torchrun (gloo on CPUs, NCCL on GPUs)."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from edgeprune.errors import UnsupportedError, UserInputError


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

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the mean gradient of all processes, in a few large messages.

        Surgery replaces parameters while a run goes on. DistributedDataParallel would have to be
        built anew each time, with its former reducers still hooked to the parameters that stayed;
        reducing after `backward` has no state, and the network stays unwrapped.
        """
        if not self.is_distributed:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        for bucket in _buckets(gradients):
            flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
            dist.all_reduce(flat)
            flat /= self.size
            parts = torch.split(flat, [gradient.numel() for gradient in bucket])
            for gradient, part in zip(bucket, parts, strict=True):
                gradient.copy_(part.view(gradient.shape))

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


_BUCKET_NUMEL = 4_000_000  # 16 MB of float32 a message


def _buckets(tensors: Sequence[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    bucket: list[torch.Tensor] = []
    for tensor in tensors:
        if bucket and sum(t.numel() for t in bucket) + tensor.numel() > _BUCKET_NUMEL:
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


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
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    return World(rank, size, chosen)


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
