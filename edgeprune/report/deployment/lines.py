"""What a deploy found, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeprune.deploy.deployment import Deployment
from edgeprune.deploy.plain import from_plain
from edgeprune.device.bench.result import Benchmark


def benchmark_of(done: Deployment) -> Benchmark | None:
    """The benchmark as an object."""
    return None if done.bench is None else from_plain(Benchmark, done.bench)


def transfer_line(done: Deployment) -> str:
    """What was sent."""
    if not done.sent_bytes:
        return f"nothing sent: all {done.bundle_bytes / 1e6:.1f} MB were on the board"
    return f"{done.sent_bytes / 1e6:.1f} of {done.bundle_bytes / 1e6:.1f} MB sent"


def engine_lines(done: Deployment) -> list[str]:
    """What was built."""
    found = []
    for name, engine in done.build["engines"].items():
        how = (
            f"built in {engine['build_seconds']:.1f} s ({engine['built']})"
            if engine["built"]
            else "as it was"
        )
        found.append(f"{name}: engine of {engine['plan_bytes'] / 1e6:.1f} MB, {how}")
    return found


def verify_lines(done: Deployment) -> list[str]:
    """How well the board's outputs agree with the host's."""
    return [f"{name}: {_agreement(found)}" for name, found in done.verify.items()]


def _agreement(found: Mapping[str, Any]) -> str:
    samples = found["samples"]
    if found["snr_db"] is None:
        return f"outputs of {samples} samples equal to the last bit"
    text = (
        f"outputs of {samples} samples at most {found['max_abs_error']:.1e} from the host's "
        f"({found['snr_db']:.0f} dB)"
    )
    same = found["same_class_percent"]
    return text if same is None else f"{text}, {same:.0f} % of them the same class"


def speed_line(done: Deployment) -> str | None:
    """Whether pruning made it faster, with its interval; None where nothing was compared."""
    found = benchmark_of(done)
    if found is None or not found.ratios:
        return None
    name, ratio = next(iter(found.ratios.items()))
    first = found.models[0].name
    span = f"[{ratio.low:.3f}, {ratio.high:.3f}]"
    if not ratio.is_clear:
        return (
            f"{name} is not clearly faster or slower than {first}: {ratio.ratio:.3f} {span} of "
            "its latency"
        )
    way = "faster" if ratio.ratio < 1 else "slower"
    return f"{name} is {way} than {first}: {ratio.ratio:.3f} {span} of its latency"
