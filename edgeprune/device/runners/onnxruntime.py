"""ONNX Runtime on the CPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.runners.base import Runner
from edgeprune.device.runners.onnxruntime_sparse import SparseModel, sparse_model

_PROVIDERS = ("CPUExecutionProvider",)
_ERRORS_ONLY = 3  # ONNX Runtime's severity; its warnings are about graphs the user did not write


class OnnxRuntimeRunner(Runner):
    """An ONNX file in ONNX Runtime, whose threads rest between runs.

    Sparse convolutions run in our own kernel, see `onnxruntime_sparse`.

    Args:
        path: the `.onnx` file.
        threads: threads of one operator; None leaves the choice to ONNX Runtime (one a core).
        without: ONNX Runtime's optimisers that are left out, by name.

    Raises:
        DeviceUnsupportedError: on activation, when ONNX Runtime is not installed.
        DeviceError: on activation, when the file is missing or no model this runtime can run.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        threads: int | None = None,
        without: Sequence[str] = (),
    ) -> None:
        super().__init__(os.fspath(path))
        if threads is not None and threads < 1:
            raise DeviceError(f"threads = {threads}: use 1 or more, or None for one a core")
        self.path = os.fspath(path)
        self.threads = threads
        self.without = tuple(without)
        self._session: Any = None
        self._sparse: SparseModel | None = None

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the model's inputs, in order; only while active."""
        return tuple(value.name for value in self._session.get_inputs())

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the model's outputs, in order; only while active."""
        return tuple(value.name for value in self._session.get_outputs())

    def _load(self) -> None:
        runtime = _import_onnxruntime()
        if not Path(self.path).is_file():
            raise DeviceError(f"{self.path}: no such file; export the model first")
        self._sparse = sparse_model(Path(self.path), self.threads)
        try:
            self._session = runtime.InferenceSession(
                self.path if self._sparse is None else self._sparse.content,
                self._options(runtime),
                providers=list(_PROVIDERS),
                disabled_optimizers=list(self.without),
            )
        except _runtime_errors(runtime) as failure:
            self._unload()
            raise DeviceError(
                f"{self.path}: ONNX Runtime cannot load it ({_first_line(failure)})"
            ) from failure

    def _options(self, runtime: Any) -> Any:
        options = runtime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.inter_op_num_threads = 1
        if self.threads is not None:
            options.intra_op_num_threads = self.threads
        # Threads spin between the operators of a run, as they do for users: waking them would cost
        # a small network a third of its time. They stop with the run, since by default they go on
        # spinning into the next session's turn, which on two cores made medians 2 to 5 times too
        # long and different from run to run.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        if self._sparse is not None:
            options.register_custom_ops_library(self._sparse.operators)
        return options

    def _unload(self) -> None:
        self._session = None
        if self._sparse is not None:
            self._sparse.close()
            self._sparse = None

    def _infer(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            outputs = self._session.run(None, dict(feed))
        except _runtime_errors(_import_onnxruntime()) as failure:
            self._require_sparse()
            raise DeviceError(
                f"{self.path}: ONNX Runtime refuses the inputs ({_first_line(failure)})"
            ) from failure
        self._require_sparse()
        return dict(zip(self.output_names, outputs))

    def _require_sparse(self) -> None:
        if self._sparse is not None:
            self._sparse.raise_failure()


def onnxruntime_version() -> str:
    """The version that is installed.

    Raises:
        DeviceUnsupportedError: none is.
    """
    return str(_import_onnxruntime().__version__)


def _import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as failure:
        raise DeviceUnsupportedError(
            "ONNX Runtime is not installed: pip install onnxruntime"
        ) from failure
    return onnxruntime


def _runtime_errors(runtime: Any) -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises; its own exceptions share no base but Exception."""
    own = [
        error
        for error in vars(runtime.capi.onnxruntime_pybind11_state).values()
        if isinstance(error, type) and issubclass(error, Exception)
    ]
    return (ValueError, RuntimeError, *own)


def _first_line(failure: Exception) -> str:
    lines = str(failure).strip().splitlines()
    return lines[0] if lines else type(failure).__name__
