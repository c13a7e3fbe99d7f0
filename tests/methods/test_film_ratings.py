"""Films from a file to a pruned student, with what it has to beat beside it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from command_line import edgeprune
from films import film_rows, write_csv

from edgeprune.data import load_data
from edgeprune.data.movies import MovieFeaturiser, read_films
from edgeprune.deploy.bundle.references import bundle_inputs, reference_inputs, reference_outputs
from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.errors import AccuracyGateMissedError, UserInputError
from edgeprune.methods.baselines import CONSTANT, RIDGE, TREES, fit_baselines
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.pipeline import compress
from edgeprune.report.run_files import load_predictions
from edgeprune.train.evaluate import predict

_SMALL: dict[str, Any] = {
    "preset": "quick", "epochs": 2, "batch_size": 32, "lr": 0.02, "beta": 5.0, "round_to": 2,
    "device": "cpu", "target_params": 0.55,
}  # fmt: skip


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("films") / "films.csv", film_rows())


@pytest.fixture(scope="module")
def trained(films: Path) -> tuple[Path, dict[str, Any]]:
    """A teacher, trained as a user would, and what was told of it."""
    out = films.parent / "teacher.pt"
    done = edgeprune(
        "train", "movie_cnn_1_16", "--data", f"movies:{films}:all", "--epochs", "8", "--lr", "0.02",
        "--batch-size", "32", "--device", "cpu", "--out", out, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    return out, json.loads(done.out)


def test_training_is_told_beside_the_baselines(trained: tuple[Path, dict[str, Any]]) -> None:
    out, told = trained
    assert told["test_top1"] is None
    errors = told["regression"]["errors"]
    assert set(errors) == {"network", CONSTANT, RIDGE, TREES}
    for figures in errors.values():
        assert figures["mse_low"] < figures["mse"] < figures["mse_high"]
        assert figures["mae_low"] < figures["mae"] < figures["mae_high"]
    assert errors["network"]["mse"] < errors[CONSTANT]["mse"]
    assert errors[RIDGE]["mse"] < errors[CONSTANT]["mse"]
    lead = told["regression"]["network_minus"][CONSTANT]
    assert lead["difference"] == pytest.approx(errors["network"]["mse"] - errors[CONSTANT]["mse"])
    assert lead["high"] < 0
    absolute = told["regression"]["network_minus_mae"][CONSTANT]
    assert absolute["difference"] == pytest.approx(
        errors["network"]["mae"] - errors[CONSTANT]["mae"]
    )
    assert out.with_name("teacher.features.json").is_file()


def test_a_method_makes_a_smaller_student(
    trained: tuple[Path, dict[str, Any]], films: Path, tmp_path: Path
) -> None:
    method, settings = "ss_sad", {"rounds": 1, "every": 1}
    spec = f"movies:{films}:all"
    out = tmp_path / "run"
    given = (trained[0], "movie_cnn_1_8", spec, method)
    report = compress(*given, out=out, **_SMALL, **settings)
    assert report.extra["metric"] == "mse"
    assert report.size_reduction >= 0.44
    assert report.equivalence is not None
    assert report.onnx is not None
    assert report.onnx["max_abs_error"] < 1e-4
    held = load_predictions(out)
    assert held is not None
    errors = held["student"].astype(np.float64) - held["targets"]
    found = report.extra["regression"]
    assert found["errors"]["student"]["mse"] == pytest.approx(float(np.mean(errors**2)))
    assert found["errors"]["student"]["mae"] == pytest.approx(float(np.mean(abs(errors))))
    assert report.student["metric"] == pytest.approx(found["errors"]["student"]["mse"])
    _new_films_are_rated_alike(out, films)
    _bundle_takes_features_as_they_are(out)
    with pytest.raises(AccuracyGateMissedError, match="mean squared error is"):
        compress(*given, out=out, max_mse=1e-6, **_SMALL, **settings)


def _new_films_are_rated_alike(run: Path, films: Path) -> None:
    """What the run holds is enough to rate films: features, then the graph, at any batch."""
    rows = MovieFeaturiser.load(run / "features.json").transform(read_films(films)[:5])
    inputs = rows[:, :, None, None]
    session = onnxruntime.InferenceSession(run / "student.onnx")
    module = load_model(run / "student.pt", ModelOptions()).module.eval()
    with torch.no_grad():
        expected = module(torch.from_numpy(inputs)).numpy()
    for batch in (1, 5):
        found = session.run(None, {"input": inputs[:batch]})[0]
        np.testing.assert_allclose(found, expected[:batch], atol=1e-4)


def _bundle_takes_features_as_they_are(run: Path) -> None:
    loaded = load_model(run / "student.pt", ModelOptions())
    inputs = bundle_inputs(loaded, BundleRequest())
    (given,) = inputs
    assert (given.mean, given.std) == (None, None)
    samples, told = reference_inputs(loaded, run, None, inputs)
    assert samples["input"].dtype == np.float32
    assert "validation split" in told
    outputs = reference_outputs(run / "student.onnx", samples, inputs)
    with torch.no_grad():
        expected = loaded.module.eval()(torch.from_numpy(samples["input"]))
    np.testing.assert_allclose(outputs, expected.numpy(), atol=1e-4)


def test_unusable_films_are_told_in_lines_and_train_nothing(tmp_path: Path) -> None:
    rows = film_rows(40)
    rows[3]["year"] = ""
    path = write_csv(tmp_path / "films.csv", rows)
    out = tmp_path / "teacher.pt"
    with pytest.warns(UserWarning, match="have no year") as warned:
        done = edgeprune("train", "movie_cnn_1_8", "--data", f"movies:{path}@1980", "--out", out)
    assert done.code == 2
    (failed,) = done.err.splitlines()
    assert failed.startswith(f"edgeprune: {path}: 0 films came out before the test year 1980")
    (left_out,) = (str(warning.message) for warning in warned)
    assert left_out == f"{path}: 1 of 40 films have no year and are left out"
    shown = warnings.formatwarning(left_out, UserWarning, warned[0].filename, 1)
    assert shown == f"edgeprune: warning: {left_out}\n"
    assert warnings.formatwarning("x", UserWarning, "/a/b.py", 7).endswith(
        "(UserWarning, /a/b.py:7)\n"
    )
    assert not out.exists()


def test_a_gate_on_accuracy_is_refused(
    trained: tuple[Path, dict[str, Any]], films: Path, tmp_path: Path
) -> None:
    spec = f"movies:{films}:all"
    with pytest.raises(UserInputError, match="max_mse"):
        compress(trained[0], None, spec, out=tmp_path / "a", min_accuracy=50.0, **_SMALL)


def test_a_teacher_of_other_features_is_named(
    trained: tuple[Path, dict[str, Any]], films: Path, tmp_path: Path
) -> None:
    said = r"takes rows of \d+ features, the data's have \d+; use a teacher trained on such rows"
    with pytest.raises(UserInputError, match=said):
        compress(trained[0], None, f"movies:{films}:social", out=tmp_path / "a", **_SMALL)


def test_baselines_do_not_read_the_test_split_and_say_what_is_missing(
    films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_data(f"movies:{films}:categorical", seed=0)
    monkeypatch.setitem(__import__("sys").modules, "sklearn.ensemble", None)
    found = fit_baselines(data, seed=0)
    assert data.test_reads == 0
    assert set(found.forwards) == {CONSTANT, RIDGE}
    assert "scikit-learn" in found.missing[TREES]
    answers = predict(found.forwards, data, "train", torch.device("cpu"))
    assert answers[CONSTANT] == pytest.approx(answers["targets"].mean())
    assert answers[RIDGE].mean() == pytest.approx(answers["targets"].mean(), abs=1e-3)
