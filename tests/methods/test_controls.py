"""Controls may be asked for one after the other; the report keeps them all."""

from __future__ import annotations

from pathlib import Path

from edgeprune.pipeline import compress


def test_a_later_control_joins_the_earlier_ones(digits_teacher: Path, tmp_path: Path) -> None:
    names = []
    for controls in (["reinit"], ["ce"], ["reinit"]):
        report = compress(
            digits_teacher, "wrn_10_1", "digits", "sp_sad", out=tmp_path / "run", epochs=2,
            train_limit=128, batch_size=64, target_params=0.6, device="cpu", controls=controls,
        )  # fmt: skip
        names.append([control["name"] for control in report.controls])
        assert all(c["params"] == report.student["params"] for c in report.controls)
    assert names == [["reinit"], ["reinit", "ce"], ["reinit", "ce"]]
