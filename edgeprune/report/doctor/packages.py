"""Python packages, found without importing them."""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edgeprune.report.doctor.finding import Area, Finding
from edgeprune.report.versions import package_version

_OLDEST_PYTHON = (3, 10)


@dataclass(frozen=True)
class Package:
    """A package to look for.

    Attributes:
        module: its import name.
        distributions: names it is installed under, the usual one first.
        oldest: lowest version that works, empty if any does.
        use: what it is for.
        extra: extra of edgeprune that installs it; empty for core dependencies.
    """

    module: str
    distributions: tuple[str, ...]
    oldest: str = ""
    use: str = ""
    extra: str = ""


CORE = (
    Package("torch", ("torch",), "2.6"),
    Package("torchvision", ("torchvision",), "0.21"),
    Package("onnx", ("onnx",), "1.17"),
    Package("onnxscript", ("onnxscript",), "0.2"),
    Package("onnxruntime", ("onnxruntime", "onnxruntime-gpu"), "1.20"),
    Package("numpy", ("numpy",), "1.26"),
    Package("click", ("click",), "8.1"),
    Package("rich", ("rich",), "13.7"),
    Package("pydantic", ("pydantic",), "2.7"),
    Package("yaml", ("PyYAML",), "6.0"),
    Package("PIL", ("pillow",), "10.0"),
)
EXTRAS = (
    Package("matplotlib", ("matplotlib",), "3.8", "plots of report.html", "report"),
    Package("jinja2", ("Jinja2",), "3.1", "report.html", "report"),
    Package("sklearn", ("scikit-learn",), "1.4", "edgeprune demo's digits", "demo"),
    Package(
        *("onnxruntime_extensions", ("onnxruntime-extensions",), "0.13"),
        *("sparse layers in ONNX Runtime", "sparse"),
    ),
    Package("tensorrt", ("tensorrt",), "", "engines for this machine's GPU", "gpu"),
    Package("tensorrt_rtx", ("tensorrt-rtx", "tensorrt_rtx"), "", "engine builds, no GPU", "rtx"),
    Package("pynvml", ("nvidia-ml-py",), "", "power of discrete GPUs", "gpu"),
    Package("pycuda", ("pycuda",), "", "an alternative to our CUDA wrapper", "pycuda"),
)

_SYSTEMS_ON_A_BOARD = ("gpu", "pycuda")


def examine_core() -> Iterator[Finding]:
    """Python itself and the packages edgeprune cannot do without."""
    version = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        oldest = ".".join(map(str, _OLDEST_PYTHON))
        yield Finding("core", "python", "missing", version, f"use Python {oldest} or newer")
    else:
        yield Finding("core", "python", "ok", f"{version} ({sys.executable})")
    for package in CORE:
        yield _examine(package)


def examine_extras(root: Path = Path("/")) -> Iterator[Finding]:
    """Packages that single features need.

    Args:
        root: where `etc` hangs; on a board NVIDIA's packages are the system's.
    """
    on_board = (root / "etc/nv_tegra_release").exists()
    for package in EXTRAS:
        finding = _examine(package)
        if on_board and finding.status == "missing" and package.extra in _SYSTEMS_ON_A_BOARD:
            finding = replace(finding, remedy="comes with JetPack; never pip install it on a board")
        yield finding


def package_folder(module: str) -> Path | None:
    """Where a package lies, without importing it; None when it is not installed."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return Path(spec.origin) if spec is not None and spec.origin else None
    return Path(next(iter(spec.submodule_search_locations)))


def installed_version(package: Package) -> str | None:
    """The version of whichever distribution provides the package."""
    found = (package_version(name) for name in package.distributions)
    return next((version for version in found if version is not None), None)


def _examine(package: Package) -> Finding:
    area: Area = "extras" if package.extra else "core"
    target = f"'edgeprune[{package.extra}]'" if package.extra else package.distributions[0]
    if package_folder(package.module) is None:
        return Finding(area, package.module, "missing", package.use, f"pip install {target}")
    version = installed_version(package)
    detail = " · ".join(part for part in (version or "version unknown", package.use) if part)
    if version is not None and package.oldest and _numbers(version) < _numbers(package.oldest):
        wanted = f"{package.distributions[0]}>={package.oldest}"
        return Finding(area, package.module, "missing", f"{version} is too old",
                       f"pip install -U '{wanted}'")  # fmt: skip
    return Finding(area, package.module, "ok", detail)


def torch_build(folder: Path | None) -> str:
    """`CUDA 13.0`, `ROCm 6.4` or `CPU only`, from torch's own version file; empty if unknown.

    Args:
        folder: torch's package folder.
    """
    try:
        text = "" if folder is None else (folder / "version.py").read_text(encoding="utf-8")
    except OSError:
        return ""
    for name, label in (("cuda", "CUDA"), ("hip", "ROCm")):
        found = re.search(rf"^{name}\b[^=\n]*=\s*'([^']+)'", text, re.MULTILINE)
        if found:
            return f"{label} {found[1]}"
    return "CPU only" if text else ""


def _numbers(version: str) -> tuple[int, ...]:
    """`2.14.1+cu130` -> (2, 14, 1); a part that does not begin with digits ends it."""
    numbers = []
    for part in version.partition("+")[0].split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
