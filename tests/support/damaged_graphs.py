"""Changes single tensors of exported graphs, as a fault of an exporter or of a disk would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def change_tensor(path: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Replace the initializer of this name, or else the only one whose name begins with it."""
    model = onnx.load(path)
    tensors = model.graph.initializer
    named = [t for t in tensors if t.name == name]
    (tensor,) = named or [t for t in tensors if t.name.startswith(name)]
    before = numpy_helper.to_array(tensor)
    after = change(before.copy()).astype(before.dtype)
    assert not np.array_equal(before, after)
    tensor.CopyFrom(numpy_helper.from_array(after, tensor.name))
    path.write_bytes(model.SerializeToString())


def forget_origin(path: Path) -> None:
    """Leave a graph as another exporter would have written it."""
    model = onnx.load(path)
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
    path.write_bytes(model.SerializeToString())
