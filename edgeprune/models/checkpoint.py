"""The checkpoint format: a plain dict that restores a network without running a file's code.

A file holds `format, arch, arch_args, attributes, state_dict, preprocessing, classes, metrics,
provenance`, and `quantization` where the network was trained for INT8, and is readable with
`torch.load(weights_only=True)`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import torch
from torch import Tensor, nn

from edgeprune.atomic import save_atomic
from edgeprune.data.preprocessing import Preprocessing
from edgeprune.errors import CorruptFileError, UserInputError
from edgeprune.models.attributes import AttributeValue, attributes_of
from edgeprune.models.checkpoint_fields import field_fault
from edgeprune.models.file_kind import FileKind, identify
from edgeprune.models.resize import resize_parameters
from edgeprune.models.restore import restore_model
from edgeprune.models.safe_load import load_plain, owned_tensors
from edgeprune.models.scales import scales_as_plain, scales_from_plain
from edgeprune.models.skeleton import build_skeleton
from edgeprune.wording import shown

__all__ = [
    "FORMAT",
    "Checkpoint",
    "checkpoint_of",
    "is_checkpoint",
    "load_checkpoint",
    "parse_checkpoint",
    "resize_parameters",
    "restore_model",
    "save_checkpoint",
]

FORMAT: Final = "edgeprune-checkpoint-1"
_INPUTS: Final = "inputs_digest"  # in the provenance


@dataclass(frozen=True)
class Checkpoint:
    """A network, pruned or not, as plain values and tensors.

    Attributes:
        arch: name in the registry; for a user's own network the name of its factory, which is
            information only: a file never names code.
        arch_args: settings `build_model` takes besides the name.
        attributes: widths by module path, as `attributes_of` returns them.
        state_dict: tensors on the CPU.
        preprocessing: how images become the network's input, where known.
        classes: names in output order, where known.
        metrics: plain values, such as `test_top1` in percent.
        provenance: plain values saying how the network came about.
        quantization: learned INT8 input scale by module path, where the network was trained with
            fake quantisation; the weights are the plain ones all the same.
        source: the file it was read from, for messages; not stored.
    """

    arch: str
    arch_args: Mapping[str, Any]
    attributes: Mapping[str, Mapping[str, AttributeValue]]
    state_dict: Mapping[str, Tensor]
    preprocessing: Preprocessing | None = None
    classes: tuple[str, ...] | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    quantization: Mapping[str, float] | None = None
    source: str = field(default="checkpoint", compare=False)

    @property
    def inputs_digest(self) -> str | None:
        """See `Data`; None where the file does not say."""
        found = self.provenance.get(_INPUTS)
        return found if isinstance(found, str) else None

    def as_dict(self) -> dict[str, Any]:
        """Return what the file holds."""
        scales = self.quantization
        return {
            "format": FORMAT,
            "arch": self.arch,
            "arch_args": dict(self.arch_args),
            "attributes": {path: dict(values) for path, values in self.attributes.items()},
            "state_dict": dict(self.state_dict),
            "preprocessing": self.preprocessing.as_dict() if self.preprocessing else None,
            "classes": None if self.classes is None else list(self.classes),
            "metrics": dict(self.metrics),
            "provenance": dict(self.provenance),
            **({} if scales is None else {"quantization": scales_as_plain(scales)}),
        }

    def parameters(self) -> dict[str, Tensor]:
        """Return the tensors that training changes, without running statistics.

        Raises:
            UserInputError: the architecture is not in the registry.
        """
        network = build_skeleton(self.arch, **self.arch_args)
        return {name: self.state_dict[name] for name, _ in network.named_parameters()}


def checkpoint_of(
    model: nn.Module,
    *,
    arch: str,
    arch_args: Mapping[str, Any] | None = None,
    preprocessing: Preprocessing | None = None,
    classes: tuple[str, ...] | None = None,
    metrics: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    quantization: Mapping[str, float] | None = None,
    inputs_digest: str | None = None,
) -> Checkpoint:
    """Describe `model` as it is now: its widths, and copies of its tensors on the CPU.

    Tensors that are shared inside the model are shared in the checkpoint. `inputs_digest`, see
    `Data`, becomes part of its provenance.
    """
    known = {} if inputs_digest is None else {_INPUTS: inputs_digest}
    copies: dict[int, Tensor] = {}
    state_dict = {
        key: copies.setdefault(id(tensor), tensor.detach().cpu().clone())
        for key, tensor in model.state_dict(keep_vars=True).items()
    }
    return Checkpoint(
        arch=arch,
        arch_args=dict(arch_args or {}),
        attributes=attributes_of(model),
        state_dict=state_dict,
        preprocessing=preprocessing,
        classes=tuple(classes) if classes else None,
        metrics=dict(metrics or {}),
        provenance={**(provenance or {}), **known},
        quantization=None if quantization is None else dict(quantization),
    )


def save_checkpoint(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write `checkpoint`; the file is the old one or the new one at every moment.

    Raises:
        ValueError: a field holds something that `load_checkpoint` would refuse.
    """
    values = checkpoint.as_dict()
    fault = field_fault(values)
    if fault:
        raise ValueError(f"cannot save to {path}: {fault}")

    def write(stream: BinaryIO) -> None:
        torch.save(values, stream)

    save_atomic(path, write)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint; nothing in the file runs.

    Raises:
        UserInputError: no such file, a file that holds code, or another kind of model file.
        CorruptFileError: a truncated, damaged or crafted file. One line naming it.
    """
    kind = identify(path)
    if kind not in (FileKind.ZIP, FileKind.LEGACY):
        raise UserInputError(f"{path}: an {kind.value}, not an edgeprune checkpoint")
    content = load_plain(path, kind)
    if not is_checkpoint(content):
        raise UserInputError(
            f"{path}: not an edgeprune checkpoint; if it is a bare state_dict, name its network "
            "with --arch or --model"
        )
    return parse_checkpoint(path, content)


def is_checkpoint(content: object) -> bool:
    """Tell whether a loaded file claims to be in our format, of whatever version."""
    return isinstance(content, dict) and str(content.get("format", "")).startswith("edgeprune")


def parse_checkpoint(path: str | os.PathLike[str], content: Mapping[str, Any]) -> Checkpoint:
    """Check every field of a loaded file.

    Raises:
        CorruptFileError: a field is missing or unusable, or the format is a later one.
    """
    if content.get("format") != FORMAT:
        version = shown(content.get("format"))
        raise CorruptFileError(
            f"{path}: format {version!r} is not {FORMAT!r}; use the edgeprune that wrote it"
        )
    fault = field_fault(content)
    if fault:
        raise CorruptFileError(f"{path}: {fault}; it was damaged or tampered with")
    scales = content.get("quantization")
    return Checkpoint(
        arch=content["arch"],
        arch_args=content["arch_args"],
        attributes=content["attributes"],
        state_dict=owned_tensors(path, content["state_dict"]),
        preprocessing=_preprocessing(path, content["preprocessing"]),
        classes=None if content["classes"] is None else tuple(content["classes"]),
        metrics=content["metrics"],
        provenance=content["provenance"],
        quantization=None if scales is None else scales_from_plain(scales),
        source=str(path),
    )


def _preprocessing(path: str | os.PathLike[str], values: Any) -> Preprocessing | None:
    try:
        return None if values is None else Preprocessing.from_dict(values)
    except UserInputError as error:
        raise CorruptFileError(f"{path}: {error}") from error
