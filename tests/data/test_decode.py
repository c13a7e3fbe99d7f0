"""Decoding: every mode becomes RGB, the fast path changes no pixel, damage is one reason."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from edgeprune.data.decode import decode_image
from edgeprune.data.jpeg import announced_pixels, decode_small_jpeg
from edgeprune.errors import CorruptFileError

Encoder = Callable[..., bytes]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_png_modes_become_rgb(encode: Encoder, mode: str) -> None:
    encoded = encode(30, (5, 7), "PNG", mode)
    with Image.open(io.BytesIO(encoded)) as image:
        expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(decode_image(encoded, None), expected)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size", [(8, 8), (33, 20)])
def test_fast_jpeg_equals_pillow(encode: Encoder, mode: str, size: tuple[int, int]) -> None:
    encoded = encode(100, size, "JPEG", mode)
    fast = decode_small_jpeg(encoded)
    with Image.open(io.BytesIO(encoded)) as image:
        expected = np.asarray(image.convert("RGB"))
    assert fast is not None
    assert np.array_equal(fast, expected)


def test_four_colour_jpegs_are_left_to_pillow(encode: Encoder) -> None:
    encoded = encode(100, (8, 8), "JPEG", "CMYK")
    assert decode_small_jpeg(encoded) is None
    assert decode_image(encoded, None).shape == (8, 8, 3)


def test_jpeg_size_is_read_from_its_header(encode: Encoder) -> None:
    assert announced_pixels(encode(0, (33, 20), "JPEG")) == 660
    assert announced_pixels(encode(0, (33, 20), "PNG")) == 0
    assert announced_pixels(b"\xff\xd8\xff") == 0


def test_a_header_that_announces_a_huge_image_allocates_nothing(encode: Encoder) -> None:
    encoded = bytearray(encode(0, (8, 8), "JPEG"))
    frame = encoded.index(b"\xff\xc0")
    encoded[frame + 5 : frame + 9] = b"\xff\xdc\xff\xdc"
    assert decode_small_jpeg(bytes(encoded)) is None
    with pytest.raises(CorruptFileError, match="exceeds limit"):
        decode_image(bytes(encoded), None)


def test_resizing_takes_the_short_side_and_the_centre(encode: Encoder) -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    stream = io.BytesIO()
    Image.fromarray(wide).save(stream, "PNG")
    assert (decode_image(stream.getvalue(), 10) == 200).all()
    assert decode_image(encode(0, (90, 40), "JPEG"), 16).shape == (16, 16, 3)


def test_sixteen_bit_images_are_refused() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(stream, "PNG")
    with pytest.raises(CorruptFileError, match="not 8-bit"):
        decode_image(stream.getvalue(), None)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF", "PPM"])
@pytest.mark.parametrize("side", [None, 4])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Truncated File")
def test_truncation_anywhere_is_one_reason(encode: Encoder, kind: str, side: int | None) -> None:
    whole = encode(9, (8, 8), kind)
    reasons = [_reason(whole[:length], side) for length in range(0, len(whole) - 2, 7)]
    assert any(reasons)
    assert not any("\n" in reason for reason in reasons)


def _reason(encoded: bytes, side: int | None) -> str:
    """Why this cannot be decoded; nothing where it can (some formats end in padding)."""
    try:
        decode_image(encoded, side)
    except CorruptFileError as error:
        return str(error) or "\n"
    return ""


def test_formats_that_call_other_programs_are_not_tried() -> None:
    with pytest.raises(CorruptFileError, match="cannot identify"):
        decode_image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", None)
