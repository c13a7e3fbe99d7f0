"""What goes wrong between a machine and a board, on purpose."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from board_standin.tree import BoardTree

_PROXY = Path(__file__).with_name("cutting_proxy.py")

_DF = """#!/bin/sh
echo "Filesystem 1024-blocks Used Available Capacity Mounted on"
echo "/dev/mmcblk0p1 59000000 100 {free_kb} 1% /"
"""
_CAT = """#!/bin/sh
head -c {limit}
echo "cat: write error: No space left on device" >&2
exit 1
"""


def cutting(after_bytes: int, how: str = "cut") -> str:
    """An ssh option (`-o`) that ends the connection after so many bytes to the board.

    Args:
        after_bytes: encrypted ones; the login takes about 3000.
        how: `cut`, or `stall`, when neither side hears anything any more.
    """
    words = [sys.executable, str(_PROXY), "%h", "%p", str(after_bytes), how]
    return f"ProxyCommand={shlex.join(words)}"


def tell_free_disk(tree: BoardTree, free_bytes: int) -> None:
    """Let the board's `df` say this."""
    path = tree.programs / "df"
    path.write_text(_DF.format(free_kb=free_bytes // 1024), encoding="utf-8")
    path.chmod(0o755)


@contextlib.contextmanager
def small_disk(tree: BoardTree, folder: Path, size_bytes: int) -> Iterator[None]:
    """A folder on a disk of this size, which `df` says is large.

    It is a tmpfs where this process may mount one (root); else the board's `cat` writes no more
    than that, and fails with the words of a full disk.
    """
    folder.mkdir(parents=True)
    tell_free_disk(tree, 1 << 40)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    is_mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    cat = tree.programs / "cat"
    if not is_mounted:
        cat.write_text(_CAT.format(limit=size_bytes), encoding="utf-8")
        cat.chmod(0o755)
    try:
        yield
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        cat.unlink(missing_ok=True)
        (tree.programs / "df").unlink()
