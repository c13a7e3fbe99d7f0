"""The runner between a stand-in of TensorRT's running half and a stand-in of libcudart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from standin_cudart import StandIn

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.runners.tensorrt import TensorRtRunner
from edgeprune.device.tensorrt import engine as engine_room
from edgeprune.device.tensorrt.engine import EngineFileError
from edgeprune.device.tensorrt.sidecar import sidecar_of

VERSIONS = ("8.2", "8.5.2", "8.6.1", "10.3.0", "10.16.1", "11.4.0", "rtx-1.7.1")


def _feed(batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(batch, 3)).astype(np.float32)}


def _check(runner: TensorRtRunner, batch: int, seed: int = 0) -> None:
    feed = _feed(batch, seed)
    outputs = runner.infer(feed)
    assert list(outputs) == ["y", "s"]
    np.testing.assert_array_equal(outputs["y"], 2 * feed["x"])
    np.testing.assert_allclose(outputs["s"], feed["x"].sum(1, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "no graph"])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_runs_every_batch(make, version: str, graph: bool) -> None:
    with make(version, runner={"cuda_graph": graph}) as runner:
        assert (runner.input_names, runner.output_names) == (("x",), ("y", "s"))
        for seed, batch in enumerate([1, 8, 1, 3, 8, 2, 5, 4, 7, 1, 8]):
            _check(runner, batch, seed)
        assert runner.notes == ()


def test_a_batch_is_recorded_once_and_then_launched(make, cuda: StandIn) -> None:
    with make() as runner:
        for seed in range(4):
            _check(runner, 4, seed)
        assert cuda.calls.count("cudaStreamBeginCapture") == 1
        assert cuda.calls.count("cudaGraphLaunch") == 3
        assert cuda.calls.count("cudaLaunchHostFunc") == 2, "the first run and the recording"


def test_memory_is_taken_once_and_grows_with_the_batch(make, cuda: StandIn) -> None:
    with make() as runner:
        for batch in (4, 4, 2, 1):
            _check(runner, batch)
        assert cuda.calls.count("cudaMalloc") == cuda.calls.count("cudaHostAlloc") == 3
        held = runner.infer(_feed(4, seed=5))
        kept = held["y"].copy()
        _check(runner, 8)
        assert cuda.calls.count("cudaMalloc") == 6
        _check(runner, 4)  # recorded again: its memory moved
        assert cuda.live["executable"] == 2
        np.testing.assert_array_equal(held["y"], kept, "results are the caller's")


def test_the_context_in_use_is_left_alone(make, cuda: StandIn) -> None:
    with make() as runner:
        _check(runner, 1)
    assert "cudaSetDevice" not in cuda.calls
    cuda.library.standin_devices(2)
    with make(runner={"device": 1}) as runner:
        assert cuda.device() == 1
        _check(runner, 1)
    cuda.set_device(0)
    with pytest.raises(DeviceError, match=r"cudaSetDevice\(2\)"):
        make(runner={"device": 2}).activate()
    cuda.set_device(0)


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "no graph"])
def test_the_gpus_own_time_leaves_copies_out(make, cuda: StandIn, graph: bool) -> None:
    with make(runner={"cuda_graph": graph}) as runner:
        runner.infer(_feed(4))
        copies = cuda.calls.count("cudaMemcpyAsync")
        times = [runner.device_ms(_feed(4)) for _ in range(3)]
        assert all(each is not None and each >= 0 for each in times)
        assert cuda.calls.count("cudaMemcpyAsync") == copies + 3 * 3  # of the inference before
        assert cuda.calls.count("cudaEventElapsedTime") == 3
        assert "event" not in cuda.live
        assert runner.device_ms(_feed(2)) is not None
        _check(runner, 4)


def test_few_batches_stay_ready(make, cuda: StandIn) -> None:
    with make() as runner:
        for batch in range(8, 0, -1):
            _check(runner, batch)
        assert cuda.live["executable"] == 4


@pytest.mark.parametrize("graph", [True, False])
def test_everything_is_given_back(make, cuda: StandIn, graph: bool) -> None:
    runner = make(runner={"cuda_graph": graph})
    for _ in range(2):
        with runner:
            _check(runner, 2)
            assert cuda.live["device"] == 3
        assert cuda.live == {}
    with pytest.raises(DeviceError, match="not active"):
        runner.infer(_feed(1))


def test_an_engine_that_cannot_be_recorded_runs_and_says_so(make, cuda: StandIn) -> None:
    with make(waits=True) as runner:
        for seed in range(3):
            _check(runner, 2, seed)
        _check(runner, 3)
        assert [note[:40] for note in runner.notes] == [
            "batch 2 runs without a CUDA graph: the e", "batch 3 runs without a CUDA graph: the e",
        ]  # fmt: skip
        assert cuda.calls.count("cudaStreamBeginCapture") == 2, "it is tried once for each batch"


def test_a_static_engine_takes_its_own_batch_only(make) -> None:
    with make(static=4) as runner:
        _check(runner, 4)
        with pytest.raises(DeviceError, match="a batch of 2; the engine takes 4 to 4"):
            runner.infer(_feed(2))


@pytest.mark.parametrize(
    ("feed", "text"),
    [
        ({}, "inputs are x; given: -"),
        ({"z": np.zeros((1, 3), np.float32)}, "inputs are x; given: z"),
        ({"x": np.zeros((1, 3))}, "input 'x' holds float64; the engine takes float32"),
        ({"x": np.zeros((1, 4), np.float32)}, r"has shape \(1, 4\); the engine takes \(batch, 3\)"),
        ({"x": np.zeros(3, np.float32)}, r"the engine takes \(batch, 3\)"),
        ({"x": np.zeros((9, 3), np.float32)}, "a batch of 9; the engine takes 1 to 8: .*--batch"),
        ({"x": np.zeros((0, 3), np.float32)}, "a batch of 0"),
        ({"x": "text"}, "no numpy array but a str"),
    ],
)
def test_wrong_inputs_are_one_line(make, feed: dict, text: str) -> None:
    with make() as runner:
        with pytest.raises(DeviceError, match=text) as told:
            runner.infer(feed)
        assert str(runner.path) in str(told.value)
        _check(runner, 2)


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        ("Version tag does not match. Note: Current Version: 213", "another TensorRT"),
        ("generated on an incompatible device, expecting compute 8.7", "built for another GPU"),
        ("getPluginCreator could not find plugin: SparseConv version: 1", "with --plugin"),
        ("Requested amount of GPU memory: out of memory.", "no memory for it"),
        ("CUDA initialization failure with error: 35", "no GPU answers here"),
        ("something new", "build it again here"),
    ],
)
def test_refused_engines_are_explained(make, refusal: str, text: str) -> None:
    with pytest.raises(DeviceUnsupportedError, match=text) as told:
        make(refusal=refusal).activate()
    assert told.value.exit_code == 5
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ({"version": "8.5.2"}, "built with TensorRT 8.5.2, this is TensorRT 10.3.0"),
        ({"version": "10.3.0", "gpu": "Thor"}, "built for Thor, this is Orin"),
        ({"version": "10.3.0", "backend": "tensorrt-rtx"}, "built with tensorrt-rtx, this is Ten"),
    ],
)
def test_the_sidecar_tells_before_tensorrt_does(
    make, key: dict, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_room, "gpu_name", lambda: "Orin")
    runner = make()
    about = {"plan_sha256": "", "plan_bytes": 1, "layers": 1, "build_seconds": 1, "warnings": []}
    sidecar_of(runner.path).write_text(json.dumps({"key": key, **about}))
    with pytest.raises(DeviceUnsupportedError, match=text):
        runner.activate()


def test_a_build_number_makes_no_other_version(make) -> None:
    runner = make()
    about = {"plan_sha256": "", "plan_bytes": 1, "layers": 1, "build_seconds": 1, "warnings": []}
    sidecar_of(runner.path).write_text(json.dumps({"key": {"version": "10.3.0.26"}, **about}))
    with runner:
        _check(runner, 1)


def test_files_that_are_no_engine(make) -> None:
    runner = make()
    runner.path.write_bytes(b"no engine")
    with pytest.raises(EngineFileError, match="no engine, or a damaged one") as told:
        runner.activate()
    assert told.value.exit_code == 2
    runner.path.unlink()
    with pytest.raises(EngineFileError, match="no such file; edgeprune build writes one"):
        runner.activate()


@pytest.mark.parametrize(
    ("about", "text"),
    [
        ({"no_context": True}, "cannot prepare the engine to run"),
        ({"fails": True}, "did not run the engine"),
        ({"depends_on_values": True}, "size that depends on values"),
    ],
)
def test_engines_that_do_not_run(make, about: dict, text: str) -> None:
    with make(**about) as runner, pytest.raises(DeviceError, match=text):
        runner.infer(_feed(1))


def test_elements_that_numpy_lacks_are_refused_and_nothing_stays(make) -> None:
    with pytest.raises(DeviceUnsupportedError, match="'x' holds BF16 elements"):
        make(type="BF16").activate()


@pytest.mark.parametrize("name", ["cudaMalloc", "cudaHostAlloc", "cudaMemcpyAsync",
                                  "cudaStreamSynchronize"])  # fmt: skip
@pytest.mark.parametrize("after", [0, 2])
def test_failures_of_cuda_are_one_line_and_the_runner_recovers(
    make, cuda: StandIn, name: str, after: int
) -> None:
    with make() as runner:
        _check(runner, 2)
        cuda.fail(name, 2, after)
        with pytest.raises(DeviceError, match=f"{name}.*smaller batch"):
            list(map(runner.infer, map(_feed, (5, 6, 7))))
        cuda.forget()
        for batch in (8, 2, 5):
            _check(runner, batch, seed=batch)


def test_a_lost_gpu_is_not_taken_for_a_graph_that_cannot_be_recorded(make, cuda: StandIn) -> None:
    with make() as runner:
        cuda.fail("cudaGraphInstantiate", 700)
        with pytest.raises(DeviceError, match="start the program again"):
            runner.infer(_feed(2))
