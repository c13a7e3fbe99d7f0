"""What lies in `deploy/`: it runs on a bundle, with the programs that a board would have."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pruned_run import pruned_run
from standin_trtexec import arguments, write_trtexec

import edgeprune
from edgeprune.cli.deploy import command
from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.deploy.bundle.write import ensure_bundle
from edgeprune.device.agent.options import make_parser
from edgeprune.device.targets import find_target

DEPLOY = Path(edgeprune.__file__).parent.parent / "deploy"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's bundle for an Orin."""
    run = pruned_run(tmp_path_factory.mktemp("beside") / "run")
    request = BundleRequest(dense=False)
    folder = run / "bundle"
    ensure_bundle(run, folder, find_target("jetson-orin"), request, lambda _: None)
    return folder


def test_trtexec_runs_the_agents_engine(bundle: Path, tmp_path: Path) -> None:
    program = write_trtexec(tmp_path, body='options.setdefault("--duration", "0.01")\n'
                            'options.setdefault("--exportTimes", os.devnull)\n'
                            'options.setdefault("--exportOutput", os.devnull)')  # fmt: skip
    python = Path(sys.executable).parent
    environment = {
        "PATH": f"{tmp_path}:{python}:{os.environ['PATH']}",
        "EDGEPRUNE_CACHE_DIR": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        ["sh", DEPLOY / "trtexec/run_engine.sh", bundle, "student", "4"],
        env=environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    given = arguments(program)
    assert "--shapes=input:4x1x8x8" in given
    (engine,) = [word.partition("=")[2] for word in given if word.startswith("--loadEngine=")]
    assert Path(engine).is_file()
    (tmp_path / "cache/engines").rename(tmp_path / "no-engines")
    write_trtexec(tmp_path, body='print("[E] no memory"); sys.exit(1)')
    done = subprocess.run(
        ["sh", DEPLOY / "trtexec/run_engine.sh", bundle], env=environment, capture_output=True,
        encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 5
    assert "cannot build it" in done.stderr


@pytest.mark.parametrize(("version", "option"), [(100300, "staticPlugins"), (80500, "plugins")])
def test_trtexec_gets_the_plugin_of_a_sparse_network(
    tmp_path: Path, version: int, option: str
) -> None:
    program = write_trtexec(tmp_path, version, body="sys.exit(0)")
    library = str(tmp_path / "a plugin.so")
    engine = {"path": str(tmp_path / "an engine"), "plugins": [library]}
    told = {"event": "result", "kind": "build", "values": {"engines": {"student": engine}}}
    agent = tmp_path / "edgeprune-agent.pyz"
    agent.write_text(f"print({json.dumps(told)!r})\n")
    given = {"input": {"name": "input", "shape": [1, 8, 8]}}
    (tmp_path / "manifest.json").write_text(json.dumps(given))
    done = subprocess.run(
        ["sh", DEPLOY / "trtexec/run_engine.sh", tmp_path], capture_output=True, encoding="utf-8",
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = arguments(program)
    assert f"--{option}={library}" in found
    assert f"--loadEngine={engine['path']}" in found
    assert "--shapes=input:1x1x8x8" in found


def test_deepstreams_configuration(bundle: Path, tmp_path: Path) -> None:
    done = _make_config(bundle, tmp_path / "x.engine", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    config = configparser.ConfigParser()
    config.read(tmp_path / "out/config_infer.txt", encoding="utf-8")
    values = config["property"]
    assert float(values["net-scale-factor"]) == pytest.approx(1 / (255 * 0.4))
    assert float(values["offsets"]) == pytest.approx(255 * 0.3)
    assert (values["infer-dims"], values["network-mode"]) == ("1;8;8", "0")
    labels = (tmp_path / "out/labels.txt").read_text(encoding="utf-8").strip().split(";")
    assert labels == [f"digit {number}" for number in range(10)]


def test_deepstream_has_one_factor_for_all_channels(bundle: Path, tmp_path: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    for given in ({"mean": None, "std": None}, {"mean": [0.1, 0.2], "std": [0.2, 0.3]}):
        manifest["input"].update(given)
        (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        done = _make_config(tmp_path, tmp_path / "x.engine", tmp_path / "out")
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_the_notes_name_commands_that_exist() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", " ".join(re.findall(r"edgeprune deploy.*", text)))) <= known
    agents = make_parser().format_help()
    for name in ("probe", "build", "verify", "race", "bench", "run", "infer", "serve-power"):
        assert f"`{name}`" in text
        assert name in agents
    for file in re.findall(r"containers/[\w.-]+Dockerfile", text):
        assert (DEPLOY / file).is_file()


def _make_config(*words: Path) -> subprocess.CompletedProcess[str]:
    script = DEPLOY / "deepstream/make_config.py"
    return subprocess.run(
        [sys.executable, script, *words], capture_output=True, encoding="utf-8", check=False
    )
