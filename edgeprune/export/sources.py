"""A run folder or a model file as a source: its network, and the data that belongs to it."""

from __future__ import annotations

from pathlib import Path

from edgeprune.data.dataset import Data
from edgeprune.data.file_images import Progress
from edgeprune.data.registry import load_data
from edgeprune.errors import UserInputError
from edgeprune.models.known_inputs import require_known_inputs
from edgeprune.models.loaded import LoadedModel
from edgeprune.recipe import load_recipe

STUDENT = "student.pt"
RECIPE = "recipe.yaml"


def model_file(source: Path) -> Path:
    """The model file itself, or a run folder's student.

    Raises:
        UserInputError: the folder holds none.
    """
    if not source.is_dir():
        return source
    if not (source / STUDENT).is_file():
        raise UserInputError(
            f"{source}: holds no {STUDENT}; give a folder that edgeprune compress has finished"
        )
    return source / STUDENT


def source_data(
    loaded: LoadedModel,
    image_size: int | None,
    source: Path,
    spec: str | None,
    option: str,
    progress: Progress | None = None,
) -> Data | None:
    """The data that is asked for, or else that of a run's recipe, split as it was there.

    Args:
        loaded: the network, whose preprocessing the images get.
        image_size: side in pixels, for data that is asked for; None where there are no images.
        source: perhaps a run folder.
        spec: see `load_data`.
        option: what `spec` is given by, for messages.
        progress: see `load_data`.

    Returns:
        None where nothing is asked for and there is no recipe.

    Raises:
        UserInputError: the data cannot be used.
    """
    if spec is not None:
        # A row of features passes as an image of one pixel, and is nothing to be resized.
        side = None if image_size == 1 else image_size
        data = load_data(spec, seed=0, image_size=side, progress=progress)
        return prepared(loaded, data)
    if not (source / RECIPE).is_file():
        return None
    recipe = load_recipe(source / RECIPE)
    try:
        data = load_data(
            recipe.data,
            seed=recipe.seed,
            val_fraction=recipe.val_fraction,
            train_limit=recipe.train_limit,
            image_size=recipe.image_size,
            progress=progress,
        )
    except UserInputError as failure:
        raise UserInputError(
            f"the run's own data cannot be used ({failure}): give {option}"
        ) from failure
    return prepared(loaded, data)


def prepared(loaded: LoadedModel, data: Data) -> Data:
    """The data as the network wants it.

    Raises:
        UserInputError: it has other ids than the network's tables.
    """
    require_known_inputs(loaded, data)
    stored = loaded.preprocessing
    return data if stored is None else data.with_preprocessing(stored)
