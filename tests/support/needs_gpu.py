"""The mark of tests that run on a real GPU alone."""

from __future__ import annotations

import pytest

from edgeprune.device.cuda.choose import open_cuda
from edgeprune.device.errors import DeviceUnsupportedError


def _why_not() -> str:
    try:
        open_cuda()
    except DeviceUnsupportedError as reason:
        return str(reason)
    return ""


WHY_NO_GPU = _why_not()  # empty where one answers
needs_gpu = pytest.mark.skipif(bool(WHY_NO_GPU), reason=WHY_NO_GPU)
