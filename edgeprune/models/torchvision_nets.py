"""torchvision's classification and segmentation models by name, always with fresh weights."""

from __future__ import annotations

import functools
from typing import Any, Final

import torchvision
from torch import nn

from edgeprune.wording import shown

_RGB: Final = 3
_DEFAULT_IMAGE_SIZE: Final = 224
_IMAGE_SIZES: Final = {"inception_v3": 299}
# A file may ask for these too, so none of them names code or costs memory by itself.
_SETTINGS: Final[dict[str, type]] = {
    "aux_logits": bool,
    "aux_loss": bool,
    "transform_input": bool,
    "image_size": int,
    "width_mult": float,
    "width_per_group": int,
    "dropout": float,
    "attention_dropout": float,
    "stochastic_depth_prob": float,
    "drop_rate": float,
}
_LARGEST_SETTING: Final = 65536
# Training must return logits alone, and the scipy-free initialisation is the one to ask for.
_WITH_AUXILIARY_HEADS: Final = ("googlenet", "inception_v3")


@functools.cache
def names() -> frozenset[str]:
    """Return the names of torchvision's float classification and segmentation models."""
    models = torchvision.models
    return frozenset(models.list_models(models)) | _segmentation_names()


def native_image_size(arch: str) -> int:
    """Return the side in pixels of the images torchvision trained `arch` on."""
    return _IMAGE_SIZES.get(arch, _DEFAULT_IMAGE_SIZE)


def build(arch: str, *, num_classes: int, in_channels: int, **settings: Any) -> nn.Module:
    """Build a torchvision model; GoogLeNet and Inception get auxiliary heads only when asked.

    Their published weights expect inputs normalised with mean 0.5 and std 0.5.

    Raises:
        ValueError: a setting that is not in `_SETTINGS`; weights are never fetched.
        TypeError: a setting that this model does not take.
    """
    _refuse_others(settings)
    model: nn.Module = torchvision.models.get_model(
        arch, weights=None, num_classes=num_classes, **{**_defaults(arch), **settings}
    )
    if in_channels != _RGB:
        _replace_input_convolution(model, in_channels)
    return model


@functools.cache
def _segmentation_names() -> frozenset[str]:
    return frozenset(torchvision.models.list_models(torchvision.models.segmentation))


def _defaults(arch: str) -> dict[str, Any]:
    if arch in _WITH_AUXILIARY_HEADS:
        return {"aux_logits": False, "init_weights": True}
    if arch in _segmentation_names():
        return {"weights_backbone": None}
    return {}


def _refuse_others(settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        if name not in _SETTINGS:
            raise ValueError(f"setting '{shown(name)}' is not one of {', '.join(_SETTINGS)}")
        wanted = _SETTINGS[name]
        number = value if isinstance(value, (int, float)) else -1
        fits = type(value) is wanted or (wanted is float and type(value) is int)
        if not fits or not 0 <= number <= _LARGEST_SETTING:
            raise ValueError(f"setting '{shown(name)}' cannot be {shown(value)}")


def _replace_input_convolution(model: nn.Module, in_channels: int) -> None:
    path, old = next(
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d) and module.in_channels == _RGB
    )
    new = nn.Conv2d(
        in_channels,
        old.out_channels,
        (old.kernel_size[0], old.kernel_size[1]),
        (old.stride[0], old.stride[1]),
        old.padding if isinstance(old.padding, str) else (old.padding[0], old.padding[1]),
        bias=old.bias is not None,
    )
    model.set_submodule(path, new)
