"""report.json as an object: what a run did, reached and measured."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn, get_type_hints

from edgeprune.errors import CorruptFileError, UserInputError
from edgeprune.report.shapes import (
    ControlFigures,
    EquivalenceFigures,
    KnownExtras,
    NetworkFigures,
    OnnxFigures,
    Percentiles,
    SeedRun,
    SkippedLayer,
    StudentFigures,
    Target,
)

REPORT_NAME = "report.json"


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """The figures of one run; a field is None where a figure was not measured.

    Attributes:
        epochs: of the delivered network's last training.
        search_epochs: of everything before it; a part of an epoch counts as that part.
        teacher: size and test metric; `metric` is the figure named by `extra["metric"]`, for
            classification the top-1 accuracy in percent.
        size_reduction: physical, 1 - student's parameters / dense student's.
        mac_reduction: the same of multiply-accumulates.
        latency_ms: by network name (`teacher`, `dense_student`, `student`), measured in one run.
        train_seconds: of all stages; None with a reason in `extra["missing"]`.
        train_energy_j: measured joules; None with a reason in `extra["missing"]`.
        versions: of the software, the CPU and the thread count.
        extra: further keys of the file (see `shapes.KnownExtras` for those the report shows).
    """

    method: str
    preset: str
    seed: int
    epochs: int
    search_epochs: float
    teacher: NetworkFigures
    dense_student: NetworkFigures
    student: StudentFigures
    size_reduction: float
    mac_reduction: float
    target: Target | None
    equivalence: EquivalenceFigures | None
    skipped: Sequence[SkippedLayer]
    onnx: OnnxFigures | None
    latency_ms: Mapping[str, Percentiles | None] | None
    train_seconds: float | None
    train_energy_j: float | None
    controls: Sequence[ControlFigures]
    seed_runs: Sequence[SeedRun]
    versions: Mapping[str, Any]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The content of report.json; `extra`'s keys stand beside the others."""
        known = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {**known.pop("extra"), **known}

    def to_json(self) -> str:
        """The text of report.json.

        Raises:
            ValueError: a figure is NaN or infinite, which JSON cannot hold.
        """
        return json.dumps(self.as_dict(), indent=1, allow_nan=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes, source: str = REPORT_NAME) -> RunReport:
        """Read the text of a report.json.

        Args:
            source: the file, for messages.

        Raises:
            CorruptFileError: the text has another shape; the line names the first wrong key.
        """
        values = _parse(text, source)
        hints = get_type_hints(cls)
        del hints["extra"]
        for name in hints:
            if name not in values:
                raise CorruptFileError(f"{source}: key '{name}' is missing; {_REMEDY}")
        known = {name: _checked(hint, values.pop(name), name, source)
                 for name, hint in hints.items()}  # fmt: skip
        return cls(**known, extra=_checked(KnownExtras, values, "", source))


def load_report(path: str | os.PathLike[str]) -> RunReport:
    """Read a run's report.

    Args:
        path: the run folder or its report.json.

    Raises:
        UserInputError: there is no report.
        CorruptFileError: the file is not a report.
    """
    file = report_file(path)
    try:
        return RunReport.from_json(file.read_bytes(), str(file))
    except FileNotFoundError as failure:
        raise UserInputError(_absent(Path(path))) from failure
    except OSError as failure:
        raise UserInputError(f"{file} cannot be read: {failure.strerror}") from failure


def report_file(path: str | os.PathLike[str]) -> Path:
    """The report.json of a run that is named by its folder or by that file."""
    given = Path(path)
    return given / REPORT_NAME if given.is_dir() or given.suffix != ".json" else given


_REMEDY = "name a run of edgeprune compress"


def _absent(path: Path) -> str:
    if not path.exists():
        return f"{path}: no such run; name a run folder of edgeprune compress"
    return (
        f"{path}: no {REPORT_NAME} in there; an unfinished run is finished by giving its command "
        "again"
    )


def _parse(text: str | bytes, source: str) -> dict[str, Any]:
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as failure:
        raise CorruptFileError(f"{source} is not JSON ({failure}); {_REMEDY}") from failure
    if not isinstance(values, dict):
        raise CorruptFileError(f"{source} holds no JSON object; {_REMEDY}")
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a figure")


def _checked(hint: Any, value: Any, name: str, source: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(hint).validate_python(value, strict=True)
    except ValidationError as failure:
        first = failure.errors()[0]
        where = ".".join(str(part) for part in (name, *first["loc"]) if part != "")
        raise CorruptFileError(f"{source}: {where}: {first['msg']}; {_REMEDY}") from failure
