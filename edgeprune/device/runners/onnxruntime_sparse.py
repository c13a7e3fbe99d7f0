"""Sparse convolutions in ONNX Runtime: a Python operator that calls the compiled kernel.

ONNX Runtime's C headers are in no package, so that a library of operators cannot be built
everywhere; onnxruntime-extensions lets Python stand in at 10 to 70 microseconds a call.
"""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.onnx.protobuf import DamagedMessageError
from edgeprune.device.sparse.cpu.kernel import CpuSparseConv2d
from edgeprune.device.sparse.graph import (
    CALL_ATTRIBUTE,
    CALL_OP,
    CALL_OP_WITH_RESIDUAL,
    has_sparse_nodes,
    with_calls,
)
from edgeprune.device.sparse.node import SparseConv2d

_LAYERS: dict[int, _Layer] = {}
_NUMBERS = itertools.count(1)


class SparseModel:
    """A model whose sparse convolutions are calls of ours, until it is closed.

    Args:
        path: an ONNX file with sparse convolutions.
        threads: of one convolution; None for one a core.

    Raises:
        DeviceUnsupportedError: onnxruntime-extensions or a C++ compiler is missing.
        VcsrError: a sparse node makes no sense.
    """

    def __init__(self, path: Path, threads: int | None) -> None:
        self.operators: str = _register()
        self._numbers: list[int] = []
        self._failures: list[BaseException] = []
        try:
            self.content = with_calls(path, lambda conv: self._keep(conv, threads))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Forget the convolutions; sessions of the model must not run any more."""
        for number in self._numbers:
            _LAYERS.pop(number, None)
        self._numbers = []

    def raise_failure(self) -> None:
        """What went wrong in a convolution since the last time.

        Raises:
            VcsrError, DeviceError: see `CpuSparseConv2d`.
        """
        if self._failures:
            first = self._failures[0]
            self._failures.clear()
            raise first

    def _keep(self, conv: SparseConv2d, threads: int | None) -> int:
        number = next(_NUMBERS)
        _LAYERS[number] = _Layer(CpuSparseConv2d(conv, threads), self._failures)
        self._numbers.append(number)
        return number


def sparse_model(path: Path, threads: int | None) -> SparseModel | None:
    """The model of a file with sparse convolutions; None for every other file.

    Raises:
        DeviceUnsupportedError, VcsrError: see `SparseModel`.
    """
    try:
        if not has_sparse_nodes(path):
            return None
        return SparseModel(path, threads)
    except DamagedMessageError:
        return None  # ONNX Runtime says what is wrong with it


@functools.lru_cache(maxsize=None)
def _register() -> str:
    """Make the operators known to onnxruntime-extensions; returns its library."""
    try:
        from onnxruntime_extensions import PyCustomOpDef, get_library_path, onnx_op
    except ImportError as failure:
        raise DeviceUnsupportedError(
            "sparse convolutions in ONNX Runtime need onnxruntime-extensions: "
            "pip install 'edgeprune[sparse]'"
        ) from failure
    kinds = {"attrs": {CALL_ATTRIBUTE: PyCustomOpDef.dt_int64}, "outputs": [PyCustomOpDef.dt_float]}
    ours = [
        onnx_op(op_type=op, inputs=[PyCustomOpDef.dt_float] * inputs, **kinds)(_call)
        for op, inputs in ((CALL_OP, 1), (CALL_OP_WITH_RESIDUAL, 2))
    ]
    _return_arrays(PyCustomOpDef, frozenset(id(op) for op in ours))
    return str(get_library_path())


class _Layer:
    """A convolution that notes a failure: an exception would end the process in ONNX Runtime."""

    def __init__(self, kernel: CpuSparseConv2d, failures: list[BaseException]) -> None:
        self._kernel = kernel
        self._failures = failures

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        try:
            return self._kernel(*arrays)
        except BaseException as failure:
            self._failures.append(failure)
            return np.zeros((1, self._kernel.conv.weight.shape[0], 1, 1), dtype=np.float32)


def _call(*arrays: np.ndarray, layer: int) -> np.ndarray:
    return _LAYERS[layer](*arrays)


def _return_arrays(definition: Any, ours: frozenset[int]) -> None:
    """Hand results over as arrays.

    The package's own hook turns every result into a list of Python numbers, which takes 100 times
    as long as the convolution; its C++ side takes arrays as well. Other operators keep its hook.
    """
    from onnxruntime_extensions import _ocos

    usual = _ocos._on_pyop_invocation

    def hook(operator: int, feed: Any, attributes: Any) -> Any:
        if operator not in ours:
            return usual(operator, feed, attributes)
        result = _call(*feed, layer=int(attributes[CALL_ATTRIBUTE]))
        return operator, result.shape, result

    definition.install_hooker(hook)
