"""The GPU's benchmark, up to the device and with a stand-in for it; no figure is asserted."""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from sparse_harness.build import emulator_library
from sparse_harness.cases import Case, reference
from sparse_harness.emulator import Array, Emulator, Operands
from sparse_harness.gpu import Gpu
from sparse_harness.structures import Convolution
from standin_pycuda import standin_driver

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("sparse_conv")


@pytest.fixture(scope="module")
def gpu() -> Gpu:
    """A GPU that is the emulation."""
    emulator, empty = Emulator(emulator_library("plain")), Path(__file__)
    return Gpu(standin_driver(emulator), emulator, lambda *_: empty)


class _Dense:
    """cuDNN's place: the reference, which is as right."""

    def __init__(self, conv: Convolution, operands: Operands, weight: Array) -> None:
        self._case = Case(conv, None, operands, weight)
        self.calls = {"NCHW": self.output, "NHWC": lambda: None}

    def output(self) -> Array:
        return reference(self._case)[0]


def test_layers_are_packed_for_the_gpu(benchmark: ModuleType) -> None:
    words = ["--vectors", "4", "32", "--densities", "0.1", "0.02", "--layers", "s2"]
    options = benchmark.parse(words)
    orin = list(benchmark.asked_for(options, 87))
    nano = list(benchmark.asked_for(options, 53))
    assert (len(orin), len(nano)) == (5 * 2 * (3 + 2), 5 * 2 * 3)
    assert {asked.conv.sm for asked in nano} == {53}
    assert {asked.conv.vector for asked in nano} == {4}
    assert {(asked.kind, asked.conv.vector) for asked in orin if asked.conv.vector == 32} == {
        ("fp16", 32),
        ("fp16-hwc8", 32),
    }
    first = next(asked for asked in orin if asked.name == "resnet18 64>128 28x28 s2")
    assert (first.kind, first.density, first.conv.channel_tile) == ("fp32", 0.1, 4)
    assert all(asked.conv.bias for asked in orin)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--vectors", "3"], "invalid choice: 3"),
        (["--densities", "0"], "0 is no share above 0, up to 1"),
        (["--kinds", "int8"], "invalid choice: 'int8'"),
    ],
)
def test_what_cannot_be_asked_for_is_told(
    benchmark: ModuleType, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        benchmark.parse(words)
    assert end.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.skipif(importlib.util.find_spec("pycuda") is not None, reason="PyCUDA is here")
def test_without_pycuda_one_line_says_so(run_example, tmp_path: Path) -> None:
    done = run_example("benchmarks/sparse_conv.py", "--out", tmp_path / "found.json")
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert "pip install 'edgeprune[pycuda]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_layer_is_checked_tuned_and_timed(
    benchmark: ModuleType, gpu: Gpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(benchmark, "DenseConvolution", _Dense)
    plain_tactics = gpu.planner.tactics
    monkeypatch.setattr(gpu.planner, "tactics", lambda conv: plain_tactics(conv)[:2])
    monkeypatch.setattr(gpu, "time_ms", lambda call, _: (call(), 2.0)[1])
    out = tmp_path / "found.json"
    words = ["--kinds", "fp16", "--vectors", "4", "--densities", "0.05", "--layers"]
    benchmark.run(gpu, benchmark.parse([*words, "16>32 32x32", "--out", str(out)]))
    found = json.loads(out.read_text(encoding="utf-8"))
    (row,) = found["rows"]
    assert row["layer"] == "wrn_16_2 16>32 32x32 s1"
    assert (row["speedup"], row["tactics"], row["dense_format"]) == (1.0, 2, "NCHW")
    assert 0 < row["largest_error"] <= 6e-3
    assert set(row["tactic"]) >= {"tile_columns", "lane_split", "warps"}
    assert found["summary"] == "faster than cuDNN in 0 of 1 cases"
    assert (found["gpu"], found["sm"]) == ("stand-in", 87)
    printed = capsys.readouterr()
    assert "16>32 32x32" in printed.out
    assert "1.00 x" in printed.err


def test_a_wrong_result_ends_it(
    benchmark: ModuleType, gpu: Gpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(_Dense):
        def output(self) -> Array:
            return 1.1 * super().output()

    monkeypatch.setattr(benchmark, "DenseConvolution", Wrong)
    options = benchmark.parse(["--kinds", "fp32", "--vectors", "4", "--layers", "128>128 8x8"])
    asked = next(iter(benchmark.asked_for(options, gpu.sm)))
    with pytest.raises(
        benchmark.WrongResultError, match=r"128>128 8x8 s1, fp32, V 4: .* is off by"
    ):
        benchmark.measured(gpu, asked, 1)


def test_nothing_that_runs_here_is_told(benchmark: ModuleType, gpu: Gpu) -> None:
    options = benchmark.parse(["--kinds", "fp32", "--vectors", "32"])
    with pytest.raises(benchmark.DeviceUnsupportedError, match="none of these layers runs"):
        benchmark.run(gpu, options)
