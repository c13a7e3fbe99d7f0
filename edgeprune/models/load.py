"""Model files of every kind, with what the user and a JSON beside them say about them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.errors import UserInputError
from edgeprune.models.checkpoint import is_checkpoint, parse_checkpoint, restore_model
from edgeprune.models.code_files import load_exported_program, unwrap_module
from edgeprune.models.factory import load_factory
from edgeprune.models.file_kind import FileKind, identify
from edgeprune.models.loaded import LoadedModel
from edgeprune.models.registry import native_image_size
from edgeprune.models.safe_load import code_named_by, load_plain, load_trusted, owned_tensors
from edgeprune.models.sidecar import Sidecar, read_sidecar
from edgeprune.models.state_dict import fill_from, load_into, read_sizes, unwrap_state_dict
from edgeprune.wording import brief, shown


@dataclass(frozen=True)
class ModelOptions:
    """What a user says about a model file.

    Attributes:
        arch: name in the registry, for weights that do not say whose they are.
        model: `pkg.mod:factory` of the user's own network.
        image_size: (height, width), where the file does not tell.
        mean: per channel; goes before the file's.
        std: per channel; goes before the file's.
        trust_pickle: whether code in the file may run.
    """

    arch: str | None = None
    model: str | None = None
    image_size: tuple[int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    trust_pickle: bool = False


def load_model(path: str | os.PathLike[str], options: ModelOptions) -> LoadedModel:
    """Read a checkpoint, a bare state_dict, an exported program or a pickled module.

    Raises:
        UserInputError: a file that needs an option it did not get, or that contradicts one.
        CorruptFileError: a truncated, damaged or crafted file.
    """
    if options.arch and options.model:
        raise UserInputError("--arch and --model both name the network; give one of them")
    kind = identify(path)
    if kind is FileKind.TORCHSCRIPT:
        raise UserInputError(
            f"{path}: a {kind.value} cannot be pruned or tapped; give the network's state_dict"
        )
    if kind is FileKind.EXPORTED_PROGRAM:
        return _exported(path, options)
    trusted = options.trust_pickle and bool(code_named_by(path, kind))
    content = load_trusted(path) if trusted else load_plain(path, kind)
    module = unwrap_module(path, content) if trusted else None
    if module is not None:
        described = LoadedModel(module, type(module).__name__, source_kind="pickled")
        return _described(path, described, options, read_sidecar(path))
    if is_checkpoint(content):
        return _from_checkpoint(path, content, options)
    return _from_state_dict(path, content, options)


def _exported(path: str | os.PathLike[str], options: ModelOptions) -> LoadedModel:
    if not options.trust_pickle:
        raise UserInputError(
            f"{path}: an exported program is code; pass --trust-pickle if you trust its author"
        )
    module = load_exported_program(path)
    loaded = LoadedModel(module, "exported program", source_kind="exported")
    return _described(path, loaded, options, read_sidecar(path))


def _from_checkpoint(
    path: str | os.PathLike[str], content: Mapping[str, Any], options: ModelOptions
) -> LoadedModel:
    checkpoint = parse_checkpoint(path, content)
    if options.arch not in (None, checkpoint.arch):
        raise UserInputError(
            f"{path}: holds {shown(checkpoint.arch)!r}, but --arch says {options.arch!r}; "
            "leave out --arch"
        )
    factory = load_factory(options.model) if options.model else None
    loaded = LoadedModel(
        module=restore_model(checkpoint, factory),
        arch=options.model or checkpoint.arch,
        arch_args={} if options.model else checkpoint.arch_args,
        classes=checkpoint.classes,
        preprocessing=checkpoint.preprocessing,
        metrics=checkpoint.metrics,
        quantization=checkpoint.quantization,
        inputs_digest=checkpoint.inputs_digest,
        source_kind="checkpoint",
    )
    return _described(path, loaded, options, Sidecar(Path(path).with_suffix(".json")))


def _from_state_dict(
    path: str | os.PathLike[str], content: object, options: ModelOptions
) -> LoadedModel:
    try:
        found = unwrap_state_dict(content)
    except UserInputError as error:
        raise UserInputError(f"{path}: {error}") from error
    weights = owned_tensors(path, found)
    if not options.arch and not options.model:
        raise UserInputError(
            f"{path}: a bare state_dict; name its network with --arch or --model pkg.mod:factory"
        )
    try:
        loaded = _own_network(weights, options) or _registered(weights, options)
    except UserInputError as error:
        named = f"--arch {options.arch}" if options.arch else f"--model {options.model}"
        raise UserInputError(f"{path} with {named}: {error}") from error
    return _described(path, loaded, options, read_sidecar(path))


def _own_network(weights: Mapping[str, Tensor], options: ModelOptions) -> LoadedModel | None:
    if options.model is None:
        return None
    module = load_factory(options.model)()
    load_into(module, weights)
    return LoadedModel(module.eval(), options.model, source_kind="state_dict")


def _registered(weights: Mapping[str, Tensor], options: ModelOptions) -> LoadedModel:
    arch = str(options.arch)
    sizes = read_sizes(arch, weights)
    return LoadedModel(
        module=fill_from(arch, sizes, weights).eval(),
        arch=arch,
        arch_args={"num_classes": sizes.num_classes, "in_channels": sizes.in_channels},
        source_kind="state_dict",
    )


def _described(
    path: str | os.PathLike[str], loaded: LoadedModel, options: ModelOptions, sidecar: Sidecar
) -> LoadedModel:
    """Add what the options, the file and the JSON beside it say, in this order of precedence."""
    classes = loaded.classes or sidecar.classes
    outputs = loaded.arch_args.get("num_classes")
    if classes is not None and outputs not in (None, len(classes)):
        raise UserInputError(
            f"{sidecar.path}: names {len(classes)} classes, the network has {outputs} outputs"
        )
    return LoadedModel(
        module=loaded.module,
        arch=loaded.arch,
        arch_args=loaded.arch_args,
        classes=classes,
        preprocessing=_preprocessing(path, loaded, options, sidecar),
        metrics=loaded.metrics or sidecar.metrics or {},
        quantization=loaded.quantization,
        inputs_digest=loaded.inputs_digest,
        source=str(path),
        source_kind=loaded.source_kind,
    )


def _preprocessing(
    path: str | os.PathLike[str], loaded: LoadedModel, options: ModelOptions, sidecar: Sidecar
) -> Preprocessing | None:
    stored = loaded.preprocessing
    if (options.mean is None) != (options.std is None):
        raise UserInputError("--mean and --std belong together; give both")
    mean = options.mean or (stored.mean if stored else sidecar.mean)
    std = options.std or (stored.std if stored else sidecar.std)
    if mean is None or std is None:
        return None
    size = (stored.image_size if stored else sidecar.image_size) or options.image_size
    if size is None and "num_classes" in loaded.arch_args:
        size = (native_image_size(loaded.arch),) * 2
    if size is None:
        raise UserInputError(
            f'{path}: the size of its images is unknown; write "image_size": [H, W] into '
            f"{sidecar.path}"
        )
    channels = loaded.arch_args.get("in_channels") or (stored.channels if stored else len(mean))
    try:
        return Preprocessing(mean, std, size, channels)
    except UserInputError as error:
        raise UserInputError(f"{path}: {brief(error)}") from error
