"""What the report says of the finishing stages."""

from __future__ import annotations

from typing import Any

import pytest

from edgeprune.errors import CorruptFileError
from edgeprune.report.html import render_run
from edgeprune.report.run_report import RunReport
from edgeprune.report.story_finish import tell_finish


def _extra(int8: float = 69.4, left: int = 2) -> dict[str, Any]:
    reasons = [{"layer": f"conv{n}", "reason": "reads the images"} for n in range(left)]
    top1 = {"float": 69.6, "int8": int8}
    return {
        "two_to_four": {"epochs": 1, "layers": ["a"], "left_out": reasons},
        "qat": {"epochs": 3, "layers": ["a", "b"], "val": top1, "test": top1},
    }


def test_a_run_without_stages_tells_nothing(make_report: Any) -> None:
    assert not list(tell_finish(make_report()))


def test_both_stages_are_told(make_report: Any) -> None:
    pattern, int8 = tell_finish(make_report(extra=_extra()))
    assert pattern[1].startswith("1 layer has the 2:4 pattern")
    assert "after 1 epoch with it" in pattern[1]
    assert "Left dense: 2; the first is conv0, which reads the images." in pattern[1]
    assert "3 epochs with fake quantisation of 2 layers" in int8[1]
    assert "69.40 % in simulated INT8 and 69.60 % in floating point" in int8[1]
    assert int8[2] == "good"


def test_a_costly_rounding_is_a_warning(make_report: Any) -> None:
    pattern, int8 = tell_finish(make_report(extra=_extra(int8=68.0, left=0)))
    assert "Left dense" not in pattern[1]
    assert int8[2] == "warning"


def test_the_page_has_a_tile_for_int8(make_report: Any) -> None:
    page = render_run(make_report(extra=_extra()), [], None)
    assert "Test top-1, INT8" in page
    assert "69.40" in page
    assert "INT8" not in render_run(make_report(), [], None)


def test_stages_come_back_from_json_and_are_checked(make_report: Any) -> None:
    report = make_report(extra=_extra())
    assert RunReport.from_json(report.to_json()).extra["qat"]["test"]["int8"] == 69.4
    broken = make_report(extra={"qat": {**_extra()["qat"], "test": {"float": 1.0}}})
    with pytest.raises(CorruptFileError, match=r"qat\.test\.int8"):
        RunReport.from_json(broken.to_json())
