"""Decode image files to uint8 RGB arrays of one size."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

from edgeprune.data.jpeg import decode_small_jpeg
from edgeprune.errors import CorruptFileError

Pixels = npt.NDArray[np.uint8]

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
# By name, so that Pillow never tries its readers that call other programs (EPS runs Ghostscript).
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM", "TIFF")
_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV")
# What Pillow's readers raise on damaged files.
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    IndexError,
    KeyError,
    EOFError,
    OverflowError,
    MemoryError,
    AttributeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def decode_image(encoded: bytes, side: int | None) -> Pixels:
    """Decode to (H, W, 3).

    Args:
        encoded: the file.
        side: resize the short side to this and cut out the central square; None leaves the size.

    Raises:
        CorruptFileError: with the reason alone; the caller knows the file's name.
    """
    if side is None and (pixels := decode_small_jpeg(encoded)) is not None:
        return pixels
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
            return np.asarray(_fitted(image, side))
    except _UNREADABLE as error:
        reason = str(error).split("<_io")[0].strip() or type(error).__name__
        raise CorruptFileError(reason.replace("\n", " ")) from error


def _fitted(image: Image.Image, side: int | None) -> Image.Image:
    if image.mode not in _EIGHT_BIT_MODES:
        raise ValueError(f"pixels of mode {image.mode} are not 8-bit")
    if side is not None:
        # Lets the JPEG reader skip work on images much larger than wanted.
        image.draft("RGB", (2 * side, 2 * side))
    pixels = image if image.mode == "RGB" else image.convert("RGB")
    if side is None or pixels.size == (side, side):
        pixels.load()
        return pixels
    scale = side / min(pixels.size)
    width, height = (max(side, round(length * scale)) for length in pixels.size)
    left, top = (width - side) // 2, (height - side) // 2
    pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
    return pixels.crop((left, top, left + side, top + side))
