"""One run of the energy protocol: idle, the models in turns under two loads, idle again."""

from __future__ import annotations

import itertools
import time
from typing import Callable, Mapping, NamedTuple

from edgeprune.device.bench.conditions import Conditions, hottest_c, look
from edgeprune.device.bench.cooling import CoolDown, cool_down
from edgeprune.device.bench.energy_load import count_requests
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.energy_result import FASTEST, LOADS, Idle
from edgeprune.device.bench.energy_summary import Turn
from edgeprune.device.bench.steady import warm_up
from edgeprune.device.bench.warnings import cpu_clock_moved, gpu_clock_moved
from edgeprune.device.latency import without_collector
from edgeprune.device.power import PowerResult, Recorder
from edgeprune.device.root import system_root

_IDLE_APART = 0.05


class VoidError(Exception):
    """Why a run says nothing."""


class Subjects(NamedTuple):
    """What is measured.

    Attributes:
        requests: one request of each model by name, waited for; the models are loaded.
        batch: samples of a request.
        processor: `cpu` or `gpu`, what runs them; None for both.
        rate_hz: requests per second of the second load.
        start_c: the temperature to cool down to; None where nothing tells it.
    """

    requests: Mapping[str, Callable[[], object]]
    batch: int
    processor: str | None
    rate_hz: float
    start_c: float | None


class EnergyPhase:
    """One run, and what was seen on the way.

    Args:
        subjects: the models.
        protocol: how long and how often.
        recorder: of the sensor, running.
        tell: gets a line about each step.

    Attributes:
        idle: the baseline as far as it is known.
        readings_hz: of the sensor.
        notes: what speaks against the figures without voiding them.
        looks: at the machine, after each turn at full speed.
    """

    def __init__(
        self,
        subjects: Subjects,
        protocol: EnergyProtocol,
        recorder: Recorder,
        tell: Callable[[str], None],
    ) -> None:
        self.subjects = subjects
        self.protocol = protocol
        self.recorder = recorder
        self.idle: Idle | None = None
        self.readings_hz = 0.0
        self.notes = protocol.shortcomings()
        self.looks: list[Conditions] = []
        self._tell = tell
        self._moved: set[str] = set()

    def run(self) -> tuple[dict[tuple[str, str], list[Turn]], Idle]:
        """Turns by load and model, and the baseline.

        Raises:
            VoidError: the run says nothing.
        """
        before_w, before_c = self._baseline("before")
        self.idle = Idle(before_w, None, before_c, None)
        at_idle = look(brief=True)
        self._warm_up()
        turns: dict[tuple[str, str], list[Turn]] = {}
        for repeat in range(self.protocol.repeats):
            if repeat:
                self._cool(self.protocol.pause_s)
            words = f"repeat {repeat + 1} of {self.protocol.repeats}"
            with without_collector():
                for load, name in itertools.product(LOADS, self.subjects.requests):
                    self._tell(f"energy: {name}, {self._words(load)}, {words}")
                    turns.setdefault((load, name), []).append(self._turn(name, load))
                    if load == FASTEST:
                        self._look(at_idle)
        after_w, after_c = self._baseline("after")
        self.idle = Idle(before_w, after_w, before_c, after_c)
        if self.idle.apart > _IDLE_APART:
            raise VoidError(
                f"the idle device drew {before_w:.4g} W before and {after_w:.4g} W after, "
                f"{self.idle.apart:.1%} apart; {_IDLE_APART:.0%} are the most: end other work, "
                "cool it better, or fix the clocks"
            )
        return turns, self.idle

    def _baseline(self, when: str) -> tuple[float, float | None]:
        """Idle power in watts, and the temperature."""
        self._tell(f"energy: cooling down, then {self.protocol.idle_s:g} s idle")
        cooled = self._cool(self.protocol.cool_s)
        if cooled.reached is False:
            self.notes.append(
                f"{when} the loads the device stayed at {cooled.now_c:.1f} °C for "
                f"{cooled.seconds:.0f} s, more than {self.protocol.within_c:g} °C above its start"
            )
        if cooled.reached is None:
            self.notes.append("nothing tells the temperature: cooling down was not waited for")
        start_s = time.monotonic()
        time.sleep(self.protocol.idle_s)
        found = self._window(start_s, time.monotonic(), f"the idle baseline {when}")
        assert found.mean_w is not None
        return found.mean_w, cooled.now_c

    def _warm_up(self) -> None:
        warm = warm_up(list(self.subjects.requests.values()), self.protocol.warmup_s)
        if not warm.settled:
            self.notes.append(
                f"the latency did not stand still after {warm.seconds:.0f} s of warming up"
            )

    def _turn(self, name: str, load: str) -> Turn:
        rate_hz = None if load == FASTEST else self.subjects.rate_hz
        counted = count_requests(self.subjects.requests[name], self.protocol.window_s, rate_hz)
        found = self._window(counted.start_s, counted.end_s, f"{name}, {self._words(load)}")
        assert found.energy_j is not None
        assert found.peak_w is not None
        return Turn(counted, found.energy_j, found.peak_w)

    def _window(self, start_s: float, end_s: float, what: str) -> PowerResult:
        found = self.recorder.result(start_s, end_s)
        if found.energy_j is None:
            raise VoidError(f"{what}: {found.reason}")
        self.readings_hz = found.rate_hz
        self.notes += [note for note in found.notes if note not in self.recorder.sensor.notes]
        return found

    def _cool(self, most_s: float) -> CoolDown:
        return cool_down(
            lambda: hottest_c(system_root()), self.subjects.start_c, self.protocol.within_c, most_s
        )

    def _look(self, at_idle: Conditions) -> None:
        self.looks.append(look(brief=True))
        for whose, moved in (("CPU", cpu_clock_moved), ("GPU", gpu_clock_moved)):
            clocks = moved(at_idle, self.looks[-1])
            if clocks and whose not in self._moved:
                self._moved.add(whose)
                self.notes.append(
                    f"the {whose}'s clock was {clocks[0]} MHz idle and {clocks[1]} MHz under load: "
                    "the idle baseline is of another clock; fix it (jetson_clocks on a board)"
                )

    def _words(self, load: str) -> str:
        return "as fast as it goes" if load == FASTEST else f"{self.subjects.rate_hz:.4g} a second"
