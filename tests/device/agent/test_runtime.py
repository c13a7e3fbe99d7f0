"""Which runtime a bundle is run with where nobody says so."""

from __future__ import annotations

import pytest

from edgeprune.device.agent.events import Silent
from edgeprune.device.agent.runtime import choose_runtime
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.probe.software import Software

_PLAIN = Software("3.10", "1.26", None, False, None, "1.20", None, "x86_64")


def test_a_bundle_for_cpus_runs_in_onnxruntime() -> None:
    assert choose_runtime("auto", _PLAIN, Silent(), "onnxruntime") == "onnxruntime"


def test_a_bundle_for_a_board_does_not_fall_back_to_it() -> None:
    with pytest.raises(DeviceUnsupportedError, match="there is no trtexec"):
        choose_runtime("auto", _PLAIN, Silent(), "6")


def test_what_is_asked_for_is_kept() -> None:
    with pytest.raises(DeviceUnsupportedError, match="Python has no tensorrt"):
        choose_runtime("tensorrt", _PLAIN, Silent(), "onnxruntime")
