"""How stored pixels become a network's input; plain values that travel inside checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from edgeprune.data.memory_format import in_format
from edgeprune.errors import UserInputError


@dataclass(frozen=True)
class Preprocessing:
    """Normalisation and size of a network's images.

    Attributes:
        mean: per channel, of images scaled to [0, 1].
        std: per channel, of images scaled to [0, 1].
        image_size: (height, width) in pixels.
        channels: 1 or 3 for images; any positive number is allowed.

    Raises:
        UserInputError: when the values contradict each other or are not finite and positive.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: tuple[int, int]
    channels: int

    def __post_init__(self) -> None:
        fault = _fault(self)
        if fault:
            raise UserInputError(f"preprocessing: {fault}")

    def normalise(self, images_uint8: Tensor) -> Tensor:
        """Turn uint8 (N, C, H, W) into float32 `(x / 255 - mean) / std`.

        The result is channels_last: what convolutions are fastest on.
        """
        if images_uint8.dtype != torch.uint8 or images_uint8.dim() != 4:
            raise ValueError(f"expected uint8 (N, C, H, W), got {images_uint8.dtype}")
        images = images_uint8.to(torch.float32, memory_format=torch.channels_last)
        scale = [1 / (255 * s) for s in self.std]
        shift = [-m / s for m, s in zip(self.mean, self.std, strict=True)]
        images.mul_(_per_channel(scale, images)).add_(_per_channel(shift, images))
        return in_format(images, torch.channels_last)

    @property
    def words(self) -> tuple[str, str]:
        """What the inputs are called, and what they have `channels` of."""
        return ("rows", "features") if self.image_size == (1, 1) else ("images", "channel(s)")

    def as_dict(self) -> dict[str, Any]:
        """Return lists and numbers only, as `from_dict` reads them."""
        return {
            "mean": list(self.mean),
            "std": list(self.std),
            "image_size": list(self.image_size),
            "channels": self.channels,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocessing:
        """Build from `as_dict`'s form.

        Raises:
            UserInputError: one line naming the key that is missing, unknown or unusable.
        """
        if not isinstance(values, Mapping):
            raise UserInputError("preprocessing: expected a mapping of mean, std, image_size")
        expected = {"mean", "std", "image_size", "channels"}
        if set(values) != expected:
            wrong = ", ".join(sorted(map(str, set(values) ^ expected)))
            raise UserInputError(f"preprocessing: missing or unknown: {wrong}")
        height, width = _numbers(values, "image_size", int, length=2)
        return cls(
            mean=tuple(_numbers(values, "mean", float)),
            std=tuple(_numbers(values, "std", float)),
            image_size=(height, width),
            channels=_numbers({"channels": [values["channels"]]}, "channels", int)[0],
        )


def _per_channel(values: list[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=like.device).view(1, -1, 1, 1)


def _fault(values: Preprocessing) -> str:
    if values.channels < 1 or min(values.image_size) < 1:
        return f"impossible size {values.channels} x {values.image_size}"
    if not len(values.mean) == len(values.std) == values.channels:
        return (
            f"{len(values.mean)} means and {len(values.std)} stds for {values.channels} channels; "
            "give one of each per channel"
        )
    if not all(map(math.isfinite, (*values.mean, *values.std))) or min(values.std) <= 0:
        return "mean must be finite and std finite and above zero"
    return ""


def _numbers(
    values: Mapping[str, Any], key: str, kind: type[int] | type[float], length: int | None = None
) -> list[Any]:
    found = values[key]
    allowed = (int,) if kind is int else (int, float)
    usable = isinstance(found, list | tuple) and all(
        isinstance(x, allowed) and not isinstance(x, bool) for x in found
    )
    if not usable or (length is not None and len(found) != length):
        raise UserInputError(f"preprocessing: {key} is not a list of numbers as expected")
    return [kind(x) for x in found]
