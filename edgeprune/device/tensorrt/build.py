"""From an ONNX file to a serialised engine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.tensorrt.adapter import Adapter
from edgeprune.device.tensorrt.bindings import Bindings
from edgeprune.device.tensorrt.lines import one_line
from edgeprune.device.tensorrt.log import make_logger
from edgeprune.device.tensorrt.memory import workspace_mib
from edgeprune.device.tensorrt.plugins import load_plugins
from edgeprune.device.tensorrt.settings import EngineSettingError, EngineSettings


@dataclass(frozen=True)
class Plan:
    """A serialised engine.

    Attributes:
        data: its bytes.
        layers: number of layers of the network it was built from.
        seconds: time that building took.
        warnings: what TensorRT warned of, each line once.
    """

    data: bytes
    layers: int
    seconds: float
    warnings: tuple[str, ...]


def build_plan(onnx_file: Path, bindings: Bindings, settings: EngineSettings) -> Plan:
    """Build an engine.

    Args:
        onnx_file: one file, batch on axis 0 of every input.
        bindings: the TensorRT to build with.
        settings: how.

    Raises:
        DeviceUnsupportedError: TensorRT cannot read or build a node, named with its own words.
        DeviceError: the file is no ONNX model, or a setting does not apply.
    """
    load_plugins(settings.plugins)
    trt, adapter, log = bindings.module, Adapter(bindings), make_logger(bindings.module)
    builder = trt.Builder(log)
    network = builder.create_network(adapter.network_flags())
    _parse(onnx_file, trt.OnnxParser(network, log), bindings)
    if not network.num_outputs:
        raise EngineSettingError(f"{onnx_file}: is no ONNX model; edgeprune export writes one")
    config = builder.create_builder_config()
    adapter.configure(config, settings, settings.workspace_mib or workspace_mib())
    config.add_optimization_profile(_profile(builder, network, settings))
    started = time.perf_counter()
    serialised = builder.build_serialized_network(network, config)
    if serialised is None:
        raise DeviceUnsupportedError(_why_not_built(onnx_file, bindings, log.errors))
    return Plan(
        data=bytes(serialised),
        layers=int(network.num_layers),
        seconds=time.perf_counter() - started,
        warnings=tuple(dict.fromkeys(map(one_line, log.warnings))),
    )


def _parse(onnx_file: Path, parser: Any, bindings: Bindings) -> None:
    if parser.parse_from_file(str(onnx_file)):
        return
    first = parser.get_error(0)
    name = first.node_name() if hasattr(first, "node_name") else f"number {first.node()}"
    kind = first.node_operator() if hasattr(first, "node_operator") else ""
    more = f" (and {parser.num_errors - 1} more)" if parser.num_errors > 1 else ""
    node = f"node '{name}' ({kind})" if kind else "the graph"
    raise DeviceUnsupportedError(
        f"{onnx_file}: {bindings.label} cannot read {node}{more}: {one_line(first.desc())}"
    )


def _profile(builder: Any, network: Any, settings: EngineSettings) -> Any:
    profile = builder.create_optimization_profile()
    for number in range(network.num_inputs):
        value = network.get_input(number)
        rest = tuple(value.shape)[1:]
        if any(width < 0 for width in rest):
            raise DeviceUnsupportedError(
                f"input '{value.name}' has free axes besides the batch ({tuple(value.shape)}); "
                "export it with fixed ones"
            )
        batch = settings.batch
        sizes = ((size, *rest) for size in (batch.least, batch.usual, batch.most))
        profile.set_shape(value.name, *sizes)
    return profile


def _why_not_built(onnx_file: Path, bindings: Bindings, errors: list[str]) -> str:
    told = one_line(errors[0]) if errors else "it gave no reason; the process may be out of memory"
    remedy = "; lower --workspace or free memory" if "memory" in told.lower() else ""
    return f"{onnx_file}: {bindings.label} cannot build it: {told}{remedy}"
