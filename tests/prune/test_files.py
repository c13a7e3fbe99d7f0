"""`edgeprune prune`: files in, checkpoints out, exit codes."""

from __future__ import annotations

import json

import pytest
import torch

from edgeprune.cli.main import run
from edgeprune.models.checkpoint import load_checkpoint, restore_model
from edgeprune.models.registry import build_model
from edgeprune.models.summary import count_params

SMALL = ["--image-size", "16", "--num-classes", "5"]


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ending:
        run([str(argument) for argument in arguments])
    return int(ending.value.code or 0)


def test_fresh_weights_become_a_checkpoint_that_restores(tmp_path, capsys):
    out = tmp_path / "half.pt"
    code = _run("prune", "--arch", "wrn_10_1", "--target-params", 0.5, *SMALL,
                "--out", out, "--json")  # fmt: skip
    assert code == 0
    report = json.loads(capsys.readouterr().out)
    model = restore_model(load_checkpoint(out))
    assert count_params(model) == report["params"] <= 0.5 * report["params_before"]
    assert report["equivalence"]["max_rel_error"] <= 1e-9
    assert model(torch.randn(2, 3, 16, 16)).shape == (2, 5)


def test_a_checkpoint_of_ours_is_pruned_again(tmp_path, capsys):
    first, second = tmp_path / "a.pt", tmp_path / "b.pt"
    assert _run("prune", "--arch", "wrn_10_1", "--pruning-ratio", 0.3, *SMALL, "--out", first) == 0
    assert "equal to masking within" in capsys.readouterr().out
    code = _run("prune", first, "--target-macs", 0.7, "--round-to", 4, "--local",
                "--image-size", 16, "--out", second)  # fmt: skip
    assert code == 0
    smaller, small = (count_params(restore_model(load_checkpoint(p))) for p in (second, first))
    assert smaller < small
    assert load_checkpoint(second).provenance["pruned_from"] == str(first)


def test_a_bare_state_dict_needs_its_architecture(tmp_path, capsys):
    weights, out = tmp_path / "bare.pt", tmp_path / "out.pt"
    torch.save(build_model("wrn_10_1", num_classes=5).state_dict(), weights)
    options = ["--pruning-ratio", 0.3, "--image-size", 16, "--out", out]
    assert _run("prune", weights, *options) == 2
    assert "--arch" in capsys.readouterr().err
    assert _run("prune", weights, "--arch", "wrn_10_1", *options) == 0
    assert load_checkpoint(out).arch_args["num_classes"] == 5


def test_seeds_decide(tmp_path):
    weights = []
    for number, seed in enumerate((3, 3, 4)):
        out = tmp_path / f"{number}.pt"
        _run("prune", "--arch", "wrn_10_1", "--pruning-ratio", 0.4, "--importance", "random",
             "--seed", seed, *SMALL, "--out", out)  # fmt: skip
        weights.append(load_checkpoint(out).state_dict)
    assert all(torch.equal(weights[0][k], weights[1][k]) for k in weights[0])
    assert not torch.equal(weights[0]["conv1.weight"], weights[2]["conv1.weight"])


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--arch", "wrn_10_1", "--target-params", "0.001"], 4, "reachable: 0."),
        (["--arch", "wrn_10_1"], 2, "no budget"),
        (["--arch", "wrn_10_1", "--pruning-ratio", "1.5"], 2, "out of range"),
        (["--arch", "wrn_10_9x", "--pruning-ratio", "0.5"], 2, "unknown architecture"),
        (["--pruning-ratio", "0.5"], 2, "give a CHECKPOINT, or --arch"),
        (["missing.pt", "--pruning-ratio", "0.5"], 2, "missing.pt"),
        (["--arch", "wrn_10_1", "--pruning-ratio", ".5", "--ignored-layer", "nope"], 2, "nope"),
        (["--arch", "wrn_10_1", "--pruning-ratio", ".5", "--layer", "fc"], 2, "network's output"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_file(tmp_path, capsys, arguments, code, text):
    out = tmp_path / "out.pt"
    assert _run("prune", *arguments, "--image-size", 16, "--out", out) == code
    error = capsys.readouterr().err
    assert text in error
    assert len(error.strip().splitlines()) == 1
    assert not out.exists()


def test_the_output_folder_must_exist(tmp_path, capsys):
    out = tmp_path / "nowhere" / "out.pt"
    code = _run("prune", "--arch", "wrn_10_1", "--pruning-ratio", 0.5, *SMALL, "--out", out)
    assert code == 2
    assert "there is no folder" in capsys.readouterr().err
    assert _run("prune", "--arch", "wrn_10_1", "--pruning-ratio", 0.5, *SMALL,
                "--out", tmp_path) == 2  # fmt: skip


def test_contradicting_options_are_refused(tmp_path, capsys):
    weights = tmp_path / "bare.pt"
    torch.save(build_model("wrn_10_1", num_classes=5).state_dict(), weights)
    code = _run("prune", weights, "--arch", "wrn_10_1", "--num-classes", 7, "--pruning-ratio", 0.3,
                "--out", tmp_path / "out.pt")  # fmt: skip
    assert code == 2
    assert "--num-classes 7" in capsys.readouterr().err
