"""The FP32 graphs that a network gives now, for comparing those of FP16 and INT8 with."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import torch
from torch import nn

from edgeprune.errors import EdgepruneError
from edgeprune.export.compare import onnx_max_abs_error
from edgeprune.export.onnx import export_onnx
from edgeprune.export.onnx_graph import opset_of
from edgeprune.verify.graphs import GraphFile
from edgeprune.verify.networks import Inputs

if TYPE_CHECKING:
    from onnx import ModelProto

_FAITHFUL = 1e-3  # of outputs; a graph exported just now is nearer by a factor of a thousand
_BOARDS = "jetson"


class Fp32Graphs:
    """A network's graphs, each exported once: those of FP16 and INT8 for one target share it.

    Attributes:
        module: the network, in evaluation mode.
    """

    def __init__(self, module: nn.Module, example: Inputs) -> None:
        self.module = module
        self._inputs = tuple(torch.from_numpy(array) for array in example)
        self._made: dict[tuple[str, str | None, int], ModelProto | None] = {}

    def exact(self, graph: GraphFile) -> ModelProto | None:
        """The graph in FP32 for the same target, system and opset; not to be changed.

        None where it cannot be made or does not do what PyTorch does.
        """
        about = graph.metadata or {}
        target = str(about.get("target", "cpu"))
        system = about.get("system") if target.startswith(_BOARDS) else None
        key = (target, system, opset_of(graph.model))
        if key not in self._made:
            self._made[key] = self._exported(*key)
        return self._made[key]

    def _exported(self, target: str, system: str | None, opset: int) -> ModelProto | None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "fp32.onnx"
            try:
                export_onnx(
                    self.module, self._inputs, path, target=target, jetpack=system, opset=opset
                )
                faithful = onnx_max_abs_error(path, self.module, [self._inputs]) <= _FAITHFUL
            except EdgepruneError:
                return None
            return onnx.load(path) if faithful else None
