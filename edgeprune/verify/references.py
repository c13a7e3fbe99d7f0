"""What the values inside a graph should be: PyTorch's activations, or the graph's in FP32."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.device.sparse.node import OP_TYPE
from edgeprune.export.node_modules import module_path
from edgeprune.export.precision.sessions import running
from edgeprune.export.precision.survey import float_values, with_outputs
from edgeprune.verify.counterparts import counterparts
from edgeprune.verify.fp32_graphs import Fp32Graphs
from edgeprune.verify.graphs import GraphFile
from edgeprune.verify.networks import Inputs

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

ComparedWith = Literal["pytorch modules", "fp32 graph"]


@dataclass(frozen=True)
class Place:
    """Where a value is computed.

    Attributes:
        layer: path of the module whose weights or operation make it; the node's name where the
            graph does not tell.
        counterpart: what it is compared with: a module's path, or the value's name.
    """

    layer: str
    counterpart: str


class Reference(Protocol):
    """What values should be."""

    @property
    def kind(self) -> ComparedWith:
        """Where it comes from."""

    @property
    def places(self) -> Mapping[str, Place]:
        """Values of the graph that can be compared, by name."""

    def values(self, inputs: Inputs) -> Mapping[str, NDArray[Any]]:
        """What they should be; some may be missing."""


class ModuleReference:
    """PyTorch's activations, where a value of the graph is a module's output."""

    kind: ComparedWith = "pytorch modules"

    def __init__(self, module: nn.Module, graph: GraphFile) -> None:
        self._module = module
        there = {path for path, _ in module.named_modules()}
        found = counterparts(graph.model)
        self.places = {
            output: Place(_layer(node), found[output])
            for node in graph.model.graph.node
            for output in node.output
            if found.get(output) in there
        }

    def values(self, inputs: Inputs) -> dict[str, NDArray[Any]]:
        """Outputs of the modules that run once and give one tensor."""
        wanted = {place.counterpart for place in self.places.values()}
        found: dict[str, list[object]] = {path: [] for path in wanted}
        with contextlib.ExitStack() as stack, torch.no_grad():
            for path in wanted:
                hook = _recorder(found[path])
                handle = self._module.get_submodule(path).register_forward_hook(hook)
                stack.callback(handle.remove)
            self._module(*(torch.from_numpy(array) for array in inputs))
        return {
            name: calls[0].numpy()
            for name, place in self.places.items()
            if len(calls := found[place.counterpart]) == 1 and isinstance(calls[0], Tensor)
        }


def _recorder(calls: list[object]) -> Any:
    def hook(_module: nn.Module, _inputs: object, output: object) -> None:
        # A copy: what follows may change the tensor in place, as an activation does.
        calls.append(output.clone() if isinstance(output, Tensor) else None)

    return hook


class GraphReference:
    """The values of the same graph in FP32, by name: writing a precision keeps the names."""

    kind: ComparedWith = "fp32 graph"

    def __init__(self, runner: OnnxRuntimeRunner, exact: ModelProto, graph: GraphFile) -> None:
        self._runner = runner
        makers = _makers(exact)
        ends = {value.name for value in graph.model.graph.output}
        self.places = {
            output: Place(_layer(makers[output]), output)
            for node in graph.model.graph.node
            for output in node.output
            if output in makers and (output in ends or _is_same(node, makers[output]))
        }

    def values(self, inputs: Inputs) -> dict[str, NDArray[Any]]:
        """Of all places."""
        outputs = self._runner.infer(dict(zip(self._runner.input_names, inputs, strict=True)))
        return {name: values for name, values in outputs.items() if name in self.places}


@contextlib.contextmanager
def reference_for(graph: GraphFile, graphs: Fp32Graphs) -> Iterator[Reference]:
    """What a graph's values are to be compared with.

    A graph of FP32 is compared with PyTorch. One of FP16 or INT8 is compared with the FP32 graph
    that the network gives now, in which every value has its counterpart; with PyTorch where that
    one cannot be made or does not do what PyTorch does.
    """
    model = None if graph.precision == "fp32" else graphs.exact(graph)
    if model is None:
        yield ModuleReference(graphs.module, graph)
        return
    with running(with_outputs(model, float_values(model))) as runner:
        yield GraphReference(runner, model, graph)


def _makers(model: ModelProto) -> dict[str, NodeProto]:
    names = set(float_values(model))
    return {name: node for node in model.graph.node for name in node.output if name in names}


def _is_same(one: NodeProto, other: NodeProto) -> bool:
    """Whether a node is the other in another precision; names alone may be another exporter's.

    A sparse convolution has the name of the last node that it stands for.
    """
    if one.op_type == OP_TYPE:
        return one.name == other.name
    return (one.name, one.op_type, module_path(one)) == (
        other.name,
        other.op_type,
        module_path(other),
    )


def _layer(node: NodeProto) -> str:
    return module_path(node) or node.name or node.op_type
