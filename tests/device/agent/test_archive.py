"""The archive runs by itself: no edgeprune, no numpy to probe, Python 3.8's rules, arm64."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from arm64_python import arm64_python

import edgeprune.device
from edgeprune.deploy.bundle.agent_archive import agent_archive

_WITHOUT_NUMPY = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("numpy", "torch", "onnx", "onnxruntime", "click"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
sys.path.insert(0, sys.argv[1])
from edgeprune.device.agent.main import main
sys.exit(main(sys.argv[2:]))
"""


def _run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, encoding="utf-8",
        check=False, cwd="/",
    )  # fmt: skip


def _events(ended: subprocess.CompletedProcess[str]) -> list[dict]:
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_the_same_code_gives_the_same_small_file(archive: Path) -> None:
    content = archive.read_bytes()
    assert content == agent_archive()
    assert len(content) < 300_000
    names = zipfile.ZipFile(archive).namelist()
    assert {name.split("/")[0] for name in names} == {"__main__.py", "edgeprune"}
    assert all(name.startswith("edgeprune/device/") for name in names[2:])


def test_it_probes_without_numpy_and_without_edgeprune(archive: Path) -> None:
    ended = _run("-S", "-c", _WITHOUT_NUMPY, archive, "probe")
    assert ended.returncode == 0, ended.stderr
    result = _events(ended)[-1]
    assert (result["event"], result["kind"]) == ("result", "probe")
    assert result["values"]["software"]["numpy"] is None
    assert result["values"]["space"]["free_disk_mib"] > 0


def test_what_needs_a_bundle_says_so_in_one_line(archive: Path, tmp_path: Path) -> None:
    ended = _run(archive, "verify", tmp_path)
    assert ended.returncode == 2
    assert "holds no manifest.json" in _events(ended)[-1]["line"]
    assert ended.stderr == ""
    infers = ["infer", tmp_path, "--input", "a.npy", "--batch", "2"]  # it takes what comes
    wrong = ([], ["no-such-command"], ["verify"], ["bench", tmp_path, "--batch", "0"], infers)
    for command in wrong:
        ended = _run(archive, *command)
        assert ended.returncode == 2
        assert "usage: edgeprune-agent" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_it_keeps_to_python_38(tmp_path: Path) -> None:
    """Vermin knows when each name of the standard library came."""
    folder = Path(edgeprune.device.__file__).parent
    command = [
        sys.executable,
        "-c",
        "import vermin; vermin.main()",
        "--target=3.8-",
        "--no-tips",
        "--violations",
    ]
    found = subprocess.run([*command, folder], capture_output=True, encoding="utf-8", check=False)
    assert found.returncode == 0, found.stdout
    newer = tmp_path / "newer.py"
    newer.write_text("'name.py'.removesuffix('.py')\n")
    found = subprocess.run([*command, newer], capture_output=True, encoding="utf-8", check=False)
    assert found.returncode != 0  # it would have told


@pytest.mark.slow
def test_on_arm64(archive: Path, tmp_path: Path) -> None:
    python = arm64_python(tmp_path / "arm64")
    ended = python.run(archive, "probe")
    assert ended.returncode == 0, ended.stderr
    software = _events(ended)[-1]["values"]["software"]
    assert software["machine"] == "aarch64"
    assert software["numpy"].startswith("1.")
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8), np.uint8)
    np.save(tmp_path / "images.npy", images)
    script = f"""
import sys
sys.path.insert(0, {str(archive)!r})
import numpy
from edgeprune.device.bundle.manifest import BundleInput
from edgeprune.device.bundle.preprocess import prepare
given = BundleInput("input", (3, 8, 8), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
numpy.save({str(tmp_path / "ready.npy")!r}, prepare(numpy.load(sys.argv[1]), given))
"""
    ended = python.run("-c", script, tmp_path / "images.npy")
    assert ended.returncode == 0, ended.stderr
    mean, std = (np.reshape(v, (1, 3, 1, 1)) for v in ([0.4, 0.5, 0.6], [0.2, 0.25, 0.3]))
    exact = (images / 255 - mean) / std
    np.testing.assert_allclose(np.load(tmp_path / "ready.npy"), exact, atol=1e-5)
