"""The options by which a user says what a model file does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgeprune.cli.values import numbers

if TYPE_CHECKING:
    from edgeprune.models.load import ModelOptions

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--arch", help="Zoo or torchvision name; needed for a bare state_dict."),
    click.option("--model", help="pkg.mod:factory that builds your own network."),
    click.option("--image-size", type=click.IntRange(min=1), help="Side of the images in pixels."),
    click.option("--in-channels", type=click.IntRange(min=1), help="Channels of the images."),
    click.option("--mean", help="Channel means of a bare state_dict."),
    click.option("--std", help="Channel deviations of a bare state_dict."),
    click.option("--trust-pickle", is_flag=True, help="Load a file that can run code."),
)


def model_options(command: Command) -> Command:
    """Give a command those options, in their order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def told_of_model(
    arch: str | None, model: str | None, mean: str | None, std: str | None, trust_pickle: bool
) -> ModelOptions:
    """What those options say of the file.

    Raises:
        click.BadParameter: means or deviations are no numbers.
    """
    from edgeprune.models.load import ModelOptions

    return ModelOptions(
        arch=arch,
        model=model,
        mean=numbers("--mean", mean),
        std=numbers("--std", std),
        trust_pickle=trust_pickle,
    )
