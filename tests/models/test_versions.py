"""Networks whose modules ask for the version of their weights come back from a checkpoint too."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import edgeprune
from edgeprune.models.checkpoint import checkpoint_of, load_checkpoint, save_checkpoint
from edgeprune.models.registry import build_model
from edgeprune.models.restore import restore_model
from edgeprune.models.versions import load_weights

IMAGE = torch.randn(2, 3, 32, 32)


def test_mnasnet_refuses_a_plain_mapping_and_takes_it_from_us(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build_model("mnasnet0_5", num_classes=5).eval()
    with pytest.raises(ValueError, match="version should be set"):
        model.load_state_dict(dict(model.state_dict()))
    edgeprune.prune_model(model, IMAGE, pruning_ratio=0.5)
    path = tmp_path / "m.pt"
    save_checkpoint(path, checkpoint_of(model, arch="mnasnet0_5", arch_args={"num_classes": 5}))
    restored = restore_model(load_checkpoint(path))
    assert torch.equal(restored(IMAGE), model.eval()(IMAGE))


def test_files_from_before_batches_were_counted_still_load() -> None:
    old = {key: torch.ones(3) for key in ("weight", "bias", "running_mean", "running_var")}
    norm = nn.BatchNorm1d(3)
    load_weights(norm, old)
    assert all(torch.equal(norm.state_dict()[key], value) for key, value in old.items())


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(RuntimeError, match="Unexpected key"):
        load_weights(nn.Linear(2, 2), {**nn.Linear(2, 2).state_dict(), "more": torch.ones(1)})
