"""Where the teacher and the original student come from."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from edgeprune.data.dataset import Data
from edgeprune.data.randomness import keyed_generator
from edgeprune.errors import UserInputError
from edgeprune.methods.student import seeded
from edgeprune.models.factory import load_factory
from edgeprune.models.file_kind import identify
from edgeprune.models.initialise import start_at
from edgeprune.models.registry import build_model
from edgeprune.models.teacher import LoadedModel, load_teacher


@dataclass(frozen=True)
class TeacherSource:
    """A teacher file and what has to be said about it."""

    path: str
    arch: str | None = None
    model: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    trust_pickle: bool = False

    def load(self, data: Data) -> LoadedModel:
        """Read the file.

        Raises:
            UserInputError: see `edgeprune.models.teacher.load_teacher`.
        """
        return load_teacher(
            self.path,
            arch=self.arch,
            model=self.model,
            num_classes=data.num_outputs,
            in_channels=data.preprocessing.channels,
            image_size=data.preprocessing.image_size,
            mean=self.mean,
            std=self.std,
            trust_pickle=self.trust_pickle,
        )

    def fingerprint(self) -> str:
        """SHA-256 of the file, for the run's identity.

        Raises:
            UserInputError: there is no such file.
            CorruptFileError: it is no model file.
        """
        identify(self.path)
        digest = hashlib.sha256()
        with Path(self.path).open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()


@dataclass(frozen=True)
class StudentSource:
    """How the original student is made.

    Attributes:
        build: makes it, with the same weights every time.
        arch: registry name, or the factory's name for information.
        arch_args: what the registry needs besides the name.
        fresh: makes the same network with weights from another seed; None where it is a copy of
            a network that only its file knows.
        dense: makes it as it was before ids shared rows; None where `build` does.
        table_rows: what became of its tables then, as plain values.
    """

    build: Callable[[], nn.Module]
    arch: str
    arch_args: Mapping[str, Any] = field(default_factory=dict)
    fresh: Callable[[int], nn.Module] | None = None
    dense: Callable[[], nn.Module] | None = None
    table_rows: tuple[Mapping[str, Any], ...] = ()


def student_source(name: str | None, teacher: LoadedModel, data: Data, seed: int) -> StudentSource:
    """The student `name` (an architecture or pkg.mod:factory); a copy of the teacher if None.

    Raises:
        UserInputError: the name means nothing, the factory fails, or the teacher cannot be copied.
    """
    weights_seed = keyed_generator(seed, "student").initial_seed()
    if name is None:
        return _teacher_copy(teacher)
    if ":" in name:
        factory = load_factory(name, "--student")
        return StudentSource(
            seeded(factory, weights_seed), name, {}, lambda other: seeded(factory, other)()
        )
    arguments = data.arch_args

    def make() -> nn.Module:
        network = build_model(name, **arguments)
        if data.task != "classification":
            start_at(network, data.target_mean())
        return network

    return StudentSource(
        seeded(make, weights_seed), name, arguments, lambda other: seeded(make, other)()
    )


def _teacher_copy(teacher: LoadedModel) -> StudentSource:
    if teacher.source_kind == "exported":
        raise UserInputError(
            f"{teacher.source}: an exported program cannot be pruned; name a network with --student"
        )

    def copied() -> nn.Module:
        return copy.deepcopy(teacher.module).train().requires_grad_(True)

    return StudentSource(copied, teacher.arch, teacher.arch_args)
