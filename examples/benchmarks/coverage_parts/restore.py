"""A process that never pruned anything restores a checkpoint and runs it.

`python -m coverage_parts.restore NAME CHECKPOINT OUTPUTS` writes the outputs as `npz`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from coverage_parts.subjects import arrays_of, is_registered, subject
from edgeprune.models.checkpoint import load_checkpoint
from edgeprune.models.restore import restore_model


def main(name: str, checkpoint: Path, outputs: Path) -> None:
    """Restore, check that no surgery code is here, run."""
    whole, example = subject(name)
    model = restore_model(
        load_checkpoint(checkpoint), None if is_registered(name) else (lambda: whole)
    )
    assert "edgeprune.prune.surgery" not in sys.modules, "restoring took surgery code"
    with torch.no_grad():
        np.savez(outputs, *arrays_of(model(example)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
