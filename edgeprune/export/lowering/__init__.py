"""Older operators for older parsers: an ONNX graph as TensorRT 8 wants it."""

from __future__ import annotations

from edgeprune.export.lowering.lower import OLDEST_WRITTEN_OPSET, lower

__all__ = ["OLDEST_WRITTEN_OPSET", "lower"]
