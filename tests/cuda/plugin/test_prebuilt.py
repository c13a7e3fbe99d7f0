"""The library for aarch64 over CUDA's driver: what it needs, and its host side, run by QEMU."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from needs import lacking
from sparse_harness.prebuilt import build, checking_program, compiler
from sparse_harness.tensorrt_headers import NoHeadersError, tensorrt_headers

_QEMU = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
_SYSTEM = Path("/usr/aarch64-linux-gnu")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, with images that only name what they are for, and a program that loads it."""
    if compiler() is None:
        lacking("needs g++-aarch64-linux-gnu")
    try:
        headers = tensorrt_headers()
    except NoHeadersError as failure:
        lacking(str(failure))
    made: Path = tmp_path_factory.mktemp("prebuilt")
    for sm in (72, 87):
        (made / f"{sm}.cubin").write_bytes(b"cubin for sm_%d\0" % sm)
    build({sm: made / f"{sm}.cubin" for sm in (72, 87)}, made / "plugin.so", headers)
    checking_program(made)
    return made


def _read(option: str, folder: Path) -> str:
    command = ["aarch64-linux-gnu-readelf", option, "--wide", folder / "plugin.so"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


def _run(folder: Path, vector: int = 2, **settings: object) -> subprocess.CompletedProcess[str]:
    if _QEMU is None:
        lacking("needs qemu-user")
    named = {name: str(value) for name, value in settings.items()}
    return subprocess.run(
        [_QEMU, "-L", _SYSTEM, "-E", f"LD_LIBRARY_PATH={folder}", folder / "program",
         folder / "plugin.so", str(vector)],
        capture_output=True, encoding="utf-8", check=False, env={**os.environ, **named},
    )  # fmt: skip


def test_it_needs_only_what_every_board_has(folder: Path) -> None:
    needed = set(re.findall(r"NEEDED.*\[(.*?)\]", _read("-d", folder)))
    assert needed <= {"libc.so.6", "libm.so.6", "libdl.so.2", "libgcc_s.so.1"}


def test_it_loads_with_the_glibc_of_jetpack_5(folder: Path) -> None:
    versions = re.findall(r"Name: GLIBC_(\d+)\.(\d+)", _read("-V", folder))
    assert versions
    assert max((int(major), int(minor)) for major, minor in versions) <= (2, 31)


def test_it_exports_what_tensorrt_asks_for(folder: Path) -> None:
    rows = [row.split() for row in _read("--dyn-syms", folder).splitlines()]
    defined = {row[7] for row in rows if len(row) == 8 and row[4] == "GLOBAL" and row[6] != "UND"}
    assert defined == {"getCreators", "setLoggerFinder"}


@pytest.mark.parametrize(("sm", "image"), [(72, 72), (87, 87), (89, 87)])
def test_the_host_side_runs(folder: Path, sm: int, image: int) -> None:
    done = _run(folder, STANDIN_SM=sm)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "1 SparseConv2d edgeprune"
    assert lines.count("allocate") == lines.count("free") == 4
    assert [line for line in lines if line.startswith("module")] == [
        f"module cubin for sm_{image} at 0"
    ]
    launches = [line for line in lines if line.startswith("launch")]
    assert len(launches) == 2
    kernel = (
        r"launch edgeprune_direct_f16_linear_v2_g\d_p\d_s\d grid \d+ 1 2 block \d+ shared \d+ seg 2"
    )
    assert all(re.fullmatch(kernel, line) for line in launches)


@pytest.mark.parametrize("sm", [87, 89])
def test_the_tensor_cores_kernel_is_launched_with_the_shared_memory_it_needs(
    folder: Path, sm: int
) -> None:
    done = _run(folder, vector=32, STANDIN_SM=sm)
    assert (done.returncode, done.stderr) == (0, "")
    kernel = (
        r"attribute 8 (\d+)\n"
        r"launch edgeprune_vmma_f16_linear_v32_p\d grid \d+ 1 2 block \d+ shared (\d+) seg \d+\n"
    )
    launches = re.findall(kernel, done.stdout)
    assert len(launches) == 2
    assert all(allowed == used and int(used) > 48 * 1024 for allowed, used in launches)


def test_a_vector_of_32_is_refused_where_there_are_no_such_tensor_cores(folder: Path) -> None:
    done = _run(folder, vector=32, STANDIN_SM=72)
    assert done.returncode == 1
    assert "launch" not in done.stdout
    assert "a vector of 32 needs the tensor cores of sm_80" in done.stderr


def test_a_device_that_has_no_kernels_is_told(folder: Path) -> None:
    done = _run(folder, STANDIN_SM=110)
    assert done.returncode == 1
    assert done.stderr == (
        "SparseConv2d: launching the kernel: the library holds no kernels for this device; "
        "build it here\n"
    )


def test_a_driver_that_does_not_answer_is_told(folder: Path) -> None:
    done = _run(folder, STANDIN_INIT=100)
    assert done.returncode == 1
    assert done.stderr == (
        "SparseConv2d: allocating memory of the device: no CUDA driver answers (libcuda.so.1)\n"
    )


def test_the_driver_s_own_words_are_told(folder: Path) -> None:
    done = _run(folder, STANDIN_LAUNCH=719)
    assert done.returncode == 1
    assert done.stderr == ("SparseConv2d: launching the kernel: as told (CUDA_ERROR_STANDIN)\n")
