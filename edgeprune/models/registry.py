"""Networks by name: our zoo for small images, films and ratings, and torchvision's models."""

from __future__ import annotations

import difflib
import functools
import importlib
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.models import mobilenet, resnet, vgg
from edgeprune.models.dlrm import Dlrm
from edgeprune.models.movie_cnn import MovieCnn
from edgeprune.models.neumf import NeuMf
from edgeprune.models.wrn import WideResNet
from edgeprune.wording import shown

_WRN = re.compile(r"wrn_([1-9]\d{0,2})_([1-9]\d?)")
_LISTED_WRN: Final = ("wrn_10_1", "wrn_16_1", "wrn_16_2", "wrn_28_10", "wrn_40_1", "wrn_40_2")
_MOVIE_CNN = re.compile(r"movie_cnn(?:_([1-9])_([1-9]\d{0,2}))?")
_LISTED_MOVIE_CNN: Final = ("movie_cnn", "movie_cnn_1_16", "movie_cnn_1_32")
_MOVIE_CNN_SIZE: Final = (2, 16)  # of the name alone: blocks per stage, channels
_RECOMMENDER = re.compile(r"(neumf|dlrm)(?:_(small|[1-9]\d{0,2}))?")
_LISTED_RECOMMENDERS: Final = ("neumf", "neumf_small", "dlrm", "dlrm_small")
_RECOMMENDERS: Final[dict[str, tuple[Callable[..., nn.Module], dict[str, int]]]] = {
    # Widths of the name alone and of the small one.
    "neumf": (NeuMf, {"": 16, "small": 8}),
    "dlrm": (Dlrm, {"": 32, "small": 16}),
}
_ZOO: Final[dict[str, Callable[..., nn.Module]]] = {
    **resnet.BUILDERS,
    **vgg.BUILDERS,
    **mobilenet.BUILDERS,
}
_ZOO_IMAGE_SIZE: Final = 32


def build_model(
    arch: str, *, num_classes: int, in_channels: int = 3, **arch_args: Any
) -> nn.Module:
    """Return the network called `arch` with fresh weights.

    Args:
        arch: `wrn_D_K`, another zoo name, or a torchvision model's name (see `list_archs`).
        num_classes: width of the output.
        in_channels: channels of the input images; 1 for grey ones.
        **arch_args: further plain settings of that architecture, such as `image_size` of a ViT.

    Raises:
        UserInputError: an unknown name (near matches are named), or settings it does not take.
    """
    _require_positive("num_classes", num_classes)
    _require_positive("in_channels", in_channels)
    builder = _builder(arch)
    if builder is None:
        raise UserInputError(f"unknown architecture {shown(arch)!r}{_suggestion(arch)}")
    if "rows" in arch_args and not reads_ids(arch):
        raise UserInputError(
            f"architecture '{arch}' does not read users and items; use neumf, or dlrm with "
            "+features"
        )
    try:
        return builder(num_classes=num_classes, in_channels=in_channels, **arch_args)
    except (TypeError, ValueError) as error:
        raise UserInputError(f"architecture '{arch}' cannot be built: {error}") from error


def list_archs() -> tuple[str, ...]:
    """Return every name `build_model` knows; others of `wrn_D_K` (D = 6n + 4), of
    `movie_cnn_DEPTH_WIDTH`, `neumf_FACTORS` and `dlrm_WIDTH` work too.
    """
    own = (*_LISTED_WRN, *_LISTED_MOVIE_CNN, *_LISTED_RECOMMENDERS, *_ZOO)
    return (*own, *sorted(_torchvision_nets().names()))


def list_zoo_images() -> tuple[str, ...]:
    """Return the names of our own networks for images, a part of `list_archs`."""
    return (*_LISTED_WRN, *_ZOO)


def is_known(arch: str) -> bool:
    """Tell whether `build_model` knows the name."""
    return _builder(arch) is not None


def reads_ids(arch: str) -> bool:
    """Tell whether a name is that of a network of users and items."""
    return _RECOMMENDER.fullmatch(arch) is not None


def native_image_size(arch: str) -> int:
    """Return the side in pixels of the square images that `arch` is usually trained on."""
    if _MOVIE_CNN.fullmatch(arch) or reads_ids(arch):
        return 1
    if arch in _ZOO or _WRN.fullmatch(arch):
        return _ZOO_IMAGE_SIZE
    return int(_torchvision_nets().native_image_size(arch))


def _torchvision_nets() -> ModuleType:
    # Importing torchvision doubles the start-up time; our own networks do without.
    return importlib.import_module("edgeprune.models.torchvision_nets")


def _builder(arch: str) -> Callable[..., nn.Module] | None:
    match = _WRN.fullmatch(arch)
    if match:
        return functools.partial(WideResNet, int(match[1]), int(match[2]))
    match = _MOVIE_CNN.fullmatch(arch)
    if match:
        size = (int(match[1]), int(match[2])) if match[1] else _MOVIE_CNN_SIZE
        return functools.partial(MovieCnn, *size)
    match = _RECOMMENDER.fullmatch(arch)
    if match:
        return _recommender(match[1], match[2] or "")
    if arch in _ZOO:
        return _ZOO[arch]
    nets = _torchvision_nets()
    return functools.partial(nets.build, arch) if arch in nets.names() else None


def _recommender(kind: str, size: str) -> Callable[..., nn.Module]:
    network, widths = _RECOMMENDERS[kind]
    width = int(size) if size.isdecimal() else widths[size]

    def build(**settings: Any) -> nn.Module:
        if "rows" not in settings:
            raise ValueError("it needs users and items: give --data ratings:DIR")
        if kind == "dlrm" and "dense" not in settings:
            raise ValueError("it reads features as well as ids: give --data ratings:DIR+features")
        if kind == "dlrm" and "bag_rows" not in settings:
            raise ValueError("it reads a bag of words: .item needs a token_seq column, as genres")
        return network(width, **settings)

    return build


def _suggestion(arch: str) -> str:
    near = difflib.get_close_matches(arch[:80].lower(), list_archs(), n=3, cutoff=0.5)
    return (
        f"; did you mean {', '.join(near)}?" if near else "; `edgeprune inspect --help` lists names"
    )


def _require_positive(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1_000_000:
        raise UserInputError(f"{name} must be a whole number from 1 to 1000000, not {shown(value)}")
