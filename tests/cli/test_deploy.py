"""`edgeprune deploy` on this machine: one command, one result, one line for every mistake."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import complaint, edgeprune
from pruned_run import pruned_run

from edgeprune.deploy.deploy import bundle
from edgeprune.deploy.deployment import load_deployment
from edgeprune.deploy.request import DeployRequest
from edgeprune.errors import CorruptFileError, UserInputError

QUICKLY = ("--repeats", "3", "--seconds", "0.02", "--warmup", "0.1", "--threads", "1")


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two deploys on one machine wait for each other, and so would two processes of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEPRUNE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, deployed once."""
    run = pruned_run(tmp_path_factory.mktemp("deploy") / "run")
    ended = edgeprune("deploy", run, "--target", "cpu", *QUICKLY)
    assert ended.code == 0, ended.err
    assert "exporting the student" in ended.err
    assert "student: outputs of 32 samples equal to the last bit" in ended.out
    assert "× dense" in ended.out
    return run


def test_the_second_deploy_makes_nothing_anew(run: Path) -> None:
    ended = edgeprune("deploy", run, "--target", "cpu", *QUICKLY, "--json")
    assert ended.code == 0, ended.err
    assert "exporting" not in ended.err
    found = json.loads(ended.out)
    page = run / "deploy/this-machine/fp32/deploy.json"
    assert found == json.loads(page.read_text(encoding="utf-8"))
    assert found["sent_bytes"] == 0
    assert found["verify"]["student"]["max_abs_error"] == 0.0
    assert [model["name"] for model in found["bench"]["models"]] == ["dense", "student"]
    assert any("random inputs" in note for note in found["notes"])
    html = page.with_suffix(".html").read_text(encoding="utf-8")
    for text in ("p50 ms", "equal to the last bit", "Conditions", "ONNX Runtime", "random inputs"):
        assert text in html


def test_without_a_benchmark(run: Path) -> None:
    ended = edgeprune("deploy", run, "--target", "cpu", "--no-benchmark", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["bench"] is None


def test_it_is_measured_by_the_python_that_edgeprune_runs_in(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with pipx, whose environment is not on PATH: the system's Python has no ONNX Runtime."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    ended = edgeprune("deploy", run, "--target", "cpu", "--no-benchmark", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["probe"]["software"]["numpy"]


def test_tensorrt_is_the_systems_whatever_environment_is_active(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert "this is no Jetson" in complaint(edgeprune("deploy", run, "--target", "jetson"), 5)


def test_a_bundle_to_carry(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    ended = edgeprune("deploy", run, "--target", "jetson-xavier", "--bundle", folder)
    assert (ended.code, ended.out) == (0, f"{folder}\n"), ended.err
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["target"], manifest["system"]) == ("jetson-xavier", "5")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_bundle_replaces_nothing_else(run: Path, tmp_path: Path) -> None:
    """Not a folder of somebody's own, whatever it calls its manifest; not what lies beside ours."""
    page, ours = tmp_path / "page", next(run.glob("deploy/*/bundle"))
    page.mkdir()
    (page / "manifest.json").write_text('{"name": "a web application"}')
    with_photo = tmp_path / "bundle"
    shutil.copytree(ours, with_photo)
    (with_photo / "photo.jpg").write_bytes(b"precious")
    linked = tmp_path / "linked"
    linked.symlink_to(ours)
    request = DeployRequest("jetson-orin")
    for folder, why in (
        (page, r"holds other files \(manifest.json\)"),
        (with_photo, r"holds other files \(photo.jpg\)"),
        (linked, "is no folder"),
        (page / "manifest.json", "is no folder"),
    ):
        with pytest.raises(UserInputError, match=why):
            bundle(run, folder, request)
    assert (with_photo / "photo.jpg").read_bytes() == b"precious"
    assert (page / "manifest.json").is_file()


@pytest.mark.parametrize(("options", "code", "why"), [
    (["--target", "toaster"], 2, "--target toaster: use jetson, cpu, jetson-orin"),
    (["--host", "a b"], 2, "--host a b: write [user@]host[:port]"),
    (["--target", "cpu", "--repeats", "1"], 2, "--repeats 1: use 3 or more"),
    (["--target", "jetson", "--bundle", "b"], 2, "without a board to ask, name it"),
    (["--target", "jetson-orin", "--bundle", "b", "--jetpack", "9"], 2, "--jetpack 9: for"),
    (["--target", "cpu", "--jetpack", "6"], 2, "--jetpack: the board tells"),
    (["--target", "jetson"], 5, "this is no Jetson"),
    (["--target", "cpu", "--runtime", "trtexec"], 5, "--runtime trtexec: there is none"),
    (["--target", "cpu", "--lock-clocks"], 5, "--lock-clocks: there is no jetson_clocks"),
    (["--target", "cpu", "--data", "nothing"], 2, "nothing"),
    (["--target", "cpu", "--calibration-data", "nothing"], 2, "nothing"),  # as export calls it
])  # fmt: skip
def test_mistakes(run: Path, options: list[str], code: int, why: str) -> None:
    ended = edgeprune("deploy", run, *options)
    assert why in complaint(ended, code)


def test_no_run(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "nothing"):
        complaint(edgeprune("deploy", source, "--target", "cpu"), 2)
    (tmp_path / "student.pt").write_bytes(b"no checkpoint")
    complaint(edgeprune("deploy", tmp_path, "--target", "cpu"), 2)
    assert not list(tmp_path.glob("deploy/*/bundle"))


def test_results_that_are_none(run: Path, tmp_path: Path) -> None:
    page = run / "deploy/this-machine/fp32/deploy.json"
    assert load_deployment(page).target == "cpu"
    other = tmp_path / "deploy.json"
    for text in ("", "{}", page.read_text(encoding="utf-8").replace("edgeprune-deploy-1", "x")):
        other.write_text(text, encoding="utf-8")
        with pytest.raises(CorruptFileError):
            load_deployment(other)
