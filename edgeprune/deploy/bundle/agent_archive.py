"""The agent as one file that any Python from 3.8 on runs."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import edgeprune.device
from edgeprune import __version__

_ROOT = Path(edgeprune.device.__file__).parent
_KINDS = (".py", ".json", ".h", ".cpp")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same code gives the same bytes
_PACKAGE = f'"""The part of edgeprune that runs on a board."""\n\n__version__ = "{__version__}"\n'
_MAIN = """import sys

if sys.version_info < (3, 8):
    sys.stderr.write(
        "edgeprune-agent: needs Python 3.8 or newer, this is %d.%d "
        "(JetPack 4: apt install python3.8, and start the agent with python3.8)\\n"
        % sys.version_info[:2]
    )
    sys.exit(5)
from edgeprune.device.agent.main import main

sys.exit(main())
"""


def agent_archive() -> bytes:
    """A zip archive behind a line that names the interpreter; the same bytes for the same code."""
    buffer = io.BytesIO()
    buffer.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", _MAIN.encode())
        _add(archive, "edgeprune/__init__.py", _PACKAGE.encode())
        for path in sorted(_ROOT.rglob("*")):
            if path.suffix in _KINDS:
                name = f"edgeprune/device/{path.relative_to(_ROOT).as_posix()}"
                _add(archive, name, path.read_bytes())
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    about = zipfile.ZipInfo(name, _LONG_AGO)
    about.compress_type = zipfile.ZIP_DEFLATED
    about.external_attr = 0o644 << 16
    archive.writestr(about, content, compresslevel=9)
