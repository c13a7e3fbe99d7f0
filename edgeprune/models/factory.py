"""A user's own network, named as `pkg.mod:factory`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.models.wording import brief


def load_factory(spec: str, option: str = "--model") -> Callable[[], nn.Module]:
    """Import `pkg.mod` and return a caller of its `factory` that checks what it makes.

    Args:
        spec: `pkg.mod:factory`; modules in the working directory are found too.
        option: how messages call the setting that gave `spec`.

    Raises:
        UserInputError: when the import fails; the returned caller raises it when the factory
            fails or makes no `nn.Module`. One line each.
    """
    module_name, _, attribute = spec.partition(":")
    if not module_name or not attribute:
        raise UserInputError(f"{option} {spec}: write it as pkg.mod:factory")
    # A console script has its own folder on the path, not the one the user stands in.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:
        raise UserInputError(f"{option} {spec}: cannot be imported: {brief(error)}") from error
    if not callable(factory):
        raise UserInputError(f"{option} {spec}: is a {type(factory).__name__}, not a function")

    def make() -> nn.Module:
        try:
            network = factory()
        except Exception as error:
            raise UserInputError(f"{option} {spec}: failed: {brief(error)}") from error
        if not isinstance(network, nn.Module):
            raise UserInputError(f"{option} {spec}: returned a {type(network).__name__}, no module")
        return network

    return make
