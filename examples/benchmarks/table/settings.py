"""What the tables are about: data, teacher, student and budget of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeprune.recipe import Control

SHARED = Path("../shared")  # research-use data and weights, beside a checkout of this project
METHOD_CONTROLS: tuple[Control, ...] = ("width", "reinit", "random-mask", "ce", "kd-only")
SIXTY_PERCENT_OFF = {"target_params": 0.4, "target_macs": 0.45}


@dataclass(frozen=True)
class Setting:
    """One table.

    Attributes:
        data: specification, see `edgeprune.data.load_data`.
        teacher_arch: of the file, or of the network that is trained where there is none.
        teacher_file: trained teacher; None trains one with `pretrain`.
        teacher_training: settings of that training.
        epochs: of the last training of every row.
        settings: of every run, on top of the preset `quick`.
        controls: trained for every method, besides the dense student with CE and with SAD.
        smaller: parameters to keep in the row that repeats the best method; None for no such row.
    """

    name: str
    data: str
    teacher_arch: str
    student: str
    epochs: int
    seeds: tuple[int, ...]
    settings: Mapping[str, Any]
    teacher_file: Path | None = None
    teacher_training: Mapping[str, Any] = field(default_factory=dict)
    controls: tuple[Control, ...] = ()
    smaller: float | None = None


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting(
            "tinyimagenet100",
            f"imagefolder:{SHARED}/data/tinyimagenet100-32px.tar",
            "wrn_40_2",
            "wrn_16_2",
            epochs=15,
            seeds=(0,),
            settings={**SIXTY_PERCENT_OFF, "round_to": 16},
            teacher_file=SHARED / "models/wrn_40_2-tinyimagenet100.pt",
            smaller=0.3,
        ),
        Setting(
            "fashion-mnist",
            "fashion-mnist",
            "wrn_16_2",
            "wrn_16_1",
            epochs=15,
            seeds=(0, 1, 2),
            settings={**SIXTY_PERCENT_OFF, "round_to": 8, "train_limit": 20_000},
            teacher_training={"epochs": 15, "train_limit": 20_000},
            controls=METHOD_CONTROLS,
        ),
        Setting(
            "digits",
            "digits",
            "wrn_16_2",
            "wrn_16_1",
            epochs=10,
            seeds=(0,),
            settings={**SIXTY_PERCENT_OFF, "round_to": 8, "batch_size": 64},
            teacher_training={"epochs": 20, "batch_size": 64},
            controls=METHOD_CONTROLS,
        ),
    )
}
