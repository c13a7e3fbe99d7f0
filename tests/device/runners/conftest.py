"""TensorRT's running half and libcudart as stand-ins; the runner between them is the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from standin_cudart import StandIn, compile_standin
from standin_tensorrt import standin_module, write_engine

from edgeprune.device.runners import tensorrt
from edgeprune.device.runners.tensorrt import TensorRtRunner
from edgeprune.device.tensorrt.bindings import Bindings

Make = Callable[..., Any]


@pytest.fixture(scope="session")
def standin_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in of CUDA 12.6."""
    return compile_standin(tmp_path_factory.mktemp("cudart"))


@pytest.fixture
def cuda(standin_path: Path) -> Iterator[StandIn]:
    """The wrapper over it; after the test everything must have been given back."""
    standin = StandIn(standin_path)
    yield standin
    assert standin.live == {}


@pytest.fixture
def make(cuda: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a runner of an engine: `make(version, kind=TensorRtRunner, runner={...}, **about)`."""

    def made(
        version: str = "10.3.0",
        kind: type[TensorRtRunner] = TensorRtRunner,
        runner: dict[str, Any] | None = None,
        **about: Any,
    ) -> TensorRtRunner:
        bindings = Bindings("tensorrt", standin_module(cuda, version), version)
        monkeypatch.setattr(tensorrt, "load_bindings", lambda _: bindings)
        path = write_engine(tmp_path / "m.engine", **about)
        return kind(path, cuda=cuda, **(runner or {}))

    return made
