"""Which layers of a graph become sparse."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from edgeprune.errors import UnsupportedError, UserInputError

# For CPUs (`gate` decides for boards): at 20 % the sparse operator was as fast as ONNX Runtime's
# dense convolution or faster in all cases of examples/benchmarks/sparse_conv_cpu.py, at 50 % in two
# thirds of them. A mask of 80 % leaves a little more or less in each layer.
MAX_DENSITY = 0.205
AUTO, OFF = "auto", "off"


class Layer(Protocol):
    """What a choice is made from."""

    @property
    def name(self) -> str:
        """PyTorch module."""

    @property
    def density(self) -> float | None:
        """Share of the weights that are not zero; None where the weight is not known."""

    @property
    def obstacle(self) -> str:
        """Why it cannot become sparse; empty where it can."""


@dataclass(frozen=True)
class Chosen:
    """Whether a layer becomes sparse.

    Attributes:
        sparse: whether it does.
        reason: why.
        vector: V that the choice counts on; None where its mask decides.
    """

    sparse: bool
    reason: str
    vector: int | None = None


_LOST = Chosen(False, "it lost to the dense layer where it runs")
AnyLayer = TypeVar("AnyLayer", bound=Layer)


def choose(
    layers: Sequence[AnyLayer],
    wanted: str,
    automatic: Callable[[AnyLayer], Chosen] | None = None,
    back: Collection[str] = (),
) -> list[Chosen]:
    """Decide for every layer.

    Names are the user's word and are taken at any density.

    Args:
        layers: the convolutions of a graph.
        wanted: `auto`, or names of modules or patterns (`fnmatch`), separated by commas.
        automatic: what decides for `auto`; default: at most `MAX_DENSITY` of the weights are left.
        back: layers that lost to dense ones where they run, and stay dense whatever is wanted.

    Returns:
        One for each layer, in their order.

    Raises:
        UserInputError: a pattern names no convolution.
        UnsupportedError: a layer is named that cannot become sparse.
    """
    if back:
        found = choose(layers, wanted, automatic)
        return [_LOST if ly.name in back else one for ly, one in zip(layers, found, strict=True)]
    if wanted == AUTO:
        return [(automatic or _by_density)(layer) for layer in layers]
    patterns = [part.strip() for part in wanted.split(",") if part.strip()]
    if not patterns:
        raise UserInputError("--sparse: use auto, off, or names of layers separated by commas")
    names = [layer.name for layer in layers]
    for pattern in patterns:
        _require_named(pattern, names)
    return [_by_name(layer, patterns) for layer in layers]


def _by_density(layer: Layer) -> Chosen:
    if layer.obstacle:
        return Chosen(False, layer.obstacle)
    assert layer.density is not None
    sparse = layer.density <= MAX_DENSITY
    relation = "at most" if sparse else "more than"
    return Chosen(sparse, f"{layer.density:.1%} of its weights left, {relation} {MAX_DENSITY:.1%}")


def _by_name(layer: Layer, patterns: Sequence[str]) -> Chosen:
    if not any(_fits(pattern, layer.name) for pattern in patterns):
        return Chosen(False, "not named")
    if layer.obstacle and any(pattern == layer.name for pattern in patterns):
        raise UnsupportedError(
            f"--sparse {layer.name}: {layer.obstacle}; leave it out, or export in fp32 or fp16"
        )
    return Chosen(not layer.obstacle, layer.obstacle or "named")


def _fits(pattern: str, name: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _require_named(pattern: str, names: Sequence[str]) -> None:
    if any(_fits(pattern, name) for name in names):
        return
    near = get_close_matches(pattern, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(names) or 'none'}"
    raise UserInputError(f"--sparse {pattern}: the graph has no convolution of this name; {hint}")
