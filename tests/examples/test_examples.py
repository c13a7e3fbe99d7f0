"""The numbered examples run, small, and do what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

SMALL = ("--student", "wrn_10_1", "--train-limit", "192")


@pytest.fixture(scope="module")
def digits(run_example, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What 01_compress_digits.py printed, and its folder."""
    out = tmp_path_factory.mktemp("digits")
    options = ("--teacher", "wrn_10_1", "--method", "sp_sad", "--epochs", "2", "--out", out)
    done = run_example("01_compress_digits.py", *SMALL, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout, out


def test_compress_digits_prints_what_the_report_says(digits: tuple[str, Path]) -> None:
    printed, out = digits
    report = json.loads((out / "sp_sad" / "report.json").read_text())
    assert report["size_reduction"] >= 0.6
    assert f"physically removed: {report['size_reduction']:.1%}" in printed
    assert f"{report['student']['params']:,} parameters" in printed
    assert (out / "sp_sad" / "student.onnx").stat().st_size == report["onnx"]["bytes"]


def test_a_run_in_every_precision(run_example, digits: tuple[str, Path], tmp_path: Path) -> None:
    """The table of precisions, made of the run that an example has left."""
    out = tmp_path / "precision.json"
    done = run_example("benchmarks/precision.py", digits[1] / "sp_sad", "--out", out)
    assert done.returncode == 0, done.stderr[-3000:]
    (found,) = json.loads(out.read_text())["runs"].values()
    assert "sp_sad" in done.stderr
    precisions = found["precisions"]
    assert abs(precisions["fp32"]["top1"] - found["top1_pytorch"]) < 0.01
    assert precisions["fp16"]["snr_db"] > precisions["int8"]["snr_db"] > 10
    assert precisions["int8"]["int8_places"] > 0
    assert precisions["int8"]["onnx_bytes"] < precisions["fp32"]["onnx_bytes"]


def test_prune_your_own_model_goes_on_training(run_example) -> None:
    done = run_example("02_prune_your_own_model.py", "--images", "32", "--epochs", "1")
    assert done.returncode == 0, done.stderr
    before, after = re.findall(r"[\d,]+", _line(done.stdout, "parameters"))
    assert int(after.replace(",", "")) <= 0.4 * int(before.replace(",", ""))
    assert float(_line(done.stdout, "removal against masking").split()[-1]) < 1e-5
    assert [line.split(":")[0] for line in done.stdout.splitlines() if "loss" in line] == [
        "epoch 1",
        "epoch 2",
    ]
    assert "kept: fc" in done.stdout


def test_resume_goes_on_from_the_killed_run(
    run_example, digits: tuple[str, Path], tmp_path: Path
) -> None:
    teacher = digits[1] / "teacher.pt"
    options = ("--teacher", teacher, "--epochs", "5", "--out", tmp_path)
    done = run_example("03_resume_and_report.py", *SMALL, *options)
    assert done.returncode == 0, done.stderr
    killed_after = int(_line(done.stdout, "killed after epoch").split(";")[0].split()[-1])
    every = 5 + 5  # the whole student's, then those with removals
    assert 2 <= killed_after < every
    assert f"resumed: {every} epochs in the history, {killed_after} of them" in done.stdout
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == every
    assert "dense student" in done.stdout


def test_an_operation_is_left_alone_until_it_is_taught(run_example) -> None:
    done = run_example("04_teach_an_operation.py")
    assert done.returncode == 0, done.stderr
    before, after = done.stdout.split("with the rule")
    assert "kept: first (it meets the operation scale_shift, for which there is no rule)" in before
    assert "second: 16 -> 8 channels" in before
    assert "kept: second" not in before
    assert "first: 32 -> 16 channels" in after
    assert "kept: first" not in after
    assert after.count("relative error") == 1


def _line(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_deploy_and_serve(run_example, tmp_path: Path) -> None:
    done = run_example("05_deploy_and_serve.py", "--seconds", "0.02", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "student: all outputs of 32 samples equal to the last bit" in done.stdout
    assert "student: p50 " in done.stdout
    assert "served: 5 images" in done.stdout
