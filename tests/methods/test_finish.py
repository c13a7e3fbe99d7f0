"""The finishing stages, from the command line to the files of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from command_line import complaint, edgeprune
from crash import train
from onnx import numpy_helper

from edgeprune.data.registry import load_data
from edgeprune.errors import EdgepruneError
from edgeprune.methods.finish import first_frozen_epoch
from edgeprune.methods.student import Student
from edgeprune.models.checkpoint import load_checkpoint
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.registry import build_model
from edgeprune.prune.masks import MaskSet
from edgeprune.prune.two_to_four import check_two_to_four
from edgeprune.recipe import load_recipe
from edgeprune.train.evaluate import predict
from edgeprune.train.fake_layers import fake_copy
from edgeprune.train.score import TOP1

_SMALL = ("--student", "wrn_10_1", "--method", "sp_sad", "--data", "digits", "--device", "cpu",
          "--epochs", "6", "--target-params", "0.6", "--round-to", "4", "--set", "warm_epochs=2",
          "--set", "beta=12.5", "--set", "batch_size=64", "--set", "train_limit=640")  # fmt: skip


@pytest.fixture(scope="module")
def run(digits_teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with both stages and a dense control."""
    out = tmp_path_factory.mktemp("finish") / "run"
    ended = edgeprune("compress", digits_teacher, *_SMALL, "--granularity", "2:4", "--qat",
                      "--set", "sparse_epochs=3", "--control", "dense", "--control", "width",
                      "--out", out)  # fmt: skip
    assert ended.code == 0, ended.err
    assert "the 2:4 pattern, which sparse tensor cores take, after 3 epochs" in _joined(ended.out)
    assert "fake quantisation of" in _joined(ended.out)
    return out


def _joined(text: str) -> str:
    return " ".join(text.split())


def _report(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "report.json").read_text())
    return found


def test_stages_follow_the_methods_own_training(run: Path) -> None:
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    own = ["warm", "sp-sad", "sparse", "qat"]
    controls = [
        f"control-{n}{stage}" for n in ("dense", "width") for stage in ("", "-sparse", "-qat")
    ]
    assert stages == [*own, *controls]
    assert [sum(row["stage"] == stage for row in rows) for stage in own] == [2, 6, 3, 2]
    report = _report(run)
    assert (report["epochs"], report["search_epochs"]) == (6, 2)
    assert report["train_seconds"] == pytest.approx(
        sum(row["seconds"] for row in rows if row["stage"] in own)
    )


def test_the_report_tells_sparsity_from_size_and_int8_from_float(run: Path) -> None:
    report = _report(run)
    assert 0.35 < report["student"]["mask_sparsity"] < 0.5
    assert report["size_reduction"] == pytest.approx(
        1 - report["student"]["params"] / report["dense_student"]["params"]
    )
    stage = report["two_to_four"]
    assert (stage["epochs"], stage["lr"]) == (3, pytest.approx(0.01))
    assert stage["left_out"] == [{"layer": "conv1", "reason": "reads the images"}]
    assert "block2.layer.0.conv1" in stage["layers"]
    assert "fc" in stage["layers"]
    qat = report["qat"]
    assert (qat["epochs"], qat["lr"], qat["statistics_frozen_after"]) == (2, pytest.approx(1e-3), 1)
    assert not {"conv1", "fc"} & set(qat["layers"])
    assert len(qat["layers"]) == len(stage["layers"]) - 1  # without fc
    assert qat["test"]["float"] == report["student"]["metric"]
    assert abs(qat["test"]["int8"] - qat["test"]["float"]) < 3
    assert abs(qat["val"]["int8"] - qat["val"]["float"]) < 3
    page = (run / "report.html").read_text()
    assert "2:4" in page
    assert "Test top-1, INT8" in page


def test_the_checkpoint_holds_plain_weights_and_the_scales(run: Path) -> None:
    checkpoint = load_checkpoint(run / "student.pt")
    report = _report(run)
    assert checkpoint.quantization is not None
    assert list(checkpoint.quantization) == report["qat"]["layers"]
    assert checkpoint.provenance["two_to_four"] == report["two_to_four"]["layers"]
    plain = build_model("wrn_10_1", num_classes=10, in_channels=1)
    assert list(checkpoint.state_dict) == list(plain.state_dict())
    loaded = load_model(run / "student.pt", ModelOptions())
    pattern = check_two_to_four(loaded.module, ("conv1",))
    assert (pattern.broken, list(pattern.sparse)) == ((), report["two_to_four"]["layers"])
    assert loaded.quantization == checkpoint.quantization


def test_the_reported_int8_accuracy_is_that_of_the_files_weights_and_scales(run: Path) -> None:
    loaded = load_model(run / "student.pt", ModelOptions())
    assert loaded.quantization is not None
    assert loaded.preprocessing is not None
    fake = fake_copy(loaded.module, loaded.quantization)
    data = load_data("digits", seed=0).with_preprocessing(loaded.preprocessing)
    forwards = {"int8": lambda inputs: fake(*inputs)}
    found = predict(forwards, data, "test", torch.device("cpu"))
    top1 = TOP1.mean(found["int8"], found["targets"])
    assert top1 == pytest.approx(_report(run)["qat"]["test"]["int8"])


def test_the_exported_weights_have_the_pattern(run: Path) -> None:
    """Norms are folded into the convolutions before them, which leaves the zeros where they are."""
    graph = onnx.load(str(run / "student.onnx")).graph
    weights = [numpy_helper.to_array(w) for w in graph.initializer]
    layers = [w if w.ndim == 4 else _rows(w, graph) for w in weights if w.ndim in (2, 4)]
    able = [w for w in layers if w.shape[1] % 4 == 0]
    assert len(able) == len(_report(run)["two_to_four"]["layers"])
    assert len(layers) == len(able) + 1
    for weight in able:
        groups = np.moveaxis(weight, 1, -1).reshape(-1, 4)
        assert ((groups != 0).sum(1) <= 2).all()


def _rows(weight: np.ndarray, graph: Any) -> np.ndarray:
    """A linear layer's weight as (out, in), however its node takes it."""
    (gemm,) = [node for node in graph.node if node.op_type in ("Gemm", "MatMul")]
    transposed = any(a.name == "transB" and a.i for a in gemm.attribute)
    return weight if transposed else weight.T


def test_controls_go_through_the_stages_and_only_the_dense_one_stays_dense(run: Path) -> None:
    sparsity = {}
    for stage in ("qat", "control-dense-qat", "control-width-qat"):
        held = torch.load(run / "state" / f"{stage}.done.pt", weights_only=True)["network"]
        assert held["scales"].keys() == set(_report(run)["qat"]["layers"])
        sparsity[stage] = held["masks"] and MaskSet.from_state_dict(held["masks"]).sparsity
    assert sparsity["control-dense-qat"] is None
    assert sparsity["control-width-qat"] == pytest.approx(sparsity["qat"], abs=0.01)


def test_the_resolved_recipe_names_the_pattern_so_that_yaml_reads_it_back(run: Path) -> None:
    recipe = load_recipe(run / "recipe.yaml")
    assert (recipe.granularity, recipe.qat) == ("2:4", True)


def test_masks_that_are_not_held_are_found(
    digits_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Student, "hold", lambda *_: None)
    settings = {
        "teacher": digits_teacher, "student": "wrn_10_1", "data": "digits", "method": "sp_sad",
        "epochs": 3, "every": 1, "warm_epochs": 0, "train_limit": 128, "batch_size": 64,
        "target_params": 0.7, "granularity": "2:4", "device": "cpu", "out": tmp_path / "run",
    }  # fmt: skip
    with pytest.raises(EdgepruneError, match="2:4 pattern does not hold in block1"):
        train(settings)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--qat",), "no layer is left to quantise"),
        (("--granularity", "2:4"), "0 reads the images, 4 takes 6 channels"),
    ],
)
def test_a_student_that_cannot_have_a_stage_is_refused_first(
    options: tuple[str, ...], words: str, digits_teacher: Path, tmp_path: Path
) -> None:
    ended = edgeprune("compress", digits_teacher, *_SMALL, "--student", "odd_user_code:two_layers",
                      "--out", tmp_path / "run", *options)  # fmt: skip
    assert words in complaint(ended, 2)
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(("epochs", "first"), [(1, 1), (2, 1), (3, 2), (10, 5)])
def test_statistics_freeze_half_way(epochs: int, first: int) -> None:
    assert first_frozen_epoch(epochs) == first
