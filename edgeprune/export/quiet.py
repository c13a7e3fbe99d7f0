"""Keeps what the exporter prints, warns and logs off the terminal, at hand for errors."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

_PACKAGES = ("torch", "onnxscript", "onnx_ir", "onnx")


@contextlib.contextmanager
def captured_output() -> Iterator[io.StringIO]:
    """Collect what Python code prints, warns or logs inside the with statement.

    Yields:
        The text so far. Handlers, warning filters and streams are as before on exit.
    """
    text = io.StringIO()
    with (
        contextlib.redirect_stdout(text),
        contextlib.redirect_stderr(text),
        _captured_logs(logging.StreamHandler(text)),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        try:
            yield text
        finally:
            text.writelines(
                f"{warning.category.__name__}: {warning.message}\n" for warning in caught
            )


@contextlib.contextmanager
def _captured_logs(handler: logging.Handler) -> Iterator[None]:
    """Send the logs of the exporter's packages to `handler` only."""
    loggers = [*map(logging.getLogger, _PACKAGES), *_loggers_with_handlers()]
    before = [(logger, logger.handlers, logger.propagate) for logger in dict.fromkeys(loggers)]
    for logger, _, _ in before:
        logger.handlers = [handler]
        logger.propagate = False
    try:
        yield
    finally:
        for logger, handlers, propagate in before:
            logger.handlers = handlers
            logger.propagate = propagate


def _loggers_with_handlers() -> Iterator[logging.Logger]:
    for name, logger in list(logging.root.manager.loggerDict.items()):
        ours = name.partition(".")[0] in _PACKAGES
        if ours and isinstance(logger, logging.Logger) and logger.handlers:
            yield logger
