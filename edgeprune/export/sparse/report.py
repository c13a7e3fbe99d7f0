"""What became sparse in an export, what it saves, and what did not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Runtime = Literal["ONNX Runtime", "onnx's reference evaluator"]


@dataclass(frozen=True)
class SparseLayer:
    """One convolution.

    Attributes:
        name: PyTorch module.
        sparse: whether it became sparse.
        reason: why, or why not.
        density: share of its weights that are not zero; None where they are not known.
        vector: V that suits its mask; None where nothing is zero or it cannot become sparse.
        channel_tile: CT, likewise.
        bytes_dense: of its weight.
        bytes_sparse: of the packed weight; None as for `vector`.
    """

    name: str
    sparse: bool
    reason: str
    density: float | None
    vector: int | None
    channel_tile: int | None
    bytes_dense: int | None
    bytes_sparse: int | None


@dataclass(frozen=True)
class SparseReport:
    """A sparse export against the same graph before.

    Attributes:
        layers: all convolutions, in the graph's order.
        bytes_dense: of the file before.
        bytes_sparse: of the file.
        max_abs_error: largest difference of the outputs from those of the graph before.
        runtime: where the sparse graph ran for that.
        remark: why it did not run in ONNX Runtime; empty where it did.
    """

    layers: tuple[SparseLayer, ...]
    bytes_dense: int
    bytes_sparse: int
    max_abs_error: float
    runtime: Runtime
    remark: str

    @property
    def any(self) -> bool:
        """Whether a layer became sparse."""
        return any(layer.sparse for layer in self.layers)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        chosen = [layer for layer in self.layers if layer.sparse]
        head = (
            f"sparse: {len(chosen)} of {len(self.layers)} convolutions, "
            f"{self.bytes_sparse / max(self.bytes_dense, 1):.0%} of the dense file's bytes"
        )
        if chosen:
            head += f"; at most {self.max_abs_error:.1e} from it in {self.runtime}"
        if self.remark:
            head += f" ({self.remark})"
        return [head, *(_line(layer) for layer in self.layers)]


def _line(layer: SparseLayer) -> str:
    state = "sparse" if layer.sparse else "dense"
    if layer.vector is None:
        return f"  {layer.name}: {state}, {layer.reason}"
    return (
        f"  {layer.name}: {state}, {layer.reason}; V {layer.vector}, CT {layer.channel_tile}, "
        f"{layer.bytes_dense} -> {layer.bytes_sparse} bytes"
    )
