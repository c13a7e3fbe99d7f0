"""Tables that travel with the package, from a folder or from inside a zip archive."""

from __future__ import annotations

import json
import pkgutil
from typing import Any


def read_table(name: str, package: str = "edgeprune.device") -> dict[str, Any]:
    """A JSON file of the package as plain values.

    Args:
        name: of the file.
        package: that it lies in.
    """
    content = pkgutil.get_data(package, name)
    if content is None:  # a loader without data; neither folders nor zip archives have one
        raise FileNotFoundError(name)
    found: dict[str, Any] = json.loads(content.decode("utf-8"))
    return found
