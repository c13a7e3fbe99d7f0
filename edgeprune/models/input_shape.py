"""What a network takes: the shape of its images, or what it says of itself."""

from __future__ import annotations

from math import prod

from edgeprune.errors import UserInputError
from edgeprune.models.checkpoint_fields import LARGEST_IMAGE
from edgeprune.models.inputs import InputSpec, input_specs
from edgeprune.models.loaded import LoadedModel
from edgeprune.models.registry import is_known, native_image_size

_RGB = 3
_IMAGE = "input"
_NO_PIXELS = (1, 1)


def specs_of(
    loaded: LoadedModel, in_channels: int | None = None, image_size: int | None = None
) -> tuple[InputSpec, ...]:
    """What the network says of its inputs; for one that says nothing, an image called `input`.

    Raises:
        UserInputError: see `image_shape`; or a size of images for a network that takes none.
    """
    own = input_specs(loaded.module)
    if own is None:
        shape = image_shape(loaded, in_channels, image_size)
        return (InputSpec(_IMAGE, "float32", shape),)
    for option, given in (("--in-channels", in_channels), ("--image-size", image_size)):
        if given is not None:
            raise UserInputError(f"{option} {given}: {loaded.arch} takes no images; leave it out")
    return own


def image_side(
    loaded: LoadedModel, in_channels: int | None = None, image_size: int | None = None
) -> int | None:
    """Pixels that images for the network are to have; None for one that takes rows of features.

    Raises:
        UserInputError: see `image_shape`.
    """
    stored = loaded.preprocessing
    takes_rows = stored is not None and stored.image_size == _NO_PIXELS
    if input_specs(loaded.module) is not None or takes_rows:
        return None
    return image_shape(loaded, in_channels, image_size)[1]


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
