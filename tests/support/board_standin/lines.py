"""Lines as tegrastats writes them, composed for a board in the grammar of its release."""

from __future__ import annotations

from board_standin.boards import BoardKind


def compose(kind: BoardKind, *, with_powers: bool = True) -> str:
    """One line of an idle board; `{NAME}` stands where a rail's power goes.

    The average and the highest value are not the power: a reader that takes them is wrong.
    Without powers, it is the line of a board whose rails do not answer.
    """
    head = "{DATE} " if kind.dated else ""
    clock = kind.cpu_khz[0] // 1000
    cores = ",".join([f"3%@{clock}"] + [f"0%@{clock}"] * (kind.cores - 2) + ["off"])
    gpu = kind.gpu_hz[0] // 1000000
    parts = [
        f"{head}RAM 775/7620MB (lfb 3x4MB)   SWAP 0/3810MB (cached 0MB)",
        f"CPU [{cores}] EMC_FREQ 0%@2133 GR3D_FREQ 0%@[{gpu}] NVENC      off  VIC   off APE 174",
        "CPU@48.562C SOC2@47.5C GPU@48.5C tj@49.062C CV0@-256C",
    ]
    return " ".join([*parts, *_powers(kind)] if with_powers else parts)


def _powers(kind: BoardKind) -> list[str]:
    parts = [_power(kind, rail.name) for rail in kind.rails]
    if any(rail.name == "NC" for monitor in kind.monitors.values() for rail in monitor):
        parts.append(f"NC 0{kind.unit}/0{kind.unit}")
    if kind.system_input_mw is not None:
        parts.append(_power(kind, "VIN"))
    return parts


def _power(kind: BoardKind, name: str) -> str:
    figures = ["{" + name + "}" + kind.unit, f"4321{kind.unit}"]
    if kind.maximum:
        figures.append(f"98765{kind.unit}")
    return f"{name} {'/'.join(figures)}"
