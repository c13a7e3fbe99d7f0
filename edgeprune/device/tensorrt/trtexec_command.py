"""The settings of an engine as arguments of trtexec, whose versions differ in them."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable, Sequence

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.onnx.file import OnnxInput
from edgeprune.device.tensorrt.precision import Precision
from edgeprune.device.tensorrt.settings import EngineSettingError, EngineSettings
from edgeprune.device.tensorrt.shapes import profile_shapes
from edgeprune.device.tensorrt.trtexec import Trtexec

_SOURCES = ("EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS")
_SOURCES_BEFORE_11 = ("CUBLAS", "CUBLAS_LT", "CUDNN", *_SOURCES)


def build_command(
    program: Trtexec,
    onnx_file: Path,
    engine: Path,
    settings: EngineSettings,
    *,
    inputs: Sequence[OnnxInput],
    precision: Precision,
    workspace_mib: int | None,
    timing_cache: Path | None,
) -> list[str]:
    """The command that builds an engine and does not run it.

    Args:
        program: trtexec.
        onnx_file: the model.
        engine: file to write.
        settings: how.
        inputs: of the model.
        precision: that the model notes; used for TensorRT 8 alone.
        workspace_mib: most memory of one layer; None: TensorRT's default.
        timing_cache: file that it reads and writes.

    Raises:
        DeviceUnsupportedError: this version lacks something that is asked for.
        EngineSettingError: a setting that trtexec does not have.
    """
    if settings.sm is not None:
        raise EngineSettingError("--sm: trtexec builds for the GPU it runs on; leave it out")
    release = program.release
    command = [program.path, f"--onnx={onnx_file}", f"--saveEngine={engine}"]
    command.append("--skipInference" if release >= (8, 6) else "--buildOnly")
    command.append("--profilingVerbosity=detailed")
    command += _shapes(inputs, settings)
    command += _types(release, precision)
    if workspace_mib is not None:
        command.append(f"--memPoolSize=workspace:{workspace_mib}")
    if not settings.tf32:
        command.append("--noTF32")
    if settings.sparse_weights:
        command.append("--sparsity=enable")
    if settings.level is not None:
        command.append(_level(program, settings.level))
    if settings.tactic_sources is not None:
        command.append(_sources(program, settings.tactic_sources))
    if timing_cache is not None:
        command.append(f"--timingCacheFile={timing_cache}")
    option = "--staticPlugins" if release >= (8, 6) else "--plugins"
    return command + [f"{option}={Path(plugin).resolve()}" for plugin in settings.plugins]


def _shapes(inputs: Iterable[OnnxInput], settings: EngineSettings) -> list[str]:
    """Shapes of inputs whose batch is open; trtexec refuses them for others."""
    opened = [
        (value.name, profile_shapes(value.name, value.shape, settings.batch))
        for value in inputs
        if -1 in value.shape
    ]
    if not opened:
        return []
    return [
        f"--{kind}Shapes=" + ",".join(f"{name}:{_crossed(shapes[at])}" for name, shapes in opened)
        for at, kind in enumerate(("min", "opt", "max"))
    ]


def _crossed(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _types(release: tuple[int, int], precision: Precision) -> list[str]:
    """Flags for TensorRT 8; later versions take the types of the graph."""
    if release >= (11, 0):
        return []
    if release >= (10, 0):
        return ["--stronglyTyped"]
    options = [f"--{flag.lower()}" for flag in precision.flags]
    if precision.fp32_nodes:
        layers = ",".join(f"{name}:fp32" for name in precision.fp32_nodes)
        options += ["--precisionConstraints=obey", f"--layerPrecisions={layers}"]
        options += [f"--layerOutputTypes={layers}"]
    return options


def _level(program: Trtexec, level: int) -> str:
    if program.release < (8, 6):
        raise DeviceUnsupportedError(
            f"--level: {program.label} has no optimisation levels; leave it out"
        )
    return f"--builderOptimizationLevel={level}"


def _sources(program: Trtexec, names: Sequence[str]) -> str:
    known = _SOURCES if program.release >= (11, 0) else _SOURCES_BEFORE_11
    for name in names:
        if name not in known:
            raise EngineSettingError(
                f"--tactic-sources {name}: {program.label} has {', '.join(known)}"
            )
    return "--tacticSources=" + ",".join(("+" if n in names else "-") + n for n in known)
