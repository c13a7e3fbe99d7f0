"""A bundle's models in TensorRT or ONNX Runtime, within this process."""

from __future__ import annotations

import os
from typing import Collection, Mapping

import numpy as np

from edgeprune.device.agent.ready import Ready, make_ready
from edgeprune.device.agent.runtime import ONNXRUNTIME
from edgeprune.device.agent.workbench import Workbench
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.measure import measure
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bench.result import Benchmark
from edgeprune.device.bundle.agreement import Agreement
from edgeprune.device.bundle.array_agreement import compare_arrays
from edgeprune.device.bundle.arrays import read_array, reference_feed
from edgeprune.device.bundle.manifest import BundleModel
from edgeprune.device.onnx.file import read_onnx
from edgeprune.device.race.parts import as_profile
from edgeprune.device.race.race import ProfiledLayer
from edgeprune.device.runners.base import Runner
from edgeprune.device.runners.onnxruntime_profile import profile_race
from edgeprune.device.runners.tensorrt_profile import ProfilingTensorRtRunner, profile_layers
from edgeprune.device.tensorrt.engine_file import EngineFile


class RunnerBench(Workbench):
    """Models whose requests are function calls."""

    _ready: dict[str, Ready] | None = None

    def build(self) -> dict[str, EngineFile | None]:
        """Engines are built at the first call."""
        return {name: ready.engine for name, ready in self._models().items()}

    def verify(self) -> dict[str, Agreement]:
        """In batches of the request's size."""
        samples, found = self._samples(), {}
        for model in self.work.manifest.all_models:
            if model.reference is None:
                continue
            exact = read_array(self.work.bundle / model.reference)
            with self._models()[model.name].runner as runner:
                outputs = self._outputs(runner, samples)
            found[model.name] = compare_arrays(exact, outputs, model.precision)
        return found

    def bench(self, protocol: Protocol, energy: EnergyProtocol | None) -> Benchmark:
        """On the reference inputs, repeated to the request's size."""
        work = self.work
        names = [model.name for model in work.manifest.models]
        return measure(
            {name: self._models()[name].runner for name in names},
            dict.fromkeys(names, self._request()),
            protocol,
            runtime=work.label,
            threads=work.threads or len(os.sched_getaffinity(0)),
            energy=energy,
            processor="cpu" if self._on_cpu else "gpu",
            tell=work.events.step,
        )

    @property
    def profiler(self) -> str:
        """Whose times `profile` gives."""
        return "ONNX Runtime's profiler" if self._on_cpu else "TensorRT's IProfiler"

    def profile(self, model: BundleModel, raced: Collection[str]) -> tuple[ProfiledLayer, ...]:
        """On what `bench` measures with."""
        path, engine = self.work.bundle / model.onnx, self._models()[model.name].engine
        if engine is None:
            return profile_race(path, self._request(), raced, threads=self.work.threads)
        runner = ProfilingTensorRtRunner(engine.path, plugins=engine.plugins)
        found = profile_layers(runner, self._request(), onnx_file=path)
        times_ms = {layer.name: layer.p50_ms for layer in found}
        nodes = {layer.name: layer.nodes for layer in found}
        return as_profile(times_ms, nodes, read_onnx(path).nodes)

    @property
    def _on_cpu(self) -> bool:
        return self.work.runtime == ONNXRUNTIME

    def _request(self) -> dict[str, np.ndarray]:
        return {
            name: np.resize(values, (self.work.batch, *values.shape[1:]))
            for name, values in self._samples().items()
        }

    def _models(self) -> dict[str, Ready]:
        if self._ready is None:
            work = self.work
            self._ready = make_ready(
                work.bundle,
                work.manifest,
                work.manifest.all_models,
                work.runtime,
                work.batch,
                work.threads,
                work.events,
            )
        return self._ready

    def _samples(self) -> dict[str, np.ndarray]:
        return reference_feed(self.work.bundle, self.work.manifest)

    def _outputs(self, runner: Runner, samples: Mapping[str, np.ndarray]) -> np.ndarray:
        batch, count = self.work.batch, len(samples[self.work.manifest.input.name])
        parts = [
            next(iter(runner.infer({n: v[at : at + batch] for n, v in samples.items()}).values()))
            for at in range(0, count, batch)
        ]
        return np.concatenate(parts)
