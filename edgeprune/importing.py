"""A user's own function, named as `pkg.mod:name`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeprune.errors import UserInputError
from edgeprune.wording import brief


def import_function(spec: str, option: str) -> Callable[..., Any]:
    """Import `pkg.mod` and return its `name`; modules in the working directory are found too.

    Args:
        spec: `pkg.mod:name`.
        option: how messages call the setting that gave `spec`.

    Raises:
        UserInputError: the spec is no such name, the import fails, or it is no function.
    """
    module_name, _, attribute = spec.partition(":")
    if not module_name or not attribute:
        raise UserInputError(f"{option} {spec}: write it as pkg.mod:factory")
    # A console script has its own folder on the path, not the one the user stands in.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:  # whatever a user's own module raises
        told = f"{type(error).__name__}: {brief(error)}"
        raise UserInputError(f"{option} {spec}: cannot be imported: {told}") from error
    if not callable(found):
        raise UserInputError(f"{option} {spec}: is a {type(found).__name__}, not a function")
    function: Callable[..., Any] = found
    return function
