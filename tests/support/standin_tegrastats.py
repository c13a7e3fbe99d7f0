"""A program that looks like tegrastats from outside: it prints lines at the interval asked for.

It notes how it was called, and what it drew when, so that a test can integrate it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

_PROGRAM = """#!{python} -S
import os, sys, time
here = {folder!r}
with open(os.path.join(here, "calls"), "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
with open(os.path.join(here, "pids"), "a") as pids:
    pids.write(str(os.getpid()) + "\\n")
if "--stop" in sys.argv:
    sys.exit(0)
interval_s = int(sys.argv[sys.argv.index("--interval") + 1]) / 1000
began_s = due_s = time.monotonic()
number = 0

def line_at(elapsed_s, number):
{body}

while True:
    line = line_at(time.monotonic() - began_s, number)
    if line is None:
        sys.exit({code})
    try:
        sys.stdout.write(line + "\\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)
    number += 1
    due_s += interval_s
    time.sleep(max(0.0, due_s - time.monotonic()))
"""


def write_tegrastats(folder: Path, body: str, code: int = 0) -> Path:
    """The program; `body` returns the line at a time, or None to end with `code`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tegrastats"
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    path.write_text(
        _PROGRAM.format(python=sys.executable, folder=str(folder), body=indented, code=code)
    )
    path.chmod(0o755)
    return path


def replay(folder: Path, lines: Sequence[str]) -> Path:
    """It prints these lines over and over."""
    return write_tegrastats(folder, f"lines = {list(lines)!r}\nreturn lines[number % len(lines)]")


def orin_line(total_mw: int) -> str:
    """A line in the grammar of an Orin Nano on JetPack 6, with this power at its input.

    The averages are far off: who integrates them is found out.
    """
    return (
        "11-29-2026 08:00:00 RAM 775/7620MB (lfb 3x4MB) SWAP 0/3810MB (cached 0MB) "
        "CPU [0%@729,off] GR3D_FREQ 0%@[305,305]   NVENC  off cpu@48.562C tj@-256C "
        f"VDD_IN {total_mw}mW/1mW NC 5mW/5mW VDD_CPU_GPU_CV {total_mw // 4}mW/1mW "
        f"VDD_SOC {total_mw // 5}mW/1mW"
    )


def calls(program: Path) -> list[str]:
    """How it was called, each time."""
    return (program.parent / "calls").read_text().splitlines()


def process_ids(program: Path) -> list[int]:
    """Of every process that was started."""
    return [int(line) for line in (program.parent / "pids").read_text().split()]
