"""What a deploy did and measured, as it is kept beside the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeprune.errors import CorruptFileError

JSON_NAME = "deploy.json"
HTML_NAME = "deploy.html"
FORMAT = "edgeprune-deploy-1"


@dataclass(frozen=True)
class Deployment:
    """A run on a board.

    Attributes:
        run: its name.
        host: the board, as the user named it.
        target: that the graphs were written for, such as `jetson-orin`.
        system: its JetPack.
        precision: of the graphs.
        probe: the board, see `edgeprune.device.probe`.
        bundle: where it lies on the board.
        bundle_bytes: of all its files.
        sent_bytes: that had to be sent; 0 where all was there already.
        models: parameters, MACs and bytes by name.
        build: the runtime, and the engines by name.
        verify: agreement with the host's outputs by name.
        bench: see `edgeprune.device.bench.result`; None where it was not asked for.
        notes: what a reader of the figures has to know.
        seconds: that the deploy took.
        made_by: edgeprune's version.
        race: sparse layers against dense ones, see `Settled`; None where none raced.
    """

    run: str
    host: str
    target: str
    system: str
    precision: str
    probe: Mapping[str, Any]
    bundle: str
    bundle_bytes: int
    sent_bytes: int
    models: Mapping[str, Mapping[str, Any]]
    build: Mapping[str, Any]
    verify: Mapping[str, Any]
    bench: Mapping[str, Any] | None
    notes: tuple[str, ...]
    seconds: float
    made_by: str
    race: Mapping[str, Any] | None = None

    def to_json(self) -> str:
        """What `deploy.json` holds."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, allow_nan=False) + "\n"


def load_deployment(path: Path) -> Deployment:
    """What `to_json` wrote.

    Raises:
        CorruptFileError: the file is damaged, or of another release.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            raise CorruptFileError(f"{path}: is of another edgeprune; deploy the run again")
        return Deployment(**{**values, "notes": tuple(values["notes"])})
    except (ValueError, KeyError, TypeError, AttributeError) as failure:
        raise CorruptFileError(f"{path}: is damaged; deploy the run again") from failure
