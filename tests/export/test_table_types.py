"""Tables in INT8 and FP16: what the graph becomes, how far from before, and who takes it."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from needs import lacking
from onnx import TensorProto
from table_nets import Dots
from torch import Tensor, nn

from edgeprune.device.targets import find_target
from edgeprune.device.tensorrt.builder import load_builder
from edgeprune.device.tensorrt.engine_file import ensure_engine
from edgeprune.device.tensorrt.settings import BatchProfile, BuildAids, EngineSettings
from edgeprune.errors import UnsupportedError, UserInputError
from edgeprune.export.onnx import export_onnx
from edgeprune.export.precision.half import to_half
from edgeprune.export.tables import apply_tables, quantised_rows, require_table_type
from edgeprune.models.inputs import random_inputs
from edgeprune.verify.graphs import read_graph

CPU, RTX, XAVIER = (find_target(name) for name in ("cpu", "rtx", "jetson-xavier"))


class Tied(Dots):
    """A table is the last layer's weight too, which INT8 rows would be of no use to."""

    def forward(self, ids: Tensor, dense: Tensor, bag: Tensor) -> Tensor:
        found = super().forward(ids, dense, bag)
        return found + nn.functional.linear(self.bottom(dense), self.tables[1].weight).sum(1, True)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    """A graph whose tables are most of it, and a feed."""
    torch.manual_seed(0)
    model = Tied(rows=(600, 9), genres=300)
    inputs = random_inputs(model.input_specs(), 16)
    path = tmp_path_factory.mktemp("tables") / "net.onnx"
    export_onnx(model, inputs, path, opset=20)
    names = [spec.name for spec in model.input_specs()]
    return path, dict(zip(names, (value.numpy() for value in inputs), strict=True))


@given(arrays(np.float32, (5, 4), elements=st.floats(-1e4, 1e4, width=32)))
def test_rows_are_within_half_a_step(table: np.ndarray) -> None:
    rows, steps = quantised_rows(table)
    assert np.abs(rows.astype(int)).max() <= 127
    error = np.abs(rows * steps.astype(np.float64) - table)
    assert (error <= steps * 0.5 * (1 + 1e-5) + 1e-30).all()


@pytest.mark.parametrize(
    ("half", "kind"),
    [(False, "int8"), (False, "fp16"), (True, "int8")],
    ids=["int8", "fp16", "int8 in an fp16 graph"],
)
def test_onnxruntime_gathers_rows(tmp_path: Path, exported, kind: str, half: bool) -> None:
    path, feed = exported
    own = tmp_path / "net.onnx"
    onnx.save(to_half(onnx.load(path)).model if half else onnx.load(path), own)
    report = apply_tables(own, kind, CPU, [feed])
    assert [change.table.removesuffix("_fp16_0") for change in report.tables] == [
        *("tables.0.weight", "genres.weight")
    ]
    assert "Gemm" in str(report.left) or "MatMul" in str(report.left) or half
    assert 0 < report.max_abs_error < 0.05
    assert report.noise_db > (30 if kind == "int8" else 55)
    change = report.tables[0]
    item = 2 if half else 4
    wanted = 600 * 8 * 2 if kind == "fp16" else 600 * (8 + item)
    assert (change.bytes_before, change.bytes) == (600 * 8 * item, wanted)
    graph = onnx.load(own).graph
    held = {tuple(t.dims): t.data_type for t in graph.initializer}
    assert held[600, 8] == (TensorProto.INT8 if kind == "int8" else TensorProto.FLOAT16)
    assert "DequantizeLinear" not in {node.op_type for node in graph.node}
    assert read_graph(own).precision == kind, "what a check allows it"
    assert " kB are now " in report.lines()[0]


def test_what_is_wrong_with_an_int8_table_is_found(tmp_path: Path, exported) -> None:
    """The reported error is measured: spoil a scale, and the outputs tell."""
    path, feed = exported
    own = tmp_path / "net.onnx"
    shutil.copyfile(path, own)
    apply_tables(own, "int8", CPU, [feed])
    model = onnx.load(own)
    scales = next(t for t in model.graph.initializer if tuple(t.dims) == (600, 1))
    spoiled = onnx.numpy_helper.to_array(scales).copy() * 4
    scales.CopyFrom(onnx.numpy_helper.from_array(spoiled, scales.name))
    from edgeprune.export.tables import _measured

    error, noise = _measured(onnx.load(path), model, [feed])
    assert error > 0.1
    assert noise < 20


def test_tensorrt_takes_int8_tables_before_the_gather(tmp_path: Path, exported) -> None:
    if importlib.util.find_spec("tensorrt_rtx") is None:
        lacking("tensorrt-rtx is not installed")
    path, feed = exported
    builder = load_builder("tensorrt-rtx")
    settings = EngineSettings(batch=BatchProfile(1, 64, 1024), sm="86")
    for kind in ("int8", "fp16"):
        own = tmp_path / f"{kind}.onnx"
        shutil.copyfile(path, own)
        report = apply_tables(own, kind, RTX, [feed])
        assert kind == "fp16" or report.form == "DequantizeLinear, then Gather"
        assert report.max_abs_error < 0.05
        engine = ensure_engine(own, own.with_suffix(".engine"), builder, settings, BuildAids())
        assert engine.built


def test_what_cannot_be(tmp_path: Path, exported) -> None:
    path, feed = exported
    before = path.read_bytes()
    with pytest.raises(UnsupportedError, match="use --tables fp16"):
        apply_tables(path, "int8", XAVIER, [feed])
    with pytest.raises(UserInputError, match="use fp32, fp16, int8"):
        require_table_type("int4")
    export_onnx(nn.Linear(3, 2), torch.randn(2, 3), tmp_path / "none.onnx")
    with pytest.raises(UserInputError, match="there is no table to change; leave"):
        apply_tables(tmp_path / "none.onnx", "int8", CPU, [{"input": np.zeros((1, 3), "f4")}])
    assert path.read_bytes() == before
