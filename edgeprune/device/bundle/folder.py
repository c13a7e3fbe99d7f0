"""A bundle's folder on the board."""

from __future__ import annotations

from pathlib import Path

from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.manifest import MANIFEST, Manifest, manifest_from
from edgeprune.device.tensorrt.key import file_digest


def read_bundle(folder: Path) -> Manifest:
    """The manifest of a bundle whose files are all as it says.

    Raises:
        BundleError: there is none, or a file is missing or damaged.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise BundleError(
            f"{folder}: holds no {MANIFEST}; edgeprune deploy RUN --bundle FOLDER writes a bundle"
        ) from failure
    manifest = manifest_from(text, str(path))
    for name, about in manifest.files.items():
        file = folder / name
        if not file.is_file():
            raise BundleError(f"{file}: is missing; copy the bundle again")
        if file.stat().st_size != about.bytes or file_digest(file) != about.sha256:
            raise BundleError(f"{file}: is damaged; copy the bundle again")
    return manifest
