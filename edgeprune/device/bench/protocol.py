"""How long, how often and under which load models are timed."""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.device.errors import DeviceError


class BenchmarkSettingError(DeviceError):
    """A setting out of range, or one that does not suit a model; exit code 2."""

    exit_code = 2


LEAST_REPEATS = 3  # under which no interval says anything


@dataclass(frozen=True)
class Protocol:
    """Settings of a benchmark.

    Attributes:
        repeats: times that every model is loaded anew and timed; their spread is what is reported.
        seconds: timed time of every model in every repeat.
        slice_s: how long one model runs before the other has its turn.
        pause_s: between repeats, so that the device cools down.
        warmup_s: the most that warming up takes, before the first repeat.
        rate_hz: requests per second; None for one after the other as fast as they go.
        seed: of the order of the models.
        settle_s: untimed time of each model after it is loaded anew.
    """

    repeats: int = 7
    seconds: float = 1.0
    slice_s: float = 0.1
    pause_s: float = 0.0
    warmup_s: float = 10.0
    rate_hz: float | None = None
    seed: int = 0
    settle_s: float = 0.3

    def __post_init__(self) -> None:
        if self.repeats < LEAST_REPEATS:
            raise BenchmarkSettingError(f"--repeats {self.repeats}: use {LEAST_REPEATS} or more")
        if not (self.seconds > 0 and self.slice_s > 0 and self.warmup_s > 0):
            raise BenchmarkSettingError("seconds, slice and warm-up: use more than 0")
        if self.pause_s < 0:
            raise BenchmarkSettingError(f"--pause {self.pause_s}: use 0 or more seconds")
        if self.settle_s < 0:
            raise BenchmarkSettingError(f"settling {self.settle_s}: use 0 or more seconds")
        if self.rate_hz is not None and not self.rate_hz > 0:
            raise BenchmarkSettingError(
                f"--rate {self.rate_hz}: use more than 0 requests per second"
            )
