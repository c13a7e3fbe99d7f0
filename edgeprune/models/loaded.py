"""A trained network and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn

from edgeprune.data.preprocessing import Preprocessing

SourceKind = Literal["checkpoint", "state_dict", "exported", "pickled", "module"]


@dataclass(frozen=True)
class LoadedModel:
    """A trained network and what is known about it.

    Attributes:
        module: in eval mode, on the CPU.
        arch: registry name; `pkg.mod:factory` or a class name for other networks.
        arch_args: settings that the registry takes besides the name.
        classes: names in output order, where known.
        preprocessing: of its input images, where known.
        metrics: figures that came with the file.
        quantization: learned INT8 input scale by module path; None where none was learned.
        inputs_digest: of what its ids and columns are of, see `Data`; None where it is not known.
        source: the file, for messages.
        source_kind: how the network was given; an `exported` one cannot be pruned.
    """

    module: nn.Module
    arch: str
    arch_args: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] | None = None
    preprocessing: Preprocessing | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    quantization: Mapping[str, float] | None = None
    inputs_digest: str | None = None
    source: str = ""
    source_kind: SourceKind = "module"

    @classmethod
    def of_module(
        cls,
        module: nn.Module,
        *,
        classes: tuple[str, ...] | None = None,
        preprocessing: Preprocessing | None = None,
    ) -> LoadedModel:
        """Describe a network that exists already."""
        name = type(module).__name__
        return cls(module, name, classes=classes, preprocessing=preprocessing, source=name)
