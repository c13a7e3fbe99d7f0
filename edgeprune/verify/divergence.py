"""Where inside a graph values part from what they should be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgeprune.export.noise import Noise, finite_db
from edgeprune.export.precision.convert import PrecisionName
from edgeprune.export.precision.emulate import emulated
from edgeprune.export.precision.sessions import running
from edgeprune.export.precision.survey import with_outputs
from edgeprune.verify.graphs import GraphFile
from edgeprune.verify.networks import Inputs
from edgeprune.verify.references import ComparedWith, Reference
from edgeprune.verify.values import activations

# Below this a value has parted from what it should be.
MIN_SNR_DB: Mapping[PrecisionName, float] = {"fp32": 60.0, "fp16": 35.0, "int8": 15.0}
# What rounding a single value once leaves. A fall from beyond it is the first rounding, and no
# layer's fault.
_ROUNDED_DB: Mapping[PrecisionName, float] = {"fp32": 130.0, "fp16": 65.0, "int8": 40.0}


@dataclass(frozen=True)
class LayerNoise:
    """One value inside a graph against what it should be.

    Attributes:
        layer: PyTorch module that it comes from.
        value: its name in the graph.
        counterpart: what it was compared with.
        snr_db: signal-to-noise ratio in decibels, within ±200.
        fall_db: how much less that is than of the worst value it is computed from.
    """

    layer: str
    value: str
    counterpart: str
    snr_db: float
    fall_db: float


@dataclass(frozen=True)
class Divergence:
    """The values inside one graph, in ONNX Runtime.

    Attributes:
        graph: the file.
        compared_with: PyTorch's modules, or the same graph in FP32.
        images: real training images that it was seen on.
        values: floating-point values that the graph computes, rounded copies not counted.
        layers: those that have a counterpart, in the graph's order.
        min_snr_db: below it a value has diverged.
        first: the first that has; None where none has.
        largest_fall: where the ratio falls most; None where it falls nowhere.
    """

    graph: str
    compared_with: ComparedWith
    images: int
    values: int
    layers: tuple[LayerNoise, ...]
    min_snr_db: float
    first: LayerNoise | None
    largest_fall: LayerNoise | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def find_divergence(
    graph: GraphFile, reference: Reference, images: Sequence[Inputs], min_snr_db: float | None
) -> Divergence:
    """Run a graph with all its values as outputs, image by image.

    Args:
        images: inputs of batch 1.
        min_snr_db: None for `MIN_SNR_DB` of the graph's precision.
    """
    least = MIN_SNR_DB[graph.precision] if min_snr_db is None else min_snr_db
    noises = _noises(graph, reference, images)
    layers = tuple(_layers(graph, reference, noises))
    return Divergence(
        graph=str(graph.path),
        compared_with=reference.kind,
        images=len(images),
        values=len(activations(graph.model)),
        layers=layers,
        min_snr_db=least,
        first=next((layer for layer in layers if layer.snr_db < least), None),
        largest_fall=max(
            (layer for layer in layers if layer.fall_db > 0.0),
            key=lambda layer: layer.fall_db,
            default=None,
        ),
    )


def _noises(graph: GraphFile, reference: Reference, images: Sequence[Inputs]) -> dict[str, Noise]:
    names = list(reference.places)
    found: dict[str, Noise] = {}
    unlike: set[str] = set()
    with contextlib.ExitStack() as stack:
        model = with_outputs(emulated(graph.model), names)
        runner = stack.enter_context(running(model))
        for inputs in images:
            exact = reference.values(inputs)
            outputs = runner.infer(dict(zip(runner.input_names, inputs, strict=True)))
            for name, values in exact.items():
                if values.shape != outputs[name].shape:
                    unlike.add(name)
                else:
                    found.setdefault(name, Noise()).add(values, outputs[name])
    return {name: noise for name, noise in found.items() if name not in unlike}


def _layers(
    graph: GraphFile, reference: Reference, noises: Mapping[str, Noise]
) -> Iterator[LayerNoise]:
    ceiling = _ROUNDED_DB[graph.precision]
    nearest: dict[str, frozenset[str]] = {}
    for node in graph.model.graph.node:
        before = frozenset().union(*(nearest.get(name, frozenset()) for name in node.input))
        for name in node.output:
            nearest[name] = frozenset([name]) if name in noises else before
            if name in noises:
                place = reference.places[name]
                snr = finite_db(noises[name].db)
                worst = min([ceiling, *(noises[other].db for other in before)])
                fall = finite_db(worst) - min(snr, ceiling)
                yield LayerNoise(place.layer, name, place.counterpart, snr, fall)
