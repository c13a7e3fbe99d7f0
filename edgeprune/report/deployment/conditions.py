"""How a machine stood before and after a measurement, for people."""

from __future__ import annotations

from edgeprune.device.bench.result import Benchmark

_NAMES = {
    "cpu": "processor",
    "cores": "cores",
    "governor": "CPU governor",
    "mhz": "CPU clocks, MHz",
    "gpu_mhz": "GPU clock, MHz",
    "gpu_governor": "GPU governor",
    "power_mode": "power mode",
    "fan_pwm": "fan, of 255",
    "hottest_c": "hottest, °C",
    "throttled": "core throttling events",
    "over_current": "over-current events",
    "alerts": "throttling",
    "load_average": "load",
    "preempted": "preemptions",
}


def condition_facts(found: Benchmark) -> list[tuple[str, str]]:
    """Name and value of all that the machine tells; `before → after` where it changed."""
    facts = []
    for name, words in _NAMES.items():
        before, after = (_text(getattr(look, name)) for look in (found.before, found.after))
        if before or after:
            changed = f"{before or '–'} → {after or '–'}"
            facts.append((words, before if before == after else changed))
    return facts


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " to ".join(map(str, dict.fromkeys(value)))
    return str(value)
