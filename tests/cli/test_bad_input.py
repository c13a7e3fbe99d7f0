"""Every mistake a user can make ends in one clear line and the right exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import odd_user_code
import pytest
import torch
from command_line import complaint, edgeprune, leftovers
from torch import nn

from edgeprune.train.run_folder import RunFolder

QUICK = ("--epochs", "2", "--set", "train_limit=128", "--set", "batch_size=32", "--device", "cpu")
DIGITS = ("--data", "digits", *QUICK)
GREY = ("--mean", "0.3", "--std", "0.3")


# What may be said with a sound teacher on the digits, and what the line must name.
_OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown option": (("--frobnicate",), "--frobnicate"),
    "unknown setting": (("--set", "epoch=3"), "did you mean 'epochs'"),
    "setting without a value": (("--set", "lr"), "--set key=value"),
    "setting that is no YAML": (("--set", "lr=[1"), "--set lr="),
    "setting of another type": (("--set", "lr=fast"), "'lr'"),
    "setting out of range": (("--set", "momentum=1.5"), "'momentum'"),
    "setting that is no number": (("--set", "lr=.nan"), "'lr'"),
    "setting of several lines": (("--set", 'augment="a\\nb"'), "augment"),
    "unknown method": (("--method", "magic"), "--method"),
    "unknown preset": (("--preset", "magic"), "--preset"),
    "unknown control": (("--control", "magic"), "--control"),
    "unknown teacher tap": (("--set", "teacher_taps=[nowhere]"), "nowhere"),
    "unknown student tap": (("--set", "student_taps=[nowhere]"), "nowhere"),
    "unknown layer to ignore": (("--set", "ignored_layers=[nowhere]"), "nowhere"),
    "no epochs": (("--epochs", "0"), "--epochs"),
    "too few epochs": (
        ("--method", "sp_sad", "--epochs", "1", "--set", "warm_epochs=0"),
        "epochs",
    ),
    "too few events": (("--method", "sp_sad", "--set", "schedule=additive"), "rate"),
    "too few images": (("--set", "train_limit=1"), "batch_size"),
    "no validation": (("--set", "val_fraction=1e-6"), "val_fraction"),
    "image size of another teacher": (("--set", "image_size=16"), "image_size=8"),
    "no size to keep": (("--target-params", "0"), "target_params"),
    "a size that is no number": (("--target-macs", "nan"), "target_macs"),
    "masks without a share": (("--granularity", "weight", "--target-params", "9000"), "fraction"),
    "widths without a pattern": (("--granularity", "2:4", "--round-to", "6"), "--round-to 8"),
    "epochs of a stage nobody asked": (("--set", "qat_epochs=2"), "--qat"),
    "a rate of a stage nobody asked": (("--set", "sparse_lr=0.1"), "--granularity 2:4"),
    "a refill without a ticket": (
        ("--method", "sp_sad", "--granularity", "weight", "--set", "refill=true"), "lth_sad"),
    "a refill of channels": (("--set", "refill=true"), "--granularity weight"),
    "a refill of vectors": (
        ("--granularity", "vector", "--set", "refill=true"), "--granularity weight"),
    "everything removed": (("--pruning-ratio", "1"), "pruning_ratio"),
    "a gate that is no number": (("--min-accuracy", "nan"), "--min-accuracy"),
    "a gate beyond all": (("--min-accuracy", "150"), "--min-accuracy"),
    "a mean of letters": (("--mean", "x", "--std", "1"), "--mean"),
    "a mean alone": (("--mean", "0.3"), "--std"),
    "a seed too large": (("--seed", "99999999999"), "seed"),
    "a device nobody has": (("--device", "abacus"), "--device"),
    "a larger student": (("--student", "wrn_16_2"), "larger than the teacher"),
    "an unknown student": (("--student", "wrn_99"), "wrn_99"),
    "a student of nowhere": (("--student", "no_such_module:net"), "--student"),
    "a student that fails": (("--student", "odd_user_code:failing"), "first line"),
    "a student that is none": (("--student", "odd_user_code:number"), "no module"),
    "a student of colours": (("--student", "odd_user_code:colour"), "1x8x8"),
    "a student with a tuple": (("--student", "odd_user_code:Pair"), "tuple"),
    "another weight file's arch": (("--arch", "resnet20"), "--arch"),
    "reinit of a file's network": (("--control", "reinit"), "--student"),
}  # fmt: skip


@pytest.mark.parametrize("name", _OPTIONS)
def test_options_that_cannot_be_used(teacher: Path, out: Path, name: str) -> None:
    options, named = _OPTIONS[name]
    ended = edgeprune("compress", teacher, *DIGITS, "--out", out, *options)
    assert named in complaint(ended, 2)
    assert ended.err.count("\n") == 1, "nothing may be trained before a mistake is told"
    assert not leftovers(out.parent)


_TEACHERS: dict[str, tuple[Callable[[], nn.Module], tuple[str, ...], str]] = {
    "nothing to tap": (odd_user_code.linear, ("--model", "odd_user_code:linear", *GREY), "taps"),
    "another network": (odd_user_code.linear, ("--model", "odd_user_code:mlp", *GREY), "3.weight"),
    "nobody's network": (odd_user_code.mlp, GREY, "--arch or --model"),
    "two names": (
        odd_user_code.mlp, ("--model", "odd_user_code:mlp", "--arch", "resnet20"), "give one"),
    "unknown normalisation": (odd_user_code.mlp, ("--model", "odd_user_code:mlp"), "--mean"),
    "three channels": (odd_user_code.colour, ("--model", "odd_user_code:colour", *GREY), "1x8x8"),
    "a tuple": (odd_user_code.Pair, ("--model", "odd_user_code:Pair", *GREY), "tuple"),
    "a factory that fails": (odd_user_code.mlp, ("--model", "odd_user_code:failing", *GREY),
                             "first line"),
}  # fmt: skip


@pytest.mark.parametrize("name", _TEACHERS)
def test_own_networks_that_cannot_teach(tmp_path: Path, out: Path, name: str) -> None:
    make, options, named = _TEACHERS[name]
    torch.save(make().state_dict(), tmp_path / "own.pt")
    ended = edgeprune("compress", tmp_path / "own.pt", *DIGITS, "--out", out, *options)
    assert named in complaint(ended, 2)
    assert not leftovers(out)


@pytest.mark.parametrize("method", ["sp_sad", "lth_sad", "ss_sad"])
@pytest.mark.parametrize(
    ("target", "reachable"),
    [
        (("--target-params", "0.0001"), "target_params 0.0001 (reachable: 0.0497)"),
        (("--target-params", "0.5", "--target-macs", "1e-5"), "target_macs 1e-05 (reachable: 0."),
        (("--pruning-ratio", "0.99"), "pruning_ratio 0.99 (reachable: 0."),
    ],
)
def test_a_target_out_of_reach_says_how_far_it_can_before_training(
    teacher: Path, out: Path, method: str, target: tuple[str, ...], reachable: str
) -> None:
    ended = edgeprune("compress", teacher, *DIGITS, "--method", method, *target, "--out", out)
    assert reachable in complaint(ended, 4)
    assert ended.err.count("\n") == 1
    assert not leftovers(out)


def test_a_corrected_command_may_use_the_same_folder(teacher: Path, out: Path) -> None:
    mistake = ("--target-params", "0.0001")
    complaint(edgeprune("compress", teacher, *DIGITS, "--out", out, *mistake), 4)
    other = ("--target-params", "0.3", "--set", "lr=1e9")
    line = complaint(edgeprune("compress", teacher, *DIGITS, "--out", out, *other), 1)
    assert "lr=" in line, "the run has begun"


@pytest.mark.parametrize("method", ["sp_sad", "lth_sad"])
def test_a_loss_that_is_no_number_names_epoch_setting_and_remedy(
    teacher: Path, out: Path, method: str
) -> None:
    wild = ("--method", method, "--set", "lr=1e9")
    line = complaint(edgeprune("compress", teacher, *DIGITS, "--out", out, *wild), 1)
    assert "in epoch 1 of stage" in line
    assert "lower the setting lr, for example to 0.05" in line
    assert not leftovers(out)


def test_weights_that_the_last_step_ruined_are_never_kept(teacher: Path, out: Path) -> None:
    wild = ("--set", "lr=.inf", "--set", "rewind=0.05")
    line = complaint(edgeprune("compress", teacher, *DIGITS, "--out", out, *wild), 1)
    assert "the weights stopped being numbers in epoch 1 of stage rewind" in line
    assert not (out / "state" / "rewind.done.pt").exists()


def test_a_teacher_that_is_not_there_leaves_no_folder(tmp_path: Path, out: Path) -> None:
    ended = edgeprune("compress", tmp_path / "nobody.pt", *DIGITS, "--out", out)
    assert "nobody.pt" in complaint(ended, 2)
    assert not out.exists()


def test_places_that_cannot_hold_a_run(teacher: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for place in (file, file / "below", tmp_path / ("x" * 300)):
        line = complaint(edgeprune("compress", teacher, *DIGITS, "--out", place), 2)
        assert "--out" in line
    assert file.read_bytes() == b""


def test_a_folder_in_use_and_a_folder_of_another_run(teacher: Path, out: Path) -> None:
    folder = RunFolder(out)
    folder.create()
    with folder.locked():
        line = complaint(edgeprune("compress", teacher, *DIGITS, "--out", out), 2)
        assert f"process {os.getpid()} is working on this run" in line
    wild = ("--method", "lth_sad", "--set", "rewind=0", "--set", "lr=1e9")
    edgeprune("compress", teacher, *DIGITS, "--out", out, *wild)
    folder.save("round-1", {"epoch": 1})
    line = complaint(edgeprune("compress", teacher, *DIGITS, "--out", out, *wild, "--seed", "7"), 2)
    assert "holds a run with seed = 0, asked is 7" in line


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\x80\x00"])
def test_a_damaged_run_folder(teacher: Path, out: Path, content: bytes) -> None:
    folder = RunFolder(out)
    folder.create()
    folder.save("round-1", {"epoch": 1})
    (folder.state / "identity.json").write_bytes(content)
    line = complaint(edgeprune("compress", teacher, *DIGITS, "--out", out), 2)
    assert str(out) in line


def test_an_accuracy_gate_missed(teacher: Path, out: Path) -> None:
    gate = ("--method", "sp_sad", "--min-accuracy", "99.9")
    for _ in range(2):  # a finished run is held to the gate again
        line = complaint(edgeprune("compress", teacher, *DIGITS, "--out", out, *gate), 3)
        assert "--min-accuracy asks 99.9 %" in line
        assert json.loads((out / "report.json").read_text())["student"]["metric"] < 99.9


_OTHERS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "train, unknown arch": (("train", "magic", "--data", "digits", "--out", "{}"), 2, "magic"),
    "train, unknown setting": (
        ("train", "wrn_10_1", "--data", "digits", "--out", "{}", "--set", "alpha=1"), 2, "alpha"),
    "train, setting of another type": (
        ("train", "wrn_10_1", "--data", "digits", "--out", "{}", "--set", "momentum=x"), 2,
        "momentum"),
    "train, rate that is no number": (
        ("train", "wrn_10_1", "--data", "digits", "--out", "{}", "--lr", "nan"), 2, "lr"),
    "train, rate out of this world": (
        ("train", "wrn_10_1", "--data", "digits", "--out", "{}", "--lr", "1e9", "--epochs", "1",
         "--batch-size", "32", "--set", "train_limit=128"), 1, "lower the setting lr"),
    "train, half precision on a CPU": (
        ("train", "wrn_10_1", "--data", "digits", "--out", "{}", "--device", "cpu", "--set",
         "precision=fp16"), 5, "fp16"),
    "inspect, nothing": (("inspect",), 2, "FILE"),
    "inspect, unknown arch": (("inspect", "--arch", "magic"), 2, "magic"),
    "inspect, image too large": (
        ("inspect", "--arch", "wrn_10_1", "--image-size", "1000000"), 2, "--image-size"),
    "prune, nothing": (("prune", "--out", "{}"), 2, "CHECKPOINT"),
    "prune, no target": (("prune", "--arch", "wrn_10_1", "--out", "{}"), 2, "target_params"),
    "prune, out of reach": (
        ("prune", "--arch", "wrn_10_1", "--target-params", "1e-4", "--out", "{}"), 4, "reachable"),
    "prune, floor without a number": (
        ("prune", "--arch", "wrn_10_1", "--pruning-ratio", "0.5", "--layer-floor", "conv1",
         "--out", "{}"), 2, "--layer-floor"),
    "prune, floor of nobody": (
        ("prune", "--arch", "wrn_10_1", "--pruning-ratio", "0.5", "--layer-floor", "no=0.5",
         "--out", "{}"), 2, "'no'"),
    "prune, out in nowhere": (
        ("prune", "--arch", "wrn_10_1", "--target-params", "0.5", "--out", "{}/no/p.pt"), 2,
        "--out"),
    "report, no run": (("report", "{}"), 2, "no such run"),
    "an unknown command": (("magic",), 2, "magic"),
}  # fmt: skip


@pytest.mark.parametrize("name", _OTHERS)
def test_other_commands(tmp_path: Path, name: str) -> None:
    arguments, code, named = _OTHERS[name]
    place = tmp_path / "result"
    ended = edgeprune(*(part.replace("{}", str(place)) for part in arguments))
    assert named in complaint(ended, code)
    assert not place.exists()
    assert not leftovers(tmp_path)


@pytest.mark.parametrize(
    ("absent", "arguments", "named"),
    [
        ("sklearn", ("train", "wrn_10_1", "--data", "digits", "--out", "{}"), "edgeprune[demo]"),
        ("torch", ("inspect", "--arch", "wrn_10_1"), "edgeprune doctor"),
        ("torchvision", ("inspect", "--arch", "resnet18"), "torchvision"),
    ],
)
def test_packages_that_are_missing(
    tmp_path: Path, absent: str, arguments: tuple[str, ...], named: str
) -> None:
    """In a process of its own: nothing may have been imported before."""
    given = [part.replace("{}", str(tmp_path / "t.pt")) for part in arguments]
    code = (
        f"import sys; sys.modules[{absent!r}] = None\n"
        f"from edgeprune.cli.main import run; run({given!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 5, done.stderr
    assert done.stderr.startswith("edgeprune: ")
    assert done.stderr.count("\n") == 1
    assert named in done.stderr


def test_as_a_process_of_its_own(teacher: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pt"
    cut.write_bytes(teacher.read_bytes()[:3000])
    out = ("--out", str(tmp_path / "run"))
    for arguments in (("compress", str(cut), *DIGITS, *out, "--json"), ("inspect", str(cut))):
        command = [sys.executable, "-m", "edgeprune", *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith(f"edgeprune: {cut}: cut off or damaged archive")
        assert done.stderr.count("\n") == 1
