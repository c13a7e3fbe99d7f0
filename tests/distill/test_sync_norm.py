"""Two gloo processes with half a batch each are one process with the whole batch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from edgeprune.distill.head import AttentionHead
from edgeprune.distill.sync_norm import SyncedBatchNorm1d

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not dist.is_gloo_available(), reason="torch without gloo"),
]

SHAPES = [(4, 3, 4, 4), (4, 5, 2, 2)]


def _norm() -> SyncedBatchNorm1d:
    torch.manual_seed(0)
    norm = SyncedBatchNorm1d(5).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


def _norm_inputs() -> Tensor:
    """Far from zero mean, where sums of squares would cancel."""
    return torch.randn(7, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 1e4


def _norm_results(part: slice) -> dict[str, Tensor]:
    norm, x = _norm(), _norm_inputs()[part].requires_grad_()
    output = norm(x)
    (output.sin().sum()).backward()
    assert x.grad is not None
    assert norm.weight.grad is not None
    assert norm.bias.grad is not None
    return {
        "output": output.detach(),
        "d_input": x.grad,
        "d_weight": norm.weight.grad,
        "d_bias": norm.bias.grad,
        "running_mean": norm.running_mean,
        "running_var": norm.running_var,
        "batches": norm.num_batches_tracked,
        "eval": norm.eval()(x).detach(),
    }


def _head_results(part: slice, wrap: bool) -> dict[str, Tensor]:
    torch.manual_seed(2)
    head = AttentionHead(SHAPES, SHAPES, dim=4).double()
    features = [torch.randn(shape, dtype=torch.float64)[part].requires_grad_() for shape in SHAPES]
    module = DistributedDataParallel(head) if wrap else head
    loss = module([f.detach().flip(1) for f in features], features)
    loss.backward()
    return {
        "loss": loss.detach(),
        **{f"d_features.{i}": f.grad for i, f in enumerate(features)},
        **{name: parameter.grad for name, parameter in head.named_parameters()},
        **{name: buffer for name, buffer in head.named_buffers() if "running" in name},
    }


def _work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(os.path.join(folder, "store"), 2)  # noqa: PTH118
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    norm = _norm_results((slice(0, 3), slice(3, 7))[rank])
    head = _head_results((slice(0, 2), slice(2, 4))[rank], wrap=True)
    torch.save({"norm": norm, "head": head}, os.path.join(folder, f"{rank}.pt"))  # noqa: PTH118
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, Tensor]]]:
    folder = tmp_path_factory.mktemp("ranks")
    mp.spawn(_work, args=(str(folder),), nprocs=2)
    return [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_norm_over_two_unequal_halves(ranks: list[dict[str, dict[str, Tensor]]]) -> None:
    first, second = (rank["norm"] for rank in ranks)
    whole = _norm_results(slice(None))
    for name in ("output", "d_input", "eval"):
        torch.testing.assert_close(torch.cat([first[name], second[name]]), whole[name])
    for name in ("d_weight", "d_bias"):  # left local: their sum is the whole
        torch.testing.assert_close(first[name] + second[name], whole[name])
    for name in ("running_mean", "running_var", "batches"):
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], whole[name])


def test_head_under_distributed_data_parallel(ranks: list[dict[str, dict[str, Tensor]]]) -> None:
    first, second = (rank["head"] for rank in ranks)
    whole = _head_results(slice(None), wrap=False)
    torch.testing.assert_close((first["loss"] + second["loss"]) / 2, whole["loss"])
    for name, expected in whole.items():
        if name.startswith("d_features"):  # a mean over half as many samples
            torch.testing.assert_close(torch.cat([first[name], second[name]]) / 2, expected)
        elif name != "loss":
            torch.testing.assert_close(first[name], second[name])
            torch.testing.assert_close(first[name], expected, rtol=1e-7, atol=1e-12)


def test_alone_it_is_plain_batch_norm() -> None:
    ours, theirs = _norm(), nn.BatchNorm1d(5).double()
    theirs.load_state_dict(ours.state_dict())
    x = _norm_inputs()
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_var, theirs.running_var)
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_cuda_users_can_convert_the_head() -> None:
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(AttentionHead(SHAPES, SHAPES, dim=4))
    assert isinstance(converted.query_norm, nn.SyncBatchNorm)
