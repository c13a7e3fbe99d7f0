"""A bundle's models in TensorRT or ONNX Runtime, within this process."""

from __future__ import annotations

import os
from typing import Mapping

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
from edgeprune.device.runners.base import Runner
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
        for name, ready in self._models().items():
            model = self.work.manifest.model(name)
            if model.reference is None:
                continue
            exact = read_array(self.work.bundle / model.reference)
            with ready.runner as runner:
                outputs = self._outputs(runner, samples)
            found[name] = compare_arrays(exact, outputs, model.precision)
        return found

    def bench(self, protocol: Protocol, energy: EnergyProtocol | None) -> Benchmark:
        """On the reference inputs, repeated to the request's size."""
        work, samples = self.work, self._samples()
        feed = {
            name: np.resize(values, (work.batch, *values.shape[1:]))
            for name, values in samples.items()
        }
        models = self._models()
        return measure(
            {name: ready.runner for name, ready in models.items()},
            dict.fromkeys(models, feed),
            protocol,
            runtime=work.label,
            threads=work.threads or len(os.sched_getaffinity(0)),
            energy=energy,
            processor="cpu" if work.runtime == ONNXRUNTIME else "gpu",
            tell=work.events.step,
        )

    def _models(self) -> dict[str, Ready]:
        if self._ready is None:
            work = self.work
            self._ready = make_ready(
                work.bundle,
                work.manifest,
                work.manifest.models,
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
