"""Bundles: whole, the same for the same run, and refused when anything in them changed."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from image_folder import image_folder
from odd_user_code import Twins
from pruned_run import pruned_run

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.deploy.bundle import graphs, references
from edgeprune.deploy.bundle.graphs import export_graphs
from edgeprune.deploy.bundle.plugin_source import plugin_source
from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.deploy.bundle.write import WrittenBundle, ensure_bundle
from edgeprune.deploy.dense import dense_module
from edgeprune.device import load
from edgeprune.device.agent.events import Silent
from edgeprune.device.agent.infer import infer_file
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.folder import read_bundle
from edgeprune.device.bundle.manifest import AGENT, MANIFEST, manifest_from
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.device.targets import find_target
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.registry import build_model

ORIN = find_target("jetson-orin")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    return pruned_run(tmp_path_factory.mktemp("bundle") / "run")


@pytest.fixture(scope="module")
def written(run: Path) -> WrittenBundle:
    """Its bundle."""
    return ensure_bundle(run, run / "deploy/bundle", ORIN, written_with(), lambda _: None)


def written_with() -> BundleRequest:
    """How."""
    return BundleRequest(data="digits")


def test_it_holds_what_a_board_needs(written: WrittenBundle) -> None:
    manifest = written.manifest
    assert written.written
    dense, student = manifest.models
    assert (dense.name, student.name) == ("dense", "student")
    assert dense.parameters is not None
    assert student.parameters is not None
    assert student.parameters < 0.55 * dense.parameters
    assert dense.reference is None  # its weights are fresh
    assert set(manifest.files) == {
        "dense.onnx", "student.onnx", AGENT, manifest.reference_inputs, student.reference,
    }  # fmt: skip
    assert manifest.classes == tuple(f"digit {number}" for number in range(10))
    assert manifest.notes == ("references: 32 samples, digits, validation split",)
    images = np.load(written.folder / manifest.reference_inputs)
    assert (images.dtype, images.shape) == (np.uint8, (32, 1, 8, 8))


def test_it_is_written_once(run: Path, written: WrittenBundle, tmp_path: Path) -> None:
    assert not ensure_bundle(run, written.folder, ORIN, written_with(), lambda _: None).written
    folder = tmp_path / "bundle"
    shutil.copytree(written.folder, folder)
    (folder / "student.onnx").write_bytes(b"damaged")
    alone = replace(written_with(), dense=False)
    assert ensure_bundle(run, folder, ORIN, alone, lambda _: None).written
    assert not ensure_bundle(run, folder, ORIN, alone, lambda _: None).written
    assert [model.name for model in read_bundle(folder).models] == ["student"]
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_images_that_changed_renew_it(tmp_path: Path) -> None:
    images = image_folder(tmp_path / "images")
    student = tmp_path / "student.pt"
    module = build_model("wrn_10_1", num_classes=10).eval()
    seen = Preprocessing((0.5,) * 3, (0.5,) * 3, (8, 8), 3)
    made = {"arch": "wrn_10_1", "arch_args": {"num_classes": 10}, "preprocessing": seen}
    save_checkpoint(student, checkpoint_of(module, **made))
    (images / "train/0/link").symlink_to(tmp_path / "nowhere")
    request = BundleRequest(data=f"imagefolder:{images}", dense=False)

    def write() -> WrittenBundle:
        return ensure_bundle(student, tmp_path / "bundle", ORIN, request, lambda _: None)

    assert write().written
    assert not write().written
    first = images / "test/0/0.png"
    first.write_bytes((images / "test/1/1.png").read_bytes())
    assert write().written
    assert not write().written


def test_a_network_of_the_users_own(tmp_path: Path) -> None:
    """What --model, --mean and --std say of bare weights reaches the graph, and the key."""
    module = Twins().eval()
    torch.save(module.state_dict(), tmp_path / "own.pt")
    request = BundleRequest(image_size=8)
    (tmp_path / "own.json").write_text('{"image_size": [8, 8]}')
    options = ModelOptions(model="odd_user_code:Twins", mean=(0.5,), std=(0.25,))

    def write(options: ModelOptions) -> WrittenBundle:
        folder = tmp_path / "bundle"
        return ensure_bundle(tmp_path / "own.pt", folder, ORIN, request, lambda _: None, options)

    written = write(options)
    assert [model.name for model in written.manifest.models] == ["student"]
    assert "the student is measured alone" in written.manifest.notes[0]
    assert any("has 2 outputs: the first is checked" in note for note in written.manifest.notes)
    images = np.load(written.folder / written.manifest.reference_inputs)
    with load(written.folder, runtime="onnxruntime") as model, torch.no_grad():
        exact = module(torch.from_numpy((images / 255 - 0.5) / 0.25).float())[0].numpy()
        np.testing.assert_allclose(model(images), exact, atol=1e-5)
    np.save(tmp_path / "images.npy", images)
    answer = infer_file(
        written.folder, "student", "onnxruntime", tmp_path / "images.npy", None, Silent()
    )
    assert answer["shape"] == [32, 6, 6, 6]
    np.testing.assert_allclose(answer["first_values"], exact[:5, 0, 0, :5], atol=1e-5)
    assert not write(options).written
    assert write(replace(options, mean=(0.4,))).written
    (tmp_path / "own.json").write_text('{"image_size": [8, 8], "classes": ["a", "b"]}')
    assert write(replace(options, mean=(0.4,))).manifest.classes == ("a", "b")


def test_the_agent_answers_to_a_file(written: WrittenBundle, tmp_path: Path) -> None:
    images = np.load(written.folder / written.manifest.reference_inputs)
    exact = np.load(written.folder / written.manifest.models[1].reference)
    image, out = tmp_path / "image.pgm", tmp_path / "out.npy"
    image.write_bytes(b"P5 8 8 255\n" + images[3].tobytes())
    found = infer_file(written.folder, "student", "onnxruntime", image, out, Silent())
    assert (found["samples"], found["shape"]) == (1, [1, 10])
    assert [row["class"] for row in found["largest"][0]] == [
        f"digit {index}" for index in np.argsort(exact[3])[::-1][:5]
    ]
    np.testing.assert_allclose(np.load(out), exact[3:4], atol=1e-5)
    with pytest.raises(BundleError, match="there is no folder"):
        infer_file(written.folder, "student", "auto", image, tmp_path / "no/out.npy", Silent())
    with pytest.raises(BundleError, match="no such file"):
        infer_file(written.folder, "student", "onnxruntime", tmp_path / "no.png", None, Silent())


def test_its_model_is_a_function_of_pixels(written: WrittenBundle) -> None:
    manifest = written.manifest
    images = np.load(written.folder / manifest.reference_inputs)
    exact = np.load(written.folder / manifest.models[1].reference)
    with load(written.folder, runtime="onnxruntime") as model:
        np.testing.assert_allclose(model(images), exact, atol=1e-5)
        np.testing.assert_allclose(model(images[3, 0]), exact[3:4], atol=1e-5)
        assert model.classes is not None
    with pytest.raises(BundleError, match="no such model; it has dense, student"):
        load(written.folder, "teacher", runtime="onnxruntime")
    with pytest.raises(BundleError, match="holds no manifest"):
        load(written.folder.parent)
    with pytest.raises(DeviceUnsupportedError, match="no tensorrt"):
        load(written.folder)


@given(data=st.data())
def test_whatever_changes_is_noticed(written: WrittenBundle, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(written.manifest.files)))
    path = written.folder / name
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    flipped = bytes([before[at] ^ data.draw(st.integers(1, 255))])
    try:
        path.write_bytes(before[:at] + flipped + before[at + 1 :])
        with pytest.raises(BundleError, match=f"{name}: is damaged"):
            read_bundle(written.folder)
        path.unlink()
        with pytest.raises(BundleError, match=f"{name}: is missing"):
            read_bundle(written.folder)
    finally:
        path.write_bytes(before)


def test_manifests_that_are_none(written: WrittenBundle) -> None:
    text = (written.folder / MANIFEST).read_text(encoding="utf-8")
    good = json.loads(text)
    assert manifest_from(text, "here") == written.manifest
    for change in (
        {"files": {"../outside": {"sha256": "0", "bytes": 1}, **good["files"]}},
        {"rival": {**good["models"][0], "onnx": "none.onnx"}},
        {"models": []}, {"input": None}, {"reference_inputs": "none.npy"}, {"classes": 3},
    ):  # fmt: skip
        with pytest.raises(BundleError, match="here: is damaged"):
            manifest_from(json.dumps({**good, **change}), "here")
    with pytest.raises(BundleError, match="of another edgeprune"):
        manifest_from(json.dumps({**good, "format": "edgeprune-bundle-9"}), "here")
    for text in ("", "[]", "{}", "null", "3"):
        with pytest.raises(BundleError, match="here: is damaged"):
            manifest_from(text, "here")


def test_sparse_models_bring_their_plugin(tmp_path: Path) -> None:
    run = pruned_run(tmp_path / "run", zeros=0.95)
    request = BundleRequest(sparse="block2.*", dense=False)
    written = ensure_bundle(run, tmp_path / "bundle", ORIN, request, lambda _: None)
    assert written.manifest.models[0].needs_plugin
    assert written.manifest.plugin is not None
    content = (written.folder / written.manifest.plugin).read_bytes()
    assert content == plugin_source()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        names = set(archive.getnames())
    assert {"CMakeLists.txt", "cmake/Architectures.cmake", "plugin/exports.map"} <= names
    assert not any(name.startswith(("harness", "emulation")) for name in names)
    with OnnxRuntimeRunner(written.folder / "student.onnx") as runner:
        assert runner.input_names == ("input",)
    _check_rival(written)
    raced = json.loads(_metadata(written.folder / "student.onnx")["sparse_layers"])
    asked = replace(request, back=tuple(raced))
    last = ensure_bundle(run, tmp_path / "last", ORIN, asked, lambda _: None)
    assert last.manifest.rival is None
    assert any("lost to dense on the board" in note for note in last.manifest.notes)
    assert last.manifest.plugin is None
    rival = written.manifest.files["student-dense.onnx"]
    assert last.manifest.files["student.onnx"] == rival, "it need not be sent or built again"


def _check_rival(written: WrittenBundle) -> None:
    """The same network, and nothing sparse in it."""
    rival = written.manifest.rival
    assert rival is not None
    assert (rival.name, rival.needs_plugin) == ("student-dense", False)
    ops = {node.op_type for node in onnx.load(written.folder / rival.onnx).graph.node}
    assert "Conv" in ops
    assert "SparseConv2d" not in ops
    feed = {"input": np.random.default_rng(0).standard_normal((2, 1, 8, 8), np.float32)}
    outputs = []
    for model in (written.manifest.models[0], rival):
        with OnnxRuntimeRunner(written.folder / model.onnx) as runner:
            outputs.append(runner.infer(feed)["output"])
    np.testing.assert_allclose(*outputs, atol=1e-5)


def _metadata(path: Path) -> dict[str, str]:
    return {prop.key: prop.value for prop in onnx.load(path).metadata_props}


@pytest.mark.parametrize(("change", "races"), [
    ({}, True), ({"race": False}, False), ({"back": ("block1.layer.0.conv1",)}, False),
])  # fmt: skip
def test_who_races(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], races: bool
) -> None:
    asked: dict[str, Any] = {}

    def export(*_: object, **options: Any) -> Any:
        asked.update(options)
        return SimpleNamespace(sparse=None)

    monkeypatch.setattr(graphs, "export_file", export)
    request = BundleRequest(sparse="auto", dense=False, **change)
    loaded, options = load_model(run / "student.pt", ModelOptions()), ModelOptions()
    export_graphs(run, loaded, ORIN, request, tmp_path, lambda _: None, options)
    assert (asked["rival"] is not None) == races
    assert asked["sparse_back"] == change.get("back", ())


def test_the_dense_network_is_the_same_every_time() -> None:
    """So that a second bundle does not bring another one to send and build."""
    before = torch.random.get_rng_state()
    first = dense_module("wrn_10_1", {"num_classes": 10})
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(1)
    second = dense_module("wrn_10_1", {"num_classes": 10})
    assert first is not None
    assert second is not None
    weights = second.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in first.state_dict().items())


def test_large_outputs_are_few(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "_MOST_BYTES", 5 * 10 * 4 + 3)
    alone = replace(written_with(), dense=False)
    manifest = ensure_bundle(run, tmp_path / "bundle", ORIN, alone, lambda _: None).manifest
    assert np.load(tmp_path / "bundle" / manifest.reference_inputs).shape[0] == 5
    assert np.load(tmp_path / "bundle" / manifest.models[0].reference).shape == (5, 10)
    assert "references: 5 samples, digits, validation split" in manifest.notes
