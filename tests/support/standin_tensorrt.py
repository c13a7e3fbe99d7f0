"""The half of TensorRT that runs engines, at the hardware's edge: all else in a test is real.

An engine here doubles `x` (batch, 3) into `y` and counts the rows' sum into `s` (batch, 1); its
work is queued on the stand-in libcudart as a function of the host, so that it is ordered, recorded
in graphs and replayed with the addresses that the runner bound. Engines and contexts have the names
that the recorded version has, and no others.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from standin_cudart import StandIn
from tensorrt_surface import rebuilt, recorded

_WORK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
TENSORS = ("x", "y", "s")
WIDTHS = {"x": 3, "y": 3, "s": 1}
LAYERS = ("node_double", "PWN(node_sum)", "Reformatting CopyNode")


def write_engine(path: Path, **about: Any) -> Path:
    """An engine for the stand-in; `least` and `most` are its batches."""
    path.write_text(json.dumps({"plan": True, "least": 1, "most": 8, **about}), encoding="utf-8")
    return path


def standin_module(cuda: StandIn, version: str) -> SimpleNamespace:
    """A module with the names of a version; `8.2` is 8.5.2 before it knew tensors by name."""
    base = "8.5.2" if version == "8.2" else version
    module = rebuilt(base)
    classes = recorded(base)["classes"]
    if version == "8.2":
        classes = {
            name: [n for n in names if "tensor" not in n and n not in ("execute_async_v3",
                   "set_input_shape")]
            for name, names in classes.items()
        }  # fmt: skip
    module.ILogger = type("ILogger", (), {"ERROR": 1, "INTERNAL_ERROR": 0, "WARNING": 2})
    module.IProfiler = type("IProfiler", (), {})
    module.Runtime = lambda log: Runtime(module, cuda, classes, log)
    module.__version__ = base
    return module


class _Limited:
    """Refuses public names that the version does not have."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = frozenset(allowed)

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name not in self._allowed:
            raise AttributeError(f"this version has no {type(self).__name__}.{name}")
        return super().__getattribute__(name)


class Runtime(_Limited):
    """Reads what `write_engine` wrote; logs and returns None otherwise, as TensorRT does."""

    def __init__(self, module: Any, cuda: StandIn, classes: dict[str, Any], log: Any) -> None:
        super().__init__(classes["Runtime"])
        self._parts = module, cuda, classes, log

    def deserialize_cuda_engine(self, plan: bytes) -> Any:
        module, _, _, log = self._parts
        try:
            about = json.loads(plan)
        except ValueError:
            log.log(module.ILogger.ERROR, "Serialization failed. Magic tag does not match")
            return None
        if "refusal" in about:
            log.log(module.ILogger.ERROR, about["refusal"])
            return None
        return Engine(*self._parts, about)


class Engine(_Limited):
    """Both ways of asking; which of them exists is the version's matter."""

    def __init__(self, module: Any, cuda: Any, classes: Any, log: Any, about: Any) -> None:
        super().__init__(classes["ICudaEngine"])
        self._module, self._cuda, self._classes, self._log = module, cuda, classes, log
        self._about = about
        self.num_io_tensors = self.num_bindings = len(TENSORS)
        self.num_layers = len(LAYERS)

    def create_execution_context(self) -> Any:
        return None if self._about.get("no_context") else Context(self)

    def create_engine_inspector(self) -> Any:
        return Inspector(self)

    def get_tensor_name(self, number: int) -> str:
        return TENSORS[number]

    def get_tensor_mode(self, name: str) -> Any:
        mode = self._module.TensorIOMode
        return mode.INPUT if name == "x" else mode.OUTPUT

    def get_tensor_dtype(self, name: str) -> Any:
        return getattr(self._module.DataType, self._about.get("type", "FLOAT"))

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return (self._about.get("static", -1), WIDTHS[name])

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        assert (name, profile) == ("x", 0)
        return [(n, 3) for n in (self._about["least"], self._about["least"], self._about["most"])]

    def get_binding_name(self, number: int) -> str:
        return TENSORS[number]

    def binding_is_input(self, number: int) -> bool:
        return number == 0

    def get_binding_dtype(self, number: int) -> Any:
        return type(self).get_tensor_dtype(self, TENSORS[number])

    def get_binding_shape(self, number: int) -> tuple[int, ...]:
        return type(self).get_tensor_shape(self, TENSORS[number])

    def get_profile_shape(self, profile: int, number: int) -> list[tuple[int, ...]]:
        return type(self).get_tensor_profile_shape(self, TENSORS[number], profile)


class Inspector(_Limited):
    """Tells names alone, or what layers came from where the engine keeps details."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine._classes["EngineInspector"])
        self._engine = engine

    def get_layer_information(self, layer_index: int, form: Any) -> str:
        assert form == self._engine._module.LayerInformationFormat.JSON
        name = LAYERS[layer_index]
        if not self._engine._about.get("detailed"):
            return json.dumps(name)
        note = "[ONNX Layer: node_sum]\x1f[ONNX Layer: node_relu]" if layer_index == 1 else ""
        return json.dumps({"Name": name, "Metadata": note})


class Context(_Limited):
    """Knows its batch and addresses; queues its work on the stream that it is given."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine._classes["IExecutionContext"])
        self._engine = engine
        self._batch = 0
        self._addresses = dict.fromkeys(TENSORS, 0)
        self._runs: list[Any] = []
        self.profiler = None

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._batch = shape[0]
        return True

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        free = self._engine._about.get("depends_on_values")
        return (-1 if free else self._batch, WIDTHS[name])

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def set_binding_shape(self, number: int, shape: tuple[int, ...]) -> bool:
        self._batch = shape[0]
        return True

    def get_binding_shape(self, number: int) -> tuple[int, ...]:
        return (self._batch, WIDTHS[TENSORS[number]])

    def execute_async_v3(self, stream_handle: int) -> bool:
        return self._queue(stream_handle)

    def execute_async_v2(self, bindings: Sequence[int], stream_handle: int) -> bool:
        self._addresses = dict(zip(TENSORS, bindings, strict=True))
        return self._queue(stream_handle)

    def _queue(self, stream: int) -> bool:
        engine = self._engine
        batch, addresses = self._batch, dict(self._addresses)

        def work(_: Any) -> None:
            x, y, s = (_values(addresses[name], (batch, WIDTHS[name])) for name in TENSORS)
            y[...] = 2 * x
            s[...] = x.sum(axis=1, keepdims=True)
            if self.profiler is not None:
                for number, layer in enumerate(LAYERS):
                    self.profiler.report_layer_time(layer, number + 1.0)

        self._runs.append(_WORK(work))
        library = engine._cuda.library
        if engine._about.get("waits"):  # a layer that waits for the host, which no graph can hold
            library.cudaStreamSynchronize(ctypes.c_void_p(stream))
        if library.cudaLaunchHostFunc(ctypes.c_void_p(stream), self._runs[-1], None):
            engine._log.log(1, "launch failed")
            return False
        return not engine._about.get("fails")


def _values(address: int, shape: tuple[int, int]) -> np.ndarray:
    held = (ctypes.c_float * (shape[0] * shape[1])).from_address(address)
    return np.frombuffer(held, np.float32).reshape(shape)
