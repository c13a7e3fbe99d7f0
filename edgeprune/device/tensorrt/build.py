"""From an ONNX file to a serialised engine, with TensorRT's Python bindings."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.tensorrt.adapter import Adapter
from edgeprune.device.tensorrt.bindings import Bindings
from edgeprune.device.tensorrt.lines import one_line
from edgeprune.device.tensorrt.log import make_logger
from edgeprune.device.tensorrt.memory import workspace_mib
from edgeprune.device.tensorrt.plan import Plan, why_not_built
from edgeprune.device.tensorrt.plugins import load_plugins
from edgeprune.device.tensorrt.precision import apply_precision, read_precision
from edgeprune.device.tensorrt.progress import monitored
from edgeprune.device.tensorrt.settings import BuildAids, EngineSettingError, EngineSettings
from edgeprune.device.tensorrt.shapes import profile_shapes
from edgeprune.device.tensorrt.starting import start
from edgeprune.device.tensorrt.timing_cache import (
    attach_timing_cache,
    has_timing_cache,
    save_timing_cache,
)

_NO_AIDS = BuildAids()
_NO_MODEL = "Failed to parse the ONNX model"  # TensorRT's words for a file that is none
_NO_PLUGIN = "Plugin not found"  # and for an operation that no loaded library has
_NEEDS_PLUGIN = (
    "no library that is loaded has it as a plugin; give --plugin LIBRARY (cuda/plugin/README.md "
    "builds the one of SparseConv2d, for this TensorRT), or export with --sparse off"
)


def build_plan(
    onnx_file: Path, bindings: Bindings, settings: EngineSettings, aids: BuildAids = _NO_AIDS
) -> Plan:
    """Build an engine.

    Args:
        onnx_file: one file, batch on axis 0 of every input.
        bindings: the TensorRT to build with.
        settings: how.
        aids: what helps on the way.

    Raises:
        DeviceUnsupportedError: TensorRT does not start, or cannot read or build a node, named with
            its own words.
        DeviceError: the file is no ONNX model, or a setting does not apply.
        KeyboardInterrupt: the user asked for the end, which TensorRT 8 only notices at its own.
    """
    trt, adapter, log = bindings.module, Adapter(bindings), make_logger(bindings.module)
    builder = start(trt.Builder, log, bindings.label)
    load_plugins(settings.plugins, bindings)
    network = builder.create_network(adapter.network_flags())
    _parse(onnx_file, trt.OnnxParser(network, log), bindings)
    if not network.num_outputs:
        raise EngineSettingError(f"{onnx_file}: is no ONNX model; edgeprune export writes one")
    config = builder.create_builder_config()
    adapter.configure(config, settings, settings.workspace_mib or workspace_mib())
    notes = []
    if adapter.has_precision_flags:
        notes.append(apply_precision(trt, config, network, read_precision(onnx_file)))
    config.add_optimization_profile(_profile(builder, network, settings))
    cache = aids.timing_cache if has_timing_cache(bindings, config) else None
    if cache is not None:
        notes.append(attach_timing_cache(config, cache, log))
    started = time.perf_counter()
    with monitored(trt, config, aids.progress):
        serialised = builder.build_serialized_network(network, config)
    if serialised is None:
        raise DeviceUnsupportedError(why_not_built(onnx_file, bindings.label, log.errors))
    seconds = time.perf_counter() - started
    if cache is not None:
        notes.append(save_timing_cache(config, cache))
    return Plan(
        data=bytes(serialised),
        layers=int(network.num_layers),
        seconds=seconds,
        warnings=tuple(dict.fromkeys(map(one_line, log.warnings))),
        notes=tuple(filter(None, notes)),
    )


def _parse(onnx_file: Path, parser: Any, bindings: Bindings) -> None:
    if parser.parse_from_file(str(onnx_file)):
        return
    first = parser.get_error(0)
    if _NO_MODEL in first.desc():
        raise EngineSettingError(f"{onnx_file}: is no ONNX model; edgeprune export writes one")
    name = first.node_name() if hasattr(first, "node_name") else f"number {first.node()}"
    kind = first.node_operator() if hasattr(first, "node_operator") else ""
    more = f" (and {parser.num_errors - 1} more)" if parser.num_errors > 1 else ""
    node = f"node '{name}' ({kind})" if kind else "the graph"
    why = _NEEDS_PLUGIN if _NO_PLUGIN in first.desc() else one_line(first.desc())
    raise DeviceUnsupportedError(f"{onnx_file}: {bindings.label} cannot read {node}{more}: {why}")


def _profile(builder: Any, network: Any, settings: EngineSettings) -> Any:
    profile = builder.create_optimization_profile()
    for number in range(network.num_inputs):
        value = network.get_input(number)
        profile.set_shape(value.name, *profile_shapes(value.name, value.shape, settings.batch))
    return profile
