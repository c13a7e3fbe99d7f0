"""TensorRT's own log, kept instead of printed."""

from __future__ import annotations

from typing import Any


def make_logger(module: Any) -> Any:
    """A logger that keeps errors and warnings; `errors` and `warnings` are lists of lines."""

    class Logger(module.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.errors: list[str] = []
            self.warnings: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            kinds = module.ILogger
            if severity in (kinds.ERROR, kinds.INTERNAL_ERROR):
                self.errors.append(message)
            elif severity == kinds.WARNING:
                self.warnings.append(message)

    return Logger()
