"""Failures on the device, one line each.

This package stands alone, so it cannot use `edgeprune.errors`; `exit_code` means the same there.
"""

from __future__ import annotations


class DeviceError(Exception):
    """A measurement or inference that cannot be done as asked; exit code 1."""

    exit_code = 1


class DeviceUnsupportedError(DeviceError):
    """This device lacks the library or hardware that is needed; exit code 5."""

    exit_code = 5
