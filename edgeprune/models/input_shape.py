"""The shape of the images that a network takes."""

from __future__ import annotations

from math import prod

from edgeprune.errors import UserInputError
from edgeprune.models.checkpoint_fields import LARGEST_IMAGE
from edgeprune.models.loaded import LoadedModel
from edgeprune.models.registry import is_known, native_image_size

_RGB = 3


def image_shape(
    loaded: LoadedModel, in_channels: int | None = None, image_size: int | None = None
) -> tuple[int, int, int]:
    """(channels, height, width), from what the user says, the file or the architecture.

    Args:
        loaded: the network.
        in_channels: the user's word; must not contradict the file's.
        image_size: the user's word, for both sides; goes before the file's.

    Raises:
        UserInputError: the file says otherwise, or nothing says how large the images are.
    """
    stored = loaded.preprocessing
    known = loaded.arch_args.get("in_channels") or (stored.channels if stored else None)
    require_same("--in-channels", in_channels, known)
    side: tuple[int, int]
    if image_size is not None:
        side = (image_size, image_size)
    elif stored is not None:
        side = stored.image_size
    elif is_known(loaded.arch):
        side = (native_image_size(loaded.arch),) * 2
    else:
        raise UserInputError(f"--image-size is needed: nothing says what {loaded.arch} takes")
    shape = (int(known or in_channels or _RGB), *side)
    if prod(shape) > LARGEST_IMAGE:
        raise UserInputError(f"--image-size {side[1]}: larger than any image; give the real size")
    return shape


def require_same(option: str, asked: int | None, found: int | None) -> None:
    """Refuse a number that contradicts what the network has."""
    if asked is not None and found is not None and asked != found:
        raise UserInputError(f"{option} {asked}: the network has {found}; leave the option out")
