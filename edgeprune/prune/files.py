"""Pruning a model file, or an architecture with fresh weights, into a checkpoint."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from edgeprune.data.randomness import keyed_generator
from edgeprune.errors import UserInputError
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.input_shape import require_same, specs_of
from edgeprune.models.inputs import random_inputs
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.loaded import LoadedModel
from edgeprune.models.registry import build_model
from edgeprune.prune.api import prune_model
from edgeprune.prune.report import PruneReport

_DEFAULT_CLASSES = 10
_RGB = 3


@dataclass(frozen=True)
class ModelChoice:
    """Which network to prune.

    Attributes:
        path: a model file; None for `arch` with fresh weights.
        arch: registry name; needed for a bare state_dict and for fresh weights.
        num_classes: outputs of fresh weights (default 10).
        in_channels: channels of the images (default: the file's, else 3).
        image_size: side of the images in pixels (default: the file's, else the architecture's).
        seed: of fresh weights and of random importance.
    """

    path: str | os.PathLike[str] | None = None
    arch: str | None = None
    num_classes: int | None = None
    in_channels: int | None = None
    image_size: int | None = None
    seed: int = 0


def prune_file(choice: ModelChoice, out: str | os.PathLike[str], **settings: Any) -> PruneReport:
    """Prune a network once and write it as a checkpoint.

    Args:
        choice: the network.
        out: checkpoint to write.
        **settings: budgets and options of `prune_model`.

    Raises:
        UserInputError: the file, the architecture or a setting cannot be used.
        BudgetMissedError: the budget cannot be reached.
    """
    _check_out(out)
    loaded = _load(choice)
    specs = specs_of(loaded, choice.in_channels, choice.image_size)
    example = random_inputs(specs, 1, keyed_generator(choice.seed, "prune", "example"))
    report = prune_model(loaded.module, example, seed=choice.seed, **settings)
    provenance = {
        "pruned_from": loaded.source or "fresh weights",
        "seed": choice.seed,
        **{f"asked_{target.name}": target.asked for target in report.targets},
    }
    checkpoint = checkpoint_of(
        loaded.module,
        arch=loaded.arch,
        arch_args=loaded.arch_args,
        preprocessing=loaded.preprocessing,
        classes=loaded.classes,
        provenance=provenance,
        inputs_digest=loaded.inputs_digest,
    )
    save_checkpoint(out, checkpoint)
    return report


def _load(choice: ModelChoice) -> LoadedModel:
    if choice.path is None:
        return _fresh(choice)
    loaded = load_model(choice.path, ModelOptions(arch=choice.arch))
    require_same("--num-classes", choice.num_classes, loaded.arch_args.get("num_classes"))
    return loaded


def _fresh(choice: ModelChoice) -> LoadedModel:
    if choice.arch is None:
        raise UserInputError("nothing to prune: give a CHECKPOINT, or --arch for fresh weights")
    arch_args = {
        "num_classes": choice.num_classes or _DEFAULT_CLASSES,
        "in_channels": choice.in_channels or _RGB,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(choice.seed)
        module = build_model(choice.arch, **arch_args)
    return LoadedModel(module.eval(), choice.arch, arch_args)


def _check_out(out: str | os.PathLike[str]) -> None:
    folder = Path(out).parent
    if not folder.is_dir():
        raise UserInputError(f"--out {out}: there is no folder {folder}; create it first")
    if Path(out).is_dir():
        raise UserInputError(f"--out {out}: is a folder; name a file, such as student.pt")
