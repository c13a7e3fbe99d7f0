"""All of the doctor's questions, and what the answers mean together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgeprune.report.doctor.finding import Finding
from edgeprune.report.doctor.hardware import examine_hardware
from edgeprune.report.doctor.packages import examine_core, examine_extras
from edgeprune.report.doctor.sensors import examine_sensors
from edgeprune.report.doctor.tools import examine_tools


def examine() -> list[Finding]:
    """Every finding, core first."""
    return [
        *examine_core(),
        *examine_hardware(),
        *examine_extras(),
        *examine_tools(),
        *examine_sensors(),
    ]


def missing_core(findings: Sequence[Finding]) -> list[Finding]:
    """What keeps edgeprune from working."""
    return [
        finding for finding in findings if finding.area == "core" and finding.status == "missing"
    ]


def as_dict(findings: Sequence[Finding]) -> dict[str, Any]:
    """For JSON: `ok`, and the findings."""
    return {
        "ok": not missing_core(findings),
        "findings": [asdict(finding) for finding in findings],
    }
