"""Images of a store: decoded once into memory, or batch by batch by a pool of threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from edgeprune.data.decode import Pixels, decode_image
from edgeprune.data.stores import Store
from edgeprune.errors import CorruptFileError, UserInputError

Progress = Callable[[int, int], None]
_CHUNK = 256


class FileImages:
    """Numbered files of a store that decode to one size.

    Attributes:
        stored_size: (height, width) of every decoded image.
    """

    prefetch = True

    def __init__(
        self,
        store: Store,
        numbers: Sequence[int],
        stored_size: tuple[int, int],
        side: int | None,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._store = store
        self._numbers = numbers
        self.stored_size = stored_size
        self._side = side
        self._pool = pool

    def __len__(self) -> int:
        return len(self._numbers)

    def gather(self, index: Tensor, *, draw: int) -> tuple[Tensor, ...]:
        """Decode the images at `index` to uint8 (N, 3, H, W).

        Raises:
            CorruptFileError: naming the first unreadable file and their number.
            UserInputError: when an image has another size than the rest.
        """
        return (self.decode(index.tolist()),)

    def decode(self, index: Sequence[int], progress: Progress | None = None) -> Tensor:
        """Decode as `gather` does; `progress(done, total)` counts images."""
        out = np.empty((len(index), 3, *self.stored_size), dtype=np.uint8)
        size = max(1, min(_CHUNK, len(index) // pool_size()))
        starts = range(0, len(index), size)

        def decode_chunk(start: int) -> list[tuple[int, CorruptFileError]]:
            return self._fill(out, index, range(start, min(start + size, len(index))))

        failures: list[tuple[int, CorruptFileError]] = []
        for start, failed in zip(starts, self._pool.map(decode_chunk, starts), strict=True):
            failures += failed
            if progress is not None:
                progress(min(start + size, len(index)), len(index))
        if failures:
            raise self._unreadable(failures)
        return torch.from_numpy(out)

    def _fill(
        self, out: Pixels, index: Sequence[int], rows: range
    ) -> list[tuple[int, CorruptFileError]]:
        failed = []
        for row in rows:
            number = self._numbers[index[row]]
            try:
                image = read_image(self._store, number, self._side)
            except CorruptFileError as error:
                failed.append((number, error))
                continue
            if image.shape[:2] != self.stored_size:
                raise self._mixed(number, image)
            out[row] = image.transpose(2, 0, 1)
        return failed

    def _unreadable(self, failures: list[tuple[int, CorruptFileError]]) -> CorruptFileError:
        number, error = failures[0]
        return CorruptFileError(
            f"{self._store.origin}: {len(failures)} unreadable image(s), first "
            f"{self._store.names[number]}: {error}; replace or remove them"
        )

    def _mixed(self, number: int, image: Pixels) -> UserInputError:
        height, width = self.stored_size
        return UserInputError(
            f"{self._store.origin}: {self._store.names[number]} is {image.shape[0]}x"
            f"{image.shape[1]}, others are {height}x{width}; "
            f"give one size with --set image_size={min(height, width)}"
        )


def read_image(store: Store, number: int, side: int | None) -> Pixels:
    """Read and decode one file to (H, W, 3); every failure is a CorruptFileError's reason."""
    try:
        encoded = store.read(number)
    except OSError as error:
        raise CorruptFileError(str(error.strerror)) from error
    return decode_image(encoded, side)


def pool_size() -> int:
    """Threads that decode: as many as there are cores, 8 at most."""
    return min(8, os.cpu_count() or 1)
