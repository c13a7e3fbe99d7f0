"""Processor, accelerator, memory, disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from edgeprune.processor import cpu_entries, cpu_model, usable_cores
from edgeprune.report.doctor.cuda_driver import CudaDriver
from edgeprune.report.doctor.finding import Finding
from edgeprune.report.doctor.packages import package_folder, torch_build

_ROOT = Path("/")
_LEAST_MEMORY = 4 * 2**30
_LEAST_DISK = 5 * 2**30
# Instructions that decide how fast a CPU trains, the fastest first.
_BF16 = (("amx_bf16", "AMX"), ("avx512_bf16", "AVX512-BF16"), ("bf16", "Arm BF16"))
_VECTORS = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("asimd", "Neon"))


def examine_hardware(
    root: Path = _ROOT, driver: CudaDriver | None = None, folder: Path | None = None
) -> Iterator[Finding]:
    """What networks can be trained and measured on.

    Args:
        root: where `proc`, `sys` and `etc` hang.
        driver: the CUDA driver; None for this machine's.
        folder: where runs would be written; None for the working directory.
    """
    yield from _board(root)
    yield _cpu(root)
    yield _cores(root)
    yield _gpu(driver or CudaDriver())
    yield _memory(root)
    yield _disk(folder or Path.cwd())
    yield _providers()


def _board(root: Path) -> Iterator[Finding]:
    release = _text(root / "etc/nv_tegra_release")
    if release:
        model = _text(root / "sys/firmware/devicetree/base/model").strip("\0 \n")
        yield Finding("hardware", "board", "ok", f"{model or 'Jetson'} · {release.splitlines()[0]}")


def _cpu(root: Path) -> Finding:
    cpuinfo = root / "proc/cpuinfo"
    entries = cpu_entries(cpuinfo)
    flags = set(entries.get("flags", entries.get("Features", "")).split())
    vectors = [name for flag, name in _VECTORS if flag in flags]
    fast = [name for flag, name in _BF16 if flag in flags]
    if fast:
        return Finding("hardware", "cpu", "ok", f"{cpu_model(cpuinfo)} · bf16 in {fast[0]}")
    detail = " · ".join([cpu_model(cpuinfo), *vectors[:1]])
    return Finding(
        "hardware", "cpu", "limited", f"{detail} · no bf16 instructions (AMX, AVX512-BF16)",
        "train on a GPU, or on a CPU with them, to be several times faster than in fp32",
    )  # fmt: skip


def _cores(root: Path) -> Finding:
    cores = usable_cores()
    asked = os.environ.get("OMP_NUM_THREADS")
    detail = f"{cores} usable" + (f" · OMP_NUM_THREADS={asked}" if asked else "")
    load = _text(root / "proc/loadavg").split()
    try:
        busy = float(load[0]) if load else 0.0
    except ValueError:
        busy = 0.0
    if busy > 0.75 * cores:
        return Finding(
            "hardware", "cores", "limited", f"{detail} · load {busy:.1f}",
            "other processes use this machine: latencies will scatter; OMP_WAIT_POLICY=PASSIVE",
        )  # fmt: skip
    return Finding("hardware", "cores", "ok", detail)


def _gpu(driver: CudaDriver) -> Finding:
    names, build = driver.device_names(), torch_build(package_folder("torch"))
    detail = f"{', '.join(names) or driver.why_none()} · torch for {build or 'unknown'}"
    if not names:
        return Finding(
            "hardware", "gpu", "limited", detail,
            "train on the CPU, or on a machine with an NVIDIA GPU",
        )  # fmt: skip
    if not build.startswith("CUDA"):
        return Finding(
            "hardware", "gpu", "limited", detail,
            "install a CUDA build of torch (pytorch.org/get-started) to train on it",
        )  # fmt: skip
    return Finding("hardware", "gpu", "ok", detail)


def _memory(root: Path) -> Finding:
    info = cpu_entries(root / "proc/meminfo")
    total, free = _kibibytes(info.get("MemTotal")), _kibibytes(info.get("MemAvailable"))
    if total is None or free is None:
        return Finding("hardware", "memory", "limited", "unknown: /proc/meminfo does not answer")
    limit = _text(root / "sys/fs/cgroup/memory.max").strip()
    if limit.isdigit():
        total, free = min(total, int(limit)), min(free, int(limit))
    detail = f"{_gib(free)} of {_gib(total)} free"
    if free < _LEAST_MEMORY:
        return Finding(
            "hardware", "memory", "limited", detail,
            "close other programs, or use a smaller --set batch_size=... and train_limit=...",
        )  # fmt: skip
    return Finding("hardware", "memory", "ok", detail)


def _disk(folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as failure:
        return Finding("hardware", "disk", "limited", f"{folder}: {failure.strerror}")
    detail = f"{_gib(free)} free in {folder}"
    if free < _LEAST_DISK:
        return Finding("hardware", "disk", "limited", detail, "make room, or use --out elsewhere")
    return Finding("hardware", "disk", "ok", detail)


def _providers() -> Finding:
    """Execution providers, by the libraries that ONNX Runtime's wheel brings."""
    folder = package_folder("onnxruntime")
    if folder is None:
        return Finding(
            "hardware", "onnxruntime providers", "missing", "", "pip install onnxruntime"
        )
    libraries = (folder / "capi").glob("libonnxruntime_providers_*.so")
    names = {path.stem.rpartition("_")[2].upper() for path in libraries} - {"SHARED"}
    return Finding("hardware", "onnxruntime providers", "ok", ", ".join(["CPU", *sorted(names)]))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _kibibytes(text: str | None) -> int | None:
    number = (text or "").split(" ")[0]
    return 1024 * int(number) if number.isdigit() else None


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
