"""Compiles libraries from `cuda/` once for all processes: cached by what they are made of."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

CUDA = Path(__file__).resolve().parents[2]
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
PLAN_SOURCES = (*sorted((CUDA / "plan").glob("*.cc")), CUDA / "harness" / "plan_api.cc")
_SOURCE_SUFFIXES = (".h", ".cc", ".cu", ".cuh", ".map")
# Folders that nothing else includes from.
_APART = ("plugin", "lifecycle", "standin", "prebuilt", "occupancy")


class BuildError(RuntimeError):
    """The compiler refused."""


@dataclass(frozen=True)
class Unit:
    """A source and the options that only it is compiled with."""

    source: Path
    options: tuple[str, ...] = ()


def cache_folder() -> Path:
    """Where what was built is kept."""
    default = Path(tempfile.gettempdir()) / f"edgeprune-cuda-{os.getuid()}"
    return Path(os.environ.get("EDGEPRUNE_CUDA_CACHE", default))


def digest(
    root: Path, words: Iterable[str], parts: Iterable[str] = _APART, below: Sequence[str] = (".",)
) -> str:
    """Of every source below a folder, the compiler and its options.

    Args:
        parts: of `_APART`, the folders that count; the others are left out.
        below: the folders that anything is included from.
    """
    found = hashlib.sha256()
    without = set(_APART).difference(parts)
    paths = [path for folder in below for path in (root / folder).rglob("*")]
    for path in sorted(p for p in paths if p.suffix in _SOURCE_SUFFIXES):
        if without.intersection(path.relative_to(root).parts):
            continue
        found.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    version = subprocess.run(["g++", "--version"], capture_output=True, check=True).stdout
    for word in (version.decode(), *words):
        found.update(word.encode() + b"\0")
    return found.hexdigest()[:20]


def library(
    name: str,
    units: Sequence[Unit],
    options: Sequence[str],
    *,
    root: Path = CUDA,
    below: Sequence[str] = (".",),
) -> Path:
    """A shared library; waits where another process is compiling the same one.

    Args:
        below: the folders of `root` that anything is included from.

    Raises:
        BuildError: the compiler refused; the message is what it said.
    """
    words = [*options, *(str(u.source.relative_to(root)) + " ".join(u.options) for u in units)]
    parts = {part for u in units for part in u.source.relative_to(root).parts}
    folder = cache_folder() / f"{name}-{digest(root, words, parts, below)}"
    folder.mkdir(parents=True, exist_ok=True)
    # A process takes libraries of the same name for one.
    path = folder / f"lib{folder.name}.so"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _build(path, units, options)
    return path


def _build(path: Path, units: Sequence[Unit], options: Sequence[str]) -> None:
    objects = [path.with_name(f"{i}-{unit.source.stem}.o") for i, unit in enumerate(units)]
    compile_ = ["g++", "-std=c++14", "-fPIC", *WARNINGS, *options]
    commands = [
        [*compile_, *unit.options, "-x", "c++", "-c", str(unit.source), "-o", str(made)]
        for unit, made in zip(units, objects, strict=True)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, commands))
    partial = path.with_suffix(".partial")
    run(["g++", "-shared", *options, *map(str, objects), "-o", str(partial)])
    partial.rename(path)


def run(command: Sequence[str]) -> None:
    """Run a compiler.

    Raises:
        BuildError: it refused.
    """
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command)}\n{done.stderr[-4000:]}")


def linked(path: Path) -> tuple[str, ...]:
    """Options that link with a library and find it again where it is."""
    folder = path.parent
    return ("-Wl,--no-as-needed", f"-L{folder}", f"-Wl,-rpath,{folder}", f"-l:{path.name}")


def plan_library() -> Path:
    """The host side alone."""
    return library("plan", [Unit(source) for source in PLAN_SOURCES], ["-O1", "-Wconversion"])


KERNEL_SOURCES = tuple(sorted((CUDA / "kernels").glob("*_*.cu")))
EMULATION_SOURCES = (CUDA / "emulation" / "launch.cc", CUDA / "harness" / "run_api.cc")
_EMULATION = ("-DEDGEPRUNE_EMULATION", "-Wno-unknown-pragmas", "-I" + str(CUDA))


Shape = tuple[int, int, int, int]


def shape_list(each: Sequence[Shape]) -> str:
    """What a macro for these kernels says: V, groups per warp, pixels per lane, lane split."""
    return " ".join(f"X({','.join(map(str, shape))},__VA_ARGS__)" for shape in each)


def shapes(*each: Shape) -> str:
    """The option of g++ that compiles these only."""
    return f"-DEDGEPRUNE_DIRECT_SHAPES(X,...)={shape_list(each)}"


# Every part of the code, and all of V = 4.
_FEW = shapes(
    (1, 4, 7, 4), (2, 2, 8, 2), (4, 1, 7, 1), (4, 1, 7, 2), (4, 1, 7, 4), (4, 1, 8, 1),
    (4, 1, 8, 2), (4, 1, 8, 4), (8, 1, 4, 1),
)  # fmt: skip
_SOME = shapes((1, 4, 7, 4), (4, 1, 7, 2), (8, 1, 4, 1))
_ONE = shapes((4, 1, 7, 4))
# What each build is for, and how it differs. With more optimisation they take longer to compile,
# the sanitized one four times as long, than the tests' cases gain.
BUILDS = {
    "plain": ("-Og",),
    "races": ("-Og", "-DEDGEPRUNE_RACES", _FEW),
    "counts": ("-Og", "-DEDGEPRUNE_COUNT", _FEW),
    "sanitized": ("-Og", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", _SOME),
}


# Kernels take two ways, before sm_80 and from there on: one build takes the first, the others the
# second, so that both are run.
_WAYS = {"races": ("-DEDGEPRUNE_FEW_REGISTERS",)}


def emulator_library(build: str, *, root: Path = CUDA) -> Path:
    """The kernels as one of `BUILDS` runs them."""
    sources = (*KERNEL_SOURCES, *EMULATION_SOURCES, *PLAN_SOURCES)
    units = [Unit(root / source.relative_to(CUDA)) for source in sources]
    return library(build, units, [*_EMULATION, *BUILDS[build], *_WAYS.get(build, ())], root=root)


def vmma_library(build: str) -> Path:
    """The kernels for tensor cores alone, as one of `BUILDS` runs them."""
    return _alone("vmma", f"vmma-{build}", _without_shapes(build))


def small_vmma_library(build: str, root: Path) -> Path:
    """The same, compiled in a second; for a copy of `cuda/`."""
    return _alone("vmma", f"small-vmma-{build}", ["-O0", *_without_shapes(build)[1:]], root=root)


def small_emulator_library(build: str, root: Path) -> Path:
    """One kernel of each type of kLINEAR, likewise."""
    options = ["-O0", *_without_shapes(build)[1:]]
    return _alone("direct", f"small-{build}", options, [_ONE], root)


def _without_shapes(build: str) -> list[str]:
    return [option for option in BUILDS[build] if option not in (_FEW, _SOME)]


def _alone(
    kernels: str, name: str, options: Sequence[str], shapes: Sequence[str] = (), root: Path = CUDA
) -> Path:
    """Some kernels with what runs them, apart from the host side, which copies alike share."""
    words = [*(option for option in options if not option.startswith("-DEDGEPRUNE")), *shapes]
    host = Unit(root / "harness" / "plan_alone.cc")
    plan = library("host", [host], words, root=root, below=("plan", "harness"))
    unit = Unit(root / "harness" / f"{kernels}_alone.cc")
    return library(name, [unit], [*_EMULATION, *options, *shapes, *linked(plan)], root=root)
