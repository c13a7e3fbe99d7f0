"""What the user asks of an export's precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from edgeprune.errors import UserInputError
from edgeprune.export.precision.calibration import require_method
from edgeprune.export.precision.convert import PrecisionName


@dataclass(frozen=True)
class PrecisionRequest:
    """Precision, and how it is reached.

    Attributes:
        name: `fp32`, `fp16` or `int8`.
        calibration: how INT8's scales are chosen, see `calibration.METHODS`.
        samples: training images that it looks at.
        max_accuracy_drop: points of top-1 on the validation split that INT8 may cost; layers go
            back to floating point until it holds.
        ends: INT8 for the layers that read the input and give the output too.
    """

    name: PrecisionName = "fp32"
    calibration: str = "auto"
    samples: int = 512
    max_accuracy_drop: float = 0.5
    ends: bool = False

    def __post_init__(self) -> None:
        if self.name not in get_args(PrecisionName):
            raise UserInputError(
                f"--precision {self.name}: use {', '.join(get_args(PrecisionName))}"
            )
        require_method(self.calibration)
        if self.samples < 1:
            raise UserInputError(f"--calibration-samples {self.samples}: use 1 or more")
        if not 0 <= self.max_accuracy_drop <= 100:
            raise UserInputError(
                f"--max-accuracy-drop {self.max_accuracy_drop:g}: give points from 0 to 100"
            )
