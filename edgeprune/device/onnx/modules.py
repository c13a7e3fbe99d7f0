"""Which PyTorch module a node of an exported file came from."""

from __future__ import annotations

import ast
import contextlib

from edgeprune.device.onnx.file import OnnxNode

HEAVY = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_NOTE = "edgeprune.module"
_WEIGHT = ".weight"
_SCOPES = "pkg.torch.onnx.name_scopes"


def module_of(node: OnnxNode) -> str:
    """`block1.layer.0.conv1`, as noted or from the weight or the exporter's scopes; else empty.

    The weight comes first: a batch norm that was folded into a convolution leaves it its scopes.
    """
    if _NOTE in node.metadata:
        return node.metadata[_NOTE]
    if node.op in HEAVY and len(node.inputs) > 1 and node.inputs[1].endswith(_WEIGHT):
        return node.inputs[1][: -len(_WEIGHT)]
    scopes: object = ()
    with contextlib.suppress(ValueError, SyntaxError):
        scopes = ast.literal_eval(node.metadata.get(_SCOPES, "[]"))
    # The last scope is the operation, the one before it the module that runs it.
    return str(scopes[-2]) if isinstance(scopes, list) and len(scopes) > 1 else ""
