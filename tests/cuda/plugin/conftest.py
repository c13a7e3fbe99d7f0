"""The plugin under a harness that drives it as TensorRT does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from needs import lacking
from sparse_harness.nvcc_build import by_cmake, nvcc
from sparse_harness.plugin import PluginHarness
from sparse_harness.plugin_build import harness_library
from sparse_harness.tensorrt_headers import NoHeadersError, tensorrt_headers

V2, V3 = 2, 3


@pytest.fixture(scope="session")
def _harness() -> PluginHarness:
    try:
        tensorrt_headers()
    except NoHeadersError as failure:
        lacking(str(failure))
    return PluginHarness(harness_library())


@pytest.fixture
def harness(_harness: PluginHarness) -> Iterator[PluginHarness]:
    """Both interfaces; no test leaves memory on the device."""
    _harness.set_capability(87)
    _harness.forget()
    yield _harness
    assert _harness.counts.live == 0


@pytest.fixture(params=[V2, V3], ids=["V2DynamicExt", "V3"])
def generation(request: pytest.FixtureRequest) -> int:
    """Of TensorRT's plugin interfaces."""
    return int(request.param)


@pytest.fixture(scope="session")
def plugin() -> Path:
    """The library as a board's compiler makes it."""
    if nvcc() is None:
        lacking("needs nvcc")
    try:
        tensorrt_headers()
    except NoHeadersError as failure:
        lacking(str(failure))
    return by_cmake()
