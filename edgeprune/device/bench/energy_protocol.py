"""How the energy of an inference is measured."""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.device.bench.protocol import BenchmarkSettingError

# What figures to publish need at least.
PUBLISH_WINDOW_S, PUBLISH_IDLE_S, PUBLISH_REPEATS = 60.0, 30.0, 5
_LEAST_REPEATS = 2  # under which there is no spread


@dataclass(frozen=True)
class EnergyProtocol:
    """Settings of the energy phase; the defaults are those for figures to publish.

    Attributes:
        sensor: `auto` or one of `edgeprune.device.power.SENSORS`.
        interval_ms: between two readings.
        window_s: of a model under a load, each time.
        repeats: times that every model runs under every load, in turns.
        idle_s: of the baseline, before and after.
        rate_hz: of the second load; None for half of what the slowest model can do,
            500 at most.
        pause_s: the most that cooling down takes between repeats.
        cool_s: the most that it takes before a baseline.
        within_c: of the start's temperature, when it has cooled down.
        warmup_s: the most that warming up takes, after the first baseline.
    """

    sensor: str = "auto"
    interval_ms: float = 100.0
    window_s: float = PUBLISH_WINDOW_S
    repeats: int = PUBLISH_REPEATS
    idle_s: float = PUBLISH_IDLE_S
    rate_hz: float | None = None
    pause_s: float = 30.0
    cool_s: float = 300.0
    within_c: float = 2.0
    warmup_s: float = 10.0

    def __post_init__(self) -> None:
        if self.repeats < _LEAST_REPEATS:
            raise BenchmarkSettingError(
                f"--energy-repeats {self.repeats}: use {_LEAST_REPEATS} or more"
            )
        if not (self.window_s > 0 and self.idle_s > 0 and self.warmup_s > 0):
            raise BenchmarkSettingError(
                f"--energy-seconds {self.window_s:g}, --idle {self.idle_s:g}: use more than 0"
            )
        if min(self.pause_s, self.cool_s, self.within_c) < 0:
            raise BenchmarkSettingError("cooling down: use 0 or more seconds and degrees")
        if self.rate_hz is not None and not self.rate_hz > 0:
            raise BenchmarkSettingError(
                f"--energy-rate {self.rate_hz:g}: use more than 0 requests per second"
            )

    def shortcomings(self) -> list[str]:
        """What keeps its figures from being published, one line each."""
        wanted = (
            ("windows of", self.window_s, PUBLISH_WINDOW_S),
            ("an idle baseline of", self.idle_s, PUBLISH_IDLE_S),
        )
        found = [
            f"{what} {seconds:g} s; figures to publish need {least:g} s"
            for what, seconds, least in wanted
            if seconds < least
        ]
        if self.repeats < PUBLISH_REPEATS:
            found.append(f"{self.repeats} repeats; figures to publish need {PUBLISH_REPEATS}")
        return found
