"""Ids on their way to an engine: TensorRT 8 takes them for 32-bit integers."""

from __future__ import annotations

import numpy as np
import pytest
from standin_cudart import StandIn

from edgeprune.device.cuda.stream import Stream
from edgeprune.device.errors import DeviceError
from edgeprune.device.runners.tensorrt_slots import Slot, check_feed
from edgeprune.device.tensorrt.execution import TensorInfo

IDS = np.array([[1, 2], [3, 40_000]], np.int64)


@pytest.mark.parametrize("taken", [np.int32, np.int64])
def test_ids_reach_the_engine_in_its_type(cuda: StandIn, taken: type) -> None:
    info = TensorInfo("ids", True, np.dtype(taken), (-1, 2), 1, 8)
    assert check_feed({"ids": IDS}, [info], "net.engine") == 2
    stream, slot = Stream(cuda), Slot(info, cuda)
    slot.grow(IDS.shape)
    slot.upload(IDS, stream)
    stream.synchronize()
    slot.download(IDS.shape, stream)
    stream.synchronize()
    found = slot.values(IDS.shape)
    assert found.dtype == taken
    np.testing.assert_array_equal(found, IDS)
    slot.close()
    stream.close()


@pytest.mark.parametrize("given", [np.int32, np.float32, np.float64])
def test_other_types_are_refused(given: type) -> None:
    info = TensorInfo("ids", True, np.dtype(np.int64), (-1, 2), 1, 8)
    with pytest.raises(DeviceError, match="the engine takes int64"):
        check_feed({"ids": IDS.astype(given)}, [info], "net.engine")
