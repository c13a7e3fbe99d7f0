"""Bundles that cannot be used."""

from __future__ import annotations

from edgeprune.device.errors import DeviceError


class BundleError(DeviceError):
    """A bundle that is missing, damaged or of another release, or input it does not take.

    Exit code 2.
    """

    exit_code = 2
