"""Where the ratio falls, and where it only arrives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from damaged_graphs import change_tensor
from precision_graphs import Residual

from edgeprune.errors import EdgepruneError
from edgeprune.export.metadata import write_metadata
from edgeprune.export.onnx import OnnxExport, export_onnx, target_of
from edgeprune.export.precision.calibration import Calibration
from edgeprune.export.precision.convert import convert
from edgeprune.verify import fp32_graphs
from edgeprune.verify.divergence import Divergence, find_divergence
from edgeprune.verify.fp32_graphs import Fp32Graphs
from edgeprune.verify.graphs import read_graph
from edgeprune.verify.networks import Inputs
from edgeprune.verify.references import reference_for

torch.manual_seed(0)
MODEL = Residual().eval()
IMAGES: list[Inputs] = [
    (np.random.default_rng(n).standard_normal((1, 3, 12, 12)).astype(np.float32),) for n in range(3)
]


@pytest.fixture(params=["rtx", "jetson-xavier", "cpu"])
def int8(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The graph in INT8 for a target."""
    target = target_of(request.param, None)
    path = tmp_path / "m.onnx"
    inputs = torch.from_numpy(np.concatenate([image for (image,) in IMAGES]))
    with torch.no_grad():
        export_onnx(MODEL, inputs, path, target=target.name)
    feed = {"input": inputs.numpy()}
    made = convert(onnx.load(path), "int8", target, [feed], Calibration("min-max")).model
    about = {"precision": "int8", "target": target.name, "system": target.system}
    write_metadata(made, about)
    path.write_bytes(made.SerializeToString())
    return path


def _seen(path: Path) -> Divergence:
    graph = read_graph(path)
    with torch.no_grad(), reference_for(graph, Fp32Graphs(MODEL, IMAGES[0])) as reference:
        return find_divergence(graph, reference, IMAGES, None)


def test_every_value_of_int8_has_its_counterpart_in_fp32(int8: Path) -> None:
    found = _seen(int8)
    assert found.compared_with == "fp32 graph"
    assert len(found.layers) == found.values
    assert found.first is None
    assert all(layer.snr_db > 20 for layer in found.layers)


def test_the_fall_is_told_from_what_follows(int8: Path) -> None:
    # TensorRT 8 gets weights that are quantised in the graph, the others integers with scales.
    weight = "c.weight" if "c.weight" in _names(int8) else "c.weight_scale"
    change_tensor(int8, weight, lambda values: 4 * values)
    found = _seen(int8)
    assert found.first is not None
    assert found.largest_fall is not None
    assert found.first.layer == found.largest_fall.layer == "c"
    below = [layer for layer in found.layers if layer.snr_db < found.min_snr_db]
    assert len(below) > 1
    assert all(layer.fall_db < found.largest_fall.fall_db for layer in below if layer.layer != "c")


def test_modules_stand_in_where_no_fp32_graph_can_be_made(
    int8: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise EdgepruneError("the exporter changed")

    monkeypatch.setattr(fp32_graphs, "export_onnx", refuses)
    found = _seen(int8)
    assert found.compared_with == "pytorch modules"
    assert {"stem", "a", "b", "shortcut", "c", "depthwise", "hidden", "out"} <= {
        layer.counterpart for layer in found.layers
    }
    assert found.first is None


def test_an_fp32_graph_that_is_not_the_network_is_no_reference(
    int8: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fp32_graphs, "onnx_max_abs_error", lambda *_: 0.1)
    assert _seen(int8).compared_with == "pytorch modules"


def test_graphs_for_one_target_share_their_fp32_graph(
    int8: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported: list[str] = []

    def counted(*arguments: Any, target: str, **options: Any) -> OnnxExport:
        exported.append(target)
        return export_onnx(*arguments, target=target, **options)

    monkeypatch.setattr(fp32_graphs, "export_onnx", counted)
    graph, graphs = read_graph(int8), Fp32Graphs(MODEL, IMAGES[0])
    with torch.no_grad():
        assert graphs.exact(graph) is graphs.exact(read_graph(int8)) is not None
        assert graph.metadata is not None
        other = "rtx" if graph.metadata["target"] == "cpu" else "cpu"
        there = replace(graph, metadata={"target": other})
        assert graphs.exact(there) is not graphs.exact(graph)
    assert exported == [graph.metadata["target"], other]


def _names(path: Path) -> list[str]:
    return [tensor.name for tensor in onnx.load(path).graph.initializer]
