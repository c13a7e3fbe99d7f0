from __future__ import annotations

import logging
import warnings
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from edgeprune.errors import CorruptFileError, EdgepruneError, UnsupportedError, UserInputError
from edgeprune.export.compare import onnx_max_abs_error
from edgeprune.export.metadata import read_metadata
from edgeprune.export.onnx import OnnxExport, export_onnx
from edgeprune.models.registry import build_model

# State-dict key -> address, strides and values.
Before = dict[str, tuple[int, tuple[int, ...], Tensor]]


class Odd(nn.Module):
    """Widths that surgery leaves (13, 7), a residual add, a pool and a flatten."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 13, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(13)
        self.conv2 = nn.Conv2d(13, 13, 3, padding=1)
        self.frozen = nn.BatchNorm2d(13)
        self.last = nn.Conv2d(13, 13, 1)  # a 1x1 kernel is contiguous in both memory formats
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(13, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.frozen(x + self.conv2(x)))
        logits: Tensor = self.fc(torch.flatten(self.pool(self.last(x)), 1))
        return logits


def _randomise_statistics(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)


@pytest.fixture(scope="module")
def odd() -> Odd:
    torch.manual_seed(0)
    model = Odd().to(memory_format=torch.channels_last)
    _randomise_statistics(model)
    model.train()
    model.frozen.eval()
    return model


@pytest.fixture(scope="module")
def before(odd: Odd) -> Before:
    return {
        key: (value.data_ptr(), value.stride(), value.clone())
        for key, value in odd.state_dict().items()
    }


@pytest.fixture(scope="module")
def exported(odd: Odd, before: Before, tmp_path_factory: pytest.TempPathFactory) -> OnnxExport:
    assert before
    folder = tmp_path_factory.mktemp("odd")
    metadata = {"arch": "odd", "classes": ["a", "b"], "mean": [0.5], "std": [0.25]}
    images = torch.randn(1, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    return export_onnx(odd, images, folder / "new" / "m.onnx", metadata=metadata)


@pytest.fixture(scope="module")
def graph(exported: OnnxExport) -> onnx.GraphProto:
    return onnx.load(exported.path).graph


def test_one_file_of_the_reported_size_and_opset(exported: OnnxExport) -> None:
    assert [path.name for path in exported.path.parent.iterdir()] == ["m.onnx"]
    assert exported.bytes == exported.path.stat().st_size
    assert exported.opset == 18
    assert [(e.domain, e.version) for e in onnx.load(exported.path).opset_import] == [("", 18)]


def test_inputs_and_outputs_have_the_agreed_names_and_a_free_batch(graph: onnx.GraphProto) -> None:
    def described(value: onnx.ValueInfoProto) -> tuple[str, list[str | int]]:
        dims = value.type.tensor_type.shape.dim
        return value.name, [dim.dim_param or dim.dim_value for dim in dims]

    assert [described(value) for value in graph.input] == [("input", ["batch", 3, 8, 8])]
    assert [described(value) for value in graph.output] == [("output", ["batch", 7])]


def test_channels_last_weights_leave_no_trace_in_the_graph(graph: onnx.GraphProto) -> None:
    kinds = {node.op_type for node in graph.node}
    assert not kinds & {"Gather", "Range", "Transpose", "Shape"}
    assert {"Conv", "Gemm", "Add"} <= kinds


def test_nodes_tell_their_module_and_nothing_about_this_machine(exported: OnnxExport) -> None:
    scopes = [prop.value for node in onnx.load(exported.path).graph.node
              for prop in node.metadata_props]  # fmt: skip
    assert any("'conv2'" in scope for scope in scopes)
    content = exported.path.read_bytes()
    assert b"stack_trace" not in content
    assert str(Path(__file__).parent).encode() not in content


def test_metadata_is_json_and_names_the_version(exported: OnnxExport) -> None:
    found = read_metadata(exported.path)
    assert found.pop("edgeprune_version")
    assert found == {"arch": "odd", "classes": ["a", "b"], "mean": [0.5], "std": [0.25]}


def test_the_model_is_left_as_it_was(odd: Odd, exported: OnnxExport, before: Before) -> None:
    assert exported.bytes
    assert odd.training
    assert odd.conv1.training
    assert not odd.frozen.training
    assert odd.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    for key, value in odd.state_dict().items():
        assert (value.data_ptr(), value.stride()) == before[key][:2]
        assert torch.equal(value, before[key][2])


def test_outputs_agree_on_every_batch_size(odd: Odd, exported: OnnxExport) -> None:
    batches = [(torch.randn(size, 3, 8, 8),) for size in (5, 16)]
    assert onnx_max_abs_error(exported.path, odd, batches) < 1e-5
    assert odd.training
    assert not odd.frozen.training


def test_another_networks_weights_are_noticed(exported: OnnxExport) -> None:
    torch.manual_seed(1)
    other = Odd()
    _randomise_statistics(other)
    assert onnx_max_abs_error(exported.path, other, [(torch.randn(2, 3, 8, 8),)]) > 1e-3
    other.fc = nn.Linear(13, 6)
    with pytest.raises(EdgepruneError, match="another network"):
        onnx_max_abs_error(exported.path, other, [(torch.randn(2, 3, 8, 8),)])
    diverged = Odd()
    diverged.fc.weight.data.fill_(float("nan"))
    with pytest.raises(EdgepruneError, match="not finite"):
        onnx_max_abs_error(exported.path, diverged, [(torch.randn(2, 3, 8, 8),)])


def test_nothing_to_compare_on_is_refused(odd: Odd, exported: OnnxExport) -> None:
    with pytest.raises(UserInputError, match="no batches"):
        onnx_max_abs_error(exported.path, odd, [])


def test_a_fixed_batch_cannot_pass_the_comparison(odd: Odd, tmp_path: Path) -> None:
    path = tmp_path / "fixed.onnx"
    program = torch.onnx.export(
        Odd().eval(), (torch.randn(4, 3, 8, 8),), dynamo=True, verbose=False, input_names=["input"]
    )
    assert program is not None
    program.save(path)
    with pytest.raises(EdgepruneError, match="refuses the inputs"):
        onnx_max_abs_error(path, odd, [(torch.randn(4, 3, 8, 8),)])


def test_zoo_network_exports_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    model = build_model("wrn_10_1", num_classes=10)
    logger = logging.getLogger("torch.onnx")
    handlers, propagate = list(logger.handlers), logger.propagate
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = export_onnx(model, (torch.randn(3, 3, 16, 16),), tmp_path / "wrn.onnx")
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert (logger.handlers, logger.propagate) == (handlers, propagate)
    assert onnx_max_abs_error(result.path, model, [(torch.randn(2, 3, 16, 16),)]) < 1e-4


def test_several_inputs_and_outputs_are_numbered(tmp_path: Path) -> None:
    class Two(nn.Module):
        def forward(self, user: Tensor, item: Tensor) -> tuple[Tensor, Tensor]:
            return user * 2, item + 1

    inputs = (torch.randn(3, 4), torch.randint(0, 9, (3, 2)))
    path = export_onnx(Two(), inputs, tmp_path / "two.onnx").path
    graph = onnx.load(path).graph
    assert [value.name for value in graph.input] == ["input_0", "input_1"]
    assert [value.name for value in graph.output] == ["output_0", "output_1"]
    assert onnx_max_abs_error(path, Two(), [inputs]) == 0.0


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else x * 2


def test_what_cannot_be_exported_is_one_line_with_the_log_behind_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "old.onnx"
    path.write_bytes(b"old")
    with pytest.raises(UnsupportedError, match="Branching cannot be exported") as caught:
        export_onnx(Branching(), torch.randn(2, 3), path)
    assert "\n" not in str(caught.value)
    assert "data-dependent" in str(caught.value)
    assert "exporter's log" in str(caught.value.__cause__)
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in tmp_path.iterdir()] == ["old.onnx"]
    assert path.read_bytes() == b"old"


def test_wrong_inputs_are_one_line(odd: Odd, tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match=r"does not accept .*\(2, 1, 8, 8\)") as caught:
        export_onnx(odd, torch.randn(2, 1, 8, 8), tmp_path / "m.onnx")
    assert "\n" not in str(caught.value)
    assert odd.training
    for nothing in ((), torch.tensor(1.0), torch.randn(0, 3)):
        with pytest.raises(UserInputError, match="example_inputs"):
            export_onnx(odd, nothing, tmp_path / "m.onnx")


def test_weights_beyond_one_file_are_refused_before_any_work(tmp_path: Path) -> None:
    with torch.device("meta"):
        huge = nn.Linear(2**15, 2**14 + 1)
    with pytest.raises(UnsupportedError, match=r"2\.0 GiB of weights"):
        export_onnx(huge, torch.randn(1, 2), tmp_path / "m.onnx")


def test_foreign_files_have_no_metadata(tmp_path: Path, exported: OnnxExport) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(exported.path.read_bytes()[:100])
    with pytest.raises(CorruptFileError, match="not a readable ONNX file"):
        read_metadata(path)
    with pytest.raises(CorruptFileError, match="not a readable ONNX file"):
        read_metadata(tmp_path / "absent.onnx")
    onnx.save(onnx.ModelProto(), path)
    with pytest.raises(CorruptFileError, match="no edgeprune metadata"):
        read_metadata(path)
