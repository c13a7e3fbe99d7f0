"""Times models in turns, again and again, each time loaded anew."""

from __future__ import annotations

import contextlib
import random
import time
from typing import Callable, Iterator, Mapping, NamedTuple, Sequence

import numpy as np

from edgeprune.device.bench.conditions import look
from edgeprune.device.bench.energy import measure_energy
from edgeprune.device.bench.energy_phase import Subjects
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.energy_result import NOT_ASKED
from edgeprune.device.bench.load import Slice, as_fast_as_possible, at_a_rate
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bench.result import Benchmark, ModelTimes
from edgeprune.device.bench.sensor_check import check_sensor
from edgeprune.device.bench.spread import paired_ratio
from edgeprune.device.bench.steady import WarmUp, warm_up
from edgeprune.device.bench.warnings import warnings_of
from edgeprune.device.errors import DeviceError
from edgeprune.device.latency import without_collector
from edgeprune.device.runners.base import Runner

Feed = Mapping[str, np.ndarray]
_EASY, _MOST_HZ = 0.5, 500.0
_ALONE = 20  # inferences of a repeat that are timed on the accelerator alone


class Repeat(NamedTuple):
    """One repeat.

    Attributes:
        turns: by model.
        device_ms: times on the accelerator alone, by model; none where it does not tell.
    """

    turns: Mapping[str, Sequence[Slice]]
    device_ms: Mapping[str, Sequence[float]]


def say_nothing(_: str) -> None:
    """For who is not interested in the steps."""


def measure(
    runners: Mapping[str, Runner],
    feeds: Mapping[str, Feed],
    protocol: Protocol,
    *,
    runtime: str,
    threads: int,
    energy: EnergyProtocol | None = None,
    processor: str | None = None,
    tell: Callable[[str], None] = say_nothing,
) -> Benchmark:
    """Benchmark models against the first of them.

    A repeat loads every model anew, since where a model comes to lie in memory is part of what two
    runs differ by, and gives them turns in random order, so that a slow spell meets all.

    Args:
        runners: by name; none active.
        feeds: inputs of each, batch on axis 0, all of one batch size.
        protocol: how long, how often, under which load.
        runtime: name and version, for the record.
        threads: of the runtime, for the record.
        energy: how to measure joules too, after the latency; None for not at all.
        processor: `cpu` or `gpu`, what runs the models, for the sensor of their energy.
        tell: gets a line about each step.

    Raises:
        DeviceError: no models, or one that fails.
        SensorError: energy is asked for, and no sensor answers; said before anything is timed.
    """
    if not runners:
        raise DeviceError("nothing to benchmark: no models are given")
    if energy is not None:
        check_sensor(energy, processor)
    before, started = look(), time.monotonic()
    tell("warming up")
    warm = _warm(runners, feeds, protocol.warmup_s)
    order = random.Random(protocol.seed)
    repeats, during = [], []
    for number in range(protocol.repeats):
        tell(f"repeat {number + 1} of {protocol.repeats}")
        if number:
            time.sleep(protocol.pause_s)
        repeats.append(_repeat(runners, feeds, protocol, order))
        during.append(look(brief=True))
    batch = next(len(value) for value in next(iter(feeds.values())).values())
    models = tuple(_times(name, repeats, batch) for name in runners)
    cost = NOT_ASKED
    if energy is not None:
        rate_hz = energy.rate_hz or protocol.rate_hz or _easy_rate_hz(models)
        with _loaded(runners, feeds) as requests:
            subjects = Subjects(requests, batch, processor, rate_hz, before.hottest_c)
            cost, looks = measure_energy(subjects, energy, tell)
        during += looks
    after, seconds = look(), time.monotonic() - started
    medians = {model.name: model.repeats_p50_ms for model in models}
    return Benchmark(
        models=models,
        ratios={
            model.name: paired_ratio(model.repeats_p50_ms, models[0].repeats_p50_ms)
            for model in models[1:]
        },
        batch=batch,
        runtime=runtime,
        threads=threads,
        protocol=protocol,
        warm_up=warm,
        before=before,
        after=after,
        warnings=tuple(warnings_of(before, after, warm, medians, seconds, during)),
        energy=cost.models,
        energy_reason=cost.reason,
        energy_run=cost.run,
    )


def _warm(runners: Mapping[str, Runner], feeds: Mapping[str, Feed], most_s: float) -> WarmUp:
    with _loaded(runners, feeds) as requests:
        return warm_up(list(requests.values()), most_s)


@contextlib.contextmanager
def _loaded(
    runners: Mapping[str, Runner], feeds: Mapping[str, Feed]
) -> Iterator[Mapping[str, Callable[[], object]]]:
    """A request of each model, while all of them are loaded."""
    with contextlib.ExitStack() as stack:
        for runner in runners.values():
            stack.enter_context(runner)
        yield {name: _request(runners[name], feeds[name]) for name in runners}


def _easy_rate_hz(models: Sequence[ModelTimes]) -> float:
    """Half of what the slowest model can keep up with, where waiting is still sleeping."""
    return min(_EASY / (max(model.p90_ms for model in models) / 1000), _MOST_HZ)


def _repeat(
    runners: Mapping[str, Runner],
    feeds: Mapping[str, Feed],
    protocol: Protocol,
    order: random.Random,
) -> Repeat:
    names = list(runners)
    order.shuffle(names)
    turns: dict[str, list[Slice]] = {name: [] for name in names}
    rounds = max(1, round(protocol.seconds / protocol.slice_s))
    with _loaded({name: runners[name] for name in names}, feeds) as requests:
        for name in names:
            as_fast_as_possible(requests[name], protocol.settle_s)
        with without_collector():
            for _ in range(rounds):
                order.shuffle(names)
                for name in names:
                    turns[name].append(_turn(requests[name], protocol))
        alone = {name: _on_device(runners[name], feeds[name]) for name in names}
    return Repeat(turns, alone)


def _on_device(runner: Runner, feed: Feed) -> list[float]:
    times = (runner.device_ms(feed) for _ in range(_ALONE))
    return [each for each in times if each is not None]


def _turn(request: Callable[[], object], protocol: Protocol) -> Slice:
    if protocol.rate_hz is None:
        return as_fast_as_possible(request, protocol.slice_s)
    return at_a_rate(request, protocol.slice_s, protocol.rate_hz)


def _request(runner: Runner, feed: Feed) -> Callable[[], object]:
    return lambda: runner.infer(feed)


def _times(name: str, repeats: Sequence[Repeat], batch: int) -> ModelTimes:
    medians = tuple(
        float(np.median(np.concatenate([turn.latency_ms for turn in repeat.turns[name]])))
        for repeat in repeats
    )
    every = [turn for repeat in repeats for turn in repeat.turns[name]]
    alone = [each for repeat in repeats for each in repeat.device_ms[name]]
    latency = np.concatenate([turn.latency_ms for turn in every])
    p50, p90, p99 = (float(np.percentile(latency, share)) for share in (50, 90, 99))
    return ModelTimes(
        name=name,
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        repeats_p50_ms=medians,
        spread_ms=max(medians) - min(medians),
        throughput_hz=batch * len(latency) / sum(turn.busy_s for turn in every),
        requests=len(latency),
        late=sum(turn.late for turn in every) / len(latency),
        device_p50_ms=float(np.median(alone)) if alone else None,
    )
