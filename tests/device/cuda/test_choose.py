"""The ways to CUDA: the system's library, and cuda-python where it is installed."""

from __future__ import annotations

import ctypes
import importlib
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import pytest
from standin_cudart import StandIn

from edgeprune.device.cuda import cuda_python
from edgeprune.device.cuda.choose import open_cuda, require_gpu
from edgeprune.device.cuda.cuda_python import CudaPythonApi
from edgeprune.device.cuda.cudart import _SIGNATURES
from edgeprune.device.cuda.graph import CapturedGraph
from edgeprune.device.cuda.memory import DeviceBuffer, PinnedBuffer
from edgeprune.device.cuda.stream import Event, Stream
from edgeprune.device.errors import DeviceError, DeviceUnsupportedError


def _answers() -> bool:
    try:
        open_cuda()
    except DeviceUnsupportedError:
        return False
    return True


def test_unknown_ways_are_refused() -> None:
    with pytest.raises(DeviceError, match="cuda = 'opencl': use cudart or cuda-python"):
        open_cuda("opencl")


@pytest.mark.skipif(_answers(), reason="a GPU answers here")
@pytest.mark.parametrize("name", ["cudart", "cuda-python"])
def test_without_a_gpu_every_way_says_so(name: str) -> None:
    with pytest.raises(DeviceUnsupportedError) as told:
        open_cuda(name)
    assert told.value.exit_code == 5
    assert "\n" not in str(told.value)


def test_no_device_is_no_gpu(cuda: StandIn) -> None:
    require_gpu(cuda)
    cuda.library.standin_devices(0)
    with pytest.raises(DeviceUnsupportedError, match="no GPU answers here: there is none"):
        require_gpu(cuda)


def test_cuda_python_that_is_absent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_python, "_MODULES", ("no_such_cuda",))
    with pytest.raises(DeviceUnsupportedError, match="cuda-python is not installed"):
        CudaPythonApi()


class Convention:
    """The stand-in's functions as cuda-python offers them: `(code, value, ...)`."""

    def __init__(self, standin: StandIn) -> None:
        self._library = standin._library
        self.cudaMemcpyKind = IntEnum("Kind", {"HostToDevice": 1, "DeviceToHost": 2})
        self.cudaStreamCaptureMode = IntEnum("Mode", {"Global": 0, "ThreadLocal": 1})
        self.cudaDeviceAttr = IntEnum("Attribute", {"Integrated": 18, "Major": 75})
        self._instantiate = standin._library.cudaGraphInstantiate.argtypes

    def cudaGetErrorString(self, code: int) -> tuple[int, bytes]:  # noqa: N802
        return 0, b"stand-in error"

    def __getattr__(self, name: str) -> Any:
        types = self._instantiate if name == "cudaGraphInstantiate" else _SIGNATURES[name]

        def function(*given: Any) -> tuple[Any, ...]:
            rest, values, arguments = list(given), [], []
            for kind in types:
                if hasattr(kind, "contents"):
                    values.append(kind._type_())
                    arguments.append(ctypes.byref(values[-1]))
                else:
                    arguments.append(rest.pop(0))
            assert not rest
            code = getattr(self._library, name)(*arguments)
            return (code, *(value.value for value in values))

        return function


def test_cuda_python_does_what_the_library_does(
    cuda: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its conventions over the stand-in; what is older than CUDA 12 is refused."""
    monkeypatch.setattr(cuda_python, "_import", lambda standin=cuda: Convention(standin))
    if cuda.version < (12, 0):
        with pytest.raises(DeviceUnsupportedError, match=r"cuda-python 11\.4 is too old"):
            CudaPythonApi()
        return
    _check_calls(CudaPythonApi())


def _check_calls(cuda: CudaPythonApi) -> None:
    assert (cuda.device_count(), cuda.attribute(75, 0), cuda.memory_info()[0]) == (1, 8, 3 << 20)
    with PinnedBuffer(cuda, 4) as here, DeviceBuffer(cuda, 4) as there, Stream(cuda) as stream:
        with (
            CapturedGraph(stream, lambda: stream.upload(here, there, 4)) as graph,
            Event(cuda) as start,
            Event(cuda) as end,
        ):
            start.record(stream)
            graph.launch()
            end.record(stream)
            end.synchronize()
            assert start.elapsed_ms(end) == pytest.approx(0.5)
        stream.download(there, here, 4)
        stream.synchronize()
    with pytest.raises(DeviceError, match=r"cudaFree: stand-in error \(CUDA error 1\)"):
        cuda.free(12345)


def test_the_real_cuda_python_takes_what_it_is_given() -> None:
    """Without a GPU every call comes back with the driver's code and not with a TypeError."""
    try:
        importlib.import_module("cuda.bindings.runtime")
    except ImportError:
        pytest.skip("cuda-python is not installed")
    if _answers():
        pytest.skip("a GPU answers here: the tests marked gpu run it")
    cuda = CudaPythonApi()
    calls = SimpleNamespace(
        attribute=(75, 0), memory_info=(), malloc=(8,), free=(8,), malloc_host=(8,), free_host=(8,),
        copy_to_device=(8, 8, 8, 8), copy_to_host=(8, 8, 8, 8), create_stream=(),
        synchronize_stream=(8,), create_event=(), record_event=(8, 8), synchronize_event=(8,),
        elapsed_ms=(8, 8), begin_capture=(8,), end_capture=(8,), instantiate_graph=(8,),
        launch_graph=(8, 8), set_device=(0,), device=(), destroy_stream=(8,), destroy_event=(8,),
    )  # fmt: skip
    for name, arguments in vars(calls).items():
        with pytest.raises(DeviceUnsupportedError, match="CUDA error 35"):
            getattr(cuda, name)(*arguments)
