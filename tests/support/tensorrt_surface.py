"""What one version of TensorRT's Python module has: recorded from it, and rebuilt for tests.

A surface is plain JSON: `enums` (name -> member -> value) and `classes` (name -> attributes), of
the parts that edgeprune uses. A module that is rebuilt from one has these names and no others, so
that code which asks for more fails as it would on a board with that version.
"""

from __future__ import annotations

import json
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "tensorrt_api"
ENUMS = (
    "BuilderFlag", "ComputeCapability", "DataType", "LayerInformationFormat", "LayerType",
    "MemoryPoolType", "NetworkDefinitionCreationFlag", "ProfilingVerbosity", "TacticSource",
    "TensorIOMode",
)  # fmt: skip
CLASSES = (
    "Builder", "EngineInspector", "IBuilderConfig", "ICudaEngine", "IExecutionContext", "ILayer",
    "ILogger", "INetworkDefinition", "IOptimizationProfile", "IProfiler", "IProgressMonitor",
    "ITensor", "ITimingCache", "OnnxParser", "ParserError", "Runtime",
)  # fmt: skip
VERSIONS = ("8.5.2", "8.6.1", "10.3.0", "10.16.1", "11.4.0", "rtx-1.7.1")


def surface_of(module: Any) -> dict[str, Any]:
    """Read the surface of a module that can be imported."""
    enums = {
        name: {member: int(value) for member, value in getattr(module, name).__members__.items()}
        for name in ENUMS
        if hasattr(module, name)
    }
    classes = {
        name: sorted(found for found in dir(getattr(module, name)) if not found.startswith("_"))
        for name in CLASSES
        if hasattr(module, name)
    }
    return {"enums": enums, "classes": classes}


def recorded(version: str) -> dict[str, Any]:
    """The surface of a version, as it was recorded."""
    surface: dict[str, Any] = json.loads((FOLDER / f"{version}.json").read_text())
    return surface


def rebuilt(version: str) -> SimpleNamespace:
    """A module with the enumerations of a version, and with `has` for its classes."""
    surface = recorded(version)
    module = SimpleNamespace(
        **{name: IntEnum(name, members) for name, members in surface["enums"].items() if members}
    )
    for name, attributes in surface["classes"].items():
        setattr(module, name, type(name, (Recording,), {"allowed": frozenset(attributes)}))
    return module


class Recording:
    """An object of one of TensorRT's classes: remembers what it is told, knows nothing else.

    Attributes:
        allowed: the names that this version has.
        told: `(name, arguments)` of each call and `(name, value)` of each assignment, in order.
    """

    allowed: frozenset[str] = frozenset()

    def __init__(self) -> None:
        object.__setattr__(self, "told", [])

    def __getattr__(self, name: str) -> Any:
        self._check(name)

        def method(*arguments: Any) -> None:
            self.told.append((name, arguments))

        return method

    def __setattr__(self, name: str, value: Any) -> None:
        self._check(name)
        self.told.append((name, value))

    def _check(self, name: str) -> None:
        if name not in self.allowed:
            raise AttributeError(f"{type(self).__name__} of this version has no {name}")
