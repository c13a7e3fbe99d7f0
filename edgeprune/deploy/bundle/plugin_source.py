"""The plugin's source as an archive that a board compiles."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import edgeprune
from edgeprune.errors import UnsupportedError

_PARTS = ("CMakeLists.txt", "cmake", "kernels", "plan", "plugin")


def plugin_source() -> bytes:
    """A `.tar.gz` of `cuda/` without its tests; the same bytes for the same source.

    Raises:
        UnsupportedError: the source is not there.
    """
    root = payload("cuda")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            if path.is_file() and name.parts[0] in _PARTS:
                _add(archive, name.as_posix(), path.read_bytes())
    return gzip.compress(buffer.getvalue(), mtime=0)


def payload(name: str) -> Path:
    """A folder that goes to boards: of the installed package, or of the checkout.

    Raises:
        UnsupportedError: neither has it.
    """
    package = Path(edgeprune.__file__).parent
    for root in (package / "_payload", package.parent):
        if (root / name / "README.md").is_file():
            return root / name
    raise UnsupportedError(
        f"this installation of edgeprune lacks {name}/: install it from its wheel or a clone"
    )


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size = len(content)
    about.mode = 0o644
    archive.addfile(about, io.BytesIO(content))
