"""Real surgery, then a file, then the network again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeprune.models.checkpoint import (
    checkpoint_of,
    load_checkpoint,
    restore_model,
    save_checkpoint,
)
from edgeprune.models.registry import build_model
from edgeprune.prune.graph.trace import trace_channels
from edgeprune.prune.removal import Removal
from edgeprune.prune.surgery import remove_channels

_ARGS = {"num_classes": 3, "in_channels": 1}


def _check_round_trip(folder: Path, arch: str, side: int, seed: int) -> None:
    torch.manual_seed(seed)
    model, images = build_model(arch, **_ARGS).eval(), torch.randn(2, 1, side, side)
    graph = trace_channels(model, (images,))
    draw = np.random.default_rng(seed)
    gone = [draw.permutation(group.size)[: group.size // 8 * 4] for group in graph.groups]
    params = sum(parameter.numel() for parameter in model.parameters())
    remove_channels(model, graph, Removal(tuple(np.sort(index) for index in gone)))
    save_checkpoint(folder / "m.pt", checkpoint_of(model, arch=arch, arch_args=_ARGS))
    back = restore_model(load_checkpoint(folder / "m.pt"))
    with torch.no_grad():
        assert torch.equal(back(images), model(images))
    assert sum(parameter.numel() for parameter in back.parameters()) < params / 2


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(arch=st.sampled_from(["wrn_10_1", "resnet20"]), seed=st.integers(0, 2**31))
def test_randomly_pruned_networks_come_back_identical(tmp_path: Path, arch: str, seed: int) -> None:
    _check_round_trip(tmp_path, arch, 8, seed)


def test_a_network_with_depthwise_layers_comes_back_identical(tmp_path: Path) -> None:
    _check_round_trip(tmp_path, "cifar_mobilenet_v2", 8, seed=0)
