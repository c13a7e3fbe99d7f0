"""Puts what goes to a board beside the package into the wheel, as `edgeprune/_payload/`.

`pyproject.toml` names this class; a checkout that is installed with `pip install -e` is used as it
lies there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

_ROOT = Path(__file__).resolve().parent.parent
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.json", "harness", "emulation")


class BuildWithPayload(build_py):
    """The usual build, and then the copies."""

    def run(self) -> None:
        """Build."""
        super().run()
        if not self.editable_mode:
            for name in ("cuda", "deploy"):
                target = Path(self.build_lib) / "edgeprune" / "_payload" / name
                shutil.copytree(_ROOT / name, target, ignore=_LEFT_OUT, dirs_exist_ok=True)
