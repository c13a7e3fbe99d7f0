"""Tables in exported graphs: bags without loops, ids by name, and which of them there are."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from needs import lacking
from table_nets import Dots, Towers
from torch import Tensor, nn

from edgeprune.device.bench.feeds import random_feed
from edgeprune.device.bench.protocol import BenchmarkSettingError
from edgeprune.device.ids import IdRows, UnknownIdError, check_ids, id_rows_of
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.device.targets import find_target
from edgeprune.device.tensorrt.builder import load_builder
from edgeprune.device.tensorrt.engine_file import ensure_engine
from edgeprune.device.tensorrt.settings import BatchProfile, BuildAids, EngineSettings
from edgeprune.errors import UnsupportedError, UserInputError
from edgeprune.export.compare import onnx_max_abs_error
from edgeprune.export.onnx import export_onnx
from edgeprune.export.precision.apply import apply_precision
from edgeprune.export.precision.request import PrecisionRequest
from edgeprune.models.inputs import InputSpec, random_inputs

BAGS = torch.tensor([[1, 2, 0], [0, 0, 0], [3, 3, 0], [4, 5, 6], [0, 6, 0]])


class Bags(nn.Module):
    """Every kind of bag on the same ids; one of them with a weight for each id."""

    def __init__(self) -> None:
        super().__init__()
        self.bags = nn.ModuleList(
            nn.EmbeddingBag(7, 4, mode=mode, padding_idx=padding)
            for mode in ("mean", "sum", "max")
            for padding in (None, 0, -1)
        )
        for bag in self.bags:
            bag.weight.data.sub_(3)  # all negative: the padding's zeros would win a maximum

    def forward(self, bag: Tensor, weights: Tensor) -> Tensor:
        some = [one(bag) for one in self.bags]
        return torch.stack([*some, self.bags[4](bag, None, weights)], 1)


def test_a_bag_is_a_lookup_and_a_reduction(tmp_path: Path) -> None:
    model, path = Bags(), tmp_path / "bags.onnx"
    inputs = (BAGS, torch.rand(BAGS.shape))
    export_onnx(model, inputs, path)
    assert onnx_max_abs_error(path, model, [inputs]) <= 1e-6
    graph = onnx.load(path).graph
    assert not {"Loop", "If", "Scan"} & {node.op_type for node in graph.node}
    assert [value.name for value in graph.input] == ["input_0", "input_1"]
    assert not model.bags[7](BAGS[1:2]).any(), "what torch gives for an empty bag"


def test_bags_of_unknown_length_are_refused(tmp_path: Path) -> None:
    class Offsets(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bag = nn.EmbeddingBag(7, 4)

        def forward(self, ids: Tensor, offsets: Tensor) -> Tensor:
            return self.bag(ids, offsets)

    inputs = (torch.randint(7, (6,)), torch.tensor([0, 2, 3]))
    with pytest.raises(UnsupportedError, match=r"offsets cannot be exported: give it ids of shape"):
        export_onnx(Offsets(), inputs, tmp_path / "no.onnx")
    # torch's own function is back
    assert nn.functional.embedding_bag.__module__ == "torch.nn.functional"


@pytest.mark.parametrize("network", [Towers, Dots])
def test_ids_are_int64_inputs_by_name(tmp_path: Path, network: type[nn.Module]) -> None:
    model, path = network().eval(), tmp_path / "net.onnx"
    inputs = random_inputs(model.input_specs(), 8)
    export_onnx(model, inputs, path)
    assert onnx_max_abs_error(path, model, [inputs]) <= 1e-5
    given = {value.name: value.type.tensor_type.elem_type for value in onnx.load(path).graph.input}
    float_, int64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    wanted = {"ids": int64, "dense": float_, "bag": int64}
    assert given == {name: wanted[name] for name in given}
    known = id_rows_of(path)
    assert known["ids"].rows == (12, 9)
    assert network is Towers or known["bag"].rows == (7, 7, 7, 7)
    assert network is Dots or known["ids"].columns == ("user", "item")
    _benchmarks_draw_ids_that_there_are(path, known)


def _benchmarks_draw_ids_that_there_are(path: Path, known: Mapping[str, IdRows]) -> None:
    feed = random_feed(path, 512)
    assert all(len(values) == 512 for values in feed.values())
    for name, ids in known.items():
        assert feed[name].dtype == np.int64
        assert tuple(feed[name].max(0) + 1) == ids.rows
    other = path.with_name("other.onnx")
    other.write_bytes(path.read_bytes().replace(b"\x03ids", b"\x03idz"))
    with pytest.raises(BenchmarkSettingError, match="export it with edgeprune export"):
        random_feed(other, 4)


def test_ids_are_known_in_fp16_too(tmp_path: Path) -> None:
    model, path = Towers().eval(), tmp_path / "net.onnx"
    inputs = random_inputs(model.input_specs(), 8)
    export_onnx(model, inputs, path, target="rtx")
    before = id_rows_of(path)
    assert before
    apply_precision(
        path,
        PrecisionRequest("fp16"),
        find_target("rtx"),
        data=None,
        fallback_feeds=[{"ids": inputs[0].numpy()}],
        learned=None,
        metadata={},
    )
    assert id_rows_of(path) == before


def test_what_the_graph_itself_tells_of_ids(tmp_path: Path) -> None:
    """A user's network says nothing; its tables do, but for ids that are computed with."""

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = (nn.Embedding(rows, 4) for rows in (5, 6, 7))

        def forward(self, who: Tensor, what: Tensor) -> Tensor:
            pair = torch.stack([what[:, 1], what[:, 0]], 1)
            known = self.a(who).sum(1) + self.b(pair[:, 0]) + self.b(who[:, 1])
            return known + self.c(what[:, 2] + 1)

    inputs = (torch.zeros(2, 2, dtype=torch.int64), torch.zeros(2, 3, dtype=torch.int64))
    export_onnx(Own(), inputs, tmp_path / "own.onnx")
    known = id_rows_of(tmp_path / "own.onnx")
    assert {name: ids.rows for name, ids in known.items()} == {
        "input_0": (5, 5), "input_1": (0, 6, 0),
    }  # fmt: skip
    feed = {"input_0": np.array([[4, 4]]), "input_1": np.array([[99, 5, 99]])}
    check_ids(known, feed)
    with OnnxRuntimeRunner(tmp_path / "own.onnx") as runner:
        wrapped = runner.infer({**feed, "input_1": np.array([[0, -1, 0]])})
        last = runner.infer({**feed, "input_1": np.array([[0, 5, 0]])})
        np.testing.assert_array_equal(wrapped["output"], last["output"])  # in silence
    with pytest.raises(UnknownIdError, match="input input_1, column 1, sample 0: id -1 is not in"):
        check_ids(known, {"input_1": np.array([[0, -1, 0]])})


def test_real_ids_that_a_network_lacks_are_told_before_torch_does(tmp_path: Path) -> None:
    model = Towers()
    export_onnx(model, random_inputs(model.input_specs(), 2), tmp_path / "net.onnx")
    ids = torch.tensor([[1, 1], [3, 9]])
    with pytest.raises(UserInputError, match=r"column 1 \(item\), sample 0: id 9 is .* 0 to 8"):
        onnx_max_abs_error(tmp_path / "net.onnx", model, [(ids.flip(0),)])


def test_a_spec_of_other_columns_is_refused() -> None:
    with pytest.raises(Exception, match="3 numbers of rows for 2 columns"):
        InputSpec("ids", "int64", (2,), (1, 2, 3))


def test_graphs_for_tensorrt_8_hold_no_axes_inputs(tmp_path: Path) -> None:
    model = Dots()
    inputs, path = random_inputs(model.input_specs(), 5), tmp_path / "x.onnx"
    export_onnx(model, inputs, path, target="jetson-xavier")
    graph = onnx.load(path).graph
    reductions = [node for node in graph.node if node.op_type == "ReduceMean"]
    assert all(len(node.input) == 1 for node in reductions)
    assert onnx_max_abs_error(path, model, [inputs]) < 1e-5


def test_tensorrt_takes_tables_bags_and_dot_products(tmp_path: Path) -> None:
    if importlib.util.find_spec("tensorrt_rtx") is None:
        lacking("tensorrt-rtx is not installed")

    class Both(Dots):
        def forward(self, ids: Tensor, dense: Tensor, bag: Tensor) -> Tensor:
            largest = nn.functional.embedding_bag(
                bag, self.genres.weight, mode="max", padding_idx=0
            )
            return super().forward(ids, dense, bag) + largest

    model = Both()
    path = tmp_path / "net.onnx"
    export_onnx(model, random_inputs(model.input_specs(), 2), path, target="rtx")
    settings = EngineSettings(batch=BatchProfile(1, 64, 1024), sm="86")
    builder = load_builder("tensorrt-rtx")
    engine = ensure_engine(path, tmp_path / "net.engine", builder, settings, BuildAids())
    assert engine.built
    assert engine.plan_bytes > 1000
