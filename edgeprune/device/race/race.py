"""The last gate: the network with sparse layers against the same one dense, by their own profiles.

Runtimes fuse a dense convolution with its neighbours and copy tensors around a sparse one, so the
layers of the two profiles are not the same. What is compared is the least set of parts that both
compute in layers of their own: all that one of them spends on it against all that the other does.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Sequence


@dataclass(frozen=True)
class ProfiledLayer:
    """A layer of a profile.

    Attributes:
        name: as the runtime calls it; of a copy that it added with the name of the layer that the
            copy is for at its end.
        p50_ms: median time.
        parts: what it was made from: modules with weights, and nodes without by their names; empty
            for copies that the runtime added.
    """

    name: str
    p50_ms: float
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Sparse layers that can only be judged together, mostly one.

    Attributes:
        layers: the sparse layers.
        dense_ms: what the dense network spends on them and on what was fused with them.
        sparse_ms: what the one with sparse layers spends on the same, copies included.
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
    """The two networks.

    Attributes:
        comparisons: of all sparse layers.
        dense_ms: all layers of the dense one.
        sparse_ms: all layers of the one with sparse layers.
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

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "back": self.back}


def race(
    dense: Sequence[ProfiledLayer], sparse: Sequence[ProfiledLayer], sparse_layers: Sequence[str]
) -> Race:
    """Which sparse layers go back to dense.

    Args:
        dense: profile of the dense network.
        sparse: of the one with sparse layers.
        sparse_layers: modules that are sparse there.
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


def _named(profile: Sequence[ProfiledLayer]) -> set[str]:
    return {part for layer in profile for part in layer.parts}


def _closure(parts: set[str], *profiles: Sequence[ProfiledLayer]) -> set[str]:
    grown = set(parts)
    for profile in profiles:
        for layer in profile:
            if grown.intersection(layer.parts):
                grown.update(layer.parts)
    return grown if grown == parts else _closure(grown, *profiles)


def _time_of(parts: set[str], profile: Sequence[ProfiledLayer]) -> float:
    own = [layer for layer in profile if parts.intersection(layer.parts)]
    names = {layer.name for layer in own}
    others = [layer.name for layer in profile if layer.parts and layer.name not in names]
    copies = [
        layer
        for layer in profile
        if not layer.parts and _nearest(layer.name, [*names, *others]) in names
    ]
    return sum(layer.p50_ms for layer in (*own, *copies))


def _nearest(copy: str, names: Sequence[str]) -> str:
    """The layer that a copy is for, whose name stands at the end of the copy's."""
    return max((name for name in names if copy.endswith(name)), key=len, default="")
