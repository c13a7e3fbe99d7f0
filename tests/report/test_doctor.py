from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from power_trees import hwmon_monitor, known_board, rapl_zone

from edgeprune.cli.main import run
from edgeprune.device.power import choose
from edgeprune.device.power.nvml import NvmlSensor
from edgeprune.report.doctor import packages
from edgeprune.report.doctor.cuda_driver import CudaDriver
from edgeprune.report.doctor.examination import as_dict, examine, missing_core
from edgeprune.report.doctor.finding import Finding
from edgeprune.report.doctor.hardware import examine_hardware
from edgeprune.report.doctor.packages import Package, examine_core, examine_extras, torch_build
from edgeprune.report.doctor.sensors import examine_sensors
from edgeprune.report.doctor.tools import examine_tools


def _by_name(findings: Any) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def _absent(name: str) -> Any:
    raise OSError(f"{name}: cannot open shared object file")


class FakeCuda:
    """The three calls of libcuda that are made, over ctypes types."""

    def __init__(self, names: list[bytes], status: int = 0) -> None:
        self._names = names
        self._status = status

    def cuInit(self, _flags: int) -> int:  # noqa: N802
        return self._status

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = len(self._names)
        return 0

    def cuDeviceGetName(self, buffer: Any, size: int, number: int) -> int:  # noqa: N802
        buffer.value = self._names[number][: size - 1]
        return 0


def _loads(library: object) -> Callable[[str], Any]:
    return lambda _name: library


def test_this_machine_has_the_core_and_everything_missing_has_a_remedy() -> None:
    findings = examine()
    assert missing_core(findings) == []
    assert {finding.area for finding in findings} == {"core", "hardware", "extras", "tools",
                                                      "sensors"}  # fmt: skip
    for finding in findings:
        assert "\n" not in finding.detail + finding.remedy
        assert finding.remedy or finding.status != "missing", finding.name
    assert as_dict(findings)["ok"] is True


def test_no_package_is_imported_to_look_for_it() -> None:
    script = (
        "import sys\n"
        "from edgeprune.report.doctor.examination import examine\n"
        "examine()\n"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'matplotlib', 'numpy', 'pydantic', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_missing_and_old_core_packages_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = (Package("no_such_module", ("no-such-dist",)), Package("numpy", ("numpy",), "99.0"),
               Package("click", ("click",), "8.1"))  # fmt: skip
    monkeypatch.setattr(packages, "CORE", lacking)
    found = _by_name(examine_core())
    assert found["no_such_module"].remedy == "pip install no-such-dist"
    assert "too old" in found["numpy"].detail
    assert found["numpy"].remedy == "pip install -U 'numpy>=99.0'"
    assert found["click"].status == "ok"
    assert len(missing_core(list(found.values()))) == 2


def test_extras_name_their_extra_and_a_board_never_pip_installs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = (
        Package("no_such_a", ("a",), extra="report"),
        Package("no_such_b", ("b",), extra="gpu"),
    )
    monkeypatch.setattr(packages, "EXTRAS", wanted)
    remedies = [finding.remedy for finding in examine_extras(tmp_path)]
    assert remedies == ["pip install 'edgeprune[report]'", "pip install 'edgeprune[gpu]'"]
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.3\n")
    remedies = [finding.remedy for finding in examine_extras(tmp_path)]
    assert remedies == ["pip install 'edgeprune[report]'",
                        "comes with JetPack; never pip install it on a board"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "build"),
    [("cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", "CUDA 13.0"),
     ("cuda = None\nhip = '6.4'\n", "ROCm 6.4"), ("cuda: Optional[str] = None\n", "CPU only")],
)  # fmt: skip
def test_torchs_build_is_read_from_its_file(text: str, build: str, tmp_path: Path) -> None:
    (tmp_path / "version.py").write_text(text)
    assert torch_build(tmp_path) == build
    assert torch_build(tmp_path / "absent") == torch_build(None) == ""


def test_cuda_driver_names_its_devices_or_why_there_are_none() -> None:
    driver = CudaDriver(_loads(FakeCuda([b"NVIDIA H100", b"NVIDIA T4"])))
    assert driver.device_names() == ("NVIDIA H100", "NVIDIA T4")
    assert driver.why_none() == ""
    assert "no NVIDIA driver" in CudaDriver(_absent).why_none()
    assert "error 100" in CudaDriver(_loads(FakeCuda([], status=100))).why_none()
    assert "no GPU" in CudaDriver(_loads(FakeCuda([]))).why_none()


def _machine(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_machine_with_everything(tmp_path: Path) -> None:
    root = _machine(
        tmp_path,
        proc__cpuinfo="model name\t: Xeon\nflags\t\t: fpu avx2 avx512f amx_bf16\n",
        proc__meminfo="MemTotal: 67108864 kB\nMemAvailable: 33554432 kB\n",
        proc__loadavg="0.00 0.01 0.05 1/200 999\n",
        sys__fs__cgroup__memory_max="ignored",
    )
    driver = CudaDriver(_loads(FakeCuda([b"NVIDIA H100"])))
    found = _by_name(examine_hardware(root, driver, tmp_path))
    assert found["cpu"].status == "ok"
    assert found["cpu"].detail == "Xeon · bf16 in AMX"
    assert found["memory"].detail == "32.0 GiB of 64.0 GiB free"
    assert found["cores"].status == "ok"
    assert found["gpu"].detail.startswith("NVIDIA H100")
    assert found["onnxruntime providers"].detail.startswith("CPU")


def test_a_board_in_a_small_container(tmp_path: Path) -> None:
    root = _machine(
        tmp_path,
        etc__nv_tegra_release="# R36 (release), REVISION: 4.3, GCID: 1\n",
        sys__firmware__devicetree__base__model="NVIDIA Jetson Orin Nano\0",
        proc__cpuinfo="processor: 0\nFeatures: fp asimd bf16\nModel: Cortex-A78AE\n",
        proc__meminfo="MemTotal: 7864320 kB\nMemAvailable: 7340032 kB\n",
        proc__loadavg="9999 1 1 1/200 999\n",
    )
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/memory.max").write_text(f"{2 * 2**30}\n")
    found = _by_name(examine_hardware(root, CudaDriver(_absent), tmp_path))
    assert found["board"].detail.startswith("NVIDIA Jetson Orin Nano · # R36")
    assert found["cpu"].detail == "Cortex-A78AE · bf16 in Arm BF16"
    assert found["memory"].detail == "2.0 GiB of 2.0 GiB free"
    assert found["memory"].status == "limited"
    assert "load 9999.0" in found["cores"].detail
    assert found["gpu"].status == "limited"


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    found = _by_name(examine_hardware(tmp_path, CudaDriver(_absent), tmp_path / "absent"))
    assert "unknown" in found["memory"].detail
    assert found["disk"].status == "limited"
    assert found["cpu"].status == "limited"
    assert "board" not in found
    _machine(tmp_path, proc__loadavg="busy", proc__meminfo="MemTotal: lots\n")
    assert _by_name(examine_hardware(tmp_path, CudaDriver(_absent)))["memory"].status == "limited"


@pytest.fixture
def no_sensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No driver of NVIDIA's and no program, whatever this machine has."""
    monkeypatch.setattr(choose, "NvmlSensor", lambda interval_s: NvmlSensor(interval_s, _absent))
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_sensor")
def test_sensors_count_only_when_they_answer(tmp_path: Path) -> None:
    found = _by_name(examine_sensors(tmp_path))
    assert set(found) == {"INA", "tegrastats", "NVML", "RAPL"}
    assert {finding.status for finding in found.values()} == {"missing"}
    rapl_zone(tmp_path, "intel-rapl:0", "package-0", 12)
    hwmon_monitor(tmp_path, "1-0040", {"VDD_IN": (5000, 1000), "NC": None})
    found = _by_name(examine_sensors(tmp_path))
    assert found["RAPL"].status == "ok"
    assert found["RAPL"].detail == "package-0 · total: cpu_packages"
    assert found["INA"].status == "limited"
    assert "no total" in found["INA"].detail
    found = _by_name(examine_sensors(known_board(tmp_path, "jetson-orin-nano")))
    assert found["INA"].status == "ok"
    assert found["INA"].detail == "VDD_IN · total: module"
    (tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").write_text("")
    assert _by_name(examine_sensors(tmp_path))["RAPL"].status == "missing"


def test_tools_are_looked_up_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert {finding.status for finding in examine_tools()} == {"missing"}
    nvcc = tmp_path / "nvcc"
    nvcc.write_text("#!/bin/sh\necho 'Cuda compilation tools, release 12.6, V12.6.20'\n")
    nvcc.chmod(0o755)
    assert _by_name(examine_tools())["nvcc"].detail.startswith("CUDA 12.6 ")
    nvcc.write_text("#!/bin/sh\nexit 1\n")
    assert _by_name(examine_tools())["nvcc"].status == "limited"
    nvcc.write_bytes(b"\x7fELF broken")
    assert _by_name(examine_tools())["nvcc"].status == "limited"


def test_real_library_loading_never_raises() -> None:
    assert isinstance(CudaDriver(ctypes.CDLL).why_none(), str)
    assert len(list(examine_sensors())) == 4


def test_command_prints_and_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["doctor"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "torch" in out
    assert "→" in out
    with pytest.raises(SystemExit):
        run(["doctor", "--json"])
    content = json.loads(capsys.readouterr().out)
    assert content["ok"] is True
    assert {"area", "name", "status", "detail", "remedy"} == set(content["findings"][0])


def test_command_ends_with_5_when_the_core_is_incomplete(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages, "CORE", (Package("no_such_module", ("no-such-dist",)),))
    with pytest.raises(SystemExit) as ended:
        run(["doctor", "--json"])
    assert ended.value.code == 5
    out, err = capsys.readouterr()
    assert json.loads(out)["ok"] is False
    assert "pip install no-such-dist" in err
