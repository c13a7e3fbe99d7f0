"""Ids that no table has, on their way to PyTorch and to a runtime."""

from __future__ import annotations

import numpy as np
import pytest
from table_nets import Towers

from edgeprune.device.ids import IdRows, UnknownIdError
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.errors import UserInputError
from edgeprune.verify.networks import runner_network, torch_network


def test_both_sides_refuse_them_before_anything_runs() -> None:
    wrong = np.array([[1, 2], [3, -1]])
    with pytest.raises(UserInputError, match=r"input ids, column 1 \(item\), sample 1: id -1"):
        torch_network(Towers())((wrong,))
    never_loaded = OnnxRuntimeRunner("none.onnx")
    network = runner_network(never_loaded, ("ids",), None, {"ids": IdRows((12, 9))})
    with pytest.raises(UnknownIdError, match="column 1, sample 1: id -1 is not in the table"):
        network((wrong,))
    assert torch_network(Towers())((np.array([[11, 8]]),))[0].shape == (1, 1)
