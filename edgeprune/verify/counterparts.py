"""Which value of a graph is the output of which PyTorch module.

The exporter notes on each node the modules that run it. A value is taken for a module's output only
where nothing else can be: the module has exactly one value that nodes outside of it read, and no
node outside of it reads its weights. The second rules out folding: a batch norm that was folded
into the convolution before it leaves a node that belongs to the norm, with the convolution's
weights; its value is the norm's output, and the convolution's own output is nowhere in the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeprune.export.node_modules import module_path, module_scopes
from edgeprune.verify.values import ROUNDING, activations

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


def counterparts(model: ModelProto) -> dict[str, str]:
    """Values of a graph by name, and the innermost module that each is the output of.

    The network itself has an empty path.
    """
    reader = _Reader(model)
    leaving: dict[str, list[str]] = {}
    unsure: set[str] = set()
    for node in model.graph.node:
        scopes = module_scopes(node)
        unsure |= reader.modules_read_from_outside(node, scopes)
        for name in node.output:
            if not reader.is_activation(name):
                continue
            for module in scopes:
                readers = reader.scopes_of_readers(name)
                if None in readers:
                    unsure.add(module)
                if any(other is not None and module not in other for other in readers):
                    leaving.setdefault(module, []).append(name)
    found: dict[str, str] = {}
    for module, names in leaving.items():
        if len(names) == 1 and module not in unsure:
            found[names[0]] = max(found.get(names[0], ""), module, key=len)
    return found


class _Reader:
    def __init__(self, model: ModelProto) -> None:
        self._activations = frozenset(activations(model))
        self._outputs = {value.name for value in model.graph.output}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def is_activation(self, name: str) -> bool:
        return name in self._activations

    def scopes_of_readers(self, name: str) -> list[tuple[str, ...] | None]:
        """Modules of each node that reads a value; none for the graph's end, None if unknown."""
        found: list[tuple[str, ...] | None] = [()] if name in self._outputs else []
        for node in self._readers.get(name, []):
            scopes = module_scopes(node)
            if not scopes and node.op_type in ROUNDING:
                found += [s for output in node.output for s in self.scopes_of_readers(output)]
            else:
                found.append(scopes or None)
        return found

    def modules_read_from_outside(self, node: NodeProto, scopes: tuple[str, ...]) -> set[str]:
        """Modules whose weight a node reads although it does not belong to them."""
        parts = module_path(node).split(".") if scopes else []
        owners = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
        return owners - set(scopes)
