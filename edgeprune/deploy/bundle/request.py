"""What the user decides about the graphs of a bundle."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeprune.device.tensorrt.key import file_digest
from edgeprune.export.precision.request import PrecisionRequest
from edgeprune.export.sparse.choice import OFF


@dataclass(frozen=True)
class BundleRequest:
    """How a run is exported for a board.

    Attributes:
        precision: of the graphs.
        sparse: see `export_file`.
        race: whether sparse layers race with dense ones on the board, see `deploy.racing`.
        back: layers that lost such a race; nothing races again.
        data: whose validation images are the references, and what FP16 and INT8 are chosen on; None
            for the run's own.
        dense: whether the student's architecture before pruning goes along, to be measured beside.
        plugin: library of the sparse convolution, built for the board before; None for its source,
            which the board compiles.
        image_size: side in pixels, where the file does not tell.
        in_channels: of the images, where the file does not tell.
    """

    precision: PrecisionRequest = field(default_factory=PrecisionRequest)
    sparse: str = OFF
    race: bool = True
    back: tuple[str, ...] = ()
    data: str | None = None
    dense: bool = True
    plugin: Path | None = None
    image_size: int | None = None
    in_channels: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a key."""
        values = asdict(self)
        if self.plugin is not None:
            values["plugin"] = file_digest(self.plugin)
        return values
