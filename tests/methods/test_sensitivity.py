"""What a group costs is what pruning that group costs."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import edgeprune
from edgeprune.cli.inspect import command
from edgeprune.data.registry import load_data
from edgeprune.errors import UserInputError
from edgeprune.methods.sensitivity import measure_sensitivity
from edgeprune.models.checkpoint import load_checkpoint
from edgeprune.models.restore import restore_model
from edgeprune.models.summary import count_params
from edgeprune.train.distributed import World
from edgeprune.train.evaluate import metric_on
from edgeprune.train.precision import Precision

WORLD = World(0, 1, torch.device("cpu"))
FP32 = Precision("cpu", "fp32")


@pytest.fixture(scope="module")
def network(digits_teacher: Path) -> nn.Module:
    return restore_model(load_checkpoint(digits_teacher)).eval()


def test_a_row_is_what_pruning_that_group_alone_gives(network: nn.Module) -> None:
    data = load_data("digits", seed=0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    calls: list[tuple[int, int]] = []
    found = measure_sensitivity(
        network, data, ratio=0.5, progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(n + 1, len(found.groups) + 1) for n in range(len(found.groups) + 1)]
    assert found.samples == data.size("val")
    assert found.value == pytest.approx(metric_on(network, data, "val", WORLD, FP32))
    row = max(found.groups, key=lambda group: abs(group.metric_change))
    assert row.metric_change != 0, "the network must feel it"
    others = [g.group for g in found.groups if g.group != row.group]
    alone = copy.deepcopy(network)
    report = edgeprune.prune_model(
        alone, data.example_inputs(1), target_params=count_params(network) - row.params_saved,
        floor=0.0, round_to=1, floors=dict.fromkeys(others, 1.0),
    )  # fmt: skip
    assert report.macs_before - report.macs == row.macs_saved
    changed = metric_on(alone, data, "val", WORLD, FP32) - found.value
    assert changed == pytest.approx(row.metric_change)
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


def test_fewer_samples_are_taken_from_the_whole_split(network: nn.Module) -> None:
    data = load_data("digits", seed=0)
    found = measure_sensitivity(network, data, samples=60)
    assert found.samples == 60
    everything = measure_sensitivity(network, data, samples=10**6)
    assert everything.samples == data.size("val")


@pytest.mark.parametrize("ratio", [0.0, 1.0, -1.0])
def test_a_ratio_that_takes_nothing_or_all(network: nn.Module, ratio: float) -> None:
    with pytest.raises(UserInputError, match="--ratio"):
        measure_sensitivity(network, load_data("digits", seed=0), ratio=ratio)


def test_the_command_prints_a_table_and_json(digits_teacher: Path) -> None:
    arguments = [str(digits_teacher), "--sensitivity", "--data", "digits", "--samples", "30",
                 "--device", "cpu"]  # fmt: skip
    shown = CliRunner().invoke(command, arguments)
    assert shown.exit_code == 0, shown.output
    assert "50% of one group removed" in shown.stdout
    read = json.loads(CliRunner().invoke(command, [*arguments, "--json"]).stdout)
    assert {"group", "loss_increase", "metric_change", "params_saved"} <= read["groups"][0].keys()
    assert all(group["group"].split("#")[0] in shown.stdout for group in read["groups"])


@pytest.mark.parametrize("missing", [["--data", "digits"], ["teacher.pt"]])
def test_it_needs_a_trained_file_and_data(missing: list[str]) -> None:
    done = CliRunner().invoke(command, ["--sensitivity", *missing])
    assert done.exit_code == 2
    assert "give a FILE and --data" in done.output
