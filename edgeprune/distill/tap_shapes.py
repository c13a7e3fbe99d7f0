"""What shapes a tap may have, and the errors when it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edgeprune.errors import UserInputError

_KINDS: Final = {2: "vector", 3: "stack", 4: "map"}
REMEDY: Final = "pass --set teacher_taps=... and --set student_taps=... (module paths)"


def channels_of(shape: tuple[int, ...]) -> int:
    """C of a tap: the last axis of (B, C) and (B, P, C), the second of (B, C, H, W)."""
    return shape[1] if len(shape) == 4 else shape[-1]


def positions_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(H, W) of a map, (P,) of a stack, () of a vector."""
    return shape[2:] if len(shape) == 4 else shape[1:-1]


def check_shape(shape: tuple[int, ...], name: str, channels: int | None = None) -> None:
    """Refuse what distillation cannot use.

    Args:
        shape: of the features, batch first.
        name: of the tap, for the message.
        channels: C that is expected, if any.

    Raises:
        UserInputError: neither map, stack nor vector; a single position; or another C.
    """
    if len(shape) not in _KINDS:
        raise UserInputError(
            f"{name} has shape {shape}: a tap is (B, C, H, W), (B, positions, C) or (B, C); "
            f"{REMEDY}"
        )
    if positions_of(shape) and max(positions_of(shape)) == 1:
        raise UserInputError(
            f"{name} has a single position {positions_of(shape)}: its loss would be zero whatever "
            f"the weights; {REMEDY} of larger maps, or a larger --set image_size=..."
        )
    if channels is not None and channels_of(shape) != channels:
        raise UserInputError(
            f"{name} has {channels_of(shape)} channels and the attention head expects {channels}: "
            "call shrink_key after pruning the student"
        )


def check_kinds(
    teacher_shapes: Sequence[tuple[int, ...]], student_shapes: Sequence[tuple[int, ...]]
) -> None:
    """Refuse tap lists that are empty, unusable or without a student tap for a teacher tap.

    Raises:
        UserInputError: as said.
    """
    for side, shapes in (("teacher", teacher_shapes), ("student", student_shapes)):
        if not shapes:
            raise UserInputError(f"the {side} has no taps: {REMEDY}")
        for index, shape in enumerate(shapes):
            check_shape(shape, f"{side} tap {index}")
    available = {len(shape) for shape in student_shapes}
    for index, shape in enumerate(teacher_shapes):
        if len(shape) not in available:
            raise UserInputError(
                f"teacher tap {index} is a {_KINDS[len(shape)]} and no student tap is: {REMEDY}"
            )
