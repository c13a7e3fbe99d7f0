"""A user's own network, named as `pkg.mod:factory`."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.importing import import_function
from edgeprune.wording import brief


def load_factory(spec: str, option: str = "--model") -> Callable[[], nn.Module]:
    """Import `pkg.mod` and return a caller of its `factory` that checks what it makes.

    Args:
        spec: `pkg.mod:factory`; modules in the working directory are found too.
        option: how messages call the setting that gave `spec`.

    Raises:
        UserInputError: when the import fails; the returned caller raises it when the factory
            fails or makes no `nn.Module`. One line each.
    """
    factory = import_function(spec, option)

    def make() -> nn.Module:
        try:
            network = factory()
        except Exception as error:
            raise UserInputError(f"{option} {spec}: failed: {brief(error)}") from error
        if not isinstance(network, nn.Module):
            raise UserInputError(f"{option} {spec}: returned a {type(network).__name__}, no module")
        return network

    return make
