"""A bundle's model as a function, with the preprocessing that belongs to it."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Mapping

import numpy as np

from edgeprune.device.bundle.manifest import Manifest
from edgeprune.device.bundle.preprocess import prepare_all
from edgeprune.device.runners.base import Runner


class DeployedModel:
    """A model that is ready to run; use it in a with statement, or `close` it.

    Args:
        runner: of the model, not active.
        manifest: of its bundle.
        batch: most samples of one inference; larger inputs are run in parts.
    """

    def __init__(self, runner: Runner, manifest: Manifest, batch: int) -> None:
        self.classes = manifest.classes
        self.input = manifest.input
        self.inputs = manifest.inputs
        self._runner = runner
        self._batch = batch
        runner.activate()

    def __call__(self, samples: np.ndarray | Mapping[str, np.ndarray]) -> np.ndarray:
        """Outputs of shape (samples, ...) for uint8 images or what else it takes, see `prepare`.

        Args:
            samples: by name of the input where the model takes several, such as ids and numbers.

        Raises:
            BundleError: samples of another type or shape.
            UnknownIdError: ids that the model's tables lack.
            DeviceError: the runtime fails.
        """
        named = samples if isinstance(samples, Mapping) else {self.input.name: samples}
        ready = prepare_all(named, self.inputs)
        parts = [
            self._one(self._runner.infer({n: v[at : at + self._batch] for n, v in ready.items()}))
            for at in range(0, len(ready[self.input.name]), self._batch)
        ]
        return np.concatenate(parts)

    def close(self) -> None:
        """Release the model."""
        self._runner.deactivate()

    def __enter__(self) -> DeployedModel:
        """Nothing more to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the model, whatever happened."""
        self.close()

    @staticmethod
    def _one(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        return next(iter(outputs.values()))


def load(
    bundle: str | os.PathLike[str],
    model: str = "student",
    runtime: str = "auto",
    batch: int = 1,
) -> DeployedModel:
    """Make a bundle's model ready; its engine is built now where there is none yet.

    Args:
        bundle: folder that `edgeprune deploy` made.
        model: `student` or `dense`.
        runtime: `auto` and `tensorrt` run an engine, `onnxruntime` the graph on the CPU.
        batch: that the engine is tuned for.

    Raises:
        BundleError: the bundle is damaged, or has no such model.
        DeviceUnsupportedError: the runtime is not here.
    """
    # The agent's rooms stand above this one; they are only needed here to build.
    from edgeprune.device.agent.ready import open_model

    return open_model(Path(bundle), model, runtime, batch)
