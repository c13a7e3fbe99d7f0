"""Where INT8 goes, and that the graph computes what rounding by hand computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper
from precision_graphs import Residual, exported, feeds, ops, outputs
from torch import nn

from edgeprune.device.targets import find_target
from edgeprune.device.tensorrt.bindings import load_bindings
from edgeprune.device.tensorrt.build import build_plan
from edgeprune.device.tensorrt.settings import EngineSettings
from edgeprune.errors import UnsupportedError, UserInputError
from edgeprune.export.noise import noise_db
from edgeprune.export.precision.calibration import Calibration, Forward
from edgeprune.export.precision.convert import checked, convert
from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.int8 import plan_int8, write_int8
from edgeprune.export.precision.integers import quantise_weight
from edgeprune.export.precision.qdq import write_qdq
from edgeprune.export.precision.sites import find_sites
from edgeprune.export.precision.switchboard import opened

SHAPE = (3, 8, 8)


@pytest.fixture(scope="module")
def residual(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    torch.manual_seed(0)
    return exported(Residual(), tmp_path_factory.mktemp("graph"), *SHAPE)


def test_layers_and_skip_branches_are_found(residual: onnx.ModelProto) -> None:
    sites = find_sites(residual)
    layers = [site.module for site in sites.found if site.kind == "layer"]
    assert layers == ["a", "b", "shortcut", "c", "depthwise", "hidden"]
    assert sites.left == {"stem": "reads the input", "out": "gives the output"}
    skips = {site.extends: site for site in sites.found if site.kind == "residual"}
    by_node = {site.node: site.module for site in sites.found if site.kind == "layer"}
    assert {by_node[str(name)] for name in skips} == {"b", "c"}
    # The 3x3 convolution takes the addition in, so the 1x1 shortcut's result is the branch.
    shortcut = next(site for site in sites.found if site.module == "shortcut")
    produced = next(node for node in residual.graph.node if node.name == shortcut.node)
    into_b = next(site for name, site in skips.items() if by_node[str(name)] == "b")
    assert into_b.value == produced.output[0]


def test_ends_can_be_asked_for(residual: onnx.ModelProto) -> None:
    sites = find_sites(residual, ends=True)
    assert {"stem", "out"} <= {site.module for site in sites.found}
    assert not sites.left


def test_a_skip_branch_needs_its_convolution(residual: onnx.ModelProto) -> None:
    sites = find_sites(residual)
    skip = next(site for site in sites.found if site.kind == "residual")
    assert sites.closed([skip.node]) == frozenset()
    assert sites.closed([skip.node, str(skip.extends)]) == {skip.node, skip.extends}


def test_one_layer_computes_what_rounding_by_hand_computes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3, groups=2))
    graph = exported(model, tmp_path, *SHAPE)
    sites = find_sites(graph, ends=True)
    last = sites.found[1]
    cut = 1.5
    written = write_qdq(graph, sites, [last.node], {last.value: cut})
    (feed,) = feeds(*SHAPE, batches=1)
    step = np.float32(cut / 127)
    with torch.no_grad():
        hidden = model[1](model[0](torch.from_numpy(feed["input"]))).numpy()
        rounded = np.clip(np.rint(hidden / step), -128, 127) * step
        weight = quantise_weight(model[2].weight.numpy(), 0, half_scales=False)
        model[2].weight.copy_(torch.from_numpy(weight.values * weight.scales.reshape(-1, 1, 1, 1)))
        expected = model[2](torch.from_numpy(rounded)).numpy()
    assert np.abs(outputs(written, feed) - expected).max() < 1e-5
    stored = [t for t in written.graph.initializer if t.data_type == TensorProto.INT8 and t.dims]
    assert any((numpy_helper.to_array(t) == weight.values).all() for t in stored
               if tuple(t.dims) == weight.values.shape)  # fmt: skip


def test_a_shared_activation_is_rounded_once(residual: onnx.ModelProto) -> None:
    plan = plan_int8(residual, feeds(*SHAPE), Calibration("min-max"), half_scales=False)
    written = write_int8(residual, plan, half_scales=False, integer_weights=True)
    values = {site.value for site in plan.sites.found}
    assert len(ops(written, "QuantizeLinear")) == len(values) < len(plan.sites.found)
    zeros = {node.input[2] for node in ops(written, "QuantizeLinear")}
    assert len(zeros) == 1


def test_switches_give_what_the_written_graph_gives(residual: onnx.ModelProto) -> None:
    how, data = Calibration("percentile"), feeds(*SHAPE)
    plan = plan_int8(residual, data, how, half_scales=True)
    some = [site.node for site in plan.sites.found][::2]
    with opened(residual, plan.sites, plan.thresholds, half_scales=True) as board:
        none, part = board.run(data[0], ()), board.run(data[0], some)
    assert np.abs(none - outputs(residual, data[0])).max() < 1e-5
    written = write_qdq(
        residual, plan.sites, plan.sites.closed(some), plan.thresholds, half_scales=True
    )
    assert np.abs(part - outputs(written, data[0])).max() < 1e-5
    assert np.abs(part - none).max() > 1e-5


@pytest.mark.parametrize(
    ("name", "jetpack", "types"),
    [
        ("cpu", None, {"float", "int8"}),
        ("rtx", None, {"float16", "int8"}),
        ("jetson-orin", None, {"float16", "int8"}),
        ("jetson-xavier", None, {"float"}),
    ],
)
def test_each_target_gets_the_form_it_reads(
    tmp_path: Path, name: str, jetpack: str | None, types: set[str]
) -> None:
    torch.manual_seed(0)
    target = find_target(name, jetpack)
    model = exported(Residual(), tmp_path, *SHAPE, target=name)
    data = feeds(*SHAPE)
    made = convert(model, "int8", target, data, Calibration())
    checked(made.model, "int8")
    scales = {node.input[1] for node in ops(made.model, "DequantizeLinear")}
    stored = {tensor.name: tensor for tensor in made.model.graph.initializer}
    found = {stored[scale].data_type for scale in scales}
    half = "float16" in types
    assert found == {TensorProto.FLOAT16 if half else TensorProto.FLOAT}
    integer_weights = any(len(t.dims) == 4 and t.data_type == TensorProto.INT8
                          for t in stored.values())  # fmt: skip
    assert integer_weights == ("int8" in types)
    weight_rounding = [n for n in ops(made.model, "QuantizeLinear") if n.input[0] in stored]
    assert bool(weight_rounding) == (name == "jetson-xavier")
    exact, rounded = outputs(model, data[0]), outputs(made.model, data[0])
    assert noise_db([exact], [rounded]) > 25.0
    assert rounded.dtype == np.float32


def test_learned_scales_go_before_calibration(residual: onnx.ModelProto) -> None:
    how = Calibration("min-max", learned={"c": 0.125})
    plan = plan_int8(residual, feeds(*SHAPE), how, half_scales=False)
    site = next(site for site in plan.sites.found if site.module == "c")
    assert plan.thresholds[site.value] == pytest.approx(127 * 0.125)


def test_layers_go_back_until_the_metric_holds(residual: onnx.ModelProto) -> None:
    data = feeds(*SHAPE)
    exact = outputs(residual, data[0])

    def score(forward: object) -> float:
        found = forward(data[0])  # type: ignore[operator]
        return 100.0 - float(np.abs(found - exact).max()) * 1e3

    alone = plan_int8(residual, data, Calibration(), half_scales=False)
    strict = Calibration(score=score, max_accuracy_drop=1.0)
    plan = plan_int8(residual, data, strict, half_scales=False)
    assert len(plan.kept.on) < len(alone.kept.on)
    assert plan.kept.drop is not None
    assert plan.kept.drop <= 1.0
    worst = [cost.node for cost in plan.costs[: len(plan.kept.off)]]
    assert [cost.node for cost in plan.kept.off] == worst


def test_what_holds_is_what_the_target_computes(residual: onnx.ModelProto) -> None:
    """FP16 around INT8 counts while layers are put back, not only when all is written."""
    data = feeds(*SHAPE)
    exact = outputs(residual, data[0])

    def score(forward: Forward) -> float:
        return 100.0 - float(np.abs(forward(data[0]) - exact).max()) * 1e3

    strict = Calibration(score=score, max_accuracy_drop=3.0)
    made = convert(residual, "int8", find_target("rtx"), data, strict)
    assert made.int8 is not None
    found = outputs(emulated(made.model), data[0])
    assert made.int8.kept.drop == pytest.approx(float(np.abs(found - exact).max()) * 1e3, rel=1e-4)
    assert made.int8.kept.drop <= 3.0


def test_auto_takes_the_quietest_method(residual: onnx.ModelProto) -> None:
    plan = plan_int8(residual, feeds(*SHAPE), Calibration(), half_scales=True)
    assert set(plan.tried_db) == {"entropy", "percentile", "min-max", "mse"}
    assert plan.tried_db[plan.calibration] == max(plan.tried_db.values())


def test_tensorrt_builds_it(residual: onnx.ModelProto, tmp_path: Path) -> None:
    made = convert(residual, "int8", find_target("rtx"), feeds(*SHAPE), Calibration())
    path = tmp_path / "int8.onnx"
    onnx.save(made.model, path)
    plan = build_plan(path, load_bindings("tensorrt-rtx"), EngineSettings(sm="86"))
    assert len(plan.data) > 1000


def test_nothing_to_quantise_is_told(tmp_path: Path) -> None:
    model = exported(nn.Sequential(nn.Flatten(), nn.Linear(12, 4)), tmp_path, 3, 2, 2)
    with pytest.raises(UnsupportedError, match="no layer can become INT8"):
        plan_int8(model, feeds(3, 2, 2), Calibration(), half_scales=False)


def test_unusable_settings_and_data_are_told(residual: onnx.ModelProto) -> None:
    with pytest.raises(UserInputError, match="--calibration best: use entropy"):
        Calibration("best")
    with pytest.raises(UserInputError, match="at least one batch"):
        plan_int8(residual, [], Calibration(), half_scales=False)
    infinite = feeds(*SHAPE, batches=1)
    infinite[0]["input"][0] = np.inf
    with pytest.raises(UserInputError, match="is not finite"):
        plan_int8(residual, infinite, Calibration(), half_scales=False)
    with pytest.raises(UserInputError, match="needs --calibration-data"):
        convert(residual, "int8", find_target("rtx"), feeds(*SHAPE))


class Tied(nn.Module):
    """One weight, read as it is and transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.tied, self.last = nn.Linear(12, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.tied(torch.relu(self.first(x.flatten(1)))))
        return self.last(torch.relu(x @ self.tied.weight))


def test_a_weight_that_two_layers_read_along_different_axes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    graph = exported(Tied(), tmp_path, 3, 2, 2)
    made = convert(graph, "int8", find_target("rtx"), feeds(3, 2, 2), Calibration("min-max"))
    axes = {}
    for node in ops(made.model, "DequantizeLinear"):
        for attribute in node.attribute:
            axes[node.output[0]] = attribute.i
    heavy = [*ops(made.model, "Gemm"), *ops(made.model, "MatMul")]
    read = {node.op_type: axes[node.input[1]] for node in heavy if node.input[1] in axes}
    assert read == {"Gemm": 0, "MatMul": 1}


def test_of_two_learned_scales_the_larger_counts(residual: onnx.ModelProto) -> None:
    how = Calibration("min-max", learned={"a": 0.2, "shortcut": 0.02, "stem": 0.1})
    plan = plan_int8(residual, feeds(*SHAPE), how, half_scales=False)
    site = next(site for site in plan.sites.found if site.module == "shortcut")
    assert plan.thresholds[site.value] == pytest.approx(127 * 0.2)
    assert plan.unused_scales == ("stem",)
