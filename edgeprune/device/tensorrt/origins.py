"""Which ONNX nodes a layer of TensorRT came from."""

from __future__ import annotations

import re
from typing import Collection

# `[ONNX Layer: node_conv]`, several of them separated by control characters.
_ORIGIN = re.compile(r"\[ONNX Layer: (.*?)\](?=[\x1e\x1f]|\[ONNX Layer: |$)")
# What stands between node names in the names that TensorRT gives to fused layers.
_BETWEEN = re.compile(r" \+ |\.\.\.|[\s(){}\[\],]+")


def origins(name: str, note: str, known: Collection[str]) -> tuple[str, ...]:
    """Names of the ONNX nodes that a layer was made from, each once, in order.

    Args:
        name: the layer's.
        note: its metadata, which TensorRT keeps since 8.6.
        known: names of the graph's nodes, which pick them out of `name` where there is no note.
    """
    noted = _ORIGIN.findall(note)
    named = (part for part in _BETWEEN.split(name) if part in known)
    return tuple(dict.fromkeys(noted or named))
