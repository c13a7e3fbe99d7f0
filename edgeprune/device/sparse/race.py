"""The third gate: the engine with sparse layers against the dense one, by their own profiles.

TensorRT fuses a dense convolution with its neighbours and copies tensors around a plugin, so layers
of the two engines are not the same. What is compared is the least set of modules that both engines
compute in layers of their own: all that one of them spends on it against all that the other does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Sequence


class LayerTime(Protocol):
    """A layer of an engine's profile (`runners.tensorrt_profile.EngineLayerTime`)."""

    @property
    def name(self) -> str:
        """As TensorRT calls it."""

    @property
    def p50_ms(self) -> float:
        """Median time."""

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules that it was made from; empty for copies that TensorRT added."""


@dataclass(frozen=True)
class Comparison:
    """Sparse layers that can only be judged together, mostly one.

    Attributes:
        layers: the sparse layers.
        dense_ms: what the dense engine spends on them and on what it fused with them.
        sparse_ms: what the engine with the plugin spends on the same, copies included.
    """

    layers: tuple[str, ...]
    dense_ms: float
    sparse_ms: float

    @property
    def goes_back(self) -> bool:
        """Whether dense is as fast or faster."""
        return self.sparse_ms >= self.dense_ms

    @property
    def reason(self) -> str:
        """In a user's words."""
        verb = "lost" if self.goes_back else "won"
        return (
            f"{', '.join(self.layers)}: sparse {verb} with {self.sparse_ms:.3f} ms against "
            f"{self.dense_ms:.3f} ms dense"
        )


@dataclass(frozen=True)
class Race:
    """The two engines.

    Attributes:
        comparisons: of all sparse layers.
        dense_ms: all layers of the dense engine.
        sparse_ms: all layers of the engine with the plugin.
        unknown: sparse layers that a profile does not name; they go back.
    """

    comparisons: tuple[Comparison, ...]
    dense_ms: float
    sparse_ms: float
    unknown: tuple[str, ...] = ()

    @property
    def back(self) -> tuple[str, ...]:
        """Layers that go back to dense."""
        lost = [layer for found in self.comparisons if found.goes_back for layer in found.layers]
        return (*lost, *self.unknown)

    @property
    def reasons(self) -> tuple[str, ...]:
        """A line per comparison, then one per layer that no profile names."""
        return (
            *(found.reason for found in self.comparisons),
            *(f"{name}: a profile does not name it, so it goes back" for name in self.unknown),
        )


def race(
    dense: Sequence[LayerTime], sparse: Sequence[LayerTime], sparse_layers: Sequence[str]
) -> Race:
    """Which sparse layers go back to dense.

    Args:
        dense: profile of the dense engine.
        sparse: profile of the engine with the plugin.
        sparse_layers: modules that the plugin computes there.
    """
    named = _named(dense) & _named(sparse)
    comparisons: list[Comparison] = []
    judged: set[str] = set()
    for layer in sparse_layers:
        if layer in named and layer not in judged:
            together = _closure({layer}, dense, sparse)
            mine = tuple(name for name in sparse_layers if name in together)
            judged.update(mine)
            comparisons.append(
                Comparison(mine, _time_of(together, dense), _time_of(together, sparse))
            )
    return Race(
        tuple(comparisons),
        sum(layer.p50_ms for layer in dense),
        sum(layer.p50_ms for layer in sparse),
        tuple(name for name in sparse_layers if name not in named),
    )


def _named(profile: Sequence[LayerTime]) -> set[str]:
    return {module for layer in profile for module in layer.modules}


def _closure(modules: set[str], *profiles: Sequence[LayerTime]) -> set[str]:
    grown = set(modules)
    for profile in profiles:
        for layer in profile:
            if grown.intersection(layer.modules):
                grown.update(layer.modules)
    return grown if grown == modules else _closure(grown, *profiles)


def _time_of(modules: set[str], profile: Sequence[LayerTime]) -> float:
    own = [layer for layer in profile if modules.intersection(layer.modules)]
    names = {layer.name for layer in own}
    others = [layer.name for layer in profile if layer.modules and layer.name not in names]
    copies = [
        layer
        for layer in profile
        if not layer.modules and _nearest(layer.name, [*names, *others]) in names
    ]
    return sum(layer.p50_ms for layer in (*own, *copies))


def _nearest(copy: str, names: Sequence[str]) -> str:
    """The layer that a copy is for: TensorRT writes its name at the end of the copy's."""
    return max((name for name in names if copy.endswith(name)), key=len, default="")
