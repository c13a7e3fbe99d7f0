"""Which masked convolutions of a model file a board would run faster sparse, by the cost model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from edgeprune.device.boards import Board, find_board
from edgeprune.device.sparse.choice import Choice, choose
from edgeprune.device.sparse.conv import masked_conv
from edgeprune.errors import UserInputError
from edgeprune.export.sources import model_file
from edgeprune.models.conv_shapes import conv_shapes
from edgeprune.models.input_shape import image_shape
from edgeprune.models.inputs import InputSpec, input_specs
from edgeprune.models.inspection import run_on_sample
from edgeprune.models.load import ModelOptions, load_model

BASIS = "a model, not a measurement"


@dataclass(frozen=True)
class SparseInspection:
    """What `edgeprune inspect --sparse` tells.

    Attributes:
        source: the file.
        arch: registry name, factory or class.
        input_shape: (channels, height, width) of the one image.
        board: what the times are for.
        precision: of the values.
        choices: of every convolution, in the order in which they run.
    """

    source: str
    arch: str
    input_shape: tuple[int, int, int]
    board: Board
    precision: str
    choices: tuple[Choice, ...]

    @property
    def dense_ms(self) -> float:
        """Of all convolutions in dense TensorRT."""
        return sum(choice.dense.total_ms for choice in self.choices)

    @property
    def chosen_ms(self) -> float:
        """Of all convolutions as they are chosen."""
        return sum(choice.chosen_ms for choice in self.choices)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "basis": BASIS,
            "source": self.source,
            "arch": self.arch,
            "input_shape": list(self.input_shape),
            "board": vars(self.board),
            "precision": self.precision,
            "layers": [choice.as_dict() for choice in self.choices],
            "dense_ms": self.dense_ms,
            "chosen_ms": self.chosen_ms,
        }


def inspect_sparse(
    source: Path,
    board: str,
    precision: str = "fp16",
    options: ModelOptions | None = None,
    *,
    in_channels: int | None = None,
    image_size: int | None = None,
) -> SparseInspection:
    """Apply the first gate to every convolution of a model.

    Args:
        source: a model file or a run folder.
        board: a name of `edgeprune.device.boards`.
        precision: `fp32`, `fp16` or `int8`.
        in_channels: see `image_shape`.
        image_size: see `image_shape`.

    Raises:
        UserInputError: a file that cannot be used, or that has no convolution.
        DeviceError: there is no such board or precision.
    """
    target = find_board(board, "--sparse")
    path = model_file(source)
    loaded = load_model(path, options or ModelOptions())
    if input_specs(loaded.module) is not None:
        raise UserInputError(f"{path}: reads ids, and has no convolution to run sparse")
    shape = image_shape(loaded, in_channels, image_size)
    shapes = run_on_sample(loaded, (InputSpec("input", "float32", shape),), conv_shapes)
    if not shapes:
        raise UserInputError(f"{path}: has no two-dimensional convolution to run sparse")
    weights = dict(loaded.module.named_parameters(remove_duplicate=False))
    layers = [masked_conv(n, s, _array(weights, n)) for n, s in shapes.items()]
    return SparseInspection(
        str(path),
        loaded.arch,
        shape,
        target,
        precision,
        tuple(choose(target, layer, precision) for layer in layers),
    )


def _array(weights: Mapping[str, Tensor], layer: str) -> NDArray[Any]:
    name = f"{layer}.weight"
    if name not in weights:
        raise UserInputError(
            f"{name}: is computed from other parameters, so no mask can be read from it; inspect "
            "the network after that reparametrisation is removed"
        )
    return weights[name].detach().cpu().numpy()
