"""Power sensors that answer a read, not just exist: those that `edgeprune power` measures with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgeprune.device.power import Answer, survey
from edgeprune.report.doctor.finding import Finding

_LABELS = {"ina": "INA", "tegrastats": "tegrastats", "nvml": "NVML", "rapl": "RAPL"}
_REMEDIES = {
    "ina": "these are on Jetson boards; there, run as root",
    "tegrastats": "comes with JetPack; run as root",
    "nvml": "check nvidia-smi; boards have INA monitors instead",
    "rapl": "without it, CPU energy is reported as null",
}


def examine_sensors(root: Path | None = None) -> Iterator[Finding]:
    """INA monitors and tegrastats of boards, NVML of GPUs, RAPL of x86 processors.

    Args:
        root: where `sys` hangs; None for this machine's.
    """
    for answer in survey(root):
        yield _finding(answer)


def _finding(answer: Answer) -> Finding:
    label = _LABELS[answer.sensor]
    if not answer.answers:
        return Finding("sensors", label, "missing", answer.reason, _REMEDIES[answer.sensor])
    rails = ", ".join(answer.rails)
    if answer.scope is None:
        return Finding("sensors", label, "limited", f"{rails} · {answer.reason}",
                       "its rails are measured one by one")  # fmt: skip
    return Finding("sensors", label, "ok", f"{rails} · total: {answer.scope}")
