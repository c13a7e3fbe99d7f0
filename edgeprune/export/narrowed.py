"""ONNX files of a network at many widths, for measuring: exported once, then cut.

An export takes seconds and a table of costs wants dozens. Where the constants of the exported graph
carry the names of the network's tensors they are cut like those; what comes out is compared with
the narrowed network, and where it is not the same, that one is exported itself.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from edgeprune.atomic import write_bytes_atomic
from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.export.onnx import DEFAULT_TARGET, export_onnx
from edgeprune.prune.graph.types import ChannelGraph, IntArray
from edgeprune.prune.redraw import redraw_weights
from edgeprune.prune.removal import Removal, kept_positions
from edgeprune.prune.surgery import remove_channels

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

_SEED = 20261129
_FOLDED = "_bias"  # what the exporter calls the bias that a batch norm leaves in a convolution
_EQUAL = 1e-3  # of the largest output, in float32
_DEPTHWISE = "group"

Kept = Mapping[tuple[str, int], IntArray]


class NarrowedGraphs:
    """Writes a network and its narrowed versions as ONNX files.

    Weights are redrawn: no time depends on their values, but fresh zeros would be left out of the
    graph.

    Args:
        network: of `graph`; it is copied.
        graph: its channels.
        example_inputs: what it is called with.
        folder: where files go.
        target: see `export_onnx`.
    """

    def __init__(
        self,
        network: nn.Module,
        graph: ChannelGraph,
        example_inputs: tuple[Tensor, ...],
        folder: Path,
        target: str = DEFAULT_TARGET,
    ) -> None:
        self._network = copy.deepcopy(network).cpu().eval()
        redraw_weights(self._network, _SEED)
        self._graph = graph
        self._inputs = tuple(tensor.cpu() for tensor in example_inputs)
        self._folder = folder
        self._target = target
        self._dense: ModelProto | None = None

    def dense(self) -> Path:
        """The network as it is."""
        import onnx

        path = self._folder / "dense.onnx"
        if self._dense is None:
            export_onnx(self._network, self._inputs, path, target=self._target)
            self._dense = onnx.load(path)
        return path

    def narrowed(self, removal: Removal, name: str) -> Path:
        """The network without the channels, as `name`.onnx."""
        self.dense()
        assert self._dense is not None
        smaller = copy.deepcopy(self._network)
        remove_channels(smaller, self._graph, removal)
        path = self._folder / f"{name}.onnx"
        cut = _cut(self._dense, kept_positions(self._graph, removal), self._graph.tensors)
        write_bytes_atomic(path, cut.SerializeToString())
        if not self._agrees(path, smaller):
            export_onnx(smaller, self._inputs, path, target=self._target)
        return path

    def exported(self, module: nn.Module, name: str) -> Path:
        """Any network of these inputs as it is, as `name`.onnx."""
        path = self._folder / f"{name}.onnx"
        export_onnx(module.cpu(), self._inputs, path, target=self._target)
        return path

    def _agrees(self, path: Path, smaller: nn.Module) -> bool:
        with torch.no_grad():
            expected = [output.numpy() for output in tree_leaves(smaller(*self._inputs))]
        arrays = [tensor.contiguous().numpy() for tensor in self._inputs]
        try:
            with OnnxRuntimeRunner(path) as runner:
                found = runner.infer(dict(zip(runner.input_names, arrays, strict=True)))
        except DeviceUnsupportedError:
            raise
        except DeviceError:  # the cut graph does not run
            return False
        return all(
            ours.shape == theirs.shape
            and np.abs(ours - theirs).max() <= _EQUAL * np.abs(theirs).max()
            for ours, theirs in zip(found.values(), expected, strict=True)
        )


def _cut(dense: ModelProto, kept: Kept, shapes: Mapping[str, tuple[int, ...]]) -> ModelProto:
    """The graph with its constants cut like the tensors whose names they carry."""
    model = type(dense)()
    model.CopyFrom(dense)
    before = {tensor.name: tuple(tensor.dims) for tensor in dense.graph.initializer}
    for tensor in model.graph.initializer:
        axes = _axes(tensor, kept, shapes)
        if axes:
            tensor.CopyFrom(_taken(tensor, axes))
    after = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[1] in before:
            _regroup(node, before[node.input[1]], after[node.input[1]])
    _free_flattening(model)
    del model.graph.value_info[:]  # shapes of the dense network
    return model


def _free_flattening(model: ModelProto) -> None:
    """Reshapes to (-1, width), which `view` leaves, become ones to (batch, whatever is there)."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "Reshape" or node.input[1] not in constants:
            continue
        tensor = constants[node.input[1]]
        shape = numpy_helper.to_array(tensor).tolist()
        if len(shape) == 2 and shape[0] == -1:
            tensor.CopyFrom(numpy_helper.from_array(np.array([0, -1]), tensor.name))
            for attribute in node.attribute:
                if attribute.name == "allowzero":
                    attribute.i = 0


def _axes(
    tensor: TensorProto, kept: Kept, shapes: Mapping[str, tuple[int, ...]]
) -> dict[int, IntArray]:
    """What stays of a constant, by axis; empty where it is none of the network's tensors."""
    shape = tuple(tensor.dims)
    if shapes.get(tensor.name) == shape:
        return {axis: index for (name, axis), index in kept.items() if name == tensor.name}
    weight = tensor.name.removesuffix(_FOLDED)
    if weight != tensor.name and shapes.get(weight, ())[:1] == shape and (weight, 0) in kept:
        return {0: kept[weight, 0]}
    return {}


def _taken(tensor: TensorProto, axes: Mapping[int, IntArray]) -> TensorProto:
    from onnx import numpy_helper

    values = numpy_helper.to_array(tensor)
    for axis, index in axes.items():
        values = np.take(values, index, axis=axis)
    return numpy_helper.from_array(np.ascontiguousarray(values), tensor.name)


def _regroup(node: NodeProto, before: tuple[int, ...], after: tuple[int, ...]) -> None:
    """A depthwise convolution has as many groups as channels."""
    for attribute in node.attribute:
        if attribute.name == _DEPTHWISE and attribute.i > 1 and after[1] == before[1]:
            attribute.i = attribute.i * after[0] // before[0]
