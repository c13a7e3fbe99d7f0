"""What a model is built for: the boards, their JetPacks, and what TensorRT each of those has.

The table is `targets.json`: one place for the export on the host and for the agent on a board.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeprune.device.errors import DeviceError
from edgeprune.device.tables import read_table


@dataclass(frozen=True)
class Target:
    """A board, or the host, with the software that a model meets there.

    Attributes:
        name: as users say it, such as `jetson-orin`.
        system: JetPack release, or the runtime on a host.
        sm: compute capability of the GPU without the dot; None where it does not matter.
        tensorrt: version of TensorRT; None where another runtime is used.
        cuda: version of CUDA; None where the target does not fix it.
        python: version of the system's Python.
        opset: newest ONNX opset that the runtime's parser is known to read.
        l4t: first Linux for Tegra of this JetPack, such as `36.4`; None on a host.
    """

    name: str
    system: str
    sm: str | None
    tensorrt: str | None
    cuda: str | None
    python: str
    opset: int
    l4t: str | None

    @property
    def tensorrt_release(self) -> tuple[int, int] | None:
        """Major and minor version of TensorRT."""
        if self.tensorrt is None:
            return None
        major, minor = self.tensorrt.split(".")[:2]
        return int(major), int(minor)

    @property
    def label(self) -> str:
        """For people: `jetson-orin (JetPack 6, TensorRT 10.3)`."""
        if self.tensorrt is None:
            return self.name
        return f"{self.name} (JetPack {self.system}, TensorRT {self.tensorrt})"


def target_names() -> tuple[str, ...]:
    """Every target, in the order of the table."""
    return tuple(_table()["targets"])


def find_target(name: str, jetpack: str | None = None) -> Target:
    """The target of this name.

    Args:
        name: one of `target_names()`.
        jetpack: release on the board, such as `6` (6.1 and later), `6.0` or `5`; default: the one
            that most of these boards run.

    Raises:
        DeviceError: there is no such target, or that JetPack does not exist for it. `exit_code` 2.
    """
    table = _table()
    if name not in table["targets"]:
        raise UnknownTargetError(
            f"--target {name}: there is no such target; use {', '.join(table['targets'])}"
        )
    board = table["targets"][name]
    system = board["default"] if jetpack is None else jetpack
    if system not in board["systems"] or (jetpack is not None and not name.startswith("jetson")):
        known = ", ".join(board["systems"]) if name.startswith("jetson") else "none: leave it out"
        raise UnknownTargetError(f"--jetpack {system}: for {name} there is {known}")
    found: dict[str, Any] = table["systems"][system]
    return Target(name=name, system=system, sm=board["sm"], **found)


class UnknownTargetError(DeviceError):
    """A target or JetPack that the table does not have; exit code 2."""

    exit_code = 2


def _table() -> dict[str, Any]:
    return read_table("targets.json")
