"""The table of targets: what it says, and how wrong names are refused."""

from __future__ import annotations

import pytest

from edgeprune.device.targets import UnknownTargetError, find_target, target_names


def test_every_target_has_a_usual_system_and_a_readable_label() -> None:
    for name in target_names():
        target = find_target(name)
        assert target.opset >= 17
        assert target.label.startswith(name)


@pytest.mark.parametrize(
    ("name", "jetpack", "tensorrt", "opset", "sm"),
    [
        ("jetson-orin", None, (10, 3), 20, "87"),
        ("jetson-orin", "5", (8, 5), 17, "87"),
        ("jetson-orin", "6.0", (8, 6), 17, "87"),
        ("jetson-xavier", None, (8, 5), 17, "72"),
        ("jetson-thor", None, (10, 16), 24, "110"),
        ("cpu", None, None, 18, None),
    ],
)
def test_boards_have_what_their_jetpack_has(
    name: str,
    jetpack: str | None,
    tensorrt: tuple[int, int] | None,
    opset: int,
    sm: str | None,
) -> None:
    target = find_target(name, jetpack)
    assert (target.tensorrt_release, target.opset, target.sm) == (tensorrt, opset, sm)


@pytest.mark.parametrize(
    ("name", "jetpack", "text"),
    [
        ("jetson", None, "use cpu, rtx, jetson-orin"),
        ("jetson-xavier", "6", "for jetson-xavier there is 5"),
        ("cpu", "6", "leave it out"),
        ("rtx", "tensorrt-rtx", "leave it out"),
    ],
)
def test_what_does_not_exist_is_refused(name: str, jetpack: str | None, text: str) -> None:
    with pytest.raises(UnknownTargetError, match=text) as refusal:
        find_target(name, jetpack)
    assert refusal.value.exit_code == 2
