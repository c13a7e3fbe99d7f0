"""Bundles of networks with tables: ids as they are, several inputs, and unknown ones refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from command_line import edgeprune
from standin_trtexec import arguments, write_trtexec

from edgeprune.cli.benchmark import command as benchmark
from edgeprune.cli.inspect import command as inspect
from edgeprune.deploy.board_meter import BoardMeter
from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.deploy.bundle.write import WrittenBundle, ensure_bundle
from edgeprune.deploy.request import DeployRequest
from edgeprune.device import load
from edgeprune.device.agent.events import Silent
from edgeprune.device.agent.infer import infer_file
from edgeprune.device.agent.main import main
from edgeprune.device.agent.trtexec_bench import TrtexecBench
from edgeprune.device.agent.workbench import Work
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.ids import UnknownIdError
from edgeprune.device.targets import find_target
from edgeprune.errors import UserInputError
from edgeprune.export.onnx import export_onnx
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.inputs import random_inputs
from edgeprune.models.inspection import inspect_model
from edgeprune.models.registry import build_model
from edgeprune.prune.api import prune_model

ARGS = {
    "num_classes": 1, "in_channels": 2, "rows": [40, 300], "dense": 3, "bag_rows": 9,
    "bag_length": 4,
}  # fmt: skip
ORIN = find_target("jetson-orin")
QUICKLY = ("--repeats", "3", "--seconds", "0.02", "--warmup", "0.1")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pruned recommender in a run's folder."""
    torch.manual_seed(0)
    module = build_model("dlrm_small", **ARGS).eval()
    prune_model(module, random_inputs(module.input_specs(), 2), target_params=0.6, round_to=1)
    folder = tmp_path_factory.mktemp("ids") / "run"
    folder.mkdir()
    save_checkpoint(folder / "student.pt", checkpoint_of(module, arch="dlrm_small", arch_args=ARGS))
    return folder


@pytest.fixture(scope="module")
def written(run: Path) -> WrittenBundle:
    """Its bundle."""
    return ensure_bundle(run, run / "bundle", ORIN, BundleRequest(dense=False), lambda _: None)


def _references(written: WrittenBundle) -> dict[str, np.ndarray]:
    files = written.manifest.references
    return {name: np.load(written.folder / file) for name, file in files.items()}


def test_a_model_takes_its_inputs_by_name(written: WrittenBundle) -> None:
    ids, dense, bag = written.manifest.inputs
    assert [(one.name, one.dtype) for one in (ids, dense, bag)] == [
        ("ids", "int64"), ("dense", "float32"), ("bag", "int64"),
    ]  # fmt: skip
    assert (ids.rows, bag.rows) == ((40, 300), (9,) * 4)
    feed = _references(written)
    exact = np.load(written.folder / written.manifest.models[0].reference)
    with load(written.folder, runtime="onnxruntime", batch=5) as model:
        np.testing.assert_allclose(model(feed), exact, atol=1e-5)
        with pytest.raises(BundleError, match="the models take ids, dense, bag; given: ids"):
            model(feed["ids"])
        with pytest.raises(BundleError, match="inputs of different numbers of samples"):
            model({**feed, "dense": feed["dense"][:3]})
        wrong = feed["ids"].copy()
        wrong[7, 1] = 300
        with pytest.raises(UnknownIdError, match="column 1, sample 7: id 300 is not in the table"):
            model({**feed, "ids": wrong})


def test_the_agent_answers_to_named_arrays(
    written: WrittenBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = _references(written)
    np.savez(tmp_path / "samples.npz", **feed)
    found = infer_file(
        written.folder, "student", "onnxruntime", tmp_path / "samples.npz", None, Silent()
    )
    assert found["shape"] == [32, 1]
    np.save(tmp_path / "ids.npy", feed["ids"])
    with pytest.raises(BundleError, match=r"takes ids, dense, bag: give a .npz"):
        infer_file(written.folder, "student", "onnxruntime", tmp_path / "ids.npy", None, Silent())
    (tmp_path / "bad.npz").write_bytes(b"PK no")
    with pytest.raises(BundleError, match="holds no arrays that numpy reads"):
        infer_file(written.folder, "student", "onnxruntime", tmp_path / "bad.npz", None, Silent())
    feed["bag"][3, 2] = -1
    np.savez(tmp_path / "samples.npz", **feed)
    words = ("infer", written.folder, "--runtime", "onnxruntime", "--input")
    code = main([*map(str, words), str(tmp_path / "samples.npz")])
    assert code == 2
    line = json.loads(capsys.readouterr().out.splitlines()[-1])["line"]
    assert "input bag, column 2, sample 3: id -1 is not in the table, which has 0 to 8" in line


def test_trtexec_is_given_ids_that_there_are(
    written: WrittenBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_trtexec(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("EDGEPRUNE_CACHE_DIR", str(tmp_path / "cache"))
    manifest = written.manifest
    work = Work(written.folder, manifest, "trtexec", "trtexec", 40, None, Silent())
    bench = TrtexecBench(work)
    assert bench.verify()["student"].kept
    given = arguments(tmp_path / "trtexec")
    assert "--shapes=ids:8x2,dense:8x3,bag:8x4" in given
    found = bench.bench(Protocol(repeats=3, seconds=0.02, warmup_s=0.1), None)
    assert found.models[0].requests > 0
    told = next(word for word in arguments(tmp_path / "trtexec") if "--loadInputs" in word)
    assert told.count(".bin") == 3, "its own would leave the tables"


def test_graphs_with_ids_are_timed_on_boards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEPRUNE_CACHE_DIR", str(tmp_path / "cache"))
    model = build_model("dlrm_small", **ARGS)
    export_onnx(model, random_inputs(model.input_specs(), 2), tmp_path / "net.onnx")
    request = DeployRequest(
        target="cpu",
        runtime="onnxruntime",
        threads=1,
        protocol=Protocol(repeats=3, seconds=0.02, slice_s=0.01, warmup_s=0.1),
        energy="off",
    )
    found = BoardMeter(request).measure({"net": tmp_path / "net.onnx"})
    assert len(found["net"].latency_ms) == 3


def test_a_recommender_on_the_command_line(run: Path) -> None:
    ended = edgeprune("export", run, "--tables", "int8")
    assert ended.code == 0, ended.err
    assert "3 tables in int8 (Gather of rows and scales)" in ended.out
    assert (run / "student.cpu.tables-int8.onnx").is_file()
    shown = CliRunner().invoke(inspect, [str(run / "student.pt"), "--json"])
    found = json.loads(shown.output)
    assert [one["name"] for one in found["inputs"]] == ["ids", "dense", "bag"]
    assert [(one["rows"], one["lookups"]) for one in found["tables"]] == [(40, 1), (300, 1), (9, 4)]
    assert sum(one["params"] for one in found["tables"]) < found["params"]
    with pytest.raises(UserInputError, match="--image-size 32: dlrm_small takes no images"):
        inspect_model(run / "student.pt", image_size=32)
    assert "bytes read" in CliRunner().invoke(inspect, [str(run / "student.pt")]).output
    graph = run / "student.cpu.tables-int8.onnx"
    ended = edgeprune("benchmark", graph, *QUICKLY, "--threads", "1", "--batches", "1,64", "--json")
    assert ended.code == 0, ended.err
    small, large = json.loads(ended.out)["batches"]
    assert (small["batch"], large["batch"]) == (1, 64)
    assert large["model_bytes"] == {graph.stem: graph.stat().st_size}
    model = large["models"][0]
    assert model["throughput_per_core_hz"] == model["throughput_hz"]
    shown = CliRunner().invoke(benchmark, [str(graph), "--batches", "1,0"])
    assert shown.exit_code == 2
    assert "write sizes from 1 on" in shown.output
