"""A bundle's models in trtexec, where Python has no TensorRT or no numpy."""

from __future__ import annotations

import random
import tempfile
import time
from array import array
from functools import cached_property
from pathlib import Path
from typing import Collection, Mapping, Sequence

from edgeprune.device.agent.engine_cache import make_room
from edgeprune.device.agent.engines import engine_settings, ensure_bundle_engine, find_builder
from edgeprune.device.agent.runtime import TRTEXEC
from edgeprune.device.agent.workbench import Workbench
from edgeprune.device.bench.conditions import look
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.percentile import percentile
from edgeprune.device.bench.protocol import BenchmarkSettingError, Protocol
from edgeprune.device.bench.result import Benchmark, ModelTimes
from edgeprune.device.bench.spread import paired_ratio
from edgeprune.device.bench.steady import ALIKE, WarmUp, is_steady
from edgeprune.device.bench.warnings import warnings_of
from edgeprune.device.bundle.agreement import Agreement, compare
from edgeprune.device.bundle.manifest import BundleModel
from edgeprune.device.bundle.plain_arrays import PlainArray, prepare_plain, read_npy
from edgeprune.device.race.race import ProfiledLayer
from edgeprune.device.tensorrt.engine_file import EngineFile
from edgeprune.device.tensorrt.trtexec import Trtexec
from edgeprune.device.tensorrt.trtexec_profile import profile_engine
from edgeprune.device.tensorrt.trtexec_run import TrtexecEngine, TrtexecRun

_VERIFIED = 8  # samples, which every engine takes at once
_VERIFY_S = 0.1
_PROFILE_S = 1.0
_INT64_SINCE = (10, 0)  # TensorRT


class TrtexecBench(Workbench):
    """Models whose requests trtexec makes; each turn is a process of its own."""

    no_energy = "trtexec runs the models: energy needs TensorRT's Python module and numpy"
    _engines: dict[str, EngineFile] | None = None

    def build(self) -> dict[str, EngineFile | None]:
        """Engines are built at the first call."""
        return dict(self._built())

    def verify(self) -> dict[str, Agreement]:
        """The first samples, in one batch."""
        work, found = self.work, {}
        inputs = self._references()
        count = min([_VERIFIED, *(values.shape[0] for values in inputs.values())])
        with tempfile.TemporaryDirectory(prefix="edgeprune-feed-") as folder:
            feed = self._written(Path(folder), inputs, count)
            for model in work.manifest.all_models:
                if model.reference is not None:
                    found[model.name] = self._agreement(model, count, feed)
        return found

    def bench(self, protocol: Protocol, energy: EnergyProtocol | None) -> Benchmark:
        """In turns, in a new random order every repeat.

        On trtexec's own random inputs, but for ids: those of the reference samples.
        """
        with tempfile.TemporaryDirectory(prefix="edgeprune-feed-") as folder:
            return self._timed(protocol, self._needed(Path(folder)))

    @property
    def profiler(self) -> str:
        """Whose times `profile` gives."""
        return "trtexec --exportProfile"

    def profile(self, model: BundleModel, raced: Collection[str]) -> tuple[ProfiledLayer, ...]:
        """On the inputs that `bench` takes."""
        with tempfile.TemporaryDirectory(prefix="edgeprune-feed-") as folder:
            engine = self._engine(model.name, self.work.batch)
            onnx_file = self.work.bundle / model.onnx
            return profile_engine(engine, onnx_file, _PROFILE_S, self._needed(Path(folder)))

    def _needed(self, folder: Path) -> dict[str, Path] | None:
        """Files of inputs that may not be random."""
        if all(given.dtype != "int64" for given in self.work.manifest.inputs):
            return None
        return self._written(folder, self._references(), self.work.batch)

    def _timed(self, protocol: Protocol, feed: Mapping[str, Path] | None) -> Benchmark:
        if protocol.rate_hz is not None:
            raise BenchmarkSettingError("--rate: trtexec has no fixed rate; leave it out")
        work, order = self.work, random.Random(protocol.seed)
        before, started = look(), time.monotonic()
        runs: dict[str, list[TrtexecRun]] = {model.name: [] for model in work.manifest.models}
        names = list(runs)
        work.events.step("warming up")
        warm = self._warm(names, protocol.warmup_s, feed)
        for number in range(protocol.repeats):
            work.events.step(f"repeat {number + 1} of {protocol.repeats}")
            if number:
                time.sleep(protocol.pause_s)
            order.shuffle(names)
            for name in names:
                runs[name].append(self._engine(name, work.batch).run(protocol.seconds, feed))
        models = tuple(_times(name, turns, work.batch) for name, turns in runs.items())
        medians = {model.name: model.repeats_p50_ms for model in models}
        after = look()
        return Benchmark(
            models=models,
            ratios={
                model.name: paired_ratio(model.repeats_p50_ms, models[0].repeats_p50_ms)
                for model in models[1:]
            },
            batch=work.batch,
            runtime=work.label,
            threads=1,
            protocol=protocol,
            warm_up=warm,
            before=before,
            after=after,
            warnings=tuple(warnings_of(before, after, warm, medians, time.monotonic() - started)),
            energy_reason=self.no_energy,
        )

    def _built(self) -> dict[str, EngineFile]:
        if self._engines is None:
            work = self.work
            make_room()
            settings = engine_settings(work.bundle, work.manifest, work.batch, work.events)
            self._engines = {
                model.name: ensure_bundle_engine(
                    work.bundle, work.manifest, model, self._program, settings, work.events
                )
                for model in work.manifest.all_models
            }
        return self._engines

    def _warm(self, names: Sequence[str], most_s: float, feed: Mapping[str, Path] | None) -> WarmUp:
        """In turns, as many as tell whether the latency stands still."""
        each_s = most_s / (ALIKE * len(names))
        started = time.monotonic()
        medians = [
            [_median_ms(self._engine(name, self.work.batch).run(each_s, feed)) for name in names]
            for _ in range(ALIKE)
        ]
        return WarmUp(time.monotonic() - started, is_steady(medians))

    @cached_property
    def _program(self) -> Trtexec:
        found = find_builder(TRTEXEC)
        assert isinstance(found, Trtexec)
        return found

    def _engine(self, name: str, batch: int) -> TrtexecEngine:
        inputs, engine = self.work.manifest.inputs, self._built()[name]
        return TrtexecEngine(
            self._program,
            Path(engine.path),
            {given.name: (batch, *given.shape) for given in inputs},
            engine.plugins,
        )

    def _references(self) -> dict[str, PlainArray]:
        work = self.work
        return {name: read_npy(work.bundle / f) for name, f in work.manifest.references.items()}

    def _written(
        self, folder: Path, inputs: Mapping[str, PlainArray], count: int
    ) -> dict[str, Path]:
        """A file of raw values for each input, its samples again from the first where too few."""
        feed = {}
        for given in self.work.manifest.inputs:
            values, ready = inputs[given.name], bytearray()
            for number in range(count):
                sample = prepare_plain(values.sample(number % values.shape[0]), given)
                # TensorRT 8 has no 64-bit integers; its parser takes ids for 32-bit ones.
                short = sample.typecode == "q" and self._program.release < _INT64_SINCE
                ready += (array("i", map(int, sample)) if short else sample).tobytes()
            feed[given.name] = folder / f"{given.name}.bin"
            feed[given.name].write_bytes(bytes(ready))
        return feed

    def _agreement(self, model: BundleModel, count: int, feed: Mapping[str, Path]) -> Agreement:
        assert model.reference is not None
        exact = read_npy(self.work.bundle / model.reference)
        engine = self._engine(model.name, count)
        ran = engine.run(_VERIFY_S, feed)
        flat = ran.outputs[min(ran.outputs)] if ran.outputs else ()  # output, or output_0
        size = max(1, len(flat) // count)
        outputs = [flat[at : at + size] for at in range(0, len(flat), size)]
        return compare([exact.sample(number) for number in range(count)], outputs, model.precision)


def _median_ms(turn: TrtexecRun) -> float:
    return percentile(sorted(turn.latency_ms), 50)


def _times(name: str, turns: list[TrtexecRun], batch: int) -> ModelTimes:
    medians = tuple(map(_median_ms, turns))
    ordered = sorted(value for turn in turns for value in turn.latency_ms)
    return ModelTimes(
        name=name,
        p50_ms=percentile(ordered, 50),
        p90_ms=percentile(ordered, 90),
        p99_ms=percentile(ordered, 99),
        repeats_p50_ms=medians,
        spread_ms=max(medians) - min(medians),
        throughput_hz=batch * len(ordered) / (sum(ordered) / 1e3),
        requests=len(ordered),
        late=0.0,
        device_p50_ms=percentile(sorted(ms for turn in turns for ms in turn.compute_ms), 50),
    )
