"""Which opset torch's exporter is asked for, and how its graph gets to the one that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeprune.device.targets import Target
from edgeprune.errors import UnsupportedError
from edgeprune.export.lowering import OLDEST_WRITTEN_OPSET, lower

if TYPE_CHECKING:
    from onnx import ModelProto

# From 23 on the exporter writes attention as one operator, which TensorRT builds only for shapes
# that it has a kernel for: TensorRT-RTX 1.7 refused ViT-B/32's, and builds it taken apart.
_NEWEST_WRITTEN_OPSET = 22
_FIRST_WITH_LAYER_NORM = (8, 6)  # TensorRT


def exporter_opset(wanted: int) -> int:
    """What the exporter is asked for."""
    return min(max(wanted, OLDEST_WRITTEN_OPSET), _NEWEST_WRITTEN_OPSET)


def bring_to(model: ModelProto, wanted: int, target: Target) -> ModelProto:
    """The graph that the exporter wrote, in the wanted opset and in the oldest format that has it.

    Raises:
        UnsupportedError: there is no way to that opset.
    """
    from onnx import helper, version_converter

    written = exporter_opset(wanted)
    if wanted < written:
        release = target.tensorrt_release
        old = release is not None and release < _FIRST_WITH_LAYER_NORM
        model = lower(model, wanted, without_layer_norm=old)
    elif wanted > written:
        try:
            raised = version_converter.convert_version(model, wanted)
        except RuntimeError as failure:
            raise UnsupportedError(
                f"opset {wanted} cannot be reached from {written}: {failure}"
            ) from failure
        _keep_notes(model, raised)
        model = raised
    # Older parsers refuse a newer file format unread.
    model.ir_version = helper.find_min_ir_version_for(model.opset_import)
    return model


def _keep_notes(before: ModelProto, after: ModelProto) -> None:
    """Where nodes come from, which ONNX's converter leaves out."""
    notes = {node.name: node.metadata_props for node in before.graph.node if node.name}
    for node in after.graph.node:
        if node.name in notes and not node.metadata_props:
            node.metadata_props.extend(notes[node.name])
