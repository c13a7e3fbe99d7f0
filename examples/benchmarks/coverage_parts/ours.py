"""edgeprune on one model: `python -m coverage_parts.ours NAME` prints a line of JSON."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from typing import Any

import torch
from torch import nn

import edgeprune
from coverage_parts.subjects import RATIO, ROUND_TO, fault, peak_memory_mib, size, subject
from edgeprune.errors import EdgepruneError


def run(name: str) -> dict[str, Any]:
    """Prune, look at the result, tell everything."""
    first_use_s = _use_once()
    model, example = subject(name)
    before = size(model, example)
    base = peak_memory_mib()
    started = time.perf_counter()
    try:
        report = edgeprune.prune_model(model, example, pruning_ratio=RATIO, round_to=ROUND_TO)
    except EdgepruneError as failure:
        return {"pruned": False, "why": str(failure), "before": before}
    total = time.perf_counter() - started
    after = size(model, example)
    proof = report.equivalence
    return {
        "pruned": True,
        "why": "",
        "before": before,
        "after": after,
        "groups": len(report.groups),
        "exact_groups": proof.groups,
        "inexact_groups": len(proof.inexact_groups),
        "max_rel_error": proof.max_rel_error,
        "dtype": proof.dtype,
        "seconds": {**report.seconds, "total": total, "first_use": first_use_s},
        "peak_mib": peak_memory_mib(),
        "peak_mib_before": base,
        "kept": _kept(report.skipped),
        "fault": fault(model, example),
    }


def _use_once() -> float:
    """What torch.export loads when it is first used counts as importing, as with the peer."""
    tiny = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    started = time.perf_counter()
    edgeprune.prune_model(tiny, torch.randn(1, 4), pruning_ratio=RATIO)
    return time.perf_counter() - started


def _kept(skipped: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Reasons and how many layers each keeps; the place inside a reason is one of many."""
    reasons = Counter(_without_place(entry.reason) for entry in skipped)
    first = {_without_place(entry.reason): entry.layer for entry in reversed(skipped)}
    return [{"reason": r, "layers": n, "first": first[r]} for r, n in reasons.most_common()]


def _without_place(reason: str) -> str:
    return re.sub(r" in '[^']*'", "", reason)


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1])))
