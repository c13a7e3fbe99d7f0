"""The wrapper of libcudart, run on a library with its functions that works on host memory."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from standin_cudart import StandIn

from edgeprune.device.cuda.api import CAPABILITY_MAJOR, CAPABILITY_MINOR, INTEGRATED
from edgeprune.device.cuda.cudart import CudartApi
from edgeprune.device.cuda.errors import CudaError
from edgeprune.device.cuda.graph import CapturedGraph
from edgeprune.device.cuda.library import load_cudart
from edgeprune.device.cuda.memory import DeviceBuffer, PinnedBuffer
from edgeprune.device.cuda.stream import Event, Stream
from edgeprune.device.errors import DeviceUnsupportedError

FLOATS = np.dtype(np.float32)
SIZE = 4 * FLOATS.itemsize


def test_the_version_is_told_as_people_write_it(cuda: StandIn) -> None:
    assert (
        cuda.version == {"11040": (11, 4), "12060": (12, 6), "13000": (13, 0)}[cuda.path.stem[-5:]]
    )


def test_devices_and_their_numbers(cuda: StandIn) -> None:
    assert cuda.device_count() == 1
    cuda.set_device(0)
    assert cuda.device() == 0
    numbers = [cuda.attribute(n, 0) for n in (CAPABILITY_MAJOR, CAPABILITY_MINOR, INTEGRATED)]
    assert numbers == [8, 7, 1]
    assert cuda.memory_info() == (3 << 20, 8 << 20)


def test_values_travel_to_the_gpu_and_back(cuda: StandIn) -> None:
    values = np.arange(4, dtype=np.float32)
    with (
        PinnedBuffer(cuda, SIZE) as here,
        PinnedBuffer(cuda, SIZE) as back,
        DeviceBuffer(cuda, SIZE) as there,
        Stream(cuda) as stream,
    ):
        here.view((2, 2), FLOATS)[...] = values.reshape(2, 2)
        stream.upload(here, there, SIZE)
        stream.download(there, back, SIZE)
        assert not back.view((4,), FLOATS).any(), "nothing runs before it is waited for"
        stream.synchronize()
        np.testing.assert_array_equal(back.view((4,), FLOATS), values)


def test_buffers_grow_and_say_when_they_moved(cuda: StandIn) -> None:
    with DeviceBuffer(cuda, 0) as buffer:
        assert (buffer.address, cuda.live) == (0, {})
        assert buffer.grow(SIZE)
        held = buffer.address
        assert not buffer.grow(SIZE // 2)
        assert (buffer.address, buffer.size) == (held, SIZE)
        assert buffer.grow(2 * SIZE)
        assert cuda.live == {"device": 1}
    buffer.close()
    assert cuda.live == {}


def test_a_buffer_that_cannot_grow_holds_nothing(cuda: StandIn) -> None:
    buffer = DeviceBuffer(cuda, SIZE)
    cuda.fail("cudaMalloc", 2)
    with pytest.raises(
        CudaError, match=r"cudaMalloc of 1024 bytes: out of memory .*3 of 8 MiB are free"
    ):
        buffer.grow(1024)
    assert (buffer.address, buffer.size, cuda.live) == (0, 0, {})
    cuda.forget()
    assert buffer.grow(SIZE)
    buffer.close()


def test_events_measure_the_gpus_time(cuda: StandIn) -> None:
    with Stream(cuda) as stream, Event(cuda) as start, Event(cuda) as end:
        start.record(stream)
        end.record(stream)
        with pytest.raises(CudaError, match="cudaEventElapsedTime"):
            start.elapsed_ms(end)
        end.synchronize()
        assert start.elapsed_ms(end) == pytest.approx(0.25)


def test_a_graph_repeats_what_was_recorded(cuda: StandIn) -> None:
    with (
        PinnedBuffer(cuda, SIZE) as here,
        PinnedBuffer(cuda, SIZE) as back,
        DeviceBuffer(cuda, SIZE) as there,
        Stream(cuda) as stream,
    ):

        def work() -> None:
            stream.upload(here, there, SIZE)
            stream.download(there, back, SIZE)

        cuda.forget()
        with CapturedGraph(stream, work) as graph:
            stream.synchronize()
            assert cuda.live["executable"] == 1
            assert "graph" not in cuda.live, "the recorded graph is needed no more"
            for value in (3.0, 5.0):
                here.view((4,), FLOATS)[...] = value
                graph.launch()
                stream.synchronize()
                assert back.view((4,), FLOATS).tolist() == [value] * 4
        assert cuda.calls == [
            "cudaStreamBeginCapture", "cudaMemcpyAsync", "cudaMemcpyAsync", "cudaStreamEndCapture",
            "cudaGraphInstantiate", "cudaGraphDestroy", "cudaStreamSynchronize",
            *["cudaGraphLaunch", "cudaStreamSynchronize"] * 2, "cudaGraphExecDestroy",
        ]  # fmt: skip


def test_what_cannot_be_recorded_leaves_a_stream_that_works(cuda: StandIn) -> None:
    with Stream(cuda) as stream:
        with pytest.raises(CudaError) as spoilt:
            CapturedGraph(stream, lambda: cuda.synchronize_stream(stream.handle))
        assert (spoilt.value.code, spoilt.value.is_capture) == (900, True)
        with pytest.raises(ZeroDivisionError):
            CapturedGraph(stream, lambda: print(1 / 0))
        stream.synchronize()


@pytest.mark.parametrize("name", ["cudaStreamEndCapture", "cudaGraphInstantiate"])
def test_a_graph_that_fails_later_leaves_nothing(cuda: StandIn, name: str) -> None:
    with Stream(cuda) as stream:
        cuda.fail(name, 901)
        with pytest.raises(CudaError, match=name):
            CapturedGraph(stream, lambda: None)
        cuda.forget()
        if name == "cudaStreamEndCapture":  # it failed before it ended anything
            cuda.destroy_graph(cuda.end_capture(stream.handle))


@pytest.mark.parametrize(
    ("code", "text"),
    [(700, "start the program again"), (209, "another GPU"), (1, r"\(CUDA error 1\)$")],
)
def test_every_code_is_one_line(cuda: StandIn, code: int, text: str) -> None:
    with Stream(cuda) as stream:
        cuda.fail("cudaStreamSynchronize", code)
        with pytest.raises(CudaError, match=text) as told:
            stream.synchronize()
    assert told.value.code == code
    assert told.value.exit_code == 1
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("code", [3, 34, 35, 46, 100, 803, 804])
def test_no_gpu_is_said_as_such(cuda: StandIn, code: int) -> None:
    cuda.fail("cudaGetDeviceCount", code)
    with pytest.raises(DeviceUnsupportedError, match="no GPU answers here: ") as told:
        cuda.device_count()
    assert told.value.exit_code == 5


def test_a_failure_is_not_left_for_others_to_find(cuda: StandIn) -> None:
    cuda.fail("cudaGetDevice", 1)
    with pytest.raises(CudaError):
        cuda.device()
    assert cuda.library.cudaGetLastError() == 0


def test_a_library_that_is_too_old_is_named(tmp_path: Path) -> None:
    source = tmp_path / "old.c"
    source.write_text("const char *cudaGetErrorString(int code) { return 0; }\n")
    library = tmp_path / "libcudart-old.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    with pytest.raises(DeviceUnsupportedError, match=r"libcudart-old\.so has no cuda"):
        CudartApi(str(library))


def test_the_systems_library_is_used_where_it_is() -> None:
    """The real library, where this machine has one: every function that is declared is there."""
    try:
        library = load_cudart()
    except DeviceUnsupportedError as absent:
        pytest.skip(str(absent))
    if library.cudaRuntimeGetVersion(ctypes.byref(ctypes.c_int())):
        # CUDA 11 does not even tell its version without a driver.
        with pytest.raises(DeviceUnsupportedError, match="no GPU answers here: "):
            CudartApi()
        return
    cuda = CudartApi()
    assert cuda.version >= (10, 2)
    count = ctypes.c_int()
    if cuda._library.cudaGetDeviceCount(ctypes.byref(count)):
        with pytest.raises(DeviceUnsupportedError, match="no GPU answers here: "):
            cuda.malloc(16)
