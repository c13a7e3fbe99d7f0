"""Image files as uint8 pixels, with whatever decoder the board has."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.device.bundle.errors import BundleError

_PLAIN = re.compile(rb"(P[56])\s+(?:#[^\n]*\s+)*(\d+)\s+(\d+)\s+(\d+)\s", re.DOTALL)
_NEEDS = "decoding it needs Pillow or OpenCV, which this Python has not: convert it to .ppm or .npy"


def read_samples(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Samples of a `.npy` file, or one image, its short side fitted and the central square cut out.

    Args:
        shape: of a sample; images are made (height, width) of it.

    Raises:
        BundleError: it cannot be read.
    """
    if not path.is_file():
        raise BundleError(f"{path}: no such file")
    if path.suffix == ".npy":
        try:
            found: np.ndarray = np.load(str(path), allow_pickle=False)
        except (OSError, ValueError, EOFError) as failure:
            raise BundleError(f"{path}: is no array that numpy reads ({failure})") from failure
        return found
    if len(shape) != 3:
        raise BundleError(f"{path}: the models take no images; give a .npy file")
    return _image(path, shape)


def _image(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    channels, height, width = shape
    plain = _portable(path.read_bytes())
    if plain is not None and plain.shape[:2] == (height, width):
        return _coloured(plain, channels)
    for decode in (_with_pillow, _with_opencv):
        pixels = decode(path, height, width)
        if pixels is not None:
            return _coloured(pixels, channels)
    if plain is not None:
        raise BundleError(
            f"{path}: is {plain.shape[1]} x {plain.shape[0]}, the models take {width} x {height}; "
            "resizing needs Pillow or OpenCV, which this Python has not"
        )
    raise BundleError(f"{path}: {_NEEDS}")


def _portable(content: bytes) -> np.ndarray | None:
    """Pixels of a binary PPM or PGM file of 8 bits; None for another kind."""
    head = _PLAIN.match(content)
    if head is None or int(head.group(4)) != 255:
        return None
    channels = 3 if head.group(1) == b"P6" else 1
    width, height = int(head.group(2)), int(head.group(3))
    count = width * height * channels
    if len(content) - head.end() < count:
        return None
    return np.frombuffer(content, np.uint8, count, head.end()).reshape(height, width, channels)


def _with_pillow(path: Path, height: int, width: int) -> np.ndarray | None:
    Image = _module("PIL.Image")
    if Image is None:
        return None
    try:
        with Image.open(str(path)) as image:
            pixels = image.convert("RGB")
            size = _fitted(pixels.size, (width, height))
            return _central(np.asarray(pixels.resize(size, Image.BILINEAR)), height, width)
    except (OSError, ValueError, SyntaxError) as failure:
        raise BundleError(f"{path}: is no image ({failure})") from failure


def _with_opencv(path: Path, height: int, width: int) -> np.ndarray | None:
    cv2 = _module("cv2")
    if cv2 is None:
        return None
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise BundleError(f"{path}: is no image that OpenCV reads")
    size = _fitted((pixels.shape[1], pixels.shape[0]), (width, height))
    area = cv2.INTER_AREA if size[0] < pixels.shape[1] else cv2.INTER_LINEAR
    return _central(cv2.resize(pixels, size, interpolation=area)[:, :, ::-1], height, width)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _fitted(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int]:
    """(width, height) that just covers the wanted one."""
    scale = max(wanted[0] / size[0], wanted[1] / size[1])
    return max(wanted[0], round(size[0] * scale)), max(wanted[1], round(size[1] * scale))


def _central(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def _coloured(pixels: np.ndarray, channels: int) -> np.ndarray:
    """One image of shape (1, height, width, channels)."""
    if channels == pixels.shape[2]:
        return np.ascontiguousarray(pixels)[None]
    if channels == 1:  # ITU-R BT.601, as Pillow's mode L
        grey = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
        return np.round(grey).astype(np.uint8)[None, :, :, None]
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)[None]
    raise BundleError(f"the models take {channels} channels: give a .npy file")
