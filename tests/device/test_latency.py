from __future__ import annotations

import gc
from collections.abc import Mapping

import numpy as np
import pytest

from edgeprune.device.errors import DeviceError
from edgeprune.device.latency import measure_interleaved, summarise_times
from edgeprune.device.runners.base import Runner

_FEED = {"input": np.zeros((1, 2), np.float32)}


class Recorder(Runner):
    """A runner in plain numpy that notes when it is called."""

    def __init__(self, name: str, calls: list[str]) -> None:
        super().__init__(name)
        self.calls = calls
        self.loads = 0

    def _load(self) -> None:
        self.loads += 1

    def _unload(self) -> None:
        pass

    def _infer(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.calls.append(self.name)
        return {"output": feed["input"] + 1}


def _record(seed: int, repeats: int = 40, warmup: int = 3) -> list[str]:
    calls: list[str] = []
    runners = {name: Recorder(name, calls) for name in "abc"}
    measure_interleaved(runners, _FEED, warmup=warmup, repeats=repeats, seed=seed)
    return calls


def test_every_repeat_times_every_runner_once_in_a_seeded_random_order() -> None:
    calls = _record(seed=1)
    assert calls[:9] == ["a", "b", "c"] * 3
    turns = [tuple(calls[start : start + 3]) for start in range(9, len(calls), 3)]
    assert len(turns) == 40
    assert all(sorted(turn) == ["a", "b", "c"] for turn in turns)
    assert len(set(turns)) == 6, "all orders of three occur in 40 shuffles"
    assert calls == _record(seed=1)
    assert calls != _record(seed=2)


def test_runners_are_left_as_they_were_found() -> None:
    calls: list[str] = []
    mine, fresh = Recorder("mine", calls), Recorder("fresh", calls)
    with mine:
        measure_interleaved({"mine": mine, "fresh": fresh}, _FEED, warmup=0, repeats=2)
        assert mine.active
        assert not fresh.active
    assert (mine.loads, fresh.loads) == (1, 1)


def test_results_count_their_repeats_and_are_ordered() -> None:
    runners = {name: Recorder(name, []) for name in ("z", "a")}
    found = measure_interleaved(runners, _FEED, warmup=0, repeats=7)
    assert list(found) == ["z", "a"]
    assert all(latency.repeats == 7 for latency in found.values())
    assert all(0 < latency.p50_ms <= latency.p99_ms for latency in found.values())


def test_summary_of_known_times() -> None:
    latency = summarise_times(np.arange(1.0, 102.0))
    assert (latency.p50_ms, latency.p99_ms, latency.mean_ms) == (51.0, 100.0, 51.0)
    assert latency.std_ms == pytest.approx(np.sqrt(101 * 102 / 12))
    assert summarise_times(np.array([4.0])).std_ms == 0.0


def test_collector_is_on_again_after_a_failure() -> None:
    class Failing(Recorder):
        def _infer(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            assert "input" in feed
            assert not gc.isenabled()
            raise DeviceError("the board caught fire")

    assert gc.isenabled()
    with pytest.raises(DeviceError, match="caught fire"):
        measure_interleaved({"f": Failing("f", [])}, _FEED, warmup=0, repeats=1)
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("count", "repeats", "warmup"), [(0, 1, 0), (1, 0, 0), (1, 1, -1)], ids=str
)
def test_nothing_to_measure_is_refused(count: int, repeats: int, warmup: int) -> None:
    runners = {str(number): Recorder("r", []) for number in range(count)}
    with pytest.raises(DeviceError):
        measure_interleaved(runners, _FEED, warmup=warmup, repeats=repeats)
