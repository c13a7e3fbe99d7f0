"""Every board's rails and total; the rails that tegrastats was seen to print on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from power_trees import DEVICE_TREES, board, known_board

from edgeprune.device.power.board_table import find_power_board, power_boards, total_on
from edgeprune.device.probe.board_model import BoardModel, board_model

# board: (rails shown, rails added up, scope)
CASES = [
    ("jetson-nano", "POM_5V_IN POM_5V_GPU POM_5V_CPU", "POM_5V_IN", "module"),
    ("jetson-tx1", "VDD_IN VDD_CPU VDD_GPU", "VDD_IN", "module"),
    ("jetson-tx2", "VDD_SYS_GPU VDD_SYS_SOC VDD_4V0_WIFI VDD_IN VDD_SYS_CPU VDD_SYS_DDR", "VDD_IN",
     "module"),
    ("jetson-xavier-nx", "VDD_IN VDD_CPU_GPU_CV VDD_SOC", "VDD_IN", "module"),
    ("jetson-agx-xavier", "GPU CPU SOC CV VDDRQ SYS5V", "GPU CPU SOC CV VDDRQ SYS5V", "module_sum"),
    ("jetson-orin-nano", "VDD_IN VDD_CPU_GPU_CV VDD_SOC", "VDD_IN", "module"),
    ("jetson-agx-orin", "VDD_GPU_SOC VDD_CPU_CV VIN_SYS_5V0 VDDQ_VDD2_1V8AO",
     "VDD_GPU_SOC VDD_CPU_CV VIN_SYS_5V0", "module_sum"),
    ("jetson-thor", "VDD_GPU VDD_CPU_SOC_MSS VIN_SYS_5V0 VIN", "VIN", "system_input"),
    ("jetson-thor", "VDD_GPU VDD_CPU_SOC_MSS VIN_SYS_5V0", "VDD_GPU VDD_CPU_SOC_MSS VIN_SYS_5V0",
     "module_sum"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shown", "added", "scope"), CASES)
def test_each_board_has_its_total(
    tmp_path: Path, name: str, shown: str, added: str, scope: str
) -> None:
    total = total_on(known_board(tmp_path, name), shown.split())
    assert (total.rails, total.scope, total.reason) == (tuple(added.split()), scope, "")


def test_every_board_of_the_table_is_tried() -> None:
    names = {board.name for board in power_boards()}
    assert names == set(DEVICE_TREES)
    assert names == {case[0] for case in CASES} | {"jetson-nano-2gb"}


def test_a_nano_of_2_gb_has_no_monitor(tmp_path: Path) -> None:
    total = total_on(known_board(tmp_path, "jetson-nano-2gb"), ["X"])
    assert total.rails == ()
    assert "has no power monitor" in total.reason


@pytest.mark.parametrize(
    ("model", "compatible", "name"),
    [
        ("A carrier of someone", "nvidia,p3768-0000+p3767-0000-super", "jetson-orin-nano"),
        ("NVIDIA Jetson Orin NX Engineering Reference Developer Kit", "", "jetson-orin-nano"),
        ("NVIDIA Jetson AGX Orin Developer Kit", "", "jetson-agx-orin"),
        ("NVIDIA Jetson AGX Xavier Developer Kit", "", "jetson-agx-xavier"),
        ("NVIDIA Jetson Nano 2GB Developer Kit", "", "jetson-nano-2gb"),
        ("NVIDIA Jetson TX2 NX Developer Kit", "nvidia,p3509-0000+p3636-0001", "jetson-tx2"),
        ("Raspberry Pi 5 Model B", "brcm,bcm2712", None),
    ],
)
def test_boards_are_known_by_module_or_by_name(
    model: str, compatible: str, name: str | None
) -> None:
    found = find_power_board(BoardModel(model, (compatible,)))
    assert (found and found.name) == name


def test_missing_rails_are_named_with_the_remedy(tmp_path: Path) -> None:
    total = total_on(known_board(tmp_path, "jetson-agx-orin"), ["VDD_GPU_SOC"])
    assert total.scope is None
    assert "needs VDD_CPU_CV, VIN_SYS_5V0, which is not shown: run as root" in total.reason


def test_the_device_tree_is_read(tmp_path: Path) -> None:
    found = board_model(board(tmp_path, "NVIDIA Jetson X", "nvidia,a", "nvidia,tegra234"))
    assert found == ("NVIDIA Jetson X", ("nvidia,a", "nvidia,tegra234"))
    assert found.is_jetson
    pc = board_model(tmp_path / "pc")
    assert pc == ("", ())
    assert not pc.is_jetson
    assert "without a device tree" in total_on(tmp_path / "pc", []).reason
