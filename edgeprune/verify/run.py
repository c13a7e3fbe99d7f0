"""From a network and its exported graphs to a report of how well they agree."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgeprune.data.dataset import Data
from edgeprune.device.tensorrt.settings import EngineSettings
from edgeprune.errors import UserInputError
from edgeprune.export.noise import finite_db
from edgeprune.export.prepared import evaluating
from edgeprune.export.sources import model_file, source_data
from edgeprune.models.classes import output_columns
from edgeprune.models.input_shape import image_side
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.loaded import LoadedModel
from edgeprune.statistics import DifferenceInterval, paired_difference
from edgeprune.train.score import score_of
from edgeprune.verify.divergence import Divergence, find_divergence
from edgeprune.verify.engines import try_engine
from edgeprune.verify.fitting import require_fit
from edgeprune.verify.fp32_graphs import Fp32Graphs
from edgeprune.verify.gate import Limits, misses
from edgeprune.verify.graphs import GraphFile, find_graphs, read_graphs
from edgeprune.verify.networks import Inputs, Network, onnx_network, torch_network
from edgeprune.verify.one_pass import OnePass, run_pass
from edgeprune.verify.references import reference_for
from edgeprune.verify.report import Comparison, VerifyReport

ONNXRUNTIME = "onnxruntime"
_INNER_IMAGES = 8  # what the values inside a graph are compared on


@dataclass(frozen=True)
class VerifyRequest:
    """What is to be verified, and how.

    Attributes:
        onnx_files: graphs; none for all that lie beside the network.
        backends: `onnxruntime`, `tensorrt`, `tensorrt-rtx`.
        data: see `load_data`; None for a run's own.
        limit: use only so many test images.
        image_size: side in pixels, where the file does not tell.
        in_channels: of the images, where the file does not tell.
        min_snr_db: below it a value has diverged; None for the precision's own.
        limits: what a graph may lose.
        engine: settings of engines.
        options: what the user says about the model file.
    """

    onnx_files: tuple[Path, ...] = ()
    backends: tuple[str, ...] = (ONNXRUNTIME,)
    data: str | None = None
    limit: int | None = None
    image_size: int | None = None
    in_channels: int | None = None
    min_snr_db: float | None = None
    limits: Limits = field(default_factory=Limits)
    engine: EngineSettings = field(default_factory=EngineSettings)
    options: ModelOptions = field(default_factory=ModelOptions)


def verify(source: Path, request: VerifyRequest) -> VerifyReport:
    """Compare the graphs of a run folder or a model file with its PyTorch network.

    Raises:
        UserInputError: no graph, no data, a graph of another network, or a damaged file.
        UnsupportedError: ONNX Runtime is missing.
        DeviceError: a setting that no engine can be built with.
    """
    file = model_file(source)
    paths = find_graphs(source, file, request.onnx_files)
    loaded = load_model(file, request.options)
    side = image_side(loaded, request.in_channels, request.image_size)
    data = source_data(loaded, side, source, request.data, "--data")
    if data is None:
        raise UserInputError(
            f"{source}: nothing says what data it is tested on: give --data, such as --data digits"
        )
    graphs = read_graphs(paths)
    images = _single_images(data)
    with evaluating(loaded.module):
        _require_fit(graphs, loaded, images[0])
        comparisons, passed = _compared(graphs, loaded, data, request)
        exact = Fp32Graphs(loaded.module, images[0])
        divergences = (
            tuple(_diverged(graph, exact, images, request.min_snr_db) for graph in graphs)
            if ONNXRUNTIME in request.backends
            else ()
        )
    score = score_of(data)
    return VerifyReport(
        source=str(file),
        data=data.name,
        images=passed.samples,
        metric_name=score.metric,
        metric_pytorch=score.factor * float(passed.exact.mean()),
        comparisons=comparisons,
        divergences=divergences,
    )


def _single_images(data: Data) -> list[Inputs]:
    inputs = data.example_inputs(min(_INNER_IMAGES, data.size("train")))
    return [
        tuple(tensor[number : number + 1].numpy() for tensor in inputs)
        for number in range(len(inputs[0]))
    ]


def _require_fit(graphs: Sequence[GraphFile], loaded: LoadedModel, example: Inputs) -> None:
    outputs = torch_network(loaded.module)(example)
    for graph in graphs:
        require_fit(graph, [a.shape for a in example], [a.shape for a in outputs])


def _compared(
    graphs: Sequence[GraphFile], loaded: LoadedModel, data: Data, request: VerifyRequest
) -> tuple[tuple[Comparison, ...], OnePass]:
    columns = output_columns(loaded, data.classes)
    with contextlib.ExitStack() as stack:
        networks: dict[str, Network] = {}
        rows: dict[str, Comparison] = {}
        for backend in request.backends:
            for graph in graphs:
                name = f"{graph.path} on {backend}"
                rows[name], network = _opened(graph, backend, request.engine, stack)
                if network is not None:
                    networks[name] = network
        passed = run_pass(torch_network(loaded.module), networks, data, columns, request.limit)
    found = (
        _measured(row, name, passed, data, request.limits) if name in networks else row
        for name, row in rows.items()
    )
    return tuple(found), passed


def _opened(
    graph: GraphFile, backend: str, settings: EngineSettings, stack: contextlib.ExitStack
) -> tuple[Comparison, Network | None]:
    row = Comparison(str(graph.path), graph.precision, backend, "compared", graph.notes)
    if backend == ONNXRUNTIME:
        row = replace(row, notes=(*graph.notes, *graph.onnxruntime_notes))
        return row, stack.enter_context(onnx_network(graph))
    trial = try_engine(graph, backend, settings, stack)
    if trial.network is None:
        row = replace(row, status="built" if trial.built else "unsupported")
    return replace(row, notes=(trial.detail, *graph.notes)), trial.network


def _measured(
    row: Comparison, name: str, passed: OnePass, data: Data, limits: Limits
) -> Comparison:
    difference, agreement = passed.differences[name], passed.agreement.get(name)
    finite = difference.is_finite
    row = replace(
        row,
        metric=score_of(data).factor * float(passed.scores[name].mean()) if finite else None,
        metric_difference=_interval(passed, name, data) if finite else None,
        agreement_percent=None if agreement is None else 100.0 * agreement,
        finite=finite,
        max_abs_error=difference.max_abs_error if finite else None,
        max_rel_error=difference.max_rel_error if finite else None,
        snr_db=finite_db(difference.noise.db),
    )
    return replace(row, misses=misses(row, limits))


def _interval(passed: OnePass, name: str, data: Data) -> DifferenceInterval:
    return paired_difference(passed.scores[name], passed.exact).scaled(score_of(data).factor)


def _diverged(
    graph: GraphFile, exact: Fp32Graphs, images: Sequence[Inputs], min_snr_db: float | None
) -> Divergence:
    with reference_for(graph, exact) as reference:
        return find_divergence(graph, reference, images, min_snr_db)
