"""Every test runs on one thread and draws the same numbers, whatever ran before it.

Results repeat, and parallel workers do not fight for cores.
"""

from __future__ import annotations

import functools
import os

import pytest
import torch
from onnxscript import values

torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start

# The exporter asks for this of 500 functions whenever it is called, and each time their source is
# parsed: a third of the time that the export of a small network takes.
_parsed = getattr(values.TracedOnnxFunction, "function_ir", None)
if isinstance(_parsed, property) and _parsed.fget is not None:
    values.TracedOnnxFunction.function_ir = property(functools.cache(_parsed.fget))


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    """Weights of networks that a test makes do not depend on the order of the tests."""
    torch.manual_seed(0)
