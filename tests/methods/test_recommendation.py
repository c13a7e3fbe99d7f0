"""Interactions from files to a pruned recommender, with what it has to beat beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from command_line import edgeprune
from interactions import interaction_rows, write_ratings

from edgeprune.data import load_data
from edgeprune.data.ratings import RatingsEncoder
from edgeprune.errors import AccuracyGateMissedError, UserInputError
from edgeprune.methods.baselines import CONSTANT, TREES
from edgeprune.methods.compared import baselines_of
from edgeprune.methods.ranking_baselines import EASE, POPULARITY
from edgeprune.methods.rating_baselines import BIASES
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.registry import build_model
from edgeprune.pipeline import compress
from edgeprune.pretrain import pretrain
from edgeprune.report.run_files import load_predictions
from edgeprune.train.evaluate import predict
from edgeprune.verify.networks import torch_network
from edgeprune.verify.one_pass import run_pass

_SMALL: dict[str, Any] = {
    "epochs": 2, "batch_size": 128, "lr": 0.01, "device": "cpu", "target_params": 0.4,
}  # fmt: skip


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [*interaction_rows(), ("short", "i1", "3", "5")]
    return write_ratings(tmp_path_factory.mktemp("ratings"), rows)


@pytest.fixture(scope="module")
def trained(ratings: Path) -> tuple[Path, dict[str, Any]]:
    """A teacher, trained as a user would, and what was told of it."""
    out = ratings.parent / "teacher.pt"
    done = edgeprune(
        "train", "neumf_4", "--data", f"ratings:{ratings}", "--epochs", "8", "--lr", "0.02",
        "--batch-size", "128", "--device", "cpu", "--out", out, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    return out, json.loads(done.out)


def test_training_is_told_beside_the_baselines(trained: tuple[Path, dict[str, Any]]) -> None:
    out, told = trained
    assert (told["test_top1"], told["regression"]) == (None, None)
    found = told["ranking"]
    assert set(told["metrics"]) == {"val_hr_at_10", "test_hr_at_10"}
    assert told["metrics"]["test_hr_at_10"] == found["figures"]["network"]["hr"]
    assert (found["k"], found["users"]) == (10, 60)
    assert set(found["figures"]) == {"network", POPULARITY, EASE}
    for figures in found["figures"].values():
        assert figures["hr_low"] < figures["hr"] < figures["hr_high"]
        assert figures["ndcg_low"] < figures["ndcg"] < figures["ndcg_high"]
    # Two thirds of all are of the user's own taste, which popularity does not know.
    assert found["network_minus"][POPULARITY]["low"] > 0
    assert found["figures"]["network"]["hr"] > 0.5
    encoder = RatingsEncoder.load(out.with_name("teacher.vocabulary.json"))
    assert len(encoder.users.tokens) == 61


def test_a_method_makes_a_smaller_student(
    trained: tuple[Path, dict[str, Any]], ratings: Path, tmp_path: Path
) -> None:
    method, settings = "sp_sad", {"warm_epochs": 1}
    out = tmp_path / "run"
    given = (trained[0], "neumf_4", f"ratings:{ratings}", method)
    report = compress(*given, out=out, **_SMALL, **settings)
    assert report.extra["metric"] == "hr_at_10"
    assert 0.59 <= report.size_reduction <= 0.65
    assert report.equivalence is not None
    assert report.onnx is not None
    assert report.onnx["max_abs_error"] < 1e-5
    held = load_predictions(out)
    assert held is not None
    found = report.extra["ranking"]
    assert found["figures"]["student"]["hr"] == pytest.approx(np.mean(held["student"] <= 10))
    assert report.student["metric"] == pytest.approx(found["figures"]["student"]["hr"])
    tables = [layer for layer in report.extra["layers"] if layer["name"] == "mlp_item"]
    assert not tables or tables[0]["width_after"] < tables[0]["width_before"]
    _pairs_are_scored_alike(out)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "NDCG@10" in page
    assert "1 of 61 users have fewer than 3 interactions" in page
    with pytest.raises(AccuracyGateMissedError, match="hit rate is"):
        compress(*given, out=out, min_hit_rate=1.0, **_SMALL, **settings)


def _pairs_are_scored_alike(run: Path) -> None:
    """What the run holds is enough to score pairs: vocabulary, then the graph, at any batch."""
    items = [f"i{number}" for number in range(5)]
    (ids,) = RatingsEncoder.load(run / "vocabulary.json").encode(["u1"] * 5, items)
    session = onnxruntime.InferenceSession(run / "student.onnx")
    module = load_model(run / "student.pt", ModelOptions()).module.eval()
    with torch.no_grad():
        expected = module(torch.from_numpy(ids)).numpy()
    (name,) = (given.name for given in session.get_inputs())
    for batch in (1, 5):
        np.testing.assert_allclose(
            session.run(None, {name: ids[:batch]})[0], expected[:batch], atol=1e-5
        )


def test_dlrm_predicts_ratings_from_features(tmp_path: Path) -> None:
    spec = f"ratings:{write_ratings(tmp_path, interaction_rows(each=20))}:rating+features"
    told = pretrain(
        "dlrm_8", spec, tmp_path / "t.pt", epochs=10, lr=0.02, batch_size=64, device="cpu"
    )
    assert told.regression is not None
    errors = told.regression["errors"]
    assert set(errors) == {"network", CONSTANT, BIASES, TREES}
    assert told.regression["network_minus"][CONSTANT]["high"] < 0
    report = compress(
        tmp_path / "t.pt", "dlrm_8", spec, "sp_sad", out=tmp_path / "run", warm_epochs=1, **_SMALL
    )
    assert report.extra["metric"] == "mse"
    assert report.size_reduction >= 0.55
    assert report.onnx is not None
    assert report.onnx["max_abs_error"] < 1e-4


def test_one_pass_ranks_as_the_network_does(ratings: Path) -> None:
    data = load_data(f"ratings:{ratings}", seed=0)
    one, other = (build_model("neumf_2", **data.arch_args).eval() for _ in range(2))
    networks = {"same": torch_network(one), "other": torch_network(other)}
    passed = run_pass(torch_network(one), networks, data, None, None)
    assert data.test_reads == 1
    forwards = {"one": lambda inputs: one(*inputs)}
    ranks = predict(forwards, data, "test", torch.device("cpu"))["one"]
    assert passed.samples == 60
    assert np.array_equal(passed.exact, ranks <= 10)
    assert np.array_equal(passed.scores["same"], passed.exact)
    assert passed.differences["same"].max_abs_error == 0
    assert passed.differences["other"].max_abs_error > 0
    assert passed.agreement == {}
    few = run_pass(torch_network(one), {}, data, None, 7)
    assert np.array_equal(few.exact, passed.exact[np.linspace(0, 59, 7).round().astype(int)])


def test_baselines_do_not_read_the_test_split(ratings: Path) -> None:
    data = load_data(f"ratings:{ratings}", seed=0)
    found = baselines_of(data, 0)
    assert data.test_reads == 0
    ranks = predict(found.forwards, data, "val", torch.device("cpu"))
    assert np.mean(ranks[EASE] <= 10) > np.mean(ranks[POPULARITY] <= 10)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_baselines_rank_alike_where_networks_run_on_a_gpu(ratings: Path) -> None:
    data = load_data(f"ratings:{ratings}", seed=0)
    found = baselines_of(data, 0).forwards
    here, there = (predict(found, data, "val", torch.device(d)) for d in ("cpu", "cuda"))
    for name in found:
        assert np.array_equal(here[name], there[name])


def test_the_bias_model_is_the_ridge_solution(ratings: Path) -> None:
    data = load_data(f"ratings:{ratings}:rating", seed=0)
    answers = predict(baselines_of(data, 0).forwards, data, "train", torch.device("cpu"))
    ids = np.concatenate([b.inputs[0].numpy() for b in data.batches("train", batch_size=999)])
    users, items = data.arch_args["rows"]
    design = np.zeros((len(ids), users + items))
    design[np.arange(len(ids)), ids[:, 0]] = 1.0
    design[np.arange(len(ids)), users + ids[:, 1]] = 1.0
    left = answers["targets"] - answers["targets"].mean()
    solved = [
        np.linalg.solve(design.T @ design + p * np.eye(users + items), design.T @ left)
        for p in (1.0, 3.0, 10.0, 30.0)
    ]
    found = answers[BIASES] - answers["targets"].mean()
    assert min(np.abs(design @ weights - found).max() for weights in solved) < 1e-3


def test_other_tables_and_gates_are_refused(
    trained: tuple[Path, dict[str, Any]], ratings: Path, tmp_path: Path
) -> None:
    other = write_ratings(tmp_path, interaction_rows())
    with pytest.raises(UserInputError, match=r"tables have \(62, 41\) rows, the data's need \(61"):
        compress(trained[0], None, f"ratings:{other}", out=tmp_path / "a", **_SMALL)
    with pytest.raises(UserInputError, match="was trained for lists of items"):
        compress(trained[0], None, f"ratings:{ratings}:rating", out=tmp_path / "r", **_SMALL)
    with pytest.raises(UserInputError, match="use --set min_hit_rate="):
        compress(
            trained[0], None, f"ratings:{ratings}", out=tmp_path / "b", min_accuracy=1.0, **_SMALL
        )
    done = edgeprune(
        "train", "dlrm", "--data", f"ratings:{ratings}", "--epochs", "1", "--out", tmp_path / "c.pt"
    )
    assert done.code == 2
    assert "ratings:DIR+features" in done.err
