"""One answer of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "limited", "missing"]
Area = Literal["core", "hardware", "extras", "tools", "sensors"]


@dataclass(frozen=True)
class Finding:
    """Whether something is there.

    Attributes:
        area: what it belongs to; a missing `core` finding keeps edgeprune from working.
        name: what was looked for.
        status: `limited` means it works with the restriction that `detail` names.
        detail: what was found.
        remedy: what to do about it; empty when nothing needs doing.
    """

    area: Area
    name: str
    status: Status
    detail: str
    remedy: str = ""
