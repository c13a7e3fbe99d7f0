"""Everything that differs between versions of TensorRT when an engine runs.

Since 8.5 tensors are known by name; before that they were numbered, and 10 has no numbers any more.
Whatever an engine can do by name is done so. Nothing outside this file asks which it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.tensorrt.lines import one_line

_TYPES = {
    "FLOAT": np.float32, "HALF": np.float16, "INT8": np.int8, "INT32": np.int32,
    "INT64": np.int64, "BOOL": np.bool_, "UINT8": np.uint8,
}  # fmt: skip


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of an engine.

    Attributes:
        name: of the value in the ONNX file.
        is_input: whether it is one.
        dtype: of its elements.
        shape: batch on axis 0; -1 where the engine leaves it open.
        least: smallest batch of an input.
        most: largest batch of an input.
    """

    name: str
    is_input: bool
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    least: int
    most: int


class EnqueueError(DeviceError):
    """TensorRT did not queue the work."""


class Execution(ABC):
    """One execution context: the state of an engine that runs with one set of shapes.

    Args:
        engine: TensorRT's engine.
        log: TensorRT's log, for the reason of a refusal.
    """

    def __init__(self, engine: Any, log: Any) -> None:
        self._log = log
        self.context = engine.create_execution_context()
        if self.context is None:
            reason = one_line(log.errors[-1]) if log.errors else "it gave no reason"
            raise DeviceError(
                f"TensorRT cannot prepare the engine to run ({reason}); it may be out of memory: "
                "end other programs or build for smaller batches"
            )

    @abstractmethod
    def set_shape(self, name: str, shape: Sequence[int]) -> None:
        """Fix the shape of an input."""

    @abstractmethod
    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an output, once those of the inputs are fixed."""

    @abstractmethod
    def bind(self, name: str, address: int) -> None:
        """Tell where a tensor lies on the GPU."""

    def enqueue(self, stream: int) -> None:
        """Queue one inference.

        Raises:
            EnqueueError: TensorRT refuses.
        """
        told = len(self._log.errors)
        if not self._enqueue(stream):
            new = self._log.errors[told:]
            reason = one_line(new[0]) if new else "it gave no reason"
            raise EnqueueError(f"TensorRT did not run the engine: {reason}")

    @abstractmethod
    def _enqueue(self, stream: int) -> bool: ...


class NamedExecution(Execution):
    """TensorRT 8.5 and later."""

    def set_shape(self, name: str, shape: Sequence[int]) -> None:
        if not self.context.set_input_shape(name, tuple(shape)):
            raise DeviceError(f"input '{name}': the engine does not take shape {tuple(shape)}")

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.context.get_tensor_shape(name))

    def bind(self, name: str, address: int) -> None:
        self.context.set_tensor_address(name, address)

    def _enqueue(self, stream: int) -> bool:
        return bool(self.context.execute_async_v3(stream))


class NumberedExecution(Execution):
    """TensorRT before 8.5."""

    def __init__(self, engine: Any, log: Any) -> None:
        super().__init__(engine, log)
        self._numbers = {engine.get_binding_name(i): i for i in range(engine.num_bindings)}
        self._addresses = [0] * engine.num_bindings

    def set_shape(self, name: str, shape: Sequence[int]) -> None:
        if not self.context.set_binding_shape(self._numbers[name], tuple(shape)):
            raise DeviceError(f"input '{name}': the engine does not take shape {tuple(shape)}")

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.context.get_binding_shape(self._numbers[name]))

    def bind(self, name: str, address: int) -> None:
        self._addresses[self._numbers[name]] = address

    def _enqueue(self, stream: int) -> bool:
        return bool(self.context.execute_async_v2(self._addresses, stream))


def make_execution(engine: Any, log: Any) -> Execution:
    """An execution context of the kind that this version has."""
    kind = NamedExecution if hasattr(engine, "num_io_tensors") else NumberedExecution
    return kind(engine, log)


def describe(engine: Any, module: Any) -> tuple[TensorInfo, ...]:
    """Inputs and outputs of an engine, in its order.

    Raises:
        DeviceUnsupportedError: one has no batch axis, or elements that numpy has no type for.
    """
    if not hasattr(engine, "num_io_tensors"):
        return tuple(_numbered(engine, number) for number in range(engine.num_bindings))
    names = (engine.get_tensor_name(number) for number in range(engine.num_io_tensors))
    return tuple(_named(engine, name, module.TensorIOMode.INPUT) for name in names)


def _named(engine: Any, name: str, input_mode: Any) -> TensorInfo:
    shape = tuple(engine.get_tensor_shape(name))
    is_input = engine.get_tensor_mode(name) == input_mode
    sizes = engine.get_tensor_profile_shape(name, 0) if is_input and -1 in shape else ()
    return _info(name, is_input, engine.get_tensor_dtype(name), shape, sizes)


def _numbered(engine: Any, number: int) -> TensorInfo:
    shape = tuple(engine.get_binding_shape(number))
    is_input = bool(engine.binding_is_input(number))
    sizes = engine.get_profile_shape(0, number) if is_input and -1 in shape else ()
    name = engine.get_binding_name(number)
    return _info(name, is_input, engine.get_binding_dtype(number), shape, sizes)


def _info(
    name: str, is_input: bool, kind: Any, shape: tuple[int, ...], sizes: Sequence[Sequence[int]]
) -> TensorInfo:
    """`sizes`: smallest, usual and largest shape where the batch is open."""
    if not shape:
        raise DeviceUnsupportedError(f"'{name}' is a single number: a batch axis is needed")
    if kind.name not in _TYPES:
        raise DeviceUnsupportedError(
            f"'{name}' holds {kind.name} elements: export the model with FP32 inputs and outputs"
        )
    least, most = (sizes[0][0], sizes[2][0]) if len(sizes) else (shape[0], shape[0])
    return TensorInfo(name, is_input, np.dtype(_TYPES[kind.name]), shape, int(least), int(most))
