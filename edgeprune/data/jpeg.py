"""Small JPEG files, fast: Pillow spends most of its time on them holding Python's global lock."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

_MOST_PIXELS = 1 << 18
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def decode_small_jpeg(encoded: bytes) -> npt.NDArray[np.uint8] | None:
    """Decode to RGB (H, W, 3), the same pixels as Pillow's.

    Returns:
        None when this is not a JPEG of at most 512 x 512 pixels that torchvision reads: Pillow
        then decides, and says what is wrong. Headers that announce more are never believed here.
    """
    if not 0 < announced_pixels(encoded) <= _MOST_PIXELS:
        return None
    # Imported here: it takes a second that data sets without such files need not spend.
    from torchvision.io import ImageReadMode, decode_jpeg

    buffer = torch.frombuffer(bytearray(encoded), dtype=torch.uint8)
    try:
        image: torch.Tensor = decode_jpeg(buffer, mode=ImageReadMode.RGB)
    except RuntimeError:
        return None
    return image.permute(1, 2, 0).numpy()


def announced_pixels(encoded: bytes) -> int:
    """Return height x width from a JPEG's frame header, 0 where there is none.

    Frames of four colours (CMYK) count as none: readers convert them in different ways.
    """
    if encoded[:2] != b"\xff\xd8":
        return 0
    at = 2
    while at + 10 <= len(encoded) and encoded[at] == 0xFF:
        if encoded[at + 1] in _FRAME_MARKERS:
            if encoded[at + 9] not in (1, 3):
                return 0
            height = int.from_bytes(encoded[at + 5 : at + 7], "big")
            return height * int.from_bytes(encoded[at + 7 : at + 9], "big")
        at += 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")
    return 0
