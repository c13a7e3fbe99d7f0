"""`SparseConv2d` for onnx's reference evaluator: the numpy kernel, exact and slow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from edgeprune.device.sparse import node
from edgeprune.device.sparse.reference import sparse_conv2d

if TYPE_CHECKING:
    from onnx import ModelProto

Array = NDArray[Any]


class SparseConv2d(OpRun):
    """The operator; sums in float64 and rounds once."""

    op_domain = node.DOMAIN

    def _run(self, x: Array, r: Array | None = None, **attributes: Any) -> tuple[Array]:
        given = {name: value for name, value in attributes.items() if value is not None}
        return (sparse_conv2d(node.SparseConv2d.from_attributes(given), x, r),)


def reference_evaluator(model: ModelProto) -> ReferenceEvaluator:
    """An evaluator that knows the sparse operator."""
    return ReferenceEvaluator(model, new_ops=[SparseConv2d])
