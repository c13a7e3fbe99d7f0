"""Every test runs on one thread and draws the same numbers, whatever ran before it.

Results repeat, and parallel workers do not fight for cores.
"""

from __future__ import annotations

import functools
import gc
import os
from pathlib import Path

import pytest
import torch
from kept_exports import keep_exports
from onnxscript import values

torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start

# The exporter asks for this of 500 functions whenever it is called, and each time their source is
# parsed: a third of the time that the export of a small network takes.
_parsed = getattr(values.TracedOnnxFunction, "function_ir", None)
if isinstance(_parsed, property) and _parsed.fget is not None:
    values.TracedOnnxFunction.function_ir = property(functools.cache(_parsed.fget))

keep_exports()

# Of more than half a minute: they start first, so that no worker ends alone with one of them.
_LONG = (
    "cuda",
    "methods/test_kill_and_resume.py",
    "examples/test_examples.py",
    "cli/test_demo.py",
    "cli/test_bad_input.py",
    "cli/test_verify.py",
    "cli/test_compress_latency.py",
    "device/tensorrt/test_build.py",
    "methods/test_distributed.py",
    "prune/graph/test_random_networks.py",
    "verify/test_counterparts.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first; otherwise the order stays."""
    long = tuple(str(Path(__file__).parent / name) for name in _LONG)
    items.sort(key=lambda item: not str(item.path).startswith(long))


def pytest_collection_finish() -> None:
    """Let the collector of cycles pass over what was imported: it stays until the end.

    Half a million objects do, and the exporter makes so many more that going through all of them
    again and again takes a seventh of the tests' time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    """Weights of networks that a test makes do not depend on the order of the tests."""
    torch.manual_seed(0)
