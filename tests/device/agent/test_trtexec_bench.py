"""A board without TensorRT's Python module, or without numpy: trtexec builds, runs and times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pruned_run import pruned_run
from standin_trtexec import arguments, write_trtexec

from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.deploy.bundle.write import ensure_bundle
from edgeprune.device.bench.percentile import percentile
from edgeprune.device.targets import find_target

_WITHOUT_NUMPY = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("numpy", "torch", "onnxruntime"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
sys.path.insert(0, sys.argv[1])
import importlib.metadata
def unknown(name): raise importlib.metadata.PackageNotFoundError(name)
importlib.metadata.version = unknown
from edgeprune.device.agent.main import main
sys.exit(main(sys.argv[2:]))
"""
_QUICKLY = ("--repeats", "3", "--seconds", "0.02", "--warmup", "0.1")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's bundle for an Orin."""
    run = pruned_run(tmp_path_factory.mktemp("trtexec") / "run")
    folder = run / "bundle"
    request = BundleRequest(dense=False)
    ensure_bundle(run, folder, find_target("jetson-orin"), request, lambda _: None)
    return folder


def _agent(
    archive: Path, folder: Path, *words: str | Path, body: str = ""
) -> tuple[int, list[dict]]:
    """The agent without numpy, on a machine whose PATH has a trtexec."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    write_trtexec(programs, body=body)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "EDGEPRUNE_CACHE_DIR": str(folder / "cache"),
    }
    ended = subprocess.run(
        [sys.executable, "-S", "-c", _WITHOUT_NUMPY, archive, *words],
        env=environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()]


def test_it_builds_verifies_and_times(archive: Path, bundle: Path, tmp_path: Path) -> None:
    code, events = _agent(archive, tmp_path, "run", bundle, *_QUICKLY)
    assert code == 0, events[-1]
    notes = [event["text"] for event in events if event["event"] == "note"]
    assert any("energy is not measured: trtexec runs the models" in note for note in notes)
    assert any("no numpy" in note and "trtexec builds and times" in note for note in notes)
    results = {event["kind"]: event["values"] for event in events if event["event"] == "result"}
    agreement = results["verify"]["student"]
    assert agreement["samples"] == 8
    assert agreement["kept"]
    assert agreement["max_abs_error"] < 1e-4
    assert results["build"]["engines"]["student"]["built"] == "there was none"
    assert list(results) == ["probe", "build", "verify", "run"]
    bench = results["run"]["bench"]
    assert list(results["run"]) == ["bench"], "nothing is told twice"
    assert bench["runtime"] == "trtexec of TensorRT 10.3.0"
    (model,) = bench["models"]
    assert len(model["repeats_p50_ms"]) == 3
    assert 0 < model["p50_ms"] <= model["p90_ms"] <= model["p99_ms"]
    assert bench["warm_up"]["seconds"] > 0.1
    assert bench["energy"] is None
    assert "trtexec runs the models" in bench["energy_reason"]
    given = arguments(tmp_path / "bin/trtexec")
    assert "--shapes=input:1x1x8x8" in given
    assert "--useCudaGraph" in given
    code, events = _agent(archive, tmp_path, "build", bundle)
    assert code == 0
    assert events[-1]["values"]["engines"]["student"]["built"] == ""


def test_another_result_is_told(archive: Path, bundle: Path, tmp_path: Path) -> None:
    wrong = """
if "--loadInputs" in options:
    name, _, path = options["--loadInputs"].partition(":")
    data = bytearray(Path(path).read_bytes())
    data[3::4] = bytes(len(data) // 4)
    Path(path).write_bytes(data)
"""
    code, events = _agent(archive, tmp_path, "verify", bundle, body=wrong)
    assert code == 3
    assert "computes something else" in events[-1]["line"]


@pytest.mark.parametrize(("body", "why"), [
    ('print("[E] out of memory"); sys.exit(1 if "--loadEngine" in options else 0)', "memory"),
    ('sys.exit(0) if "--loadEngine" in options else None', "did not tell what it measured"),
])  # fmt: skip
def test_failures_are_one_line(
    archive: Path, bundle: Path, tmp_path: Path, body: str, why: str
) -> None:
    _agent(archive, tmp_path, "build", bundle)
    code, events = _agent(archive, tmp_path, "verify", bundle, body=body)
    assert code == 1
    assert why in events[-1]["line"]
    code, events = _agent(archive, tmp_path, "bench", bundle, *_QUICKLY, "--rate", "5")
    assert code == 2
    assert "trtexec has no fixed rate" in events[-1]["line"]
    code, events = _agent(archive, tmp_path, "bench", bundle, *_QUICKLY, "--energy", "on")
    assert code == 5
    assert "--energy: trtexec runs the models" in events[-1]["line"]


@pytest.mark.parametrize("share", [0, 37.5, 50, 99, 100])
def test_percentiles_are_numpys(share: float) -> None:
    for count in (1, 2, 7, 100):
        values = sorted(np.random.default_rng(count).normal(size=count).tolist())
        assert percentile(values, share) == pytest.approx(np.percentile(values, share))
