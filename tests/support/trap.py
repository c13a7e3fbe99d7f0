"""Files that run something when they are unpickled."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn


class Trap:
    """Creates the folder `marker` when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        """What pickle calls."""
        return (os.mkdir, (str(self.marker),))


def exported_trap(folder: Path, trap: Trap) -> Path:
    """A real exported program in `folder` whose sample inputs, a pickle inside, are the trap."""
    sound, bad, hidden = folder / "sound.pt2", folder / "trap.pt2", io.BytesIO()
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)), sound)
    torch.save(trap, hidden)
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(bad, "w") as new:
        for entry in old.infolist():
            swap = entry.filename.endswith("model.pt")
            new.writestr(entry.filename, hidden.getvalue() if swap else old.read(entry))
    return bad
